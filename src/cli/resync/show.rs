//! `xmc resync show`: the last cycle of each source, what is open, what was explained.

use super::{Of, kept, lines};
use crate::cli::{CliError, Exit, Report};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;

/// Events that are shown.
const EVENTS: usize = 10;

/// The last comparison with each venue, the differences that are open, and what was explained.
///
/// Reads files, so it works on a dead engine too. Exits with 1 if something is open, or if a
/// source's last cycle had no statement; with 2 if nothing was compared yet.
#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    #[command(flatten)]
    of: Of,
}

pub fn run(args: &ShowArgs, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let directory = args.of.directory()?;
    let (kept, lines) = (kept(&directory)?, lines(&directory));
    let mut last: BTreeMap<&str, &Value> = BTreeMap::new();
    for line in lines.iter().filter(|line| line["is"] == "cycle") {
        last.extend(line["source"].as_str().map(|source| (source, line)));
    }
    let events: Vec<_> = lines.iter().filter(|line| line["is"] != "cycle").collect();
    let events = &events[events.len().saturating_sub(EVENTS)..];
    let is_old = last.values().any(|line| line["outcome"] == "old");
    if out.is_json() {
        let body = json!({
            "sources": last, "open": kept.open, "explained": kept.explained, "events": events,
            "cycles": lines.iter().filter(|line| line["is"] == "cycle").count(),
        });
        out.json("xmc.resync", 1, &body)?;
    } else {
        for (source, line) in &last {
            writeln!(out, "{source}: {}", words(line))?;
            if are_of_two_moments(line) {
                writeln!(
                    out,
                    "  what follows is of two moments, the statement's and the desk's input: what \
                     was on its way between them stands on one side alone"
                )?;
            }
            let held = line["compared"]["positions"].as_array().map(Vec::as_slice);
            for row in held.unwrap_or_default() {
                let (name, venue, desk) = (&row["instrument"], &row["venue"], &row["desk"]);
                let name = name.as_str().unwrap_or_default();
                writeln!(out, "  {name:<12} venue {venue:>6}  desk {desk:>6} lots")?;
            }
            for row in line["compared"]["money"].as_array().map(Vec::as_slice).unwrap_or_default() {
                let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
                let (currency, venue, desk) = (text("currency"), text("venue"), text("desk"));
                writeln!(out, "  {currency:<12} venue {venue}  desk {desk}, sold less bought")?;
            }
        }
        for open in &kept.open {
            let one = &open.difference;
            let order = one.order.as_ref().map_or(String::new(), |order| format!(" order {order}"));
            let adopted = if open.adopted { "; the desk was told the venue's" } else { "" };
            writeln!(
                out,
                "OPEN {}: {} of {}{order}: venue {}, desk {} (source {}, cycle {}, {}){adopted}; \
                 it closes {}",
                one.id,
                one.kind.word(),
                one.of,
                one.venue,
                one.desk,
                one.source,
                open.cycle,
                open.at,
                one.scope
            )?;
        }
        for line in &kept.explained {
            let by: Vec<_> = line.by.iter().map(ToString::to_string).collect();
            let one = &line.difference;
            writeln!(
                out,
                "explained {}: {} of {} by operators {} at {}, commands/{}.note",
                one.id,
                one.kind.word(),
                one.of,
                by.join(" and "),
                line.at,
                line.digest
            )?;
        }
        for event in events {
            let text = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
            writeln!(out, "{} {} {}: {}", text("at"), text("source"), text("is"), text("text"))?;
        }
    }
    if last.is_empty() && kept.open.is_empty() {
        return Err(CliError::could_not_run(format!(
            "nothing was compared in {} yet: name the record of an engine whose configuration has \
             [resync]; while that runs, `xmc resync now` compares at once",
            directory.display()
        )));
    }
    Ok(if kept.open.is_empty() && !is_old { Exit::Ok } else { Exit::Finding })
}

/// Whether a cycle that found nothing has figures that are not the same on both sides.
fn are_of_two_moments(line: &Value) -> bool {
    let is_found = !matches!(line["outcome"].as_str(), Some("agree" | "settled"));
    let rows = ["positions", "money"].map(|of| line["compared"][of].as_array());
    let mut rows = rows.into_iter().flatten().flatten();
    !is_found && rows.any(|row| row["venue"] != row["desk"])
}

/// A cycle in a line.
pub(super) fn words(line: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let what = match line["outcome"].as_str() {
        Some("agree") => "nothing differs",
        Some("settled") => "nothing differs, once all that was on its way had come",
        Some("differ") => "THEY DIFFER",
        _ => "NO STATEMENT CAME",
    };
    let compared = &line["compared"];
    let of = match compared.is_null() {
        true => String::new(),
        false => format!(
            ", statement {} as of {} against input {}, {} orders by their fills",
            compared["statement"],
            text(&compared["as_of"]),
            compared["input"],
            compared["orders_with_fills"]
        ),
    };
    let (cycle, cause) = (&line["cycle"], text(&line["cause"]));
    let mut words = format!("cycle {cycle} ({cause}): {what}{of}");
    for one in line["differences"].as_array().map(Vec::as_slice).unwrap_or_default() {
        words.push_str(&format!(
            "\n  {} {} of {}: venue {}, desk {}",
            text(&one["id"]),
            text(&one["kind"]),
            text(&one["of"]),
            text(&one["venue"]),
            text(&one["desk"])
        ));
    }
    words
}

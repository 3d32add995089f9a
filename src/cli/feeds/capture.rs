//! `xmc feeds CAPTURE`: how lines A and B of each channel did, hour by hour.
//!
//! Who came first and by how much, what each line had that the other lost, what was repeated, and
//! copies of one packet that differ. It decodes no further than a packet's header and takes no book
//! for granted.

use super::score::{Channel, Hour, Scoreboard};
use crate::cli::inspect::Group;
use crate::cli::inspect::lines::Lines;
use crate::cli::inspect::packets::walk;
use crate::cli::plan::table::Align::{Left, Right};
use crate::cli::plan::table::Table;
use crate::cli::report::Utc;
use crate::cli::{CliError, Exit, Report};
use crate::engine::score::NS_PER_HOUR;
use crate::port::capture::{Capture, CaptureError};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::path::Path;
use xmc_hotpath::port::Line;

/// Runs the command on the capture at `path`, of `groups` if any are named; a copy is waited for
/// `wait_ms`.
///
/// # Errors
/// `CouldNotRun` if the capture cannot be read or nothing in it is recognised, `Output` if the
/// report cannot be written.
pub fn run(
    path: &Path,
    groups: &[Group],
    wait_ms: u64,
    out: &mut Report<'_>,
) -> Result<Exit, CliError> {
    let capture = Capture::open(path).map_err(|error| match error {
        CaptureError::Open { .. } => CliError::could_not_run(error),
        error => CliError::could_not_run(format!("{}: {error}", path.display())),
    })?;
    let mut lines = Lines::new(groups.to_vec());
    let mut board = Scoreboard::new(groups, wait_ms * 1_000_000);
    let met = walk(&capture, &mut lines, |packet| {
        board.take(packet);
        Ok(())
    })?;
    let channels = board.finish();
    let is_sound = channels.iter().flat_map(|channel| channel.hours.values()).all(Hour::is_sound);
    if out.is_json() {
        let channels: Vec<_> = channels.iter().map(as_json).collect();
        out.json("xmc.feeds", 1, &json!({ "channels": channels }))?;
    } else {
        channels.iter().try_for_each(|channel| text(channel, out))?;
    }
    let met = met.conclude(&lines)?;
    Ok(if is_sound { met } else { Exit::Finding })
}

fn text(channel: &Channel, out: &mut impl Write) -> io::Result<()> {
    let name =
        |side: usize| channel.groups[side].map_or_else(|| "-".to_owned(), |one| one.to_string());
    writeln!(out, "\nCHANNEL A {} B {}", name(0), name(1))?;
    let columns = [
        ("hour", Left),
        ("line", Left),
        ("packets", Right),
        ("first", Right),
        ("by p50", Right),
        ("p99", Right),
        ("max ns", Right),
        ("saved", Right),
        ("gaps", Right),
        ("twice", Right),
        ("late", Right),
    ];
    let mut table = Table::new("LINES", &columns);
    for (hour, score) in &channel.hours {
        let begin = Utc(hour * NS_PER_HOUR).to_string();
        for (line, of) in Line::BOTH.into_iter().zip(&score.lines) {
            table.row([
                begin.chars().take(13).collect(),
                line.letter().to_string(),
                of.packets.to_string(),
                of.first.to_string(),
                of.lead.value_at_quantile(0.5).to_string(),
                of.lead.value_at_quantile(0.99).to_string(),
                of.most_lead_ns.to_string(),
                of.saved.to_string(),
                of.gaps_saved.to_string(),
                of.repeated.to_string(),
                of.late.to_string(),
            ]);
        }
        if !score.is_sound() {
            let (lost, diverged) = (score.lost, score.diverged);
            table.note(format!(
                "{lost} packets on neither line, {diverged} with copies that differ"
            ));
        }
    }
    table.write(out)
}

fn as_json(channel: &Channel) -> Value {
    let hours = channel.hours.iter().map(|(hour, score)| {
        let lines = Line::BOTH.into_iter().zip(&score.lines).map(|(line, of)| {
            let at = |quantile| of.lead.value_at_quantile(quantile);
            json!({
                "line": line.letter().to_string(),
                "packets": of.packets,
                "first": of.first,
                "lead_ns": {
                    "p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "max": of.most_lead_ns,
                },
                "saved": of.saved,
                "gaps_saved": of.gaps_saved,
                "repeated": of.repeated,
                "late": of.late,
            })
        });
        json!({
            "hour": Utc(hour * NS_PER_HOUR).to_string(),
            "together": score.together,
            "lost": score.lost,
            "diverged": score.diverged,
            "first_diverged": score.first_diverged,
            "lines": lines.collect::<Vec<_>>(),
        })
    });
    json!({
        "line_a": channel.groups[0].map(|group| group.to_string()),
        "line_b": channel.groups[1].map(|group| group.to_string()),
        "hours": hours.collect::<Vec<_>>(),
    })
}

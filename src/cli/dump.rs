//! `xmc dump`: every counter of an engine, with what it says.

use super::counted::{Place, could_not};
use super::{CliError, Exit, Report};
use crate::counters::picture::{Look, Looker, meaning, span, word};
use crate::counters::table::kind_word;
use crate::counters::{Attached, Row};
use crate::monitor::number;
use serde_json::{Value, json};
use std::io::Write;
use xmc_hotpath::counter::Kind;

/// Print every counter of an engine, running or dead, with its unit and a sentence.
///
/// Reads the file that the engine keeps beside its record ring, and asks the engine nothing.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: Place,
    /// Only the counters of this name, or of names with it in them.
    #[arg(long, value_name = "NAME")]
    explain: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// See `CliError`.
pub fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let attached = args.place.open(args.place.configuration()?.as_ref())?;
    let look = Looker::default().look(&attached).map_err(could_not)?;
    let chosen = chosen(&attached, args.explain.as_deref())?;
    let rows = || chosen.iter().map(|&place| &attached.table().rows[place]);
    let values = || chosen.iter().map(|&place| look.values()[place]);
    if out.is_json() {
        let counters: Vec<_> =
            rows().zip(values()).map(|row| told(&attached, &look, row)).collect();
        let run = attached.run();
        let body = json!({
            "engine": {
                "state": meaning(look.engine()).0,
                "pid": run.pid,
                "site": run.identity.site.0,
                "desk": run.identity.desk.0,
                "run": run.identity.run,
                "started_utc_ns": run.started.0,
            },
            "counters": counters,
        });
        out.json("xmc.dump", 1, &body)?;
        return Ok(Exit::Ok);
    }
    if args.explain.is_some() {
        for (row, value) in rows().zip(values()) {
            let shown = shown(&attached, &look, row, value);
            writeln!(out, "{}  {}\n    {}", attached.table().id(row), shown, row.about)?;
        }
        return Ok(Exit::Ok);
    }
    let (run, (state, means)) = (attached.run(), meaning(look.engine()));
    let identity = run.identity;
    writeln!(
        out,
        "{}: site {} desk {} run {}, process {} {state}; {means}",
        attached.path().display(),
        identity.site.0,
        identity.desk.0,
        identity.run,
        run.pid
    )?;
    for (row, value) in rows().zip(values()) {
        let (name, shown) = (attached.table().id(row), shown(&attached, &look, row, value));
        writeln!(out, "{name:<44} {shown:>28}  {}", row.about)?;
    }
    Ok(Exit::Ok)
}

/// The rows that were asked for: those of exactly the name if there are any.
fn chosen(attached: &Attached, name: Option<&str>) -> Result<Vec<usize>, CliError> {
    let table = attached.table();
    let places = 0..table.rows.len();
    let Some(name) = name else { return Ok(places.collect()) };
    let ids: Vec<_> = table.rows.iter().map(|row| table.id(row)).collect();
    let that = |is: &dyn Fn(&str) -> bool| places.clone().filter(|&row| is(&ids[row])).collect();
    let mut found: Vec<usize> = that(&|id| id == name);
    if found.is_empty() {
        found = that(&|id| id.contains(name));
    }
    if found.is_empty() {
        let why =
            format!("no counter is called {name}, nor has that in its name: `xmc dump` lists them");
        return Err(CliError::usage(why));
    }
    Ok(found)
}

/// A value as a person reads it.
fn shown(attached: &Attached, look: &Look, row: &Row, value: u64) -> String {
    match row.kind {
        Kind::Word => word(&row.unit, value),
        Kind::Signed => format!("{} {}", number::figure(value.cast_signed()), row.unit),
        Kind::Ticks => number::span(span(attached, value)),
        Kind::Moment if value == 0 => "never".to_owned(),
        Kind::Moment => match look.age(attached, value) {
            Some(age) => format!("{} ago", number::span(age)),
            None => format!("tick {value}"),
        },
        Kind::Count | Kind::Gauge | Kind::HighWater => {
            format!("{} {}", number::count(value), row.unit)
        }
    }
}

/// A counter in JSON: its value as it is, and what that is in nanoseconds or words.
fn told(attached: &Attached, look: &Look, (row, value): (&Row, u64)) -> Value {
    let table = attached.table();
    let owner = &table.owners[row.owner];
    let mut told = json!({
        "name": table.id(row),
        "owner_kind": owner.kind.word(),
        "owner": owner.name,
        "kind": kind_word(row.kind),
        "unit": row.unit,
        "value": value,
        "about": row.about,
    });
    let (key, also) = match row.kind {
        Kind::Word => ("word", json!(word(&row.unit, value))),
        Kind::Signed => ("value", json!(value.cast_signed())),
        Kind::Ticks => ("ns", json!(span(attached, value).0)),
        Kind::Moment => ("age_ns", json!(look.age(attached, value).map(|age| age.0))),
        Kind::Count | Kind::Gauge | Kind::HighWater => return told,
    };
    told[key] = also;
    told
}

//! `xmc calendar`: when a market or the legs of a pair trade, and whether a pair can be left.
//!
//! It answers for now or for any instant that the calendars are valid for, and says what in them is
//! unproven. It starts nothing and looks at no venue.

mod json;
mod text;

use super::demo::{self, Topology};
use super::{CliError, Exit, Report};
use crate::calendar::{
    self, CalendarError, Kept, Outlook, Shelf, Stretch, Timetable, Verdict, outlook,
};
use crate::config::{self, Configuration, Spread};
use crate::monitor::words::Lang;
use jiff::{SignedDuration, Timestamp};
use std::path::PathBuf;

/// Show when a market or a pair trades, and whether a pair can still be got out of.
///
/// Exit code 1 if nothing may be opened in the pair at that instant; 4 if a calendar that it needs
/// is missing or not valid then.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A pair (`cu_hg`), a venue (`shfe`, `XSGE`) or a product (`cu`); by default every calendar.
    what: Option<String>,
    /// The instant: `2026-11-27T19:30:00Z` or with another offset; by default now.
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// Nothing is opened so shortly before the first leg shuts.
    #[arg(long, value_name = "N", default_value_t = 10,
          value_parser = clap::value_parser!(i64).range(0..=1_440))]
    guard_minutes: i64,
    /// How many changes are shown.
    #[arg(long, value_name = "N", default_value_t = 8)]
    changes: usize,
    /// The configuration that has the pair; by default that of the demonstration.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A folder of calendars; by default those that are part of this program.
    #[arg(long, value_name = "DIR")]
    calendars: Option<PathBuf>,
    /// The language; by default the environment's.
    #[arg(long, value_name = "LANG")]
    lang: Option<Lang>,
}

/// One group of a venue.
struct Hours<'c> {
    kept: &'c Kept,
    table: &'c Timetable,
    /// What it is shown as: the symbol, or the products of the group.
    title: String,
    /// From the instant on; why there is nothing.
    changes: Result<&'c [Stretch], CalendarError>,
}

/// A pair at the instant.
struct Pair<'c> {
    name: String,
    guard: SignedDuration,
    legs: Vec<Hours<'c>>,
    outlook: Result<Outlook, CalendarError>,
}

/// Runs the command.
///
/// # Errors
/// `Usage` if nothing is called that, `Configuration` if a file breaks a rule, `Refused` if a leg
/// has no calendar, `CouldNotRun` if the folder cannot be read.
pub fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let shelf = match &args.calendars {
        None => Shelf::shipped()?,
        Some(folder) => Shelf::of_folder(folder).map_err(|error| match error {
            calendar::ShelfError::Invalid(invalid) => invalid.into(),
            folder => CliError::could_not_run(folder),
        })?,
    };
    let at = args.at.unwrap_or_else(Timestamp::now);
    let lang = args.lang.unwrap_or_else(Lang::of_environment);
    if let Some(wanted) = &args.what
        && let Some((config, index)) = pair_of(args, wanted)?
    {
        let pair = pair(&shelf, &config, &config.spreads[index], at, args)?;
        if out.is_json() {
            out.json("xmc.calendar", 1, &json::pair(&pair, at))?;
        } else {
            text::Page { lang, at, out }.pair(&pair)?;
        }
        return Ok(match pair.outlook {
            Ok(Outlook { verdict: Verdict::Open, .. }) => Exit::Ok,
            Ok(_) => Exit::Finding,
            Err(_) => Exit::Refused,
        });
    }
    let all = hours(&shelf, args.what.as_deref(), at, args.changes);
    if all.is_empty() {
        let wanted = args.what.as_deref().unwrap_or_default();
        let name = |kept: &Kept| {
            let mic = &kept.calendar.mic;
            let short = SHORT.iter().find(|(_, of)| of == mic);
            short.map_or_else(|| mic.clone(), |(short, _)| format!("{mic} ({short})"))
        };
        let known = shelf.calendars().iter().map(name).collect::<Vec<_>>().join(", ");
        let message = format!("{wanted:?} is no pair, venue or product; venues are: {known}");
        return Err(CliError::usage(message));
    }
    if out.is_json() {
        out.json("xmc.calendar", 1, &json::hours(&all, at))?;
    } else {
        text::Page { lang, at, out }.hours(&all)?;
    }
    Ok(Exit::Ok)
}

/// What people call venues, and their market identifier codes of ISO 10383.
const SHORT: [(&str, &str); 10] = [
    ("cffex", "CCFX"),
    ("comex", "XCEC"),
    ("dce", "XDCE"),
    ("hkex", "XHKF"),
    ("ice", "IFEU"),
    ("ine", "XINE"),
    ("lme", "XLME"),
    ("nymex", "XNYM"),
    ("sgx", "XSES"),
    ("shfe", "XSGE"),
];

/// The configuration and the place of the pair in it, if a pair is called so.
fn pair_of(args: &Args, wanted: &str) -> Result<Option<(Configuration, usize)>, CliError> {
    let config = match &args.config {
        Some(file) => config::load(file)?,
        None => demo::configuration(Topology::OneCore)?,
    };
    let name = wanted.to_ascii_lowercase().replace(['-', '/'], "_");
    let index = config.spreads.iter().position(|spread| spread.name.value == name);
    Ok(index.map(|index| (config, index)))
}

/// The traded legs of a pair: one that only prices is not left.
fn pair<'c>(
    shelf: &'c Shelf,
    config: &Configuration,
    spread: &Spread,
    at: Timestamp,
    args: &Args,
) -> Result<Pair<'c>, CliError> {
    let mut legs = Vec::new();
    for leg in spread.legs.iter().filter(|leg| leg.is_traded) {
        let instrument = &config.instruments[leg.instrument.value];
        let mic = &config.venues[instrument.venue].mic;
        let (kept, table) = shelf.find(mic, &instrument.symbol).map_err(CliError::refused)?;
        let title = instrument.symbol.clone();
        legs.push(Hours { kept, table, title, changes: changes(table, at, args.changes) });
    }
    let guard = SignedDuration::from_mins(args.guard_minutes);
    let tables: Vec<_> = legs.iter().map(|leg| leg.table).collect();
    let outlook = outlook(&tables, at, guard);
    Ok(Pair { name: spread.name.value.clone(), guard, legs, outlook })
}

/// The groups of a venue, that of a product, or all of them.
fn hours<'c>(shelf: &'c Shelf, wanted: Option<&str>, at: Timestamp, most: usize) -> Vec<Hours<'c>> {
    let mut all = Vec::new();
    for kept in shelf.calendars() {
        for (group, table) in kept.groups() {
            let is_product =
                |wanted| group.products.iter().any(|product| product.eq_ignore_ascii_case(wanted));
            let is_venue = |wanted: &str| {
                let short = SHORT.iter().find(|(short, _)| short.eq_ignore_ascii_case(wanted));
                let mic = short.map_or(wanted, |(_, mic)| mic);
                kept.calendar.mic.eq_ignore_ascii_case(mic)
            };
            if wanted.is_none_or(|wanted| is_venue(wanted) || is_product(wanted)) {
                let title = group.products.join(" ");
                all.push(Hours { kept, table, title, changes: changes(table, at, most) });
            }
        }
    }
    all
}

/// What is now and the `most` next changes.
fn changes(table: &Timetable, at: Timestamp, most: usize) -> Result<&[Stretch], CalendarError> {
    let stretches = table.from(at)?;
    Ok(&stretches[..stretches.len().min(most.saturating_add(1))])
}

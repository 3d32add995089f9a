//! `[capital]` and `[[capital.leg]]` of an engine: whose money its orders use.
//!
//! Terms and book are files of their own (`config::capital`, `capital::book`), read when the engine
//! starts; the book again whenever it is replaced.

use super::access::Refused;
use super::error::{Problem, Report, Rule};
use super::market::Instrument;
use super::names::Registry;
use super::section::Section;
use super::source::Place;
use super::value::{line, text_of, whole};
use std::path::PathBuf;

/// Between two looks if nothing is written: several fit into the 100 ms within which something has
/// to be done.
const LOOK_MS: u32 = 20;
/// A book is of one trading day, and the longest break of a domestic market is not one.
const BOOK_HOURS: u32 = 24;

/// The money that the engine's orders use, watched while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapitalWatch {
    /// The terms. Only named: their bytes are in no digest of the configuration, so nobody is asked
    /// about a change of them (`crate::governance`).
    pub terms: PathBuf,
    /// The book; replaced as a whole by whoever asks the brokers.
    pub book: PathBuf,
    /// Between two looks, ms.
    pub look_ms: u32,
    /// A book that is older is not relied on.
    pub book_hours: u32,
    /// Where each traded instrument is held; one each.
    pub legs: Vec<CapitalLeg>,
}

/// Where an instrument is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapitalLeg {
    /// The instrument's place in the configuration.
    pub instrument: usize,
    /// The account of the terms.
    pub account: String,
    /// The contract of the terms.
    pub contract: String,
}

/// Reads the section, if there is one.
pub(super) fn capital(
    section: Option<Section<'_>>,
    names: &Registry,
    instruments: &[Option<Instrument>],
    report: &Report,
) -> Result<Option<CapitalWatch>, Refused> {
    let Some(section) = section else { return Ok(None) };
    let title = section.place().clone();
    let path = |key| PathBuf::from(section.required(key, line(4_096)).value);
    let watch = CapitalWatch {
        terms: path("terms"),
        book: path("book"),
        look_ms: section.optional("look_ms", whole(5..=50)).map_or(LOOK_MS, |ms| ms.value),
        book_hours: section
            .optional("book_hours", whole(1..=240))
            .map_or(BOOK_HOURS, |hours| hours.value),
        legs: Vec::new(),
    };
    let read: Option<Vec<_>> =
        section.tables("leg").into_iter().map(|table| leg(table, names)).collect();
    let watch = section.finish(watch);
    let (Some(watch), Some(read)) = (watch, read) else { return Err(Refused) };
    match is_whole(&read, instruments, names, &title, report) {
        true => {
            let legs = read.into_iter().map(|(leg, _)| leg).collect();
            Ok(Some(CapitalWatch { legs, ..watch }))
        }
        false => Err(Refused),
    }
}

fn leg(section: Section<'_>, names: &Registry) -> Option<(CapitalLeg, Place)> {
    let instrument = names.instruments.resolve(&section, "instrument");
    // Names of the terms, which know their own rules.
    let text = |key| section.required(key, |value| text_of(value).map(str::to_owned)).value;
    let leg = CapitalLeg {
        instrument: instrument.value,
        account: text("account"),
        contract: text("contract"),
    };
    section.finish((leg, instrument.place))
}

/// Whether every instrument that is traded is there, once.
fn is_whole(
    legs: &[(CapitalLeg, Place)],
    instruments: &[Option<Instrument>],
    names: &Registry,
    title: &Place,
    report: &Report,
) -> bool {
    let mut is_whole = true;
    for (name, at) in names.instruments.iter().zip(0..) {
        let mut found = legs.iter().filter(|(leg, _)| leg.instrument == at);
        let is_traded = instruments[at].as_ref().is_some_and(|row| row.gateway.is_some());
        let problem = match (found.next(), found.next()) {
            (None, _) if is_traded => {
                let message = format!("nothing says in which account \"{name}\" is held");
                Problem::new(Rule::CapitalLegs, message, title.clone(), "no [[capital.leg]] of it")
                    .help("write [[capital.leg]] with instrument, account and contract")
            }
            (Some((_, first)), Some((_, second))) => {
                let message = format!("\"{name}\" is held in two places");
                Problem::new(Rule::CapitalLegs, message, second.clone(), "again")
                    .also(first, "first here")
                    .help("keep one [[capital.leg]] for each instrument")
            }
            _ => continue,
        };
        report.add(problem);
        is_whole = false;
    }
    is_whole
}

//! Calendars as the desk is told them: the window of each instrument that is, or the next one.
//!
//! The desk knows no wall clock, so windows are told on the engine's own. Each is told ahead of its
//! time and again when the two clocks have moved against each other; what is not told any more,
//! because a calendar has ended or this thread has, shuts by itself. Whether a venue really trades
//! is the feeds' business. Called by `live`, on the cold side.

use crate::calendar::{CalendarError, Shelf, Timetable, instant};
use crate::config::{Configuration, Invalid};
use jiff::{SignedDuration, Timestamp};
use xmc_hotpath::message::{self, ClockScale, Control, Hours};
use xmc_hotpath::time::{MonoNs, UnixNs};

/// Windows are told again when they have moved by more on the engine's clock: what steps there are
/// in a clock that is kept are far below.
const MOVED_NS: u64 = 50_000_000;

/// Why an engine that keeps market hours cannot start.
#[derive(Debug, thiserror::Error)]
pub enum HoursError {
    /// An instrument has no calendar, or it is not valid now.
    #[error("{instrument}: {source}")]
    Calendar {
        /// The instrument.
        instrument: String,
        /// Why.
        source: CalendarError,
    },
    /// A calendar breaks a rule.
    #[error("{0}")]
    Invalid(Box<Invalid>),
}

/// The calendars of what a desk trades.
#[derive(Debug, Default)]
pub struct MarketHours {
    rows: Vec<Row>,
    guard: SignedDuration,
}

#[derive(Debug)]
struct Row {
    instrument: message::InstrumentIndex,
    table: Timetable,
    told: Option<Hours>,
}

impl MarketHours {
    /// Those of `config`, which must be valid at `utc`; none if it does not keep hours.
    ///
    /// # Errors
    /// See `HoursError`.
    pub fn of(config: &Configuration, utc: UnixNs) -> Result<Self, HoursError> {
        let Some(guard_minutes) = config.engine.guard_minutes else {
            return Ok(Self::default());
        };
        let shelf = Shelf::shipped().map_err(|invalid| HoursError::Invalid(Box::new(invalid)))?;
        let mut rows = Vec::new();
        for (instrument, row) in config.instruments.iter().zip(0..) {
            // What only prices is not traded, at any hour.
            if instrument.gateway.is_none() {
                continue;
            }
            let mic = &config.venues[instrument.venue].mic;
            let found = shelf.find(mic, &instrument.symbol).and_then(|(_, table)| {
                table.at(instant(utc))?;
                Ok(table.clone())
            });
            let table = found.map_err(|source| HoursError::Calendar {
                instrument: instrument.name.value.clone(),
                source,
            })?;
            rows.push(Row { instrument: message::InstrumentIndex(row), table, told: None });
        }
        Ok(Self { rows, guard: SignedDuration::from_mins(guard_minutes.into()) })
    }

    /// The windows as they were told last, by instrument; nothing of one whose hours nobody keeps.
    pub fn told(&self) -> impl Iterator<Item = &Hours> {
        self.rows.iter().filter_map(|row| row.told.as_ref())
    }

    /// What the desk has to be told now.
    pub fn due(&mut self, scale: &ClockScale) -> Vec<Control> {
        let guard = self.guard;
        let at = instant(scale.utc);
        let due = self.rows.iter_mut().filter_map(|row| {
            let hours = row.hours(at, guard, scale)?;
            let moved = |told: &Hours| {
                let ends = [(told.from, hours.from), (told.until, hours.until)];
                ends.iter().any(|(was, is)| was.0.abs_diff(is.0) > MOVED_NS)
            };
            row.told.as_ref().is_none_or(moved).then(|| {
                row.told = Some(hours);
                Control::Hours(hours)
            })
        });
        due.collect()
    }
}

impl Row {
    /// The window that is at an instant, or the next; one without any length if no more is known.
    fn hours(&self, at: Timestamp, guard: SignedDuration, scale: &ClockScale) -> Option<Hours> {
        let (from, until) = match self.table.window(at) {
            Ok(Some(window)) => window,
            Ok(None) => (at, at),
            // The calendar has ended: so has the last window.
            Err(_) => return None,
        };
        let opening_until = until.saturating_sub(guard).ok()?;
        let [from, opening_until, until] =
            [from, opening_until, until].map(|instant| on_clock(instant, scale));
        Some(Hours { instrument: self.instrument, from, opening_until, until })
    }
}

/// An instant on the engine's clock; what was before its beginning is its beginning.
fn on_clock(instant: Timestamp, scale: &ClockScale) -> MonoNs {
    let utc_ns = instant.as_nanosecond();
    let ns = utc_ns - i128::from(scale.utc.0) + i128::from(scale.at.0);
    MonoNs(u64::try_from(ns.max(0)).unwrap_or(u64::MAX))
}

//! When markets trade: phases, trading days, and whether a pair can still be got out of.
//!
//! A calendar is a file per venue (`config/calendars/`) with the dates that it is valid for, where
//! its facts come from and which of them are unproven. `timetable` lays it out once, in UTC, so
//! that every question is a search in a sorted list: daylight saving, night sessions, holidays and
//! short days are gone by then. What is asked for outside the dates of a calendar is refused by
//! type, and never guessed.
//!
//! It reads no clock, knows no quotes and stops no order. It knows planned hours alone: that a
//! venue halts or opens late is told by its own messages. Called by `xmc calendar` and by
//! `engine::hours`, which tells the desk.

mod exit;
mod read;
mod shelf;
mod timetable;
mod week;

pub use exit::{ClosesFirst, Outlook, Verdict, outlook};
pub use read::{load, of_text};
pub use shelf::{Kept, Shelf, ShelfError};
pub use timetable::{LONGEST_BREAK, Moment, Stretch, Timetable};
pub use week::{Pause, Week, WeekTime};

pub(crate) use read::{date, minutes, zone};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use xmc_hotpath::time::UnixNs;

/// What a market does at an instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Phase {
    /// No trading, for longer than a break.
    #[default]
    Closed,
    /// Orders are gathered and matched at once.
    Auction,
    /// Orders are matched as they come.
    Continuous,
    /// No trading between two windows that are close to each other.
    Break,
}

/// Why a calendar has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// No calendar has the product.
    #[error("no calendar has {symbol} of {mic}: add it to a group of a file in config/calendars")]
    Unknown {
        /// The venue.
        mic: String,
        /// What was looked for.
        symbol: String,
    },
    /// The calendar of the venue has no dates at all: none of its holidays is sourced.
    #[error(
        "the calendar of {mic} is valid for no day, for want of a sourced list of holidays: \
         write one into its file, with valid_from and valid_until"
    )]
    NoDates {
        /// The venue.
        mic: String,
    },
    /// The instant lies outside the dates that the calendar is valid for.
    #[error(
        "the calendar of {mic} is valid from {from} to {until}, and {at} is outside: \
         bring its file up to date"
    )]
    Outside {
        /// The venue.
        mic: String,
        /// The first day.
        from: Date,
        /// The last day.
        until: Date,
        /// The instant asked about.
        at: Timestamp,
    },
}

/// The hours of one venue, as its file has them.
#[derive(Clone, Debug)]
pub struct Calendar {
    /// Market identifier code of ISO 10383.
    pub mic: String,
    /// What it is called.
    pub name: String,
    /// The same in Chinese.
    pub name_zh: String,
    /// What its hours are written in.
    pub zone: TimeZone,
    /// First and last day that it is valid for, in its own time zone; `None`: for no day.
    pub valid: Option<(Date, Date)>,
    /// Where its facts come from.
    pub sources: Vec<String>,
    /// What in it nobody has proven.
    pub unproven: Vec<String>,
    /// Products that trade in the same hours.
    pub groups: Vec<Group>,
    /// Which evening a window begins in that is marked `eve`.
    eve: Eve,
    closures: Vec<Closure>,
    specials: Vec<Special>,
}

/// Products that trade in the same hours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// What it is called.
    pub name: String,
    /// Its products, as the venue's symbols begin: `cu`, `HG`.
    pub products: Vec<String>,
    windows: Vec<Window>,
}

/// Whose evening the windows marked `eve` are in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Eve {
    /// That of the trading day before, and only if no public holiday lies between: the domestic
    /// night sessions.
    #[default]
    TradingDay,
    /// That of the calendar day before: Globex opens Sunday evening for Monday.
    CalendarDay,
}

/// Days without trading, the first and the last included.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Closure {
    from: Date,
    until: Date,
}

/// A day with hours of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Special {
    date: Date,
    /// What trades then is of this trading day.
    trading_day: Date,
    windows: Vec<Window>,
}

/// One window of a trading day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Window {
    phase: Phase,
    /// Hours are those of the evening before.
    is_eve: bool,
    /// Only on days without windows in the evening before.
    is_without_eve: bool,
    /// Minutes from the midnight that the day, or the evening's day, begins with.
    from_minutes: u16,
    /// The same; 25:00 is one o'clock in the night after.
    until_minutes: u16,
}

impl Calendar {
    /// Whether nothing trades on a day because a closure says so.
    fn is_holiday(&self, day: Date) -> bool {
        self.closures.iter().any(|closure| (closure.from..=closure.until).contains(&day))
    }

    /// The group that a symbol such as `cu2609` or `HGU6` belongs to.
    #[must_use]
    pub fn group_of(&self, symbol: &str) -> Option<&Group> {
        let root = symbol.trim_end_matches(|letter: char| letter.is_ascii_digit());
        // Abroad the letter before the year is the month.
        let shorter = root.strip_suffix(|letter: char| letter.is_ascii_alphabetic());
        let has = |group: &&Group, root: &str| {
            group.products.iter().any(|product| product.eq_ignore_ascii_case(root))
        };
        let exact = self.groups.iter().find(|group| has(group, root));
        exact.or_else(|| self.groups.iter().find(|group| has(group, shorter.unwrap_or(root))))
    }

    /// The instants that it is valid for: the first, and the first that it no longer is.
    fn span(&self) -> Option<(Timestamp, Timestamp)> {
        let (from, until) = self.valid?;
        let midnight = |day: Date| Some(day.to_zoned(self.zone.clone()).ok()?.timestamp());
        Some((midnight(from)?, midnight(until.tomorrow().ok()?)?))
    }

    /// Days from an instant to the end of the calendar; `None` if it is not valid then.
    #[must_use]
    pub fn days_left(&self, at: Timestamp) -> Option<i64> {
        let (from, until) = self.span()?;
        (from <= at && at < until).then(|| until.duration_since(at).as_hours() / 24)
    }
}

/// An instant of a calendar on the scale that records have; before 1970 it is 1970.
#[must_use]
pub fn unix(at: Timestamp) -> UnixNs {
    UnixNs(u64::try_from(at.as_nanosecond()).unwrap_or(0))
}

/// The instant of a record's time.
#[must_use]
pub fn instant(at: UnixNs) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(at.0)).unwrap_or(Timestamp::MAX)
}

/// `guard` before an instant.
fn before(at: Timestamp, guard: SignedDuration) -> Timestamp {
    at.saturating_sub(guard).unwrap_or(Timestamp::MIN)
}

//! Whose trading day a moment belongs to, and when that ends.

use crate::calendar::{Phase, Timetable, instant};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use xmc_hotpath::time::UnixNs;

/// A trading day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    /// The date that it has.
    pub date: Date,
    /// When it closes.
    pub close: Timestamp,
    /// By a calendar; else it is the day in UTC.
    pub is_by_calendar: bool,
}

impl Day {
    /// The trading day of a market with these hours at a moment; where no calendar is valid, the
    /// day in UTC. `None` of a moment that no clock shows.
    #[must_use]
    pub fn at(hours: Option<&Timetable>, utc: UnixNs) -> Option<Self> {
        let at = instant(utc);
        hours.and_then(|hours| Self::by_calendar(hours, at)).or_else(|| {
            let date = at.to_zoned(TimeZone::UTC).date();
            let close = date.tomorrow().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp();
            Some(Self { date, close, is_by_calendar: false })
        })
    }

    fn by_calendar(hours: &Timetable, at: Timestamp) -> Option<Self> {
        let date = hours.at(at).ok()?.trading_day?;
        let rest = hours.from(at).ok()?;
        let of_day = rest.iter().take_while(|stretch| stretch.trading_day == Some(date)).count();
        let trades = |phase| matches!(phase, Phase::Continuous | Phase::Auction);
        let last = (0..of_day).rev().find(|place| trades(rest[*place].phase));
        let close = last.map(|place| rest.get(place + 1).map_or(hours.end(), |next| next.from));
        // After its last window a day has closed, and what comes is of the next.
        Some(Self { date, close: close.unwrap_or(at), is_by_calendar: true })
    }
}

/// A moment as people of the desk read it: UTC, to the minute.
#[must_use]
pub fn minute(at: Timestamp) -> String {
    let up = at.checked_add(59.seconds()).unwrap_or(at);
    up.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M UTC").to_string()
}

//! Whose trading day a moment belongs to, when that ends, and how long it trades until then.

use crate::calendar::{Phase, Timetable, instant};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use std::sync::Arc;
use xmc_hotpath::time::UnixNs;

/// A trading day, as it lies before a moment of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Day {
    /// The date that it has.
    pub date: Date,
    /// When it closes.
    pub close: Timestamp,
    /// By a calendar; else it is the day in UTC.
    pub is_by_calendar: bool,
    /// When it trades, from that moment on: each from when and until when, in order.
    windows: Arc<[[UnixNs; 2]]>,
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
            let windows = Arc::new([[utc, nanoseconds(close)]]);
            Some(Self { date, close, is_by_calendar: false, windows })
        })
    }

    fn by_calendar(hours: &Timetable, at: Timestamp) -> Option<Self> {
        let date = hours.at(at).ok()?.trading_day?;
        let rest = hours.from(at).ok()?;
        let of_day = rest.iter().take_while(|stretch| stretch.trading_day == Some(date)).count();
        let trades = |phase| matches!(phase, Phase::Continuous | Phase::Auction);
        let until = |place: usize| rest.get(place + 1).map_or(hours.end(), |next| next.from);
        let places = || (0..of_day).filter(|place| trades(rest[*place].phase));
        let windows =
            places().map(|place| [rest[place].from.max(at), until(place)].map(nanoseconds));
        let windows = windows.collect();
        // After its last window a day has closed, and what comes is of the next.
        let close = places().next_back().map_or(at, until);
        Some(Self { date, close, is_by_calendar: true, windows })
    }

    /// How long it trades between two moments, the first of them not before that which it was asked
    /// for, in nanoseconds.
    #[must_use]
    pub fn traded_ns(&self, from: UnixNs, until: UnixNs) -> u64 {
        let within =
            |[begin, end]: &[UnixNs; 2]| end.0.min(until.0).saturating_sub(begin.0.max(from.0));
        self.windows.iter().map(within).sum()
    }

    /// When it has traded so long from a moment on; `None`: not before its close.
    #[must_use]
    pub fn after(&self, from: UnixNs, traded_ns: u64) -> Option<UnixNs> {
        let mut left_ns = traded_ns;
        for [begin, end] in self.windows.iter() {
            let begin = begin.0.max(from.0);
            let lasts_ns = end.0.saturating_sub(begin);
            if left_ns < lasts_ns {
                return Some(UnixNs(begin + left_ns));
            }
            left_ns -= lasts_ns;
        }
        None
    }

    /// The later day of two; of one date that which closes later.
    #[must_use]
    pub fn later(self, other: Self) -> Self {
        if (other.date, other.close) >= (self.date, self.close) { other } else { self }
    }
}

fn nanoseconds(at: Timestamp) -> UnixNs {
    UnixNs(u64::try_from(at.as_nanosecond()).unwrap_or(0))
}

/// A moment as people of the desk read it: UTC, to the minute.
#[must_use]
pub fn minute(at: Timestamp) -> String {
    let up = at.checked_add(59.seconds()).unwrap_or(at);
    up.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M UTC").to_string()
}

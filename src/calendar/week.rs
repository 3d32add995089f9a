//! The week of an order session: when it is planned to end, and when the next one begins.
//!
//! Holidays move neither: a session may stand while nothing trades. Called by `engine::sessions`.

use super::{instant, unix};
use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use xmc_hotpath::time::UnixNs;

/// Days that are looked at on either side of an instant: more than a week and its pause.
const NEAR_DAYS: i32 = 9;

/// An hour of each week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeekTime {
    /// The day.
    pub day: Weekday,
    /// Minutes from its midnight.
    pub minutes: u16,
}

/// A week of sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Week {
    /// What its hours are written in.
    pub zone: TimeZone,
    /// From then on there is no session.
    pub ends: WeekTime,
    /// From then on there is the next one.
    pub begins: WeekTime,
}

/// The time between two weeks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    /// The last session has ended by then.
    pub from: UnixNs,
    /// The next one begins.
    pub until: UnixNs,
}

impl Pause {
    /// Whether it is at `at`.
    #[must_use]
    pub fn holds(&self, at: UnixNs) -> bool {
        self.from <= at && at < self.until
    }
}

impl Week {
    /// The pause that is at `at`, or the next; `None` beyond the years that a calendar has.
    #[must_use]
    pub fn pause(&self, at: UnixNs) -> Option<Pause> {
        let today = instant(at).to_zoned(self.zone.clone()).date();
        (-NEAR_DAYS..=NEAR_DAYS).find_map(|days| {
            let from = self.on(today.checked_add(days.days()).ok()?, self.ends)?;
            let first = today.checked_add(days.days()).ok()?;
            let until = (0..=NEAR_DAYS).find_map(|days| {
                let begins = self.on(first.checked_add(days.days()).ok()?, self.begins)?;
                (begins > from).then_some(begins)
            })?;
            let pause = Pause { from: unix(from), until: unix(until) };
            (at < pause.until).then_some(pause)
        })
    }

    /// That time on a date, if it is its day.
    fn on(&self, date: Date, time: WeekTime) -> Option<Timestamp> {
        if date.weekday() != time.day {
            return None;
        }
        let midnight: DateTime = date.at(0, 0, 0, 0);
        let at = midnight.checked_add(i64::from(time.minutes).minutes()).ok()?;
        Some(at.to_zoned(self.zone.clone()).ok()?.timestamp())
    }
}

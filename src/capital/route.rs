//! When money leaves and when it arrives: cut-offs, time zones, weekends, holidays.

use crate::config::capital::Route;
use jiff::civil::{Date, Weekday};
use jiff::{SignedDuration, Timestamp};

/// Days that are looked at for one on which a route is open.
const MOST_DAYS: u32 = 30;

/// A transfer's times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// When it is taken.
    pub leaves: Timestamp,
    /// When it is there, if nothing goes wrong.
    pub arrives: Timestamp,
}

/// When a transfer that is asked for at `now` leaves and arrives; `None` if the route is not open
/// within a month.
#[must_use]
pub fn times(route: &Route, now: Timestamp) -> Option<Times> {
    let local = now.to_zoned(route.zone.clone());
    let mut day = local.date();
    for _ in 0..MOST_DAYS {
        if is_open(route, day) {
            let opens = at(route, day, route.opens)?;
            let closes = at(route, day, route.cut_off)?;
            if now < closes {
                let leaves = now.max(opens);
                let takes = SignedDuration::from_mins(i64::from(route.takes_minutes));
                return Some(Times { leaves, arrives: leaves.checked_add(takes).ok()? });
            }
        }
        day = day.tomorrow().ok()?;
    }
    None
}

fn is_open(route: &Route, day: Date) -> bool {
    let is_weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
    !is_weekend && !route.holidays.contains(&day)
}

fn at(route: &Route, day: Date, time: jiff::civil::Time) -> Option<Timestamp> {
    Some(day.to_datetime(time).to_zoned(route.zone.clone()).ok()?.timestamp())
}

//! The week of an order session, over a year with both changes of the clock.

use cross_market_connect::calendar::{Week, WeekTime, instant, unix};
use jiff::civil::Weekday;
use jiff::tz::TimeZoneDatabase;
use jiff::{SignedDuration, Timestamp};
use xmc_hotpath::time::UnixNs;

fn globex() -> Week {
    Week {
        zone: TimeZoneDatabase::bundled().get("America/Chicago").expect("it is built in"),
        ends: WeekTime { day: Weekday::Friday, minutes: 17 * 60 },
        begins: WeekTime { day: Weekday::Sunday, minutes: 15 * 60 + 30 },
    }
}

fn at(text: &str) -> UnixNs {
    unix(text.parse::<Timestamp>().expect("an instant"))
}

#[test]
fn a_pause_is_found_from_before_and_from_within() {
    let (week, from, until) = (globex(), at("2026-11-20T23:00:00Z"), at("2026-11-22T21:30:00Z"));
    for seen in ["2026-11-17T00:00:00Z", "2026-11-20T22:59:59Z", "2026-11-20T23:00:00Z"] {
        let pause = week.pause(at(seen)).expect("there is one");
        assert_eq!((pause.from, pause.until), (from, until), "seen from {seen}");
        assert_eq!(pause.holds(at(seen)), at(seen) >= from);
    }
    let last = UnixNs(until.0 - 1);
    assert!(week.pause(last).expect("there is one").holds(last));
    let next = week.pause(until).expect("there is one");
    assert_eq!(next.from, at("2026-11-27T23:00:00Z"));
}

/// Chicago's clock changes on Sundays at two, within a pause.
#[test]
fn a_change_of_the_clock_makes_a_pause_shorter_or_longer() {
    let lasts = |seen| {
        let pause = globex().pause(at(seen)).expect("there is one");
        (pause.until.0 - pause.from.0) / 60_000_000_000
    };
    let usual = 46 * 60 + 30;
    assert_eq!(lasts("2026-06-06T12:00:00Z"), usual);
    assert_eq!(lasts("2026-03-07T12:00:00Z"), usual - 60);
    assert_eq!(lasts("2026-10-31T12:00:00Z"), usual + 60);
}

/// Whenever one looks, the pause is the one that is or the next, and they do not meet.
#[test]
fn every_hour_of_a_year_knows_its_pause() {
    let (week, mut pauses) = (globex(), Vec::new());
    let mut now = at("2026-01-01T00:00:00Z");
    while now < at("2027-01-01T00:00:00Z") {
        let pause = week.pause(now).expect("there is one");
        assert!(pause.until > now && pause.from < pause.until, "{now:?}: {pause:?}");
        let ahead = instant(pause.from).duration_since(instant(now));
        assert!(ahead < SignedDuration::from_hours(6 * 24), "{now:?}: {pause:?}");
        if pauses.last() != Some(&pause) {
            pauses.push(pause);
        }
        now = UnixNs(now.0 + 3_600_000_000_000);
    }
    assert!(pauses.windows(2).all(|pair| pair[0].until < pair[1].from));
    assert_eq!(pauses.len(), 53, "the last one begins in the year");
}

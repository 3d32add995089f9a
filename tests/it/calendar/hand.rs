//! Single instants, reckoned by hand from a wall calendar.

use super::{at, shelf};
use cross_market_connect::calendar::{CalendarError, Phase};
use jiff::Timestamp;

/// Venue, symbol, instant, phase, trading day, next change.
type Case = (&'static str, &'static str, &'static str, Phase, &'static str, &'static str);

const CASES: &[Case] = &[
    // Daylight saving in the United States begins on Sunday 8 March 2026: Globex opens at 17:00 of
    // Chicago, which is 22:00 and no longer 23:00 in UTC.
    ("XCEC", "HGK6", "2026-03-06T21:59:00Z", Phase::Continuous, "2026-03-06", "2026-03-06T22:00Z"),
    ("XCEC", "HGK6", "2026-03-06T22:00:00Z", Phase::Closed, "2026-03-09", "2026-03-08T22:00Z"),
    ("XCEC", "HGK6", "2026-03-08T22:00:00Z", Phase::Continuous, "2026-03-09", "2026-03-09T21:00Z"),
    // It ends on 1 November.
    ("XNYM", "CLZ6", "2026-10-30T20:59:00Z", Phase::Continuous, "2026-10-30", "2026-10-30T21:00Z"),
    ("XNYM", "CLZ6", "2026-11-01T22:59:00Z", Phase::Closed, "2026-11-02", "2026-11-01T23:00Z"),
    ("XNYM", "CLZ6", "2026-11-01T23:00:00Z", Phase::Continuous, "2026-11-02", "2026-11-02T22:00Z"),
    // In London it begins on 29 March and ends on 25 October.
    ("XLME", "CA", "2026-03-27T19:00:00Z", Phase::Closed, "2026-03-30", "2026-03-30T00:00Z"),
    ("XLME", "CA", "2026-03-30T00:00:00Z", Phase::Continuous, "2026-03-30", "2026-03-30T18:00Z"),
    ("XLME", "CA", "2026-10-23T17:59:00Z", Phase::Continuous, "2026-10-23", "2026-10-23T18:00Z"),
    ("XLME", "CA", "2026-10-26T00:59:00Z", Phase::Closed, "2026-10-26", "2026-10-26T01:00Z"),
    // Friday night in Shanghai is Monday's trading day, on Saturday morning as well.
    (
        "XSGE",
        "cu2612",
        "2026-11-20T13:00:00Z",
        Phase::Continuous,
        "2026-11-23",
        "2026-11-20T17:00Z",
    ),
    (
        "XSGE",
        "au2612",
        "2026-11-20T18:29:00Z",
        Phase::Continuous,
        "2026-11-23",
        "2026-11-20T18:30Z",
    ),
    ("XSGE", "au2612", "2026-11-20T18:30:00Z", Phase::Closed, "2026-11-23", "2026-11-23T01:00Z"),
    // No night before National Day: Wednesday 30 September is followed by the auction of 8 October.
    ("XSGE", "cu2612", "2026-09-30T13:00:00Z", Phase::Closed, "2026-10-08", "2026-10-08T00:55Z"),
    ("XSGE", "cu2612", "2026-10-08T00:55:00Z", Phase::Auction, "2026-10-08", "2026-10-08T01:00Z"),
    // A Sunday and a Saturday that are worked do not trade.
    ("XDCE", "i2609", "2026-02-14T02:00:00Z", Phase::Closed, "2026-02-24", "2026-02-24T00:55Z"),
    ("CCFX", "IF2609", "2026-09-20T02:00:00Z", Phase::Closed, "2026-09-21", "2026-09-21T01:25Z"),
    // The breaks of a day in Shanghai.
    ("XINE", "sc2612", "2026-11-23T02:15:00Z", Phase::Break, "2026-11-23", "2026-11-23T02:30Z"),
    ("XINE", "sc2612", "2026-11-23T03:30:00Z", Phase::Break, "2026-11-23", "2026-11-23T05:30Z"),
    ("CCFX", "IC2612", "2026-11-23T04:59:00Z", Phase::Break, "2026-11-23", "2026-11-23T05:00Z"),
    // The daily halt of Globex: 16:00 to 17:00 in Chicago, summer and winter.
    ("XCEC", "GCZ6", "2026-07-14T21:00:00Z", Phase::Break, "2026-07-15", "2026-07-14T22:00Z"),
    ("XCEC", "GCZ6", "2026-12-01T22:30:00Z", Phase::Break, "2026-12-02", "2026-12-01T23:00Z"),
    // Short days.
    ("XCEC", "GCZ6", "2026-11-26T19:29:00Z", Phase::Continuous, "2026-11-27", "2026-11-26T19:30Z"),
    ("XCEC", "GCZ6", "2026-11-27T19:45:00Z", Phase::Closed, "2026-11-30", "2026-11-29T23:00Z"),
    ("XNYM", "CLF7", "2026-06-19T17:00:00Z", Phase::Closed, "2026-06-22", "2026-06-21T22:00Z"),
    ("XHKF", "HSIZ6", "2026-12-24T04:00:00Z", Phase::Closed, "2026-12-28", "2026-12-28T01:15Z"),
];

#[test]
fn hand_reckoned_instants() {
    let shelf = shelf();
    for (mic, symbol, instant, phase, day, next) in CASES {
        let (_, table) = shelf.find(mic, symbol).expect("a calendar");
        let moment = table.at(at(instant)).expect("valid then");
        let shown = moment.trading_day.map(|day| day.to_string());
        let change = moment.next.map(|(at, _)| at.strftime("%Y-%m-%dT%H:%MZ").to_string());
        let seen = (moment.phase, shown.as_deref(), change.as_deref());
        assert_eq!(seen, (*phase, Some(*day), Some(*next)), "{mic} {symbol} {instant}");
    }
}

#[test]
fn what_no_calendar_knows_is_refused_and_not_guessed() {
    let shelf = shelf();
    let unknown = shelf.find("XSGE", "rb2610").err();
    let named = CalendarError::Unknown { mic: "XSGE".to_owned(), symbol: "rb2610".to_owned() };
    assert_eq!(unknown, Some(named));
    let (_, brent) = shelf.find("IFEU", "BRNZ6").expect("its hours");
    let no_dates = CalendarError::NoDates { mic: "IFEU".to_owned() };
    assert_eq!(brent.at(at("2026-11-20T12:00:00Z")), Err(no_dates.clone()));
    assert_eq!(brent.from(at("2026-11-20T12:00:00Z")).err(), Some(no_dates));
    let (kept, copper) = shelf.find("XSGE", "cu2701").expect("its hours");
    for outside in [Timestamp::MIN, at("2026-12-31T16:00:00Z"), Timestamp::MAX] {
        assert!(matches!(copper.at(outside), Err(CalendarError::Outside { .. })), "{outside}");
        assert_eq!(kept.calendar.days_left(outside), None);
    }
    assert_eq!(kept.calendar.days_left(at("2026-12-01T16:00:00Z")), Some(30));
    // The last evening belongs to a day that nobody has published.
    let last = copper.at(at("2026-12-31T13:30:00Z")).expect("valid then");
    assert_eq!((last.phase, last.trading_day, last.next), (Phase::Closed, None, None));
}

#[test]
fn symbols_find_their_group() {
    let shelf = shelf();
    for (mic, symbol, group) in [
        ("XSGE", "ag2612", "precious_metals"),
        ("XSGE", "AL2612", "base_metals"),
        ("XCEC", "SIZ6", "metals"),
        ("XCEC", "SI", "metals"),
        ("XDCE", "m2701", "day_and_night"),
        ("XLME", "ZS", "metals"),
        ("XINE", "lu", "fuel_oil"),
    ] {
        let (_, table) = shelf.find(mic, symbol).expect("a calendar");
        assert_eq!((table.mic(), table.group()), (mic, group));
    }
    // The month of a Globex symbol is one letter, so this is not silver of 2026.
    assert!(shelf.find("XCEC", "SILZ6").is_err());
}

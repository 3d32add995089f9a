//! "Can I still get out?" against every minute of 2026, and the cases of the hall of failures.

use super::table::{Rule, minutes};
use super::{at, shelf, two_years};
use cross_market_connect::calendar::{Phase, Verdict, outlook};
use jiff::{SignedDuration, Timestamp};

const GUARD: i64 = 10;

#[test]
fn every_minute_of_two_years_of_copper_on_both_sides() {
    let (domestic, abroad) = (two_years("shfe.toml"), two_years("comex.toml"));
    let (cu, hg) = (&domestic.timetables[0], &abroad.timetables[0]);
    let (cu_begin, cu_all) = minutes(Rule::Night { end: 1_500 });
    let (hg_begin, hg_all) = minutes(Rule::Globex);
    let trades = |all: &[(Phase, Option<i64>)], begin: i64, utc: i64| {
        let index = usize::try_from(utc - begin).ok();
        index.and_then(|index| all.get(index)).is_some_and(|minute| minute.0 == Phase::Continuous)
    };
    let end = cu_begin + i64::try_from(cu_all.len()).expect("few");
    let mut counts = [0_u32; 3];
    for utc in cu_begin.max(hg_begin)..end {
        let instant = Timestamp::from_second(utc * 60).expect("in range");
        let seen = outlook(&[cu, hg], instant, SignedDuration::from_mins(GUARD)).expect("valid");
        let both = |utc| trades(&cu_all, cu_begin, utc) && trades(&hg_all, hg_begin, utc);
        let expected = if !trades(&cu_all, cu_begin, utc) {
            Verdict::Neither { leg: 0 }
        } else if !trades(&hg_all, hg_begin, utc) {
            Verdict::Neither { leg: 1 }
        } else if (1..=GUARD).all(|later| both(utc + later)) {
            Verdict::Open
        } else {
            Verdict::OnlyClose
        };
        assert_eq!(seen.verdict, expected, "{instant}");
        counts[match expected {
            Verdict::Open => 0,
            Verdict::OnlyClose => 1,
            Verdict::Neither { .. } => 2,
        }] += 1;
    }
    assert!(counts.iter().all(|count| *count > 10_000), "{counts:?}");
}

/// The domestic cut-off came at 22:00 while the other side traded on: nothing may be opened just
/// before a side closes, and it is said which one, and when.
#[test]
fn one_market_closes_first() {
    let shelf = shelf();
    let (_, sc) = shelf.find("XINE", "sc2609").expect("a calendar");
    let (_, cl) = shelf.find("XNYM", "CLU6").expect("a calendar");
    let guard = SignedDuration::from_mins(15);
    let legs = [sc, cl];
    // Tuesday night: crude closes at 02:30 in Shanghai, 18:30 UTC; the other side trades on.
    let before = outlook(&legs, at("2026-07-14T18:14:59Z"), guard).expect("valid");
    assert_eq!(before.verdict, Verdict::Open);
    let first = before.closes_first.expect("one");
    assert_eq!((first.leg, first.at), (0, at("2026-07-14T18:30:00Z")));
    assert_eq!(before.last_opening, Some(at("2026-07-14T18:15:00Z")));
    let within = outlook(&legs, at("2026-07-14T18:15:00Z"), guard).expect("valid");
    assert_eq!(within.verdict, Verdict::OnlyClose);
    let after = outlook(&legs, at("2026-07-14T18:30:00Z"), guard).expect("valid");
    assert_eq!((after.verdict, after.closes_first), (Verdict::Neither { leg: 0 }, None));
    // Labor Day: the other side halts at 13:30 in Chicago, in the domestic night, and first.
    let holiday = outlook(&legs, at("2026-09-07T18:20:00Z"), guard).expect("valid");
    let first = holiday.closes_first.expect("one");
    assert_eq!((first.leg, first.at), (0, at("2026-09-07T18:30:00Z")));
    // Juneteenth falls on the Dragon Boat Festival: nothing trades at home, so nothing is opened.
    let both = outlook(&legs, at("2026-06-19T13:30:00Z"), guard).expect("valid");
    assert_eq!(both.verdict, Verdict::Neither { leg: 0 });
}

#[test]
fn without_guard_time_the_last_instant_is_the_closing_one() {
    let shelf = shelf();
    let (_, cu) = shelf.find("XSGE", "cu2612").expect("a calendar");
    let (_, bc) = shelf.find("XINE", "bc2612").expect("a calendar");
    let at_end = at("2026-11-23T06:59:59.999999999Z");
    let seen = outlook(&[cu, bc], at_end, SignedDuration::ZERO).expect("valid");
    assert_eq!(seen.verdict, Verdict::Open);
    let seen = outlook(&[cu, bc], at("2026-11-23T07:00:00Z"), SignedDuration::ZERO).expect("valid");
    assert_eq!(seen.verdict, Verdict::Neither { leg: 0 });
}

//! Every minute of two years of every group.

use super::table::{Minute, Rule, minutes};
use super::{shelf, two_years};
use cross_market_connect::calendar::CalendarError;
use jiff::Timestamp;

/// File, a symbol of the group, and how it trades.
const GROUPS: &[(&str, &str, Rule)] = &[
    ("shfe.toml", "cu2609", Rule::Night { end: 1_500 }),
    ("ine.toml", "bc2609", Rule::Night { end: 1_500 }),
    ("shfe.toml", "au2612", Rule::Night { end: 1_590 }),
    ("ine.toml", "sc2609", Rule::Night { end: 1_590 }),
    ("ine.toml", "lu2609", Rule::Night { end: 1_380 }),
    ("dce.toml", "i2609", Rule::Night { end: 1_380 }),
    ("cffex.toml", "IF2609", Rule::Index),
    ("comex.toml", "HGU6", Rule::Globex),
    ("nymex.toml", "CLU6", Rule::Globex),
    ("lme.toml", "CA", Rule::London),
    ("hkex.toml", "HSIU6", Rule::HongKong),
];

#[test]
fn every_minute_of_two_years_is_what_the_minute_alone_says() {
    let mut compared = 0_u64;
    let mut swept: Option<(Rule, (i64, Vec<Minute>))> = None;
    for (file, symbol, rule) in GROUPS {
        let kept = two_years(file);
        let group = kept.calendar.group_of(symbol).expect("a group");
        let (_, table) = kept.groups().find(|(known, _)| *known == group).expect("its hours");
        if swept.as_ref().is_none_or(|(known, _)| known != rule) {
            swept = Some((*rule, minutes(*rule)));
        }
        let (_, (begin, all)) = swept.as_ref().expect("just made");
        let number = |day: jiff::civil::Date| {
            let since = day.since(jiff::civil::date(1970, 1, 1)).expect("days");
            i64::from(since.get_days())
        };
        // Counting days is what takes long here: each is counted once.
        let mut counted = None;
        let mut day_of = |day| match counted {
            Some((known, number)) if known == day => number,
            _ => counted.insert((day, number(day))).1,
        };
        // From the end, so that the next change is known.
        let mut next = None;
        for (index, minute) in all.iter().enumerate().rev() {
            let utc = begin + i64::try_from(index).expect("few");
            let instant = |utc: i64| Timestamp::from_second(utc * 60).expect("in range");
            if let Some(later) = all.get(index + 1).filter(|later| *later != minute) {
                next = Some((instant(utc + 1), later.0));
            }
            let found = table.at(instant(utc)).expect("valid then");
            let day = found.trading_day.map(&mut day_of);
            let seen = (found.phase, day, found.next);
            assert_eq!(seen, (minute.0, minute.1, next), "{file} {symbol} {}", instant(utc));
            compared += 1;
        }
        let end = begin + i64::try_from(all.len()).expect("few");
        for outside in [begin * 60 - 1, end * 60] {
            let at = Timestamp::from_second(outside).expect("in range");
            assert!(matches!(table.at(at), Err(CalendarError::Outside { .. })), "{file} {at}");
        }
    }
    // 730 days of 1,440 minutes.
    assert_eq!(compared, 1_051_200 * GROUPS.len() as u64);
}

#[test]
fn every_group_that_has_dates_is_swept() {
    for kept in shelf().calendars() {
        for (group, _) in kept.groups().filter(|_| kept.calendar.valid.is_some()) {
            let is_swept = |(_, symbol, _): &&(&str, &str, Rule)| {
                kept.calendar.group_of(symbol).is_some_and(|known| known == group)
            };
            assert!(GROUPS.iter().any(|swept| is_swept(&swept)), "{} is not swept", group.name);
        }
    }
}

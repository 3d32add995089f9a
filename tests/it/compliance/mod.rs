//! What is counted, how it stands to thresholds, and when one will be met.

mod record;

use cross_market_connect::calendar::{Shelf, Timetable};
use cross_market_connect::compliance::day::Day;
use cross_market_connect::compliance::judge::{Forecast, Judged, Stands, judge};
use cross_market_connect::compliance::meters::{Fill, Meters, Where};
use cross_market_connect::config::{Compliance, Level, OrderFee, Threshold, What};
use jiff::Timestamp;
use xmc_hotpath::message::{OrderAction, Side};
use xmc_hotpath::time::UnixNs;

const S: u64 = 1_000_000_000;
const E9: i64 = 1_000_000_000;

/// 2026-11-23, 01:00 UTC, and so many seconds.
fn at(seconds: u64) -> UnixNs {
    let begin: Timestamp = "2026-11-23T01:00:00Z".parse().expect("a moment");
    UnixNs(u64::try_from(begin.as_nanosecond()).expect("after 1970") + seconds * S)
}

/// Copper of the house, on the trading day in UTC.
fn place(utc: UnixNs) -> Where<'static> {
    let day = Day::at(None, utc);
    Where { exchange: "shfe", contract: "cu2601", group: "house", day, utc }
}

fn threshold(what: What, level: Level, limit: i64) -> Threshold {
    Threshold {
        what,
        level,
        venue: None,
        contract: None,
        limit_e9: limit * E9,
        source: "a test".to_owned(),
        as_of: "2026-11-01".to_owned(),
        is_proven: false,
    }
}

fn config(thresholds: Vec<Threshold>) -> Compliance {
    Compliance {
        warn_percent: 80,
        thresholds,
        groups: Vec::new(),
        fees: Vec::new(),
        filed: Vec::new(),
    }
}

fn one(config: &Compliance, meters: &Meters, now: UnixNs) -> Judged {
    let mut judged = judge(config, meters, now);
    assert_eq!(judged.len(), 1, "{judged:?}");
    judged.remove(0)
}

/// So many a minute, evenly, for so many minutes.
fn send(meters: &mut Meters, minutes: u64, each: u64, action: OrderAction) {
    for minute in 0..minutes {
        for number in 0..each {
            meters.sent(&place(at(minute * 60 + number * 60 / each)), action);
        }
    }
}

#[test]
fn a_count_is_below_near_or_at_its_threshold() {
    let config = config(vec![threshold(What::CancelsPerDay, Level::Contract, 10)]);
    for (cancels, stands) in
        [(7, Stands::Below), (8, Stands::Near), (9, Stands::Near), (10, Stands::Met)]
    {
        let mut meters = Meters::default();
        send(&mut meters, 1, cancels, OrderAction::Cancel);
        let judged = one(&config, &meters, at(60));
        assert_eq!((judged.stands, judged.percent), (stands, cancels as i64 * 10));
    }
}

/// Ten a minute: of a hundred, sixty are left after four minutes, and last six minutes.
#[test]
fn a_threshold_is_met_when_the_present_rate_comes_to_it() {
    let config = config(vec![threshold(What::OrdersPerDay, Level::Contract, 100)]);
    let mut meters = Meters::default();
    send(&mut meters, 4, 10, OrderAction::New);
    let Forecast::At { at_ns, at: shown } = one(&config, &meters, at(240)).forecast else {
        panic!("it comes")
    };
    let expected = i64::try_from(at(600).0).expect("it fits");
    // The first order stands in the first sample already.
    assert!((at_ns - expected).abs() <= 30 * E9, "{shown}");
    assert!(shown.starts_with("2026-11-23 01:1"), "{shown}");
    // A rate that is over is no present rate.
    let later = one(&config, &meters, at(3_600));
    assert_eq!(later.forecast, Forecast::Unknown);
    // Nor is one fire after a quiet time a rate of its own.
    let mut quiet = meters.clone();
    for _ in 0..2 {
        quiet.sent(&place(at(1_440)), OrderAction::New);
    }
    let Forecast::At { at_ns, .. } = one(&config, &quiet, at(1_442)).forecast else {
        panic!("it comes, much later")
    };
    assert!(at_ns > i64::try_from(at(1_800).0).expect("it fits"));
    // Nor are the first seconds of a day.
    let mut first = Meters::default();
    first.sent(&place(at(0)), OrderAction::New);
    assert_eq!(one(&config, &first, at(2)).forecast, Forecast::Unknown);
    let far = self::config(vec![threshold(What::OrdersPerDay, Level::Contract, 1_000_000)]);
    assert_eq!(one(&far, &meters, at(240)).forecast, Forecast::NotBeforeClose);
    let met = self::config(vec![threshold(What::OrdersPerDay, Level::Contract, 40)]);
    assert_eq!(one(&met, &meters, at(240)).forecast, Forecast::Met);
}

#[test]
fn counts_begin_anew_with_the_trading_day_and_positions_do_not() {
    let config = config(vec![
        threshold(What::OrdersPerDay, Level::Contract, 100),
        threshold(What::PositionLots, Level::Contract, 10),
    ]);
    let mut meters = Meters::default();
    send(&mut meters, 1, 50, OrderAction::New);
    meters.held("shfe", "cu2601", -9);
    let judged = judge(&config, &meters, at(60));
    assert_eq!(judged.iter().map(|one| one.percent).collect::<Vec<_>>(), [50, 90]);
    // The day is over, and nothing came since.
    let next = at(86_400);
    let judged = judge(&config, &meters, next);
    assert_eq!(judged.iter().map(|one| one.percent).collect::<Vec<_>>(), [0, 90]);
    meters.sent(&place(next), OrderAction::New);
    assert_eq!(judge(&config, &meters, next)[0].percent, 1);
}

#[test]
fn the_most_of_a_second_and_of_all_contracts_together_are_counted() {
    let config = config(vec![threshold(What::OrdersPerSecond, Level::Exchange, 4)]);
    let mut meters = Meters::default();
    for (second, contract) in [(1, "cu2601"), (1, "au2602"), (1, "cu2601"), (2, "cu2601")] {
        meters.sent(&Where { contract, ..place(at(second)) }, OrderAction::New);
    }
    let judged = one(&config, &meters, at(3));
    assert_eq!((judged.of.contract, judged.percent), (None, 75), "three in the first second");
    assert_eq!(judged.forecast, Forecast::None);
}

fn fill(side: Side, price_e9: i64, exchange: u64, is_first: bool) -> Fill {
    Fill { side, price_e9, lots: 2, exec_id: 0, exchange: UnixNs(exchange), is_first }
}

#[test]
fn messages_before_the_first_trade_count_as_if_there_were_one() {
    let config = config(vec![threshold(What::MessagesPerTrade, Level::Contract, 10)]);
    let mut meters = Meters::default();
    send(&mut meters, 1, 6, OrderAction::New);
    send(&mut meters, 1, 3, OrderAction::Cancel);
    let judged = one(&config, &meters, at(60));
    assert_eq!((judged.percent, judged.stands), (90, Stands::Near), "the first order is not ten");
    send(&mut meters, 1, 1, OrderAction::New);
    let judged = one(&config, &meters, at(61));
    assert_eq!((judged.value_e9, judged.stands), (Some(10 * E9), Stands::Met));
    let quiet = one(&config, &meters, at(86_400));
    assert_eq!((quiet.value_e9, quiet.percent, quiet.stands), (None, 0, Stands::Below));
    // Two orders filled, one of them in two parts.
    for (price, is_first) in [(1, true), (2, false), (3, true)] {
        meters.filled(&place(at(61)), &fill(Side::Buy, price, 0, is_first));
    }
    assert_eq!(one(&config, &meters, at(62)).value_e9, Some(5 * E9));
}

/// What one client holds is not made up for by another one.
#[test]
fn positions_of_account_groups_are_held_against_the_limit_apart() {
    let config = config(vec![threshold(What::PositionLots, Level::Contract, 4)]);
    let mut meters = Meters::default();
    let stands = |meters: &Meters| -> Vec<_> {
        let judged = judge(&config, meters, at(2)).into_iter();
        judged.map(|one| (one.of.group, one.percent, one.stands)).collect()
    };
    meters.filled(&place(at(1)), &fill(Side::Buy, 1, 0, true));
    let all = |percent, stands| ("all".to_owned(), percent, stands);
    assert_eq!(stands(&meters), [all(50, Stands::Below)], "one group is all of them");
    for (group, side) in [("a", Side::Buy), ("a", Side::Buy), ("b", Side::Sell), ("b", Side::Sell)]
    {
        meters.filled(&Where { group, ..place(at(1)) }, &fill(side, 1, 0, true));
    }
    let told = stands(&meters);
    assert_eq!(told[0], all(50, Stands::Below));
    for group in ["a", "b"] {
        assert!(told.contains(&(group.to_owned(), 100, Stands::Met)), "{told:?}");
    }
    meters.forget_positions();
    assert_eq!(stands(&meters), []);
}

#[test]
fn a_trade_may_be_with_oneself_if_both_sides_have_its_price_and_its_time() {
    let config = config(vec![threshold(What::SelfTradesPerDay, Level::Contract, 5)]);
    let mut meters = Meters::default();
    let mut count = |fill: Fill| {
        meters.filled(&place(at(1)), &fill);
        one(&config, &meters, at(2)).value_e9.expect("a count") / E9
    };
    assert_eq!(count(fill(Side::Buy, 100, 77, true)), 0);
    assert_eq!(count(fill(Side::Buy, 100, 77, true)), 0, "the same side");
    assert_eq!(count(fill(Side::Sell, 101, 77, true)), 0, "another price");
    assert_eq!(count(fill(Side::Sell, 100, 78, true)), 0, "another time");
    assert_eq!(count(fill(Side::Sell, 100, 77, true)), 1);
    let by_id = |side| Fill { exec_id: 9, ..fill(side, 50, 0, true) };
    assert_eq!(count(by_id(Side::Sell)), 1);
    assert_eq!(count(by_id(Side::Buy)), 2, "the venue's id of the trade");
}

#[test]
fn fees_are_of_messages_beyond_the_free_ones() {
    let fee = OrderFee {
        venue: Some("shfe".to_owned()),
        contract: None,
        free_messages: 10,
        fee_e9: E9 / 10,
        currency: "CNY".to_owned(),
        source: "a test".to_owned(),
        as_of: "2026-11-01".to_owned(),
    };
    let thresholds = vec![threshold(What::OrderFeesPerDay, Level::Contract, 2)];
    let config = Compliance { fees: vec![fee], ..config(thresholds) };
    for (orders, fees_e9) in [(10, 0), (15, E9 / 2), (30, 2 * E9)] {
        let mut meters = Meters::default();
        send(&mut meters, 1, orders, OrderAction::New);
        assert_eq!(one(&config, &meters, at(60)).value_e9, Some(fees_e9));
    }
}

/// Ten messages a minute, forty so far: the first thousand are free, twenty more cost the limit,
/// and the 980 that are left take 98 minutes.
#[test]
fn a_forecast_of_fees_counts_the_messages_that_are_still_free() {
    let fee = OrderFee {
        venue: None,
        contract: None,
        free_messages: 1_000,
        fee_e9: E9 / 10,
        currency: "CNY".to_owned(),
        source: "a test".to_owned(),
        as_of: "2026-11-01".to_owned(),
    };
    let thresholds = vec![threshold(What::OrderFeesPerDay, Level::Contract, 2)];
    let config = Compliance { fees: vec![fee], ..config(thresholds) };
    let mut meters = Meters::default();
    send(&mut meters, 4, 10, OrderAction::New);
    let Forecast::At { at_ns, .. } = one(&config, &meters, at(4 * 60)).forecast else {
        panic!("it is met some time");
    };
    assert_eq!(u64::try_from(at_ns), Ok(at(4 * 60 + 98 * 60).0));
}

/// A threshold or a fee that can match nothing is refused, and says where.
#[test]
fn what_matches_nothing_is_refused() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config/nothing.toml");
    let refused = |text: &str| {
        let text = format!("include = [\"demo.toml\"]\n[compliance]\n{text}");
        match cross_market_connect::config::load_text(&path, &text) {
            Ok(_) => None,
            Err(invalid) => Some(invalid.to_string()),
        }
    };
    let table = |kind: &str, keys: &str| {
        format!("[[compliance.{kind}]]\n{keys}\nsource = \"s\"\nas_of = \"2026-11-01\"\n")
    };
    let orders = |keys: &str| {
        let what = "what = \"orders_per_day\"\nlevel = \"contract\"\nlimit = \"5\"\n";
        table("threshold", &format!("{what}{keys}"))
    };
    let fees = "what = \"order_fees_per_day\"\nlevel = \"contract\"\nlimit = \"5\"\n";
    let fees = table("threshold", &format!("{fees}venue = \"shfe\""));
    let fee = |keys: &str| table("order_fee", &format!("fee = \"1\"\ncurrency = \"CNY\"\n{keys}"));
    assert_eq!(refused(&orders("venue = \"nymex\"\ncontract = \"CLU6\"")), None);
    assert_eq!(refused(&(fees.clone() + &fee("venue = \"shfe\""))), None);
    for text in [
        orders("venue = \"shfe\"\ncontract = \"CLU6\""),
        // Nothing trades it: it only prices.
        orders("contract = \"CNHU6\""),
        fee("venue = \"comex\"\ncontract = \"CLU6\""),
        fees.clone(),
        fees + &fee("venue = \"nymex\""),
    ] {
        let said = refused(&text).unwrap_or_else(|| panic!("{text} is accepted"));
        assert!(said.contains("XMC-C124"), "{said}");
    }
}

/// Copper's hours at its exchange.
fn copper() -> Timetable {
    let shelf = Shelf::shipped().expect("they are sound");
    shelf.find("XSGE", "cu2601").expect("it is traded").1.clone()
}

/// The night session of copper is of the Monday; another contract's Friday goes on meanwhile. Both
/// are of the exchange, whose day has begun and does not begin anew.
#[test]
fn an_exchange_counts_on_while_its_contracts_have_different_days() {
    let config = config(vec![threshold(What::OrdersPerDay, Level::Exchange, 100)]);
    let hours = copper();
    let friday: Timestamp = "2026-11-20T13:30:00Z".parse().expect("a moment");
    let friday = u64::try_from(friday.as_nanosecond()).expect("after 1970");
    let mut meters = Meters::default();
    for second in 0..6 {
        let utc = UnixNs(friday + second * S);
        let (contract, hours) = [("cu2601", Some(&hours)), ("wr2601", None)][second as usize % 2];
        let day = Day::at(hours, utc);
        meters.sent(&Where { contract, day, ..place(utc) }, OrderAction::New);
    }
    let judged = one(&config, &meters, UnixNs(friday + 10 * S));
    assert_eq!(judged.value_e9, Some(6 * E9));
    let (_, of_exchange) = meters.rows().find(|(of, _)| of.contract.is_none()).expect("its row");
    let day = of_exchange.day.as_ref().expect("it is known");
    assert_eq!(day.date.to_string(), "2026-11-23");
    for (_, meter) in meters.rows().filter(|(of, _)| of.contract.is_some()) {
        assert_eq!(meter.totals.orders, 3);
    }
}

/// Ten orders a minute until the break at 02:15, which ends at 02:30. The rate is that of the time
/// that was traded, before and after it; and what comes late in the morning comes after lunch,
/// which lasts from 03:30 to 05:30.
#[test]
fn a_rate_is_of_trading_time_and_not_of_a_break() {
    let hours = copper();
    let orders = |minutes: std::ops::Range<u64>| {
        let mut meters = Meters::default();
        for number in minutes.start * 10..minutes.end * 10 {
            let utc = at(number * 6);
            let day = Day::at(Some(&hours), utc);
            meters.sent(&Where { day, ..place(utc) }, OrderAction::New);
        }
        meters
    };
    let forecast = |meters: &Meters, limit: i64, now: u64| {
        let config = config(vec![threshold(What::OrdersPerDay, Level::Contract, limit)]);
        match one(&config, meters, at(now * 60)).forecast {
            Forecast::At { at, .. } => at,
            other => format!("{other:?}"),
        }
    };
    // 150 orders of 200: the next 50 take five minutes.
    let before_break = orders(60..75);
    assert_eq!(forecast(&before_break, 200, 75), "2026-11-23 02:35 UTC");
    assert_eq!(forecast(&before_break, 200, 85), "2026-11-23 02:35 UTC");
    assert_eq!(forecast(&before_break, 200, 90), "2026-11-23 02:35 UTC");
    let before_lunch = orders(130..148);
    assert_eq!(forecast(&before_lunch, 230, 148), "2026-11-23 05:33 UTC");
    assert_eq!(forecast(&before_lunch, 100_000, 148), "NotBeforeClose");
}

/// The night session of 20 November 2026, a Friday, is of the Monday after it.
#[test]
fn a_trading_day_is_that_of_the_exchange_and_closes_with_it() {
    let hours = &copper();
    let moment = |text: &str| {
        let at: Timestamp = text.parse().expect("a moment");
        UnixNs(u64::try_from(at.as_nanosecond()).expect("after 1970"))
    };
    for text in ["2026-11-20T13:30:00Z", "2026-11-23T02:00:00Z", "2026-11-23T06:59:00Z"] {
        let day = Day::at(Some(hours), moment(text)).expect("it is known");
        assert_eq!(day.date.to_string(), "2026-11-23", "{text}");
        assert_eq!(day.close.to_string(), "2026-11-23T07:00:00Z", "{text}");
        assert!(day.is_by_calendar);
    }
    let beyond = Day::at(Some(hours), moment("2030-01-05T02:00:00Z")).expect("it has a day");
    assert!(!beyond.is_by_calendar, "no calendar is valid then");
}

//! A desk that is told its hours, through a year: nothing is sent while a leg is shut, nothing is
//! opened within the guard time, and it does trade in between.

use super::{at, shelf};
use crate::desk::stand::{Stand, instrument, spread};
use cross_market_connect::calendar::{Verdict, outlook, unix};
use cross_market_connect::config::{self, Configuration};
use cross_market_connect::engine::hours::{HoursError, MarketHours};
use jiff::{SignedDuration, Timestamp};
use std::path::Path;
use xmc_hotpath::message::{ClockScale, Control, Event, Gate, Intent, Quote};
use xmc_hotpath::time::{MonoNs, Span, UnixNs};

/// Two instruments of the demonstration's market: copper in Shanghai and in New York.
fn configuration(first: &str, hours: &str) -> Configuration {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let path = folder.join("demo.toml");
    let text = std::fs::read_to_string(&path).expect("the demonstration");
    let text = text.replacen("mode = \"paper\"\n", &format!("mode = \"paper\"\n{hours}\n"), 1);
    let mut config = config::load_text(&path, &text).unwrap_or_else(|error| panic!("{error}"));
    config.instruments.retain(|row| [first, "hg"].contains(&row.name.value.as_str()));
    assert_eq!(config.instruments.len(), 2);
    config
}

const KEPT: &str = "market_hours = \"calendar\"\nguard_minutes = 15";

/// The engine's clock began with the year.
fn scale(instant: Timestamp) -> ClockScale {
    let begin = unix(at("2026-01-01T12:00:00Z"));
    let utc = unix(instant);
    ClockScale { at: MonoNs(utc.0 - begin.0), utc, error: Span(0) }
}

#[test]
fn a_year_of_copper_sends_nothing_outside_the_hours() {
    let config = configuration("cu", KEPT);
    let shelf = shelf();
    let (_, cu) = shelf.find("XSGE", "cu2609").expect("a calendar");
    let (_, hg) = shelf.find("XCEC", "HGU6").expect("a calendar");
    let begin = at("2026-01-02T00:00:00Z");
    let mut hours = MarketHours::of(&config, unix(begin)).expect("valid");
    let mut stand = Stand::with(&[instrument(0), instrument(1)], &spread());
    let (mut told, mut opened, mut closed, mut held, mut shut) = (0, 0, 0, 0, 0);
    let mut instant = begin;
    // Every seven minutes, which in time meets every minute of the hour.
    while instant < at("2026-12-31T00:00:00Z") {
        let scale = scale(instant);
        stand.now = scale.at.0;
        for control in hours.due(&scale) {
            let Control::Hours(window) = control else { panic!("{control:?}") };
            stand.tell(Event::Hours(window));
            told += 1;
        }
        let guard = SignedDuration::from_mins(15);
        let verdict = outlook(&[cu, hg], instant, guard).expect("valid").verdict;
        let is_held = stand.desk().spreads()[0].position_units > 0;
        let quotes =
            if is_held { [(1, 88, 89), (0, 100, 101)] } else { [(1, 100, 101), (0, 99, 100)] };
        for (row, bid, ask) in quotes {
            let received = MonoNs(stand.now);
            let quote = Quote { received, ..crate::desk::stand::book(row, bid, ask, 5) };
            stand.tell(Event::Quote { quote: &quote, more: row == 1 });
        }
        let decision = stand.decision();
        let orders = stand.orders();
        if let Some(decision) = decision.filter(|decision| decision.gate == Gate::Passed) {
            let is_allowed = match decision.intent {
                Intent::OpenLong => verdict == Verdict::Open,
                _ => !matches!(verdict, Verdict::Neither { .. }),
            };
            assert!(is_allowed, "{:?} at {instant}: {verdict:?}", decision.intent);
            for (order, exec) in orders.iter().zip(1..) {
                let exec = stand.now * 2 + exec;
                stand.fill(order, exec, order.qty_lots, order.qty_lots);
            }
            *(if is_held { &mut closed } else { &mut opened }) += 1;
        } else {
            assert!(orders.is_empty());
            let is_refused = match verdict {
                Verdict::Open => false,
                Verdict::OnlyClose => !is_held,
                Verdict::Neither { .. } => true,
            };
            assert!(is_refused, "held back at {instant}: {verdict:?} {decision:?}");
            *(if verdict == Verdict::OnlyClose { &mut held } else { &mut shut }) += 1;
        }
        instant += SignedDuration::from_mins(7);
    }
    // 242 trading days at home with four windows each, one less after holidays; one abroad.
    assert_eq!(told, 1_217, "windows");
    assert!(opened > 5_000 && closed > 5_000, "{opened} opened, {closed} closed");
    assert!(held > 500 && shut > 30_000, "{held} near the end, {shut} outside");
}

#[test]
fn hours_are_kept_where_they_are_asked_for_and_live() {
    let at_noon = unix(at("2026-11-20T12:00:00Z"));
    for (written, kept) in [
        ("", None),
        ("market_hours = \"always\"\nguard_minutes = 15", None),
        ("market_hours = \"calendar\"", Some(10)),
        (KEPT, Some(15)),
    ] {
        let config = configuration("cu", written);
        assert_eq!(config.engine.guard_minutes, kept, "{written}");
        let mut hours = MarketHours::of(&config, at_noon).expect("valid");
        let due = hours.due(&scale(at("2026-11-20T12:00:00Z"))).len();
        assert_eq!(due, if kept.is_some() { 2 } else { 0 });
    }
    // A calendar that is out of date, and an instrument that none has.
    let config = configuration("cu", KEPT);
    let late = MarketHours::of(&config, unix(at("2027-01-04T01:00:00Z"))).expect_err("expired");
    assert!(late.to_string().starts_with("cu: the calendar of XSGE is valid from 2026-01-01"));
    let mut unknown = configuration("cu", KEPT);
    unknown.instruments[0].symbol = "rb2610".to_owned();
    let error = MarketHours::of(&unknown, at_noon).expect_err("unknown");
    assert!(matches!(error, HoursError::Calendar { .. }), "{error}");
    assert!(error.to_string().contains("no calendar has rb2610 of XSGE"), "{error}");
}

#[test]
fn a_window_is_told_once_and_again_when_the_clock_has_stepped() {
    let config = configuration("cu", KEPT);
    let now = at("2026-11-20T12:00:00Z");
    let mut hours = MarketHours::of(&config, unix(now)).expect("valid");
    let first = scale(now);
    assert_eq!(hours.due(&first).len(), 2);
    let later = |ns: u64| ClockScale { at: MonoNs(first.at.0 + ns), ..first };
    assert_eq!(hours.due(&first), []);
    // The clock is read a little otherwise each time.
    assert_eq!(hours.due(&later(40_000_000)), []);
    assert_eq!(hours.due(&later(60_000_000)).len(), 2);
    // Friday evening: the next window at home begins at nine in the evening there.
    let evening = ClockScale { at: MonoNs(5_000), utc: unix(now), error: Span(0) };
    let Some(Control::Hours(cu)) = hours.due(&evening).first().copied() else { panic!("hours") };
    let hour = 3_600_000_000_000;
    assert_eq!(cu.from, MonoNs(5_000 + hour));
    assert_eq!(cu.until, MonoNs(5_000 + 5 * hour));
    assert_eq!(cu.opening_until, MonoNs(5_000 + 5 * hour - hour / 4));
    // What began before the engine did.
    let night = ClockScale { at: MonoNs(5_000), utc: UnixNs(unix(now).0 + 2 * hour), ..evening };
    let Some(Control::Hours(cu)) = hours.due(&night).first().copied() else { panic!("hours") };
    assert_eq!((cu.from, cu.until), (MonoNs(0), MonoNs(5_000 + 3 * hour)));
}

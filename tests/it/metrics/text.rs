//! Both formats of counters that a test has set: values, escapes, restarts.

use super::client::Scraped;
use super::{has_prometheus, promtool_reads};
use crate::counters::{configuration, identity, scratch, shown};
use cross_market_connect::clock::EngineClock;
use cross_market_connect::engine::counters::Counters;
use cross_market_connect::engine::counters::told::{BOUNDS_NS, PAIRS};
use cross_market_connect::engine::latency::Latencies;
use cross_market_connect::metrics::{Format, Source};
use std::path::Path;
use xmc_hotpath::counter::Recorder;
use xmc_hotpath::port::Line;
use xmc_hotpath::time::{Span, UnixNs};

fn told(source: &mut Source, format: Format) -> String {
    format.write(&source.read().expect("the counters are there"))
}

fn scraped(source: &mut Source) -> Scraped {
    Scraped::of(&told(source, Format::Text))
}

fn source(record: &Path) -> Source {
    Source::new(record.to_owned())
}

#[test]
fn values_are_those_of_the_counters_in_base_units() {
    let (_scratch, record) = scratch("metrics_values");
    let counters = shown(&record, 3);
    counters.feeds[1].line(Line::B).packets.add(7);
    counters.desk.record_used_pct.set(25);
    counters.journal.window_worst.set(1_500_000);
    counters.journal.bytes.set(u64::MAX);
    counters.told.pairs[1].position.set((-3_i64).cast_unsigned());
    counters.told.pairs[1].legs[0].residual.set((-2_i64).cast_unsigned());
    counters.told.pairs[0].state.set(2);
    counters.replicas[0].clock.drift_ns_per_s.set((-1_000_i64).cast_unsigned());
    counters.feed_ports[0].kernel.lines[1].overflow.set(6);
    counters.gateway_ports[1].stream.torn.add(8);
    let text = told(&mut source(&record), Format::Text);
    for line in [
        "xmc_feed_line_packets_total{feed=\"cme\",line=\"b\"} 7",
        "xmc_feed_line_packets_total{feed=\"cme\",line=\"a\"} 0",
        "xmc_desk_record_used_ratio 0.25",
        "xmc_journal_window_worst_seconds 0.0015",
        "xmc_journal_bytes_total 18446744073709551615",
        "xmc_pair_position{pair=\"cu_hg\"} -3",
        "xmc_pair_leg_residual{pair=\"cu_hg\",leg=\"cu\"} -2",
        "xmc_pair_state{pair=\"cu_bc\",state=\"halted\"} 1",
        "xmc_pair_state{pair=\"cu_bc\",state=\"enabled\"} 0",
        "xmc_replica_clock_drift_ratio{feed=\"shfe\"} -0.000001",
        "xmc_feed_port_kernel_line_overflow_total{feed=\"shfe\",line=\"b\"} 6",
        "xmc_gateway_port_torn_total{gateway=\"cme\"} 8",
        "xmc_engine_up 1",
        "xmc_engine_process{state=\"running\"} 1",
        "# TYPE xmc_feed_line_packets_total counter",
    ] {
        assert!(text.lines().any(|told| told == line), "{line}");
    }
    // A moment that never was has no age.
    assert!(!text.contains("\nxmc_core_heartbeat_age_seconds{"));
    assert!(text.contains("# TYPE xmc_core_heartbeat_age_seconds gauge"));
    counters.end(UnixNs(77));
    let seen = scraped(&mut source(&record));
    assert_eq!(seen.value("xmc_engine_up"), Some(0.0));
    assert_eq!(seen.value("xmc_engine_process{state=\"ended\"}"), Some(1.0));
    assert_eq!(seen.value("xmc_pair_position{pair=\"cu_hg\"}"), Some(-3.0), "what it left");
}

#[test]
fn tick_to_order_is_a_histogram_whose_bounds_hold_what_is_below() {
    let (_scratch, record) = scratch("metrics_histogram");
    let counters = shown(&record, 1);
    let mut latencies = Latencies::new();
    for ns in [200, 250, 251, 1_000, 4_999, 9_000_000_000] {
        latencies.record(Span(ns));
    }
    counters.told.tick_to_order.show(&latencies);
    let seen = scraped(&mut source(&record));
    let series = &seen.0["xmc_tick_to_order_seconds"].series;
    assert_eq!(series.len(), BOUNDS_NS.len() + 3);
    let bucket = |le: &str| series[&format!("xmc_tick_to_order_seconds_bucket{{le=\"{le}\"}}")];
    for (le, count) in [
        ("0.00000025", 2.0),
        ("0.0000005", 3.0),
        ("0.000001", 4.0),
        ("0.000002", 4.0),
        ("0.000005", 5.0),
        ("1.0", 5.0),
        ("+Inf", 6.0),
    ] {
        assert_eq!(bucket(le).to_bits(), f64::to_bits(count), "{le}");
    }
    assert_eq!(seen.value("xmc_tick_to_order_seconds_count"), Some(6.0));
    let sum = seen.value("xmc_tick_to_order_seconds_sum").expect("it is there");
    assert!((sum / 9.000_006_7 - 1.0).abs() < 0.001, "{sum}");
}

#[test]
fn open_metrics_names_families_without_their_end_and_closes() {
    let (_scratch, record) = scratch("metrics_openmetrics");
    let counters = shown(&record, 1);
    counters.cores[0].busy.set(11);
    let text = told(&mut source(&record), Format::Openmetrics);
    assert!(text.ends_with("\n# EOF\n"));
    for line in [
        "# TYPE xmc_core_busy_seconds counter",
        "# UNIT xmc_core_busy_seconds seconds",
        "# TYPE xmc_tick_to_order_seconds histogram",
        "# TYPE xmc_desk_state gauge",
    ] {
        assert!(text.lines().any(|told| told == line), "{line}");
    }
    assert!(text.contains("\nxmc_core_busy_seconds_total{core=\""));
    assert!(!text.contains("# TYPE xmc_core_busy_seconds_total"));
}

/// Names come from configurations, and from files that anybody may have written.
#[test]
fn hostile_names_stay_inside_their_label() {
    let (_scratch, record) = scratch("metrics_hostile");
    let mut config = configuration();
    let name = "a\"} 1\nxmc_engine_up 0 # \\";
    config.spreads[0].name.value = name.to_owned();
    config.feeds[0].name.value = "\\\\\"\n{}=,.x".to_owned();
    config.instruments[0].name.value = "cu.2\"6".to_owned();
    let clock = EngineClock::start();
    let counters = Counters::shown(&config, false, &record, identity(1), &clock);
    let _counters = counters.expect("the directory can be written");
    for format in [Format::Text, Format::Openmetrics] {
        let text = told(&mut source(&record), format);
        let line = "xmc_pair_position{pair=\"a\\\"} 1\\nxmc_engine_up 0 # \\\\\"} 0";
        assert!(text.lines().any(|told| told == line), "{text}");
        assert!(text.contains("{feed=\"\\\\\\\\\\\"\\n{}=,.x\",line=\"a\"} 0"), "{text}");
        assert!(text.contains("leg=\"cu.2\\\"6\"} 0"), "{text}");
        assert_eq!(text.lines().filter(|line| line.starts_with("xmc_engine_up")).count(), 1);
    }
    if has_prometheus() {
        promtool_reads(&told(&mut source(&record), Format::Text));
    }
}

#[test]
fn the_next_run_begins_again_and_says_which_it_is() {
    let (_scratch, record) = scratch("metrics_restart");
    let mut source = source(&record);
    assert!(source.read().is_err(), "there is no engine yet");
    let before = Scraped::of(&Format::Text.write(&source.families()));
    assert_eq!(before.value("xmc_engine_up"), Some(0.0));
    assert_eq!(before.value("xmc_counters_readable"), Some(0.0));
    let first = shown(&record, 1);
    first.desk.inputs.add(900);
    let seen = scraped(&mut source);
    let info = |run: u16| {
        format!(
            "xmc_engine_info{{site=\"1\",desk=\"1\",run=\"{run}\",pid=\"{}\"}}",
            std::process::id()
        )
    };
    assert_eq!(seen.value("xmc_desk_inputs_total"), Some(900.0));
    assert_eq!(seen.value(&info(1)), Some(1.0));
    let second = shown(&record, 2);
    second.desk.inputs.add(5);
    let seen = scraped(&mut source);
    assert_eq!(
        seen.value("xmc_desk_inputs_total"),
        Some(5.0),
        "a counter that went down began anew"
    );
    assert_eq!((seen.value(&info(1)), seen.value(&info(2))), (None, Some(1.0)));
}

/// The counters of an engine with so many pairs: `p0`, `p1` ..
pub fn many_pairs(record: &Path, count: usize) -> Counters {
    let mut config = configuration();
    let pair = config.spreads[0].clone();
    config.spreads = (0..count).map(|_| pair.clone()).collect();
    for (number, pair) in config.spreads.iter_mut().enumerate() {
        pair.name.value = format!("p{number}");
    }
    let counters = Counters::shown(&config, false, record, identity(1), &EngineClock::start());
    counters.expect("there is room")
}

/// A configuration may have many thousands of pairs: there is room, and the first ones are shown.
#[test]
fn of_many_pairs_the_first_thousand_are_told() {
    let (_scratch, record) = scratch("metrics_many");
    let counters = many_pairs(&record, 3_000);
    counters.told.pairs[PAIRS - 1].fires.set(7);
    let seen = scraped(&mut source(&record));
    assert_eq!(seen.0["xmc_pair_fires_total"].series.len(), PAIRS);
    assert_eq!(seen.value("xmc_pair_fires_total{pair=\"p999\"}"), Some(7.0));
}

/// How much earlier a line was is counted by powers of two; there the bounds hold what is below.
#[test]
fn leads_of_a_line_are_a_histogram_of_each_line() {
    let (_scratch, record) = scratch("metrics_leads");
    let counters = shown(&record, 1);
    let line = counters.feeds[1].line(Line::B);
    for (bin, count) in [(0, 2), (1, 3), (10, 5), (31, 7)] {
        line.leads[bin].add(count);
    }
    line.lead_ns.add(2_500);
    let text = told(&mut source(&record), Format::Text);
    for (le, count) in [
        ("0.0", 2),
        ("0.000000001", 5),
        ("0.000000511", 5),
        ("0.000001023", 10),
        ("1.073741823", 10),
        ("+Inf", 17),
    ] {
        let name = "xmc_feed_line_lead_seconds_bucket";
        let series = format!("{name}{{feed=\"cme\",line=\"b\",le=\"{le}\"}} {count}");
        assert!(text.lines().any(|line| line == series), "{series}");
    }
    for (end, value) in [("sum", "0.0000025"), ("count", "17")] {
        let name = format!("xmc_feed_line_lead_seconds_{end}");
        let series = format!("{name}{{feed=\"cme\",line=\"b\"}} {value}");
        assert!(text.lines().any(|line| line == series), "{series}");
        assert!(text.contains(&format!("{name}{{feed=\"cme\",line=\"a\"}} 0\n")), "{name}");
    }
}

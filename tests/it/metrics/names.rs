//! The table of names is what a running engine exports: all of it, and nothing else.

use super::client::Scraped;
use super::demo::Demo;
use super::{text, xmc};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What `xmc metrics names` says of one name.
#[derive(Debug)]
pub struct Told {
    pub kind: String,
    pub labels: BTreeSet<String>,
    pub about: String,
}

pub fn names() -> BTreeMap<String, Told> {
    let told: Value =
        serde_json::from_str(&text(&xmc(&["metrics", "names", "--json"]))).expect("it is JSON");
    assert_eq!((&told["schema"], told["version"].as_u64()), (&"xmc.metrics.names".into(), Some(1)));
    let word = |row: &Value, key: &str| row[key].as_str().expect("text").to_owned();
    let rows = told["families"].as_array().expect("a list").iter().map(|row| {
        let labels = row["labels"].as_array().expect("a list").iter();
        let labels = labels.map(|label| label.as_str().expect("text").to_owned()).collect();
        let told = Told { kind: word(row, "type"), labels, about: word(row, "about") };
        (word(row, "name"), told)
    });
    let count = told["families"].as_array().expect("a list").len();
    let rows: BTreeMap<_, _> = rows.collect();
    assert_eq!(rows.len(), count, "no name is there twice");
    rows
}

/// The labels of a series as its text has them, with its values.
fn labels(series: &str) -> BTreeMap<String, String> {
    let Some((_, inside)) = series.split_once('{') else { return BTreeMap::new() };
    let inside = inside.strip_suffix('}').expect("it closes");
    let pairs = inside.split("\",").map(|pair| pair.split_once("=\"").expect("a label"));
    pairs.map(|(key, value)| (key.to_owned(), value.trim_end_matches('"').to_owned())).collect()
}

#[test]
fn the_table_is_what_a_running_demo_exports() {
    let names = names();
    let demo = Demo::start("metrics_names");
    let seen = super::client::scrape(&demo.engine.url);
    let exported: BTreeSet<_> = seen.0.keys().collect();
    assert_eq!(names.keys().collect::<BTreeSet<_>>(), exported);
    for (name, family) in &seen.0 {
        let told = &names[name];
        assert_eq!((&told.kind, &told.about), (&family.kind, &family.help), "{name}");
        for series in family.series.keys() {
            let mut own: BTreeSet<_> = labels(series).into_keys().collect();
            if told.kind == "histogram" {
                own.remove("le");
            }
            assert_eq!(own, told.labels, "{series}");
        }
    }
    // What the engine's own thread serves is what another process reads from its file.
    let record = demo.record.to_str().expect("it is text");
    let beside = Scraped::of(&text(&xmc(&["metrics", record, "--once"])));
    let series = |seen: &Scraped| -> BTreeSet<String> {
        seen.0.values().flat_map(|family| family.series.keys().cloned()).collect()
    };
    assert_eq!(series(&seen), series(&beside));
    let fires = |seen: &Scraped| seen.value("xmc_engine_fires_total").expect("it is there");
    assert!(fires(&beside) >= fires(&seen) && fires(&seen) >= 10.0);
    let by_pair = |seen: &Scraped| -> f64 { seen.0["xmc_pair_fires_total"].series.values().sum() };
    assert!((by_pair(&beside) - fires(&beside)).abs() <= 10.0, "{} pairs", by_pair(&beside));
}

/// Names follow the conventions of Prometheus: one prefix, base units, `_total` for what grows.
#[test]
fn names_are_as_prometheus_wants_them() {
    let names = names();
    assert!(names.len() > 150, "{}", names.len());
    for (name, told) in &names {
        let is_name = name.starts_with("xmc_")
            && name.chars().all(|char| matches!(char, 'a'..='z' | '0'..='9' | '_'))
            && !name.contains("__");
        assert!(is_name, "{name}");
        assert_eq!(name.ends_with("_total"), told.kind == "counter", "{name}");
        for unit in ["_ns", "_ms", "_us", "_ticks", "_pct", "_percent"] {
            assert!(!name.ends_with(unit) && !name.contains(&format!("{unit}_")), "{name}");
        }
        assert!(told.about.len() > 5 && told.about.ends_with('.'), "{name}: {}", told.about);
    }
    for (name, kind) in [
        ("xmc_feed_line_packets_total", "counter"),
        ("xmc_core_busy_seconds_total", "counter"),
        ("xmc_core_heartbeat_age_seconds", "gauge"),
        ("xmc_desk_record_used_ratio", "gauge"),
        ("xmc_journal_bytes_total", "counter"),
        ("xmc_ring_depth", "gauge"),
        ("xmc_pair_leg_residual", "gauge"),
        ("xmc_alert_firing", "gauge"),
        ("xmc_tick_to_order_seconds", "histogram"),
    ] {
        assert_eq!(names.get(name).map(|told| told.kind.as_str()), Some(kind), "{name}");
    }
}

/// What a person reads is the same table.
#[test]
fn the_table_for_people_has_every_name() {
    let text = text(&xmc(&["metrics", "names"]));
    let first: BTreeSet<_> =
        text.lines().map(|line| line.split(' ').next().expect("a name").to_owned()).collect();
    assert_eq!(first, names().into_keys().collect());
}

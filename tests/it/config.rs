//! The configuration: the samples are sound, and every way to be wrong is refused by name.

mod corpus;
mod decimal;
mod mutation;
mod rendering;

use cross_market_connect::config::{self, Configuration, Invalid};
use std::path::{Path, PathBuf};

/// A sample of the project.
pub fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(name)
}

/// The sample that the tests break, as one text: what it includes takes the include's place.
pub fn base() -> String {
    let text = std::fs::read_to_string(sample("replay_calendar.toml")).expect("the sample");
    let topology = std::fs::read_to_string(sample("topology_one_core.toml")).expect("its topology");
    let include = "include = [\"topology_one_core.toml\"]\n";
    assert!(text.contains(include));
    text.replace(include, "") + "\n" + &topology
}

/// `base` with the first of each pair replaced by the second, wherever it occurs first.
pub fn edited(edits: &[(&str, &str)]) -> String {
    let mut text = base();
    for (find, replace) in edits {
        assert!(text.contains(find), "the sample has no {find:?} to replace");
        text = text.replacen(find, replace, 1);
    }
    text
}

/// Loads a text as if it were a file of this name.
pub fn load(text: &str) -> Result<Configuration, Invalid> {
    config::load_text(Path::new("test.toml"), text)
}

#[test]
fn the_samples_are_sound() {
    for name in ["replay_calendar.toml", "demo.toml"] {
        config::load(&sample(name)).unwrap_or_else(|invalid| panic!("{}", invalid.render(false)));
    }
    load(&base()).unwrap_or_else(|invalid| panic!("{}", invalid.render(false)));
    let other_topology =
        base_with_topology("topology_two_cores.toml", "the two-core topology fits the same engine");
    assert_eq!(other_topology.executors[0].core.value, 1);
}

fn base_with_topology(topology: &str, why: &str) -> Configuration {
    let text = std::fs::read_to_string(sample("replay_calendar.toml")).expect("the sample");
    let text = text.replace("topology_one_core.toml", topology);
    config::load_text(&sample("replay_calendar.toml"), &text)
        .unwrap_or_else(|invalid| panic!("{why}: {}", invalid.render(false)))
}

#[test]
fn what_is_written_is_what_is_read() {
    let configuration = load(&base()).expect("the sample");
    assert_eq!(configuration.engine.record_ring_bytes, 1 << 24);
    assert_eq!(configuration.feeds[0].line_b.to_string(), "224.0.32.64:15340");
    let instrument = &configuration.instruments[1];
    assert_eq!(instrument.security_id.value, 336_491);
    assert_eq!((instrument.tick_e9, instrument.multiplier_e9), (250_000_000, 50_000_000_000));
    let spread = &configuration.spreads[0];
    let weights: Vec<_> = spread.legs.iter().map(|leg| leg.weight_q32).collect();
    assert_eq!(weights, [1 << 32, -(1 << 32)], "a sold leg weighs against the spread");
    assert_eq!(spread.triggers.buy_open_e9.as_ref().map(|level| level.value), Some(-1_750_000_000));
    assert_eq!(spread.project, "replay", "the engine's project is inherited");
    assert_eq!(spread.cool_down_ms, 10, "[defaults] is inherited");
    assert_eq!(configuration.limits.instruments.len(), 2);
}

#[test]
fn the_digest_is_of_the_text() {
    let digest = |text: &str| load(text).expect("sound").digest();
    assert_eq!(digest(&base()), digest(&base()));
    assert_ne!(digest(&base()), digest(&edited(&[("cool_down_ms = 10", "cool_down_ms = 11")])));
}

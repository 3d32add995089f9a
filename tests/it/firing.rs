//! A configuration that fires on almost every quote of the shared capture.

use std::fs;
use std::path::Path;

/// The sample with a trigger that every price meets and limits that let it: each quote fires, as
/// long as the legs' books have both sides.
pub fn text() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let mut text = fs::read_to_string(folder.join("replay_calendar.toml")).expect("the sample");
    let topology = folder.join("topology_one_core.toml");
    for (find, replace) in [
        ("topology_one_core.toml", topology.to_str().expect("UTF-8")),
        ("record_ring_bytes = 16_777_216", "record_ring_bytes = 1_048_576"),
        ("fires_per_window = 20", "fires_per_window = 60"),
        ("fire_window_ms = 1_000", "fire_window_ms = 1"),
        ("rate_window_ms = 3_000", "rate_window_ms = 1"),
        ("cool_down_ms = 10", "cool_down_ms = 0"),
        ("max_quote_age_ms = 5_000", "max_quote_age_ms = 60_000"),
        ("max_quote_skew_ms = 5_000", "max_quote_skew_ms = 60_000"),
        ("buy_open = \"-1.75\"\nbuy_close = \"-1.5\"\n", "buy_open = \"299\"\n"),
        ("sell_open = \"-1.25\"\nsell_close = \"-1.75\"\n", ""),
        ("max_units = 5\n", "max_units = 10_000\n"),
        ("max_position_lots = 20\n", "max_position_lots = 10_000\n"),
        ("max_position_lots = 40\n", "max_position_lots = 20_000\n"),
    ] {
        assert!(text.contains(find), "the sample has no {find:?} to replace");
        text = text.replace(find, replace);
    }
    text
}

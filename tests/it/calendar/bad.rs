//! Wrong calendars: one mistake each, and any bytes at all.

use super::{read, shipped_text};
use cross_market_connect::calendar::{Kept, of_text};
use std::path::Path;

/// What is replaced by what, the rule's code, and the line it is shown at.
const CASES: &[(&str, &str, &str, usize)] = &[
    ("valid_from = 2026-01-01", "valid_from = 2027-01-01", "XMC-C080", 10),
    ("valid_from = 2026-01-01", "valid_from = 2001-01-01", "XMC-C080", 10),
    ("valid_from = 2026-01-01", "valid_from = \"2026-01-01\"", "XMC-C008", 9),
    ("valid_from = 2026-01-01", "valid_from = 2026-01-01T00:00:00", "XMC-C080", 9),
    ("valid_from = 2026-01-01", "", "XMC-C007", 4),
    ("until = 2026-02-23", "until = 2026-02-13", "XMC-C080", 31),
    ("until = \"25:00\"", "until = \"20:00\"", "XMC-C081", 79),
    ("until = \"25:00\"", "until = \"48:01\"", "XMC-C081", 79),
    ("until = \"25:00\"", "until = \"25:60\"", "XMC-C081", 79),
    ("until = \"25:00\"", "until = \"1:00\"", "XMC-C081", 79),
    ("until = \"25:00\"", "until = \"+1:00\"", "XMC-C081", 79),
    ("until = \"10:15\"", "until = \"10:45\"", "XMC-C082", 65),
    ("until = \"25:00\"", "until = \"34:00\"", "XMC-C082", 65),
    ("Asia/Shanghai", "Asia/Peking", "XMC-C081", 8),
    ("eve = \"trading_day\"", "eve = \"sunday\"", "XMC-C011", 11),
    ("phase = \"auction\"", "phase = \"pause\"", "XMC-C011", 71),
    ("[[closed]]", "[[closure]]", "XMC-C006", 23),
    ("products =", "product =", "XMC-C006", 67),
];

#[test]
fn each_mistake_is_shown_at_its_place() {
    let sample = shipped_text("shfe.toml");
    for (from, to, code, line) in CASES {
        let text = sample.replacen(from, to, 1);
        assert_ne!(text, sample, "{from:?} is not in the sample");
        let invalid = of_text(Path::new("calendar.toml"), &text).expect_err(to);
        let shown = invalid.to_string();
        let wanted = format!("calendar.toml:{line}:");
        let is_there = |shown: &str| shown.starts_with(&wanted) && shown.contains(code);
        assert!(shown.lines().any(is_there), "{to:?}: wanted {code} at line {line}, not\n{shown}");
    }
}

#[test]
fn no_truncation_and_no_flipped_byte_panics() {
    let sample = shipped_text("comex.toml");
    for cut in (0..sample.len()).step_by(7) {
        if let Some(text) = sample.get(..cut) {
            let _ = of_text(Path::new("calendar.toml"), text).map(Kept::new);
        }
    }
    let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
    let (mut taken, mut refused) = (0, 0);
    for _ in 0..2_000 {
        let mut bytes = sample.clone().into_bytes();
        for _ in 0..=seed % 3 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            let index = usize::try_from(seed % bytes.len() as u64).expect("within");
            bytes[index] =
                b" 0123456789:-\"=[]aeT"[usize::try_from(seed >> 32).expect("64 bits") % 20];
        }
        let text = String::from_utf8_lossy(&bytes);
        match of_text(Path::new("calendar.toml"), &text) {
            Ok(calendar) => taken += usize::from(Kept::new(calendar).timetables.len() == 1),
            Err(invalid) => refused += usize::from(!invalid.problems.is_empty()),
        }
    }
    assert_eq!(taken + refused, 2_000);
    assert!(taken > 20 && refused > 20, "{taken} taken, {refused} refused");
}

#[test]
fn every_shipped_calendar_says_where_it_comes_from() {
    for file in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("config/calendars"))
        .expect("the folder")
    {
        let name = file.expect("a file").file_name().into_string().expect("plain");
        let calendar = read(&shipped_text(&name));
        assert!(!calendar.sources.is_empty() && !calendar.unproven.is_empty(), "{name}");
    }
}

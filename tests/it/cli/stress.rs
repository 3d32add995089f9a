//! `xmc stress` as a program: every packet that was due is accounted for.

use crate::journal::scratch::Scratch;
use serde_json::Value;
use std::process::Command;

/// How fast it was is not looked at: each spread fires so seldom that no machine is too slow.
#[test]
fn every_fire_that_was_due_is_in_the_journal_or_held_back_by_a_gate() {
    // A journal that gets no turn for long holds fires back, and not each is told.
    let _alone = super::alone();
    let scratch = Scratch::new("stress");
    let record = scratch.path("record");
    let run = Command::new(env!("CARGO_BIN_EXE_xmc"))
        .args(["stress", "--fires-per-second", "200", "--seconds", "1", "--json", "--record"])
        .arg(&record)
        .output()
        .expect("xmc runs");
    let told = String::from_utf8_lossy(&run.stdout);
    let told: Value = serde_json::from_str(&told).expect("JSON");
    let count = |name: &str| told[name].as_u64().unwrap_or_else(|| panic!("{name} in {told}"));
    let refusals = told["refusals"].as_object().expect("by gate");
    let refused: u64 = refusals.values().filter_map(Value::as_u64).sum();
    assert_eq!(count("fires_wanted"), 200, "{told}");
    assert_eq!(count("fires") + refused, 200, "{told}");
    assert_eq!(told["tick_to_order_ns"]["count"], told["fires"], "{told}");
    assert_eq!(told["leg_skew_ns"]["count"], told["fires"], "{told}");
    assert_eq!(told["frames_equal_record"], true, "{told}");
    assert_eq!(count("records_read_back"), count("journal_records"), "{told}");
    assert_eq!(count("allocations"), 0, "{told}");
    let expected = if refused == 0 { 0 } else { 1 };
    assert_eq!(run.status.code(), Some(expected), "{told}");
    let verified = Command::new(env!("CARGO_BIN_EXE_xmc"))
        .args(["audit", "verify"])
        .arg(&record)
        .output()
        .expect("xmc runs");
    assert_eq!(verified.status.code(), Some(0), "{}", String::from_utf8_lossy(&verified.stdout));
}

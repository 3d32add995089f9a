//! A check of nothing is none: it says that nothing was checked and what to do, and ends neither
//! with 0 nor with a report that looks fine.

use super::decode_check::{A, capture, packet};
use super::text_of;
use crate::audit::rig;
use crate::journal::scratch::Scratch;
use cross_market_connect::sim::plan::Seed;
use std::fs;
use std::process::Command;

/// Ends with `code`, says all of `words` on stderr, and reports nothing.
#[track_caller]
fn says(args: &[&str], code: i32, words: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_xmc")).args(args).output().expect("xmc runs");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {stdout}{stderr}");
    for word in words {
        assert!(stderr.contains(word), "{args:?}: {word:?} is not in {stderr:?}");
    }
    assert!(!stdout.contains("equal") && !stdout.contains("whole"), "{args:?}: {stdout}");
}

#[test]
fn sides_without_a_packet_to_compare_are_not_equal() {
    let file = capture("nothing.pcap", &[(A, packet(4, 100)), (A, packet(5, 100))]);
    let both = ["decode-check", text_of(&file), text_of(&file)];
    let check = |more: &[&str], code, words: &[&str]| says(&[&both, more].concat(), code, words);
    check(&["--from", "5", "--until", "1"], 3, &["from 5 until 1", "--until"]);
    check(&["--from", "6"], 2, &["nothing was compared", "from 6", "--from"]);
    check(&["--until", "3", "--json"], 2, &["nothing was compared", "until 3"]);
    let other = ["--group", "224.0.31.99"];
    check(&other, 2, &["--group"]);
    let output = Command::new(env!("CARGO_BIN_EXE_xmc")).args(both).args(["--from", "5"]).output();
    assert_eq!(output.expect("xmc runs").status.code(), Some(0), "the last packet is compared");
}

#[test]
fn no_schedule_is_no_sweep() {
    for args in [&["--seeds", "0"][..], &["--seeds", "0", "--json"]] {
        says(&[&["sim"], args].concat(), 3, &["1.."]);
    }
}

#[test]
fn an_empty_register_was_not_verified() {
    let scratch = Scratch::new("nothing_register");
    let register = scratch.path("register.jsonl");
    fs::write(&register, "").expect("the disk has room");
    says(&["govern", "verify", text_of(&register)], 2, &["holds no entry", "nothing was checked"]);
    says(&["--json", "govern", "verify", text_of(&register)], 2, &["nothing was checked"]);
    // Of which something was seen, it is cut.
    let head = format!("3:{}", "ab".repeat(32));
    let verify = ["--json", "govern", "verify", text_of(&register), "--head", &head];
    let output = Command::new(env!("CARGO_BIN_EXE_xmc")).args(verify).output().expect("xmc runs");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

#[test]
fn a_directory_that_nothing_was_compared_in_agrees_with_nobody() {
    let scratch = Scratch::new("nothing_resync");
    let empty = scratch.path("empty");
    fs::create_dir_all(&empty).expect("the disk has room");
    let words = ["nothing was compared", "[resync]", "xmc resync now"];
    says(&["resync", "show", "--record", text_of(&empty)], 2, &words);
    says(&["--json", "resync", "show", "--record", text_of(&empty)], 2, &words);
}

#[test]
fn a_day_that_the_record_does_not_know_has_no_report() {
    let scratch = Scratch::new("nothing_day");
    let path = rig::journal(Seed::whole(3), &scratch);
    let words = ["nothing of 2026-08-31", "2026-09-01", "--day"];
    for more in [&[][..], &["--recount"], &["--json"], &["--sheet", "rts24"]] {
        let day = ["audit", "report", text_of(&path), "--day", "2026-08-31"];
        says(&[&day, more].concat(), 2, &words);
    }
    let zone = ["--day", "2026-09-02", "--zone", "8"];
    says(&[&["audit", "report", text_of(&path)][..], &zone].concat(), 2, &["--zone 8"]);
}

/// Which engine is meant is said in one sentence, without two words that exclude each other.
#[test]
fn an_engine_that_is_not_named_is_asked_for() {
    for args in [&["limits"][..], &["limits", "--record", "/tmp"], &["control", "status"]] {
        says(args, 3, &["say which engine", "--socket PATH", "--config FILE, with --record DIR"]);
    }
}

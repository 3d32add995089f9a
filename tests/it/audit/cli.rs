//! `xmc audit verify`, as an auditor runs it.

use crate::journal::desk::{Desk, FIRST, publish};
use crate::journal::scratch::Scratch;
use crate::journal::write::at;
use cross_market_connect::journal::disk::Directory;
use cross_market_connect::journal::shm::RingFile;
use cross_market_connect::journal::{Options, recover};
use sha2::Digest;
use std::path::Path;
use std::process::{Command, Output};

fn verify(path: &Path, json: bool) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xmc"));
    command.args(["audit", "verify"]).arg(path);
    if json {
        command.arg("--json");
    }
    command.output().expect("xmc runs")
}

/// A journal in a directory, completed from the ring of an engine that died.
fn journal(scratch: &Scratch) -> std::path::PathBuf {
    let path = scratch.path("desk.ring");
    let mut ring = RingFile::open(&path, 1 << 16, FIRST).unwrap();
    publish(&mut ring.producer().unwrap(), &Desk::new(FIRST, 1).records(25)).unwrap();
    drop(ring);
    let mut ring = RingFile::open(&path, 1 << 16, FIRST).unwrap();
    let directory = scratch.path("journal");
    let disk = Directory::open(&directory).unwrap();
    let recovered = recover(disk, &ring, Options::default(), at(5)).unwrap();
    assert_eq!((recovered.identity, recovered.figures.records), (FIRST, 32));
    ring.renew(FIRST).unwrap();
    directory
}

#[test]
fn a_whole_journal_ends_with_0_and_a_changed_one_with_1() {
    let scratch = Scratch::new("audit");
    let directory = journal(&scratch);
    let segment = directory.join("00000001.xmj");
    for path in [&directory, &segment] {
        let output = verify(path, false);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("whole: every hash and every record is in its place"), "{text}");
        assert!(text.contains("32 records (25 inputs, 4 orders, 2 details)"), "{text}");
    }
    let output = verify(&directory, true);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["schema"], "xmc.audit.verify");
    assert_eq!(json["counts"]["inputs"], 25);
    assert_eq!(json["finding"], serde_json::Value::Null);

    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[400] ^= 4;
    std::fs::write(&segment, bytes).unwrap();
    let output = verify(&directory, false);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("00000001.xmj at byte 256: block_hash"), "{text}");
    let output = verify(&directory, true);
    assert_eq!(output.status.code(), Some(1));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["finding"]["offset"], 256);
    assert_ne!(json["finding"]["written_hash"], json["finding"]["expected_hash"]);
}

#[test]
fn what_is_not_there_ends_with_2() {
    let scratch = Scratch::new("audit");
    for path in [scratch.path("nowhere"), scratch.path("")] {
        let output = verify(&path, false);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(output.stdout.is_empty());
        assert!(String::from_utf8(output.stderr).unwrap().starts_with("error: "));
    }
}

/// A message that says what it is, and the exit code that scripts can tell cases apart by: 2 for
/// what this build cannot judge, 1 for a journal that is not as it was written.
#[test]
fn bad_inputs_are_named_and_end_as_they_should() {
    let scratch = Scratch::new("audit-bad");
    let directory = journal(&scratch);
    let segment = directory.join("00000001.xmj");
    let whole = std::fs::read(&segment).unwrap();
    let mut old = whole.clone();
    old[8] = 1;
    let hash: [u8; 32] = sha2::Sha256::digest(&old[..224]).into();
    old[224..256].copy_from_slice(&hash);
    let elsewhere = scratch.path("elsewhere");
    let alone: [(&str, &[u8], i32, &str); 5] = [
        ("foreign", b"%PDF-1.7 and so on, for a while", 2, "not a segment of a journal"),
        ("empty", b"", 2, "not a segment of a journal"),
        ("old version", &old, 2, "format 1, this build reads format 2"),
        ("half copied", &whole[..whole.len() / 2], 1, "NOT WHOLE"),
        ("only its header", &whole[..100], 1, "NOT WHOLE"),
    ];
    for (what, bytes, code, text) in alone {
        std::fs::write(&elsewhere, bytes).unwrap();
        let output = verify(&elsewhere, false);
        assert_eq!(output.status.code(), Some(code), "{what}: {output:?}");
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(said.contains(text), "{what}: {said}");
    }
    // In a journal's directory they lie where a segment should be.
    for (what, bytes, code) in [("foreign", &b"%PDF"[..], 1), ("empty", b"", 1), ("old", &old, 2)] {
        std::fs::write(&segment, bytes).unwrap();
        let output = verify(&directory, false);
        assert_eq!(output.status.code(), Some(code), "{what}: {output:?}");
    }
    // Something that cannot be read at all.
    std::fs::remove_file(&segment).unwrap();
    std::fs::create_dir(&segment).unwrap();
    let output = verify(&directory, false);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(String::from_utf8(output.stderr).unwrap().contains("cannot read"));
}

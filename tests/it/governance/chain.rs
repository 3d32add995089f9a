//! The chain and the signatures, against hashes and checks that are made here by hand; and every
//! way to change a register that has been written.

use super::rig::{Rig, key};
use cross_market_connect::governance::refusal::Refusal;
use cross_market_connect::governance::register::{Register, RegisterError};
use ed25519_dalek::{Signature, VerifyingKey};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fs::OpenOptions;
use std::io::Write;
use std::process::Command;

fn whole(name: &str) -> Rig {
    let rig = Rig::new(name);
    rig.approved(0, &rig.config(&[]));
    rig
}

/// What stands between `{"signed":` and `,"signature":"`, and the bytes behind that.
fn parts(line: &str) -> (&str, Vec<u8>) {
    let at = line.rfind(",\"signature\":\"").expect("it is signed");
    let signed = line[..at].strip_prefix("{\"signed\":").expect("it says something");
    let rest = line[at..].strip_prefix(",\"signature\":\"").expect("it is there");
    let encoded = rest.strip_suffix("\"}").and_then(|rest| rest.split(' ').nth(2));
    let bytes = decode(encoded.expect("dash, name, bytes"));
    // The first four are the key's number.
    (signed, bytes[4..].to_vec())
}

/// Base64, as RFC 4648 has it.
fn decode(text: &str) -> Vec<u8> {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let sextets = text.bytes().filter(|byte| *byte != b'=').map(|byte| {
        let at = SIGNS.iter().position(|sign| *sign == byte).expect("base64");
        u32::try_from(at).expect("small")
    });
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for sextet in sextets {
        (bits, count) = (bits << 6 | sextet, count + 6);
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xFF) as u8);
        }
    }
    bytes
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn each_line_holds_the_hash_of_the_one_before_and_is_signed() {
    let rig = whole("govern_chain");
    let lines = rig.lines();
    assert_eq!(lines.len(), 5);
    let mut previous = "0".repeat(64);
    for (number, line) in lines.iter().enumerate() {
        let value: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(value["signed"]["entry"], number as u64 + 1);
        assert_eq!(value["signed"]["previous"], previous.as_str());
        previous = sha256(line.as_bytes());
        let (signed, bytes) = parts(line);
        let by = value["signed"]["by"].as_str().expect("a name");
        let message = format!("xmc-governance/v1\n{signed}\n");
        let key = VerifyingKey::from_bytes(&key(by).verifier().bytes()).expect("a key");
        let signature = Signature::from_slice(&bytes).expect("64 bytes");
        key.verify_strict(message.as_bytes(), &signature).expect("it is theirs");
    }
    let register = rig.read();
    assert_eq!((register.fold.head(), register.fold.count()), (previous.as_str(), 5));
}

/// Another program says so too.
#[test]
fn openssl_finds_the_signatures_right() {
    if Command::new("openssl").arg("version").output().is_err() {
        eprintln!("SKIPPED: no openssl on this machine");
        return;
    }
    let rig = whole("govern_openssl");
    let line = rig.lines().swap_remove(4);
    let (signed, bytes) = parts(&line);
    let front = [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00];
    let der = [&front[..], &key("carl").verifier().bytes()[..]].concat();
    for (text, is_right) in [(signed.to_owned(), true), (signed.replace("carl", "rita"), false)] {
        let path = |name: &str| rig.scratch.path(name);
        std::fs::write(path("key.der"), &der).expect("a file");
        std::fs::write(path("text"), format!("xmc-governance/v1\n{text}\n")).expect("a file");
        std::fs::write(path("signature"), &bytes).expect("a file");
        let output = Command::new("openssl")
            .args(["pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-rawin", "-inkey"])
            .arg(path("key.der"))
            .arg("-in")
            .arg(path("text"))
            .arg("-sigfile")
            .arg(path("signature"))
            .output()
            .expect("openssl runs");
        assert_eq!(output.status.success(), is_right, "{output:?}");
    }
}

#[test]
fn what_is_changed_taken_out_or_put_elsewhere_is_found_where_it_is() {
    let rig = whole("govern_changed");
    let lines = rig.lines();
    assert_eq!(rig.broken(&lines), None);
    let with = |edit: &dyn Fn(&mut Vec<String>)| {
        let mut lines = lines.clone();
        edit(&mut lines);
        rig.broken(&lines)
    };
    let change = |number: usize, from: &str, to: &str| {
        with(&|lines| {
            assert!(lines[number].contains(from), "{from} in {}", lines[number]);
            lines[number] = lines[number].replacen(from, to, 1);
        })
    };
    // One word of what was signed, in each line; and in who is said to have.
    for number in 0..5 {
        assert_eq!(change(number, "a test", "a jest"), Some((number as u64 + 1, "forged")));
    }
    assert_eq!(change(3, "\"by\":\"rita\"", "\"by\":\"carl\""), Some((4, "forged")));
    assert_eq!(change(3, "\"by\":\"rita\"", "\"by\":\"mallory\""), Some((4, "person")));
    assert_eq!(change(4, "{\"signed\"", "{ \"signed\""), Some((5, "not_canonical")));
    assert_eq!(change(4, "{\"signed\"", "{\"singed\""), Some((5, "form")));
    assert_eq!(with(&|lines| lines.swap(2, 3)), Some((3, "order")));
    assert_eq!(with(&|lines| drop(lines.remove(2))), Some((3, "order")));
    assert_eq!(with(&|lines| lines.push(lines[4].clone())), Some((6, "order")));
    // A line in its own place, behind another one than it was written behind.
    let other = Rig::new("govern_other");
    other.approved(1, &other.config(&[]));
    assert_eq!(with(&|lines| lines[3] = other.lines()[3].clone()), Some((4, "chain")));
}

/// A signature is of one entry: under another it is worth nothing, even if nothing else changes.
#[test]
fn an_approval_is_not_played_again() {
    let rig = whole("govern_replay");
    let lines = rig.lines();
    let second = rig.tried(10, &rig.config(&[("max_units = 5", "max_units = 6")]));
    let after = rig.lines();
    let head = sha256(after.last().expect("a line").as_bytes());
    let old: Value = serde_json::from_str(&lines[3]).expect("JSON");
    let digest = old["signed"]["what"]["approval"]["configuration"].as_str().expect("a digest");
    let new = rig.read().fold.case(second).expect("it is there").proposal.configuration.clone();
    let moved = lines[3]
        .replace("\"entry\":4", &format!("\"entry\":{}", after.len() + 1))
        .replace(old["signed"]["previous"].as_str().expect("a hash"), &head)
        .replace("\"proposal\":1", &format!("\"proposal\":{second}"))
        .replace("2026-11-22T12:02:00Z", "2026-11-22T12:20:00Z")
        .replace(digest, &new);
    let played = [&after[..], &[moved]].concat();
    assert_eq!(rig.broken(&played), Some((after.len() as u64 + 1, "forged")));
}

#[test]
fn a_line_that_was_cut_is_told_and_nothing_is_added_to_it() {
    let rig = whole("govern_torn");
    let text = std::fs::read(&rig.register).expect("it is there");
    std::fs::write(&rig.register, &text[..text.len() - 40]).expect("it is ours");
    let register = rig.read();
    let (entry, refusal) = register.broken.clone().expect("it is found");
    assert_eq!((entry, refusal), (5, Refusal::Torn { after: 4 }));
    assert_eq!(register.entries.len(), 4, "what is before it counts");
    let added = Register::append::<RegisterError>(
        &rig.register,
        &key("carl"),
        super::rig::at(9),
        "a test",
        |_| panic!("nobody is asked"),
    );
    assert!(matches!(added, Err(RegisterError::Broken { entry: 5, .. })), "{added:?}");
    assert_eq!(std::fs::read(&rig.register).expect("it is there").len(), text.len() - 40);
    // Half a line that somebody ended by hand is none either.
    OpenOptions::new()
        .append(true)
        .open(&rig.register)
        .and_then(|mut file| file.write_all(b"\n"))
        .expect("it is ours");
    assert_eq!(rig.read().broken.map(|(entry, refusal)| (entry, refusal.rule())), {
        Some((5, "form"))
    });
}

/// Whole lines off the end are a shorter register; what was seen of it tells.
#[test]
fn a_shorter_register_and_another_one_are_told_by_what_was_seen() {
    let rig = whole("govern_cut");
    let register = rig.read();
    let (seen, head) = (register.fold.count(), register.fold.head().to_owned());
    assert_eq!(register.holds(seen, &head), Ok(()));
    assert_eq!(register.holds(3, &register.entries[2].hash), Ok(()));
    assert_eq!(register.holds(0, ""), Ok(()));
    let lines = rig.lines();
    let shorter = lines[..4].iter().map(|line| format!("{line}\n")).collect();
    let shorter = Register::of_text(rig.register.clone(), shorter);
    assert_eq!(shorter.broken, None, "by itself it is whole");
    assert_eq!(shorter.holds(seen, &head), Err(Refusal::Cut { found: 4, seen }));
    let other = Rig::new("govern_anew");
    other.approved(1, &other.config(&[]));
    let held = other.read().holds(seen, &head);
    assert!(matches!(held, Err(Refusal::Rewritten { .. })), "{held:?}");
}

/// Two who sign at the same time are two entries, one behind the other.
#[test]
fn many_who_sign_at_once_are_one_chain() {
    let rig = Rig::new("govern_at_once");
    let proposal = rig.tried(0, &rig.config(&[]));
    let names = ["olga", "rita", "carl", "eve"];
    std::thread::scope(|scope| {
        for name in names {
            let rig = &rig;
            scope.spawn(move || rig.approve(name, 2, proposal).expect("it is approved of"));
        }
    });
    let register = rig.read();
    assert_eq!((register.broken.clone(), register.fold.count()), (None, 6));
    let case = register.fold.case(proposal).expect("it is there");
    let mut by: Vec<_> = case.approvals.iter().map(|one| one.by.as_str()).collect();
    by.sort_unstable();
    assert_eq!(by, ["carl", "eve", "olga", "rita"]);
}

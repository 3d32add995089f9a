//! What an insider can do to a journal, hashes included, and what a witness makes of it.
//!
//! Each attack is done as well as it can be: the changed records are written by the journal writer
//! itself, so that every checksum, hash and sequence number is right. Without a witness all of them
//! pass, and the tests say so.

use crate::journal::desk::{Desk, FIRST, publish};
use crate::journal::memory::Memory;
use crate::journal::write::{OPTIONS, at, drain, memory};
use cross_market_connect::audit::checkpoint::Checkpoint;
use cross_market_connect::audit::evidence::{Evidence, Trust};
use cross_market_connect::audit::note::{Purpose, SignerKey};
use cross_market_connect::audit::{Finding, Report, verify_segments_against};
use cross_market_connect::journal::tree::{Tree, leaf_hash};
use cross_market_connect::journal::{JournalWriter, SealReason};
use xmc_hotpath::message::DeskIdentity;
use xmc_hotpath::record::ring::{Consumer, Producer};

pub const ORIGIN: &str = "example.com/site1/desk2";
/// The desk's second run.
const SECOND: DeskIdentity = DeskIdentity { run: 2, ..FIRST };
/// Inputs of the journals here: 48 records, orders and details among them.
const INPUTS: usize = 38;

pub fn log_key(seed: u8) -> SignerKey {
    SignerKey::new(ORIGIN, Purpose::Log, &[seed; 32]).unwrap()
}

pub fn witness_key(seed: u8) -> SignerKey {
    SignerKey::new("example.com/witness", Purpose::Witness, &[seed; 32]).unwrap()
}

fn trust() -> Trust {
    Trust { current: vec![log_key(1).verifier()], ..Trust::default() }
}

pub fn records(seed: u64) -> Vec<Vec<u8>> {
    Desk::new(FIRST, seed).records(INPUTS)
}

/// A journal that holds `records`, in which everything is right in itself.
fn journal(records: &[Vec<u8>]) -> Memory {
    let ring = memory(FIRST);
    let disk = Memory::default();
    let consumer = Consumer::attach(&ring).unwrap();
    let (mut writer, _) = JournalWriter::start(disk.clone(), consumer, FIRST, OPTIONS).unwrap();
    let mut producer = Producer::attach(&ring).unwrap();
    for some in records.chunks(20) {
        publish(&mut producer, some).unwrap();
        writer.poll(at(1)).unwrap();
    }
    writer.finish(SealReason::Stopped, at(2)).unwrap();
    disk
}

fn verify(records: &[Vec<u8>], evidence: Option<&Evidence>) -> Report {
    let disk = journal(records);
    let state = disk.state();
    let segments = state.segments.iter().map(|(number, bytes)| (*number, bytes.as_slice()));
    verify_segments_against(segments, evidence)
}

pub fn checkpoint(records: &[Vec<u8>]) -> Checkpoint {
    let mut tree = Tree::new();
    records.iter().for_each(|record| tree.push(leaf_hash(record)));
    Checkpoint { origin: ORIGIN.to_owned(), size: tree.size(), root: tree.root() }
}

/// What a witness has of `records` when every `step` of them were signed.
pub fn kept(records: &[Vec<u8>], step: usize, keys: &[&SignerKey]) -> String {
    let ends = (step..records.len()).step_by(step).chain([records.len()]);
    ends.map(|end| format!("{}\n", checkpoint(&records[..end]).sign(keys))).collect()
}

pub fn weigh(text: &str, trust: &Trust) -> Evidence {
    Evidence::of_text(text, trust)
}

/// The honest journal, as the witness saw it every ten records.
fn evidence() -> Evidence {
    let evidence = weigh(&kept(&records(1), 10, &[&log_key(1)]), &trust());
    assert_eq!(evidence.flaw, None);
    evidence
}

/// What the witness finds; without it, nothing is.
#[track_caller]
fn attacked(records: &[Vec<u8>]) -> Finding {
    assert_eq!(verify(records, None).finding, None, "the attack is as good as it can be");
    verify(records, Some(&evidence())).finding.expect("the witness tells")
}

fn is_order(record: &[u8]) -> bool {
    record[2] == 32
}

#[test]
fn an_honest_journal_agrees_with_its_witness_and_says_what_nobody_saw() {
    let mut desk = Desk::new(FIRST, 1);
    let mut more = desk.records(INPUTS);
    let report = verify(&more, Some(&evidence()));
    assert_eq!(report.finding, None);
    let witness = report.witness.unwrap();
    assert_eq!((witness.checkpoints, witness.matched, witness.records), (5, 5, 48));
    assert_eq!((witness.unwitnessed_records, witness.passed_over), (0, 0));
    assert_eq!(witness.signed_by, [format!("{ORIGIN}+{:08x}", log_key(1).verifier().id())]);
    more.extend(desk.next().0);
    let report = verify(&more, Some(&evidence()));
    assert_eq!(report.finding, None);
    assert_eq!(report.witness.unwrap().unwitnessed_records, 1);
    assert_eq!(verify(&more, None).witness, None);
}

#[test]
fn truncation_is_found_wherever_the_end_is() {
    let whole = records(1);
    for len in 1..whole.len() {
        let found = attacked(&whole[..len]);
        assert_eq!(found.rule, "cut_off", "{len} records left");
        assert!(found.text.contains(&format!(": {} were taken", whole.len() - len)));
        assert!(found.seq_no.is_some());
    }
}

#[test]
fn rewriting_is_found_in_every_record() {
    let whole = records(1);
    let mut changed = 0;
    for at in 0..whole.len() {
        // Any bit of the body that still reads as a record will do.
        for byte in (16..whole[at].len()).rev() {
            let mut records = whole.clone();
            records[at][byte] ^= 1;
            if verify(&records, None).finding.is_none() {
                let found = attacked(&records);
                assert_eq!(found.rule, "not_witnessed_so", "record {at}");
                let (from, to) = (at / 10 * 10, (at / 10 * 10 + 9).min(whole.len() - 1));
                let said = format!("records {from} to {to} are not");
                assert!(found.text.starts_with(&said), "record {at}: {}", found.text);
                changed += 1;
                break;
            }
        }
    }
    assert_eq!(changed, whole.len(), "each record can be changed so that it still reads");
}

#[test]
fn reordering_is_found() {
    let mut records = records(1);
    let first = records.iter().position(|record| is_order(record)).unwrap();
    assert!(is_order(&records[first + 1]));
    records.swap(first, first + 1);
    // The two legs in the other order, each with the other's index.
    for (at, index) in [(first, 1_u16), (first + 1, 2)] {
        records[at][6..8].copy_from_slice(&index.to_le_bytes());
    }
    assert_eq!(attacked(&records).rule, "not_witnessed_so");
}

#[test]
fn an_order_that_is_taken_out_is_found() {
    let mut records = records(1);
    let first = records.iter().position(|record| is_order(record)).unwrap();
    records.remove(first + 1);
    // The detail behind it closes the gap.
    records[first + 1][6..8].copy_from_slice(&2_u16.to_le_bytes());
    assert_eq!(attacked(&records).rule, "not_witnessed_so");
}

#[test]
fn splicing_is_found() {
    // Two runs of the desk on each of two days; one day's second run put behind the other's first.
    let run = |identity, seed| Desk::new(identity, seed).records(INPUTS);
    let days = [(1, 2), (3, 4)].map(|(first, second)| (run(FIRST, first), run(SECOND, second)));
    let journal = |first: &[Vec<u8>], second: &[Vec<u8>]| {
        let disk = journal(first);
        let ring = memory(SECOND);
        publish(&mut Producer::attach(&ring).unwrap(), second).unwrap();
        drain(&disk, &ring, OPTIONS);
        disk
    };
    let verify = |disk: &Memory, evidence| {
        let state = disk.state();
        let segments = state.segments.iter().map(|(number, bytes)| (*number, bytes.as_slice()));
        verify_segments_against(segments, evidence)
    };
    let [(first, second), (_, other)] = &days;
    let evidence = weigh(&kept(&[&first[..], &second[..]].concat(), 10, &[&log_key(1)]), &trust());
    let honest = verify(&journal(first, second), Some(&evidence));
    assert_eq!((honest.finding, honest.runs.len()), (None, 2));
    let spliced = journal(first, other);
    assert_eq!(verify(&spliced, None).finding, None, "the attack is as good as it can be");
    let found = verify(&spliced, Some(&evidence)).finding.unwrap();
    assert_eq!(found.rule, "not_witnessed_so");
    assert!(found.text.starts_with("records 40 to 49 "), "{}", found.text);
}

#[test]
fn a_journal_whose_first_segments_are_gone_is_compared_from_what_is_left() {
    let records = Desk::new(FIRST, 1).records(2_000);
    let disk = journal(&records);
    let state = disk.state();
    let segments = || state.segments.iter().map(|(number, bytes)| (*number, bytes.as_slice()));
    assert!(segments().count() > 3);
    let text = kept(&records, 7, &[&log_key(1)]);
    let evidence = weigh(&text, &trust());
    let whole = verify_segments_against(segments(), Some(&evidence));
    assert_eq!(whole.finding, None);
    assert_eq!(whole.witness.unwrap().matched, evidence.seen.len() as u64);
    let later = verify_segments_against(segments().skip(2), Some(&evidence));
    assert_eq!(later.finding, None);
    let matched = later.witness.unwrap().matched;
    assert!(matched > 100 && matched < evidence.seen.len() as u64, "{matched}");
    // Other records before: the tree that the first segment left starts with says so.
    let forged = journal(&Desk::new(FIRST, 2).records(2_000));
    let forged = forged.state();
    let forged = forged.segments.iter().map(|(number, bytes)| (*number, bytes.as_slice()));
    let found = verify_segments_against(forged.skip(2), Some(&evidence)).finding.unwrap();
    assert_eq!(found.rule, "not_witnessed_so");
    // What was seen is all of records that are gone.
    let early = weigh(&kept(&records[..20], 7, &[&log_key(1)]), &trust());
    let found = verify_segments_against(segments().skip(2), Some(&early)).finding.unwrap();
    assert_eq!(found.rule, "not_compared");
}

#[test]
fn re_signing_with_a_foreign_key_is_found() {
    let forged = records(2);
    let text = kept(&forged, 10, &[&log_key(66)]);
    let evidence = weigh(&text, &trust());
    assert_eq!(evidence.flaw.as_ref().unwrap().rule, "foreign_key");
    let found = verify(&forged, Some(&evidence)).finding.unwrap();
    assert_eq!(found.rule, "foreign_key");
    // Behind what is honest, it is found as well.
    let honest = kept(&records(1), 10, &[&log_key(1)]);
    assert_eq!(weigh(&format!("{honest}{text}"), &trust()).flaw.unwrap().rule, "foreign_key");
}

#[test]
fn re_signing_with_a_stolen_old_key_is_found() {
    let whole = records(1);
    let trust = Trust { retired: vec![log_key(9).verifier()], ..trust() };
    // Key 9 signed the first half, then key 1 took over.
    let before = kept(&whole[..20], 10, &[&log_key(9)]);
    let handed_over = format!("{}\n", checkpoint(&whole[..30]).sign(&[&log_key(1), &log_key(9)]));
    let after = format!("{}\n", checkpoint(&whole).sign(&[&log_key(1)]));
    let honest = format!("{before}{handed_over}{after}");
    let evidence = weigh(&honest, &trust);
    assert_eq!(evidence.flaw, None);
    assert_eq!(verify(&whole, Some(&evidence)).finding, None);
    assert_eq!(verify(&whole, Some(&evidence)).witness.unwrap().signed_by.len(), 2);
    // Who has the old key writes the day anew, and signs it from the start.
    let forged = records(2);
    let evidence = weigh(&kept(&forged, 10, &[&log_key(9)]), &trust);
    assert_eq!(verify(&forged, Some(&evidence)).finding.unwrap().rule, "retired_key");
    // Or goes on behind what the witness has.
    let longer = Desk::new(FIRST, 1).records(INPUTS + 5);
    let appended = format!("{honest}{}\n", checkpoint(&longer).sign(&[&log_key(9)]));
    assert_eq!(weigh(&appended, &trust).flaw.unwrap().rule, "foreign_key");
    // Or puts the new key's name over a signature of the old one.
    let lied = after.replace(
        &log_key(1).sign(&checkpoint(&whole).to_string(), 0).to_string(),
        &log_key(9).sign(&checkpoint(&whole).to_string(), 0).to_string(),
    );
    assert_eq!(weigh(&format!("{honest}{lied}"), &trust).flaw.unwrap().rule, "foreign_key");
}

#[test]
fn even_the_stolen_current_key_does_not_help_against_what_a_witness_has() {
    let forged = records(2);
    let honest = kept(&records(1), 10, &[&log_key(1)]);
    assert_eq!(verify(&forged, Some(&evidence())).finding.unwrap().rule, "not_witnessed_so");
    // Signing the forged journal as well only proves that two were shown.
    let both = format!("{honest}{}", kept(&forged[..5], 5, &[&log_key(1)]));
    assert_eq!(weigh(&both, &trust()).flaw.unwrap().rule, "taken_back");
    let both = format!("{honest}{}\n", checkpoint(&forged).sign(&[&log_key(1)]));
    let evidence = weigh(&both, &trust());
    assert_eq!(evidence.flaw.as_ref().unwrap().rule, "split_view");
    assert_eq!(verify(&forged, Some(&evidence)).finding.unwrap().rule, "not_witnessed_so");
    assert_eq!(verify(&records(1), Some(&evidence)).finding.unwrap().rule, "split_view");
}

#[test]
fn what_is_not_found_without_what_is_said_here() {
    // The honest statement: with the current key and the witness's own store in one hand, nothing
    // is found; a witness that signs itself is what stops that.
    let forged = records(2);
    let text = kept(&forged, 10, &[&log_key(1)]);
    let evidence = weigh(&text, &trust());
    assert_eq!(verify(&forged, Some(&evidence)).finding, None);
    let trust = Trust { witnesses: vec![witness_key(5).verifier()], ..trust() };
    let evidence = weigh(&text, &trust);
    assert_eq!(evidence.flaw.as_ref().unwrap().rule, "no_checkpoint");
    assert_eq!(verify(&forged, Some(&evidence)).finding.unwrap().rule, "no_checkpoint");
    let forger = kept(&forged, 10, &[&log_key(1), &witness_key(6)]);
    assert_eq!(weigh(&forger, &trust).flaw.unwrap().rule, "no_checkpoint");
}

#[test]
fn a_witness_signs_when_it_saw_what() {
    let whole = records(1);
    let trust = Trust { witnesses: vec![witness_key(5).verifier()], ..trust() };
    let cosigned = |records: &[Vec<u8>], time_s| {
        let mut note = checkpoint(records).sign(&[&log_key(1)]);
        note.signatures.push(witness_key(5).sign(&note.text, time_s));
        format!("{note}\n")
    };
    let text = format!("{}{}", cosigned(&whole[..20], 1_000), cosigned(&whole, 1_001));
    let evidence = weigh(&text, &trust);
    assert_eq!(evidence.flaw, None);
    assert_eq!(evidence.last_time_s, Some(1_001));
    assert_eq!(verify(&whole, Some(&evidence)).finding, None);
    // A clock that goes back does not break the order.
    let text = format!("{}{}", cosigned(&whole[..20], 1_001), cosigned(&whole, 1_000));
    let evidence = weigh(&text, &trust);
    assert_eq!((evidence.flaw, evidence.last_time_s), (None, Some(1_001)));
    // Another time than the one that was signed.
    let mut note = checkpoint(&whole).sign(&[&log_key(1)]);
    let line = witness_key(5).sign(&note.text, 1_000).to_string();
    let other = witness_key(5).sign("another\n", 1_000);
    note.signatures.push(other);
    assert_eq!(weigh(&note.to_string(), &trust).flaw.unwrap().rule, "forged_checkpoint");
    assert!(line.starts_with("\u{2014} example.com/witness "));
}

#[test]
fn a_changed_checkpoint_is_found() {
    let honest = kept(&records(1), 10, &[&log_key(1)]);
    let changed = honest.replacen("\n20\n", "\n21\n", 1);
    assert_ne!(changed, honest);
    assert_eq!(weigh(&changed, &trust()).flaw.unwrap().rule, "forged_checkpoint");
}

#[test]
fn a_write_of_the_witness_that_was_torn_is_passed_over() {
    let whole = records(1);
    let honest = kept(&whole, 10, &[&log_key(1)]);
    let last = format!("{}\n", checkpoint(&whole).sign(&[&log_key(1)]));
    for len in 0..last.len() {
        let Some(torn) = last.get(..len) else { continue };
        let end = if torn.is_empty() { "" } else { " torn\n\n" };
        for text in [format!("{honest}{torn}{end}{last}"), format!("{honest}{torn}")] {
            let evidence = weigh(&text, &trust());
            // What lacks nothing but its last line end has been kept whole.
            assert_eq!(evidence.flaw, None, "{len}: {torn:?}");
            assert_eq!(evidence.seen.last().unwrap().size, whole.len() as u64);
        }
    }
}

#[test]
fn checkpoints_of_other_journals_say_nothing_about_this_one() {
    let other = SignerKey::new("example.com/site1/desk3", Purpose::Log, &[3; 32]).unwrap();
    let mut theirs = checkpoint(&records(2));
    theirs.origin = "example.com/site1/desk3".to_owned();
    let text = format!("{}\n", theirs.sign(&[&other]));
    assert_eq!(weigh(&text, &trust()).flaw.unwrap().rule, "no_checkpoint");
    let both = format!("{text}{}", kept(&records(1), 10, &[&log_key(1)]));
    let evidence = weigh(&both, &trust());
    assert_eq!((evidence.flaw.clone(), evidence.passed_over), (None, 1));
    assert_eq!(verify(&records(1), Some(&evidence)).finding, None);
    // Their key under our origin is a foreign key.
    let text = checkpoint(&records(1)).sign(&[&other]).to_string();
    assert_eq!(weigh(&text, &trust()).flaw.unwrap().rule, "foreign_key");
}

//! Records that are whole in themselves and do not belong where they are.

use crate::journal::desk::{Desk, FIRST, publish};
use crate::journal::memory::Memory;
use crate::journal::write::{OPTIONS, drain, memory};
use cross_market_connect::audit::{Finding, Report};
use cross_market_connect::journal::segment::{BLOCK_OVERHEAD, BlockHeader, HEADER_LEN};
use xmc_hotpath::message::DeskIdentity;
use xmc_hotpath::record::ring::Producer;

/// A journal of `records`, however they follow one another.
fn journal(runs: &[(DeskIdentity, Vec<Vec<u8>>)]) -> Report {
    let disk = Memory::default();
    for (identity, records) in runs {
        let ring = memory(*identity);
        publish(&mut Producer::attach(&ring).unwrap(), records).unwrap();
        drain(&disk, &ring, OPTIONS);
    }
    disk.verify()
}

fn finding(records: Vec<Vec<u8>>) -> Finding {
    journal(&[(FIRST, records)]).finding.expect("something is wrong with it")
}

fn records() -> Vec<Vec<u8>> {
    let mut desk = Desk::new(FIRST, 1);
    desk.records(25)
}

/// The place of the record at `index` in the run: header bytes 6 and 8.
fn seq_no(record: &[u8]) -> u64 {
    u64::from_le_bytes(record[8..16].try_into().unwrap())
}

#[test]
fn what_follows_as_it_should_is_whole() {
    let report = journal(&[(FIRST, records())]);
    assert_eq!(report.finding, None);
    assert_eq!((report.counts.inputs, report.counts.orders, report.counts.details), (25, 4, 2));
}

#[test]
fn a_run_that_does_not_begin_with_its_start_is_found() {
    let mut records = records();
    records.remove(0);
    let found = finding(records);
    assert_eq!((found.rule, found.seq_no), ("no_start", Some(1)));
}

#[test]
fn a_record_that_is_missing_is_found_wherever_it_was() {
    let whole = records();
    for at in 1..whole.len() - 1 {
        let mut records = whole.clone();
        let is_output = |record: &[u8]| record[2] >= 32;
        let gone = records.remove(at);
        // How many outputs an input has is written nowhere, so the last one can go unseen. The hash
        // chain guards it from the moment that it is in the journal.
        if is_output(&gone) && !is_output(&whole[at + 1]) {
            assert_eq!(journal(&[(FIRST, records)]).finding, None);
            continue;
        }
        let found = finding(records);
        let has_outputs = is_output(&whole[at + 1]);
        let expected = if !is_output(&gone) && has_outputs { "no_input" } else { "hole" };
        // A quote whose base is gone does not decode either, but the hole comes first.
        assert_eq!(found.rule, expected, "record {at}");
        assert_eq!(found.seq_no, Some(seq_no(&whole[at + 1])));
    }
}

#[test]
fn an_order_without_its_input_is_found() {
    let mut records = records();
    let order = records.iter().position(|record| record[2] == 32).unwrap();
    records.remove(order - 1);
    let found = finding(records);
    assert_eq!((found.rule, found.seq_no), ("no_input", Some(10)));
}

#[test]
fn a_second_start_is_found() {
    let mut records = records();
    // The writer drops what is not behind the last record, so it must come in another segment.
    let start = records[0].clone();
    records.truncate(5);
    let second = DeskIdentity { run: 2, ..FIRST };
    let found = journal(&[(FIRST, records), (second, vec![start])]).finding.unwrap();
    assert_eq!(found.rule, "start", "it says run 1 in a segment of run 2");
}

#[test]
fn a_body_that_does_not_decode_is_found_at_its_place() {
    let mut records = records();
    let last = records[7].len() - 1;
    let before: usize = records[..7].iter().map(Vec::len).sum();
    // The header is left alone; the mask of the quote says more levels than there are.
    records[7].truncate(last);
    let len = u16::try_from(last).unwrap();
    records[7][..2].copy_from_slice(&len.to_le_bytes());
    let found = finding(records);
    assert_eq!((found.rule, found.seq_no), ("frame", Some(7)));
    let front = HEADER_LEN + BLOCK_OVERHEAD + size_of::<BlockHeader>();
    assert_eq!(found.offset, (front + before) as u64, "the tree has no peaks yet");
}

#[test]
fn time_that_goes_backwards_is_found() {
    let mut records = records();
    records[7][16..24].copy_from_slice(&10_u64.to_le_bytes());
    let found = finding(records);
    assert_eq!((found.rule, found.seq_no), ("time", Some(7)));
}

#[test]
fn runs_follow_one_another_in_one_chain() {
    let second = DeskIdentity { run: 2, ..FIRST };
    let fourth = DeskIdentity { run: 4, ..FIRST };
    let runs: Vec<_> = [FIRST, second, fourth]
        .into_iter()
        .map(|identity| (identity, Desk::new(identity, 1).records(25)))
        .collect();
    let report = journal(&runs);
    assert_eq!(report.finding, None);
    let numbers: Vec<_> = report.runs.iter().map(|run| (run.run, run.last_seq_no)).collect();
    assert_eq!(numbers, [(1, 25), (2, 25), (4, 25)]);
    assert_eq!(report.counts.records, 3 * (1 + 25 + 4 + 2));
}

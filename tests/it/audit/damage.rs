//! Every damage to a journal's bytes is found and located.

use crate::journal::desk::{Desk, FIRST, publish};
use crate::journal::memory::Memory;
use crate::journal::write::{OPTIONS, at, drain, journal, memory};
use bytemuck::Zeroable;
use cross_market_connect::audit::{Finding, Report, verify_segments};
use cross_market_connect::journal::segment::{
    BLOCK_OVERHEAD, BlockHeader, ChainHash, HEADER_LEN, Hash, KIND_RECORDS, MIN_SEGMENT, SEAL_LEN,
    SegmentHeader, block_hash,
};
use cross_market_connect::journal::tree::{Tree, leaf_hash};
use cross_market_connect::journal::{JournalError, JournalWriter, Left, Options, SealReason};
use std::ops::Range;
use xmc_hotpath::message::DeskIdentity;
use xmc_hotpath::record::frame;
use xmc_hotpath::record::ring::{Consumer, Producer};
use xmc_hotpath::wire::{U32Le, U64Le};

const SECOND: DeskIdentity = DeskIdentity { run: 2, ..FIRST };
const SMALL: Options = Options { block_bytes: 600, ..OPTIONS };

fn verify(segments: &[Vec<u8>]) -> Report {
    verify_segments((1..).zip(segments.iter().map(Vec::as_slice)))
}

fn finding(segments: &[Vec<u8>]) -> Finding {
    verify(segments).finding.expect("something is wrong with it")
}

fn segments(disk: &Memory) -> Vec<Vec<u8>> {
    disk.state().segments.values().cloned().collect()
}

/// A sealed segment of some blocks.
fn sealed() -> Vec<u8> {
    let segments = segments(&journal(12, 5, SMALL));
    assert_eq!(verify(&segments).finding, None);
    segments.into_iter().next().expect("one")
}

/// Where the blocks of a segment lie; the seal is the last.
fn blocks(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut blocks = Vec::new();
    let mut from = HEADER_LEN;
    while bytes.get(from).is_some_and(|&byte| byte != 0) {
        let len = u32::from_le_bytes(bytes[from + 8..from + 12].try_into().unwrap()) as usize;
        blocks.push(from..from + BLOCK_OVERHEAD + len);
        from += BLOCK_OVERHEAD + len;
    }
    blocks
}

/// A segment that its writer left when it died, and the sealed one of the next run that follows it.
fn open_and_next() -> Vec<Vec<u8>> {
    let disk = Memory::default();
    let ring = memory(FIRST);
    publish(&mut Producer::attach(&ring).unwrap(), &Desk::new(FIRST, 1).records(12)).unwrap();
    let consumer = Consumer::attach(&ring).unwrap();
    let (mut writer, _) = JournalWriter::start(disk.clone(), consumer, FIRST, SMALL).unwrap();
    for _ in 0..10 {
        writer.poll(at(1)).unwrap();
    }
    drop(writer);
    let ring = memory(SECOND);
    publish(&mut Producer::attach(&ring).unwrap(), &Desk::new(SECOND, 2).records(3)).unwrap();
    drain(&disk, &ring, SMALL);
    segments(&disk)
}

#[test]
fn every_changed_bit_of_a_sealed_segment_is_found_in_its_block() {
    let whole = sealed();
    let blocks = blocks(&whole);
    assert!(blocks.len() > 3);
    let mut bytes = whole.clone();
    for bit in 0..bytes.len() * 8 {
        bytes[bit / 8] ^= 1 << (bit % 8);
        let found = finding(std::slice::from_ref(&bytes));
        let block = blocks.iter().find(|block| block.contains(&(bit / 8)));
        let starts = block.map_or(0, |block| block.start as u64);
        assert_eq!(found.offset, starts, "bit {bit}: {found:?}");
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
    assert_eq!(bytes, whole);
}

#[test]
fn every_changed_byte_of_an_open_segment_is_found_with_and_without_its_successor() {
    let both = open_and_next();
    let report = verify(&both);
    assert_eq!(report.finding, None);
    assert_eq!(report.runs.len(), 2);
    let alone = &both[..1];
    assert_eq!(verify(alone).finding, None);
    assert_eq!(verify(alone).notes[0].what, "open");
    let good = blocks(&both[0]).last().unwrap().end;
    // All of what was written, and every 61st byte of the zeros behind it.
    let tail = (good..both[0].len()).step_by(61);
    for at in (0..good).chain(tail) {
        let mut bytes = both.clone();
        bytes[0][at] ^= 1 << (at % 8);
        finding(&bytes);
        finding(&bytes[..1]);
    }
}

#[test]
fn a_segment_that_was_cut_off_is_never_whole() {
    let whole = sealed();
    for len in 0..whole.len() {
        finding(&[whole[..len].to_vec()]);
    }
    let open = open_and_next().swap_remove(0);
    let good = blocks(&open).last().unwrap().end;
    for len in (0..good + 200).chain((good..open.len()).step_by(61)) {
        finding(&[open[..len].to_vec()]);
    }
    let longer = [whole, vec![0]].concat();
    finding(&[longer]);
    let longer = [open, vec![0]].concat();
    assert_eq!(finding(&[longer]).rule, "open_length");
}

/// A writer may die after the seal is written and before the segment is cut to its length.
#[test]
fn a_sealed_segment_that_was_not_cut_is_whole_unless_something_lies_behind_the_seal() {
    let sealed = sealed();
    let mut uncut = sealed.clone();
    uncut.resize(usize::try_from(OPTIONS.segment_bytes).unwrap(), 0);
    let report = verify(std::slice::from_ref(&uncut));
    assert_eq!(report.finding, None);
    assert!(report.is_sealed);
    for at in [sealed.len(), uncut.len() - 1] {
        let mut written = uncut.clone();
        written[at] = 1;
        finding(&[written]);
    }
}

#[test]
fn a_torn_tail_is_told_apart_from_damage_in_the_middle() {
    let open = open_and_next().swap_remove(0);
    let blocks = blocks(&open);
    let last = blocks.last().unwrap().clone();
    for at in last.clone() {
        let mut torn = open.clone();
        torn[at..last.end].fill(0);
        let is_gone = at == last.start;
        let report = verify(&[torn]);
        match report.finding {
            // The hash of the block may end with zeros, and nothing is missing then.
            None => assert!(is_gone || open[at..last.end].iter().all(|&byte| byte == 0)),
            Some(found) => {
                assert_eq!(found.rule, "torn_tail");
                assert_eq!(found.offset, last.start as u64);
            }
        }
    }
    let mut damaged = open.clone();
    damaged[blocks[1].start + 70] ^= 1;
    let found = finding(&[damaged]);
    assert_eq!(found.rule, "block_hash");
    assert_eq!(found.whole_blocks_after, blocks.len() as u64 - 2);
    assert_ne!(found.written_hash, found.expected_hash);
}

#[test]
fn a_torn_tail_that_the_next_segment_declares_is_a_note() {
    let disk = Memory::default();
    let ring = memory(FIRST);
    publish(&mut Producer::attach(&ring).unwrap(), &Desk::new(FIRST, 1).records(30)).unwrap();
    disk.state().dies_after = Some(1_500);
    let consumer = Consumer::attach(&ring).unwrap();
    let (mut writer, _) = JournalWriter::start(disk.clone(), consumer, FIRST, SMALL).unwrap();
    while writer.poll(at(1)).is_ok() {}
    drop(writer);
    assert_eq!(disk.verify().finding.unwrap().rule, "torn_tail");
    let survived = after_death(&disk);
    *disk.state() = survived;
    let consumer = Consumer::attach(&ring).unwrap();
    let (writer, start) = JournalWriter::start(disk.clone(), consumer, FIRST, SMALL).unwrap();
    assert_eq!(start.left, Left::Torn);
    writer.finish(SealReason::Recovered, at(2)).unwrap();
    let report = disk.verify();
    assert_eq!(report.finding, None);
    assert_eq!(report.counts.inputs, 30);
    let notes: Vec<_> = report.notes.iter().map(|note| note.what).collect();
    assert_eq!(notes, ["torn_tail", "recovered"]);
}

/// The disk as the next process finds it.
fn after_death(disk: &Memory) -> crate::journal::memory::State {
    let segments = disk.state().segments.clone();
    crate::journal::memory::State { segments, ..Default::default() }
}

#[test]
fn damage_that_no_crash_explains_stops_the_next_writer() {
    let open = open_and_next().swap_remove(0);
    let middle = blocks(&open)[1].start + 70;
    let mut flipped = open.clone();
    flipped[middle] ^= 1;
    let mut header = open.clone();
    header[50] ^= 1;
    let cut = open[..open.len() - 1].to_vec();
    let mut seal = sealed();
    let at = seal.len() - 40;
    seal[at] ^= 1;
    for bytes in [flipped, header, cut, seal] {
        let disk = Memory::default();
        disk.state().segments.insert(1, bytes);
        let ring = memory(FIRST);
        let consumer = Consumer::attach(&ring).unwrap();
        let error = JournalWriter::start(disk, consumer, FIRST, SMALL).unwrap_err();
        assert!(matches!(error, JournalError::Damaged { number: 1, .. }), "{error}");
    }
}

#[test]
fn blocks_that_were_moved_taken_out_or_brought_in_are_found() {
    let whole = sealed();
    let parts = blocks(&whole);
    let other = segments(&journal(12, 6, SMALL)).swap_remove(0);
    let others = blocks(&other);
    let part = |range: &Range<usize>| whole[range.clone()].to_vec();
    let all: Vec<_> = parts.iter().map(part).collect();
    let build = |blocks: &[Vec<u8>]| [&whole[..HEADER_LEN], &blocks.concat()[..]].concat();
    assert_eq!(build(&all), whole);

    let mut swapped = all.clone();
    swapped.swap(1, 2);
    assert_eq!(finding(&[build(&swapped)]).rule, "chain");
    for at in 0..all.len() - 1 {
        let mut shorter = all.clone();
        shorter.remove(at);
        assert_eq!(finding(&[build(&shorter)]).rule, "chain");
        let mut longer = all.clone();
        longer.insert(at, all[at].clone());
        assert_eq!(finding(&[build(&longer)]).rule, "chain");
        if at == 0 {
            // The peaks of an empty tree are the same in both.
            continue;
        }
        let mut spliced = all.clone();
        spliced[at] = other[others[at].clone()].to_vec();
        let found = finding(&[build(&spliced)]);
        assert_eq!(found.rule, "chain");
        assert_ne!(found.written_hash, found.expected_hash);
    }
    let mut cut = all.clone();
    cut.remove(all.len() - 2);
    assert_eq!(finding(&[build(&cut)]).rule, "chain");
}

/// Edits the payload of block `at`, then makes every hash after it right again: what somebody does
/// who knows the format and has only this one file.
fn rewritten(segment: &[u8], at: usize, edit: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let parts = blocks(segment);
    let mut bytes = segment.to_vec();
    let front = size_of::<BlockHeader>();
    edit(&mut bytes[parts[at].start + front..parts[at].end - size_of::<Hash>()]);
    let mut tree = Tree::new();
    let mut before: Hash = bytes[HEADER_LEN - 32..HEADER_LEN].try_into().unwrap();
    for part in parts {
        let block = &mut bytes[part];
        let (front, rest) = block.split_at_mut(front);
        let mut header = BlockHeader::zeroed();
        bytemuck::bytes_of_mut(&mut header).copy_from_slice(front);
        let (payload, hash) = rest.split_at_mut(rest.len() - size_of::<Hash>());
        header.previous_hash = before;
        if header.kind == KIND_RECORDS {
            let mut records = &payload[..];
            while let Some((record, rest)) = frame::split_len(records) {
                tree.push(leaf_hash(record));
                records = rest;
            }
        }
        header.tree_root = tree.root();
        header.checksum = U32Le::new(header.computed_checksum(payload));
        front.copy_from_slice(bytemuck::bytes_of(&header));
        before = block_hash(ChainHash::Sha256, &header, payload);
        hash.copy_from_slice(&before);
    }
    bytes
}

#[test]
fn a_segment_that_was_written_anew_does_not_fit_the_next_one() {
    let segments = segments(&journal(400, 5, Options { segment_bytes: MIN_SEGMENT, ..OPTIONS }));
    assert!(segments.len() > 1);
    // The moment of a quote that is the first record of its block.
    let parts = blocks(&segments[0]);
    let is_quote =
        |part: &Range<usize>| segments[0][part.start + size_of::<BlockHeader>() + 2] == 1;
    let block = parts.iter().skip(1).position(is_quote).unwrap() + 1;
    let mut forged = segments.clone();
    forged[0] = rewritten(&segments[0], block, |payload| payload[16] ^= 1);
    assert_ne!(forged, segments);
    let found = finding(&forged);
    assert_eq!((found.rule, found.offset), ("segment_chain", 0));
    assert_ne!(found.written_hash, found.expected_hash);
    assert_eq!(verify(&forged[..1]).finding, None, "alone it cannot be told: it needs a witness");
}

#[test]
fn segments_that_are_missing_renamed_or_foreign_are_found() {
    let whole = segments(&journal(1_000, 5, Options { segment_bytes: MIN_SEGMENT, ..OPTIONS }));
    assert!(whole.len() > 2);
    let numbered = |list: &[(u64, &Vec<u8>)]| {
        verify_segments(list.iter().map(|(number, bytes)| (*number, bytes.as_slice()))).finding
    };
    let missing = numbered(&[(1, &whole[0]), (3, &whole[2])]).unwrap();
    assert_eq!(missing.rule, "segment_missing");
    let swapped = numbered(&[(1, &whole[1]), (2, &whole[0])]).unwrap();
    assert_eq!(swapped.rule, "header");
    let other = segments(&journal(1_000, 6, Options { segment_bytes: MIN_SEGMENT, ..OPTIONS }));
    let foreign = numbered(&[(1, &whole[0]), (2, &other[1])]).unwrap();
    assert_eq!(foreign.rule, "segment_chain");
    assert_eq!(numbered(&[(2, &whole[1]), (3, &whole[2])]), None, "a part is whole in itself");
    assert_eq!(SEAL_LEN, blocks(&whole[0]).last().unwrap().len());
}

#[test]
fn a_header_of_another_version_is_named() {
    let whole = sealed();
    let with = |edit: fn(&mut SegmentHeader)| {
        let mut header = SegmentHeader::zeroed();
        bytemuck::bytes_of_mut(&mut header).copy_from_slice(&whole[..HEADER_LEN]);
        edit(&mut header);
        header.hash = header.computed_hash();
        finding(&[[bytemuck::bytes_of(&header), &whole[HEADER_LEN..]].concat()])
    };
    let old = with(|header| header.format.set_to(1));
    assert_eq!(
        (old.rule, old.text.contains("format 1, this build reads format 2")),
        ("format", true)
    );
    for edit in [
        (|header| header.encoding = 2) as fn(&mut SegmentHeader),
        |header| header.hash_name[0] = b'X',
        |header| header.sync_code = 9,
        |header| header.previous_bytes = U64Le::new(1),
    ] {
        assert_eq!(with(edit).rule, "header");
    }
}

/// Sets an integer of a layout.
trait SetTo {
    fn set_to(&mut self, value: u16);
}

impl SetTo for xmc_hotpath::wire::U16Le {
    fn set_to(&mut self, value: u16) {
        *self = Self::new(value);
    }
}

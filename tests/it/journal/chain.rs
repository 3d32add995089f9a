//! Chains of either hash: what is written verifies, what is changed is found, what was torn is gone
//! on from, and one journal may have both, because a disk may move to another machine.

use super::desk::{Desk, FIRST, publish};
use super::memory::{Memory, State};
use super::scratch::Scratch;
use super::write::{OPTIONS, assert_whole, at, drain, memory};
use cross_market_connect::audit;
use cross_market_connect::journal::disk::{Directory, segment_name};
use cross_market_connect::journal::reader::{self, Blocks};
use cross_market_connect::journal::segment::{
    BLOCK_OVERHEAD, ChainHash, HEADER_LEN, Hash, MIN_SEGMENT,
};
use cross_market_connect::journal::shm::RingFile;
use cross_market_connect::journal::tail::Tail;
use cross_market_connect::journal::{
    JournalWriter, Left, Options, SealReason, SyncPolicy, recover,
};
use sha2::{Digest, Sha256};
use std::process::Command;
use xmc_hotpath::message::DeskIdentity;
use xmc_hotpath::record::ring::{Consumer, Producer};

const BOTH: [ChainHash; 2] = [ChainHash::Sha256, ChainHash::Blake3];

fn options(chain_hash: ChainHash) -> Options {
    Options { chain_hash, ..OPTIONS }
}

/// A run of `inputs`, written to `disk` and sealed.
fn run(disk: &Memory, run: u16, inputs: usize, options: Options) {
    let identity = DeskIdentity { run, ..FIRST };
    let ring = memory(identity);
    let records = Desk::new(identity, run.into()).records(inputs);
    publish(&mut Producer::attach(&ring).unwrap(), &records).unwrap();
    drain(disk, &ring, options);
}

/// The hash of a segment's last block, reckoned from the bytes alone: 256 of header, blocks of 120,
/// payload and 32; records are bound by the tree's root and not hashed again.
fn reckoned(bytes: &[u8], hash: fn(&[u8]) -> Hash) -> Hash {
    let mut before = hash(&bytes[..224]);
    assert_eq!(before, bytes[224..256], "of the header");
    let mut at = HEADER_LEN;
    while at < bytes.len() {
        let len = u32::from_le_bytes(bytes[at + 8..at + 12].try_into().unwrap()) as usize;
        let is_records = bytes[at + 4] == 1;
        assert_eq!(bytes[at + 32..at + 64], before, "it follows the one before");
        let hashed = if is_records { 120 } else { 120 + len };
        before = hash(&bytes[at..at + hashed]);
        at += BLOCK_OVERHEAD + len;
        assert_eq!(bytes[at - 32..at], before);
    }
    before
}

#[test]
fn blocks_are_chained_with_the_hash_that_the_header_names() {
    for (chain_hash, name, hash) in [
        (ChainHash::Sha256, "SHA-256", (|bytes| Sha256::digest(bytes).into()) as fn(&[u8]) -> Hash),
        (ChainHash::Blake3, "BLAKE3", |bytes| *blake3::hash(bytes).as_bytes()),
    ] {
        let disk = Memory::default();
        run(&disk, 1, 400, options(chain_hash));
        assert_whole(&disk.verify());
        let segments: Vec<_> = disk.state().segments.values().cloned().collect();
        assert!(segments.len() > 1, "{} segments", segments.len());
        let mut before = [0; 32];
        for bytes in &segments {
            assert_eq!(bytes[56..72], *format!("{name:\0<16}").as_bytes());
            assert_eq!(bytes[72..104], before, "the segment before");
            before = reckoned(bytes, hash);
        }
    }
}

#[test]
fn every_changed_byte_is_found_and_no_other_hash_is_taken() {
    for chain_hash in BOTH {
        let disk = Memory::default();
        run(&disk, 1, 40, Options { block_bytes: 900, ..options(chain_hash) });
        let whole = disk.state().segments[&1].clone();
        for at in 0..whole.len() {
            disk.state().segments.get_mut(&1).unwrap()[at] ^= 1 << (at % 8);
            assert!(disk.verify().finding.is_some(), "{chain_hash:?}: byte {at}");
            disk.state().segments.insert(1, whole.clone());
        }
        assert_whole(&disk.verify());
        // The header says the other one, and fits itself: the blocks do not.
        let mut header = reader::header(&whole).unwrap();
        let other = BOTH.into_iter().find(|other| *other != chain_hash).unwrap();
        header.hash_name = other.name();
        header.hash = header.computed_hash();
        disk.state().segments.get_mut(&1).unwrap()[..HEADER_LEN]
            .copy_from_slice(bytemuck::bytes_of(&header));
        assert!(disk.verify().finding.is_some());
    }
}

#[test]
fn a_journal_goes_on_over_a_torn_end_and_from_one_hash_to_the_other() {
    for (first, second) in [(BOTH[0], BOTH[1]), (BOTH[1], BOTH[0]), (BOTH[1], BOTH[1])] {
        let disk = Memory::default();
        let ring = memory(FIRST);
        publish(&mut Producer::attach(&ring).unwrap(), &Desk::new(FIRST, 1).records(30)).unwrap();
        disk.state().dies_after = Some(1_500);
        let consumer = Consumer::attach(&ring).unwrap();
        let small = Options { block_bytes: 600, ..options(first) };
        let (mut writer, _) = JournalWriter::start(disk.clone(), consumer, FIRST, small).unwrap();
        while writer.poll(at(1)).is_ok() {}
        drop(writer);
        let segments = disk.state().segments.clone();
        *disk.state() = State { segments, ..State::default() };
        let consumer = Consumer::attach(&ring).unwrap();
        let (writer, start) =
            JournalWriter::start(disk.clone(), consumer, FIRST, options(second)).unwrap();
        assert_eq!(start.left, Left::Torn);
        writer.finish(SealReason::Recovered, at(2)).unwrap();
        run(&disk, 2, 10, options(first));
        let report = disk.verify();
        assert_whole(&report);
        assert_eq!(report.counts.inputs, 40, "{first:?} then {second:?}");
        let segments = disk.state().segments.clone();
        let names = segments.values().map(|bytes| bytes[56..72].to_vec());
        assert!(names.eq([first, second, first].map(|hash| hash.name().to_vec())));
    }
}

/// On files, from the ring of an engine that died, to what an auditor sees.
#[test]
fn an_auditor_verifies_a_journal_that_was_chained_with_blake3() {
    let scratch = Scratch::new("chain");
    let (path, directory) = (scratch.path("desk.ring"), scratch.path("journal"));
    let mut ring = RingFile::open(&path, 1 << 17, FIRST).unwrap();
    let records = Desk::new(FIRST, 1).records(300);
    publish(&mut ring.producer().unwrap(), &records).unwrap();
    drop(ring);
    let ring = RingFile::open(&path, 1 << 17, FIRST).unwrap();
    let options = Options {
        segment_bytes: MIN_SEGMENT,
        sync: SyncPolicy::IntervalMs(1),
        ..options(ChainHash::Blake3)
    };
    let disk = Directory::open(&directory).unwrap();
    let recovered = recover(disk, &ring, options, at(5)).unwrap();
    assert_eq!(recovered.figures.records, records.len() as u64);
    let mut tail = Tail::new(&directory, 1);
    let mut followed = Vec::new();
    while let Some(block) = tail.next_block().unwrap() {
        followed.extend_from_slice(block);
    }
    assert!(followed == records.concat(), "whoever follows reads it");
    assert_eq!(audit::verify(&directory).unwrap().finding, None);
    let verify = || {
        let mut xmc = Command::new(env!("CARGO_BIN_EXE_xmc"));
        xmc.args(["audit", "verify", "--json"]).arg(&directory).output().expect("xmc runs")
    };
    let output = verify();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["counts"]["records"], records.len());
    // A record that is changed, with the checksum made right again: the tree and the chain tell.
    let segment = directory.join(segment_name(1));
    let mut bytes = std::fs::read(&segment).unwrap();
    let header = reader::header(&bytes).unwrap();
    assert_eq!(header.chain_hash(), Some(ChainHash::Blake3));
    let block = Blocks::new(&bytes, &header).next_block().unwrap().unwrap();
    let (offset, payload) = (block.offset as usize, block.payload.to_vec());
    bytes[offset + 120 + 40] ^= 1;
    let mut changed = payload;
    changed[40] ^= 1;
    let checksum = block_checksum(&bytes[offset..offset + 112], &changed);
    bytes[offset + 112..offset + 116].copy_from_slice(&checksum.to_le_bytes());
    std::fs::write(&segment, bytes).unwrap();
    let output = verify();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["finding"]["offset"], offset);
}

fn block_checksum(front: &[u8], payload: &[u8]) -> u32 {
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(front);
    checksum.update(payload);
    checksum.finalize()
}

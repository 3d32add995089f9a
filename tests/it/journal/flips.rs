//! A segment of 64 KiB: every byte that it can be cut after, and every bit that can flip, is found.
//!
//! The commit gate flips one bit of each byte, another one for each; `XMC_FLIPS=all` flips every
//! bit of each, which takes eight times as long.

use super::desk::{Desk, FIRST, publish};
use super::memory::Memory;
use super::write::{OPTIONS, at, drain, memory};
use cross_market_connect::journal::Options;
use cross_market_connect::journal::reader::{self, Blocks, End};
use xmc_hotpath::record::ring::{Consumer, Producer};

/// Bytes of the segment, about.
const LEN: usize = 1 << 16;

/// A sealed segment of `LEN` bytes, less what the last record does not fill.
fn sealed() -> Vec<u8> {
    let options = Options { block_bytes: 4_000, ..OPTIONS };
    let ring = memory(FIRST);
    let disk = Memory::default();
    let mut desk = Desk::new(FIRST, 11);
    publish(&mut Producer::attach(&ring).unwrap(), &desk.records(296)).unwrap();
    assert!(Consumer::attach(&ring).unwrap().pending_bytes() < LEN as u64);
    drain(&disk, &ring, options);
    let segments = disk.state().segments.clone();
    assert_eq!(segments.len(), 1);
    let bytes = segments.into_values().next().unwrap();
    assert!((LEN - 4_000..=LEN).contains(&bytes.len()), "{} bytes", bytes.len());
    bytes
}

/// Whether a reader takes it for a sealed segment.
fn is_whole(bytes: &[u8]) -> bool {
    let Ok(header) = reader::header(bytes) else { return false };
    let mut blocks = Blocks::new(bytes, &header);
    loop {
        match blocks.next_block() {
            Ok(Ok(_)) => {}
            Ok(Err(End::Sealed(_))) => return true,
            Ok(Err(End::Open)) | Err(_) => return false,
        }
    }
}

#[test]
fn every_cut_of_a_segment_is_found() {
    let whole = sealed();
    assert!(is_whole(&whole));
    for len in 0..whole.len() {
        assert!(!is_whole(&whole[..len]), "cut after {len} bytes");
    }
}

#[test]
fn every_flipped_bit_of_a_segment_is_found() {
    let mut bytes = sealed();
    let is_all = std::env::var("XMC_FLIPS").is_ok_and(|flips| flips == "all");
    for byte in 0..bytes.len() {
        let bits = if is_all { 0..8 } else { byte % 8..byte % 8 + 1 };
        for bit in bits {
            bytes[byte] ^= 1 << bit;
            assert!(!is_whole(&bytes), "bit {bit} of byte {byte}");
            bytes[byte] ^= 1 << bit;
        }
    }
    assert!(is_whole(&bytes));
}

/// The clock of the host is set back in the middle of a run: order is by sequence number, not time.
#[test]
fn a_clock_that_goes_back_does_not_break_order() {
    use cross_market_connect::journal::{JournalWriter, SealReason};
    let ring = memory(FIRST);
    let disk = Memory::default();
    let mut producer = Producer::attach(&ring).unwrap();
    let consumer = Consumer::attach(&ring).unwrap();
    let (mut writer, _) = JournalWriter::start(disk.clone(), consumer, FIRST, OPTIONS).unwrap();
    let records = Desk::new(FIRST, 3).records(900);
    for (batch, number) in records.chunks(10).zip(0_u64..) {
        publish(&mut producer, batch).unwrap();
        let mut now = at(number * 1_000_000);
        now.utc.0 -= number * 3_600_000_000_000;
        writer.poll(now).unwrap();
    }
    let mut now = at(1);
    now.utc.0 = 1;
    writer.finish(SealReason::Stopped, now).unwrap();
    let report = disk.verify();
    assert_eq!(report.finding, None);
    assert!(report.counts.segments > 2, "segments were made and sealed meanwhile");
    assert_eq!(report.counts.records, records.len() as u64);
}

//! The ring under the model checker: every interleaving, and every value that the memory model
//! lets a load see. `scripts/loom` runs it.
//!
//! The ring has four words, so two records fill it and the third must wait for a release. What the
//! checker cannot show is a load that sees a later store: the release of the tail is argued for in
//! `look_at_tail`, not proved here.
#![expect(clippy::unwrap_used, clippy::as_conversions, clippy::indexing_slicing, reason = "tests")]

extern crate std;

use super::*;
use loom::sync::Arc;
use loom::thread;
use std::vec::Vec;

const IDENTITY: DeskIdentity = DeskIdentity { site: SiteId(1), desk: DeskId(2), run: 3 };
const LEN: usize = 16;

/// A record of the shortest length whose bytes all depend on `number`.
fn record(number: u8) -> [u8; LEN] {
    let mut bytes = [number; LEN];
    bytes[..2].copy_from_slice(&(LEN as u16).to_le_bytes());
    bytes
}

fn ring(capacity: usize) -> Arc<Vec<AtomicU64>> {
    let words: Vec<_> = (0..HEADER_WORDS + capacity).map(|_| AtomicU64::new(0)).collect();
    let words = Arc::new(words);
    format(&words, IDENTITY).unwrap();
    words
}

/// Reads until `count` records are there; each read gives its room back.
fn read_all(words: &[AtomicU64], count: u8) {
    let mut consumer = Consumer::attach(words).unwrap();
    let mut next = 1;
    while next <= count {
        let mut out = [0; 2 * LEN];
        let len = consumer.read(&mut out).unwrap();
        consumer.release(consumer.position());
        for bytes in out[..len].chunks(LEN) {
            assert_eq!(bytes, record(next), "record {next} is whole and in its place");
            next += 1;
        }
        if len == 0 {
            thread::yield_now();
        }
    }
}

#[test]
fn records_arrive_whole_and_in_order_around_the_end() {
    loom::model(|| {
        let words = ring(4);
        let theirs = Arc::clone(&words);
        let reader = thread::spawn(move || read_all(&theirs, 3));
        let mut producer = Producer::attach(&words).unwrap();
        for number in 1..=3 {
            while producer.stage(&record(number)).is_err() {
                thread::yield_now();
            }
            producer.publish();
        }
        reader.join().unwrap();
    });
}

/// A full ring whose writer fetches memory ahead and takes lines back while the reader reads: no
/// record is cleared before it is read.
#[test]
fn what_is_warmed_and_reclaimed_clears_no_record() {
    loom::model(|| {
        let words = ring(4);
        let theirs = Arc::clone(&words);
        let reader = thread::spawn(move || read_all(&theirs, 2));
        let mut producer = Producer::attach(&words).unwrap();
        producer.stage(&record(1)).unwrap();
        producer.publish();
        producer.warm();
        producer.stage(&record(2)).unwrap();
        producer.publish();
        producer.warm();
        producer.reclaim();
        reader.join().unwrap();
    });
}

/// A reader that sees the store of `reclaim`, and not that of `publish` before it, sees the records
/// all the same.
#[test]
fn the_head_that_is_reclaimed_shows_whole_records() {
    loom::model(|| {
        let words = ring(4);
        let theirs = Arc::clone(&words);
        let reader = thread::spawn(move || {
            let mut consumer = Consumer::attach(&theirs).unwrap();
            let mut out = [0; LEN];
            if consumer.read(&mut out).unwrap() > 0 {
                assert_eq!(out, record(1));
            }
        });
        let mut producer = Producer::attach(&words).unwrap();
        producer.stage(&record(1)).unwrap();
        producer.publish();
        producer.reclaim();
        producer.stage(&record(2)).unwrap();
        reader.join().unwrap();
    });
}

#[test]
fn what_is_staged_together_is_seen_together_or_not_at_all() {
    loom::model(|| {
        let words = ring(4);
        let theirs = Arc::clone(&words);
        let reader = thread::spawn(move || {
            let mut consumer = Consumer::attach(&theirs).unwrap();
            let mut out = [0; 2 * LEN];
            let len = consumer.read(&mut out).unwrap();
            assert!(len == 0 || len == 2 * LEN, "{len} bytes are half of a batch");
            if len > 0 {
                assert_eq!(out[..LEN], record(1));
                assert_eq!(out[LEN..], record(2));
            }
        });
        let mut producer = Producer::attach(&words).unwrap();
        producer.stage(&record(1)).unwrap();
        producer.stage(&record(2)).unwrap();
        producer.publish();
        reader.join().unwrap();
    });
}

#[test]
fn what_is_rolled_back_is_never_seen() {
    loom::model(|| {
        let words = ring(4);
        let theirs = Arc::clone(&words);
        let reader = thread::spawn(move || read_all(&theirs, 1));
        let mut producer = Producer::attach(&words).unwrap();
        producer.stage(&record(9)).unwrap();
        producer.stage(&record(9)).unwrap();
        producer.rollback();
        producer.stage(&record(1)).unwrap();
        producer.publish();
        reader.join().unwrap();
    });
}

#[test]
fn a_reader_that_dies_before_it_released_leaves_the_records_to_the_next() {
    loom::model(|| {
        let words = ring(4);
        let theirs = Arc::clone(&words);
        let first = thread::spawn(move || {
            let mut consumer = Consumer::attach(&theirs).unwrap();
            consumer.read(&mut [0; LEN]).unwrap();
        });
        let mut producer = Producer::attach(&words).unwrap();
        producer.stage(&record(1)).unwrap();
        producer.publish();
        producer.stage(&record(2)).unwrap();
        producer.publish();
        assert_eq!(producer.stage(&record(3)), Err(RingFull), "nothing was released");
        first.join().unwrap();
        read_all(&words, 2);
        producer.stage(&record(3)).unwrap();
    });
}

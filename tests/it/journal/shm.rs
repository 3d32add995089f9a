//! The ring's file: who may have it, and what the next process finds in it.

use super::scratch::Scratch;
use cross_market_connect::journal::shm::{Found, RingFile, RingReader, ShmError};
use std::process::Command;
use xmc_hotpath::message::{DeskId, DeskIdentity, SiteId};
use xmc_hotpath::record::ring::{HEADER_WORDS, RingError};

const FIRST: DeskIdentity = DeskIdentity { site: SiteId(1), desk: DeskId(2), run: 1 };
const SECOND: DeskIdentity = DeskIdentity { run: 2, ..FIRST };
const BYTES: u64 = 1 << 16;

fn record(salt: u8) -> Vec<u8> {
    let mut bytes = vec![salt; 21];
    bytes[..2].copy_from_slice(&21_u16.to_le_bytes());
    bytes
}

#[test]
fn what_was_published_outlives_its_writer() {
    let scratch = Scratch::new("shm");
    let path = scratch.path("desk.ring");
    let mut ring = RingFile::open(&path, BYTES, FIRST).unwrap();
    assert_eq!(ring.found(), Found::New);
    assert_eq!(std::fs::metadata(&path).unwrap().len(), BYTES + 8 * HEADER_WORDS as u64);
    let mut producer = ring.producer().unwrap();
    for salt in [1, 2] {
        producer.stage(&record(salt)).unwrap();
    }
    producer.publish();
    producer.stage(&record(3)).unwrap();
    drop(ring);

    let mut ring = RingFile::open(&path, BYTES * 2, SECOND).unwrap();
    assert_eq!(ring.found(), Found::Left { identity: FIRST, pending_bytes: 48 });
    assert_eq!(ring.capacity_bytes(), BYTES, "one that is there keeps its size");
    assert!(matches!(ring.renew(SECOND), Err(ShmError::NotEmpty { left_bytes: 48, .. })));

    let mut reader = RingReader::attach(&path).unwrap();
    assert_eq!(reader.identity().unwrap(), FIRST);
    let mut consumer = reader.consumer().unwrap();
    let mut out = [0; 100];
    assert_eq!(consumer.read(&mut out).unwrap(), 42, "what was staged only is not there");
    assert_eq!(out[..42], [record(1), record(2)].concat());
    assert!(matches!(ring.renew(SECOND), Err(ShmError::Drained { .. })));
    consumer.release(consumer.position());
    drop(reader);

    ring.renew(SECOND).unwrap();
    drop(ring);
    let ring = RingFile::open(&path, BYTES, FIRST).unwrap();
    assert_eq!(ring.found(), Found::Left { identity: SECOND, pending_bytes: 0 });
}

#[test]
fn a_second_engine_and_a_second_journal_writer_are_refused() {
    let scratch = Scratch::new("shm");
    let path = scratch.path("desk.ring");
    let ring = RingFile::open(&path, BYTES, FIRST).unwrap();
    let error = RingFile::open(&path, BYTES, SECOND).unwrap_err();
    assert!(matches!(error, ShmError::Owned { .. }), "{error}");
    let reader = RingReader::attach(&path).unwrap();
    let error = RingReader::attach(&path).unwrap_err();
    assert!(matches!(error, ShmError::Drained { .. }), "{error}");
    drop((ring, reader));
    RingFile::open(&path, BYTES, SECOND).unwrap();
    RingReader::attach(&path).unwrap();
}

/// A child has copies of all open files until it runs its program: they must not keep the lock.
#[test]
fn a_lock_ends_with_its_owner_although_children_start() {
    let scratch = Scratch::new("shm");
    let path = scratch.path("desk.ring");
    std::thread::scope(|scope| {
        let children = scope.spawn(|| {
            for _ in 0..100 {
                Command::new("true").status().expect("true runs");
            }
        });
        let mut opened = 0;
        while !children.is_finished() || opened == 0 {
            let ring = RingFile::open(&path, BYTES, FIRST);
            assert!(ring.is_ok(), "after {opened} times: {ring:?}");
            opened += 1;
        }
    });
}

#[test]
fn what_is_not_a_ring_is_left_alone() {
    let scratch = Scratch::new("shm");
    let path = scratch.path("notes.txt");
    std::fs::write(&path, "something of value").unwrap();
    let error = RingFile::open(&path, BYTES, FIRST).unwrap_err();
    assert!(matches!(error, ShmError::NotARing { error: RingError::NotARing, .. }), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "something of value");
    let error = RingFile::open(&scratch.path("odd"), BYTES + 8, FIRST).unwrap_err();
    assert!(matches!(error, ShmError::BadCapacity { .. }), "{error}");
}

#[test]
fn a_ring_whose_making_was_interrupted_is_made_again() {
    let scratch = Scratch::new("shm");
    let path = scratch.path("desk.ring");
    std::fs::write(&path, vec![0; 1000]).unwrap();
    let ring = RingFile::open(&path, BYTES, FIRST).unwrap();
    assert_eq!(ring.found(), Found::New);
}

//! The record ring against a model that is a queue, with either side dying at any moment.

use proptest::prelude::*;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use xmc_hotpath::message::{DeskId, DeskIdentity, SiteId};
use xmc_hotpath::record::frame::{HEADER_LEN, MAX_LEN};
use xmc_hotpath::record::ring::{
    self, Consumer, Corrupt, HEADER_WORDS, MIN_CAPACITY, Producer, RingError, RingFull,
};

const IDENTITY: DeskIdentity = DeskIdentity { site: SiteId(7), desk: DeskId(9), run: 0x1234 };
const CAPACITY_BYTES: usize = MIN_CAPACITY as usize * 8;

fn memory() -> Vec<AtomicU64> {
    let words = ring::words(MIN_CAPACITY).expect("a capacity");
    let memory: Vec<_> = (0..words).map(|_| AtomicU64::new(u64::MAX)).collect();
    ring::format(&memory, IDENTITY).expect("the size is one");
    memory
}

/// Bytes that start with their length and differ from place to place and record to record.
fn record(len: usize, salt: u8) -> Vec<u8> {
    let mut bytes: Vec<_> = (0..len).map(|at| (at as u8).wrapping_mul(31) ^ salt).collect();
    bytes[..2].copy_from_slice(&u16::try_from(len).expect("short").to_le_bytes());
    bytes
}

fn padded(record: &[u8]) -> usize {
    record.len().next_multiple_of(8)
}

#[derive(Clone, Debug)]
enum Step {
    Stage { len: usize, times: usize },
    Publish,
    Warm,
    Reclaim,
    Rollback,
    Read { room: usize },
    ReleaseAll,
    ProducerDies,
    ConsumerDies,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (HEADER_LEN..=MAX_LEN, 1_usize..16)
            .prop_map(|(len, times)| Step::Stage { len, times }),
        6 => Just(Step::Publish),
        3 => Just(Step::Warm),
        3 => Just(Step::Reclaim),
        1 => Just(Step::Rollback),
        4 => (0_usize..4 * MAX_LEN).prop_map(|room| Step::Read { room }),
        3 => Just(Step::ReleaseAll),
        1 => Just(Step::ProducerDies),
        1 => Just(Step::ConsumerDies),
    ]
}

/// What the ring should hold: records by state.
#[derive(Default)]
struct Model {
    staged: VecDeque<Vec<u8>>,
    published: VecDeque<Vec<u8>>,
    read: VecDeque<Vec<u8>>,
}

impl Model {
    fn used(&self) -> usize {
        self.staged.iter().chain(&self.published).chain(&self.read).map(|r| padded(r)).sum()
    }
}

proptest! {
    #[test]
    fn the_ring_is_a_queue_that_forgets_nothing_released(
        steps in prop::collection::vec(step(), 1..400),
    ) {
        let memory = memory();
        let mut producer = Producer::attach(&memory).unwrap();
        let mut consumer = Consumer::attach(&memory).unwrap();
        let mut model = Model::default();
        for (salt, step) in steps.into_iter().enumerate() {
            match step {
                Step::Stage { len, times } => {
                    for _ in 0..times {
                        let record = record(len, salt as u8);
                        let fits = model.used() + padded(&record) <= CAPACITY_BYTES;
                        let expected = if fits { Ok(()) } else { Err(RingFull) };
                        prop_assert_eq!(producer.stage(&record), expected);
                        if fits {
                            model.staged.push_back(record);
                        }
                    }
                }
                Step::Publish => {
                    producer.publish();
                    model.published.append(&mut model.staged);
                }
                // Neither shows in what is read.
                Step::Warm => producer.warm(),
                Step::Reclaim => producer.reclaim(),
                Step::Rollback => {
                    producer.rollback();
                    model.staged.clear();
                }
                Step::Read { room } => {
                    let mut out = vec![0xEE; room];
                    let len = consumer.read(&mut out).unwrap();
                    let mut expected: Vec<u8> = Vec::new();
                    while let Some(record) = model.published.front()
                        && expected.len() + record.len() <= room
                    {
                        expected.extend(record);
                        model.read.push_back(model.published.pop_front().unwrap());
                    }
                    prop_assert_eq!(&out[..len], &expected[..]);
                    prop_assert!(out[len..].iter().all(|&byte| byte == 0xEE));
                }
                Step::ReleaseAll => {
                    consumer.release(consumer.position());
                    model.read.clear();
                }
                Step::ProducerDies => {
                    producer = Producer::attach(&memory).unwrap();
                    model.staged.clear();
                }
                Step::ConsumerDies => {
                    consumer = Consumer::attach(&memory).unwrap();
                    model.read.append(&mut model.published);
                    std::mem::swap(&mut model.read, &mut model.published);
                }
            }
            let pending: usize = model.published.iter().map(|r| padded(r)).sum();
            prop_assert_eq!(consumer.pending_bytes(), pending as u64);
            let free = CAPACITY_BYTES - model.used();
            prop_assert_eq!(producer.free_bytes(u64::MAX), free as u64);
            prop_assert_eq!(
                usize::from(producer.used_pct()), model.used() * 100 / CAPACITY_BYTES
            );
        }
    }

    /// Whatever the words of the memory become, reading ends, with records or with `Corrupt`.
    #[test]
    fn damaged_memory_is_refused_and_never_loops(
        damage in prop::collection::vec((0_usize..HEADER_WORDS + 64, any::<u64>()), 1..8),
        small in any::<bool>(),
    ) {
        let memory = memory();
        let mut producer = Producer::attach(&memory).unwrap();
        for salt in 0..20 {
            producer.stage(&record(HEADER_LEN + 5, salt)).unwrap();
        }
        producer.publish();
        let mut consumer = Consumer::attach(&memory).unwrap();
        for (at, value) in damage {
            let value = if small { value % 4096 } else { value };
            memory[at].store(value, Ordering::Relaxed);
        }
        let mut out = [0; MAX_LEN];
        for _ in 0..MIN_CAPACITY {
            match consumer.read(&mut out) {
                Ok(0) | Err(Corrupt) => break,
                Ok(_) => {}
            }
        }
        consumer.release(consumer.position());
        // A tail that makes no sense leaves no room; it is never taken for free room.
        let _ = producer.stage(&record(MAX_LEN, 0));
        let _ = Producer::attach(&memory).map(|mut producer| producer.used_pct());
    }
}

#[test]
fn a_ring_is_refused_when_its_header_is_not_one() {
    let memory = memory();
    assert_eq!(ring::identity(&memory), Ok(IDENTITY));
    let refused = |at: usize, value: u64| {
        let before = memory[at].swap(value, Ordering::Relaxed);
        let error = Consumer::attach(&memory).map(|_| ()).unwrap_err();
        assert_eq!(Producer::attach(&memory).map(|_| ()), Err(error));
        memory[at].store(before, Ordering::Relaxed);
        error
    };
    assert_eq!(refused(0, 0), RingError::NotARing);
    assert_eq!(refused(1, 2), RingError::UnknownVersion);
    assert_eq!(refused(2, MIN_CAPACITY * 2), RingError::BadCapacity);
    assert_eq!(refused(16, MIN_CAPACITY + 1), RingError::BadPositions);
    assert_eq!(refused(32, 1), RingError::BadPositions);
    assert_eq!(Consumer::attach(&memory[..100]).map(|_| ()).unwrap_err(), RingError::BadCapacity);
    assert_eq!(ring::format(&memory[..100], IDENTITY), Err(RingError::BadCapacity));
    assert_eq!(ring::words(MIN_CAPACITY - 1), None);
    assert_eq!(ring::words(MIN_CAPACITY / 2), None);
}

#[test]
fn how_full_is_said_in_whole_percent() {
    let memory = memory();
    let mut producer = Producer::attach(&memory).unwrap();
    assert_eq!(producer.used_pct(), 0);
    let record = record(MAX_LEN, 1);
    let per_record = CAPACITY_BYTES / MAX_LEN;
    for count in 1..=per_record {
        producer.stage(&record).unwrap();
        assert_eq!(usize::from(producer.used_pct()), count * 100 / per_record);
    }
    assert_eq!(producer.stage(&record), Err(RingFull));
    assert_eq!(producer.free_bytes(1), 0);
}

//! The rings between stages: batches that fit whole or not at all, and quotes that are conflated.

use proptest::prelude::*;
use std::collections::VecDeque;
use xmc_hotpath::message::{InstrumentIndex, Quote};
use xmc_hotpath::ring::{self, Full, QuoteSender, Waiting};

#[derive(Clone, Debug)]
enum Step {
    Push,
    PushAll(usize),
    Pop,
    Free(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Push),
        4 => (0_usize..8).prop_map(Step::PushAll),
        5 => Just(Step::Pop),
        1 => (0_usize..8).prop_map(Step::Free),
    ]
}

proptest! {
    #[test]
    fn a_batch_goes_whole_or_not_at_all(
        capacity in 1_usize..6,
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let (mut sender, mut receiver) = ring::ends(rtrb::RingBuffer::new(capacity));
        let mut model = VecDeque::new();
        let mut numbers = 0_u64..;
        for step in steps {
            match step {
                Step::Push => {
                    let number = numbers.next().unwrap();
                    let has_room = model.len() < capacity;
                    prop_assert_eq!(sender.push(number).is_ok(), has_room);
                    model.extend(has_room.then_some(number));
                }
                Step::PushAll(count) => {
                    let batch: Vec<u64> = numbers.by_ref().take(count).collect();
                    let has_room = model.len() + count <= capacity;
                    prop_assert_eq!(sender.push_all(&batch).is_ok(), has_room);
                    model.extend(has_room.then_some(batch).into_iter().flatten());
                }
                Step::Pop => {
                    prop_assert_eq!(receiver.peek().copied(), model.front().copied());
                    prop_assert_eq!(receiver.pop(), model.pop_front());
                }
                // What is not known to be free may be more, never less; if it is not enough, it
                // is exact.
                Step::Free(wanted) => {
                    let (free, room) = (sender.free(wanted), capacity - model.len());
                    prop_assert!(free <= room && (free >= wanted || free == room), "{free} {room}");
                }
            }
            prop_assert_eq!(receiver.pending(), model.len());
            prop_assert_eq!(receiver.is_empty(), model.is_empty());
            prop_assert!(!(receiver.has_known() && model.is_empty()));
        }
    }
}

#[test]
fn each_end_sees_that_the_other_is_gone() {
    let (sender, receiver) = ring::ends::<u64>(rtrb::RingBuffer::new(1));
    assert!(!sender.is_abandoned() && !receiver.is_abandoned());
    drop(receiver);
    assert!(sender.is_abandoned());
    let (sender, receiver) = ring::ends::<u64>(rtrb::RingBuffer::new(1));
    drop(sender);
    assert!(receiver.is_abandoned());
}

/// Instruments of the table; sends name up to two more that have no row.
const ROWS: u32 = 4;

#[derive(Clone, Debug)]
enum Traffic {
    Send { instrument: u32, skipped: u32 },
    Flush,
    Read(usize),
}

fn traffic() -> impl Strategy<Value = Traffic> {
    let skipped = prop_oneof![8 => Just(0), 1 => 1_u32..3, 1 => Just(u32::MAX - 1)];
    prop_oneof![
        8 => (0..ROWS + 2, skipped)
            .prop_map(|(instrument, skipped)| Traffic::Send { instrument, skipped }),
        1 => Just(Traffic::Flush),
        3 => (1_usize..4).prop_map(Traffic::Read),
    ]
}

/// What the reader should see: slow, with lists instead of circles. `waiting` is a list by the time
/// at which an instrument began to wait.
struct SlowSender {
    capacity: usize,
    ring: VecDeque<Quote>,
    waiting: Vec<Quote>,
    conflated: u64,
}

impl SlowSender {
    fn send(&mut self, quote: Quote) -> Result<(), Full> {
        if self.waiting.is_empty() && self.ring.len() < self.capacity {
            self.ring.push_back(quote);
            return Ok(());
        }
        if quote.instrument.0 >= ROWS {
            return Err(Full);
        }
        match self.waiting.iter_mut().find(|waiting| waiting.instrument == quote.instrument) {
            Some(waiting) => {
                let skipped = u64::from(waiting.skipped) + 1 + u64::from(quote.skipped);
                let skipped = u32::try_from(skipped).unwrap_or(u32::MAX);
                *waiting = Quote { skipped, ..quote };
                self.conflated += 1;
            }
            None => self.waiting.push(quote),
        }
        self.flush();
        Ok(())
    }

    fn flush(&mut self) -> bool {
        while !self.waiting.is_empty() && self.ring.len() < self.capacity {
            self.ring.push_back(self.waiting.remove(0));
        }
        self.waiting.is_empty()
    }
}

proptest! {
    /// The reader sees what the slow sender would show it: the newest of each instrument, the
    /// oldest waiter first, with a count of what it missed, and everything while there is room.
    #[test]
    fn quotes_are_conflated_only_when_the_ring_is_full(
        capacity in 1_usize..5,
        traffic in prop::collection::vec(traffic(), 1..200),
    ) {
        let (sender, mut receiver) = ring::ends(rtrb::RingBuffer::new(capacity));
        let mut waiting = [Waiting::EMPTY; ROWS as usize];
        let mut order = [0; ROWS as usize];
        let mut sender = QuoteSender::new(sender, &mut waiting, &mut order);
        let mut slow =
            SlowSender { capacity, ring: VecDeque::new(), waiting: Vec::new(), conflated: 0 };
        let (mut sent, mut refused, mut shown) = (0_u64, 0_u64, 0_u64);
        for (number, step) in traffic.into_iter().enumerate() {
            match step {
                Traffic::Send { instrument, skipped } => {
                    let quote = Quote {
                        instrument: InstrumentIndex(instrument),
                        packet_seq_no: u32::try_from(number).unwrap(),
                        skipped,
                        ..Quote::EMPTY
                    };
                    let result = sender.send(&quote);
                    prop_assert_eq!(result, slow.send(quote));
                    sent += 1;
                    refused += u64::from(result.is_err());
                }
                Traffic::Flush => prop_assert_eq!(sender.flush(), slow.flush()),
                Traffic::Read(count) => {
                    for _ in 0..count {
                        let quote = receiver.pop();
                        prop_assert_eq!(quote, slow.ring.pop_front());
                        shown += u64::from(quote.is_some());
                    }
                }
            }
            prop_assert_eq!(sender.conflated(), slow.conflated);
            prop_assert_eq!(sender.waiting(), slow.waiting.len());
            let held = (receiver.pending() + sender.waiting()) as u64;
            prop_assert_eq!(sent, shown + held + sender.conflated() + refused, "none is lost");
        }
    }
}

/// A reader that always makes room sees every quote, and none is said to be skipped.
#[test]
fn with_room_nothing_is_conflated() {
    let (sender, mut receiver) = ring::ends(rtrb::RingBuffer::new(2));
    let (mut waiting, mut order) = ([Waiting::EMPTY; 1], [0; 1]);
    let mut sender = QuoteSender::new(sender, &mut waiting, &mut order);
    for packet_seq_no in 0..100 {
        let quote = Quote { instrument: InstrumentIndex(0), packet_seq_no, ..Quote::EMPTY };
        sender.send(&quote).unwrap();
        assert_eq!(receiver.pop(), Some(quote));
    }
    assert_eq!((sender.conflated(), sender.waiting()), (0, 0));
}

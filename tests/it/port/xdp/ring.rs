//! The rings against a plain queue, on schedules that nobody would think of, and the frames against
//! a plain set.

use super::super::eventually;
use proptest::prelude::*;
use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use xmc_hotpath::port::xdp::{
    BadRing, Cells, Consumer, Descriptor, Entry, FrameAddress, FrameLayout, FreeFrames,
    MAX_SEND_FRAMES, Producer, RingFull,
};

/// A ring in ordinary memory, as the kernel would share one, that has gone round before.
struct Memory {
    producer: AtomicU32,
    consumer: AtomicU32,
    flags: AtomicU32,
    words: Vec<AtomicU64>,
}

impl Memory {
    fn new(words: usize, start: u32) -> Self {
        Self {
            producer: AtomicU32::new(start),
            consumer: AtomicU32::new(start),
            flags: AtomicU32::new(0),
            words: (0..words).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    fn cells(&self) -> Cells<'_> {
        let Self { producer, consumer, flags, words } = self;
        Cells { producer, consumer, flags, words }
    }
}

/// What can happen on either side.
#[derive(Clone, Copy, Debug)]
enum Step {
    Push,
    Publish,
    Look,
    Pop,
    Release,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => Just(Step::Push),
        2 => Just(Step::Publish),
        2 => Just(Step::Look),
        6 => Just(Step::Pop),
        2 => Just(Step::Release),
    ]
}

/// An entry that shows its number in all of its parts.
trait Numbered: Entry + PartialEq + std::fmt::Debug {
    fn numbered(number: u32) -> Self;
}

impl Numbered for FrameAddress {
    fn numbered(number: u32) -> Self {
        Self(u64::from(number) << 32 | u64::from(!number))
    }
}

impl Numbered for Descriptor {
    fn numbered(number: u32) -> Self {
        Self { address: FrameAddress::numbered(number), len: number, options: !number }
    }
}

/// Both sides in turn, compared with a queue of three parts: written, published, taken.
fn follow<E: Numbered>(shift: u32, start: u32, steps: &[Step]) {
    let capacity = 1_usize << shift;
    let memory = Memory::new(capacity << E::SHIFT, start);
    let mut producer = Producer::<E>::new(memory.cells()).expect("a power of two");
    let mut consumer = Consumer::<E>::new(memory.cells()).expect("a power of two");
    let (mut written, mut published) = (VecDeque::new(), VecDeque::new());
    let (mut seen, mut taken, mut number) = (0, 0, 0);
    for step in steps {
        match step {
            Step::Push => {
                let has_room = written.len() + published.len() + taken < capacity;
                assert_eq!(producer.room() > 0, has_room);
                let pushed = producer.push(E::numbered(number));
                assert_eq!(pushed, if has_room { Ok(()) } else { Err(RingFull) });
                if has_room {
                    written.push_back(number);
                    number += 1;
                }
            }
            Step::Publish => {
                producer.publish();
                published.append(&mut written);
            }
            Step::Look => {
                seen = published.len();
                assert_eq!(consumer.look() as usize, seen);
            }
            Step::Pop => {
                assert_eq!(consumer.known() as usize, seen);
                let expected = if seen > 0 { published.pop_front() } else { None };
                assert_eq!(consumer.pop(), expected.map(E::numbered));
                (seen, taken) = (seen.saturating_sub(1), taken + usize::from(expected.is_some()));
            }
            Step::Release => {
                consumer.release();
                taken = 0;
            }
        }
        assert_eq!(producer.waiting() as usize, written.len() + published.len() + taken);
    }
}

proptest! {
    /// Rings of one to sixteen entries whose indices wrap around soon, or not at all.
    #[test]
    fn a_ring_is_a_queue_on_any_schedule(
        shift in 0_u32..5,
        before_wrap in 0_u32..40,
        steps in prop::collection::vec(step(), 1..400),
    ) {
        for start in [before_wrap.wrapping_neg(), before_wrap] {
            follow::<FrameAddress>(shift, start, &steps);
            follow::<Descriptor>(shift, start, &steps);
        }
    }

    /// Frames are handed out once, taken back once, and none is made up.
    #[test]
    fn free_frames_are_a_set_on_any_schedule(
        frames in prop_oneof![Just(0), Just(1), 60_u32..70, Just(MAX_SEND_FRAMES), Just(5_000)],
        steps in prop::collection::vec(prop::option::weighted(0.5, 0_u32..80), 1..300),
    ) {
        let mut free = FreeFrames::new(frames);
        let mut model: BTreeSet<u32> = (0..frames.min(MAX_SEND_FRAMES)).collect();
        for step in steps {
            match step {
                None => prop_assert_eq!(free.take(), model.pop_first()),
                Some(frame) => prop_assert_eq!(free.put_back(frame), model.insert(frame)),
            }
            prop_assert_eq!(free.count() as usize, model.len());
        }
    }

    /// A descriptor is followed exactly if all of its bytes lie in one frame that there is.
    #[test]
    fn a_descriptor_is_followed_within_one_frame_only(
        shift in 11_u32..13,
        frames in 1_u32..9,
        address in prop_oneof![0_u64..50_000, Just(u64::MAX), any::<u64>()],
        len in prop_oneof![0_u32..5_000, Just(u32::MAX)],
    ) {
        let layout = FrameLayout::new(shift, frames).expect("a layout");
        let descriptor = Descriptor { address: FrameAddress(address), len, options: 0 };
        let size = u128::from(layout.frame_bytes());
        let (start, end) = (u128::from(address), u128::from(address) + u128::from(len));
        let is_inside = start < size * u128::from(frames) && end <= (start / size + 1) * size;
        let expected = is_inside.then_some(start as usize..end as usize);
        prop_assert_eq!(layout.locate(descriptor), expected);
        let frame = u64::from(frames) > address >> shift;
        prop_assert_eq!(layout.frame(descriptor.address).is_some(), frame);
    }
}

#[test]
fn memory_that_is_no_ring_is_refused() {
    for (words, is_pairs, is_good) in
        [(0, false, false), (3, false, false), (4, false, true), (3, true, false), (6, true, false)]
    {
        let memory = Memory::new(words, 0);
        let refused = if is_pairs {
            Producer::<Descriptor>::new(memory.cells()).err()
        } else {
            Consumer::<FrameAddress>::new(memory.cells()).err()
        };
        assert_eq!(refused, (!is_good).then_some(BadRing), "{words} words");
    }
    assert_eq!(FrameLayout::new(10, 4), None);
    assert_eq!(FrameLayout::new(11, 0), None);
}

/// The kernel's index says what cannot be: nothing is read, nothing is overwritten.
#[test]
fn indices_that_cannot_be_leave_a_ring_alone() {
    let memory = Memory::new(8, 100);
    let mut consumer = Consumer::<FrameAddress>::new(memory.cells()).expect("eight entries");
    for produced in [109, 99, u32::MAX] {
        memory.producer.store(produced, Ordering::Release);
        assert_eq!((consumer.look(), consumer.pop()), (0, None), "{produced}");
    }
    let memory = Memory::new(8, 100);
    let mut producer = Producer::<FrameAddress>::new(memory.cells()).expect("eight entries");
    while producer.push(FrameAddress(7)).is_ok() {}
    for consumed in [109, 99] {
        memory.consumer.store(consumed, Ordering::Release);
        assert_eq!(producer.push(FrameAddress(7)), Err(RingFull), "{consumed}");
    }
}

#[test]
fn a_kernel_that_sleeps_is_seen() {
    let memory = Memory::new(8, 0);
    let producer = Producer::<FrameAddress>::new(memory.cells()).expect("eight entries");
    for flags in [0, 1, 2, 3] {
        memory.flags.store(flags, Ordering::Relaxed);
        assert_eq!(producer.needs_wakeup(), flags & 1 == 1);
    }
}

/// Two threads, one on each side, through the wrap of the index: everything arrives whole and in
/// order.
#[test]
fn two_threads_hand_over_everything_in_order() {
    const COUNT: u32 = 100_000;
    let memory = Memory::new(64, (COUNT / 2).wrapping_neg());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut producer = Producer::<Descriptor>::new(memory.cells()).expect("32 entries");
            for number in 0..COUNT {
                eventually("room", || {
                    let is_pushed = producer.push(Descriptor::numbered(number)).is_ok();
                    if !is_pushed {
                        producer.publish();
                    }
                    is_pushed.then_some(())
                });
                if number % 7 == 0 {
                    producer.publish();
                }
            }
            producer.publish();
        });
        let mut consumer = Consumer::<Descriptor>::new(memory.cells()).expect("32 entries");
        for number in 0..COUNT {
            eventually("an entry", || (consumer.known() > 0 || consumer.look() > 0).then_some(()));
            assert_eq!(consumer.pop(), Some(Descriptor::numbered(number)));
            if number % 5 == 0 || consumer.known() == 0 {
                consumer.release();
            }
        }
    });
}

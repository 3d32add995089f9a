//! Rings: the ring between stages and the record ring, on one thread and across two cores.
//!
//! Figures across cores depend on where the host puts the two: the round trip of one cache line is
//! measured before and after and says which (below 250 ns: near, else far). A figure between two
//! different classes means nothing.

#[expect(dead_code, reason = "each bench uses a part of it")]
mod measure;

use measure::{Bench, fold};
use rtrb::RingBuffer;
use std::hint::{black_box, spin_loop};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use xmc_hotpath::message::{DeskId, DeskIdentity, SiteId};
use xmc_hotpath::record::ring::{self, Consumer, Producer};
use xmc_hotpath::ring::ends;

/// The length of an input's record with one changed side, and of most messages.
const FRAME: usize = 150;
/// Frames of one batch.
const BATCH: u64 = 64;
/// Words of the record ring: 1 MiB.
const CAPACITY: u64 = 1 << 17;
/// Round trips of a figure across cores.
const TRIPS: usize = 200_000;
/// Round trips of a tiny run.
const TINY_TRIPS: usize = 500;
/// A round trip of one cache line is shorter between near cores.
const NEAR_NS: u64 = 250;
/// The other side is given up after that.
const PATIENCE: Duration = Duration::from_secs(20);

/// All its figures.
pub fn main() {
    let mut bench = Bench::start("ring");
    bench.note("150-byte frames");
    same_thread(&mut bench);
    across(&bench);
}

fn same_thread(bench: &mut Bench) {
    let (mut sender, mut receiver) = ends(RingBuffer::<[u8; FRAME]>::new(1_024));
    let frame = frame();
    bench.figure("rtrb push and pop", BATCH, || {
        let mut digest = 0;
        for _ in 0..BATCH {
            let pushed = sender.push(*black_box(&frame)).is_ok();
            let popped = receiver.pop().map_or(0, |frame| u64::from(frame[FRAME - 1]));
            digest = fold(fold(digest, u64::from(pushed)), popped);
        }
        digest
    });

    let memory = memory();
    let mut producer = Producer::attach(&memory).expect("the ring was just made");
    let mut consumer = Consumer::attach(&memory).expect("the ring was just made");
    let mut copied = vec![0; 1 << 14];
    bench.parts("record stage and publish", |watch| {
        let digest = watch.time(|| hot_record(&mut producer, &frame));
        let read = consumer.read(&mut copied).expect("the ring is whole");
        consumer.release(consumer.position());
        (BATCH, fold(digest, read as u64))
    });
    bench.parts("record staged by fours", |watch| {
        let digest = watch.time(|| {
            let mut digest = 0;
            for _ in 0..BATCH / 4 {
                for _ in 0..4 {
                    digest = fold(digest, u64::from(producer.stage(black_box(&frame)).is_ok()));
                }
                producer.publish();
            }
            digest
        });
        let read = consumer.read(&mut copied).expect("the ring is whole");
        consumer.release(consumer.position());
        (BATCH, fold(digest, read as u64))
    });
}

/// An input and its publishing, each.
#[inline(never)]
fn hot_record(producer: &mut Producer<'_>, frame: &[u8; FRAME]) -> u64 {
    let mut digest = 0;
    for _ in 0..BATCH {
        digest = fold(digest, u64::from(producer.stage(black_box(frame)).is_ok()));
        producer.publish();
    }
    digest
}

/// A frame whose first two bytes are its length, as the record ring wants.
fn frame() -> [u8; FRAME] {
    let mut frame = [0; FRAME];
    for (byte, value) in frame.iter_mut().zip(1..) {
        *byte = value;
    }
    let len = u16::try_from(FRAME).expect("a frame is short");
    frame[..2].copy_from_slice(&len.to_le_bytes());
    frame
}

fn memory() -> Vec<AtomicU64> {
    let words = ring::words(CAPACITY).expect("a capacity");
    let memory: Vec<_> = (0..words).map(|_| AtomicU64::new(0)).collect();
    let identity = DeskIdentity { site: SiteId(1), desk: DeskId(1), run: 1 };
    ring::format(&memory, identity).expect("the size is one");
    memory
}

/// Round trips with a second core: forth over the ring that is measured, back over a cache line.
fn across(bench: &Bench) {
    let Some(other) = bench.core_apart() else {
        return;
    };
    let trips = if bench.is_full() { TRIPS } else { TINY_TRIPS };
    let mut run = Across { bench, other, trips };
    let before = run.cache_line("cache line, round trip");
    run.rtrb();
    run.record();
    let after = run.cache_line("cache line, round trip again");
    let class = |median: u64| if median < NEAR_NS { "near" } else { "far" };
    bench.note(&match (class(before), class(after)) {
        (first, second) if first == second => format!("both cores stayed {first}"),
        (first, second) => {
            format!("the cores went from {first} to {second}: discard the figures across cores")
        }
    });
}

struct Across<'b> {
    bench: &'b Bench,
    other: core_affinity::CoreId,
    trips: usize,
}

/// A counter on a line of its own.
#[repr(align(128))]
struct Line(AtomicU64);

impl Across<'_> {
    /// Stamps of round trips: `forth` sends number `n`, the other side's `echo` answers into a
    /// counter. Returns the median.
    fn trips(
        &mut self,
        name: &str,
        mut forth: impl FnMut(u64),
        mut echo: impl FnMut(&AtomicU64) + Send,
    ) -> u64 {
        let (back, stop) = (Line(AtomicU64::new(0)), AtomicBool::new(false));
        let mut spans = Vec::with_capacity(self.trips);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                core_affinity::set_for_current(self.other);
                while !stop.load(Ordering::Relaxed) {
                    echo(&back.0);
                }
            });
            let clock = self.bench.clock();
            let begun = Instant::now();
            for number in 1..=self.trips as u64 {
                let start = clock.ticks();
                forth(number);
                // Pairs with the release of the echo.
                while back.0.load(Ordering::Acquire) != number {
                    spin_loop();
                }
                spans.push(clock.span(clock.ticks().wrapping_sub(start)).0);
                if number % 1_024 == 0 && begun.elapsed() > PATIENCE {
                    break;
                }
            }
            stop.store(true, Ordering::Relaxed);
        });
        self.bench.spans(name, spans.iter().copied());
        spans.sort_unstable();
        spans.get(spans.len() / 2).copied().unwrap_or(0)
    }

    fn cache_line(&mut self, name: &str) -> u64 {
        let there = Line(AtomicU64::new(0));
        self.trips(
            name,
            |number| there.0.store(number, Ordering::Release),
            |back| back.store(there.0.load(Ordering::Acquire), Ordering::Release),
        )
    }

    fn rtrb(&mut self) {
        let (mut sender, mut receiver) = ends(RingBuffer::<[u8; FRAME]>::new(1_024));
        let (frame, mut seen) = (frame(), 0_u64);
        self.trips(
            "rtrb forth, line back",
            move |_| assert!(sender.push(*black_box(&frame)).is_ok(), "the other side keeps up"),
            move |back| {
                if let Some(frame) = receiver.pop() {
                    black_box(frame);
                    seen += 1;
                    back.store(seen, Ordering::Release);
                }
            },
        );
    }

    fn record(&mut self) {
        let memory = memory();
        let mut producer = Producer::attach(&memory).expect("the ring was just made");
        let mut consumer = Consumer::attach(&memory).expect("the ring was just made");
        let (frame, mut copied, mut seen) = (frame(), vec![0; 1 << 12], 0_u64);
        self.trips(
            "record forth, line back",
            move |_| {
                assert!(producer.stage(black_box(&frame)).is_ok(), "the other side keeps up");
                producer.publish();
            },
            move |back| {
                let read = consumer.read(&mut copied).expect("the ring is whole");
                if read > 0 {
                    consumer.release(consumer.position());
                    seen += 1;
                    back.store(seen, Ordering::Release);
                }
            },
        );
    }
}

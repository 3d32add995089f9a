//! Counters: one writes, others read while it does.

use std::sync::atomic::{AtomicBool, Ordering};
use xmc_hotpath::counter::{Counter, NoRecorder, Recorder};
use xmc_hotpath::time::Span;

#[test]
fn a_count_wraps_instead_of_failing() {
    let counter = Counter::new();
    counter.add(3);
    counter.add(4);
    assert_eq!(counter.get(), 7);
    counter.set(u64::MAX);
    counter.add(2);
    assert_eq!(counter.get(), 1);
    assert_eq!(Counter::default().get(), 0);
}

/// A reader on another core never sees a count go back.
#[test]
fn a_reader_sees_counts_grow() {
    const COUNTS: u64 = 100_000;
    let counter = Counter::new();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut last = 0;
            while !is_over.load(Ordering::Acquire) {
                let now = counter.get();
                assert!(now >= last && now <= COUNTS, "{last} {now}");
                last = now;
            }
        });
        for _ in 0..COUNTS {
            counter.add(1);
        }
        is_over.store(true, Ordering::Release);
        reader.join().expect("the reader saw counts grow");
    });
    assert_eq!(counter.get(), COUNTS);
}

/// The recorder that drops everything costs nothing: it has no size.
#[test]
fn no_recorder_has_no_size() {
    NoRecorder.record(Span(1));
    assert_eq!(size_of::<NoRecorder>(), 0);
}

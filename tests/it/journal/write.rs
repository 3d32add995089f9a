//! Writing: nothing is lost and nothing is written twice, whoever dies when.

use super::desk::{Desk, FIRST, publish};
use super::memory::Memory;
use cross_market_connect::audit::Report;
use cross_market_connect::journal::segment::{ChainHash, MIN_SEGMENT};
use cross_market_connect::journal::{
    Figures, JournalError, JournalWriter, Left, Moment, Options, SealReason, SyncPolicy,
};
use proptest::prelude::*;
use std::sync::atomic::AtomicU64;
use xmc_hotpath::message::DeskIdentity;
use xmc_hotpath::record::ring::{self, Consumer, MIN_CAPACITY, Producer};
use xmc_hotpath::stage::Work;
use xmc_hotpath::time::{MonoNs, Span, UnixNs};

pub const OPTIONS: Options = Options {
    segment_bytes: MIN_SEGMENT,
    block_bytes: 1 << 12,
    linger: Span(0),
    sync: SyncPolicy::EveryBlock,
    chain_hash: ChainHash::Sha256,
};

pub fn memory(identity: DeskIdentity) -> Vec<AtomicU64> {
    let memory: Vec<_> =
        (0..ring::words(MIN_CAPACITY * 4).unwrap()).map(|_| AtomicU64::new(0)).collect();
    ring::format(&memory, identity).unwrap();
    memory
}

pub fn at(ns: u64) -> Moment {
    Moment { mono: MonoNs(ns), utc: UnixNs(1_700_000_000_000_000_000 + ns) }
}

/// Writes what is in the ring to `disk` and seals it.
pub fn drain(disk: &Memory, ring: &[AtomicU64], options: Options) -> Figures {
    let consumer = Consumer::attach(ring).unwrap();
    let identity = ring::identity(ring).unwrap();
    let (writer, _) = JournalWriter::start(disk.clone(), consumer, identity, options).unwrap();
    writer.finish(SealReason::Stopped, at(9)).unwrap()
}

/// A sealed journal of one run.
pub fn journal(inputs: usize, seed: u64, options: Options) -> Memory {
    let ring = memory(FIRST);
    let disk = Memory::default();
    let records = Desk::new(FIRST, seed).records(inputs);
    publish(&mut Producer::attach(&ring).unwrap(), &records).unwrap();
    drain(&disk, &ring, options);
    disk
}

pub fn assert_whole(report: &Report) {
    assert_eq!(report.finding, None);
}

#[test]
fn a_journal_of_many_segments_is_whole() {
    let ring = memory(FIRST);
    let disk = Memory::default();
    let mut desk = Desk::new(FIRST, 1);
    let mut producer = Producer::attach(&ring).unwrap();
    let consumer = Consumer::attach(&ring).unwrap();
    let (mut writer, start) = JournalWriter::start(disk.clone(), consumer, FIRST, OPTIONS).unwrap();
    assert_eq!((start.left, start.last), (Left::Nothing, None));
    assert_eq!(writer.poll(at(0)).unwrap(), Work::Idle);
    publish(&mut producer, &[desk.start()]).unwrap();
    for _ in 0..3_000 {
        let (before, after) = desk.next();
        publish(&mut producer, &before).unwrap();
        publish(&mut producer, &after).unwrap();
        assert_eq!(writer.poll(at(desk.seq_no)).unwrap(), Work::Busy);
        assert_eq!(producer.free_bytes(u64::MAX), 32 * MIN_CAPACITY, "what is safe is released");
    }
    assert_eq!(writer.last(), Some((3_000, 3)));
    writer.finish(SealReason::Stopped, at(3_001)).unwrap();
    let report = disk.verify();
    assert_whole(&report);
    assert!(report.counts.segments > 5, "{:?}", report.counts);
    assert!(report.is_sealed);
    assert_eq!(report.counts.inputs, 3_000);
    assert_eq!(report.counts.orders, 600);
    assert_eq!(report.counts.details, 300);
    assert_eq!(report.runs.len(), 1);
    assert!(!report.runs[0].tail_without_details);
    assert_eq!(report.notes, []);
}

#[test]
fn a_run_that_died_before_its_details_is_whole_and_says_so() {
    let ring = memory(FIRST);
    let mut producer = Producer::attach(&ring).unwrap();
    let mut desk = Desk::new(FIRST, 1);
    publish(&mut producer, &desk.records(9)).unwrap();
    publish(&mut producer, &desk.next().0).unwrap();
    let disk = Memory::default();
    drain(&disk, &ring, OPTIONS);
    let report = disk.verify();
    assert_whole(&report);
    assert!(report.runs[0].tail_without_details);
}

#[test]
fn blocks_wait_for_company_as_long_as_they_may() {
    let ring = memory(FIRST);
    let mut producer = Producer::attach(&ring).unwrap();
    let consumer = Consumer::attach(&ring).unwrap();
    let options = Options { linger: Span(1_000), ..OPTIONS };
    let (mut writer, _) =
        JournalWriter::start(Memory::default(), consumer, FIRST, options).unwrap();
    let mut desk = Desk::new(FIRST, 1);
    publish(&mut producer, &desk.records(1)).unwrap();
    assert_eq!(writer.poll(at(5_000)).unwrap(), Work::Idle);
    assert_eq!(writer.poll(at(5_999)).unwrap(), Work::Idle);
    assert_eq!(writer.poll(at(6_000)).unwrap(), Work::Busy);
    assert_eq!(writer.figures().blocks, 1);
    let many: Vec<_> = (0..40).flat_map(|_| desk.next().0).collect();
    publish(&mut producer, &many).unwrap();
    assert_eq!(writer.poll(at(6_001)).unwrap(), Work::Busy, "a full block does not wait");
}

#[test]
fn room_is_given_back_when_it_is_safe_as_the_policy_says() {
    for (sync, released_at_once, syncs) in [
        (SyncPolicy::EveryBlock, true, 1),
        (SyncPolicy::Never, true, 0),
        (SyncPolicy::IntervalMs(2), false, 0),
    ] {
        let ring = memory(FIRST);
        let mut producer = Producer::attach(&ring).unwrap();
        let whole = producer.free_bytes(u64::MAX);
        let consumer = Consumer::attach(&ring).unwrap();
        let options = Options { sync, ..OPTIONS };
        let (mut writer, _) =
            JournalWriter::start(Memory::default(), consumer, FIRST, options).unwrap();
        publish(&mut producer, &Desk::new(FIRST, 1).records(1)).unwrap();
        writer.poll(at(1_000_000)).unwrap();
        assert_eq!(writer.figures().syncs, syncs, "{sync:?}");
        assert_eq!(producer.free_bytes(u64::MAX) == whole, released_at_once, "{sync:?}");
        assert_eq!(writer.poll(at(2_999_999)).unwrap(), Work::Idle);
        assert_eq!(producer.free_bytes(u64::MAX) == whole, released_at_once, "{sync:?}");
        writer.poll(at(3_000_000)).unwrap();
        assert_eq!(producer.free_bytes(u64::MAX), whole, "{sync:?}");
    }
}

proptest! {
    /// The writer dies at any byte of any write, again and again; the ring and the disk live on.
    /// In the end every published record is in the journal, once, in order.
    #[test]
    fn whatever_the_writer_dies_of_the_record_is_whole(
        deaths in prop::collection::vec((0_usize..60, 0_u64..30_000), 1..6),
        block_bytes in 512_usize..5_000,
        sync in prop::sample::select(
            &[SyncPolicy::EveryBlock, SyncPolicy::IntervalMs(1), SyncPolicy::Never]
        ),
        seed in any::<u64>(),
    ) {
        let options = Options { block_bytes, sync, ..OPTIONS };
        let ring = memory(FIRST);
        let disk = Memory::default();
        let mut producer = Producer::attach(&ring).unwrap();
        let mut desk = Desk::new(FIRST, seed);
        let mut published = 1;
        publish(&mut producer, &[desk.start()]).unwrap();
        for (inputs, dies_after) in deaths {
            let consumer = Consumer::attach(&ring).unwrap();
            disk.state().dies_after = Some(dies_after);
            let (mut writer, start) =
                JournalWriter::start(disk.clone(), consumer, FIRST, options).unwrap();
            prop_assert_ne!(start.left, Left::Sealed);
            for _ in 0..inputs {
                let (before, after) = desk.next();
                publish(&mut producer, &before).unwrap();
                publish(&mut producer, &after).unwrap();
                published += before.len() + after.len();
                let polled = writer.poll(at(desk.seq_no * 300_000));
                if disk.state().is_dead {
                    prop_assert!(polled.is_err());
                    prop_assert!(matches!(writer.poll(at(0)), Err(JournalError::Stopped)));
                    break;
                }
                polled.unwrap();
            }
            let mut state = disk.state();
            (state.is_dead, state.dies_after) = (false, None);
        }
        let figures = drain(&disk, &ring, options);
        prop_assert_eq!(figures.gap, None);
        let report = disk.verify();
        prop_assert_eq!(&report.finding, &None);
        prop_assert_eq!(report.counts.records, published as u64);
        prop_assert_eq!(report.counts.inputs, desk.seq_no);
        prop_assert_eq!(producer.free_bytes(u64::MAX), 32 * MIN_CAPACITY);
    }

    /// Any call to the disk fails, once: the writer stops for good, what it did not make safe is
    /// still in the ring, and another writer on another disk gets all of it.
    #[test]
    fn after_an_error_of_the_disk_the_ring_still_has_what_is_not_safe(
        fails_in in 0_u64..60,
        sync in prop_oneof![Just(SyncPolicy::EveryBlock), Just(SyncPolicy::IntervalMs(1))],
    ) {
        let options = Options { sync, ..OPTIONS };
        let ring = memory(FIRST);
        let disk = Memory::default();
        disk.state().fails_in = Some(fails_in);
        let mut producer = Producer::attach(&ring).unwrap();
        let consumer = Consumer::attach(&ring).unwrap();
        let (mut writer, _) =
            JournalWriter::start(disk.clone(), consumer, FIRST, options).unwrap();
        let mut desk = Desk::new(FIRST, 3);
        publish(&mut producer, &[desk.start()]).unwrap();
        let error = loop {
            publish(&mut producer, &desk.next().0).unwrap();
            match writer.poll(at(desk.seq_no * 300_000)) {
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        prop_assert!(matches!(error, JournalError::Disk { .. }), "{error}");
        prop_assert!(matches!(writer.poll(at(0)), Err(JournalError::Stopped)));
        drop(writer);
        // The power goes too: what the first disk has is what was synced.
        let first = Memory::default();
        first.state().segments = disk.state().synced.clone();
        let consumer = Consumer::attach(&ring).unwrap();
        let (writer, _) = JournalWriter::start(first.clone(), consumer, FIRST, options).unwrap();
        let figures = writer.finish(SealReason::Recovered, at(1)).unwrap();
        prop_assert_eq!(figures.gap, None);
        let report = first.verify();
        prop_assert_eq!(&report.finding, &None);
        prop_assert_eq!(report.counts.inputs, desk.seq_no);
    }
}

#[test]
fn what_the_power_took_is_a_gap_that_is_told_and_found() {
    let ring = memory(FIRST);
    let disk = Memory::default();
    let options = Options { sync: SyncPolicy::Never, ..OPTIONS };
    let mut producer = Producer::attach(&ring).unwrap();
    let mut desk = Desk::new(FIRST, 3);
    publish(&mut producer, &desk.records(5)).unwrap();
    let consumer = Consumer::attach(&ring).unwrap();
    let (mut writer, _) = JournalWriter::start(disk.clone(), consumer, FIRST, options).unwrap();
    writer.poll(at(1)).unwrap();
    publish(&mut producer, &desk.next().0).unwrap();
    drop(writer);
    let after = Memory::default();
    after.state().segments = disk.state().synced.clone();
    let figures = drain(&after, &ring, options);
    let gap = figures.gap.expect("blocks were not synced");
    assert_eq!((gap.after, gap.before), (None, (6, 0)));
    let finding = after.verify().finding.expect("the hole shows");
    assert_eq!(finding.rule, "no_start");
}

#[test]
fn what_is_before_the_damage_of_a_ring_is_sealed() {
    use std::sync::atomic::Ordering;
    let ring = memory(FIRST);
    publish(&mut Producer::attach(&ring).unwrap(), &Desk::new(FIRST, 3).records(40)).unwrap();
    // Somewhere among the records; the words of one are taken for the length of the next.
    for word in &ring[ring::HEADER_WORDS + 300..ring::HEADER_WORDS + 400] {
        word.store(0, Ordering::Relaxed);
    }
    let disk = Memory::default();
    let consumer = Consumer::attach(&ring).unwrap();
    let options = Options { block_bytes: 1 << 10, ..OPTIONS };
    let (writer, _) = JournalWriter::start(disk.clone(), consumer, FIRST, options).unwrap();
    let error = writer.finish(SealReason::Recovered, at(1)).unwrap_err();
    assert!(matches!(error, JournalError::Ring(_)), "{error}");
    let report = disk.verify();
    assert!(report.is_sealed);
    assert!(report.counts.inputs > 5, "{:?}", report.counts);
}

#[test]
fn the_directory_of_another_desk_or_a_later_run_is_refused() {
    let disk = journal(3, 1, OPTIONS);
    for identity in
        [DeskIdentity { run: 0, ..FIRST }, DeskIdentity { site: Default::default(), ..FIRST }]
    {
        let ring = memory(identity);
        let consumer = Consumer::attach(&ring).unwrap();
        let error = JournalWriter::start(disk.clone(), consumer, identity, OPTIONS).unwrap_err();
        assert!(matches!(error, JournalError::OtherRun { .. }), "{error}");
    }
}

#[test]
fn options_out_of_bounds_are_refused() {
    for options in [
        Options { segment_bytes: MIN_SEGMENT - 1, ..OPTIONS },
        Options { block_bytes: 511, ..OPTIONS },
        Options { block_bytes: 1 << 17, ..OPTIONS },
        Options { linger: Span(2_000_000_000), ..OPTIONS },
        Options { sync: SyncPolicy::IntervalMs(0), ..OPTIONS },
    ] {
        let ring = memory(FIRST);
        let consumer = Consumer::attach(&ring).unwrap();
        let error = JournalWriter::start(Memory::default(), consumer, FIRST, options).unwrap_err();
        assert!(matches!(error, JournalError::Option { .. }), "{error}");
    }
}

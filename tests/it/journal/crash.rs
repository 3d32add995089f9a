//! Crash images: whatever the power leaves of what was not synced, nothing that was called durable
//! is lost, nothing wrong passes verify, and the next run goes on.
//!
//! `XMC_IMAGES` sets how many (the commit gate's number is below; a night's is 1,000,000),
//! `XMC_SEED` where they start. A failure prints the seed of its image.

use super::desk::{Desk, FIRST, publish};
use super::platter::Platter;
use super::write::{OPTIONS, at, memory};
use cross_market_connect::audit::Report;
use cross_market_connect::journal::reader::{self, Blocks};
use cross_market_connect::journal::segment::{MAX_FRONT, MIN_SEGMENT};
use cross_market_connect::journal::tree::{Tree, leaf_hash};
use cross_market_connect::journal::{
    Durable, JournalError, JournalWriter, Left, Options, SealReason, SyncPolicy,
};
use std::sync::atomic::AtomicU64;
use xmc_hotpath::message::DeskIdentity;
use xmc_hotpath::record::frame;
use xmc_hotpath::record::ring::{Consumer, Producer};
use xmc_hotpath::time::Span;

/// Images of the commit gate.
const IMAGES: u64 = 2_000;

/// The run that nothing happens to.
const LAST_RUN: u16 = 4;

/// A run whose power goes, or whose disk fails, or both.
struct Trial {
    options: Options,
    random: fastrand::Rng,
    disk: Platter,
    /// Every record that was published over all runs, in order.
    published: Vec<Vec<u8>>,
    /// What the last writer had called durable.
    durable: Durable,
}

impl Trial {
    fn new(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let sync = match random.u8(..4) {
            0 => SyncPolicy::EveryBlock,
            1 => SyncPolicy::Never,
            _ => SyncPolicy::IntervalMs(random.u32(1..4)),
        };
        let options = Options {
            segment_bytes: MIN_SEGMENT,
            block_bytes: random.usize(512..9_000),
            linger: Span(random.u64(..2) * 600_000),
            sync,
            chain_hash: OPTIONS.chain_hash,
        };
        let disk = Platter::default();
        disk.state().sync_takes = random.u8(..3);
        Self { options, random, disk, published: Vec::new(), durable: Durable::default() }
    }

    /// A run of the desk that ends by itself after `inputs`, or when the disk does.
    fn run(&mut self, run: u16, inputs: u64) -> Result<Vec<AtomicU64>, JournalError> {
        let identity = DeskIdentity { run, ..FIRST };
        let ring = memory(identity);
        let mut producer = Producer::attach(&ring).unwrap();
        let consumer = Consumer::attach(&ring).unwrap();
        let mut desk = Desk::new(identity, self.random.u64(..));
        let (mut writer, _) =
            JournalWriter::start(self.disk.clone(), consumer, identity, self.options)?;
        let mut records = vec![desk.start()];
        let mut result = Ok(());
        for input in 0..inputs {
            publish(&mut producer, &records).unwrap();
            self.published.append(&mut records);
            if self.random.u8(..3) == 0 {
                result = writer.poll(at(input * 700_000)).map(|_| ());
                self.durable = writer.figures().durable;
                if result.is_err() {
                    break;
                }
            }
            let (before, after) = desk.next();
            records = [before, after].concat();
        }
        if result.is_ok() && (run == LAST_RUN || self.random.bool()) {
            let figures = writer.finish(SealReason::Stopped, at(inputs * 700_000))?;
            self.durable = figures.durable;
        }
        result.map(|()| ring)
    }

    /// What the power leaves: all of it or nothing, the first writes only, or any sectors.
    fn power_loss(&mut self) -> Platter {
        let mode = self.random.u8(..4);
        let random = &mut self.random;
        let mut choose = |count: usize| match mode {
            0 => 0,
            1 => count - 1,
            2 => random.usize(..count),
            _ => random.usize(..count.min(2)),
        };
        self.disk.after_power_loss(&mut choose)
    }

    /// Nothing that was durable is lost, and what passes is the beginning of what was published.
    fn check(&self, image: &Platter, lost_ring: bool) -> Vec<Vec<u8>> {
        let records = accepted(image);
        assert!(records.len() <= self.published.len(), "more than was published");
        let is_beginning = records == self.published[..records.len()];
        assert!(is_beginning, "something else than was published");
        if self.options.sync != SyncPolicy::Never {
            let durable = self.durable.tree_size as usize;
            assert!(records.len() >= durable, "{} of {durable} durable records", records.len());
            assert!(durable == 0 || root(&records[..durable]) == self.durable.root);
        }
        if !lost_ring {
            assert_eq!(records.len(), self.published.len());
        }
        let found = image.verify();
        assert!(found.finding.is_none() || is_end(&found), "{found:?}");
        records
    }
}

/// Whether what is wrong is the end of the last segment, as a crash leaves it.
fn is_end(report: &Report) -> bool {
    let finding = report.finding.as_ref().expect("there is one");
    let rules = ["torn_tail", "block_hash", "checksum", "not_a_block"];
    rules.contains(&finding.rule) && finding.offset >= MAX_FRONT.min(256) as u64
}

/// The records that a reader accepts, over all segments that hang together.
fn accepted(disk: &Platter) -> Vec<Vec<u8>> {
    let segments: Vec<_> = disk.segments().into_values().collect();
    let mut records = Vec::new();
    let mut end = None;
    for (bytes, next) in segments.iter().zip(segments.iter().skip(1).map(Some).chain([None])) {
        let header = reader::header(bytes).expect("a header is whole or not there");
        let previous = header.previous().expect("it follows something");
        if end.is_some_and(|end| end != (previous.bytes, previous.hash)) {
            break;
        }
        let next = next.map(|next| reader::header(next).expect("a header is whole"));
        let until = next.and_then(|next| reader::end_of_failed(&next));
        let mut blocks = Blocks::new(bytes, &header).until(until);
        while let Ok(Ok(block)) = blocks.next_block() {
            let mut rest = block.payload;
            while let Some((record, behind)) = frame::split_len(rest) {
                records.push(record.to_vec());
                rest = behind;
            }
        }
        end = Some((blocks.good_bytes(), blocks.hash()));
    }
    records
}

fn root(records: &[Vec<u8>]) -> [u8; 32] {
    let mut tree = Tree::new();
    records.iter().for_each(|record| tree.push(leaf_hash(record)));
    tree.root()
}

fn count(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |count| count.parse().expect("a count"))
}

#[test]
fn nothing_durable_is_lost_and_nothing_wrong_passes_whatever_the_power_leaves() {
    let images = count("XMC_IMAGES", IMAGES);
    let first = count("XMC_SEED", 1);
    let (mut torn, mut lost, mut durable) = (0, 0, 0);
    for seed in first..first + images {
        let trial = std::panic::catch_unwind(|| image(seed));
        let Ok((is_torn, records_lost, durable_records)) = trial else {
            panic!("XMC_IMAGES=1 XMC_SEED={seed} shows it again");
        };
        torn += u64::from(is_torn);
        lost += records_lost;
        durable += durable_records;
    }
    println!(
        "{images} images from seed {first}: {durable} durable records, 0 lost; {lost} that were \
         not; {torn} torn ends"
    );
    assert!(torn > images / 50 && lost > 0, "the images are of crashes");
}

/// Up to three runs on one disk, each with a loss of power.
fn image(seed: u64) -> (bool, u64, u64) {
    let mut trial = Trial::new(seed);
    let (mut is_torn, mut lost, mut durable) = (false, 0, 0);
    for run in 1..LAST_RUN {
        let calls = trial.random.u64(1..60);
        trial.disk.state().dies_at = Some(calls);
        let inputs = trial.random.u64(1..120);
        // Whatever ends it is what is tested.
        let _ = trial.run(run, inputs);
        durable += trial.durable.tree_size;
        let image = trial.power_loss();
        let kept = trial.check(&image, true);
        is_torn |= image.verify().finding.is_some();
        lost += (trial.published.len() - kept.len()) as u64;
        trial.published = kept;
        trial.disk = image;
    }
    trial.run(LAST_RUN, 20).expect("the next run goes on");
    let report = trial.disk.after_death().verify();
    assert_eq!(report.finding, None, "the next run declares what the crashes left");
    (is_torn, lost, durable)
}

#[test]
fn any_call_may_fail_and_the_second_directory_gets_the_rest() {
    for sync_takes in [0, 2] {
        for sync in [SyncPolicy::EveryBlock, SyncPolicy::IntervalMs(2), SyncPolicy::Never] {
            let mut fails_at = 0;
            while fail_and_go_on(fails_at, sync, sync_takes) {
                fails_at += 1;
            }
            assert!(fails_at > 20, "only {fails_at} calls were hit");
        }
    }
}

/// Call `fails_at` fails, and all of its directory after it. Returns whether it came to that.
fn fail_and_go_on(fails_at: u64, sync: SyncPolicy, sync_takes: u8) -> bool {
    let mut trial = Trial::new(9);
    trial.options = Options { sync, block_bytes: 4_096, linger: Span(0), ..OPTIONS };
    (trial.disk.state().has_second, trial.disk.state().sync_takes) = (true, sync_takes);
    trial.disk.state().fails_at = Some(fails_at);
    let identity = FIRST;
    let ring = memory(identity);
    let mut producer = Producer::attach(&ring).unwrap();
    let consumer = Consumer::attach(&ring).unwrap();
    let mut desk = Desk::new(identity, 3);
    let (mut writer, _) =
        JournalWriter::start(trial.disk.clone(), consumer, identity, trial.options).unwrap();
    let mut records = vec![desk.start()];
    for input in 0..480 {
        publish(&mut producer, &records).unwrap();
        trial.published.append(&mut records);
        let (before, after) = desk.next();
        records = [before, after].concat();
        if input % 8 > 0 {
            continue;
        }
        writer.poll(at(input * 700_000)).expect("the second directory takes over");
    }
    let has_failed = trial.disk.state().has_failed();
    assert_eq!(writer.figures().failures, u64::from(has_failed));
    assert_eq!(writer.figures().is_degraded(), has_failed, "nothing new is opened then");
    // The power goes as well: what was durable is there, on both disks together.
    trial.durable = writer.figures().durable;
    if sync != SyncPolicy::Never {
        trial.check(&trial.disk.after_power_loss(&mut |_| 0), true);
    }
    let figures = writer.finish(SealReason::Stopped, at(u64::MAX / 2)).unwrap();
    assert_eq!(figures.gap, None);
    assert_eq!(figures.records, trial.published.len() as u64);
    trial.durable = figures.durable;
    let report = trial.disk.verify();
    assert_eq!(report.finding, None, "call {fails_at} failed");
    assert_eq!(report.counts.records, trial.published.len() as u64);
    if sync != SyncPolicy::Never {
        let safe = trial.disk.after_power_loss(&mut |_| 0);
        trial.check(&safe, false);
        assert_eq!(safe.verify().finding, None);
    }
    has_failed || trial.disk.state().has_failed()
}

#[test]
fn without_a_second_directory_the_writer_stops_and_the_ring_has_the_rest() {
    for fails_at in 0..40 {
        let mut trial = Trial::new(9);
        trial.options = Options { block_bytes: 4_096, linger: Span(0), ..OPTIONS };
        trial.disk.state().fails_at = Some(fails_at);
        let ring = memory(FIRST);
        let mut producer = Producer::attach(&ring).unwrap();
        let mut desk = Desk::new(FIRST, 3);
        trial.published = desk.records(600);
        let consumer = Consumer::attach(&ring).unwrap();
        let (mut writer, _) =
            JournalWriter::start(trial.disk.clone(), consumer, FIRST, trial.options).unwrap();
        for (records, poll) in trial.published.chunks(20).zip(0..) {
            publish(&mut producer, records).unwrap();
            if writer.poll(at(poll * 700_000)).is_err() {
                // Whoever is next publishes the rest.
                let rest = &trial.published[(poll as usize + 1) * 20..];
                publish(&mut producer, rest).unwrap();
                break;
            }
        }
        trial.durable = writer.figures().durable;
        drop(writer);
        // The disk is well again after the power has gone; the ring is not.
        let image = trial.disk.after_power_loss(&mut |_| 0);
        trial.check(&image, true);
        // The process died alone: the ring completes the journal.
        let safe = trial.disk.after_power_loss(&mut |_| 0);
        let consumer = Consumer::attach(&ring).unwrap();
        let (writer, start) =
            JournalWriter::start(safe.clone(), consumer, FIRST, trial.options).unwrap();
        assert_ne!(start.left, Left::Failed);
        let figures = writer.finish(SealReason::Recovered, at(1)).unwrap();
        assert_eq!(figures.gap, None);
        trial.durable = figures.durable;
        assert_eq!(safe.verify().finding, None);
        trial.check(&safe, false);
    }
}

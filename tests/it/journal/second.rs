//! A journal in two directories of the file system: written, followed, verified, gone on with.

use super::desk::{Desk, FIRST, publish};
use super::failing::Failing;
use super::scratch::Scratch;
use super::write::{OPTIONS, at, memory};
use cross_market_connect::audit;
use cross_market_connect::engine::recording::Segments;
use cross_market_connect::journal::disk::{self, Directory};
use cross_market_connect::journal::tail::Tail;
use cross_market_connect::journal::{JournalWriter, Options, SealReason, SyncPolicy};
use std::fs;
use xmc_hotpath::message::DeskIdentity;
use xmc_hotpath::record::ring::{Consumer, Producer};

#[test]
fn the_second_directory_goes_on_where_the_first_refuses() {
    let scratch = Scratch::new("second");
    let (path, second) = (scratch.path("first"), scratch.path("second"));
    let mut all = Vec::new();
    let mut tail = Tail::new(&path, 1);
    let mut followed = Vec::new();
    for run in 1..=2 {
        let identity = DeskIdentity { run, ..FIRST };
        let ring = memory(identity);
        let mut producer = Producer::attach(&ring).unwrap();
        let consumer = Consumer::attach(&ring).unwrap();
        let disk = Directory::open_with_second(&path, &second).unwrap();
        let (mut writer, _) = JournalWriter::start(disk, consumer, identity, OPTIONS).unwrap();
        if run == 1 {
            // The third segment cannot be made: something has its name.
            fs::create_dir(path.join(disk::segment_name(3))).unwrap();
        }
        let mut desk = Desk::new(identity, 5);
        for (records, number) in desk.records(1_200).chunks(20).zip(0..) {
            publish(&mut producer, records).unwrap();
            all.extend(records.concat());
            writer.poll(at(number)).unwrap();
        }
        assert_eq!(writer.figures().failures, u64::from(run == 1));
        writer.finish(SealReason::Stopped, at(100_000)).unwrap();
        while let Some(block) = tail.next_block().unwrap() {
            followed.extend_from_slice(block);
        }
    }
    assert!(followed == all, "who follows reads both directories");
    let report = audit::verify(&path).unwrap();
    assert_eq!(report.finding, None);
    assert_eq!(report.counts.records, report.tree_size);
    let segments = disk::segments(&path).unwrap();
    let in_second = segments.iter().filter(|one| one.path.starts_with(&second)).count();
    assert!(in_second > 1 && in_second < segments.len() - 2, "{in_second} of {}", segments.len());
    assert!(segments.last().unwrap().path.starts_with(&path), "the next run is in the first again");
    assert!(Segments::open(&path).unwrap().payloads().collect::<Vec<_>>().concat() == all);
    assert_eq!(tail.end().tree_size, report.tree_size);
}

/// Every call to the first directory fails once, with all that follow it: whoever reads along is
/// told every record once, in order, whatever it had already read of what was not safe.
#[test]
fn whoever_follows_is_told_everything_once_whichever_call_fails() {
    for sync in [SyncPolicy::EveryBlock, SyncPolicy::IntervalMs(2)] {
        let mut told_again = 0;
        let mut fails_at = 0;
        while let Some(again) = fail_and_follow(fails_at, sync) {
            told_again += again;
            fails_at += 1;
        }
        assert!(fails_at > 20, "only {fails_at} calls were hit");
        let may_be = sync != SyncPolicy::EveryBlock;
        assert!(told_again > 0 || !may_be, "some of what was read was written again");
    }
}

/// Call `fails_at` fails. Gives how many records the second directory has that had been read by
/// then; `None` if it did not come to that call.
fn fail_and_follow(fails_at: u64, sync: SyncPolicy) -> Option<u64> {
    let scratch = Scratch::new("failing");
    let (path, second) = (scratch.path("first"), scratch.path("second"));
    let ring = memory(FIRST);
    let mut producer = Producer::attach(&ring).unwrap();
    let consumer = Consumer::attach(&ring).unwrap();
    let directory = Directory::open_with_second(&path, &second).unwrap();
    let (disk, calls) = Failing::new(directory, Some(fails_at));
    let options = Options { sync, ..OPTIONS };
    let (mut writer, _) = JournalWriter::start(disk, consumer, FIRST, options).unwrap();
    let mut tail = Tail::new(&path, 1);
    let (mut all, mut followed, mut again) = (Vec::new(), Vec::new(), 0);
    let mut has_failed = false;
    for (records, number) in Desk::new(FIRST, 5).records(480).chunks(20).zip(0_u64..) {
        while publish(&mut producer, records).is_err() {
            // The disk is behind.
            writer.poll(at(number * 700_000)).unwrap();
        }
        all.extend(records.concat());
        writer.poll(at(number * 700_000)).unwrap();
        if writer.figures().failures > 0 && !has_failed {
            has_failed = true;
            again = tail.end().tree_size.saturating_sub(writer.figures().durable.tree_size);
        }
        while let Some(block) = tail.next_block().unwrap() {
            followed.extend_from_slice(block);
        }
        assert!(all.starts_with(&followed), "call {fails_at}: something else was told");
    }
    let figures = writer.finish(SealReason::Stopped, at(u64::MAX / 2)).unwrap();
    while let Some(block) = tail.next_block().unwrap() {
        followed.extend_from_slice(block);
    }
    assert!(followed == all, "call {fails_at}: {} of {} bytes", followed.len(), all.len());
    let report = audit::verify(&path).unwrap();
    assert_eq!(report.finding, None, "call {fails_at}");
    assert_eq!(report.counts.records, figures.records);
    assert_eq!((tail.end().tree_size, tail.end().root), (figures.records, figures.durable.root));
    calls.borrow().has_failed().then_some(again)
}

/// A segment that the first directory refused is there all the same, and is read, before the second
/// directory has it.
#[test]
fn whoever_has_read_a_segment_that_was_refused_reads_the_one_that_counts() {
    let scratch = Scratch::new("stray");
    let (path, second) = (scratch.path("first"), scratch.path("second"));
    let ring = memory(FIRST);
    let mut producer = Producer::attach(&ring).unwrap();
    let consumer = Consumer::attach(&ring).unwrap();
    let directory = Directory::open_with_second(&path, &second).unwrap();
    // Creating segment 1 fails, and leaves it behind.
    let (disk, _) = Failing::new(directory, Some(0));
    let (mut writer, _) = JournalWriter::start(disk, consumer, FIRST, OPTIONS).unwrap();
    let records = Desk::new(FIRST, 5).records(40);
    publish(&mut producer, &records).unwrap();
    writer.poll(at(1)).unwrap();
    let stray = disk::segment_name(1);
    assert!(path.join(&stray).exists() && !second.join(&stray).exists());
    let mut tail = Tail::new(&path, 1);
    assert_eq!(tail.next_block().unwrap(), None);
    assert_eq!(tail.end().segment, 1, "it is read");
    // Made a moment later, so that it is another one.
    writer.poll(at(2)).unwrap();
    assert!(second.join(&stray).exists());
    writer.finish(SealReason::Stopped, at(3)).unwrap();
    let mut followed = Vec::new();
    while let Some(block) = tail.next_block().unwrap() {
        followed.extend_from_slice(block);
    }
    assert!(followed == records.concat());
    assert_eq!(audit::verify(&path).unwrap().finding, None);
}

#[test]
fn one_directory_cannot_be_both() {
    let scratch = Scratch::new("second-same");
    let path = scratch.path("journal");
    let error = Directory::open_with_second(&path, &path).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
}

//! A journal in two directories of the file system: written, followed, verified, gone on with.

use super::desk::{Desk, FIRST, publish};
use super::scratch::Scratch;
use super::write::{OPTIONS, at, memory};
use cross_market_connect::audit;
use cross_market_connect::engine::recording::Segments;
use cross_market_connect::journal::disk::{self, Directory};
use cross_market_connect::journal::tail::Tail;
use cross_market_connect::journal::{JournalWriter, SealReason};
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

#[test]
fn one_directory_cannot_be_both() {
    let scratch = Scratch::new("second-same");
    let path = scratch.path("journal");
    let error = Directory::open_with_second(&path, &path).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
}

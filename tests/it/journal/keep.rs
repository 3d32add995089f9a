//! Packed segments are the segments, and what was removed is known.

use super::desk::{Desk, FIRST, publish};
use super::scratch::Scratch;
use super::write::{OPTIONS, at, memory};
use cross_market_connect::audit::{self, Report};
use cross_market_connect::engine::recording::Segments;
use cross_market_connect::journal::disk::{self, Directory};
use cross_market_connect::journal::keep::{Keeping, Kept, MANIFEST_NAME, keep, manifest};
use cross_market_connect::journal::tail::Tail;
use cross_market_connect::journal::{JournalWriter, Options, SealReason, SyncPolicy};
use std::fs;
use std::path::Path;
use xmc_hotpath::record::ring::{Consumer, Producer};
use xmc_hotpath::time::UnixNs;

const NOW: UnixNs = UnixNs(1_700_000_000_000_000_000 + 100);

/// A journal of several segments on the file system; all that was published.
fn journal(path: &Path) -> Vec<u8> {
    let options = Options { sync: SyncPolicy::Never, ..OPTIONS };
    let ring = memory(FIRST);
    let mut producer = Producer::attach(&ring).unwrap();
    let consumer = Consumer::attach(&ring).unwrap();
    let disk = Directory::open(path).unwrap();
    let (mut writer, _) = JournalWriter::start(disk, consumer, FIRST, options).unwrap();
    let mut desk = Desk::new(FIRST, 7);
    let mut all = Vec::new();
    for (records, number) in desk.records(2_000).chunks(20).zip(0..) {
        publish(&mut producer, records).unwrap();
        all.extend(records.concat());
        writer.poll(at(number)).unwrap();
    }
    writer.finish(SealReason::Stopped, at(200)).unwrap();
    all
}

fn verify(path: &Path) -> Report {
    audit::verify(path).unwrap()
}

fn kept(path: &Path, keeping: Keeping) -> Kept {
    keep(path, &keeping, NOW).unwrap()
}

#[test]
fn a_packed_journal_is_the_journal() {
    let scratch = Scratch::new("keep");
    let path = scratch.path("journal");
    let all = journal(&path);
    let plain = verify(&path);
    assert!(plain.counts.segments > 4, "{:?}", plain.counts);
    let before: Vec<_> =
        disk::segments(&path).unwrap().iter().map(|one| disk::load(&one.path).unwrap()).collect();
    let done = kept(&path, Keeping::default());
    assert_eq!(done.packed, plain.counts.segments - 2);
    assert!(done.saved_bytes > 0);
    let segments = disk::segments(&path).unwrap();
    let packed = segments.iter().filter(|one| disk::is_packed(&one.path)).count() as u64;
    assert_eq!(packed, done.packed);
    let after: Vec<_> = segments.iter().map(|one| disk::load(&one.path).unwrap()).collect();
    assert!(before == after, "unpacked they are what they were");
    // Whatever unpacks Zstandard unpacks them, without the table at the end.
    let bytes = fs::read(&segments[0].path).unwrap();
    assert!(zstd::stream::decode_all(&bytes[..]).unwrap() == before[0]);
    let found = verify(&path);
    assert_eq!((found.finding, found.tree_root), (None, plain.tree_root));
    assert!(Segments::open(&path).unwrap().payloads().collect::<Vec<_>>().concat() == all);
    let mut tail = Tail::new(&path, 1);
    let mut read = Vec::new();
    while let Some(block) = tail.next_block().unwrap() {
        read.extend_from_slice(block);
    }
    assert!(read == all, "who follows reads all of it");
    assert_eq!(tail.end().tree_size, plain.tree_size);
    // There is nothing more to do, and a second keeper waits for the first.
    assert_eq!(kept(&path, Keeping::default()), Kept { segments: done.packed, ..Kept::default() });
}

#[test]
fn every_changed_byte_of_a_packed_segment_is_a_finding() {
    let scratch = Scratch::new("keep-damage");
    let path = scratch.path("journal");
    journal(&path);
    kept(&path, Keeping::default());
    let segments = disk::segments(&path).unwrap();
    let file = &segments[1].path;
    let whole = fs::read(file).unwrap();
    let ends = whole.len() - 40..whole.len();
    for byte in (0..whole.len()).step_by(whole.len() / 150).chain(ends) {
        let mut changed = whole.clone();
        changed[byte] ^= 1 << (byte % 8);
        fs::write(file, &changed).unwrap();
        // A few bits of a frame's header say nothing, and the segment is the same then.
        let is_same = disk::unpack(&changed).is_ok_and(|one| one == disk::unpack(&whole).unwrap());
        assert!(is_same || verify(&path).finding.is_some(), "byte {byte}");
    }
    for len in [0, 1, 8, whole.len() / 2, whole.len() - 1] {
        fs::write(file, &whole[..len]).unwrap();
        let finding = verify(&path).finding.unwrap();
        assert_eq!((finding.rule, &finding.file), ("packed", file));
    }
}

#[test]
fn what_a_crash_leaves_of_packing_is_the_journal() {
    let scratch = Scratch::new("keep-crash");
    let path = scratch.path("journal");
    journal(&path);
    let segments = disk::segments(&path).unwrap();
    let bytes = fs::read(&segments[0].path).unwrap();
    let packed = disk::packed_path(&segments[0].path);
    // Half of it under the other name, then both forms.
    fs::write(packed.with_extension("new"), &disk::pack(&bytes).unwrap()[..50]).unwrap();
    assert_eq!(verify(&path).finding, None);
    fs::write(&packed, disk::pack(&bytes).unwrap()).unwrap();
    assert_eq!(verify(&path).finding, None);
    assert_eq!(verify(&path).counts.segments, segments.len() as u64);
    kept(&path, Keeping::default());
    assert_eq!(verify(&path).finding, None);
}

#[test]
fn what_was_removed_is_known_and_what_was_taken_is_found() {
    let scratch = Scratch::new("keep-remove");
    let path = scratch.path("journal");
    journal(&path);
    let whole = verify(&path);
    let keeping = Keeping { keep_days: 0, ..Keeping::default() };
    assert_eq!(kept(&path, keeping).removed, 0, "nothing goes unasked");
    let segments = disk::segments(&path).unwrap();
    let later = UnixNs(NOW.0 + 86_400_000_000_000);
    // One of them is to be kept longer: what is behind it stays.
    let text = fs::read_to_string(path.join(MANIFEST_NAME)).unwrap();
    let lines: Vec<_> = text.lines().map(str::to_owned).collect();
    let until = manifest(&path).unwrap()[2].keep_until_utc_ns;
    let longer = lines[2].replace(
        &format!("\"keep_until_utc_ns\":{until}"),
        &format!("\"keep_until_utc_ns\":{}", u64::MAX),
    );
    let text = [&lines[..2], &[longer], &lines[3..]].concat().join("\n");
    fs::write(path.join(MANIFEST_NAME), text).unwrap();
    let keeping = Keeping { is_removed: true, ..keeping };
    assert_eq!(keep(&path, &keeping, later).unwrap().removed, 2);
    assert!(!segments[0].path.exists() && !segments[1].path.exists());
    let found = verify(&path);
    assert_eq!(found.finding, None);
    assert_eq!(found.notes[0].what, "removed");
    assert_eq!((found.tree_size, found.tree_root), (whole.tree_size, whole.tree_root));
    assert!(found.counts.records < whole.counts.records);
    // Somebody takes one more.
    fs::remove_file(&segments[2].path).unwrap();
    let finding = verify(&path).finding.unwrap();
    assert_eq!(finding.rule, "segment_missing");
}

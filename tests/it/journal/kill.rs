//! kill -9 at a random moment: every record that the dead process had called published is found.
//!
//! The child is this test binary again, told by the environment to be one. It writes records into
//! the ring's file as fast as it can and says through a pipe what it has published; in half of the
//! runs a thread of it writes the journal at the same time. `XMC_KILLS` sets how many are killed.

use super::desk::{Desk, FIRST, publish};
use super::scratch::Scratch;
use cross_market_connect::audit;
use cross_market_connect::journal::disk::Directory;
use cross_market_connect::journal::segment::MIN_SEGMENT;
use cross_market_connect::journal::shm::{Found, RingFile, RingReader};
use cross_market_connect::journal::{
    JournalWriter, Left, Moment, Options, Recovered, SyncPolicy, recover,
};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use xmc_hotpath::message::DeskIdentity;
use xmc_hotpath::time::{MonoNs, Span, UnixNs};

const CHILD: &str = "XMC_KILL_CHILD";
const CAPACITY: u64 = 1 << 20;

fn options(seed: u64) -> Options {
    let sync = match seed % 3 {
        0 => SyncPolicy::EveryBlock,
        1 => SyncPolicy::IntervalMs(1),
        _ => SyncPolicy::Never,
    };
    Options { segment_bytes: 8 * MIN_SEGMENT, sync, linger: Span(50_000), ..Options::default() }
}

fn ring_path(directory: &Path) -> PathBuf {
    directory.join("desk.ring")
}

fn journal_path(directory: &Path) -> PathBuf {
    directory.join("journal")
}

/// What is published: the sequence number of an input, and the index of its last record.
fn acknowledge(place: (u64, u16)) {
    let bytes = (place.0 << 16 | u64::from(place.1)).to_le_bytes();
    // The test harness does not use stderr of a test that passes. Nobody reading is the end.
    if std::io::stderr().write_all(&bytes).is_err() {
        std::process::exit(0);
    }
}

/// The child. Without the environment it is a test that does nothing.
#[test]
fn child() {
    let Ok(told) = std::env::var(CHILD) else {
        return;
    };
    let (run, rest) = told.split_once(' ').expect("RUN SEED DIRECTORY");
    let (seed, directory) = rest.split_once(' ').expect("RUN SEED DIRECTORY");
    let identity = DeskIdentity { run: run.parse().unwrap(), ..FIRST };
    let seed: u64 = seed.parse().unwrap();
    let directory = Path::new(directory);
    let mut ring = RingFile::open(&ring_path(directory), CAPACITY, identity).unwrap();
    ring.renew(identity).unwrap();
    if seed.is_multiple_of(2) {
        let directory = directory.to_owned();
        std::thread::spawn(move || drain(&directory, seed));
    }
    let mut producer = ring.producer().unwrap();
    let mut desk = Desk::new(identity, seed);
    publish(&mut producer, &[desk.start()]).unwrap();
    acknowledge((0, 0));
    loop {
        let (before, after) = desk.next();
        let mut index = 0;
        for records in [before, after] {
            if records.is_empty() {
                continue;
            }
            while publish(&mut producer, &records).is_err() {
                std::thread::yield_now();
            }
            index += records.len() as u16;
            acknowledge((desk.seq_no, index - 1));
        }
    }
}

/// The child's journal writer.
fn drain(directory: &Path, seed: u64) {
    let begun = Instant::now();
    let mut reader = RingReader::attach(&ring_path(directory)).unwrap();
    let identity = reader.identity().unwrap();
    let disk = Directory::open(&journal_path(directory)).unwrap();
    let consumer = reader.consumer().unwrap();
    let (mut writer, _) = JournalWriter::start(disk, consumer, identity, options(seed)).unwrap();
    loop {
        let mono = MonoNs(begun.elapsed().as_nanos() as u64);
        writer.poll(Moment { mono, utc: UnixNs(0) }).unwrap();
        std::thread::yield_now();
    }
}

/// Starts a child, lets it live for `life`, and kills it. Returns what it had acknowledged.
fn run_and_kill(directory: &Path, run: u16, seed: u64, life: Duration) -> Option<(u64, u16)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "journal::kill::child", "--nocapture", "--test-threads=1"])
        .env(CHILD, format!("{run} {seed} {}", directory.display()))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stderr.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut acknowledged = Vec::new();
        pipe.read_to_end(&mut acknowledged).unwrap();
        acknowledged
    });
    std::thread::sleep(life);
    child.kill().unwrap();
    let status = child.wait().unwrap();
    let acknowledged = reader.join().unwrap();
    assert_eq!(
        std::os::unix::process::ExitStatusExt::signal(&status),
        Some(9),
        "the child failed by itself: {}",
        String::from_utf8_lossy(&acknowledged)
    );
    let (whole, _) = acknowledged.as_chunks::<8>();
    whole.last().map(|last| {
        let packed = u64::from_le_bytes(*last);
        (packed >> 16, (packed & 0xFFFF) as u16)
    })
}

/// What the next process does first.
fn recover_all(directory: &Path, seed: u64) -> Option<Recovered> {
    let ring = RingFile::open(&ring_path(directory), CAPACITY, FIRST).unwrap();
    if ring.found() == Found::New {
        return None;
    }
    let disk = Directory::open(&journal_path(directory)).unwrap();
    Some(recover(disk, &ring, options(seed), Moment::default()).unwrap())
}

#[test]
fn nothing_that_was_published_is_lost_to_kill_9() {
    let kills = std::env::var("XMC_KILLS").map_or(50, |count| count.parse().expect("a count"));
    let seed = std::env::var("XMC_SEED")
        .map_or_else(|_| fastrand::u64(..), |seed| seed.parse().expect("a seed"));
    println!("XMC_KILLS={kills} XMC_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut acknowledged_in_all, mut from_ring, mut torn, mut tails) = (0, 0, 0, 0);
    let mut killed = 0;
    while killed < kills {
        // Some runs in one journal, then a new one.
        let scratch = Scratch::new("kill");
        let directory = scratch.path("");
        let mut expected = Vec::new();
        for run in 1..=4 {
            let seed = random.u64(..1 << 32);
            let life = Duration::from_micros(random.u64(2_000..40_000));
            let acknowledged = run_and_kill(&directory, run, seed, life);
            killed += 1;
            let Some(recovered) = recover_all(&directory, seed) else {
                continue;
            };
            assert_eq!(recovered.figures.gap, None);
            from_ring += recovered.figures.records;
            torn += u64::from(recovered.start.left == Left::Torn);
            let Some(acknowledged) = acknowledged else {
                continue;
            };
            acknowledged_in_all += acknowledged.0;
            expected.push((run, acknowledged));
        }
        if expected.is_empty() {
            continue;
        }
        let report = audit::verify(&journal_path(&directory)).unwrap();
        assert_eq!(report.finding, None);
        for (run, acknowledged) in expected {
            let found = report.runs.iter().find(|found| found.run == run).expect("it was recorded");
            let last = (found.last_seq_no, found.last_index);
            assert!(last >= acknowledged, "run {run}: {acknowledged:?} was published, {found:?}");
            tails += u64::from(found.tail_without_details);
        }
    }
    println!(
        "{killed} kills: {acknowledged_in_all} inputs acknowledged, 0 lost; {from_ring} records \
         came from rings, {torn} journals were torn, {tails} runs ended without details"
    );
    assert!(acknowledged_in_all > 0, "some child lived long enough");
}

//! The record: what it costs the hot side, the chain and the tree, the disk beside a raw probe of
//! itself, and verify.
//!
//! The figures of the disk take about ten seconds and a gibibyte in `target/tmp`, or in the
//! directory that `XMC_BENCH_DIRECTORY` names. Whether they are the disk's or the processor's shows
//! in the probe, which writes groups of the size that the journal's had.

#[expect(dead_code, reason = "each bench uses a part of it")]
mod measure;

use cross_market_connect::audit;
use cross_market_connect::journal::disk::{Append, Directory, Disk};
use cross_market_connect::journal::probe::{Probe, probe};
use cross_market_connect::journal::{
    Figures, JournalWriter, Moment, Options, SealReason, SyncPolicy,
};
use measure::{Bench, fold};
use std::fs;
use std::hint::{black_box, spin_loop};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};
use xmc_hotpath::message::{
    Alert, AlertKind, Credits, DeskId, DeskIdentity, Detail, Event, Input, InstrumentIndex,
    OrderCommand, OrderId, Quote, SiteId, SpreadIndex, StreamId,
};
use xmc_hotpath::record::frame::{Image, Images, LOGIC_VERSION, MAX_LEN, Start, Writer};
use xmc_hotpath::record::ring::{self, Consumer, Producer};
use xmc_hotpath::time::{MonoNs, Span, UnixNs};

const IDENTITY: DeskIdentity = DeskIdentity { site: SiteId(1), desk: DeskId(1), run: 1 };
/// Words of the record ring: 16 MiB, as in the demonstration.
const CAPACITY: u64 = 1 << 21;
/// Records of one batch of the hot side.
const BATCH: u64 = 64;
/// Records that go to the disk, and of a tiny run.
const RECORDS: u64 = 4_000_000;
const TINY_RECORDS: u64 = 5_000;
/// Rounds of probe and journal.
const ROUNDS: u32 = 3;
/// Instruments that are quoted.
const INSTRUMENTS: u32 = 8;

fn main() {
    let mut bench = Bench::start("record");
    hot(&mut bench);
    chain(&bench);
    disk(&bench);
}

fn memory() -> Vec<AtomicU64> {
    let words = ring::words(CAPACITY).expect("a capacity");
    let memory: Vec<_> = (0..words).map(|_| AtomicU64::new(0)).collect();
    ring::format(&memory, IDENTITY).expect("the size is one");
    memory
}

/// What the desk's core pays: encoding and publishing.
fn hot(bench: &mut Bench) {
    let memory = memory();
    let mut producer = Producer::attach(&memory).expect("the ring was just made");
    let mut consumer = Consumer::attach(&memory).expect("the ring was just made");
    let mut copied = vec![0; 1 << 16];
    let writer = Writer { identity: IDENTITY };
    let mut buffer = [0; MAX_LEN];
    let mut read = move || {
        let mut read = 0;
        loop {
            match consumer.read(&mut copied).expect("the ring is whole") {
                0 => break,
                bytes => read += bytes as u64,
            }
        }
        consumer.release(consumer.position());
        read
    };
    let append = |producer: &mut Producer<'_>, len: Option<usize>, buffer: &[u8]| {
        let record = len.and_then(|len| buffer.get(..len)).unwrap_or_default();
        let staged = producer.stage(record).is_ok();
        producer.publish();
        u64::from(staged)
    };
    let order = OrderCommand { order_id: OrderId::new(IDENTITY, 1, 0), ..OrderCommand::NONE };
    bench.parts("intent append (one order)", |watch| {
        let digest = watch.time(|| {
            (0..BATCH).fold(0, |digest, number| {
                let len = writer.order(black_box(number + 1), 1, black_box(&order), &mut buffer);
                fold(digest, append(&mut producer, len, &buffer))
            })
        });
        (BATCH, fold(digest, read()))
    });
    let detail = Detail::Alert(Alert {
        kind: AlertKind::FeedGap,
        spread: SpreadIndex::ALL,
        order_id: OrderId::NONE,
        stream: StreamId(1),
        value: 1,
    });
    bench.parts("details append (alert)", |watch| {
        let digest = watch.time(|| {
            (0..BATCH).fold(0, |digest, number| {
                let len = writer.detail(black_box(number + 1), 1, black_box(&detail), &mut buffer);
                fold(digest, append(&mut producer, len, &buffer))
            })
        });
        (BATCH, fold(digest, read()))
    });
    let mut quotes = Quotes::new();
    bench.parts("input append (quote)", |watch| {
        let digest = watch.time(|| {
            (0..BATCH).fold(0, |digest, _| {
                let len = quotes.next(&mut buffer);
                fold(digest, append(&mut producer, Some(len), &buffer))
            })
        });
        (BATCH, fold(digest, read()))
    });
}

/// Quotes of which each changes one side of its instrument.
struct Quotes {
    writer: Writer,
    images: Vec<Image>,
    quotes: Vec<Quote>,
    seq_no: u64,
}

impl Quotes {
    fn new() -> Self {
        let quote = |row| {
            let mut quote = Quote { instrument: InstrumentIndex(row), ..Quote::EMPTY };
            for (side, from) in [(&mut quote.bids, 100_i64), (&mut quote.asks, 200)] {
                side.count = 5;
                for (level, (price_e9, lots)) in
                    (0..).zip(side.price_e9.iter_mut().zip(&mut side.lots))
                {
                    (*price_e9, *lots) = (from + level, 1);
                }
            }
            quote
        };
        Self {
            writer: Writer { identity: IDENTITY },
            images: vec![Image::EMPTY; INSTRUMENTS as usize],
            quotes: (0..INSTRUMENTS).map(quote).collect(),
            seq_no: 0,
        }
    }

    fn start(buffer: &mut [u8]) -> usize {
        let start = Start {
            identity: IDENTITY,
            logic_version: LOGIC_VERSION,
            now: MonoNs(1),
            utc: UnixNs(1),
            config_digest: [7; 32],
            arenas: [INSTRUMENTS, 1, 8],
        };
        Writer { identity: IDENTITY }.start(&start, buffer).expect("it fits")
    }

    #[inline]
    fn next(&mut self, buffer: &mut [u8]) -> usize {
        self.seq_no += 1;
        let row = self.seq_no as usize % self.quotes.len();
        let quote = &mut self.quotes[row];
        let side = if self.seq_no & 1 == 0 { &mut quote.bids } else { &mut quote.asks };
        for lots in &mut side.lots {
            *lots = *lots % 997 + 1;
        }
        quote.received = MonoNs(self.seq_no * 1_000);
        let now = MonoNs(self.seq_no * 1_000 + 50);
        let credits = Credits::FULL;
        let input = Input { now, credits, event: Event::Quote { quote, more: false } };
        let mut images = Images::new(&mut self.images);
        self.writer.input(self.seq_no, &input, &mut images, buffer).expect("it fits")
    }
}

/// A disk that takes everything at once.
struct Nowhere;

impl Disk for Nowhere {
    type Segment = Self;

    fn list(&self) -> io::Result<Vec<u64>> {
        Ok(Vec::new())
    }

    fn read(&self, _: u64) -> io::Result<Vec<u8>> {
        Ok(Vec::new())
    }

    fn create(&mut self, _: u64, front: &[u8], _: u64) -> io::Result<Self> {
        black_box(front);
        Ok(Self)
    }
}

impl Append for Nowhere {
    fn write_at(&mut self, bytes: &[u8], _: u64) -> io::Result<()> {
        black_box(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn close_at(&mut self, _: u64) -> io::Result<()> {
        Ok(())
    }
}

/// A writer that nothing holds up: checksums, tree, chain, and the copies that go with them.
fn chain(bench: &Bench) {
    let memory = memory();
    let mut producer = Producer::attach(&memory).expect("the ring was just made");
    let consumer = Consumer::attach(&memory).expect("the ring was just made");
    let options = Options { linger: Span(0), sync: SyncPolicy::Never, ..Options::default() };
    let (mut writer, _) =
        JournalWriter::start(Nowhere, consumer, IDENTITY, options).expect("there is nothing yet");
    let mut quotes = Quotes::new();
    let mut buffer = [0; MAX_LEN];
    let len = Quotes::start(&mut buffer);
    producer.stage(&buffer[..len]).expect("the ring is empty");
    let (records, mut spent) = (records(bench), Duration::ZERO);
    let mut bytes = 0;
    while quotes.seq_no < records {
        while producer.free_bytes(1 << 12) > 1 << 12 && quotes.seq_no < records {
            let len = quotes.next(&mut buffer);
            producer.stage(&buffer[..len]).expect("there is room");
            bytes += len as u64;
        }
        producer.publish();
        let start = Instant::now();
        while writer.figures().records < quotes.seq_no + 1 {
            let moment = Moment { mono: MonoNs(quotes.seq_no), utc: UnixNs(0) };
            writer.poll(moment).expect("nothing fails");
        }
        spent += start.elapsed();
    }
    rate(bench, "chain and tree", records, bytes, spent);
}

fn records(bench: &Bench) -> u64 {
    if bench.is_full() { RECORDS } else { TINY_RECORDS }
}

fn rate(bench: &Bench, name: &str, records: u64, bytes: u64, spent: Duration) {
    let per_second = |count: u64| count as f64 / spent.as_secs_f64().max(1e-9);
    bench.note(&format!(
        "{name}: {:.0} records/s, {:.0} MB/s, {} B a record",
        per_second(records),
        per_second(bytes) / 1e6,
        bytes / records.max(1)
    ));
}

/// The journal on a real disk, between two probes of it.
fn disk(bench: &Bench) {
    let parent = std::env::var_os("XMC_BENCH_DIRECTORY")
        .map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    let directory = parent.join(format!("xmc-bench-record-{}", std::process::id()));
    let rounds = if bench.is_full() { ROUNDS } else { 1 };
    // One sync for each block of 64 KiB: the disk decides. Then as it is shipped.
    let each = Options { sync: SyncPolicy::EveryBlock, ..Options::default() };
    let shipped = Options::default();
    for (round, options) in (1..=rounds).flat_map(|round| [(round, each), (round, shipped)]) {
        let _ = fs::remove_dir_all(&directory);
        let is_each = options.sync == SyncPolicy::EveryBlock;
        let count = if is_each { records(bench) / 10 } else { records(bench) };
        bench.note(if is_each { "a sync for each block" } else { "a sync at least every 10 ms" });
        let begun = Instant::now();
        let figures = journal(&directory, count, options);
        let spent = begun.elapsed();
        let group = (figures.bytes / figures.syncs.max(1)).clamp(1 << 12, 32 << 20);
        let groups = (figures.bytes / group).clamp(1, 4_096);
        let raw = probe(&directory, group as usize, groups, Duration::from_secs(20))
            .expect("the directory for benchmarks can be written");
        tell(bench, round, &figures, spent, &raw);
    }
    let start = Instant::now();
    let report = audit::verify(&directory).expect("it can be read");
    assert_eq!(report.finding, None);
    rate(bench, "verify", report.counts.records, report.counts.bytes, start.elapsed());
    fs::remove_dir_all(&directory).expect("the directory for benchmarks can be written");
}

fn tell(bench: &Bench, round: u32, figures: &Figures, spent: Duration, raw: &Probe) {
    rate(bench, &format!("durable, round {round}"), figures.records, figures.bytes, spent);
    let rate = figures.bytes as f64 / spent.as_secs_f64();
    let window = figures.window;
    bench.note(&format!(
        "raw probe, round {round}: {:.0} MB/s in groups of {} kB (median {:.2} ms, worst {:.2} \
         ms): the journal has {:.0} %; window mean {:.2} ms, worst {:.2} ms, stated {} ms and the \
         disk's",
        raw.bytes_per_second() as f64 / 1e6,
        raw.group_bytes / 1_000,
        raw.median.0 as f64 / 1e6,
        raw.worst.0 as f64 / 1e6,
        rate * 100.0 / raw.bytes_per_second().max(1) as f64,
        window.total.0 as f64 / 1e6 / window.count.max(1) as f64,
        window.worst.0 as f64 / 1e6,
        window.stated.0 / 1_000_000,
    ));
}

/// Writes `records` records from another thread's ring, as fast as they come.
fn journal(directory: &Path, records: u64, options: Options) -> Figures {
    let memory = memory();
    let disk = Directory::open(directory).expect("the directory for benchmarks can be written");
    let consumer = Consumer::attach(&memory).expect("the ring was just made");
    let (mut writer, _) =
        JournalWriter::start(disk, consumer, IDENTITY, options).expect("there is nothing yet");
    let begun = Instant::now();
    let moment = || Moment { mono: MonoNs(begun.elapsed().as_nanos() as u64), utc: UnixNs(0) };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut producer = Producer::attach(&memory).expect("the ring was just made");
            let mut quotes = Quotes::new();
            let mut buffer = [0; MAX_LEN];
            let mut len = Quotes::start(&mut buffer);
            for _ in 0..records {
                while producer.stage(&buffer[..len]).is_err() {
                    std::thread::yield_now();
                    spin_loop();
                }
                producer.publish();
                len = quotes.next(&mut buffer);
            }
        });
        while writer.figures().durable.tree_size < records {
            writer.poll(moment()).expect("the disk is well");
        }
        writer.finish(SealReason::Stopped, moment()).expect("the disk is well")
    })
}

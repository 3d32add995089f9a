//! What an auditor waits for: the index of a day, a query by order, the report of the day, and the
//! memory that all this takes.
//!
//! `XMC_AUDIT_RECORDS=50000000 cargo bench --bench audit` makes a journal of so many records in
//! `target/tmp` (about 5 GB), or in the directory that `XMC_BENCH_DIRECTORY` names, and prints the
//! figures; by default it is a small one. One record in 60 is rare (orders, news, decisions), the
//! rest are quotes. The journal goes when the bench ends.

use cross_market_connect::audit::day::sheets;
use cross_market_connect::audit::index::Index;
use cross_market_connect::audit::query::Filter;
use cross_market_connect::journal::disk::Directory;
use cross_market_connect::journal::{JournalWriter, Moment, Options, SealReason, SyncPolicy};
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};
use xmc_hotpath::message::{
    Credits, Decision, DeskId, DeskIdentity, Detail, Ending, Event, Gate, Input, InstrumentIndex,
    Intent, OrderAction, OrderCommand, OrderEvent, OrderEventKind, OrderId, Quote, Side, SiteId,
    SpreadIndex, StreamId,
};
use xmc_hotpath::record::frame::{Image, Images, LOGIC_VERSION, MAX_LEN, Start, Writer};
use xmc_hotpath::record::ring::{self, Consumer, Producer};
use xmc_hotpath::time::{MonoNs, Span, UnixNs};

const IDENTITY: DeskIdentity = DeskIdentity { site: SiteId(1), desk: DeskId(1), run: 1 };
/// Words of the record ring: 16 MiB.
const CAPACITY: u64 = 1 << 21;
const RECORDS: u64 = 50_000;
const INSTRUMENTS: u32 = 8;
/// 2026-09-01T01:00:00Z.
const UTC: u64 = 1_788_224_400_000_000_000;
/// Records between two fires.
const BETWEEN_FIRES: u64 = 480;
/// Time between two inputs: fifty million are six hours.
const STEP_NS: u64 = 432_000;

fn main() {
    let wanted = std::env::var("XMC_AUDIT_RECORDS").ok().and_then(|text| text.parse().ok());
    let records = wanted.unwrap_or(RECORDS);
    let base = std::env::var_os("XMC_BENCH_DIRECTORY")
        .map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    let path = base.join(format!("audit-{}", std::process::id()));
    let began = Instant::now();
    let (written, order) = generate(&path, records);
    println!("journal      {written} records written in {:.1?}", began.elapsed());
    measure(&path, order);
    let _ = fs::remove_dir_all(&path);
}

fn measure(path: &Path, order: OrderId) {
    let file = path.join("index.redb");
    let began = Instant::now();
    let index = Index::open(&file).expect("the disk has room");
    let updated = index.update(path).expect("it is a journal");
    let took = began.elapsed();
    let rate = updated.read as f64 / took.as_secs_f64() / 1e6;
    println!("index        {} records read in {took:.1?}, {rate:.2} M/s", updated.read);
    drop(index);
    let filter = Filter { order: Some(order), ..Filter::default() };
    let mut worst = Duration::ZERO;
    let mut found = 0;
    for _ in 0..20 {
        let began = Instant::now();
        // As the command does it: opened, brought up to date, asked.
        let index = Index::open(&file).expect("it is an index");
        index.update(path).expect("it is a journal");
        found = 0;
        let searched = index.search(&filter, |_| {
            found += 1;
            ControlFlow::Continue(())
        });
        searched.expect("it is an index");
        worst = worst.max(began.elapsed());
    }
    println!("query        {found} receipts of one order, worst of 20: {worst:.2?}");
    let began = Instant::now();
    let index = Index::open(&file).expect("it is an index");
    index.update(path).expect("it is a journal");
    let hours = index.hours(0..u32::MAX).expect("it is an index");
    let rows: usize = sheets::sheets(&hours).iter().map(|sheet| sheet.rows.len()).sum();
    println!("day report   {rows} rows from {} hours in {:.2?}", hours.len(), began.elapsed());
    let size = fs::metadata(&file).map_or(0, |file| file.len());
    println!("index file   {:.1} MB", size as f64 / 1e6);
    // Pages of mapped segments come and go with the kernel's cache; the heap does not.
    for (what, name) in [("VmHWM", "peak memory"), ("RssAnon", "of it heap")] {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with(what)).unwrap_or_default();
        println!("{name:<12} {}", line.split_whitespace().skip(1).collect::<Vec<_>>().join(" "));
    }
}

/// Writes a journal of so many records; the id of an order in its middle.
fn generate(path: &Path, records: u64) -> (u64, OrderId) {
    let words = ring::words(CAPACITY).expect("a capacity");
    let memory: Vec<_> = (0..words).map(|_| AtomicU64::new(0)).collect();
    ring::format(&memory, IDENTITY).expect("the size is one");
    let mut producer = Producer::attach(&memory).expect("it was formatted");
    let consumer = Consumer::attach(&memory).expect("it was formatted");
    let directory = Directory::open(path).expect("it can be made");
    let options = Options { linger: Span(0), sync: SyncPolicy::Never, ..Options::default() };
    let (mut writer, _) =
        JournalWriter::start(directory, consumer, IDENTITY, options).expect("the disk has room");
    let mut day = Day::new();
    let mut written = 0;
    let mut middle = OrderId::NONE;
    while written < records {
        let fires = day.seq_no % BETWEEN_FIRES == BETWEEN_FIRES - 1;
        for record in if fires { day.fire() } else { vec![day.quote()] } {
            producer.stage(&record).expect("there is room");
            written += 1;
        }
        if fires && written <= records / 2 {
            middle = day.last_order;
        }
        producer.publish();
        if producer.free_bytes(u64::MAX) < 1 << 20 {
            writer.poll(at(day.seq_no)).expect("the disk has room");
        }
    }
    writer.finish(SealReason::Stopped, at(day.seq_no)).expect("the disk has room");
    (written, middle)
}

fn at(seq_no: u64) -> Moment {
    Moment { mono: MonoNs(seq_no * STEP_NS), utc: UnixNs(UTC + seq_no * STEP_NS) }
}

/// The records of a day.
struct Day {
    writer: Writer,
    images: Vec<Image>,
    random: fastrand::Rng,
    seq_no: u64,
    turn: u32,
    last_order: OrderId,
}

impl Day {
    fn new() -> Self {
        Self {
            writer: Writer { identity: IDENTITY },
            images: vec![Image::EMPTY; INSTRUMENTS as usize],
            random: fastrand::Rng::with_seed(1),
            seq_no: 0,
            turn: 0,
            last_order: OrderId::NONE,
        }
    }

    fn input(&mut self, event: Event<'_>) -> Vec<u8> {
        self.seq_no += 1;
        let now = MonoNs(self.seq_no * STEP_NS);
        let input = Input { now, credits: Credits::FULL, event };
        let mut buffer = [0; MAX_LEN];
        let mut images = Images::new(&mut self.images);
        let len = self.writer.input(self.seq_no, &input, &mut images, &mut buffer);
        buffer[..len.expect("it fits")].to_vec()
    }

    /// A quote with two levels changed; before all else the start of the run.
    fn quote(&mut self) -> Vec<u8> {
        if self.seq_no == 0 && self.turn == 0 {
            self.turn = 1;
            let start = Start {
                identity: IDENTITY,
                logic_version: LOGIC_VERSION,
                now: MonoNs(1),
                utc: UnixNs(UTC),
                config_digest: [0; 32],
                arenas: [INSTRUMENTS, 1, 64],
            };
            let mut buffer = [0; MAX_LEN];
            let len = self.writer.start(&start, &mut buffer).expect("it fits");
            return buffer[..len].to_vec();
        }
        let mut quote = Quote {
            instrument: InstrumentIndex(self.random.u32(0..INSTRUMENTS)),
            received: MonoNs(self.seq_no * STEP_NS),
            ..Quote::EMPTY
        };
        for side in [&mut quote.bids, &mut quote.asks] {
            side.count = 5;
            for (price_e9, lots) in side.price_e9.iter_mut().zip(&mut side.lots) {
                (*price_e9, *lots) = (100_000_000_000, 10);
            }
            side.price_e9[0] += self.random.i64(0..9);
        }
        self.input(Event::Quote { quote: &quote, more: false })
    }

    /// A fire of two legs on a quote, their acknowledgements and fills, and the ending.
    fn fire(&mut self) -> Vec<Vec<u8>> {
        let mut records = vec![self.quote()];
        let mut buffer = [0; MAX_LEN];
        let (fired, mut ids) = (self.seq_no, [OrderId::NONE; 2]);
        for leg in 0..2_u8 {
            self.turn += 1;
            let id = OrderId::new(IDENTITY, self.turn >> 12, self.turn);
            ids[usize::from(leg)] = id;
            let order = OrderCommand {
                action: OrderAction::New,
                order_id: id,
                instrument: InstrumentIndex(leg.into()),
                side: if leg == 0 { Side::Buy } else { Side::Sell },
                price_e9: 100_000_000_000,
                qty_lots: 1,
                spread: SpreadIndex(0),
                leg,
                caused: MonoNs(fired * STEP_NS - 900),
                ..OrderCommand::NONE
            };
            let len = self.writer.order(fired, u16::from(leg) + 1, &order, &mut buffer);
            records.push(buffer[..len.expect("it fits")].to_vec());
        }
        self.last_order = ids[0];
        let decision = Detail::Decision(Decision {
            spread: SpreadIndex(0),
            intent: Intent::OpenLong,
            gate: Gate::Passed,
            leg: u8::MAX,
            units: 1,
            value_e9: 0,
            level_e9: 0,
            seen: 0,
            limit: 0,
            quote_age: [Span(0); 4],
            repeated: 3,
            rests: u8::MAX,
        });
        let len = self.writer.detail(fired, 3, &decision, &mut buffer).expect("it fits");
        records.push(buffer[..len].to_vec());
        for kind in [OrderEventKind::Accepted, OrderEventKind::Filled] {
            for (id, leg) in ids.into_iter().zip(0_u64..) {
                let is_fill = kind == OrderEventKind::Filled;
                let event = OrderEvent {
                    kind,
                    order_id: id,
                    venue_order_id: id.0,
                    exec_id: if is_fill { self.seq_no + 1 } else { 0 },
                    stream: StreamId(1),
                    seq_no: 1,
                    side: if leg == 0 { Side::Buy } else { Side::Sell },
                    price_e9: if is_fill { 100_000_000_000 } else { 0 },
                    qty_lots: u32::from(is_fill),
                    cum_lots: u32::from(is_fill),
                    leaves_lots: u32::from(!is_fill),
                    reason: 0,
                    exchange: UnixNs(0),
                    received: MonoNs((self.seq_no + 1) * STEP_NS - 500),
                };
                records.push(self.input(Event::Order(event)));
            }
        }
        let ending = Detail::Ending(Ending {
            spread: SpreadIndex(0),
            intent: Intent::OpenLong,
            units: 1,
            asked_lots: [1, 1, 0, 0],
            filled_lots: [1, 1, 0, 0],
            is_aligned: true,
            done_units: 1,
            took: Span(4 * STEP_NS),
        });
        let len = self.writer.detail(self.seq_no, 1, &ending, &mut buffer).expect("it fits");
        records.push(buffer[..len].to_vec());
        records
    }
}

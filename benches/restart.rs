//! How long an engine that was killed takes until it knows what it held: the journal finished, the
//! newest snapshot read, the tail followed.
//!
//! `XMC_RESTART_RECORDS=50000000 cargo bench --bench restart` lets a desk trade a generated market
//! until its journal has so many records (about 5 GB in `target/tmp`, or in the directory that
//! `XMC_BENCH_DIRECTORY` names), kills it in the middle of a segment with records still in the
//! ring, and starts again: `Recording::open` and `carry::read`, as `xmc run` does. Snapshots are
//! `XMC_RESTART_BETWEEN` records apart (by default as many as ten seconds of a busy market), and
//! the kill comes just before the next one is due. By default the journal is a small one. For
//! comparison the whole run is followed once, as without snapshots.

use cross_market_connect::config::{self, Configuration};
use cross_market_connect::engine::carry::{self, Carry};
use cross_market_connect::engine::inputs;
use cross_market_connect::engine::memory::{DeskMemory, images};
use cross_market_connect::engine::recording::Recording;
use cross_market_connect::engine::shadow::{Shadow, ShadowMemory};
use cross_market_connect::engine::wire::{arm, desk_size};
use cross_market_connect::journal::shm::RingReader;
use cross_market_connect::journal::snapshot::{self, Snapshot};
use cross_market_connect::journal::tail::Tail;
use cross_market_connect::journal::{JournalWriter, Moment, Options};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use xmc_hotpath::desk::{Desk, Outputs};
use xmc_hotpath::message::{
    ChannelState, ChannelUpdate, Credits, DeskIdentity, Event, GatewayIndex, Input,
    InstrumentIndex, OrderAction, OrderCommand, OrderEvent, OrderEventKind, Quote, QuoteQuality,
    SessionState, SessionUpdate, StreamId,
};
use xmc_hotpath::record::frame::{
    self, Image, Images, Kind, LOGIC_VERSION, MAX_LEN, Start, Writer,
};
use xmc_hotpath::record::ring::Producer;
use xmc_hotpath::time::{MonoNs, Span, UnixNs};

const RECORDS: u64 = 200_000;
/// Ten seconds at 50,000 records a second.
const BETWEEN: u64 = 500_000;
/// Time between two inputs: fifty million are six hours.
const STEP_NS: u64 = 432_000;
/// 2026-09-01T01:00:00Z.
const UTC: u64 = 1_788_224_400_000_000_000;
/// Starts that are timed.
const STARTS: usize = 5;
/// Quotes between two looks of the journal's writer.
const BETWEEN_POLLS: usize = 1_000;

fn main() {
    let number = |name: &str, or: u64| {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(or)
    };
    let records = number("XMC_RESTART_RECORDS", RECORDS);
    let between = number("XMC_RESTART_BETWEEN", BETWEEN.min(records / 4));
    let base = std::env::var_os("XMC_BENCH_DIRECTORY")
        .map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    let path = base.join(format!("restart-{}", std::process::id()));
    let config = config::load(Path::new("config/generated.toml"))
        .unwrap_or_else(|bad| panic!("{}", bad.render(false)));
    let began = Instant::now();
    let traded = trade(&config, &path, records, between);
    let took = began.elapsed();
    println!("journal      {} records, {} fires, in {took:.1?}", traded.written, traded.fires);

    let mut starts = Vec::new();
    let mut known = None;
    for _ in 0..STARTS {
        let (took, carry) = start(&config, &path);
        println!(
            "start        {took:.2?}: {} inputs followed behind the snapshot, held {:?}",
            carry.followed_inputs, carry.positions
        );
        starts.push(took);
        let same = Carry { followed_inputs: 0, ..carry };
        assert_eq!(known.get_or_insert_with(|| same.clone()), &same, "starts differ");
    }
    let worst = starts.iter().max().expect("there was one");
    println!("worst        {worst:.2?} of {STARTS}, the first finishes the journal");
    for place in snapshot::list(&path).expect("it is there") {
        fs::remove_file(place.path).expect("it is ours");
    }
    let (took, carry) = start(&config, &path);
    println!("whole run    {took:.2?}: {} inputs followed", carry.followed_inputs);
    assert_eq!(known, Some(Carry { followed_inputs: 0, ..carry }), "a snapshot was wrong");
    let _ = fs::remove_dir_all(&path);
}

/// What a start works out before it opens anything, and how long that took.
fn start(config: &Configuration, path: &Path) -> (Duration, Carry) {
    let began = Instant::now();
    let moment = Moment { mono: MonoNs(1), utc: UnixNs(UTC) };
    let recording = Recording::open(path, config, moment).expect("it is ours");
    let left = recording.left.expect("there was a run");
    let carry = carry::read(path, &left, config).unwrap_or_else(|error| panic!("{error}"));
    (began.elapsed(), carry.expect("it had begun"))
}

struct Traded {
    written: u64,
    fires: u64,
}

/// A desk that trades until there are so many records, and is gone then.
fn trade(config: &Configuration, path: &Path, records: u64, between: u64) -> Traded {
    let moment = |seq_no: u64| Moment {
        mono: MonoNs(seq_no * STEP_NS),
        utc: UnixNs(UTC + seq_no * STEP_NS),
    };
    let recording = Recording::open(path, config, moment(1)).expect("it can be made");
    let Recording { identity, mut ring, directory, .. } = recording;
    let mut reader = RingReader::attach(ring.path()).expect("it was made");
    let options = Options { linger: Span(0), ..Options::default() };
    let consumer = reader.consumer().expect("it was made");
    let (mut writer, _) =
        JournalWriter::start(directory, consumer, identity, options).expect("the disk has room");
    let mut memory = DeskMemory::new(desk_size(config));
    let mut market = Market {
        desk: Desk::new(identity, memory.lend()),
        outputs: Outputs::new(),
        writer: Writer { identity },
        images: images(config.instruments.len()),
        producer: ring.producer().expect("it was made"),
        seq_no: 0,
        written: 0,
        fires: 0,
    };
    let mut shadow_memory = ShadowMemory::new(desk_size(config));
    let mut followed = Followed {
        tail: Tail::new(path, 1),
        shadow: Shadow::new(identity, &mut shadow_memory),
        start: market.start(config),
        last_seq_no: 0,
        read: 0,
    };
    for control in inputs::controls(config).0.iter().chain(&carry::nothing()) {
        market.tell(control.as_event());
    }
    market.open(config);
    market.tell(arm().as_event());
    let mut random = fastrand::Rng::with_seed(1);
    let mut next_snapshot = between;
    while market.written < records {
        for _ in 0..BETWEEN_POLLS {
            market.quote(&mut random);
        }
        writer.poll(moment(market.seq_no)).expect("the disk has room");
        followed.read();
        if followed.read >= next_snapshot && market.written < records {
            let taken = followed.snapshot(identity).expect("a block ends between inputs");
            snapshot::write(path, &taken).expect("the disk has room");
            next_snapshot += between;
        }
    }
    // Killed: the segment is open, and the ring holds what was not written yet.
    for _ in 0..BETWEEN_POLLS {
        market.quote(&mut random);
    }
    Traded { written: market.written, fires: market.fires }
}

/// The journal's end, followed as an engine does it.
struct Followed<'m> {
    tail: Tail,
    shadow: Shadow<'m>,
    start: Vec<u8>,
    last_seq_no: u64,
    read: u64,
}

impl Followed<'_> {
    fn read(&mut self) {
        while let Some(mut rest) = self.tail.next_block().expect("it can be read") {
            while !rest.is_empty() {
                let (header, body, after) = frame::split(rest).expect("it is a record");
                let whole = &rest[..usize::from(header.len)];
                rest = after;
                self.read += 1;
                if header.kind != Kind::Start {
                    let taken = self.shadow.take(header, body, whole).expect("it is a record");
                    assert_eq!(taken.1, None, "the same inputs give the same outputs");
                    self.last_seq_no = header.seq_no;
                }
            }
        }
    }

    fn snapshot(&self, identity: DeskIdentity) -> Option<Snapshot> {
        let mut state = Vec::new();
        let end = self.tail.end();
        self.shadow.save(&mut state).then(|| Snapshot {
            identity,
            logic_version: LOGIC_VERSION,
            last_seq_no: self.last_seq_no,
            segment: end.segment,
            tree_size: end.tree_size,
            tree_root: end.root,
            start: self.start.clone(),
            state,
        })
    }
}

/// A desk, its record, and venues that fill whatever comes.
struct Market<'m> {
    desk: Desk<'m>,
    outputs: Outputs,
    writer: Writer,
    images: Vec<Image>,
    producer: Producer<'m>,
    seq_no: u64,
    written: u64,
    fires: u64,
}

impl Market<'_> {
    fn start(&mut self, config: &Configuration) -> Vec<u8> {
        let start = Start {
            identity: self.writer.identity,
            logic_version: LOGIC_VERSION,
            now: MonoNs(1),
            utc: UnixNs(UTC),
            config_digest: config.sources.digest(),
            arenas: desk_size(config).arenas(),
        };
        let mut buffer = [0; MAX_LEN];
        let len = self.writer.start(&start, &mut buffer).expect("it fits");
        self.stage(&buffer[..len]);
        buffer[..len].to_vec()
    }

    /// Channels are live, sessions up.
    fn open(&mut self, config: &Configuration) {
        for feed in &config.feeds {
            let stream = StreamId(feed.stream_id.value);
            self.tell(Event::Channel(ChannelUpdate {
                stream,
                state: ChannelState::Live,
                epoch: 1,
                missing: 0,
                packet_seq_no: 0,
            }));
        }
        for (gateway, row) in config.gateways.iter().zip(0..) {
            self.tell(Event::Session(SessionUpdate {
                stream: StreamId(gateway.stream_id.value),
                gateway: GatewayIndex(row),
                state: SessionState::Up,
            }));
        }
    }

    /// A quote of one of the first two instruments, whose difference wanders about the levels of
    /// the spread between them. What is sent is filled.
    fn quote(&mut self, random: &mut fastrand::Rng) {
        let row = random.u32(0..2);
        let middle = if row == 0 { 400_000 } else { 408_750 };
        let best = (middle + random.i64(-3..=3) * 250) * 1_000_000;
        let mut quote = Quote {
            instrument: InstrumentIndex(row),
            received: MonoNs((self.seq_no + 1) * STEP_NS - 500),
            epoch: 1,
            stream: StreamId(1),
            quality: QuoteQuality::Good,
            ..Quote::EMPTY
        };
        for (side, first) in [(&mut quote.bids, -1), (&mut quote.asks, 1)] {
            side.count = 5;
            for ((price_e9, lots), level) in side.price_e9.iter_mut().zip(&mut side.lots).zip(0..) {
                (*price_e9, *lots) = (best + first * (level + 1) * 250_000_000, 10 + level as u32);
            }
        }
        let mut sent = self.tell(Event::Quote { quote: &quote, more: false });
        self.fires += u64::from(!sent.is_empty());
        while let Some(order) = sent.pop() {
            sent.extend(self.tell(Event::Order(fill(&order, self.seq_no + 1))));
        }
    }

    /// Tells the desk something, and records it; the orders that follow from it.
    fn tell(&mut self, event: Event<'_>) -> Vec<OrderCommand> {
        self.seq_no += 1;
        let input = Input { now: MonoNs(self.seq_no * STEP_NS), credits: Credits::FULL, event };
        let mut buffer = [0; MAX_LEN];
        let mut images = Images::new(&mut self.images);
        let len = self.writer.input(self.seq_no, &input, &mut images, &mut buffer);
        self.stage(&buffer[..len.expect("it fits")]);
        self.desk.on(&input, &mut self.outputs);
        let mut records = Vec::new();
        let mut index = 0;
        for order in self.outputs.orders() {
            index += 1;
            let len = self.writer.order(self.seq_no, index, order, &mut buffer);
            records.push(buffer[..len.expect("it fits")].to_vec());
        }
        for detail in self.outputs.details() {
            index += 1;
            let len = self.writer.detail(self.seq_no, index, detail, &mut buffer);
            records.push(buffer[..len.expect("it fits")].to_vec());
        }
        records.iter().for_each(|record| self.stage(record));
        self.producer.publish();
        let new = |order: &&OrderCommand| order.action == OrderAction::New;
        self.outputs.orders().filter(new).copied().collect()
    }

    fn stage(&mut self, record: &[u8]) {
        self.producer.stage(record).expect("there is room");
        self.written += 1;
    }
}

/// All of an order at its price.
fn fill(order: &OrderCommand, seq_no: u64) -> OrderEvent {
    OrderEvent {
        kind: OrderEventKind::Filled,
        order_id: order.order_id,
        venue_order_id: order.order_id.0,
        exec_id: seq_no,
        stream: StreamId(2),
        seq_no: u32::try_from(seq_no).unwrap_or(u32::MAX),
        side: order.side,
        price_e9: order.price_e9,
        qty_lots: order.qty_lots,
        cum_lots: order.qty_lots,
        received: MonoNs(seq_no * STEP_NS - 500),
        ..OrderEvent::NONE
    }
}

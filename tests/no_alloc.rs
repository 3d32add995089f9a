//! The hot stages allocate nothing once they run: feed, desk, gateway and record, wired as in
//! production, in a process of their own with an allocator that counts.
//!
//! The probe proves that they cannot; this shows that they do not with the ports and the clock of a
//! real run around them, through fires and fills, and when packets are damaged or missing.

use cross_market_connect::allocation::{self, Counting};
use cross_market_connect::config;
use cross_market_connect::engine::counters::Counters;
use cross_market_connect::engine::latency::Latencies;
use cross_market_connect::engine::wire::{Memory, Origin, Pipeline, Ports, Starts, identity, wire};
use cross_market_connect::port::memory::{MemoryPort, Pace};
use cross_market_connect::venue::cme::mdp3::{BookChange, EventMark, Generation, PacketBuilder};
use cross_market_connect::venue::cme::paper::PaperExchange;
use std::cell::Cell;
use std::hint::black_box;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use xmc_hotpath::port::Line;
use xmc_hotpath::record::ring::{self, Consumer, Producer};
use xmc_hotpath::stage::{Stage, Work};
use xmc_hotpath::time::{Clock, MonoNs, UnixNs};
use xmc_hotpath::venue::cme::mdp3::layout::{Action, BookEntry, EntryKind, Mantissa};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations in `body`.
fn counted(body: impl FnOnce()) -> u64 {
    let before = allocation::count();
    body();
    allocation::count() - before
}

#[test]
fn the_counter_counts() {
    assert_eq!(counted(|| drop(black_box(Box::new(1_u8)))), 1);
    assert_eq!(counted(|| assert_eq!(black_box(1), 1)), 0);
}

/// Time moved by hand.
struct Hand(Cell<u64>);

impl Clock for Hand {
    fn now(&self) -> MonoNs {
        MonoNs(self.0.get())
    }
}

/// From one packet to the next: longer than the cool-down of the spread.
const STEP_NS: u64 = 100_000_000;
/// Packets before anything is counted, and while it is.
const WARM_UP: u32 = 50;
const COUNTED: u32 = 1000;
/// Packets at the end that are damaged, or come after missing ones.
const DAMAGED: u32 = 200;

const CENT_E9: i64 = 1_000_000_000;
const NEAR: i32 = 411_873;
const FAR: i32 = 336_491;

/// The market: the far contract stands, the near one goes so far down and up that the spread of
/// `config/replay_calendar.toml` opens and closes in turn.
struct Market {
    rpt_seq: [u32; 2],
}

impl Market {
    fn entry(
        &mut self,
        security_id: i32,
        kind: EntryKind,
        action: Action,
        cents: i64,
    ) -> BookEntry {
        let rpt_seq = &mut self.rpt_seq[usize::from(security_id == FAR)];
        *rpt_seq += 1;
        BookEntry::from(BookChange {
            security_id,
            rpt_seq: *rpt_seq,
            kind,
            action,
            level: 1,
            price: Mantissa::new(cents * CENT_E9),
            size_lots: Some(50),
            order_count: Some(1),
        })
    }

    /// Packet `seq_no`, which makes the near contract dear or cheap.
    fn packet(&mut self, seq_no: u32) -> Vec<u8> {
        let price = |seq_no: u32| if seq_no.is_multiple_of(2) { 397 } else { 403 };
        let mut entries = Vec::new();
        let sides = [(EntryKind::Bid, 0), (EntryKind::Offer, 1)];
        for (kind, above) in sides {
            if seq_no > 1 {
                let before = price(seq_no - 1) + above;
                entries.push(self.entry(NEAR, kind, Action::Delete, before));
                entries.push(self.entry(FAR, kind, Action::Change, 400 + above));
            } else {
                entries.push(self.entry(FAR, kind, Action::New, 400 + above));
            }
            entries.push(self.entry(NEAR, kind, Action::New, price(seq_no) + above));
        }
        let sent_ns = u64::from(seq_no) * STEP_NS;
        PacketBuilder::new(Generation::V13, seq_no, sent_ns)
            .book(EventMark::end(sent_ns), &entries, &[])
            .finish()
    }
}

/// All packets, on both lines; those of the last part damaged, on one line, or not sent at all.
fn feed(clock: &Hand) -> MemoryPort<&Hand> {
    let mut port = MemoryPort::new(clock, Pace::Recorded);
    let mut market = Market { rpt_seq: [0; 2] };
    for seq_no in 1..=WARM_UP + COUNTED + DAMAGED {
        let (at, packet) = (MonoNs(u64::from(seq_no) * STEP_NS), market.packet(seq_no));
        let lines: &[(Line, usize)] = match seq_no.checked_sub(WARM_UP + COUNTED) {
            None | Some(0) => &[(Line::A, 0), (Line::B, 0)],
            Some(number) => match number % 10 {
                3 => &[(Line::A, 5), (Line::B, 5)],
                5 => &[(Line::A, 60), (Line::B, 0)],
                7 => &[(Line::B, 0)],
                9 => &[],
                _ => &[(Line::A, 0), (Line::B, 0)],
            },
        };
        for (line, cut) in lines {
            port.push(*line, at, &packet[..packet.len() - cut]);
        }
    }
    port
}

type Stages<'m> =
    Pipeline<'m, MemoryPort<&'m Hand>, PaperExchange, &'m Hand, Producer<'m>, Latencies>;

/// Lets `steps` packets come and polls until nothing is left to do; the record is read and
/// released.
fn run(
    stages: &mut Stages<'_>,
    clock: &Hand,
    record: &mut Consumer<'_>,
    steps: u32,
    out: &mut [u8],
) {
    for _ in 0..steps {
        clock.0.set(clock.0.get() + STEP_NS);
        let mut polls = 0;
        while stages.poll() != Work::Idle {
            polls += 1;
            assert!(polls < 1000, "a pipeline comes to rest");
        }
        stages.housekeeping();
        while record.read(out) != Ok(0) {
            record.release(record.position());
        }
    }
}

#[test]
fn a_running_engine_allocates_nothing() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = config::load(&root.join("config/replay_calendar.toml")).expect("it is valid");
    let clock = Hand(Cell::new(0));
    let mut memory = Memory::new(&config);
    let counters = Counters::new(&config);
    let words: Vec<AtomicU64> = {
        let count = ring::words(1 << 16).expect("a capacity");
        (0..count).map(|_| AtomicU64::new(0)).collect()
    };
    let identity = identity(&config, 1);
    ring::format(&words, identity).expect("the memory has the right size");
    let producer = Producer::attach(&words).expect("the ring was just made");
    let mut record = Consumer::attach(&words).expect("the ring was just made");
    let ports = Ports { feeds: vec![feed(&clock)], gateways: vec![PaperExchange::new(7)] };
    let starts = Starts::nothing(&config);
    let origin = Origin { run: 1, now: MonoNs(0), utc: UnixNs(0), starts, carried: Vec::new() };
    let stages =
        wire(&config, &mut memory, &counters, ports, &&clock, producer, Latencies::new, origin);
    let mut stages: Stages<'_> = stages.expect("the configuration is wired");
    let mut out = vec![0; 1 << 16];

    run(&mut stages, &clock, &mut record, WARM_UP, &mut out);
    let orders = stages.gateways[0].port().orders().count;
    let quiet = counted(|| run(&mut stages, &clock, &mut record, COUNTED, &mut out));
    let fired = stages.gateways[0].port().orders().count - orders;
    // Otherwise the test would show nothing: two legs for every packet or so.
    assert!(fired > u64::from(COUNTED), "{fired} orders in {COUNTED} packets");
    assert_eq!(quiet, 0, "allocations while {COUNTED} packets made {fired} orders");

    let damaged = counted(|| run(&mut stages, &clock, &mut record, DAMAGED, &mut out));
    assert_eq!(damaged, 0, "allocations while packets were damaged and missing");
    assert!(counters.feeds[0].missing.get() > 0, "packets were missing");
}

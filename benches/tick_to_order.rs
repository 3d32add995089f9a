//! From a packet in memory to an order frame at the port: the wired pipeline, stepped on one core.
//!
//! Only packets that cause an order are measured, from before the poll that takes the packet to the
//! first frame that is sent. The market is generated, the configuration is the demonstration's, the
//! exchange is paper. There is no network and no waiting in it: `xmc latency` has the figures of a
//! paced run.

#[expect(dead_code, reason = "each bench uses a part of it")]
mod fixture;
#[expect(dead_code, reason = "each bench uses a part of it")]
mod measure;

use cross_market_connect::clock::EngineClock;
use cross_market_connect::config::Configuration;
use cross_market_connect::engine::counters::Counters;
use cross_market_connect::engine::wire::{Memory, Origin, Ports, Starts, identity, wire};
use cross_market_connect::port::memory::{MemoryPort, Pace};
use cross_market_connect::sim::generator::{Generator, Settings};
use cross_market_connect::venue::cme::paper::PaperExchange;
use measure::{Bench, fold};
use std::cell::Cell;
use std::hint::black_box;
use std::rc::Rc;
use std::sync::atomic::AtomicU64;
use xmc_hotpath::counter::NoRecorder;
use xmc_hotpath::port::{Line, SendError, StreamPort, TxPort};
use xmc_hotpath::record::ring::{self, Consumer, Producer};
use xmc_hotpath::stage::{Stage, Work};
use xmc_hotpath::time::{Clock, MonoNs, UnixNs};

/// Packets of a run.
const PACKETS: u64 = 200_000;
/// Packets of a tiny run.
const TINY_PACKETS: u64 = 5_000;
/// Words of the record ring: 4 MiB.
const RECORD_WORDS: u64 = 1 << 19;

fn main() {
    let bench = Bench::start("tick_to_order");
    let packets = if bench.is_full() { PACKETS } else { TINY_PACKETS };
    let config = fixture::demo();
    let (spans, digest) = run(&config, bench.clock(), packets);
    bench.note(&format!("{packets} generated packets, {} of them caused an order", spans.len()));
    bench.spans("tick to first order", spans);
    bench.note(&format!("the order frames have digest {digest:016x}"));
}

/// The generated channel's own time, at the price of reading the real clock.
#[derive(Clone)]
struct ChannelClock {
    real: EngineClock,
    now: Rc<Cell<u64>>,
}

impl Clock for ChannelClock {
    #[inline(always)]
    fn now(&self) -> MonoNs {
        black_box(self.real.ticks());
        MonoNs(self.now.get())
    }
}

/// What was sent since somebody looked.
#[derive(Default)]
struct Sends {
    /// Ticks of the first frame.
    first: Cell<Option<u64>>,
    digest: Cell<u64>,
}

/// The paper exchange behind a stopwatch.
struct Timed {
    exchange: PaperExchange,
    real: EngineClock,
    sends: Rc<Sends>,
}

impl TxPort for Timed {
    fn send(&mut self, message: &[u8]) -> Result<(), SendError> {
        if self.sends.first.get().is_none() {
            self.sends.first.set(Some(self.real.ticks()));
        }
        let digest = message
            .iter()
            .fold(self.sends.digest.get(), |digest, byte| fold(digest, u64::from(*byte)));
        self.sends.digest.set(digest);
        self.exchange.send(message)
    }
}

impl StreamPort for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, SendError> {
        self.exchange.read(buffer)
    }
}

/// Steps the pipeline packet by packet; returns the nanoseconds of those that caused an order, and
/// a digest of all frames.
fn run(config: &Configuration, real: &EngineClock, packets: u64) -> (Vec<u64>, u64) {
    // Events far enough apart that the spreads' cool-down does not keep most of them from firing.
    let settings = Settings { event_gap_ns: 10_000_000, ..Settings::of(config, 0, 1) };
    let mut generator = Generator::new(settings);
    let clock = ChannelClock { real: real.clone(), now: Rc::default() };
    let mut port = MemoryPort::new(clock.clone(), Pace::Recorded);
    let mut packet = Vec::new();
    let mut times = Vec::new();
    let mut begin_ns = None;
    for _ in 0..packets {
        let sent_ns = generator.next_packet(&mut packet).sent_ns;
        let at = sent_ns - *begin_ns.get_or_insert(sent_ns - 1);
        port.push(Line::A, MonoNs(at), &packet);
        times.push(at);
    }
    let sends = Rc::new(Sends::default());
    let exchange =
        Timed { exchange: PaperExchange::new(1), real: real.clone(), sends: Rc::clone(&sends) };
    let words: Vec<AtomicU64> = {
        let words = ring::words(RECORD_WORDS).expect("a capacity");
        (0..words).map(|_| AtomicU64::new(0)).collect()
    };
    ring::format(&words, identity(config, 1)).expect("the size is one");
    let record = Producer::attach(&words).expect("the ring was just made");
    let mut reader = Consumer::attach(&words).expect("the ring was just made");
    let mut copied = vec![0; 1 << 16];

    let (mut memory, counters) = (Memory::new(config), Counters::new(config));
    let ports = Ports { feeds: vec![port], gateways: vec![exchange] };
    let starts = Starts::nothing(config);
    let origin = Origin { run: 1, now: MonoNs(0), utc: UnixNs(0), starts, carried: Vec::new() };
    let wired = wire(config, &mut memory, &counters, ports, &clock, record, || NoRecorder, origin);
    let mut pipeline = wired.expect("the demonstration can be wired");
    while pipeline.poll() == Work::Busy {}

    let mut spans = Vec::new();
    for at in times {
        clock.now.set(at);
        sends.first.set(None);
        let start = real.ticks();
        while pipeline.poll() == Work::Busy {}
        if let Some(first) = sends.first.get() {
            spans.push(real.span(first.wrapping_sub(start)).0);
        }
        while reader.read(&mut copied).expect("the ring is whole") > 0 {}
        reader.release(reader.position());
    }
    (spans, sends.digest.get())
}

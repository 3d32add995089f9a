//! Packets at a steady rate, each on both lines.

use super::measure::{Bench, fold};
use super::{GAP, LIMITS, PATIENCE, lines, pin};
use cross_market_connect::clock::EngineClock;
use cross_market_connect::feed::{FeedCapacity, FeedMemory};
use cross_market_connect::port::udp::MulticastSender;
use cross_market_connect::sim::generator::{Generator, Listing, Settings};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use xmc_hotpath::book::View;
use xmc_hotpath::feed::{ChannelSettings, Feed, FeedCounters, FeedStage, Join};
use xmc_hotpath::message::{ChannelUpdate, InstrumentIndex, Quote, StreamId};
use xmc_hotpath::port::{Datagram, Line, RxPort, TxPort};
use xmc_hotpath::ring::{Receiver, ends};
use xmc_hotpath::stage::Stage;
use xmc_hotpath::time::{Clock, MonoNs};
use xmc_hotpath::venue::cme::mdp3::feed::Mdp3;

/// From one packet to the next.
const EVERY: Duration = Duration::from_micros(10);
/// Packets over loopback.
const PACKETS: usize = 300_000;
const TINY_PACKETS: usize = 500;
const INSTRUMENTS: i32 = 32;
const SEED: u64 = 11;

/// Measures both ways.
pub fn run(bench: &mut Bench) {
    let clock = bench.clock().clone();
    let count = if bench.is_full() { PACKETS } else { TINY_PACKETS };
    let packets = packets(count);
    bench.note(&format!(
        "{count} packets of {} bytes on average, one each {} ns, on both lines",
        packets.iter().map(Vec::len).sum::<usize>() / count,
        EVERY.as_nanos()
    ));
    in_memory(bench, &packets);
    let Some((own, other)) = bench.two_cores() else { return };
    let counters = FeedCounters::default();
    let mut memory = memory();
    let (feed, quotes, _updates) = feed(&mut memory, &counters);
    let (port, senders) = lines(&clock, 2);
    let stage = FeedStage::new(port, clock.clone(), feed, 16);
    let wire = Wire::new(count);
    let mut popped = Vec::with_capacity(count);
    std::thread::scope(|scope| {
        let receiver = scope.spawn(|| {
            pin(other);
            receive(stage, quotes, &wire, &clock)
        });
        send(senders, &packets, &wire, &clock);
        popped = receiver.join().expect("the receiver ends");
        pin(own);
    });
    let sent = |popped: &&Popped| wire.sent[popped.place].load(Ordering::Relaxed);
    let span = |from: u64, popped: &Popped| clock.span(popped.at.saturating_sub(from)).0;
    bench.spans("packet, from its send", popped.iter().map(|one| span(sent(&one), one)));
    let is_calm = |one: &&Popped| {
        sent(one) > one.gap_ended && !wire.disturbed[one.place].load(Ordering::Relaxed)
    };
    let calm = popped.iter().filter(is_calm);
    bench.spans("  without host gaps", calm.map(|one| span(sent(&one), one)));
    let due = |one: &Popped| wire.due[one.place].load(Ordering::Relaxed);
    bench.spans("packet, from when it was due", popped.iter().map(|one| span(due(one), one)));
    println!(
        "# {} of {count} packets completed a quote; {} lost, {} quotes conflated",
        popped.len(),
        counters.missing.get(),
        counters.conflated.get()
    );
    assert_eq!(counters.missing.get(), 0, "nothing is lost");
}

/// What sender and receiver know of each packet, by its place.
struct Wire {
    due: Vec<AtomicU64>,
    sent: Vec<AtomicU64>,
    /// The sender itself was interrupted while it sent it.
    disturbed: Vec<AtomicBool>,
    is_over: AtomicBool,
}

impl Wire {
    fn new(count: usize) -> Self {
        let ticks = || (0..count).map(|_| AtomicU64::new(0)).collect();
        let disturbed = (0..count).map(|_| AtomicBool::new(false)).collect();
        Self { due: ticks(), sent: ticks(), disturbed, is_over: AtomicBool::new(false) }
    }
}

/// The first quote of a packet was popped.
struct Popped {
    place: usize,
    at: u64,
    /// When the receiver's last interruption had ended.
    gap_ended: u64,
}

fn send(mut senders: [MulticastSender; 2], packets: &[Vec<u8>], wire: &Wire, clock: &EngineClock) {
    std::thread::sleep(GAP * 1_000);
    let (every, longest) = (clock.ticks_in(EVERY), clock.ticks_in(GAP));
    let mut due = clock.ticks() + every;
    for (place, payload) in packets.iter().enumerate() {
        while clock.ticks() < due {
            std::hint::spin_loop();
        }
        let begin = clock.ticks();
        wire.due[place].store(due, Ordering::Relaxed);
        wire.sent[place].store(begin, Ordering::Relaxed);
        for sender in &mut senders {
            sender.send(payload).expect("loopback has room");
        }
        let is_long = clock.ticks() - begin > longest;
        wire.disturbed[place].store(is_long, Ordering::Relaxed);
        due += every;
    }
    std::thread::sleep(GAP * 1_000);
    wire.is_over.store(true, Ordering::Release);
}

fn receive<P: RxPort, C: Clock>(
    mut stage: FeedStage<'_, P, C, Mdp3>,
    mut quotes: Receiver<Quote>,
    wire: &Wire,
    clock: &EngineClock,
) -> Vec<Popped> {
    let longest = clock.ticks_in(GAP);
    let mut popped = Vec::with_capacity(wire.sent.len());
    let (mut turn, mut gap_ended, mut last) = (clock.ticks(), 0, 0);
    let began = Instant::now();
    while !wire.is_over.load(Ordering::Acquire) {
        stage.poll();
        let at = clock.ticks();
        if at - turn > longest {
            gap_ended = at;
        }
        while let Some(quote) = quotes.pop() {
            // One packet may complete several: the first tells how long it took.
            if quote.packet_seq_no > last {
                last = quote.packet_seq_no;
                popped.push(Popped { place: last as usize - 1, at: clock.ticks(), gap_ended });
            }
        }
        turn = clock.ticks();
        assert!(began.elapsed() < PATIENCE * 10, "the sender ends");
    }
    popped
}

/// The same without sockets.
fn in_memory(bench: &mut Bench, packets: &[Vec<u8>]) {
    let few = &packets[..packets.len().min(2_000)];
    bench.parts("packet, in memory", |watch| {
        let counters = FeedCounters::default();
        let mut memory = memory();
        let (mut feed, mut quotes, _updates) = feed(&mut memory, &counters);
        let seen = watch.time(|| {
            let mut seen = 0;
            for payload in few {
                for line in Line::BOTH {
                    let received = MonoNs(1);
                    feed.on_datagram(&Datagram { payload, received, line });
                }
                while quotes.pop().is_some() {
                    seen += 1;
                }
            }
            seen
        });
        (few.len() as u64, fold(0, seen))
    });
}

fn packets(count: usize) -> Vec<Vec<u8>> {
    let mut generator = Generator::new(Settings::new(SEED, listings()));
    let mut packet = Vec::new();
    let next = |_| {
        generator.next_packet(&mut packet);
        packet.clone()
    };
    (0..count).map(next).collect()
}

fn listings() -> Vec<Listing> {
    let listing = |number: i32| Listing {
        security_id: 1_000 + number,
        tick_e9: 250_000_000,
        start_e9: 400_000_000_000 + i64::from(number) * 5_000_000_000,
        min_price_e9: 100_000_000_000,
        max_price_e9: 900_000_000_000,
        depth: 10,
        implied_depth: 2,
        reach_ticks: 8,
    };
    (0..INSTRUMENTS).map(listing).collect()
}

fn memory() -> FeedMemory {
    let rows = INSTRUMENTS.unsigned_abs() as usize;
    FeedMemory::new(FeedCapacity { instruments: rows, quoted: rows, held: 1_024, digests: 4_096 })
}

fn feed<'m>(
    memory: &'m mut FeedMemory,
    counters: &'m FeedCounters,
) -> (Feed<'m, Mdp3>, Receiver<Quote>, Receiver<ChannelUpdate>) {
    let (quotes, popped) = ends(rtrb::RingBuffer::new(1_024));
    let (updates, states) = ends(rtrb::RingBuffer::new(64));
    let (storage, quotes) = memory.lend(quotes);
    let settings =
        ChannelSettings { stream: StreamId(2), join: Join::AssumeEmpty, view: View::Outright };
    let feed = Feed::new(Mdp3::new(None), settings, LIMITS, storage, quotes, updates, counters);
    let mut feed = feed.expect("sizes are right");
    for (listing, row) in listings().iter().zip(0..) {
        let books = feed.channel_mut().books_mut();
        books.add(listing.security_id, Some(InstrumentIndex(row))).expect("room");
    }
    (feed, popped, states)
}

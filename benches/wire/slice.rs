//! A slice in which every instrument of a large topic changes.

use super::measure::{Bench, fold};
use super::{LIMITS, PATIENCE, lines, pin};
use cross_market_connect::feed::{FeedCapacity, FeedMemory};
use cross_market_connect::venue::shfe::smdp::contract::Contract;
use cross_market_connect::venue::shfe::smdp::day::TradingDay;
use cross_market_connect::venue::shfe::smdp::mirp::{LevelChange, MirpBuilder, PacketMark};
use cross_market_connect::venue::shfe::smdp::snapshot::{
    Snapshot, SnapshotInstrument, SnapshotLevel,
};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use xmc_hotpath::book::View;
use xmc_hotpath::feed::{ChannelSettings, Feed, FeedCounters, FeedStage, Join};
use xmc_hotpath::message::{ChannelUpdate, InstrumentIndex, Quote, QuoteQuality, StreamId};
use xmc_hotpath::port::{Datagram, Line, TxPort};
use xmc_hotpath::ring::{Receiver, ends};
use xmc_hotpath::stage::Stage;
use xmc_hotpath::time::{Clock, MonoNs, UnixNs};
use xmc_hotpath::venue::shfe::smdp::feed::{PriceCodec, Smdp};
use xmc_hotpath::venue::shfe::smdp::layout::{LevelEvent, LevelSide};

/// Instruments of the topic.
const INSTRUMENTS: i32 = 5_000;
const TOPIC: i16 = 1_001;
const E9: i64 = 1_000_000_000;
/// The longest UDP payload.
const PAYLOAD_BYTES: usize = 1_400;
/// Slices over loopback.
const SLICES: u32 = 300;
const TINY_SLICES: u32 = 3;
/// Between two slices: nothing of one waits behind another.
const BETWEEN: Duration = Duration::from_millis(2);
const DAY: TradingDay = TradingDay { comm_phase_no: 11_700 };

/// Measures both ways.
pub fn run(bench: &mut Bench) {
    let clock = bench.clock().clone();
    let mut memory = Memory::new();
    let mut rig = Rig::new(&mut memory);
    let mut tape = Tape { packet_no: 0, slice: 0 };
    let size: Vec<usize> = tape.clone().next().iter().map(Vec::len).collect();
    bench.note(&format!(
        "a slice of {INSTRUMENTS} instruments is {} packets, {} bytes, on each line",
        size.len(),
        size.iter().sum::<usize>()
    ));
    bench.parts("slice, in memory", |watch| {
        let packets = tape.next();
        let usable = watch.time(|| {
            for payload in &packets {
                for line in Line::BOTH {
                    let received = MonoNs(1);
                    rig.feed.on_datagram(&Datagram { payload, received, line });
                }
            }
            rig.take()
        });
        assert_eq!(usable, INSTRUMENTS, "every book is usable");
        (1, fold(0, usable.unsigned_abs().into()))
    });
    let Some((own, other)) = bench.two_cores() else { return };
    let (port, mut senders) = lines(&clock, 1);
    let Rig { feed, quotes, counters, .. } = rig;
    let stage = FeedStage::new(port, clock.clone(), feed, 16);
    let slices = if bench.is_full() { SLICES } else { TINY_SLICES };
    let done = AtomicU64::new(0);
    let (mut begun, mut ended) = (Vec::new(), Vec::new());
    std::thread::scope(|scope| {
        let receiver = scope.spawn(|| {
            pin(other);
            receive(stage, quotes, &done, slices, &clock)
        });
        for number in 1..=slices {
            let packets = tape.next();
            std::thread::sleep(BETWEEN);
            begun.push(clock.ticks());
            for payload in &packets {
                for sender in &mut senders {
                    sender.send(payload).expect("loopback has room");
                }
            }
            let waiting = Instant::now();
            while done.load(Ordering::Acquire) < u64::from(number) {
                assert!(waiting.elapsed() < PATIENCE, "slice {number} is lost");
                std::hint::spin_loop();
            }
        }
        ended = receiver.join().expect("the receiver ends");
        pin(own);
    });
    let times = begun.iter().zip(&ended);
    bench.spans("slice, loopback", times.map(|(begin, end)| clock.span(end - begin).0));
    let lost = counters.missing.get() + counters.gaps.get();
    println!("# {lost} packets lost, {} quotes conflated", counters.conflated.get());
    assert_eq!(lost, 0, "nothing is lost");
}

/// Polls until every slice is there: the tick at which each had its last quote.
fn receive<P: xmc_hotpath::port::RxPort, C: Clock>(
    mut stage: FeedStage<'_, P, C, Smdp<'_>>,
    mut quotes: Receiver<Quote>,
    done: &AtomicU64,
    slices: u32,
    clock: &cross_market_connect::clock::EngineClock,
) -> Vec<u64> {
    let mut ended = Vec::new();
    for number in 1..=slices {
        let mut usable = 0;
        while usable < INSTRUMENTS {
            stage.poll();
            usable += take(&mut quotes);
        }
        ended.push(clock.ticks());
        done.store(number.into(), Ordering::Release);
    }
    ended
}

/// Quotes that can be traded on.
fn take(quotes: &mut Receiver<Quote>) -> i32 {
    let mut usable = 0;
    while let Some(quote) = quotes.pop() {
        usable += i32::from(quote.quality == QuoteQuality::Good);
    }
    usable
}

/// What the feed works in.
struct Memory {
    feed: FeedMemory,
    codecs: Vec<PriceCodec>,
    counters: FeedCounters,
}

impl Memory {
    fn new() -> Self {
        let rows = INSTRUMENTS.unsigned_abs() as usize;
        let capacity =
            FeedCapacity { instruments: rows, quoted: rows, held: 1_024, digests: 4_096 };
        let codecs = vec![PriceCodec::NONE; rows];
        Self { feed: FeedMemory::new(capacity), codecs, counters: FeedCounters::default() }
    }
}

/// A live feed and what the desk would see.
struct Rig<'m> {
    feed: Feed<'m, Smdp<'m>>,
    quotes: Receiver<Quote>,
    _updates: Receiver<ChannelUpdate>,
    counters: &'m FeedCounters,
}

impl<'m> Rig<'m> {
    fn new(memory: &'m mut Memory) -> Self {
        let Memory { feed, codecs, counters } = memory;
        let counters = &*counters;
        let (quotes, popped) = ends(rtrb::RingBuffer::new(8_192));
        let (updates, _updates) = ends(rtrb::RingBuffer::new(64));
        let (storage, quotes) = feed.lend(quotes);
        let settings =
            ChannelSettings { stream: StreamId(1), join: Join::Recover, view: View::Outright };
        let smdp = Smdp::new(TOPIC, codecs);
        let feed = Feed::new(smdp, settings, LIMITS, storage, quotes, updates, counters);
        let mut feed = feed.expect("sizes are right");
        let index =
            |contract: &Contract| u32::try_from(contract.instrument_no).ok().map(InstrumentIndex);
        snapshot().seed(&mut feed, index, MonoNs(1)).expect("it fits");
        let mut rig = Self { feed, quotes: popped, _updates, counters };
        assert_eq!(rig.take(), INSTRUMENTS, "every book is usable");
        rig
    }

    fn take(&mut self) -> i32 {
        take(&mut self.quotes)
    }
}

/// Every instrument with five levels a side, through packet 0.
fn snapshot() -> Snapshot {
    let level = |offset: i64| SnapshotLevel { price_e9: (18_000 + offset * 5) * E9, lots: 10 };
    let instrument = |no: i32| SnapshotInstrument {
        contract: Contract {
            instrument_id: format!("al{no:04}"),
            underlying_id: "al".to_owned(),
            product_class: b'1',
            strike_e9: None,
            options_type: b'0',
            volume_multiple: 5,
            underlying_multiple_e9: Some(E9),
            is_trading: true,
            currency: "CNY".to_owned(),
            tick_e9: 5 * E9,
            codec_price_e9: 18_000 * E9,
            instrument_no: no,
        },
        state: None,
        bids: (1..=5).map(|place| level(-place)).collect(),
        asks: (1..=5).map(level).collect(),
    };
    Snapshot {
        topic: TOPIC,
        snap_no: 0,
        packet_no: 0,
        trading_day: DAY,
        settlement_group: "00000001".to_owned(),
        settlement_id: 1,
        depth: 5,
        taken: UnixNs(1_326_286_800_500_000_000),
        center_changes: Vec::new(),
        instruments: (0..INSTRUMENTS).map(instrument).collect(),
    }
}

/// Slices one after the other.
#[derive(Clone)]
struct Tape {
    packet_no: i32,
    slice: i32,
}

impl Tape {
    fn mark(&mut self) -> PacketMark {
        self.packet_no += 1;
        PacketMark {
            topic: TOPIC,
            packet_no: self.packet_no,
            snap_no: self.slice,
            snap_seconds: 1_326_286_801,
            snap_millis: 250,
            comm_phase_no: DAY.comm_phase_no,
            center_change_no: 0,
        }
    }

    /// The packets of the next slice: both best levels of every instrument, and its trades.
    fn next(&mut self) -> Vec<Vec<u8>> {
        self.slice += 1;
        let lots = i64::from(self.slice % 1_000 + 1);
        let mut packets = Vec::new();
        let mut packet = MirpBuilder::new(self.mark());
        for no in 0..INSTRUMENTS {
            if packet.len() > PAYLOAD_BYTES - 64 {
                packets.push(packet.finish(false));
                packet = MirpBuilder::new(self.mark());
            }
            let level = |side, offset_ticks| LevelChange {
                event: LevelEvent::Modify,
                side,
                level: 1,
                offset_ticks,
                volume_lots: lots,
            };
            packet = packet
                .instrument(no, self.slice.into())
                .level(&level(LevelSide::Bid, -1))
                .level(&level(LevelSide::Ask, 1))
                .trade([1, 10, 900, 2]);
        }
        packets.push(packet.finish(true));
        packets
    }
}

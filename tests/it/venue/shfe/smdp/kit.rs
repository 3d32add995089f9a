//! A feed of one topic on a bench: a snapshot, datagrams at chosen times, what the desk would see.

use cross_market_connect::feed::{FeedCapacity, FeedMemory};
use cross_market_connect::venue::shfe::smdp::contract::Contract;
use cross_market_connect::venue::shfe::smdp::day::TradingDay;
use cross_market_connect::venue::shfe::smdp::mirp::{LevelChange, MirpBuilder, PacketMark};
use cross_market_connect::venue::shfe::smdp::snapshot::{
    Snapshot, SnapshotInstrument, SnapshotLevel,
};
use std::collections::BTreeMap;
use xmc_hotpath::book::View;
use xmc_hotpath::feed::{
    ArbiterLimits, ChannelSettings, Feed, FeedCounters, Handed, Held, Join, RejoinStorage,
};
use xmc_hotpath::message::{
    ChannelState, ChannelUpdate, InstrumentIndex, Quote, QuoteQuality, StreamId,
};
use xmc_hotpath::port::{Datagram, Line};
use xmc_hotpath::ring::{Receiver, ends};
use xmc_hotpath::time::{MonoNs, Span, UnixNs};
use xmc_hotpath::venue::shfe::smdp::feed::{PriceCodec, Sequence, Smdp};
use xmc_hotpath::venue::shfe::smdp::layout::{LevelEvent, LevelSide};

pub const TOPIC: i16 = 1001;
/// 2012-01-12.
pub const DAY: u16 = 11_700;
pub const MS: u64 = 1_000_000;
pub const E9: i64 = 1_000_000_000;

pub const LIMITS: ArbiterLimits = ArbiterLimits {
    hold_for: Span(10 * MS),
    line_reorder: 0,
    silent_after: Span(1_200 * MS),
    lossy_after: Span(20_000 * MS),
    stale_after: Span(10_000 * MS),
};

/// A contract of number `no`: prices count from 18,000 in ticks of 5.
pub fn contract(no: i32) -> Contract {
    Contract {
        instrument_id: format!("al{}", 1201 + no),
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
    }
}

pub fn price(offset: i64) -> i64 {
    (18_000 + offset * 5) * E9
}

/// A snapshot of `count` instruments through packet `packet_no`; each has one level a side.
pub fn snapshot(count: i32, depth: u8, packet_no: i32) -> Snapshot {
    let instrument = |no: i32| SnapshotInstrument {
        contract: contract(no),
        state: None,
        bids: vec![SnapshotLevel { price_e9: price(-1), lots: 10 }],
        asks: vec![SnapshotLevel { price_e9: price(1), lots: 20 }],
    };
    Snapshot {
        topic: TOPIC,
        snap_no: packet_no,
        packet_no,
        trading_day: TradingDay { comm_phase_no: DAY },
        settlement_group: "00000001".to_owned(),
        settlement_id: 1,
        depth,
        taken: UnixNs(1_326_286_800_500_000_000),
        center_changes: Vec::new(),
        instruments: (0..count).map(instrument).collect(),
    }
}

/// Packet `packet_no`, which is also the number of its slice.
pub fn mark(packet_no: i32) -> PacketMark {
    PacketMark {
        topic: TOPIC,
        packet_no,
        snap_no: packet_no,
        snap_seconds: 1_326_286_801,
        snap_millis: 250,
        comm_phase_no: DAY,
        center_change_no: 0,
    }
}

pub fn level(event: LevelEvent, side: LevelSide, at: i64, offset: i64, lots: i64) -> LevelChange {
    LevelChange { event, side, level: at, offset_ticks: offset, volume_lots: lots }
}

/// A whole slice that sets the best bid of instrument `no` to `lots`.
pub fn slice(packet_no: i32, no: i32, lots: i64) -> Vec<u8> {
    let change = level(LevelEvent::Modify, LevelSide::Bid, 1, -1, lots);
    MirpBuilder::new(mark(packet_no)).instrument(no, packet_no.into()).level(&change).finish(true)
}

pub struct Bench<'a> {
    pub feed: Feed<'a, Smdp<'a>>,
    pub counters: &'a FeedCounters,
    quotes: Receiver<Quote>,
    updates: Receiver<ChannelUpdate>,
    pub seen: Seen,
    pub now: u64,
}

/// What the desk saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub updates: Vec<ChannelUpdate>,
    pub quotes: Vec<Quote>,
}

impl Seen {
    /// The instruments that the desk may trade on, by its own rules, with their quotes.
    pub fn usable(&self) -> BTreeMap<u32, &Quote> {
        let Some(update) = self.updates.last() else { return BTreeMap::new() };
        let newest: BTreeMap<_, _> = self.quotes.iter().map(|q| (q.instrument.0, q)).collect();
        let is_usable = |quote: &Quote| {
            let is_good = quote.quality == QuoteQuality::Good;
            update.state.is_usable() && quote.epoch == update.epoch && is_good
        };
        newest.into_iter().filter(|(_, quote)| is_usable(quote)).collect()
    }

    /// The quotes without what may differ between two deliveries of the same packets.
    pub fn timeless(&self) -> Vec<Quote> {
        self.quotes.iter().map(|quote| Quote { received: MonoNs(0), ..*quote }).collect()
    }
}

/// A feed that has seen nothing, with room for eight instruments, and what the desk has of it.
pub fn bench<R>(body: impl FnOnce(&mut Bench<'_>) -> R) -> R {
    bench_with(LIMITS, body)
}

/// The same with other limits.
pub fn bench_with<R>(limits: ArbiterLimits, body: impl FnOnce(&mut Bench<'_>) -> R) -> R {
    recoverable(limits, None, body)
}

/// The same, and its books can be handed over.
pub fn recoverable<R>(
    limits: ArbiterLimits,
    handed: Option<Receiver<Handed<Sequence, PriceCodec>>>,
    body: impl FnOnce(&mut Bench<'_>) -> R,
) -> R {
    let mut tail = vec![Held::FREE; 64];
    let counters = FeedCounters::default();
    let mut memory =
        FeedMemory::new(FeedCapacity { instruments: 8, quoted: 8, held: 64, digests: 256 });
    let mut codecs = vec![PriceCodec::NONE; 8];
    let (quote_sender, quotes) = ends(rtrb::RingBuffer::new(4096));
    let (update_sender, updates) = ends(rtrb::RingBuffer::new(256));
    let (storage, quote_sender) = memory.lend(quote_sender);
    let settings =
        ChannelSettings { stream: StreamId(7), join: Join::Recover, view: View::Outright };
    let feed = Feed::new(
        Smdp::new(TOPIC, &mut codecs),
        settings,
        limits,
        storage,
        quote_sender,
        update_sender,
        &counters,
    );
    let mut feed = feed.expect("the memory is sized by its own rules");
    if let Some(handed) = handed {
        let storage = RejoinStorage { handed, tail: &mut tail };
        feed = feed.with_recovery(storage).expect("a power of two");
    }
    let seen = Seen::default();
    body(&mut Bench { feed, counters: &counters, quotes, updates, seen, now: 0 })
}

/// A feed that was seeded with `snapshot`; every instrument is quoted.
pub fn seeded<R>(snapshot: &Snapshot, body: impl FnOnce(&mut Bench<'_>) -> R) -> R {
    bench(|bench| {
        bench.seed(snapshot);
        body(bench)
    })
}

/// The row of the desk's table of a contract: its number, far from the venue's.
pub fn index_of(contract: &Contract) -> Option<InstrumentIndex> {
    u32::try_from(7 - contract.instrument_no).ok().map(InstrumentIndex)
}

impl Bench<'_> {
    pub fn seed(&mut self, snapshot: &Snapshot) {
        snapshot.seed(&mut self.feed, index_of, MonoNs(self.now)).expect("it fits");
        self.take();
    }

    /// Delivers one datagram now and takes what comes of it.
    pub fn send(&mut self, line: Line, payload: &[u8]) {
        self.feed.on_datagram(&Datagram { payload, received: MonoNs(self.now), line });
        self.feed.on_time(MonoNs(self.now));
        self.take();
    }

    pub fn both(&mut self, payload: &[u8]) {
        self.send(Line::A, payload);
        self.send(Line::B, payload);
    }

    /// Lets time pass in steps of a millisecond.
    pub fn wait_ms(&mut self, ms: u64) {
        for _ in 0..ms {
            self.now += MS;
            self.feed.on_time(MonoNs(self.now));
        }
        self.take();
    }

    pub fn take(&mut self) {
        while let Some(update) = self.updates.pop() {
            self.seen.updates.push(update);
        }
        while let Some(quote) = self.quotes.pop() {
            self.seen.quotes.push(quote);
        }
    }

    pub fn state(&self) -> ChannelState {
        self.feed.channel().state()
    }

    /// The best bid's lots of instrument `no`, as its newest quote has it.
    pub fn bid_lots(&self, no: i32) -> Option<u32> {
        let index = index_of(&contract(no))?;
        let newest = self.seen.quotes.iter().rev().find(|quote| quote.instrument == index)?;
        Some(newest.bids.best_lots())
    }
}

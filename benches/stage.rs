//! The desk's stage with its rings and its record: a quote until both orders are in the gateway's
//! ring, and the news that leaves a fire out of ratio until the corrective order is.
//!
//! Every gate is on, and each input is in the record with its orders before they are handed on. The
//! record's reader and the gateway are emptied between two samples, which is not timed; so are the
//! details, which follow the orders. Two readings of the clock are in each sample.

#[expect(dead_code, reason = "each bench uses a part of it")]
mod fixture;
#[expect(dead_code, reason = "each bench uses a part of it")]
mod measure;

use cross_market_connect::clock::EngineClock;
use cross_market_connect::config::Configuration;
use cross_market_connect::engine::inputs;
use cross_market_connect::engine::memory::{DeskMemory, DeskSize, images};
use fixture::Market;
use measure::{Bench, fold, fold_signed};
use rtrb::RingBuffer;
use std::cell::Cell;
use std::hint::black_box;
use std::rc::Rc;
use std::sync::atomic::AtomicU64;
use xmc_hotpath::desk::Desk;
use xmc_hotpath::desk::stage::{DeskCounters, DeskStage, FeedLink, GatewayLink, MAX_FEEDS};
use xmc_hotpath::message::{
    ChannelState, ChannelUpdate, Command, CommandKind, Control, DeskId, DeskIdentity, GatewayIndex,
    GatewayNews, MAX_GATEWAYS, OrderCommand, OrderEvent, OrderEventKind, Quote, RepairSpec, Scope,
    SessionState, SessionUpdate, SiteId, StreamId,
};
use xmc_hotpath::record::frame::{Image, Images, LOGIC_VERSION, Start};
use xmc_hotpath::record::ring::{self, Consumer, Producer};
use xmc_hotpath::ring::{Receiver, Sender, ends};
use xmc_hotpath::stage::{Stage, Work};
use xmc_hotpath::time::{Clock, MonoNs, Span, UnixNs};

const IDENTITY: DeskIdentity = DeskIdentity { site: SiteId(1), desk: DeskId(1), run: 1 };
/// Events of the market that the quotes are from.
const EVENTS: usize = 2_000;
/// Fires lie this far apart: no window gets full.
const STEP_NS: u64 = 400_000_000;
/// Words of the record ring.
const RECORD_WORDS: u64 = 1 << 19;
/// A level that the spread always meets.
const ALWAYS_E9: i64 = 20_000_000_000;
/// How far the missed leg has moved: completing is dearer than trading back.
const MOVED_E9: i64 = 100_000_000_000;

fn main() {
    let mut bench = Bench::start("stage");
    let config = fixture::demo();
    let mut market = Market::new(&config);
    let quotes: Vec<[Quote; 2]> = (0..EVENTS)
        .map(|_| {
            market.step();
            let quotes = market.quotes();
            [quotes[0], quotes[1]]
        })
        .collect();
    let real = bench.clock().clone();
    with_stage(&config, &real, |run| {
        let mut next = quotes.iter().flatten().cycle();
        run.first(&quotes[0]);
        bench.note("fire: one quote until both orders are in the ring, recorded");
        bench.parts("fire", |watch| {
            run.rest();
            run.give(next.next().expect("there are quotes"));
            watch.time(|| hot_poll(run));
            let orders = run.orders();
            assert_eq!(orders.len(), 2, "it fires");
            for order in &orders {
                run.tell(news(OrderEventKind::Cancelled, order, 0));
            }
            (1, digest(&orders))
        });
    });
    with_stage(&config, &real, |run| {
        let mut next = quotes.iter().cycle();
        bench.note(
            "corrective order: one leg was cancelled, the other one's fill comes: until the order \
             that trades it back is in the ring, recorded",
        );
        run.first(&quotes[0]);
        bench.parts("corrective order", |watch| {
            let pair = next.next().expect("there are quotes");
            run.rest();
            // The other leg's book is still away.
            run.quote(&pair[0]);
            run.quote(&pair[1]);
            let orders = run.orders();
            assert_eq!(orders.len(), 2, "it fires");
            run.quote(&away(&pair[1]));
            run.tell(news(OrderEventKind::Cancelled, &orders[1], 0));
            assert!(run.orders().is_empty(), "one leg is still open");
            run.link.news.push(news(OrderEventKind::Filled, &orders[0], 1)).expect("room");
            watch.time(|| hot_poll(run));
            let repairs = run.orders();
            assert_eq!(repairs.len(), 1, "one order brings it back");
            assert_eq!(repairs[0].instrument, orders[0].instrument, "it trades back");
            run.tell(news(OrderEventKind::Filled, &repairs[0], 2));
            assert!(run.orders().is_empty(), "it has ended");
            (1, digest(&repairs))
        });
    });
}

/// The other leg after the market went away from us.
fn away(quote: &Quote) -> Quote {
    let mut moved = *quote;
    let [bids, asks] = [&mut moved.bids, &mut moved.asks];
    for depth in [bids, asks] {
        let levels = depth.count as usize;
        depth.price_e9.iter_mut().take(levels).for_each(|price_e9| *price_e9 -= MOVED_E9);
    }
    moved
}

fn digest(orders: &[OrderCommand]) -> u64 {
    orders.iter().fold(0, |digest, order| {
        fold_signed(fold(digest, u64::from(order.qty_lots)), order.price_e9)
    })
}

/// News of all lots of an order.
fn news(kind: OrderEventKind, order: &OrderCommand, exec_id: u64) -> GatewayNews {
    let filled = if kind == OrderEventKind::Filled { order.qty_lots } else { 0 };
    GatewayNews::Order(OrderEvent {
        kind,
        order_id: order.order_id,
        venue_order_id: 1,
        exec_id,
        side: order.side,
        price_e9: if filled > 0 { order.price_e9 } else { 0 },
        qty_lots: filled,
        cum_lots: filled,
        received: MonoNs(1),
        ..OrderEvent::NONE
    })
}

#[inline(never)]
fn hot_poll(run: &mut Run<'_>) -> Work {
    run.stage.poll()
}

/// Time goes on when it is told to, at the price of reading the real clock.
#[derive(Clone)]
struct Stepped {
    real: EngineClock,
    now: Rc<Cell<u64>>,
}

impl Clock for Stepped {
    #[inline(always)]
    fn now(&self) -> MonoNs {
        black_box(self.real.ticks());
        MonoNs(self.now.get())
    }
}

/// The other ends of the desk's rings.
struct Outside {
    quotes: Sender<Quote>,
    channels: Sender<ChannelUpdate>,
    news: Sender<GatewayNews>,
    control: Sender<Control>,
    commands: Receiver<OrderCommand>,
}

/// A desk that is armed, with its market and session up.
struct Run<'r> {
    stage: DeskStage<'r, Stepped, Producer<'r>>,
    link: Outside,
    record: Consumer<'r>,
    copied: Vec<u8>,
    now: Rc<Cell<u64>>,
}

impl Run<'_> {
    /// Polls until nothing is left to do, and empties the record.
    fn settle(&mut self) {
        while self.stage.poll() != Work::Idle {}
        while self.record.read(&mut self.copied).expect("the record is whole") > 0 {}
        self.record.release(self.record.position());
        self.stage.housekeeping();
    }

    /// Lets time pass.
    fn rest(&mut self) {
        self.now.set(self.now.get() + STEP_NS);
    }

    /// Lays a quote into the ring that came just now.
    fn give(&mut self, quote: &Quote) {
        let quote = Quote { received: MonoNs(self.now.get()), ..*quote };
        self.link.quotes.push(quote).expect("the ring was emptied");
    }

    /// The first quotes of both legs, and the end of what they fire.
    fn first(&mut self, pair: &[Quote; 2]) {
        self.rest();
        pair.iter().for_each(|quote| self.quote(quote));
        for order in self.orders() {
            self.tell(news(OrderEventKind::Cancelled, &order, 0));
        }
    }

    fn quote(&mut self, quote: &Quote) {
        self.give(quote);
        self.settle();
    }

    fn tell(&mut self, news: GatewayNews) {
        self.link.news.push(news).expect("the ring was emptied");
        self.settle();
    }

    /// The orders that are in the gateway's ring.
    fn orders(&mut self) -> Vec<OrderCommand> {
        let orders = std::iter::from_fn(|| self.link.commands.pop()).collect();
        self.settle();
        orders
    }
}

/// Runs `bench` with a desk whose first spread opens on every quote of its first leg.
fn with_stage(config: &Configuration, real: &EngineClock, mut bench: impl FnMut(&mut Run<'_>)) {
    let words = ring::words(RECORD_WORDS).expect("a capacity");
    let memory: Vec<_> = (0..words).map(|_| AtomicU64::new(0)).collect();
    ring::format(&memory, IDENTITY).expect("the size is one");
    let size = DeskSize::new(config.instruments.len(), config.spreads.len());
    let mut arenas = DeskMemory::new(size);
    let mut images: Vec<Image> = images(config.instruments.len());
    let counters = DeskCounters::default();
    let (quotes, quotes_out) = ends(RingBuffer::new(256));
    let (channels, channels_out) = ends(RingBuffer::new(64));
    let (news, news_out) = ends(RingBuffer::new(256));
    let (commands_in, commands) = ends(RingBuffer::new(256));
    let (control, control_out) = ends(RingBuffer::new(256));
    let mut feeds = [const { None }; MAX_FEEDS];
    feeds[0] = Some(FeedLink { quotes: quotes_out, channels: channels_out });
    let mut gateways = [const { None }; MAX_GATEWAYS];
    gateways[0] = Some(GatewayLink { commands: commands_in, news: news_out });
    let now = Rc::new(Cell::new(STEP_NS));
    let start = Start {
        identity: IDENTITY,
        logic_version: LOGIC_VERSION,
        now: MonoNs(now.get()),
        utc: UnixNs(1),
        config_digest: [0; 32],
        arenas: size.arenas(),
    };
    let stage = DeskStage::new(
        Desk::new(IDENTITY, arenas.lend()),
        Stepped { real: real.clone(), now: Rc::clone(&now) },
        feeds,
        gateways,
        control_out,
        Producer::attach(&memory).expect("the ring was just made"),
        Images::new(&mut images),
        &counters,
        &start,
    );
    let mut run = Run {
        stage,
        link: Outside { quotes, channels, news, control, commands },
        record: Consumer::attach(&memory).expect("the ring was just made"),
        copied: vec![0; 1 << 16],
        now,
    };
    begin(config, &mut run);
    bench(&mut run);
}

fn begin(config: &Configuration, run: &mut Run<'_>) {
    let (controls, _) = inputs::controls(config);
    for mut control in controls {
        if let Control::Spread(spec) = &mut control {
            spec.is_enabled = spec.spread.0 == 0;
            spec.buy_open_e9 = ALWAYS_E9;
            spec.sell_open_e9 = i64::MAX;
            spec.hysteresis_e9 = 0;
            spec.cool_down = Span(0);
            spec.max_quote_age = Span(u64::MAX >> 1);
            spec.max_quote_skew = Span(u64::MAX >> 1);
            spec.repair = RepairSpec {
                tries: 3,
                within: Span(1_000_000_000),
                max_cost_e9: i64::MAX,
                money_q32: 1 << 32,
                ..spec.repair
            };
        }
        run.link.control.push(control).expect("the ring is long enough");
    }
    let arm = Command { kind: CommandKind::Arm, scope: Scope::All, operator: 0, command_id: 1 };
    run.link.control.push(Control::Command(arm)).expect("the ring is long enough");
    let stream = StreamId(config.feeds[0].stream_id.value);
    let live = ChannelState::Live;
    let update = ChannelUpdate { stream, state: live, epoch: 1, packet_seq_no: 1, missing: 0 };
    run.link.channels.push(update).expect("the ring is empty");
    let up = SessionUpdate {
        stream: StreamId(config.gateways[0].stream_id.value),
        gateway: GatewayIndex(0),
        state: SessionState::Up,
    };
    run.tell(GatewayNews::Session(up));
}

//! A desk on made-up quotes of two markets, with everything that a screen looks at: the world of
//! the simulated venues, a venue that fills nearly everything, and the tally of all that happens.
//!
//! Not an engine: no rings, no feeds, no sockets. What the desk is told is what its record would
//! hold, so the same figures follow.

use cross_market_connect::config::{self, Configuration};
use cross_market_connect::control::scope::Register;
use cross_market_connect::control::used;
use cross_market_connect::engine::counters::Counters;
use cross_market_connect::engine::inputs;
use cross_market_connect::engine::latency::Figures;
use cross_market_connect::engine::memory::{DeskMemory, DeskSize};
use cross_market_connect::monitor::view::Notes;
use cross_market_connect::monitor::{Journal, Plain, Ring, Setting, Sources, Tally, View};
use cross_market_connect::sim::exchange::flow::{Product, World};
use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::Arc;
use xmc_hotpath::desk::{Desk, Outputs};
use xmc_hotpath::message::{
    ChannelState, ChannelUpdate, Command, CommandKind, Control, Credits, Depth, DeskId,
    DeskIdentity, Detail, InstrumentIndex, OrderAction, OrderCommand, OrderEvent, OrderEventKind,
    Quote, QuoteQuality, Scope, SessionState, SessionUpdate, Side, SiteId, StreamId,
};
use xmc_hotpath::record::frame::{Body, OwnedEvent, OwnedInput};
use xmc_hotpath::time::{MonoNs, Span, UnixNs};

const MS: u64 = 1_000_000;
/// The world moves in such steps.
const STEP_NS: u64 = 5 * MS;
/// Slices of the domestic venue.
const SLICE_NS: u64 = 500 * MS;
/// What a venue takes to answer.
const ANSWER_NS: u64 = 2 * MS;

/// The two markets of the demonstration, where nothing is repaired: what is out of ratio stays so.
pub fn configuration() -> Configuration {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join("demo.toml");
    let read = config::load(&path);
    let mut read = read.unwrap_or_else(|invalid| panic!("{}", invalid.render(false)));
    read.spreads.iter_mut().for_each(|spread| spread.repair = None);
    read
}

/// What the venue does to the orders of a fire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Fill,
    /// Nothing of any leg.
    Cancel,
    Reject,
    /// All of the first leg, nothing of the others.
    Break,
}

pub struct Rig {
    config: Configuration,
    desk: Desk<'static>,
    outputs: Outputs,
    pub tally: Tally,
    pub counters: Counters,
    world: World,
    rng: fastrand::Rng,
    now_ns: u64,
    answers: VecDeque<(u64, OrderEvent)>,
    shown: BTreeMap<usize, i64>,
    orders: u64,
    /// What the next fires meet; after these, nearly all are filled.
    pub planned: VecDeque<Answer>,
    answer: Answer,
    plain: Option<(Plain, Vec<String>)>,
    journal: Journal,
    /// By venue: whose quotes come no more.
    pub silent_feeds: Vec<usize>,
    /// What others than the desk have told.
    pub notes: Notes,
}

impl Rig {
    pub fn new(seed: u64) -> Self {
        let config = configuration();
        let size = DeskSize::new(config.instruments.len(), config.spreads.len());
        // A desk borrows its memory; a test's lasts as long as the test.
        let memory = Box::leak(Box::new(DeskMemory::new(size)));
        let identity = DeskIdentity { site: SiteId(1), desk: DeskId(1), run: 1 };
        let mut rig = Self {
            tally: Tally::new(Arc::new(Setting::of(&config))),
            counters: Counters::new(&config),
            desk: Desk::new(identity, memory.lend()),
            outputs: Outputs::new(),
            world: World::new(seed),
            rng: fastrand::Rng::with_seed(seed),
            now_ns: 0,
            answers: VecDeque::new(),
            shown: BTreeMap::new(),
            orders: 0,
            planned: VecDeque::new(),
            answer: Answer::Fill,
            plain: None,
            journal: Journal::default(),
            silent_feeds: Vec::new(),
            notes: Notes::default(),
            config,
        };
        rig.begin();
        rig
    }

    /// From here on the plain lines are kept.
    pub fn write_lines(&mut self, plain: Plain) {
        self.plain = Some((plain, Vec::new()));
    }

    pub fn lines(&self) -> &[String] {
        self.plain.as_ref().map_or(&[], |(_, lines)| lines)
    }

    fn begin(&mut self) {
        let (controls, _) = inputs::controls(&self.config);
        let arm = Command { kind: CommandKind::Arm, scope: Scope::All, operator: 0, command_id: 1 };
        for control in controls.into_iter().chain([Control::Command(arm)]) {
            self.tell(match control {
                Control::Instrument(spec) => OwnedEvent::Instrument(spec),
                Control::Spread(spec) => OwnedEvent::Spread(spec),
                Control::Gateway(limits) => OwnedEvent::Gateway(limits),
                Control::Account(limits) => OwnedEvent::Account(limits),
                Control::Held(held) => OwnedEvent::Held(held),
                Control::Carried(carried) => OwnedEvent::Carried(carried),
                Control::Instruction(asked) => OwnedEvent::Instruction(asked),
                Control::Command(command) => OwnedEvent::Command(command),
                Control::Detailing(detailing) => OwnedEvent::Detailing(detailing),
                Control::Hours(hours) => OwnedEvent::Hours(hours),
                Control::Finding(finding) => OwnedEvent::Finding(finding),
                Control::Sizing(sizing) => OwnedEvent::Sizing(sizing),
                Control::Breakers(breakers) => OwnedEvent::Breakers(breakers),
                Control::Rule(rule) => OwnedEvent::Rule(rule),
                Control::Clock(scale) => OwnedEvent::Clock(scale),
            });
        }
        let feeds: Vec<_> = self.config.feeds.iter().map(|row| row.stream_id.value).collect();
        for stream in feeds {
            self.channel(stream, ChannelState::Live);
        }
        let gateways: Vec<_> = self.config.gateways.iter().map(|row| row.stream_id.value).collect();
        for (stream, gateway) in gateways.into_iter().zip(0_u8..) {
            self.tell(OwnedEvent::Session(SessionUpdate {
                stream: StreamId(stream),
                gateway: xmc_hotpath::message::GatewayIndex(gateway),
                state: SessionState::Up,
            }));
        }
    }

    pub fn channel(&mut self, stream: u16, state: ChannelState) {
        self.tell(OwnedEvent::Channel(ChannelUpdate {
            stream: StreamId(stream),
            state,
            epoch: 1,
            packet_seq_no: 0,
            missing: 3,
        }));
    }

    /// Lets the world go on for so long.
    pub fn run(&mut self, span: Span) {
        let end = self.now_ns + span.0;
        while self.now_ns < end {
            self.step();
        }
    }

    fn step(&mut self) {
        self.now_ns += STEP_NS;
        while let Some((at, event)) = self.answers.front().copied()
            && at <= self.now_ns
        {
            self.answers.pop_front();
            self.tell(OwnedEvent::Order(event));
        }
        self.world.advance_to(MonoNs(self.now_ns));
        for row in 0..self.config.instruments.len() {
            self.quote(row);
        }
        while self.desk.next_deadline() <= MonoNs(self.now_ns) {
            self.tell(OwnedEvent::Tick);
        }
    }

    fn quote(&mut self, row: usize) {
        let instrument = &self.config.instruments[row];
        let feed = instrument.feed;
        let is_sliced = feed == 0;
        if self.silent_feeds.contains(&feed) || (is_sliced && !self.now_ns.is_multiple_of(SLICE_NS))
        {
            return;
        }
        let product = product(&instrument.name.value);
        let tick = instrument.tick_e9;
        let bid = (self.world.fair_e9(product) - tick / 2).div_euclid(tick) * tick;
        if self.shown.insert(row, bid) == Some(bid) && !is_sliced {
            return;
        }
        let stream = self.config.feeds[feed].stream_id.value;
        let mut side = |best: i64, step: i64| {
            let mut depth = if step < 0 { Depth::NO_BIDS } else { Depth::NO_ASKS };
            for level in 0..5 {
                depth.price_e9[level] = best + step * level as i64;
                depth.lots[level] = self.rng.u32(12..90);
            }
            depth.count = 5;
            depth
        };
        let quote = Quote {
            received: MonoNs(self.now_ns - 9_000),
            exchange: UnixNs(self.now_ns),
            instrument: InstrumentIndex(u32::try_from(row).expect("few")),
            epoch: 1,
            packet_seq_no: 0,
            skipped: 0,
            stream: StreamId(stream),
            quality: QuoteQuality::Good,
            bids: side(bid, -tick),
            asks: side(bid + tick, tick),
        };
        self.count_quote(feed);
        self.tell(OwnedEvent::Quote { quote, more: false });
    }

    /// What a feed would have counted; line A loses one in two hundred.
    fn count_quote(&mut self, feed: usize) {
        let counters = &self.counters.feeds[feed];
        let is_lost = self.rng.u32(0..200) == 0;
        counters.quotes.add(1);
        counters.lines[1].packets.add(1);
        if is_lost {
            counters.lines[0].missing.add(1);
            counters.lines[1].firsts.add(1);
            return;
        }
        counters.lines[0].packets.add(1);
        counters.lines[usize::from(self.rng.bool())].firsts.add(1);
    }

    /// Tells the desk, and everybody what came of it.
    pub fn tell(&mut self, event: OwnedEvent) {
        let input = OwnedInput { now: MonoNs(self.now_ns), credits: Credits::FULL, event };
        self.desk.on(&input.as_input(), &mut self.outputs);
        let orders: Vec<OrderCommand> = self.outputs.orders().copied().collect();
        let details: Vec<Detail> = self.outputs.details().copied().collect();
        self.take(Body::Input(input));
        if orders.iter().any(|order| order.action == OrderAction::New) {
            let luck = self.rng.u32(0..60);
            let usual = if luck == 0 { Answer::Cancel } else { Answer::Fill };
            self.answer = self.planned.pop_front().unwrap_or(usual);
        }
        for order in orders {
            self.take(Body::Order(order));
            self.answer(&order);
        }
        for detail in details {
            self.take(Body::Detail(detail));
        }
    }

    fn take(&mut self, body: Body) {
        self.tally.take(&body);
        self.journal.records += 1;
        self.journal.bytes += 97;
        if let Some((plain, lines)) = &mut self.plain {
            lines.extend(plain.event(&self.tally, &body));
        }
    }

    fn answer(&mut self, order: &OrderCommand) {
        let gateway = &self.counters.gateways[usize::from(order.gateway.0)];
        gateway.sent.add(1);
        gateway.read.add(2);
        if order.action != OrderAction::New {
            return;
        }
        self.orders += 1;
        let kind = match self.answer {
            Answer::Fill => OrderEventKind::Filled,
            Answer::Break if order.leg == 0 => OrderEventKind::Filled,
            Answer::Cancel | Answer::Break => OrderEventKind::Cancelled,
            Answer::Reject => OrderEventKind::Rejected,
        };
        let filled = if kind == OrderEventKind::Filled { order.qty_lots } else { 0 };
        // At the best price, not at the limit that the order may go to.
        let quote = &self.desk.instruments()[order.instrument.0 as usize].quote;
        let best_e9 = match order.side {
            Side::Buy => quote.asks.best_e9(),
            Side::Sell => quote.bids.best_e9(),
        };
        let event = OrderEvent {
            kind,
            order_id: order.order_id,
            venue_order_id: self.orders,
            exec_id: self.orders,
            stream: StreamId(self.config.gateways[usize::from(order.gateway.0)].stream_id.value),
            seq_no: 0,
            side: order.side,
            price_e9: if filled > 0 { best_e9 } else { 0 },
            qty_lots: filled,
            cum_lots: filled,
            leaves_lots: 0,
            reason: if kind == OrderEventKind::Rejected { 17 } else { 0 },
            exchange: UnixNs(self.now_ns),
            received: MonoNs(self.now_ns),
        };
        let later = u64::from(order.leg) * MS;
        self.answers.push_back((self.now_ns + ANSWER_NS + later, event));
    }

    pub fn desk(&self) -> &Desk<'static> {
        &self.desk
    }

    pub fn view(&self) -> View {
        let fires = self.tally.totals().fires;
        let latency = Figures {
            p50: 842,
            p90: 1_204,
            p99: 2_310,
            p99_9: 4_870,
            max: 31_200,
            count: fires,
            beyond: 0,
        };
        let register = Register::of(&self.config);
        // A screen is drawn at any time, not when something has just happened.
        let now = MonoNs(self.now_ns + 3_217_000);
        let late = self.counters.desk.record_late.get() != 0;
        let ring = |name: &str, used_pct| Ring {
            name: name.to_owned(),
            used_pct,
            most_pct: 3,
            is_late: late && name == "record",
        };
        View::of(&Sources {
            now,
            running: Span(self.now_ns),
            desk: &self.desk,
            tally: &self.tally,
            counters: &self.counters,
            latency: Some(latency),
            rings: &[ring("record", 1), ring("quotes_shfe", 0), ring("quotes_cme", 0)],
            journal: Some(self.journal),
            limits: &used::limits(&register, register.limited(), &self.desk, now),
            capital: None,
            notes: &self.notes,
        })
    }
}

fn product(name: &str) -> Product {
    let found = Product::ALL.into_iter().find(|product| product.code().eq_ignore_ascii_case(name));
    found.unwrap_or_else(|| panic!("{name} is no product of the simulated markets"))
}

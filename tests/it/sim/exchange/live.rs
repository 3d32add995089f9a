//! The desk itself, configured as the live demonstration is, on both simulated markets: what twenty
//! seconds bring, and which gates hold something back.
//!
//! No wire, no rings, no threads: quotes come as books are told, orders arrive and answers come
//! back after a delay. So it shows what the configuration does in this world, not how fast.

use cross_market_connect::config::{self, Configuration};
use cross_market_connect::engine::inputs;
use cross_market_connect::engine::memory::{DeskMemory, DeskSize};
use cross_market_connect::sim::exchange::{
    Event as Told, Exchange, ListingIndex, Order, Price, Settings, Shown, Sink,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;
use xmc_hotpath::desk::{Desk, Outputs, SpreadState};
use xmc_hotpath::message::{
    AccountId, ChannelState, ChannelUpdate, Command, CommandKind, Credits, Depth, DeskId,
    DeskIdentity, Detail, Event, Gate, GatewayIndex, Input, InstrumentIndex, OrderAction,
    OrderCommand, OrderEvent, OrderEventKind, OrderId, QUOTE_LEVELS, Quote, QuoteQuality, Scope,
    SessionState, SessionUpdate, Side, SiteId, StreamId,
};
use xmc_hotpath::time::{MonoNs, Span, UnixNs};

const SECOND: u64 = 1_000_000_000;
const ACCOUNT: AccountId = AccountId(5);

/// All that was said of books and of our orders.
#[derive(Default)]
struct Heard {
    changed: BTreeSet<ListingIndex>,
    news: Vec<OrderEvent>,
}

impl Sink for Heard {
    fn take(&mut self, now: MonoNs, event: &Told) {
        let news = |kind, id: u64, side| OrderEvent {
            kind,
            order_id: OrderId(id),
            venue_order_id: 0,
            exec_id: 0,
            stream: StreamId(0),
            seq_no: 0,
            side,
            price_e9: 0,
            qty_lots: 0,
            cum_lots: 0,
            leaves_lots: 0,
            reason: 0,
            exchange: UnixNs(now.0),
            received: now,
        };
        match event {
            Told::Slice(slice) => {
                self.changed.insert(slice.listing);
            }
            Told::Level(level) => {
                self.changed.insert(level.listing);
            }
            Told::Filled(fill) if fill.ticket.account == ACCOUNT => self.news.push(OrderEvent {
                exec_id: fill.fill_no.0,
                price_e9: fill.price_e9,
                qty_lots: fill.lots,
                cum_lots: fill.cum_lots,
                leaves_lots: fill.leaves_lots,
                ..news(OrderEventKind::Filled, fill.ticket.client_id, fill.ticket.side)
            }),
            Told::Cancelled { ticket, .. } if ticket.account == ACCOUNT => {
                self.news.push(news(OrderEventKind::Cancelled, ticket.client_id, ticket.side));
            }
            Told::Rejected { order, reason } => panic!("{order:?}: {reason:?}"),
            _ => {}
        }
    }
}

/// What a run brought.
#[derive(Default)]
struct Tally {
    round_trips: Vec<u32>,
    fires: u32,
    unaligned: u32,
    refusals: BTreeMap<&'static str, u32>,
}

/// A desk between the markets.
struct Live {
    config: Configuration,
    desk: Desk<'static>,
    outputs: Outputs,
    markets: [Exchange; 2],
    /// Market and row of each instrument.
    listings: Vec<(usize, ListingIndex)>,
    delay: Span,
    /// On their way to the markets, and back.
    orders: VecDeque<(MonoNs, OrderCommand)>,
    answers: VecDeque<(MonoNs, OrderEvent)>,
    held: Vec<i32>,
    tally: Tally,
}

impl Live {
    fn new(seed: u64, delay: Span) -> Self {
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/demo.toml");
        let config = config::load(&sample).unwrap_or_else(|invalid| panic!("{invalid}"));
        let settings = [Settings::shfe(seed, "2609"), Settings::cme(seed, "U6")];
        let [domestic, overseas] = settings;
        let markets = [Exchange::new(domestic, seed + 1), Exchange::new(overseas, seed + 2)];
        let listing = |symbol: &str| {
            let mut all = markets.iter().enumerate().flat_map(|(market, exchange)| {
                exchange.listings().map(move |(listing, engine)| (market, listing, engine))
            });
            let found = all.find(|(.., engine)| engine.listing().symbol == symbol);
            found.map(|(market, listing, _)| (market, listing)).expect("it is listed")
        };
        let listings = config.instruments.iter().map(|of| listing(&of.symbol)).collect();
        let size = DeskSize::new(config.instruments.len(), config.spreads.len());
        let memory = Box::leak(Box::new(DeskMemory::new(size)));
        let identity = DeskIdentity { site: SiteId(1), desk: DeskId(1), run: 1 };
        let spreads = config.spreads.len();
        let mut live = Self {
            desk: Desk::new(identity, memory.lend()),
            outputs: Outputs::new(),
            config,
            markets,
            listings,
            delay,
            orders: VecDeque::new(),
            answers: VecDeque::new(),
            held: vec![0; spreads],
            tally: Tally { round_trips: vec![0; spreads], ..Tally::default() },
        };
        live.begin();
        live
    }

    /// What the cold side tells a desk before it trades.
    fn begin(&mut self) {
        let now = MonoNs(1);
        for control in inputs::controls(&self.config).0 {
            self.tell(now, control.as_event());
        }
        for (gateway, number) in self.config.gateways.clone().iter().zip(0..) {
            let stream = StreamId(gateway.stream_id.value);
            let (gateway, state) = (GatewayIndex(number), SessionState::Up);
            self.tell(now, Event::Session(SessionUpdate { stream, gateway, state }));
        }
        for feed in &self.config.feeds.clone() {
            self.tell(
                now,
                Event::Channel(ChannelUpdate {
                    stream: StreamId(feed.stream_id.value),
                    state: ChannelState::Live,
                    epoch: 1,
                    packet_seq_no: 1,
                    missing: 0,
                }),
            );
        }
        let scope = Scope::All;
        let (kind, operator, command_id) = (CommandKind::Arm, 1, 1);
        self.tell(now, Event::Command(Command { kind, scope, operator, command_id }));
    }

    fn tell(&mut self, now: MonoNs, event: Event<'_>) {
        self.desk.on(&Input { now, credits: Credits::FULL, event }, &mut self.outputs);
        let arrives = now.after(self.delay);
        self.orders.extend(self.outputs.orders().map(|order| (arrives, *order)));
        for detail in self.outputs.details() {
            match detail {
                Detail::Decision(decision) if decision.gate == Gate::Passed => {
                    self.tally.fires += 1;
                }
                Detail::Decision(decision) => {
                    *self.tally.refusals.entry(decision.gate.word()).or_default() += 1;
                }
                Detail::Ending(ending) if !ending.is_aligned => {
                    println!("at {} us: {ending:?}", now.0 / 1_000);
                    self.tally.unaligned += 1;
                }
                _ => {}
            }
        }
        for (place, row) in self.desk.spreads().iter().enumerate() {
            let was = std::mem::replace(&mut self.held[place], row.position_units);
            if was != 0 && row.position_units == 0 {
                self.tally.round_trips[place] += 1;
            }
        }
    }

    fn run_until(&mut self, end: MonoNs) {
        loop {
            let first = |queue: Option<&MonoNs>| queue.copied().unwrap_or(MonoNs::NEVER);
            let order_at = first(self.orders.front().map(|(at, _)| at));
            let answer_at = first(self.answers.front().map(|(at, _)| at));
            let market_at = self.markets[0].next_at().min(self.markets[1].next_at());
            let now = [order_at, answer_at, market_at, self.desk.next_deadline()]
                .into_iter()
                .fold(MonoNs::NEVER, MonoNs::min);
            let now = now.max(MonoNs(1));
            if now > end {
                return;
            }
            for market in 0..2 {
                self.visit(market, now, None);
            }
            while let Some((_, order)) = self.orders.pop_front_if(|(at, _)| *at <= now) {
                self.send(now, &order);
            }
            while let Some((_, answer)) = self.answers.pop_front_if(|(at, _)| *at <= now) {
                self.tell(now, Event::Order(answer));
            }
            if self.desk.next_deadline() <= now {
                self.tell(now, Event::Tick);
            }
        }
    }

    /// Lets a market come to `now`, gives it an order, and tells the desk what it says.
    fn visit(&mut self, market: usize, now: MonoNs, order: Option<&Order>) {
        let mut heard = Heard::default();
        match order {
            Some(order) => self.markets[market].submit(now, order, &mut heard),
            None => self.markets[market].step(now, &mut heard),
        }
        let back = now.after(self.delay);
        for event in heard.news {
            let received = back;
            self.answers.push_back((back, OrderEvent { received, ..event }));
        }
        // What is told at once is one batch: nobody trades a new price against an old one.
        let is_new = |row: &usize| {
            let (of, listing) = &self.listings[*row];
            *of == market && heard.changed.contains(listing)
        };
        let rows: Vec<_> = (0..self.listings.len()).filter(is_new).collect();
        for (place, row) in rows.iter().enumerate() {
            let quote = self.quote(*row, now);
            let more = place + 1 < rows.len();
            self.tell(now, Event::Quote { quote: &quote, more });
        }
    }

    fn quote(&self, row: usize, now: MonoNs) -> Quote {
        let (market, listing) = self.listings[row];
        let feed = self.config.instruments[row].feed;
        let (shown, _) = self.markets[market].published(listing).expect("it is listed");
        Quote {
            received: now,
            exchange: UnixNs(now.0),
            instrument: InstrumentIndex(row as u32),
            epoch: 1,
            packet_seq_no: 1,
            stream: StreamId(self.config.feeds[feed].stream_id.value),
            quality: QuoteQuality::Good,
            bids: depth(shown, Side::Buy),
            asks: depth(shown, Side::Sell),
            ..Quote::EMPTY
        }
    }

    fn send(&mut self, now: MonoNs, command: &OrderCommand) {
        assert_eq!(command.action, OrderAction::New, "nothing rests, so nothing is cancelled");
        let (market, listing) = self.listings[command.instrument.0 as usize];
        let order = Order {
            account: ACCOUNT,
            client_id: command.order_id.0,
            listing,
            side: command.side,
            price: Price::Limit(command.price_e9),
            time_in_force: command.time_in_force,
            lots: command.qty_lots,
            min_lots: 0,
            effect: command.effect,
        };
        self.visit(market, now, Some(&order));
    }

    /// Yuan that all legs have brought, fees taken off; what is open at the middle of the book.
    fn profit(&self) -> i128 {
        let of_row = |(row, (market, listing)): (usize, &(usize, ListingIndex))| {
            let engine = self.markets[*market].engine(*listing).expect("it is listed");
            let best = |side| engine.best(side).expect("somebody quotes");
            let middle = (best(Side::Buy) + best(Side::Sell)) / 2;
            let holding = self.markets[*market].accounts().holding(ACCOUNT, *listing);
            let profit = holding.profit_e9(engine.listing(), middle);
            let is_dollars = self.config.instruments[row].currency == "USD";
            if is_dollars { profit * 71 / 10 } else { profit }
        };
        self.listings.iter().enumerate().map(of_row).sum::<i128>() / 1_000_000_000
    }

    fn halted(&self) -> usize {
        let spreads = self.desk.spreads().iter();
        spreads.filter(|row| row.state == SpreadState::Halted).count()
    }

    fn assert_agrees(&self) {
        for (row, (market, listing)) in self.desk.instruments().iter().zip(&self.listings) {
            let holding = self.markets[*market].accounts().holding(ACCOUNT, *listing);
            assert_eq!(row.exposure.position_lots, holding.net_lots(), "{listing:?} of {market}");
        }
    }

    fn summary(&self) -> String {
        let Tally { round_trips, fires, unaligned, refusals } = &self.tally;
        let (halted, profit) = (self.halted(), self.profit());
        format!(
            "{round_trips:?} round trips, {fires} fires, {unaligned} unaligned, {halted} halted, \
             {profit} CNY, refused: {refusals:?}"
        )
    }
}

fn depth(shown: &Shown, side: Side) -> Depth {
    let mut depth = if side == Side::Buy { Depth::NO_BIDS } else { Depth::NO_ASKS };
    let slots = depth.price_e9.iter_mut().zip(&mut depth.lots);
    for ((price_e9, lots), rung) in slots.zip(shown.side(side)).take(QUOTE_LEVELS) {
        (*price_e9, *lots) = (rung.price_e9, rung.lots);
        depth.count += 1;
    }
    depth
}

/// Twenty seconds of the demonstration's configuration.
fn twenty_seconds(seed: u64, delay: Span) -> Live {
    let mut live = Live::new(seed, delay);
    live.run_until(MonoNs(20 * SECOND));
    // What is on its way arrives.
    let (orders, answers) = (live.orders.len(), live.answers.len());
    if orders + answers == 0 {
        live.assert_agrees();
    }
    println!("seed {seed}, {} us: {}", delay.0 / 1_000, live.summary());
    live
}

#[test]
fn the_demonstration_makes_round_trips_in_every_pair() {
    let runs: Vec<_> = (0..6).map(|seed| twenty_seconds(seed, Span(300_000))).collect();
    let mut limited = 0;
    for live in runs {
        let trips = &live.tally.round_trips;
        assert!(trips.iter().sum::<u32>() >= 100, "{}", live.summary());
        assert!(trips.iter().all(|trips| *trips >= 2), "{}", live.summary());
        assert_eq!((live.tally.unaligned, live.halted()), (0, 0), "{}", live.summary());
        assert!(live.profit() > 0, "{}", live.summary());
        let gates = ["position", "account_position", "instrument_rate", "open_orders"];
        limited += gates.iter().filter_map(|gate| live.tally.refusals.get(gate)).sum::<u32>();
    }
    assert!(limited > 0, "limits are met now and then");
}

/// Answers that come ten milliseconds after the question, as on a machine that is busy.
#[test]
fn a_slow_demonstration_makes_them_too() {
    let runs: Vec<_> = (0..6).map(|seed| twenty_seconds(seed, Span(5_000_000))).collect();
    for live in runs {
        assert!(live.tally.round_trips.iter().sum::<u32>() >= 60, "{}", live.summary());
        assert!(live.halted() <= 1, "{}", live.summary());
    }
}

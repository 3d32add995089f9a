//! A desk with two instruments and one spread of 1 : -1, ready to trade.

use cross_market_connect::engine::memory::{DeskMemory, DeskSize};
use xmc_hotpath::desk::{Desk, Outputs};
use xmc_hotpath::message::{
    AccountId, AccountLimits, Alert, AlertKind, ChannelState, ChannelUpdate, CloseFirst, Command,
    CommandKind, Credits, Decision, Depth, DeskId, DeskIdentity, Detail, Ending, Event, Follow,
    GatewayIndex, GatewayLimits, HedgeFlag, Input, InstrumentIndex, InstrumentSpec, LegSpec,
    LegsFirst, LossSpec, OffsetRule, OrderCommand, OrderEvent, OrderEventKind, ProjectId, Quote,
    QuoteQuality, Repair, RepairSpec, Scope, SessionState, SessionUpdate, Side, SiteId,
    SpreadIndex, SpreadSpec, StrategyId, StreamId, TimeInForce, TriggerSpec, WorkSpec,
};
use xmc_hotpath::price::{NO_ASK_E9, NO_BID_E9, ONE_Q32};
use xmc_hotpath::time::{MonoNs, Span, UnixNs};

pub const IDENTITY: DeskIdentity = DeskIdentity { site: SiteId(1), desk: DeskId(2), run: 3 };
pub const FEED: StreamId = StreamId(5);
pub const SESSION: StreamId = StreamId(9);
/// The deadline of the spread's fires.
pub const ACK_TIMEOUT: Span = Span(1_000_000);
/// One price unit.
pub const ONE_E9: i64 = 1_000_000_000;

/// The stand. Times are given by the test, in nanoseconds.
pub struct Stand {
    desk: Desk<'static>,
    pub outputs: Outputs,
    pub now: u64,
    pub credits: Credits,
}

pub fn instrument(row: u32) -> InstrumentSpec {
    InstrumentSpec {
        instrument: InstrumentIndex(row),
        feed: FEED,
        gateway: GatewayIndex(0),
        is_tradable: true,
        security_id: 100 + i32::try_from(row).expect("a small number"),
        tick_e9: ONE_E9,
        multiplier_e9: ONE_E9,
        max_order_lots: 1_000,
        max_order_value: i64::MAX,
        max_position_lots: 1_000,
        min_price_e9: i64::MIN,
        max_price_e9: i64::MAX,
        collar_e9: i64::MAX,
        collar_fraction_e9: i64::MAX,
        max_open_orders: 100,
        max_messages: 127,
        rate_window: Span(1),
        offset_rule: OffsetRule::Net,
        close_first: CloseFirst::Yesterday,
    }
}

/// Buys leg 0 and sells leg 1 at a difference of at most 0, closes at 10 or more.
pub fn spread() -> SpreadSpec {
    let leg = |row, sign: i32| LegSpec {
        instrument: InstrumentIndex(row),
        ratio_lots: sign,
        coefficient_q32: i64::from(sign) * ONE_Q32,
        pay_up_e9: 0,
        min_lean_lots: 0,
    };
    SpreadSpec {
        spread: SpreadIndex(0),
        strategy: StrategyId(1),
        account: AccountId(1),
        project: ProjectId(1),
        is_enabled: true,
        leg_count: 2,
        legs: [leg(0, 1), leg(1, -1), LegSpec::NONE, LegSpec::NONE],
        constant_e9: 0,
        trigger: TriggerSpec::PLAIN,
        buy_open_e9: 0,
        buy_close_e9: 10 * ONE_E9,
        sell_open_e9: i64::MAX,
        sell_close_e9: i64::MIN,
        max_units: 1_000,
        clip_units: 1_000,
        hysteresis_e9: 0,
        cool_down: Span(0),
        max_fires: 63,
        fire_window: Span(1),
        max_quote_age: Span(u64::MAX),
        max_quote_skew: Span(u64::MAX),
        ack_timeout: ACK_TIMEOUT,
        time_in_force: TimeInForce::FillAndKill,
        hedge: HedgeFlag::Arbitrage,
        repair: RepairSpec::NONE,
        loss: LossSpec::NONE,
        legs_first: LegsFirst::Together,
        work: WorkSpec::NONE,
    }
}

pub fn account(account: AccountId) -> AccountLimits {
    AccountLimits {
        account,
        max_order_lots: 1_000,
        max_position_lots: 100_000,
        max_open_orders: 1_000,
        max_messages: 1_023,
        rate_window: Span(1),
    }
}

pub fn gateway() -> GatewayLimits {
    GatewayLimits {
        gateway: GatewayIndex(0),
        max_messages: 1_023,
        rate_window: Span(1),
        max_open_orders: 1_000,
        asks_status: false,
    }
}

impl Stand {
    /// Armed, channel live, session up, no quotes.
    pub fn new() -> Self {
        Self::with(&[instrument(0), instrument(1)], &spread())
    }

    pub fn with(instruments: &[InstrumentSpec], spread: &SpreadSpec) -> Self {
        Self::with_spreads(instruments, std::slice::from_ref(spread))
    }

    pub fn with_spreads(instruments: &[InstrumentSpec], spreads: &[SpreadSpec]) -> Self {
        let mut stand = Self::of(DeskSize {
            instruments: instruments.len(),
            spreads: spreads.len().max(2),
            orders: 16,
        });
        stand.tell(Event::Gateway(gateway()));
        stand.tell(Event::Account(account(AccountId(1))));
        stand.tell(Event::Account(account(AccountId::ALL)));
        for spec in instruments {
            stand.tell(Event::Instrument(spec));
        }
        for spec in spreads {
            stand.tell(Event::Spread(spec));
        }
        stand.session(SessionState::Up);
        stand.channel(ChannelState::Live, 1);
        stand.command(CommandKind::Arm);
        assert_eq!(stand.alerts(), [], "the stand is set up without complaints");
        stand
    }

    /// A desk that has been told nothing, with room for two spreads.
    pub fn empty(instruments: usize, orders: usize) -> Self {
        Self::of(DeskSize { instruments, spreads: 2, orders })
    }

    fn of(size: DeskSize) -> Self {
        let arenas = Box::leak(Box::new(DeskMemory::new(size)));
        Self {
            desk: Desk::new(IDENTITY, arenas.lend()),
            outputs: Outputs::new(),
            now: 1_000,
            credits: Credits::FULL,
        }
    }

    pub fn desk(&self) -> &Desk<'static> {
        &self.desk
    }

    /// One input, a nanosecond after the last.
    pub fn tell(&mut self, event: Event<'_>) {
        self.now += 1;
        let input = Input { now: MonoNs(self.now), credits: self.credits, event };
        self.desk.on(&input, &mut self.outputs);
    }

    pub fn tick_after(&mut self, span: Span) {
        self.now += span.0;
        self.tell(Event::Tick);
    }

    pub fn session(&mut self, state: SessionState) {
        self.tell(Event::Session(SessionUpdate {
            stream: SESSION,
            gateway: GatewayIndex(0),
            state,
        }));
    }

    pub fn channel(&mut self, state: ChannelState, epoch: u32) {
        self.tell(Event::Channel(ChannelUpdate {
            stream: FEED,
            state,
            epoch,
            packet_seq_no: 1,
            missing: 0,
        }));
    }

    /// A command about the whole desk if there is such a one, else about the first spread.
    pub fn command(&mut self, kind: CommandKind) {
        let scope = match kind {
            CommandKind::Arm | CommandKind::NoNew | CommandKind::Kill => Scope::All,
            CommandKind::Enable
            | CommandKind::Disable
            | CommandKind::ClearHalt
            | CommandKind::ClearDoubt
            | CommandKind::Remove => Scope::Spread(SpreadIndex(0)),
        };
        self.command_about(kind, scope);
    }

    /// A command.
    pub fn command_about(&mut self, kind: CommandKind, scope: Scope) {
        self.tell(Event::Command(Command { kind, scope, operator: 1, command_id: 1 }));
    }

    /// Removes the spread of a row.
    pub fn remove_row(&mut self, row: u32) {
        self.command_about(CommandKind::Remove, Scope::Spread(SpreadIndex(row)));
        assert_eq!(self.alerts(), [], "spread {row} is removed");
    }

    /// A book of one level a side, `lots` each.
    pub fn quote(&mut self, row: u32, bid: i64, ask: i64, lots: u32) {
        let quote = Quote { received: MonoNs(self.now), ..book(row, bid, ask, lots) };
        self.tell(Event::Quote { quote: &quote, more: false });
    }

    /// Quotes that make the spread open `lots` units long, and the two orders of that fire.
    pub fn open(&mut self, lots: u32) -> [OrderCommand; 2] {
        self.quote(1, 100, 101, lots);
        self.quote(0, 99, 100, lots);
        let orders: Vec<_> = self.outputs.orders().copied().collect();
        let [buy, sell] = orders[..] else {
            panic!("a fire of two orders, not {:?}", self.outputs);
        };
        assert_eq!((buy.qty_lots, sell.qty_lots), (lots, lots));
        [buy, sell]
    }

    /// News of `order`.
    pub fn news(&mut self, order: &OrderCommand, kind: OrderEventKind) {
        self.tell(Event::Order(news(order, kind)));
    }

    /// A fill of `order` at its limit.
    pub fn fill(&mut self, order: &OrderCommand, exec_id: u64, lots: u32, cum: u32) {
        self.tell(Event::Order(fill(order, exec_id, lots, cum)));
    }

    pub fn orders(&self) -> Vec<OrderCommand> {
        self.outputs.orders().copied().collect()
    }

    /// What the last input made of the first spread.
    pub fn decision(&self) -> Option<Decision> {
        self.outputs.details().find_map(|detail| match detail {
            Detail::Decision(decision) if decision.spread == SpreadIndex(0) => Some(*decision),
            _ => None,
        })
    }

    pub fn alerts(&self) -> Vec<AlertKind> {
        let alerts = self.outputs.details().filter_map(|detail| match detail {
            Detail::Alert(Alert { kind, .. }) => Some(*kind),
            _ => None,
        });
        alerts.collect()
    }

    pub fn ending(&self) -> Option<Ending> {
        self.outputs.details().find_map(|detail| match detail {
            Detail::Ending(ending) => Some(*ending),
            _ => None,
        })
    }

    /// What was said of repairs.
    pub fn repair(&self) -> Option<Repair> {
        self.outputs.details().find_map(|detail| match detail {
            Detail::Repair(repair) => Some(*repair),
            _ => None,
        })
    }

    /// What was said of legs that wait for another one.
    pub fn follows(&self) -> Vec<Follow> {
        let told = self.outputs.details().filter_map(|detail| match detail {
            Detail::Follow(follow) => Some(*follow),
            _ => None,
        });
        told.collect()
    }

    /// Position and reservations of an instrument.
    pub fn exposure(&self, row: usize) -> (i64, i64, i64) {
        let held = self.desk.instruments()[row].exposure;
        (held.position_lots, held.live_buy_lots, held.live_sell_lots)
    }
}

pub fn book(row: u32, bid: i64, ask: i64, lots: u32) -> Quote {
    let mut bids = Depth { price_e9: [NO_BID_E9; 5], lots: [0; 5], count: 1 };
    let mut asks = Depth { price_e9: [NO_ASK_E9; 5], lots: [0; 5], count: 1 };
    (bids.price_e9[0], bids.lots[0]) = (bid * ONE_E9, lots);
    (asks.price_e9[0], asks.lots[0]) = (ask * ONE_E9, lots);
    Quote {
        instrument: InstrumentIndex(row),
        epoch: 1,
        stream: FEED,
        quality: QuoteQuality::Good,
        bids,
        asks,
        ..Quote::EMPTY
    }
}

pub fn news(order: &OrderCommand, kind: OrderEventKind) -> OrderEvent {
    OrderEvent {
        kind,
        order_id: order.order_id,
        venue_order_id: 77,
        exec_id: 0,
        stream: SESSION,
        seq_no: 1,
        side: order.side,
        price_e9: 0,
        qty_lots: 0,
        cum_lots: 0,
        leaves_lots: 0,
        reason: 0,
        exchange: UnixNs(0),
        received: MonoNs(0),
    }
}

pub fn fill(order: &OrderCommand, exec_id: u64, lots: u32, cum: u32) -> OrderEvent {
    OrderEvent {
        exec_id,
        price_e9: order.price_e9,
        qty_lots: lots,
        cum_lots: cum,
        leaves_lots: order.qty_lots.saturating_sub(cum),
        ..news(order, OrderEventKind::Filled)
    }
}

/// The other side.
pub fn other(side: Side) -> Side {
    side.opposite()
}

//! What a scene is played on: a desk, the market and venues that the script speaks for, and an eye
//! on everything that is sent and that stands open.

use std::collections::BTreeMap;

use xmc_hotpath::desk::{Desk, Outputs};
use xmc_hotpath::message::{
    AccountId, AccountLimits, ChannelState, ChannelUpdate, CloseFirst, Command, CommandKind,
    Credits, Depth, Detail, Event, Gate, GatewayIndex, GatewayLimits, HedgeFlag, Input,
    InstrumentIndex, InstrumentSpec, LegSpec, LegsFirst, LossSpec, OffsetRule, OrderAction,
    OrderCommand, OrderEvent, OrderEventKind, ProjectId, Quote, QuoteQuality, RepairEnd,
    RepairSpec, Scope, SessionState, SessionUpdate, SpreadIndex, SpreadSpec, StrategyId, StreamId,
    TimeInForce, TriggerSpec, WorkSpec,
};
use xmc_hotpath::price::ONE_Q32;
use xmc_hotpath::time::{MonoNs, Span, UnixNs};

use super::{EndedSpread, Played, Playing};
use crate::engine::memory::{DeskMemory, DeskSize};
use crate::sim::checker::{Checker, Violation};
use crate::sim::tape::{self, Tape};
use crate::sim::world::{IDENTITY, Watch};

/// 1 of a price.
pub const ONE_E9: i64 = 1_000_000_000;
/// A hundredth of it: the price step of every scene.
pub const TICK_E9: i64 = ONE_E9 / 100;
pub const MS: Span = Span(1_000_000);
pub const SECOND: Span = Span(1_000_000_000);

/// The domestic leg, and the one abroad.
pub const HOME: u32 = 0;
pub const ABROAD: u32 = 1;

const ACCOUNT: AccountId = AccountId(7);
const START: MonoNs = MonoNs(1_000_000);
/// A desk that asks for more ticks in a row than this asks for ever.
const MOST_TICKS: u32 = 1_000;

/// What a desk is told before a scene begins.
#[derive(Clone, Debug)]
pub struct Setting {
    pub instruments: Vec<InstrumentSpec>,
    pub spreads: Vec<SpreadSpec>,
    pub gateways: Vec<GatewayLimits>,
    pub accounts: Vec<AccountLimits>,
}

impl Setting {
    /// One instrument at home and one abroad, each with its own feed and venue, and a spread that
    /// buys one lot at home and sells one abroad: opened at 0 or below, closed at 5 or above.
    pub fn pair() -> Self {
        Self {
            instruments: vec![instrument(HOME), instrument(ABROAD)],
            spreads: vec![spread(0)],
            gateways: vec![gateway(0), gateway(1)],
            accounts: vec![account(ACCOUNT), account(AccountId::ALL)],
        }
    }
}

fn gateway(row: u8) -> GatewayLimits {
    GatewayLimits {
        gateway: GatewayIndex(row),
        max_messages: 1_000,
        rate_window: SECOND,
        max_open_orders: 50,
        asks_status: true,
    }
}

fn account(account: AccountId) -> AccountLimits {
    AccountLimits {
        account,
        max_order_lots: 200,
        max_position_lots: 1_000,
        max_open_orders: 50,
        max_messages: 1_000,
        rate_window: SECOND,
    }
}

fn instrument(row: u32) -> InstrumentSpec {
    InstrumentSpec {
        instrument: InstrumentIndex(row),
        feed: feed(row),
        gateway: GatewayIndex(u8::try_from(row).expect("two venues")),
        is_tradable: true,
        security_id: 100 + i32::try_from(row).expect("two instruments"),
        tick_e9: TICK_E9,
        multiplier_e9: 1_000 * ONE_E9,
        max_order_lots: 200,
        max_order_value: 1_000_000_000,
        max_position_lots: 500,
        min_price_e9: i64::MIN,
        max_price_e9: i64::MAX,
        collar_e9: ONE_E9,
        collar_fraction_e9: i64::MAX,
        max_open_orders: 20,
        max_messages: 100,
        rate_window: SECOND,
        offset_rule: OffsetRule::Net,
        close_first: CloseFirst::Yesterday,
    }
}

/// A spread like the one of `pair`, by its row.
pub fn spread(row: u32) -> SpreadSpec {
    let leg = |row: u32, ratio_lots: i32| LegSpec {
        instrument: InstrumentIndex(row),
        ratio_lots,
        coefficient_q32: i64::from(ratio_lots) * ONE_Q32,
        pay_up_e9: TICK_E9,
        min_lean_lots: 0,
    };
    SpreadSpec {
        spread: SpreadIndex(row),
        strategy: StrategyId(row + 1),
        account: ACCOUNT,
        project: ProjectId(1),
        is_enabled: true,
        leg_count: 2,
        legs: [leg(HOME, 1), leg(ABROAD, -1), LegSpec::NONE, LegSpec::NONE],
        constant_e9: 0,
        buy_open_e9: 0,
        buy_close_e9: 5 * ONE_E9,
        sell_open_e9: i64::MAX,
        sell_close_e9: i64::MIN,
        max_units: 10,
        clip_units: 1,
        hysteresis_e9: 0,
        cool_down: Span(0),
        max_fires: 60,
        fire_window: SECOND,
        max_quote_age: Span(3 * SECOND.0),
        max_quote_skew: Span(3 * SECOND.0),
        ack_timeout: Span(50 * MS.0),
        time_in_force: TimeInForce::FillAndKill,
        hedge: HedgeFlag::Arbitrage,
        repair: RepairSpec {
            tries: 3,
            then: RepairEnd::Halt,
            within: SECOND,
            max_cost_e9: i64::MAX,
            money_q32: ONE_Q32,
            ..RepairSpec::NONE
        },
        loss: LossSpec::NONE,
        legs_first: LegsFirst::Together,
        work: WorkSpec::NONE,
        trigger: TriggerSpec::PLAIN,
    }
}

fn feed(row: u32) -> StreamId {
    StreamId(1 + u16::try_from(row).expect("two feeds"))
}

/// An order that was sent, and what its venue has done with it.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    pub order: OrderCommand,
    cum: u32,
}

/// The desk of one scene.
pub struct Table<'a, 'w> {
    setting: &'a Setting,
    watch: &'a mut Watch<'w>,
    pub desk: Desk<'a>,
    outputs: Outputs,
    checker: Checker,
    tape: Tape,
    pub now: MonoNs,
    /// New orders that the script has not taken yet.
    fresh: Vec<Sent>,
    executions: u64,
    /// The last refusal that was told, by spread.
    refused: BTreeMap<SpreadIndex, Gate>,
    /// Since when things go wrong.
    wrong_since: Option<MonoNs>,
    pub played: Played,
}

/// Plays one script on a table of its own.
pub fn play(
    setting: &Setting,
    script: fn(&mut Table<'_, '_>) -> Result<(), Violation>,
    watch: &mut Watch<'_>,
) -> Playing {
    let size = DeskSize {
        instruments: setting.instruments.len(),
        spreads: setting.spreads.len(),
        orders: 64,
    };
    let mut arenas = DeskMemory::new(size);
    let mut table = Table::new(setting, &mut arenas, watch);
    let outcome = table.set_up().and_then(|()| script(&mut table)).and_then(|()| table.end());
    let (record, inputs) = (table.tape.bytes().to_vec(), table.played.inputs);
    let (played, at) = (table.ended(), table.now);
    drop(table);
    let mut arenas = DeskMemory::new(size);
    let mut desk = Desk::new(IDENTITY, arenas.lend());
    let replayed = tape::replay(&record, size.instruments, &mut desk).and_then(|replayed| {
        let what = || format!("{replayed} of {inputs} inputs were replayed");
        (replayed == inputs).then_some(()).ok_or_else(what)
    });
    let replayed = replayed.map_err(|what| Violation { invariant: "S15", at, what });
    let start = tape::start(IDENTITY, size, START);
    Playing { played, failure: outcome.and(replayed).err(), start, record }
}

impl<'a, 'w> Table<'a, 'w> {
    fn new(setting: &'a Setting, arenas: &'a mut DeskMemory, watch: &'a mut Watch<'w>) -> Self {
        Self {
            setting,
            watch,
            desk: Desk::new(IDENTITY, arenas.lend()),
            outputs: Outputs::new(),
            checker: Checker::default(),
            tape: Tape::new(IDENTITY, setting.instruments.len()),
            now: START,
            fresh: Vec::new(),
            executions: 0,
            refused: BTreeMap::new(),
            wrong_since: None,
            played: Played::default(),
        }
    }

    fn set_up(&mut self) -> Result<(), Violation> {
        let setting = self.setting;
        for limits in &setting.gateways {
            self.tell(Event::Gateway(*limits))?;
            self.session(limits.gateway.0, SessionState::Up)?;
        }
        for limits in &setting.accounts {
            self.tell(Event::Account(*limits))?;
        }
        for spec in &setting.instruments {
            self.tell(Event::Instrument(spec))?;
            self.channel(spec.instrument.0, ChannelState::Live)?;
        }
        for spec in &setting.spreads {
            self.tell(Event::Spread(spec))?;
        }
        self.command(CommandKind::Arm)
    }

    /// Gives the desk an input and looks at what follows.
    pub fn tell(&mut self, event: Event<'_>) -> Result<(), Violation> {
        self.now = self.now.after(Span(100));
        let input = Input { now: self.now, credits: Credits::FULL, event };
        self.desk.on(&input, &mut self.outputs);
        (self.watch)(&input, &self.outputs);
        self.tape.add(&input, &self.outputs);
        self.played.inputs += 1;
        self.count();
        self.checker.check(&input, &self.outputs, &self.desk)
    }

    fn count(&mut self) {
        let (is_wrong, played) = (self.wrong_since.is_some(), &mut self.played);
        for order in self.outputs.orders() {
            let is_new = order.action == OrderAction::New;
            if is_new {
                self.fresh.push(Sent { order: *order, cum: 0 });
            }
            match (is_new, is_wrong) {
                (true, true) => {
                    played.sent_after += 1;
                    played.lots_after += u64::from(order.qty_lots);
                }
                (true, false) => played.sent_before += 1,
                (false, true) => played.requests_after += 1,
                (false, false) => {}
            }
        }
        for detail in self.outputs.details().filter(|_| is_wrong) {
            match detail {
                Detail::Decision(told) => {
                    *played.gates.entry(told.gate).or_default() += 1;
                    // What was repeated is the refusal that was told before this decision.
                    if let Some(gate) = self.refused.get(&told.spread) {
                        *played.gates.entry(*gate).or_default() += u64::from(told.repeated);
                    }
                }
                Detail::Alert(told) => *played.alerts.entry(told.kind).or_default() += 1,
                Detail::State(_)
                | Detail::Ending(_)
                | Detail::Repair(_)
                | Detail::Follow(_)
                | Detail::Internal(_)
                | Detail::Ruling(_) => {}
            }
        }
        for detail in self.outputs.details() {
            if let Detail::Decision(told) = detail
                && told.gate != Gate::Passed
            {
                self.refused.insert(told.spread, told.gate);
            }
        }
        let (lots, money) = if is_wrong { self.open() } else { (0, 0) };
        self.played.worst_lots = self.played.worst_lots.max(lots);
        self.played.worst_money = self.played.worst_money.max(money);
    }

    /// Lots that stand outside the ratio, and what they are worth: those left over, and those that
    /// a fire has filled on one leg and not yet on the other.
    fn open(&self) -> (u64, u64) {
        let (mut lots, mut money_e18) = (0, 0);
        for row in self.desk.spreads() {
            let Some(spec) = &row.spec else { continue };
            for (leg, number) in spec.legs().iter().zip(0..) {
                // Every scene trades one lot of each leg.
                let filled = row.fire.map_or(0, |fire| {
                    let done = fire.filled_lots.iter().take(usize::from(spec.leg_count)).min();
                    fire.filled_lots[number] - done.copied().unwrap_or(0)
                });
                let left = row.residual_lots[number].unsigned_abs() + u64::from(filled);
                let instrument = &self.desk.instruments()[leg.instrument.0 as usize];
                let price_e9 = instrument.quote.bids.best_e9();
                let multiplier_e9 = instrument.spec.map_or(0, |spec| spec.multiplier_e9);
                let lot_e18 = u128::from(price_e9.unsigned_abs()) * multiplier_e9 as u128;
                lots += left;
                money_e18 += lot_e18 * u128::from(left);
            }
        }
        (lots, u64::try_from(money_e18 / 1_000_000_000_000_000_000).unwrap_or(u64::MAX))
    }

    /// From here on things go wrong.
    pub fn goes_wrong(&mut self) {
        self.wrong_since = Some(self.now);
    }

    /// Fails the scene unless `holds`.
    pub fn ensure(&self, holds: bool, what: impl FnOnce() -> String) -> Result<(), Violation> {
        if holds {
            return Ok(());
        }
        Err(Violation { invariant: "scene", at: self.now, what: what() })
    }

    /// Lets time pass, and the desk's deadlines come.
    pub fn wait(&mut self, span: Span) -> Result<(), Violation> {
        let until = self.now.after(span);
        for _ in 0..MOST_TICKS {
            let deadline = self.desk.next_deadline();
            if deadline > until {
                self.now = self.now.max(until);
                return Ok(());
            }
            self.now = self.now.max(deadline);
            self.tell(Event::Tick)?;
        }
        let what = format!("{MOST_TICKS} ticks in a row, and it asks for more");
        Err(Violation { invariant: "L1", at: self.now, what })
    }

    /// All deadlines have passed: nothing happens any more.
    fn end(&mut self) -> Result<(), Violation> {
        while self.desk.next_deadline() != MonoNs::NEVER {
            let deadline = self.desk.next_deadline();
            self.wait(deadline.since(self.now))?;
        }
        self.checker.at_rest()
    }

    fn ended(&self) -> Played {
        let end = |row: &xmc_hotpath::desk::Spread| EndedSpread {
            state: row.state.word(),
            units: row.position_units,
            residual_lots: row.residual_lots[..2].to_vec(),
            is_firing: row.fire.is_some(),
        };
        Played {
            state: Some(self.desk.state()),
            spreads: self.desk.spreads().iter().map(end).collect(),
            lasted_s: self.now.since(START).0 / SECOND.0,
            ..self.played.clone()
        }
    }

    pub fn command(&mut self, kind: CommandKind) -> Result<(), Violation> {
        let (scope, command_id) = (Scope::All, self.played.inputs);
        self.tell(Event::Command(Command { kind, scope, operator: 1, command_id }))
    }

    pub fn channel(&mut self, row: u32, state: ChannelState) -> Result<(), Violation> {
        let (stream, epoch) = (feed(row), 1);
        let update = ChannelUpdate { stream, state, epoch, packet_seq_no: 1, missing: 0 };
        self.tell(Event::Channel(update))
    }

    pub fn session(&mut self, row: u8, state: SessionState) -> Result<(), Violation> {
        let stream = StreamId(10 + u16::from(row));
        self.tell(Event::Session(SessionUpdate { stream, gateway: GatewayIndex(row), state }))
    }

    /// One leg's book: a bid, an ask one step above it, and so many lots at each.
    pub fn quote(&mut self, row: u32, bid_e9: i64, lots: u32) -> Result<(), Violation> {
        let quote = self.book(row, bid_e9, lots);
        self.tell(Event::Quote { quote: &quote, more: false })
    }

    /// Both books at once.
    pub fn quotes(&mut self, home_e9: i64, abroad_e9: i64, lots: u32) -> Result<(), Violation> {
        let (home, abroad) = (self.book(HOME, home_e9, lots), self.book(ABROAD, abroad_e9, lots));
        self.tell(Event::Quote { quote: &home, more: true })?;
        self.tell(Event::Quote { quote: &abroad, more: false })
    }

    fn book(&self, row: u32, bid_e9: i64, lots: u32) -> Quote {
        let (mut bids, mut asks) = (Depth::NO_BIDS, Depth::NO_ASKS);
        (bids.price_e9[0], bids.lots[0], bids.count) = (bid_e9, lots, 1);
        (asks.price_e9[0], asks.lots[0], asks.count) = (bid_e9 + TICK_E9, lots, 1);
        Quote {
            received: self.now,
            exchange: UnixNs(0),
            instrument: InstrumentIndex(row),
            epoch: 1,
            packet_seq_no: u32::try_from(self.played.inputs).unwrap_or(u32::MAX),
            skipped: 0,
            stream: feed(row),
            quality: QuoteQuality::Good,
            bids,
            asks,
        }
    }

    /// The orders that were sent since this was last asked.
    pub fn sent(&mut self) -> Vec<Sent> {
        std::mem::take(&mut self.fresh)
    }

    /// The two orders of a fire, home first; fails if there are others.
    pub fn fired(&mut self) -> Result<[Sent; 2], Violation> {
        let sent = self.sent();
        let what = format!("a fire of two orders, and {} were sent", sent.len());
        <[Sent; 2]>::try_from(sent).map_err(|_| Violation {
            invariant: "scene",
            at: self.now,
            what,
        })
    }

    /// Fills all orders that were sent since, whole.
    pub fn fill_all(&mut self) -> Result<(), Violation> {
        for mut sent in self.sent() {
            self.fill(&mut sent, u32::MAX)?;
        }
        Ok(())
    }

    pub fn fill(&mut self, sent: &mut Sent, lots: u32) -> Result<(), Violation> {
        self.executions += 1;
        let lots = lots.min(sent.order.qty_lots - sent.cum);
        sent.cum += lots;
        let event = OrderEvent {
            exec_id: self.executions,
            price_e9: sent.order.price_e9,
            qty_lots: lots,
            ..self.report(sent, OrderEventKind::Filled)
        };
        self.tell(Event::Order(event))
    }

    /// Takes so many lots of what was filled back.
    pub fn bust(&mut self, sent: &mut Sent, lots: u32) -> Result<(), Violation> {
        self.executions += 1;
        sent.cum -= lots;
        let event = OrderEvent {
            exec_id: self.executions,
            qty_lots: lots,
            ..self.report(sent, OrderEventKind::Busted)
        };
        self.tell(Event::Order(event))
    }

    pub fn news(&mut self, sent: &Sent, kind: OrderEventKind) -> Result<(), Violation> {
        let event = self.report(sent, kind);
        self.tell(Event::Order(event))
    }

    fn report(&self, sent: &Sent, kind: OrderEventKind) -> OrderEvent {
        OrderEvent {
            kind,
            order_id: sent.order.order_id,
            venue_order_id: sent.order.order_id.0,
            exec_id: 0,
            stream: StreamId(10 + u16::from(sent.order.gateway.0)),
            seq_no: 0,
            side: sent.order.side,
            price_e9: 0,
            qty_lots: 0,
            cum_lots: sent.cum,
            leaves_lots: sent.order.qty_lots - sent.cum,
            reason: 1,
            exchange: UnixNs(0),
            received: self.now,
        }
    }
}

//! What a desk ought to know and hold, kept slowly and apart from the desk: from the inputs that it
//! was given and the outputs that it gave, by the rules as they are written down.
//!
//! The checker compares the desk with it after every event. Nothing here is taken from the desk's
//! own fields.

mod breaker;
mod command;
mod fire;
pub(super) mod lead;
mod lots;
mod remove;
pub mod rule;

pub use breaker::{ModelBreakers, Trip};
pub use fire::{ModelFire, Ratio, cost, worst_price};
pub use lots::ModelLots;

use std::collections::{BTreeMap, BTreeSet};

use xmc_hotpath::message::{
    AccountId, AccountLimits, AlertKind, BreakerKind, ChannelState, ClockScale, Detailing, Event,
    Finding, FindingKind, Follow, GatewayLimits, Hours, InstrumentIndex, InstrumentSpec, Intent,
    Keeper, MAX_GATEWAYS, MAX_LEGS, OrderAction, OrderCommand, OrderEvent, OrderEventKind, OrderId,
    Quote, SafeState, SessionState, Side, Sizing, SpreadIndex, SpreadSpec, UserRule,
};
use xmc_hotpath::time::MonoNs;

/// One order as the model has it.
#[derive(Clone, Debug)]
pub struct ModelOrder {
    /// The command that made it.
    pub command: OrderCommand,
    /// When.
    pub sent: MonoNs,
    /// Lots that it is for: fewer after a bust, or when the venue has cancelled the rest.
    pub qty: u32,
    /// Lots filled.
    pub filled: u32,
    /// It may still fill.
    pub is_live: bool,
    /// The desk has said that nobody can tell what became of it.
    pub is_unknown: bool,
    /// Nobody waits for the venue's first word about it.
    pub is_answered: bool,
    /// The venue has said something of it.
    pub has_word: bool,
    /// Cancels sent for it.
    pub cancels: u32,
    /// The last of them came back unsent.
    pub is_cancel_due: bool,
    /// When something has to be done about it if nothing is known of it by then.
    pub due: MonoNs,
    /// That moment has been once; at the next one nobody can tell of it.
    pub was_due: bool,
    /// Its lots count as held from the start.
    pub opens: bool,
    /// It does what its fire is for; if not, it trades back.
    pub is_toward: bool,
    /// Its spread has been removed.
    pub is_orphan: bool,
    execs: BTreeSet<u64>,
    busts: BTreeSet<u64>,
}

impl ModelOrder {
    /// Lots that may still fill.
    pub fn open(&self) -> u32 {
        if self.is_live { self.qty.saturating_sub(self.filled) } else { 0 }
    }
}

/// One spread as the model has it.
#[derive(Clone, Debug)]
pub struct ModelSpread {
    /// What it is made of.
    pub spec: SpreadSpec,
    /// Whether it may fire.
    pub is_enabled: bool,
    /// Something went wrong and no command has cleared it.
    pub is_halted: bool,
    /// It was killed by name, or by something that it has in common with others.
    pub is_killed: bool,
    /// A breaker has tripped, or a command has come, that leaves it closing only.
    pub is_reducing: bool,
    /// Its breakers, if it was told any.
    pub breakers: Option<ModelBreakers>,
    /// Units held.
    pub units: i64,
    /// Lots held beyond the units, per leg.
    pub residual: [i64; MAX_LEGS],
    /// Fires that have ended whole, with something done.
    pub traded: u64,
    /// The fire that has not ended.
    pub fire: Option<ModelFire>,
    /// When it fired, and what for.
    pub fires: Vec<(MonoNs, Intent)>,
    /// Intents whose level has fired and that the value has not left since.
    pub spent: BTreeSet<Intent>,
    /// Intents whose level was met at the last quote of a leg, and at all others since when.
    pub met: BTreeMap<Intent, MonoNs>,
    /// The last order that was sent to rest, and when its market was quoted when that had gone.
    pub rested: Option<(OrderCommand, Option<MonoNs>)>,
    /// The fire that ended last.
    pub ended: Option<ModelFire>,
    /// The rule that has it open nothing, and until when.
    pub cools: Option<(u8, MonoNs)>,
}

/// One instrument as the model has it.
#[derive(Clone, Debug)]
pub struct ModelInstrument {
    /// Contract data.
    pub spec: InstrumentSpec,
    /// The last quote.
    pub quote: Quote,
    /// Lots sold to the bids of that quote.
    pub taken_bids: u32,
    /// Lots bought from its asks.
    pub taken_asks: u32,
    /// Net lots by what the desk was told.
    pub position: i64,
    /// Of these, lots that came with what the venue said is held.
    pub carried: i64,
    /// Lots held, bought and sold apart.
    pub long: ModelLots,
    /// Lots sold and not bought.
    pub short: ModelLots,
}

/// A fire that ended with this event, as the model says it should be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelEnding {
    /// Whose.
    pub spread: SpreadIndex,
    /// Lots filled, per leg.
    pub filled: [u32; MAX_LEGS],
    /// Units done by all legs.
    pub done: u32,
    /// Nothing is left over.
    pub is_aligned: bool,
    /// When it started.
    pub started: MonoNs,
    /// Repairs that were sent.
    pub tries: u8,
}

impl ModelEnding {
    /// It was out of ratio and is not any more.
    pub fn is_repaired(&self) -> bool {
        self.is_aligned && self.tries > 0
    }
}

/// The model.
#[derive(Debug, Default)]
pub struct Model {
    /// Every order ever made.
    pub orders: BTreeMap<u64, ModelOrder>,
    /// The orders that may still fill.
    pub live: BTreeSet<u64>,
    /// The order that holds each slot of the arena: an older one of the slot is forgotten.
    slots: BTreeMap<u64, u64>,
    /// By row.
    pub instruments: BTreeMap<u32, ModelInstrument>,
    /// By row.
    pub spreads: BTreeMap<u32, ModelSpread>,
    /// By stream: state and epoch.
    pub channels: BTreeMap<u16, (ChannelState, u32)>,
    /// By row.
    pub sessions: [Option<SessionState>; MAX_GATEWAYS],
    /// By row.
    pub limits: [Option<GatewayLimits>; MAX_GATEWAYS],
    /// By account; `AccountId::ALL` is the whole desk.
    pub accounts: BTreeMap<AccountId, AccountLimits>,
    /// Lots of all legs that an account has opened or may come to have, and not closed.
    pub gross: BTreeMap<AccountId, i64>,
    /// Every message sent, and when.
    pub messages: Vec<(MonoNs, OrderCommand)>,
    /// Questions how an order stands among them.
    pub asks: u64,
    /// The desk's safe state as its details say; `None` before the first one.
    pub safe: Option<SafeState>,
    /// A kill was ordered.
    pub is_killed: bool,
    /// What is told in detail.
    pub detailing: Detailing,
    /// When instruments may be traded, by row; one that is not there always.
    pub hours: BTreeMap<u32, Hours>,
    /// Instruments that nothing may be opened with, by row, and what was found of them.
    pub doubted: BTreeSet<(u32, FindingKind)>,
    /// How much is opened while a channel has one line only, if that was told.
    pub sizing: Option<Sizing>,
    /// Alerts by kind.
    pub alerts: BTreeMap<AlertKind, u64>,
    /// Lots that came outside any reservation, by instrument: late, too many, taken back.
    pub surprises: BTreeSet<u32>,
    /// Spreads that were to be removed, and what kept them if anything did.
    pub removals: Vec<Option<Keeper>>,
    /// Lots traded or taken back by orders of spreads that were removed since.
    pub orphan_news: u64,
    /// Breakers that should have tripped with this input.
    pub trips: Vec<Trip>,
    /// This input told a fill that cannot be.
    pub is_impossible: bool,
    /// This input told a fill that was not told before.
    pub is_new_fill: bool,
    /// Legs that wait no more since this input, and why; what held them back is left out.
    pub waived: Vec<Follow>,
    /// News of orders that the desk does not know any more, or never did.
    pub strangers: u64,
    /// Spreads of which a leg was quoted, that were told or that have fired, and that have not been
    /// looked at since.
    pub touched: BTreeSet<u32>,
    /// Lots closed or taken back that were not there.
    pub unknown_lots: u64,
    /// By spread and place.
    pub rules: BTreeMap<(u32, u8), UserRule>,
    /// The clock against UTC, as it was told last.
    pub clock: Option<ClockScale>,
}

/// The slot of the arena, as `OrderId` lays it out.
fn slot(id: OrderId) -> u64 {
    id.0 & 0xfff
}

impl Model {
    /// The safe state.
    pub fn safe(&self) -> SafeState {
        self.safe.unwrap_or(SafeState::NoNew)
    }

    /// The order that the desk still knows by `id`.
    pub fn known(&self, id: OrderId) -> Option<&ModelOrder> {
        let is_latest = self.slots.get(&slot(id)) == Some(&id.0);
        is_latest.then(|| self.orders.get(&id.0)).flatten()
    }

    /// Lots reserved in an instrument, for orders to come too: bought, sold, and orders.
    pub fn reserved(&self, instrument: u32) -> (i64, i64, u16) {
        let ((mut buys, mut sells), mut count) = (self.kept(instrument), 0);
        for id in &self.live {
            let order = &self.orders[id];
            if order.command.instrument.0 != instrument {
                continue;
            }
            count += 1;
            match order.command.side {
                Side::Buy => buys += i64::from(order.open()),
                Side::Sell => sells += i64::from(order.open()),
            }
        }
        (buys, sells, count)
    }

    /// Takes in an input. Returns the fires that it ended.
    pub fn input(&mut self, now: MonoNs, event: &Event<'_>) -> Vec<ModelEnding> {
        self.surprises.clear();
        self.waived.clear();
        (self.is_impossible, self.is_new_fill) = (false, false);
        match event {
            Event::Quote { quote, .. } => self.quote(quote),
            Event::Channel(update) => {
                self.channels.insert(update.stream.0, (update.state, update.epoch));
            }
            Event::Order(event) => return self.order_event(now, event).into_iter().collect(),
            Event::Session(update) => {
                self.sessions[usize::from(update.gateway.0)] = Some(update.state);
            }
            Event::Instrument(spec) => self.instrument(spec),
            Event::Spread(spec) => self.spread(spec),
            Event::Gateway(limits) => {
                self.limits[usize::from(limits.gateway.0)] = Some(*limits);
            }
            Event::Account(limits) => {
                self.accounts.insert(limits.account, *limits);
            }
            Event::Held(held) => self.held(held),
            Event::Carried(_) => unreachable!("the simulator begins its runs with nothing"),
            Event::Command(command) => self.command(command),
            Event::Detailing(detailing) => self.detailing = *detailing,
            Event::Hours(hours) => {
                self.hours.insert(hours.instrument.0, *hours);
            }
            Event::Finding(Finding { instrument: InstrumentIndex::NONE, .. }) => {}
            Event::Finding(finding) => {
                let row = finding.instrument.0;
                match finding.kind {
                    FindingKind::BookDiffers | FindingKind::Frozen if finding.opens_nothing => {
                        self.doubted.insert((row, finding.kind));
                    }
                    FindingKind::Moves => {
                        self.doubted.remove(&(row, FindingKind::Frozen));
                    }
                    _ => {}
                }
            }
            Event::Sizing(sizing) => self.sizing = Some(*sizing),
            Event::Breakers(breakers) => self.breakers(breakers),
            Event::Rule(rule) => self.rule(rule),
            Event::Clock(scale) => self.clock = Some(*scale),
            Event::Instruction(_) | Event::Tick => {}
        }
        Vec::new()
    }

    fn quote(&mut self, quote: &Quote) {
        if let Some(row) = self.instruments.get_mut(&quote.instrument.0) {
            (row.quote, row.taken_bids, row.taken_asks) = (*quote, 0, 0);
            let has_leg = |spec: &SpreadSpec| {
                let mut legs = spec.legs.iter().take(spec.leg_count.into());
                legs.any(|leg| leg.instrument == quote.instrument)
            };
            let rows = self.spreads.iter().filter(|(_, row)| has_leg(&row.spec));
            self.touched.extend(rows.map(|(number, _)| *number));
        }
    }

    fn instrument(&mut self, spec: &InstrumentSpec) {
        let row = self.instruments.entry(spec.instrument.0).or_insert(ModelInstrument {
            spec: *spec,
            quote: Quote::EMPTY,
            taken_bids: 0,
            taken_asks: 0,
            position: 0,
            carried: 0,
            long: ModelLots::default(),
            short: ModelLots::default(),
        });
        row.spec = *spec;
    }

    fn spread(&mut self, spec: &SpreadSpec) {
        let row = self.spreads.entry(spec.spread.0).or_insert(ModelSpread {
            spec: *spec,
            is_enabled: spec.is_enabled,
            is_halted: false,
            is_killed: false,
            is_reducing: false,
            breakers: None,
            units: 0,
            residual: [0; MAX_LEGS],
            traded: 0,
            fire: None,
            fires: Vec::new(),
            spent: BTreeSet::new(),
            met: BTreeMap::new(),
            rested: None,
            ended: None,
            cools: None,
        });
        row.met.clear();
        self.touched.insert(spec.spread.0);
        row.spec = *spec;
        row.is_enabled = spec.is_enabled && !row.is_halted;
        row.is_reducing &= row.is_enabled;
    }

    fn order_event(&mut self, now: MonoNs, event: &OrderEvent) -> Option<ModelEnding> {
        let id = event.order_id;
        if self.known(id).is_none() {
            self.strangers += 1;
            return None;
        }
        self.answered(now, event);
        let order = self.orders.get_mut(&id.0)?;
        match event.kind {
            OrderEventKind::Filled => return self.fill(now, event),
            OrderEventKind::Busted => return self.bust(now, event),
            OrderEventKind::Corrected
            | OrderEventKind::Replaced
            | OrderEventKind::ReplaceRejected => {
                self.orphan_news += u64::from(order.is_orphan);
                let spread = order.command.spread.0;
                let fire = self.spreads.get_mut(&spread).and_then(|spread| spread.fire.as_mut());
                fire.into_iter().for_each(|fire| fire.may_repair = false);
            }
            // While its session is up, the desk waits for the next deadline.
            OrderEventKind::CancelNotSent if order.is_live => {
                let gateway = usize::from(order.command.gateway.0);
                order.is_cancel_due = self.sessions[gateway] != Some(SessionState::Up);
            }
            OrderEventKind::Cancelled if order.is_live => {
                if event.cum_lots > order.filled && event.cum_lots <= order.qty {
                    // Fills are missing: they stay reserved, the rest is free.
                    let gone = i64::from(order.qty - event.cum_lots);
                    order.qty = event.cum_lots;
                    let (account, opens) = (order.command.account, order.opens);
                    self.hold(account, if opens { -gone } else { 0 });
                } else {
                    return self.end(now, id);
                }
            }
            OrderEventKind::Rejected | OrderEventKind::NotSent if order.is_live => {
                return self.end(now, id);
            }
            _ => {}
        }
        None
    }

    fn fill(&mut self, now: MonoNs, event: &OrderEvent) -> Option<ModelEnding> {
        let order = self.orders.get_mut(&event.order_id.0)?;
        if event.exec_id != 0 && !order.execs.insert(event.exec_id) {
            return None;
        }
        self.is_new_fill = true;
        let (command, is_toward) = (order.command, order.is_toward);
        let is_ours = event.side == command.side;
        if event.qty_lots > order.open() || !is_ours {
            self.surprises.insert(command.instrument.0);
        }
        let is_worse = match command.side {
            Side::Buy => event.price_e9 > command.price_e9,
            Side::Sell => event.price_e9 < command.price_e9,
        };
        let is_too_much = order.filled + event.qty_lots > order.qty;
        self.is_impossible = is_worse || is_too_much || !is_ours || event.qty_lots == 0;
        let lots = i64::from(event.qty_lots);
        let unreserved = lots - lots.min(i64::from(order.open()));
        let more = if order.opens { unreserved } else { -lots };
        order.filled += event.qty_lots;
        let is_over = order.is_live && order.filled >= order.qty;
        self.hold(command.account, more);
        let signed = if event.side == Side::Buy { lots } else { -lots };
        if let Some(row) = self.instruments.get_mut(&command.instrument.0) {
            row.position += signed;
            let missing = row.fill(event.side, command.effect, event.qty_lots);
            self.unknown_lots += u64::from(missing);
        }
        if self.orders[&event.order_id.0].is_orphan {
            self.orphan_news += 1;
            return None;
        }
        let leg = usize::from(command.leg);
        let spread = self.spreads.get_mut(&command.spread.0)?;
        let mut worse = None;
        match &mut spread.fire {
            Some(fire) if fire.orders.contains(&event.order_id) && is_ours => {
                worse = Some(fire.is_worse(leg, event));
                let inside = fire.count(leg, is_toward, event.qty_lots);
                fire.pay(leg, event.side, event.price_e9, inside);
                let outside = i64::from(event.qty_lots - inside);
                spread.residual[leg] += signed.signum() * outside;
            }
            _ => spread.residual[leg] += signed,
        }
        spread.part(now);
        if let (Some(worse), Some(breakers)) = (worse, &spread.breakers) {
            let is_bad = worse(breakers.spec.slippage_e9);
            self.see(command.spread.0, BreakerKind::Slippage, is_bad, now);
        }
        if is_over { self.end(now, event.order_id) } else { self.settle(now, command.spread) }
    }

    fn bust(&mut self, now: MonoNs, event: &OrderEvent) -> Option<ModelEnding> {
        let order = self.orders.get_mut(&event.order_id.0)?;
        if event.exec_id != 0 && !order.busts.insert(event.exec_id) {
            return None;
        }
        let (command, is_toward, opens) = (order.command, order.is_toward, order.opens);
        self.surprises.insert(command.instrument.0);
        let is_ours = event.side == command.side;
        let known = event.qty_lots.min(order.filled);
        order.filled -= known;
        if order.is_live {
            order.qty -= known;
        }
        let lots = i64::from(event.qty_lots);
        self.hold(command.account, if opens { -lots } else { lots });
        let signed = |lots: u32| {
            let lots = i64::from(lots);
            if event.side == Side::Buy { -lots } else { lots }
        };
        if let Some(row) = self.instruments.get_mut(&command.instrument.0) {
            row.position += signed(event.qty_lots);
            let missing = row.bust(event.side, command.effect, event.qty_lots);
            self.unknown_lots += u64::from(missing);
        }
        if self.orders[&event.order_id.0].is_orphan {
            self.orphan_news += 1;
            return None;
        }
        let leg = usize::from(command.leg);
        let spread = self.spreads.get_mut(&command.spread.0)?;
        let mut outside = event.qty_lots;
        if let Some(fire) = &mut spread.fire
            && fire.orders.contains(&event.order_id)
            && is_ours
        {
            let price_e9 = if event.price_e9 == 0 { command.price_e9 } else { event.price_e9 };
            let inside = fire.count(leg, !is_toward, event.qty_lots);
            fire.pay(leg, event.side.opposite(), price_e9, inside);
            outside -= inside;
        }
        let is_inside = outside < event.qty_lots;
        spread.residual[leg] += signed(outside);
        if let Some(fire) = &mut spread.fire {
            // Lots outside of it, or of nothing that it had: a person has to look.
            fire.may_repair &= outside == 0 && event.qty_lots > 0;
        }
        if is_inside {
            self.stop_leading(command.spread.0);
        }
        self.settle(now, command.spread)
    }

    fn end(&mut self, now: MonoNs, id: OrderId) -> Option<ModelEnding> {
        let is_of_resting = self.is_of_resting(id);
        let order = self.orders.get_mut(&id.0)?;
        let unused = if order.opens { i64::from(order.open()) } else { 0 };
        order.is_live = false;
        self.live.remove(&id.0);
        let is_missed = order.filled < order.qty;
        let (spread, account) = (order.command.spread, order.command.account);
        self.hold(account, -unused);
        if is_missed {
            self.missed(spread.0, id);
        }
        if !is_of_resting {
            self.see(spread.0, BreakerKind::Unfilled, is_missed, now);
        }
        self.settle(now, spread)
    }

    /// Counts lots in that an account has come to hold, or out: never more than there are.
    pub(super) fn hold(&mut self, account: AccountId, more: i64) {
        for account in [account, AccountId::ALL] {
            let gross = self.gross.entry(account).or_default();
            *gross = (*gross + more).max(0);
        }
    }

    /// Takes in a new order, which does what its fire is for (`is_toward`) or trades back, and by
    /// that opens or closes.
    pub fn fired(&mut self, now: MonoNs, command: &OrderCommand, is_toward: bool, opens: bool) {
        let timeout = self.spreads.get(&command.spread.0).map(|row| row.spec.ack_timeout);
        self.hold(command.account, if opens { i64::from(command.qty_lots) } else { 0 });
        let order = ModelOrder {
            command: *command,
            sent: now,
            qty: command.qty_lots,
            filled: 0,
            is_live: true,
            is_unknown: false,
            is_answered: false,
            has_word: false,
            cancels: 0,
            is_cancel_due: false,
            is_orphan: false,
            due: now.after(timeout.unwrap_or_default()),
            was_due: false,
            opens,
            is_toward,
            execs: BTreeSet::new(),
            busts: BTreeSet::new(),
        };
        self.orders.insert(command.order_id.0, order);
        self.live.insert(command.order_id.0);
        self.slots.insert(slot(command.order_id), command.order_id.0);
        self.messages.push((now, *command));
        if let Some(row) = self.instruments.get_mut(&command.instrument.0) {
            match command.side {
                Side::Buy => row.taken_asks += command.qty_lots,
                Side::Sell => row.taken_bids += command.qty_lots,
            }
        }
    }

    /// Takes in a cancel; as a message it is counted apart.
    pub fn cancelling(&mut self, now: MonoNs, command: &OrderCommand) {
        let Some(order) = self.orders.get_mut(&command.order_id.0) else { return };
        order.cancels += 1;
        order.is_cancel_due = false;
        if order.cancels > 1 {
            let spread = order.command.spread;
            self.expect_again(now, spread);
        }
    }

    /// One cancel of a fire was sent again: all its orders have as long once more.
    fn expect_again(&mut self, now: MonoNs, index: SpreadIndex) {
        let Some(row) = self.spreads.get_mut(&index.0) else { return };
        let Some(fire) = &mut row.fire else { return };
        let due = now.after(fire.timeout);
        fire.due = fire.due.max(due);
        for id in &fire.orders {
            if let Some(order) = self.orders.get_mut(&id.0) {
                order.due = order.due.max(due);
            }
        }
    }

    /// Counts a message that is no new order in the windows of its gateway, contract and accounts.
    pub fn count_message(&mut self, now: MonoNs, command: &OrderCommand) {
        self.messages.push((now, *command));
        self.asks += u64::from(command.action == OrderAction::Status);
    }
}

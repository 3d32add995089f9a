//! The priced repair of a fire whose legs are out of ratio: completed or traded back, whichever is
//! cheaper by both live books.
//!
//! It begins when the fate of all orders of the fire is known, in the same input, and goes on with
//! each quote of a leg until the legs are in ratio. Both ways are priced (`execute::repair`) and
//! passed through the gates of their own: those of a fire but for the ones that say when a spread
//! may begin something. A way that a gate holds back is not taken; of two that are open the cheaper
//! is, and completing if they cost the same. The orders are fill-and-kill whatever the spread's
//! are: a repair does not rest. While one of them is not known, nothing more is sent.
//!
//! What opens nothing is all that is done while the desk stands in FLATTEN, or the spread is halted
//! because nobody could tell what had become of an order, which is known by now. Other halts end
//! the fire as it is. After `tries` repairs by the cheaper way there are as many again for the one
//! that opens nothing; after these, or `within` the time given, the spread is halted with what is
//! left, or flattened first.
//!
//! What another spread out of ratio needs the other way round is met inside first (`internal`), if
//! that is asked for.
//!
//! Called by `fire` for a spread that was touched.

use super::fire::{Asking, Drafts, legs, usable};
use super::send::{Sender, Sending};
use super::table::Table;
use super::{AccountRow, Channel, Desk, Instrument, MAX_CHANNELS, Outputs, Spread, SpreadState};
use crate::execute::repair::{self, Ends, Trade};
use crate::execute::{self, Fire};
use crate::message::{
    Credits, Gate, MAX_GATEWAYS, MAX_LEGS, Obstacle, Repair, RepairEnd, RepairWay, RulePoint,
    SafeState, Side, SpreadIndex, SpreadSpec, TimeInForce, Way,
};
use crate::risk::{Batch, Draft, NO_LEG, Refusal, Room};
use crate::spread::{takes_asks, worst_price};
use crate::time::{MonoNs, Span};

/// A way, and the orders that it would take.
struct Found {
    way: Way,
    drafts: Drafts,
    account: AccountRow,
}

/// What a way would trade, and at which prices.
pub(super) struct Priced {
    pub trades: [Option<Trade>; MAX_LEGS],
    pub cost_e9: i64,
}

/// Where the lots of a way would come from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Supply {
    /// The book, level by level.
    Book,
    /// Another spread, at the price of what is met inside.
    Inside,
}

/// What stands in a way.
#[derive(Clone, Copy)]
pub(super) struct Barred {
    pub obstacle: Obstacle,
    pub refusal: Refusal,
}

impl From<Refusal> for Barred {
    fn from(refusal: Refusal) -> Self {
        Self { obstacle: Obstacle::Gate, refusal }
    }
}

impl Barred {
    pub(super) const fn by(obstacle: Obstacle, leg: u8) -> Self {
        Self { obstacle, refusal: Refusal { leg, ..Refusal::new(Gate::Passed, 0, 0) } }
    }
}

/// A fire out of ratio and its spread.
#[derive(Clone, Copy)]
pub(super) struct Open<'c> {
    pub row: &'c Spread,
    pub spec: &'c SpreadSpec,
    pub fire: &'c Fire,
    pub ends: Ends,
    pub legs: &'c [Option<&'c Instrument>; MAX_LEGS],
}

impl Open<'_> {
    /// Whether the orders of a way open.
    pub(super) fn is_open(&self, way: RepairWay) -> bool {
        self.fire.is_toward(true) == (way == RepairWay::Complete)
    }
}

impl Desk<'_> {
    /// Looks at the fire of a spread that is out of ratio, all its orders known: repairs it, gives
    /// it up, or leaves it until something changes.
    #[cold]
    #[inline(never)]
    pub(super) fn repair(&mut self, index: SpreadIndex, credits: &Credits, outputs: &mut Outputs) {
        if !self.is_repaired(index) || self.is_spent(index) {
            self.give_up(index, outputs);
            return;
        }
        if self.may_meet(index) && self.meet_inside(index, outputs) {
            return;
        }
        let Some((mut told, complete, unwind)) = self.look_at_ways(index, credits) else {
            return;
        };
        let is_free = |found: &Found| found.way.obstacle == Obstacle::Nothing;
        let taken = match (is_free(&complete), is_free(&unwind)) {
            (true, true) if unwind.way.cost_e9 < complete.way.cost_e9 => RepairWay::Unwind,
            (true, _) => RepairWay::Complete,
            (false, true) => RepairWay::Unwind,
            (false, false) => RepairWay::Neither,
        };
        let is_asked =
            self.table.spread(index).is_some_and(|row| row.rules.are_at(RulePoint::Hedge));
        let costs_e9 = [complete.way.cost_e9, unwind.way.cost_e9];
        let rulings = is_asked.then(|| self.rulings_on_hedge(index, costs_e9));
        let unwinds = rulings.is_some_and(|(_, unwinds)| unwinds);
        let taken = match taken {
            RepairWay::Complete if unwinds && is_free(&unwind) => RepairWay::Unwind,
            RepairWay::Complete | RepairWay::Unwind | RepairWay::Neither => taken,
        };
        told.way = taken;
        match taken {
            RepairWay::Complete => self.send_repair(index, &mut told, &complete, outputs),
            RepairWay::Unwind => self.send_repair(index, &mut told, &unwind, outputs),
            RepairWay::Neither => {
                let meets = [&complete, &unwind].map(|found| found.way.gate == Gate::SelfMatch);
                let fire = self.table.spread_mut(index).and_then(|row| row.fire.as_mut());
                let waits_for = Some((complete.way.obstacle, unwind.way.obstacle));
                let begins = fire.is_some_and(|fire| {
                    core::mem::replace(&mut fire.waits_for, waits_for) != waits_for
                });
                if meets.contains(&true) {
                    self.ask_for_way(index, begins);
                }
                if !begins {
                    return;
                }
            }
        }
        outputs.repair(told);
        // Nothing is told of a fire that only waits.
        if let Some((rulings, _)) = rulings.filter(|_| taken != RepairWay::Neither) {
            self.tell_rulings(&rulings, true, outputs);
        }
    }

    /// Whether no try is left, or no time; a spread that is to be flattened then begins with it.
    fn is_spent(&mut self, index: SpreadIndex) -> bool {
        let now = self.now;
        let Some(row) = self.table.spread_mut(index) else {
            return true;
        };
        let (Some(fire), Some(spec)) = (&mut row.fire, &row.spec) else {
            return true;
        };
        fire.open_since.get_or_insert(now);
        if !fire.is_spent(&spec.repair, now) {
            return false;
        }
        if spec.repair.then == RepairEnd::Halt || fire.is_flattening {
            return true;
        }
        fire.is_flattening = true;
        fire.tries = 0;
        fire.open_since = Some(now);
        fire.waits_for = None;
        self.timers.set(index.0, now.after(spec.repair.within));
        false
    }

    /// Both ways, and what is told of them. Nothing is changed.
    fn look_at_ways(
        &self,
        index: SpreadIndex,
        credits: &Credits,
    ) -> Option<(Repair, Found, Found)> {
        let row = self.table.spread(index)?;
        let (fire, spec) = (row.fire.as_ref()?, row.spec.as_ref()?);
        let legs = &legs(spec, self.table.instruments)?;
        let ends = repair::ends(&spec.legs, fire);
        let open = Open { row, spec, fire, ends, legs };
        let [complete, unwind] = [RepairWay::Complete, RepairWay::Unwind]
            .map(|way| self.look_at_way(&open, way, credits));
        let told = Repair {
            spread: index,
            intent: fire.intent,
            way: RepairWay::Neither,
            attempt: fire.tries,
            is_flattening: fire.is_flattening,
            done_units: ends.done_units,
            full_units: ends.full_units.unwrap_or(0),
            residual_lots: execute::residual_lots(&spec.legs, &fire.ending(index, spec, self.now)),
            complete: complete.way,
            unwind: unwind.way,
            open_for: fire.open_since.map_or(Span(0), |since| self.now.since(since)),
        };
        Some((told, complete, unwind))
    }

    fn look_at_way(&self, open: &Open<'_>, way: RepairWay, credits: &Credits) -> Found {
        let mut found = Found {
            way: Way {
                cost_e9: i64::MAX,
                obstacle: Obstacle::Nothing,
                gate: Gate::Passed,
                leg: NO_LEG,
            },
            drafts: [None; MAX_LEGS],
            account: AccountRow::NONE,
        };
        let passed = self.price(open, way, Supply::Book).and_then(|priced| {
            found.way.cost_e9 = priced.cost_e9;
            self.admit_way(open, way, &priced, credits, &mut found.drafts)
        });
        match passed {
            Ok(account) => found.account = account,
            Err(Barred { obstacle, refusal }) => {
                (found.way.obstacle, found.way.gate) = (obstacle, refusal.gate);
                found.way.leg = refusal.leg;
            }
        }
        found
    }

    /// What a way costs by the books as they are shown; only books that may be traded on count.
    pub(super) fn price(
        &self,
        open: &Open<'_>,
        way: RepairWay,
        supply: Supply,
    ) -> Result<Priced, Barred> {
        let Open { row, spec, fire, ends, legs } = *open;
        let is_complete = way == RepairWay::Complete;
        let units = if is_complete {
            ends.full_units.ok_or(Barred::by(Obstacle::Beyond, NO_LEG))?
        } else {
            ends.done_units
        };
        let is_buy = fire.intent.is_buy();
        let mut trades = [None; MAX_LEGS];
        let mut prices_e9 = [0; MAX_LEGS];
        let rows = spec.legs.iter().zip(legs).zip(&fire.filled_lots);
        let slots = trades.iter_mut().zip(&mut prices_e9);
        for ((((leg, instrument), filled), (slot, price_e9)), number) in rows.zip(slots).zip(0_u8..)
        {
            let Some(instrument) = instrument else {
                continue;
            };
            let lots = repair::lots_to(leg, *filled, units);
            let is_pricing = leg.ratio_lots == 0 && is_complete;
            if lots == 0 && !is_pricing {
                continue;
            }
            let at_leg = |refusal: Refusal| Refusal { leg: number, ..refusal };
            fresh(instrument, &self.channels, self.now, spec.max_quote_age).map_err(at_leg)?;
            let book = instrument.book();
            let none = || Barred::by(Obstacle::Depth, number);
            if is_pricing {
                let (depth, taken) = if takes_asks(leg, is_buy) {
                    (book.asks, book.taken_ask_lots)
                } else {
                    (book.bids, book.taken_bid_lots)
                };
                *price_e9 = worst_price(depth, taken, 1).ok_or_else(none)?;
                continue;
            }
            let is_bought = ((leg.ratio_lots > 0) == is_buy) == is_complete;
            let (side, depth, taken) = if is_bought {
                (Side::Buy, book.asks, book.taken_ask_lots)
            } else {
                (Side::Sell, book.bids, book.taken_bid_lots)
            };
            let trade = match supply {
                Supply::Book => repair::trade(side, depth, taken, lots),
                Supply::Inside => instrument.inside(side, lots),
            };
            *slot = Some(trade.ok_or_else(none)?);
        }
        let more = units.saturating_sub(ends.done_units);
        let cost_e9 = repair::cost_e9(spec, &row.lot_q32, fire, &trades, more, &prices_e9);
        let cost_e9 = cost_e9.ok_or(Barred::from(Refusal::new(Gate::Overflow, i64::MAX, 0)))?;
        Ok(Priced { trades, cost_e9 })
    }

    /// Whether a way may be taken at its cost, whatever the gates say.
    pub(super) fn allow(
        &self,
        open: &Open<'_>,
        way: RepairWay,
        cost_e9: i64,
    ) -> Result<(), Barred> {
        let Open { row, spec, fire, .. } = *open;
        let opens_nothing = fire.is_last_resort(&spec.repair)
            || self.state == SafeState::Flatten
            || row.state == SpreadState::Halted;
        if open.is_open(way) && opens_nothing {
            return Err(Barred::by(Obstacle::Opens, NO_LEG));
        }
        if !fire.is_flattening && cost_e9 > spec.repair.max_cost_e9 {
            return Err(Barred::by(Obstacle::Cost, NO_LEG));
        }
        Ok(())
    }

    /// Passes a way through its gates.
    fn admit_way(
        &self,
        open: &Open<'_>,
        way: RepairWay,
        priced: &Priced,
        credits: &Credits,
        drafts: &mut Drafts,
    ) -> Result<AccountRow, Barred> {
        let Open { spec, legs, .. } = *open;
        let is_open = open.is_open(way);
        self.allow(open, way, priced.cost_e9)?;
        let mut batch: Batch = [0; MAX_GATEWAYS];
        let rows = spec.legs.iter().zip(legs).zip(&priced.trades).zip(drafts.iter_mut());
        for ((((leg, instrument), trade), slot), number) in rows.zip(0_u8..) {
            let (Some(instrument), Some(trade)) = (instrument, trade) else {
                continue;
            };
            let at_leg = |refusal: Refusal| Refusal { leg: number, ..refusal };
            let unknown = Refusal::new(Gate::Instrument, 0, 1);
            let contract = instrument.spec.as_ref().ok_or(at_leg(unknown))?;
            if is_open && instrument.doubts != 0 {
                let doubts = i64::from(instrument.doubts);
                return Err(at_leg(Refusal::new(Gate::Doubt, doubts, 0)).into());
            }
            instrument.hours.admit(is_open, self.now).map_err(at_leg)?;
            let price_e9 = match trade.side {
                Side::Buy => trade.worst_e9.checked_add(leg.pay_up_e9),
                Side::Sell => trade.worst_e9.checked_sub(leg.pay_up_e9),
            };
            let price_e9 = price_e9.ok_or(at_leg(Refusal::new(Gate::Overflow, i64::MAX, 0)))?;
            let orders = instrument.children(trade.side, trade.lots).count();
            let draft = Draft { side: trade.side, price_e9, qty_lots: trade.lots, orders };
            instrument.admit(&draft, contract, Room::Kept, self.now).map_err(at_leg)?;
            *slot = Some(draft);
            if let Some(count) = batch.get_mut(usize::from(contract.gateway.0)) {
                *count = count.saturating_add(u16::from(orders));
            }
        }
        let asking = Asking { is_open, room: Room::Kept };
        Ok(self.admit_all(spec, drafts, &batch, asking, credits)?)
    }

    /// Makes, reserves and hands out the orders of a way.
    fn send_repair(
        &mut self,
        index: SpreadIndex,
        told: &mut Repair,
        found: &Found,
        outputs: &mut Outputs,
    ) {
        let Self { table, orders, gateways, accounts, whole, timers, recent, now, .. } = self;
        let Table { instruments, spreads, .. } = table;
        let Some(row) = usize::try_from(index.0).ok().and_then(|row| spreads.get_mut(row)) else {
            return;
        };
        let (Some(spec), Some(fire)) = (&row.spec, &mut row.fire) else {
            return;
        };
        let now = *now;
        let account = accounts.get_mut(usize::from(found.account.0)).and_then(Option::as_mut);
        let batch = Sending {
            is_open: fire.is_toward(true) == (told.way == RepairWay::Complete),
            time_in_force: TimeInForce::FillAndKill,
            caused: now,
            now,
            rests: false,
        };
        let asked_lots = fire.asked_lots;
        fire.begin_try();
        fire.ack_timeout = spec.ack_timeout;
        told.attempt = fire.tries;
        let mut sender = Sender { instruments, orders, gateways, whole, account };
        sender.send(spec, &batch, &found.drafts, fire, outputs);
        fire.asked_lots = asked_lots;
        recent.note(index, &fire.orders, spec, instruments);
        timers.set(index.0, now.after(spec.ack_timeout));
    }
}

/// A quote that a repair may be priced off: usable, and not too old.
pub(super) fn fresh(
    leg: &Instrument,
    channels: &[Channel; MAX_CHANNELS],
    now: MonoNs,
    most: Span,
) -> Result<(), Refusal> {
    usable(leg, channels)?;
    let age = now.since(leg.quote.received);
    if age <= most {
        return Ok(());
    }
    let ns = |span: Span| i64::try_from(span.0).unwrap_or(i64::MAX);
    Err(Refusal::new(Gate::QuoteAge, ns(age), ns(most)))
}

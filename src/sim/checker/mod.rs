//! The invariants, looked at after every event. Names (S1 to S20) are those of the
//! reliability page. `fire` asks every gate again; what is held is looked at here.

/// Fails with `$invariant` unless `holds`.
macro_rules! ensure {
    ($self:expr, $invariant:literal, $holds:expr, $($what:tt)+) => {
        if !$holds {
            return Err(Violation {
                invariant: $invariant,
                at: $self.now,
                what: format!($($what)+),
            });
        }
    };
}

mod due;
mod fire;
mod internal;
mod kept;
mod lead;
mod loss;
mod repair;
mod rule;
mod work;

use std::collections::{BTreeMap, BTreeSet};

use xmc_hotpath::desk::{Desk, Outputs, SpreadState};
use xmc_hotpath::message::{
    Alert, AlertKind, BreakerAction, Detail, Ending, Event, FollowStep, Gate, Input, OrderAction,
    OrderCommand, RepairWay, SafeState, SessionState, Side, SpreadIndex,
};
use xmc_hotpath::time::MonoNs;

use crate::sim::model::{Model, ModelEnding};

/// An invariant does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{invariant} at {} ns: {what}", at.0)]
pub struct Violation {
    /// Which one: `S1` to `S20`, `L1`, or the name of a rule of the desk.
    pub invariant: &'static str,
    /// When.
    pub at: MonoNs,
    /// What was seen, and what ought to be.
    pub what: String,
}

/// Watches one desk.
#[derive(Debug, Default)]
pub struct Checker {
    /// What the desk ought to know.
    pub model: Model,
    now: MonoNs,
    ids: BTreeSet<u64>,
    /// The worst case that each instrument may have: its limit, or what a surprise made of it.
    allowed: Vec<i64>,
    /// Decisions by gate, for the report.
    pub gates: BTreeMap<Gate, u64>,
    /// Repairs by way, for the report; `Neither` is one that waited.
    pub repairs: BTreeMap<RepairWay, u64>,
    /// Fires that ended in ratio after repairs.
    pub repaired: u64,
    /// Spreads that were removed.
    pub removed: u64,
    /// Batches of legs that followed another one.
    pub followed: u64,
    /// Orders that rested and were taken back.
    pub pulled: u64,
    /// Times that needs of two spreads met inside.
    pub inside: u64,
    /// Lots of these.
    pub inside_lots: u64,
    /// Rulings of the user's rules that were told.
    pub ruled: u64,
    rulings: rule::Due,
}

impl Checker {
    /// Looks at one input, what followed from it, and the desk after it.
    ///
    /// # Errors
    /// The first invariant that does not hold.
    pub fn check(
        &mut self,
        input: &Input<'_>,
        outputs: &Outputs,
        desk: &Desk<'_>,
    ) -> Result<(), Violation> {
        self.now = self.now.max(input.now);
        let (strangers, unknown_lots) = (self.model.strangers, self.model.unknown_lots);
        let orphan_news = self.model.orphan_news;
        self.model.trips.clear();
        // What a deadline says of orders comes before the news that came with it.
        for alert in alerts(outputs).filter(|alert| alert.kind == AlertKind::OrderUnknown) {
            self.model.unknown(self.now, alert.order_id);
        }
        self.alerted(&input.event, outputs)?;
        let endings = self.model.input(self.now, &input.event);
        self.details(input, outputs, &endings)?;
        if self.model.strangers > strangers {
            let is_told = alerts(outputs).any(|alert| alert.kind == AlertKind::UnknownOrder);
            ensure!(self, "S19", is_told, "news of an order that is not known raised no alert");
            let safe = self.model.safe();
            ensure!(self, "S19", safe >= SafeState::NoNew, "a stranger left the desk {safe:?}");
        }
        self.removals(outputs)?;
        if self.model.orphan_news > orphan_news {
            let safe = self.model.safe();
            ensure!(self, "S19", safe >= SafeState::NoNew, "news of a removed spread: {safe:?}");
        }
        let is_told = alerts(outputs).any(|alert| alert.kind == AlertKind::UnknownPosition);
        let is_due = self.model.unknown_lots > unknown_lots;
        ensure!(self, "S19", is_told == is_due, "lots not known to be held: {is_due}, {is_told}");
        let safe = self.model.safe();
        ensure!(self, "S19", !is_due || safe >= SafeState::NoNew, "lots appear, and {safe:?}");
        self.breakers(outputs)?;
        self.impossible(outputs)?;
        let is_batch_open = matches!(input.event, Event::Quote { more: true, .. });
        if !is_batch_open {
            self.left_levels();
            self.met_levels();
        }
        self.orders(input, outputs)?;
        if desk.next_deadline() > self.now {
            self.at_once(input, outputs)?;
            self.still_rests(input, outputs)?;
            self.left_apart(input, outputs)?;
        }
        self.waived(outputs)?;
        if outputs.orders().any(|order| order.action == OrderAction::New) {
            self.met_by_taking();
        }
        self.exposures(desk)?;
        self.accounts(desk)?;
        self.spreads(desk)?;
        self.cancelled_again(desk)?;
        self.overdue(desk)?;
        if !is_batch_open {
            self.open_too_long(desk)?;
        }
        self.halted(desk)
    }

    /// A spread that was to be removed is gone, or what keeps it was said.
    fn removals(&mut self, outputs: &Outputs) -> Result<(), Violation> {
        let told = alerts(outputs).filter(|alert| alert.kind == AlertKind::RemoveRefused);
        let told: Vec<_> = told.map(|alert| alert.value).collect();
        let removals = std::mem::take(&mut self.model.removals);
        let kept: Vec<_> =
            removals.iter().flatten().map(|keeper| i64::from(keeper.code())).collect();
        ensure!(self, "removal", told == kept, "{removals:?} were to be removed, {told:?} told");
        self.removed += removals.iter().filter(|keeper| keeper.is_none()).count() as u64;
        Ok(())
    }

    fn details(
        &mut self,
        input: &Input<'_>,
        outputs: &Outputs,
        endings: &[ModelEnding],
    ) -> Result<(), Violation> {
        let detailing = self.model.detailing;
        self.repaired += endings.iter().filter(|ending| ending.is_repaired()).count() as u64;
        let is_wanted = |ending: &&ModelEnding| detailing.endings || !ending.is_aligned;
        endings.iter().for_each(|ending| self.ended(ending.spread.0));
        let mut endings = endings.iter().filter(is_wanted).peekable();
        let mut inside = BTreeSet::new();
        for detail in outputs.details() {
            match detail {
                Detail::Alert(alert) => self.alert(alert)?,
                Detail::Repair(_) | Detail::Follow(_) => {}
                // Taken in where they stand among the orders, with what they end.
                Detail::Internal(internal) => {
                    inside.extend([internal.buy.spread, internal.sell.spread]);
                }
                Detail::Ruling(told) if rule::is_after(told) && !inside.contains(&told.spread) => {
                    self.ruling(told)?;
                }
                Detail::Ruling(_) => {}
                Detail::State(change) => {
                    let is_halt = change.to == SafeState::Halt;
                    let mut causes = alerts(outputs).map(|alert| alert.kind.code());
                    let has_cause = causes.any(|code| code == change.cause);
                    let is_killed = matches!(input.event, Event::Command(_));
                    let is_explained = if change.by_alert { has_cause } else { is_killed };
                    ensure!(self, "S17", !is_halt || is_explained, "unexplained {change:?}");
                    self.model.state(change);
                    if change.spread == SpreadIndex::ALL && is_halt {
                        self.model.is_killed |= !change.by_alert;
                    }
                }
                Detail::Ending(ending) if inside.contains(&ending.spread) => {}
                Detail::Ending(ending) => {
                    let expected = endings.next_if(|expected| expected.spread == ending.spread);
                    let given_up = match expected {
                        Some(_) => None,
                        None => {
                            self.unfollowed(ending.spread, input, outputs)?;
                            let given_up = self.given_up(ending)?;
                            self.ended(ending.spread.0);
                            given_up
                        }
                    };
                    self.ending(ending, expected.or(given_up.as_ref()), outputs)?;
                }
                Detail::Decision(decision) => {
                    let is_wanted =
                        decision.gate == Gate::Passed || detailing.has_refusal(decision.gate);
                    ensure!(self, "details", is_wanted, "{decision:?} is left out, and was told");
                    *self.gates.entry(decision.gate).or_default() += 1;
                }
            }
        }
        let untold = endings.next();
        ensure!(self, "endings", untold.is_none(), "{untold:?} was not told");
        Ok(())
    }

    /// Breakers trip when they should, each with its alert, and halt what they are to halt.
    fn breakers(&self, outputs: &Outputs) -> Result<(), Violation> {
        let kinds = [
            AlertKind::SlippageBreaker,
            AlertKind::LatencyBreaker,
            AlertKind::RejectBreaker,
            AlertKind::FillBreaker,
        ];
        let place = |kind: AlertKind| kinds.iter().position(|known| *known == kind);
        let told = alerts(outputs)
            .filter_map(|alert| Some((alert.spread.0, place(alert.kind)?, alert.value)));
        let trips = self.model.trips.iter();
        let due = trips.map(|trip| (trip.spread, usize::from(trip.kind.code()), trip.count));
        let (told, due): (BTreeSet<_>, BTreeSet<_>) = (told.collect(), due.collect());
        ensure!(self, "breakers", told == due, "tripped {told:?}, ought to be {due:?}");
        for alert in alerts(outputs).filter(|alert| alert.kind == AlertKind::FireThrottle) {
            let row = self.model.spreads.get(&alert.spread.0);
            let is_halted = row.is_some_and(|row| row.is_halted);
            ensure!(self, "fire_rate", is_halted, "{alert:?} halted nothing");
        }
        for trip in &self.model.trips {
            let is_halted = self.model.spreads[&trip.spread].is_halted;
            let ought = trip.action == BreakerAction::Halt;
            ensure!(self, "breakers", is_halted || !ought, "{trip:?} halted nothing");
        }
        Ok(())
    }

    /// A fire has ended as the model has it, and with an alert if it is out of ratio.
    fn ending(
        &self,
        told: &Ending,
        expected: Option<&ModelEnding>,
        outputs: &Outputs,
    ) -> Result<(), Violation> {
        let found = ModelEnding {
            spread: told.spread,
            filled: told.filled_lots,
            done: told.done_units,
            is_aligned: told.is_aligned,
            started: MonoNs(self.now.0 - told.took.0),
            tries: expected.map_or(0, |expected| expected.tries),
        };
        let is_same = expected == Some(&found);
        ensure!(self, "endings", is_same, "{found:?}, expected {expected:?}");
        let mut broken = alerts(outputs).filter(|alert| alert.spread == told.spread);
        let is_told = broken.any(|alert| alert.kind == AlertKind::BrokenSpread);
        ensure!(self, "S1", told.is_aligned || is_told, "{told:?} raised no alert");
        Ok(())
    }

    fn alert(&mut self, alert: &Alert) -> Result<(), Violation> {
        *self.model.alerts.entry(alert.kind).or_default() += 1;
        ensure!(self, "bad_input", alert.kind != AlertKind::OutputOverflow, "outputs overflowed");
        if alert.kind == AlertKind::BrokenSpread {
            let fire = self.model.spreads.get_mut(&alert.spread.0);
            let fire = fire.and_then(|spread| spread.fire.as_mut());
            fire.into_iter().for_each(|fire| fire.may_repair = false);
        }
        if alert.kind == AlertKind::OrderUnknown {
            let Some(order) = self.model.orders.get_mut(&alert.order_id.0) else {
                ensure!(self, "alerts", false, "{alert:?} names no order");
                return Ok(());
            };
            order.is_unknown = true;
        }
        Ok(())
    }

    fn orders(&mut self, input: &Input<'_>, outputs: &Outputs) -> Result<(), Violation> {
        let mut fresh: Vec<&OrderCommand> = Vec::new();
        // Messages about orders that were there, each with how many new ones went out before it.
        let mut others = Vec::new();
        for command in outputs.orders() {
            match command.action {
                OrderAction::New => fresh.push(command),
                OrderAction::Cancel | OrderAction::Status => {
                    self.about_an_order(command)?;
                    others.push((fresh.len(), command));
                    if command.action == OrderAction::Cancel {
                        // It goes out before the input is handled when a deadline has come with it.
                        self.model.cancelling(self.now, command);
                    }
                }
                OrderAction::Replace => {
                    ensure!(self, "S6", false, "the desk replaces nothing: {command:?}");
                }
            }
        }
        let (mut rest, mut others) = (fresh.as_slice(), others.into_iter().peekable());
        // What was met inside, and what that has ended.
        let (mut inside, mut due) = (BTreeSet::new(), Vec::<ModelEnding>::new());
        for detail in outputs.details() {
            // What goes out after new orders takes nothing from their windows.
            let sent = fresh.len() - rest.len();
            while let Some((_, other)) = others.next_if(|(before, _)| *before <= sent) {
                self.model.count_message(self.now, other);
            }
            match detail {
                Detail::Decision(decision) if decision.gate == Gate::UserRule => {
                    self.held_back(decision)?;
                }
                Detail::Ruling(told) => {
                    self.ruled += 1;
                    if inside.contains(&told.spread) {
                        self.ruling_of_spread(told)?;
                    } else if !rule::is_after(told) {
                        self.ruling(told)?;
                    }
                }
                Detail::Decision(decision) if decision.gate == Gate::Passed => {
                    let orders = orders_of(decision.spread, &mut rest);
                    self.fire(decision, orders, &input.credits)?;
                    self.waiting(decision.spread, outputs)?;
                }
                Detail::Follow(follow) => {
                    let is_sent = follow.step == FollowStep::Followed;
                    let orders = if is_sent { orders_of(follow.spread, &mut rest) } else { &[] };
                    self.follow(follow, orders, input, outputs)?;
                }
                Detail::Repair(repair) => {
                    let is_sent = repair.way != RepairWay::Neither;
                    let orders = if is_sent { orders_of(repair.spread, &mut rest) } else { &[] };
                    self.unfollowed(repair.spread, input, outputs)?;
                    self.repair(repair, orders, &input.credits)?;
                }
                Detail::Internal(internal) => {
                    inside.extend([internal.buy.spread, internal.sell.spread]);
                    let ended = self.met_inside(internal, input, outputs)?;
                    ended.iter().for_each(|ending| self.ended(ending.spread.0));
                    due.extend(ended);
                }
                Detail::Ending(ending) if inside.contains(&ending.spread) => {
                    let at = due.iter().position(|due| due.spread == ending.spread);
                    let expected = match at {
                        Some(at) => Some(due.remove(at)),
                        None => {
                            let given_up = self.given_up(ending)?;
                            self.ended(ending.spread.0);
                            given_up
                        }
                    };
                    self.ending(ending, expected.as_ref(), outputs)?;
                }
                _ => continue,
            }
            // What one spread takes from a book moves the value of the next.
            self.left_levels();
        }
        others.for_each(|(_, other)| self.model.count_message(self.now, other));
        ensure!(self, "S3", rest.is_empty(), "orders without a decision: {rest:?}");
        let is_told = !self.model.detailing.endings || due.is_empty();
        ensure!(self, "endings", is_told, "{due:?} ended inside and was not told");
        self.rulings_told(outputs)
    }

    /// What speaks of an order that was sent before speaks of it as it was sent.
    fn about_an_order(&self, command: &OrderCommand) -> Result<(), Violation> {
        let order = self.model.orders.get(&command.order_id.0);
        let Some(order) = order else {
            ensure!(self, "S6", false, "about an order that was never sent: {command:?}");
            return Ok(());
        };
        let same = order.command.instrument == command.instrument
            && order.command.gateway == command.gateway
            && order.command.security_id == command.security_id
            && order.command.side == command.side;
        ensure!(self, "S6", same, "{command:?} does not fit {:?}", order.command);
        Ok(())
    }

    /// S2, S4: positions and reservations are what the model counts, and inside the limits.
    fn exposures(&mut self, desk: &Desk<'_>) -> Result<(), Violation> {
        self.allowed.resize(desk.instruments().len(), 0);
        for (number, row) in (0_u32..).zip(desk.instruments()) {
            let Some(expected) = self.model.instruments.get(&number) else {
                continue;
            };
            let held = row.exposure;
            let (buys, sells, count) = self.model.reserved(number);
            ensure!(
                self,
                "S4",
                held.position_lots == expected.position,
                "instrument {number}: position {}, {} were traded",
                held.position_lots,
                expected.position
            );
            ensure!(
                self,
                "S2",
                (held.live_buy_lots, held.live_sell_lots) == (buys, sells),
                "instrument {number}: {} and {} lots reserved, {buys} and {sells} are live",
                held.live_buy_lots,
                held.live_sell_lots
            );
            ensure!(
                self,
                "S2",
                held.open_orders == count,
                "instrument {number}: {} orders open, {count} are live",
                held.open_orders
            );
            for (lots, model, side) in [
                (row.holding.long, expected.long, Side::Buy),
                (row.holding.short, expected.short, Side::Sell),
            ] {
                let found = (lots.today, lots.yesterday, lots.frozen_today, lots.frozen_yesterday);
                let (frozen_today, frozen) = self.model.frozen(number, side);
                let ought = (model.today, model.yesterday, frozen_today, frozen);
                ensure!(self, "S4", found == ought, "instrument {number}: {found:?}, {ought:?}");
            }
            let worst = held.most().max(-held.least());
            let limit = i64::from(expected.spec.max_position_lots);
            let index = number as usize;
            if self.model.surprises.contains(&number) || worst <= limit {
                // Lots that nobody asked for may break a limit; orders may not.
                self.allowed[index] = worst;
            }
            let allowed = self.allowed[index].max(limit);
            ensure!(self, "S2", worst <= allowed, "instrument {number}: {worst} lots, {allowed}");
        }
        Ok(())
    }

    /// S2: what counts against the limits of accounts.
    fn accounts(&self, desk: &Desk<'_>) -> Result<(), Violation> {
        self.keeps_nothing(desk)?;
        for lots in desk.account_lots() {
            let held = self.model.gross.get(&lots.account).copied().unwrap_or(0);
            let (account, found) = (lots.account, lots.gross_lots);
            ensure!(self, "S2", found == held, "{account:?} holds {found} lots, {held} are its");
        }
        Ok(())
    }

    fn spreads(&self, desk: &Desk<'_>) -> Result<(), Violation> {
        for (number, row) in (0_u32..).zip(desk.spreads()) {
            let (is_there, ought) = (row.spec.is_some(), self.model.spreads.contains_key(&number));
            ensure!(self, "removal", is_there == ought, "spread {number}: {is_there}, {ought}");
            let Some(expected) = self.model.spreads.get(&number) else {
                continue;
            };
            ensure!(
                self,
                "S1",
                i64::from(row.position_units) == expected.units
                    && row.residual_lots == expected.residual,
                "spread {number}: {} units and {:?}, expected {} and {:?}",
                row.position_units,
                row.residual_lots,
                expected.units,
                expected.residual
            );
            let (running, ought) = (row.fire.is_some(), expected.fire.is_some());
            ensure!(self, "fires", running == ought, "spread {number} runs {running}, {ought}");
            let is_halted = row.state == SpreadState::Halted;
            ensure!(
                self,
                "S8",
                is_halted == expected.is_halted,
                "spread {number} is {:?}, the details say otherwise",
                row.state
            );
            let is_reducing = row.state == SpreadState::Reducing;
            ensure!(
                self,
                "breakers",
                is_reducing == expected.is_reducing,
                "spread {number} is {:?}, its breakers say otherwise",
                row.state
            );
            let is_late = desk.next_deadline() <= self.now;
            let off = expected.fire.as_ref().filter(|fire| fire.is_broken_off && !is_late);
            let rests = off.and_then(|fire| self.resting(fire));
            ensure!(self, "breakers", rests.is_none(), "{rests:?} rests, its fire is broken off");
            let is_broken = expected.residual.iter().any(|lots| *lots != 0);
            ensure!(self, "S1", !is_broken || is_halted, "spread {number} is broken, not halted");
        }
        for id in &self.model.live {
            let order = &self.model.orders[id];
            let is_halted = self.model.spreads[&order.command.spread.0].is_halted;
            ensure!(
                self,
                "S1",
                !order.is_unknown || is_halted,
                "order {id:#x} is unknown, spread {} is not halted",
                order.command.spread.0
            );
        }
        Ok(())
    }

    /// A cancel that came back unsent is sent again once its session is up.
    fn cancelled_again(&self, desk: &Desk<'_>) -> Result<(), Violation> {
        if desk.next_deadline() == MonoNs(0) {
            return Ok(());
        }
        for id in &self.model.live {
            let order = &self.model.orders[id];
            let session = self.model.sessions[usize::from(order.command.gateway.0)];
            let is_up = session == Some(SessionState::Up);
            ensure!(
                self,
                "cancels",
                !(is_up && order.is_cancel_due),
                "a cancel of order {id:#x} came back, its session is up, and nobody asks again"
            );
        }
        Ok(())
    }

    /// S16: in HALT, and of what was killed, everything that lives has been asked to go, as soon as
    /// there was room.
    fn halted(&self, desk: &Desk<'_>) -> Result<(), Violation> {
        ensure!(
            self,
            "S8",
            desk.state() == self.model.safe(),
            "the desk is {:?}, its details say {:?}",
            desk.state(),
            self.model.safe()
        );
        if desk.next_deadline() == MonoNs(0) {
            return Ok(());
        }
        for id in &self.model.live {
            let order = &self.model.orders[id];
            let of_killed = self.model.spreads.get(&order.command.spread.0);
            let is_meant =
                desk.state() == SafeState::Halt || of_killed.is_some_and(|spread| spread.is_killed);
            let lives_on = is_meant && order.cancels == 0;
            ensure!(self, "S16", !lives_on, "order {id:#x} lives on, and was killed");
        }
        Ok(())
    }

    /// Nothing will happen any more: S1 and L1.
    ///
    /// # Errors
    /// The first that does not hold.
    pub fn at_rest(&self) -> Result<(), Violation> {
        for (number, spread) in &self.model.spreads {
            let is_running = spread.fire.is_some();
            ensure!(
                self,
                "L1",
                !is_running || spread.is_halted,
                "spread {number} still runs a fire and is not halted"
            );
            let is_open = spread.fire.as_ref().is_some_and(|fire| !self.is_live(fire));
            ensure!(self, "L2", !is_open, "spread {number} is neither repaired nor given up");
        }
        for id in &self.model.live {
            let order = &self.model.orders[id];
            let is_told = order.is_unknown;
            ensure!(self, "L1", is_told, "order {id:#x} is live and nobody was told: {order:?}");
        }
        Ok(())
    }
}

fn alerts(outputs: &Outputs) -> impl Iterator<Item = &Alert> {
    outputs.details().filter_map(|detail| match detail {
        Detail::Alert(alert) => Some(alert),
        _ => None,
    })
}

/// Takes the orders of one spread from the beginning of `rest`.
fn orders_of<'a, 'c>(
    spread: SpreadIndex,
    rest: &mut &'a [&'c OrderCommand],
) -> &'a [&'c OrderCommand] {
    let count = rest.iter().take_while(|order| order.spread == spread).count();
    let (orders, after) = rest.split_at(count);
    *rest = after;
    orders
}

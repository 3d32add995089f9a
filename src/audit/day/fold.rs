//! Folds receipts into hours. What lives longer than an hour (orders, positions, legs out of ratio)
//! is kept apart and written with them, so that folding goes on where it ended.

use super::{FAST_PER_SECOND, InstrumentPart, Part, SpreadPart};
use crate::audit::facts::Memory;
use crate::audit::labels::Labels;
use crate::audit::query::Receipt;
use crate::audit::rows::MAX_ROWS;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use xmc_hotpath::message::{
    AccountId, AlertKind, Carried, CarriedOrder, CarriedUnits, Decision, Detail, Ending, Gate,
    HeldLots, InstrumentIndex, Internal, MAX_LEGS, OrderAction, OrderCommand, OrderEvent,
    OrderEventKind, OrderId, PositionEffect, RepairWay, Side, SpreadIndex,
};
use xmc_hotpath::record::frame::{Body, Kind, OwnedEvent};
use xmc_hotpath::time::{MonoNs, UnixNs};

const HOUR_NS: u64 = 3_600_000_000_000;
const SECOND_NS: u64 = 1_000_000_000;

/// Orders that are over and still remembered, because a venue may repeat itself.
const KEPT: usize = 4_096;

/// What is known of an order, beyond what was sent.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Progress {
    sent_ns: u64,
    is_accepted: bool,
    is_unknown: bool,
    is_over: bool,
    filled_lots: u32,
    most_cum: u32,
    fills: BTreeSet<u64>,
    busts: BTreeSet<u64>,
    last_price_e9: i64,
}

impl Progress {
    /// Of an order of an earlier run, which is not sent again.
    fn carried(order: &CarriedOrder, now: MonoNs) -> Self {
        let named = |ids: &[u64]| ids.iter().copied().filter(|id| *id != 0).collect();
        Self {
            sent_ns: now.0,
            is_accepted: true,
            is_unknown: true,
            filled_lots: order.filled_lots,
            most_cum: order.most_cum,
            fills: named(&order.exec_ids),
            busts: named(&order.bust_ids),
            last_price_e9: order.price_e9,
            ..Self::default()
        }
    }
}

/// What is known of a pair, beyond its specification.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Standing {
    /// The gate of the last refusal that was written: what repetitions belong to.
    last_refusal: Option<u8>,
    legs: [i64; MAX_LEGS],
    unhedged_since: Option<u64>,
}

/// Messages of one second.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Second {
    second: u64,
    count: u32,
}

/// Records of one hour that were only counted.
#[derive(Clone, Debug)]
struct Counted {
    hour_ns: u64,
    kinds: [u64; 256],
    quotes: Vec<u64>,
}

impl Default for Counted {
    fn default() -> Self {
        Self { hour_ns: 0, kinds: [0; 256], quotes: Vec::new() }
    }
}

/// Folds receipts, in order.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Folding {
    /// Hours that were touched since they were taken, by their number since 1970.
    #[serde(skip)]
    pub hours: BTreeMap<u32, Part>,
    #[serde(skip)]
    counted: Counted,
    orders: BTreeMap<u64, Progress>,
    over: Vec<u64>,
    spreads: BTreeMap<u32, Standing>,
    positions: BTreeMap<String, i64>,
    seconds: BTreeMap<String, Second>,
    /// What the run leaves out now.
    left_out: BTreeSet<String>,
}

/// A receipt's hour and what the numbers in it are called.
struct Place<'p> {
    labels: &'p Labels,
    memory: &'p Memory,
    utc: UnixNs,
    now: MonoNs,
}

impl Folding {
    /// The hour of a moment.
    fn part(&mut self, utc: UnixNs) -> &mut Part {
        let hour = u32::try_from(utc.0 / HOUR_NS).unwrap_or(u32::MAX);
        self.hours
            .entry(hour)
            .or_insert_with(|| Part { left_out: self.left_out.clone(), ..Part::default() })
    }

    /// Counts a record that comes with every packet; `instrument` is a quote's. `settle` puts the
    /// counts where they belong.
    #[inline]
    pub fn count(
        &mut self,
        kind: Kind,
        utc: UnixNs,
        instrument: Option<InstrumentIndex>,
        labels: &Labels,
    ) {
        // Most records are of the same hour as the one before: no division for those.
        if utc.0.wrapping_sub(self.counted.hour_ns) >= HOUR_NS {
            self.settle(labels);
            self.counted.hour_ns = utc.0 - utc.0 % HOUR_NS;
        }
        self.counted.kinds[usize::from(kind.code())] += 1;
        if let Some(InstrumentIndex(row)) = instrument
            && row < MAX_ROWS
        {
            let row = row as usize;
            if self.counted.quotes.len() <= row {
                self.counted.quotes.resize(row + 1, 0);
            }
            self.counted.quotes[row] += 1;
        }
    }

    /// Puts what was counted into its hour. Before the hours are taken, and before a run ends.
    pub fn settle(&mut self, labels: &Labels) {
        let counted = std::mem::take(&mut self.counted);
        let part = self.part(UnixNs(counted.hour_ns));
        for kind in Kind::ALL {
            let count = counted.kinds[usize::from(kind.code())];
            if count > 0 {
                *part.records.entry(kind.word().to_owned()).or_default() += count;
            }
        }
        for (count, row) in counted.quotes.iter().zip(0..).filter(|(count, _)| **count > 0) {
            product(part, InstrumentIndex(row), labels).quotes += count;
        }
        self.counted.hour_ns = counted.hour_ns;
    }

    /// Takes a receipt; `memory` knows what orders and pairs are.
    pub fn take(&mut self, receipt: &Receipt, memory: &Memory, labels: &Labels) {
        self.count(receipt.kind, receipt.utc, None, labels);
        let place = Place { labels, memory, utc: receipt.utc, now: receipt.now };
        match &receipt.body {
            Body::Start(_) => {
                // Another run: what was in the air then is over, or will be told anew.
                self.left_out.clear();
                self.spreads.clear();
                self.orders.clear();
                self.over.clear();
            }
            Body::Order(order) => self.order(order, &place),
            Body::Detail(detail) => self.detail(detail, &place),
            Body::Input(input) => match &input.event {
                OwnedEvent::Order(event) => self.news(event, &place),
                OwnedEvent::Held(held) => self.held(held, &place),
                OwnedEvent::Carried(Carried::Units(units)) => self.carried(units, &place),
                OwnedEvent::Carried(Carried::Order(order)) => {
                    let progress = Progress::carried(order, place.now);
                    self.orders.insert(order.order_id.0, progress);
                }
                OwnedEvent::Detailing(detailing) => {
                    self.left_out = detailing.left_out().map(str::to_owned).collect();
                    let left_out = self.left_out.clone();
                    self.part(place.utc).left_out.extend(left_out);
                }
                OwnedEvent::Command(command) => {
                    add(&mut self.part(place.utc).commands, command.kind.word());
                }
                _ => {}
            },
        }
    }

    fn order(&mut self, order: &OrderCommand, place: &Place<'_>) {
        self.message(order, place);
        let part = self.part(place.utc);
        let each = |part: &mut InstrumentPart| match order.action {
            OrderAction::New => {
                part.orders += 1;
                if matches!(order.effect, PositionEffect::Open) {
                    part.opened_lots += u64::from(order.qty_lots);
                }
            }
            OrderAction::Cancel => part.cancels += 1,
            OrderAction::Replace => part.replaces += 1,
            OrderAction::Status => {}
        };
        in_both(part, order, place.labels, each);
        if order.action != OrderAction::New {
            return;
        }
        part.tick_to_order.add(place.now.since(order.caused).0);
        let leg = leg(part, order, place.labels);
        leg.orders += 1;
        leg.asked_lots += u64::from(order.qty_lots);
        let progress = Progress { sent_ns: place.now.0, ..Progress::default() };
        self.orders.insert(order.order_id.0, progress);
    }

    /// Counts a message of its second, for the product and for the account's product.
    fn message(&mut self, order: &OrderCommand, place: &Place<'_>) {
        let second = place.utc.0 / SECOND_NS;
        let name = place.labels.instrument(order.instrument);
        let account = place.labels.account(order.account);
        for key in [name.clone(), format!("{account}/{name}")] {
            let counted = self.seconds.entry(key.clone()).or_default();
            if counted.second != second {
                *counted = Second { second, count: 0 };
            }
            counted.count += 1;
            let count = counted.count;
            let part = self.part(place.utc);
            let row = if key == name {
                product(part, order.instrument, place.labels)
            } else {
                of_account(part, order.account, order.instrument, place.labels)
            };
            row.most_per_second = row.most_per_second.max(count);
            row.fast_seconds += u64::from(count == FAST_PER_SECOND);
        }
    }

    fn detail(&mut self, detail: &Detail, place: &Place<'_>) {
        match detail {
            Detail::Decision(decision) => self.decision(decision, place),
            Detail::Alert(alert) => {
                add(&mut self.part(place.utc).alerts, alert.kind.word());
                if alert.kind == AlertKind::OrderUnknown {
                    self.unknown(alert.order_id, place);
                }
            }
            Detail::State(_) | Detail::Follow(_) | Detail::Ruling(_) => {}
            Detail::Ending(ending) => self.ending(ending, place),
            Detail::Repair(repair) => {
                let row = pair(self.part(place.utc), repair.spread, place.labels);
                match repair.way {
                    RepairWay::Complete => row.completed += 1,
                    RepairWay::Unwind => row.traded_back += 1,
                    RepairWay::Neither => {}
                }
            }
            Detail::Internal(internal) => self.met_inside(internal, place),
        }
    }

    /// Lots went from one pair to another: what the account holds stays as it is.
    fn met_inside(&mut self, internal: &Internal, place: &Place<'_>) {
        let lots = i64::from(internal.lots);
        for (side, signed) in [(&internal.buy, lots), (&internal.sell, -lots)] {
            pair(self.part(place.utc), side.spread, place.labels).inside_lots +=
                u64::from(internal.lots);
            self.hedge(side.spread, side.leg, signed, place);
        }
    }

    fn decision(&mut self, decision: &Decision, place: &Place<'_>) {
        let standing = self.spreads.entry(decision.spread.0).or_default();
        let repeated = standing.last_refusal.and_then(Gate::from_code);
        let fired = decision.gate == Gate::Passed;
        standing.last_refusal = (!fired).then_some(decision.gate.code());
        let part = self.part(place.utc);
        // They are repetitions of the refusal before this decision.
        let times = repeated.map_or(0, |_| u64::from(decision.repeated));
        if let Some(gate) = repeated.filter(|_| times > 0) {
            *part.gates.entry(gate.word().to_owned()).or_default() += times;
        }
        if !fired {
            add(&mut part.gates, decision.gate.word());
        }
        let row = pair(part, decision.spread, place.labels);
        row.decisions += 1;
        row.fires += u64::from(fired);
        row.refusals += times + u64::from(!fired);
    }

    fn ending(&mut self, ending: &Ending, place: &Place<'_>) {
        let row = pair(self.part(place.utc), ending.spread, place.labels);
        match (ending.is_aligned, ending.done_units) {
            (true, 0) => row.empty += 1,
            (true, _) => row.aligned += 1,
            (false, _) => row.broken += 1,
        }
        row.asked_units += u64::from(ending.units);
        row.done_units += u64::from(ending.done_units);
        row.took.add(ending.took.0);
    }

    fn unknown(&mut self, id: OrderId, place: &Place<'_>) {
        if let Some(order) = self.orders.get_mut(&id.0)
            && !std::mem::replace(&mut order.is_unknown, true)
        {
            self.part(place.utc).unknown += 1;
        }
    }

    fn held(&mut self, held: &HeldLots, place: &Place<'_>) {
        let long = i64::from(held.long_today) + i64::from(held.long_yesterday);
        let short = i64::from(held.short_today) + i64::from(held.short_yesterday);
        self.set_position(held.instrument, long - short, place);
    }

    fn set_position(&mut self, index: InstrumentIndex, lots: i64, place: &Place<'_>) {
        self.positions.insert(place.labels.instrument(index), lots);
        let row = product(self.part(place.utc), index, place.labels);
        row.position_lots = Some(lots);
        row.most_lots = row.most_lots.max(lots.unsigned_abs());
    }

    fn news(&mut self, event: &OrderEvent, place: &Place<'_>) {
        let sent = place.memory.order(event.order_id).map(|known| known.sent);
        let (Some(sent), true) = (sent, self.orders.contains_key(&event.order_id.0)) else {
            self.part(place.utc).strangers += 1;
            return;
        };
        match event.kind {
            OrderEventKind::Accepted => self.accepted(&sent, event, place),
            OrderEventKind::Filled => self.filled(&sent, event, place),
            OrderEventKind::Busted => self.busted(&sent, event, place),
            OrderEventKind::Cancelled => self.end(&sent, place, |row| row.cancelled += 1),
            OrderEventKind::Rejected => self.end(&sent, place, |row| row.rejects += 1),
            OrderEventKind::NotSent => self.end(&sent, place, |row| row.not_sent += 1),
            OrderEventKind::Unknown => self.unknown(event.order_id, place),
            OrderEventKind::CancelRejected
            | OrderEventKind::CancelNotSent
            | OrderEventKind::Replaced
            | OrderEventKind::ReplaceRejected
            | OrderEventKind::Corrected => {}
        }
    }

    fn accepted(&mut self, sent: &OrderCommand, event: &OrderEvent, place: &Place<'_>) {
        let Some(order) = self.orders.get_mut(&sent.order_id.0) else { return };
        let is_first = !std::mem::replace(&mut order.is_accepted, true);
        let took = event.received.0.saturating_sub(order.sent_ns);
        if is_first {
            let part = self.part(place.utc);
            part.order_to_accepted.add(took);
            in_both(part, sent, place.labels, |row| row.accepted += 1);
        }
    }

    fn filled(&mut self, sent: &OrderCommand, event: &OrderEvent, place: &Place<'_>) {
        let Some(order) = self.orders.get_mut(&sent.order_id.0) else { return };
        let is_told = match (event.exec_id, event.cum_lots) {
            (0, 0) => false,
            (0, total) => total <= order.most_cum,
            (id, _) => order.fills.contains(&id),
        };
        if is_told {
            return;
        }
        let is_first = order.filled_lots == 0 && order.fills.is_empty();
        order.fills.insert(event.exec_id);
        order.most_cum = order.most_cum.max(event.cum_lots);
        order.filled_lots = order.filled_lots.saturating_add(event.qty_lots);
        order.last_price_e9 = event.price_e9;
        let took = event.received.0.saturating_sub(order.sent_ns);
        let is_whole = order.filled_lots >= sent.qty_lots;
        if is_first {
            self.part(place.utc).order_to_fill.add(took);
        }
        let booked = Booked { side: event.side, lots: event.qty_lots, price_e9: event.price_e9 };
        self.book(sent, booked, 1, place);
        if is_whole {
            self.end(sent, place, |_| {});
        }
    }

    fn busted(&mut self, sent: &OrderCommand, event: &OrderEvent, place: &Place<'_>) {
        let Some(order) = self.orders.get_mut(&sent.order_id.0) else { return };
        if event.exec_id != 0 && !order.busts.insert(event.exec_id) {
            return;
        }
        order.filled_lots = order.filled_lots.saturating_sub(event.qty_lots);
        order.most_cum = order.most_cum.saturating_sub(event.qty_lots);
        let price_e9 = if event.price_e9 == 0 { order.last_price_e9 } else { event.price_e9 };
        let booked = Booked { side: event.side, lots: event.qty_lots, price_e9 };
        self.book(sent, booked, -1, place);
    }

    /// Books lots that changed hands (`sign` 1) or were taken back (-1).
    fn book(&mut self, sent: &OrderCommand, booked: Booked, sign: i64, place: &Place<'_>) {
        let Booked { side, lots, price_e9 } = booked;
        let signed = match side {
            Side::Buy => i64::from(lots) * sign,
            Side::Sell => -i64::from(lots) * sign,
        };
        let multiplier = place.memory.instrument(sent.instrument).map_or(0, |of| of.multiplier_e9);
        let money = |price_lots: i128| price_lots * i128::from(multiplier) / 1_000_000_000;
        let cost = i128::from(price_e9) * i128::from(lots) * i128::from(sign);
        let part = self.part(place.utc);
        in_both(part, sent, place.labels, |row| {
            if sign > 0 {
                row.fills += 1;
            } else {
                row.busts += 1;
            }
            let side = if side == Side::Buy { &mut row.bought_lots } else { &mut row.sold_lots };
            *side += i64::from(lots) * sign;
            row.traded_e9 += money(cost);
        });
        let planned = planned_e9(sent, place.memory) * i128::from(lots) * i128::from(sign);
        let better = match sent.side {
            Side::Buy => planned - cost,
            Side::Sell => cost - planned,
        };
        let leg = leg(part, sent, place.labels);
        leg.filled_lots += i64::from(lots) * sign;
        leg.better_e9 += better;
        leg.money_e9 += money(better);
        let before = self.positions.get(&place.labels.instrument(sent.instrument));
        let after = before.copied().unwrap_or(0) + signed;
        self.set_position(sent.instrument, after, place);
        self.hedge(sent.spread, sent.leg, signed, place);
    }

    /// Notes what a fill does to the ratio of its pair's legs.
    fn hedge(&mut self, spread: SpreadIndex, leg: u8, signed: i64, place: &Place<'_>) {
        let Some(spec) = place.memory.spread(spread) else { return };
        let ratios = spec.legs.map(|leg| leg.ratio_lots);
        let standing = self.spreads.entry(spread.0).or_default();
        if let Some(lots) = standing.legs.get_mut(usize::from(leg)) {
            *lots += signed;
        }
        self.see_unhedged(spread, &ratios, place);
    }

    /// What an earlier run left in a pair: its legs are in ratio, but for the residual.
    fn carried(&mut self, units: &CarriedUnits, place: &Place<'_>) {
        let Some(spec) = place.memory.spread(units.spread) else { return };
        let ratios = spec.legs.map(|leg| leg.ratio_lots);
        let standing = self.spreads.entry(units.spread.0).or_default();
        standing.legs = units.residual_lots;
        for (lots, ratio) in standing.legs.iter_mut().zip(ratios) {
            *lots += i64::from(units.position_units) * i64::from(ratio);
        }
        self.see_unhedged(units.spread, &ratios, place);
    }

    fn see_unhedged(&mut self, spread: SpreadIndex, ratios: &[i32; MAX_LEGS], place: &Place<'_>) {
        let standing = self.spreads.entry(spread.0).or_default();
        let is_unhedged = unhedged_lots(ratios, &standing.legs) > 0;
        match (standing.unhedged_since, is_unhedged) {
            (None, true) => standing.unhedged_since = Some(place.now.0),
            (Some(since), false) => {
                standing.unhedged_since = None;
                let lasted = place.now.0.saturating_sub(since);
                pair(self.part(place.utc), spread, place.labels).unhedged.add(lasted);
            }
            _ => {}
        }
    }

    /// The fate of an order is known; `note` counts it if that is news.
    fn end(&mut self, sent: &OrderCommand, place: &Place<'_>, note: impl Fn(&mut InstrumentPart)) {
        let Some(order) = self.orders.get_mut(&sent.order_id.0) else { return };
        if std::mem::replace(&mut order.is_over, true) {
            return;
        }
        self.over.push(sent.order_id.0);
        if self.over.len() > 2 * KEPT {
            for id in self.over.drain(..KEPT) {
                self.orders.remove(&id);
            }
        }
        in_both(self.part(place.utc), sent, place.labels, note);
    }
}

/// Lots that changed hands.
#[derive(Clone, Copy)]
struct Booked {
    side: Side,
    lots: u32,
    price_e9: i64,
}

fn add(counts: &mut BTreeMap<String, u64>, word: &str) {
    *counts.entry(word.to_owned()).or_default() += 1;
}

fn pair<'p>(part: &'p mut Part, index: SpreadIndex, labels: &Labels) -> &'p mut SpreadPart {
    part.spreads.entry(labels.spread(index)).or_default()
}

fn leg<'p>(part: &'p mut Part, order: &OrderCommand, labels: &Labels) -> &'p mut super::LegPart {
    let row = pair(part, order.spread, labels);
    let leg = row.legs.entry(labels.instrument(order.instrument)).or_default();
    leg.currency = labels.currency(order.instrument);
    leg
}

fn product<'p>(
    part: &'p mut Part,
    index: InstrumentIndex,
    labels: &Labels,
) -> &'p mut InstrumentPart {
    named(part.instruments.entry(labels.instrument(index)).or_default(), index, labels)
}

fn of_account<'p>(
    part: &'p mut Part,
    account: AccountId,
    index: InstrumentIndex,
    labels: &Labels,
) -> &'p mut InstrumentPart {
    let rows = part.programme.entry(labels.account(account)).or_default();
    named(rows.entry(labels.instrument(index)).or_default(), index, labels)
}

fn named<'p>(
    row: &'p mut InstrumentPart,
    index: InstrumentIndex,
    labels: &Labels,
) -> &'p mut InstrumentPart {
    if row.venue.is_empty() {
        row.venue = labels.venue(index);
        row.currency = labels.currency(index);
    }
    row
}

/// Counts in the product's row and in that of the account's product.
fn in_both(
    part: &mut Part,
    order: &OrderCommand,
    labels: &Labels,
    note: impl Fn(&mut InstrumentPart),
) {
    note(product(part, order.instrument, labels));
    note(of_account(part, order.account, order.instrument, labels));
}

/// The price that was decided on: the order's without what it pays up.
fn planned_e9(order: &OrderCommand, memory: &Memory) -> i128 {
    let spec = memory.spread(order.spread);
    let leg = spec.and_then(|spec| spec.legs.get(usize::from(order.leg)));
    let pay_up = i128::from(leg.map_or(0, |leg| leg.pay_up_e9));
    match order.side {
        Side::Buy => i128::from(order.price_e9) - pay_up,
        Side::Sell => i128::from(order.price_e9) + pay_up,
    }
}

/// Lots that legs hold beyond the whole units that all hold together, all legs counted together.
pub(crate) fn unhedged_lots(ratios: &[i32; MAX_LEGS], lots: &[i64; MAX_LEGS]) -> u64 {
    let traded = || ratios.iter().zip(lots).filter(|(ratio, _)| **ratio != 0);
    let reached = traded().map(|(ratio, lots)| lots / i64::from(*ratio));
    let units = reached.reduce(|one, other| {
        if one.signum() * other.signum() <= 0 {
            0
        } else if one > 0 {
            one.min(other)
        } else {
            one.max(other)
        }
    });
    let units = units.unwrap_or(0);
    traded().map(|(ratio, lots)| lots.abs_diff(units * i64::from(*ratio))).sum()
}

//! What happened in an hour, and from those in a day: figures that are added up while receipts come
//! in and never gone back over.
//!
//! `fold` takes receipts in order, `sheets` makes tables of a day, `rts24` and the programme sheet
//! are those that authorities ask for. An hour is kept under its number since 1970 in UTC; a day of
//! any time zone is the sum of its hours. Definitions are those of `monitor::tally`, against which
//! a test holds them.

mod buckets;
mod fold;

pub mod rts24;
pub mod sheets;

pub use buckets::Buckets;
pub use fold::Folding;
pub(crate) use fold::unhedged_lots;

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use xmc_hotpath::message::Detailing;

/// Figures by the name of what they are of.
pub type ByName<T> = BTreeMap<String, T>;

/// Orders and cancels in one second from which on it counts among those seconds of which ten in a
/// trading day must be reported (see the programme sheet).
pub const FAST_PER_SECOND: u32 = 10;

/// One leg of a pair.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegPart {
    /// Orders sent.
    pub orders: u64,
    /// Lots asked for.
    pub asked_lots: u64,
    /// Lots filled; what was taken back counts below zero in the hour in which it was.
    pub filled_lots: i64,
    /// How much better than the price that was decided on: price times lots, units of 1e-9.
    pub better_e9: i128,
    /// The same in money of the leg's currency, units of 1e-9.
    pub money_e9: i128,
    /// That currency.
    pub currency: String,
}

/// One pair.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpreadPart {
    /// Decisions that were written.
    pub decisions: u64,
    /// Those that fired.
    pub fires: u64,
    /// Times that a gate held a trigger back, repetitions that were not written included.
    pub refusals: u64,
    /// Fires that ended in ratio with something done.
    pub aligned: u64,
    /// Fires that ended in ratio with nothing done.
    pub empty: u64,
    /// Fires that ended out of ratio.
    pub broken: u64,
    /// Repairs sent that completed what missed.
    pub completed: u64,
    /// Repairs sent that traded back what was beyond whole units.
    pub traded_back: u64,
    /// Lots that were met inside by another pair's: no order of this one traded them.
    #[serde(default)]
    pub inside_lots: u64,
    /// Units asked for by fires that ended.
    pub asked_units: u64,
    /// Units done.
    pub done_units: u64,
    /// How long fires took.
    pub took: Buckets,
    /// How long its legs were out of ratio, each time that came to an end.
    pub unhedged: Buckets,
    /// By leg.
    pub legs: ByName<LegPart>,
}

/// One product.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstrumentPart {
    /// Its venue.
    pub venue: String,
    /// The currency of its money.
    pub currency: String,
    /// Quotes that the desk took.
    pub quotes: u64,
    /// New orders.
    pub orders: u64,
    /// Cancels that were asked for.
    pub cancels: u64,
    /// Changes that were asked for.
    pub replaces: u64,
    /// Orders that the venue said it has, each once.
    pub accepted: u64,
    /// Orders that the venue refused.
    pub rejects: u64,
    /// Orders that never left.
    pub not_sent: u64,
    /// Orders that ended with lots not filled.
    pub cancelled: u64,
    /// Fills, each once.
    pub fills: u64,
    /// Fills that were taken back.
    pub busts: u64,
    /// Lots bought, without those that were taken back.
    pub bought_lots: i64,
    /// Lots sold, without those that were taken back.
    pub sold_lots: i64,
    /// Lots of orders that open.
    pub opened_lots: u64,
    /// Money traded, units of 1e-9.
    pub traded_e9: i128,
    /// Net lots after the last change; `None` if nothing changed.
    pub position_lots: Option<i64>,
    /// The largest net position, either side.
    pub most_lots: u64,
    /// The most orders and cancels in a second.
    pub most_per_second: u32,
    /// Seconds with `FAST_PER_SECOND` or more.
    pub fast_seconds: u64,
}

/// What happened in an hour, or in several.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Records by kind.
    pub records: ByName<u64>,
    /// By pair.
    pub spreads: ByName<SpreadPart>,
    /// By product.
    pub instruments: ByName<InstrumentPart>,
    /// By account, then by product: orders and cancels, the most in a second, fast seconds, fills,
    /// lots.
    pub programme: ByName<ByName<InstrumentPart>>,
    /// What gates held back, repetitions that were not written included.
    pub gates: ByName<u64>,
    /// Alerts by kind.
    pub alerts: ByName<u64>,
    /// Commands by kind.
    pub commands: ByName<u64>,
    /// From the packet that caused an order to the moment that it was made.
    pub tick_to_order: Buckets,
    /// From an order to the news that the venue has it.
    pub order_to_accepted: Buckets,
    /// From an order to its first fill.
    pub order_to_fill: Buckets,
    /// Orders of which nobody could tell, for a while at least.
    pub unknown: u64,
    /// News of orders that the record does not know.
    pub strangers: u64,
    /// What was not recorded, for some of the time at least: see `Detailing::left_out`.
    pub left_out: BTreeSet<String>,
}

fn add_counts(into: &mut ByName<u64>, from: &ByName<u64>) {
    for (name, count) in from {
        *into.entry(name.clone()).or_default() += count;
    }
}

fn add_all<T: Default>(into: &mut ByName<T>, from: &ByName<T>, add: fn(&mut T, &T)) {
    for (name, part) in from {
        add(into.entry(name.clone()).or_default(), part);
    }
}

impl Part {
    /// Adds what happened after it.
    pub fn merge(&mut self, later: &Self) {
        add_counts(&mut self.records, &later.records);
        add_counts(&mut self.gates, &later.gates);
        add_counts(&mut self.alerts, &later.alerts);
        add_counts(&mut self.commands, &later.commands);
        add_all(&mut self.spreads, &later.spreads, SpreadPart::merge);
        add_all(&mut self.instruments, &later.instruments, InstrumentPart::merge);
        add_all(&mut self.programme, &later.programme, |into, from| {
            add_all(into, from, InstrumentPart::merge);
        });
        self.tick_to_order.merge(&later.tick_to_order);
        self.order_to_accepted.merge(&later.order_to_accepted);
        self.order_to_fill.merge(&later.order_to_fill);
        self.unknown += later.unknown;
        self.strangers += later.strangers;
        self.left_out.extend(later.left_out.iter().cloned());
    }

    /// Whether every refusal was recorded: without some, nobody knows how many triggers were met.
    #[must_use]
    pub fn has_refusals(&self) -> bool {
        self.left_out.iter().all(|word| word == Detailing::ENDINGS)
    }

    /// Whether the end of every fire was recorded.
    #[must_use]
    pub fn has_endings(&self) -> bool {
        !self.left_out.contains(Detailing::ENDINGS)
    }

    /// A sum over all products.
    #[must_use]
    pub fn sum(&self, of: impl Fn(&InstrumentPart) -> u64) -> u64 {
        self.instruments.values().map(of).sum()
    }

    /// A sum over all pairs.
    #[must_use]
    pub fn sum_of_spreads(&self, of: impl Fn(&SpreadPart) -> u64) -> u64 {
        self.spreads.values().map(of).sum()
    }
}

impl SpreadPart {
    fn merge(&mut self, later: &Self) {
        self.decisions += later.decisions;
        self.fires += later.fires;
        self.refusals += later.refusals;
        self.aligned += later.aligned;
        self.empty += later.empty;
        self.broken += later.broken;
        self.completed += later.completed;
        self.traded_back += later.traded_back;
        self.inside_lots += later.inside_lots;
        self.asked_units += later.asked_units;
        self.done_units += later.done_units;
        self.took.merge(&later.took);
        self.unhedged.merge(&later.unhedged);
        add_all(&mut self.legs, &later.legs, |into, from| {
            into.orders += from.orders;
            into.asked_lots += from.asked_lots;
            into.filled_lots += from.filled_lots;
            into.better_e9 += from.better_e9;
            into.money_e9 += from.money_e9;
            into.currency.clone_from(&from.currency);
        });
    }
}

impl InstrumentPart {
    fn merge(&mut self, later: &Self) {
        self.venue.clone_from(&later.venue);
        self.currency.clone_from(&later.currency);
        self.quotes += later.quotes;
        self.orders += later.orders;
        self.cancels += later.cancels;
        self.replaces += later.replaces;
        self.accepted += later.accepted;
        self.rejects += later.rejects;
        self.not_sent += later.not_sent;
        self.cancelled += later.cancelled;
        self.fills += later.fills;
        self.busts += later.busts;
        self.bought_lots += later.bought_lots;
        self.sold_lots += later.sold_lots;
        self.opened_lots += later.opened_lots;
        self.traded_e9 += later.traded_e9;
        self.position_lots = later.position_lots.or(self.position_lots);
        self.most_lots = self.most_lots.max(later.most_lots);
        self.most_per_second = self.most_per_second.max(later.most_per_second);
        self.fast_seconds += later.fast_seconds;
    }
}

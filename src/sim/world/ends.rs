//! How schedules end: what is left once everything has come to rest, and how long fires were out of
//! ratio on the way.

use std::collections::BTreeMap;

use serde::Serialize;
use xmc_hotpath::desk::{Desk, SpreadState};
use xmc_hotpath::message::{InstrumentIndex, MAX_LEGS, Quote, RepairEnd, SpreadIndex};
use xmc_hotpath::time::{MonoNs, Span};

use super::World;
use crate::sim::endings::{Cause, Endings, Known};
use crate::sim::fault::{Fault, Hits};
use crate::sim::model::Model;

/// What a venue does that does not answer, or not what happened, and what a person does that stops
/// a spread for good: of schedules without any of it an engine has to come to an end by itself.
const NOT_ANSWERED: [Fault; 13] = [
    Fault::LateAck,
    Fault::Bust,
    Fault::Overfill,
    Fault::WorsePrice,
    Fault::WrongSide,
    Fault::ForeignReport,
    Fault::FillAfterCancel,
    Fault::LostReport,
    Fault::Disconnect,
    Fault::Amnesia,
    Fault::SilentVenue,
    Fault::TornSend,
    Fault::Kill,
];

/// How spreads have ended whose fires may be repaired.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Ends {
    /// How many there were.
    pub spreads: u64,
    /// Of these, halted.
    pub halted: u64,
    /// Of these, with lots left over, or a fire out of ratio that has not ended.
    pub one_sided: u64,
    /// The most lots that one leg was left with.
    pub most_lots: u64,
    /// The most that the lots left over of one spread are worth, 1e-9 of the toy market's money.
    pub most_value_e9: u128,
    /// The longest that a fire was known to be out of ratio, until it was mended or given up.
    pub longest_ns: u64,
    /// Spreads of schedules in which venues have answered.
    pub answered: u64,
    /// Of these, with nothing left over and not halted.
    pub answered_flat: u64,
    /// Of these, with nothing left over, but halted: by a breaker, a rule or a limit of fires.
    pub answered_halted: u64,
    /// The longest that a fire of these was out of ratio.
    pub answered_longest_ns: u64,
    /// Why the others of these were halted, each once, by `Cause::word`.
    pub answered_causes: BTreeMap<String, u64>,
    /// Spreads of these by how they are configured.
    pub answered_kinds: BTreeMap<String, Kind>,
}

/// Spreads that are configured alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Kind {
    /// How many there were.
    pub spreads: u64,
    /// Of these, with nothing left over and not halted.
    pub flat: u64,
}

impl Ends {
    /// Adds those of another schedule.
    pub fn add(&mut self, other: &Self) {
        self.spreads += other.spreads;
        self.halted += other.halted;
        self.one_sided += other.one_sided;
        self.most_lots = self.most_lots.max(other.most_lots);
        self.most_value_e9 = self.most_value_e9.max(other.most_value_e9);
        self.longest_ns = self.longest_ns.max(other.longest_ns);
        self.answered += other.answered;
        self.answered_flat += other.answered_flat;
        self.answered_halted += other.answered_halted;
        self.answered_longest_ns = self.answered_longest_ns.max(other.answered_longest_ns);
        for (cause, count) in &other.answered_causes {
            *self.answered_causes.entry(cause.clone()).or_default() += count;
        }
        for (kind, of) in &other.answered_kinds {
            let sum = self.answered_kinds.entry(kind.clone()).or_default();
            sum.spreads += of.spreads;
            sum.flat += of.flat;
        }
    }

    /// Time has come to `now`: fires that were out of ratio until then.
    pub(super) fn pass(&mut self, now: MonoNs, model: &Model) {
        for spread in model.spreads.values() {
            let since = spread.fire.as_ref().and_then(|fire| fire.open_since);
            let Span(open) = since.map_or(Span(0), |since| now.since(since));
            self.longest_ns = self.longest_ns.max(open);
        }
    }

    /// Everything has come to rest.
    pub(super) fn rest(mut self, desk: &Desk<'_>, hits: &Hits, endings: &Endings) -> Self {
        let is_answered = NOT_ANSWERED.iter().all(|fault| hits.of(*fault) == 0);
        for (row, spread) in desk.spreads().iter().zip((0..).map(SpreadIndex)) {
            let Some(spec) = row.spec.as_ref().filter(|spec| spec.repair.tries > 0) else {
                continue;
            };
            let is_open = row.fire.as_ref().is_some_and(|fire| fire.open_since.is_some());
            let left = row.residual_lots.map(i64::unsigned_abs);
            let is_one_sided = is_open || left != [0; MAX_LEGS];
            let is_halted = row.state == SpreadState::Halted;
            let value_e9: u128 = spec
                .legs
                .iter()
                .zip(left)
                .map(|(leg, lots)| value_e9(desk, leg.instrument, lots))
                .sum();
            self.spreads += 1;
            self.halted += u64::from(is_halted);
            self.one_sided += u64::from(is_one_sided);
            self.most_lots = self.most_lots.max(left.into_iter().max().unwrap_or(0));
            self.most_value_e9 = self.most_value_e9.max(value_e9);
            if is_answered {
                self.answered += 1;
                let is_flat = !is_halted && !is_one_sided;
                self.answered_flat += u64::from(is_flat);
                if !is_flat {
                    let cause = endings.halt(spread).unwrap_or(Cause::Command).word();
                    *self.answered_causes.entry(cause).or_default() += 1;
                }
                let end = match spec.repair.then {
                    RepairEnd::Halt => "halt",
                    RepairEnd::Flatten => "flatten",
                };
                let kind = format!("tries {}, {end}", spec.repair.tries);
                let kind = self.answered_kinds.entry(kind).or_default();
                kind.spreads += 1;
                kind.flat += u64::from(is_flat);
                self.answered_halted += u64::from(is_halted && !is_one_sided);
                self.answered_longest_ns = self.longest_ns;
            }
        }
        self
    }
}

impl World<'_> {
    /// Reads what the desk has told with the input that it took last.
    pub(super) fn read_endings(&mut self) {
        let (desk, endings) = (&self.desk, &mut self.endings);
        let rows = desk.spreads();
        let known = Known {
            spec: &|spread| rows.get(spread.0 as usize).and_then(|row| row.spec),
            value_e9: &|instrument, lots| value_e9(desk, instrument, lots),
        };
        endings.input(self.now);
        self.outputs.details().for_each(|detail| endings.detail(detail, &known));
    }
}

/// What lots are worth at the last price, 1e-9 of money.
fn value_e9(desk: &Desk<'_>, instrument: InstrumentIndex, lots: u64) -> u128 {
    let instrument = desk.instruments().get(instrument.0 as usize);
    let contract = instrument.and_then(|row| row.spec.as_ref());
    let price_e9 = instrument.map_or(0, |row| last_price_e9(&row.quote));
    let of_lot_e9 = contract.map_or(0, |contract| {
        i128::from(price_e9) * i128::from(contract.multiplier_e9) / 1_000_000_000
    });
    of_lot_e9.unsigned_abs() * u128::from(lots)
}

/// The best price of a book that has one; 0 of an empty one.
fn last_price_e9(quote: &Quote) -> i64 {
    let sides = [&quote.bids, &quote.asks];
    sides.into_iter().find(|side| side.count > 0).map_or(0, |side| side.price_e9[0])
}

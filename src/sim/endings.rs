//! How fires come to an end, told from what the desk writes down of them: which had to be repaired,
//! how many of those ended flat with their spread at work, and what became of the others and why.
//!
//! Nothing but details is looked at, so a schedule, a score and a record are counted alike. What is
//! left out of the details (ends of fires in ratio) is known from what is not: a fire out of ratio
//! is always told.
//!
//! Called by `world` and by `score::receipts`.

use std::collections::BTreeMap;

use serde::Serialize;
use xmc_hotpath::execute;
use xmc_hotpath::message::{
    AlertKind, Detail, Ending, Gate, InstrumentIndex, Intent, Obstacle, Repair, SafeState,
    SpreadIndex, SpreadSpec, StateChange, Way,
};
use xmc_hotpath::time::{MonoNs, Span};

/// How fires have ended. Of those that had to be repaired each is one of `flat`, `halted`,
/// `left_over` and `unended`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FireEnds {
    /// Fires.
    pub fires: u64,
    /// Of these, fires whose legs were out of ratio once all their orders were known.
    pub repaired: u64,
    /// Of those to be repaired: ended in ratio, their spread not halted meanwhile.
    pub flat: u64,
    /// Ended in ratio, and their spread was halted meanwhile, by something else.
    pub halted: u64,
    /// Ended with lots left over: the spread is halted.
    pub left_over: u64,
    /// Have not ended, those that had not to be repaired among them.
    pub unended: u64,
    /// Fires that had not to be repaired and whose spread was halted meanwhile.
    pub whole_halted: u64,
    /// The most lots that one leg was left with.
    pub most_lots: u64,
    /// The most that the lots left over by one fire are worth, 1e-9 of money.
    pub most_value_e9: u128,
    /// The longest that a fire was known to be out of ratio, until it ended or was told last.
    pub longest_ns: u64,
}

impl FireEnds {
    /// Adds those of another schedule.
    pub fn add(&mut self, other: &Self) {
        self.fires += other.fires;
        self.repaired += other.repaired;
        self.flat += other.flat;
        self.halted += other.halted;
        self.left_over += other.left_over;
        self.unended += other.unended;
        self.whole_halted += other.whole_halted;
        self.most_lots = self.most_lots.max(other.most_lots);
        self.most_value_e9 = self.most_value_e9.max(other.most_value_e9);
        self.longest_ns = self.longest_ns.max(other.longest_ns);
    }

    /// Fires that ended in ratio, with their spread not halted meanwhile.
    #[must_use]
    pub const fn all_flat(&self) -> u64 {
        self.fires - self.halted - self.left_over - self.unended - self.whole_halted
    }
}

/// Why a spread was halted, or a fire left lots over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// Every try was used.
    Tries,
    /// The time for it was over, and this stood in the way that opens nothing.
    Time(Obstacle, Gate),
    /// The desk as a whole was halted.
    Desk,
    /// A person stopped it.
    Command,
    /// Lots were traded or taken back after its fire had ended.
    Afterwards,
    /// It had been halted by this, after which nothing is repaired.
    Alert(AlertKind),
}

impl Cause {
    /// Its word in reports.
    #[must_use]
    pub fn word(self) -> String {
        match self {
            Self::Tries => "tries_used".to_owned(),
            Self::Time(_, gate) if is_of_book(gate) => "no_time_book".to_owned(),
            Self::Time(Obstacle::Gate, gate) => format!("no_time_gate_{}", gate.word()),
            Self::Time(Obstacle::Nothing, _) => "no_time_while_tried".to_owned(),
            Self::Time(obstacle, _) => format!("no_time_{}", obstacle.word()),
            Self::Desk => "desk_halted".to_owned(),
            Self::Command => "command".to_owned(),
            Self::Afterwards => "after_the_end".to_owned(),
            Self::Alert(kind) => kind.word().to_owned(),
        }
    }
}

/// Whether the gate says that a book cannot be believed, or is too old.
const fn is_of_book(gate: Gate) -> bool {
    matches!(gate, Gate::ChannelState | Gate::QuoteQuality | Gate::QuoteAge)
}

/// A fire that runs, or has ended with the input that is read.
#[derive(Clone, Copy, Debug)]
struct Fire {
    intent: Intent,
    /// Since when it was known to be out of ratio.
    open_since: Option<MonoNs>,
    /// The last look at it.
    looked: Option<Repair>,
    /// When the time began that this look was in: anew where the fire is flattened.
    round_since: Option<MonoNs>,
    is_halted: bool,
    /// It was told that it has ended, and whether in ratio.
    ended: Option<bool>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Row {
    fire: Option<Fire>,
    /// Why it is halted, if it is.
    halt: Option<Cause>,
    /// Its repair was given up with the input that is read, for this.
    given_up: Option<Cause>,
}

/// What is known of a spread besides what is told of it.
pub struct Known<'k> {
    /// What a spread is made of.
    pub spec: &'k dyn Fn(SpreadIndex) -> Option<SpreadSpec>,
    /// What so many lots of an instrument are worth, 1e-9 of money.
    pub value_e9: &'k dyn Fn(InstrumentIndex, u64) -> u128,
}

/// Reads the details of one desk.
#[derive(Clone, Debug, Default)]
pub struct Endings {
    rows: BTreeMap<u32, Row>,
    sums: FireEnds,
    causes: BTreeMap<Cause, u64>,
    is_desk_halted: bool,
    now: MonoNs,
}

impl Endings {
    /// An input comes: what was told of the one before it was all of it.
    pub fn input(&mut self, now: MonoNs) {
        self.now = self.now.max(now);
        for row in self.rows.values_mut() {
            row.given_up = None;
            if row.fire.is_some_and(|fire| fire.ended.is_some()) {
                close(row, &mut self.sums);
            }
        }
    }

    /// One thing that the desk tells.
    pub fn detail(&mut self, detail: &Detail, known: &Known<'_>) {
        match detail {
            Detail::Decision(told) if told.gate == Gate::Passed => {
                let row = self.rows.entry(told.spread.0).or_default();
                close(row, &mut self.sums);
                self.sums.fires += 1;
                row.fire = Some(Fire {
                    intent: told.intent,
                    open_since: None,
                    looked: None,
                    round_since: None,
                    is_halted: false,
                    ended: None,
                });
            }
            Detail::Repair(told) => self.open(told.spread, told.open_for, Some(*told)),
            Detail::Internal(told) => {
                for side in [&told.buy, &told.sell] {
                    self.open(side.spread, Span(0), None);
                }
            }
            Detail::Alert(told) if told.kind == AlertKind::RepairFailed => {
                let spec = (known.spec)(told.spread);
                let row = self.rows.entry(told.spread.0).or_default();
                row.given_up = Some(given_up(row, spec.as_ref(), told.value, self.now));
                if self.is_desk_halted {
                    row.given_up = Some(Cause::Desk);
                }
            }
            Detail::Ending(told) => self.ending(told, known),
            Detail::State(told) => self.state(told),
            Detail::Alert(_) | Detail::Decision(_) | Detail::Follow(_) | Detail::Ruling(_) => {}
        }
    }

    fn open(&mut self, spread: SpreadIndex, open_for: Span, looked: Option<Repair>) {
        let Some(fire) = self.rows.get_mut(&spread.0).and_then(|row| row.fire.as_mut()) else {
            return;
        };
        let is_flattening = |told: Option<Repair>| told.is_some_and(|told| told.is_flattening);
        let since = MonoNs(self.now.0.saturating_sub(open_for.0));
        fire.open_since = Some(fire.open_since.map_or(since, |known| known.min(since)));
        let is_next = looked.is_some() && is_flattening(looked) != is_flattening(fire.looked);
        if fire.round_since.is_none() || is_next {
            fire.round_since = Some(since);
        }
        fire.looked = looked.or(fire.looked);
    }

    fn ending(&mut self, told: &Ending, known: &Known<'_>) {
        let is_desk_halted = self.is_desk_halted;
        let row = self.rows.entry(told.spread.0).or_default();
        if let Some(fire) = &mut row.fire {
            fire.ended = Some(told.is_aligned);
            if let Some(since) = fire.open_since {
                self.sums.longest_ns = self.sums.longest_ns.max(self.now.since(since).0);
            }
        }
        if told.is_aligned {
            return;
        }
        let unrepaired = if is_desk_halted { Cause::Desk } else { Cause::Command };
        let cause = row.given_up.or(row.halt).unwrap_or(unrepaired);
        row.given_up = Some(cause);
        *self.causes.entry(cause).or_default() += 1;
        let Some(spec) = (known.spec)(told.spread) else { return };
        let left = execute::residual_lots(&spec.legs, told).map(i64::unsigned_abs);
        let most = left.iter().copied().max().unwrap_or(0);
        self.sums.most_lots = self.sums.most_lots.max(most);
        let values = spec.legs.iter().zip(left).filter(|(_, lots)| *lots > 0);
        let value_e9 = values.map(|(leg, lots)| (known.value_e9)(leg.instrument, lots)).sum();
        self.sums.most_value_e9 = self.sums.most_value_e9.max(value_e9);
    }

    fn state(&mut self, told: &StateChange) {
        let is_halt = told.to == SafeState::Halt;
        if told.spread == SpreadIndex::ALL {
            self.is_desk_halted = is_halt;
            return;
        }
        let row = self.rows.entry(told.spread.0).or_default();
        if !is_halt {
            if told.from == SafeState::Halt {
                row.halt = None;
            }
            return;
        }
        let kind = AlertKind::from_code(told.cause).filter(|_| told.by_alert);
        row.halt = Some(match kind {
            Some(AlertKind::BrokenSpread) => row.given_up.unwrap_or(Cause::Afterwards),
            Some(kind) => Cause::Alert(kind),
            None => Cause::Command,
        });
        if let Some(fire) = &mut row.fire {
            fire.is_halted = true;
        }
    }

    /// Why a spread is halted, as far as that was told: a kill by name is not.
    #[must_use]
    pub fn halt(&self, spread: SpreadIndex) -> Option<Cause> {
        self.rows.get(&spread.0).and_then(|row| row.halt)
    }

    /// Everything has been told; `runs` says of which spreads a fire has not ended. How fires have
    /// ended, and why they left lots over.
    #[must_use]
    pub fn end(mut self, runs: impl Fn(SpreadIndex) -> bool) -> (FireEnds, BTreeMap<Cause, u64>) {
        for (spread, row) in &mut self.rows {
            if row.fire.is_some_and(|fire| fire.ended.is_none()) && runs(SpreadIndex(*spread)) {
                self.sums.unended += 1;
                let since = row.fire.take().and_then(|fire| fire.open_since);
                self.sums.repaired += u64::from(since.is_some());
                let longest_ns = since.map_or(0, |since| self.now.since(since).0);
                self.sums.longest_ns = self.sums.longest_ns.max(longest_ns);
            }
            close(row, &mut self.sums);
        }
        (self.sums, self.causes)
    }
}

/// Why a repair was given up, after so many tries, short of the desk's being halted.
fn given_up(row: &Row, spec: Option<&SpreadSpec>, tries: i64, now: MonoNs) -> Cause {
    let Some(spec) = spec else { return Cause::Command };
    let Some(Fire { intent, round_since, looked, .. }) = row.fire else { return Cause::Command };
    let rounds = if looked.is_some_and(|told| told.is_flattening) { 1 } else { 2 };
    if tries >= i64::from(spec.repair.tries) * rounds {
        return Cause::Tries;
    }
    let is_over = round_since.is_some_and(|since| now.since(since) >= spec.repair.within);
    if !is_over {
        return row.halt.unwrap_or(Cause::Command);
    }
    let nothing = (Obstacle::Nothing, Gate::Passed);
    let of = |way: &Way| (way.obstacle, way.gate);
    let (obstacle, gate) = looked
        .as_ref()
        .map_or(nothing, |told| of(if intent.is_open() { &told.unwind } else { &told.complete }));
    Cause::Time(obstacle, gate)
}

/// Counts a fire that is over.
fn close(row: &mut Row, sums: &mut FireEnds) {
    let Some(fire) = row.fire.take() else { return };
    let is_left = fire.ended == Some(false);
    let is_repaired = is_left || fire.open_since.is_some();
    sums.repaired += u64::from(is_repaired);
    let kind = match (is_repaired, is_left, fire.is_halted) {
        (_, true, _) => &mut sums.left_over,
        (true, false, true) => &mut sums.halted,
        (true, false, false) => &mut sums.flat,
        (false, _, true) => &mut sums.whole_halted,
        (false, _, false) => return,
    };
    *kind += 1;
}

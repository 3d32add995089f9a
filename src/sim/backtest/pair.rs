//! One pair of an account: the lots and money of its legs, its fire, and what it counts.

use xmc_hotpath::message::{
    Decision, Ending, Gate, InstrumentIndex, MAX_LEGS, RepairWay, SpreadSpec,
};
use xmc_hotpath::time::MonoNs;

use super::counts::{Counts, FireRow, PERIODS, PairResult};
use super::curve::Curve;
use super::money::{Held, converted_e18, rounded_e9};

/// A fire that has not ended.
#[derive(Clone, Debug)]
pub(super) struct Fired {
    pub period: usize,
    pub at_ns: u64,
    pub decision: Decision,
    /// What the books showed for each leg as it was decided on, the leg's own money, and the lots.
    pub shown: [(i128, u32); MAX_LEGS],
    /// Paid less received, money of the pair.
    pub paid_e18: i128,
    /// Whether anything of it was filled.
    pub has_traded: bool,
    pub repairs: u32,
}

/// Money of a leg in a period, its own currency.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    pub turnover_e18: i128,
    pub realised_e18: i128,
    pub fees_e18: i128,
}

/// One pair.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    pub spec: Option<SpreadSpec>,
    /// What one of each leg's currency is in the pair's.
    pub rates_e9: [i64; MAX_LEGS],
    pub held: [Held; MAX_LEGS],
    /// Lots by leg since the pair was last cleared by hand.
    pub standing: [i64; MAX_LEGS],
    pub residual_lots: u64,
    pub since: MonoNs,
    pub fire: Option<Fired>,
    pub last_refusal: Option<Gate>,
    pub periods: [Counts; PERIODS],
    pub sums: [[Sums; MAX_LEGS]; PERIODS],
    pub curve: Curve,
    /// Worth of the runs before.
    before_e18: i128,
    equity_e18: i128,
    /// The most that it was worth in the period, and its worth as the period began.
    peak_e9: i128,
    begun_e9: i128,
}

impl Pair {
    pub fn new(rates_e9: [i64; MAX_LEGS]) -> Self {
        Self {
            spec: None,
            rates_e9,
            held: Default::default(),
            standing: [0; MAX_LEGS],
            residual_lots: 0,
            since: MonoNs(0),
            fire: None,
            last_refusal: None,
            periods: Default::default(),
            sums: Default::default(),
            curve: Curve::default(),
            before_e18: 0,
            equity_e18: 0,
            peak_e9: 0,
            begun_e9: 0,
        }
    }

    /// Another run begins, with nothing held.
    pub fn begin(&mut self, now: MonoNs) {
        self.before_e18 = self.equity_e18;
        (self.held, self.standing) = Default::default();
        (self.residual_lots, self.since) = (0, now);
        self.leave_unended();
    }

    fn leave_unended(&mut self) {
        if let Some(fire) = self.fire.take() {
            self.periods[fire.period].fired.unended += 1;
        }
    }

    /// Another period begins.
    pub fn begin_period(&mut self) {
        let equity_e9 = rounded_e9(self.equity_e18);
        (self.begun_e9, self.peak_e9) = (equity_e9, equity_e9);
    }

    /// A period is over at `now`.
    pub fn close_period(&mut self, now: MonoNs, period: usize) {
        self.expose(now, period);
        self.periods[period].profit_e9 = rounded_e9(self.equity_e18) - self.begun_e9;
    }

    /// Counts what stood out of ratio until `now`.
    pub fn expose(&mut self, now: MonoNs, period: usize) {
        let lasted = u128::from(now.since(self.since).0);
        self.since = self.since.max(now);
        self.periods[period].exposed_lot_ns += u128::from(self.residual_lots) * lasted;
    }

    /// Money of the pair, of a leg's own.
    pub fn money_e18(&self, leg: usize, own_e18: i128) -> i128 {
        self.rates_e9.get(leg).map_or(0, |rate_e9| converted_e18(own_e18, *rate_e9))
    }

    /// Is worth anew: `open_e18` is what each leg's open lots are worth, its own money.
    pub fn mark(&mut self, open_e18: [Option<i128>; MAX_LEGS], at_ns: u64, period: usize) {
        let legs = self.held.iter().zip(&open_e18).enumerate();
        let worth = legs.map(|(leg, (held, open))| self.money_e18(leg, held.worth_e18(*open)));
        self.equity_e18 = self.before_e18 + worth.sum::<i128>();
        let equity_e9 = rounded_e9(self.equity_e18);
        self.peak_e9 = self.peak_e9.max(equity_e9);
        let counts = &mut self.periods[period];
        counts.drawdown_e9 = counts.drawdown_e9.max(self.peak_e9 - equity_e9);
        self.curve.note(at_ns, equity_e9, self.residual_lots);
    }

    /// A repair was looked at.
    pub fn repaired(&mut self, way: RepairWay, period: usize) {
        let period = self.fire.as_ref().map_or(period, |fire| fire.period);
        if let Some(fire) = &mut self.fire {
            fire.repairs += 1;
        }
        self.periods[period].fired.repaired(way);
    }

    /// What the lots that a fire ended with would have cost as they were shown when it was decided
    /// on, money of the pair.
    fn shown_e18(&self, ending: &Ending, fire: &Fired) -> i128 {
        let Some(spec) = self.spec else { return 0 };
        let legs = spec.legs.iter().zip(&ending.filled_lots).zip(&fire.shown).enumerate();
        legs.filter(|(_, (_, (_, lots)))| *lots > 0)
            .map(|(row, ((leg, filled), (sum_e18, lots)))| {
                let is_bought = (leg.ratio_lots > 0) == ending.intent.is_buy();
                let filled = i128::from(*filled) * if is_bought { 1 } else { -1 };
                self.money_e18(row, sum_e18 * filled / i128::from(*lots))
            })
            .sum()
    }

    /// A fire ends.
    pub fn ended(&mut self, row: usize, ending: &Ending) -> Option<FireRow> {
        let fire = self.fire.take()?;
        let beyond_e9 = rounded_e9(fire.paid_e18 - self.shown_e18(ending, &fire));
        let counts = &mut self.periods[fire.period];
        let is_one_sided = counts.fired.ended(ending, fire.repairs);
        counts.asked_units += u64::from(ending.units);
        counts.halted += u64::from(!ending.is_aligned);
        if ending.is_aligned {
            counts.done_units += u64::from(ending.done_units);
        }
        if beyond_e9 > 0 {
            counts.slipped_e9 += beyond_e9;
        } else {
            counts.improved_e9 -= beyond_e9;
        }
        if is_one_sided {
            counts.repairs_e9 += beyond_e9;
        }
        // Also of what was traded back again: it is not among the lots that are left.
        if fire.has_traded {
            counts.slips_e9.push(i64::try_from(beyond_e9).unwrap_or(i64::MAX));
        }
        Some(FireRow {
            at_ns: fire.at_ns,
            pair: row,
            intent: ending.intent,
            value_e9: fire.decision.value_e9,
            level_e9: fire.decision.level_e9,
            units: [ending.units, ending.done_units],
            is_aligned: ending.is_aligned,
            repairs: fire.repairs,
            slip_e9: beyond_e9,
            took: ending.took,
        })
    }

    /// The end: what came of it. `open_e18` says what lots of an instrument are worth.
    pub fn end(
        mut self,
        lasted_ns: u64,
        open_e18: impl Fn(InstrumentIndex, i64) -> Option<i128>,
    ) -> PairResult {
        self.curve.reach(lasted_ns);
        self.leave_unended();
        let mut open_e9 = [0; MAX_LEGS];
        let mut instruments = [None; MAX_LEGS];
        let legs = self.spec.iter().flat_map(|spec| &spec.legs).zip(&self.held).enumerate();
        for (row, (leg, held)) in legs.filter(|(_, (leg, _))| leg.ratio_lots != 0) {
            let open_e18 = open_e18(leg.instrument, held.lots);
            open_e9[row] = rounded_e9(held.open_profit_e18(open_e18));
            instruments[row] = Some(leg.instrument.0);
        }
        for (period, sums) in self.sums.iter().enumerate() {
            let mut fees_e18 = 0;
            for (leg, sums) in sums.iter().enumerate() {
                let counts = &mut self.periods[period].legs[leg];
                counts.turnover_e9 = rounded_e9(sums.turnover_e18);
                counts.realised_e9 = rounded_e9(sums.realised_e18);
                counts.fees_e9 = rounded_e9(sums.fees_e18);
                fees_e18 += converted_e18(sums.fees_e18, self.rates_e9[leg]);
            }
            self.periods[period].fees_e9 = rounded_e9(fees_e18);
        }
        PairResult {
            lots: self.held.map(|held| held.lots),
            periods: self.periods,
            curve: self.curve,
            instruments,
            rates_e9: self.rates_e9,
            open_e9,
        }
    }
}

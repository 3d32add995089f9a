//! Keeps account of what a desk does: fires, repairs, lots, money, from what it is told and says.
//!
//! Definitions are those of `sim::score::receipts`, which counts the same from a record: a test
//! holds one against the other. Money of a pair is that of its value in the configuration: a leg's
//! price counts by its coefficient, so a leg in another currency is converted at the rate that the
//! coefficient has, not at one of the day. Open lots are worth the middle of the last book that had
//! both sides.

use std::collections::HashMap;

use xmc_hotpath::desk::Outputs;
use xmc_hotpath::execute::repair;
use xmc_hotpath::message::{
    Command, CommandKind, Decision, Detail, Ending, Event, Gate, Input, InstrumentSpec, MAX_LEGS,
    OrderAction, OrderCommand, OrderEvent, OrderEventKind, OrderId, Quote, RepairWay, Side,
    SpreadIndex, SpreadSpec,
};
use xmc_hotpath::time::MonoNs;

use super::counts::{
    Counts, FireRow, LegCounts, MOST_ROWS, Outcome, PERIODS, PairResult, RepairRow,
};
use super::curve::Curve;
use super::venue::Refusal;
use crate::audit::day::unhedged_lots;

/// A book as the desk saw it, and what the instrument is.
#[derive(Clone, Copy, Debug)]
struct Product {
    spec: Option<InstrumentSpec>,
    quote: Quote,
    /// Lots bought from it and sold to it since.
    used: [u32; 2],
    /// The middle of the last book with both sides.
    mark_e9: Option<i64>,
    /// Whether a pair trades it.
    has_uses: bool,
}

/// A leg's lots and their cost.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    lots: i64,
    /// What the held lots cost: price times lots, of 1e-9; below zero of sold ones.
    cost_e9: i128,
    /// Price times lots received less paid, and fees as price times lots.
    cash_e9: i128,
    fees_e9: i128,
}

/// A fire that has not ended.
#[derive(Clone, Debug)]
struct Fired {
    period: usize,
    at_ns: u64,
    decision: Decision,
    shown: [(i128, u32); MAX_LEGS],
    /// Paid less received, money of the pair.
    paid_e9: i128,
    repairs: u32,
}

/// One pair.
#[derive(Clone, Debug, Default)]
struct Pair {
    spec: Option<SpreadSpec>,
    lot_q32: [i64; MAX_LEGS],
    held: [Held; MAX_LEGS],
    /// Lots by leg since the pair was last cleared by hand.
    standing: [i64; MAX_LEGS],
    residual_lots: u64,
    since: MonoNs,
    fire: Option<Fired>,
    last_refusal: Option<Gate>,
    periods: [Counts; PERIODS],
    curve: Curve,
    /// Worth of the runs before.
    before_e9: i128,
    equity_e9: i128,
    /// The most that it was worth in the period, and its worth as the period began.
    peak_e9: i128,
    begun_e9: i128,
}

/// Keeps account.
#[derive(Clone, Debug)]
pub struct Account {
    products: Vec<Product>,
    pairs: Vec<Pair>,
    /// By instrument: rows of the pairs that trade it.
    uses: Vec<Vec<usize>>,
    orders: HashMap<OrderId, OrderCommand>,
    outcome: Outcome,
    period: usize,
    /// What is added to the run's clock: the time since the beginning of the first one.
    base_ns: u64,
    /// What is added to that for the times of rows.
    utc_ns: u64,
    now: MonoNs,
}

impl Account {
    /// Of a desk that has so many instruments and pairs.
    #[must_use]
    pub fn new(instruments: usize, pairs: usize) -> Self {
        let product = Product {
            spec: None,
            quote: Quote::EMPTY,
            used: [0; 2],
            mark_e9: None,
            has_uses: false,
        };
        Self {
            products: vec![product; instruments],
            pairs: vec![Pair::default(); pairs],
            uses: vec![Vec::new(); instruments],
            orders: HashMap::new(),
            outcome: Outcome::default(),
            period: 0,
            base_ns: 0,
            utc_ns: 0,
            now: MonoNs(0),
        }
    }

    /// A run begins: its moments are `base_ns` more after the beginning, wrapping.
    pub fn begin(&mut self, base_ns: u64, utc_ns: u64, now: MonoNs) {
        (self.base_ns, self.utc_ns, self.now) = (base_ns, utc_ns, now);
        self.orders.clear();
        for product in &mut self.products {
            (product.quote, product.used, product.mark_e9) = (Quote::EMPTY, [0; 2], None);
        }
        for pair in &mut self.pairs {
            pair.before_e9 = pair.equity_e9;
            (pair.held, pair.standing) = Default::default();
            (pair.residual_lots, pair.since) = (0, now);
            if let Some(fire) = pair.fire.take() {
                pair.periods[fire.period].unended += 1;
            }
        }
    }

    /// The second period begins.
    pub fn split(&mut self, now: MonoNs) {
        self.close_period(now);
        self.period = 1;
        self.outcome.split_ns = Some(self.at(now));
        for pair in &mut self.pairs {
            (pair.begun_e9, pair.peak_e9) = (pair.equity_e9, pair.equity_e9);
        }
    }

    fn close_period(&mut self, now: MonoNs) {
        let period = self.period;
        for pair in &mut self.pairs {
            pair.expose(now, period);
            pair.periods[period].profit_e9 = pair.equity_e9 - pair.begun_e9;
        }
    }

    /// Since the beginning.
    fn at(&self, now: MonoNs) -> u64 {
        self.base_ns.wrapping_add(now.0)
    }

    /// Takes an input and what followed from it.
    #[inline]
    pub fn take(&mut self, input: &Input<'_>, outputs: &Outputs) {
        self.now = input.now;
        self.outcome.inputs += 1;
        match input.event {
            Event::Quote { quote, .. } => self.quote(quote),
            Event::Order(event) => self.news(&event),
            Event::Instrument(spec) => {
                if let Some(product) = self.products.get_mut(spec.instrument.0 as usize) {
                    product.spec = Some(*spec);
                }
            }
            Event::Spread(spec) => self.spread(spec),
            Event::Command(Command { kind: CommandKind::ClearHalt, scope, .. }) => {
                // What was left over is dealt with by hand.
                self.cleared(scope.spread());
            }
            _ => {}
        }
        if outputs.order_count() > 0 || outputs.detail_count() > 0 {
            self.said(outputs);
        }
    }

    fn quote(&mut self, quote: &Quote) {
        let row = quote.instrument.0 as usize;
        let Some(product) = self.products.get_mut(row) else { return };
        (product.quote, product.used) = (*quote, [0; 2]);
        if !product.has_uses {
            return;
        }
        if quote.bids.count > 0 && quote.asks.count > 0 {
            let sum = i128::from(quote.bids.best_e9()) + i128::from(quote.asks.best_e9());
            product.mark_e9 = i64::try_from(sum / 2).ok();
        }
        for use_at in 0..self.uses[row].len() {
            let pair = self.uses[row][use_at];
            if self.pairs[pair].held.iter().any(|held| held.lots != 0) {
                self.mark(pair);
            }
        }
    }

    /// Values a pair anew.
    fn mark(&mut self, row: usize) {
        let at_ns = self.at(self.now);
        let Pair { spec: Some(spec), .. } = &self.pairs[row] else { return };
        let worth = |leg: usize| {
            let held = self.pairs[row].held[leg];
            let product = self.products.get(spec.legs[leg].instrument.0 as usize);
            let mark_e9 = product.and_then(|product| product.mark_e9);
            // What was never shown with both sides is worth what it cost.
            let open_e9 =
                mark_e9.map_or(held.cost_e9, |mark| i128::from(mark) * i128::from(held.lots));
            self.pairs[row].money(leg, held.cash_e9 + open_e9 - held.fees_e9)
        };
        let worth_e9: i128 = (0..usize::from(spec.leg_count)).map(worth).sum();
        let pair = &mut self.pairs[row];
        pair.equity_e9 = pair.before_e9 + worth_e9;
        pair.peak_e9 = pair.peak_e9.max(pair.equity_e9);
        let fallen_e9 = pair.peak_e9 - pair.equity_e9;
        let counts = &mut pair.periods[self.period];
        counts.drawdown_e9 = counts.drawdown_e9.max(fallen_e9);
        pair.curve.note(at_ns, pair.equity_e9, pair.residual_lots);
    }

    fn spread(&mut self, spec: &SpreadSpec) {
        let row = spec.spread.0 as usize;
        let Some(pair) = self.pairs.get_mut(row) else { return };
        pair.spec = Some(*spec);
        for (lot_q32, leg) in pair.lot_q32.iter_mut().zip(&spec.legs) {
            *lot_q32 = repair::lot_q32(leg);
        }
        for leg in spec.legs().iter().filter(|leg| leg.ratio_lots != 0) {
            let instrument = leg.instrument.0 as usize;
            if let Some(uses) = self.uses.get_mut(instrument)
                && !uses.contains(&row)
            {
                uses.push(row);
                self.products[instrument].has_uses = true;
            }
        }
    }

    fn cleared(&mut self, spread: SpreadIndex) {
        let (now, period) = (self.now, self.period);
        if let Some(pair) = self.pairs.get_mut(spread.0 as usize) {
            pair.expose(now, period);
            pair.standing = [0; MAX_LEGS];
            pair.residual_lots = 0;
        }
    }

    /// Money of an instrument's own currency of price times lots.
    fn own_money(&self, instrument: usize, price_lots_e9: i128) -> i128 {
        let spec = self.products.get(instrument).and_then(|product| product.spec);
        let multiplier_e9 = spec.map_or(0, |spec| spec.multiplier_e9);
        price_lots_e9 * i128::from(multiplier_e9) / 1_000_000_000
    }

    #[cold]
    fn news(&mut self, event: &OrderEvent) {
        let Some(sent) = self.orders.get(&event.order_id).copied() else { return };
        let (row, leg) = (sent.spread.0 as usize, usize::from(sent.leg));
        match event.kind {
            OrderEventKind::Filled => {
                self.filled(&sent, event);
                if event.leaves_lots > 0 {
                    return;
                }
            }
            OrderEventKind::Rejected => {
                let period = self.period;
                if let Some(counts) = self.leg(row, leg, period) {
                    counts.rejects += 1;
                }
                let why = Refusal::ALL.into_iter().find(|why| *why as u32 == event.reason);
                let word = why.map_or("other", Refusal::word);
                *self.outcome.rejects.entry(word).or_default() += 1;
            }
            OrderEventKind::Cancelled | OrderEventKind::NotSent => {}
            _ => return,
        }
        self.orders.remove(&event.order_id);
    }

    fn leg(&mut self, row: usize, leg: usize, period: usize) -> Option<&mut LegCounts> {
        self.pairs.get_mut(row)?.periods[period].legs.get_mut(leg)
    }

    fn filled(&mut self, sent: &OrderCommand, event: &OrderEvent) {
        let (row, leg) = (sent.spread.0 as usize, usize::from(sent.leg));
        let (now, period) = (self.now, self.period);
        let lots = i64::from(event.qty_lots);
        let is_buy = event.side == Side::Buy;
        let signed = if is_buy { lots } else { -lots };
        let value_e9 = i128::from(event.price_e9) * i128::from(lots);
        let paid_e9 = if is_buy { value_e9 } else { -value_e9 };
        let Some(pair) = self.pairs.get_mut(row).filter(|_| leg < MAX_LEGS) else { return };
        pair.expose(now, period);
        let Some(spec) = pair.spec else { return };
        let fee_e9 = i128::from(spec.repair.fee_e9[leg]) * i128::from(lots)
            + ((value_e9.abs() * i128::from(spec.repair.fee_q32[leg])) >> 32);
        let realised_e9 = pair.held[leg].trade(signed, paid_e9);
        pair.held[leg].fees_e9 += fee_e9;
        pair.standing[leg] += signed;
        let ratios = spec.legs.map(|leg| leg.ratio_lots);
        pair.residual_lots = unhedged_lots(&ratios, &pair.standing);
        let paid_money_e9 = pair.money(leg, paid_e9);
        if let Some(fire) = &mut pair.fire {
            fire.paid_e9 += paid_money_e9;
        }
        let fees_money_e9 = pair.money(leg, fee_e9);
        let held: u64 = pair.held.iter().map(|held| held.lots.unsigned_abs()).sum();
        let counts = &mut pair.periods[period];
        counts.most_residual_lots = counts.most_residual_lots.max(pair.residual_lots);
        counts.most_lots = counts.most_lots.max(held);
        counts.fees_e9 += fees_money_e9;
        let instrument = sent.instrument.0 as usize;
        let [turnover, realised, fees] =
            [value_e9.abs(), realised_e9, fee_e9].map(|sum| self.own_money(instrument, sum));
        if let Some(counts) = self.leg(row, leg, period) {
            let side = if is_buy { &mut counts.bought_lots } else { &mut counts.sold_lots };
            *side += u64::from(event.qty_lots);
            counts.turnover_e9 += turnover;
            counts.realised_e9 += realised;
            counts.fees_e9 += fees;
        }
        self.mark(row);
    }

    /// What the desk said.
    fn said(&mut self, outputs: &Outputs) {
        let period = self.period;
        self.outcome.orders += outputs.order_count() as u64;
        for order in outputs.orders().filter(|order| order.action == OrderAction::New) {
            self.orders.insert(order.order_id, *order);
            let (row, leg) = (order.spread.0 as usize, usize::from(order.leg));
            if let Some(counts) = self.leg(row, leg, period) {
                counts.orders += 1;
                counts.asked_lots += u64::from(order.qty_lots);
            }
        }
        for detail in outputs.details() {
            match detail {
                Detail::Decision(told) => self.decided(told, outputs),
                Detail::Repair(told) => self.repaired(told, outputs),
                Detail::Ending(told) => self.ended(told),
                Detail::Alert(told) => {
                    *self.outcome.alerts.entry(told.kind.word()).or_default() += 1;
                }
                Detail::State(_) | Detail::Follow(_) => {}
            }
        }
    }

    /// What an order costs by the book that the desk saw, level by level; at its own price if that
    /// is not shown.
    fn shown(&mut self, order: &OrderCommand) -> i128 {
        let at_limit = i128::from(order.price_e9) * i128::from(order.qty_lots);
        let Some(product) = self.products.get_mut(order.instrument.0 as usize) else {
            return at_limit;
        };
        let (depth, used) = match order.side {
            Side::Buy => (&product.quote.asks, &mut product.used[0]),
            Side::Sell => (&product.quote.bids, &mut product.used[1]),
        };
        let trade = repair::trade(order.side, depth, *used, order.qty_lots);
        *used += order.qty_lots;
        trade.map_or(at_limit, |trade| trade.sum_e9)
    }

    fn decided(&mut self, told: &Decision, outputs: &Outputs) {
        let row = told.spread.0 as usize;
        if row >= self.pairs.len() {
            return;
        }
        let last = self.pairs[row].last_refusal.take();
        if let Some(gate) = last {
            *self.outcome.refusals.entry(gate.word()).or_default() += u64::from(told.repeated);
        }
        if told.gate != Gate::Passed {
            *self.outcome.refusals.entry(told.gate.word()).or_default() += 1;
            self.pairs[row].last_refusal = Some(told.gate);
            return;
        }
        let mut shown = [(0, 0); MAX_LEGS];
        let news = outputs.orders().filter(|order| order.action == OrderAction::New);
        for order in news.filter(|order| order.spread == told.spread) {
            let sum_e9 = self.shown(order);
            if let Some((sum, lots)) = shown.get_mut(usize::from(order.leg)) {
                *sum += sum_e9;
                *lots += order.qty_lots;
            }
        }
        let period = self.period;
        let at_ns = self.at(self.now).wrapping_add(self.utc_ns);
        let decision = *told;
        let pair = &mut self.pairs[row];
        pair.periods[period].fires += 1;
        pair.fire = Some(Fired { period, at_ns, decision, shown, paid_e9: 0, repairs: 0 });
    }

    fn repaired(&mut self, told: &xmc_hotpath::message::Repair, outputs: &Outputs) {
        let row = told.spread.0 as usize;
        let news = outputs.orders().filter(|order| order.action == OrderAction::New);
        for order in news.filter(|order| order.spread == told.spread) {
            self.shown(order);
        }
        let at_ns = self.at(self.now).wrapping_add(self.utc_ns);
        if self.outcome.repairs.len() < MOST_ROWS {
            self.outcome.repairs.push(RepairRow { at_ns, told: *told });
        }
        let Some(pair) = self.pairs.get_mut(row) else { return };
        let period = pair.fire.as_ref().map_or(self.period, |fire| fire.period);
        if let Some(fire) = &mut pair.fire {
            fire.repairs += 1;
        }
        match told.way {
            RepairWay::Complete => pair.periods[period].completed += 1,
            RepairWay::Unwind => pair.periods[period].traded_back += 1,
            RepairWay::Neither => {}
        }
    }

    fn ended(&mut self, ending: &Ending) {
        let row = ending.spread.0 as usize;
        let Some(pair) = self.pairs.get_mut(row) else { return };
        let Some(fire) = pair.fire.take() else { return };
        let beyond_e9 = fire.paid_e9 - pair.shown(ending, &fire);
        let is_one_sided = fire.repairs > 0 || !ending.is_aligned;
        let counts = &mut pair.periods[fire.period];
        match (is_one_sided, ending.done_units) {
            (true, _) => counts.one_sided += 1,
            (false, 0) => counts.empty += 1,
            (false, done) if done == ending.units => counts.whole += 1,
            (false, _) => counts.partial += 1,
        }
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
        if ending.filled_lots.iter().any(|lots| *lots > 0) {
            counts.slips_e9.push(i64::try_from(beyond_e9).unwrap_or(i64::MAX));
        }
        if self.outcome.fires.len() < MOST_ROWS {
            self.outcome.fires.push(FireRow {
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
            });
        }
    }

    /// The end: what came of it all. `events` are those of the source.
    #[must_use]
    pub fn end(mut self, now: MonoNs, events: u64) -> Outcome {
        self.close_period(now);
        let lasted_ns = self.at(now);
        let mut outcome = std::mem::take(&mut self.outcome);
        (outcome.events, outcome.lasted_ns) = (events, lasted_ns);
        for mut pair in std::mem::take(&mut self.pairs) {
            pair.curve.reach(lasted_ns);
            if let Some(fire) = pair.fire.take() {
                pair.periods[fire.period].unended += 1;
            }
            let legs = pair.spec.map_or(&[][..], |_| &pair.held[..]);
            let mut open_e9 = [0; MAX_LEGS];
            let mut instruments = [None; MAX_LEGS];
            for (leg, held) in legs.iter().enumerate() {
                let Some(spec) = pair.spec.filter(|spec| spec.legs[leg].ratio_lots != 0) else {
                    continue;
                };
                let row = spec.legs[leg].instrument.0 as usize;
                let mark = self.products.get(row).and_then(|product| product.mark_e9);
                let worth = mark.map(|mark| i128::from(mark) * i128::from(held.lots));
                let profit_e9 = worth.unwrap_or(held.cost_e9) - held.cost_e9;
                open_e9[leg] = self.own_money(row, profit_e9);
                instruments[leg] = Some(spec.legs[leg].instrument.0);
            }
            let lots = pair.held.map(|held| held.lots);
            let Pair { periods, curve, .. } = pair;
            outcome.pairs.push(PairResult { periods, curve, lots, instruments, open_e9 });
        }
        outcome
    }
}

impl Held {
    /// Trades `signed` lots for `paid_e9`: what lots that were held brought beyond their average
    /// cost, price times lots of 1e-9.
    fn trade(&mut self, signed: i64, paid_e9: i128) -> i128 {
        self.cash_e9 -= paid_e9;
        let closes = if self.lots.signum() * signed.signum() < 0 {
            self.lots.unsigned_abs().min(signed.unsigned_abs())
        } else {
            0
        };
        if closes == 0 {
            self.lots += signed;
            self.cost_e9 += paid_e9;
            return 0;
        }
        let part = |sum: i128, of: i64| sum * i128::from(closes) / i128::from(of.unsigned_abs());
        let (cost_e9, came_e9) = (part(self.cost_e9, self.lots), part(paid_e9, signed));
        self.lots += signed;
        self.cost_e9 += paid_e9 - came_e9 - cost_e9;
        -came_e9 - cost_e9
    }
}

impl Pair {
    /// Money of the pair of price times lots of a leg.
    fn money(&self, leg: usize, price_lots_e9: i128) -> i128 {
        let money_q32 = self.spec.map_or(0, |spec| spec.repair.money_q32);
        let lot_q32 = self.lot_q32.get(leg).copied().unwrap_or(0);
        let value_e9 = (price_lots_e9 * i128::from(lot_q32)) >> 32;
        (value_e9 * i128::from(money_q32)) >> 32
    }

    /// Counts what stood out of ratio until `now`.
    fn expose(&mut self, now: MonoNs, period: usize) {
        let lasted = u128::from(now.since(self.since).0);
        self.since = self.since.max(now);
        self.periods[period].exposed_lot_ns += u128::from(self.residual_lots) * lasted;
    }

    /// What the lots that a fire ended with would have cost as they were shown when it was decided
    /// on, money of the pair.
    fn shown(&self, ending: &Ending, fire: &Fired) -> i128 {
        let Some(spec) = self.spec else { return 0 };
        let legs = spec.legs.iter().zip(&ending.filled_lots).zip(&fire.shown).enumerate();
        legs.filter(|(_, (_, (_, lots)))| *lots > 0)
            .map(|(row, ((leg, filled), (sum_e9, lots)))| {
                let is_bought = (leg.ratio_lots > 0) == ending.intent.is_buy();
                let filled = i128::from(*filled) * if is_bought { 1 } else { -1 };
                self.money(row, sum_e9 * filled / i128::from(*lots))
            })
            .sum()
    }
}

//! Keeps account of what a desk does: fires, repairs, lots, money, from what it is told and says.
//!
//! Definitions are those of `sim::score::receipts`, which counts the same from a record: a test
//! holds one against the other. Money is each leg's own, and that of a pair is the sum of them, by
//! `money`. Open lots are worth the middle of the last good book that had both sides.

use std::collections::HashMap;

use xmc_hotpath::desk::Outputs;
use xmc_hotpath::execute::repair;
use xmc_hotpath::message::{
    Command, CommandKind, Decision, Detail, Event, Gate, Input, InstrumentIndex, InstrumentSpec,
    LegSpec, MAX_LEGS, OrderAction, OrderCommand, OrderEvent, OrderEventKind, OrderId, Quote,
    QuoteQuality, Repair, Side, SpreadIndex, SpreadSpec,
};
use xmc_hotpath::time::MonoNs;

use super::counts::{LegCounts, MOST_ROWS, Outcome, RepairRow};
use super::money::{Money, told_fee_e18};
use super::pair::{Fired, Pair};
use super::venue::Refusal;
use crate::audit::day::unhedged_lots;

/// A book as the desk saw it, and what the instrument is.
#[derive(Clone, Copy, Debug)]
struct Product {
    spec: Option<InstrumentSpec>,
    quote: Quote,
    /// Lots bought from it and sold to it since.
    used: [u32; 2],
    /// The middle of the last good book with both sides.
    mark_e9: Option<i64>,
    /// Whether a pair trades it.
    has_uses: bool,
}

impl Product {
    /// The instrument's own money of price times lots.
    fn own_e18(&self, price_lots_e9: i128) -> i128 {
        price_lots_e9 * i128::from(self.spec.map_or(0, |spec| spec.multiplier_e9))
    }

    /// What so many lots are worth; `None` if no book said it yet.
    fn open_e18(&self, lots: i64) -> Option<i128> {
        self.mark_e9.map(|mark_e9| self.own_e18(i128::from(mark_e9) * i128::from(lots)))
    }

    /// Price times lots, level by level, of lots beyond those that were used already; all of them
    /// at the best price if so many are not shown, `None` if there is none.
    fn seen(&self, side: Side, lots: u32) -> Option<i128> {
        let (depth, used) = match side {
            Side::Buy => (&self.quote.asks, self.used[0]),
            Side::Sell => (&self.quote.bids, self.used[1]),
        };
        let trade = repair::trade(side, depth, used, lots);
        let at_best = || i128::from(depth.best_e9()) * i128::from(lots);
        trade.map(|trade| trade.sum_e9).or_else(|| (depth.count > 0).then(at_best))
    }
}

/// Lots that a pair has got, above zero, or given.
struct Booked {
    leg: usize,
    instrument: InstrumentIndex,
    signed: i64,
    price_e9: i64,
    /// From a venue; if not, from another pair.
    is_at_venue: bool,
}

/// Keeps account.
#[derive(Clone, Debug)]
pub struct Account {
    products: Vec<Product>,
    pairs: Vec<Pair>,
    /// By instrument: rows of the pairs that trade it.
    uses: Vec<Vec<usize>>,
    orders: HashMap<OrderId, OrderCommand>,
    /// What the configuration says of money, if one is known.
    money: Option<Money>,
    outcome: Outcome,
    period: usize,
    /// What is added to the run's clock: the time since the beginning of the first one.
    base_ns: u64,
    /// What is added to that for the times of rows.
    utc_ns: u64,
    now: MonoNs,
}

impl Account {
    /// Of a desk that has so many instruments and pairs. Without a configuration nobody knows the
    /// currencies of legs: they are taken for one, and fees for those that the desk was told.
    #[must_use]
    pub fn new(instruments: usize, pairs: usize, money: Option<Money>) -> Self {
        let product = Product {
            spec: None,
            quote: Quote::EMPTY,
            used: [0; 2],
            mark_e9: None,
            has_uses: false,
        };
        let rates_e9 = |row: usize| {
            let row = SpreadIndex(u32::try_from(row).unwrap_or(u32::MAX));
            money.as_ref().map_or_else(|| Money::default().rates_e9(row), |of| of.rates_e9(row))
        };
        Self {
            products: vec![product; instruments],
            pairs: (0..pairs).map(|row| Pair::new(rates_e9(row))).collect(),
            uses: vec![Vec::new(); instruments],
            orders: HashMap::new(),
            money,
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
        self.pairs.iter_mut().for_each(|pair| pair.begin(now));
    }

    /// A run is over at `now`: what stands out of ratio has stood there so long.
    pub fn finish(&mut self, now: MonoNs) {
        let period = self.period;
        self.pairs.iter_mut().for_each(|pair| pair.expose(now, period));
    }

    /// The second period begins, if it has not.
    pub fn split(&mut self, now: MonoNs) {
        if self.period == 1 {
            return;
        }
        self.close_period(now);
        self.period = 1;
        self.outcome.split_ns = Some(self.at(now));
        self.pairs.iter_mut().for_each(Pair::begin_period);
    }

    fn close_period(&mut self, now: MonoNs) {
        let period = self.period;
        self.pairs.iter_mut().for_each(|pair| pair.close_period(now, period));
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
        let is_good = quote.quality == QuoteQuality::Good;
        if is_good && quote.bids.count > 0 && quote.asks.count > 0 {
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
        let pair = &mut self.pairs[row];
        let Some(spec) = &pair.spec else { return };
        let mut open_e18 = [None; MAX_LEGS];
        for ((open_e18, leg), held) in open_e18.iter_mut().zip(spec.legs()).zip(&pair.held) {
            // What was never shown with both sides is worth what it cost.
            let product = self.products.get(leg.instrument.0 as usize);
            *open_e18 = product.and_then(|product| product.open_e18(held.lots));
        }
        pair.mark(open_e18, at_ns, self.period);
    }

    fn spread(&mut self, spec: &SpreadSpec) {
        let row = spec.spread.0 as usize;
        let Some(pair) = self.pairs.get_mut(row) else { return };
        pair.spec = Some(*spec);
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
        let lots = i64::from(event.qty_lots);
        let signed = if event.side == Side::Buy { lots } else { -lots };
        let traded = Booked {
            leg: usize::from(sent.leg),
            instrument: sent.instrument,
            signed,
            price_e9: event.price_e9,
            is_at_venue: true,
        };
        self.booked(sent.spread.0 as usize, &traded);
    }

    /// Books lots that a pair has got: from a venue, or from another pair, which costs no fees and
    /// is no turnover.
    fn booked(&mut self, row: usize, traded: &Booked) {
        let Booked { leg, instrument, signed, price_e9, is_at_venue } = *traded;
        let (now, period) = (self.now, self.period);
        let lots = u32::try_from(signed.unsigned_abs()).unwrap_or(u32::MAX);
        let Some(product) = self.products.get(instrument.0 as usize) else { return };
        let paid_e18 = product.own_e18(i128::from(price_e9) * i128::from(signed));
        let multiplier_e9 = product.spec.map_or(0, |spec| spec.multiplier_e9);
        let Some(pair) = self.pairs.get_mut(row).filter(|_| leg < MAX_LEGS) else { return };
        pair.expose(now, period);
        let Some(spec) = &pair.spec else { return };
        let known = self.money.as_ref();
        let fee_e18 = || {
            known
                .and_then(|money| money.fee_e18(instrument, lots, paid_e18))
                .unwrap_or_else(|| told_fee_e18(spec, leg, lots, paid_e18, multiplier_e9))
        };
        let fee_e18 = if is_at_venue { fee_e18() } else { 0 };
        let realised_e18 = pair.held[leg].trade(signed, paid_e18);
        pair.held[leg].fees_e18 += fee_e18;
        pair.standing[leg] += signed;
        let ratios = spec.legs.map(|leg| leg.ratio_lots);
        pair.residual_lots = unhedged_lots(&ratios, &pair.standing);
        let paid_money_e18 = pair.money_e18(leg, paid_e18);
        if let Some(fire) = &mut pair.fire {
            fire.paid_e18 += paid_money_e18;
            fire.has_traded = true;
        }
        let sums = &mut pair.sums[period][leg];
        sums.turnover_e18 += if is_at_venue { paid_e18.abs() } else { 0 };
        sums.realised_e18 += realised_e18;
        sums.fees_e18 += fee_e18;
        let held: u64 = pair.held.iter().map(|held| held.lots.unsigned_abs()).sum();
        let counts = &mut pair.periods[period];
        counts.most_residual_lots = counts.most_residual_lots.max(pair.residual_lots);
        counts.most_lots = counts.most_lots.max(held);
        if is_at_venue {
            let leg = &mut counts.legs[leg];
            let side = if signed > 0 { &mut leg.bought_lots } else { &mut leg.sold_lots };
            *side += u64::from(lots);
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
                Detail::Ending(told) => {
                    let row = told.spread.0 as usize;
                    let ended = self.pairs.get_mut(row).and_then(|pair| pair.ended(row, told));
                    let is_kept = self.outcome.fires.len() < MOST_ROWS;
                    self.outcome.fires.extend(ended.filter(|_| is_kept));
                }
                Detail::Alert(told) => {
                    *self.outcome.alerts.entry(told.kind.word()).or_default() += 1;
                }
                // The orders of legs that follow take what they take of the books.
                Detail::Follow(told) => self.use_up(told.spread, outputs),
                Detail::Internal(told) => {
                    let lots = i64::from(told.lots);
                    for (side, signed) in [(&told.buy, lots), (&told.sell, -lots)] {
                        let row = side.spread.0 as usize;
                        let traded = Booked {
                            leg: usize::from(side.leg),
                            instrument: told.instrument,
                            signed,
                            price_e9: told.price_e9,
                            is_at_venue: false,
                        };
                        self.booked(row, &traded);
                    }
                }
                Detail::State(_) | Detail::Ruling(_) => {}
            }
        }
    }

    /// Lots that a pair's orders take are not shown to the next one.
    fn use_up(&mut self, spread: SpreadIndex, outputs: &Outputs) {
        let news = outputs.orders().filter(|order| order.action == OrderAction::New);
        for order in news.filter(|order| order.spread == spread) {
            self.used(order.instrument, order.side, order.qty_lots);
        }
    }

    fn used(&mut self, instrument: InstrumentIndex, side: Side, lots: u32) {
        if let Some(product) = self.products.get_mut(instrument.0 as usize) {
            let used = &mut product.used[usize::from(side == Side::Sell)];
            *used = used.saturating_add(lots);
        }
    }

    /// What an order costs by the book that the desk saw, its leg's own money; one that rests costs
    /// its own price, as does one whose side the book does not show.
    fn shown(&mut self, order: &OrderCommand, rests: bool) -> i128 {
        let at_limit = i128::from(order.price_e9) * i128::from(order.qty_lots);
        let Some(product) = self.products.get(order.instrument.0 as usize) else { return 0 };
        let seen = product.seen(order.side, order.qty_lots).filter(|_| !rests);
        let shown_e18 = product.own_e18(seen.unwrap_or(at_limit));
        if !rests {
            self.used(order.instrument, order.side, order.qty_lots);
        }
        shown_e18
    }

    /// What a leg that follows would cost by the book as it is decided on, its own money, and the
    /// lots; none if the book has nothing of them.
    fn to_follow(&self, leg: &LegSpec, told: &Decision) -> (i128, u32) {
        let lots = leg.ratio_lots.unsigned_abs().saturating_mul(told.units);
        let is_bought = (leg.ratio_lots > 0) == told.intent.is_buy();
        let side = if is_bought { Side::Buy } else { Side::Sell };
        let product = self.products.get(leg.instrument.0 as usize);
        let seen = product.and_then(|of| Some(of.own_e18(of.seen(side, lots)?)));
        seen.map_or((0, 0), |own_e18| (own_e18, lots))
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
            let own_e18 = self.shown(order, order.leg == told.rests);
            if let Some((sum, lots)) = shown.get_mut(usize::from(order.leg)) {
                *sum += own_e18;
                *lots += order.qty_lots;
            }
        }
        if let Some(spec) = self.pairs[row].spec {
            let legs = spec.legs().iter().zip(&mut shown);
            for (leg, shown) in legs.filter(|(leg, (_, lots))| leg.ratio_lots != 0 && *lots == 0) {
                *shown = self.to_follow(leg, told);
            }
        }
        let period = self.period;
        let at_ns = self.at(self.now).wrapping_add(self.utc_ns);
        let decision = *told;
        let pair = &mut self.pairs[row];
        pair.periods[period].fired.fires += 1;
        let (paid_e18, has_traded, repairs) = (0, false, 0);
        pair.fire = Some(Fired { period, at_ns, decision, shown, paid_e18, has_traded, repairs });
    }

    fn repaired(&mut self, told: &Repair, outputs: &Outputs) {
        self.use_up(told.spread, outputs);
        let at_ns = self.at(self.now).wrapping_add(self.utc_ns);
        if self.outcome.repairs.len() < MOST_ROWS {
            self.outcome.repairs.push(RepairRow { at_ns, told: *told });
        }
        let period = self.period;
        if let Some(pair) = self.pairs.get_mut(told.spread.0 as usize) {
            pair.repaired(told.way, period);
        }
    }

    /// The end: what came of it all. `events` are those of the source.
    #[must_use]
    pub fn end(mut self, now: MonoNs, events: u64) -> Outcome {
        self.close_period(now);
        let lasted_ns = self.at(now);
        let mut outcome = std::mem::take(&mut self.outcome);
        (outcome.events, outcome.lasted_ns) = (events, lasted_ns);
        let open_e18 = |row: InstrumentIndex, lots: i64| {
            self.products.get(row.0 as usize).and_then(|product| product.open_e18(lots))
        };
        let pairs = std::mem::take(&mut self.pairs).into_iter();
        outcome.pairs = pairs.map(|pair| pair.end(lasted_ns, open_e18)).collect();
        outcome
    }
}

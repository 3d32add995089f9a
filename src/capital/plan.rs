//! What to do now: who needs how much, where it can come from, and the cheapest way to bring it.
//!
//! An account needs money when it warns, or when its worst case leaves it short: so much that its
//! utilisation is back at the target, and that the worst case is covered. Money comes from pools
//! above what they keep, and from accounts that stand normally, as far as they stay at their own
//! target, keep what they keep, and could pay it out today. Routes that cannot be there in time
//! count only for what nothing else reaches, and are told as late. What no route reaches is told as
//! lots to close, both legs of a pair together.
//!
//! It proposes; people approve. Every instruction names its approver, and nothing is sent.

use super::book::{Book, Effect, Order, Side};
use super::flow::{Arc, Network};
use super::level::{self, Stage};
use super::route::{self, Times};
use super::stand::{Stand, View};
use super::{margin, stand};
use crate::config::capital::{Capital, Holder, Levels};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};

/// Amounts are planned in hundredths of the view's currency.
const CENTS: Decimal = Decimal::from_parts(100, 0, 0, false, 0);

/// An account that needs money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// The account's place in the terms.
    pub account: usize,
    /// How much, in its currency, rounded up to a whole unit.
    pub amount: Decimal,
    /// It warns: this is for now. Otherwise it is for the worst case.
    pub is_now: bool,
}

/// A route that could serve an account, as people compare them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The need's place in the plan.
    pub need: usize,
    /// The route's place in the terms.
    pub route: usize,
    /// What it can bring, in the view's currency.
    pub amount: Decimal,
    /// What that costs, in the view's currency.
    pub cost: Decimal,
    /// When; `None`: it is not open within a month.
    pub times: Option<Times>,
    /// It is there in time.
    pub is_in_time: bool,
}

/// Money that should go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// The route's place in the terms.
    pub route: usize,
    /// What leaves, in the currency of where it leaves.
    pub amount: Decimal,
    /// What it costs besides, in the same.
    pub cost: Decimal,
    /// When.
    pub times: Times,
    /// It is not there in time.
    pub is_late: bool,
    /// It comes from another account (调拨) and not from a pool (补仓).
    pub is_transfer: bool,
}

/// Lots that should be closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    /// The account that it helps.
    pub account: usize,
    /// The pair's place in the terms; `None`: the lots have no pair.
    pub pair: Option<usize>,
    /// Account, contract, side, lots: all together.
    pub legs: Vec<(usize, usize, Side, u32)>,
}

/// What to do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// By account.
    pub stages: Vec<Stage>,
    /// Who needs how much.
    pub needs: Vec<Need>,
    /// What could serve them, the best first.
    pub choices: Vec<Choice>,
    /// What should go.
    pub instructions: Vec<Instruction>,
    /// What nothing reaches, by need, in the account's currency.
    pub unmet: Vec<Decimal>,
    /// Orders of the book, by place, that should be cancelled: those that open, where only reducing
    /// ones may go.
    pub cancels: Vec<usize>,
    /// What should be closed.
    pub closings: Vec<Closing>,
    /// What all instructions cost, in the view's currency.
    pub cost: Decimal,
    /// The cheapest plan is cheaper by so much at most; 0 if this is the cheapest.
    pub gap: Decimal,
}

/// What to do with this book, when `stages` is where each account is already.
#[must_use]
pub fn plan(terms: &Capital, book: &Book, view: &View, stages: &[Stage]) -> Plan {
    let levels = level::levels(terms, book.volatility);
    let needs: Vec<_> = view
        .stands
        .iter()
        .zip(stages)
        .filter_map(|(stand, stage)| need(stand, *stage, &levels))
        .collect();
    let gives = gives(terms, book, view, stages, &levels);
    let deadline = SignedDuration::from_mins(i64::from(levels.within_minutes));
    let deadline = book.at.checked_add(deadline).unwrap_or(Timestamp::MAX);
    let planner = Planner::new(terms, book, deadline, &gives);
    let choices = planner.choices(&needs);
    let mut wanted = planner.wanted(&needs);
    let (mut amounts, mut cost_e9, mut gap_e9) = (vec![0_i64; terms.routes.len()], 0, 0);
    let mut gives = planner.gives.clone();
    for is_late in [false, true] {
        let network = planner.network((&gives, &wanted), &amounts, is_late);
        let flow = network.solve();
        (cost_e9, gap_e9) = (cost_e9 + flow.cost_e9, gap_e9 + flow.gap_e9);
        let mut change = vec![0_i64; gives.len()];
        for (at, (arc, amount)) in network.arcs.iter().zip(&flow.amounts).enumerate() {
            amounts[at] += amount;
            change[arc.from] -= amount;
            change[arc.to] += amount;
        }
        // What passes through a holder changes nothing there.
        for (node, change) in change.into_iter().enumerate() {
            if wanted[node] > 0 {
                wanted[node] = (wanted[node] - change).max(0);
            } else {
                gives[node] = (gives[node] + change).max(0);
            }
        }
    }
    let instructions = planner.instructions(&amounts);
    let unmet: Vec<_> =
        needs.iter().map(|need| planner.cents_in(wanted[need.account], need)).collect();
    let closings = closings(terms, book, view, (&needs, &unmet, stages), &levels);
    let money = |e9: i128| Decimal::from_i128_with_scale(e9, 9) / CENTS;
    let (cost, gap) = (money(cost_e9), money(gap_e9));
    let opens =
        |order: &Order| order.effect == Effect::Open && stages[order.account] >= Stage::ReduceOnly;
    let cancels = book.orders.iter().enumerate().filter(|(_, order)| opens(order));
    let cancels = cancels.map(|(place, _)| place).collect();
    let stages = stages.to_vec();
    Plan { stages, needs, choices, instructions, unmet, cancels, closings, cost, gap }
}

/// What an account needs, if it does.
fn need(stand: &Stand, stage: Stage, levels: &Levels) -> Option<Need> {
    let is_now = stage >= Stage::Warn;
    let now = if is_now { stand.used / levels.target - stand.counted } else { Decimal::ZERO };
    let worst = stand.worst.used / levels.stop - stand.worst.equity;
    let amount = now.max(worst).ceil();
    (amount > Decimal::ZERO).then_some(Need { account: stand.account, amount, is_now })
}

/// What every holder can give, in its currency: accounts first, then pools.
fn gives(
    terms: &Capital,
    book: &Book,
    view: &View,
    stages: &[Stage],
    levels: &Levels,
) -> Vec<Decimal> {
    let of_account = |(stand, stage): (&Stand, &Stage)| {
        if *stage != Stage::Normal {
            return Decimal::ZERO;
        }
        let to_target = stand.counted - stand.used / levels.target;
        let to_worst = stand.worst.equity - stand.worst.used / levels.stop;
        let to_keep = stand.equity - terms.accounts[stand.account].keep;
        stand.withdrawable.min(to_target).min(to_worst).min(to_keep).max(Decimal::ZERO)
    };
    let accounts = view.stands.iter().zip(stages).map(of_account);
    let pools = terms.pools.iter().zip(&book.pools);
    accounts.chain(pools.map(|(pool, money)| (*money - pool.keep).max(Decimal::ZERO))).collect()
}

struct Planner<'t> {
    terms: &'t Capital,
    book: &'t Book,
    deadline: Timestamp,
    /// What each node can give, in hundredths of the view's currency.
    gives: Vec<i64>,
}

impl<'t> Planner<'t> {
    fn new(terms: &'t Capital, book: &'t Book, deadline: Timestamp, gives: &[Decimal]) -> Self {
        let mut planner = Self { terms, book, deadline, gives: Vec::new() };
        let cents = |(node, give): (usize, &Decimal)| {
            floor(*give * planner.worth(planner.holder(node)) * CENTS)
        };
        let gives = gives.iter().enumerate().map(cents).collect();
        planner.gives = gives;
        planner
    }

    fn node(&self, holder: Holder) -> usize {
        match holder {
            Holder::Account(at) => at,
            Holder::Pool(at) => self.terms.accounts.len() + at,
            // A checked file has none.
            Holder::Nowhere => 0,
        }
    }

    /// What one of a holder's currency is worth in the view's.
    fn worth(&self, holder: Holder) -> Decimal {
        self.book.rate(self.terms, self.terms.holder_currency(holder), &self.terms.currency)
    }

    fn holder(&self, node: usize) -> Holder {
        match node.checked_sub(self.terms.accounts.len()) {
            None => Holder::Account(node),
            Some(pool) => Holder::Pool(pool),
        }
    }

    /// Needs by node, rounded up.
    fn wanted(&self, needs: &[Need]) -> Vec<i64> {
        let mut wanted = vec![0; self.gives.len()];
        for need in needs {
            let worth = self.worth(Holder::Account(need.account));
            wanted[need.account] = ceil(need.amount * worth * CENTS);
        }
        wanted
    }

    /// Cents of the view back in the currency of a need.
    fn cents_in(&self, cents: i64, need: &Need) -> Decimal {
        let worth = self.worth(Holder::Account(need.account));
        (Decimal::from(cents) / CENTS / worth)
            .round_dp_with_strategy(2, RoundingStrategy::AwayFromZero)
    }

    /// The routes as they are for money that is asked for now. Whoever is early enough to be in
    /// time is in the network; for what is left, everybody who is open at all.
    fn network(&self, (gives, wanted): (&[i64], &[i64]), sent: &[i64], is_late: bool) -> Network {
        let arcs = self.terms.routes.iter().zip(sent).map(|(route, sent)| {
            let worth = self.worth(route.from);
            let times = route::times(route, self.book.at);
            let is_usable = times.is_some_and(|times| is_late || times.arrives <= self.deadline);
            let most = if is_usable { floor(route.limit * worth * CENTS) - sent } else { 0 };
            Arc {
                from: self.node(route.from),
                to: self.node(route.to),
                most: most.max(0),
                fee: ceil(route.fee * worth * CENTS),
                price_e9: ceil(route.cost_fraction * Decimal::from(1_000_000_000)),
            }
        });
        let gives = gives.iter().enumerate().map(|(node, give)| self.after_costs(node, *give));
        // An account that needs money passes none on.
        let gives = gives.zip(wanted).map(|(give, wanted)| if *wanted > 0 { 0 } else { give });
        Network { gives: gives.collect(), needs: wanted.to_vec(), arcs: arcs.collect() }
    }

    /// What is left to give of `give` when the costs of giving it are paid from the same.
    fn after_costs(&self, node: usize, give: i64) -> i64 {
        let routes = || self.terms.routes.iter().filter(|route| self.node(route.from) == node);
        let worth = self.worth(self.holder(node));
        let fees: Decimal = routes().map(|route| route.fee * worth * CENTS).sum();
        let fraction = routes().map(|route| route.cost_fraction).max().unwrap_or_default();
        floor((Decimal::from(give) - fees) / (Decimal::ONE + fraction)).max(0)
    }

    /// What could serve each need directly: in time first, then by cost.
    fn choices(&self, needs: &[Need]) -> Vec<Choice> {
        let mut choices = Vec::new();
        for (at, need) in needs.iter().enumerate() {
            let wanted = need.amount * self.worth(Holder::Account(need.account));
            let to = Holder::Account(need.account);
            let routes = self.terms.routes.iter().enumerate().filter(|(_, route)| route.to == to);
            choices.extend(routes.map(|(index, route)| {
                let worth = self.worth(route.from);
                let give = Decimal::from(self.gives[self.node(route.from)]) / CENTS;
                let amount = wanted.min(give).min(route.limit * worth).max(Decimal::ZERO);
                let times = route::times(route, self.book.at);
                Choice {
                    need: at,
                    route: index,
                    amount,
                    cost: route.fee * worth + amount * route.cost_fraction,
                    times,
                    is_in_time: times.is_some_and(|times| times.arrives <= self.deadline),
                }
            }));
        }
        choices.sort_by_key(|choice| {
            let is_empty = choice.amount.is_zero();
            let arrives = choice.times.map(|times| times.arrives);
            (choice.need, is_empty, !choice.is_in_time, choice.cost, arrives)
        });
        choices
    }

    /// What should go, in the order in which it has to: what passes through a pool goes there
    /// first, and what it passes on leaves when it has arrived.
    fn instructions(&self, amounts: &[i64]) -> Vec<Instruction> {
        let routes = &self.terms.routes;
        let mut left: Vec<_> = (0..routes.len()).filter(|at| amounts[*at] > 0).collect();
        let mut instructions = Vec::new();
        let mut ready = vec![self.book.at; self.gives.len()];
        while !left.is_empty() {
            let waits = |at: &usize| {
                let feeds = |other: &usize| routes[*other].to == routes[*at].from;
                left.iter().any(|other| other != at && feeds(other))
            };
            let place = left.iter().position(|at| !waits(at)).unwrap_or(0);
            let index = left.remove(place);
            let route = &routes[index];
            let Some(times) = route::times(route, ready[self.node(route.from)]) else { continue };
            let to = &mut ready[self.node(route.to)];
            *to = (*to).max(times.arrives);
            let worth = self.worth(route.from);
            let amount = (Decimal::from(amounts[index]) / CENTS / worth)
                .round_dp_with_strategy(2, RoundingStrategy::AwayFromZero);
            instructions.push(Instruction {
                route: index,
                amount,
                cost: (route.fee + amount * route.cost_fraction).round_dp(2),
                times,
                is_late: times.arrives > self.deadline,
                is_transfer: matches!(route.from, Holder::Account(_)),
            });
        }
        instructions
    }
}

/// Amounts beyond this are cut off: sums of them stay within 64 bits.
const MOST_CENTS: i64 = i64::MAX / 1_024;

fn floor(value: Decimal) -> i64 {
    value.floor().to_i64().unwrap_or(MOST_CENTS).min(MOST_CENTS)
}

fn ceil(value: Decimal) -> i64 {
    value.ceil().to_i64().unwrap_or(MOST_CENTS).min(MOST_CENTS)
}

/// What should be closed: of accounts that no money reaches, and of those that pair off.
fn closings(
    terms: &Capital,
    book: &Book,
    view: &View,
    (needs, unmet, stages): (&[Need], &[Decimal], &[Stage]),
    levels: &Levels,
) -> Vec<Closing> {
    let mut closings = Vec::new();
    // Lots of each position that are closed already, of this account or as another's other leg.
    let mut closed = vec![0; book.positions.len()];
    for stand in &view.stands {
        let lacks = needs.iter().zip(unmet).find(|(need, _)| need.account == stand.account);
        let lacks =
            lacks.filter(|(need, _)| need.is_now).map_or(Decimal::ZERO, |(_, lacks)| *lacks);
        let pairs_off = stages[stand.account] >= Stage::PairOff;
        let over = (stand.used - stand.counted * levels.target).max(Decimal::ZERO);
        // Margin that is freed counts by its target, money that comes in counts whole.
        let wanted = if pairs_off { over } else { (lacks * levels.target).min(over) };
        if wanted > Decimal::ZERO {
            close((terms, book), stand, wanted, &mut closed, &mut closings);
        }
    }
    closings
}

/// Lots of an account that free this much margin, with the other legs of their pairs.
fn close(
    (terms, book): (&Capital, &Book),
    stand: &Stand,
    mut wanted: Decimal,
    closed: &mut [u32],
    closings: &mut Vec<Closing>,
) {
    let account = stand.account;
    let own = &terms.accounts[account];
    let by_lot = |row: &super::book::Position| {
        let contract = &terms.contracts[row.contract];
        let price = book.prices[row.contract];
        let of = (row.side, row.is_hedge);
        let lot = margin::of_lot(contract, of, price, book.day, margin::Parts::Broker);
        lot * book.rate(terms, &contract.currency, &own.currency)
    };
    let rows = book.positions.iter().enumerate();
    let mut rows: Vec<_> = rows.filter(|(_, row)| row.account == account).collect();
    for (place, row) in &rows {
        wanted -= by_lot(row) * Decimal::from(closed[*place]);
    }
    // What takes the most margin is closed first.
    rows.sort_by_key(|(_, row)| std::cmp::Reverse(by_lot(row) * Decimal::from(row.lots)));
    for (place, row) in rows {
        let lot = by_lot(row);
        if wanted <= Decimal::ZERO {
            break;
        }
        let there = row.lots.saturating_sub(closed[place]);
        if lot.is_zero() || there == 0 {
            continue;
        }
        let lots = (wanted / lot).ceil().to_u32().unwrap_or(u32::MAX).min(there);
        let (pair, own_ratio, other, other_ratio) = other_leg(terms, row.contract);
        // Whole units of the pair, as far as there are any.
        let lots = lots.div_ceil(own_ratio).saturating_mul(own_ratio).min(there);
        closed[place] += lots;
        let mut legs = vec![(account, row.contract, row.side, lots)];
        if let Some(other) = other {
            let mut left = lots / own_ratio * other_ratio;
            let rows = book.positions.iter().zip(&mut *closed);
            for (leg, closed) in
                rows.filter(|(leg, _)| leg.contract == other && leg.side != row.side)
            {
                let lots = left.min(leg.lots.saturating_sub(*closed));
                if lots > 0 {
                    legs.push((leg.account, leg.contract, leg.side, lots));
                    *closed += lots;
                    left -= lots;
                }
            }
        }
        closings.push(Closing { account, pair, legs });
        wanted -= lot * Decimal::from(lots);
    }
}

/// The pair of a contract: its place, lots of this leg, the other contract, lots of that.
fn other_leg(terms: &Capital, contract: usize) -> (Option<usize>, u32, Option<usize>, u32) {
    for (place, pair) in terms.pairs.iter().enumerate() {
        if pair.domestic == contract {
            return (Some(place), pair.domestic_lots, Some(pair.overseas), pair.overseas_lots);
        }
        if pair.overseas == contract {
            return (Some(place), pair.overseas_lots, Some(pair.domestic), pair.domestic_lots);
        }
    }
    (None, 1, None, 0)
}

/// Where each account is, by its utilisation of now and without any history.
#[must_use]
pub fn stages(terms: &Capital, book: &Book, view: &View) -> Vec<Stage> {
    let levels = level::levels(terms, book.volatility);
    let of = |stand: &stand::Stand| Stage::of(&levels, stand.utilisation);
    view.stands.iter().map(of).collect()
}

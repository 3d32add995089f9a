//! Moving hedges to a later month (展期): what has to be moved, in what, and slice by slice.
//!
//! Of each client's hedges whose contract is inside the window before a deadline (its last day, the
//! first notice day, a step of the position limit: then only the lots above it) a later month of
//! the policy is taken, of the same product, market, currency and size: a roll moves nothing but
//! the month. It is traded as two legs, or as the combination that the exchange lists, whichever
//! costs less against the book's prices; of equals the combination, which is never half done.
//!
//! Cost of the lots, in the book's currency: `fees + slippage + carry`. Of legs, slippage is that
//! expected of both contracts; of a combination, how far its quote is from the difference of their
//! prices. Carry is what holding the later month costs more than the near one.
//!
//! The guard: lots are cut into the fewest slices of at most `max_lots`, as even as they can be, so
//! that the smallest is as large as it can be. A slice begins when the one before is done on both
//! legs, and one position is rolled after the other. Between two fills exposure lies between that
//! of two steps, so the worst step is the worst there is: one slice, without a hedge or hedged
//! twice, and nothing with a combination.
//!
//! It proposes and sends nothing. Not here: moving across the border (`plan`), futures on
//! currencies (`plan`), trading days of a window (days are those of the calendar). Called by `xmc
//! hedge roll`.

use super::book::{Book, Combination, Contract, DeadlineKind, Due, Held, RollGuard, RollOrder};
use super::exposure;
use super::plan::lots_of;
use super::{HedgeError, held};
use crate::config::Rational;
use jiff::ToSpan;
use jiff::civil::Date;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// A way to the later month, and what it costs for all lots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The later month, by its place in the book.
    pub far: usize,
    /// The combination that is traded, by its place; `None`: two legs.
    pub combination: Option<usize>,
    /// Fees of both legs.
    pub fees: Rational,
    /// What is lost against the book's prices; below zero: gained.
    pub slippage: Rational,
    /// What holding the later month costs more; below zero: less.
    pub carry: Rational,
    /// The sum.
    pub total: Rational,
}

/// One order of a sequence, as it stands when it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which slice, from 1.
    pub slice: usize,
    /// What is traded.
    pub what: What,
    /// Lots of it: above zero bought, below sold; of a combination as its near month.
    pub lots: i64,
    /// Lots of the near month that are left.
    pub near: i64,
    /// Lots of the later month that are there for them.
    pub far: i64,
    /// Lots that are hedged twice; below zero: that are without a hedge.
    pub apart: i64,
    /// Goods and hedges of the product together, of all months.
    pub net: Rational,
}

/// What a step trades.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The near month is closed.
    Close,
    /// The later one is opened.
    Open,
    /// Both at once.
    Both,
}

/// Lots that are to be moved.
#[derive(Clone, Debug)]
pub struct Roll {
    /// Whose.
    pub client: usize,
    /// In which account.
    pub account: usize,
    /// Out of which contract.
    pub near: usize,
    /// Above zero for bought lots.
    pub lots: i64,
    /// What for.
    pub due: Due,
    /// The last day on which the guard would have it done; `None`: there is no guard.
    pub done_by: Option<Date>,
    /// The guard, by its place in the book.
    pub guard: Option<usize>,
    /// Ways to go, the cheapest first.
    pub routes: Vec<Route>,
    /// Orders along the cheapest.
    pub steps: Vec<Step>,
}

impl Roll {
    /// Most lots that are without a hedge, or hedged twice, at any moment.
    #[must_use]
    pub fn worst(&self) -> u64 {
        self.steps.iter().map(|step| step.apart.unsigned_abs()).max().unwrap_or(0)
    }
}

/// Lots of a contract in one direction that are more than a step of its limit allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverStep {
    /// Lots that would be held.
    pub lots: u64,
    /// Lots that may be.
    pub most: u64,
    /// From this day on.
    pub from: Date,
}

impl OverStep {
    /// The narrowest of the steps in force that so many lots pass, else the first of those whose
    /// window has begun.
    #[must_use]
    pub fn of(contract: &Contract, today: Date, lots: u64) -> Option<Self> {
        let begun = contract.deadlines.iter().filter(|row| contract.begins(row.day) <= today);
        let passed = begun.filter(|row| row.most < lots);
        let narrowest = passed.min_by_key(|row| match row.day <= today {
            true => (false, Date::MIN, row.most),
            false => (true, row.day, row.most),
        });
        narrowest.map(|row| Self { lots, most: row.most, from: row.day })
    }
}

/// Something that needs a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// No `[[roll]]` says how.
    NoGuard {
        /// Out of which contract.
        near: usize,
        /// How many lots.
        lots: i64,
    },
    /// The policy has no later month that it could be moved to.
    NoTarget {
        /// Out of which contract.
        near: usize,
    },
    /// It should have been done.
    Late {
        /// Out of which contract.
        near: usize,
        /// By when.
        done_by: Date,
        /// What for.
        due: Due,
    },
    /// A slice is smaller than the guard would have it, since a larger one would pass its most.
    Small {
        /// Out of which contract.
        near: usize,
        /// The smallest.
        lots: u64,
        /// What the guard says.
        least: u32,
    },
    /// Opened first, lots would pass what the client may hold.
    NoRoom {
        /// Out of which contract.
        near: usize,
        /// Lots that are held of the product.
        lots: u64,
        /// Lots that may be.
        most: u32,
    },
    /// More of the later month would be held than a step of its limit allows.
    FarLimit {
        /// The later month.
        far: usize,
        /// By how much.
        over: OverStep,
    },
}

/// What is to be moved, and what needs a person.
#[derive(Clone, Debug)]
pub struct Rolls {
    /// By contract and account.
    pub rolls: Vec<Roll>,
    /// What was found.
    pub findings: Vec<Finding>,
}

const TEXT: &str = "a roll";

/// Lots of hedges by client, contract, direction (true: sold) and account.
type HeldLots = BTreeMap<(usize, usize, bool), BTreeMap<usize, i64>>;

fn hedges(book: &Book) -> HeldLots {
    let mut found = HeldLots::new();
    for row in book.futures.iter().filter(|row| row.is_hedge) {
        if let Held::Product(contract) = row.contract {
            let by_account = found.entry((row.client, contract, row.lots < 0)).or_default();
            *by_account.entry(row.account).or_default() += row.lots;
        }
    }
    found
}

/// Lots of one contract in one direction, over all accounts.
fn held_lots(by_account: Option<&BTreeMap<usize, i64>>) -> u64 {
    by_account.into_iter().flat_map(BTreeMap::values).map(|lots| lots.unsigned_abs()).sum()
}

/// What of a book is to be moved to a later month on its day.
///
/// # Errors
/// If a cost or an exposure cannot be held exactly.
pub fn of(book: &Book) -> Result<Rolls, HedgeError> {
    let mut all = Rolls { rolls: Vec::new(), findings: Vec::new() };
    let exposures = exposure::of(book)?;
    let every = hedges(book);
    for ((client, near, is_sold), by_account) in &every {
        let contract = &book.contracts[*near];
        let held_lots = held_lots(Some(by_account));
        let Some(due) = contract.due(book.date, held_lots) else {
            continue;
        };
        let net = held(exposure::total(&exposures, *client, contract.product)?.net(), TEXT)?;
        let mut left = due.lots;
        for (account, count) in by_account {
            let part = count.unsigned_abs().min(left);
            left -= part;
            let part = i64::try_from(part).unwrap_or(i64::MAX);
            if part == 0 {
                continue;
            }
            let lots = if *is_sold { -part } else { part };
            let roll = Roll {
                client: *client,
                account: *account,
                near: *near,
                lots,
                due,
                done_by: None,
                guard: None,
                routes: routes(book, &every, (*client, *near), lots)?,
                steps: Vec::new(),
            };
            all.rolls.push(sliced(book, roll, net, &mut all.findings)?);
        }
    }
    far_limits(book, &every, &mut all);
    Ok(all)
}

/// Lays out the orders of a roll, or says what stands against it.
fn sliced(
    book: &Book,
    mut roll: Roll,
    net: Rational,
    findings: &mut Vec<Finding>,
) -> Result<Roll, HedgeError> {
    let near = roll.near;
    let product = book.contracts[near].product;
    let is_of = |row: &RollGuard| (row.client, row.product) == (roll.client, product);
    let Some(at) = book.rolls.iter().position(is_of) else {
        findings.push(Finding::NoGuard { near, lots: roll.lots });
        return Ok(roll);
    };
    let guard = &book.rolls[at];
    // On its last day a hedge may still be held; on a day of notice or of a step it is too late.
    let before = if roll.due.kind == DeadlineKind::LastDay { 0 } else { 1 };
    let done_by = roll.due.day.saturating_sub(i64::from(guard.done_days).max(before).days());
    (roll.guard, roll.done_by) = (Some(at), Some(done_by));
    if done_by < book.date {
        findings.push(Finding::Late { near, done_by, due: roll.due });
    }
    let Some(route) = roll.routes.first() else {
        findings.push(Finding::NoTarget { near });
        return Ok(roll);
    };
    let is_both = route.combination.is_some();
    let mut most = u64::from(guard.max_lots);
    if guard.order == RollOrder::OpenFirst && !is_both {
        let lots = lots_of(book, roll.client, product);
        let may = book.limit(roll.client, product).map_or(u32::MAX, |limit| limit.max_lots);
        most = most.min(u64::from(may).saturating_sub(lots));
        if most == 0 {
            findings.push(Finding::NoRoom { near, lots, most: may });
            return Ok(roll);
        }
    }
    let cut = slices(roll.lots.unsigned_abs(), most);
    if let Some(least) = cut.last().filter(|least| **least < u64::from(guard.min_lots)) {
        findings.push(Finding::Small { near, lots: *least, least: guard.min_lots });
    }
    let order = if is_both { None } else { Some(guard.order) };
    roll.steps = held(steps(roll.lots, &cut, order, net, book.contracts[near].lot), TEXT)?;
    Ok(roll)
}

/// The fewest slices of at most `most` lots, as even as they can be, the larger first.
#[must_use]
pub fn slices(lots: u64, most: u64) -> Vec<u64> {
    if lots == 0 || most == 0 {
        return Vec::new();
    }
    let count = lots.div_ceil(most);
    let (each, more) = (lots / count, lots % count);
    (0..count).map(|at| each + u64::from(at < more)).collect()
}

/// The orders of slices; `order` is `None` where both legs are one.
fn steps(
    lots: i64,
    cut: &[u64],
    order: Option<RollOrder>,
    net: Rational,
    lot: Rational,
) -> Option<Vec<Step>> {
    let (mut near, mut far) = (lots, 0);
    let mut found = Vec::new();
    for (at, size) in cut.iter().enumerate() {
        let size = lots.signum() * i64::try_from(*size).ok()?;
        let legs: &[What] = match order {
            None => &[What::Both],
            Some(RollOrder::CloseFirst) => &[What::Close, What::Open],
            Some(RollOrder::OpenFirst) => &[What::Open, What::Close],
        };
        for what in legs {
            if *what != What::Open {
                near -= size;
            }
            if *what != What::Close {
                far += size;
            }
            // Hedges that are there more than at the start, in the direction of the market.
            let more = near + far - lots;
            found.push(Step {
                slice: at + 1,
                what: *what,
                lots: if *what == What::Open { size } else { -size },
                near,
                far,
                apart: more * lots.signum(),
                net: net.plus(lot.times(Rational::whole(more))?)?,
            });
        }
    }
    Some(found)
}

/// Ways from a contract to later months of its policy, the cheapest first.
fn routes(
    book: &Book,
    every: &HeldLots,
    (client, near): (usize, usize),
    lots: i64,
) -> Result<Vec<Route>, HedgeError> {
    let from = &book.contracts[near];
    let is_of = |row: &&super::book::Policy| (row.client, row.product) == (client, from.product);
    let policy = book.policies.iter().find(is_of);
    let mut found = Vec::new();
    for far in policy.into_iter().flat_map(|policy| policy.contracts.iter().copied()) {
        let to = &book.contracts[far];
        // Nothing goes into a month of which something has to leave.
        let is_left = held_lots(every.get(&(client, far, lots < 0)));
        let is_left = to.due(book.date, is_left).is_some();
        if !from.is_rolled_into(to) || book.date >= to.roll_day() || is_left {
            continue;
        }
        let Some(rate) = book.rate(&from.currency) else {
            continue;
        };
        let listed = book.combinations.iter().enumerate();
        let listed = listed.filter(|(_, row)| (row.near, row.far) == (near, far));
        for (at, row) in listed {
            let terms = held(combined([from, to], row, lots, rate), TEXT)?;
            found.push(route(far, Some(at), terms)?);
        }
        found.push(route(far, None, held(by_legs([from, to], lots, rate), TEXT)?)?);
    }
    // The sort is stable, and combinations stand before the legs that cost the same.
    found.sort_by(|one, other| {
        if one.total.is_below(other.total) {
            Ordering::Less
        } else if other.total.is_below(one.total) {
            Ordering::Greater
        } else {
            one.combination.is_none().cmp(&other.combination.is_none())
        }
    });
    Ok(found)
}

fn route(
    far: usize,
    combination: Option<usize>,
    [fees, slippage, carry]: [Rational; 3],
) -> Result<Route, HedgeError> {
    let total = held(fees.plus(slippage).and_then(|sum| sum.plus(carry)), TEXT)?;
    Ok(Route { far, combination, fees, slippage, carry, total })
}

/// Quantity that lots are of, in units of the price, in money at a rate.
fn scale(of: &Contract, lots: i64, rate: Rational) -> Option<Rational> {
    of.lot.times(of.per_unit)?.times(Rational::whole(lots))?.times(rate)
}

/// What the later month costs more to hold: of sold lots what it earns.
fn carry([near, far]: [&Contract; 2], lots: i64, rate: Rational) -> Option<Rational> {
    far.carry.minus(near.carry)?.times(scale(near, lots, rate)?)
}

fn by_legs(both: [&Contract; 2], lots: i64, rate: Rational) -> Option<[Rational; 3]> {
    let (mut fees, mut slippage) = (Rational::ZERO, Rational::ZERO);
    let count = Rational::whole(lots.abs()).times(rate)?;
    for of in both {
        let fee = of.fee_per_lot.plus(of.lot_value()?.magnitude().times(of.fee_fraction)?)?;
        fees = fees.plus(fee.times(count)?)?;
        slippage = slippage.plus(of.slippage.times(scale(of, lots.abs(), rate)?)?)?;
    }
    Some([fees, slippage, carry(both, lots, rate)?])
}

/// Sold lots are bought back in the near month: the combination is bought.
fn combined(
    both: [&Contract; 2],
    of: &Combination,
    lots: i64,
    rate: Rational,
) -> Option<[Rational; 3]> {
    let [near, far] = both;
    let worth = near.lot_value()?.magnitude().plus(far.lot_value()?.magnitude())?;
    let fee = of.fee_per_lot.plus(worth.times(of.fee_fraction)?)?;
    let fees = fee.times(Rational::whole(lots.abs()))?.times(rate)?;
    let fair = near.price.minus(far.price)?;
    let lost = if lots < 0 { of.ask.minus(fair)? } else { fair.minus(of.bid)? };
    let slippage = lost.times(scale(near, lots.abs(), rate)?)?;
    Some([fees, slippage, carry(both, lots, rate)?])
}

/// Whether later months would hold more than a step of their limits allows that is in force, or
/// whose window has begun: then they would have to be left again at once.
fn far_limits(book: &Book, every: &HeldLots, all: &mut Rolls) {
    let mut after: BTreeMap<(usize, usize, bool), u64> = BTreeMap::new();
    for roll in all.rolls.iter().filter(|roll| !roll.steps.is_empty()) {
        if let Some(route) = roll.routes.first() {
            let key = (roll.client, route.far, roll.lots < 0);
            *after.entry(key).or_default() += roll.lots.unsigned_abs();
        }
    }
    for (key, moved) in after {
        let has = held_lots(every.get(&key));
        // What is rolled out of that month itself is not there any more.
        let leaves = all.rolls.iter().filter(|roll| {
            !roll.steps.is_empty() && (roll.client, roll.near, roll.lots < 0) == key
        });
        let leaves: u64 = leaves.map(|roll| roll.lots.unsigned_abs()).sum();
        let lots = (moved + has).saturating_sub(leaves);
        if let Some(over) = OverStep::of(&book.contracts[key.1], book.date, lots) {
            all.findings.push(Finding::FarLimit { far: key.1, over });
        }
    }
}

//! What to do about exposure: which lots to open, close and roll, as a proposal.
//!
//! Of each policy (a client's product): `wanted = -physical * ratio * share`, where `share` is the
//! last step that has begun. What is missing to that is traded if it is outside of the band. Lots
//! in a contract whose roll day has come, or above a step of its limit whose window has begun, are
//! closed in any case and opened again elsewhere. Lots that stand against the direction wanted are
//! closed before any are opened, the nearest month first; the rest is opened in the cheapest
//! contract of the policy that is not to be rolled itself. Lots are opened in the direction of the
//! target only, and closing never takes hedges through zero unless the target is beyond it: what a
//! reduction leaves is part of a lot, or is told (`Finding::Over`).
//!
//! Abroad a hedge is of the price in its currency, so what is hedged there stays open in that
//! currency. Open in a currency are: prices agreed in it that are still to be paid (less) or
//! received (more), the worth of goods hedged in it (so the worth of short hedges more, of long
//! ones less), and futures on it. Goods in stock are taken for paid. That residual (`Fx`) has a
//! band and a limit of its own, and is closed in futures on the currency, by the same rules: those
//! whose roll day has come are moved in any case.
//!
//! It sends nothing: a person approves it. Called by `xmc hedge plan`.

mod cost;
mod fx;

pub use cost::{Cost, Term, cheapest, of_unit};
pub use fx::Fx;
pub(super) use fx::{agreed, futures_of};

use super::book::{Account, Book, Contract, Held, Policy, Rounding};
use super::exposure::{self, Exposure, Row};
use super::ratio::{self, Ratio};
use super::roll::OverStep;
use super::series::{Series, SeriesError};
use super::{HedgeError, held};
use crate::config::Rational;
use std::collections::BTreeMap;

/// Open or close (开平).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// 开仓.
    Open,
    /// 平仓.
    Close,
}

/// Why an order is proposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// More is to be hedged.
    Hedge,
    /// Less is.
    Reduce,
    /// Its contract's month is near.
    Roll,
    /// What is open in a currency.
    Fx,
}

/// An order that is proposed; its flag is `hedge` (套保).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Whose.
    pub client: usize,
    /// In which of the client's accounts; `None`: it has none on that side of the border.
    pub account: Option<usize>,
    /// Of what.
    pub contract: Held,
    /// Above zero to buy, below to sell.
    pub lots: i64,
    /// Open or close.
    pub effect: Effect,
    /// Why.
    pub why: Why,
}

/// What is proposed for a client's product.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// The policy, by its place in the book.
    pub policy: usize,
    /// What there is, all months together.
    pub row: Row,
    /// How much of a future offsets the goods.
    pub ratio: Ratio,
    /// The part that is to be hedged today; `None`: no step has begun.
    pub share: Option<Rational>,
    /// Hedges that are wanted, in the product's unit; below zero for sold ones.
    pub wanted: Rational,
    /// What is missing to that, before anything is done.
    pub missing: Rational,
    /// Hedges after all orders.
    pub after: Rational,
    /// What each contract costs, the cheapest first.
    pub costs: Vec<Cost>,
    /// What is proposed.
    pub orders: Vec<Order>,
    /// Lots that `max_lots` of the client leaves no room for.
    pub held_back: u32,
}

/// Something that needs a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// More is without a hedge than the client allows.
    Unhedged {
        /// Whose.
        client: usize,
        /// Of what.
        product: usize,
        /// How much.
        open: Rational,
        /// How much may be.
        most: Rational,
    },
    /// More lots are held than the client allows, or would be.
    Lots {
        /// Whose.
        client: usize,
        /// Of what.
        product: usize,
        /// How many are held.
        lots: u64,
        /// How many may be.
        most: u32,
        /// How many of those wanted are left out of the proposal.
        held_back: u32,
    },
    /// Goods that no policy hedges.
    NoPolicy {
        /// Whose.
        client: usize,
        /// Of what.
        product: usize,
    },
    /// Hedges are wanted, and no contract can be opened.
    NoContract {
        /// The policy.
        policy: usize,
    },
    /// More is hedged than wanted, and nothing that is held can be closed for it.
    Over {
        /// The policy.
        policy: usize,
        /// By how much.
        over: Rational,
    },
    /// Futures on a currency are wanted, and none can be opened.
    NoFxContract {
        /// Whose.
        client: usize,
        /// Which currency.
        currency: String,
    },
    /// An order has no account on its side of the border.
    NoAccount {
        /// Whose.
        client: usize,
        /// Of what.
        contract: Held,
    },
    /// More of a contract would be held than a step of its limit allows.
    Step {
        /// Whose.
        client: usize,
        /// Of what.
        contract: usize,
        /// By how much.
        over: OverStep,
    },
    /// More is open in a currency than the client allows, also after what is proposed.
    Currency {
        /// Whose.
        client: usize,
        /// Which.
        currency: String,
        /// How much.
        open: Rational,
        /// How much may be; `None`: nothing is said.
        most: Option<Rational>,
    },
}

/// All of it.
#[derive(Clone, Debug)]
pub struct Plan {
    /// By policy.
    pub proposals: Vec<Proposal>,
    /// By client and currency.
    pub fx: Vec<Fx>,
    /// What needs a person besides.
    pub findings: Vec<Finding>,
}

const TEXT: &str = "the plan";

/// What to do about a book; `read` brings price series by the names that policies have for them.
///
/// # Errors
/// If an exposure or a ratio cannot be reckoned.
pub fn of(
    book: &Book,
    all: &Exposure,
    read: impl Fn(&str) -> Result<Series, SeriesError>,
) -> Result<Plan, HedgeError> {
    let mut findings = Vec::new();
    let mut proposals = Vec::new();
    for policy in 0..book.policies.len() {
        proposals.push(proposal(book, all, policy, &read, &mut findings)?);
    }
    findings.extend(limits(book, all)?);
    let fx = fx::of(book, &proposals, &mut findings)?;
    let orders =
        proposals.iter().flat_map(|row| &row.orders).chain(fx.iter().flat_map(|row| &row.orders));
    for order in orders.filter(|order| order.account.is_none()) {
        findings.push(Finding::NoAccount { client: order.client, contract: order.contract });
    }
    Ok(Plan { proposals, fx, findings })
}

/// What of a book is beyond what its clients allow, as it is.
///
/// # Errors
/// If a sum cannot be held exactly.
pub fn limits(book: &Book, all: &Exposure) -> Result<Vec<Finding>, HedgeError> {
    let mut findings = Vec::new();
    let mut seen: Vec<(usize, usize)> = all.keys().map(|key| (key.client, key.product)).collect();
    seen.dedup();
    seen.sort_unstable();
    seen.dedup();
    for (client, product) in seen {
        let row = exposure::total(all, client, product)?;
        let has_policy =
            book.policies.iter().any(|row| (row.client, row.product) == (client, product));
        if !row.physical.is_zero() && !has_policy {
            findings.push(Finding::NoPolicy { client, product });
        }
        let Some(limit) = book.limit(client, product) else {
            continue;
        };
        let open = held(row.net(), TEXT)?;
        if limit.max_unhedged.is_below(open.magnitude()) {
            findings.push(Finding::Unhedged { client, product, open, most: limit.max_unhedged });
        }
        let lots = lots_of(book, client, product);
        if lots > u64::from(limit.max_lots) {
            let most = limit.max_lots;
            findings.push(Finding::Lots { client, product, lots, most, held_back: 0 });
        }
    }
    Ok(findings)
}

/// Lots of a client in a product, both directions and options together.
pub(super) fn lots_of(book: &Book, client: usize, product: usize) -> u64 {
    let is_of = |contract: usize| book.contracts[contract].product == product;
    let futures =
        book.futures.iter().filter(|row| row.client == client).filter_map(|row| {
            match row.contract {
                Held::Product(contract) if is_of(contract) => Some(row.lots),
                _ => None,
            }
        });
    let options = book.options.iter().filter(|row| row.client == client && is_of(row.contract));
    let lots = futures.chain(options.map(|row| row.lots));
    lots.map(i64::unsigned_abs).sum()
}

/// The part that is hedged today.
fn share(book: &Book, policy: &Policy) -> Option<Rational> {
    let begun = policy.steps.iter().rfind(|step| step.from <= book.date);
    begun.map(|step| step.share)
}

/// A quantity as lots of a contract; above zero as below.
fn lots(quantity: Rational, lot: Rational, rounding: Rounding) -> Option<i64> {
    let exact = quantity.magnitude().over(lot)?;
    let whole = match rounding {
        Rounding::Down => exact.floor(),
        Rounding::Up => -exact.negated().floor(),
        Rounding::Nearest => exact.nearest(1)?,
    };
    let whole = i64::try_from(whole).ok()?;
    Some(if quantity.is_negative() { -whole } else { whole })
}

/// -1, 0 or 1.
fn sign(value: Rational) -> i8 {
    if value.is_zero() {
        0
    } else if value.is_negative() {
        -1
    } else {
        1
    }
}

/// Hedges while orders are laid out: what is still needed, and what is there after them.
struct Laid {
    need: Rational,
    after: Rational,
    target: Rational,
    rolled: Rational,
}

impl Laid {
    fn new(need: Rational, after: Rational, target: Rational) -> Self {
        Self { need, after, target, rolled: Rational::ZERO }
    }

    /// Takes lots that are closed because their month is near: as many are needed elsewhere.
    fn roll(&mut self, lot: Rational, count: i64) -> Option<()> {
        let quantity = lot.times(Rational::whole(count))?;
        self.need = self.need.plus(quantity)?;
        self.after = self.after.minus(quantity)?;
        self.rolled = self.rolled.plus(quantity)?;
        Some(())
    }

    /// Takes lots that are traded for the need; what rounding traded beyond it is not traded back.
    fn trade(&mut self, lot: Rational, count: i64) -> Option<()> {
        let quantity = lot.times(Rational::whole(count))?;
        let left = self.need.minus(quantity)?;
        self.need = if sign(left) == -sign(self.need) { Rational::ZERO } else { left };
        self.after = self.after.plus(quantity)?;
        Some(())
    }

    /// How many of `count` lots that are held are closed: none that stand with the need, and not
    /// so many that hedges end on the other side of zero than the target.
    fn closed(&self, lot: Rational, count: i64, rounding: Rounding) -> Option<i64> {
        if self.need.is_zero() || self.need.is_negative() == (count < 0) {
            return Some(0);
        }
        let wanted = lots(self.need, lot, rounding)?;
        let mut most = wanted.abs().min(count.abs());
        let side = if self.target.is_zero() { sign(self.after) } else { sign(self.target) };
        let left = self.after.plus(lot.times(Rational::whole(wanted.signum() * most))?)?;
        let is_through = side != 0 && sign(left) == -side && sign(self.after) == side;
        if is_through {
            most = most.min(lots(self.after, lot, Rounding::Down)?.abs());
        }
        Some(wanted.signum() * most)
    }

    /// What may be opened: nothing against the target, but for what was only moved.
    fn openable(&self) -> Rational {
        if sign(self.need) == sign(self.target) {
            self.need
        } else if sign(self.need) != sign(self.rolled) {
            Rational::ZERO
        } else if self.rolled.magnitude().is_below(self.need.magnitude()) {
            self.rolled
        } else {
            self.need
        }
    }
}

/// Lots that a client's hedges have in a contract, by account, above and below zero apart.
type HeldLots = BTreeMap<(usize, usize, bool), i64>;

fn hedges(book: &Book, policy: &Policy) -> HeldLots {
    let mut found = HeldLots::new();
    for row in book.futures.iter().filter(|row| row.client == policy.client && row.is_hedge) {
        if let Held::Product(contract) = row.contract
            && book.contracts[contract].product == policy.product
        {
            *found.entry((contract, row.account, row.lots < 0)).or_default() += row.lots;
        }
    }
    found
}

/// Lots of each contract and direction that have to be gone, all accounts together.
fn due_lots(book: &Book, held: &HeldLots) -> BTreeMap<(usize, bool), i64> {
    let mut lots: BTreeMap<(usize, bool), u64> = BTreeMap::new();
    for ((contract, _, is_sold), count) in held {
        *lots.entry((*contract, *is_sold)).or_default() += count.unsigned_abs();
    }
    let due = lots.into_iter().filter_map(|(key, lots)| {
        let due = book.contracts[key.0].due(book.date, lots)?;
        Some((key, i64::try_from(due.lots).unwrap_or(i64::MAX)))
    });
    due.collect()
}

/// Lots of a contract in the direction of `opened` once these are there too, and the orders before
/// them are done.
fn beside(contract: usize, opened: i64, held: &HeldLots, orders: &[Order]) -> u64 {
    let is_same = |lots: i64| lots.signum() == opened.signum();
    let own = held.iter().filter(|((of, ..), lots)| *of == contract && is_same(**lots));
    let closed = orders.iter().filter(|order| {
        order.contract == Held::Product(contract)
            && order.effect == Effect::Close
            && !is_same(order.lots)
    });
    let has: u64 = own.map(|(_, lots)| lots.unsigned_abs()).sum();
    let gone: u64 = closed.map(|order| order.lots.unsigned_abs()).sum();
    has.saturating_sub(gone) + opened.unsigned_abs()
}

fn account_of(accounts: &[Account], contract: &Contract) -> Option<usize> {
    accounts.iter().position(|account| account.border == contract.border)
}

fn proposal(
    book: &Book,
    all: &Exposure,
    at: usize,
    read: &impl Fn(&str) -> Result<Series, SeriesError>,
    findings: &mut Vec<Finding>,
) -> Result<Proposal, HedgeError> {
    let policy = &book.policies[at];
    let (client, product) = (policy.client, policy.product);
    let row = exposure::total(all, client, product)?;
    let ratio = ratio::of(book, &policy.ratio, read)?;
    let share = share(book, policy);
    let part = held(ratio.value.times(share.unwrap_or_default()), TEXT)?;
    let wanted = held(row.physical.times(part), TEXT)?.negated();
    let before = held(row.hedges(), TEXT)?;
    let missing = held(wanted.minus(before), TEXT)?;
    let mut orders: Vec<Order> = Vec::new();
    let mut place = |key: (usize, usize), lots: i64, effect: Effect, why: Why| {
        let (contract, account) = key;
        let contract = Held::Product(contract);
        orders.push(Order { client, account: Some(account), contract, lots, effect, why });
    };
    let is_outside = policy.band.is_below(missing.magnitude());
    let need = if is_outside { missing } else { Rational::ZERO };
    // Inside the band what is there is what is wanted.
    let target = if is_outside { wanted } else { before };
    let mut laid = Laid::new(need, before, target);
    let mut standing = Vec::new();
    let all_held = hedges(book, policy);
    let mut due = due_lots(book, &all_held);
    for ((contract, account, is_sold), count) in &all_held {
        let key = (*contract, *account);
        let left = due.get_mut(&(*contract, *is_sold));
        let part = left.as_ref().map_or(0, |left| **left).min(count.abs());
        if let Some(left) = left {
            *left -= part;
        }
        let part = part * count.signum();
        if part != *count {
            standing.push((key, count - part));
        }
        if part != 0 {
            held(laid.roll(book.contracts[*contract].lot, part), TEXT)?;
            place(key, -part, Effect::Close, Why::Roll);
        }
    }
    let is_rolled = laid.after != before || !laid.rolled.is_zero();
    // The nearest month goes first.
    standing.sort_by_key(|((contract, _), _)| book.contracts[*contract].last_day);
    for (key, count) in standing {
        let contract = &book.contracts[key.0];
        let closed = held(laid.closed(contract.lot, count, policy.rounding), TEXT)?;
        if closed == 0 || closed.unsigned_abs() < u64::from(policy.min_lots) {
            continue;
        }
        held(laid.trade(contract.lot, closed), TEXT)?;
        place(key, closed, Effect::Close, Why::Reduce);
    }
    // What a hedge costs is told of the direction that it would be opened in, also when none is.
    let aim = if laid.target.is_zero() { row.physical.negated() } else { laid.target };
    let mut costs = cheapest(book, policy, aim.is_negative())?;
    // What has to leave a month is not opened there again.
    costs.retain(|cost| !due.contains_key(&(cost.contract, aim.is_negative())));
    let mut held_back = 0;
    let openable = laid.openable();
    if let Some(cheapest) = costs.first().filter(|_| !openable.is_zero()) {
        let contract = &book.contracts[cheapest.contract];
        let wanted = held(lots(openable, contract.lot, policy.rounding), TEXT)?;
        let closed: u64 = orders.iter().map(|order| order.lots.unsigned_abs()).sum();
        let held_now = lots_of(book, client, product).saturating_sub(closed);
        let most = book.limit(client, product).map_or(u64::MAX, |limit| u64::from(limit.max_lots));
        let room = i64::try_from(most.saturating_sub(held_now)).unwrap_or(i64::MAX);
        let opened = wanted.signum() * wanted.abs().min(room);
        let least = if is_rolled { 1 } else { i64::from(policy.min_lots) };
        if wanted.abs() >= least {
            held_back = u32::try_from((wanted - opened).unsigned_abs()).unwrap_or(u32::MAX);
        }
        if opened.abs() >= least {
            held(laid.trade(contract.lot, opened), TEXT)?;
            let account = account_of(&book.clients[client].accounts, contract);
            let of = cheapest.contract;
            if let Some(over) =
                OverStep::of(contract, book.date, beside(of, opened, &all_held, &orders))
            {
                findings.push(Finding::Step { client, contract: of, over });
            }
            let contract = Held::Product(of);
            // Lots that are only moved to another month are not more of a hedge.
            let is_moved = is_rolled && !is_outside;
            let why = if is_moved { Why::Roll } else { Why::Hedge };
            let effect = Effect::Open;
            orders.push(Order { client, account, contract, lots: opened, effect, why });
        }
        if held_back > 0 {
            let lots = held_now;
            let most = u32::try_from(most).unwrap_or(u32::MAX);
            findings.push(Finding::Lots { client, product, lots, most, held_back });
        }
    } else if !openable.is_zero() {
        findings.push(Finding::NoContract { policy: at });
    }
    let after = laid.after;
    let least = policy.contracts.iter().map(|contract| book.contracts[*contract].lot);
    let least = least.reduce(|one, other| if other.is_below(one) { other } else { one });
    if openable.is_zero() && least.is_some_and(|least| !laid.need.magnitude().is_below(least)) {
        let over = laid.need.magnitude();
        findings.push(Finding::Over { policy: at, over });
    }
    Ok(Proposal { policy: at, row, ratio, share, wanted, missing, after, costs, orders, held_back })
}

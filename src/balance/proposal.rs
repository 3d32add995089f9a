//! What could be done about what is left: other months and venues, and the market, with cost.
//!
//! Of each remainder, the most urgent first: it is set against an opposite remainder of another
//! contract of its product that it would take instead (`Offset`, which is a further match, in the
//! other one's contract at its price); then it is traded in the cheapest of its contracts, its own
//! (`Market`) or one that it would take instead (`Elsewhere`). Quantities are in the product's unit
//! and contracts in whole lots, never more than what is left. What closes is closed in its own
//! contract. Nothing opens a contract from its roll day on, or passes a capacity.
//!
//! Cost, in the book's currency: crossing (half of what bid and ask are apart, and the slippage
//! that is expected), fees of one way, what the basis is expected to move, and what carrying costs
//! more or less. An offset is proposed where that is less than both would cost at the market. What
//! a contract in another currency leaves open in that is not in it: `hedge` reckons that.
//!
//! Nobody meets his own orders: where proposals of one owner or one group would buy and sell one
//! contract at the market, the side of less lots times urgency is held back, both where
//! they are equal.
//!
//! A proposal's id is a hash of what would be approved, the book's time, the price and the cost
//! included: another market, another id. It sends nothing.

use super::book::Book;
use super::plan::{Plan, group};
use super::price::{self, Priced};
use super::quote::Quotes;
use super::{BalanceError, held};
use crate::config::Rational;
use sha2::{Digest, Sha256};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// What is proposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// Set against another remainder, by its place in the plan's wants.
    Offset(usize),
    /// Traded in its own contract.
    Market,
    /// Traded in another one.
    Elsewhere,
}

/// Who may say yes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approval {
    /// The policy's `max_cost` and `max_lots` do.
    ByRule,
    /// The policy's approver.
    Person,
    /// Nobody: it could meet an order of its own side.
    Held,
}

/// What something costs, in the book's currency; below zero: earns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Half of what bid and ask are apart, and slippage.
    pub crossing: Rational,
    /// Fees.
    pub fees: Rational,
    /// What the basis is expected to move.
    pub basis: Rational,
    /// What carrying costs more than in its own contract.
    pub carry: Rational,
    /// The sum.
    pub total: Rational,
}

/// Something that could be done.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// A hash of what would be approved: 16 digits.
    pub id: String,
    /// Who may net there.
    pub group: usize,
    /// For whom: a place in the plan's wants.
    pub want: usize,
    /// How.
    pub way: Way,
    /// Lots of the want's own contract that it stands for.
    pub stands_for: i64,
    /// In which contract.
    pub contract: usize,
    /// In which account.
    pub account: usize,
    /// Lots of that contract: above zero to buy, below to sell.
    pub lots: i64,
    /// The quantity, in the product's unit, without a sign.
    pub quantity: Rational,
    /// Of the match, or the other side of the market.
    pub price: Rational,
    /// What it costs.
    pub cost: Cost,
    /// What the same costs at the market in the own contract; `None`: that is not possible.
    pub alone: Option<Rational>,
    /// Who may say yes.
    pub approval: Approval,
}

const TEXT: &str = "the cost of a proposal";

/// What is still to be done, while proposals are made.
struct Rest<'r> {
    book: &'r Book,
    quotes: &'r Quotes,
    plan: &'r Plan,
    /// Lots that are left of each want.
    left: Vec<i64>,
    /// What accounts may still hold.
    rooms: BTreeMap<(usize, usize), i64>,
    prices: BTreeMap<usize, Option<Priced>>,
    all: Vec<Proposal>,
}

/// What is proposed about what a plan leaves.
///
/// # Errors
/// If it cannot be reckoned exactly.
pub fn of(book: &Book, quotes: &Quotes, plan: &Plan) -> Result<Vec<Proposal>, BalanceError> {
    let wants = &plan.wants.wants;
    let mut rest = Rest {
        book,
        quotes,
        plan,
        left: plan.left.clone(),
        rooms: plan.wants.rooms.clone(),
        prices: BTreeMap::new(),
        all: Vec::new(),
    };
    for contract in 0..book.contracts.len() {
        rest.prices.insert(contract, price::of(book, quotes, contract)?.ok());
    }
    let mut order: Vec<usize> = (0..wants.len()).collect();
    order.sort_by_key(|at| {
        let want = &wants[*at];
        (&book.groups[group(book, want)].name, Reverse(want.urgency), *at)
    });
    let mut waiting: BTreeMap<(usize, usize, bool), Vec<usize>> = BTreeMap::new();
    for at in &order {
        let want = &wants[*at];
        let key = (group(book, want), want.contract, want.lots > 0);
        waiting.entry(key).or_default().push(*at);
    }
    for at in &order {
        rest.offsets(*at, &waiting)?;
    }
    for at in &order {
        rest.trade(*at)?;
    }
    let mut all = rest.all;
    let key = |row: &Proposal| {
        let (group, of) = (&book.groups[row.group].name, &book.contracts[row.contract].of);
        (group.clone(), Reverse(wants[row.want].urgency), row.want, row.way, of.name.clone())
    };
    all.sort_by_key(key);
    hold_back(book, plan, &mut all);
    approve(book, &mut all);
    for row in &mut all {
        row.id = identity(book, plan, row);
    }
    Ok(all)
}

impl Rest<'_> {
    fn lot(&self, contract: usize) -> Rational {
        self.book.contracts[contract].of.lot
    }

    /// What one unit of the product costs to trade in a contract; `None`: it has no fresh quote.
    fn crossing(&self, contract: usize) -> Result<Option<[Rational; 2]>, BalanceError> {
        let Ok(quote) = price::fresh(self.book, self.quotes, contract) else {
            return Ok(None);
        };
        let of = &self.book.contracts[contract].of;
        let reckon = || {
            let rate = self.book.rate(&of.currency)?;
            let half = quote.half_spread()?.plus(of.slippage)?;
            let worth = quote.mid()?.times(of.per_unit)?.magnitude();
            let fees = of.fee_per_lot.over(of.lot)?.plus(worth.times(of.fee_fraction)?)?;
            Some([half.times(of.per_unit)?.times(rate)?, fees.times(rate)?])
        };
        held(reckon(), TEXT).map(Some)
    }

    /// What one unit costs more in another contract: basis and carry; `None`: nothing is said of
    /// the basis between the two.
    fn apart(
        &self,
        own: usize,
        other: usize,
        buys: bool,
    ) -> Result<Option<[Rational; 2]>, BalanceError> {
        let is_between =
            |between: &[usize; 2]| *between == [own, other] || *between == [other, own];
        let Some(basis) = self.book.bases.iter().find(|row| is_between(&row.between)) else {
            return Ok(None);
        };
        let carry = |contract: usize| {
            let of = &self.book.contracts[contract].of;
            of.carry.times(of.per_unit)?.times(self.book.rate(&of.currency)?)
        };
        let reckon = || {
            let more = carry(other)?.minus(carry(own)?)?;
            Some([basis.expected_move, if buys { more } else { more.negated() }])
        };
        held(reckon(), TEXT).map(Some)
    }

    /// The account in which a want could have another contract; its own if that is on the
    /// contract's side of the border, or the first by name of the same client that may net with it.
    fn account(&self, at: usize, contract: usize) -> Option<Room> {
        let want = &self.plan.wants.wants[at];
        let of = &self.book.contracts[contract].of;
        let own = &self.book.accounts[want.account];
        let room = |account: usize| self.rooms.get(&(account, of.product)).copied().unwrap_or(0);
        if own.border == of.border {
            let (account, lots) = (want.account, room(want.account));
            return Some(Room { account, lots, is_own: true });
        }
        let others = self.book.accounts.iter().enumerate().filter(|(_, row)| {
            row.border == of.border && row.client == own.client && row.group == own.group
        });
        let (account, _) = others.min_by_key(|(_, row)| &row.name)?;
        Some(Room { account, lots: room(account), is_own: false })
    }

    fn may_open(&self, contract: usize) -> bool {
        let of = &self.book.contracts[contract].of;
        self.book.day < of.roll_day()
    }

    /// So many lots of the other contract at most for what is left, and for how many lots of its
    /// own they stand. What is left of less than a lot of either is rounding; with fewer lots than
    /// all that would be taken, nothing else is.
    fn whole(&self, at: usize, contract: usize, most: i64) -> Option<(i64, i64)> {
        let (own, other) = (self.lot(self.plan.wants.wants[at].contract), self.lot(contract));
        let wanted = self.left[at].abs();
        let left = own.times(Rational::whole(wanted))?;
        let all = i64::try_from(left.over(other)?.floor()).ok()?;
        let lots = all.min(most).max(0);
        let taken = other.times(Rational::whole(lots))?;
        let stands_for = if lots < all {
            i64::try_from(taken.over(own)?.floor()).ok()?
        } else {
            wanted - i64::try_from(left.minus(taken)?.over(own)?.floor()).ok()?
        };
        Some(if stands_for > 0 { (lots, stands_for) } else { (0, 0) })
    }

    /// The same with room for them in an account: in its own as much more as they stand for.
    fn fits(&self, at: usize, contract: usize, most: i64, room: Room) -> Option<(i64, i64)> {
        let mut most = if room.is_own { most } else { most.min(room.lots) };
        loop {
            let (lots, stands_for) = self.whole(at, contract, most)?;
            let free = room.lots + if room.is_own { stands_for } else { 0 };
            if lots <= free || lots == 0 {
                return Some((lots, stands_for));
            }
            most = free.max(0);
        }
    }

    fn cost(&self, units: Rational, parts: [Rational; 4]) -> Result<Cost, BalanceError> {
        let reckon = || {
            let [crossing, fees, basis, carry] = parts.map(|part| part.times(units));
            let (crossing, fees, basis, carry) = (crossing?, fees?, basis?, carry?);
            let total = crossing.plus(fees)?.plus(basis)?.plus(carry)?;
            Some(Cost { crossing, fees, basis, carry, total })
        };
        held(reckon(), TEXT)
    }

    /// Sets a want against opposite remainders of contracts that it would take instead.
    fn offsets(
        &mut self,
        at: usize,
        waiting: &BTreeMap<(usize, usize, bool), Vec<usize>>,
    ) -> Result<(), BalanceError> {
        let want = &self.plan.wants.wants[at];
        let (buys, own) = (want.lots > 0, want.contract);
        let mut choices = Vec::new();
        for other in &want.instead {
            let both = self.crossing(own)?.zip(self.crossing(*other)?);
            if let (Some(apart), Some((here, there)), true) =
                (self.apart(own, *other, buys)?, both, self.may_open(*other))
            {
                let market = [here[0], here[1], there[0], there[1]];
                choices.push((*other, apart, market));
            }
        }
        let dearer = |row: &(usize, [Rational; 2], [Rational; 4])| row.1[0].plus(row.1[1]);
        let mut costed = Vec::new();
        for row in choices {
            let market = row.2.iter().try_fold(Rational::ZERO, |sum, part| sum.plus(*part));
            let (inside, market) = (held(dearer(&row), TEXT)?, held(market, TEXT)?);
            if inside.is_below(market) {
                costed.push((inside, row.0, row.1));
            }
        }
        costed.sort_by(|one, other| {
            let name = |row: &(Rational, usize, [Rational; 2])| &self.book.contracts[row.1].of.name;
            compare(one.0, other.0).then_with(|| name(one).cmp(name(other)))
        });
        for (_, contract, [basis, carry]) in costed {
            let key = (group(self.book, want), contract, !buys);
            for against in waiting.get(&key).into_iter().flatten() {
                let price = self.prices.get(&contract).copied().flatten().map(|row| row.price);
                let Some((price, room)) = price.zip(self.account(at, contract)) else {
                    break;
                };
                let most = self.left[*against].abs();
                let (lots, stands_for) = held(self.fits(at, contract, most, room), TEXT)?;
                let account = room.account;
                if lots == 0 {
                    continue;
                }
                self.left[*against] += if buys { lots } else { -lots };
                let parts = [Rational::ZERO, Rational::ZERO, basis, carry];
                let taken = Taken { at, contract, account, lots, stands_for, price };
                self.add(&taken, Way::Offset(*against), parts)?;
            }
        }
        Ok(())
    }

    /// Trades what is left in the cheapest contract, and what that leaves in its own.
    fn trade(&mut self, at: usize) -> Result<(), BalanceError> {
        let want = &self.plan.wants.wants[at];
        let (buys, own) = (want.lots > 0, want.contract);
        let mut choices = Vec::new();
        let is_open = |contract: usize| !want.opens || self.may_open(contract);
        for contract in std::iter::once(own).chain(want.instead.iter().copied()) {
            let apart = if contract == own {
                Some([Rational::ZERO; 2])
            } else {
                self.apart(own, contract, buys)?
            };
            if let (Some(crossing), Some(apart), true) =
                (self.crossing(contract)?, apart, is_open(contract))
            {
                let parts = [crossing[0], crossing[1], apart[0], apart[1]];
                let total = parts.iter().try_fold(Rational::ZERO, |sum, part| sum.plus(*part));
                choices.push((held(total, TEXT)?, contract, parts));
            }
        }
        choices.sort_by(|one, other| {
            let name = |row: &(Rational, usize, [Rational; 4])| &self.book.contracts[row.1].of.name;
            // Of two that cost the same its own is taken.
            compare(one.0, other.0)
                .then_with(|| (one.1 != own).cmp(&(other.1 != own)))
                .then_with(|| name(one).cmp(name(other)))
        });
        for (_, contract, parts) in choices {
            let Ok(quote) = price::fresh(self.book, self.quotes, contract) else { continue };
            let price = if buys { quote.ask } else { quote.bid };
            let (account, found, way) = if contract == own {
                (want.account, self.whole(at, contract, i64::MAX), Way::Market)
            } else {
                let Some(room) = self.account(at, contract) else { continue };
                let found = self.fits(at, contract, i64::MAX, room);
                (room.account, found, Way::Elsewhere)
            };
            let (lots, stands_for) = held(found, TEXT)?;
            if lots > 0 {
                let taken = Taken { at, contract, account, lots, stands_for, price };
                self.add(&taken, way, parts)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, taken: &Taken, way: Way, parts: [Rational; 4]) -> Result<(), BalanceError> {
        let want = &self.plan.wants.wants[taken.at];
        let quantity = self.lot(taken.contract).times(Rational::whole(taken.lots));
        let quantity = held(quantity, TEXT)?;
        let is_own_possible = !want.is_late(self.book);
        let alone = match self.crossing(want.contract)? {
            Some([crossing, fees]) if is_own_possible => {
                Some(held(crossing.plus(fees).and_then(|sum| sum.times(quantity)), TEXT)?)
            }
            _ => None,
        };
        if want.opens {
            let product = self.book.contracts[taken.contract].of.product;
            // What its own account had kept free for it is free again.
            *self.rooms.entry((want.account, product)).or_default() += taken.stands_for;
            *self.rooms.entry((taken.account, product)).or_default() -= taken.lots;
        }
        self.left[taken.at] -= want.lots.signum() * taken.stands_for;
        self.all.push(Proposal {
            id: String::new(),
            group: group(self.book, want),
            want: taken.at,
            way,
            stands_for: taken.stands_for,
            contract: taken.contract,
            account: taken.account,
            lots: want.lots.signum() * taken.lots,
            quantity,
            price: taken.price,
            cost: self.cost(quantity, parts)?,
            alone,
            approval: Approval::Person,
        });
        Ok(())
    }
}

/// An account that could have a contract, and the room in it.
#[derive(Clone, Copy)]
struct Room {
    account: usize,
    lots: i64,
    /// It is the account of who wants: what a proposal stands for is free there.
    is_own: bool,
}

/// Lots that a proposal takes.
struct Taken {
    at: usize,
    contract: usize,
    account: usize,
    lots: i64,
    stands_for: i64,
    price: Rational,
}

fn compare(one: Rational, other: Rational) -> std::cmp::Ordering {
    match (one.is_below(other), other.is_below(one)) {
        (true, _) => std::cmp::Ordering::Less,
        (_, true) => std::cmp::Ordering::Greater,
        _ => std::cmp::Ordering::Equal,
    }
}

/// Holds back what could meet at a market: of one owner, and of one group.
fn hold_back(book: &Book, plan: &Plan, all: &mut [Proposal]) {
    let owner = |row: &Proposal| &book.clients[book.accounts[row.account].client].owner;
    let mut sides: BTreeMap<(bool, &str, usize), [i64; 2]> = BTreeMap::new();
    let keys = |row: &Proposal| {
        let group = book.groups[row.group].name.as_str();
        [(false, owner(row).as_str(), row.contract), (true, group, row.contract)]
    };
    let is_sent = |row: &Proposal| !matches!(row.way, Way::Offset(_));
    for row in all.iter().filter(|row| is_sent(row)) {
        let weight = row.lots.abs() * (i64::from(plan.wants.wants[row.want].urgency) + 1);
        for key in keys(row) {
            sides.entry(key).or_default()[usize::from(row.lots > 0)] += weight;
        }
    }
    for row in all.iter_mut().filter(|row| is_sent(row)) {
        let loses = |key| {
            let of: [i64; 2] = sides.get(&key).copied().unwrap_or_default();
            let (own, other) = (of[usize::from(row.lots > 0)], of[usize::from(row.lots < 0)]);
            other > 0 && own <= other
        };
        if keys(row).into_iter().any(loses) {
            row.approval = Approval::Held;
        }
    }
}

/// Lets the rule of each policy approve what fits it, in order, for each group by itself.
fn approve(book: &Book, all: &mut [Proposal]) {
    let mut used: BTreeMap<(usize, usize), (Rational, i64)> = BTreeMap::new();
    for row in all.iter_mut().filter(|row| row.approval != Approval::Held) {
        let Some(policy) = book.policy(row.contract) else { continue };
        let (cost, lots) = used.entry((row.group, policy.product)).or_default();
        // What earns does not pay for what costs.
        let earns = row.cost.total.is_negative();
        let own = if earns { Rational::ZERO } else { row.cost.total };
        let Some(sum) = cost.plus(own) else { continue };
        let many = lots.saturating_add(row.lots.abs());
        if !policy.max_cost.is_below(sum) && many <= policy.max_lots {
            (*cost, *lots) = (sum, many);
            row.approval = Approval::ByRule;
        }
    }
}

/// A hash of everything that is approved with a proposal.
fn identity(book: &Book, plan: &Plan, row: &Proposal) -> String {
    let want = &plan.wants.wants[row.want];
    let way = match row.way {
        Way::Offset(other) => format!("offset {}", plan.wants.wants[other].name),
        Way::Market => "market".to_owned(),
        Way::Elsewhere => "elsewhere".to_owned(),
    };
    let exact = |value: Rational| {
        let (numerator, denominator) = value.parts();
        format!("{numerator}/{denominator}")
    };
    let fields = [
        book.now.to_string(),
        book.groups[row.group].name.clone(),
        want.name.clone(),
        want.by.clone(),
        book.strategies[want.strategy].clone(),
        way,
        book.accounts[row.account].name.clone(),
        book.contracts[row.contract].of.name.clone(),
        row.lots.to_string(),
        row.stands_for.to_string(),
        exact(row.price),
        exact(row.cost.total),
    ];
    let hash = Sha256::digest(fields.join("\n"));
    crate::hex::show(hash.as_slice().get(..8).unwrap_or_default())
}

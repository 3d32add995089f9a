//! How accounts stand: now, and at worst.
//!
//! The worst case takes every order that is live or unknown for filled where that costs something:
//! those that open add their margin, those that close release none, fills lose what their limit is
//! worse than the price by and gain nothing, and all pay their fees. Every named shock is then
//! taken, both of price and of currency, with margins that include this house's reserve; the shock
//! that leaves the highest utilisation is the worst.

use super::book::{Book, Effect, Order, Side};
use super::margin::{self, Parts, Sides};
use crate::config::capital::{Capital, Fees, Holding, MarginPrice, OpenProfit, Shock, Unit};
use rust_decimal::Decimal;

/// What has happened to prices and rates since the book was made.
#[derive(Clone, Copy, Debug)]
pub struct Moved<'s> {
    /// Prices, by underlying, and rates of currencies.
    pub shock: Option<&'s Shock>,
    /// Every price, by this fraction more.
    pub by: Decimal,
}

impl Moved<'_> {
    /// Nothing.
    pub const NONE: Self = Self { shock: None, by: Decimal::ZERO };

    /// What a contract's price has become.
    #[must_use]
    pub fn price(&self, terms: &Capital, book: &Book, contract: usize) -> Decimal {
        let own = self
            .shock
            .map_or(Decimal::ZERO, |shock| shock.of(&terms.contracts[contract].underlying));
        let price = book.prices[contract];
        price + price.abs() * (own + self.by)
    }

    /// What money of one currency is worth in another.
    fn rate(&self, terms: &Capital, book: &Book, from: &str, to: &str) -> Decimal {
        let fx = self.shock.map_or(Decimal::ZERO, |shock| shock.fx);
        let moved = |currency: &str| match currency == terms.currency {
            true => Decimal::ONE,
            false => Decimal::ONE + fx,
        };
        book.rate(terms, from, to) * moved(from) / moved(to)
    }
}

/// A case, and what it leaves of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// The shock's place in the terms; `None`: prices stay.
    pub shock: Option<usize>,
    /// Equity that carries margin.
    pub equity: Decimal,
    /// Margin asked for.
    pub used: Decimal,
}

impl Case {
    /// Margin as a fraction of equity; `None` if nothing carries it.
    #[must_use]
    pub fn utilisation(&self) -> Option<Decimal> {
        utilisation(self.used, self.equity)
    }
}

/// Margin as a fraction of equity; `None` if there is margin and no equity.
#[must_use]
pub fn utilisation(used: Decimal, equity: Decimal) -> Option<Decimal> {
    match (used.is_zero(), equity > Decimal::ZERO) {
        (true, _) => Some(Decimal::ZERO),
        (false, true) => Some(used / equity),
        (false, false) => None,
    }
}

/// How an account stands, in its currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stand {
    /// The account's place in the terms.
    pub account: usize,
    /// Money and open profit.
    pub equity: Decimal,
    /// What of it carries margin.
    pub counted: Decimal,
    /// Profit or loss since the last settlement of what is held.
    pub open_profit: Decimal,
    /// Margin used.
    pub used: Decimal,
    /// Held back by the broker.
    pub frozen: Decimal,
    /// What is left.
    pub available: Decimal,
    /// What could be paid out: settled money, and no more than what is left.
    pub withdrawable: Decimal,
    /// Used of counted; `None` if nothing carries the margin.
    pub utilisation: Option<Decimal>,
    /// The worst case.
    pub worst: Case,
}

/// All accounts in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// By account.
    pub stands: Vec<Stand>,
    /// Equity of all of them, in the view's currency.
    pub equity: Decimal,
    /// Margin used by all of them.
    pub used: Decimal,
    /// Money in pools.
    pub pools: Decimal,
}

impl View {
    /// How everything stands.
    #[must_use]
    pub fn of(terms: &Capital, book: &Book) -> Self {
        let stands: Vec<_> = (0..terms.accounts.len()).map(|at| stand(terms, book, at)).collect();
        let view = |at: &str| book.rate(terms, at, &terms.currency);
        let sum = |of: fn(&Stand) -> Decimal| {
            let worth = |stand: &Stand| of(stand) * view(&terms.accounts[stand.account].currency);
            stands.iter().map(worth).sum()
        };
        let (equity, used) = (sum(|stand| stand.equity), sum(|stand| stand.used));
        let pools = terms.pools.iter().zip(&book.pools);
        let pools = pools.map(|(pool, money)| money * view(&pool.currency)).sum();
        Self { equity, used, pools, stands }
    }
}

/// How an account stands.
#[must_use]
pub fn stand(terms: &Capital, book: &Book, account: usize) -> Stand {
    let balance = &book.balances[account];
    let equity = equity(terms, book, account, &Moved::NONE);
    let open_profit = equity - balance.cash();
    let counted = counted(terms, book, account, &Moved::NONE);
    let used = margin::used(terms, book, account);
    let available = counted - used - balance.frozen;
    // Profit that is not settled cannot be paid out, wherever it is.
    let losses = profits(terms, book, account, &Moved::NONE).into_iter();
    let losses: Decimal = losses.map(|profit| profit.min(Decimal::ZERO)).sum();
    let settled = balance.cash() + losses - used - balance.frozen;
    Stand {
        account,
        equity,
        counted,
        open_profit,
        used,
        frozen: balance.frozen,
        available,
        withdrawable: available.min(settled).max(Decimal::ZERO),
        utilisation: utilisation(used, counted),
        worst: worst(terms, book, account, &[]),
    }
}

/// Money and open profit of an account when prices have moved, in its currency.
#[must_use]
pub fn equity(terms: &Capital, book: &Book, account: usize, moved: &Moved<'_>) -> Decimal {
    book.balances[account].cash() + profits(terms, book, account, moved).iter().sum::<Decimal>()
}

/// What of that carries margin.
#[must_use]
pub fn counted(terms: &Capital, book: &Book, account: usize, moved: &Moved<'_>) -> Decimal {
    let profits = profits(terms, book, account, moved).into_iter();
    let profit: Decimal = match terms.accounts[account].open_profit {
        OpenProfit::Counts => profits.sum(),
        // One by one: closing what has lost takes the loss and leaves the profit unsettled.
        OpenProfit::LossesOnly => profits.map(|profit| profit.min(Decimal::ZERO)).sum(),
    };
    book.balances[account].cash() + profit
}

/// Open profit of each position of an account, in its currency.
fn profits(terms: &Capital, book: &Book, account: usize, moved: &Moved<'_>) -> Vec<Decimal> {
    let own = &terms.accounts[account];
    let rows = book.positions.iter().filter(|row| row.account == account);
    rows.map(|row| {
        let contract = &terms.contracts[row.contract];
        let gained = moved.price(terms, book, row.contract) - row.reference;
        let rate = moved.rate(terms, book, &contract.currency, &own.currency);
        contract.value(gained) * row.side.sign() * Decimal::from(row.lots) * rate
    })
    .collect()
}

/// The worst case of an account, with `more` orders besides those of the book.
#[must_use]
pub fn worst(terms: &Capital, book: &Book, account: usize, more: &[Order]) -> Case {
    let still = case(terms, book, account, more, None);
    let shocked = (0..terms.shocks.len()).map(|at| case(terms, book, account, more, Some(at)));
    shocked.fold(still, |worst, next| if is_worse(&next, &worst) { next } else { worst })
}

/// Whether a case leaves a higher utilisation.
fn is_worse(one: &Case, other: &Case) -> bool {
    match (one.utilisation(), other.utilisation()) {
        (Some(one), Some(other)) => one > other,
        (None, Some(_)) => true,
        (Some(_), None) => false,
        // Nothing carries either: the one that lacks more.
        (None, None) => one.equity - one.used < other.equity - other.used,
    }
}

/// What a shock leaves of an account.
#[must_use]
pub fn case(
    terms: &Capital,
    book: &Book,
    account: usize,
    more: &[Order],
    shock: Option<usize>,
) -> Case {
    let moved = Moved { shock: shock.map(|at| &terms.shocks[at]), by: Decimal::ZERO };
    let own = &terms.accounts[account];
    let all = book.orders.iter().chain(more).filter(|order| order.account == account);
    let orders: Vec<_> = all.copied().collect();
    let mut equity = counted(terms, book, account, &moved);
    for order in &orders {
        let contract = &terms.contracts[order.contract];
        let price = moved.price(terms, book, order.contract);
        let lost = if order.buys() { price - order.price } else { order.price - price };
        let rate = moved.rate(terms, book, &contract.currency, &own.currency);
        let lots = Decimal::from(order.lots);
        equity += contract.value(lost.min(Decimal::ZERO)) * lots * rate;
        equity -= fee(&contract.fees, order.effect, contract.value(order.price)) * lots * rate;
    }
    let all = sides(terms, book, account, (&moved, &orders), Parts::Stressed);
    Case { shock, equity, used: margin::charge(terms, account, book.day, &all) }
}

/// What an account is when every price has moved by a fraction, and no order is filled.
#[must_use]
pub fn moved_by(terms: &Capital, book: &Book, account: usize, by: Decimal) -> Case {
    let moved = Moved { shock: None, by };
    let all = sides(terms, book, account, (&moved, &[]), Parts::Broker);
    let equity = counted(terms, book, account, &moved);
    Case { shock: None, equity, used: margin::charge(terms, account, book.day, &all) }
}

/// What an order pays for a lot of this value, in the contract's currency.
#[must_use]
pub fn fee(fees: &Fees, effect: Effect, value: Decimal) -> Decimal {
    let rate = match effect {
        Effect::Open => fees.open,
        Effect::Close => fees.close,
        Effect::CloseToday => fees.close_today,
    };
    match fees.unit {
        Unit::Value => value.abs() * rate,
        Unit::Lot => rate,
    }
}

/// What is asked for by contract when orders are filled and prices have moved.
fn sides(
    terms: &Capital,
    book: &Book,
    account: usize,
    (moved, orders): (&Moved<'_>, &[Order]),
    parts: Parts,
) -> Vec<Sides> {
    let own = &terms.accounts[account];
    let lot = |contract: usize, side: Side, is_hedge: bool, reference: Decimal| {
        let now = moved.price(terms, book, contract);
        let price = match own.margin_price {
            MarginPrice::Last => now,
            // After the next settlement it is the price of then.
            MarginPrice::Reference => now.max(reference),
        };
        let of = &terms.contracts[contract];
        let rate = moved.rate(terms, book, &of.currency, &own.currency);
        margin::of_lot(of, (side, is_hedge), price, book.day, parts) * rate
    };
    let mut all = Vec::new();
    // Of a net account: lots by contract and flag as they are, and all that is bought and sold.
    let mut net: Vec<(usize, bool, [i64; 3])> = Vec::new();
    let mut note = |contract: usize, is_hedge: bool, which: usize, lots: i64| {
        let known = net.iter_mut().find(|(of, hedge, _)| (*of, *hedge) == (contract, is_hedge));
        match known {
            Some((.., counts)) => counts[which] += lots,
            None => {
                let mut counts = [0; 3];
                counts[which] = lots;
                net.push((contract, is_hedge, counts));
            }
        }
    };
    for row in book.positions.iter().filter(|row| row.account == account) {
        if own.holding == Holding::Net {
            let lots = if row.side == Side::Long { 1 } else { -1 } * i64::from(row.lots);
            note(row.contract, row.is_hedge, 0, lots);
            continue;
        }
        let money = lot(row.contract, row.side, row.is_hedge, row.reference);
        let money = money * Decimal::from(row.lots);
        margin::add(&mut all, row.contract, row.is_hedge, row.side, money);
    }
    for order in orders {
        if own.holding == Holding::Net {
            let which = if order.buys() { 1 } else { 2 };
            note(order.contract, order.is_hedge, which, i64::from(order.lots));
        } else if order.effect == Effect::Open {
            let money = lot(order.contract, order.side, order.is_hedge, order.price);
            let money = money * Decimal::from(order.lots);
            margin::add(&mut all, order.contract, order.is_hedge, order.side, money);
        }
    }
    for (contract, is_hedge, [held, bought, sold]) in net {
        // Either all that buys is filled, or all that sells.
        for (side, lots) in [(Side::Long, held + bought), (Side::Short, sold - held)] {
            let lots = Decimal::from(lots.max(0));
            let money = lot(contract, side, is_hedge, book.prices[contract]) * lots;
            margin::add(&mut all, contract, is_hedge, side, money);
        }
    }
    all
}

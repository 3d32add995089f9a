//! One path: prices, brokers, the bank, and how the money is run.

use super::market::{Hours, Market};
use crate::capital::book::{Book, Side};
use crate::capital::margin::{self, Parts};
use crate::capital::route;
use crate::capital::stand::{Moved, View, equity};
use crate::capital::transfer::{SimulatedBank, Status, Troubles};
use crate::config::capital::{Border, Capital, Fees, Holder, OpenProfit, Paths, Unit};
use jiff::civil::Weekday;
use jiff::{SignedDuration, Timestamp, ToSpan};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// What goes wrong with simulated transfers: one of a hundred fails, one of twenty is late by up
/// to a day. Made up.
const TROUBLES: Troubles = Troubles { fails: 0.01, late: 0.05, late_minutes: 24 };
/// What is left of a position after a forced liquidation.
const LIQUIDATED: f64 = 0.5;
/// The hours of a day at which positions grow back.
const GROWS_AT: [usize; 2] = [10, 22];
/// Less than this of all capital is not worth a form.
const LEAST_TRANSFER: f64 = 0.002;
/// Growth below this is not worth its fees.
const LEAST_GROWTH: f64 = 1.005;

/// How the money is run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Policy {
    /// Utilisation that is aimed at.
    pub operate: f64,
    /// Money goes between accounts as it is needed.
    pub is_pooled: bool,
}

struct Account {
    border: Border,
    /// Units of the view's currency for one, at the start.
    worth: f64,
    is_foreign: bool,
    losses_only: bool,
    grace_hours: u32,
}

struct Leg {
    account: usize,
    underlying: usize,
    /// Signed worth in the account's currency, at the book's prices and lots.
    worth: f64,
    /// Margin at the book's prices and lots.
    margin: f64,
    /// The same without the broker's part.
    exchange: f64,
    is_by_value: bool,
    /// Fees of opening or closing, as a fraction of worth.
    fee: f64,
}

/// The fastest way from one account to another, leaving at some hour.
#[derive(Clone, Copy)]
struct Way {
    arrives: i64,
    /// All in the view's currency.
    most: f64,
    fee: f64,
    fraction: f64,
}

/// What all paths have in common.
pub struct World {
    paths: Paths,
    accounts: Vec<Account>,
    legs: Vec<Leg>,
    /// All equity and all pools, in the view's currency.
    capital: f64,
    /// By hour, from account, to account.
    ways: Vec<Option<Way>>,
    hours: usize,
}

/// What came of one path.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Mean over hours.
    pub utilisation: f64,
    /// Broker's calls.
    pub calls: u64,
    /// Calls not met.
    pub breaches: u64,
    /// Forced liquidations.
    pub liquidations: u64,
    /// Times that pairs were reduced.
    pub reductions: u64,
    /// Transfers sent.
    pub transfers: u64,
    /// Failed.
    pub failed: u64,
    /// Late.
    pub late: u64,
    /// Transfers and trading, of all capital, by year.
    pub cost_a_year: f64,
    /// The largest move of one hour.
    pub largest_move: f64,
}

fn float(value: Decimal) -> f64 {
    value.to_f64().unwrap_or(0.0)
}

impl World {
    /// The world of a book; `None` if the terms have no `[paths]`, or nothing is held.
    #[must_use]
    pub fn new(terms: &Capital, book: &Book) -> Option<Self> {
        let paths = terms.paths.clone()?;
        let view = View::of(terms, book);
        let accounts: Vec<_> = terms
            .accounts
            .iter()
            .map(|account| Account {
                border: account.border,
                worth: float(book.rate(terms, &account.currency, &terms.currency)),
                is_foreign: account.currency != terms.currency,
                losses_only: account.open_profit == OpenProfit::LossesOnly,
                grace_hours: account.grace_minutes.div_ceil(60),
            })
            .collect();
        let legs: Vec<_> = book
            .positions
            .iter()
            .filter_map(|row| {
                let contract = &terms.contracts[row.contract];
                let own = &terms.accounts[row.account];
                let rate = book.rate(terms, &contract.currency, &own.currency);
                let lots = Decimal::from(row.lots) * rate;
                let price = Moved::NONE.price(terms, book, row.contract);
                let lot = |parts| {
                    let of = (row.side, row.is_hedge);
                    float(margin::of_lot(contract, of, price, book.day, parts) * lots)
                };
                let walks = &paths.walks;
                let worth = contract.value(price) * lots;
                let sign = if row.side == Side::Long { 1.0 } else { -1.0 };
                Some(Leg {
                    account: row.account,
                    underlying: walks.iter().position(|of| of.underlying == contract.underlying)?,
                    worth: float(worth) * sign,
                    margin: lot(Parts::Broker),
                    exchange: lot(Parts::Exchange),
                    is_by_value: margin::of(contract, row.is_hedge).unit == Unit::Value,
                    fee: float(fee(&contract.fees, contract.value(price))),
                })
            })
            .collect();
        let equity: Decimal = (0..terms.accounts.len())
            .map(|at| {
                let worth = book.rate(terms, &terms.accounts[at].currency, &terms.currency);
                equity(terms, book, at, &Moved::NONE) * worth
            })
            .sum();
        let hours = paths.days as usize * 24;
        let ways = ways(terms, book, hours)?;
        let capital = float(equity + view.pools);
        let is_held = legs.iter().any(|leg| leg.margin > 0.0) && capital > 0.0;
        is_held.then_some(Self { paths, accounts, legs, capital, ways, hours })
    }

    /// All capital, in the view's currency.
    #[must_use]
    pub fn capital(&self) -> f64 {
        self.capital
    }

    fn way(&self, hour: usize, from: usize, to: usize) -> Option<Way> {
        let count = self.accounts.len();
        self.ways[(hour * count + from) * count + to]
    }
}

/// Fees as a fraction of a lot's worth, opening and closing alike.
fn fee(fees: &Fees, worth: Decimal) -> Decimal {
    let mean = (fees.open + fees.close) / Decimal::TWO;
    match fees.unit {
        Unit::Value => mean,
        Unit::Lot if worth.is_zero() => Decimal::ZERO,
        Unit::Lot => mean / worth.abs(),
    }
}

/// The fastest way between all accounts at every hour.
fn ways(terms: &Capital, book: &Book, hours: usize) -> Option<Vec<Option<Way>>> {
    // The Monday after the book, in Shanghai: what hours are counted from.
    let zone = jiff::tz::TimeZoneDatabase::bundled().get("Asia/Shanghai").ok()?;
    let monday = book.at.to_zoned(zone.clone()).date();
    let monday = monday.nth_weekday(1, Weekday::Monday).ok()?;
    let start = monday.at(0, 0, 0, 0).to_zoned(zone).ok()?.timestamp();
    let at = |hour: usize| start.checked_add(i64::try_from(hour).unwrap_or(0).hours()).ok();
    let count = terms.accounts.len();
    let node = |holder: Holder| match holder {
        Holder::Account(at) => at,
        Holder::Pool(at) => count + at,
        Holder::Nowhere => usize::MAX,
    };
    let nodes = count + terms.pools.len();
    // Of each route and hour: the hour at which money is there.
    let mut arrives = Vec::new();
    for route in &terms.routes {
        let of: Vec<Option<usize>> = (0..=hours)
            .map(|hour| {
                let there = route::times(route, at(hour)?)?.arrives;
                Some(hours_between(start, there))
            })
            .collect();
        arrives.push(of);
    }
    let worths: Vec<_> = terms
        .routes
        .iter()
        .map(|route| float(book.rate(terms, terms.holder_currency(route.from), &terms.currency)))
        .collect();
    let mut ways = vec![None; hours * count * count];
    for hour in 0..hours {
        for from in 0..count {
            let mut known: Vec<Option<Way>> = vec![None; nodes];
            let most = f64::INFINITY;
            let arrived = i64::try_from(hour).unwrap_or(0);
            known[from] = Some(Way { arrives: arrived, most, fee: 0.0, fraction: 0.0 });
            for _ in 0..nodes {
                for (at, route) in terms.routes.iter().enumerate() {
                    let Some(so_far) = known[node(route.from)] else { continue };
                    let leaves = usize::try_from(so_far.arrives).unwrap_or(0);
                    let Some(there) = arrives[at].get(leaves).copied().flatten() else { continue };
                    let there = i64::try_from(there).unwrap_or(i64::MAX);
                    let to = &mut known[node(route.to)];
                    if to.is_none_or(|to| there < to.arrives) {
                        *to = Some(Way {
                            arrives: there,
                            most: so_far.most.min(float(route.limit) * worths[at]),
                            fee: so_far.fee + float(route.fee) * worths[at],
                            fraction: so_far.fraction + float(route.cost_fraction),
                        });
                    }
                }
            }
            for to in (0..count).filter(|to| *to != from) {
                ways[(hour * count + from) * count + to] = known[to];
            }
        }
    }
    Some(ways)
}

/// Whole hours from the start, rounded up.
fn hours_between(start: Timestamp, end: Timestamp) -> usize {
    let seconds = end.duration_since(start).max(SignedDuration::ZERO).as_secs();
    usize::try_from((seconds + 3_599) / 3_600).unwrap_or(usize::MAX)
}

/// A path under way.
struct Path<'w> {
    world: &'w World,
    policy: Policy,
    call: f64,
    pair_off: f64,
    market: Market,
    bank: SimulatedBank<f64>,
    /// By underlying: positions as multiples of the book's.
    scales: Vec<f64>,
    /// By account, in its currency.
    equity: Vec<f64>,
    /// What was there at the last settlement, with what was moved since then.
    settled: Vec<f64>,
    /// Trading hours that a call has stood.
    called: Vec<Option<u32>>,
    /// On the way, in the view's currency.
    under_way: f64,
    paid: f64,
    outcome: Outcome,
}

/// Plays one path.
#[must_use]
pub fn play(world: &World, policy: Policy, seed: u64) -> Outcome {
    let mut path = Path::new(world, policy, seed);
    let mut sum = 0.0;
    for hour in 0..world.hours {
        sum += path.hour(hour);
    }
    let years = f64::from(world.paths.days) / 365.0;
    path.outcome.utilisation = sum / world.hours as f64;
    path.outcome.cost_a_year = path.paid / world.capital / years;
    path.outcome
}

impl<'w> Path<'w> {
    fn new(world: &'w World, policy: Policy, seed: u64) -> Self {
        let count = world.accounts.len();
        // Distances between the levels are those of the file, wherever the policy operates.
        let above = |level: Decimal| policy.operate + float(level - world.paths.operate);
        let mut path = Self {
            world,
            policy,
            call: above(world.paths.call),
            pair_off: above(world.paths.pair_off),
            market: Market::new(&world.paths, seed),
            bank: SimulatedBank::new(seed ^ 0xB4_4C, TROUBLES),
            scales: vec![1.0; world.paths.walks.len()],
            equity: vec![0.0; count],
            settled: vec![0.0; count],
            called: vec![None; count],
            under_way: 0.0,
            paid: 0.0,
            outcome: Outcome::default(),
        };
        let margins = path.margins();
        let all: f64 = margins.iter().enumerate().map(|(at, money)| money * path.worth(at)).sum();
        let scale = policy.operate * world.capital / all;
        path.scales.fill(scale);
        path.spread(world.capital);
        path
    }

    /// Units of the view's currency for one of an account's.
    fn worth(&self, account: usize) -> f64 {
        let of = &self.world.accounts[account];
        if of.is_foreign { of.worth * self.market.fx } else { of.worth }
    }

    fn price(&self, leg: &Leg) -> f64 {
        match self.world.accounts[leg.account].border {
            Border::Domestic => self.market.domestic[leg.underlying],
            Border::Overseas => self.market.overseas[leg.underlying],
        }
    }

    /// Margin of a leg as it stands.
    fn margin(&self, leg: &Leg, at_start: f64) -> f64 {
        let price = if leg.is_by_value { self.price(leg) } else { 1.0 };
        at_start * self.scales[leg.underlying] * price
    }

    fn margins(&self) -> Vec<f64> {
        let mut margins = vec![0.0; self.equity.len()];
        for leg in &self.world.legs {
            margins[leg.account] += self.margin(leg, leg.margin);
        }
        margins
    }

    /// Equity that carries margin.
    fn counted(&self, account: usize) -> f64 {
        match self.world.accounts[account].losses_only {
            true => self.equity[account].min(self.settled[account]),
            false => self.equity[account],
        }
    }

    /// Divides money (of the view's currency) over accounts as their margins are.
    fn spread(&mut self, money: f64) {
        let margins = self.margins();
        let all: f64 = margins.iter().enumerate().map(|(at, of)| of * self.worth(at)).sum();
        for (at, margin) in margins.iter().enumerate() {
            self.equity[at] = if all > 0.0 { money * margin / all } else { 0.0 };
            self.settled[at] = self.equity[at];
        }
    }

    /// One hour; its utilisation.
    fn hour(&mut self, hour: usize) -> f64 {
        let hours = Hours::of(hour);
        let before: Vec<_> = self.world.legs.iter().map(|leg| self.price(leg)).collect();
        self.market.step(hours);
        for (leg, before) in self.world.legs.iter().zip(before) {
            let moved = self.price(leg) - before;
            self.equity[leg.account] += leg.worth * self.scales[leg.underlying] * moved;
            let size = (moved / before).abs();
            self.outcome.largest_move = self.outcome.largest_move.max(size);
        }
        self.settle_transfers(hour);
        for (at, account) in self.world.accounts.iter().enumerate() {
            let settles = match account.border {
                Border::Domestic => hours.settles,
                Border::Overseas => hours.settles_overseas,
            };
            if settles {
                self.settled[at] = self.equity[at];
            }
        }
        self.brokers(hours);
        if hours.domestic && hours.overseas {
            self.pair_off();
        }
        if self.policy.is_pooled {
            self.send(hour);
        }
        self.cured();
        if GROWS_AT.contains(&(hour % 24)) && hours.domestic && hours.overseas {
            let every = self.world.paths.siloed_every_days as usize;
            let is_day = (hour / 24).is_multiple_of(every) && hour % 24 == GROWS_AT[0];
            if !self.policy.is_pooled && is_day {
                let all = self.all_money();
                self.spread(all);
            }
            self.grow();
        }
        let used = self.margins();
        let used: f64 = used.iter().enumerate().map(|(at, money)| money * self.worth(at)).sum();
        used / self.all_money()
    }

    fn all_money(&self) -> f64 {
        let accounts = self.equity.iter().enumerate();
        accounts.map(|(at, money)| money * self.worth(at)).sum::<f64>() + self.under_way
    }

    fn settle_transfers(&mut self, hour: usize) {
        let mut events = Vec::new();
        let now = i64::try_from(hour).unwrap_or(i64::MAX);
        self.bank.advance(now, |_, transfer| events.push(*transfer));
        for transfer in events {
            let to = match transfer.status {
                Status::Arrived => transfer.to,
                Status::Failed => {
                    self.outcome.failed += 1;
                    transfer.from
                }
                Status::Late => {
                    self.outcome.late += 1;
                    continue;
                }
                Status::Requested | Status::Approved | Status::Sent => continue,
            };
            let money = transfer.amount / self.worth(to);
            self.equity[to] += money;
            self.settled[to] += money;
            self.under_way -= transfer.amount;
        }
    }

    /// Brokers call, wait for their grace, and liquidate.
    fn brokers(&mut self, hours: Hours) {
        let margins = self.margins();
        let floor = float(self.world.paths.floor);
        for (at, margin) in margins.into_iter().enumerate() {
            let counted = self.counted(at);
            if counted >= margin {
                self.called[at] = None;
                continue;
            }
            let is_open = match self.world.accounts[at].border {
                Border::Domestic => hours.domestic,
                Border::Overseas => hours.overseas,
            };
            let stood = match self.called[at] {
                None => {
                    self.outcome.calls += 1;
                    0
                }
                Some(stood) => stood + u32::from(is_open),
            };
            self.called[at] = Some(stood);
            let is_late = stood > self.world.accounts[at].grace_hours;
            let exchange: f64 = self
                .world
                .legs
                .iter()
                .filter(|leg| leg.account == at)
                .map(|leg| self.margin(leg, leg.exchange))
                .sum();
            if is_late || counted < floor * exchange {
                self.outcome.breaches += u64::from(is_late);
                self.outcome.liquidations += 1;
                self.called[at] = None;
                for underlying in 0..self.scales.len() {
                    let is_held = |leg: &Leg| leg.account == at && leg.underlying == underlying;
                    if self.world.legs.iter().any(is_held) {
                        self.scale(underlying, LIQUIDATED);
                    }
                }
            }
        }
    }

    /// A call that has been met is over; the next one has its own grace.
    fn cured(&mut self) {
        for (at, margin) in self.margins().into_iter().enumerate() {
            if self.counted(at) >= margin {
                self.called[at] = None;
            }
        }
    }

    /// Multiplies all legs of an underlying; their fees are paid.
    fn scale(&mut self, underlying: usize, by: f64) {
        let world = self.world;
        for leg in world.legs.iter().filter(|leg| leg.underlying == underlying) {
            let worth = leg.worth.abs() * self.scales[underlying] * self.price(leg);
            let fee = worth * (by - 1.0).abs() * leg.fee;
            self.equity[leg.account] -= fee;
            self.paid += fee * self.worth(leg.account);
        }
        self.scales[underlying] *= by;
    }

    /// Reduces both legs of what takes the most margin where an account is too far up.
    fn pair_off(&mut self) {
        let reduced = f64::midpoint(self.call, self.pair_off);
        for at in 0..self.equity.len() {
            for _ in 0..self.scales.len() {
                let margins = self.margins();
                let counted = self.counted(at).max(0.0);
                if margins[at] <= self.pair_off * counted {
                    break;
                }
                let mut by_underlying = vec![0.0; self.scales.len()];
                for leg in self.world.legs.iter().filter(|leg| leg.account == at) {
                    by_underlying[leg.underlying] += self.margin(leg, leg.margin);
                }
                let largest = (0..by_underlying.len())
                    .max_by(|one, other| by_underlying[*one].total_cmp(&by_underlying[*other]));
                let Some(largest) = largest.filter(|at| by_underlying[*at] > 0.0) else { break };
                let rest = margins[at] - by_underlying[largest];
                let by = (reduced * counted - rest) / by_underlying[largest];
                self.scale(largest, by.clamp(0.0, 1.0));
                self.outcome.reductions += 1;
            }
        }
    }

    /// Calls for money where an account is above the level, from those that have the most to spare.
    fn send(&mut self, hour: usize) {
        let margins = self.margins();
        let count = self.equity.len();
        let mut coming = vec![0.0; count];
        for transfer in self.bank.open() {
            coming[transfer.to] += transfer.amount / self.worth(transfer.to);
        }
        let used: f64 = (0..count).map(|at| margins[at] * self.worth(at)).sum();
        // What every account would stand at if money could be everywhere at once.
        let target = used / self.all_money();
        for to in 0..count {
            let has = self.counted(to) + coming[to];
            if margins[to] <= (target + self.call - self.policy.operate) * has {
                continue;
            }
            let mut wanted = (margins[to] / target - has) * self.worth(to);
            let mut sources: Vec<_> = (0..count)
                .filter_map(|from| {
                    let way = self.world.way(hour, from, to)?;
                    // What is on its way to it may fail: it gives of what it has.
                    let has = self.counted(from);
                    let paid_out = has.min(self.settled[from]);
                    let spare = (has - margins[from] / target).min(paid_out - margins[from]);
                    let spare = (spare * self.worth(from) - way.fee) / (1.0 + way.fraction);
                    (spare > 0.0).then_some((way.arrives, from, way, spare))
                })
                .collect();
            sources.sort_by_key(|(arrives, from, ..)| (*arrives, *from));
            for (arrives, from, way, spare) in sources {
                let amount = wanted.min(spare).min(way.most);
                if amount < self.world.capital * LEAST_TRANSFER {
                    continue;
                }
                let now = i64::try_from(hour).unwrap_or(i64::MAX);
                let id = self.bank.request((from, to), amount, (now, arrives));
                // Approval is taken for given here: what it takes is in the route's time.
                if self.bank.approve(id).is_err() {
                    continue;
                }
                let cost = way.fee + amount * way.fraction;
                let money = (amount + cost) / self.worth(from);
                self.equity[from] -= money;
                self.settled[from] -= money;
                self.paid += cost;
                self.under_way += amount;
                self.outcome.transfers += 1;
                wanted -= amount;
                coming[to] += amount / self.worth(to);
                if wanted <= 0.0 {
                    break;
                }
            }
        }
    }

    /// Pairs grow back to what every account of theirs carries, and all capital together.
    fn grow(&mut self) {
        for underlying in 0..self.scales.len() {
            let margins = self.margins();
            let used: f64 = (0..margins.len()).map(|at| margins[at] * self.worth(at)).sum();
            let mut by = self.policy.operate * self.all_money() / used;
            for leg in self.world.legs.iter().filter(|leg| leg.underlying == underlying) {
                let at = leg.account;
                by = by.min(self.policy.operate * self.counted(at) / margins[at]);
            }
            if by.is_finite() && by > LEAST_GROWTH {
                self.scale(underlying, by);
            }
        }
    }
}

//! Counts by exchange, contract and account group. Plain counting: events and times go in.

use super::day::Day;
use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};
use xmc_hotpath::message::{OrderAction, Side};
use xmc_hotpath::time::UnixNs;

const SECOND_NS: u64 = 1_000_000_000;
const MINUTE_NS: u64 = 60 * SECOND_NS;
/// What the present rate is the rate of.
pub const RATE_MINUTES: usize = 15;
/// Fills that the other side of a trade with oneself is looked for among.
const RECENT: usize = 64;

/// What is counted apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Of {
    /// The exchange, by the name of its `[[venue]]`.
    pub exchange: String,
    /// The contract, as the exchange calls it; `None`: all of them.
    pub contract: Option<String>,
    /// The account group.
    pub group: String,
}

/// Counts of a trading day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// New orders.
    pub orders: u64,
    /// Cancels asked for.
    pub cancels: u64,
    /// Changes asked for.
    pub replaces: u64,
    /// Orders with a fill.
    pub filled_orders: u64,
    /// Trades that may be with oneself.
    pub self_trades: u64,
}

impl Totals {
    /// Everything that was sent.
    #[must_use]
    pub const fn messages(&self) -> u64 {
        self.orders + self.cancels + self.replaces
    }
}

/// A fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// Bought or sold.
    pub side: Side,
    /// At which price.
    pub price_e9: i64,
    /// Lots.
    pub lots: u32,
    /// The venue's id of it; 0 if it has none.
    pub exec_id: u64,
    /// The venue's time of it; 0 if it has none.
    pub exchange: UnixNs,
    /// It is the first of its order.
    pub is_first: bool,
}

/// Two sides of one trade, as far as anybody can tell from here: bought and sold at one price, and
/// the venue has the same id or the same time for both. UNPROVEN: no protocol here says it.
fn may_be_one_trade(one: &Fill, other: &Fill) -> bool {
    let is_same_id = one.exec_id != 0 && one.exec_id == other.exec_id;
    let is_same_time = one.exchange.0 != 0 && one.exchange == other.exchange;
    one.side != other.side && one.price_e9 == other.price_e9 && (is_same_id || is_same_time)
}

/// What is counted of one.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    /// The trading day of the counts.
    pub day: Option<Day>,
    /// Counts of that day.
    pub totals: Totals,
    /// The most orders of a second of that day.
    pub most_orders: u32,
    /// The most cancels of a second of that day.
    pub most_cancels: u32,
    second: u64,
    in_second: [u32; 2],
    /// The last moment of anything of it, and how long the day had traded by then since the first
    /// one, in nanoseconds.
    at: UnixNs,
    traded_ns: u64,
    /// What it had come to, at most once in a minute of trading, and how long the day had traded by
    /// then; the oldest first.
    samples: VecDeque<(u64, Totals)>,
    recent: VecDeque<Fill>,
}

impl Meter {
    fn turn(&mut self, day: Option<Day>, utc: UnixNs) {
        let own = self.day.take();
        let date = |day: &Option<Day>| day.as_ref().map(|day| day.date);
        if date(&own) == date(&day) {
            self.traded_ns += own.map_or(0, |own| own.traded_ns(self.at, utc));
        } else {
            *self = Self { recent: std::mem::take(&mut self.recent), ..Self::default() };
        }
        self.day = day;
        self.at = self.at.max(utc);
        let last_ns = self.samples.back().map_or(0, |(traded_ns, _)| *traded_ns);
        if self.samples.is_empty() || self.traded_ns.saturating_sub(last_ns) >= MINUTE_NS {
            self.samples.push_back((self.traded_ns, self.totals));
            // One older than the window is what it begins with.
            if self.samples.len() > RATE_MINUTES + 1 {
                self.samples.pop_front();
            }
        }
    }

    /// The day that counts go on in, if something happens on `day` to one of several contracts.
    ///
    /// The day of an exchange goes forward alone: its contracts do not turn at one moment, as one
    /// with a night session and one without it, and what is counted of the one whose day turns
    /// later is of the day that has begun.
    fn going_on(&self, day: Option<Day>) -> Option<Day> {
        match (self.day.clone(), day) {
            (Some(own), Some(other)) => Some(own.later(other)),
            (own, other) => other.or(own),
        }
    }

    fn sent(&mut self, action: OrderAction, utc: UnixNs) {
        let second = utc.0 / SECOND_NS;
        if second != self.second {
            (self.second, self.in_second) = (second, [0; 2]);
        }
        match action {
            OrderAction::New => {
                self.totals.orders += 1;
                self.in_second[0] += 1;
            }
            OrderAction::Cancel => {
                self.totals.cancels += 1;
                self.in_second[1] += 1;
            }
            OrderAction::Replace => self.totals.replaces += 1,
            OrderAction::Status => {}
        }
        let [orders, cancels] = self.in_second;
        self.most_orders = self.most_orders.max(orders);
        self.most_cancels = self.most_cancels.max(cancels);
    }

    fn filled(&mut self, fill: &Fill) {
        self.totals.filled_orders += u64::from(fill.is_first);
        if self.recent.iter().any(|other| may_be_one_trade(fill, other)) {
            self.totals.self_trades += 1;
        }
        self.recent.push_back(*fill);
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
    }

    /// How much a count has grown in the last minutes of trading, and in how long, breaks left
    /// out; `None` before a minute was traded, and if nothing has happened in these minutes. A
    /// quiet time before what has counts as well.
    #[must_use]
    pub fn grown(&self, now: UnixNs, of: impl Fn(&Totals) -> u64) -> Option<(u64, u64)> {
        let window_ns = MINUTE_NS * RATE_MINUTES as u64;
        let traded_ns = self.traded_ns + self.day.as_ref()?.traded_ns(self.at, now);
        let from_ns = traded_ns.saturating_sub(window_ns);
        if self.traded_ns < from_ns {
            return None;
        }
        let older = self.samples.iter().rev().find(|(at_ns, _)| *at_ns <= from_ns);
        let (at_ns, before) = older.or(self.samples.front())?;
        let ns = traded_ns.checked_sub(*at_ns).filter(|ns| *ns >= MINUTE_NS)?;
        Some((of(&self.totals).saturating_sub(of(before)), ns))
    }
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub struct Meters {
    rows: BTreeMap<Of, Meter>,
    /// Net lots of the desk, by exchange and contract.
    positions: BTreeMap<(String, String), i64>,
    /// Net lots that each account group has traded of a contract since the run began.
    traded: BTreeMap<Of, i64>,
    /// The last moment of anything.
    now: UnixNs,
}

/// Where something belongs.
#[derive(Clone, Debug)]
pub struct Where<'w> {
    /// The exchange.
    pub exchange: &'w str,
    /// The contract.
    pub contract: &'w str,
    /// The account group.
    pub group: &'w str,
    /// Its trading day then.
    pub day: Option<Day>,
    /// When.
    pub utc: UnixNs,
}

impl Meters {
    fn each(&mut self, place: &Where<'_>, count: impl Fn(&mut Meter)) {
        self.now = self.now.max(place.utc);
        for contract in [None, Some(place.contract.to_owned())] {
            let (exchange, group) = (place.exchange.to_owned(), place.group.to_owned());
            let is_of_exchange = contract.is_none();
            let meter = self.rows.entry(Of { exchange, contract, group }).or_default();
            let day = place.day.clone();
            meter.turn(if is_of_exchange { meter.going_on(day) } else { day }, place.utc);
            count(meter);
        }
    }

    /// Something was sent.
    pub fn sent(&mut self, place: &Where<'_>, action: OrderAction) {
        self.each(place, |meter| meter.sent(action, place.utc));
    }

    /// Lots changed hands.
    pub fn filled(&mut self, place: &Where<'_>, fill: &Fill) {
        self.each(place, |meter| meter.filled(fill));
        let lots = match fill.side {
            Side::Buy => i64::from(fill.lots),
            Side::Sell => -i64::from(fill.lots),
        };
        self.moved(place, lots);
    }

    /// A position moved by so many lots.
    pub fn moved(&mut self, place: &Where<'_>, lots: i64) {
        let (exchange, contract) = (place.exchange.to_owned(), place.contract.to_owned());
        *self.positions.entry((exchange.clone(), contract.clone())).or_default() += lots;
        let of = Of { exchange, contract: Some(contract), group: place.group.to_owned() };
        *self.traded.entry(of).or_default() += lots;
    }

    /// A position is so many lots.
    pub fn held(&mut self, exchange: &str, contract: &str, lots: i64) {
        self.positions.insert((exchange.to_owned(), contract.to_owned()), lots);
    }

    /// Nothing is held any more: another run says anew what is.
    pub fn forget_positions(&mut self) {
        self.positions.clear();
        self.traded.clear();
    }

    /// Time has come so far.
    pub fn at(&mut self, utc: UnixNs) {
        self.now = self.now.max(utc);
    }

    /// The last moment of anything; 0: there was nothing.
    #[must_use]
    pub fn now(&self) -> UnixNs {
        self.now
    }

    /// Every meter. Counts of a trading day that is over are still there.
    pub fn rows(&self) -> impl Iterator<Item = (&Of, &Meter)> {
        self.rows.iter()
    }

    /// Net lots by exchange and contract, of all accounts together.
    #[must_use]
    pub fn positions(&self) -> &BTreeMap<(String, String), i64> {
        &self.positions
    }

    /// Net lots that account groups have traded, of contracts that several of them trade: one that
    /// is long and one that is short are not flat. What was held before is of nobody here.
    pub fn of_groups(&self) -> impl Iterator<Item = (&Of, i64)> {
        let is_alone = |of: &Of| {
            let others = self
                .traded
                .keys()
                .filter(|other| (&other.exchange, &other.contract) == (&of.exchange, &of.contract));
            others.count() == 1
        };
        self.traded.iter().filter(move |(of, _)| !is_alone(of)).map(|(of, lots)| (of, *lots))
    }
}

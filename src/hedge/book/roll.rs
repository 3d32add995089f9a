//! `[[roll]]`, `[[deadline]]` and `[[combination]]`: how hedges are moved to a later month.

use super::contract::Contract;
use super::read::{Known, fail, refer};
use crate::calendar::date;
use crate::config::Rational;
use crate::config::capital::{Origin, origin};
use crate::config::error::Rule;
use crate::config::section::{Section, Written};
use crate::config::value::{Exact, exact, line, whole, word};
use jiff::civil::Date;

/// Which leg of a roll goes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RollOrder {
    /// The old month is closed, then the new one opened: a part is without a hedge meanwhile.
    #[default]
    CloseFirst,
    /// The new month is opened, then the old one closed: a part is hedged twice meanwhile.
    OpenFirst,
}

/// What is kept while a client's hedges of a product are moved to another month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RollGuard {
    /// Whose.
    pub client: usize,
    /// Of what.
    pub product: usize,
    /// Which leg goes first.
    pub order: RollOrder,
    /// Fewest lots of a slice.
    pub min_lots: u32,
    /// Most lots that are without a hedge, or hedged twice, at any moment; no slice is larger.
    pub max_lots: u32,
    /// It is done so many days before the deadline.
    pub done_days: u32,
}

/// What a contract has to be left for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeadlineKind {
    /// The last day on which a hedge may be held.
    #[default]
    LastDay,
    /// The first day on which delivery may be notified.
    FirstNotice,
    /// From this day on fewer lots may be held.
    LimitStep,
}

/// A day from which on fewer lots of a contract may be held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deadline {
    /// What for.
    pub kind: DeadlineKind,
    /// The day.
    pub day: Date,
    /// Most lots in one direction that may be held then; none but at a step of a limit.
    pub most: u64,
    /// Where that comes from.
    pub origin: Origin,
}

/// Lots of a contract that have to be gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// What for, the earliest.
    pub kind: DeadlineKind,
    /// Until when.
    pub day: Date,
    /// How many.
    pub lots: u64,
}

/// Two months of a product that an exchange trades as one: the near bought and the far sold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Combination {
    /// Its symbol.
    pub name: String,
    /// The near month.
    pub near: usize,
    /// The far one.
    pub far: usize,
    /// Best price of near less far that it can be sold at, of one `price_unit`.
    pub bid: Rational,
    /// And bought at.
    pub ask: Rational,
    /// Fee of a lot of it, both legs together.
    pub fee_per_lot: Rational,
    /// Fee by value of both legs.
    pub fee_fraction: Rational,
    /// Where that comes from.
    pub origin: Origin,
}

impl RollOrder {
    /// What people call it.
    #[must_use]
    pub const fn titles(self) -> [&'static str; 2] {
        match self {
            Self::CloseFirst => ["close first", "先平后开"],
            Self::OpenFirst => ["open first", "先开后平"],
        }
    }
}

impl DeadlineKind {
    /// What people call it.
    #[must_use]
    pub const fn titles(self) -> [&'static str; 2] {
        match self {
            Self::LastDay => ["last day", "最后持仓日"],
            Self::FirstNotice => ["first notice", "首个交割通知日"],
            Self::LimitStep => ["limit step", "限仓收紧"],
        }
    }
}

const ORDERS: &[(&str, RollOrder)] =
    &[("close_first", RollOrder::CloseFirst), ("open_first", RollOrder::OpenFirst)];
const KINDS: &[(&str, DeadlineKind)] =
    &[("first_notice", DeadlineKind::FirstNotice), ("limit_step", DeadlineKind::LimitStep)];

pub(super) fn guard(section: Section<'_>, known: &Known<'_>) -> Option<RollGuard> {
    let client = refer(&section, &known.client_names, "client");
    let product = refer(&section, &known.product_names, "product");
    let least = section.required("min_lots", whole(1..=10_000));
    let most = section.required("max_lots", whole(1..=10_000));
    let done = section.required("done_days", whole(0..=60));
    let guard = RollGuard {
        client: client.value,
        product: product.value,
        order: section.required("order", word(ORDERS)).value,
        min_lots: least.value,
        max_lots: most.value,
        done_days: done.value,
    };
    if guard.max_lots < guard.min_lots && !section.is_broken() {
        let message = format!(
            "{} has slices of at least {} lots and {} at most",
            section.title(),
            { guard.min_lots },
            guard.max_lots
        );
        fail(&section, Rule::RollGuard, &least.place, message);
    }
    let limits = known.client(guard.client).into_iter().flat_map(|own| &own.limits);
    let limit = limits.into_iter().find(|limit| limit.product == guard.product);
    if limit.is_none_or(|limit| limit.max_lots < guard.max_lots) && !section.is_broken() {
        let message =
            format!("{} may have more lots under way than its client may hold", section.title());
        fail(&section, Rule::RollGuard, &most.place, message);
    }
    let own = known.contracts.iter().flatten().filter(|row| row.product == guard.product);
    let short = own.filter(|row| row.roll_days < guard.done_days).map(|row| &row.name).next();
    if let Some(name) = short.filter(|_| !section.is_broken()) {
        let message = format!(
            "{name} is rolled only after {} would have it done: raise its roll_days or lower \
             done_days",
            section.title()
        );
        fail(&section, Rule::RollGuard, &done.place, message);
    }
    section.finish(guard)
}

/// A deadline, and the contract that has it.
pub(super) fn deadline(section: Section<'_>, known: &Known<'_>) -> Option<(usize, Deadline)> {
    let contract = refer(&section, &known.contract_names, "contract");
    let kind = section.required("kind", word(KINDS));
    let day = section.required("day", date);
    let most = section.optional("max_lots", whole(1_u64..=1_000_000));
    let deadline = Deadline {
        kind: kind.value,
        day: day.value.unwrap_or_default(),
        most: most.as_ref().map_or(0, |most| most.value),
        origin: origin(&section),
    };
    let is_step = deadline.kind == DeadlineKind::LimitStep;
    if is_step != most.is_some() && !section.is_broken() {
        let message =
            format!("{} has `max_lots` if it is a step of a limit, and only then", section.title());
        fail(&section, Rule::RollDeadline, &kind.place, message);
    }
    let last = known.contract(contract.value).map(|row| row.last_day);
    if last.is_some_and(|last| last < deadline.day) && !section.is_broken() {
        let message = format!("{} is after the last day of its contract", section.title());
        fail(&section, Rule::RollDeadline, &day.place, message);
    }
    section.finish((contract.value, deadline))
}

pub(super) fn combination(section: Section<'_>, known: &Known<'_>) -> Option<Combination> {
    let near = refer(&section, &known.contract_names, "near");
    let far = refer(&section, &known.contract_names, "far");
    let bid = section.required("bid", exact("-100000", "100000"));
    let ask = section.required("ask", exact("-100000", "100000"));
    let combination = Combination {
        name: section.required("name", line(30)).value,
        near: near.value,
        far: far.value,
        bid: bid.value.exact,
        ask: ask.value.exact,
        fee_per_lot: section.required("fee_per_lot", exact("0", "1000")).value.exact,
        fee_fraction: section.required("fee_fraction", exact("0", "0.05")).value.exact,
        origin: origin(&section),
    };
    let both = known.contract(near.value).zip(known.contract(far.value));
    if let (false, Some((one, other))) = (section.is_broken(), both) {
        if !one.is_rolled_into(other) {
            let message = format!(
                "{} and {} of {} are not an earlier and a later month of one product, market, \
                 currency and size",
                one.name,
                other.name,
                section.title()
            );
            fail(&section, Rule::Combination, &near.place, message);
        } else {
            quoted(&section, [&bid, &ask], one, other);
        }
    }
    section.finish(combination)
}

/// A combination is quoted bid below ask, near to what its months are worth.
fn quoted(
    section: &Section<'_>,
    [bid, ask]: [&Written<Exact>; 2],
    near: &Contract,
    far: &Contract,
) {
    if !bid.value.exact.is_below(ask.value.exact) {
        let message = format!("the bid of {} is not below its ask", section.title());
        fail(section, Rule::Combination, &bid.place, message);
        return;
    }
    // What contracts themselves may be expected to lose is at most a hundredth of the price.
    let fair = near.price.minus(far.price).unwrap_or_default();
    let most = Rational::new(1, 100).and_then(|part| part.times(near.price.magnitude()));
    for quote in [bid, ask] {
        let apart = quote.value.exact.minus(fair).unwrap_or(fair).magnitude();
        if most.is_none_or(|most| most.is_below(apart)) {
            let message = format!(
                "{} is quoted at {}, and its months are {} apart",
                section.title(),
                quote.value.text,
                fair.show(6).unwrap_or_default()
            );
            fail(section, Rule::Combination, &quote.place, message);
        }
    }
}

impl Contract {
    /// Whether a hedge in it can be moved to another without moving anything else: a later month of
    /// the same product on the same side of the border, in the same currency, unit and size.
    #[must_use]
    pub fn is_rolled_into(&self, other: &Self) -> bool {
        let same = |of: &Self| (of.product, of.border, of.lot, of.price_unit);
        same(self) == same(other)
            && self.currency == other.currency
            && self.last_day < other.last_day
            && self.month < other.month
    }

    /// What of so many lots in one direction has to be gone on the next deadlines, if the window
    /// before one has begun.
    #[must_use]
    pub fn due(&self, today: Date, held: u64) -> Option<Due> {
        let last = (DeadlineKind::LastDay, self.last_day, 0);
        let others = self.deadlines.iter().map(|row| (row.kind, row.day, row.most));
        let mut found: Option<Due> = None;
        for (kind, day, most) in others.chain([last]) {
            let lots = held.saturating_sub(most);
            if lots == 0 || today < self.begins(day) {
                continue;
            }
            let other = found.unwrap_or(Due { kind, day, lots });
            let (day, kind) = (day, kind).min((other.day, other.kind));
            found = Some(Due { kind, day, lots: lots.max(other.lots) });
        }
        found
    }
}

//! What is different in two readings, and cannot be on its way any more.
//!
//! The second statement is of a moment when all that was under way at the first had settled. So a
//! fill that the first statement had must be known to the desk by the second reading, and one that
//! the desk had at the first must be in the second statement; only what breaks this counts. A
//! position counts by what is left of it when fills that are merely on their way are taken off,
//! and if it is the same in both. A healthy desk breaks none of this, however busy.

use super::read::{Alone, Cash, Held, Off, Reading};
use super::statement::Exact;
use crate::hex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// What differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Lots held.
    Position,
    /// Lots, or the price, that an order has filled.
    Fill,
    /// An order that lives on one side alone: its lots.
    Order,
    /// Money.
    Money,
}

impl Kind {
    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Position => "position",
            Self::Fill => "fill",
            Self::Order => "order",
            Self::Money => "money",
        }
    }
}

/// A difference between a venue and the desk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The same difference has the same eight digits, in every run.
    pub id: String,
    /// The source that said so.
    pub source: String,
    /// What differs.
    pub kind: Kind,
    /// The instrument; the currency of money.
    pub of: String,
    /// The order, of fills and orders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
    /// What the statement says: lots, or money.
    pub venue: Exact,
    /// What the desk has.
    pub desk: Exact,
    /// What it closes, as commands write it: `instrument=hg`, `gateway=cme`.
    pub scope: String,
}

/// Whose readings they are.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'j> {
    /// The source.
    pub source: &'j str,
    /// Its gateway's name.
    pub gateway: &'j str,
    /// Money may be off by so much, units of 1e-9.
    pub tolerance_e9: i128,
    /// By currency: how far the statement's money was ahead of the desk's to begin with.
    pub begun_e9: &'j BTreeMap<String, i128>,
}

/// What is different in one reading, whether or not it is on its way.
#[must_use]
pub fn is_clean(reading: &Reading, judged: &Judged<'_>) -> bool {
    let none = BTreeSet::new();
    let positions = reading.positions.iter().flatten();
    let mut money = reading.money.iter().flatten();
    reading.off.is_empty()
        && reading.alone.as_ref().is_none_or(Vec::is_empty)
        && positions.clone().all(|held| left(held, reading, &none) == 0)
        && money.all(|cash| judged.off_e9(cash, reading, &none) == Some(0))
}

/// Confirms what is different in both.
#[must_use]
pub fn confirm(first: &Reading, second: &Reading, judged: &Judged<'_>) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut lost = BTreeSet::new();
    for off in &first.off {
        let then = second.off.iter().find(|other| other.order == off.order);
        if let Some(then) = then.filter(|then| is_lost(off, then)) {
            lost.insert(off.order.as_str());
            let lots = (i128::from(then.venue), i128::from(then.desk));
            let is_price = lots.0 == lots.1;
            let desk_cash_e9 = then.desk_cash_e9.unwrap_or(0);
            let figures = if is_price { (then.venue_cash_e9, desk_cash_e9) } else { e9(lots) };
            let of = (off.instrument.as_str(), Some(off.order.as_str()));
            found.push(judged.difference(Kind::Fill, of, figures));
        }
    }
    for (one, other) in both(first.positions.as_deref(), second.positions.as_deref()) {
        let (was, is) = (left(one, first, &lost), left(other, second, &lost));
        if was != 0 && was.signum() == is.signum() {
            let figures = e9((i128::from(other.desk + is), i128::from(other.desk)));
            found.push(judged.difference(Kind::Position, (&one.instrument, None), figures));
        }
    }
    let is_same = |one: &&Alone, other: &Alone| {
        (&one.order, one.is_at_venue) == (&other.order, other.is_at_venue)
    };
    for alone in first.alone.iter().flatten() {
        let mut others = second.alone.iter().flatten();
        if let Some(then) = others.find(|other| is_same(&alone, other)) {
            let lots = i128::from(then.lots);
            let figures = e9(if alone.is_at_venue { (lots, 0) } else { (0, lots) });
            let of = (alone.instrument.as_str(), Some(alone.order.as_str()));
            found.push(judged.difference(Kind::Order, of, figures));
        }
    }
    for (one, other) in both(first.money.as_deref(), second.money.as_deref()) {
        let (was, is) = (judged.off_e9(one, first, &lost), judged.off_e9(other, second, &lost));
        if let (Some(was), Some(is)) = (was, is)
            && was != 0
            && was.signum() == is.signum()
        {
            let figures = (other.desk_e9 + is, other.desk_e9);
            found.push(judged.difference(Kind::Money, (&one.currency, None), figures));
        }
    }
    found
}

/// The same rows of both, which are in the same order of the same gateway.
fn both<'r, T>(one: Option<&'r [T]>, other: Option<&'r [T]>) -> std::vec::IntoIter<(&'r T, &'r T)> {
    let pairs = one.unwrap_or_default().iter().zip(other.unwrap_or_default());
    pairs.collect::<Vec<_>>().into_iter()
}

const fn e9(lots: (i128, i128)) -> (i128, i128) {
    (lots.0 * 1_000_000_000, lots.1 * 1_000_000_000)
}

/// Whether what one side had at the first reading is missing from the other at the second.
fn is_lost(first: &Off, second: &Off) -> bool {
    let is_lots_the_same = second.venue == second.desk;
    if is_lots_the_same {
        return first.venue == first.desk && first.venue == second.venue;
    }
    let is_behind = |had: i64, has: i64| had != 0 && (had.signum() * has) < had.abs();
    is_behind(first.venue, second.desk) || is_behind(first.desk, second.venue)
}

/// What is left of a position that nothing on its way explains; fills of `lost` orders are not on
/// their way.
fn left(held: &Held, reading: &Reading, lost: &BTreeSet<&str>) -> i64 {
    let off = reading.off.iter().filter(|off| off.instrument == held.instrument);
    let on_way = off.filter(|off| !lost.contains(off.order.as_str()));
    let on_way: i64 = on_way.map(|off| off.venue - off.desk).sum();
    let (least, most) = (held.least + on_way, held.most + on_way);
    held.venue - held.venue.clamp(least, most)
}

/// How far the statement's money is ahead of the desk's, fills on their way taken off; `None`:
/// nobody can tell.
#[must_use]
pub fn ahead_e9(cash: &Cash, reading: &Reading, lost: &BTreeSet<&str>) -> Option<i128> {
    let off = reading.off.iter().filter(|off| cash.instruments.contains(&off.instrument));
    let on_way = off.filter(|off| !lost.contains(off.order.as_str()));
    let on_way: i128 = on_way.map(|off| off.venue_cash_e9 - off.desk_cash_e9.unwrap_or(0)).sum();
    cash.is_certain.then_some(cash.venue_e9 - cash.desk_e9 - on_way)
}

impl Judged<'_> {
    /// By how much money is off beyond the tolerance; `None`: nobody can tell.
    fn off_e9(&self, cash: &Cash, reading: &Reading, lost: &BTreeSet<&str>) -> Option<i128> {
        let begun = self.begun_e9.get(&cash.currency)?;
        let off = ahead_e9(cash, reading, lost)? - begun;
        Some(if off.abs() > self.tolerance_e9 { off } else { 0 })
    }

    fn difference(
        &self,
        kind: Kind,
        (of, order): (&str, Option<&str>),
        (venue_e9, desk_e9): (i128, i128),
    ) -> Difference {
        let (venue, desk) = (Exact::of_e9(venue_e9), Exact::of_e9(desk_e9));
        let mut hash = Sha256::new();
        let figure = (venue_e9 - desk_e9).to_string();
        for part in [self.source, kind.word(), of, order.unwrap_or(""), &figure] {
            hash.update(part);
            hash.update([0]);
        }
        let digest: [u8; 32] = hash.finalize().into();
        let scope = match kind {
            Kind::Money => format!("gateway={}", self.gateway),
            Kind::Position | Kind::Fill | Kind::Order => format!("instrument={of}"),
        };
        Difference {
            id: hex::show(digest.first_chunk::<4>().unwrap_or(&[0; 4])),
            source: self.source.to_owned(),
            kind,
            of: of.to_owned(),
            order: order.map(str::to_owned),
            venue,
            desk,
            scope,
        }
    }
}

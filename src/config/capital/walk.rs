//! `[paths]` and `[[walk]]`: what `xmc capital paths` plays.

use super::super::error::{Problem, Rule};
use super::super::names::Names;
use super::super::section::Section;
use super::super::value::{name, whole};
use super::super::{Report, missing_section};
use super::Contract;
use super::read::{decimal, origin};
use rust_decimal::Decimal;

/// Something of it is wrong, which is reported.
pub(super) struct Refused;

/// How seeded prices move, and how the money is run on them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// Calendar days of one path.
    pub days: u32,
    /// Utilisation that pooled running aims at.
    pub operate: Decimal,
    /// Pooled running calls for money when an account is above this.
    pub call: Decimal,
    /// Both legs are reduced when an account is above this.
    pub pair_off: Decimal,
    /// Below this part of its margin an account is liquidated at once, without any grace.
    pub floor: Decimal,
    /// The siloed baseline moves money once in so many days.
    pub siloed_every_days: u32,
    /// Between the moves of two underlyings.
    pub correlation: Decimal,
    /// Of the yuan, by year.
    pub fx_volatility: Decimal,
    /// How each underlying moves.
    pub walks: Vec<Walk>,
}

/// How the price of one underlying moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walk {
    /// What of.
    pub underlying: String,
    /// Standard deviation of the common move, by year.
    pub volatility: Decimal,
    /// Standard deviation of what the overseas price does by itself; it comes back.
    pub basis: Decimal,
    /// Jumps in a year.
    pub jumps_a_year: Decimal,
    /// Standard deviation of a jump.
    pub jump: Decimal,
    /// No jump is larger.
    pub most_jump: Decimal,
}

/// Reads both; `Ok(None)` if there are none.
pub(super) fn paths(
    section: Option<Section<'_>>,
    walks: Vec<Section<'_>>,
    contracts: Option<&[Contract]>,
    report: &Report,
) -> Result<Option<Paths>, Refused> {
    let names = Names::gather("walk", &walks, report);
    let Some(section) = section else {
        if walks.is_empty() {
            return Ok(None);
        }
        missing_section(report, "[paths]");
        return Err(Refused);
    };
    let fraction = |key, low, high| section.required(key, decimal(low, high));
    let (operate, call) = (fraction("operate", "0.3", "0.98"), fraction("call", "0.3", "1"));
    let pair_off = fraction("pair_off", "0.3", "1");
    for (lower, upper) in [(&operate, &call), (&call, &pair_off)] {
        if lower.value >= upper.value && !section.is_broken() {
            let message = format!("{} is not above {}", upper.value, lower.value);
            let place = upper.place.clone();
            let problem = Problem::new(Rule::LevelOrder, message, place, "not above it");
            section.fail(problem.help("operate < call < pair_off"));
        }
    }
    let read: Vec<_> = walks.into_iter().map(|section| walk(section, contracts)).collect();
    for contract in contracts.unwrap_or_default() {
        if names.position(&contract.underlying).is_none() {
            let message = format!("no [[walk]] says how {} moves", contract.underlying);
            let place = section.place().clone();
            section.fail(Problem::new(Rule::MissingSection, message, place, "no walk of it"));
        }
    }
    let read: Option<Vec<_>> = read.into_iter().collect();
    let paths = Paths {
        days: section.required("days", whole(2..=366)).value,
        operate: operate.value,
        call: call.value,
        pair_off: pair_off.value,
        floor: fraction("floor", "0", "0.95").value,
        siloed_every_days: section.required("siloed_every_days", whole(1..=366)).value,
        correlation: fraction("correlation", "0", "0.9").value,
        fx_volatility: fraction("fx_volatility", "0", "0.5").value,
        walks: read.ok_or(Refused)?,
    };
    origin(&section);
    section.finish(paths).map(Some).ok_or(Refused)
}

fn walk(section: Section<'_>, contracts: Option<&[Contract]>) -> Option<Walk> {
    let called = section.required("name", name);
    let contracts = contracts.unwrap_or_default();
    let is_known = contracts.iter().any(|contract| contract.underlying == called.value);
    if !is_known && !contracts.is_empty() && !called.value.is_empty() {
        let message = format!("no contract is of {}", called.value);
        section.fail(Problem::new(Rule::UnknownReference, message, called.place, "unknown"));
    }
    let walk = Walk {
        underlying: called.value,
        volatility: section.required("volatility", decimal("0.01", "1.5")).value,
        basis: section.required("basis", decimal("0", "0.1")).value,
        jumps_a_year: section.required("jumps_a_year", decimal("0", "100")).value,
        jump: section.required("jump", decimal("0", "0.2")).value,
        most_jump: section.required("most_jump", decimal("0", "0.3")).value,
    };
    section.finish(walk)
}

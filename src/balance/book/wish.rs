//! `[[need]]` and `[[target]]`: what is wanted, by whom, how urgently and until when.

use super::read::Known;
use super::{Need, Target, Wish};
use crate::config::Rational;
use crate::config::error::Rule;
use crate::config::section::{Section, Written};
use crate::config::value::{Complaint, exact, line, name, whole, word, wrong_type};
use crate::hedge::book::fail;
use crate::hedge::book::read::{in_unit, refer, refers};
use crate::hedge::unit::UNITS;
use jiff::Timestamp;
use jiff::civil::Date;
use toml::de::DeValue;

/// A time with its offset: `2026-07-15T10:00:00+08:00`.
fn instant(value: &DeValue<'_>) -> Result<Option<Timestamp>, Complaint> {
    Ok(instant_and_day(value)?.map(|(at, _)| at))
}

/// The same, and its day where it was written.
pub(super) fn instant_and_day(value: &DeValue<'_>) -> Result<Option<(Timestamp, Date)>, Complaint> {
    let DeValue::Datetime(written) = value else {
        return Err(wrong_type(value, "a time without quotes: 2026-01-31T10:00:00+08:00"));
    };
    let text = written.to_string();
    let is_whole = written.date.is_some() && written.time.is_some() && written.offset.is_some();
    let day = text.get(..10).and_then(|day| day.parse().ok());
    let both = text.parse().ok().zip(day).filter(|_| is_whole);
    both.map(Some).ok_or_else(|| {
        let message = format!("is {text}, which is no time with its offset from UTC");
        Complaint::new(Rule::BalanceTime, message, "no offset, or no time")
            .help("write it as 2026-01-31T10:00:00+08:00")
    })
}

/// Strategy, account and contract; the contract is on the account's side of the border.
pub(super) fn whose(section: &Section<'_>, known: &Known<'_>) -> (usize, usize, Written<usize>) {
    let strategy = refer(section, &known.strategy_names, "strategy").value;
    let account = refer(section, &known.account_names, "account");
    let contract = refer(section, &known.market.contract_names, "contract");
    let both = known.account(account.value).zip(known.of_contract(contract.value));
    if both.is_some_and(|(account, of)| account.border != of.1) && !section.is_broken() {
        let message = format!("{} is in an account across the border", section.title());
        fail(section, Rule::BalanceSide, &contract.place, message);
    }
    (strategy, account.value, contract)
}

fn wish(section: &Section<'_>) -> Wish {
    let from = section.required("from", instant);
    let until = section.required("until", instant);
    if let (Some(from), Some(last)) = (from.value, until.value)
        && from >= last
    {
        let message = format!("{} ends before it begins", section.title());
        fail(section, Rule::BalanceTime, &until.place, message);
    }
    Wish {
        by: section.required("by", line(80)).value,
        urgency: section.required("urgency", whole(0..=1_000)).value,
        from: from.value.unwrap_or_default(),
        until: until.value.unwrap_or_default(),
    }
}

const SIDES: &[(&str, i64)] = &[("buy", 1), ("sell", -1)];
const EFFECTS: &[(&str, bool)] = &[("open", true), ("close", false)];

pub(super) fn need(section: Section<'_>, known: &Known<'_>) -> Option<Need> {
    let (strategy, account, contract) = whose(&section, known);
    let side = section.required("side", word(SIDES)).value;
    let lots = section.required("lots", whole(1_i64..=1_000_000)).value;
    let effect = section.required("effect", word(EFFECTS));
    let instead = if section.has("instead") {
        refers(&section, &known.market.contract_names, "instead")
    } else {
        section.absent::<()>("instead");
        Vec::new()
    };
    let product = |place: usize| known.of_contract(place).map(|of| of.0);
    for other in &instead {
        let is_other = other.value != contract.value;
        if (!is_other || product(other.value) != product(contract.value)) && !section.is_broken() {
            let message = format!("`instead` of {} is no other contract of it", section.title());
            fail(&section, Rule::BalanceTarget, &other.place, message);
        }
    }
    if !effect.value && !instead.is_empty() && !section.is_broken() {
        let message = format!("{} closes one contract, and no other one does", section.title());
        fail(&section, Rule::BalanceClosing, &effect.place, message);
    }
    let need = Need {
        name: section.required("name", name).value,
        strategy,
        account,
        contract: contract.value,
        lots: side * lots,
        opens: effect.value,
        wish: wish(&section),
        instead: instead.iter().map(|row| row.value).collect(),
    };
    section.finish(need)
}

pub(super) fn target(section: Section<'_>, known: &Known<'_>) -> Option<Target> {
    let (strategy, account, contract) = whose(&section, known);
    let unit = section.required("unit", word(UNITS)).value;
    let quantity = section.required("quantity", exact("-1000000000", "1000000000"));
    let band = section.required("band", exact("0", "1000000000"));
    let mut target = Target {
        strategy,
        account,
        contract: contract.value,
        quantity: Rational::ZERO,
        band: Rational::ZERO,
        wish: wish(&section),
    };
    let product = known.of_contract(contract.value).and_then(|of| known.market.product(of.0));
    if let (false, Some(product)) = (section.is_broken(), product) {
        target.quantity = in_unit(&section, &quantity, unit, product);
        target.band = in_unit(&section, &band, unit, product);
    }
    section.finish(target)
}

//! `[[spread.breaker]]`: what may go wrong with the orders of a spread how often, and what follows.

use super::error::{Problem, Rule};
use super::section::{Section, Written};
use super::value::{decimal_e9, whole, word};
use std::num::NonZeroU8;
use xmc_hotpath::message::{BreakerAction, BreakerKind};
use xmc_hotpath::risk::BREAKER_MAX;

/// One breaker.
#[derive(Clone, Debug)]
pub struct Breaker {
    /// What it watches.
    pub on: Written<BreakerKind>,
    /// From where on one of them is bad: of slippage a part of the price decided on in 1e-9, of
    /// latency milliseconds; 0 for what is bad or not.
    pub limit: i64,
    /// Of so many of the last.
    pub of: NonZeroU8,
    /// So many may be bad.
    pub most: u8,
    /// What follows.
    pub then: BreakerAction,
}

/// Half a percent of the price.
const SLIPPAGE_E9: i64 = 5_000_000;
const LATENCY_MS: i64 = 100;
/// Three percent of the orders.
const REJECTS_E9: i64 = 30_000_000;

const KINDS: &[(&str, BreakerKind)] = &[
    ("slippage", BreakerKind::Slippage),
    ("latency", BreakerKind::Latency),
    ("rejects", BreakerKind::Rejects),
    ("unfilled", BreakerKind::Unfilled),
];

const ACTIONS: &[(&str, BreakerAction)] = &[
    ("alert", BreakerAction::Alert),
    ("repair", BreakerAction::Repair),
    ("reduce", BreakerAction::Reduce),
    ("halt", BreakerAction::Halt),
];

/// The breakers of a spread, one of a kind.
pub(crate) fn breakers(spread: &Section<'_>) -> Vec<Breaker> {
    let mut breakers: Vec<Breaker> = Vec::new();
    for section in spread.tables("breaker") {
        let Some(breaker) = breaker(section) else {
            spread.spoil();
            continue;
        };
        match breakers.iter().find(|other| other.on.value == breaker.on.value) {
            None => breakers.push(breaker),
            Some(first) => spread.fail(
                Problem::new(
                    Rule::NameTwice,
                    format!("{} has two breakers on {}", spread.title(), breaker.on.value.word()),
                    breaker.on.place.clone(),
                    "again here",
                )
                .also(&first.on.place, "watched already"),
            ),
        }
    }
    breakers
}

fn breaker(section: Section<'_>) -> Option<Breaker> {
    if section.has("on") {
        return watching(section);
    }
    // Which other keys there may be hangs on what it watches.
    section.required("on", kind);
    None
}

fn kind(value: &toml::de::DeValue<'_>) -> Result<Option<BreakerKind>, super::value::Complaint> {
    word(KINDS)(value).map(Some)
}

fn watching(section: Section<'_>) -> Option<Breaker> {
    let on = section.required("on", kind);
    let on = Written { value: on.value?, place: on.place };
    let number = |value: Option<Written<i64>>, otherwise| value.map_or(otherwise, |it| it.value);
    let share = |default: Option<i64>| {
        let bounded = decimal_e9("0", "0.999999999");
        match default {
            Some(default) => number(section.optional("ratio", bounded), default),
            None => section.required("ratio", bounded).value,
        }
    };
    let (limit, ratio_e9, of) = match on.value {
        BreakerKind::Slippage => {
            let worse = section.optional("worse_by", decimal_e9("0", "1"));
            (number(worse, SLIPPAGE_E9), share(Some(0)), 1)
        }
        BreakerKind::Latency => {
            let slower = section.optional("slower_than_ms", whole(1..=60_000_i64));
            (number(slower, LATENCY_MS), share(Some(0)), 1)
        }
        BreakerKind::Rejects => (0, share(Some(REJECTS_E9)), BREAKER_MAX),
        BreakerKind::Unfilled => (0, share(None), BREAKER_MAX),
    };
    let of = section.optional("of", whole(1..=BREAKER_MAX)).map_or(of, |of| of.value);
    let then = section.required("then", |value| word(ACTIONS)(value).map(Some)).value;
    // Below one, so fewer than `of`.
    let most = u8::try_from(ratio_e9 * i64::from(of) / 1_000_000_000).unwrap_or(0);
    let breaker = Breaker { on, limit, of: NonZeroU8::new(of)?, most, then: then? };
    section.finish(breaker)
}

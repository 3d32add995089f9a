//! What a gate saw and what it allows, in the unit that the gate counts in.

use super::number;
use super::setting::{InstrumentSetting, Setting};
use super::words::{Label, Lang, Worded};
use xmc_hotpath::message::{Decision, Gate};
use xmc_hotpath::risk::RECORD_LATE_PCT;
use xmc_hotpath::time::Span;

/// Both figures of a refusal in words, with the leg that they are of; empty for gates whose figures
/// say nothing to a person.
#[must_use]
pub fn seen_and_limit(setting: &Setting, decision: &Decision, lang: Lang) -> String {
    let [saw, allows] = [Label::Seen, Label::Limit].map(|label| label.word_in(lang));
    said(setting, decision, lang, |leg, seen, limit, unit| {
        format!("{leg}{saw} {seen}{unit} {allows} {limit}{unit}")
    })
}

/// The same in short: `cu 24 / 20 lots`.
#[must_use]
pub fn seen_of_limit(setting: &Setting, decision: &Decision, lang: Lang) -> String {
    said(setting, decision, lang, |leg, seen, limit, unit| format!("{leg}{seen} / {limit}{unit}"))
}

/// What a refusal says, apart from any language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal<'s> {
    /// The instrument of the leg that it is of; `None` if it is of none.
    pub instrument: Option<&'s str>,
    /// What the gate saw.
    pub seen: String,
    /// What it allows.
    pub limit: String,
    /// What both count; `None` if the figures say that themselves.
    pub unit: Option<Label>,
    /// What is said instead of both, where what the gate saw is no figure.
    pub says: Option<Label>,
}

impl<'s> Refusal<'s> {
    /// Of `decision`; `None` for gates whose figures say nothing to a person.
    #[must_use]
    pub fn of(setting: &'s Setting, decision: &Decision) -> Option<Self> {
        let spread = setting.spreads.get(decision.spread.0 as usize)?;
        let leg = spread.legs.get(usize::from(decision.leg));
        let instrument = leg.map(|leg| &setting.instruments[leg.instrument]);
        let show = |value: i64| figure(decision.gate, value, instrument, spread.digits);
        Some(Self {
            instrument: instrument.map(|instrument| instrument.name.as_str()),
            seen: show(decision.seen)?,
            limit: show(decision.limit)?,
            unit: unit(decision.gate),
            says: is_late_record(decision.gate, decision.seen).then_some(Label::RecordLate),
        })
    }
}

/// The leg, what was seen, what is allowed, the unit of both, put together by `show`.
fn said(
    setting: &Setting,
    decision: &Decision,
    lang: Lang,
    show: impl FnOnce(String, String, String, String) -> String,
) -> String {
    let Some(refusal) = Refusal::of(setting, decision) else { return String::new() };
    let Refusal { instrument, seen, limit, unit, says } = refusal;
    if let Some(label) = says {
        return label.word_in(lang).to_owned();
    }
    let name = instrument.map_or(String::new(), |name| format!("{name} "));
    let unit = unit.map_or(String::new(), |label| format!(" {}", label.word_in(lang)));
    show(name, seen, limit, unit)
}

/// Whether a gate saw a record that is late, which counts as a ring that is fuller than it is. One
/// that was filled to just that share cannot be told from it: the record holds the share alone.
#[must_use]
pub fn is_late_record(gate: Gate, seen: i64) -> bool {
    gate == Gate::RecordRoom && seen == i64::from(RECORD_LATE_PCT)
}

fn unit(gate: Gate) -> Option<Label> {
    match gate {
        Gate::SpreadPosition => Some(Label::Units),
        Gate::OrderSize
        | Gate::Position
        | Gate::AccountOrderSize
        | Gate::AccountPosition
        | Gate::SelfMatch => Some(Label::Lots),
        _ => None,
    }
}

/// A gate's figure; `None` for gates whose figures say nothing to a person.
#[must_use]
pub fn figure(
    gate: Gate,
    value: i64,
    instrument: Option<&InstrumentSetting>,
    digits: usize,
) -> Option<String> {
    match gate {
        Gate::CoolDown | Gate::Hold | Gate::QuoteAge | Gate::QuoteSkew | Gate::Hours => {
            Some(number::span(Span(u64::try_from(value).unwrap_or(0))))
        }
        Gate::Collar | Gate::PriceBand => {
            let plain = || number::e9(value.into(), 4);
            Some(instrument.map_or_else(plain, |row| row.price(value)))
        }
        Gate::Hysteresis => Some(number::e9(value.into(), digits)),
        Gate::Loss => Some(number::e9(value.into(), 0)),
        Gate::RecordRoom => Some(format!("{value}%")),
        Gate::CollarFraction => Some(format!("{}%", number::e9(i128::from(value) * 100, 3))),
        Gate::SpreadPosition
        | Gate::OrderSize
        | Gate::Position
        | Gate::AccountOrderSize
        | Gate::AccountPosition
        | Gate::SelfMatch
        | Gate::OrderValue
        | Gate::OpenOrders
        | Gate::AccountOpenOrders
        | Gate::Rate
        | Gate::InstrumentRate
        | Gate::AccountRate
        | Gate::FireRate
        | Gate::RingRoom
        | Gate::Arena => Some(number::figure(value)),
        Gate::Passed
        | Gate::SafeState
        | Gate::Disabled
        | Gate::Halted
        | Gate::InFlight
        | Gate::ChannelState
        | Gate::QuoteQuality
        | Gate::SessionState
        | Gate::Instrument
        | Gate::Doubt
        | Gate::Reducing
        | Gate::UserRule
        | Gate::Overflow => None,
    }
}

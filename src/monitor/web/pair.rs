//! A pair as JSON: in full for the one that is looked at, in short for the list.

use super::moment::{decimal, money_e18};
use crate::monitor::setting::{InstrumentSetting, Market, SpreadSetting};
use crate::monitor::tally::LegProfit;
use crate::monitor::view::{LegView, Level, PairView, View};
use serde::Serialize;
use xmc_hotpath::message::{Decision, MAX_LEGS};
use xmc_hotpath::time::Span;

/// A pair in full.
#[derive(Debug, Serialize)]
pub struct PairTold<'v> {
    row: usize,
    name: &'v str,
    unit: &'v str,
    currency: &'v str,
    /// Digits behind the point of its values.
    digits: usize,
    state: &'static str,
    units: i64,
    in_flight: bool,
    /// Lots stand on one side only.
    exposed: bool,
    unhedged_ns: Option<u64>,
    buy: Option<String>,
    sell: Option<String>,
    levels: Levels,
    max_units: Option<u32>,
    clip_units: Option<u32>,
    buyable_units: u64,
    sellable_units: u64,
    skew_ns: Option<u64>,
    max_skew_ns: Option<u64>,
    max_age_ns: Option<u64>,
    fires: u64,
    round_trips: u64,
    decision: Option<DecisionTold>,
    total: Option<String>,
    fx: Option<String>,
    legs: Vec<LegTold<'v>>,
}

/// Values at which it fires; `null`: never.
#[derive(Debug, Default, Serialize)]
struct Levels {
    open_long: Option<String>,
    close_long: Option<String>,
    open_short: Option<String>,
    close_short: Option<String>,
}

/// The last decision.
#[derive(Debug, Serialize)]
struct DecisionTold {
    ago_ns: u64,
    intent: &'static str,
    gate: &'static str,
    units: u32,
    value: String,
    level: String,
    /// How far apart the ages of its quotes were.
    skew_ns: u64,
    ages_ns: Vec<u64>,
}

/// A leg.
#[derive(Debug, Serialize)]
struct LegTold<'v> {
    name: &'v str,
    venue: &'v str,
    market: &'static str,
    currency: &'v str,
    unit: &'v str,
    /// Lots per unit; 0 if it only prices.
    ratio: i32,
    last: Option<String>,
    last_lots: Option<u32>,
    /// Who came to trade; `null` if that is not told.
    last_side: Option<&'static str>,
    bids: Vec<LevelTold>,
    asks: Vec<LevelTold>,
    buyable_lots: u64,
    sellable_lots: u64,
    age_ns: Option<u64>,
    quality: &'static str,
    channel: &'static str,
    /// The order session; `null` if it only prices.
    session: Option<&'static str>,
    /// How long its market stays open; below 1 it is shut; `null`: no hours are kept.
    open_for_ns: Option<i64>,
    unhedged_lots: i64,
    #[serde(flatten)]
    profit: ProfitTold,
}

/// Price and lots.
#[derive(Debug, Serialize)]
struct LevelTold(String, u32);

/// What one leg has made, in its own currency.
#[derive(Debug, Serialize)]
struct ProfitTold {
    lots: i64,
    realised: String,
    open: Option<String>,
    /// Both together.
    made: Option<String>,
}

/// A pair in short.
#[derive(Debug, Serialize)]
pub struct PairRow<'v> {
    row: usize,
    name: &'v str,
    currency: &'v str,
    state: &'static str,
    units: i64,
    in_flight: bool,
    exposed: bool,
    unhedged_ns: Option<u64>,
    buy: Option<String>,
    sell: Option<String>,
    buyable_units: u64,
    sellable_units: u64,
    fires: u64,
    round_trips: u64,
    total: Option<String>,
    legs: Vec<LegRow<'v>>,
}

/// A leg in short.
#[derive(Debug, Serialize)]
struct LegRow<'v> {
    name: &'v str,
    currency: &'v str,
    unhedged_lots: i64,
    /// Realised and open together; `null` if there was never a price.
    made: Option<String>,
}

impl<'v> PairTold<'v> {
    /// The pair in row `row`.
    pub fn of(view: &'v View, row: usize) -> Self {
        let (pair, setting) = (&view.pairs[row], &view.setting.spreads[row]);
        let value = |value_e9: i64| decimal(value_e9.into(), setting.digits);
        let spec = pair.spec.as_ref();
        let span = |of: fn(&xmc_hotpath::message::SpreadSpec) -> Span| spec.map(|spec| of(spec).0);
        let shown = setting.shown_legs(&view.setting.instruments);
        Self {
            row,
            name: &setting.name,
            unit: &setting.unit,
            currency: &setting.currency,
            digits: setting.digits,
            state: pair.state.word(),
            units: pair.position_units,
            in_flight: pair.is_in_flight,
            exposed: pair.is_exposed(),
            unhedged_ns: pair.unhedged_for.map(|span| span.0),
            buy: pair.buy_e9.map(value),
            sell: pair.sell_e9.map(value),
            levels: levels(pair, setting),
            max_units: spec.map(|spec| spec.max_units),
            clip_units: spec.map(|spec| spec.clip_units),
            buyable_units: pair.buyable_units,
            sellable_units: pair.sellable_units,
            skew_ns: pair.skew.map(|skew| skew.0),
            max_skew_ns: span(|spec| spec.max_quote_skew),
            max_age_ns: span(|spec| spec.max_quote_age),
            fires: pair.fires,
            round_trips: pair.round_trips,
            decision: pair.last_decision.map(|(ago, decision)| {
                let ages = &decision.quote_age[..setting.legs.len().min(MAX_LEGS)];
                DecisionTold {
                    ago_ns: ago.0,
                    intent: decision.intent.word(),
                    gate: decision.gate.word(),
                    units: decision.units,
                    value: value(decision.value_e9),
                    level: met_level(decision.level_e9, setting.digits),
                    skew_ns: skew_ns(&decision, ages.len()),
                    ages_ns: ages.iter().map(|age| age.0).collect(),
                }
            }),
            total: pair.profit.total_e9.map(|total| decimal(total, 2)),
            fx: pair.profit.fx_e9.map(|fx| decimal(fx, 2)),
            legs: shown.iter().map(|leg| leg_told(view, pair, *leg)).collect(),
        }
    }
}

/// How far apart the quotes of a decision were in age, of its first `legs` legs.
pub fn skew_ns(decision: &Decision, legs: usize) -> u64 {
    let ages = &decision.quote_age[..legs.min(MAX_LEGS)];
    let oldest = ages.iter().max().map_or(0, |age| age.0);
    oldest - ages.iter().min().map_or(0, |age| age.0)
}

/// The level that a decision met; both ends of the range are met by whatever it is worth.
pub fn met_level(level_e9: i64, digits: usize) -> String {
    match level_e9 {
        i64::MIN | i64::MAX => "*".to_owned(),
        level_e9 => decimal(level_e9.into(), digits),
    }
}

fn levels(pair: &PairView, setting: &SpreadSetting) -> Levels {
    let Some(spec) = &pair.spec else { return Levels::default() };
    // Both ends of the range stand for never.
    let level = |level_e9: i64| {
        let is_set = level_e9 != i64::MIN && level_e9 != i64::MAX;
        is_set.then(|| decimal(level_e9.into(), setting.digits))
    };
    Levels {
        open_long: level(spec.buy_open_e9),
        close_long: level(spec.buy_close_e9),
        open_short: level(spec.sell_open_e9),
        close_short: level(spec.sell_close_e9),
    }
}

fn leg_told<'v>(view: &'v View, pair: &PairView, place: usize) -> LegTold<'v> {
    let leg = &pair.legs[place];
    let instrument = &view.setting.instruments[leg.instrument];
    let session = instrument.gateway.and_then(|row| view.gateways.get(row));
    LegTold {
        name: &instrument.name,
        venue: &instrument.venue,
        market: match instrument.market {
            Market::Domestic => "domestic",
            Market::Overseas => "overseas",
        },
        currency: &instrument.currency,
        unit: &instrument.unit,
        ratio: leg.ratio_lots,
        last: leg.last.map(|last| price(instrument, last.price_e9)),
        last_lots: leg.last.and_then(|last| last.lots),
        last_side: leg.last.and_then(|last| last.aggressor).map(|side| side.word()),
        bids: told(&leg.bids, instrument),
        asks: told(&leg.asks, instrument),
        buyable_lots: leg.buyable_lots,
        sellable_lots: leg.sellable_lots,
        age_ns: leg.age.map(|age| age.0),
        quality: leg.quality.word(),
        channel: leg.channel.word(),
        session: session.filter(|_| leg.ratio_lots != 0).map(|row| row.state.word()),
        open_for_ns: hours(leg),
        unhedged_lots: leg.unhedged_lots,
        profit: profit(&pair.profit.legs[place]),
    }
}

/// What is left of the market's hours; `None` where they have no end.
fn hours(leg: &LegView) -> Option<i64> {
    /// A window this long is one that nobody has set.
    const YEAR_NS: i64 = 366 * 86_400 * 1_000_000_000;
    (leg.open_for_ns < YEAR_NS).then_some(leg.open_for_ns)
}

fn told(levels: &[Level], instrument: &InstrumentSetting) -> Vec<LevelTold> {
    levels.iter().map(|level| LevelTold(price(instrument, level.price_e9), level.lots)).collect()
}

/// A price as its market writes it, without separators.
pub fn price(instrument: &InstrumentSetting, price_e9: i64) -> String {
    instrument.price(price_e9).replace(',', "")
}

fn profit(made: &LegProfit) -> ProfitTold {
    ProfitTold {
        lots: made.position_lots,
        realised: money_e18(made.realised_e18),
        open: made.open_e18.map(money_e18),
        made: made.open_e18.map(|open| money_e18(open + made.realised_e18)),
    }
}

impl<'v> PairRow<'v> {
    /// The pair in row `row`.
    pub fn of(view: &'v View, row: usize) -> Self {
        let (pair, setting) = (&view.pairs[row], &view.setting.spreads[row]);
        let value = |value_e9: i64| decimal(value_e9.into(), setting.digits);
        let shown = setting.shown_legs(&view.setting.instruments);
        let traded = shown.iter().filter(|leg| setting.legs[**leg].ratio_lots != 0);
        let legs = traded.map(|leg| {
            let instrument = &view.setting.instruments[setting.legs[*leg].instrument];
            let made = &pair.profit.legs[*leg];
            LegRow {
                name: &instrument.name,
                currency: &instrument.currency,
                unhedged_lots: pair.legs[*leg].unhedged_lots,
                made: made.open_e18.map(|open| money_e18(open + made.realised_e18)),
            }
        });
        Self {
            row,
            name: &setting.name,
            currency: &setting.currency,
            state: pair.state.word(),
            units: pair.position_units,
            in_flight: pair.is_in_flight,
            exposed: pair.is_exposed(),
            unhedged_ns: pair.unhedged_for.map(|span| span.0),
            buy: pair.buy_e9.map(value),
            sell: pair.sell_e9.map(value),
            buyable_units: pair.buyable_units,
            sellable_units: pair.sellable_units,
            fires: pair.fires,
            round_trips: pair.round_trips,
            total: pair.profit.total_e9.map(|total| decimal(total, 2)),
            legs: legs.collect(),
        }
    }
}

//! `[[spread]]`: what is bought and sold together, how it is priced, and when.
//!
//! The value of a spread is `constant + sum(weight * price)` over its legs. A traded leg's weight
//! is its coefficient with the sign of its ratio, so buying the spread buys the legs of positive
//! ratio and sells the others. A leg that only prices (`trade = false`: a currency, a tax) has no
//! ratio, and its coefficient carries the sign.

use super::breaker::{Breaker, breakers};
use super::engine::{Defaults, Engine, cool_down_ms, hysteresis_e9, quote_ms};
use super::error::{Problem, Rule};
use super::market::InstrumentIndex;
use super::names::Registry;
use super::rational::Rational;
use super::rest::{self, Rest};
use super::rule::{UserRule, rules};
use super::section::{Section, Written};
use super::term::{self, Term};
use super::value::{
    Coefficient, Exact, boolean, decimal_e9, decimal_q32, exact, line, name, whole, word,
};
use xmc_hotpath::execute::repair::MAX_TRIES;
use xmc_hotpath::message::{LegsFirst, Measure, RepairEnd};

/// How long an order may wait for a match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeInForce {
    /// Take what is there, cancel the rest (FAK, IOC).
    #[default]
    FillAndKill,
    /// All or nothing, at once.
    FillOrKill,
    /// Rest until the session ends.
    Day,
}

/// The hedge/speculate flag of a spread's orders (套保 / 投机), where the market asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HedgeFlag {
    /// 套利.
    #[default]
    Arbitrage,
    /// 套保.
    Hedge,
    /// 投机.
    Speculate,
}

const HEDGE_FLAGS: &[(&str, HedgeFlag)] = &[
    ("arbitrage", HedgeFlag::Arbitrage),
    ("hedge", HedgeFlag::Hedge),
    ("speculate", HedgeFlag::Speculate),
];

impl HedgeFlag {
    /// The word in the file.
    pub fn word(self) -> &'static str {
        super::word_for(HEDGE_FLAGS, self)
    }
}

impl Repair {
    /// The word of what follows in the file.
    pub fn then_word(&self) -> &'static str {
        super::word_for(REPAIR_ENDS, self.then)
    }
}

impl TimeInForce {
    pub(crate) const WORDS: &[(&str, Self)] =
        &[("fak", Self::FillAndKill), ("fok", Self::FillOrKill), ("day", Self::Day)];

    /// The word in the file.
    pub fn word(self) -> &'static str {
        super::word_for(Self::WORDS, self)
    }
}

/// One leg of a spread.
#[derive(Clone, Debug)]
pub struct Leg {
    /// What it prices, and trades.
    pub instrument: Written<InstrumentIndex>,
    /// Whether it is traded, or only prices.
    pub is_traded: bool,
    /// Lots per unit of the spread: bought with it when positive, sold when negative; 0 when the
    /// leg only prices.
    pub ratio: Written<i32>,
    /// From the quoted price into the spread's unit, as written or as it follows from terms.
    pub coefficient: Written<Coefficient>,
    /// Why the coefficient is what it is; none where it is written as a number, and where the leg
    /// is the `price_of` another one.
    pub terms: Vec<Term>,
    /// The price that the product with another price is made linear around.
    pub reference: Option<Written<Exact>>,
    /// The coefficient in Q32 with its direction: what the price is multiplied with.
    pub weight_q32: i64,
    /// How far beyond the seen price an order may reach.
    pub pay_up_ticks: Written<u32>,
    /// Lots that must be shown up to a price for it to count; 0 if as many as are wanted do.
    pub min_lean_lots: u32,
    /// It rests while the level is not met at crossing prices; `None`: it does not.
    pub rest: Option<Rest>,
}

/// Whether fees are in what the levels are compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Levels {
    /// They are not: the distance between opening and closing has to carry them.
    #[default]
    BeforeFees,
    /// They are: buying costs its fees more, selling brings its fees less.
    AfterFees,
}

const LEVELS: &[(&str, Levels)] =
    &[("before_fees", Levels::BeforeFees), ("after_fees", Levels::AfterFees)];

impl Levels {
    /// The word in the file.
    pub fn word(self) -> &'static str {
        super::word_for(LEVELS, self)
    }
}

const MEASURES: &[(&str, Measure)] =
    &[("difference", Measure::Difference), ("ratio", Measure::Ratio)];

/// The values at which a spread is traded, units of 1e-9 of its unit; of 1 if they are ratios.
#[derive(Clone, Debug, Default)]
pub struct Triggers {
    /// Opens a long position when the spread can be bought at or below.
    pub buy_open_e9: Option<Written<i64>>,
    /// Closes a long position when the spread can be sold at or above.
    pub buy_close_e9: Option<Written<i64>>,
    /// Opens a short position when the spread can be sold at or above.
    pub sell_open_e9: Option<Written<i64>>,
    /// Closes a short position when the spread can be bought at or below.
    pub sell_close_e9: Option<Written<i64>>,
}

impl Triggers {
    /// The triggers that are set, with their keys.
    pub fn set(&self) -> impl Iterator<Item = (&'static str, &Written<i64>)> {
        let all = [
            ("buy_open", &self.buy_open_e9),
            ("buy_close", &self.buy_close_e9),
            ("sell_open", &self.sell_open_e9),
            ("sell_close", &self.sell_close_e9),
        ];
        all.into_iter().filter_map(|(key, level)| level.as_ref().map(|level| (key, level)))
    }
}

/// What is done about a fire whose legs end out of ratio (补单 / 回退).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repair {
    /// Tries before it is given up.
    pub tries: u8,
    /// Time for all of them.
    pub within_ms: u32,
    /// The most that a fire may come to cost by a repair, units of 1e-9 of the currency of the
    /// first leg; `None` for no bound.
    pub max_cost_e9: Option<i64>,
    /// What follows when nothing helped.
    pub then: RepairEnd,
}

/// What a fire may lose at worst by ending one-sided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxLoss {
    /// Units of 1e-9 of the currency of the first leg.
    pub max_e9: i64,
    /// The part of its price by which a leg may have moved when it is traded back, Q32.
    pub stress_q32: u32,
}

const REPAIR_ENDS: &[(&str, RepairEnd)] =
    &[("halt", RepairEnd::Halt), ("flatten", RepairEnd::Flatten)];

const LEGS_FIRST: &[(&str, LegsFirst)] =
    &[("together", LegsFirst::Together), ("least_liquid", LegsFirst::LeastLiquid)];

/// Two to four legs that are traded as one.
#[derive(Clone, Debug)]
pub struct Spread {
    /// How reports call it.
    pub name: Written<String>,
    /// The strategy it belongs to.
    pub strategy: String,
    /// The account it trades on.
    pub account: Written<String>,
    /// The project its receipts are filed under.
    pub project: String,
    /// What its value counts, for people.
    pub unit: String,
    /// The legs, in the order of the file.
    pub legs: Vec<Leg>,
    /// Added to the weighted prices, units of 1e-9 of the unit: what is written, and what making
    /// products of prices linear adds.
    pub constant_e9: i64,
    /// The written part of it.
    pub own_constant_e9: i64,
    /// What the written part is, for people.
    pub constant_name: Option<String>,
    /// The other part, before it is rounded.
    pub linear_constant: Rational,
    /// The part of the constant that a ratio has in its denominator, units of 1e-9 of the unit.
    pub short_constant_e9: i64,
    /// What the triggers count: the difference of the legs, or their ratio.
    pub measure: Measure,
    /// Whether they are before or after fees; `None` where nothing is said: before.
    pub levels: Option<Written<Levels>>,
    /// How long a level that opens must have been met without a break.
    pub open_hold_ms: u32,
    /// How long one that closes.
    pub close_hold_ms: u32,
    /// When it is traded.
    pub triggers: Triggers,
    /// The largest position, long or short.
    pub max_units: Written<u32>,
    /// What one fire trades.
    pub clip_units: Written<u32>,
    /// Rest after a fire.
    pub cool_down_ms: u32,
    /// How far the value must leave a trigger before that trigger can fire again.
    pub hysteresis_e9: Written<i64>,
    /// A quote older than this never fires.
    pub max_quote_age_ms: Written<u32>,
    /// Quotes whose ages differ by more than this never fire.
    pub max_quote_skew_ms: Written<u32>,
    /// Of the orders of a fire.
    pub time_in_force: TimeInForce,
    /// The flag on its orders.
    pub hedge_flag: HedgeFlag,
    /// Whether it may fire from the start; one that may not waits for an operator.
    pub is_enabled: bool,
    /// What is done about a fire whose legs end out of ratio; `None`: the spread is halted.
    pub repair: Option<Repair>,
    /// The most that a fire may lose by ending one-sided; `None` for no bound.
    pub max_loss: Option<MaxLoss>,
    /// Which legs of a fire are sent first.
    pub legs_first: LegsFirst,
    /// What may go wrong with its orders how often.
    pub breakers: Vec<Breaker>,
    /// What the user has it asked.
    pub rules: Vec<UserRule>,
    /// By how much the weights of traded legs may differ from their lots and multipliers, units
    /// of 1e-9 (a fraction).
    pub balance_tolerance_e9: i64,
    /// Where the spread is written.
    pub place: super::Place,
}

/// Weights that follow whole lots are rarely exact: 9 lots of 5 t against 4 of 25,000 lb miss by
/// 0.8 %, the board crush by 1.8 %.
const BALANCE_TOLERANCE_E9: i64 = 50_000_000;

pub(crate) fn spread(
    section: Section<'_>,
    names: &Registry,
    defaults: &Defaults,
    engine: Option<&Engine>,
) -> Option<Spread> {
    let project = section.optional("project", name).map(|project| project.value);
    let level = |key| section.optional(key, decimal_e9("-1000000", "1000000"));
    // A quarter of an hour is a view of the market, not of a quote.
    let hold_ms =
        |key| section.optional(key, whole(0..=900_000)).map_or(0, |hold: Written<u32>| hold.value);
    let (legs, linear_constant) = legs(&section, names);
    let repair = repair(&section);
    let rules = rules(&section, names, &legs, repair.is_some());
    let own_constant_e9 = level("constant").map_or(0, |constant| constant.value);
    let short_constant_e9 = term::short_constant_e9(&legs).saturating_sub(own_constant_e9.min(0));
    let spread = Spread {
        name: section.required("name", name),
        strategy: section.required("strategy", name).value,
        account: section.required("account", name),
        project: project
            .or_else(|| engine.map(|engine| engine.project.clone()))
            .unwrap_or_default(),
        unit: section.required("unit", line(40)).value,
        legs,
        // Each is at most 10^15.
        constant_e9: own_constant_e9 + linear_constant.nearest_e9().unwrap_or(0),
        own_constant_e9,
        constant_name: section.optional("constant_name", line(60)).map(|name| name.value),
        linear_constant,
        short_constant_e9,
        measure: section
            .optional("measure", word(MEASURES))
            .map_or(Measure::Difference, |measure| measure.value),
        levels: section.optional("levels", word(LEVELS)),
        open_hold_ms: hold_ms("open_hold_ms"),
        close_hold_ms: hold_ms("close_hold_ms"),
        triggers: Triggers {
            buy_open_e9: level("buy_open"),
            buy_close_e9: level("buy_close"),
            sell_open_e9: level("sell_open"),
            sell_close_e9: level("sell_close"),
        },
        max_units: section.required("max_units", whole(1..=10_000)),
        clip_units: section.required("clip_units", whole(1..=10_000)),
        cool_down_ms: section
            .inherited("cool_down_ms", defaults.cool_down_ms.as_ref(), cool_down_ms)
            .value,
        hysteresis_e9: section.inherited(
            "hysteresis",
            defaults.hysteresis_e9.as_ref(),
            hysteresis_e9,
        ),
        max_quote_age_ms: section.inherited(
            "max_quote_age_ms",
            defaults.max_quote_age_ms.as_ref(),
            quote_ms,
        ),
        max_quote_skew_ms: section.inherited(
            "max_quote_skew_ms",
            defaults.max_quote_skew_ms.as_ref(),
            quote_ms,
        ),
        time_in_force: section
            .inherited("time_in_force", defaults.time_in_force.as_ref(), word(TimeInForce::WORDS))
            .value,
        hedge_flag: section
            .optional("hedge_flag", word(HEDGE_FLAGS))
            .map_or(HedgeFlag::Arbitrage, |flag| flag.value),
        repair,
        max_loss: max_loss(&section),
        legs_first: section
            .optional("legs_first", word(LEGS_FIRST))
            .map_or(LegsFirst::Together, |first| first.value),
        breakers: breakers(&section),
        rules,
        is_enabled: section.optional("enabled", boolean).is_none_or(|enabled| enabled.value),
        balance_tolerance_e9: section
            .optional("balance_tolerance", decimal_e9("0.000000001", "0.5"))
            .map_or(BALANCE_TOLERANCE_E9, |tolerance| tolerance.value),
        place: section.place().clone(),
    };
    rest::check(&section, &spread.legs, spread.repair.is_some());
    section.finish(spread)
}

impl Spread {
    /// Whether its levels are after fees.
    pub fn is_after_fees(&self) -> bool {
        self.levels.as_ref().is_some_and(|levels| levels.value == Levels::AfterFees)
    }
}

/// The keys of a repair: tries and time are needed as soon as one of them is there.
fn repair(section: &Section<'_>) -> Option<Repair> {
    let keys = ["repair_tries", "repair_within_ms", "repair_max_cost", "repair_then"];
    if !keys.iter().any(|key| section.has(key)) {
        return None;
    }
    Some(Repair {
        tries: section.required("repair_tries", whole(1..=MAX_TRIES)).value,
        // A minute out of ratio is a position, not a repair.
        within_ms: section.required("repair_within_ms", whole(1..=60_000)).value,
        max_cost_e9: section
            .optional("repair_max_cost", decimal_e9("0", "1000000000"))
            .map(|cost| cost.value),
        then: section
            .optional("repair_then", word(REPAIR_ENDS))
            .map_or(RepairEnd::Halt, |then| then.value),
    })
}

/// A bound says nothing without the move that it is to hold in: both keys or none.
fn max_loss(section: &Section<'_>) -> Option<MaxLoss> {
    if !["max_loss", "max_loss_stress"].iter().any(|key| section.has(key)) {
        return None;
    }
    let max = section.required("max_loss", decimal_e9("0", "1000000000"));
    let stress = section.required("max_loss_stress", decimal_e9("0", "0.5"));
    // At most half of 2^32; a part of a unit more rather than less.
    let stress_q32 = ((i128::from(stress.value) << 32) + 999_999_999) / 1_000_000_000;
    Some(MaxLoss { max_e9: max.value, stress_q32: u32::try_from(stress_q32).unwrap_or(u32::MAX) })
}

/// The legs, and what their products of prices add to the constant.
fn legs(section: &Section<'_>, names: &Registry) -> (Vec<Leg>, Rational) {
    let tables = section.tables("leg");
    if !(2..=4).contains(&tables.len()) && !section.is_broken() {
        section.fail(
            Problem::new(
                Rule::Legs,
                format!("{} has {} legs, and must have 2 to 4", section.title(), tables.len()),
                section.place().clone(),
                "two to four [[spread.leg]] below this",
            )
            .help("a spread trades at least two instruments against each other"),
        );
    }
    let mut legs: Vec<Leg> = Vec::new();
    for table in tables {
        match leg(table, names) {
            Some(leg) => legs.push(leg),
            None => section.spoil(),
        }
    }
    for (position, leg) in legs.iter().enumerate() {
        let same = |other: &&Leg| other.instrument.value == leg.instrument.value;
        if let Some(first) = legs[..position].iter().find(same) {
            section.fail(
                Problem::new(
                    Rule::Legs,
                    format!("two legs of {} are the same instrument", section.title()),
                    leg.instrument.place.clone(),
                    "again here",
                )
                .also(&first.instrument.place, "a leg already"),
            );
        }
    }
    // What is missing may be in a leg that could not be read.
    let is_whole = !section.is_broken();
    let constant = is_whole.then(|| term::resolve(section, &mut legs)).flatten();
    (legs, constant.unwrap_or_default())
}

fn leg(section: Section<'_>, names: &Registry) -> Option<Leg> {
    let instrument = names.instruments.resolve(&section, "instrument");
    let is_traded = section.optional("trade", boolean).is_none_or(|trade| trade.value);
    let written = section.optional("coefficient", decimal_q32("-1000000", "1000000"));
    let terms = term::terms(&section, names);
    let reference = section.optional("reference", exact("0.000001", "1000000"));
    let ratio = ratio(&section, is_traded);
    let is_written = written.is_some();
    let coefficient = coefficient(&section, written, &terms, &instrument);
    if is_written && coefficient.q32 == 0 && !section.is_broken() {
        section.fail(Problem::new(
            Rule::Ratio,
            "a coefficient of zero takes the leg out of the spread",
            coefficient.place.clone(),
            "zero",
        ));
    }
    if is_traded && coefficient.q32 < 0 {
        section.fail(
            Problem::new(
                Rule::Ratio,
                format!("the coefficient of a traded leg is {}", coefficient.text),
                coefficient.place.clone(),
                "negative",
            )
            .help(
                "a traded leg's direction is the sign of its ratio; write a positive coefficient",
            ),
        );
    }
    let weight_q32 = if ratio.value < 0 { -coefficient.q32 } else { coefficient.q32 };
    let pay_up_ticks = section.optional("pay_up_ticks", whole(0..=1_000));
    let min_lean_lots = section.optional("min_lean_lots", whole(1..=1_000_000));
    let leg = Leg {
        min_lean_lots: min_lean_lots.map_or(0, |lots| lots.value),
        rest: rest::rest(&section),
        pay_up_ticks: pay_up_ticks
            .unwrap_or_else(|| Written { value: 0, place: section.place().clone() }),
        instrument,
        is_traded,
        ratio,
        coefficient,
        terms,
        reference,
        weight_q32,
    };
    section.finish(leg)
}

/// The coefficient as it is written or follows from terms; one without text may follow from the
/// terms of another leg.
fn coefficient(
    section: &Section<'_>,
    written: Option<Written<Coefficient>>,
    terms: &[Term],
    instrument: &Written<InstrumentIndex>,
) -> Written<Coefficient> {
    if let (Some(written), Some(term)) = (&written, terms.first()) {
        section.fail(
            Problem::new(
                Rule::Terms,
                format!("{} has a coefficient, and terms that one follows from", section.title()),
                written.place.clone(),
                "a number",
            )
            .also(&term.place, "the first of the terms")
            .help("keep the terms: they say why"),
        );
    }
    let nothing = || Written { value: Coefficient::default(), place: instrument.place.clone() };
    match written {
        Some(written) => written,
        None if section.is_broken() => nothing(),
        None => term::coefficient(section, terms).unwrap_or_else(nothing),
    }
}

fn ratio(section: &Section<'_>, is_traded: bool) -> Written<i32> {
    if !is_traded {
        if section.has("ratio") {
            let ratio = section.required("ratio", whole(-1_000..=1_000));
            section.fail(
                Problem::new(
                    Rule::Ratio,
                    "a leg that only prices has a ratio",
                    ratio.place,
                    "trades nothing",
                )
                .help("remove the ratio, or write trade = true"),
            );
        }
        return section
            .absent("ratio")
            .unwrap_or_else(|| Written { value: 0, place: section.place().clone() });
    }
    let ratio = section.required("ratio", whole(-1_000..=1_000));
    if ratio.value == 0 && !section.is_broken() {
        section.fail(
            Problem::new(
                Rule::Ratio,
                "a traded leg has the ratio 0",
                ratio.place.clone(),
                "no lots, no direction",
            )
            .help("write lots per unit, negative to sell; or trade = false for a pricing leg"),
        );
    }
    ratio
}

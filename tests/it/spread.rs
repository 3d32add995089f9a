//! The evaluator against a reference that counts books out lot by lot and tries every size.

use proptest::prelude::*;
use xmc_hotpath::message::{
    AccountId, Depth, HedgeFlag, InstrumentIndex, Intent, LegSpec, LegsFirst, LossSpec, MAX_LEGS,
    Measure, ProjectId, QUOTE_LEVELS, RepairSpec, SpreadIndex, SpreadSpec, StrategyId, TimeInForce,
    TriggerSpec, WorkSpec,
};
use xmc_hotpath::price::ONE_Q32;
use xmc_hotpath::spread::{self, LegBook, MAX_COEFFICIENT_Q32, Trigger};
use xmc_hotpath::time::Span;

/// A leg and its book, owned.
#[derive(Clone, Debug)]
struct Leg {
    spec: LegSpec,
    bids: Depth,
    asks: Depth,
    taken: (u32, u32),
}

/// The worst price of `lots` beyond `taken`: the last of a list with one entry per lot.
fn last_of(depth: &Depth, taken: u32, lots: u32) -> Option<i64> {
    let mut queue = Vec::new();
    for (price, shown) in depth.price_e9.iter().zip(depth.lots) {
        if shown == 0 {
            break;
        }
        queue.extend(std::iter::repeat_n(*price, shown as usize));
    }
    queue.get((taken + lots.max(1) - 1) as usize).copied()
}

/// The spread's value and prices for so many units, exactly, in units of 1e-9 / 2^32.
fn reference(
    spec: &SpreadSpec,
    legs: &[Leg],
    is_buy: bool,
    units: u32,
) -> Option<(i128, Vec<i64>)> {
    let paid = if is_buy { 1 } else { -1 };
    let fee = i128::from(spec.trigger.fee_e9) * paid;
    let mut sum = (i128::from(spec.constant_e9) + fee) * (1 << 32);
    let mut prices = Vec::new();
    for (leg, fee) in legs.iter().zip(spec.trigger.fee_q32) {
        let lots = (leg.spec.ratio_lots.unsigned_abs() * units).max(leg.spec.min_lean_lots);
        let sign = match leg.spec.ratio_lots {
            0 => leg.spec.coefficient_q32.signum(),
            ratio => i64::from(ratio),
        };
        let price = if (sign > 0) == is_buy {
            last_of(&leg.asks, leg.taken.1, lots)?
        } else {
            last_of(&leg.bids, leg.taken.0, lots)?
        };
        sum += i128::from(price) * i128::from(leg.spec.coefficient_q32);
        sum += i128::from(price).abs() * i128::from(fee) * paid;
        prices.push(price);
    }
    Some((sum, prices))
}

/// The ratio of what is added to what is taken off, as a numerator and a denominator of Q32.
fn ratio_of(spec: &SpreadSpec, legs: &[Leg], is_buy: bool, prices: &[i64]) -> (i128, i128) {
    let paid = if is_buy { 1 } else { -1 };
    let sold_fee = i128::from(spec.trigger.short_fee_e9);
    let bought_fee = i128::from(spec.trigger.fee_e9) - sold_fee;
    let (constant, short) = (spec.constant_e9, i128::from(spec.trigger.short_constant_e9));
    let long = i128::from(constant) + short + bought_fee * paid;
    let mut sides = (long << 32, (short - sold_fee * paid) << 32);
    for ((leg, price), fee) in legs.iter().zip(prices).zip(spec.trigger.fee_q32) {
        let fee = i128::from(*price).abs() * i128::from(fee) * paid;
        let part = i128::from(*price) * i128::from(leg.spec.coefficient_q32) + fee;
        if leg.spec.coefficient_q32 > 0 { sides.0 += part } else { sides.1 -= part }
    }
    sides
}

/// Whether prices meet a level, by the one side times 1e9 against the level times the other.
fn is_met(spec: &SpreadSpec, legs: &[Leg], is_buy: bool, found: (i128, &[i64]), at: i64) -> bool {
    let (left, right) = match spec.trigger.measure {
        Measure::Difference => (found.0, i128::from(at) * (1 << 32)),
        Measure::Ratio => {
            let (long, short) = ratio_of(spec, legs, is_buy, found.1);
            if short <= 0 {
                return false;
            }
            (long * 1_000_000_000, i128::from(at) * short)
        }
    };
    if is_buy { left <= right } else { left >= right }
}

/// What is told of prices, cut to 1e-9.
fn told(spec: &SpreadSpec, legs: &[Leg], is_buy: bool, (sum, prices): (i128, &[i64])) -> i64 {
    let value = match spec.trigger.measure {
        Measure::Difference => sum.div_euclid(1 << 32),
        Measure::Ratio => {
            let (long, short) = ratio_of(spec, legs, is_buy, prices);
            (long * 1_000_000_000).div_euclid(short)
        }
    };
    i64::try_from(value.clamp(i64::MIN.into(), i64::MAX.into())).expect("clamped")
}

/// What `evaluate` ought to say: each intent in turn, every size from the largest down.
fn expected(spec: &SpreadSpec, legs: &[Leg], held: i32) -> Option<Trigger> {
    let room = i64::from(spec.max_units) - i64::from(held).abs();
    let open = room.clamp(0, i64::from(spec.clip_units)) as u32;
    let close = held.unsigned_abs().min(spec.clip_units);
    let turns = [
        (Intent::CloseLong, held > 0 && spec.buy_close_e9 != i64::MAX, spec.buy_close_e9, close),
        (Intent::CloseShort, held < 0 && spec.sell_close_e9 != i64::MIN, spec.sell_close_e9, close),
        (Intent::OpenLong, held >= 0 && spec.buy_open_e9 != i64::MIN, spec.buy_open_e9, open),
        (Intent::OpenShort, held <= 0 && spec.sell_open_e9 != i64::MAX, spec.sell_open_e9, open),
    ];
    for (intent, _, level_e9, most) in turns.into_iter().filter(|turn| turn.1) {
        let meets = |units: u32| {
            let found = reference(spec, legs, intent.is_buy(), units);
            found.filter(|(sum, prices)| {
                is_met(spec, legs, intent.is_buy(), (*sum, prices), level_e9)
            })
        };
        let Some(smallest) = meets(1) else {
            continue;
        };
        let best = (1..=most).rev().find_map(|units| Some((units, meets(units)?)));
        let (units, (sum, prices)) = best.unwrap_or((0, smallest));
        let mut prices_e9 = [0; MAX_LEGS];
        prices_e9[..prices.len()].copy_from_slice(&prices);
        let value_e9 = told(spec, legs, intent.is_buy(), (sum, &prices));
        let rests = u8::MAX;
        return Some(Trigger { intent, level_e9, value_e9, units, prices_e9, rests });
    }
    None
}

fn spec(legs: &[Leg]) -> SpreadSpec {
    let mut specs = [LegSpec::NONE; MAX_LEGS];
    for (slot, leg) in specs.iter_mut().zip(legs) {
        *slot = leg.spec;
    }
    SpreadSpec {
        spread: SpreadIndex(0),
        strategy: StrategyId(0),
        account: AccountId(0),
        project: ProjectId(0),
        is_enabled: true,
        leg_count: legs.len() as u8,
        legs: specs,
        constant_e9: 0,
        trigger: TriggerSpec::PLAIN,
        buy_open_e9: i64::MIN,
        buy_close_e9: i64::MAX,
        sell_open_e9: i64::MAX,
        sell_close_e9: i64::MIN,
        max_units: 1,
        clip_units: 1,
        hysteresis_e9: 0,
        cool_down: Span(0),
        max_fires: 1,
        fire_window: Span(1),
        max_quote_age: Span(u64::MAX),
        max_quote_skew: Span(u64::MAX),
        ack_timeout: Span(1),
        time_in_force: TimeInForce::FillAndKill,
        hedge: HedgeFlag::Arbitrage,
        repair: RepairSpec::NONE,
        loss: LossSpec::NONE,
        legs_first: LegsFirst::Together,
        work: WorkSpec::NONE,
    }
}

fn evaluate(spec: &SpreadSpec, legs: &[Leg], held: i32) -> Option<Trigger> {
    let none = LegBook {
        bids: &Depth::NO_BIDS,
        asks: &Depth::NO_ASKS,
        taken_bid_lots: 0,
        taken_ask_lots: 0,
    };
    let mut books = [none; MAX_LEGS];
    for (slot, leg) in books.iter_mut().zip(legs) {
        *slot = LegBook {
            bids: &leg.bids,
            asks: &leg.asks,
            taken_bid_lots: leg.taken.0,
            taken_ask_lots: leg.taken.1,
        };
    }
    spread::evaluate(spec, held, &books)
}

/// One side of a book: from `best` away in `direction`, up to five levels, perhaps none.
fn depth(best: i64, direction: i64, levels: &[(u8, u32)]) -> Depth {
    let empty = if direction < 0 { Depth::NO_BIDS } else { Depth::NO_ASKS };
    let mut depth = Depth { count: levels.len() as u32, ..empty };
    let mut price = best;
    for (place, (step, lots)) in levels.iter().enumerate() {
        price = price.saturating_add(direction * i64::from(*step));
        (depth.price_e9[place], depth.lots[place]) = (price, *lots);
    }
    depth
}

/// Prices near zero, below it, at ordinary size, and at the ends of what there is.
fn price() -> impl Strategy<Value = i64> {
    prop_oneof![
        4 => -5_i64..5,
        4 => 1_000_000_000_i64..1_000_000_020,
        1 => Just(i64::MIN + 100),
        1 => Just(i64::MAX - 100),
    ]
}

fn coefficient() -> impl Strategy<Value = i64> {
    prop_oneof![
        4 => Just(ONE_Q32),
        2 => 1_i64..4,
        2 => (1_i64..100).prop_map(|part| part * ONE_Q32 / 7),
        1 => Just(MAX_COEFFICIENT_Q32),
    ]
}

fn leg() -> impl Strategy<Value = Leg> {
    let levels = || prop::collection::vec((0_u8..4, 1_u32..5), 0..=QUOTE_LEVELS);
    (
        price(),
        0_i64..4,
        levels(),
        levels(),
        0_i32..4,
        coefficient(),
        any::<bool>(),
        (0_u32..4, 0_u32..4, prop_oneof![2 => Just(0_u32), 1 => 1_u32..8]),
    )
        .prop_map(
            |(bid, width, bids, asks, ratio, coefficient, is_short, (sold, bought, lean))| {
                let sign = if is_short { -1 } else { 1 };
                Leg {
                    spec: LegSpec {
                        instrument: InstrumentIndex(0),
                        ratio_lots: ratio * sign,
                        coefficient_q32: coefficient * i64::from(sign),
                        pay_up_e9: 0,
                        min_lean_lots: lean,
                    },
                    bids: depth(bid, -1, &bids),
                    asks: depth(bid.saturating_add(width), 1, &asks),
                    taken: (sold, bought),
                }
            },
        )
}

/// Fees by the lot, and by what is traded in eighths of each traded leg's coefficient.
fn fees() -> impl Strategy<Value = (i64, i64, [i64; MAX_LEGS])> {
    let some = (0_i64..4, 0_i64..4, prop::array::uniform4(0_i64..=8));
    let some = some.prop_map(|(bought, sold, parts)| (bought + sold, sold, parts));
    prop_oneof![Just((0, 0, [0; MAX_LEGS])), some]
}

/// The specification with levels that are after fees.
fn charged(
    (fee_e9, short_fee_e9, parts): (i64, i64, [i64; MAX_LEGS]),
    spec: SpreadSpec,
) -> SpreadSpec {
    let mut trigger = TriggerSpec { is_after_fees: true, fee_e9, short_fee_e9, ..spec.trigger };
    for ((fee_q32, part), leg) in trigger.fee_q32.iter_mut().zip(parts).zip(spec.legs) {
        *fee_q32 = if leg.ratio_lots == 0 { 0 } else { leg.coefficient_q32.abs() * part / 8 };
    }
    SpreadSpec { trigger, ..spec }
}

/// Where a level is put: at the value of some size, or one step beside it, or never.
#[derive(Clone, Copy, Debug)]
enum Aim {
    At { units: u32, offset: i64 },
    Never,
}

fn aim() -> impl Strategy<Value = Aim> {
    prop_oneof![
        5 => (1_u32..8, -1_i64..=1).prop_map(|(units, offset)| Aim::At { units, offset }),
        1 => Just(Aim::Never),
    ]
}

fn level(spec: &SpreadSpec, legs: &[Leg], is_buy: bool, aim: Aim, never: i64) -> i64 {
    let Aim::At { units, offset } = aim else {
        return never;
    };
    let sum = reference(spec, legs, is_buy, units).map_or(0, |(sum, _)| sum);
    let value = sum.div_euclid(1 << 32) + i128::from(offset);
    i64::try_from(value.clamp(i64::MIN.into(), i64::MAX.into())).expect("clamped")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    /// Sizes, prices, intent and value are those of the reference, also at the very level.
    #[test]
    fn evaluation_is_that_of_the_reference(
        legs in prop::collection::vec(leg(), 2..=MAX_LEGS),
        constant in prop_oneof![Just(0), -5_i64..5, Just(i64::MIN / 4), Just(i64::MAX / 4)],
        aims in [aim(), aim(), aim(), aim()],
        held in prop_oneof![Just(0_i32), -9_i32..9, Just(i32::MIN), Just(i32::MAX)],
        max_units in prop_oneof![1_u32..10, Just(i32::MAX as u32)],
        clip_units in 1_u32..9,
        fees in fees(),
    ) {
        let spec = SpreadSpec { constant_e9: constant, max_units, clip_units, ..spec(&legs) };
        let mut spec = charged(fees, spec);
        spec.buy_open_e9 = level(&spec, &legs, true, aims[0], i64::MIN);
        spec.sell_open_e9 = level(&spec, &legs, false, aims[1], i64::MAX);
        spec.buy_close_e9 = level(&spec, &legs, false, aims[2], i64::MAX);
        spec.sell_close_e9 = level(&spec, &legs, true, aims[3], i64::MIN);
        prop_assert_eq!(evaluate(&spec, &legs, held), expected(&spec, &legs, held));
    }
}

/// A leg whose prices and weight leave room for a ratio to be counted.
fn plain_leg() -> impl Strategy<Value = Leg> {
    let prices = prop_oneof![1 => -5_i64..5, 4 => 1_000_000_000_i64..1_000_000_020];
    let weights =
        prop_oneof![Just(ONE_Q32), 1_i64..4, (1_i64..100).prop_map(|of| of * ONE_Q32 / 7)];
    (leg(), prices, weights).prop_map(|(leg, best, weight)| {
        let sign = leg.spec.coefficient_q32.signum();
        let moved = |depth: &Depth| {
            let mut depth = *depth;
            let (first, count) = (depth.price_e9[0], depth.count as usize);
            depth.price_e9[..count].iter_mut().for_each(|price| {
                *price = best.saturating_add(price.saturating_sub(first));
            });
            depth
        };
        Leg {
            bids: moved(&leg.bids),
            asks: moved(&leg.asks),
            spec: LegSpec { coefficient_q32: sign * weight, ..leg.spec },
            ..leg
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    /// The same of ratios, also where a denominator is zero or below.
    #[test]
    fn a_ratio_is_that_of_the_reference(
        legs in prop::collection::vec(plain_leg(), 2..=MAX_LEGS),
        constant in prop_oneof![Just(0), -5_i64..5],
        short_constant_e9 in prop_oneof![2 => Just(0), 1 => -5_i64..5, 1 => Just(-1_000_000_010)],
        aims in [aim(), aim(), aim(), aim()],
        held in prop_oneof![Just(0_i32), -9_i32..9],
        clip_units in 1_u32..9,
        fees in fees(),
    ) {
        let trigger = TriggerSpec {
            measure: Measure::Ratio,
            short_constant_e9,
            ..TriggerSpec::PLAIN
        };
        let (constant_e9, max_units) = (constant, 10);
        let spec = SpreadSpec { constant_e9, max_units, clip_units, trigger, ..spec(&legs) };
        let mut spec = charged(fees, spec);
        // At a ratio that there is at some size, or one step beside it; never at or below zero.
        let level = |is_buy, aim, never| {
            let Aim::At { units, offset } = aim else { return never };
            let Some((_, prices)) = reference(&spec, &legs, is_buy, units) else { return 1 };
            let (long, short) = ratio_of(&spec, &legs, is_buy, &prices);
            let ratio = if short == 0 { 1 } else { (long * 1_000_000_000).div_euclid(short) };
            i64::try_from(ratio.clamp(1, 1 << 60)).expect("clamped").saturating_add(offset).max(1)
        };
        let levels = (
            level(true, aims[0], i64::MIN),
            level(false, aims[1], i64::MAX),
            level(false, aims[2], i64::MAX),
            level(true, aims[3], i64::MIN),
        );
        (spec.buy_open_e9, spec.sell_open_e9) = (levels.0, levels.1);
        (spec.buy_close_e9, spec.sell_close_e9) = (levels.2, levels.3);
        prop_assert_eq!(evaluate(&spec, &legs, held), expected(&spec, &legs, held));
    }
}

fn whole_leg(row: u32, ratio: i32, bid: i64, ask: i64) -> Leg {
    Leg {
        spec: LegSpec {
            instrument: InstrumentIndex(row),
            ratio_lots: ratio,
            coefficient_q32: i64::from(ratio.signum()) * ONE_Q32,
            pay_up_e9: 0,
            min_lean_lots: 0,
        },
        bids: depth(bid, -1, &[(0, 10), (1, 10)]),
        asks: depth(ask, 1, &[(0, 10), (1, 10)]),
        taken: (0, 0),
    }
}

#[test]
fn an_empty_side_never_meets_a_level() {
    let mut legs = [whole_leg(0, 1, 99, 100), whole_leg(1, -1, 100, 101)];
    let spec = SpreadSpec { buy_open_e9: i64::MAX - 1, ..spec(&legs) };
    assert!(evaluate(&spec, &legs, 0).is_some());
    legs[0].asks = Depth::NO_ASKS;
    assert_eq!(evaluate(&spec, &legs, 0), None);
}

#[test]
fn what_was_taken_is_not_there_any_more() {
    let mut legs = [whole_leg(0, 1, 99, 100), whole_leg(1, -1, 100, 101)];
    let spec = SpreadSpec { buy_open_e9: 0, max_units: 50, clip_units: 50, ..spec(&legs) };
    assert_eq!(evaluate(&spec, &legs, 0).map(|trigger| trigger.units), Some(10));
    legs[0].taken.1 = 7;
    assert_eq!(evaluate(&spec, &legs, 0).map(|trigger| trigger.units), Some(3));
    legs[1].taken.0 = 10;
    assert_eq!(evaluate(&spec, &legs, 0), None);
}

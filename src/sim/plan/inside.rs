//! Needs that may be met inside: in which schedules, of which spreads, and pairs that pull one
//! contract both ways.
//!
//! Two needs meet only while both wait, which nothing else of a schedule brings about: it takes
//! two fires at a time, legs that trade unlike, and something that makes repairs wait. Takes no
//! number of the plan, so that schedules of other spreads stay what they were.

use super::*;

/// Needs may be met inside in a quarter of the schedules: of most legs, often of one strategy or
/// across them, sometimes with another account beside. In three of four of these pairs that pull
/// one contract both ways take the place of the spreads.
pub(super) fn inside(rng: &mut fastrand::Rng, plan: &mut Plan) {
    if rng.u8(..4) > 0 {
        return;
    }
    if rng.u8(..4) > 0 {
        oppose(rng, plan);
    }
    let is_one_strategy = rng.bool();
    let has_walls = rng.u8(..4) == 0;
    for spec in &mut plan.spreads {
        spec.repair.inside_legs = rng.u8(..) | rng.u8(..) | rng.u8(..);
        spec.repair.inside_across = rng.u8(..3) > 0;
        if is_one_strategy {
            spec.strategy = StrategyId(1);
        }
        if has_walls && rng.bool() {
            spec.account = OTHER_ACCOUNT;
        }
    }
}

/// Makes a schedule of pairs whose orders often trade nothing, or some of it. What is out of ratio
/// waits: for the next quote, since quotes are too old by the time that all is known, or until it
/// costs less. In three of four nothing else goes wrong, and the limits of orders are wide.
fn oppose(rng: &mut fastrand::Rng, plan: &mut Plan) {
    let waits_for_quotes = rng.u8(..4) > 0;
    plan.spreads = pairs(rng, plan, waits_for_quotes);
    if waits_for_quotes {
        // Answers take less.
        plan.pace = Delay { least_ns: 100_000, spread_ns: 200_000 };
    }
    if rng.u8(..4) > 0 {
        plan.faults = Faults::default();
        plan.faults.set(Fault::ClearHalt, 50_000);
        widen(plan);
    }
    for fault in [Fault::Reject, Fault::NoFill, Fault::PartialFill] {
        plan.faults.set(fault, 250_000);
    }
    plan.faults.keep(plan.seed.mask);
}

/// No limit but those of positions holds back what the schedule is about.
fn widen(plan: &mut Plan) {
    for spec in &mut plan.instruments {
        spec.is_tradable = true;
        (spec.max_order_lots, spec.max_order_value) = (100, i64::MAX);
        (spec.min_price_e9, spec.max_price_e9) = (i64::MIN, i64::MAX);
        (spec.collar_e9, spec.collar_fraction_e9) = (1_000 * spec.tick_e9, i64::MAX);
        (spec.max_open_orders, spec.max_messages) = (50, 127);
    }
    for limits in &mut plan.accounts {
        (limits.max_order_lots, limits.max_open_orders, limits.max_messages) = (1_000, 100, 1_023);
    }
    for limits in &mut plan.gateways {
        (limits.max_messages, limits.max_open_orders) = (1_000, 100);
    }
    plan.orders = 128;
}

/// Spreads that trade one contract against another, in half of the schedules all against the same:
/// what one has missed the next has too much of, if that missed its other leg. In one of four they
/// trade it both ways in turn. Their levels are often met.
fn pairs(rng: &mut fastrand::Rng, plan: &Plan, waits_for_quotes: bool) -> Vec<SpreadSpec> {
    let (first, tick_e9) = (plan.spreads[0], plan.tick_e9);
    let mut rows: Vec<u32> = (0..).take(plan.instruments.len()).collect();
    rng.shuffle(&mut rows);
    let (common, others) = rows.split_first().expect("there are two at least");
    let others = if rng.bool() { &others[..1] } else { others };
    let is_one_way = rng.u8(..4) > 0;
    // A quote that has just come is younger than 4 us.
    let (age_ns, costs): (u64, &[i64]) = if waits_for_quotes {
        (4_000, &[i64::MAX, i64::MAX, 5])
    } else {
        (100_000_000, &[0, 1, 5])
    };
    let max_cost_e9 = tick_e9.saturating_mul(*pick(rng, costs));
    let count = rng.usize(2..=4);
    let spread = |(row, other): (u32, &u32)| {
        let mut legs = [LegSpec::NONE; MAX_LEGS];
        let is_first = is_one_way || row.is_multiple_of(2);
        let pair = if is_first { [*common, *other] } else { [*other, *common] };
        for ((leg, instrument), sign) in legs.iter_mut().zip(pair).zip([1, -1]) {
            *leg = LegSpec {
                instrument: InstrumentIndex(instrument),
                ratio_lots: sign * *pick(rng, &[1, 1, 1, 2, 3]),
                coefficient_q32: i64::from(sign) * ONE_Q32,
                ..LegSpec::NONE
            };
        }
        let has_fees = rng.bool();
        SpreadSpec {
            spread: SpreadIndex(row),
            strategy: StrategyId(row + 1),
            leg_count: 2,
            legs,
            trigger: TriggerSpec::PLAIN,
            buy_open_e9: tick_e9 * *pick(rng, &[0, 2, 4, 8]),
            buy_close_e9: tick_e9 * *pick(rng, &[-6, 0, 6]),
            sell_open_e9: i64::MAX,
            max_units: 20,
            hysteresis_e9: 0,
            cool_down: Span(0),
            max_fires: 63,
            max_quote_age: Span(age_ns),
            max_quote_skew: Span(100_000_000),
            ack_timeout: Span(500_000),
            loss: LossSpec::NONE,
            legs_first: LegsFirst::Together,
            work: WorkSpec::NONE,
            repair: RepairSpec {
                tries: rng.u8(2..=4),
                within: Span(*pick(rng, &[2_000_000, 20_000_000])),
                max_cost_e9,
                money_q32: ONE_Q32,
                fee_e9: if has_fees { first.repair.fee_e9 } else { [0; MAX_LEGS] },
                fee_q32: if has_fees { first.repair.fee_q32 } else { [0; MAX_LEGS] },
                ..first.repair
            },
            ..first
        }
    };
    (0..).zip(others.iter().cycle()).take(count).map(spread).collect()
}

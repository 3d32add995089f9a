//! What a level counts, and how it is met.

use super::stand::{ONE_E9, Stand, book, instrument, spread};
use xmc_hotpath::message::{
    AlertKind, Event, Gate, Intent, Measure, OrderEventKind, Quote, SpreadSpec, TriggerSpec,
};
use xmc_hotpath::time::{MonoNs, Span};

/// Buys leg 0 for leg 1 at a ratio of at most 1.02, closes at 1.05 or more.
fn ratio() -> SpreadSpec {
    SpreadSpec {
        trigger: TriggerSpec { measure: Measure::Ratio, ..TriggerSpec::PLAIN },
        buy_open_e9: 1_020_000_000,
        buy_close_e9: 1_050_000_000,
        ..spread()
    }
}

fn of(spread: &SpreadSpec) -> Stand {
    Stand::with(&[instrument(0), instrument(1)], spread)
}

#[test]
fn a_ratio_is_bought_at_its_level_and_not_one_step_above() {
    let mut stand = of(&ratio());
    stand.quote(1, 100, 101, 5);
    stand.quote(0, 102, 103, 5);
    assert_eq!(stand.decision(), None, "103 for 100 is above 1.02");
    stand.quote(0, 101, 102, 5);
    let decision = stand.decision().expect("102 for 100 is 1.02");
    assert_eq!((decision.gate, decision.intent), (Gate::Passed, Intent::OpenLong));
    assert_eq!((decision.value_e9, decision.level_e9), (1_020_000_000, 1_020_000_000));
}

#[test]
fn a_ratio_has_both_its_constants_on_their_sides() {
    let with = |constant: i64, short: i64| {
        let mut spread = ratio();
        spread.constant_e9 = (constant - short) * ONE_E9;
        spread.trigger.short_constant_e9 = short * ONE_E9;
        let mut stand = of(&spread);
        stand.quote(1, 100, 101, 5);
        stand.quote(0, 101, 102, 5);
        stand.decision().map(|decision| decision.value_e9)
    };
    assert_eq!(with(0, 0), Some(1_020_000_000));
    assert_eq!(with(1, 0), None, "103 over 100");
    assert_eq!(with(0, 2), Some(1_000_000_000), "102 over 102");
    assert_eq!(with(3, 4), Some(1_009_615_384), "105 over 104, cut");
}

#[test]
fn a_ratio_over_nothing_or_less_meets_no_level() {
    let mut stand = of(&ratio());
    stand.quote(0, -9, -8, 5);
    for far in [0, -1, -100] {
        stand.quote(1, far, far + 1, 5);
        assert_eq!(stand.decision(), None, "over {far}");
    }
    stand.quote(1, 1, 2, 5);
    assert!(stand.decision().is_some(), "below zero over one is below any level");
}

#[test]
fn a_ratio_without_a_side_or_with_a_level_below_zero_is_refused() {
    let mut below = ratio();
    below.buy_open_e9 = 0;
    let mut one_sided = ratio();
    (one_sided.legs[1].ratio_lots, one_sided.legs[1].coefficient_q32) = (1, 1 << 32);
    for wrong in [below, one_sided] {
        let mut stand = of(&spread());
        stand.tell(Event::Spread(&wrong));
        assert_eq!(stand.alerts(), [AlertKind::BadInput], "{wrong:?}");
    }
}

#[test]
fn a_ratio_that_fired_must_leave_its_level_by_the_hysteresis() {
    let mut stand = of(&SpreadSpec { hysteresis_e9: 10_000_000, ..ratio() });
    stand.quote(1, 1_000, 1_001, 500);
    stand.quote(0, 1_019, 1_020, 5);
    for order in stand.orders() {
        stand.news(&order, OrderEventKind::Cancelled);
    }
    for (ask, gate) in [
        (1_020, Some(Gate::Hysteresis)),
        (1_030, None),
        (1_020, Some(Gate::Hysteresis)),
        (1_031, None),
        (1_020, Some(Gate::Passed)),
    ] {
        stand.quote(0, ask - 1, ask, 5);
        assert_eq!(stand.decision().map(|decision| decision.gate), gate, "asked {ask}");
    }
}

/// Who takes the hysteresis away from a level that fired means it to fire again at once.
#[test]
fn a_level_that_fired_is_not_spent_any_more_once_it_has_no_hysteresis() {
    let spec = SpreadSpec { hysteresis_e9: 10_000_000, ..ratio() };
    let mut stand = of(&spec);
    stand.quote(1, 1_000, 1_001, 500);
    stand.quote(0, 1_019, 1_020, 5);
    for order in stand.orders() {
        stand.news(&order, OrderEventKind::Cancelled);
    }
    stand.quote(0, 1_019, 1_020, 5);
    assert_eq!(stand.decision().map(|decision| decision.gate), Some(Gate::Hysteresis));
    stand.tell(Event::Spread(&SpreadSpec { hysteresis_e9: 0, ..spec }));
    stand.quote(0, 1_019, 1_020, 5);
    assert_eq!(stand.decision().map(|decision| decision.gate), Some(Gate::Passed));
}

/// Leg 0 is asked at 100 with fees of 3 a lot and 1/64 of what is traded, leg 1 bid at 96 with 1
/// and 1/32: buying takes 3 + 100/64 + 1 + 96/32 = 8.5625 more than the difference of 4.
#[test]
fn a_level_after_fees_is_met_by_what_is_left_of_them() {
    let with = |fee_e9: i64, fee_q32: [i64; 4], open_e9: i64| {
        let trigger = TriggerSpec { is_after_fees: true, fee_e9, fee_q32, ..TriggerSpec::PLAIN };
        let mut stand = of(&SpreadSpec { trigger, buy_open_e9: open_e9, ..spread() });
        stand.quote(1, 96, 97, 5);
        stand.quote(0, 99, 100, 5);
        stand.decision().map(|decision| decision.value_e9)
    };
    let (fee_e9, fee_q32) = (4 * ONE_E9, [1 << 26, 1 << 27, 0, 0]);
    assert_eq!(with(0, [0; 4], 4 * ONE_E9), Some(4 * ONE_E9));
    assert_eq!(with(fee_e9, fee_q32, 12_562_500_000), Some(12_562_500_000));
    assert_eq!(with(fee_e9, fee_q32, 12_562_499_999), None);
}

/// 100 and a fee of 1 over 50 less a fee of 2: what is sold brings its fee less.
#[test]
fn fees_of_a_ratio_are_on_their_sides() {
    let with = |fee_e9: i64, short_fee_e9: i64| {
        let trigger = TriggerSpec {
            measure: Measure::Ratio,
            is_after_fees: true,
            fee_e9,
            short_fee_e9,
            ..TriggerSpec::PLAIN
        };
        let mut stand = of(&SpreadSpec { trigger, buy_open_e9: 3 * ONE_E9, ..spread() });
        stand.quote(1, 50, 51, 5);
        stand.quote(0, 99, 100, 5);
        stand.decision().map(|decision| decision.value_e9)
    };
    assert_eq!(with(0, 0), Some(2 * ONE_E9));
    assert_eq!(with(ONE_E9, 0), Some(2_020_000_000), "101 over 50");
    assert_eq!(with(3 * ONE_E9, 2 * ONE_E9), Some(2_104_166_666), "101 over 48");
}

/// At prices below zero 1/16 of what is traded is paid, not got.
#[test]
fn a_fee_is_paid_at_a_price_below_zero_too() {
    let with = |fee_q32: [i64; 4]| {
        let trigger = TriggerSpec { is_after_fees: true, fee_q32, ..TriggerSpec::PLAIN };
        let open_e9 = 200 * ONE_E9;
        let mut stand = of(&SpreadSpec { trigger, buy_open_e9: open_e9, ..spread() });
        stand.quote(1, -32, -31, 5);
        stand.quote(0, -17, -16, 5);
        stand.decision().map(|decision| decision.value_e9)
    };
    assert_eq!(with([0; 4]), Some(16 * ONE_E9));
    assert_eq!(with([1 << 28, 0, 0, 0]), Some(17 * ONE_E9), "16/16 for buying at -16");
    assert_eq!(with([0, 1 << 28, 0, 0]), Some(18 * ONE_E9), "32/16 for selling at -32");
}

#[test]
fn fees_that_pay_or_turn_a_leg_round_are_refused() {
    let with = |change: &dyn Fn(&mut SpreadSpec)| {
        let mut wrong = spread();
        wrong.trigger.is_after_fees = true;
        change(&mut wrong);
        let mut stand = of(&spread());
        stand.tell(Event::Spread(&wrong));
        stand.alerts()
    };
    let weight = spread().legs[0].coefficient_q32;
    assert_eq!(with(&|spec| spec.trigger.fee_q32[0] = weight), []);
    for wrong in [
        &(|spec: &mut SpreadSpec| spec.trigger.fee_e9 = -1) as &dyn Fn(&mut SpreadSpec),
        &|spec| spec.trigger.fee_q32[1] = -1,
        &|spec| spec.trigger.fee_q32[0] = weight + 1,
        &|spec| spec.trigger.fee_q32[2] = 1,
        &|spec| (spec.trigger.is_after_fees, spec.trigger.fee_e9) = (false, 1),
    ] {
        assert_eq!(with(wrong), [AlertKind::BadInput]);
    }
}

/// A book whose best ask is alone, with more behind it.
fn deep(stand: &Stand, row: u32, bid: i64, asks: [(i64, u32); 2]) -> Quote {
    let mut quote = Quote { received: MonoNs(stand.now), ..book(row, bid, asks[0].0, 9) };
    for (place, (price, lots)) in asks.into_iter().enumerate() {
        (quote.asks.price_e9[place], quote.asks.lots[place]) = (price * ONE_E9, lots);
    }
    quote.asks.count = 2;
    quote
}

#[test]
fn a_price_counts_only_with_the_lots_behind_it_that_its_leg_leans_on() {
    let leaning = |lots| {
        let mut spread = spread();
        (spread.legs[0].min_lean_lots, spread.clip_units) = (lots, 1);
        let mut stand = of(&spread);
        stand.quote(1, 100, 101, 9);
        let quote = deep(&stand, 0, 98, [(99, 2), (100, 3)]);
        stand.tell(Event::Quote { quote: &quote, more: false });
        stand.orders().first().map(|order| (order.price_e9 / ONE_E9, order.qty_lots))
    };
    assert_eq!(leaning(0), Some((99, 1)));
    assert_eq!(leaning(2), Some((99, 1)));
    assert_eq!(leaning(3), Some((100, 1)), "three lots are there up to 100, one is bought");
    assert_eq!(leaning(5), Some((100, 1)));
    assert_eq!(leaning(6), None, "the book does not show six");
}

#[test]
fn lots_that_were_taken_are_no_lots_to_lean_on() {
    let mut spread = spread();
    (spread.legs[0].min_lean_lots, spread.clip_units) = (4, 1);
    let mut stand = of(&spread);
    stand.quote(1, 100, 101, 9);
    let quote = deep(&stand, 0, 98, [(99, 2), (100, 3)]);
    stand.tell(Event::Quote { quote: &quote, more: false });
    for left in [5, 4] {
        // The book of the other leg comes anew, so that the spread is looked at.
        let orders = stand.orders();
        assert_eq!(orders.len(), 2, "{left} lots are there to lean on");
        orders.iter().for_each(|order| stand.news(order, OrderEventKind::Cancelled));
        stand.quote(1, 100, 101, 9);
    }
    assert_eq!(stand.orders(), [], "three are left, and it leans on four");
}

/// Opens when its level has been met for 1,000 ns.
fn holding() -> Stand {
    let mut spread = spread();
    (spread.trigger.open_hold, spread.clip_units) = (Span(1_000), 1);
    let mut stand = of(&spread);
    stand.quote(1, 100, 101, 5);
    stand
}

/// When the level begins to be met.
fn begin(stand: &mut Stand) -> u64 {
    stand.quote(0, 99, 100, 5);
    assert_eq!(stand.decision().map(|decision| decision.gate), Some(Gate::Hold));
    stand.now
}

#[test]
fn a_level_that_is_held_fires_when_its_time_is_up_without_another_quote() {
    let mut stand = holding();
    let since = begin(&mut stand);
    assert_eq!(stand.desk().next_deadline(), MonoNs(since + 1_000), "it asks to be called");
    stand.now = since + 998;
    stand.tell(Event::Tick);
    assert_eq!(stand.orders(), [], "one nanosecond too early");
    stand.tell(Event::Tick);
    assert_eq!(stand.orders().len(), 2);
}

#[test]
fn a_break_begins_the_time_anew() {
    let mut stand = holding();
    let first = begin(&mut stand);
    stand.now = first + 500;
    stand.quote(0, 100, 101, 5);
    let second = begin(&mut stand);
    stand.now = first + 1_000;
    stand.tell(Event::Tick);
    assert_eq!(stand.orders(), [], "it was not met all the time");
    stand.now = second + 999;
    stand.tell(Event::Tick);
    assert_eq!(stand.orders().len(), 2);
}

#[test]
fn quotes_at_which_it_stays_met_are_no_break() {
    let mut stand = holding();
    let since = begin(&mut stand);
    for (step, row) in [(1, 0), (2, 1), (3, 0)] {
        stand.now = since + 200 * step;
        if row == 0 {
            stand.quote(0, 98, 99, 5)
        } else {
            stand.quote(1, 101, 102, 5)
        }
        assert_eq!(stand.orders(), []);
    }
    stand.now = since + 999;
    stand.tell(Event::Tick);
    assert_eq!(stand.orders().len(), 2);
}

#[test]
fn each_fire_needs_its_level_to_be_held_anew() {
    let mut stand = holding();
    let since = begin(&mut stand);
    stand.now = since + 999;
    stand.tell(Event::Tick);
    for (order, exec_id) in stand.orders().iter().zip(1..) {
        stand.fill(order, exec_id, 1, 1);
    }
    // It has been met all the time: the fire took one lot of five.
    let again = begin(&mut stand);
    stand.now = again + 999;
    stand.tell(Event::Tick);
    assert_eq!(stand.orders().len(), 2);
}

#[test]
fn a_time_that_is_up_fires_nothing_through_another_gate() {
    let mut spread = spread();
    (spread.trigger.open_hold, spread.max_quote_age) = (Span(1_000), Span(900));
    let mut stand = of(&spread);
    stand.quote(1, 100, 101, 5);
    let since = begin(&mut stand);
    stand.now = since + 999;
    stand.tell(Event::Tick);
    assert_eq!(stand.decision().map(|decision| decision.gate), Some(Gate::QuoteAge));
}

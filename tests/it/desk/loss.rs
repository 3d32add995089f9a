//! What a fire can lose by ending one-sided, before it is fired.
//!
//! The spread buys leg 0 at 100 over a bid of 99, and sells leg 1 at 100 under an ask of 101: each
//! lot that is traded back alone costs 1.

use super::stand::{ONE_E9, Stand, instrument, spread};
use xmc_hotpath::execute::loss::{Alone, worst_e9};
use xmc_hotpath::execute::repair::Trade;
use xmc_hotpath::message::{
    AlertKind, Event, Gate, LossSpec, MAX_LEGS, RepairSpec, Side, SpreadSpec,
};
use xmc_hotpath::price::ONE_Q32;

const NONE: Option<Alone> = None;

fn leg(side: Side, limit: i64, lots: u32, back: i64) -> Option<Alone> {
    let sum_e9 = i128::from(back * ONE_E9) * i128::from(lots);
    let back = Trade { side: side.opposite(), lots, worst_e9: back * ONE_E9, sum_e9 };
    Some(Alone { limit_e9: limit * ONE_E9, back })
}

fn worst(spec: &SpreadSpec, legs: [Option<Alone>; MAX_LEGS]) -> Option<i64> {
    worst_e9(spec, &[ONE_Q32, ONE_Q32, -ONE_Q32, ONE_Q32], &legs)
}

#[test]
fn all_legs_but_the_cheapest_are_traded_back() {
    let (dear, cheap) = (leg(Side::Buy, 100, 5, 97), leg(Side::Sell, 100, 5, 101));
    let third = leg(Side::Buy, 50, 10, 49);
    assert_eq!(worst(&spread(), [dear, cheap, NONE, NONE]), Some(15 * ONE_E9));
    assert_eq!(worst(&spread(), [cheap, dear, NONE, NONE]), Some(15 * ONE_E9));
    assert_eq!(worst(&spread(), [dear, cheap, third, NONE]), Some((15 + 10) * ONE_E9));
    // One leg alone is never out of ratio, and one that gains pays for nothing else.
    assert_eq!(worst(&spread(), [dear, NONE, NONE, NONE]), Some(0));
    let gain = leg(Side::Buy, 100, 5, 120);
    assert_eq!(worst(&spread(), [dear, gain, NONE, NONE]), Some(15 * ONE_E9));
}

#[test]
fn a_stress_move_and_both_fees_come_on_top() {
    let legs = [leg(Side::Buy, 100, 5, 99), leg(Side::Sell, 100, 5, 101), NONE, NONE];
    let with = |repair: RepairSpec, stress_q32| {
        let loss = LossSpec { max_e9: 0, stress_q32 };
        worst(&SpreadSpec { repair, loss, ..spread() }, legs).expect("it can be counted")
    };
    assert_eq!(with(RepairSpec::NONE, 0), 5 * ONE_E9);
    // 1/1024 of the 505 that buying leg 1 back takes, which is the dearer one then.
    assert_eq!(with(RepairSpec::NONE, 1 << 22), 5 * ONE_E9 + 505 * ONE_E9 / 1_024);
    let fee_e9 = [ONE_E9 / 10; MAX_LEGS];
    assert_eq!(with(RepairSpec { fee_e9, ..RepairSpec::NONE }, 0), 6 * ONE_E9);
    let fee_q32 = [1 << 22; MAX_LEGS];
    let fees = 500 * ONE_E9 / 1_024 + 505 * ONE_E9 / 1_024;
    let found = with(RepairSpec { fee_q32, ..RepairSpec::NONE }, 0);
    assert!((found - 5 * ONE_E9 - fees).abs() <= 1, "{found}");
    assert_eq!(with(RepairSpec { money_q32: 3 * ONE_Q32, ..RepairSpec::NONE }, 0), 15 * ONE_E9);
}

#[test]
fn what_cannot_be_counted_is_not_below_any_bound() {
    let most = Alone {
        limit_e9: i64::MAX,
        back: Trade { side: Side::Sell, lots: u32::MAX, worst_e9: 0, sum_e9: 0 },
    };
    assert_eq!(worst_e9(&spread(), &[i64::MAX; MAX_LEGS], &[Some(most); MAX_LEGS]), None);
}

fn stand_with(max_e9: i64) -> Stand {
    let loss = LossSpec { max_e9, stress_q32: 0 };
    Stand::with(&[instrument(0), instrument(1)], &SpreadSpec { loss, ..spread() })
}

#[test]
fn a_fire_is_as_large_as_its_bound_or_not_at_all() {
    stand_with(5 * ONE_E9).open(5);
    let mut stand = stand_with(5 * ONE_E9 - 1);
    stand.quote(1, 100, 101, 5);
    stand.quote(0, 99, 100, 5);
    let held = stand.decision().expect("the level is met");
    assert_eq!((held.gate, held.seen, held.limit), (Gate::Loss, 5 * ONE_E9, 5 * ONE_E9 - 1));
    assert_eq!(stand.orders(), vec![]);
}

/// The bid of leg 0 has 4 lots; 5 were to be bought.
#[test]
fn a_book_that_does_not_take_the_lots_back_bounds_nothing() {
    let mut stand = stand_with(1_000 * ONE_E9);
    stand.quote(1, 100, 101, 5);
    let mut quote = super::stand::book(0, 99, 100, 5);
    quote.bids.lots = [4, 0, 0, 0, 0];
    stand.tell(Event::Quote { quote: &quote, more: false });
    let held = stand.decision().expect("the level is met");
    assert_eq!((held.gate, held.seen, held.leg), (Gate::Loss, i64::MAX, 0));
}

#[test]
fn a_bound_below_nothing_is_refused() {
    let mut stand = stand_with(0);
    let loss = LossSpec { max_e9: -1, stress_q32: 0 };
    stand.tell(Event::Spread(&SpreadSpec { loss, ..spread() }));
    assert_eq!(stand.alerts(), vec![AlertKind::BadInput]);
}

//! Legs in order: the one that is the hardest to get first, the others for what it has filled.
//!
//! The spread buys leg 0 at 100 and sells leg 1 at 100. Leg 1 shows 5 lots, leg 0 shows 50.

use super::stand::{ACK_TIMEOUT, ONE_E9, Stand, instrument, spread};
use xmc_hotpath::desk::SpreadState;
use xmc_hotpath::message::{
    AlertKind, CommandKind, Gate, InstrumentSpec, LegsFirst, OrderAction, OrderCommand,
    OrderEventKind, RepairSpec, RepairWay, SafeState, SessionState, Side, SpreadSpec, TimeInForce,
};
use xmc_hotpath::time::Span;

fn led() -> SpreadSpec {
    SpreadSpec { legs_first: LegsFirst::LeastLiquid, ..spread() }
}

fn stand_of(spec: &SpreadSpec) -> Stand {
    Stand::with(&[instrument(0), instrument(1)], spec)
}

/// Five units are decided on; the order of leg 1.
fn lead(stand: &mut Stand) -> OrderCommand {
    stand.quote(1, 100, 101, 5);
    stand.quote(0, 99, 100, 50);
    let first = only_order(stand);
    assert_eq!(says(&first), (1, Side::Sell, 5, 100));
    assert_eq!(first.orders_left, 0);
    first
}

fn says(order: &OrderCommand) -> (u8, Side, u32, i64) {
    (order.leg, order.side, order.qty_lots, order.price_e9 / ONE_E9)
}

fn only_order(stand: &Stand) -> OrderCommand {
    let [order] = stand.orders()[..] else { panic!("one order, not {:?}", stand.outputs) };
    assert_eq!(order.action, OrderAction::New);
    order
}

fn gate(stand: &Stand) -> Option<Gate> {
    stand.decision().map(|decision| decision.gate)
}

#[test]
fn the_thinner_leg_leads_and_the_other_one_follows_its_fills() {
    let mut stand = stand_of(&led());
    let first = lead(&mut stand);
    assert_eq!(gate(&stand), Some(Gate::Passed));
    // The worst case of both is reserved, and both count as opened.
    assert_eq!((stand.exposure(0), stand.exposure(1)), ((0, 5, 0), (0, 0, 5)));
    assert_eq!(stand.desk().account_lots().map(|row| row.gross_lots).max(), Some(10));
    stand.fill(&first, 1, 2, 2);
    let follower = only_order(&stand);
    assert_eq!(says(&follower), (0, Side::Buy, 2, 100));
    assert_eq!(follower.time_in_force, TimeInForce::FillAndKill);
    assert_eq!((stand.exposure(0), stand.exposure(1)), ((0, 5, 0), (-2, 0, 3)));
    stand.fill(&follower, 2, 2, 2);
    assert_eq!((stand.orders(), stand.ending()), (vec![], None), "three are still to come");
    stand.fill(&first, 3, 3, 5);
    let follower = only_order(&stand);
    assert_eq!(says(&follower), (0, Side::Buy, 3, 100));
    stand.fill(&follower, 4, 3, 3);
    let ending = stand.ending().expect("all is known");
    assert_eq!((ending.is_aligned, ending.done_units, ending.asked_lots), (true, 5, [5, 5, 0, 0]));
    assert_eq!((stand.exposure(0), stand.exposure(1)), ((5, 0, 0), (-5, 0, 0)));
    assert_eq!(stand.desk().account_lots().map(|row| row.gross_lots).max(), Some(10));
}

#[test]
fn nothing_is_sent_for_what_was_not_filled() {
    let mut stand = stand_of(&led());
    let first = lead(&mut stand);
    stand.fill(&first, 1, 2, 2);
    let follower = only_order(&stand);
    stand.news(&first, OrderEventKind::Cancelled);
    assert_eq!((stand.orders(), stand.ending()), (vec![], None));
    stand.fill(&follower, 2, 2, 2);
    let ending = stand.ending().expect("all is known");
    assert_eq!((ending.is_aligned, ending.done_units, ending.units), (true, 2, 5));
    // What was kept for three more units is free again.
    assert_eq!((stand.exposure(0), stand.exposure(1)), ((2, 0, 0), (-2, 0, 0)));
    assert_eq!(stand.desk().account_lots().map(|row| row.gross_lots).max(), Some(4));
}

#[test]
fn a_leg_that_gets_nothing_costs_nothing() {
    let mut stand = stand_of(&led());
    let first = lead(&mut stand);
    stand.news(&first, OrderEventKind::Rejected);
    let ending = stand.ending().expect("all is known");
    assert_eq!((ending.is_aligned, ending.done_units), (true, 0));
    assert_eq!((stand.exposure(0), stand.exposure(1)), ((0, 0, 0), (0, 0, 0)));
    assert_eq!(stand.desk().account_lots().map(|row| row.gross_lots).max(), Some(0));
}

/// Three lots of leg 0 for two of leg 1, which shows 5 units, while leg 0 shows 6: fills are
/// followed by whole units only.
#[test]
fn what_follows_is_rounded_to_the_ratio() {
    let mut spec = led();
    for (leg, ratio) in spec.legs.iter_mut().zip([3, -2]) {
        (leg.ratio_lots, leg.coefficient_q32) = (ratio, i64::from(ratio) << 32);
    }
    spec.buy_open_e9 = 100 * ONE_E9;
    spec.buy_close_e9 = 200 * ONE_E9;
    let mut stand = stand_of(&spec);
    stand.quote(1, 100, 101, 10);
    stand.quote(0, 99, 100, 18);
    let first = only_order(&stand);
    assert_eq!(says(&first), (1, Side::Sell, 10, 100));
    stand.fill(&first, 1, 1, 1);
    assert_eq!(stand.orders(), vec![], "half a unit");
    stand.fill(&first, 2, 4, 5);
    assert_eq!(says(&only_order(&stand)), (0, Side::Buy, 6, 100));
    stand.fill(&first, 3, 5, 10);
    assert_eq!(says(&only_order(&stand)), (0, Side::Buy, 9, 100));
}

/// More fills than a fire can have orders: the last batch waits for the end of the leading leg.
#[test]
fn there_is_always_room_for_a_last_batch() {
    let mut stand = stand_of(&SpreadSpec { time_in_force: TimeInForce::Day, ..led() });
    stand.quote(1, 100, 101, 40);
    stand.quote(0, 99, 100, 50);
    let first = only_order(&stand);
    assert_eq!(first.qty_lots, 40);
    let mut followed = 0;
    for number in 1..=40 {
        stand.fill(&first, number.into(), 1, number);
        let sent = stand.orders();
        followed += sent.iter().map(|order| order.qty_lots).sum::<u32>();
        // Of twelve orders one is the leading one and three are kept for the last batch.
        let expected = if number <= 8 { number } else { 8 };
        assert_eq!(followed, if number == 40 { 40 } else { expected }, "fill {number}");
    }
}

#[test]
fn a_gate_holds_followers_back_and_is_told() {
    let mut stand = stand_of(&led());
    let first = lead(&mut stand);
    stand.session(SessionState::Gapped);
    stand.fill(&first, 1, 2, 2);
    assert_eq!((stand.orders(), gate(&stand)), (vec![], Some(Gate::SessionState)));
    stand.session(SessionState::Up);
    // With the next fill all of it follows.
    stand.fill(&first, 2, 1, 3);
    assert_eq!(says(&only_order(&stand)), (0, Side::Buy, 3, 100));
}

/// What cannot follow when all is known is repaired, or ends the spread, as any other residual.
#[test]
fn what_cannot_follow_is_repaired() {
    let repair = RepairSpec { tries: 2, within: Span(10 * ACK_TIMEOUT.0), ..RepairSpec::NONE };
    for tries in [0, 2] {
        let mut stand = stand_of(&SpreadSpec { repair: RepairSpec { tries, ..repair }, ..led() });
        let first = lead(&mut stand);
        stand.session(SessionState::Gapped);
        stand.fill(&first, 1, 5, 5);
        assert_eq!((stand.orders(), gate(&stand)), (vec![], Some(Gate::SessionState)));
        assert_eq!(stand.exposure(0), (0, 0, 0), "what was kept is free");
        if tries == 0 {
            assert_eq!(stand.alerts(), [AlertKind::BrokenSpread]);
            assert_eq!(stand.desk().spreads()[0].residual_lots, [0, -5, 0, 0]);
            continue;
        }
        assert_eq!(stand.repair().map(|told| told.way), Some(RepairWay::Neither));
        stand.session(SessionState::Up);
        stand.quote(1, 100, 101, 5);
        assert_eq!(stand.repair().map(|told| told.way), Some(RepairWay::Complete));
        assert_eq!(says(&only_order(&stand)), (0, Side::Buy, 5, 100));
    }
}

#[test]
fn nothing_follows_after_a_kill_or_the_deadline() {
    let mut stand = stand_of(&led());
    let first = lead(&mut stand);
    stand.command(CommandKind::Kill);
    stand.fill(&first, 1, 5, 5);
    assert_eq!((stand.orders(), stand.desk().state()), (vec![], SafeState::Halt));
    assert_eq!(stand.alerts(), [AlertKind::BrokenSpread]);
    assert_eq!(stand.exposure(0), (0, 0, 0));
    let mut stand = stand_of(&led());
    let first = lead(&mut stand);
    stand.tick_after(ACK_TIMEOUT);
    assert_eq!(stand.alerts(), [AlertKind::OrderUnknown]);
    stand.fill(&first, 1, 5, 5);
    assert_eq!(stand.orders(), vec![]);
    assert_eq!(stand.desk().spreads()[0].state, SpreadState::Halted);
}

/// A fire whose second leg would break a limit is not begun, and what is kept counts for others.
#[test]
fn all_legs_pass_their_gates_before_the_first_order() {
    let small = InstrumentSpec { max_position_lots: 4, ..instrument(0) };
    let mut stand = Stand::with(&[small, instrument(1)], &led());
    stand.quote(1, 100, 101, 5);
    stand.quote(0, 99, 100, 50);
    assert_eq!((stand.orders(), gate(&stand)), (vec![], Some(Gate::Position)));
    let tight = InstrumentSpec { max_position_lots: 9, ..instrument(0) };
    let other = SpreadSpec { spread: xmc_hotpath::message::SpreadIndex(1), ..spread() };
    let mut stand = Stand::with_spreads(&[tight, instrument(1)], &[led(), other]);
    let first = lead(&mut stand);
    // The other spread would take five more of leg 0: 10, of which nine may be held.
    stand.quote(1, 100, 101, 5);
    assert_eq!(stand.orders(), vec![]);
    stand.fill(&first, 1, 5, 5);
    assert_eq!(says(&only_order(&stand)), (0, Side::Buy, 5, 100));
}

//! Legs in order: the one that is the hardest to get first, the others for what it has filled.
//!
//! The spread buys leg 0 at 100 and sells leg 1 at 100. Leg 1 shows 5 lots, leg 0 shows 50.

use super::stand::{ACK_TIMEOUT, ONE_E9, Stand, instrument, spread};
use xmc_hotpath::desk::SpreadState;
use xmc_hotpath::message::FollowStep::{
    self, Barred, Followed, GivenUp, HeldBack, Late, Unfilled, Waits,
};
use xmc_hotpath::message::{
    AccountId, AlertKind, CommandKind, Detail, Event, Gate, InstrumentSpec, LegsFirst, Obstacle,
    OrderAction, OrderCommand, OrderEventKind, OrderId, RepairSpec, RepairWay, SafeState, Scope,
    SessionState, Side, SpreadIndex, SpreadSpec, TimeInForce,
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

fn cancelled(stand: &Stand) -> Vec<OrderId> {
    let orders = stand.orders().into_iter();
    orders.filter(|order| order.action == OrderAction::Cancel).map(|order| order.order_id).collect()
}

fn gate(stand: &Stand) -> Option<Gate> {
    stand.decision().map(|decision| decision.gate)
}

/// What was said of the leg that waits: what became of it, units, lots of the leading leg.
fn told(stand: &Stand) -> Option<(FollowStep, u32, u32)> {
    let all = stand.follows();
    assert!(all.len() < 2 && all.iter().all(|told| told.lead == 1), "{all:?}");
    all.first().map(|told| (told.step, told.units, told.lead_lots))
}

/// The gate that holds it back.
fn held_by(stand: &Stand) -> Option<Gate> {
    stand.follows().first().map(|told| told.gate)
}

#[test]
fn the_thinner_leg_leads_and_the_other_one_follows_its_fills() {
    let mut stand = stand_of(&led());
    let first = lead(&mut stand);
    assert_eq!((gate(&stand), told(&stand)), (Some(Gate::Passed), Some((Waits, 5, 0))));
    // The worst case of both is reserved, and both count as opened.
    assert_eq!((stand.exposure(0), stand.exposure(1)), ((0, 5, 0), (0, 0, 5)));
    assert_eq!(stand.desk().account_lots().map(|row| row.gross_lots).max(), Some(10));
    stand.fill(&first, 1, 2, 2);
    let follower = only_order(&stand);
    assert_eq!(says(&follower), (0, Side::Buy, 2, 100));
    assert_eq!(follower.time_in_force, TimeInForce::FillAndKill);
    assert_eq!(told(&stand), Some((Followed, 2, 2)));
    assert_eq!((stand.exposure(0), stand.exposure(1)), ((0, 5, 0), (-2, 0, 3)));
    stand.fill(&follower, 2, 2, 2);
    assert_eq!((stand.orders(), stand.ending()), (vec![], None), "three are still to come");
    assert_eq!(told(&stand), None);
    stand.fill(&first, 3, 3, 5);
    let follower = only_order(&stand);
    assert_eq!(says(&follower), (0, Side::Buy, 3, 100));
    assert_eq!(stand.follows()[0].followed_units, 5);
    stand.fill(&follower, 4, 3, 3);
    assert_eq!(told(&stand), None, "all have followed");
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
    assert_eq!(told(&stand), Some((Unfilled, 3, 2)));
    // What was kept for three more units is free again.
    assert_eq!((stand.exposure(0), stand.exposure(1)), ((2, 0, 0), (-2, 0, 0)));
    assert_eq!(stand.desk().account_lots().map(|row| row.gross_lots).max(), Some(4));
}

#[test]
fn a_leg_that_gets_nothing_costs_nothing() {
    let mut stand = stand_of(&led());
    let first = lead(&mut stand);
    stand.news(&first, OrderEventKind::Rejected);
    assert_eq!(told(&stand), Some((Unfilled, 5, 0)));
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

/// More fills than a fire can have orders: the last batch waits for the end of the leading leg,
/// which is told.
#[test]
fn there_is_always_room_for_a_last_batch() {
    let mut stand = stand_of(&SpreadSpec { time_in_force: TimeInForce::Day, ..led() });
    let first = forty(&mut stand);
    let mut followed = 0;
    for number in 1..=40 {
        stand.fill(&first, number.into(), 1, number);
        let sent = stand.orders();
        followed += sent.iter().map(|order| order.qty_lots).sum::<u32>();
        // Of twelve orders one is the leading one and three are kept for the last batch.
        let expected = if number <= 8 { number } else { 8 };
        assert_eq!(followed, if number == 40 { 40 } else { expected }, "fill {number}");
        if number == 9 {
            let held = stand.follows()[0];
            assert_eq!((held.step, held.obstacle), (HeldBack, Obstacle::Orders));
            assert_eq!((held.seen, held.limit), (1, 0), "one order, and room for none");
        }
    }
}

/// Forty lots of leg 1, which lead.
fn forty(stand: &mut Stand) -> OrderCommand {
    stand.quote(1, 100, 101, 40);
    stand.quote(0, 99, 100, 50);
    let first = only_order(stand);
    assert_eq!(first.qty_lots, 40);
    first
}

/// Fills that come after the leading order was over: each is followed while there is room, and no
/// order falls out of the fire.
#[test]
fn what_follows_fills_after_a_cancel_is_no_more_than_a_fire_can_have() {
    let mut stand = stand_of(&SpreadSpec { time_in_force: TimeInForce::Day, ..led() });
    let first = forty(&mut stand);
    stand.fill(&first, 1, 1, 1);
    let follower = only_order(&stand);
    stand.news(&first, OrderEventKind::Cancelled);
    let mut sent = vec![follower];
    for number in 2..=20 {
        stand.fill(&first, number.into(), 1, number);
        sent.extend(stand.orders());
    }
    assert_eq!(sent.len(), 11, "with the leading one a fire has twelve");
    // All are known, and nine units were not followed.
    for (number, order) in (100..).zip(&sent) {
        assert_eq!(stand.ending(), None);
        stand.fill(order, number, 1, 1);
    }
    assert_eq!(told(&stand), Some((GivenUp, 29, 20)));
    assert_eq!(stand.follows()[0].obstacle, Obstacle::Orders);
    assert_eq!(stand.desk().spreads()[0].residual_lots, [0, -9, 0, 0]);
    assert_eq!(stand.exposure(0), (11, 0, 0), "what was kept is free");
}

/// A follower that came back short is missing already: what leads fills no more.
#[test]
fn the_leading_leg_goes_when_a_follower_comes_back_short() {
    let repair = RepairSpec { tries: 2, within: Span(10 * ACK_TIMEOUT.0), ..RepairSpec::NONE };
    let day = SpreadSpec { time_in_force: TimeInForce::Day, repair, ..led() };
    let mut stand = stand_of(&day);
    let first = lead(&mut stand);
    stand.news(&first, OrderEventKind::Accepted);
    stand.fill(&first, 1, 2, 2);
    let follower = only_order(&stand);
    stand.news(&follower, OrderEventKind::Cancelled);
    stand.tick_after(Span(0));
    assert_eq!(cancelled(&stand), [first.order_id]);
    // What it fills on the way is for the repair.
    stand.fill(&first, 2, 1, 3);
    assert_eq!((stand.orders(), told(&stand)), (vec![], None));
    stand.news(&first, OrderEventKind::Cancelled);
    assert_eq!(told(&stand), Some((Late, 3, 3)));
    assert_eq!(stand.repair().map(|told| told.residual_lots), Some([0, -3, 0, 0]));
}

/// What opens is followed no more once its spread is halted: so it does not go on.
#[test]
fn the_leading_leg_goes_when_its_spread_is_halted() {
    let mut stand = stand_of(&SpreadSpec { time_in_force: TimeInForce::Day, ..led() });
    let first = lead(&mut stand);
    stand.fill(&first, 1, 2, 2);
    let follower = only_order(&stand);
    stand.news(&follower, OrderEventKind::Unknown);
    assert_eq!(stand.desk().spreads()[0].state, SpreadState::Halted);
    stand.tick_after(Span(0));
    assert_eq!(cancelled(&stand), [first.order_id]);
    stand.fill(&first, 2, 1, 3);
    assert_eq!((stand.orders(), told(&stand)), (vec![], None));
}

/// Lots that wait end with the run: the next one is not told that they are held.
#[test]
fn lots_that_wait_are_none_of_the_next_run() {
    let mut stand = stand_of(&led());
    let first = lead(&mut stand);
    let waiting = |stand: &Stand| {
        [AccountId::ALL, led().account, AccountId(99)].map(|of| stand.desk().waiting_lots(of))
    };
    assert_eq!(waiting(&stand), [5, 5, 0]);
    stand.fill(&first, 1, 2, 2);
    let follower = only_order(&stand);
    assert_eq!(waiting(&stand), [3, 3, 0]);
    stand.news(&first, OrderEventKind::Cancelled);
    stand.news(&follower, OrderEventKind::Cancelled);
    assert_eq!(waiting(&stand), [0, 0, 0]);
}

/// A batch does not set the deadline anew: the leading leg is cancelled when its own time is up, a
/// follower has until the one after.
#[test]
fn a_batch_does_not_move_the_deadline() {
    let mut stand = stand_of(&SpreadSpec { time_in_force: TimeInForce::Day, ..led() });
    let first = lead(&mut stand);
    stand.news(&first, OrderEventKind::Accepted);
    let half = Span(ACK_TIMEOUT.0 / 2);
    stand.tick_after(half);
    stand.fill(&first, 1, 2, 2);
    let follower = only_order(&stand);
    stand.tick_after(half);
    assert_eq!(cancelled(&stand), [first.order_id]);
    stand.news(&first, OrderEventKind::Cancelled);
    assert_eq!((stand.orders(), stand.alerts()), (vec![], vec![]));
    stand.tick_after(ACK_TIMEOUT);
    assert_eq!(stand.alerts(), [AlertKind::OrderUnknown]);
    assert_eq!(stand.desk().orders().get(follower.order_id).map(|of| of.leg), Some(0));
}

#[test]
fn a_gate_holds_followers_back_and_is_told() {
    let mut stand = stand_of(&led());
    let first = lead(&mut stand);
    stand.session(SessionState::Gapped);
    stand.fill(&first, 1, 2, 2);
    assert_eq!((stand.orders(), told(&stand)), (vec![], Some((HeldBack, 2, 2))));
    assert_eq!(held_by(&stand), Some(Gate::SessionState));
    stand.session(SessionState::Up);
    // With the next fill all of it follows.
    stand.fill(&first, 2, 1, 3);
    assert_eq!(says(&only_order(&stand)), (0, Side::Buy, 3, 100));
}

/// A book that has gone beyond the limit is looked at again with each quote.
#[test]
fn what_the_book_does_not_show_waits_for_a_quote() {
    let mut stand = stand_of(&led());
    let first = lead(&mut stand);
    stand.quote(0, 100, 101, 50);
    stand.fill(&first, 1, 2, 2);
    assert_eq!((stand.orders(), told(&stand)), (vec![], Some((HeldBack, 2, 2))));
    let held = stand.follows()[0];
    assert_eq!((held.obstacle, held.gate, held.leg), (Obstacle::Depth, Gate::Passed, 0));
    assert_eq!((held.seen, held.limit), (101 * ONE_E9, 100 * ONE_E9));
    stand.quote(0, 100, 102, 50);
    assert_eq!((stand.orders(), told(&stand)), (vec![], None), "that was told already");
    stand.session(SessionState::Gapped);
    stand.quote(0, 99, 100, 50);
    assert_eq!((stand.orders(), held_by(&stand)), (vec![], Some(Gate::SessionState)));
    stand.session(SessionState::Up);
    stand.quote(0, 99, 100, 1);
    assert_eq!(says(&only_order(&stand)), (0, Side::Buy, 2, 100));
    assert_eq!(told(&stand), Some((Followed, 2, 2)));
}

/// An order beyond the limit would be a guess: both ways are priced at once.
#[test]
fn what_has_become_dearer_is_repaired_in_the_same_input() {
    let repair = RepairSpec { tries: 2, within: Span(10 * ACK_TIMEOUT.0), ..RepairSpec::NONE };
    let mut stand = stand_of(&SpreadSpec { repair, ..led() });
    let first = lead(&mut stand);
    stand.quote(0, 100, 101, 50);
    stand.fill(&first, 1, 5, 5);
    assert_eq!(told(&stand), Some((GivenUp, 5, 5)));
    assert_eq!(stand.follows()[0].obstacle, Obstacle::Depth);
    let repair = stand.repair().expect("it is out of ratio");
    assert_ne!(repair.way, RepairWay::Neither);
    assert_eq!(stand.orders().len(), 1);
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
        assert_eq!((stand.orders(), told(&stand)), (vec![], Some((GivenUp, 5, 5))));
        assert_eq!(held_by(&stand), Some(Gate::SessionState));
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
    assert_eq!(told(&stand), Some((Barred, 5, 5)));
    assert_eq!(stand.alerts(), [AlertKind::BrokenSpread]);
    assert_eq!(stand.exposure(0), (0, 0, 0));
    let mut stand = stand_of(&led());
    let first = lead(&mut stand);
    stand.tick_after(ACK_TIMEOUT);
    assert_eq!(stand.alerts(), [AlertKind::OrderUnknown]);
    stand.fill(&first, 1, 5, 5);
    assert_eq!(stand.orders(), vec![]);
    // What opens is not for a spread that is halted because nobody could tell.
    assert_eq!(told(&stand), Some((Barred, 5, 5)));
    assert_eq!(stand.desk().spreads()[0].state, SpreadState::Halted);
}

/// The leading leg rests, is cancelled at the deadline, and is filled while the cancel is on its
/// way.
#[test]
fn nothing_follows_a_fill_that_comes_after_the_deadline() {
    let mut stand = stand_of(&SpreadSpec { time_in_force: TimeInForce::Day, ..led() });
    let first = lead(&mut stand);
    stand.news(&first, OrderEventKind::Accepted);
    stand.tick_after(ACK_TIMEOUT);
    assert_eq!(stand.orders().len(), 1, "its cancel");
    stand.fill(&first, 1, 2, 2);
    assert_eq!((stand.orders(), told(&stand)), (vec![], None));
    stand.news(&first, OrderEventKind::Cancelled);
    assert_eq!((stand.orders(), told(&stand)), (vec![], Some((Late, 5, 2))));
    assert_eq!(stand.desk().spreads()[0].residual_lots, [0, -2, 0, 0]);
}

/// A kill of what a spread is part of: the leading leg is cancelled, and what it fills on the way
/// is followed by nothing, not even a repair, whatever is armed or enabled meanwhile.
#[test]
fn nothing_follows_in_a_spread_that_was_killed() {
    let repair = RepairSpec { tries: 2, within: Span(10 * ACK_TIMEOUT.0), ..RepairSpec::NONE };
    let mut stand = stand_of(&SpreadSpec { repair, ..led() });
    let first = lead(&mut stand);
    stand.command_about(CommandKind::Kill, Scope::Spread(SpreadIndex(0)));
    let [cancel] = stand.orders()[..] else { panic!("{:?}", stand.outputs) };
    assert_eq!((cancel.action, cancel.order_id), (OrderAction::Cancel, first.order_id));
    stand.command(CommandKind::Arm);
    stand.command(CommandKind::Enable);
    stand.fill(&first, 1, 2, 2);
    assert_eq!((stand.orders(), told(&stand)), (vec![], None));
    stand.quote(0, 99, 100, 50);
    assert_eq!(stand.orders(), vec![]);
    stand.news(&first, OrderEventKind::Cancelled);
    assert_eq!((stand.orders(), told(&stand)), (vec![], Some((Barred, 5, 2))));
    assert_eq!((stand.exposure(0), stand.exposure(1)), ((0, 0, 0), (-2, 0, 0)));
    stand.quote(0, 99, 100, 50);
    assert_eq!((stand.orders(), stand.repair()), (vec![], None));
}

/// Commands that let nothing begin have no say in what has begun: the other leg would be missing.
#[test]
fn what_has_begun_is_followed_while_nothing_may_begin() {
    for command in [CommandKind::NoNew, CommandKind::Disable] {
        let mut stand = stand_of(&led());
        let first = lead(&mut stand);
        stand.command(command);
        stand.fill(&first, 1, 5, 5);
        assert_eq!(says(&only_order(&stand)), (0, Side::Buy, 5, 100), "{command:?}");
        assert_eq!(told(&stand), Some((Followed, 5, 5)));
    }
}

/// What is kept is of an account: a spread does not change it meanwhile.
#[test]
fn a_spread_keeps_its_account_while_legs_wait() {
    let mut stand = stand_of(&led());
    let first = lead(&mut stand);
    stand.tell(Event::Spread(&SpreadSpec { account: AccountId(9), ..led() }));
    assert_eq!(stand.alerts(), [AlertKind::BadInput]);
    stand.fill(&first, 1, 5, 5);
    assert_eq!(only_order(&stand).account, led().account);
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
    let other = SpreadSpec { spread: SpreadIndex(1), is_enabled: false, ..spread() };
    let mut stand = Stand::with_spreads(&[tight, instrument(1)], &[led(), other]);
    let first = lead(&mut stand);
    // The other spread would take five more of leg 0: 10, of which nine may be held.
    stand.command_about(CommandKind::Enable, Scope::Spread(SpreadIndex(1)));
    stand.quote(1, 100, 101, 5);
    let gates = stand.outputs.details().filter_map(|detail| match detail {
        Detail::Decision(told) if told.spread == SpreadIndex(1) => Some(told.gate),
        _ => None,
    });
    assert_eq!(gates.collect::<Vec<_>>(), [Gate::Position]);
    assert_eq!(stand.orders(), vec![]);
    stand.fill(&first, 1, 5, 5);
    assert_eq!(says(&only_order(&stand)), (0, Side::Buy, 5, 100));
}

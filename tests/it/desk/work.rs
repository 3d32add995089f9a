//! A leg that rests: at the price that the other one allows, followed at once, taken back as soon
//! as it may not stand there.
//!
//! The spread buys leg 0 and sells leg 1 at a difference of at most 0, and leg 1 rests: so it is
//! offered at what leg 0 costs.

use super::stand::{ACK_TIMEOUT, ONE_E9, Stand, instrument, spread};
use xmc_hotpath::message::FollowStep::{self, Followed, HeldBack, Pulled, Waits};
use xmc_hotpath::message::{
    AlertKind, ChannelState, CommandKind, Gate, InstrumentIndex, Obstacle, OrderAction,
    OrderCommand, OrderEventKind, RepairSpec, RepairWay, SessionState, Side, SpreadIndex,
    SpreadSpec, StrategyId, TimeInForce, WorkSpec,
};
use xmc_hotpath::time::Span;

fn worked() -> SpreadSpec {
    let work = WorkSpec {
        leg: 1,
        slop_e9: 0,
        lag_e9: ONE_E9,
        improve_e9: 5 * ONE_E9,
        behind_e9: 5 * ONE_E9,
    };
    SpreadSpec { work, clip_units: 5, ..spread() }
}

fn stand_of(spec: &SpreadSpec) -> Stand {
    Stand::with(&[instrument(0), instrument(1)], spec)
}

/// Leg 1 is bid at 97 and offered at 103, leg 0 costs `ask`.
fn quoted(stand: &mut Stand, ask: i64) {
    stand.quote(1, 97, 103, 50);
    stand.quote(0, ask - 1, ask, 50);
}

/// Five of leg 1 are offered at 100.
fn resting(stand: &mut Stand) -> OrderCommand {
    quoted(stand, 100);
    let order = only(stand, OrderAction::New);
    assert_eq!(says(&order), (1, Side::Sell, 5, 100));
    stand.news(&order, OrderEventKind::Accepted);
    assert_eq!(stand.orders(), vec![]);
    order
}

fn says(order: &OrderCommand) -> (u8, Side, u32, i64) {
    (order.leg, order.side, order.qty_lots, order.price_e9 / ONE_E9)
}

fn only(stand: &Stand, action: OrderAction) -> OrderCommand {
    let [order] = stand.orders()[..] else { panic!("one order, not {:?}", stand.outputs) };
    assert_eq!(order.action, action);
    order
}

fn told(stand: &Stand) -> Vec<(FollowStep, Obstacle, Gate)> {
    stand.follows().iter().map(|told| (told.step, told.obstacle, told.gate)).collect()
}

fn pulled_by(gate: Gate) -> Vec<(FollowStep, Obstacle, Gate)> {
    vec![(Pulled, Obstacle::Gate, gate)]
}

#[test]
fn a_leg_rests_at_what_the_other_one_allows_and_is_followed_at_once() {
    let mut stand = stand_of(&worked());
    quoted(&mut stand, 100);
    let first = only(&stand, OrderAction::New);
    assert_eq!(says(&first), (1, Side::Sell, 5, 100));
    assert_eq!(first.time_in_force, TimeInForce::Day);
    assert_eq!(told(&stand), [(Waits, Obstacle::Nothing, Gate::Passed)]);
    let decision = stand.decision().expect("it was decided");
    assert_eq!((decision.rests, decision.value_e9, decision.units), (1, 0, 5));
    // Both legs are reserved; what rests takes nothing from a book.
    assert_eq!((stand.exposure(0), stand.exposure(1)), ((0, 5, 0), (0, 0, 5)));
    assert_eq!(stand.desk().instruments()[1].taken_bid_lots, 0);
    stand.fill(&first, 1, 2, 2);
    let follower = only(&stand, OrderAction::New);
    assert_eq!(says(&follower), (0, Side::Buy, 2, 100));
    assert_eq!(follower.time_in_force, TimeInForce::FillAndKill);
    assert_eq!(told(&stand), [(Followed, Obstacle::Nothing, Gate::Passed)]);
    stand.fill(&follower, 2, 2, 2);
    stand.tick_after(Span(ACK_TIMEOUT.0 * 100));
    assert_eq!((stand.orders(), stand.alerts()), (vec![], vec![]), "it rests without a deadline");
    stand.fill(&first, 3, 3, 5);
    let follower = only(&stand, OrderAction::New);
    stand.fill(&follower, 4, 3, 3);
    let ending = stand.ending().expect("all is known");
    assert_eq!((ending.is_aligned, ending.done_units), (true, 5));
    // Reload: the next five rest from the same input.
    assert_eq!(says(&only(&stand, OrderAction::New)), (1, Side::Sell, 5, 100));
}

#[test]
fn it_moves_as_soon_as_the_other_leg_costs_more() {
    let mut stand = stand_of(&worked());
    let first = resting(&mut stand);
    stand.quote(0, 100, 101, 50);
    assert_eq!(only(&stand, OrderAction::Cancel).order_id, first.order_id);
    let [pulled] = stand.follows()[..] else { panic!("{:?}", stand.outputs) };
    assert_eq!((pulled.step, pulled.obstacle, pulled.leg), (Pulled, Obstacle::Price, 1));
    assert_eq!((pulled.seen, pulled.limit), (100 * ONE_E9, 101 * ONE_E9), "what it may have now");
    stand.news(&first, OrderEventKind::Cancelled);
    let ending = stand.ending().expect("all is known");
    assert_eq!((ending.is_aligned, ending.done_units), (true, 0));
    assert_eq!(says(&only(&stand, OrderAction::New)), (1, Side::Sell, 5, 101), "at once");
}

#[test]
fn within_the_slop_it_stays() {
    let mut spec = worked();
    spec.work.slop_e9 = 2 * ONE_E9;
    let mut stand = stand_of(&spec);
    resting(&mut stand);
    stand.quote(0, 101, 102, 50);
    assert_eq!((stand.orders(), told(&stand)), (vec![], vec![]));
    stand.quote(0, 102, 103, 50);
    only(&stand, OrderAction::Cancel);
}

#[test]
fn who_stands_first_has_no_reason_to_move_and_who_is_overtaken_has() {
    let mut stand = stand_of(&worked());
    resting(&mut stand);
    // It could be offered at 97 now, but nobody stands before it, and the book shows it.
    stand.quote(1, 95, 100, 5);
    stand.quote(0, 96, 97, 50);
    assert_eq!(stand.orders(), vec![], "it is the first of its side");
    stand.quote(1, 95, 99, 5);
    assert_eq!(stand.orders().len(), 1, "two steps nearer are more than the lag");
    assert_eq!(told(&stand), [(Pulled, Obstacle::Price, Gate::Passed)]);
    assert_eq!(stand.follows()[0].limit, 97 * ONE_E9);
}

#[test]
fn it_neither_improves_nor_stays_behind_by_more_than_it_may() {
    let mut spec = worked();
    spec.work.improve_e9 = ONE_E9;
    let mut stand = stand_of(&spec);
    quoted(&mut stand, 100);
    assert_eq!(says(&only(&stand, OrderAction::New)).3, 102, "one step before 103");
    let mut stand = stand_of(&spec);
    quoted(&mut stand, 108);
    assert_eq!(says(&only(&stand, OrderAction::New)).3, 108, "five steps behind 103");
    let mut stand = stand_of(&spec);
    quoted(&mut stand, 109);
    assert_eq!(stand.orders(), vec![], "six are too far");
}

#[test]
fn it_does_not_cross_what_stands_on_the_other_side() {
    // With a hold the level at crossing prices is not met at once, and nothing rests meanwhile.
    let mut stand = stand_of(&worked());
    stand.quote(1, 99, 103, 1);
    stand.quote(0, 98, 99, 50);
    let orders = stand.orders();
    assert_eq!(orders.len(), 2, "one unit crosses: {orders:?}");
    let mut spec = worked();
    spec.legs[1].min_lean_lots = 0;
    spec.work.improve_e9 = 50 * ONE_E9;
    spec.buy_open_e9 = -ONE_E9;
    let mut stand = stand_of(&spec);
    // Offered at one more than leg 0 costs, which is where the bids are.
    stand.quote(1, 100, 103, 50);
    stand.quote(0, 99, 100, 50);
    assert_eq!(says(&only(&stand, OrderAction::New)).3, 101);
}

#[test]
fn it_is_taken_back_when_what_let_it_be_sent_does_not_hold_any_more() {
    type Change = fn(&mut Stand);
    let changes: [(Change, Gate); 5] = [
        (|stand| stand.command(CommandKind::NoNew), Gate::SafeState),
        (|stand| stand.command(CommandKind::Disable), Gate::Disabled),
        (|stand| stand.channel(ChannelState::Suspect, 1), Gate::ChannelState),
        (|stand| stand.session(SessionState::Down), Gate::SessionState),
        (|stand| stand.tick_after(Span(501)), Gate::QuoteAge),
    ];
    for (change, gate) in changes {
        let spec = SpreadSpec { max_quote_age: Span(500), ..worked() };
        let mut stand = stand_of(&spec);
        let first = resting(&mut stand);
        assert!(stand.desk().next_deadline().0 <= stand.now + 501, "it knows when quotes age");
        change(&mut stand);
        assert_eq!(told(&stand), pulled_by(gate));
        assert_eq!(only(&stand, OrderAction::Cancel).order_id, first.order_id);
        stand.news(&first, OrderEventKind::Cancelled);
        assert_eq!(stand.orders(), vec![], "nothing rests while {gate:?}");
    }
}

#[test]
fn what_is_not_there_yet_goes_as_soon_as_it_is() {
    let mut stand = stand_of(&worked());
    quoted(&mut stand, 100);
    let first = only(&stand, OrderAction::New);
    stand.quote(0, 100, 101, 50);
    assert_eq!(stand.orders(), vec![], "the venue has nothing to cancel yet");
    assert_eq!(told(&stand), [(Pulled, Obstacle::Price, Gate::Passed)]);
    stand.news(&first, OrderEventKind::Accepted);
    assert_eq!(only(&stand, OrderAction::Cancel).order_id, first.order_id);
}

#[test]
fn what_fills_while_it_is_taken_back_is_followed_and_the_follower_is_not_cancelled() {
    let mut stand = stand_of(&worked());
    let first = resting(&mut stand);
    stand.quote(0, 100, 101, 50);
    only(&stand, OrderAction::Cancel);
    stand.quote(0, 99, 100, 50);
    stand.fill(&first, 1, 2, 2);
    let follower = only(&stand, OrderAction::New);
    assert_eq!(says(&follower), (0, Side::Buy, 2, 100));
    stand.news(&follower, OrderEventKind::Accepted);
    assert_eq!(stand.orders(), vec![], "it is fill-and-kill, and has been asked for");
    stand.fill(&follower, 2, 2, 2);
    stand.news(&first, OrderEventKind::Cancelled);
    let ending = stand.ending().expect("all is known");
    assert_eq!((ending.is_aligned, ending.done_units), (true, 2));
}

#[test]
fn what_cannot_be_followed_takes_the_rest_back_and_is_repaired() {
    let repair = RepairSpec { tries: 3, within: Span(1_000_000_000), ..RepairSpec::NONE };
    let mut stand = stand_of(&SpreadSpec { repair, ..worked() });
    let first = resting(&mut stand);
    // Nothing of leg 0 at the 100 that the order leans on. The order is taken back for that.
    stand.quote(0, 100, 101, 50);
    only(&stand, OrderAction::Cancel);
    stand.fill(&first, 1, 2, 2);
    assert_eq!(told(&stand), [(HeldBack, Obstacle::Depth, Gate::Passed)]);
    stand.news(&first, OrderEventKind::Cancelled);
    let repair = stand.repair().expect("both ways are priced");
    // 2 x 1 more for leg 0, or leg 1 bought back at 103.
    assert_eq!((repair.way, repair.complete.cost_e9), (RepairWay::Complete, 2 * ONE_E9));
    assert_eq!(says(&only(&stand, OrderAction::New)), (0, Side::Buy, 2, 101));
}

#[test]
fn a_follower_that_comes_back_short_takes_the_rest_back() {
    let mut stand = stand_of(&worked());
    let first = resting(&mut stand);
    stand.fill(&first, 1, 2, 2);
    let follower = only(&stand, OrderAction::New);
    stand.news(&follower, OrderEventKind::Cancelled);
    stand.tick_after(Span(0));
    assert_eq!(only(&stand, OrderAction::Cancel).order_id, first.order_id);
}

#[test]
fn a_part_of_a_unit_does_not_stay_naked() {
    let repair = RepairSpec { tries: 3, within: Span(1_000_000_000), ..RepairSpec::NONE };
    let mut spec = SpreadSpec { repair, clip_units: 1, ..worked() };
    spec.legs[1].ratio_lots = -5;
    let mut stand = stand_of(&spec);
    let first = resting(&mut stand);
    stand.fill(&first, 1, 4, 4);
    assert_eq!((stand.orders(), told(&stand)), (vec![], vec![]), "no whole unit");
    stand.tick_after(ACK_TIMEOUT);
    assert_eq!(told(&stand), [(Pulled, Obstacle::Part, Gate::Passed)]);
    assert_eq!(only(&stand, OrderAction::Cancel).order_id, first.order_id);
}

#[test]
fn a_cancel_that_is_refused_is_asked_for_again() {
    let mut stand = stand_of(&worked());
    let first = resting(&mut stand);
    stand.quote(0, 100, 101, 50);
    for _ in 0..5 {
        assert_eq!(only(&stand, OrderAction::Cancel).order_id, first.order_id);
        stand.news(&first, OrderEventKind::CancelRejected);
        stand.tick_after(ACK_TIMEOUT);
    }
    assert_eq!(stand.alerts(), [AlertKind::OrderUnknown], "five times");
}

#[test]
fn what_is_refused_three_times_in_a_row_halts() {
    let mut stand = stand_of(&worked());
    quoted(&mut stand, 100);
    for refused in 1..=3 {
        let order = only(&stand, OrderAction::New);
        stand.news(&order, OrderEventKind::Rejected);
        assert_eq!(stand.orders().len(), usize::from(refused < 3), "sent again at once, or not");
    }
    assert_eq!(stand.alerts(), [AlertKind::OrderRejected]);
}

#[test]
fn lots_of_followers_to_come_meet_nobody() {
    let mut stand = stand_of(&worked());
    resting(&mut stand);
    let exposure = stand.desk().instruments()[0].exposure;
    assert_eq!((exposure.live_buy_lots, exposure.against(Side::Sell)), (5, 0));
    let exposure = stand.desk().instruments()[1].exposure;
    assert_eq!((exposure.live_sell_lots, exposure.against(Side::Buy)), (5, 5), "this one is there");
}

#[test]
fn an_order_that_is_not_answered_is_unknown_at_its_deadline() {
    let mut stand = stand_of(&worked());
    quoted(&mut stand, 100);
    stand.tick_after(ACK_TIMEOUT);
    assert_eq!(stand.alerts(), [AlertKind::OrderUnknown]);
}

#[test]
fn more_moves_than_allowed_wait_and_halt_nothing() {
    let spec = SpreadSpec { max_fires: 2, fire_window: Span(1_000_000), ..worked() };
    let mut stand = stand_of(&spec);
    for ask in [100, 101] {
        quoted(&mut stand, ask);
        let order = only(&stand, OrderAction::New);
        stand.news(&order, OrderEventKind::Accepted);
        stand.quote(0, ask, ask + 1, 50);
        only(&stand, OrderAction::Cancel);
        stand.quote(0, 110, 111, 50);
        stand.news(&order, OrderEventKind::Cancelled);
        assert_eq!(stand.orders(), vec![], "too far behind");
    }
    quoted(&mut stand, 100);
    assert_eq!(stand.decision().map(|decision| decision.gate), Some(Gate::FireRate));
    assert_eq!((stand.orders(), stand.alerts()), (vec![], vec![]));
    stand.now += 1_000_000;
    stand.quote(0, 99, 100, 50);
    only(&stand, OrderAction::New);
}

#[test]
fn of_two_ways_to_open_the_nearer_one_rests_and_closing_comes_first() {
    // Sells the spread at 8 or more as well: leg 1 bid for at 8 less than leg 0 brings.
    let spec = SpreadSpec { sell_open_e9: 8 * ONE_E9, ..worked() };
    let mut stand = stand_of(&spec);
    stand.quote(1, 97, 104, 50);
    stand.quote(0, 105, 108, 50);
    // Offering at 108 is four behind 104, bidding 105 - 8 = 97 is at the best bid.
    assert_eq!(says(&only(&stand, OrderAction::New)), (1, Side::Buy, 5, 97));
    let mut stand = stand_of(&worked());
    let first = resting(&mut stand);
    stand.fill(&first, 1, 5, 5);
    let follower = only(&stand, OrderAction::New);
    stand.quote(1, 88, 95, 50);
    stand.fill(&follower, 2, 5, 5);
    // Long five: sold at 10 or more, so leg 1 is bought back at 99 - 10.
    assert_eq!(says(&only(&stand, OrderAction::New)), (1, Side::Buy, 5, 89));
}

#[test]
fn the_next_one_does_not_overtake_what_the_book_still_shows_of_the_last_one() {
    let mut spec = worked();
    spec.work.improve_e9 = ONE_E9;
    let mut stand = stand_of(&spec);
    quoted(&mut stand, 98);
    let first = only(&stand, OrderAction::New);
    assert_eq!(says(&first), (1, Side::Sell, 5, 102), "one better than the others");
    stand.news(&first, OrderEventKind::Accepted);
    stand.quote(1, 97, 102, 5);
    stand.fill(&first, 1, 5, 5);
    let follower = only(&stand, OrderAction::New);
    stand.fill(&follower, 2, 5, 5);
    assert!(stand.ending().is_some());
    assert_eq!(stand.orders(), vec![], "nobody else is seen to sell");
    stand.quote(1, 97, 103, 50);
    assert_eq!(says(&only(&stand, OrderAction::New)), (1, Side::Sell, 5, 102));
}

#[test]
fn a_level_of_more_lots_than_the_last_one_had_is_others() {
    let mut spec = worked();
    spec.work.improve_e9 = ONE_E9;
    let mut stand = stand_of(&spec);
    quoted(&mut stand, 98);
    let first = only(&stand, OrderAction::New);
    stand.news(&first, OrderEventKind::Accepted);
    stand.quote(1, 97, 102, 6);
    stand.fill(&first, 1, 5, 5);
    let follower = only(&stand, OrderAction::New);
    stand.fill(&follower, 2, 5, 5);
    assert_eq!(says(&only(&stand, OrderAction::New)), (1, Side::Sell, 5, 101));
}

/// The second pair buys instrument 2 and sells instrument 1, in which the first one's offer rests.
#[test]
fn what_rests_makes_way_for_the_repair_of_another_pair() {
    let repair = RepairSpec {
        tries: 3,
        within: Span(1_000_000_000),
        max_cost_e9: 50 * ONE_E9,
        ..RepairSpec::NONE
    };
    let mut second = SpreadSpec {
        spread: SpreadIndex(1),
        strategy: StrategyId(2),
        clip_units: 2,
        max_units: 2,
        repair,
        ..spread()
    };
    second.legs[0].instrument = InstrumentIndex(2);
    let instruments = [instrument(0), instrument(1), instrument(2)];
    let mut stand = Stand::with_spreads(&instruments, &[worked(), second]);
    let mut rests = resting(&mut stand);
    // More than once: the second time nothing is remembered of the first.
    for exec_id in [1, 3] {
        stand.quote(2, 95, 96, 50);
        let [bought, sold] = stand.orders()[..] else { panic!("{:?}", stand.outputs) };
        stand.quote(2, 199, 200, 50);
        stand.fill(&sold, exec_id, 2, 2);
        stand.news(&bought, OrderEventKind::Cancelled);
        let waits = stand.repair().expect("it is out of ratio");
        assert_eq!((waits.way, waits.unwind.gate), (RepairWay::Neither, Gate::SelfMatch));
        stand.tick_after(Span(0));
        assert_eq!(only(&stand, OrderAction::Cancel).order_id, rests.order_id);
        assert_eq!(told(&stand), pulled_by(Gate::SelfMatch));
        stand.news(&rests, OrderEventKind::Cancelled);
        let repairs = only(&stand, OrderAction::New);
        assert_eq!((repairs.spread, says(&repairs)), (SpreadIndex(1), (1, Side::Buy, 2, 103)));
        // Nothing rests there before that is over.
        stand.tick_after(Span(0));
        assert_eq!(stand.decision().map(|told| told.gate), Some(Gate::SelfMatch));
        stand.fill(&repairs, exec_id + 1, 2, 2);
        assert!(stand.ending().is_some_and(|ending| ending.is_aligned));
        stand.quote(1, 97, 103, 50);
        rests = only(&stand, OrderAction::New);
        assert_eq!(says(&rests), (1, Side::Sell, 5, 100));
        stand.news(&rests, OrderEventKind::Accepted);
    }
}

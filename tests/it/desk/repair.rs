//! A fire out of ratio: completed or traded back, whichever is cheaper, a bounded number of times.
//!
//! The spread buys 5 lots of leg 0 at 100 and sells 5 of leg 1 at 100, at a level of 0; then leg 1
//! is refused. Trading back costs the width of leg 0's book, one for each lot.

use super::stand::{ACK_TIMEOUT, ONE_E9, Stand, book, gateway, instrument, spread};
use xmc_hotpath::desk::SpreadState;
use xmc_hotpath::execute::Fire;
use xmc_hotpath::execute::repair::{Ends, cost_e9, ends, lot_q32, trade};
use xmc_hotpath::message::{
    AccountId, AlertKind, ChannelState, CommandKind, Event, GatewayIndex, GatewayLimits,
    InstrumentIndex, InstrumentSpec, Intent, LegSpec, MAX_LEGS, Obstacle, OrderAction,
    OrderCommand, OrderEvent, OrderEventKind, Quote, Repair, RepairEnd, RepairSpec, RepairWay,
    SessionState, Side, SpreadIndex, SpreadSpec, TimeInForce,
};
use xmc_hotpath::price::ONE_Q32;
use xmc_hotpath::time::{MonoNs, Span};

use RepairWay::{Complete, Neither, Unwind};

const WITHIN: Span = Span(10 * ACK_TIMEOUT.0);

fn repaired() -> RepairSpec {
    RepairSpec { tries: 2, within: WITHIN, ..RepairSpec::NONE }
}

fn stand_with(repair: RepairSpec) -> Stand {
    Stand::with(&[instrument(0), instrument(1)], &SpreadSpec { repair, ..spread() })
}

/// Leg 0 is filled, and the book of leg 1 is now at `bid`; then its order is refused.
fn refused_at(stand: &mut Stand, bid: i64) -> Repair {
    let [buy, sell] = stand.open(5);
    stand.fill(&buy, 1, 5, 5);
    stand.quote(1, bid, bid + 1, 50);
    assert_eq!((stand.orders(), stand.repair()), (vec![], None), "not before all is known");
    stand.news(&sell, OrderEventKind::Rejected);
    stand.repair().expect("it is looked at as soon as all orders are known")
}

fn says(order: &OrderCommand) -> (u8, Side, u32, i64) {
    (order.leg, order.side, order.qty_lots, order.price_e9 / ONE_E9)
}

fn only_order(stand: &Stand) -> OrderCommand {
    let [order] = stand.orders()[..] else { panic!("one order, not {:?}", stand.outputs) };
    assert_eq!((order.action, order.time_in_force), (OrderAction::New, TimeInForce::FillAndKill));
    order
}

fn state(stand: &Stand) -> SpreadState {
    stand.desk().spreads()[0].state
}

fn costs(repair: &Repair) -> (i64, i64) {
    (repair.complete.cost_e9 / ONE_E9, repair.unwind.cost_e9 / ONE_E9)
}

#[test]
fn the_missing_leg_is_traded_where_that_is_cheaper() {
    let mut stand = stand_with(repaired());
    let repair = refused_at(&mut stand, 100);
    assert_eq!((repair.way, repair.attempt, costs(&repair)), (Complete, 1, (0, 5)));
    assert_eq!((repair.done_units, repair.full_units), (0, 5));
    assert_eq!(repair.residual_lots, [5, 0, 0, 0]);
    let order = only_order(&stand);
    assert_eq!(says(&order), (1, Side::Sell, 5, 100));
    assert_eq!(stand.ending(), None, "the fire goes on");
    stand.fill(&order, 2, 5, 5);
    let ending = stand.ending().expect("all is in ratio");
    assert_eq!((ending.is_aligned, ending.done_units, ending.asked_lots), (true, 5, [5, 5, 0, 0]));
    assert_eq!((stand.alerts(), state(&stand)), (vec![], SpreadState::Enabled));
    assert_eq!(stand.desk().spreads()[0].position_units, 5);
}

#[test]
fn the_filled_leg_is_traded_back_where_that_is_cheaper() {
    let mut stand = stand_with(repaired());
    let repair = refused_at(&mut stand, 97);
    assert_eq!((repair.way, costs(&repair)), (Unwind, (15, 5)));
    let order = only_order(&stand);
    assert_eq!(says(&order), (0, Side::Sell, 5, 99));
    stand.fill(&order, 2, 5, 5);
    let ending = stand.ending().expect("all is in ratio");
    assert_eq!((ending.is_aligned, ending.done_units), (true, 0));
    assert_eq!(ending.filled_lots, [0; MAX_LEGS], "what was traded back is not filled");
    assert_eq!((stand.exposure(0), stand.exposure(1)), ((0, 0, 0), (0, 0, 0)));
    assert_eq!((stand.alerts(), state(&stand)), (vec![], SpreadState::Enabled));
}

/// Both cost 5, and the level is met: the spread is what was wanted. A fee on the missing leg makes
/// trading back the cheaper way, in lots as in parts of the value.
#[test]
fn fees_decide_between_ways_that_cost_the_same() {
    let tie = refused_at(&mut stand_with(repaired()), 99);
    assert_eq!((tie.way, costs(&tie)), (Complete, (5, 5)));
    let fee_e9 = [0, ONE_E9 / 10, 0, 0];
    let by_lot = refused_at(&mut stand_with(RepairSpec { fee_e9, ..repaired() }), 99);
    assert_eq!((by_lot.way, by_lot.complete.cost_e9), (Unwind, 5 * ONE_E9 + ONE_E9 / 2));
    let fee_q32 = [0, 1 << 22, 0, 0];
    let by_value = refused_at(&mut stand_with(RepairSpec { fee_q32, ..repaired() }), 99);
    let share = 5 * 99 * ONE_E9 / 1_024;
    assert_eq!((by_value.way, by_value.complete.cost_e9), (Unwind, 5 * ONE_E9 + share));
    let fee_e9 = [ONE_E9 / 10, 0, 0, 0];
    let back = refused_at(&mut stand_with(RepairSpec { fee_e9, ..repaired() }), 99);
    assert_eq!((back.way, back.unwind.cost_e9), (Complete, 5 * ONE_E9 + ONE_E9 / 2));
}

/// A currency that only prices has moved since: what is completed is worth less, at its live price.
#[test]
fn the_currency_is_priced_as_it_is_now() {
    let way = |fx: i64| {
        let mut spec = SpreadSpec { repair: repaired(), constant_e9: -7 * ONE_E9, ..spread() };
        spec.leg_count = 3;
        spec.legs[2] = LegSpec {
            instrument: InstrumentIndex(2),
            ratio_lots: 0,
            coefficient_q32: ONE_Q32,
            pay_up_e9: 0,
            min_lean_lots: 0,
        };
        let rows = [instrument(0), instrument(1), instrument(2)];
        let mut stand = Stand::with(&rows, &spec);
        stand.quote(2, 6, 7, 50);
        let [buy, sell] = stand.open(5);
        stand.fill(&buy, 1, 5, 5);
        stand.quote(1, 100, 101, 50);
        stand.quote(2, fx - 1, fx, 50);
        stand.news(&sell, OrderEventKind::Rejected);
        let repair = stand.repair().expect("it is looked at");
        (repair.way, costs(&repair))
    };
    assert_eq!(way(7), (Complete, (0, 5)));
    assert_eq!(way(9), (Unwind, (10, 5)));
}

#[test]
fn a_unit_that_all_legs_have_stays() {
    let mut stand = stand_with(repaired());
    let [buy, sell] = stand.open(5);
    stand.fill(&buy, 1, 4, 4);
    stand.fill(&sell, 2, 2, 2);
    stand.news(&buy, OrderEventKind::Cancelled);
    stand.quote(1, 90, 91, 50);
    stand.news(&sell, OrderEventKind::Cancelled);
    let repair = stand.repair().expect("it is looked at");
    assert_eq!((repair.way, repair.done_units, repair.full_units), (Unwind, 2, 4));
    assert_eq!((costs(&repair), repair.residual_lots), ((20, 2), [2, 0, 0, 0]));
    assert_eq!(says(&only_order(&stand)), (0, Side::Sell, 2, 99));
}

#[test]
fn it_is_tried_so_often_and_then_the_spread_is_halted() {
    let mut stand = stand_with(repaired());
    refused_at(&mut stand, 97);
    for attempt in [2, 3, 4, 5] {
        let order = only_order(&stand);
        stand.quote(0, 99, 100, 50);
        assert_eq!(stand.orders(), [], "while an order is on its way nothing is sent");
        stand.news(&order, OrderEventKind::Rejected);
        let repair = stand.repair().map(|repair| repair.attempt);
        assert_eq!(
            repair,
            (attempt < 5).then_some(attempt),
            "two tries, and two that open nothing"
        );
    }
    assert_eq!(stand.orders(), []);
    let expected = [AlertKind::OrderRejected, AlertKind::RepairFailed, AlertKind::BrokenSpread];
    assert_eq!((stand.alerts(), state(&stand)), (expected.to_vec(), SpreadState::Halted));
    assert!(!stand.ending().expect("it is over").is_aligned);
    assert_eq!(stand.desk().spreads()[0].residual_lots, [5, 0, 0, 0]);
    stand.quote(0, 99, 100, 50);
    assert_eq!(stand.orders(), []);
}

/// Completing stays the cheaper way; what was tried of it in vain leaves trading back its tries.
#[test]
fn tries_of_completing_use_up_none_of_trading_back() {
    let mut stand = stand_with(repaired());
    assert_eq!(refused_at(&mut stand, 100).way, Complete);
    for (attempt, way) in [(2, Complete), (3, Unwind), (4, Unwind)] {
        let order = only_order(&stand);
        stand.quote(0, 99, 100, 50);
        stand.quote(1, 100, 101, 50);
        stand.news(&order, OrderEventKind::Cancelled);
        let repair = stand.repair().expect("there are tries left");
        assert_eq!((repair.way, repair.attempt, repair.is_flattening), (way, attempt, false));
        let is_barred = repair.complete.obstacle == Obstacle::Opens;
        assert_eq!((is_barred, costs(&repair)), (way == Unwind, (0, 5)), "both are told");
    }
    let order = only_order(&stand);
    assert_eq!(says(&order), (0, Side::Sell, 5, 99));
    stand.fill(&order, 2, 5, 5);
    assert!(stand.ending().expect("all is in ratio").is_aligned);
    assert_eq!((stand.alerts(), state(&stand)), (vec![], SpreadState::Enabled));
}

/// What costs too much is not done by the last tries either: only flattening pays any price.
#[test]
fn the_last_tries_cost_no_more_than_the_first() {
    let dear = RepairSpec { max_cost_e9: 4 * ONE_E9, ..repaired() };
    let mut stand = stand_with(dear);
    refused_at(&mut stand, 100);
    for _ in 0..2 {
        let order = only_order(&stand);
        stand.quote(1, 100, 101, 50);
        stand.news(&order, OrderEventKind::Rejected);
    }
    let repair = stand.repair().expect("that it waits is told");
    let obstacles = (repair.complete.obstacle, repair.unwind.obstacle);
    assert_eq!((repair.way, obstacles), (Neither, (Obstacle::Opens, Obstacle::Cost)));
    stand.quote(0, 100, 101, 50);
    let repair = stand.repair().expect("now it costs nothing");
    assert_eq!((repair.way, repair.attempt), (Unwind, 3));
}

#[test]
fn without_a_book_it_waits_for_one_until_its_time_is_over() {
    let mut stand = stand_with(repaired());
    let [buy, sell] = stand.open(5);
    stand.fill(&buy, 1, 5, 5);
    stand.channel(ChannelState::Suspect, 1);
    stand.news(&sell, OrderEventKind::Rejected);
    let repair = stand.repair().expect("that it waits is told");
    let obstacles = (repair.complete.obstacle, repair.unwind.obstacle);
    assert_eq!((repair.way, obstacles), (Neither, (Obstacle::Gate, Obstacle::Gate)));
    stand.quote(0, 99, 100, 50);
    assert_eq!((stand.repair(), stand.orders()), (None, vec![]), "told once");
    assert_eq!(stand.desk().next_deadline(), MonoNs(stand.now - 1).after(WITHIN));
    stand.tick_after(WITHIN);
    let expected = [AlertKind::RepairFailed, AlertKind::BrokenSpread];
    assert_eq!((stand.alerts(), state(&stand)), (expected.to_vec(), SpreadState::Halted));
}

#[test]
fn the_next_quote_that_can_be_traded_on_wakes_it() {
    let mut stand = stand_with(repaired());
    let [buy, sell] = stand.open(5);
    stand.fill(&buy, 1, 5, 5);
    stand.session(SessionState::Down);
    stand.news(&sell, OrderEventKind::NotSent);
    let repair = stand.repair().expect("that it waits is told");
    assert_eq!((repair.way, repair.unwind.obstacle), (Neither, Obstacle::Gate));
    stand.quote(0, 99, 100, 50);
    assert_eq!(stand.orders(), [], "nothing leaves over a session that is down");
    stand.session(SessionState::Up);
    stand.quote(0, 99, 100, 50);
    assert_eq!(says(&only_order(&stand)), (0, Side::Sell, 5, 99));
}

#[test]
fn what_costs_too_much_is_not_done_unless_it_is_flattened() {
    let dear = RepairSpec { max_cost_e9: 4 * ONE_E9, ..repaired() };
    let mut stand = stand_with(dear);
    let repair = refused_at(&mut stand, 97);
    let obstacles = (repair.complete.obstacle, repair.unwind.obstacle);
    assert_eq!((repair.way, obstacles), (Neither, (Obstacle::Cost, Obstacle::Cost)));
    stand.tick_after(WITHIN);
    assert_eq!(state(&stand), SpreadState::Halted);

    let mut stand = stand_with(RepairSpec { then: RepairEnd::Flatten, ..dear });
    assert_eq!(refused_at(&mut stand, 100).way, Complete, "that costs nothing");
    let order = only_order(&stand);
    stand.quote(1, 97, 98, 50);
    stand.news(&order, OrderEventKind::Rejected);
    assert_eq!(stand.repair().map(|repair| repair.way), Some(Neither), "now it is too dear");
    stand.tick_after(WITHIN);
    let repair = stand.repair().expect("flattening begins");
    assert_eq!((repair.way, repair.is_flattening, repair.attempt), (Unwind, true, 1));
    assert_eq!(repair.complete.obstacle, Obstacle::Opens);
    let order = only_order(&stand);
    stand.fill(&order, 2, 5, 5);
    assert!(stand.ending().expect("all is in ratio").is_aligned);
    assert_eq!(state(&stand), SpreadState::Enabled);
}

/// Nobody could tell, so the spread is halted; when it is told, only what opens nothing is done.
#[test]
fn an_order_that_is_found_again_is_traded_back_only() {
    let mut stand = stand_with(repaired());
    let [buy, sell] = stand.open(5);
    stand.fill(&buy, 1, 5, 5);
    stand.tick_after(ACK_TIMEOUT);
    stand.quote(1, 100, 101, 50);
    assert_eq!((stand.orders(), state(&stand)), (vec![], SpreadState::Halted));
    stand.news(&sell, OrderEventKind::Cancelled);
    let repair = stand.repair().expect("it is looked at");
    assert_eq!((repair.way, repair.complete.obstacle), (Unwind, Obstacle::Opens));
    assert_eq!(costs(&repair), (0, 5), "the dearer way, and both are told");
    let order = only_order(&stand);
    stand.fill(&order, 2, 5, 5);
    assert!(stand.ending().expect("all is in ratio").is_aligned);
    assert_eq!(state(&stand), SpreadState::Halted, "a person looks all the same");
}

#[test]
fn a_late_fill_ends_what_waits() {
    let mut stand = stand_with(repaired());
    let [buy, sell] = stand.open(5);
    stand.fill(&buy, 1, 5, 5);
    stand.channel(ChannelState::Suspect, 1);
    stand.news(&sell, OrderEventKind::Cancelled);
    assert_eq!(stand.ending(), None);
    stand.fill(&sell, 2, 5, 5);
    assert!(stand.ending().expect("all is in ratio").is_aligned);
    assert_eq!((stand.alerts(), state(&stand)), (vec![], SpreadState::Enabled));
}

#[test]
fn a_fill_that_is_taken_back_is_replaced() {
    let mut stand = stand_with(repaired());
    let [buy, sell] = stand.open(5);
    stand.fill(&buy, 1, 5, 5);
    let bust =
        OrderEvent { qty_lots: 2, exec_id: 9, ..super::stand::news(&buy, OrderEventKind::Busted) };
    stand.tell(Event::Order(bust));
    assert_eq!(
        (stand.alerts(), state(&stand)),
        (vec![AlertKind::FillBusted], SpreadState::Enabled)
    );
    stand.quote(0, 99, 100, 50);
    stand.fill(&sell, 2, 5, 5);
    let repair = stand.repair().expect("it is looked at");
    assert_eq!((repair.way, repair.residual_lots), (Complete, [0, -2, 0, 0]));
    assert_eq!(says(&only_order(&stand)), (0, Side::Buy, 2, 100));
}

#[test]
fn after_a_kill_nothing_is_repaired() {
    let mut stand = stand_with(repaired());
    let [buy, sell] = stand.open(5);
    stand.fill(&buy, 1, 5, 5);
    stand.command(CommandKind::Kill);
    stand.quote(1, 100, 101, 50);
    stand.news(&sell, OrderEventKind::Rejected);
    assert_eq!((stand.orders(), stand.repair()), (vec![], None));
    assert_eq!(stand.alerts(), [AlertKind::OrderRejected, AlertKind::BrokenSpread]);
}

/// A fire leaves room in every window for the messages that repair it.
#[test]
fn messages_of_a_repair_are_kept_free() {
    let most = |max_messages, repair| {
        let mut stand = stand_with(repair);
        let window = Span(1_000_000);
        stand.tell(Event::Gateway(GatewayLimits {
            max_messages,
            rate_window: window,
            ..gateway()
        }));
        stand.quote(1, 100, 101, 5);
        stand.quote(0, 99, 100, 5);
        stand.orders().len()
    };
    assert_eq!((most(2, RepairSpec::NONE), most(1, RepairSpec::NONE)), (2, 0));
    assert_eq!((most(4, repaired()), most(3, repaired())), (2, 0));
}

/// Several that have not ended leave room for all their repairs: none is sent out of what another
/// one may need, and what has ended needs nothing any more.
#[test]
fn messages_are_kept_for_every_fire_until_it_ends() {
    let of = |row| {
        let spread_row = SpreadIndex(row);
        SpreadSpec { spread: spread_row, clip_units: 5, repair: repaired(), ..spread() }
    };
    let spreads: Vec<_> = (0..4).map(of).collect();
    let mut stand = Stand::with_spreads(&[instrument(0), instrument(1)], &spreads);
    let (max_messages, rate_window) = (10, Span(1_000_000_000));
    stand.tell(Event::Gateway(GatewayLimits { max_messages, rate_window, ..gateway() }));
    stand.quote(1, 100, 101, 50);
    stand.quote(0, 99, 100, 50);
    let fired = |stand: &mut Stand| {
        let mut fires = vec![stand.orders()];
        for _ in 0..8 {
            stand.tell(Event::Tick);
            fires.push(stand.orders());
        }
        fires.retain(|orders| !orders.is_empty());
        fires
    };
    let fires = fired(&mut stand);
    assert_eq!(fires.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2], "each may need two more");
    for (fire, id) in fires.iter().zip(1..) {
        let [buy, sell] = fire[..] else { panic!("{fire:?}") };
        stand.fill(&buy, 2 * id, 5, 5);
        stand.news(&sell, OrderEventKind::Rejected);
        assert_eq!(stand.repair().map(|repair| repair.way), Some(Complete), "{id}");
        let order = only_order(&stand);
        stand.fill(&order, 2 * id + 1, 5, 5);
        assert!(stand.ending().is_some_and(|ending| ending.is_aligned));
    }
    // Six were sent: there is room for two more and for what may repair these.
    stand.quote(0, 99, 100, 50);
    assert_eq!(fired(&mut stand).len(), 1);
}

/// What a fire waits for may never come: once its orders are called unknown nothing is kept for it.
#[test]
fn nothing_is_kept_for_a_fire_that_nobody_answers() {
    let mut stand = stand_with(repaired());
    let kept = |stand: &Stand| {
        let gateway = stand.desk().gateway(GatewayIndex(0)).expect("it has limits");
        let whole = stand.desk().account_risk(AccountId::ALL).expect("it has limits");
        (gateway.kept_messages, whole.kept_messages)
    };
    stand.open(5);
    assert_eq!(kept(&stand), (2, 2));
    for (deadline, expected) in [(1, (2, 2)), (2, (0, 0))] {
        stand.now += ACK_TIMEOUT.0;
        stand.tell(Event::Tick);
        assert_eq!(kept(&stand), expected, "deadline {deadline}");
    }
    assert!(stand.desk().spreads()[0].fire.is_some(), "it waits on");
}

/// Without tries it is as it was: the spread is halted at once.
#[test]
fn without_tries_nothing_is_repaired() {
    let mut stand = stand_with(RepairSpec::NONE);
    let [buy, sell] = stand.open(5);
    stand.fill(&buy, 1, 5, 5);
    stand.news(&sell, OrderEventKind::Rejected);
    assert_eq!((stand.orders(), state(&stand)), (vec![], SpreadState::Halted));
}

#[test]
fn a_repair_that_cannot_be_priced_or_timed_is_refused() {
    for repair in [
        RepairSpec { tries: 10, ..repaired() },
        RepairSpec { within: Span(0), ..repaired() },
        RepairSpec { max_cost_e9: -1, ..repaired() },
        RepairSpec { money_q32: 0, ..repaired() },
        RepairSpec { fee_e9: [0, -1, 0, 0], ..repaired() },
    ] {
        let mut stand = stand_with(repaired());
        stand.tell(Event::Spread(&SpreadSpec { repair, ..spread() }));
        assert_eq!(stand.alerts(), [AlertKind::BadInput], "{repair:?}");
    }
}

/// Depth is walked level by level, and what was taken is left out.
#[test]
fn lots_are_priced_level_by_level() {
    let mut quote: Quote = book(0, 99, 100, 3);
    (quote.asks.price_e9[1], quote.asks.lots[1], quote.asks.count) = (102 * ONE_E9, 4, 2);
    let cost = |taken, lots| {
        trade(Side::Buy, &quote.asks, taken, lots)
            .map(|trade| (trade.worst_e9 / ONE_E9, trade.sum_e9 / i128::from(ONE_E9)))
    };
    assert_eq!(cost(0, 3), Some((100, 300)));
    assert_eq!(cost(0, 5), Some((102, 504)));
    assert_eq!(cost(2, 3), Some((102, 304)));
    assert_eq!(cost(4, 3), Some((102, 306)));
    assert_eq!((cost(4, 4), cost(0, 8)), (None, None), "no more is shown");
}

#[test]
fn both_ways_lead_to_whole_units() {
    let legs = spread().legs.map(|leg| match leg.instrument {
        InstrumentIndex(0) => LegSpec { ratio_lots: 2, coefficient_q32: 2 * ONE_Q32, ..leg },
        InstrumentIndex(1) => LegSpec { ratio_lots: -3, coefficient_q32: -3 * ONE_Q32, ..leg },
        _ => leg,
    });
    let of = |filled: [u32; 2]| {
        let mut fire = Fire::new(Intent::OpenLong, 4, MonoNs(0));
        (fire.filled_lots[0], fire.filled_lots[1]) = (filled[0], filled[1]);
        let Ends { done_units, full_units } = ends(&legs, &fire);
        (done_units, full_units)
    };
    assert_eq!(of([0, 0]), (0, Some(0)));
    assert_eq!(of([8, 12]), (4, Some(4)));
    assert_eq!(of([3, 0]), (0, Some(2)));
    assert_eq!(of([5, 4]), (1, Some(3)));
    assert_eq!(of([9, 12]), (4, None), "more than was asked for");
    assert_eq!(legs.each_ref().map(lot_q32), [ONE_Q32, ONE_Q32, 0, 0]);
}

/// Figures that do not fit are no price, and nothing wraps.
#[test]
fn what_cannot_be_counted_is_not_priced() {
    let spec = SpreadSpec { repair: repaired(), ..spread() };
    let lots = spec.legs.each_ref().map(lot_q32);
    let mut fire = Fire::new(Intent::OpenLong, 1, MonoNs(0));
    assert_eq!(cost_e9(&spec, &lots, &fire, &[None; MAX_LEGS], 1, &[0; MAX_LEGS]), Some(0));
    fire.slip_e9[0] = i128::MAX / 2;
    assert_eq!(cost_e9(&spec, &lots, &fire, &[None; MAX_LEGS], 1, &[0; MAX_LEGS]), None);
}

/// A way that a gate of the instrument holds back is left for the other one, which is dearer.
#[test]
fn a_way_that_a_gate_holds_back_is_not_taken() {
    let second = InstrumentSpec { max_order_lots: 5, ..instrument(1) };
    let mut spec = SpreadSpec { repair: repaired(), ..spread() };
    spec.legs[1].pay_up_e9 = 2 * ONE_E9;
    let mut stand = Stand::with(&[instrument(0), second], &spec);
    let [buy, sell] = stand.open(5);
    stand.fill(&buy, 1, 5, 5);
    let collar = InstrumentSpec { collar_e9: ONE_E9, ..second };
    stand.tell(Event::Instrument(&collar));
    stand.quote(1, 100, 101, 50);
    stand.news(&sell, OrderEventKind::Rejected);
    let repair = stand.repair().expect("it is looked at");
    let complete = (repair.complete.obstacle, repair.complete.gate.word(), repair.complete.leg);
    assert_eq!((repair.way, complete), (Unwind, (Obstacle::Gate, "collar", 1)));
    assert_eq!(costs(&repair), (0, 5));
}

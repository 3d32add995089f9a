//! What becomes of orders: fills, busts, silence, HALT.

use xmc_hotpath::desk::SpreadState;
use xmc_hotpath::message::{
    AlertKind, CommandKind, Event, GatewayLimits, OrderAction, OrderCommand, OrderEvent,
    OrderEventKind, OrderId, SafeState, SessionState,
};
use xmc_hotpath::order::OrderState;
use xmc_hotpath::time::MonoNs;

use super::stand::{self, ACK_TIMEOUT, Stand, fill, news, other};

fn bust(order: &OrderCommand, exec_id: u64, lots: u32, cum: u32) -> OrderEvent {
    OrderEvent { kind: OrderEventKind::Busted, ..fill(order, exec_id, lots, cum) }
}

fn state(stand: &Stand, order: &OrderCommand) -> OrderState {
    stand.desk().orders().get(order.order_id).expect("the order is known").state
}

#[test]
fn a_fire_that_fills_whole_is_a_position_and_leaves_nothing_reserved() {
    let mut stand = Stand::new();
    let [buy, sell] = stand.open(5);
    assert_eq!((stand.exposure(0), stand.exposure(1)), ((0, 5, 0), (0, 0, 5)));
    stand.news(&buy, OrderEventKind::Accepted);
    stand.fill(&buy, 1, 3, 3);
    assert_eq!(stand.exposure(0), (3, 2, 0));
    stand.fill(&buy, 2, 2, 5);
    assert_eq!(stand.ending(), None, "the other leg has not ended");
    stand.fill(&sell, 3, 5, 5);
    let ending = stand.ending().expect("all orders have ended");
    assert!(ending.is_aligned && ending.done_units == 5, "{ending:?}");
    assert_eq!((stand.exposure(0), stand.exposure(1)), ((5, 0, 0), (-5, 0, 0)));
    assert_eq!(stand.desk().spreads()[0].position_units, 5);
}

#[test]
fn a_fill_on_the_other_side_halts_and_is_no_part_of_the_fire() {
    let mut stand = Stand::new();
    let [buy, sell] = stand.open(5);
    stand.tell(Event::Order(OrderEvent { side: other(buy.side), ..fill(&buy, 1, 5, 5) }));
    assert_eq!(stand.alerts()[0], AlertKind::ImpossibleFill);
    assert_eq!(stand.desk().state(), SafeState::Halt);
    stand.fill(&sell, 2, 5, 5);
    let ending = stand.ending().expect("both orders have ended");
    assert_eq!((ending.filled_lots[0], ending.filled_lots[1], ending.done_units), (0, 5, 0));
    assert_eq!((stand.exposure(0), stand.exposure(1)), ((-5, 0, 0), (-5, 0, 0)));
    assert_eq!(stand.desk().spreads()[0].residual_lots[..2], [-5, -5]);
}

#[test]
fn a_fill_counts_once_even_when_more_came_than_ids_are_kept() {
    let mut stand = Stand::new();
    let [buy, _] = stand.open(40);
    for lot in 1..=20 {
        stand.fill(&buy, 1_000 + u64::from(lot), 1, lot);
    }
    stand.fill(&buy, 1_001, 1, 1);
    assert_eq!(stand.exposure(0), (20, 20, 0), "a repeated fill changed the position");
    // Number 21 is late: 22 comes before it.
    stand.fill(&buy, 1_022, 1, 22);
    stand.fill(&buy, 1_021, 1, 21);
    assert_eq!(stand.exposure(0), (22, 18, 0), "a late fill was taken for a repeated one");
    stand.fill(&buy, 1_021, 1, 21);
    stand.fill(&buy, 1_002, 1, 2);
    assert_eq!(stand.exposure(0), (22, 18, 0));
}

#[test]
fn a_bust_counts_after_any_number_of_fills_and_by_any_name() {
    let mut stand = Stand::new();
    let [buy, _] = stand.open(40);
    for lot in 1..=20 {
        stand.fill(&buy, 1_000 + u64::from(lot), 1, lot);
    }
    stand.tell(Event::Order(bust(&buy, 1_020, 1, 19)));
    assert_eq!(stand.alerts(), [AlertKind::FillBusted]);
    assert_eq!(stand.exposure(0), (19, 20, 0), "the bust was taken for the fill it takes back");
    stand.tell(Event::Order(bust(&buy, 1_020, 1, 19)));
    assert_eq!(stand.exposure(0), (19, 20, 0), "the bust was counted twice");
    assert_eq!(stand.desk().spreads()[0].state, SpreadState::Halted);
}

#[test]
fn a_bust_that_overtakes_its_fill_leaves_no_reservation_behind() {
    let mut stand = Stand::new();
    let [buy, sell] = stand.open(5);
    stand.tell(Event::Order(bust(&buy, 9, 2, 0)));
    assert_eq!(stand.exposure(0), (-2, 5, 0));
    stand.fill(&buy, 1, 2, 2);
    assert_eq!(stand.exposure(0), (0, 3, 0));
    stand.news(&buy, OrderEventKind::Cancelled);
    stand.news(&sell, OrderEventKind::Cancelled);
    assert_eq!(stand.exposure(0), (0, 0, 0));
    // Filled two as far as the fire knows, and two taken back outside it.
    let ending = stand.ending().expect("both orders have ended");
    assert_eq!((ending.filled_lots[0], ending.is_aligned), (2, false));
    assert_eq!(stand.desk().spreads()[0].residual_lots, [0; 4]);
    assert_eq!(stand.desk().spreads()[0].state, SpreadState::Halted);
}

#[test]
fn halt_by_alert_cancels_what_lives() {
    let mut stand = Stand::new();
    let [buy, sell] = stand.open(5);
    stand.news(&buy, OrderEventKind::Accepted);
    stand.fill(&sell, 1, 6, 6);
    assert_eq!(stand.alerts()[0], AlertKind::ImpossibleFill);
    let cancels = stand.orders();
    assert_eq!(cancels.len(), 1, "{cancels:?}");
    assert_eq!((cancels[0].action, cancels[0].order_id), (OrderAction::Cancel, buy.order_id));
    assert_eq!(state(&stand, &buy), OrderState::Cancelling);
}

/// The cancels that were sent last.
fn cancels(stand: &Stand) -> Vec<OrderId> {
    let sent = stand.orders().into_iter();
    sent.filter(|one| one.action == OrderAction::Cancel).map(|one| one.order_id).collect()
}

#[test]
fn a_cancel_that_came_back_is_sent_again_when_the_session_is_up() {
    let mut stand = Stand::new();
    let [buy, sell] = stand.open(5);
    stand.news(&buy, OrderEventKind::Accepted);
    stand.fill(&sell, 1, 5, 5);
    stand.session(SessionState::Gapped);
    stand.tick_after(ACK_TIMEOUT);
    assert_eq!(cancels(&stand), [buy.order_id]);
    stand.news(&buy, OrderEventKind::CancelNotSent);
    assert_eq!(state(&stand, &buy), OrderState::Working, "nobody has asked the venue");
    // The deadline after it: people are told, and it stays to be cancelled.
    stand.tick_after(ACK_TIMEOUT);
    assert_eq!(stand.alerts(), [AlertKind::OrderUnknown]);
    assert_eq!(cancels(&stand), []);
    stand.session(SessionState::Up);
    assert_eq!(cancels(&stand), [buy.order_id], "it lives, and was to go");
    // Its silence is noticed as the first one's was.
    stand.tick_after(ACK_TIMEOUT);
    assert_eq!(stand.alerts(), [AlertKind::OrderUnknown]);
    stand.session(SessionState::Down);
    stand.session(SessionState::Up);
    assert_eq!(cancels(&stand), [], "this one has left");
    stand.news(&buy, OrderEventKind::Cancelled);
    assert_eq!(state(&stand, &buy), OrderState::Done);
}

#[test]
fn a_cancel_that_came_back_is_not_sent_again_for_an_order_that_is_over() {
    let mut stand = Stand::new();
    let [buy, _] = stand.open(5);
    stand.news(&buy, OrderEventKind::Accepted);
    stand.command(CommandKind::Kill);
    stand.session(SessionState::Down);
    stand.news(&buy, OrderEventKind::CancelNotSent);
    stand.news(&buy, OrderEventKind::Cancelled);
    stand.news(&buy, OrderEventKind::CancelNotSent);
    stand.session(SessionState::Up);
    assert_eq!(cancels(&stand), []);
}

#[test]
fn a_cancel_that_was_kept_back_is_tried_until_it_leaves() {
    let mut stand = Stand::new();
    let [buy, sell] = stand.open(5);
    stand.news(&buy, OrderEventKind::Accepted);
    stand.fill(&sell, 1, 5, 5);
    for _ in 0..5 {
        // The session is up, and too much has been sent on it.
        stand.tick_after(ACK_TIMEOUT);
        assert_eq!(cancels(&stand), [buy.order_id]);
        assert_eq!(stand.alerts(), []);
        stand.news(&buy, OrderEventKind::CancelNotSent);
    }
    stand.tick_after(ACK_TIMEOUT);
    stand.tick_after(ACK_TIMEOUT);
    assert_eq!(stand.alerts(), [AlertKind::OrderUnknown], "the venue does not answer");
}

#[test]
fn an_order_that_was_given_up_on_and_lives_is_cancelled() {
    let mut stand = Stand::new();
    let [buy, sell] = stand.open(5);
    stand.tick_after(ACK_TIMEOUT);
    assert_eq!(stand.alerts(), [AlertKind::OrderUnknown; 2]);
    stand.tick_after(ACK_TIMEOUT);
    stand.news(&buy, OrderEventKind::Accepted);
    let cancels = stand.orders();
    assert_eq!(cancels.len(), 1, "{cancels:?}");
    assert_eq!((cancels[0].action, cancels[0].order_id), (OrderAction::Cancel, buy.order_id));
    assert_eq!(cancels[0].venue_order_id, 77, "the venue has just named it");
    assert_eq!(stand.exposure(0), (0, 5, 0), "a cancel that was asked for frees nothing");
    stand.news(&buy, OrderEventKind::Accepted);
    assert_eq!(stand.orders(), [], "it is asked for once");
    stand.tell(Event::Order(OrderEvent { cum_lots: 0, ..news(&buy, OrderEventKind::Cancelled) }));
    assert_eq!(stand.exposure(0), (0, 0, 0));
    assert_eq!(state(&stand, &sell), OrderState::Unknown);
}

/// A stand whose session can ask how orders stand, and the two orders of a fire of five lots.
fn asking() -> (Stand, [OrderCommand; 2]) {
    let mut stand = Stand::new();
    stand.tell(Event::Gateway(GatewayLimits { asks_status: true, ..stand::gateway() }));
    let orders = stand.open(5);
    (stand, orders)
}

/// The orders that the last input made the desk ask for.
fn asked(stand: &Stand) -> Vec<OrderId> {
    let orders = stand.orders().into_iter();
    orders
        .inspect(|order| assert_eq!(order.action, OrderAction::Status, "{order:?}"))
        .map(|order| order.order_id)
        .collect()
}

#[test]
fn an_order_that_nothing_is_heard_of_is_asked_for_and_never_sent_again() {
    let (mut stand, [buy, sell]) = asking();
    stand.tick_after(ACK_TIMEOUT);
    assert_eq!(stand.alerts(), [AlertKind::OrderUnknown; 2]);
    assert_eq!(asked(&stand), [buy.order_id, sell.order_id]);
    stand.tick_after(ACK_TIMEOUT);
    assert_eq!(asked(&stand), [], "a question is asked once");
    assert_eq!(stand.exposure(0), (0, 5, 0), "what nobody can tell of stays reserved");
    // One has ended, with two lots that were not told yet; the other never came.
    let ended = news(&buy, OrderEventKind::Cancelled);
    stand.tell(Event::Order(OrderEvent { cum_lots: 2, ..ended }));
    assert_eq!((stand.exposure(0), state(&stand, &buy)), ((0, 2, 0), OrderState::Unknown));
    stand.fill(&buy, 1, 2, 2);
    assert_eq!((stand.exposure(0), state(&stand, &buy)), ((2, 0, 0), OrderState::Done));
    assert_eq!(state(&stand, &sell), OrderState::Unknown, "silence is no answer");
}

#[test]
fn what_lives_is_asked_for_when_its_session_is_back() {
    let (mut stand, [buy, sell]) = asking();
    stand.news(&buy, OrderEventKind::Accepted);
    stand.news(&sell, OrderEventKind::Cancelled);
    stand.session(SessionState::Down);
    stand.tick_after(ACK_TIMEOUT);
    stand.tick_after(ACK_TIMEOUT);
    assert_eq!(state(&stand, &buy), OrderState::Unknown);
    assert_eq!(stand.orders(), [], "nobody can be asked");
    stand.session(SessionState::Gapped);
    assert_eq!(stand.orders(), [], "what is missing may say it all");
    stand.session(SessionState::Up);
    assert_eq!(asked(&stand), [buy.order_id]);
    assert_eq!(stand.orders()[0].venue_order_id, 77, "by the venue's own name");
    stand.tell(Event::Tick);
    assert_eq!((stand.orders(), stand.desk().next_deadline() > MonoNs(0)), (Vec::new(), true));
    // It works after all.
    stand.news(&buy, OrderEventKind::Accepted);
    assert_eq!(stand.orders()[0].action, OrderAction::Cancel);
}

#[test]
fn nobody_asks_a_session_that_cannot() {
    let mut stand = Stand::new();
    let _ = stand.open(5);
    stand.tick_after(ACK_TIMEOUT);
    assert_eq!(stand.alerts(), [AlertKind::OrderUnknown; 2]);
    assert_eq!(stand.orders(), []);
    stand.session(SessionState::Down);
    stand.session(SessionState::Up);
    assert_eq!(stand.orders(), []);
}

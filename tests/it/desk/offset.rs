//! Legs in a market that asks open or close: several orders of one leg, counted by every gate,
//! answered one by one, and what is held after them.

use super::stand::{ACK_TIMEOUT, Stand, account, gateway, instrument, spread};
use xmc_hotpath::execute::MAX_FIRE_ORDERS;
use xmc_hotpath::execute::offset::Lots;
use xmc_hotpath::message::{
    AccountId, AccountLimits, AlertKind, CloseFirst, Event, Gate, GatewayLimits, HeldLots,
    InstrumentIndex, InstrumentSpec, LegSpec, OffsetRule, OrderAction, OrderCommand,
    OrderEventKind, PositionEffect, SafeState, Side,
};
use xmc_hotpath::price::ONE_Q32;

use PositionEffect::{Close, CloseToday, CloseYesterday, Net, Open};

fn asks(row: u32, offset_rule: OffsetRule) -> InstrumentSpec {
    InstrumentSpec { offset_rule, ..instrument(row) }
}

/// Leg 1 asks; of it 2 lots bought today and 3 before are held, and one sold.
fn held() -> HeldLots {
    HeldLots {
        instrument: InstrumentIndex(1),
        long_today: 2,
        long_yesterday: 3,
        short_today: 1,
        short_yesterday: 0,
    }
}

fn stand_with(rule: OffsetRule, close_first: CloseFirst) -> Stand {
    let second = InstrumentSpec { close_first, ..asks(1, rule) };
    let mut stand = Stand::with(&[instrument(0), second], &spread());
    stand.tell(Event::Held(held()));
    assert_eq!(stand.alerts(), []);
    assert_eq!(stand.exposure(1), (4, 0, 0), "the net of it");
    stand
}

fn stand() -> Stand {
    stand_with(OffsetRule::CloseToday, CloseFirst::Yesterday)
}

/// Quotes that make the spread open `lots` units long, and the orders of that fire.
fn open(stand: &mut Stand, lots: u32) -> Vec<OrderCommand> {
    stand.quote(1, 100, 101, lots);
    stand.quote(0, 99, 100, lots);
    stand.orders()
}

fn says(orders: &[OrderCommand]) -> Vec<(u8, PositionEffect, u32, u8)> {
    orders.iter().map(|one| (one.leg, one.effect, one.qty_lots, one.orders_left)).collect()
}

fn long(stand: &Stand) -> Lots {
    stand.desk().instruments()[1].holding.long
}

fn short(stand: &Stand) -> Lots {
    stand.desk().instruments()[1].holding.short
}

#[test]
fn a_leg_closes_what_is_held_and_opens_the_rest() {
    let mut stand = stand();
    let orders = open(&mut stand, 10);
    let expected =
        [(0, Net, 10, 3), (1, CloseYesterday, 3, 2), (1, CloseToday, 2, 1), (1, Open, 5, 0)];
    assert_eq!(says(&orders), expected);
    assert_eq!(stand.exposure(1), (4, 0, 10));
    let frozen = Lots { today: 2, yesterday: 3, frozen_today: 2, frozen_yesterday: 3 };
    assert_eq!(long(&stand), frozen);
    for (order, number) in orders.iter().zip(1..) {
        assert_eq!(stand.ending(), None);
        stand.fill(order, number, order.qty_lots, order.qty_lots);
    }
    let ending = stand.ending().expect("all orders are filled");
    assert!(ending.is_aligned);
    assert_eq!((ending.done_units, ending.asked_lots[1], ending.filled_lots[1]), (10, 10, 10));
    assert_eq!(stand.exposure(1), (-6, 0, 0));
    assert_eq!(long(&stand), Lots::NONE);
    assert_eq!(short(&stand), Lots { today: 6, ..Lots::NONE });
}

#[test]
fn the_order_of_closing_and_the_market_are_configured() {
    let of = |rule, first| says(&open(&mut stand_with(rule, first), 10)).split_off(1);
    let today = of(OffsetRule::CloseToday, CloseFirst::Today);
    assert_eq!(today, [(1, CloseToday, 2, 2), (1, CloseYesterday, 3, 1), (1, Open, 5, 0)]);
    let close = of(OffsetRule::Close, CloseFirst::Today);
    assert_eq!(close, [(1, Close, 5, 1), (1, Open, 5, 0)]);
    assert_eq!(of(OffsetRule::Net, CloseFirst::Today), [(1, Net, 10, 0)]);
}

/// One child is refused, one stays silent: the fire waits for all, and its leg is broken.
#[test]
fn children_are_answered_one_by_one() {
    let mut stand = stand();
    let orders = open(&mut stand, 10);
    stand.fill(&orders[0], 1, 10, 10);
    stand.news(&orders[2], OrderEventKind::Rejected);
    assert_eq!(long(&stand), Lots { today: 2, yesterday: 3, frozen_today: 0, frozen_yesterday: 3 });
    stand.news(&orders[1], OrderEventKind::Accepted);
    stand.fill(&orders[3], 2, 5, 5);
    assert_eq!(stand.ending(), None, "one order still lives");
    stand.tick_after(ACK_TIMEOUT);
    let cancels = stand.orders();
    assert_eq!(cancels.len(), 1);
    assert_eq!((cancels[0].action, cancels[0].order_id), (OrderAction::Cancel, orders[1].order_id));
    stand.news(&orders[1], OrderEventKind::Cancelled);
    let ending = stand.ending().expect("all is known");
    assert_eq!((ending.is_aligned, ending.done_units, ending.filled_lots[1]), (false, 5, 5));
    assert_eq!(long(&stand), Lots { today: 2, yesterday: 3, ..Lots::NONE });
    assert_eq!(stand.desk().spreads()[0].residual_lots, [5, 0, 0, 0]);
}

fn refusal(stand: &mut Stand, lots: u32) -> (Gate, i64, i64) {
    let orders = open(stand, lots);
    let decision = stand.decision().expect("the level is met");
    assert_eq!(orders.is_empty(), decision.gate != Gate::Passed);
    (decision.gate, decision.seen, decision.limit)
}

/// Each gate that counts orders or messages, at what four orders need, and one below.
#[test]
fn gates_count_children() {
    let passed = (Gate::Passed, 0, 0);
    let slots = |slots| {
        let mut stand = stand();
        stand.credits.gateway_slots[0] = slots;
        refusal(&mut stand, 10)
    };
    assert_eq!(slots(4), passed);
    assert_eq!(slots(3), (Gate::RingRoom, 3, 4));

    let tell = |event: Event<'_>| {
        let mut stand = stand();
        stand.tell(event);
        refusal(&mut stand, 10)
    };
    let open_orders = |max_open_orders| {
        let spec = InstrumentSpec { max_open_orders, ..asks(1, OffsetRule::CloseToday) };
        tell(Event::Instrument(&spec))
    };
    assert_eq!(open_orders(3), passed);
    assert_eq!(open_orders(2), (Gate::OpenOrders, 3, 2));
    let messages = |max_messages| {
        let spec = InstrumentSpec { max_messages, ..asks(1, OffsetRule::CloseToday) };
        tell(Event::Instrument(&spec))
    };
    assert_eq!(messages(3), passed);
    assert_eq!(messages(2), (Gate::InstrumentRate, 3, 2));
    let of_gateway = |max_messages, max_open_orders| {
        tell(Event::Gateway(GatewayLimits { max_messages, max_open_orders, ..gateway() }))
    };
    assert_eq!(of_gateway(4, 4), passed);
    assert_eq!(of_gateway(3, 4), (Gate::Rate, 4, 3));
    assert_eq!(of_gateway(4, 3), (Gate::OpenOrders, 4, 3));
    let of_account = |max_messages, max_open_orders| {
        let limits = account(AccountId(1));
        tell(Event::Account(AccountLimits { max_messages, max_open_orders, ..limits }))
    };
    assert_eq!(of_account(4, 4), passed);
    assert_eq!(of_account(3, 4), (Gate::AccountRate, 4, 3));
    assert_eq!(of_account(4, 3), (Gate::AccountOpenOrders, 4, 3));
}

/// Four legs of three orders: the largest fire there is leaves whole, and a kill takes it back.
#[test]
fn the_largest_fire_leaves_whole_and_is_cancelled_whole() {
    let rows: Vec<_> = (0..4).map(|row| asks(row, OffsetRule::CloseToday)).collect();
    let mut spread = spread();
    for (leg, row) in spread.legs.iter_mut().zip(0_u32..) {
        let sign = if row < 2 { 1 } else { -1 };
        *leg = LegSpec {
            instrument: InstrumentIndex(row),
            ratio_lots: sign,
            coefficient_q32: i64::from(sign) * ONE_Q32,
            pay_up_e9: 0,
            min_lean_lots: 0,
        };
    }
    spread.leg_count = 4;
    let mut stand = Stand::with(&rows, &spread);
    for row in 0..4 {
        let lots = HeldLots {
            instrument: InstrumentIndex(row),
            long_today: 1,
            long_yesterday: 1,
            short_today: 1,
            short_yesterday: 1,
        };
        stand.tell(Event::Held(lots));
    }
    for row in 0..4 {
        stand.quote(row, 100 - i64::from(row < 2), 100 + i64::from(row >= 2), 3);
    }
    let orders = stand.orders();
    assert_eq!(orders.len(), MAX_FIRE_ORDERS);
    assert_eq!(orders.iter().map(|order| order.qty_lots).sum::<u32>(), 12);
    let left: Vec<u8> = orders.iter().map(|order| order.orders_left).collect();
    assert_eq!(left, (0..12).rev().collect::<Vec<u8>>());
    for order in &orders {
        stand.news(order, OrderEventKind::Accepted);
    }
    stand.tick_after(ACK_TIMEOUT);
    let cancelled: Vec<_> = stand.orders().iter().map(|cancel| cancel.order_id).collect();
    assert_eq!(cancelled, orders.iter().map(|order| order.order_id).collect::<Vec<_>>());
    assert_eq!(stand.alerts(), [], "nothing overflowed");
}

#[test]
fn what_the_venue_holds_is_taken_only_while_nothing_lives() {
    let mut stand = stand();
    let orders = open(&mut stand, 3);
    stand.tell(Event::Held(held()));
    assert_eq!(stand.alerts(), [AlertKind::BadInput]);
    for (order, number) in orders.iter().zip(1..) {
        stand.fill(order, number, order.qty_lots, order.qty_lots);
    }
    assert_eq!((stand.exposure(1), short(&stand).today), ((1, 0, 0), 1));
    // The next day: what was held is carried over.
    let carried = HeldLots { short_today: 0, short_yesterday: 1, ..held() };
    stand.tell(Event::Held(carried));
    assert_eq!(stand.alerts(), []);
    assert_eq!(short(&stand), Lots { yesterday: 1, ..Lots::NONE });
    assert_eq!(stand.exposure(1), (4, 0, 0));
    stand.tell(Event::Held(HeldLots { instrument: InstrumentIndex(9), ..carried }));
    assert_eq!(stand.alerts(), [AlertKind::BadInput]);
}

/// A late fill closes lots that the venue has said are not there: nothing is opened any more.
#[test]
fn lots_that_appear_stop_the_opening() {
    let mut stand = stand();
    let orders = open(&mut stand, 2);
    assert_eq!(says(&orders)[1], (1, CloseYesterday, 2, 0));
    stand.news(&orders[1], OrderEventKind::Cancelled);
    stand.tell(Event::Held(HeldLots { long_yesterday: 1, ..held() }));
    stand.fill(&orders[1], 5, 2, 2);
    assert!(stand.alerts().contains(&AlertKind::UnknownPosition), "{:?}", stand.alerts());
    assert_eq!(stand.desk().state(), SafeState::NoNew);
    assert_eq!(long(&stand), Lots { today: 2, ..Lots::NONE });
}

#[test]
fn a_bust_gives_back_what_was_closed() {
    let mut stand = stand();
    let orders = open(&mut stand, 10);
    stand.fill(&orders[1], 1, 3, 3);
    assert_eq!(long(&stand).yesterday, 0);
    let mut bust = super::stand::fill(&orders[1], 2, 3, 0);
    bust.kind = OrderEventKind::Busted;
    stand.tell(Event::Order(bust));
    assert_eq!(long(&stand), Lots { today: 2, yesterday: 3, frozen_today: 2, frozen_yesterday: 0 });
    assert_eq!(stand.exposure(1).0, 4);
}

/// The spread closes with what it has opened: its own lots of today.
#[test]
fn a_round_trip_ends_where_it_began() {
    let rows = [asks(0, OffsetRule::CloseToday), asks(1, OffsetRule::Close)];
    let mut stand = Stand::with(&rows, &spread());
    let opened = open(&mut stand, 4);
    assert_eq!(says(&opened), [(0, Open, 4, 1), (1, Open, 4, 0)]);
    for (order, number) in opened.iter().zip(1..) {
        stand.fill(order, number, 4, 4);
    }
    stand.quote(1, 99, 100, 4);
    stand.quote(0, 110, 111, 4);
    let closed = stand.orders();
    assert_eq!(says(&closed), [(0, CloseToday, 4, 1), (1, Close, 4, 0)]);
    assert_eq!([closed[0].side, closed[1].side], [Side::Sell, Side::Buy]);
    for (order, number) in closed.iter().zip(11..) {
        stand.fill(order, number, 4, 4);
    }
    assert!(stand.ending().expect("is over").is_aligned);
    for row in 0..2 {
        let instrument = &stand.desk().instruments()[row];
        assert_eq!((instrument.holding.long, instrument.holding.short), (Lots::NONE, Lots::NONE));
        assert_eq!(instrument.exposure.position_lots, 0);
    }
    assert_eq!(stand.desk().spreads()[0].position_units, 0);
}

//! Orders on a session that stands, or does not.

use super::rig::{Fate, Options, Rig, rig};
use cross_market_connect::sim::exchange::{ListingIndex, Phase};
use cross_market_connect::venue::cme::simulated::{MessageLimit, OrderRules, OrderTrouble, Spot};
use xmc_hotpath::message::{OrderEventKind, SessionState, Side, TimeInForce};
use xmc_hotpath::time::Span;

fn with(body: impl FnOnce(&mut Rig<'_>)) {
    rig(&Options::default(), |rig| {
        rig.until_up();
        body(rig);
    });
}

fn count(rig: &Rig<'_>, kind: OrderEventKind) -> usize {
    rig.events.iter().filter(|event| event.kind == kind).count()
}

#[test]
fn o24_too_many_messages_are_refused_and_many_more_end_the_session() {
    with(|rig| {
        let orders = MessageLimit { refused_above: 3, ended_above: 6 };
        rig.venue.set_order_rules(OrderRules { orders, ..OrderRules::default() });
        for _ in 0..5 {
            rig.lift(Side::Buy, 1);
        }
        rig.agree();
        assert_eq!(count(rig, OrderEventKind::Rejected), 2);
        for _ in 0..3 {
            rig.lift(Side::Buy, 1);
        }
        let figures = rig.until_stopped();
        assert_eq!(figures.last_lost, Some("terminated"));
        assert_eq!(rig.venue.counts().expect("it runs").gateway.throttled, 4);
    });
}

#[test]
fn o25_the_cancels_of_a_lost_connection_are_heard_after_it() {
    with(|rig| {
        let cancel_after = Span(400_000_000);
        rig.venue.set_order_rules(OrderRules { cancel_after, ..OrderRules::default() });
        let resting: Vec<_> = (0..4).map(|_| rig.rest()).collect();
        resting.iter().for_each(|id| rig.until_fate(*id, Fate::Working));
        rig.venue.cut_orders();
        rig.until_resumed(1);
        resting.iter().for_each(|id| rig.until_fate(*id, Fate::Over));
        rig.agree();
    });
}

#[test]
fn o26_an_order_that_is_filled_while_it_is_cancelled_is_filled() {
    with(|rig| {
        for _ in 0..10 {
            let id = rig.lift(Side::Buy, 1);
            rig.cancel(id);
            rig.agree();
            assert_eq!(rig.fate(id), Fate::Over);
        }
        let refused = count(rig, OrderEventKind::CancelRejected);
        assert!(refused > 0, "the cancel came too late each time");
        assert!(count(rig, OrderEventKind::Filled) > 0);
    });
}

#[test]
fn o27_an_order_in_parts_is_filled_to_the_last_lot() {
    with(|rig| {
        let ask = rig.best(Side::Sell);
        let id = rig.send(Side::Buy, ask + 20 * 500_000, 60, TimeInForce::FillAndKill);
        rig.until_fate(id, Fate::Over);
        rig.agree();
        assert!(count(rig, OrderEventKind::Filled) > 1, "{:?}", rig.events);
        let whole = rig.send(Side::Buy, ask, 10_000, TimeInForce::FillOrKill);
        rig.until_fate(whole, Fate::Over);
        rig.agree();
        assert_eq!(rig.orders[&whole].filled, 0, "all or nothing");
    });
}

#[test]
fn o28_a_cancel_that_nobody_asked_for_ends_the_order() {
    with(|rig| {
        let bid = rig.best(Side::Buy);
        let resting = rig.send(Side::Buy, bid + 500_000, 1, TimeInForce::Day);
        rig.until("it to be there", |rig| rig.fate(resting) != Fate::Sent);
        // One of the same account meets it: the older one is cancelled, or both are what they are.
        rig.send(Side::Sell, bid + 500_000, 1, TimeInForce::Day);
        rig.until_fate(resting, Fate::Over);
        rig.agree();
    });
}

#[test]
fn o30_orders_outside_the_open_market_are_rejected() {
    with(|rig| {
        let bid = rig.best(Side::Buy);
        for phase in [Phase::Halted, Phase::Closed] {
            rig.venue.set_phase(Some(ListingIndex(0)), phase);
            let before = count(rig, OrderEventKind::Rejected);
            let id = rig.send(Side::Buy, bid, 1, TimeInForce::Day);
            rig.until_fate(id, Fate::Over);
            assert_eq!(count(rig, OrderEventKind::Rejected), before + 1, "{phase:?}");
        }
        rig.venue.set_phase(Some(ListingIndex(0)), Phase::Open);
        let id = rig.send(Side::Buy, bid - 20 * 500_000, 1, TimeInForce::Day);
        rig.until_fate(id, Fate::Working);
        rig.agree();
    });
}

#[test]
fn o32_the_ledger_says_of_every_order_what_the_news_said() {
    with(|rig| {
        let mut resting = Vec::new();
        for round in 0..60 {
            let side = if round % 3 == 0 { Side::Sell } else { Side::Buy };
            rig.lift(side, 1 + round % 4);
            if round % 5 == 0 {
                resting.push(rig.rest());
            }
            if round % 7 == 6 {
                let id = resting.swap_remove(0);
                rig.until("it to be there", |rig| rig.fate(id) != Fate::Sent);
                rig.cancel(id);
            }
            rig.follow(2);
        }
        rig.agree();
        assert_eq!(rig.states, [SessionState::Up]);
        assert!(count(rig, OrderEventKind::Filled) > 10);
    });
}

#[test]
fn messages_in_pieces_are_read_whole() {
    with(|rig| {
        rig.fault(&[(Spot::Report, 1, OrderTrouble::Split(7))]);
        for _ in 0..5 {
            rig.lift(Side::Buy, 1);
        }
        rig.agree();
        assert_eq!(rig.figures().lost, 0);
    });
}

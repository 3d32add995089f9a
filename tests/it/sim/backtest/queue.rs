//! A resting order's place at its price, worked by hand.

use cross_market_connect::config::QueueRule::{Last, Proportional};
use cross_market_connect::sim::backtest::queue::Place;

/// Behind 10 lots: 7 trade, then 3 are cancelled before it. Nothing is left before it, and the next
/// trade is its own.
#[test]
fn an_order_behind_ten_lots_trades_when_they_are_gone() {
    let mut place = Place::join(Some(10));
    assert_eq!(place.trade(7, 2), 0);
    assert_eq!(place.ahead, Some(3));
    // 10 shown, 7 of them traded, none left: the other 3 were cancelled, all before it.
    assert_eq!(place.show(Some(10), Some(0), 2, Proportional, true), 0);
    assert_eq!(place.ahead, Some(0));
    assert_eq!(place.trade(5, 2), 2);
}

#[test]
fn one_trade_can_reach_through_the_queue() {
    let mut place = Place::join(Some(10));
    assert_eq!(place.trade(12, 5), 2);
    assert_eq!(place.trade(12, 3), 3);
}

/// 10 before it, 10 behind it: of 6 that go, 3 stood before it.
#[test]
fn a_share_of_what_goes_stood_before_it() {
    let mut place = Place::join(Some(10));
    assert_eq!(place.show(Some(10), Some(20), 5, Proportional, false), 0);
    assert_eq!(place.ahead, Some(10), "who comes later stands behind it");
    assert_eq!(place.show(Some(20), Some(14), 5, Proportional, false), 0);
    assert_eq!(place.ahead, Some(7));
    // 7 of 14: of 5 that go 2.5 stood before it, and the half is not sure.
    assert_eq!(place.show(Some(14), Some(9), 5, Proportional, false), 0);
    assert_eq!(place.ahead, Some(5));
}

#[test]
fn a_careful_queue_moves_by_what_cannot_be_otherwise() {
    let mut place = Place::join(Some(10));
    assert_eq!(place.show(Some(10), Some(8), 5, Last, false), 0);
    assert_eq!(place.ahead, Some(8), "no more than are shown");
    place.show(Some(8), Some(30), 5, Last, false);
    assert_eq!(place.show(Some(30), Some(10), 5, Last, false), 0);
    assert_eq!(place.ahead, Some(8), "those that went may all have stood behind it");
    assert_eq!(place.show(Some(10), Some(0), 5, Last, false), 0);
    assert_eq!(place.show(Some(4), Some(1), 5, Last, false), 0, "it waits to be traded through");
}

/// Without trades in the source, lots that go when nothing stands before it are its own; with them
/// they were cancelled.
#[test]
fn the_first_of_the_queue_trades_what_goes_where_no_trades_are_told() {
    for (has_trades, lots) in [(false, 3), (true, 0)] {
        let mut place = Place::join(Some(4));
        assert_eq!(place.show(Some(4), Some(0), 5, Proportional, has_trades), 0);
        assert_eq!(place.show(Some(0), Some(8), 5, Proportional, has_trades), 0);
        assert_eq!(place.show(Some(8), Some(5), 5, Proportional, has_trades), lots);
    }
}

/// Beyond the five levels nobody knows how many stand there; all that are seen later are before it.
#[test]
fn a_price_beyond_the_levels_is_joined_when_it_is_seen() {
    let mut place = Place::join(None);
    assert_eq!(place.trade(100, 5), 0);
    assert_eq!(place.show(None, None, 5, Proportional, false), 0);
    assert_eq!(place.show(None, Some(6), 5, Proportional, false), 0);
    assert_eq!(place.ahead, Some(6));
}

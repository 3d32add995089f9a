//! Needs of two spreads out of ratio, met inside: how many, at which price, between whom.

use super::stand::{ACK_TIMEOUT, ONE_E9, Stand, account, instrument, spread};
use cross_market_connect::balance::price::on_tick;
use cross_market_connect::config::Rational;
use xmc_hotpath::message::{
    AccountId, AlertKind, Detail, Event, InstrumentIndex, Internal, OffsetRule, OrderAction,
    OrderEventKind, RepairSpec, RepairWay, Side, SpreadIndex, SpreadSpec, StrategyId,
};
use xmc_hotpath::time::Span;

/// Repairs that wait while they cost more than 10.
fn repaired() -> RepairSpec {
    RepairSpec {
        tries: 2,
        within: Span(10 * ACK_TIMEOUT.0),
        max_cost_e9: 10 * ONE_E9,
        inside_legs: 0b11,
        ..RepairSpec::NONE
    }
}

/// The first buys instrument 0 and sells 1, the second buys 2 and sells 0.
fn pair() -> [SpreadSpec; 2] {
    let one = SpreadSpec { repair: repaired(), ..spread() };
    let mut other = SpreadSpec { spread: SpreadIndex(1), ..one };
    other.legs[0].instrument = InstrumentIndex(2);
    other.legs[1].instrument = InstrumentIndex(0);
    [one, other]
}

fn stand(pair: &[SpreadSpec; 2], tick_e9: i64, most_lots: u32) -> Stand {
    let mut stand = Stand::with_spreads(&[0, 1, 2].map(instrument), pair);
    let mut contract = instrument(0);
    contract.tick_e9 = tick_e9;
    stand.tell(Event::Instrument(&contract));
    stand.tell(Event::Account(account(AccountId(2))));
    for id in [AccountId(1), AccountId::ALL] {
        let mut limits = account(id);
        limits.max_position_lots = most_lots;
        stand.tell(Event::Account(limits));
    }
    stand
}

/// The first has sold 5 lots of instrument 1 and not bought 5 of 0, which costs too much now. Then
/// the second has bought `lots` of 2 and is about to hear that it has sold none of 0, whose book is
/// `bid` to `ask`.
fn apart(stand: &mut Stand, lots: u32, (bid, ask): (i64, i64)) {
    let [buy, sell] = stand.open(5);
    stand.fill(&sell, 1, 5, 5);
    stand.quote(1, 100, 104, 50);
    stand.quote(0, 99, 103, 50);
    stand.news(&buy, OrderEventKind::Rejected);
    let repair = stand.repair().expect("it is looked at");
    assert_eq!((repair.way, stand.orders()), (RepairWay::Neither, vec![]), "it waits");
    stand.quote(2, 98, 99, lots);
    let orders = stand.orders();
    let [bought, sold] = orders[..] else { panic!("two orders, not {orders:?}") };
    stand.fill(&bought, 2, lots, lots);
    stand.quote(0, bid, ask, 50);
    assert_eq!(told(stand), [], "not before all is known of both");
    stand.news(&sold, OrderEventKind::Rejected);
}

fn told(stand: &Stand) -> Vec<Internal> {
    let told = stand.outputs.details().filter_map(|detail| match detail {
        Detail::Internal(internal) => Some(*internal),
        _ => None,
    });
    told.collect()
}

fn only(stand: &Stand) -> Internal {
    let [internal] = told(stand)[..] else { panic!("one, not {:?}", stand.outputs) };
    internal
}

fn units(stand: &Stand) -> [i32; 2] {
    [0, 1].map(|row| stand.desk().spreads()[row].position_units)
}

fn gross(stand: &Stand) -> [i64; 2] {
    [AccountId(1), AccountId::ALL]
        .map(|id| stand.desk().account_risk(id).expect("it has limits").gross_lots)
}

#[test]
fn what_one_needs_to_buy_and_the_other_to_sell_changes_hands_inside() {
    let mut stand = stand(&pair(), ONE_E9, 1_000);
    apart(&mut stand, 5, (99, 103));
    let met = only(&stand);
    assert_eq!((met.lots, met.price_e9), (5, 101 * ONE_E9));
    assert_eq!((met.bid_e9, met.ask_e9), (99 * ONE_E9, 103 * ONE_E9));
    assert_eq!((met.account, met.instrument), (AccountId(1), InstrumentIndex(0)));
    // Planned at 100 and bought at 101; planned at 99 and sold at 101.
    let (buy, sell) = (met.buy, met.sell);
    assert_eq!((buy.spread, buy.leg, buy.way, buy.needed_lots), {
        (SpreadIndex(0), 0, RepairWay::Complete, 5)
    });
    assert_eq!((sell.spread, sell.leg, sell.way, sell.needed_lots), {
        (SpreadIndex(1), 1, RepairWay::Complete, 5)
    });
    assert_eq!((buy.cost_e9, sell.cost_e9), (5 * ONE_E9, -10 * ONE_E9));
    assert_eq!((stand.orders(), stand.alerts()), (vec![], vec![AlertKind::OrderRejected]));
    assert_eq!(units(&stand), [5, 5]);
    // No venue has traded it, and nothing is reserved.
    assert_eq!([0, 1, 2].map(|row| stand.exposure(row)), [(0, 0, 0), (-5, 0, 0), (5, 0, 0)]);
    // Both pairs hold five lots of each leg.
    assert_eq!(gross(&stand), [20, 20]);
    let endings = stand.outputs.details().filter(|detail| match detail {
        Detail::Ending(ending) => ending.is_aligned && ending.filled_lots == [5, 5, 0, 0],
        _ => false,
    });
    assert_eq!(endings.count(), 2);
}

#[test]
fn what_is_left_goes_to_the_market_or_waits() {
    // Seven are sold, five meet, two go to the market at once.
    let mut first = stand(&pair(), ONE_E9, 1_000);
    apart(&mut first, 7, (99, 103));
    let met = only(&first);
    assert_eq!((met.lots, met.buy.needed_lots, met.sell.needed_lots), (5, 5, 7));
    let [order] = first.orders()[..] else { panic!("one order, not {:?}", first.outputs) };
    assert_eq!((order.action, order.side, order.qty_lots), (OrderAction::New, Side::Sell, 2));
    assert_eq!((order.spread, units(&first)), (SpreadIndex(1), [5, 0]));
    first.fill(&order, 3, 2, 2);
    assert_eq!(units(&first), [5, 7]);
    // Three are sold, three meet, two are too dear still.
    let mut second = stand(&pair(), ONE_E9, 1_000);
    apart(&mut second, 3, (99, 105));
    assert_eq!((only(&second).lots, units(&second)), (3, [0, 3]));
    let repair = second.repair().expect("the rest is looked at again");
    assert_eq!((repair.way, repair.residual_lots), (RepairWay::Neither, [0, -2, 0, 0]));
}

/// The truth is what internal balancing makes of the middle.
#[test]
fn the_price_is_the_middle_on_the_nearest_tick_inside_the_book() {
    let books = [(98, 103), (99, 103), (99, 104), (97, 104), (101, 103), (102, 103), (100, 100)];
    for tick in [1, 2, 3, 5, 10, 100] {
        for (bid, ask) in books {
            let mut stand = stand(&pair(), tick * ONE_E9, 1_000);
            apart(&mut stand, 5, (bid, ask));
            let middle = Rational::new(i128::from(bid + ask), 2).expect("a number");
            let (price, one) = on_tick(middle, Rational::whole(tick)).expect("a price").parts();
            assert_eq!(one, 1);
            let price = i64::try_from(price).expect("small").clamp(bid, ask);
            // The first pair pays ten at most, and goes to the market if that is dearer.
            let is_met = price <= 102;
            let found: Vec<_> = told(&stand).iter().map(|met| met.price_e9 / ONE_E9).collect();
            let ought = if is_met { vec![price] } else { vec![] };
            assert_eq!(found, ought, "{bid} to {ask}, tick {tick}");
        }
    }
}

#[test]
fn nothing_passes_a_wall() {
    let with = |change: fn(&mut [SpreadSpec; 2])| {
        let mut pair = pair();
        change(&mut pair);
        let mut stand = stand(&pair, ONE_E9, 1_000);
        apart(&mut stand, 5, (99, 103));
        let is_met = !told(&stand).is_empty();
        assert_eq!(stand.orders().is_empty(), is_met, "else it goes to the market");
        is_met
    };
    assert!(with(|_| {}));
    assert!(!with(|[one, _]| one.repair.inside_legs = 0b10), "not that leg");
    assert!(!with(|[_, other]| other.repair.inside_legs = 0b01), "not that leg");
    assert!(!with(|[_, other]| other.account = AccountId(2)));
    let both_across: fn(&mut [SpreadSpec; 2]) = |pair| {
        pair.iter_mut().for_each(|spec| spec.repair.inside_across = true);
        pair[1].strategy = StrategyId(2);
    };
    assert!(with(both_across));
    assert!(!with(|[_, other]| other.strategy = StrategyId(2)));
    assert!(!with(|[one, other]| {
        one.repair.inside_across = true;
        other.strategy = StrategyId(2);
    }));
    assert!(!with(|[one, other]| {
        other.repair.inside_across = true;
        other.strategy = StrategyId(2);
        one.strategy = StrategyId(1);
    }));
    assert!(!with(|pair| {
        pair.iter_mut().for_each(|spec| spec.repair.inside_across = true);
        pair[1].account = AccountId(2);
    }));
}

#[test]
fn a_book_that_crosses_or_has_one_side_prices_nothing() {
    for (bid, ask) in [(104, 103), (105, 102)] {
        let mut stand = stand(&pair(), ONE_E9, 1_000);
        apart(&mut stand, 5, (bid, ask));
        assert_eq!(told(&stand), [], "{bid} to {ask}");
    }
}

#[test]
fn an_account_that_would_hold_too_much_is_not_met() {
    for (most, is_met) in [(19, false), (20, true)] {
        let mut stand = stand(&pair(), ONE_E9, most);
        apart(&mut stand, 5, (99, 103));
        assert_eq!(!told(&stand).is_empty(), is_met, "{most}");
    }
}

#[test]
fn it_tells_the_fees_and_the_openings_that_are_saved() {
    let mut pair = pair();
    pair[0].repair.fee_e9 = [ONE_E9 / 5, 0, 0, 0];
    pair[1].repair.fee_q32 = [0, 1 << 22, 0, 0];
    pair[1].repair.money_q32 = 3 << 32;
    let mut stand = stand(&pair, ONE_E9, 1_000);
    let mut contract = instrument(0);
    contract.offset_rule = OffsetRule::CloseToday;
    stand.tell(Event::Instrument(&contract));
    apart(&mut stand, 4, (99, 103));
    let met = only(&stand);
    // Four lots at a fifth; four lots at 101 by 1/1024, three times as much money.
    assert_eq!((met.buy.saved_e9, met.sell.saved_e9), {
        (4 * ONE_E9 / 5, 3 * (404 * ONE_E9 / 1_024))
    });
    assert_eq!((met.buy.opens_lots, met.sell.opens_lots), (4, 4), "nothing is held");
}

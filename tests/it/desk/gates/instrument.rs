//! Gates of one instrument: what an order may be, and what is already open in it.

use xmc_hotpath::message::{Decision, Depth, Event, Gate, InstrumentIndex, LegSpec, Quote};
use xmc_hotpath::price::{NO_BID_E9, ONE_Q32};

use super::super::stand::{ONE_E9, Stand};
use super::{
    Row, Setup, decide, finish, fire_second, fresh, less, lots, open, opening, row, second, stand,
    trade,
};

pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for leg in 0..2 {
        rows.extend(order(leg));
    }
    rows.extend(collar());
    rows.extend(value());
    rows.extend(shared());
    rows.extend(overflow());
    rows
}

/// A row that gives leg `leg` a limit and opens 5 units: buys at 100, sells at 100.
fn limited(
    name: &'static str,
    gate: Gate,
    leg: u8,
    says: (i64, i64),
    limit: impl Fn(&mut Setup, usize, i64) + 'static,
) -> Row {
    row(name, gate, leg, says, move |beyond| {
        open(stand(|setup| limit(setup, usize::from(leg), beyond)), 5)
    })
}

fn order(leg: u8) -> Vec<Row> {
    let price = 100 * ONE_E9;
    vec![
        limited("not tradable", Gate::Instrument, leg, (0, 1), |setup, leg, beyond| {
            setup.instruments[leg].is_tradable = beyond == 0;
        }),
        limited("order size", Gate::OrderSize, leg, (5, 4), |setup, leg, beyond| {
            setup.instruments[leg].max_order_lots = lots(5 - beyond);
        }),
        limited("too dear", Gate::PriceBand, leg, (price, price - 1), |setup, leg, beyond| {
            setup.instruments[leg].max_price_e9 = 100 * ONE_E9 - beyond;
        }),
        limited("too cheap", Gate::PriceBand, leg, (price, price + 1), |setup, leg, beyond| {
            setup.instruments[leg].min_price_e9 = 100 * ONE_E9 + beyond;
        }),
        limited("order value", Gate::OrderValue, leg, (500, 499), |setup, leg, beyond| {
            setup.instruments[leg].max_order_value = 500 - beyond;
        }),
        row("position", Gate::Position, leg, (11, 10), move |beyond| {
            let mut stand = stand(|setup| {
                setup.instruments[usize::from(leg)].max_position_lots = 10;
            });
            trade(&mut stand, 5);
            open(stand, lots(5 + beyond))
        }),
    ]
}

/// Both legs are priced one unit away from the best price on their own side.
fn collar() -> Vec<Row> {
    let mut rows = Vec::new();
    for leg in 0..2 {
        rows.push(limited("collar", Gate::Collar, leg, (ONE_E9, less(1)), |setup, leg, beyond| {
            setup.instruments[leg].collar_e9 = less(beyond);
        }));
        rows.push(limited(
            "collar with pay-up",
            Gate::Collar,
            leg,
            (ONE_E9 + 1, ONE_E9),
            |setup, leg, beyond| {
                setup.instruments[leg].collar_e9 = ONE_E9;
                setup.spread.legs[leg].pay_up_e9 = beyond;
            },
        ));
    }
    rows.push(row("nothing to compare with", Gate::Collar, 0, (i64::MAX, ONE_E9), |beyond| {
        let stand = stand(|setup| setup.instruments[0].collar_e9 = ONE_E9);
        let mut quotes = opening(&stand, 5);
        if beyond > 0 {
            quotes[1].bids = Depth::NO_BIDS;
        }
        decide(stand, &quotes)
    }));
    // A hundredth of the best price, on either side of zero.
    for (bid, ask) in [(100, 101), (-101, -100)] {
        let best = if bid > 0 { 0 } else { 1 };
        let says = (ONE_E9, 9_999_999);
        rows.push(row("fraction", Gate::CollarFraction, best, says, move |beyond| {
            let stand = stand(|setup| {
                setup.instruments[usize::from(best)].collar_fraction_e9 = 10_000_000 - beyond;
            });
            let quotes = [fresh(&stand, 1, bid + 1, ask + 1, 5), fresh(&stand, 0, bid, ask, 5)];
            decide(stand, &at_hundred(quotes, best))
        }));
    }
    rows
}

/// Moves both books so that the best own price of leg `best` is 100 away from zero.
fn at_hundred(mut quotes: [Quote; 2], best: u8) -> [Quote; 2] {
    let own = if best == 0 { quotes[1].bids.price_e9[0] } else { quotes[0].asks.price_e9[0] };
    let by = own.signum() * 100 * ONE_E9 - own;
    for quote in &mut quotes {
        quote.bids.price_e9[0] += by;
        quote.asks.price_e9[0] += by;
    }
    quotes
}

/// A value that is not whole is told rounded up, so that what was seen is above the limit.
fn value() -> Vec<Row> {
    vec![row("part of a unit", Gate::OrderValue, 0, (501, 500), |beyond| {
        let stand = stand(|setup| {
            setup.instruments[0].max_order_value = 500;
            setup.spread.buy_open_e9 = ONE_E9;
        });
        let mut quotes = opening(&stand, 5);
        quotes[1].asks.price_e9[0] += beyond;
        decide(stand, &quotes)
    })]
}

/// What another spread has open in a shared leg counts.
fn shared() -> Vec<Row> {
    vec![
        row("open orders", Gate::OpenOrders, 0, (2, 1), |beyond| {
            let mut stand = stand(|setup| {
                setup.second = Some(second(0, 2));
                setup.instruments[0].max_open_orders = if beyond > 0 { 1 } else { 2 };
            });
            fire_second(&mut stand, 5);
            open(stand, 5)
        }),
        row("position with what is open", Gate::Position, 0, (11, 10), |beyond| {
            let mut stand = stand(|setup| {
                setup.second = Some(second(0, 2));
                setup.instruments[0].max_position_lots = 10;
            });
            fire_second(&mut stand, 5);
            open(stand, lots(5 + beyond))
        }),
        row("own order against a buy", Gate::SelfMatch, 0, (1, 0), |beyond| {
            let mut stand = stand(|setup| setup.second = Some(second(2, 0)));
            let orders = fire_second(&mut stand, 5);
            let sell = orders.iter().find(|order| order.instrument == InstrumentIndex(0));
            let filled = lots(5 - beyond);
            stand.fill(sell.expect("it sells row 0"), 1, filled, filled);
            open(stand, 5)
        }),
        row("own order against a sell", Gate::SelfMatch, 0, (5, 0), |beyond| {
            let mut stand = stand(|setup| {
                (setup.spread.buy_open_e9, setup.spread.sell_open_e9) = (i64::MIN, 0);
                setup.second = Some(second(0, 2));
            });
            let orders = fire_second(&mut stand, 5);
            if beyond == 0 {
                finish(&mut stand, &orders);
            }
            let quotes = [fresh(&stand, 1, 99, 100, 5), fresh(&stand, 0, 100, 101, 5)];
            decide(stand, &quotes)
        }),
    ]
}

fn overflow() -> Vec<Row> {
    let says = (i64::MAX, i64::from(u32::MAX));
    vec![row("price with pay-up", Gate::Overflow, 0, says, |beyond| {
        // The very largest number stands for no price, so the step is over that one.
        let pay_up = i64::MAX - 100 * ONE_E9 - 1 + 2 * beyond;
        open(stand(|setup| setup.spread.legs[0].pay_up_e9 = pay_up), 5)
    })]
}

/// Three lots a unit: one unit more than fits is refused before any other limit is looked at.
#[test]
fn lots_that_do_not_fit_are_an_overflow() {
    let most = u32::MAX / 3;
    assert_eq!(wide(most).gate, Gate::AccountPosition, "the last that fits meets a limit");
    let decision = wide(most + 1);
    assert_eq!((decision.gate, decision.leg), (Gate::Overflow, 0));
    assert_eq!((decision.seen, decision.limit), (i64::MAX, i64::from(u32::MAX)));
}

fn wide(units: u32) -> Decision {
    let stand = stand(|setup| {
        setup.spread.legs[0].ratio_lots = 3;
        setup.spread.max_units = i32::MAX.unsigned_abs();
        setup.spread.clip_units = units;
        for spec in &mut setup.instruments {
            (spec.max_order_lots, spec.max_position_lots) = (u32::MAX, u32::MAX);
        }
        for account in [&mut setup.account, &mut setup.whole] {
            (account.max_order_lots, account.max_position_lots) = (u32::MAX, u32::MAX);
        }
    });
    let mut quotes = opening(&stand, u32::MAX);
    let asks = &mut quotes[1].asks;
    (asks.price_e9[1], asks.lots[1], asks.count) = (asks.price_e9[0], u32::MAX, 2);
    let (_, decision) = decide(stand, &quotes);
    assert_eq!(decision.units, units);
    decision
}

/// A leg that only prices needs no leave to trade.
#[test]
fn a_leg_that_only_prices_need_not_be_tradable() {
    let mut stand = stand(|setup| {
        setup.instruments[2].is_tradable = false;
        setup.spread.leg_count = 3;
        setup.spread.legs[2] = LegSpec {
            instrument: InstrumentIndex(2),
            ratio_lots: 0,
            coefficient_q32: ONE_Q32,
            pay_up_e9: 0,
            min_lean_lots: 0,
        };
        setup.spread.constant_e9 = -7 * ONE_E9;
    });
    let rate = fresh(&stand, 2, 6, 7, 1);
    stand.tell(Event::Quote { quote: &rate, more: false });
    let (stand, decision) = open(stand, 5);
    assert_eq!((decision.gate, stand.orders().len()), (Gate::Passed, 2));
}

/// A fraction that is left out says nothing, whatever the price: of 0 every fraction is 0.
#[test]
fn a_collar_without_a_fraction_is_the_distance_alone() {
    for bid in [-1, 0, 1] {
        let stand = stand(|setup| setup.instruments[0].collar_e9 = ONE_E9);
        assert_eq!(stand.desk().instruments()[0].spec.map(|spec| spec.collar_fraction_e9), {
            Some(i64::MAX)
        });
        let quotes = [fresh(&stand, 1, bid + 1, bid + 2, 5), fresh(&stand, 0, bid, bid + 1, 5)];
        let (_, decision) = decide(stand, &quotes);
        assert_eq!((decision.gate, decision.seen), (Gate::Passed, 0), "a bid of {bid}");
    }
}

/// No bid at all is not a bid of the smallest number.
#[test]
fn an_empty_side_is_never_near() {
    let (stand, quotes): (Stand, _) = {
        let stand = stand(|_| {});
        let mut quotes = opening(&stand, 5);
        quotes[1].bids = Depth::NO_BIDS;
        assert_eq!(quotes[1].bids.best_e9(), NO_BID_E9);
        (stand, quotes)
    };
    let (_, decision) = decide(stand, &quotes);
    let says = (decision.gate, decision.seen, decision.limit);
    assert_eq!(says, (Gate::Collar, i64::MAX, i64::MAX));
}

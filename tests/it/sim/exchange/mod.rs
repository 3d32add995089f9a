//! The exchange against slower and simpler truths.

mod accounts;
mod flow;
mod live;
mod matching;
mod model;
mod trader;

use cross_market_connect::sim::exchange::{
    Action, Fees, Level, Listing, ListingIndex, Order, Price, Rung, Shown,
};
use xmc_hotpath::message::{AccountId, PositionEffect, Side, TimeInForce};

/// A tick of every test instrument.
pub const TICK: i64 = 500_000;

/// An instrument whose limits are 20 ticks away from 0.
pub fn listing() -> Listing {
    Listing {
        symbol: "T".into(),
        tick_e9: TICK,
        multiplier: 10,
        reference_e9: 2 * TICK,
        lower_e9: -20 * TICK,
        upper_e9: 20 * TICK,
        min_order_lots: 1,
        max_order_lots: 9,
        fees: Fees::default(),
    }
}

/// A limit order for the day.
pub fn order(account: u32, side: Side, ticks: i64, lots: u32) -> Order {
    Order {
        account: AccountId(account),
        client_id: 7,
        listing: ListingIndex(0),
        side,
        price: Price::Limit(ticks * TICK),
        time_in_force: TimeInForce::Day,
        lots,
        min_lots: 0,
        effect: PositionEffect::Net,
    }
}

/// A reader of level changes that knows nothing but how many levels are shown.
#[derive(Default)]
pub struct Reader {
    pub shown: Shown,
}

impl Reader {
    pub fn take(&mut self, level: &Level, depth: usize) {
        let place = usize::from(level.place) - 1;
        let rungs: &mut Vec<Rung> = match level.side {
            Side::Buy => &mut self.shown.bids,
            Side::Sell => &mut self.shown.asks,
        };
        match level.action {
            Action::Insert => {
                rungs.insert(place, level.rung);
                rungs.truncate(depth);
            }
            Action::Modify => {
                assert_eq!(rungs[place].price_e9, level.rung.price_e9, "the price stays");
                assert_ne!(rungs[place], level.rung, "something changes");
                rungs[place] = level.rung;
            }
            Action::Delete => assert_eq!(rungs.remove(place), level.rung, "that was there"),
        }
        let is_ordered = |pair: &[Rung]| match level.side {
            Side::Buy => pair[0].price_e9 > pair[1].price_e9,
            Side::Sell => pair[0].price_e9 < pair[1].price_e9,
        };
        assert!(rungs.windows(2).all(is_ordered), "{rungs:?} is out of order by {level:?}");
        assert!(!is_crossed(&self.shown), "{:?} is crossed by {level:?}", self.shown);
    }
}

pub fn is_crossed(shown: &Shown) -> bool {
    let best = |side: Side| shown.side(side).first().map(|rung| rung.price_e9);
    best(Side::Buy).zip(best(Side::Sell)).is_some_and(|(bid, ask)| bid >= ask)
}

//! A small random market in plain code: who trades what, against the venue of the backtest.

use super::venue::{Rig, TICK_E9, order};
use cross_market_connect::config::{BacktestVenue, QueueRule};
use proptest::prelude::*;
use std::collections::BTreeMap;
use xmc_hotpath::message::{OrderAction, OrderCommand, OrderEventKind, Side, TimeInForce};

/// Something that happens.
#[derive(Clone, Debug)]
enum Act {
    /// The book: bids below the middle and asks above it, by distance.
    Show {
        middle: i64,
        bids: Vec<u32>,
        asks: Vec<u32>,
    },
    Order {
        is_buy: bool,
        ticks: i64,
        lots: u32,
        kind: u8,
    },
    Cancel(usize),
}

/// The same market, kept as what is left at each price.
#[derive(Default)]
struct Plain {
    /// Shown and taken lots, by price: of bids, of asks.
    sides: [BTreeMap<i64, (u32, u32)>; 2],
    /// Orders that rest: id, whether it buys, price, lots left.
    resting: Vec<(u64, bool, i64, u32)>,
    /// Lots by order and price.
    fills: BTreeMap<(u64, i64), u32>,
}

impl Plain {
    fn show(&mut self, sides: [Vec<(i64, u32)>; 2]) {
        for (known, shown) in self.sides.iter_mut().zip(sides) {
            let taken = |ticks: i64, lots: u32| match known.get(&ticks) {
                Some((was, taken)) if *was == lots => *taken,
                _ => 0,
            };
            *known =
                shown.iter().map(|(ticks, lots)| (*ticks, (*lots, taken(*ticks, *lots)))).collect();
        }
        for mut order in std::mem::take(&mut self.resting) {
            let (id, is_buy, ticks, lots) = order;
            let got: u32 = self.match_up(is_buy, ticks, lots).iter().map(|(_, lots)| lots).sum();
            if got > 0 {
                *self.fills.entry((id, ticks)).or_default() += got;
            }
            order.3 -= got;
            if order.3 > 0 {
                self.resting.push(order);
            }
        }
    }

    /// Lots at a limit or better, the best first.
    fn match_up(&mut self, is_buy: bool, limit: i64, wanted: u32) -> Vec<(i64, u32)> {
        let side = &mut self.sides[usize::from(is_buy)];
        let mut prices: Vec<i64> = side.keys().copied().collect();
        if !is_buy {
            prices.reverse();
        }
        let (mut missing, mut got) = (wanted, Vec::new());
        for ticks in prices {
            let is_in = if is_buy { ticks <= limit } else { ticks >= limit };
            let (shown, taken) = side.get_mut(&ticks).expect("its own price");
            let lots = (*shown - *taken).min(missing);
            if is_in && lots > 0 {
                *taken += lots;
                missing -= lots;
                got.push((ticks, lots));
            }
        }
        got
    }

    fn order(&mut self, id: u64, is_buy: bool, ticks: i64, lots: u32, kind: u8) {
        if kind == 1 {
            let before = self.sides.clone();
            let there: u32 = self.match_up(is_buy, ticks, lots).iter().map(|(_, lots)| lots).sum();
            self.sides = before;
            if there < lots {
                return;
            }
        }
        let got = self.match_up(is_buy, ticks, lots);
        for (ticks, lots) in &got {
            *self.fills.entry((id, *ticks)).or_default() += lots;
        }
        let left = lots - got.iter().map(|(_, lots)| lots).sum::<u32>();
        if kind == 2 && left > 0 {
            self.resting.push((id, is_buy, ticks, left));
        }
    }
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let side = || prop::collection::vec(0_u32..6, 0..5);
    let show = (98_i64..103, side(), side()).prop_map(|(middle, bids, asks)| Act::Show {
        middle,
        bids,
        asks,
    });
    let order = (any::<bool>(), 96_i64..105, 1_u32..8, 0_u8..3)
        .prop_map(|(is_buy, ticks, lots, kind)| Act::Order { is_buy, ticks, lots, kind });
    let cancel = (0_usize..8).prop_map(Act::Cancel);
    prop::collection::vec(prop_oneof![3 => show, 4 => order, 1 => cancel], 1..40)
}

fn levels(middle: i64, lots: &[u32], step: i64) -> Vec<(i64, u32)> {
    let all = lots.iter().zip(1..).map(|(lots, away)| (middle + away * step, *lots));
    all.filter(|(_, lots)| *lots > 0).collect()
}

proptest! {
    /// With a careful queue every fill follows from books and limits alone, so plain code can say
    /// what each order gets at which price.
    #[test]
    fn every_order_gets_what_plain_code_says(acts in acts()) {
        let mut rig = Rig::new(BacktestVenue::default(), QueueRule::Last, false);
        let mut plain = Plain::default();
        let mut fills: BTreeMap<(u64, i64), u32> = BTreeMap::new();
        let mut has_shown = false;
        for (act, id) in acts.iter().zip(1_u64..) {
            let told = match act {
                Act::Show { middle, bids, asks } => {
                    has_shown = true;
                    let [bids, asks] = [levels(*middle, bids, -1), levels(*middle, asks, 1)];
                    plain.show([bids.clone(), asks.clone()]);
                    rig.show(&bids, &asks)
                }
                Act::Order { is_buy, ticks, lots, kind } => {
                    use TimeInForce::{Day, FillAndKill, FillOrKill};
                    let times = [FillAndKill, FillOrKill, Day];
                    let side = if *is_buy { Side::Buy } else { Side::Sell };
                    // Before anything is shown the market is closed.
                    if has_shown {
                        plain.order(id, *is_buy, *ticks, *lots, *kind);
                    }
                    rig.send(order(id, side, *ticks, *lots, times[usize::from(*kind)]))
                }
                Act::Cancel(place) => {
                    let Some(gone) = plain.resting.get(*place).copied() else { continue };
                    plain.resting.remove(*place);
                    let of = order(gone.0, Side::Buy, 0, 0, TimeInForce::Day);
                    let told = rig.send(OrderCommand { action: OrderAction::Cancel, ..of });
                    prop_assert_eq!(told[0].kind, OrderEventKind::Cancelled);
                    told
                }
            };
            for event in told.iter().filter(|event| event.kind == OrderEventKind::Filled) {
                let place = (event.order_id.0, event.price_e9 / TICK_E9);
                *fills.entry(place).or_default() += event.qty_lots;
            }
            prop_assert_eq!(&fills, &plain.fills, "after {:?}", act);
        }
    }
}

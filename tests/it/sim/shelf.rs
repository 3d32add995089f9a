//! Rows on a shelf: all that were put there, in their order, and few of them in memory.

use cross_market_connect::sim::exchange::{
    Booked, Exchange, Fill, FillNo, ListingIndex, Order, OrderNo, Phase, Price, Rules, Settings,
    Ticket, TradeNo,
};
use cross_market_connect::sim::shelf::{NEWEST, Row, Shelf};
use proptest::prelude::*;
use xmc_hotpath::message::{AccountId, PositionEffect, Side, TimeInForce};
use xmc_hotpath::time::MonoNs;

/// A row that knows its number.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Numbered(u64);

impl Row<9> for Numbered {
    fn to_bytes(&self) -> [u8; 9] {
        let mut bytes = [1; 9];
        bytes[1..].copy_from_slice(&self.0.to_le_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8; 9]) -> Option<Self> {
        let [1, number @ ..] = bytes else { return None };
        Some(Self(u64::from_le_bytes(*number)))
    }
}

proptest! {
    /// Whatever is asked of a shelf is what a list of the same rows answers, in the file or not.
    #[test]
    fn a_shelf_answers_as_a_list_does(
        count in prop_oneof![0_u64..5, NEWEST as u64 - 2..NEWEST as u64 + 3, 0_u64..4_000],
        asked in prop::collection::vec(0_u64..8_200, 1..20),
    ) {
        let list: Vec<_> = (0..count).map(|number| Numbered(2 * number)).collect();
        let mut shelf = Shelf::default();
        list.iter().cloned().for_each(|row| shelf.push(row));
        prop_assert_eq!(shelf.len(), list.len());
        prop_assert!(shelf.in_memory() <= NEWEST);
        prop_assert_eq!(shelf.last(), list.last());
        for number in asked {
            let place = list.partition_point(|row| row.0 < number);
            prop_assert_eq!(shelf.partition_point(|row| row.0 < number), place);
            prop_assert_eq!(shelf.get(place), list.get(place).cloned());
            prop_assert_eq!(shelf.since(place).collect::<Vec<_>>(), &list[place..]);
        }
    }

    /// Nothing of a fill is lost on a shelf.
    #[test]
    fn a_fill_is_read_back_as_it_was_put_away(
        numbers in any::<[u64; 6]>(),
        price_e9 in any::<i64>(),
        lots in any::<[u32; 5]>(),
        names in any::<(u32, u16)>(),
        is_taker in any::<bool>(),
        side in prop::sample::select(Side::ALL),
        effect in prop::sample::select(PositionEffect::ALL),
    ) {
        let [at, fill_no, trade_no, order_no, client_id, _] = numbers;
        let [lots, cum_lots, leaves_lots, closed_today, closed_yesterday] = lots;
        let (account, listing) = (AccountId(names.0), ListingIndex(names.1));
        let order_no = OrderNo(order_no);
        let ticket = Ticket { order_no, account, client_id, listing, side, effect };
        let (fill_no, trade_no) = (FillNo(fill_no), TradeNo(trade_no));
        let fill = Fill {
            fill_no, trade_no, ticket, price_e9, lots, cum_lots, leaves_lots, is_taker
        };
        let booked = Booked { at: MonoNs(at), fill, closed_today, closed_yesterday };
        prop_assert_eq!(Booked::from_bytes(&booked.to_bytes()), Some(booked));
    }
}

/// A hundred thousand fills of one account: every one is askable, a thousand are in memory.
#[test]
fn fills_of_a_long_day_stay_askable_and_take_no_more_memory() {
    const FILLS: u64 = 100_000;
    const OURS: AccountId = AccountId(7);
    let listings = Settings::cme(1, "U6").listings;
    let price = Price::Limit(listings[0].reference_e9);
    let mut exchange = Exchange::new(Settings::quiet(Rules::cme(), listings), 1);
    exchange.set_phase(MonoNs(0), None, Phase::Open, &mut ());
    for client_id in 1..=FILLS {
        let sides =
            if client_id % 2 == 0 { [Side::Buy, Side::Sell] } else { [Side::Sell, Side::Buy] };
        for (account, side) in [(AccountId(8), sides[0]), (OURS, sides[1])] {
            let order = Order {
                account,
                client_id,
                listing: ListingIndex(0),
                side,
                price,
                time_in_force: TimeInForce::Day,
                lots: 1,
                min_lots: 0,
                effect: PositionEffect::Net,
            };
            exchange.submit(MonoNs(client_id), &order, &mut ());
        }
    }
    let accounts = exchange.accounts();
    assert!(accounts.fills_in_memory() <= 2 * NEWEST, "{} fills", accounts.fills_in_memory());
    let all: Vec<_> = accounts.fills(OURS, FillNo(0)).collect();
    let ids = all.iter().map(|booked| booked.fill.ticket.client_id);
    assert!(ids.eq(1..=FILLS), "each once, in order");
    for booked in all.iter().step_by(997) {
        assert_eq!(accounts.fill(OURS, booked.fill.fill_no), Some(*booked));
        let behind = accounts.fills(OURS, booked.fill.fill_no).count() as u64;
        assert_eq!(behind, FILLS - booked.fill.ticket.client_id);
    }
}

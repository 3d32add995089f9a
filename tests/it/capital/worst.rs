//! The worst case is as bad as every combination of fills at least, and headroom ends there.

use super::{decimal, edited, kinds, random_book};
use cross_market_connect::capital::book::{Effect, Order, Position, Side};
use cross_market_connect::capital::stand::{case, fee, stand, utilisation, worst};
use cross_market_connect::capital::{Book, headroom};
use cross_market_connect::config::capital::{Capital, Holding};
use fastrand::Rng;
use rust_decimal::Decimal;

/// The book after some of its orders were filled at their limits and the others cancelled.
fn filled(terms: &Capital, book: &Book, subset: usize) -> Book {
    let mut after = book.clone();
    after.orders.clear();
    for (_, order) in book.orders.iter().enumerate().filter(|(at, _)| subset >> at & 1 == 1) {
        let contract = &terms.contracts[order.contract];
        let lots = Decimal::from(order.lots);
        after.balances[order.account].fees +=
            fee(&contract.fees, order.effect, contract.value(order.price)) * lots;
        let is_net = terms.accounts[order.account].holding == Holding::Net;
        if order.effect == Effect::Open || is_net {
            after.positions.push(Position {
                account: order.account,
                contract: order.contract,
                side: if order.buys() { Side::Long } else { Side::Short },
                lots: order.lots,
                is_today: true,
                reference: order.price,
                is_hedge: order.is_hedge,
            });
        } else {
            close(terms, &mut after, order);
        }
    }
    after
}

/// Takes lots away, as many as there are, and books what they made.
fn close(terms: &Capital, book: &mut Book, order: &Order) {
    let mut left = order.lots;
    let of = (order.account, order.contract, order.side, order.is_hedge);
    for row in &mut book.positions {
        if (row.account, row.contract, row.side, row.is_hedge) == of {
            let lots = left.min(row.lots);
            let gained = terms.contracts[row.contract].value(order.price - row.reference);
            book.balances[order.account].realised += gained * row.side.sign() * Decimal::from(lots);
            row.lots -= lots;
            left -= lots;
        }
    }
    book.positions.retain(|row| row.lots > 0);
}

#[test]
fn no_combination_of_fills_is_worse_than_the_worst_case() {
    let (kinds, mut rng) = (kinds(), Rng::with_seed(11));
    let mut tight = 0;
    for number in 0..2_000 {
        let terms = &kinds[number % kinds.len()];
        let book = random_book(terms, &mut rng);
        for account in 0..terms.accounts.len() {
            for shock in std::iter::once(None).chain((0..terms.shocks.len()).map(Some)) {
                let bound = case(terms, &book, account, &[], shock);
                for subset in 0..1 << book.orders.len() {
                    let after = filled(terms, &book, subset);
                    let found = case(terms, &after, account, &[], shock);
                    let told = format!("book {number}, account {account}, fills {subset:b}");
                    assert!(found.used <= bound.used, "{told}: margin");
                    assert!(found.equity >= bound.equity, "{told}: equity");
                    tight += usize::from(subset > 0 && found.used == bound.used);
                }
            }
        }
    }
    assert!(tight > 10_000, "the bound must be reached, or it is too wide: {tight}");
}

#[test]
fn the_worst_case_is_the_worst_of_all_shocks() {
    let (kinds, mut rng) = (kinds(), Rng::with_seed(12));
    for number in 0..500 {
        let terms = &kinds[number % kinds.len()];
        let book = random_book(terms, &mut rng);
        for account in 0..terms.accounts.len() {
            let found = worst(terms, &book, account, &[]);
            for shock in 0..terms.shocks.len() {
                let other = case(terms, &book, account, &[], Some(shock));
                let (one, other) = (found.utilisation(), other.utilisation());
                assert!(one.is_none() || other.is_some_and(|other| other <= one.unwrap_or(other)));
            }
        }
    }
}

#[test]
fn headroom_is_the_last_lot_that_fits() {
    let (kinds, mut rng) = (kinds(), Rng::with_seed(13));
    let (mut some, mut none) = (0, 0);
    for number in 0..60 {
        let terms = &kinds[number % kinds.len()];
        let book = random_book(terms, &mut rng);
        for row in headroom::all(terms, &book) {
            let fits = |lots: u32| {
                let order = Order {
                    account: row.account,
                    contract: row.contract,
                    side: row.side,
                    effect: Effect::Open,
                    lots,
                    price: book.prices[row.contract],
                    is_hedge: false,
                };
                let more = if lots == 0 { vec![] } else { vec![order] };
                let found = worst(terms, &book, row.account, &more);
                let used = utilisation(found.used, found.equity);
                used.is_some_and(|used| used <= terms.levels.reduce_only)
            };
            let most = terms.contracts[row.contract].max_lots;
            let held = book.positions.iter().map(|row| row.lots).sum::<u32>();
            let waits = book.orders.iter().map(|row| row.lots).sum::<u32>();
            assert!(row.lots == 0 || fits(row.lots), "{row:?}");
            assert!(row.lots + held + waits >= most || !fits(row.lots + 1) || !fits(0), "{row:?}");
            some += usize::from(row.lots > 0);
            none += usize::from(row.lots == 0);
            // And every smaller number as well.
            for lots in [row.lots / 2, row.lots / 3] {
                assert!(row.lots == 0 || fits(lots), "{row:?} {lots}");
            }
        }
    }
    assert!(some > 100 && none > 100, "{some} {none}");
}

/// By hand, of the sample: 200 lots of copper bought, 4 more on the way, 90 of gold sold.
#[test]
fn the_worst_case_of_the_sample_is_that_of_a_hand() {
    let terms = edited(&[]);
    let book = super::book(&terms);
    let found = case(&terms, &book, 0, &[], None);
    // 16 % with the reserve, at the price of now where that is above the last settlement's, the
    // order at its own limit: 204 lots of 5 t, 90 of 1 kg.
    let copper = decimal("88900") * decimal("5") * decimal("0.16") * decimal("200")
        + decimal("88910") * decimal("5") * decimal("0.16") * decimal("4");
    let gold = decimal("918") * decimal("1000") * decimal("0.16") * decimal("90");
    assert_eq!(found.used, copper + gold);
    // Profit of copper counts for nothing before it is settled, the loss of gold does; the order
    // is 10 above the price, and pays 0.005 %.
    let lost = decimal("3") * decimal("1000") * decimal("90");
    let order = decimal("10") * decimal("5") * decimal("4")
        + decimal("88910") * decimal("5") * decimal("4") * decimal("0.00005");
    assert_eq!(found.equity, decimal("28600000") - decimal("3100") - lost - order);
    let stand = stand(&terms, &book, 0);
    // 180 lots that gained 400, 20 that gained 100, less the loss of gold.
    assert_eq!(stand.equity, decimal("28596900") + decimal("370000") - lost);
    assert_eq!(stand.counted, decimal("28596900") - lost);
}

/// Money in another currency is worth what the rate says, and moves with it.
#[test]
fn a_contract_in_another_currency_counts_at_its_rate() {
    let terms = edited(&[]);
    let mut book = super::book(&terms);
    book.positions.retain(|row| row.account == 2 && row.contract == 3);
    book.positions[0].account = 0;
    // 100 lots sold at 5, now 5.02: 0.02 * 25,000 * 100 dollars at 7.1.
    let stand = stand(&terms, &book, 0);
    assert_eq!(stand.open_profit, decimal("-355000"));
    assert_eq!(stand.used, decimal("16000") * decimal("100") * decimal("7.1"));
}

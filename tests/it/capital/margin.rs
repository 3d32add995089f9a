//! Margin against a second reckoning: whole numbers of 1e-27, lot by lot.

use super::{decimal, edited, kinds, random_book};
use cross_market_connect::capital::Book;
use cross_market_connect::capital::book::Side;
use cross_market_connect::capital::margin::used;
use cross_market_connect::capital::settle::settle;
use cross_market_connect::capital::stand::{Moved, equity, stand};
use cross_market_connect::config::capital::{Capital, Holding, LargerSide, MarginPrice, Unit};
use fastrand::Rng;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// A decimal in units of 1e-9.
fn e9(value: Decimal) -> i128 {
    let scaled = value * Decimal::from(1_000_000_000_i64);
    assert!(scaled.is_integer(), "{value}");
    scaled.trunc().mantissa() / 10_i128.pow(scaled.trunc().scale())
}

/// One lot's margin in 1e-27: the rate of its day, found by going through the steps in order.
fn lot_e27(
    terms: &Capital,
    book: &Book,
    contract: usize,
    row: (Side, bool),
    price: Decimal,
) -> i128 {
    let of = &terms.contracts[contract];
    let margin = if row.1 { of.hedge_margin.as_ref().unwrap_or(&of.margin) } else { &of.margin };
    let mut rate = 0;
    for step in &margin.steps {
        if step.from <= book.day {
            rate = e9(if row.0 == Side::Long { step.long } else { step.short });
        }
    }
    rate += e9(margin.broker);
    match margin.unit {
        Unit::Value => e9(price) * e9(of.multiplier) * rate,
        Unit::Lot => rate * 1_000_000_000_000_000_000,
    }
}

/// Whether a position's lots take part in the larger side on the day.
fn is_relieved(terms: &Capital, book: &Book, contract: usize, is_hedge: bool) -> bool {
    let of = &terms.contracts[contract];
    let margin = if is_hedge { of.hedge_margin.as_ref().unwrap_or(&of.margin) } else { &of.margin };
    let mut relieved = true;
    for step in &margin.steps {
        if step.from <= book.day {
            relieved = step.is_relieved;
        }
    }
    relieved
}

/// Margin of an account in 1e-27, by counting every lot.
fn recount(terms: &Capital, book: &Book, account: usize) -> i128 {
    let own = &terms.accounts[account];
    if own.holding == Holding::Net {
        let mut net: BTreeMap<(usize, bool), i64> = BTreeMap::new();
        for row in book.positions.iter().filter(|row| row.account == account) {
            for _ in 0..row.lots {
                *net.entry((row.contract, row.is_hedge)).or_default() +=
                    if row.side == Side::Long { 1 } else { -1 };
            }
        }
        let charged = net.iter().map(|((contract, is_hedge), lots)| {
            let side = if *lots > 0 { Side::Long } else { Side::Short };
            let price = book.prices[*contract];
            i128::from(lots.abs()) * lot_e27(terms, book, *contract, (side, *is_hedge), price)
        });
        return charged.sum();
    }
    let (mut plain, mut groups) = (0, BTreeMap::<String, [i128; 2]>::new());
    for row in book.positions.iter().filter(|row| row.account == account) {
        let price = match own.margin_price {
            MarginPrice::Reference => row.reference,
            MarginPrice::Last => book.prices[row.contract],
        };
        let lot = lot_e27(terms, book, row.contract, (row.side, row.is_hedge), price);
        let of = &terms.contracts[row.contract];
        let group = match own.larger_side {
            LargerSide::None => None,
            LargerSide::Contract => Some(of.name.clone()),
            LargerSide::Product => Some(format!("{} {}", of.venue, of.product)),
        };
        let group = group.filter(|_| is_relieved(terms, book, row.contract, row.is_hedge));
        for _ in 0..row.lots {
            match &group {
                None => plain += lot,
                Some(group) => {
                    let side = usize::from(row.side == Side::Short);
                    groups.entry(group.clone()).or_default()[side] += lot;
                }
            }
        }
    }
    plain + groups.values().map(|[long, short]| *long.max(short)).sum::<i128>()
}

/// A decimal in 1e-27, exactly.
fn e27(value: Decimal) -> i128 {
    let value = value.normalize();
    value.mantissa() * 10_i128.pow(27 - value.scale())
}

#[test]
fn margin_is_what_a_recount_lot_by_lot_says() {
    let (kinds, mut rng) = (kinds(), Rng::with_seed(20_260_715));
    let mut held = 0;
    for number in 0..100_000 {
        let terms = &kinds[number % kinds.len()];
        let book = random_book(terms, &mut rng);
        for account in 0..terms.accounts.len() {
            let expected = recount(terms, &book, account);
            let found = e27(used(terms, &book, account));
            assert_eq!(found, expected, "book {number}, account {account}: {:?}", book.positions);
            held += usize::from(expected > 0);
        }
    }
    assert!(held > 100_000, "books must hold something: {held}");
}

/// By hand: 10 lots long and 4 short of copper at 88,500 of 5 t, 14 % each: 61,950 a lot.
#[test]
fn the_larger_side_is_charged_alone() {
    let position = |side, lots| cross_market_connect::capital::book::Position {
        account: 0,
        contract: 0,
        side,
        lots,
        is_today: false,
        reference: decimal("88500"),
        is_hedge: false,
    };
    for (larger_side, expected) in [("product", "619500"), ("none", "867300")] {
        let edit = format!("larger_side = \"{larger_side}\"");
        let terms = edited(&[("larger_side = \"product\"", &edit)]);
        let mut book = super::base();
        book.positions = vec![position(Side::Long, 10), position(Side::Short, 4)];
        assert_eq!(used(&terms, &book, 0), decimal(expected), "{larger_side}");
        // From the last days of August on nothing is relieved, and rates are 22 %: 97,350 a lot.
        book.day = "2026-08-31".parse().expect("a day");
        assert_eq!(used(&terms, &book, 0), decimal("1362900"), "{larger_side}");
    }
}

#[test]
fn rates_step_up_on_their_day_and_hedgers_pay_their_own() {
    let terms = edited(&[]);
    let mut book = super::book(&terms);
    book.positions.truncate(1);
    book.positions[0].lots = 1;
    book.positions[0].reference = decimal("88500");
    let mut on = |day: &str, is_hedge| {
        book.day = day.parse().expect("a day");
        book.positions[0].is_hedge = is_hedge;
        used(&terms, &book, 0)
    };
    assert_eq!(on("2026-08-02", false), decimal("61950"));
    assert_eq!(on("2026-08-03", false), decimal("75225"));
    assert_eq!(on("2026-08-30", false), decimal("75225"));
    assert_eq!(on("2026-08-31", false), decimal("97350"));
    assert_eq!(on("2026-07-15", true), decimal("53100"));
}

#[test]
fn a_settlement_changes_no_equity_and_lets_profit_out() {
    let (kinds, mut rng) = (kinds(), Rng::with_seed(7));
    for number in 0..500 {
        let terms = &kinds[number % kinds.len()];
        let book = random_book(terms, &mut rng);
        let next = book.day.tomorrow().expect("a day");
        let after = settle(terms, &book, &book.prices, next);
        assert!(after.orders.is_empty() && after.positions.iter().all(|row| !row.is_today));
        for account in 0..terms.accounts.len() {
            let of = |book: &Book| equity(terms, book, account, &Moved::NONE);
            assert_eq!(of(&book), of(&after));
            let settled = stand(terms, &after, account);
            assert_eq!(settled.open_profit, Decimal::ZERO);
            assert_eq!(settled.counted, settled.equity);
        }
    }
    // By hand: 5 lots of oil sold at 500, settled at 490: 10 * 1,000 * 5.
    let terms = &kinds[0];
    let mut book = super::book(terms);
    book.positions.retain(|row| row.account == 1);
    book.positions[0].lots = 5;
    book.prices[2] = decimal("490");
    let before = stand(terms, &book, 1);
    let after = stand(terms, &settle(terms, &book, &book.prices, book.day), 1);
    assert_eq!((before.open_profit, after.open_profit), (decimal("50000"), Decimal::ZERO));
    assert_eq!(
        after.counted - before.counted,
        decimal("50000"),
        "unsettled profit carries nothing"
    );
}

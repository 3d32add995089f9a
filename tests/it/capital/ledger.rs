//! Fills in a book, against money that is counted another way: what was paid and got for lots, and
//! what the rest is worth.

use super::{base, edited};
use cross_market_connect::capital::book::{Book, Effect, Side};
use cross_market_connect::capital::ledger::{self, Fill, Way};
use cross_market_connect::capital::stand::{self, Moved};
use cross_market_connect::config::capital::Holding;
use fastrand::Rng;
use rust_decimal::Decimal;

/// Lots of an account in a contract by side.
fn held(book: &Book, account: usize, contract: usize, side: Side) -> u32 {
    let rows = book.positions.iter();
    rows.filter(|row| (row.account, row.contract, row.side) == (account, contract, side))
        .map(|row| row.lots)
        .sum()
}

/// Equity is money at the start, less what bought lots cost, and what sold ones brought, with what
/// is left at the price of now: however lots are matched, that is what it has to be.
#[test]
fn equity_is_what_was_paid_and_got_and_what_is_left_is_worth() {
    let terms = edited(&[]);
    for seed in 0..200 {
        let mut rng = Rng::with_seed(seed);
        let mut book = base();
        book.orders.clear();
        let before: Vec<_> =
            (0..4).map(|at| stand::equity(&terms, &book, at, &Moved::NONE)).collect();
        let mut cash = [Decimal::ZERO; 4];
        let mut unmatched = 0;
        for _ in 0..100 {
            let contract = rng.usize(..terms.contracts.len());
            let of = &terms.contracts[contract];
            let fit = |at: &usize| terms.accounts[*at].currency == of.currency;
            let accounts: Vec<_> = (0..4).filter(fit).collect();
            let account = accounts[rng.usize(..accounts.len())];
            let (buys, pays) = (rng.bool(), rng.u8(..10) > 0);
            let price = book.prices[contract] * Decimal::new(rng.i64(950..1_050), 3);
            let opens = if buys { Side::Long } else { Side::Short };
            let other = if buys { Side::Short } else { Side::Long };
            let is_net = terms.accounts[account].holding == Holding::Net;
            let way = match (is_net, rng.u8(..4)) {
                (true, _) => Way::Net,
                (_, 0) => Way::Net,
                (_, 1) => Way::As(Effect::Close),
                (_, 2) => Way::As(Effect::CloseToday),
                _ => Way::As(Effect::Open),
            };
            let there = held(&book, account, contract, other);
            let lots = rng.u32(1..60);
            let lots = match way {
                // Now and then more than there is.
                Way::As(Effect::Close | Effect::CloseToday) if rng.u8(..20) > 0 => lots.min(there),
                _ => lots,
            };
            if lots == 0 {
                continue;
            }
            let open_before = held(&book, account, contract, opens);
            let fees = book.balances[account].fees;
            let closed_today = way == Way::As(Effect::CloseToday);
            let is_hedge = rng.bool();
            let fill = Fill { account, contract, buys, way, lots, price, is_hedge, pays };
            let short = ledger::take(&terms, &mut book, &fill);
            unmatched += short;
            let done = lots - short;
            let sign = if buys { Decimal::NEGATIVE_ONE } else { Decimal::ONE };
            cash[account] += of.value(price) * Decimal::from(done) * sign;
            // What remains is worth the price of now, whose change the start's equity lacks.
            cash[account] -= of.value(book.prices[contract]) * Decimal::from(done) * sign;
            cash[account] -= book.balances[account].fees - fees;
            // Some contracts ask nothing for closing what was opened today.
            let has_paid = book.balances[account].fees > fees;
            assert!(if pays { has_paid || done == 0 || closed_today } else { !has_paid });
            let closed = there - held(&book, account, contract, other);
            let opened = held(&book, account, contract, opens) - open_before;
            assert_eq!(closed + opened, done, "seed {seed}");
            match way {
                Way::As(Effect::Open) => assert_eq!((closed, short), (0, 0), "seed {seed}"),
                Way::As(_) => assert_eq!((closed, opened), (lots.min(there), 0), "seed {seed}"),
                Way::Net => assert_eq!((closed, short), (lots.min(there), 0), "seed {seed}"),
            }
        }
        for (account, start) in before.iter().enumerate() {
            let now = stand::equity(&terms, &book, account, &Moved::NONE);
            assert_eq!(now.normalize(), (start + cash[account]).normalize(), "seed {seed}");
        }
        assert!(book.positions.iter().all(|row| row.lots > 0));
        assert!(seed > 20 || unmatched < 500);
    }
}

#[test]
fn a_close_of_today_takes_lots_of_today_and_pays_their_fee() {
    let terms = edited(&[]);
    let mut book = base();
    book.positions.clear();
    let (account, contract) = (0, 0);
    let price = Decimal::from(88_000);
    let fill = |buys, way, lots, price| Fill {
        account,
        contract,
        buys,
        way,
        lots,
        price,
        is_hedge: false,
        pays: true,
    };
    ledger::take(&terms, &mut book, &fill(true, Way::As(Effect::Open), 5, price));
    let mut old = book.positions[0];
    (old.is_today, old.lots, old.reference) = (false, 7, Decimal::from(87_000));
    book.positions.insert(0, old);
    let (fees, realised) = (book.balances[0].fees, book.balances[0].realised);
    let close = fill(false, Way::As(Effect::CloseToday), 4, Decimal::from(88_100));
    assert_eq!(ledger::take(&terms, &mut book, &close), 0);
    let lots: Vec<_> = book.positions.iter().map(|row| (row.is_today, row.lots)).collect();
    assert_eq!(lots, [(false, 7), (true, 1)]);
    // 4 lots of 5 t gained 100; twice the fee of an older lot.
    assert_eq!(book.balances[0].realised - realised, Decimal::from(2_000));
    assert_eq!((book.balances[0].fees - fees).normalize(), Decimal::new(1762, 1).normalize());
    // One more than there is of today comes from before, and one is told to be missing.
    let close = fill(false, Way::As(Effect::CloseToday), 9, Decimal::from(88_100));
    assert_eq!(ledger::take(&terms, &mut book, &close), 1);
    assert!(book.positions.is_empty());
}

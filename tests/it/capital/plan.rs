//! Plans: who needs what, from where, by when, and what is closed when no money reaches.

use super::{book, decimal, edited};
use cross_market_connect::capital::book::Position;
use cross_market_connect::capital::plan::{Plan, plan, stages};
use cross_market_connect::capital::{Book, Stage, View};
use cross_market_connect::config::capital::{Capital, Holder};
use rust_decimal::Decimal;
use std::collections::BTreeMap;

fn planned(terms: &Capital, book: &Book) -> Plan {
    let view = View::of(terms, book);
    plan(terms, book, &view, &stages(terms, book, &view))
}

/// Moves the money of a plan, as if all of it had arrived.
fn carried_out(terms: &Capital, book: &Book, plan: &Plan) -> Book {
    let mut after = book.clone();
    for row in &plan.instructions {
        let route = &terms.routes[row.route];
        match route.from {
            Holder::Account(at) => after.balances[at].withdrawals += row.amount + row.cost,
            Holder::Pool(at) => after.pools[at] -= row.amount + row.cost,
            Holder::Nowhere => {}
        }
        let (from, to) = (terms.holder_currency(route.from), terms.holder_currency(route.to));
        let amount = row.amount * book.rate(terms, from, to);
        match route.to {
            Holder::Account(at) => after.balances[at].deposits += amount,
            Holder::Pool(at) => after.pools[at] += amount,
            Holder::Nowhere => {}
        }
    }
    after
}

#[test]
fn the_sample_is_topped_up_to_its_target_at_once() {
    let terms = edited(&[]);
    let book = book(&terms);
    let found = planned(&terms, &book);
    assert_eq!(found.stages, [Stage::Warn, Stage::Normal, Stage::Normal, Stage::Normal]);
    let need = &found.needs[0];
    // 23,923,200 of margin at 70 % are 34,176,000.
    assert_eq!((need.account, need.is_now), (0, true));
    assert_eq!(need.amount, decimal("34176000") - decimal("28326900"));
    assert_eq!(found.instructions.len(), 1);
    let row = &found.instructions[0];
    assert_eq!(terms.routes[row.route].name, "to_metals_home");
    assert!(!row.is_late && !row.is_transfer);
    let after = carried_out(&terms, &book, &found);
    let again = planned(&terms, &after);
    assert!(again.needs.is_empty() && again.stages.iter().all(|stage| *stage == Stage::Normal));
}

#[test]
fn money_passes_through_a_pool_and_no_holder_gives_what_it_keeps() {
    let terms = edited(&[]);
    let mut book = book(&terms);
    // Nothing at home but what the energy account has to spare.
    book.pools[0] = decimal("500000");
    book.balances[1].settled = decimal("30000000");
    let found = planned(&terms, &book);
    let names: Vec<_> =
        found.instructions.iter().map(|row| terms.routes[row.route].name.as_str()).collect();
    assert_eq!(names, ["from_energy_home", "to_metals_home"]);
    assert!(found.instructions[0].is_transfer && !found.instructions[1].is_transfer);
    let [first, second] = [0, 1].map(|at| found.instructions[at].times);
    assert!(second.leaves >= first.arrives, "what passes on has arrived before");
    let after = carried_out(&terms, &book, &found);
    assert!(planned(&terms, &after).needs.is_empty());
    for (pool, left) in terms.pools.iter().zip(&after.pools) {
        assert!(*left >= pool.keep, "{}: {left}", pool.name);
    }
}

/// Over the border takes longer than an hour and a half: that is told, not hidden.
#[test]
fn what_cannot_be_there_in_time_is_late() {
    let terms = edited(&[]);
    let mut book = book(&terms);
    book.pools[0] = decimal("500000");
    book.pools[1] = decimal("5000000");
    let found = planned(&terms, &book);
    let late: Vec<_> = found.instructions.iter().filter(|row| row.is_late).collect();
    assert!(!late.is_empty(), "{found:?}");
    assert!(found.cost > Decimal::ZERO, "the line over the border has its price");
}

/// What nothing reaches is closed, both legs of a pair in their ratio.
#[test]
fn lots_are_closed_in_pairs_where_no_money_is() {
    let terms = edited(&[]);
    let mut book = book(&terms);
    book.pools = vec![Decimal::ZERO, Decimal::ZERO];
    for balance in &mut book.balances[1..] {
        balance.settled *= decimal("0.85");
    }
    let found = planned(&terms, &book);
    assert!(found.unmet.iter().any(|unmet| *unmet > Decimal::ZERO), "{found:?}");
    let closing = found.closings.iter().find(|row| row.account == 0).expect("metals at home");
    let [(home, _, one, lots), (abroad, _, other, more)] = closing.legs[..] else {
        panic!("two legs: {closing:?}");
    };
    let pair = &terms.pairs[closing.pair.expect("a pair")];
    assert_eq!((home, abroad), (0, 2));
    assert_ne!(one, other);
    assert_eq!(lots * pair.overseas_lots, more * pair.domestic_lots);
}

/// Rows of one position (today's, yesterday's) share the other leg of their pair, and what is
/// closed as another account's other leg is closed.
#[test]
fn no_lot_is_closed_twice() {
    let terms = edited(&[]);
    let mut closings = 0;
    for left in ["0.85", "0.7", "0.5"] {
        let mut book = book(&terms);
        book.pools = vec![Decimal::ZERO, Decimal::ZERO];
        let rows = std::mem::take(&mut book.positions);
        for mut row in rows {
            let mut half = row;
            half.lots /= 2;
            row.lots -= half.lots;
            book.positions.extend([half, row]);
        }
        for balance in &mut book.balances {
            balance.settled *= decimal(left);
        }
        let found = planned(&terms, &book);
        closings += found.closings.len();
        let mut closed: BTreeMap<_, u32> = BTreeMap::new();
        for (account, contract, side, lots) in found.closings.iter().flat_map(|row| &row.legs) {
            let of = (*account, *contract, format!("{side:?}"));
            *closed.entry(of).or_default() += lots;
        }
        for (of, lots) in closed {
            let is_of =
                |row: &&Position| (row.account, row.contract, format!("{:?}", row.side)) == of;
            let held = book.positions.iter().filter(is_of).map(|row| row.lots).sum();
            assert!(lots <= held, "{left}: {lots} of {held} lots of {of:?}");
        }
    }
    assert!(closings > 6, "{closings}");
}

#[test]
fn an_account_far_above_pairs_off_at_once() {
    let terms = edited(&[]);
    let mut book = book(&terms);
    book.balances[3].settled = decimal("1620000");
    let view = View::of(&terms, &book);
    assert_eq!(stages(&terms, &book, &view)[3], Stage::PairOff);
    let found = planned(&terms, &book);
    let closing = found.closings.iter().find(|row| row.account == 3).expect("oil abroad");
    // 1,500,000 of margin on 1,560,000 of equity: 408,000 over 70 %, 40.8 lots of 10,000.
    assert_eq!(closing.legs[0].3, 41);
    assert_eq!(closing.legs[1].3, 41, "{closing:?}");
    // What would open there is cancelled.
    book.orders[1].account = 3;
    assert_eq!(planned(&terms, &book).cancels, [1]);
}

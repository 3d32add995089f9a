//! Matching against every way to serve small cases.

use cross_market_connect::balance::matching::{Match, Need, of};
use std::collections::BTreeMap;

/// What is to be as large as can be, the first first: lots, urgency served, what opens less what
/// closes (margin; fees are the same for every lot).
type Worth = (i64, i64, i64);

fn random(random: &mut fastrand::Rng, names: &[String], most_lots: i64) -> Vec<Need<'static>> {
    let cells = random.u32(1..=2);
    // Few urgencies, so that ties are common.
    let urgencies = random.u16(1..=4);
    let names: Vec<&'static str> =
        names.iter().map(|name| &*Box::leak(name.clone().into_boxed_str())).collect();
    let one = |name| Need {
        name,
        cell: random.u32(0..cells),
        account: random.u32(0..3),
        buys: random.bool(),
        lots: random.i64(0..=most_lots),
        urgency: random.u16(0..urgencies) * 100,
        opens: random.bool(),
    };
    names.into_iter().map(one).collect()
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|place| format!("need_{place}")).collect()
}

fn worth_of(needs: &[Need<'_>], served: &[i64]) -> Worth {
    let (mut lots, mut urgency, mut margin) = (0, 0, 0);
    for (need, served) in needs.iter().zip(served) {
        lots += served;
        urgency += served * i64::from(need.urgency);
        margin += if need.opens { *served } else { -served };
    }
    (lots, urgency, margin)
}

/// The best of all ways to serve each need in part, by trying every one.
fn brute(needs: &[Need<'_>], served: &mut Vec<i64>, best: &mut Worth) {
    if served.len() == needs.len() {
        let mut balance: BTreeMap<u32, i64> = BTreeMap::new();
        for (need, served) in needs.iter().zip(&*served) {
            *balance.entry(need.cell).or_default() += if need.buys { *served } else { -served };
        }
        if balance.values().all(|sum| *sum == 0) {
            *best = (*best).max(worth_of(needs, served));
        }
        return;
    }
    for lots in 0..=needs[served.len()].lots {
        served.push(lots);
        brute(needs, served, best);
        served.pop();
    }
}

/// What each need gets; panics where a match is none.
fn served(needs: &[Need<'_>], matches: &[Match]) -> Vec<i64> {
    let mut served = vec![0; needs.len()];
    for row in matches {
        let (buy, sell) = (&needs[row.buy], &needs[row.sell]);
        assert!(buy.buys && !sell.buys && row.lots > 0 && buy.cell == sell.cell, "{row:?}");
        served[row.buy] += row.lots;
        served[row.sell] += row.lots;
    }
    for (need, served) in needs.iter().zip(&served) {
        assert!(*served <= need.lots, "{need:?} gets {served}");
    }
    served
}

#[test]
fn small_cases_are_as_good_as_every_possible_one() {
    let names = names(6);
    let mut seeds = fastrand::Rng::with_seed(1705);
    let (mut matched, mut tied) = (0, 0);
    for case in 0..1_500 {
        let count = seeds.usize(1..=6);
        let needs = random(&mut seeds, &names[..count], 3);
        let matches = of(&needs);
        let served = served(&needs, &matches);
        let mut best = (0, 0, i64::MIN);
        brute(&needs, &mut Vec::new(), &mut best);
        assert_eq!(worth_of(&needs, &served), best, "case {case}: {needs:?} {matches:?}");
        matched += usize::from(best.0 > 0);
        tied += usize::from(served.iter().zip(&needs).any(|(got, need)| *got < need.lots));
    }
    assert!(matched > 500 && tied > 500, "{matched} {tied}: the cases say nothing");
}

#[test]
fn those_of_one_account_meet_first() {
    let names = names(12);
    let mut seeds = fastrand::Rng::with_seed(5);
    for case in 0..1_000 {
        let needs = random(&mut seeds, &names, 9);
        let matches = of(&needs);
        let served = served(&needs, &matches);
        let mut sides: BTreeMap<(u32, u32), [i64; 2]> = BTreeMap::new();
        for (need, served) in needs.iter().zip(&served) {
            let key = (need.cell, need.account);
            sides.entry(key).or_default()[usize::from(need.buys)] += served;
        }
        let most: i64 = sides.values().map(|[sells, buys]| sells.min(buys)).sum();
        let own = matches.iter().filter(|row| needs[row.buy].account == needs[row.sell].account);
        assert_eq!(own.map(|row| row.lots).sum::<i64>(), most, "case {case}");
    }
}

#[test]
fn another_order_of_the_same_needs_changes_nothing() {
    let names = names(40);
    let mut seeds = fastrand::Rng::with_seed(8);
    for case in 0..300 {
        let mut needs = random(&mut seeds, &names, 20);
        let told = |needs: &[Need<'_>]| -> Vec<(String, String, i64)> {
            let name = |at: usize| needs[at].name.to_owned();
            of(needs).iter().map(|row| (name(row.buy), name(row.sell), row.lots)).collect()
        };
        let before = told(&needs);
        seeds.shuffle(&mut needs);
        // Not even the order of the matches.
        assert_eq!(told(&needs), before, "case {case}");
    }
}

#[test]
fn nothing_meets_where_there_is_nothing() {
    assert_eq!(of(&[]), []);
    let need =
        |buys, lots| Need { name: "one", cell: 0, account: 0, buys, lots, urgency: 0, opens: true };
    assert_eq!(of(&[need(true, 5), need(true, 7)]), []);
    assert_eq!(of(&[need(true, 5), need(false, 0)]), []);
}

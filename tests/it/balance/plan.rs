//! Plans over random needs: walls, capacities, self-trades, money, and the order of rows.

use super::{book_of, contract, edited, number, quotes_of, text};
use cross_market_connect::balance::book::{Book, Need, Wish};
use cross_market_connect::balance::plan::{Plan, group};
use cross_market_connect::balance::price::NoPrice;
use cross_market_connect::balance::proposal::{Approval, Way};
use cross_market_connect::balance::want::{Want, urgency};
use cross_market_connect::config::capital::Border;
use std::collections::{BTreeMap, BTreeSet};

/// The sample with a wall of its own around one of the house's accounts.
fn walled() -> String {
    let wall = "[[wall]]\nname = \"fund_wall\"";
    let second =
        format!("[[wall]]\nname = \"second_wall\"\naccounts = [\"house_second\"]\n\n{wall}");
    edited(&text(), &[(wall, &second)])
}

fn at(text: &str) -> jiff::Timestamp {
    text.parse().expect("a time")
}

fn random_needs(book: &Book, random: &mut fastrand::Rng, count: usize) -> Vec<Need> {
    let wish = |urgency| Wish {
        by: "a test".to_owned(),
        urgency,
        from: at("2026-07-15T01:00:00Z"),
        until: at("2026-07-15T07:00:00Z"),
    };
    let one = |place: usize| {
        let account = random.usize(0..book.accounts.len());
        let border = book.accounts[account].border;
        let of = |at: &usize| book.contracts[*at].of.border == border;
        let own: Vec<usize> = (0..book.contracts.len()).filter(of).collect();
        let contract = own[random.usize(0..own.len())];
        let opens = random.u8(0..4) > 0;
        let others = (0..book.contracts.len()).filter(|at| *at != contract);
        let instead = others.filter(|_| opens && random.bool()).collect();
        Need {
            name: format!("need_{place}"),
            strategy: random.usize(0..book.strategies.len()),
            account,
            contract,
            lots: random.i64(1..=9) * if random.bool() { 1 } else { -1 },
            opens,
            wish: wish(random.u16(0..=1_000)),
            instead,
        }
    };
    (0..count).map(one).collect()
}

/// Bid, ask, tick, tonnes of a lot, slippage and fee of a lot at a price, money of it in CNY; in
/// floats, from the sample as a person reads it.
fn terms(name: &str) -> (f64, f64, f64, f64, f64) {
    let tonnes = 25_000.0 * 0.453_592_37 / 1_000.0;
    match name {
        "cu2609" => (88_490.0, 88_520.0, 5.0, 10.0 * 5.0, 88_505.0 * 5.0 * 0.000_05),
        "cu2610" => (88_430.0, 88_460.0, 5.0, 10.0 * 5.0, 88_445.0 * 5.0 * 0.000_05),
        _ => (4.9995, 5.0005, tonnes, 0.0005 * 25_000.0 * 7.1, 2.5 * 7.1),
    }
}

fn is_near(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-6 * other.abs().max(1.0)
}

fn check_matches(book: &Book, plan: &Plan) {
    let wants = &plan.wants.wants;
    let mut left: Vec<i64> = wants.iter().map(|want| want.admitted).collect();
    for row in &plan.matches {
        let (buy, sell) = (&wants[row.buy], &wants[row.sell]);
        // No wall is crossed.
        assert_eq!(group(book, buy), group(book, sell));
        assert_eq!(book.accounts[buy.account].group, row.group);
        assert_eq!((buy.contract, sell.contract), (row.contract, row.contract));
        let of = &book.contracts[row.contract].of;
        let (bid, ask, ..) = terms(&of.name);
        let price = row.price.approximate();
        assert!(bid <= price && price <= ask, "{price} of {}", of.name);
        let ticks = row.price.over(book.contracts[row.contract].tick).expect("held").parts().1;
        assert_eq!(ticks, 1, "{price} is on the tick");
        left[row.buy] -= row.lots;
        left[row.sell] += row.lots;
        let lots = f64::from(u16::try_from(row.lots).expect("few"));
        let (fee, margin) = match of.name.as_str() {
            "HGU6" => (2.5, 9_500.0),
            "cu2609" => (price * 5.0 * 0.000_05, 48_000.0),
            _ => (price * 5.0 * 0.000_05, 46_000.0),
        };
        let opening = [buy, sell].into_iter().map(|want| if want.opens { 1.0 } else { -1.0 });
        assert!(is_near(row.fees.approximate(), 2.0 * lots * fee));
        assert!(is_near(row.margin.approximate(), opening.sum::<f64>() * lots * margin));
    }
    assert_eq!(left, plan.left);
    let mut sides: BTreeMap<(usize, usize), [i64; 4]> = BTreeMap::new();
    for (want, left) in wants.iter().zip(&left) {
        assert!(left.signum() * want.lots.signum() >= 0 && left.abs() <= want.admitted.abs());
        let side = sides.entry((group(book, want), want.contract)).or_default();
        side[usize::from(want.lots > 0)] += want.admitted.abs();
        side[2 + usize::from(want.lots > 0)] += left.abs();
    }
    for (cell, [sells, buys, sells_left, buys_left]) in sides {
        let matched = sells.min(buys);
        assert_eq!([sells_left, buys_left], [sells - matched, buys - matched], "{cell:?}");
    }
}

fn check_capacities(book: &Book, plan: &Plan) {
    let mut opened: BTreeMap<usize, i64> = BTreeMap::new();
    let mut admitted: BTreeMap<usize, i64> = BTreeMap::new();
    let wants = &plan.wants.wants;
    for (want, left) in wants.iter().zip(&plan.left).filter(|(want, _)| want.opens) {
        *admitted.entry(want.account).or_default() += want.admitted.abs();
        *opened.entry(want.account).or_default() += (want.admitted - left).abs();
    }
    for row in &plan.proposals {
        if wants[row.want].opens {
            *opened.entry(row.account).or_default() += row.lots.abs();
        }
        if let Way::Offset(other) = row.way
            && wants[other].opens
        {
            *opened.entry(wants[other].account).or_default() += row.lots.abs();
        }
    }
    for (account, lots) in admitted.iter().chain(&opened) {
        let most = book.capacity(*account, 0).expect("a capacity") - book.gross(*account, 0);
        assert!(*lots <= most, "{lots} lots in {}: {most}", book.accounts[*account].name);
    }
}

fn check_proposals(book: &Book, plan: &Plan) -> [usize; 4] {
    let wants = &plan.wants.wants;
    let mut taken = vec![0; wants.len()];
    let (mut sent, mut ids) = (BTreeSet::new(), BTreeSet::new());
    let (mut by_rule, mut counts) = (BTreeMap::<usize, (f64, i64)>::new(), [0; 4]);
    for row in &plan.proposals {
        let want = &wants[row.want];
        taken[row.want] += row.stands_for;
        assert_eq!(row.lots.signum(), want.lots.signum());
        assert!(ids.insert(row.id.clone()) && row.id.len() == 16, "{}", row.id);
        assert_eq!((row.group, book.accounts[row.account].group), (group(book, want), row.group));
        let of = &book.contracts[row.contract].of;
        assert_eq!(book.accounts[row.account].border, of.border);
        let (bid, ask, tonnes, slip, fee) = terms(&of.name);
        let lots = f64::from(u16::try_from(row.lots.abs()).expect("few"));
        let abroad = if of.border == Border::Overseas { 7.1 * 25_000.0 } else { 5.0 };
        let crossing = lots * ((ask - bid) / 2.0 * abroad + slip);
        let cost = &row.cost;
        assert!(is_near(row.quantity.approximate(), lots * tonnes));
        match row.way {
            Way::Offset(other) => {
                counts[0] += 1;
                taken[other] += row.lots.abs();
                let against = &wants[other];
                assert_eq!(group(book, against), row.group, "no wall is crossed");
                assert_eq!((against.contract, against.lots.signum()), {
                    (row.contract, -row.lots.signum())
                });
                assert!(want.instead.contains(&row.contract));
                assert!(cost.crossing.is_zero() && cost.fees.is_zero());
            }
            Way::Market | Way::Elsewhere => {
                let is_own = row.way == Way::Market;
                counts[if is_own { 1 } else { 2 }] += 1;
                assert_eq!(row.contract == want.contract, is_own);
                assert!(is_own || want.instead.contains(&row.contract));
                assert!(is_near(cost.crossing.approximate(), crossing), "{cost:?} {crossing}");
                assert!(is_near(cost.fees.approximate(), lots * fee), "{cost:?} {}", lots * fee);
                assert_eq!(is_own, row.alone == Some(cost.total));
                let alone = row.alone.expect("it may be opened");
                assert!(!alone.is_below(cost.total), "dearer than its own contract");
                if row.approval == Approval::Held {
                    counts[3] += 1;
                } else {
                    let owner = &book.clients[book.accounts[row.account].client].owner;
                    let buys = row.lots > 0;
                    sent.insert((owner.clone(), row.contract, buys));
                    sent.insert((format!("group {}", row.group), row.contract, buys));
                }
            }
        }
        if row.approval == Approval::ByRule {
            let sum = by_rule.entry(row.group).or_default();
            *sum = (sum.0 + cost.total.approximate().max(0.0), sum.1 + row.lots.abs());
        }
    }
    for (owner, contract, buys) in &sent {
        let other = (owner.clone(), *contract, !buys);
        assert!(!sent.contains(&other), "{owner} would meet himself");
    }
    for (cost, lots) in by_rule.values() {
        assert!(*cost <= 2_500.0 + 1e-6 && *lots <= 6, "{cost} {lots}");
    }
    for (want, (taken, left)) in wants.iter().zip(taken.iter().zip(&plan.left)) {
        assert!(*taken <= left.abs(), "{}: {taken} of {left}", want.name);
    }
    counts
}

#[test]
fn no_wall_is_crossed_no_capacity_passed_and_nobody_meets_himself() {
    let mut book = book_of(&walled());
    book.targets.clear();
    let quotes = quotes_of(&book);
    let mut random = fastrand::Rng::with_seed(42);
    let (mut counts, mut matched, mut cut) = ([0; 4], 0, 0);
    for _ in 0..1_200 {
        let count = random.usize(1..=14);
        book.needs = random_needs(&book, &mut random, count);
        let plan = Plan::of(&book, &quotes).expect("a plan");
        check_matches(&book, &plan);
        check_capacities(&book, &plan);
        let found = check_proposals(&book, &plan);
        counts.iter_mut().zip(found).for_each(|(sum, count)| *sum += count);
        matched += plan.matches.len();
        cut += plan.wants.wants.iter().filter(|want| want.lots != want.admitted).count();
    }
    let [offsets, market, elsewhere, held] = counts;
    assert!(
        matched > 500 && offsets > 50 && market > 500 && elsewhere > 20 && held > 100 && cut > 20,
        "{matched} {counts:?} {cut}: the books say nothing"
    );
}

/// A plan with names for places.
fn told(book: &Book, plan: &Plan) -> Vec<String> {
    let name = |at: usize| plan.wants.wants[at].name.as_str();
    let contract = |at: usize| book.contracts[at].of.name.as_str();
    let matches = plan.matches.iter().map(|row| {
        let of = contract(row.contract);
        format!("{} {} {of} {} {:?}", name(row.buy), name(row.sell), row.lots, row.price.parts())
    });
    let proposals = plan.proposals.iter().map(|row| {
        let way = match row.way {
            Way::Offset(other) => name(other).to_owned(),
            way => format!("{way:?}"),
        };
        let of = contract(row.contract);
        format!("{} {} {way} {of} {} {:?}", row.id, name(row.want), row.lots, row.approval)
    });
    matches.chain(proposals).collect()
}

#[test]
fn another_order_of_the_file_changes_nothing() {
    let text = walled();
    let book = book_of(&text);
    let expected = told(&book, &Plan::of(&book, &quotes_of(&book)).expect("a plan"));
    assert!(expected.len() > 3, "{expected:?}");
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..60 {
        let mut blocks: Vec<&str> = text.trim_end().split("\n\n").collect();
        random.shuffle(&mut blocks);
        let book = book_of(&(blocks.join("\n\n") + "\n"));
        let plan = Plan::of(&book, &quotes_of(&book)).expect("a plan");
        assert_eq!(told(&book, &plan), expected);
    }
}

#[test]
fn the_sample_shows_a_match_a_wall_and_proposals() {
    let book = book_of(&text());
    let plan = Plan::of(&book, &quotes_of(&book)).expect("a plan");
    let wants = &plan.wants.wants;
    let [only] = plan.matches.as_slice() else { panic!("{:?}", plan.matches) };
    assert_eq!([&wants[only.buy].name, &wants[only.sell].name], ["arb_build", "stock_hedge"]);
    assert_eq!((only.lots, only.price), (7, number("88500")));
    let find = |name: &str| wants.iter().position(|want| want.name == name).expect("a want");
    // The fund sells what the house buys, behind a wall: all of it is left.
    assert_eq!(plan.left[find("fund_out")], -5);
    assert_eq!(plan.left[find("arb_build")], 5);
    let offset = plan.proposals.iter().find(|row| matches!(row.way, Way::Offset(_)));
    let offset = offset.expect("the two months are set against each other");
    assert_eq!((offset.way, offset.lots), (Way::Offset(find("calendar_out")), 3));
    let target = &plan.wants.standings[0];
    assert!(target.is_out && target.lots == -2, "{target:?}");
}

#[test]
fn urgency_rises_in_a_straight_line() {
    let wish = Wish {
        by: String::new(),
        urgency: 200,
        from: at("2026-07-15T01:00:00Z"),
        until: at("2026-07-15T05:00:00Z"),
    };
    for (time, expected) in [
        ("00:59:59.999999999", None),
        ("01:00:00", Some(200)),
        ("02:00:00", Some(400)),
        ("03:00:00", Some(600)),
        ("04:59:59.999999999", Some(999)),
        ("05:00:00", Some(1_000)),
        ("05:00:00.000000001", None),
    ] {
        assert_eq!(urgency(&wish, at(&format!("2026-07-15T{time}Z"))), expected, "{time}");
    }
}

#[test]
fn a_target_closes_before_it_opens_and_its_band_is_quiet() {
    let held = |quantity: &str, band: &str| {
        let text = edited(
            &text(),
            &[
                ("quantity = \"-150000\"", &format!("quantity = \"{quantity}\"")),
                ("band = \"30000\"", &format!("band = \"{band}\"")),
            ],
        );
        let book = book_of(&text);
        let plan = Plan::of(&book, &quotes_of(&book)).expect("a plan");
        let of_target = |want: &&Want| want.name.starts_with("target");
        let wants = plan.wants.wants.iter().filter(of_target);
        wants.map(|want| (want.lots, want.opens)).collect::<Vec<_>>()
    };
    // 4 lots of 25,000 lb are sold.
    assert_eq!(held("-150000", "30000"), [(-2, true)]);
    assert_eq!(held("-150000", "50000"), [], "as much as the band is inside of it");
    assert_eq!(held("-149999", "49998"), [(-1, true)], "whole lots, towards zero");
    assert_eq!(held("75000", "0"), [(3, true), (4, false)], "closed first, then opened");
    assert_eq!(held("-50000", "0"), [(2, false)]);
}

#[test]
fn nothing_is_opened_near_its_month_or_matched_without_a_price() {
    let late = edited(
        &text(),
        &[("last_day = 2026-08-31\nroll_days = 10", { "last_day = 2026-07-20\nroll_days = 10" })],
    );
    let book = book_of(&late);
    let plan = Plan::of(&book, &quotes_of(&book)).expect("a plan");
    let near = contract(&book, "cu2609");
    let opens = |row: &&_| -> bool {
        let row: &cross_market_connect::balance::proposal::Proposal = row;
        row.contract == near && plan.wants.wants[row.want].opens
    };
    assert_eq!(plan.proposals.iter().filter(opens).count(), 0);
    assert!(plan.matches.is_empty(), "both sides would open");
    let mut quotes = quotes_of(&book);
    quotes[near] = None;
    let plan = Plan::of(&book, &quotes).expect("a plan");
    assert_eq!(plan.prices[&near].err(), Some(NoPrice::NoQuote(near)));
    assert!(plan.matches.is_empty());
    assert!(plan.proposals.iter().all(|row| row.contract != near));
}

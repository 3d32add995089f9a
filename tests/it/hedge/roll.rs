//! Rolls: cost by hand, slices against every way to cut, the guard against every fill, and what is
//! found.

use super::{edited, number, sample};
use cross_market_connect::config::Rational;
use cross_market_connect::hedge::book::{Book, DeadlineKind, Future, Held, RollOrder, load_text};
use cross_market_connect::hedge::exposure;
use cross_market_connect::hedge::roll::{self, Finding, OverStep, Rolls, What, slices};
use fastrand::Rng;
use jiff::civil::date;

/// The sample with its rolls, edited, of one client.
fn book(edits: &[(&str, &str)], client: usize) -> Book {
    let text = edited(&sample("hedge_demo_roll.toml"), edits);
    load_text(&crate::config::sample("hedge_demo_roll.toml"), &text)
        .unwrap_or_else(|invalid| panic!("{}", invalid.render(false)))
        .of_client(client)
}

fn rolled(book: &Book) -> Rolls {
    roll::of(book).expect("rolls")
}

#[test]
fn the_combination_is_taken_where_it_costs_less() {
    let mut book = book(&[], 0);
    let found = rolled(&book);
    assert!(found.findings.is_empty(), "{:?}", found.findings);
    let [roll] = &found.rolls[..] else { panic!("{:?}", found.rolls) };
    // Forty lots are above the step of 15, and all of them are inside the window of the last day.
    assert_eq!((roll.lots, roll.due.lots, roll.due.kind), (-40, 40, DeadlineKind::LimitStep));
    assert_eq!((roll.due.day, roll.done_by), (date(2026, 7, 28), Some(date(2026, 7, 23))));
    let by: Vec<_> = roll.routes.iter().map(|row| row.combination.is_some()).collect();
    assert_eq!(by, [true, false]);
    // Bought at 110 where the months are 100 apart, 200 t; 0.00004 of 443,000 and 442,500 a lot.
    let terms = |at: usize| {
        let row = &roll.routes[at];
        [row.fees, row.slippage, row.carry, row.total]
    };
    assert_eq!(terms(0), ["1416.8", "2000", "20000", "23416.8"].map(number));
    // Two legs: 0.00005 of both, 10 expected of each.
    assert_eq!(terms(1), ["1771", "4000", "20000", "25771"].map(number));
    // Both months at once: never apart.
    assert_eq!(roll.worst(), 0);
    assert_eq!(roll.steps.len(), 4);
    assert!(roll.steps.iter().all(|step| (step.what, step.lots) == (What::Both, 10)));
    // Of equals the combination, of a dearer one the legs.
    book.combinations[0].fee_fraction = number("0.00005");
    for (ask, is_listed) in [("119.99", true), ("120", true), ("120.01", false)] {
        book.combinations[0].ask = number(ask);
        let roll = &rolled(&book).rolls[0];
        assert_eq!(roll.routes[0].combination.is_some(), is_listed, "{ask}");
        assert_eq!(roll.worst(), if is_listed { 0 } else { 10 });
    }
    // Bought lots are rolled by selling it, at the bid.
    book.futures[0].lots = 40;
    let long = &rolled(&book).rolls[0];
    let listed = long.routes.iter().find(|row| row.combination.is_some()).expect("listed");
    assert_eq!((listed.slippage, listed.carry), (number("2000"), number("-20000")));
}

#[test]
fn legs_go_in_the_order_of_the_guard_and_exposure_is_told_after_each() {
    for (order, first, apart) in [("close_first", What::Close, -10), ("open_first", What::Open, 10)]
    {
        let book = {
            let mut book = book(&[("close_first", order)], 0);
            book.combinations.clear();
            book
        };
        let roll = &rolled(&book).rolls[0];
        assert_eq!(roll.steps.len(), 8);
        assert_eq!((roll.steps[0].what, roll.steps[0].apart), (first, apart));
        let is_close = first == What::Close;
        assert_eq!(roll.steps[0].lots, if is_close { 10 } else { -10 });
        // 377.184 t net; ten lots of 5 t less sold, or more.
        let net = if is_close { "427.184" } else { "327.184" };
        assert_eq!(roll.steps[0].net, number(net));
        assert_eq!((roll.steps[1].apart, roll.steps[1].net), (0, number("377.184")));
        let last = roll.steps.last().expect("steps");
        assert_eq!((last.near, last.far, last.apart, last.slice), (0, -40, 0, 4));
    }
}

/// Every way to cut is tried: none has fewer slices, and none of as many a larger smallest one.
#[test]
fn slices_are_the_fewest_and_the_most_even() {
    for most in 1..=14_u64 {
        // For every number of lots the fewest slices, and the largest smallest one of any cut.
        let mut fewest = vec![0_u64];
        for lots in 1..=60_usize {
            let before = (1..=most.min(lots as u64)).map(|size| fewest[lots - size as usize] + 1);
            fewest.push(before.min().expect("a slice"));
        }
        for lots in 1..=60_u64 {
            let cut = slices(lots, most);
            assert_eq!(cut.iter().sum::<u64>(), lots);
            assert!(cut.iter().all(|size| (1..=most).contains(size)));
            assert_eq!(cut.len() as u64, fewest[lots as usize]);
            for least in 1..=most {
                let mut can = vec![true];
                for sum in 1..=lots as usize {
                    let sizes = least as usize..=(most as usize).min(sum);
                    can.push(sizes.into_iter().any(|size| can[sum - size]));
                }
                let smallest = *cut.iter().min().expect("slices");
                assert_eq!(can[lots as usize], smallest >= least, "{lots} of {least} to {most}");
            }
        }
    }
    assert!(slices(0, 5).is_empty() && slices(5, 0).is_empty());
}

/// Whatever is held: lot by lot, at every fill, no more than the guard says stands apart, the
/// client's own limit holds, and the end is the start in another month.
#[test]
fn the_guard_holds_at_every_fill() {
    let base = book(&[], 0);
    let mut rng = Rng::with_seed(41);
    let mut seen = 0;
    for _ in 0..3_000 {
        let mut book = base.clone();
        book.futures.clear();
        for _ in 0..rng.usize(1..4) {
            let contract = Held::Product(rng.usize(0..2));
            let lots = rng.i64(1..60) * if rng.bool() { 1 } else { -1 };
            book.futures.push(Future { client: 0, account: 0, contract, lots, is_hedge: true });
        }
        let guard = &mut book.rolls[0];
        guard.order = if rng.bool() { RollOrder::OpenFirst } else { RollOrder::CloseFirst };
        (guard.min_lots, guard.max_lots) = (rng.u32(1..6), rng.u32(6..20));
        let most = u64::from(guard.max_lots);
        if rng.bool() {
            book.combinations.clear();
        }
        book.clients[0].limits[0].max_lots = rng.u32(20..200);
        let (guard, limit) = (book.rolls[0], book.clients[0].limits[0].max_lots);
        let all = exposure::of(&book).expect("an exposure");
        let start = exposure::total(&all, 0, 0).expect("a sum").net().expect("a net");
        let held: u64 = book.futures.iter().map(|row| row.lots.unsigned_abs()).sum();
        let lot = book.contracts[0].lot;
        for roll in rolled(&book).rolls.iter().filter(|roll| !roll.steps.is_empty()) {
            seen += 1;
            let side = roll.lots.signum();
            let (mut near, mut far, mut worst) = (roll.lots.abs(), 0_i64, 0);
            let is_both = roll.routes[0].combination.is_some();
            for step in &roll.steps {
                for _ in 0..step.lots.abs() {
                    match step.what {
                        What::Close => near -= 1,
                        What::Open => far += 1,
                        What::Both => (near, far) = (near - 1, far + 1),
                    }
                    let apart = near + far - roll.lots.abs();
                    worst = worst.max(apart.unsigned_abs());
                    assert!(apart.unsigned_abs() <= most, "{roll:?}");
                    assert!(apart <= 0 || guard.order == RollOrder::OpenFirst);
                    assert!(apart >= 0 || guard.order == RollOrder::CloseFirst);
                    if apart > 0 {
                        assert!(held + apart.unsigned_abs() <= u64::from(limit), "{roll:?}");
                    }
                }
                assert_eq!((step.near, step.far), (near * side, far * side));
                let more = Rational::whole((near + far) * side - roll.lots);
                let net = start.plus(lot.times(more).expect("a size")).expect("a sum");
                assert_eq!(step.net, net);
            }
            assert_eq!((near, far), (0, roll.lots.abs()));
            assert_eq!(roll.worst(), worst);
            assert_eq!(worst == 0, is_both);
        }
    }
    assert!(seen > 1_000, "{seen}");
}

#[test]
fn what_is_due_follows_from_windows_and_steps() {
    let book = book(&[], 0);
    let near = &book.contracts[0];
    let due = |day, held| near.due(day, held).map(|due| (due.lots, due.kind));
    // The step to 15 lots is on 07-28, the last day 07-31, and the window 20 days.
    assert_eq!(due(date(2026, 7, 7), 40), None);
    assert_eq!(due(date(2026, 7, 8), 40), Some((25, DeadlineKind::LimitStep)));
    assert_eq!(due(date(2026, 7, 8), 15), None);
    assert_eq!(due(date(2026, 7, 11), 15), Some((15, DeadlineKind::LastDay)));
    assert_eq!(due(date(2026, 7, 11), 40), Some((40, DeadlineKind::LimitStep)));
    assert_eq!(due(date(2026, 7, 11), 0), None);
    // Notice comes a day before the last: the plan opens none from ten days before that.
    assert_eq!(book.contracts[2].roll_day(), date(2026, 8, 17));
}

#[test]
fn what_needs_a_person_is_found() {
    let base = book(&[], 0);
    let found = |change: &dyn Fn(&mut Book)| {
        let mut book = base.clone();
        change(&mut book);
        rolled(&book).findings
    };
    let none = found(&|book| book.rolls.clear());
    assert_eq!(none, [Finding::NoGuard { near: 0, lots: -40 }]);
    let nowhere = found(&|book| book.policies[0].contracts = vec![0, 2]);
    assert_eq!(nowhere, [Finding::NoTarget { near: 0 }], "across the border is no roll");
    let late = found(&|book| book.date = date(2026, 7, 24));
    assert!(matches!(late[..], [Finding::Late { near: 0, .. }]), "{late:?}");
    assert!(found(&|book| book.date = date(2026, 7, 23)).is_empty());
    let small = found(&|book| (book.rolls[0].min_lots, book.rolls[0].max_lots) = (11, 12));
    assert_eq!(small, [Finding::Small { near: 0, lots: 10, least: 11 }]);
    let full = found(&|book| {
        book.combinations.clear();
        book.rolls[0].order = RollOrder::OpenFirst;
        book.clients[0].limits[0].max_lots = 70;
    });
    assert_eq!(full, [Finding::NoRoom { near: 0, lots: 70, most: 70 }]);
    // 40 lots are moved to 30. Its window is 10 days: from 07-15 on it is that of a step on 07-25.
    let steps = |steps: &[(i8, u64)]| {
        found(&|book| {
            for (day, most) in steps {
                let mut step = book.contracts[0].deadlines[0].clone();
                (step.day, step.most) = (date(2026, 7, *day), *most);
                book.contracts[1].deadlines.push(step);
            }
        })
    };
    let over = |day, most| {
        [Finding::FarLimit { far: 1, over: OverStep { lots: 70, most, from: date(2026, 7, day) } }]
    };
    assert_eq!(steps(&[(15, 69)]), over(15, 69));
    assert_eq!(steps(&[(25, 69)]), over(25, 69));
    assert_eq!(steps(&[(26, 69), (25, 70), (15, 70)]), []);
    assert_eq!(steps(&[(25, 30), (20, 60)]), over(20, 60), "the first that is met");
    assert_eq!(steps(&[(20, 30), (14, 60), (15, 50)]), over(15, 50), "in force, the narrowest");
    // Of the later month itself one of its 30 lots has to leave: nothing goes into it.
    assert!(steps(&[(15, 29)]).contains(&Finding::NoTarget { near: 0 }));
    assert!(rolled(&book(&[], 1)).rolls.is_empty(), "the importer's months are far");
}

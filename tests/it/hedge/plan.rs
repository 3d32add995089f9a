//! Plans: bands, shares, rounding, rolls, the cheaper side of the border, and what stays open in
//! another currency.

use super::{book_of, edited, number, sample};
use cross_market_connect::config::Rational;
use cross_market_connect::hedge::book::{
    Book, Deadline, DeadlineKind, Future, Held, RatioKind, Rounding,
};
use cross_market_connect::hedge::exposure;
use cross_market_connect::hedge::plan::{self, Effect, Finding, Order, Plan, Term, Why};
use cross_market_connect::hedge::roll::OverStep;
use cross_market_connect::hedge::series::{Series, SeriesError};
use fastrand::Rng;
use jiff::civil::date;

fn prices(name: &str) -> Result<Series, SeriesError> {
    Series::of_text(name, &sample(name))
}

fn planned(book: &Book) -> Plan {
    let all = exposure::of(book).expect("an exposure");
    plan::of(book, &all, prices).expect("a plan")
}

fn fabricator(edits: &[(&str, &str)]) -> Book {
    book_of(&edited(&sample("hedge_demo.toml"), edits)).of_client(0)
}

/// Contract, lots, effect and why of every order.
fn told<'b>(book: &'b Book, orders: &[Order]) -> Vec<(&'b str, i64, Effect, Why)> {
    let name = |held: Held| match held {
        Held::Product(place) => book.contracts[place].name.as_str(),
        Held::Fx(place) => book.fx_contracts[place].name.as_str(),
    };
    orders.iter().map(|row| (name(row.contract), row.lots, row.effect, row.why)).collect()
}

#[test]
fn what_is_missing_is_opened_where_it_is_cheapest_and_what_is_near_is_rolled() {
    let book = fabricator(&[]);
    let plan = planned(&book);
    let row = &plan.proposals[0];
    // 599.94 + 226.944 + 200 - 299.7 t, and four fifths of that.
    assert_eq!(row.row.physical, number("727.184"));
    assert_eq!(row.wanted, number("-581.7472"));
    assert_eq!(row.missing, number("-231.7472"));
    assert_eq!(
        told(&book, &row.orders),
        [("cu2608", 40, Effect::Close, Why::Roll), ("HGU6", -38, Effect::Open, Why::Hedge),]
    );
    assert!(plan.findings.is_empty(), "{:?}", plan.findings);
    // At home a short earns nothing for waiting: dearer by what backwardation takes.
    let costs: Vec<_> = row.costs.iter().map(|cost| &book.contracts[cost.contract].name).collect();
    assert_eq!(costs, ["HGU6", "cu2609"]);
    let home = &row.costs[1];
    assert_eq!(home.terms[0], (Term::Fees, number("8.85")));
    assert_eq!(home.terms[1], (Term::Slippage, number("20")));
    assert_eq!(home.terms[2], (Term::Carry, number("100")));
    assert_eq!(home.total, number("128.85"));
}

#[test]
fn the_cheaper_side_changes_with_its_cost() {
    let book = fabricator(&[("slippage = \"0.0005\"\ncarry = \"0.02\"", {
        "slippage = \"0.005\"\ncarry = \"0\""
    })]);
    let plan = planned(&book);
    let orders = told(&book, &plan.proposals[0].orders);
    assert_eq!(orders[1], ("cu2609", -86, Effect::Open, Why::Hedge));
    // Nothing is hedged in dollars, so what is agreed in them is all that is open.
    let fx = &plan.fx[0];
    assert_eq!((fx.hedged, fx.open), (Rational::ZERO, fx.agreed));
    assert_eq!(told(&book, &fx.orders), [("CUSU6", 22, Effect::Open, Why::Fx)]);
}

#[test]
fn inside_the_band_nothing_is_done_but_what_is_near_is_still_rolled() {
    let book = fabricator(&[("band = \"25\"", "band = \"232\"")]);
    let plan = planned(&book);
    let orders = told(&book, &plan.proposals[0].orders);
    // 200 t of cu2608, and as many pounds in HGU6: 17.6 lots.
    assert_eq!(
        orders,
        [("cu2608", 40, Effect::Close, Why::Roll), ("HGU6", -18, Effect::Open, Why::Roll),]
    );
    let calm =
        fabricator(&[("band = \"25\"", "band = \"232\""), ("roll_days = 20", "roll_days = 2")]);
    assert!(planned(&calm).proposals[0].orders.is_empty());
}

#[test]
fn shares_follow_their_dates() {
    let share = |date: &str| {
        let book =
            fabricator(&[("date = 2026-07-15\ncurrency", &format!("date = {date}\ncurrency"))]);
        planned(&book).proposals[0].share
    };
    assert_eq!(share("2026-05-31"), None);
    assert_eq!(share("2026-06-01"), Some(number("0.5")));
    assert_eq!(share("2026-06-30"), Some(number("0.5")));
    assert_eq!(share("2026-07-01"), Some(number("0.8")));
}

#[test]
fn lots_against_the_direction_wanted_are_closed_before_any_are_opened() {
    // 90 lots short at home where 116 t are wanted: 450 t held, so some are bought back.
    let book = fabricator(&[
        ("share = \"0.8\"", "share = \"0.16\""),
        ("roll_days = 20", "roll_days = 2"),
        ("lots = 30\nflag", "lots = 50\nflag"),
    ]);
    let plan = planned(&book);
    let orders = told(&book, &plan.proposals[0].orders);
    // The nearest month first: 333.65 t too many are 66.7 lots, 40 of them in cu2608.
    assert_eq!(
        orders,
        [("cu2608", 40, Effect::Close, Why::Reduce), ("cu2609", 27, Effect::Close, Why::Reduce),]
    );
}

#[test]
fn rounding_is_as_the_policy_says() {
    for (rounding, lots) in [("down", -37), ("nearest", -38), ("up", -39)] {
        // 431.7472 t are 38.07 lots of 25,000 lb; less share for a part above one half.
        let share = if rounding == "down" { "0.785" } else { "0.8" };
        let book = fabricator(&[
            ("rounding = \"nearest\"", &format!("rounding = \"{rounding}\"")),
            ("share = \"0.8\"", &format!("share = \"{share}\"")),
        ]);
        let orders = planned(&book).proposals[0].orders.clone();
        assert_eq!(told(&book, &orders)[1].1, lots, "{rounding}");
    }
}

#[test]
fn no_more_is_proposed_than_the_client_may_hold() {
    let book = fabricator(&[("max_lots = 200", "max_lots = 50")]);
    let plan = planned(&book);
    let row = &plan.proposals[0];
    assert_eq!(told(&book, &row.orders)[1].1, -20);
    assert_eq!(row.held_back, 18);
    let held_back =
        plan.findings.iter().any(|row| matches!(row, Finding::Lots { held_back: 18, .. }));
    assert!(held_back, "{:?}", plan.findings);
}

#[test]
fn what_needs_a_person_is_found() {
    let found = |edits: &[(&str, &str)]| planned(&fabricator(edits)).findings;
    let unhedged = found(&[("max_unhedged = \"400\"", "max_unhedged = \"377\"")]);
    assert!(matches!(unhedged[..], [Finding::Unhedged { .. }]), "{unhedged:?}");
    let near = found(&[
        ("month = \"2026-09\"\nlast_day = 2026-08-31\nroll_days = 10", {
            "month = \"2026-09\"\nlast_day = 2026-08-31\nroll_days = 60"
        }),
        ("last_day = 2026-08-28\nroll_days = 10", "last_day = 2026-08-28\nroll_days = 60"),
    ]);
    assert!(near.contains(&Finding::NoContract { policy: 0 }), "{near:?}");
    let mut book = fabricator(&[]);
    book.clients[0].accounts.retain(|account| account.name.ends_with("home"));
    let lacks = planned(&book).findings;
    assert!(lacks.iter().any(|row| matches!(row, Finding::NoAccount { .. })), "{lacks:?}");
    book.policies.clear();
    let none = planned(&book).findings;
    assert!(none.contains(&Finding::NoPolicy { client: 0, product: 0 }), "{none:?}");
    let unlimited = found(&[("currency = \"USD\"\nband = \"150000\"\nmax_open = \"1000000\"", {
        "currency = \"CNH\"\nband = \"150000\"\nmax_open = \"1000000\""
    })]);
    assert!(matches!(unlimited[..], [Finding::Currency { most: None, .. }]), "{unlimited:?}");
}

/// A step of a limit whose window has begun: what is above it is closed and not opened there again,
/// and what would pass another one is told.
#[test]
fn steps_of_limits_are_kept() {
    let with = |contract: usize, day: i8, most: u64| {
        let mut book = fabricator(&[]);
        let (kind, day) = (DeadlineKind::LimitStep, date(2026, 7, day));
        book.contracts[contract].deadlines.push(Deadline {
            kind,
            day,
            most,
            ..Deadline::default()
        });
        book
    };
    // 30 lots of cu2609, of which 12 may stay: 521.7472 t are left to hedge, 46.01 lots abroad.
    let book = with(1, 25, 12);
    let row = &planned(&book).proposals[0];
    assert_eq!(
        told(&book, &row.orders),
        [
            ("cu2608", 40, Effect::Close, Why::Roll),
            ("cu2609", 18, Effect::Close, Why::Roll),
            ("HGU6", -46, Effect::Open, Why::Hedge),
        ]
    );
    // Its window is of ten days, and begins a day later.
    let book = with(1, 26, 12);
    assert_eq!(planned(&book).proposals[0].orders.len(), 2);
    let mut book = with(1, 25, 12);
    book.policies[0].contracts = vec![0, 1];
    let none = planned(&book);
    assert!(none.findings.contains(&Finding::NoContract { policy: 0 }), "{:?}", none.findings);
    // 38 lots of HGU6 are proposed, whose window is of ten days too.
    let step = |day, most| planned(&with(2, day, most)).findings;
    let over = OverStep { lots: 38, most: 37, from: date(2026, 7, 25) };
    assert_eq!(step(25, 37), [Finding::Step { client: 0, contract: 2, over }]);
    assert_eq!(step(25, 38), []);
    assert_eq!(step(26, 37), []);
    // Lots that are there already count, and a step in force is one.
    let mut book = with(2, 15, 42);
    let held =
        Future { contract: Held::Product(2), account: 1, lots: -5, ..book.futures[0].clone() };
    book.futures[1] = held;
    let told = planned(&book).findings;
    let is_step = |row: &Finding| matches!(row, Finding::Step { over, .. } if over.most == 42);
    assert!(told.iter().any(is_step), "{told:?}");
}

#[test]
fn the_importers_dollars_are_what_is_still_to_be_paid_and_hedged_in_them() {
    let book = book_of(&sample("hedge_demo.toml")).of_client(1);
    let plan = planned(&book);
    let fx = &plan.fx[0];
    assert_eq!(fx.agreed, number("-6246000"));
    // 20 lots of 70,000 dollars sold, and the put's delta.
    let delta = exposure::delta(&book, &book.options[0]).expect("a delta");
    let lots = number("20").minus(delta.times(number("10")).expect("lots")).expect("lots");
    assert_eq!(fx.hedged, lots.times(number("70000")).expect("worth"));
    assert_eq!(told(&book, &fx.orders), [("CUSU6", 46, Effect::Open, Why::Fx)]);
    // Speculative lots are no hedge, and open nothing here.
    let calm = plan.proposals[0].row;
    assert_eq!(calm.speculative, number("2000"));
}

#[test]
fn futures_on_the_currency_that_stand_against_it_are_closed_first() {
    let held = "[[future]]\nclient = \"importer\"\naccount = \"importer_abroad\"\n\
                contract = \"CUSU6\"\nside = \"short\"\nlots = 10\nflag = \"hedge\"\n";
    let book = book_of(&(sample("hedge_demo.toml") + "\n" + held)).of_client(1);
    let plan = planned(&book);
    assert_eq!(plan.fx[0].futures, number("-1000000"));
    assert_eq!(
        told(&book, &plan.fx[0].orders),
        [("CUSU6", 10, Effect::Close, Why::Fx), ("CUSU6", 46, Effect::Open, Why::Fx),]
    );
}

/// Held lots as they are written.
fn lots_held(book: &mut Book, lots: &[(Held, usize, i64)]) {
    book.futures = lots
        .iter()
        .map(|(contract, account, lots)| Future {
            client: 0,
            account: *account,
            contract: *contract,
            lots: *lots,
            is_hedge: true,
        })
        .collect();
}

#[test]
fn a_reduction_never_opens_the_other_way() {
    let mut book = fabricator(&[("share = \"0.8\"", "share = \"0.188\"")]);
    // 136.71 t are wanted, and 13 lots of 11.34 t held: 10.71 t too many are no whole lot of them,
    // and two of 5 t that could be bought instead.
    book.policies[0].contracts = vec![0, 1];
    book.policies[0].rounding = Rounding::Down;
    book.policies[0].band = Rational::ZERO;
    lots_held(&mut book, &[(Held::Product(2), 1, -13)]);
    let plan = planned(&book);
    let row = &plan.proposals[0];
    assert!(row.orders.is_empty(), "{:?}", told(&book, &row.orders));
    assert!(plan.findings.iter().any(|row| matches!(row, Finding::Over { .. })), "it is told");
    // The same where fewer lots than the policy trades would have to be closed.
    book.policies[0].contracts = vec![0, 1, 2];
    lots_held(&mut book, &[(Held::Product(1), 0, -1), (Held::Product(2), 1, -13)]);
    book.policies[0].min_lots = 4;
    assert!(planned(&book).proposals[0].orders.is_empty());
    book.policies[0].rounding = Rounding::Up;
    book.policies[0].min_lots = 1;
    // Rounded up to a lot of 11.34 t that is more than what is wanted, but none the other way.
    lots_held(&mut book, &[(Held::Product(2), 1, -13)]);
    let row = &planned(&book).proposals[0];
    assert_eq!(told(&book, &row.orders), [("HGU6", 1, Effect::Close, Why::Reduce)]);
    // Nothing is wanted and half a lot is what options leave: it is not bought.
    book.policies[0].steps[1].share = Rational::ZERO;
    let row = &planned(&book).proposals[0];
    assert_eq!(told(&book, &row.orders), [("HGU6", 13, Effect::Close, Why::Reduce)]);
    assert!(row.after.is_zero());
    // What a hedge costs is told of a short one, as goods that are long need: HGU6 carries 0.02 of
    // a pound, which a short earns.
    let names: Vec<_> = row.costs.iter().map(|cost| &book.contracts[cost.contract].name).collect();
    assert_eq!(names, ["HGU6", "cu2609"]);
    assert!(row.costs[0].terms[2].1.is_negative() && !row.costs[1].terms[2].1.is_negative());
}

#[test]
fn a_reduction_of_what_options_hedge_in_part_stops_before_zero() {
    let mut book = book_of(&sample("hedge_demo.toml")).of_client(1);
    book.positions.clear();
    book.policies[0].ratio = RatioKind::Fixed(Rational::ONE);
    book.policies[0].band = Rational::ZERO;
    for rounding in [Rounding::Down, Rounding::Nearest, Rounding::Up] {
        book.policies[0].rounding = rounding;
        // The put is short by about four lots: futures long one less leave part of a lot short.
        lots_held(&mut book, &[(Held::Product(4), 1, -3), (Held::Product(4), 1, 2)]);
        let row = planned(&book).proposals.remove(0);
        assert!(row.row.options.is_negative() && row.wanted.is_zero());
        assert!(row.orders.iter().all(|order| order.effect == Effect::Close && order.lots > 0));
        assert!(!number("0").is_below(row.after), "{rounding:?} {:?}", row.after);
    }
}

#[test]
fn futures_on_a_currency_are_rolled() {
    let far = edited(&sample("hedge_demo.toml"), &[]);
    let start = far.find("[[fx_contract]]").expect("there");
    let end = start + far[start..].find("[[fx]]").expect("there");
    let next = far[start..end].replace("CUSU6", "CUSZ6").replace("2026-09-14", "2026-12-14");
    let near = far.replacen(
        "last_day = 2026-09-14\nroll_days = 5",
        "last_day = 2026-07-18\nroll_days = 5",
        1,
    );
    let with = |text: &str| book_of(&format!("{text}\n{next}")).of_client(0);
    let mut book = with(&near);
    // Inside the band: what is near is moved, lot for lot.
    book.clients[0].fx_limits[0].band = number("10000000");
    lots_held(&mut book, &[(Held::Fx(0), 1, -7)]);
    let plan = planned(&book);
    let fx = &plan.fx[0];
    assert_eq!(
        told(&book, &fx.orders),
        [("CUSU6", 7, Effect::Close, Why::Roll), ("CUSZ6", -7, Effect::Open, Why::Roll)]
    );
    assert_eq!(fx.after, fx.open);
    // Outside of it what is missing is opened in the next one.
    book.clients[0].fx_limits[0].band = number("0");
    let plan = planned(&book);
    let fx = &plan.fx[0];
    assert_eq!(told(&book, &fx.orders)[0], ("CUSU6", 7, Effect::Close, Why::Roll));
    assert!(fx.after.magnitude().is_below(number("50001")), "{fx:?}");
    // No contract is left: closed all the same, and said.
    let mut book = book_of(&near).of_client(0);
    lots_held(&mut book, &[(Held::Fx(0), 1, -7)]);
    let plan = planned(&book);
    assert_eq!(told(&book, &plan.fx[0].orders), [("CUSU6", 7, Effect::Close, Why::Roll)]);
    let found =
        plan.findings.iter().any(|row| matches!(row, Finding::NoFxContract { client: 0, .. }));
    assert!(found, "{:?}", plan.findings);
}

/// Futures on a currency of two sizes: a reduction closes some and opens none.
#[test]
fn a_reduction_in_a_currency_never_opens_the_other_way() {
    let text = sample("hedge_demo.toml");
    let start = text.find("[[fx_contract]]").expect("there");
    let end = start + text[start..].find("[[fx]]").expect("there");
    let small = text[start..end]
        .replace("CUSU6", "MCSQ6")
        .replace("100000", "10000")
        .replace("709500", "70950")
        .replace("2026-09-14", "2026-08-14");
    let mut book = book_of(&format!("{text}\n{small}")).of_client(0);
    book.policies.clear();
    book.clients[0].fx_limits[0].band = Rational::ZERO;
    // 2,213,441 dollars are to be paid: 22.1 lots; 23 are held, 86,559 too many.
    lots_held(&mut book, &[(Held::Fx(0), 1, 23)]);
    let plan = planned(&book);
    let fx = &plan.fx[0];
    assert_eq!(told(&book, &fx.orders), [("CUSU6", -1, Effect::Close, Why::Fx)]);
    // And with 63,441 too many of a lot that goes whole, nothing is sold against it.
    lots_held(&mut book, &[(Held::Fx(0), 1, 24)]);
    let held = planned(&book);
    assert!(held.fx[0].orders.iter().all(|row| row.effect == Effect::Close || row.lots > 0));
    // 40,000 too many are less than half a lot: not closed, and four of the other are not sold.
    let bill = book.positions.iter_mut().find(|row| row.currency == "USD").expect("a bill");
    let (priced, price) = (bill.priced, bill.price);
    (bill.priced, bill.price) = (Rational::ONE, Some(number("2260000")));
    lots_held(&mut book, &[(Held::Fx(0), 1, 23)]);
    let part = planned(&book);
    assert!(part.fx[0].orders.is_empty(), "{:?}", told(&book, &part.fx[0].orders));
    let bill = book.positions.iter_mut().find(|row| row.currency == "USD").expect("a bill");
    (bill.priced, bill.price) = (priced, price);
    // As many in the other size.
    lots_held(&mut book, &[(Held::Fx(1), 1, 224)]);
    let held = planned(&book);
    assert_eq!(told(&book, &held.fx[0].orders), [("MCSQ6", -3, Effect::Close, Why::Fx)]);
}

#[test]
fn a_delta_ratio_follows_the_option_that_was_not_bought() {
    let option = "[policy.option]\ncontract = \"cu2609\"\nright = \"put\"\n\
                  strike = \"88500\"\nexpiry = 2026-08-31\nvolatility = \"0.2\"\nrate = \"0\"\n";
    let (head, rest) = ("ratio = \"fixed\"\nvalue = \"1\"\n", "approver = \"head of treasury\"\n");
    let with = format!("{rest}\n{option}");
    let edits = [(head, "ratio = \"delta\"\n"), (rest, with.as_str())];
    let text = edited(&sample("hedge_demo.toml"), &edits);
    let book = book_of(&text).of_client(0);
    assert!(matches!(book.policies[0].ratio, RatioKind::Delta(_)));
    // At the money, 47 days at 20 %: N(-d1) with d1 = 0.1 * sqrt(47/365).
    let ratio = planned(&book).proposals[0].ratio.value;
    assert_eq!(ratio, number("0.485687"));
}

/// Whatever is held: nothing is closed that is not there, what is left is less than a lot or the
/// band, and limits hold.
#[test]
fn random_holdings_end_where_they_should() {
    let base = fabricator(&[("max_lots = 200", "max_lots = 300")]);
    let mut rng = Rng::with_seed(310);
    for _ in 0..3_000 {
        let mut book = base.clone();
        book.futures.clear();
        for _ in 0..rng.usize(0..5) {
            let contract = rng.usize(0..3);
            let account = usize::from(contract == 2);
            let lots = rng.i64(-60..=60);
            if lots != 0 {
                let contract = Held::Product(contract);
                book.futures.push(Future { client: 0, account, contract, lots, is_hedge: true });
            }
        }
        let policy = &mut book.policies[0];
        policy.rounding = [Rounding::Down, Rounding::Up, Rounding::Nearest][rng.usize(0..3)];
        policy.band = Rational::whole(rng.i64(0..80));
        policy.min_lots = 1;
        policy.steps[1].share = Rational::new(rng.i128(0..=12), 10).expect("a share");
        let (band, rounding) = (policy.band, policy.rounding);
        let plan = planned(&book);
        let row = &plan.proposals[0];
        // Long and short apart: a locked position is two.
        let mut lots = [[0_i64; 2]; 3];
        let place = |held: Held| match held {
            Held::Product(place) => place,
            Held::Fx(_) => panic!("no currency"),
        };
        for row in &book.futures {
            lots[place(row.contract)][usize::from(row.lots < 0)] += row.lots;
        }
        for order in &row.orders {
            let is_close = order.effect == Effect::Close;
            let side = usize::from((order.lots < 0) != is_close);
            let held = &mut lots[place(order.contract)][side];
            if is_close {
                let left = *held + order.lots;
                assert!(left.abs() < held.abs() && left.signum() * held.signum() >= 0);
            }
            *held += order.lots;
        }
        assert_eq!(lots[0], [0, 0], "what is near its month is left");
        let lots = lots.map(|[long, short]| long + short);
        let sum = lots.iter().zip(&book.contracts).fold(Rational::ZERO, |sum, (lots, of)| {
            sum.plus(of.lot.times(Rational::whole(*lots)).expect("a size")).expect("a sum")
        });
        assert_eq!(sum, row.after, "what is said to be held is what orders make of it");
        assert!(
            lots.iter().map(|lots| lots.abs()).sum::<i64>() <= 300
                || row.orders.iter().all(|row| row.effect == Effect::Close)
        );
        if row.held_back == 0 {
            // Half a lot of the larger contract where rounded to the nearest, one lot otherwise; a
            // lot closed first may leave as much again.
            let left = row.wanted.minus(row.after).expect("what is left").magnitude();
            let lot = book.contracts[2].lot;
            let part =
                if rounding == Rounding::Nearest { lot.times(number("0.5")) } else { Some(lot) };
            let most = band.plus(part.expect("a part")).expect("a bound");
            assert!(!most.is_below(left), "{left:?} are left: {row:?}");
        }
    }
}

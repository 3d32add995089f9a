//! Basis pricing: averages and amounts against a recount, deemed pricing, instructions, rounding.

use super::{Big, edited, number, sample};
use cross_market_connect::config::Rational;
use cross_market_connect::hedge::pricing::{
    Deemed, Fixing, Party, Sheet, Standing, Step, load_text,
};
use cross_market_connect::hedge::unit::{UNITS, Unit};
use fastrand::Rng;
use jiff::civil::{Date, date};
use std::path::Path;

pub fn sheet_of(text: &str) -> Sheet {
    load_text(Path::new("pricing.toml"), text)
        .unwrap_or_else(|invalid| panic!("{}", invalid.render(false)))
}

fn standing(edits: &[(&str, &str)], contract: usize) -> Standing {
    let sheet = sheet_of(&edited(&sample("pricing_demo.toml"), edits));
    sheet.contracts[contract].standing(sheet.date).expect("a standing")
}

#[test]
fn the_sample_is_priced_term_by_term() {
    let found = standing(&[], 0);
    assert_eq!((found.fixed, found.left, found.days_left), (8, 12, 30));
    // (4 x 5.043 + 3 x 4.9875 + 1 x 5.0015) / 8.
    assert_eq!(found.average, Some(number("5.017")));
    let exact = Big::parse("5.067").over(&Big::parse("0.00045359237"));
    let exact = exact.plus(&Big::parse("85")).times(&Big::parse("7.1")).times(&Big::parse("1.13"));
    assert!(exact.is(found.price.expect("a price")));
    // 200 t of 90,305.466524.. are 18,061,093.3048...
    assert_eq!(found.amount, Some(number("18061093.30")));
    let names: Vec<_> = found.lines.iter().map(|line| (line.sign, line.name[1].as_str())).collect();
    assert_eq!(
        names,
        [
            ('+', "基差（升贴水）"),
            ('x', "磅换算吨"),
            ('+', "运保费"),
            ('x', "美元兑人民币"),
            ('x', "增值税"),
        ]
    );
    assert!(found.due.is_empty() && found.stranded == 0);
}

#[test]
fn lots_that_the_window_left_are_deemed_as_the_contract_says() {
    let last = standing(&[], 1);
    assert_eq!((last.fixed, last.left, last.stranded), (10, 0, 0));
    // Seven lots at 498.3, three at the last day's 501.6.
    assert_eq!(last.average, Some(number("499.29")));
    assert!(last.fixings[1].is_deemed && last.fixings[1].lots == 3);
    let average = standing(&[("\"last_settlement\"", "\"window_average\"")], 1);
    assert_eq!(average.average, Some(number("498.63")));
    let nothing = standing(&[("\"last_settlement\"", "\"nothing\"")], 1);
    assert_eq!((nothing.fixed, nothing.left, nothing.stranded), (7, 3, 3));
    assert_eq!(nothing.average, Some(number("498.3")));
    // Inside the window nothing is deemed.
    let open = standing(&[("until = 2026-07-13", "until = 2026-07-15")], 1);
    assert_eq!((open.left, open.stranded, open.days_left), (3, 0, 0));
}

#[test]
fn settlements_that_are_not_in_the_file_are_told() {
    let settled = |edits: &[(&str, &str)]| {
        let found = standing(edits, 1);
        let deemed = found.fixings.iter().find(|row| row.is_deemed).map(|row| row.date);
        (deemed, found.settled.expect("deemed lots"))
    };
    let day = |day| date(2026, 7, day);
    // 2026-07-10 is a Friday, 07-13 a Monday: both are there, and the window begins 07-01.
    let (dated, whole) = settled(&[]);
    assert_eq!((dated, whole.last, whole.count), (Some(day(13)), day(13), 2));
    assert_eq!((whole.lacks_before, whole.lacks_behind), (None, None));
    // The last day's settlement is not there: dated by what is, and said.
    let last = ("[[contract.settlement]]\ndate = 2026-07-13\nprice = \"501.6\"\n", "");
    let (dated, short) = settled(&[last]);
    assert_eq!((dated, short.last, short.count), (Some(day(10)), day(10), 1));
    assert_eq!(short.lacks_behind, Some((day(13), day(13))));
    let found = standing(&[last], 1);
    assert_eq!(found.average, Some(number("497.97")));
    // A window that ends on the Sunday lacks nothing behind the Friday.
    let (dated, weekend) = settled(&[last, ("until = 2026-07-13", "until = 2026-07-12")]);
    assert_eq!((dated, weekend.lacks_behind), (Some(day(10)), None));
    // An average stands on all days: what is missing before is told as well.
    let (_, average) = settled(&[("\"last_settlement\"", "\"window_average\"")]);
    assert_eq!(average.lacks_before, Some((day(1), day(9))));
    assert_eq!(average.lacks_behind, None);
}

#[test]
fn instructions_are_due_when_the_market_is_there() {
    let base = sheet_of(&sample("pricing_demo.toml")).contracts[0].clone();
    let due = |party, market: &str, prices: [&str; 2], today| {
        let mut contract = base.clone();
        (contract.party, contract.market) = (party, number(market));
        for (row, price) in contract.instructions.iter_mut().zip(prices) {
            row.price = number(price);
        }
        contract.standing(today).expect("a standing").due
    };
    // The first is a limit, the second a stop: a buyer's limit is below the market and the stop
    // above it, a seller's the other way round.
    let today = date(2026, 7, 15);
    for (market, expected) in
        [("4.92", vec![0]), ("4.9201", vec![]), ("5.1199", vec![]), ("5.12", vec![1])]
    {
        assert_eq!(due(Party::Buyer, market, ["4.92", "5.12"], today), expected, "{market}");
    }
    for (market, expected) in
        [("4.92", vec![1]), ("4.9201", vec![]), ("5.1199", vec![]), ("5.12", vec![0])]
    {
        assert_eq!(due(Party::Seller, market, ["5.12", "4.92"], today), expected, "{market}");
    }
    for outside in [date(2026, 6, 30), date(2026, 8, 15)] {
        assert!(due(Party::Buyer, "4.9", ["4.92", "5.12"], outside).is_empty(), "{outside}");
    }
}

#[test]
fn the_amount_is_rounded_once_and_a_half_goes_away_from_zero() {
    let mut contract = sheet_of(&sample("pricing_demo.toml")).contracts[1].clone();
    contract.terms.clear();
    contract.unit = contract.future_unit;
    (contract.lot, contract.lots) = (Rational::ONE, 1);
    for (price, amount) in
        [("10.005", "10.01"), ("-10.005", "-10.01"), ("10.00499", "10"), ("0.005", "0.01")]
    {
        let price = number(price);
        contract.fixings = vec![Fixing { date: contract.from, lots: 1, price, is_deemed: false }];
        let found = contract.standing(date(2026, 7, 12)).expect("a standing");
        assert_eq!(found.amount, Some(number(amount)));
    }
    // Three lots whose average has no end: rounded after the quantity, not before it.
    contract.lots = 3;
    let fixing = |price| Fixing { date: contract.from, lots: 1, price, is_deemed: false };
    contract.fixings = ["10", "10", "10.01"].map(|price| fixing(number(price))).to_vec();
    let found = contract.standing(date(2026, 7, 12)).expect("a standing");
    assert_eq!(found.amount, Some(number("30.01")));
}

#[test]
fn random_contracts_are_what_a_recount_says() {
    let base = sheet_of(&sample("pricing_demo.toml")).contracts[0].clone();
    let mut rng = Rng::with_seed(2_026);
    let e4 = |rng: &mut Rng, most: i64| {
        Rational::new(rng.i64(1..most).into(), 10_000).expect("a number")
    };
    let big = |value: Rational| {
        let (numerator, denominator) = value.parts();
        Big::of(numerator, denominator)
    };
    for _ in 0..2_000 {
        let mut contract = base.clone();
        contract.lots = rng.u32(1..=60);
        contract.lot = e4(&mut rng, 1_000_000);
        contract.party = if rng.bool() { Party::Buyer } else { Party::Seller };
        contract.deemed = Deemed::WindowAverage;
        let day: Date = contract.until.tomorrow().expect("a day");
        let today = if rng.bool() { day } else { contract.from };
        let (mut lots, mut worth, mut left) = (Big::zero(), Big::zero(), contract.lots);
        contract.fixings.clear();
        while left > 0 && rng.u8(0..5) > 0 {
            let count = rng.u32(1..=left);
            let price = e4(&mut rng, 100_000);
            let date = contract.from;
            contract.fixings.push(Fixing { date, lots: count, price, is_deemed: false });
            lots = lots.plus(&Big::of(count.into(), 1));
            worth = worth.plus(&big(price).times(&Big::of(count.into(), 1)));
            left -= count;
        }
        contract.settlements = (0..rng.u32(0..4))
            .map(|at| (contract.from.checked_add(jiff::Span::new().days(i64::from(at))), at))
            .map(|(day, _)| (day.expect("a day"), e4(&mut rng, 100_000)))
            .collect();
        let settled = contract.settlements.len();
        if today > contract.until && left > 0 && settled > 0 {
            let sum = contract
                .settlements
                .iter()
                .fold(Big::zero(), |sum, (_, price)| sum.plus(&big(*price)));
            let average = sum.over(&Big::of(i128::try_from(settled).expect("few"), 1));
            lots = lots.plus(&Big::of(left.into(), 1));
            worth = worth.plus(&average.times(&Big::of(left.into(), 1)));
            left = 0;
        }
        let found = contract.standing(today).expect("a standing");
        assert_eq!(found.left, left);
        let Some(price) = found.price else {
            assert_eq!(found.fixed, 0);
            continue;
        };
        let average = worth.over(&lots);
        assert!(average.is(found.average.expect("an average")));
        let unit = |unit: Unit| UNITS.iter().find(|row| row.1 == unit).expect("a unit").0;
        assert_eq!((unit(contract.future_unit), unit(contract.unit)), ("lb", "t"));
        let mut exact = average;
        for term in &contract.terms {
            exact = match term.step {
                Step::Unit => exact.over(&Big::parse("0.00045359237")),
                Step::Plus(with) => exact.plus(&big(with)),
                Step::Times(with) => exact.times(&big(with)),
                Step::DividedBy(with) => exact.over(&big(with)),
            };
        }
        assert!(exact.is(price));
        let amount = exact.times(&lots).times(&big(contract.lot));
        let apart = amount.minus(&big(found.amount.expect("an amount")));
        let (twice, cent) = (apart.times(&Big::of(200, 1)), Big::of(1, 1));
        let is_within =
            |value: &Big| value.0 <= cent.0.clone() * &value.1 && -(value.0.clone()) <= value.1;
        assert!(is_within(&twice), "rounded by no more than half a cent");
    }
}

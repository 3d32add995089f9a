//! Risk: the variance of the sums of every day against the matrix, components against differences,
//! lot-months against every way to match, and what is refused or found.

use super::{edited, number, sample};
use cross_market_connect::config::Rational;
use cross_market_connect::hedge::book::{
    Book, Contract, Estimator, FactorOf, Future, Held, load_text,
};
use cross_market_connect::hedge::exposure;
use cross_market_connect::hedge::risk::{self, Risk, term};
use cross_market_connect::hedge::series::{Series, SeriesError};
use fastrand::Rng;

fn book(edits: &[(&str, &str)], client: usize) -> Book {
    let text = edited(&sample("hedge_demo_roll.toml"), edits);
    load_text(&crate::config::sample("hedge_demo_roll.toml"), &text)
        .unwrap_or_else(|invalid| panic!("{}", invalid.render(false)))
        .of_client(client)
}

fn prices(name: &str) -> Result<Series, SeriesError> {
    Series::of_text(name, &sample(name))
}

fn risk_of(book: &Book) -> Risk {
    risk::of(book, prices).expect("a risk")
}

fn column(book: &Book, factor: usize) -> String {
    match &book.risk.as_ref().expect("terms").factors[factor].of {
        FactorOf::Months { contract, .. } => book.contracts[*contract].name.clone(),
        FactorOf::Currency(currency) => currency.clone(),
    }
}

/// What every day of the window would have made of `worth` by factor, by the file alone.
fn results(book: &Book, risk: &Risk, worth: &[f64]) -> Vec<f64> {
    let terms = book.risk.as_ref().expect("terms");
    let text = sample(&terms.series);
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let head = lines.next().expect("a head");
    let today = book.date.to_string();
    let rows: Vec<_> = lines.filter(|row| row[0] <= today.as_str()).collect();
    let rows = &rows[rows.len() - terms.days - 1..];
    let now = rows.last().expect("a day");
    let place = |factor| {
        let name = column(book, factor);
        head.iter().position(|of| *of == name).expect("a column")
    };
    let value = |row: &[&str], at: usize| row[at].parse::<f64>().expect("a price");
    rows.windows(2)
        .map(|pair| {
            let of = |(share, worth): (&risk::Share, &f64)| {
                let at = place(share.factor);
                let (before, after) = (value(&pair[0], at), value(&pair[1], at));
                let change = match terms.is_log {
                    true => after.ln() - before.ln(),
                    false => (after - before) / value(now, at),
                };
                worth * change
            };
            risk.shares.iter().zip(worth).map(of).sum::<f64>()
        })
        .collect()
}

/// Standard deviation of days, by the definition of the estimator.
fn deviation(book: &Book, days: &[f64]) -> f64 {
    match book.risk.as_ref().expect("terms").estimator {
        Estimator::Equal => {
            // Of all pairs: half the mean of squared differences is the sample's variance.
            let mut sum = 0.0;
            for (at, one) in days.iter().enumerate() {
                sum += days[..at].iter().map(|other| (one - other).powi(2)).sum::<f64>();
            }
            let size = days.len() as f64;
            (sum / (size * (size - 1.0))).sqrt()
        }
        Estimator::Weighted(lambda) => {
            let lambda = lambda.approximate();
            let mut variance = 0.0;
            for day in days {
                variance = lambda * variance + (1.0 - lambda) * day * day;
            }
            let count = i32::try_from(days.len()).expect("few");
            (variance / (1.0 - lambda.powi(count))).sqrt()
        }
    }
}

fn is_near(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-8 * one.abs().max(other.abs()).max(1.0)
}

#[test]
fn the_risk_is_that_of_the_sums_of_every_day() {
    let weighted = "estimator = \"weighted\"\nlambda = \"0.94\"";
    for estimator in ["estimator = \"equal\"", weighted] {
        for of in ["log_returns", "differences"] {
            for client in 0..2 {
                let book =
                    book(&[("estimator = \"equal\"", estimator), ("log_returns", of)], client);
                let risk = risk_of(&book);
                assert!(
                    risk.shares.len() >= 3 && risk.uncovered.is_empty() && risk.open.is_empty()
                );
                let worth: Vec<f64> =
                    risk.shares.iter().map(|share| share.worth.approximate()).collect();
                let total = |worth: &[f64]| {
                    deviation(&book, &results(&book, &risk, worth)) * 5_f64.sqrt() * 1.645
                };
                assert!(is_near(total(&worth), risk.total), "{} {}", total(&worth), risk.total);
                // Components are what each factor's worth adds, by differences; alone, without the
                // others.
                for (at, share) in risk.shares.iter().enumerate() {
                    let with = |by: f64| {
                        let mut moved = worth.clone();
                        moved[at] *= 1.0 + by;
                        total(&moved)
                    };
                    let slope = (with(1e-5) - with(-1e-5)) / 2e-5;
                    assert!(
                        (slope - share.component).abs() < 1e-5 * risk.total,
                        "{slope} {share:?}"
                    );
                    let mut alone = vec![0.0; worth.len()];
                    alone[at] = worth[at];
                    assert!(is_near(total(&alone), share.alone));
                }
                let sum: f64 = risk.shares.iter().map(|share| share.component).sum();
                assert!(is_near(sum, risk.total));
            }
        }
    }
}

#[test]
fn factors_hold_all_there_is_and_nothing_twice() {
    for client in 0..2 {
        let book = book(&[], client);
        let risk = risk_of(&book);
        let all = exposure::of(&book).expect("an exposure");
        let terms = book.risk.as_ref().expect("terms");
        for product in 0..book.products.len() {
            let row = exposure::total(&all, 0, product).expect("a sum");
            let net = row.net().and_then(|net| net.plus(row.speculative)).expect("a sum");
            let of = risk.shares.iter().filter(|share| {
                matches!(terms.factors[share.factor].of,
                    FactorOf::Months { product: of, .. } if of == product)
            });
            let sum = of.fold(Rational::ZERO, |sum, share| sum.plus(share.net).expect("a sum"));
            assert_eq!(sum, net);
        }
    }
    // 200 t to be paid at 5.02 a pound, and worth 5.00: the rate moves what is left of them.
    let book = book(&[], 0);
    let risk = risk_of(&book);
    let dollars = risk.shares.last().expect("a share");
    let worth = dollars.net.times(number("7.1")).expect("worth");
    assert_eq!(dollars.worth, worth);
    let pounds = 200.0 * 2_204.622_621_848_776;
    assert!(is_near(dollars.net.approximate(), pounds * (5.00 - 5.02)));
}

/// A future pays its price and nothing of what it stands for: hedges abroad of goods at home have
/// no dollars but what their price moves by, which their own factor has.
#[test]
fn a_hedge_abroad_stands_for_no_currency_and_a_speculation_on_one_is_in_its_factor() {
    let dollars = |book: &Book| risk_of(book).shares.last().expect("a share").clone();
    let mut book = book(&[], 0);
    let before = dollars(&book);
    let is_abroad = |of: &Contract| of.currency == "USD" && of.product == 0;
    let abroad = book.contracts.iter().position(is_abroad).expect("copper abroad");
    let row = book.futures[0].clone();
    book.futures.push(Future {
        contract: Held::Product(abroad),
        lots: -10,
        is_hedge: true,
        ..row.clone()
    });
    assert_eq!(dollars(&book).net, before.net);
    book.futures.push(Future { contract: Held::Fx(0), lots: 3, is_hedge: false, ..row });
    let after = dollars(&book);
    assert_eq!(after.speculative, number("300000"));
    assert_eq!(after.net, before.net.plus(number("300000")).expect("a sum"));
}

#[test]
fn given_figures_count_as_written() {
    let pairs = |rho: &str| {
        ["copper to August", "copper from September", "copper in dollars"].map(|other| {
            format!(
                "[[correlation]]\none = \"dollar\"\nother = \"{other}\"\nvalue = \"{rho}\"\n\
                 source = \"s\"\ndate = 2026-07-15\n"
            )
        })
    };
    let zero = ["crude", "crude in dollars"].map(|other| {
        format!(
            "[[correlation]]\none = \"{other}\"\nother = \"dollar\"\nvalue = \"0\"\n\
             source = \"s\"\ndate = 2026-07-15\n"
        )
    });
    let given = "currency = \"USD\"\nvolatility = \"0.05\"\nsource = \"s\"\ndate = 2026-07-15\n";
    let with = |rho: &str| {
        let more = format!("{given}\n{}{}", pairs(rho).concat(), zero.concat());
        book(&[("currency = \"USD\"\n", &more)], 0)
    };
    let book = with("0.25");
    let risk = risk_of(&book);
    let mut worth: Vec<f64> = risk.shares.iter().map(|share| share.worth.approximate()).collect();
    let dollars = worth.last().copied().expect("a share");
    *worth.last_mut().expect("a share") = 0.0;
    let goods: Vec<f64> = risk.shares[..3]
        .iter()
        .enumerate()
        .map(|(at, share)| {
            let mut alone = vec![0.0; worth.len()];
            alone[at] = share.worth.approximate();
            deviation(&book, &results(&book, &risk, &alone)) * share.worth.approximate().signum()
        })
        .collect();
    let all = deviation(&book, &results(&book, &risk, &worth));
    let own = dollars * 0.05 / 242_f64.sqrt();
    let cross: f64 = goods.iter().map(|one| 2.0 * 0.25 * one * own).sum();
    let total = 1.645 * (5.0 * (all * all + own * own + cross)).sqrt();
    assert!(is_near(total, risk.total), "{total} {}", risk.total);
    assert!((risk.shares[3].volatility - 0.05).abs() < 1e-12);
    // Two months of copper move as one: a dollar cannot be nearly tied to both in opposite ways.
    let mut torn = with("0.99");
    let terms = torn.risk.as_mut().expect("terms");
    terms.correlations[1].value = number("-0.99");
    let own = |at: usize, worth: &str| {
        let mut row = torn.positions[0].clone();
        (row.priced, row.quantity) = (number(worth), number(worth));
        row.from = if at == 0 { row.from } else { jiff::civil::date(2026, 9, 1) };
        row.until = row.from;
        row
    };
    let goods = vec![own(0, "400"), own(1, "-400")];
    let bill = torn.positions.iter().find(|row| row.currency == "USD").expect("a bill").clone();
    torn.positions = goods;
    torn.positions.push(bill);
    torn.futures.clear();
    let mut refused = false;
    for scale in ["0.5", "1", "2", "4", "8", "16", "32", "64"] {
        let mut torn = torn.clone();
        let last = torn.positions.last_mut().expect("a bill");
        last.price = last.price.and_then(|price| price.times(number(scale)));
        let error = risk::of(&torn, prices).err().map(|error| error.to_string());
        refused |= error.is_some_and(|error| error.contains("contradict"));
    }
    assert!(refused);
}

/// The fewest months that lots have to wait, by trying everything.
fn fewest(few: &[i64], many: &mut Vec<i64>) -> i64 {
    let Some((first, rest)) = few.split_first() else {
        return 0;
    };
    let mut best = i64::MAX;
    for at in 0..many.len() {
        let other = many.swap_remove(at);
        best = best.min((first - other).abs() + fewest(rest, many));
        many.push(other);
        let last = many.len() - 1;
        many.swap(at, last);
    }
    best
}

#[test]
fn lot_months_are_the_fewest_of_all_ways_to_match() {
    let mut rng = Rng::with_seed(7);
    let mut apart = 0;
    for _ in 0..3_000 {
        let months: Vec<i64> = (0..rng.i64(2..9)).collect();
        let mut net: Vec<(i64, i64)> =
            months.iter().map(|month| (month * rng.i64(1..3), 0)).collect();
        net.dedup_by_key(|row| row.0);
        for _ in 0..rng.usize(1..11) {
            let at = rng.usize(0..net.len());
            net[at].1 += if rng.bool() { 1 } else { -1 };
        }
        let units = |sign: i64| -> Vec<i64> {
            let of = net.iter().filter(|(_, lots)| lots.signum() == sign);
            of.flat_map(|(month, lots)| (0..lots.abs()).map(|_| *month)).collect()
        };
        let (mut few, mut many) = (units(1), units(-1));
        if few.len() > many.len() {
            std::mem::swap(&mut few, &mut many);
        }
        if many.len() > 6 {
            continue;
        }
        let rows: Vec<_> = {
            let half = |lots: i64| Rational::whole(lots).times(number("0.5")).expect("half");
            net.iter().map(|(month, lots)| (*month, half(*lots))).collect()
        };
        let found = term::of(&rows).expect("a term");
        let best = fewest(&few, &mut many.clone());
        assert_eq!(found.mismatch, Rational::new(best.into(), 2).expect("half"), "{net:?}");
        let slope: i64 = net.iter().map(|(month, lots)| month * lots).sum();
        assert_eq!(found.slope, Rational::new(slope.into(), 2).expect("half"));
        let sum: i64 = net.iter().map(|(_, lots)| lots).sum();
        assert_eq!(found.unmatched, Rational::new(sum.into(), 2).expect("half"));
        apart += usize::from(best > 0);
    }
    assert!(apart > 500, "{apart}");
}

#[test]
fn what_is_beyond_a_limit_or_in_no_factor_is_found() {
    let whole = risk_of(&book(&[], 0));
    assert!(!whole.is_beyond());
    let tight = risk_of(&book(&[("max_risk = \"6000000\"", "max_risk = \"60000\"")], 0));
    assert!(tight.is_beyond());
    assert_eq!(tight.most, Some(number("60000")));
    // July 826.884 t, August 146.667 - 200 t, September -246.367 - 150 t, in lots of 5 t: what is
    // short meets July's, one and two months away.
    let term = whole.terms[0].term;
    let lots = |text: &str| number(text).over(number("5")).expect("lots");
    let short =
        lots("53.333333333333333333").approximate() + 2.0 * lots("396.3666666").approximate();
    assert!((term.mismatch.approximate() - short).abs() < 1e-4, "{term:?}");
    let near = "name = \"copper to August\"\nproduct = \"copper\"\nfrom = \"2026-07\"";
    let part =
        risk_of(&book(&[(near, &near.replace("from = \"2026-07\"", "from = \"2026-08\""))], 0));
    assert_eq!(part.uncovered.len(), 1);
    assert_eq!(part.uncovered[0].3, number("826.884"));
    let dollars = "[[factor]]\nname = \"dollar\"\ncurrency = \"USD\"\n";
    let open = risk_of(&book(&[(dollars, "")], 0));
    assert!(open.open.len() == 1 && open.open[0].1.is_negative());
    let refused = |edits: &[(&str, &str)]| {
        risk::of(&book(edits, 0), prices).expect_err("refused").to_string()
    };
    assert!(refused(&[("days = 40", "days = 60")]).contains("of 60 changes until 2026-07-15"));
    let mut none = book(&[], 0);
    none.risk = None;
    assert!(risk::of(&none, prices).expect_err("nothing").to_string().contains("write [risk]"));
    let mut still = prices("hedge_demo_prices.csv").expect("prices");
    still.rows.iter_mut().for_each(|(_, row)| row[1] = Rational::ONE);
    let error = risk::of(&book(&[], 0), |_| Ok(still.clone())).expect_err("constant").to_string();
    assert!(error.contains("never changes"), "{error}");
}

//! Lines through points against a library at 50 digits, and data that no line follows from.

use super::number;
use cross_market_connect::hedge::HedgeError;
use cross_market_connect::hedge::book::Chance;
use cross_market_connect::hedge::ratio::minimum_variance;
use cross_market_connect::hedge::regression::{RegressionError, line};
use cross_market_connect::hedge::series::Series;
use std::path::Path;

#[test]
fn lines_are_those_of_a_library() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/regression.csv");
    let text = std::fs::read_to_string(path).expect("the vectors");
    let mut count = 0;
    for row in text.lines().skip(1) {
        let cells: Vec<_> = row.split(',').collect();
        let numbers: Vec<f64> =
            cells[..4].iter().map(|cell| cell.parse().expect("a number")).collect();
        let pair = |pair: &str| {
            let (x, y) = pair.split_once(':').expect("a pair");
            (x.parse().expect("a number"), y.parse().expect("a number"))
        };
        let pairs: Vec<(f64, f64)> = cells[4].split(' ').map(pair).collect();
        let found = line(&pairs, 3).expect("a line");
        let found = [found.slope, found.intercept, found.r_squared, found.standard_error];
        for (found, expected) in found.iter().zip(&numbers) {
            assert!((found - expected).abs() <= 1e-9 * expected.abs(), "{found} for {expected}");
        }
        count += 1;
    }
    assert_eq!(count, 40);
}

#[test]
fn too_few_or_constant_points_are_refused() {
    let steady: Vec<(f64, f64)> = (0..50).map(|at| (70_000.1, f64::from(at))).collect();
    assert_eq!(line(&steady, 30), Err(RegressionError::Constant("what explains")));
    let turned: Vec<_> = steady.iter().map(|(x, y)| (*y, *x)).collect();
    assert_eq!(line(&turned, 30), Err(RegressionError::Constant("what is to be explained")));
    let few = [(1.0, 1.0), (2.0, 3.0)];
    assert_eq!(line(&few, 1), Err(RegressionError::TooFew { count: 2, least: 3 }));
    let odd = [(1.0, 1.0), (2.0, f64::NAN), (3.0, 1.0)];
    assert_eq!(line(&odd, 3), Err(RegressionError::NotFinite));
}

fn series(rows: impl Iterator<Item = (f64, f64)>) -> Series {
    let mut text = "date,spot,future\n".to_owned();
    let mut day: jiff::civil::Date = "2026-01-05".parse().expect("a day");
    for (spot, future) in rows {
        text.push_str(&format!("{day},{spot:.4},{future:.4}\n"));
        day = day.tomorrow().expect("a day");
    }
    Series::of_text("prices.csv", &text).expect("a series")
}

fn chance(is_log: bool) -> Chance {
    let name = str::to_owned;
    let (series, spot, future) = (name("prices.csv"), name("spot"), name("future"));
    Chance { series, spot, future, is_log, least: 30 }
}

#[test]
fn the_ratio_of_least_variance_is_a_slope_of_changes() {
    let wave = |at: f64| (at * 1.7).sin() * 3.0 + (at * 0.31).cos() * 5.0;
    let prices = || (0..60).map(|at| (40.0 + 0.75 * wave(at.into()), 90.0 + wave(at.into())));
    let found = minimum_variance(&series(prices()), &chance(false)).expect("a ratio");
    // Prices of four places, so the slope is three quarters to five.
    assert!((found.value.approximate() - 0.75).abs() < 1e-5, "{found:?}");
    assert_eq!(found.value, number(&format!("{:.6}", found.line.expect("a line").slope)));
    let line = found.line.expect("a line");
    assert_eq!(line.count, 59);
    assert!(line.r_squared > 0.999_999 && line.standard_error < 1e-4, "{line:?}");
    // A spot price that is the future's to the power of one half: values move by half as much.
    let prices = (0..60).map(|at| 90.0 + wave(at.into())).map(|future| (future.sqrt(), future));
    let series = series(prices);
    let found = minimum_variance(&series, &chance(true)).expect("a ratio");
    let (_, last) = series.rows.last().expect("a row");
    let expected = 0.5 * last[0].approximate() / last[1].approximate();
    assert!((found.value.approximate() - expected).abs() < 2e-6, "{found:?}");
}

#[test]
fn prices_that_hedge_nothing_are_refused() {
    let told = |series: &Series, of: &Chance| minimum_variance(series, of).expect_err("refused");
    let short = series((0..30).map(|at| (40.0 + f64::from(at * at), 50.0 + f64::from(at * at))));
    let error = told(&short, &chance(false));
    assert!(matches!(error, HedgeError::Regression { .. }), "{error}");
    assert!(error.to_string().contains("29 observations"), "{error}");
    let against = (0..40).map(f64::from).map(|at| (900.0 - at * at / 2.0, 50.0 + at * at));
    assert!(told(&series(against), &chance(false)).to_string().contains("hedges nothing"));
    let negative = series((0..40).map(|at| (40.0 + f64::from(at * at), f64::from(at * at) - 9.0)));
    assert!(matches!(told(&negative, &chance(true)), HedgeError::Regression { .. }));
    let other = Chance { spot: "spott".to_owned(), ..chance(false) };
    assert!(told(&short, &other).to_string().contains("no column \"spott\""));
}

#[test]
fn a_file_of_prices_is_refused_with_its_line() {
    for (text, told) in [
        ("", "prices.csv:1: the file is empty"),
        ("day,a\n", "prices.csv:1: the first line is"),
        ("date,a,a\n", "prices.csv:1: \"a\" names no column, or two"),
        ("date,a\n2026-02-30,1\n", "prices.csv:2: \"2026-02-30\" is no day"),
        ("date,a\n2026-02-03,1\n2026-02-03,2\n", "prices.csv:3: 2026-02-03 does not follow"),
        ("date,a\n2026-02-03,1,2\n", "prices.csv:2: 2 prices for 1 columns"),
        ("date,a\n2026-02-03,nan\n", "prices.csv:2: \"nan\""),
        ("date,a\n2026-02-03,1e5\n", "prices.csv:2: \"1e5\""),
        ("date,a\n2026-02-03,\n", "prices.csv:2: \"\""),
        ("date,a\n2026-02-03,10000000000\n", "no price is so large"),
    ] {
        let error = Series::of_text("prices.csv", text).expect_err(text).to_string();
        assert!(error.contains(told), "{error}");
    }
}

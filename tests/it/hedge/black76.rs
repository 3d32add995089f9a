//! Options on futures: 10,000 cases of a library at 50 digits, parity, limits, and what is refused.

use cross_market_connect::hedge::black76::{OptionError, OptionTerms, Right, Worth};
use std::path::Path;

struct Case {
    terms: OptionTerms,
    volatility: f64,
    /// Price, delta, gamma, vega, theta.
    expected: [f64; 5],
}

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let packed = std::fs::read(folder.join("black76.csv.zst")).expect("the vectors");
    let text = String::from_utf8(zstd::decode_all(&packed[..]).expect("packed")).expect("text");
    let case = |line: &str| {
        let mut cells = line.split(',');
        let right = if cells.next() == Some("call") { Right::Call } else { Right::Put };
        let row: Vec<f64> = cells.map(|cell| cell.parse().expect("a number")).collect();
        let [future, strike, years, volatility, rate, ref expected @ ..] = row[..] else {
            panic!("{line}")
        };
        Case {
            terms: OptionTerms { right, future, strike, years, rate },
            volatility,
            expected: expected.try_into().expect("five"),
        }
    };
    text.lines().skip(1).map(case).collect()
}

fn worth(terms: &OptionTerms, volatility: f64) -> Worth {
    terms.worth(volatility).unwrap_or_else(|error| panic!("{terms:?}: {error}"))
}

#[test]
fn ten_thousand_options_are_worth_what_a_library_says() {
    let cases = cases();
    assert_eq!(cases.len(), 10_000);
    let mut worst = [0.0_f64; 5];
    for Case { terms, volatility, expected } in &cases {
        let found = worth(terms, *volatility);
        let found = [
            found.price,
            found.delta,
            found.gamma.expect("a limit"),
            found.vega,
            found.theta.expect("a limit"),
        ];
        // Theta is the difference of interest and decay: where they cancel, the error is theirs.
        let parts = (terms.rate * expected[0]).abs();
        let scale = [0.0, 0.0, 0.0, 0.0, parts];
        for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
            let error = (found - expected).abs() / expected.abs().max(scale[at]);
            worst[at] = worst[at].max(error);
            assert!(error <= 1e-10, "{at}: {found} for {expected} of {terms:?} at {volatility}");
        }
    }
    eprintln!("relative errors of price, delta, gamma, vega and theta: {worst:?}");
}

#[test]
fn the_volatility_that_a_price_implies_gives_that_price() {
    let mut exact = 0;
    for Case { terms, volatility, expected } in cases() {
        let price = worth(&terms, volatility).price;
        let implied = match terms.implied_volatility(price) {
            Ok(implied) => implied,
            // Deep in the money nothing is left of a price beyond exercise.
            Err(OptionError::BelowExercise { least, .. }) => {
                assert!(least - price <= 1e-15 * terms.future.max(terms.strike));
                continue;
            }
            Err(error) => panic!("{terms:?} at {price}: {error}"),
        };
        let again = worth(&terms, implied).price;
        assert!((again - price).abs() <= 1e-10 * price, "{terms:?}: {implied} for {volatility}");
        // Where the price says something of volatility, it is that volatility.
        if expected[3] * volatility > 1e-3 * price {
            assert!((implied - volatility).abs() <= 1e-10 * volatility, "{terms:?}: {implied}");
            exact += 1;
        }
    }
    assert!(exact > 7_000, "{exact}");
}

#[test]
fn a_call_and_a_put_differ_by_the_discounted_distance() {
    for Case { terms, volatility, .. } in cases() {
        let of = |right| worth(&OptionTerms { right, ..terms }, volatility);
        let (call, put) = (of(Right::Call), of(Right::Put));
        let discount = (-terms.rate * terms.years).exp();
        let scale = terms.future.max(terms.strike);
        let parity = call.price - put.price - discount * (terms.future - terms.strike);
        assert!(parity.abs() <= 1e-14 * scale, "{terms:?}: {parity}");
        assert!((call.delta - put.delta - discount).abs() <= 1e-14);
        assert_eq!((call.gamma, call.vega), (put.gamma, put.vega));
    }
}

const AT: OptionTerms =
    OptionTerms { right: Right::Call, future: 70.0, strike: 70.0, years: 0.25, rate: 0.04 };

#[test]
fn without_time_or_volatility_it_is_what_exercise_brings() {
    for (right, future, price, delta) in [
        (Right::Call, 75.0, 5.0, 1.0),
        (Right::Call, 65.0, 0.0, 0.0),
        (Right::Put, 65.0, 5.0, -1.0),
        (Right::Put, 75.0, 0.0, 0.0),
    ] {
        let expired = OptionTerms { right, future, years: 0.0, ..AT };
        let found = worth(&expired, 0.3);
        assert_eq!((found.price, found.delta, found.gamma, found.vega), {
            (price, delta, Some(0.0), 0.0)
        });
        assert_eq!(found.theta, Some(0.04 * price));
        let discount = (-0.01_f64).exp();
        let calm = worth(&OptionTerms { right, future, ..AT }, 0.0);
        assert_eq!((calm.price, calm.delta), (discount * price, discount * delta));
        // The limit is approached from the formula's side.
        let near = worth(&OptionTerms { right, future, ..AT }, 1e-4);
        assert!((near.price - calm.price).abs() < 1e-12 && (near.delta - calm.delta).abs() < 1e-12);
    }
}

#[test]
fn at_the_strike_the_limits_are_told_and_what_has_none_is_absent() {
    let expired = worth(&OptionTerms { years: 0.0, ..AT }, 0.3);
    assert_eq!((expired.price, expired.delta), (0.0, 0.5));
    assert_eq!((expired.gamma, expired.theta, expired.vega), (None, None, 0.0));
    let calm = worth(&AT, 0.0);
    assert_eq!((calm.price, calm.gamma, calm.theta), (0.0, None, Some(0.0)));
    let near = worth(&AT, 1e-6);
    assert!((calm.vega - near.vega).abs() < 1e-9 * calm.vega);
    assert!((calm.delta - near.delta).abs() < 1e-6);
}

#[test]
fn figures_that_the_formula_is_not_made_for_are_refused() {
    for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -37.63, 1e13] {
        for terms in [
            OptionTerms { future: wrong, ..AT },
            OptionTerms { strike: wrong, ..AT },
            OptionTerms { years: if wrong == 0.0 { -0.1 } else { wrong }, ..AT },
            OptionTerms { rate: if wrong == 0.0 { 1.1 } else { wrong }, ..AT },
        ] {
            assert!(matches!(terms.worth(0.2), Err(OptionError::Bounds { .. })), "{terms:?}");
            assert!(matches!(terms.implied_volatility(1.0), Err(OptionError::Bounds { .. })));
        }
    }
    for wrong in [f64::NAN, -0.2, f64::INFINITY] {
        assert!(matches!(AT.worth(wrong), Err(OptionError::Bounds { .. })));
        assert!(matches!(AT.implied_volatility(wrong), Err(OptionError::Bounds { .. })));
    }
    let inside = OptionTerms { future: 80.0, ..AT };
    assert!(matches!(inside.implied_volatility(9.0), Err(OptionError::BelowExercise { .. })));
    assert!(matches!(inside.implied_volatility(80.0), Err(OptionError::NotBelowMost { .. })));
    let expired = OptionTerms { years: 0.0, ..AT };
    assert_eq!(expired.implied_volatility(1.0), Err(OptionError::Expired));
}

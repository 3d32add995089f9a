//! Units: by definition, there and back, and never without a figure that says how.

use super::{Big, number};
use cross_market_connect::config::Rational;
use cross_market_connect::hedge::unit::{Grade, UNITS, Unit, UnitError, convert, factor};
use proptest::prelude::*;

fn grade() -> Grade {
    Grade { bbl_per_t: Some(number("7.33")), mmbtu_per_t: Some(number("51.7")) }
}

#[test]
fn masses_are_what_their_definitions_say() {
    let none = Grade::default();
    for (from, to, count) in [
        (Unit::Pound, Unit::Kilogram, "0.45359237"),
        (Unit::TroyOunce, Unit::Gram, "31.1034768"),
        (Unit::Tonne, Unit::Kilogram, "1000"),
        (Unit::Kilogram, Unit::Gram, "1000"),
        (Unit::Pound, Unit::Gram, "453.59237"),
    ] {
        assert_eq!(factor(from, to, &none), Ok(number(count)), "{from:?} {to:?}");
    }
    let pounds = convert(number("500"), Unit::Tonne, Unit::Pound, &none).expect("a mass");
    assert!(Big::parse("500000").over(&Big::parse("0.45359237")).is(pounds));
}

#[test]
fn barrels_and_heat_meet_weight_only_through_a_grade() {
    assert_eq!(
        factor(Unit::Tonne, Unit::Barrel, &Grade::default()),
        Err(UnitError::Kinds { from: Unit::Tonne, to: Unit::Barrel, key: "bbl_per_t" })
    );
    assert!(factor(Unit::MmBtu, Unit::Pound, &Grade::default()).is_err());
    assert_eq!(factor(Unit::Barrel, Unit::Barrel, &Grade::default()), Ok(Rational::ONE));
    let barrels = convert(number("2500"), Unit::Tonne, Unit::Barrel, &grade());
    assert_eq!(barrels, Ok(number("18325")));
}

proptest! {
    #[test]
    fn every_unit_leads_to_every_other_and_exactly_back(
        from in 0..UNITS.len(), to in 0..UNITS.len(), e6 in 1_i64..1_000_000_000_000,
    ) {
        let (from, to) = (UNITS[from].1, UNITS[to].1);
        let quantity = Rational::new(e6.into(), 1_000_000).expect("a number");
        let there = convert(quantity, from, to, &grade());
        let back = there.and_then(|there| convert(there, to, from, &grade()));
        prop_assert_eq!(back, Ok(quantity));
    }
}

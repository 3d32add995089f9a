//! Coefficients that follow from terms, against the numbers of the contract texts as people
//! multiply them, and the pairs of the live demonstration.

use super::{load, sample};
use cross_market_connect::config::decimal::parse_e9;
use cross_market_connect::config::rational::Rational;
use cross_market_connect::config::{self, Configuration, Leg, Rule, Spread};
use cross_market_connect::engine::inputs::controls;
use proptest::prelude::*;
use xmc_hotpath::message::Control;
use xmc_hotpath::time::Span;

/// The sample of both markets.
pub fn live() -> Configuration {
    config::load(&sample("demo.toml")).unwrap_or_else(|invalid| panic!("{}", invalid.render(false)))
}

/// The live sample as one text, without its includes.
pub fn live_text() -> String {
    let own = std::fs::read_to_string(sample("demo.toml")).expect("the sample");
    let included = ["topology_demo_one_core.toml", "demo_market.toml", "demo_limits.toml"];
    let own = own.lines().filter(|line| !line.starts_with("include")).map(str::to_owned);
    let texts = included.map(|name| std::fs::read_to_string(sample(name)).expect("an include"));
    own.chain(texts).collect::<Vec<_>>().join("\n")
}

fn spread<'c>(configuration: &'c Configuration, name: &str) -> &'c Spread {
    let found = configuration.spreads.iter().find(|spread| spread.name.value == name);
    found.expect("the pair is there")
}

fn leg<'c>(configuration: &'c Configuration, spread: &'c Spread, name: &str) -> &'c Leg {
    let is_this = |leg: &&Leg| configuration.instruments[leg.instrument.value].name.value == name;
    spread.legs.iter().find(is_this).expect("the leg is there")
}

/// The nearest whole number to `numerator * 2^32 / denominator`.
fn q32(numerator: i128, denominator: i128) -> i64 {
    let scaled = (numerator.abs() << 33) / denominator;
    let nearest = i64::try_from((scaled + 1) >> 1).expect("a coefficient");
    if numerator < 0 { -nearest } else { nearest }
}

/// 1 t = 2204.62262185 lb, 1 troy ounce = 31.1034768 g, tax 13 %, the yuan at 7.10, copper at
/// 5.00, gold at 4000, oil at 70: every number as an integer, multiplied here.
#[test]
fn weights_are_what_the_contracts_say() {
    let live = live();
    const POUNDS_E8: i128 = 220_462_262_185;
    const OUNCE_E7: i128 = 311_034_768;
    let expected = [
        ("cu_bc", "cu", 1, 1),
        ("cu_bc", "bc", -113, 100),
        ("cu_hg", "cu", 1, 1),
        ("cu_hg", "hg", -POUNDS_E8 * 113 * 71, 100_000_000_000),
        ("cu_hg", "cnh", -POUNDS_E8 * 113 * 5, 10_000_000_000),
        ("au_gc", "au", 1, 1),
        ("au_gc", "gc", -71 * 1_000_000, OUNCE_E7),
        ("au_gc", "cnh", -4_000 * 10_000_000, OUNCE_E7),
        ("sc_cl", "sc", 1, 1),
        ("sc_cl", "cl", -71, 10),
        ("sc_cl", "cnh", -70, 1),
    ];
    for (pair, name, numerator, denominator) in expected {
        let weight_q32 = leg(&live, spread(&live, pair), name).weight_q32;
        assert_eq!(weight_q32, q32(numerator, denominator), "{name} of {pair}");
    }
    // Worked out by hand: 2204.62262185 * 1.13 * 5 * 7.1, 4000 * 7.1 / 31.1034768, 70 * 7.1.
    let constants = [
        ("cu_bc", 0),
        ("cu_hg", 88_438_436_475_513),
        ("au_gc", 913_081_202_549),
        ("sc_cl", 497_000_000_000),
    ];
    for (pair, constant_e9) in constants {
        assert_eq!(spread(&live, pair).constant_e9, constant_e9, "{pair}");
    }
}

/// At the references every product of prices is exact; a spread is worth what people reckon.
#[test]
fn values_are_what_people_reckon() {
    let live = live();
    let value = |pair: &str, prices: &[(&str, f64)]| {
        let spread = spread(&live, pair);
        let weigh = |(name, price): &(&str, f64)| {
            leg(&live, spread, name).weight_q32 as f64 / 4_294_967_296.0 * price
        };
        prices.iter().map(weigh).sum::<f64>() + spread.constant_e9 as f64 / 1e9
    };
    let near = |value: f64, expected: f64| {
        assert!((value - expected).abs() < 1e-4, "{value}, not {expected}");
    };
    // 88,500 - 1.13 * 78,300
    near(value("cu_bc", &[("cu", 88_500.0), ("bc", 78_300.0)]), 21.0);
    // 88,460 - 88,438.4365
    near(value("cu_hg", &[("cu", 88_460.0), ("hg", 5.0), ("cnh", 7.1)]), 21.5635);
    // One cent of copper is 176.8769 CNY/t, one fen of the yuan 124.5612.
    near(value("cu_hg", &[("cu", 88_460.0), ("hg", 5.01), ("cnh", 7.1)]), -155.3134);
    near(value("cu_hg", &[("cu", 88_460.0), ("hg", 5.0), ("cnh", 7.11)]), -102.9976);
    // 913.2 - 913.0812
    near(value("au_gc", &[("au", 913.2), ("gc", 4_000.0), ("cnh", 7.1)]), 0.1188);
    // One dollar of oil is 7.1 CNY/bbl.
    near(value("sc_cl", &[("sc", 497.3), ("cl", 71.0), ("cnh", 7.1)]), -6.8);
}

#[test]
fn both_topologies_carry_it() {
    let text = std::fs::read_to_string(sample("demo.toml")).expect("the sample");
    let text = text.replace("topology_demo_one_core.toml", "topology_demo_core_per_stage.toml");
    let configuration = config::load_text(&sample("demo.toml"), &text)
        .unwrap_or_else(|invalid| panic!("{}", invalid.render(false)));
    assert_eq!(configuration.executors.len(), 6);
    assert!(configuration.executors.iter().take(5).all(|executor| executor.stages.len() == 1));
    load(&live_text()).unwrap_or_else(|invalid| panic!("{}", invalid.render(false)));
}

/// What is replaced in the live sample, and with what.
type Edits = &'static [(&'static str, &'static str)];

/// What is refused: edits of the live sample, the rule, part of the message, part of the line.
const REFUSED: &[(Edits, Rule, &str, &str)] = &[
    (
        &[(
            "pay_up_ticks = 10\n\n[[spread.leg.term]]",
            "coefficient = \"1.13\"\n\n[[spread.leg.term]]",
        )],
        Rule::Terms,
        "has a coefficient, and terms",
        "coefficient = \"1.13\"",
    ),
    (
        &[("times = \"1.13\"", "times = \"1.13\"\ndivided_by = \"2\"")],
        Rule::Terms,
        "does two things",
        "[[spread.leg.term]]",
    ),
    (&[("times = \"1.13\"\n", "")], Rule::Terms, "does nothing", "[[spread.leg.term]]"),
    (&[("times = \"1.13\"", "times = 1.13")], Rule::Float, "floating-point", "times = 1.13"),
    (&[("times = \"1.13\"", "times = \"0\"")], Rule::OutOfBounds, "must be from", "times"),
    (&[("times = \"1.13\"", "times = \"-1.13\"")], Rule::OutOfBounds, "must be from", "times"),
    (
        &[("times = \"1.13\"", "tims = \"1.13\"")],
        Rule::Terms,
        "does nothing",
        "[[spread.leg.term]]",
    ),
    (
        &[("price_of = \"cnh\"\nreference = \"7.10\"", "price_of = \"cnh\"")],
        Rule::MissingKey,
        "no `reference`",
        "[[spread.leg.term]]",
    ),
    (&[("price_of = \"cnh\"", "price_of = \"cnk\"")], Rule::UnknownReference, "cnk", "price_of"),
    (
        &[("price_of = \"cnh\"", "price_of = \"gc\"")],
        Rule::Terms,
        "no pricing leg of its own",
        "price_of = \"gc\"",
    ),
    (
        &[("price_of = \"cnh\"", "price_of = \"cu\"")],
        Rule::Terms,
        "no pricing leg of its own",
        "price_of = \"cu\"",
    ),
    (&[("reference = \"5.00\"\n", "")], Rule::Terms, "has no `reference`", "[[spread.leg.term]]"),
    (
        &[("price_of = \"cnh\"\nreference = \"7.10\"", "times = \"7.10\"")],
        Rule::Terms,
        "none of its terms is the `price_of`",
        "reference = \"5.00\"",
    ),
    (
        &[("trade = false", "trade = false\ncoefficient = \"-12456\"")],
        Rule::Terms,
        "coefficient of its own",
        "-12456",
    ),
    (
        &[("reference = \"5.00\"", "reference = \"3.4\"")],
        Rule::Terms,
        "no sane price: from 3.5 to 7",
        "reference = \"3.4\"",
    ),
    (
        &[("reference = \"7.10\"", "reference = \"6.3\"")],
        Rule::Terms,
        "no sane price: from 6.5 to 7.7",
        "reference = \"6.3\"",
    ),
    (
        &[("times = \"2204.62262185\"", "times = \"999999\"")],
        Rule::Terms,
        "more than 1000000",
        "[[spread.leg.term]]",
    ),
    (
        &[("times = \"2204.62262185\"", "times = \"2000\"")],
        Rule::Unbalanced,
        "would be near",
        "[[spread.leg.term]]",
    ),
    (
        &[(
            "times = \"2204.62262185\"",
            "times = \"2204.622621850000000001\"\n[[spread.leg.term]]\nname = \"x\"\n\
             times = \"1.000000000000000003\"\n[[spread.leg.term]]\nname = \"y\"\n\
             times = \"1.000000000000000007\"",
        )],
        Rule::Terms,
        "too many digits",
        "[[spread.leg.term]]",
    ),
];

#[test]
fn terms_that_do_not_fit_are_named_and_shown() {
    for (edits, rule, message, line) in REFUSED {
        let mut text = live_text();
        for (find, replace) in *edits {
            assert!(text.contains(find), "the sample has no {find:?} to replace");
            text = text.replacen(find, replace, 1);
        }
        let invalid = load(&text).expect_err(message);
        let problem = invalid.problems.iter().find(|problem| problem.rule == *rule);
        let problem = problem.unwrap_or_else(|| panic!("{message}: {invalid}"));
        assert!(problem.message.contains(message), "{message:?}, not {:?}", problem.message);
        let place = problem.place.as_ref().expect("a place");
        let (number, _) = invalid.sources.line_and_column(place);
        let shown = text.lines().nth(number - 1).unwrap_or_default();
        assert!(shown.contains(line), "{message}: shown at {shown:?}, not {line:?}");
    }
}

fn small() -> impl Strategy<Value = (i128, i128)> {
    (-1_000_000_i128..=1_000_000, 1_i128..=1_000_000)
}

fn of((numerator, denominator): (i128, i128)) -> Rational {
    Rational::new(numerator, denominator).expect("a denominator")
}

proptest! {
    /// Against crosswise integer products, which fit easily here.
    #[test]
    fn fractions_are_reckoned_as_at_school(one in small(), other in small()) {
        let same = |result: Option<Rational>, n: i128, d: i128| result == Rational::new(n, d);
        let ((a, b), (c, d)) = (one, other);
        prop_assert!(same(of(one).times(of(other)), a * c, b * d));
        prop_assert!(same(of(one).plus(of(other)), a * d + c * b, b * d));
        prop_assert!(same(of(one).minus(of(other)), a * d - c * b, b * d));
        prop_assert_eq!(of(one).is_below(of(other)), a * d < c * b);
        if c != 0 {
            prop_assert!(same(of(one).over(of(other)), a * d, b * c));
        }
    }

    /// What is shown and what the hot path holds are nearer than half a unit.
    #[test]
    fn rounding_is_to_the_nearest(one in small()) {
        let (a, b) = one;
        let q32 = i128::from(of(one).nearest_q32().expect("it is small"));
        prop_assert!(((a << 32) - q32 * b).abs() * 2 <= b);
        let e9 = i128::from(of(one).nearest_e9().expect("it is small"));
        prop_assert!((a * 1_000_000_000 - e9 * b).abs() * 2 <= b);
        let shown = of(one).show(9).expect("it is small");
        prop_assert_eq!(parse_e9(&shown).map(i128::from), Ok(e9));
    }
}

#[test]
fn fractions_that_do_not_fit_are_none() {
    let huge = Rational::whole(i64::MAX);
    let squared = huge.times(huge).expect("126 bits");
    assert_eq!(squared.times(huge), None);
    assert_eq!(squared.nearest_q32(), None);
    assert_eq!(Rational::new(1, 0), None);
    assert_eq!(Rational::ONE.over(Rational::ZERO), None);
    assert_eq!(Rational::parse("0.125").ok(), Rational::new(1, 8));
    assert_eq!(Rational::parse("-2.50").ok(), Rational::new(-5, 2));
    assert!(Rational::parse("-0").is_err() && Rational::parse("1.").is_err());
    let third = Rational::new(-2, 3).expect("a fraction");
    assert_eq!(third.show(4).as_deref(), Some("-0.6667"));
    assert_eq!(Rational::new(5, 2).and_then(|half| half.show(0)).as_deref(), Some("3"));
    assert_eq!(Rational::whole(-7).show(3).as_deref(), Some("-7"));
    assert_eq!(Rational::from_e9(-1).show(9).as_deref(), Some("-0.000000001"));
}

/// Money of a value of 1 in one unit: lots times multiplier of the leg that is not converted. Fees
/// of a lot become a price of their leg.
#[test]
fn repairs_are_counted_in_money_of_the_plain_leg() {
    let mut live = live();
    let row = live.instruments.iter().position(|row| row.name.value == "hg").expect("copper");
    live.instruments[row].fee_per_lot_e9 = 2_500_000_000;
    live.instruments[row].fee_fraction_e9 = 500_000;
    let (controls, _) = controls(&live);
    let specs: Vec<_> = controls
        .iter()
        .filter_map(|control| if let Control::Spread(spec) = control { Some(*spec) } else { None })
        .collect();
    let money: Vec<_> = specs.iter().map(|spec| spec.repair.money_q32 >> 32).collect();
    assert_eq!(money, [40, 10, 3_000, 1_000]);
    // 2.50 USD of 25,000 lb are 0.0001 USD per lb.
    assert_eq!(specs[1].repair.fee_e9[1], 100_000);
    assert_eq!(specs[1].repair.fee_q32[1], 2_147_484);
    assert_eq!(specs[1].repair.tries, 3);
    assert_eq!(specs[1].repair.within, Span(1_500_000_000));
}

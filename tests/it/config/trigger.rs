//! What a level counts, for how long it must be met, and what its legs lean on, as configured.

use super::{base, load, sample};
use cross_market_connect::cli::explain::{Example, Explanation};
use cross_market_connect::config::{self, Configuration, Invalid};
use cross_market_connect::engine::inputs;
use xmc_hotpath::message::{Control, Intent, LegsFirst, Measure, SpreadSpec, TriggerSpec};
use xmc_hotpath::time::Span;

/// The demonstration with the levels of SHFE against COMEX copper as others.
fn copper(levels: &str) -> Result<Configuration, Invalid> {
    let text = std::fs::read_to_string(sample("demo.toml")).expect("the sample");
    assert!(text.contains(LEVELS), "the levels of the sample");
    config::load_text(&sample("demo.toml"), &text.replacen(LEVELS, levels, 1))
}

const LEVELS: &str = "buy_open = \"-22\"\nbuy_close = \"-6\"\nsell_open = \"22\"\n\
                      sell_close = \"6\"\nhysteresis = \"2\"\n";

const RATIO: &str = "measure = \"ratio\"\nbuy_open = \"0.9995\"\nbuy_close = \"0.9999\"\n\
                     sell_open = \"1.0002\"\nhysteresis = \"0.0001\"\n\
                     open_hold_ms = 250\nclose_hold_ms = 40\n";

/// The spreads as the desk is told of them.
fn told(configuration: &Configuration) -> Vec<SpreadSpec> {
    let (controls, _) = inputs::controls(configuration);
    let spreads = controls.into_iter().filter_map(|control| match control {
        Control::Spread(spec) => Some(spec),
        _ => None,
    });
    spreads.collect()
}

#[test]
fn a_spread_measures_its_difference_at_once_if_nothing_is_said() {
    let configuration = load(&base()).expect("the sample");
    let [spec] = told(&configuration)[..] else { panic!("one spread") };
    assert_eq!(spec.trigger, TriggerSpec::PLAIN);
    assert!(spec.legs.iter().all(|leg| leg.min_lean_lots == 0));
}

/// The sold leg is copper in dollars by a yuan that is live: the constant of the linear form is
/// taken off with it, and what is bought has none.
#[test]
fn the_linear_part_of_a_sold_leg_is_in_the_denominator() {
    let configuration = copper(RATIO).expect("a ratio");
    let spec = told(&configuration)[1];
    assert_eq!(spec.trigger.measure, Measure::Ratio);
    assert_eq!((spec.trigger.open_hold, spec.trigger.close_hold), holds(250, 40));
    assert_eq!(spec.constant_e9, 88_438_436_475_513);
    assert_eq!(spec.trigger.short_constant_e9, -spec.constant_e9);
    let prices = [("cu", 88_460), ("hg", 5), ("cnh", 0)];
    let mut prices = prices.map(|(leg, price)| (leg.to_owned(), price * 1_000_000_000));
    prices[2].1 = 7_100_000_000;
    let example = Example::of(&configuration, 1, &prices).expect("an example");
    // 88460 / (2204.62262185 * 1.13 * 5.00 * 7.10), by fractions.
    assert_eq!(example.ratio.and_then(|ratio| ratio.show(9)).as_deref(), Some("1.000243825"));
    assert_eq!(example.intent, Some(Intent::OpenShort));
    assert_eq!(Explanation::of(&configuration, 1).measure, Measure::Ratio);
}

fn holds(open_ms: u64, close_ms: u64) -> (Span, Span) {
    (Span(open_ms * 1_000_000), Span(close_ms * 1_000_000))
}

#[test]
fn a_written_constant_is_on_the_side_that_its_sign_says() {
    for (constant, [long, short]) in [("50", [50, 0]), ("-50", [0, 50])] {
        let levels = format!("constant = \"{constant}\"\n{RATIO}");
        let spec = told(&copper(&levels).expect("a ratio"))[1];
        let linear = 88_438_436_475_513;
        assert_eq!(spec.trigger.short_constant_e9, short * 1_000_000_000 - linear);
        assert_eq!(spec.constant_e9 + spec.trigger.short_constant_e9, long * 1_000_000_000);
    }
}

/// Copper as it is traded: 2 lots of 5 t against one of 25,000 lb; SHFE takes a part of the value,
/// COMEX dollars by the lot.
#[test]
fn fees_go_into_levels_by_the_weights_of_their_legs() {
    let change = |text: &str, key: &str, fee: &str| {
        let written = text.replacen(key, &format!("{key}{fee}"), 1);
        assert_ne!(written, text, "{key}");
        written
    };
    let read = |name| std::fs::read_to_string(sample(name)).expect("a sample");
    let market =
        change(&read("demo_market.toml"), "name = \"cu\"\n", "fee_fraction = \"0.00005\"\n");
    let market = change(&market, "name = \"hg\"\n", "fee_per_lot = \"2.5\"\n");
    let include = ", \"demo_market.toml\"";
    let demo = read("demo.toml").replacen(include, "", 1);
    let with = |levels: &str| {
        let levels = format!("{levels}{LEVELS}");
        let text = format!("{}\n{market}", demo.replacen(LEVELS, &levels, 1));
        config::load_text(&sample("demo.toml"), &text).expect("a configuration with fees")
    };
    for plain in ["", "levels = \"before_fees\"\n"] {
        let trigger = told(&with(plain))[1].trigger;
        assert_eq!((trigger.is_after_fees, trigger.fee_e9), (false, 0));
    }
    let after = with("levels = \"after_fees\"\n");
    let trigger = told(&after)[1].trigger;
    // 2.5 / 25000 of a dollar a pound, by the weight 17687.68729510255; 0.00005 by 1.
    assert_eq!((trigger.is_after_fees, trigger.fee_e9), (true, 1_768_768_730));
    assert_eq!(trigger.short_fee_e9, trigger.fee_e9, "all of it is of the leg that is sold");
    assert_eq!(trigger.fee_q32, [214_748, 0, 0, 0]);
    let prices =
        [("cu", 88_000), ("hg", 5), ("cnh", 7)].map(|(leg, at)| (leg.to_owned(), at * ONE_E9));
    let example = |configuration| Example::of(configuration, 1, &prices).expect("an example");
    let (before, after) = (example(&with("")), example(&after));
    // 88000 * 0.00005 more than the fee of COMEX.
    let fees = after.exact.minus(before.exact).and_then(|fees| fees.show(9));
    assert_eq!(fees.as_deref(), Some("6.16876873"));
    assert_eq!(after.fees.show(9), fees);
    assert_eq!(before.fees, after.fees);
    let off = after.difference.approximate().abs();
    assert!(off < 1e-4, "the evaluator is {off} away");
}

const ONE_E9: i64 = 1_000_000_000;

/// Far below its reference a linear form is below what it stands for, and may be below zero.
#[test]
fn a_ratio_over_what_can_be_zero_is_refused() {
    let read = |name| std::fs::read_to_string(sample(name)).expect("a sample");
    let include = "include = [\"topology_demo_one_core.toml\", \"demo_market.toml\", \
                   \"demo_limits.toml\"]";
    let demo = read("demo.toml").replace(include, "include = [\"topology_demo_one_core.toml\"]");
    let demo = demo.replace("reference = \"5.00\"", "reference = \"6.9\"");
    let market = read("demo_market.toml");
    let ratio = |market: &str| {
        let text = format!("{demo}\n{market}\n{}", read("demo_limits.toml"));
        let text = text.replacen(LEVELS, RATIO, 1);
        config::load_text(&sample("demo.toml"), &text)
    };
    let complains = |market: &str| {
        let refused = ratio(market).err().map_or(String::new(), |refused| refused.render(false));
        refused.contains("the ratio of spread \"cu_hg\" has no value at some sane prices")
    };
    assert!(!complains(&market));
    let lower = market.replacen("min_price = \"3.5\"", "min_price = \"0.5\"", 1);
    assert_ne!(lower, market, "COMEX copper");
    assert!(complains(&lower), "7.1 * 0.5 + 6.9 * 6.5 - 6.9 * 7.1 is below zero");
}

#[test]
fn lots_to_lean_on_are_those_of_their_leg() {
    let leg = "instrument = \"cu\"\nratio = 2\n";
    let text = std::fs::read_to_string(sample("demo.toml")).expect("the sample");
    let leaning = text.replacen(leg, &format!("{leg}min_lean_lots = 20\n"), 1);
    assert_ne!(leaning, text);
    let configuration = config::load_text(&sample("demo.toml"), &leaning).expect("a lean");
    assert_eq!(told(&configuration)[1].legs.map(|leg| leg.min_lean_lots), [20, 0, 0, 0]);
}

#[test]
fn all_legs_go_at_once_unless_the_least_liquid_one_is_to_lead() {
    let first = |levels: &str| told(&copper(levels).expect("a spread"))[1].legs_first;
    assert_eq!(first(LEVELS), LegsFirst::Together);
    assert_eq!(first(&format!("{LEVELS}legs_first = \"together\"\n")), LegsFirst::Together);
    let led = format!("{LEVELS}legs_first = \"least_liquid\"\n");
    assert_eq!(first(&led), LegsFirst::LeastLiquid);
    assert!(copper(&format!("{LEVELS}legs_first = \"first\"\n")).is_err());
}

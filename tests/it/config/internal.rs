//! What may meet inside, as configured and as the desk is told of it.

use super::{base, load, sample};
use cross_market_connect::config::{self, Configuration, Invalid, Rule};
use cross_market_connect::engine::inputs;
use xmc_hotpath::message::{Control, SpreadSpec};

/// The demonstration, in which two pairs trade copper at home, for one account and two strategies.
fn demo(section: &str) -> Result<Configuration, Invalid> {
    let text = std::fs::read_to_string(sample("demo.toml")).expect("the sample");
    config::load_text(&sample("demo.toml"), &format!("{text}\n{section}"))
}

fn told(configuration: &Configuration) -> Vec<SpreadSpec> {
    let (controls, _) = inputs::controls(configuration);
    let spreads = controls.into_iter().filter_map(|control| match control {
        Control::Spread(spec) => Some(spec),
        _ => None,
    });
    spreads.collect()
}

const COPPER: &str = "[internal]\naccounts = [\"demo_1\"]\ninstruments = [\"cu\"]\n";

#[test]
fn nothing_meets_unless_it_is_asked_for() {
    for configuration in [demo(""), load(&base())] {
        let specs = told(&configuration.expect("a sample"));
        assert!(specs.iter().all(|spec| spec.repair.inside_legs == 0));
        assert!(specs.iter().all(|spec| !spec.repair.inside_across));
    }
}

#[test]
fn the_legs_of_the_instruments_and_no_others_may_meet() {
    let configuration = demo(&format!("{COPPER}across_strategies = true\n")).expect("two pairs");
    let specs = told(&configuration);
    assert!(specs.len() > 2);
    let copper = configuration.instruments.iter().position(|row| row.name.value == "cu");
    let copper = u32::try_from(copper.expect("copper")).expect("small");
    for spec in &specs {
        let legs = (0..).zip(&spec.legs[..usize::from(spec.leg_count)]);
        let ought = legs.filter(|(_, leg)| leg.instrument.0 == copper);
        let ought = ought.fold(0, |legs, (leg, _)| legs | 1_u8 << leg);
        assert_eq!(spec.repair.inside_legs, ought, "{:?}", spec.spread);
        assert!(spec.repair.inside_across);
    }
    assert_eq!(specs.iter().filter(|spec| spec.repair.inside_legs != 0).count(), 2);
}

#[test]
fn what_could_never_meet_is_refused() {
    // The two pairs are of two strategies.
    let refused = demo(COPPER).expect_err("nobody meets");
    let rules: Vec<_> = refused.problems.iter().map(|problem| problem.rule).collect();
    assert_eq!(rules, [Rule::InternalPairs]);
    let gold = COPPER.replace("\"cu\"", "\"au\"") + "across_strategies = true\n";
    let refused = demo(&gold).expect_err("one pair trades gold");
    assert_eq!(refused.problems[0].rule, Rule::InternalPairs);
}

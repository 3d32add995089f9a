//! The rules of capital's terms: each broken once, and refused for that alone.

use super::{terms_of, terms_text};
use cross_market_connect::config::capital::load_text;
use cross_market_connect::config::{self, Rule};
use std::path::Path;

#[test]
fn every_rule_of_capital_is_broken_once() {
    for (rule, find, replace) in [
        (Rule::LotMargin, "multiplier = \"25000\"", "multiplier = \"2500\""),
        (Rule::LotMargin, "lot_margin = \"61950\"", "lot_margin = \"6195\""),
        (Rule::LevelOrder, "reduce_only = \"0.90\"", "reduce_only = \"0.80\""),
        (Rule::LevelOrder, "pair_off = \"0.98\"", "pair_off = \"0.91\""),
        (Rule::MarginSteps, "from = 2026-08-31\nlong = \"0.20\"", {
            "from = 2026-08-03\nlong = \"0.20\""
        }),
        (Rule::MarginSteps, "long = \"0.15\"", "long = \"0.015\""),
        (Rule::CurrencyUnknown, "currency = \"USD\"\nkeep", "currency = \"EUR\"\nkeep"),
        (Rule::Route, "cut_off = \"15:30\"", "cut_off = \"08:30\""),
        (Rule::Route, "from = \"treasury_usd\"\nto = \"metals_abroad\"", {
            "from = \"metals_abroad\"\nto = \"metals_abroad\""
        }),
        (Rule::PairSides, "overseas = \"HGU6\"", "overseas = \"GCU6\""),
        (Rule::PairSides, "domestic_lots = 2", "domestic_lots = 20"),
        (Rule::Holding, "margin_price = \"last\"", "margin_price = \"reference\""),
    ] {
        let text = terms_text();
        assert!(text.contains(find), "the sample has no {find:?}");
        let broken = text.replacen(find, replace, 1);
        let invalid = match load_text(Path::new("capital.toml"), &broken) {
            Ok(_) => panic!("{rule:?}: {replace:?} is accepted"),
            Err(invalid) => invalid,
        };
        let rules: Vec<_> = invalid.problems.iter().map(|problem| problem.rule).collect();
        assert!(rules.iter().all(|found| *found == rule), "{replace:?}: {invalid}");
    }
}

/// Sizes and currencies are those of the demonstration, whose instruments the sample is about.
#[test]
fn the_sample_is_about_the_instruments_of_the_demonstration() {
    let engine = config::load(&crate::config::sample("demo.toml"))
        .unwrap_or_else(|invalid| panic!("{}", invalid.render(false)));
    let terms = terms_of(&terms_text());
    for contract in &terms.contracts {
        let instrument = engine.instruments.iter().find(|row| row.symbol == contract.name);
        let instrument = instrument.unwrap_or_else(|| panic!("no instrument is {}", contract.name));
        let multiplier = config::decimal::show_e9(instrument.multiplier_e9);
        assert_eq!(contract.multiplier.to_string(), multiplier, "{}", contract.name);
        assert_eq!(contract.currency, instrument.currency, "{}", contract.name);
        assert_eq!(contract.venue, engine.venues[instrument.venue].mic, "{}", contract.name);
    }
    for (pair, spread) in [("cu_hg", [2, 1]), ("au_gc", [3, 1]), ("sc_cl", [1, 1])] {
        let pair = terms.pairs.iter().find(|row| row.name == pair).expect("a pair");
        assert_eq!([pair.domestic_lots, pair.overseas_lots], spread);
    }
    assert!(terms_text().matches("SAMPLE: made up").count() > 30, "every figure says what it is");
}

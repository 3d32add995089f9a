//! The rules of books and pricing contracts: each broken once, and refused for that alone.

use super::{edited, sample};
use cross_market_connect::config::{Invalid, Rule};
use cross_market_connect::hedge::book::load_text;
use cross_market_connect::hedge::pricing;
use std::path::Path;

fn refused(rule: Rule, replace: &str, read: Result<(), Invalid>) {
    let Err(invalid) = read else { panic!("{rule:?}: {replace:?} is accepted") };
    let rules: Vec<_> = invalid.problems.iter().map(|problem| problem.rule).collect();
    assert!(rules.iter().all(|found| *found == rule), "{replace:?}: {invalid}");
    let rendered = invalid.render(false);
    assert!(rendered.contains(rule.code()) && rendered.contains(".toml:"), "{rendered}");
}

#[test]
fn every_rule_of_a_book_is_broken_once() {
    let floating = "contract = \"HGU6\"\nbasis = \"0.05\"\n";
    let later = "from = 2026-06-01\nshare = \"0.8\"";
    for (rule, find, replace) in [
        (Rule::LotWorth, "lot = \"25000\"", "lot = \"2500\""),
        (Rule::LotWorth, "price = \"88500\"", "price = \"8850\""),
        (Rule::LotWorth, "price = \"7.095\"", "price = \"6.3\""),
        (Rule::PositionSize, "quantity = \"600\"", "quantity = \"6000\""),
        (Rule::PositionSize, "quantity = \"600\"\nunit = \"t\"", {
            "quantity = \"600\"\nunit = \"kg\""
        }),
        (Rule::PositionSize, "min_position = \"150\"", "min_position = \"2001\""),
        (Rule::PositionSize, "[[client.limit]]\nproduct = \"crude\"\nunit = \"bbl\"", {
            "[[client.limit]]\nproduct = \"copper\"\nunit = \"t\""
        }),
        (Rule::OutOfBounds, "price = \"5.02\"", "price = \"50.2\""),
        (Rule::OutOfBounds, "carry = \"-100\"", "carry = \"-10000\""),
        (Rule::OutOfBounds, "slippage = \"0.0005\"", "slippage = \"0.06\""),
        (Rule::OutOfBounds, "strike = \"68\"", "strike = \"680\""),
        (Rule::PriceBasis, "basis = \"0.05\"", "basis = \"5\""),
        (Rule::LotWorth, "lot = \"100000\"", "lot = \"1000000\""),
        (Rule::PriceBasis, "pricing = \"unpriced\"", "pricing = \"fixed\""),
        (Rule::PriceBasis, floating, "contract = \"HGU6\"\n"),
        (Rule::PriceBasis, "priced = \"200\"\nprice = \"5.02\"\n", "price = \"5.02\"\n"),
        (Rule::PriceBasis, "priced = \"200\"", "priced = \"501\""),
        (Rule::PriceBasis, floating, "contract = \"CLU6\"\nbasis = \"0.05\"\n"),
        (
            Rule::UnitKind,
            "unit = \"t\"\npurity = \"0.9999\"",
            "unit = \"bbl\"\npurity = \"0.9999\"",
        ),
        (Rule::UnitKind, "price_unit = \"t\"\nlot_value = \"443000\"", {
            "price_unit = \"MMBtu\"\nlot_value = \"443000\""
        }),
        (Rule::Delivery, "month = \"2026-09\"\n\n[[future]]", "\n[[future]]"),
        (Rule::Delivery, "until = 2026-09-08", "until = 2026-08-08"),
        (Rule::Delivery, "month = \"2026-08\"\nlast_day = 2026-07-31", {
            "month = \"2026-08\"\nlast_day = 2026-09-30"
        }),
        (Rule::HedgePolicy, "contracts = [\"cu2608\", ", "contracts = [\"CLU6\", "),
        (Rule::HedgePolicy, "from = 2026-07-01\nshare = \"0.8\"", later),
        (Rule::HedgePolicy, "ratio = \"fixed\"\nvalue = \"1\"", "ratio = \"fixed\""),
        (Rule::HedgePolicy, "band = \"25\"", "band = \"401\""),
        (
            Rule::HedgePolicy,
            "client = \"importer\"\nproduct = \"crude\"\ncontracts = [\"sc2609\"",
            { "client = \"fabricator\"\nproduct = \"copper\"\ncontracts = [\"sc2609\"" },
        ),
        (Rule::OtherClient, "account = \"importer_abroad\"", "account = \"fabricator_abroad\""),
        (Rule::OtherClient, "account = \"fabricator_home\"", "account = \"fabricator_abroad\""),
        (Rule::CurrencyUnknown, "price_unit = \"lb\"\ncurrency = \"USD\"", {
            "price_unit = \"lb\"\ncurrency = \"EUR\""
        }),
    ] {
        let text = edited(&sample("hedge_demo.toml"), &[(find, replace)]);
        refused(rule, replace, load_text(Path::new("hedge.toml"), &text).map(|_| ()));
    }
}

#[test]
fn every_rule_of_pricing_is_broken_once() {
    for (rule, find, replace) in [
        (Rule::Fixings, "lot = \"25\"", "lot = \"24\""),
        (Rule::Fixings, "quantity = \"500\"", "quantity = \"5000\""),
        (Rule::NegativePrices, "price = \"498.3\"", "price = \"-498.3\""),
        (Rule::PriceTerms, "plus = \"85\"", "plus = \"850\""),
        (Rule::Fixings, "date = 2026-07-03\nlots = 4", "date = 2026-07-03\nlots = 17"),
        (Rule::Fixings, "kind = \"limit\"\nlots = 4", "kind = \"limit\"\nlots = 9"),
        (Rule::FixingDay, "date = 2026-07-14\nlots", "date = 2026-07-16\nlots"),
        (Rule::FixingDay, "date = 2026-07-03\nlots", "date = 2026-06-30\nlots"),
        (Rule::FixingDay, "date = 2026-07-13\nprice", "date = 2026-07-10\nprice"),
        (Rule::PriceTerms, "from = \"USD\"\nto = \"CNY\"", ""),
        (Rule::PriceTerms, "from = \"USD\"\nto = \"CNY\"", "to = \"CNY\""),
        (Rule::PriceTerms, "from = \"USD\"\nto = \"CNY\"", "from = \"EUR\"\nto = \"CNY\""),
        (Rule::PriceTerms, "unit = true", "times = \"2204.6\""),
        (Rule::PriceTerms, "plus = \"85\"", "plus = \"85\"\nfrom = \"USD\"\nto = \"CNY\""),
        (Rule::PriceTerms, "times = \"1.13\"", "times = \"1.13\"\nplus = \"1\""),
        (Rule::OutOfBounds, "price = \"5.043\"", "price = \"50.43\""),
        (Rule::OutOfBounds, "price = \"498.3\"", "price = \"49.83\""),
        (Rule::UnitKind, "bbl_per_t = \"7.33\"\n", ""),
        (Rule::Delivery, "until = 2026-08-14", "until = 2026-06-14"),
    ] {
        let text = edited(&sample("pricing_demo.toml"), &[(find, replace)]);
        refused(rule, replace, pricing::load_text(Path::new("p.toml"), &text).map(|_| ()));
    }
}

#[test]
fn every_rule_of_rolls_and_risk_is_broken_once() {
    let dollar = "name = \"dollar\"\ncurrency = \"USD\"\n";
    let given = format!("{dollar}volatility = \"0.05\"\nsource = \"s\"\ndate = 2026-07-15\n");
    let pair = "[[correlation]]\none = \"dollar\"\nother = \"crude\"\nvalue = \"0.1\"\n\
                source = \"s\"\ndate = 2026-07-15\n\n[[risk_limit]]";
    let itself = pair.replace("other = \"crude\"", "other = \"dollar\"");
    for (rule, find, replace) in [
        (Rule::RollGuard, "max_lots = 12", "max_lots = 4"),
        (Rule::RollGuard, "max_lots = 12", "max_lots = 201"),
        (Rule::RollGuard, "done_days = 5", "done_days = 11"),
        (Rule::RollGuard, "client = \"importer\"\nproduct = \"crude\"\norder", {
            "client = \"fabricator\"\nproduct = \"copper\"\norder"
        }),
        (Rule::RollDeadline, "max_lots = 15\n", ""),
        (Rule::RollDeadline, "kind = \"limit_step\"", "kind = \"first_notice\""),
        (Rule::RollDeadline, "day = 2026-07-28", "day = 2026-08-28"),
        (Rule::Combination, "far = \"cu2609\"", "far = \"HGU6\""),
        (Rule::Combination, "near = \"cu2608\"\nfar = \"cu2609\"", {
            "near = \"cu2609\"\nfar = \"cu2608\""
        }),
        (Rule::Combination, "bid = \"90\"", "bid = \"110\""),
        (Rule::Combination, "ask = \"110\"", "ask = \"1100\""),
        (Rule::RiskFactor, "until = \"2026-08\"", "until = \"2026-09\""),
        (Rule::RiskFactor, "contract = \"cu2609\"\n\n[[factor]]", {
            "contract = \"sc2609\"\n\n[[factor]]"
        }),
        (Rule::RiskFactor, "until = \"2026-08\"", "until = \"2026-06\""),
        (Rule::RiskSource, "estimator = \"equal\"", "estimator = \"weighted\""),
        (Rule::RiskSource, dollar, given.as_str()),
        (Rule::RiskSource, "[[risk_limit]]", pair),
        (Rule::RiskSource, "[[risk_limit]]", itself.as_str()),
        (Rule::RiskLimit, "client = \"importer\"\nmax_risk", "client = \"fabricator\"\nmax_risk"),
        (Rule::RiskLimit, "client = \"importer\"\ncontract = \"sc2609\"", {
            "client = \"fabricator\"\ncontract = \"cu2608\""
        }),
    ] {
        let text = edited(&sample("hedge_demo_roll.toml"), &[(find, replace)]);
        let path = crate::config::sample("hedge_demo_roll.toml");
        refused(rule, replace, load_text(&path, &text).map(|_| ()));
    }
}

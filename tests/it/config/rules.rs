//! `[[spread.rule]]`: what can be written, what the desk is told of it, and what is refused where.

use super::{edited, load};
use cross_market_connect::config::{Invalid, Rule};
use cross_market_connect::engine::inputs;
use xmc_hotpath::message::{Control, RuleAction, RulePoint, UserRule};
use xmc_hotpath::rule::is_sane;
use xmc_hotpath::time::Span;

/// The sample with rules before the first leg of its spread.
fn with(rules: &str) -> String {
    edited(&[("[[spread.leg]]", &format!("{rules}\n[[spread.leg]]"))])
}

fn rule(at: &str, when: &str, then: &str) -> String {
    format!("[[spread.rule]]\nname = \"r\"\nat = \"{at}\"\nwhen = \"{when}\"\nthen = \"{then}\"\n")
}

fn told(text: &str) -> Vec<UserRule> {
    let config = load(text).unwrap_or_else(|invalid| panic!("{}", invalid.render(false)));
    let controls = inputs::controls(&config).0.into_iter();
    let rules = controls.filter_map(|control| match control {
        Control::Rule(rule) => Some(rule),
        _ => None,
    });
    rules.collect()
}

#[test]
fn the_desk_is_told_rules_in_their_order() {
    assert_eq!(told(&edited(&[])), [], "none that nobody asked for");
    let text = "[[spread.rule]]\nname = \"thin 薄\"\nat = \"quote\"\n\
         when = \"opens and lots(s336491) < 5\"\nthen = \"hold back\"\n\n\
         [[spread.rule]]\nname = \"dear\"\nat = \"after\"\nwhen = \"slippage > 500\"\n\
         then = \"cool down\"\ncool_down_ms = 60_000\n";
    let rules = told(&with(text));
    let [thin, dear] = &rules[..] else { panic!("two rules, not {rules:?}") };
    assert_eq!((thin.name(), thin.rule, dear.name(), dear.rule), ("thin 薄", 0, "dear", 1));
    assert_eq!((thin.point, thin.action), (RulePoint::Quote, RuleAction::HoldBack));
    assert_eq!((dear.action, dear.cool_down), (RuleAction::CoolDown, Span(60_000_000_000)));
    assert_eq!((thin.numbers[0], dear.numbers[0]), (5, 500_000_000_000));
    assert!(rules.iter().all(is_sane));
    assert_eq!(thin.steps[1].leg, 1, "the second leg of the spread");
}

#[test]
fn what_the_desk_has_room_for_is_taken_and_one_more_is_not() {
    let rules = |count: usize| {
        let named = |at| rule("quote", "opens", "alert").replace("\"r\"", &format!("\"r{at}\""));
        (0..count).map(named).collect::<String>()
    };
    assert_eq!(told(&with(&rules(6))).len(), 6);
    let invalid = load(&with(&rules(7))).expect_err("one too many");
    assert_eq!(only(&invalid), (Rule::TooMany, "\"r6\"".to_owned()));
}

/// The only complaint, and what it points at.
fn only(invalid: &Invalid) -> (Rule, String) {
    let [problem] = &invalid.problems[..] else { panic!("{}", invalid.render(false)) };
    let place = problem.place.as_ref().expect("it is shown where");
    (problem.rule, invalid.sources.quote(place).to_owned())
}

#[test]
fn what_is_wrong_is_shown_within_the_expression() {
    let quote = |when| rule("quote", when, "hold back");
    let cases = [
        (quote("opens and and buys"), Rule::RuleSyntax, "and"),
        (quote("opens and"), Rule::RuleSyntax, "d"),
        (quote("lots(cu) < 5"), Rule::RuleWord, "cu"),
        (quote("slippage > 5"), Rule::RuleWord, "slippage"),
        (quote("value > lots(s336491)"), Rule::RuleUnit, "value > lots(s336491)"),
        (quote("position"), Rule::RuleUnit, "position"),
        (quote("age(s336491) > 200"), Rule::RuleNumber, "200"),
        (quote(&["opens"; 17].join(" or ")), Rule::RuleSize, &["opens"; 17].join(" or ")),
        (rule("quote", "opens", "unwind"), Rule::RuleAction, "\"unwind\""),
        (rule("after", "opens", "hold back"), Rule::RuleAction, "\"hold back\""),
        (rule("after", "opens", "cool down"), Rule::RuleAction, "\"cool down\""),
        (rule("hedge", "opens", "sell"), Rule::UnknownWord, "\"sell\""),
        (rule("never", "opens", "alert"), Rule::UnknownWord, "\"never\""),
        (rule("quote", "opens", "alert") + "cool_down_ms = 5\n", Rule::RuleAction, "5"),
        (rule("quote", "opens", "alert") + "limit = 5\n", Rule::UnknownKey, "limit"),
    ];
    for (text, ought, place) in cases {
        let invalid = load(&with(&text)).expect_err(&text);
        assert_eq!(only(&invalid), (ought, place.to_owned()), "{text}");
        let is_of_text = ![Rule::RuleAction, Rule::UnknownWord].contains(&ought);
        assert!(invalid.problems[0].help.is_some() || !is_of_text, "{text}");
    }
    let hedge = load(&with(&rule("hedge", "opens", "unwind"))).expect_err("nothing is repaired");
    assert_eq!(only(&hedge).0, Rule::RuleHedge);
    let repaired =
        edited(&[("max_units = 5", "max_units = 5\nrepair_tries = 1\nrepair_within_ms = 9")]);
    let rules = format!("{}\n[[spread.leg]]", rule("hedge", "unwind_cost < 5", "unwind"));
    assert_eq!(told(&repaired.replacen("[[spread.leg]]", &rules, 1)).len(), 1);
}

#[test]
fn two_rules_of_a_spread_have_two_names() {
    let twice = rule("quote", "opens", "alert").repeat(2);
    let invalid = load(&with(&twice)).expect_err("one name for two");
    assert_eq!(only(&invalid), (Rule::NameTwice, "\"r\"".to_owned()));
}

/// Texts that are written over lines, or with escapes, are shown whole where a part has no place.
#[test]
fn a_place_is_never_beside_the_text() {
    let escaped = rule("quote", "opens and \\u0061nd", "alert");
    let invalid = load(&with(&escaped)).expect_err("`and and`");
    assert_eq!(only(&invalid), (Rule::RuleSyntax, "\"opens and \\u0061nd\"".to_owned()));
    let long = rule("quote", "@", "alert").replace("\"@\"", "\"\"\"opens and fires\"\"\"");
    let invalid = load(&with(&long)).expect_err("a number is no truth");
    assert_eq!(only(&invalid), (Rule::RuleUnit, "opens and fires".to_owned()));
}

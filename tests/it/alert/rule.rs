//! The table of what can be alerted.

use cross_market_connect::alert::rule::{Ends, Rule};
use cross_market_connect::alert::signal::{fingerprint, labels};
use std::collections::BTreeSet;
use xmc_hotpath::message::AlertKind;

fn placeholders(text: &str) -> BTreeSet<&str> {
    let parts = text.split('{').skip(1);
    parts.map(|part| part.split_once('}').expect("it is closed").0).collect()
}

#[test]
fn every_rule_has_its_words_in_both_languages_with_the_same_placeholders() {
    for rule in Rule::ALL {
        let [en, zh] = rule.both();
        for (one, other) in [(en.title, zh.title), (en.text, zh.text), (en.next, zh.next)] {
            assert!(!one.is_empty() && !other.is_empty(), "{rule:?}");
            assert!(one.is_ascii(), "{one}");
            assert!(!other.is_ascii(), "{other} is not Chinese");
            assert_eq!(placeholders(one), placeholders(other), "{rule:?}");
            assert!(placeholders(one).iter().all(|name| ["value", "limit"].contains(name)));
        }
        let has_limit = placeholders(en.text).contains("limit");
        let is_told = Rule::OF_ACCOUNTS.contains(rule);
        assert_eq!(has_limit, rule.limit().is_some() || is_told, "{rule:?}");
    }
}

#[test]
fn codes_are_unique_and_in_order_and_found_again() {
    let codes: Vec<_> = Rule::ALL.iter().map(|rule| rule.code()).collect();
    assert!(codes.windows(2).all(|pair| pair[0] < pair[1]), "{codes:?}");
    let titles: BTreeSet<_> = Rule::ALL.iter().map(|rule| rule.both()[0].title).collect();
    assert_eq!(titles.len(), codes.len(), "two rules have one title");
    for rule in Rule::ALL {
        assert_eq!(Rule::of_code(rule.code()), Some(*rule));
    }
    assert_eq!(Rule::of_code("XMC-A999"), None);
}

#[test]
fn each_alert_of_the_desk_has_the_rule_of_its_own_number() {
    for kind in AlertKind::ALL {
        let rule = Rule::of_alert(*kind);
        assert_eq!(rule.code(), format!("XMC-A{:03}", kind.code()), "{kind:?}");
        assert!(rule.severity().is_some(), "{kind:?} is told if nothing is configured");
        assert_ne!(rule.ends(), Ends::Once, "{kind:?}");
    }
}

#[test]
fn figures_stand_where_the_words_name_them() {
    let [en, zh] = Rule::OneSided.both();
    assert!(en.text_of(2_500, 2_000).contains("2500 ms (limit 2000 ms)"));
    assert!(zh.text_of(2_500, 2_000).contains("2500 毫秒 (限额 2000 毫秒)"));
}

#[test]
fn alerts_are_told_apart_by_rule_and_labels_alone() {
    let of = |rule, spread: &str| fingerprint(rule, &labels([("spread", spread)]));
    assert_eq!(of(Rule::SpreadHalted, "a"), of(Rule::SpreadHalted, "a"));
    assert_ne!(of(Rule::SpreadHalted, "a"), of(Rule::SpreadHalted, "b"));
    assert_ne!(of(Rule::SpreadHalted, "a"), of(Rule::OneSided, "a"));
    let split = fingerprint(Rule::Killed, &labels([("a", "bc")]));
    assert_ne!(split, fingerprint(Rule::Killed, &labels([("ab", "c")])));
}

//! The files of the page: which words they ask for, what they are made of.

use super::client::get;
use super::web;
use serde_json::Value;
use std::collections::BTreeSet;

const FILES: [&str; 4] = ["/", "/screen.js", "/panels.js", "/dialogs.js"];

/// What stands between `before` and the next quotation mark, wherever `before` stands.
fn between<'t>(text: &'t str, before: &'t str) -> impl Iterator<Item = &'t str> {
    text.split(before).skip(1).filter_map(|rest| rest.split('"').next())
}

/// The names in quotation marks between `before` and the next closing bracket.
fn names<'t>(text: &'t str, before: &'t str) -> impl Iterator<Item = &'t str> {
    let calls = text.split(before).skip(1).filter_map(|rest| rest.split(')').next());
    let quoted = calls.flat_map(|call| call.split('"').skip(1).step_by(2));
    quoted.filter(|name| name.starts_with(|c: char| c.is_ascii_uppercase()))
}

fn keys(words: &Value) -> BTreeSet<String> {
    let kinds = words.as_object().expect("kinds").iter();
    let all = kinds.flat_map(|(kind, codes)| {
        let codes = codes.as_object().expect("codes").iter();
        codes.map(move |(code, word)| {
            assert!(word.is_string(), "{kind}.{code}");
            format!("{kind}.{code}")
        })
    });
    all.collect()
}

#[test]
fn both_languages_have_every_word_that_the_page_asks_for() {
    let web = web();
    let words = get(&web, "/api/words").json();
    assert_eq!((words["schema"].as_str(), words["lang"].as_str()), (Some("xmc.words"), Some("en")));
    let (en, zh) = (keys(&words["en"]), keys(&words["zh"]));
    assert_eq!(en, zh);
    assert!(en.len() > 200, "{} words", en.len());
    let mut asked = 0;
    for file in FILES {
        let text = get(&web, file).body;
        let called = ["label(", "L(", "figure("].into_iter().flat_map(|call| names(&text, call));
        for name in called.chain(between(&text, "data-word=\"")) {
            assert!(en.contains(&format!("label.{name}")), "{file} asks for {name}");
            asked += 1;
        }
        for (kind, mark) in [
            ("side", "word(\"side\", \""),
            ("order", "word(\"order\", \""),
            ("gate", "word(\"gate\", \""),
        ] {
            for code in between(&text, mark) {
                assert!(en.contains(&format!("{kind}.{code}")), "{file} asks for {kind}.{code}");
            }
        }
    }
    assert!(asked > 60, "{asked} words");
    for (kind, code) in [("gate", "quote_skew"), ("safe", "NO_NEW"), ("channel", "single_line")] {
        assert_ne!(words["en"][kind][code], words["zh"][kind][code]);
    }
    // Words that traders of both sides know.
    for (name, zh) in [("Position", "净仓"), ("Spread", "点差"), ("Exposure", "敞口")] {
        assert_eq!(words["zh"]["label"][name], zh);
    }
}

#[test]
fn the_page_and_all_that_it_loads_are_there() {
    let web = web();
    let page = get(&web, "/");
    let loaded: Vec<_> =
        between(&page.body, "src=\"").chain(between(&page.body, "href=\"")).collect();
    assert!(loaded.len() >= 5, "{loaded:?}");
    for name in loaded {
        let answer = get(&web, &format!("/{name}"));
        assert_eq!(answer.status, 200, "{name}");
        let kind = answer.header("content-type").expect("a kind").to_owned();
        let is_right = |end: &str, part: &str| !name.ends_with(end) || kind.contains(part);
        assert!(is_right(".js", "javascript") && is_right(".css", "css"), "{name}: {kind}");
    }
    assert!(get(&web, "/uplot.LICENSE").body.contains("The MIT License"));
}

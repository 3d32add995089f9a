//! That the page can be used by who does not see well and by who has no mouse: a checker in the
//! page (`accessible.js`, which says what it holds to), and the tab key pressed through all of it.

use super::chromium::Browser;
use super::web;
use crate::monitor::rig::{Answer, Rig};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use xmc_hotpath::time::Span;

const CHECKER: &str = include_str!("accessible.js");

/// Answers for the page's forms, so that they are looked at with something in them: no engine runs.
const ANSWERS: &str = include_str!("answers.js");

/// A page over two markets of which one pair is out of ratio; its moments have stopped coming.
fn browser(name: &str) -> Option<(Browser, super::Web)> {
    let mut browser = Browser::start(name, (1_440, 900))?;
    let mut rig = Rig::new(7);
    rig.run(Span(3_000_000_000));
    rig.planned.push_back(Answer::Break);
    rig.run(Span(4_000_000_000));
    let mut web = web();
    web.show(rig.view());
    browser.open(&web.url());
    browser.wait_for("document.querySelectorAll('.row').length === 4");
    browser.value(ANSWERS);
    Some((browser, web))
}

fn press(browser: &mut Browser, key: &str, code: u32) {
    for kind in ["rawKeyDown", "keyUp"] {
        let params = json!({
            "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code,
        });
        browser.ask("Input.dispatchKeyEvent", &params);
    }
}

fn check(browser: &mut Browser, what: &str, found: &mut Vec<String>) {
    let told = browser.value(CHECKER);
    let measured = told["measured"].as_u64().expect("a number");
    assert!(measured > 4, "{what}: {measured} texts were looked at");
    let findings = told["findings"].as_array().expect("a list").iter();
    found.extend(findings.map(|one| format!("{what}: {}", one.as_str().expect("words"))));
}

/// Opens a form, with something in it.
fn fill(browser: &mut Browser, which: &str) {
    let click = |id: &str| format!("document.getElementById('{id}').click()");
    browser.value(&click(&format!("open-{which}")));
    browser.wait_for(&format!("document.querySelector('#{which}[open]') !== null"));
    if which == "actions" {
        browser.wait_for("document.querySelector('#command option') !== null");
        browser.value(&click("prepare"));
        browser.wait_for("document.getElementById('needs').textContent !== ''");
        let put = "document.getElementById('signed').value = 'x';
                   document.getElementById('signed').dispatchEvent(new Event('input'))";
        browser.value(put);
        browser.value(&click("give"));
        browser.wait_for("document.querySelector('#given b') !== null");
        // What was handed over may be handed over again.
        browser.wait_for("document.getElementById('give').disabled === false");
    } else {
        browser.value(&click("search-record"));
        browser.wait_for("document.querySelectorAll('#receipt-rows tbody tr').length === 2");
    }
}

#[test]
fn names_contrast_and_tables_are_right_in_both_themes_and_languages() {
    let Some((mut browser, _web)) = browser("web_accessible") else { return };
    let mut found = Vec::new();
    browser.wait_for("document.querySelector('#stale').hidden === false");
    for lang in ["zh-CN", "en"] {
        browser.press("l");
        browser.wait_for(&format!("document.documentElement.lang === '{lang}'"));
        for _ in 0..2 {
            browser.press("t");
            let theme = browser.value("document.documentElement.dataset.theme").to_string();
            for colours in 0..2 {
                browser.press("c");
                check(&mut browser, &format!("{lang} {theme} {colours}"), &mut found);
            }
            for which in ["actions", "receipts"] {
                fill(&mut browser, which);
                check(&mut browser, &format!("{which} {lang} {theme}"), &mut found);
                if which == "receipts" {
                    browser.value("document.querySelector('#receipt-rows button').click()");
                    browser.wait_for("document.getElementById('story').hidden === false");
                    check(&mut browser, &format!("story {lang} {theme}"), &mut found);
                    browser.value("document.getElementById('story-back').click()");
                }
                browser.value(&format!("document.getElementById('{which}').close()"));
            }
        }
    }
    let found: BTreeSet<_> = found.into_iter().collect();
    let lines: Vec<_> = found.iter().map(String::as_str).collect();
    assert!(found.is_empty(), "{} findings:\n{}", found.len(), lines.join("\n"));
    assert_eq!(browser.complaints, Vec::<String>::new());
}

/// What the tab key can reach, as the page is now.
const REACHABLE: &str = include_str!("reachable.js");

/// Which of them has the focus, and whether that is seen: an outline of two pixels, 3 to 1.
const FOCUSED: &str = include_str!("focused.js");

#[test]
fn the_tab_key_reaches_every_control_and_where_it_is_is_seen() {
    let Some((mut browser, _web)) = browser("web_tabs") else { return };
    for theme in 0..2 {
        for which in ["", "actions", "receipts"] {
            if !which.is_empty() {
                fill(&mut browser, which);
            }
            let names = browser.value(REACHABLE);
            let names: Vec<String> = serde_json::from_value(names).expect("names");
            assert!(names.len() >= 5, "{names:?}");
            let mut reached = BTreeSet::new();
            // More than once around: the browser itself has places between the ends.
            for _ in 0..2 * names.len() + 6 {
                press(&mut browser, "Tab", 9);
                let focused = browser.value(FOCUSED);
                let Some(place) = focused["place"].as_u64() else { continue };
                let name = &names[usize::try_from(place).expect("few")];
                assert_eq!(focused["seen"], Value::Bool(true), "the focus is not seen on {name}");
                let contrast = focused["contrast"].as_f64().expect("a number");
                assert!(contrast >= 3.0, "the focus on {name} has {contrast:.2} to 1");
                reached.insert(place);
            }
            let missed = names.iter().zip(0..).filter(|(_, place)| !reached.contains(place));
            let missed: Vec<_> = missed.map(|(name, _)| name).collect();
            assert!(missed.is_empty(), "{which} {theme}: the tab key does not reach {missed:?}");
            if !which.is_empty() {
                // The key that shuts it, and the focus is back where it came from.
                press(&mut browser, "Escape", 27);
                browser.wait_for("document.querySelector('dialog[open]') === null");
            }
        }
        browser.press("t");
    }
    assert_eq!(browser.complaints, Vec::<String>::new());
}

/// The checker itself: each of its rules finds what it is for.
#[test]
fn the_checker_finds_what_is_planted() {
    let Some((mut browser, _web)) = browser("web_planted") else { return };
    let planted = [
        ("<button></button>", "button has no name"),
        ("<input>", "input has no name"),
        ("<p style>pale</p>", "p in main: "),
        ("<table><tr><td>1</td></tr></table>", "has columns without a header"),
        ("<div tabindex='3' aria-label='x'></div>", "makes an order of its own"),
        ("<div id='theme'></div>", "#theme is there twice"),
    ];
    for (markup, finding) in planted {
        let markup = serde_json::to_string(markup).expect("it is text");
        browser.value(&format!(
            "(() => {{ const made = new DOMParser().parseFromString({markup}, 'text/html').body;
             const one = document.importNode(made.firstChild, true);
             one.style.color = 'rgb(120, 120, 120)'; one.style.background = 'rgb(128, 128, 128)';
             one.dataset.planted = ''; document.querySelector('main').append(one); }})()"
        ));
        let told = browser.value(CHECKER);
        let findings = told["findings"].as_array().expect("a list");
        let is_found = findings.iter().any(|one| one.as_str().unwrap_or("").contains(finding));
        assert!(is_found, "{finding} is not among {findings:?}");
        browser.value("document.querySelectorAll('[data-planted]').forEach((one) => one.remove())");
    }
    browser.value("document.documentElement.lang = ''");
    assert!(browser.value(CHECKER)["findings"].to_string().contains("the page is in"));
}

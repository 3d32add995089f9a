//! The page in a browser: it shows live figures, in both languages, and complains of nothing.

use super::chromium::Browser;
use super::{lively, web};
use crate::journal::scratch::Scratch;
use crate::monitor::rig::{Answer, Rig};
use serde_json::json;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use xmc_hotpath::time::Span;

const DESK: (u32, u32) = (1_440, 900);
const PHONE: (u32, u32) = (390, 844);

/// What the page says all in all.
const TEXT: &str = "document.body.innerText";

#[test]
fn the_demo_is_seen_live_and_nothing_is_complained_of() {
    let Some(mut browser) = Browser::start("web_demo", DESK) else { return };
    let scratch = Scratch::new("web_demo_record");
    let mut demo = Command::new(env!("CARGO_BIN_EXE_xmc"));
    demo.current_dir(env!("CARGO_MANIFEST_DIR"));
    demo.args(["demo", "--lang", "en", "--web", "127.0.0.1:0", "--seconds", "20", "--record"]);
    demo.arg(scratch.path("record")).stdout(Stdio::piped());
    let mut demo = demo.spawn().expect("xmc runs");
    let mut lines = BufReader::new(demo.stdout.take().expect("it is piped")).lines();
    let url = lines
        .by_ref()
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("Screen: ").map(str::to_owned));
    // What it goes on to say is nobody's business, but has to go somewhere.
    let rest = std::thread::spawn(move || lines.map_while(Result::ok).count());
    browser.open(&url.expect("its address is printed"));
    browser.wait_for("document.body !== null && document.body.dataset.live === 'true'");
    browser.wait_for("document.querySelectorAll('.depth .best').length === 4");
    browser.wait_for("document.querySelector('#safe').textContent === 'NORMAL'");
    // Figures move: fires are counted while one looks.
    let fires = "document.querySelectorAll('#totals dd')[1].textContent";
    browser.wait_for(&format!("Number({fires}) > 0"));
    let before = browser.value(fires);
    browser.wait_for(&format!("{fires} !== {before}"));
    browser.wait_for("document.querySelectorAll('.event.filled').length > 0");
    browser.wait_for("document.querySelector('#plot canvas') !== null");
    let text = browser.value(TEXT).to_string();
    for part in ["SIMULATED VENUES", "cu_hg", "HGU6", "no alerts", "tick to order", "tradable"] {
        assert!(text.contains(part) || text.contains("! "), "without {part}: {text}");
    }
    assert_eq!(browser.value("location.search"), "", "the token is not left in the address");
    browser.press("l");
    browser.wait_for(&format!("{TEXT}.includes('净仓') && {TEXT}.includes('可成交量')"));
    browser.press("3");
    browser.wait_for("document.querySelector('.middle h3').textContent.startsWith('au_gc')");
    assert_eq!(browser.complaints, Vec::<String>::new());
    let ended = demo.wait().expect("it ends");
    assert!(ended.code().is_some_and(|code| code <= 1), "{ended}");
    rest.join().expect("it reads");
    // The engine is gone: the page says so by itself.
    browser.wait_for("document.querySelector('#stale').hidden === false");
    assert!(browser.value(TEXT).to_string().contains("引擎无消息"));
}

#[test]
fn keys_turn_theme_colours_and_pair() {
    let Some(mut browser) = Browser::start("web_keys", DESK) else { return };
    let mut web = web();
    web.show(lively());
    browser.open(&web.url());
    browser.wait_for("document.querySelectorAll('.row').length === 4");
    let chosen = "document.querySelector('.row[aria-selected=true] .name span').textContent";
    browser.wait_for(&format!("{chosen} === 'cu_hg'"));
    for (key, name) in [("ArrowDown", "au_gc"), ("ArrowUp", "cu_hg"), ("1", "cu_bc")] {
        browser.press(key);
        browser.wait_for(&format!("{chosen} === '{name}'"));
    }
    let root = "document.documentElement.dataset";
    let theme = browser.value(&format!("{root}.theme"));
    browser.press("t");
    browser.wait_for(&format!("{root}.theme !== {theme}"));
    // Green is up in English until somebody wants it otherwise; a sign stands beside either.
    let up = "getComputedStyle(document.querySelector('.depth .bid')).color";
    let green = browser.value(up);
    browser.press("c");
    browser.wait_for(&format!("{root}.colours === 'cn' && {up} !== {green}"));
    assert_eq!(browser.complaints, Vec::<String>::new());
}

/// Exposure has one colour in both themes, and a word and a sign beside it.
#[test]
fn exposure_is_orange_everywhere_and_said_in_words() {
    let Some(mut browser) = Browser::start("web_exposed", PHONE) else { return };
    let mut rig = Rig::new(7);
    rig.run(Span(3_000_000_000));
    rig.planned.push_back(Answer::Break);
    rig.run(Span(4_000_000_000));
    let view = rig.view();
    let row = view.pairs.iter().position(|pair| pair.is_exposed()).expect("one is broken");
    let mut web = web();
    web.show(view);
    browser.open(&format!("{}&pair={row}", web.url()));
    browser.wait_for("document.querySelector('.middle.exposed') !== null");
    let mut seen = Vec::new();
    for _ in 0..2 {
        for part in ["#exposed", ".row .tag.orange"] {
            let style = format!("getComputedStyle(document.querySelector('{part}'))");
            seen.push(browser.value(&format!("{style}.backgroundColor")));
        }
        browser.press("t");
    }
    assert!(seen.iter().all(|colour| *colour == seen[0]), "{seen:?}");
    assert!(browser.value(TEXT).to_string().contains("! UNHEDGED"));
    let banner = browser.value("document.querySelector('#exposed').textContent").to_string();
    assert!(banner.contains("lots"), "{banner}");
    assert_eq!(browser.complaints, Vec::<String>::new());
    // A phone shows it without being moved sideways.
    assert_eq!(browser.value("document.documentElement.scrollWidth <= innerWidth"), json!(true));
}

/// Whatever a configuration or a venue calls things, it is text.
#[test]
fn hostile_names_are_text() {
    const NAMES: [&str; 3] = [
        "<img src=x onerror=document.title='owned'>",
        "</script><script>document.title='owned'</script>",
        "\"'><svg onload=document.title='owned'>${1}{{2}}",
    ];
    let Some(mut browser) = Browser::start("web_hostile", DESK) else { return };
    let mut view = lively();
    let mut setting = (*view.setting).clone();
    for (spread, name) in setting.spreads.iter_mut().zip(NAMES) {
        spread.name = name.to_owned();
        spread.unit = name.to_owned();
        spread.currency = name.to_owned();
    }
    for (row, instrument) in setting.instruments.iter_mut().enumerate() {
        instrument.name = NAMES[row % 3].to_owned();
        instrument.venue = NAMES[row % 3].to_owned();
        instrument.unit = NAMES[row % 3].to_owned();
    }
    for stream in setting.feeds.iter_mut().chain(&mut setting.gateways) {
        stream.name = NAMES[0].to_owned();
    }
    view.setting = Arc::new(setting);
    let mut web = web();
    web.show(view.clone());
    for (row, name) in NAMES.iter().enumerate() {
        browser.open(&format!("{}&pair={row}", web.url()));
        let shown = "document.querySelector('.middle h3 span')";
        let expected = serde_json::to_string(name).expect("it is text");
        browser.wait_for(&format!("{shown} !== null && {shown}.textContent === {expected}"));
        let made = "document.querySelectorAll('main img, main svg, main script').length";
        assert_eq!(browser.value(made), 0);
    }
    assert_eq!(browser.value("document.title"), "cross_market_connect");
    assert_eq!(browser.complaints, Vec::<String>::new());
}

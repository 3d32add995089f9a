//! `xmc backtest` as a program: a journal, a capture, its record, its page, what it refuses.

use super::{report_of, text_of};
use crate::journal::scratch::Scratch;
use crate::{firing, shared};
use cross_market_connect::sim::backtest::sink::{self, Journal, Sink};
use cross_market_connect::sim::record;
use cross_market_connect::sim::score::market::{MarketTerms, Path as Market};
use cross_market_connect::sim::score::play::{START, WIRE, play, spread};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use xmc_hotpath::record::frame;

const CAPTURE: &str = "captures/cme/mdp3_v6_ch340_20161112.pcapng";

/// A journal of twenty seconds in the score's market.
fn journal(scratch: &Scratch) -> PathBuf {
    let path = Market::draw(3, &MarketTerms { seconds: 20, life_ms: 500 }, START);
    let played = play(&path, &spread(), WIRE, None, 1).expect("every invariant holds");
    let directory = scratch.path("journal");
    record::write(&directory, &played.start, &played.record).expect("it is written");
    directory
}

/// A journal of runs of ten seconds each, whose configurations have these digests.
fn journal_of(scratch: &Scratch, name: &str, digests: &[u8]) -> PathBuf {
    let directory = scratch.path(name);
    sink::prepare(&directory).expect("it is there");
    let words = sink::words();
    for (digest, run) in digests.iter().zip(1_u16..) {
        let terms = MarketTerms { seconds: 10, life_ms: 500 };
        let path = Market::draw(u64::from(run), &terms, START);
        let played = play(&path, &spread(), WIRE, None, 1).expect("every invariant holds");
        let mut start = played.start;
        (start.identity.run, start.config_digest) = (run, [*digest; 32]);
        let mut journal = Journal::begin(&directory, &words, &start).expect("it begins");
        let mut rest = &played.record[..];
        while !rest.is_empty() {
            let (_, _, after) = frame::split(rest).expect("whole records");
            journal.add(&rest[..rest.len() - after.len()]).expect("it is written");
            journal.settle(start.now).expect("it is written");
            rest = after;
        }
        journal.finish(start.now).expect("it is sealed");
    }
    directory
}

/// Names, rates and fees of one configuration say nothing of a run of another.
#[test]
fn runs_of_different_configurations_are_no_one_figure() {
    let scratch = Scratch::new("backtest_runs");
    let journal = journal_of(&scratch, "journal", &[1, 1, 2, 1]);
    let path = text_of(&journal);
    let fires = |args: &[&str]| {
        let (exit, report) = report_of(&[&["backtest", path], args].concat());
        assert_eq!(exit, 0, "{report}");
        (report["runs"].as_u64(), report["pairs"][0]["all"]["fires"].as_u64().expect("fires"))
    };
    let refused = |args: &[&str], word: &str| {
        let output = xmc(&[&["backtest", path], args].concat());
        let why = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), why.contains(word)), (Some(3), true), "{word}: {why}");
    };
    refused(&[], "2 configurations: one of runs 1 to 2 and 4; one of run 3.");
    refused(&[], "--run N");
    refused(&["--run", "5"], "the record has no run 5: it has runs 1 to 4");
    let [one, three] = ["1", "3"].map(|run| fires(&["--run", run]));
    assert_eq!((one.0, three.0), (Some(1), Some(1)));
    assert_ne!(one.1, three.1);
    // What was set up alike is one figure, and the sum of its runs.
    let same = journal_of(&scratch, "same", &[1, 1, 1]);
    let (exit, all) = report_of(&["backtest", text_of(&same)]);
    let sum: u64 = ["1", "2", "3"].map(|run| fires(&["--run", run]).1).iter().sum();
    assert_eq!((exit, all["pairs"][0]["all"]["fires"].as_u64()), (0, Some(sum)));
}

fn xmc(args: &[&str]) -> Output {
    let xmc = env!("CARGO_BIN_EXE_xmc");
    Command::new(xmc).args(args).env("LANG", "C").output().expect("xmc runs")
}

fn printed(args: &[&str]) -> String {
    let output = xmc(args);
    let why = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{args:?}: {why}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// What follows from source and seed: not how fast it went.
fn without_speed(mut report: Value) -> Value {
    let fields = report.as_object_mut().expect("an object");
    assert!(fields.remove("speed").is_some_and(|speed| speed["seconds"].is_number()));
    report
}

#[test]
fn a_journal_is_played_told_and_recorded() {
    let scratch = Scratch::new("backtest");
    let journal = journal(&scratch);
    let record = scratch.path("record");
    let page = scratch.path("page.html");
    let (journal, record, page) = (text_of(&journal), text_of(&record), text_of(&page));
    let told =
        printed(&["backtest", journal, "--record", record, "--html", page, "--split", "60%"]);
    for words in [
        "SIMULATED venues on the market of a journal: 1 run",
        "in sample up to",
        "queue proportional, source without trades",
        "orders 500 to 1000 us, reports 500 to 1000 us",
        "million events/s on one core, a journal written",
        "out of sample",
        "one-sided lot s",
        "own orders move nothing",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let chinese = printed(&["backtest", journal, "--split", "60%", "--lang", "zh"]);
    for words in ["模拟交易所: 1 次运行", "以内为样本内", "报单 500 至 1000 us", "百万事件, 未留痕"]
    {
        assert!(chinese.contains(words), "{words}: {chinese}");
    }
    for words in ["SIMULATED", "in sample", "orders", "events", "commit", "speed", "played"] {
        assert!(!chinese.contains(words), "{words}: {chinese}");
    }
    let html = fs::read_to_string(page).expect("it is written");
    assert!(html.matches("<svg").count() == 3 && html.ends_with("</body></html>\n"), "{html}");
    assert!(html.contains("default-src 'none'") && !html.contains("<script"));
    assert!(html.contains("What the model assumes") && html.contains("id=\"repairs\""));
    // The record is one like any other.
    printed(&["audit", "verify", record]);
    let replayed = printed(&["replay", "--verify", record]);
    assert!(replayed.contains("equal"), "{replayed}");
    let (exit, figures) = report_of(&["backtest", journal]);
    assert_eq!((exit, &figures["schema"]), (0, &Value::from("xmc.backtest")));
    let fires = &figures["pairs"][0]["all"]["fires"];
    assert!(fires.as_u64().is_some_and(|fires| fires > 10), "{figures}");
    let day =
        printed(&["audit", "report", record, "--recount", "--sheet", "pairs", "--format", "csv"]);
    let column = |key: &str| {
        let mut lines = day.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let keys = lines.next().expect("a line of keys");
        let place = keys.iter().position(|known| *known == key).expect("the column is there");
        lines.next().expect("a pair")[place].to_owned()
    };
    assert_eq!(column("fires"), fires.to_string(), "{day}");
    // Once more into the same directory would mix two stories.
    let again = xmc(&["backtest", journal, "--record", record]);
    assert_eq!(again.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&again.stderr).contains("there is a journal already"));
}

/// The same seed gives the same figures and the same files, byte for byte; another one others.
#[test]
fn the_same_seed_gives_the_same_journal() {
    let scratch = Scratch::new("backtest_seed");
    let journal = journal(&scratch);
    let segments = |name: &str, seed: &str| {
        let record = scratch.path(name);
        printed(&["backtest", text_of(&journal), "--record", text_of(&record), "--seed", seed]);
        fs::read(record.join("00000001.xmj")).expect("a segment")
    };
    assert!(segments("one", "7") == segments("same", "7"));
    assert!(segments("other", "8") != segments("again", "7"));
    let of =
        |seed: &str| without_speed(report_of(&["backtest", text_of(&journal), "--seed", seed]).1);
    assert_eq!(of("7"), of("7"));
    assert_ne!(of("7")["pairs"], of("8")["pairs"]);
}

#[test]
fn a_grid_gives_the_same_on_one_core_and_on_two() {
    let scratch = Scratch::new("backtest_sweep");
    let journal = journal(&scratch);
    let words = |threads: &'static str| {
        let grid = ["--sweep", "spread #0.buy_open=-0.06:-0.03:0.01", "--threads", threads];
        [&["backtest", text_of(&journal), "--split", "50%", "--best", "exposure"][..], &grid]
            .concat()
    };
    let [one, two] = ["1", "2"].map(|threads| report_of(&words(threads)));
    assert_eq!(one, two);
    let (exit, report) = one;
    assert_eq!((exit, &report["schema"]), (0, &Value::from("xmc.backtest.sweep")));
    assert_eq!(report["points"].as_array().map(Vec::len), Some(4), "{report}");
    assert!(report["best"].is_string() && report["points"][0]["out_of_sample"].is_object());
    let told = printed(&words("2"));
    assert!(told.contains("best       spread #0.buy_open=") && told.contains("warning"), "{told}");
}

/// A capture goes through the production decode; its trades move queues.
#[test]
fn a_capture_is_a_source() {
    let Some(capture) = shared::data(CAPTURE) else { return };
    let scratch = Scratch::new("backtest_capture");
    let config = scratch.path("firing.toml");
    let text = firing::text() + "\n[backtest]\nseed = 5\norder_us = 200\norder_spread_us = 100\n";
    fs::write(&config, text).expect("the configuration is written");
    let record = scratch.path("record");
    let words = ["backtest", text_of(&capture), "--config", text_of(&config)];
    let (exit, report) = report_of(&[&words[..], &["--record", text_of(&record)]].concat());
    assert_eq!(exit, 0, "{report}");
    assert_eq!(report["source_kind"], "capture");
    assert_eq!((&report["has_trades"], &report["seed"]), (&Value::from(true), &Value::from(5)));
    assert_eq!(report["venues"][0]["order_us"], serde_json::json!([200, 300]));
    let pair = &report["pairs"][0];
    assert_eq!((&pair["name"], &pair["currency"]), (&Value::from("calendar"), &Value::from("USD")));
    assert!(pair["all"]["fires"].as_u64().is_some_and(|fires| fires > 3), "{}", pair["all"]);
    // On paper each fire is filled whole. Here a leg misses, and the sample repairs nothing.
    let all = &pair["all"];
    assert_eq!((&all["one_sided"], &all["halted"]), (&Value::from(1), &Value::from(1)), "{all}");
    printed(&["audit", "verify", text_of(&record)]);
    printed(&["replay", "--verify", text_of(&record)]);
    // Without a configuration nobody knows what in it is a feed.
    let refused = xmc(&["backtest", text_of(&capture)]);
    assert_eq!(refused.status.code(), Some(3));
    // Its own record is a source as well, and another configuration is found by numbers.
    let (exit, again) = report_of(&["backtest", text_of(&record), "--config", text_of(&config)]);
    assert_eq!(exit, 0, "{again}");
    assert_eq!(again["has_trades"], false);
    assert!(again["pairs"][0]["all"]["fires"].as_u64().is_some_and(|fires| fires > 3));
}

#[test]
fn what_cannot_be_played_is_refused() {
    let scratch = Scratch::new("backtest_refused");
    let journal = journal(&scratch);
    let segment = journal.join("00000001.xmj");
    let refused = |args: &[&str], exit: i32, word: &str| {
        let output = xmc(&[&["backtest"], args].concat());
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert_eq!(output.status.code(), Some(exit), "{said}");
        assert!(said.contains(word), "{word}: {said}");
    };
    let path = text_of(&journal);
    refused(&[path, "--split", "100%"], 3, "a share is from 1% to 99%");
    refused(&[path, "--split", "2026-11-21T06:00:00Z"], 3, "no run at that moment");
    refused(&[path, "--split", "noon"], 3, "write 2026-11-21T06:00:00Z");
    refused(&[path, "--sweep", "au.buy_open=1:2:1"], 3, "there is no pair");
    refused(&[text_of(Path::new("nowhere"))], 2, "cannot read nowhere");
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/replay_calendar.toml");
    refused(&[path, "--config", text_of(&sample)], 3, "the record has no quotes of it");
    let bad = scratch.path("bad.toml");
    let text = firing::text() + "\n[backtest]\nmax_messages = 5\n";
    fs::write(&bad, &text).expect("it is written");
    let line = text.lines().position(|line| line == "[backtest]").expect("it is there") + 1;
    refused(&[path, "--config", text_of(&bad)], 3, &format!("bad.toml:{line}:"));
    refused(&[path, "--config", text_of(&bad)], 3, "XMC-C141");
    let mut bytes = fs::read(&segment).expect("the segment");
    let middle = bytes.len() / 3;
    bytes[middle] ^= 1;
    fs::write(&segment, bytes).expect("it is written");
    refused(&[path], 1, "the journal is not whole");
}

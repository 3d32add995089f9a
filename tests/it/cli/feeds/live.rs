//! `xmc feeds --config` beside the simulated venues: what it counts is what they send.

use crate::cli::run::{files, sample};
use crate::journal::scratch::Scratch;
use cross_market_connect::venue::simulated::Venues;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// Pictures of a run of so many seconds, and how it ended.
fn pictures(config: &Path, seconds: u64) -> (Vec<Value>, Option<i32>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xmc"));
    command.args(["feeds", "--json", "--every-ms", "500", "--seconds", &seconds.to_string()]);
    let output = command.arg("--config").arg(config).output().expect("xmc runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let read = |line: &str| serde_json::from_str(line).expect("JSON");
    (text.lines().map(read).collect(), output.status.code())
}

#[test]
fn feeds_are_followed_without_an_engine_and_a_venue_that_is_gone_shows() {
    let scratch = Scratch::new("feeds_live");
    let mut config = sample();
    let venues = Venues::open(&config, 42, None).expect("loopback has room");
    venues.address(&mut config);
    let path = files(&scratch, &config);
    let (seen, code) = pictures(&path, 5);
    let last = seen.last().expect("a picture");
    let feeds = last["feeds"].as_array().expect("feeds");
    assert_eq!((feeds.len(), code), (config.feeds.len(), Some(0)), "{last}");
    for feed in feeds {
        assert_eq!(feed["state"], "live", "{last}");
        assert_eq!(feed["books"]["sound"], feed["books"]["of"], "{last}");
        assert_eq!((&feed["missing"], &feed["recovered"]), (&0.into(), &1.into()), "{last}");
        let [a, b] = [0, 1].map(|line| feed["lines"][line]["packets"].as_u64().expect("a count"));
        assert!(a > 3 && a.abs_diff(b) <= 1 + a / 4, "{last}");
        // Venue and host have one clock.
        let offset = feed["clock"]["offset_ns"].as_i64();
        assert!(
            feed["state"] != "live" || offset.is_none_or(|ns| ns.abs() < 1_000_000_000),
            "{last}"
        );
        assert_eq!(feed["audit"]["differences"], 0, "{last}");
        for known in feed["days"].as_array().expect("days") {
            let day = &known["day"];
            let price = |name: &str| day[name].as_str().and_then(|text| text.parse::<f64>().ok());
            let told = ["limit_low", "settlement", "limit_high"].map(price);
            assert!(told.is_sorted() && told.iter().all(Option::is_some), "{last}");
            assert_eq!(day["settled"], "final", "{last}");
        }
    }
    let days = feeds.iter().map(|feed| feed["days"].as_array().map_or(0, Vec::len));
    assert_eq!(days.sum::<usize>(), config.instruments.len(), "{last}");
    let audited = feeds.iter().any(|feed| feed["audit"]["books"].as_u64() > Some(0));
    assert!(audited, "the snapshots of CME are compared: {last}");
    venues.stop().expect("they run");
    let (seen, code) = pictures(&path, 1);
    let last = seen.last().expect("a picture");
    assert_eq!(code, Some(1), "{last}");
    for feed in last["feeds"].as_array().expect("feeds") {
        assert_ne!(feed["state"], "live", "{last}");
    }
}

#[test]
fn a_configuration_without_a_feed_to_follow_says_what_it_lacks() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xmc"));
    let output = command.args(["feeds", "--config", "config/replay_calendar.toml"]).output();
    let output = output.expect("xmc runs");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(told.contains("join = \"recover\""), "{told}");
}

//! `xmc resync` beside an engine that runs as a process: shown, asked for, explained by two people.

use crate::cli::run::{Engine, booked, files, sample};
use crate::cli::{report_of, text_of};
use crate::journal::scratch::Scratch;
use cross_market_connect::config::StatementPlace;
use cross_market_connect::resync;
use cross_market_connect::sim::exchange::ListingIndex;
use cross_market_connect::venue::simulated::{ACCOUNT, Venues};
use serde_json::Value;
use std::process::Command;
use std::time::{Duration, Instant};
use xmc_hotpath::message::Side;

const PATIENCE: Duration = Duration::from_secs(150);

#[track_caller]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_difference_is_shown_explained_by_two_people_and_then_its_pair_trades() {
    let scratch = Scratch::new("resync_cli");
    let mut config = sample();
    let venues = Venues::open(&config, 71, None).expect("loopback has room");
    venues.address(&mut config);
    let file = files(&scratch, &config);
    let every = Duration::from_millis(200);
    let published = venues.publish(&config, &scratch.path("statements"), every, None);
    let (settings, publishers) = published.expect("they are ours");
    let mut text = std::fs::read_to_string(&file).expect("it was written");
    text = text.replace("desk_id = 1\n", "desk_id = 1\nrecord_late_ms = 20_000\n");
    text.push_str("\n[resync]\nevery_s = 1\nsettle_ms = 1_000\nvenue_wins = \"report\"\n");
    for source in &settings.sources {
        let (name, account) = (&source.name, &source.account);
        let place = match &source.place {
            StatementPlace::File(path) => format!("kind = \"file\"\npath = \"{}\"", text_of(path)),
            StatementPlace::Stream(at) => format!("kind = \"stream\"\naddress = \"{at}\""),
        };
        text.push_str(&format!(
            "\n[[resync.source]]\nname = \"{name}\"\ngateway = \"{name}\"\n\
             account = \"{account}\"\nmax_age_s = 120\nmoney_tolerance = \"1000000000\"\n{place}\n"
        ));
    }
    text.push_str("\n[control]\n");
    for (name, id) in [("alice", 11), ("bob", 12)] {
        let key = scratch.path(&format!("{name}.key"));
        let made = report_of(&["control", "keygen", text_of(&key), "--name", name]);
        let public = made.1["public_key"].as_str().expect("a key").to_owned();
        text.push_str(&format!(
            "\n[[operator]]\nname = \"{name}\"\nid = {id}\nkey = \"{public}\"\ncommands = \
             [\"explain\", \"enable\"]\nsecond = true\n"
        ));
    }
    std::fs::write(&file, text).expect("it is ours");
    let record = scratch.path("record");
    let engine = Engine::start(&file, &record, &[]);
    until("it trades", || booked(&venues).fills > 8);

    let (code, told) = report_of(&["resync", "now", "--wait", "140", "--record", text_of(&record)]);
    assert_eq!(code, 0, "{told}");
    let cycles = told["cycles"].as_array().expect("a list");
    assert!(!cycles.is_empty() && cycles.iter().all(|line| line["cause"] == "asked"), "{told}");

    let done = venues.cme.with(|shell, _| {
        let mut listings = shell.exchange().listings();
        let place = listings.position(|(_, one)| one.listing().symbol == "HGU6");
        let place = u16::try_from(place.expect("it is listed")).expect("few");
        drop(listings);
        shell.venue_mut().carry(ACCOUNT, ListingIndex(place), Side::Sell, 1);
    });
    assert!(done.is_some(), "the venue runs");
    let mut id = String::new();
    until("it is found", || {
        let (code, shown) = report_of(&["resync", "show", "--record", text_of(&record)]);
        let open = shown["open"].as_array().cloned().unwrap_or_default();
        let found = open.iter().find(|one| one["kind"] == "position");
        id = found.and_then(|one| one["id"].as_str()).unwrap_or_default().to_owned();
        assert!(id.is_empty() || code == 1, "{shown}");
        !id.is_empty()
    });
    let socket = record.join("control.sock");
    let status = || report_of(&["control", "status", "--socket", text_of(&socket)]).1;
    let state = |status: &Value| {
        let rows = status["spreads"].as_array().cloned().unwrap_or_default();
        let row = rows.into_iter().find(|row| row["name"] == "cu_hg").unwrap_or_default();
        row["state"].as_str().unwrap_or_default().to_owned()
    };
    until("its pair is closed", || state(&status()) == "reducing");

    let sign = |who: &str, words: &[&str]| {
        let key = scratch.path(&format!("{who}.key"));
        let more = ["--yes", "--socket", text_of(&socket), "--key", text_of(&key)];
        report_of(&[words, &more].concat())
    };
    // Whoever enables it meanwhile finds it closed again; and one person explains nothing.
    let words = ["resync", "explain", &id, "--why", "bought by telephone"];
    assert_eq!(sign("alice", &words).0, 4, "two sign it");
    let by_two = |name: &str, words: &[&str]| {
        let note = scratch.path(name);
        let (code, told) = sign("alice", &[words, &["--out", text_of(&note)]].concat());
        assert_eq!(code, 0, "{told}");
        let key = scratch.path("bob.key");
        let signed =
            report_of(&["control", "sign", text_of(&note), "--yes", "--key", text_of(&key)]);
        assert_eq!(signed.0, 0, "{}", signed.1);
        report_of(&["control", "send", text_of(&note), "--socket", text_of(&socket)])
    };
    let enable = ["enable", "--scope", "spread=cu_hg", "--reason", "in a hurry"];
    assert_eq!(by_two("enable.note", &enable).0, 0);
    until("it is closed again", || state(&status()) == "reducing");
    let (code, answer) = by_two("explain.note", &words);
    assert_eq!((code, &answer["outcome"]), (0, &Value::from("done")), "{answer}");
    until("it may open again", || state(&status()) == "enabled");
    let (_, shown) = report_of(&["resync", "show", "--record", text_of(&record)]);
    assert_eq!(shown["open"], Value::Array(Vec::new()), "{shown}");
    let explained = &shown["explained"][0];
    assert_eq!((&explained["id"], &explained["by"]), (&Value::from(id), &Value::from([11, 12])));
    let note = format!("commands/{}.note", explained["digest"].as_str().expect("a digest"));
    let text = std::fs::read_to_string(record.join(note)).expect("it is kept");
    assert!(text.contains("command: explain\nscope: instrument=hg\ndifference: "), "{text}");
    let pid = engine.0.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill runs").success());
    engine.end();
    drop(publishers);
}

/// Figures of two moments are not called the same; a cycle that found nothing says just that.
#[test]
fn a_cycle_that_found_nothing_does_not_call_figures_of_two_moments_the_same() {
    let scratch = Scratch::new("resync_words");
    let record = scratch.path("record");
    std::fs::create_dir_all(&record).expect("the disk has room");
    let show = |venue: i64, outcome: &str| {
        let line = serde_json::json!({
            "is": "cycle", "source": "cme", "run": 1, "cycle": 4, "cause": "timer",
            "outcome": outcome, "differences": [],
            "compared": {
                "statement": 9, "as_of": "2026-09-01T01:00:00Z", "input": 77,
                "orders_with_fills": 3,
                "positions": [{ "instrument": "hg", "venue": venue, "desk": -3 }],
            },
        });
        resync::report::append(&record, &[line]).expect("the disk has room");
        let output = Command::new(env!("CARGO_BIN_EXE_xmc"))
            .args(["resync", "show", "--record", text_of(&record)])
            .output()
            .expect("xmc runs");
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    for outcome in ["agree", "settled"] {
        let same = show(-3, outcome);
        assert!(same.contains("nothing differs") && !same.contains("two moments"), "{same}");
        let apart = show(-2, outcome);
        assert!(apart.contains("nothing differs") && apart.contains("two moments"), "{apart}");
        assert!(!apart.contains("the same"), "{apart}");
    }
}

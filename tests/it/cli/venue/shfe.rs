//! `xmc venue shfe` as a program: what it prints, that its ports answer, and that a kill loses
//! nothing.

use super::Process;
use crate::journal::scratch::Scratch;
use crate::place::Place;
use crate::venue::shfe::simulated::shell::client::Trader;
use cross_market_connect::secret::Secret;
use cross_market_connect::sim::exchange::Settings;
use cross_market_connect::venue::esunny::dstar::logon::Credentials;
use cross_market_connect::venue::ledger::LedgerClient;
use cross_market_connect::venue::shfe::simulated::shell::SIMULATED_PASSWORD;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use xmc_hotpath::message::{AccountId, OrderEventKind, PositionEffect, Side};

const ACCOUNT: AccountId = AccountId(10);

/// The sample's file with addresses of this test's own, in a folder of its own.
fn config(scratch: &Scratch) -> PathBuf {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/venue_shfe.toml");
    let mut text = std::fs::read_to_string(sample).expect("the sample");
    let place = Place::new();
    for (port, offset) in (19_210..19_214).zip(0..) {
        text = text.replace(&format!("127.0.0.1:{port}"), &place.port(offset).to_string());
    }
    // Groups told apart by the process: tests may run beside each other.
    let id = std::process::id().to_be_bytes();
    text = text.replace("239.192.", &format!("239.{}.", 128 | id[3] & 63));
    let store = scratch.path("store.jsonl");
    text = text.replace("xmc-venue-shfe.jsonl", store.to_str().expect("UTF-8"));
    let path = scratch.path("venue.toml");
    std::fs::write(&path, text).expect("a file for the test");
    path
}

fn command(config: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xmc"));
    command.args(["venue", "shfe", "--config"]).arg(config).args(more);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn it_tells_where_it_listens_and_what_happens_and_ends_in_time() {
    let scratch = Scratch::new("venue_shfe_cli");
    let config = config(&scratch);
    let mut process = Process::spawn(command(&config, &["--seconds", "3", "--json"]));
    assert_eq!(process.listening["event"], "listening");
    process.ledger().positions(ACCOUNT).expect("it answers");
    let told: Vec<serde_json::Value> = process
        .lines
        .by_ref()
        .map(|line| serde_json::from_str(&line.expect("UTF-8")).expect("JSON"))
        .collect();
    assert_eq!(process.child.wait().expect("it ends").code(), Some(0));
    let last = told.last().expect("there are some");
    assert_eq!(last["event"], "ended");
    assert!(last["packets"].as_u64() >= Some(8), "{last}");
    assert_eq!((&last["unsent"], &last["ledger_connections"]), (&0.into(), &1.into()));
    // As text it says the same.
    let output = command(&config, &["--seconds", "1"]).output().expect("xmc runs");
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    for part in ["simulated SHFE and INE, seed 1", "1001  A 239.", "88001 for account 10"] {
        assert!(text.contains(part), "{text}");
    }
}

/// The process is killed without warning between trades: the ledger is what its client was told,
/// and the client is told what it has not read yet.
#[test]
fn a_killed_process_comes_back_with_every_fill_that_was_told() {
    let scratch = Scratch::new("venue_shfe_cli");
    let config = config(&scratch);
    let upper_e9 = Settings::shfe(42, "2609").listings[0].upper_e9;
    let (mut told, mut replies) = (Vec::new(), 0);
    for round in 0..3 {
        let mut process = Process::spawn(command(&config, &["--json"]));
        let mut ledger = process.ledger();
        let booked = |ledger: &mut LedgerClient| -> Vec<_> {
            let rows = ledger.fills(ACCOUNT, 0).expect("it answers");
            rows.iter().map(|row| (row.price_e9, row.lots)).collect()
        };
        assert_eq!(booked(&mut ledger), told, "start {round}");
        let who = Credentials {
            account_no: "88001".into(),
            password: Secret::new(SIMULATED_PASSWORD),
            replies_seen: u32::try_from(replies).expect("a short test"),
        };
        let counter = process.listening["counter"].as_str().expect("it is there");
        let counter = counter.trim_end_matches(" (SIMULATED)").parse().expect("an address");
        let mut trader = Trader::log_on_at(counter, &who, b'T');
        let aim = told.len() + 3;
        while told.len() < aim {
            let news = trader.trade(0, Side::Buy, PositionEffect::Open, upper_e9, 1);
            let fills = news.iter().filter(|event| event.kind == OrderEventKind::Filled);
            told.extend(fills.map(|event| (event.price_e9, event.qty_lots)));
        }
        assert_eq!(booked(&mut ledger), told);
        replies += trader.replies();
        process.child.kill().expect("it runs");
        process.child.wait().expect("it is over");
        trader.is_ended();
    }
}

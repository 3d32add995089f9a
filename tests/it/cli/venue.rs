//! `xmc venue` as a program: what it prints, that its ports answer, how it ends, and that a kill
//! loses nothing.

mod shfe;

use crate::journal::scratch::Scratch;
use crate::place::Place;
use crate::venue::cme::simulated::shell::client::Client;
use cross_market_connect::sim::exchange::Settings;
use cross_market_connect::venue::cme::ilink3::logon::Credentials;
use cross_market_connect::venue::cme::ilink3::signature::SecretKey;
use cross_market_connect::venue::cme::simulated::shell::SIMULATED_KEY;
use cross_market_connect::venue::ledger::LedgerClient;
use std::io::{BufRead, BufReader, Lines};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;
use xmc_hotpath::message::{AccountId, Side};

const PATIENCE: Duration = Duration::from_secs(20);

/// The sample's file with addresses of this test's own, in a folder of its own.
fn config(scratch: &Scratch, edits: &[(&str, &str)]) -> PathBuf {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/venue_cme.toml");
    let mut text = std::fs::read_to_string(sample).expect("the sample");
    let place = Place::new();
    for (port, offset) in (19_310..19_313).zip(0..) {
        text = text.replace(&format!("127.0.0.1:{port}"), &place.port(offset).to_string());
    }
    // Groups told apart by the process: tests may run beside each other.
    let id = std::process::id().to_be_bytes();
    text = text.replace("239.192.", &format!("239.{}.", 128 | id[3] & 63));
    let store = scratch.path("store.jsonl");
    text = text.replace("xmc-venue-cme.jsonl", store.to_str().expect("UTF-8"));
    for (find, replace) in edits {
        assert!(text.contains(find), "the sample has no {find:?} to replace");
        text = text.replacen(find, replace, 1);
    }
    let path = scratch.path("venue.toml");
    std::fs::write(&path, text).expect("a file for the test");
    path
}

fn command(config: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xmc"));
    command.args(["venue", "cme", "--config"]).arg(config).args(more);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A venue as a process, killed when dropped.
pub struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    listening: serde_json::Value,
}

impl Process {
    fn start(config: &Path, more: &[&str]) -> Self {
        Self::spawn(command(config, more))
    }

    pub fn spawn(mut command: Command) -> Self {
        let mut child = command.spawn().expect("xmc runs");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let listening = lines.next().expect("it says where it listens").expect("UTF-8");
        let listening = serde_json::from_str(&listening).expect("JSON");
        Self { child, lines, listening }
    }

    pub fn address(&self, name: &str) -> SocketAddr {
        self.listening[name].as_str().expect("it is there").parse().expect("an address")
    }

    fn ledger(&self) -> LedgerClient {
        LedgerClient::connect(self.address("ledger"), PATIENCE).expect("it listens")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn credentials() -> Credentials {
    Credentials {
        session: "XM1".into(),
        firm: "XMC".into(),
        access_key_id: "simulated".into(),
        key: SecretKey::from_base64url(SIMULATED_KEY).expect("it is one"),
    }
}

#[test]
fn it_tells_where_it_listens_and_what_happens_and_ends_in_time() {
    let scratch = Scratch::new("venue_cli");
    let config = config(&scratch, &[]);
    let mut process = Process::start(&config, &["--seconds", "2", "--json"]);
    assert_eq!(process.listening["schema"], "xmc.venue");
    assert_eq!(process.listening["event"], "listening");
    process.ledger().positions(AccountId(77)).expect("it answers");
    let told: Vec<serde_json::Value> = process
        .lines
        .by_ref()
        .map(|line| serde_json::from_str(&line.expect("UTF-8")).expect("JSON"))
        .collect();
    assert_eq!(process.child.wait().expect("it ends").code(), Some(0));
    let events: Vec<_> = told.iter().map(|line| line["event"].as_str().unwrap_or("")).collect();
    assert!(events.len() >= 2 && events.last() == Some(&"ended"), "{events:?}");
    let last = told.last().expect("there are some");
    assert!(last["packets"].as_u64() > Some(200), "{last}");
    assert_eq!((&last["unsent"], &last["ledger_connections"]), (&0.into(), &1.into()));
    // As text it says the same.
    let output = command(&config, &["--seconds", "1"]).output().expect("xmc runs");
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    for part in ["simulated CME, seed 2", "incremental      A 239.", "XM1 of XMC for account 77"] {
        assert!(text.contains(part), "{text}");
    }
    assert!(text.lines().last().is_some_and(|line| line.contains(" s  packets ")), "{text}");
}

/// The process is killed without warning between trades: the ledger is what its client was told.
#[test]
fn a_killed_process_comes_back_with_every_fill_that_was_told() {
    let scratch = Scratch::new("venue_cli");
    let config = config(&scratch, &[]);
    let upper_e9 = Settings::cme(42, "U6").listings[0].upper_e9;
    let (mut told, mut last) = (Vec::new(), 0);
    for round in 0..3 {
        let mut process = Process::start(&config, &["--json"]);
        let mut ledger = process.ledger();
        let booked = |ledger: &mut LedgerClient| -> Vec<_> {
            let rows = ledger.fills(AccountId(77), 0).expect("it answers");
            rows.iter().map(|row| (row.client_id, row.price_e9, row.lots)).collect()
        };
        assert_eq!(booked(&mut ledger), told, "start {round}");
        let mut client = Client::log_on_at(process.address("ilink3"), credentials(), 10 + round);
        let aim = told.len() + 3;
        while told.len() < aim {
            let fills = client.trade(5_001, Side::Buy, upper_e9, 1);
            told.extend(fills.iter().map(|fill| (fill.order_id.0, fill.price_e9, fill.qty_lots)));
        }
        assert_eq!(booked(&mut ledger), told);
        let net = ledger.positions(AccountId(77)).expect("it answers")[0].net_lots;
        assert!(net > last);
        last = net;
        process.child.kill().expect("it runs");
        process.child.wait().expect("it is over");
        client.is_ended();
    }
}

/// A file may kill its venue and bring it back, to the same places and beyond its numbers.
#[test]
fn a_venue_that_is_to_restart_does() {
    let scratch = Scratch::new("venue_cli");
    let restart = "account = 77\n[[fault]]\nwhat = \"restart\"\nafter_ms = 1000\nfor_ms = 300";
    let path = config(&scratch, &[("account = 77", restart)]);
    let mut process = Process::start(&path, &["--seconds", "5", "--json"]);
    let last = process.lines.by_ref().last().expect("it says so").expect("UTF-8");
    let last: serde_json::Value = serde_json::from_str(&last).expect("JSON");
    assert!(last["last_seq_no"].as_u64() > Some(65_536), "{last}");
    assert_eq!(process.child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn ctrl_c_ends_it_in_order() {
    let scratch = Scratch::new("venue_cli");
    let config = config(&scratch, &[]);
    let mut process = Process::start(&config, &["--json"]);
    let mut client = Client::log_on_at(process.address("ilink3"), credentials(), 5);
    let id = process.child.id().to_string();
    let killed = Command::new("kill").args(["-INT", &id]).status().expect("it is there");
    assert!(killed.success());
    client.is_ended();
    let last = process.lines.by_ref().last().expect("it says so").expect("UTF-8");
    assert!(last.contains("\"event\":\"ended\""), "{last}");
    assert_eq!(process.child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn what_is_wrong_is_said_with_the_right_code() {
    let scratch = Scratch::new("venue_cli");
    let path = config(&scratch, &[]);
    let taken = Process::start(&path, &["--json"]);
    for (edits, args, code, said) in [
        (&[("seed = 2", "seed = -2")][..], &[][..], 3, "XMC-C010"),
        (&[], &["--seconds", "0"], 3, "--seconds"),
        (
            &[("account = 77", "account = 77\nkey_credential = \"XMC_NOT_SET\"")],
            &[],
            2,
            "XMC_NOT_SET",
        ),
        (&[("interface = \"127.0.0.1\"", "interface = \"nosuch0\"")], &[], 2, "nosuch0"),
        (&[], &["--start", "8000000000"], 2, "begins"),
        (&[], &["--start", "1000"], 2, "began"),
    ] {
        let own = Scratch::new("venue_cli");
        let output = command(&config(&own, edits), args).output().expect("xmc runs");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{edits:?} {args:?}: {text}");
        assert!(text.contains(said), "{edits:?} {args:?}: {text}");
    }
    // The same file again: its store is in use.
    let output = command(&path, &[]).output().expect("xmc runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("is used by a venue that runs"));
    // Its ports are.
    let other = scratch.path("other.toml");
    let text = std::fs::read_to_string(&path).expect("it is there");
    std::fs::write(&other, text.replace("store.jsonl", "other.jsonl")).expect("a file");
    let output = command(&other, &[]).output().expect("xmc runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot be listened on"));
    drop(taken);
}

//! `xmc run`: an engine that is killed again and again goes on with what it held.

use crate::journal::scratch::Scratch;
use cross_market_connect::config::{self, Configuration, Recovery};
use cross_market_connect::venue::cme::simulated::shell::SIMULATED_KEY;
use cross_market_connect::venue::ledger::LedgerClient;
use cross_market_connect::venue::simulated::Venues;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use xmc_hotpath::message::AccountId;

const ACCOUNT: AccountId = AccountId(1);
const PATIENCE: Duration = Duration::from_secs(60);
/// Where the credentials of a test lie, below its directory.
pub const CREDENTIALS: &str = "credentials";

/// The demonstration's configuration with the addresses of `venues`, as files.
pub fn files(scratch: &Scratch, config: &Configuration) -> PathBuf {
    let mut edits = vec![("interface = \"lo\"".to_owned(), "interface = \"127.0.0.1\"".to_owned())];
    let sample = sample();
    for (old, new) in sample.feeds.iter().zip(&config.feeds) {
        let mut group = |old: std::net::SocketAddrV4, new: std::net::SocketAddrV4| {
            let text = |at: std::net::SocketAddrV4| {
                format!("group = \"{}\", port = {}", at.ip(), at.port())
            };
            edits.push((text(old), text(new)));
        };
        group(old.line_a.group, new.line_a.group);
        group(old.line_b.group, new.line_b.group);
        match (&old.recovery, &new.recovery) {
            (Recovery::Loops(old), Recovery::Loops(new)) => {
                let both = |loops: &config::RecoveryLoops| {
                    let lines = loops.definitions.iter().chain(&loops.snapshots);
                    lines.flatten().map(|line| line.group).collect::<Vec<_>>()
                };
                both(old).into_iter().zip(both(new)).for_each(|(old, new)| group(old, new));
            }
            (Recovery::Query(old), Recovery::Query(new)) => {
                edits.push((old.address.to_string(), new.address.to_string()));
            }
            _ => panic!("the same feeds"),
        }
    }
    for (old, new) in sample.gateways.iter().zip(&config.gateways) {
        let addresses = |endpoint: Option<config::Endpoint>| match endpoint {
            Some(config::Endpoint::Stream(at)) => vec![at],
            Some(config::Endpoint::Pair { requests, answers }) => vec![requests, answers],
            None => Vec::new(),
        };
        let pairs = addresses(old.endpoint).into_iter().zip(addresses(new.endpoint));
        edits.extend(pairs.map(|(old, new)| (format!("\"{old}\""), format!("\"{new}\""))));
    }
    let names =
        ["demo.toml", "demo_market.toml", "demo_limits.toml", "topology_demo_one_core.toml"];
    for name in names {
        let mut text = std::fs::read_to_string(Path::new("config").join(name)).expect("a sample");
        for (old, new) in &edits {
            text = text.replace(old, new);
        }
        std::fs::write(scratch.path(name), text).expect("a file for the test");
    }
    scratch.path("demo.toml")
}

/// The secrets of the sample's gateways, as the simulated venues have them.
pub const SECRETS: [(&str, &str); 2] =
    [("demo_counter_password", "simulated"), ("demo_cme_key", SIMULATED_KEY)];

/// Secrets in a new directory, as systemd would hand them over.
pub fn credentials(directory: &Path, secrets: &[(&str, &str)]) {
    std::fs::create_dir(directory).expect("a directory for the test");
    for (name, secret) in secrets {
        let file = directory.join(name);
        std::fs::write(&file, format!("{secret}\n")).expect("a file for the test");
        std::fs::set_permissions(&file, Permissions::from_mode(0o400)).expect("it is ours");
    }
}

pub fn sample() -> Configuration {
    let config = config::load(Path::new("config/demo.toml"));
    config.unwrap_or_else(|bad| panic!("{}", bad.render(false)))
}

/// The command that runs an engine.
fn command(secrets: &[(&str, &str)], config: &Path, record: &Path) -> Command {
    let credentials = config.parent().expect("it lies in a directory").join(CREDENTIALS);
    if !credentials.exists() {
        self::credentials(&credentials, secrets);
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_xmc"));
    command.args(["run", "--unpinned", "--config"]).arg(config).arg("--record").arg(record);
    command.env("CREDENTIALS_DIRECTORY", credentials);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// An engine as a process, killed when dropped.
pub struct Engine(pub Child);

impl Engine {
    pub fn start(config: &Path, record: &Path, more: &[&str]) -> Self {
        Self::with_secrets(&SECRETS, config, record, more)
    }

    /// With those secrets, as systemd would hand them over: the files of credentials lie in a
    /// directory beside the configuration.
    pub fn with_secrets(
        secrets: &[(&str, &str)],
        config: &Path,
        record: &Path,
        more: &[&str],
    ) -> Self {
        Self(command(secrets, config, record).arg("--json").args(more).spawn().expect("xmc runs"))
    }

    /// One that tells what it does, in lines.
    pub fn telling(config: &Path, record: &Path) -> Self {
        Self(command(&SECRETS, config, record).arg("--plain").spawn().expect("xmc runs"))
    }

    pub fn end(mut self) -> Value {
        let (code, out, why) = self.rest();
        assert_eq!(code, Some(0), "{out}{why}");
        serde_json::from_str(&out).expect("JSON")
    }

    /// Its exit code and all that it prints.
    pub fn rest(&mut self) -> (Option<i32>, String, String) {
        use std::io::Read;
        let (mut out, mut why) = (String::new(), String::new());
        let stdout = self.0.stdout.as_mut().expect("it is piped");
        stdout.read_to_string(&mut out).expect("UTF-8");
        self.0.stderr.as_mut().expect("it is piped").read_to_string(&mut why).expect("UTF-8");
        (self.0.wait().expect("it ends").code(), out, why)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What both venues have booked, by their names of instruments.
#[derive(Debug, Default)]
pub struct Books {
    pub fills: usize,
    pub live: usize,
    pub lots: BTreeMap<String, i64>,
}

pub fn booked(venues: &Venues) -> Books {
    let mut books = Books::default();
    for address in [venues.shfe.addresses().ledger, venues.cme.addresses().ledger] {
        let mut ledger = LedgerClient::connect(address, PATIENCE).expect("it listens");
        books.fills += ledger.fills(ACCOUNT, 0).expect("it answers").len();
        books.live += ledger.orders(ACCOUNT).expect("it answers").len();
        let positions = ledger.positions(ACCOUNT).expect("it answers").into_iter();
        books.lots.extend(positions.map(|row| (row.symbol, row.net_lots)));
    }
    books
}

/// Lots by the configuration's names, where there are any.
pub fn named(config: &Configuration, lots: &BTreeMap<String, i64>) -> BTreeMap<String, i64> {
    let name = |symbol: &str| {
        let row = config.instruments.iter().find(|row| row.symbol == symbol);
        row.expect("it is configured").name.value.clone()
    };
    let rows = lots.iter().filter(|(_, lots)| **lots != 0);
    rows.map(|(symbol, lots)| (name(symbol), *lots)).collect()
}

pub fn positions(rows: &Value, lots: &str) -> BTreeMap<String, i64> {
    let rows = rows.as_array().expect("a list").iter().map(|row| {
        (row["instrument"].as_str().expect("a name").to_owned(), row[lots].as_i64().expect("lots"))
    });
    rows.filter(|(_, lots)| *lots != 0).collect()
}

/// What is missing of `known` in `booked`: fills of orders that were under way at a kill.
fn missing(booked: &BTreeMap<String, i64>, known: &BTreeMap<String, i64>) -> BTreeMap<String, i64> {
    let names: std::collections::BTreeSet<_> = booked.keys().chain(known.keys()).collect();
    let lots = |of: &BTreeMap<String, i64>, name: &String| of.get(name).copied().unwrap_or(0);
    let rows = names.into_iter().map(|name| (name.clone(), lots(booked, name) - lots(known, name)));
    rows.filter(|(_, lots)| *lots != 0).collect()
}

#[test]
fn a_killed_engine_goes_on_with_what_it_held() {
    let scratch = Scratch::new("run_killed");
    let mut config = sample();
    let venues = Venues::open(&config, 21, None).expect("loopback has room");
    venues.address(&mut config);
    let (file, record) = (files(&scratch, &config), scratch.path("record"));
    let mut fills = 0;
    for kill in 1..=3 {
        let engine = Engine::start(&file, &record, &[]);
        let start = Instant::now();
        while booked(&venues).fills < fills + 12 {
            // A kill halts spreads that had orders under way: on a slow machine all of them.
            if kill > 1 && start.elapsed() > PATIENCE / 3 {
                break;
            }
            assert!(start.elapsed() < PATIENCE, "kill {kill}: nothing is traded");
            std::thread::sleep(Duration::from_millis(20));
        }
        drop(engine);
        // What it had sent is still carried out.
        std::thread::sleep(Duration::from_millis(300));
        fills = booked(&venues).fills;
    }
    let before = named(&config, &booked(&venues).lots);
    let told = Engine::start(&file, &record, &["--seconds", "4"]).end();
    let carried = &told["carried"];
    println!("{carried}, booked {before:?}");
    assert_eq!((carried["run"].as_u64(), carried["is_whole"].as_bool()), (Some(3), Some(true)));
    // What the record does not have is of orders whose fate it does not know.
    let unknown = carried["unknown"].as_array().expect("a list");
    let missing_before = missing(&before, &positions(&carried["positions"], "lots"));
    for (name, lots) in &missing_before {
        let row = unknown.iter().find(|row| row["instrument"] == name.as_str());
        let row = row.unwrap_or_else(|| panic!("{lots} of {name} are nowhere: {carried}"));
        let reserved = |key: &str| row[key].as_i64().expect("lots");
        assert!((-reserved("sell_lots")..=reserved("buy_lots")).contains(lots), "{lots}: {row}");
    }
    let halted = carried["halted"].as_array().expect("a list").len();
    assert!(unknown.is_empty() || halted > 0, "{carried}");
    let after = booked(&venues);
    assert_eq!(after.live, 0);
    // Orders of which a venue tells again are settled; of the others the same lots are missing.
    let desk = positions(&told["positions"], "desk_lots");
    let missing_after = missing(&named(&config, &after.lots), &desk);
    for (name, lots) in &missing_after {
        assert_eq!(missing_before.get(name), Some(lots), "{name}: {told}");
    }
    assert_eq!(told["journal"]["is_whole"], true, "{told}");
    assert_eq!(told["journal"]["replays_equal"], true, "{told}");
    assert!(halted > 0 || after.fills > fills, "it has traded on: {told}");

    // Whoever knows better begins with nothing.
    let told = Engine::start(&file, &record, &["--seconds", "1", "--begin-flat"]).end();
    assert!(told["carried"].is_null(), "{told}");
    venues.stop().expect("they ran");
}

/// The domestic venue hangs while orders come, the engine stops before it hears what became of
/// them, the venue fills them, and the engine dies. The next run is told all by the counter: each
/// fill counts once, nothing stays reserved, and nothing that was known is an alert.
#[test]
fn orders_under_way_at_a_kill_are_settled_by_what_the_counter_tells_the_next_run() {
    let scratch = Scratch::new("run_settled");
    let mut config = sample();
    let venues = Venues::open(&config, 22, None).expect("loopback has room");
    venues.address(&mut config);
    let (file, record) = (files(&scratch, &config), scratch.path("record"));
    let engine = Engine::start(&file, &record, &[]);
    let start = Instant::now();
    while booked(&venues).fills < 30 {
        assert!(start.elapsed() < PATIENCE, "nothing is traded");
        std::thread::sleep(Duration::from_millis(20));
    }
    let (go_on, wait) = std::sync::mpsc::channel::<()>();
    let hang = move || {
        let _ = wait.recv_timeout(PATIENCE);
    };
    assert!(venues.shfe.post(move |_, _| hang()), "it runs");
    std::thread::sleep(Duration::from_millis(400));
    // It hears nothing more, and its connections stay.
    let pid = engine.0.id().to_string();
    assert!(Command::new("kill").args(["-STOP", &pid]).status().expect("kill runs").success());
    drop(go_on);
    std::thread::sleep(Duration::from_millis(400));
    drop(engine);
    let before = booked(&venues);
    let told = Engine::start(&file, &record, &["--seconds", "3"]).end();
    let carried = &told["carried"];
    let known = positions(&carried["positions"], "lots");
    let missing_before = missing(&named(&config, &before.lots), &known);
    println!("{carried}, missing {missing_before:?}");
    let unknown = carried["unknown_orders"].as_array().expect("a list").len();
    assert!(unknown > 0 && !missing_before.is_empty(), "nothing was under way: {carried}");
    let after = booked(&venues);
    let desk = positions(&told["positions"], "desk_lots");
    assert_eq!(desk, named(&config, &after.lots), "{told}");
    assert_eq!((after.live, told["live_orders"].as_u64()), (0, Some(0)), "{told}");
    assert_eq!(told["journal"]["replays_equal"], true, "{told}");
    let alerts = alerts(&record);
    assert!(!alerts.contains("unknown_order") && alerts.contains("carried_halt"), "{alerts}");
    let count = |line: &str| line.split(',').nth(1).and_then(|count| count.parse::<usize>().ok());
    let sum: usize = alerts.lines().filter_map(count).sum();
    assert!(sum <= 4 * unknown, "{alerts}");
    venues.stop().expect("they ran");
}

/// Alerts of the whole record, counted.
fn alerts(record: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xmc"));
    command.args(["audit", "report", "--recount", "--sheet", "alerts", "--format", "csv"]);
    let output = command.arg(record).output().expect("xmc runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(text.starts_with("alert,count"), "{text}");
    text
}

//! A whole engine past the kernel: `xmc run` in one namespace, both simulated venues in another,
//! cables between them. Both feeds come by AF_XDP, requests to the counter leave by it.

use super::beside;
use crate::cli::run::Engine;
use crate::cli::venue::Process;
use crate::journal::scratch::Scratch;
use crate::netns::{Beside, Namespace};
use cross_market_connect::venue::ledger::LedgerClient;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use xmc_hotpath::message::AccountId;

const PATIENCE: Duration = Duration::from_secs(60);
/// What the engine runs for, after its logons and books.
const SECONDS: &str = "8";

/// The far ends: the domestic venue, the one abroad, and the counter's door for requests.
const SHFE: &str = "10.78.1.2";
const CME: &str = "10.78.2.2";
const REQUESTS: &str = "10.78.3.2";

/// A sample of the project with other words in the places of these, each of which it has.
fn edited(name: &str, edits: &[(&str, &str)]) -> String {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(name);
    let mut text = std::fs::read_to_string(sample).expect("the sample");
    for (find, replace) in edits {
        assert!(text.contains(find), "{name} has no {find:?} to replace");
        text = text.replace(find, replace);
    }
    text
}

fn put(scratch: &Scratch, name: &str, text: &str) -> PathBuf {
    let path = scratch.path(name);
    std::fs::write(&path, text).expect("a file for the test");
    path
}

/// The demonstration's engine at the near ends.
fn engine_files(scratch: &Scratch) -> PathBuf {
    let market = edited(
        "demo_market.toml",
        &[
            ("protocol = \"shfe/smdp\"\n", "protocol = \"shfe/smdp\"\nport = \"xdp\"\n"),
            ("protocol = \"cme/mdp3\"\n", "protocol = \"cme/mdp3\"\nport = \"xdp\"\n"),
            ("127.0.0.1:19212", &format!("{SHFE}:19212")),
            ("127.0.0.1:19210", &format!("{SHFE}:19210")),
            (
                "request_address = \"127.0.0.1:19211\"\n",
                &format!(
                    "request_address = \"{REQUESTS}:19211\"\nrequest_port = \"xdp\"\n\
                     request_interface = \"near2\"\n"
                ),
            ),
            ("127.0.0.1:19310", &format!("{CME}:19310")),
        ],
    );
    let (domestic, overseas) = market.split_once("channel_id = ").expect("the feed of CME");
    let market = format!(
        "{}channel_id = {}",
        domestic.replace("interface = \"lo\"", "interface = \"near0\""),
        overseas.replace("interface = \"lo\"", "interface = \"near1\"")
    );
    put(scratch, "demo_market.toml", &market);
    for name in ["demo_limits.toml", "topology_demo_one_core.toml"] {
        put(scratch, name, &edited(name, &[]));
    }
    put(scratch, "demo.toml", &edited("demo.toml", &[]))
}

/// A venue at a far end.
fn venue(scratch: &Scratch, name: &str, edits: &[(&str, &str)]) -> Process {
    let sample = format!("venue_{name}.toml");
    let store = format!("xmc-venue-{name}.jsonl");
    let stored = scratch.path(&store).to_str().expect("UTF-8").to_owned();
    let mut text = edited(&sample, edits);
    text = text.replace(&store, &stored).replace("reach = \"host\"", "reach = \"link\"");
    let mut command = Command::new(env!("CARGO_BIN_EXE_xmc"));
    command.args(["venue", name, "--json", "--start", &this_hour(), "--config"]);
    command.arg(put(scratch, &sample, &text)).stdout(Stdio::piped()).stderr(Stdio::inherit());
    Process::spawn(command)
}

/// When the world of both venues began: the same for both, and not long ago.
fn this_hour() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later").as_secs();
    (now / 3_600 * 3_600).to_string()
}

/// Datagrams that sockets of this namespace were handed, and that they sent (proc_net(5)).
fn datagrams() -> (u64, u64) {
    let table = std::fs::read_to_string("/proc/thread-self/net/snmp").expect("the kernel tells");
    let mut rows = table.lines().filter_map(|row| row.strip_prefix("Udp: "));
    let (names, counts) = (rows.next().expect("names"), rows.next().expect("counts"));
    let count = |name: &str| {
        let at = names.split(' ').position(|found| found == name).expect("it is counted");
        counts.split(' ').nth(at).and_then(|count| count.parse().ok()).expect("a count")
    };
    (count("InDatagrams"), count("OutDatagrams"))
}

/// What a venue's ledger holds, by its names of instruments, and its fills.
fn booked(address: SocketAddr, account: AccountId) -> (BTreeMap<String, i64>, usize) {
    let mut ledger = LedgerClient::connect(address, PATIENCE).expect("it listens");
    let rows = ledger.positions(account).expect("it answers").into_iter();
    let lots = rows.map(|row| (row.symbol, row.net_lots)).filter(|(_, lots)| *lots != 0).collect();
    (lots, ledger.fills(account, 0).expect("it answers").len())
}

#[test]
fn an_engine_trades_past_the_kernel_as_the_ledgers_say() {
    beside(|namespace: &Namespace, beside: &Beside| {
        for (cable, net) in ["10.78.1", "10.78.2", "10.78.3"].iter().enumerate() {
            let [near, far] = [("near", 1), ("far", 2)]
                .map(|(end, host)| (format!("{end}{cable}"), format!("{net}.{host}/24")));
            namespace.cable(beside, (&near.0, &near.1), (&far.0, &far.1), 1);
        }
        let scratch = Scratch::new("engine_past_the_kernel");
        let addressed = |to: &str| format!("127.0.0.1:{to}");
        let (shfe, cme) = beside.within(|_| {
            let shfe = venue(
                &scratch,
                "shfe",
                &[(&addressed("19211"), &format!("{REQUESTS}:19211")), ("127.0.0.1", SHFE)],
            );
            (shfe, venue(&scratch, "cme", &[("127.0.0.1", CME)]))
        });
        // Whoever sends past the kernel sends to a link address that the kernel knows.
        let hello = UdpSocket::bind("10.78.3.1:0").expect("a free port");
        hello.send_to(b"?", (REQUESTS, 9)).expect("the cable is plugged");
        let before = datagrams();
        let config = engine_files(&scratch);
        let engine = Engine::start(&config, &scratch.path("record"), &["--seconds", SECONDS]);
        let told = engine.end();
        let after = datagrams();
        let number = |value: &Value| value.as_u64().unwrap_or_else(|| panic!("{told}"));
        let feeds = told["feeds"].as_array().expect("a list");
        let packets: u64 = feeds
            .iter()
            .flat_map(|feed| feed["packets"].as_array().expect("both lines"))
            .map(number)
            .sum();
        let (by_kernel, sent) = (after.0 - before.0, after.1 - before.1);
        println!(
            "{packets} packets of feeds, {by_kernel} datagrams to sockets, {sent} from them; \
             {} orders, {} fills, {} fires",
            told["orders"], told["fills"], told["fires"]
        );
        assert!(number(&told["fires"]) > 0 && number(&told["fills"]) > 0, "{told}");
        // Definitions, snapshots, and what came before the port took the frames.
        assert!(by_kernel < packets / 2, "{by_kernel} of {packets}: {told}");
        // No order to the counter was seen by the kernel as a datagram of a socket.
        assert_eq!(sent, 0, "{told}");
        assert_eq!(told["journal"]["replays_equal"], true, "{told}");
        for (feed, gaps) in feeds.iter().map(|feed| (&feed["feed"], number(&feed["gaps"]))) {
            assert_eq!(gaps, 0, "{feed}: {told}");
        }
        let ledgers = beside.within(|_| {
            let shfe = booked(shfe.address("ledger"), AccountId(10));
            let cme = booked(cme.address("ledger"), AccountId(77));
            (shfe, cme)
        });
        let ((mut lots, mut fills), (more, count)) = ledgers;
        lots.extend(more);
        fills += count;
        assert_eq!(number(&told["fills"]), fills as u64, "{told}");
        let config = cross_market_connect::config::load(&config).expect("it was read before");
        for row in told["positions"].as_array().expect("a list") {
            let named = config.instruments.iter().find(|of| row["instrument"] == of.name.value);
            let symbol = &named.expect("it is configured").symbol;
            let booked = lots.remove(symbol).unwrap_or(0);
            assert_eq!(row["desk_lots"], booked, "{symbol}: {told}");
        }
        assert!(lots.is_empty(), "nobody knows of {lots:?}: {told}");
    });
}

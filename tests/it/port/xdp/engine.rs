//! A whole engine past the kernel: `xmc run` in one namespace, both simulated venues in another,
//! cables between them. Both feeds come by AF_XDP, requests to the counter leave by it. Feeds have
//! a cable each, or one for both, which is also taken away and plugged again while they trade.

use super::{beside, eventually};
use crate::cli::run::Engine;
use crate::cli::venue::Process;
use crate::journal::scratch::Scratch;
use crate::netns::{Beside, Namespace};
use crate::port::interface;
use cross_market_connect::venue::ledger::LedgerClient;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use xmc_hotpath::message::AccountId;

const LOG: &str = "\n[alert]\n\n[[alert.sink]]\nname = \"log\"\nkind = \"log\"\n";
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

/// The demonstration's engine, its feeds on these interfaces; `more` stands at its end.
fn engine_files(scratch: &Scratch, near: (&str, &str), more: &str) -> PathBuf {
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
        domestic.replace("interface = \"lo\"", &format!("interface = \"{}\"", near.0)),
        overseas.replace("interface = \"lo\"", &format!("interface = \"{}\"", near.1))
    );
    put(scratch, "demo_market.toml", &market);
    for name in ["demo_limits.toml", "topology_demo_one_core.toml"] {
        put(scratch, name, &edited(name, &[]));
    }
    put(scratch, "demo.toml", &(edited("demo.toml", &[]) + more))
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

/// Both venues at the far ends. Their quotes leave by `quotes`, or else by their own cables.
fn venues(scratch: &Scratch, quotes: Option<&str>) -> (Process, Process) {
    let addressed = |to: &str| format!("127.0.0.1:{to}");
    let interface = "interface = \"127.0.0.1\"";
    let quotes = |own: &str| format!("interface = \"{}\"", quotes.unwrap_or(own));
    let (by_shfe, by_cme) = (quotes(SHFE), quotes(CME));
    let requests = format!("{REQUESTS}:19211");
    let shfe = venue(
        scratch,
        "shfe",
        &[(&addressed("19211"), &requests), (interface, &by_shfe), ("127.0.0.1", SHFE)],
    );
    (shfe, venue(scratch, "cme", &[(interface, &by_cme), ("127.0.0.1", CME)]))
}

/// Whoever sends past the kernel sends to a link address that the kernel knows.
fn greet() {
    let hello = UdpSocket::bind("10.78.3.1:0").expect("a free port");
    hello.send_to(b"?", (REQUESTS, 9)).expect("the cable is plugged");
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

/// A cable of its own network.
fn plug(namespace: &Namespace, beside: &Beside, cable: usize) {
    let [near, far] = [("near", 1), ("far", 2)]
        .map(|(end, host)| (format!("{end}{cable}"), format!("10.78.{}.{host}/24", cable + 1)));
    namespace.cable(beside, (&near.0, &near.1), (&far.0, &far.1), 1);
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// The desk's positions and fills are those of the ledgers.
fn as_booked(config: &Path, told: &Value, beside: &Beside, (shfe, cme): (&Process, &Process)) {
    let ((mut lots, mut fills), (more, count)) = beside.within(|_| {
        let shfe = booked(shfe.address("ledger"), AccountId(10));
        (shfe, booked(cme.address("ledger"), AccountId(77)))
    });
    lots.extend(more);
    fills += count;
    assert_eq!(number(&told["fills"]), fills as u64, "{told}");
    let config = cross_market_connect::config::load(config).expect("it was read before");
    for row in told["positions"].as_array().expect("a list") {
        let named = config.instruments.iter().find(|of| row["instrument"] == of.name.value);
        let symbol = &named.expect("it is configured").symbol;
        let booked = lots.remove(symbol).unwrap_or(0);
        assert_eq!(row["desk_lots"], booked, "{symbol}: {told}");
    }
    assert!(lots.is_empty(), "nobody knows of {lots:?}: {told}");
}

#[test]
fn an_engine_trades_past_the_kernel_as_the_ledgers_say() {
    trades("engine_past_the_kernel", ("near0", "near1"), |namespace, beside| {
        (0..3).for_each(|cable| plug(namespace, beside, cable));
    });
}

/// One program for the groups of both.
#[test]
fn an_engine_trades_with_both_feeds_on_one_interface() {
    trades("feeds_on_one_interface", ("near0", "near0"), |namespace, beside| {
        plug(namespace, beside, 0);
        namespace.ip("address add 10.78.2.1/24 dev near0");
        beside.within(|far| far.ip("address add 10.78.2.2/24 dev far0"));
        plug(namespace, beside, 2);
    });
}

fn trades(name: &str, near: (&str, &str), plug: impl FnOnce(&Namespace, &Beside) + Send) {
    beside(|namespace: &Namespace, beside: &Beside| {
        plug(namespace, beside);
        let scratch = Scratch::new(name);
        let (shfe, cme) = beside.within(|_| venues(&scratch, None));
        greet();
        let before = datagrams();
        let config = engine_files(&scratch, near, "");
        let engine = Engine::start(&config, &scratch.path("record"), &["--seconds", SECONDS]);
        let told = engine.end();
        let after = datagrams();
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
        as_booked(&config, &told, beside, (&shfe, &cme));
    });
}

/// The cable of both feeds is taken away under a running engine, and plugged again: it is told, the
/// feeds lose packets and have books again, and in the end everybody has the same positions.
#[test]
fn an_engine_outlives_the_interface_of_its_feeds_and_says_so() {
    beside(|namespace: &Namespace, beside: &Beside| {
        // Sessions have cables of their own: only quotes are lost.
        (0..3).for_each(|cable| plug(namespace, beside, cable));
        interface::switch(beside);
        interface::plug(namespace, beside, 9);
        let scratch = Scratch::new("interface_under_an_engine");
        let (shfe, cme) = beside.within(|_| venues(&scratch, Some("switch0")));
        greet();
        let config = engine_files(&scratch, ("near9", "near9"), LOG);
        let record = scratch.path("record");
        let engine = Engine::start(&config, &record, &["--seconds", "14"]);
        let told = || {
            let text = std::fs::read_to_string(record.join("alerts/alerts.jsonl"));
            let text = text.unwrap_or_default();
            let rows = text.lines().filter_map(|row| serde_json::from_str::<Value>(row).ok());
            let rows = rows.filter(|row| row["code"] == "XMC-A181" || row["code"] == "XMC-A182");
            rows.collect::<Vec<_>>()
        };
        std::thread::sleep(Duration::from_secs(6));
        assert!(told().is_empty(), "{:?}", told());
        namespace.ip("link delete near9");
        eventually("the alert", || (!told().is_empty()).then_some(()));
        // The venue in Shanghai has two packets a second: some must be lost.
        std::thread::sleep(Duration::from_secs(3));
        interface::plug(namespace, beside, 9);
        eventually("its end", || (told().len() > 1).then_some(()));
        let end = engine.end();
        let told = told();
        let (raised, cleared) = (&told[0], &told[1]);
        assert_eq!(raised["labels"]["interface"], "near9", "{raised}");
        assert_eq!(raised["labels"]["state"], "gone", "{raised}");
        let used_by = raised["labels"]["used_by"].as_str().expect("text");
        for feed in ["shfe line A", "shfe line B", "cme line A", "cme line B", "cme recovery"] {
            assert!(used_by.contains(&format!("feed {feed}")), "{used_by}");
        }
        assert_eq!((&raised["what"], &cleared["what"]), (&"firing".into(), &"resolved".into()));
        assert_eq!(raised["fingerprint"], cleared["fingerprint"]);
        // While it was being plugged it may have been seen down; all of that is over as well.
        let of = |what: &str| told.iter().filter(|row| row["what"] == what).count();
        assert_eq!(of("firing"), of("resolved"), "{told:?}");
        assert!(told.iter().all(|row| row["code"] == "XMC-A181"), "{told:?}");
        for feed in end["feeds"].as_array().expect("a list") {
            assert!(number(&feed["gaps"]) > 0, "packets were lost: {end}");
            println!("{feed}");
        }
        assert_eq!(end["journal"]["replays_equal"], true, "{end}");
        as_booked(&config, &end, beside, (&shfe, &cme));
    });
}

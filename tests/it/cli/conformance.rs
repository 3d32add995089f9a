//! `xmc conformance` as a program: at its own simulated gateway, at one that somebody else runs,
//! and at one that answers wrongly.

use super::run::{self, CREDENTIALS};
use crate::journal::scratch::Scratch;
use crate::recovery::live::rig::PATIENCE;
use cross_market_connect::sim::exchange::Exchange;
use cross_market_connect::venue::cme::simulated::shell::SIMULATED_KEY;
use cross_market_connect::venue::cme::simulated::{OrderFaults, OrderRate, OrderTrouble, Spot};
use cross_market_connect::venue::simulated::Venues;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use xmc_hotpath::message::Side;

struct Told {
    code: Option<i32>,
    out: String,
    why: String,
}

fn xmc(args: &[&str], credentials: Option<&Path>) -> Told {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xmc"));
    command.arg("conformance").args(args);
    if let Some(credentials) = credentials {
        command.env("CREDENTIALS_DIRECTORY", credentials);
    }
    let output = command.output().expect("xmc runs");
    Told {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).expect("UTF-8"),
        why: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

fn json(told: &Told) -> Value {
    serde_json::from_str(&told.out).unwrap_or_else(|_| panic!("{}{}", told.out, told.why))
}

/// A case of the report.
fn case<'r>(report: &'r Value, number: &str) -> &'r Value {
    let mut cases = report["cases"].as_array().expect("there are some").iter();
    cases.find(|case| case["number"] == number).unwrap_or_else(|| panic!("{number} is missing"))
}

/// Venues that somebody else runs, and files for an engine that knows where.
struct Theirs {
    venues: Venues,
    config: PathBuf,
    credentials: PathBuf,
    _scratch: Scratch,
}

impl Theirs {
    fn open() -> Self {
        let scratch = Scratch::new("conformance");
        let mut config = run::sample();
        let venues = Venues::open(&config, 5, None).expect("loopback has everything");
        venues.address(&mut config);
        let file = run::files(&scratch, &config);
        let credentials = scratch.path(CREDENTIALS);
        run::credentials(&credentials, &run::SECRETS);
        Self { venues, config: file, credentials, _scratch: scratch }
    }

    fn address(&self) -> String {
        self.venues.cme.addresses().orders.to_string()
    }

    fn asked(&self, more: &[&str]) -> Told {
        self.asked_at("ilink3", &self.address(), more)
    }

    /// The counter, where it answers.
    fn counter_asked(&self, more: &[&str]) -> Told {
        self.asked_at("dstar", &self.venues.shfe.addresses().counter.to_string(), more)
    }

    fn asked_at(&self, protocol: &str, address: &str, more: &[&str]) -> Told {
        let config = self.config.to_str().expect("UTF-8");
        let args = [protocol, "--against", address, "--config", config];
        xmc(&[&args, more].concat(), Some(&self.credentials))
    }

    /// What somebody bids for the instrument whose symbol begins so.
    fn bid(&self, is_domestic: bool, symbol: &'static str) -> i64 {
        fn best(exchange: &Exchange, symbol: &str) -> Option<i64> {
            let mut all = exchange.listings();
            let found = all.find(|(_, engine)| engine.listing().symbol.starts_with(symbol));
            found.and_then(|(_, engine)| engine.best(Side::Buy))
        }
        let since = Instant::now();
        loop {
            let best = match is_domestic {
                true => self.venues.shfe.with(move |shell, _| best(shell.exchange(), symbol)),
                false => self.venues.cme.with(move |shell, _| best(shell.exchange(), symbol)),
            };
            if let Some(best) = best.expect("it runs") {
                return best;
            }
            assert!(since.elapsed() < PATIENCE, "somebody bids");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn cases_at_the_simulated_gateway_pass_with_their_evidence() {
    let scratch = Scratch::new("conformance_page");
    let page = scratch.path("page.html");
    let path = page.to_str().expect("UTF-8");
    let told = xmc(&["ilink3", "--only", "o1,O11", "--json", "--html", path], None);
    assert_eq!(told.code, Some(0), "{}{}", told.out, told.why);
    let report = json(&told);
    assert_eq!(
        (&report["schema"], &report["is_simulated"]),
        (&"xmc.conformance".into(), &true.into())
    );
    assert_eq!(report["cases_by_verdict"]["passed"], 2);
    let missing = &case(&report, "O11")["scenarios"][0];
    let said: Vec<&str> = missing["messages"]
        .as_array()
        .expect("there are some")
        .iter()
        .filter_map(|line| line["said"].as_str())
        .collect();
    for message in ["Negotiate500", "EstablishmentAck504", "RetransmitRequest508", "sent again"] {
        assert!(said.iter().any(|line| line.contains(message)), "no {message} in {said:#?}");
    }
    let orders = missing["orders"].as_array().expect("there are some");
    assert!(!orders.is_empty());
    for order in orders {
        assert_eq!(order["filled"], order["ledger_filled"], "{order}");
    }
    let html = std::fs::read_to_string(&page).expect("it was written");
    assert!(html.contains("SIMULATED") && html.contains("RetransmitRequest508"));
    assert!(!html.contains("://") && !html.contains("<script"), "it needs something else");
    assert!(!html.contains(SIMULATED_KEY) && !told.out.contains(SIMULATED_KEY));
}

#[test]
fn somebody_elses_gateway_is_asked_what_a_client_can_ask() {
    let theirs = Theirs::open();
    let told = theirs.asked(&["--only", "O1,O2,O5,O6,O8,O19,O24,O26", "--json"]);
    assert_eq!(told.code, Some(0), "{}{}", told.out, told.why);
    let report = json(&told);
    assert_eq!(report["is_simulated"], false);
    for number in ["O1", "O2", "O5", "O6", "O8", "O19"] {
        assert_eq!(case(&report, number)["verdict"], "passed", "{number}");
    }
    for number in ["O24", "O26"] {
        assert_eq!(case(&report, number)["verdict"], "not_run", "{number}");
    }
    let why = &case(&report, "O24")["scenarios"][0]["why"];
    assert_eq!(why, "needs a gateway that can be scripted");
    // No order was sent, and all that came was left in order.
    let gateway = theirs.venues.cme.counts().expect("it runs").gateway;
    assert_eq!((gateway.messages, gateway.broken, gateway.lapsed), (0, 0, 0), "{gateway:?}");
    assert!(gateway.goodbyes >= 4, "{gateway:?}");
}

#[test]
fn one_resting_order_is_sent_if_it_is_allowed() {
    let theirs = Theirs::open();
    let best = theirs.bid(false, "HG");
    let price = best - best % 50_000_000 - 50_000_000;
    let order = format!("hg@{}.{:09}", price / 1_000_000_000, price % 1_000_000_000);
    let told = theirs.asked(&["--only", "O11,O25,O26", "--order", &order, "--json"]);
    assert_eq!(told.code, Some(0), "{}{}", told.out, told.why);
    let report = json(&told);
    for number in ["O11", "O25", "O26"] {
        assert_eq!(case(&report, number)["verdict"], "passed", "{number}: {}", told.out);
    }
    let gateway = theirs.venues.cme.counts().expect("it runs").gateway;
    assert!(gateway.messages > 0, "{gateway:?}");
    // One that the venue does not take says nothing of the engine.
    let told = theirs.asked(&["--only", "O26", "--order", "hg@0.5"]);
    assert_eq!(told.code, Some(2), "{}{}", told.out, told.why);
    assert!(told.out.contains("that was allowed, with code 2137"), "{}", told.out);
    let live = theirs.venues.ledgers().expect("they answer");
    assert_eq!((live.live_orders, live.fills), (0, 0), "nothing is left behind");
}

#[test]
fn somebody_elses_counter_is_asked_what_a_client_can_ask() {
    let theirs = Theirs::open();
    let told = theirs.counter_asked(&["--only", "O1,O5,O8,O26,O27", "--json"]);
    assert_eq!(told.code, Some(0), "{}{}", told.out, told.why);
    let report = json(&told);
    assert_eq!(report["is_simulated"], false);
    for (number, verdict) in [
        ("O1", "passed"),
        ("O5", "passed"),
        ("O8", "not_run"),
        ("O26", "not_run"),
        ("O27", "not_run"),
    ] {
        assert_eq!(case(&report, number)["verdict"], verdict, "{number}: {}", told.out);
    }
    let counter = theirs.venues.shfe.counts().expect("it runs").counter;
    assert!(counter.opened >= 2, "{counter:?}");
    assert_eq!(theirs.venues.ledgers().expect("they answer").fills, 0, "nothing was traded");
}

#[test]
fn one_resting_order_is_sent_to_a_counter_if_it_is_allowed() {
    let theirs = Theirs::open();
    let order = format!("cu@{}", theirs.bid(true, "cu2609") / 1_000_000_000 - 500);
    let told = theirs.counter_asked(&["--only", "O8,O26", "--order", &order, "--json"]);
    assert_eq!(told.code, Some(0), "{}{}", told.out, told.why);
    let report = json(&told);
    assert_eq!(case(&report, "O26")["verdict"], "passed", "{}", told.out);
    let scenarios = case(&report, "O8")["scenarios"].as_array().expect("there are two");
    let verdicts: Vec<_> = scenarios.iter().map(|one| &one["verdict"]).collect();
    assert_eq!(verdicts, ["passed", "not_run"], "{}", told.out);
    let live = theirs.venues.ledgers().expect("they answer");
    assert_eq!((live.live_orders, live.fills), (0, 0), "nothing is left behind");
}

/// A gateway that answers every Establish as one that came too early, whatever is asked.
#[test]
fn a_gateway_that_answers_wrongly_is_seen_to_fail() {
    let theirs = Theirs::open();
    let (spot, what) = (Spot::Establish, OrderTrouble::Refused(11));
    let rates = vec![OrderRate { spot, per_mille: 1_000, what }];
    theirs.venues.cme.set_order_faults(OrderFaults { rates, ..OrderFaults::default() });
    let told = theirs.asked(&["--only", "O1,O5,O7"]);
    assert_eq!(told.code, Some(1), "{}{}", told.out, told.why);
    let row = told.out.lines().find(|line| line.starts_with("O1 ")).expect("it is listed");
    assert!(row.contains("failed"), "{row}");
    assert!(told.out.contains("establishment was refused with code 11"), "{}", told.out);
    assert!(told.out.contains("EstablishmentReject505"), "the evidence is shown: {}", told.out);
    assert!(told.out.contains("1 passed, 1 failed, 1 not run"), "{}", told.out);
    assert!(told.out.lines().all(|line| line.chars().count() <= 100), "{}", told.out);
}

#[test]
fn a_gateway_that_is_not_there_is_no_finding() {
    let theirs = Theirs::open();
    theirs.venues.cme.post(|_, _| {});
    let Theirs { venues, config, credentials, _scratch } = theirs;
    let address = venues.cme.addresses().orders.to_string();
    venues.stop().expect("it ran");
    let config = config.to_str().expect("UTF-8");
    let args = ["ilink3", "--against", &address, "--config", config, "--only", "O1"];
    let told = xmc(&args, Some(&credentials));
    assert_eq!(told.code, Some(2), "{}{}", told.out, told.why);
    assert!(told.out.contains("could not be provoked"), "{}", told.out);
}

#[test]
fn what_cannot_be_asked_is_refused_before_anything_is_sent() {
    let theirs = Theirs::open();
    let config = theirs.config.to_str().expect("UTF-8");
    for (args, said) in [
        (vec!["ilink3", "--only", "O33"], "O1 to O32"),
        (vec!["dstar", "--gateway", "nobody"], "no gateway named nobody"),
        (vec!["ilink3", "--against", "127.0.0.1:9"], "--config"),
        (
            vec!["ilink3", "--against", "127.0.0.1:9", "--config", config, "--order", "gold@1"],
            "gateway cme has no such instrument",
        ),
        (
            vec!["ilink3", "--against", "127.0.0.1:9", "--config", config, "--order", "hg"],
            "INSTRUMENT@PRICE",
        ),
    ] {
        let told = xmc(&args, None);
        assert_eq!(told.code, Some(3), "{args:?}: {}{}", told.out, told.why);
        assert!(told.why.contains(said), "{args:?}: {}", told.why);
    }
}

//! `xmc compliance`: the meters of a real record against the figures of the audit, alerts of the
//! engine that wrote it, and the filing sheet.

use super::text_of;
use crate::journal::scratch::Scratch;
use cross_market_connect::journal::reader::{self, Blocks};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

fn xmc(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xmc"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(args).output().expect("xmc runs")
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// The demonstration with the sample of thresholds, in one file; `edits` are made in it.
fn config(scratch: &Scratch, edits: &[(&str, &str)]) -> PathBuf {
    let read = |name: &str| fs::read_to_string(Path::new("config").join(name)).expect("a sample");
    let demo = read("demo.toml");
    let demo: Vec<&str> = demo.lines().filter(|line| !line.starts_with("include")).collect();
    let rest = [
        "topology_demo_one_core.toml",
        "demo_market.toml",
        "demo_limits.toml",
        "compliance_demo.toml",
    ];
    let mut text = demo.join("\n") + "\n" + &rest.map(read).join("\n");
    for (old, new) in edits {
        assert!(text.contains(old), "{old}");
        text = text.replacen(old, new, 1);
    }
    let path = scratch.path("counted.toml");
    fs::write(&path, text).expect("it is ours");
    path
}

#[test]
fn what_is_counted_is_what_the_record_holds_and_a_threshold_that_is_met_is_told() {
    let _alone = super::alone();
    let scratch = Scratch::new("compliance");
    let file = config(&scratch, &[("limit = \"4000\"", "limit = \"2\"")]);
    let record = scratch.path("record");
    let args = ["demo", "--json", "--seconds", "12", "--config", text_of(&file), "--record"];
    let demo = xmc(&[&args[..], &[text_of(&record)]].concat());
    assert_eq!(demo.status.code(), Some(0), "{demo:?}");
    let shown = xmc(&["compliance", "show", "--json", text_of(&record)]);
    assert_eq!(shown.status.code(), Some(1), "a threshold is met: {shown:?}");
    let shown = json(&shown);

    let chinese = xmc(&["compliance", "show", "--lang", "zh", text_of(&record)]);
    let chinese = String::from_utf8_lossy(&chinese.stdout).into_owned();
    assert!(chinese.contains("截至 ") && !chinese.contains("as of"), "{chinese}");
    assert!(
        chinese.contains("净仓为席位全部账户合计") && !chinese.contains("net lots"),
        "{chinese}"
    );

    // The audit counts the same record by other means.
    let sheet = ["audit", "report", "--recount", "--sheet", "programme", "--format", "jsonl"];
    let report = xmc(&[&sheet[..], &[text_of(&record)]].concat());
    let text = String::from_utf8_lossy(&report.stdout);
    let audited: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(audited.len() >= 4, "{text}");
    let rows = shown["meters"].as_array().expect("a list");
    let (mut orders, mut cancels, mut compared) = (0, 0, 0);
    for audited in &audited {
        let row = rows.iter().find(|row| row["contract"] == audited["product"]);
        let row = row.unwrap_or_else(|| panic!("{audited} in {shown}"));
        assert_eq!(row["group"], "house", "the account is in it");
        for key in ["orders", "cancels"] {
            assert_eq!(row[key], audited[key], "{key} of {row}");
        }
        // The audit counts orders and cancels of a second together.
        if audited["cancels"] == 0 {
            compared += 1;
            assert!(audited["most_per_second"].as_u64() > Some(0), "{audited}");
            assert_eq!(row["most_orders_per_second"], audited["most_per_second"], "{row}");
        }
        orders += row["orders"].as_u64().expect("a count");
        cancels += row["cancels"].as_u64().expect("a count");
    }
    assert!(compared > 0, "{text}");
    let of_exchanges: Vec<_> = rows.iter().filter(|row| row["contract"].is_null()).collect();
    let sum = |key: &str| of_exchanges.iter().filter_map(|row| row[key].as_u64()).sum::<u64>();
    assert_eq!((sum("orders"), sum("cancels")), (orders, cancels), "{shown}");
    let (demo, config) = (json(&demo), cross_market_connect::config::load(&file));
    let config = config.expect("it is sound");
    let held = shown["positions"].as_array().expect("a list");
    for row in demo["positions"].as_array().expect("a list") {
        let instrument = config.instruments.iter().find(|one| row["instrument"] == one.name.value);
        let symbol = instrument.map(|one| one.symbol.as_str()).expect("it is configured");
        let found = held.iter().find(|one| one["contract"] == symbol);
        let lots = found.map_or(0, |one| one["net_lots"].as_i64().expect("lots"));
        assert_eq!(Some(lots), row["desk_lots"].as_i64(), "{row} in {shown}");
    }

    let met = shown["thresholds"].as_array().expect("a list").iter();
    let met: Vec<_> = met.filter(|row| row["stands"] == "met").collect();
    assert!(met.iter().any(|row| row["what"] == "orders_per_day"), "{shown}");
    assert!(met.iter().all(|row| row["is_proven"] == false), "examples are not proven");
    let alerts = fs::read_to_string(record.join("alerts/alerts.jsonl")).expect("it is there");
    assert!(alerts.contains("XMC-A174") && alerts.contains("orders_per_day"), "{alerts}");
    let text = xmc(&["compliance", "show", "--lang", "en", text_of(&record)]);
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(text.contains("MET") && text.contains("UNPROVEN: example, no document"), "{text}");
    assert!(!text.contains("NOT WHOLE"), "{text}");

    while_it_is_written(&record);

    // One byte is changed: what lies behind is not counted, and that is said.
    let segment = record.join("00000001.xmj");
    let mut bytes = fs::read(&segment).expect("it is there");
    let middle = bytes.iter().rposition(|byte| *byte != 0).expect("it holds something") / 2;
    bytes[middle] ^= 1;
    fs::write(&segment, bytes).expect("it is ours");
    let words = ["compliance", "show", "--lang", "en", text_of(&record)];
    let shown = xmc(&words);
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert_eq!(shown.status.code(), Some(1), "{text}");
    assert!(text.contains("NOT WHOLE") && text.contains("audit verify"), "{text}");
}

/// The record is written once more, each block in two halves, while it is read: a half is no
/// damage.
fn while_it_is_written(record: &Path) {
    let segment = record.join("00000001.xmj");
    let whole = fs::read(&segment).expect("it is there");
    let header = reader::header(&whole).expect("it is a segment");
    let mut blocks = Blocks::new(&whole, &header);
    let starts = std::iter::from_fn(|| blocks.next_block().expect("it is whole").ok());
    let starts: Vec<_> = starts.map(|block| block.offset as usize).collect();
    let mut written = whole[..starts[1]].to_vec();
    written.resize(usize::try_from(header.allocated_bytes.get()).expect("it was made"), 0);
    fs::write(&segment, &written).expect("it is ours");
    let file = OpenOptions::new().write(true).open(&segment).expect("it is ours");
    let mut show = Command::new(env!("CARGO_BIN_EXE_xmc"));
    show.args(["compliance", "show", "--json", text_of(record)]);
    let mut show = show.stdout(Stdio::piped()).spawn().expect("xmc runs");
    let mut halves = 0;
    for ends in starts[1..].windows(2) {
        let middle = ends[0] + (ends[1] - ends[0]) / 2;
        for range in [ends[0]..middle, middle..ends[1]] {
            file.write_all_at(&whole[range.clone()], range.start as u64).expect("it is ours");
            let is_half = range.end == middle;
            std::thread::sleep(Duration::from_millis(if is_half { 200 } else { 0 }));
        }
        halves += 1;
        if show.try_wait().expect("it is ours").is_some() {
            break;
        }
    }
    let shown = show.wait_with_output().expect("it ends");
    println!("{halves} of {} blocks while it was shown", starts.len());
    assert!(halves + 2 < starts.len(), "it was shown while it was written");
    let shown = json(&shown);
    assert!(shown["damage"].is_null() && shown["meters"].is_array(), "{shown}");
    fs::write(&segment, whole).expect("it is ours");
}

#[test]
fn a_configuration_and_another_one_are_not_shown_together() {
    let one = "config/demo.toml";
    let refused = xmc(&["compliance", "show", one, "--config", "config/backtest_demo.toml"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(3), "{said}");
    assert!(said.contains("config/demo.toml is no directory: with --config"), "{said}");
}

#[test]
fn the_filing_sheet_names_the_program_that_made_it() {
    let scratch = Scratch::new("compliance_filing");
    let file = config(&scratch, &[]);
    let args = ["compliance", "filing", "--config", text_of(&file)];
    let filed = xmc(&[&args[..], &["--json"]].concat());
    assert_eq!(filed.status.code(), Some(0), "{filed:?}");
    let filed = json(&filed);
    let value = |what: &str| {
        let mut rows = filed["program"].as_array().expect("a list").iter();
        let row = rows.find(|row| row["what"] == what).expect("it is there");
        row["value"].as_str().expect("text").to_owned()
    };
    let binary = fs::read(env!("CARGO_BIN_EXE_xmc")).expect("it is there");
    let digest: [u8; 32] = Sha256::digest(binary).into();
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(value("binary_sha256"), digest);
    assert_eq!(value("version"), env!("CARGO_PKG_VERSION"));
    let config = cross_market_connect::config::load(&file).expect("it is sound");
    assert_eq!(value("configuration_sha256"), config.digest());
    let strategies = filed["strategies"].as_array().expect("a list");
    assert_eq!(strategies.len(), config.spreads.len());
    assert!(strategies.iter().all(|row| row["account"] == "demo_1"), "{strategies:?}");
    let rates = filed["rates"].as_array().expect("a list");
    let gateway = rates.iter().find(|row| row["of"] == "gateway cme").expect("it is there");
    let rate = config.gateways.iter().find(|gateway| *gateway.name == "cme").expect("it is");
    assert_eq!(gateway["messages"], rate.rate.messages);
    let html = xmc(&[&args[..], &["--format", "html", "--lang", "en"]].concat());
    let html = String::from_utf8_lossy(&html.stdout).into_owned();
    assert!(html.starts_with("<!doctype html>") && html.contains(&digest), "{html}");
    let text = xmc(&[&args[..], &["--lang", "zh"]].concat());
    assert!(String::from_utf8_lossy(&text.stdout).contains("程序 SHA-256"));
}

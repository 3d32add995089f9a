//! `xmc inspect --statistics`: the days at the end of the shared capture are those that its entries
//! add up to, and what a made capture says and takes back.

use super::inspect::{CAPTURE, capture, library};
use crate::shared;
use cross_market_connect::cli::Exit;
use cross_market_connect::venue::cme::mdp3::{
    EventMark, Generation, PacketBuilder, SnapshotMark, limits_entry, session_statistic,
    snapshot_level, volume_entry,
};
use serde_json::Value;
use std::collections::BTreeMap;
use xmc_hotpath::venue::cme::mdp3::layout::{Action, EntryKind, Mantissa};

/// A row of the report by the names of its columns.
fn rows(report: &str) -> Vec<BTreeMap<String, String>> {
    let mut lines = report.lines();
    let names: Vec<_> = lines.next().expect("a header").split('\t').collect();
    let row = |line: &str| {
        let cells: Vec<_> = line.split('\t').collect();
        assert_eq!(cells.len(), names.len(), "{line}");
        names.iter().zip(cells).map(|(name, cell)| ((*name).to_owned(), cell.to_owned())).collect()
    };
    lines.map(row).collect()
}

/// A mantissa in units of 1e-7 as a decimal.
fn decimal(mantissa: &str) -> String {
    let mantissa: i64 = mantissa.parse().expect("a price");
    let text = format!("{}.{:07}", mantissa.abs() / 10_000_000, mantissa.abs() % 10_000_000);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{}{text}", if mantissa < 0 { "-" } else { "" })
}

#[test]
fn days_are_what_the_entries_add_up_to() {
    let Some(path) = shared::data(CAPTURE) else { return };
    let path = path.to_str().expect("it is text");
    let (_, entries) = library(false, &[path, "--entries"]);
    // The entries view is the oracle's, to its end.
    let mut expected: BTreeMap<String, BTreeMap<&str, String>> = BTreeMap::new();
    for entry in rows(&entries) {
        if entry["feed"] != "A" || entry["template"] == "32" {
            continue;
        }
        let day = expected.entry(entry["security_id"].clone()).or_default();
        match entry["entry_type"].as_str() {
            "e" => drop(day.insert("volume", entry["size"].clone())),
            "2" => {
                day.insert("last", decimal(&entry["px_mantissa"]));
                day.insert("lots", entry["size"].clone());
                let words = [("1", "buy"), ("2", "sell")];
                let word = words.iter().find(|(code, _)| *code == entry["aggressor"]);
                day.insert("aggressor", word.map_or("-", |(_, word)| *word).to_owned());
            }
            kind => {
                let names = [
                    ("4", "open"),
                    ("7", "high"),
                    ("8", "low"),
                    ("N", "high_bid"),
                    ("O", "low_ask"),
                ];
                let name = names.iter().find(|(code, _)| *code == kind).expect("one of these").1;
                day.insert(name, decimal(&entry["px_mantissa"]));
            }
        }
    }
    let (ended, report) = library(false, &[path, "--statistics"]);
    assert_eq!(ended.expect("it is read"), Exit::Ok);
    let found: BTreeMap<_, _> =
        rows(&report).into_iter().map(|row| (row["security_id"].clone(), row)).collect();
    assert!(found.keys().eq(expected.keys()));
    for (id, day) in &expected {
        for (name, value) in &found[id] {
            let said = day.get(name.as_str()).map_or("-", String::as_str);
            match name.as_str() {
                "group" => assert_eq!(value, "224.0.31.64:14340"),
                "security_id" => {}
                "busts" => assert_eq!(value, "0"),
                _ => assert_eq!(value, said, "{name} of {id}"),
            }
        }
    }
    println!("{} instruments", found.len());
    assert!(found.len() > 73, "more than the oracle's part has");
    // The same as JSON.
    let (_, json) = library(true, &[path, "--statistics"]);
    let report: Value = serde_json::from_str(json.lines().next().expect("a row")).expect("JSON");
    assert_eq!(report["schema"], "xmc.inspect.statistics");
    assert_eq!(json.lines().count(), found.len());
}

#[test]
fn what_is_taken_back_and_voided_is_not_shown_and_a_gap_is_a_finding() {
    const END: EventMark = EventMark::end(1);
    let packet = |seq_no| PacketBuilder::new(Generation::V13, seq_no, 1);
    let price = |price: i64| Mantissa::new(price * 1_000_000_000);
    let statistic = |id, rpt_seq, action| {
        session_statistic((id, rpt_seq), EntryKind::HighTrade, action, price(7))
    };
    let first = packet(1)
        .session_statistics(END, &[statistic(5, 1, Action::New), statistic(6, 1, Action::New)])
        .limits(END, &[limits_entry((5, 2), [price(9), price(-3), Mantissa::NULL])])
        .finish();
    let second = packet(2)
        .session_statistics(END, &[statistic(5, 3, Action::Delete)])
        .volumes(END, &[volume_entry(6, 2, 40)])
        .finish();
    let reset = packet(3).reset(END, 340).finish();
    let late = packet(5).volumes(END, &[volume_entry(6, 1, 41)]).finish();
    let group = "224.0.31.64:14340";
    let shown = |name: &str, packets: &[&Vec<u8>]| {
        let datagrams: Vec<_> = packets.iter().map(|bytes| (group, (*bytes).clone())).collect();
        let path = capture(name, &datagrams);
        let (ended, report) = library(false, &[path.to_str().expect("text"), "--statistics"]);
        let cells = |row: &BTreeMap<String, String>| {
            ["security_id", "high", "volume", "limit_low", "limit_high"]
                .map(|name| row[name].clone())
                .join(" ")
        };
        (ended.expect("it is read"), rows(&report).iter().map(cells).collect::<Vec<_>>())
    };
    let of = |rows: [&str; 2]| rows.map(str::to_owned).to_vec();
    assert_eq!(shown("days_first", &[&first]), (Exit::Ok, of(["5 7 - -3 9", "6 7 - - -"])));
    let both = (Exit::Ok, of(["5 - - -3 9", "6 7 40 - -"]));
    assert_eq!(shown("days_second", &[&first, &second]), both);
    let void = (Exit::Ok, of(["5 - - - -", "6 - - - -"]));
    assert_eq!(shown("days_void", &[&first, &second, &reset]), void);
    let torn = (Exit::Finding, of(["5 - - - -", "6 - 41 - -"]));
    assert_eq!(shown("days_torn", &[&first, &second, &reset, &late]), torn);
}

/// A group of snapshots begins again with every loop, and a capture often ends in the middle of
/// one: what the loop before said stands.
#[test]
fn a_loop_of_snapshots_that_begins_again_voids_nothing() {
    let snapshot = |seq_no: u32, sent_ns: u64, security_id: i32, high: i64| {
        let mark = SnapshotMark {
            last_seq_no: 9,
            report_count: 2,
            security_id,
            rpt_seq: 1,
            transact_ns: 1,
            trading_status: u8::MAX,
        };
        let price = Mantissa::new(high * 1_000_000_000);
        let entry = snapshot_level(EntryKind::HighTrade, i8::MAX, price, i32::MAX, None);
        let packet = PacketBuilder::new(Generation::V13, seq_no, sent_ns);
        packet.snapshot(&mark.into(), &[entry]).finish()
    };
    let datagrams = [snapshot(1, 1, 5, 7), snapshot(2, 2, 6, 8), snapshot(1, 3, 5, 9)];
    let datagrams: Vec<_> = datagrams.map(|bytes| ("224.0.31.64:14340", bytes)).into();
    let path = capture("days_looped", &datagrams);
    let (ended, report) = library(false, &[path.to_str().expect("text"), "--statistics"]);
    let found: Vec<_> =
        rows(&report).iter().map(|row| (row["security_id"].clone(), row["high"].clone())).collect();
    let of = |id: &str, high: &str| (id.to_owned(), high.to_owned());
    assert_eq!(found, [of("5", "9"), of("6", "8")]);
    assert_eq!(ended.expect("it is read"), Exit::Ok);
}

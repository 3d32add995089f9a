//! Captures that others made: older versions, new weeks, depths, other venues, other containers.

use super::inspect::{CAPTURE, capture, library};
use crate::shared;
use cross_market_connect::cli::Exit;
use cross_market_connect::port::capture::{Capture, LinkType, Writer};
use cross_market_connect::venue::cme::mdp3::{
    BookChange, EventMark, FutureTerms, Generation, PacketBuilder, session_statistic,
};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use xmc_hotpath::venue::cme::mdp3::layout::{Action, DefinitionAction, EntryKind, Mantissa};

const GROUP: &str = "224.0.31.64:14340";
const ID: i32 = 411_873;
/// Where the first message begins in a frame of the shared capture: Ethernet, IPv4, UDP, and the
/// packet's header.
const FIRST_MESSAGE: usize = 42 + 12;

/// Runs the program: its exit code, what it wrote and what it told.
fn program(args: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_xmc")).args(args).output().expect("xmc runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn scratch(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// The shared capture with another version in every message header.
fn relabelled(capture: &Path, version: u16) -> PathBuf {
    let capture = Capture::open(capture).unwrap();
    let mut writer = Writer::new(Vec::new(), LinkType::ETHERNET).unwrap();
    for frame in capture.frames().map(Result::unwrap) {
        let mut bytes = frame.bytes.to_vec();
        let mut at = FIRST_MESSAGE;
        // Frames are padded to 60 bytes: a size of 0 is the end.
        while let Some(size) = bytes.get(at..at + 2).map(|b| u16::from_le_bytes([b[0], b[1]])) {
            if size < 10 {
                break;
            }
            bytes[at + 8..at + 10].copy_from_slice(&version.to_le_bytes());
            at += usize::from(size);
        }
        writer.frame(frame.captured, &bytes).unwrap();
    }
    let path = scratch(&format!("version-{version}.pcap"));
    fs::write(&path, writer.into_inner()).unwrap();
    path
}

/// Versions 5 and 6 of what is in the capture have the same blocks: the XML marks nothing in them
/// as newer. So the views are those that the oracle was compared with.
#[test]
fn a_version_before_the_compared_ones_is_read_by_its_lengths() {
    let Some(v6) = shared::data(CAPTURE) else { return };
    let v5 = relabelled(&v6, 5);
    for view in ["--entries", "--books", "--statistics"] {
        let (ended, rows) = library(false, &[view, text(&v5)]);
        assert_eq!(ended.unwrap(), Exit::Ok);
        assert!(rows.lines().count() > 50);
        assert!(rows == library(false, &[view, text(&v6)]).1, "{view}");
    }
    let (code, shown, told) = program(&["inspect", text(&v5)]);
    assert_eq!(code, Some(0));
    assert!(shown.contains("schema       1 version 5\n"), "{shown}");
    assert!(told.starts_with("note: ") && told.contains("schema 1 version 5"), "{told}");
    assert_eq!(program(&["inspect", text(&v6)]).2, "");
}

/// A change of one level of the book of `ID`.
fn level(kind: EntryKind, action: Action, level: u8, price: i64) -> BookChange {
    BookChange {
        security_id: ID,
        rpt_seq: 1,
        kind,
        action,
        level,
        price: Mantissa::new(price * 1_000_000_000),
        size_lots: Some(7),
        order_count: Some(3),
    }
}

fn book(seq_no: u32, sent_ns: u64, changes: &[BookChange]) -> Vec<u8> {
    let entries: Vec<_> = changes.iter().map(|&change| change.into()).collect();
    let packet = PacketBuilder::new(Generation::V13, seq_no, sent_ns);
    packet.book(EventMark::end(sent_ns), &entries, &[]).finish()
}

/// Writes a capture of packets of line A and says where it is.
fn line_a(name: &str, packets: &[Vec<u8>]) -> PathBuf {
    let datagrams: Vec<_> = packets.iter().map(|packet| (GROUP, packet.clone())).collect();
    capture(name, &datagrams)
}

/// The bids of the last row, in whole prices.
fn last_bids(rows: &str) -> Vec<i64> {
    let row = rows.lines().last().expect("a row");
    let bids = row.split('\t').nth(4).expect("bids");
    bids.split(';')
        .filter_map(|level| Some(level.split_once(':')?.0.parse::<i64>().expect("a price")))
        .map(|mantissa| mantissa / 1_000_000_000)
        .collect()
}

#[test]
fn a_new_week_empties_the_books_and_a_lost_beginning_is_a_finding() {
    const HOUR_NS: u64 = 3_600_000_000_000;
    let (new, change) = (Action::New, Action::Change);
    let old = [
        book(500, 1, &[level(EntryKind::Bid, new, 1, 400), level(EntryKind::Bid, new, 2, 399)]),
        book(501, 2, &[level(EntryKind::Bid, change, 1, 400)]),
    ];
    for (first, code, gaps, missing) in [(1, 0, 0, 0), (2, 1, 1, 1)] {
        let week = book(first, HOUR_NS, &[level(EntryKind::Bid, new, 1, 410)]);
        let next = book(first + 1, HOUR_NS + 1, &[level(EntryKind::Bid, change, 1, 410)]);
        let packets = [&old[..], &[week, next]].concat();
        let path = line_a(&format!("week-{first}.pcap"), &packets);
        let (ended, rows, told) = program(&["inspect", "--books", text(&path)]);
        assert_eq!(ended, Some(code), "{told}");
        assert_eq!(rows.lines().count(), 1 + 4, "the new week is shown");
        assert_eq!(last_bids(&rows), [410]);
        assert!(told.contains("counts anew 1 times, the first in frame 3"), "{told}");
        assert_eq!(told.contains("1 gaps in line A"), first == 2, "{told}");
        let (ended, json, _) = program(&["--json", "inspect", text(&path)]);
        let summary: Value = serde_json::from_str(&json).unwrap();
        let line = &summary["lines"][0];
        assert_eq!((ended, &line["restarts"]), (Some(code), &1.into()));
        assert_eq!((&line["gaps"], &line["missing_packets"]), (&gaps.into(), &missing.into()));
    }
    // A late packet has its own, earlier time: nothing begins again.
    let late = line_a("late-book.pcap", &[&old[..], &old[..1]].concat());
    let (ended, rows, told) = program(&["inspect", "--books", text(&late)]);
    assert_eq!((ended, rows.lines().count(), told.as_str()), (Some(0), 1 + 2, ""));
}

#[test]
fn a_new_week_voids_the_days() {
    let day = |seq_no, sent_ns, id| {
        let high = session_statistic((id, 1), EntryKind::HighTrade, Action::New, Mantissa::new(7));
        let packet = PacketBuilder::new(Generation::V13, seq_no, sent_ns);
        packet.session_statistics(EventMark::end(1), &[high]).finish()
    };
    let packets = [day(800, 1, 5), day(801, 2, 6), day(4, 60_000_000_000, 6)];
    let path = line_a("week-days.pcap", &packets);
    let (ended, report) = library(false, &["--statistics", text(&path)]);
    assert_eq!(ended.unwrap(), Exit::Finding, "three packets are lost");
    let highs: Vec<_> = report.lines().skip(1).map(|row| row.contains("0.000000007")).collect();
    assert_eq!(highs, [false, true], "{report}");
}

fn terms(depths: (i8, Option<i8>)) -> FutureTerms<'static> {
    FutureTerms {
        report_count: 1,
        action: DefinitionAction::Add,
        channel: 340,
        market_segment: 64,
        exchange: "XCBT",
        security_group: "ZC",
        asset: "ZC",
        symbol: "ZCZ6",
        security_id: ID,
        maturity: (2026, 12),
        currency: "USD",
        tick: Mantissa::new(250_000_000),
        display_factor: Mantissa::new(1_000_000_000),
        max_lots: 9_999,
        depths,
        active_ns: (1, 2),
    }
}

/// A book of three levels: the fourth is not deleted on the wire, it falls off.
#[test]
fn a_book_is_as_deep_as_its_definition_on_whatever_group() {
    let new = |place, price| level(EntryKind::Bid, Action::New, place, price);
    let packets = [
        book(1, 1, &[new(1, 400), new(2, 399), new(3, 398)]),
        book(2, 2, &[new(1, 401)]),
        book(3, 3, &[level(EntryKind::Bid, Action::Delete, 1, 401), new(3, 397)]),
    ];
    let definition = |depth| {
        let packet = PacketBuilder::new(Generation::V13, 1, 1);
        packet.future(&terms((depth, Some(2)))).finish()
    };
    let shown = |name: &str, depth: Option<i8>, more: &[&str]| {
        let mut datagrams: Vec<_> = packets.iter().map(|bytes| (GROUP, bytes.clone())).collect();
        datagrams.extend(depth.map(|depth| ("224.0.28.64:6340", definition(depth))));
        let path = capture(name, &datagrams);
        let (ended, rows) = library(false, &[&["--books", text(&path)], more].concat());
        assert_eq!(ended.unwrap(), Exit::Ok);
        let (_, json) = library(true, &[text(&path)]);
        let summary: Value = serde_json::from_str(&json).unwrap();
        for line in summary["lines"].as_array().unwrap() {
            assert_eq!(line["instruments"], 1, "definitions count too");
        }
        last_bids(&rows)
    };
    assert_eq!(shown("depth-3.pcap", Some(3), &[]), [400, 399, 397]);
    assert_eq!(shown("depth-chosen.pcap", Some(3), &["--group", GROUP]), [400, 399, 397]);
    assert_eq!(shown("depth-10.pcap", Some(10), &[]), [400, 399, 397, 398]);
    assert_eq!(shown("depth-untold.pcap", None, &[]), [400, 399, 397, 398]);
}

/// A packet of one message with a zeroed root block.
fn message(seq_no: u32, template: u16, block_len: u16, version: u16) -> Vec<u8> {
    let mut packet = seq_no.to_le_bytes().to_vec();
    packet.extend(1_u64.to_le_bytes());
    for word in [10 + block_len, block_len, template, 1, version] {
        packet.extend(word.to_le_bytes());
    }
    packet.extend(vec![0; block_len.into()]);
    packet
}

#[test]
fn what_is_passed_over_is_told_by_template() {
    for (template, code, word, name) in [
        (64, 1, "finding", "MDIncrementalRefreshBookLongQty64"),
        (70, 1, "finding", "(?)"),
        (60, 0, "note", "SecurityStatusWorkup60"),
        (57, 0, "note", "MDInstrumentDefinitionFixedIncome57"),
    ] {
        let packets = [message(1, template, 40, 13), message(2, template, 40, 13)];
        let path = line_a(&format!("passed-over-{template}.pcap"), &packets);
        for view in [&["inspect"][..], &["inspect", "--books"], &["inspect", "--entries"]] {
            let (ended, _, told) = program(&[view, &[text(&path)]].concat());
            assert_eq!(ended, Some(code), "{template}: {told}");
            let begin = format!("{word}: 2 messages of template {template} (");
            assert!(told.contains(&begin) && told.contains(name), "{told}");
        }
    }
}

/// The MIRP datagram of the shared vectors, with another packet number.
fn mirp(packet_no: u32) -> Option<Vec<u8>> {
    let vectors = shared::text("vectors/smdp_v2.txt")?;
    let hex = vectors.split_whitespace().find(|word| word.starts_with("0101d80001000000e903"))?;
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    let mut bytes: Vec<u8> = (0..hex.len()).step_by(2).map(byte).collect();
    bytes[4..8].copy_from_slice(&packet_no.to_le_bytes());
    Some(bytes)
}

#[test]
fn a_capture_of_smdp_is_recognised() {
    let topic = "239.192.21.1:14210";
    let Some(packets) = [7, 8, 10, 8].map(mirp).into_iter().collect::<Option<Vec<_>>>() else {
        return;
    };
    // A heartbeat: the header alone, and it says number 13. Number 12 was not seen before it.
    let mut heartbeat = packets[0][..24].to_vec();
    heartbeat[1..8].copy_from_slice(&[0, 0, 0, 13, 0, 0, 0]);
    let mut datagrams: Vec<_> = packets.into_iter().map(|packet| (topic, packet)).collect();
    datagrams.push((topic, heartbeat));
    let path = capture("smdp.pcap", &datagrams);
    let (ended, json) = library(true, &[text(&path)]);
    assert_eq!(ended.unwrap(), Exit::Finding, "packets are missing");
    let summary: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&summary["schema"], &summary["protocol"]),
        (&"xmc.inspect.smdp".into(), &"SMDP 2.0".into())
    );
    let found = &summary["topics"][0];
    for (field, value) in [
        ("topic", 1_001),
        ("packets", 5),
        ("heartbeats", 1),
        ("gaps", 2),
        ("missing_packets", 1 + 2),
        ("repeated_packets", 1),
        ("restarts", 0),
        ("first_packet_no", 7),
    ] {
        assert_eq!(found[field], value, "{field}");
    }
    // `xmc frame decode smdp` of the vector has twelve instruments.
    assert_eq!((&found["instruments"], &found["fields"]["instrument"]), (&12.into(), &48.into()));
    let (ended, rows) = library(false, &["--messages", text(&path)]);
    assert_eq!(ended.unwrap(), Exit::Ok);
    let numbers: Vec<_> = rows.lines().skip(1).map(|row| row.split('\t').nth(5)).collect();
    assert_eq!(numbers, ["7", "8", "10", "8", "13"].map(Some));
    let refused = library(false, &["--books", text(&path)]).0.expect_err("no view of books");
    assert!(refused.to_string().contains("5 packets are SMDP 2.0"), "{refused}");

    // Beside CME's packets neither is in the other's way.
    datagrams.truncate(2);
    datagrams.push((GROUP, book(1, 1, &[level(EntryKind::Bid, Action::New, 1, 400)])));
    let both = capture("both.pcap", &datagrams);
    let (ended, json) = library(true, &[text(&both)]);
    assert_eq!(ended.unwrap(), Exit::Ok);
    let protocols: Vec<Value> = json
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["protocol"].clone())
        .collect();
    assert_eq!(protocols, ["CME MDP 3.0", "SMDP 2.0"]);
    let (ended, rows) = library(false, &["--books", text(&both)]);
    assert_eq!((ended.unwrap(), rows.lines().count()), (Exit::Ok, 1 + 1));
}

#[test]
fn compressed_captures_are_read_and_torn_ones_say_so() {
    let new = |seq_no, price| book(seq_no, 1, &[level(EntryKind::Bid, Action::New, 1, price)]);
    let packets: Vec<_> = (1..=3_000).map(|seq_no| new(seq_no, i64::from(seq_no) * 7)).collect();
    let plain = line_a("plain.pcap", &packets);
    let (_, expected) = library(false, &["--entries", text(&plain)]);
    let bytes = fs::read(&plain).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    // Two members, as `cat a.gz b.gz` makes them.
    gzip.write_all(&bytes[..1_000]).unwrap();
    let mut members = gzip.finish().unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&bytes[1_000..]).unwrap();
    members.extend(gzip.finish().unwrap());
    let zstandard = zstd::encode_all(&bytes[..], 3).unwrap();
    for (name, packed) in [("packed.gz", members), ("packed.zst", zstandard)] {
        let path = scratch(name);
        fs::write(&path, &packed).unwrap();
        let (ended, rows) = library(false, &["--entries", text(&path)]);
        assert_eq!(ended.unwrap(), Exit::Ok);
        assert!(rows == expected, "{name}");
        fs::write(&path, &packed[..packed.len() - 9]).unwrap();
        let (code, rows, told) = program(&["inspect", "--entries", text(&path)]);
        assert_eq!((code, expected.starts_with(&rows)), (Some(1), true), "{name}: {told}");
        assert!(told.contains("cannot be unpacked beyond byte"), "{told}");
        fs::write(&path, &packed[..12]).unwrap();
        let error = library(false, &[text(&path)]).0.expect_err(name).to_string();
        assert!(error.contains("cannot be unpacked beyond byte 0"), "{error}");
    }
}

#[test]
fn what_cannot_be_used_of_others_is_no_finding() {
    let whole = line_a("unusable.pcap", &[message(1, 12, 0, 13), message(2, 12, 0, 13)]);
    let file = fs::read(&whole).unwrap();
    // One more frame: the first fragment of a datagram to `group`.
    let with_fragment = |group: [u8; 4]| {
        let mut file = file.clone();
        let second = file[24 + 16 + 64..].to_vec();
        let at = file.len() + 16;
        file.extend(second);
        file[at + 20] = 0x20;
        file[at + 30..at + 34].copy_from_slice(&group);
        fs::write(&whole, &file).unwrap();
        program(&["inspect", text(&whole)])
    };
    let (code, _, told) = with_fragment([239, 1, 1, 1]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("note: 1 frames") && told.contains("fragment"), "{told}");
    let (code, _, told) = with_fragment([224, 0, 31, 64]);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("finding: 1 frames to 224.0.31.64 are unusable"), "{told}");
}

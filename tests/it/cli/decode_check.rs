//! `xmc decode-check` against the shared oracle, and against differences made on purpose.

use crate::shared;
use cross_market_connect::port::capture::{Capture, LinkType, Writer};
use cross_market_connect::venue::cme::mdp3::{BookChange, EventMark, Generation, PacketBuilder};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use xmc_hotpath::time::UnixNs;
use xmc_hotpath::venue::cme::mdp3::layout::{Action, EntryKind, Mantissa};

const CAPTURE: &str = "captures/cme/mdp3_v6_ch340_20161112.pcapng";
const ORACLE: &str = "oracle/mdp3_v6_ch340.entries.tsv";
/// The oracle stops at this sequence number.
const UNTIL: [&str; 2] = ["--until", "8614"];

fn check(a: &Path, b: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xmc"));
    command.arg("decode-check").arg(a).arg(b).args(args).output().expect("xmc runs")
}

/// The lines of a comparison that ends with `code`.
fn told(a: &Path, b: &Path, args: &[&str], code: i32) -> Vec<String> {
    let output = check(a, b, args);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    String::from_utf8(output.stdout).expect("UTF-8").lines().map(str::to_owned).collect()
}

fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("decode_check");
    fs::create_dir_all(&folder).expect("a folder");
    folder.join(name)
}

fn write(name: &str, text: &str) -> PathBuf {
    let path = scratch(name);
    fs::write(&path, text).expect("written");
    path
}

#[test]
fn the_capture_and_the_oracle_are_equal() {
    let (Some(capture), Some(oracle)) = (shared::data(CAPTURE), shared::data(ORACLE)) else {
        return;
    };
    let rows = fs::read_to_string(&oracle).expect("the oracle").lines().count() - 1;
    for (a, b) in [(&capture, &oracle), (&oracle, &capture), (&oracle, &oracle)] {
        let lines = told(a, b, &UNTIL, 0);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].starts_with("equal: "), "{lines:?}");
        assert!(lines[0].ends_with(&format!(" packets, {rows} rows compared")), "{lines:?}");
    }
    assert!(told(&capture, &capture, &[], 0)[0].starts_with("equal: "));
    // Beyond its end the oracle lacks packets, and nothing else differs.
    let lines = told(&capture, &oracle, &["--show", "1"], 1);
    assert!(lines[0].contains("seq 8615: packet only in a"), "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("only in ")), "{lines:?}");
    assert!(!lines.iter().any(|line| line.contains(" differs ")), "{lines:?}");
}

#[test]
fn a_difference_in_any_cell_of_the_oracle_is_found_where_it_is() {
    let (Some(capture), Some(oracle)) = (shared::data(CAPTURE), shared::text(ORACLE)) else {
        return;
    };
    let rows: Vec<&str> = oracle.lines().collect();
    let names: Vec<&str> = rows[0].split('\t').collect();
    let compared = ["frame", "template", "security_id", "rpt_seq", "px_mantissa", "px_exp", "size"];
    let compared = compared.iter().chain(&["n_orders", "level", "update_action", "entry_type"]);
    for (turn, name) in compared.chain(&["aggressor", "settl_flag"]).enumerate() {
        let column = names.iter().position(|known| known == name).expect("a column");
        // The first row from somewhere on that has a value there.
        let has = |row: &&str| row.split('\t').nth(column).is_some_and(|cell| !cell.is_empty());
        let Some(place) = (1 + turn * 500..rows.len()).find(|place| has(&rows[*place])) else {
            continue;
        };
        let mut cells: Vec<String> = rows[place].split('\t').map(str::to_owned).collect();
        let was = cells[column].clone();
        let now = if *name == "entry_type" { "Q".to_owned() } else { "77".to_owned() };
        cells[column].clone_from(&now);
        let mut changed: Vec<String> = rows.iter().map(|row| (*row).to_owned()).collect();
        changed[place] = cells.join("\t");
        let table = write(&format!("cell_{name}.tsv"), &(changed.join("\n") + "\n"));
        let lines = told(&capture, &table, &UNTIL, 1);
        if *name == "frame" {
            // Another frame is another packet, in the middle of one or not.
            assert!(lines[0].contains("frame "), "{name}: {lines:?}");
            continue;
        }
        let (seq, message, entry) = (&cells[2], &cells[3], &cells[4]);
        let frame = &cells[0];
        let wanted = format!(
            "line {} frame {frame}|{frame} seq {seq} message {message} entry {entry}: {name} \
             {was} | {now}",
            cells[1]
        );
        assert_eq!(lines[0], wanted);
        assert_eq!(lines[1], format!("{name} differs 1 times"));
        assert!(lines[2].starts_with("DIFFERENT: "), "{lines:?}");
    }
}

#[test]
fn a_row_or_a_packet_that_is_not_there_hides_nothing_behind_it() {
    let (Some(capture), Some(oracle)) = (shared::data(CAPTURE), shared::text(ORACLE)) else {
        return;
    };
    let rows: Vec<&str> = oracle.lines().collect();
    let seq_of = |row: &str| row.split('\t').nth(2).unwrap_or_default().to_owned();
    // A row of a packet with several.
    let place = (1..rows.len() - 1)
        .find(|place| rows[*place].split('\t').nth(4) == Some("1"))
        .expect("a second entry");
    let mut fewer = rows.clone();
    let gone = fewer.remove(place);
    let table = write("row.tsv", &(fewer.join("\n") + "\n"));
    let lines = told(&capture, &table, &UNTIL, 1);
    assert!(lines[0].contains(&format!("seq {} message", seq_of(gone))), "{lines:?}");
    assert!(lines[0].ends_with("entry 1: row only in a"), "{lines:?}");
    assert_eq!(lines.len(), 3, "{lines:?}");
    // A packet of one line, and a value far behind it.
    let is_gone = |row: &&&str| {
        let cells: Vec<&str> = row.split('\t').collect();
        cells[1] == "A" && cells[2] == "5700"
    };
    let mut fewer: Vec<String> =
        rows.iter().filter(|row| !is_gone(row)).map(|row| (*row).to_owned()).collect();
    assert!(fewer.len() < rows.len());
    let last = fewer.len() - 1;
    fewer[last] = fewer[last].replacen("\t-7\t", "\t-9\t", 1);
    let table = write("packet.tsv", &(fewer.join("\n") + "\n"));
    let output = check(&table, &capture, &[&UNTIL[..], &["--json"]].concat());
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let all: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(all.len(), 3, "{text}");
    assert_eq!((&all[0]["kind"], &all[0]["seq"]), (&"packet_only_in_b".into(), &5700.into()));
    assert_eq!((&all[0]["frame_a"], &all[0]["stream"]), (&Value::Null, &"line A".into()));
    assert_eq!((&all[1]["kind"], &all[1]["field"]), (&"value".into(), &"px_exp".into()));
    assert_eq!((&all[1]["a"], &all[1]["b"]), (&"-9".into(), &"-7".into()));
    assert_eq!(all[2]["schema"], "xmc.decode_check");
    assert_eq!((&all[2]["equal"], &all[2]["only_in_b"]), (&false.into(), &1.into()));
}

/// A packet with two entries.
pub fn packet(seq_no: u32, price: i64) -> Vec<u8> {
    let change = |rpt_seq, level, price| {
        BookChange {
            security_id: 7,
            rpt_seq,
            kind: EntryKind::Bid,
            action: Action::New,
            level,
            price: Mantissa::new(price),
            size_lots: Some(5),
            order_count: Some(2),
        }
        .into()
    };
    let changes = [change(seq_no * 2, 1, price), change(seq_no * 2 + 1, 2, price - 1)];
    let packet = PacketBuilder::new(Generation::V13, seq_no, 1_000 + u64::from(seq_no));
    packet.book(EventMark::end(9), &changes, &[]).finish()
}

/// A packet without entries.
pub fn heartbeat(seq_no: u32) -> Vec<u8> {
    PacketBuilder::new(Generation::V13, seq_no, 5).heartbeat().finish()
}

pub fn capture(name: &str, datagrams: &[(&str, Vec<u8>)]) -> PathBuf {
    let mut writer = Writer::new(Vec::new(), LinkType::ETHERNET).expect("memory");
    for (number, (group, payload)) in datagrams.iter().enumerate() {
        let group: std::net::SocketAddrV4 = group.parse().expect("a group");
        let mut frame = Vec::new();
        etherparse::PacketBuilder::ethernet2([2; 6], [1, 0, 0x5e, 0, 0, 1])
            .ipv4([10, 0, 0, 1], group.ip().octets(), 8)
            .udp(5_000, group.port())
            .write(&mut frame, payload)
            .expect("memory");
        writer.frame(UnixNs(number as u64), &frame).expect("memory");
    }
    let path = scratch(name);
    fs::write(&path, writer.into_inner()).expect("written");
    assert!(Capture::open(&path).is_ok());
    path
}

pub const A: &str = "224.0.31.64:14340";
pub const B: &str = "224.0.32.64:15340";

#[test]
fn two_captures_may_interleave_their_lines_otherwise() {
    let one = capture(
        "one.pcap",
        &[(A, packet(4, 100)), (B, packet(4, 100)), (A, heartbeat(5)), (B, heartbeat(5))],
    );
    let other = capture(
        "other.pcap",
        &[(B, packet(4, 100)), (B, heartbeat(5)), (A, packet(4, 100)), (A, heartbeat(5))],
    );
    // Four packets; per line a message with two entries, and one without.
    assert_eq!(told(&one, &other, &[], 0), ["equal: 4 packets, 8 rows compared"]);
    let chosen = told(&one, &other, &["--group", "224.0.31.64"], 0);
    assert_eq!(chosen, ["equal: 2 packets, 4 rows compared"]);
}

#[test]
fn two_captures_differ_in_a_value_a_message_a_packet_and_a_repetition() {
    let one = capture(
        "value_a.pcap",
        &[(A, packet(4, 100)), (A, heartbeat(5)), (A, packet(6, 100)), (A, packet(9, 100))],
    );
    let other = capture(
        "value_b.pcap",
        &[
            (A, packet(4, 102)),
            (A, packet(5, 100)),
            (A, packet(6, 100)),
            (A, packet(6, 100)),
            (A, packet(8, 100)),
            (A, packet(9, 100)),
        ],
    );
    let lines = told(&one, &other, &[], 1);
    let at = |frame_a: u8, frame_b: u8| format!("{A} frame {frame_a}|{frame_b} seq ");
    assert_eq!(lines[0], at(1, 1) + "4 message 0 entry 0: px_mantissa 100 | 102");
    assert_eq!(lines[1], at(1, 1) + "4 message 0 entry 1: px_mantissa 99 | 101");
    assert_eq!(lines[2], at(2, 2) + "5 message 0: template 12 | 46");
    assert!(lines[3].contains("5 message 0: size_bytes "), "{lines:?}");
    assert_eq!(lines[4], at(2, 2) + "5 message 0 entry 0: row only in b");
    assert_eq!(lines[6], format!("{A} frame -|4 seq 6: packet only in b"));
    assert_eq!(lines[7], format!("{A} frame -|5 seq 8: packet only in b"));
    let summary = lines.last().expect("a summary");
    assert_eq!(summary, "DIFFERENT: 4 packets, 10 rows compared");
    let few = told(&one, &other, &["--show", "1"], 1);
    assert_eq!(few[1], ".. and 7 more");
}

#[test]
fn after_a_new_week_numbers_begin_again() {
    let packets = |last: u32| {
        let numbers = [4_000_000_000, last, 1, 2];
        numbers.map(|seq_no| (A, heartbeat(seq_no)))
    };
    let one = capture("week_a.pcap", &packets(4_000_000_001));
    let other = capture("week_b.pcap", &packets(4_000_000_001)[..3]);
    let lines = told(&one, &other, &[], 1);
    assert_eq!(lines[0], format!("{A} frame 4|- seq 2: packet only in a"));
    assert_eq!(told(&one, &one, &[], 0), ["equal: 4 packets, 4 rows compared"]);
}

#[test]
fn what_cannot_be_compared_is_said() {
    let good = capture("good.pcap", &[(A, packet(4, 100))]);
    let two = capture("two.pcap", &[(A, packet(4, 100)), ("224.0.31.65:14341", packet(4, 100))]);
    let header = "feed\tseq\tmsg_idx\tentry_idx\tsize\tentry_type\n";
    let table = write("good.tsv", &format!("{header}A\t4\t0\t0\t5\t0\nA\t4\t0\t1\t5\t0\n"));
    // Columns that a table has not are left out.
    assert_eq!(told(&good, &table, &[], 0), ["equal: 1 packets, 2 rows compared"]);
    for (name, text, part) in [
        ("text.tsv", "nothing of the kind\n", "neither a capture nor a table"),
        ("none.tsv", "", "neither a capture nor a table"),
        ("only.tsv", header, "the table has no rows"),
        ("cell.tsv", &format!("{header}A\t4\t0\t0\tfive\t0\n"), "line 2: `size` is \"five\""),
        ("short.tsv", &format!("{header}A\t4\n"), "line 2: `msg_idx` is \"\""),
        ("feed.tsv", &format!("{header}AB\t4\t0\t0\t5\t0\n"), "line 2: `feed` is \"AB\""),
        ("letter.tsv", &format!("{header}A\t4\t0\t0\t5\t00\n"), "`entry_type` is \"00\""),
        ("long.tsv", &format!("{header}{}\n", "9".repeat(70_000)), "line 2 is longer"),
        ("bytes.tsv", "\u{0}\u{1}", "neither a capture nor a table"),
    ] {
        let output = check(&good, &write(name, text), &[]);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{name}: {stderr}");
        assert!(stderr.contains(part), "{name}: {stderr}");
    }
    let output = check(&good, Path::new("no/such/file"), &[]);
    assert_eq!(output.status.code(), Some(2));
    // A table does not know which of two channels it is of.
    let output = check(&two, &table, &[]);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("choose the groups"));
    assert_eq!(told(&two, &table, &["--group", "224.0.31.64"], 0).len(), 1);
    let mut command = Command::new(env!("CARGO_BIN_EXE_xmc"));
    let output = command.args(["decode-check", "one"]).output().expect("xmc runs");
    assert_eq!(output.status.code(), Some(3));
    // What cannot be read of a side is no equality.
    let mut cut = fs::read(capture("cut.pcap", &[(A, packet(4, 1)), (A, packet(5, 1))])).expect("");
    cut.truncate(cut.len() - 1);
    let path = scratch("cut.pcap");
    fs::write(&path, cut).expect("written");
    assert_eq!(told(&path, &path, &[], 1), ["equal: 1 packets, 3 rows compared"]);
}

/// Of two keys of one name each reader takes another one; the schema of the sender and that of the
/// report had one name.
#[test]
fn each_key_of_a_message_stands_once() {
    let file = capture("keys.pcap", &[(A, packet(4, 100)), (A, heartbeat(5))]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_xmc"));
    let output = command.args(["--json", "inspect", "--messages"]).arg(&file).output();
    let output = output.expect("xmc runs");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(text.lines().count(), 2, "{text}");
    for line in text.lines() {
        assert_eq!(line.matches("\"version\":").count(), 1, "{line}");
        let row: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!((&row["version"], &row["schema_version"]), (&1.into(), &13.into()), "{line}");
    }
}

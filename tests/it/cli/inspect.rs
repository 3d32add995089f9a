//! `xmc inspect` against the shared oracles and captures made here.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use clap::Parser;
use cross_market_connect::cli::{CliError, Exit, Report, inspect};
use cross_market_connect::port::capture::{LinkType, Writer};
use etherparse::PacketBuilder;
use xmc_hotpath::time::UnixNs;

use crate::shared;

pub const CAPTURE: &str = "captures/cme/mdp3_v6_ch340_20161112.pcapng";
/// The oracles stop at this sequence number.
const ORACLE_END: u32 = 8_614;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: inspect::Args,
}

/// Runs the command in this process: how it ended and what it wrote.
pub fn library(json: bool, args: &[&str]) -> (Result<Exit, CliError>, String) {
    let line = Line::parse_from([&["inspect"], args].concat());
    let mut written = Vec::new();
    let mut out = Report::new(&mut written, json);
    let ended = inspect::run(&line.args, &mut out);
    out.finish().unwrap();
    (ended, String::from_utf8(written).unwrap())
}

/// Runs the program: how it ended and what it wrote.
fn program(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xmc")).args(args).output().expect("xmc runs")
}

/// The oracle's entries without the displayed price, which is not on the wire.
fn oracle_entries() -> Option<String> {
    let oracle = shared::text("oracle/mdp3_v6_ch340.entries.tsv")?;
    let rows = oracle.lines().map(|row| {
        let mut cells: Vec<&str> = row.split('\t').collect();
        assert_eq!(cells.len(), 18);
        cells.remove(10);
        cells.join("\t") + "\n"
    });
    Some(rows.collect())
}

/// Rows up to the oracle's last sequence number, which stands in column `seq_column`.
fn in_oracle(rows: &str, seq_column: usize) -> String {
    let is_covered = |row: &&str| {
        let seq = row.split('\t').nth(seq_column).expect("a sequence number");
        seq.parse::<u32>().map_or(seq == "seq", |seq| seq <= ORACLE_END)
    };
    rows.lines().filter(is_covered).map(|row| format!("{row}\n")).collect()
}

/// Compares line by line: the first difference says more than two megabytes of text.
fn assert_same_rows(found: &str, expected: &str) {
    for (number, (found, expected)) in found.lines().zip(expected.lines()).enumerate() {
        assert_eq!(found, expected, "line {}", number + 1);
    }
    assert_eq!(found.lines().count(), expected.lines().count(), "count of lines");
}

#[test]
fn entries_equal_the_oracle() {
    let (Some(capture), Some(oracle)) = (shared::data(CAPTURE), oracle_entries()) else { return };
    let (ended, rows) = library(false, &["--entries", capture.to_str().unwrap()]);
    assert_eq!(ended.unwrap(), Exit::Ok);
    assert_same_rows(&in_oracle(&rows, 2), &oracle);
    assert!(rows.lines().count() > oracle.lines().count(), "the capture goes on");
}

#[test]
fn the_program_writes_what_the_library_does() {
    let (Some(capture), Some(oracle)) = (shared::data(CAPTURE), oracle_entries()) else { return };
    let output = program(&["inspect", "--entries", capture.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty());
    assert_same_rows(&in_oracle(&String::from_utf8(output.stdout).unwrap(), 2), &oracle);
}

#[test]
fn entries_as_json_hold_the_same_values() {
    let (Some(capture), Some(oracle)) = (shared::data(CAPTURE), oracle_entries()) else { return };
    let (ended, json) = library(true, &["--entries", capture.to_str().unwrap()]);
    assert_eq!(ended.unwrap(), Exit::Ok);
    let mut oracle = oracle.lines();
    let names: Vec<&str> = oracle.next().unwrap().split('\t').collect();
    for (line, expected) in json.lines().zip(oracle) {
        let object: BTreeMap<String, serde_json::Value> = serde_json::from_str(line).unwrap();
        assert_eq!(object["schema"], "xmc.inspect.entry");
        assert_eq!(object["version"], 1);
        let cells = names.iter().map(|&name| match object.get(name) {
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => String::new(),
        });
        assert_eq!(cells.collect::<Vec<_>>().join("\t"), expected);
    }
}

#[test]
fn books_equal_the_oracle() {
    let Some(oracle) = shared::text("oracle/mdp3_v6_ch340.books.tsv") else { return };
    let Some(capture) = shared::data(CAPTURE) else { return };
    let (ended, rows) = library(false, &["--books", capture.to_str().unwrap()]);
    assert_eq!(ended.unwrap(), Exit::Ok);
    assert_same_rows(&in_oracle(&rows, 0), &oracle);
    assert!(rows.lines().count() > oracle.lines().count(), "the capture goes on");

    // Line B carries the same packets: as the first group it is line A.
    let b = ["--books", capture.to_str().unwrap(), "--group", "224.0.32.64:15340"];
    let output = program(&[&["inspect"][..], &b].concat());
    assert_eq!(output.status.code(), Some(0));
    assert_same_rows(&String::from_utf8(output.stdout).unwrap(), &rows);
}

#[test]
fn the_newer_generation_is_read_too() {
    let Some(capture) = shared::data("captures/cme/mdp3_v9_book46.pcap") else { return };
    let capture = capture.to_str().unwrap();
    let (ended, rows) = library(false, &["--entries", capture]);
    assert_eq!(ended.unwrap(), Exit::Ok);
    assert_eq!(rows.lines().count(), 1 + 23);
    // Bytes 0x70 to 0x8f of the file, read by hand.
    let first = "1\tA\t1028095\t0\t0\t46\t157660\t411\t15230000000000\t-9\t1\t1\t1\t2\t1\t\t";
    assert_eq!(rows.lines().nth(1), Some(first));
    let (_, rows) = library(false, &["--messages", capture]);
    assert_eq!(rows.lines().count(), 1 + 2);
}

#[test]
fn the_summary_counts_what_the_capture_holds() {
    let Some(capture) = shared::data(CAPTURE) else { return };
    let (ended, json) = library(true, &[capture.to_str().unwrap()]);
    assert_eq!(ended.unwrap(), Exit::Ok);
    let summary: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(summary["schema"], "xmc.inspect.summary");
    assert_eq!(summary["frames"], 10_000);
    for (index, (group, feed)) in
        [("224.0.31.64:14340", "A"), ("224.0.32.64:15340", "B")].into_iter().enumerate()
    {
        let line = &summary["lines"][index];
        assert_eq!(line["group"], group);
        assert_eq!(line["feed"], feed);
        assert_eq!(line["packets"], 5_000);
        assert_eq!((&line["first_seq"], &line["last_seq"]), (&5_615.into(), &10_614.into()));
        assert_eq!(line["gaps"], 0);
        assert_eq!(line["schema_versions"], serde_json::json!([6]));
        assert_eq!(line["instruments"], 127);
        // Counted over both lines with a decoder driven by the exchange's XML.
        let messages = |template: &str| line["templates"][template]["messages"].as_u64().unwrap();
        let counts = ["12", "32", "35", "37", "42"].map(messages);
        assert_eq!(counts, [18 / 2, 19_138 / 2, 614 / 2, 388 / 2, 388 / 2]);
    }
    let (_, text) = library(false, &[capture.to_str().unwrap()]);
    assert!(text.contains("sequence     5615 to 10614, no gap"), "{text}");
    assert!(text.contains("2016-11-12T14:30:25.968273610Z"), "{text}");
}

/// A packet of MDP 3.0 with nothing but a heartbeat.
fn heartbeat(seq_no: u32, version: u16) -> Vec<u8> {
    let mut packet = seq_no.to_le_bytes().to_vec();
    packet.extend(1_536_760_535_685_381_248_u64.to_le_bytes());
    for word in [10, 0, 12, 1, version] {
        packet.extend(word.to_le_bytes());
    }
    packet
}

/// Writes a capture of UDP datagrams, (group, payload), and says where it is.
pub fn capture(name: &str, datagrams: &[(&str, Vec<u8>)]) -> PathBuf {
    let mut writer = Writer::new(Vec::new(), LinkType::ETHERNET).unwrap();
    for (index, (group, payload)) in datagrams.iter().enumerate() {
        let group: std::net::SocketAddrV4 = group.parse().unwrap();
        let mut frame = Vec::new();
        PacketBuilder::ethernet2([2; 6], [1, 0, 0x5e, 0, 0, 1])
            .ipv4([10, 0, 0, 1], group.ip().octets(), 16)
            .udp(30_000, group.port())
            .write(&mut frame, payload)
            .unwrap();
        writer.frame(UnixNs(1_700_000_000_000_000_000 + index as u64), &frame).unwrap();
    }
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, writer.into_inner()).unwrap();
    path
}

/// The `sequence` fields of the only line of a summary.
fn sequence(name: &str, seq_nos: &[u32]) -> (Exit, [u64; 4]) {
    let datagrams: Vec<_> =
        seq_nos.iter().map(|&seq_no| ("224.0.31.64:14340", heartbeat(seq_no, 9))).collect();
    let path = capture(name, &datagrams);
    let (ended, json) = library(true, &[path.to_str().unwrap()]);
    let summary: serde_json::Value = serde_json::from_str(&json).unwrap();
    let line = &summary["lines"][0];
    let fields = ["gaps", "missing_packets", "repeated_packets", "restarts"];
    (ended.unwrap(), fields.map(|field| line[field].as_u64().unwrap()))
}

#[test]
fn a_gap_is_a_finding_and_a_repetition_or_a_restart_is_none() {
    assert_eq!(sequence("whole.pcap", &[7, 8, 9]), (Exit::Ok, [0, 0, 0, 0]));
    assert_eq!(sequence("gap.pcap", &[7, 10, 11, 13]), (Exit::Finding, [2, 3, 0, 0]));
    assert_eq!(sequence("late.pcap", &[7, 8, 7, 8, 9]), (Exit::Ok, [0, 0, 2, 0]));
    assert_eq!(sequence("loop.pcap", &[1, 2, 1, 2, 3]), (Exit::Ok, [0, 0, 0, 1]));
    let end = u32::MAX;
    assert_eq!(sequence("end.pcap", &[end - 1, end]), (Exit::Ok, [0, 0, 0, 0]));
}

#[test]
fn groups_choose_lines_and_their_order_names_them() {
    let (a, b, other) = ("224.0.31.64:14340", "224.0.32.64:15340", "239.1.1.1:9000");
    let path = capture(
        "groups.pcap",
        &[(b, heartbeat(5, 9)), (a, heartbeat(5, 9)), (other, b"not market data".to_vec())],
    );
    let feeds = |groups: &[&str]| {
        let groups = groups.iter().flat_map(|&group| ["--group", group]);
        let args: Vec<&str> =
            ["--messages", path.to_str().unwrap()].into_iter().chain(groups).collect();
        let (ended, rows) = library(false, &args);
        let feeds: Vec<String> = rows
            .lines()
            .skip(1)
            .map(|row| row.split('\t').skip(2).take(2).collect::<Vec<_>>().join(" "))
            .collect();
        (ended, feeds)
    };
    let (ended, rows) = feeds(&[]);
    assert_eq!(ended.unwrap(), Exit::Ok, "another's traffic is no finding");
    assert_eq!(rows, [format!("{b} B"), format!("{a} A")]);
    assert_eq!(feeds(&[b, a]).1, [format!("{b} A"), format!("{a} B")]);
    assert_eq!(feeds(&["224.0.31.64"]).1, [format!("{a} A")]);
    assert_eq!(feeds(&["224.0.31.64", "224.0.0.1"]).0.unwrap(), Exit::Finding, "a line is missing");
    let (ended, _) = feeds(&[other]);
    let error = ended.expect_err("nothing recognised").to_string();
    assert!(error.contains("239.1.1.1:9000 (1 datagrams, frame 3: "), "{error}");
    let (ended, _) = feeds(&["224.0.0.1"]);
    let error = ended.expect_err("nothing there").to_string();
    assert!(error.contains("3 UDP datagrams go to groups that `--group` leaves out"), "{error}");
}

#[test]
fn a_packet_is_recognised_only_if_all_of_it_is_sound() {
    let group = "224.0.31.64:14340";
    let sound = heartbeat(5, 9);
    let edit = |at: usize, value: u8| {
        let mut packet = sound.clone();
        packet[at] = value;
        packet
    };
    for (name, packet, why) in [
        ("empty", vec![], "ends inside"),
        ("header", sound[..12].to_vec(), "no message"),
        ("short", sound[..21].to_vec(), "ends inside"),
        ("long", [&sound[..], &[0]].concat(), "ends inside"),
        ("size", edit(12, 9), "shorter than its headers"),
        ("schema", edit(18, 2), "not of SBE schema 1"),
        ("block", edit(16, 32), "a block is shorter"),
    ] {
        let file = format!("unsound-{name}.pcap");
        let alone = capture(&file, &[(group, packet.clone())]);
        let error = library(false, &[alone.to_str().unwrap()]).0.expect_err(name);
        assert!(matches!(error, CliError::CouldNotRun(_)) && error.exit() == Exit::CouldNotRun);
        assert!(error.to_string().contains(why), "{name}: {error}");

        let among = capture(&file, &[(group, heartbeat(4, 9)), (group, packet)]);
        let output = program(&["inspect", "--messages", among.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(1), "{name}");
        assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 2, "{name}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains("1 of 2 datagrams") && told.contains(why), "{name}: {told}");
    }
}

#[test]
fn what_lies_before_damage_is_shown_and_the_damage_is_a_finding() {
    let group = "224.0.31.64:14340";
    let path = capture("cut.pcap", &[(group, heartbeat(4, 9)), (group, heartbeat(5, 9))]);
    let file = fs::read(&path).unwrap();
    fs::write(&path, &file[..file.len() - 1]).unwrap();
    let output = program(&["inspect", "--messages", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 2);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("cut off") && told.contains("byte 104"), "{told}");

    // A frame cut short by the snap length is unusable, and what is left is still shown.
    let mut file =
        fs::read(capture("snap.pcap", &[4, 5].map(|seq_no| (group, heartbeat(seq_no, 9)))))
            .unwrap();
    file.truncate(file.len() - 4);
    let second = 24 + 16 + 64;
    file[second + 8..second + 12].copy_from_slice(&60_u32.to_le_bytes());
    fs::write(&path, &file).unwrap();
    let output = program(&["inspect", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("1 frames to 224.0.31.64 are unusable, the first is 2"), "{told}");
}

#[test]
fn the_command_line_ends_with_the_codes_of_the_house() {
    let code = |args: &[&str]| program(args).status.code();
    assert_eq!(code(&["--version"]), Some(0));
    assert_eq!(code(&["--help"]), Some(0));
    assert_eq!(code(&["inspect", "--help"]), Some(0));
    for wrong in [
        &[][..],
        &["no-such-command"],
        &["inspect"],
        &["inspect", "--entries", "--messages", "x"],
        &["inspect", "--group", "224.0.31", "x"],
        &["inspect", "--no-such-flag", "x"],
    ] {
        let output = program(wrong);
        assert_eq!(output.status.code(), Some(3), "{wrong:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{wrong:?}");
    }
    let output = program(&["inspect", "no/such/file"]);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.starts_with("error: cannot read no/such/file"), "{told}");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let Some(path) = shared::data(CAPTURE) else { return };
    let mut child = Command::new(env!("CARGO_BIN_EXE_xmc"))
        .args(["inspect", "--entries", path.to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut front = [0; 16];
    child.stdout.take().unwrap().read_exact(&mut front).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((&front[..6], output.status.code()), (&b"frame\t"[..], Some(0)));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Every message of the exchange's XML has its name here, and no name is invented.
#[test]
fn messages_have_the_names_of_the_exchange() {
    let mut names = BTreeMap::new();
    for version in [6, 9, 13] {
        let Some(xml) = shared::text(&format!("schemas/cme/mdp3_v{version}.xml")) else { return };
        let document = roxmltree::Document::parse(&xml).unwrap();
        for message in document.descendants().filter(|node| node.tag_name().name() == "message") {
            let id: u16 = message.attribute("id").unwrap().parse().unwrap();
            names.insert(id, message.attribute("name").unwrap().to_owned());
        }
    }
    assert!(names.len() > 40);
    for id in 0..=u16::MAX {
        let expected = names.get(&id).map_or("?", String::as_str);
        assert_eq!(inspect::template_name(id), expected, "template {id}");
    }
}

/// A packet with one message of version 9: its body and its template.
fn packet(seq_no: u32, template: u16, root: &[u8], rest: &[u8]) -> Vec<u8> {
    let mut packet = seq_no.to_le_bytes().to_vec();
    packet.extend(1_536_760_535_685_381_248_u64.to_le_bytes());
    let size = 10 + root.len() + rest.len();
    for word in [size as u16, root.len() as u16, template, 1, 9] {
        packet.extend(word.to_le_bytes());
    }
    [&packet[..], root, rest].concat()
}

/// (instrument, action, kind, level, price, lots)
type Told = (i32, u8, u8, u8, i64, i32);

/// A packet with one `MDIncrementalRefreshBook46`.
fn book(seq_no: u32, entries: &[Told]) -> Vec<u8> {
    let mut group = vec![32, 0, entries.len() as u8];
    for (index, &(security_id, action, kind, level, price_e9, lots)) in entries.iter().enumerate() {
        group.extend(price_e9.to_le_bytes());
        group.extend(lots.to_le_bytes());
        group.extend(security_id.to_le_bytes());
        group.extend((seq_no * 100 + index as u32).to_le_bytes());
        group.extend(1_i32.to_le_bytes());
        group.extend([level, action, kind, 0, 0, 0, 0, 0]);
    }
    group.extend([24, 0, 0, 0, 0, 0, 0, 0]);
    packet(seq_no, 46, &[0; 11], &group)
}

/// The rows of `--books` over packets of one line, without the places below the second.
fn books(name: &str, packets: &[Vec<u8>]) -> (Option<i32>, Vec<String>, String) {
    let datagrams: Vec<_> =
        packets.iter().map(|packet| ("224.0.31.64:14340", packet.clone())).collect();
    let path = capture(name, &datagrams);
    let output = program(&["inspect", "--books", path.to_str().unwrap()]);
    let rows = String::from_utf8(output.stdout).unwrap();
    let short = rows.lines().skip(1).map(|row| row.replace(";-;-;-;-;-;-;-;-", ""));
    (output.status.code(), short.collect(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn books_follow_the_message_and_not_the_entry() {
    let (code, rows, told) = books(
        "books.pcap",
        &[
            book(1, &[(7, 0, b'0', 1, -5, 3), (8, 0, b'F', 2, 0, 4), (7, 0, b'0', 1, -4, 1)]),
            // Repeated: already in the books.
            book(1, &[(7, 2, b'0', 1, -4, 1)]),
            book(2, &[(7, 2, b'0', 1, -4, 1), (7, 1, b'1', 2, 9, 5)]),
        ],
    );
    assert_eq!((code, told.as_str()), (Some(0), ""));
    let expected = [
        "1\t0\t7\t102\t-4:1:1;-5:3:1\t-;-\t-;-\t-;-",
        "1\t0\t8\t101\t-;-\t-;-\t-;-\t-;0:4",
        "2\t0\t7\t201\t-5:3:1;-\t-;9:5:1\t-;-\t-;-",
    ];
    assert_eq!(rows, expected);
}

#[test]
fn a_reset_empties_the_books() {
    let first = book(1, &[(7, 0, b'0', 1, 5, 3), (8, 0, b'0', 1, 6, 4)]);
    let channel = packet(2, 4, &[0; 9], &[2, 0, 1, 84, 1]);
    let after = book(3, &[(7, 0, b'1', 1, 9, 1), (8, 0, b'J', 0, i64::MAX, i32::MAX)]);
    let (code, rows, _) = books("books-reset.pcap", &[first.clone(), channel, after.clone()]);
    assert_eq!(code, Some(0));
    assert_eq!(rows[2], "3\t0\t7\t300\t-;-\t9:1:1;-\t-;-\t-;-");
    assert_eq!(rows[3], "3\t0\t8\t301\t-;-\t-;-\t-;-\t-;-");
    // Without the reset of the channel only the instrument's own reset empties a book.
    let (_, rows, _) = books("books-reset.pcap", &[first, heartbeat(2, 9), after]);
    assert_eq!(rows[2], "3\t0\t7\t300\t5:3:1;-\t9:1:1;-\t-;-\t-;-");
    assert_eq!(rows[3], "3\t0\t8\t301\t-;-\t-;-\t-;-\t-;-");
}

#[test]
fn books_that_cannot_be_believed_are_a_finding() {
    let first = book(1, &[(7, 0, b'0', 1, 5, 3)]);
    let (code, rows, told) =
        books("books-gap.pcap", &[first.clone(), book(4, &[(7, 2, b'0', 1, 5, 3)])]);
    assert_eq!((code, rows.len()), (Some(1), 2));
    assert!(told.contains("the first before sequence 4 in frame 2"), "{told}");

    for (entry, why) in [
        ((7, 2, b'0', 1, 6, 3), "another price"),
        ((7, 0, b'0', 11, 6, 3), "deeper than the book"),
        ((7, 0, b'0', 1, i64::MAX, 3), "without a price"),
        ((7, 0, b'0', 1, 5, i32::MAX), "without lots"),
        ((7, 9, b'0', 1, 5, 3), "means nothing known"),
        ((7, 0, b'?', 1, 5, 3), "means nothing known"),
        ((7, 4, b'0', 1, 5, 3), "does not define"),
    ] {
        let (code, rows, told) = books("books-refused.pcap", &[first.clone(), book(2, &[entry])]);
        assert_eq!((code, rows.len()), (Some(1), 2), "{why}");
        assert!(told.contains("the first is of 7 in frame 2") && told.contains(why), "{told}");
    }

    let other = capture("no-line-a.pcap", &[("224.0.32.64:15340", first)]);
    let output = program(&["inspect", "--books", other.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("no group is line A"));
}

#[test]
fn books_as_json_hold_the_same_values() {
    let path = capture(
        "books-json.pcap",
        &[("224.0.31.64:14340", book(1, &[(7, 0, b'0', 2, 5, 3), (7, 0, b'E', 1, -6, 2)]))],
    );
    let (ended, json) = library(true, &["--books", path.to_str().unwrap()]);
    assert_eq!(ended.unwrap(), Exit::Ok);
    let row: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(row["schema"], "xmc.inspect.book");
    assert_eq!((&row["security_id"], &row["rpt_seq"]), (&7.into(), &101.into()));
    assert_eq!((&row["px_exp"], &row["msg_idx"]), (&(-9).into(), &0.into()));
    assert_eq!(row["bids"][0], serde_json::Value::Null);
    assert_eq!(row["bids"][1], serde_json::json!([5, 3, 1]));
    assert_eq!(row["implied_bids"], serde_json::json!([[-6, 2, 1], null]));
}

#[test]
fn no_damaged_byte_can_panic_a_view() {
    let Some(sound) = shared::data("captures/cme/mdp3_v9_book46.pcap") else { return };
    let sound = fs::read(sound).unwrap();
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("flipped.pcap");
    let (mut shown, mut refused) = (0, 0);
    for at in 0..sound.len() {
        for mask in [1, 0xff] {
            let mut file = sound.clone();
            file[at] ^= mask;
            fs::write(&path, &file).unwrap();
            for view in ["--entries", "--books"] {
                match library(false, &[view, path.to_str().unwrap()]).0 {
                    Ok(Exit::Ok | Exit::Finding) => shown += 1,
                    Ok(exit) => panic!("byte {at} mask {mask}: {exit:?}"),
                    Err(error) => {
                        assert_eq!(error.exit(), Exit::CouldNotRun, "byte {at}: {error}");
                        refused += 1;
                    }
                }
            }
        }
    }
    // Most bytes are values; the headers are structure.
    assert!(shown > 3_000 && refused > 100, "{shown} shown, {refused} refused");
}

//! `xmc replay` of the shared capture: whole, cut, and with packets missing.

use crate::journal::scratch::Scratch;
use crate::{firing, shared};
use cross_market_connect::engine::recording::Segments;
use cross_market_connect::port::capture::{Capture, Frame, LinkType, Writer};
use cross_market_connect::port::datagram::datagram;
use serde_json::Value;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use xmc_hotpath::record::frame::{self, Kind};
use xmc_hotpath::venue::cme::mdp3::decode;

const CAPTURE: &str = "captures/cme/mdp3_v6_ch340_20161112.pcapng";
const SAMPLE: &str = "config/replay_calendar.toml";
/// The ports of line A and line B in the samples.
const PORT_A: u16 = 14_340;
const PORT_B: u16 = 15_340;

fn xmc(args: &[&str], paths: &[&Path]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xmc"));
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    command.args(args).args(paths).output().expect("xmc runs")
}

/// One replay in a directory of its own.
struct Replayed {
    scratch: Scratch,
    exit: Option<i32>,
    report: Value,
}

impl Replayed {
    fn new(capture: &Path, config: &Path, more: &[&str]) -> Self {
        let scratch = Scratch::new("replay");
        let record = scratch.path("record");
        let args = [&["replay", "--json"], more, &["--config"]].concat();
        let output = xmc(&args, &[config, Path::new("--record"), &record, capture]);
        let report = serde_json::from_slice(&output.stdout);
        let report = report.unwrap_or_else(|error| panic!("{error}: {output:?}"));
        Self { scratch, exit: output.status.code(), report }
    }

    fn record(&self) -> PathBuf {
        self.scratch.path("record")
    }

    /// All records, one after the other.
    fn bytes(&self) -> Vec<u8> {
        let segments = Segments::open(&self.record()).expect("there is a journal");
        segments.payloads().flatten().copied().collect()
    }

    /// The bodies of all orders.
    fn orders(&self) -> Vec<Vec<u8>> {
        let bytes = self.bytes();
        let (mut rest, mut orders) = (&bytes[..], Vec::new());
        while !rest.is_empty() {
            let (header, body, after) = frame::split(rest).expect("whole records");
            if header.kind == Kind::Order {
                orders.push(body.to_vec());
            }
            rest = after;
        }
        orders
    }

    /// A segment's file.
    fn segment(&self) -> PathBuf {
        self.record().join("00000001.xmj")
    }
}

/// Port and sequence number of a packet of the feed; `None` of any other frame.
fn place(frame: &Frame<'_>) -> Option<(u16, u32)> {
    let packet = datagram(frame.link, frame.bytes).ok()??;
    let port = packet.target.port();
    let is_ours = port == PORT_A || port == PORT_B;
    Some((port, decode::packet(packet.payload).ok()?.seq_no())).filter(|_| is_ours)
}

/// A copy of the capture without the frames that `is_lost` names by port and sequence number.
fn without(capture: &Path, copy: &Path, is_lost: impl Fn(u16, u32) -> bool) {
    let capture = Capture::open(capture).expect("the shared capture");
    let mut writer = Writer::new(Vec::new(), LinkType::ETHERNET).expect("into memory");
    let mut lost = 0;
    for frame in capture.frames().map(|frame| frame.expect("a sound capture")) {
        assert_eq!(frame.link, LinkType::ETHERNET);
        if place(&frame).is_some_and(|(port, seq_no)| is_lost(port, seq_no)) {
            lost += 1;
        } else {
            writer.frame(frame.captured, frame.bytes).expect("into memory");
        }
    }
    assert!(lost > 0, "nothing was removed");
    fs::write(copy, writer.into_inner()).expect("the copy is written");
}

/// A copy of the capture with all of line B behind all of line A, each frame with its own time.
fn one_after_the_other(capture: &Path, copy: &Path) {
    let capture = Capture::open(capture).expect("the shared capture");
    let frames: Vec<_> = capture.frames().map(|frame| frame.expect("a sound capture")).collect();
    let mut writer = Writer::new(Vec::new(), LinkType::ETHERNET).expect("into memory");
    for is_b in [false, true] {
        let is_of = |frame: &&Frame<'_>| place(frame).is_some_and(|at| at.0 == PORT_B) == is_b;
        for frame in frames.iter().filter(is_of) {
            writer.frame(frame.captured, frame.bytes).expect("into memory");
        }
    }
    fs::write(copy, writer.into_inner()).expect("the copy is written");
}

/// The middle packet that came on both lines, and the port of the line on which it came last.
fn middle(capture: &Path) -> (u32, u16) {
    let capture = Capture::open(capture).expect("the shared capture");
    let mut ports: HashMap<u32, Vec<u16>> = HashMap::new();
    for frame in capture.frames() {
        if let Some((port, seq_no)) = place(&frame.expect("a sound capture")) {
            ports.entry(seq_no).or_default().push(port);
        }
    }
    let mut doubled: Vec<_> = ports.into_iter().filter(|(_, ports)| ports.len() == 2).collect();
    doubled.sort();
    let (seq_no, ports) = &doubled[doubled.len() / 2];
    (*seq_no, ports[1])
}

fn firing(scratch: &Scratch) -> PathBuf {
    let path = scratch.path("firing.toml");
    fs::write(&path, firing::text()).expect("the configuration is written");
    path
}

#[test]
fn the_whole_capture_has_no_findings() {
    let Some(capture) = shared::data(CAPTURE) else {
        return;
    };
    let once = Replayed::new(&capture, Path::new(SAMPLE), &[]);
    let report = &once.report;
    assert_eq!(once.exit, Some(0), "{report:#}");
    assert_eq!((&report["schema"], &report["version"]), (&"xmc.replay".into(), &1.into()));
    for zero in ["gaps", "decode_errors", "divergent", "crossed_books", "orders_not_sent"] {
        assert_eq!(report[zero], 0, "{zero}");
    }
    assert_eq!(report["damage"], Value::Null);
    assert_eq!(report["instruments"], 127);
    assert_eq!(report["channels_usable"], true);
    assert_eq!(report["record_is_whole"], true);
    assert_eq!(report["replay"]["is_equal"], true);
    assert_eq!(report["replay"]["runs"], 1);
    assert!(report["orders"].as_u64() > Some(0), "{report:#}");
    assert_eq!(report["orders"], report["replay"]["orders"]);
    assert_eq!(once.orders().len() as u64, report["orders"].as_u64().unwrap());

    let again = Replayed::new(&capture, Path::new(SAMPLE), &[]);
    assert!(once.bytes() == again.bytes(), "the same capture gives the same record");

    let thrice = Replayed::new(&capture, Path::new(SAMPLE), &["--loop", "3"]);
    assert_eq!(thrice.exit, Some(0), "{:#}", thrice.report);
    assert_eq!(thrice.report["replay"]["runs"], 3);
    let orders = |report: &Value| report["orders"].as_u64().unwrap();
    assert_eq!(orders(&thrice.report), 3 * orders(report));
}

#[test]
fn a_capture_that_is_cut_off_is_a_finding() {
    let Some(capture) = shared::data(CAPTURE) else {
        return;
    };
    let scratch = Scratch::new("cut");
    let cut = scratch.path("cut.pcapng");
    let bytes = fs::read(&capture).expect("the shared capture");
    fs::write(&cut, &bytes[..bytes.len() / 2 + 1]).expect("the copy is written");
    let found = Replayed::new(&cut, Path::new(SAMPLE), &[]);
    assert_eq!(found.exit, Some(1), "{:#}", found.report);
    let damage = found.report["damage"].as_str().expect("it is named");
    assert!(damage.contains("cut off"), "{damage}");
    assert_eq!(found.report["record_is_whole"], true);
    assert_eq!(found.report["replay"]["is_equal"], true);
}

#[test]
fn a_packet_lost_on_both_lines_ends_the_orders() {
    let Some(capture) = shared::data(CAPTURE) else {
        return;
    };
    let scratch = Scratch::new("lost");
    let config = firing(&scratch);
    let (seq_no, _) = middle(&capture);
    let lost = scratch.path("lost.pcap");
    without(&capture, &lost, |_, found| found == seq_no);
    let whole = Replayed::new(&capture, &config, &[]);
    let gapped = Replayed::new(&lost, &config, &[]);
    assert_eq!(whole.exit, Some(0), "{:#}", whole.report);
    assert_eq!(gapped.exit, Some(1), "{:#}", gapped.report);
    assert_eq!(gapped.report["gaps"], 1);
    assert_eq!(gapped.report["packets_missing"], 1);
    assert_eq!(gapped.report["channels_usable"], false);
    assert_eq!(gapped.report["replay"]["is_equal"], true);
    let (all, before) = (whole.orders(), gapped.orders());
    assert!(!before.is_empty() && before.len() < all.len(), "{} of {}", before.len(), all.len());
    assert!(all.starts_with(&before), "what was sent before the gap is the same");
}

#[test]
fn a_packet_lost_on_one_line_changes_nothing() {
    let Some(capture) = shared::data(CAPTURE) else {
        return;
    };
    let scratch = Scratch::new("one_line");
    let config = firing(&scratch);
    let (seq_no, second) = middle(&capture);
    let whole = Replayed::new(&capture, &config, &[]);
    let without_second = scratch.path("without_second.pcap");
    without(&capture, &without_second, |port, found| (port, found) == (second, seq_no));
    let found = Replayed::new(&without_second, &config, &[]);
    assert_eq!(found.exit, Some(0), "{:#}", found.report);
    assert_eq!(found.report["gaps"], 0);
    assert!(whole.bytes() == found.bytes(), "the copy that came last is not needed");

    // Without the first copy the same is known, a little later.
    let without_first = scratch.path("without_first.pcap");
    without(&capture, &without_first, |port, found| port != second && found == seq_no);
    let found = Replayed::new(&without_first, &config, &[]);
    assert_eq!(found.exit, Some(0), "{:#}", found.report);
    for same in ["packets_applied", "gaps", "orders", "quotes", "spreads"] {
        assert_eq!(found.report[same], whole.report[same], "{same}");
    }
}

/// Captures of two cards are often put one behind the other.
#[test]
fn a_capture_is_read_in_the_order_of_its_times() {
    let Some(capture) = shared::data(CAPTURE) else {
        return;
    };
    let scratch = Scratch::new("in_time");
    let config = firing(&scratch);
    let apart = scratch.path("apart.pcap");
    one_after_the_other(&capture, &apart);
    let [whole, found] = [&capture, &apart].map(|path| Replayed::new(path, &config, &[]));
    assert_eq!(found.exit, Some(0), "{:#}", found.report);
    for same in ["packets_applied", "gaps", "divergent", "quotes", "channels_usable"] {
        assert_eq!(found.report[same], whole.report[same], "{same}");
    }
    // Frames of one time stand otherwise in the file; the line that is first may be the other.
    assert!(found.report["orders"].as_u64() > Some(0), "{:#}", found.report);
}

#[test]
fn a_changed_journal_is_a_finding() {
    let Some(capture) = shared::data(CAPTURE) else {
        return;
    };
    let whole = Replayed::new(&capture, Path::new(SAMPLE), &[]);
    let questions: [&[&str]; 2] = [&["replay", "--verify"], &["audit", "verify"]];
    for question in questions {
        let output = xmc(question, &[&whole.record()]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
    let mut bytes = fs::read(whole.segment()).expect("the segment");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(whole.segment(), bytes).expect("the segment");
    for question in questions {
        let output = xmc(question, &[&whole.record()]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("whole"), "{output:?}");
    }
}

#[test]
fn what_cannot_be_read_has_its_own_exit_codes() {
    let scratch = Scratch::new("absent");
    let absent = scratch.path("absent");
    let output = xmc(&["replay", "--config"], &[&absent, &absent]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let output = xmc(&["replay", "--config", SAMPLE], &[&absent]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let output = xmc(&["replay", "--verify"], &[&absent]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let output = xmc(&["replay"], &[&absent]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
}

//! `xmc replay` of the shared capture: whole, cut, and with packets missing.

use super::inspect::capture as made_capture;
use crate::journal::scratch::Scratch;
use crate::{firing, shared};
use cross_market_connect::engine::recording::Segments;
use cross_market_connect::port::capture::{Capture, Frame, LinkType, Writer};
use cross_market_connect::port::datagram::datagram;
use cross_market_connect::venue::cme::mdp3::{BookChange, EventMark, Generation, PacketBuilder};
use serde_json::Value;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use xmc_hotpath::record::frame::{self, Kind};
use xmc_hotpath::time::UnixNs;
use xmc_hotpath::venue::cme::mdp3::decode;
use xmc_hotpath::venue::cme::mdp3::layout::{
    Action, EntryKind, HaltReason, Mantissa, MatchEvent, StatusRoot, TradingEvent, TradingStatus,
};
use xmc_hotpath::wire::{I32Le, U16Le, U64Le};

const CAPTURE: &str = "captures/cme/mdp3_v6_ch340_20161112.pcapng";
const SAMPLE: &str = "config/replay_calendar.toml";
/// The ports of line A and line B in the samples.
const PORT_A: u16 = 14_340;
const PORT_B: u16 = 15_340;
/// An instrument of the samples.
const ID: i32 = 411_873;
/// When packets that are made here were sent.
const SENT_NS: u64 = 1_700_000_000_000_000_000;

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

/// A copy of the capture whose second half was captured so many nanoseconds earlier.
fn set_back(capture: &Path, copy: &Path, by_ns: u64) {
    let capture = Capture::open(capture).expect("the shared capture");
    let frames: Vec<_> = capture.frames().map(|frame| frame.expect("a sound capture")).collect();
    let mut writer = Writer::new(Vec::new(), LinkType::ETHERNET).expect("into memory");
    for (at, frame) in frames.iter().enumerate() {
        let by_ns = if at < frames.len() / 2 { 0 } else { by_ns };
        writer.frame(UnixNs(frame.captured.0 - by_ns), frame.bytes).expect("into memory");
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
    for zero in [
        "gaps",
        "decode_errors",
        "divergent",
        "crossed_books",
        "orders_not_sent",
        "unusable_frames",
        "sequence_breaks",
    ] {
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

/// A frame cut short by the snap length is not somebody else's if it was sent to a feed's group.
#[test]
fn a_frame_cut_short_is_a_finding() {
    let Some(capture) = shared::data(CAPTURE) else {
        return;
    };
    let scratch = Scratch::new("snap");
    let (seq_no, second) = middle(&capture);
    for (cut, exit) in [(40, 1), (0, 0)] {
        let path = scratch.path(&format!("snap-{cut}.pcap"));
        let source = Capture::open(&capture).expect("the shared capture");
        let mut writer = Writer::new(Vec::new(), LinkType::ETHERNET).expect("into memory");
        for frame in source.frames().map(|frame| frame.expect("a sound capture")) {
            let is_cut = place(&frame) == Some((second, seq_no));
            let len = if is_cut { cut } else { frame.bytes.len() };
            writer.frame(frame.captured, &frame.bytes[..len]).expect("into memory");
        }
        fs::write(&path, writer.into_inner()).expect("the copy is written");
        let found = Replayed::new(&path, Path::new(SAMPLE), &[]);
        assert_eq!(found.exit, Some(exit), "{:#}", found.report);
        assert_eq!(found.report["unusable_frames"], exit);
        assert_eq!(found.report["other_frames"], 1 - exit, "nothing is left of its addressee");
        assert_eq!(found.report["gaps"], 0, "the other line has it");
    }
}

/// A packet that says how `config/replay_calendar.toml`'s first instrument is traded.
fn status(seq_no: u32, trading: TradingStatus) -> Vec<u8> {
    let status = StatusRoot {
        transact_ns: U64Le::new(SENT_NS),
        security_group: *b"ZC\0\0\0\0",
        asset: *b"ZC\0\0\0\0",
        security_id: I32Le::new(ID),
        trade_date: U16Le::new(17_118),
        match_event: MatchEvent::END_OF_EVENT,
        trading_status: trading.to_wire(),
        halt_reason: HaltReason::GroupSchedule.to_wire(),
        trading_event: TradingEvent::NoEvent.to_wire(),
    };
    PacketBuilder::new(Generation::V13, seq_no, SENT_NS).status(&status).finish()
}

/// A packet with one new best level and the instrument's own number of the change.
fn level(seq_no: u32, rpt_seq: u32, kind: EntryKind, price: i64) -> Vec<u8> {
    level_at(SENT_NS + u64::from(seq_no), seq_no, rpt_seq, kind, price)
}

/// The same, sent at `sent_ns`.
fn level_at(sent_ns: u64, seq_no: u32, rpt_seq: u32, kind: EntryKind, price: i64) -> Vec<u8> {
    let change = BookChange {
        security_id: ID,
        rpt_seq,
        kind,
        action: Action::New,
        level: 1,
        price: Mantissa::new(price * 1_000_000_000),
        size_lots: Some(7),
        order_count: Some(3),
    };
    let packet = PacketBuilder::new(Generation::V13, seq_no, sent_ns);
    packet.book(EventMark::end(sent_ns), &[change.into()], &[]).finish()
}

/// What becomes of packets that come on both lines.
fn of_both_lines(name: &str, packets: &[Vec<u8>]) -> Replayed {
    let both = packets.iter().flat_map(|packet| {
        ["224.0.31.64:14340", "224.0.32.64:15340"].map(|group| (group, packet.clone()))
    });
    let path = made_capture(name, &both.collect::<Vec<_>>());
    Replayed::new(&path, Path::new(SAMPLE), &[])
}

/// Before the opening books cross rightly; while an instrument trades it is a finding.
#[test]
fn a_crossed_book_counts_while_the_instrument_trades() {
    use TradingStatus::{PreOpen, ReadyToTrade};
    for (trading, exit) in [(PreOpen, 0), (ReadyToTrade, 1)] {
        let found = of_both_lines(
            &format!("crossed-{exit}.pcap"),
            &[
                status(1, trading),
                level(2, 1, EntryKind::Bid, 402),
                level(3, 2, EntryKind::Offer, 400),
            ],
        );
        assert_eq!(found.exit, Some(exit), "{:#}", found.report);
        assert_eq!(found.report["crossed_books"].as_u64() > Some(0), exit == 1);
    }
}

#[test]
fn a_break_in_an_instruments_sequence_is_a_finding() {
    for (second, exit) in [(2, 0), (3, 1)] {
        let found = of_both_lines(
            &format!("break-{exit}.pcap"),
            &[level(1, 1, EntryKind::Bid, 398), level(2, second, EntryKind::Offer, 402)],
        );
        assert_eq!(found.exit, Some(exit), "{:#}", found.report);
        assert_eq!(found.report["sequence_breaks"], exit);
        assert_eq!(found.report["gaps"], 0);
    }
}

/// A week whose first packet was lost: there is no gap to count, and no book to trade on.
#[test]
fn a_channel_that_is_not_usable_at_the_end_is_a_finding() {
    let old = (500..520).map(|seq_no| level(seq_no, seq_no, EntryKind::Bid, 398));
    let monday_ns = SENT_NS + 3_600_000_000_000;
    let week = (2..20)
        .map(|seq_no| level_at(monday_ns + u64::from(seq_no), seq_no, seq_no, EntryKind::Bid, 410));
    let whole = of_both_lines("week-whole.pcap", &old.clone().collect::<Vec<_>>());
    assert_eq!((whole.exit, &whole.report["channels_usable"]), (Some(0), &true.into()));
    let found = of_both_lines("week-begun.pcap", &old.chain(week).collect::<Vec<_>>());
    assert_eq!(found.report["channels_usable"], false, "{:#}", found.report);
    assert_eq!(found.exit, Some(1));
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

/// A host whose clock was set back in the middle of a capture: nothing is lost by it.
#[test]
fn a_clock_that_was_set_back_tears_no_line() {
    let Some(capture) = shared::data(CAPTURE) else {
        return;
    };
    let scratch = Scratch::new("set_back");
    let config = firing(&scratch);
    let back = scratch.path("back.pcap");
    set_back(&capture, &back, 2_000_000_000);
    let [whole, found] = [&capture, &back].map(|path| Replayed::new(path, &config, &[]));
    assert_eq!(found.exit, Some(0), "{:#}", found.report);
    for same in ["packets_applied", "gaps", "divergent", "channels_usable"] {
        assert_eq!(found.report[same], whole.report[same], "{same}");
    }
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

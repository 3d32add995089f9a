//! What `xmc feeds` reads out of a journal, against one written by hand.

use super::xmc;
use crate::audit::rig;
use crate::journal::scratch::Scratch;
use cross_market_connect::sim::world::IDENTITY;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use xmc_hotpath::message::{
    ChannelState, ChannelUpdate, Credits, Event, Input, InstrumentIndex, Quote, QuoteQuality,
    StreamId,
};
use xmc_hotpath::record::frame::{Image, Images, LOGIC_VERSION, MAX_LEN, Start, Writer};
use xmc_hotpath::time::{MonoNs, UnixNs};

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;
const STREAM: StreamId = StreamId(7);
/// The engine's clock was at 0 ten seconds before 2026-11-21T02:00Z.
const ORIGIN: u64 = 1_795_226_400 * SECOND - 10 * SECOND;

/// A record made by hand, input by input.
struct Hand {
    writer: Writer,
    images: Vec<Image>,
    records: Vec<Vec<u8>>,
    seq_no: u64,
}

impl Hand {
    fn new() -> Self {
        let writer = Writer { identity: IDENTITY };
        let start = Start {
            identity: writer.identity,
            logic_version: LOGIC_VERSION,
            now: MonoNs(0),
            utc: UnixNs(ORIGIN),
            config_digest: [9; 32],
            arenas: [4, 1, 4],
        };
        let mut buffer = [0; MAX_LEN];
        let len = writer.start(&start, &mut buffer).expect("it fits");
        let images = vec![Image::EMPTY; 4];
        Self { writer, images, records: vec![buffer[..len].to_vec()], seq_no: 0 }
    }

    fn take(&mut self, at_ms: u64, event: Event<'_>) {
        self.seq_no += 1;
        let credits = Credits { gateway_slots: [9; 7], record_used_pct: 0 };
        let input = Input { now: MonoNs(at_ms * MS), credits, event };
        let mut buffer = [0; MAX_LEN];
        let mut images = Images::new(&mut self.images);
        let len = self.writer.input(self.seq_no, &input, &mut images, &mut buffer);
        self.records.push(buffer[..len.expect("it fits")].to_vec());
    }

    fn channel(&mut self, at_ms: u64, state: ChannelState, epoch: u32, missing: u32) {
        let packet_seq_no = u32::try_from(at_ms).expect("small");
        let stream = STREAM;
        let update = ChannelUpdate { stream, state, epoch, packet_seq_no, missing };
        self.take(at_ms, Event::Channel(update));
    }

    /// A quote that was received when it was taken, and happened `late_ns` before by the venue.
    fn quote(&mut self, at_ms: u64, row: u32, late_ns: i64, quality: QuoteQuality, skipped: u32) {
        let received = at_ms * MS;
        let exchange = (ORIGIN + received).checked_add_signed(-late_ns).expect("after 1970");
        let quote = Quote {
            received: MonoNs(received),
            exchange: UnixNs(exchange),
            instrument: InstrumentIndex(row),
            stream: STREAM,
            quality,
            skipped,
            ..Quote::EMPTY
        };
        self.take(at_ms, Event::Quote { quote: &quote, more: false });
    }
}

fn hand() -> Hand {
    use ChannelState::{Live, Recovering, SingleLine, Suspect};
    use QuoteQuality::{Gapped, Good, Insane};
    let mut hand = Hand::new();
    hand.channel(1_000, Live, 1, 0);
    hand.quote(1_500, 0, 2_000, Good, 0);
    hand.quote(2_500, 0, -1_000, Good, 3);
    hand.quote(2_600, 1, 4_000, Good, 0);
    hand.channel(3_000, Suspect, 2, 5);
    hand.channel(3_250, Recovering, 2, 0);
    hand.channel(4_000, SingleLine, 3, 0);
    hand.quote(5_000, 0, 3_000, Gapped, 0);
    hand.quote(6_000, 0, 8_000, Insane, 1);
    // The hour ends 10 seconds after the origin.
    hand.channel(12_000, Live, 4, 0);
    hand.take(13_500, Event::Tick);
    hand
}

fn journal(scratch: &Scratch, hand: &Hand) -> PathBuf {
    let path = scratch.path("journal");
    rig::write(&path, &hand.records);
    path
}

fn report(path: &Path, code: i32) -> Value {
    serde_json::from_str(&xmc(&["feeds", "--json"], path, code)).expect("JSON")
}

#[test]
fn states_quotes_and_lateness_are_those_that_were_written() {
    let scratch = Scratch::new("feeds_journal");
    let path = journal(&scratch, &hand());
    let report = report(&path, 1);
    assert_eq!((&report["runs"], &report["damage"]), (&json!(1), &Value::Null), "{report}");
    let channel = &report["channels"][0];
    assert_eq!((&channel["stream"], &channel["changed"]), (&json!(7), &json!(5)), "{report}");
    let hours = channel["hours"].as_array().expect("hours");
    assert_eq!(hours.len(), 2, "{report}");
    let [first, second] = [&hours[0], &hours[1]];
    assert_eq!(first["hour"], "2026-11-21T01:00:00.000000000Z");
    let spent = json!({
        "live": 2_000 * MS, "suspect": 250 * MS, "recovering": 750 * MS, "single_line": 6_000 * MS,
    });
    assert_eq!(first["spent_ns"], spent, "{report}");
    let spent = json!({ "single_line": 2_000 * MS, "live": 1_500 * MS });
    assert_eq!(second["spent_ns"], spent, "{report}");
    let figures =
        ["gaps", "missing", "quotes", "skipped", "gapped", "insane"].map(|key| &first[key]);
    assert_eq!(figures, [&json!(1), &json!(5), &json!(5), &json!(4), &json!(1), &json!(1)]);
    let late = &first["late_ns"];
    assert_eq!((&late["min"], &late["max"]), (&json!(-1_000), &json!(8_000)), "{report}");
    assert_eq!(late["p50"].as_i64().map(|ns| ns / 100), Some(30), "{report}");
    let lasted: Vec<_> = channel["changes"].as_array().expect("changes").iter().collect();
    let lasted: Vec<_> = lasted.iter().map(|change| change["lasted_ns"].as_u64()).collect();
    let expected = [2_000, 250, 750, 8_000].map(|ms| Some(ms * MS));
    assert_eq!((&lasted[..4], lasted[4]), (&expected[..], None), "{report}");
    // Silence is counted only while the channel can be traded on.
    let instruments = channel["instruments"].as_array().expect("instruments");
    let longest: Vec<_> = instruments.iter().map(|row| row["between_ns"]["max"].as_u64()).collect();
    assert_eq!(longest.len(), 2, "{report}");
    let near = |found: Option<u64>, ms: u64| found.is_some_and(|ns| ns.abs_diff(ms * MS) < 4 * MS);
    assert!(near(longest[0], 1_000) && longest[1].is_none(), "{report}");
}

#[test]
fn a_person_reads_the_same() {
    let scratch = Scratch::new("feeds_journal_text");
    let path = journal(&scratch, &hand());
    let text = xmc(&["feeds", "--changes", "2"], &path, 1);
    for wanted in ["CHANNEL stream #7 (7)", "2026-11-21T01", "88.88 %", "66.66 %", "3 before them"]
    {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
}

#[test]
fn a_sound_record_is_no_finding_and_a_torn_one_is() {
    let mut hand = Hand::new();
    hand.channel(1_000, ChannelState::Live, 1, 0);
    hand.quote(1_500, 0, 2_000, QuoteQuality::Good, 0);
    let scratch = Scratch::new("feeds_journal_sound");
    let path = journal(&scratch, &hand);
    assert_eq!(report(&path, 0)["channels"][0]["hours"][0]["quotes"], 1);
    let segment = path.join("00000001.xmj");
    assert_eq!(report(&segment, 0)["channels"][0]["hours"][0]["quotes"], 1);
    let mut bytes = std::fs::read(&segment).expect("it is there");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&segment, &bytes).expect("it can be written");
    assert!(report(&path, 1)["damage"].is_string());
}

//! SMDP 2.0 in captures: what each topic carries, as a summary or row by row.
//!
//! Only what is pushed (MIRP over multicast) is shown; the query service runs over TCP. A book
//! needs the snapshot's prices and numbers, which no multicast carries, so there is no view of
//! books. A datagram is a packet of SMDP if its header's length is what follows it and its fields
//! fill it exactly and each decodes; the walk of `packets` has found that it is no MDP 3.0.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::net::SocketAddrV4;

use serde::Serialize;
use xmc_hotpath::port::Line;
use xmc_hotpath::time::UnixNs;
use xmc_hotpath::venue::shfe::smdp::decode::{self, Field};

use super::lines::Lines;
use super::packets::Met;
use super::sequence::{Sequence, Step};
use crate::cli::report::Utc;
use crate::cli::{CliError, Exit, Report};
use crate::port::capture::Capture;
use crate::port::datagram::datagram;

/// First line of `--messages`.
const HEADER: &str = "frame\tcaptured_ns\tgroup\tfeed\ttopic\tpacket_no\tsnap_no\tsnap_ns\ttype\t\
                      is_last_of_message\tfields\tsize_bytes";

/// A datagram that was recognised as a packet of SMDP.
pub struct Packet<'a> {
    /// Number of its frame in the capture.
    frame: u64,
    captured: UnixNs,
    group: SocketAddrV4,
    /// Its line, if `--group` decides it: SMDP has no rule of ports.
    line: Option<Line>,
    size_bytes: usize,
    packet: decode::Packet<'a>,
}

impl Packet<'_> {
    fn topic(&self) -> i16 {
        self.packet.header().topic_id.get()
    }

    fn packet_no(&self) -> u32 {
        self.packet.header().packet_no.get().cast_unsigned()
    }

    fn feed(&self) -> char {
        self.line.map_or('-', Line::letter)
    }

    const fn kind(&self) -> &'static str {
        if self.packet.is_heartbeat() { "heartbeat" } else { "refresh" }
    }
}

/// A payload as a packet whose fields all decode.
pub fn recognise(payload: &[u8]) -> Option<decode::Packet<'_>> {
    let packet = decode::packet(payload).ok()?;
    packet.fields().all(|field| field.decode().is_ok()).then_some(packet)
}

/// Hands each packet of SMDP of the chosen groups to `each`, in capture order. `met` is what the
/// walk of `packets` has met: what it took for its own is not looked at.
///
/// # Errors
/// What `each` returns, which ends the walk.
fn walk(
    capture: &Capture,
    met: &Met,
    lines: &mut Lines,
    mut each: impl FnMut(&Packet<'_>) -> Result<(), CliError>,
) -> Result<(), CliError> {
    // Damage is told by the walk of `packets`.
    for frame in capture.frames().map_while(Result::ok) {
        let Ok(Some(found)) = datagram(frame.link, frame.bytes) else { continue };
        if !lines.is_chosen(found.target) || met.is_mdp3(found.target) {
            continue;
        }
        let Some(packet) = recognise(found.payload) else { continue };
        each(&Packet {
            frame: frame.number,
            captured: frame.captured,
            group: found.target,
            line: lines.chosen_line(found.target),
            size_bytes: found.payload.len(),
            packet,
        })?;
    }
    Ok(())
}

/// A packet as JSON.
#[derive(Serialize)]
struct Row<'a> {
    frame: u64,
    captured_ns: u64,
    group: &'a str,
    feed: char,
    topic: i16,
    packet_no: u32,
    snap_no: i32,
    snap_ns: u64,
    r#type: &'static str,
    is_last_of_message: bool,
    fields: usize,
    size_bytes: usize,
}

/// Writes one row per packet.
///
/// # Errors
/// What the output says.
pub fn messages(
    capture: &Capture,
    met: &Met,
    lines: &mut Lines,
    out: &mut Report<'_>,
) -> Result<(), CliError> {
    if !out.is_json() {
        writeln!(out, "{HEADER}")?;
    }
    walk(capture, met, lines, |found| {
        let row = Row {
            frame: found.frame,
            captured_ns: found.captured.0,
            group: &found.group.to_string(),
            feed: found.feed(),
            topic: found.topic(),
            packet_no: found.packet_no(),
            snap_no: found.packet.header().snap_no.get(),
            snap_ns: found.packet.snap_ns().0,
            r#type: found.kind(),
            is_last_of_message: found.packet.is_last_of_message(),
            fields: found.packet.fields().count(),
            size_bytes: found.size_bytes,
        };
        if out.is_json() {
            return Ok(out.json("xmc.inspect.smdp.message", 1, &row)?);
        }
        let Row { frame, captured_ns, group, feed, topic, packet_no, snap_no, snap_ns, .. } = row;
        let Row { r#type, is_last_of_message, fields, size_bytes, .. } = row;
        Ok(writeln!(
            out,
            "{frame}\t{captured_ns}\t{group}\t{feed}\t{topic}\t{packet_no}\t{snap_no}\t{snap_ns}\t\
             {type}\t{is_last_of_message}\t{fields}\t{size_bytes}"
        )?)
    })
}

/// All topics of a capture.
#[derive(Serialize)]
struct Summary {
    protocol: &'static str,
    frames: u64,
    packets: u64,
    topics: Vec<Topic>,
}

/// One topic of one multicast group.
#[derive(Serialize)]
struct Topic {
    group: SocketAddrV4,
    feed: char,
    topic: i16,
    packets: u64,
    heartbeats: u64,
    first_packet_no: u32,
    last_packet_no: u32,
    /// Places where the sequence jumps forward, and packets missing there.
    gaps: u64,
    missing_packets: u64,
    repeated_packets: u64,
    /// Times the sequence began again: a new trading day.
    restarts: u64,
    first_captured_ns: u64,
    last_captured_ns: u64,
    instruments: usize,
    fields: BTreeMap<&'static str, u64>,
    #[serde(skip)]
    sequence: Sequence,
    /// `CommPhaseNo`: days, 1980-01-01 is 1.
    #[serde(skip)]
    day: u16,
    #[serde(skip)]
    numbers: BTreeSet<i32>,
}

impl Topic {
    fn new(first: &Packet<'_>) -> Self {
        Self {
            group: first.group,
            feed: first.feed(),
            topic: first.topic(),
            packets: 0,
            heartbeats: 0,
            first_packet_no: first.packet_no(),
            last_packet_no: first.packet_no(),
            gaps: 0,
            missing_packets: 0,
            repeated_packets: 0,
            restarts: 0,
            first_captured_ns: first.captured.0,
            last_captured_ns: first.captured.0,
            instruments: 0,
            fields: BTreeMap::new(),
            sequence: Sequence::default(),
            day: first.packet.header().comm_phase_no.get(),
            numbers: BTreeSet::new(),
        }
    }

    fn count(&mut self, found: &Packet<'_>) {
        self.packets += 1;
        self.last_captured_ns = found.captured.0;
        let day = found.packet.header().comm_phase_no.get();
        if day != self.day {
            // Numbers of two days say nothing of each other.
            self.day = day;
            self.restarts += 1;
            self.sequence = Sequence::default();
        }
        if found.packet.is_heartbeat() {
            self.heartbeats += 1;
            // Whether it says the last number or the next is not known: only a number beyond the
            // next one shows a gap.
            let last = found.packet_no().saturating_sub(1);
            let missing = self.sequence.lose(last, found.packet.snap_ns());
            self.miss(missing);
        } else {
            self.step(found.packet_no(), found.packet.snap_ns());
        }
        for field in found.packet.fields() {
            // `recognise` has decoded it before.
            let Ok(field) = field.decode() else { continue };
            if let Field::Instrument(of) = &field {
                self.numbers.insert(of.instrument_no);
            }
            *self.fields.entry(name(&field)).or_default() += 1;
        }
    }

    fn step(&mut self, packet_no: u32, sent: UnixNs) {
        let missing = match self.sequence.step(packet_no, sent) {
            Step::Next => 0,
            Step::Gap { missing } => missing,
            Step::Repeated => {
                self.repeated_packets += 1;
                0
            }
            Step::Restart { missing } => {
                self.restarts += 1;
                missing
            }
        };
        self.miss(missing);
    }

    fn miss(&mut self, missing: u32) {
        if missing > 0 {
            self.gaps += 1;
            self.missing_packets += u64::from(missing);
        }
    }

    fn text(&self, out: &mut Report<'_>) -> Result<(), CliError> {
        let span_ns = self.last_captured_ns.saturating_sub(self.first_captured_ns);
        writeln!(out)?;
        writeln!(out, "line {}  {}  topic {}", self.feed, self.group, self.topic)?;
        writeln!(out, "  packets      {} ({} heartbeats)", self.packets, self.heartbeats)?;
        write!(out, "  sequence     {} to {}, ", self.first_packet_no, self.last_packet_no)?;
        match self.gaps {
            0 => write!(out, "no gap")?,
            gaps => write!(out, "GAPS {gaps}, {} packets missing", self.missing_packets)?,
        }
        if self.repeated_packets > 0 {
            write!(out, ", {} repeated or late", self.repeated_packets)?;
        }
        if self.restarts > 0 {
            write!(out, ", {} restarts", self.restarts)?;
        }
        writeln!(out)?;
        writeln!(
            out,
            "  captured     {} to {}, {}.{:09} s",
            Utc(self.first_captured_ns),
            Utc(self.last_captured_ns),
            span_ns / 1_000_000_000,
            span_ns % 1_000_000_000
        )?;
        writeln!(out, "  instruments  {}", self.instruments)?;
        writeln!(out, "  fields       {}", self.fields.values().sum::<u64>())?;
        for (name, count) in &self.fields {
            writeln!(out, "    {count:>9}  {name}")?;
        }
        Ok(())
    }
}

/// What a field is called, as in `xmc frame decode smdp`.
const fn name(field: &Field) -> &'static str {
    match field {
        Field::CenterChange(_) => "center_change",
        Field::Instrument(_) => "instrument",
        Field::Level(_) => "level",
        Field::Trade(_) => "trade",
        Field::Price { .. } => "price",
        Field::Delta { .. } => "delta",
        Field::Unknown { .. } => "unknown",
    }
}

/// Writes the summary. A gap is a finding.
///
/// # Errors
/// What the output says.
pub fn summary(
    capture: &Capture,
    met: &Met,
    lines: &mut Lines,
    out: &mut Report<'_>,
) -> Result<Exit, CliError> {
    let mut topics: BTreeMap<(SocketAddrV4, i16), Topic> = BTreeMap::new();
    walk(capture, met, lines, |found| {
        let key = (found.group, found.topic());
        topics.entry(key).or_insert_with(|| Topic::new(found)).count(found);
        Ok(())
    })?;
    let mut topics: Vec<_> = topics.into_values().collect();
    for topic in &mut topics {
        topic.instruments = topic.numbers.len();
        topic.last_packet_no = topic.sequence.last().unwrap_or(topic.first_packet_no);
    }
    let packets = topics.iter().map(|topic| topic.packets).sum();
    let summary = Summary { protocol: "SMDP 2.0", frames: met.frames, packets, topics };
    if out.is_json() {
        out.json("xmc.inspect.smdp", 1, &summary)?;
    } else {
        writeln!(out, "SMDP 2.0: {packets} packets in {} frames", met.frames)?;
        summary.topics.iter().try_for_each(|topic| topic.text(out))?;
    }
    let has_gap = summary.topics.iter().any(|topic| topic.gaps > 0);
    Ok(if has_gap { Exit::Finding } else { Exit::Ok })
}

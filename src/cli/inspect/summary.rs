//! The default view: what each multicast group of a capture carries, and what is missing from it.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::Write;
use std::net::SocketAddrV4;

use serde::Serialize;
use xmc_hotpath::time::UnixNs;

use super::packets::{Met, Packet};
use super::sequence::{Sequence, Step};
use super::templates;
use crate::cli::report::Utc;
use crate::cli::{CliError, Exit, Report};

/// The whole capture.
#[derive(Serialize)]
struct Summary {
    protocol: &'static str,
    frames: u64,
    packets: u64,
    other_datagrams: u64,
    lines: Vec<LineSummary>,
}

/// One multicast group.
#[derive(Serialize)]
struct LineSummary {
    group: SocketAddrV4,
    feed: char,
    packets: u64,
    first_seq: u32,
    last_seq: u32,
    /// Places where the sequence jumps forward or begins again past 1, and packets missing there.
    gaps: u64,
    missing_packets: u64,
    /// Packets whose sequence number is not beyond the last one: repeated or late.
    repeated_packets: u64,
    /// Times the sequence began again: a new week, or the next loop of a replay group.
    restarts: u64,
    first_captured_ns: u64,
    last_captured_ns: u64,
    schema_id: u16,
    schema_versions: BTreeSet<u16>,
    instruments: usize,
    messages: u64,
    templates: BTreeMap<u16, TemplateCount>,
    #[serde(skip)]
    sequence: Sequence,
    #[serde(skip)]
    security_ids: HashSet<i32>,
}

#[derive(Serialize)]
struct TemplateCount {
    name: &'static str,
    messages: u64,
}

/// Counts per group while the capture is walked.
#[derive(Default)]
pub struct Counts(BTreeMap<SocketAddrV4, LineSummary>);

impl Counts {
    /// Takes one packet.
    pub fn count(&mut self, packet: &Packet<'_>) {
        let line = self.0.entry(packet.group).or_insert_with(|| LineSummary::new(packet));
        line.step(packet.seq_no, packet.sent);
        line.packets += 1;
        line.last_captured_ns = packet.captured.0;
        for message in packet.messages() {
            line.messages += 1;
            line.schema_versions.insert(message.version);
            line.templates
                .entry(message.template_id)
                .or_insert_with(|| TemplateCount {
                    name: templates::name(message.template_id),
                    messages: 0,
                })
                .messages += 1;
            let ids = message.decoded.entry_views().filter_map(|entry| entry.security_id);
            line.security_ids.extend(ids);
            line.security_ids.extend(message.defined().map(|defined| defined.security_id));
        }
    }

    /// Writes the summary. A gap is a finding.
    ///
    /// # Errors
    /// What the output says.
    pub fn write(self, met: &Met, out: &mut Report<'_>) -> Result<Exit, CliError> {
        let mut lines: Vec<_> = self.0.into_values().collect();
        for line in &mut lines {
            line.instruments = line.security_ids.len();
            line.last_seq = line.sequence.last().unwrap_or(line.first_seq);
        }
        let summary = Summary {
            protocol: "CME MDP 3.0",
            frames: met.frames,
            packets: met.packets,
            other_datagrams: met.other_datagrams(),
            lines,
        };
        if out.is_json() {
            out.json("xmc.inspect.summary", 1, &summary)?;
        } else {
            summary.text(out)?;
        }
        let has_gap = summary.lines.iter().any(|line| line.gaps > 0);
        Ok(if has_gap { Exit::Finding } else { Exit::Ok })
    }
}

impl LineSummary {
    fn new(first: &Packet<'_>) -> Self {
        Self {
            group: first.group,
            feed: first.feed(),
            packets: 0,
            first_seq: first.seq_no,
            last_seq: first.seq_no,
            gaps: 0,
            missing_packets: 0,
            repeated_packets: 0,
            restarts: 0,
            first_captured_ns: first.captured.0,
            last_captured_ns: first.captured.0,
            schema_id: xmc_hotpath::venue::cme::mdp3::layout::SCHEMA_ID,
            schema_versions: BTreeSet::new(),
            instruments: 0,
            messages: 0,
            templates: BTreeMap::new(),
            sequence: Sequence::default(),
            security_ids: HashSet::new(),
        }
    }

    fn step(&mut self, seq_no: u32, sent: UnixNs) {
        let missing = match self.sequence.step(seq_no, sent) {
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
        if missing > 0 {
            self.gaps += 1;
            self.missing_packets += u64::from(missing);
        }
    }

    fn text(&self, out: &mut Report<'_>) -> Result<(), CliError> {
        let versions: Vec<String> = self.schema_versions.iter().map(u16::to_string).collect();
        let span_ns = self.last_captured_ns.saturating_sub(self.first_captured_ns);
        writeln!(out)?;
        writeln!(out, "line {}  {}", self.feed, self.group)?;
        writeln!(out, "  schema       {} version {}", self.schema_id, versions.join(", "))?;
        writeln!(out, "  packets      {}", self.packets)?;
        write!(out, "  sequence     {} to {}, ", self.first_seq, self.last_seq)?;
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
        writeln!(out, "  messages     {}", self.messages)?;
        for TemplateCount { name, messages } in self.templates.values() {
            writeln!(out, "    {messages:>9}  {name}")?;
        }
        Ok(())
    }
}

impl Summary {
    fn text(&self, out: &mut Report<'_>) -> Result<(), CliError> {
        writeln!(
            out,
            "{}: {} packets in {} frames, {} other UDP datagrams",
            self.protocol, self.packets, self.frames, self.other_datagrams
        )?;
        self.lines.iter().try_for_each(|line| line.text(out))
    }
}

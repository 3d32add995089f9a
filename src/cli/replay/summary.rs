//! What a replay came to: the closing summary, as text or JSON.

use super::capture::Loaded;
use crate::cli::{CliError, Exit, Report};
use crate::engine::latency::{Figures, Latencies};
use crate::engine::replay::{self, Replayed};
use crate::engine::shadow::Difference;
use serde::Serialize;
use std::io::{self, Write};
use std::path::Path;
use xmc_hotpath::feed::LineCounters;
use xmc_hotpath::record::frame::{self, Body, Image, Images, LOGIC_CHANGES, LOGIC_VERSION};

/// What one line brought.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Line {
    packets: u64,
    firsts: u64,
    duplicates: u64,
    missing: u64,
}

impl Line {
    /// What a line's counters say.
    pub fn of(counters: &LineCounters) -> Self {
        Self {
            packets: counters.packets.get(),
            firsts: counters.firsts.get(),
            duplicates: counters.duplicates.get(),
            missing: counters.missing.get(),
        }
    }

    fn add(&mut self, other: Self) {
        self.packets += other.packets;
        self.firsts += other.firsts;
        self.duplicates += other.duplicates;
        self.missing += other.missing;
    }
}

/// Both lines of all feeds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Lines {
    /// Line A.
    pub a: Line,
    /// Line B.
    pub b: Line,
}

impl Lines {
    /// Takes what another run counted.
    pub fn add(&mut self, other: &Self) {
        self.a.add(other.a);
        self.b.add(other.b);
    }
}

/// What became of one spread.
#[derive(Clone, Debug, Serialize)]
pub struct SpreadSummary {
    /// Its name.
    pub name: String,
    /// Units held at the end of the last run.
    pub position_units: i32,
    /// Whether it was halted.
    pub is_halted: bool,
}

/// Whether a record replays equal.
#[derive(Clone, Debug, Serialize)]
pub struct Equality {
    is_equal: bool,
    runs: u64,
    inputs: u64,
    outputs: u64,
    orders: u64,
    decisions: u64,
    fires: u64,
    alerts: u64,
    unwritten_details: u64,
    first_difference: Option<Place>,
    other_logic: Vec<OtherLogic>,
    snapshots: u64,
    unreadable_snapshots: u64,
    wrong_snapshots: Vec<String>,
}

/// Where a replay first differs.
#[derive(Clone, Debug, Serialize)]
struct Place {
    input: u64,
    output: u16,
    recorded: Option<String>,
    replayed: Option<String>,
    #[serde(skip)]
    words: [String; 2],
}

impl Place {
    fn of(difference: &Difference) -> Self {
        let hex = |bytes: &Option<Vec<u8>>| {
            bytes.as_ref().map(|bytes| bytes.iter().map(|byte| format!("{byte:02x}")).collect())
        };
        Self {
            input: difference.seq_no,
            output: difference.index,
            recorded: hex(&difference.recorded),
            replayed: hex(&difference.replayed),
            words: [&difference.recorded, &difference.replayed].map(|bytes| words(bytes.as_ref())),
        }
    }

    fn write(&self, out: &mut Report<'_>) -> io::Result<()> {
        let [recorded, replayed] = &self.words;
        writeln!(out, "  at input {} output {}", self.input, self.output)?;
        writeln!(out, "  recorded {recorded}")?;
        writeln!(out, "  replayed {replayed}")
    }
}

/// What an output says, field by field.
fn words(record: Option<&Vec<u8>>) -> String {
    let Some(record) = record else { return "nothing".to_owned() };
    let mut no_images: [Image; 0] = [];
    let said = frame::split(record).and_then(|(header, body, _)| {
        Ok((header.kind, frame::decode(header, body, &mut Images::new(&mut no_images))?))
    });
    match said {
        Ok((_, Body::Order(order))) => format!("{order:?}"),
        Ok((_, Body::Detail(detail))) => format!("{detail:?}"),
        Ok((kind, _)) => kind.word().to_owned(),
        Err(fault) => format!("what is no record ({fault:?})"),
    }
}

/// A run that another version of the logic made.
#[derive(Clone, Debug, Serialize)]
struct OtherLogic {
    run: u16,
    logic_version: u16,
    this_logic_version: u16,
    /// What has changed in between.
    changes: Vec<&'static str>,
    first_difference: Option<Place>,
}

impl OtherLogic {
    fn of(run: &replay::OtherLogic) -> Self {
        let (from, to) =
            (run.logic_version.min(LOGIC_VERSION), run.logic_version.max(LOGIC_VERSION));
        let between = |(version, _): &&(u16, &str)| *version > from && *version <= to;
        Self {
            run: run.run,
            logic_version: run.logic_version,
            this_logic_version: LOGIC_VERSION,
            changes: LOGIC_CHANGES.iter().filter(between).map(|(_, change)| *change).collect(),
            first_difference: run.difference.as_ref().map(Place::of),
        }
    }

    fn write(&self, out: &mut Report<'_>) -> io::Result<()> {
        let Self { run, logic_version, this_logic_version, .. } = self;
        writeln!(
            out,
            "run {run} was made by logic version {logic_version}, this is {this_logic_version}:"
        )?;
        for change in &self.changes {
            writeln!(out, "  what changed: {change}")?;
        }
        match &self.first_difference {
            None => writeln!(out, "  and it decides the same here, byte for byte"),
            Some(place) => {
                writeln!(
                    out,
                    "  DIFFERENT from there on, which is no sign of tampering; equality is"
                )?;
                writeln!(out, "  only for a program of version {logic_version} to show")?;
                place.write(out)
            }
        }
    }
}

impl Equality {
    /// What a replay found.
    pub fn of(found: &Replayed) -> Self {
        Self {
            is_equal: found.is_equal(),
            runs: found.runs,
            inputs: found.inputs,
            outputs: found.outputs,
            orders: found.orders,
            decisions: found.decisions,
            fires: found.fires,
            alerts: found.alerts,
            unwritten_details: found.unwritten,
            first_difference: found.difference.as_ref().map(Place::of),
            other_logic: found.other_logic.iter().map(OtherLogic::of).collect(),
            snapshots: found.snapshots,
            unreadable_snapshots: found.unreadable_snapshots,
            wrong_snapshots: found
                .wrong_snapshots
                .iter()
                .map(|path| path.display().to_string())
                .collect(),
        }
    }

    /// Writes it for a person.
    pub fn write(&self, out: &mut Report<'_>) -> io::Result<()> {
        writeln!(
            out,
            "replayed {} runs: {} inputs, {} outputs ({} orders)",
            self.runs, self.inputs, self.outputs, self.orders
        )?;
        if self.unwritten_details > 0 {
            let count = self.unwritten_details;
            writeln!(out, "{count} details of a run that was cut off are not in the record")?;
        }
        if self.snapshots > 0 {
            writeln!(out, "{} snapshots of the desk are what the record gives", self.snapshots)?;
        }
        if self.unreadable_snapshots > 0 {
            let count = self.unreadable_snapshots;
            writeln!(out, "{count} snapshots do not read as such: no start goes on from them")?;
        }
        for path in &self.wrong_snapshots {
            writeln!(out, "WRONG snapshot {path}: not what the record gives; remove it")?;
        }
        for run in &self.other_logic {
            run.write(out)?;
        }
        match &self.first_difference {
            None if self.is_equal => writeln!(out, "equal, byte for byte"),
            None => writeln!(out, "what this logic made is equal, byte for byte"),
            Some(place) => {
                writeln!(out, "DIFFERENT")?;
                place.write(out)
            }
        }
    }
}

/// Everything that a replay of a capture came to.
#[derive(Debug)]
pub struct Summary {
    capture: String,
    directory: String,
    other_frames: u64,
    unusable_frames: u64,
    first_unusable: Option<String>,
    damage: Option<String>,
    messages: u64,
    entries: u64,
    /// What the lines brought.
    pub lines: Lines,
    /// Packets applied.
    pub applied: u64,
    /// Times that packets were lost on both lines.
    pub gaps: u64,
    /// Packets lost on both lines.
    pub missing: u64,
    /// Packets or messages that could not be decoded.
    pub refused: u64,
    /// Packets whose two copies differ.
    pub divergent: u64,
    /// Breaks in an instrument's own sequence.
    pub sequence_breaks: u64,
    /// Events of the venue.
    pub events: u64,
    /// Instruments that have a book.
    pub instruments: u64,
    /// Crossed outright books, counted after each packet.
    pub crossed: u64,
    /// Whether every channel could be traded on at the end.
    pub channels_usable: bool,
    /// Quotes that the desk was sent.
    pub quotes: u64,
    /// Messages that gateways sent.
    pub orders_sent: u64,
    /// Messages that gateways could not send.
    pub orders_not_sent: u64,
    /// The desk's safe state at the end.
    pub desk_state: String,
    /// The spreads at the end.
    pub spreads: Vec<SpreadSummary>,
    /// Real time from taking a packet to its last order's leaving.
    pub packet_to_orders: Latencies,
    /// Records that a dead engine had left in the ring.
    pub recovered_records: u64,
    /// Whether the journal is whole.
    pub record_is_whole: bool,
    /// Records in the journal, of all runs.
    pub records: u64,
    replay: Option<Equality>,
}

/// The summary in JSON.
#[derive(Serialize)]
struct Json<'a> {
    capture: &'a str,
    record_directory: &'a str,
    speed_clock: &'static str,
    fills: &'static str,
    other_frames: u64,
    unusable_frames: u64,
    damage: Option<&'a str>,
    lines: Lines,
    packets_applied: u64,
    messages: u64,
    entries: u64,
    events: u64,
    gaps: u64,
    packets_missing: u64,
    decode_errors: u64,
    divergent: u64,
    sequence_breaks: u64,
    instruments: u64,
    crossed_books: u64,
    channels_usable: bool,
    quotes: u64,
    decisions: u64,
    orders: u64,
    orders_not_sent: u64,
    desk_state: &'a str,
    spreads: &'a [SpreadSummary],
    packet_to_orders_ns: Figures,
    records: u64,
    recovered_records: u64,
    record_is_whole: bool,
    replay: &'a Option<Equality>,
}

impl Summary {
    /// Before anything was replayed.
    pub fn new(source: &str, directory: &Path, loaded: &Loaded) -> Self {
        Self {
            capture: source.to_owned(),
            directory: directory.display().to_string(),
            other_frames: loaded.others,
            unusable_frames: loaded.unusable,
            first_unusable: loaded.first_unusable.clone(),
            damage: loaded.damage.clone(),
            messages: loaded.messages,
            entries: loaded.entries,
            lines: Lines::default(),
            applied: 0,
            gaps: 0,
            missing: 0,
            refused: 0,
            divergent: 0,
            sequence_breaks: 0,
            events: 0,
            instruments: 0,
            crossed: 0,
            channels_usable: true,
            quotes: 0,
            orders_sent: 0,
            orders_not_sent: 0,
            desk_state: String::new(),
            spreads: Vec::new(),
            packet_to_orders: Latencies::new(),
            recovered_records: 0,
            record_is_whole: false,
            records: 0,
            replay: None,
        }
    }

    /// Takes what replaying the record found.
    pub fn take_replayed(&mut self, found: &Replayed) {
        self.replay = Some(Equality::of(found));
    }

    /// A finding if anything is not as it should be.
    pub fn exit(&self) -> Exit {
        let is_equal = self.replay.as_ref().is_some_and(|replay| replay.is_equal);
        let is_clean = self.gaps == 0
            && self.refused == 0
            && self.divergent == 0
            && self.damage.is_none()
            && self.crossed == 0
            && self.sequence_breaks == 0
            && self.unusable_frames == 0
            && self.channels_usable
            && self.record_is_whole
            && is_equal;
        if is_clean { Exit::Ok } else { Exit::Finding }
    }

    /// Writes it.
    pub fn write(&self, out: &mut Report<'_>) -> Result<(), CliError> {
        if out.is_json() {
            out.json("xmc.replay", 1, &self.json())?;
        } else {
            self.text(out)?;
        }
        Ok(())
    }

    fn json(&self) -> Json<'_> {
        Json {
            capture: &self.capture,
            record_directory: &self.directory,
            speed_clock: "the desk's clock shows the capture's own times",
            fills: "paper: every order is filled whole at its limit price",
            other_frames: self.other_frames,
            unusable_frames: self.unusable_frames,
            damage: self.damage.as_deref(),
            lines: self.lines,
            packets_applied: self.applied,
            messages: self.messages,
            entries: self.entries,
            events: self.events,
            gaps: self.gaps,
            packets_missing: self.missing,
            decode_errors: self.refused,
            divergent: self.divergent,
            sequence_breaks: self.sequence_breaks,
            instruments: self.instruments,
            crossed_books: self.crossed,
            channels_usable: self.channels_usable,
            quotes: self.quotes,
            decisions: self.replay.as_ref().map_or(0, |replay| replay.decisions),
            orders: self.orders_sent,
            orders_not_sent: self.orders_not_sent,
            desk_state: &self.desk_state,
            spreads: &self.spreads,
            packet_to_orders_ns: self.packet_to_orders.figures(),
            records: self.records,
            recovered_records: self.recovered_records,
            record_is_whole: self.record_is_whole,
            replay: &self.replay,
        }
    }

    fn text(&self, out: &mut Report<'_>) -> io::Result<()> {
        let row =
            |out: &mut Report<'_>, name: &str, text: String| writeln!(out, "{name:<18}{text}");
        let Lines { a, b } = self.lines;
        row(out, "capture", self.capture.clone())?;
        if let Some(damage) = &self.damage {
            row(out, "", format!("DAMAGED: {damage}"))?;
        }
        row(
            out,
            "packets",
            format!(
                "{} on line A ({} first), {} on line B ({} first), {} applied; {} other frames",
                a.packets, a.firsts, b.packets, b.firsts, self.applied, self.other_frames
            ),
        )?;
        if let Some(first) = &self.first_unusable {
            let count = self.unusable_frames;
            row(out, "", format!("{count} frames of the feeds' groups UNUSABLE, first {first}"))?;
        }
        row(
            out,
            "messages",
            format!("{} with {} entries, in {} events", self.messages, self.entries, self.events),
        )?;
        row(out, "gaps", format!("{} ({} packets lost on both lines)", self.gaps, self.missing))?;
        row(
            out,
            "decode errors",
            format!(
                "{} ({} copies differ, {} breaks in an instrument's sequence)",
                self.refused, self.divergent, self.sequence_breaks
            ),
        )?;
        let usable = if self.channels_usable { "usable" } else { "NOT usable" };
        row(
            out,
            "books",
            format!(
                "{} instruments, {} crossed; channels {usable} at the end",
                self.instruments, self.crossed
            ),
        )?;
        self.desk_text(out)?;
        self.record_text(out)
    }

    fn desk_text(&self, out: &mut Report<'_>) -> io::Result<()> {
        let (decisions, fires, alerts) = self
            .replay
            .as_ref()
            .map_or((0, 0, 0), |replay| (replay.decisions, replay.fires, replay.alerts));
        writeln!(
            out,
            "{:<18}{decisions} written from {} quotes: {fires} fires, {} refusals; {alerts} alerts",
            "decisions",
            self.quotes,
            decisions - fires
        )?;
        writeln!(
            out,
            "{:<18}{} sent, {} not sent; filled on paper, whole, at their limits",
            "orders", self.orders_sent, self.orders_not_sent
        )?;
        for spread in &self.spreads {
            let halted = if spread.is_halted { ", HALTED" } else { "" };
            let units = spread.position_units;
            writeln!(out, "{:<18}{}: {units:+} units{halted}", "position", spread.name)?;
        }
        writeln!(out, "{:<18}{}", "desk", self.desk_state)?;
        let figures = self.packet_to_orders.figures();
        writeln!(
            out,
            "{:<18}p50 {} ns, p99 {} ns, p99.9 {} ns, max {} ns over {} fires",
            "packet to orders", figures.p50, figures.p99, figures.p99_9, figures.max, figures.count
        )
    }

    fn record_text(&self, out: &mut Report<'_>) -> io::Result<()> {
        if self.recovered_records > 0 {
            let count = self.recovered_records;
            writeln!(
                out,
                "{:<18}{count} records that the last run had left in its ring",
                "recovered"
            )?;
        }
        let whole = if self.record_is_whole { "verified" } else { "NOT WHOLE" };
        writeln!(out, "{:<18}{} records in {}, {whole}", "record", self.records, self.directory)?;
        if let Some(replay) = &self.replay {
            let equal = if replay.is_equal { "equal, byte for byte" } else { "DIFFERENT" };
            writeln!(
                out,
                "{:<18}{} inputs and {} outputs through a fresh desk: {equal}",
                "replay", replay.inputs, replay.outputs
            )?;
        }
        Ok(())
    }
}

//! What a run came to: the closing summary, as text or JSON.

use super::hour::ScoredHour;
use super::onlooker::Seen;
use super::{CarriedOver, Wanted, money};
use crate::audit::{self, key};
use crate::cli::{CliError, Exit, Report};
use crate::config::{Configuration, SecretSource, WitnessPlace};
use crate::engine::capital;
use crate::engine::clocks::ClockFigures;
use crate::engine::hold;
use crate::engine::latency::{Figures, Latencies};
use crate::engine::live::Ended;
use crate::engine::replay::Replayed;
use crate::engine::sessions::SessionFigures;
use crate::engine::snapshotting;
use crate::engine::witnessing;
use crate::journal::Window;
use crate::journal::probe::Probe;
use crate::monitor::number;
use crate::monitor::tally::Totals;
use crate::monitor::view::VenueClock;
use crate::monitor::words::{Label, Lang, Worded};
use crate::percentiles;
use crate::venue::simulated::Ledgers;
use serde::Serialize;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use xmc_hotpath::message::Gate;
use xmc_hotpath::time::Span;

/// The files in the record's directory that hold the latencies, without what tells them apart.
const HISTOGRAM: &str = "tick_to_order";

/// What is held of one instrument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Held {
    /// Its name in the configuration.
    pub instrument: String,
    /// What the desk says.
    pub desk_lots: i64,
    /// What the venue's ledger says; `null` if it was not asked.
    pub ledger_lots: Option<i64>,
}

/// What a gate held back.
#[derive(Clone, Debug, Serialize)]
struct Refused {
    gate: &'static str,
    #[serde(skip)]
    of: Gate,
    count: u64,
}

/// What came of one feed.
#[derive(Clone, Debug, Serialize)]
struct Feed {
    feed: String,
    packets: [u64; 2],
    refused: u64,
    gaps: u64,
    /// Packets whose two copies differ.
    divergent: u64,
    quotes: u64,
    /// Books that were compared with the venue's snapshots.
    compared: u64,
    /// Levels that differed.
    differences: u64,
    /// Lines A and B, by hours.
    hours: Vec<ScoredHour>,
    /// The venue's clock beside ours; `null` if it has told no time.
    clock: Option<VenueClock>,
}

/// The record of a run.
#[derive(Clone, Debug, Serialize)]
struct Journal {
    directory: String,
    records: u64,
    bytes: u64,
    is_whole: bool,
    replays_equal: bool,
    /// Snapshots of the desk, from which the next start goes on.
    snapshots: snapshotting::Figures,
    recovered_records: u64,
    /// From a record in the ring until it is on the disk.
    durable: Durable,
    /// What witnesses have of it; `null` if there are none.
    witnessed: Option<witnessing::Figures>,
    /// What `xmc audit verify` needs to compare with them.
    #[serde(skip)]
    evidence: Option<String>,
}

/// How long records wait for the disk, and what the disk takes by itself, milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
struct Durable {
    /// What the journal adds at most.
    stated_ms: f64,
    mean_ms: f64,
    worst_ms: f64,
    groups: u64,
    /// One write and its sync without a journal, before the run; `null` if the disk refused.
    disk_median_ms: Option<f64>,
    disk_worst_ms: Option<f64>,
}

impl Durable {
    fn new(window: &Window, disk: Option<Probe>) -> Self {
        let ms = |span: Span| span.0 as f64 / 1e6;
        Self {
            stated_ms: ms(window.stated),
            mean_ms: ms(window.total) / window.count.max(1) as f64,
            worst_ms: ms(window.worst),
            groups: window.count,
            disk_median_ms: disk.map(|disk| ms(disk.median)),
            disk_worst_ms: disk.map(|disk| ms(disk.worst)),
        }
    }
}

/// Tick to order, nanoseconds.
#[derive(Clone, Debug, Serialize)]
struct TickToOrder {
    #[serde(flatten)]
    figures: Figures,
    histogram: String,
}

/// What a run came to.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    seconds: f64,
    decisions: u64,
    fires: u64,
    round_trips: u64,
    orders: u64,
    fills: u64,
    rejects: u64,
    refusals: u64,
    refused_by_gate: Vec<Refused>,
    /// What the record leaves out, so that the figures above count too little.
    not_recorded: Vec<&'static str>,
    aligned: u64,
    broken: u64,
    unknown: u64,
    live_orders: u64,
    /// Ledgers and desk hold the same, and both know the same fills; `null` if none was asked.
    positions_agree: Option<bool>,
    positions: Vec<Held>,
    /// What it went on from; `null` if it began with nothing held.
    pub(super) carried: Option<CarriedOver>,
    ledger_fills: Option<u64>,
    state: &'static str,
    feeds_usable: bool,
    /// The engine's clock beside UTC.
    clock: ClockFigures,
    feeds: Vec<Feed>,
    /// Of gateways that go on with sessions.
    order_sessions: Vec<SessionFigures>,
    journal: Journal,
    tick_to_order_ns: TickToOrder,
    hot_allocations: u64,
    /// How the money that orders use stood at the end; `null` if nobody watched it.
    capital: Option<capital::Figures>,
    /// What was held of the host; `null` if threads were left where the system put them.
    host: Option<hold::Held>,
    #[serde(skip)]
    lang: Lang,
    #[serde(skip)]
    is_equal: bool,
}

impl Summary {
    pub(super) fn new(
        wanted: &Wanted<'_>,
        seen: Seen,
        ended: Ended,
        ledgers: Option<Ledgers>,
        audited: &audit::Report,
        replayed: &Replayed,
        histogram: PathBuf,
    ) -> Self {
        let Seen { tally, elapsed, desk_lots, feeds, scores, clocks, feeds_usable } = seen;
        let Totals {
            decisions,
            fires,
            round_trips,
            orders,
            fills,
            rejects,
            refusals,
            aligned,
            broken,
            unknown,
            ..
        } = *tally.totals();
        let positions: Vec<Held> = wanted
            .config
            .instruments
            .iter()
            .zip(desk_lots)
            .filter(|(instrument, _)| instrument.gateway.is_some())
            .map(|(instrument, desk_lots)| Held {
                instrument: instrument.name.value.clone(),
                desk_lots,
                ledger_lots: ledgers.as_ref().map(|ledgers| {
                    let mut rows = ledgers.lots.iter();
                    let found = rows.find(|(symbol, _)| *symbol == instrument.symbol);
                    found.map_or(0, |(_, lots)| *lots)
                }),
            })
            .collect();
        let positions_agree = ledgers.as_ref().map(|ledgers| {
            let held = |row: &Held| row.ledger_lots == Some(row.desk_lots);
            positions.iter().all(held) && ledgers.fills == fills && ledgers.live_orders == 0
        });
        let not_recorded = tally.left_out().collect();
        let refused_by_gate = tally.gates().into_iter();
        Self {
            seconds: elapsed.as_secs_f64(),
            decisions,
            fires,
            round_trips,
            orders,
            fills,
            rejects,
            refusals,
            not_recorded,
            refused_by_gate: refused_by_gate
                .map(|row| Refused { gate: row.gate.word(), of: row.gate, count: row.count })
                .collect(),
            aligned,
            broken,
            unknown,
            live_orders: ended.live_orders as u64,
            positions_agree,
            positions,
            carried: None,
            ledger_fills: ledgers.map(|ledgers| ledgers.fills),
            state: tally.state().word(),
            feeds_usable,
            clock: clocks,
            feeds: wanted
                .config
                .feeds
                .iter()
                .zip(feeds)
                .zip(scores.feeds())
                .map(|((feed, view), score)| Feed {
                    feed: feed.name.value.clone(),
                    packets: [view.a.packets, view.b.packets],
                    refused: view.refused,
                    gaps: view.gaps,
                    divergent: view.divergent,
                    quotes: view.quotes,
                    compared: view.compared,
                    differences: view.differences,
                    clock: view.clock,
                    hours: score.hours.iter().map(|(hour, of)| ScoredHour::of(*hour, of)).collect(),
                })
                .collect(),
            order_sessions: ended.sessions,
            journal: Journal {
                directory: wanted.directory.display().to_string(),
                records: ended.journal.records,
                bytes: ended.journal.bytes,
                is_whole: audited.finding.is_none(),
                replays_equal: replayed.is_equal(),
                snapshots: ended.snapshots,
                recovered_records: ended.recovered_records,
                durable: Durable::new(&ended.journal.window, ended.disk),
                evidence: evidence(wanted.config),
                witnessed: ended.witnessed,
            },
            tick_to_order_ns: TickToOrder {
                figures: ended.latency.figures(),
                histogram: histogram.display().to_string(),
            },
            hot_allocations: ended.allocations.iter().sum(),
            capital: ended.capital,
            host: ended.held,
            lang: wanted.show.lang(),
            is_equal: ended.difference.is_none(),
        }
    }

    /// 1 if anything is not as it should be.
    #[must_use]
    pub fn exit(&self) -> Exit {
        let agrees = self.positions_agree != Some(false);
        let is_signed = |figures: &witnessing::Figures| !figures.is_contradicted();
        let is_recorded = self.journal.is_whole
            && self.journal.replays_equal
            && self.is_equal
            && self.journal.witnessed.as_ref().is_none_or(is_signed);
        let is_stopped = self.order_sessions.iter().any(|session| session.is_stopped);
        if agrees && is_recorded && !is_stopped { Exit::Ok } else { Exit::Finding }
    }

    /// Writes it: JSON under `schema`, or for a person.
    ///
    /// # Errors
    /// What the output says.
    pub fn write(&self, schema: &str, out: &mut Report<'_>) -> io::Result<()> {
        if out.is_json() {
            return out.json(schema, 1, self);
        }
        self.write_figures(out)?;
        self.write_positions(out)?;
        self.capital.iter().try_for_each(|figures| money::write(figures, self.lang, out))?;
        self.write_record(out)
    }

    fn say(&self, en: &'static str, zh: &'static str) -> &'static str {
        match self.lang {
            Lang::En => en,
            Lang::Zh => zh,
        }
    }

    fn write_figures(&self, out: &mut Report<'_>) -> io::Result<()> {
        let figures = [
            (Label::Decisions, self.decisions),
            (Label::Fires, self.fires),
            (Label::RoundTrips, self.round_trips),
            (Label::Orders, self.orders),
            (Label::Fills, self.fills),
            (Label::Rejects, self.rejects),
            (Label::Refused, self.refusals),
        ];
        let seconds = format!("{:.1}", self.seconds);
        writeln!(out, "\n{} {seconds} s", self.say("After", "共运行"))?;
        for (label, count) in figures {
            self.row(out, label.word_in(self.lang), &number::count(count))?;
        }
        for Refused { gate, of, count } in &self.refused_by_gate {
            let name = match self.lang {
                Lang::En => format!("  {gate}"),
                // With the word that configuration and record use.
                Lang::Zh => format!("  {} {gate}", of.word_in(Lang::Zh)),
            };
            self.row(out, &name, &number::count(*count))?;
        }
        if !self.not_recorded.is_empty() {
            let words = self.not_recorded.join(" ");
            self.row(out, Label::NotRecorded.word_in(self.lang), &words)?;
        }
        for session in self.order_sessions.iter().filter(|session| session.lost > 0) {
            self.write_session(session, out)?;
        }
        let Figures { p50, p99, p99_9, max, count, .. } = self.tick_to_order_ns.figures;
        if count > 0 {
            let [p50, p99, p99_9, max] = [p50, p99, p99_9, max].map(|ns| number::span(Span(ns)));
            let text = format!("p50 {p50}, p99 {p99}, p99.9 {p99_9}, max {max}");
            self.row(out, Label::TickToOrder.word_in(self.lang), &text)?;
        }
        for refused in self.host.iter().flat_map(|held| &held.refused) {
            self.row(out, self.say("host", "主机"), refused)?;
        }
        Ok(())
    }

    fn write_session(&self, session: &SessionFigures, out: &mut Report<'_>) -> io::Result<()> {
        let SessionFigures { gateway, lost, resumed, is_stopped, last_error, .. } = session;
        let label = format!("{} {gateway}", self.say("order sessions", "报单会话"));
        let weeks = session.weeks;
        let [lost, resumed] = [lost.saturating_sub(weeks), *resumed].map(number::count);
        let words = [self.say("lost", "中断"), self.say("resumed", "恢复")];
        let mut text = format!("{lost} {}, {resumed} {}", words[0], words[1]);
        if weeks > 0 {
            let ended = self.say("ended with their week", "随周结束");
            text = format!("{text}, {} {ended}", number::count(weeks));
        }
        if *is_stopped {
            let why = last_error.as_deref().or(session.last_lost).unwrap_or_default();
            let stopped = self.say("NOT LOGGED ON AGAIN, look at it", "不再自动登录, 请人工处理");
            text = format!("{text}; {stopped}: {why}");
        }
        self.row(out, &label, &text)
    }

    fn write_positions(&self, out: &mut Report<'_>) -> io::Result<()> {
        let Some(agree) = self.positions_agree else {
            return Ok(());
        };
        let heading = self.say(
            "Positions in lots: the desk's, and what the venues' ledgers answered over TCP",
            "持仓(手): 引擎记录, 以及向各场所账本(TCP)查询的结果",
        );
        writeln!(out, "\n{heading}")?;
        for Held { instrument, desk_lots, ledger_lots } in &self.positions {
            let ledger = ledger_lots.map_or("-".to_owned(), number::signed);
            let desk = number::signed(*desk_lots);
            writeln!(out, "  {instrument:<12} {desk:>8} {ledger:>8}")?;
        }
        let fills = self.ledger_fills.unwrap_or(0);
        let verdict = if agree {
            self.say("they agree", "一致")
        } else {
            self.say("THEY DO NOT AGREE", "不一致")
        };
        writeln!(
            out,
            "  {}: {} / {}; {verdict}",
            Label::Fills.word_in(self.lang),
            number::count(self.fills),
            number::count(fills)
        )
    }

    fn write_record(&self, out: &mut Report<'_>) -> io::Result<()> {
        let Journal {
            directory, records, bytes, is_whole, replays_equal, durable, snapshots, ..
        } = &self.journal;
        let yes = |is: bool| if is { self.say("yes", "是") } else { self.say("NO", "否") };
        writeln!(out, "\n{}", self.say("The record", "留痕"))?;
        self.row(out, self.say("directory", "目录"), directory)?;
        let size = format!("{} / {} B", number::count(*records), number::count(*bytes));
        self.row(out, self.say("records", "记录"), &size)?;
        self.row(out, self.say("every byte as written", "逐字节完整"), yes(*is_whole))?;
        let equal = yes(*replays_equal && self.is_equal);
        self.row(out, self.say("replays equal", "重放一致"), equal)?;
        let disk = durable.disk_median_ms.unwrap_or_default();
        let after = format!(
            "{:.1} / {:.1} ms ({} {disk:.1} ms)",
            durable.mean_ms,
            durable.worst_ms,
            self.say("disk alone", "裸盘")
        );
        self.row(out, self.say("on disk, mean / worst", "落盘 均值 / 最差"), &after)?;
        let kept = match &snapshots.fault {
            None => number::count(snapshots.written),
            Some(fault) => format!(
                "{} / {} {}: {fault}",
                number::count(snapshots.written),
                number::count(snapshots.failures),
                self.say("NOT KEPT, the next start takes longer", "未能保存, 下次启动较慢")
            ),
        };
        self.row(out, self.say("snapshots of the desk", "席位快照"), &kept)?;
        self.row(out, self.say("latencies", "延迟分布"), &self.tick_to_order_ns.histogram)?;
        if let Some(witnessed) = &self.journal.witnessed {
            self.write_witnessed(witnessed, out)?;
        }
        let evidence = self.journal.evidence.as_deref().unwrap_or_default();
        writeln!(out, "  xmc audit verify {directory}{evidence}\n  xmc replay --verify {directory}")
    }

    fn write_witnessed(
        &self,
        witnessed: &witnessing::Figures,
        out: &mut Report<'_>,
    ) -> io::Result<()> {
        let name = self.say("kept by witnesses", "见证方已存");
        let seen = number::count(witnessed.witnessed_records());
        let records = format!("{seen} / {}", number::count(witnessed.records));
        self.row(out, name, &records)?;
        for witness in &witnessed.witnesses {
            if let Some(text) = &witness.text {
                self.row(out, "", &format!("{} {text}", witness.name))?;
            }
        }
        match &witnessed.fault {
            Some(fault) => self.row(out, self.say("SIGNED NO MORE", "已停止签名"), fault),
            None => Ok(()),
        }
    }

    fn row(&self, out: &mut Report<'_>, name: &str, text: &str) -> io::Result<()> {
        const CELLS: usize = 24;
        let pad = " ".repeat(CELLS.saturating_sub(crate::monitor::terminal::width(name)));
        writeln!(out, "  {name}{pad} {text}")
    }
}

/// What follows `xmc audit verify DIR` to compare with the witnesses whose files are at hand.
fn evidence(config: &Configuration) -> Option<String> {
    let checkpoints = config.checkpoints.as_ref()?;
    let mut text = String::new();
    for witness in &checkpoints.witnesses {
        if let WitnessPlace::Directory(path) = &witness.place {
            text.push_str(&format!(" --witness {}", path.display()));
        }
    }
    match &checkpoints.key {
        SecretSource::File(path) if !text.is_empty() => {
            Some(format!("{text} --key {}", key::public_path(path).display()))
        }
        _ => None,
    }
}

/// Writes the latencies as the tools of HdrHistogram read them, in nanoseconds: percentiles, and
/// beside them the whole histogram of a run that has just ended, after `elapsed`.
pub(super) fn write_histogram(
    directory: &Path,
    latency: &Latencies,
    elapsed: Duration,
) -> Result<PathBuf, CliError> {
    let path = directory.join(HISTOGRAM);
    percentiles::keep(latency.histogram(), &path, elapsed).map_err(CliError::could_not_run)
}

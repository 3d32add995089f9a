//! What a backtest says: text, or JSON.

use super::{Played, commit, sheets};
use crate::audit::export::{Cell, Sheet, text};
use crate::cli::report::Utc;
use crate::cli::{CliError, Report};
use crate::config::{BacktestVenue, Latency};
use crate::monitor::terminal::width;
use crate::monitor::{Lang, number};
use crate::sim::backtest::ASSUMPTIONS;
use crate::sim::backtest::counts::Counts;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Write;
use xmc_hotpath::message::{MAX_LEGS, SpreadIndex};
use xmc_hotpath::time::Span;

/// Cells of what a line is about.
const TITLE: usize = 10;

/// Repairs that a terminal shows.
const SHOWN: usize = 10;

/// How fast it went: not part of what follows from source and seed.
#[derive(Debug, Serialize)]
struct Speed {
    seconds: f64,
    events_per_second: f64,
    has_record: bool,
}

#[derive(Debug, Serialize)]
struct Pair {
    name: String,
    currency: String,
    legs: [Option<String>; MAX_LEGS],
    held_lots: [i64; MAX_LEGS],
    open_profit_e9: [i128; MAX_LEGS],
    all: Counts,
    in_sample: Option<Counts>,
    out_of_sample: Option<Counts>,
    slippage_e9: BTreeMap<&'static str, Option<i64>>,
    step_ns: u64,
    equity_e9: Vec<i128>,
    residual_lots: Vec<u64>,
}

/// How a venue of the model answers.
#[derive(Debug, Serialize)]
struct Venue {
    gateway: String,
    order_us: [u32; 2],
    report_us: [u32; 2],
    max_messages: u32,
    rate_window_ms: u32,
    band_ticks: u32,
}

#[derive(Debug, Serialize)]
struct Figures<'p> {
    commit: String,
    is_simulated: bool,
    source: &'p str,
    source_kind: &'static str,
    /// As `governance::lineage` has it.
    source_digest: &'p Option<String>,
    /// Of the configuration, if there is one.
    config_digest: Option<String>,
    command: &'p str,
    has_trades: bool,
    runs: usize,
    begins_utc_ns: u64,
    lasted_ns: u64,
    split_ns: Option<u64>,
    /// Where it begins, is split and ends in UTC; absent where the source does not say.
    begin_utc_ns: Option<u64>,
    split_utc_ns: Option<u64>,
    end_utc_ns: Option<u64>,
    seed: u64,
    queue: &'static str,
    venues: Vec<Venue>,
    assumptions: Vec<&'static str>,
    events: u64,
    inputs: u64,
    orders: u64,
    refusals: &'p BTreeMap<&'static str, u64>,
    rejects: &'p BTreeMap<&'static str, u64>,
    alerts: &'p BTreeMap<&'static str, u64>,
    pairs: Vec<Pair>,
    repairs: Vec<BTreeMap<&'static str, String>>,
    fires: Vec<BTreeMap<&'static str, String>>,
    record: &'p Option<String>,
    speed: Speed,
}

fn plain(sheet: &Sheet) -> Vec<BTreeMap<&'static str, String>> {
    let cells = |row: &[Cell]| {
        let cells = sheet.columns.iter().zip(row);
        cells.map(|(column, cell)| (column.key, cell.plain())).collect()
    };
    sheet.rows.iter().map(|row| cells(row)).collect()
}

fn range(latency: Latency) -> [u32; 2] {
    [latency.least_us, latency.least_us + latency.spread_us]
}

/// How far away a venue is, and what it allows.
fn venue_line(name: &str, venue: BacktestVenue, lang: Lang) -> String {
    let [up, up_most] = range(venue.order);
    let [down, down_most] = range(venue.report);
    let (rate, window_ms, band) = (venue.max_messages, venue.rate_window_ms, venue.band_ticks);
    let mut line = match lang {
        Lang::En => {
            format!("{name}: orders {up} to {up_most} us, reports {down} to {down_most} us")
        }
        Lang::Zh => format!("{name}: 报单 {up} 至 {up_most} us, 回报 {down} 至 {down_most} us"),
    };
    if rate > 0 {
        line += &match lang {
            Lang::En => format!(", {rate} messages in {window_ms} ms"),
            Lang::Zh => format!(", 每 {window_ms} ms 限 {rate} 条"),
        };
    }
    if band > 0 {
        line += &match lang {
            Lang::En => format!(", band {band} ticks"),
            Lang::Zh => format!(", 价格带 {band} 跳"),
        };
    }
    line
}

impl Played<'_> {
    /// The venues that the desk's gateways lead to.
    fn venues(&self) -> Vec<(String, BacktestVenue)> {
        let gateways = self.market.runs.iter().map(|run| run.gateways()).max().unwrap_or(0);
        let configured = self.labels.configuration.as_ref().map(|config| config.gateways.len());
        (0..configured.unwrap_or(gateways))
            .map(|row| {
                let name = self.labels.gateway(u8::try_from(row).unwrap_or(u8::MAX));
                (name, self.model.venue(row))
            })
            .collect()
    }

    /// What was played, on which market, by which model.
    pub(super) fn lines(&self, lang: Lang) -> Vec<String> {
        let outcome = self.outcome;
        let say = |en: &'static str, zh: &'static str| if lang == Lang::Zh { zh } else { en };
        let begins = match (outcome.begins_utc_ns, lang) {
            (0, _) => say("at a time that is not known", "时间未知").to_owned(),
            (utc_ns, Lang::En) => format!("from {}", Utc(utc_ns)),
            (utc_ns, Lang::Zh) => format!("自 {}", Utc(utc_ns)),
        };
        let count = self.market.runs.len();
        let lasted = number::span(Span(outcome.lasted_ns));
        let mut lines = vec![match lang {
            Lang::En => {
                let runs = if count == 1 { "run" } else { "runs" };
                let kind = self.kind;
                format!(
                    "SIMULATED venues on the market of a {kind}: {count} {runs} {begins}, {lasted}"
                )
            }
            Lang::Zh => {
                let kind = if self.kind == "journal" { "留痕" } else { "抓包" };
                format!("以{kind}行情驱动模拟交易所: {count} 次运行, {begins}, 时长 {lasted}")
            }
        }];
        if let Some(split_ns) = outcome.split_ns {
            let split = number::span(Span(split_ns));
            lines.push(match lang {
                Lang::En => {
                    format!("in sample up to {split} after the beginning, out of sample behind")
                }
                Lang::Zh => format!("开始后 {split} 以内为样本内, 其后为样本外"),
            });
        }
        let trades = match self.market.has_trades {
            true => say("with its trades", "含成交"),
            false => say("without trades", "不含成交"),
        };
        let (queue, seed) = (self.model.queue.word(), self.model.seed);
        lines.push(match lang {
            Lang::En => format!("seed {seed}, queue {queue}, source {trades}"),
            Lang::Zh => format!("种子 {seed}, 排队模型 {queue}, 数据源{trades}"),
        });
        lines.extend(self.venues().into_iter().map(|(name, venue)| venue_line(&name, venue, lang)));
        lines
    }

    fn figures(&self, in_lang: usize) -> Figures<'_> {
        let outcome = self.outcome;
        let has_split = outcome.split_ns.is_some();
        let venues = self.venues().into_iter().map(|(gateway, of)| Venue {
            gateway,
            order_us: range(of.order),
            report_us: range(of.report),
            max_messages: of.max_messages,
            rate_window_ms: of.rate_window_ms,
            band_ticks: of.band_ticks,
        });
        let pairs = outcome.pairs.iter().zip(0..).map(|(pair, row)| {
            let name = self.labels.spread(SpreadIndex(row));
            let all = pair.whole();
            let parts = [("least", 0), ("p50", 500), ("p95", 950), ("p99", 990), ("most", 1_000)];
            let name_of = |row| self.labels.instrument(xmc_hotpath::message::InstrumentIndex(row));
            let [first, second] = &pair.periods;
            Pair {
                currency: self.currency(&name),
                name,
                legs: pair.instruments.map(|row| row.map(name_of)),
                held_lots: pair.lots,
                open_profit_e9: pair.open_e9,
                slippage_e9: parts.map(|(key, part)| (key, all.slip_e9(part))).into(),
                all,
                in_sample: has_split.then(|| first.clone()),
                out_of_sample: has_split.then(|| second.clone()),
                step_ns: pair.curve.step_ns,
                equity_e9: pair.curve.points.iter().map(|point| point.equity_e9).collect(),
                residual_lots: pair.curve.points.iter().map(|point| point.residual_lots).collect(),
            }
        });
        Figures {
            commit: commit(),
            is_simulated: true,
            source: &self.source,
            source_kind: self.kind,
            source_digest: &self.source_digest,
            config_digest: self.labels.configuration.as_ref().map(|config| config.digest()),
            command: &self.command,
            has_trades: self.market.has_trades,
            runs: self.market.runs.len(),
            begins_utc_ns: outcome.begins_utc_ns,
            lasted_ns: outcome.lasted_ns,
            split_ns: outcome.split_ns,
            begin_utc_ns: self.market.utc_after(0),
            split_utc_ns: outcome.split_ns.and_then(|split_ns| self.market.utc_after(split_ns)),
            end_utc_ns: self.market.utc_after(self.market.lasted_ns()),
            seed: self.model.seed,
            queue: self.model.queue.word(),
            venues: venues.collect(),
            assumptions: ASSUMPTIONS.iter().map(|line| line[in_lang]).collect(),
            events: outcome.events,
            inputs: outcome.inputs,
            orders: outcome.orders,
            refusals: &outcome.refusals,
            rejects: &outcome.rejects,
            alerts: &outcome.alerts,
            pairs: pairs.collect(),
            repairs: plain(&sheets::repair_list(self)),
            fires: plain(&sheets::fire_list(self)),
            record: &self.record,
            speed: Speed {
                seconds: self.seconds,
                events_per_second: outcome.events as f64 / self.seconds.max(1e-9),
                has_record: self.record.is_some(),
            },
        }
    }
}

/// Writes the report.
pub fn write(played: &Played<'_>, lang: Lang, out: &mut Report<'_>) -> Result<(), CliError> {
    let in_lang = usize::from(lang == Lang::Zh);
    if out.is_json() {
        out.json("xmc.backtest", 1, &played.figures(0))?;
        return Ok(());
    }
    let titled = |title: &str| {
        let pad = " ".repeat(TITLE.saturating_sub(width(title)));
        format!("{title}{pad}")
    };
    writeln!(out, "{} {}", titled(["commit", "版本"][in_lang]), commit())?;
    writeln!(out, "{} {}", titled(["source", "数据源"][in_lang]), played.source)?;
    for (number, line) in played.lines(lang).iter().enumerate() {
        let title = if number == 0 { ["played", "回放"][in_lang] } else { "" };
        writeln!(out, "{} {line}", titled(title))?;
    }
    let outcome = played.outcome;
    let [events, inputs, orders] =
        [outcome.events, outcome.inputs, outcome.orders].map(number::count);
    let text = match lang {
        Lang::En => {
            format!(
                "{events} of the source, {inputs} inputs of the desk, {orders} orders and cancels"
            )
        }
        Lang::Zh => format!("数据源 {events}, 席位输入 {inputs}, 报单与撤单 {orders}"),
    };
    writeln!(out, "{} {text}", titled(["events", "事件"][in_lang]))?;
    let million = outcome.events as f64 / played.seconds.max(1e-9) / 1e6;
    let (seconds, is_kept) = (played.seconds, played.record.is_some());
    let text = match (lang, is_kept) {
        (Lang::En, kept) => {
            let kept = if kept { "a journal written" } else { "no record kept" };
            format!("{seconds:.2} s, {million:.2} million events/s on one core, {kept}")
        }
        (Lang::Zh, kept) => {
            let kept = if kept { "已写留痕" } else { "未留痕" };
            format!("{seconds:.2} s, 单核每秒 {million:.2} 百万事件, {kept}")
        }
    };
    writeln!(out, "{} {text}", titled(["speed", "速度"][in_lang]))?;
    for sheet in sheets::summary(played, in_lang) {
        text::write(&sheet, lang, out)?;
    }
    let mut repairs = sheets::repair_list(played);
    let count = repairs.rows.len();
    repairs.rows.truncate(SHOWN);
    text::write(&repairs, lang, out)?;
    if count > SHOWN {
        let more = count - SHOWN;
        match lang {
            Lang::En => writeln!(out, "  .. and {more} more: --json and --html have them")?,
            Lang::Zh => writeln!(out, "  .. 另有 {more} 条, 见 --json 与 --html")?,
        }
    }
    writeln!(out)?;
    for (number, line) in ASSUMPTIONS.iter().enumerate() {
        let title = if number == 0 { ["assumes", "假设"][in_lang] } else { "" };
        writeln!(out, "{} {}", titled(title), line[in_lang])?;
    }
    if let Some(directory) = &played.record {
        writeln!(out, "{} {directory}", titled(["record", "留痕"][in_lang]))?;
    }
    Ok(())
}

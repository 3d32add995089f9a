//! `xmc feeds JOURNAL`: what the desk was told of its feeds, as the record has it.
//!
//! What each channel was worth and for how long, packets that both lines lost, quotes and how late
//! they came, how often each instrument moves. Which line was first is no input of the desk, so a
//! record does not hold it.

mod fold;
mod signed;

use crate::audit::labels::Labels;
use crate::audit::scan::{self, Decoding, Scanned};
use crate::cli::plan::table::Align::{Left, Right};
use crate::cli::plan::table::Table;
use crate::cli::report::Utc;
use crate::cli::{CliError, Exit, Report};
use crate::engine::score::NS_PER_HOUR;
use crate::monitor::number;
use fold::{Change, Channel, Fold, Hour, Quoted};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::Path;
use xmc_hotpath::message::ChannelState;

/// Runs the command on the journal at `path`, showing at most `changes` of each channel.
///
/// # Errors
/// `CouldNotRun` if there is no journal, `Output` if the report cannot be written.
pub fn run(path: &Path, changes: usize, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let mut decoding = Decoding::default();
    let mut fold = Fold::default();
    let labels = |digest: &[u8; 32]| Labels::find(path, digest).unwrap_or_default();
    let scanned = scan::scan(path, |entry| {
        if let Some(body) = decoding.read(entry.header, entry.body) {
            fold.take(&body, &decoding, labels);
        }
        ControlFlow::Continue(())
    });
    let scanned = scanned.map_err(CliError::could_not_run)?;
    let runs = fold.runs;
    let channels = fold.finish();
    let damage = damage(&scanned);
    if out.is_json() {
        let channels: Vec<_> = channels.iter().map(|channel| as_json(channel, changes)).collect();
        let body = json!({
            "runs": runs, "records": scanned.records, "damage": damage, "channels": channels,
        });
        out.json("xmc.feeds.journal", 1, &body)?;
    } else {
        for channel in &channels {
            text(channel, changes, out)?;
        }
        writeln!(out, "\n{} runs, {} records", runs, scanned.records)?;
        if let Some(damage) = &damage {
            writeln!(out, "the journal is damaged, what lies behind was not read: {damage}")?;
        }
    }
    let is_sound = channels.iter().all(Channel::is_sound) && damage.is_none();
    Ok(if is_sound { Exit::Ok } else { Exit::Finding })
}

fn damage(scanned: &Scanned) -> Option<String> {
    let (path, damaged) = scanned.damage.as_ref()?;
    Some(format!("{}: {damaged}", path.display()))
}

fn text(channel: &Channel, changes: usize, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "\nCHANNEL {} ({})", channel.name, channel.stream.0)?;
    hours(channel).write(out)?;
    states(channel, changes).write(out)?;
    instruments(channel).write(out)?;
    if !channel.alerts.is_empty() {
        let alerts = channel.alerts.iter().map(|(kind, count)| format!("{kind} {count}"));
        writeln!(out, "\n  alerts: {}", alerts.collect::<Vec<_>>().join(", "))?;
    }
    Ok(())
}

fn hours(channel: &Channel) -> Table {
    let columns = [
        ("hour", Left),
        ("usable", Right),
        ("one line", Right),
        ("gaps", Right),
        ("lost", Right),
        ("quotes", Right),
        ("skipped", Right),
        ("bad", Right),
        ("late p50", Right),
        ("p99", Right),
        ("max", Right),
    ];
    let mut table = Table::new("HOURS", &columns);
    for (hour, of) in &channel.hours {
        let (usable, all) = of.usable();
        let single = of.spent(ChannelState::SingleLine);
        let late = |figure: Option<i64>| figure.map_or_else(|| "-".to_owned(), show_signed);
        table.row([
            hour_of(*hour),
            share(usable, all),
            share(single, all),
            of.gaps.to_string(),
            of.missing.to_string(),
            of.quotes.to_string(),
            of.skipped.to_string(),
            (of.gapped + of.insane).to_string(),
            late(of.lag.at(500)),
            late(of.lag.at(990)),
            late(of.lag.most()),
        ]);
    }
    table
}

fn states(channel: &Channel, most: usize) -> Table {
    let columns = [
        ("at", Left),
        ("state", Left),
        ("for", Right),
        ("epoch", Right),
        ("packet", Right),
        ("lost", Right),
    ];
    let mut table = Table::new("STATES", &columns);
    for change in shown(channel, most) {
        table.row([
            Utc(change.at.0).to_string(),
            change.state.word().to_owned(),
            change.lasted.map_or_else(|| "to the end".to_owned(), number::span),
            change.epoch.to_string(),
            change.packet_seq_no.to_string(),
            change.missing.to_string(),
        ]);
    }
    let hidden = channel.changed - shown(channel, most).len() as u64;
    if hidden > 0 {
        table.note(format!("{hidden} before them: --changes N shows more"));
    }
    table
}

fn instruments(channel: &Channel) -> Table {
    let columns = [
        ("instrument", Left),
        ("quotes", Right),
        ("every p50", Right),
        ("p99", Right),
        ("longest silence", Right),
    ];
    let mut table = Table::new("INSTRUMENTS", &columns);
    for quoted in channel.instruments.values() {
        let [p50, p99, longest] = silences(quoted).map(|figure| {
            figure.map_or_else(|| "-".to_owned(), |ns| number::span(xmc_hotpath::time::Span(ns)))
        });
        table.row([quoted.name.clone(), quoted.quotes.to_string(), p50, p99, longest]);
    }
    table
}

/// From one quote to the next: median, 99th percentile, longest.
fn silences(quoted: &Quoted) -> [Option<u64>; 3] {
    let between = &quoted.between;
    let figures = [between.value_at_quantile(0.5), between.value_at_quantile(0.99), between.max()];
    figures.map(|figure| (!between.is_empty()).then_some(figure))
}

fn shown(channel: &Channel, most: usize) -> &[Change] {
    &channel.changes[channel.changes.len().saturating_sub(most)..]
}

fn hour_of(hour: u64) -> String {
    if hour == 0 {
        return "unknown".to_owned();
    }
    Utc(hour * NS_PER_HOUR).to_string().chars().take(13).collect()
}

/// A share in hundredths of a percent, cut and not rounded up: 100 % is all of it.
fn share(part: u64, all: u64) -> String {
    let Some(hundredths) = (u128::from(part) * 10_000).checked_div(u128::from(all)) else {
        return "-".to_owned();
    };
    format!("{}.{:02} %", hundredths / 100, hundredths % 100)
}

/// A time of either sign.
pub(super) fn show_signed(figure: i64) -> String {
    let text = number::span(xmc_hotpath::time::Span(figure.unsigned_abs()));
    if figure < 0 { format!("-{text}") } else { text }
}

fn as_json(channel: &Channel, changes: usize) -> Value {
    let hours = channel.hours.iter().map(|(hour, of)| hour_json(*hour, of));
    let changed = shown(channel, changes).iter().map(|change| {
        json!({
            "at": (change.at.0 > 0).then(|| Utc(change.at.0).to_string()),
            "state": change.state.word(),
            "epoch": change.epoch,
            "packet_seq_no": change.packet_seq_no,
            "missing": change.missing,
            "lasted_ns": change.lasted.map(|lasted| lasted.0),
        })
    });
    let instruments = channel.instruments.values().map(|quoted| {
        let [p50, p99, longest] = silences(quoted);
        json!({
            "instrument": quoted.name,
            "quotes": quoted.quotes,
            "between_ns": { "p50": p50, "p99": p99, "max": longest },
        })
    });
    json!({
        "channel": channel.name,
        "stream": channel.stream.0,
        "hours": hours.collect::<Vec<_>>(),
        "changed": channel.changed,
        "changes": changed.collect::<Vec<_>>(),
        "instruments": instruments.collect::<Vec<_>>(),
        "alerts": channel.alerts,
    })
}

fn hour_json(hour: u64, of: &Hour) -> Value {
    let spent = ChannelState::ALL.iter().filter(|state| of.spent(**state) > 0);
    let spent: serde_json::Map<_, _> =
        spent.map(|state| (state.word().to_owned(), json!(of.spent(*state)))).collect();
    json!({
        "hour": (hour > 0).then(|| Utc(hour * NS_PER_HOUR).to_string()),
        "spent_ns": spent,
        "gaps": of.gaps,
        "missing": of.missing,
        "quotes": of.quotes,
        "skipped": of.skipped,
        "gapped": of.gapped,
        "insane": of.insane,
        "late_ns": {
            "min": of.lag.least(), "p50": of.lag.at(500), "p90": of.lag.at(900),
            "p99": of.lag.at(990), "max": of.lag.most(), "count": of.lag.len(),
        },
    })
}

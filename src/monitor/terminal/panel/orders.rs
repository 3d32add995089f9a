//! What was traded, what was held back, and what somebody should know.

use super::{fitted, labelled, part, rule};
use crate::monitor::gate::seen_of_limit;
use crate::monitor::number;
use crate::monitor::setting::Setting;
use crate::monitor::tally::Fill;
use crate::monitor::terminal::look::Look;
use crate::monitor::terminal::text::{Text, flow, folded, width, wrapped};
use crate::monitor::view::{Note, View};
use crate::monitor::words::{Label, Lang};
use ratatui::style::Style;
use std::cmp::Reverse;
use xmc_hotpath::message::{Alert, AlertKind, PositionEffect, Side, SpreadIndex};
use xmc_hotpath::time::{MonoNs, Span};

/// The last fills, the newest first.
pub fn fills(view: &View, size: (usize, usize), look: &Look) -> Vec<Text> {
    let (cells, height) = size;
    let mut rows = vec![rule(look.word(Label::Fills), look.title(), cells, look)];
    let shown: Vec<Text> =
        view.fills.iter().take(height.saturating_sub(1)).map(|row| fill(view, row, look)).collect();
    // Where the time has no room beside all of them, it is left out beside all.
    let has_time = shown.iter().all(|row| AGO + 1 + row.width() <= cells);
    for (text, row) in shown.into_iter().zip(&view.fills) {
        let mut line = Text::new();
        if has_time {
            line.append(ago(view.now.since(row.at), look)).gap(1);
        }
        line.append(text);
        rows.push(flow(vec![line], cells));
    }
    if view.fills.is_empty() {
        rows.push(part(look.word(Label::NoneYet), look.label()));
    }
    rows
}

fn fill(view: &View, fill: &Fill, look: &Look) -> Text {
    let instruments = &view.setting.instruments;
    let instrument = instruments.get(fill.instrument.0 as usize);
    let side = if fill.side == Side::Buy { look.up() } else { look.down() };
    let name = instrument.map_or("?", |row| row.name.as_str());
    let names = instruments.iter().map(|row| width(&row.name)).max();
    let mut text = Text::new();
    text.left(name, names.unwrap_or(0).min(NAME), Style::new()).gap(1);
    text.put(look.word(fill.side), side);
    if fill.effect != PositionEffect::Net {
        text.gap(usize::from(look.lang == Lang::En));
        text.put(look.word(fill.effect), side);
    }
    let plain = || number::e9(fill.price_e9.into(), 4);
    let at = instrument.map_or_else(plain, |row| row.price(fill.price_e9));
    text.put(format!(" {} @ {at}", number::count(fill.lots.into())), look.strong());
    text
}

/// Cells of an instrument's name, at most.
const NAME: usize = 10;
/// Cells of the time since.
const AGO: usize = 7;

/// How long ago, in tenths of a second: lines that stay would only flicker.
fn ago(span: Span, look: &Look) -> Text {
    let tenths = span.0 / 100_000_000;
    let mut text = Text::new();
    text.number(&format!("{}.{} s", number::count(tenths / 10), tenths % 10), AGO, look.label());
    text
}

/// What gates held back, the busiest first.
pub fn gates(view: &View, size: (usize, usize), look: &Look) -> Vec<Text> {
    let (cells, height) = size;
    let words = [Label::Refusals, Label::Seen, Label::Limit].map(|label| look.word(label));
    let [what, seen, limit] = words;
    let title = format!("{what} ({seen} / {limit})");
    let mut rows = vec![rule(&title, look.title(), cells, look)];
    let shown = view.gates.iter().take(height.saturating_sub(1));
    let names = shown.map(|row| width(look.word(row.gate))).max();
    let gates = view.gates.iter().map(|row| {
        let mut text = Text::new();
        text.left(look.word(row.gate), names.unwrap_or(0), Style::new());
        text.number(&number::count(row.count), 7, look.strong());
        let last = seen_of_limit(&view.setting, &row.last, look.lang);
        flow(vec![text, part(&last, look.label())], cells)
    });
    let gates: Vec<_> = gates.collect();
    if gates.is_empty() {
        rows.push(part(look.word(Label::NoneYet), look.label()));
    }
    rows.extend(fitted(gates, height.saturating_sub(1), look));
    rows
}

/// Orders in all, then the last alerts.
pub fn alerts(view: &View, size: (usize, usize), look: &Look) -> Vec<Text> {
    let (cells, height) = size;
    let mut rows = vec![rule(&title(view, look), look.title(), cells, look)];
    let totals = &view.totals;
    let count = |label, count: u64| labelled(label, number::count(count), Style::new(), look);
    let bad = |label, count: u64| {
        let style = if count > 0 { look.warning() } else { Style::new() };
        labelled(label, number::count(count), style, look)
    };
    let unknown = bad(Label::Unknown, totals.unknown);
    let mut orders = vec![
        count(Label::Orders, totals.orders),
        count(Label::Fills, totals.fills),
        bad(Label::Rejects, totals.rejects),
        count(Label::Cancelled, totals.cancelled),
        count(Label::Live, view.live_orders as u64),
    ];
    // What somebody must see comes first: a narrow line has no room for all.
    orders.insert(if totals.unknown > 0 { 0 } else { 3 }, unknown);
    let lines = if height > 3 { 2 } else { 1 };
    rows.extend(wrapped(orders, cells, lines));
    if view.alerts.is_empty() && view.notes.last.is_empty() {
        rows.push(part(look.word(Label::NoAlerts), look.label()));
    }
    let alerts = view.alerts.iter().map(|(at, alert)| {
        let mut parts = vec![ago(view.now.since(*at), look)];
        parts.extend(told(&view.setting, alert, look));
        (*at, vec![flow(parts, cells)])
    });
    let notes = view.notes.last.iter().map(|row| (row.at, note(row, view.now, cells, look)));
    let mut shown: Vec<_> = alerts.chain(notes).collect();
    shown.sort_by_key(|(at, _)| Reverse(*at));
    let left = height.saturating_sub(rows.len());
    rows.extend(shown.into_iter().flat_map(|(_, lines)| lines).take(left));
    rows
}

/// Lines of a sentence, at most.
const NOTE_LINES: usize = 3;

/// A sentence behind its time and what it is about, folded.
fn note(note: &Note, now: MonoNs, cells: usize, look: &Look) -> Vec<Text> {
    let [english, chinese] = &note.text;
    let text = if look.lang == Lang::Zh { chinese } else { english };
    let of = look.word(note.of);
    let indent = AGO + 2 + width(of) + 2;
    let lines = folded(text, cells.saturating_sub(indent), NOTE_LINES);
    let line = |(place, line): (usize, &String)| {
        let mut text = Text::new();
        if place == 0 {
            text.append(ago(now.since(note.at), look)).gap(2).put(of, look.warning()).gap(2);
        } else {
            text.gap(indent);
        }
        text.put(line.clone(), Style::new());
        text
    };
    lines.iter().enumerate().map(line).collect()
}

fn title(view: &View, look: &Look) -> String {
    let [orders, alerts] = [Label::Orders, Label::Alerts].map(|label| look.word(label));
    format!("{orders}, {alerts} {}", number::count(view.totals.alerts + view.notes.count))
}

/// An alert in words.
pub fn told(setting: &Setting, alert: &Alert, look: &Look) -> Vec<Text> {
    let mut parts = vec![part(look.word(alert.kind), look.warning())];
    if alert.spread != SpreadIndex::ALL
        && let Some(spread) = setting.spreads.get(alert.spread.0 as usize)
    {
        parts.push(part(&spread.name, Style::new()));
    }
    let streams = setting.feeds.iter().chain(&setting.gateways);
    if let Some(stream) = streams.into_iter().find(|row| row.stream == alert.stream) {
        parts.push(part(&stream.name, Style::new()));
    }
    let value = match alert.kind {
        AlertKind::BrokenSpread | AlertKind::OrderUnknown | AlertKind::ImpossibleFill => {
            Some(format!("{} {}", number::signed(alert.value), look.word(Label::Lots)))
        }
        AlertKind::FeedGap => {
            Some(format!("{} {}", number::figure(alert.value), look.word(Label::Packets)))
        }
        AlertKind::CopiesDiffer | AlertKind::OrderDoubted => {
            Some(format!("{} {}", look.word(Label::Packets), number::figure(alert.value)))
        }
        AlertKind::ClockStep | AlertKind::ClockDrift => {
            Some(format!("{} ns", number::signed(alert.value)))
        }
        AlertKind::BookDiffers | AlertKind::FeedFrozen if alert.value != 0 => {
            Some(format!("#{}", alert.value))
        }
        AlertKind::OrderRejected => Some(format!("({})", alert.value)),
        _ => None,
    };
    parts.extend(value.map(|value| part(&value, Style::new())));
    parts
}

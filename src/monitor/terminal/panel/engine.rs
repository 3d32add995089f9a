//! The machine: tick to order, feeds with their two lines, sessions, rings, the journal.

use super::{fitted, labelled, part, rule};
use crate::monitor::number;
use crate::monitor::terminal::look::Look;
use crate::monitor::terminal::text::{Text, flow};
use crate::monitor::view::{FeedView, GatewayView, Journal, LineView, Ring, View};
use crate::monitor::words::Label;
use ratatui::style::Style;
use xmc_hotpath::message::SessionState;
use xmc_hotpath::time::Span;

/// Rings above this need a look.
const FULL_PCT: u8 = 50;
/// Cells of a stream's name.
const NAME: usize = 10;

/// The machine in `height` rows.
pub fn engine(view: &View, size: (usize, usize), look: &Look) -> Vec<Text> {
    let (cells, height) = size;
    let mut rows = vec![rule(look.word(Label::TickToOrder), look.title(), cells, look)];
    let mut body = vec![flow(latency(view, look), cells)];
    let feeds = view.setting.feeds.iter().zip(&view.feeds);
    body.extend(feeds.map(|(setting, row)| feed(&setting.name, row, cells, look)));
    let gateways = view.setting.gateways.iter().zip(&view.gateways);
    let gateways = gateways.map(|(setting, row)| gateway(&setting.name, row, look)).collect();
    let mut sessions = vec![part(look.word(Label::Sessions), look.label())];
    sessions.extend::<Vec<Text>>(gateways);
    let rings: Vec<_> = view.rings.iter().map(|row| ring(row, look)).collect();
    let journal = view.journal.map(|row| journal(&row, look)).unwrap_or_default();
    let taken = body.len() + 2 + usize::from(!rings.is_empty()) + 1;
    if taken <= height {
        body.push(flow(sessions, cells));
        if !rings.is_empty() {
            let mut parts = vec![part(look.word(Label::Rings), look.label())];
            parts.extend(rings);
            body.push(flow(parts, cells));
        }
        body.push(flow(journal, cells));
    } else {
        // What is most likely to need a look comes first: a line has room for so much.
        sessions.extend(rings);
        sessions.extend(journal);
        body.push(flow(sessions, cells));
    }
    rows.extend(fitted(body, height.saturating_sub(1), look));
    rows
}

fn latency(view: &View, look: &Look) -> Vec<Text> {
    let Some(figures) = view.latency else {
        return vec![part(look.word(Label::NoneYet), look.label())];
    };
    let shown = |name: &str, ns: u64| {
        let mut text = Text::new();
        text.put(name, look.label()).gap(1).put(number::span(Span(ns)), look.strong());
        text
    };
    vec![
        shown("p50", figures.p50),
        shown("p99", figures.p99),
        shown("p99.9", figures.p99_9),
        shown("max", figures.max),
        labelled(Label::Count, number::count(figures.count), Style::new(), look),
    ]
}

fn feed(name: &str, row: &FeedView, cells: usize, look: &Look) -> Text {
    let mut head = Text::new();
    head.left(name, NAME, Style::new());
    let state = if row.state.is_usable() { Style::new() } else { look.warning() };
    head.left(look.word(row.state), 11, state);
    let firsts = row.a.firsts + row.b.firsts;
    let count = |label, count: u64| {
        let style = if count > 0 { look.warning() } else { Style::new() };
        labelled(label, number::count(count), style, look)
    };
    let parts = vec![
        head,
        line("A", &row.a, firsts, look),
        line("B", &row.b, firsts, look),
        count(Label::Gaps, row.gaps),
    ];
    flow(parts, cells)
}

/// Packets, the part that it brought first, packets that it did not bring.
fn line(name: &str, row: &LineView, firsts: u64, look: &Look) -> Text {
    let mut text = Text::new();
    text.put(name, look.strong());
    text.number(&number::count(row.packets), 10, Style::new());
    text.gap(1).put(look.word(Label::First), look.label());
    text.number(&number::percent(row.firsts, firsts), 7, Style::new());
    if row.missing > 0 {
        text.gap(1).put(look.word(Label::Missing), look.label());
        text.gap(1).put(number::count(row.missing), look.warning());
    }
    text
}

fn gateway(name: &str, row: &GatewayView, look: &Look) -> Text {
    let mut text = Text::new();
    let state = if row.state == SessionState::Up { Style::new() } else { look.warning() };
    text.put(name, Style::new()).gap(1).put(look.word(row.state), state);
    text.gap(1).put(look.word(Label::Sent), look.label());
    text.gap(1).put(number::count(row.sent), Style::new());
    text.gap(1).put(look.word(Label::Read), look.label());
    text.gap(1).put(number::count(row.read), Style::new());
    text
}

fn ring(row: &Ring, look: &Look) -> Text {
    let style = if row.used_pct >= FULL_PCT { look.warning() } else { Style::new() };
    let mut text = Text::new();
    text.put(row.name.clone(), look.label()).gap(1).put(format!("{}%", row.used_pct), style);
    text.put(format!(" ({} {}%)", look.word(Label::Most), row.most_pct), look.label());
    text
}

fn journal(row: &Journal, look: &Look) -> Vec<Text> {
    let behind = if row.behind_bytes > 1_000_000 { look.warning() } else { Style::new() };
    let mut size = labelled(Label::Journal, number::bytes(row.bytes), Style::new(), look);
    size.gap(1)
        .put(format!("{} {}", number::count(row.records), look.word(Label::Records)), look.label());
    vec![
        size,
        labelled(Label::Behind, number::bytes(row.behind_bytes), behind, look),
        labelled(Label::Unsynced, number::bytes(row.unsynced_bytes), Style::new(), look),
    ]
}

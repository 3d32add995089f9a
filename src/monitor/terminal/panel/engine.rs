//! The machine: tick to order, feeds with their two lines, sessions, rings, the journal.

use super::{fitted, labelled, part, rule};
use crate::capital::Stage;
use crate::engine::capital::{AccountFigures, percent};
use crate::monitor::number;
use crate::monitor::terminal::look::Look;
use crate::monitor::terminal::text::{Text, flow, width};
use crate::monitor::view::{FeedView, GatewayView, Journal, LineView, Ring, View};
use crate::monitor::words::Label;
use ratatui::style::Style;
use xmc_hotpath::message::SessionState;
use xmc_hotpath::time::Span;

/// Rings above this need a look.
const FULL_PCT: u8 = 50;
/// Bytes that are not written yet from which on somebody should look.
const MUCH_BEHIND: u64 = 1_000_000;
/// Cells of a stream's name.
const NAME: usize = 6;

/// The machine in `height` rows.
pub fn engine(view: &View, size: (usize, usize), look: &Look) -> Vec<Text> {
    let (cells, height) = size;
    let mut rows = vec![rule(&latency(view, look), look.title(), cells, look)];
    let mut body = Vec::new();
    let feeds = view.setting.feeds.iter().zip(&view.feeds);
    let states = view.feeds.iter().map(|row| width(look.word(row.state))).max();
    let wide = (cells, states.unwrap_or(0));
    body.extend::<Vec<_>>(
        feeds.map(|(setting, row)| feed(&setting.name, row, wide, look)).collect(),
    );
    let gateways = view.setting.gateways.iter().zip(&view.gateways);
    let gateways = gateways.map(|(setting, row)| gateway(&setting.name, row, look)).collect();
    let mut sessions = vec![part(look.word(Label::Sessions), look.label())];
    sessions.extend::<Vec<Text>>(gateways);
    let rings: Vec<_> = view.rings.iter().map(|row| ring(row, look)).collect();
    let journal = view.journal.map(|row| journal(&row, look)).unwrap_or_default();
    let money: Vec<_> = view.capital.iter().flat_map(|figures| &figures.accounts).collect();
    if !money.is_empty() {
        let mut parts = vec![part(look.word(Label::Capital), look.label())];
        // Where there is no room for all, what is short stays.
        let is_short = money.iter().any(|row| row.stage != Stage::Normal);
        parts.extend(money.into_iter().map(|row| account(row, look)));
        body.insert(if is_short { 0 } else { body.len() }, flow(parts, cells));
    }
    let taken = body.len() + 3 + usize::from(!rings.is_empty());
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

/// Tick to order in one line: it is the title of the whole part.
fn latency(view: &View, look: &Look) -> String {
    let word = look.word(Label::TickToOrder);
    let Some(figures) = view.latency else {
        return format!("{word} {}", look.word(Label::NoneYet));
    };
    let [p50, p99, p99_9, max] =
        [figures.p50, figures.p99, figures.p99_9, figures.max].map(|ns| number::span(Span(ns)));
    let count = number::count(figures.count);
    format!("{word}  p50 {p50}  p99 {p99}  p99.9 {p99_9}  max {max}  ({count})")
}

/// A feed in so many cells, of which its state has some.
fn feed(name: &str, row: &FeedView, (cells, state_cells): (usize, usize), look: &Look) -> Text {
    let mut head = Text::new();
    head.left(name, NAME, Style::new()).gap(1);
    let state = if row.state.is_usable() { Style::new() } else { look.warning() };
    head.left(look.word(row.state), state_cells, state);
    let firsts = row.a.firsts + row.b.firsts;
    let count = |label, count: u64| {
        let style = if count > 0 { look.warning() } else { Style::new() };
        labelled(label, number::count(count), style, look)
    };
    let parts = vec![
        head,
        count(Label::Gaps, row.gaps),
        line("A", &row.a, firsts, look),
        line("B", &row.b, firsts, look),
    ];
    flow(parts, cells)
}

/// Packets, the part that it brought first, packets that it did not bring.
fn line(name: &str, row: &LineView, firsts: u64, look: &Look) -> Text {
    let mut text = Text::new();
    text.put(name, look.strong());
    text.gap(1).put(number::count(row.packets), Style::new());
    text.gap(1).put(look.word(Label::First), look.label());
    text.gap(1).put(number::percent(row.firsts, firsts), Style::new());
    if row.missing > 0 {
        text.gap(1).put(look.word(Label::Missing), look.label());
        text.gap(1).put(number::count(row.missing), look.warning());
    }
    if row.interface.is_cut() {
        text.gap(1).put(look.word(Label::Interface), look.label());
        text.gap(1).put(look.word(row.interface), look.warning());
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

/// How much of what an account has is used, and what that lets it do.
fn account(row: &AccountFigures, look: &Look) -> Text {
    let style = if row.stage == Stage::Normal { Style::new() } else { look.warning() };
    let used = row.utilisation.map_or("> 100%".to_owned(), |used| format!("{}%", percent(used)));
    let mut text = Text::new();
    text.put(row.account.clone(), Style::new()).gap(1).put(used, style);
    text.gap(1).put(look.word(row.stage), style);
    text
}

fn ring(row: &Ring, look: &Look) -> Text {
    let style = if row.used_pct >= FULL_PCT { look.warning() } else { Style::new() };
    let mut text = Text::new();
    text.put(row.name.clone(), look.label()).gap(1).put(format!("{}%", row.used_pct), style);
    text.put(format!(" ({} {}%)", look.word(Label::Most), row.most_pct), look.label());
    if row.is_late {
        text.gap(1).put(look.word(Label::RecordLate), look.warning());
    }
    text
}

fn journal(row: &Journal, look: &Look) -> Vec<Text> {
    let mut size = labelled(Label::Journal, number::bytes(row.bytes), Style::new(), look);
    let records = format!("{} {}", number::count(row.records), look.word(Label::Records));
    size.gap(1).put(records, look.label());
    let mut parts = vec![size];
    let rest = [(Label::Behind, row.behind_bytes), (Label::Unsynced, row.unsynced_bytes)];
    for (label, bytes) in rest {
        let Some(bytes) = bytes else {
            continue;
        };
        let style = if bytes > MUCH_BEHIND { look.warning() } else { Style::new() };
        parts.push(labelled(label, number::bytes(bytes), style, look));
    }
    for (label, after) in [(Label::Durable, row.durable_after), (Label::DiskAlone, row.disk_alone)]
    {
        if let Some(after) = after {
            parts.push(labelled(label, number::span(after), Style::new(), look));
        }
    }
    if let Some(records) = row.witnessed_records {
        let style = if row.has_witness_trouble { look.warning() } else { Style::new() };
        parts.push(labelled(Label::Witnessed, number::count(records), style, look));
    }
    parts
}

//! What was traded, what was held back, and what somebody should know.

use super::{fitted, labelled, part, rule};
use crate::monitor::gate::seen_and_limit;
use crate::monitor::number;
use crate::monitor::setting::Setting;
use crate::monitor::tally::Fill;
use crate::monitor::terminal::look::Look;
use crate::monitor::terminal::text::{Text, flow};
use crate::monitor::view::View;
use crate::monitor::words::Label;
use ratatui::style::Style;
use xmc_hotpath::message::{Alert, AlertKind, PositionEffect, Side, SpreadIndex};
use xmc_hotpath::time::{MonoNs, Span};

/// The last fills, the newest first.
pub fn fills(view: &View, size: (usize, usize), look: &Look) -> Vec<Text> {
    let (cells, height) = size;
    let mut rows = vec![rule(look.word(Label::Fills), look.title(), cells, look)];
    let shown = view.fills.iter().take(height.saturating_sub(1));
    rows.extend(shown.map(|fill| flow(fill_parts(&view.setting, view.now, fill, look), cells)));
    if view.fills.is_empty() {
        rows.push(part(look.word(Label::NoneYet), look.label()));
    }
    rows
}

fn fill_parts(setting: &Setting, now: MonoNs, fill: &Fill, look: &Look) -> Vec<Text> {
    let instrument = setting.instruments.get(fill.instrument.0 as usize);
    let name = instrument.map_or("?", |row| row.name.as_str());
    let side = if fill.side == Side::Buy { look.up() } else { look.down() };
    let mut what = Text::new();
    what.put(look.word(fill.side), side);
    if fill.effect != PositionEffect::Net {
        what.gap(usize::from(look.lang == crate::monitor::Lang::En));
        what.put(look.word(fill.effect), side);
    }
    let plain = || number::e9(fill.price_e9.into(), 4);
    let at = instrument.map_or_else(plain, |row| row.price(fill.price_e9));
    what.put(format!(" {} @ {at}", number::count(fill.lots.into())), look.strong());
    let mut when = Text::new();
    let age = number::span(coarse(now.since(fill.at)));
    when.number(&age, 7, look.label());
    let mut named = Text::new();
    named.left(name, 10, Style::new());
    vec![when, named, what]
}

/// Ages of lines that stay are not told to the nanosecond: they would only flicker.
fn coarse(span: Span) -> Span {
    const STEP: u64 = 100_000_000;
    Span(span.0 / STEP * STEP)
}

/// What gates held back, the busiest first, under the totals of all orders.
pub fn gates(view: &View, size: (usize, usize), look: &Look) -> Vec<Text> {
    let (cells, height) = size;
    let mut rows = vec![rule(look.word(Label::Refusals), look.title(), cells, look)];
    let gates = view.gates.iter().map(|row| {
        let mut text = Text::new();
        text.left(look.word(row.gate), 16, Style::new());
        text.number(&number::count(row.count), 8, look.strong());
        let last = seen_and_limit(&view.setting, &row.last, look.lang);
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
    let bad = |count: u64| if count > 0 { look.warning() } else { Style::new() };
    let count = |label, count: u64, style| labelled(label, number::count(count), style, look);
    let orders = vec![
        count(Label::Orders, totals.orders, Style::new()),
        count(Label::Fills, totals.fills, Style::new()),
        count(Label::Rejects, totals.rejects, bad(totals.rejects)),
        count(Label::Unknown, totals.unknown, bad(totals.unknown)),
        count(Label::Cancelled, totals.cancelled, Style::new()),
        count(Label::Live, view.live_orders as u64, Style::new()),
    ];
    rows.push(flow(orders, cells));
    if view.alerts.is_empty() {
        rows.push(part(look.word(Label::NoAlerts), look.label()));
    }
    let shown = view.alerts.iter().map(|(at, alert)| {
        let age = number::span(coarse(view.now.since(*at)));
        let mut when = Text::new();
        when.number(&age, 7, look.label());
        let mut parts = vec![when];
        parts.extend(told(&view.setting, alert, look));
        flow(parts, cells)
    });
    rows.extend(shown.take(height.saturating_sub(2)));
    rows
}

fn title(view: &View, look: &Look) -> String {
    let [orders, alerts] = [Label::Orders, Label::Alerts].map(|label| look.word(label));
    format!("{orders}, {alerts} {}", number::count(view.totals.alerts))
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
        AlertKind::OrderRejected => Some(format!("({})", alert.value)),
        _ => None,
    };
    parts.extend(value.map(|value| part(&value, Style::new())));
    parts
}

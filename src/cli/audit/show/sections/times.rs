//! What happened, step by step, against the packet that caused it.

use super::super::page::{Line, heading};
use super::{Page, offset, time_of};
use crate::monitor::number;
use crate::monitor::words::Worded;
use std::io::{self, Write};
use xmc_hotpath::message::{OrderAction, OrderCommand, OrderEvent, OrderEventKind};
use xmc_hotpath::record::frame::Kind;
use xmc_hotpath::time::MonoNs;

/// One step.
struct Step {
    /// When it happened here.
    at: MonoNs,
    /// Its place in the record, which orders what happened at once.
    place: (u64, u16),
    what: String,
    /// The venue's own time, where there is one.
    venue: String,
}

pub(super) fn write(page: &Page<'_>, out: &mut impl Write) -> io::Result<()> {
    let title = page.say("STEP BY STEP: since the packet that caused it", "经过: 自触发包起");
    writeln!(out, "{}", heading(4, title))?;
    let head = Line::indent(1)
        .right(page.say("since", "累计"), 11)
        .right(page.say("step", "本步"), 11)
        .left("", 1)
        .left(page.say("input", "输入"), 9)
        .then(page.say("what", "事件"))
        .at_edge(page.say("the venue's time", "交易所时间"));
    writeln!(out, "{}", head.end())?;
    let (origin, steps) = steps(page);
    let mut before = origin;
    for step in steps {
        let place = if step.place.0 == 0 { String::new() } else { number::count(step.place.0) };
        let line = Line::indent(1)
            .right(&offset(origin, step.at), 11)
            .right(&offset(before, step.at), 11)
            .left("", 1)
            .left(&place, 9)
            .then(&step.what)
            .at_edge(&step.venue);
        writeln!(out, "{}", line.end())?;
        before = step.at;
    }
    Ok(())
}

/// The moment of the packet that caused it, and what happened since, in order.
fn steps(page: &Page<'_>) -> (MonoNs, Vec<Step>) {
    let story = page.story;
    let mut steps = Vec::new();
    // The newest packet of a leg is what caused it: tick-to-order time starts there.
    let quotes = story.legs.iter().filter_map(|leg| Some((leg, leg.quote?)));
    let newest = quotes.max_by_key(|(_, told)| told.what.received);
    let origin = newest.map_or(story.cause.now, |(_, told)| told.what.received);
    if let Some((leg, told)) = newest {
        let (name, feed) = (page.leg_name(leg), page.labels.stream(told.what.stream));
        let packet = number::count(told.what.packet_seq_no.into());
        let [en, zh] = [
            format!("packet {packet} of {feed} received: {name}"),
            format!("收到 {feed} 第 {packet} 包: {name}"),
        ];
        let venue = time_of(told.what.exchange.0);
        let what = page.say(&en, &zh).to_owned();
        steps.push(Step { at: told.what.received, place: (0, 0), what, venue });
    }
    steps.push(decided(page));
    for order in &story.orders {
        for sent in std::iter::once(&order.sent).chain(&order.later) {
            let what = command(page, &sent.what);
            steps.push(Step { at: sent.now, place: sent.place, what, venue: String::new() });
        }
        for told in &order.news {
            let waited = told.now.since(told.what.received);
            let mut what = event(page, &order.sent.what, &told.what);
            if waited.0 > 0 {
                let read = page.say("read", "处理于");
                what.push_str(&format!(" ({read} +{})", number::span(waited)));
            }
            let venue = time_of(told.what.exchange.0);
            steps.push(Step { at: told.what.received, place: told.place, what, venue });
        }
    }
    if let Some(told) = story.ending {
        let what = page.say("the fire has ended", "本次触发了结").to_owned();
        steps.push(Step { at: told.now, place: told.place, what, venue: String::new() });
    }
    steps.sort_by_key(|step| (step.at, step.place));
    (origin, steps)
}

fn decided(page: &Page<'_>) -> Step {
    let cause = &page.story.cause;
    let why = match cause.what {
        Kind::Quote => page.say("a quote", "行情"),
        Kind::Tick => page.say("time", "定时"),
        Kind::OrderEvent => page.say("news of an order", "回报"),
        kind => kind.word(),
    };
    let what = format!("{} {why}", page.say("decided, on", "决策, 起因:"));
    Step { at: cause.now, place: cause.place, what, venue: String::new() }
}

fn command(page: &Page<'_>, order: &OrderCommand) -> String {
    let name = page.labels.instrument(order.instrument);
    let gateway = page.labels.gateway(order.gateway.0);
    let id = format!("{:#018x}", order.order_id.0);
    let what = match order.action {
        OrderAction::New => {
            let price = page.labels.price(order.instrument, order.price_e9);
            let side = order.side.word_in(page.lang);
            let effect = match order.effect.word_in(page.lang) {
                "" => String::new(),
                effect => format!(" {effect}"),
            };
            let (lots, life) = (order.qty_lots, order.time_in_force.word());
            format!("{side}{effect} {lots} {name} @ {price} {life}")
        }
        OrderAction::Cancel => format!("{} {name}", page.say("cancel", "撤单")),
        OrderAction::Replace => format!("{} {name}", page.say("replace", "改单")),
        OrderAction::Status => format!("{} {name}", page.say("ask for", "查单")),
    };
    format!("{what} -> {gateway}  {id}")
}

fn event(page: &Page<'_>, order: &OrderCommand, event: &OrderEvent) -> String {
    let name = page.labels.instrument(order.instrument);
    let what = match event.kind {
        OrderEventKind::Accepted => page.say("accepted", "已报"),
        OrderEventKind::Filled => page.say("filled", "成交"),
        OrderEventKind::Cancelled => page.say("ended", "已撤"),
        OrderEventKind::Rejected => page.say("REJECTED", "拒单"),
        OrderEventKind::CancelRejected => page.say("cancel rejected", "撤单被拒"),
        OrderEventKind::CancelNotSent => page.say("CANCEL NOT SENT", "撤单未发出"),
        OrderEventKind::Replaced => page.say("replaced", "已改"),
        OrderEventKind::ReplaceRejected => page.say("replace rejected", "改单被拒"),
        OrderEventKind::NotSent => page.say("NOT SENT", "未发出"),
        OrderEventKind::Unknown => page.say("UNKNOWN", "未知"),
        OrderEventKind::Busted => page.say("TAKEN BACK", "成交被撤销"),
        OrderEventKind::Corrected => page.say("CORRECTED", "成交被更正"),
    };
    match event.kind {
        OrderEventKind::Filled | OrderEventKind::Busted => {
            let price = page.labels.price(order.instrument, event.price_e9);
            format!("  {name} {what} {} @ {price}", event.qty_lots)
        }
        OrderEventKind::Accepted if event.venue_order_id != 0 => {
            let number = page.say("venue's number", "交易所编号");
            format!("  {name} {what}, {number} {}", event.venue_order_id)
        }
        _ if event.reason != 0 => {
            format!("  {name} {what}, {} {}", page.say("reason", "原因"), event.reason)
        }
        _ => format!("  {name} {what}"),
    }
}

//! What a fire came to: fills against the plan, leg by leg, and what repair would have cost.

use super::super::page::{Line, heading};
use super::Page;
use crate::audit::story::{Action, Filled, Leg, Told};
use crate::monitor::number;
use crate::monitor::words::{Lang, Worded};
use std::io::{self, Write};
use xmc_hotpath::execute::residual_lots;
use xmc_hotpath::message::{Ending, Follow, Internal, Obstacle, Quote, Repair, RepairWay, Side};
use xmc_hotpath::price::{NO_ASK_E9, NO_BID_E9};

pub(super) fn write(page: &Page<'_>, out: &mut impl Write) -> io::Result<()> {
    let story = page.story;
    if story.orders.is_empty() {
        return Ok(());
    }
    writeln!(out, "{}", heading(5, page.say("WHAT CAME OF IT", "结果")))?;
    let line = Line::indent(1)
        .left(page.say("leg", "腿"), 9)
        .left("", 6)
        .right(page.say("asked", "委托"), 8)
        .right(page.say("filled", "成交"), 8)
        .right(page.say("planned", "计划价"), 15)
        .right(page.say("got", "成交均价"), 15)
        .right(page.say("better by", "优于计划"), 14)
        .right(page.say("in money", "金额"), 23);
    writeln!(out, "{}", line.end())?;
    let planned = story.trigger.map(|trigger| trigger.prices_e9).unwrap_or_default();
    for ((leg, filled), planned_e9) in story.legs.iter().zip(story.filled()).zip(planned) {
        if let Some(side) = filled.side {
            row(page, leg, &filled, side, planned_e9, out)?;
        }
    }
    if let (Some(got), Some(trigger)) = (story.achieved(), story.trigger) {
        let value = |value_e9| page.labels.value(story.spec.spread, value_e9);
        let line = Line::indent(1)
            .left(page.say("value", "点差"), 31)
            .right(&value(trigger.value_e9), 15)
            .right(&value(got.value_e9), 15)
            .right(&number::signed_e9(got.better_e9.into(), 4), 14)
            .right(&page.labels.unit(story.spec.spread), 23);
        writeln!(out, "{}", line.end())?;
    }
    for told in &story.follows {
        followed(page, told, out)?;
    }
    for told in &story.repairs {
        repaired(page, told, out)?;
    }
    for told in &story.internals {
        met_inside(page, told, out)?;
    }
    for told in &story.rulings {
        page.ruled(told, out)?;
    }
    if let Some(told) = story.ending {
        ending(page, &told.what, out)?;
    }
    for told in &story.alerts {
        let (label, kind) = (page.say("alert", "告警"), told.what.kind.word_in(page.lang));
        let line = format!("{label}: {kind} ({})", told.what.value);
        writeln!(out, "{}", Line::indent(1).then(&line).at_edge(&page.date(told.now)).end())?;
    }
    for told in &story.actions {
        let Action { command, second } = told.what;
        let mut who = page.labels.operator(command.operator);
        if second != 0 {
            let and = page.say(" and ", "、");
            who = format!("{who}{and}{}", page.labels.operator(second));
        }
        let (label, kind) = (page.say("operator", "操作员"), command.kind.word());
        let line = format!("{label}: {kind} {} ({who})", page.labels.scope(command.scope));
        writeln!(out, "{}", Line::indent(1).then(&line).at_edge(&page.date(told.now)).end())?;
    }
    for told in &story.states {
        let [from, to] = [told.what.from, told.what.to].map(|state| state.word_in(page.lang));
        let line = format!("{}: {from} -> {to}", page.say("state", "状态"));
        writeln!(out, "{}", Line::indent(1).then(&line).at_edge(&page.date(told.now)).end())?;
    }
    Ok(())
}

fn row(
    page: &Page<'_>,
    leg: &Leg,
    filled: &Filled,
    side: Side,
    planned_e9: i64,
    out: &mut impl Write,
) -> io::Result<()> {
    let index = leg.spec.instrument;
    let shown = |price_e9| page.labels.price(index, price_e9);
    let better = filled.better_e9(planned_e9);
    let multiplier = leg.contract.map_or(0, |contract| contract.multiplier_e9);
    let money_e9 = better * i128::from(multiplier) / 1_000_000_000;
    let each = better.checked_div(i128::from(filled.lots)).unwrap_or(0);
    let money = format!("{} {}", number::signed_e9(money_e9, 2), page.labels.currency(index));
    let line = Line::indent(1)
        .left(&page.leg_name(leg), 9)
        .left(side.word_in(page.lang), 6)
        .right(&number::count(filled.asked_lots), 8)
        .right(&number::count(filled.lots), 8)
        .right(&shown(planned_e9), 15)
        .right(&filled.average_e9().map_or("-".to_owned(), shown), 15)
        .right(&number::signed_e9(each, 4), 14)
        .right(&money, 23);
    writeln!(out, "{}", line.end())
}

/// Legs that wait for the one that leads: for which, what came of it, and the gate if one holds
/// them back.
fn followed(page: &Page<'_>, told: &Told<Follow>, out: &mut impl Write) -> io::Result<()> {
    let Told { now, what: follow, .. } = told;
    let lead = usize::from(follow.lead);
    let legs = page.story.legs.iter().enumerate();
    let waiting = legs.filter(|(number, leg)| *number != lead && leg.spec.ratio_lots != 0);
    let lots = waiting.map(|(_, leg)| {
        let lots = u64::from(leg.spec.ratio_lots.unsigned_abs()) * u64::from(follow.units);
        format!("{} {lots}", page.leg_name(leg))
    });
    let lots = lots.collect::<Vec<_>>().join(", ");
    let leader = page.story.legs.get(lead).map_or(String::new(), |leg| page.leg_name(leg));
    let filled = follow.lead_lots;
    let text = match page.lang {
        Lang::En => format!("{lots} for {leader}, filled {filled}"),
        Lang::Zh => format!("{lots} 跟随 {leader}, 已成交 {filled}"),
    };
    let held_by = match follow.obstacle {
        Obstacle::Nothing => "",
        Obstacle::Gate => follow.gate.word_in(page.lang),
        other => other.word_in(page.lang),
    };
    let line = Line::indent(1).left(follow.step.word_in(page.lang), 20).left(&text, 40);
    let line = line.then(held_by);
    writeln!(out, "{}", line.at_edge(&page.date(*now)).end())
}

/// One look at what was out of ratio: the way that was taken, and what both would have cost.
fn repaired(page: &Page<'_>, told: &Told<Repair>, out: &mut impl Write) -> io::Result<()> {
    let Told { now, what: repair, .. } = told;
    let taken = repair.way.word_in(page.lang);
    let attempt = match (page.lang, repair.way) {
        (_, RepairWay::Neither) => taken.to_owned(),
        (Lang::En, _) => format!("repair {}: {taken}", repair.attempt),
        (Lang::Zh, _) => format!("修复 {}: {taken}", repair.attempt),
    };
    let open = format!("{} {}", page.say("open for", "敞口历时"), number::span(repair.open_for));
    let line = Line::indent(1).left(&attempt, 31).left(&open, 25);
    writeln!(out, "{}", line.at_edge(&page.date(*now)).end())?;
    for (label, way) in [
        (page.say("complete", "补单"), &repair.complete),
        (page.say("trade back", "回退"), &repair.unwind),
    ] {
        let cost = match way.cost_e9 {
            i64::MAX => "-".to_owned(),
            cost_e9 => number::e9(cost_e9.into(), 2),
        };
        let gate = if way.obstacle == Obstacle::Gate { way.gate.word_in(page.lang) } else { "" };
        let line = Line::indent(3).left(label, 12).right(&cost, 20).then("  ");
        let line = line.left(way.obstacle.word_in(page.lang), 17).then(gate);
        writeln!(out, "{}", line.end())?;
    }
    Ok(())
}

/// What another pair's need met, at which price, and the fees that were not paid.
fn met_inside(page: &Page<'_>, told: &Told<Internal>, out: &mut impl Write) -> io::Result<()> {
    let Told { now, what: met, .. } = told;
    let is_buy = met.buy.spread == page.story.spec.spread;
    let (own, other) = if is_buy { (&met.buy, &met.sell) } else { (&met.sell, &met.buy) };
    let side = if is_buy { Side::Buy } else { Side::Sell };
    let leg = page.story.legs.get(usize::from(own.leg));
    let leg = leg.map_or(String::new(), |leg| page.leg_name(leg));
    let what = page.say("met inside", "内部撮合");
    let text = format!(
        "{leg} {} {} @ {} ({})",
        side.word_in(page.lang),
        met.lots,
        page.labels.price(met.instrument, met.price_e9),
        page.labels.spread(other.spread)
    );
    let saved = match own.saved_e9 {
        i64::MAX => "-".to_owned(),
        saved_e9 => number::e9(saved_e9.into(), 2),
    };
    let fees = page.say("fees saved", "节省手续费");
    let line = Line::indent(1).left(what, 20).left(&text, 40).then(&format!("{fees} {saved}"));
    writeln!(out, "{}", line.at_edge(&page.date(*now)).end())
}

fn ending(page: &Page<'_>, ending: &Ending, out: &mut impl Write) -> io::Result<()> {
    let (done, units, took) = (ending.done_units, ending.units, number::span(ending.took));
    match (page.lang, ending.is_aligned) {
        (Lang::En, true) => {
            return writeln!(out, " ended in ratio: {done} of {units} units, in {took}");
        }
        (Lang::Zh, true) => return writeln!(out, " 比例一致: {done}/{units} 份, 历时 {took}"),
        (Lang::En, false) => writeln!(
            out,
            " ENDED OUT OF RATIO: {done} of {units} units whole, in {took}. Repair at that moment:"
        )?,
        (Lang::Zh, false) => {
            writeln!(out, " 比例不齐: 完整 {done}/{units} 份, 历时 {took}。当时修复的代价:")?;
        }
    }
    let over = residual_lots(&page.story.spec.legs, ending);
    let legs = page.story.legs.iter().zip(&page.story.books_at_end).zip(over).zip(0..);
    for (((leg, book), over), number) in legs {
        if let Some(book) = book {
            repair(page, leg, number, over, book, out)?;
        }
    }
    Ok(())
}

/// What it would have cost to trade back the lots beyond whole units, and to get what misses of the
/// units that were asked for, at the best prices when the fire ended.
fn repair(
    page: &Page<'_>,
    leg: &Leg,
    number: usize,
    over: i64,
    book: &Quote,
    out: &mut impl Write,
) -> io::Result<()> {
    let filled = page.story.filled()[number];
    let (bid_e9, ask_e9) = (book.bids.best_e9(), book.asks.best_e9());
    let (Some(side), Some(contract)) = (filled.side, leg.contract) else { return Ok(()) };
    if bid_e9 == NO_BID_E9 || ask_e9 == NO_ASK_E9 {
        return Ok(());
    }
    let [bid, ask] = [bid_e9, ask_e9].map(i128::from);
    let planned = page.story.trigger.map_or(0, |trigger| trigger.prices_e9[number]);
    let got = i128::from(filled.average_e9().unwrap_or(planned));
    let planned = i128::from(planned);
    let (back, more) = match side {
        Side::Buy => (got - bid, ask - planned),
        Side::Sell => (ask - got, planned - bid),
    };
    let money = |per_lot: i128, lots: u64| {
        let e9 = per_lot * i128::from(lots) * i128::from(contract.multiplier_e9) / 1_000_000_000;
        format!("{} {}", number::e9(e9, 2), page.labels.currency(leg.spec.instrument))
    };
    let missing = filled.asked_lots.saturating_sub(filled.lots);
    let lots = |lots: u64| format!("{lots} {}", page.say("lots", "手"));
    let line = Line::indent(3)
        .left(&page.leg_name(leg), 9)
        .left(page.say("trade back", "回滚"), 11)
        .right(&lots(over.unsigned_abs()), 9)
        .right(&money(back, over.unsigned_abs()), 22)
        .then("   ")
        .left(page.say("complete", "补齐"), 10)
        .right(&lots(missing), 9)
        .right(&money(more, missing), 22);
    writeln!(out, "{}", line.end())
}

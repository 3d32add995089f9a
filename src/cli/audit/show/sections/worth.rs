//! The formula with the prices of the decision, term by term, and the level that it met.

use super::super::page::{CELLS, Line, heading};
use super::Page;
use crate::cli::explain::{Explanation, LegFigures};
use crate::monitor::number;
use crate::monitor::terminal::width;
use crate::monitor::words::{Lang, Worded};
use std::io::{self, Write};
use xmc_hotpath::message::{Measure, SpreadSpec};
use xmc_hotpath::price;
use xmc_hotpath::spread::{Trigger, takes_asks};

pub(super) fn write(page: &Page<'_>, out: &mut impl Write) -> io::Result<()> {
    let title = page.say("WORTH: the formula with these prices", "点差: 公式代入上述价格");
    writeln!(out, "{}", heading(2, title))?;
    let story = page.story;
    let Some(trigger) = &story.trigger else {
        let none = page.say("not known: see below", "未知: 见下");
        return writeln!(out, " {none}");
    };
    let spread = story.spec.spread.0 as usize;
    let configuration = page.labels.configuration.as_ref();
    let explained = configuration
        .filter(|configuration| spread < configuration.spreads.len())
        .map(|configuration| Explanation::of(configuration, spread));
    for ((leg, price_e9), row) in story.legs.iter().zip(trigger.prices_e9).zip(0..) {
        let coefficient = leg.spec.coefficient_q32;
        let weight_e9 = (i128::from(coefficient) * 1_000_000_000) >> 32;
        let part_e9 = price::weighted(price_e9, coefficient) >> 32;
        let takes = match takes_asks(&leg.spec, trigger.intent.is_buy()) {
            true => page.say("at the ask", "按卖价"),
            false => page.say("at the bid", "按买价"),
        };
        let line = Line::indent(1)
            .left(&page.leg_name(leg), 9)
            .left(takes, 13)
            .right(&page.labels.price(leg.spec.instrument, price_e9), 14)
            .then(" x ")
            .right(&number::signed_e9(weight_e9, 9), 24)
            .then(" = ")
            .right(&number::signed_e9(part_e9, 6), 24);
        writeln!(out, "{}", line.end())?;
        let explained = explained.as_ref().and_then(|of| of.legs.get(row));
        for line in explained.map_or(Vec::new(), |leg| terms(leg, page.lang)) {
            writeln!(out, "          {line}")?;
        }
    }
    let constant = number::signed_e9(story.spec.constant_e9.into(), 6);
    let name = page.say("constant", "常数项");
    writeln!(out, "{}", Line::indent(1).left(name, 66).right(&constant, 24).end())?;
    if story.spec.trigger.is_after_fees {
        let fees = number::signed_e9(fees_e9(&story.spec, trigger), 6);
        let name = page.say("fees of trading it", "手续费");
        writeln!(out, "{}", Line::indent(1).left(name, 66).right(&fees, 24).end())?;
    }
    level(page, trigger, out)
}

/// What fees add to the value, or take off it.
fn fees_e9(spec: &SpreadSpec, trigger: &Trigger) -> i128 {
    let legs = spec.trigger.fee_q32.iter().zip(trigger.prices_e9);
    let by_value: i128 = legs.map(|(fee_q32, at)| price::weighted(at, *fee_q32).abs() >> 32).sum();
    let fees = by_value + i128::from(spec.trigger.fee_e9);
    if trigger.intent.is_buy() { fees } else { -fees }
}

fn level(page: &Page<'_>, trigger: &Trigger, out: &mut impl Write) -> io::Result<()> {
    let story = page.story;
    let (index, unit) = (story.spec.spread, page.labels.unit(story.spec.spread));
    let value = number::signed_e9(trigger.value_e9.into(), 6);
    let name = match story.spec.trigger.measure {
        Measure::Difference => format!("{} [{unit}]", page.labels.spread(index)),
        Measure::Ratio => {
            let ratio = page.say("all + over all -", "比值: 各加项之和 / 各减项之和");
            format!("{} [{ratio}]", page.labels.spread(index))
        }
    };
    writeln!(out, "{}", Line::indent(1).left(&name, 64).then("= ").right(&value, 24).end())?;
    let beyond = i128::from(trigger.value_e9) - i128::from(trigger.level_e9);
    let is_buy = trigger.intent.is_buy();
    let by = price::saturate(if is_buy { -beyond } else { beyond });
    let [level, by] = [trigger.level_e9, by].map(|value_e9| page.labels.value(index, value_e9));
    let intent = trigger.intent.word_in(page.lang);
    let text = match (page.lang, is_buy) {
        (Lang::En, true) => format!("{intent} at or below {level}: met, with {by} to spare"),
        (Lang::En, false) => format!("{intent} at or above {level}: met, with {by} to spare"),
        (Lang::Zh, true) => format!("{intent}: 不高于 {level}, 已满足, 余 {by}"),
        (Lang::Zh, false) => format!("{intent}: 不低于 {level}, 已满足, 余 {by}"),
    };
    let held = story.position_units.unwrap_or(0);
    let held = format!("{} {held:+}", page.say("units held before:", "此前净仓(份):"));
    writeln!(out, "{}", Line::indent(1).then(&text).at_edge(&held).end())
}

/// The named factors of a leg's weight, in lines that fit.
fn terms(leg: &LegFigures, lang: Lang) -> Vec<String> {
    let words = leg.terms.iter().map(|term| {
        let sign = if term.divides { "/" } else { "x" };
        let name = match (lang, &term.name_zh) {
            (Lang::Zh, Some(name)) => name,
            _ => &term.name,
        };
        let reference = match (&term.price_of, lang) {
            (Some(other), Lang::En) => format!(" (reference of {other})"),
            (Some(other), Lang::Zh) => format!(" ({other} 参考价)"),
            (None, _) => String::new(),
        };
        format!("{sign} {} {name}{reference}", term.number)
    });
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        match lines.last_mut() {
            Some(line) if width(line) + 3 + width(&word) <= CELLS - 12 => {
                line.push_str("   ");
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}

//! Every gate with what it saw and what it allows: the spread's and the desk's, then leg by leg,
//! then accounts and gateways.

use super::super::page::{CELLS, Line, heading};
use super::Page;
use crate::monitor::gate::{figure, is_late_record};
use crate::monitor::words::{Lang, Worded};
use crate::rule::expression;
use std::io::{self, Write};
use xmc_hotpath::desk::gates::{Bound, Of, Reading};
use xmc_hotpath::message::{ChannelState, Gate, QuoteQuality, SafeState, SessionState};

/// Cells of the name of a gate, and at most of one that looks at a column.
const NAME: usize = 19;
const COLUMN: usize = 26;

pub(super) fn write(page: &Page<'_>, out: &mut impl Write) -> io::Result<()> {
    let readings = &page.story.readings;
    let closed = readings.iter().filter(|reading| !reading.is_open).count();
    let open = readings.len() - closed;
    let title = match page.lang {
        Lang::En => format!("GATES: {open} open, {closed} closed (saw, and what is allowed)"),
        Lang::Zh => format!("风控: 通过 {open}, 拦截 {closed} (实测与限额)"),
    };
    writeln!(out, "{}", heading(3, &title))?;
    if readings.is_empty() {
        return writeln!(out, " -");
    }
    let mut whole: Vec<&Reading> = readings.iter().filter(|one| one.of == Of::Spread).collect();
    whole.extend(readings.iter().filter(|one| is_of_desk(one)));
    for pair in whole.chunks(2) {
        let mut line = Line::indent(1);
        for reading in pair {
            let name = reading.gate.word_in(page.lang);
            line = line.left(name, NAME).left(&cell(page, reading), 30);
        }
        writeln!(out, "{}", line.end())?;
    }
    let legs: Vec<Of> = (0_u8..).take(page.story.legs.len()).map(Of::Leg).collect();
    table(page, &legs, out)?;
    let mut others = vec![Of::Account, Of::Desk];
    for reading in readings {
        if matches!(reading.of, Of::Gateway(_)) && !others.contains(&reading.of) {
            others.push(reading.of);
        }
    }
    table(page, &others, out)?;
    rules(page, out)
}

/// Every rule that can hold the trigger back, with its expression.
fn rules(page: &Page<'_>, out: &mut impl Write) -> io::Result<()> {
    let names = page.story.leg_names(page.labels);
    for reading in &page.story.readings {
        let Of::Rule(place) = reading.of else { continue };
        let label = page.say("rule", "规则");
        let text = page.story.rule(place).map_or(String::new(), |rule| expression(rule, &names));
        let name = format!("{label} `{}`", page.rule_name(place));
        let line = Line::indent(1).left(&name, COLUMN).then(&marked(text, reading.is_open));
        writeln!(out, "{}", line.end())?;
    }
    if page.story.orders.is_empty() {
        for told in &page.story.rulings {
            page.ruled(told, out)?;
        }
    }
    Ok(())
}

/// What is the desk's alone, and not its accounts' too.
fn is_of_desk(reading: &Reading) -> bool {
    let alone = [Gate::SafeState, Gate::RecordRoom, Gate::Arena];
    reading.of == Of::Desk && alone.contains(&reading.gate)
}

/// A row for each gate that looks at one of the `columns`.
fn table(page: &Page<'_>, columns: &[Of], out: &mut impl Write) -> io::Result<()> {
    let readings = &page.story.readings;
    let cells = COLUMN.min((CELLS - NAME - 1) / columns.len().max(1));
    let mut head = Line::indent(1).left("", NAME);
    for of in columns {
        head = head.left(&subject(page, *of), cells);
    }
    writeln!(out, "\n{}", head.end())?;
    let mut gates: Vec<Gate> = Vec::new();
    for reading in readings {
        let is_here = columns.contains(&reading.of) && !is_of_desk(reading);
        if is_here && !gates.contains(&reading.gate) {
            gates.push(reading.gate);
        }
    }
    // A limit that nobody has set is not shown.
    let is_set = |one: &Reading| !(one.gate == Gate::CollarFraction && one.limit == i64::MAX);
    gates.retain(|gate| readings.iter().any(|one| one.gate == *gate && is_set(one)));
    for gate in gates {
        let mut line = Line::indent(1).left(gate.word_in(page.lang), NAME);
        for of in columns {
            let found = readings.iter().filter(|one| one.gate == gate && one.of == *of);
            let text = match found.collect::<Vec<_>>().as_slice() {
                [] => String::new(),
                [one] => cell(page, one),
                // A band has a reading for each of its ends.
                [low, high, ..] => band(page, low, high),
            };
            line = line.left(&text, cells);
        }
        writeln!(out, "{}", line.end())?;
    }
    Ok(())
}

fn subject(page: &Page<'_>, of: Of) -> String {
    match of {
        Of::Leg(leg) => {
            let leg = page.story.legs.get(usize::from(leg));
            leg.map_or(String::new(), |leg| page.leg_name(leg))
        }
        Of::Account => page.labels.account(page.story.spec.account),
        Of::Desk => page.say("whole desk", "全部账户").to_owned(),
        Of::Gateway(place) => {
            format!("{} {}", page.say("gateway", "柜台"), page.labels.gateway(place))
        }
        Of::Spread => String::new(),
        Of::Rule(place) => page.rule_name(place),
    }
}

/// `12 <= 20`, and a mark if that holds it back.
fn cell(page: &Page<'_>, reading: &Reading) -> String {
    let [seen, limit] = [reading.seen, reading.limit].map(|figure| value(page, reading, figure));
    let is_state = is_state(reading.gate);
    let is_first = matches!(reading.gate, Gate::CoolDown | Gate::Hours) && reading.seen == i64::MAX;
    let text = if reading.bound == Bound::Exactly || is_state || is_first || limit.is_empty() {
        seen
    } else if reading.gate == Gate::Hysteresis && reading.is_open {
        limit
    } else {
        let sign = match (reading.bound, reading.is_open) {
            (Bound::Least, true) => ">=",
            (Bound::Least, false) => "<",
            (_, true) => "<=",
            (_, false) => ">",
        };
        format!("{seen} {sign} {limit}")
    };
    marked(text, reading.is_open)
}

fn marked(text: String, is_open: bool) -> String {
    if is_open { text } else { format!("{text}  <== !") }
}

/// Whether a gate's figures are only yes and no.
const fn is_state(gate: Gate) -> bool {
    matches!(
        gate,
        Gate::Disabled
            | Gate::Halted
            | Gate::InFlight
            | Gate::Doubt
            | Gate::Reducing
            | Gate::UserRule
    )
}

fn band(page: &Page<'_>, low: &Reading, high: &Reading) -> String {
    let [least, most] = [low.limit, high.limit].map(|price_e9| value(page, low, price_e9));
    marked(format!("{least} .. {most}"), low.is_open && high.is_open)
}

fn value(page: &Page<'_>, reading: &Reading, value: i64) -> String {
    let lang = page.lang;
    let code = u8::try_from(value).unwrap_or(u8::MAX);
    match reading.gate {
        Gate::SafeState => SafeState::from_code(code).map_or("", |of| of.word_in(lang)).to_owned(),
        Gate::ChannelState => {
            ChannelState::from_code(code).map_or("", |of| of.word_in(lang)).to_owned()
        }
        Gate::QuoteQuality => {
            QuoteQuality::from_code(code).map_or("", |of| of.word_in(lang)).to_owned()
        }
        Gate::SessionState => {
            SessionState::from_code(code).map_or("", |of| of.word_in(lang)).to_owned()
        }
        Gate::Instrument if value == 0 => page.say("NOT TRADED", "不可交易").to_owned(),
        Gate::Instrument => page.say("traded", "可交易").to_owned(),
        gate if is_state(gate) && value == 0 => page.say("no", "否").to_owned(),
        gate if is_state(gate) => page.say("YES", "是").to_owned(),
        Gate::Hours if value == i64::MAX => page.say("no hours told", "未设时段").to_owned(),
        Gate::CoolDown if value == i64::MAX => page.say("first fire", "首次触发").to_owned(),
        Gate::Hysteresis if value == i64::MIN => page.say("armed", "可触发").to_owned(),
        Gate::Collar | Gate::CollarFraction if value == i64::MAX => String::new(),
        Gate::CollarFraction if value == reading.seen => price(page, reading, value),
        gate if is_late_record(gate, value) => page.say("record late", "落盘迟滞").to_owned(),
        gate => {
            let spread = page.story.spec.spread.0 as usize;
            let setting = page.labels.setting.as_ref();
            let digits = setting.and_then(|of| of.spreads.get(spread)).map_or(4, |row| row.digits);
            let row = match reading.of {
                Of::Leg(leg) => page.story.legs.get(usize::from(leg)),
                _ => None,
            };
            let row = row.map(|leg| leg.spec.instrument.0 as usize);
            let instrument = setting.zip(row).and_then(|(of, row)| of.instruments.get(row));
            figure(gate, value, instrument, digits).unwrap_or_else(|| value.to_string())
        }
    }
}

fn price(page: &Page<'_>, reading: &Reading, price_e9: i64) -> String {
    let Of::Leg(leg) = reading.of else { return String::new() };
    let leg = page.story.legs.get(usize::from(leg));
    leg.map_or(String::new(), |leg| page.labels.price(leg.spec.instrument, price_e9))
}

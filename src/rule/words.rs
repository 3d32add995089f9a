//! Steps as text again, and what a ruling says: for whoever reads a record, which has the rule as
//! the desk was told it.

use xmc_hotpath::message::{Figure, RuleOp, RuleStand, RuleStep, Ruling, UserRule};

use super::Unit;
use super::parse::TIMES;
use crate::config::decimal::show_e9;
use crate::monitor::words::Lang;

/// What the legs of a spread are called, in their order.
pub type Legs<'l> = &'l [String];

/// A part of an expression as it is built up from its steps.
#[derive(Clone, Debug)]
struct Part {
    text: String,
    /// How it binds: what binds less than what it stands in has brackets.
    binds: u8,
    unit: Unit,
    /// A number that nothing has given a unit yet.
    bare: Option<i64>,
}

impl Part {
    fn with(&self, unit: Unit) -> String {
        self.bare.map_or_else(|| self.text.clone(), |number| figure(number, unit))
    }

    fn inside(&self, unit: Unit, least: u8) -> String {
        let text = self.with(unit);
        if self.binds < least { format!("({text})") } else { text }
    }
}

const ATOM: u8 = 7;

/// How a sign binds.
const fn binding(op: RuleOp) -> u8 {
    match op {
        RuleOp::Or => 0,
        RuleOp::And => 1,
        RuleOp::Not => 2,
        RuleOp::Less
        | RuleOp::AtMost
        | RuleOp::More
        | RuleOp::AtLeast
        | RuleOp::Equal
        | RuleOp::Differs => 3,
        RuleOp::Add | RuleOp::Subtract => 4,
        RuleOp::Multiply => 5,
        RuleOp::Negate => 6,
        RuleOp::Nothing
        | RuleOp::Number
        | RuleOp::Figure
        | RuleOp::Abs
        | RuleOp::Min
        | RuleOp::Max => ATOM,
    }
}

/// A number in its unit: `0.5`, `200 ms`, `09:30`, `3`.
#[must_use]
pub fn figure(number: i64, unit: Unit) -> String {
    match unit {
        Unit::Points | Unit::Price(_) | Unit::Money => show_e9(number),
        Unit::Time => {
            let fits = |(_, ns): &&(&str, i64)| number % ns == 0;
            let (unit, ns) = TIMES.iter().rev().find(fits).unwrap_or(&TIMES[0]);
            match number {
                0 => "0 s".to_owned(),
                _ => format!("{} {unit}", number / ns),
            }
        }
        Unit::Clock => {
            let seconds = number / 1_000_000_000;
            let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
            match seconds % 60 {
                0 => format!("{hours:02}:{minutes:02}"),
                rest => format!("{hours:02}:{minutes:02}:{rest:02}"),
            }
        }
        Unit::Truth if number == 0 => "no".to_owned(),
        Unit::Truth => "yes".to_owned(),
        Unit::Number | Unit::Lots | Unit::Units | Unit::Count => number.to_string(),
    }
}

/// The expression of a rule; what a record cannot have said is shown as far as it goes.
#[must_use]
pub fn expression(rule: &UserRule, legs: Legs<'_>) -> String {
    parts(rule, legs, usize::MAX).map_or_else(|| "?".to_owned(), |(part, _)| part.text)
}

/// What stands on the stack after the last step, or the two sides of the comparison at step `last`.
fn parts(rule: &UserRule, legs: Legs<'_>, last: usize) -> Option<(Part, Option<Part>)> {
    let mut stack: Vec<Part> = Vec::new();
    for (at, step) in rule.steps().enumerate() {
        let part = match step.op {
            RuleOp::Nothing => return None,
            RuleOp::Number => {
                let number = *rule.numbers.get(usize::from(step.of))?;
                let text = number.to_string();
                Part { text, binds: ATOM, unit: Unit::Number, bare: Some(number) }
            }
            RuleOp::Figure => of_figure(step, legs)?,
            RuleOp::Negate | RuleOp::Abs | RuleOp::Not => one(step.op, &stack.pop()?),
            _ => {
                let (right, left) = (stack.pop()?, stack.pop()?);
                if at == last {
                    return Some((left, Some(right)));
                }
                two(step.op, &left, &right)
            }
        };
        stack.push(part);
    }
    stack.pop().filter(|_| stack.is_empty()).map(|part| (part, None))
}

fn of_figure(step: &RuleStep, legs: Legs<'_>) -> Option<Part> {
    let figure = Figure::from_code(step.of)?;
    let text = if figure.has_leg() {
        let name = legs.get(usize::from(step.leg)).cloned();
        let name = name.unwrap_or_else(|| format!("leg {}", step.leg + 1));
        format!("{}({name})", figure.word())
    } else {
        figure.word().to_owned()
    };
    Some(Part { text, binds: ATOM, unit: Unit::of(figure, step.leg), bare: None })
}

fn one(op: RuleOp, part: &Part) -> Part {
    let text = match op {
        RuleOp::Abs => format!("abs({})", part.with(part.unit)),
        RuleOp::Negate => format!("-{}", part.inside(part.unit, binding(op))),
        _ => format!("not {}", part.inside(part.unit, binding(op))),
    };
    Part { text, binds: binding(op), unit: part.unit, bare: None }
}

fn two(op: RuleOp, left: &Part, right: &Part) -> Part {
    let unit = if left.unit == Unit::Number { right.unit } else { left.unit };
    let (one, other, binds) = (left.unit, right.unit, binding(op));
    let (one, other) = if op == RuleOp::Multiply { (one, other) } else { (unit, unit) };
    let text = match op {
        RuleOp::Min | RuleOp::Max => {
            format!("{}({}, {})", op.word(), left.with(one), right.with(other))
        }
        _ => {
            // Of two that bind alike the right one has brackets.
            let (left, right) = (left.inside(one, binds), right.inside(other, binds + 1));
            format!("{left} {} {right}", op.word())
        }
    };
    let unit = if binds <= binding(RuleOp::Less) { Unit::Truth } else { unit };
    Part { text, binds, unit, bare: None }
}

/// What decided: `lots(hg) 3 < 5`, `age(cu) 350 ms > 200 ms`, `gain is not known`.
#[must_use]
pub fn told(rule: Option<&UserRule>, ruling: &Ruling, legs: Legs<'_>, lang: Lang) -> String {
    let say = |en: &'static str, zh: &'static str| if lang == Lang::Zh { zh } else { en };
    if ruling.stand == RuleStand::Cooling {
        let left = figure(ruling.seen / 1_000_000 * 1_000_000, Unit::Time);
        return format!("{} {left}", say("cools down for another", "冷却剩余"));
    }
    let step = usize::from(ruling.step);
    let Some(rule) = rule else {
        return format!("{} / {}", ruling.seen, ruling.limit);
    };
    let Some((left, Some(right))) = parts(rule, legs, step) else {
        let text = expression(rule, legs);
        return match ruling.stand {
            RuleStand::Unknown => format!("{text} {}", say("is not known", "无法得知")),
            _ => text,
        };
    };
    let op = rule.steps().nth(step).map_or(RuleOp::Nothing, |step| step.op);
    let unit = if left.unit == Unit::Number { right.unit } else { left.unit };
    let side = |part: &Part, value: i64| {
        let value = match value {
            Ruling::UNKNOWN => say("not known", "无法得知").to_owned(),
            value => figure(value, unit),
        };
        if part.bare.is_some() { value } else { format!("{} {value}", part.text) }
    };
    let not = match (op, ruling.stand) {
        (_, RuleStand::Unknown) => "",
        (op, _) if holds(op, ruling.seen, ruling.limit) => "",
        _ => say("not ", "不 "),
    };
    format!("{} {not}{} {}", side(&left, ruling.seen), op.word(), side(&right, ruling.limit))
}

fn holds(op: RuleOp, left: i64, right: i64) -> bool {
    match op {
        RuleOp::Less => left < right,
        RuleOp::AtMost => left <= right,
        RuleOp::More => left > right,
        RuleOp::AtLeast => left >= right,
        RuleOp::Equal => left == right,
        _ => left != right,
    }
}

//! Rules of the user as the model has them: reckoned from the last step back, as a tree, in whole
//! numbers that are cut to 64 bits only where they are looked at.

use xmc_hotpath::message::{Figure, RuleOp, RuleStand, UserRule};

use super::Model;

/// True, false, or not known, as numbers: `and` is the least of two, `or` the most.
const FALSE: i128 = 0;
const UNKNOWN: i128 = 1;
const TRUE: i128 = 2;

/// A number (`None`: not known) or a truth, and the comparison that it hangs on.
#[derive(Clone, Copy, Debug)]
struct Found {
    value: Option<i128>,
    by: Option<Comparison>,
}

/// A comparison: its step, and what stood on both sides.
#[derive(Clone, Copy, Debug)]
struct Comparison {
    step: usize,
    sides: [Option<i128>; 2],
}

/// How a rule stands: with the step of the comparison that decided, and both of its sides.
pub type Stand = (RuleStand, u8, [i64; 2]);

/// Reckons a rule; figures come from `figure`.
pub fn reckon(rule: &UserRule, figure: &dyn Fn(Figure, u8) -> Option<i128>) -> Stand {
    let mut end = rule.steps().count();
    let found = truth(rule, &mut end, figure);
    let stand = match found.value {
        Some(FALSE) => RuleStand::Unmet,
        Some(TRUE) => RuleStand::Met,
        _ => RuleStand::Unknown,
    };
    let side = |of: Option<i128>| of.and_then(|of| i64::try_from(of).ok()).unwrap_or(i64::MIN);
    match found.by {
        None => (stand, u8::MAX, [0, 0]),
        Some(by) => (stand, u8::try_from(by.step).unwrap_or(u8::MAX), by.sides.map(side)),
    }
}

/// The truth that ends before step `end`.
fn truth(rule: &UserRule, end: &mut usize, of: &dyn Fn(Figure, u8) -> Option<i128>) -> Found {
    *end -= 1;
    let (step, at) = (rule.steps[*end], *end);
    match step.op {
        RuleOp::Figure => {
            let figure = Figure::from_code(step.of).expect("a figure");
            let is = of(figure, step.leg).map_or(UNKNOWN, |of| if of == 0 { FALSE } else { TRUE });
            Found { value: Some(is), by: None }
        }
        RuleOp::Not => {
            let found = truth(rule, end, of);
            Found { value: found.value.map(|value| TRUE - value), ..found }
        }
        RuleOp::And | RuleOp::Or => {
            let right = truth(rule, end, of);
            let left = truth(rule, end, of);
            joined(step.op, left, right)
        }
        op => {
            let right = number(rule, end, of);
            let left = number(rule, end, of);
            let holds = left.zip(right).map(|(left, right)| match op {
                RuleOp::Less => left < right,
                RuleOp::AtMost => left <= right,
                RuleOp::More => left > right,
                RuleOp::AtLeast => left >= right,
                RuleOp::Equal => left == right,
                RuleOp::Differs => left != right,
                other => panic!("{other:?} compares nothing"),
            });
            let value = holds.map_or(UNKNOWN, |holds| if holds { TRUE } else { FALSE });
            let by = Comparison { step: at, sides: [left, right] };
            Found { value: Some(value), by: Some(by) }
        }
    }
}

fn joined(op: RuleOp, left: Found, right: Found) -> Found {
    let (is_and, sides) = (op == RuleOp::And, [left, right]);
    let decides = if is_and { FALSE } else { TRUE };
    let value = if is_and { left.value.min(right.value) } else { left.value.max(right.value) };
    // One that decides alone, else one that is not known, else the last one that compares.
    let first = |wanted| sides.into_iter().find(|side| side.value == Some(wanted));
    let by = first(decides).or(first(UNKNOWN)).map(|side| side.by);
    let last = || sides.into_iter().rev().find_map(|side| side.by);
    Found { value, by: by.unwrap_or_else(last) }
}

/// The number that ends before step `end`; `None` if it is not known or no 64 bits hold it.
fn number(
    rule: &UserRule,
    end: &mut usize,
    of: &dyn Fn(Figure, u8) -> Option<i128>,
) -> Option<i128> {
    *end -= 1;
    let step = rule.steps[*end];
    let value = match step.op {
        RuleOp::Number => Some(i128::from(rule.numbers[usize::from(step.of)])),
        RuleOp::Figure => of(Figure::from_code(step.of).expect("a figure"), step.leg),
        RuleOp::Negate => number(rule, end, of).map(|of| -of),
        RuleOp::Abs => number(rule, end, of).map(i128::abs),
        op => {
            let right = number(rule, end, of);
            let left = number(rule, end, of);
            left.zip(right).map(|(left, right)| match op {
                RuleOp::Add => left + right,
                RuleOp::Subtract => left - right,
                RuleOp::Multiply => left * right,
                RuleOp::Min => left.min(right),
                RuleOp::Max => left.max(right),
                other => panic!("{other:?} gives no number"),
            })
        }
    };
    value.filter(|value| i64::try_from(*value).is_ok())
}

impl Model {
    /// A rule is told, or taken away; what the one before had begun is over.
    pub(super) fn rule(&mut self, rule: &UserRule) {
        let Some(row) = self.spreads.get_mut(&rule.spread.0) else { return };
        row.cools = row.cools.filter(|(by, _)| *by != rule.rule);
        let place = (rule.spread.0, rule.rule);
        if rule.steps().next().is_none() {
            self.rules.remove(&place);
        } else {
            self.rules.insert(place, *rule);
        }
    }
}

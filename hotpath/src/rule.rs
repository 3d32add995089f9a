//! A rule of a user, reckoned: postfix steps over whole numbers, on a stack of fixed size.
//!
//! Pure and total: what does not fit and what is not known is not known, and so is what hangs on
//! it. Of `and` and `or` one side can decide alone: nothing that is not known makes `false and x`
//! true. Each step is done once, so a rule takes no longer than it has steps.
//!
//! `is_sane` says, once, whether steps can be done at all: that there is something on the stack for
//! each, numbers where numbers belong, and one truth in the end. It does not know units: whoever
//! writes the steps does (`config::rule` on the cold side). Called by `desk::rule`.

use crate::message::{
    Figure, MAX_LEGS, RULE_STEPS, RuleAction, RuleOp, RuleStand, RuleStep, Ruling, UserRule,
};

/// No more can stand on the stack: of so many steps at most half, and one, put something there, or
/// there would not be one thing in the end.
const DEPTH: usize = RULE_STEPS >> 1;

/// Where figures come from.
pub trait Figures {
    /// A figure, of a leg if there is one for each, in the unit that `Figure` names; a truth is 1
    /// or 0. `None` if it is not known.
    fn figure(&self, figure: Figure, leg: u8) -> Option<i64>;
}

/// What came of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reckoned {
    /// Whether it is met; `RuleStand::Unknown` counts as that.
    pub stand: RuleStand,
    /// The step of the comparison that decided; `Ruling::NO_STEP` if none did.
    pub step: u8,
    /// What stood on its left; `Ruling::UNKNOWN` if that is not known.
    pub seen: i64,
    /// What stood on its right; `Ruling::UNKNOWN` if that is not known.
    pub limit: i64,
}

impl Reckoned {
    /// Whether what is to follow follows.
    #[inline]
    #[must_use]
    pub const fn is_met(&self) -> bool {
        matches!(self.stand, RuleStand::Met | RuleStand::Unknown)
    }
}

/// One thing on the stack: a number or a truth, and the comparison that it hangs on.
#[derive(Clone, Copy)]
struct Entry {
    value: Option<i64>,
    step: u8,
    seen: i64,
    limit: i64,
}

impl Entry {
    const fn plain(value: Option<i64>) -> Self {
        Self { value, step: Ruling::NO_STEP, seen: 0, limit: 0 }
    }

    /// The same truth or none, with another value.
    const fn with(self, value: Option<i64>) -> Self {
        Self { value, ..self }
    }

    fn is(&self, truth: bool) -> bool {
        self.value.is_some_and(|value| (value != 0) == truth)
    }
}

/// What stands on the stack.
struct Stack {
    entries: [Entry; DEPTH],
    depth: usize,
}

impl Stack {
    fn push(&mut self, entry: Entry) -> Option<()> {
        *self.entries.get_mut(self.depth)? = entry;
        self.depth = self.depth.wrapping_add(1);
        Some(())
    }

    fn pop(&mut self) -> Option<Entry> {
        self.depth = self.depth.checked_sub(1)?;
        self.entries.get(self.depth).copied()
    }
}

/// Reckons a rule.
#[must_use]
pub fn reckon(rule: &UserRule, figures: &impl Figures) -> Reckoned {
    let mut stack = Stack { entries: [Entry::plain(None); DEPTH], depth: 0 };
    let mut is_done = true;
    for (step, at) in rule.steps().zip(0_u8..) {
        // Steps that cannot be done end it: that is not known either.
        is_done = is_done && do_step(rule, *step, at, figures, &mut stack).is_some();
    }
    let last = stack.pop().filter(|_| is_done).unwrap_or(Entry::plain(None));
    let stand = match last.value {
        None => RuleStand::Unknown,
        Some(0) => RuleStand::Unmet,
        Some(_) => RuleStand::Met,
    };
    Reckoned { stand, step: last.step, seen: last.seen, limit: last.limit }
}

fn do_step(
    rule: &UserRule,
    step: RuleStep,
    at: u8,
    figures: &impl Figures,
    stack: &mut Stack,
) -> Option<()> {
    let entry = match step.op {
        RuleOp::Nothing => return None,
        RuleOp::Number => Entry::plain(Some(*rule.numbers.get(usize::from(step.of))?)),
        RuleOp::Figure => Entry::plain(figures.figure(Figure::from_code(step.of)?, step.leg)),
        RuleOp::Negate => {
            let b = stack.pop()?;
            b.with(b.value.and_then(i64::checked_neg))
        }
        RuleOp::Abs => {
            let b = stack.pop()?;
            b.with(b.value.and_then(i64::checked_abs))
        }
        RuleOp::Not => {
            let b = stack.pop()?;
            b.with(b.value.map(|value| i64::from(value == 0)))
        }
        RuleOp::Add
        | RuleOp::Subtract
        | RuleOp::Multiply
        | RuleOp::Min
        | RuleOp::Max
        | RuleOp::Less
        | RuleOp::AtMost
        | RuleOp::More
        | RuleOp::AtLeast
        | RuleOp::Equal
        | RuleOp::Differs
        | RuleOp::And
        | RuleOp::Or => {
            let (b, a) = (stack.pop()?, stack.pop()?);
            of_two(step.op, a, b, at)
        }
    };
    stack.push(entry)
}

fn of_two(op: RuleOp, a: Entry, b: Entry, at: u8) -> Entry {
    let number = |of: fn(i64, i64) -> Option<i64>| {
        Entry::plain(a.value.zip(b.value).and_then(|(a, b)| of(a, b)))
    };
    let compared = |of: fn(&i64, &i64) -> bool| Entry {
        value: a.value.zip(b.value).map(|(a, b)| i64::from(of(&a, &b))),
        step: at,
        seen: a.value.unwrap_or(Ruling::UNKNOWN),
        limit: b.value.unwrap_or(Ruling::UNKNOWN),
    };
    match op {
        RuleOp::Add => number(i64::checked_add),
        RuleOp::Subtract => number(i64::checked_sub),
        RuleOp::Multiply => number(i64::checked_mul),
        RuleOp::Min => number(|a, b| Some(a.min(b))),
        RuleOp::Max => number(|a, b| Some(a.max(b))),
        RuleOp::Less => compared(i64::lt),
        RuleOp::AtMost => compared(i64::le),
        RuleOp::More => compared(i64::gt),
        RuleOp::AtLeast => compared(i64::ge),
        RuleOp::Equal => compared(i64::eq),
        RuleOp::Differs => compared(i64::ne),
        RuleOp::And => joined(a, b, false),
        RuleOp::Or => joined(a, b, true),
        RuleOp::Nothing
        | RuleOp::Number
        | RuleOp::Figure
        | RuleOp::Negate
        | RuleOp::Abs
        | RuleOp::Not => Entry::plain(None),
    }
}

/// `and` (`decides` is false) or `or` (true): the first side that decides alone, else what is not
/// known, else the last side that was compared.
fn joined(a: Entry, b: Entry, decides: bool) -> Entry {
    if a.is(decides) {
        a
    } else if b.is(decides) || (a.value.is_some() && b.step != Ruling::NO_STEP) {
        b
    } else if a.value.is_none() || b.value.is_some() {
        a
    } else {
        b
    }
}

/// Whether a rule's steps can be done, and whether its action can follow at its point.
#[must_use]
pub fn is_sane(rule: &UserRule) -> bool {
    let cools = (rule.action == RuleAction::CoolDown) == (rule.cool_down.0 > 0);
    cools && rule.action.is_of(rule.point) && is_ended(rule) && has_one_truth(rule)
}

/// Nothing comes after the last step.
fn is_ended(rule: &UserRule) -> bool {
    let count = rule.steps().count();
    rule.steps.iter().skip(count).all(|step| *step == RuleStep::NONE)
}

fn has_one_truth(rule: &UserRule) -> bool {
    // What stands on the stack, a bit each: whether it is a truth. The newest is lowest.
    let (mut truths, mut depth) = (0_u32, 0_usize);
    for step in rule.steps() {
        let Some((takes, of_truths, gives)) = shape(rule, *step) else {
            return false;
        };
        let taken = if takes == 2 { truths & 3 } else { truths & 1 };
        let ought = match (takes, of_truths) {
            (2, true) => 3,
            (1, true) => 1,
            _ => 0,
        };
        if depth < takes || (takes > 0 && taken != ought) {
            return false;
        }
        truths = truths.checked_shr(u32::try_from(takes).unwrap_or(0)).unwrap_or(0);
        truths = (truths << 1) | u32::from(gives);
        depth = depth.saturating_sub(takes).saturating_add(1);
        if depth > DEPTH {
            return false;
        }
    }
    depth == 1 && truths & 1 == 1
}

/// How many things a step takes, whether they are truths, and whether it gives one; `None` if it
/// cannot be done.
fn shape(rule: &UserRule, step: RuleStep) -> Option<(usize, bool, bool)> {
    let is_plain = step.of == 0 && step.leg == 0;
    let of_two = |truths, gives| is_plain.then_some((2, truths, gives));
    match step.op {
        RuleOp::Nothing => None,
        RuleOp::Number => {
            let is_there = usize::from(step.of) < rule.numbers.len() && step.leg == 0;
            is_there.then_some((0, false, false))
        }
        RuleOp::Figure => {
            let figure = Figure::from_code(step.of).filter(|figure| figure.is_of(rule.point))?;
            let has_leg = usize::from(step.leg) < if figure.has_leg() { MAX_LEGS } else { 1 };
            has_leg.then_some((0, false, figure.is_truth()))
        }
        RuleOp::Negate | RuleOp::Abs => is_plain.then_some((1, false, false)),
        RuleOp::Not => is_plain.then_some((1, true, true)),
        RuleOp::Add | RuleOp::Subtract | RuleOp::Multiply | RuleOp::Min | RuleOp::Max => {
            of_two(false, false)
        }
        RuleOp::Less
        | RuleOp::AtMost
        | RuleOp::More
        | RuleOp::AtLeast
        | RuleOp::Equal
        | RuleOp::Differs => of_two(false, true),
        RuleOp::And | RuleOp::Or => of_two(true, true),
    }
}

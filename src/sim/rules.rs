//! Rules of the user for schedules: expressions of all kinds, with numbers near what figures are.

use xmc_hotpath::message::{
    Figure, RULE_NAME, RULE_NUMBERS, RULE_STEPS, RuleAction, RuleOp, RulePoint, RuleStep,
    SpreadIndex, UserRule,
};
use xmc_hotpath::time::Span;

use crate::rule::Unit;

/// Draws a rule for a spread of so many legs.
pub fn rule(
    rng: &mut fastrand::Rng,
    spread: SpreadIndex,
    number: u8,
    legs: u8,
    tick_e9: i64,
) -> UserRule {
    let point = pick(rng, RulePoint::ALL);
    let actions = RuleAction::ALL.iter().copied().filter(|action| action.is_of(point));
    let action = pick(rng, &actions.collect::<Vec<_>>());
    let cools = action == RuleAction::CoolDown;
    let mut draft = Draft { steps: Vec::new(), numbers: Vec::new(), point, legs, tick_e9 };
    let depth = rng.u8(0..=2);
    draft.truth(rng, depth);
    // What became too long or has too many numbers is drawn again, smaller.
    while draft.steps.len() > RULE_STEPS || draft.numbers.len() > RULE_NUMBERS {
        (draft.steps, draft.numbers) = (Vec::new(), Vec::new());
        draft.truth(rng, 1);
    }
    let mut rule = UserRule {
        spread,
        rule: number,
        point,
        action,
        cool_down: Span(if cools { pick(rng, &[1, 50_000, 1_000_000]) } else { 0 }),
        name: [0; RULE_NAME],
        numbers: [0; RULE_NUMBERS],
        steps: [RuleStep::NONE; RULE_STEPS],
    };
    rule.numbers[..draft.numbers.len()].copy_from_slice(&draft.numbers);
    rule.steps[..draft.steps.len()].copy_from_slice(&draft.steps);
    rule
}

/// The same, taken away.
pub fn none(rule: UserRule) -> UserRule {
    UserRule { steps: [RuleStep::NONE; RULE_STEPS], ..rule }
}

fn pick<T: Copy>(rng: &mut fastrand::Rng, from: &[T]) -> T {
    from[rng.usize(..from.len())]
}

struct Draft {
    steps: Vec<RuleStep>,
    numbers: Vec<i64>,
    point: RulePoint,
    legs: u8,
    tick_e9: i64,
}

impl Draft {
    fn op(&mut self, op: RuleOp) {
        self.steps.push(RuleStep { op, ..RuleStep::NONE });
    }

    fn number(&mut self, number: i64) {
        let known = self.numbers.iter().position(|known| *known == number);
        let place = known.unwrap_or_else(|| {
            self.numbers.push(number);
            self.numbers.len() - 1
        });
        let of = u8::try_from(place).unwrap_or(u8::MAX);
        self.steps.push(RuleStep { op: RuleOp::Number, of, leg: 0 });
    }

    fn truth(&mut self, rng: &mut fastrand::Rng, depth: u8) {
        match rng.u8(..if depth == 0 { 4 } else { 8 }) {
            0 => {
                let truths = self.figures(|figure| figure.is_truth());
                let figure = pick(rng, &truths);
                self.figure(rng, figure);
            }
            1..=3 => self.comparison(rng),
            4 => {
                self.truth(rng, depth - 1);
                self.op(RuleOp::Not);
            }
            more => {
                self.truth(rng, depth - 1);
                self.truth(rng, depth - 1);
                self.op(if more < 7 { RuleOp::And } else { RuleOp::Or });
            }
        }
    }

    fn figures(&self, is_wanted: impl Fn(Figure) -> bool) -> Vec<Figure> {
        let there = Figure::ALL.iter().copied().filter(|figure| figure.is_of(self.point));
        there.filter(|figure| is_wanted(*figure)).collect()
    }

    fn figure(&mut self, rng: &mut fastrand::Rng, figure: Figure) {
        let leg = if figure.has_leg() { rng.u8(..self.legs) } else { 0 };
        self.steps.push(RuleStep { op: RuleOp::Figure, of: figure.code(), leg });
    }

    fn comparison(&mut self, rng: &mut fastrand::Rng) {
        let figure = pick(rng, &self.figures(|figure| !figure.is_truth()));
        self.figure(rng, figure);
        let unit = Unit::of(figure, 0);
        match rng.u8(..12) {
            0 => self.op(RuleOp::Negate),
            1 => self.op(RuleOp::Abs),
            2 => {
                // Now and then more than fits.
                self.number(pick(rng, &[2, 3, i64::MAX]));
                self.op(RuleOp::Multiply);
            }
            3 => {
                let same = self.figures(|other| Unit::of(other, 0) == unit);
                let other = pick(rng, &same);
                self.figure(rng, other);
                let ops = [RuleOp::Add, RuleOp::Subtract, RuleOp::Min, RuleOp::Max];
                self.op(pick(rng, &ops));
            }
            _ => {}
        }
        let ticks = rng.i64(-4..=8);
        let number = match unit {
            Unit::Points | Unit::Price(_) => self.tick_e9.saturating_mul(ticks),
            Unit::Money => self.tick_e9.saturating_mul(ticks * 3),
            Unit::Time => pick(rng, &[0, 5_000, 50_000, 300_000, 2_000_000]),
            Unit::Clock => rng.i64(..86_400_000_000_000),
            Unit::Lots | Unit::Units => ticks,
            Unit::Count | Unit::Number | Unit::Truth => rng.i64(0..4),
        };
        self.number(number);
        let ops = [
            RuleOp::Less,
            RuleOp::AtMost,
            RuleOp::More,
            RuleOp::AtLeast,
            RuleOp::Equal,
            RuleOp::Differs,
        ];
        self.op(pick(rng, &ops));
    }
}

//! The tree as steps: units are checked on the way, and numbers get theirs.

use std::ops::Range;

use xmc_hotpath::message::{Figure, RULE_NUMBERS, RULE_STEPS, RuleOp, RulePoint, RuleStep};

use super::parse::{Node, What, parse};
use super::{Fault, FaultKind, Unit};

/// One, in units of 1e-9.
const ONE_E9: i128 = 1_000_000_000;

/// What a rule's expression becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Program {
    /// Numbers that steps put on the stack.
    pub numbers: [i64; RULE_NUMBERS],
    /// The steps.
    pub steps: [RuleStep; RULE_STEPS],
}

/// Compiles an expression that is asked at a point, of a spread whose legs are called so.
///
/// # Errors
/// The first fault, with its place.
pub fn compile(text: &str, point: RulePoint, legs: &[&str]) -> Result<Program, Fault> {
    let node = parse(text, legs)?;
    let mut writer = Writer {
        program: Program { numbers: [0; RULE_NUMBERS], steps: [RuleStep::NONE; RULE_STEPS] },
        numbers: 0,
        steps: 0,
        point,
        whole: 0..text.len(),
    };
    let unit = writer.unit(&node)?;
    if unit != Unit::Truth {
        let message = format!("the expression is {}, neither true nor false", unit.word());
        let help = "compare it with something: `lots(..) < 5`";
        return Err(Fault::new(FaultKind::Unit, &node.span, message, help));
    }
    writer.write(&node, Unit::Truth)?;
    Ok(writer.program)
}

struct Writer {
    program: Program,
    numbers: usize,
    steps: usize,
    point: RulePoint,
    whole: Range<usize>,
}

/// The number that a part without figures comes to.
fn folded(node: &Node) -> Result<Option<i128>, Fault> {
    let too_large = || {
        let help = "no number of a rule is that large";
        Fault::new(FaultKind::Number, &node.span, "the numbers come to too much", help)
    };
    Ok(match &node.what {
        What::Number(e9) => Some(*e9),
        What::One(op, of) => match (op, folded(of)?) {
            (RuleOp::Negate, Some(e9)) => Some(-e9),
            (RuleOp::Abs, Some(e9)) => Some(e9.abs()),
            _ => None,
        },
        What::Two(op, left, right) => {
            let (Some(a), Some(b)) = (folded(left)?, folded(right)?) else { return Ok(None) };
            let product = || a.checked_mul(b).ok_or_else(too_large);
            let e9 = match op {
                RuleOp::Add => a + b,
                RuleOp::Subtract => a - b,
                RuleOp::Multiply if product()? % ONE_E9 == 0 => product()? / ONE_E9,
                RuleOp::Multiply => {
                    let message = "the product has more than nine digits after the point";
                    let help = "write the number that it comes to";
                    return Err(Fault::new(FaultKind::Number, &node.span, message, help));
                }
                RuleOp::Min => a.min(b),
                RuleOp::Max => a.max(b),
                _ => return Ok(None),
            };
            // Far beyond what any unit holds, and far from what adding two can overflow.
            Some(e9).filter(|e9| e9.unsigned_abs() < 1 << 100).ok_or_else(too_large).map(Some)?
        }
        What::Time(_) | What::Clock(_) | What::Figure(..) => None,
    })
}

impl Writer {
    /// The unit of a part, if it has one throughout.
    fn unit(&self, node: &Node) -> Result<Unit, Fault> {
        if folded(node)?.is_some() {
            return Ok(Unit::Number);
        }
        match &node.what {
            What::Number(_) => Ok(Unit::Number),
            What::Time(_) => Ok(Unit::Time),
            What::Clock(_) => Ok(Unit::Clock),
            What::Figure(figure, leg) => self.unit_of(*figure, *leg, &node.span),
            What::One(op, of) => {
                let unit = self.unit(of)?;
                let is_truth = *op == RuleOp::Not;
                if is_truth != (unit == Unit::Truth) || unit == Unit::Clock {
                    return Err(self.no_such(*op, &[unit], &node.span));
                }
                Ok(unit)
            }
            What::Two(op, left, right) => self.unit_of_two(*op, left, right, &node.span),
        }
    }

    fn unit_of(&self, figure: Figure, leg: u8, span: &Range<usize>) -> Result<Unit, Fault> {
        if figure.is_of(self.point) {
            return Ok(Unit::of(figure, leg));
        }
        let (word, point) = (figure.word(), self.point.word());
        let points = RulePoint::ALL.iter().filter(|point| figure.is_of(**point));
        let known: Vec<_> = points.map(|point| format!("at = \"{}\"", point.word())).collect();
        let message = format!("`{word}` is not known at \"{point}\"");
        Err(Fault::new(FaultKind::Word, span, message, format!("it is with {}", known.join(", "))))
    }

    fn unit_of_two(
        &self,
        op: RuleOp,
        left: &Node,
        right: &Node,
        span: &Range<usize>,
    ) -> Result<Unit, Fault> {
        let units = [self.unit(left)?, self.unit(right)?];
        let [one, other] = units;
        let joined = match units {
            [Unit::Number, unit] | [unit, Unit::Number] => Some(unit),
            [one, other] => (one == other).then_some(one),
        };
        let found = match op {
            RuleOp::And | RuleOp::Or => joined.filter(|unit| *unit == Unit::Truth && one == other),
            RuleOp::Multiply => {
                let has_number = one == Unit::Number || other == Unit::Number;
                joined.filter(|unit| has_number && ![Unit::Truth, Unit::Clock].contains(unit))
            }
            RuleOp::Add | RuleOp::Subtract | RuleOp::Min | RuleOp::Max => {
                joined.filter(|unit| ![Unit::Truth, Unit::Clock].contains(unit))
            }
            _ => {
                if one == Unit::Number && other == Unit::Number {
                    let message = "this compares two numbers, and is always the same";
                    let help = "compare a figure with something";
                    return Err(Fault::new(FaultKind::Unit, span, message, help));
                }
                joined.filter(|unit| *unit != Unit::Truth).map(|_| Unit::Truth)
            }
        };
        found.ok_or_else(|| self.no_such(op, &units, span))
    }

    fn no_such(&self, op: RuleOp, units: &[Unit], span: &Range<usize>) -> Fault {
        let words: Vec<_> = units.iter().map(|unit| unit.word()).collect();
        let message = format!("`{}` cannot take {}", op.word(), words.join(" and "));
        let help = match op {
            RuleOp::And | RuleOp::Or | RuleOp::Not => {
                "it takes what is true or false: compare first".to_owned()
            }
            RuleOp::Multiply => "it takes one figure and one whole number".to_owned(),
            _ if units.contains(&Unit::Truth) => {
                "what is true or false stands alone: `opens`, `not opens`".to_owned()
            }
            _ if units.contains(&Unit::Clock) => {
                "times of day are only compared with each other: `utc < 13:30`".to_owned()
            }
            _ if matches!(units, [Unit::Price(_), Unit::Price(_)]) => {
                "prices of two legs have two units: `value` is what compares them".to_owned()
            }
            _ => "both sides must count the same".to_owned(),
        };
        Fault::new(FaultKind::Unit, span, message, help)
    }

    /// Writes the steps of a part; numbers in it count in `unit`.
    fn write(&mut self, node: &Node, unit: Unit) -> Result<(), Fault> {
        if let Some(e9) = folded(node)? {
            let number = in_unit(e9, unit, &node.span)?;
            return self.number(number, &node.span);
        }
        match &node.what {
            What::Number(e9) => self.number(in_unit(*e9, unit, &node.span)?, &node.span),
            What::Time(ns) | What::Clock(ns) => self.number(*ns, &node.span),
            What::Figure(figure, leg) => {
                self.step(RuleStep { op: RuleOp::Figure, of: figure.code(), leg: *leg })
            }
            What::One(op, of) => {
                self.write(of, unit)?;
                self.step(RuleStep { op: *op, ..RuleStep::NONE })
            }
            What::Two(op, left, right) => {
                let units = [self.unit(left)?, self.unit(right)?];
                let [one, other] = match (op, units) {
                    // What multiplies has no unit.
                    (RuleOp::Multiply, units) => units,
                    (_, [Unit::Number, unit] | [unit, _]) => [unit; 2],
                };
                // Of a product of two numbers one has the unit of the whole.
                self.write(left, one)?;
                self.write(right, other)?;
                self.step(RuleStep { op: *op, ..RuleStep::NONE })
            }
        }
    }

    fn number(&mut self, number: i64, span: &Range<usize>) -> Result<(), Fault> {
        let known = self.program.numbers[..self.numbers].iter().position(|of| *of == number);
        let place = match known {
            Some(place) => place,
            None if self.numbers == RULE_NUMBERS => {
                let message = format!("there are more than {RULE_NUMBERS} different numbers");
                let help = "make it two rules";
                return Err(Fault::new(FaultKind::Size, span, message, help));
            }
            None => {
                self.program.numbers[self.numbers] = number;
                self.numbers += 1;
                self.numbers - 1
            }
        };
        let of = u8::try_from(place).unwrap_or(u8::MAX);
        self.step(RuleStep { op: RuleOp::Number, of, leg: 0 })
    }

    fn step(&mut self, step: RuleStep) -> Result<(), Fault> {
        let Some(slot) = self.program.steps.get_mut(self.steps) else {
            let message = format!("the expression takes more than {RULE_STEPS} steps");
            let help = "each figure, number, sign and word of it is a step: make it two rules";
            return Err(Fault::new(FaultKind::Size, &self.whole, message, help));
        };
        *slot = step;
        self.steps += 1;
        Ok(())
    }
}

/// A bare number in the unit of what it stands beside.
fn in_unit(e9: i128, unit: Unit, span: &Range<usize>) -> Result<i64, Fault> {
    let fault = |message: &str, help: &str| Fault::new(FaultKind::Number, span, message, help);
    let number = match unit {
        Unit::Points | Unit::Price(_) | Unit::Money => e9,
        Unit::Time => {
            return Err(fault("a time has a unit", "write ns, us, ms, s, min or h behind it"));
        }
        Unit::Clock => {
            return Err(fault("a time of day has hours and minutes", "write it as 09:30"));
        }
        Unit::Number | Unit::Lots | Unit::Units | Unit::Count | Unit::Truth => {
            if e9 % ONE_E9 != 0 {
                let message = "only a whole number fits here";
                return Err(fault(message, "multiply both sides until it is whole"));
            }
            e9 / ONE_E9
        }
    };
    i64::try_from(number).map_err(|_| fault("the number is too large", "at most 9223372036"))
}

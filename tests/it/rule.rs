//! Rules of the user: what their text means, against an evaluator of its own.

use cross_market_connect::monitor::words::Lang;
use cross_market_connect::rule::{Fault, FaultKind, compile, expression, told};
use std::collections::BTreeMap;
use xmc_hotpath::message::{
    Figure, Intent, RULE_NAME, RuleAction, RulePoint, RuleStand, RuleStep, Ruling, SpreadIndex,
    UserRule,
};
use xmc_hotpath::rule::{Figures, is_sane, reckon};
use xmc_hotpath::time::Span;

const LEGS: [&str; 3] = ["cu", "hg", "usd_cnh"];

fn rule(point: RulePoint, text: &str) -> Result<UserRule, Fault> {
    let program = compile(text, point, &LEGS)?;
    Ok(UserRule {
        spread: SpreadIndex(0),
        rule: 0,
        point,
        action: RuleAction::Alert,
        cool_down: Span(0),
        name: [0; RULE_NAME],
        numbers: program.numbers,
        steps: program.steps,
    })
}

fn names() -> Vec<String> {
    LEGS.iter().map(|leg| (*leg).to_owned()).collect()
}

/// Figures by the text that they have in a rule; the others are not known.
struct Table(BTreeMap<String, i64>);

impl Figures for Table {
    fn figure(&self, figure: Figure, leg: u8) -> Option<i64> {
        self.0.get(&called(figure, leg)).copied()
    }
}

fn called(figure: Figure, leg: u8) -> String {
    let word = figure.word();
    let leg = LEGS.get(usize::from(leg)).unwrap_or(&"no leg");
    if figure.has_leg() { format!("{word}({leg})") } else { word.to_owned() }
}

/// An expression of the test's own, with what it means beside how it is written.
enum Tree {
    Number(i64, String),
    Figure(String),
    One(&'static str, Box<Tree>),
    Two(&'static str, Box<Tree>, Box<Tree>),
}

/// A number or a truth, or neither is known.
type Value = Option<i128>;

impl Tree {
    /// With brackets round everything, or only where signs would bind otherwise.
    fn text(&self, all: bool) -> String {
        match self {
            Self::Number(_, text) | Self::Figure(text) => text.clone(),
            Self::One("abs", of) => format!("abs({})", of.text(all)),
            Self::One(word, of) if all => format!("{word}({})", of.text(all)),
            Self::One(word, of) => format!("{word}{}", of.within(self.binds())),
            Self::Two(word @ ("min" | "max"), a, b) => {
                format!("{word}({}, {})", a.text(all), b.text(all))
            }
            Self::Two(sign, a, b) if all => format!("({}) {sign} ({})", a.text(all), b.text(all)),
            Self::Two(sign, a, b) => {
                format!("{} {sign} {}", a.within(self.binds()), b.within(self.binds() + 1))
            }
        }
    }

    fn within(&self, least: u8) -> String {
        if self.binds() < least { format!("({})", self.text(false)) } else { self.text(false) }
    }

    fn binds(&self) -> u8 {
        match self {
            Self::Two("or", ..) => 0,
            Self::Two("and", ..) => 1,
            Self::One("not ", _) => 2,
            Self::Two("+" | "-", ..) => 4,
            Self::Two("*", ..) => 5,
            Self::One("-", _) => 6,
            Self::Number(..) | Self::Figure(_) | Self::One(..) | Self::Two("min" | "max", ..) => 7,
            Self::Two(..) => 3,
        }
    }

    fn value(&self, table: &Table) -> Value {
        let fits = |value: i128| Some(value).filter(|value| i64::try_from(*value).is_ok());
        match self {
            Self::Number(number, _) => Some(i128::from(*number)),
            Self::Figure(name) => table.0.get(name).map(|value| i128::from(*value)),
            Self::One(word, of) => {
                let of = of.value(table)?;
                match *word {
                    "-" => fits(-of),
                    "abs" => fits(of.abs()),
                    _ => Some(i128::from(of == 0)),
                }
            }
            Self::Two(sign, a, b) => {
                let (a, b) = (a.value(table), b.value(table));
                match (*sign, a, b) {
                    ("and", Some(0), _) | ("and", _, Some(0)) => Some(0),
                    ("or", Some(1), _) | ("or", _, Some(1)) => Some(1),
                    (_, None, _) | (_, _, None) => None,
                    ("and", Some(a), Some(b)) => Some(a.min(b)),
                    ("or", Some(a), Some(b)) => Some(a.max(b)),
                    (sign, Some(a), Some(b)) => match sign {
                        "+" => fits(a + b),
                        "-" => fits(a - b),
                        "*" => fits(a * b),
                        "min" => Some(a.min(b)),
                        "max" => Some(a.max(b)),
                        "<" => Some(i128::from(a < b)),
                        "<=" => Some(i128::from(a <= b)),
                        ">" => Some(i128::from(a > b)),
                        ">=" => Some(i128::from(a >= b)),
                        "==" => Some(i128::from(a == b)),
                        _ => Some(i128::from(a != b)),
                    },
                }
            }
        }
    }
}

struct Draw {
    rng: fastrand::Rng,
    table: Table,
}

impl Draw {
    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.rng.usize(..from.len())]
    }

    /// A figure of one of these; not always known, and at times as large as there is room.
    fn figure(&mut self, of: &[Figure]) -> Tree {
        let (figure, leg) = (self.pick(of), self.rng.u8(..3));
        let name = called(figure, leg);
        let value = match self.rng.u8(..10) {
            0 => None,
            1 => Some(self.pick(&[i64::MAX, i64::MIN, i64::MAX - 1, 0])),
            _ if figure.is_truth() => Some(self.rng.i64(0..2)),
            _ => Some(self.rng.i64(-4..5) * self.pick(&[1, 500_000_000, 1_000_000])),
        };
        let value = value.map(|value| if figure.is_truth() { value & 1 } else { value });
        if let Some(value) = value {
            self.table.0.entry(name.clone()).or_insert(value);
        }
        Tree::Figure(name)
    }

    /// A number of a unit: 1e-9, whole, or milliseconds.
    fn literal(&mut self, unit: usize) -> Tree {
        let number = self.rng.i64(0..9);
        match unit {
            0 => Tree::Number(number * 500_000_000, format!("{}.{}", number / 2, number % 2 * 5)),
            1 => Tree::Number(number, number.to_string()),
            _ => Tree::Number(number * 1_000_000, format!("{number} ms")),
        }
    }

    fn sum(&mut self, unit: usize, depth: u8) -> Tree {
        const UNITS: [&[Figure]; 3] = [
            &[Figure::Value, Figure::Level, Figure::Gain],
            &[Figure::Lots, Figure::BidLots, Figure::AskLots, Figure::Held, Figure::Filled],
            &[Figure::Age, Figure::Skew, Figure::SinceFire, Figure::Took],
        ];
        let below = depth.saturating_sub(1);
        match self.rng.u8(..if depth == 0 { 2 } else { 8 }) {
            0 | 1 => self.figure(UNITS[unit]),
            2 => Tree::One("-", Box::new(self.sum(unit, below))),
            3 => Tree::One("abs", Box::new(self.sum(unit, below))),
            4 => {
                let factor = self.pick(&[2, 7, 3_000_000_000]);
                let factor = Tree::Number(factor, factor.to_string());
                Tree::Two("*", Box::new(self.sum(unit, below)), Box::new(factor))
            }
            5 => {
                let sign = self.pick(&["+", "-", "min", "max"]);
                Tree::Two(sign, Box::new(self.literal(unit)), Box::new(self.sum(unit, below)))
            }
            _ => {
                let sign = self.pick(&["+", "-", "min", "max"]);
                Tree::Two(sign, Box::new(self.sum(unit, below)), Box::new(self.sum(unit, below)))
            }
        }
    }

    fn truth(&mut self, depth: u8) -> Tree {
        let below = depth.saturating_sub(1);
        match self.rng.u8(..if depth == 0 { 4 } else { 9 }) {
            0 => self.figure(&[Figure::Opens, Figure::Buys, Figure::Whole]),
            1..=3 => {
                let (unit, sign) =
                    (self.rng.usize(..3), self.pick(&["<", "<=", ">", ">=", "==", "!="]));
                let left = Box::new(self.sum(unit, below.min(1)));
                let is_number = self.rng.bool();
                let right = if is_number { self.literal(unit) } else { self.sum(unit, 0) };
                Tree::Two(sign, left, Box::new(right))
            }
            4 => Tree::One("not ", Box::new(self.truth(below))),
            more => {
                let word = if more < 7 { "and" } else { "or" };
                Tree::Two(word, Box::new(self.truth(below)), Box::new(self.truth(below)))
            }
        }
    }
}

/// Expressions that the desk reckons, and those that are longer than it has room for.
const DRAWN: u64 = 100_000;

#[test]
fn what_the_desk_reckons_is_what_an_evaluator_of_its_own_does() {
    let (mut stands, mut too_long) = ([0_u64; 3], 0);
    for seed in 0..DRAWN {
        let table = Table(BTreeMap::new());
        let mut draw = Draw { rng: fastrand::Rng::with_seed(seed), table };
        let tree = draw.truth(3);
        let text = tree.text(seed % 2 == 0);
        let rule = match rule(RulePoint::After, &text) {
            Ok(rule) => rule,
            Err(fault) => {
                assert_eq!(fault.kind, FaultKind::Size, "{text}: {fault}");
                too_long += 1;
                continue;
            }
        };
        assert!(is_sane(&rule), "{text}");
        let ought = match tree.value(&draw.table) {
            None => RuleStand::Unknown,
            Some(0) => RuleStand::Unmet,
            Some(_) => RuleStand::Met,
        };
        let found = reckon(&rule, &draw.table);
        assert_eq!(found.stand, ought, "{text} with {:?}", draw.table.0);
        stands[usize::from(ought.code())] += 1;
        // What is made of the steps means the same.
        let again = self::rule(RulePoint::After, &expression(&rule, &names()));
        let again = again.unwrap_or_else(|fault| panic!("{text} as {rule:?}: {fault}"));
        assert_eq!((again.steps, again.numbers), (rule.steps, rule.numbers), "{text}");
    }
    assert!(stands.iter().all(|count| *count > DRAWN / 20), "{stands:?} and {too_long} too long");
    assert!(too_long < DRAWN / 4, "{too_long} of {DRAWN} are too long");
}

#[test]
fn no_steps_whatever_do_harm() {
    let mut rng = fastrand::Rng::with_seed(7);
    let sound = rule(RulePoint::After, "lots(cu) < 5 and (whole or took > 3 s)").expect("a rule");
    let table = Table(BTreeMap::new());
    let mut sane = 0;
    for _ in 0..100_000 {
        let mut broken = sound;
        for _ in 0..rng.usize(1..4) {
            let ops = xmc_hotpath::message::RuleOp::ALL;
            let step = &mut broken.steps[rng.usize(..10)];
            *step = RuleStep { op: ops[rng.usize(..ops.len())], of: rng.u8(..), leg: rng.u8(..4) };
        }
        // What a desk would not take is not known, and nothing panics.
        let found = reckon(&broken, &table);
        sane += u32::from(is_sane(&broken));
        assert!(found.step == Ruling::NO_STEP || usize::from(found.step) < broken.steps.len());
    }
    assert!(sane > 0, "some are other rules");
}

#[test]
fn the_comparison_that_decided_is_told_in_words() {
    let text = "opens and lots(hg) * 2 < 10 or age(cu) > 200 ms";
    let rule = rule(RulePoint::Quote, text).expect("a rule");
    assert_eq!(expression(&rule, &names()), text);
    let words = |figures: &[(&str, i64)]| {
        let table = figures.iter().map(|(name, value)| ((*name).to_owned(), *value));
        let found = reckon(&rule, &Table(table.collect()));
        let ruling = Ruling {
            spread: SpreadIndex(0),
            rule: 0,
            point: RulePoint::Quote,
            action: RuleAction::HoldBack,
            intent: Intent::OpenLong,
            stand: found.stand,
            step: found.step,
            seen: found.seen,
            limit: found.limit,
        };
        told(Some(&rule), &ruling, &names(), Lang::En)
    };
    let ms = 1_000_000;
    let both = [("opens", 1), ("lots(hg)", 3), ("age(cu)", 100 * ms)];
    assert_eq!(words(&both), "lots(hg) * 2 6 < 10");
    let late = [("opens", 0), ("lots(hg)", 3), ("age(cu)", 350 * ms)];
    assert_eq!(words(&late), "age(cu) 350 ms > 200 ms");
    let unknown = [("opens", 1), ("age(cu)", 100 * ms)];
    assert_eq!(words(&unknown), "lots(hg) * 2 not known < 10");
}

fn fault(point: RulePoint, text: &str) -> (FaultKind, String, String) {
    let fault = compile(text, point, &LEGS).expect_err(text);
    (fault.kind, text[fault.span.clone()].to_owned(), fault.help)
}

#[test]
fn what_is_wrong_is_shown_where_it_stands() {
    use FaultKind::{Number, Size, Syntax, Unit, Word};
    let deep = format!("{}opens{}", "(".repeat(40), ")".repeat(40));
    let long = ["opens"; 20].join(" and ");
    let numbers = (0..9).map(|at| format!("fires == {at}")).collect::<Vec<_>>().join(" or ");
    let cases: &[(&str, FaultKind, &str)] = &[
        ("lots(hg) <", Syntax, ""),
        ("lots(hg) < 5 5", Syntax, "5"),
        ("lots(hg) / 2 < 5", Syntax, "/"),
        ("fires = 5", Syntax, "="),
        ("opens & buys", Syntax, "&"),
        ("1 < fires < 5", Syntax, "<"),
        ("lots(hg) < 5 ; opens", Syntax, ";"),
        ("spread < 5", Word, "spread"),
        ("lots < 5", Word, "lots"),
        ("lots(au) < 5", Word, "au"),
        ("slippage > 5", Word, "slippage"),
        ("value < lots(hg)", Unit, "value < lots(hg)"),
        ("bid(cu) < ask(hg)", Unit, "bid(cu) < ask(hg)"),
        ("value * gain > 5", Unit, "value * gain"),
        ("1 < 2", Unit, "1 < 2"),
        ("lots(hg) + 1", Unit, "lots(hg) + 1"),
        ("not fires", Unit, "not fires"),
        ("opens == buys", Unit, "opens == buys"),
        ("utc + utc < 13:30", Unit, "utc + utc"),
        ("lots(hg) < 5.5", Number, "5.5"),
        ("age(hg) < 200", Number, "200"),
        ("utc < 25:00", Number, "25:00"),
        ("utc < 9", Number, "9"),
        ("value < 1.0000000001", Number, "1.0000000001"),
        ("value < 99999999999", Number, "99999999999"),
        (&deep, Size, "("),
        (&long, Size, &long),
        (&numbers, Size, "8"),
    ];
    for (text, kind, place) in cases {
        let found = fault(RulePoint::Quote, text);
        assert_eq!((found.0, found.1.as_str()), (*kind, *place), "{text}: {}", found.2);
        assert!(!found.2.is_empty(), "{text}: it says what to do");
    }
    assert!(fault(RulePoint::Quote, "valeu < 5").2.contains("`value`"), "it knows what is near");
    let hedge = fault(RulePoint::Hedge, "whole");
    assert_eq!((hedge.0, hedge.2.as_str()), (Word, "it is with at = \"after\""));
}

#[test]
fn numbers_take_the_unit_of_what_they_stand_beside() {
    let first = |text: &str| rule(RulePoint::After, text).expect(text).numbers[0];
    assert_eq!(first("value < 0.5"), 500_000_000);
    assert_eq!(first("lots(cu) < 2 * 3 - 1"), 5);
    assert_eq!(first("age(cu) < 1.5 min"), 90_000_000_000);
    assert_eq!(first("09:30:05 > utc"), (9 * 3_600 + 30 * 60 + 5) * 1_000_000_000);
    assert_eq!(first("slippage > -1_000"), -1_000_000_000_000);
    assert_eq!(first("3 * value < 1"), 3, "what multiplies has no unit");
}

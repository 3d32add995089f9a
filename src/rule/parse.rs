//! The text as a tree: words, numbers and signs, then `or`, `and`, `not`, comparisons, sums,
//! products, in that order of binding.

use std::ops::Range;

use xmc_hotpath::message::{Figure, RuleOp};

use super::{Fault, FaultKind, MAX_TEXT};
use crate::config::decimal::parse_e9;
use crate::config::spelling::nearest;

/// A part of an expression.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub what: What,
    /// Where it stands.
    pub span: Range<usize>,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    /// A bare number, in 1e-9.
    Number(i128),
    /// Nanoseconds.
    Time(i64),
    /// Nanoseconds of the day.
    Clock(i64),
    /// A figure, of a leg.
    Figure(Figure, u8),
    /// Of one thing.
    One(RuleOp, Box<Node>),
    /// Of two.
    Two(RuleOp, Box<Node>, Box<Node>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'t> {
    Number(&'t str),
    Clock(&'t str),
    Word(&'t str),
    Sign(&'t str),
    End,
}

/// Units of time, in nanoseconds.
pub(super) const TIMES: [(&str, i64); 6] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("min", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Parts that can lie within each other.
const MAX_DEPTH: usize = 32;

/// Signs, the longer ones first.
const SIGNS: [&str; 16] =
    ["<=", ">=", "==", "!=", "<", ">", "+", "-", "*", "(", ")", ",", "/", "=", "&", "|"];

const COMPARISONS: [(&str, RuleOp); 6] = [
    ("<", RuleOp::Less),
    ("<=", RuleOp::AtMost),
    (">", RuleOp::More),
    (">=", RuleOp::AtLeast),
    ("==", RuleOp::Equal),
    ("!=", RuleOp::Differs),
];

/// Reads `text`, in which figures of legs name one of `legs`.
pub(super) fn parse(text: &str, legs: &[&str]) -> Result<Node, Fault> {
    if text.len() > MAX_TEXT {
        let message = format!("the expression has {} bytes", text.len());
        let help = format!("at most {MAX_TEXT}: make it two rules");
        return Err(Fault::new(FaultKind::Size, &(0..text.len()), message, help));
    }
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0, legs };
    let node = parser.either()?;
    match parser.peek() {
        Token::End => Ok(node),
        _ => Err(parser.unexpected("nothing more, or `and` or `or`")),
    }
}

fn tokens(text: &str) -> Result<Vec<(Token<'_>, Range<usize>)>, Fault> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let first = rest.chars().next().unwrap_or(' ');
        let take = |fits: fn(char) -> bool| rest.find(|letter| !fits(letter)).unwrap_or(rest.len());
        let (token, len) = if first.is_whitespace() {
            (None, first.len_utf8())
        } else if first.is_ascii_digit() {
            let len = take(|letter| letter.is_ascii_digit() || ".:_".contains(letter));
            let found = &rest[..len];
            let token =
                if found.contains(':') { Token::Clock(found) } else { Token::Number(found) };
            (Some(token), len)
        } else if first.is_ascii_alphabetic() {
            let len = take(|letter| letter.is_ascii_alphanumeric() || letter == '_');
            (Some(Token::Word(&rest[..len])), len)
        } else if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
            (Some(Token::Sign(sign)), sign.len())
        } else {
            let span = at..at + first.len_utf8();
            let message = format!("{first:?} has no meaning in a rule");
            let help = "a rule has figures, numbers, + - *, < <= > >= == !=, and, or, not";
            return Err(Fault::new(FaultKind::Syntax, &span, message, help));
        };
        tokens.extend(token.map(|token| (token, at..at + len)));
        at += len;
    }
    tokens.push((Token::End, text.len()..text.len()));
    Ok(tokens)
}

struct Parser<'t> {
    tokens: Vec<(Token<'t>, Range<usize>)>,
    at: usize,
    /// How many parts lie around what is read.
    depth: usize,
    legs: &'t [&'t str],
}

impl<'t> Parser<'t> {
    fn peek(&self) -> Token<'t> {
        self.tokens[self.at].0
    }

    fn span(&self) -> Range<usize> {
        self.tokens[self.at].1.clone()
    }

    fn next(&mut self) {
        // The last one is the end, and stays.
        self.at = (self.at + 1).min(self.tokens.len() - 1);
    }

    fn takes(&mut self, token: Token<'_>) -> bool {
        let is_it = self.peek() == token;
        if is_it {
            self.next();
        }
        is_it
    }

    fn unexpected(&self, wanted: &str) -> Fault {
        let (message, help) = match self.peek() {
            Token::End => {
                ("the expression ends too soon".to_owned(), format!("{wanted} belongs here"))
            }
            Token::Sign("/") => (
                "there is no division in a rule".to_owned(),
                "multiply the other side with a whole number".to_owned(),
            ),
            Token::Sign("=") => ("`=` compares nothing".to_owned(), "write `==`".to_owned()),
            Token::Sign("&" | "|") => {
                ("signs join nothing".to_owned(), "write `and` or `or`".to_owned())
            }
            Token::Number(text) | Token::Clock(text) | Token::Word(text) | Token::Sign(text) => {
                (format!("`{text}` does not belong here"), format!("{wanted} does"))
            }
        };
        Fault::new(FaultKind::Syntax, &self.span(), message, help)
    }

    /// Reads what lies within another part, unless it lies too deep.
    fn within(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<Node, Fault>,
    ) -> Result<Node, Fault> {
        if self.depth == MAX_DEPTH {
            let message = format!("more than {MAX_DEPTH} parts lie within each other");
            let help = "leave out brackets that change nothing";
            return Err(Fault::new(FaultKind::Size, &self.span(), message, help));
        }
        self.depth += 1;
        let node = read(self)?;
        self.depth -= 1;
        Ok(node)
    }

    fn either(&mut self) -> Result<Node, Fault> {
        let mut node = self.both()?;
        while self.takes(Token::Word("or")) {
            node = two(RuleOp::Or, node, self.both()?);
        }
        Ok(node)
    }

    fn both(&mut self) -> Result<Node, Fault> {
        let mut node = self.negated()?;
        while self.takes(Token::Word("and")) {
            node = two(RuleOp::And, node, self.negated()?);
        }
        Ok(node)
    }

    fn negated(&mut self) -> Result<Node, Fault> {
        let start = self.span().start;
        if self.takes(Token::Word("not")) {
            let node = self.within(Self::negated)?;
            return Ok(one(RuleOp::Not, start, node));
        }
        self.compared()
    }

    fn compared(&mut self) -> Result<Node, Fault> {
        let left = self.sum()?;
        let Some(op) = self.comparison() else { return Ok(left) };
        let node = two(op, left, self.sum()?);
        let span = self.span();
        if self.comparison().is_some() {
            let message = "three things are compared at once";
            let help = "compare two at a time: `a < b and b < c`";
            return Err(Fault::new(FaultKind::Syntax, &span, message, help));
        }
        Ok(node)
    }

    fn comparison(&mut self) -> Option<RuleOp> {
        let Token::Sign(found) = self.peek() else { return None };
        let (_, op) = COMPARISONS.into_iter().find(|(sign, _)| *sign == found)?;
        self.next();
        Some(op)
    }

    fn sum(&mut self) -> Result<Node, Fault> {
        let mut node = self.product()?;
        loop {
            let op = match self.peek() {
                Token::Sign("+") => RuleOp::Add,
                Token::Sign("-") => RuleOp::Subtract,
                _ => return Ok(node),
            };
            self.next();
            node = two(op, node, self.product()?);
        }
    }

    fn product(&mut self) -> Result<Node, Fault> {
        let mut node = self.signed()?;
        while self.takes(Token::Sign("*")) {
            node = two(RuleOp::Multiply, node, self.signed()?);
        }
        Ok(node)
    }

    fn signed(&mut self) -> Result<Node, Fault> {
        let start = self.span().start;
        if self.takes(Token::Sign("-")) {
            let node = self.within(Self::signed)?;
            return Ok(one(RuleOp::Negate, start, node));
        }
        self.atom()
    }

    fn atom(&mut self) -> Result<Node, Fault> {
        let span = self.span();
        match self.peek() {
            Token::Number(text) => {
                self.next();
                self.number(text, span)
            }
            Token::Clock(text) => {
                self.next();
                let ns = clock_ns(text).ok_or_else(|| {
                    let message = format!("`{text}` is no time of day");
                    let help = "write hours and minutes, and seconds if they matter: 09:30";
                    Fault::new(FaultKind::Number, &span, message, help)
                })?;
                Ok(Node { what: What::Clock(ns), span })
            }
            Token::Sign("(") => {
                self.next();
                let node = self.within(Self::either)?;
                let end = self.span().end;
                self.expect(")")?;
                Ok(Node { span: span.start..end, ..node })
            }
            Token::Word(word) if !["and", "or", "not"].contains(&word) => {
                self.next();
                self.word(word, span)
            }
            _ => Err(self.unexpected("a figure or a number")),
        }
    }

    fn expect(&mut self, sign: &str) -> Result<(), Fault> {
        if self.takes(Token::Sign(sign)) {
            return Ok(());
        }
        Err(self.unexpected(&format!("`{sign}`")))
    }

    fn number(&mut self, text: &str, span: Range<usize>) -> Result<Node, Fault> {
        let unit = match self.peek() {
            Token::Word(word) => TIMES.into_iter().find(|(unit, _)| *unit == word),
            _ => None,
        };
        let no_number = |why: String| {
            let help = "write digits, and at most nine of them after a point";
            Fault::new(FaultKind::Number, &span, format!("`{text}` {why}"), help)
        };
        let e9 = parse_e9(&text.replace('_', "")).map_err(|error| no_number(error.to_string()))?;
        let Some((_, ns)) = unit else {
            return Ok(Node { what: What::Number(e9.into()), span });
        };
        let whole_e9 = i128::from(e9) * i128::from(ns);
        let end = self.span().end;
        self.next();
        let ns = i64::try_from(whole_e9 / 1_000_000_000).ok();
        let ns = ns.filter(|_| whole_e9 % 1_000_000_000 == 0);
        let ns = ns.ok_or_else(|| no_number("is no whole number of nanoseconds".to_owned()))?;
        Ok(Node { what: What::Time(ns), span: span.start..end })
    }

    fn word(&mut self, word: &str, span: Range<usize>) -> Result<Node, Fault> {
        if word == "abs" {
            self.expect("(")?;
            let node = self.within(Self::sum)?;
            let end = self.span().end;
            self.expect(")")?;
            return Ok(Node {
                what: What::One(RuleOp::Abs, Box::new(node)),
                span: span.start..end,
            });
        }
        if let Some(op) = [RuleOp::Min, RuleOp::Max].into_iter().find(|op| op.word() == word) {
            self.expect("(")?;
            let mut node = self.within(Self::sum)?;
            self.expect(",")?;
            loop {
                node = two(op, node, self.within(Self::sum)?);
                if !self.takes(Token::Sign(",")) {
                    break;
                }
            }
            let end = self.span().end;
            self.expect(")")?;
            return Ok(Node { span: span.start..end, ..node });
        }
        let Some(figure) = Figure::ALL.iter().copied().find(|figure| figure.word() == word) else {
            let known = || Figure::ALL.iter().map(|figure| figure.word());
            let help = match nearest(word, known()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known are: {}", known().collect::<Vec<_>>().join(", ")),
            };
            let message = format!("there is no figure `{word}`");
            return Err(Fault::new(FaultKind::Word, &span, message, help));
        };
        if !figure.has_leg() {
            return Ok(Node { what: What::Figure(figure, 0), span });
        }
        let legs = self.legs.join(", ");
        if self.peek() != Token::Sign("(") {
            let message = format!("`{word}` is of one leg");
            let help = format!("say of which: {word}(..); the legs are {legs}");
            return Err(Fault::new(FaultKind::Word, &span, message, help));
        }
        self.next();
        let (of, token) = (self.span(), self.peek());
        let name = match token {
            Token::Word(name) => name,
            _ => return Err(self.unexpected(&format!("a leg ({legs})"))),
        };
        let leg = self.legs.iter().position(|leg| *leg == name).ok_or_else(|| {
            let message = format!("`{name}` is no leg of this spread");
            Fault::new(FaultKind::Word, &of, message, format!("its legs are {legs}"))
        })?;
        self.next();
        let end = self.span().end;
        self.expect(")")?;
        let leg = u8::try_from(leg).unwrap_or(u8::MAX);
        Ok(Node { what: What::Figure(figure, leg), span: span.start..end })
    }
}

fn one(op: RuleOp, start: usize, node: Node) -> Node {
    let span = start..node.span.end;
    Node { what: What::One(op, Box::new(node)), span }
}

fn two(op: RuleOp, left: Node, right: Node) -> Node {
    let span = left.span.start..right.span.end;
    Node { what: What::Two(op, Box::new(left), Box::new(right)), span }
}

/// `09:30` or `09:30:15` in nanoseconds of the day.
fn clock_ns(text: &str) -> Option<i64> {
    let mut parts = text.split(':').map(|part| {
        let is_two = part.len() == 2 && part.bytes().all(|digit| digit.is_ascii_digit());
        part.parse::<i64>().ok().filter(|_| is_two)
    });
    let (hours, minutes) = (parts.next()??, parts.next()??);
    let seconds = match parts.next() {
        None => 0,
        Some(seconds) => seconds?,
    };
    let is_there = hours < 24 && minutes < 60 && seconds < 60 && parts.next().is_none();
    is_there.then_some(((hours * 60 + minutes) * 60 + seconds) * 1_000_000_000)
}

//! `[[spread.rule]]`: what the user has a spread asked before quoting, before hedging and after
//! hedging, and what follows.
//!
//! `crate::rule` reads the expression; here its faults get the place in the file.

use super::error::{Problem, Rule};
use super::names::Registry;
use super::section::{Section, Written};
use super::source::Place;
use super::spread::Leg;
use super::value::{line, text_of, whole, word};
use crate::rule::{FaultKind, Program, compile};
use xmc_hotpath::message::{RULE_NAME, RULES, RuleAction, RuleOp, RulePoint};

/// One rule.
#[derive(Clone, Debug)]
pub struct UserRule {
    /// What it is called.
    pub name: Written<String>,
    /// When it is asked.
    pub at: RulePoint,
    /// The expression, as it is written.
    pub when: Written<String>,
    /// What it becomes.
    pub program: Program,
    /// What follows.
    pub then: RuleAction,
    /// For how long nothing is opened, if that follows; else 0.
    pub cool_down_ms: u32,
}

impl UserRule {
    /// Steps that the desk does when it is asked.
    #[must_use]
    pub fn steps(&self) -> usize {
        let steps = self.program.steps.iter();
        steps.take_while(|step| step.op != RuleOp::Nothing).count()
    }
}

const POINTS: &[(&str, RulePoint)] =
    &[("quote", RulePoint::Quote), ("hedge", RulePoint::Hedge), ("after", RulePoint::After)];

const ACTIONS: &[(&str, RuleAction)] = &[
    ("alert", RuleAction::Alert),
    ("hold back", RuleAction::HoldBack),
    ("close only", RuleAction::CloseOnly),
    ("cool down", RuleAction::CoolDown),
    ("unwind", RuleAction::Unwind),
];

/// The rules of a spread, each with a name of its own.
pub(crate) fn rules(
    spread: &Section<'_>,
    names: &Registry,
    legs: &[Leg],
    repairs: bool,
) -> Vec<UserRule> {
    let called = legs.iter().map(|leg| {
        let mut known = names.instruments.positions();
        known.find(|(at, _)| *at == leg.instrument.value).map_or("", |(_, name)| name)
    });
    let called: Vec<_> = called.collect();
    let mut rules: Vec<UserRule> = Vec::new();
    for section in spread.tables("rule") {
        // Where legs are missing every one would be no leg: that is reported already.
        let Some(rule) = rule(section, !spread.is_broken(), &called, repairs) else {
            spread.spoil();
            continue;
        };
        if let Some(first) = rules.iter().find(|other| other.name.value == rule.name.value) {
            let message =
                format!("two rules of {} are called {:?}", spread.title(), rule.name.value);
            let place = rule.name.place.clone();
            spread.fail(
                Problem::new(Rule::NameTwice, message, place, "used again here")
                    .also(&first.name.place, "first used here"),
            );
        }
        if rules.len() == RULES {
            let message = format!("{} has more than {RULES} rules", spread.title());
            let place = rule.name.place.clone();
            spread.fail(
                Problem::new(Rule::TooMany, message, place, "one too many")
                    .help("`or` and `and` join two of them"),
            );
            break;
        }
        rules.push(rule);
    }
    rules
}

fn point(value: &toml::de::DeValue<'_>) -> Result<Option<RulePoint>, super::value::Complaint> {
    word(POINTS)(value).map(Some)
}

fn action(value: &toml::de::DeValue<'_>) -> Result<Option<RuleAction>, super::value::Complaint> {
    word(ACTIONS)(value).map(Some)
}

fn text(value: &toml::de::DeValue<'_>) -> Result<String, super::value::Complaint> {
    text_of(value).map(str::to_owned)
}

fn rule(section: Section<'_>, has_legs: bool, legs: &[&str], repairs: bool) -> Option<UserRule> {
    let name = section.required("name", line(RULE_NAME));
    if name.value.len() > RULE_NAME {
        let message = format!("`name` of {} has {} bytes", section.title(), name.value.len());
        let label = format!("at most {RULE_NAME} bytes of UTF-8");
        section.fail(Problem::new(Rule::OutOfBounds, message, name.place.clone(), label));
    }
    let at = section.required("at", point);
    let when = section.required("when", text);
    let then = section.required("then", action);
    // A day is another trading day.
    let cool_down = section.optional("cool_down_ms", whole(1..=86_400_000_u32));
    follows(&section, at.value, &then, cool_down.as_ref(), repairs);
    let is_whole = has_legs && !section.is_broken();
    let point = at.value.filter(|_| is_whole);
    let program = point.and_then(|point| compiled(&section, &when, point, legs));
    let rule = program.zip(at.value).zip(then.value).map(|((program, at), then)| UserRule {
        name,
        at,
        when,
        program,
        then,
        cool_down_ms: cool_down.map_or(0, |cool_down| cool_down.value),
    });
    section.finish(rule)?
}

/// What is to follow can, at this point and of this spread.
fn follows(
    section: &Section<'_>,
    at: Option<RulePoint>,
    then: &Written<Option<RuleAction>>,
    cool_down: Option<&Written<u32>>,
    repairs: bool,
) {
    let (Some(at), Some(action)) = (at, then.value) else { return };
    if !action.is_of(at) {
        let can = ACTIONS.iter().filter(|(_, action)| action.is_of(at));
        let can: Vec<_> = can.map(|(word, _)| format!("\"{word}\"")).collect();
        let (word, point) = (action.word(), at.word());
        let message = format!("\"{word}\" cannot follow at \"{point}\" ({})", section.title());
        section.fail(
            Problem::new(Rule::RuleAction, message, then.place.clone(), "not here")
                .help(format!("what can is {}", can.join(", "))),
        );
    }
    match (action == RuleAction::CoolDown, cool_down) {
        (true, None) => section.fail(
            Problem::new(
                Rule::RuleAction,
                format!("{} cools down, and does not say for how long", section.title()),
                then.place.clone(),
                "`cool_down_ms` is required with this",
            )
            .help("write cool_down_ms = 60_000"),
        ),
        (false, Some(cool_down)) => section.fail(Problem::new(
            Rule::RuleAction,
            format!("{} has a time to cool down, and does not", section.title()),
            cool_down.place.clone(),
            "only with then = \"cool down\"",
        )),
        _ => {}
    }
    if at == RulePoint::Hedge && !repairs {
        section.fail(
            Problem::new(
                Rule::RuleHedge,
                format!("{} is asked before hedging, and nothing is repaired", section.title()),
                section.place().clone(),
                "never asked",
            )
            .help("write repair_tries and repair_within_ms at the spread"),
        );
    }
}

fn compiled(
    section: &Section<'_>,
    when: &Written<String>,
    point: RulePoint,
    legs: &[&str],
) -> Option<Program> {
    match compile(&when.value, point, legs) {
        Ok(program) => Some(program),
        Err(fault) => {
            let rule = match fault.kind {
                FaultKind::Syntax => Rule::RuleSyntax,
                FaultKind::Word => Rule::RuleWord,
                FaultKind::Unit => Rule::RuleUnit,
                FaultKind::Number => Rule::RuleNumber,
                FaultKind::Size => Rule::RuleSize,
            };
            let place = within(&when.place, &when.value, &fault.span);
            let message = format!("`when` of {}: {}", section.title(), fault.message);
            section.fail(Problem::new(rule, message, place, "here").help(fault.help));
            None
        }
    }
}

/// The place of a part of a text: the text itself where its quotes hide where a part of it lies.
fn within(place: &Place, text: &str, part: &std::ops::Range<usize>) -> Place {
    let quotes = place.span.len().saturating_sub(text.len());
    // One quote on each side, or three. Anything else has characters that are written otherwise.
    let opening = match quotes {
        2 => 1,
        6 => 3,
        _ => return place.clone(),
    };
    // What is missing at the end is shown at its last character.
    let start = (place.span.start + opening + part.start).min(place.span.end - opening - 1);
    let end = (place.span.start + opening + part.end).max(start + 1);
    Place { file: place.file, span: start..end }
}

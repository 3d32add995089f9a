//! `[control]` and `[[operator]]`: who may command the engine while it runs, and what.

use super::access::Refused;
use super::error::{Problem, Report, Rule};
use super::names::{Names, Registry};
use super::section::{Section, Written};
use super::source::Place;
use super::spread::Spread;
use super::value::{Complaint, boolean, line, name, text_of, whole, word};
use crate::audit::note::{Purpose, VerifierKey};
use crate::control::scope::{Kind, Named};
use crate::control::verb::Verb;
use crate::governance::person::Role;
use std::path::PathBuf;

/// How long a command may be valid if nothing is written: long enough to bring it to a second
/// person at another desk.
const VALID_SECONDS: u32 = 300;

/// The channel that operators command a running engine through.
#[derive(Clone, Debug)]
pub struct Control {
    /// Where the socket is; `None`: `control.sock` beside the record.
    pub socket: Option<PathBuf>,
    /// For how long a command may be valid, in seconds.
    pub valid_seconds: u32,
    /// Who may give commands; at least one.
    pub operators: Vec<Operator>,
}

/// Somebody who may give commands.
#[derive(Clone, Debug)]
pub struct Operator {
    /// The name, which the key bears too.
    pub name: String,
    /// The number in records; above 0.
    pub id: u32,
    /// The public key.
    pub key: VerifierKey,
    /// What this operator may order.
    pub commands: Vec<Verb>,
    /// About what.
    pub scopes: Vec<Named>,
    /// Whether this can be the second signature under a command of another.
    pub may_second: bool,
    /// What this person may do with the register of `[governance]`; none where there is none.
    pub roles: Vec<Written<Role>>,
}

impl Operator {
    /// Whether the person has a role.
    #[must_use]
    pub fn has(&self, role: Role) -> bool {
        self.roles.iter().any(|written| written.value == role)
    }

    /// Whether the person may approve of something.
    #[must_use]
    pub fn may_approve(&self) -> bool {
        Role::APPROVING.iter().any(|role| self.has(*role))
    }
}

/// What scopes can name.
pub(super) struct Known<'k> {
    pub names: &'k Registry,
    pub spread_names: &'k Names,
    pub spreads: &'k [Option<Spread>],
}

impl Known<'_> {
    /// Whether something has that name. Of a spread that cannot be read account and strategy are
    /// not known, and nothing is said of them.
    fn has(&self, scope: &Named) -> bool {
        let Named::Of(kind, name) = scope else { return true };
        let mut spreads = self.spreads.iter();
        match kind {
            Kind::Spread => self.spread_names.position(name).is_some(),
            Kind::Instrument => self.names.instruments.position(name).is_some(),
            Kind::Gateway => self.names.gateways.position(name).is_some(),
            Kind::Account => {
                spreads.any(|row| row.as_ref().is_none_or(|row| row.account.value == *name))
            }
            Kind::Strategy => {
                spreads.any(|row| row.as_ref().is_none_or(|row| row.strategy == *name))
            }
        }
    }
}

/// Reads both kinds of section: there is a socket and somebody who may use it, or neither.
pub(super) fn control(
    control: Option<Section<'_>>,
    operators: Vec<Section<'_>>,
    known: &Known<'_>,
    report: &Report,
) -> Result<Option<Control>, Refused> {
    Names::gather("operator", &operators, report);
    let Some(section) = control else {
        let Some(first) = operators.first() else { return Ok(None) };
        let message = "there is an [[operator]] and no [control] to command through";
        let problem = Problem::new(Rule::Uncontrolled, message, first.place().clone(), "no socket");
        report.add(problem.help("write [control]; it may be empty"));
        return Err(Refused);
    };
    if operators.is_empty() {
        let place = section.place().clone();
        let message = "there is a control socket, and nobody may use it";
        let problem = Problem::new(Rule::Uncontrolled, message, place, "no [[operator]]");
        report.add(problem.help("write an [[operator]] with name, id, key and commands"));
        return Err(Refused);
    }
    let read: Vec<_> = operators.into_iter().map(|section| operator(section, known)).collect();
    let read: Option<Vec<_>> = read.into_iter().collect();
    let operators = match read {
        Some(operators) if check(&operators, report) => {
            operators.into_iter().map(|(operator, _)| operator).collect()
        }
        _ => Vec::new(),
    };
    let is_read = !operators.is_empty();
    let control = Control {
        socket: section.optional("socket", line(100)).map(|path| path.value.into()),
        valid_seconds: section
            .optional("valid_seconds", whole(10..=3_600))
            .map_or(VALID_SECONDS, |seconds| seconds.value),
        operators,
    };
    section.finish(control).filter(|_| is_read).map(Some).ok_or(Refused)
}

/// Where things of an operator are written.
struct Places {
    id: Place,
    key: Place,
    commands: Place,
}

fn operator(section: Section<'_>, known: &Known<'_>) -> Option<(Operator, Places)> {
    let called = section.required("name", name);
    let id = section.required("id", whole(1..=999_999_u32));
    let written = section.required("key", line(1_024));
    let roles = roles(&section);
    // Somebody may have a say in the register and command nothing.
    let commands = if section.has("commands") || roles.is_empty() {
        section.list("commands", word(Verb::WORDS))
    } else {
        section.absent::<()>("commands");
        Vec::new()
    };
    let scopes = if section.has("scopes") {
        section.list("scopes", |value| {
            text_of(value)?.parse::<Named>().map_err(|why| {
                Complaint::new(Rule::UnknownWord, format!("names {why}"), "no scope")
            })
        })
    } else {
        vec![Written { value: Named::All, place: section.place().clone() }]
    };
    for scope in scopes.iter().filter(|scope| !known.has(scope)) {
        let message =
            format!("`scopes` of {} names {}, which there is none of", section.title(), {
                &scope.value
            });
        section.fail(Problem::new(Rule::UnknownReference, message, scope.place.clone(), "unknown"));
    }
    let is_idle = commands.is_empty() && roles.is_empty();
    for (what, is_empty) in [("commands", is_idle), ("scopes", scopes.is_empty())] {
        if is_empty && !section.is_broken() {
            let message = format!("`{what}` of {} is empty: nothing is allowed", section.title());
            let place = section.place().clone();
            section.fail(Problem::new(Rule::OutOfBounds, message, place, "empty"));
        }
    }
    let may_second = section.optional("second", boolean).is_some_and(|second| second.value);
    let key = (!written.value.is_empty()).then(|| key(&section, &written, &called.value)).flatten();
    let commands_place =
        commands.first().map_or_else(|| section.place().clone(), |first| first.place.clone());
    let places = Places { id: id.place, key: written.place, commands: commands_place };
    let parts = key.map(|key| Operator {
        name: called.value,
        id: id.value,
        key,
        commands: commands.into_iter().map(|verb| verb.value).collect(),
        scopes: scopes.into_iter().map(|scope| scope.value).collect(),
        may_second,
        roles,
    });
    section.finish(parts).flatten().map(|operator| (operator, places))
}

/// The roles of a person, each once.
fn roles(section: &Section<'_>) -> Vec<Written<Role>> {
    if !section.has("roles") {
        return section.absent::<Vec<_>>("roles").unwrap_or_default();
    }
    let roles = section.list("roles", word(Role::WORDS));
    for (at, role) in roles.iter().enumerate() {
        let is_again = roles[..at].iter().any(|before| before.value == role.value);
        if is_again {
            let (title, word) = (section.title(), role.value.word());
            let message = format!("`roles` of {title} has \"{word}\" twice");
            let place = role.place.clone();
            let problem = Problem::new(Rule::GovernanceRoles, message, place, "again");
            section.fail(problem.help("write each role once"));
        }
    }
    roles
}

fn key(section: &Section<'_>, text: &Written<String>, name: &str) -> Option<VerifierKey> {
    let why = match VerifierKey::parse(&text.value) {
        Ok(key) if key.purpose() != Purpose::Log => "it is a witness's key".to_owned(),
        Ok(key) if key.name() != name => format!("it bears the name {:?}", key.name()),
        Ok(key) => return Some(key),
        Err(error) => error.to_string(),
    };
    let message = format!("`key` of {} is not the public key of {name}: {why}", section.title());
    let problem = Problem::new(Rule::OperatorKey, message, text.place.clone(), "not this key");
    section.fail(problem.help(format!(
        "{name} makes one with `xmc control keygen FILE --name {name}`, and tells what it prints"
    )));
    None
}

/// That they are different people, and that what takes two can be signed by two.
fn check(operators: &[(Operator, Places)], report: &Report) -> bool {
    let mut is_right = true;
    let mut wrong = |problem: Problem| {
        report.add(problem);
        is_right = false;
    };
    for (place, (operator, at)) in operators.iter().enumerate() {
        for (other, before) in &operators[..place] {
            let again = |what: &str, at: &Place, before: &Place| {
                let (one, two) = (&other.name, &operator.name);
                let message = format!("{one} and {two} have the same {what}");
                Problem::new(Rule::OperatorTwice, message, at.clone(), "again here")
                    .also(before, "first here")
                    .help("two signatures are to be of two people: each has a key of their own")
            };
            if operator.id == other.id {
                wrong(again("number", &at.id, &before.id));
            }
            if operator.key.bytes() == other.key.bytes() {
                wrong(again("key", &at.key, &before.key));
            }
        }
        let second = operators.iter().any(|(one, _)| one.may_second && one.id != operator.id);
        // Limits can be lowered by one.
        let mut commands = operator.commands.iter();
        if let Some(verb) = commands.find(|verb| verb.allows_more())
            && !second
        {
            let message = format!(
                "{} may give {verb}, which two people sign, and nobody else may sign second",
                operator.name
            );
            let place = at.commands.clone();
            let problem = Problem::new(Rule::NoSecond, message, place, "never done");
            wrong(problem.help("write `second = true` in another [[operator]]"));
        }
    }
    is_right
}

//! `[governance]`: a configuration that trades only once people have approved of it
//! (`crate::governance`), and who those people are.
//!
//! People are the `[[operator]]`s, with `roles`. What is wrong with a register, or whether anybody
//! has approved, is not looked at here.

use super::access::Refused;
use super::control::Control;
use super::error::{Problem, Report, Rule};
use super::section::{Section, Written};
use super::source::{Place, Sources};
use super::value::{line, name};
use crate::governance::person::{ItemKind, Role};
use std::fs;
use std::path::PathBuf;

/// What is governed, and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Governance {
    /// The register: a file, or the directory of one; relative to the working directory.
    pub register: PathBuf,
    /// Who owns what, in the order of `ItemKind::ALL`.
    owners: Vec<String>,
}

impl Governance {
    /// Who owns what is of this kind.
    #[must_use]
    pub fn owner(&self, kind: ItemKind) -> &str {
        let at = ItemKind::ALL.iter().position(|known| *known == kind);
        at.and_then(|at| self.owners.get(at)).map_or("", String::as_str)
    }
}

/// The key that names the owner.
fn owner_key(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::Model => "model_owner",
        ItemKind::Formula => "formula_owner",
        ItemKind::Target => "target_owner",
        ItemKind::Limit => "limit_owner",
    }
}

/// Reads the section, if there is one. `control` is what was read of people; of people who could
/// not be read nothing more is said.
pub(super) fn governance(
    section: Option<Section<'_>>,
    control: &Result<Option<Control>, Refused>,
    sources: &Sources,
    report: &Report,
) -> Result<Option<Governance>, Refused> {
    let Some(section) = section else {
        let control = control.as_ref().ok().and_then(Option::as_ref);
        return roles_of_nothing(control, report).map(|()| None);
    };
    let place = section.place().clone();
    let register = section.required("register", line(400));
    let owners = ItemKind::ALL.map(|kind| section.required(owner_key(kind), name));
    let Some((register, owners)) = section.finish((register, owners)) else { return Err(Refused) };
    let problems = match control {
        Err(Refused) => return Err(Refused),
        Ok(None) => vec![
            Problem::new(
                Rule::Ungoverned,
                "there is a [governance], and nobody who could approve of anything",
                place,
                "no people",
            )
            .help("write [control], which may be empty, and an [[operator]] with roles for each"),
        ],
        Ok(Some(control)) => {
            let mut problems: Vec<_> =
                owners.iter().filter_map(|owner| not_an_owner(owner, control)).collect();
            problems.extend(not_its_own(&register, sources));
            problems.extend(nobody_to_approve(control, place));
            problems
        }
    };
    if problems.is_empty() {
        let owners = owners.into_iter().map(|owner| owner.value).collect();
        return Ok(Some(Governance { register: register.value.into(), owners }));
    }
    problems.into_iter().for_each(|problem| report.add(problem));
    Err(Refused)
}

/// Roles are of a register.
fn roles_of_nothing(control: Option<&Control>, report: &Report) -> Result<(), Refused> {
    let mut operators = control.iter().flat_map(|control| &control.operators);
    let Some(first) = operators.find_map(|one| one.roles.first()) else { return Ok(()) };
    let message = "an [[operator]] has roles, and there is no [governance] to have them in";
    let problem = Problem::new(Rule::GovernanceRoles, message, first.place.clone(), "no register");
    report.add(problem.help("write [governance] with register and owners, or leave roles out"));
    Err(Refused)
}

fn not_an_owner(owner: &Written<String>, control: &Control) -> Option<Problem> {
    let found = control.operators.iter().find(|one| one.name == owner.value);
    let why = match found {
        Some(one) if one.has(Role::Owner) => return None,
        Some(_) => "who has not the role \"owner\"",
        None => "who is no [[operator]]",
    };
    let message = format!("what is governed is owned by \"{}\", {why}", owner.value);
    let problem = Problem::new(Rule::GovernanceOwner, message, owner.place.clone(), "not an owner");
    let owners: Vec<_> = control.operators.iter().filter(|one| one.has(Role::Owner)).collect();
    let owners: Vec<_> = owners.iter().map(|one| one.name.as_str()).collect();
    Some(problem.help(match &owners[..] {
        [] => "write roles = [\"owner\"] in an [[operator]]".to_owned(),
        owners => format!("owners are: {}", owners.join(", ")),
    }))
}

/// A register is appended to: as a file of the configuration it would change its digest.
fn not_its_own(register: &Written<String>, sources: &Sources) -> Option<Problem> {
    let whole = |path: &std::path::Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let wanted = whole(register.value.as_ref());
    let taken = sources.files().iter().any(|file| whole(&file.path) == wanted);
    taken.then(|| {
        let message = format!("the register {} is a file of the configuration", register.value);
        let place = register.place.clone();
        Problem::new(Rule::GovernanceRegister, message, place, "read as configuration")
            .help("name a file of its own: each entry would make another configuration of it")
    })
}

/// Whatever somebody proposes, two others approve of, with every role between them.
fn nobody_to_approve(control: &Control, place: Place) -> Option<Problem> {
    let people = &control.operators;
    let mut proposers = people.iter().filter(|one| one.has(Role::Proposer)).peekable();
    let (message, help) = if proposers.peek().is_none() {
        let message = "nobody may propose a change".to_owned();
        (message, "write roles = [\"proposer\"] in an [[operator]]".to_owned())
    } else {
        let lacks = |proposer: &str| {
            let others: Vec<_> = people.iter().filter(|one| one.name != proposer).collect();
            let approvers = others.iter().filter(|one| one.may_approve()).count();
            let missing =
                Role::APPROVING.iter().find(|role| !others.iter().any(|one| one.has(**role)));
            match missing {
                Some(role) => Some(format!("nobody else has the role \"{}\"", role.word())),
                None if approvers < 2 => Some("only one other may approve".to_owned()),
                None => None,
            }
        };
        let (proposer, why) = proposers.find_map(|one| Some((&one.name, lacks(&one.name)?)))?;
        let message = format!("what {proposer} proposes nobody can approve: {why}");
        let help = "two people who have not proposed it approve, and between them they have the \
                    roles that it asks for: owner, risk, compliance";
        (message, help.to_owned())
    };
    Some(Problem::new(Rule::GovernancePeople, message, place, "could never be met").help(help))
}

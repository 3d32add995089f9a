//! `[governance]` and `roles`: what can be written, and what is refused where.

use super::{base, load, sample};
use crate::governance::rig::{Rig, section};
use cross_market_connect::config::{self, Configuration, Invalid, Rule};
use cross_market_connect::governance::person::{ItemKind, Person, Role};
use std::path::Path;

/// What stands there, and what is to stand there instead.
type Edits<'e> = &'e [(&'e str, &'e str)];

fn with(edits: Edits<'_>) -> Result<Configuration, Invalid> {
    let mut text = base() + &section(Path::new("register.jsonl"));
    for (find, replace) in edits {
        assert!(text.contains(find), "there is no {find:?} to replace");
        text = text.replacen(find, replace, 1);
    }
    load(&text)
}

/// The only complaint, and the line that it points at.
fn only(read: Result<Configuration, Invalid>) -> (Rule, String) {
    let invalid = read.expect_err("it is refused");
    let [problem] = &invalid.problems[..] else { panic!("{}", invalid.render(false)) };
    assert!(problem.help.is_some(), "it says what to do: {invalid}");
    let place = problem.place.as_ref().expect("it is shown where");
    let (line, _) = invalid.sources.line_and_column(place);
    let text = &invalid.sources.file(place).text;
    (problem.rule, text.lines().nth(line - 1).unwrap_or("").to_owned())
}

#[test]
fn people_and_owners_are_read() {
    let config = with(&[]).unwrap_or_else(|bad| panic!("{}", bad.render(false)));
    let governance = config.governance.as_ref().expect("it is governed");
    assert_eq!(governance.register, Path::new("register.jsonl"));
    let owners = ItemKind::ALL.map(|kind| governance.owner(kind));
    assert_eq!(owners, ["olga", "olga", "eve", "eve"]);
    let people = Person::of(&config);
    let roles: Vec<_> = people.iter().map(|one| (&*one.name, one.roles.clone())).collect();
    assert_eq!(roles[1], ("olga", vec![Role::Owner]));
    assert_eq!(roles[4], ("eve", vec![Role::Proposer, Role::Owner, Role::Risk]));
    let operators = &config.control.as_ref().expect("it is there").operators;
    assert!(operators.iter().all(|one| one.commands.is_empty()), "roles command nothing");
    assert!(load(&base()).expect("the sample").governance.is_none());
}

#[test]
fn what_could_not_govern_is_refused() {
    let cases: [(Edits<'_>, Rule, &str); 7] = [
        (&[("model_owner = \"olga\"", "model_owner = \"zoe\"")], Rule::GovernanceOwner, "zoe"),
        (&[("limit_owner = \"eve\"", "limit_owner = \"rita\"")], Rule::GovernanceOwner, "rita"),
        (
            &[("roles = [\"risk\"]", "roles = [\"risk\", \"risk\"]")],
            Rule::GovernanceRoles,
            "\"risk\", \"risk\"",
        ),
        (
            &[("roles = [\"proposer\"]", "roles = [\"owner\"]"), ("\"proposer\", ", "")],
            Rule::GovernancePeople,
            "[governance]",
        ),
        (
            &[("roles = [\"compliance\"]", "commands = [\"kill\"]")],
            Rule::GovernancePeople,
            "[governance]",
        ),
        // What eve proposes has nobody else for limits.
        (&[("roles = [\"risk\"]", "roles = [\"owner\"]")], Rule::GovernancePeople, "[governance]"),
        (
            &[("register = \"register.jsonl\"", "register = \"test.toml\"")],
            Rule::GovernanceRegister,
            "test.toml",
        ),
    ];
    for (edits, rule, wanted) in cases {
        let (found, line) = only(with(edits));
        assert_eq!(found, rule, "{edits:?}");
        assert!(line.contains(wanted), "{wanted}: {line}");
    }
    for (edit, rule) in [
        (("roles = [\"risk\"]", "roles = [\"risk\", \"boss\"]"), Rule::UnknownWord),
        (("register = \"register.jsonl\"\n", ""), Rule::MissingKey),
        (("[governance]\n", "[governance]\nregistry = \"x\"\n"), Rule::UnknownKey),
    ] {
        let invalid = with(&[edit]).expect_err("it is refused");
        let rules: Vec<_> = invalid.problems.iter().map(|problem| problem.rule).collect();
        assert_eq!(rules, [rule], "{invalid}");
    }
}

#[test]
fn a_register_has_people_and_people_a_register() {
    let text = section(Path::new("register.jsonl"));
    let (governance, control) = text.split_once("[control]").expect("both");
    let control = format!("[control]{control}");
    assert_eq!(only(load(&(base() + governance))), (Rule::Ungoverned, "[governance]".to_owned()));
    let (rule, line) = only(load(&(base() + "\n" + &control)));
    assert_eq!((rule, line.as_str()), (Rule::GovernanceRoles, "roles = [\"proposer\"]"));
}

/// By what a file is and not how it is called.
#[test]
fn a_register_is_none_of_the_files_that_are_included() {
    let rig = Rig::new("govern_included");
    let limits = rig.scratch.path("more.toml");
    std::fs::write(&limits, section(&rig.scratch.path("./more.toml"))).expect("a file");
    let topology = sample("topology_one_core.toml");
    let text = std::fs::read_to_string(sample("replay_calendar.toml")).expect("the sample");
    let include = format!("include = [{topology:?}, {limits:?}]");
    let text = text.replace("include = [\"topology_one_core.toml\"]", &include);
    let read = config::load_text(&rig.scratch.path("main.toml"), &text);
    assert_eq!(only(read).0, Rule::GovernanceRegister);
}

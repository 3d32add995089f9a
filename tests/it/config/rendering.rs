//! How errors look, and errors that span files.

use super::{edited, load};
use cross_market_connect::cli::Exit;
use cross_market_connect::config::{self, Invalid, Rule};
use std::fs;
use std::path::{Path, PathBuf};

/// A folder of its own for a test that needs files.
fn folder(name: &str, files: &[(&str, &str)]) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("config").join(name);
    fs::create_dir_all(&folder).expect("a folder for the test");
    for (file, text) in files {
        fs::write(folder.join(file), text).expect("a file for the test");
    }
    folder
}

fn refused(folder: &Path, file: &str) -> Invalid {
    config::load(&folder.join(file)).expect_err("must be refused")
}

#[test]
fn a_core_given_twice_looks_as_rustc_would_show_it() {
    let edits = [("idle = \"yield\"", "idle = \"spin\""), ("idle = \"sleep\"", "idle = \"spin\"")];
    let invalid = load(&edited(&edits)).expect_err("must be refused");
    let expected = "\
error[XMC-C014]: core 0 is given to two busy-polling executors
   --> test.toml:152:8
    |
147 | core = 0
    |        - first used here
...
152 | core = 0
    |        ^ a pinned spinning thread must own its core
    |
    = help: give one of them another core, or all stages one executor: polling in turn costs nothing

1 error; nothing was started
";
    assert_eq!(invalid.render(false), expected);
}

#[test]
fn colour_only_when_asked_for() {
    let invalid = load(&edited(&[("desk_id = 1", "desk_id = 0")])).expect_err("must be refused");
    assert!(!invalid.render(false).contains('\u{1b}'));
    assert!(invalid.render(true).contains('\u{1b}'));
}

#[test]
fn one_line_per_problem_for_logs() {
    let edits = [("desk_id = 1", "desk_id = 0"), ("fires_per_window = 20", "fires_per_window = 0")];
    let invalid = load(&edited(&edits)).expect_err("must be refused");
    assert_eq!(
        invalid.to_string(),
        "test.toml:8:11: XMC-C010: `desk_id` of [engine] is 0, and must be from 1 to 255\n\
         test.toml:15:20: XMC-C010: `fires_per_window` of [logic] is 0, and must be from 1 to 63"
    );
}

#[test]
fn only_safety_ends_with_its_own_exit_code() {
    let live = ("mode = \"paper\"", "mode = \"live\"");
    let recover = ("\"assume_empty\"", "\"recover\"");
    let exit = |edits: &[_]| load(&edited(edits)).expect_err("must be refused").exit();
    assert_eq!(exit(&[live, recover]), Exit::Refused);
    assert_eq!(exit(&[live, recover, ("desk_id = 1", "desk_id = 0")]), Exit::Usage);
}

#[test]
fn a_circle_of_includes_shows_the_chain() {
    let files = [
        ("a.toml", "include = [\"b.toml\"]"),
        ("b.toml", "include = [\"c.toml\"]"),
        ("c.toml", "include = [\"b.toml\"]"),
    ];
    let invalid = refused(&folder("circle", &files), "a.toml");
    let cycle = &invalid.problems.iter().find(|problem| problem.rule == Rule::IncludeCycle);
    let cycle = cycle.expect("the circle is found");
    let names: Vec<_> =
        cycle.message.split(" -> ").map(|path| path.rsplit('/').next().unwrap_or(path)).collect();
    assert_eq!(names, ["b.toml", "c.toml", "b.toml"]);
    let place = cycle.place.as_ref().expect("a place");
    assert!(invalid.sources.file(place).path.ends_with("c.toml"));
}

#[test]
fn a_file_is_included_once() {
    let files = [
        ("a.toml", "include = [\"b.toml\", \"./b.toml\"]"),
        ("b.toml", "[logic]\nfires_per_window = 3"),
    ];
    let invalid = refused(&folder("twice", &files), "a.toml");
    assert!(invalid.problems.iter().any(|problem| problem.rule == Rule::IncludedTwice));
    let quoted: Vec<_> = invalid
        .problems
        .iter()
        .filter(|problem| problem.rule == Rule::IncludedTwice)
        .filter_map(|problem| Some(invalid.sources.quote(problem.place.as_ref()?)))
        .collect();
    assert_eq!(quoted, ["\"./b.toml\""]);
}

#[test]
fn no_file_overrides_another_silently() {
    let files = [
        ("a.toml", "include = [\"b.toml\"]\n[logic]\nfires_per_window = 3\n"),
        ("b.toml", "[logic]\nack_timeout_ms = 1\nfires_per_window = 20\n"),
    ];
    let invalid = refused(&folder("override", &files), "a.toml");
    let twice: Vec<_> =
        invalid.problems.iter().filter(|problem| problem.rule == Rule::SetTwice).collect();
    let [problem] = twice[..] else { panic!("not found once: {invalid}") };
    let file = |place| invalid.sources.file(place).path.file_name().expect("named").to_owned();
    assert_eq!(file(problem.place.as_ref().expect("a place")), "b.toml");
    assert_eq!(file(&problem.related[0].0), "a.toml");
    let rendered = invalid.render(false);
    assert!(rendered.contains("first set here") && rendered.contains("set again here"));
    assert!(!rendered.contains("`ack_timeout_ms` of [logic] is set twice"));
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let invalid = refused(&folder("absent", &[]), "nothing.toml");
    assert_eq!(invalid.problems[0].rule, Rule::Unreadable);
    assert!(invalid.render(false).contains("nothing.toml"));
}

#[test]
fn every_rule_says_what_it_is() {
    for rule in Rule::ALL {
        assert!(rule.meaning().ends_with('.') && !rule.meaning().starts_with(' '), "{rule:?}");
    }
}

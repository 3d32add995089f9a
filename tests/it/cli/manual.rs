//! `xmc completions` and `xmc man` as shells and `man` take them, and colours that nobody wants.

use crate::journal::scratch::Scratch;
use crate::shared::is_required;
use serde_json::Value;
use std::io::Write;
use std::process::{Command, Output, Stdio};

fn xmc(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xmc")).args(args).output().expect("xmc runs")
}

/// Has bash run a script.
fn bash(script: &str) -> Output {
    let mut child = Command::new("bash")
        .args(["--norc", "-s"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("bash is there");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(script.as_bytes()).expect("bash reads");
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

#[test]
fn bash_takes_the_completions_and_completes() {
    let output = xmc(&["completions", "bash"]);
    assert!(output.status.success(), "{output:?}");
    let script = String::from_utf8(output.stdout).expect("it is text");
    for (words, wanted, unwanted) in [
        ("xmc met", "metrics", "top"),
        ("xmc metrics --li", "--listen", "--once"),
        ("xmc audit ver", "verify", "prove"),
        ("xmc demo --met", "--metrics", "--seconds"),
    ] {
        let last = words.split(' ').count() - 1;
        let word = words.split(' ').next_back().expect("a word");
        let asked = format!(
            "{script}\nCOMP_WORDS=({words}); COMP_CWORD={last}\n_xmc xmc {word} ''\n\
             printf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
        );
        let answer = bash(&asked);
        let said = String::from_utf8_lossy(&answer.stdout);
        assert!(answer.status.success() && answer.stderr.is_empty(), "{answer:?}");
        let has = |word: &str| said.lines().any(|line| line == word);
        assert!(has(wanted) && !has(unwanted), "{words}: {said}");
    }
}

#[test]
fn other_shells_have_completions_and_json_has_the_script() {
    for (shell, mark) in [("zsh", "#compdef xmc"), ("fish", "complete -c xmc")] {
        let output = xmc(&["completions", shell]);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains(mark), "{shell}: {said}");
        assert!(said.contains("metrics"), "{shell}");
    }
    let told = xmc(&["completions", "bash", "--json"]);
    let told: Value = serde_json::from_slice(&told.stdout).expect("it is JSON");
    assert_eq!((&told["schema"], &told["shell"]), (&"xmc.completions".into(), &"bash".into()));
    assert!(told["script"].as_str().is_some_and(|script| script.contains("_xmc")));
    assert_eq!(xmc(&["completions", "ksh"]).status.code(), Some(3));
}

#[test]
fn every_command_has_a_page_that_groff_sets_without_a_warning() {
    let scratch = Scratch::new("manual");
    let pages = scratch.path("man/man1");
    let path = pages.to_str().expect("it is text");
    let output = xmc(&["man", path, "--json"]);
    let told: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let count = told["pages"].as_array().expect("a list").len();
    assert!(count > 50, "{told}");
    for (page, says) in [
        ("xmc.1", "cross\\-market"),
        ("xmc-metrics.1", "\\-\\-listen"),
        ("xmc-audit-verify.1", "\\-\\-witness"),
    ] {
        let text = std::fs::read_to_string(pages.join(page)).expect("it was written");
        assert!(text.to_lowercase().contains(says), "{page}: {text}");
    }
    let groff = || Command::new("groff");
    if groff().arg("--version").output().is_err() {
        assert!(!is_required("groff"), "XMC_REQUIRE names groff, but it does not start");
        eprintln!("SKIPPED for want of groff: Debian's package `groff-base`");
        return;
    }
    for page in std::fs::read_dir(&pages).expect("it is there") {
        let page = page.expect("it has a name").path();
        let set = groff().args(["-man", "-ww", "-z", "-Tutf8", "-Kutf8"]).arg(&page).output();
        let set = set.expect("groff runs");
        let said = String::from_utf8_lossy(&set.stderr);
        assert!(set.status.success() && said.is_empty(), "{}: {said}", page.display());
    }
}

/// What a command writes to a terminal, both streams; `None`, said loudly, where there is none.
fn on_a_terminal(line: &str, no_color: Option<&str>) -> Option<String> {
    let mut command = Command::new("script");
    command.args(["-q", "-c", line, "/dev/null"]).env("TERM", "xterm-256color");
    command.env("SHELL", "/bin/sh").env_remove("NO_COLOR").stdin(Stdio::null());
    if let Some(value) = no_color {
        command.env("NO_COLOR", value);
    }
    match command.output() {
        Ok(output) => Some(String::from_utf8_lossy(&output.stdout).into_owned()),
        Err(error) => {
            assert!(!is_required("script"), "XMC_REQUIRE names script: {error}");
            eprintln!("SKIPPED for want of the program `script` (bsdutils)");
            None
        }
    }
}

/// Whether something is coloured, bold or the like: `ESC [ .. m` (ECMA-48, SGR).
fn has_style(text: &str) -> bool {
    text.split("\x1b[").skip(1).any(|rest| {
        let end = rest.find(|char: char| !char.is_ascii_digit() && char != ';');
        end.is_some_and(|end| rest[end..].starts_with('m'))
    })
}

/// A terminal gets colours where there are any, and not with `NO_COLOR`.
#[test]
fn nothing_is_coloured_for_those_who_say_no_color() {
    let scratch = Scratch::new("no_color");
    let wrong = scratch.path("wrong.toml");
    std::fs::write(&wrong, "[engine]\nsite = \"x\"\n").expect("a file of its own");
    let program = env!("CARGO_BIN_EXE_xmc");
    let wrong = wrong.display();
    for line in [
        format!("{program} plan {wrong}"),
        format!("{program} --help"),
        format!("{program} metrics names --colour"),
        format!("{program} conformance dstar --only O7"),
    ] {
        let Some(coloured) = on_a_terminal(&line, None) else { return };
        let plain = on_a_terminal(&line, Some("1")).expect("it was there before");
        assert!(has_style(&coloured), "{line} has no colour to take away: {coloured}");
        assert!(!has_style(&plain), "{line}: {plain:?}");
        // Empty is as if it were not there (no-color.org).
        let empty = on_a_terminal(&line, Some("")).expect("it was there before");
        assert!(has_style(&empty), "{line}: {empty}");
    }
}

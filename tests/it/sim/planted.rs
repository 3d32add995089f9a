//! Does the simulator find bugs? Some are planted, one at a time, and it has to find each of them.
//!
//! `planted.toml` lists them in the words of the code. All go into one copy of the sources, each
//! behind a number (`planted(7)`), so that the copy is compiled once; the number comes from the
//! environment. The sources themselves know nothing of it. Each bug is looked for by the desk
//! level, then by every sequence of order news, then by the wire level, at most with what the gate
//! runs. A bug that is not found is a fault of the checkers or of what is generated.
//!
//! `XMC_PLANTED=all` does it (`scripts/planted`), `XMC_PLANTED=7,12` for these alone; without it
//! only the list is looked at.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, io, thread};

use serde::Deserialize;

use super::{number, say};

/// Bugs that there must be at least.
const LEAST: usize = 32;

/// How long one level may take over one bug.
const PATIENCE: Duration = Duration::from_secs(1_200);

/// Called first in the copy's `main`.
const SET: &str = "    let number = std::env::var(\"XMC_BUG\").ok();
    let number = number.and_then(|number| number.parse().ok()).unwrap_or(0);
    xmc_hotpath::PLANTED.store(number, std::sync::atomic::Ordering::Relaxed);
";

/// At the end of the copy's hot path.
const GET: &str = "
/// The bug that is planted; 0 for none.
pub static PLANTED: core::sync::atomic::AtomicU32 = core::sync::atomic::AtomicU32::new(0);

/// Whether bug `number` is planted.
#[inline]
pub fn planted(number: u32) -> bool {
    PLANTED.load(core::sync::atomic::Ordering::Relaxed) == number
}
";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    bug: Vec<Bug>,
}

/// One bug.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bug {
    name: String,
    /// The famous failure, or the kind of mistake.
    class: String,
    file: String,
    /// An expression of the file.
    original: String,
    /// What stands there instead.
    bug: String,
    /// Invariants, of which one should find it.
    breaks: Vec<String>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn list() -> Vec<Bug> {
    let text = fs::read_to_string(root().join("tests/it/sim/planted.toml"));
    toml::from_str::<List>(&text.expect("the list is there")).expect("a list of bugs").bug
}

/// `text` with the bugs of `file` in it; or what is wrong with the list.
fn plant(text: &str, file: &str, bugs: &[Bug]) -> Result<String, String> {
    let mut originals = Vec::new();
    for bug in bugs.iter().filter(|bug| bug.file == file) {
        if !originals.contains(&bug.original.as_str()) {
            originals.push(&bug.original);
        }
    }
    let mut places = Vec::new();
    for original in originals {
        let found: Vec<_> = text.match_indices(original).map(|(at, _)| at).collect();
        let [at] = found[..] else {
            return Err(format!("{file} has `{original}` {} times", found.len()));
        };
        places.push((at, original));
    }
    places.sort_unstable();
    let mut planted = String::new();
    let mut done = 0;
    for (at, original) in places {
        let Some(before) = text.get(done..at) else {
            return Err(format!("{file}: `{original}` lies within another one"));
        };
        planted.push_str(before);
        planted.push('(');
        for (bug, number) in bugs.iter().zip(1..) {
            if bug.file == file && bug.original == original {
                planted.push_str(&format!("if crate::planted({number}) {{ {} }} else ", bug.bug));
            }
        }
        planted.push_str(&format!("{{ {original} }})"));
        done = at + original.len();
    }
    planted.push_str(&text[done..]);
    Ok(planted)
}

#[test]
fn every_original_is_there_once() {
    let bugs = list();
    assert!(bugs.len() >= LEAST, "{} bugs", bugs.len());
    let files: BTreeSet<_> = bugs.iter().map(|bug| bug.file.as_str()).collect();
    for file in files {
        let text = fs::read_to_string(root().join(file));
        let text = text.unwrap_or_else(|error| panic!("{file}: {error}"));
        plant(&text, file, &bugs).unwrap_or_else(|what| panic!("{what}: mend planted.toml"));
    }
    let names: BTreeSet<_> = bugs.iter().map(|bug| &bug.name).collect();
    assert_eq!(names.len(), bugs.len(), "each has a name of its own");
    for bug in &bugs {
        let is_said = !bug.class.is_empty() && !bug.breaks.is_empty();
        assert!(is_said && bug.bug != bug.original, "{}: says what and why", bug.name);
    }
}

#[test]
fn the_copy_is_another_package() {
    for part in ["Cargo.lock", "Cargo.toml"] {
        let text = fs::read_to_string(root().join(part)).expect("a file of the workspace");
        let count = renamed(&text).matches("-planted\"").count();
        // The version of the workspace and the program twice; each of three packages.
        assert_eq!(count, 3, "{part}");
    }
}

#[test]
fn a_bug_stands_beside_what_it_replaces() {
    let bug = |original: &str, bug: &str| Bug {
        name: String::new(),
        class: String::new(),
        file: "a.rs".to_owned(),
        original: original.to_owned(),
        bug: bug.to_owned(),
        breaks: Vec::new(),
    };
    let bugs = [bug("b + 1", "b"), bug("a < 2", "a <= 2"), bug("b + 1", "0")];
    let planted = plant("if a < 2 { b + 1 }", "a.rs", &bugs).expect("both are there once");
    let first = "(if crate::planted(2) { a <= 2 } else { a < 2 })";
    let second = "(if crate::planted(1) { b } else if crate::planted(3) { 0 } else { b + 1 })";
    assert_eq!(planted, format!("if {first} {{ {second} }}"));
    assert_eq!(plant("a", "b.rs", &bugs).as_deref(), Ok("a"));
    assert!(plant("if a < 2 {}", "a.rs", &bugs).is_err(), "one is missing");
    assert!(plant("b + 1; b + 1; a < 2", "a.rs", &bugs).is_err(), "one is there twice");
    let within = [bug("b + 1", "b"), bug("a + b", "a")];
    assert!(plant("a + b + 1", "a.rs", &within).is_err(), "one lies within the other");
}

/// Writes `text` if the file says something else, so that what is the same is not compiled again.
fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    if fs::read(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    fs::create_dir_all(path.parent().expect("a file lies in a directory"))?;
    fs::write(path, text)
}

/// Copies a file or a folder of the project, with the bugs in it.
fn copy(from: &Path, to: &Path, bugs: &[Bug]) -> io::Result<()> {
    let path = root().join(from);
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            let name = entry?.file_name();
            if name != "target" {
                copy(&from.join(&name), to, bugs)?;
            }
        }
        return Ok(());
    }
    let file = from.to_str().expect("names are UTF-8");
    if !file.ends_with(".rs") {
        return write(&to.join(from), &fs::read(path)?);
    }
    let mut text = plant(&fs::read_to_string(path)?, file, bugs).map_err(io::Error::other)?;
    match file {
        "hotpath/src/lib.rs" => text.push_str(GET),
        "src/main.rs" => {
            let main = text.find("fn main()").and_then(|at| Some(at + text[at..].find('{')? + 2));
            text.insert_str(main.expect("`main` has a body"), SET);
        }
        _ => {}
    }
    write(&to.join(from), text.as_bytes())
}

/// The manifest or the lock with another version of our packages and another name of the program.
/// Cargo tells packages of workspaces apart by name and version, not by place: with the same ones
/// the copy would take the place of the sources' own libraries in the target directory.
fn renamed(text: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let [head, planted] = ["", "-planted"].map(|tail| format!("version = \"{version}{tail}\""));
    let mut text = text.replace("\"xmc\"", "\"xmc-planted\"");
    let ours = ["cross_market_connect", "xmc-hotpath", "xmc-probe"];
    let places = ours.map(|name| format!("name = \"{name}\"\n"));
    for place in places.iter().map(String::as_str).chain(["[workspace.package]\n"]) {
        text = text.replace(&format!("{place}{head}"), &format!("{place}{planted}"));
    }
    text
}

/// The program with all bugs in it, none of them chosen. It shares the dependencies of this test.
fn build(bugs: &[Bug]) -> PathBuf {
    let test = env::current_exe().expect("this test is a program");
    let profile = test.ancestors().nth(2).expect("it lies in `deps` of a profile");
    let target = profile.parent().expect("a profile lies in a target directory");
    let scratch = target.join("planted");
    for part in ["benches", "config", "hotpath", "src"] {
        copy(Path::new(part), &scratch, bugs).unwrap_or_else(|error| panic!("{part}: {error}"));
    }
    for part in ["Cargo.lock", "Cargo.toml"] {
        let text = fs::read_to_string(root().join(part)).expect("a file of the workspace");
        write(&scratch.join(part), renamed(&text).as_bytes()).expect("the scratch is writable");
    }
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--bin", "xmc-planted"])
        .current_dir(&scratch)
        .env("CARGO_TARGET_DIR", target)
        .output()
        .expect("cargo runs");
    // What it warns of are the bugs.
    let said = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "the bugs do not compile:\n{said}");
    target.join("debug/xmc-planted")
}

/// What `xmc sim --json` says of a run.
#[derive(Deserialize)]
struct Told {
    schedules: u64,
    broken: Option<Broken>,
}

#[derive(Deserialize)]
struct Broken {
    invariant: String,
    seed: u64,
}

/// Runs one level with one bug; `None` if it took too long.
fn simulate(program: &Path, bug: u32, level: &[String]) -> Option<Told> {
    let mut child = Command::new(program)
        .args(["--json", "sim"])
        .args(level)
        .env("XMC_BUG", bug.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let start = Instant::now();
    while child.try_wait().expect("it can be waited for").is_none() {
        if start.elapsed() > PATIENCE {
            child.kill().expect("it can be ended");
            child.wait().expect("it has ended");
            return None;
        }
        thread::sleep(Duration::from_millis(5));
    }
    let printed = child.wait_with_output().expect("it has ended").stdout;
    let told = serde_json::from_slice(&printed);
    Some(told.unwrap_or_else(|error| {
        panic!("bug {bug}, {level:?}: {error} in {}", String::from_utf8_lossy(&printed))
    }))
}

/// Where a bug was found.
struct Found {
    level: &'static str,
    broken: Broken,
    took: Duration,
}

fn look_for(program: &Path, bug: u32) -> Option<Found> {
    let (desk, wire) = (number("XMC_SIM_SCHEDULES", 100_000), number("XMC_SIM_WIRE", 5_000));
    let depth = number("XMC_SIM_DEPTH", 4);
    let start = Instant::now();
    let levels =
        [("desk", "--seeds", desk), ("sequences", "--depth", depth), ("wire", "--seeds", wire)];
    levels.into_iter().find_map(|(level, how, amount)| {
        let args = ["--level", level, how, &amount.to_string()].map(str::to_owned);
        let broken = simulate(program, bug, &args)?.broken?;
        Some(Found { level, broken, took: start.elapsed() })
    })
}

#[test]
fn the_simulator_finds_every_bug() {
    let Ok(wanted) = env::var("XMC_PLANTED") else {
        say("planted bugs: left out; scripts/planted looks for each of them");
        return;
    };
    let bugs = list();
    let program = build(&bugs);
    let none = simulate(&program, 0, &["--seeds", "5000"].map(str::to_owned)).expect("in time");
    assert!(none.broken.is_none() && none.schedules == 5_000, "without a bug nothing is found");
    println!("{:>3}  {:<10} {:>10} {:>7}  {:<16} bug", "", "level", "schedules", "s", "breaks");
    let (mut amounts, mut missed) = (Vec::new(), Vec::new());
    for (bug, number) in bugs.iter().zip(1_u32..) {
        let is_wanted = |word: &str| word == "all" || word == number.to_string();
        if !wanted.split(',').any(is_wanted) {
            continue;
        }
        let of = format!("{} ({})", bug.name, bug.class);
        let Some(Found { level, broken, took }) = look_for(&program, number) else {
            println!("{number:>3}  NOT FOUND  {:>37} {of}", "");
            missed.push(number);
            continue;
        };
        let seconds = took.as_secs_f64();
        let is_expected = bug.breaks.contains(&broken.invariant);
        let breaks = format!("{}{}", broken.invariant, if is_expected { "" } else { " (!)" });
        println!("{number:>3}  {level:<10} {:>10} {seconds:>7.1}  {breaks:<16} {of}", broken.seed);
        amounts.push((broken.seed, number));
    }
    amounts.sort_unstable();
    let median = amounts.get(amounts.len() / 2).map_or(0, |(amount, _)| *amount);
    let (worst, worst_bug) = amounts.last().copied().unwrap_or_default();
    println!(
        "{} found; schedules until then: median {median}, worst {worst} (bug {worst_bug})",
        amounts.len()
    );
    assert!(missed.is_empty(), "not found: {missed:?}: mend the checkers or what is generated");
}

//! `xmc bench`: the judge against noise that is made up here, and the command with programs that
//! print what a script says.

use super::text_of;
use crate::journal::scratch::Scratch;
use cross_market_connect::cli::bench::judge::{
    self, Effect, FAIL, Round, Verdict, again, effect, judge, median,
};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Rounds of noise as it was measured: a percent and a half either way, now and then five percent
/// for a whole run, and `slower` on top of the new program's.
fn rounds(seed: u64, count: usize, slower: f64) -> Vec<Round> {
    let mut draw = fastrand::Rng::with_seed(seed);
    let mut sample = |base: f64| {
        let outlier = if draw.u8(..20) == 0 { 0.05 } else { 0.0 };
        base * (1.0 + (draw.f64() - 0.5) * 0.03 + outlier)
    };
    (0..count)
        .map(|_| {
            let first = sample(7.0);
            let new = [sample(7.0 * (1.0 + slower)), sample(7.0 * (1.0 + slower))];
            Round { old: [first, sample(7.0)], new }
        })
        .collect()
}

/// What two passes say, as the command does it.
fn said(seed: u64, slower: f64) -> Verdict {
    let first = judge(&effect(&rounds(seed, 8, slower)).expect("there are rounds"));
    if first != Verdict::Slower {
        return first;
    }
    again(&effect(&rounds(seed + 1_000_000, 8, slower)).expect("there are rounds"))
}

#[test]
fn ten_percent_are_found_and_nothing_is_not() {
    for seed in 0..200 {
        assert_eq!(said(seed, 0.10), Verdict::Slower, "seed {seed}");
        assert_eq!(said(seed, 0.0), Verdict::Same, "seed {seed}");
        assert_eq!(said(seed, -0.10), Verdict::Faster, "seed {seed}");
    }
}

#[test]
fn four_percent_are_told_and_no_finding() {
    let told = (0..100).filter(|seed| said(*seed, 0.04) == Verdict::Warned).count();
    assert!(told > 90, "{told} of 100");
    assert!((0..100).all(|seed| said(seed, 0.04) != Verdict::Slower));
}

/// A machine that was busy through one pass is not believed.
#[test]
fn what_is_not_there_again_is_no_finding() {
    let second = effect(&rounds(4, 8, 0.0)).expect("there are rounds");
    assert_eq!(again(&second), Verdict::NotRepeated);
    let slower = Effect { change: FAIL + 0.001, low: 0.001, high: 0.2 };
    assert_eq!(judge(&slower), Verdict::Slower);
    assert_eq!(judge(&Effect { low: -0.001, ..slower }), Verdict::Same);
}

#[test]
fn the_middle_is_the_middle() {
    assert_eq!(median([3.0, 1.0, 2.0].into_iter()), Some(2.0));
    assert_eq!(median([4.0, 1.0, 2.0, 3.0].into_iter()), Some(2.5));
    assert_eq!(median(std::iter::empty()), None);
    assert_eq!(judge::effect(&[]), None);
    let one = Round { old: [2.0, 2.0], new: [3.0, 3.0] };
    let exact = effect(&[one; 4]).expect("there are rounds");
    assert_eq!(exact, Effect { change: 0.5, low: 0.5, high: 0.5 });
}

/// A program that prints these lines; `decode` and `fire` in picoseconds.
fn program(place: &Scratch, name: &str, figures: &[(&str, &str, u64, &str)]) -> PathBuf {
    let path = place.path(name);
    let mut list = String::new();
    let mut minima = String::new();
    for (bench, figure, picoseconds, digest) in figures {
        list.push_str(&format!("echo '{bench}|{figure}|hot_{bench}'\n"));
        minima.push_str(&format!(
            "[ \"$1\" = {bench} ] && echo 'minimum|{figure}|{picoseconds}|1000000|{digest}'\n"
        ));
    }
    let text = format!("#!/bin/sh\nif [ \"$1\" = list ]; then\n{list}exit 0; fi\n{minima}exit 0\n");
    fs::write(&path, text).expect("the place is ours");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("the file is ours");
    path
}

/// How the command ended, and what it printed.
struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

fn run(arguments: &[&str]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_xmc")).args(arguments).output();
    let output = output.expect("xmc runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    let code = output.status.code().expect("it ends by itself");
    Ran { code, stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn compared(old: &Path, new: &Path, out: Option<&Path>, json: bool) -> Ran {
    let mut arguments = vec!["bench", "compare", "--rounds", "4"];
    if json {
        arguments.insert(0, "--json");
    }
    arguments.extend([old, new].map(text_of));
    if let Some(place) = out {
        arguments.extend(["--out", text_of(place)]);
    }
    run(&arguments)
}

const OLD: [(&str, &str, u64, &str); 3] = [
    ("decode", "entry", 6_000, "aa"),
    ("desk", "fire", 150_000, "bb"),
    ("desk", "no trigger", 42_000, "cc"),
];

#[test]
fn the_slower_function_is_named_in_every_form() {
    let place = Scratch::new("bench_slower");
    let old = program(&place, "old", &OLD);
    let slower = [OLD[0], ("desk", "fire", 165_000, "bb"), OLD[2]];
    let new = program(&place, "new", &slower);
    let kept = place.path("kept");
    let ran = compared(&old, &new, Some(&kept), false);
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("slower: hot_desk (desk, fire) by 10.0 %"), "{}", ran.stdout);
    let read = |name: &str| fs::read_to_string(kept.join(name)).expect("it was written");
    assert!(read("verdict.md").contains("slower: hot_desk (desk, fire) by 10.0 %"));
    let html = read("verdict.html");
    assert!(html.contains("slower: hot_desk (desk, fire) by 10.0 %"));
    assert!(html.contains("<tr class=\"slower\">"), "{html}");

    // The next night is a line more, and the same programs are as quick as themselves.
    let ran = compared(&old, &old, Some(&kept), true);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let verdicts: Vec<_> = report["rows"].as_array().expect("rows").iter().collect();
    assert!(verdicts.iter().all(|row| row["verdict"] == "same"), "{report}");
    let history = read("history.jsonl");
    let nights: Vec<serde_json::Value> =
        history.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(nights.len(), 2);
    assert_eq!(nights[0]["rows"][1]["verdict"], "slower");
    assert!(read("verdict.html").contains("150.00 to 165.00 ns"), "both nights are on the page");
}

#[test]
fn what_computes_something_else_is_not_compared() {
    let place = Scratch::new("bench_other");
    let old = program(&place, "old", &OLD);
    let other = [
        ("decode", "entry", 9_000, "other"),
        ("desk", "no trigger", 42_000, "cc"),
        ("encode", "new", 3_000, "dd"),
    ];
    let new = program(&place, "new", &other);
    let ran = compared(&old, &new, None, true);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let verdict = |figure: &str| {
        let rows = report["rows"].as_array().expect("rows");
        let row = rows.iter().find(|row| row["figure"] == figure).expect("a row");
        row["verdict"].as_str().expect("a verdict").to_owned()
    };
    assert_eq!(verdict("entry"), "computes-other");
    assert_eq!(verdict("fire"), "gone");
    assert_eq!(verdict("no trigger"), "same");
    assert_eq!(verdict("new"), "new");
}

#[test]
fn what_is_no_program_of_ours_is_refused() {
    let place = Scratch::new("bench_refused");
    let old = program(&place, "old", &OLD);
    let missing = place.path("missing");
    let ran = compared(&old, &missing, None, false);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("cargo build --release --example counts"), "{}", ran.stderr);

    let silent = program(&place, "silent", &[]);
    let ran = compared(&old, &silent, None, false);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("printed no figure"), "{}", ran.stderr);

    let nothing = program(&place, "nothing", &[("desk", "fire", 0, "bb")]);
    let ran = compared(&nothing, &old, None, false);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("takes no time"), "{}", ran.stderr);

    let baseline = place.path("baseline.json");
    for (text, said) in [
        ("{\"commit\": \"main\", \"why\": \"w\"}", "is no commit's hash"),
        ("{\"commit\": \"0123456\", \"why\": \" \"}", "`why` is empty"),
        ("{\"commit\": \"0123456\", \"why\": \"w\", \"x\": 1}", "unknown field"),
        ("{\"commit\": \"00000000000000\", \"why\": \"w\"}", "does not have"),
    ] {
        fs::write(&baseline, text).expect("the place is ours");
        let kept = place.path("kept");
        let (path, kept) = (text_of(&baseline), text_of(&kept));
        let ran = run(&["bench", "nightly", "--baseline", path, "--out", kept]);
        assert_eq!(ran.code, 3, "{text}: {}", ran.stderr);
        assert!(ran.stderr.contains(said), "{text}: {}", ran.stderr);
    }
}

//! `xmc govern` as a program, from the first proposal to an engine that starts under it, and what
//! an auditor sees of that.

use super::{report_of, text_of};
use crate::journal::scratch::Scratch;
use crate::shared;
use cross_market_connect::config;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const CAPTURE: &str = "captures/cme/mdp3_v6_ch340_20161112.pcapng";

const PEOPLE: [(&str, &str); 4] = [
    ("pat", "\"proposer\""),
    ("olga", "\"owner\""),
    ("rita", "\"risk\""),
    ("carl", "\"compliance\""),
];

/// Files of people, a configuration that they govern, and its register.
struct Stand {
    scratch: Scratch,
    config: PathBuf,
}

impl Stand {
    /// Of the configuration `text`.
    fn new(name: &str, text: &str) -> Self {
        let scratch = Scratch::new(name);
        let config = scratch.path("governed.toml");
        let register = scratch.path("books");
        let mut text = format!(
            "{text}\n[governance]\nregister = {register:?}\nmodel_owner = \"olga\"\n\
             formula_owner = \"olga\"\ntarget_owner = \"olga\"\nlimit_owner = \"olga\"\n\n\
             [control]\n"
        );
        for ((name, roles), id) in PEOPLE.into_iter().zip(1..) {
            let key = scratch.path(&format!("{name}.key"));
            let made = report_of(&["control", "keygen", text_of(&key), "--name", name]);
            let public = made.1["public_key"].as_str().expect("a key").to_owned();
            text.push_str(&format!(
                "\n[[operator]]\nname = \"{name}\"\nid = {id}\nkey = \"{public}\"\n\
                 roles = [{roles}]\n"
            ));
        }
        fs::write(&config, text).expect("a file");
        Self { scratch, config }
    }

    /// The demonstration, with the files that it includes beside it.
    fn demo(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
        let text = fs::read_to_string(folder.join("demo.toml")).expect("a sample");
        let stand = Self::new(name, &text);
        for file in ["demo_market.toml", "demo_limits.toml", "topology_demo_one_core.toml"] {
            fs::copy(folder.join(file), stand.scratch.path(file)).expect("a sample");
        }
        stand
    }

    /// What `by` signs: the command's first words, then what goes behind the configuration.
    fn sign(&self, by: &str, word: &str, more: &[&str]) -> (i32, Value) {
        let key = self.scratch.path(&format!("{by}.key"));
        let front = ["govern", word, text_of(&self.config), "--yes", "--reason", "a test"];
        report_of(&[&front[..], &["--key", text_of(&key)], more].concat())
    }

    fn ask(&self, word: &str, more: &[&str]) -> (i32, Value) {
        report_of(&[&["govern", word, text_of(&self.config)][..], more].concat())
    }

    fn register(&self) -> PathBuf {
        self.scratch.path("books").join("register.jsonl")
    }
}

fn xmc(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xmc"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(args).env("LANG", "C");
    command.output().expect("xmc runs")
}

fn ok((code, report): (i32, Value)) -> Value {
    assert_eq!(code, 0, "{report}");
    report
}

/// Refused with that exit code, in these words.
fn refused((code, why): (i32, Value), wanted: i32, words: &str) {
    let text = why.as_str().map_or_else(|| why.to_string(), str::to_owned);
    assert_eq!(code, wanted, "{text}");
    assert!(text.contains(words), "{words}: {text}");
}

/// An engine of the demonstration, for so long.
fn demo(config: &Path, record: &Path, seconds: &str) -> (i32, String) {
    let record = text_of(record);
    let output = xmc(&[
        "demo",
        "--plain",
        "--seconds",
        seconds,
        "--config",
        text_of(config),
        "--record",
        record,
    ]);
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().expect("it ends"), String::from_utf8_lossy(&said).into_owned())
}

/// Whether nothing was recorded in a directory: neither a journal nor who had approved.
fn is_empty(directory: &Path) -> bool {
    let Ok(files) = fs::read_dir(directory) else { return true };
    let names = files.map(|file| file.expect("it has a name").file_name());
    let mut names = names.map(|name| name.to_string_lossy().into_owned());
    !names.any(|name| name.ends_with(".xmj") || name.ends_with("governed.jsonl"))
}

#[test]
fn from_a_proposal_to_an_engine_that_starts_under_it() {
    let _alone = super::alone();
    let stand = Stand::demo("govern_demo");
    let (config, record) = (&stand.config, stand.scratch.path("record"));
    let path = |name: &str| stand.scratch.path(name);
    let (code, said) = demo(config, &record, "1");
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("xmc govern propose") && said.contains("not in register"), "{said}");
    assert!(is_empty(&record), "nothing was recorded");
    let elsewhere = stand.scratch.path("elsewhere");
    let words = ["run", "--unpinned", "--config", text_of(config), "--record", text_of(&elsewhere)];
    refused(report_of(&words), 4, "xmc govern propose");
    assert!(!elsewhere.exists(), "nothing was opened");
    // A day to try it on, recorded without governance.
    let day = path("day");
    let output = xmc(&["demo", "--json", "--seconds", "6", "--record", text_of(&day)]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");

    assert_eq!(stand.ask("diff", &[]).0, 1, "all of it is new");
    refused(stand.sign("rita", "propose", &[]), 4, "refused (wrong_role)");
    let proposed = ok(stand.sign("pat", "propose", &[]));
    let digest = config::load(config).expect("it loads").digest();
    assert_eq!((&proposed["entry"], &proposed["configuration"]), (&1.into(), &digest.into()));
    refused(stand.sign("rita", "approve", &[]), 4, "refused (no_evidence)");

    let report = |name: &str, more: &[&str]| {
        let words = ["backtest", text_of(&day), "--config", text_of(config), "--json"];
        let output = xmc(&[&words[..], more].concat());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        fs::write(path(name), &output.stdout).expect("a file");
        path(name)
    };
    let split = report("split.json", &["--split", "60%", "--seed", "3"]);
    let whole = report("whole.json", &[]);
    let data = ["--data", text_of(&day)];
    let attach = |words: &[&str]| stand.sign("pat", "attach", &[words, &data[..]].concat());
    let (split, whole) = (text_of(&split), text_of(&whole));
    refused(attach(&["--report", whole]), 3, "it is not split");
    refused(attach(&["--in-sample", split, "--out-of-sample", whole]), 3, "it is split");
    refused(attach(&["--in-sample", whole, "--out-of-sample", whole]), 4, "refused (overlap)");
    refused(attach(&["--report", text_of(config)]), 3, "no report");
    ok(attach(&["--report", split]));
    let (code, shown) = stand.ask("show", &[]);
    assert_eq!((code, &shown["standing"]), (1, &"waiting".into()), "{shown}");
    let evidence = &shown["evidence"][0]["evidence"];
    let told: Value = serde_json::from_slice(&fs::read(split).expect("a file")).expect("JSON");
    for (sample, from, until) in [
        ("in_sample", "begin_utc_ns", "split_utc_ns"),
        ("out_of_sample", "split_utc_ns", "end_utc_ns"),
    ] {
        let sample_of = &evidence[sample];
        assert_eq!(sample_of["seed"], 3);
        assert_eq!((&sample_of["from_ns"], &sample_of["until_ns"]), (&told[from], &told[until]));
        assert_eq!(sample_of["pairs"][1]["fires"], told["pairs"][1][sample]["fires"]);
        assert!(sample_of["command"].as_str().is_some_and(|one| one.contains("--split 60%")));
    }
    let lineage = &evidence["lineage"][0];
    assert_eq!(lineage["venues"], serde_json::json!(["cme", "shfe"]), "{lineage}");
    assert!(lineage["quality"]["quotes"].as_u64().is_some_and(|quotes| quotes > 100), "{lineage}");

    ok(stand.sign("rita", "approve", &[]));
    refused(stand.sign("rita", "approve", &[]), 4, "refused (twice)");
    refused(stand.sign("pat", "approve", &[]), 4, "refused (wrong_role)");
    refused(attach(&["--report", split]), 4, "refused (late_evidence)");
    ok(stand.sign("olga", "approve", &[]));
    let (code, said) = demo(config, &record, "1");
    assert_eq!((code, is_empty(&record)), (4, true), "{said}");
    assert!(said.contains("somebody with the role compliance"), "{said}");
    let later = ["--from", "2099-01-01T00:00:00Z"];
    let waits = ok(stand.sign("carl", "approve", &later));
    assert_eq!(waits["standing"], "not yet");
    let (code, said) = demo(config, &record, "1");
    assert_eq!((code, said.contains("2099-01-01T00:00:00Z")), (4, true), "{said}");

    // Approved anew, from now on.
    ok(stand.sign("carl", "withdraw", &[]));
    ok(stand.sign("pat", "propose", &[]));
    ok(attach(&["--report", split]));
    for by in ["rita", "olga", "carl"] {
        ok(stand.sign(by, "approve", &[]));
    }
    let listed = ok(stand.ask("list", &[]));
    let standings: Vec<_> =
        (0..2).map(|row| listed["proposals"][row]["standing"].as_str()).collect();
    assert_eq!(standings, [Some("withdrawn"), Some("in effect")]);
    let (code, said) = demo(config, &record, "3");
    assert!([0, 1].contains(&code), "{said}");
    let words = "Governed: version 2 (entry 7) approved by rita (risk) and olga (owner) and carl \
                 (compliance)";
    assert!(said.contains(words), "{said}");
    audited(&stand, &record);
    after_a_change(&stand, &record);
}

/// What an auditor sees of the record, and that it is looked at again.
fn audited(stand: &Stand, record: &Path) {
    let audit = || report_of(&["audit", "verify", text_of(record)]);
    let whole = ok(audit());
    let run = &whole["governed"][0];
    assert_eq!((&run["run"], &run["finding"]), (&1.into(), &Value::Null), "{whole}");
    assert_eq!(run["governed"]["version"], 2);
    let names: Vec<_> =
        (0..3).map(|row| run["governed"]["approved_by"][row]["name"].as_str()).collect();
    assert_eq!(names, [Some("rita"), Some("olga"), Some("carl")]);
    let list = record.join("governed.jsonl");
    let kept = fs::read_to_string(&list).expect("it is there");
    let finding = |edit: &dyn Fn(&str) -> Option<String>| {
        match edit(&kept) {
            Some(text) => fs::write(&list, text).expect("it is ours"),
            None => fs::remove_file(&list).expect("it is ours"),
        }
        let (code, told) = audit();
        fs::write(&list, &kept).expect("it is ours");
        let why = told["governed"][0]["finding"].as_str().unwrap_or("nothing").to_owned();
        assert_eq!((code, &told["finding"]), (1, &Value::Null), "{told}");
        why
    };
    let other = finding(&|text| Some(text.replace("\"carl\"", "\"mona\"")));
    assert!(other.contains("others had approved"), "{other}");
    let digest = whole["governed"][0]["governed"]["configuration"].as_str().expect("a digest");
    let other = finding(&|text| Some(text[..text.len() - 20].to_owned()));
    assert!(other.contains("remove that line"), "it was cut off: {other}");
    let other = finding(&|text| Some(text.replace(digest, &"00".repeat(32))));
    assert!(other.contains("another configuration"), "{other}");
    assert!(finding(&|_| None).contains("nothing here says who approved"), "it was taken away");
    // A backtest asks nobody, and says so.
    let again = stand.scratch.path("again");
    let day = stand.scratch.path("day");
    let config = text_of(&stand.config);
    let words = ["backtest", text_of(&day), "--config", config, "--record", text_of(&again)];
    assert_eq!(xmc(&words).status.code(), Some(0));
    let told = ok(report_of(&["audit", "verify", text_of(&again)]));
    assert_eq!(told["governed"][0]["finding"], Value::Null, "{told}");
    let note = told["governed"][0]["note"].as_str().expect("a note");
    assert!(note.contains("a backtest or a replay asks nobody"), "{note}");
    let other = finding(&|_| Some("{}\n".to_owned()));
    assert!(other.contains("not as it was written"), "{other}");
    // What it was signed with lies beside it.
    let head = whole["governed"][0]["governed"]["head"].as_str().expect("a hash");
    let copy = record.join(format!("register.{}.jsonl", &head[..16]));
    let text = fs::read_to_string(&copy).expect("it is kept");
    assert_eq!(text, fs::read_to_string(stand.register()).expect("it is there"));
    fs::write(&copy, text.replacen("a test", "a jest", 1)).expect("it is ours");
    let (code, told) = audit();
    assert_eq!(code, 1, "{told}");
    assert!(told["governed"][0]["finding"].as_str().is_some_and(|why| why.contains("entry 1")));
    fs::write(&copy, text).expect("it is ours");
    ok(audit());
}

/// One limit changes, and the register is cut short: neither starts.
fn after_a_change(stand: &Stand, record: &Path) {
    let limits = stand.scratch.path("demo_limits.toml");
    let before = fs::read_to_string(&limits).expect("it is there");
    let line = before.lines().find(|line| line.starts_with("max_open_orders"));
    let line = line.expect("a limit");
    let after = before.replacen(line, "max_open_orders = 3", 1);
    fs::write(&limits, after).expect("it is ours");
    let (code, told) = stand.ask("diff", &[]);
    assert_eq!(code, 1, "{told}");
    let item = &told["items"][0];
    assert_eq!((&item["kind"], &item["asks_for"]), (&"limit".into(), &"risk".into()), "{told}");
    let written = format!("- {}", line.replace('_', ""));
    let lines = &item["lines"];
    assert_eq!(lines[0].as_str().map(|line| line.replace('_', "")), Some(written), "{told}");
    assert_eq!(lines[1], "+ max_open_orders = 3");
    let (code, said) = demo(&stand.config, record, "1");
    assert_eq!((code, said.contains("xmc govern propose")), (4, true), "{said}");
    fs::write(&limits, before).expect("it is ours");

    let register = stand.register();
    let text = fs::read_to_string(&register).expect("it is there");
    let verify = |more: &[&str]| stand.ask("verify", more);
    let whole = ok(verify(&["--record", text_of(record)]));
    assert_eq!((&whole["entries"], &whole["compared"]), (&11.into(), &1.into()), "{whole}");
    let head = format!("{}:{}", whole["entries"], whole["head"].as_str().expect("a hash"));
    let rule = |(code, told): (i32, Value)| {
        assert_eq!(code, 1, "{told}");
        (told["finding"]["entry"].clone(), told["finding"]["rule"].clone())
    };
    let shorter: String = text.split_inclusive('\n').take(10).collect();
    fs::write(&register, shorter).expect("it is ours");
    ok(verify(&[]));
    for more in [["--record", text_of(record)], ["--head", &head]] {
        assert_eq!(rule(verify(&more)), (11.into(), "cut".into()));
    }
    let (code, said) = demo(&stand.config, record, "1");
    assert_eq!((code, said.contains("fewer entries")), (4, true), "{said}");
    fs::write(&register, text.replacen("a test", "a jest", 1)).expect("it is ours");
    assert_eq!(rule(verify(&[])), (1.into(), "forged".into()));
    refused(stand.ask("list", &[]), 4, "entry 1");
    refused(stand.sign("pat", "propose", &[]), 4, "entry 1");
    fs::write(&register, text).expect("it is ours");
}

/// Data of a capture: its digest, packets and venue, beside what other commands say of it.
#[test]
fn a_capture_has_a_lineage() {
    let Some(capture) = shared::data(CAPTURE) else { return };
    let stand = Stand::new("govern_capture", &crate::firing::text());
    let config = text_of(&stand.config);
    ok(stand.sign("pat", "propose", &[]));
    let words = ["backtest", text_of(&capture), "--config", config, "--split", "50%", "--json"];
    let report = stand.scratch.path("report.json");
    fs::write(&report, xmc(&words).stdout).expect("a file");
    let more = ["--report", text_of(&report), "--data", text_of(&capture)];
    ok(stand.sign("pat", "attach", &more));
    let shown = stand.ask("show", &[]).1;
    let data = &shown["evidence"][0]["evidence"]["lineage"][0];
    let sum = Command::new("sha256sum").arg(&capture).output().expect("coreutils");
    let sum = String::from_utf8_lossy(&sum.stdout)[..64].to_owned();
    assert_eq!((&data["digest"], &data["files"][0]["sha256"]), (&sum.clone().into(), &sum.into()));
    let bytes = fs::metadata(&capture).expect("it is there").len();
    assert_eq!((&data["files"][0]["bytes"], &data["kind"]), (&bytes.into(), &"capture".into()));
    assert_eq!(data["venues"], serde_json::json!(["cbot"]));
    let (_, inspected) = report_of(&["inspect", text_of(&capture)]);
    let lines = inspected["lines"].as_array().expect("lines");
    let ours = lines.iter().filter(|line| {
        let group = line["group"].as_str().unwrap_or("");
        ["224.0.31.64:14340", "224.0.32.64:15340"].contains(&group)
    });
    let packets: u64 = ours.filter_map(|line| line["packets"].as_u64()).sum();
    assert!(packets > 0, "{inspected}");
    assert_eq!(data["quality"]["packets"], packets);
    assert_eq!(data["quality"]["decode_errors"], 0);
    // Other data than the report was made from.
    let other = stand.scratch.path("other.pcapng");
    let bytes = fs::read(&capture).expect("it is there");
    fs::write(&other, &bytes[..bytes.len() / 2]).expect("a file");
    let more = ["--report", text_of(&report), "--data", text_of(&other)];
    refused(stand.sign("pat", "attach", &more), 4, "refused (no_lineage)");
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let stand = Stand::demo("govern_refused");
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/demo.toml");
    let bare = report_of(&["govern", "list", text_of(&sample)]);
    refused(bare, 3, "has no [governance]");
    refused(stand.ask("show", &[]), 4, "nobody has proposed it");
    refused(stand.ask("show", &["--entry", "7"]), 4, "no_proposal");
    refused(stand.ask("verify", &[]), 2, "No such file");
    refused(stand.ask("verify", &["--head", "12"]), 3, "64 hexadecimal digits");
    let nobody = stand.scratch.path("nobody.key");
    let made = report_of(&["control", "keygen", text_of(&nobody), "--name", "nobody"]);
    ok(made);
    refused(stand.sign("nobody", "propose", &[]), 4, "refused (person)");
    let long = "x".repeat(201);
    let key = stand.scratch.path("pat.key");
    let words = ["govern", "propose", text_of(&stand.config), "--yes", "--key", text_of(&key)];
    refused(report_of(&[&words[..], &["--reason", &long]].concat()), 4, "refused (form)");
    // Nobody is there to be asked.
    let output = xmc(&[&words[..3], &words[4..], &["--reason", "a test"]].concat());
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let register = fs::read(stand.register()).unwrap_or_default();
    assert_eq!(register, b"", "nothing was written");
    ok(stand.sign("pat", "propose", &[]));
    // What people read before they sign, without JSON.
    let output = xmc(&["govern", "show", text_of(&stand.config)]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    for words in [
        "version 1 (entry 1)",
        "asks for risk",
        "waits for the approval of 2 more people",
        "people         pat (proposer) pat+",
        "rita (risk) rita+",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

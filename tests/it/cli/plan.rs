//! `xmc plan` as a program: what it prints, and how it ends.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Runs `xmc plan` in the project's folder, where the samples' names are short.
fn plan(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xmc"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .arg("plan")
        .args(args)
        .output()
        .expect("xmc runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// The sample with an edit, beside the sample so that its include is found.
fn broken(name: &str, find: &str, replace: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("plan");
    fs::create_dir_all(&folder).expect("a folder for the test");
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let sample = fs::read_to_string(samples.join("replay_calendar.toml")).expect("the sample");
    assert!(sample.contains(find), "the sample has no {find:?} to replace");
    let topology = samples.join("topology_one_core.toml");
    let sample = sample.replace("topology_one_core.toml", topology.to_str().expect("UTF-8"));
    let path = folder.join(name);
    fs::write(&path, sample.replace(find, replace)).expect("a file for the test");
    path
}

#[test]
fn the_plan_of_the_sample() {
    let output = plan(&["config/replay_calendar.toml", "--elsewhere"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let printed = text(&output.stdout);
    // The digest is of the sample's text, comments included: it is not what this test is about.
    let is_digest = |line: &&str| line.starts_with("  sha256");
    assert_eq!(printed.lines().filter(is_digest).count(), 1);
    let printed: Vec<_> = printed.lines().filter(|line| !is_digest(line)).collect();
    let expected: Vec<_> = include_str!("plan_replay_calendar.txt").lines().collect();
    assert_eq!(printed, expected, "\n{}\n", printed.join("\n"));
}

#[test]
fn no_line_is_too_long() {
    for sample in ["config/replay_calendar.toml", "config/generated.toml"] {
        let printed = text(&plan(&[sample, "--elsewhere"]).stdout);
        let longest = printed.lines().map(|line| line.chars().count()).max();
        assert!(longest.is_some_and(|columns| columns > 60 && columns <= 100), "{longest:?}");
    }
}

#[test]
fn json_holds_the_same_facts() {
    let output = plan(&["config/generated.toml", "--elsewhere", "--json"]);
    assert_eq!(output.status.code(), Some(0));
    let plan: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&plan["schema"], &plan["ok"]), (&"xmc.plan".into(), &true.into()));
    assert_eq!(plan["instruments"].as_array().map(Vec::len), Some(5));
    assert_eq!(plan["spreads"][1]["formula"], "- 1 * beans + 2.2 * meal + 11 * oil");
    assert_eq!(plan["spreads"][1]["legs"][0]["weight_q32"], -(1_i64 << 32));
    assert_eq!(plan["limits"]["global"]["rate_messages"], 200);
    assert_eq!(plan["host"], serde_json::Value::Null);
}

/// A feed past the kernel: what that needs, and what this host has of it.
#[test]
fn the_plan_of_a_port_says_what_it_needs_and_what_is_missing() {
    let line = "port = 14340 }";
    let path = broken("port.toml", line, "port = 14340, interface = \"nosuch0\" }\nport = \"xdp\"");
    let path = path.to_str().expect("UTF-8");
    let printed = text(&plan(&[path, "--elsewhere"]).stdout);
    let needs = "nosuch0    Linux 5.10, CAP_NET_RAW, CAP_NET_ADMIN, CAP_BPF";
    assert!(printed.contains("PORTS") && printed.contains(needs), "{printed}");
    assert!(printed.contains("xdp (native, else generic)"), "{printed}");
    assert!(!printed.contains("here:"), "{printed}");
    let printed = text(&plan(&[path]).stdout);
    assert!(printed.contains("here: there is no interface nosuch0"), "{printed}");
    assert!(printed.contains("here: the next best port is port = \"socket\""), "{printed}");
    let json: serde_json::Value =
        serde_json::from_slice(&plan(&[path, "--json"]).stdout).expect("JSON");
    assert_eq!(json["feeds"][0]["port"], "xdp (native, else generic)");
    let need = &json["ports"][0];
    assert_eq!((&need["stage"], &need["interface"]), (&"feed_cme".into(), &"nosuch0".into()));
    assert!(need["obstacles"].as_array().is_some_and(|obstacles| obstacles.len() >= 2), "{need}");
    let there = broken("port_lo.toml", line, "port = 14340, interface = \"lo\" }\nport = \"xdp\"");
    let printed = text(&plan(&[there.to_str().expect("UTF-8")]).stdout);
    assert!(printed.contains("1 receive queue;"), "{printed}");
}

#[test]
fn a_mode_belongs_to_its_port() {
    for (port, is_good) in [
        ("port = \"xdp\"\nxdp_mode = \"generic\"", true),
        ("port = \"xdp\"", true),
        ("port = \"socket\"", true),
        ("port = \"socket\"\nxdp_mode = \"generic\"", false),
        ("xdp_mode = \"native\"", false),
        ("port = \"xdp\"\nxdp_mode = \"best\"", false),
        ("port = \"dpdk\"", false),
    ] {
        let path = broken(
            "mode.toml",
            "join = \"assume_empty\"",
            &format!("{port}\njoin = \"assume_empty\""),
        );
        let output = plan(&[path.to_str().expect("UTF-8"), "--elsewhere"]);
        assert_eq!(output.status.success(), is_good, "{port}: {}", text(&output.stderr));
    }
}

#[test]
fn a_mistake_ends_with_3_and_goes_to_stderr() {
    let path = broken("mistake.toml", "tick_size = \"0.25\"", "tick_size = 0.25");
    let output = plan(&[path.to_str().expect("UTF-8"), "--elsewhere"]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(text(&output.stdout), "");
    let shown = text(&output.stderr);
    assert!(shown.starts_with("error[XMC-C009]: "), "{shown}");
    assert!(shown.contains("write it as text: \"0.25\""), "{shown}");
    assert!(!shown.contains('\u{1b}'), "no colour into a pipe");
}

#[test]
fn a_mistake_as_json_names_code_and_place() {
    let path = broken("mistake_json.toml", "max_units = 5", "max_units = 0");
    let output = plan(&[path.to_str().expect("UTF-8"), "--elsewhere", "--json"]);
    assert_eq!(output.status.code(), Some(3));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&report["schema"], &report["ok"]), (&"xmc.plan".into(), &false.into()));
    let problem = &report["problems"][0];
    assert_eq!((&problem["code"], &problem["place"]["text"]), (&"XMC-C010".into(), &"0".into()));
}

#[test]
fn live_is_refused_with_4() {
    let path = broken("live.toml", "mode = \"paper\"", "mode = \"live\"");
    let sample = fs::read_to_string(&path).expect("written above");
    fs::write(&path, sample.replace("assume_empty", "recover")).expect("written again");
    let output = plan(&[path.to_str().expect("UTF-8"), "--elsewhere"]);
    assert_eq!(output.status.code(), Some(4), "{}", text(&output.stderr));
    assert!(text(&output.stderr).starts_with("error[XMC-C041]: "));
}

#[test]
fn a_core_that_is_not_here_is_refused_unless_elsewhere() {
    let path = broken(
        "core.toml",
        "[engine]",
        "[[executor]]\ncore = 1023\nstages = [\"monitor\"]\n\
        idle = \"sleep\"\n\n[engine]",
    );
    let topology = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/topology_one_core.toml");
    let other = path.with_file_name("core_topology.toml");
    let text_without =
        fs::read_to_string(&topology).expect("the topology").replace(", \"monitor\"", "");
    fs::write(&other, text_without).expect("a file for the test");
    let sample = fs::read_to_string(&path).expect("written above");
    let name = topology.to_str().expect("UTF-8");
    fs::write(&path, sample.replace(name, "core_topology.toml")).expect("written again");
    let path = path.to_str().expect("UTF-8");
    let here = plan(&[path]);
    assert_eq!(here.status.code(), Some(3), "{}", text(&here.stderr));
    assert!(text(&here.stderr).contains("error[XMC-C016]: core 1023 is not online"));
    assert_eq!(plan(&[path, "--elsewhere"]).status.code(), Some(0));
}

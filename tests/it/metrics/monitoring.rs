//! The files in `config/monitoring`: rules with their own tests, and the dashboard, against the
//! table of names.

use super::has_prometheus;
use super::names::names;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config/monitoring")
}

pub fn dashboard() -> Value {
    let text = std::fs::read_to_string(folder().join("grafana/xmc.json")).expect("it is there");
    serde_json::from_str(&text).expect("it is JSON")
}

/// An expression and where it stands.
#[derive(Debug)]
pub struct Asked {
    pub place: String,
    pub expression: String,
}

/// Every expression of the dashboard, as a browser of one engine would ask it.
pub fn of_dashboard() -> Vec<Asked> {
    let dashboard = dashboard();
    let panels = dashboard["panels"].as_array().expect("a list").iter();
    let asked = panels.flat_map(|panel| {
        let title = panel["title"].as_str().expect("a title").to_owned();
        let targets = panel["targets"].as_array().cloned().unwrap_or_default();
        targets.into_iter().map(move |target| Asked {
            place: title.clone(),
            expression: target["expr"].as_str().expect("an expression").to_owned(),
        })
    });
    asked.collect()
}

/// Every expression of the rules: what follows `expr:`, on its line or folded below it.
pub fn of_rules() -> Vec<Asked> {
    let mut all = Vec::new();
    for file in ["recording.yml", "alerts.yml"] {
        let text = std::fs::read_to_string(folder().join("rules").join(file)).expect("it is there");
        let mut lines = text.lines().peekable();
        let mut place = String::new();
        while let Some(line) = lines.next() {
            let said = line.trim().trim_start_matches("- ");
            if let Some(name) = said.strip_prefix("record: ").or(said.strip_prefix("alert: ")) {
                name.clone_into(&mut place);
            }
            let Some(expression) = said.strip_prefix("expr: ") else { continue };
            let mut expression = expression.to_owned();
            if expression == ">-" {
                expression.clear();
                let indent = |line: &str| line.len() - line.trim_start().len();
                while let Some(more) = lines.next_if(|next| indent(next) > indent(line)) {
                    expression.push_str(more.trim());
                    expression.push(' ');
                }
            }
            all.push(Asked { place: place.clone(), expression });
        }
    }
    all
}

/// Names of metrics in an expression: those of engines, and those that rules record.
pub fn metrics(expression: &str) -> BTreeSet<String> {
    let is_name = |char: char| char.is_ascii_alphanumeric() || matches!(char, '_' | ':');
    let words = expression.split(|char| !is_name(char));
    let words = words.filter(|word| word.starts_with("xmc_") || word.contains(":xmc_"));
    words.map(str::to_owned).collect()
}

#[test]
fn rules_and_their_tests_pass_promtool() {
    if !has_prometheus() {
        return;
    }
    let promtool = |args: &[&str], within: &str| {
        let output =
            Command::new("promtool").args(args).current_dir(folder().join(within)).output();
        let output = output.expect("promtool runs");
        assert!(output.status.success(), "{args:?}: {output:?}");
    };
    promtool(&["check", "config", "prometheus.yml"], "");
    promtool(&["check", "rules", "recording.yml", "alerts.yml"], "rules");
    promtool(&["test", "rules", "tests.yml"], "rules");
}

#[test]
fn every_expression_asks_for_metrics_that_there_are() {
    let asked: Vec<_> = of_dashboard().into_iter().chain(of_rules()).collect();
    let names = names();
    let recorded: BTreeSet<_> =
        of_rules().into_iter().map(|asked| asked.place).filter(|name| name.contains(':')).collect();
    assert!(asked.len() > 80 && recorded.len() >= 10, "{} {}", asked.len(), recorded.len());
    for Asked { place, expression } in &asked {
        let found = metrics(expression);
        assert!(!found.is_empty() || expression.starts_with("up{"), "{place}: {expression}");
        for metric in found {
            let ends = ["_bucket", "_sum", "_count"];
            let base = ends.iter().find_map(|end| metric.strip_suffix(end)).unwrap_or(&metric);
            let is_part = names.get(base).is_some_and(|told| told.kind == "histogram");
            let is_there = names.contains_key(&metric) || is_part || recorded.contains(&metric);
            assert!(is_there, "{place} asks for {metric}, which there is not");
        }
    }
}

#[test]
fn the_dashboard_is_whole() {
    let dashboard = dashboard();
    assert_eq!(dashboard["uid"], "xmc-engine");
    assert!(dashboard["schemaVersion"].as_u64() >= Some(39));
    let variables = dashboard["templating"]["list"].as_array().expect("a list");
    assert_eq!(variables[0]["type"], "datasource");
    let panels = dashboard["panels"].as_array().expect("a list");
    let (mut ids, mut rows) = (BTreeSet::new(), Vec::new());
    for panel in panels {
        assert!(ids.insert(panel["id"].as_u64().expect("an id")), "{panel}");
        let title = panel["title"].as_str().expect("a title");
        if panel["type"] == "row" {
            rows.push(title.split(' ').next().expect("a word").trim_end_matches(','));
            continue;
        }
        let targets = panel["targets"].as_array().expect("a list");
        assert!(!targets.is_empty(), "{title} asks for nothing");
        for of in targets.iter().chain([panel]) {
            assert_eq!(of["datasource"]["uid"], "${datasource}", "{title}");
        }
    }
    assert_eq!(
        rows,
        ["Engine", "Pairs", "Latency", "Feeds", "Gateways", "Rings", "Record", "Host", "Alerts"]
    );
    // No two panels lie on each other.
    let cells = panels.iter().flat_map(|panel| {
        let at = |key: &str| panel["gridPos"][key].as_u64().expect("a place");
        let (x, y, width, height) = (at("x"), at("y"), at("w"), at("h"));
        assert!(x + width <= 24, "{panel}");
        (x..x + width).flat_map(move |x| (y..y + height).map(move |y| (x, y)))
    });
    let cells: Vec<_> = cells.collect();
    assert_eq!(cells.iter().collect::<BTreeSet<_>>().len(), cells.len());
}

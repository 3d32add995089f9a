//! A configuration as items: each setting of each file belongs to exactly one of them, so that no
//! change is of nothing.
//!
//! An item is what a section is for one purpose: `formula` and `target` of `spread cu_hg`, `limit`
//! of `limit instrument=cu`. Its text is one line for each setting, `leg[0].ratio = 1`, sorted; two
//! files that mean the same have the same items, wherever they put them. Values stand as written:
//! nothing here knows what a key means, but which purpose it serves (`purpose`). A file that is
//! only named, as the terms of `[capital]` are, is in no item: its name is.

use super::person::ItemKind;
use crate::config::Sources;
use crate::hex;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use toml::{Table, Value};

/// Which item: what it is, and its name, as `spread cu_hg`.
pub type Which = (ItemKind, String);

/// The items of a configuration, each with its lines.
pub type Items = BTreeMap<Which, Vec<String>>;

/// Sections whose settings are all limits: what may be exceeded by nobody, who may change that, and
/// what keeps money and people apart.
const LIMITS: &[&str] = &[
    "limit",
    "guard",
    "control",
    "operator",
    "governance",
    "compliance",
    "internal",
    "resync",
    "capital",
    "logic",
];

/// Settings of a spread, and of `[defaults]`, that say how its value is made.
const FORMULA: &[&str] = &["unit", "constant", "constant_name", "measure", "levels", "leg"];

/// Those that say what is aimed at.
const TARGET: &[&str] = &[
    "buy_open",
    "buy_close",
    "sell_open",
    "sell_close",
    "hysteresis",
    "open_hold_ms",
    "close_hold_ms",
    "clip_units",
    "cool_down_ms",
    "enabled",
];

/// Those that say what a spread may not do, and what then happens.
const BOUNDS: &[&str] = &[
    "max_units",
    "max_loss",
    "max_loss_stress",
    "max_quote_age_ms",
    "max_quote_skew_ms",
    "balance_tolerance",
    "breaker",
    "rule",
    "repair_tries",
    "repair_within_ms",
    "repair_max_cost",
    "repair_then",
];

/// What a setting of a section is for. What is in no list is part of the model.
fn purpose(section: &str, key: &str) -> ItemKind {
    let is_of_a_spread = section == "spread" || section == "defaults";
    match section {
        _ if LIMITS.contains(&section) => ItemKind::Limit,
        _ if !is_of_a_spread => ItemKind::Model,
        _ if FORMULA.contains(&key) => ItemKind::Formula,
        _ if TARGET.contains(&key) => ItemKind::Target,
        _ if BOUNDS.contains(&key) => ItemKind::Limit,
        _ => ItemKind::Model,
    }
}

/// The items of a configuration that has been checked.
///
/// # Errors
/// A file that is not TOML, which a checked one is.
pub fn divide(sources: &Sources) -> Result<Items, toml::de::Error> {
    let mut items = Items::new();
    let mut met = BTreeMap::<String, usize>::new();
    for file in sources.files() {
        let table: Table = toml::from_str(&file.text)?;
        for (section, value) in &table {
            match value {
                // Which files they are is told by their digests; what is in them, by the items.
                _ if section == "include" => {}
                Value::Table(settings) => add(&mut items, section, section, settings),
                Value::Array(tables) => {
                    for settings in tables.iter().filter_map(Value::as_table) {
                        let mut name = format!("{section} {}", name_of(settings));
                        let count = met.entry(name.clone()).or_default();
                        *count += 1;
                        if *count > 1 || name.ends_with(' ') {
                            name = format!("{}#{count}", name.trim_end());
                        }
                        add(&mut items, section, &name, settings);
                    }
                }
                value => {
                    let item = items.entry((ItemKind::Model, section.clone())).or_default();
                    item.push(format!("{section} = {}", written(value)));
                }
            }
        }
    }
    items.values_mut().for_each(|lines| lines.sort_unstable());
    Ok(items)
}

/// What a table among several is called.
fn name_of(settings: &Table) -> String {
    let text = |key: &str| settings.get(key).and_then(Value::as_str);
    if let Some(name) = text("name") {
        return name.to_owned();
    }
    let known = ["scope", "instrument", "account", "from", "to"];
    let parts = known.iter().filter_map(|key| Some(format!("{key}={}", text(key)?)));
    parts.collect::<Vec<_>>().join(" ")
}

fn add(items: &mut Items, section: &str, name: &str, settings: &Table) {
    if settings.is_empty() {
        // That it is there is what it says.
        let kind = purpose(section, "");
        items.entry((kind, name.to_owned())).or_default().push("(nothing)".to_owned());
    }
    for (key, value) in settings {
        let lines = items.entry((purpose(section, key), name.to_owned())).or_default();
        flatten(key, value, lines);
    }
}

/// One line for each value below `value`.
fn flatten(path: &str, value: &Value, lines: &mut Vec<String>) {
    match value {
        Value::Table(table) if !table.is_empty() => {
            for (key, value) in table {
                flatten(&format!("{path}.{key}"), value, lines);
            }
        }
        Value::Array(list) if list.iter().any(Value::is_table) => {
            for (index, value) in list.iter().enumerate() {
                flatten(&format!("{path}[{index}]"), value, lines);
            }
        }
        value => lines.push(format!("{path} = {}", written(value))),
    }
}

/// A value on one line: what toml writes is one for all but text of several.
fn written(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text:?}"),
        Value::Array(list) => {
            format!("[{}]", list.iter().map(written).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// SHA-256 over the lines, each with its end, in hexadecimal.
#[must_use]
pub fn digest(lines: &[String]) -> String {
    let mut hash = Sha256::new();
    for line in lines {
        hash.update(line.as_bytes());
        hash.update(b"\n");
    }
    hex::show(&hash.finalize())
}

/// What goes and what comes, line by line: `- buy_open = "1"`, `+ buy_open = "2"`, each beside the
/// other where a setting changes.
#[must_use]
pub fn difference(before: &[String], after: &[String]) -> Vec<String> {
    let (old, new) = (set(before), set(after));
    let gone = old.difference(&new).map(|line| (*line, '-'));
    let come = new.difference(&old).map(|line| (*line, '+'));
    let mut lines: Vec<_> = gone.chain(come).collect();
    let path = |line: &str| line.split(" = ").next().unwrap_or("").to_owned();
    lines.sort_by_key(|(line, sign)| (path(line), *sign == '+', (*line).to_owned()));
    lines.into_iter().map(|(line, sign)| format!("{sign} {line}")).collect()
}

fn set(lines: &[String]) -> BTreeSet<&str> {
    lines.iter().map(String::as_str).collect()
}

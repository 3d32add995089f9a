//! Which entry points the hot path has, and which of them the probe does not hold.
//!
//! The convention: a public function that is marked `#[inline]` and is not `const` runs on a hot
//! core, and one that is not marked is for the cold side. What is `#[inline(always)]` or `const` is
//! part of its caller. A stage is an entry point too. The probe holds a function if its name is
//! called there.

use super::source::{Part, Source, has_word, is_word};

/// Modules that offer no entry points: their marked functions read and write single fields.
const FIELDS: [&str; 1] = ["/layout"];

/// Entry points that the probe does not hold, each with where it stands.
pub fn missing(tree: &[Source]) -> Vec<String> {
    let probe: String = tree
        .iter()
        .filter(|source| source.path.starts_with("hotpath/probe/src/") && source.is_rust())
        .map(|source| source.only(&[Part::Code]))
        .collect();
    let mut missing = Vec::new();
    for source in tree.iter().filter(|source| source.path.starts_with("hotpath/src/")) {
        let code = source.only(&[Part::Code]);
        for (line, stage) in stages(&code) {
            if !has_word(&probe, &stage) {
                missing.push(source.finding(line, &format!("the stage `{stage}`")));
            }
        }
        if !FIELDS.iter().any(|fields| source.path.contains(fields)) {
            for (line, name) in marked_functions(&code) {
                if !calls(&probe, &name) {
                    missing.push(source.finding(line, &format!("the function `{name}`")));
                }
            }
        }
    }
    missing
}

/// The types that implement `Stage`, with their lines.
pub fn stages(code: &str) -> Vec<(usize, String)> {
    let stage = |(number, line): (usize, &str)| {
        let (before, after) = line.split_once(" Stage for ")?;
        let name: String = after.chars().take_while(|c| is_word(*c)).collect();
        (before.starts_with("impl") && !name.is_empty()).then_some((number, name))
    };
    code.lines().enumerate().filter_map(stage).collect()
}

/// The public functions that are marked `#[inline]`, with their lines.
pub fn marked_functions(code: &str) -> Vec<(usize, String)> {
    let mut is_marked = false;
    let mut found = Vec::new();
    for (number, line) in code.lines().enumerate() {
        let line = line.trim();
        if line == "#[inline]" {
            is_marked = true;
        } else if let Some(rest) = line.strip_prefix("pub fn ") {
            if is_marked {
                found.push((number, rest.chars().take_while(|c| is_word(*c)).collect()));
            }
            is_marked = false;
        } else if line.starts_with("pub ") || line.starts_with("fn ") || line.ends_with('}') {
            is_marked = false;
        }
    }
    found
}

fn calls(probe: &str, name: &str) -> bool {
    [format!("{name}("), format!("{name}::<")]
        .iter()
        .flat_map(|call| probe.match_indices(call))
        .any(|(at, _)| probe[..at].ends_with(['.', ':']))
}

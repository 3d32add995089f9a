//! A configuration as a proposal: what changes against the one that is in effect.

use super::entry::{FileDigest, ItemEntry, Proposal};
use super::fold::Fold;
use super::item::{self, Items};
use super::person::Person;
use crate::config::Configuration;
use crate::hex;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The proposal of `config` as the next entry behind `fold`, at a moment: where nothing is in
/// effect then, all of it is new.
///
/// # Errors
/// A file of the configuration that is not TOML, which a checked one is.
pub fn draft(
    fold: &Fold,
    config: &Configuration,
    at: Timestamp,
) -> Result<Proposal, toml::de::Error> {
    let now = item::divide(&config.sources)?;
    let base = fold.in_effect(at);
    let known = base.into_iter().flat_map(|case| &case.proposal.items);
    let mut known: BTreeMap<_, _> = known
        .filter(|item| item.after.is_some())
        .map(|item| ((item.kind, item.name.clone()), item))
        .collect();
    let owner = |kind| {
        let governance = config.governance.as_ref();
        governance.map_or("", |governance| governance.owner(kind)).to_owned()
    };
    let mut items: Vec<_> = now
        .into_iter()
        .map(|(which, lines)| {
            let before = known.remove(&which);
            let (kind, name) = which;
            let after = Some(item::digest(&lines));
            let is_changed = before.is_none_or(|before| before.after != after);
            let version = match before {
                Some(before) if !is_changed => before.version,
                _ => fold.next_version(kind, &name),
            };
            let before = before.and_then(|before| before.after.clone());
            let lines = is_changed.then_some(lines);
            ItemEntry { owner: owner(kind), kind, name, version, before, after, lines }
        })
        .collect();
    items.extend(known.into_iter().map(|((kind, name), before)| ItemEntry {
        version: fold.next_version(kind, &name),
        owner: owner(kind),
        kind,
        name,
        before: before.after.clone(),
        after: None,
        lines: None,
    }));
    items.sort_by(|one, other| (one.kind, &one.name).cmp(&(other.kind, &other.name)));
    let files = config.sources.files().iter().map(|file| FileDigest {
        name: file.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        sha256: hex::show(&Sha256::digest(file.text.as_bytes())),
        bytes: file.text.len() as u64,
    });
    Ok(Proposal {
        version: fold.cases().len() as u64 + 1,
        configuration: config.digest(),
        base: base.map(|case| case.entry),
        files: files.collect(),
        people: Person::of(config),
        items,
    })
}

/// The first item in which a proposal is not of these items; `None` if it is.
#[must_use]
pub fn differs(proposal: &Proposal, items: &Items) -> Option<String> {
    let said: BTreeMap<_, _> = proposal
        .items
        .iter()
        .filter_map(|item| Some(((item.kind, item.name.as_str()), item.after.as_deref()?)))
        .collect();
    let found: BTreeMap<_, _> = items
        .iter()
        .map(|((kind, name), lines)| ((*kind, name.as_str()), item::digest(lines)))
        .collect();
    let all = said.keys().chain(found.keys());
    let mut odd = all.filter(|which| said.get(*which).copied() != found.get(*which).map(|d| &**d));
    odd.next().map(|(kind, name)| format!("{} of {name}", kind.word()))
}

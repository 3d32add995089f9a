//! A configuration as items: each setting in exactly one of them, versions that count changes, a
//! difference that says what changes.

use super::rig::Rig;
use cross_market_connect::config::{self, Configuration};
use cross_market_connect::governance::draft::draft;
use cross_market_connect::governance::entry::What;
use cross_market_connect::governance::item::{self, difference, divide};
use cross_market_connect::governance::person::ItemKind;
use sha2::{Digest, Sha256};
use std::path::Path;

fn sample(name: &str) -> Configuration {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(name);
    config::load(&path).unwrap_or_else(|bad| panic!("{}", bad.render(false)))
}

/// `key = value` lines of a file that has one on a line, tables within a line taken apart by hand.
fn settings(text: &str) -> usize {
    let mut count = 0;
    let mut depth = 0_i32;
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        let code = line.split(" #").next().unwrap_or("");
        if depth == 0 && code.contains(" = ") && !code.starts_with("include") {
            let inline = code.split_once(" = { ").map(|(_, inner)| inner.matches(" = ").count());
            count += inline.unwrap_or(1);
        }
        let opened = code.matches(['[']).count() as i32 - code.matches([']']).count() as i32;
        depth += if code.contains(" = ") || depth > 0 { opened } else { 0 };
    }
    count
}

#[test]
fn every_setting_is_of_one_item() {
    for name in ["replay_calendar.toml", "demo.toml"] {
        let config = sample(name);
        let items = divide(&config.sources).expect("TOML");
        let lines = items.values().flatten().filter(|line| *line != "(nothing)").count();
        let wanted: usize = config.sources.files().iter().map(|file| settings(&file.text)).sum();
        assert!(lines >= wanted, "{name}: {lines} lines of {wanted} settings");
        let kinds: Vec<_> = items.keys().map(|(kind, _)| *kind).collect();
        assert!(ItemKind::ALL.iter().all(|kind| kinds.contains(kind)), "{name}");
    }
}

/// What each change of the sample is, by what the section and the key are for.
#[test]
fn a_change_is_of_the_item_that_it_should_be() {
    let before = Rig::new("govern_items");
    let old = divide(&before.config(&[]).sources).expect("TOML");
    for (edit, kind, name) in [
        (("max_units = 5", "max_units = 6"), ItemKind::Limit, "spread calendar"),
        (("clip_units = 1", "clip_units = 2"), ItemKind::Target, "spread calendar"),
        (("buy_open = \"-1.75\"", "buy_open = \"-2\""), ItemKind::Target, "spread calendar"),
        (("coefficient = \"1\"", "coefficient = \"1.0\""), ItemKind::Formula, "spread calendar"),
        (("strategy = \"calendar\"", "strategy = \"other\""), ItemKind::Model, "spread calendar"),
        (("cool_down_ms = 10", "cool_down_ms = 11"), ItemKind::Target, "defaults"),
        (("max_quote_age_ms = 5_000", "max_quote_age_ms = 5_001"), ItemKind::Limit, "defaults"),
        (
            ("collar_ticks = 20", "collar_ticks = 21"),
            ItemKind::Limit,
            "limit scope=instrument instrument=s411873",
        ),
        (("fires_per_window = 20", "fires_per_window = 21"), ItemKind::Limit, "logic"),
        (("limit_owner = \"eve\"", "limit_owner = \"olga\""), ItemKind::Limit, "governance"),
        (
            ("roles = [\"owner\"]", "roles = [\"owner\", \"risk\"]"),
            ItemKind::Limit,
            "operator olga",
        ),
        (("min_price = \"300\"", "min_price = \"301\""), ItemKind::Model, "instrument s411873"),
        (("reorder_packets = 64", "reorder_packets = 32"), ItemKind::Model, "feed cme"),
        (("project = \"replay\"", "project = \"again\""), ItemKind::Model, "engine"),
    ] {
        let new = divide(&before.config(&[edit]).sources).expect("TOML");
        let changed: Vec<_> = old
            .keys()
            .chain(new.keys())
            .filter(|which| old.get(*which) != new.get(*which))
            .map(|(kind, name)| (*kind, name.as_str()))
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect();
        assert_eq!(changed, [(kind, name)], "{edit:?}");
        let which = (kind, name.to_owned());
        let told = difference(&old[&which], &new[&which]);
        assert_eq!(told.len(), 2, "{told:?}");
        let written = |text: &str| {
            let (key, value) = text.split_once(" = ").expect("key = value");
            format!("{key} = {}", value.replace('_', ""))
        };
        assert!(
            told[0].starts_with("- ")
                && told[0].replace('_', "").ends_with(&written(edit.0).replace('_', "")),
            "{told:?}"
        );
        assert!(
            told[1].starts_with("+ ")
                && told[1].replace('_', "").ends_with(&written(edit.1).replace('_', "")),
            "{told:?}"
        );
    }
}

/// A digest is the hash of the lines that are told, which anybody can compute.
#[test]
fn a_digest_is_of_the_lines_that_are_told() {
    let rig = Rig::new("govern_digest");
    rig.propose("pat", 0, &rig.config(&[])).expect("it is proposed");
    let register = rig.read();
    let What::Proposal(proposal) = &register.entries[0].said.what else { panic!("a proposal") };
    assert!(proposal.items.len() > 10);
    for item in &proposal.items {
        let lines = item.lines.as_ref().expect("all is new");
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let digest: String =
            Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(item.after.as_deref(), Some(digest.as_str()), "{}", item.name);
        assert_eq!((item.version, &item.before), (1, &None));
        let owner = match item.kind {
            ItemKind::Model | ItemKind::Formula => "olga",
            ItemKind::Target | ItemKind::Limit => "eve",
        };
        assert_eq!(item.owner, owner);
    }
}

/// Where things stand in files, and what is said about them there, changes no item.
#[test]
fn comments_and_files_are_no_change() {
    let rig = Rig::new("govern_comment");
    rig.approved(0, &rig.config(&[]));
    let config = rig.config(&[("[logic]", "# As it was.\n[logic]")]);
    let proposal = rig.propose("pat", 10, &config).expect("it is proposed");
    let case = rig.read().fold.case(proposal).expect("it is there").clone();
    assert_eq!(case.proposal.changed().count(), 0);
    assert_ne!(case.proposal.configuration, rig.config(&[]).digest());
    // Nothing to try, and two people all the same.
    rig.approve("olga", 11, proposal).expect("one");
    rig.approve("carl", 11, proposal).expect("two");
    let effect = rig.read().fold.in_effect(super::rig::at(11)).map(|case| case.entry);
    assert_eq!(effect, Some(proposal));
}

/// Versions count the changes of an item, and what is gone is said to be gone.
#[test]
fn versions_count_the_changes_of_an_item() {
    let rig = Rig::new("govern_count");
    let extra = "[guard]\nlook_ms = 10\n\n[logic]";
    rig.approved(0, &rig.config(&[("[logic]", extra)]));
    let edits = [("clip_units = 1", "clip_units = 2")];
    let second = rig.approved(10, &rig.config(&edits));
    let of = |entry: u64, kind: ItemKind, name: &str| {
        let register = rig.read();
        let items = &register.fold.case(entry).expect("it is there").proposal.items;
        let item = items.iter().find(|item| item.kind == kind && item.name == name);
        item.map(|item| (item.version, item.before.is_some(), item.after.is_some()))
    };
    assert_eq!(of(second, ItemKind::Target, "spread calendar"), Some((2, true, true)));
    assert_eq!(of(second, ItemKind::Limit, "spread calendar"), Some((1, true, true)));
    assert_eq!(of(second, ItemKind::Limit, "guard"), Some((2, true, false)));
    let third = rig.approved(20, &rig.config(&[]));
    assert_eq!(of(third, ItemKind::Target, "spread calendar"), Some((3, true, true)));
    assert_eq!(of(third, ItemKind::Limit, "guard"), None);
    let fourth = rig.tried(30, &rig.config(&[("[logic]", extra)]));
    assert_eq!(of(fourth, ItemKind::Limit, "guard"), Some((3, false, true)));
}

/// A proposal that says something else than follows is refused, whatever it is.
#[test]
fn a_proposal_follows_from_the_entries_before_it() {
    let rig = Rig::new("govern_follows");
    rig.approved(0, &rig.config(&[]));
    let changed = rig.config(&[("clip_units = 1", "clip_units = 2")]);
    let good = draft(&rig.read().fold, &changed, super::rig::at(10)).expect("TOML");
    let at = good.items.iter().position(|item| item.before != item.after).expect("one changes");
    let refused = |edit: &dyn Fn(&mut cross_market_connect::governance::entry::Proposal)| {
        let mut proposal = good.clone();
        edit(&mut proposal);
        let line = rig.forge("pat", 10, What::Proposal(proposal));
        rig.broken(&[rig.lines(), vec![line]].concat()).map(|(_, rule)| rule)
    };
    assert_eq!(refused(&|_| {}), None);
    assert_eq!(refused(&|one| one.version = 3), Some("version"));
    assert_eq!(refused(&|one| one.base = None), Some("overtaken"));
    assert_eq!(refused(&|one| one.items[at].version = 3), Some("item"));
    assert_eq!(refused(&|one| one.items[at].before = None), Some("item"));
    assert_eq!(refused(&|one| one.items[at].lines = None), Some("item"));
    assert_eq!(refused(&|one| drop(one.items.remove(at))), Some("item"));
    assert_eq!(refused(&|one| drop(one.items.remove(0))), Some("item"));
    assert_eq!(refused(&|one| one.items.swap(0, 1)), Some("item"));
    let text = |one: &mut cross_market_connect::governance::entry::Proposal| {
        one.items[at].lines.as_mut().expect("lines")[0].push(' ');
    };
    assert_eq!(refused(&text), Some("item"));
    assert_eq!(item::digest(&[]).len(), 64);
}

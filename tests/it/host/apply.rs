//! What is written, what is kept from before, and that it comes back.

use super::{Machine, numbered};
use cross_market_connect::host::apply::{ApplyError, apply, plan, revert, state_path};
use cross_market_connect::host::{Change, Profile, Verdict};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Every file of a machine and what is in it, except what is kept from before.
fn files(root: &Path) -> BTreeMap<PathBuf, String> {
    let mut all = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = fs::read_to_string(&path).expect("a file").trim().to_owned();
                all.insert(path, text);
            }
        }
    }
    all
}

#[test]
fn what_is_applied_leaves_no_finding_that_files_can_mend() {
    let machine = Machine::new("stock-ubuntu");
    let (steps, rest) = plan(&machine.tree(), &machine.checks(Profile::Colo));
    assert!(steps.len() > 30 && !rest.is_empty(), "{} {}", steps.len(), rest.len());
    let state = state_path(&machine.tree(), None);
    let outcomes = apply(&machine.tree(), &steps, &state).expect("the test may write");
    let refused: Vec<_> = outcomes.iter().filter(|one| one.refused.is_some()).collect();
    assert!(refused.is_empty(), "{refused:?}");
    // What the kernel makes of it.
    machine.set("/proc/irq/40/effective_affinity_list", "0\n");
    for (path, shown) in [
        ("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n"),
        ("/sys/module/pcie_aspm/parameters/policy", "default [performance] powersave\n"),
    ] {
        machine.set(path, shown);
    }
    let checks = machine.checks(Profile::Colo);
    for number in [4, 7, 12, 15, 17, 21, 23, 29, 42, 45, 48] {
        assert_eq!(numbered(&checks, number).verdict, Verdict::Ok, "{number}");
    }
    let (left, _) = plan(&machine.tree(), &checks);
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_dry_run_and_a_check_write_nothing() {
    let machine = Machine::new("stock-ubuntu");
    let before = files(&machine.root);
    let _ = plan(&machine.tree(), &machine.checks(Profile::Colo));
    assert_eq!(files(&machine.root), before);
}

#[test]
fn what_is_better_than_wanted_is_not_lowered() {
    let machine = Machine::new("stock-ubuntu");
    machine.set("/proc/sys/net/core/busy_poll", "200\n");
    machine.set("/proc/sys/vm/swappiness", "1\n");
    let (steps, _) = plan(&machine.tree(), &machine.checks(Profile::Colo));
    assert!(steps.iter().all(|step| !step.path.ends_with("busy_poll")), "{steps:?}");
    assert!(steps.iter().all(|step| !step.path.ends_with("swappiness")));
    assert!(steps.iter().any(|step| step.path.ends_with("busy_read")));
}

#[test]
fn everything_is_as_before_when_it_is_reverted() {
    let machine = Machine::new("stock-ubuntu");
    // What a file in brackets says is written back as the word that was chosen.
    machine.set("/sys/module/pcie_aspm/parameters/policy", "powersave\n");
    machine.set("/sys/kernel/mm/transparent_hugepage/enabled", "always\n");
    let before = files(&machine.root);
    let (steps, _) = plan(&machine.tree(), &machine.checks(Profile::Colo));
    let state = state_path(&machine.tree(), None);
    apply(&machine.tree(), &steps, &state).expect("the test may write");
    assert_ne!(files(&machine.root), before);
    // A second time, with another wish: the first values are the ones that are kept.
    let again = [cross_market_connect::host::apply::Step {
        number: 42,
        path: "/proc/sys/net/core/busy_read".to_owned(),
        now: "50".to_owned(),
        value: "80".to_owned(),
    }];
    apply(&machine.tree(), &again, &state).expect("the test may write");
    let outcomes = revert(&machine.tree(), &state).expect("there is something to revert");
    assert!(outcomes.iter().all(|one| one.refused.is_none()), "{outcomes:?}");
    assert_eq!(files(&machine.root), before, "the state is gone as well");
    assert!(matches!(revert(&machine.tree(), &state), Err(ApplyError::Kept { .. })));
}

#[test]
fn what_somebody_has_changed_since_is_left_and_told() {
    let machine = Machine::new("stock-ubuntu");
    let (steps, _) = plan(&machine.tree(), &machine.checks(Profile::Colo));
    let state = state_path(&machine.tree(), None);
    apply(&machine.tree(), &steps, &state).expect("the test may write");
    machine.set("/proc/sys/vm/stat_interval", "120\n");
    let outcomes = revert(&machine.tree(), &state).expect("there is something to revert");
    let left: Vec<_> = outcomes.iter().filter(|one| one.refused.is_some()).collect();
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(
        (left[0].path.as_str(), left[0].now.as_str()),
        ("/proc/sys/vm/stat_interval", "120")
    );
    assert!(state.exists(), "what was before is still known");
}

#[test]
fn nothing_is_written_if_what_was_before_cannot_be_kept() {
    let machine = Machine::new("stock-ubuntu");
    let (steps, _) = plan(&machine.tree(), &machine.checks(Profile::Colo));
    let before = files(&machine.root);
    let blocked = machine.root.join("proc/cmdline/state.json");
    let refused = apply(&machine.tree(), &steps, &blocked).expect_err("that is no folder");
    assert!(matches!(refused, ApplyError::Keep { .. }), "{refused}");
    machine.set("/var/lib/xmc/host_before.json", "{}");
    let state = state_path(&machine.tree(), None);
    let refused = apply(&machine.tree(), &steps, &state).expect_err("that is no state");
    assert!(refused.to_string().contains("restore it, or move it away"), "{refused}");
    machine.remove("/var/lib/xmc/host_before.json");
    assert_eq!(files(&machine.root), before);
}

#[test]
fn a_file_that_refuses_is_passed_over_and_told() {
    let machine = Machine::new("stock-ubuntu");
    let (mut steps, _) = plan(&machine.tree(), &machine.checks(Profile::Colo));
    steps.truncate(2);
    machine.remove(&steps[0].path);
    let state = state_path(&machine.tree(), None);
    let outcomes = apply(&machine.tree(), &steps, &state).expect("the test may write");
    assert!(outcomes[0].refused.is_some() && outcomes[1].refused.is_none(), "{outcomes:?}");
    let reverted = revert(&machine.tree(), &state).expect("there is something to revert");
    assert_eq!(reverted.len(), 1, "what was refused has nothing to be undone");
}

#[test]
fn what_files_cannot_do_is_left_to_a_person() {
    let machine = Machine::new("stock-ubuntu");
    let (_, rest) = plan(&machine.tree(), &machine.checks(Profile::Colo));
    let has = |number, change: Change| rest.contains(&(number, change));
    assert!(has(6, Change::Run { command: "sudo systemctl disable --now irqbalance".into() }));
    assert!(has(2, Change::Boot { parameter: "nohz_full=1-7".into() }));
}

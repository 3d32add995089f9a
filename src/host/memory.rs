//! Pages: what moves them, merges them or takes them away.

use super::change::Want;
use super::draft::Draft;
use super::process::{Limit, capability, limit};
use super::{Area, Check, Survey, Weight, process};

const THP: &str = "/sys/kernel/mm/transparent_hugepage";

pub(super) fn checks(survey: &Survey<'_>) -> [Check; 7] {
    [
        transparent(survey),
        reserved(survey),
        merging(survey),
        swap(survey),
        moving(survey),
        locking(survey),
        dumps(survey),
    ]
}

fn transparent(survey: &Survey<'_>) -> Check {
    let mut draft = Draft::new(
        survey,
        (29, "transparent huge pages", Area::Memory),
        Weight::Plain,
        "never or madvise",
        "else the kernel stops a thread to copy its pages into a larger one, for milliseconds",
    );
    draft.knob(&format!("{THP}/enabled"), &Want::Selected(&["madvise", "never"]));
    draft.knob(
        &format!("{THP}/defrag"),
        &Want::Selected(&["madvise", "never", "defer", "defer+madvise"]),
    );
    draft.done()
}

fn reserved(survey: &Survey<'_>) -> Check {
    const NODES: &str = "/sys/devices/system/node";
    let mut draft = Draft::new(
        survey,
        (30, "reserved huge pages", Area::Memory),
        Weight::Slight,
        "none: the engine asks for none",
        "its tables fit a few ordinary pages and are touched before it starts",
    );
    let mut known = Vec::new();
    for node in survey.tree.names(NODES).iter().filter(|name| name.starts_with("node")) {
        for size in survey.tree.names(&format!("{NODES}/{node}/hugepages")) {
            let folder = format!("{NODES}/{node}/hugepages/{size}");
            let free = survey.tree.text(&format!("{folder}/free_hugepages"));
            let all = survey.tree.text(&format!("{folder}/nr_hugepages"));
            if let (Some(free), Some(all)) = (free, all) {
                let size = size.trim_start_matches("hugepages-");
                draft.saw(&format!("{folder}/free_hugepages"), &free);
                known.push(format!("{node} {size}: {free} of {all} free"));
            }
        }
    }
    if !known.is_empty() {
        draft.tell(known.join(", "));
    }
    draft.done()
}

fn merging(survey: &Survey<'_>) -> Check {
    let mut draft = Draft::new(
        survey,
        (31, "no merging of pages", Area::Memory),
        Weight::Plain,
        "ksm/run 0",
        "a write to a page that was merged stops the writer while it is copied",
    );
    draft.knob("/sys/kernel/mm/ksm/run", &Want::Is("0"));
    draft.done()
}

fn swap(survey: &Survey<'_>) -> Check {
    let mut draft = Draft::new(
        survey,
        (32, "no swap", Area::Memory),
        Weight::Plain,
        "no swap space, swappiness at most 10",
        "a page that was swapped out costs milliseconds when it is touched",
    );
    if let Some(table) = survey.tree.text("/proc/swaps") {
        let spaces: Vec<_> = table.lines().skip(1).collect();
        draft.saw("/proc/swaps", &format!("{} spaces", spaces.len()));
        if !spaces.is_empty() {
            draft.fault(format!("{} swap spaces are in use", spaces.len()));
            draft.run("sudo swapoff -a");
            draft.advise("take them out of /etc/fstab as well");
        }
    }
    draft.knob("/proc/sys/vm/swappiness", &Want::AtMost(10));
    draft.done()
}

fn moving(survey: &Survey<'_>) -> Check {
    let mut draft = Draft::new(
        survey,
        (33, "pages stay", Area::Memory),
        Weight::Plain,
        "numa_balancing, zone_reclaim_mode, compaction_proactiveness 0",
        "the kernel takes pages away to see who uses them, and moves them",
    );
    for path in [
        "/proc/sys/kernel/numa_balancing",
        "/proc/sys/vm/zone_reclaim_mode",
        "/proc/sys/vm/compaction_proactiveness",
    ] {
        draft.knob(path, &Want::Is("0"));
    }
    draft.done()
}

fn locking(survey: &Survey<'_>) -> Check {
    const LIMITS: &str = "/proc/self/limits";
    let mut draft = Draft::new(
        survey,
        (34, "locked memory", Area::Memory),
        Weight::Plain,
        "unlimited, or CAP_IPC_LOCK; an engine that runs is locked and has no page faults",
        "a page that is not there costs 1 to 100 us, on the hot path, when it is touched",
    );
    let limits = survey.tree.text(LIMITS).unwrap_or_default();
    let locked = limit(&limits, "Max locked memory");
    let status = survey.tree.text("/proc/self/status").unwrap_or_default();
    let may = capability(&status, process::IPC_LOCK);
    if let Some(locked) = locked {
        draft.saw(&format!("{LIMITS} Max locked memory"), &locked.to_string());
        if locked != Limit::Unlimited && may != Some(true) {
            draft.fault(format!("at most {locked} bytes can be locked"));
            draft.run("ulimit -l unlimited");
            draft.advise("for a service: LimitMEMLOCK=infinity (xmc host export systemd)");
        }
    }
    for engine in process::engines(survey.tree) {
        let path = format!("/proc/{engine}/status");
        let text = survey.tree.text(&path).unwrap_or_default();
        let row = text.lines().find_map(|row| row.strip_prefix("VmLck:"));
        if let Some(row) = row {
            draft.saw(&format!("{path} VmLck"), row.trim());
            if row.trim().starts_with("0 ") {
                draft.fault(format!("the engine {engine} has not locked its memory"));
                draft.advise("run it with the limit above; it says at its start why it could not");
            }
        }
    }
    let faults = survey.measured.into_iter().flat_map(|measured| measured.grown("faults "));
    for (place, by) in faults {
        let thread = place.rsplit(' ').next().unwrap_or("");
        draft.fault(format!("{by} page faults of the hot thread {thread} while it was measured"));
    }
    draft.done()
}

fn dumps(survey: &Survey<'_>) -> Check {
    let mut draft = Draft::new(
        survey,
        (35, "core dumps", Area::Memory),
        Weight::Slight,
        "known",
        "a dump of a large process takes seconds, in which a supervisor cannot start it again",
    );
    let pattern = draft.read("/proc/sys/kernel/core_pattern");
    let filter = draft.read("/proc/self/coredump_filter");
    if let (Some(pattern), Some(filter)) = (pattern, filter) {
        draft.tell(format!("written to {pattern:?}, filter {filter}"));
    }
    draft.done()
}

//! What this process may do, and what an engine that runs on the machine does.
//!
//! An engine is a process called `xmc` with threads called `xmc-core-N`: see `engine::place`.

use super::cores;
use super::draft::Draft;
use super::measured::NOT_MEASURED;
use super::{Area, Check, Survey, Tree, Weight};
use std::fmt;

/// Bit of `CAP_IPC_LOCK`. Source: `include/uapi/linux/capability.h`, as the others.
pub const IPC_LOCK: u8 = 14;

/// Capabilities that some way of running needs, and what for.
const CAPABILITIES: [(u8, &str, &str); 6] = [
    (12, "NET_ADMIN", "XDP, settings of cards"),
    (13, "NET_RAW", "raw sockets"),
    (IPC_LOCK, "IPC_LOCK", "locked memory"),
    (SYS_NICE, "SYS_NICE", "real-time threads"),
    (38, "PERFMON", "hardware counters"),
    (39, "BPF", "XDP"),
];
const SYS_NICE: u8 = 23;

/// Files and sockets that an engine may need, well above what feeds, gateways and the journal open.
const FILES: u64 = 1_024;

/// How the threads of hot cores are called, before the number of the core.
pub const HOT: &str = "xmc-core-";

/// What a process is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// So much.
    At(u64),
    /// As much as there is.
    Unlimited,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(most) => most.fmt(f),
            Self::Unlimited => f.write_str("unlimited"),
        }
    }
}

/// The soft limit of a row of `/proc/PID/limits`.
#[must_use]
pub fn limit(limits: &str, row: &str) -> Option<Limit> {
    let rest = limits.lines().find_map(|line| line.strip_prefix(row))?;
    match rest.split_whitespace().next()? {
        "unlimited" => Some(Limit::Unlimited),
        most => most.parse().ok().map(Limit::At),
    }
}

/// Whether `/proc/PID/status` shows a capability as effective.
#[must_use]
pub fn capability(status: &str, bit: u8) -> Option<bool> {
    let row = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
    let set = u64::from_str_radix(row.trim(), 16).ok()?;
    Some(set >> bit & 1 == 1)
}

/// A thread of an engine that polls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HotThread {
    /// Its process.
    pub process: String,
    /// Itself.
    pub thread: String,
    /// The core that its name has.
    pub core: u16,
}

/// Processes that are called as an engine is, except the one that asks.
#[must_use]
pub fn engines(tree: &Tree) -> Vec<String> {
    let own = std::process::id().to_string();
    let is_engine = |process: &String| {
        process.starts_with(|c: char| c.is_ascii_digit())
            && (!tree.is_here() || *process != own)
            && tree.text(&format!("/proc/{process}/comm")).as_deref() == Some("xmc")
            && !threads(tree, process).is_empty()
    };
    tree.names("/proc").into_iter().filter(is_engine).collect()
}

/// The hot threads of one process.
fn threads(tree: &Tree, process: &str) -> Vec<HotThread> {
    let folder = format!("/proc/{process}/task");
    let hot = |thread: String| {
        let comm = tree.text(&format!("{folder}/{thread}/comm"))?;
        let core = comm.strip_prefix(HOT)?.parse().ok()?;
        Some(HotThread { process: process.to_owned(), thread, core })
    };
    tree.names(&folder).into_iter().filter_map(hot).collect()
}

/// The hot threads of all engines.
#[must_use]
pub fn hot_threads(tree: &Tree) -> Vec<HotThread> {
    engines(tree).iter().flat_map(|process| threads(tree, process)).collect()
}

/// Minor and major page faults of a thread: fields 10 and 12 of its `stat` (`proc_pid_stat(5)`).
#[must_use]
pub fn faults(stat: &str) -> Option<(u64, u64)> {
    let of = |field| field_of(stat, field)?.parse().ok();
    Some((of(10)?, of(12)?))
}

/// A field of `/proc/PID/stat`, counted from 1 and after the name, which may hold anything.
fn field_of(stat: &str, field: usize) -> Option<&str> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(field.checked_sub(3)?)
}

pub(super) fn checks(survey: &Survey<'_>) -> [Check; 4] {
    [capabilities(survey), limits(survey), placement(survey), disturbance(survey)]
}

fn capabilities(survey: &Survey<'_>) -> Check {
    const STATUS: &str = "/proc/self/status";
    let mut draft = Draft::new(
        survey,
        (51, "capabilities", Area::Process),
        Weight::Plain,
        "those that the configuration needs: sockets need none, fifo needs SYS_NICE",
        "what is missing is refused when the engine starts",
    );
    let status = survey.tree.text(STATUS).unwrap_or_default();
    let Some(may_be_real_time) = capability(&status, SYS_NICE) else { return draft.done() };
    let has = CAPABILITIES.iter().filter(|(bit, _, _)| capability(&status, *bit) == Some(true));
    let has: Vec<_> = has.map(|(_, name, _)| *name).collect();
    let shown = if has.is_empty() { "none of these".to_owned() } else { has.join(", ") };
    draft.saw(&format!("{STATUS} CapEff"), &shown);
    let limits = survey.tree.text("/proc/self/limits").unwrap_or_default();
    let priority = match limit(&limits, "Max realtime priority") {
        Some(Limit::At(most)) => most,
        Some(Limit::Unlimited) => u64::MAX,
        None => 0,
    };
    match survey.wanted.fifo {
        Some(wanted) if !may_be_real_time && priority < wanted.into() => {
            draft.fault(format!("the configuration wants fifo:{wanted}, which would be refused"));
            draft.advise("run with CAP_SYS_NICE or LimitRTPRIO (xmc host export systemd)");
        }
        Some(_) | None => {
            let lacks = CAPABILITIES.iter().filter(|(_, name, _)| !has.contains(name));
            let lacks: Vec<_> =
                lacks.map(|(_, name, purpose)| format!("{name} ({purpose})")).collect();
            if !lacks.is_empty() {
                draft.tell(format!("not held, and not needed here: {}", lacks.join(", ")));
            }
        }
    }
    draft.done()
}

fn limits(survey: &Survey<'_>) -> Check {
    const LIMITS: &str = "/proc/self/limits";
    let mut draft = Draft::new(
        survey,
        (52, "limits", Area::Process),
        Weight::Grave,
        "at least 1024 open files",
        "a socket or a segment of the journal that cannot be opened ends the run",
    );
    let limits = survey.tree.text(LIMITS).unwrap_or_default();
    for (row, least) in [
        ("Max open files", Some(FILES)),
        ("Max realtime priority", None),
        ("Max locked memory", None),
    ] {
        let Some(now) = limit(&limits, row) else { continue };
        draft.saw(&format!("{LIMITS} {row}"), &now.to_string());
        if let (Limit::At(now), Some(least)) = (now, least)
            && now < least
        {
            draft.fault(format!("{row}: {now}"));
            draft.run(format!("ulimit -n {least}"));
        }
    }
    draft.done()
}

fn placement(survey: &Survey<'_>) -> Check {
    let mut draft = Draft::new(
        survey,
        (53, "placement of an engine", Area::Process),
        Weight::Plain,
        "each hot thread on the core that its name has, and on no other",
        "a thread that moves leaves its caches behind, 10 to 50 us each time",
    );
    for HotThread { process, thread, core } in hot_threads(survey.tree) {
        let path = format!("/proc/{process}/task/{thread}/status");
        let status = survey.tree.text(&path).unwrap_or_default();
        let row = status.lines().find_map(|row| row.strip_prefix("Cpus_allowed_list:"));
        let Some(allowed) = row.map(str::trim) else { continue };
        draft.saw(&format!("{path} Cpus_allowed_list"), allowed);
        if cores::of_list(allowed).is_none_or(|cores| !cores.iter().eq([&core])) {
            draft.fault(format!("thread {thread} of core {core} may run on {allowed}"));
            draft.run(format!("taskset -pc {core} {thread}"));
        } else if !survey.hot().contains(&core) && survey.wanted.groups.is_some() {
            draft.fault(format!("an engine polls on core {core}, which is not hot here"));
            draft.advise("check the configuration that the engine runs with");
        }
    }
    draft.done()
}

fn disturbance(survey: &Survey<'_>) -> Check {
    let mut draft = Draft::new(
        survey,
        (54, "hot threads undisturbed", Area::Process),
        Weight::Plain,
        "no involuntary switch while it is measured",
        "each is a time in which another thread had the core",
    );
    let threads = hot_threads(survey.tree);
    for HotThread { process, thread, .. } in &threads {
        let path = format!("/proc/{process}/task/{thread}/status");
        let status = survey.tree.text(&path).unwrap_or_default();
        let row = status.lines().find_map(|row| row.strip_prefix("nonvoluntary_ctxt_switches:"));
        if let Some(count) = row {
            draft.saw(&format!("{path} nonvoluntary_ctxt_switches"), count.trim());
        }
    }
    match survey.measured {
        None if threads.is_empty() => {}
        None => draft.tell(NOT_MEASURED),
        Some(measured) => {
            for (place, by) in measured.grown("switches ") {
                let thread = place.rsplit(' ').next().unwrap_or("");
                draft.fault(format!("thread {thread} was switched out {by} times"));
                draft.advise("see the findings about CPU isolation");
            }
        }
    }
    draft.done()
}

//! Who else may run on the hot cores: the scheduler, interrupts, kernel threads, neighbours.

use super::change::Want;
use super::cores::{self, Cores, list};
use super::draft::Draft;
use super::measured::NOT_MEASURED;
use super::{Area, Check, Survey, Weight};
use std::collections::BTreeSet;

const ISOLATED: &str = "/sys/devices/system/cpu/isolated";

pub(super) fn checks(survey: &Survey<'_>) -> [Check; 10] {
    [
        isolation(survey),
        ticks(survey),
        callbacks(survey),
        interrupts(survey),
        managed(survey),
        balancer(survey),
        workqueues(survey),
        siblings(survey),
        nodes(survey),
        caches(survey),
    ]
}

/// A set of the kernel's, with what stands for none.
fn set(text: Option<String>) -> Cores {
    text.and_then(|text| cores::of_list(&text)).unwrap_or_default()
}

/// Notes that no core is hot.
fn nobody(draft: &mut Draft<'_>) {
    draft.tell("no core is hot: nothing to isolate");
}

fn isolation(survey: &Survey<'_>) -> Check {
    let mut draft = Draft::new(
        survey,
        (1, "isolation", Area::Cpu),
        Weight::Plain,
        "hot cores isolated by isolcpus= or a cpuset partition",
        "else the scheduler puts other threads on them, for 4 ms at a time",
    );
    if survey.hot().is_empty() {
        nobody(&mut draft);
        return draft.done();
    }
    let mut isolated = set(draft.read(ISOLATED));
    isolated.extend(set(survey.tree.text("/sys/fs/cgroup/cpuset.cpus.isolated")));
    for group in survey.tree.names("/sys/fs/cgroup") {
        let folder = format!("/sys/fs/cgroup/{group}");
        let partition = survey.tree.text(&format!("{folder}/cpuset.cpus.partition"));
        if partition.as_deref() == Some("isolated") {
            isolated.extend(set(draft.read(&format!("{folder}/cpuset.cpus"))));
        }
    }
    if let Some(parameter) = survey.parameter("isolcpus").last() {
        draft.saw("/proc/cmdline isolcpus", parameter);
        isolated.extend(set(parameter_cores(parameter)));
    }
    let missing: Cores = survey.hot().difference(&isolated).copied().collect();
    if !missing.is_empty() {
        draft.fault(format!("{} not isolated", are(&missing)));
    }
    let parameter = format!("isolcpus=managed_irq,domain,{}", list(survey.hot()));
    draft.boot(missing.is_empty(), parameter);
    draft.done()
}

/// The cores of `isolcpus=flag,flag,1-3`.
fn parameter_cores(value: &str) -> Option<String> {
    let parts = value.split(',').filter(|part| part.starts_with(|c: char| c.is_ascii_digit()));
    Some(parts.collect::<Vec<_>>().join(","))
}

/// Cores and their verb.
fn are(cores: &Cores) -> String {
    let verb = if cores.len() == 1 { "is" } else { "are" };
    format!("{} {verb}", cores::said(cores))
}

fn ticks(survey: &Survey<'_>) -> Check {
    const PATH: &str = "/sys/devices/system/cpu/nohz_full";
    let mut draft = Draft::new(
        survey,
        (2, "ticks stopped", Area::Cpu),
        Weight::Plain,
        "hot cores in nohz_full=, at least one core outside",
        "the timer interrupts a core 100 to 1000 times a second, for 1 to 15 us each time",
    );
    if let Some(text) = draft.read(PATH) {
        let full = set(Some(text));
        let missing: Cores = survey.hot().difference(&full).copied().collect();
        if !missing.is_empty() {
            draft.fault(format!("{} interrupted by the timer", are(&missing)));
        }
        if !full.is_empty() && survey.online.is_subset(&full) {
            draft.fault("every core is in nohz_full: none keeps the time");
        }
        if !survey.hot().is_empty() {
            draft.boot(draft.is_clean(), format!("nohz_full={}", list(survey.hot())));
        }
    }
    draft.done()
}

fn callbacks(survey: &Survey<'_>) -> Check {
    let mut draft = Draft::new(
        survey,
        (3, "RCU callbacks elsewhere", Area::Cpu),
        Weight::Plain,
        "hot cores in rcu_nocbs= or nohz_full=",
        "else the kernel frees memory for others on the hot cores",
    );
    if survey.hot().is_empty() {
        nobody(&mut draft);
        return draft.done();
    }
    let mut elsewhere = set(survey.tree.text("/sys/devices/system/cpu/nohz_full"));
    for value in survey.parameter("rcu_nocbs") {
        match value {
            "all" => elsewhere.extend(&survey.online),
            value => elsewhere.extend(set(Some(value.to_owned()))),
        }
    }
    draft.saw("/proc/cmdline rcu_nocbs", &list(&elsewhere));
    let missing: Cores = survey.hot().difference(&elsewhere).copied().collect();
    if !missing.is_empty() {
        draft.fault(format!("{} left out", are(&missing)));
    }
    draft.boot(missing.is_empty(), format!("rcu_nocbs={}", list(survey.hot())));
    draft.done()
}

/// Interrupts and what they are called, by their numbers.
fn names(survey: &Survey<'_>) -> Vec<(u32, String)> {
    let table = survey.tree.text("/proc/interrupts").unwrap_or_default();
    let row = |line: &str| {
        let (number, rest) = line.split_once(':')?;
        let name = rest.split_whitespace().last().unwrap_or("").to_owned();
        Some((number.trim().parse().ok()?, name))
    };
    table.lines().filter_map(row).collect()
}

fn name_of(names: &[(u32, String)], number: &str) -> String {
    let known = names.iter().find(|(known, _)| known.to_string() == number);
    known.map_or_else(|| "unused".to_owned(), |(_, name)| name.clone())
}

fn interrupts(survey: &Survey<'_>) -> Check {
    const DEFAULT: &str = "/proc/irq/default_smp_affinity";
    let mut draft = Draft::new(
        survey,
        (4, "interrupts elsewhere", Area::Cpu),
        Weight::Plain,
        "no interrupt of a device on a hot core",
        "one costs 2 to 20 us, and what it wakes costs more",
    );
    if survey.others().is_empty() {
        draft.tell("no core is left to take them");
        return draft.done();
    }
    draft.knob(DEFAULT, &Want::MaskWithout(survey.hot()));
    let names = names(survey);
    let (mut count, mut shown) = (0_usize, Vec::new());
    for number in survey.tree.names("/proc/irq") {
        let folder = format!("/proc/irq/{number}");
        let name = name_of(&names, &number);
        // The kernel moves those of NVMe queues itself: see the next check.
        if number.parse::<u32>().is_err() || name.starts_with("nvme") {
            continue;
        }
        let effective = survey.tree.text(&format!("{folder}/effective_affinity_list"));
        let allowed = survey.tree.text(&format!("{folder}/smp_affinity_list"));
        let on = set(effective.filter(|list| !list.is_empty()).or_else(|| allowed.clone()));
        if on.is_disjoint(survey.hot()) {
            continue;
        }
        count += 1;
        shown.push(format!("{number} {name} ({})", list(&on)));
        // Where it may go among others is its own matter, as long as that is not a hot core.
        let allowed = set(allowed);
        let left: Cores = allowed.difference(survey.hot()).copied().collect();
        let left = if left.is_empty() { survey.others() } else { left };
        draft.write(&format!("{folder}/smp_affinity_list"), list(&left));
    }
    if count > 0 {
        draft.saw("/proc/irq/*/effective_affinity_list", &format!("{count} on hot cores"));
        let more = if count > 4 { ", .." } else { "" };
        shown.truncate(4);
        draft.fault(format!("{count} come to hot cores: {}{more}", shown.join(", ")));
    }
    match survey.measured {
        Some(measured) => {
            for (place, by) in measured.grown("irq ") {
                draft.fault(format!("{} came {by}x", place.trim_start_matches("irq ")));
            }
        }
        None if draft.is_clean() && !survey.hot().is_empty() => {
            draft.saw("/proc/interrupts", NOT_MEASURED);
        }
        None => {}
    }
    draft.done()
}

fn managed(survey: &Survey<'_>) -> Check {
    let mut draft = Draft::new(
        survey,
        (5, "managed interrupts", Area::Cpu),
        Weight::Slight,
        "known",
        "the kernel itself spreads those of NVMe queues over all cores and refuses to have them \
         moved; they come only when a thread of that core uses the disk",
    );
    let all = names(survey);
    let nvme: BTreeSet<_> = all.iter().filter(|(_, name)| name.starts_with("nvme")).collect();
    if !nvme.is_empty() {
        draft.tell(format!(
            "{} interrupts of NVMe queues: isolcpus=managed_irq,.. keeps them off while other \
             cores can take them",
            nvme.len()
        ));
    }
    draft.done()
}

fn balancer(survey: &Survey<'_>) -> Check {
    const SETTINGS: &str = "/etc/default/irqbalance";
    let mut draft = Draft::new(
        survey,
        (6, "irqbalance", Area::Cpu),
        Weight::Plain,
        "stopped, or hot cores banned in its settings",
        "it moves interrupts back to the hot cores every ten seconds",
    );
    let runs = survey.tree.names("/proc").into_iter().any(|process| {
        process.starts_with(|c: char| c.is_ascii_digit())
            && survey.tree.text(&format!("/proc/{process}/comm")).as_deref() == Some("irqbalance")
    });
    draft.saw("/proc/*/comm", if runs { "irqbalance runs" } else { "irqbalance does not run" });
    if runs {
        let settings = survey.tree.text(SETTINGS).unwrap_or_default();
        let banned = settings.lines().find_map(|line| {
            line.trim()
                .strip_prefix("IRQBALANCE_BANNED_CPULIST=")
                .map(|list| list.trim_matches('"'))
        });
        draft.saw(SETTINGS, banned.unwrap_or("bans no core"));
        if !survey.hot().is_subset(&set(banned.map(str::to_owned))) {
            draft.fault("it runs and may use the hot cores");
            draft.run("sudo systemctl disable --now irqbalance");
        }
    }
    draft.done()
}

fn workqueues(survey: &Survey<'_>) -> Check {
    let mut draft = Draft::new(
        survey,
        (7, "workqueues elsewhere", Area::Cpu),
        Weight::Plain,
        "no hot core in their masks",
        "else the kernel writes back files and frees memory there",
    );
    if survey.others().is_empty() {
        draft.tell("no core is left to take them");
        return draft.done();
    }
    for path in
        ["/sys/devices/virtual/workqueue/cpumask", "/sys/bus/workqueue/devices/writeback/cpumask"]
    {
        draft.knob(path, &Want::MaskWithout(survey.hot()));
    }
    draft.done()
}

fn siblings(survey: &Survey<'_>) -> Check {
    let mut draft = Draft::new(
        survey,
        (8, "hyper-threads (SMT)", Area::Cpu),
        Weight::Plain,
        "the sibling of a hot core is offline",
        "two threads of one core share its execution units and caches: each runs at half speed \
         whenever the other does something",
    );
    draft.read("/sys/devices/system/cpu/smt/active");
    for core in survey.hot() {
        let path = format!("/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list");
        let all = set(survey.tree.text(&path));
        let others: Cores =
            all.intersection(&survey.online).filter(|other| *other != core).copied().collect();
        if others.is_empty() {
            continue;
        }
        draft.saw(&path, &list(&all));
        let hot = others.iter().any(|other| survey.hot().contains(other));
        let what = if hot { "hot as well" } else { "online" };
        draft.fault(format!("core {core} shares its core with {}, {what}", list(&others)));
        // Taking away what everything else runs on is no way out; the first core cannot be taken.
        let left = survey.others().difference(&others).count();
        if hot || left == 0 || others.contains(&0) {
            draft.advise("give each executor a core of its own: choose other cores");
        } else {
            for other in others {
                draft.write(&format!("/sys/devices/system/cpu/cpu{other}/online"), "0");
            }
        }
    }
    draft.done()
}

fn nodes(survey: &Survey<'_>) -> Check {
    let mut draft = Draft::new(
        survey,
        (9, "one NUMA node", Area::Cpu),
        Weight::Plain,
        "hot cores and the cards of the feeds on one node",
        "memory and cards of another node are 60 to 100 ns further away",
    );
    let folders = survey.tree.names("/sys/devices/system/node");
    let mut used = BTreeSet::new();
    for node in folders.iter().filter_map(|name| name.strip_prefix("node")) {
        let path = format!("/sys/devices/system/node/node{node}/cpulist");
        let here = set(survey.tree.text(&path));
        let hot: Cores = here.intersection(survey.hot()).copied().collect();
        if let (false, Ok(node)) = (here.is_empty(), node.parse::<i32>()) {
            draft.saw(&path, &list(&here));
            if !hot.is_empty() {
                used.insert(node);
            }
        }
    }
    let mut cards = Vec::new();
    for name in &survey.wanted.interfaces {
        let path = format!("/sys/class/net/{name}/device/numa_node");
        // -1 where there is one node, or a virtual card.
        let node = survey.tree.text(&path).and_then(|node| node.parse::<i32>().ok());
        if let Some(node) = node.filter(|node| *node >= 0) {
            draft.saw(&path, &node.to_string());
            used.insert(node);
            cards.push(format!("{name} is on node {node}"));
        }
    }
    if used.len() > 1 {
        let all: Vec<String> = used.iter().map(i32::to_string).collect();
        let cards =
            if cards.is_empty() { String::new() } else { format!(" ({})", cards.join(", ")) };
        draft.fault(format!("nodes {} are used{cards}", all.join(", ")));
        draft.advise("choose hot cores on the node of the card");
    }
    draft.done()
}

fn caches(survey: &Survey<'_>) -> Check {
    let mut draft = Draft::new(
        survey,
        (10, "one L3 cache", Area::Cpu),
        Weight::Slight,
        "hot cores share one L3",
        "a cache line goes from core to core in about 30 ns within one, and in 100 to 200 ns \
         between two",
    );
    let mut groups = BTreeSet::new();
    for core in survey.hot() {
        let path = format!("/sys/devices/system/cpu/cpu{core}/cache/index3/shared_cpu_list");
        if let Some(group) = survey.tree.text(&path)
            && groups.insert(group.clone())
        {
            draft.saw(&path, &group);
        }
    }
    if groups.len() > 1 {
        let all: Vec<_> = groups.into_iter().collect();
        draft.fault(format!("hot cores lie in {} of them: {}", all.len(), all.join(" | ")));
        draft.advise("choose hot cores from one group");
    }
    draft.done()
}

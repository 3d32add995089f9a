//! What the kernel does on every core unless it is told otherwise; and who runs below the kernel.

use super::change::Want;
use super::draft::Draft;
use super::measured;
use super::{Area, Check, Survey, Weight};

pub(super) fn checks(survey: &Survey<'_>) -> [Check; 10] {
    [
        timers(survey),
        watchdogs(survey),
        throttling(survey),
        machine_checks(survey),
        statistics(survey),
        grace_periods(survey),
        console(survey),
        mitigations(survey),
        virtual_machine(survey),
        quota(survey),
    ]
}

fn timers(survey: &Survey<'_>) -> Check {
    let mut draft = Draft::new(
        survey,
        (11, "timers stay", Area::Cpu),
        Weight::Slight,
        "timer_migration 0, skew_tick=1",
        "timers of idle cores move to busy ones, and ticks of all cores contend for one lock",
    );
    draft.knob("/proc/sys/kernel/timer_migration", &Want::Is("0"));
    let skew = survey.parameter("skew_tick").last();
    draft.saw("/proc/cmdline skew_tick", skew.unwrap_or("not given"));
    if skew != Some("1") {
        draft.fault("ticks of all cores come at once");
    }
    draft.boot(skew == Some("1"), "skew_tick=1");
    draft.done()
}

fn watchdogs(survey: &Survey<'_>) -> Check {
    let mut draft = Draft::new(
        survey,
        (12, "watchdogs", Area::Cpu),
        Weight::Slight,
        "nmi_watchdog 0; soft watchdog off, or not on hot cores",
        "they interrupt every core, and take a core that polls for one that hangs",
    );
    draft.knob("/proc/sys/kernel/nmi_watchdog", &Want::Is("0"));
    let is_on = survey.tree.text("/proc/sys/kernel/soft_watchdog").is_none_or(|on| on != "0");
    let is_off = survey.parameter("nosoftlockup").next().is_some();
    if is_on && !is_off && !survey.others().is_empty() {
        draft.knob("/proc/sys/kernel/watchdog_cpumask", &Want::ListWithout(survey.hot()));
    }
    draft.done()
}

fn throttling(survey: &Survey<'_>) -> Check {
    const PATH: &str = "/proc/sys/kernel/sched_rt_runtime_us";
    let mut draft = Draft::new(
        survey,
        (13, "real-time throttling", Area::Cpu),
        Weight::Plain,
        "-1 if a hot thread is SCHED_FIFO",
        "with 950000 a real-time thread that polls is stopped for 50 ms in each second",
    );
    match survey.wanted.fifo {
        Some(_) => draft.knob(PATH, &Want::Is("-1")),
        None => {
            if let Some(now) = draft.read(PATH) {
                draft.tell(format!("{now}; no hot thread is real-time, so it does not matter"));
            }
        }
    }
    draft.done()
}

fn machine_checks(survey: &Survey<'_>) -> Check {
    const FOLDER: &str = "/sys/devices/system/machinecheck";
    let mut draft = Draft::new(
        survey,
        (14, "machine-check polling", Area::Cpu),
        Weight::Slight,
        "ignore_ce 1, or check_interval 0",
        "every core is asked for corrected memory errors, once in five minutes",
    );
    for bank in survey.tree.names(FOLDER) {
        let core = bank.strip_prefix("machinecheck").and_then(|core| core.parse().ok());
        if core.is_none_or(|core| !survey.hot().contains(&core)) {
            continue;
        }
        let interval = format!("{FOLDER}/{bank}/check_interval");
        if survey.tree.text(&interval).as_deref() == Some("0") {
            draft.saw(&interval, "0");
        } else {
            draft.knob(&format!("{FOLDER}/{bank}/ignore_ce"), &Want::Is("1"));
        }
    }
    draft.done()
}

fn statistics(survey: &Survey<'_>) -> Check {
    let mut draft = Draft::new(
        survey,
        (15, "statistics of memory", Area::Cpu),
        Weight::Slight,
        "vm.stat_interval at least 10",
        "a kernel thread wakes on each core once in so many seconds to add them up",
    );
    draft.knob("/proc/sys/vm/stat_interval", &Want::AtLeast(10));
    draft.done()
}

fn grace_periods(survey: &Survey<'_>) -> Check {
    let mut draft = Draft::new(
        survey,
        (16, "RCU grace periods", Area::Cpu),
        Weight::Slight,
        "rcupdate.rcu_normal_after_boot=1",
        "an expedited grace period interrupts every core",
    );
    const PATH: &str = "/sys/module/rcupdate/parameters/rcu_normal_after_boot";
    let given = survey.parameter("rcupdate.rcu_normal_after_boot").last();
    let now = survey.tree.text(PATH);
    let is_set = given == Some("1") || now.as_deref() == Some("1");
    draft.saw("/proc/cmdline rcupdate.rcu_normal_after_boot", given.unwrap_or("not given"));
    if !is_set {
        draft.fault("grace periods may be expedited");
    }
    draft.boot(is_set, "rcupdate.rcu_normal_after_boot=1");
    draft.done()
}

fn console(survey: &Survey<'_>) -> Check {
    let mut draft = Draft::new(
        survey,
        (17, "console", Area::Cpu),
        Weight::Slight,
        "messages of level 4 and above stay in memory; no blinking cursor",
        "a line on a serial console holds its core for milliseconds",
    );
    const PRINTK: &str = "/proc/sys/kernel/printk";
    if let Some(levels) = draft.read(PRINTK) {
        let mut words = levels.split_whitespace();
        let first = words.next().and_then(|level| level.parse::<u8>().ok());
        if first.is_some_and(|level| level > 4) {
            draft.fault(format!("messages up to level {} are printed", first.unwrap_or(7) - 1));
            let rest: Vec<_> = words.collect();
            draft.write(PRINTK, format!("4 {}", rest.join(" ")));
        }
    }
    draft.knob("/sys/class/graphics/fbcon/cursor_blink", &Want::Is("0"));
    draft.done()
}

fn mitigations(survey: &Survey<'_>) -> Check {
    const FOLDER: &str = "/sys/devices/system/cpu/vulnerabilities";
    let mut draft = Draft::new(
        survey,
        (18, "mitigations", Area::Cpu),
        Weight::Slight,
        "as the site's security decides",
        "some make each system call and each interrupt slower; the hot loop itself makes few",
    );
    let all = survey.tree.names(FOLDER);
    let state = |name: &String| survey.tree.text(&format!("{FOLDER}/{name}")).unwrap_or_default();
    let mitigated = all.iter().filter(|name| state(name).starts_with("Mitigation")).count();
    let open = all.iter().filter(|name| state(name).starts_with("Vulnerable")).count();
    if let Some(given) = survey.parameter("mitigations").last() {
        draft.saw("/proc/cmdline mitigations", given);
    }
    if !all.is_empty() {
        draft.saw(FOLDER, &format!("{} known", all.len()));
        draft.tell(format!(
            "{} known weaknesses: {mitigated} mitigated, {open} open, the rest not of this \
             processor",
            all.len()
        ));
    }
    draft.done()
}

fn virtual_machine(survey: &Survey<'_>) -> Check {
    let mut draft = Draft::new(
        survey,
        (19, "real hardware", Area::Cpu),
        Weight::Plain,
        "no hypervisor, no time stolen",
        "a host takes the core away whenever it likes: figures of a virtual machine say little of \
         the tail",
    );
    let info = survey.tree.text("/proc/cpuinfo").unwrap_or_default();
    let flags = info.lines().find(|line| line.starts_with("flags")).unwrap_or("");
    if flags.split_whitespace().any(|flag| flag == "hypervisor") {
        draft.saw("/proc/cpuinfo flags", "hypervisor");
        draft.fault("this is a virtual machine");
        draft.advise("trade on real hardware; here, use it to learn and to test");
    } else if !flags.is_empty() {
        draft.saw("/proc/cpuinfo flags", "no hypervisor");
    }
    let stat = survey.tree.text("/proc/stat").unwrap_or_default();
    if let Some(ticks) = measured::steal(&stat) {
        draft.saw("/proc/stat steal", &format!("{} s since the start", ticks / 100));
    }
    for (_, by) in survey.measured.into_iter().flat_map(|measured| measured.grown("steal")) {
        draft.fault(format!("{by} ticks of 10 ms were stolen while it was measured"));
    }
    draft.done()
}

fn quota(survey: &Survey<'_>) -> Check {
    let mut draft = Draft::new(
        survey,
        (20, "no quota of time", Area::Cpu),
        Weight::Grave,
        "no limit on the time that this process's control group may use",
        "a thread that polls uses its quota up and is stopped for the rest of each 100 ms",
    );
    let groups = survey.tree.text("/proc/self/cgroup").unwrap_or_default();
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
        let path = path.trim_end_matches('/');
        let is_old = controllers.split(',').any(|one| one == "cpu");
        let (place, none) = if controllers.is_empty() {
            (format!("/sys/fs/cgroup{path}/cpu.max"), "max")
        } else if is_old {
            (format!("/sys/fs/cgroup/cpu{path}/cpu.cfs_quota_us"), "-1")
        } else {
            continue;
        };
        let Some(now) = draft.read(&place) else { continue };
        if !now.starts_with(none) {
            draft.fault(format!("{now} microseconds (of each period) and no more"));
            draft.advise("take CPUQuota= out of the service, or the limit off the container");
        }
    }
    draft.done()
}

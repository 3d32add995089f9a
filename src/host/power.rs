//! Frequencies, idle states, and the clocks that stamps come from.

use super::change::Want;
use super::cores;
use super::draft::Draft;
use super::kernel::LATENCY;
use super::{Area, Change, Check, Survey, Weight, process};

const CPU: &str = "/sys/devices/system/cpu";

/// Microseconds that a core may take to leave an idle state.
const EXIT_US: u64 = 2;

/// What `/dev/cpu_dma_latency` says when nobody asks for anything, microseconds. Source:
/// `include/linux/pm_qos.h`, `PM_QOS_CPU_LATENCY_DEFAULT_VALUE`.
const NOBODY_ASKS_US: i32 = 2_000_000_000;

/// Largest error of the clock against UTC where high-frequency trading is supervised: 100 us, of
/// EU 2017/574, annex, table 2.
const CLOCK_ERROR_US: i64 = 100;

pub(super) fn checks(survey: &Survey<'_>) -> [Check; 8] {
    [
        governor(survey),
        driver(survey),
        idle_states(survey),
        latency(survey),
        uncore(survey),
        source(survey),
        synchronisation(survey),
        stamps(survey),
    ]
}

fn governor(survey: &Survey<'_>) -> Check {
    let mut draft = Draft::new(
        survey,
        (21, "frequency", Area::Power),
        Weight::Plain,
        "governor performance, lowest frequency = highest, on hot cores",
        "a core that may slow down does so between packets, and is fast again after 10 to 100 us",
    );
    for core in survey.hot() {
        let folder = format!("{CPU}/cpu{core}/cpufreq");
        draft.knob(&format!("{folder}/scaling_governor"), &Want::Is("performance"));
        let highest = survey.tree.text(&format!("{folder}/scaling_max_freq"));
        if let Some(highest) = highest.and_then(|highest| highest.parse().ok()) {
            draft.knob(&format!("{folder}/scaling_min_freq"), &Want::AtLeast(highest));
        }
    }
    draft.done()
}

fn driver(survey: &Survey<'_>) -> Check {
    let mut draft = Draft::new(
        survey,
        (22, "P-states and turbo", Area::Power),
        Weight::Slight,
        "as the site chooses; recorded",
        "turbo is faster and depends on what the neighbours do: measure both",
    );
    let mut known = Vec::new();
    for path in [
        "intel_pstate/status",
        "intel_pstate/no_turbo",
        "intel_pstate/min_perf_pct",
        "amd_pstate/status",
        "cpufreq/boost",
    ] {
        if let Some(value) = survey.tree.text(&format!("{CPU}/{path}")) {
            draft.saw(&format!("{CPU}/{path}"), &value);
            known.push(format!("{path} {value}"));
        }
    }
    if !known.is_empty() {
        draft.tell(known.join(", "));
    }
    draft.done()
}

fn idle_states(survey: &Survey<'_>) -> Check {
    let mut draft = Draft::new(
        survey,
        (23, "idle states", Area::Power),
        Weight::Plain,
        "no state that takes more than 2 us to leave, on hot cores",
        "a deep one takes 50 to 200 us to leave; a hot core that polls never sleeps, but it does \
         before the engine starts and whenever it yields",
    );
    if let Some(driver) = survey.tree.text(&format!("{CPU}/cpuidle/current_driver")) {
        draft.saw(&format!("{CPU}/cpuidle/current_driver"), &driver);
    }
    let mut deep = std::collections::BTreeMap::new();
    for core in survey.hot() {
        let folder = format!("{CPU}/cpu{core}/cpuidle");
        for state in survey.tree.names(&folder) {
            let of = |field: &str| survey.tree.text(&format!("{folder}/{state}/{field}"));
            let latency = of("latency").and_then(|us| us.parse::<u64>().ok()).unwrap_or(0);
            let is_off = of("disable").is_some_and(|off| off != "0");
            let off = (format!("{folder}/{state}/disable"), "1".to_owned());
            if latency > EXIT_US && !is_off {
                let name = of("name").unwrap_or_else(|| state.clone());
                let cores: &mut cores::Cores = deep.entry((latency, name)).or_default();
                cores.insert(*core);
                draft.write(&off.0, off.1);
            } else if latency > EXIT_US {
                draft.keep(Change::Write { path: off.0, value: off.1 });
            }
        }
    }
    for ((latency, name), on) in &deep {
        draft.fault(format!("{name} ({latency} us) on {}", cores::said(on)));
    }
    draft.done()
}

fn latency(survey: &Survey<'_>) -> Check {
    let mut draft = Draft::new(
        survey,
        (24, "latency of idle states asked for", Area::Power),
        Weight::Plain,
        "at most 1 us while an engine runs, which asks for it itself",
        "the request counts as long as the file is open, for all cores",
    );
    match &survey.kernel.latency_us {
        Err(why) => draft.silent(LATENCY, why),
        Ok(us) => {
            let said = match *us {
                NOBODY_ASKS_US => "nobody asks".to_owned(),
                us => format!("{us} us"),
            };
            draft.saw(LATENCY, &said);
            if process::hot_threads(survey.tree).is_empty() {
                draft.tell(format!("{said}; no engine runs"));
            } else if *us > 1 {
                draft.fault(format!("{said}, though an engine runs"));
                draft
                    .advise("run the engine with a topology that spins, as a user who may open it");
            }
        }
    }
    draft.done()
}

fn uncore(survey: &Survey<'_>) -> Check {
    let folder = format!("{CPU}/intel_uncore_frequency");
    let mut draft = Draft::new(
        survey,
        (25, "uncore frequency", Area::Power),
        Weight::Slight,
        "lowest = highest",
        "memory, L3 and the PCIe root slow down when few cores are busy",
    );
    for package in survey.tree.names(&folder) {
        let highest = survey.tree.text(&format!("{folder}/{package}/max_freq_khz"));
        if let Some(highest) = highest.and_then(|highest| highest.parse().ok()) {
            draft.knob(&format!("{folder}/{package}/min_freq_khz"), &Want::AtLeast(highest));
        }
    }
    draft.done()
}

fn source(survey: &Survey<'_>) -> Check {
    let mut draft = Draft::new(
        survey,
        (26, "clock source", Area::Power),
        Weight::Grave,
        "tsc, constant and never stopping",
        "every stamp is a reading of it: others cost 500 ns and more, or a system call, and one \
         that stops falsifies the record",
    );
    let path = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    if let Some(now) = draft.read(path)
        && now != "tsc"
    {
        draft.fault(format!("it is {now}"));
        let offered = survey
            .tree
            .text("/sys/devices/system/clocksource/clocksource0/available_clocksource")
            .unwrap_or_default();
        if offered.split_whitespace().any(|one| one == "tsc") {
            draft.write(path, "tsc");
        } else {
            draft.advise("the kernel does not trust the TSC: see `dmesg | grep -i tsc`");
        }
        draft.boot(false, "clocksource=tsc");
    }
    let info = survey.tree.text("/proc/cpuinfo").unwrap_or_default();
    let flags = info.lines().find(|line| line.starts_with("flags")).unwrap_or("");
    for flag in ["constant_tsc", "nonstop_tsc"] {
        let has = flags.split_whitespace().any(|one| one == flag);
        if !flags.is_empty() && !has {
            draft.fault(format!("the processor does not have {flag}"));
            draft.advise("use another processor, or ask for an invariant TSC in the hypervisor");
        }
    }
    draft.done()
}

fn synchronisation(survey: &Survey<'_>) -> Check {
    let mut draft = Draft::new(
        survey,
        (27, "time synchronised", Area::Power),
        Weight::Plain,
        "disciplined, estimated error at most 100 us",
        "stamps are evidence only within the clock's error (EU 2017/574 asks for 100 us)",
    );
    match &survey.kernel.time {
        Err(why) => draft.silent("adjtimex(2)", why),
        Ok(time) => {
            draft.saw(
                "adjtimex(2)",
                &format!(
                    "{}, estimated error {} us, at most {} us, TAI {} s ahead",
                    if time.is_synchronised { "synchronised" } else { "not synchronised" },
                    time.error_us,
                    time.most_error_us,
                    time.tai_seconds
                ),
            );
            if !time.is_synchronised {
                draft.fault("nobody disciplines the clock");
                draft.run("sudo systemctl enable --now chrony");
                draft.advise("with a card that stamps, use ptp4l and phc2sys instead");
            } else if time.error_us > CLOCK_ERROR_US {
                draft.fault(format!("its error is estimated as {} us", time.error_us));
                draft.advise("see `chronyc tracking`, or `pmc -u -b 0 'GET TIME_STATUS_NP'`");
            }
        }
    }
    draft.done()
}

fn stamps(survey: &Survey<'_>) -> Check {
    let mut draft = Draft::new(
        survey,
        (28, "time stamps of cards", Area::Power),
        Weight::Slight,
        "cards of feeds stamp any packet that arrives",
        "only those say when a packet was there, not when somebody looked",
    );
    for name in &survey.wanted.interfaces {
        let asked = format!("ethtool -T {name}");
        match survey.kernel.card(name, |card| &card.stamps) {
            Err(why) => draft.silent(&asked, &why),
            Ok(stamps) => {
                let said = match (stamps.rx, stamps.any) {
                    (true, true) => "any packet",
                    (true, false) => "some packets",
                    (false, _) => "none",
                };
                let clock =
                    stamps.clock.map_or(String::new(), |clock| format!(", /dev/ptp{clock}"));
                draft.saw(&asked, &format!("{said}{clock}"));
                if said != "any packet" {
                    draft.fault(format!("{name} stamps {said}"));
                    draft.advise("use another card, or a switch that stamps");
                }
            }
        }
    }
    draft.done()
}

//! Checks that need a while: counters that should not move, gaps in a loop; and what a measurement
//! is to be filed with.

use super::cores::Cores;
use super::draft::Draft;
use super::jitter::{self, Gaps};
use super::process::{HotThread, faults, hot_threads};
use super::{Area, Check, Profile, Survey, Tree, Weight};
use crate::clock::EngineClock;
use crate::engine::core::PlaceError;
use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::Duration;

/// How far below its budget a core must stay: gaps over a bound each second, and percent of the
/// time. They are choices: beside the exchange one tick of the kernel each second may remain
/// (`nohz_full` leaves that), on a machine of one's own the ticks of an ordinary kernel.
struct Budget {
    bound: usize,
    each_second: f64,
    stolen_percent: f64,
    said: &'static str,
}

const COLO: Budget = Budget {
    bound: 2,
    each_second: 1.0,
    stolen_percent: 0.01,
    said: "at most 1 gap over 10 us each second, 0.01 % of the time",
};

const LAB: Budget = Budget {
    bound: 4,
    each_second: 0.0,
    stolen_percent: 2.0,
    said: "no gap over 1 ms, 2 % of the time",
};

/// Counters at one moment, by where they stand.
type Counts = BTreeMap<String, u64>;

/// What a while has shown.
#[derive(Clone, Debug)]
pub struct Measured {
    /// How long it was.
    pub span: Duration,
    /// Gaps of the hot cores.
    pub gaps: Vec<Gaps>,
    grown: Counts,
}

impl Measured {
    /// Reads all counters, looks at the hot cores for `span`, and reads them again.
    ///
    /// # Errors
    /// A hot core cannot be used by this process.
    pub fn take(
        tree: &Tree,
        hot: &Cores,
        interfaces: &[String],
        span: Duration,
    ) -> Result<Self, PlaceError> {
        let clock = EngineClock::start();
        let cores: Vec<u16> = hot.iter().copied().collect();
        let before = counts(tree, hot, interfaces);
        let gaps = if cores.is_empty() {
            std::thread::sleep(span);
            Vec::new()
        } else {
            jitter::measure(&cores, span, &clock)?
        };
        Ok(Self { span, gaps, grown: grown(&before, &counts(tree, hot, interfaces)) })
    }

    /// What two moments of a machine, and its gaps between them, show.
    #[must_use]
    pub fn of(before: &Tree, after: &Tree, asked: (&Cores, &[String]), gaps: Vec<Gaps>) -> Self {
        let (hot, interfaces) = asked;
        let (before, after) = (counts(before, hot, interfaces), counts(after, hot, interfaces));
        Self { span: Duration::from_secs(1), gaps, grown: grown(&before, &after) }
    }

    /// Counters whose place begins with `prefix` and that have moved, and by how much.
    pub fn grown(&self, prefix: &str) -> impl Iterator<Item = (&str, u64)> {
        let from = self.grown.range(prefix.to_owned()..);
        let own = from.take_while(move |(place, _)| place.starts_with(prefix));
        own.map(|(place, by)| (place.as_str(), *by)).collect::<Vec<_>>().into_iter()
    }
}

fn grown(before: &Counts, after: &Counts) -> Counts {
    let moved = after.iter().filter_map(|(place, now)| {
        let by = now.saturating_sub(before.get(place).copied()?);
        (by > 0).then(|| (place.clone(), by))
    });
    moved.collect()
}

/// Counters that are looked at twice.
fn counts(tree: &Tree, hot: &Cores, interfaces: &[String]) -> Counts {
    let mut counts = Counts::new();
    let text = |path: &str| tree.text(path).unwrap_or_default();
    interrupts(&text("/proc/interrupts"), hot, &mut counts);
    if let Some(dropped) = udp_dropped(&text("/proc/net/snmp")) {
        counts.insert("drops /proc/net/snmp RcvbufErrors".to_owned(), dropped);
    }
    for (row, line) in text("/proc/net/softnet_stat").lines().enumerate() {
        let words: Vec<_> = line.split_whitespace().collect();
        for (column, name) in [(1, "dropped"), (2, "time_squeeze")] {
            let count = words.get(column).and_then(|word| u64::from_str_radix(word, 16).ok());
            if let Some(count) = count {
                let kind = if column == 1 { "drops" } else { "squeezes" };
                counts.insert(format!("{kind} /proc/net/softnet_stat row {row} {name}"), count);
            }
        }
    }
    for name in interfaces {
        for field in CARD_DROPS {
            let path = format!("/sys/class/net/{name}/statistics/{field}");
            if let Some(count) = tree.text(&path).and_then(|count| count.parse().ok()) {
                counts.insert(format!("drops {path}"), count);
            }
        }
    }
    for core in hot {
        let folder = format!("/sys/devices/system/cpu/cpu{core}/cpuidle");
        for state in tree.names(&folder) {
            let path = format!("{folder}/{state}/usage");
            if let Some(count) = tree.text(&path).and_then(|count| count.parse().ok()) {
                counts.insert(format!("idle {core} {state}"), count);
            }
        }
        if let Some(count) = system_management(tree, *core) {
            counts.insert(format!("smi {core}"), count);
        }
    }
    if let Some(steal) = steal(&text("/proc/stat")) {
        counts.insert("steal".to_owned(), steal);
    }
    for HotThread { process, thread, .. } in hot_threads(tree) {
        let status = text(&format!("/proc/{process}/task/{thread}/status"));
        let row = status.lines().find_map(|row| row.strip_prefix("nonvoluntary_ctxt_switches:"));
        if let Some(count) = row.and_then(|count| count.trim().parse().ok()) {
            counts.insert(format!("switches {process} {thread}"), count);
        }
        let stat = text(&format!("/proc/{process}/task/{thread}/stat"));
        if let Some((minor, major)) = faults(&stat) {
            counts.insert(format!("faults {process} {thread}"), minor + major);
        }
    }
    counts
}

/// Counters of a card that mean a packet was lost.
pub const CARD_DROPS: [&str; 3] = ["rx_dropped", "rx_missed_errors", "rx_fifo_errors"];

/// Interrupts of devices on hot cores. The kernel's own (named, not numbered) come to every core.
fn interrupts(table: &str, hot: &Cores, counts: &mut Counts) {
    let mut lines = table.lines();
    let heads: Vec<_> = lines.next().unwrap_or("").split_whitespace().collect();
    let columns: Vec<Option<u16>> = heads
        .iter()
        .map(|head| head.strip_prefix("CPU").and_then(|core| core.parse().ok()))
        .collect();
    for line in lines {
        let Some((number, rest)) = line.split_once(':') else { continue };
        if number.trim().parse::<u32>().is_err() {
            continue;
        }
        let words: Vec<_> = rest.split_whitespace().collect();
        let name = words.last().copied().unwrap_or("");
        for (word, core) in words.iter().zip(&columns) {
            if let (Ok(count), Some(core)) = (word.parse(), core)
                && hot.contains(core)
            {
                let number = number.trim();
                counts.insert(format!("irq {number} ({name}) on core {core}"), count);
            }
        }
    }
}

/// Datagrams for which a socket had no room, since the machine was started.
#[must_use]
pub fn udp_dropped(snmp: &str) -> Option<u64> {
    let mut rows = snmp.lines().filter_map(|line| line.strip_prefix("Udp: "));
    let (names, values) = (rows.next()?, rows.next()?);
    let column = names.split_whitespace().position(|name| name == "RcvbufErrors")?;
    values.split_whitespace().nth(column)?.parse().ok()
}

/// Time that the host of a virtual machine took, in ticks of a hundredth of a second.
#[must_use]
pub fn steal(stat: &str) -> Option<u64> {
    stat.lines().next()?.split_whitespace().nth(8)?.parse().ok()
}

/// Interrupts for the firmware, which stop all cores: register 0x34, `MSR_SMI_COUNT`. Source: Intel
/// SDM volume 4. Only on this machine, and only with the right to read it.
fn system_management(tree: &Tree, core: u16) -> Option<u64> {
    if !tree.is_here() {
        return None;
    }
    let mut bytes = [0; 8];
    File::open(format!("/dev/cpu/{core}/msr")).ok()?.read_exact_at(&mut bytes, 0x34).ok()?;
    Some(u64::from_ne_bytes(bytes))
}

/// What a check says that needs a while and was not given one.
pub const NOT_MEASURED: &str = "not measured: add --measure 10s";

pub(super) fn checks(survey: &Survey<'_>) -> [Check; 3] {
    [gaps(survey), firmware_interrupts(survey), firmware(survey)]
}

fn gaps(survey: &Survey<'_>) -> Check {
    let budget = match survey.wanted.profile {
        Profile::Colo => COLO,
        Profile::Lab | Profile::Ci => LAB,
    };
    let mut draft = Draft::new(
        survey,
        (55, "jitter", Area::Measured),
        Weight::Plain,
        budget.said,
        "each gap is a time in which no packet is read and no order leaves",
    );
    let Some(measured) = survey.measured else {
        draft.tell(NOT_MEASURED);
        return draft.done();
    };
    for gaps in &measured.gaps {
        let each_second = gaps.per_second(gaps.over[budget.bound]);
        let percent = gaps.stolen_percent();
        draft.saw(
            &format!("core {}", gaps.core),
            &format!(
                "{:.0} gaps over 10 us/s, p99 {} us, max {} us, {percent:.3} % of the time",
                gaps.per_second(gaps.over[2]),
                gaps.gaps.p99.div_ceil(1_000),
                gaps.gaps.max.div_ceil(1_000)
            ),
        );
        if each_second > budget.each_second || percent > budget.stolen_percent {
            draft.fault(format!(
                "core {}: {each_second:.1} gaps over {} us each second, {percent:.3} % of the time",
                gaps.core,
                jitter::OVER_NS[budget.bound] / 1_000
            ));
        }
    }
    if !draft.is_clean() {
        draft.advise("see the findings about CPU isolation, then: xmc host jitter");
    }
    draft.done()
}

fn firmware_interrupts(survey: &Survey<'_>) -> Check {
    let mut draft = Draft::new(
        survey,
        (56, "firmware interrupts (SMI)", Area::Measured),
        Weight::Plain,
        "none while it is measured",
        "the firmware stops all cores for tens to hundreds of microseconds, and no setting of the \
         kernel prevents it",
    );
    const REGISTER: &str = "/dev/cpu/N/msr 0x34";
    let first = survey.hot().first().copied();
    match first.and_then(|core| Some((core, system_management(survey.tree, core)?))) {
        None => draft.blind(REGISTER, "not readable here: needs root and the module msr"),
        Some((core, count)) => {
            draft.saw(REGISTER, &format!("{count} on core {core} since the machine was started"));
            match survey.measured {
                None => draft.tell(NOT_MEASURED),
                Some(measured) => {
                    for (place, by) in measured.grown("smi ") {
                        draft.fault(format!("{by} on core {}", place.trim_start_matches("smi ")));
                        draft.advise(
                            "turn off USB legacy support, power capping and memory scrubbing in \
                             the firmware",
                        );
                    }
                }
            }
        }
    }
    draft.done()
}

fn firmware(survey: &Survey<'_>) -> Check {
    let mut draft = Draft::new(
        survey,
        (57, "firmware versions", Area::Measured),
        Weight::Slight,
        "recorded with each measurement",
        "figures of two machines, or of one before and after an update, are comparable only if \
         these are known",
    );
    let mut known = Vec::new();
    for (path, name) in [
        ("/sys/devices/system/cpu/microcode/version", "microcode"),
        ("/sys/class/dmi/id/bios_version", "BIOS"),
        ("/sys/class/dmi/id/product_name", "product"),
        ("/proc/sys/kernel/osrelease", "kernel"),
    ] {
        if let Some(value) = draft.read(path) {
            known.push(format!("{name} {value}"));
        }
    }
    for name in &survey.wanted.interfaces {
        match survey.kernel.card(name, |card| &card.driver) {
            Ok((driver, firmware)) => {
                let firmware = if firmware.is_empty() { "of no version" } else { &firmware };
                let card = format!("{name}: {driver}, firmware {firmware}");
                draft.saw(&format!("ethtool -i {name}"), &card);
                known.push(card);
            }
            Err(why) => draft.silent(&format!("ethtool -i {name}"), &why),
        }
    }
    if !known.is_empty() {
        draft.tell(known.join(", "));
    }
    draft.done()
}

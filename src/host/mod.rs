//! Whether a machine is fit to trade on: what was read, what is wanted and why, what to do.
//!
//! Fifty-seven checks in six areas. A check reads files of `/proc` and `/sys` below a root, so that
//! a tree of another machine can be judged as well as this one; what only system calls tell
//! (`kernel`) is asked of this machine alone. Looking needs no privilege, and nothing but `apply`
//! and `revert` writes. Where a file is missing the check says so and is no
//! finding: a kernel without a feature cannot be blamed for its setting.
//!
//! Not here: which stages run on which cores, and whether a topology fits a machine (`topology`).
//! Called by `xmc host`. What each file means is in the documentation of the kernel
//! (`admin-guide/kernel-parameters`, `admin-guide/sysctl`, `ABI/testing`, `networking/ip-sysctl`);
//! wanted values follow the profiles of `tuned` (`network-latency`, `cpu-partitioning`) where the
//! check does not name another reason.

pub mod apply;
pub mod change;
pub mod cores;
mod cpu;
mod cpu_kernel;
mod draft;
pub mod export;
pub mod jitter;
pub mod kernel;
pub mod measured;
mod memory;
mod network;
mod network_card;
mod power;
pub mod process;
pub mod survey;
pub mod tree;

pub use change::Change;
pub use survey::{Survey, Wanted};
pub use tree::{Read, Tree};

use serde::Serialize;

/// What a host is used for: how grave findings are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// A machine of one's own: what loses or falsifies something is bad, what makes it slow a
    /// warning.
    #[default]
    Lab,
    /// A host beside the exchange: whatever makes the tail longer is bad.
    Colo,
    /// A machine that tests run on: only what loses something is a warning.
    Ci,
}

impl Profile {
    /// Its name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Lab => "lab",
            Self::Colo => "colo",
            Self::Ci => "ci",
        }
    }
}

/// What a finding costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Something is lost or wrong, however fast the machine is.
    Grave,
    /// The tail of the latencies is longer.
    Plain,
    /// It is seldom seen, or a matter of taste.
    Slight,
}

impl Weight {
    /// How a finding of this weight is judged.
    #[must_use]
    pub const fn verdict(self, profile: Profile) -> Verdict {
        match (self, profile) {
            (Self::Grave, Profile::Lab | Profile::Colo) | (Self::Plain, Profile::Colo) => {
                Verdict::Bad
            }
            (Self::Grave, Profile::Ci)
            | (Self::Plain, Profile::Lab)
            | (Self::Slight, Profile::Colo) => Verdict::Warn,
            (Self::Plain, Profile::Ci) | (Self::Slight, Profile::Lab | Profile::Ci) => {
                Verdict::Info
            }
        }
    }
}

/// What came of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As wanted.
    Ok,
    /// Worth knowing; nothing to do for this profile.
    Info,
    /// This machine does not have it.
    Absent,
    /// It cannot be read from here.
    Unknown,
    /// Should be otherwise.
    Warn,
    /// Must be otherwise.
    Bad,
}

impl Verdict {
    /// All of them, the worst first.
    pub const WORST_FIRST: [Self; 6] =
        [Self::Bad, Self::Warn, Self::Unknown, Self::Absent, Self::Info, Self::Ok];

    /// Its name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Info => "info",
            Self::Absent => "absent",
            Self::Unknown => "unknown",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }

    /// Whether something is to be done.
    #[must_use]
    pub const fn is_finding(self) -> bool {
        matches!(self, Self::Warn | Self::Bad)
    }
}

/// Which part of a machine a check is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Area {
    /// Who else runs on the hot cores.
    Cpu,
    /// Frequencies, idle states and clocks.
    Power,
    /// Pages.
    Memory,
    /// Cards and the network stack.
    Network,
    /// What this process, and an engine that runs, may do and does.
    Process,
    /// What only time shows, and what a measurement is to be filed with.
    Measured,
}

impl Area {
    /// All of them, in the order of the checks.
    pub const ALL: [Self; 6] =
        [Self::Cpu, Self::Power, Self::Memory, Self::Network, Self::Process, Self::Measured];

    /// What it is called in a report.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Cpu => "CPU isolation",
            Self::Power => "power and clocks",
            Self::Memory => "memory",
            Self::Network => "network",
            Self::Process => "process",
            Self::Measured => "measured",
        }
    }
}

/// One file and what it said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reading {
    /// Where it was read, as it is called on the machine itself.
    pub path: String,
    /// Its value, shortened to what the check is about; why there is none.
    pub value: String,
}

/// One check, done.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// Its number, 1 ..= 57: it never changes.
    pub number: u8,
    /// What it is about.
    pub name: &'static str,
    /// Where it belongs.
    pub area: Area,
    /// What came of it.
    pub verdict: Verdict,
    /// What was read.
    pub read: Vec<Reading>,
    /// What is wanted.
    pub want: String,
    /// Why.
    pub why: &'static str,
    /// What is otherwise, or worth knowing: sentences without a full stop.
    pub said: Vec<String>,
    /// What to do.
    #[serde(rename = "do")]
    pub changes: Vec<Change>,
    /// All that it wants set, also what is so already: what an export holds.
    #[serde(skip)]
    pub settings: Vec<Change>,
}

/// All checks of a machine, in the order of their numbers.
#[must_use]
pub fn checks(survey: &Survey<'_>) -> Vec<Check> {
    let mut all = Vec::new();
    all.extend(cpu::checks(survey));
    all.extend(cpu_kernel::checks(survey));
    all.extend(power::checks(survey));
    all.extend(memory::checks(survey));
    all.extend(network_card::checks(survey));
    all.extend(network::checks(survey));
    all.extend(process::checks(survey));
    all.extend(measured::checks(survey));
    all.sort_by_key(|check| check.number);
    all
}

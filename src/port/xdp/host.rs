//! What AF_XDP needs of a host, and what this one has of it. Reads files of the kernel and asks the
//! interface; nothing is opened, loaded or changed.

use super::ethtool;
use crate::port::interface::Interface;
use std::fmt;
use std::fs;

/// The oldest kernel: one memory of frames for several queues came with it (5.10; `bpf_link` for
/// XDP with 5.9, need-wakeup with 5.4).
pub const KERNEL: Version = Version(5, 10);

/// A version of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u16, pub u16);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// A capability that is needed: its number (`linux/capability.h`), name, and what for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capability {
    /// Its bit.
    pub number: u8,
    /// Its name.
    pub name: &'static str,
    /// What needs it.
    pub purpose: &'static str,
    /// Whether `CAP_SYS_ADMIN` includes it.
    is_in_sys_admin: bool,
}

/// All that are needed.
pub const CAPABILITIES: [Capability; 3] = [
    Capability {
        number: 13,
        name: "CAP_NET_RAW",
        purpose: "AF_XDP sockets",
        is_in_sys_admin: false,
    },
    Capability {
        number: 12,
        name: "CAP_NET_ADMIN",
        purpose: "a program on an interface",
        is_in_sys_admin: true,
    },
    Capability { number: 39, name: "CAP_BPF", purpose: "bpf(2)", is_in_sys_admin: true },
];
const SYS_ADMIN: u8 = 21;

/// What matters of this host and of the calling thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// The kernel; `None` if it does not say.
    pub kernel: Option<Version>,
    /// Bits of the effective capabilities; `None` if they cannot be read.
    pub capabilities: Option<u64>,
}

impl Host {
    /// This one.
    #[must_use]
    pub fn here() -> Self {
        let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let status = fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
        Self { kernel: version(&release), capabilities: effective(&status) }
    }

    /// The capabilities that are needed and not there.
    pub fn missing(&self) -> impl Iterator<Item = Capability> {
        let held = self.capabilities.unwrap_or(0);
        let has = move |number: u8| held >> number & 1 == 1;
        CAPABILITIES
            .into_iter()
            .filter(move |of| !(has(of.number) || of.is_in_sys_admin && has(SYS_ADMIN)))
    }

    /// What stands in the way, each as a sentence's part; empty if nothing does.
    #[must_use]
    pub fn obstacles(&self) -> Vec<String> {
        let kernel = match self.kernel {
            Some(kernel) if kernel < KERNEL => Some(format!("Linux {kernel} is before {KERNEL}")),
            Some(_) => None,
            None => Some("the kernel does not say its version".to_owned()),
        };
        let missing = self.missing().map(|of| format!("no {} (for {})", of.name, of.purpose));
        kernel.into_iter().chain(missing).collect()
    }
}

/// What an interface is, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// Its driver; `None` if it does not say.
    pub driver: Option<String>,
    /// Its receive queues: each has a socket.
    pub queues: u32,
}

impl Card {
    /// That of an interface of the calling thread's network namespace.
    #[must_use]
    pub fn of(interface: &Interface) -> Self {
        let driver = ethtool::driver(&interface.name).ok();
        Self { driver, queues: ethtool::receive_queues(&interface.name).unwrap_or(1) }
    }
}

impl fmt::Display for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let driver = self.driver.as_deref().unwrap_or("unknown");
        let plural = if self.queues == 1 { "" } else { "s" };
        write!(f, "driver {driver}, {} receive queue{plural}", self.queues)
    }
}

/// What is missing, in words, for the error of a call that was refused.
pub(super) fn missing() -> String {
    let missing: Vec<_> = Host::here().missing().map(|of| of.name).collect();
    if missing.is_empty() {
        // `bpf_capable` asks for the capability in the first user namespace.
        return "the capabilities are there, but of a user namespace or a container that does not \
                pass them on"
            .to_owned();
    }
    format!("this process lacks {}", missing.join(" and "))
}

/// The first two numbers of `uname -r`.
fn version(release: &str) -> Option<Version> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    Some(Version(numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn effective(status: &str) -> Option<u64> {
    let held = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
    u64::from_str_radix(held.trim(), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        let host = |kernel: &str, capabilities| Host { kernel: version(kernel), capabilities };
        let all = CAPABILITIES.iter().fold(0, |bits, of| bits | 1 << of.number);
        assert_eq!(host("6.18.44-fc", Some(all)).obstacles(), Vec::<String>::new());
        let old = host("5.9.0", Some(1 << 12 | 1 << 13)).obstacles();
        assert_eq!(old, ["Linux 5.9 is before 5.10", "no CAP_BPF (for bpf(2))"]);
        let admin = host("6.1", Some(1 << SYS_ADMIN)).obstacles();
        assert_eq!(admin, ["no CAP_NET_RAW (for AF_XDP sockets)"]);
        assert_eq!(host("", None).obstacles().len(), 4);
        assert_eq!(effective("Name:\tx\nCapEff:\t000001ff\n"), Some(0x1ff));
    }
}

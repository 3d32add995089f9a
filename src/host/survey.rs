//! What is looked at and for whom: the machine's files, and what a configuration wants of them.

use super::cores::{self, Cores};
use super::kernel::Kernel;
use super::measured::Measured;
use super::{Profile, Tree};
use crate::config::Configuration;
use crate::engine::core::hot;
use crate::port::interface::{self, InterfaceChoice};
use crate::topology::{Idle, Sched};
use std::collections::BTreeSet;

/// What comes over it never was on a wire: none of its settings matter.
const LOOPBACK: &str = "lo";

/// What is wanted of a machine.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// How grave findings are.
    pub profile: Profile,
    /// Cores that poll.
    pub hot: Cores,
    /// Who says which they are.
    pub hot_by: &'static str,
    /// Cards that packets arrive on, without loopback.
    pub interfaces: Vec<String>,
    /// Groups that are joined; `None`: nobody says.
    pub groups: Option<usize>,
    /// The largest receive buffer that a socket asks for, bytes; `None`: nobody says.
    pub receive_buffer_bytes: Option<usize>,
    /// Every feed has its sockets poll the card.
    pub is_busy_polled: bool,
    /// The highest real-time priority; `None`: there is none.
    pub fifo: Option<u8>,
}

impl Wanted {
    /// What a configuration wants. Interfaces that it names by address are found on this machine.
    #[must_use]
    pub fn of_config(config: &Configuration, profile: Profile) -> Self {
        let spins = |executor: &&crate::topology::Executor| executor.idle.value == Idle::Spin;
        let mut interfaces = BTreeSet::new();
        let mut groups = BTreeSet::new();
        for feed in &config.feeds {
            let lines = [&feed.line_a, &feed.line_b].into_iter();
            for line in lines.chain(feed.recovery.groups().map(|(_, line)| line)) {
                groups.insert(line.group);
                match &line.interface {
                    Some(InterfaceChoice::Name(name)) => {
                        interfaces.insert(name.clone());
                    }
                    Some(choice) => {
                        interfaces.extend(interface::find(choice).map(|found| found.name));
                    }
                    None => {}
                }
            }
        }
        let fifo = hot(config).filter_map(|executor| match executor.sched.value {
            Sched::Fifo(priority) => Some(priority),
            Sched::Other => None,
        });
        Self {
            profile,
            hot: hot(config).filter(spins).map(|executor| executor.core.value).collect(),
            hot_by: "the configuration",
            interfaces: interfaces.into_iter().filter(|name| name != LOOPBACK).collect(),
            groups: Some(groups.len()),
            receive_buffer_bytes: config.feeds.iter().map(|feed| feed.receive_buffer_bytes).max(),
            is_busy_polled: config.feeds.iter().all(|feed| feed.busy_poll_us.is_some()),
            fifo: fifo.max(),
        }
    }

    /// What anybody would want who says nothing: the isolated cores or, where there are none, all
    /// but the first are hot, and packets come on every card that is up.
    #[must_use]
    pub fn of_machine(tree: &Tree, profile: Profile) -> Self {
        let online = online(tree);
        let isolated = tree.text("/sys/devices/system/cpu/isolated");
        let isolated = isolated.and_then(|list| cores::of_list(&list)).unwrap_or_default();
        let (hot, hot_by) = if isolated.is_empty() {
            (online.iter().skip(1).copied().collect(), "all but the first")
        } else {
            (isolated, "those that are isolated")
        };
        let is_card = |name: &String| {
            let folder = format!("/sys/class/net/{name}");
            tree.has(&format!("{folder}/device"))
                && tree.text(&format!("{folder}/operstate")).as_deref() == Some("up")
        };
        Self {
            profile,
            hot,
            hot_by,
            interfaces: tree.names("/sys/class/net").into_iter().filter(is_card).collect(),
            groups: None,
            receive_buffer_bytes: None,
            is_busy_polled: false,
            fifo: None,
        }
    }
}

/// A machine and what is wanted of it.
#[derive(Debug)]
pub struct Survey<'s> {
    /// Its files.
    pub tree: &'s Tree,
    /// What its kernel told; nothing, if the files are another machine's.
    pub kernel: &'s Kernel,
    /// What is wanted.
    pub wanted: &'s Wanted,
    /// What a while has shown; `None`: nothing was measured.
    pub measured: Option<&'s Measured>,
    /// Cores that the kernel runs on.
    pub online: Cores,
    parameters: Vec<String>,
}

impl<'s> Survey<'s> {
    /// Looks at the machine's cores and how it was started.
    #[must_use]
    pub fn new(tree: &'s Tree, kernel: &'s Kernel, wanted: &'s Wanted) -> Self {
        let line = tree.text("/proc/cmdline").unwrap_or_default();
        let parameters = line.split_whitespace().map(str::to_owned).collect();
        Self { tree, kernel, wanted, measured: None, online: online(tree), parameters }
    }

    /// The hot cores.
    #[must_use]
    pub fn hot(&self) -> &'s Cores {
        &self.wanted.hot
    }

    /// Cores that are left to everything else.
    #[must_use]
    pub fn others(&self) -> Cores {
        self.online.difference(self.hot()).copied().collect()
    }

    /// Every value that the kernel was started with for `name`, in their order.
    pub fn parameter(&self, name: &str) -> impl Iterator<Item = &str> {
        let values = self.parameters.iter().filter_map(move |word| {
            let (key, value) = word.split_once('=').unwrap_or((word, ""));
            (key == name).then_some(value)
        });
        values.collect::<Vec<_>>().into_iter()
    }
}

/// Cores that the kernel runs on.
fn online(tree: &Tree) -> Cores {
    let list = tree.text("/sys/devices/system/cpu/online");
    list.and_then(|list| cores::of_list(&list)).unwrap_or_default()
}

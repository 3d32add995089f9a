//! What an engine counts, all of it, each struct at its place: in the file that `xmc top` and `xmc
//! dump` read, or in memory of this process for runs that nobody looks at from outside.
//!
//! Made by whoever makes the engine, before its ports and stages. Hot stages borrow their own
//! counters from here; the cold side reads them where they are. `told` is what the cold side adds.

pub mod told;

use super::core::hot;
use super::gateway::SessionCounters;
use super::threads::of_core;
use crate::clock::EngineClock;
use crate::config::Configuration;
use crate::counters::file::Shown;
use crate::counters::table::{MEMORY_BYTES, Table};
use crate::counters::{CountersError, CountersFile, Owner, OwnerKind, Placed, Placer, Run};
use crate::journal;
use crate::port::interface::LinkState;
use crate::port::tcp::StreamCounters;
use crate::port::udp::MulticastCounters;
use crate::port::xdp::receive::XdpCounters;
use crate::port::xdp::send::SendCounters;
use crate::recovery::replica::ReplicaCounters;
use crate::topology::Stage as StageName;
use std::path::Path;
use told::Told;
use xmc_hotpath::counter::Counter;
use xmc_hotpath::counters;
use xmc_hotpath::desk::stage::DeskCounters;
use xmc_hotpath::feed::FeedCounters;
use xmc_hotpath::gateway::GatewayCounters;
use xmc_hotpath::message::DeskIdentity;
use xmc_hotpath::port::Line;
use xmc_hotpath::stage::CoreCounters;
use xmc_hotpath::time::UnixNs;

counters! {
    /// What hot cores read: on a line of its own, because it is seldom written.
    #[repr(align(128))]
    pub struct OriginCounters {
        /// The engine's nanosecond zero in UTC, read again each second.
        pub utc_origin: Counter => Gauge "ns since 1970",
    }
}

counters! {
    /// What the cold side knows of the engine as a whole: written by its main thread.
    #[repr(align(128))]
    pub struct EngineCounters {
        /// Records that the shadow desk has followed; it lags the desk by some milliseconds.
        pub followed: Counter => Count "records",
        /// Fires that passed all gates, as the shadow has seen them.
        pub fires: Counter => Count "fires",
        /// Decisions that a gate held back, as the shadow has seen them.
        pub refusals: Counter => Count "decisions",
        /// Orders that live at a venue, or may, as the shadow has seen them.
        pub live_orders: Counter => Gauge "orders",
        /// Whether the desk was told that it may open positions.
        pub is_armed: Counter => Word "not yet|armed",
        /// Whether the run is about to end: cores may stop before it has ended.
        pub is_ending: Counter => Word "no|ending",
        /// Half of all fires took at most this long from the packet to their last order.
        pub tick_to_order_p50: Counter => Gauge "ns",
        /// 99 in 100 fires took at most this long from the packet to their last order.
        pub tick_to_order_p99: Counter => Gauge "ns",
        /// The longest that a fire took from the packet to its last order.
        pub tick_to_order_max: Counter => HighWater "ns",
        /// Snapshots of the desk that were written.
        pub snapshots: Counter => Count "snapshots",
        /// Snapshots of the desk that could not be written: the next start takes longer.
        pub snapshot_failures: Counter => Count "snapshots",
        /// Records that every witness has signed; 0 without witnesses.
        pub witnessed_records: Counter => Gauge "records",
    }
}

counters! {
    /// What a thread of the cold side shows of itself.
    #[repr(align(128))]
    pub struct ThreadCounters {
        /// When it last came round.
        pub heartbeat: Counter => Moment "ticks",
        /// Times that it came round.
        pub rounds: Counter => Count "rounds",
        /// The number that the kernel gives to it; 0 before it runs.
        pub thread: Counter => Gauge "thread id",
    }
}

impl ThreadCounters {
    /// Notes the calling thread.
    pub fn begin(&self) {
        self.thread.set(thread_id());
    }

    /// It has come round at this tick.
    pub fn round(&self, ticks: u64) {
        self.rounds.add(1);
        self.heartbeat.set(ticks);
    }
}

/// The number that the kernel gives to the calling thread; 0 if it does not tell.
#[must_use]
pub fn thread_id() -> u64 {
    let link = std::fs::read_link("/proc/thread-self");
    let id = link.ok().and_then(|link| link.file_name()?.to_str()?.parse().ok());
    id.unwrap_or(0)
}

counters! {
    /// What the journal's writer has done: written by its thread after each round.
    #[repr(align(128))]
    pub struct JournalCounters {
        /// Records written.
        pub records: Counter => Count "records",
        /// Records of the ring that the journal had already.
        pub dropped: Counter => Count "records",
        /// Blocks written.
        pub blocks: Counter => Count "blocks",
        /// Bytes written.
        pub bytes: Counter => Count "bytes",
        /// Groups of blocks that were synced.
        pub syncs: Counter => Count "syncs",
        /// Records, over all runs, that are safe from a loss of power.
        pub durable_records: Counter => Gauge "records",
        /// The segment up to which the journal is safe from a loss of power.
        pub durable_segment: Counter => Gauge "segment",
        /// Bytes of that segment that are safe from a loss of power.
        pub durable_bytes: Counter => Gauge "bytes",
        /// How long the last group waited until it was safe.
        pub window_last: Counter => Gauge "ns",
        /// How long the slowest group waited until it was safe.
        pub window_worst: Counter => HighWater "ns",
        /// How long a group may wait besides what the disk itself takes.
        pub window_stated: Counter => Gauge "ns",
        /// Errors of a disk that another directory was there for.
        pub failures: Counter => Count "errors",
        /// Whether there is room for a segment after this one.
        pub room: Counter => Word "enough|for no other segment",
    }
}

impl JournalCounters {
    /// Shows what a writer says of itself.
    pub fn show(&self, figures: &journal::Figures) {
        self.records.set(figures.records);
        self.dropped.set(figures.dropped);
        self.blocks.set(figures.blocks);
        self.bytes.set(figures.bytes);
        self.syncs.set(figures.syncs);
        self.durable_records.set(figures.durable.tree_size);
        self.durable_segment.set(figures.durable.segment);
        self.durable_bytes.set(figures.durable.bytes);
        self.window_last.set(figures.window.last.0);
        self.window_worst.set(figures.window.worst.0);
        self.window_stated.set(figures.window.stated.0);
        self.failures.set(figures.failures);
        self.room.set(u64::from(figures.is_low));
    }
}

counters! {
    /// What the kernel has dropped of one line.
    pub struct KernelLineCounters {
        /// Datagrams for which the receive buffer of the line's socket had no room.
        pub overflow: Counter => Count "packets",
    }
}

counters! {
    /// What the kernel has dropped of a feed: asked by the cold side each second.
    #[repr(align(128))]
    pub struct KernelCounters {
        /// A and B.
        pub lines: [KernelLineCounters; 2],
        /// AF_XDP: frames that were too long, or found no frame to be copied into.
        pub xdp_dropped: Counter => Count "packets",
        /// AF_XDP: frames for which the receive ring had no room.
        pub xdp_ring_full: Counter => Count "packets",
        /// AF_XDP: times that there was no free frame, because the port was not polled for too
        /// long.
        pub xdp_no_frame: Counter => Count "times",
    }
}

counters! {
    /// The interface of one line.
    pub struct InterfaceLineCounters {
        /// What it can do.
        pub state: Counter => Word "unwatched|up|no_carrier|down|gone|not_joined|no_address",
    }
}

counters! {
    /// The interfaces of a feed: written by the thread that watches them.
    #[repr(align(128))]
    pub struct InterfaceCounters {
        /// A and B.
        pub lines: [InterfaceLineCounters; 2],
        /// Times that one of them was there anew.
        pub renewed: Counter => Count "times",
    }
}

impl InterfaceCounters {
    /// What the interface of a line can do, as was seen last.
    #[must_use]
    pub fn state(&self, line: Line) -> LinkState {
        LinkState::from_word(self.line(line).state.get())
    }

    /// Shows what the interface of a line can do.
    pub fn show(&self, line: Line, state: LinkState) {
        self.line(line).state.set(state.to_word());
    }

    fn line(&self, line: Line) -> &InterfaceLineCounters {
        let [a, b] = &self.lines;
        match line {
            Line::A => a,
            Line::B => b,
        }
    }
}

/// What the port of a feed counts.
#[derive(Clone, Debug, Default)]
pub struct FeedPortCounters {
    /// Its sockets.
    pub sockets: Placed<MulticastCounters>,
    /// What comes past the kernel.
    pub xdp: Placed<XdpCounters>,
    /// What the kernel says.
    pub kernel: Placed<KernelCounters>,
    /// What its interfaces can do.
    pub interface: Placed<InterfaceCounters>,
}

/// What the port of a gateway counts, over all its sessions.
#[derive(Clone, Debug, Default)]
pub struct GatewayPortCounters {
    /// Its stream.
    pub stream: Placed<StreamCounters>,
    /// What leaves past the kernel.
    pub xdp: Placed<SendCounters>,
}

/// What all parts of an engine count: read by the cold side while they run.
#[derive(Debug)]
pub struct Counters {
    /// The desk.
    pub desk: Placed<DeskCounters>,
    /// By feed.
    pub feeds: Vec<Placed<FeedCounters>>,
    /// By feed: its port.
    pub feed_ports: Vec<FeedPortCounters>,
    /// By feed: its replica on the cold side.
    pub replicas: Vec<ReplicaCounters>,
    /// By gateway.
    pub gateways: Vec<Placed<GatewayCounters>>,
    /// By gateway: its port.
    pub gateway_ports: Vec<GatewayPortCounters>,
    /// By gateway.
    pub sessions: Vec<SessionCounters>,
    /// By hot core, in the order of the topology.
    pub cores: Vec<Placed<CoreCounters>>,
    /// The journal.
    pub journal: Placed<JournalCounters>,
    /// The journal's thread.
    pub journal_thread: Placed<ThreadCounters>,
    /// The thread that watches the engine.
    pub main_thread: Placed<ThreadCounters>,
    /// The thread of the replicas.
    pub recovery_thread: Placed<ThreadCounters>,
    /// The engine's zero.
    pub origin: Placed<OriginCounters>,
    /// The engine as a whole.
    pub engine: Placed<EngineCounters>,
    /// Pairs, alerts and latencies, for whoever looks from outside.
    pub told: Told,
    /// Where others see them; `None`: nowhere.
    shown: Option<Shown>,
}

impl Counters {
    /// Counters for a configuration that nobody sees from outside.
    #[must_use]
    pub fn new(config: &Configuration) -> Self {
        Self::place(config, false, &mut Placer::alone(Self::bytes(config)))
    }

    /// What the counters of a configuration are.
    #[must_use]
    pub fn table(config: &Configuration) -> Table {
        let mut placer = Placer::alone(Self::bytes(config));
        Self::place(config, false, &mut placer);
        placer.table().clone()
    }

    /// The most that they can take.
    fn bytes(config: &Configuration) -> usize {
        MEMORY_BYTES + Told::bytes(config)
    }

    /// Counters for the run `identity`, which other processes see in the directory of its record.
    ///
    /// # Errors
    /// What the file system says.
    pub fn shown(
        config: &Configuration,
        is_pinned: bool,
        directory: &Path,
        identity: DeskIdentity,
        clock: &EngineClock,
    ) -> Result<Self, CountersError> {
        let (file, mut placer) = CountersFile::begin(directory, Self::bytes(config))?;
        let counters = Self::place(config, is_pinned, &mut placer);
        let scale = clock.utc();
        counters.origin.utc_origin.set(scale.utc.0.wrapping_sub(scale.at.0));
        let shown = file.finish(placer, &Run::beginning(identity, clock))?;
        Ok(Self { shown: Some(shown), ..counters })
    }

    /// Says to whoever looks that the run has ended in order.
    pub fn end(&self, now: UnixNs) {
        if let Some(shown) = &self.shown {
            shown.end(now);
        }
    }

    fn place(config: &Configuration, is_pinned: bool, placer: &mut Placer) -> Self {
        let feeds: Vec<_> = config.feeds.iter().map(|feed| feed.name.value.clone()).collect();
        let gateways = config.gateways.iter().map(|gateway| gateway.name.value.clone());
        let gateways: Vec<_> = gateways.collect();
        let one = |kind| Owner::new(kind, "");
        let thread = |name: &str, thread: &str, core| {
            Owner::new(OwnerKind::Thread, name).with_thread(thread, core)
        };
        let journal_core = super::core::core_of(config, StageName::Journal);
        let journal_core = journal_core.filter(|_| is_pinned);
        let origin = placer.place(&one(OwnerKind::Engine));
        let engine = placer.place(&one(OwnerKind::Engine));
        let cores = hot(config).map(|executor| {
            let core = executor.core.value;
            let stages = executor.stages.iter().map(|stage| config.stage_name(stage.value));
            let thread = of_core(core, is_pinned);
            let owner = Owner::new(OwnerKind::Core, &core.to_string());
            let owner = owner.with_thread(&thread, is_pinned.then_some(core));
            placer.place(&Owner { stages: stages.collect(), ..owner })
        });
        let cores = cores.collect();
        let main_thread = placer.place(&thread("main", "xmc", None));
        let journal_thread = placer.place(&thread("journal", "xmc-journal", journal_core));
        let recovery_thread = placer.place(&thread("recovery", "xmc-recovery", None));
        let named = |kind, names: &[String]| -> Vec<Owner> {
            names.iter().map(|name| Owner::new(kind, name)).collect()
        };
        let ports = |of: &str, names: &[String]| -> Vec<Owner> {
            let port = |name| Owner::new(OwnerKind::Port, &format!("{of} {name}"));
            names.iter().map(port).collect()
        };
        let (feed_ports, gateway_ports) = (ports("feed", &feeds), ports("gateway", &gateways));
        Self {
            desk: placer.place_parts(|name| desk_part(name, &feeds, &gateways)),
            feeds: named(OwnerKind::Feed, &feeds).iter().map(|one| placer.place(one)).collect(),
            feed_ports: feed_ports
                .iter()
                .map(|owner| FeedPortCounters {
                    sockets: placer.place(owner),
                    xdp: placer.place_parts(|name| Some((owner.clone(), format!("xdp.{name}")))),
                    kernel: placer
                        .place_parts(|name| Some((owner.clone(), format!("kernel.{name}")))),
                    interface: placer
                        .place_parts(|name| Some((owner.clone(), format!("interface.{name}")))),
                })
                .collect(),
            replicas: named(OwnerKind::Replica, &feeds)
                .iter()
                .map(|owner| ReplicaCounters::place(owner, placer))
                .collect(),
            gateways: gateways
                .iter()
                .map(|gateway| placer.place_parts(|name| Some(gateway_part(name, gateway))))
                .collect(),
            gateway_ports: gateway_ports
                .iter()
                .map(|owner| GatewayPortCounters {
                    stream: placer.place(owner),
                    xdp: placer.place_parts(|name| Some((owner.clone(), format!("xdp.{name}")))),
                })
                .collect(),
            sessions: named(OwnerKind::Session, &gateways)
                .iter()
                .zip(&config.gateways)
                .map(|(owner, gateway)| SessionCounters::place(gateway, owner, placer))
                .collect(),
            journal: placer.place(&one(OwnerKind::Journal)),
            told: Told::place(config, placer),
            origin,
            engine,
            cores,
            main_thread,
            journal_thread,
            recovery_thread,
            shown: None,
        }
    }
}

/// Whose a counter of the desk's core is: rings are shown as such, under the names of the
/// configuration, and those that it does not have not at all.
fn desk_part(name: &str, feeds: &[String], gateways: &[String]) -> Option<(Owner, String)> {
    let ring =
        |ring: String, rest: &str| Some((Owner::new(OwnerKind::Ring, &ring), rest.to_owned()));
    let mut parts = name.splitn(4, '.');
    let mut next = || parts.next().unwrap_or("");
    let (first, second, third, fourth) = (next(), next(), next(), next());
    let of =
        |names: &'_ [String]| second.parse().ok().and_then(|row: usize| names.get(row).cloned());
    match first {
        "feeds" => ring(format!("{third} {}", of(feeds)?), fourth),
        "news" => ring(format!("news {}", of(gateways)?), third),
        "control" => ring("control".to_owned(), second),
        _ => Some((Owner::new(OwnerKind::Desk, ""), name.to_owned())),
    }
}

/// Whose a counter of a gateway's core is.
fn gateway_part(name: &str, gateway: &str) -> (Owner, String) {
    match name.strip_prefix("commands.") {
        Some(rest) => (Owner::new(OwnerKind::Ring, &format!("orders {gateway}")), rest.to_owned()),
        None => (Owner::new(OwnerKind::Gateway, gateway), name.to_owned()),
    }
}

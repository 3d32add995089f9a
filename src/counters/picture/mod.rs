//! What two looks at a file of counters say together: who is alive and how busy, how full rings
//! are, what comes in and goes out each second, what was lost and why.
//!
//! Plain data for a screen, for lines and for JSON. A figure that the file does not have (of
//! another build, or without a second look) is absent, never zero.

mod sight;

pub use sight::{meaning, word};

use super::read::{Attached, EngineState, ReadError};
use crate::clock::EngineClock;
use serde::Serialize;
use std::time::Instant;
use xmc_hotpath::time::{Span, TickScale};

/// A heartbeat that is older is late.
pub const LATE: Span = Span(100_000_000);

/// All counters of a file at one moment.
#[derive(Clone, Debug)]
pub struct Look {
    at: Instant,
    ticks: Option<u64>,
    engine: EngineState,
    values: Vec<u64>,
}

/// Looks at files of this host.
#[derive(Debug)]
pub struct Looker {
    clock: EngineClock,
}

impl Default for Looker {
    fn default() -> Self {
        Self { clock: EngineClock::start() }
    }
}

impl Looker {
    /// Looks at all counters once.
    ///
    /// # Errors
    /// See `ReadError`.
    pub fn look(&self, attached: &Attached) -> Result<Look, ReadError> {
        let values = attached.values()?;
        // Ticks are the same for all processes of a host, if they are read from the same counter.
        let is_same = attached.run().source == self.clock.source();
        let ticks = is_same.then(|| self.clock.ticks());
        Ok(Look { at: Instant::now(), ticks, engine: attached.engine(), values })
    }
}

impl Look {
    /// What was counted by then, by row of the table.
    #[must_use]
    pub fn values(&self) -> &[u64] {
        &self.values
    }

    /// What had become of the engine.
    #[must_use]
    pub fn engine(&self) -> EngineState {
        self.engine
    }

    /// How long ago the engine's counter stood at `ticks`; `None` if it never did, or if that
    /// counter cannot be read here.
    #[must_use]
    pub fn age(&self, attached: &Attached, ticks: u64) -> Option<Span> {
        let now = self.ticks.filter(|_| ticks != 0)?;
        // Counters of cores may be a little apart.
        Some(span(attached, now.saturating_sub(ticks)))
    }
}

/// The time that `ticks` of an engine take.
#[must_use]
pub fn span(attached: &Attached, ticks: u64) -> Span {
    let scale = TickScale { origin_ticks: 0, ..attached.run().scale };
    Span(scale.at(ticks).0)
}

/// What is seen.
#[derive(Clone, Debug, Serialize)]
pub struct Picture {
    /// The engine as a whole.
    pub engine: EngineView,
    /// Cores and threads.
    pub tiles: Vec<Tile>,
    /// Rings between stages.
    pub links: Vec<Link>,
    /// Feeds.
    pub feeds: Vec<Feed>,
    /// Gateways.
    pub gateways: Vec<Gateway>,
    /// Ports, with what they have lost.
    pub ports: Vec<Port>,
    /// The desk.
    pub desk: Desk,
    /// The record.
    pub record: Record,
}

/// The engine as a whole.
#[derive(Clone, Debug, Serialize)]
pub struct EngineView {
    /// `running`, `stopped`, `ended` or `gone`.
    pub state: &'static str,
    /// What that means for the values.
    pub means: &'static str,
    /// Its process.
    pub pid: u32,
    /// Whose.
    pub site: u8,
    /// Whose.
    pub desk: u8,
    /// Which start of it.
    pub run: u16,
    /// When the run began, ns since 1970.
    pub started_utc_ns: u64,
    /// When it ended in order, ns since 1970.
    pub ended_utc_ns: Option<u64>,
    /// What its ticks are.
    pub clock: &'static str,
    /// Between the two looks; `None` if there was one only.
    pub since_ns: Option<u64>,
}

/// A core or a thread.
#[derive(Clone, Debug, Serialize)]
pub struct Tile {
    /// `core 1`, `journal`.
    pub name: String,
    /// The stages that it polls.
    pub stages: Vec<String>,
    /// What its thread is called.
    pub thread: Option<String>,
    /// The number that the kernel gives to its thread.
    pub thread_id: Option<u64>,
    /// The core that it is pinned to.
    pub core: Option<u16>,
    /// How old its last sign of life is.
    pub heartbeat_age_ns: Option<u64>,
    /// `ok`, `late`, `not started`, `stopped`, `ended` or `gone`.
    pub state: &'static str,
    /// How it spent its time since the last look, or since it began if there was none.
    pub busy_pct: Option<f64>,
    /// Found nothing to do.
    pub idle_pct: Option<f64>,
    /// Had something to do and no room.
    pub blocked_pct: Option<f64>,
    /// Polls, or rounds, each second.
    pub polls_per_s: Option<f64>,
    /// Packets, inputs and messages that its stages took.
    pub items: u64,
    /// The same each second.
    pub items_per_s: Option<f64>,
}

/// A ring.
#[derive(Clone, Debug, Serialize)]
pub struct Link {
    /// What flows and with whom: `quotes shfe`.
    pub name: String,
    /// Messages in it.
    pub depth: Option<u64>,
    /// The most that were seen in it.
    pub high_water: Option<u64>,
    /// What it has room for.
    pub capacity: Option<u64>,
    /// Messages that newer ones replaced while it was full; `None` where nothing is.
    pub conflated: Option<u64>,
    /// Times that its writer found no room.
    pub refused: Option<u64>,
    /// Messages written.
    pub messages: Option<u64>,
    /// The same each second.
    pub messages_per_s: Option<f64>,
}

/// One line of a feed.
#[derive(Clone, Debug, Serialize)]
pub struct FeedLine {
    /// Datagrams.
    pub packets: Option<u64>,
    /// The same each second.
    pub packets_per_s: Option<f64>,
    /// Times that it skipped packets.
    pub gaps: Option<u64>,
    /// Packets that it never brought.
    pub missing: Option<u64>,
    /// Copies of what had come before.
    pub duplicates: Option<u64>,
    /// Packets that came too late.
    pub late: Option<u64>,
    /// Datagrams with bad framing.
    pub malformed: Option<u64>,
    /// What its interface can do.
    pub interface: Option<String>,
}

/// A feed.
#[derive(Clone, Debug, Serialize)]
pub struct Feed {
    /// Its name.
    pub name: String,
    /// What its channel is worth.
    pub state: Option<String>,
    /// Line A.
    pub a: FeedLine,
    /// Line B.
    pub b: FeedLine,
    /// Packets lost on both lines.
    pub missing: Option<u64>,
    /// Quotes sent.
    pub quotes: Option<u64>,
    /// The same each second.
    pub quotes_per_s: Option<f64>,
}

/// A gateway.
#[derive(Clone, Debug, Serialize)]
pub struct Gateway {
    /// Its name.
    pub name: String,
    /// What its session is.
    pub state: Option<String>,
    /// Messages sent.
    pub sent: Option<u64>,
    /// The same each second.
    pub sent_per_s: Option<f64>,
    /// Messages that could not be sent.
    pub refused: Option<u64>,
    /// Messages read.
    pub read: Option<u64>,
    /// Commands kept back below the venue's thresholds; `None` where it has none.
    pub throttled: Option<u64>,
    /// Sessions that ended.
    pub lost: Option<u64>,
}

/// A port and what it has lost, by cause.
#[derive(Clone, Debug, Serialize)]
pub struct Port {
    /// `feed shfe`, `gateway cme`.
    pub name: String,
    /// By cause, as the counters are called.
    pub drops: Vec<(String, u64)>,
}

/// The desk.
#[derive(Clone, Debug, Serialize)]
pub struct Desk {
    /// The state that it is in.
    pub state: Option<String>,
    /// Whether it was told that it may open.
    pub armed: Option<String>,
    /// Inputs.
    pub inputs: Option<u64>,
    /// The same each second.
    pub inputs_per_s: Option<f64>,
    /// Messages to gateways.
    pub orders: Option<u64>,
    /// Fires.
    pub fires: Option<u64>,
    /// Decisions that a gate held back.
    pub refusals: Option<u64>,
    /// Orders that live.
    pub live_orders: Option<u64>,
    /// From packet to order, half of all.
    pub tick_to_order_p50_ns: Option<u64>,
    /// From packet to order, 99 in 100.
    pub tick_to_order_p99_ns: Option<u64>,
    /// From packet to order, the longest.
    pub tick_to_order_max_ns: Option<u64>,
}

/// The record.
#[derive(Clone, Debug, Serialize)]
pub struct Record {
    /// Records that the desk wrote into the ring.
    pub written: Option<u64>,
    /// Records in the journal.
    pub journaled: Option<u64>,
    /// Records over all runs that are safe from a loss of power.
    pub durable: Option<u64>,
    /// How full its ring is.
    pub used_pct: Option<u64>,
    /// How full it was at most.
    pub most_pct: Option<u64>,
    /// How long the last group waited until it was safe.
    pub window_last_ns: Option<u64>,
    /// The slowest one.
    pub window_worst_ns: Option<u64>,
    /// `in time` or `late`.
    pub state: Option<String>,
    /// Errors of its disk.
    pub failures: Option<u64>,
    /// Snapshots of the desk.
    pub snapshots: Option<u64>,
}

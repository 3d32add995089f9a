//! Which stages run on which cores, and what joins them.
//!
//! An executor owns one core and polls a list of stages in turn; a link is a ring between two
//! stages. The rules here hold for a file wherever it is read; `host` holds those that depend on
//! the machine. Nothing is started here: `engine::wire` does that from the result.

pub mod check;
pub mod host;

use crate::config::error::{Problem, Rule};
use crate::config::section::{Section, Written};
use crate::config::value::{power_of_two, whole, word};
use crate::config::{FeedIndex, GatewayIndex, Place};
use xmc_hotpath::message::{OrderCommand, OrderEvent, Quote};

/// A stage, as a value of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// `feed_<name>`: receives, arbitrates and decodes one feed.
    Feed(FeedIndex),
    /// `desk`: decides.
    Desk,
    /// `gateway_<name>`: sends and receives on one session.
    Gateway(GatewayIndex),
    /// `recovery`: snapshots and replays, beside the hot path.
    Recovery,
    /// `journal`: writes the record to disk.
    Journal,
    /// `control`: commands, limits at run time, alert rules.
    Control,
    /// `monitor`: screens and metrics.
    Monitor,
}

impl Stage {
    /// Stages that exist once, whatever the configuration holds.
    pub const FIXED: [(&'static str, Self); 5] = [
        ("desk", Self::Desk),
        ("recovery", Self::Recovery),
        ("journal", Self::Journal),
        ("control", Self::Control),
        ("monitor", Self::Monitor),
    ];

    /// Whether the path from packet to order goes through it.
    pub const fn is_hot(self) -> bool {
        matches!(self, Self::Feed(_) | Self::Desk | Self::Gateway(_))
    }
}

/// What an executor does when none of its stages had work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Idle {
    /// Polls on: the core is its own.
    #[default]
    Spin,
    /// Gives the core to whoever waits for it.
    Yield,
    /// Sleeps for a moment: cold stages only.
    Sleep,
}

/// How the kernel schedules an executor's thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sched {
    /// `SCHED_OTHER`.
    #[default]
    Other,
    /// `SCHED_FIFO` with this priority, 1 ..= 98 (99 is the kernel's own).
    Fifo(u8),
}

/// One core and the stages polled on it.
#[derive(Clone, Debug)]
pub struct Executor {
    /// The core, as the kernel numbers it.
    pub core: Written<u16>,
    /// Its stages, in polling order.
    pub stages: Vec<Written<Stage>>,
    /// What it does without work.
    pub idle: Written<Idle>,
    /// How it is scheduled.
    pub sched: Written<Sched>,
}

/// What flows over a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LinkKind {
    /// Quotes, from a feed to the desk.
    #[default]
    Quotes,
    /// Order commands, from the desk to a gateway.
    Orders,
    /// Order events, from a gateway to the desk.
    Events,
}

impl LinkKind {
    /// Bytes of one slot.
    pub const fn slot_bytes(self) -> u64 {
        match self {
            Self::Quotes => size_of::<Quote>() as u64,
            Self::Orders => size_of::<OrderCommand>() as u64,
            Self::Events => size_of::<OrderEvent>() as u64,
        }
    }
}

/// A ring between two stages.
#[derive(Clone, Debug)]
pub struct Link {
    /// What flows.
    pub kind: LinkKind,
    /// Who writes.
    pub from: Stage,
    /// Who reads.
    pub to: Stage,
    /// Slots; a power of two.
    pub depth: u32,
    /// Where it is written.
    pub place: Place,
}

impl Link {
    /// What its slots occupy.
    pub fn bytes(&self) -> u64 {
        u64::from(self.depth) * self.kind.slot_bytes()
    }
}

const IDLES: &[(&str, Idle)] =
    &[("spin", Idle::Spin), ("yield", Idle::Yield), ("sleep", Idle::Sleep)];
const LINK_KINDS: &[(&str, LinkKind)] =
    &[("quotes", LinkKind::Quotes), ("orders", LinkKind::Orders), ("events", LinkKind::Events)];

impl Idle {
    /// The word in the file.
    pub fn word(self) -> &'static str {
        crate::config::word_for(IDLES, self)
    }
}

impl LinkKind {
    /// The word in the file.
    pub fn word(self) -> &'static str {
        crate::config::word_for(LINK_KINDS, self)
    }
}

impl std::fmt::Display for Sched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Other => f.write_str("other"),
            Self::Fifo(priority) => write!(f, "fifo:{priority}"),
        }
    }
}

/// Reads one `[[executor]]`; `stage` knows the names of stages.
pub(crate) fn executor(section: Section<'_>, stages: &check::StageNames) -> Option<Executor> {
    let core = section.required("core", whole(0..=1_023));
    let written = section.list("stages", crate::config::value::name);
    let executor = Executor {
        stages: written
            .iter()
            .filter_map(|name| stages.resolve(&section, "stages", name))
            .collect(),
        idle: section.required("idle", word(IDLES)),
        sched: section
            .optional("sched", check::sched)
            .unwrap_or_else(|| Written { value: Sched::Other, place: core.place.clone() }),
        core,
    };
    if executor.stages.is_empty() && !section.is_broken() {
        section.fail(Problem::new(
            Rule::NoStages,
            format!("the executor of core {} has no stages", executor.core.value),
            section.place().clone(),
            "would poll nothing",
        ));
    }
    section.finish(executor)
}

/// Reads one `[[link]]`.
pub(crate) fn link(section: Section<'_>, stages: &check::StageNames) -> Option<Link> {
    let kind = section.required("kind", word(LINK_KINDS)).value;
    let from = stages.required(&section, "from");
    let to = stages.required(&section, "to");
    let depth = section.required("depth", power_of_two(16..=1 << 20)).value;
    let link = Link {
        kind,
        from: from.unwrap_or(Stage::Desk),
        to: to.unwrap_or(Stage::Desk),
        depth: u32::try_from(depth).unwrap_or(u32::MAX),
        place: section.place().clone(),
    };
    if !section.is_broken() {
        check::link_ends(&section, &link);
    }
    section.finish(link)
}

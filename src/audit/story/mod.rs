//! The whole story of one decision: what was seen, what it was worth, what each gate saw, which
//! orders left, what came back, and where all of that lies in the record.
//!
//! Two passes over the journal: one finds what belongs to the decision, the other leads a desk of
//! the same logic to it, because what gates saw that let it pass is written nowhere but follows
//! from everything before. A record of another version of the logic gives a story without gates.
//! How it is shown is not decided here; `cli::audit::show` does.

mod figures;
mod gather;
mod lead;

pub use figures::{Achieved, Filled};
pub use gather::{Wanted, gather, gather_within};

use super::CouldNotRun;
use super::labels::Labels;
use super::scan::{At, Damaged, Scale};
use crate::journal::segment::Hash;
use std::path::PathBuf;
use xmc_hotpath::desk::gates::Reading;
use xmc_hotpath::message::{
    Alert, Command, Decision, Ending, Follow, InstrumentSpec, Internal, LegSpec, OrderCommand,
    OrderEvent, OrderId, Quote, Repair, Ruling, SpreadSpec, StateChange, UserRule,
};
use xmc_hotpath::record::frame::{Kind, Start};
use xmc_hotpath::spread::Trigger;
use xmc_hotpath::time::MonoNs;

/// Something in the record: where, when, what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told<T> {
    /// Where it lies.
    pub at: At,
    /// Its input's sequence number, and its own index there.
    pub place: (u64, u16),
    /// When the desk consumed its input.
    pub now: MonoNs,
    /// What.
    pub what: T,
}

/// One leg as the decision saw it.
#[derive(Clone, Copy, Debug)]
pub struct Leg {
    /// What the spread says of it.
    pub spec: LegSpec,
    /// Contract data and limits.
    pub contract: Option<InstrumentSpec>,
    /// The book, and the record that brought it; `None` if there was none.
    pub quote: Option<Told<Quote>>,
    /// Lots sold to its bids before, that the venue has not shown yet.
    pub taken_bid_lots: u32,
    /// Lots bought from its asks before.
    pub taken_ask_lots: u32,
}

/// One order of the decision.
#[derive(Clone, Debug)]
pub struct OrderStory {
    /// What was asked for.
    pub sent: Told<OrderCommand>,
    /// Cancels and replaces of it.
    pub later: Vec<Told<OrderCommand>>,
    /// What was heard of it, in order.
    pub news: Vec<Told<OrderEvent>>,
}

/// Whether a desk that was led to the decision decided the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Led {
    /// It met the same trigger, and the same gate held it back, or none.
    Agrees,
    /// It decided something else: the record was changed, or the program is wrong.
    Differs(String),
    /// The same input had lots of the spread met inside first, which ended the fire that it had:
    /// gates are read as they stood before that.
    MetBefore,
    /// The record was made by another version of the logic, which this program does not have.
    OtherLogic(u16),
}

/// A block of the journal that records of the story lie in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Number of its segment.
    pub segment: u64,
    /// Where it starts there.
    pub offset: u64,
    /// Its hash, which the chain holds.
    pub hash: Hash,
    /// Records of the story in it.
    pub records: u32,
}

/// What an operator has ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Action {
    /// What.
    pub command: Command,
    /// Who has signed it too; 0 if nobody has.
    pub second: u32,
}

/// The story.
#[derive(Clone, Debug)]
pub struct Story {
    /// The start of its run.
    pub start: Start,
    /// The clock of the run.
    pub scale: Scale,
    /// The input that it was decided on.
    pub cause: Told<Kind>,
    /// The decision; `None` if the process died before it was written.
    pub decision: Option<Told<Decision>>,
    /// The spread.
    pub spec: SpreadSpec,
    /// Units held before.
    pub position_units: Option<i32>,
    /// Its legs.
    pub legs: Vec<Leg>,
    /// What was met.
    pub trigger: Option<Trigger>,
    /// Every gate, in the order in which the desk looks at them.
    pub readings: Vec<Reading>,
    /// Whether all this follows from the record.
    pub led: Led,
    /// The orders, in the order in which they were sent.
    pub orders: Vec<OrderStory>,
    /// What became of legs that waited for the one that leads: the orders of those that followed
    /// are in `orders`.
    pub follows: Vec<Told<Follow>>,
    /// How it was brought back into ratio, or why it waited: the orders of each are in `orders`.
    pub repairs: Vec<Told<Repair>>,
    /// What of it was met inside by another pair: no order of it traded that.
    pub internals: Vec<Told<Internal>>,
    /// What rules of the user decided while it lasted, or as it was decided on.
    pub rulings: Vec<Told<Ruling>>,
    /// The rules that the spread had, each with its place.
    pub rules: Vec<(u8, UserRule)>,
    /// How the fire ended.
    pub ending: Option<Told<Ending>>,
    /// Books of the legs when it ended.
    pub books_at_end: Vec<Option<Quote>>,
    /// Alerts of its spread or orders while it lasted.
    pub alerts: Vec<Told<Alert>>,
    /// Safe states that changed while it lasted.
    pub states: Vec<Told<StateChange>>,
    /// Commands of operators while it lasted.
    pub actions: Vec<Told<Action>>,
    /// The blocks that hold all this, in order.
    pub blocks: Vec<Block>,
    /// The journal is damaged behind what was read.
    pub damage: Option<(PathBuf, Damaged)>,
}

impl Story {
    /// A rule of the spread.
    #[must_use]
    pub fn rule(&self, place: u8) -> Option<&UserRule> {
        self.rules.iter().find(|(at, _)| *at == place).map(|(_, rule)| rule)
    }

    /// What its legs are called.
    #[must_use]
    pub fn leg_names(&self, labels: &Labels) -> Vec<String> {
        self.legs.iter().map(|leg| labels.instrument(leg.spec.instrument)).collect()
    }
}

/// Why there is no story.
#[derive(Debug, thiserror::Error)]
pub enum NoStory {
    /// The journal.
    #[error(transparent)]
    Journal(#[from] CouldNotRun),
    /// No order of that id was sent.
    #[error(
        "no order {:#018x} was sent in this record, of {records} records: `xmc audit query` lists \
         those that were", id.0
    )]
    NoOrder {
        /// The id.
        id: OrderId,
        /// Records that were looked at.
        records: u64,
    },
    /// Nothing was decided on that input.
    #[error(
        "nothing was decided on input {seq_no} of run {run}: `xmc audit query --kind decision`"
    )]
    NoDecision {
        /// The run.
        run: u16,
        /// The input.
        seq_no: u64,
    },
    /// Whoever asked has waited long enough.
    #[error("reading the record takes longer than it may here: use `xmc audit show`")]
    TooLong,
    /// The journal begins after the run did.
    #[error("the journal does not hold the start of run {0}: give the whole directory")]
    NoStart(u16),
}

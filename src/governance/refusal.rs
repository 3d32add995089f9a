//! Why an entry is none of a register: one variant for each rule, with a word that scripts can
//! look for.

use super::person::Role;
use jiff::Timestamp;

/// Why an entry is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It does not read.
    #[error("it is no entry: {0}")]
    Form(String),
    /// It reads, and would be written otherwise.
    #[error("it is not how such an entry is written: write entries with `xmc govern`")]
    NotCanonical,
    /// The last line has no end.
    #[error("its line has no end: writing it was cut off, and nothing behind entry {after} counts")]
    Torn {
        /// The last whole entry.
        after: u64,
    },
    /// Another number stands in its place.
    #[error("it says that it is entry {found}, and stands where entry {wanted} does")]
    Order {
        /// What it says.
        found: u64,
        /// Where it stands.
        wanted: u64,
    },
    /// The line before is not the one that it was written behind.
    #[error("it was written behind a line with hash {found}, and the line before has {wanted}")]
    Chain {
        /// What it says.
        found: String,
        /// What the line before has.
        wanted: String,
    },
    /// It was signed before the entry before it.
    #[error("it was signed at {found}, before the entry before it ({before})")]
    Backwards {
        /// When.
        found: Timestamp,
        /// When the one before was.
        before: Timestamp,
    },
    /// It is from the future.
    #[error("it was signed at {found}, and it is {now}: set the clock of that host")]
    Ahead {
        /// When.
        found: Timestamp,
        /// When this is.
        now: Timestamp,
    },
    /// Nobody knows who signs.
    #[error("{name} is nobody of those who govern it: they are {known}")]
    Person {
        /// Who signs.
        name: String,
        /// Who could.
        known: String,
    },
    /// The signature is not that person's over these words.
    #[error("the signature is not {name}'s over what is said: it was changed, or another signed")]
    Forged {
        /// Who should have.
        name: String,
    },
    /// The person has another role.
    #[error("{name} has the roles {has}, and {what} asks for {asked}")]
    WrongRole {
        /// Who.
        name: String,
        /// Which roles.
        has: String,
        /// What is done.
        what: &'static str,
        /// Which would do.
        asked: String,
    },
    /// A proposal's number is not the next.
    #[error("it is version {found}, and the next is {wanted}")]
    Version {
        /// What it says.
        found: u64,
        /// The next.
        wanted: u64,
    },
    /// What a proposal says of an item does not follow from the entries before it.
    #[error("what it says of {item} does not follow from the entries before it: {why}")]
    Item {
        /// Which.
        item: String,
        /// In what.
        why: &'static str,
    },
    /// The people of a proposal are others than its `[[operator]]` sections name.
    #[error(
        "it says that {said} would govern, and its [[operator]] sections name {found}: have it \
         withdrawn, and propose it anew with `xmc govern propose`"
    )]
    People {
        /// Whom only the proposal names.
        said: String,
        /// Whom only the sections name.
        found: String,
    },
    /// A proposal is compared with another than what is in effect when it begins.
    #[error(
        "it was compared with {}, and what it would follow is {}: propose it anew",
        shown(*.found),
        shown(*.wanted)
    )]
    Overtaken {
        /// What it was compared with.
        found: Option<u64>,
        /// What it should be.
        wanted: Option<u64>,
    },
    /// It is about an entry that is no proposal.
    #[error("it is about entry {0}, which is no proposal")]
    NoProposal(u64),
    /// It names another configuration than the proposal has.
    #[error(
        "it is about configuration {found}, and the proposal in entry {proposal} is of {wanted}"
    )]
    OtherDigest {
        /// The proposal.
        proposal: u64,
        /// What it names.
        found: String,
        /// What the proposal has.
        wanted: String,
    },
    /// The proposal has been withdrawn.
    #[error("entry {proposal} was withdrawn by {by} at {at}: propose it anew")]
    Withdrawn {
        /// The proposal.
        proposal: u64,
        /// Who withdrew it.
        by: String,
        /// When.
        at: Timestamp,
    },
    /// Who approves has proposed it.
    #[error("{0} has proposed it: others approve of it")]
    OwnProposal(String),
    /// Who approves has done so before.
    #[error("{name} has approved of it already, in entry {before}: the next is another person")]
    Twice {
        /// Who.
        name: String,
        /// Where.
        before: u64,
    },
    /// Nothing shows what the change does.
    #[error("it changes {0}, and no backtest is attached to it: `xmc govern attach`")]
    NoEvidence(String),
    /// Evidence comes after somebody has approved.
    #[error("{by} has approved of it already, without this evidence: withdraw it and propose anew")]
    LateEvidence {
        /// Who.
        by: String,
    },
    /// In sample and out of sample overlap.
    #[error(
        "in sample ends at {in_until} and out of sample begins at {out_from}: what settings were \
         chosen on tells nothing of them"
    )]
    Overlap {
        /// When the one ends.
        in_until: Timestamp,
        /// When the other begins.
        out_from: Timestamp,
    },
    /// Out of sample lies before in sample.
    #[error(
        "out of sample ends at {out_until}, before in sample begins at {in_from}: settings are \
         tried on what comes after, not on what came before"
    )]
    BeforeSample {
        /// When the one ends.
        out_until: Timestamp,
        /// When the other begins.
        in_from: Timestamp,
    },
    /// A sample has no time.
    #[error("{0} has no time in it, or nobody knows when it was")]
    NoTime(&'static str),
    /// Nobody knows where data came from.
    #[error("{sample} was played on data {digest}, whose lineage is not there: add it with --data")]
    NoLineage {
        /// Which.
        sample: &'static str,
        /// The digest.
        digest: String,
    },
    /// Data that do not cover what was played on them.
    #[error("{sample} is not within the data that it names")]
    OutsideData {
        /// Which.
        sample: &'static str,
    },
    /// An approval from before it was signed.
    #[error("it is to be worth something from {from} on, and was signed at {at}, after that")]
    Backdated {
        /// From when on.
        from: Timestamp,
        /// When it was signed.
        at: Timestamp,
    },
    /// An approval that is never worth anything.
    #[error("it ends at {until}, and begins at {from}: it is never worth anything")]
    Expired {
        /// When it ends.
        until: Timestamp,
        /// When it begins.
        from: Timestamp,
    },
    /// Entries are gone from the end.
    #[error("the register has fewer entries than were seen of it: {found}, and there were {seen}")]
    Cut {
        /// How many there are.
        found: u64,
        /// How many there were.
        seen: u64,
    },
    /// The entry is another than it was.
    #[error(
        "its hash was {seen}, and is {found}: the register was written anew from here or before"
    )]
    Rewritten {
        /// What it was.
        seen: String,
        /// What it is.
        found: String,
    },
}

fn shown(entry: Option<u64>) -> String {
    entry.map_or_else(|| "nothing".to_owned(), |entry| format!("entry {entry}"))
}

impl Refusal {
    /// The word for the rule.
    #[must_use]
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::Form(_) => "form",
            Self::NotCanonical => "not_canonical",
            Self::Torn { .. } => "torn",
            Self::Order { .. } => "order",
            Self::Chain { .. } => "chain",
            Self::Backwards { .. } => "backwards",
            Self::Ahead { .. } => "ahead",
            Self::Person { .. } => "person",
            Self::Forged { .. } => "forged",
            Self::WrongRole { .. } => "wrong_role",
            Self::Version { .. } => "version",
            Self::Item { .. } => "item",
            Self::People { .. } => "people",
            Self::Overtaken { .. } => "overtaken",
            Self::NoProposal(_) => "no_proposal",
            Self::OtherDigest { .. } => "other_digest",
            Self::Withdrawn { .. } => "withdrawn",
            Self::OwnProposal(_) => "own_proposal",
            Self::Twice { .. } => "twice",
            Self::NoEvidence(_) => "no_evidence",
            Self::LateEvidence { .. } => "late_evidence",
            Self::Overlap { .. } => "overlap",
            Self::BeforeSample { .. } => "before_sample",
            Self::NoTime(_) => "no_time",
            Self::NoLineage { .. } => "no_lineage",
            Self::OutsideData { .. } => "outside_data",
            Self::Backdated { .. } => "backdated",
            Self::Expired { .. } => "expired",
            Self::Cut { .. } => "cut",
            Self::Rewritten { .. } => "rewritten",
        }
    }
}

/// Roles of which one is asked for, in words.
pub(super) fn one_of(roles: &[Role]) -> String {
    roles.iter().map(|role| role.word()).collect::<Vec<_>>().join(" or ")
}

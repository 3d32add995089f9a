//! What goes back over the control socket: an answer to a command, or how the engine stands. One
//! JSON object each, for programs; `xmc` makes sentences of them.

use super::scope::SpreadNames;
use serde::{Deserialize, Serialize};

/// What has become of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The desk's record shows it.
    Done,
    /// Nothing has changed.
    Refused,
    /// It was taken, and its effect was not seen in the record yet.
    Taken,
}

/// A change of state that the record shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// The spread; `null`: the desk.
    pub spread: Option<String>,
    /// Before.
    pub from: String,
    /// After.
    pub to: String,
}

/// A position that is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// The spread.
    pub spread: String,
    /// Units, below zero sold.
    pub units: i32,
}

/// The answer to a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// What has become of it.
    pub outcome: Outcome,
    /// Why it was refused, as a word; `null` if it was not.
    pub denial: Option<String>,
    /// What is wrong and what to do; `null` if it was not refused.
    pub why: Option<String>,
    /// The desk's safe state; empty of a request that was not even read: then nobody has looked at
    /// the desk, and all below is empty too.
    pub state: String,
    /// States that it has changed.
    pub changes: Vec<Changed>,
    /// Orders that still live: a kill cancels them.
    pub live_orders: usize,
    /// Positions that are open.
    pub positions: Vec<Open>,
    /// The run.
    pub run: u16,
    /// The input of the record that brought it about; `null` if none was seen.
    pub input: Option<u64>,
    /// SHA-256 of what was signed.
    pub digest: String,
}

/// How a spread stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpreadRow {
    /// What it has to do with.
    #[serde(flatten)]
    pub names: SpreadNames,
    /// Whether it may fire.
    pub state: String,
    /// Units held.
    pub units: i32,
}

/// A limit and what is used of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitRow {
    /// What it bounds.
    pub scope: String,
    /// Which.
    pub field: String,
    /// What is used; `null` of what is used by one order or fire at a time.
    pub used: Option<u64>,
    /// The figure.
    pub limit: u64,
    /// What it counts.
    pub unit: String,
}

/// An operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorRow {
    /// The name.
    pub name: String,
    /// The number.
    pub id: u32,
    /// The last number of a command that was used; 0 if none.
    pub counter: u64,
    /// What the operator may order.
    pub commands: Vec<String>,
    /// About what.
    pub scopes: Vec<String>,
    /// Whether this can be the second signature.
    pub second: bool,
}

/// How the engine stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The site.
    pub site: u8,
    /// The desk.
    pub desk: u8,
    /// The run.
    pub run: u16,
    /// The desk's safe state.
    pub state: String,
    /// It may not arm itself: an operator has stopped it.
    pub is_held: bool,
    /// Orders that live.
    pub live_orders: usize,
    /// For how long commands may be valid, in seconds.
    pub valid_seconds: u64,
    /// Requests that were not taken in this run.
    pub refused: u64,
    /// The spreads.
    pub spreads: Vec<SpreadRow>,
    /// The limits.
    pub limits: Vec<LimitRow>,
    /// Who may give commands.
    pub operators: Vec<OperatorRow>,
}

//! What an auditor does with a journal: prove that it is whole, and ask it what happened. Offline
//! and read-only.
//!
//! `verify` checks the journal against itself, and `against` what witnesses kept of it: signed
//! checkpoints (`checkpoint`, `note`, `key`), weighed by `evidence`. `prove` shows one receipt.
//! `witness` is the other side: who keeps checkpoints, and how they are asked.
//!
//! `scan` walks the records; `story` gathers what belongs to one decision; `kept` finds the
//! configuration that a run was made under, so that numbers have `labels`.

mod against;
pub(crate) mod base64;
pub mod checkpoint;
pub mod day;
pub mod evidence;
pub mod export;
pub mod facts;
pub mod index;
pub mod kept;
pub mod key;
pub mod labels;
pub mod note;
pub mod notes;
mod place;
pub mod prove;
pub mod query;
mod records;
mod rows;
pub mod scan;
pub mod story;
mod unreadable;
mod verify;
pub mod witness;

pub use against::Witnessed;
pub use unreadable::CouldNotRun;
pub use verify::{
    Counts, Finding, Note, Report, Run, verify, verify_against, verify_segments,
    verify_segments_against,
};

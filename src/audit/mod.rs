//! What an auditor does with a journal: prove that it is whole. Offline and read-only.
//!
//! `verify` checks the journal against itself, and `against` what witnesses kept of it: signed
//! checkpoints (`checkpoint`, `note`, `key`), weighed by `evidence`. `prove` shows one receipt.

mod against;
mod base64;
pub mod checkpoint;
pub mod evidence;
pub mod key;
pub mod note;
pub mod prove;
mod records;
mod verify;

pub use against::Witnessed;
pub use verify::{
    CouldNotRun, Counts, Finding, Note, Report, Run, verify, verify_against, verify_segments,
    verify_segments_against,
};

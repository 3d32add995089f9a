//! What an auditor does with a journal: prove that it is whole. Offline and read-only.

mod records;
mod verify;

pub use verify::{CouldNotRun, Counts, Finding, Note, Report, Run, verify, verify_segments};

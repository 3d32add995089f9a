//! Risk resync (风控核对): what brokers, counters and clearing houses say is held, compared with
//! what the desk knows, and the pairs closed that differ.
//!
//! A statement is what an account has as of a moment (`statement`, with its form as text in `csv`).
//! It comes from a source: a file that somebody's program drops, or a stream of drop copies
//! (`source`). Beside it stands what the desk has done as of an input of its record (`book`).
//! `read` holds one statement against it; `confirm` says what is different in two readings and
//! cannot be on its way any more; `cycle` says when they are read; `kept` remembers what is open
//! and what was explained; `report` is what is written of each cycle.
//!
//! iLink 3 and DSTAR, as this program knows them, have no question for positions or money, so both
//! come by statement alone. Live orders could be asked of iLink 3 by 530; its session belongs to a
//! hot core, and nothing is asked there from here: open orders come by statement too.
//!
//! Not here: what follows for the desk, which is told as commands in its record
//! (`engine::resyncing`). Nothing of this runs on a hot core.

pub mod book;
pub mod confirm;
pub mod csv;
pub mod cycle;
pub mod kept;
pub mod read;
pub mod report;
pub mod source;
pub mod statement;

use std::path::{Path, PathBuf};

/// What is written of each cycle, beside the record: a JSON object a line.
pub const LOG: &str = "resync.log";
/// What is open, what was explained, how far streams were read.
pub const STATE: &str = "resync.json";
/// Its being there asks for a cycle of every source.
pub const NOW: &str = "resync.now";

/// Where `name` lies beside the record in `directory`.
#[must_use]
pub fn path(directory: &Path, name: &str) -> PathBuf {
    directory.join(name)
}

//! The record on disk: the ring's memory, and from there hash-chained segments.
//!
//! `shm` is the ring's file, `writer` drains it, `segment` is the layout, `reader` reads it back,
//! `disk` is the seam to the file system, `probe` what it does without a journal, `keep` packs what
//! is sealed and says how long it is kept, `recover` completes the journal of a dead engine, `tail`
//! follows one while it is written, `tree` is the Merkle tree over its records, and `snapshot` is
//! what a reader may begin from instead of the start of a run. A journal is a directory of one
//! desk; its segments hold the records of all its runs, in order. Checking one as an auditor would
//! is `crate::audit`'s work.

pub mod disk;
mod figures;
pub mod keep;
pub mod lock;
mod options;
mod pairs;
pub mod probe;
pub mod reader;
mod recover;
pub mod segment;
pub mod shm;
pub mod snapshot;
pub mod tail;
pub mod tree;
mod writer;

pub use options::{JournalError, Options};
pub use recover::{Place, RecoverError, Recovered, Start, recover};
pub use segment::{Left, SealReason, SyncPolicy};
pub use writer::{Durable, Figures, Gap, JournalWriter, Moment, Window};

//! Counters of an engine in a file that other processes read: `xmc top` and `xmc dump` look at a
//! running engine, or at what a dead one left, without asking it anything.
//!
//! `memory` is where counters lie: the file, mapped, or memory of this process alone. `table` says
//! what each word of it is: its owner, its unit and a sentence, taken from the declarations of the
//! counters themselves. `file` makes the file of a run, and `read` looks at one; `picture` is
//! what two looks say together. Hot cores count
//! there directly, with the same loads and stores as anywhere else; the viewers only read, so they
//! can hold nobody up. One writer has each block of 128 bytes.
//!
//! The file describes itself, so a viewer reads those of other builds too. Called by `engine` and
//! by the two commands.

pub mod file;
pub mod memory;
pub mod picture;
pub mod read;
pub mod table;

pub use file::{CountersError, CountersFile, NAME, Run};
pub use memory::Placed;
pub use picture::{Look, Looker, Picture};
pub use read::{Attached, EngineState, ReadError};
pub use table::{Owner, OwnerKind, Placer, Row, Table};

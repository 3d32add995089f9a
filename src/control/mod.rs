//! The operators' channel: signed commands to a running engine, over a socket of its host.
//!
//! A command is a short text that a person can read (`text`), signed as a note by whoever gives it
//! and, where it lets more happen than before, by a second person (`verb`). It names what it is
//! about as the configuration does (`scope`), or a limit and its value (`limit`). `judge` says
//! whether it is taken: who signed, for which engine, when, by which number, and whether the person
//! may; `kept` remembers numbers and what must outlive a restart. `socket` is where requests come
//! in, `reply` what goes back, `client` the other end.
//!
//! What is taken reaches the desk as recorded inputs, like everything else
//! (`engine::controlling`). Not here: keys (`audit::key`), the desk's own answer to a command
//! (`desk::command`), anything that a hot core runs.

pub mod client;
pub mod judge;
pub mod kept;
pub mod limit;
pub mod reply;
pub mod scope;
pub mod socket;
pub mod text;
pub mod used;
pub mod verb;

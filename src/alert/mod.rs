//! Alerts: what must be told to people outside the engine, and how it gets there.
//!
//! `record` and `gauge` read the record and the counters and find what must be told, as `signal`s
//! of the table in `rule`. `life` makes alerts of them: firing, acknowledged, resolved, and who is
//! told when. What is to be told goes through the `outbox` on the disk, which survives the engine,
//! and from there each `sink` gets it from a `worker` of its own: one that is dead, slow or refuses
//! holds up neither the others nor the engine. `message` is what a sink is told, `ack` how people
//! outside say that they have taken an alert on.
//!
//! Nothing here runs on a hot core, and nothing that a hot core does waits for it: the record is
//! read from the journal's files, counters are only looked at. `engine::alerting` runs it; `xmc
//! alert` shows it. Deliberately absent: what to do about an alert, which is the desk's own safe
//! states, breakers and repairs.

pub mod ack;
pub mod gauge;
pub mod life;
pub mod message;
pub mod outbox;
pub mod record;
pub mod rule;
pub mod signal;
pub mod sink;
pub mod worker;

use std::path::{Path, PathBuf};

/// The directory of alerts in the directory of a record.
pub const DIRECTORY: &str = "alerts";

/// Where the alerts of a record lie.
#[must_use]
pub fn directory(record: &Path) -> PathBuf {
    record.join(DIRECTORY)
}

//! Threads of an engine by their names, which `ps -L`, `top -H` and `xmc host check` show.

use crate::host::process::HOT;
use std::io;
use std::thread::{Builder, Scope, ScopedJoinHandle};

/// A thread cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("the system has no room for the thread {name} ({source}): raise TasksMax or `ulimit -u`")]
pub struct ThreadError {
    /// What it would be called.
    name: String,
    /// What the system says.
    source: io::Error,
}

/// What the thread of a hot core is called: by its core, if that is where it is.
#[must_use]
pub fn of_core(core: u16, is_pinned: bool) -> String {
    if is_pinned { format!("{HOT}{core}") } else { format!("xmc-stages-{core}") }
}

/// Makes a thread of a name of at most 15 bytes, which is all that the kernel keeps.
///
/// # Errors
/// The system has no room for it.
pub fn named<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    name: &str,
    run: impl FnOnce() -> T + Send + 'scope,
) -> Result<ScopedJoinHandle<'scope, T>, ThreadError> {
    debug_assert!(name.len() <= 15, "{name} is cut");
    let made = Builder::new().name(name.to_owned()).spawn_scoped(scope, run);
    made.map_err(|source| ThreadError { name: name.to_owned(), source })
}

//! The guard: what it takes an engine for, what it remembers, whom it kills, what it cancels.

mod kept;
mod kill;
mod mass;
mod silent;
mod sweep;
mod watch;

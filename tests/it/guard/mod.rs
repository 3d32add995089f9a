//! The guard: what it takes an engine for, what it remembers, whom it kills, what it cancels.

mod activity;
mod hang;
mod kept;
mod kill;
mod mass;
mod rig;
mod silent;
mod sweep;
mod watch;
mod watcher;

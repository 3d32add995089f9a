//! The atomics of memory that two sides share. A build with `--cfg loom` puts the model checker's
//! in their place, so that `record::ring` is checked as it is and not as a copy of it.

#[cfg(not(loom))]
pub use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
#[cfg(loom)]
pub use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering};

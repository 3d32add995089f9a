//! Links only if no hot entry point can reach a panic or an allocation.
//!
//! The panic handler and the allocator call functions that exist nowhere. Whole-program
//! optimisation drops both when nothing can reach them; otherwise the link fails and names the
//! symbol `the_hot_path_can_panic` or `the_hot_path_can_allocate`. Lints in `xmc-hotpath` say where
//! such code stands; this says whether any is left.
//!
//! Without the feature `link` this is an empty library, so that workspace-wide commands need no
//! special case. `scripts/probe` builds it as a `cdylib` with undefined symbols refused, and once
//! more with `break-panic` and `break-alloc`, which must fail.
#![cfg_attr(feature = "link", no_std)]

#[cfg(feature = "link")]
mod entry;
#[cfg(feature = "link")]
mod parts;
#[cfg(feature = "link")]
mod wall;

//! Links only if no hot entry point can reach a panic or an allocation.
//!
//! Without the feature `link` this is an empty library, so that workspace-wide commands need no
//! special case. `scripts/probe` builds it as a `cdylib` with undefined symbols refused.
#![cfg_attr(feature = "link", no_std)]

//! Governance: what trades has been approved of, by whom, from when on, and on what evidence.
//!
//! The subject is a whole configuration with its includes, divided into items (`item`): models,
//! formulas, targets, limits, each with a version and an owner. What people do about one is an
//! entry (`entry`) of a register: a proposal, evidence, an approval, a withdrawal, each signed by
//! one person and holding the hash of the entry before it. `fold` is the whole set of rules: it
//! takes an entry or says why not (`refusal`), for who appends one as for who verifies them all,
//! and how each proposal stands (`standing`).
//! `register` is the file; `lineage` what evidence was made from; `admission` is what an engine
//! asks before it starts, and `beside` what it leaves beside its record for whoever reads that.
//!
//! Not here: keys (`audit::key`), backtests (`sim::backtest`), anything that a hot core runs. A
//! register cannot know that entries were taken off its end, or that all of it was written anew:
//! that shows where an engine has started under it, and against a head that was kept elsewhere.

pub mod admission;
pub mod beside;
pub mod draft;
pub mod entry;
pub mod fold;
pub mod item;
pub mod lineage;
pub mod person;
pub mod refusal;
pub mod register;
pub mod standing;

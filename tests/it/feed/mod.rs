//! The feed: arbitration against a model, the real capture against its oracle, faults on purpose.

mod arbiter;
mod capture;
mod faults;
pub mod kit;
mod rejoin;
mod states;

//! The feed: arbitration against a model, the real capture against its oracle, faults on purpose.

mod arbiter;
mod capture;
mod cut;
mod day;
mod faults;
pub mod kit;
mod mend;
mod pulse;
mod rejoin;
mod score;
pub mod states;
mod weeks;

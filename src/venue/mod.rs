//! The cold side of each venue: recovery, reference data, and the answers of the simulated one.

pub mod cme;
pub mod digest;
pub mod esunny;
pub mod ledger;
pub mod lines;
pub mod shell;
pub mod shfe;
pub mod simulated;
pub mod statement;
pub mod store;

//! Exchanges and counters: one folder per venue, one per protocol, the same file names in each
//! (`layout`, then `decode` or `encode`).

pub mod cme;
pub mod esunny;
pub mod shfe;

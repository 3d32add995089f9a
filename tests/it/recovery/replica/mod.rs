//! Recovery while a feed runs: the hot stage, its replica and the simulated venue, stepped by hand.

mod cme;

//! SHFE and INE: SMDP 2.0 against the byte vectors of the specification's appendix, and the
//! simulated venue.

pub mod simulated;
pub mod smdp;

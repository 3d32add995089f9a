//! SHFE and INE, the cold side: the query service, and the packets of a simulated venue.

pub mod simulated;
pub mod smdp;

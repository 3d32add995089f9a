//! SHFE and INE: SMDP 2.0 against the byte vectors of the specification's appendix.

mod smdp;

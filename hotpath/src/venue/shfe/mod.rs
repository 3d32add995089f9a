//! Shanghai Futures Exchange (上期所) and Shanghai International Energy Exchange (上期能源): market
//! data (SMDP 2.0), which both publish in the same form.

pub mod smdp;

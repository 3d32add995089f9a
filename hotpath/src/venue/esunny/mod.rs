//! Esunny: the counter of a futures company, the way in to the domestic exchanges.
//!
//! Domestic exchanges publish no binary order protocol; orders go to the counter of a futures
//! company, and its vendor's protocol is what they are written in. Nothing here is a protocol of an
//! exchange.

pub mod double;
pub mod dstar;

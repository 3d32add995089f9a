//! MDP 3.0 against the exchange's XML, real captures, their independent decoding, and packets made
//! to be damaged.

mod capture;
mod encode;
mod layout;
mod packet;
mod replay;
mod template;

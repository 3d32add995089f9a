//! Esunny: DSTAR against a second encoder, doubles against the compiler's own, the session against
//! replies in every order.

mod double;
pub mod dstar;

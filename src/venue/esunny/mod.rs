//! Esunny, the cold half: logging on, and the simulated counter that answers.

pub mod dstar;

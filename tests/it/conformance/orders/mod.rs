//! What an exchange asks of whoever sends it orders: O1 to O32, over real TCP.

mod engine;
mod logons;
mod rig;
mod schedules;
mod sequences;
mod single;

//! The operators' channel: the text that is signed, who may, what is remembered, the socket.

mod deny;
mod forged;
mod kept;
mod limit;
mod paper;
pub mod rig;
mod socket;
mod text;

//! iLink 3, cold side: the logon of a client, what a simulated exchange writes, frames for people.
//!
//! `signature` and `logon` take a session from nothing to the hand-over to the gateway stage, and
//! `parties` registers for whom it sends orders; `resume` says what one that comes after another
//! has to ask for; `report` writes the exchange's half, `refused` knows its codes; `plain` tells
//! any frame as JSON and writes it from that.
//! Session state of the exchange is in `cme::simulated`.

pub mod logon;
pub mod mass;
pub mod parties;
pub mod plain;
pub mod refused;
mod report;
pub mod resume;
pub mod signature;

pub use report::{Asked, CancelCause, Execution, Fill, Refusal, ReportWriter, Standing, changed};

use xmc_hotpath::venue::cme::ilink3::layout::{ENCODING, Framed, Message, Sofh};
use xmc_hotpath::wire::U16Le;

/// The bytes of a message: its frame, its block, and what follows the block (groups, data).
#[must_use]
pub fn frame_of<M: Message>(version: u16, block: &M, tail: &[u8]) -> Vec<u8> {
    let mut frame = bytemuck::bytes_of(&Framed::new(version, *block)).to_vec();
    frame.extend_from_slice(tail);
    let frame_len = u16::try_from(frame.len()).expect("two groups of 255 entries fit");
    let sofh = Sofh { frame_len: U16Le::new(frame_len), encoding: U16Le::new(ENCODING) };
    frame[..size_of::<Sofh>()].copy_from_slice(bytemuck::bytes_of(&sofh));
    frame
}

/// `value` with NULs up to the length of its field; what does not fit is cut off.
pub(crate) fn text<const N: usize>(value: &str) -> [u8; N] {
    let mut out = [0; N];
    let len = value.len().min(N);
    out[..len].copy_from_slice(&value.as_bytes()[..len]);
    out
}

/// Tag 39008 `Credentials`, which is not used: a length of 0.
pub(crate) const NO_CREDENTIALS: [u8; 2] = [0; 2];

/// Tag 39010 `FaultToleranceIndicator`: the primary of two gateways.
pub(crate) const PRIMARY: u8 = 1;

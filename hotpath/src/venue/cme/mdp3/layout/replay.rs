//! The session of TCP replay: what the exchange answers in SBE. What it is sent is FIX text.

use bytemuck::{Pod, Zeroable};

/// The whole of the answer to a logon, which has no group. 1 byte.
///
/// Source: `AdminLogin15` (versions 6, 9 and 13).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct LogonRoot {
    /// Tag 108 `HeartBtInt`: seconds between heartbeats.
    pub heartbeat_s: i8,
}
const _: () = assert!(size_of::<LogonRoot>() == 1);

/// The whole of a logout, which has no group. 180 bytes.
///
/// Source: `AdminLogout16` (versions 6, 9 and 13).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct LogoutRoot {
    /// Tag 58 `Text`: why, ASCII, NUL-padded.
    pub text: [u8; 180],
}
const _: () = assert!(size_of::<LogoutRoot>() == 180);

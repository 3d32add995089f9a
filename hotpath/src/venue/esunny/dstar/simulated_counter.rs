//! The framing of the simulated counter: how the counter of THIS PROJECT puts replies on TCP.
//!
//! NOT THE VENDOR'S. The framing of a real counter is inside the vendor's library and is not
//! public; nothing that this module reads or writes will be understood by one. The structs inside
//! are the vendor's, the header around them and the messages of logon are made up here, so that a
//! session can be run over a real socket. Written and answered by `venue::esunny::dstar` of the
//! cold side.

use core::mem::offset_of;

use bytemuck::{Pod, Zeroable};

use super::decode::{self, ReplyKind};
use super::layout::Generation;
use super::session::{CounterSession, Received};
use crate::gateway::SessionLost;
use crate::wire::{self, I32Le, U16Le, U32Le};

/// Starts every message: `XSIM` as text.
pub const MAGIC: u32 = u32::from_le_bytes(*b"XSIM");

/// Longest body, bytes. More is a stream that cannot be told apart any more.
pub const MAX_BODY_LEN: u16 = 512;

/// Longest message, bytes.
pub const MAX_FRAME_LEN: usize = 520;

/// What stands in front of every body.
///
/// 8 bytes, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct FrameHeader {
    /// Always `MAGIC`.
    pub magic: U32Le,
    /// Which message; `Kind`.
    pub kind: U16Le,
    /// Length of the body, bytes; at most `MAX_BODY_LEN`.
    pub body_len: U16Le,
}
const _: () = assert!(size_of::<FrameHeader>() == 8);

/// The messages of the simulated stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Kind {
    /// From the client: `Logon`.
    Logon = 1,
    /// From the client: `Question`.
    Question = 2,
    /// From the counter: `LogonReply`.
    LogonReply = 0x81,
    /// From the counter: `ContractRow`, one for each contract, after the `LogonReply`.
    Contract = 0x82,
    /// From the counter: the vendor's `UdpAuthReply`.
    UdpAuth = 0x83,
    /// From the counter: the vendor's `InsertReply`.
    Insert = 0x84,
    /// From the counter: an `OrderNotice`.
    Notice = 0x85,
    /// From the counter: the vendor's `Match`.
    Match = 0x86,
    /// From the counter: the greatest `ClientReqId` that it has taken, four bytes.
    LastRequest = 0x87,
}

impl Kind {
    /// The wire value.
    #[inline(always)]
    #[must_use]
    pub const fn to_wire(self) -> u16 {
        match self {
            Self::Logon => 1,
            Self::Question => 2,
            Self::LogonReply => 0x81,
            Self::Contract => 0x82,
            Self::UdpAuth => 0x83,
            Self::Insert => 0x84,
            Self::Notice => 0x85,
            Self::Match => 0x86,
            Self::LastRequest => 0x87,
        }
    }

    /// The meaning of a wire value.
    #[inline(always)]
    #[must_use]
    pub const fn from_wire(value: u16) -> Option<Self> {
        Some(match value {
            1 => Self::Logon,
            2 => Self::Question,
            0x81 => Self::LogonReply,
            0x82 => Self::Contract,
            0x83 => Self::UdpAuth,
            0x84 => Self::Insert,
            0x85 => Self::Notice,
            0x86 => Self::Match,
            0x87 => Self::LastRequest,
            _ => return None,
        })
    }
}

/// Who wants in.
///
/// 48 bytes, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Logon {
    /// Account number, NUL padded.
    pub account_no: [u8; 21],
    /// Password, NUL padded. A simulation's: never a real one.
    pub password: [u8; 21],
    /// Generation of the datagrams that will come: 2 or 3.
    pub version: u8,
    _pad: [u8; 1],
    /// Replies about orders that the client has read before: the counter repeats those after.
    pub replies_seen: U32Le,
}
const _: () = assert!(size_of::<Logon>() == 48 && offset_of!(Logon, replies_seen) == 44);

impl Logon {
    /// A request to be let in.
    #[must_use]
    pub const fn new(
        account_no: [u8; 21],
        password: [u8; 21],
        version: u8,
        replies_seen: u32,
    ) -> Self {
        let replies_seen = U32Le::new(replies_seen);
        Self { account_no, password, version, _pad: [0], replies_seen }
    }
}

/// Whether the client is in, and what its requests must carry.
///
/// 24 bytes, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct LogonReply {
    /// 0 if it is.
    pub error: I32Le,
    /// `AccountIndex`.
    pub account_index: U16Le,
    /// `ContractRow` messages that follow.
    pub contract_count: U16Le,
    /// `UdpAuthCode`.
    pub udp_auth_code: U32Le,
    /// The greatest `ClientReqId` that the counter has taken from the account.
    pub max_client_req_id: U32Le,
    /// UDP port that takes the requests, on the counter's address.
    pub udp_port: U16Le,
    _pad: [u8; 2],
    /// Replies about orders that are not repeated: as many as the client has read, or 0 if the
    /// counter has not told that many.
    pub replies_seen: U32Le,
}
const _: () = assert!(size_of::<LogonReply>() == 24 && offset_of!(LogonReply, replies_seen) == 20);

impl LogonReply {
    /// A logon that went well.
    #[must_use]
    pub const fn granted(
        account_index: u16,
        udp_auth_code: u32,
        max_client_req_id: u32,
        contract_count: u16,
        udp_port: u16,
        replies_seen: u32,
    ) -> Self {
        Self {
            error: I32Le::new(0),
            account_index: U16Le::new(account_index),
            contract_count: U16Le::new(contract_count),
            udp_auth_code: U32Le::new(udp_auth_code),
            max_client_req_id: U32Le::new(max_client_req_id),
            udp_port: U16Le::new(udp_port),
            _pad: [0; 2],
            replies_seen: U32Le::new(replies_seen),
        }
    }

    /// One that did not.
    #[must_use]
    pub const fn refused(error: i32) -> Self {
        let nothing = Self::granted(0, 0, 0, 0, 0, 0);
        Self { error: I32Le::new(error), ..nothing }
    }
}

/// A row of the contract table.
///
/// 20 bytes, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct ContractRow {
    /// `ContractIndex`.
    pub contract_index: U32Le,
    /// `ContractNo`, NUL padded.
    pub contract_no: [u8; 16],
}
const _: () = assert!(size_of::<ContractRow>() == 20);

/// Asks for the last `ClientReqId` that the counter has taken.
///
/// 4 bytes, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Question {
    /// `AccountIndex`.
    pub account_index: U16Le,
    _pad: [u8; 2],
}
const _: () = assert!(size_of::<Question>() == 4);

impl Question {
    /// The question for an account.
    #[must_use]
    pub const fn new(account_index: u16) -> Self {
        Self { account_index: U16Le::new(account_index), _pad: [0; 2] }
    }
}

/// A message, read in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Which; raw, because what is not known is passed over.
    pub kind: u16,
    /// The body.
    pub body: &'a [u8],
}

/// The bytes are not of this framing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// They do not start with `MAGIC`.
    Magic(u32),
    /// The body is longer than any.
    BodyLen(u16),
}

/// The first message of `bytes` and the rest; `Ok(None)` if it is not whole yet.
///
/// # Errors
/// The stream cannot be told apart into messages any more.
#[inline]
pub fn frame(bytes: &[u8]) -> Result<Option<(Frame<'_>, &[u8])>, FrameError> {
    let Ok((header, rest)) = wire::take::<FrameHeader>(bytes) else {
        return Ok(None);
    };
    if header.magic.get() != MAGIC {
        return Err(FrameError::Magic(header.magic.get()));
    }
    let body_len = header.body_len.get();
    if body_len > MAX_BODY_LEN {
        return Err(FrameError::BodyLen(body_len));
    }
    let whole = rest.split_at_checked(usize::from(body_len));
    Ok(whole.map(|(body, rest)| (Frame { kind: header.kind.get(), body }, rest)))
}

/// A header and its body, as they go over the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, packed)]
pub struct Framed<B> {
    /// Which message, and how long.
    pub header: FrameHeader,
    /// The message.
    pub body: B,
}

impl<B: Pod> Framed<B> {
    /// Puts the header of message `kind` before `body`.
    #[must_use]
    pub fn new(kind: Kind, body: B) -> Self {
        const { assert!(size_of::<B>() <= 512) }
        let body_len = u16::try_from(size_of::<B>()).unwrap_or(MAX_BODY_LEN);
        let header = FrameHeader {
            magic: U32Le::new(MAGIC),
            kind: U16Le::new(kind.to_wire()),
            body_len: U16Le::new(body_len),
        };
        Self { header, body }
    }
}

/// The client's end of the simulated stream.
#[derive(Debug)]
pub struct SimulatedCounter {
    question: Framed<Question>,
}

impl SimulatedCounter {
    /// A stream that is logged on.
    #[must_use]
    pub fn new() -> Self {
        Self { question: Framed::new(Kind::Question, Question::new(0)) }
    }
}

impl Default for SimulatedCounter {
    fn default() -> Self {
        Self::new()
    }
}

impl<G: Generation> CounterSession<G> for SimulatedCounter {
    #[inline]
    fn reply<'b>(&mut self, bytes: &'b [u8]) -> Result<Option<Received<'b, G>>, SessionLost> {
        let Some((frame, rest)) = frame(bytes).map_err(|_| SessionLost::Framing)? else {
            return Ok(None);
        };
        let len = bytes.len().wrapping_sub(rest.len());
        let kind = match Kind::from_wire(frame.kind) {
            Some(Kind::UdpAuth) => ReplyKind::UdpAuth,
            Some(Kind::Insert) => ReplyKind::Insert,
            Some(Kind::Notice) => ReplyKind::Notice,
            Some(Kind::Match) => ReplyKind::Match,
            Some(Kind::LastRequest) => ReplyKind::LastRequest,
            Some(Kind::Logon | Kind::Question | Kind::LogonReply | Kind::Contract) | None => {
                return Ok(Some(Received { len, reply: Ok(None) }));
            }
        };
        let reply = decode::reply(kind, frame.body).map(Some);
        Ok(Some(Received { len, reply }))
    }

    fn question(&mut self, account_index: u16) -> &[u8] {
        self.question.body = Question::new(account_index);
        bytemuck::bytes_of(&self.question)
    }
}

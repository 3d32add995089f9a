//! The byte stream as frames, and frames as messages: `frame`, then `report` (or `request`, for
//! whoever plays the exchange).
//!
//! `frame` is incremental: it takes what has arrived and says "not yet" until a whole message is
//! there. A stream that breaks the framing cannot be followed any further, so its errors end the
//! session. Sequence numbers are not checked here (the session does), and values are left as they
//! lie on the wire.

mod report;
mod request;

pub use self::report::{
    Fill, NewsKind, OrderNews, Progress, Report, Stamp, Trade, exec_digest, report,
};
pub use self::request::{Request, request};
use super::layout::{ENCODING, Message, OLDEST_VERSION, SCHEMA_ID, Sofh};
use crate::venue::cme::sbe::{self, MessageHeader, SbeError};
use crate::wire;

/// The longest frame that is taken for one.
///
/// No message of schema 8 version 9 can be longer, all its groups full (21,413 bytes for
/// `ExecutionReportTradeAddendumSpread549`). A larger length is a broken stream, not a message to
/// wait for.
pub const MAX_FRAME_LEN: u16 = 0x6000;

/// The shortest frame: the two headers.
const MIN_FRAME_LEN: usize = size_of::<Sofh>().wrapping_add(size_of::<MessageHeader>());

/// Why the stream cannot be followed any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// The framing header does not say SBE 1.0 little-endian.
    Encoding(u16),
    /// The length cannot be that of a message.
    Length(u16),
    /// Another schema than iLink 3.
    Schema(u16),
    /// A schema older than the layouts here.
    Version(u16),
    /// The root block is longer than the message.
    BlockLen(u16),
}

/// One message, its type not looked at yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Which message.
    pub template_id: u16,
    /// Version of the schema the sender follows.
    pub version: u16,
    /// Length of the root block, at most that of `body`.
    pub block_len: u16,
    /// The root block and what follows it.
    pub body: &'a [u8],
}

/// Splits the first message off `bytes`; `None` if more bytes are needed first.
///
/// # Errors
/// Any error ends the session: the bytes can no longer be told apart into messages.
#[inline]
pub fn frame(bytes: &[u8]) -> Result<Option<(Frame<'_>, &[u8])>, FrameError> {
    frame_since(bytes, OLDEST_VERSION)
}

/// As `frame`, of every version from `oldest` on: blocks of one before `OLDEST_VERSION` may end
/// before the layouts here do, so it is for those who read field by field.
///
/// # Errors
/// As for `frame`.
#[inline(always)]
pub fn frame_since(bytes: &[u8], oldest: u16) -> Result<Option<(Frame<'_>, &[u8])>, FrameError> {
    let Ok((sofh, _)) = wire::take::<Sofh>(bytes) else {
        return Ok(None);
    };
    if sofh.encoding.get() != ENCODING {
        return Err(FrameError::Encoding(sofh.encoding.get()));
    }
    let frame_len = sofh.frame_len.get();
    if usize::from(frame_len) < MIN_FRAME_LEN || frame_len > MAX_FRAME_LEN {
        return Err(FrameError::Length(frame_len));
    }
    let Some((whole, rest)) = bytes.split_at_checked(usize::from(frame_len)) else {
        return Ok(None);
    };
    let too_short = |_| FrameError::Length(frame_len);
    let (_, after) = wire::take::<Sofh>(whole).map_err(too_short)?;
    let (header, body) = wire::take::<MessageHeader>(after).map_err(too_short)?;
    let frame = checked(header, body, oldest)?;
    Ok(Some((frame, rest)))
}

fn checked<'a>(
    header: &MessageHeader,
    body: &'a [u8],
    oldest: u16,
) -> Result<Frame<'a>, FrameError> {
    let schema_id = header.schema_id.get();
    if schema_id != SCHEMA_ID {
        return Err(FrameError::Schema(schema_id));
    }
    let version = header.version.get();
    if version < oldest {
        return Err(FrameError::Version(version));
    }
    let block_len = header.block_len.get();
    if usize::from(block_len) > body.len() {
        return Err(FrameError::BlockLen(block_len));
    }
    Ok(Frame { template_id: header.template_id.get(), version, block_len, body })
}

impl<'a> Frame<'a> {
    /// The root block read as an `M`, and what follows it.
    ///
    /// The caller has looked at `template_id`.
    ///
    /// # Errors
    /// `BlockTooShort` if the sender's block is shorter than ours.
    #[inline]
    pub fn block<M: Message>(&self) -> Result<(&'a M, &'a [u8]), SbeError> {
        let (block, _, rest) = sbe::block::<M>(self.body, self.block_len)?;
        Ok((block, rest))
    }
}

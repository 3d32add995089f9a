//! FIX text as TCP replay has it: `9=length`, fields, `10=checksum`, each behind a SOH.

use std::num::IntErrorKind;

const SOH: u8 = 1;
/// Bytes of a message, at most: a logon with a long password has a hundred.
const MOST_BYTES: usize = 1_024;
/// Bytes of `10=ddd` and its SOH.
const TRAILER_BYTES: usize = 7;

/// Tag 35 `MsgType`.
pub const MESSAGE_TYPE: u32 = 35;
/// Tag 262 `MDReqID`.
pub const REQUEST_ID: u32 = 262;
/// Tag 553 `Username`.
pub const USER: u32 = 553;
/// Tag 554 `Password`.
pub const PASSWORD: u32 = 554;
/// Tag 1180 `ApplID`: the channel.
pub const CHANNEL: u32 = 1180;
/// Tag 1182 `ApplBegSeqNum`: the first packet.
pub const FROM: u32 = 1182;
/// Tag 1183 `ApplEndSeqNum`: the last packet.
pub const TO: u32 = 1183;

/// Tag 35 of a logon.
pub const LOGON: &str = "A";
/// Tag 35 of a request.
pub const REQUEST: &str = "V";
/// Tag 35 of a logout.
pub const LOGOUT: &str = "5";

/// Why bytes are no message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// It does not begin with its length.
    #[error("a message begins with 9=length, and this one does not")]
    Length,
    /// It says that it is longer than any message.
    #[error("a message of {0} bytes is longer than any: at most {MOST_BYTES}")]
    TooLong(usize),
    /// It does not end where its length says.
    #[error("where 10=checksum must stand, after {0} bytes, there is something else")]
    Trailer(usize),
    /// Bytes were changed on the way.
    #[error("the checksum of the message is {is:03}, and it says {said:03}")]
    Checksum {
        /// What it says.
        said: u8,
        /// What it is.
        is: u8,
    },
    /// A field is no tag with a value.
    #[error("field {0} of the message is no tag=value of text")]
    Field(usize),
}

/// A message with its length and checksum.
#[must_use]
pub fn message(fields: &[(u32, &str)]) -> Vec<u8> {
    let body: Vec<u8> = fields
        .iter()
        .flat_map(|(tag, value)| {
            [tag.to_string().as_bytes(), b"=", value.as_bytes(), &[SOH]].concat()
        })
        .collect();
    let mut bytes = [format!("9={}", body.len()).as_bytes(), &[SOH], &body].concat();
    let sum = checksum(&bytes);
    bytes.extend_from_slice(format!("10={sum:03}").as_bytes());
    bytes.push(SOH);
    bytes
}

fn checksum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte))
}

/// The fields of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fields(Vec<(u32, String)>);

impl Fields {
    /// The value of a tag.
    #[must_use]
    pub fn get(&self, tag: u32) -> Option<&str> {
        self.0.iter().find(|(known, _)| *known == tag).map(|(_, value)| value.as_str())
    }

    /// The value of a tag that is a number.
    #[must_use]
    pub fn number(&self, tag: u32) -> Option<u32> {
        self.get(tag)?.parse().ok()
    }
}

/// Takes the first message off `bytes`; `None` if not all of it is there. Gives its length too.
///
/// # Errors
/// See `TextError`: nothing behind it can be read.
pub fn take(bytes: &[u8]) -> Result<Option<(Fields, usize)>, TextError> {
    let Some(end) = bytes.iter().position(|byte| *byte == SOH) else {
        let begins = b"9=".starts_with(&bytes[..bytes.len().min(2)]);
        return if begins && bytes.len() < 16 { Ok(None) } else { Err(TextError::Length) };
    };
    let said = bytes[..end].strip_prefix(b"9=").ok_or(TextError::Length)?;
    let said = std::str::from_utf8(said).map_err(|_| TextError::Length)?;
    let body = match said.parse::<usize>() {
        Ok(len) => len,
        Err(error) if *error.kind() == IntErrorKind::PosOverflow => usize::MAX,
        Err(_) => return Err(TextError::Length),
    };
    if body > MOST_BYTES {
        return Err(TextError::TooLong(body));
    }
    let summed = end + 1 + body;
    let len = summed + TRAILER_BYTES;
    let Some(message) = bytes.get(..len) else { return Ok(None) };
    let (head, trailer) = message.split_at(summed);
    let said = match trailer {
        [b'1', b'0', b'=', digits @ .., SOH] if digits.iter().all(u8::is_ascii_digit) => {
            std::str::from_utf8(digits).ok().and_then(|digits| digits.parse::<u8>().ok())
        }
        _ => None,
    };
    let said = said.ok_or(TextError::Trailer(summed))?;
    let is = checksum(head);
    if said != is {
        return Err(TextError::Checksum { said, is });
    }
    Ok(Some((fields(&head[end + 1..])?, len)))
}

fn fields(body: &[u8]) -> Result<Fields, TextError> {
    let Some(body) = body.strip_suffix(&[SOH]) else {
        return Err(TextError::Field(0));
    };
    let field = |(index, field): (usize, &[u8])| {
        let text = std::str::from_utf8(field).map_err(|_| TextError::Field(index))?;
        let (tag, value) = text.split_once('=').ok_or(TextError::Field(index))?;
        let tag = tag.parse().map_err(|_| TextError::Field(index))?;
        Ok((tag, value.to_owned()))
    };
    let fields = body.split(|byte| *byte == SOH).enumerate().map(field);
    fields.collect::<Result<_, _>>().map(Fields)
}

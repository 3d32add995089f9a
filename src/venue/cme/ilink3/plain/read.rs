//! A frame as JSON.

use super::spec::{Spec, Table};
use super::{key, value};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use xmc_hotpath::venue::cme::ilink3::decode::{self, FrameError};
use xmc_hotpath::venue::cme::ilink3::layout::OLDEST_VERSION;
use xmc_hotpath::venue::cme::sbe::GroupSize;
use xmc_hotpath::wire;

/// Why bytes are not told as a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The framing.
    #[error("{0}")]
    Frame(FrameFault),
    /// More bytes are needed.
    #[error("the frame says {said} bytes and {there} are there: give all of it")]
    Short {
        /// Bytes that its header promises.
        said: usize,
        /// Bytes that are there.
        there: usize,
    },
    /// A message that has no layout here.
    #[error("template {0} is not laid out here: `xmc frame list ilink3` says which are")]
    Template(u16),
    /// A group or trailing data is cut off.
    #[error("{name} ends in {part}: the frame is damaged")]
    CutOff {
        /// The message.
        name: &'static str,
        /// Where.
        part: &'static str,
    },
}

/// `FrameError` as a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameFault {
    /// See `FrameError::Encoding`.
    #[error("the framing header says encoding {0:#06x}, and iLink 3 is 0xcafe (bytes FE CA)")]
    Encoding(u16),
    /// See `FrameError::Length`.
    #[error("the framing header says {0} bytes, which no message of iLink 3 has")]
    Length(u16),
    /// See `FrameError::Schema`.
    #[error("schema {0} is not iLink 3, which is 8")]
    Schema(u16),
    /// See `FrameError::Version`.
    #[error("schema version {0} is older than 5, the oldest that is read here")]
    Version(u16),
    /// See `FrameError::BlockLen`.
    #[error("the root block of {0} bytes is longer than the message")]
    BlockLen(u16),
}

impl From<FrameError> for FrameFault {
    fn from(error: FrameError) -> Self {
        match error {
            FrameError::Encoding(encoding) => Self::Encoding(encoding),
            FrameError::Length(len) => Self::Length(len),
            FrameError::Schema(schema) => Self::Schema(schema),
            FrameError::Version(version) => Self::Version(version),
            FrameError::BlockLen(len) => Self::BlockLen(len),
        }
    }
}

/// A message as plain data.
#[derive(Clone, Debug, Serialize)]
pub struct Plain {
    /// Its number.
    pub template: u16,
    /// The exchange's name.
    pub name: &'static str,
    /// Version of the schema that the sender follows.
    pub schema_version: u16,
    /// Bytes of the whole frame.
    pub length: usize,
    /// Its values, in the order of the wire.
    pub fields: Values,
    /// Bytes of the block or behind everything that no field here explains: a newer version.
    #[serde(skip_serializing_if = "is_zero")]
    pub unread_bytes: usize,
}

fn is_zero(bytes: &usize) -> bool {
    *bytes == 0
}

/// Values by their keys, in the order of the wire.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Values(pub Vec<(String, Value)>);

impl Serialize for Values {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in &self.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

/// The oldest version that is told. Later ones appended fields to blocks and groups to messages, so
/// an older message ends early; the session does not speak it (`OLDEST_VERSION`).
const OLDEST_TOLD: u16 = 5;

/// Reads the first frame of `bytes`, and says what is left behind it.
///
/// # Errors
/// See `ReadError`.
pub fn read(bytes: &[u8]) -> Result<(Plain, &[u8]), ReadError> {
    let found =
        decode::frame_since(bytes, OLDEST_TOLD).map_err(|error| ReadError::Frame(error.into()))?;
    let Some((frame, rest)) = found else {
        let said = bytes.first_chunk().map_or(4, |len| usize::from(u16::from_le_bytes(*len)));
        return Err(ReadError::Short { said: said.max(12), there: bytes.len() });
    };
    let spec = Spec::find(frame.template_id).ok_or(ReadError::Template(frame.template_id))?;
    let (block, mut behind) = frame.body.split_at(usize::from(frame.block_len));
    let mut fields = Vec::new();
    let mut unread_bytes = table(spec, &spec.root, block, &mut fields);
    for (name, entries) in &spec.groups {
        if behind.is_empty() && frame.version < OLDEST_VERSION {
            break;
        }
        let cut_off = ReadError::CutOff { name: spec.name, part: name };
        let Ok((size, after)) = wire::take::<GroupSize>(behind) else { return Err(cut_off) };
        let (len, count) = (usize::from(size.block_len.get()), usize::from(size.count));
        let (all, after) = after.split_at_checked(len * count).ok_or(cut_off)?;
        fields.push((format!("{}.count", key(name)), json!(count)));
        if count > 0 {
            let entry = |bytes: &[u8]| {
                let mut values = Vec::new();
                unread_bytes += table(spec, entries, bytes, &mut values);
                Values(values)
            };
            // A block of no length has no values, and as many of them as are said.
            let told: Vec<_> = match len {
                0 => (0..count).map(|_| Values::default()).collect(),
                len => all.chunks(len).map(entry).collect(),
            };
            fields.push((key(name), json!(told)));
        }
        behind = after;
    }
    let has_data = !behind.is_empty() || frame.version >= OLDEST_VERSION;
    if let Some(name) = spec.data.filter(|_| has_data) {
        let cut_off = ReadError::CutOff { name: spec.name, part: name };
        let (len, after) = behind.split_first_chunk().ok_or(cut_off.clone())?;
        let len = usize::from(u16::from_le_bytes(*len));
        let (data, after) = after.split_at_checked(len).ok_or(cut_off)?;
        fields.push((key(name), value::text_of(data)));
        behind = after;
    }
    unread_bytes += behind.len();
    let plain = Plain {
        template: spec.template_id,
        name: spec.name,
        schema_version: frame.version,
        length: bytes.len() - rest.len(),
        fields: Values(fields),
        unread_bytes,
    };
    Ok((plain, rest))
}

/// Reads what a block has of a table; the bytes behind its last field are left over.
fn table(spec: &Spec, table: &Table, block: &[u8], values: &mut Vec<(String, Value)>) -> usize {
    let mut end = 0;
    for field in &table.fields {
        // An older version ends before it.
        let Some(bytes) = block.get(field.offset..field.offset + field.len) else { break };
        values.extend(value::read(spec.template_id, field, bytes));
        end = field.offset + field.len;
    }
    block.len() - end
}

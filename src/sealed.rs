//! Lines of JSON that say whether they are whole: eight digits of CRC-32, a blank, the object.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// `value` as a line, its end included.
#[must_use]
pub fn text(value: &impl Serialize) -> String {
    // Who writes lines writes texts, numbers and lists of them, which JSON can all say.
    let json = serde_json::to_string(value).unwrap_or_default();
    format!("{:08x} {json}\n", crc32fast::hash(json.as_bytes()))
}

/// Reads a line without its end; `None` if it is damaged.
#[must_use]
pub fn parse<T: DeserializeOwned>(line: &[u8]) -> Option<T> {
    let (crc, rest) = line.split_first_chunk::<8>()?;
    let (blank, json) = rest.split_first()?;
    let crc = u32::from_str_radix(std::str::from_utf8(crc).ok()?, 16).ok()?;
    let is_whole = *blank == b' ' && crc == crc32fast::hash(json);
    if is_whole { serde_json::from_slice(json).ok() } else { None }
}

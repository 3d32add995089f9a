//! One field: its bytes as JSON values, and back.

use super::key;
use super::words::{EXEC_INST, Words, words};
use crate::config::decimal::parse_e9;
use crate::hex;
use serde_json::{Map, Value, json};
use xmc_hotpath::venue::cme::ilink3::layout::Field;

/// What lies in a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// An unsigned number of so many bytes.
    Unsigned,
    /// A signed number.
    Signed,
    /// A price in units of 1e-9: a composite with a constant exponent.
    Price,
    /// A mantissa and an exponent.
    Decimal,
    /// Text, NUL padded.
    Text,
}

fn kind(field: &Field) -> Kind {
    match field.kind {
        "I64Le" => Kind::Price,
        "I32Le" => Kind::Signed,
        "Decimal64" | "Decimal32" => Kind::Decimal,
        "u8" | "U16Le" | "U32Le" | "U64Le" => Kind::Unsigned,
        _ => Kind::Text,
    }
}

/// The values of a field: one, or two of a decimal.
pub fn read(template_id: u16, field: &Field, bytes: &[u8]) -> Vec<(String, Value)> {
    let name = key(field.name);
    let one = |value| vec![(name.clone(), value)];
    match kind(field) {
        Kind::Text => one(text(bytes)),
        Kind::Signed => one(json!(signed(bytes))),
        Kind::Price => vec![(format!("{name}.mantissa"), json!(signed(bytes)))],
        Kind::Decimal => {
            let (mantissa, exponent) = bytes.split_at(bytes.len() - 1);
            let (mantissa, exponent) = (signed(mantissa), signed(exponent));
            let mut values = vec![(format!("{name}.mantissa"), json!(mantissa))];
            let is_absent = mantissa == absent_mantissa(field) && [0, 127].contains(&exponent);
            if !is_absent {
                values.push((format!("{name}.exponent"), json!(exponent)));
            }
            values
        }
        Kind::Unsigned if field.name == "ExecInst" => {
            let bits = unsigned(bytes);
            let set = EXEC_INST.iter().zip(0..).filter(|(_, bit)| bits >> bit & 1 == 1);
            one(json!(set.map(|(word, _)| *word).collect::<Vec<_>>().join("|")))
        }
        Kind::Unsigned => {
            let number = unsigned(bytes);
            let known = words(template_id, field.name).unwrap_or_default();
            let word = known.iter().find(|(code, _)| u64::from(*code) == number);
            // Of 64 bits the null is -1, as in the golden frames.
            let plain =
                || if bytes.len() == 8 { json!(number.cast_signed()) } else { json!(number) };
            one(word.map_or_else(plain, |(code, word)| json!(format!("{word}:{code}"))))
        }
    }
}

/// Takes the field's values out of `values` and writes them over what is absent. Whether there were
/// any.
///
/// # Errors
/// Why a value is none of this field, as a sentence.
pub fn write(
    template_id: u16,
    field: &Field,
    values: &mut Map<String, Value>,
    out: &mut [u8],
) -> Result<bool, String> {
    let name = key(field.name);
    let is_composite = matches!(kind(field), Kind::Price | Kind::Decimal);
    if !is_composite {
        let Some(value) = values.remove(&name).filter(|value| !value.is_null()) else {
            return Ok(false);
        };
        return match kind(field) {
            Kind::Text => put_text(&value, out),
            Kind::Signed => put_signed(&value, out),
            _ if field.name == "ExecInst" => put_unsigned(exec_inst(&value)?, out),
            // Either half of what 64 bits can say is written with a sign or without.
            _ if out.len() == 8 && value.as_i64().is_some() => put_signed(&value, out),
            _ => {
                let known = words(template_id, field.name);
                put_unsigned(number_or_word(&value, known)?, out)
            }
        }
        .map(|()| true);
    }
    let mut of = |part: &str| values.remove(&format!("{name}.{part}")).filter(|v| !v.is_null());
    let (mantissa, exponent) = (of("mantissa"), of("exponent"));
    let plain = values.remove(&name).filter(|value| !value.is_null());
    let (digits, power) = out.split_at_mut(out.len() - usize::from(kind(field) == Kind::Decimal));
    match (mantissa, plain) {
        (Some(_), Some(_)) => return Err("is given twice, whole and by its mantissa".to_owned()),
        (Some(mantissa), None) => {
            put_signed(&mantissa, digits)?;
            if !power.is_empty() {
                put_signed(&exponent.unwrap_or(json!(0)), power)?;
            } else if exponent.is_some_and(|exponent| exponent != json!(-9)) {
                return Err("has the exponent -9 and no other".to_owned());
            }
        }
        (None, Some(plain)) if power.is_empty() => {
            put_signed(&json!(price_e9(&plain)?), digits)?;
        }
        (None, Some(_)) => return Err("is given by its mantissa and its exponent".to_owned()),
        (None, None) if exponent.is_some() => return Err("has an exponent and no mantissa".into()),
        (None, None) => return Ok(false),
    }
    Ok(true)
}

/// Text up to its padding; bytes that are no printable ASCII are told as `0x..`, all of them.
fn text(bytes: &[u8]) -> Value {
    let len = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    if is_plain(&bytes[..len]) { text_of(&bytes[..len]) } else { raw(bytes) }
}

/// Text without padding, or `0x..`.
pub fn text_of(bytes: &[u8]) -> Value {
    if is_plain(bytes) { json!(String::from_utf8_lossy(bytes)) } else { raw(bytes) }
}

/// The bytes that `text_of` tells so.
pub fn bytes_of_text(text: &str) -> Vec<u8> {
    text.strip_prefix("0x").and_then(hex::read).unwrap_or_else(|| text.as_bytes().to_vec())
}

fn is_plain(bytes: &[u8]) -> bool {
    // What looks like digits of bytes is told as such, so that each is read back as it was.
    bytes.iter().all(|byte| matches!(byte, b' '..=b'~')) && !bytes.starts_with(b"0x")
}

fn raw(bytes: &[u8]) -> Value {
    json!(format!("0x{}", hex::show(bytes)))
}

fn put_text(value: &Value, out: &mut [u8]) -> Result<(), String> {
    let text = value.as_str().ok_or_else(|| format!("is text, not {value}"))?;
    let raw = text.strip_prefix("0x").filter(|digits| digits.len() == 2 * out.len());
    if let Some(bytes) = raw.and_then(hex::read) {
        out.copy_from_slice(&bytes);
        return Ok(());
    }
    if text.len() > out.len() {
        return Err(format!("has {} bytes, and {} fit", text.len(), out.len()));
    }
    out.fill(0);
    out[..text.len()].copy_from_slice(text.as_bytes());
    Ok(())
}

fn unsigned(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn signed(bytes: &[u8]) -> i64 {
    let bits = 8 * u32::try_from(bytes.len()).expect("a field is short");
    let unused = 64 - bits;
    (unsigned(bytes).cast_signed() << unused) >> unused
}

fn absent_mantissa(field: &Field) -> i64 {
    if field.kind == "Decimal32" { i32::MAX.into() } else { i64::MAX }
}

fn put_signed(value: &Value, out: &mut [u8]) -> Result<(), String> {
    let number = value.as_i64().ok_or_else(|| format!("is a whole number, not {value}"))?;
    let bytes = number.to_le_bytes();
    let (low, high) = bytes.split_at(out.len());
    let padding = if number < 0 { 0xFF } else { 0 };
    let has_sign = low.last().is_some_and(|last| (*last >= 0x80) == (number < 0));
    if !has_sign || high.iter().any(|byte| *byte != padding) {
        return Err(format!("is {number}, which does not fit in {} bytes", out.len()));
    }
    out.copy_from_slice(low);
    Ok(())
}

fn put_unsigned(number: u64, out: &mut [u8]) -> Result<(), String> {
    let bytes = number.to_le_bytes();
    let (low, high) = bytes.split_at(out.len());
    if high.iter().any(|byte| *byte != 0) {
        return Err(format!("is {number}, which does not fit in {} bytes", out.len()));
    }
    out.copy_from_slice(low);
    Ok(())
}

/// A number, `Word:number`, or a word.
fn number_or_word(value: &Value, known: Option<Words>) -> Result<u64, String> {
    if let Some(number) = value.as_u64() {
        return Ok(number);
    }
    let text = value.as_str().ok_or_else(|| format!("is a number or a word, not {value}"))?;
    let known = known.ok_or_else(|| format!("is a number, not {text:?}"))?;
    let (word, number) = text.split_once(':').map_or((text, None), |(w, n)| (w, Some(n)));
    let found = known.iter().find(|(_, name)| name.eq_ignore_ascii_case(word));
    let all = || known.iter().map(|(code, word)| format!("{word}:{code}")).collect::<Vec<_>>();
    let unknown = || format!("has no {text:?}: it is one of {}", all().join(", "));
    let code = u64::from(found.ok_or_else(unknown)?.0);
    match number {
        Some(number) if number.parse() != Ok(code) => Err(unknown()),
        _ => Ok(code),
    }
}

fn exec_inst(value: &Value) -> Result<u64, String> {
    if let Some(number) = value.as_u64() {
        return Ok(number);
    }
    let text = value.as_str().ok_or_else(|| format!("is a set of words, not {value}"))?;
    let words = text.split('|').filter(|word| !word.is_empty());
    let bit = |word: &str| {
        let found = EXEC_INST.iter().position(|known| known.eq_ignore_ascii_case(word));
        let unknown = || format!("has no {word:?}: it is some of {}", EXEC_INST.join("|"));
        found.map(|bit| 1 << bit).ok_or_else(unknown)
    };
    words.map(bit).try_fold(0, |set, bit| Ok(set | bit?))
}

/// A price as people write it, in units of 1e-9.
fn price_e9(value: &Value) -> Result<i64, String> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        other => return Err(format!("is a price, not {other}")),
    };
    parse_e9(&text).map_err(|_| format!("is no price of at most nine decimals: {text:?}"))
}

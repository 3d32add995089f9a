//! Bytes as hexadecimal digits, and back: what people and files are told of hashes and frames.

use std::fmt::Write;

/// Two digits a byte, small letters.
#[must_use]
pub fn show(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

/// The bytes of digits, large or small; `None` if there is anything else, or half a byte.
#[must_use]
pub fn read(digits: &str) -> Option<Vec<u8>> {
    let is_hex = digits.len().is_multiple_of(2) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    if is_hex { (0..digits.len()).step_by(2).map(byte).collect() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_bytes_and_nothing_else_is() {
        assert_eq!(show(&[0, 0x1F, 0xA0, 0xFF]), "001fa0ff");
        assert_eq!(read("001FA0ff"), Some(vec![0, 0x1F, 0xA0, 0xFF]));
        assert_eq!((read(""), read("abc"), read("0x"), read("+1"), read("é")), {
            (Some(Vec::new()), None, None, None, None)
        });
    }
}

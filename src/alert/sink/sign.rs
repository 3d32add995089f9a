//! How messages are signed: HMAC-SHA256 (RFC 2104), with key and message as each receiver wants.
//!
//! DingTalk and Feishu take the same two parts and differ in which of them is the key. Sources:
//! open.dingtalk.com, "Custom robot security settings"; open.feishu.cn, "Custom bot usage guide",
//! signature verification; both as `ECOSYSTEM.md` of the design has them.

use crate::audit::base64;
use crate::hex;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt::Write;

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.chain_update(message).finalize().into_bytes().into()
}

/// `X-XMC-Signature` of a webhook: the HMAC of the whole body, in hexadecimal digits.
#[must_use]
pub fn webhook(secret: &str, body: &[u8]) -> String {
    hex::show(&hmac(secret.as_bytes(), body))
}

/// `sign` of a DingTalk robot, as it stands in the URL: the key is the secret, the message
/// `timestamp\nsecret`; the timestamp is in milliseconds.
#[must_use]
pub fn dingtalk(secret: &str, timestamp_ms: u64) -> String {
    let message = format!("{timestamp_ms}\n{secret}");
    escape(&base64::encode(&hmac(secret.as_bytes(), message.as_bytes())))
}

/// `sign` of a Feishu robot: the key is `timestamp\nsecret`, the message is empty; the timestamp is
/// in seconds.
#[must_use]
pub fn feishu(secret: &str, timestamp_s: u64) -> String {
    let key = format!("{timestamp_s}\n{secret}");
    base64::encode(&hmac(key.as_bytes(), b""))
}

/// A value in a query: everything but unreserved characters (RFC 3986, 2.3) is written in percent.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

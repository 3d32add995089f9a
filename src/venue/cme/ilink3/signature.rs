//! The signature of a logon: HMAC-SHA256 over a few fields of the message, as text.
//!
//! The key is given out as base64url text and decoded before use. Both sides of the logon call
//! this. Source: client wiki, "Secure Logon" (compared versions 285835268 and 308838401).

use sha2::{Digest, Sha256};
use std::fmt;
use zeroize::Zeroizing;

/// Bytes of SHA-256's block, and so of HMAC's key.
const BLOCK_BYTES: usize = 64;

/// Why a text is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A character that base64url does not have.
    #[error(
        "character {0} of the secret key is not one of base64url: copy the key as it was given out"
    )]
    Character(usize),
    /// No bytes come of it, or a last character without its neighbour.
    #[error("{0} characters are no secret key: copy the key as it was given out")]
    Length(usize),
}

/// A session's secret, which is overwritten in memory when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretKey(Zeroizing<Vec<u8>>);

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

impl SecretKey {
    /// Decodes base64url text; padding at the end may be there or not.
    ///
    /// # Errors
    /// See `KeyError`.
    pub fn from_base64url(text: &str) -> Result<Self, KeyError> {
        let digits = text.trim_end_matches('=').as_bytes();
        // As large as it becomes: one that grew would leave copies behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(digits.len()));
        let (mut bits, mut count) = (0_u32, 0);
        for (place, digit) in digits.iter().enumerate() {
            let value = match digit {
                b'A'..=b'Z' => digit - b'A',
                b'a'..=b'z' => digit - b'a' + 26,
                b'0'..=b'9' => digit - b'0' + 52,
                b'-' => 62,
                b'_' => 63,
                _ => return Err(KeyError::Character(place + 1)),
            };
            bits = bits << 6 | u32::from(value);
            count += 6;
            if count >= 8 {
                count -= 8;
                bytes.push(u8::try_from(bits >> count & 0xFF).expect("eight bits"));
            }
        }
        if bytes.is_empty() || count == 6 {
            return Err(KeyError::Length(text.len()));
        }
        Ok(Self(bytes))
    }

    /// The signature of `text`.
    #[must_use]
    pub fn sign(&self, text: &str) -> [u8; 32] {
        let mut key = Zeroizing::new([0; BLOCK_BYTES]);
        if self.0.len() > BLOCK_BYTES {
            key[..32].copy_from_slice(&Sha256::digest(&*self.0));
        } else {
            key[..self.0.len()].copy_from_slice(&self.0);
        }
        let padded = |pad: u8| Zeroizing::new(key.map(|byte| byte ^ pad));
        let inner = Sha256::new().chain_update(*padded(0x36)).chain_update(text);
        let outer = Sha256::new().chain_update(*padded(0x5C));
        outer.chain_update(inner.finalize()).finalize().into()
    }

    /// Whether `signature` is that of `text`. Takes the same time for every wrong one.
    #[must_use]
    pub fn verifies(&self, text: &str, signature: &[u8; 32]) -> bool {
        let pairs = self.sign(text).into_iter().zip(signature);
        pairs.fold(0, |differs, (own, given)| differs | (own ^ given)) == 0
    }
}

/// What is signed of a Negotiate500, in this order.
#[derive(Clone, Copy, Debug)]
pub struct NegotiateText<'a> {
    /// Tag 39002.
    pub request_ns: u64,
    /// Tag 39001.
    pub uuid: u64,
    /// Tag 39006.
    pub session: &'a str,
    /// Tag 39007.
    pub firm: &'a str,
}

impl fmt::Display for NegotiateText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { request_ns, uuid, session, firm } = self;
        write!(f, "{request_ns}\n{uuid}\n{session}\n{firm}")
    }
}

/// What is signed of an Establish503, in this order.
#[derive(Clone, Copy, Debug)]
pub struct EstablishText<'a> {
    /// What is signed of a Negotiate as well.
    pub negotiate: NegotiateText<'a>,
    /// Tag 1603.
    pub system_name: &'a str,
    /// Tag 1604.
    pub system_version: &'a str,
    /// Tag 1605.
    pub system_vendor: &'a str,
    /// Tag 39013.
    pub next_seq_no: u32,
    /// Tag 39014.
    pub keep_alive_ms: u16,
}

impl fmt::Display for EstablishText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { negotiate, system_name, system_version, system_vendor, .. } = self;
        let Self { next_seq_no, keep_alive_ms, .. } = self;
        write!(
            f,
            "{negotiate}\n{system_name}\n{system_version}\n{system_vendor}\n{next_seq_no}\n\
             {keep_alive_ms}"
        )
    }
}

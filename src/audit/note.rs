//! Signed notes: text, and under it signatures by keys that have names.
//!
//! The format is C2SP's `signed-note` with Ed25519, the one of transparency logs, so that other
//! tools check what we sign and we check what they do. A log signs the text itself (signature type
//! 1); a witness signs the text with the time at which it saw it (type 4, `tlog-cosignature`).
//!
//! A text is worth nothing until a key that is trusted has signed it; who is trusted, the caller
//! says. Not here: what the text says (`checkpoint`), where keys lie (`key`).

use super::base64;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use std::fmt;

/// What a line of signature starts with: an em dash and a blank.
const MARK: &str = "\u{2014} ";
/// How a text form of a key that signs begins.
const PRIVATE: &str = "PRIVATE+KEY+";
/// A note has at most so many signatures.
const MOST_SIGNATURES: usize = 64;

/// What a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Purpose {
    /// The text: a log does.
    Log = 1,
    /// The text and the time: a witness does.
    Witness = 4,
}

impl Purpose {
    fn from_code(code: u8) -> Option<Self> {
        [Self::Log, Self::Witness].into_iter().find(|purpose| *purpose as u8 == code)
    }
}

/// Why a text is no key. The text of a key that signs is never shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not `name+id+key`.
    #[error("a key is written NAME+ID+BASE64, as `xmc audit keygen` does")]
    Form,
    /// The name cannot be one.
    #[error("{0:?} cannot be the name of a key: it is not empty, and has neither blanks nor `+`")]
    Name(String),
    /// The id is another key's.
    #[error("key {name} says that its id is {said:08x}, and its bytes say {found:08x}")]
    Id {
        /// The key's name.
        name: String,
        /// As written.
        said: u32,
        /// As it follows from the bytes.
        found: u32,
    },
    /// An algorithm or purpose that this build does not know.
    #[error(
        "key {name} is of type {code}: known are 1 (a log's) and 4 (a witness's), Ed25519 both"
    )]
    Type {
        /// The key's name.
        name: String,
        /// The type.
        code: u8,
    },
    /// The bytes are no key.
    #[error("key {0} is not an Ed25519 key")]
    Bytes(String),
}

/// A key that checks signatures.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    purpose: Purpose,
    key: VerifyingKey,
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{:08x}+{}", self.name, self.id(), base64::encode(&self.typed_bytes()))
    }
}

impl VerifierKey {
    /// Reads `NAME+ID+BASE64`.
    ///
    /// # Errors
    /// See `KeyError`.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let Typed { name, id, purpose, bytes } = Typed::parse(text)?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| KeyError::Bytes(name.clone()))?;
        // A key of small order would "sign" anything.
        if key.is_weak() {
            return Err(KeyError::Bytes(name));
        }
        let key = Self { name, purpose, key };
        if key.id() != id {
            return Err(KeyError::Id { name: key.name.clone(), said: id, found: key.id() });
        }
        Ok(key)
    }

    /// Its name; a log's is the origin of its checkpoints.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it signs.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// The number that stands before its signatures: the front of a hash of name, type and key.
    #[must_use]
    pub fn id(&self) -> u32 {
        let hash = Sha256::new()
            .chain_update(&self.name)
            .chain_update(b"\n")
            .chain_update(self.typed_bytes())
            .finalize();
        hash.first_chunk().map_or(0, |front| u32::from_be_bytes(*front))
    }

    /// The 32 bytes of the key.
    #[must_use]
    pub fn bytes(&self) -> [u8; 32] {
        self.key.to_bytes()
    }

    fn typed_bytes(&self) -> Vec<u8> {
        [&[self.purpose as u8], &self.key.as_bytes()[..]].concat()
    }

    fn is_signer_of(&self, signature: &SignatureLine) -> bool {
        signature.name == self.name && signature.key_id == self.id()
    }

    /// Whether `signature` is this key's over `text`; of a witness, when.
    fn check(&self, text: &str, signature: &SignatureLine) -> Option<Option<u64>> {
        let strictly = |message: &[u8], bytes: &[u8; 64]| {
            self.key.verify_strict(message, &Signature::from_bytes(bytes)).ok()
        };
        match self.purpose {
            Purpose::Log => {
                let bytes = signature.bytes.as_slice().try_into().ok()?;
                strictly(text.as_bytes(), bytes).map(|()| None)
            }
            Purpose::Witness => {
                let (time, bytes) = signature.bytes.split_first_chunk()?;
                let time_s = u64::from_be_bytes(*time);
                let bytes = bytes.try_into().ok()?;
                strictly(cosigned(text, time_s).as_bytes(), bytes).map(|()| Some(time_s))
            }
        }
    }
}

/// A key that signs. `Debug` shows its public half only.
pub struct SignerKey {
    name: String,
    purpose: Purpose,
    key: SigningKey,
}

impl fmt::Debug for SignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignerKey({})", self.verifier())
    }
}

impl SignerKey {
    /// The key of these 32 secret bytes.
    ///
    /// # Errors
    /// `Name`.
    pub fn new(name: &str, purpose: Purpose, seed: &[u8; 32]) -> Result<Self, KeyError> {
        check_name(name)?;
        Ok(Self { name: name.to_owned(), purpose, key: SigningKey::from_bytes(seed) })
    }

    /// Reads `PRIVATE+KEY+NAME+ID+BASE64`.
    ///
    /// # Errors
    /// See `KeyError`.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.strip_prefix(PRIVATE).ok_or(KeyError::Form)?;
        let Typed { name, id, purpose, bytes } = Typed::parse(text)?;
        let key = Self { name, purpose, key: SigningKey::from_bytes(&bytes) };
        let found = key.verifier().id();
        if found != id {
            return Err(KeyError::Id { name: key.name, said: id, found });
        }
        Ok(key)
    }

    /// The text that `parse` reads: a secret.
    #[must_use]
    pub fn reveal(&self) -> String {
        let bytes = [&[self.purpose as u8], &self.key.as_bytes()[..]].concat();
        format!("{PRIVATE}{}+{:08x}+{}", self.name, self.verifier().id(), base64::encode(&bytes))
    }

    /// Its public half.
    #[must_use]
    pub fn verifier(&self) -> VerifierKey {
        let key = self.key.verifying_key();
        VerifierKey { name: self.name.clone(), purpose: self.purpose, key }
    }

    /// Signs `text`; a witness's key signs `time_s` with it, a log's does not.
    #[must_use]
    pub fn sign(&self, text: &str, time_s: u64) -> SignatureLine {
        let sign = |message: &str| self.key.sign(message.as_bytes()).to_bytes();
        let bytes = match self.purpose {
            Purpose::Log => sign(text).to_vec(),
            Purpose::Witness => {
                [&time_s.to_be_bytes()[..], &sign(&cosigned(text, time_s))[..]].concat()
            }
        };
        SignatureLine { name: self.name.clone(), key_id: self.verifier().id(), bytes }
    }
}

/// What a witness signs.
fn cosigned(text: &str, time_s: u64) -> String {
    format!("cosignature/v1\ntime {time_s}\n{text}")
}

fn check_name(name: &str) -> Result<(), KeyError> {
    let is_wrong = |sign: char| sign.is_whitespace() || sign.is_control() || sign == '+';
    if name.is_empty() || name.contains(is_wrong) {
        return Err(KeyError::Name(name.to_owned()));
    }
    Ok(())
}

/// `NAME+ID+BASE64`, the bytes with their type in front.
struct Typed {
    name: String,
    id: u32,
    purpose: Purpose,
    bytes: [u8; 32],
}

impl Typed {
    fn parse(text: &str) -> Result<Self, KeyError> {
        let (name, rest) = text.split_once('+').ok_or(KeyError::Form)?;
        let (id, bytes) = rest.split_once('+').ok_or(KeyError::Form)?;
        check_name(name)?;
        let is_id = id.len() == 8 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let id = u32::from_str_radix(id, 16).ok().filter(|_| is_id).ok_or(KeyError::Form)?;
        let bytes = base64::decode(bytes).ok_or(KeyError::Form)?;
        let (&code, bytes) = bytes.split_first().ok_or(KeyError::Form)?;
        let name = name.to_owned();
        let Some(purpose) = Purpose::from_code(code) else {
            return Err(KeyError::Type { name, code });
        };
        let bytes = bytes.try_into().map_err(|_| KeyError::Bytes(name.clone()))?;
        Ok(Self { name, id, purpose, bytes })
    }
}

/// One signature of a note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureLine {
    name: String,
    key_id: u32,
    bytes: Vec<u8>,
}

impl SignatureLine {
    /// The name of the key that signed, as the line says.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The id of the key that signed, as the line says.
    #[must_use]
    pub fn key_id(&self) -> u32 {
        self.key_id
    }

    /// The bytes behind the key's id: of a log 64, of a witness the time before them.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Reads a line, without its end.
    ///
    /// # Errors
    /// See `NoteError`.
    pub fn parse(line: &str) -> Result<Self, NoteError> {
        let wrong = || NoteError::Signature(line.to_owned());
        let (name, bytes) =
            line.strip_prefix(MARK).and_then(|line| line.split_once(' ')).ok_or_else(wrong)?;
        check_name(name).map_err(|_| wrong())?;
        let bytes = base64::decode(bytes).ok_or_else(wrong)?;
        let (id, bytes) = bytes.split_first_chunk().ok_or_else(wrong)?;
        let name = name.to_owned();
        Ok(Self { name, key_id: u32::from_be_bytes(*id), bytes: bytes.to_vec() })
    }
}

impl fmt::Display for SignatureLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.key_id.to_be_bytes()[..], &self.bytes[..]].concat();
        writeln!(f, "{MARK}{} {}", self.name, base64::encode(&bytes))
    }
}

/// Why a text is no signed note, or nobody trusted has signed it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// No blank line between text and signatures, or none of either.
    #[error("a signed note is text, an empty line, and at least one line of signature")]
    Form,
    /// A sign that no note has.
    #[error("a signed note has no control characters")]
    Control,
    /// A line that should be a signature.
    #[error("{0:?} is not a line of signature")]
    Signature(String),
    /// More signatures than anyone needs.
    #[error("{0} signatures, more than the {MOST_SIGNATURES} that are read")]
    TooMany(usize),
    /// No key that is trusted has signed.
    #[error("no trusted key has signed it: signed by {found}, trusted {trusted}")]
    Untrusted {
        /// Who has.
        found: String,
        /// Who should have.
        trusted: String,
    },
    /// A trusted key's signature is wrong: the text is not what it signed.
    #[error("the signature of key {name}+{key_id:08x} is wrong: the text is not what it signed")]
    Forged {
        /// The key's name.
        name: String,
        /// Its id.
        key_id: u32,
    },
}

/// Text and who signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The text, with the end of its last line.
    pub text: String,
    /// The signatures.
    pub signatures: Vec<SignatureLine>,
}

/// A key whose signature was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedBy<'k> {
    /// Which.
    pub key: &'k VerifierKey,
    /// When, in seconds since 1970, if it is a witness.
    pub time_s: Option<u64>,
}

impl Note {
    /// Reads a note. Nothing is checked but its form.
    ///
    /// # Errors
    /// See `NoteError`.
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        if note.contains(|sign: char| sign != '\n' && sign < ' ') {
            return Err(NoteError::Control);
        }
        let split = note.rfind("\n\n").ok_or(NoteError::Form)?;
        let (text, rest) = note.split_at(split + 1);
        let lines = rest.strip_prefix('\n').and_then(|rest| rest.strip_suffix('\n'));
        let lines = lines.filter(|lines| !lines.is_empty()).ok_or(NoteError::Form)?;
        let count = lines.lines().count();
        if count > MOST_SIGNATURES {
            return Err(NoteError::TooMany(count));
        }
        let signatures = lines.split('\n').map(SignatureLine::parse).collect::<Result<_, _>>()?;
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// The keys of `trusted` that have signed. Signatures of others say nothing.
    ///
    /// # Errors
    /// `Untrusted` if there is none, `Forged` if one of theirs is wrong.
    pub fn signed_by<'k>(
        &self,
        trusted: &'k [VerifierKey],
    ) -> Result<Vec<SignedBy<'k>>, NoteError> {
        let mut signed = Vec::new();
        for signature in &self.signatures {
            let Some(key) = trusted.iter().find(|key| key.is_signer_of(signature)) else {
                continue;
            };
            let Some(time_s) = key.check(&self.text, signature) else {
                let (name, key_id) = (signature.name.clone(), signature.key_id);
                return Err(NoteError::Forged { name, key_id });
            };
            signed.push(SignedBy { key, time_s });
        }
        if signed.is_empty() {
            let found = self.signatures.iter().map(|line| (line.name.as_str(), line.key_id));
            let trusted = trusted.iter().map(|key| (key.name(), key.id()));
            return Err(NoteError::Untrusted { found: names(found), trusted: names(trusted) });
        }
        Ok(signed)
    }
}

fn names<'a>(keys: impl Iterator<Item = (&'a str, u32)>) -> String {
    let names: Vec<_> = keys.map(|(name, id)| format!("{name}+{id:08x}")).collect();
    if names.is_empty() { "nobody".to_owned() } else { names.join(", ") }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.text, Signatures(&self.signatures))
    }
}

/// Lines of signature, one below the other.
struct Signatures<'a>(&'a [SignatureLine]);

impl fmt::Display for Signatures<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|line| write!(f, "{line}"))
    }
}

//! An entry of a register: what one person has signed, on one line of JSON.
//!
//! ```text
//! {"signed":{"entry":3,"previous":"..","at":"2026-11-22T12:00:00Z","by":"bob","reason":"..",
//!  "what":{"approval":{..}}},"signature":"- bob q83.."}
//! ```
//!
//! `previous` is the SHA-256 of the whole line before, without its end; 64 zeros in the first. What
//! is signed, with Ed25519 as a signed note is (`audit::note`), is `HEADER`, an end of line, the
//! object under `signed` byte for byte, and an end of line. An entry has one way to be written, so
//! one that reads is the one that this would write.

use super::lineage::Lineage;
use super::person::{ItemKind, Person};
use super::refusal::Refusal;
use crate::audit::note::{Note, SignatureLine, SignerKey, VerifierKey};
use crate::hex;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What is signed begins with it: a signature under a command of an operator is none of an entry.
pub const HEADER: &str = "xmc-governance/v1";
/// No line is longer.
pub const MOST_BYTES: usize = 4 << 20;
/// No reason is longer, in characters.
pub const MOST_REASON: usize = 200;
/// What stands for the line before the first.
pub const NOTHING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What one person says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// Its number, from 1, without holes.
    pub entry: u64,
    /// SHA-256 of the line before, in hexadecimal.
    pub previous: String,
    /// When it was signed, by the clock of who did.
    pub at: Timestamp,
    /// Who signs.
    pub by: String,
    /// Why, for whoever reads it.
    pub reason: String,
    /// What is said.
    pub what: What,
}

/// What can be said.
#[expect(clippy::large_enum_variant, reason = "read one at a time, on the cold side")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// This configuration should be the next.
    Proposal(Proposal),
    /// What a backtest of it came to, and on which data.
    Evidence(Evidence),
    /// It may be traded with.
    Approval(Approval),
    /// It may not, any more.
    Withdrawal(Withdrawal),
}

impl What {
    /// The word for it.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Proposal(_) => "proposal",
            Self::Evidence(_) => "evidence",
            Self::Approval(_) => "approval",
            Self::Withdrawal(_) => "withdrawal",
        }
    }
}

/// A whole configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    /// Counts the proposals of the register, from 1.
    pub version: u64,
    /// The digest of the files, as records have it (`Sources::digest`).
    pub configuration: String,
    /// The entry of the proposal that it is compared with: what is in effect when it is signed;
    /// none if nothing is.
    pub base: Option<u64>,
    /// The files in reading order.
    pub files: Vec<FileDigest>,
    /// Who governs once it is in effect.
    pub people: Vec<Person>,
    /// Its items, and those that are gone, by kind and name.
    pub items: Vec<ItemEntry>,
}

impl Proposal {
    /// The items that change.
    pub fn changed(&self) -> impl Iterator<Item = &ItemEntry> {
        self.items.iter().filter(|item| item.before != item.after)
    }
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileDigest {
    /// Its name, without the way to it.
    pub name: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// How many bytes.
    pub bytes: u64,
}

/// One item of a proposal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemEntry {
    /// What it is.
    pub kind: ItemKind,
    /// Its name: the section, and which of several.
    pub name: String,
    /// Counts the changes of this item, from 1.
    pub version: u64,
    /// Who answers for it.
    pub owner: String,
    /// Its digest in the base; absent if that has none.
    pub before: Option<String>,
    /// Its digest now; absent if it is gone.
    pub after: Option<String>,
    /// Its lines, if it changes and is not gone.
    pub lines: Option<Vec<String>>,
}

/// What a proposal was tried on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// The entry of the proposal.
    pub proposal: u64,
    /// The digest of its configuration.
    pub configuration: String,
    /// The time that it was chosen on.
    pub in_sample: Sample,
    /// The time that tells.
    pub out_of_sample: Sample,
    /// Where the data came from and how good they are.
    pub lineage: Vec<Lineage>,
}

/// What a backtest came to in a stretch of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// SHA-256 of the report's file, in hexadecimal.
    pub report: String,
    /// The command that makes it again.
    pub command: String,
    /// The program that made it.
    pub commit: String,
    /// What delays were drawn from.
    pub seed: u64,
    /// From when on, nanoseconds since 1970.
    pub from_ns: u64,
    /// Until when, that moment left out.
    pub until_ns: u64,
    /// The digest of the data (`Lineage::digest`).
    pub source: String,
    /// What came of each pair.
    pub pairs: Vec<PairResult>,
}

/// What a backtest came to for one pair. SIMULATED venues, nobody's money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairResult {
    /// The pair.
    pub name: String,
    /// The currency of its money; empty where nobody knows.
    pub currency: String,
    /// Fires.
    pub fires: u64,
    /// Profit after fees, in units of 1e-9.
    pub profit_e9: i128,
    /// The furthest that it fell below what it had been, in units of 1e-9.
    pub drawdown_e9: i128,
}

/// That a proposal may be traded with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// The entry of the proposal.
    pub proposal: u64,
    /// The digest of its configuration.
    pub configuration: String,
    /// It is worth nothing before.
    pub from: Timestamp,
    /// Nor from then on; absent if it does not end.
    pub until: Option<Timestamp>,
}

/// That a proposal may not be traded with any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withdrawal {
    /// The entry of the proposal.
    pub proposal: u64,
    /// The digest of its configuration.
    pub configuration: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    signed: Said,
    signature: String,
}

/// An entry that reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What was signed.
    pub said: Said,
    /// By whom, as it says: not checked yet.
    pub signature: SignatureLine,
    /// SHA-256 of its line, in hexadecimal.
    pub hash: String,
}

impl Entry {
    /// Signs what is said.
    ///
    /// # Errors
    /// `Form` if it cannot be written, which does not happen.
    pub fn sign(said: Said, key: &SignerKey) -> Result<Self, Refusal> {
        let signature = key.sign(&signed_text(&said)?, 0);
        let hash = hash(&line(&said, &signature)?);
        Ok(Self { said, signature, hash })
    }

    /// Reads a line without its end.
    ///
    /// # Errors
    /// `Form`, `NotCanonical`.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        if text.len() > MOST_BYTES {
            return Err(Refusal::Form(format!("{} bytes: at most {MOST_BYTES}", text.len())));
        }
        let read: Line = serde_json::from_str(text).map_err(form)?;
        let signature = SignatureLine::parse(&read.signature).map_err(form)?;
        let entry = Self { said: read.signed, signature, hash: hash(text) };
        let length = entry.said.reason.chars().count();
        let is_plain = !entry.said.reason.chars().any(char::is_control);
        if !is_plain || !(1..=MOST_REASON).contains(&length) {
            return Err(Refusal::Form(format!("a reason has 1 to {MOST_REASON} characters")));
        }
        if entry.line()? != text {
            return Err(Refusal::NotCanonical);
        }
        check_plain(text)?;
        Ok(entry)
    }

    /// The line, without its end.
    ///
    /// # Errors
    /// `Form` if it cannot be written, which does not happen.
    pub fn line(&self) -> Result<String, Refusal> {
        line(&self.said, &self.signature)
    }

    /// Whether `key` has signed it.
    #[must_use]
    pub fn is_signed_by(&self, key: &VerifierKey) -> bool {
        let Ok(text) = signed_text(&self.said) else { return false };
        let note = Note { text, signatures: vec![self.signature.clone()] };
        note.signed_by(std::slice::from_ref(key)).is_ok()
    }
}

/// That nothing in a JSON text, as this writes it, steers a screen: no control characters, nor
/// those that turn the direction of writing.
///
/// # Errors
/// `Form`.
pub fn check_plain(json: &str) -> Result<(), Refusal> {
    let is_bad = |sign: char| {
        sign.is_control() || matches!(sign, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    let mut signs = json.chars();
    while let Some(sign) = signs.next() {
        // Quotes and backslashes are escaped too; whatever else is, is a control character.
        let is_escaped = sign == '\\' && !matches!(signs.next(), Some('"' | '\\'));
        if is_escaped || is_bad(sign) {
            let why = "a text in it has a control character, which could hide what is shown";
            return Err(Refusal::Form(why.to_owned()));
        }
    }
    Ok(())
}

fn form(error: impl std::fmt::Display) -> Refusal {
    Refusal::Form(error.to_string())
}

fn signed_text(said: &Said) -> Result<String, Refusal> {
    Ok(format!("{HEADER}\n{}\n", serde_json::to_string(said).map_err(form)?))
}

fn line(said: &Said, signature: &SignatureLine) -> Result<String, Refusal> {
    let signature = signature.to_string().trim_end().to_owned();
    serde_json::to_string(&Line { signed: said.clone(), signature }).map_err(form)
}

fn hash(line: &str) -> String {
    hex::show(&Sha256::digest(line.as_bytes()))
}

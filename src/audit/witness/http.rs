//! A witness that answers over HTTP, as C2SP's `tlog-witness` says, and signs what it saw.
//!
//! `xmc audit witness` is one; others of that protocol fit as well. Its signature is checked before
//! it counts, and kept with the checkpoint, so that proofs of single receipts carry it.

use super::{Request, Witness, WitnessError};
use crate::audit::note::{Note, NoteError, SignatureLine, VerifierKey};
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// An answer is some lines of signature.
const MOST_ANSWER_BYTES: u64 = 1 << 16;

/// Asks a witness over HTTP.
#[derive(Debug)]
pub struct HttpWitness {
    agent: ureq::Agent,
    url: String,
    keys: [VerifierKey; 1],
    copy: Option<PathBuf>,
}

impl HttpWitness {
    /// The witness with `key` whose address begins with `url`. What it signed is appended to
    /// `copy`.
    #[must_use]
    pub fn new(url: &str, key: VerifierKey, timeout: Duration, copy: Option<&Path>) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(timeout))
            .http_status_as_error(false)
            .max_redirects(0)
            .build();
        Self {
            agent: config.new_agent(),
            url: format!("{}/add-checkpoint", url.trim_end_matches('/')),
            keys: [key],
            copy: copy.map(Path::to_owned),
        }
    }

    fn keep_copy(&self, note: &Note) -> io::Result<()> {
        let Some(copy) = &self.copy else { return Ok(()) };
        let mut file = OpenOptions::new().append(true).create(true).open(copy)?;
        file.write_all(format!("{note}\n").as_bytes())
    }
}

impl Witness for HttpWitness {
    fn add(&mut self, request: &Request) -> Result<Vec<SignatureLine>, WitnessError> {
        let unreachable = |error: ureq::Error| WitnessError::Unreachable(error.to_string());
        let mut answer =
            self.agent.post(&self.url).send(request.to_string()).map_err(unreachable)?;
        let status = answer.status().as_u16();
        let body = answer.body_mut().with_config().limit(MOST_ANSWER_BYTES);
        let body = body.read_to_string().map_err(unreachable)?;
        match status {
            200 => {}
            409 => return Err(conflict(&body)),
            422 => return Err(WitnessError::Contradicts(body.trim().to_owned())),
            500.. => return Err(WitnessError::Unreachable(format!("status {status}"))),
            _ => return Err(WitnessError::Answer(format!("status {status}: {}", body.trim()))),
        }
        let wrong = |error: NoteError| WitnessError::Answer(error.to_string());
        let signatures: Vec<_> =
            body.lines().map(SignatureLine::parse).collect::<Result<_, _>>().map_err(wrong)?;
        let own = Note { text: request.note.text.clone(), signatures: signatures.clone() };
        own.signed_by(&self.keys).map_err(wrong)?;
        let mut note = request.note.clone();
        note.signatures.extend(signatures.iter().cloned());
        self.keep_copy(&note)?;
        Ok(signatures)
    }
}

/// The witness has another size, which it says, or as many records with another root.
fn conflict(body: &str) -> WitnessError {
    match crate::audit::checkpoint::decimal(body.trim_end_matches('\n')) {
        Some(size) => WitnessError::Has(size),
        None => WitnessError::Contradicts(body.trim().to_owned()),
    }
}

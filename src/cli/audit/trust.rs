//! Whose signatures count: keys on the command line.

use crate::audit::evidence::Trust;
use crate::audit::key::{self, KeyFileError};
use crate::audit::note::{Purpose, VerifierKey};
use crate::cli::CliError;
use std::collections::BTreeSet;

/// Keys, each as text or as the file that holds it.
#[derive(Debug, clap::Args)]
pub struct TrustArgs {
    /// A key of the journal's checkpoints that is in use (`NAME+ID+BASE64`, or its file).
    #[arg(long, value_name = "KEY")]
    key: Vec<String>,
    /// One that was in use before: what it signed counts up to the first checkpoint by `--key`.
    #[arg(long, value_name = "KEY")]
    retired_key: Vec<String>,
    /// The key of a witness that signs: what no such witness has signed does not count.
    #[arg(long, value_name = "KEY")]
    witness_key: Vec<String>,
}

impl TrustArgs {
    /// Reads the keys.
    pub fn trust(&self) -> Result<Trust, CliError> {
        let all = |texts: &[String], purpose| -> Result<Vec<VerifierKey>, KeyFileError> {
            texts.iter().map(|text| key::public(text, purpose)).collect()
        };
        let read = || {
            Ok::<_, KeyFileError>(Trust {
                current: all(&self.key, Purpose::Log)?,
                retired: all(&self.retired_key, Purpose::Log)?,
                witnesses: all(&self.witness_key, Purpose::Witness)?,
            })
        };
        let trust = read().map_err(CliError::usage)?;
        let names = trust.current.iter().chain(&trust.retired).map(VerifierKey::name);
        let names: BTreeSet<_> = names.collect();
        if names.len() > 1 {
            let names: Vec<_> = names.into_iter().collect();
            let text = format!("these keys are of several journals: {}", names.join(", "));
            return Err(CliError::usage(text));
        }
        Ok(trust)
    }
}

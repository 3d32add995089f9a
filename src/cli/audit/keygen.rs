//! `xmc audit keygen`: a key that signs checkpoints, or a witness's.

use crate::audit::key;
use crate::audit::note::Purpose;
use crate::cli::{CliError, Exit, Report};
use serde::Serialize;
use std::io::Write;
use std::path::PathBuf;

/// Make a key that signs checkpoints, in a file that its owner alone can read.
///
/// Its public half is printed and written beside it, with `.pub` at the end: auditors and witnesses
/// need that, and nobody else needs the key. Keys are those of C2SP signed notes, Ed25519.
#[derive(Debug, clap::Args)]
pub struct KeygenArgs {
    /// Where the key goes; nothing may be there yet.
    file: PathBuf,
    /// Its name, without blanks and `+`: which journal it signs, as in `example.com/site1/desk1`.
    #[arg(long, value_name = "NAME")]
    name: String,
    /// The key of a witness, which signs what it has seen, with the time.
    #[arg(long)]
    witness: bool,
}

/// The key that was made.
#[derive(Debug, Serialize)]
struct Made {
    file: PathBuf,
    public_file: PathBuf,
    public_key: String,
}

pub fn run(args: &KeygenArgs, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let purpose = if args.witness { Purpose::Witness } else { Purpose::Log };
    let key = key::generate(&args.name, purpose).map_err(|error| match error {
        key::KeyFileError::Key { .. } => CliError::usage(error),
        _ => CliError::could_not_run(error),
    })?;
    let public_file = key::write(&args.file, &key).map_err(CliError::could_not_run)?;
    let public_key = key.verifier().to_string();
    if out.is_json() {
        let made = Made { file: args.file.clone(), public_file, public_key };
        out.json("xmc.audit.keygen", 1, &made)?;
    } else {
        writeln!(out, "{public_key}")?;
    }
    Ok(Exit::Ok)
}

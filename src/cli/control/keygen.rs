//! `xmc control keygen`: the key of an operator.

use crate::audit::key;
use crate::audit::note::Purpose;
use crate::cli::{CliError, Exit, Report};
use serde::Serialize;
use std::io::Write;
use std::path::PathBuf;

/// Make the key of an operator, in a file that its owner alone can read.
///
/// Its public half is printed and written beside it: it goes into [[operator]] of the engine's
/// configuration. Each person has a key, and keeps it where nobody else gets at it.
#[derive(Debug, clap::Args)]
pub struct KeygenArgs {
    /// Where the key goes; nothing may be there yet.
    file: PathBuf,
    /// The operator's name in the configuration.
    #[arg(long, value_name = "NAME")]
    name: String,
}

#[derive(Debug, Serialize)]
struct Made {
    file: PathBuf,
    public_file: PathBuf,
    public_key: String,
}

pub fn run(args: &KeygenArgs, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let key = key::generate(&args.name, Purpose::Log).map_err(|error| match error {
        key::KeyFileError::Key { .. } => CliError::usage(error),
        _ => CliError::could_not_run(error),
    })?;
    let public_file = key::write(&args.file, &key).map_err(CliError::could_not_run)?;
    let public_key = key.verifier().to_string();
    if out.is_json() {
        let made = Made { file: args.file.clone(), public_file, public_key };
        out.json("xmc.control.keygen", 1, &made)?;
    } else {
        writeln!(out, "{public_key}")?;
    }
    Ok(Exit::Ok)
}

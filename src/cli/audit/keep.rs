//! `xmc audit keep`: packs what is sealed, says how long it is kept, removes what nobody has to
//! keep.

use crate::cli::{CliError, Exit, Report};
use crate::journal::keep::{self, Keeping, MANIFEST_NAME};
use std::io::Write;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};
use xmc_hotpath::time::UnixNs;

/// Keep a journal: pack its sealed segments, and write down what is kept until when.
///
/// Packed segments are Zstandard files that `zstd -d` turns back into the segments, byte for byte.
/// The last two segments are left alone, so an engine may be running.
#[derive(Debug, clap::Args)]
pub struct KeepArgs {
    /// The journal's directory.
    path: PathBuf,
    /// Leave the segments as they are.
    #[arg(long)]
    plain: bool,
    /// Days that a segment is kept after it was sealed.
    #[arg(long, value_name = "DAYS", default_value_t = Keeping::default().keep_days)]
    days: u32,
    /// Remove the segments at the front whose days are over. The manifest remembers what they were.
    #[arg(long)]
    remove: bool,
}

/// Runs the command.
///
/// # Errors
/// `CouldNotRun` if the file system refuses or the journal is damaged.
pub fn run(args: &KeepArgs, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let keeping = Keeping { is_packed: !args.plain, keep_days: args.days, is_removed: args.remove };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(CliError::could_not_run)?;
    let now = UnixNs(u64::try_from(now.as_nanos()).unwrap_or(u64::MAX));
    let kept = keep::keep(&args.path, &keeping, now).map_err(|error| {
        CliError::could_not_run(format!("cannot keep {}: {error}", args.path.display()))
    })?;
    if out.is_json() {
        out.json("xmc.audit.keep", 1, &kept)?;
    } else {
        writeln!(
            out,
            "{} segments in {MANIFEST_NAME}: {} packed ({} bytes less), {} removed",
            kept.segments, kept.packed, kept.saved_bytes, kept.removed
        )?;
    }
    Ok(Exit::Ok)
}

//! `xmc resync explain`: somebody says why a venue and the desk differ.

use super::kept;
use crate::cli::control::order::{self, Signing};
use crate::cli::{CliError, Exit, Report};
use crate::control::scope::Named;

/// Say why a venue and the desk differ, so that the pairs it closes may open (two people).
///
/// It is signed as commands are: by you into --out FILE, then `xmc control sign`, then `xmc control
/// send`. The difference is not taken away by it: see to the positions first.
#[derive(Debug, clap::Args)]
pub struct ExplainArgs {
    /// The eight digits of the difference, as `xmc resync show` has them.
    id: String,
    #[command(flatten)]
    signing: Signing,
}

pub fn run(args: &ExplainArgs, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let kept = kept(&args.signing.directory()?)?;
    let open = kept.open.iter().find(|open| open.difference.id == args.id);
    let open = open.ok_or_else(|| {
        let why = format!("no difference {} is open: look at `xmc resync show`", args.id);
        CliError::usage(why)
    })?;
    let scope: Named = open.difference.scope.parse().map_err(CliError::usage)?;
    order::explain(&args.signing, scope, &args.id, out)
}

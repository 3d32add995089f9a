//! `xmc govern withdraw`: that a configuration may not be traded with any more.

use super::{Signing, appended, named, of, wanted};
use crate::cli::{CliError, Exit, Report};
use crate::governance::entry::{What, Withdrawal};
use std::path::PathBuf;

/// Withdraw a proposal, approved of or not.
///
/// One person is enough, with whatever role: it stops something. An engine that runs goes on (`xmc
/// kill` stops it); none starts with it any more.
#[derive(Debug, clap::Args)]
pub struct WithdrawArgs {
    /// The configuration, or the register.
    place: PathBuf,
    /// The entry of the proposal; by default the newest of the configuration, or of the register.
    #[arg(long, value_name = "N")]
    entry: Option<u64>,
    #[command(flatten)]
    signing: Signing,
}

pub fn run(args: &WithdrawArgs, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let (config, register) = named(&args.place)?;
    let register = register.sound().map_err(of)?;
    let case = wanted(args.entry, config.as_ref(), &register, &args.place)?;
    let words = format!(
        "withdraw version {} (entry {}, proposed by {}), configuration {}\n",
        case.proposal.version, case.entry, case.by, case.proposal.configuration
    );
    let what = What::Withdrawal(Withdrawal {
        proposal: case.entry,
        configuration: case.proposal.configuration.clone(),
    });
    let register = args.signing.append(&register, |_| what.clone(), &words, out)?;
    appended(&register, out)
}

//! `xmc govern approve`: that a configuration may be traded with.

use super::show::text_of;
use super::{Signing, agrees, appended, governed, of, proposal_of};
use crate::cli::{CliError, Exit, Report};
use crate::governance::entry::{Approval, What};
use jiff::Timestamp;
use std::path::PathBuf;

/// Approve of a configuration that somebody else has proposed.
///
/// Two people approve who have not proposed it, and among them are the roles that its changes ask
/// for: risk for limits, owner for formulas and targets, compliance for models. What is approved is
/// the file that is named, looked at again and not only its digest.
#[derive(Debug, clap::Args)]
pub struct ApproveArgs {
    /// The configuration as it was proposed.
    config: PathBuf,
    /// From when on the approval is worth something, as 2026-11-23T01:00:00Z; by default now.
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
    /// Until when; by default it does not end.
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    #[command(flatten)]
    signing: Signing,
}

pub fn run(args: &ApproveArgs, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let (config, register) = governed(&args.config)?;
    let register = register.sound().map_err(of)?;
    let case = proposal_of(&config, &register, &args.config)?;
    agrees(case, &config)?;
    let now = Timestamp::now();
    let mut words = text_of(&register, case, now);
    let until = args.until.map_or(String::new(), |until| format!(" until {until}"));
    let from = args.from.map_or("now".to_owned(), |from| from.to_string());
    words.push_str(&format!("you approve of it from {from} on{until}\n"));
    let what = |signed: Timestamp| {
        What::Approval(Approval {
            proposal: case.entry,
            configuration: case.proposal.configuration.clone(),
            from: args.from.unwrap_or(signed),
            until: args.until,
        })
    };
    let register = args.signing.append(&register, what, &words, out)?;
    appended(&register, out)
}

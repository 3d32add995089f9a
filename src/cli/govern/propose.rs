//! `xmc govern propose`: that a configuration should be the next.

use super::diff::differences;
use super::{Signing, appended, governed, of};
use crate::cli::{CliError, Exit, Report};
use crate::governance::draft::draft;
use crate::governance::entry::What;
use jiff::Timestamp;
use std::path::PathBuf;

/// Propose a configuration, with its includes, as the next to trade.
///
/// It is divided into items (models, formulas, targets, limits), each with a version, an owner and
/// a digest, and compared with what is in effect: with nothing, if nothing is. The first proposal
/// of a register says who governs.
#[derive(Debug, clap::Args)]
pub struct ProposeArgs {
    /// The configuration; its `[governance]` names the register.
    config: PathBuf,
    #[command(flatten)]
    signing: Signing,
}

pub fn run(args: &ProposeArgs, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let (config, register) = governed(&args.config)?;
    let register = register.sound().map_err(of)?;
    let proposal =
        draft(&register.fold, &config, Timestamp::now()).map_err(CliError::could_not_run)?;
    let mut words =
        format!("version {}, configuration {}\n", proposal.version, proposal.configuration);
    if register.fold.cases().is_empty() {
        words.push_str("  the first of its register: it says who governs\n");
        for person in &proposal.people {
            words.push_str(&format!("    {}\n", person.in_words()));
        }
    }
    for item in proposal.changed() {
        words.push_str(&format!(
            "  {} of {}: version {}, owner {}\n",
            item.kind.word(),
            item.name,
            item.version,
            item.owner
        ));
        // All of the first is new: its lines are the files'.
        let shown = if proposal.version > 1 { differences(&register.fold, item) } else { vec![] };
        shown.iter().for_each(|line| words.push_str(&format!("    {line}\n")));
    }
    if proposal.changed().next().is_none() {
        words.push_str("  no item changes: only how the files are written\n");
    }
    let what = What::Proposal(proposal);
    let register = args.signing.append(&register, |_| what.clone(), &words, out)?;
    appended(&register, out)
}

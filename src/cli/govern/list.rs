//! `xmc govern list`: the versions of a register and how each stands.

use super::{named, of};
use crate::cli::plan::table::Align::{Left, Right};
use crate::cli::plan::table::Table;
use crate::cli::{CliError, Exit, Report};
use jiff::Timestamp;
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;

/// List the proposals of a register: version, who proposed and approved, how each stands.
///
/// Exit code 1 if none is in effect.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// The configuration, or the register.
    place: PathBuf,
    /// How things stand then, as 2026-11-23T01:00:00Z; by default now.
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
}

pub fn run(args: &ListArgs, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let (_, register) = named(&args.place)?;
    let register = register.sound().map_err(of)?;
    let at = args.at.unwrap_or_else(Timestamp::now);
    let fold = &register.fold;
    if out.is_json() {
        let rows = fold.cases().iter().map(|case| {
            let standing = fold.standing(case, at);
            json!({
                "version": case.proposal.version, "entry": case.entry,
                "configuration": case.proposal.configuration, "proposed_by": case.by,
                "at": case.at, "reason": case.reason,
                "approved_by": case.approvals.iter().map(|one| &one.by).collect::<Vec<_>>(),
                "changes": case.proposal.changed().count(),
                "standing": standing.word(), "in_words": standing.in_words(),
            })
        });
        let body = json!({
            "register": register.path, "entries": fold.count(), "head": fold.head(),
            "at": at, "proposals": rows.collect::<Vec<_>>(),
        });
        out.json("xmc.govern.list", 1, &body)?;
    } else {
        let columns = [
            ("version", Right),
            ("entry", Right),
            ("configuration", Left),
            ("proposed by", Left),
            ("approved by", Left),
            ("changes", Right),
            ("stands", Left),
        ];
        let mut table = Table::new("VERSIONS", &columns);
        for case in fold.cases() {
            let approvers: Vec<_> = case.approvals.iter().map(|one| one.by.as_str()).collect();
            let approvers = if approvers.is_empty() { "-".into() } else { approvers.join(", ") };
            table.row([
                case.proposal.version.to_string(),
                case.entry.to_string(),
                case.proposal.configuration.chars().take(16).collect(),
                case.by.clone(),
                approvers,
                case.proposal.changed().count().to_string(),
                fold.standing(case, at).word().to_owned(),
            ]);
        }
        table.write(out)?;
        writeln!(out)?;
        for case in fold.cases() {
            let standing = fold.standing(case, at);
            writeln!(out, "version {} {}", case.proposal.version, standing.in_words())?;
        }
        writeln!(out, "{} entries, head {}", fold.count(), fold.head())?;
    }
    Ok(if fold.in_effect(at).is_some() { Exit::Ok } else { Exit::Finding })
}

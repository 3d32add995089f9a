//! `xmc govern diff`: what a configuration changes, setting by setting.

use super::{named, of, wanted};
use crate::cli::{CliError, Exit, Report};
use crate::governance::draft::draft;
use crate::governance::entry::{ItemEntry, Proposal};
use crate::governance::fold::Fold;
use crate::governance::item;
use jiff::Timestamp;
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;

/// Show what a configuration changes against the one that is in effect.
///
/// Of a configuration that nobody has proposed yet, what would be proposed. Of one that was, what
/// was: then it is compared with what was in effect at that time. Exit code 1 if it changes
/// something, as `diff` has it.
#[derive(Debug, clap::Args)]
pub struct DiffArgs {
    /// The configuration, or the register.
    place: PathBuf,
    /// The entry of the proposal.
    #[arg(long, value_name = "N")]
    entry: Option<u64>,
}

/// The lines of an item that go and come.
pub fn differences(fold: &Fold, item: &ItemEntry) -> Vec<String> {
    let before = fold.lines(item.before.as_deref());
    let after = item.lines.as_deref().unwrap_or_default();
    item::difference(before, after)
}

pub fn run(args: &DiffArgs, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let (config, register) = named(&args.place)?;
    let register = register.sound().map_err(of)?;
    let digest = config.as_ref().map(|config| config.digest());
    let is_known = |digest: &String| {
        register.fold.cases().iter().any(|case| case.proposal.configuration == *digest)
    };
    let drafted: Proposal;
    let (entry, proposal) = match (&config, &digest) {
        (Some(config), Some(digest)) if args.entry.is_none() && !is_known(digest) => {
            drafted =
                draft(&register.fold, config, Timestamp::now()).map_err(CliError::could_not_run)?;
            (None, &drafted)
        }
        _ => {
            let case = wanted(args.entry, config.as_ref(), &register, &args.place)?;
            (Some(case.entry), &case.proposal)
        }
    };
    let changed: Vec<_> = proposal.changed().collect();
    if out.is_json() {
        let items = changed.iter().map(|item| {
            json!({
                "kind": item.kind, "name": item.name, "version": item.version,
                "owner": item.owner, "before": item.before, "after": item.after,
                "asks_for": item.kind.asks_for(), "lines": differences(&register.fold, item),
            })
        });
        let body = json!({
            "entry": entry, "configuration": proposal.configuration, "base": proposal.base,
            "items": items.collect::<Vec<_>>(),
        });
        out.json("xmc.govern.diff", 1, &body)?;
    } else {
        for item in &changed {
            let (kind, asked) = (item.kind.word(), item.kind.asks_for().word());
            let gone = if item.after.is_none() { ", gone" } else { "" };
            writeln!(
                out,
                "{kind} of {} (version {}, owner {}{gone}; asks for {asked})",
                item.name, item.version, item.owner
            )?;
            for line in differences(&register.fold, item) {
                writeln!(out, "  {line}")?;
            }
        }
        if changed.is_empty() {
            writeln!(out, "no item changes")?;
        }
    }
    Ok(if changed.is_empty() { Exit::Ok } else { Exit::Finding })
}

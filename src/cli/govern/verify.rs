//! `xmc govern verify`: whether a register is as it was written.

use super::of;
use crate::cli::{CliError, Exit, Report};
use crate::config;
use crate::governance::beside;
use crate::governance::refusal::Refusal;
use crate::governance::register::Register;
use jiff::Timestamp;
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Read a register again: the chain, every signature, every rule; the first bad entry, if there is
/// one.
///
/// That entries were taken off its end, or that all was written anew, shows only against something
/// that was kept elsewhere: a head (--head), or the record of an engine that started under it
/// (--record). Exit code 1 with the first bad entry, 2 if there is none to check.
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// The register, or the configuration that names it.
    place: PathBuf,
    /// What was seen of it: so many entries, and the hash of the last, as `xmc govern list` says.
    #[arg(long, value_name = "ENTRIES:HASH")]
    head: Vec<Head>,
    /// The record of an engine that started under it.
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
}

/// How a register was seen.
#[derive(Clone, Debug)]
struct Head {
    entries: u64,
    hash: String,
}

impl std::str::FromStr for Head {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once(':');
        let read = parts.and_then(|(entries, hash)| Some((entries.parse().ok()?, hash)));
        let is_hash = |hash: &str| hash.len() == 64 && crate::hex::read(hash).is_some();
        let read = read.filter(|(entries, hash)| *entries > 0 && is_hash(hash));
        let (entries, hash) = read.ok_or("write it as 12:HASH, with 64 hexadecimal digits")?;
        Ok(Self { entries, hash: hash.to_lowercase() })
    }
}

pub fn run(args: &VerifyArgs, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let register = Register::read(&place(&args.place)?).map_err(of)?;
    let mut seen = args.head.clone();
    if let Some(record) = &args.record {
        let found = beside::read(record)
            .map_err(|error| CliError::could_not_run(format!("{}: {error}", record.display())))?;
        if found.is_empty() {
            let path = record.display();
            return Err(CliError::usage(format!("no run of the record in {path} was governed")));
        }
        let head = |one: beside::Governed| Head { entries: one.entries, hash: one.head };
        seen.extend(found.into_iter().map(head));
    }
    // What was seen behind the first bad entry cannot be looked for.
    let cut = || {
        let held = seen.iter().map(|head| (head, register.holds(head.entries, &head.hash)));
        held.filter_map(|(head, held)| Some((head.entries, held.err()?))).min_by_key(|one| one.0)
    };
    let finding = register.broken.clone().or_else(cut);
    if finding.is_none() && register.fold.count() == 0 {
        return Err(CliError::could_not_run(format!(
            "{} holds no entry: nothing was checked; name the register that is meant, or say with \
             --head or --record what was seen of it",
            register.path.display()
        )));
    }
    tell(&register, seen.len(), finding.as_ref(), out)?;
    Ok(if finding.is_some() { Exit::Finding } else { Exit::Ok })
}

/// The register at a place: of a configuration that does not keep the rules any more, none.
fn place(path: &Path) -> Result<PathBuf, CliError> {
    if path.extension().is_none_or(|end| end != "toml") {
        return Ok(path.to_owned());
    }
    let config = config::load(path)?;
    let governance = config
        .governance
        .ok_or_else(|| CliError::usage(format!("{} has no [governance]", path.display())))?;
    Ok(governance.register)
}

fn tell(
    register: &Register,
    seen: usize,
    finding: Option<&(u64, Refusal)>,
    out: &mut Report<'_>,
) -> Result<(), CliError> {
    let fold = &register.fold;
    let in_effect = fold.in_effect(Timestamp::now()).map(|case| case.proposal.version);
    if out.is_json() {
        let finding = finding.map(|(entry, refusal)| {
            json!({ "entry": entry, "rule": refusal.rule(), "text": refusal.to_string() })
        });
        let body = json!({
            "register": register.path, "entries": fold.count(), "head": fold.head(),
            "proposals": fold.cases().len(), "in_effect": in_effect, "compared": seen,
            "finding": finding,
        });
        out.json("xmc.govern.verify", 1, &body)?;
        return Ok(());
    }
    let path = register.path.display();
    writeln!(out, "{path}: {} entries, {} proposals", fold.count(), fold.cases().len())?;
    writeln!(out, "head {}:{}", fold.count(), fold.head())?;
    match seen {
        0 => writeln!(
            out,
            "not compared: that entries were taken off the end, or all was written anew, shows \
             only with --head or --record"
        )?,
        seen => writeln!(out, "compared with {seen} heads that were kept")?,
    }
    match finding {
        None => writeln!(out, "whole: every entry follows from those before it")?,
        Some((entry, refusal)) => {
            writeln!(out, "NOT WHOLE: entry {entry}: {}: {refusal}", refusal.rule())?;
        }
    }
    Ok(())
}

//! `xmc audit prove` and `xmc audit check-proof`: one receipt, for somebody who has no journal.

use super::trust::TrustArgs;
use crate::audit::evidence::Evidence;
use crate::audit::prove::{self, Proof, ProveError, Proved, Which};
use crate::cli::{CliError, Exit, Report};
use crate::engine::recording;
use crate::journal::disk;
use serde::Serialize;
use serde_json::json;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use xmc_hotpath::record::frame::{self, Images};

/// Prove that one record is in a journal that a witness has seen.
///
/// The proof holds the record, its path to the root, and the signed checkpoint: whoever has the
/// key checks it with `xmc audit check-proof`, or with any tool that reads C2SP `tlog-proof`.
#[derive(Debug, clap::Args)]
pub struct ProveArgs {
    /// Which record: `[RUN:]SEQUENCE[.INDEX]`, as in `2:1500.1`, or `#LEAF`, counted from 0.
    record: String,
    /// The journal's directory.
    #[arg(long, value_name = "DIR")]
    journal: PathBuf,
    /// What a witness kept: its file, or a directory of such files.
    #[arg(long, value_name = "PATH", required = true, requires = "key")]
    witness: Vec<PathBuf>,
    /// Where the proof goes; by default to stdout.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    trust: TrustArgs,
}

/// Check the proof of one record. Needs nothing but the proof and the keys that are trusted.
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// The proof.
    #[arg(requires = "key")]
    file: PathBuf,
    #[command(flatten)]
    trust: TrustArgs,
}

/// What a proof proves.
#[derive(Debug, Serialize)]
struct Checked {
    is_proved: bool,
    why_not: Option<String>,
    index: Option<u64>,
    origin: Option<String>,
    size: Option<u64>,
    signed_by: Vec<String>,
    time_s: Option<u64>,
    record: Option<String>,
}

pub fn prove(args: &ProveArgs, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let which: Which = args.record.parse().map_err(CliError::usage)?;
    let trust = args.trust.trust()?;
    let evidence = Evidence::read(&args.witness, &trust).map_err(CliError::could_not_run)?;
    if let Some(flaw) = &evidence.flaw {
        let place = format!("{} line {}", flaw.file.display(), flaw.line);
        return finding(format!("what the witness kept is wrong: {place}: {}", flaw.text));
    }
    let in_journal =
        |error| CliError::could_not_run(format!("cannot read {}: {error}", args.journal.display()));
    let segments = disk::segments(&args.journal).map_err(in_journal)?;
    let first = segments.first().ok_or_else(|| in_journal(io::ErrorKind::NotFound.into()))?;
    let before = recording::start_tree(&first.path).map_err(in_journal)?;
    let walk = |visit: &mut dyn FnMut(&[u8])| prove::walk(&segments, visit);
    let proved = match prove::find(walk, before.size(), which).map_err(in_journal)? {
        Some(found) => prove::prove(&found, &before, walk, &evidence),
        None => Err(ProveError::NoRecord(args.record.clone())),
    };
    let proof = match proved {
        Ok(proof) => proof.to_string(),
        Err(error @ ProveError::Differs(_)) => return finding(error.to_string()),
        Err(error) => return Err(CliError::could_not_run(error)),
    };
    match &args.out {
        Some(path) => fs::write(path, &proof).map_err(|error| {
            CliError::could_not_run(format!("cannot write {}: {error}", path.display()))
        })?,
        None if !out.is_json() => write!(out, "{proof}")?,
        None => {}
    }
    if out.is_json() {
        let text = args.out.is_none().then_some(&proof);
        let made = json!({ "record": args.record, "proof": text, "out": args.out });
        out.json("xmc.audit.prove", 1, &made)?;
    }
    Ok(Exit::Ok)
}

fn finding(text: String) -> Result<Exit, CliError> {
    eprintln!("{text}");
    Ok(Exit::Finding)
}

pub fn check(args: &CheckArgs, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let trust = args.trust.trust()?;
    let text = read(&args.file)?;
    let checked = Proof::parse(&text).and_then(|proof| Ok((proof.check(&trust)?, proof)));
    let exit = if checked.is_ok() { Exit::Ok } else { Exit::Finding };
    if out.is_json() {
        let checked = match checked {
            Ok((proved, proof)) => Checked {
                is_proved: true,
                why_not: None,
                index: Some(proof.index),
                origin: Some(proved.checkpoint.origin),
                size: Some(proved.checkpoint.size),
                signed_by: proved.signed_by,
                time_s: proved.time_s,
                record: Some(describe(&proof.record)),
            },
            Err(error) => Checked {
                is_proved: false,
                why_not: Some(error.to_string()),
                index: None,
                origin: None,
                size: None,
                signed_by: Vec::new(),
                time_s: None,
                record: None,
            },
        };
        out.json("xmc.audit.check_proof", 1, &checked)?;
        return Ok(exit);
    }
    match checked {
        Ok((Proved { checkpoint, signed_by, time_s }, proof)) => {
            let (index, size) = (proof.index, checkpoint.size);
            writeln!(out, "{}", describe(&proof.record))?;
            writeln!(out, "proved: record #{index} of {size} of {}", checkpoint.origin)?;
            writeln!(out, "  signed by {}", signed_by.join(", "))?;
            if let Some(time_s) = time_s {
                writeln!(out, "  a witness signed at {time_s} s since 1970 (UTC)")?;
            }
        }
        Err(error) => writeln!(out, "NOT PROVED: {error}")?,
    }
    Ok(exit)
}

fn read(path: &Path) -> Result<String, CliError> {
    fs::read_to_string(path).map_err(|error| {
        CliError::could_not_run(format!("cannot read {}: {error}", path.display()))
    })
}

/// The record in words. A quote is written as its difference to the one before, which a single
/// record does not have; then its header is all that can be read.
fn describe(record: &[u8]) -> String {
    let Ok((header, body, _)) = frame::split(record) else {
        return "the record is none that this build reads".to_owned();
    };
    let place = format!(
        "site {} desk {} record {}.{}: {}",
        header.site.0,
        header.desk.0,
        header.seq_no,
        header.index,
        header.kind.word()
    );
    match frame::decode(header, body, &mut Images::new(&mut [])) {
        Ok(body) => format!("{place}\n{body:#?}"),
        Err(_) => place,
    }
}

//! `xmc audit verify`: is a journal what was written, and what witnesses have seen.

use super::trust::TrustArgs;
use crate::audit::evidence::Evidence;
use crate::audit::{self, Finding, Witnessed};
use crate::cli::{CliError, Exit, Report};
use crate::governance::beside::{self, Checked};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Check every byte of a journal: hashes, the chain over blocks and segments, the order of records.
///
/// With `--witness`, also against the checkpoints that a witness elsewhere kept of it: only they
/// show that the end was cut off, or that everything from some record on was written anew. Exit
/// code 0 if it is whole, 1 with the first bad record if it is not, 2 if it cannot be read.
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// The journal's directory, or one segment of it.
    path: PathBuf,
    /// What a witness kept: its file, or a directory of such files. Get it from the witness, not
    /// from the engine's host.
    #[arg(long, value_name = "PATH", requires = "key")]
    witness: Vec<PathBuf>,
    #[command(flatten)]
    trust: TrustArgs,
}

pub fn run(args: &VerifyArgs, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let evidence = if args.witness.is_empty() {
        None
    } else {
        let trust = args.trust.trust()?;
        Some(Evidence::read(&args.witness, &trust).map_err(CliError::could_not_run)?)
    };
    let report =
        audit::verify_against(&args.path, evidence.as_ref()).map_err(CliError::could_not_run)?;
    let governed = governed(&args.path, &report)?;
    if out.is_json() {
        let told = Told { report: &report, governed: &governed };
        out.json("xmc.audit.verify", 1, &told)?;
    } else {
        write_text(&report, out)?;
        write_governed(&governed, out)?;
    }
    let is_ungoverned = governed.iter().any(|run| run.finding.is_some());
    let is_found = report.finding.is_some() || is_ungoverned;
    Ok(if is_found { Exit::Finding } else { Exit::Ok })
}

/// What is told of a journal: itself, and who had approved of what its runs traded with.
#[derive(serde::Serialize)]
struct Told<'r> {
    #[serde(flatten)]
    report: &'r audit::Report,
    governed: &'r [Checked],
}

/// Who had approved of what the runs of a journal traded with; nothing of a segment alone.
fn governed(path: &Path, report: &audit::Report) -> Result<Vec<Checked>, CliError> {
    if !path.is_dir() {
        return Ok(Vec::new());
    }
    let runs: Vec<_> = report.runs.iter().map(|run| run.run).collect();
    beside::check(path, &runs).map_err(|error| {
        CliError::could_not_run(format!("what is beside {}: {error}", path.display()))
    })
}

fn write_governed(governed: &[Checked], out: &mut Report<'_>) -> Result<(), CliError> {
    for Checked { run, governed, finding, note } in governed {
        if let Some(governed) = governed {
            writeln!(out, "run {run} governed: {}", governed.in_words())?;
        }
        if let Some(note) = note {
            writeln!(out, "note: run {run}: {note}")?;
        }
        if let Some(finding) = finding {
            writeln!(out, "NOT GOVERNED: run {run}: {finding}")?;
        }
    }
    Ok(())
}

fn write_text(report: &audit::Report, out: &mut Report<'_>) -> Result<(), CliError> {
    let counts = &report.counts;
    for run in &report.runs {
        writeln!(
            out,
            "site {} desk {} run {}: {} inputs{}",
            run.site,
            run.desk,
            run.run,
            run.last_seq_no,
            if run.tail_without_details { ", the last one's details are missing" } else { "" }
        )?;
    }
    writeln!(
        out,
        "{} segments, {} blocks, {} bytes: {} records ({} inputs, {} orders, {} details)",
        counts.segments,
        counts.blocks,
        counts.bytes,
        counts.records,
        counts.inputs,
        counts.orders,
        counts.details
    )?;
    writeln!(out, "last hash {}", report.last_hash)?;
    for note in &report.notes {
        writeln!(out, "note: {}: {}: {}", note.file.display(), note.what, note.text)?;
    }
    match &report.witness {
        Some(witness) => write_witness(witness, out)?,
        None => writeln!(
            out,
            "not witnessed: that the end was cut off, or all written anew from some record on, \
             shows only with --witness"
        )?,
    }
    match &report.finding {
        None => writeln!(out, "whole: every hash and every record is in its place")?,
        Some(finding) => write_finding(finding, out)?,
    }
    Ok(())
}

fn write_witness(witness: &Witnessed, out: &mut Report<'_>) -> Result<(), CliError> {
    let Witnessed { checkpoints, matched, records, unwitnessed_records, .. } = witness;
    writeln!(
        out,
        "witnessed: {matched} of {checkpoints} checkpoints agree, the largest has {records} \
         records; signed by {}",
        witness.signed_by.join(", ")
    )?;
    if let Some(time_s) = witness.last_time_s {
        writeln!(out, "  a witness last signed at {time_s} s since 1970 (UTC)")?;
    }
    if *unwitnessed_records > 0 {
        writeln!(out, "  the last {unwitnessed_records} records have been seen by no witness")?;
    }
    Ok(())
}

fn write_finding(finding: &Finding, out: &mut Report<'_>) -> Result<(), CliError> {
    writeln!(out, "NOT WHOLE: {finding}")?;
    if let Some(seq_no) = finding.seq_no {
        writeln!(out, "  sequence number {seq_no}")?;
    }
    if let (Some(written), Some(expected)) = (&finding.written_hash, &finding.expected_hash) {
        writeln!(out, "  written  {written}\n  expected {expected}")?;
    }
    if finding.whole_blocks_after > 0 {
        writeln!(out, "  {} whole blocks follow in this file", finding.whole_blocks_after)?;
    }
    Ok(())
}

//! `xmc audit`: what an auditor asks of a journal. Offline, read-only, no engine needed.

use std::io::Write;
use std::path::PathBuf;

use super::{CliError, Exit, Report};
use crate::audit::{self, Finding};

/// Prove that a journal is whole.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    question: Question,
}

#[derive(Debug, clap::Subcommand)]
enum Question {
    Verify(VerifyArgs),
}

/// Check every byte of a journal: hashes, the chain over blocks and segments, the order of records.
///
/// Exit code 0 if it is whole, 1 with the first bad record if it is not, 2 if it cannot be read.
#[derive(Debug, clap::Args)]
struct VerifyArgs {
    /// The journal's directory, or one segment of it.
    path: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// `CouldNotRun` if the journal cannot be read, `Output` if the report cannot be written.
pub fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    match &args.question {
        Question::Verify(args) => verify(args, out),
    }
}

fn verify(args: &VerifyArgs, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let report = audit::verify(&args.path).map_err(CliError::could_not_run)?;
    if out.is_json() {
        out.json("xmc.audit.verify", 1, &report)?;
    } else {
        write_text(&report, out)?;
    }
    Ok(if report.finding.is_some() { Exit::Finding } else { Exit::Ok })
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
    match &report.finding {
        None => writeln!(out, "whole: every hash and every record is in its place")?,
        Some(finding) => write_finding(finding, out)?,
    }
    Ok(())
}

fn write_finding(finding: &Finding, out: &mut Report<'_>) -> Result<(), CliError> {
    let Finding { file, offset, rule, text, .. } = finding;
    writeln!(out, "NOT WHOLE: {} at byte {offset}: {rule}: {text}", file.display())?;
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

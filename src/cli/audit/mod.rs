//! `xmc audit`: what an auditor asks of a journal. Offline, read-only, no engine needed.

pub(in crate::cli) mod browse;
mod keep;
mod keygen;
mod prove;
mod query;
mod report;
mod serve;
mod show;
mod time;
mod trust;
mod verify;
mod witness;

use super::{CliError, Exit, Report};

/// Prove that a journal is whole, and one receipt of it, and ask it what happened.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    question: Question,
}

#[derive(Debug, clap::Subcommand)]
enum Question {
    Browse(browse::BrowseArgs),
    CheckProof(prove::CheckArgs),
    Keep(keep::KeepArgs),
    Keygen(keygen::KeygenArgs),
    Prove(prove::ProveArgs),
    Query(query::QueryArgs),
    Report(report::ReportArgs),
    Serve(serve::ServeArgs),
    Show(show::ShowArgs),
    Verify(verify::VerifyArgs),
    Witness(witness::WitnessArgs),
}

/// Runs the command.
///
/// # Errors
/// `CouldNotRun` if the journal cannot be read, `Output` if the report cannot be written.
pub fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    match &args.question {
        Question::Browse(args) => browse::run(args, out),
        Question::CheckProof(args) => prove::check(args, out),
        Question::Keep(args) => keep::run(args, out),
        Question::Keygen(args) => keygen::run(args, out),
        Question::Prove(args) => prove::prove(args, out),
        Question::Query(args) => query::run(args, out),
        Question::Report(args) => report::run(args, out),
        Question::Serve(args) => serve::run(args, out),
        Question::Show(args) => show::run(args, out),
        Question::Verify(args) => verify::run(args, out),
        Question::Witness(args) => witness::run(args, out),
    }
}

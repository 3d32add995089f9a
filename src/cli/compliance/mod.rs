//! `xmc compliance`: what exchanges and supervisors count of a desk, and the sheet that is filed.

mod filing;
mod show;

use super::{CliError, Exit, Report};

/// What exchanges and supervisors count, against thresholds, with a forecast; and the filing sheet.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Show(show::ShowArgs),
    Filing(filing::FilingArgs),
}

/// Runs the command.
///
/// # Errors
/// See `CliError`.
pub fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    match &args.what {
        What::Show(args) => show::run(args, out),
        What::Filing(args) => filing::run(args, out),
    }
}

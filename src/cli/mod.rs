//! The command line: one file per subcommand, each `parse → validate → act`.
//!
//! Exit codes, the same for every command: 0 ok, 1 a finding, 2 could not run, 3 usage or
//! configuration, 4 refused for safety. Errors go to stderr and say what to do; `--json` turns the
//! report on stdout into one JSON object with `schema` and `version`.

use std::process::ExitCode;

/// How a command ended; the number is the process's exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// It did what was asked and found nothing wrong.
    Ok = 0,
    /// It ran, and found something wrong (a gap, a corrupt record, a difference).
    Finding = 1,
    /// It could not run: a file missing, a permission refused.
    CouldNotRun = 2,
    /// The command line or a configuration file is wrong.
    Usage = 3,
    /// It refused to go on because that would not be safe.
    Refused = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// Parses the process's arguments, runs the subcommand, and says how it ended.
pub fn run() -> ExitCode {
    Exit::Usage.into()
}

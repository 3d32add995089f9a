//! `xmc govern`: who has approved of what trades, on what evidence, and from when on.
//!
//! One file per question. Whoever signs is told first what is signed, from the register and the
//! configuration and nothing else.

mod approve;
mod attach;
mod diff;
mod list;
mod propose;
mod show;
mod verify;
mod withdraw;

use super::control::{confirm, read_key};
use super::{CliError, Exit, Report};
use crate::audit::note::SignerKey;
use crate::config::{self, Configuration};
use crate::governance::draft::differs;
use crate::governance::entry::{What, check_plain};
use crate::governance::fold::Case;
use crate::governance::item;
use crate::governance::person::{Person, same_people};
use crate::governance::refusal::Refusal;
use crate::governance::register::{Register, RegisterError, seconds};
use jiff::Timestamp;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Versions of configurations, and the people who approve of them.
///
/// A configuration with `[governance]` trades only once two people who have not proposed it have
/// approved of it, with the roles that its changes ask for, and on evidence. Everything that is
/// said lies in an append-only register, each entry signed and chained to the one before.
///
/// Exit codes: 0 ok, 1 a finding, 2 could not run, 3 usage or configuration, 4 refused.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    question: Question,
}

#[derive(Debug, clap::Subcommand)]
enum Question {
    Propose(propose::ProposeArgs),
    Attach(attach::AttachArgs),
    Approve(approve::ApproveArgs),
    Withdraw(withdraw::WithdrawArgs),
    List(list::ListArgs),
    Show(show::ShowArgs),
    Diff(diff::DiffArgs),
    Verify(verify::VerifyArgs),
}

/// Runs the command.
///
/// # Errors
/// See `CliError`.
pub fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    match &args.question {
        Question::Propose(args) => propose::run(args, out),
        Question::Attach(args) => attach::run(args, out),
        Question::Approve(args) => approve::run(args, out),
        Question::Withdraw(args) => withdraw::run(args, out),
        Question::List(args) => list::run(args, out),
        Question::Show(args) => show::run(args, out),
        Question::Diff(args) => diff::run(args, out),
        Question::Verify(args) => verify::run(args, out),
    }
}

/// What everybody gives who signs an entry.
#[derive(Debug, clap::Args)]
struct Signing {
    /// The file with your key (`xmc control keygen`).
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Why, for whoever reads the register.
    #[arg(long, value_name = "TEXT", visible_alias = "why")]
    reason: String,
    /// Sign without being asked.
    #[arg(long)]
    yes: bool,
}

impl Signing {
    /// Says in `words` what is to be signed, asks, signs and appends it: `what` has the moment at
    /// which it is signed. The register must still be the one that was shown.
    fn append(
        &self,
        register: &Register,
        what: impl Fn(Timestamp) -> What,
        words: &str,
        out: &mut Report<'_>,
    ) -> Result<Register, CliError> {
        let key: SignerKey = read_key(&self.key)?;
        let json = serde_json::to_string(&what(seconds(Timestamp::now())));
        check_plain(&json.map_err(CliError::could_not_run)?).map_err(|bad| refused(&bad))?;
        if out.is_json() {
            if !self.yes {
                eprint!("{words}");
            }
        } else {
            write!(out, "{words}")?;
            out.flush()?;
        }
        confirm(self.yes)?;
        let head = register.fold.head().to_owned();
        let now = Timestamp::now();
        let say = |found: &Register| {
            if found.fold.head() == head {
                return Ok(what(seconds(now)));
            }
            Err(Failed(CliError::refused(
                "somebody else has signed an entry meanwhile: look at it and say it again",
            )))
        };
        Register::append(&register.path, &key, now, &self.reason, say).map_err(|failed| failed.0)
    }
}

/// A `CliError` that a register's own becomes.
struct Failed(CliError);

impl From<RegisterError> for Failed {
    fn from(error: RegisterError) -> Self {
        Self(of(error))
    }
}

/// How a command ends on an error of a register.
fn of(error: RegisterError) -> CliError {
    match error {
        RegisterError::Io { .. } => CliError::could_not_run(error),
        RegisterError::Broken { .. } => CliError::refused(error),
        RegisterError::Refused(refusal) => refused(&refusal),
    }
}

/// That a rule stands in the way, with its word.
fn refused(refusal: &Refusal) -> CliError {
    CliError::refused(format!("refused ({}): {refusal}", refusal.rule()))
}

/// A configuration and its register, as it stands.
fn governed(path: &Path) -> Result<(Configuration, Register), CliError> {
    let config = config::load(path)?;
    let Some(governance) = &config.governance else {
        return Err(CliError::usage(format!(
            "{} has no [governance]: nobody is asked before it trades",
            path.display()
        )));
    };
    let register = Register::read_if_there(&governance.register).map_err(of)?;
    Ok((config, register))
}

/// A register, by itself or as a configuration names it; then with that configuration.
fn named(path: &Path) -> Result<(Option<Configuration>, Register), CliError> {
    if path.extension().is_some_and(|end| end == "toml") {
        return governed(path).map(|(config, register)| (Some(config), register));
    }
    Ok((None, Register::read(path).map_err(of)?))
}

/// The newest proposal of a configuration.
fn proposal_of<'r>(
    config: &Configuration,
    register: &'r Register,
    path: &Path,
) -> Result<&'r Case, CliError> {
    let digest = config.digest();
    let mut cases = register.fold.cases().iter().rev();
    let found = cases.find(|case| case.proposal.configuration == digest);
    found.ok_or_else(|| {
        CliError::refused(format!(
            "configuration {digest} is not in register {}: nobody has proposed it: `xmc govern \
             propose {} --key KEY --reason TEXT`",
            register.path.display(),
            path.display()
        ))
    })
}

/// That a proposal says of a configuration what its files say: every item, and who governs.
fn agrees(case: &Case, config: &Configuration) -> Result<(), CliError> {
    let items = item::divide(&config.sources).map_err(CliError::could_not_run)?;
    if let Some(item) = differs(&case.proposal, &items) {
        return Err(CliError::refused(format!(
            "the proposal in entry {} says something else of {item} than the file: have it \
             withdrawn and proposed anew",
            case.entry
        )));
    }
    same_people(&case.proposal.people, &Person::of(config)).map_err(|bad| refused(&bad))
}

/// The proposal that is asked for: by its entry, else of the configuration, else the last one.
fn wanted<'r>(
    entry: Option<u64>,
    config: Option<&Configuration>,
    register: &'r Register,
    path: &Path,
) -> Result<&'r Case, CliError> {
    match (entry, config) {
        (Some(entry), _) => {
            let case = register.fold.case(entry);
            case.ok_or_else(|| refused(&Refusal::NoProposal(entry)))
        }
        (None, Some(config)) => proposal_of(config, register, path),
        (None, None) => register.fold.cases().last().ok_or_else(|| {
            CliError::usage(format!("register {} has no proposal yet", register.path.display()))
        }),
    }
}

/// Says that an entry has been appended.
fn appended(register: &Register, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let Some(entry) = register.entries.last() else { return Ok(Exit::Ok) };
    let said = &entry.said;
    if out.is_json() {
        let subject = match &said.what {
            What::Proposal(_) => said.entry,
            What::Evidence(evidence) => evidence.proposal,
            What::Approval(approval) => approval.proposal,
            What::Withdrawal(withdrawal) => withdrawal.proposal,
        };
        let case = register.fold.case(subject);
        let standing = case.map(|case| register.fold.standing(case, Timestamp::now()));
        let body = serde_json::json!({
            "register": register.path,
            "entry": said.entry,
            "kind": said.what.word(),
            "proposal": subject,
            "configuration": case.map(|case| &case.proposal.configuration),
            "by": said.by,
            "hash": entry.hash,
            "standing": standing.as_ref().map(|standing| standing.word()),
            "in_words": standing.as_ref().map(|standing| standing.in_words()),
        });
        out.json("xmc.govern.entry", 1, &body)?;
        return Ok(Exit::Ok);
    }
    let (word, path) = (said.what.word(), register.path.display());
    writeln!(out, "entry {} of {path}: {word} by {}", said.entry, said.by)?;
    writeln!(out, "  hash {}", entry.hash)?;
    Ok(Exit::Ok)
}

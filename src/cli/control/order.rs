//! Commands that are signed and given: `xmc kill` and its like.

use super::{At, answer, confirm};
use crate::audit::key;
use crate::audit::note::{Note, Purpose, SignerKey};
use crate::cli::{CliError, Exit, Report};
use crate::config::SecretSource;
use crate::control::client;
use crate::control::limit::Change;
use crate::control::reply::Status;
use crate::control::scope::Named;
use crate::control::text::Text;
use crate::control::verb::Verb;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use xmc_hotpath::message::{DeskId, DeskIdentity, SiteId};

/// What every command that is signed asks for.
#[derive(Debug, clap::Args)]
pub struct Signing {
    #[command(flatten)]
    at: At,
    /// The file with your key.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Why, for whoever reads the record.
    #[arg(long, value_name = "TEXT", visible_alias = "why")]
    reason: String,
    /// For how many seconds the command is valid; by default as long as the engine allows.
    #[arg(long, value_name = "SECONDS")]
    valid: Option<u64>,
    /// Write the signed command there for a second person, and do not give it.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Sign without being asked.
    #[arg(long)]
    yes: bool,
}

impl Signing {
    /// How the engine stands that the command is for.
    pub(super) fn status(&self) -> Result<Status, CliError> {
        self.at.status()
    }

    /// Where that engine records.
    pub(in crate::cli) fn directory(&self) -> Result<PathBuf, CliError> {
        self.at.directory()
    }
}

/// A command about something.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// About what: all, spread=NAME, instrument=NAME, gateway=NAME, account=NAME, strategy=NAME.
    #[arg(long, value_name = "WHAT")]
    scope: Option<Named>,
    #[command(flatten)]
    signing: Signing,
}

impl Args {
    /// Signs and gives the command.
    ///
    /// # Errors
    /// See `CliError`.
    pub fn run(&self, verb: Verb, out: &mut Report<'_>) -> Result<Exit, CliError> {
        // Who stops something in a hurry stops everything; who allows something names it.
        let is_whole = matches!(verb, Verb::Kill | Verb::Arm);
        let scope = self.scope.clone().or(is_whole.then_some(Named::All));
        let scope = scope.ok_or_else(|| {
            CliError::usage(format!("say about what {verb} is: --scope all, spread=NAME .."))
        })?;
        let status = self.signing.status()?;
        give(&self.signing, &status, verb, scope, None, None, out)
    }
}

/// Signs and gives that a difference about `scope` is explained.
///
/// # Errors
/// See `CliError`.
pub(in crate::cli) fn explain(
    signing: &Signing,
    scope: Named,
    id: &str,
    out: &mut Report<'_>,
) -> Result<Exit, CliError> {
    let status = signing.status()?;
    give(signing, &status, Verb::Explain, scope, None, Some(id.to_owned()), out)
}

/// Signs and gives a command, or leaves it for the second person.
pub(super) fn give(
    signing: &Signing,
    status: &Status,
    verb: Verb,
    scope: Named,
    change: Option<Change>,
    difference: Option<String>,
    out: &mut Report<'_>,
) -> Result<Exit, CliError> {
    let key = read_key(&signing.key)?;
    let text = written(signing, status, &key, (verb, scope, change, difference))?;
    if !out.is_json() {
        preview(&text, status, out)?;
        out.flush()?;
    } else if !signing.yes {
        eprint!("{}", text.in_words());
    }
    if text.needs_two() && signing.out.is_none() {
        return Err(CliError::refused(format!(
            "{verb} lets more happen than before, so two people sign it: add --out FILE, have \
             it signed with `xmc control sign FILE --key KEY`, then `xmc control send FILE`"
        )));
    }
    confirm(signing.yes)?;
    let signed = text.to_string();
    let note = Note { signatures: vec![key.sign(&signed, 0)], text: signed };
    if let Some(path) = &signing.out {
        keep(path, &note.to_string()).map_err(|source| {
            CliError::could_not_run(format!("cannot write {}: {source}", path.display()))
        })?;
        if out.is_json() {
            let kept = serde_json::json!({ "file": path, "needs_two": text.needs_two() });
            out.json("xmc.control.prepared", 1, &kept)?;
        } else {
            writeln!(out, "signed by {} in {}; not given yet", text.operator, path.display())?;
        }
        return Ok(Exit::Ok);
    }
    let answer = client::give(&signing.at.path()?, &note.to_string());
    answer::show(&answer.map_err(CliError::could_not_run)?, out)
}

/// Reads an operator's key.
pub(in crate::cli) fn read_key(path: &Path) -> Result<SignerKey, CliError> {
    key::read(&SecretSource::File(path.to_owned()), Purpose::Log).map_err(CliError::could_not_run)
}

fn written(
    signing: &Signing,
    status: &Status,
    key: &SignerKey,
    (verb, scope, change, difference): (Verb, Named, Option<Change>, Option<String>),
) -> Result<Text, CliError> {
    let verifier = key.verifier();
    let row = status.operators.iter().find(|row| row.name == verifier.name()).ok_or_else(|| {
        let known: Vec<_> = status.operators.iter().map(|row| row.name.as_str()).collect();
        CliError::usage(format!(
            "{} is no operator of this desk: there are {}",
            verifier.name(),
            known.join(", ")
        ))
    })?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(CliError::could_not_run)?;
    let audience =
        DeskIdentity { site: SiteId(status.site), desk: DeskId(status.desk), run: status.run };
    let text = Text {
        audience,
        operator: row.name.clone(),
        counter: row.counter.saturating_add(1),
        issued_s: now.as_secs(),
        expires_s: now.as_secs().saturating_add(signing.valid.unwrap_or(status.valid_seconds)),
        verb,
        scope,
        change,
        difference,
        alert: None,
        reason: signing.reason.trim().to_owned(),
    };
    // What the engine would not read is not signed.
    Text::parse(&text.to_string()).map_err(CliError::usage)
}

/// What is about to be signed, in words, and what it is about now.
fn preview(text: &Text, status: &Status, out: &mut Report<'_>) -> io::Result<()> {
    write!(out, "{}", text.in_words())?;
    if text.change.is_some() {
        return Ok(());
    }
    let meant: Vec<_> =
        status.spreads.iter().filter(|spread| spread.names.is_meant(&text.scope)).collect();
    let names: Vec<_> =
        meant.iter().map(|row| format!("{} ({})", row.names.name, row.state)).collect();
    let none = format!("no spread has {}", text.scope);
    let names = if names.is_empty() { none } else { names.join(", ") };
    writeln!(out, "  spreads: {names}")?;
    let held: Vec<_> = meant.iter().filter(|row| row.units != 0).collect();
    let held: Vec<_> =
        held.iter().map(|row| format!("{} {:+}", row.names.name, row.units)).collect();
    let held = if held.is_empty() { "none".to_owned() } else { held.join(", ") };
    writeln!(out, "  open positions, which stay open: {held}")?;
    writeln!(out, "  the desk is {}, with {} orders that live", status.state, status.live_orders)
}

/// A file of its owner alone, which must be new.
fn keep(path: &Path, note: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(note.as_bytes())?;
    file.sync_all()
}

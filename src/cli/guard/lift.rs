//! `xmc guard lift`: opens a desk again that its guard has fenced.
//!
//! With `[control]` it is a command like any other, `lift`, which lets more happen than before and
//! takes two people; it is judged here, because there is no engine to judge it. Without `[control]`
//! nobody signs: whoever owns the files says who they are.

use super::Of;
use crate::audit::key;
use crate::audit::note::{Note, Purpose};
use crate::cli::control::confirm;
use crate::cli::{CliError, Exit, Report};
use crate::config::{Configuration, Control, SecretSource};
use crate::control::judge::Judge;
use crate::control::kept::Kept;
use crate::control::scope::{Named, Register};
use crate::control::text::Text;
use crate::control::verb::Verb;
use crate::engine::lease::{self, Fence};
use crate::guard::Places;
use crate::guard::log::Log;
use crate::guard::state::{Case, Phase, State};
use crate::guard::watcher::LOCK;
use crate::journal::lock::Locked;
use crate::replace::replace;
use serde_json::json;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};
use xmc_hotpath::message::{DeskIdentity, SafeState};

/// Open a desk again that its guard has fenced.
///
/// Two people: the first with --key and --out FILE, the second with `xmc control sign FILE`, then
/// --signed FILE. See to orders and positions at the venues first. Exit code 4: it was refused.
#[derive(Debug, clap::Args)]
pub struct LiftArgs {
    #[command(flatten)]
    of: Of,
    /// The file with your key.
    #[arg(long, value_name = "FILE", requires = "out", requires = "reason")]
    key: Option<PathBuf>,
    /// Write the signed command there for a second person.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The command that two have signed.
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    signed: Option<PathBuf>,
    /// Who lifts it, where the configuration has no [control].
    #[arg(long, value_name = "NAME", requires = "reason")]
    by: Option<String>,
    /// Why it is safe.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Also while a venue has not confirmed that nothing lives: it was seen to by other means. With
    /// --key it is what both sign (lift_unconfirmed), and with --signed what they have signed says.
    #[arg(long, conflicts_with = "signed")]
    unconfirmed: bool,
    /// Without being asked.
    #[arg(long)]
    yes: bool,
}

pub fn run(args: &LiftArgs, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let (config, places) = args.of.load()?;
    let fence = Fence::of(&places.leases, places.identity).map_err(CliError::could_not_run)?;
    let Some(fence) = fence else {
        return Err(CliError::could_not_run("the desk is not fenced: there is nothing to lift"));
    };
    if !out.is_json() {
        writeln!(out, "fenced: {fence}")?;
        out.flush()?;
    }
    let identity = DeskIdentity { run: fence.run, ..places.identity };
    match &config.control {
        Some(control) => match (&args.key, &args.signed) {
            (Some(key), _) => prepare(args, key, (control, &places, identity), out),
            (None, Some(signed)) => {
                // What would be refused all the same uses up no number of the operator.
                let signed = std::fs::read(signed).map_err(CliError::could_not_run)?;
                let says = unjudged(&signed)?;
                may_lift(says == Verb::LiftUnconfirmed, &places, &fence)?;
                let by = judged(&signed, control, &config, &places, identity)?;
                lift(&places, &fence, &by, out)
            }
            (None, None) => Err(CliError::usage(
                "two people lift a fence: --key FILE --out FILE --reason TEXT, then `xmc control \
                 sign FILE --key KEY` by the other, then --signed FILE",
            )),
        },
        None => {
            let by = args.by.as_ref().zip(args.reason.as_ref()).ok_or_else(|| {
                CliError::usage("say who lifts it and why: --by NAME --reason TEXT")
            })?;
            may_lift(args.unconfirmed, &places, &fence)?;
            confirm(args.yes)?;
            lift(&places, &fence, &format!("{}: {}", by.0, by.1), out)
        }
    }
}

/// The first signature.
fn prepare(
    args: &LiftArgs,
    key: &std::path::Path,
    (control, places, audience): (&Control, &Places, DeskIdentity),
    out: &mut Report<'_>,
) -> Result<Exit, CliError> {
    let key = key::read(&SecretSource::File(key.to_owned()), Purpose::Log);
    let key = key.map_err(CliError::could_not_run)?;
    let verifier = key.verifier();
    let operator = control.operators.iter().find(|one| one.name == verifier.name());
    let operator = operator.ok_or_else(|| {
        CliError::usage(format!("{} is no operator of this desk", verifier.name()))
    })?;
    let kept = Kept::open(&places.record).map_err(CliError::could_not_run)?;
    let now_s = now_s()?;
    let text = Text {
        audience,
        operator: operator.name.clone(),
        counter: kept.counter(operator.id).saturating_add(1),
        issued_s: now_s,
        expires_s: now_s + u64::from(control.valid_seconds),
        verb: if args.unconfirmed { Verb::LiftUnconfirmed } else { Verb::Lift },
        scope: Named::All,
        change: None,
        difference: None,
        alert: None,
        reason: args.reason.clone().unwrap_or_default().trim().to_owned(),
    };
    let text = Text::parse(&text.to_string()).map_err(CliError::usage)?;
    if !out.is_json() {
        write!(out, "{}", text.in_words())?;
        out.flush()?;
    }
    confirm(args.yes)?;
    let signed = text.to_string();
    let note = Note { signatures: vec![key.sign(&signed, 0)], text: signed };
    let path = args.out.clone().unwrap_or_default();
    replace(&path, note.to_string().as_bytes()).map_err(CliError::could_not_run)?;
    if out.is_json() {
        out.json("xmc.guard.lift.prepared", 1, &json!({ "file": path }))?;
    } else {
        writeln!(out, "signed by {} in {}; not given yet", text.operator, path.display())?;
    }
    Ok(Exit::Ok)
}

/// The guard is through with it, or people say that they have seen to what it is not.
fn may_lift(is_unconfirmed: bool, places: &Places, fence: &Fence) -> Result<(), CliError> {
    let held = lease::is_held(&places.leases, places.identity).map_err(CliError::could_not_run)?;
    if held {
        return Err(CliError::refused(
            "an engine still holds the lease of the desk: kill it before anything is opened",
        ));
    }
    let mut state = State::read(&places.guard).map_err(CliError::could_not_run)?;
    let case = state.case.clone().filter(|case| case.process.run == fence.run);
    if case.as_ref().is_some_and(|case| case.phase != Phase::Done) {
        // A guard that is still at it would take the next engine for the one that it fenced.
        let path = places.guard.join(LOCK);
        let lock = File::options().write(true).create(true).truncate(false).open(path);
        let Ok(_lock) = Locked::take(lock.map_err(CliError::could_not_run)?) else {
            return Err(CliError::refused(
                "the guard is still cancelling what the engine has left: wait for it, or stop it \
                 first",
            ));
        };
        if is_unconfirmed && let Some(case) = &mut state.case {
            case.is_lifted = true;
            state.write(&places.guard).map_err(CliError::could_not_run)?;
        }
    }
    if is_unconfirmed || case.as_ref().is_some_and(Case::is_confirmed) {
        return Ok(());
    }
    Err(CliError::refused(
        "not every venue has confirmed that nothing lives (`xmc guard status`): see to it, and add \
         --unconfirmed, before it is signed",
    ))
}

/// What a signed file says, whoever has signed it.
fn unjudged(signed: &[u8]) -> Result<Verb, CliError> {
    let text = String::from_utf8_lossy(signed);
    let note = Note::parse(&text).map_err(CliError::usage)?;
    let verb = Text::parse(&note.text).map_err(CliError::usage)?.verb;
    match verb {
        Verb::Lift | Verb::LiftUnconfirmed => Ok(verb),
        _ => Err(CliError::usage(format!("{verb} is not lift: it is given to an engine"))),
    }
}

/// Judges what two have signed; who they are.
fn judged(
    signed: &[u8],
    control: &Control,
    config: &Configuration,
    places: &Places,
    identity: DeskIdentity,
) -> Result<String, CliError> {
    let kept = Kept::open(&places.record).map_err(CliError::could_not_run)?;
    let (operators, register) = (control.operators.clone(), Register::of(config));
    let valid_s = control.valid_seconds.into();
    let mut judge = Judge::new(identity, operators, register, valid_s, kept);
    let granted = judge.decide(signed, now_s()?, SafeState::NoNew);
    let granted = granted.map_err(|denied| CliError::refused(denied.why))?;
    let name = |id: u32| {
        let known = control.operators.iter().find(|one| one.id == id);
        known.map_or_else(|| id.to_string(), |one| one.name.clone())
    };
    let (first, second) = (granted.instruction.operator, granted.instruction.second);
    Ok(format!("{} and {}: {}", name(first), name(second), granted.text.reason))
}

fn lift(places: &Places, fence: &Fence, by: &str, out: &mut Report<'_>) -> Result<Exit, CliError> {
    // Written down before it is done.
    let log = Log::new(&places.guard);
    log.write(fence.run, "lift", json!({ "by": by, "fence": fence }))
        .map_err(CliError::could_not_run)?;
    Fence::lift(&places.leases, places.identity).map_err(CliError::could_not_run)?;
    if out.is_json() {
        out.json("xmc.guard.lift", 1, &json!({ "by": by, "fence": fence }))?;
    } else {
        writeln!(out, "lifted by {by}: engines of this desk may start again")?;
    }
    Ok(Exit::Ok)
}

fn now_s() -> Result<u64, CliError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(CliError::could_not_run)?;
    Ok(now.as_secs())
}

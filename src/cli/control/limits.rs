//! `xmc limits`: every limit of a running engine and what is used of it, and changing one.

use super::At;
use super::order::{Signing, give};
use crate::cli::plan::table::Align::{Left, Right};
use crate::cli::plan::table::Table;
use crate::cli::{CliError, Exit, Report};
use crate::control::limit::{Amount, Change, Field};
use crate::control::reply::LimitRow;
use crate::control::scope::Named;
use crate::control::verb::Verb;

/// Show the limits of a running engine and what is used of them, or change one.
///
/// What is raised here holds until the engine ends: what is to hold for longer belongs into the
/// configuration. What is lowered stays so in later runs, until two people raise it. Lowering a
/// limit takes one signature, raising it two, and one command changes a figure at most tenfold.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Args {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    at: At,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Change one limit.
    Set(SetArgs),
}

#[derive(Debug, clap::Args)]
struct SetArgs {
    /// Of what: all, account=NAME, gateway=NAME, instrument=NAME, spread=NAME.
    of: Named,
    /// Which limit, as `xmc limits` names it.
    #[arg(value_parser = field)]
    limit: Field,
    /// The new figure, in the unit that `xmc limits` shows.
    figure: u64,
    #[command(flatten)]
    signing: Signing,
}

fn field(word: &str) -> Result<Field, String> {
    Field::of_word(word).ok_or_else(|| {
        let words: Vec<_> = Field::WORDS.iter().map(|(word, _)| *word).collect();
        format!("{word:?} is no limit: there are {}", words.join(", "))
    })
}

/// Runs the command.
///
/// # Errors
/// See `CliError`.
pub fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    match &args.what {
        Some(What::Set(args)) => set(args, out),
        None => show(&args.at, out),
    }
}

fn set(args: &SetArgs, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let status = args.signing.status()?;
    let (scope, word) = (args.of.to_string(), args.limit.word());
    let row = status.limits.iter().find(|row| row.scope == scope && row.field == word);
    let row = row.ok_or_else(|| {
        CliError::usage(format!("{scope} has no {word}: `xmc limits` shows what there is"))
    })?;
    let amount = |figure| Amount { figure, unit: row.unit.clone() };
    let change = Change { field: args.limit, from: amount(row.limit), to: amount(args.figure) };
    give(&args.signing, &status, Verb::Limit, args.of.clone(), Some(change), None, out)
}

fn show(at: &At, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let status = at.status()?;
    if out.is_json() {
        out.json("xmc.limits", 1, &serde_json::json!({ "limits": status.limits }))?;
        return Ok(Exit::Ok);
    }
    let columns = [
        ("of", Left),
        ("limit", Left),
        ("used", Right),
        ("at most", Right),
        ("unit", Left),
        ("used %", Right),
    ];
    let mut table = Table::new("LIMITS", &columns);
    for row in &status.limits {
        let LimitRow { scope, field, used, limit, unit } = row;
        let share = used.map(|used| used.saturating_mul(100) / (*limit).max(1));
        let text = |figure: Option<u64>| figure.map_or("-".to_owned(), |it| it.to_string());
        let (used, share) = (text(*used), text(share));
        table.row([scope.clone(), field.clone(), used, limit.to_string(), unit.clone(), share]);
    }
    table.write(out)?;
    Ok(Exit::Ok)
}

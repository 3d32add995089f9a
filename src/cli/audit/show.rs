//! `xmc audit show`: the whole story of one decision on one page, or as JSON.

pub(super) mod json;
mod page;
pub(super) mod sections;

use crate::audit::labels::Labels;
use crate::audit::story::{Led, Story, Wanted, gather};
use crate::cli::{CliError, Exit, Report};
use crate::monitor::Lang;
use std::path::PathBuf;
use xmc_hotpath::message::OrderId;

/// Tell the whole story of one spread: what was seen, what it was worth, what each gate saw, which
/// orders left, what came back and when, and where all of it lies in the record.
///
/// ORDER is the id of one of its orders (`0x0101000100002003`, or in decimal), or the input that it
/// was decided on (`run:input`, as in `1:20455`), which also tells of what was held back. What the
/// gates saw is not written but follows: a desk of the same logic is led through the record to that
/// moment. Exit code 1 if it decides otherwise than is written, or the journal is damaged.
#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// The order's id, or `run:input`.
    #[arg(value_parser = wanted)]
    order: Wanted,
    /// The journal's directory, or one segment of it.
    path: PathBuf,
    /// The language; by default the environment's.
    #[arg(long, value_name = "LANG")]
    lang: Option<Lang>,
}

/// Reads `0x0101000100002003`, `72340172838084611` or `1:20455`.
pub(super) fn wanted(text: &str) -> Result<Wanted, String> {
    let why = "write an order's id, as 0x0101000100002003 or in decimal, or run:input, as 1:20455";
    let number = |text: &str| -> Option<u64> {
        let text = text.replace(['_', ','], "");
        match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16).ok(),
            None => text.parse().ok(),
        }
    };
    let read = match text.split_once(':') {
        Some((run, input)) => {
            let run = run.parse().ok();
            run.zip(number(input)).map(|(run, seq_no)| Wanted::Input { run, seq_no })
        }
        None => number(text).map(|id| Wanted::Order(OrderId(id))),
    };
    read.ok_or_else(|| why.to_owned())
}

/// Runs the command.
///
/// # Errors
/// `CouldNotRun` if there is no such order or the journal cannot be read.
pub fn run(args: &ShowArgs, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let story = gather(&args.path, args.order).map_err(CliError::could_not_run)?;
    let labels =
        Labels::find(&args.path, &story.start.config_digest).map_err(CliError::could_not_run)?;
    if out.is_json() {
        out.json("xmc.audit.show", 1, &json::story(&story, &labels))?;
    } else {
        let lang = args.lang.unwrap_or_else(Lang::of_environment);
        sections::write(&story, &labels, lang, &args.path, out)?;
    }
    Ok(exit(&story))
}

fn exit(story: &Story) -> Exit {
    let is_wrong = matches!(story.led, Led::Differs(_)) || story.damage.is_some();
    if is_wrong { Exit::Finding } else { Exit::Ok }
}

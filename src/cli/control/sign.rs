//! `xmc control sign` and `xmc control send`: the second signature under a prepared command, and
//! giving it.

use super::order::read_key;
use super::{At, answer, confirm};
use crate::audit::note::Note;
use crate::cli::{CliError, Exit, Report};
use crate::control::client;
use crate::control::text::Text;
use crate::replace::replace;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Add your signature to a command that was prepared: the first to a text that the page wrote, the
/// second to what another operator has signed.
///
/// What the command does is said first, from the text that is signed and nothing else. No engine is
/// needed; the signatures before yours are not checked here, but by the engine.
#[derive(Debug, clap::Args)]
pub struct SignArgs {
    /// The prepared command (`--out FILE`).
    file: PathBuf,
    /// The file with your key.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Sign without being asked.
    #[arg(long)]
    yes: bool,
}

/// Give a prepared command to the engine.
#[derive(Debug, clap::Args)]
pub struct SendArgs {
    /// The signed command.
    file: PathBuf,
    #[command(flatten)]
    at: At,
}

pub fn sign(args: &SignArgs, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let (mut note, text) = read(&args.file)?;
    let key = read_key(&args.key)?;
    let names: Vec<_> = note.signatures.iter().map(|line| line.name().to_owned()).collect();
    let so_far = if names.is_empty() { "nobody".to_owned() } else { names.join(", ") };
    if !out.is_json() {
        writeln!(out, "{}  signed so far by: {so_far}", text.in_words())?;
        out.flush()?;
    } else if !args.yes {
        eprintln!("{}  signed so far by: {so_far}", text.in_words());
    }
    let verifier = key.verifier();
    if names.is_empty() && verifier.name() != text.operator {
        return Err(CliError::refused(format!(
            "it is given by {}, who signs it first: {} can be the second",
            text.operator,
            verifier.name()
        )));
    }
    if names.iter().any(|name| name == verifier.name()) {
        return Err(CliError::refused(format!(
            "{} has signed it already: the second signature is another person's",
            verifier.name()
        )));
    }
    if names.len() > 1 {
        return Err(CliError::refused("two have signed it already: `xmc control send FILE`"));
    }
    confirm(args.yes)?;
    note.signatures.push(key.sign(&note.text, 0));
    replace(&args.file, note.to_string().as_bytes()).map_err(|source| {
        CliError::could_not_run(format!("cannot write {}: {source}", args.file.display()))
    })?;
    if out.is_json() {
        let signed = serde_json::json!({ "file": args.file, "signed_by": verifier.name() });
        out.json("xmc.control.signed", 1, &signed)?;
    } else {
        writeln!(out, "signed by {}; not given yet", verifier.name())?;
    }
    Ok(Exit::Ok)
}

pub fn send(args: &SendArgs, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let (note, text) = read(&args.file)?;
    if note.signatures.is_empty() {
        return Err(CliError::refused(format!(
            "nobody has signed it yet: `xmc control sign FILE --key KEY`, first by {}",
            text.operator
        )));
    }
    if !out.is_json() {
        write!(out, "{}", text.in_words())?;
        out.flush()?;
    }
    let answer = client::give(&args.at.path()?, &note.to_string());
    answer::show(&answer.map_err(CliError::could_not_run)?, out)
}

fn read(path: &Path) -> Result<(Note, Text), CliError> {
    let wrong = |why: String| CliError::usage(format!("{}: {why}", path.display()));
    let file = std::fs::read_to_string(path)
        .map_err(|source| CliError::could_not_run(format!("{}: {source}", path.display())))?;
    // What the page has prepared is the text alone: nobody has signed it yet.
    if let Ok(text) = Text::parse(&file) {
        return Ok((Note { text: file, signatures: Vec::new() }, text));
    }
    let note = Note::parse(&file).map_err(|error| wrong(error.to_string()))?;
    let text = Text::parse(&note.text).map_err(|error| wrong(error.to_string()))?;
    Ok((note, text))
}

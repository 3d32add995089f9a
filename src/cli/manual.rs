//! `xmc completions` and `xmc man`: what a shell and `man` know of the command line, made from the
//! command line itself.

use super::{Cli, CliError, Exit, Report};
use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;
use serde_json::json;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Write what a shell needs to complete commands and options.
///
/// bash: source <(xmc completions bash); zsh: a file `_xmc` in a directory of `$fpath`; fish: a
/// file `xmc.fish` below `~/.config/fish/completions`.
#[derive(Debug, clap::Args)]
pub struct Completions {
    /// Which shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// Write a page for `man` of every command into a directory.
///
/// `man -l DIRECTORY/xmc.1` shows one from there; packages put them below `share/man/man1`.
#[derive(Debug, clap::Args)]
pub struct Pages {
    /// Where; it is made if it is not there.
    directory: PathBuf,
}

/// A page cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {source}; name a directory that can be written", path.display())]
struct Unwritten {
    path: PathBuf,
    source: io::Error,
}

/// Runs `xmc completions`.
///
/// # Errors
/// See `CliError`.
pub fn completions(args: &Completions, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "xmc", &mut script);
    if out.is_json() {
        let script = String::from_utf8_lossy(&script);
        let body = json!({ "shell": args.shell.to_string(), "script": script });
        out.json("xmc.completions", 1, &body)?;
    } else {
        out.write_all(&script)?;
    }
    Ok(Exit::Ok)
}

/// Runs `xmc man`.
///
/// # Errors
/// See `CliError`.
pub fn man(args: &Pages, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let directory = &args.directory;
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| CliError::could_not_run(Unwritten { path, source })
    };
    std::fs::create_dir_all(directory).map_err(failed(directory))?;
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let mut written = Vec::new();
    for (name, command) in pages(&command, "") {
        let path = directory.join(format!("{name}.1"));
        let mut page = Vec::new();
        // Writing to memory cannot fail.
        Man::new(command).title(name.to_uppercase()).render(&mut page)?;
        std::fs::write(&path, page).map_err(failed(&path))?;
        written.push(path);
    }
    if out.is_json() {
        out.json("xmc.man", 1, &json!({ "pages": written }))?;
    } else {
        writeln!(out, "{} pages in {}", written.len(), directory.display())?;
    }
    Ok(Exit::Ok)
}

/// A command and all below it, each under its whole name with `-` between.
fn pages(command: &Command, before: &str) -> Vec<(String, Command)> {
    let own = command.get_name();
    let name = if before.is_empty() { own.to_owned() } else { format!("{before}-{own}") };
    let below = command.get_subcommands().filter(|below| !below.is_hide_set());
    let below: Vec<_> = below.flat_map(|below| pages(below, &name)).collect();
    let page = command.clone().name(name.clone());
    [(name, page)].into_iter().chain(below).collect()
}

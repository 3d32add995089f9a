//! `xmc capital`: capital over both borders, from two files: the terms and the book.
//!
//! It reads, reckons and tells. It sends no money and no order, and talks to no bank.

mod json;
mod number;
mod paths;
mod plan;
mod shock;
mod show;

use super::{CliError, Exit, Report};
use crate::capital::{self, Book, Stage, View};
use crate::config;
use crate::config::capital::Capital;
use std::path::PathBuf;

/// Margin, utilisation and worst case of every account, and what to do about it.
///
/// FILE has the terms (accounts, margins, levels, routes), BOOK what is held now. Samples:
/// config/capital_demo.toml and the book beside it. Exit code 1 if an account warns.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// How every account stands, now and at worst, and how many more lots it carries.
    Show(Files),
    /// What to do now: who needs money, where it comes from, what to close.
    Plan(Files),
    /// Who is called first when prices move, on both sides of the border.
    Shock(shock::Args),
    /// Seeded price paths: each account alone against all of them together.
    Paths(paths::Args),
}

/// The two files.
#[derive(Debug, clap::Args)]
struct Files {
    /// The terms.
    file: PathBuf,
    /// The book; by default the file of the same name that ends in .book.json.
    book: Option<PathBuf>,
}

/// Both, read and checked, and how everything stands.
struct Read {
    terms: Capital,
    book: Book,
    view: View,
    stages: Vec<Stage>,
}

impl Files {
    fn read(&self) -> Result<Read, CliError> {
        let terms = config::capital::load(&self.file)?;
        let beside = || self.file.with_extension("book.json");
        let path = self.book.clone().unwrap_or_else(beside);
        let book = capital::book::load(&path, &terms).map_err(CliError::usage)?;
        let view = View::of(&terms, &book);
        let stages = capital::plan::stages(&terms, &book, &view);
        Ok(Read { terms, book, view, stages })
    }
}

impl Read {
    /// What both files are to be taken for.
    fn kind(&self) -> &'static str {
        if self.book.is_sample { "a SAMPLE, nobody's accounts · 样例" } else { "as given" }
    }

    fn exit(&self) -> Exit {
        let is_calm = self.stages.iter().all(|stage| *stage == Stage::Normal);
        if is_calm { Exit::Ok } else { Exit::Finding }
    }
}

/// Runs the command.
///
/// # Errors
/// `Configuration` if the terms break a rule, `Usage` if the book does.
pub fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    match &args.command {
        Command::Show(files) => show::run(&files.read()?, out),
        Command::Plan(files) => plan::run(&files.read()?, out),
        Command::Shock(args) => shock::run(args, out),
        Command::Paths(args) => paths::run(args, out),
    }
}

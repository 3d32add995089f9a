//! `xmc hedge`: hedging a physical book (套期保值) and pricing against a future (基差点价).
//!
//! It reads files, reckons and tells. It sends no order: a plan is a proposal that a person
//! approves. Each client is reckoned from a book that holds nothing of any other.

mod effect;
mod option;
mod plan;
mod pricing;
mod risk;
mod roll;
mod show;
mod words;

use super::page::{Both, Forms, Page, same};
use super::{CliError, Exit, Report};
use crate::hedge::{Book, HedgeError, book};
use crate::monitor::Lang;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Exposure of a physical book, what to hedge of it, what that did, and prices of pricing
/// contracts.
///
/// FILE is the exposure book; a sample is config/hedge_demo.toml. Exit code 1 if something is found
/// that needs a person: a limit passed, goods that nothing hedges, a window that ends.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// What moves with the market: by product and month, with goods and hedges (敞口).
    Show(Whose),
    /// Which lots to open, close and roll: a proposal, nothing is sent (套保方案).
    Plan(Whose),
    /// How hedges are moved to a later month, slice by slice: a proposal, nothing is sent (展期).
    Roll(Whose),
    /// Positions netted by what moves them, what that can cost, and its limits (风险因子).
    Risk(Whose),
    /// What the hedges of a period did and cost (套保效果).
    Effect(effect::Args),
    /// How contracts at futures plus basis stand, and their confirmations (基差点价).
    Pricing(pricing::Args),
    /// An option on a future by Black's formula (期权).
    Option(option::Args),
}

/// Whose book.
#[derive(Debug, clap::Args)]
struct Whose {
    /// The exposure book.
    file: PathBuf,
    /// Of this client alone.
    #[arg(long, value_name = "NAME", conflicts_with = "all")]
    client: Option<String>,
    /// Of every client, for whoever may see all of them.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    forms: Forms,
}

/// What a scenario of `xmc demo` asks of a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// `xmc hedge plan`.
    Plan,
    /// `xmc hedge roll`.
    Roll,
}

/// The report of a command about every client of a book.
///
/// # Errors
/// As of the command.
pub(super) fn page(asked: Asked, file: &Path) -> Result<Page, CliError> {
    let whose = Whose::everybody(file);
    match asked {
        Asked::Plan => plan::page(&whose),
        Asked::Roll => roll::page(&whose),
    }
}

/// The report of `xmc hedge effect` about every client of a book.
///
/// # Errors
/// As of the command.
pub(super) fn effect_page(file: &Path, prices: &Path, trades: &Path) -> Result<Page, CliError> {
    let whose = Whose::everybody(file);
    effect::Args::new(whose, prices.to_owned(), trades.to_owned()).page()
}

/// The report of `xmc hedge pricing` about every contract of a file.
///
/// # Errors
/// As of the command.
pub(super) fn pricing_page(file: &Path) -> Result<Page, CliError> {
    pricing::Args::of_file(file.to_owned()).page()
}

impl Whose {
    fn everybody(file: &Path) -> Self {
        Self { file: file.to_owned(), client: None, all: true, forms: Forms::of(Lang::En) }
    }

    /// The books that are asked for, each of one client; and what stands above all of them.
    fn read(&self, schema: &'static str, title: [&str; 2]) -> Result<(Vec<Book>, Page), CliError> {
        self.of(&book::load(&self.file)?, schema, title)
    }

    /// The same of a book that has been read.
    fn of(
        &self,
        whole: &Book,
        schema: &'static str,
        title: [&str; 2],
    ) -> Result<(Vec<Book>, Page), CliError> {
        let mut page = Page { schema, title: title.map(str::to_owned), ..Page::default() };
        let kind = if whole.is_sample {
            ["a SAMPLE, nobody's book", "样例，不属于任何人"]
        } else {
            ["as given", "按文件"]
        };
        let both = |en: String, zh: String| [en, zh];
        page.lines.push(both(
            format!("{}, money in {}, {}", whole.date, whole.currency, kind[0]),
            format!("{}，金额以 {} 计，{}", whole.date, whole.currency, kind[1]),
        ));
        page.fields.insert("date".to_owned(), json!(whole.date.to_string()));
        page.fields.insert("currency".to_owned(), json!(whole.currency));
        page.fields.insert("is_sample".to_owned(), json!(whole.is_sample));
        let books: Vec<_> = match (&self.client, self.all || whole.clients.len() == 1) {
            (Some(name), _) => {
                let place = whole.clients.iter().position(|client| client.name == *name);
                // Who else there is, is nobody's business.
                let place = place
                    .ok_or_else(|| CliError::usage(format!("the book has no client \"{name}\"")))?;
                vec![whole.of_client(place)]
            }
            (None, true) => (0..whole.clients.len()).map(|place| whole.of_client(place)).collect(),
            (None, false) => {
                let why = "the book has several clients: say --client NAME for one, or --all";
                return Err(CliError::usage(why));
            }
        };
        for book in &books {
            let client = &book.clients[0];
            page.lines.push(same(format!("{}: {}", client.name, client.title)));
        }
        Ok((books, page))
    }

    /// Files that a book names lie beside it.
    fn beside(&self, name: &str) -> PathBuf {
        self.file.parent().unwrap_or(Path::new("")).join(name)
    }
}

fn ended(page: Page, forms: &Forms, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let exit = if page.findings.is_empty() { Exit::Ok } else { Exit::Finding };
    page.write(forms, out)?;
    Ok(exit)
}

/// A refusal that names the client whose figures led to it.
fn refused(book: &Book, error: HedgeError) -> CliError {
    CliError::usage(format!("{}: {error}", book.clients[0].name))
}

/// Runs the command.
///
/// # Errors
/// `Configuration` if a file breaks a rule, `Usage` if it cannot be reckoned.
pub fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    match &args.command {
        Command::Show(args) => show::run(args, out),
        Command::Plan(args) => plan::run(args, out),
        Command::Roll(args) => roll::run(args, out),
        Command::Risk(args) => risk::run(args, out),
        Command::Effect(args) => effect::run(args, out),
        Command::Pricing(args) => pricing::run(args, out),
        Command::Option(args) => option::run(args, out),
    }
}

/// A sentence in both languages.
fn both(english: String, chinese: String) -> Both {
    [english, chinese]
}

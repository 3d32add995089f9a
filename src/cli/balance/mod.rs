//! `xmc balance`: internal balancing (内部平衡).
//!
//! It reads files, reckons and tells. It sends no order and books nothing: a match is what an
//! entry in the house's own books would be, a proposal waits for a rule of the file or a person.
//! What is shown of one group that may net holds nothing of another.

mod measure;
mod plan;
mod show;
mod words;

use super::page::{Both, Forms, Page, same};
use super::{CliError, Exit, Report};
use crate::balance::{BalanceError, Book, Plan, book, quote};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Opposite needs of strategies and accounts matched inside before anything goes to a market, and
/// what could be done about the rest.
///
/// FILE is the balance book; a sample is config/balance_demo.toml. Exit code 1 if something is
/// found that needs a person: an inventory out of its band, a contract without a price, an opening
/// past the roll day, a proposal that waits for an approval or is held back.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Inventories, targets with their bands, needs with their urgency, capacities (库存与目标).
    Show(Whose),
    /// What meets inside at which price, what that saves, and proposals for the rest (内部撮合).
    Plan(Whose),
    /// How long the matching of many needs takes.
    Measure(measure::Args),
}

/// Whose part of a book.
#[derive(Debug, clap::Args)]
struct Whose {
    /// The balance book.
    file: PathBuf,
    /// Of this group alone: a wall's name, or an owner's.
    #[arg(long, value_name = "NAME", conflicts_with = "all")]
    group: Option<String>,
    /// Of every group, for whoever may see all of them.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    forms: Forms,
}

/// A book with its plan, and which groups of it are shown.
struct Seen {
    book: Book,
    plan: Plan,
    groups: Vec<usize>,
}

impl Seen {
    /// Whether an account is of a group that is shown.
    fn has(&self, account: usize) -> bool {
        self.groups.contains(&self.book.accounts[account].group)
    }

    /// What the group of an account is called.
    fn group(&self, account: usize) -> &str {
        &self.book.groups[self.book.accounts[account].group].name
    }
}

impl Whose {
    fn read(&self, schema: &'static str, title: [&str; 2]) -> Result<(Seen, Page), CliError> {
        let book = book::load(&self.file)?;
        let wanted = match &self.group {
            Some(name) => {
                let place = book.groups.iter().position(|group| group.name == *name);
                // Who else there is, is nobody's business.
                let why = || CliError::usage(format!("the book has no group \"{name}\""));
                vec![place.ok_or_else(why)?]
            }
            None if self.all || book.groups.len() == 1 => (0..book.groups.len()).collect(),
            None => {
                let why = "the book has several groups behind walls: say --group NAME for one, \
                           or --all";
                return Err(CliError::usage(why));
            }
        };
        let mut wanted: Vec<usize> = wanted;
        wanted.sort_by_key(|place| &book.groups[*place].name);
        let beside = self.file.parent().unwrap_or(Path::new("")).join(&book.quotes);
        let refused = |error: BalanceError| CliError::usage(error.to_string());
        let quotes = quote::read(&beside, &book).map_err(|error| refused(error.into()))?;
        let plan = Plan::of(&book, &quotes).map_err(refused)?;
        let mut page = Page { schema, title: title.map(str::to_owned), ..Page::default() };
        let kind = if book.is_sample {
            ["a SAMPLE, nobody's book", "样例，不属于任何人"]
        } else {
            ["as given", "按文件"]
        };
        page.lines.push([
            format!("{}, money in {} where not said, {}", book.now, book.currency, kind[0]),
            format!("{}，未注明的金额以 {} 计，{}", book.now, book.currency, kind[1]),
        ]);
        page.fields.insert("now".to_owned(), json!(book.now.to_string()));
        page.fields.insert("currency".to_owned(), json!(book.currency));
        page.fields.insert("is_sample".to_owned(), json!(book.is_sample));
        for group in wanted.iter().map(|place| (*place, &book.groups[*place])) {
            page.lines.push(around(&book, group));
        }
        Ok((Seen { book, plan, groups: wanted }, page))
    }
}

/// What a group is called, what is in it, and what allows that.
fn around(book: &Book, (place, group): (usize, &book::Group)) -> Both {
    let own = book.accounts.iter().filter(|account| account.group == place);
    let mut names: Vec<_> = own.map(|account| account.name.as_str()).collect();
    names.sort_unstable();
    let names = names.join(", ");
    match (&group.allowed_by, group.is_wall) {
        (Some(why), _) => [
            format!("{}: {names}; several owners, allowed by: {why}", group.name),
            format!("{}：{names}；多个实际控制人，依据：{why}", group.name),
        ],
        (None, true) => [
            format!("{}: {names}; behind a wall", group.name),
            format!("{}：{names}；信息隔离", group.name),
        ],
        (None, false) => same(format!("{}: {names}", group.name)),
    }
}

fn ended(page: Page, forms: &Forms, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let exit = if page.findings.is_empty() { Exit::Ok } else { Exit::Finding };
    page.write(forms, out)?;
    Ok(exit)
}

/// Runs the command.
///
/// # Errors
/// `Configuration` if a file breaks a rule, `Usage` if it cannot be reckoned.
pub fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    match &args.command {
        Command::Show(args) => show::run(args, out),
        Command::Plan(args) => plan::run(args, out),
        Command::Measure(args) => measure::run(args, out),
    }
}

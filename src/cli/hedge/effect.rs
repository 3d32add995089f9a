//! `xmc hedge effect`: with hedges against without them, and what they cost.

use super::{Whose, both, ended, refused};
use crate::audit::export::{Cell, Sheet};
use crate::cli::page::{Page, column, float, number, optional, plain};
use crate::cli::{CliError, Exit, Report};
use crate::hedge::Book;
use crate::hedge::book;
use crate::hedge::effect::{self, Effect, Of, Trade};
use crate::hedge::series::{self, Series};
use jiff::civil::Date;
use serde_json::json;
use std::path::PathBuf;

/// Result of the goods with and without their hedges, effectiveness and cost, by client.
///
/// Goods are as the book has them, over the whole period. PRICES is a CSV file with `date`, a
/// column for each product (in the book's currency, of one unit), each contract and each currency
/// (of what futures on a currency are quoted in, too);
/// TRADES one with date,client,account,contract,side,lots,price,expected,fee,why.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    whose: Whose,
    /// Prices by day.
    #[arg(long, value_name = "FILE")]
    prices: PathBuf,
    /// Trades of hedges.
    #[arg(long, value_name = "FILE")]
    trades: PathBuf,
    /// First day of the period; by default the first that has prices.
    #[arg(long, value_name = "DATE")]
    from: Option<Date>,
    /// Its last day; by default the last that has prices.
    #[arg(long, value_name = "DATE")]
    until: Option<Date>,
}

pub(super) fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    ended(args.page()?, &args.whose.forms, out)
}

impl Args {
    /// Of every client, over all days that have prices.
    pub(super) const fn new(whose: Whose, prices: PathBuf, trades: PathBuf) -> Self {
        Self { whose, prices, trades, from: None, until: None }
    }

    pub(super) fn page(&self) -> Result<Page, CliError> {
        page(self)
    }
}

fn page(args: &Args) -> Result<Page, CliError> {
    let whole = book::load(&args.whose.file)?;
    let title = ["hedge effect", "套保效果"];
    let (books, mut page) = args.whose.of(&whole, "xmc.hedge.effect", title)?;
    let prices = Series::read(&args.prices).map_err(CliError::usage)?;
    let prices = prices.between(args.from, args.until);
    let text = series::text_of(&args.trades).map_err(CliError::usage)?;
    let trades = effect::trades(&args.trades.display().to_string(), &text);
    let trades = trades.map_err(CliError::usage)?;
    // A trade of nobody would be left out of every report without a word.
    let is_known = |row: &&Trade| whole.clients.iter().any(|client| client.name == row.client);
    if let Some(strange) = trades.iter().find(|row| !is_known(row)) {
        let why = format!("a trade of {} is of no client of the book", strange.date);
        return Err(CliError::usage(why));
    }
    // What is after the period is of another one.
    let last = prices.rows.last().map(|(day, _)| *day);
    let trades: Vec<_> =
        trades.into_iter().filter(|row| last.is_none_or(|last| row.date <= last)).collect();
    let (mut results, mut costs) = (results(), costs());
    for book in &books {
        let found = effect::of(book, &prices, &trades).map_err(|error| refused(book, error))?;
        found.iter().for_each(|row| fill(book, row, &mut results, &mut costs));
    }
    if let (Some((first, _)), Some(last)) = (prices.rows.first(), last) {
        page.fields.insert("from".to_owned(), json!(first.to_string()));
        page.fields.insert("until".to_owned(), json!(last.to_string()));
        page.lines.push(both(format!("{first} to {last}"), format!("{first} 至 {last}")));
    }
    page.sheets = vec![results, costs];
    page.notes.push(both(
        "hedged = goods + futures - fees. Of a currency goods are the prices agreed in it. \
         offset: -futures of goods (IAS 39, AG105(b) called 80 % \
         to 125 % highly effective; IFRS 9 has no such line). slope and R2: daily results of \
         futures over those of goods, in floats. Goods are as the book has them, over the whole \
         period"
            .to_owned(),
        "套保后 = 现货 + 期货 - 手续费。币种一行的现货为以该币种约定的货款。\
         抵销比：-期货/现货（IAS 39 AG105(b) 曾以 80%–125% 为高度有效，\
         IFRS 9 无此界限）。现货数量按文件，整个期间不变"
            .to_owned(),
    ));
    Ok(page)
}

const CLIENT: crate::audit::export::Column = column("client", ["client", "客户"]);
const PRODUCT: crate::audit::export::Column = column("product", ["product", "品种"]);

fn results() -> Sheet {
    Sheet {
        name: "results",
        title: ["result of the period", "期间损益"],
        columns: vec![
            CLIENT,
            PRODUCT,
            column("physical", ["quantity", "现货敞口"]),
            column("unhedged", ["goods", "未套保"]),
            column("futures", ["futures", "期货"]),
            column("hedged", ["hedged", "套保后"]),
            column("basis", ["basis", "基差变动"]),
            column("offset", ["offset", "抵销比"]),
            column("slope", ["slope", "斜率"]),
            column("r_squared", ["R2", "R2"]),
            column("line", ["line", "回归"]),
        ],
        rows: Vec::new(),
    }
}

fn costs() -> Sheet {
    Sheet {
        name: "costs",
        title: ["what hedges cost", "套保成本"],
        columns: vec![
            CLIENT,
            PRODUCT,
            column("trades", ["trades", "成交笔数"]),
            column("fees", ["fees", "手续费"]),
            column("slippage", ["slippage", "滑点"]),
            column("rolls", ["of which rolls", "其中展期"]),
        ],
        rows: Vec::new(),
    }
}

fn fill(book: &Book, row: &Effect, results: &mut Sheet, costs: &mut Sheet) {
    let head = || {
        let name = match &row.of {
            Of::Product(place) => &book.products[*place].name,
            Of::Currency(currency) => currency,
        };
        [plain(&book.clients[row.client].name), plain(name)]
    };
    let (slope, r_squared, said) = match &row.line {
        Ok(line) => {
            let days = format!("{} days", line.count);
            (float(line.slope, 4), float(line.r_squared, 4), plain(days))
        }
        Err(why) => (Cell::None, Cell::None, plain(why.to_string())),
    };
    let money = [row.unhedged, row.futures, row.hedged, row.basis].map(|value| number(value, 2));
    let tail = [optional(row.offset, 4), slope, r_squared, said];
    let cells = head().into_iter().chain([number(row.physical, 3)]).chain(money).chain(tail);
    results.rows.push(cells.collect());
    let trades = Cell::Int(i64::try_from(row.trades).unwrap_or(i64::MAX));
    let money = [row.fees, row.slippage, row.rolls].map(|value| number(value, 2));
    costs.rows.push(head().into_iter().chain([trades]).chain(money).collect());
}

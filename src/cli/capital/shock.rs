//! `xmc capital shock`: who is called first.

use super::number::{money, moved, percent};
use super::{Files, json, show};
use crate::capital::call;
use crate::cli::plan::table::{Align, Table};
use crate::cli::{CliError, Exit, Report};
use rust_decimal::Decimal;
use std::io::Write;

/// The moves, and the two files.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    files: Files,
    /// Moves of all prices to show, in percent; both ways.
    #[arg(long, value_name = "PERCENT", value_delimiter = ',', default_value = "1,3,5,8")]
    moves: Vec<Decimal>,
}

pub(super) fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let is_sane = |at: &Decimal| *at > Decimal::ZERO && *at <= Decimal::new(40, 0);
    if let Some(wrong) = args.moves.iter().find(|at| !is_sane(at)) {
        let what = format!("--moves {wrong}: write percent above 0 and up to 40");
        return Err(CliError::usage(what));
    }
    let read = args.files.read()?;
    let mut moves: Vec<_> = args.moves.iter().map(|at| *at / Decimal::ONE_HUNDRED).collect();
    let down: Vec<_> = moves.iter().map(|at| -*at).collect();
    moves.extend(down);
    moves.push(Decimal::ZERO);
    moves.sort();
    moves.dedup();
    let table = call::table(&read.terms, &read.book, &moves);
    let orders = [false, true].map(|is_up| call::order(&read.terms, &read.book, is_up));
    if out.is_json() {
        out.json("xmc.capital.shock", 1, &json::shock(&read, &moves, &table, &orders))?;
        return Ok(Exit::Ok);
    }
    show::head(&read, out)?;
    writeln!(out, "\nutilisation when every price moves, no order filled, no money moved · 压力")?;
    write!(out, "  {:<16}", "")?;
    for by in &moves {
        write!(out, " {:>9}", moved(*by))?;
    }
    writeln!(out)?;
    for (at, account) in read.terms.accounts.iter().enumerate() {
        write!(out, "  {:<16}", account.name)?;
        for row in &table {
            write!(out, " {:>9}", percent(row[at]))?;
        }
        writeln!(out)?;
    }
    let headings = [
        "when prices FALL, called in this order · 下跌时追保顺序",
        "when prices RISE, called in this order · 上涨时追保顺序",
    ];
    for (heading, order) in headings.into_iter().zip(&orders) {
        let columns = [
            ("", Align::Right),
            ("account", Align::Left),
            ("border", Align::Left),
            ("warns at", Align::Right),
            ("called at", Align::Right),
            ("lacks then", Align::Right),
            ("ccy", Align::Left),
        ];
        let mut table = Table::new(heading, &columns);
        for (number, row) in order.iter().filter(|row| row.warns_at.is_some()).enumerate() {
            let account = &read.terms.accounts[row.account];
            let shown = |at: Option<Decimal>| at.map_or("-".to_owned(), moved);
            table.row([
                (number + 1).to_string(),
                account.name.clone(),
                format!("{:?}", account.border).to_lowercase(),
                shown(row.warns_at),
                shown(row.called_at),
                row.called_at.map_or("-".to_owned(), |_| money(row.lacks)),
                account.currency.clone(),
            ]);
        }
        table.note("called: margin is more than equity. lacks: to be back at the target");
        table.write(out)?;
    }
    Ok(Exit::Ok)
}

//! `xmc capital show`: the table.

use super::number::{money, percent};
use super::{Read, json};
use crate::capital::book::Side;
use crate::capital::headroom;
use crate::capital::margin::{self, Parts};
use crate::capital::stand::{Stand, utilisation};
use crate::cli::plan::table::{Align, Table, folded};
use crate::cli::{CliError, Exit, Report};
use std::collections::BTreeSet;
use std::io::Write;

pub(super) fn run(read: &Read, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let rows = headroom::all(&read.terms, &read.book);
    if out.is_json() {
        out.json("xmc.capital.show", 1, &json::show(read, &rows))?;
        return Ok(read.exit());
    }
    head(read, out)?;
    accounts(read, out)?;
    together(read, out)?;
    room(read, &rows, out)?;
    margins(read, out)?;
    Ok(read.exit())
}

/// When, and of what.
pub(super) fn head(read: &Read, out: &mut Report<'_>) -> Result<(), CliError> {
    let Read { terms, book, .. } = read;
    writeln!(out, "capital   {}, trading day {}, {}", book.at, book.day, read.kind())?;
    for (currency, rate) in terms.currencies.iter().zip(&book.rates) {
        let (name, view) = (&currency.name, &terms.currency);
        writeln!(out, "fx        1 {name} is {} {view}", rate.normalize())?;
    }
    Ok(())
}

fn shock_name(read: &Read, stand: &Stand) -> String {
    let shock = stand.worst.shock.and_then(|at| read.terms.shocks.get(at));
    shock.map_or("none".to_owned(), |shock| shock.name.clone())
}

fn accounts(read: &Read, out: &mut Report<'_>) -> Result<(), CliError> {
    let columns = [
        ("account", Align::Left),
        ("ccy", Align::Left),
        ("equity", Align::Right),
        ("margin", Align::Right),
        ("frozen", Align::Right),
        ("available", Align::Right),
        ("used", Align::Right),
        ("stage", Align::Left),
        ("worst", Align::Right),
        ("by shock", Align::Left),
    ];
    let mut table = Table::new("accounts, each in its currency · 账户资金占用", &columns);
    for (stand, stage) in read.view.stands.iter().zip(&read.stages) {
        let account = &read.terms.accounts[stand.account];
        table.row([
            account.name.clone(),
            account.currency.clone(),
            money(stand.equity),
            money(stand.used),
            money(stand.frozen),
            money(stand.available),
            percent(stand.utilisation),
            stage.title()[0].to_owned(),
            percent(stand.worst.utilisation()),
            shock_name(read, stand),
        ]);
    }
    table.note(
        "used: margin of equity that carries it. worst: every live or unknown order filled where \
         that costs something, then the named shock, with margins that include this house's \
         reserve",
    );
    Ok(table.write(out)?)
}

fn together(read: &Read, out: &mut Report<'_>) -> Result<(), CliError> {
    let Read { terms, view, .. } = read;
    let of = |used, equity| percent(utilisation(used, equity));
    writeln!(out, "\nall accounts in {} · 统一视图", terms.currency)?;
    let (equity, used, pools) = (view.equity, view.used, view.pools);
    writeln!(out, "  equity    {}", money(equity))?;
    writeln!(out, "  margin    {}", money(used))?;
    writeln!(out, "  used      {} of equity", of(used, equity))?;
    writeln!(out, "  pools     {}", money(pools))?;
    writeln!(out, "  used      {} of equity and pools", of(used, equity + pools))?;
    Ok(())
}

fn room(read: &Read, rows: &[headroom::Headroom], out: &mut Report<'_>) -> Result<(), CliError> {
    let columns = [
        ("account", Align::Left),
        ("contract", Align::Left),
        ("more long", Align::Right),
        ("more short", Align::Right),
    ];
    let mut table = Table::new("headroom in lots, each alone · 可开手数", &columns);
    for both in rows.chunks(2) {
        let [long, short] = both else { continue };
        table.row([
            read.terms.accounts[long.account].name.clone(),
            read.terms.contracts[long.contract].name.clone(),
            long.lots.to_string(),
            short.lots.to_string(),
        ]);
    }
    table.note("until the worst case reaches the level from which orders only reduce");
    Ok(table.write(out)?)
}

fn margins(read: &Read, out: &mut Report<'_>) -> Result<(), CliError> {
    let columns = [
        ("contract", Align::Left),
        ("for", Align::Left),
        ("long", Align::Right),
        ("short", Align::Right),
        ("worst case", Align::Right),
        ("ccy", Align::Left),
    ];
    let mut table =
        Table::new("margin of a lot today, with the broker's part · 每手保证金", &columns);
    let Read { terms, book, .. } = read;
    let mut origins = BTreeSet::new();
    for (contract, price) in terms.contracts.iter().zip(&book.prices) {
        for (is_hedge, word) in [(false, "speculate"), (true, "hedge")] {
            if is_hedge && contract.hedge_margin.is_none() {
                continue;
            }
            let lot = |side, parts| {
                money(margin::of_lot(contract, (side, is_hedge), *price, book.day, parts))
            };
            table.row([
                contract.name.clone(),
                word.to_owned(),
                lot(Side::Long, Parts::Broker),
                lot(Side::Short, Parts::Broker),
                lot(Side::Long, Parts::Stressed),
                contract.currency.clone(),
            ]);
            let origin = &margin::of(contract, is_hedge).origin;
            origins.insert((origin.source.as_str(), origin.date.as_str()));
        }
    }
    table.write(out)?;
    for (source, date) in origins {
        folded(out, "  source  ", &format!("{source} ({date})"))?;
    }
    Ok(())
}

//! `xmc capital plan`: instructions now.

use super::number::money;
use super::{Read, json, show};
use crate::capital::book::Side;
use crate::capital::plan::{Plan, plan};
use crate::cli::plan::table::{Align, Table};
use crate::cli::{CliError, Exit, Report};
use jiff::Timestamp;
use rust_decimal::Decimal;
use std::io::Write;

pub(super) fn run(read: &Read, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let found = plan(&read.terms, &read.book, &read.view, &read.stages);
    let exit = if found.needs.is_empty() { read.exit() } else { Exit::Finding };
    if out.is_json() {
        out.json("xmc.capital.plan", 1, &json::plan(read, &found))?;
        return Ok(exit);
    }
    show::head(read, out)?;
    needs(read, &found, out)?;
    if found.needs.is_empty() {
        writeln!(out, "\nno account warns, and none is short in its worst case")?;
        return Ok(exit);
    }
    choices(read, &found, out)?;
    instructions(read, &found, out)?;
    closings(read, &found, out)?;
    Ok(exit)
}

fn needs(read: &Read, found: &Plan, out: &mut Report<'_>) -> Result<(), CliError> {
    let columns = [
        ("account", Align::Left),
        ("stage", Align::Left),
        ("needs", Align::Right),
        ("ccy", Align::Left),
        ("because of", Align::Left),
        ("not reached", Align::Right),
    ];
    let mut table = Table::new("who needs money · 资金需求", &columns);
    for (need, unmet) in found.needs.iter().zip(&found.unmet) {
        let account = &read.terms.accounts[need.account];
        let [english, chinese] = found.stages[need.account].title();
        table.row([
            account.name.clone(),
            format!("{english} {chinese}"),
            money(need.amount),
            account.currency.clone(),
            if need.is_now { "its utilisation" } else { "its worst case" }.to_owned(),
            money(*unmet),
        ]);
    }
    Ok(table.write(out)?)
}

fn choices(read: &Read, found: &Plan, out: &mut Report<'_>) -> Result<(), CliError> {
    let columns = [
        ("for", Align::Left),
        ("route", Align::Left),
        ("can bring", Align::Right),
        ("costs", Align::Right),
        ("arrives", Align::Left),
        ("in time", Align::Left),
        ("approver", Align::Left),
    ];
    let mut table = Table::new("direct sources, the best first · 资金来源排序", &columns);
    for choice in &found.choices {
        let route = &read.terms.routes[choice.route];
        let account = found.needs[choice.need].account;
        table.row([
            read.terms.accounts[account].name.clone(),
            route.name.clone(),
            money(choice.amount),
            choice.cost.round_dp(2).to_string(),
            choice.times.map_or("not within a month".to_owned(), |times| minute(times.arrives)),
            if choice.is_in_time { "yes" } else { "no" }.to_owned(),
            route.approver.clone(),
        ]);
    }
    table.note(format!("amounts and costs in {}, times in UTC", read.terms.currency));
    Ok(table.write(out)?)
}

/// An instant to its minute.
fn minute(at: Timestamp) -> String {
    at.strftime("%m-%d %H:%M").to_string()
}

fn instructions(read: &Read, found: &Plan, out: &mut Report<'_>) -> Result<(), CliError> {
    let terms = &read.terms;
    if !found.instructions.is_empty() {
        writeln!(out, "\ninstructions, to be approved · 调拨与补仓指令")?;
    }
    for (number, row) in found.instructions.iter().enumerate() {
        let route = &terms.routes[row.route];
        let kind = if row.is_transfer { "transfer 调拨" } else { "top up 补仓" };
        let from = terms.holder_currency(route.from);
        writeln!(
            out,
            "  {}. {kind}: {} {from} from {} to {} by {}",
            number + 1,
            money(row.amount),
            terms.holder_name(route.from),
            terms.holder_name(route.to),
            route.name,
        )?;
        let late = if row.is_late { ", LATE" } else { "" };
        writeln!(
            out,
            "     leaves {}, arrives {}{late}, costs {} {from}, approver: {}",
            minute(row.times.leaves),
            minute(row.times.arrives),
            row.cost,
            route.approver,
        )?;
    }
    let view = &terms.currency;
    write!(out, "\nall of it costs {} {view}", found.cost.round_dp(2))?;
    match found.gap == Decimal::ZERO {
        true => writeln!(out, ", the least over these routes, each reckoned from now")?,
        false => writeln!(out, "; another plan is cheaper by {} at most", found.gap.round_dp(2))?,
    }
    Ok(())
}

fn closings(read: &Read, found: &Plan, out: &mut Report<'_>) -> Result<(), CliError> {
    let terms = &read.terms;
    if !found.cancels.is_empty() {
        writeln!(out, "\nto be cancelled, they would open · 撤单")?;
    }
    for order in found.cancels.iter().map(|place| &read.book.orders[*place]) {
        let (of, name) =
            (&terms.accounts[order.account].name, &terms.contracts[order.contract].name);
        writeln!(out, "  {} {name} in {of} at {}", order.lots, order.price)?;
    }
    if !found.closings.is_empty() {
        writeln!(out, "\nto be closed, both legs together · 双边减仓")?;
    }
    for row in &found.closings {
        let pair = row.pair.map_or("no pair", |at| terms.pairs[at].name.as_str());
        writeln!(out, "  for {}, {pair}:", terms.accounts[row.account].name)?;
        for (account, contract, side, lots) in &row.legs {
            let verb = if *side == Side::Long { "sell" } else { "buy back" };
            let (of, name) = (&terms.accounts[*account].name, &terms.contracts[*contract].name);
            writeln!(out, "    {verb} {lots} {name} in {of}")?;
        }
    }
    Ok(())
}

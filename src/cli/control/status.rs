//! `xmc control status`: how a running engine stands, and who may command it.

use super::At;
use crate::cli::plan::table::Align::{Left, Right};
use crate::cli::plan::table::Table;
use crate::cli::{CliError, Exit, Report};
use std::io::Write;

/// Show how a running engine stands: state, spreads, and who may command it.
#[derive(Debug, clap::Args)]
pub struct StatusArgs {
    #[command(flatten)]
    at: At,
}

pub fn run(args: &StatusArgs, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let status = args.at.status()?;
    if out.is_json() {
        out.json("xmc.control.status", 1, &status)?;
        return Ok(Exit::Ok);
    }
    let held = if status.is_held { ", stopped by an operator until it is armed" } else { "" };
    writeln!(
        out,
        "site {}, desk {}, run {}: {}{held}; {} orders live; {} requests refused",
        status.site, status.desk, status.run, status.state, status.live_orders, status.refused
    )?;
    let columns = [
        ("spread", Left),
        ("state", Left),
        ("units", Right),
        ("strategy", Left),
        ("account", Left),
        ("gateways", Left),
    ];
    let mut table = Table::new("SPREADS", &columns);
    for row in &status.spreads {
        table.row([
            row.names.name.clone(),
            row.state.clone(),
            row.units.to_string(),
            row.names.strategy.clone(),
            row.names.account.clone(),
            row.names.gateways.join(" "),
        ]);
    }
    table.write(out)?;
    let columns =
        [("operator", Left), ("id", Right), ("last", Right), ("second", Left), ("may", Left)];
    let mut table = Table::new("OPERATORS", &columns);
    for row in &status.operators {
        let second = if row.second { "yes" } else { "no" };
        let may = format!("{}: {}", row.scopes.join(" "), row.commands.join(" "));
        let (id, last) = (row.id.to_string(), row.counter.to_string());
        table.row([row.name.clone(), id, last, second.to_owned(), may]);
    }
    table.write(out)?;
    Ok(Exit::Ok)
}

//! `xmc hedge option`: one option on a future, priced, or its volatility from a price.

use super::{both, ended};
use crate::audit::export::{Cell, Sheet};
use crate::cli::page::{Forms, Page, column, float, plain};
use crate::cli::{CliError, Exit, Report};
use crate::hedge::black76::{OptionTerms, Right};

/// Worth of an option on a future, with what changes it; or the volatility that a price implies.
///
/// European exercise, Black (1976), in floats: nine digits are shown. Delta and gamma are by the
/// price of the future, vega for 1.00 of volatility, theta for a year.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The right to buy or to sell.
    #[arg(long, value_name = "call|put", value_parser = right)]
    right: Right,
    /// Price of the future.
    #[arg(long)]
    future: f64,
    /// Strike.
    #[arg(long)]
    strike: f64,
    /// Days to expiry; a year has 365.
    #[arg(long)]
    days: f64,
    /// Interest of a year, continuous: 0.02 is 2 %.
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    rate: f64,
    /// Volatility of a year: 0.2 is 20 %.
    #[arg(long, required_unless_present = "price", conflicts_with = "price")]
    volatility: Option<f64>,
    /// Price of the option.
    #[arg(long)]
    price: Option<f64>,
    #[command(flatten)]
    forms: Forms,
}

fn right(text: &str) -> Result<Right, String> {
    let words = crate::hedge::black76::RIGHTS;
    let found = words.iter().find(|(word, _)| *word == text);
    found.map(|(_, right)| *right).ok_or_else(|| format!("{text:?} is not call or put"))
}

pub(super) fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let terms = OptionTerms {
        right: args.right,
        future: args.future,
        strike: args.strike,
        years: args.days / 365.0,
        rate: args.rate,
    };
    let volatility = match (args.volatility, args.price) {
        (Some(volatility), _) => volatility,
        (None, Some(price)) => terms.implied_volatility(price).map_err(CliError::usage)?,
        (None, None) => return Err(CliError::usage("say --volatility or --price")),
    };
    let worth = terms.worth(volatility).map_err(CliError::usage)?;
    let row = |key: &str, zh: &str, value: Option<f64>| {
        vec![plain(key), plain(zh), value.map_or(Cell::None, |value| float(value, 9))]
    };
    let rows = vec![
        row("volatility", "波动率", Some(volatility)),
        row("price", "价格", Some(worth.price)),
        row("delta", "Delta", Some(worth.delta)),
        row("gamma", "Gamma", worth.gamma),
        row("vega", "Vega", Some(worth.vega)),
        row("theta", "Theta", worth.theta),
    ];
    let columns = vec![
        column("figure", ["figure", "项目"]),
        column("figure_zh", ["figure", "项目"]),
        column("value", ["value", "数值"]),
    ];
    let page = Page {
        schema: "xmc.hedge.option",
        title: ["option on a future, Black 1976".to_owned(), "期货期权（Black 1976）".to_owned()],
        sheets: vec![Sheet { name: "worth", title: ["worth", "价值"], columns, rows }],
        notes: vec![both(
            "delta and gamma by the future's price, vega for 1.00 of volatility, theta for a year; \
             - where there is no limit"
                .to_owned(),
            "Delta、Gamma 对期货价格，Vega 对波动率 1.00，Theta 对一年；- 表示极限不存在".to_owned(),
        )],
        ..Page::default()
    };
    ended(page, &args.forms, out)
}

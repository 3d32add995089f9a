//! `xmc explain`: a pair's formula, term by term, and what a value of it is in money.
//!
//! A worked example is reckoned twice: in fractions, which owe nothing to the hot path, and by the
//! evaluator that trades, in Q32. The difference is shown, and so is what making a product of two
//! prices linear leaves out. Below stands the hash of a desk that has been told the whole
//! configuration, and whether one restored from its snapshot stands alike. It starts nothing and
//! judges nothing: whether levels are wise is not its business.

mod example;
mod figures;
mod json;
mod state;
mod text;

pub use example::{Example, ExampleError, Row};
pub use figures::{Explanation, LegFigures, Money, Role};
pub use state::State;

use super::demo::{self, Topology};
use super::{CliError, Exit, Report};
use crate::config::decimal::parse_e9;
use crate::config::{self, Configuration};
use crate::monitor::words::Lang;
use std::path::PathBuf;

/// Explain the formula of a pair, term by term.
///
/// Units, tax, currency, ratio, levels and what they are in money, with a worked example in exact
/// arithmetic beside the evaluator's own. Exit code 3 if there is no such pair.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The pair: `cu_hg`; a hyphen does as well.
    pair: String,
    /// The configuration file; by default that of the demonstration.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A price for the example, as often as there are legs: `hg=5.02`.
    #[arg(long, value_name = "LEG=PRICE", value_parser = given)]
    price: Vec<(String, i64)>,
    /// The language; by default the environment's.
    #[arg(long, value_name = "LANG")]
    lang: Option<Lang>,
}

/// Reads `hg=5.02`.
fn given(text: &str) -> Result<(String, i64), String> {
    let (leg, price) = text.split_once('=').ok_or("write the leg, `=` and its price: hg=5.02")?;
    let price_e9 = parse_e9(price).map_err(|error| error.to_string())?;
    Ok((leg.to_owned(), price_e9))
}

/// Runs the command.
///
/// # Errors
/// `Configuration` if the file breaks a rule, `Usage` if there is no such pair or leg, `Output` if
/// the report cannot be written.
pub fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let configuration = match &args.config {
        Some(file) => config::load(file)?,
        None => demo::configuration(Topology::OneCore)?,
    };
    let index = pair(&configuration, &args.pair)?;
    let explanation = Explanation::of(&configuration, index);
    let example = Example::of(&configuration, index, &args.price).map_err(CliError::usage)?;
    let state = State::of(&configuration);
    if out.is_json() {
        out.json("xmc.explain", 1, &json::explanation(&explanation, &example, &state))?;
    } else {
        let lang = args.lang.unwrap_or_else(Lang::of_environment);
        text::explanation(&explanation, (&example, &state), lang, out)?;
    }
    Ok(Exit::Ok)
}

/// The pair of this name.
fn pair(configuration: &Configuration, wanted: &str) -> Result<usize, CliError> {
    let name = wanted.to_ascii_lowercase().replace(['-', '/'], "_");
    let names = || configuration.spreads.iter().map(|spread| spread.name.value.as_str());
    names().position(|known| known == name).ok_or_else(|| {
        let known = names().collect::<Vec<_>>().join(", ");
        CliError::usage(format!("there is no pair {wanted:?}; there are: {known}"))
    })
}

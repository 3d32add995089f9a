//! `xmc capital paths`: siloed against pooled, on seeded paths.

use super::{Files, number};
use crate::capital::paths::{Policy, Total, World, paths};
use crate::cli::latency::commit;
use crate::cli::sim::progress;
use crate::cli::{CliError, Exit, Report};
use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};
use serde::Serialize;
use std::io::Write;
use std::time::Instant;

/// What pooled running has to reach.
const WANTED: f64 = 0.85;

/// How many paths, and the two files.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    files: Files,
    /// Paths to play; each has a seed of its own.
    #[arg(long, value_name = "N", default_value_t = 10_000,
          value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    seeds: u64,
    /// The first seed.
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
    /// Threads; by default as many as there are cores.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
}

/// What came of it.
#[derive(Serialize)]
struct Figures {
    commit: String,
    is_simulated: bool,
    is_sample: bool,
    first_seed: u64,
    days: u32,
    operate: f64,
    capital: f64,
    currency: String,
    seconds: f64,
    siloed: Total,
    pooled: Total,
    wanted_utilisation: f64,
    is_reached: bool,
}

pub(super) fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let read = args.files.read()?;
    let Some(terms) = &read.terms.paths else {
        let what = "the terms have no [paths] and no [[walk]]: config/capital_demo.toml shows both";
        return Err(CliError::usage(what));
    };
    let Some(world) = World::new(&read.terms, &read.book) else {
        return Err(CliError::usage("the book holds nothing that takes margin, or has no equity"));
    };
    let operate = terms.operate.to_f64().unwrap_or(0.0);
    let policies = [false, true].map(|is_pooled| Policy { operate, is_pooled });
    let cores = std::thread::available_parallelism().map_or(1, |count| count.get());
    let start = Instant::now();
    let bar = progress(args.seeds);
    let threads = args.threads.unwrap_or(cores);
    let [siloed, pooled] =
        paths(&world, policies, (args.seed, args.seeds), threads, &|count| bar.inc(count));
    bar.finish_and_clear();
    let figures = Figures {
        commit: commit(),
        is_simulated: true,
        is_sample: read.book.is_sample,
        first_seed: args.seed,
        days: terms.days,
        operate,
        capital: world.capital(),
        currency: read.terms.currency.clone(),
        seconds: start.elapsed().as_secs_f64(),
        siloed,
        pooled,
        wanted_utilisation: WANTED,
        is_reached: pooled.utilisation >= WANTED && pooled.breaches + pooled.liquidations == 0,
    };
    if out.is_json() {
        out.json("xmc.capital.paths", 1, &figures)?;
    } else {
        figures.write(terms.siloed_every_days, out)?;
    }
    Ok(if figures.is_reached { Exit::Ok } else { Exit::Finding })
}

impl Figures {
    fn write(&self, every_days: u32, out: &mut Report<'_>) -> Result<(), CliError> {
        let (seeds, first, days) = (self.pooled.paths, self.first_seed, self.days);
        writeln!(out, "commit    {}", self.commit)?;
        writeln!(
            out,
            "ran       {seeds} paths of {days} days from seed {first} in {:.1} s",
            self.seconds
        )?;
        let capital = Decimal::from_f64(self.capital).map_or("-".to_owned(), number::money);
        let sample = if self.is_sample { ", a SAMPLE book" } else { "" };
        writeln!(out, "capital   {capital} {}{sample}", self.currency)?;
        for (number, line) in MODEL.iter().enumerate() {
            writeln!(out, "{:<9} {line}", if number == 0 { "simulated" } else { "" })?;
        }
        writeln!(
            out,
            "siloed    each account alone; money is divided again every {every_days} days,"
        )?;
        writeln!(out, "          at once and at no cost; pairs are reduced in between")?;
        writeln!(
            out,
            "pooled    money goes to where it is needed by the routes of the file, their"
        )?;
        writeln!(out, "          hours, limits and costs; 1 % fail, 5 % are late by up to a day")?;
        writeln!(out, "both      start at {:.0} % and aim at it", self.operate * 100.0)?;
        writeln!(out, "\n{:<34} {:>12} {:>12}", "", "siloed", "pooled")?;
        let percent = |of: f64| format!("{:.2} %", of * 100.0);
        let both = [&self.siloed, &self.pooled];
        let mut row = |title: &str, cells: [String; 2]| {
            let [siloed, pooled] = cells;
            writeln!(out, "{title:<34} {siloed:>12} {pooled:>12}")
        };
        row("mean utilisation 资金利用率", both.map(|of| percent(of.utilisation)))?;
        row("lowest mean of a path", both.map(|of| percent(of.lowest)))?;
        row("broker's calls", both.map(|of| of.calls.to_string()))?;
        row("calls not met in time (breaches)", both.map(|of| of.breaches.to_string()))?;
        row("forced liquidations 强平", both.map(|of| of.liquidations.to_string()))?;
        row("times that pairs were reduced", both.map(|of| of.reductions.to_string()))?;
        row("transfers", both.map(|of| of.transfers.to_string()))?;
        row("  failed", both.map(|of| of.failed.to_string()))?;
        row("  late", both.map(|of| of.late.to_string()))?;
        row("costs a year, of capital", both.map(|of| percent(of.cost_a_year)))?;
        row("largest move of one hour", both.map(|of| percent(of.largest_move)))?;
        let verdict = if self.is_reached { "reached" } else { "MISSED" };
        writeln!(
            out,
            "\nwanted: pooled at {:.0} % or more, no breach, no liquidation: {verdict}",
            self.wanted_utilisation * 100.0
        )?;
        Ok(())
    }
}

/// What the model is.
const MODEL: [&str; 4] = [
    "both markets follow one value by underlying, hour by hour, with jumps; the domestic price",
    "stands still while that market is closed; parameters are the file's, no market's",
    "utilisation is margin of ALL capital: accounts, pools, money under way; mean over hours",
    "a breach is a call not met within its grace; liquidation follows, or from below the floor",
];

//! `xmc demo`: ten seconds of trading on generated packets, with nothing installed.
//!
//! For now the market is a generated CME channel and the fills are paper: the demo shows the
//! pipeline (arbitration, decoding, books, desk, gates, encoding, record), not a market that
//! answers. It says so on the screen. Sockets and simulated venues come with the second market.

use super::replay::Speed;
use super::replay::capture::{Loaded, Packet};
use super::replay::run::{self, Plan, Watch};
use super::{CliError, Exit, Report};
use crate::config::{self, Configuration};
use crate::sim::generator::{Generator, LineFaults, Lines, Settings};
use std::io::Write;
use std::path::{Path, PathBuf};
use xmc_hotpath::desk::{Desk, SpreadState};
use xmc_hotpath::message::{MAX_LEGS, SpreadSpec};
use xmc_hotpath::price;
use xmc_hotpath::spread::{self, LegBook};
use xmc_hotpath::time::MonoNs;

/// The demo's configuration, as it lies in `config/`.
const DEMO: &str = include_str!("../../config/demo.toml");
/// What it includes.
const INCLUDED: [&str; 3] = [
    include_str!("../../config/topology_one_core.toml"),
    include_str!("../../config/demo_market.toml"),
    include_str!("../../config/demo_limits.toml"),
];

/// Line A loses so many packets of a thousand, and repeats as many: line B is whole.
const LINE_A: LineFaults = LineFaults {
    lost_per_mille: 5,
    duplicated_per_mille: 5,
    swapped_per_mille: 0,
    delay_ns: 0,
    skew_ns: 20_000,
};

/// Line B is whole; either line may be the first.
const LINE_B: LineFaults = LineFaults {
    lost_per_mille: 0,
    duplicated_per_mille: 0,
    swapped_per_mille: 0,
    delay_ns: 0,
    skew_ns: 20_000,
};

/// Watch the engine trade a generated market on paper.
///
/// Everything is simulated and nothing leaves this process: packets are generated from a seed, and
/// every order is filled on paper at its limit price. The record is real: it can be verified and
/// replayed afterwards.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Seconds of the market.
    #[arg(long, value_name = "N", default_value_t = 8,
          value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// What the market is generated from.
    #[arg(long, value_name = "SEED", default_value_t = 7)]
    seed: u64,
    /// Do not wait for the market's own time.
    #[arg(long)]
    topspeed: bool,
    /// Where the record goes; by default a new folder below the system's temporary one.
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// See `CliError`.
pub fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let config = configuration()?;
    let loaded = generate(&config, args);
    let directory = args
        .record
        .clone()
        .unwrap_or_else(|| std::env::temp_dir().join(format!("xmc-demo-{}", unique())));
    let source = format!("generated CME MDP 3.0 packets, seed {}", args.seed);
    let speed = if args.topspeed { Speed::Top } else { Speed::Multiplier(1.0) };
    let plan = Plan {
        source,
        loaded: &loaded,
        config: &config,
        directory: &directory,
        speed,
        runs: 1,
        witness: None,
    };
    if !out.is_json() {
        introduce(args, &loaded, out)?;
    }
    let shown = if out.is_json() { None } else { Some(&mut *out) };
    let mut screen = Screen { out: shown, config: &config, held: vec![0; config.spreads.len()] };
    let summary = run::replay(&plan, &mut screen)?;
    if !out.is_json() {
        writeln!(out)?;
    }
    summary.write(out)?;
    if !out.is_json() {
        conclude(&directory, out)?;
    }
    Ok(summary.exit())
}

/// A name that no earlier process had: process ids come again, seconds do not.
fn unique() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    format!("{}-{}", since.map_or(0, |since| since.as_secs()), std::process::id())
}

/// The demo's configuration, whole: a list of includes needs files beside it, and the program may
/// be run anywhere.
fn configuration() -> Result<Configuration, CliError> {
    let own = DEMO.lines().filter(|line| !line.starts_with("include"));
    let text: Vec<&str> = own.chain(INCLUDED).collect();
    Ok(config::load_text(Path::new("config/demo.toml"), &text.join("\n"))?)
}

/// The packets of the demo's market, as they arrive on both lines.
fn generate(config: &Configuration, args: &Args) -> Loaded {
    let settings = Settings::of(config, 0, args.seed);
    let first_utc_ns = settings.start_ns;
    let mut lines = Lines::new(Generator::new(settings), [LINE_A, LINE_B]);
    let mut loaded = Loaded::starting_at(first_utc_ns);
    let mut bytes = Vec::new();
    loop {
        let arrival = lines.next_packet(&mut bytes);
        let at_ns = arrival.arrived_ns.saturating_sub(first_utc_ns);
        if at_ns > args.seconds * 1_000_000_000 {
            return loaded;
        }
        loaded.count(0, &bytes);
        loaded.packets.push(Packet { feed: 0, line: arrival.line, at_ns, payload: bytes.clone() });
    }
}

fn introduce(args: &Args, loaded: &Loaded, out: &mut Report<'_>) -> Result<(), CliError> {
    writeln!(
        out,
        "A CME channel made up from seed {}: {} packets on lines A and B, of which A loses {} in a \
         thousand.\nArbitration, decoding, books, desk, gates, iLink 3 frames, record: as in \
         production. The fills are paper.\nNothing here is a real market, and nothing leaves this \
         process.\n",
        args.seed,
        loaded.packets.len(),
        LINE_A.lost_per_mille
    )?;
    writeln!(
        out,
        "{:>9}  {:<14} {:<12} {:>8} {:>9} {:>9} {:>9}",
        "seconds", "spread", "what", "position", "level", "buys at", "sells at"
    )?;
    out.flush()?;
    Ok(())
}

fn conclude(directory: &Path, out: &mut Report<'_>) -> Result<(), CliError> {
    let directory = directory.display();
    writeln!(out, "\nThe record stays in {directory}. Ask it:")?;
    writeln!(out, "  xmc audit verify {directory}     is every byte of it as it was written?")?;
    writeln!(out, "  xmc replay --verify {directory}  do the same inputs give the same orders?")?;
    Ok(())
}

/// Writes a line for every change of a position.
struct Screen<'s, 'w> {
    out: Option<&'s mut Report<'w>>,
    config: &'s Configuration,
    /// Units held, by spread.
    held: Vec<i32>,
}

impl Watch for Screen<'_, '_> {
    fn packet(&mut self, now: MonoNs, desk: &Desk<'_>) {
        for (index, row) in desk.spreads().iter().enumerate() {
            let was = std::mem::replace(&mut self.held[index], row.position_units);
            let (Some(spec), Some(out)) = (&row.spec, &mut self.out) else {
                continue;
            };
            if was == row.position_units && row.state != SpreadState::Halted {
                continue;
            }
            let name = &self.config.spreads[index].name.value;
            // A reader that has gone is noticed when the summary is written.
            let _ = write_change(out, now, name, (was, row.position_units), spec, desk);
        }
    }
}

fn write_change(
    out: &mut Report<'_>,
    now: MonoNs,
    name: &str,
    (was, is): (i32, i32),
    spec: &SpreadSpec,
    desk: &Desk<'_>,
) -> std::io::Result<()> {
    let what = match (is - was, is.abs() > was.abs()) {
        (1.., true) => "open long",
        (1.., false) => "close short",
        (_, true) => "open short",
        (_, false) => "close long",
    };
    let level_e9 = match what {
        "open long" => spec.buy_open_e9,
        "close long" => spec.buy_close_e9,
        "open short" => spec.sell_open_e9,
        _ => spec.sell_close_e9,
    };
    writeln!(
        out,
        "{:>5}.{:03}  {name:<14} {what:<12} {is:>+8} {:>9} {:>9} {:>9}",
        now.0 / 1_000_000_000,
        now.0 / 1_000_000 % 1000,
        show(level_e9),
        value(spec, desk, true),
        value(spec, desk, false),
    )?;
    out.flush()
}

/// What one unit costs (`is_buy`) or brings just now.
fn value(spec: &SpreadSpec, desk: &Desk<'_>, is_buy: bool) -> String {
    let rows = spec.legs.map(|leg| desk.instruments().get(leg.instrument.0 as usize));
    let books: [Option<LegBook<'_>>; MAX_LEGS] = rows.map(|row| {
        row.map(|row| LegBook {
            bids: &row.quote.bids,
            asks: &row.quote.asks,
            taken_bid_lots: 0,
            taken_ask_lots: 0,
        })
    });
    let blank = books.iter().flatten().next().copied();
    let Some(blank) = blank else {
        return "-".to_owned();
    };
    let books = books.map(|book| book.unwrap_or(blank));
    let found = spread::value(spec, &books, is_buy, 1);
    found.map_or("-".to_owned(), |value| show(price::from_q32(value.sum_q32)))
}

/// A value with two digits behind the point.
fn show(value_e9: i64) -> String {
    format!("{:.2}", value_e9 as f64 / 1e9)
}

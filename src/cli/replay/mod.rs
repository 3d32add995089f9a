//! `xmc replay`: a capture through the whole pipeline, or a journal through a fresh desk.
//!
//! A capture is replayed on a virtual clock that shows the capture's own times, so the same capture
//! and configuration give the same record, byte for byte, at whatever speed. Fills are paper: every
//! order is filled whole at its limit price. Afterwards the record that was written is verified and
//! replayed.

pub(super) mod capture;
pub(super) mod run;
mod summary;

use super::{CliError, Exit, Report};
use crate::audit;
use crate::config::{self, Configuration};
use crate::engine::recording::Segments;
use crate::engine::replay::{self, Replayed};
use crate::journal::snapshot;
use indicatif::{ProgressBar, ProgressStyle};
use run::{Plan, Watch};
use std::io::Write;
use std::path::PathBuf;
use summary::Summary;
use xmc_hotpath::desk::Desk;
use xmc_hotpath::time::MonoNs;

/// Send a capture through the pipeline, or a journal through a fresh desk.
///
/// With a capture: arbitration, decoding, books, desk, gates, encoding and record, with paper
/// fills. With --verify and a journal: the recorded inputs through a fresh desk, whose outputs must
/// equal the recorded ones byte for byte.
///
/// Exit code 0 ok; 1 a gap, a break in an instrument's sequence, a decode error, frames of the
/// feeds cut short or in fragments, a crossed book while it trades, a channel that is not usable at
/// the end, a record that is not whole or does not replay equal; 2 could not run; 3 configuration.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A capture (pcap, pcapng), or with --verify a journal: a directory or one segment.
    path: PathBuf,
    /// Replay a journal instead of a capture, and compare.
    #[arg(long, conflicts_with_all = ["config", "pps", "multiplier", "topspeed", "loop", "record"])]
    verify: bool,
    /// The configuration: feeds, instruments, spreads, limits.
    #[arg(long, required_unless_present = "verify", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Packets per second.
    #[arg(long, value_name = "N", conflicts_with_all = ["multiplier", "topspeed"],
          value_parser = clap::value_parser!(u32).range(1..))]
    pps: Option<u32>,
    /// As recorded, this many times as fast.
    #[arg(long, value_name = "X", conflicts_with = "topspeed", value_parser = multiplier)]
    multiplier: Option<f64>,
    /// As fast as the machine can: what happens if no speed is given.
    #[arg(long)]
    topspeed: bool,
    /// Replay so many times; each is a run of its own in the record.
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u16).range(1..))]
    r#loop: u16,
    /// Where the record goes, instead of the configuration's `record_directory`.
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
    /// Append every order frame to this file at the moment it leaves (a witness outside the
    /// record).
    #[arg(long, value_name = "FILE", conflicts_with = "verify")]
    witness: Option<PathBuf>,
}

fn multiplier(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && value > 0.0 => Ok(value),
        _ => Err("a number above 0, such as 1 (as recorded) or 10 (ten times as fast)".to_owned()),
    }
}

/// How fast packets are sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Speed {
    /// So many a second.
    PacketsPerSecond(u32),
    /// As recorded, so many times as fast.
    Multiplier(f64),
    /// Without waiting.
    Top,
}

impl Args {
    fn speed(&self) -> Speed {
        match (self.pps, self.multiplier) {
            (Some(pps), _) => Speed::PacketsPerSecond(pps),
            (None, Some(multiplier)) => Speed::Multiplier(multiplier),
            (None, None) => Speed::Top,
        }
    }
}

/// Runs the command.
///
/// # Errors
/// See `CliError`.
pub fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    match &args.config {
        Some(config) if !args.verify => {
            let config = config::load(config)?;
            let summary = replay_capture(args, &config)?;
            let exit = summary.exit();
            summary.write(out)?;
            Ok(exit)
        }
        _ => verify(args, out),
    }
}

fn replay_capture(args: &Args, config: &Configuration) -> Result<Summary, CliError> {
    let loaded = capture::load(&args.path, config)?;
    let plan = Plan {
        source: args.path.display().to_string(),
        loaded: &loaded,
        config,
        directory: args.record.as_ref().unwrap_or(&config.engine.record_directory),
        speed: args.speed(),
        runs: args.r#loop,
        witness: args.witness.as_deref(),
    };
    let packets = loaded.packets.len() as u64 * u64::from(args.r#loop);
    let style =
        ProgressStyle::with_template("{bar:40} {pos}/{len} packets {elapsed_precise} {eta}")
            .expect("the template is well formed");
    let mut progress = Progress { bar: ProgressBar::new(packets).with_style(style), packets: 0 };
    let summary = run::replay(&plan, &mut progress);
    progress.bar.finish_and_clear();
    summary
}

/// A progress bar, moved now and then.
struct Progress {
    bar: ProgressBar,
    packets: u64,
}

/// Packets between two moves of the bar.
const PROGRESS_STEP: u64 = 256;

impl Watch for Progress {
    fn packet(&mut self, _now: MonoNs, _desk: &Desk<'_>) {
        self.packets += 1;
        if self.packets.is_multiple_of(PROGRESS_STEP) {
            self.bar.inc(PROGRESS_STEP);
        }
    }
}

fn verify(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    // The chain first: a journal that was changed proves nothing by replaying equal.
    let audited = audit::verify(&args.path).map_err(CliError::could_not_run)?;
    if audited.finding.is_some() {
        let path = args.path.display();
        writeln!(out, "the journal is not whole: run `xmc audit verify {path}` for the place")?;
        return Ok(Exit::Finding);
    }
    let replayed = replay_journal(&args.path)?;
    if out.is_json() {
        out.json("xmc.replay.verify", 1, &summary::Equality::of(&replayed))?;
    } else {
        summary::Equality::of(&replayed).write(out)?;
    }
    Ok(if replayed.is_equal() { Exit::Ok } else { Exit::Finding })
}

fn replay_journal(path: &std::path::Path) -> Result<Replayed, CliError> {
    let unreadable = |error| {
        CliError::could_not_run(format!("cannot read the journal {}: {error}", path.display()))
    };
    let segments = Segments::open(path).map_err(unreadable)?;
    // Beside a single segment they may be those of others.
    let snapshots = if path.is_dir() { snapshot::list(path).map_err(unreadable)? } else { vec![] };
    replay::verify(segments.payloads(), &snapshots).map_err(CliError::could_not_run)
}

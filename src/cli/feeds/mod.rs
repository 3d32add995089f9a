//! `xmc feeds`: what feeds are worth and how their lines did: as they come, in a capture, or in a
//! journal.
//!
//! Live feeds are followed on sockets of this command's own (`live`); a capture has the packets of
//! both lines (`capture`, `score`), a journal what the desk was told (`journal`). Called by a
//! person; nothing trades on what is shown here.

mod capture;
mod day;
mod journal;
mod live;
mod score;

use super::inspect::Group;
use super::{CliError, Exit, Report};
use crate::journal::disk::EXTENSION;
use crate::journal::segment::MAGIC;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Show how feeds do: live with `--config`, in a capture, or as a journal has them.
///
/// Live: state, lines, books against the venue's snapshots, days (trades, statistics, limits),
/// market hours, without an engine, until Ctrl-C or for `--seconds`. Of a capture: which line came
/// first and by how much, what each saved. Of a journal: states of each channel and how long they
/// lasted, packets that both lines lost, how late quotes came, how often instruments move. Exit
/// code 1 if packets are missing on both lines, copies or snapshots differ, books or quotes could
/// not be used, or what is read is damaged.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["path", "config"]))]
pub struct Args {
    /// A capture with both lines in it (pcap or pcapng), or a journal: its directory, or one
    /// segment of it.
    path: Option<PathBuf>,
    /// Follow the feeds of this configuration as they come.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Live: ends after so many seconds.
    #[arg(long, value_name = "N", requires = "config",
          value_parser = clap::value_parser!(u64).range(1..))]
    seconds: Option<u64>,
    /// Live: milliseconds between two pictures.
    #[arg(long, value_name = "N", requires = "config", default_value_t = 1_000,
          value_parser = clap::value_parser!(u64).range(100..=3_600_000))]
    every_ms: u64,
    /// Of a capture, look only at this multicast group; may be repeated. The first and the second
    /// are lines A and B of one channel, and so on. Without it CME's ports and addresses tell which
    /// belong together.
    #[arg(long = "group", value_name = "ADDR[:PORT]")]
    groups: Vec<Group>,
    /// Of a capture: how long a copy is waited for before it counts as lost.
    #[arg(long, value_name = "N", default_value_t = 1_000,
          value_parser = clap::value_parser!(u64).range(1..=60_000))]
    wait_ms: u64,
    /// Of a journal: how many changes of state to show of each channel, the last ones.
    #[arg(long, value_name = "N", default_value_t = 20,
          value_parser = clap::value_parser!(u16).range(0..=1_000))]
    changes: u16,
}

/// Runs the command.
///
/// # Errors
/// `CouldNotRun` if the capture or journal cannot be read or nothing in it is recognised, `Usage`
/// for groups of a journal and for a configuration without a feed that can be followed,
/// `Configuration` if one is wrong, `Output` if the report cannot be written.
pub fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    if let Some(config) = &args.config {
        let every = Duration::from_millis(args.every_ms);
        let until = args.seconds.map(Duration::from_secs);
        return live::run(config, live::Wanted { every, until }, out);
    }
    let path = args.path.as_ref().expect("clap asks for one of the two");
    if !is_journal(path) {
        return capture::run(path, &args.groups, args.wait_ms, out);
    }
    if !args.groups.is_empty() {
        return Err(CliError::usage(format!(
            "{} is a journal, which has channels and no multicast groups: leave --group out",
            path.display()
        )));
    }
    journal::run(path, args.changes.into(), out)
}

/// A directory, a segment, or what is named like one; whatever else it is, the reader of captures
/// says what is wrong with it.
fn is_journal(path: &Path) -> bool {
    let mut start = [0; MAGIC.len()];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut start));
    let is_segment = read.is_ok() && start == MAGIC;
    let name = path.file_name().map(|name| name.to_string_lossy());
    let is_named = name.is_some_and(|name| name.contains(&format!(".{EXTENSION}")));
    path.is_dir() || is_segment || is_named
}

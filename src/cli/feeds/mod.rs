//! `xmc feeds`: how lines A and B of each channel did in a capture, hour by hour.
//!
//! Who came first and by how much, what each line had that the other lost, what was repeated, and
//! copies of one packet that differ. It reads captures; what a running engine counts is on its
//! screen. It decodes no further than a packet's header and takes no book for granted.

mod score;

use super::inspect::Group;
use super::inspect::lines::Lines;
use super::inspect::packets::walk;
use super::plan::table::Align::{Left, Right};
use super::plan::table::Table;
use super::report::Utc;
use super::{CliError, Exit, Report};
use crate::port::capture::{Capture, CaptureError};
use score::{Channel, Hour, NS_PER_HOUR, Scoreboard};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::path::PathBuf;
use xmc_hotpath::port::Line;

/// Show how lines A and B of each channel did in a capture.
///
/// Exit code 1 if packets are missing on both lines, copies differ, or the capture is damaged.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The capture file: pcap or pcapng, with both lines in it.
    capture: PathBuf,
    /// Look only at this multicast group; may be repeated. The first and the second are lines A
    /// and B of one channel, and so on. Without it CME's ports and addresses tell which belong
    /// together.
    #[arg(long = "group", value_name = "ADDR[:PORT]")]
    groups: Vec<Group>,
    /// How long a copy is waited for before it counts as lost.
    #[arg(long, value_name = "N", default_value_t = 1_000,
          value_parser = clap::value_parser!(u64).range(1..=60_000))]
    wait_ms: u64,
}

/// Runs the command.
///
/// # Errors
/// `CouldNotRun` if the capture cannot be read or nothing in it is recognised, `Output` if the
/// report cannot be written.
pub fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let capture = Capture::open(&args.capture).map_err(|error| match error {
        CaptureError::Open { .. } => CliError::could_not_run(error),
        error => CliError::could_not_run(format!("{}: {error}", args.capture.display())),
    })?;
    let mut lines = Lines::new(args.groups.clone());
    let mut board = Scoreboard::new(&args.groups, args.wait_ms * 1_000_000);
    let met = walk(&capture, &mut lines, |packet| {
        board.take(packet);
        Ok(())
    })?;
    let channels = board.finish();
    let is_sound = channels.iter().flat_map(|channel| channel.hours.values()).all(Hour::is_sound);
    if out.is_json() {
        let channels: Vec<_> = channels.iter().map(as_json).collect();
        out.json("xmc.feeds", 1, &json!({ "channels": channels }))?;
    } else {
        channels.iter().try_for_each(|channel| text(channel, out))?;
    }
    let met = met.conclude(&lines)?;
    Ok(if is_sound { met } else { Exit::Finding })
}

fn text(channel: &Channel, out: &mut impl Write) -> io::Result<()> {
    let name =
        |side: usize| channel.groups[side].map_or_else(|| "-".to_owned(), |one| one.to_string());
    writeln!(out, "\nCHANNEL A {} B {}", name(0), name(1))?;
    let columns = [
        ("hour", Left),
        ("line", Left),
        ("packets", Right),
        ("first", Right),
        ("by p50", Right),
        ("p99", Right),
        ("max ns", Right),
        ("saved", Right),
        ("gaps", Right),
        ("twice", Right),
        ("late", Right),
    ];
    let mut table = Table::new("LINES", &columns);
    for (hour, score) in &channel.hours {
        let begin = Utc(hour * NS_PER_HOUR).to_string();
        for (line, of) in Line::BOTH.into_iter().zip(&score.lines) {
            table.row([
                begin.chars().take(13).collect(),
                line.letter().to_string(),
                of.packets.to_string(),
                of.first.to_string(),
                of.lead.value_at_quantile(0.5).to_string(),
                of.lead.value_at_quantile(0.99).to_string(),
                of.most_lead_ns.to_string(),
                of.saved.to_string(),
                of.gaps_saved.to_string(),
                of.repeated.to_string(),
                of.late.to_string(),
            ]);
        }
        if !score.is_sound() {
            let (lost, diverged) = (score.lost, score.diverged);
            table.note(format!(
                "{lost} packets on neither line, {diverged} with copies that differ"
            ));
        }
    }
    table.write(out)
}

fn as_json(channel: &Channel) -> Value {
    let hours = channel.hours.iter().map(|(hour, score)| {
        let lines = Line::BOTH.into_iter().zip(&score.lines).map(|(line, of)| {
            let at = |quantile| of.lead.value_at_quantile(quantile);
            json!({
                "line": line.letter().to_string(),
                "packets": of.packets,
                "first": of.first,
                "lead_ns": {
                    "p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "max": of.most_lead_ns,
                },
                "saved": of.saved,
                "gaps_saved": of.gaps_saved,
                "repeated": of.repeated,
                "late": of.late,
            })
        });
        json!({
            "hour": Utc(hour * NS_PER_HOUR).to_string(),
            "together": score.together,
            "lost": score.lost,
            "diverged": score.diverged,
            "first_diverged": score.first_diverged,
            "lines": lines.collect::<Vec<_>>(),
        })
    });
    json!({
        "line_a": channel.groups[0].map(|group| group.to_string()),
        "line_b": channel.groups[1].map(|group| group.to_string()),
        "hours": hours.collect::<Vec<_>>(),
    })
}

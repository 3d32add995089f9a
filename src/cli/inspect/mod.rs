//! `xmc inspect`: what a capture of market data holds, as a summary or row by row.
//!
//! It shows what the engine's own decoder reads, so it is also how that decoder is compared with
//! others. It arbitrates nothing and fills no gap: rows are in capture order, both lines.

mod books;
pub(in crate::cli) mod lines;
pub(in crate::cli) mod packets;
pub(super) mod rows;
mod sequence;
mod smdp;
mod statistics;
mod summary;
pub(super) mod templates;

pub use lines::Group;
pub use templates::name as template_name;

use std::path::PathBuf;

use super::{CliError, Exit, Report};
use crate::port::capture::{Capture, CaptureError};
use lines::Lines;

/// Show what a capture of market data holds.
///
/// Reads pcap and pcapng, also compressed with gzip or Zstandard. The venue and the version of its
/// protocol are found from the bytes. CME MDP 3.0 is shown in every view, SHFE and INE SMDP 2.0 in
/// the summary and with `--messages`. Without a view: a summary per multicast group. Exit code 1 if
/// packets are missing, damaged or not understood, 2 if nothing was recognised.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The capture file.
    capture: PathBuf,
    #[command(flatten)]
    view: View,
    /// Look only at this multicast group; may be repeated. The first is line A, the second line B,
    /// and so on in turns. Without it CME's port numbers decide (14xxx and 23xxx A, 15xxx and
    /// 22xxx B), then the order of appearance.
    #[arg(long = "group", value_name = "ADDR[:PORT]")]
    groups: Vec<Group>,
}

/// What to show.
#[derive(Debug, clap::Args)]
#[group(multiple = false)]
struct View {
    /// One row per message.
    #[arg(long)]
    messages: bool,
    /// One row per market-data entry, values as on the wire.
    #[arg(long)]
    entries: bool,
    /// The books of line A after each book message, one row per instrument it touched.
    #[arg(long)]
    books: bool,
    /// What line A said of each instrument's day, at the end: trades, statistics, limits.
    #[arg(long)]
    statistics: bool,
}

/// Runs the command.
///
/// # Errors
/// `CouldNotRun` if the capture cannot be read or nothing in it is recognised, `Output` if the
/// report cannot be written.
pub fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let capture = Capture::open(&args.capture).map_err(|error| unreadable(args, error))?;
    if let Some(note) = capture.note() {
        eprintln!("note: {note}");
    }
    let mut lines = Lines::new(args.groups.clone());
    let mut found = Exit::Ok;
    let met = if args.view.messages {
        let mut is_headed = false;
        let mut met = packets::walk(&capture, &mut lines, |packet| {
            if !std::mem::replace(&mut is_headed, true) {
                rows::messages_header(out)?;
            }
            rows::messages(packet, out)
        })?;
        met.is_smdp_shown = true;
        if met.smdp > 0 {
            smdp::messages(&capture, &met, &mut lines, out)?;
        }
        met
    } else if args.view.entries {
        rows::entries_header(out)?;
        packets::walk(&capture, &mut lines, |packet| rows::entries(packet, out))?
    } else if args.view.books {
        let mut census = books::Census::default();
        packets::walk(&capture, &mut lines, |packet| {
            census.count(packet);
            Ok(())
        })?;
        // Whatever groups are chosen: definitions come on groups of their own.
        packets::walk(&capture, &mut Lines::new(Vec::new()), |packet| {
            census.define(packet);
            Ok(())
        })?;
        let mut storage = census.storage();
        let mut rebuild = books::Rebuild::new(&mut storage);
        books::Rebuild::header(out)?;
        let met = packets::walk(&capture, &mut lines, |packet| rebuild.apply(packet, out))?;
        if met.packets > 0 {
            found = rebuild.conclude();
        }
        met
    } else if args.view.statistics {
        let mut statistics = statistics::Statistics::default();
        let met = packets::walk(&capture, &mut lines, |packet| {
            statistics.take(packet);
            Ok(())
        })?;
        if met.packets > 0 {
            found = statistics.write(out)?;
        }
        met
    } else {
        let mut counts = summary::Counts::default();
        let mut met = packets::walk(&capture, &mut lines, |packet| {
            counts.count(packet);
            Ok(())
        })?;
        met.is_smdp_shown = true;
        if met.packets > 0 {
            found = counts.write(&met, out)?;
        }
        if met.smdp > 0 {
            let topics = smdp::summary(&capture, &met, &mut lines, out)?;
            found = if found == Exit::Ok { topics } else { found };
        }
        met
    };
    if met.smdp > 0 && !met.is_smdp_shown && met.packets > 0 {
        let smdp = met.smdp;
        eprintln!(
            "note: {smdp} packets are SMDP 2.0, which only the summary and `--messages` show"
        );
    }
    let passed_over = met.say_passed_over();
    let met = met.conclude(&lines)?;
    let ends = [found, passed_over, met];
    Ok(ends.into_iter().find(|&end| end != Exit::Ok).unwrap_or(Exit::Ok))
}

/// An unreadable capture, with its name where the error does not have it.
fn unreadable(args: &Args, error: CaptureError) -> CliError {
    match error {
        CaptureError::Open { .. } => CliError::could_not_run(error),
        error => CliError::could_not_run(format!("{}: {error}", args.capture.display())),
    }
}

//! `xmc decode-check`: whether two decodings of the same market data say the same.
//!
//! Each side is a capture, read by the engine's own decoder, or a table of entries in the form of
//! `xmc inspect --entries`, as another decoder writes it. Sides are compared packet by packet
//! within each stream; a packet that one side lacks is told as such, and the comparison goes on
//! behind it. Memory does not grow with the files.

mod compare;
mod row;
mod source;
mod table;

use super::inspect::Group;
use super::{CliError, Exit, Report};
use compare::{Comparison, Difference, Place};
use row::FIELDS;
use serde::Serialize;
use serde_json::json;
use source::{Side, Source, streams};
use std::io::Write;
use std::path::PathBuf;

/// Compare two decodings: two captures, or a capture and a table of entries.
///
/// A table is what `xmc inspect --entries` prints; columns that only the other side knows are left
/// out. Exit code 0 if both are equal, 1 if they differ or a side is damaged, 2 if a side cannot be
/// read or nothing was there to compare.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// One side: pcap, pcapng, or a table.
    a: PathBuf,
    /// The other.
    b: PathBuf,
    /// Look only at this multicast group of captures; may be repeated. See `xmc inspect`.
    #[arg(long = "group", value_name = "ADDR[:PORT]")]
    groups: Vec<Group>,
    /// The first sequence number that is compared.
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    from: u32,
    /// The last one: where a table ends before its capture.
    #[arg(long, value_name = "SEQ", default_value_t = u32::MAX)]
    until: u32,
    /// How many differences are shown; all are counted.
    #[arg(long, value_name = "N", default_value_t = 10)]
    show: usize,
}

/// Runs the command.
///
/// # Errors
/// `CouldNotRun` if a side cannot be read or neither holds anything that is compared, `Usage` if a
/// stream cannot be told from another or no number is within the range, `Output` if the report
/// cannot be written.
pub fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let (from, until) = (args.from, args.until);
    if from > until {
        return Err(CliError::usage(format!(
            "no number is from {from} until {until}: nothing would be compared; --from is the \
             first that is, --until the last"
        )));
    }
    let a = Source::open(&args.a, &args.groups)?;
    let b = Source::open(&args.b, &args.groups)?;
    let with_messages = a.has_messages() && b.has_messages();
    let mut all = Comparison::new(from..=until);
    let mut shown = 0;
    for stream in streams(&a, &b)? {
        let mut sides: [Box<dyn Side>; 2] =
            [a.side(&stream, with_messages)?, b.side(&stream, with_messages)?];
        let [one, other] = &mut sides;
        all.stream(&stream, &mut **one, &mut **other, &mut |difference| {
            shown += 1;
            if shown > args.show {
                return Ok(());
            }
            told(difference, out)
        })?;
    }
    let mut damaged = false;
    for (source, path) in [(&a, &args.a), (&b, &args.b)] {
        for damage in source.damage() {
            eprintln!("finding: {}: {damage}", path.display());
            damaged = true;
        }
    }
    if all.is_of_nothing() && !damaged {
        return Err(CliError::could_not_run(format!(
            "nothing was compared: no side has a packet from {from} until {until} in what was \
             chosen; say other numbers with --from and --until, or another --group"
        )));
    }
    conclude(&all, shown, args, out)?;
    Ok(if all.is_equal() && !damaged { Exit::Ok } else { Exit::Finding })
}

/// A difference as JSON.
#[derive(Serialize)]
struct DifferenceRow<'d> {
    stream: &'d str,
    kind: &'d str,
    frame_a: Option<u64>,
    frame_b: Option<u64>,
    seq: u32,
    msg_idx: Option<u32>,
    entry_idx: Option<u32>,
    field: Option<&'d str>,
    a: Option<String>,
    b: Option<String>,
}

/// One difference, for a person or a program.
fn told(difference: &Difference<'_>, out: &mut Report<'_>) -> Result<(), CliError> {
    let Difference { stream, frames, seq_no, place, .. } = *difference;
    let (msg_idx, entry_idx) = match place {
        Place::Packet => (None, None),
        Place::Row { message, entry } => (Some(message), entry),
    };
    let [frame_a, frame_b] = frames;
    if out.is_json() {
        let row = DifferenceRow {
            stream,
            kind: difference.kind(),
            frame_a,
            frame_b,
            seq: seq_no,
            msg_idx,
            entry_idx,
            field: difference.field,
            a: difference.shown(0),
            b: difference.shown(1),
        };
        return Ok(out.json("xmc.decode_check.difference", 1, &row)?);
    }
    let number = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), |n| n.to_string());
    let (frame_a, frame_b) = (number(frame_a), number(frame_b));
    write!(out, "{stream} frame {frame_a}|{frame_b} seq {seq_no}")?;
    if let Some(message) = msg_idx {
        write!(out, " message {message}")?;
    }
    if let Some(entry) = entry_idx {
        write!(out, " entry {entry}")?;
    }
    let value = |side| difference.shown(side).unwrap_or_else(|| "absent".to_owned());
    match difference.field {
        Some(field) => writeln!(out, ": {field} {} | {}", value(0), value(1))?,
        None => writeln!(out, ": {}", difference.kind().replace('_', " "))?,
    }
    Ok(())
}

/// What was compared and how it ended.
fn conclude(
    all: &Comparison,
    told: usize,
    args: &Args,
    out: &mut Report<'_>,
) -> Result<(), CliError> {
    let fields = FIELDS.iter().zip(&all.by_field).filter(|(_, count)| **count > 0);
    if out.is_json() {
        let fields: serde_json::Map<_, _> =
            fields.map(|((name, _), count)| ((*name).to_owned(), json!(count))).collect();
        let summary = json!({
            "equal": all.is_equal(),
            "packets": all.packets,
            "rows": all.rows,
            "only_in_a": all.only[0],
            "only_in_b": all.only[1],
            "rows_only_in_a": all.only_rows[0],
            "rows_only_in_b": all.only_rows[1],
            "fields": fields,
        });
        return Ok(out.json("xmc.decode_check", 1, &summary)?);
    }
    if told > args.show {
        writeln!(out, ".. and {} more", told - args.show)?;
    }
    for ((name, _), count) in fields {
        writeln!(out, "{name} differs {count} times")?;
    }
    for (side, path) in [&args.a, &args.b].into_iter().enumerate() {
        if all.only[side] + all.only_rows[side] > 0 {
            writeln!(
                out,
                "only in {}: {} packets and {} rows of others",
                path.display(),
                all.only[side],
                all.only_rows[side]
            )?;
        }
    }
    let word = if all.is_equal() { "equal" } else { "DIFFERENT" };
    writeln!(out, "{word}: {} packets, {} rows compared", all.packets, all.rows)?;
    Ok(())
}

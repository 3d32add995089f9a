//! `--messages` and `--entries`: one row per message, one row per entry of group 268.
//!
//! Values are the wire's: mantissas with their exponent, nulls as the sender wrote them; a column
//! that the template does not have is empty (absent in JSON).

use std::fmt;
use std::io::Write;

use serde::Serialize;
use xmc_hotpath::venue::cme::mdp3::view::EntryView;

use super::packets::{Packet, PacketMessage};
use super::templates;
use crate::cli::{CliError, Report};

/// First line of `--messages`.
const MESSAGES_HEADER: &str =
    "frame\tcaptured_ns\tgroup\tfeed\tseq\tsent_ns\tmsg_idx\ttemplate\tname\tversion\tsize_bytes";

/// First line of `--entries`.
const ENTRIES_HEADER: &str = "frame\tfeed\tseq\tmsg_idx\tentry_idx\ttemplate\tsecurity_id\t\
                              rpt_seq\tpx_mantissa\tpx_exp\tsize\tn_orders\tlevel\t\
                              update_action\tentry_type\taggressor\tsettl_flag";

/// A message as JSON.
#[derive(Serialize)]
struct MessageRow<'a> {
    frame: u64,
    captured_ns: u64,
    group: &'a str,
    feed: char,
    seq: u32,
    sent_ns: u64,
    msg_idx: usize,
    template: u16,
    name: &'a str,
    /// The sender's version of the schema; `version` is that of this report.
    schema_version: u16,
    size_bytes: u16,
}

/// An entry as JSON.
#[derive(Serialize)]
struct EntryRow {
    frame: u64,
    feed: char,
    seq: u32,
    msg_idx: usize,
    entry_idx: usize,
    template: u16,
    #[serde(flatten)]
    columns: Columns,
}

/// What an entry holds; absent where its template has no such field.
#[derive(Serialize)]
pub struct Columns {
    #[serde(skip_serializing_if = "Option::is_none")]
    security_id: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rpt_seq: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    px_mantissa: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    px_exp: Option<i8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n_orders: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    update_action: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entry_type: Option<char>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aggressor: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    settl_flag: Option<u8>,
}

impl From<EntryView> for Columns {
    fn from(entry: EntryView) -> Self {
        Self {
            security_id: entry.security_id,
            rpt_seq: entry.rpt_seq,
            px_mantissa: entry.price_mantissa,
            px_exp: entry.price_exponent,
            size: entry.size_lots,
            n_orders: entry.order_count,
            level: entry.level,
            update_action: entry.action,
            entry_type: entry.kind.map(char::from),
            aggressor: entry.aggressor,
            settl_flag: entry.open_close_settle,
        }
    }
}

/// A value, or nothing.
struct Cell<T>(Option<T>);

impl<T: fmt::Display> fmt::Display for Cell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |value| value.fmt(f))
    }
}

/// Writes the header of `--messages`; JSON lines have none.
pub fn messages_header(out: &mut Report<'_>) -> Result<(), CliError> {
    header(out, MESSAGES_HEADER)
}

/// Writes the header of `--entries`; JSON lines have none.
pub fn entries_header(out: &mut Report<'_>) -> Result<(), CliError> {
    header(out, ENTRIES_HEADER)
}

fn header(out: &mut Report<'_>, text: &str) -> Result<(), CliError> {
    if !out.is_json() {
        writeln!(out, "{text}")?;
    }
    Ok(())
}

/// One row per message.
pub fn messages(packet: &Packet<'_>, out: &mut Report<'_>) -> Result<(), CliError> {
    let group = packet.group.to_string();
    for message in packet.messages() {
        let PacketMessage { index, template_id, version, size_bytes, .. } = message;
        let name = templates::name(template_id);
        if out.is_json() {
            let row = MessageRow {
                frame: packet.frame,
                captured_ns: packet.captured.0,
                group: &group,
                feed: packet.feed(),
                seq: packet.seq_no,
                sent_ns: packet.sent.0,
                msg_idx: index,
                template: template_id,
                name,
                schema_version: version,
                size_bytes,
            };
            out.json("xmc.inspect.message", 1, &row)?;
            continue;
        }
        writeln!(
            out,
            "{}\t{}\t{group}\t{}\t{}\t{}\t{index}\t{template_id}\t{name}\t{version}\t{size_bytes}",
            packet.frame,
            packet.captured.0,
            packet.feed(),
            packet.seq_no,
            packet.sent.0,
        )?;
    }
    Ok(())
}

/// One row per entry of group 268.
pub fn entries(packet: &Packet<'_>, out: &mut Report<'_>) -> Result<(), CliError> {
    for message in packet.messages() {
        for (entry_idx, entry) in message.decoded.entry_views().enumerate() {
            let row = EntryRow {
                frame: packet.frame,
                feed: packet.feed(),
                seq: packet.seq_no,
                msg_idx: message.index,
                entry_idx,
                template: message.template_id,
                columns: entry.into(),
            };
            if out.is_json() {
                out.json("xmc.inspect.entry", 1, &row)?;
            } else {
                writeln!(out, "{row}")?;
            }
        }
    }
    Ok(())
}

/// In the order of `ENTRIES_HEADER`.
impl fmt::Display for EntryRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { frame, feed, seq, msg_idx, entry_idx, template, columns } = self;
        write!(f, "{frame}\t{feed}\t{seq}\t{msg_idx}\t{entry_idx}\t{template}\t{columns}")
    }
}

impl fmt::Display for Columns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}",
            Cell(self.security_id),
            Cell(self.rpt_seq),
            Cell(self.px_mantissa),
            Cell(self.px_exp),
            Cell(self.size),
            Cell(self.n_orders),
            Cell(self.level),
            Cell(self.update_action),
            Cell(self.entry_type),
            Cell(self.aggressor),
            Cell(self.settl_flag),
        )
    }
}

//! `--statistics`: what line A has said of each instrument's day, as it is at the end of the
//! capture: trades, busts, statistics, limits.
//!
//! Lines are not arbitrated, so a gap is a finding. A channel reset empties all days of its line,
//! and so does a new count; a restart of statistics is followed where it names an instrument,
//! because without definitions nobody knows who is in a group. A group of snapshots shows what
//! those say.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddrV4;

use serde::Serialize;
use xmc_hotpath::book::Day;
use xmc_hotpath::port::Line;
use xmc_hotpath::venue::cme::mdp3::day;
use xmc_hotpath::venue::cme::mdp3::decode::{Message, present};
use xmc_hotpath::venue::cme::mdp3::layout::TradingEvent;

use super::packets::Packet;
use super::sequence::{Sequence, Step};
use crate::cli::day::{COLUMNS, DayView};
use crate::cli::{CliError, Exit, Report};

/// The days of one line A.
#[derive(Default)]
struct Channel {
    days: BTreeMap<i32, Day>,
    sequence: Sequence,
    /// It brings snapshots: they begin again with every loop, and each says all by itself.
    has_snapshots: bool,
}

/// The days of all lines A.
#[derive(Default)]
pub struct Statistics {
    channels: BTreeMap<SocketAddrV4, Channel>,
    gaps: u64,
    first_gap: Option<(u64, u32)>,
}

#[derive(Serialize)]
struct DayRow {
    group: SocketAddrV4,
    security_id: i32,
    #[serde(flatten)]
    day: DayView,
}

impl Statistics {
    /// Takes one packet.
    pub fn take(&mut self, packet: &Packet<'_>) {
        if packet.line != Some(Line::A) {
            return;
        }
        let channel = self.channels.entry(packet.group).or_default();
        let missing = match channel.sequence.step(packet.seq_no, packet.sent) {
            Step::Next => 0,
            Step::Gap { missing } => missing,
            Step::Restart { missing } => {
                if !channel.has_snapshots {
                    channel.forget();
                }
                missing
            }
            Step::Repeated => return,
        };
        if missing > 0 {
            self.gaps += 1;
            self.first_gap.get_or_insert((packet.frame, packet.seq_no));
        }
        packet.messages().for_each(|message| channel.take(&message.decoded));
    }

    /// Writes a row per instrument. A gap is a finding, and so is a capture without a line A.
    ///
    /// # Errors
    /// What the output says.
    pub fn write(&self, out: &mut Report<'_>) -> Result<Exit, CliError> {
        if !out.is_json() {
            writeln!(out, "group\tsecurity_id\t{}", COLUMNS.join("\t"))?;
        }
        for (group, channel) in &self.channels {
            for (security_id, day) in &channel.days {
                let day = DayView::of(day);
                if out.is_json() {
                    let row = DayRow { group: *group, security_id: *security_id, day };
                    out.json("xmc.inspect.statistics", 1, &row)?;
                } else {
                    writeln!(out, "{group}\t{security_id}\t{}", day.cells().join("\t"))?;
                }
            }
        }
        if self.channels.is_empty() {
            eprintln!("finding: no group is line A: name it first with `--group`");
            return Ok(Exit::Finding);
        }
        let Some((frame, seq_no)) = self.first_gap else { return Ok(Exit::Ok) };
        eprintln!(
            "finding: {} gaps in line A, the first before sequence {seq_no} in frame {frame}: days \
             may lack what was in them",
            self.gaps
        );
        Ok(Exit::Finding)
    }
}

impl Channel {
    /// What was said of the days is void.
    fn forget(&mut self) {
        self.days.values_mut().for_each(|day| *day = Day::UNKNOWN);
    }

    fn take(&mut self, message: &Message<'_>) {
        match message {
            Message::Reset(_) => self.forget(),
            Message::Status(root)
                if TradingEvent::from_wire(root.trading_event)
                    == Some(TradingEvent::ResetStatistics) =>
            {
                let id = present(root.security_id.get());
                if let Some(day) = id.and_then(|id| self.days.get_mut(&id)) {
                    day.restart_session();
                }
            }
            _ => {
                self.has_snapshots |= matches!(message, Message::Snapshot(_));
                day::each(message, |security_id, note| {
                    note(self.days.entry(security_id).or_insert(Day::UNKNOWN));
                });
            }
        }
    }
}

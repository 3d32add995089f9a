//! The sides of a comparison: captures and tables, as streams of packets.
//!
//! A stream of a capture is a multicast group. A table knows lines alone, so beside a table the
//! groups of a capture go by their line's letter, and there may be one group of each.

use super::row::{Row, rows};
use super::table::Table;
use crate::cli::CliError;
use crate::cli::inspect::lines::Lines;
use crate::cli::inspect::packets::{Met, Walk};
use crate::cli::inspect::{Group, packets};
use crate::port::capture::{Capture, CaptureError};
use std::collections::BTreeMap;
use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};

/// One packet of a stream: all that was decoded of it.
#[derive(Clone, Debug, Default)]
pub struct PacketRows {
    /// Its frame, if the side knows it.
    pub frame: Option<u64>,
    /// `MsgSeqNum`.
    pub seq_no: u32,
    /// In the order of their keys.
    pub rows: Vec<Row>,
}

/// One side of one stream.
pub trait Side {
    /// Puts the next packet that has rows into `packet`; false at the end.
    ///
    /// # Errors
    /// `CouldNotRun` if the side cannot be read further.
    fn next(&mut self, packet: &mut PacketRows) -> Result<bool, CliError>;

    /// Whether the side has a field at all.
    fn has(&self, field: usize) -> bool;
}

/// A file of one of the kinds.
pub enum Source {
    /// Frames.
    Capture(Captured),
    /// Entries of another decoder.
    Table(Table),
}

/// A capture, and the lines in it.
pub struct Captured {
    capture: Capture,
    path: PathBuf,
    groups: Vec<Group>,
    /// The groups that carry market data, with their line's letter.
    found: BTreeMap<SocketAddrV4, char>,
    met: Met,
    lines: Lines,
}

impl Source {
    /// Opens a file, whatever it is of the two.
    ///
    /// # Errors
    /// `CouldNotRun` if it cannot be read, is neither, or holds no market data.
    pub fn open(path: &Path, groups: &[Group]) -> Result<Self, CliError> {
        let shown = path.display();
        match Capture::open(path) {
            Ok(capture) => Captured::new(capture, path, groups).map(Self::Capture),
            Err(CaptureError::NotACapture { .. }) => Table::open(path)
                .map(Self::Table)
                .map_err(|error| CliError::could_not_run(format!("{shown}: {error}"))),
            Err(error @ CaptureError::Open { .. }) => Err(CliError::could_not_run(error)),
            Err(error) => Err(CliError::could_not_run(format!("{shown}: {error}"))),
        }
    }

    /// Whether it has messages without entries.
    pub fn has_messages(&self) -> bool {
        matches!(self, Self::Capture(_))
    }

    /// What of it could not be read.
    pub fn damage(&self) -> Vec<String> {
        match self {
            Self::Capture(captured) => captured.met.faults(),
            Self::Table(_) => Vec::new(),
        }
    }

    /// One stream of it, from the beginning.
    ///
    /// # Errors
    /// `CouldNotRun` if it cannot be read.
    pub fn side<'s>(
        &'s self,
        stream: &Stream,
        with_messages: bool,
    ) -> Result<Box<dyn Side + 's>, CliError> {
        Ok(match self {
            Self::Capture(captured) => Box::new(CaptureSide {
                walk: Walk::new(&captured.capture),
                lines: captured.lines(),
                stream: stream.clone(),
                with_messages,
            }),
            Self::Table(table) => Box::new(table.side(stream.letter())?),
        })
    }
}

impl Captured {
    fn new(capture: Capture, path: &Path, groups: &[Group]) -> Result<Self, CliError> {
        let mut lines = Lines::new(groups.to_vec());
        let mut found = BTreeMap::new();
        let met = packets::walk(&capture, &mut lines, |packet| {
            found.insert(packet.group, packet.feed());
            Ok(())
        })?;
        if found.is_empty() {
            let message = format!("{}: {}", path.display(), met.nothing());
            return Err(CliError::could_not_run(message));
        }
        let (groups, path) = (groups.to_vec(), path.to_owned());
        Ok(Self { capture, path, groups, found, met, lines })
    }

    /// The lines as the first walk has found them.
    fn lines(&self) -> Lines {
        let mut lines = Lines::new(self.groups.clone());
        // The order of appearance decides, so it is gone through once more.
        self.lines.in_order().for_each(|target| {
            lines.line(target);
        });
        lines
    }
}

/// Which packets are compared with each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Those of a group.
    Group(SocketAddrV4, char),
    /// Those of a line.
    Letter(char),
}

impl Stream {
    fn letter(&self) -> char {
        let (Self::Group(_, letter) | Self::Letter(letter)) = self;
        *letter
    }

    /// What it is called.
    pub fn name(&self) -> String {
        match self {
            Self::Group(group, _) => group.to_string(),
            Self::Letter(letter) => format!("line {letter}"),
        }
    }

    fn holds(&self, group: SocketAddrV4, letter: char) -> bool {
        match self {
            Self::Group(wanted, _) => *wanted == group,
            Self::Letter(wanted) => *wanted == letter,
        }
    }
}

/// The streams of two sides together.
///
/// # Errors
/// `Usage` if beside a table two groups of a capture have one letter.
pub fn streams(a: &Source, b: &Source) -> Result<Vec<Stream>, CliError> {
    if let (Source::Capture(a), Source::Capture(b)) = (a, b) {
        let mut all = a.found.clone();
        all.extend(&b.found);
        return Ok(all.into_iter().map(|(group, letter)| Stream::Group(group, letter)).collect());
    }
    let mut letters = Vec::new();
    for source in [a, b] {
        match source {
            Source::Table(table) => letters.extend(table.letters()),
            Source::Capture(captured) => {
                let mut seen: Vec<char> = Vec::new();
                for (group, letter) in &captured.found {
                    if seen.contains(letter) {
                        let path = captured.path.display();
                        return Err(CliError::usage(format!(
                            "{path}: {group} is not the only group that is line {letter}, and a \
                             table knows lines alone: choose the groups of one channel with \
                             --group"
                        )));
                    }
                    seen.push(*letter);
                }
                letters.extend(seen);
            }
        }
    }
    letters.sort_unstable();
    letters.dedup();
    Ok(letters.into_iter().map(Stream::Letter).collect())
}

struct CaptureSide<'c> {
    walk: Walk<'c>,
    lines: Lines,
    stream: Stream,
    with_messages: bool,
}

impl Side for CaptureSide<'_> {
    fn next(&mut self, packet: &mut PacketRows) -> Result<bool, CliError> {
        packet.rows.clear();
        while let Some(found) = self.walk.next(&mut self.lines) {
            if !self.stream.holds(found.group, found.feed()) {
                continue;
            }
            for message in found.messages() {
                packet.rows.extend(rows(found.frame, &message, self.with_messages));
            }
            if !packet.rows.is_empty() {
                (packet.frame, packet.seq_no) = (Some(found.frame), found.seq_no);
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn has(&self, field: usize) -> bool {
        // Two captures of the same packets number their frames each for itself.
        field != 0 || !self.with_messages
    }
}

//! `--books`: the production books after each book message, one row per instrument it touched.
//!
//! Books are built from the incremental messages of line A alone, from nothing: what was in them
//! before the capture began is not known, and places above it stay empty. Snapshots are not read
//! and lines not arbitrated, so a gap makes everything after it doubtful; it is a finding. Where
//! counting begins again all books do. An instrument has as many levels as its definition says, in
//! whatever group of the capture that is; without one it has ten, and two implied. Prices
//! are the wire's mantissas: books hold them in 1e-9, and the exponent of the message turns them
//! back without loss.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::io::Write;
use std::net::SocketAddrV4;

use serde::Serialize;
use xmc_hotpath::book::{
    BookError, Books, IMPLIED_LEVELS, Instrument, Level, OUTRIGHT_LEVELS, Slot,
};
use xmc_hotpath::port::Line;
use xmc_hotpath::venue::cme::mdp3::decode::{BookUpdate, Message, PriceScale};
use xmc_hotpath::venue::cme::mdp3::feed::{self, Instruction};
use xmc_hotpath::venue::cme::mdp3::layout::BookEntry;

use super::packets::{Defined, Packet, PacketMessage};
use super::sequence::{Sequence, Step};
use crate::cli::{CliError, Exit, Report};

const HEADER: &str = "seq\tmsg_idx\tsecurity_id\trpt_seq\tbids(px_mantissa:qty:norders;...)\t\
                      asks\timplied_bids(px:qty)\timplied_asks";

/// The instruments of each line A, and how deep instruments are, found by a first walk: books have
/// rooms of a fixed number.
#[derive(Default)]
pub struct Census {
    lines: BTreeMap<SocketAddrV4, HashSet<i32>>,
    /// As the last definition of each has them.
    defined: HashMap<i32, Defined>,
}

impl Census {
    /// Takes one packet of a chosen group.
    pub fn count(&mut self, packet: &Packet<'_>) {
        if packet.line != Some(Line::A) {
            return;
        }
        let ids = self.lines.entry(packet.group).or_default();
        for message in packet.messages() {
            if let Message::Book(update) = message.decoded {
                ids.extend(update.entries.map(|entry| entry.security_id.get()));
            }
        }
    }

    /// Takes what one packet of any group defines.
    pub fn define(&mut self, packet: &Packet<'_>) {
        let defined = packet.messages().filter_map(|message| message.defined());
        self.defined.extend(defined.map(|defined| (defined.security_id, defined)));
    }

    /// Rooms for the books of all instruments.
    pub fn storage(&self) -> Vec<Storage> {
        self.lines
            .iter()
            .map(|(&group, ids)| Storage {
                group,
                rows: vec![Instrument::EMPTY; ids.len()],
                slots: vec![Slot::FREE; (ids.len() * 2).next_power_of_two().max(2)],
                depths: ids.iter().map(|&id| (id, self.defined.get(&id).copied())).collect(),
            })
            .collect()
    }
}

/// Where the books of one channel lie.
pub struct Storage {
    group: SocketAddrV4,
    rows: Vec<Instrument>,
    slots: Vec<Slot>,
    depths: Vec<(i32, Option<Defined>)>,
}

impl Storage {
    /// Empty books of all instruments, each as deep as it is defined.
    fn books(&mut self) -> Books<'_> {
        let books = Books::new(&mut self.rows, &mut self.slots);
        let mut books = books.expect("`Census::storage` sizes rows and slots as books demand");
        for (security_id, defined) in &self.depths {
            let row = books.add(*security_id, None);
            let instrument = row.and_then(|row| books.get_mut(row));
            let instrument = instrument.expect("`Census::storage` has a row for each instrument");
            if let Some(Defined { depth, implied_depth, .. }) = *defined {
                instrument.set_depth(
                    depth.unwrap_or(OUTRIGHT_LEVELS as u8),
                    implied_depth.unwrap_or(IMPLIED_LEVELS as u8),
                );
            }
        }
        books
    }
}

/// The books of one line A.
struct Channel<'a> {
    books: Books<'a>,
    sequence: Sequence,
}

/// All books, and what went wrong with them.
pub struct Rebuild<'a> {
    channels: BTreeMap<SocketAddrV4, Channel<'a>>,
    gaps: u64,
    first_gap: Option<(u64, u32)>,
    restarts: u64,
    first_restart: Option<u64>,
    refused: u64,
    first_refused: Option<(u64, i32, BookError)>,
}

impl<'a> Rebuild<'a> {
    /// Empty books.
    pub fn new(storage: &'a mut [Storage]) -> Self {
        let channels = storage.iter_mut().map(|storage| {
            let group = storage.group;
            (group, Channel { books: storage.books(), sequence: Sequence::default() })
        });
        Self {
            channels: channels.collect(),
            gaps: 0,
            first_gap: None,
            restarts: 0,
            first_restart: None,
            refused: 0,
            first_refused: None,
        }
    }

    /// Writes the header; JSON lines have none.
    pub fn header(out: &mut Report<'_>) -> Result<(), CliError> {
        if !out.is_json() {
            writeln!(out, "{HEADER}")?;
        }
        Ok(())
    }

    /// Applies one packet and writes a row per message and touched instrument.
    pub fn apply(&mut self, packet: &Packet<'_>, out: &mut Report<'_>) -> Result<(), CliError> {
        let Some(channel) = self.channels.get_mut(&packet.group) else { return Ok(()) };
        let missing = match channel.sequence.step(packet.seq_no, packet.sent) {
            Step::Next => 0,
            Step::Gap { missing } => missing,
            Step::Restart { missing } => {
                channel.books.iter_mut().for_each(Instrument::clear);
                self.restarts += 1;
                self.first_restart.get_or_insert(packet.frame);
                missing
            }
            Step::Repeated => return Ok(()),
        };
        if missing > 0 {
            self.gaps += 1;
            self.first_gap.get_or_insert((packet.frame, packet.seq_no));
        }
        for message in packet.messages() {
            match message.decoded {
                Message::Book(update) => {
                    let refused = channel.update(packet, &message, &update, out)?;
                    for (security_id, error) in refused {
                        self.refused += 1;
                        self.first_refused.get_or_insert((packet.frame, security_id, error));
                    }
                }
                Message::Reset(_) => channel.books.iter_mut().for_each(Instrument::clear),
                _ => {}
            }
        }
        Ok(())
    }

    /// Says on stderr why the books are to be doubted, if they are.
    pub fn conclude(&self) -> Exit {
        let mut exit = Exit::Ok;
        if self.channels.is_empty() {
            eprintln!("finding: no group is line A: name it first with `--group`");
            exit = Exit::Finding;
        }
        if let Some(frame) = self.first_restart {
            eprintln!(
                "note: line A counts anew {} times, the first in frame {frame}: all books are \
                 empty there",
                self.restarts
            );
        }
        if let Some((frame, seq_no)) = self.first_gap {
            eprintln!(
                "finding: {} gaps in line A, the first before sequence {seq_no} in frame {frame}: \
                 rows from there on may be wrong",
                self.gaps
            );
            exit = Exit::Finding;
        }
        if let Some((frame, security_id, error)) = self.first_refused {
            eprintln!(
                "finding: {} entries do not fit their book, the first is of {security_id} in \
                 frame {frame}: {}",
                self.refused,
                why(error)
            );
            exit = Exit::Finding;
        }
        exit
    }
}

impl Channel<'_> {
    /// Applies one book message, then writes the instruments it touched in the order of their
    /// first entry; gives back the entries that did not fit.
    fn update(
        &mut self,
        packet: &Packet<'_>,
        message: &PacketMessage<'_>,
        update: &BookUpdate<'_>,
        out: &mut Report<'_>,
    ) -> Result<Vec<(i32, BookError)>, CliError> {
        let mut touched: Vec<(i32, u32)> = Vec::new();
        let mut refused = Vec::new();
        for entry in update.entries {
            let (security_id, rpt_seq) = (entry.security_id.get(), entry.rpt_seq.get());
            match touched.iter_mut().find(|(id, _)| *id == security_id) {
                Some((_, last)) => *last = rpt_seq,
                None => touched.push((security_id, rpt_seq)),
            }
            let row = self.books.find(security_id);
            let instrument = row.and_then(|row| self.books.get_mut(row));
            let instrument = instrument.expect("the census has counted every instrument");
            match apply(instrument, update.scale, entry) {
                // A level from before the capture, which was never seen.
                Ok(()) | Err(BookError::Vacant) => {}
                Err(error) => refused.push((security_id, error)),
            }
        }
        for (security_id, rpt_seq) in touched {
            let row = self.books.find(security_id);
            let instrument = row.and_then(|row| self.books.get(row));
            let instrument = instrument.expect("the loop above has found it");
            let row = BookRow {
                seq: packet.seq_no,
                msg_idx: message.index,
                security_id,
                rpt_seq,
                px_exp: update.scale.exponent(),
                bids: levels(instrument.bids().levels(), update.scale),
                asks: levels(instrument.asks().levels(), update.scale),
                implied_bids: levels(instrument.implied_bids().levels(), update.scale),
                implied_asks: levels(instrument.implied_asks().levels(), update.scale),
            };
            if out.is_json() {
                out.json("xmc.inspect.book", 1, &row)?;
            } else {
                writeln!(out, "{row}")?;
            }
        }
        Ok(refused)
    }
}

/// What is wrong with an entry.
fn why(error: BookError) -> &'static str {
    match error {
        BookError::Level => "its level is 0 or deeper than the book",
        BookError::Lots => "it is without lots",
        BookError::Price => "it is without a price, or the price is out of range",
        BookError::Unknown => "its action or its kind means nothing known",
        BookError::Vacant => "its level is not there",
        BookError::OtherPrice => "its level has another price here",
        BookError::Inferred => "it deletes a range, which the exchange does not define",
    }
}

/// Carries out one entry.
fn apply(
    instrument: &mut Instrument,
    scale: PriceScale,
    entry: &BookEntry,
) -> Result<(), BookError> {
    match feed::instruction(entry, scale).map_err(|_| BookError::Price)? {
        Instruction::Level(side, change) => instrument.apply(side, &change),
        Instruction::Empty => {
            instrument.empty();
            Ok(())
        }
        Instruction::Nothing => Ok(()),
        Instruction::Unknown => Err(BookError::Unknown),
    }
}

/// Mantissa, lots, orders of each place; orders are 0 where the venue does not tell them.
type Places = Vec<Option<(i64, u32, u32)>>;

fn levels(levels: &[Level], scale: PriceScale) -> Places {
    let unit_e9 = match scale {
        PriceScale::E7 => 100,
        PriceScale::E9 => 1,
    };
    levels
        .iter()
        .map(|level| {
            level.is_present().then_some((level.price_e9 / unit_e9, level.lots, level.orders))
        })
        .collect()
}

/// One row.
#[derive(Serialize)]
struct BookRow {
    seq: u32,
    msg_idx: usize,
    security_id: i32,
    rpt_seq: u32,
    px_exp: i8,
    bids: Places,
    asks: Places,
    implied_bids: Places,
    implied_asks: Places,
}

impl fmt::Display for BookRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\t{}\t{}\t{}\t", self.seq, self.msg_idx, self.security_id, self.rpt_seq)?;
        outright(f, &self.bids)?;
        f.write_str("\t")?;
        outright(f, &self.asks)?;
        f.write_str("\t")?;
        implied(f, &self.implied_bids)?;
        f.write_str("\t")?;
        implied(f, &self.implied_asks)
    }
}

fn outright(f: &mut fmt::Formatter<'_>, places: &Places) -> fmt::Result {
    joined(f, places, |f, (mantissa, lots, orders)| write!(f, "{mantissa}:{lots}:{orders}"))
}

fn implied(f: &mut fmt::Formatter<'_>, places: &Places) -> fmt::Result {
    joined(f, places, |f, (mantissa, lots, _)| write!(f, "{mantissa}:{lots}"))
}

fn joined(
    f: &mut fmt::Formatter<'_>,
    places: &Places,
    one: impl Fn(&mut fmt::Formatter<'_>, (i64, u32, u32)) -> fmt::Result,
) -> fmt::Result {
    for (index, place) in places.iter().enumerate() {
        if index > 0 {
            f.write_str(";")?;
        }
        match place {
            Some(level) => one(f, *level)?,
            None => f.write_str("-")?,
        }
    }
    Ok(())
}

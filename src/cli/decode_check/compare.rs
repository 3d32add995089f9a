//! Two sides of a stream against each other, packet by packet and row by row.

use super::row::{FIELDS, Key, Row, shown};
use super::source::{PacketRows, Side, Stream};
use crate::cli::CliError;
use std::cmp::Ordering;
use std::ops::RangeInclusive;

/// Where in its packet a difference is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The packet as a whole.
    Packet,
    /// One row of it.
    Row {
        /// The message, from 0.
        message: u32,
        /// The entry, from 0; `None`: the message as a whole.
        entry: Option<u32>,
    },
}

/// One difference.
#[derive(Clone, Copy, Debug)]
pub struct Difference<'d> {
    /// The stream.
    pub stream: &'d str,
    /// The frame of each side that has the packet and knows it.
    pub frames: [Option<u64>; 2],
    /// The packet.
    pub seq_no: u32,
    /// Where in it.
    pub place: Place,
    /// The field; `None` if only one side has what is there at all.
    pub field: Option<&'static str>,
    /// The field's place, and both values.
    values: (usize, [Option<i64>; 2]),
    /// The side that has it, if only one has.
    only: usize,
}

impl Difference<'_> {
    /// What kind of difference it is.
    pub fn kind(&self) -> &'static str {
        match (self.field, self.place, self.only) {
            (Some(_), ..) => "value",
            (None, Place::Packet, 0) => "packet_only_in_a",
            (None, Place::Packet, _) => "packet_only_in_b",
            (None, Place::Row { .. }, 0) => "row_only_in_a",
            (None, Place::Row { .. }, _) => "row_only_in_b",
        }
    }

    /// The value of a side as text.
    pub fn shown(&self, side: usize) -> Option<String> {
        let (field, values) = self.values;
        Some(shown(field, (*values.get(side)?)?))
    }
}

/// Who is told of each difference.
type Tell<'t> = &'t mut dyn FnMut(&Difference<'_>) -> Result<(), CliError>;

/// What was compared and found so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The packets that are compared, by their number.
    range: RangeInclusive<u32>,
    /// Packets that both sides have.
    pub packets: u64,
    /// Rows that both sides have.
    pub rows: u64,
    /// Packets that only one side has.
    pub only: [u64; 2],
    /// Rows that only one side has, of packets that both have.
    pub only_rows: [u64; 2],
    /// Different values, by field.
    pub by_field: [u64; FIELDS.len()],
}

/// The packet that each side stands at.
struct Heads {
    packets: [PacketRows; 2],
    is_there: [bool; 2],
}

impl Comparison {
    /// Of packets whose numbers are within `range`.
    pub fn new(range: RangeInclusive<u32>) -> Self {
        let (only, only_rows, by_field) = ([0; 2], [0; 2], [0; FIELDS.len()]);
        Self { range, packets: 0, rows: 0, only, only_rows, by_field }
    }

    /// The next packet of a side within the range; false at the end.
    fn advance(&self, side: &mut dyn Side, packet: &mut PacketRows) -> Result<bool, CliError> {
        while side.next(packet)? {
            if self.range.contains(&packet.seq_no) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether nothing was different.
    pub fn is_equal(&self) -> bool {
        let found = [self.only, self.only_rows];
        found.iter().flatten().chain(&self.by_field).all(|count| *count == 0)
    }

    /// Whether no side had a packet within the range.
    pub fn is_of_nothing(&self) -> bool {
        self.packets == 0 && self.only == [0; 2]
    }

    /// Compares one stream from its beginning to its end.
    ///
    /// # Errors
    /// What a side or `tell` returns.
    pub fn stream(
        &mut self,
        stream: &Stream,
        a: &mut dyn Side,
        b: &mut dyn Side,
        tell: Tell<'_>,
    ) -> Result<(), CliError> {
        let name = stream.name();
        let fields: Vec<usize> =
            (0..FIELDS.len()).filter(|field| a.has(*field) && b.has(*field)).collect();
        let mut heads = Heads { packets: Default::default(), is_there: [false; 2] };
        heads.is_there[0] = self.advance(a, &mut heads.packets[0])?;
        heads.is_there[1] = self.advance(b, &mut heads.packets[1])?;
        // The last that both had: packets are ordered by how far they are beyond it.
        let mut last = 0_u32;
        loop {
            let beyond = |side: usize| heads.packets[side].seq_no.wrapping_sub(last);
            let order = match heads.is_there {
                [false, false] => return Ok(()),
                [true, false] => Ordering::Less,
                [false, true] => Ordering::Greater,
                [true, true] => beyond(0).cmp(&beyond(1)),
            };
            if order.is_eq() {
                last = heads.packets[0].seq_no;
                self.packets += 1;
                self.packet(&name, &heads.packets, &fields, tell)?;
            } else {
                let side = usize::from(order.is_gt());
                self.only[side] += 1;
                let mut frames = [None; 2];
                frames[side] = heads.packets[side].frame;
                tell(&Difference {
                    stream: &name,
                    frames,
                    seq_no: heads.packets[side].seq_no,
                    place: Place::Packet,
                    field: None,
                    values: (0, [None; 2]),
                    only: side,
                })?;
            }
            if order.is_le() {
                heads.is_there[0] = self.advance(a, &mut heads.packets[0])?;
            }
            if order.is_ge() {
                heads.is_there[1] = self.advance(b, &mut heads.packets[1])?;
            }
        }
    }

    /// Compares a packet that both sides have.
    fn packet(
        &mut self,
        stream: &str,
        packets: &[PacketRows; 2],
        fields: &[usize],
        tell: Tell<'_>,
    ) -> Result<(), CliError> {
        let [a, b] = packets;
        let difference = |key: Key| Difference {
            stream,
            frames: [a.frame, b.frame],
            seq_no: a.seq_no,
            place: Place::Row { message: key.message, entry: key.entry },
            field: None,
            values: (0, [None; 2]),
            only: 0,
        };
        let (mut ours, mut theirs) = (a.rows.iter().peekable(), b.rows.iter().peekable());
        loop {
            let order = match (ours.peek(), theirs.peek()) {
                (None, None) => return Ok(()),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(one), Some(other)) => one.key.cmp(&other.key),
            };
            let one = if order.is_le() { ours.next() } else { None };
            let other = if order.is_ge() { theirs.next() } else { None };
            match (one, other) {
                (Some(one), Some(other)) => {
                    self.rows += 1;
                    self.row(difference(one.key), one, other, fields, tell)?;
                }
                (Some(row), None) | (None, Some(row)) => {
                    let only = usize::from(order.is_gt());
                    self.only_rows[only] += 1;
                    tell(&Difference { only, ..difference(row.key) })?;
                }
                (None, None) => return Ok(()),
            }
        }
    }

    fn row(
        &mut self,
        difference: Difference<'_>,
        one: &Row,
        other: &Row,
        fields: &[usize],
        tell: Tell<'_>,
    ) -> Result<(), CliError> {
        for field in fields {
            let values = [one.values[*field], other.values[*field]];
            if values[0] != values[1] {
                self.by_field[*field] += 1;
                let name = FIELDS[*field].0;
                tell(&Difference { field: Some(name), values: (*field, values), ..difference })?;
            }
        }
        Ok(())
    }
}

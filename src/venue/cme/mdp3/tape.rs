//! Packets of a capture as an endless tape: each pass looks to the feed like new packets.
//!
//! A pass begins with a channel reset, as the exchange sends one; packet numbers go on over all
//! passes, and the numbers of each instrument's entries begin at 1 again. Only those numbers are
//! rewritten: every other byte is the capture's. Used by `xmc latency`, which needs more packets
//! than a capture holds. Packets come one at a time, when `admit` lets them.

use super::{EventMark, Generation, PacketBuilder};
use std::collections::HashMap;
use std::mem::offset_of;
use xmc_hotpath::port::{Datagram, Line, RxPort};
use xmc_hotpath::time::{Clock, MonoNs};
use xmc_hotpath::venue::cme::mdp3::decode::{self, Message};
use xmc_hotpath::venue::cme::mdp3::layout::{
    BookEntry, DailyStatisticsEntry, LimitsEntry, SessionStatisticsEntry, TradeEntry, VolumeEntry,
};

/// Where one packet lies, and its number within a pass.
#[derive(Clone, Copy, Debug)]
struct Stored {
    start: usize,
    len: usize,
    line: Line,
    /// 0 is the reset.
    number: u32,
}

/// The tape.
#[derive(Clone, Debug)]
pub struct Tape<C> {
    clock: C,
    bytes: Vec<u8>,
    packets: Vec<Stored>,
    /// Packet numbers that a pass takes.
    numbers: u32,
    /// The number of this pass's reset.
    base: u32,
    next: usize,
    is_admitted: bool,
    seen: Option<MonoNs>,
    passes: u64,
}

/// The packets cannot be made into a tape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TapeError {
    /// There is none.
    #[error("there are no packets to loop: give a capture of MDP 3.0 increments")]
    Empty,
    /// The numbers jump further than a tape is long.
    #[error(
        "packet {0} does not follow from those before: give a capture of one channel without gaps"
    )]
    Numbering(u32),
}

impl<C: Clock> Tape<C> {
    /// A tape of `packets`: their line and payload, in the order of their arrival. What does not
    /// decode is left as it is.
    ///
    /// # Errors
    /// See `TapeError`.
    pub fn new(clock: C, packets: &[(Line, Vec<u8>)]) -> Result<Self, TapeError> {
        let numbered = packets.iter().filter_map(|(line, payload)| {
            let packet = decode::packet(payload).ok()?;
            Some((*line, packet.seq_no(), payload))
        });
        let numbered: Vec<_> = numbered.collect();
        let first = numbered.iter().map(|(_, seq_no, _)| *seq_no).min().ok_or(TapeError::Empty)?;
        let last = numbered.iter().map(|(_, seq_no, _)| *seq_no).max().unwrap_or(first);
        if usize::try_from(last - first).is_ok_and(|span| span > numbered.len()) {
            return Err(TapeError::Numbering(last));
        }
        let mut tape = Self {
            clock,
            bytes: Vec::new(),
            packets: Vec::new(),
            numbers: last - first + 2,
            base: 1,
            next: 0,
            is_admitted: false,
            seen: None,
            passes: 0,
        };
        let reset = PacketBuilder::new(Generation::V6, 1, 0).reset(EventMark::end(0), 0);
        let reset = reset.finish();
        for line in Line::BOTH {
            tape.push(line, 0, &reset);
        }
        let mut firsts = HashMap::new();
        for (line, seq_no, payload) in numbered {
            tape.push(line, seq_no - first + 1, payload);
            let stored = tape.packets.last().expect("one was just pushed");
            renumber(&mut tape.bytes[stored.start..], &mut firsts);
        }
        Ok(tape)
    }

    fn push(&mut self, line: Line, number: u32, payload: &[u8]) {
        let (start, len) = (self.bytes.len(), payload.len());
        self.bytes.extend_from_slice(payload);
        self.packets.push(Stored { start, len, line, number });
    }

    /// Lets one more packet come.
    #[inline]
    pub fn admit(&mut self) {
        self.is_admitted = true;
    }

    /// Passes begun.
    #[must_use]
    pub fn passes(&self) -> u64 {
        self.passes
    }

    /// Packets in a pass, both lines.
    #[must_use]
    pub fn len(&self) -> usize {
        self.packets.len()
    }

    /// Never: a tape holds at least its resets.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }
}

impl<C: Clock> RxPort for Tape<C> {
    #[inline]
    fn peek(&mut self) -> Option<Datagram<'_>> {
        if !self.is_admitted {
            return None;
        }
        let Stored { start, len, line, number } = *self.packets.get(self.next)?;
        let payload = self.bytes.get_mut(start..start + len)?;
        let received = match self.seen {
            Some(seen) => seen,
            None => {
                // Before the stamp: on a wire the number is there when the packet comes.
                payload[..4].copy_from_slice(&self.base.wrapping_add(number).to_le_bytes());
                *self.seen.insert(self.clock.now())
            }
        };
        Some(Datagram { payload, received, line })
    }

    #[inline]
    fn release(&mut self) {
        self.is_admitted = false;
        self.seen = None;
        self.next += 1;
        if self.next == self.packets.len() {
            self.next = 0;
            self.base = self.base.wrapping_add(self.numbers);
            self.passes += 1;
        }
    }
}

/// Rewrites the sequence numbers of entries so that each instrument's begin at 1. `firsts` holds
/// what is to be taken off, by instrument.
fn renumber(payload: &mut [u8], firsts: &mut HashMap<i32, u32>) {
    for (offset, security_id, number) in entry_numbers(payload) {
        let before = *firsts.entry(security_id).or_insert(number.wrapping_sub(1));
        let renumbered = number.wrapping_sub(before);
        payload[offset..offset + 4].copy_from_slice(&renumbered.to_le_bytes());
    }
}

/// Where each entry's number stands, whose it is, and what it is.
pub(crate) fn entry_numbers(payload: &[u8]) -> Vec<(usize, i32, u32)> {
    let mut found = Vec::new();
    let Ok(packet) = decode::packet(payload) else {
        return found;
    };
    macro_rules! note {
        ($entries:expr, $entry:ident) => {
            for entry in $entries {
                let entry: &$entry = entry;
                let start = std::ptr::from_ref(entry).addr() - payload.as_ptr().addr();
                let offset = start + offset_of!($entry, rpt_seq);
                found.push((offset, entry.security_id.get(), entry.rpt_seq.get()));
            }
        };
    }
    for message in packet.messages() {
        match message.decode() {
            Ok(Message::Book(update)) => note!(update.entries, BookEntry),
            Ok(Message::Trade(update)) => note!(update.entries, TradeEntry),
            Ok(Message::Volume(update)) => note!(update.entries, VolumeEntry),
            Ok(Message::SessionStatistics(update)) => {
                note!(update.entries, SessionStatisticsEntry);
            }
            Ok(Message::DailyStatistics(update)) => note!(update.entries, DailyStatisticsEntry),
            Ok(Message::Limits(update)) => note!(update.entries, LimitsEntry),
            _ => {}
        }
    }
    found
}

//! What MDP 3.0 does to a channel: book levels, per-instrument sequence, events, resets.
//!
//! Every entry that counts in `RptSeq` is followed, whatever its kind, because a break in it is how
//! a lost message of one instrument shows. Trades, volume and statistics are not kept. Snapshots
//! are no part of the incremental feed: recovery reads them on the cold side.
//!
//! Source: client wiki pages 46108447 (multiple depth book), 46141245 (implied book), 47284250
//! (`RptSeq`), 46924872 (channel reset), 46112755 (packet and event).

use super::decode::{self, DecodeError, Framed, Incremental, Message, Packet, PriceScale, Reset};
use super::layout::{
    Action as WireAction, BookEntry, EntryKind, I32_NULL, IncrementalRoot, MatchEvent, Sequenced,
    StatusRoot,
};
use crate::book::{Action, BookError, BookSide, Change, Row};
use crate::feed::{Channel, Protocol, SeqNo, Standing};
use crate::time::UnixNs;
use bytemuck::AnyBitPattern;

/// The incremental feed of one channel.
#[derive(Clone, Copy, Debug)]
pub struct Mdp3 {
    channel: Option<i16>,
}

impl Mdp3 {
    /// A feed that is voided by a reset of `channel` (tag 1180 `ApplID`), or by any if that is
    /// `None`.
    #[must_use]
    pub const fn new(channel: Option<i16>) -> Self {
        Self { channel }
    }
}

impl Protocol for Mdp3 {
    type Packet<'p> = Packet<'p>;
    type Error = DecodeError;
    type Course = ();
    type Terms = ();

    #[inline(always)]
    fn read<'p>(&self, payload: &'p [u8]) -> Result<Packet<'p>, DecodeError> {
        decode::packet(payload)
    }

    #[inline(always)]
    fn standing(&mut self, packet: &Packet<'_>) -> Standing {
        // Heartbeats are numbered too, and a reset comes as a message.
        Standing::Numbered(SeqNo(packet.seq_no()))
    }

    #[inline]
    fn apply(&mut self, packet: &Packet<'_>, channel: &mut Channel<'_>) -> Result<(), DecodeError> {
        for message in packet.messages() {
            self.message(&message, channel)?;
        }
        Ok(())
    }

    #[inline]
    fn refusal(error: DecodeError) -> usize {
        error.index()
    }

    // A channel has one sequence; a new week shows in its numbers.
    fn course(&self) {}

    fn resume(&mut self, (): ()) {}

    fn terms(&self, _row: Row) {}

    fn set_terms(&mut self, _row: Row, (): ()) -> bool {
        true
    }

    fn is_between_messages(&self) -> bool {
        // No message of it spans packets.
        true
    }
}

impl Mdp3 {
    #[inline(always)]
    fn message(&self, message: &Framed<'_>, channel: &mut Channel<'_>) -> Result<(), DecodeError> {
        match message.decode()? {
            Message::Book(update) => book(&update, channel)?,
            Message::Trade(update) => follow(&update, channel),
            Message::SingleTrade(update) => follow(&update, channel),
            Message::Volume(update) => follow(&update, channel),
            Message::SessionStatistics(update) => follow(&update, channel),
            Message::DailyStatistics(update) => follow(&update, channel),
            Message::Limits(update) => follow(&update, channel),
            Message::OrderBook(update) => {
                // Single orders do not count in `RptSeq`, but they may end an event.
                channel.message(is_resent(update.root.match_event));
                end(update.root, channel);
            }
            Message::Heartbeat => {}
            Message::Reset(reset) => self.reset(&reset, channel),
            Message::Status(root) => status(root, channel),
            Message::QuoteRequest(request) => {
                channel.counters().skipped.add(1);
                end_at(request.root.match_event, request.root.transact_ns.get(), channel);
            }
            Message::Future(definition) => {
                defined(definition.root.head.match_event, channel);
            }
            Message::Option(definition) => {
                defined(definition.root.head.match_event, channel);
            }
            Message::Spread(definition) => {
                defined(definition.root.head.match_event, channel);
            }
            Message::Snapshot(_) | Message::OrderSnapshot(_) | Message::Skipped { .. } => {
                channel.counters().skipped.add(1);
            }
        }
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn reset(&self, reset: &Reset<'_>, channel: &mut Channel<'_>) {
        let is_ours = |entry: i16| self.channel.is_none_or(|own| own == entry);
        let mut channels = reset.entries;
        if channels.any(|entry| is_ours(entry.channel.get())) {
            channel.void();
        }
        end_at(reset.root.match_event, reset.root.transact_ns.get(), channel);
    }
}

/// Entries that change no book: only their numbers matter.
#[inline(always)]
fn follow<T: AnyBitPattern + Sequenced>(update: &Incremental<'_, T>, channel: &mut Channel<'_>) {
    channel.message(is_resent(update.root.match_event));
    for entry in update.entries {
        let _row = channel.sequenced(entry.security_id(), entry.rpt_seq());
    }
    end(update.root, channel);
}

#[inline(always)]
fn book(update: &Incremental<'_, BookEntry>, channel: &mut Channel<'_>) -> Result<(), DecodeError> {
    channel.message(is_resent(update.root.match_event));
    for entry in update.entries {
        let row = channel.sequenced(entry.security_id.get(), entry.rpt_seq.get());
        if let Some(row) = row {
            level(entry, update.scale, row, channel)?;
        }
    }
    end(update.root, channel);
    Ok(())
}

#[inline(always)]
fn level(
    entry: &BookEntry,
    scale: PriceScale,
    row: Row,
    channel: &mut Channel<'_>,
) -> Result<(), DecodeError> {
    match instruction(entry, scale)? {
        Instruction::Level(side, change) => channel.change(row, side, &change),
        Instruction::Empty => channel.empty(row),
        Instruction::Unknown => channel.contradicted(row, BookError::Unknown),
    }
    Ok(())
}

/// What an entry of a book message asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instruction {
    /// A change of one level.
    Level(BookSide, Change),
    /// All books of the instrument are empty now (entry type `J`).
    Empty,
    /// Its action or its type means nothing known, or nothing to a book.
    Unknown,
}

/// Reads an entry as an instruction to a book.
///
/// # Errors
/// `PriceOverflow`.
#[inline(always)]
pub fn instruction(entry: &BookEntry, scale: PriceScale) -> Result<Instruction, DecodeError> {
    let Some(side) = side(entry.kind) else { return Ok(no_level(entry)) };
    let Some(action) = action(entry.action) else { return Ok(Instruction::Unknown) };
    let change = Change {
        action,
        level: entry.level,
        price_e9: scale.price_e9(entry.price)?,
        lots: count(entry.size_lots.get()),
        orders: count(entry.order_count.get()),
    };
    Ok(Instruction::Level(side, change))
}

/// A nullable count: 0 if it is absent, or is none.
#[inline(always)]
fn count(raw: i32) -> u32 {
    if raw == I32_NULL { 0 } else { u32::try_from(raw).unwrap_or(0) }
}

#[inline(always)]
const fn side(raw: u8) -> Option<BookSide> {
    match EntryKind::from_wire(raw) {
        Some(EntryKind::Bid) => Some(BookSide::Bid),
        Some(EntryKind::Offer) => Some(BookSide::Ask),
        Some(EntryKind::ImpliedBid) => Some(BookSide::ImpliedBid),
        Some(EntryKind::ImpliedOffer) => Some(BookSide::ImpliedAsk),
        _ => None,
    }
}

#[inline(always)]
const fn action(raw: u8) -> Option<Action> {
    match WireAction::from_wire(raw) {
        Some(WireAction::New) => Some(Action::Insert),
        Some(WireAction::Change) => Some(Action::Change),
        Some(WireAction::Delete) => Some(Action::Delete),
        Some(WireAction::DeleteThru) => Some(Action::DeleteThru),
        Some(WireAction::DeleteFrom) => Some(Action::DeleteFrom),
        Some(WireAction::Overlay) => Some(Action::Overlay),
        None => None,
    }
}

#[cold]
#[inline(never)]
fn no_level(entry: &BookEntry) -> Instruction {
    match EntryKind::from_wire(entry.kind) {
        Some(EntryKind::BookReset) => Instruction::Empty,
        _ => Instruction::Unknown,
    }
}

#[cold]
#[inline(never)]
fn status(root: &StatusRoot, channel: &mut Channel<'_>) {
    channel.status(decode::present(root.security_id.get()), root.trading_status);
    end_at(root.match_event, root.transact_ns.get(), channel);
}

#[cold]
#[inline(never)]
fn defined(match_event: MatchEvent, channel: &mut Channel<'_>) {
    channel.counters().definitions.add(1);
    // Definitions carry no time of the event.
    end_at(match_event, 0, channel);
}

/// INFERENCE: what is sent again after a channel reset has bit 5 set. If CME does not set it, the
/// first message after the reset counts as new, and books fill up in the open.
#[inline(always)]
const fn is_resent(match_event: MatchEvent) -> bool {
    match_event.has(MatchEvent::RECOVERY)
}

#[inline(always)]
fn end(root: &IncrementalRoot, channel: &mut Channel<'_>) {
    end_at(root.match_event, root.transact_ns.get(), channel);
}

#[inline(always)]
fn end_at(match_event: MatchEvent, transact_ns: u64, channel: &mut Channel<'_>) {
    if match_event.is_end_of_event() {
        channel.end_of_event(UnixNs(transact_ns));
    }
}

//! What MDP 3.0 does to a channel: book levels, per-instrument sequence, events, resets.
//!
//! Every entry that counts in `RptSeq` is followed, whatever its kind, because a break in it is how
//! a lost message of one instrument shows. Trades, volume, statistics and limits are noted beside
//! the book (`day`). Snapshots are no part of the incremental feed: recovery reads them on the cold
//! side.
//!
//! Single orders (47, 43, and 53, 44 in snapshots) end events and are not kept, and no key of the
//! configuration changes that: they have no number in `RptSeq`, so their loss does not show, the
//! levels of 46 are complete without them, and an engine that takes and never queues has no use for
//! a place in a queue.
//!
//! A status without an instrument is one of all instruments of the group and the product that it
//! names. INFERENCE: no page says more than that the field is nullable; of two the later one holds.
//! So it is with `ResetStatistics`. INFERENCE: what is said once a day (`day`) stays.
//!
//! A number that was there before on a packet that was sent long after it begins a new numbering.
//! The arbiter knows that by itself where the numbers lie far apart, or where it remembers the old
//! packets; here it shows where a venue begins anew that had hardly begun.
//! INFERENCE: a copy of a packet has the sending time of the packet.
//!
//! Source: client wiki pages 46108447 (multiple depth book), 46141245 (implied book), 47284250
//! (`RptSeq`), 46924872 (channel reset), 46112755 (packet and event).

use super::day;
use super::decode::{
    self, DecodeError, Framed, Incremental, Message, Packet, PriceScale, Reset, SkippedEvent,
};
use super::layout::{
    Action as WireAction, BookEntry, DefinitionAction, DefinitionHead, EntryKind, FeedTypeEntry,
    I32_NULL, IncrementalRoot, MatchEvent, Sequenced, StatusRoot, TradingEvent, TradingStatus,
    U8_NULL,
};
use crate::book::{Action, BookError, BookSide, Change, Day, Family, Row};
use crate::feed::{Channel, Protocol, SeqNo, Standing};
use crate::time::UnixNs;
use bytemuck::AnyBitPattern;

/// The incremental feed of one channel.
#[derive(Clone, Copy, Debug)]
pub struct Mdp3 {
    channel: Option<i16>,
    /// The last packet that was carried out, and when it was sent; 0: none to tell by.
    newest: SeqNo,
    newest_ns: u64,
    /// When a packet was sent that was sent long after the newest one and has a number before it.
    suspect_ns: Option<u64>,
    /// What was sent long before this is of the numbering before, however it is numbered.
    began_ns: u64,
}

/// Lines are microseconds apart, and clocks are not set by a second.
const LONG_AFTER_NS: u64 = 1_000_000_000;

impl Mdp3 {
    /// A feed that is voided by a reset of `channel` (tag 1180 `ApplID`), or by any if that is
    /// `None`.
    #[must_use]
    pub const fn new(channel: Option<i16>) -> Self {
        Self { channel, newest: SeqNo(0), newest_ns: 0, suspect_ns: None, began_ns: 0 }
    }

    /// A number that was there before: a copy, or a new numbering, of which two packets convince
    /// that were sent long after the newest one.
    #[inline]
    fn behind(&mut self, seq_no: SeqNo, sent_ns: u64) -> Standing {
        let after_ns = sent_ns.wrapping_sub(self.newest_ns).cast_signed();
        if after_ns < 0 {
            Standing::Older(seq_no)
        } else if after_ns < LONG_AFTER_NS.cast_signed() {
            Standing::Numbered(seq_no)
        } else {
            self.began_anew(seq_no, sent_ns)
        }
    }

    #[cold]
    #[inline(never)]
    const fn began_anew(&mut self, seq_no: SeqNo, sent_ns: u64) -> Standing {
        let Some(suspect_ns) = self.suspect_ns.take() else {
            self.suspect_ns = Some(sent_ns);
            return Standing::Younger(seq_no);
        };
        self.newest_ns = 0;
        // Whichever of the two came first.
        self.began_ns = if suspect_ns < sent_ns { suspect_ns } else { sent_ns };
        Standing::Anew(seq_no)
    }
}

impl Protocol for Mdp3 {
    type Packet<'p> = Packet<'p>;
    // `RptSeq`.
    const NUMBERS_CHANGES: bool = true;
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
        let (seq_no, sent_ns) = (SeqNo(packet.seq_no()), packet.sent_ns());
        if seq_no.beyond(self.newest) <= 0 && self.newest_ns != 0 {
            return self.behind(seq_no, sent_ns);
        }
        if sent_ns.saturating_add(LONG_AFTER_NS) <= self.began_ns {
            // A line that is far behind still tells of the week before.
            return Standing::Foreign;
        }
        Standing::Numbered(seq_no)
    }

    #[inline]
    fn apply(&mut self, packet: &Packet<'_>, channel: &mut Channel<'_>) -> Result<(), DecodeError> {
        (self.newest, self.newest_ns) = (SeqNo(packet.seq_no()), packet.sent_ns());
        self.suspect_ns = None;
        for message in packet.messages() {
            self.message(&message, channel)?;
        }
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn name(packet: &Packet<'_>, channel: &mut Channel<'_>) {
        for message in packet.messages().filter_map(|framed| framed.decode().ok()) {
            named(&message, channel);
        }
    }

    #[inline]
    fn refusal(error: DecodeError) -> usize {
        error.index()
    }

    // A channel has one sequence; a new week shows in its numbers.
    fn course(&self) {}

    fn resume(&mut self, (): ()) {
        self.newest_ns = 0;
    }

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
            Message::Trade(update) => keep(&update, channel, day::trade),
            Message::SingleTrade(update) => keep(&update, channel, day::single_trade),
            Message::Volume(update) => keep(&update, channel, day::volume),
            Message::SessionStatistics(update) => keep(&update, channel, day::session_statistic),
            Message::DailyStatistics(update) => keep(&update, channel, day::daily_statistic),
            Message::Limits(update) => keep(&update, channel, day::limits),
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
                let books = definition.groups().map(|groups| groups.feed_types);
                defined(&definition.root.head, books, channel);
            }
            Message::Option(definition) => {
                let books = definition.groups().map(|groups| groups.common.feed_types);
                defined(&definition.root.head, books, channel);
            }
            Message::Spread(definition) => {
                let books = definition.groups().map(|groups| groups.common.feed_types);
                defined(&definition.root.head, books, channel);
            }
            Message::Snapshot(_)
            | Message::OrderSnapshot(_)
            | Message::Logon(_)
            | Message::Logout(_) => channel.counters().skipped.add(1),
            Message::Skipped { event, .. } => {
                channel.counters().skipped.add(1);
                if let Some(SkippedEvent { match_event, transact_ns }) = event {
                    end_at(match_event, transact_ns, channel);
                }
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

/// Which instruments a message is about.
fn named(message: &Message<'_>, channel: &mut Channel<'_>) {
    match message {
        Message::Book(update) => name_all(update, channel),
        Message::Trade(update) => name_all(update, channel),
        Message::SingleTrade(update) => name_all(update, channel),
        Message::Volume(update) => name_all(update, channel),
        Message::SessionStatistics(update) => name_all(update, channel),
        Message::DailyStatistics(update) => name_all(update, channel),
        Message::Limits(update) => name_all(update, channel),
        Message::OrderBook(_)
        | Message::Heartbeat
        | Message::Reset(_)
        | Message::Status(_)
        | Message::QuoteRequest(_)
        | Message::Future(_)
        | Message::Option(_)
        | Message::Spread(_)
        | Message::Snapshot(_)
        | Message::OrderSnapshot(_)
        | Message::Logon(_)
        | Message::Logout(_)
        | Message::Skipped { .. } => {}
    }
}

fn name_all<T: AnyBitPattern + Sequenced>(update: &Incremental<'_, T>, channel: &mut Channel<'_>) {
    for entry in update.entries {
        channel.name(entry.security_id());
    }
}

/// Entries that change no book: each is noted in the day of its instrument, in its turn.
#[inline(never)]
fn keep<T: AnyBitPattern + Sequenced>(
    update: &Incremental<'_, T>,
    channel: &mut Channel<'_>,
    note: impl Fn(&Incremental<'_, T>, &T, &mut Day),
) {
    channel.message(is_resent(update.root.match_event));
    for entry in update.entries {
        let row = channel.sequenced(entry.security_id(), entry.rpt_seq());
        if let Some(day) = row.and_then(|row| channel.books_mut().day_mut(row)) {
            note(update, entry, day);
        }
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
        Instruction::Nothing => {}
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
    /// It tells a price that is no level of a book: the best of the market (entry types `w` and
    /// `x`, version 12). INFERENCE: the schema has their names alone.
    Nothing,
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
        Some(EntryKind::MarketBestOffer | EntryKind::MarketBestBid) => Instruction::Nothing,
        _ => Instruction::Unknown,
    }
}

#[cold]
#[inline(never)]
fn status(root: &StatusRoot, channel: &mut Channel<'_>) {
    let raw = root.trading_status;
    let status = TradingStatus::from_wire(raw);
    let (instrument, named) = (
        decode::present(root.security_id.get()),
        Family { group: root.security_group, asset: root.asset },
    );
    if TradingEvent::from_wire(root.trading_event) == Some(TradingEvent::ResetStatistics) {
        channel.restart_sessions(instrument, named);
    }
    match (instrument, status) {
        // It says something of an event, and nothing of the status.
        (_, Some(TradingStatus::NoChange)) => channel.counters().statuses.add(1),
        _ if raw == U8_NULL => channel.counters().statuses.add(1),
        (Some(security_id), _) => channel.status(security_id, raw, is_open(raw)),
        (None, _) => channel.status_of_all(named, raw, is_open(raw)),
    }
    end_at(root.match_event, root.transact_ns.get(), channel);
}

/// Whether an instrument is traded continuously with this raw status. A status that nobody knows is
/// none to trade on.
#[must_use]
pub const fn is_open(raw: u8) -> bool {
    matches!(TradingStatus::from_wire(raw), Some(TradingStatus::ReadyToTrade))
}

#[cold]
#[inline(never)]
fn defined<'a>(
    head: &DefinitionHead,
    books: Result<impl Iterator<Item = &'a FeedTypeEntry>, DecodeError>,
    channel: &mut Channel<'_>,
) {
    channel.counters().definitions.add(1);
    let is_deleted =
        DefinitionAction::from_wire(head.update_action) == Some(DefinitionAction::Delete);
    // What cannot be read of its groups changes nothing of its books.
    if let (false, Ok(books)) = (is_deleted, books) {
        let family = Family { group: head.security_group, asset: head.asset };
        channel.defined(head.security_id.get(), family, depths(books));
    }
    // Definitions carry no time of the event.
    end_at(head.match_event, 0, channel);
}

/// Levels that a venue keeps of an instrument's outright book (`GBX`) and of its implied one
/// (`GBI`), where its definition says so: tag 264 `MarketDepth`. A depth below one says nothing.
#[must_use]
pub fn depths<'a>(books: impl Iterator<Item = &'a FeedTypeEntry>) -> [Option<u8>; 2] {
    let [mut outright, mut implied] = [None; 2];
    for entry in books {
        let depth = u8::try_from(entry.depth).ok().filter(|depth| *depth > 0);
        match &entry.feed_type {
            b"GBX" => outright = depth,
            b"GBI" => implied = depth,
            _ => {}
        }
    }
    [outright, implied]
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

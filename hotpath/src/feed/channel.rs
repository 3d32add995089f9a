//! One channel: its books, what they are worth, and what the desk is told of both.
//!
//! A quote leaves only when the venue says that an event is over, and only while the books can be
//! believed. What makes them unbelievable (packets lost on both lines, a damaged message, copies
//! that differ) starts a new epoch: one `ChannelUpdate` makes every quote sent so far unusable.
//!
//! A protocol calls `sequenced`, `change`, `end_of_event` and the like for what it decodes; `Feed`
//! calls the rest. Not here: packets and their order (`arbiter`), wire formats.

use super::counters::FeedCounters;
use super::sequence::SeqNo;
use super::verdict::LineHealth;
use crate::book::{BookError, BookSide, Books, Change, Day, Instrument, Row, StorageError, View};
use crate::message::{ChannelState, ChannelUpdate, Quote, StreamId};
use crate::ring::{QuoteSender, Sender};
use crate::time::{MonoNs, UnixNs};

mod doubt;
mod status;
mod tell;

/// How a channel begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// Books start empty and live from the first packet: for captures, which have no snapshots.
    /// Levels that were there before are not known, so such a book may show less than there is.
    AssumeEmpty,
    /// The channel is `Recovering` until recovered books are handed over or the venue voids it.
    Recover,
}

/// What a channel is and how it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelSettings {
    /// Its number in every quote and update.
    pub stream: StreamId,
    /// How it begins.
    pub join: Join,
    /// Which books its quotes are made from.
    pub view: View,
}

/// Whether the books can be believed, whatever the lines do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trust {
    /// No packet yet.
    Down,
    /// From a whole sequence.
    Whole,
    /// Something is lost or damaged.
    Broken,
    /// No books yet: they come from the cold side.
    Awaited,
    /// Voided by the venue, which sends everything again.
    Resent,
    /// Recovered books were handed over, and what came behind them is being carried out.
    Replayed,
    /// Whole, while one row is brought up to date with packets that all others have: no quotes.
    Mending,
}

/// Books and state of one channel.
#[derive(Debug)]
pub struct Channel<'a> {
    settings: ChannelSettings,
    books: Books<'a>,
    /// Rows that the current event touched; an event may span packets.
    touched: &'a mut [Row],
    touched_count: usize,
    quotes: QuoteSender<'a>,
    updates: Sender<ChannelUpdate>,
    counters: &'a FeedCounters,
    trust: Trust,
    health: LineHealth,
    /// Its market does not trade.
    is_shut: bool,
    epoch: u32,
    missing: u32,
    /// What the desk was told last.
    told: (ChannelState, u32),
    is_update_waiting: bool,
    /// Whether books began whole, so that every contradiction is damage.
    is_strict: bool,
    /// The first packet whose copies differ that the desk has not been told of; while nothing is
    /// believed for that reason the last one that it was told of.
    divergent: Option<SeqNo>,
    /// Books may include packets through this one already: their snapshots are of different ages.
    covered: Option<SeqNo>,
    /// A book that somebody is told of may be damaged: it is to be looked for.
    is_ailing: bool,
    received: MonoNs,
    seq_no: SeqNo,
}

impl<'a> Channel<'a> {
    /// A channel that is `Down`. `touched` has a place for every row of `books`.
    ///
    /// # Errors
    /// `TooSmall` if it has fewer.
    pub fn new(
        settings: ChannelSettings,
        books: Books<'a>,
        touched: &'a mut [Row],
        quotes: QuoteSender<'a>,
        updates: Sender<ChannelUpdate>,
        counters: &'a FeedCounters,
    ) -> Result<Self, StorageError> {
        if touched.len() < books.capacity() {
            return Err(StorageError::TooSmall);
        }
        Ok(Self {
            settings,
            books,
            touched,
            touched_count: 0,
            quotes,
            updates,
            counters,
            trust: Trust::Down,
            health: LineHealth::Both,
            is_shut: false,
            epoch: 0,
            missing: 0,
            told: (ChannelState::Down, 0),
            is_update_waiting: false,
            is_strict: settings.join == Join::Recover,
            divergent: None,
            covered: None,
            is_ailing: false,
            received: MonoNs(0),
            seq_no: SeqNo(0),
        })
    }

    /// The books. The cold side adds the instruments that the desk trades, before the start.
    #[must_use]
    pub const fn books(&self) -> &Books<'a> {
        &self.books
    }

    /// The books, to add instruments to.
    pub const fn books_mut(&mut self) -> &mut Books<'a> {
        &mut self.books
    }

    /// An instrument by the venue's number.
    pub fn instrument(&mut self, security_id: i32) -> Option<&Instrument> {
        let row = self.books.find(security_id)?;
        self.books.get(row)
    }

    /// Whether an event of the venue has begun and not ended: books may be half changed.
    #[must_use]
    pub const fn is_event_open(&self) -> bool {
        self.touched_count > 0
    }

    /// What the venue has said of an instrument's day.
    pub fn day(&mut self, security_id: i32) -> Option<&Day> {
        let row = self.books.find(security_id)?;
        self.books.day(row)
    }

    /// What the channel is worth now.
    #[inline]
    #[must_use]
    pub const fn state(&self) -> ChannelState {
        match (self.trust, self.health) {
            (Trust::Down, _) => ChannelState::Down,
            (Trust::Broken, _) if self.divergent.is_some() => ChannelState::Divergent,
            (Trust::Broken, _) => ChannelState::Suspect,
            (Trust::Awaited | Trust::Resent | Trust::Replayed, _) => ChannelState::Recovering,
            (Trust::Whole | Trust::Mending, _) if self.is_shut => ChannelState::Closed,
            (Trust::Whole | Trust::Mending, LineHealth::Frozen) => ChannelState::Frozen,
            (Trust::Whole | Trust::Mending, LineHealth::Both) => ChannelState::Live,
            (Trust::Whole | Trust::Mending, LineHealth::Single) => ChannelState::SingleLine,
            (Trust::Whole | Trust::Mending, LineHealth::Stale) => ChannelState::Stale,
        }
    }

    /// The epoch of the quotes that are sent now.
    #[inline]
    #[must_use]
    pub const fn epoch(&self) -> u32 {
        self.epoch
    }

    /// What it counts.
    #[inline(always)]
    #[must_use]
    pub const fn counters(&self) -> &'a FeedCounters {
        self.counters
    }

    /// An entry of an instrument, of whatever kind, with the instrument's own sequence number.
    /// `None` if there is no row for it, or its book came with the entry in it.
    #[inline(always)]
    pub fn sequenced(&mut self, security_id: i32, seq_no: u32) -> Option<Row> {
        let row = match self.books.find(security_id) {
            Some(row) => row,
            None => self.add(security_id)?,
        };
        if self.books.get_mut(row)?.follow_next(seq_no) {
            Some(row)
        } else {
            self.out_of_sequence(row, seq_no)
        }
    }

    /// The row of an instrument of a venue that does not number its instruments' changes.
    #[inline(always)]
    pub fn row(&mut self, security_id: i32) -> Option<Row> {
        self.books.find(security_id)
    }

    /// An instruction to a book.
    #[inline(always)]
    pub fn change(&mut self, row: Row, side: BookSide, change: &Change) {
        let Some(instrument) = self.books.get_mut(row) else { return };
        let outcome = instrument.apply(side, change);
        self.touch(row);
        if let Err(error) = outcome {
            self.contradicted(row, error);
        }
    }

    /// An instruction that cannot be carried out, or was in a way that the venue may not mean.
    #[cold]
    #[inline(never)]
    pub fn contradicted(&mut self, row: Row, error: BookError) {
        if let Some(counter) = self.counters.book_errors.get(error.index()) {
            counter.add(1);
        }
        // Books that began empty do not have what the venue takes away.
        let is_expected = error == BookError::Vacant && !self.is_strict;
        if let Some(instrument) = self.books.get_mut(row).filter(|_| !is_expected) {
            instrument.damage();
            self.is_ailing |= instrument.index().is_some();
            self.touch(row);
        }
    }

    /// The venue empties the books of one instrument; its sequence goes on.
    #[cold]
    #[inline(never)]
    pub fn empty(&mut self, row: Row) {
        if let Some(instrument) = self.books.get_mut(row) {
            instrument.empty();
            self.touch(row);
        }
    }

    /// A message of an event, before its entries: whether the venue sends it again after it voided
    /// the channel. The first one that is new ends the rebuilding.
    #[inline(always)]
    pub fn message(&mut self, is_resent: bool) {
        if self.trust == Trust::Resent && !is_resent {
            self.rebuilt();
        }
    }

    /// The venue says that the event is over: quotes of what it touched are sent.
    #[inline]
    pub fn end_of_event(&mut self, exchange: UnixNs) {
        self.counters.events.add(1);
        let count = core::mem::take(&mut self.touched_count);
        let is_usable = self.trust == Trust::Whole;
        let rows = self.touched.get(..count).unwrap_or_default();
        let mut quote = Quote {
            received: self.received,
            exchange,
            epoch: self.epoch,
            packet_seq_no: self.seq_no.0,
            stream: self.settings.stream,
            ..Quote::EMPTY
        };
        for row in rows {
            let Some(instrument) = self.books.get_mut(*row) else { continue };
            instrument.untouch();
            let Some(index) = instrument.index().filter(|_| is_usable) else { continue };
            quote.instrument = index;
            instrument.show(self.settings.view, &mut quote);
            match self.quotes.send(&quote) {
                Ok(()) => self.counters.quotes.add(1),
                Err(_) => self.counters.unsendable.add(1),
            }
        }
    }

    /// The venue voids the channel: all books and days are empty, every instrument counts from 1
    /// again, and what still holds is sent again.
    #[cold]
    #[inline(never)]
    pub fn void(&mut self) {
        self.counters.resets.add(1);
        self.begin_anew();
        self.trust = Trust::Resent;
        self.tell();
    }

    /// The venue's sequence is over (another day, another publishing centre): all books are empty
    /// until recovered ones are handed over.
    #[cold]
    #[inline(never)]
    pub fn over(&mut self) {
        self.counters.resets.add(1);
        self.begin_anew();
        self.trust = Trust::Awaited;
        self.tell();
    }

    /// The books were filled from snapshots: all include everything through `last`, and none
    /// anything beyond `covered`.
    #[cold]
    #[inline(never)]
    pub(super) fn recovered(&mut self, last: SeqNo, covered: SeqNo, exchange: UnixNs, now: MonoNs) {
        self.forget_event();
        self.covered = Some(covered);
        self.seq_no = last;
        self.received = now;
        self.is_strict = true;
        self.epoch = self.epoch.wrapping_add(1);
        self.rebuilt();
        self.end_of_event(exchange);
    }

    /// Whether its books are lost until recovered ones are handed over, or the venue voids it.
    #[inline(always)]
    #[must_use]
    pub(super) const fn is_lost(&self) -> bool {
        matches!(self.trust, Trust::Broken | Trust::Awaited)
    }

    /// Rows are about to be handed over: there are none now.
    #[cold]
    #[inline(never)]
    pub(super) fn emptied(&mut self) {
        self.forget_event();
        self.books.clear();
        self.is_strict = true;
        self.covered = None;
        self.trust = Trust::Awaited;
        self.tell();
    }

    /// All rows were handed over. What comes behind them is carried out before they are believed.
    pub(super) fn handed_over(&mut self) {
        self.trust = Trust::Replayed;
        self.tell();
    }

    /// The books that were handed over are those of now: they are shown.
    #[cold]
    #[inline(never)]
    pub(super) fn rejoined(&mut self, exchange: UnixNs, now: MonoNs) {
        if self.trust != Trust::Replayed {
            // Voided meanwhile: what the venue sends again says more.
            return;
        }
        let is_open = self.is_event_open();
        // What was handed over may have been wrong where it came from.
        self.is_ailing = true;
        self.epoch = self.epoch.wrapping_add(1);
        self.received = now;
        self.rebuilt();
        if !is_open {
            self.end_of_event(exchange);
        }
    }

    /// Whether a book that somebody is told of may be damaged.
    #[inline(always)]
    #[must_use]
    pub(super) const fn is_ailing(&self) -> bool {
        self.is_ailing
    }

    /// Whether it is believed, so that a damaged book is the only thing that is wrong.
    pub(super) const fn is_whole(&self) -> bool {
        matches!(self.trust, Trust::Whole)
    }

    /// The first book that somebody is told of and that is damaged. None: that is noted.
    pub(super) fn ailing(&mut self) -> Option<i32> {
        let is_ailing = |of: &&Instrument| of.index().is_some() && of.is_damaged();
        let found = self.books.iter().find(is_ailing).map(Instrument::security_id);
        self.is_ailing = found.is_some();
        found
    }

    /// Takes one row as it stands after packet `last`, ahead of what it is to be told again: until
    /// `mended`, entries that a row has are passed over, and nobody is told anything.
    pub(super) fn mend(
        &mut self,
        (instrument, day): (&Instrument, &Day),
        covered: SeqNo,
    ) -> Option<Row> {
        let row = self.books.put(instrument, day)?;
        let is_further = self.covered.is_none_or(|known| covered.beyond(known) > 0);
        if is_further {
            self.covered = Some(covered);
        }
        self.trust = Trust::Mending;
        Some(row)
    }

    /// The row is as new as all others, through packet `last`: it is shown.
    pub(super) fn mended(&mut self, row: Row, last: SeqNo, exchange: UnixNs, now: MonoNs) {
        if self.trust != Trust::Mending {
            return;
        }
        self.trust = Trust::Whole;
        self.seq_no = last;
        self.received = now;
        self.touch(row);
        self.end_of_event(exchange);
    }

    /// A packet is about to be applied.
    #[inline(always)]
    pub(super) fn begin(&mut self, seq_no: SeqNo, received: MonoNs) {
        self.seq_no = seq_no;
        self.received = received;
        if self.trust == Trust::Down {
            self.joined();
        }
    }

    #[cold]
    #[inline(never)]
    fn joined(&mut self) {
        self.trust = match self.settings.join {
            Join::AssumeEmpty => Trust::Whole,
            Join::Recover => Trust::Awaited,
        };
        self.epoch = self.epoch.wrapping_add(1);
        self.tell();
    }

    /// Packets are lost on both lines, or a message is damaged: no book can be believed until the
    /// venue voids the channel or recovered books are handed over.
    #[cold]
    #[inline(never)]
    pub(super) fn broken(&mut self, missing: u32) {
        self.missing = self.missing.saturating_add(missing);
        match self.trust {
            // Not believed before either: nobody has to be told again.
            Trust::Broken | Trust::Awaited => {}
            Trust::Down | Trust::Whole | Trust::Resent | Trust::Replayed | Trust::Mending => {
                self.epoch = self.epoch.wrapping_add(1);
                self.trust = Trust::Broken;
                self.divergent = None;
                self.tell();
            }
        }
    }

    /// The venue numbers its packets anew: a new week. `is_whole` says that nothing of it is
    /// missing, so that empty books are true ones for a channel that starts so.
    #[cold]
    #[inline(never)]
    pub(super) fn restarted(&mut self, is_whole: bool) {
        self.begin_anew();
        self.trust = match self.settings.join {
            Join::Recover => Trust::Awaited,
            Join::AssumeEmpty if is_whole => Trust::Whole,
            Join::AssumeEmpty => Trust::Broken,
        };
        self.tell();
    }

    fn begin_anew(&mut self) {
        self.forget_event();
        for instrument in self.books.iter_mut() {
            instrument.clear();
            instrument.expect_after(0);
        }
        self.books.forget_days();
        self.is_strict = true;
        self.covered = None;
        self.divergent = None;
        self.epoch = self.epoch.wrapping_add(1);
    }

    #[inline(always)]
    pub(super) const fn health(&self) -> LineHealth {
        self.health
    }

    #[inline(always)]
    pub(super) const fn is_down(&self) -> bool {
        matches!(self.trust, Trust::Down)
    }

    pub(super) fn publish(&self) {
        self.counters.conflated.set(self.quotes.conflated());
        self.counters.waiting.set(u64::try_from(self.quotes.waiting()).unwrap_or(u64::MAX));
        self.counters.state.set(u64::from(self.state().code()));
    }

    #[inline(always)]
    fn touch(&mut self, row: Row) {
        if let Some(instrument) = self.books.get_mut(row)
            && instrument.touch()
            && let Some(place) = self.touched.get_mut(self.touched_count)
        {
            *place = row;
            self.touched_count = self.touched_count.wrapping_add(1);
        }
    }

    #[cold]
    #[inline(never)]
    fn add(&mut self, security_id: i32) -> Option<Row> {
        let Some(row) = self.books.add(security_id, None) else {
            self.counters.instruments_full.add(1);
            return None;
        };
        if self.is_strict {
            self.books.get_mut(row)?.expect_after(0);
        }
        Some(row)
    }

    #[cold]
    #[inline(never)]
    fn out_of_sequence(&mut self, row: Row, seq_no: u32) -> Option<Row> {
        let is_covered = self.covered.is_some_and(|covered| self.seq_no.beyond(covered) <= 0);
        let instrument = self.books.get_mut(row)?;
        let last = instrument.change_seq_no()?;
        if is_covered && SeqNo(seq_no).beyond(SeqNo(last)) <= 0 {
            return None;
        }
        instrument.break_at(seq_no);
        self.is_ailing |= instrument.index().is_some();
        self.counters.sequence_breaks.add(1);
        self.touch(row);
        Some(row)
    }

    /// Everything that the venue sent again is in: from now on the books are shown.
    #[cold]
    #[inline(never)]
    fn rebuilt(&mut self) {
        self.trust = Trust::Whole;
        self.tell();
        for row in self.books.rows() {
            if self.books.get(row).is_some_and(|instrument| instrument.index().is_some()) {
                self.touch(row);
            }
        }
    }

    /// An event that was under way when the books broke ends without quotes.
    fn forget_event(&mut self) {
        let count = core::mem::take(&mut self.touched_count);
        for row in self.touched.get(..count).unwrap_or_default() {
            if let Some(instrument) = self.books.get_mut(*row) {
                instrument.untouch();
            }
        }
    }
}

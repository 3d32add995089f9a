//! Typed single-producer, single-consumer rings between stages, over `rtrb`.
//!
//! Two kinds of traffic, two promises. Orders, order events and controls are never dropped: a push
//! that does not fit is refused and says so, and `push_all` takes all of a batch or none of it.
//! Quotes are conflated at the producer: when the ring is full the newest quote of each instrument
//! waits in a slot of its own and goes first when there is room (`QuoteSender`).

use crate::counter::Counter;
use crate::message::Quote;

crate::counters! {
    /// How full a ring is: written by the core of its reader.
    pub struct RingCounters {
        /// Messages that it has room for.
        pub capacity: Counter => Gauge "messages",
        /// Messages in it at its reader's last housekeeping, each millisecond.
        pub depth: Counter => Gauge "messages",
        /// The most that a housekeeping of its reader found in it. What comes and goes between two
        /// of them shows only where a writer found no room.
        pub high_water: Counter => HighWater "messages",
    }
}

/// The ring has no room: nothing was pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// The writing end.
#[derive(Debug)]
pub struct Sender<T> {
    producer: rtrb::Producer<T>,
    /// Its reader is on another core.
    is_far: bool,
}

/// The reading end.
#[derive(Debug)]
pub struct Receiver<T> {
    consumer: rtrb::Consumer<T>,
}

/// Both ends of a ring that the cold side made.
#[must_use]
pub fn ends<T>(ring: (rtrb::Producer<T>, rtrb::Consumer<T>)) -> (Sender<T>, Receiver<T>) {
    let (producer, consumer) = ring;
    (Sender { producer, is_far: false }, Receiver { consumer })
}

impl<T> Sender<T> {
    /// Says that the reader is on another core, so that it is worth fetching memory ahead.
    #[must_use]
    pub fn far(self) -> Self {
        Self { is_far: true, ..self }
    }

    /// Slots that are free for sure. Looks at the reader's line only when fewer than `wanted` are
    /// known to be free, so that an uncrowded ring costs no cache miss.
    #[inline]
    #[must_use]
    pub fn free(&self, wanted: usize) -> usize {
        let known = self.producer.cached_slots();
        if known >= wanted { known } else { self.producer.slots() }
    }

    /// Pushes one.
    ///
    /// # Errors
    /// `Full` if there is no room.
    #[inline]
    pub fn push(&mut self, value: T) -> Result<(), Full> {
        self.producer.push(value).map_err(|_| Full)
    }
}

impl<T: Copy> Sender<T> {
    /// Pushes all of `values`, or none.
    ///
    /// # Errors
    /// `Full` if there is not room for all.
    #[inline]
    pub fn push_all(&mut self, values: &[T]) -> Result<(), Full> {
        if self.free(values.len()) < values.len() {
            return Err(Full);
        }
        for value in values {
            // Only this end takes slots, so the room that was seen is still there.
            self.push(*value)?;
        }
        Ok(())
    }

    /// Fetches the memory of the next slot, so that the next push does not wait for it: the reader
    /// had it one lap ago. It writes `filler` there and does not send it. Looks at no other line.
    #[inline]
    pub fn warm(&mut self, filler: T) {
        if self.producer.cached_slots() > 0
            && let Ok(mut chunk) = self.producer.write_chunk_uninit(1)
            && let Some(slot) = chunk.as_mut_slices().0.first_mut()
        {
            slot.write(filler);
        }
    }

    /// The reader is gone.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.producer.is_abandoned()
    }
}

impl<T> Receiver<T> {
    /// Takes the oldest.
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        self.consumer.pop().ok()
    }

    /// Looks at the oldest, in place.
    #[inline]
    pub fn peek(&self) -> Option<&T> {
        self.consumer.peek().ok()
    }

    /// Whether one more is known to be there without looking at the writer's line. `false` does not
    /// mean that there is none.
    #[inline]
    #[must_use]
    pub fn has_known(&self) -> bool {
        self.consumer.cached_slots() > 0
    }

    /// Whether there is nothing to take.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.consumer.is_empty()
    }

    /// How many there are to take.
    #[inline]
    #[must_use]
    pub fn pending(&self) -> usize {
        self.consumer.slots()
    }

    /// Says how full the ring is. Looks at the writer's line: for housekeeping.
    pub fn show(&self, counters: &RingCounters) {
        let depth = u64::try_from(self.pending()).unwrap_or(u64::MAX);
        counters.depth.set(depth);
        counters.high_water.set(counters.high_water.get().max(depth));
    }

    /// The writer is gone.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.consumer.is_abandoned()
    }
}

/// Where the newest quote of one instrument waits while the ring is full.
#[derive(Clone, Copy, Debug)]
pub struct Waiting {
    quote: Quote,
    is_queued: bool,
}

impl Waiting {
    /// Nothing waits.
    pub const EMPTY: Self = Self { quote: Quote::EMPTY, is_queued: false };
}

/// The writing end of a ring of quotes: conflates per instrument when the ring is full.
#[derive(Debug)]
pub struct QuoteSender<'a> {
    sender: Sender<Quote>,
    /// One row per instrument of the desk's table.
    waiting: &'a mut [Waiting],
    /// The instruments that wait, oldest first: a circle of as many rows as `waiting`.
    order: &'a mut [u32],
    first: usize,
    queued: usize,
    conflated: u64,
}

impl<'a> QuoteSender<'a> {
    /// Sends through `sender`; `waiting` and `order` have a row for every instrument of the table.
    #[must_use]
    pub fn new(sender: Sender<Quote>, waiting: &'a mut [Waiting], order: &'a mut [u32]) -> Self {
        Self { sender, waiting, order, first: 0, queued: 0, conflated: 0 }
    }

    /// Quotes that were overwritten before they could be sent, since the start.
    #[must_use]
    pub fn conflated(&self) -> u64 {
        self.conflated
    }

    /// Instruments whose newest quote waits for room.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queued
    }

    /// Sends a quote now, or keeps it as the newest of its instrument until there is room.
    ///
    /// # Errors
    /// `Full` if the ring is full and the instrument has no row to wait in.
    #[inline]
    pub fn send(&mut self, quote: &Quote) -> Result<(), Full> {
        if self.queued == 0 && self.sender.push(*quote).is_ok() {
            if self.sender.is_far {
                self.sender.warm(*quote);
            }
            return Ok(());
        }
        self.keep(quote)?;
        self.flush();
        Ok(())
    }

    /// Sends what waits, as far as there is room. Returns whether nothing waits any more.
    #[inline]
    pub fn flush(&mut self) -> bool {
        while self.queued > 0 {
            let row = self.order.get(self.first).copied().unwrap_or(u32::MAX);
            if let Some(slot) = usize::try_from(row).ok().and_then(|row| self.waiting.get_mut(row))
            {
                if self.sender.push(slot.quote).is_err() {
                    return false;
                }
                slot.is_queued = false;
            }
            self.first = self.next(self.first);
            self.queued = self.queued.wrapping_sub(1);
        }
        true
    }

    #[cold]
    #[inline(never)]
    fn keep(&mut self, quote: &Quote) -> Result<(), Full> {
        let row = usize::try_from(quote.instrument.0).map_err(|_| Full)?;
        let slot = self.waiting.get_mut(row).ok_or(Full)?;
        if slot.is_queued {
            let skipped = slot.quote.skipped.saturating_add(1).saturating_add(quote.skipped);
            slot.quote = Quote { skipped, ..*quote };
            self.conflated = self.conflated.wrapping_add(1);
            return Ok(());
        }
        *slot = Waiting { quote: *quote, is_queued: true };
        let mut last = self.first.wrapping_add(self.queued);
        if last >= self.order.len() {
            last = last.wrapping_sub(self.order.len());
        }
        *self.order.get_mut(last).ok_or(Full)? = quote.instrument.0;
        self.queued = self.queued.wrapping_add(1);
        Ok(())
    }

    #[inline]
    fn next(&self, position: usize) -> usize {
        let next = position.wrapping_add(1);
        if next >= self.order.len() { 0 } else { next }
    }
}

//! A port over datagrams in memory: replays, the latency report, the simulator and the tests.
//!
//! Datagrams are lent in the order in which they were added. They come either when their time has
//! come on the port's clock, or at once; in the latter case the stamp is the moment of the first
//! look, as a network card would give it to a packet that is already there. Nothing is lost,
//! doubled or reordered here: who wants that adds the datagrams so.

use xmc_hotpath::port::{Datagram, Line, RxPort};
use xmc_hotpath::time::{Clock, MonoNs};

/// When datagrams come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Each when the clock has reached its time; that time is its stamp.
    Recorded,
    /// Each as soon as the one before has been released, stamped when it is first seen.
    Immediate,
}

/// Where a datagram lies.
#[derive(Clone, Copy, Debug)]
struct Stored {
    at: MonoNs,
    start: usize,
    len: usize,
    line: Line,
}

/// Datagrams in memory.
#[derive(Clone, Debug)]
pub struct MemoryPort<C> {
    clock: C,
    pace: Pace,
    bytes: Vec<u8>,
    stored: Vec<Stored>,
    next: usize,
    seen: Option<MonoNs>,
}

impl<C: Clock> MemoryPort<C> {
    /// A port without datagrams.
    pub fn new(clock: C, pace: Pace) -> Self {
        Self { clock, pace, bytes: Vec::new(), stored: Vec::new(), next: 0, seen: None }
    }

    /// Adds a datagram after all others. `at` says when it comes if the pace is `Recorded`.
    pub fn push(&mut self, line: Line, at: MonoNs, payload: &[u8]) {
        let (start, len) = (self.bytes.len(), payload.len());
        self.bytes.extend_from_slice(payload);
        self.stored.push(Stored { at, start, len, line });
    }

    /// Datagrams that have not been released.
    pub fn remaining(&self) -> usize {
        self.stored.len() - self.next
    }

    /// When the next datagram comes if the pace is `Recorded`; `None` if there is none.
    pub fn next_at(&self) -> Option<MonoNs> {
        self.stored.get(self.next).map(|stored| stored.at)
    }

    /// Goes back to the first datagram.
    pub fn rewind(&mut self) {
        self.next = 0;
        self.seen = None;
    }
}

impl<C: Clock> RxPort for MemoryPort<C> {
    #[inline]
    fn peek(&mut self) -> Option<Datagram<'_>> {
        let stored = *self.stored.get(self.next)?;
        let received = match self.pace {
            Pace::Recorded if stored.at > self.clock.now() => return None,
            Pace::Recorded => stored.at,
            Pace::Immediate => *self.seen.get_or_insert_with(|| self.clock.now()),
        };
        let payload = &self.bytes[stored.start..stored.start + stored.len];
        Some(Datagram { payload, received, line: stored.line })
    }

    #[inline]
    fn release(&mut self) {
        assert!(self.next < self.stored.len(), "only a datagram that was lent is released");
        self.next += 1;
        self.seen = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    struct Hand(Cell<u64>);

    impl Clock for Hand {
        fn now(&self) -> MonoNs {
            MonoNs(self.0.get())
        }
    }

    #[test]
    fn recorded_datagrams_wait_for_their_time_and_immediate_ones_do_not() {
        let clock = Hand(Cell::new(5));
        for pace in [Pace::Recorded, Pace::Immediate] {
            clock.0.set(5);
            let mut port = MemoryPort::new(&clock, pace);
            port.push(Line::A, MonoNs(5), b"first");
            port.push(Line::B, MonoNs(9), b"");
            let lent = port.peek().map(|d| (d.payload.to_vec(), d.received, d.line));
            assert_eq!(lent, Some((b"first".to_vec(), MonoNs(5), Line::A)));
            clock.0.set(7);
            // The same one, with the same stamp, until it is released.
            assert_eq!(port.peek().map(|d| d.received), Some(MonoNs(5)));
            port.release();
            let second = port.peek().map(|d| d.received);
            assert_eq!(second, (pace == Pace::Immediate).then_some(MonoNs(7)));
            clock.0.set(9);
            assert_eq!(port.peek().map(|d| (d.payload.len(), d.line)), Some((0, Line::B)));
            port.release();
            assert_eq!((port.peek().is_none(), port.remaining(), port.next_at()), (true, 0, None));
            port.rewind();
            assert_eq!(port.remaining(), 2);
        }
    }
}

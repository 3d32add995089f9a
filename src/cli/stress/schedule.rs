//! The port of the stress run: packets that come when they are due, on both lines.

use super::market::Market;
use crate::clock::EngineClock;
use crate::engine::latency::Latencies;
use xmc_hotpath::counter::Recorder;
use xmc_hotpath::port::{Datagram, Line, RxPort};
use xmc_hotpath::time::{Clock, MonoNs, Span};

/// Packets at a steady rate. Each comes on line A and right behind it on line B, stamped with the
/// time that it was due, however late it is taken.
#[derive(Debug)]
pub struct Schedule {
    clock: EngineClock,
    market: Market,
    /// Of the next packet, from 1 on.
    packet_seq_no: u32,
    /// Where in the round it is, or in the first packets.
    place: usize,
    is_first: bool,
    line: Line,
    rate: u64,
    began: MonoNs,
    due: MonoNs,
    sent: u64,
    wanted: u64,
    is_ready: bool,
    waited: Latencies,
}

impl Schedule {
    /// A port that lends nothing until `begin`.
    pub fn new(clock: EngineClock, market: Market, rate: u64) -> Self {
        Self {
            clock,
            market,
            packet_seq_no: 1,
            place: 0,
            is_first: true,
            line: Line::A,
            rate,
            began: MonoNs(0),
            due: MonoNs(0),
            sent: 0,
            wanted: 0,
            is_ready: false,
            waited: Latencies::new(),
        }
    }

    /// Packets that make the books: one of each instrument.
    pub fn first_count(&self) -> u64 {
        self.market.first.len() as u64
    }

    /// `wanted` packets from now on.
    pub fn begin(&mut self, wanted: u64) {
        self.began = self.clock.now();
        self.due = self.began;
        (self.sent, self.wanted, self.is_ready) = (0, wanted, false);
        self.waited.clear();
    }

    /// Whether all have been taken.
    #[inline]
    pub fn is_over(&self) -> bool {
        self.sent == self.wanted
    }

    /// How many have been.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// How long after it was due each was seen first.
    pub fn waited(&self) -> &Latencies {
        &self.waited
    }
}

impl RxPort for Schedule {
    #[inline]
    fn peek(&mut self) -> Option<Datagram<'_>> {
        if self.is_over() {
            return None;
        }
        if !self.is_ready {
            let now = self.clock.now();
            if now < self.due {
                return None;
            }
            self.waited.record(now.since(self.due));
            self.is_ready = true;
            if !self.is_first {
                self.market.round.get_mut(self.place)?.renew(self.packet_seq_no);
            }
        }
        let first = &self.market.first;
        let payload = if self.is_first {
            first.get(self.place)?
        } else {
            &self.market.round.get(self.place)?.bytes
        };
        Some(Datagram { payload, received: self.due, line: self.line })
    }

    #[inline]
    fn release(&mut self) {
        if self.line == Line::A {
            self.line = Line::B;
            return;
        }
        self.line = Line::A;
        self.is_ready = false;
        self.packet_seq_no = self.packet_seq_no.wrapping_add(1);
        self.place += 1;
        let len = if self.is_first { self.market.first.len() } else { self.market.round.len() };
        if self.place == len {
            (self.place, self.is_first) = (0, false);
        }
        self.sent += 1;
        let after = u128::from(self.sent) * 1_000_000_000 / u128::from(self.rate);
        self.due = self.began.after(Span(u64::try_from(after).unwrap_or(u64::MAX)));
    }
}

//! A seeded channel of CME MDP 3.0: packets of a market that exists nowhere.
//!
//! Prices follow a common factor and a basis of each instrument that returns to zero, so that
//! spreads open and close, and at times run away. Books are the venue's own and are told by real
//! increments (insertions that shift, explicit refills, entry numbers, order counts, events of
//! several messages and of several packets, trades, volume, statistics, heartbeats), so what a
//! correct decoder builds is what `Generator::instruments` shows. Proportions are those of a
//! recorded channel of CBOT: mostly one or two entries in two messages, sometimes forty.
//!
//! Not here: definitions and snapshots (books start empty with the first packet), options, single
//! orders, traders that react to ours. Who wants faults on the two lines adds `Lines`.
//!
//! Called by `xmc demo`, by `xmc latency` without a capture, by tests and benches.

mod book;
pub(crate) mod event;
mod lines;
mod market;
mod price;
mod settings;

pub use lines::{Arrival, LineFaults, Lines};
pub use market::Instrument;
pub use settings::{Listing, Settings};

use crate::venue::cme::mdp3::{EventMark, Generation, PacketBuilder};
use event::Told;
use price::Factor;
use std::collections::VecDeque;

/// A packet never exceeds this: the longest of the recorded channel.
pub const MAX_PACKET_BYTES: usize = 1_400;

/// How far the common factor moves in an ordinary event, and in one that moves everything.
const STEP_E9: i64 = 20_000;
const BURST_E9: i64 = 1_000_000;

/// A packet that was generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Its number.
    pub seq_no: u32,
    /// When it was sent, nanoseconds since 1970-01-01 UTC.
    pub sent_ns: u64,
    /// Whether no event is open after it: only then the books are those of `instruments`.
    pub ends_event: bool,
}

/// The channel.
#[derive(Debug)]
pub struct Generator {
    settings: Settings,
    rng: fastrand::Rng,
    factor: Factor,
    instruments: Vec<Instrument>,
    /// Instruments whose books have not been opened yet.
    unopened: usize,
    next_seq_no: u32,
    now_ns: u64,
    told: Told,
    ready: VecDeque<(Sent, Vec<u8>)>,
}

impl Generator {
    /// A channel whose books are empty.
    ///
    /// # Panics
    /// If there is no instrument, or one has an impossible depth, tick or range.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        assert!(!settings.listings.is_empty(), "a channel has an instrument");
        let instruments: Vec<_> = settings.listings.iter().cloned().map(Instrument::new).collect();
        Self {
            rng: fastrand::Rng::with_seed(settings.seed),
            factor: Factor::default(),
            unopened: instruments.len(),
            instruments,
            next_seq_no: settings.first_seq_no,
            now_ns: settings.start_ns,
            told: Told::default(),
            ready: VecDeque::new(),
            settings,
        }
    }

    /// The venue's books, as they are at the end of the event last begun.
    #[must_use]
    pub fn instruments(&self) -> &[Instrument] {
        &self.instruments
    }

    /// Puts the next packet in place of what is in `out`.
    pub fn next_packet(&mut self, out: &mut Vec<u8>) -> Sent {
        loop {
            if let Some((sent, bytes)) = self.ready.pop_front() {
                out.clear();
                out.extend_from_slice(&bytes);
                return Sent { ends_event: self.ready.is_empty(), ..sent };
            }
            self.advance();
        }
    }

    /// The next event, or a heartbeat.
    fn advance(&mut self) {
        self.pass_time();
        if self.unopened == 0 && self.one_in(self.settings.heartbeat_one_in) {
            self.send(PacketBuilder::heartbeat);
            return;
        }
        let mark = self.now_ns - self.rng.u64(5_000..40_000);
        self.factor.step(&mut self.rng, STEP_E9);
        self.told.clear();
        self.happen();
        self.send_event(mark);
    }

    fn one_in(&mut self, count: u32) -> bool {
        count > 0 && self.rng.u32(..count) == 0
    }

    /// Events come in flocks: most follow soon, some after a while.
    fn pass_time(&mut self) {
        let gap = self.settings.event_gap_ns;
        let most = if self.rng.u32(..4) == 0 { gap * 5 } else { gap };
        self.now_ns += self.rng.u64(..=most).max(1_000);
    }

    /// One event: what it does to books is in `told`.
    fn happen(&mut self) {
        let Self { rng, factor, instruments, told, .. } = self;
        if self.unopened > 0 {
            let index = instruments.len() - self.unopened;
            instruments[index].quote(rng, factor, told);
            self.unopened -= 1;
            return;
        }
        let burst = self.settings.burst_one_in;
        if burst > 0 && rng.u32(..burst) == 0 {
            factor.step(rng, BURST_E9);
            for instrument in instruments {
                instrument.quote(rng, factor, told);
            }
            return;
        }
        // Few instruments are busy, most are quiet.
        let busy = rng.usize(..instruments.len()).min(rng.usize(..instruments.len()));
        if rng.u32(..24) == 0 {
            instruments[busy].trade(rng, factor, told);
            return;
        }
        instruments[busy].quote(rng, factor, told);
        // Each at most once: an instrument's entries are numbered in the order of the messages.
        for instrument in instruments.iter_mut().skip(busy + 1) {
            if rng.u32(..3) > 0 {
                break;
            }
            instrument.quote(rng, factor, told);
        }
    }

    /// Sends what `told` holds.
    fn send_event(&mut self, transact_ns: u64) {
        let told = std::mem::take(&mut self.told);
        let messages = told.messages();
        for packet in event::packets(&messages) {
            self.send(|mut builder| {
                for (message, match_event) in packet {
                    let mark = EventMark { transact_ns, match_event: *match_event };
                    builder = message.write(builder, mark);
                }
                builder
            });
        }
        self.told = told;
    }

    /// Gives a packet the next number and the present time.
    fn send(&mut self, fill: impl FnOnce(PacketBuilder) -> PacketBuilder) {
        let sent = Sent { seq_no: self.next_seq_no, sent_ns: self.now_ns, ends_event: false };
        let builder = PacketBuilder::new(Generation::V13, sent.seq_no, sent.sent_ns);
        let bytes = fill(builder).finish();
        assert!(bytes.len() <= MAX_PACKET_BYTES, "{} bytes are too many", bytes.len());
        self.ready.push_back((sent, bytes));
        self.next_seq_no = self.next_seq_no.wrapping_add(1);
        // The next packet of the same event leaves a little later.
        self.now_ns += 2_000;
    }
}

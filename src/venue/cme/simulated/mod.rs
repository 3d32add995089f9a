//! A simulated CME, sans-IO: the exchange of `sim::exchange` behind CME's own protocols.
//!
//! Time goes in; out come the packets of MDP 3.0 for each multicast group. Everything follows from
//! settings, seed and what clients send: no clock, no sockets, no threads.
//!
//! What it deliberately does not do: single orders (MBO), implied books, options, TCP replay,
//! pre-open matching, user-defined spreads.
//!
//! Called by a thin socket shell and the tests.

mod channel;
mod contract;
mod lines;
mod recovery;

pub use contract::{ChannelSettings, Contract};
pub use lines::{Datagram, Group, LineFaults};

use crate::sim::exchange::{self, Event, Exchange, Shown, Sink};
use channel::Channel;
use lines::Lines;
use recovery::Loops;
use xmc_hotpath::port::Line;
use xmc_hotpath::time::MonoNs;

/// What a venue is made of.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its market, the crowd included.
    pub exchange: exchange::Settings,
    /// What its crowd does follows from this.
    pub seed: u64,
    /// How it tells the public; its contracts are those of the exchange, in the same order.
    pub channel: ChannelSettings,
}

/// The venue.
#[derive(Debug)]
pub struct Venue {
    exchange: Exchange,
    channel: Channel,
    loops: Loops,
    lines: Lines,
}

impl Venue {
    /// A venue at its start, with the first packets of its feed on their way.
    ///
    /// # Panics
    /// If the settings contradict themselves.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let Settings { exchange, seed, channel } = settings;
        let (contracts, listings) = (channel.contracts.len(), exchange.listings.len());
        assert_eq!(contracts, listings, "each instrument of the exchange has a contract");
        let (start, first_trade) = (exchange.start, exchange.rules.first_number);
        let mut venue = Self {
            exchange: Exchange::new(exchange, seed),
            channel: Channel::new(channel, first_trade),
            loops: Loops::new(start),
            lines: Lines::new(seed),
        };
        venue.reset_channel(start);
        venue
    }

    /// The market behind it.
    #[must_use]
    pub fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// The number of the last packet of the incremental feed.
    #[must_use]
    pub fn last_seq_no(&self) -> u32 {
        self.channel.last_seq_no()
    }

    /// When `poll` has something to do by itself.
    #[must_use]
    pub fn next_at(&self) -> MonoNs {
        let due = [self.exchange.next_at(), self.channel.heartbeat_at(), self.loops.next_at()];
        due.into_iter().fold(MonoNs::NEVER, MonoNs::min)
    }

    /// Lets time pass.
    pub fn poll(&mut self, now: MonoNs) {
        self.exchange.step(now, &mut Tell { channel: &mut self.channel });
        if self.channel.heartbeat_at() <= now {
            self.channel.heartbeat(now);
        }
        self.forward();
        self.loops.run(now, &self.channel, &self.exchange, &mut self.lines);
    }

    /// Voids all books and sends them again, as CME does when a component has failed over.
    pub fn reset_channel(&mut self, now: MonoNs) {
        let empty = Shown::default();
        let listings: Vec<_> = self.exchange.listings().map(|(listing, _)| listing).collect();
        let books = listings
            .iter()
            .map(|listing| self.exchange.published(*listing).map_or(&empty, |(shown, _)| shown));
        self.channel.reset(now, books);
        self.forward();
    }

    /// What goes wrong on a line of the incremental feed from now on.
    pub fn set_faults(&mut self, line: Line, faults: LineFaults) {
        self.lines.set_faults(line, faults);
    }

    /// The next datagram that leaves.
    pub fn take_datagram(&mut self) -> Option<Datagram> {
        self.lines.take()
    }

    /// New packets go onto the lines.
    fn forward(&mut self) {
        for packet in self.channel.take_sent() {
            self.lines.send(&packet);
        }
    }
}

/// Everybody who listens to the exchange.
struct Tell<'a> {
    channel: &'a mut Channel,
}

impl Sink for Tell<'_> {
    fn take(&mut self, now: MonoNs, event: &Event) {
        self.channel.take(now, event);
    }
}

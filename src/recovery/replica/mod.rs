//! Books of the cold side that keep up with a feed all day, for the day its hot books are lost.
//!
//! A replica follows the same lines through the same decoders, on sockets and in memory of its own.
//! What it loses itself it recovers from the venue: from the loops of MDP 3.0 (`mdp3`), by asking
//! MDQP for SMDP (`smdp`). When the hot feed asks, the replica hands over its books as they stand
//! after one packet, through the feed's ring; it never waits for the hot side, and the hot side
//! never waits for it.
//!
//! While nothing is lost it compares its books with the venue's snapshots (`audit`).
//!
//! Sans-IO: datagrams, bytes and time in; `sockets` gives it both. Called by `engine::recovering`.

mod asking;
pub mod audit;
pub mod clock;
pub mod limits;
pub mod mdp3;
pub mod smdp;
pub mod sockets;
pub mod trades;

use super::Group;
use crate::counters::{Owner, Placed, Placer};
use crate::feed::{FeedCapacity, FeedMemory};
use crate::secret::Secret;
use audit::Audit;
use clock::{ClockCounters, SendingClock};
use limits::ToldLimits;
use rtrb::RingBuffer;
use std::collections::VecDeque;
use std::ops::Deref;
use trades::ToldTrades;
use xmc_hotpath::book::{Day, Instrument};
use xmc_hotpath::counter::Counter;
use xmc_hotpath::counters;
use xmc_hotpath::feed::{
    Asked, Channel, Feed, FeedCounters, FeedStorage, Handed, HandedOf, Protocol, Request, SeqNo,
};
use xmc_hotpath::message::{ChannelState, ChannelUpdate};
use xmc_hotpath::port::{Datagram, Line};
use xmc_hotpath::ring::{QuoteSender, Receiver, Sender, ends};
use xmc_hotpath::time::{MonoNs, Span, UnixNs};
use xmc_hotpath::venue::shfe::smdp::feed::PriceCodec;

/// Messages of a hand-over that can wait for the hot side: what it takes in four polls.
pub const HANDED_SLOTS: usize = 256;

/// What a replica needs now, beside the lines of the feed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// The groups of definitions.
    pub definitions: bool,
    /// The groups of snapshots.
    pub snapshots: bool,
    /// The connection to the query service.
    pub connection: bool,
}

/// Books of one feed on the cold side.
pub trait Replica {
    /// Takes a datagram.
    fn on_datagram(&mut self, group: Group, payload: &[u8], now: MonoNs);

    /// Does what time demands: recovers its own books, hands over what is asked for.
    fn on_time(&mut self, now: MonoNs);

    /// What has to be joined or connected.
    fn needs(&self) -> Needs;

    /// The query service was reached; it may ask for `password`, which is not kept.
    fn connected(&mut self, _now: MonoNs, _password: &Secret) {}

    /// The query service went away.
    fn disconnected(&mut self) {}

    /// Takes bytes of the query service.
    fn on_bytes(&mut self, _bytes: &[u8], _now: MonoNs) {}

    /// Bytes for the query service.
    fn outgoing(&self) -> &[u8] {
        &[]
    }

    /// The first `len` bytes of `outgoing` were written.
    fn written(&mut self, _len: usize) {}

    /// Its books and state.
    fn channel(&self) -> &Channel<'_>;
}

counters! {
    /// What a replica counts.
    #[repr(align(128))]
    pub struct ReplicaCounts {
        /// Its own feed.
        pub feed: FeedCounters,
        /// Times that its books were recovered from the venue.
        pub recovered: Counter => Count "times",
        /// Hand-overs that were sent whole, and rows that were sent by themselves.
        pub handed_over: Counter => Count "hand-overs",
        /// Gaps that the TCP replay filled.
        pub replayed: Counter => Count "gaps",
        /// Requests of the query service, or of the replay, that came to nothing.
        pub failed: Counter => Count "requests",
        /// The venue's clock beside ours.
        pub clock: ClockCounters,
    }
}

/// What replicas count and find: read by whoever looks on.
#[derive(Debug, Default)]
pub struct ReplicaCounters {
    counts: Placed<ReplicaCounts>,
    /// Its books beside the venue's snapshots.
    pub audit: Audit,
    /// The price limits that the venue has told.
    pub limits: ToldLimits,
    /// The last trades that it has told.
    pub trades: ToldTrades,
}

impl ReplicaCounters {
    /// Those of the replica that `owner` names.
    pub(crate) fn place(owner: &Owner, placer: &mut Placer) -> Self {
        let part =
            |of: &'static str| move |name: &str| Some((owner.clone(), format!("{of}.{name}")));
        let counts = placer.place(owner);
        let audit = Audit::counting_in(placer.place_parts(part("audit")));
        let limits = ToldLimits::counting_in(placer.place_parts(part("limits")));
        Self { counts, audit, limits, trades: ToldTrades::default() }
    }
}

impl Deref for ReplicaCounters {
    type Target = ReplicaCounts;

    fn deref(&self) -> &ReplicaCounts {
        &self.counts
    }
}

/// What a replica works in.
#[derive(Debug)]
pub struct ReplicaMemory {
    feed: FeedMemory,
    codecs: Vec<PriceCodec>,
}

/// What a replica's feed is made with.
type Lent<'m> = (FeedStorage<'m>, QuoteSender<'m>, Sender<ChannelUpdate>);

impl ReplicaMemory {
    /// Memory for a feed of so many `instruments`, of which the desk's table has `quoted`. `held`
    /// packets wait for one before them.
    #[must_use]
    pub fn new(instruments: usize, quoted: usize, held: usize) -> Self {
        let capacity = FeedCapacity { instruments, quoted, held, digests: DIGESTS };
        Self { feed: FeedMemory::new(capacity), codecs: vec![PriceCodec::NONE; instruments] }
    }

    fn lend(&mut self) -> Lent<'_> {
        self.lend_with_codecs().1
    }

    /// Nobody takes quotes and states of a replica: they wait, and newer ones replace them.
    fn lend_with_codecs(&mut self) -> (&mut [PriceCodec], Lent<'_>) {
        let (quotes, _) = ends(RingBuffer::new(1));
        let (updates, _) = ends(RingBuffer::new(1));
        let (storage, quotes) = self.feed.lend(quotes);
        (&mut self.codecs, (storage, quotes, updates))
    }
}

/// Packets whose copies on the two lines are compared.
const DIGESTS: usize = 1_024;

/// Both ends of a ring of messages.
type Ends<M> = (Sender<M>, Receiver<M>);

/// A ring for the hand-overs of a feed: the replica's end and the feed's.
#[must_use]
pub fn handover_ring<C: Copy, T: Copy>() -> Ends<Handed<C, T>> {
    ends(RingBuffer::new(HANDED_SLOTS))
}

/// How a replica and the hot feed are joined.
#[derive(Debug)]
pub struct MirrorEnds<'m, V: Protocol> {
    /// Where hand-overs go.
    pub handed: Sender<HandedOf<V>>,
    /// What the hot feed asks: `FeedCounters::request` of its own counters.
    pub request: &'m Request,
}

/// A feed of the replica's own, and its way to the hot one.
#[derive(Debug)]
pub(super) struct Mirror<'m, V: Protocol> {
    pub feed: Feed<'m, V>,
    ends: MirrorEnds<'m, V>,
    counters: &'m ReplicaCounters,
    /// What the ring has no room for yet.
    outbox: VecDeque<HandedOf<V>>,
    /// The last question that was answered.
    answered: u32,
    /// No hand-over before this packet: until then rows are of different moments.
    covered: Option<SeqNo>,
    /// The venue numbers anew since the last hand-over.
    is_anew: bool,
    restarts: u64,
    exchange: UnixNs,
    clock: SendingClock,
    limits_noted: MonoNs,
}

impl<'m, V: Protocol> Mirror<'m, V> {
    pub fn new(feed: Feed<'m, V>, ends: MirrorEnds<'m, V>, counters: &'m ReplicaCounters) -> Self {
        Self {
            feed,
            ends,
            counters,
            outbox: VecDeque::new(),
            answered: 0,
            covered: None,
            is_anew: false,
            restarts: 0,
            exchange: UnixNs(0),
            clock: SendingClock::default(),
            limits_noted: MonoNs(0),
        }
    }

    /// Takes a packet of a line, which the venue sent at `exchange`.
    pub fn on_packet(&mut self, line: Line, payload: &[u8], exchange: UnixNs, now: MonoNs) {
        self.exchange = self.exchange.max(exchange);
        self.clock.take(exchange, now, &self.counters.clock);
        self.feed.on_datagram(&Datagram { payload, received: now, line });
        let restarts = self.counters.feed.restarts.get();
        if self.restarts != restarts {
            self.restarts = restarts;
            self.is_anew = true;
        }
    }

    /// It was looked for packets, whether or not any came.
    pub fn looked(&mut self, now: MonoNs) {
        self.clock.look(now, &self.counters.clock);
    }

    /// Takes a packet that the venue sent again.
    pub fn on_missed(&mut self, payload: &[u8], now: MonoNs) {
        self.feed.on_datagram(&Datagram { payload, received: now, line: Line::A });
    }

    /// Its books were filled anew: all include everything through `covered` from there on.
    pub fn seeded(&mut self, before: Option<SeqNo>, last: SeqNo, covered: SeqNo) {
        self.counters.recovered.add(1);
        self.covered = Some(covered);
        self.is_anew |= before.is_some_and(|before| last.beyond(before) < 0);
    }

    /// Notes price limits and last trades of what the desk looks at, for whoever tells or shows
    /// them.
    pub fn note_limits(&mut self, now: MonoNs) {
        if now.since(self.limits_noted) < BETWEEN_LIMITS {
            return;
        }
        self.limits_noted = now;
        let books = self.feed.channel().books();
        for row in books.rows() {
            let index = books.get(row).and_then(Instrument::index);
            if let (Some(index), Some(day)) = (index, books.day(row)) {
                self.counters.limits.note(index, day.limits);
                self.counters.trades.note(index, day.last);
            }
        }
    }

    /// What the hot feed asks for.
    pub fn asked(&self) -> Option<Asked> {
        self.ends.request.asked()
    }

    /// Whether its own books can be believed.
    pub fn is_whole(&self) -> bool {
        let state = self.feed.channel().state();
        matches!(state, ChannelState::Live | ChannelState::SingleLine | ChannelState::Stale)
    }

    /// Whether nothing is known to be wrong with what the desk trades.
    pub fn is_sound(&self) -> bool {
        let mut books = self.feed.channel().books().iter();
        !books.any(|instrument| instrument.index().is_some() && instrument.is_damaged())
    }

    /// What the hot feed has seen and this one has not, if it is asked for.
    pub fn lag(&self) -> Option<(SeqNo, SeqNo)> {
        let (asked, position) = (self.asked()?, self.feed.position()?);
        let is_behind = asked.through.beyond(position) > 0 && !self.is_anew;
        is_behind.then(|| (position.next(), asked.through))
    }

    /// Hands over what is asked for, as far as the ring has room.
    pub fn hand_over(&mut self) {
        let Some(asked) = self.asked() else { return self.outbox.clear() };
        if asked.generation != self.answered {
            self.outbox.clear();
            self.answer(asked);
        }
        let is_any = !self.outbox.is_empty();
        while let Some(message) = self.outbox.front() {
            if self.ends.handed.push(*message).is_err() {
                return;
            }
            self.outbox.pop_front();
        }
        if is_any {
            self.counters.handed_over.add(1);
        }
    }

    /// One row, if nothing is wrong with it here.
    fn answer_row(&mut self, generation: u32, security_id: i32, last: SeqNo) {
        let books = self.feed.channel().books();
        let rows = books.rows().filter_map(|row| Some((row, *books.get(row)?)));
        let day = |row| books.day(row).copied().unwrap_or(Day::UNKNOWN);
        let mut rows = rows.filter(|(_, of)| of.security_id() == security_id && !of.is_damaged());
        let Some((row, instrument)) = rows.next() else { return };
        self.answered = generation;
        let (exchange, terms, day) = (self.exchange, self.feed.protocol().terms(row), day(row));
        self.outbox.push_back(Handed::Alone { generation, last, exchange, instrument, day, terms });
    }

    fn answer(&mut self, asked: Asked) {
        let Some(last) = self.feed.position().filter(|_| self.is_whole()) else { return };
        let is_between = !self.feed.channel().is_event_open()
            && self.feed.protocol().is_between_messages()
            && self.covered.is_none_or(|covered| last.beyond(covered) >= 0);
        let is_enough = last.beyond(asked.through) >= 0;
        if let Some(security_id) = self.ends.request.row() {
            if is_between && is_enough {
                self.answer_row(asked.generation, security_id, last);
            }
            return;
        }
        if !is_between || !(is_enough || self.is_anew) {
            return;
        }
        self.answered = asked.generation;
        self.covered = None;
        let (generation, exchange) = (asked.generation, self.exchange);
        let is_anew = std::mem::take(&mut self.is_anew) && !is_enough;
        let course = self.feed.protocol().course();
        self.outbox.push_back(Handed::Begin { generation, last, exchange, course, is_anew });
        let books = self.feed.channel().books();
        let rows = |is_traded: bool| {
            let rows = books.rows().filter_map(|row| Some((row, books.get(row)?)));
            rows.filter(move |(_, instrument)| instrument.index().is_some() == is_traded)
        };
        for (row, instrument) in rows(true).chain(rows(false)) {
            let terms = self.feed.protocol().terms(row);
            let day = books.day(row).copied().unwrap_or(Day::UNKNOWN);
            self.outbox.push_back(Handed::Row { instrument: *instrument, day, terms });
        }
        self.outbox.push_back(Handed::End { generation, count: books.len() });
    }
}

/// How often limits are looked at.
const BETWEEN_LIMITS: Span = Span(10_000_000);

/// How long a replica waits before it asks the venue for what it lacks: the other line may still
/// bring it.
const PATIENCE: Span = Span(2_000_000);

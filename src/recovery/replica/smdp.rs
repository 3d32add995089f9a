//! The replica of an SMDP topic: what it loses is asked for from MDQP.
//!
//! Packets behind a loss are held while those that are missing are asked for, so that the books
//! need not begin anew; where that fails, or the venue numbers anew, a snapshot is asked for. The
//! connection to the query service stays open all day: logging in would cost more than the answer.

use super::super::smdp::{LIMITS, row_of};
use super::super::tail::Kept;
use super::super::{Group, Wanted};
use super::{Mirror, MirrorEnds, Needs, PATIENCE, Replica, ReplicaCounters, ReplicaMemory};
use crate::secret::Secret;
use crate::venue::shfe::smdp::client::{Client, Event};
use crate::venue::shfe::smdp::layout::LoginField;
use crate::venue::shfe::smdp::snapshot::Snapshot;
use xmc_hotpath::book::{BookSide, StorageError};
use xmc_hotpath::feed::{ArbiterLimits, Channel, ChannelSettings, Feed, Protocol, SeqNo};
use xmc_hotpath::time::{MonoNs, Span, UnixNs};
use xmc_hotpath::venue::shfe::smdp::decode;
use xmc_hotpath::venue::shfe::smdp::feed::Smdp;

/// How long packets are held for those that are asked for.
const HOLD_FOR: Span = Span(2_000_000_000);

/// After a request came to nothing, the next one waits for this long.
const BETWEEN_FAILURES: Span = Span(50_000_000);

/// Between two snapshots that are asked for to be compared: a load that no service feels.
const BETWEEN_COMPARISONS: Span = Span(60_000_000_000);

/// Packets that are kept for a snapshot that was asked for; some 20 MB.
const MOST_KEPT: usize = 1 << 14;

/// What the next request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lack {
    /// These packets.
    Packets(SeqNo, SeqNo),
    /// All books.
    Books,
    /// Nothing: all books, to be compared.
    Comparison,
}

/// The books of a topic.
#[derive(Debug)]
pub struct SmdpReplica<'m> {
    mirror: Mirror<'m, Smdp<'m>>,
    topic: i16,
    wanted: Vec<Wanted>,
    login: LoginField,
    client: Option<Client>,
    /// A snapshot was asked for: packets are kept for it.
    is_snapshot_asked: bool,
    kept: Vec<Kept>,
    /// Missing packets could not be had: only a snapshot helps.
    must_begin_anew: bool,
    /// Since when it lacks packets.
    lacking_since: Option<MonoNs>,
    next_request: MonoNs,
    /// When a snapshot was asked for to be compared.
    compared: MonoNs,
}

impl<'m> SmdpReplica<'m> {
    /// A replica that has seen nothing, of `topic`, which asks as `login`; the password comes with
    /// each connection.
    ///
    /// # Errors
    /// The memory has a wrong size: a fault in the program.
    pub fn new(
        (topic, login): (i16, LoginField),
        settings: ChannelSettings,
        limits: ArbiterLimits,
        wanted: Vec<Wanted>,
        memory: &'m mut ReplicaMemory,
        ends: MirrorEnds<'m, Smdp<'m>>,
        counters: &'m ReplicaCounters,
    ) -> Result<Self, StorageError> {
        let limits = ArbiterLimits { hold_for: HOLD_FOR, line_reorder: u32::MAX, ..limits };
        let (codecs, (storage, quotes, updates)) = memory.lend_with_codecs();
        let protocol = Smdp::new(topic, codecs);
        let feed = Feed::new(protocol, settings, limits, storage, quotes, updates, &counters.feed)?;
        Ok(Self {
            mirror: Mirror::new(feed, ends, counters),
            topic,
            wanted,
            login,
            client: None,
            is_snapshot_asked: false,
            kept: Vec::new(),
            must_begin_anew: false,
            lacking_since: None,
            next_request: MonoNs(0),
            compared: MonoNs(0),
        })
    }

    /// What its own books lack, if the lines have not brought it within a moment.
    fn lack(&mut self, now: MonoNs) -> Option<Lack> {
        let is_lost = !self.mirror.is_whole() || !self.mirror.is_sound();
        if is_lost || self.must_begin_anew {
            return Some(Lack::Books);
        }
        let gap = self.mirror.feed.missing();
        let gap = gap.map(|gap| (gap.from, SeqNo(gap.from.0.wrapping_add(gap.missing)).before()));
        let Some((from, to)) = gap.or_else(|| self.mirror.lag()) else {
            self.lacking_since = None;
            let is_due = now.since(self.compared) >= BETWEEN_COMPARISONS;
            return is_due.then_some(Lack::Comparison);
        };
        let is_waited_for = now.since(*self.lacking_since.get_or_insert(now)) >= PATIENCE;
        is_waited_for.then_some(Lack::Packets(from, to))
    }

    fn ask(&mut self, now: MonoNs) {
        let may_ask = |client: &Client| client.is_in() && !client.is_waiting();
        if now < self.next_request || !self.client.as_ref().is_some_and(may_ask) {
            return;
        }
        let Some(lack) = self.lack(now) else { return };
        let Some(client) = &mut self.client else { return };
        let asked = match lack {
            Lack::Packets(from, to) => {
                client.ask_missing(self.topic, from.0.cast_signed(), to.0.cast_signed(), now)
            }
            Lack::Books => {
                self.kept.clear();
                self.is_snapshot_asked = true;
                client.ask_snapshot(self.topic, now)
            }
            Lack::Comparison => {
                self.compared = now;
                client.ask_snapshot(self.topic, now)
            }
        };
        if asked.is_err() {
            self.failed(now);
        }
    }

    /// A request came to nothing.
    fn failed(&mut self, now: MonoNs) {
        self.mirror.counters.failed.add(1);
        if self.is_snapshot_asked {
            self.next_request = now.after(BETWEEN_FAILURES);
        }
        self.is_snapshot_asked = false;
        self.must_begin_anew = true;
    }

    fn take_events(&mut self, now: MonoNs) {
        while let Some(event) = self.client.as_mut().and_then(Client::next_event) {
            match event {
                Event::Snapshot(snapshot) if self.is_snapshot_asked => self.seed(&snapshot, now),
                Event::Snapshot(snapshot) => self.audit(&snapshot),
                Event::Recovered(packets) => {
                    for payload in &packets {
                        self.mirror.on_missed(payload, now);
                    }
                    self.mirror.counters.recovered.add(1);
                    self.lacking_since = None;
                }
                Event::Failed(_) => self.failed(now),
                Event::Closed(_) | Event::LoggedOut => {
                    self.failed(now);
                    self.client = None;
                }
                Event::LoggedIn(_) => {}
            }
        }
    }

    /// Compares a snapshot of the moment in which the books are.
    fn audit(&self, snapshot: &Snapshot) {
        let (feed, audit) = (&self.mirror.feed, &self.mirror.counters.audit);
        let last = SeqNo(snapshot.packet_no.cast_unsigned());
        let is_same_moment = feed.position() == Some(last) && feed.protocol().is_between_messages();
        if !is_same_moment || !self.mirror.is_whole() {
            return;
        }
        for told in &snapshot.instruments {
            let id = told.contract.instrument_no;
            let mut books = feed.channel().books().iter();
            let Some(instrument) = books.find(|of| of.security_id() == id) else { continue };
            audit.books.add(1);
            for (side, levels) in [(BookSide::Bid, &told.bids), (BookSide::Ask, &told.asks)] {
                let levels: Vec<_> =
                    levels.iter().map(|level| Some((level.price_e9, level.lots))).collect();
                audit.compare_side((instrument, last), side, &levels);
            }
        }
    }

    fn seed(&mut self, snapshot: &Snapshot, now: MonoNs) {
        self.is_snapshot_asked = false;
        let before = self.mirror.feed.position();
        let wanted = &self.wanted;
        let index_of = |contract: &_| row_of(wanted, contract);
        if snapshot.seed(&mut self.mirror.feed, index_of, now).is_err() {
            return self.failed(now);
        }
        let last = SeqNo(snapshot.packet_no.cast_unsigned());
        self.mirror.seeded(before, last, last);
        Kept::give(&Kept::after(&self.kept, last), &mut self.mirror.feed, now);
        self.kept.clear();
        self.must_begin_anew = false;
        self.lacking_since = None;
    }
}

impl Replica for SmdpReplica<'_> {
    fn on_datagram(&mut self, group: Group, payload: &[u8], now: MonoNs) {
        let Group::Incremental(line) = group else { return };
        let Ok(packet) = decode::packet(payload) else { return };
        if packet.header().topic_id.get() != self.topic {
            return;
        }
        if self.is_snapshot_asked && !packet.is_heartbeat() && self.kept.len() < MOST_KEPT {
            let seq_no = SeqNo(packet.header().packet_no.get().cast_unsigned());
            self.kept.push(Kept { line, seq_no, payload: payload.to_vec() });
        }
        let exchange = if packet.is_heartbeat() { UnixNs(0) } else { packet.snap_ns() };
        self.mirror.on_packet(line, payload, exchange, now);
    }

    fn on_time(&mut self, now: MonoNs) {
        self.mirror.looked(now);
        self.mirror.feed.on_time(now);
        if let Some(client) = &mut self.client {
            client.on_time(now);
        }
        self.take_events(now);
        self.ask(now);
        self.mirror.note_limits(now);
        self.mirror.hand_over();
    }

    fn needs(&self) -> Needs {
        Needs { connection: self.client.is_none(), ..Needs::default() }
    }

    fn connected(&mut self, now: MonoNs, password: &Secret) {
        self.client = Some(Client::connect(self.login, password, LIMITS, now));
    }

    fn disconnected(&mut self) {
        self.client = None;
        self.is_snapshot_asked = false;
    }

    fn on_bytes(&mut self, bytes: &[u8], now: MonoNs) {
        if let Some(client) = &mut self.client {
            client.on_bytes(bytes, now);
        }
    }

    fn outgoing(&self) -> &[u8] {
        self.client.as_ref().map_or(&[], Client::outgoing)
    }

    fn written(&mut self, len: usize) {
        if let Some(client) = &mut self.client {
            client.written(len);
        }
    }

    fn channel(&self) -> &Channel<'_> {
        self.mirror.feed.channel()
    }
}

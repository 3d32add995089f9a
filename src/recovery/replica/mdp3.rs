//! The replica of an MDP 3.0 channel: what it loses comes back with the snapshot loop.
//!
//! While its own books are whole the loop is compared with them, and a single book that is known to
//! be wrong is taken back from its next snapshot, which the packets kept since go on from. The
//! groups of definitions are joined until every wanted instrument was defined once. Where TCP
//! replay is configured (`with_replay`) it is asked first for what both lines lost; the loop serves
//! where it fails.

use super::super::mdp3::{Gathering, levels, put_levels};
use super::super::{Group, Wanted};
use super::asking::{Asking, Told};
use super::{Mirror, MirrorEnds, Needs, PATIENCE, Replica, ReplicaCounters, ReplicaMemory};
use crate::secret::Secret;
use crate::venue::cme::mdp3::replay::{Login, ReplayError};
use std::collections::BTreeMap;
use xmc_hotpath::book::{BookSide, Instrument, OUTRIGHT_LEVELS, StorageError};
use xmc_hotpath::feed::{ArbiterLimits, Channel, ChannelSettings, Feed, SeqNo};
use xmc_hotpath::time::{MonoNs, Span, UnixNs};
use xmc_hotpath::venue::cme::mdp3::day;
use xmc_hotpath::venue::cme::mdp3::decode::{self, Message, Snapshot};
use xmc_hotpath::venue::cme::mdp3::feed::{Mdp3, is_open};
use xmc_hotpath::venue::cme::mdp3::layout::U8_NULL;

/// How long a single book may wait for its snapshot, before all are gathered anew.
const MENDING: Span = Span(5_000_000_000);
/// Packets that are kept for it, at most.
const MOST_KEPT: usize = 1 << 14;
/// How long a packet is held for one that the replay may bring.
const HOLD_FOR: Span = Span(2_000_000_000);
/// A snapshot that is further ahead than this is of another numbering.
const MOST_AHEAD: i32 = 4_096;
/// How often what was gathered is looked through.
const BETWEEN_LOOKS: Span = Span(1_000_000);

/// The books of a channel.
#[derive(Debug)]
pub struct Mdp3Replica<'m> {
    mirror: Mirror<'m, Mdp3>,
    gathering: Gathering,
    is_gathering: bool,
    /// Since when it lacks what the hot feed has seen.
    behind_since: Option<MonoNs>,
    /// What is kept for the books that are known to be wrong while all others are right.
    mending: Option<Mending>,
    replay: Option<Asking>,
    looked: MonoNs,
}

/// Packets since a book was found to be wrong.
#[derive(Debug)]
struct Mending {
    since: MonoNs,
    packets: BTreeMap<u32, Vec<u8>>,
}

impl<'m> Mdp3Replica<'m> {
    /// A replica that has seen nothing.
    ///
    /// # Errors
    /// The memory has a wrong size: a fault in the program.
    pub fn new(
        protocol: Mdp3,
        settings: ChannelSettings,
        limits: ArbiterLimits,
        wanted: Vec<Wanted>,
        memory: &'m mut ReplicaMemory,
        ends: MirrorEnds<'m, Mdp3>,
        counters: &'m ReplicaCounters,
    ) -> Result<Self, StorageError> {
        let (storage, quotes, updates) = memory.lend();
        let feed = Feed::new(protocol, settings, limits, storage, quotes, updates, &counters.feed)?;
        let mut gathering = Gathering::new(wanted);
        gathering.begin();
        Ok(Self {
            mirror: Mirror::new(feed, ends, counters),
            gathering,
            is_gathering: true,
            behind_since: None,
            mending: None,
            replay: None,
            looked: MonoNs(0),
        })
    }

    /// Lets it ask the TCP replay of the channel. Gaps must then be waited for: see `patient`.
    #[must_use]
    pub fn with_replay(self, replay: Option<(i16, Login)>) -> Self {
        Self { replay: replay.map(Asking::new), ..self }
    }

    /// Limits of a replica that asks a replay: what is missing is not given up before it answers.
    #[must_use]
    pub fn patient(limits: ArbiterLimits) -> ArbiterLimits {
        ArbiterLimits { hold_for: HOLD_FOR, line_reorder: u32::MAX, ..limits }
    }

    /// Why the last request of the replay came to nothing.
    #[must_use]
    pub fn replay_problem(&self) -> Option<&ReplayError> {
        self.replay.as_ref().and_then(Asking::problem)
    }

    /// Asks the replay for what is missing, and takes what it brings.
    fn ask(&mut self, now: MonoNs) {
        let Some(replay) = &mut self.replay else { return };
        if self.is_gathering {
            return replay.forget();
        }
        let gap = self.mirror.feed.missing();
        let gap = gap.map(|gap| (gap.from, gap.from.plus(gap.missing).before()));
        match replay.go_on(gap.or_else(|| self.mirror.lag()), now) {
            Told::Nothing => {}
            Told::Failed => self.mirror.counters.failed.add(1),
            Told::Packets(packets) => {
                for payload in &packets {
                    if let (Some(mending), Ok(packet)) =
                        (&mut self.mending, decode::packet(payload))
                    {
                        let kept = mending.packets.entry(packet.seq_no());
                        kept.or_insert_with(|| payload.clone());
                    }
                    self.mirror.on_missed(payload, now);
                }
                self.mirror.counters.replayed.add(1);
            }
        }
    }

    /// Whether its own books have to be recovered.
    fn lacks(&mut self, now: MonoNs) -> bool {
        if !self.mirror.is_whole() || self.must_gather_for_a_book(now) {
            return true;
        }
        if let Some(replay) = &self.replay {
            return replay.is_given_up();
        }
        if self.mirror.lag().is_none() {
            self.behind_since = None;
            return false;
        }
        // On the way, or lost without anything behind it that would show it.
        now.since(*self.behind_since.get_or_insert(now)) >= PATIENCE
    }

    /// Begins and ends keeping packets for single books that are wrong; whether it takes too long.
    fn must_gather_for_a_book(&mut self, now: MonoNs) -> bool {
        if self.mirror.is_sound() {
            self.mending = None;
            return false;
        }
        let begin = || Mending { since: now, packets: BTreeMap::new() };
        let mending = self.mending.get_or_insert_with(begin);
        now.since(mending.since) >= MENDING || mending.packets.len() >= MOST_KEPT
    }

    /// Takes a book that is known to be wrong from its snapshot. Whether it was one.
    fn mend(&mut self, snapshot: &Snapshot<'_>, now: MonoNs) -> bool {
        let Some(mending) = &self.mending else { return false };
        let (root, feed) = (snapshot.root, &mut self.mirror.feed);
        let is_wrong = |of: &&Instrument| {
            of.security_id() == root.security_id.get() && of.index().is_some() && of.is_damaged()
        };
        let Some(mut row) = feed.channel().books().iter().find(is_wrong).copied() else {
            return false;
        };
        let last = SeqNo(root.last_seq_no.get());
        let is_near = feed.position().is_some_and(|own| last.beyond(own) < MOST_AHEAD);
        let Some(levels) = levels(snapshot).filter(|_| is_near) else { return true };
        row.clear();
        if put_levels(&mut row, &levels).is_err() {
            return true;
        }
        row.expect_after(root.rpt_seq.get());
        if root.trading_status != U8_NULL {
            row.set_status(root.trading_status, is_open(root.trading_status));
        }
        let day = day::told(snapshot);
        let packet = |seq_no: SeqNo| mending.packets.get(&seq_no.0).map(Vec::as_slice);
        feed.mend((&row, &day), (), (last, UnixNs(root.transact_ns.get())), now, packet);
        true
    }

    /// Compares the books that a packet of snapshots has with those that the instrument's own
    /// numbers show to be of the same moment.
    fn audit(&mut self, payload: &[u8], now: MonoNs) {
        // What is known to be wrong is no finding: it is recovered with the next turn.
        let Ok(packet) = decode::packet(payload) else { return };
        if !self.mirror.is_whole() {
            return;
        }
        for message in packet.messages() {
            if let Ok(Message::Snapshot(snapshot)) = message.decode()
                && !self.mend(&snapshot, now)
            {
                self.audit_book(&snapshot);
            }
        }
    }

    fn audit_book(&mut self, snapshot: &Snapshot<'_>) {
        let (root, audit) = (snapshot.root, &self.mirror.counters.audit);
        let id = root.security_id.get();
        let channel = self.mirror.feed.channel();
        let found = channel.books().iter().find(|instrument| instrument.security_id() == id);
        let is_same_moment = |instrument: &&Instrument| {
            instrument.change_seq_no() == Some(root.rpt_seq.get()) && !instrument.is_damaged()
        };
        let Some(instrument) = found.filter(is_same_moment) else { return };
        let Some(levels) = levels(snapshot) else { return };
        audit.books.add(1);
        for side in [BookSide::Bid, BookSide::Ask, BookSide::ImpliedBid, BookSide::ImpliedAsk] {
            let mut theirs = [None; OUTRIGHT_LEVELS];
            for level in levels.iter().filter(|level| level.side == side) {
                if let Some(place) = theirs.get_mut(usize::from(level.place) - 1) {
                    *place = Some((level.price_e9, level.lots));
                }
            }
            let book = (instrument, SeqNo(root.last_seq_no.get()));
            audit.compare_side(book, side, &theirs);
        }
        // What a reset has emptied, and is not sent again.
        let books = self.mirror.feed.channel_mut().books_mut();
        if let Some(day) = books.find(id).and_then(|row| books.day_mut(row)) {
            day.complete(&day::told(snapshot));
        }
    }

    fn seed(&mut self, now: MonoNs) {
        let Ok(start) = self.gathering.start() else { return };
        let before = self.mirror.feed.position();
        // What does not fit leaves the books unbelieved, and the next loop is waited for.
        if start.seed(&mut self.mirror.feed, now).is_ok() {
            self.mirror.seeded(before, start.last(), start.covered());
            self.is_gathering = !self.mirror.is_whole();
        }
        if self.is_gathering {
            self.gathering.begin();
        } else {
            self.gathering.forget();
        }
        self.behind_since = None;
    }
}

impl Replica for Mdp3Replica<'_> {
    fn on_datagram(&mut self, group: Group, payload: &[u8], now: MonoNs) {
        match group {
            Group::Incremental(line) => {
                if self.is_gathering {
                    self.gathering.keep(line, payload);
                }
                let packet = decode::packet(payload).ok();
                if let (Some(mending), Some(packet)) = (&mut self.mending, &packet) {
                    mending.packets.entry(packet.seq_no()).or_insert_with(|| payload.to_vec());
                }
                let sent = packet.map_or(0, |packet| packet.sent_ns());
                self.mirror.on_packet(line, payload, UnixNs(sent), now);
            }
            Group::Definitions => self.gathering.on_definitions(payload),
            Group::Snapshots if self.is_gathering => self.gathering.on_snapshots(payload),
            Group::Snapshots => self.audit(payload, now),
        }
    }

    fn on_time(&mut self, now: MonoNs) {
        self.mirror.looked(now);
        self.mirror.feed.on_time(now);
        self.ask(now);
        if !self.is_gathering && self.lacks(now) {
            self.gathering.begin();
            self.is_gathering = true;
            self.mending = None;
        }
        if self.is_gathering && now.since(self.looked) >= BETWEEN_LOOKS {
            self.looked = now;
            self.seed(now);
        }
        self.mirror.note_limits(now);
        self.mirror.hand_over();
    }

    fn needs(&self) -> Needs {
        Needs {
            definitions: self.is_gathering && self.gathering.lacks_terms(),
            // Between losses they are compared with what there is.
            snapshots: true,
            connection: self.replay.as_ref().is_some_and(Asking::needs_connection),
        }
    }

    fn connected(&mut self, now: MonoNs, _password: &Secret) {
        if let Some(replay) = &mut self.replay {
            replay.connected(now);
        }
    }

    fn disconnected(&mut self) {
        if let Some(replay) = &mut self.replay {
            replay.disconnected();
        }
    }

    fn on_bytes(&mut self, bytes: &[u8], _now: MonoNs) {
        if let Some(client) = self.replay.as_mut().and_then(Asking::client) {
            client.on_bytes(bytes);
        }
    }

    fn outgoing(&self) -> &[u8] {
        self.replay.as_ref().map_or(&[], Asking::outgoing)
    }

    fn written(&mut self, len: usize) {
        if let Some(client) = self.replay.as_mut().and_then(Asking::client) {
            client.written(len);
        }
    }

    fn channel(&self) -> &Channel<'_> {
        self.mirror.feed.channel()
    }
}

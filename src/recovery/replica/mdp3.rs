//! The replica of an MDP 3.0 channel: what it loses comes back with the snapshot loop.
//!
//! While its own books are whole the loop is compared with them. The groups of definitions are
//! joined until every wanted instrument was defined once. TCP replay is not asked: the loop is as
//! quick where it is short, and where it is long the venue would rather not be asked by everybody.

use super::super::mdp3::{Gathering, levels};
use super::super::{Group, Wanted};
use super::{Mirror, MirrorEnds, Needs, PATIENCE, Replica, ReplicaCounters, ReplicaMemory};
use xmc_hotpath::book::{BookSide, Instrument, OUTRIGHT_LEVELS, StorageError};
use xmc_hotpath::feed::{ArbiterLimits, Channel, ChannelSettings, Feed, SeqNo};
use xmc_hotpath::time::{MonoNs, Span, UnixNs};
use xmc_hotpath::venue::cme::mdp3::decode::{self, Message, Snapshot};
use xmc_hotpath::venue::cme::mdp3::feed::Mdp3;

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
    looked: MonoNs,
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
            looked: MonoNs(0),
        })
    }

    /// Whether its own books have to be recovered.
    fn lacks(&mut self, now: MonoNs) -> bool {
        if !self.mirror.is_whole() || !self.mirror.is_sound() {
            return true;
        }
        if self.mirror.lag().is_none() {
            self.behind_since = None;
            return false;
        }
        // On the way, or lost without anything behind it that would show it.
        now.since(*self.behind_since.get_or_insert(now)) >= PATIENCE
    }

    /// Compares the books that a packet of snapshots has with those that the instrument's own
    /// numbers show to be of the same moment.
    fn audit(&mut self, payload: &[u8]) {
        // What is known to be wrong is no finding: it is recovered with the next turn.
        let Ok(packet) = decode::packet(payload) else { return };
        if !self.mirror.is_whole() {
            return;
        }
        for message in packet.messages() {
            if let Ok(Message::Snapshot(snapshot)) = message.decode() {
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
                let sent = decode::packet(payload).map_or(0, |packet| packet.sent_ns());
                self.mirror.on_packet(line, payload, UnixNs(sent), now);
            }
            Group::Definitions => self.gathering.on_definitions(payload),
            Group::Snapshots if self.is_gathering => self.gathering.on_snapshots(payload),
            Group::Snapshots => self.audit(payload),
        }
    }

    fn on_time(&mut self, now: MonoNs) {
        self.mirror.feed.on_time(now);
        if !self.is_gathering && self.lacks(now) {
            self.gathering.begin();
            self.is_gathering = true;
        }
        if self.is_gathering && now.since(self.looked) >= BETWEEN_LOOKS {
            self.looked = now;
            self.seed(now);
        }
        self.mirror.hand_over();
    }

    fn needs(&self) -> Needs {
        Needs {
            definitions: self.is_gathering && self.gathering.lacks_terms(),
            // Between losses they are compared with what there is.
            snapshots: true,
            connection: false,
        }
    }

    fn channel(&self) -> &Channel<'_> {
        self.mirror.feed.channel()
    }
}

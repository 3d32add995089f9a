//! The feed as a stage: polls a port, arbitrates, hands packets to the venue's protocol.
//!
//! `Feed` is sans-IO (datagrams and time in, quotes out), so that tests and the simulator can step
//! it; `FeedStage` adds the port and the clock.

use super::arbiter::Arbiter;
use super::channel::{Channel, ChannelSettings};
use super::counters::FeedCounters;
use super::handover::RejoinStorage;
use super::held::{Digest, Held};
use super::pulse::{ChannelPulse, FrozenLimits, Session};
use super::rejoin::Rejoin;
use super::sequence::SeqNo;
use super::verdict::{ArbiterLimits, Arrived, CutLines, Gap, LineHealth, Verdict};
use crate::book::{Books, Day, Instrument, Row, Slot, StorageError};
use crate::message::ChannelUpdate;
use crate::port::{Datagram, Line, RxPort};
use crate::ring::{QuoteSender, Sender};
use crate::stage::{Stage, Work};
use crate::time::{Clock, MonoNs, UnixNs};

/// How a packet stands to the sequence that is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It has this number: it is carried out once, in its turn.
    Numbered(SeqNo),
    /// The same, and it was sent before what was carried out last: a copy or late, however far
    /// behind it is.
    Older(SeqNo),
    /// The same, behind what was carried out last and sent long after it: where another numbering
    /// begins packets look so, and damaged ones.
    Younger(SeqNo),
    /// The same once more: another numbering has begun.
    Anew(SeqNo),
    /// It has none, and says that everything before this one has been sent: a heartbeat.
    Announces(SeqNo),
    /// It belongs to another sequence: it is dropped and counted.
    Foreign,
    /// It shows that the sequence is over. Nothing of the channel is believed until recovered books
    /// are handed over.
    Over,
}

/// What a venue's protocol brings to the feed.
pub trait Protocol {
    /// A packet whose framing has been checked.
    type Packet<'p>;
    /// Whether each change of an instrument has a number of the instrument's own. Then one row can
    /// be taken back by itself: what it includes of a packet shows.
    const NUMBERS_CHANGES: bool;
    /// Why a packet or a message is refused.
    type Error: Copy;
    /// Which sequence is followed, where a channel has more than one in its life.
    type Course: Copy + PartialEq + core::fmt::Debug;
    /// What is known of an instrument beside its book.
    type Terms: Copy + core::fmt::Debug;

    /// Reads a packet and checks the framing of all of it: what it accepts may be arbitrated.
    ///
    /// # Errors
    /// The packet is refused whole; the other line's copy may still be good.
    fn read<'p>(&self, payload: &'p [u8]) -> Result<Self::Packet<'p>, Self::Error>;

    /// How a packet stands to the sequence that is followed. Asked once, as it comes: it may be
    /// early, late or a copy.
    fn standing(&mut self, packet: &Self::Packet<'_>) -> Standing;

    /// Carries out a packet on the channel.
    ///
    /// # Errors
    /// A message is damaged: what it held is lost, and part of the packet has been carried out.
    fn apply(
        &mut self,
        packet: &Self::Packet<'_>,
        channel: &mut Channel<'_>,
    ) -> Result<(), Self::Error>;

    /// Tells the channel by `Channel::name` which instruments a packet is about. It may be damaged
    /// in any way that `read` does not find.
    fn name(packet: &Self::Packet<'_>, channel: &mut Channel<'_>);

    /// The place of an error among `FeedCounters::refused`.
    fn refusal(error: Self::Error) -> usize;

    /// The sequence that is followed.
    fn course(&self) -> Self::Course;

    /// Follows a sequence from here on, between two messages; terms are forgotten.
    fn resume(&mut self, course: Self::Course);

    /// What is known of the instrument in `row`.
    fn terms(&self, row: Row) -> Self::Terms;

    /// Notes what is known of the instrument in `row`. `false` if there is no place for it.
    fn set_terms(&mut self, row: Row, terms: Self::Terms) -> bool;

    /// Whether the next packet begins a message: books that were handed over go on with it.
    fn is_between_messages(&self) -> bool;
}

/// What the cold side lends to one feed. Sizes are checked; contents are overwritten.
#[derive(Debug)]
pub struct FeedStorage<'a> {
    /// One row for each instrument that may be seen.
    pub instruments: &'a mut [Instrument],
    /// As many as `instruments`, or none: then nothing is kept of their days.
    pub days: &'a mut [Day],
    /// The table to find them: a power of two, at least twice as many.
    pub slots: &'a mut [Slot],
    /// As many as `instruments`.
    pub touched: &'a mut [Row],
    /// Packets that wait: a power of two, at least 16.
    pub held: &'a mut [Held],
    /// Packets whose copies are compared: a power of two, at least 16.
    pub digests: &'a mut [Digest],
}

/// Everything of one feed but port and clock.
#[derive(Debug)]
pub struct Feed<'a, V: Protocol> {
    pub(super) protocol: V,
    pub(super) arbiter: Arbiter<'a>,
    pub(super) channel: Channel<'a>,
    /// Where recovered books come from while it runs; `None`: from nowhere.
    pub(super) rejoin: Option<Rejoin<'a, V>>,
    /// Its books were lost, and it has not caught up yet.
    pub(super) is_away: bool,
    limits: ArbiterLimits,
    /// Whether it moves; `None`: nobody asks.
    pulse: Option<ChannelPulse>,
    next_check: MonoNs,
}

impl<'a, V: Protocol> Feed<'a, V> {
    /// A feed that has seen nothing.
    ///
    /// # Errors
    /// The storage has a wrong size: a fault in the program.
    pub fn new(
        protocol: V,
        settings: ChannelSettings,
        limits: ArbiterLimits,
        storage: FeedStorage<'a>,
        quotes: QuoteSender<'a>,
        updates: Sender<ChannelUpdate>,
        counters: &'a FeedCounters,
    ) -> Result<Self, StorageError> {
        let FeedStorage { instruments, days, slots, touched, held, digests } = storage;
        let books = Books::new(instruments, slots)?.with_days(days)?;
        Ok(Self {
            protocol,
            arbiter: Arbiter::new(limits, held, digests, &counters.lines)?,
            channel: Channel::new(settings, books, touched, quotes, updates, counters)?,
            rejoin: None,
            is_away: false,
            limits,
            pulse: None,
            next_check: MonoNs(0),
        })
    }

    /// Lets it find that nothing moves any more although it is heard.
    #[must_use]
    pub fn with_pulse(self, limits: FrozenLimits) -> Self {
        Self { pulse: Some(ChannelPulse::new(limits)), ..self }
    }

    /// Lets it take recovered books while it runs.
    ///
    /// # Errors
    /// The tail's length is no power of two: a fault in the program.
    pub fn with_recovery(self, storage: RejoinStorage<'a, V>) -> Result<Self, StorageError> {
        let counters = self.channel.counters();
        Ok(Self { rejoin: Some(Rejoin::new(storage, counters)?), ..self })
    }

    /// What was applied last, once there was something: books include everything through it.
    #[must_use]
    pub fn position(&self) -> Option<SeqNo> {
        self.arbiter.expected().map(SeqNo::before)
    }

    /// The first packets that are missing, as far as is known.
    #[must_use]
    pub fn missing(&self) -> Option<Gap> {
        self.arbiter.missing()
    }

    /// The venue's protocol.
    #[must_use]
    pub const fn protocol(&self) -> &V {
        &self.protocol
    }

    /// Books and state.
    #[must_use]
    pub const fn channel(&self) -> &Channel<'a> {
        &self.channel
    }

    /// Books and state, for the cold side before the start and between steps of a test.
    pub const fn channel_mut(&mut self) -> &mut Channel<'a> {
        &mut self.channel
    }

    /// The venue's protocol, for the cold side before the start and between steps of a test.
    pub const fn protocol_mut(&mut self) -> &mut V {
        &mut self.protocol
    }

    /// Says that the books were filled from a snapshot which includes everything through `last`:
    /// the channel is live from here on, and goes on with the packet after it. What comes late of
    /// the packets before is dropped. `exchange` is the time of the snapshot.
    ///
    /// For the cold side, before the start; all rows must have been filled or cleared.
    pub fn begin_after(&mut self, last: SeqNo, exchange: UnixNs, now: MonoNs) {
        self.begin_between(last, last, exchange, now);
    }

    /// Says that the books were filled from snapshots of different moments: all include everything
    /// through `last`, and none anything beyond `covered`. The channel goes on with the packet
    /// after `last`; what a packet through `covered` says of an instrument is passed over where the
    /// instrument's own numbers show that its snapshot includes it. `exchange` is the time of the
    /// oldest snapshot.
    ///
    /// For the cold side, before the start; all rows must have been filled or cleared, and each
    /// must expect its next number. For protocols that number the changes of an instrument.
    pub fn begin_between(&mut self, last: SeqNo, covered: SeqNo, exchange: UnixNs, now: MonoNs) {
        self.arbiter.begin_after(last, now);
        self.channel.recovered(last, covered, exchange, now);
        self.check_lines(now, true);
    }

    /// Takes one datagram.
    #[inline]
    pub fn on_datagram(&mut self, datagram: &Datagram<'_>) {
        let Datagram { payload, received, line } = *datagram;
        let line_counters = self.channel.counters().line(line);
        line_counters.packets.add(1);
        line_counters.bytes.add(u64::try_from(payload.len()).unwrap_or(0));
        let packet = match self.protocol.read(payload) {
            Ok(packet) => packet,
            Err(error) => return self.refused_whole(line, error),
        };
        let standing = self.protocol.standing(&packet);
        let seq_no = match standing {
            Standing::Numbered(seq_no) => seq_no,
            Standing::Older(seq_no) | Standing::Younger(seq_no) | Standing::Anew(seq_no) => {
                let arrived = Arrived { line, seq_no, received, payload };
                return self.behind(&arrived, &packet, standing);
            }
            Standing::Announces(_) | Standing::Foreign | Standing::Over => {
                return self.unnumbered(line, received, standing);
            }
        };
        self.arbiter.heard(received);
        let arrived = Arrived { line, seq_no, received, payload };
        // One further ahead shows that something is missing: books stay stale until it has come or
        // was given up.
        if self.channel.health() == LineHealth::Stale && self.arbiter.is_next(seq_no) {
            self.check_lines(received, true);
        }
        let verdict = self.arbiter.place(&arrived);
        if verdict == Verdict::Apply {
            self.apply(&arrived, &packet);
        } else if verdict != Verdict::Duplicate {
            self.out_of_turn(&arrived, &packet, verdict);
        }
        if self.arbiter.held_count() > 0 {
            self.settle(received);
        }
    }

    /// Does what time alone demands.
    #[inline(always)]
    pub fn on_time(&mut self, now: MonoNs) -> Work {
        if now < self.next_check && now < self.arbiter.deadline() {
            return Work::Idle;
        }
        self.time_passed(now);
        Work::Busy
    }

    /// Sends what waits for room.
    #[inline(always)]
    pub fn flush(&mut self) -> Work {
        if self.channel.flush() { Work::Idle } else { Work::Blocked }
    }

    /// Brings the counters up to date that are kept elsewhere, and takes up what the cold side has
    /// told of the lines: the next `on_time` acts on it.
    pub fn keep_house(&mut self) {
        self.channel.publish();
        if self.told_cut() != self.arbiter.cut() {
            self.next_check = MonoNs(0);
        }
    }

    fn told_cut(&self) -> CutLines {
        CutLines::from_word(self.channel.counters().told.lines.get())
    }

    #[cold]
    #[inline(never)]
    fn unnumbered(&mut self, line: Line, received: MonoNs, standing: Standing) {
        let counters = self.channel.counters();
        match standing {
            Standing::Announces(next) => {
                counters.heartbeats.add(1);
                self.arbiter.heard(received);
                self.arbiter.announced(line, next, received);
                if self.channel.health() == LineHealth::Stale {
                    self.check_lines(received, self.arbiter.is_whole());
                }
                self.settle(received);
            }
            Standing::Over => {
                self.channel.over();
                self.forget_tail();
            }
            Standing::Foreign
            | Standing::Numbered(_)
            | Standing::Older(_)
            | Standing::Younger(_)
            | Standing::Anew(_) => counters.strays.add(1),
        }
    }

    /// A packet whose number was there before, and whose time says what that means.
    #[inline(never)]
    fn behind(&mut self, arrived: &Arrived<'_>, packet: &V::Packet<'_>, standing: Standing) {
        if !matches!(standing, Standing::Older(_)) {
            self.arbiter.heard(arrived.received);
        }
        let verdict = match standing {
            Standing::Younger(_) => self.arbiter.suspect(arrived),
            Standing::Anew(_) => self.arbiter.begins_anew(arrived),
            Standing::Numbered(_)
            | Standing::Older(_)
            | Standing::Announces(_)
            | Standing::Foreign
            | Standing::Over => self.arbiter.place_older(arrived),
        };
        if matches!(standing, Standing::Older(_)) && verdict != Verdict::Late {
            // A line of which nothing is known any more is no sign of life: its numbers may be of
            // another numbering that nobody follows.
            self.arbiter.heard(arrived.received);
        }
        if matches!(standing, Standing::Anew(_)) && verdict == Verdict::Stray {
            // The numbering is over, and where the new one began cannot be told.
            self.channel.over();
            self.forget_tail();
        }
        if verdict != Verdict::Duplicate {
            self.out_of_turn(arrived, packet, verdict);
        }
        if self.arbiter.held_count() > 0 {
            self.settle(arrived.received);
        }
    }

    #[inline(always)]
    fn apply(&mut self, arrived: &Arrived<'_>, packet: &V::Packet<'_>) {
        if !self.is_away() || !self.keeps_for_later(arrived) {
            self.carry_out(arrived.seq_no, arrived.received, packet);
        }
        self.arbiter.applied(arrived);
    }

    /// Keeps a packet of a channel that is not believed; whether it must wait for its turn.
    #[cold]
    #[inline(never)]
    fn keeps_for_later(&mut self, arrived: &Arrived<'_>) -> bool {
        self.rejoin.as_mut().is_some_and(|rejoin| rejoin.keep(arrived))
    }

    #[inline(always)]
    fn carry_out(&mut self, seq_no: SeqNo, received: MonoNs, packet: &V::Packet<'_>) {
        self.channel.begin(seq_no, received);
        if let Err(error) = self.protocol.apply(packet, &mut self.channel) {
            self.damaged(error);
        }
        self.channel.counters().applied.add(1);
    }

    #[cold]
    #[inline(never)]
    fn out_of_turn(&mut self, arrived: &Arrived<'_>, packet: &V::Packet<'_>, verdict: Verdict) {
        let counters = self.channel.counters();
        let mut verdict = verdict;
        // Each turn applies at least one packet or empties one place to hold.
        while verdict == Verdict::NoRoom {
            let gap = self.arbiter.give_up(arrived.seq_no);
            self.gap_detected(gap.missing);
            self.drain();
            verdict = self.arbiter.place(arrived);
        }
        match verdict {
            Verdict::Apply => self.apply(arrived, packet),
            Verdict::Held => counters.held.add(1),
            Verdict::Divergent => {
                counters.divergent.add(1);
                self.channel.diverged(arrived.seq_no);
                V::name(packet, &mut self.channel);
                self.channel.doubted(arrived.seq_no, arrived.received);
                if let Some(rejoin) = &mut self.rejoin {
                    rejoin.doubt(arrived.seq_no);
                }
            }
            Verdict::Stray => counters.strays.add(1),
            Verdict::Restart { from: _, to } => {
                counters.restarts.add(1);
                self.channel.restarted(to == FIRST);
                self.forget_tail();
                self.drain();
            }
            Verdict::Duplicate | Verdict::Late | Verdict::NoRoom => {}
        }
    }

    /// Applies what is ready and gives up what will not come.
    #[cold]
    #[inline(never)]
    fn settle(&mut self, now: MonoNs) {
        self.drain();
        // Each gap makes at least one held packet ready.
        while let Some(gap) = self.arbiter.lost(now) {
            self.gap_detected(gap.missing);
            self.drain();
        }
    }

    pub(super) fn drain(&mut self) {
        while let Some(held) = self.arbiter.ready() {
            let arrived = held.packet();
            if self.rejoin.as_ref().is_some_and(|rejoin| rejoin.is_doubted(arrived.seq_no)) {
                // It is as good as lost.
                self.channel.diverged(arrived.seq_no);
            }
            let is_away = self.is_away | self.channel.is_lost();
            let rejoin = self.rejoin.as_mut().filter(|_| is_away);
            let mut outcome = Ok(());
            if !rejoin.is_some_and(|rejoin| rejoin.keep(&arrived)) {
                let Arrived { seq_no, received, payload, .. } = arrived;
                self.channel.begin(seq_no, received);
                outcome = self
                    .protocol
                    .read(payload)
                    .and_then(|packet| self.protocol.apply(&packet, &mut self.channel));
                self.channel.counters().applied.add(1);
            }
            self.arbiter.release_ready();
            if let Err(error) = outcome {
                self.damaged(error);
            }
        }
    }

    /// The numbering is over: what was kept of it goes on from nothing.
    fn forget_tail(&mut self) {
        if let Some(rejoin) = &mut self.rejoin {
            rejoin.forget();
        }
    }

    fn gap_detected(&mut self, missing: u32) {
        let counters = self.channel.counters();
        counters.gaps.add(1);
        counters.missing.add(u64::from(missing));
        self.channel.broken(missing);
        if let Some(rejoin) = &mut self.rejoin {
            rejoin.lost();
        }
    }

    #[cold]
    #[inline(never)]
    fn refused_whole(&mut self, line: Line, error: V::Error) {
        let counters = self.channel.counters();
        counters.line(line).refused.add(1);
        if let Some(counter) = counters.refused.get(V::refusal(error)) {
            counter.add(1);
        }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn damaged(&mut self, error: V::Error) {
        if let Some(counter) = self.channel.counters().refused.get(V::refusal(error)) {
            counter.add(1);
        }
        self.channel.broken(0);
    }

    #[cold]
    #[inline(never)]
    fn time_passed(&mut self, now: MonoNs) {
        if self.arbiter.is_waiting() {
            self.settle(now);
        }
        self.check_lines(now, self.arbiter.is_whole());
    }

    /// Looks what the lines are worth. Books that were stale are believed again only if nothing is
    /// known to be missing (`is_whole`).
    #[cold]
    #[inline(never)]
    fn check_lines(&mut self, now: MonoNs, is_whole: bool) {
        let ArbiterLimits { silent_after, lossy_after, stale_after, .. } = self.limits;
        let shortest = silent_after.min(lossy_after).min(stale_after);
        // An eighth of the shortest limit: a state is found at most that much too late.
        self.next_check = now.after(crate::time::Span(shortest.0 >> 3));
        self.arbiter.note_cut(self.told_cut(), now);
        let counters = self.channel.counters();
        let session = Session::from_word(counters.told.session.get());
        let is_frozen = self.pulse.as_mut().is_some_and(|pulse| {
            pulse.is_frozen(now, counters.events.get(), self.arbiter.last_heard(), session)
        });
        if !self.channel.is_down() {
            let mut health = self.arbiter.health(now);
            if is_frozen && health != LineHealth::Stale {
                health = LineHealth::Frozen;
            }
            if !is_whole && self.channel.health() == LineHealth::Stale {
                health = LineHealth::Stale;
            }
            self.channel.set_health(health, session == Session::Shut);
        }
    }
}

/// The first packet of a week.
const FIRST: SeqNo = SeqNo(1);

/// A feed on a port.
#[derive(Debug)]
#[repr(align(128))]
pub struct FeedStage<'a, P, C, V: Protocol> {
    port: P,
    clock: C,
    feed: Feed<'a, V>,
    budget: u32,
}

impl<'a, P: RxPort, C: Clock, V: Protocol> FeedStage<'a, P, C, V> {
    /// Polls `port` for `feed`, at most `budget` datagrams at a time.
    #[must_use]
    pub const fn new(port: P, clock: C, feed: Feed<'a, V>, budget: u32) -> Self {
        Self { port, clock, feed, budget }
    }

    /// The feed.
    #[must_use]
    pub const fn feed(&self) -> &Feed<'a, V> {
        &self.feed
    }

    /// The feed, for the cold side before the start and between polls of a test.
    pub const fn feed_mut(&mut self) -> &mut Feed<'a, V> {
        &mut self.feed
    }

    /// The port.
    pub const fn port_mut(&mut self) -> &mut P {
        &mut self.port
    }
}

impl<P: RxPort, C: Clock, V: Protocol> Stage for FeedStage<'_, P, C, V> {
    #[inline]
    fn poll(&mut self) -> Work {
        let mut work = self.feed.flush();
        let mut last = None;
        for _ in 0..self.budget {
            let Some(datagram) = self.port.peek() else { break };
            last = Some(datagram.received);
            self.feed.on_datagram(&datagram);
            self.port.release();
            work = Work::Busy;
        }
        // Without packets the clock tells the time; with them, the last one has.
        let now = last.unwrap_or_else(|| self.clock.now());
        if self.feed.is_away() {
            work = work.or(self.feed.rejoin(now));
        }
        work.or(self.feed.on_time(now))
    }

    fn housekeeping(&mut self) {
        self.feed.keep_house();
    }
}

//! Two lines, one sequence: which packet to apply, which to hold, which is a copy, which is lost.
//!
//! The first copy of a packet wins, whichever line brings it. A packet that comes too early is held
//! until those before it come; they are given up when both lines have passed them (a line delivers
//! in order), when a line is silent and the other has passed them, when the wait gets too long, or
//! when there is no room to hold more. Copies are compared by digest with the packet that was used.
//!
//! Where heartbeats stand outside the sequence, a line may say without a packet how far it has
//! sent. What it sent and did not deliver is waited for like what comes before a held packet.
//!
//! A number far beyond what either line has brought is one stray packet, until the lines go on from
//! it: only then everything between is lost.
//!
//! Numbers far behind belong to an old copy or to a new numbering (the weekly reset). One such
//! packet proves nothing; it is a new numbering once consecutive ones came from both lines, or
//! several from one, and nothing of the old numbering came between. A rewind of one line alone is
//! thus never followed while the other goes on. Right after the sequence was begun from a snapshot
//! they prove nothing at all: sockets that were joined before it bring what the snapshot includes.
//!
//! Sans-IO: packets and time in, verdicts out. It knows no protocol and no books. Called by `Feed`.

mod behind;

use super::counters::LineCounters;
use super::digest::digest;
use super::held::{Digest, HELD_BYTES, Held};
use super::line::LineTrack;
use super::sequence::SeqNo;
use super::verdict::{ArbiterLimits, Arrived, CutLines, Gap, Verdict};
use crate::book::StorageError;
use crate::port::Line;
use crate::time::{MonoNs, Span};

mod health;

/// Consecutive packets of a new numbering that convince when only one line brings them.
const CONVINCING: i32 = 8;

/// Fewest places that make sense to hold packets in: more than a new numbering needs.
const MIN_HELD: usize = 16;

/// Consecutive packets far behind, which may be a new numbering.
#[derive(Clone, Copy, Debug)]
struct Run {
    start: SeqNo,
    next: SeqNo,
    is_on_a: bool,
    is_on_b: bool,
    /// Packets of it that came, copies too.
    count: i32,
}

impl Run {
    const fn is_on(&self, line: Line) -> bool {
        match line {
            Line::A => self.is_on_a,
            Line::B => self.is_on_b,
        }
    }

    const fn has(&self, seq_no: SeqNo) -> bool {
        seq_no.beyond(self.start) >= 0 && seq_no.beyond(self.next) < 0
    }
}

/// What a line says that it has sent, and nobody has delivered.
#[derive(Clone, Copy, Debug)]
struct Owed {
    /// Everything before this has been sent.
    next: SeqNo,
    since: MonoNs,
}

/// Arbitration of one channel.
#[derive(Debug)]
pub struct Arbiter<'a> {
    limits: ArbiterLimits,
    held: &'a mut [Held],
    digests: &'a mut [Digest],
    counters: &'a [LineCounters; 2],
    lines: [LineTrack; 2],
    cut: CutLines,
    /// When a line could bring something again after neither could.
    joined_up: MonoNs,
    last_heard: MonoNs,
    /// The number to be applied next; `None` until the first packet.
    expected: Option<SeqNo>,
    /// Packets held ahead of `expected`; those of a run are not counted.
    held_count: usize,
    owed: Option<Owed>,
    /// Since when something has been missing, as far as is known; `NEVER` if nothing is.
    waiting_since: MonoNs,
    run: Option<Run>,
    /// Packets far ahead of both lines, which may be where they are by now.
    leap: Option<Run>,
    /// Until then, packets far behind are ones that sockets kept for the start.
    kept_until: MonoNs,
}

impl<'a> Arbiter<'a> {
    /// Holds packets in `held` and remembers digests in `digests`; both lengths are powers of two.
    ///
    /// # Errors
    /// `NotPowerOfTwo`; `TooSmall` if there are fewer than 16 places.
    pub fn new(
        limits: ArbiterLimits,
        held: &'a mut [Held],
        digests: &'a mut [Digest],
        counters: &'a [LineCounters; 2],
    ) -> Result<Self, StorageError> {
        if held.len() < MIN_HELD || digests.len() < MIN_HELD {
            return Err(StorageError::TooSmall);
        }
        if !held.len().is_power_of_two() || !digests.len().is_power_of_two() {
            return Err(StorageError::NotPowerOfTwo);
        }
        held.iter_mut().for_each(|place| place.is_used = false);
        digests.fill(Digest::FREE);
        Ok(Self {
            limits,
            held,
            digests,
            counters,
            lines: [LineTrack::NEW; 2],
            cut: CutLines::default(),
            joined_up: MonoNs(0),
            last_heard: MonoNs(0),
            expected: None,
            held_count: 0,
            owed: None,
            waiting_since: MonoNs::NEVER,
            run: None,
            leap: None,
            kept_until: MonoNs(0),
        })
    }

    /// The number that is to be applied next, once there was one.
    #[inline]
    #[must_use]
    pub const fn expected(&self) -> Option<SeqNo> {
        self.expected
    }

    /// Packets held.
    #[inline]
    #[must_use]
    pub const fn held_count(&self) -> usize {
        self.held_count
    }

    /// When what is missing has been waited for too long; `NEVER` if nothing is.
    #[inline(always)]
    #[must_use]
    pub const fn deadline(&self) -> MonoNs {
        self.waiting_since.after(self.limits.hold_for)
    }

    /// The sequence begins after `last`, at `now`: what came before is forgotten. What comes of it
    /// within twice the time after which a line is silent is late, however far behind it is.
    pub fn begin_after(&mut self, last: SeqNo, now: MonoNs) {
        self.held.iter_mut().for_each(|place| place.is_used = false);
        self.digests.fill(Digest::FREE);
        self.lines.iter_mut().for_each(|line| line.restart(Some(last)));
        self.expected = Some(last.next());
        self.last_heard = now;
        self.held_count = 0;
        self.owed = None;
        self.waiting_since = MonoNs::NEVER;
        self.run = None;
        self.leap = None;
        self.kept_until = now.after(Span(self.limits.silent_after.0.saturating_mul(2)));
    }

    /// The sequence goes on after `last`, which lies ahead: what comes until then is late, and
    /// packets that are held for what comes behind it stay.
    #[cold]
    #[inline(never)]
    pub fn resume_after(&mut self, last: SeqNo, now: MonoNs) {
        if self.expected.is_none() {
            return self.begin_after(last, now);
        }
        self.drop_run();
        self.drop_leap();
        let mut kept = 0_usize;
        for held in self.held.iter_mut() {
            held.is_used &= held.seq_no.beyond(last) > 0;
            kept = kept.wrapping_add(usize::from(held.is_used));
        }
        self.held_count = kept;
        self.expected = Some(last.next());
        self.wait();
    }

    /// Notes that a line says it has sent everything before `next`. Says nothing of packets that
    /// are to come, so a number that is behind is no news.
    #[cold]
    #[inline(never)]
    pub fn announced(&mut self, line: Line, next: SeqNo, now: MonoNs) {
        let Some(expected) = self.expected else { return };
        let ([a, b], [counters_a, counters_b]) = (&mut self.lines, self.counters);
        let (track, other, counters) = match line {
            Line::A => (a, b, counters_a),
            Line::B => (b, a, counters_b),
        };
        track.announce(next.before(), now, counters);
        track.settle_with(other, now);
        if next.beyond(expected) <= 0 && self.leap.is_some_and(|leap| leap.is_on(line)) {
            // The line is not there: what it brought was a stray.
            self.drop_leap();
        }
        let known = self.owed_beyond(expected);
        if next.beyond(expected) > 0 && known.is_none_or(|known| next.beyond(known.next) > 0) {
            let since = known.map_or(now, |known| known.since);
            self.wait_since(since);
            self.owed = Some(Owed { next, since });
        }
    }

    /// Notes that a packet came whose framing is good. Once per packet, before `place`.
    #[inline(always)]
    pub const fn heard(&mut self, now: MonoNs) {
        self.last_heard = now;
    }

    /// Says what to do with a packet.
    #[inline(always)]
    pub fn place(&mut self, packet: &Arrived<'_>) -> Verdict {
        let expected = *self.expected.get_or_insert(packet.seq_no);
        if packet.seq_no == expected && self.run.is_none() {
            self.follow(packet).firsts.add(1);
            return Verdict::Apply;
        }
        self.place_out_of_turn(packet, packet.seq_no.beyond(expected))
    }

    #[inline(never)]
    fn place_out_of_turn(&mut self, packet: &Arrived<'_>, beyond: i32) -> Verdict {
        let Ok(ahead) = usize::try_from(beyond) else {
            return self.compare(packet, beyond);
        };
        // The old numbering goes on: what looked like a new one was not.
        self.drop_run();
        if ahead == 0 {
            return self.place(packet);
        }
        if ahead >= self.held.len() || packet.payload.len() > HELD_BYTES {
            return if self.is_leap(packet) { Verdict::Stray } else { Verdict::NoRoom };
        }
        self.hold(packet)
    }

    /// Whether a packet is far ahead of what either line has brought, and nothing proves yet that
    /// they are there. What convinces is what convinces of a new numbering.
    #[cold]
    #[inline(never)]
    fn is_leap(&mut self, packet: &Arrived<'_>) -> bool {
        let seq_no = packet.seq_no;
        let far = i32::try_from(self.held.len()).unwrap_or(i32::MAX);
        let place = seq_no.place(self.held.len());
        let is_kept = self.held.get(place).is_some_and(|held| held.holds(seq_no));
        let is_free = self.held.get(place).is_some_and(|held| !held.is_used);
        let is_near = self.lines.iter().any(|line| line.is_within(seq_no, far));
        if is_near || packet.payload.len() > HELD_BYTES || !(is_free || is_kept) {
            return false;
        }
        let run = match self.leap {
            Some(run) if seq_no.beyond(run.start) >= 0 && seq_no.beyond(run.start) < far => run,
            _ => {
                self.drop_leap();
                Run { start: seq_no, next: seq_no, is_on_a: false, is_on_b: false, count: 0 }
            }
        };
        let run = Run {
            next: if seq_no.beyond(run.next) >= 0 { seq_no.next() } else { run.next },
            is_on_a: run.is_on_a || packet.line == Line::A,
            is_on_b: run.is_on_b || packet.line == Line::B,
            count: run.count.saturating_add(1),
            ..run
        };
        self.leap = Some(run);
        let is_convincing = (run.is_on_a && run.is_on_b) || run.count >= CONVINCING;
        if !is_convincing && is_free {
            self.keep(packet, digest(packet.payload));
        }
        !is_convincing
    }

    /// What was far ahead is not where the lines are.
    fn drop_leap(&mut self) {
        if let Some(run) = self.leap.take() {
            self.forget(run);
        }
    }

    /// A copy follows the first one, of `line`: that line has led by so much, if it is another.
    #[inline]
    fn follows(&self, packet: &Arrived<'_>, line: Line, received: MonoNs) {
        let [a, b] = self.counters;
        if line != packet.line {
            let first = if line == Line::A { a } else { b };
            first.led(packet.received.since(received));
        }
    }

    #[cold]
    #[inline(never)]
    fn hold(&mut self, packet: &Arrived<'_>) -> Verdict {
        let value = digest(packet.payload);
        let counters = self.follow(packet);
        let place = packet.seq_no.place(self.held.len());
        let known = self.held.get(place).filter(|held| held.holds(packet.seq_no));
        if let Some((known, line, received)) = known.map(|h| (h.digest, h.line, h.received)) {
            counters.duplicates.add(1);
            self.follows(packet, line, received);
            return if known == value { Verdict::Duplicate } else { Verdict::Divergent };
        }
        counters.firsts.add(1);
        self.wait_since(packet.received);
        self.held_count = self.held_count.wrapping_add(1);
        self.keep(packet, value);
        Verdict::Held
    }

    fn keep(&mut self, packet: &Arrived<'_>, value: u64) {
        let place = packet.seq_no.place(self.held.len());
        if let Some(held) = self.held.get_mut(place) {
            held.keep(packet, value);
        }
    }

    /// Says that the packet which `place` let pass has been applied. Computes its digest, so call
    /// it after whatever is urgent.
    #[inline(always)]
    pub fn applied(&mut self, packet: &Arrived<'_>) {
        self.remember(packet.seq_no, digest(packet.payload), packet.line, packet.received);
    }

    #[inline(always)]
    fn remember(&mut self, seq_no: SeqNo, value: u64, line: Line, received: MonoNs) {
        let place = seq_no.place(self.digests.len());
        if let Some(known) = self.digests.get_mut(place) {
            *known = Digest { value, received, seq_no, line, is_used: true };
        }
        self.expected = Some(seq_no.next());
    }

    /// The held packet whose turn it is. Apply it, then call `release_ready`.
    #[inline(always)]
    #[must_use]
    pub fn ready(&self) -> Option<&Held> {
        if self.held_count == 0 {
            return None;
        }
        let expected = self.expected?;
        self.held.get(expected.place(self.held.len())).filter(|held| held.holds(expected))
    }

    /// Says that the packet that was `ready` has been applied.
    #[cold]
    #[inline(never)]
    pub fn release_ready(&mut self) {
        let Some(expected) = self.expected else { return };
        let place = expected.place(self.held.len());
        let Some(held) = self.held.get_mut(place).filter(|held| held.holds(expected)) else {
            return;
        };
        held.is_used = false;
        let (value, line, received) = (held.digest, held.line, held.received);
        self.held_count = self.held_count.wrapping_sub(1);
        self.remember(expected, value, line, received);
        if self.ready().is_none() {
            self.wait();
        }
    }

    /// Something has been missing since then, and perhaps since earlier.
    fn wait_since(&mut self, since: MonoNs) {
        if self.held_count == 0 {
            // What was owed may have come, which nobody noted.
            self.wait();
        }
        self.waiting_since = self.waiting_since.min(since);
    }

    /// Finds since when something has been missing.
    fn wait(&mut self) {
        let held = self.first_held().map(|held| held.received);
        let owed = self.expected.and_then(|expected| self.owed_beyond(expected));
        let owed = owed.map(|owed| owed.since);
        self.waiting_since = held.unwrap_or(MonoNs::NEVER).min(owed.unwrap_or(MonoNs::NEVER));
    }

    /// The packets that are waited for: those before the first that is held or was announced.
    #[must_use]
    pub fn missing(&self) -> Option<Gap> {
        let expected = self.expected.filter(|_| self.is_waiting())?;
        let held = self.first_held().map(|held| held.seq_no);
        let owed = self.owed_beyond(expected).map(|owed| owed.next);
        let end = nearest(expected, held, owed)?;
        Some(Gap { from: expected, missing: end.0.wrapping_sub(expected.0) })
    }

    fn owed_beyond(&self, expected: SeqNo) -> Option<Owed> {
        self.owed.filter(|owed| owed.next.beyond(expected) > 0)
    }

    /// Whether something is missing, as far as is known.
    #[inline(always)]
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.waiting_since != MonoNs::NEVER
    }

    /// Whether nothing is missing, as far as is known, and no packet came that may be far ahead of
    /// what is missing, or of another numbering.
    #[inline]
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.waiting_since.0 == MonoNs::NEVER.0 && self.leap.is_none() && self.run.is_none()
    }

    /// The next packets that will not come any more. What is held after them is `ready` then.
    #[inline(always)]
    pub fn lost(&mut self, now: MonoNs) -> Option<Gap> {
        if self.is_waiting() { self.lost_until(now) } else { None }
    }

    #[cold]
    #[inline(never)]
    fn lost_until(&mut self, now: MonoNs) -> Option<Gap> {
        let expected = self.expected?;
        let limits = self.limits;
        let held = self.first_held().map(|held| held.seq_no);
        let owed = self.owed_beyond(expected).map(|owed| owed.next);
        let Some(end) = nearest(expected, held, owed) else {
            // What was owed has come.
            self.wait();
            return None;
        };
        if now >= self.deadline() {
            return Some(self.skip_to(expected, end));
        }
        let is_passed = self.lines.iter().zip([self.cut.a, self.cut.b]).all(|(track, is_cut)| {
            is_cut
                || track.has_passed(expected, limits.line_reorder)
                || track.is_silent(now, limits.silent_after)
        });
        if !is_passed {
            return None;
        }
        // What a line has only announced, it may still go on from there.
        let bounds = self.lines.iter().map(LineTrack::announced);
        let end = bounds.fold(end, |end, bound| nearest(expected, Some(end), bound).unwrap_or(end));
        Some(self.skip_to(expected, end))
    }

    /// Gives up the packets before the first held one, or before `seq_no` if that comes first.
    #[cold]
    #[inline(never)]
    pub fn give_up(&mut self, seq_no: SeqNo) -> Gap {
        let expected = self.expected.unwrap_or(seq_no);
        let first = self.first_held().map(|held| held.seq_no);
        if let Some(first) = first.filter(|first| first.beyond(seq_no) < 0) {
            return self.skip_to(expected, first);
        }
        let leap = self.leap.take().filter(|leap| leap.has(seq_no));
        let Some(leap) = leap else { return self.skip_to(expected, seq_no) };
        // The lines are there: what came of it is held like any other packet.
        let kept = self.held.iter().filter(|held| held.is_used && leap.has(held.seq_no)).count();
        self.held_count = self.held_count.wrapping_add(kept);
        let kept = self.held.iter().filter(|held| held.is_used && leap.has(held.seq_no));
        let first = kept.map(|held| held.seq_no).min_by_key(|first| first.beyond(leap.start));
        let first = first.filter(|first| first.beyond(seq_no) < 0);
        self.skip_to(expected, first.unwrap_or(seq_no))
    }

    fn skip_to(&mut self, from: SeqNo, to: SeqNo) -> Gap {
        self.expected = Some(to);
        Gap { from, missing: to.0.wrapping_sub(from.0) }
    }

    fn first_held(&self) -> Option<&Held> {
        if self.held_count == 0 {
            return None;
        }
        let expected = self.expected?;
        let mut candidates = self.held.iter().scan(expected, |seq_no, _| {
            let held = self.held.get(seq_no.place(self.held.len())).filter(|h| h.holds(*seq_no));
            *seq_no = seq_no.next();
            Some(held)
        });
        candidates.find_map(|held| held)
    }

    #[inline(always)]
    fn drop_run(&mut self) {
        if let Some(run) = self.run.take() {
            self.forget(run);
        }
    }

    #[cold]
    #[inline(never)]
    fn forget(&mut self, run: Run) {
        self.held.iter_mut().for_each(|held| held.is_used &= !run.has(held.seq_no));
    }

    /// A line got as far as `packet`. Gives back its counters.
    #[inline(always)]
    fn follow(&mut self, packet: &Arrived<'_>) -> &'a LineCounters {
        let ([a, b], [counters_a, counters_b]) = (&mut self.lines, self.counters);
        let (track, other, counters) = match packet.line {
            Line::A => (a, b, counters_a),
            Line::B => (b, a, counters_b),
        };
        track.follow(packet.seq_no, packet.received, counters);
        track.settle_with(other, packet.received);
        counters
    }
}

/// The one of two numbers that comes first after `expected`.
fn nearest(expected: SeqNo, first: Option<SeqNo>, second: Option<SeqNo>) -> Option<SeqNo> {
    let beyond = |seq_no: &SeqNo| seq_no.beyond(expected);
    let candidates = [first, second].into_iter().flatten();
    candidates.filter(|seq_no| beyond(seq_no) > 0).min_by_key(beyond)
}

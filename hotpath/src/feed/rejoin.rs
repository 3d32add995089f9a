//! A feed that has lost its books takes recovered ones and goes on: asking, filling, replaying.
//!
//! While its channel is not believed a feed keeps the newest packets in a bounded tail. Books that
//! are handed over are those after one packet; what the tail has behind it is carried out, a few
//! packets per poll, and then the channel is live with a new epoch. What does not fit together (a
//! torn hand-over, a tail that does not reach back, a loss on the way) is asked for again.
//!
//! Before books are handed over the feed also carries out what comes, as if nothing were lost: so
//! it sees when the venue itself voids the channel and sends everything again.
//!
//! Called by `FeedStage::poll` while the channel is not believed. Not here: who hands over; one row
//! by itself (`mend`).

use super::counters::FeedCounters;
use super::handover::{Asked, Handed, HandedOf, RejoinStorage};
use super::held::{HELD_BYTES, Held};
use super::sequence::SeqNo;
use super::stage::{Feed, Protocol};
use super::verdict::Arrived;
use crate::book::{Day, Instrument, StorageError};
use crate::ring::Receiver;
use crate::stage::Work;
use crate::time::{MonoNs, UnixNs};

/// Messages of a hand-over that are taken in one poll: some 30 kB of rows.
const MESSAGES_PER_POLL: u32 = 64;

/// Packets of the tail that are carried out in one poll.
const PACKETS_PER_POLL: u32 = 16;

/// The newest packets, without a gap.
#[derive(Debug)]
pub(super) struct Tail<'a> {
    held: &'a mut [Held],
    /// The first one kept; equal to `next` if there is none.
    first: SeqNo,
    /// The number after the newest one.
    pub next: SeqNo,
    /// The last packet whose copies differ: none through it can be carried out.
    doubted: Option<SeqNo>,
}

impl Tail<'_> {
    pub const fn is_empty(&self) -> bool {
        self.first.0 == self.next.0
    }

    /// Keeps a packet. One that does not go on from the last begins anew.
    fn keep(&mut self, packet: &Arrived<'_>) {
        let seq_no = packet.seq_no;
        if self.is_empty() || seq_no != self.next {
            self.first = seq_no;
        }
        self.next = seq_no.next();
        let is_doubted = self.is_doubted(seq_no);
        let is_short = packet.payload.len() <= HELD_BYTES;
        let place = seq_no.place(self.held.len());
        match self.held.get_mut(place) {
            Some(held) if is_short && !is_doubted => held.keep(packet, 0),
            // It cannot be kept: what comes behind it can.
            _ => self.first = self.next,
        }
        let most = u32::try_from(self.held.len()).unwrap_or(u32::MAX);
        if self.next.0.wrapping_sub(self.first.0) > most {
            self.first = self.first.next();
        }
    }

    pub const fn clear(&mut self) {
        self.first = self.next;
    }

    fn is_doubted(&self, seq_no: SeqNo) -> bool {
        self.doubted.is_some_and(|doubted| seq_no.beyond(doubted) <= 0)
    }

    /// The copies of a packet differ: it may be kept, and nobody knows which one is right.
    fn doubt(&mut self, seq_no: SeqNo) {
        let is_newest = self.doubted.is_none_or(|doubted| seq_no.beyond(doubted) > 0);
        if is_newest {
            self.doubted = Some(seq_no);
        }
        if seq_no.beyond(self.first) >= 0 && self.next.beyond(seq_no) > 0 {
            self.first = seq_no.next();
        }
    }

    /// Whether everything from `seq_no` on is there, if only because nothing came yet.
    pub const fn reaches(&self, seq_no: SeqNo) -> bool {
        seq_no.beyond(self.first) >= 0 && self.next.beyond(seq_no) >= 0
    }

    pub fn get(&self, seq_no: SeqNo) -> Option<&Held> {
        self.held.get(seq_no.place(self.held.len())).filter(|held| held.holds(seq_no))
    }
}

/// How far a feed without books is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Nothing is asked.
    Idle,
    /// The cold side has been asked.
    Asked,
    /// The channel is live in this epoch, and the cold side has been asked for one row.
    RowAsked { security_id: i32, epoch: u32 },
    /// Rows come.
    Filling { last: SeqNo, exchange: UnixNs, is_anew: bool, count: u32 },
    /// Of a new numbering nothing is believed before a packet of it goes on from the books.
    Confirming { next: SeqNo, exchange: UnixNs },
    /// The books are those before this packet.
    Replaying { next: SeqNo, exchange: UnixNs },
}

/// What a feed needs to take books.
#[derive(Debug)]
pub(super) struct Rejoin<'a, V: Protocol> {
    handed: Receiver<HandedOf<V>>,
    counters: &'a FeedCounters,
    pub tail: Tail<'a>,
    generation: u32,
    pub progress: Progress,
}

impl<'a, V: Protocol> Rejoin<'a, V> {
    pub fn new(
        storage: RejoinStorage<'a, V>,
        counters: &'a FeedCounters,
    ) -> Result<Self, StorageError> {
        let RejoinStorage { handed, tail } = storage;
        if !tail.len().is_power_of_two() {
            return Err(StorageError::NotPowerOfTwo);
        }
        let tail = Tail { held: tail, first: SeqNo(0), next: SeqNo(0), doubted: None };
        Ok(Self { handed, counters, tail, generation: 0, progress: Progress::Idle })
    }

    /// Keeps a packet of a channel that is not believed, and says whether it waits for its turn
    /// behind books that were handed over: then it must not be carried out now.
    pub fn keep(&mut self, packet: &Arrived<'_>) -> bool {
        self.tail.keep(packet);
        let is_carried_out =
            matches!(self.progress, Progress::Idle | Progress::Asked | Progress::RowAsked { .. });
        !is_carried_out
    }

    /// Something more was lost: what was asked for may not be enough any more.
    pub const fn lost(&mut self) {
        if matches!(self.progress, Progress::Asked) {
            self.progress = Progress::Idle;
        }
    }

    /// The copies of a packet differ: books must include it, whichever was used here.
    pub fn doubt(&mut self, seq_no: SeqNo) {
        self.tail.doubt(seq_no);
        self.lost();
    }

    /// Whether nobody knows what a packet says, although it came.
    pub fn is_doubted(&self, seq_no: SeqNo) -> bool {
        self.tail.is_doubted(seq_no)
    }

    /// The numbering is over: nothing that was kept goes on.
    pub const fn forget(&mut self) {
        self.tail.clear();
        self.tail.doubted = None;
        self.progress = Progress::Idle;
    }

    fn ask(&mut self, expected: Option<SeqNo>) {
        self.question(expected, None);
        self.progress = Progress::Asked;
    }

    /// Asks for one row of a channel that is live.
    pub fn ask_row(&mut self, expected: Option<SeqNo>, security_id: i32, epoch: u32) {
        self.question(expected, Some(security_id));
        self.progress = Progress::RowAsked { security_id, epoch };
    }

    fn question(&mut self, expected: Option<SeqNo>, security_id: Option<i32>) {
        let from = if self.tail.is_empty() { expected } else { Some(self.tail.first) };
        let through = from.unwrap_or(SeqNo(1)).before();
        self.generation = self.generation.wrapping_add(1).max(1);
        let asked = Asked { generation: self.generation, through };
        self.counters.request.ask(asked, security_id);
        self.counters.asked.add(1);
    }

    /// The channel is believed again: nothing is asked any more.
    pub fn end(&mut self) {
        self.counters.request.clear();
        self.tail.clear();
        self.progress = Progress::Idle;
    }
}

impl<V: Protocol> Feed<'_, V> {
    /// Takes what is handed over and carries out what was kept behind it, a bounded amount.
    #[cold]
    #[inline(never)]
    pub fn rejoin(&mut self, now: MonoNs) -> Work {
        let is_lost = self.channel.is_lost();
        let Some(rejoin) = &mut self.rejoin else {
            // What is damaged stays so.
            self.channel.ailing();
            return Work::Idle;
        };
        match rejoin.progress {
            Progress::Idle if !is_lost => return self.look_after(),
            Progress::RowAsked { .. } if is_lost => {
                // Nothing that was kept is known to lie behind what was lost.
                rejoin.tail.clear();
                self.ask();
                return Work::Busy;
            }
            Progress::Idle => {
                self.ask();
                return Work::Busy;
            }
            Progress::Asked
            | Progress::RowAsked { .. }
            | Progress::Filling { .. }
            | Progress::Confirming { .. }
            | Progress::Replaying { .. } => {}
        }
        let mut work = Work::Idle;
        for _ in 0..MESSAGES_PER_POLL {
            let Some(rejoin) = &mut self.rejoin else { break };
            let Some(message) = rejoin.handed.pop() else { break };
            work = Work::Busy;
            self.on_handed(&message, now);
        }
        work.or(self.go_on(now))
    }

    /// Whether the channel is not believed, has not caught up yet, or has a row that is to be taken
    /// back.
    #[inline(always)]
    #[must_use]
    pub const fn is_away(&self) -> bool {
        self.is_away | self.channel.is_lost() | self.channel.is_ailing()
    }

    #[cold]
    fn ask(&mut self) {
        let Some(rejoin) = &mut self.rejoin else { return };
        rejoin.ask(self.arbiter.expected());
        self.is_away = true;
    }

    fn go_on(&mut self, now: MonoNs) -> Work {
        let is_lost = self.channel.is_lost();
        let Some(rejoin) = &mut self.rejoin else { return Work::Idle };
        match rejoin.progress {
            Progress::Idle | Progress::Filling { .. } => Work::Idle,
            Progress::Asked => {
                if !is_lost {
                    // The venue has sent everything again by itself.
                    rejoin.end();
                    self.is_away = false;
                }
                Work::Idle
            }
            Progress::RowAsked { security_id, epoch } => self.attend(security_id, epoch),
            Progress::Confirming { next, exchange } => {
                if rejoin.tail.is_empty() {
                    return Work::Idle;
                }
                rejoin.progress = Progress::Replaying { next, exchange };
                Work::Busy
            }
            Progress::Replaying { next, exchange } => {
                self.replay(next, exchange, now);
                Work::Busy
            }
        }
    }

    fn on_handed(&mut self, message: &HandedOf<V>, now: MonoNs) {
        let Some(rejoin) = &mut self.rejoin else { return };
        let generation = rejoin.generation;
        match (message, rejoin.progress) {
            (Handed::Begin { generation: of, .. }, _) if *of != generation => {}
            (
                Handed::Alone { generation: of, last, exchange, instrument, day, terms },
                progress,
            ) => {
                if let Progress::RowAsked { security_id, .. } = progress
                    && *of == generation
                {
                    let told = (*last, *exchange);
                    self.on_row(security_id, (instrument, day), *terms, told, now);
                }
            }
            // The question was read with the row of another one.
            (Handed::Begin { .. }, Progress::RowAsked { security_id, .. }) => {
                self.refused_row(security_id);
            }
            // What has all its rows is not begun again.
            (_, Progress::Idle | Progress::Confirming { .. } | Progress::Replaying { .. }) => {}
            (Handed::Begin { last, exchange, course, is_anew, .. }, _) => {
                let is_anew = *is_anew || self.protocol.course() != *course;
                let (last, exchange) = (*last, *exchange);
                rejoin.progress = Progress::Filling { last, exchange, is_anew, count: 0 };
                self.protocol.resume(*course);
                self.channel.emptied();
            }
            (Handed::Row { instrument, day, terms }, Progress::Filling { .. }) => {
                self.fill((instrument, day), *terms);
            }
            (Handed::End { generation: of, count }, Progress::Filling { count: had, .. }) => {
                if *of == generation && *count == had {
                    self.filled(now);
                } else {
                    self.refused();
                }
            }
            (
                Handed::Row { .. } | Handed::End { .. },
                Progress::Asked | Progress::RowAsked { .. },
            ) => {}
        }
    }

    fn fill(&mut self, (instrument, day): (&Instrument, &Day), terms: V::Terms) {
        let row = self.channel.books_mut().put(instrument, day);
        let is_put = row.is_some_and(|row| self.protocol.set_terms(row, terms));
        if let Some(Rejoin { progress: Progress::Filling { count, .. }, .. }) = &mut self.rejoin {
            *count = count.wrapping_add(u32::from(is_put));
        }
    }

    /// It cannot be used: another one is asked for. Rows of it that are there already are no books.
    #[cold]
    fn refused(&mut self) {
        self.channel.broken(0);
        self.channel.counters().refused_handovers.add(1);
        self.ask();
    }

    /// All rows are there. Finds how they stand to what came meanwhile.
    fn filled(&mut self, now: MonoNs) {
        let Some(rejoin) = &mut self.rejoin else { return };
        let Progress::Filling { last, exchange, is_anew, .. } = rejoin.progress else { return };
        let next = last.next();
        let Some(expected) = self.arbiter.expected().filter(|_| !is_anew) else {
            rejoin.forget();
            rejoin.progress = Progress::Confirming { next, exchange };
            self.arbiter.begin_after(last, now);
            self.channel.handed_over();
            return;
        };
        let is_ahead = next.beyond(expected) > 0;
        if is_ahead {
            // The cold side was quicker.
            rejoin.tail.clear();
            self.arbiter.resume_after(last, now);
        } else if next != expected && (rejoin.tail.is_empty() || !rejoin.tail.reaches(next)) {
            return self.refused();
        }
        rejoin.progress = Progress::Replaying { next, exchange };
        self.channel.handed_over();
        if is_ahead {
            self.drain();
        }
    }

    fn replay(&mut self, next: SeqNo, exchange: UnixNs, now: MonoNs) {
        let mut next = next;
        for _ in 0..PACKETS_PER_POLL {
            let Some(rejoin) = &mut self.rejoin else { return };
            if rejoin.tail.is_empty() || rejoin.tail.next == next {
                return self.rejoined(exchange, now);
            }
            let kept = rejoin.tail.get(next).filter(|_| rejoin.tail.reaches(next));
            let Some(held) = kept else { return self.refused() };
            let Arrived { seq_no, received, payload, .. } = held.packet();
            self.channel.begin(seq_no, received);
            let outcome = self
                .protocol
                .read(payload)
                .and_then(|packet| self.protocol.apply(&packet, &mut self.channel));
            next = next.next();
            rejoin.progress = Progress::Replaying { next, exchange };
            self.channel.counters().replayed.add(1);
            if let Err(error) = outcome {
                self.damaged(error);
            }
            if self.channel.is_lost() {
                return self.refused();
            }
        }
    }

    fn rejoined(&mut self, exchange: UnixNs, now: MonoNs) {
        let Some(rejoin) = &mut self.rejoin else { return };
        rejoin.end();
        self.is_away = false;
        self.channel.counters().rejoined.add(1);
        self.channel.rejoined(exchange, now);
    }
}

//! One book that is known to be wrong while its channel is live: its row is taken back by itself.
//!
//! A break in an instrument's own numbers, or an instruction that contradicts its book, spoils that
//! instrument alone. Its quotes say so until somebody who has it whole hands over the row: the cold
//! side's replica to the hot feed, a snapshot to the replica. The row is as old as the last packet
//! that is in it; what came since is carried out again, and whatever other rows include of that is
//! passed over by their own numbers. Nobody is told anything of the row until it is as new as they.
//!
//! It is done in one go, because packets that come meanwhile would find the row behind: where too
//! much would have to be carried out again, a newer row is asked for. Counters of events, statuses
//! and definitions count again what is carried out again. Only for protocols that number the
//! changes of each instrument; with others the books wait for a hand-over of the whole channel.
//!
//! Natural refresh (waiting until every level was told anew) is not done: it ends at an unknown
//! time, and a book with fewer levels than its depth never shows that it is whole.
//!
//! Called by `rejoin`, and by the cold side's replica.

use super::rejoin::{Progress, Rejoin};
use super::sequence::SeqNo;
use super::stage::{Feed, Protocol};
use crate::book::{Day, Instrument};
use crate::stage::Work;
use crate::time::{MonoNs, UnixNs};

/// Packets that the hot feed carries out again in one poll, at most: some 10 µs.
const MOST_AGAIN: u32 = 64;

impl<V: Protocol> Feed<'_, V> {
    /// Asks for the row of a book that is damaged, if there is one.
    pub(super) fn look_after(&mut self) -> Work {
        self.is_away = false;
        if !self.channel.is_ailing() || !self.channel.is_whole() {
            return Work::Idle;
        }
        let ailing = self.channel.ailing().filter(|_| V::NUMBERS_CHANGES);
        let (Some(security_id), Some(rejoin)) = (ailing, &mut self.rejoin) else {
            return Work::Idle;
        };
        rejoin.tail.clear();
        rejoin.ask_row(self.arbiter.expected(), security_id, self.channel.epoch());
        self.is_away = true;
        Work::Busy
    }

    /// Whether what was asked for is still wanted: a reset may have made it right.
    pub(super) fn attend(&mut self, security_id: i32, epoch: u32) -> Work {
        let is_same = self.channel.epoch() == epoch;
        let instrument = self.channel.instrument(security_id);
        let is_ailing = instrument.is_some_and(Instrument::is_damaged);
        if let Some(rejoin) = self.rejoin.as_mut().filter(|_| !is_same || !is_ailing) {
            rejoin.end();
            self.is_away = false;
        }
        Work::Idle
    }

    /// Takes the row that was asked for.
    pub(super) fn on_row(
        &mut self,
        security_id: i32,
        (instrument, day): (&Instrument, &Day),
        terms: V::Terms,
        (last, exchange): (SeqNo, UnixNs),
        now: MonoNs,
    ) {
        let Some(rejoin) = self.rejoin.take() else { return };
        let epoch = self.channel.epoch();
        let is_same =
            matches!(rejoin.progress, Progress::RowAsked { epoch: of, .. } if of == epoch);
        let is_taken = is_same
            && instrument.security_id() == security_id
            && self.is_reached(&rejoin, last)
            && self.mend((instrument, day), terms, (last, exchange), now, |seq_no| {
                let held = rejoin.tail.get(seq_no)?;
                Some(held.packet().payload)
            });
        // What stood there is nothing, which the compiler cannot know: it must not be dropped.
        core::mem::forget(self.rejoin.replace(rejoin));
        if !is_taken {
            return self.refused_row(security_id);
        }
        if let Some(rejoin) = &mut self.rejoin {
            rejoin.end();
        }
        self.is_away = false;
    }

    /// Whether everything behind `last` is kept, and is not too much.
    fn is_reached(&self, rejoin: &Rejoin<'_, V>, last: SeqNo) -> bool {
        let Some(expected) = self.arbiter.expected() else { return false };
        let next = last.next();
        let behind = expected.beyond(next);
        let is_kept = rejoin.tail.next == expected && rejoin.tail.reaches(next);
        behind <= 0 || (is_kept && u32::try_from(behind).is_ok_and(|behind| behind <= MOST_AGAIN))
    }

    /// The row cannot be used: another one is asked for.
    #[cold]
    pub(super) fn refused_row(&mut self, security_id: i32) {
        self.channel.counters().refused_handovers.add(1);
        let (expected, epoch) = (self.arbiter.expected(), self.channel.epoch());
        if let Some(rejoin) = &mut self.rejoin {
            rejoin.ask_row(expected, security_id, epoch);
        }
    }

    /// Takes one row of a live channel as it stands after packet `last`, which the venue had at
    /// `exchange`, and carries out again what `packet` has of the packets behind it. `false`, and
    /// nothing is done: the channel is not live, an event is under way, or a packet is not there.
    pub fn mend<'p>(
        &mut self,
        row: (&Instrument, &Day),
        terms: V::Terms,
        (last, exchange): (SeqNo, UnixNs),
        now: MonoNs,
        packet: impl Fn(SeqNo) -> Option<&'p [u8]>,
    ) -> bool {
        let Some(expected) = self.arbiter.expected() else { return false };
        let is_ready = self.channel.is_whole() && !self.channel.is_event_open();
        let behind = u32::try_from(expected.beyond(last.next())).unwrap_or(0);
        let all = || (0..behind).map(|distance| last.next().plus(distance));
        if !V::NUMBERS_CHANGES || !is_ready || all().any(|seq_no| packet(seq_no).is_none()) {
            return false;
        }
        let position = expected.before();
        let covered = if last.beyond(position) > 0 { last } else { position };
        let Some(row) = self.channel.mend(row, covered) else { return false };
        let is_put = self.protocol.set_terms(row, terms);
        for seq_no in all() {
            let Some(payload) = packet(seq_no) else { continue };
            self.channel.begin(seq_no, now);
            let outcome = self
                .protocol
                .read(payload)
                .and_then(|packet| self.protocol.apply(&packet, &mut self.channel));
            if let Err(error) = outcome {
                self.damaged(error);
            }
        }
        self.channel.mended(row, position, exchange, now);
        self.channel.counters().mended.add(1);
        is_put
    }
}

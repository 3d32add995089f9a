//! A packet whose two copies differ: found when the second comes, after the first was used.
//!
//! Nobody knows which copy is right, so nothing of the channel is believed until its books come
//! from somewhere else. The instruments that the second copy names are told one by one; those that
//! only the first one named are found by the desk, which knows what it has seen since.
//!
//! Called by `Feed` with the verdict of the arbiter.

use super::{Channel, SeqNo, Trust};
use crate::message::{Quote, QuoteQuality};
use crate::time::MonoNs;

impl Channel<'_> {
    /// The copies of packet `seq_no` differ.
    pub(in crate::feed) fn diverged(&mut self, seq_no: SeqNo) {
        // While the desk has not been told of one before, the earlier one says more.
        let untold = self.divergent.filter(|_| self.is_update_waiting);
        self.divergent = untold.filter(|first| first.beyond(seq_no) < 0).or(Some(seq_no));
        match self.trust {
            Trust::Broken | Trust::Awaited => {}
            Trust::Down | Trust::Whole | Trust::Resent | Trust::Replayed | Trust::Mending => {
                self.epoch = self.epoch.wrapping_add(1);
            }
        }
        self.trust = Trust::Broken;
        self.push_update();
        self.forget_event();
    }

    /// A copy names an instrument. Between `diverged` and `doubted`.
    pub fn name(&mut self, security_id: i32) {
        if let Some(row) = self.books.find(security_id) {
            self.touch(row);
        }
    }

    /// Tells the desk of each instrument that was named since `diverged` that nobody knows its
    /// book.
    pub(in crate::feed) fn doubted(&mut self, seq_no: SeqNo, received: MonoNs) {
        let count = core::mem::take(&mut self.touched_count);
        let mut quote = Quote {
            received,
            epoch: self.epoch,
            packet_seq_no: seq_no.0,
            stream: self.settings.stream,
            ..Quote::EMPTY
        };
        for row in self.touched.get(..count).unwrap_or_default() {
            let Some(instrument) = self.books.get_mut(*row) else { continue };
            instrument.untouch();
            instrument.damage();
            let Some(index) = instrument.index() else { continue };
            quote.instrument = index;
            instrument.show(self.settings.view, &mut quote);
            quote.quality = QuoteQuality::Divergent;
            match self.quotes.send(&quote) {
                Ok(()) => self.counters.quotes.add(1),
                Err(_) => self.counters.unsendable.add(1),
            }
        }
    }
}

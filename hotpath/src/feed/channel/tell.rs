//! What the desk is told of the channel itself: its state and epoch, whenever one of them is news.

use super::Channel;
use crate::feed::verdict::LineHealth;
use crate::message::{ChannelState, ChannelUpdate};

impl Channel<'_> {
    /// What the lines are worth, and whether the market trades, has been looked at.
    #[inline]
    pub(in crate::feed) fn set_health(&mut self, health: LineHealth, is_shut: bool) {
        if (self.health, self.is_shut) != (health, is_shut) {
            (self.health, self.is_shut) = (health, is_shut);
            self.tell();
        }
    }

    /// Sends what waits for room. Returns whether nothing waits any more.
    #[inline(always)]
    pub(in crate::feed) fn flush(&mut self) -> bool {
        if self.is_update_waiting {
            self.push_update();
        }
        // An update goes before the quotes that it makes usable; the epoch guards the rest.
        let is_flushed = self.quotes.waiting() == 0 || self.quotes.flush();
        is_flushed & !self.is_update_waiting
    }

    /// Tells the desk what the channel is, if that is news.
    pub(super) fn tell(&mut self) {
        if self.told != (self.state(), self.epoch) {
            self.push_update();
        }
    }

    /// A newer state replaces one that waits: each is complete.
    pub(super) fn push_update(&mut self) {
        let state = self.state();
        let divergent = self.divergent.filter(|_| state == ChannelState::Divergent);
        let update = ChannelUpdate {
            stream: self.settings.stream,
            state,
            epoch: self.epoch,
            packet_seq_no: divergent.unwrap_or(self.seq_no).0,
            missing: self.missing,
        };
        if self.updates.push(update).is_ok() {
            self.told = (state, self.epoch);
            self.missing = 0;
            self.is_update_waiting = false;
        } else {
            self.counters.delayed_updates.add(1);
            self.is_update_waiting = true;
        }
    }
}

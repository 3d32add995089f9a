//! One line instead of two: the next loss of a packet is one of books, so less is opened.
//!
//! How much is configured, and is nothing less unless it is. While any channel has one line only,
//! the desk stands in SINGLE_FEED instead of NORMAL, so that whoever reads a decision of that time
//! sees why it was small; what is opened is less only where a leg is quoted by such a channel.
//! Positions are closed as with two lines.

use super::{Cause, Desk, Instrument, Outputs, Spread};
use crate::message::{
    Alert, AlertKind, ChannelState, MAX_LEGS, OrderId, SafeState, Sizing, SpreadIndex, SpreadSpec,
    StreamId,
};
use crate::spread::{self, LegBook, Trigger};

impl Desk<'_> {
    /// The trigger that a spread meets, as large as it may be now.
    #[inline]
    pub(super) fn trigger(
        &self,
        row: &Spread,
        spec: &SpreadSpec,
        legs: &[Option<&Instrument>; MAX_LEGS],
        books: &[LegBook<'_>; MAX_LEGS],
    ) -> Option<Trigger> {
        let Some(trigger) = spread::evaluate(spec, row.position_units, books) else {
            return self.resting(row, spec, legs, books);
        };
        if self.sizing == Sizing::WHOLE || !trigger.intent.is_open() {
            return Some(trigger);
        }
        Some(self.smaller(spec, legs, books, trigger))
    }

    fn smaller(
        &self,
        spec: &SpreadSpec,
        legs: &[Option<&Instrument>; MAX_LEGS],
        books: &[LegBook<'_>; MAX_LEGS],
        trigger: Trigger,
    ) -> Trigger {
        let most = self.open_clip(spec, legs);
        spread::at_most(spec, books, trigger, most)
    }

    /// Units that may be opened at once now.
    pub(super) fn open_clip(
        &self,
        spec: &SpreadSpec,
        legs: &[Option<&Instrument>; MAX_LEGS],
    ) -> u32 {
        let is_single = |leg: &&Instrument| {
            let channel = self.channels.get(usize::from(leg.channel));
            channel.is_some_and(|channel| channel.state == ChannelState::SingleLine)
        };
        let is_less = self.sizing != Sizing::WHOLE && legs.iter().flatten().any(is_single);
        if is_less { self.sizing.clip_units(spec.clip_units) } else { spec.clip_units }
    }

    pub(super) fn on_sizing(&mut self, sizing: Sizing, outputs: &mut Outputs) {
        self.sizing = sizing;
        self.settle_single(StreamId::NONE, outputs);
    }

    /// Enters or leaves SINGLE_FEED, as the channels are; `stream` has changed last.
    #[cold]
    #[inline(never)]
    pub(super) fn settle_single(&mut self, stream: StreamId, outputs: &mut Outputs) {
        let mut states = self.channels.iter().map(|channel| channel.state);
        let is_single = states.any(|state| state == ChannelState::SingleLine);
        let is_smaller = is_single && self.sizing != Sizing::WHOLE;
        let (kind, cause) = (AlertKind::FeedSingle, Cause::Alert(AlertKind::FeedSingle));
        if is_smaller && self.state == SafeState::Normal {
            let (spread, order_id) = (SpreadIndex::ALL, OrderId::NONE);
            outputs.alert(Alert { kind, spread, order_id, stream, value: 0 });
            self.set_state(SafeState::SingleFeed, cause, outputs);
        } else if !is_smaller && self.state == SafeState::SingleFeed {
            self.set_state(SafeState::Normal, cause, outputs);
        }
    }
}

//! The market's side of a schedule: steps, quotes, and what goes wrong with channels.

use super::*;

impl World<'_> {
    pub(super) fn step(&mut self) -> Result<(), Violation> {
        self.steps = self.steps.saturating_sub(1);
        self.operate();
        self.market.drift();
        let mut batch = Vec::new();
        for instrument in 0..self.instruments.len() {
            let is_left_out = self.rng.u8(..3) == 0;
            if is_left_out && !self.is_answering() {
                continue;
            }
            if let Some(quote) = self.quote(instrument) {
                batch.push(quote);
            }
        }
        for channel in 0..self.channels.len() {
            self.upset(channel);
        }
        if !batch.is_empty() {
            let late = if self.strikes(Fault::LateQuote) { self.rng.u64(..600_000) } else { 0 };
            let ns = self.rng.u64(200..3_000) + late;
            self.push(self.after(ns), Happening::Quotes(batch));
        }
        if self.steps > 0 {
            let ns = self.plan.pace.draw(&mut self.rng);
            self.push(self.after(ns), Happening::Step);
        }
        Ok(())
    }

    /// The next quote of an instrument, if its channel lets it through.
    pub(super) fn quote(&mut self, instrument: usize) -> Option<Quote> {
        let (mut bids, mut asks) = self.market.step(instrument);
        let spec = self.instruments[instrument];
        let (is_insane, is_gapped, is_one_sided, is_old) = (
            self.strikes(Fault::InsaneQuote),
            self.strikes(Fault::GappedQuote),
            self.strikes(Fault::OneSidedBook),
            self.strikes(Fault::OldEpoch),
        );
        let channel = &mut self.channels[usize::from(spec.feed.0)];
        self.packets += 1;
        if channel.silent > 0 || !channel.state.is_usable() {
            return None;
        }
        let mut quality = QuoteQuality::Good;
        if is_gapped {
            quality = QuoteQuality::Gapped;
        }
        if is_insane {
            quality = QuoteQuality::Insane;
            bids.price_e9[0] = asks.price_e9[0];
        }
        if is_one_sided {
            if self.rng.bool() {
                bids = xmc_hotpath::message::Depth::NO_BIDS;
            } else {
                asks = xmc_hotpath::message::Depth::NO_ASKS;
            }
        }
        let quote = Quote {
            received: self.now,
            exchange: UnixNs(self.rng.u64(..)),
            instrument: InstrumentIndex(u32::try_from(instrument).expect("a few instruments")),
            epoch: channel.epoch,
            packet_seq_no: self.packets,
            skipped: 0,
            stream: spec.feed,
            quality,
            bids,
            asks,
        };
        if is_old {
            let ns = self.rng.u64(..2_000_000);
            let old = Quote { epoch: quote.epoch.wrapping_sub(1), ..quote };
            self.push(self.after(ns), Happening::Quotes(vec![old]));
        }
        Some(quote)
    }

    pub(super) fn quotes(&mut self, quotes: &[Quote]) -> Result<(), Violation> {
        for (quote, left) in quotes.iter().zip((0..quotes.len()).rev()) {
            self.tell(Event::Quote { quote, more: left > 0 })?;
        }
        Ok(())
    }

    /// What may go wrong with a channel.
    pub(super) fn upset(&mut self, number: usize) {
        let (is_suspect, is_silent) =
            (self.strikes(Fault::SuspectChannel), self.strikes(Fault::SilentChannel));
        let (missing, silent) = (self.rng.u32(1..9), self.rng.u32(1..40));
        let channel = &mut self.channels[number];
        channel.silent = channel.silent.saturating_sub(1);
        if !channel.state.is_usable() {
            return;
        }
        if is_silent {
            channel.silent = silent;
        }
        if is_suspect {
            channel.state = ChannelState::Suspect;
            channel.epoch += 1;
            let update = self.channel_update(number, missing);
            self.push(self.now, Happening::Channel(update));
            let ns = self.rng.u64(10_000..2_000_000);
            self.push(self.after(ns), Happening::Recovered(number));
        }
    }

    pub(super) fn channel_update(&self, number: usize, missing: u32) -> ChannelUpdate {
        let channel = &self.channels[number];
        ChannelUpdate {
            stream: StreamId(u16::try_from(number).expect("a few channels")),
            state: channel.state,
            epoch: channel.epoch,
            packet_seq_no: self.packets,
            missing,
        }
    }

    /// A channel is whole (again): its state, then the books of all its instruments.
    pub(super) fn recovered(&mut self, number: usize) -> Result<(), Violation> {
        let is_single = self.rng.u8(..4) == 0;
        let channel = &mut self.channels[number];
        channel.state = if is_single { ChannelState::SingleLine } else { ChannelState::Live };
        channel.epoch += 1;
        self.tell(Event::Channel(self.channel_update(number, 0)))?;
        for instrument in 0..self.instruments.len() {
            if usize::from(self.instruments[instrument].feed.0) == number
                && let Some(quote) = self.quote(instrument)
            {
                self.tell(Event::Quote { quote: &quote, more: false })?;
            }
        }
        Ok(())
    }
}

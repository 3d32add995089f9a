//! Instruments that have stopped moving, told from those that are quiet.
//!
//! An instrument is frozen when it has paused for much longer than it has lately
//! (`hotpath::feed::Pulse`), in the middle of its hours, on a channel that is believed, while the
//! other legs of its spreads went on all the same. What is quiet because its market is shut, or
//! because nobody trades anything, is not; what the desk has no other leg for is never judged.
//!
//! It is seen in the shadow's books, so nothing is computed on a hot core; time is that of the
//! newest quote of all, so a shadow that is behind finds nothing too early. What comes of it are
//! findings, which the desk gets as inputs. Called by `telling`.

use crate::config::Configuration;
use std::collections::{BTreeMap, BTreeSet};
use xmc_hotpath::desk::Desk;
use xmc_hotpath::feed::Pulse;
use xmc_hotpath::message::{Finding, FindingKind, Hours, InstrumentIndex, StreamId};
use xmc_hotpath::time::{MonoNs, Span};

/// Movements of other legs that make a pause one that others do not share.
const ENOUGH_OF_OTHERS: u64 = 16;

/// All instruments of a desk.
#[derive(Debug)]
pub struct QuietInstruments {
    rows: Vec<Row>,
    now: MonoNs,
}

#[derive(Debug)]
struct Row {
    stream: StreamId,
    security_id: i32,
    /// The shortest pause that counts.
    shortest: Span,
    /// The other legs of its spreads.
    others: Vec<usize>,
    pulse: Pulse,
    /// The quote that was seen last.
    seen: MonoNs,
    beats: u64,
    /// Movements of the other legs when it moved last.
    others_then: u64,
    /// Since the last look.
    has_moved: bool,
    is_frozen: bool,
}

impl QuietInstruments {
    /// Nothing has moved yet.
    #[must_use]
    pub fn of(config: &Configuration) -> Self {
        let mut others = vec![BTreeSet::new(); config.instruments.len()];
        for spread in &config.spreads {
            let legs = || spread.legs.iter().map(|leg| leg.instrument.value);
            for leg in legs() {
                others[leg].extend(legs().filter(|other| *other != leg));
            }
        }
        let rows = config.instruments.iter().zip(others).map(|(instrument, others)| {
            let feed = &config.feeds[instrument.feed];
            Row {
                stream: StreamId(feed.stream_id.value),
                security_id: instrument.security_id.value,
                shortest: Span(u64::from(feed.frozen_after_ms) * 1_000_000),
                others: others.into_iter().collect(),
                pulse: Pulse::new(),
                seen: MonoNs(0),
                beats: 0,
                others_then: 0,
                has_moved: false,
                is_frozen: false,
            }
        });
        Self { rows: rows.collect(), now: MonoNs(0) }
    }

    /// Looks at the books of `desk`; `hours` are those that it was told. What it has to be told.
    pub fn look<'h>(
        &mut self,
        desk: &Desk<'_>,
        hours: impl Iterator<Item = &'h Hours>,
    ) -> Vec<Finding> {
        let hours: BTreeMap<u32, &Hours> = hours.map(|told| (told.instrument.0, told)).collect();
        let received = desk.instruments().iter().map(|row| row.quote.received);
        for (row, received) in self.rows.iter_mut().zip(received) {
            row.has_moved = received > row.seen;
            if row.has_moved {
                row.seen = received;
                row.beats += 1;
                row.pulse.beat(received, row.shortest);
                self.now = self.now.max(received);
            }
        }
        let beats: Vec<u64> = self.rows.iter().map(|row| row.beats).collect();
        let mut found = Vec::new();
        for (row, index) in self.rows.iter_mut().zip((0..).map(InstrumentIndex)) {
            let is_trading = hours
                .get(&index.0)
                .is_none_or(|told| told.from <= self.now && self.now < told.until);
            let is_still = is_trading && desk.believes(index);
            if row.judge(self.now, &beats, is_still) {
                found.push(row.finding(index));
            }
        }
        found
    }
}

impl Row {
    /// Whether it has just been found to be frozen, or to move again; `is_expected` to move.
    fn judge(&mut self, now: MonoNs, beats: &[u64], is_expected: bool) -> bool {
        let others: u64 = self.others.iter().map(|other| beats[*other]).sum();
        if !is_expected || self.has_moved {
            if !is_expected {
                self.pulse.rest(now);
            }
            self.others_then = others;
            return std::mem::take(&mut self.is_frozen);
        }
        let is_alone = others - self.others_then >= ENOUGH_OF_OTHERS;
        let is_frozen = is_alone && self.pulse.is_still(now, self.shortest);
        let is_new = is_frozen && !self.is_frozen;
        self.is_frozen |= is_frozen;
        is_new
    }

    fn finding(&self, instrument: InstrumentIndex) -> Finding {
        Finding {
            kind: if self.is_frozen { FindingKind::Frozen } else { FindingKind::Moves },
            instrument,
            stream: self.stream,
            packet_seq_no: 0,
            value: self.security_id.into(),
            opens_nothing: self.is_frozen,
        }
    }
}

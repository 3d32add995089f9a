//! One instrument of a topic: what was told of it, and what is to be told next.

use super::contract::contract;
use super::message::MessageWriter;
use crate::sim::exchange::{Action, Figures, Level, Listing, ListingIndex, Rung, Shown, Slice};
use crate::venue::shfe::smdp::contract::{Contract, ContractState};
use crate::venue::shfe::smdp::slice::level_changes;
use crate::venue::shfe::smdp::snapshot::{SnapshotInstrument, SnapshotLevel};
use xmc_hotpath::message::Side;
use xmc_hotpath::venue::shfe::smdp::layout::{LevelSide, PriceKind};

/// A moment as snapshots tell it: day, time, milliseconds.
pub(super) type Told = ([u8; 9], [u8; 9], i32);

/// One instrument.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub listing: ListingIndex,
    contract: Contract,
    /// Upper and lower, units of 1e-9.
    limits_e9: (i64, i64),
    reference_e9: i64,
    multiplier: i64,
    depth: usize,
    /// The book as the exchange's slices have it.
    shown: Shown,
    /// The book as the topic has told it since its sequence began.
    told: [Vec<SnapshotLevel>; 2],
    figures: Figures,
    /// Open interest at the end of the day before, lots.
    pre_open_interest_lots: i64,
    /// Number of its last change; 0 before the first.
    change_no: i32,
    updated: Told,
}

impl Row {
    pub fn new(
        listing: ListingIndex,
        terms: &Listing,
        instrument_no: i32,
        depth: u8,
        at: Told,
    ) -> Self {
        Self {
            listing,
            contract: contract(terms, instrument_no),
            limits_e9: (terms.upper_e9, terms.lower_e9),
            reference_e9: terms.reference_e9,
            multiplier: terms.multiplier,
            depth: usize::from(depth),
            shown: Shown::default(),
            told: Default::default(),
            figures: Figures::default(),
            pre_open_interest_lots: 0,
            change_no: 0,
            updated: at,
        }
    }

    /// What is there before the first slice.
    pub fn set_figures(&mut self, figures: Figures) {
        self.figures = figures;
        self.pre_open_interest_lots = figures.open_interest_lots();
    }

    /// A day begins: nothing was told on it yet.
    pub fn begin_day(&mut self) {
        self.told = Default::default();
        self.change_no = 0;
        self.pre_open_interest_lots = self.figures.open_interest_lots();
        self.figures.next_day();
    }

    fn begin_change(&mut self, at: Told, message: &mut MessageWriter) {
        self.change_no = self.change_no.wrapping_add(1);
        self.updated = at;
        message.begin(self.contract.instrument_no, self.change_no.into());
    }

    /// What every sequence begins with, as the vector has it: the day's limits.
    pub fn tell_limits(&mut self, at: Told, message: &mut MessageWriter) {
        self.begin_change(at, message);
        let (upper_e9, lower_e9) = self.limits_e9;
        for (kind, price_e9) in
            [(PriceKind::UpperLimit, upper_e9), (PriceKind::LowerLimit, lower_e9)]
        {
            let offset = self.offset(price_e9);
            message.push(|packet| packet.price(kind, offset));
        }
    }

    /// What has changed since the last slice.
    pub fn tell(&mut self, at: Told, slice: &Slice, message: &mut MessageWriter) {
        slice.levels.iter().for_each(|level| step(&mut self.shown, level, self.depth));
        let (before, after) = (self.figures, slice.after);
        let next = [&self.shown.bids, &self.shown.asks].map(|side| plain(side));
        let sides = [LevelSide::Bid, LevelSide::Ask].into_iter().zip(self.told.iter().zip(&next));
        let changes: Vec<_> = sides
            .flat_map(|(side, (old, new))| {
                level_changes(&self.contract, side, self.depth, old, new)
                    .expect("the exchange takes no price between two ticks")
            })
            .collect();
        if changes.is_empty() && before == after {
            return;
        }
        self.begin_change(at, message);
        changes.iter().for_each(|change| message.push(|packet| packet.level(change)));
        self.tell_figures(&before, &after, message);
        (self.told, self.figures) = (next, after);
    }

    fn tell_figures(&self, before: &Figures, after: &Figures, message: &mut MessageWriter) {
        if let Some(last_e9) = after.last_e9
            && before.volume_lots != after.volume_lots
        {
            let volume = i128::from(after.volume_lots) - i128::from(before.volume_lots);
            let turnover_e9 = after.turnover_e9 - before.turnover_e9;
            // UNPROVEN, as nothing says it: the turnover less that at the codec price, in ticks.
            let beyond_e9 = turnover_e9 - volume * i128::from(self.contract.codec_price_e9);
            let turnover_offset = beyond_e9 / i128::from(self.contract.tick_e9);
            let interest = after.open_interest_lots() - before.open_interest_lots();
            let small = |number| i64::try_from(number).expect("half a second has few lots");
            let numbers = [self.offset(last_e9), small(volume), small(turnover_offset), interest];
            message.push(|packet| packet.trade(numbers));
        }
        for (kind, before, after) in [
            (PriceKind::High, before.high_e9, after.high_e9),
            (PriceKind::Low, before.low_e9, after.low_e9),
            (PriceKind::Open, before.open_e9, after.open_e9),
        ] {
            if let Some(price_e9) = after.filter(|_| before != after) {
                let offset = self.offset(price_e9);
                message.push(|packet| packet.price(kind, offset));
            }
        }
    }

    fn offset(&self, price_e9: i64) -> i64 {
        let offset = self.contract.offset_ticks(price_e9);
        offset.expect("the exchange has no price between two ticks")
    }

    /// All that was told of it.
    pub fn snapshot(&self) -> SnapshotInstrument {
        let figures = &self.figures;
        let [bids, asks] = self.told.clone();
        let units = i128::from(self.multiplier);
        let money = (figures.turnover_e9 * units) as f64 / 1e9;
        let reference = Some(self.reference_e9);
        let (day, time, millis) = self.updated;
        let state = ContractState {
            instrument_no: self.contract.instrument_no,
            last_e9: figures.last_e9,
            volume_lots: i32::try_from(figures.volume_lots).unwrap_or(i32::MAX),
            turnover: money,
            open_interest: figures.open_interest_lots() as f64,
            day_e9: [figures.high_e9, figures.low_e9, figures.open_e9, None, None],
            upper_limit_e9: Some(self.limits_e9.0),
            lower_limit_e9: Some(self.limits_e9.1),
            pre_settlement_e9: reference,
            pre_close_e9: reference,
            pre_open_interest: self.pre_open_interest_lots as f64,
            deltas: [0.0; 2],
            updated: (day, time),
            update_millis: millis,
            change_no: self.change_no,
        };
        SnapshotInstrument { contract: self.contract.clone(), state: Some(state), bids, asks }
    }
}

/// Carries out one change of the exchange's.
fn step(shown: &mut Shown, level: &Level, depth: usize) {
    let side = match level.side {
        Side::Buy => &mut shown.bids,
        Side::Sell => &mut shown.asks,
    };
    let at = usize::from(level.place) - 1;
    match level.action {
        Action::Insert => side.insert(at, level.rung),
        Action::Modify => side[at] = level.rung,
        Action::Delete => drop(side.remove(at)),
    }
    side.truncate(depth);
}

/// A side without what MIRP does not tell.
fn plain(side: &[Rung]) -> Vec<SnapshotLevel> {
    let level = |rung: &Rung| SnapshotLevel { price_e9: rung.price_e9, lots: rung.lots };
    side.iter().map(level).collect()
}

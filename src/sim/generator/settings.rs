//! What a generated channel carries.

use crate::config::{Configuration, FeedIndex, Instrument, Spread};
use xmc_hotpath::message::Measure;

/// One instrument of the channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The venue's number.
    pub security_id: i32,
    /// Smallest price step, units of 1e-9.
    pub tick_e9: i64,
    /// The price that it starts from, units of 1e-9.
    pub start_e9: i64,
    /// No order is below; units of 1e-9.
    pub min_price_e9: i64,
    /// No order is above; units of 1e-9.
    pub max_price_e9: i64,
    /// Levels shown of the outright book, 1 to 10.
    pub depth: u8,
    /// Levels shown of the implied book, 0 to 2.
    pub implied_depth: u8,
    /// How far its price goes on its own, in ticks: what opens and closes spreads.
    pub reach_ticks: i64,
}

/// A channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Everything random follows from it.
    pub seed: u64,
    /// Its instruments; at least one.
    pub listings: Vec<Listing>,
    /// Number of the first packet.
    pub first_seq_no: u32,
    /// When the first packet is sent, nanoseconds since 1970-01-01 UTC.
    pub start_ns: u64,
    /// Time between events on average.
    pub event_gap_ns: u64,
    /// One in so many packets is a heartbeat instead; 0 for none.
    pub heartbeat_one_in: u32,
    /// One in so many events moves the whole market at once; 0 for none.
    pub burst_one_in: u32,
}

/// 2026-01-05 14:30 UTC, in the middle of a trading day.
const START_NS: u64 = 1_767_623_400_000_000_000;

impl Settings {
    /// `listings` in the proportions of a busy channel.
    #[must_use]
    pub fn new(seed: u64, listings: Vec<Listing>) -> Self {
        Self {
            seed,
            listings,
            first_seq_no: 1,
            start_ns: START_NS,
            event_gap_ns: 200_000,
            heartbeat_one_in: 512,
            burst_one_in: 100,
        }
    }

    /// The instruments that `config` takes from one of its feeds.
    ///
    /// A configuration has no prices, so they are made up: each starts in the middle of its sane
    /// range, then one leg of each spread is moved so that the spread starts in the middle of its
    /// levels; how far prices go on their own follows from how far apart the levels are.
    #[must_use]
    pub fn of(config: &Configuration, feed: FeedIndex, seed: u64) -> Self {
        let mut starts: Vec<i64> = config.instruments.iter().map(middle_of).collect();
        let mut reaches = vec![4; config.instruments.len()];
        let mut is_fixed = vec![false; config.instruments.len()];
        for spread in &config.spreads {
            place(config, spread, &mut starts, &mut is_fixed);
            stretch(config, spread, &mut reaches);
        }
        let listings = config.instruments.iter().zip(starts).zip(reaches);
        let listings = listings.filter(|((instrument, _), _)| instrument.feed == feed);
        let listings = listings.map(|((instrument, start_e9), reach_ticks)| Listing {
            security_id: instrument.security_id.value,
            tick_e9: instrument.tick_e9,
            start_e9,
            min_price_e9: instrument.min_price_e9,
            max_price_e9: instrument.max_price_e9,
            depth: 10,
            implied_depth: 2,
            reach_ticks,
        });
        Self::new(seed, listings.collect())
    }
}

/// The middle of an instrument's sane prices, on its grid.
fn middle_of(instrument: &Instrument) -> i64 {
    let sum = i128::from(instrument.min_price_e9) + i128::from(instrument.max_price_e9);
    on_grid(sum / 2, instrument.tick_e9)
}

fn on_grid(price_e9: i128, tick_e9: i64) -> i64 {
    let tick = i128::from(tick_e9);
    i64::try_from((price_e9 + tick / 2).div_euclid(tick) * tick).expect("inside two prices")
}

/// Lowest and highest level of a spread, as differences: those of a ratio by what is taken off in
/// it at middle prices.
fn levels_of(config: &Configuration, spread: &Spread) -> Option<(i64, i64)> {
    let levels = || spread.triggers.set().map(|(_, level)| level.value);
    let (lowest, highest) = (levels().min()?, levels().max()?);
    if spread.measure == Measure::Difference {
        return Some((lowest, highest));
    }
    let sold = spread.legs.iter().filter(|leg| leg.weight_q32 < 0);
    let parts = sold.map(|leg| {
        let price = middle_of(&config.instruments[leg.instrument.value]);
        (i128::from(price) * -i128::from(leg.weight_q32)) >> 32
    });
    let short = parts.sum::<i128>() + i128::from(spread.short_constant_e9);
    let apart = |level: i64| {
        let beyond = (i128::from(level) - 1_000_000_000) * short / 1_000_000_000;
        i64::try_from(beyond).unwrap_or(0)
    };
    Some((apart(lowest), apart(highest)))
}

/// Moves the price of one leg that is not fixed yet, where it stays sane.
fn place(config: &Configuration, spread: &Spread, starts: &mut [i64], is_fixed: &mut [bool]) {
    let Some((lowest, highest)) = levels_of(config, spread) else { return };
    let target_q32 = (i128::from(lowest) + i128::from(highest)) << 31;
    let weighted = |leg: &crate::config::Leg, starts: &[i64]| {
        i128::from(starts[leg.instrument.value]) * i128::from(leg.weight_q32)
    };
    for leg in &spread.legs {
        let index = leg.instrument.value;
        let instrument = &config.instruments[index];
        if is_fixed[index] || leg.weight_q32 == 0 {
            continue;
        }
        let others: i128 = spread.legs.iter().map(|leg| weighted(leg, starts)).sum();
        let rest_q32 = (i128::from(spread.constant_e9) << 32) + others - weighted(leg, starts);
        let wanted = (target_q32 - rest_q32) / i128::from(leg.weight_q32);
        // A tenth of the range at each end is left to move in.
        let (min, max) = (i128::from(instrument.min_price_e9), i128::from(instrument.max_price_e9));
        let margin = (max - min) / 10;
        if (min + margin..=max - margin).contains(&wanted) {
            starts[index] = on_grid(wanted, instrument.tick_e9);
            break;
        }
    }
    spread.legs.iter().for_each(|leg| is_fixed[leg.instrument.value] = true);
}

/// Lets each traded leg alone take the spread through its levels.
fn stretch(config: &Configuration, spread: &Spread, reaches: &mut [i64]) {
    let Some((lowest, highest)) = levels_of(config, spread) else { return };
    let span_q32 = (i128::from(highest) - i128::from(lowest)) << 32;
    for leg in spread.legs.iter().filter(|leg| leg.is_traded && leg.weight_q32 != 0) {
        let index = leg.instrument.value;
        let tick = i128::from(config.instruments[index].tick_e9);
        let ticks = span_q32 / (i128::from(leg.weight_q32.unsigned_abs()) * tick);
        let ticks = i64::try_from(ticks).unwrap_or(i64::MAX).clamp(1, 1_000);
        reaches[index] = reaches[index].max(ticks);
    }
}

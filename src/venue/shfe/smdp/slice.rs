//! From one slice to the next: the level changes that a venue tells of one side of a book.
//!
//! For the simulated venue. What it writes, the hot path reads by the same reading of open point 4
//! (an added level pushes those below down, a deleted one lets them move up), so the two agree by
//! construction; that the real venue means the same is UNPROVEN.

use super::contract::Contract;
use super::mirp::LevelChange;
use super::snapshot::SnapshotLevel;
use thiserror::Error;
use xmc_hotpath::book::Order;
use xmc_hotpath::venue::shfe::smdp::layout::{LevelEvent, LevelSide};

/// A price that MIRP cannot tell.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("price {price_e9}e-9 of {instrument_id} is off its ticks of {tick_e9}e-9")]
pub struct OffTick {
    /// The price, units of 1e-9.
    pub price_e9: i64,
    /// Of what.
    pub instrument_id: String,
    /// Its tick, units of 1e-9.
    pub tick_e9: i64,
}

/// The changes, in order, that make of a side `old` the side `new`. Both are best first, without a
/// price twice, and cut at `depth` levels.
///
/// # Errors
/// A price lies between two ticks.
pub fn level_changes(
    contract: &Contract,
    side: LevelSide,
    depth: usize,
    old: &[SnapshotLevel],
    new: &[SnapshotLevel],
) -> Result<Vec<LevelChange>, OffTick> {
    let order = match side {
        LevelSide::Bid => Order::Falling,
        LevelSide::Ask => Order::Rising,
    };
    let mut now: Vec<_> = old.iter().copied().take(depth).collect();
    let mut changes = Vec::new();
    let mut at = 0;
    loop {
        let (is, shall) = (now.get(at).copied(), new.get(at).filter(|_| at < depth).copied());
        let (event, told) = match (is, shall) {
            (None, None) => return Ok(changes),
            (Some(is), Some(shall)) if is == shall => {
                at += 1;
                continue;
            }
            (Some(is), Some(shall)) if is.price_e9 == shall.price_e9 => (LevelEvent::Modify, shall),
            (Some(is), Some(shall)) if order.is_better(is.price_e9, shall.price_e9) => {
                (LevelEvent::Delete, is)
            }
            (Some(is), None) => (LevelEvent::Delete, is),
            (_, Some(shall)) => (LevelEvent::Add, shall),
        };
        changes.push(LevelChange {
            event,
            side,
            level: i64::try_from(at + 1).expect("a book has few levels"),
            offset_ticks: contract.offset_ticks(told.price_e9)?,
            volume_lots: i64::from(told.lots),
        });
        match event {
            LevelEvent::Add => now.insert(at, told),
            LevelEvent::Modify => now[at] = told,
            LevelEvent::Delete => drop(now.remove(at)),
        }
        now.truncate(depth);
    }
}

impl Contract {
    /// A price as ticks from the codec price.
    ///
    /// # Errors
    /// It lies between two ticks.
    pub fn offset_ticks(&self, price_e9: i64) -> Result<i64, OffTick> {
        let off = || OffTick {
            price_e9,
            instrument_id: self.instrument_id.clone(),
            tick_e9: self.tick_e9,
        };
        let distance_e9 = price_e9.checked_sub(self.codec_price_e9).ok_or_else(off)?;
        if distance_e9 % self.tick_e9 == 0 { Ok(distance_e9 / self.tick_e9) } else { Err(off()) }
    }
}

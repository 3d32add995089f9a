//! The gate of what a fire can lose by ending one-sided (`execute::loss`), before it is fired.

use super::fire::Drafts;
use super::{Instrument, Spread};
use crate::execute::loss::{self, Alone};
use crate::execute::repair;
use crate::message::{Gate, MAX_LEGS, Side, SpreadSpec};
use crate::risk::Refusal;

/// What the fire can lose at worst, if the books show what trading its legs back takes.
pub(super) fn worst_loss(
    row: &Spread,
    spec: &SpreadSpec,
    legs: &[Option<&Instrument>; MAX_LEGS],
    drafts: &Drafts,
) -> Result<i64, Refusal> {
    let most = spec.loss.max_e9;
    let mut alone = [None; MAX_LEGS];
    for (((instrument, draft), slot), leg) in legs.iter().zip(drafts).zip(&mut alone).zip(0_u8..) {
        let (Some(instrument), Some(draft)) = (instrument, draft) else {
            continue;
        };
        let book = instrument.book();
        let (side, depth, taken) = match draft.side {
            Side::Buy => (Side::Sell, book.bids, book.taken_bid_lots),
            Side::Sell => (Side::Buy, book.asks, book.taken_ask_lots),
        };
        let back = repair::trade(side, depth, taken, draft.qty_lots)
            .ok_or(Refusal { leg, ..Refusal::new(Gate::Loss, i64::MAX, most) })?;
        *slot = Some(Alone { limit_e9: draft.price_e9, back });
    }
    let overflow = Refusal::new(Gate::Overflow, i64::MAX, most);
    loss::worst_e9(spec, &row.lot_q32, &alone).ok_or(overflow)
}

/// The gate of what a fire can lose at worst.
#[inline(never)]
pub(super) fn bounded_loss(
    row: &Spread,
    spec: &SpreadSpec,
    legs: &[Option<&Instrument>; MAX_LEGS],
    drafts: &Drafts,
) -> Result<(), Refusal> {
    let worst = worst_loss(row, spec, legs, drafts)?;
    if worst > spec.loss.max_e9 {
        return Err(Refusal::new(Gate::Loss, worst, spec.loss.max_e9));
    }
    Ok(())
}

//! What MIRP says of an instrument's day: the trades of a slice, and prices.
//!
//! Volume and open interest come as changes, so they are known where a snapshot has told them. A
//! slice tells the last price of its trades and the lots of all of them, which are no trade of its
//! own. A price that does not fit is not known, and no reason to doubt the packet. The closing
//! price and the option's delta are not kept. Called by `feed`; snapshots are the cold side's.

use super::decode::Trade;
use super::feed::PriceCodec;
use super::layout::PriceKind;
use crate::book::{Day, DayLots, Settlement, Traded};

/// Field 0x1002.
pub(super) fn traded(trade: &Trade, codec: &PriceCodec, day: &mut Day) {
    if let Some(price_e9) = codec.price_e9(trade.last_offset_ticks) {
        day.trade(Traded { price_e9, lots: None, aggressor: None, trade_id: None });
    }
    day.volume_lots = day.volume_lots.and_then(|lots| changed(lots, trade.volume_change_lots));
    day.open_interest = day.open_interest.and_then(|known| {
        let lots = changed(known.lots, trade.open_interest_change_lots)?;
        Some(DayLots { lots, ..known })
    });
}

fn changed(lots: u32, by: i64) -> Option<u32> {
    i64::from(lots).checked_add(by).and_then(|lots| u32::try_from(lots).ok())
}

/// Fields 0x1011 to 0x1017.
pub(super) fn priced(kind: PriceKind, offset_ticks: i64, codec: &PriceCodec, day: &mut Day) {
    let price_e9 = codec.price_e9(offset_ticks);
    match kind {
        PriceKind::High => day.high_e9 = price_e9,
        PriceKind::Low => day.low_e9 = price_e9,
        PriceKind::Open => day.open_e9 = price_e9,
        PriceKind::UpperLimit => day.limits.high_e9 = price_e9,
        PriceKind::LowerLimit => day.limits.low_e9 = price_e9,
        PriceKind::Settlement => {
            let settled =
                |price_e9| Settlement { price_e9, is_final: true, is_intraday: false, day: None };
            day.settlement = price_e9.map(settled);
        }
        PriceKind::Close => {}
    }
}

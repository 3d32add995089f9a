//! What one leg of a spread has traded: lots still open, first in first out, and money made.
//!
//! Money is exact: a price in 1e-9 times a multiplier in 1e-9 is money in 1e-18 of the currency,
//! and `i128` holds 10^20 units of it. Nothing is divided but in `convert`.

use std::collections::VecDeque;
use xmc_hotpath::message::Side;

/// Lots that were traded at one price and not traded back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Chunk {
    lots: u64,
    price_e9: i64,
}

/// What one fill did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traded {
    /// The side that the venue booked.
    pub side: Side,
    /// Lots.
    pub lots: u32,
    /// Price.
    pub price_e9: i64,
    /// Money per lot for a price of 1, units of 1e-9.
    pub multiplier_e9: i64,
    /// What a unit of the leg's currency is worth in that of the spread, units of 1e-9; `None` if
    /// that is not known.
    pub rate_e9: Option<i64>,
}

/// The book of one leg.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LegBook {
    /// The oldest first; all on the side of `position_lots`.
    open: VecDeque<Chunk>,
    /// Lots bought minus lots sold.
    pub position_lots: i64,
    /// Money made by lots that were traded back, units of 1e-18 of the leg's currency.
    pub realised_e18: i128,
    /// The same in the currency of the spread, each part at the rate when it was made, units of
    /// 1e-9; without the parts of `unrated_e18`.
    pub realised_then_e9: i128,
    /// The part of `realised_e18` that was made while no rate was known.
    pub unrated_e18: i128,
}

impl LegBook {
    /// Takes a fill. Lots on the other side of what is open close it, the oldest first.
    pub fn trade(&mut self, traded: Traded) {
        let Traded { side, price_e9, multiplier_e9, rate_e9, .. } = traded;
        let signed = signed_lots(side, traded.lots);
        let closes = self.position_lots.signum() * signed.signum() < 0;
        self.position_lots += signed;
        let mut lots = u64::from(traded.lots);
        let mut made_e18 = 0;
        while closes
            && lots > 0
            && let Some(oldest) = self.open.front_mut()
        {
            let closed = lots.min(oldest.lots);
            let gained = i128::from(price_e9) - i128::from(oldest.price_e9);
            // A sale closes what was bought.
            let gained = if side == Side::Sell { gained } else { -gained };
            made_e18 += gained * i128::from(closed) * i128::from(multiplier_e9);
            oldest.lots -= closed;
            lots -= closed;
            if oldest.lots == 0 {
                self.open.pop_front();
            }
        }
        self.realised_e18 += made_e18;
        match rate_e9 {
            Some(rate_e9) => self.realised_then_e9 += convert(made_e18, rate_e9),
            None => self.unrated_e18 += made_e18,
        }
        if lots > 0 {
            self.add(lots, price_e9);
        }
    }

    fn add(&mut self, lots: u64, price_e9: i64) {
        match self.open.back_mut() {
            Some(last) if last.price_e9 == price_e9 => last.lots += lots,
            _ => self.open.push_back(Chunk { lots, price_e9 }),
        }
    }

    /// What the open lots would make if they were all traded back at `mark_e9`, units of 1e-18.
    #[must_use]
    pub fn open_e18(&self, mark_e9: i64, multiplier_e9: i64) -> i128 {
        let sum: i128 = self
            .open
            .iter()
            .map(|chunk| {
                let gained = i128::from(mark_e9) - i128::from(chunk.price_e9);
                gained * i128::from(chunk.lots)
            })
            .sum();
        sum * i128::from(self.position_lots.signum()) * i128::from(multiplier_e9)
    }

    /// Money made so far in the spread's currency at the rate of now, and what of it the rate has
    /// done since it was made; both in units of 1e-9.
    #[must_use]
    pub fn realised_at(&self, rate_e9: i64) -> (i128, i128) {
        let now_e9 = convert(self.realised_e18, rate_e9);
        let rated_e9 = convert(self.realised_e18 - self.unrated_e18, rate_e9);
        (now_e9, rated_e9 - self.realised_then_e9)
    }
}

/// Money in units of 1e-18 at a rate in units of 1e-9, in units of 1e-9; cut off towards zero.
#[must_use]
pub fn convert(money_e18: i128, rate_e9: i64) -> i128 {
    // First down to 1e-9, so that a rate fits beside any money; prices on their grid lose nothing.
    money_e18 / 1_000_000_000 * i128::from(rate_e9) / 1_000_000_000
}

/// Lots with a sign: bought is above zero.
pub(super) fn signed_lots(side: Side, lots: u32) -> i64 {
    match side {
        Side::Buy => i64::from(lots),
        Side::Sell => -i64::from(lots),
    }
}

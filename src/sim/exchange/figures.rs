//! The day's figures of one instrument: what slices and statistics tell beside the book.

use super::event::{Fill, Trade};
use xmc_hotpath::message::PositionEffect;

/// The day so far. A price is `None` before the first trade.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// The first trade, units of 1e-9.
    pub open_e9: Option<i64>,
    /// The highest trade, units of 1e-9.
    pub high_e9: Option<i64>,
    /// The lowest trade, units of 1e-9.
    pub low_e9: Option<i64>,
    /// The last trade, units of 1e-9.
    pub last_e9: Option<i64>,
    /// Lots traded, each counted once.
    pub volume_lots: u64,
    /// Price times lots of all trades, units of 1e-9; without the contract's multiplier.
    pub turnover_e9: i128,
    /// Fills that opened less fills that closed, in lots: twice the open interest.
    opened_lots: i64,
}

impl Figures {
    /// Lots held long (as many are held short) by orders that said whether they open or close.
    #[must_use]
    pub fn open_interest_lots(&self) -> i64 {
        self.opened_lots / 2
    }

    /// So many lots are held long, and as many short.
    pub(super) fn hold(&mut self, lots: i64) {
        self.opened_lots = 2 * lots;
    }

    /// A day without trades yet.
    pub fn next_day(&mut self) {
        *self = Self { opened_lots: self.opened_lots, ..Self::default() };
    }

    pub(super) fn trade(&mut self, trade: &Trade) {
        let price = trade.price_e9;
        self.open_e9.get_or_insert(price);
        self.high_e9 = Some(self.high_e9.map_or(price, |high| high.max(price)));
        self.low_e9 = Some(self.low_e9.map_or(price, |low| low.min(price)));
        self.last_e9 = Some(price);
        self.volume_lots += u64::from(trade.lots);
        self.turnover_e9 += i128::from(price) * i128::from(trade.lots);
    }

    pub(super) fn fill(&mut self, fill: &Fill) {
        let lots = i64::from(fill.lots);
        match fill.ticket.effect {
            PositionEffect::Net => {}
            PositionEffect::Open => self.opened_lots += lots,
            PositionEffect::Close | PositionEffect::CloseToday | PositionEffect::CloseYesterday => {
                self.opened_lots -= lots
            }
        }
    }
}

//! An instrument's day beside its book: trades, statistics and price limits, as the venue tells
//! them.
//!
//! The rows lie in a slice of their own, one beside each `Instrument`, so that a book keeps its
//! cache lines and a quote costs nothing more. `None` means that the venue has not said it, or has
//! taken it back; no number stands for that.
//!
//! Called by protocols for what they decode, and by whoever shows or hands over a day. Not here:
//! wire formats, and what a limit means for an order (the gates).

use crate::message::Side;

/// One trade, as the public is told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traded {
    /// Price, units of 1e-9.
    pub price_e9: i64,
    /// Lots at that price, if told: snapshots may name the price alone.
    pub lots: Option<u32>,
    /// Who took; `None` if nobody did, or it was not told.
    pub aggressor: Option<Side>,
    /// The venue's name of it, by which it can be taken back.
    pub trade_id: Option<u32>,
}

impl Traded {
    /// Whether `other` names this trade: by the venue's name, or else by price and lots.
    fn is(&self, other: &Self) -> bool {
        match (self.trade_id, other.trade_id) {
            (Some(own), Some(other)) => own == other,
            _ => self.price_e9 == other.price_e9 && self.lots == other.lots,
        }
    }
}

/// A settlement price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// Price, units of 1e-9.
    pub price_e9: i64,
    /// The venue says that it is final.
    pub is_final: bool,
    /// Of the middle of the day, not of its end.
    pub is_intraday: bool,
    /// The trading day that it is of, days since 1970-01-01, if told.
    pub day: Option<u16>,
}

/// Lots at the end of a trading day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayLots {
    /// How many.
    pub lots: u32,
    /// The trading day, days since 1970-01-01, if told.
    pub day: Option<u16>,
}

/// What prices a venue takes. A side that is `None` is not limited, or not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceLimits {
    /// The highest price of an order, units of 1e-9.
    pub high_e9: Option<i64>,
    /// The lowest price of an order, units of 1e-9.
    pub low_e9: Option<i64>,
    /// How far an order's price may lie beyond the market, units of 1e-9.
    pub max_variation_e9: Option<i64>,
}

impl PriceLimits {
    /// Nothing was told.
    pub const UNKNOWN: Self = Self { high_e9: None, low_e9: None, max_variation_e9: None };
}

/// What a venue has said of an instrument's day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    /// The last trade that was not taken back.
    pub last: Option<Traded>,
    /// The one before, which is the last again if that is taken back.
    pub before: Option<Traded>,
    /// Lots traded in the session.
    pub volume_lots: Option<u32>,
    /// Trades that were taken back since the day is followed.
    pub busts: u32,
    /// The first price of the session, units of 1e-9.
    pub open_e9: Option<i64>,
    /// The price at which it would open now, units of 1e-9.
    pub indicative_open_e9: Option<i64>,
    /// The highest trade of the session, units of 1e-9.
    pub high_e9: Option<i64>,
    /// The lowest trade of the session, units of 1e-9.
    pub low_e9: Option<i64>,
    /// The highest bid of the session, units of 1e-9.
    pub high_bid_e9: Option<i64>,
    /// The lowest ask of the session, units of 1e-9.
    pub low_ask_e9: Option<i64>,
    /// The average price of the session, weighted by lots, units of 1e-9.
    pub vwap_e9: Option<i64>,
    /// The last settlement.
    pub settlement: Option<Settlement>,
    /// Lots that were open at the end of a day.
    pub open_interest: Option<DayLots>,
    /// Lots that were cleared on a day.
    pub cleared: Option<DayLots>,
    /// The last fixing, units of 1e-9.
    pub fixing_e9: Option<i64>,
    /// What prices are taken.
    pub limits: PriceLimits,
}

impl Day {
    /// Nothing was told.
    pub const UNKNOWN: Self = Self {
        last: None,
        before: None,
        volume_lots: None,
        busts: 0,
        open_e9: None,
        indicative_open_e9: None,
        high_e9: None,
        low_e9: None,
        high_bid_e9: None,
        low_ask_e9: None,
        vwap_e9: None,
        settlement: None,
        open_interest: None,
        cleared: None,
        fixing_e9: None,
        limits: PriceLimits::UNKNOWN,
    };

    /// There was a trade.
    pub const fn trade(&mut self, traded: Traded) {
        self.before = self.last;
        self.last = Some(traded);
    }

    /// A trade is another one than was told.
    pub fn correct(&mut self, traded: &Traded) {
        for known in [&mut self.last, &mut self.before].into_iter().flatten() {
            if known.is(traded) {
                *known = *traded;
                return;
            }
        }
    }

    /// A trade is taken back. Which one was the last before the one before is not remembered.
    pub fn bust(&mut self, traded: &Traded) {
        self.busts = self.busts.wrapping_add(1);
        if self.last.is_some_and(|last| last.is(traded)) {
            self.last = self.before.take();
        } else if self.before.is_some_and(|before| before.is(traded)) {
            self.before = None;
        }
    }

    /// The venue begins the session's statistics anew; what it says once a day stays.
    pub const fn restart_session(&mut self) {
        *self = Self {
            settlement: self.settlement,
            open_interest: self.open_interest,
            cleared: self.cleared,
            fixing_e9: self.fixing_e9,
            limits: self.limits,
            ..Self::UNKNOWN
        };
    }

    /// Takes from `other`, of the same moment, what is not known here.
    pub fn complete(&mut self, other: &Self) {
        let limits = &mut self.limits;
        limits.high_e9 = limits.high_e9.or(other.limits.high_e9);
        limits.low_e9 = limits.low_e9.or(other.limits.low_e9);
        limits.max_variation_e9 = limits.max_variation_e9.or(other.limits.max_variation_e9);
        self.last = self.last.or(other.last);
        self.volume_lots = self.volume_lots.or(other.volume_lots);
        self.open_e9 = self.open_e9.or(other.open_e9);
        self.indicative_open_e9 = self.indicative_open_e9.or(other.indicative_open_e9);
        self.high_e9 = self.high_e9.or(other.high_e9);
        self.low_e9 = self.low_e9.or(other.low_e9);
        self.high_bid_e9 = self.high_bid_e9.or(other.high_bid_e9);
        self.low_ask_e9 = self.low_ask_e9.or(other.low_ask_e9);
        self.vwap_e9 = self.vwap_e9.or(other.vwap_e9);
        self.settlement = self.settlement.or(other.settlement);
        self.open_interest = self.open_interest.or(other.open_interest);
        self.cleared = self.cleared.or(other.cleared);
        self.fixing_e9 = self.fixing_e9.or(other.fixing_e9);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traded(price_e9: i64, trade_id: Option<u32>) -> Traded {
        Traded { price_e9, lots: Some(2), aggressor: Some(Side::Buy), trade_id }
    }

    #[test]
    fn the_last_trade_is_the_one_before_again_when_it_is_taken_back() {
        for is_named in [true, false] {
            let [first, second, third] = [(10, 1), (20, 2), (30, 3)]
                .map(|(price_e9, id)| traded(price_e9, is_named.then_some(id)));
            let mut day = Day::UNKNOWN;
            [first, second, third].into_iter().for_each(|traded| day.trade(traded));
            let mut other = day;
            day.bust(&third);
            assert_eq!((day.last, day.busts), (Some(second), 1));
            day.bust(&second);
            assert_eq!((day.last, day.busts), (None, 2), "the first one is not remembered");
            other.bust(&second);
            assert_eq!(other.last, Some(third), "it was not the last one");
            other.bust(&third);
            assert_eq!(other.last, None, "the one before was taken back already");
            other.bust(&first);
            assert_eq!((other.last, other.busts), (None, 3));
        }
    }

    #[test]
    fn a_name_tells_trades_apart_that_look_alike_and_a_correction_finds_its_trade() {
        let mut day = Day::UNKNOWN;
        day.trade(traded(5, Some(1)));
        day.trade(traded(5, Some(2)));
        day.bust(&traded(5, Some(7)));
        assert_eq!(day.last, Some(traded(5, Some(2))), "another trade of that price");
        day.correct(&traded(6, Some(1)));
        assert_eq!(day.last, Some(traded(5, Some(2))));
        day.bust(&traded(5, Some(2)));
        assert_eq!(day.last, Some(traded(6, Some(1))));
    }

    #[test]
    fn a_session_that_restarts_leaves_what_is_said_once_a_day() {
        let mut day = Day { volume_lots: Some(9), open_e9: Some(1), ..Day::UNKNOWN };
        day.trade(traded(1, None));
        day.bust(&traded(1, None));
        day.limits.high_e9 = Some(7);
        day.open_interest = Some(DayLots { lots: 3, day: None });
        day.restart_session();
        let limits = PriceLimits { high_e9: Some(7), ..PriceLimits::UNKNOWN };
        let open_interest = Some(DayLots { lots: 3, day: None });
        assert_eq!(day, Day { limits, open_interest, ..Day::UNKNOWN });
    }
}

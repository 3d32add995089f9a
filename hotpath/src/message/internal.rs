//! What two spreads needed of one instrument, met inside the desk (`desk::internal`).

use super::{AccountId, InstrumentIndex, Intent, RepairWay, SpreadIndex};
use crate::record::codec::message;

message! {
    /// One side of lots that two spreads met inside.
    pub struct InternalSide {
        /// The spread.
        pub spread: SpreadIndex,
        /// What its fire is for.
        pub intent: Intent,
        /// The leg.
        pub leg: u8,
        /// What the lots do: complete the fire, or take back what it has too much of.
        pub way: RepairWay,
        /// Lots of the leg that it needed for that, these included.
        pub needed_lots: u32,
        /// What the whole fire costs by that way at this price, fees included though none are paid,
        /// in money of 1e-9.
        pub cost_e9: i64,
        /// Fees of the lots that are not paid, in money of 1e-9; `i64::MAX`: they cannot be
        /// counted.
        pub saved_e9: i64,
        /// Lots that its orders would have opened where the market asks that: margin that is not
        /// bound. The rest would have closed.
        pub opens_lots: u32,
    }
}

message! {
    /// What two spreads out of ratio needed of one instrument, met inside: neither sends an order
    /// for it, no venue knows of it, and what the account holds stays as it is.
    pub struct Internal {
        /// The instrument.
        pub instrument: InstrumentIndex,
        /// The account of both.
        pub account: AccountId,
        /// Lots.
        pub lots: u32,
        /// The price: the middle of bid and ask, to the nearest tick, halves to the even one.
        pub price_e9: i64,
        /// The best bid then.
        pub bid_e9: i64,
        /// The best ask then.
        pub ask_e9: i64,
        /// Who buys.
        pub buy: InternalSide,
        /// Who sells.
        pub sell: InternalSide,
    }
}

//! What an earlier run of a desk left: sent at the start of the next, before anything may fire.
//!
//! A desk begins with nothing. What it should still know of the run before is told to it like
//! everything else, so it is in the record, and a replay needs no other file.

use super::{
    AccountId, Event, GatewayIndex, InstrumentIndex, MAX_LEGS, OrderId, PositionEffect, Side,
    SpreadIndex,
};
use crate::record::codec::{Decoder, Encoder, Field, message};

/// Execution ids kept per order, to recognise a fill that comes twice.
pub const EXEC_IDS: usize = 16;

/// The same of busts.
pub const BUST_IDS: usize = 4;

message! {
    /// The run that this one goes on from. Told last of all that was carried, in every run that
    /// trades: one that died before has begun with nothing of it.
    pub struct CarriedRun {
        /// Its number; 0 if this run begins with nothing held.
        pub run: u16,
        /// The last input of it that is known.
        pub last_seq_no: u64,
        /// Its record ends where the run ended. If not, more may have happened: the power went, or
        /// the record was cut.
        pub is_whole: bool,
    }
}

message! {
    /// What is held in a spread.
    pub struct CarriedUnits {
        /// Row of the spread table.
        pub spread: SpreadIndex,
        /// Units: above zero bought, below sold.
        pub position_units: i32,
        /// Lots that fires which ended out of ratio left over, per leg, bought minus sold.
        pub residual_lots: [i64; MAX_LEGS],
        /// It was halted, left closing only by a breaker, or had orders under way: it fires again
        /// when somebody has looked.
        pub is_halted: bool,
    }
}

message! {
    /// An order whose fate nobody knows. It keeps its id and its reservation, and what is told of
    /// it settles it: fills that the earlier run has counted are not counted again.
    pub struct CarriedOrder {
        /// Its id, of the run that sent it.
        pub order_id: OrderId,
        /// The venue's number for it; 0 if that is not known.
        pub venue_order_id: u64,
        /// Row of the instrument table.
        pub instrument: InstrumentIndex,
        /// Where news of it comes from.
        pub gateway: GatewayIndex,
        /// The spread that it is a leg of.
        pub spread: SpreadIndex,
        /// Which leg.
        pub leg: u8,
        /// Whose money.
        pub account: AccountId,
        /// Whether it opens: its lots are in what is told of the account.
        pub is_open: bool,
        /// Buy or sell.
        pub side: Side,
        /// What it does to the position, where the market asks.
        pub effect: PositionEffect,
        /// Its limit.
        pub price_e9: i64,
        /// Lots asked for.
        pub qty_lots: u32,
        /// Lots filled that are in what is told to be held.
        pub filled_lots: u32,
        /// The largest running total that the venue has told.
        pub most_cum: u32,
        /// What its fills are known by: a circle; 0 where there is none.
        pub exec_ids: [u64; EXEC_IDS],
        /// Fills noted, those that have left the circle included.
        pub exec_count: u32,
        /// What its busts are known by: a circle; 0 where there is none.
        pub bust_ids: [u64; BUST_IDS],
        /// Busts noted.
        pub bust_count: u32,
    }
}

message! {
    /// Lots of orders whose fate nobody knows, and that have no place in this run. They stay
    /// reserved until this is sent again with less, by whoever has asked the venue.
    pub struct UnknownLots {
        /// Row of the instrument table.
        pub instrument: InstrumentIndex,
        /// That may have been bought.
        pub buy_lots: u32,
        /// That may have been sold.
        pub sell_lots: u32,
    }
}

message! {
    /// What counts as held against an account's position limit.
    pub struct AccountLots {
        /// The account; `AccountId::ALL` for the whole desk.
        pub account: AccountId,
        /// Lots opened and not closed, of all instruments.
        pub gross_lots: i64,
    }
}

/// One thing that an earlier run left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// Which run it was.
    Run(CarriedRun),
    /// Units of a spread.
    Units(CarriedUnits),
    /// Lots that may have been traded.
    Unknown(UnknownLots),
    /// The use of an account's limit.
    Account(AccountLots),
    /// An order that may still have been filled.
    Order(CarriedOrder),
}

impl Carried {
    /// Writes it: a byte that says what it is, then that.
    pub fn put(&self, out: &mut Encoder<'_>) {
        match self {
            Self::Run(run) => {
                1_u8.put(out);
                run.put(out);
            }
            Self::Units(units) => {
                2_u8.put(out);
                units.put(out);
            }
            Self::Unknown(lots) => {
                3_u8.put(out);
                lots.put(out);
            }
            Self::Account(lots) => {
                4_u8.put(out);
                lots.put(out);
            }
            Self::Order(order) => {
                5_u8.put(out);
                order.put(out);
            }
        }
    }

    /// Reads one.
    #[must_use]
    pub fn take(input: &mut Decoder<'_>) -> Option<Self> {
        Some(match u8::take(input)? {
            1 => Self::Run(Field::take(input)?),
            2 => Self::Units(Field::take(input)?),
            3 => Self::Unknown(Field::take(input)?),
            4 => Self::Account(Field::take(input)?),
            5 => Self::Order(Field::take(input)?),
            _ => return None,
        })
    }

    /// The event that the desk sees.
    #[must_use]
    pub const fn as_event(&self) -> Event<'_> {
        Event::Carried(self)
    }
}

//! What an earlier run of a desk left: sent at the start of the next, before anything may fire.
//!
//! A desk begins with nothing. What it should still know of the run before is told to it like
//! everything else, so it is in the record, and a replay needs no other file.

use super::{AccountId, Event, InstrumentIndex, MAX_LEGS, SpreadIndex};
use crate::record::codec::{Decoder, Encoder, Field, message};

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
        /// It was halted, or had orders under way: it fires again when somebody has looked.
        pub is_halted: bool,
    }
}

message! {
    /// Lots of orders whose fate nobody knows. They stay reserved until this is sent again with
    /// less, by whoever has asked the venue.
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
            _ => return None,
        })
    }

    /// The event that the desk sees.
    #[must_use]
    pub const fn as_event(&self) -> Event<'_> {
        Event::Carried(*self)
    }
}

//! What MDQP says of an instrument, in the house's units: its contract and what has happened to it.
//!
//! Both ways: read from a snapshot, written by the simulated venue, to the same bytes.

use super::decimal::{PriceError, e9_from_f64, f64_from_e9};
use super::layout::{ContractField, StateField};
use thiserror::Error;
use xmc_hotpath::wire::{I32Le, U64Le, text};

/// Why a field of an instrument cannot be read.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum ContractError {
    /// A text that is not ASCII.
    #[error("'{text}' is no code: codes are ASCII")]
    Code {
        /// What stands there, escaped.
        text: String,
    },
    /// A number that is no price.
    #[error("instrument {instrument_no}: {error}")]
    Price {
        /// The venue's number.
        instrument_no: i32,
        /// Why not.
        error: PriceError,
    },
    /// Without these no multicast price can be read.
    #[error("instrument {instrument_no}: codec price and tick must be there, the tick above zero")]
    Codec {
        /// The venue's number.
        instrument_no: i32,
    },
}

/// Field 0x0101, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contract {
    /// Code (`al1201`).
    pub instrument_id: String,
    /// Code of what it is derived from (`al`).
    pub underlying_id: String,
    /// Letter of its class; `1` is a future.
    pub product_class: u8,
    /// Strike price in units of 1e-9; `None` for a future.
    pub strike_e9: Option<i64>,
    /// Letter of the option's type; `0` is none.
    pub options_type: u8,
    /// Units of the underlying in one lot.
    pub volume_multiple: i32,
    /// In units of 1e-9.
    pub underlying_multiple_e9: Option<i64>,
    /// Whether it can be traded.
    pub is_trading: bool,
    /// Currency of the price.
    pub currency: String,
    /// Price tick in units of 1e-9, above zero.
    pub tick_e9: i64,
    /// Price that all offsets count from, in units of 1e-9.
    pub codec_price_e9: i64,
    /// The venue's number of it.
    pub instrument_no: i32,
}

/// Field 0x0102, read. Prices in units of 1e-9, `None` where the venue has no value.
#[derive(Clone, Debug, PartialEq)]
pub struct ContractState {
    /// The venue's number.
    pub instrument_no: i32,
    /// Last trade.
    pub last_e9: Option<i64>,
    /// Lots traded today.
    pub volume_lots: i32,
    /// Money traded today: beyond what 1e-9 units can say.
    pub turnover: f64,
    /// Lots open.
    pub open_interest: f64,
    /// High, low, open, close, settlement.
    pub day_e9: [Option<i64>; 5],
    /// Upper limit.
    pub upper_limit_e9: Option<i64>,
    /// Lower limit.
    pub lower_limit_e9: Option<i64>,
    /// Settlement of the day before.
    pub pre_settlement_e9: Option<i64>,
    /// Close of the day before.
    pub pre_close_e9: Option<i64>,
    /// Lots open at the end of the day before.
    pub pre_open_interest: f64,
    /// Deltas (options): of the day before, and now. No prices, so they stay doubles.
    pub deltas: [f64; 2],
    /// YYYYMMDD on the calendar, HH:MM:SS, padded with NUL.
    pub updated: ([u8; 9], [u8; 9]),
    /// Milliseconds within that second.
    pub update_millis: i32,
    /// Number of the instrument's last change.
    pub change_no: i32,
}

impl Contract {
    /// Reads a field.
    ///
    /// # Errors
    /// `Code`, `Price`, `Codec`.
    pub fn read(record: &ContractField) -> Result<Self, ContractError> {
        let instrument_no = record.instrument_no.get();
        let codec = ContractError::Codec { instrument_no };
        let tick_e9 = price(instrument_no, record.price_tick)?.filter(|tick_e9| *tick_e9 > 0);
        Ok(Self {
            instrument_id: code(&record.instrument_id)?,
            underlying_id: code(&record.underlying_id)?,
            product_class: record.product_class,
            strike_e9: price(instrument_no, record.strike)?,
            options_type: record.options_type,
            volume_multiple: record.volume_multiple.get(),
            underlying_multiple_e9: price(instrument_no, record.underlying_multiple)?,
            is_trading: record.is_trading.get() != 0,
            currency: code(&record.currency)?,
            tick_e9: tick_e9.ok_or_else(|| codec.clone())?,
            codec_price_e9: price(instrument_no, record.codec_price)?.ok_or(codec)?,
            instrument_no,
        })
    }

    /// The field as it is sent.
    ///
    /// # Panics
    /// If a text does not fit its field.
    pub fn write(&self) -> ContractField {
        ContractField {
            instrument_id: padded(&self.instrument_id),
            underlying_id: padded(&self.underlying_id),
            product_class: self.product_class,
            strike: bits(self.strike_e9),
            options_type: self.options_type,
            volume_multiple: I32Le::new(self.volume_multiple),
            underlying_multiple: bits(self.underlying_multiple_e9),
            is_trading: I32Le::new(i32::from(self.is_trading)),
            currency: padded(&self.currency),
            price_tick: bits(Some(self.tick_e9)),
            codec_price: bits(Some(self.codec_price_e9)),
            instrument_no: I32Le::new(self.instrument_no),
        }
    }
}

impl ContractState {
    /// Reads a field.
    ///
    /// # Errors
    /// `Price`.
    pub fn read(record: &StateField) -> Result<Self, ContractError> {
        let instrument_no = record.instrument_no.get();
        let price = |field| price(instrument_no, field);
        let double = |field: U64Le| f64::from_bits(field.get());
        Ok(Self {
            instrument_no,
            last_e9: price(record.last)?,
            volume_lots: record.volume.get(),
            turnover: double(record.turnover),
            open_interest: double(record.open_interest),
            day_e9: [
                price(record.high)?,
                price(record.low)?,
                price(record.open)?,
                price(record.close)?,
                price(record.settlement)?,
            ],
            upper_limit_e9: price(record.upper_limit)?,
            lower_limit_e9: price(record.lower_limit)?,
            pre_settlement_e9: price(record.pre_settlement)?,
            pre_close_e9: price(record.pre_close)?,
            pre_open_interest: double(record.pre_open_interest),
            deltas: [double(record.pre_delta), double(record.delta)],
            updated: (record.action_day, record.update_time),
            update_millis: record.update_millis.get(),
            change_no: record.change_no.get(),
        })
    }

    /// The field as it is sent.
    pub fn write(&self) -> StateField {
        let [high, low, open, close, settlement] = self.day_e9.map(bits);
        let [pre_delta, delta] = self.deltas.map(|delta| U64Le::new(delta.to_bits()));
        StateField {
            instrument_no: I32Le::new(self.instrument_no),
            last: bits(self.last_e9),
            volume: I32Le::new(self.volume_lots),
            turnover: U64Le::new(self.turnover.to_bits()),
            open_interest: U64Le::new(self.open_interest.to_bits()),
            high,
            low,
            open,
            close,
            settlement,
            upper_limit: bits(self.upper_limit_e9),
            lower_limit: bits(self.lower_limit_e9),
            pre_settlement: bits(self.pre_settlement_e9),
            pre_close: bits(self.pre_close_e9),
            pre_open_interest: U64Le::new(self.pre_open_interest.to_bits()),
            pre_delta,
            delta,
            action_day: self.updated.0,
            update_time: self.updated.1,
            update_millis: I32Le::new(self.update_millis),
            change_no: I32Le::new(self.change_no),
        }
    }
}

/// A price in units of 1e-9; `None` where the venue has no value.
///
/// # Errors
/// `Price`.
pub(super) fn price(instrument_no: i32, field: U64Le) -> Result<Option<i64>, ContractError> {
    e9_from_f64(f64::from_bits(field.get()))
        .map_err(|error| ContractError::Price { instrument_no, error })
}

/// A price as the bits of its double.
pub fn bits(price_e9: Option<i64>) -> U64Le {
    U64Le::new(f64_from_e9(price_e9).to_bits())
}

/// A text in a fixed field, padded with NUL.
///
/// # Panics
/// If it does not fit.
pub fn padded<const N: usize>(text: &str) -> [u8; N] {
    let mut field = [0; N];
    let place = field.get_mut(..text.len());
    place.expect("a text fits its field").copy_from_slice(text.as_bytes());
    field
}

/// A code of an instrument, a product or a currency.
///
/// # Errors
/// `Code`.
pub(super) fn code(field: &[u8]) -> Result<String, ContractError> {
    let code = text(field);
    if !code.is_ascii() {
        return Err(ContractError::Code { text: shown(field) });
    }
    Ok(code.iter().copied().map(char::from).collect())
}

/// Text that may be GBK, for people: what is not ASCII is escaped byte by byte.
pub fn shown(field: &[u8]) -> String {
    text(field).escape_ascii().to_string()
}

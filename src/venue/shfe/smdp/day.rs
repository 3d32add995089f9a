//! Trading days: as text in MDQP, as a number of days in MIRP.

use thiserror::Error;
use xmc_hotpath::wire::text;

/// A text that is no day.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("'{day}' is no day: it must be YYYYMMDD from 1980 on")]
pub struct DayError {
    /// What stands there, escaped.
    pub day: String,
}

/// A day of trading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TradingDay {
    /// Days since 1979-12-31: the multicast's `CommPhaseNo`.
    pub comm_phase_no: u16,
}

impl TradingDay {
    /// Reads YYYYMMDD.
    ///
    /// # Errors
    /// Eight digits that are no day, or something else.
    pub fn read(field: &[u8]) -> Result<Self, DayError> {
        let day = text(field);
        let error = || DayError { day: day.escape_ascii().to_string() };
        let is_digits = day.len() == 8 && day.iter().all(u8::is_ascii_digit);
        let digits = if is_digits { str::from_utf8(day).ok() } else { None };
        let number: u32 = digits.and_then(|digits| digits.parse().ok()).ok_or_else(error)?;
        let (year, month, date) = (number / 10_000, number / 100 % 100, number % 100);
        if year < 1980 || !(1..=12).contains(&month) || date == 0 || date > length(year, month) {
            return Err(error());
        }
        let years: u32 = (1980..year).map(|year| if is_leap(year) { 366 } else { 365 }).sum();
        let months: u32 = (1..month).map(|month| length(year, month)).sum();
        let comm_phase_no = u16::try_from(years + months + date).map_err(|_| error())?;
        Ok(Self { comm_phase_no })
    }
}

const fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400)
}

const fn length(year: u32, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

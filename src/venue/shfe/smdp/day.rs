//! Days and times: as texts of Chinese time in MDQP, as numbers in MIRP.

use super::contract::{padded, shown};
use thiserror::Error;
use xmc_hotpath::time::UnixNs;
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
        let years: u32 = (1980..year).map(days).sum();
        let months: u32 = (1..month).map(|month| length(year, month)).sum();
        let comm_phase_no = u16::try_from(years + months + date).map_err(|_| error())?;
        Ok(Self { comm_phase_no })
    }

    /// Writes YYYYMMDD, padded with NUL.
    pub fn text(self) -> [u8; 9] {
        let (mut year, mut rest) = (1980, u32::from(self.comm_phase_no).max(1));
        while rest > days(year) {
            rest -= days(year);
            year += 1;
        }
        let mut month = 1;
        while rest > length(year, month) {
            rest -= length(year, month);
            month += 1;
        }
        padded(&format!("{year:04}{month:02}{rest:02}"))
    }
}

/// A moment as MDQP tells it: YYYYMMDD and HH:MM:SS of Chinese time, and milliseconds.
///
/// # Errors
/// A day or a time that is none.
pub fn moment(date: &[u8], time: &[u8], millis: i32) -> Result<UnixNs, DayError> {
    let day = TradingDay::read(date)?;
    let error = || DayError { day: format!("{} {}", shown(date), shown(time)) };
    let parts: Vec<u64> = text(time)
        .split(|byte| *byte == b':')
        .map(|part| match part {
            [tens @ b'0'..=b'5', ones @ b'0'..=b'9'] => {
                Some(u64::from(tens - b'0') * 10 + u64::from(ones - b'0'))
            }
            _ => None,
        })
        .collect::<Option<_>>()
        .ok_or_else(error)?;
    let &[hours @ 0..24, minutes, seconds] = &parts[..] else { return Err(error()) };
    let millis = u64::try_from(millis).ok().filter(|ms| *ms < 1_000).ok_or_else(error)?;
    let days = u64::from(day.comm_phase_no) - 1 + DAYS_TO_1980;
    let seconds = ((days * 24 + hours) * 60 + minutes) * 60 + seconds - EAST_SECONDS;
    Ok(UnixNs((seconds * 1_000 + millis) * 1_000_000))
}

/// A moment as MDQP tells it; before 1980 or after 2159 it is told as the nearest day that can be.
pub fn told(moment: UnixNs) -> ([u8; 9], [u8; 9], i32) {
    let millis = moment.0 / 1_000_000;
    let seconds = millis / 1_000 + EAST_SECONDS;
    let days = (seconds / 86_400 + 1).saturating_sub(DAYS_TO_1980);
    let day = TradingDay { comm_phase_no: u16::try_from(days).unwrap_or(u16::MAX) };
    let (hours, minutes) = (seconds / 3_600 % 24, seconds / 60 % 60);
    let time = format!("{hours:02}:{minutes:02}:{:02}", seconds % 60);
    (day.text(), padded(&time), i32::try_from(millis % 1_000).unwrap_or(0))
}

/// From 1970-01-01 to 1980-01-01.
const DAYS_TO_1980: u64 = 3_652;
/// China is eight hours east all year.
const EAST_SECONDS: u64 = 8 * 3_600;

const fn days(year: u32) -> u32 {
    if is_leap(year) { 366 } else { 365 }
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

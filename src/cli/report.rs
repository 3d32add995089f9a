//! What a command writes on stdout: text, or JSON with `schema` and `version`.

use super::once;
use crate::aside::{Aside, Behind};
use std::fmt;
use std::io::{self, BufWriter, Write};

use serde::Serialize;

/// Large enough that a report of a million lines is not a million system calls.
const BUFFER_BYTES: usize = 1 << 16;
/// So much may wait for its reader before lines are left out.
const MOST_BEHIND: usize = 1 << 18;

/// The buffered stdout of one command, and whether it is to be JSON.
///
/// As a `Write` it takes text as it is; a command asks `is_json` before it writes any.
pub struct Report<'w> {
    out: BufWriter<Box<dyn Write + 'w>>,
    is_json: bool,
    /// If another thread does the writing.
    behind: Option<Behind>,
}

/// A JSON report: what it is and in which version, then its own fields.
#[derive(Serialize)]
struct Envelope<'a, T> {
    schema: &'a str,
    version: u32,
    #[serde(flatten)]
    body: &'a T,
}

impl<'w> Report<'w> {
    /// A report on `out`.
    pub fn new(out: impl Write + 'w, is_json: bool) -> Self {
        let out = BufWriter::with_capacity(BUFFER_BYTES, Box::new(out) as Box<dyn Write>);
        Self { out, is_json, behind: None }
    }

    /// A report that holds up nobody who writes it, whether `out` is read or not; `finish` waits.
    ///
    /// # Errors
    /// The system has no thread left.
    pub fn aside(out: impl Write + Send + 'static, is_json: bool) -> io::Result<Self> {
        let aside = Aside::new("xmc-report", out)?;
        let behind = Some(aside.behind());
        Ok(Self { behind, ..Self::new(aside, is_json) })
    }

    /// Whether so much waits for its reader that lines are better left out.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.behind.as_ref().is_some_and(|behind| behind.bytes() > MOST_BEHIND)
    }

    /// Whether the operator asked for JSON.
    pub fn is_json(&self) -> bool {
        self.is_json
    }

    /// Writes one JSON object on one line: `schema`, `version`, then the fields of `body`.
    ///
    /// A build with debug assertions, as the tests are, reads each object again: no key of it
    /// stands twice.
    ///
    /// # Errors
    /// What the output says.
    pub fn json(&mut self, schema: &str, version: u32, body: &impl Serialize) -> io::Result<()> {
        let object = Envelope { schema, version, body };
        debug_assert_eq!(once::finding(&object), None, "{schema} is read alike by everybody");
        serde_json::to_writer(&mut self.out, &object)?;
        self.out.write_all(b"\n")
    }

    /// Writes what is still buffered.
    ///
    /// # Errors
    /// What the output says.
    pub fn finish(mut self) -> io::Result<()> {
        let flushed = self.out.flush();
        // Nothing is left to write: dropping must not try a failed write again.
        drop(self.out.into_parts());
        flushed?;
        self.behind.map_or(Ok(()), |behind| behind.check())
    }
}

impl Write for Report<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Nanoseconds since 1970, shown as ISO 8601 in UTC.
pub struct Utc(pub u64);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, ns) = (self.0 / 1_000_000_000, self.0 % 1_000_000_000);
        let (days, second) = (seconds / 86_400, seconds % 86_400);
        let (year, month, day) = civil(days);
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ns:09}Z")
    }
}

/// The Gregorian date of a day counted from 1970-01-01.
///
/// Years begin in March here, so that the leap day is the last of its year. Source: Howard
/// Hinnant, "chrono-compatible low-level date algorithms", `civil_from_days`.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values from GNU `date -u -d @SECONDS`.
    #[test]
    fn times_are_shown_in_utc() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00"),
            (68_169_599, "1972-02-28T23:59:59"),
            (68_169_600, "1972-02-29T00:00:00"),
            (951_782_400, "2000-02-29T00:00:00"),
            (1_478_961_025, "2016-11-12T14:30:25"),
            (4_107_542_399, "2100-02-28T23:59:59"),
            (4_107_542_400, "2100-03-01T00:00:00"),
            (18_446_744_073, "2554-07-21T23:34:33"),
        ] {
            assert_eq!(Utc(seconds * 1_000_000_000 + 7).to_string(), format!("{text}.000000007Z"));
        }
    }
}

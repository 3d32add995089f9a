//! Moments as people write them: ISO 8601 with an offset, or a day.

use xmc_hotpath::time::UnixNs;

const DAY_S: i64 = 86_400;

/// Reads `2026-11-21`, `2026-11-21T09:30:00Z`, `2026-11-21T09:30:00.25+08:00`.
pub fn moment(text: &str) -> Result<UnixNs, String> {
    let why = || {
        format!(
            "{text:?} is no moment: write 2026-11-21, or 2026-11-21T09:30:00.25 with Z or +08:00"
        )
    };
    read(text).ok_or_else(why)
}

/// Reads `2026-11-21` as the number of days since 1970.
pub fn day(text: &str) -> Result<u32, String> {
    let read = date(text).and_then(|days| u32::try_from(days).ok());
    read.ok_or_else(|| format!("{text:?} is no day: write 2026-11-21"))
}

/// A day as it is written.
pub fn show_day(days: u32) -> String {
    let text = crate::cli::report::Utc(u64::from(days) * 86_400_000_000_000).to_string();
    text.get(..10).unwrap_or_default().to_owned()
}

fn read(text: &str) -> Option<UnixNs> {
    let Some((day, rest)) = text.split_once('T') else {
        let seconds = date(text)? * DAY_S;
        return Some(UnixNs(u64::try_from(seconds).ok()? * 1_000_000_000));
    };
    let (clock, offset_s) = match rest.strip_suffix('Z') {
        Some(clock) => (clock, 0),
        None => {
            let (clock, offset) = rest.split_at_checked(rest.len().checked_sub(6)?)?;
            let sign = match offset.get(..1)? {
                "+" => 1,
                "-" => -1,
                _ => return None,
            };
            let (hours, minutes) = offset.get(1..)?.split_once(':')?;
            (clock, sign * (number(hours, 23)? * 3_600 + number(minutes, 59)? * 60))
        }
    };
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let mut parts = clock.split(':');
    let hours = number(parts.next()?, 23)?;
    let minutes = number(parts.next()?, 59)?;
    let seconds = number(parts.next().unwrap_or("0"), 60)?;
    if parts.next().is_some() || fraction.len() > 9 {
        return None;
    }
    let nanoseconds: u64 = format!("{fraction:0<9}").parse().ok()?;
    let second = date(day)? * DAY_S + hours * 3_600 + minutes * 60 + seconds - offset_s;
    Some(UnixNs(u64::try_from(second).ok()?.checked_mul(1_000_000_000)? + nanoseconds))
}

fn number(text: &str, most: i64) -> Option<i64> {
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| is_plain && *number <= most)
}

/// Days since 1970. Source: Howard Hinnant, "chrono-compatible low-level date algorithms",
/// `days_from_civil`.
fn date(text: &str) -> Option<i64> {
    let mut parts = text.split('-');
    let year = number(parts.next()?, 2_500)?;
    let month = number(parts.next()?, 12)?;
    let day = number(parts.next()?, 31)?;
    if parts.next().is_some() || year < 1970 || month == 0 || day == 0 {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let era = year / 400;
    let year_of_era = year - era * 400;
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values from GNU `date -d TEXT +%s%N`.
    #[test]
    fn moments_are_read() {
        for (text, seconds, ns) in [
            ("1970-01-01", 0, 0),
            ("2000-02-29T23:59:59Z", 951_868_799, 0),
            ("2026-11-21T09:30:00.25+08:00", 1_795_224_600, 250_000_000),
            ("2026-11-21T01:30Z", 1_795_224_600, 0),
        ] {
            assert_eq!(moment(text), Ok(UnixNs(seconds * 1_000_000_000 + ns)), "{text}");
        }
        for wrong in ["", "now", "2026-13-01", "2026-11-21T09:30:00", "2026-11-21T25:00Z", "1-1-1"]
        {
            assert!(moment(wrong).is_err(), "{wrong}");
        }
        assert_eq!(show_day(day("2026-11-21").expect("a day")), "2026-11-21");
    }
}

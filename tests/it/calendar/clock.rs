//! Days and the clocks of four cities, reckoned from the rules of their daylight saving and from
//! nothing else: 2026 and 2027.

/// Minutes of a day.
pub const DAY: i64 = 1_440;

/// Whose clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum City {
    Shanghai,
    Chicago,
    London,
}

/// The day's number, from 1970-01-01.
pub fn day(year: i64, month: i64, of_month: i64) -> i64 {
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let lengths = [31, 28 + i64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let years: i64 = (1970..year).map(|year| 365 + i64::from(leap(year))).sum();
    let months: i64 = lengths.iter().take(usize::try_from(month - 1).expect("a month")).sum();
    years + months + of_month - 1
}

/// 0 is Monday: 1970-01-01 was a Thursday.
pub fn weekday(day: i64) -> i64 {
    (day + 3).rem_euclid(7)
}

/// The `nth` Sunday of a month, from 1.
fn sunday(year: i64, month: i64, nth: i64) -> i64 {
    let first = day(year, month, 1);
    first + (6 - weekday(first)) + 7 * (nth - 1)
}

/// The last Sunday of a month of 31 days.
fn last_sunday(year: i64, month: i64) -> i64 {
    let last = day(year, month, 31);
    last - (weekday(last) + 1) % 7
}

/// The clocks of one city over the two years.
#[derive(Clone, Debug)]
pub struct Clocks {
    winter: i64,
    /// Minutes of UTC in which they are an hour ahead of that.
    summers: Vec<(i64, i64)>,
}

impl City {
    /// Its clocks.
    pub fn clocks(self) -> Clocks {
        let summer = |year: i64| match self {
            Self::Shanghai => None,
            // Two in the morning, standard time at the first, summer time at the second.
            Self::Chicago => {
                Some((sunday(year, 3, 2) * DAY + 120 + 360, sunday(year, 11, 1) * DAY + 120 + 300))
            }
            Self::London => {
                Some((last_sunday(year, 3) * DAY + 60, last_sunday(year, 10) * DAY + 60))
            }
        };
        let winter = match self {
            Self::Shanghai => 480,
            Self::Chicago => -360,
            Self::London => 0,
        };
        Clocks { winter, summers: [2026, 2027].into_iter().filter_map(summer).collect() }
    }
}

impl Clocks {
    /// What they are ahead of UTC, in minutes, at a minute of UTC.
    pub fn ahead(&self, utc: i64) -> i64 {
        let is_summer = self.summers.iter().any(|(from, until)| utc >= *from && utc < *until);
        self.winter + if is_summer { 60 } else { 0 }
    }
}

#[test]
fn days_are_numbered_as_the_calendar_has_them() {
    // `date -u -d @$((86400 * N))`, and the Sundays of four almanacs.
    assert_eq!(day(2026, 1, 1), 20_454);
    assert_eq!(day(2028, 3, 1), 21_244);
    assert_eq!((sunday(2026, 3, 2), sunday(2026, 11, 1)), (day(2026, 3, 8), day(2026, 11, 1)));
    assert_eq!(
        (last_sunday(2026, 3), last_sunday(2026, 10)),
        (day(2026, 3, 29), day(2026, 10, 25))
    );
    assert_eq!((sunday(2027, 3, 2), sunday(2027, 11, 1)), (day(2027, 3, 14), day(2027, 11, 7)));
    assert_eq!(
        (last_sunday(2027, 3), last_sunday(2027, 10)),
        (day(2027, 3, 28), day(2027, 10, 31))
    );
}

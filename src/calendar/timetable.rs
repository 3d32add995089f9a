//! The hours of one group laid out in UTC: stretches of one phase each, without a hole.

use super::{Calendar, CalendarError, Eve, Group, Phase, Window};
use jiff::civil::{Date, Weekday};
use jiff::{SignedDuration, Timestamp, ToSpan};

/// A gap between two windows is a break if it is no longer than this, else the market is closed.
/// It holds the lunch of the domestic exchanges (two hours) and the daily halt of Globex (one).
pub const LONGEST_BREAK: SignedDuration = SignedDuration::from_hours(2);

/// How far back the trading day before is looked for.
const LONGEST_HOLIDAY_DAYS: i32 = 30;

/// A time in which nothing changes: from `from` to the `from` of the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The first instant.
    pub from: Timestamp,
    /// What the market does.
    pub phase: Phase,
    /// Whose trading day it is. Without trading: that of what trades next; `None` if the calendar
    /// ends before anything does.
    pub trading_day: Option<Date>,
}

/// A market at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// What it does.
    pub phase: Phase,
    /// Since when.
    pub since: Timestamp,
    /// Whose trading day it is; see `Stretch`.
    pub trading_day: Option<Date>,
    /// The next change and what comes then; `None` if the calendar ends before.
    pub next: Option<(Timestamp, Phase)>,
}

impl Moment {
    /// When orders are no longer matched as they come; `None` if they are not now. The end of the
    /// calendar counts as an end: nothing is known beyond it.
    #[must_use]
    pub fn continuous_until(&self, end: Timestamp) -> Option<Timestamp> {
        let until = self.next.map_or(end, |(at, _)| at);
        (self.phase == Phase::Continuous).then_some(until)
    }
}

/// The hours of one group of a venue, in UTC.
#[derive(Clone, Debug)]
pub struct Timetable {
    mic: String,
    group: String,
    valid: Option<(Date, Date)>,
    /// By `from`; the first begins with the calendar.
    stretches: Vec<Stretch>,
    end: Timestamp,
}

/// One window of one day.
#[derive(Clone, Copy, Debug)]
struct Piece {
    from: Timestamp,
    until: Timestamp,
    phase: Phase,
    trading_day: Date,
}

/// Two windows of one group meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Overlap {
    /// The trading day of the later one.
    pub day: Date,
}

impl Timetable {
    /// Lays out the hours of `group`. Trading days beyond the calendar's last are not known, so
    /// what belongs to them is closed, the evening of its last day as well.
    pub(super) fn new(calendar: &Calendar, group: &Group) -> Result<Self, Overlap> {
        let mut table = Self {
            mic: calendar.mic.clone(),
            group: group.name.clone(),
            valid: calendar.valid,
            stretches: Vec::new(),
            end: Timestamp::MIN,
        };
        let (Some((first, last)), Some((begin, end))) = (calendar.valid, calendar.span()) else {
            return Ok(table);
        };
        let mut pieces = Vec::new();
        let mut day = first;
        while day <= last {
            pieces.extend(calendar.pieces(group, day));
            let Ok(next) = day.tomorrow() else { break };
            day = next;
        }
        pieces.retain_mut(|piece| {
            (piece.from, piece.until) = (piece.from.max(begin), piece.until.min(end));
            piece.from < piece.until
        });
        pieces.sort_by_key(|piece| piece.from);
        let meets = |pair: &[Piece]| pair[1].from < pair[0].until;
        if let Some(pair) = pieces.windows(2).find(|pair| meets(pair)) {
            return Err(Overlap { day: pair[1].trading_day });
        }
        table.end = end;
        table.stretches = stretches(&pieces, begin, end);
        Ok(table)
    }

    /// What the market does at an instant.
    ///
    /// # Errors
    /// The calendar is not valid then.
    pub fn at(&self, at: Timestamp) -> Result<Moment, CalendarError> {
        let Some((from, until)) = self.valid else {
            return Err(CalendarError::NoDates { mic: self.mic.clone() });
        };
        let after = self.stretches.partition_point(|stretch| stretch.from <= at);
        let now = after.checked_sub(1).and_then(|index| self.stretches.get(index));
        let Some(now) = now.filter(|_| at < self.end) else {
            return Err(CalendarError::Outside { mic: self.mic.clone(), from, until, at });
        };
        let next = self.stretches.get(after).map(|next| (next.from, next.phase));
        Ok(Moment { phase: now.phase, since: now.from, trading_day: now.trading_day, next })
    }

    /// Everything from the stretch at an instant to the end of the calendar.
    ///
    /// # Errors
    /// The calendar is not valid then.
    pub fn from(&self, at: Timestamp) -> Result<&[Stretch], CalendarError> {
        self.at(at)?;
        let after = self.stretches.partition_point(|stretch| stretch.from <= at);
        Ok(&self.stretches[after.saturating_sub(1)..])
    }

    /// The window in which orders are matched as they come that is at an instant, or the next one;
    /// `None` if none is known any more.
    ///
    /// # Errors
    /// The calendar is not valid then.
    pub fn window(&self, at: Timestamp) -> Result<Option<(Timestamp, Timestamp)>, CalendarError> {
        let rest = self.from(at)?;
        let first = rest.iter().position(|stretch| stretch.phase == Phase::Continuous);
        Ok(first.map(|first| {
            let until = rest.get(first + 1).map_or(self.end, |next| next.from);
            (rest[first].from, until)
        }))
    }

    /// All of it.
    #[must_use]
    pub fn stretches(&self) -> &[Stretch] {
        &self.stretches
    }

    /// The first instant that the calendar is no longer valid for.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        self.end
    }

    /// The venue.
    #[must_use]
    pub fn mic(&self) -> &str {
        &self.mic
    }

    /// The group.
    #[must_use]
    pub fn group(&self) -> &str {
        &self.group
    }
}

/// Fills what lies between the pieces.
fn stretches(pieces: &[Piece], begin: Timestamp, end: Timestamp) -> Vec<Stretch> {
    let mut stretches = Vec::new();
    let mut last: Option<Timestamp> = None;
    for piece in pieces {
        let trading_day = Some(piece.trading_day);
        let from = last.unwrap_or(begin);
        if from < piece.from {
            let is_short = piece.from.duration_since(from) <= LONGEST_BREAK;
            let phase = if last.is_some() && is_short { Phase::Break } else { Phase::Closed };
            stretches.push(Stretch { from, phase, trading_day });
        }
        let stretch = Stretch { from: piece.from, phase: piece.phase, trading_day };
        let is_same =
            |last: &Stretch| (last.phase, last.trading_day) == (stretch.phase, stretch.trading_day);
        if !stretches.last().is_some_and(is_same) {
            stretches.push(stretch);
        }
        last = Some(piece.until);
    }
    let from = last.unwrap_or(begin);
    if from < end {
        stretches.push(Stretch { from, phase: Phase::Closed, trading_day: None });
    }
    stretches
}

impl Calendar {
    fn is_trading_day(&self, day: Date) -> bool {
        let is_weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
        !is_weekend && !self.is_holiday(day)
    }

    /// What trades on one day, in UTC.
    fn pieces(&self, group: &Group, day: Date) -> Vec<Piece> {
        let special = self.specials.iter().find(|special| special.date == day);
        let (windows, trading_day) = match special {
            Some(special) => (&special.windows, special.trading_day),
            None if self.is_trading_day(day) => (&group.windows, day),
            None => return Vec::new(),
        };
        let eve = self.eve_of(day);
        let has_eve = eve.is_some() && windows.iter().any(|window| window.is_eve);
        let is_held = |window: &&Window| {
            if window.is_eve { eve.is_some() } else { !(window.is_without_eve && has_eve) }
        };
        let piece = |window: &Window| {
            let date = if window.is_eve { eve? } else { day };
            let (from, until) = (window.from_minutes, window.until_minutes);
            let (from, until) = (self.instant(date, from)?, self.instant(date, until)?);
            Some(Piece { from, until, phase: window.phase, trading_day })
        };
        windows.iter().filter(is_held).filter_map(piece).collect()
    }

    /// The day in whose evening the windows marked `eve` are; `None`: they are not held.
    fn eve_of(&self, day: Date) -> Option<Date> {
        let yesterday = day.yesterday().ok()?;
        if self.eve == Eve::CalendarDay {
            return Some(yesterday);
        }
        let mut date = yesterday;
        for _ in 0..LONGEST_HOLIDAY_DAYS {
            if self.is_trading_day(date) {
                return Some(date);
            }
            if self.is_holiday(date) {
                return None;
            }
            date = date.yesterday().ok()?;
        }
        None
    }

    /// Minutes after the midnight that `date` begins with, on the clocks of the venue. A time that
    /// clocks jump over is that much later, one that they show twice is the first.
    fn instant(&self, date: Date, minutes: u16) -> Option<Timestamp> {
        let (hour, minute) = (minutes / 60, minutes % 60);
        let date = date.checked_add(i64::from(hour / 24).days()).ok()?;
        let (hour, minute) = (i8::try_from(hour % 24).ok()?, i8::try_from(minute).ok()?);
        Some(date.at(hour, minute, 0, 0).to_zoned(self.zone.clone()).ok()?.timestamp())
    }
}

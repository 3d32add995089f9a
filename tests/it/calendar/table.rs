//! What each group does in every minute of two years, by asking each minute alone.
//!
//! Nothing here comes from the calendars' files or the code that lays them out: the rules are
//! written down once more, from the minute's point of view and on clocks of our own.

use super::clock::{City, Clocks, DAY, day, weekday};
use cross_market_connect::calendar::Phase;

/// First and last day of the two years.
pub fn span() -> (i64, i64) {
    (day(2026, 1, 1), day(2027, 12, 31))
}

/// One minute: what the market does, and whose trading day it is.
pub type Minute = (Phase, Option<i64>);

/// How one group trades.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Domestic commodities, with the minute at which the night session ends after 21:00.
    Night { end: i64 },
    /// Domestic index futures.
    Index,
    /// Globex.
    Globex,
    /// LMEselect.
    London,
    /// Index futures in Hong Kong.
    HongKong,
}

impl Rule {
    fn city(self) -> City {
        match self {
            Self::Night { .. } | Self::Index | Self::HongKong => City::Shanghai,
            Self::Globex => City::Chicago,
            Self::London => City::London,
        }
    }

    fn is_holiday(self, date: i64) -> bool {
        let of =
            |month, from, until| (day(2026, month, from)..=day(2026, month, until)).contains(&date);
        match self {
            Self::Night { .. } | Self::Index => {
                of(1, 1, 3)
                    || of(2, 15, 23)
                    || of(4, 4, 6)
                    || of(5, 1, 5)
                    || of(6, 19, 21)
                    || of(9, 25, 27)
                    || of(10, 1, 7)
            }
            Self::Globex => of(1, 1, 1) || of(4, 3, 3) || of(12, 25, 25),
            Self::London => {
                of(1, 1, 1)
                    || of(4, 3, 3)
                    || of(4, 6, 6)
                    || of(5, 4, 4)
                    || of(5, 25, 25)
                    || of(8, 31, 31)
                    || of(12, 25, 25)
                    || of(12, 28, 28)
            }
            Self::HongKong => {
                of(1, 1, 1)
                    || of(2, 17, 19)
                    || of(4, 3, 3)
                    || of(4, 6, 7)
                    || of(5, 1, 1)
                    || of(5, 25, 25)
                    || of(6, 19, 19)
                    || of(7, 1, 1)
                    || of(10, 1, 1)
                    || of(10, 19, 19)
                    || of(12, 25, 25)
            }
        }
    }

    fn trades(self, date: i64) -> bool {
        weekday(date) < 5 && !self.is_holiday(date)
    }

    /// The trading day that the evening of `date` belongs to, if there is an evening.
    fn evening(self, date: i64) -> Option<i64> {
        if !self.trades(date) {
            return None;
        }
        let mut next = date + 1;
        while !self.trades(next) {
            if self.is_holiday(next) {
                return None;
            }
            next += 1;
        }
        (next <= span().1).then_some(next)
    }
}

/// One date, looked at once.
#[derive(Clone, Copy, Debug)]
struct Date {
    trades: bool,
    /// See `Rule::evening`.
    evening: Option<i64>,
    /// Whether an evening before belongs to it.
    had_night: bool,
    /// Whether its afternoon is free.
    is_half: bool,
    /// Globex halts early: see `short`.
    short: Option<(i64, i64)>,
}

/// A rule over the two years.
struct Plan {
    rule: Rule,
    clocks: Clocks,
    /// From the day before the first to the day after the last.
    dates: Vec<Date>,
}

impl Plan {
    fn new(rule: Rule) -> Self {
        let (first, last) = span();
        let halves = [day(2026, 2, 16), day(2026, 12, 24), day(2026, 12, 31)];
        let date = |date: i64| Date {
            trades: rule.trades(date),
            evening: rule.evening(date),
            had_night: (1..=14).any(|back| rule.evening(date - back) == Some(date)),
            is_half: halves.contains(&date),
            short: short(date),
        };
        let dates = (first - 1..=last + 1).map(date).collect();
        Self { rule, clocks: rule.city().clocks(), dates }
    }

    fn date(&self, date: i64) -> Date {
        self.dates[usize::try_from(date - span().0 + 1).expect("within")]
    }

    /// What is matched or gathered in a minute of UTC; `None`: nothing.
    fn trading(&self, utc: i64) -> Option<(Phase, i64)> {
        let local = utc + self.clocks.ahead(utc);
        let (date, minute) = (local.div_euclid(DAY), local.rem_euclid(DAY));
        let (today, yesterday) = (self.date(date), self.date(date - 1));
        let is_in = |from: i64, until: i64| (from..until).contains(&minute);
        let continuous = |is_so: bool, of: i64| is_so.then_some((Phase::Continuous, of));
        match self.rule {
            Rule::Night { end } => {
                if let Some(of) = today.evening {
                    if is_in(1_255, 1_260) {
                        return Some((Phase::Auction, of));
                    }
                    if minute >= 1_260 && minute < end {
                        return Some((Phase::Continuous, of));
                    }
                }
                if let Some(of) = yesterday.evening
                    && minute + DAY < end
                {
                    return Some((Phase::Continuous, of));
                }
                if !today.trades {
                    return None;
                }
                if is_in(535, 540) && !today.had_night {
                    return Some((Phase::Auction, date));
                }
                continuous(is_in(540, 615) || is_in(630, 690) || is_in(810, 900), date)
            }
            Rule::Index if !today.trades => None,
            Rule::Index if is_in(565, 570) => Some((Phase::Auction, date)),
            Rule::Index => continuous(is_in(570, 690) || is_in(780, 900), date),
            Rule::London => continuous(today.trades && is_in(60, 1_140), date),
            Rule::Globex => self.globex(date, minute),
            Rule::HongKong => {
                let evening = today.evening.filter(|_| minute >= 1_035);
                let night = yesterday.evening.filter(|_| minute < 180);
                if let Some(of) = evening.or(night) {
                    return Some((Phase::Continuous, of));
                }
                let afternoon = is_in(780, 990) && !today.is_half;
                continuous(today.trades && (is_in(555, 720) || afternoon), date)
            }
        }
    }

    fn globex(&self, date: i64, minute: i64) -> Option<(Phase, i64)> {
        let session = if minute >= 1_020 { date + 1 } else { date };
        let of_session = self.date(session);
        if !of_session.trades || session > span().1 {
            return None;
        }
        let (end, of) = of_session.short.unwrap_or((960, session));
        (session > date || minute < end).then_some((Phase::Continuous, of))
    }
}

/// Days on which Globex halts early: the minute in Chicago, and whose trading day that is.
fn short(date: i64) -> Option<(i64, i64)> {
    let half_past_one = 13 * 60 + 30;
    let on = |month, of_month| date == day(2026, month, of_month);
    match () {
        () if on(1, 19) || on(2, 16) || on(5, 25) || on(9, 7) || on(11, 26) => {
            Some((half_past_one, date + 1))
        }
        // Fridays: of the Monday after.
        () if on(6, 19) || on(7, 3) => Some((720, date + 3)),
        () if on(11, 27) => Some((half_past_one + 15, date)),
        () if on(12, 24) => Some((765, date)),
        () => None,
    }
}

/// Every minute of the two years on the clocks of the venue, the first at its midnight.
pub fn minutes(rule: Rule) -> (i64, Vec<Minute>) {
    let plan = Plan::new(rule);
    let (first, last) = span();
    let midnight = |date: i64| {
        // The two years begin and end in winter.
        date * DAY - plan.clocks.ahead(date * DAY)
    };
    let (begin, end) = (midnight(first), midnight(last + 1));
    let trading: Vec<_> = (begin..end).map(|utc| plan.trading(utc)).collect();
    let mut all = vec![(Phase::Closed, None); trading.len()];
    // From the end: the day of what comes next, and how far away that is.
    let (mut next, mut gap) = (None, Vec::new());
    for (index, minute) in trading.iter().enumerate().rev() {
        match minute {
            None => {
                all[index] = (Phase::Closed, next);
                gap.push(index);
            }
            Some((phase, of)) => {
                if next.is_some() && gap.len() <= 120 {
                    gap.iter().for_each(|index| all[*index].0 = Phase::Break);
                }
                gap.clear();
                next = Some(*of);
                all[index] = (*phase, next);
            }
        }
    }
    (begin, all)
}

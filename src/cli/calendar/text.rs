//! Hours for people, in English or Chinese: instants in UTC, on the venue's clocks and in Shanghai.

use super::{Hours, Pair};
use crate::calendar::{CalendarError, Phase, Stretch, Verdict};
use crate::monitor::words::{Lang, Worded};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::io::{self, Write};

/// Days before the end of a calendar from which on that is said.
const SOON_DAYS: i64 = 30;

/// Where and in which language is written.
pub(super) struct Page<'p, W> {
    pub lang: Lang,
    pub at: Timestamp,
    pub out: &'p mut W,
}

impl<W: Write> Page<'_, W> {
    /// One of two wordings.
    fn say(&self, en: &'static str, zh: &'static str) -> &'static str {
        match self.lang {
            Lang::En => en,
            Lang::Zh => zh,
        }
    }

    /// Several groups.
    pub fn hours(mut self, all: &[Hours<'_>]) -> io::Result<()> {
        writeln!(self.out, "{} {}", self.say("AT", "时刻"), self.at)?;
        all.iter().try_for_each(|hours| self.group(hours))
    }

    /// A pair and its legs.
    pub fn pair(mut self, pair: &Pair<'_>) -> io::Result<()> {
        writeln!(self.out, "{} {} {}", pair.name, self.say("at", "于"), self.at)?;
        let guard = pair.guard.as_mins();
        match &pair.outlook {
            Err(error) => self.error(error)?,
            Ok(outlook) => {
                let word = match outlook.verdict {
                    Verdict::Open => self.say("may be opened and closed", "可开仓，可平仓"),
                    Verdict::OnlyClose => self.say(
                        "may only be closed: a leg shuts within the guard time",
                        "只可平仓：有一腿将在保护时间内收市",
                    ),
                    Verdict::Neither { .. } => self.say(
                        "cannot be left now: a leg does not trade",
                        "现在无法了结：有一腿不在交易",
                    ),
                };
                writeln!(self.out, "  {word}")?;
                if let Verdict::Neither { leg } = outlook.verdict {
                    writeln!(
                        self.out,
                        "  {} {}",
                        self.say("shut:", "未交易："),
                        pair.legs[leg].title
                    )?;
                }
                if let (Some(first), Some(last)) = (outlook.closes_first, outlook.last_opening) {
                    let shuts = self.say("shuts first", "先收市");
                    writeln!(self.out, "  {} {shuts}: {}", pair.legs[first.leg].title, first.at)?;
                    let until = self.say("opened until", "可开仓至");
                    let minutes = self.say("minutes of guard time", "分钟保护时间");
                    writeln!(self.out, "  {until}: {last} ({guard} {minutes})")?;
                }
            }
        }
        pair.legs.iter().try_for_each(|leg| self.group(leg))
    }

    fn group(&mut self, hours: &Hours<'_>) -> io::Result<()> {
        let calendar = &hours.kept.calendar;
        let name = self.say_either(&calendar.name, &calendar.name_zh);
        writeln!(self.out, "\n{} {}: {name}", calendar.mic, hours.title)?;
        match &hours.changes {
            Err(error) => self.error(error)?,
            Ok(stretches) => {
                for stretch in *stretches {
                    self.stretch(stretch, &calendar.zone)?;
                }
            }
        }
        if let Some((from, until)) = calendar.valid {
            let valid = self.say("valid", "有效期");
            write!(self.out, "  {valid}: {from} .. {until}")?;
            match calendar.days_left(self.at) {
                Some(left) if left < SOON_DAYS => {
                    let end = self.say("days left: bring it up to date", "天后到期：请更新");
                    writeln!(self.out, ", {left} {end}")?;
                }
                _ => writeln!(self.out)?,
            }
        }
        let unproven = self.say("unproven", "未证实");
        let texts = calendar.unproven.iter();
        texts.into_iter().try_for_each(|text| writeln!(self.out, "  {unproven}: {text}"))
    }

    fn say_either<'t>(&self, en: &'t str, zh: &'t str) -> &'t str {
        match self.lang {
            Lang::En => en,
            Lang::Zh => zh,
        }
    }

    fn stretch(&mut self, stretch: &Stretch, zone: &TimeZone) -> io::Result<()> {
        // By its city: Shanghai and Chicago both call their time CST.
        let city = zone.iana_name().and_then(|name| name.rsplit('/').next()).unwrap_or("");
        let day_and_time = stretch.from.to_zoned(zone.clone()).strftime("%a %m-%d %H:%M");
        let local = format!("{day_and_time} {}", city.replace('_', " "));
        let word = stretch.phase.word_in(self.lang);
        let day = stretch.trading_day.map_or_else(|| "-".to_owned(), |day| day.to_string());
        let trading_day = self.say("trading day", "交易日");
        let utc = stretch.from.strftime("%Y-%m-%dT%H:%MZ");
        // Last what has another width in Chinese.
        writeln!(self.out, "  {utc}  {local:<25}  {trading_day} {day:<10}  {word}")
    }

    fn error(&mut self, error: &CalendarError) -> io::Result<()> {
        let refused = self.say("refused", "拒绝");
        writeln!(self.out, "  {refused}: {error}")
    }
}

impl Worded for Phase {
    fn both(self) -> [&'static str; 2] {
        match self {
            Self::Closed => ["closed", "休市"],
            Self::Auction => ["auction", "集合竞价"],
            Self::Continuous => ["continuous", "连续交易"],
            Self::Break => ["break", "小节休息"],
        }
    }
}

//! A calendar's file: TOML becomes one checked calendar, or every reason why not.

use super::{Calendar, Closure, Eve, Group, Phase, Special, Timetable, Window};
use crate::config::error::{Problem, Report, Rule};
use crate::config::section::{Document, Section, Shape, Written};
use crate::config::value::{Complaint, boolean, line, name, text_of, word, wrong_type};
use crate::config::{self, Invalid, Sources};
use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use std::path::Path;
use toml::de::DeValue;

const SHAPE: Shape = Shape { single: &["calendar"], repeated: &["closed", "special", "group"] };

const PHASES: &[(&str, Phase)] = &[("auction", Phase::Auction), ("continuous", Phase::Continuous)];
const EVES: &[(&str, Eve)] =
    &[("trading_day", Eve::TradingDay), ("calendar_day", Eve::CalendarDay)];

/// Days that a calendar may be valid for: nobody publishes more.
const MOST_DAYS: i32 = 5 * 366;
/// The end of the day after: no window is longer.
const MOST_MINUTES: u16 = 48 * 60;

/// Reads and checks a calendar.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load(path: &Path) -> Result<Calendar, Invalid> {
    let report = Report::default();
    let sources = Sources::read(path, &report);
    check(sources, report)
}

/// Like `load`, with `text` instead of the contents of `path`.
///
/// # Errors
/// Everything that is wrong with it.
pub fn of_text(path: &Path, text: &str) -> Result<Calendar, Invalid> {
    let report = Report::default();
    let sources = Sources::of_text(path, text.to_owned(), &report);
    check(sources, report)
}

fn check(sources: Sources, report: Report) -> Result<Calendar, Invalid> {
    config::checked(sources, report, SHAPE, calendar).map(|(calendar, _)| calendar)
}

fn calendar(mut document: Document<'_>, report: &Report) -> Option<Calendar> {
    let Some(head) = document.take_single("calendar") else {
        config::missing_section(report, "[calendar]");
        return None;
    };
    let closures: Vec<_> = document.take_repeated("closed").into_iter().map(closure).collect();
    let specials: Vec<_> = document.take_repeated("special").into_iter().map(special).collect();
    let (groups, places): (Vec<_>, Vec<_>) = document
        .take_repeated("group")
        .into_iter()
        .map(|section| {
            let place = section.place().clone();
            (group(section), place)
        })
        .unzip();
    if groups.is_empty() {
        config::missing_section(report, "[[group]]");
    }
    let calendar = Calendar {
        mic: head.required("mic", line(4)).value,
        name: head.required("name", line(80)).value,
        name_zh: head.required("name_zh", line(80)).value,
        zone: head.required("time_zone", zone).value.unwrap_or(TimeZone::UTC),
        valid: valid(&head),
        sources: texts(&head, "sources"),
        unproven: texts(&head, "unproven"),
        eve: head.required("eve", word(EVES)).value,
        groups: groups.into_iter().collect::<Option<_>>()?,
        closures: closures.into_iter().collect::<Option<_>>()?,
        specials: specials.into_iter().collect::<Option<_>>()?,
    };
    let calendar = head.finish(calendar)?;
    for (group, place) in calendar.groups.iter().zip(places) {
        if let Err(overlap) = Timetable::new(&calendar, group) {
            let message = format!("windows of group {:?} meet on {}", group.name, overlap.day);
            report.add(Problem::new(Rule::CalendarOverlap, message, place, "this group"));
        }
    }
    Some(calendar)
}

/// First and last day; both are written, or neither.
fn valid(head: &Section<'_>) -> Option<(Date, Date)> {
    if !head.has("valid_from") && !head.has("valid_until") {
        return head.absent("valid_from").or(head.absent("valid_until"));
    }
    days(head, "valid_from", "valid_until")
}

/// A stretch of days; what is wrong with it is reported.
fn days(section: &Section<'_>, first: &'static str, last: &'static str) -> Option<(Date, Date)> {
    let (from, until) = (section.required(first, date), section.required(last, date));
    let (first_day, last_day) = (from.value?, until.value?);
    let count = first_day.until(last_day).map_or(i32::MAX, |span| span.get_days());
    if (0..=MOST_DAYS).contains(&count) {
        return Some((first_day, last_day));
    }
    let message = format!(
        "{first_day} to {last_day} of {} is no stretch of 1 to {MOST_DAYS} days",
        section.title()
    );
    let problem = Problem::new(Rule::CalendarDate, message, until.place, "the last day");
    section.fail(problem.also(&from.place, "the first day"));
    None
}

fn texts(section: &Section<'_>, key: &'static str) -> Vec<String> {
    section.list(key, line(400)).into_iter().map(|text| text.value).collect()
}

fn closure(section: Section<'_>) -> Option<Closure> {
    named(&section);
    let days = days(&section, "from", "until");
    let (from, until) = section.finish(days)??;
    Some(Closure { from, until })
}

/// What people call it; they read the file.
fn named(section: &Section<'_>) {
    section.required("name", line(80));
    section.required("name_zh", line(80));
}

fn special(section: Section<'_>) -> Option<Special> {
    named(&section);
    let day = section.required("date", date).value;
    let trading_day = section.optional("trading_day", date).map_or(day, |written| written.value);
    let windows = windows(&section);
    let (date, trading_day, windows) = section.finish((day, trading_day, windows))?;
    Some(Special { date: date?, trading_day: trading_day?, windows: windows? })
}

fn group(section: Section<'_>) -> Option<Group> {
    let name = section.required("name", name).value;
    let products = section.list("products", line(16)).into_iter().map(|text| text.value).collect();
    let windows = windows(&section);
    let (name, products, windows) = section.finish((name, products, windows))?;
    Some(Group { name, products, windows: windows? })
}

fn windows(section: &Section<'_>) -> Option<Vec<Window>> {
    section.tables("window").into_iter().map(window).collect()
}

fn window(section: Section<'_>) -> Option<Window> {
    let flag = |key| section.optional(key, boolean).is_some_and(|flag| flag.value);
    let (is_eve, is_without_eve) = (flag("eve"), flag("without_eve"));
    let phase = section.required("phase", word(PHASES)).value;
    let from: Written<u16> = section.required("from", minutes);
    let until: Written<u16> = section.required("until", minutes);
    if from.value >= until.value && !section.is_broken() {
        let message = format!("a window of {} ends before it begins", section.title());
        let problem = Problem::new(Rule::CalendarTime, message, until.place.clone(), "its end");
        let help = "hours of the night after go on counting: 25:00 is one o'clock";
        section.fail(problem.also(&from.place, "its beginning").help(help));
    }
    let (from_minutes, until_minutes) = (from.value, until.value);
    section.finish(Window { phase, is_eve, is_without_eve, from_minutes, until_minutes })
}

/// A day: `2026-01-01`.
pub(crate) fn date(value: &DeValue<'_>) -> Result<Option<Date>, Complaint> {
    let DeValue::Datetime(written) = value else {
        return Err(wrong_type(value, "a day without quotes: 2026-01-31"));
    };
    let text = written.to_string();
    let is_day = written.time.is_none() && written.offset.is_none();
    text.parse().ok().filter(|_| is_day).map(Some).ok_or_else(|| {
        Complaint::new(Rule::CalendarDate, format!("is {text}, which is no day"), "not a day")
    })
}

/// Hours and minutes, to the end of the day after: `09:00`, `25:30`.
pub(crate) fn minutes(value: &DeValue<'_>) -> Result<u16, Complaint> {
    let text = text_of(value)?;
    let two = |part: &str| {
        let is_two = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse::<u16>().ok().filter(|_| is_two)
    };
    let parts = text.split_once(':').and_then(|(hour, minute)| Some((two(hour)?, two(minute)?)));
    let minutes = parts.filter(|(_, minute)| *minute < 60).map(|(hour, minute)| hour * 60 + minute);
    minutes.filter(|minutes| *minutes <= MOST_MINUTES).ok_or_else(|| {
        let message = format!("is {text:?}, and must be from 00:00 to 48:00");
        Complaint::new(Rule::CalendarTime, message, "not hours and minutes")
    })
}

/// A name of the time zone database that is part of this program.
pub(crate) fn zone(value: &DeValue<'_>) -> Result<Option<TimeZone>, Complaint> {
    let text = text_of(value)?;
    TimeZoneDatabase::bundled().get(text).map(Some).map_err(|_| {
        let message = format!("is {text:?}, which the time zone database does not know");
        Complaint::new(Rule::CalendarTime, message, "not a time zone")
            .help("names are those of IANA: Asia/Shanghai, America/Chicago, Europe/London")
    })
}

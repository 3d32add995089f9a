//! `[[pool]]` and `[[route]]`: money outside of accounts, and how it gets to where it is needed.

use super::super::Report;
use super::super::error::{Problem, Rule};
use super::super::names::Names;
use super::super::section::{Section, Written};
use super::super::value::{line, name, whole};
use super::read::{currency_of, decimal, money, origin};
use super::{Holder, Pool, Route};
use crate::calendar::{date, minutes, zone};
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

/// Who has money, by name.
pub(super) struct Holders {
    accounts: Names,
    pools: Names,
}

impl Holders {
    pub(super) fn gather(accounts: &[Section<'_>], pools: &[Section<'_>], report: &Report) -> Self {
        let (accounts, pools) =
            (Names::gather("account", accounts, report), Names::gather("pool", pools, report));
        for (index, name) in pools.positions().filter(|(_, name)| !name.is_empty()) {
            let place = pools.places().find(|(of, _)| *of == index).map(|(_, place)| place);
            if let (Some(_), Some(place)) = (accounts.position(name), place) {
                let message = format!("an account and a pool are both called \"{name}\"");
                report.add(Problem::new(Rule::NameTwice, message, place.clone(), "again here"));
            }
        }
        Self { accounts, pools }
    }

    fn find(&self, section: &Section<'_>, key: &'static str) -> Written<Holder> {
        let wanted = section.required(key, name);
        let account = self.accounts.position(&wanted.value).map(Holder::Account);
        let found = account.or(self.pools.position(&wanted.value).map(Holder::Pool));
        if found.is_none() && !wanted.value.is_empty() {
            let known: Vec<_> = self.accounts.iter().chain(self.pools.iter()).collect();
            let message = format!(
                "`{key}` of {} is \"{}\", which is no account and no pool",
                section.title(),
                wanted.value
            );
            let place = wanted.place.clone();
            let problem = Problem::new(Rule::UnknownReference, message, place, "unknown");
            section.fail(problem.help(format!("known are: {}", known.join(", "))));
        }
        Written { value: found.unwrap_or_default(), place: wanted.place }
    }
}

pub(super) fn pool(section: Section<'_>, known: &[&str]) -> Option<Pool> {
    let pool = Pool {
        name: section.required("name", name).value,
        currency: currency_of(&section, known),
        keep: section.required("keep", money).value,
        origin: origin(&section),
    };
    section.finish(pool)
}

pub(super) fn route(section: Section<'_>, holders: &Holders) -> Option<Route> {
    let (from, to) = (holders.find(&section, "from"), holders.find(&section, "to"));
    let (opens, cut_off) =
        (section.required("opens", minutes), section.required("cut_off", minutes));
    let day_end = 24 * 60;
    if !section.is_broken() {
        if from.value == to.value {
            let message = format!("{} leads to where it comes from", section.title());
            section.fail(Problem::new(Rule::Route, message, to.place, "the same"));
        }
        if opens.value >= cut_off.value || cut_off.value >= day_end {
            let message = format!("{} is open for no part of a day", section.title());
            let place = cut_off.place.clone();
            let problem = Problem::new(Rule::Route, message, place, "not after it, or past 23:59");
            section.fail(problem.also(&opens.place, "opens here"));
        }
    }
    let holidays = match section.has("holidays") {
        true => section.list("holidays", date).into_iter().filter_map(|day| day.value).collect(),
        false => section.absent::<Vec<Date>>("holidays").unwrap_or_default(),
    };
    let route = Route {
        name: section.required("name", name).value,
        from: from.value,
        to: to.value,
        limit: section.required("limit", decimal("1", "1000000000000")).value,
        fee: section.required("fee", decimal("0", "100000")).value,
        cost_fraction: section.required("cost_fraction", decimal("0", "0.05")).value,
        opens: clock(opens.value),
        cut_off: clock(cut_off.value),
        zone: section.required("time_zone", zone).value.unwrap_or(TimeZone::UTC),
        holidays,
        takes_minutes: section.required("takes_minutes", whole(1..=43_200)).value,
        approver: section.required("approver", line(80)).value,
        origin: origin(&section),
    };
    section.finish(route)
}

/// Minutes of a day as a time; those past its end were refused.
fn clock(minutes: u16) -> Time {
    let (hour, minute) = (minutes / 60 % 24, minutes % 60);
    let small = |number: u16| i8::try_from(number).unwrap_or_default();
    Time::new(small(hour), small(minute), 0, 0).unwrap_or(Time::midnight())
}

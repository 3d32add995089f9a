//! The same for pipes and logs: one line per event, and one line of standing per second.
//!
//! Lines have no colours and no borders, and are whole: nothing is cut. Who prints them, and when,
//! is the caller's business.

use super::number;
use super::ruling;
use super::setting::Setting;
use super::tally::Tally;
use super::view::View;
use super::words::{Label, Lang, Worded};
use xmc_hotpath::message::{
    Alert, Command, Decision, Detail, Ending, Event, Follow, Gate, Internal, Obstacle,
    PositionEffect, Repair, RepairWay, SpreadIndex, StateChange, StreamId, Way,
};
use xmc_hotpath::record::frame::Body;
use xmc_hotpath::time::Span;

/// Cells of the time, of the name behind it, and of what happened.
const TIME: usize = 10;
const NAME: usize = 12;

/// Writes lines of a record.
#[derive(Clone, Copy, Debug)]
pub struct Plain {
    lang: Lang,
    fills: u64,
}

impl Plain {
    /// Lines in a language.
    #[must_use]
    pub fn new(lang: Lang) -> Self {
        Self { lang, fills: 0 }
    }

    /// The line of an entry that `tally` has just taken, if a person wants to know of it.
    pub fn event(&mut self, tally: &Tally, body: &Body) -> Option<String> {
        let setting = tally.setting();
        let (name, text) = match body {
            Body::Input(input) => match input.as_input().event {
                Event::Order(_) => self.fill(tally)?,
                Event::Channel(update) => self.stream(setting, update.stream, update.state),
                Event::Session(update) => self.stream(setting, update.stream, update.state),
                Event::Command(command) => self.command(setting, &command),
                _ => return None,
            },
            Body::Detail(detail) => self.detail(tally, detail),
            Body::Order(_) | Body::Start(_) => return None,
        };
        Some(self.line(tally.now().0, &name, &text))
    }

    /// So many lines were not written, because those before them were not read.
    #[must_use]
    pub fn left_out(&self, lines: u64) -> String {
        match self.lang {
            Lang::En => format!("({lines} lines left out: nobody read what was before them)"),
            Lang::Zh => format!("(略去 {lines} 行: 此前的输出无人读取)"),
        }
    }

    /// One line of how things stand.
    #[must_use]
    pub fn status(&self, view: &View) -> String {
        let totals = &view.totals;
        let mut parts = vec![self.word(view.state).to_owned()];
        for (pair, setting) in view.pairs.iter().zip(&view.setting.spreads) {
            let units = number::signed(pair.position_units);
            let total = pair.profit.total_e9.map_or("-".to_owned(), |e9| number::signed_e9(e9, 2));
            parts.push(format!("{} {units} {total} {}", setting.name, setting.currency));
        }
        for (label, count) in [
            (Label::Fires, totals.fires),
            (Label::RoundTrips, totals.round_trips),
            (Label::Orders, totals.orders),
            (Label::Fills, totals.fills),
            (Label::Rejects, totals.rejects),
            (Label::Refused, totals.refusals),
        ] {
            parts.push(format!("{} {}", self.word(label), number::count(count)));
        }
        if let Some(figures) = view.latency {
            let [p50, p99] = [figures.p50, figures.p99].map(|ns| number::span(Span(ns)));
            parts.push(format!("{} p50 {p50} p99 {p99}", self.word(Label::TickToOrder)));
        }
        self.line(view.running.0, "=", &parts.join(", "))
    }

    /// The line of something that is wrong with a witness.
    #[must_use]
    pub fn witness(&self, running: Span, text: &str) -> String {
        self.line(running.0, self.word(Label::Witness), text)
    }

    /// The line of a book that the venue shows differently.
    #[must_use]
    pub fn audit(&self, running: Span, text: &str) -> String {
        self.line(running.0, self.word(Label::Audit), text)
    }

    /// The line of what is new about the money that orders use.
    #[must_use]
    pub fn capital(&self, running: Span, text: &str) -> String {
        self.line(running.0, self.word(Label::Capital), text)
    }

    /// Its language.
    #[must_use]
    pub fn lang(&self) -> Lang {
        self.lang
    }

    fn word(&self, worded: impl Worded) -> &'static str {
        worded.word_in(self.lang)
    }

    fn line(&self, ns: u64, name: &str, text: &str) -> String {
        let (seconds, ms) = (ns / 1_000_000_000, ns / 1_000_000 % 1_000);
        let time = format!("{seconds}.{ms:03}");
        let pad = " ".repeat(NAME.saturating_sub(super::terminal::width(name)));
        format!("{time:>TIME$}  {name}{pad}  {}", text.trim_end())
    }

    fn stream(&self, setting: &Setting, stream: StreamId, state: impl Worded) -> (String, String) {
        let mut streams = setting.feeds.iter().chain(&setting.gateways);
        let name = streams.find(|row| row.stream == stream).map(|row| row.name.clone());
        let is_feed = setting.feeds.iter().any(|row| row.stream == stream);
        let what = if is_feed { Label::Feeds } else { Label::Sessions };
        let text = format!("{} {}", self.word(what), self.word(state));
        (name.unwrap_or_else(|| format!("#{}", stream.0)), text)
    }

    /// Who has ordered what: people, or the engine itself.
    fn command(&self, setting: &Setting, command: &Command) -> (String, String) {
        let what = self.word(command.kind);
        let by = match command.operator {
            0 => self.word(Label::Engine).to_owned(),
            operator => format!("{} {operator}", self.word(Label::Operator)),
        };
        (spread_name(setting, command.scope.spread()), format!("{what} ({by})"))
    }

    /// The fill that the tally has just booked; `None` if the news was something else.
    fn fill(&mut self, tally: &Tally) -> Option<(String, String)> {
        let fills = tally.totals().fills;
        if fills == std::mem::replace(&mut self.fills, fills) {
            return None;
        }
        let fill = tally.fills().next()?;
        let setting = tally.setting();
        let instrument = setting.instruments.get(fill.instrument.0 as usize)?;
        let mut side = self.word(fill.side).to_owned();
        if fill.effect != PositionEffect::Net {
            let between = if self.lang == Lang::En { " " } else { "" };
            side = format!("{side}{between}{}", self.word(fill.effect));
        }
        let price = instrument.price(fill.price_e9);
        let lots = number::count(fill.lots.into());
        let what = self.word(Label::Fills);
        let text = format!("{what} {} {side} {lots} @ {price}", instrument.name);
        Some((spread_name(setting, fill.spread), text))
    }

    fn detail(&self, tally: &Tally, detail: &Detail) -> (String, String) {
        let setting = tally.setting();
        match detail {
            Detail::Decision(decision) => {
                (spread_name(setting, decision.spread), self.decision(setting, decision))
            }
            Detail::Alert(alert) => {
                (spread_name(setting, alert.spread), self.alert(setting, alert))
            }
            Detail::State(change) => (spread_name(setting, change.spread), self.state(change)),
            Detail::Ending(ending) => {
                (spread_name(setting, ending.spread), self.ending(tally, ending))
            }
            Detail::Repair(repair) => (spread_name(setting, repair.spread), self.repair(repair)),
            Detail::Follow(follow) => (spread_name(setting, follow.spread), self.follow(follow)),
            Detail::Internal(internal) => {
                (spread_name(setting, internal.buy.spread), self.internal(setting, internal))
            }
            Detail::Ruling(told) => {
                let text = ruling::of_setting(setting, told, self.lang);
                (spread_name(setting, told.spread), text)
            }
        }
    }

    fn decision(&self, setting: &Setting, decision: &Decision) -> String {
        let digits = setting.spreads.get(decision.spread.0 as usize).map_or(4, |row| row.digits);
        let value = number::e9(decision.value_e9.into(), digits);
        let level = match decision.level_e9 {
            // Met by whatever it is worth.
            i64::MIN | i64::MAX => self.word(Label::Any).to_owned(),
            level_e9 => number::e9(level_e9.into(), digits),
        };
        let what = format!(
            "{} {} {} @ {value} ({level})",
            self.word(decision.intent),
            decision.units,
            self.word(Label::Units)
        );
        if decision.gate == Gate::Passed {
            return format!("{} {what}", self.word(Label::Fired));
        }
        let seen = super::gate::seen_and_limit(setting, decision, self.lang);
        format!("{} {what}: {} {seen}", self.word(Label::Refused), self.word(decision.gate))
    }

    fn alert(&self, setting: &Setting, alert: &Alert) -> String {
        let mut text = format!("{} {}", self.word(Label::Alerts), self.word(alert.kind));
        let mut streams = setting.feeds.iter().chain(&setting.gateways);
        if let Some(stream) = streams.find(|row| row.stream == alert.stream) {
            text += &format!(" {}", stream.name);
        }
        if alert.value != 0 {
            text += &format!(" ({})", number::figure(alert.value));
        }
        text
    }

    fn state(&self, change: &StateChange) -> String {
        format!("{} -> {}", self.word(change.from), self.word(change.to))
    }

    /// `completed (1): completed 12.50, traded back 30.00`
    fn repair(&self, repair: &Repair) -> String {
        let way = |way: RepairWay, of: &Way| {
            let cost = match (of.cost_e9, of.obstacle) {
                (i64::MAX, obstacle) => self.word(obstacle).to_owned(),
                (cost_e9, Obstacle::Nothing) => number::e9(cost_e9.into(), 2),
                (cost_e9, obstacle) => {
                    format!("{} ({})", number::e9(cost_e9.into(), 2), self.word(obstacle))
                }
            };
            format!("{} {cost}", self.word(way))
        };
        format!(
            "{} ({}): {}, {}",
            self.word(repair.way),
            repair.attempt,
            way(RepairWay::Complete, &repair.complete),
            way(RepairWay::Unwind, &repair.unwind)
        )
    }

    /// `followed 2 units (leg 1: 4)`, and what holds them back
    fn follow(&self, follow: &Follow) -> String {
        let (step, units) = (self.word(follow.step), self.word(Label::Units));
        let held_by = match follow.obstacle {
            Obstacle::Nothing => String::new(),
            Obstacle::Gate => format!(": {}", self.word(follow.gate)),
            other => format!(": {}", self.word(other)),
        };
        let (lead, lots) = (follow.lead, follow.lead_lots);
        format!(
            "{step} {} {units} ({} {lead}: {lots}){held_by}",
            follow.units,
            self.word(Label::Leg)
        )
    }

    /// `met inside HGU6 3 @ 5.0000 <- calendar`
    fn internal(&self, setting: &Setting, internal: &Internal) -> String {
        let what = self.word(Label::MetInside);
        let seller = spread_name(setting, internal.sell.spread);
        let row = setting.instruments.get(internal.instrument.0 as usize);
        let lots = number::count(internal.lots.into());
        match row {
            Some(row) => {
                let price = row.price(internal.price_e9);
                format!("{what} {} {lots} @ {price} <- {seller}", row.name)
            }
            None => format!("{what} {lots} <- {seller}"),
        }
    }

    fn ending(&self, tally: &Tally, ending: &Ending) -> String {
        let what = if ending.is_aligned { Label::Ended } else { Label::Broken };
        let trips = tally.spreads().get(ending.spread.0 as usize).map_or(0, |row| row.round_trips);
        format!(
            "{} {} {}/{} {}, {}, {} {}",
            self.word(what),
            self.word(ending.intent),
            ending.done_units,
            ending.units,
            self.word(Label::Units),
            number::span(ending.took),
            self.word(Label::RoundTrips),
            number::count(trips)
        )
    }
}

fn spread_name(setting: &Setting, spread: SpreadIndex) -> String {
    if spread == SpreadIndex::ALL {
        return "*".to_owned();
    }
    let known = setting.spreads.get(spread.0 as usize);
    known.map_or_else(|| format!("#{}", spread.0), |row| row.name.clone())
}

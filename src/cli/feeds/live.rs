//! `xmc feeds --config FILE`: the feeds of a configuration as they come, without an engine.
//!
//! Joins the lines on sockets of its own, recovers books as the cold side of an engine does and
//! compares them with the venue's snapshots. It trades nothing and asks an engine nothing, so it
//! runs beside one; what it shows is what this host receives, not what the engine's sockets do.
//! Sockets are looked at every 0.4 ms, so which line was first is not told here: `xmc run` and
//! captures tell that.

use super::day;
use super::journal::show_signed;
use crate::calendar::{Phase, Shelf, instant};
use crate::cli::plan::table::Align::{Left, Right};
use crate::cli::plan::table::Table;
use crate::cli::report::Utc;
use crate::cli::{CliError, Exit, Report};
use crate::clock::EngineClock;
use crate::config::{self, Configuration, Instrument};
use crate::engine::counters::Counters;
use crate::engine::recovering;
use crate::interrupt;
use crate::monitor::number;
use crate::monitor::view::{VenueClock, venue_clock};
use crate::recovery::replica::sockets::Served;
use jiff::Timestamp;
use ratatui::crossterm::{cursor, execute, terminal};
use serde_json::{Value, json};
use std::io::{self, IsTerminal, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};
use xmc_hotpath::message::ChannelState;
use xmc_hotpath::port::Line;
use xmc_hotpath::time::{Clock, MonoNs, Span, UnixNs};

/// What is shown, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Between two pictures.
    pub every: Duration,
    /// When it ends; `None`: when it is told to.
    pub until: Option<Duration>,
}

/// Follows the feeds of the configuration at `path`.
///
/// # Errors
/// `Configuration` if the file is wrong, `Usage` if it has no feed that can be followed, `Output`
/// if the report cannot be written.
pub fn run(path: &Path, wanted: Wanted, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let config = config::load(path)?;
    let shelf = Shelf::shipped().map_err(CliError::Configuration)?;
    let clock = EngineClock::start();
    let counters = Counters::new(&config);
    let scale = clock.utc();
    counters.origin.utc_origin.set(scale.utc.0.wrapping_sub(scale.at.0));
    let mut watcher = Watcher {
        config: &config,
        counters: &counters,
        shelf: &shelf,
        feeds: Vec::new(),
        is_terminal: io::stdout().is_terminal() && !out.is_json(),
    };
    interrupt::watch();
    let began = Instant::now();
    let (mut next, mut ended) = (wanted.every, Ok(()));
    let mut is_any = false;
    recovering::watch(&config, &counters, &clock, |served| {
        is_any |= !served.is_empty();
        let elapsed = began.elapsed();
        let is_over = wanted.until.is_some_and(|until| elapsed >= until) || interrupt::is_asked();
        if elapsed >= next || is_over || served.is_empty() {
            next = elapsed + wanted.every;
            watcher.take(served, clock.now());
            ended = watcher.show(clock.utc().utc, out);
        }
        let goes_on = !is_over && ended.is_ok() && !served.is_empty();
        if goes_on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    ended?;
    if !is_any {
        return Err(CliError::usage(format!(
            "{}: no feed of it can be followed: it needs join = \"recover\" and an interface on \
             its lines",
            path.display()
        )));
    }
    let is_sound = watcher.feeds.iter().all(Followed::is_sound);
    Ok(if is_sound { Exit::Ok } else { Exit::Finding })
}

/// One line of a feed so far.
#[derive(Clone, Copy, Debug, Default)]
struct LineFigures {
    packets: u64,
    per_second: u64,
    missing: u64,
    reordered: u64,
}

/// One feed at a moment.
#[derive(Clone, Debug)]
struct Followed {
    /// Its place in the configuration.
    index: usize,
    state: ChannelState,
    since: MonoNs,
    now: MonoNs,
    lines: [LineFigures; 2],
    /// Packets that one line lost and the other had.
    saved: u64,
    gaps: u64,
    missing: u64,
    divergent: u64,
    recovered: u64,
    /// Instruments of the configuration with books that can be believed, of how many.
    sound: (usize, usize),
    audited: u64,
    differences: u64,
    clock: Option<VenueClock>,
    days: Vec<day::Known>,
    problem: Option<String>,
}

impl Followed {
    fn is_sound(&self) -> bool {
        let is_whole = self.missing == 0 && self.divergent == 0 && self.differences == 0;
        self.state.is_usable() && is_whole && self.sound.0 == self.sound.1
    }
}

struct Watcher<'c> {
    config: &'c Configuration,
    counters: &'c Counters,
    shelf: &'c Shelf,
    feeds: Vec<Followed>,
    is_terminal: bool,
}

impl Watcher<'_> {
    /// Takes the counters of all feeds; rates are those since the last time.
    fn take(&mut self, served: &[Served<'_>], now: MonoNs) {
        let before = std::mem::take(&mut self.feeds);
        for one in served {
            let is_it = |feed: &config::Feed| feed.stream_id.value == one.feed().stream_id.value;
            let Some(index) = self.config.feeds.iter().position(is_it) else { continue };
            let last = before.iter().find(|last| last.index == index);
            self.feeds.push(self.followed(one, index, last, now));
        }
    }

    fn followed(
        &self,
        served: &Served<'_>,
        index: usize,
        last: Option<&Followed>,
        now: MonoNs,
    ) -> Followed {
        let replica = &self.counters.replicas[index];
        let feed = &replica.feed;
        let state = served.channel().state();
        let line = |side: usize| {
            let of = feed.line(Line::BOTH[side]);
            let packets = of.packets.get();
            let before = last.map_or(0, |last| last.lines[side].packets);
            let spent = now.since(last.map_or(MonoNs(0), |last| last.now));
            LineFigures {
                packets,
                per_second: last.map_or(0, |_| rate(packets - before, spent)),
                missing: of.missing.get(),
                reordered: of.reordered.get(),
            }
        };
        let lines = [0, 1].map(line);
        let lost: u64 = lines.iter().map(|line| line.missing).sum();
        let missing = feed.missing.get();
        let rows = || served.channel().books().iter().filter(|row| row.index().is_some());
        Followed {
            index,
            state,
            since: last.filter(|last| last.state == state).map_or(now, |last| last.since),
            now,
            lines,
            saved: lost.saturating_sub(2 * missing),
            gaps: feed.gaps.get(),
            missing,
            divergent: feed.divergent.get(),
            recovered: replica.recovered.get(),
            sound: (rows().filter(|row| !row.is_damaged()).count(), self.traded(index).count()),
            audited: replica.audit.books.get(),
            differences: replica.audit.differences.get(),
            days: day::of(served.channel(), |row| {
                self.config.instruments.get(row).map(|of| of.name.value.clone())
            }),
            clock: venue_clock(&replica.clock, self.counters.origin.utc_origin.get()),
            problem: served.problem().map(ToString::to_string).filter(|_| !state.is_usable()),
        }
    }

    fn traded(&self, feed: usize) -> impl Iterator<Item = &Instrument> {
        self.config.instruments.iter().filter(move |instrument| instrument.feed == feed)
    }

    fn show(&self, utc: UnixNs, out: &mut Report<'_>) -> io::Result<()> {
        if out.is_json() {
            let feeds: Vec<_> = self.feeds.iter().map(|feed| self.as_json(feed, utc)).collect();
            let body = json!({ "at": Utc(utc.0).to_string(), "feeds": feeds });
            out.json("xmc.feeds.live", 1, &body)?;
        } else {
            if self.is_terminal {
                execute!(out, cursor::MoveTo(0, 0), terminal::Clear(terminal::ClearType::All))?;
            }
            self.text(utc, out)?;
        }
        out.flush()
    }

    fn text(&self, utc: UnixNs, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "{}", Utc(utc.0))?;
        let columns = [
            ("feed", Left),
            ("state", Left),
            ("for", Right),
            ("line", Left),
            ("packets", Right),
            ("per s", Right),
            ("lost", Right),
            ("out of order", Right),
        ];
        let mut table = Table::new("LINES", &columns);
        for feed in &self.feeds {
            for (line, of) in Line::BOTH.into_iter().zip(&feed.lines) {
                let is_first = line == Line::A;
                let once = |text: String| if is_first { text } else { String::new() };
                table.row([
                    once(self.name(feed)),
                    once(feed.state.word().to_owned()),
                    once(number::span(feed.now.since(feed.since))),
                    line.letter().to_string(),
                    number::count(of.packets),
                    number::count(of.per_second),
                    number::count(of.missing),
                    number::count(of.reordered),
                ]);
            }
        }
        table.write(out)?;
        let columns = [
            ("feed", Left),
            ("books", Right),
            ("saved", Right),
            ("lost by both", Right),
            ("copies differ", Right),
            ("recovered", Right),
            ("audited", Right),
            ("differ", Right),
            ("late", Right),
            ("market", Left),
        ];
        let mut table = Table::new("BOOKS", &columns);
        for feed in &self.feeds {
            table.row([
                self.name(feed),
                format!("{} / {}", feed.sound.0, feed.sound.1),
                number::count(feed.saved),
                number::count(feed.missing),
                number::count(feed.divergent),
                number::count(feed.recovered),
                number::count(feed.audited),
                number::count(feed.differences),
                feed.clock.map_or_else(|| "-".to_owned(), |clock| show_signed(clock.offset_ns)),
                self.market(feed, utc),
            ]);
            if let Some(clock) = feed.clock.filter(|clock| clock.steps > 0) {
                let (steps, last) = (clock.steps, show_signed(clock.last_step_ns));
                table.note(format!("the venue's clock was set {steps} times, last by {last}"));
            }
            if let Some(problem) = &feed.problem {
                table.note(problem.clone());
            }
            for difference in self.counters.replicas[feed.index].audit.last().iter().rev().take(3) {
                table.note(difference.to_string());
            }
        }
        table.write(out)?;
        let days: Vec<_> = self.feeds.iter().flat_map(|feed| feed.days.clone()).collect();
        day::write(&days, out)
    }

    fn name(&self, feed: &Followed) -> String {
        self.config.feeds[feed.index].name.value.clone()
    }

    /// Whether the calendars say that its instruments trade now, and what comes next.
    fn market(&self, feed: &Followed, utc: UnixNs) -> String {
        let at = instant(utc);
        let moments: Vec<_> = self.traded(feed.index).map(|one| self.moment(one, at)).collect();
        let open = moments.iter().flatten().filter(|moment| moment.0).count();
        let known = moments.iter().flatten().count();
        let next = moments.iter().flatten().filter_map(|moment| moment.1).min();
        if known == 0 {
            return "no calendar".to_owned();
        }
        let what = if open == known {
            "open".to_owned()
        } else if open == 0 {
            "shut".to_owned()
        } else {
            format!("{open} of {known} open")
        };
        next.map_or(what.clone(), |next| format!("{what}, next {}", next.strftime("%d %H:%MZ")))
    }

    /// Whether an instrument trades, and when that changes; `None` without a calendar.
    fn moment(&self, instrument: &Instrument, at: Timestamp) -> Option<(bool, Option<Timestamp>)> {
        let mic = &self.config.venues[instrument.venue].mic;
        let (_, table) = self.shelf.find(mic, &instrument.symbol).ok()?;
        let moment = table.at(at).ok()?;
        Some((moment.phase == Phase::Continuous, moment.next.map(|(at, _)| at)))
    }

    fn as_json(&self, feed: &Followed, utc: UnixNs) -> Value {
        let lines = Line::BOTH.into_iter().zip(&feed.lines).map(|(line, of)| {
            json!({
                "line": line.letter().to_string(),
                "packets": of.packets,
                "per_second": of.per_second,
                "missing": of.missing,
                "reordered": of.reordered,
            })
        });
        let differences = self.counters.replicas[feed.index].audit.last();
        let differences: Vec<_> = differences.iter().map(ToString::to_string).collect();
        json!({
            "feed": self.name(feed),
            "state": feed.state.word(),
            "in_state_ns": feed.now.since(feed.since).0,
            "lines": lines.collect::<Vec<_>>(),
            "saved": feed.saved,
            "gaps": feed.gaps,
            "missing": feed.missing,
            "divergent": feed.divergent,
            "recovered": feed.recovered,
            "books": { "sound": feed.sound.0, "of": feed.sound.1 },
            "audit": {
                "books": feed.audited, "differences": feed.differences, "last": differences,
            },
            "clock": feed.clock,
            "days": day::as_json(&feed.days),
            "market": self.market(feed, utc),
            "problem": feed.problem,
        })
    }
}

fn rate(count: u64, spent: Span) -> u64 {
    let per_second = u128::from(count) * 1_000_000_000 / u128::from(spent.0.max(1));
    u64::try_from(per_second).unwrap_or(u64::MAX)
}

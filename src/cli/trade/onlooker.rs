//! Who looks on while an engine runs: the screen in a terminal, lines in a pipe, nothing for JSON.
//!
//! Called by `xmc run` and `xmc demo`, which read the tally when it is over.

use super::{Report, money};
use crate::cli::audit::browse::Asker;
use crate::config::Configuration;
use crate::control::scope::{Kind, Named, Register};
use crate::control::used;
use crate::engine::capital;
use crate::engine::clocks::ClockFigures;
use crate::engine::controlling::socket_path;
use crate::engine::counters::Counters;
use crate::engine::hold;
use crate::engine::live::{Sight, Watch};
use crate::engine::score::Scoreboard;
use crate::engine::witnessing;
use crate::hex;
use crate::metrics::{self, Exporter, MetricsError, Source};
use crate::monitor::terminal::{self, Look, Screen};
use crate::monitor::view::{FeedView, Note, Notes};
use crate::monitor::web::{Behind, Channel, Place, Web, WebError};
use crate::monitor::words::Label;
use crate::monitor::{Journal, Lang, Plain, Ring, Setting, Sources, Tally, View};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use xmc_hotpath::counter::Counter;
use xmc_hotpath::desk::stage::DeskCounters;
use xmc_hotpath::desk::{Desk, Instrument};
use xmc_hotpath::record::frame::{Body, Header};
use xmc_hotpath::time::{MonoNs, Span};

/// Between two looks at an engine, for a screen in a terminal.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);
/// Between two lines of how things stand.
const BETWEEN_LINES: Duration = Duration::from_secs(1);

/// How it is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::Args)]
pub struct Show {
    /// Language of screen and lines; by default that of the environment.
    #[arg(long, value_name = "LANG", value_enum)]
    pub lang: Option<Lang>,
    /// Lines instead of a screen, also in a terminal.
    #[arg(long)]
    pub plain: bool,
    /// Borders of `-` and `|`, for terminals that draw lines two cells wide.
    #[arg(long)]
    pub ascii: bool,
    /// Serves the screen for browsers, to look at only: 127.0.0.1:8480, or port 0 for any. The
    /// terminal then shows its address instead of a screen.
    #[arg(long, value_name = "ADDRESS")]
    pub web: Option<SocketAddr>,
    /// Other machines may reach that address. What goes there is in the clear: have a proxy with
    /// TLS before it, or leave this out and look through `ssh -L`.
    #[arg(long, requires = "web")]
    pub web_open: bool,
    /// Takes signed commands in the browser, for the control socket of this engine. Without it the
    /// screen is to look at, and nothing leads from it back to the engine.
    #[arg(long, requires = "web")]
    pub web_control: bool,
    /// Serves /metrics for Prometheus: 127.0.0.1:9480, or port 0 for any. `xmc metrics` does the
    /// same from another process.
    #[arg(long, value_name = "ADDRESS")]
    pub metrics: Option<SocketAddr>,
    /// Other machines may reach that address. There is no token and no TLS.
    #[arg(long, requires = "metrics")]
    pub metrics_open: bool,
}

impl Show {
    /// The language asked for, or that of the environment.
    #[must_use]
    pub fn lang(&self) -> Lang {
        self.lang.unwrap_or_else(Lang::of_environment)
    }

    /// Serves the screen for browsers, if that was asked for, on cores that do not trade.
    ///
    /// # Errors
    /// See `WebError`.
    pub fn web(
        &self,
        config: &Configuration,
        directory: &Path,
    ) -> Result<Option<WebScreen>, WebError> {
        let Some(address) = self.web else { return Ok(None) };
        let place = Place { address, is_open_to_others: self.web_open, lang: self.lang() };
        let owned = config.clone();
        let control = config.control.as_ref().filter(|_| self.web_control);
        if self.web_control && control.is_none() {
            return Err(WebError::NoControl);
        }
        let behind = Behind {
            channel: control.map(|control| Channel {
                socket: socket_path(control, directory),
                alerts: crate::alert::directory(directory),
            }),
            receipts: Some(Arc::new(Asker::new(directory, hex::show(&config.sources.digest()))?)),
        };
        let web = Web::open_with(place, behind, move || hold::stay_cold(&owned))?;
        let register = Register::of(config);
        // Pairs show their own; there may be many thousands of them.
        let is_shown = |named: &Named| !matches!(named, Named::Of(Kind::Spread, _));
        let limited = register.limited().filter(is_shown).take(LIMITED).collect();
        Ok(Some(WebScreen { web, register, limited }))
    }

    /// Serves what the engine of the record in `directory` counts, if that was asked for, on cores
    /// that do not trade.
    ///
    /// # Errors
    /// See `MetricsError`.
    pub fn metrics(
        &self,
        config: &Configuration,
        directory: &Path,
    ) -> Result<Option<Exporter>, MetricsError> {
        let Some(address) = self.metrics else { return Ok(None) };
        let place = metrics::Place { address, is_open_to_others: self.metrics_open };
        let owned = config.clone();
        let source = Source::new(directory.to_owned());
        let begin = move || hold::stay_cold(&owned);
        Exporter::open(place, "--metrics-open", source, begin).map(Some)
    }
}

/// Things whose limits a browser is shown, at most.
const LIMITED: usize = 64;

/// Between two moments that a browser is shown: twenty a second.
const BETWEEN_MOMENTS: Duration = Duration::from_millis(50);

/// The screen for browsers, and what it shows besides the view of the terminal.
pub struct WebScreen {
    web: Web,
    register: Register,
    limited: Vec<Named>,
}

impl WebScreen {
    /// The address to look at, with its token.
    #[must_use]
    pub fn url(&self) -> String {
        self.web.url()
    }
}

enum Shown<'o, 'w> {
    Screen(Box<Screen>),
    Lines(Lines<'o, 'w>),
    Nothing,
}

/// Lines in a pipe.
struct Lines<'o, 'w> {
    out: &'o mut Report<'w>,
    plain: Plain,
    /// When the next line of how things stand is due.
    next: Duration,
    /// Lines that nobody would have read.
    left_out: u64,
}

impl Lines<'_, '_> {
    /// Writes a line, unless too many wait for a reader; those are counted, and that is said.
    fn say(&mut self, line: &str) -> io::Result<()> {
        if self.out.is_behind() {
            self.left_out += 1;
            return Ok(());
        }
        match std::mem::take(&mut self.left_out) {
            0 => {}
            left_out => writeln!(self.out, "{}", self.plain.left_out(left_out))?,
        }
        writeln!(self.out, "{line}")
    }
}

/// What was seen of a run so far.
pub struct Onlooker<'o, 'w> {
    tally: Tally,
    shown: Shown<'o, 'w>,
    web: Option<WebScreen>,
    /// When it has seen enough; `None`: when it is told to stop.
    until: Option<Duration>,
    elapsed: Duration,
    desk_lots: Vec<i64>,
    feeds: Vec<FeedView>,
    scores: Scoreboard,
    clocks: ClockFigures,
    feeds_usable: bool,
    failed: Option<io::Error>,
    /// What is wrong with witnesses, as it was last said.
    trouble: Vec<String>,
    /// Differences between books and the venue's snapshots that were told.
    differing: u64,
    /// How capital stood when it was last told.
    capital: Option<capital::Figures>,
    notes: Notes,
}

/// What was seen of a run.
#[derive(Debug)]
pub struct Seen {
    /// The record, added up.
    pub tally: Tally,
    /// How long it ran.
    pub elapsed: Duration,
    /// Lots that the desk holds at the end, by instrument.
    pub desk_lots: Vec<i64>,
    /// What the feeds have counted.
    pub feeds: Vec<FeedView>,
    /// Their lines, hour by hour.
    pub scores: Scoreboard,
    /// The engine's clock beside UTC.
    pub clocks: ClockFigures,
    /// Every feed could be traded on when the run was ended.
    pub feeds_usable: bool,
}

impl<'o, 'w> Onlooker<'o, 'w> {
    /// Looks on as `show` says, for as long as `until`, and has browsers look on in `web`.
    ///
    /// # Errors
    /// What the terminal says.
    pub fn new(
        config: &Configuration,
        show: &Show,
        web: Option<WebScreen>,
        until: Option<Duration>,
        out: &'o mut Report<'w>,
    ) -> io::Result<Self> {
        terminal::watch_signals();
        let lang = show.lang();
        let shown = if out.is_json() {
            Shown::Nothing
        } else if web.is_some() && !show.plain && terminal::is_possible() {
            // The browser is the screen; what is drawn here would cover its address.
            Shown::Nothing
        } else if !show.plain && terminal::is_possible() {
            let look = Look::of_environment(lang);
            let look = Look { is_ascii: look.is_ascii || show.ascii, ..look };
            Shown::Screen(Box::new(Screen::open(look)?))
        } else {
            let plain = Plain::new(lang);
            Shown::Lines(Lines { out, plain, next: BETWEEN_LINES, left_out: 0 })
        };
        Ok(Self {
            tally: Tally::new(Arc::new(Setting::of(config))),
            shown,
            web,
            until,
            elapsed: Duration::ZERO,
            desk_lots: Vec::new(),
            feeds: Vec::new(),
            scores: Scoreboard::default(),
            clocks: ClockFigures::default(),
            feeds_usable: false,
            failed: None,
            trouble: Vec::new(),
            differing: 0,
            capital: None,
            notes: Notes::default(),
        })
    }

    /// Gives the terminal back, and what was seen.
    ///
    /// # Errors
    /// What could not be shown.
    pub fn end(self) -> io::Result<Seen> {
        let Self { tally, elapsed, desk_lots, feeds, scores, clocks, feeds_usable, .. } = self;
        match self.failed {
            Some(error) => Err(error),
            None => Ok(Seen { tally, elapsed, desk_lots, feeds, scores, clocks, feeds_usable }),
        }
    }

    fn show(&mut self, view: View, elapsed: Duration) -> io::Result<bool> {
        let wants_to_quit = match &mut self.shown {
            // Beside it there is no browser: then the terminal shows lines, or nothing.
            Shown::Screen(screen) => {
                screen.draw(view)?;
                return screen.wants_to_quit(Duration::ZERO);
            }
            Shown::Lines(lines) => {
                if elapsed >= lines.next {
                    lines.next = elapsed + BETWEEN_LINES;
                    lines.say(&lines.plain.status(&view))?;
                    lines.out.flush()?;
                }
                terminal::is_asked_to_stop()
            }
            Shown::Nothing => terminal::is_asked_to_stop(),
        };
        if let Some(screen) = &mut self.web {
            screen.web.show(view);
        }
        Ok(wants_to_quit)
    }
}

impl Onlooker<'_, '_> {
    /// Says in a line what is newly wrong with witnesses.
    fn tell(&mut self, witnessed: &witnessing::Figures, running: Span) {
        let trouble: Vec<_> = witnessed.troubles().collect();
        if let Shown::Lines(lines) = &mut self.shown {
            for text in trouble.iter().filter(|text| !self.trouble.contains(text)) {
                if let Err(error) = lines.say(&lines.plain.witness(running, text)) {
                    self.failed.get_or_insert(error);
                }
            }
        }
        self.trouble = trouble;
    }

    /// Says in a line each, or among the alerts of a screen, what is new about the money that
    /// orders use.
    fn tell_capital(&mut self, figures: &capital::Figures, running: Span, now: MonoNs) {
        let before = self.capital.as_ref();
        let [english, chinese] =
            [Lang::En, Lang::Zh].map(|lang| money::changes(before, figures, lang));
        for text in english.into_iter().zip(chinese).map(<[String; 2]>::from) {
            if let Shown::Lines(lines) = &mut self.shown {
                let own = &text[usize::from(lines.plain.lang() == Lang::Zh)];
                if let Err(error) = lines.say(&lines.plain.capital(running, own)) {
                    self.failed.get_or_insert(error);
                }
            }
            self.notes.add(Note { at: now, of: Label::Capital, text });
        }
        self.capital = Some(figures.clone());
    }

    /// Says in a line each what the venue's snapshots newly show differently.
    fn tell_differences(&mut self, counters: &Counters, running: Span) {
        let audits = || counters.replicas.iter().map(|replica| &replica.audit);
        let differing = audits().map(|audit| audit.differences.get()).sum();
        if differing == self.differing {
            return;
        }
        self.differing = differing;
        if let Shown::Lines(lines) = &mut self.shown {
            for difference in audits().filter_map(|audit| audit.last().pop()) {
                let line = lines.plain.audit(running, &difference.to_string());
                if let Err(error) = lines.say(&line) {
                    self.failed.get_or_insert(error);
                }
            }
        }
    }
}

impl Watch for Onlooker<'_, '_> {
    fn record(&mut self, _: &Header, body: &Body, _: &Desk<'_>) {
        self.tally.take(body);
        if let Shown::Lines(lines) = &mut self.shown
            && let Some(line) = lines.plain.event(&self.tally, body)
            && let Err(error) = lines.say(&line)
        {
            self.failed.get_or_insert(error);
        }
    }

    fn every(&self) -> Duration {
        if self.web.is_some() { BETWEEN_MOMENTS } else { BETWEEN_LOOKS }
    }

    fn look(&mut self, sight: &Sight<'_, '_>) -> ControlFlow<()> {
        let running = Span(u64::try_from(sight.elapsed.as_nanos()).unwrap_or(u64::MAX));
        if let Some(figures) = &sight.capital {
            self.tell_capital(figures, running, sight.now);
        }
        let rings = [record_ring(&sight.counters.desk)];
        let limits = self.web.as_ref().map_or_else(Vec::new, |screen| {
            let limited = screen.limited.iter().cloned();
            used::limits(&screen.register, limited, sight.desk, sight.now)
        });
        let view = View::of(&Sources {
            now: sight.now,
            running,
            desk: sight.desk,
            tally: &self.tally,
            counters: sight.counters,
            latency: (sight.latency.count > 0).then_some(sight.latency),
            rings: &rings,
            limits: &limits,
            capital: sight.capital.as_ref(),
            notes: &self.notes,
            journal: Some(Journal {
                bytes: sight.journal.bytes,
                records: sight.journal.records,
                durable_after: (sight.journal.window.count > 0)
                    .then_some(sight.journal.window.last),
                disk_alone: sight.disk.map(|disk| disk.median),
                witnessed_records: sight.witnessed.map(witnessing::Figures::witnessed_records),
                has_witness_trouble: sight.witnessed.is_some_and(witnessing::Figures::has_trouble),
                ..Journal::default()
            }),
        });
        view.count_in(sight.counters, sight.desk);
        let lots = |row: &Instrument| row.exposure.position_lots;
        self.desk_lots = sight.desk.instruments().iter().map(lots).collect();
        if !sight.is_last {
            self.elapsed = sight.elapsed;
            self.feeds_usable = view.feeds.iter().all(|feed| feed.state.is_usable());
        }
        if let Some(witnessed) = sight.witnessed {
            self.tell(witnessed, running);
        }
        self.tell_differences(sight.counters, running);
        self.feeds.clone_from(&view.feeds);
        self.scores.clone_from(sight.scores);
        self.clocks = *sight.clocks;
        let shown = self.show(view, sight.elapsed);
        let is_over = self.until.is_some_and(|until| sight.elapsed >= until);
        match shown {
            // A difference is a fault in the program: nothing is traded on.
            Ok(false) if !is_over && sight.difference.is_none() => ControlFlow::Continue(()),
            Ok(_) => ControlFlow::Break(()),
            Err(error) => {
                self.failed.get_or_insert(error);
                ControlFlow::Break(())
            }
        }
    }
}

/// The ring of the record as the desk counts it: an input's credits say of a record that is late no
/// more than that.
fn record_ring(desk: &DeskCounters) -> Ring {
    let percent = |counter: &Counter| u8::try_from(counter.get()).unwrap_or(u8::MAX);
    Ring {
        name: "record".to_owned(),
        used_pct: percent(&desk.record_used_pct),
        most_pct: percent(&desk.record_most_pct),
        is_late: desk.record_late.get() != 0,
    }
}

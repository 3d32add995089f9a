//! The desk of a running engine compared with what venues say, and what follows: pairs that are
//! closed, positions that are adopted, reports.
//!
//! Two ends. A thread of its own reads the sources and writes reports. The resync's desk is on the
//! thread that follows the journal: it holds statements against the followed desk (`resync`), which
//! is exact as of an input, and tells the hot desk what follows, as recorded commands of the engine
//! itself.
//!
//! A pair is closed (`no_new` by its name) while a difference about it is open and, where the
//! configuration requires statements, until the first statement after the start or after a
//! reconnect agrees. Whoever enables it meanwhile finds it closed again: what opens it is an
//! explanation. When nothing closes it any more it is enabled, unless somebody else has stopped it
//! too.

mod adopt;
mod eye;
mod reading;

pub(super) use eye::{Eye, Others};
pub(super) use reading::Reader;

use super::follower::Follower;
use crate::alert::signal::{Labels, labels};
use crate::config::{Configuration, Resync, StatementPlace};
use crate::control::scope::{Named, Register};
use crate::resync::confirm::Kind;
use crate::resync::cycle::{Cause, Cycles, Outcome, Pace, Verdict};
use crate::resync::kept::{Kept, KeptError};
use crate::resync::read::{Row, Sides, rows};
use crate::resync::report;
use crate::resync::source::Source;
use crate::resync::source::Told;
use crate::resync::source::file::FileSource;
use crate::resync::source::stream::StreamSource;
use crate::resync::statement::{Moment, Statement, Wanted};
use reading::{Heard, Writing};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender as Post};
use std::sync::{Arc, Mutex, PoisonError};
use xmc_hotpath::desk::{Desk, SpreadState};
use xmc_hotpath::message::{
    ClockScale, Command, CommandKind, Control, DeskIdentity, GatewayIndex, Hours, InstrumentIndex,
    Scope, SessionState, SpreadIndex,
};
use xmc_hotpath::ring::Sender;
use xmc_hotpath::time::UnixNs;

/// Numbers of the engine's own commands that close and open pairs begin here.
const FIRST_COMMAND: u64 = 1 << 32;

/// What has come of it, for whoever looks on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// By source.
    pub sources: Vec<SourceFigures>,
    /// Open differences by what they are about: how much.
    pub differences: BTreeMap<Labels, i64>,
}

/// What has come of one source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceFigures {
    /// Its name.
    pub name: String,
    /// Cycles that are over.
    pub cycles: u64,
    /// The last one ended without a statement.
    pub is_old: bool,
    /// It cannot be read, or says nothing.
    pub is_silent: bool,
    /// Statements that were refused.
    pub refused: u64,
    /// Numbers of the stream that are gone.
    pub missing: u64,
}

/// Where the figures are looked at.
#[derive(Clone, Debug, Default)]
pub struct Published(Arc<Mutex<Figures>>);

impl Published {
    /// As they are now.
    #[must_use]
    pub fn figures(&self) -> Figures {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, figures: Figures) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = figures;
    }
}

/// A resync that is ready, before the engine runs.
#[derive(Debug)]
pub struct Resyncing {
    settings: Resync,
    kept: Kept,
    directory: PathBuf,
    identity: DeskIdentity,
    register: Register,
    names: Vec<String>,
    rows: Vec<Vec<Row>>,
}

impl Resyncing {
    /// Of the engine `identity` with its record in `directory`.
    ///
    /// # Errors
    /// See `KeptError`.
    pub fn open(
        settings: &Resync,
        config: &Configuration,
        directory: &Path,
        identity: DeskIdentity,
    ) -> Result<Self, KeptError> {
        let gateway = |row: usize| config.gateways[row].name.value.clone();
        Ok(Self {
            settings: settings.clone(),
            kept: Kept::open(directory)?,
            directory: directory.to_owned(),
            identity,
            register: Register::of(config),
            names: settings.sources.iter().map(|source| gateway(source.gateway)).collect(),
            rows: settings.sources.iter().map(|source| rows(config, source.gateway)).collect(),
        })
    }

    /// What the desk is told first: every pair that is not to open yet.
    #[must_use]
    pub fn stops(&self, config: &Configuration) -> Vec<Control> {
        let required = self.settings.is_required;
        let unproven = self.names.iter().filter(|_| required);
        let unproven = unproven.map(|name| format!("gateway={name}"));
        let open = self.kept.open.iter().map(|open| open.difference.scope.clone());
        let scopes: BTreeSet<String> = unproven.chain(open).collect();
        let named = scopes.iter().filter_map(|scope| scope.parse::<Named>().ok());
        let named: Vec<_> = named.collect();
        let is_meant = |row: usize| {
            self.register
                .spreads()
                .get(row)
                .is_some_and(|names| named.iter().any(|scope| names.is_meant(scope)))
        };
        let rows = (0..config.spreads.len()).filter(|row| is_meant(*row)).zip(FIRST_COMMAND..);
        rows.filter_map(|(row, id)| Some(command(CommandKind::NoNew, u32::try_from(row).ok()?, id)))
            .collect()
    }

    /// Both ends, for a run that begins at `scale`.
    pub(super) fn split(
        self,
        published: Published,
        scale: ClockScale,
        stopped: &[Control],
    ) -> (Reader, ResyncDesk, Eye) {
        let Self { settings, kept, directory, identity, register, names, rows } = self;
        let mut sources: Vec<Box<dyn Source>> = Vec::new();
        let mut seats = Vec::new();
        for ((source, gateway), rows) in settings.sources.iter().zip(&names).zip(rows) {
            let wanted = Wanted {
                account: source.account.clone(),
                venue: source.venue.clone(),
                symbols: rows.iter().map(|row| row.symbol.clone()).collect(),
            };
            sources.push(match &source.place {
                StatementPlace::File(path) => Box::new(FileSource::new(path.clone(), wanted)),
                StatementPlace::Stream(address) => {
                    let last = kept.streams.get(&source.name).copied().unwrap_or(0);
                    Box::new(StreamSource::new(*address, wanted, last))
                }
            });
            let ns = |seconds: u32| u64::from(seconds) * 1_000_000_000;
            let pace = Pace {
                settle_ns: u64::from(settings.settle_ms) * 1_000_000,
                max_age_ns: ns(source.max_age_s),
                every_ns: ns(settings.every_s),
            };
            let tolerance_e9 = source.tolerance_e9.into();
            let cycles = Cycles::new(&source.name, gateway, tolerance_e9, pace);
            let figures = SourceFigures { name: source.name.clone(), ..SourceFigures::default() };
            seats.push(Seat {
                cycles,
                rows,
                gateway: GatewayIndex(u8::try_from(source.gateway).unwrap_or(u8::MAX)),
                is_stream: matches!(source.place, StatementPlace::Stream(_)),
                latest: None,
                heard: scale.utc,
                is_proven: !settings.is_required,
                up_since: None,
                figures,
            });
        }
        let closed = stopped.iter().filter_map(row_of).collect();
        let (reader, heard, writing) = Reader::new(sources, directory);
        let eye = Eye::new(identity, scale);
        let desk = ResyncDesk {
            settings,
            seats,
            kept,
            register,
            heard,
            writing,
            published,
            run: identity.run,
            began: scale.utc,
            now: scale.utc,
            closed,
            opening: BTreeSet::new(),
            is_stale: true,
            sent: BTreeMap::new(),
            next_command: FIRST_COMMAND << 1,
            waiting: VecDeque::new(),
            shut: BTreeSet::new(),
            is_over: false,
        };
        (reader, desk, eye)
    }
}

/// What a run has of its resync at the start: who reads sources, who compares, and what the desk is
/// told before anything is `carried`.
pub(super) type Begun = (Option<Reader>, Option<ResyncDesk>, Option<Eye>, Vec<Control>);

/// Begins the resync of a run, if there is one.
pub(super) fn begin(
    resync: Option<Resyncing>,
    config: &Configuration,
    published: &Published,
    scale: ClockScale,
    carried: Vec<Control>,
) -> Begun {
    let Some(resync) = resync else { return (None, None, None, carried) };
    let stopped = resync.stops(config);
    let (reader, desk, eye) = resync.split(published.clone(), scale, &stopped);
    // Before what was carried, as what operators have stopped: one that is halted there stays so.
    let carried = stopped.into_iter().chain(carried).collect();
    (Some(reader), Some(desk), Some(eye), carried)
}

/// One source.
#[derive(Debug)]
struct Seat {
    cycles: Cycles,
    rows: Vec<Row>,
    gateway: GatewayIndex,
    is_stream: bool,
    latest: Option<Statement>,
    /// When it last gave a sign of life.
    heard: UnixNs,
    /// A statement of now agrees, but for differences that are open by themselves.
    is_proven: bool,
    /// Since when its session is up; `None`: it is not.
    up_since: Option<UnixNs>,
    figures: SourceFigures,
}

/// The end beside the desk.
#[derive(Debug)]
pub(super) struct ResyncDesk {
    settings: Resync,
    seats: Vec<Seat>,
    kept: Kept,
    register: Register,
    heard: Receiver<Heard>,
    writing: Post<Writing>,
    published: Published,
    run: u16,
    /// When the run began.
    began: UnixNs,
    /// The last moment that it was polled at.
    now: UnixNs,
    /// Rows of the spread table that are not to open.
    closed: BTreeSet<u32>,
    /// Rows that nothing closes any more, and that may still be closed.
    opening: BTreeSet<u32>,
    /// What closes pairs has changed.
    is_stale: bool,
    /// Commands about spreads that the record does not show yet, by row.
    sent: BTreeMap<u32, u64>,
    next_command: u64,
    waiting: VecDeque<Control>,
    /// Instruments whose market has shut and was seen to.
    shut: BTreeSet<u32>,
    is_over: bool,
}

impl ResyncDesk {
    /// Whether a row of the spread table is not to open.
    pub fn closes(&self, row: usize) -> bool {
        u32::try_from(row).is_ok_and(|row| self.closed.contains(&row))
    }

    /// The run ends: nothing more is told.
    pub fn end(&mut self) {
        self.is_over = true;
        self.waiting.clear();
    }

    /// Whether a difference about `scope` is open.
    pub fn is_open(&self, id: &str, scope: &str) -> bool {
        let mut open = self.kept.open.iter();
        open.any(|open| open.difference.id == id && open.difference.scope == scope)
    }

    /// Operators have explained a difference.
    pub fn explain(&mut self, id: &str, by: Vec<u32>, digest: String) {
        let at = Moment(self.now);
        let text = format!("difference {id}, by the note {digest}");
        if self.kept.explain(id, by, digest, at) {
            self.is_stale = true;
            self.write(report::of_event("explained", None, self.run, at, &text));
            self.keep();
        }
    }

    /// Goes on at `now`: takes what sources have said, compares, tells what follows.
    pub fn poll(
        &mut self,
        now: UnixNs,
        follower: &mut Follower<'_>,
        hours: impl Iterator<Item = Hours>,
        control: &mut Sender<Control>,
        others: Others<'_>,
    ) {
        // A shadow that does something else than the record says nothing of the desk.
        if self.is_over || follower.difference.is_some() {
            return;
        }
        self.now = now;
        self.take_told(now);
        // Before it was told all that it begins with, the desk has nothing to compare.
        let has_begun = follower.has_begun();
        let desk = follower.shadow.desk();
        if let Some(eye) = follower.eye.as_mut().filter(|_| has_begun) {
            self.sessions(&eye.take_sessions());
            self.close_of(hours, follower.shadow.now());
            for place in 0..self.seats.len() {
                if let Some(verdict) = self.read(place, now, eye, desk) {
                    self.judge(place, &verdict, now, eye, desk);
                }
            }
            self.hold(eye, desk, others);
        }
        while let Some(told) = self.waiting.front()
            && control.push(*told).is_ok()
        {
            self.waiting.pop_front();
        }
    }

    fn take_told(&mut self, now: UnixNs) {
        let mut has_changed = false;
        while let Ok(heard) = self.heard.try_recv() {
            let (place, told) = match heard {
                Heard::Asked => {
                    self.seats.iter_mut().for_each(|seat| seat.cycles.want(Cause::Asked));
                    continue;
                }
                Heard::Told(place, told) => (place, told),
            };
            let Some(seat) = self.seats.get_mut(place) else { continue };
            let mut event = None;
            match told {
                Told::Statement(statement) => {
                    (seat.heard, seat.figures.is_silent) = (now, false);
                    seat.latest = Some(*statement);
                }
                Told::Alive => (seat.heard, seat.figures.is_silent) = (now, false),
                Told::Refused(error) => {
                    seat.figures.refused += 1;
                    event = Some(("refused", error.to_string()));
                }
                Told::Broken(why) => {
                    seat.figures.is_silent = true;
                    event = Some(("broken", why));
                }
                Told::Mended => {
                    seat.figures.is_silent = false;
                    event = Some(("mended", String::new()));
                }
                Told::Gap { from, to } => {
                    seat.figures.missing += to - from + 1;
                    event = Some(("gap", format!("lines {from} to {to} of the stream are gone")));
                }
                Told::Read(last) => {
                    self.kept.streams.insert(seat.figures.name.clone(), last);
                    continue;
                }
            }
            if let Some((what, text)) = event {
                has_changed = true;
                let name = seat.figures.name.clone();
                let line = report::of_event(what, Some(&name), self.run, Moment(now), &text);
                self.write(line);
            }
        }
        for (seat, source) in self.seats.iter_mut().zip(&self.settings.sources) {
            let silent_ns = now.0.saturating_sub(seat.heard.0);
            let is_late = silent_ns > u64::from(source.max_age_s) * 1_000_000_000;
            if seat.is_stream && is_late && !seat.figures.is_silent {
                seat.figures.is_silent = true;
                has_changed = true;
            }
        }
        if has_changed {
            self.publish();
        }
    }

    /// A gateway whose session ends is proven no more, and compared when it has one again.
    fn sessions(&mut self, seen: &[(GatewayIndex, SessionState)]) {
        for (gateway, state) in seen {
            let required = self.settings.is_required;
            for seat in self.seats.iter_mut().filter(|seat| seat.gateway == *gateway) {
                self.is_stale |= required && seat.is_proven;
                seat.is_proven = !required;
                seat.up_since = (*state == SessionState::Up).then_some(self.now);
                if seat.up_since.is_some() {
                    seat.cycles.want(Cause::Reconnect);
                }
            }
        }
    }

    /// A market that has shut is a reason to compare what is held there.
    fn close_of(&mut self, hours: impl Iterator<Item = Hours>, now: xmc_hotpath::time::MonoNs) {
        for told in hours {
            let row = told.instrument.0;
            if now < told.until {
                self.shut.remove(&row);
            } else if self.shut.insert(row) {
                let trades = |seat: &&mut Seat| seat.rows.iter().any(|one| one.instrument == row);
                let seats = self.seats.iter_mut().filter(trades);
                seats.for_each(|seat| seat.cycles.want(Cause::Close));
            }
        }
    }

    fn read(&mut self, place: usize, now: UnixNs, eye: &Eye, desk: &Desk<'_>) -> Option<Verdict> {
        let slack_ns = u64::from(self.settings.settle_ms) * 1_000_000;
        let Seat { cycles, rows, gateway, latest, .. } = &mut self.seats[place];
        let book = &eye.book;
        cycles.poll(now, book.utc(), latest.as_ref(), |statement| {
            Sides { statement, book, desk, rows, gateway: *gateway, slack_ns }.read()
        })
    }

    fn judge(&mut self, place: usize, verdict: &Verdict, now: UnixNs, eye: &Eye, desk: &Desk<'_>) {
        let at = Moment(now);
        let seat = &mut self.seats[place];
        let name = seat.figures.name.clone();
        seat.figures.cycles += 1;
        seat.figures.is_old = verdict.outcome == Outcome::Old;
        let found = match &verdict.outcome {
            Outcome::Differ(found) => found.as_slice(),
            Outcome::Agree | Outcome::Settled | Outcome::Old => &[],
        };
        self.write(report::of_cycle(&name, self.run, verdict, at));
        self.is_stale = true;
        let seat = &mut self.seats[place];
        if verdict.outcome == Outcome::Old {
            seat.is_proven = !self.settings.is_required;
        } else {
            // Of now: an agreement of before the session was up says nothing of what came since;
            // and of positions, or nothing was compared that could be held.
            let reading = verdict.reading.as_ref();
            let is_of_now = seat.up_since.is_some_and(|since| verdict.begun >= since);
            let has_positions = reading.is_some_and(|reading| reading.positions.is_some());
            seat.is_proven |= !self.settings.is_required || (is_of_now && has_positions);
            let forgets = self.settings.venue_wins == crate::config::VenueWins::AdoptAndOpen;
            let began = Moment(self.began);
            let is_compared = |kind, at: Moment| match (kind, reading) {
                (_, None) => false,
                (Kind::Position, Some(reading)) => reading.positions.is_some(),
                (Kind::Order, Some(reading)) => reading.alone.is_some(),
                // Those of a run before are known to nobody in this one.
                (Kind::Fill, Some(reading)) => reading.has_fills && at >= began,
                (Kind::Money, Some(reading)) => {
                    let money = reading.money.as_ref();
                    at >= began && money.is_some_and(|all| all.iter().all(|one| one.is_certain))
                }
            };
            let agrees = verdict.outcome == Outcome::Agree;
            self.kept.found(&name, (verdict.cycle, at), found, (forgets, agrees), is_compared);
            self.adopt(place, verdict, found, at, eye, desk);
        }
        self.keep();
        self.publish();
    }

    /// Closes what is to be closed, and opens what nothing closes any more.
    fn hold(&mut self, eye: &mut Eye, desk: &Desk<'_>, others: Others<'_>) {
        for (row, id) in eye.take_commands() {
            if self.sent.get(&row) == Some(&id) {
                self.sent.remove(&row);
            }
        }
        if std::mem::take(&mut self.is_stale) {
            let closed = self.to_close(desk);
            self.opening.extend(self.closed.difference(&closed));
            self.opening.retain(|row| !closed.contains(row));
            self.closed = closed;
            self.publish();
        }
        let state = |row: &u32| desk.spreads().get(*row as usize).map(|spread| spread.state);
        let to_close: Vec<u32> = self
            .closed
            .iter()
            .filter(|row| state(row) == Some(SpreadState::Enabled) && !self.sent.contains_key(row))
            .copied()
            .collect();
        for row in to_close {
            self.tell(CommandKind::NoNew, row);
        }
        let opening = std::mem::take(&mut self.opening);
        for row in opening {
            // Somebody's stop may be on its way, or money is short.
            let waits = !others.is_caught_up || (others.holds)(row as usize);
            if self.sent.contains_key(&row) || waits {
                self.opening.insert(row);
            } else if state(&row) == Some(SpreadState::Reducing) && !eye.is_taken(row) {
                self.tell(CommandKind::Enable, row);
            }
        }
    }

    fn tell(&mut self, kind: CommandKind, row: u32) {
        let id = self.next_command;
        self.next_command += 1;
        self.sent.insert(row, id);
        self.waiting.push_back(command(kind, row, id));
    }

    /// Rows of the spread table that something closes.
    fn to_close(&self, desk: &Desk<'_>) -> BTreeSet<u32> {
        let named = |scope: &str| scope.parse::<Named>().ok();
        let open = self.kept.open.iter();
        let open = open.filter_map(|open| self.register.resolve(&named(&open.difference.scope)?));
        let unproven = self.seats.iter().filter(|seat| !seat.is_proven);
        let scopes: Vec<_> =
            open.chain(unproven.map(|seat| Scope::Gateway(seat.gateway))).collect();
        let gateway_of = |instrument: InstrumentIndex| {
            let row = desk.instruments().get(instrument.0 as usize)?;
            row.spec.as_ref().map(|spec| spec.gateway)
        };
        let rows = desk.spreads().iter().zip(0_u32..);
        let meant = rows.filter(|(spread, _)| {
            let spec = spread.spec.as_ref();
            spec.is_some_and(|spec| scopes.iter().any(|scope| scope.holds(spec, gateway_of)))
        });
        meant.map(|(_, row)| row).collect()
    }

    fn publish(&self) {
        let differences = self.kept.open.iter().map(|open| {
            let one = &open.difference;
            let mut of = labels([
                ("source", &one.source),
                ("difference", &one.id),
                ("kind", one.kind.word()),
                ("of", &one.of),
            ]);
            of.extend(one.order.clone().map(|order| ("order".to_owned(), order)));
            let off = one.venue.0.checked_sub(one.desk.0).map(|off| off.trunc());
            (of, off.and_then(|off| i64::try_from(off).ok()).unwrap_or(i64::MAX))
        });
        self.published.set(Figures {
            sources: self.seats.iter().map(|seat| seat.figures.clone()).collect(),
            differences: differences.collect(),
        });
    }

    fn write(&self, line: serde_json::Value) {
        // Nobody takes it once the run is over.
        let _ = self.writing.send(Writing::Line(line));
    }

    fn keep(&self) {
        let _ = self.writing.send(Writing::State(self.kept.bytes()));
    }
}

/// The row of the spread table that a command is about.
const fn row_of(control: &Control) -> Option<u32> {
    match control {
        Control::Command(Command { scope: Scope::Spread(spread), .. }) => Some(spread.0),
        _ => None,
    }
}

/// A command of the engine itself about one spread.
fn command(kind: CommandKind, row: u32, command_id: u64) -> Control {
    let scope = Scope::Spread(SpreadIndex(row));
    Control::Command(Command { kind, scope, operator: 0, command_id })
}

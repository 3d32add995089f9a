//! Logs gateways on again while the engine runs: one thread for each gateway that goes on with
//! sessions.
//!
//! It waits at the stage's door (`gateway::Door`). When a session is over, the gateway is connected
//! and logged on again, after pauses that grow to a bound; how, and what is known of the session
//! before, is its protocol's (`ilink3`, `dstar`). Secrets are read anew for each attempt, so that a
//! key can be changed while the engine runs. What cannot be put right by trying again stops it: the
//! session stays down, the desk opens nothing there, and people are told why.
//!
//! Where a gateway has a week, its session is ended as planned and the next one begun. First
//! nothing new is sent on it; then what still lives is waited for, as the desk's record tells it
//! (`settle`), to the end of the pause if need be. What was not heard by then is not asked for:
//! messages of a week cannot be had in the next.
//!
//! Nothing here is asked of orders: the hot session asks for what was missed, and says `Up` when it
//! has all of it. Called by `live`.

mod book;
mod dstar;
mod ilink3;
mod week;

pub use book::{BookError, SessionBook};
pub use dstar::{CounterAgain, LogOnCounter};
pub use ilink3::{Attempt, Entered, LogOn};
pub use week::Weeks;

use self::week::Week;
use super::gateway::{Door, GatewayStart};
use super::threads::{ThreadError, named};
use super::wire::Starts;
use crate::config::Configuration;
use crate::venue::cme::ilink3::resume;
use serde::Serialize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::thread::Scope;
use std::time::{Duration, Instant};
use xmc_hotpath::gateway::{self, Entry, Leave, SessionLost};
use xmc_hotpath::message::GatewayIndex;

/// Between two looks at the door.
const NAP: Duration = Duration::from_millis(2);

/// How long a stage that is asked to send nothing new may take to hear it: what it has sent until
/// then is in the record as well.
const HEARING: Duration = Duration::from_millis(250);

/// How fast sessions that are lost are tried for again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The pause before the second attempt; each further one is twice as long.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
    /// A session that has lasted so long was one: the next is tried for at once.
    pub settled: Duration,
}

impl Pace {
    /// The engine's: exchanges close the ports of those who try too often.
    pub const ENGINE: Self = Self {
        first: Duration::from_millis(100),
        longest: Duration::from_secs(30),
        settled: Duration::from_secs(10),
    };

    /// Waits before an attempt; `false` if the run is over.
    fn pause(&self, tries: u32, is_over: &AtomicBool) -> bool {
        let doubled = tries.saturating_sub(1).min(16);
        let pause = if tries == 0 { Duration::ZERO } else { self.first * (1 << doubled) };
        let until = Instant::now() + pause.min(self.longest);
        while Instant::now() < until && !is_over.load(Ordering::Acquire) {
            std::thread::sleep(NAP);
        }
        !is_over.load(Ordering::Acquire)
    }
}

/// How sessions go on when they are lost.
pub struct Sessions<'a, G> {
    /// How an iLink 3 gateway is connected and logged on.
    pub log_on: Box<LogOn<'a, G>>,
    /// How a gateway at a counter is connected and logged on.
    pub log_on_counter: Box<LogOnCounter<'a, G>>,
    /// Where what is known of iLink 3 sessions is kept: the journal's directory.
    pub directory: PathBuf,
    /// How fast.
    pub pace: Pace,
    /// When they are planned to end.
    pub weeks: Weeks<'a>,
}

/// What has become of the sessions of a gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SessionFigures {
    /// Which gateway.
    pub gateway: String,
    /// Sessions that ended.
    pub lost: u64,
    /// Why the last one did, in a word.
    pub last_lost: Option<&'static str>,
    /// Attempts that failed.
    pub failed: u64,
    /// Why the last one did.
    pub last_error: Option<String>,
    /// Sessions that came after the first.
    pub resumed: u64,
    /// Sessions that were ended because their week was over.
    pub weeks: u64,
    /// Sessions before of which messages are missing for good.
    pub unasked: u64,
    /// In how many days the key of the last logon expires, as it said; `None`: nothing was said.
    pub key_expires_days: Option<u16>,
    /// Nobody tries any more.
    pub is_stopped: bool,
}

/// One gateway.
#[derive(Debug)]
struct Row {
    figures: SessionFigures,
    gateway: GatewayIndex,
    /// Its session is about to be ended; it is asked whether anything lives there.
    is_parting: bool,
    /// Nothing lives there, and nothing comes.
    is_settled: bool,
}

/// Figures of all gateways, for whoever looks on.
#[derive(Debug, Default)]
pub struct Published(Mutex<Vec<Row>>);

impl Published {
    /// As they are now, by gateway.
    ///
    /// # Panics
    /// Never: nobody panics with the lock.
    #[must_use]
    pub fn figures(&self) -> Vec<SessionFigures> {
        self.rows().iter().map(|row| row.figures.clone()).collect()
    }

    /// Answers for each gateway whose session is about to be ended whether nothing lives there: the
    /// desk knows that nothing can be sent, and of no order that is not over.
    ///
    /// # Panics
    /// Never: nobody panics with the lock.
    pub fn settle(&self, is_settled: impl Fn(GatewayIndex) -> bool) {
        for row in self.rows().iter_mut().filter(|row| row.is_parting) {
            row.is_settled = is_settled(row.gateway);
        }
    }

    fn rows(&self) -> MutexGuard<'_, Vec<Row>> {
        self.0.lock().expect("nobody panics with it")
    }

    /// A gateway whose figures are shown from now on; its place.
    fn enter(&self, row: usize, gateway: &str) -> usize {
        let figures = SessionFigures { gateway: gateway.to_owned(), ..SessionFigures::default() };
        let gateway = GatewayIndex(u8::try_from(row).expect("gateways are few"));
        let mut all = self.rows();
        all.push(Row { figures, gateway, is_parting: false, is_settled: false });
        all.len() - 1
    }

    /// In how many days the keys of each gateway's first logon expire, by gateway.
    ///
    /// # Panics
    /// Never: nobody panics with the lock.
    pub fn first_keys(&self, days: &[Option<u16>]) {
        for row in self.rows().iter_mut() {
            let days = days.get(usize::from(row.gateway.0)).copied().flatten();
            // Another logon may have said more since.
            row.figures.key_expires_days = row.figures.key_expires_days.or(days);
        }
    }

    fn note(&self, place: usize, change: impl FnOnce(&mut SessionFigures)) {
        change(&mut self.rows()[place].figures);
    }

    /// Begins to ask whether anything lives at a gateway, or ends it.
    fn part(&self, place: usize, is_parting: bool) {
        let row = &mut self.rows()[place];
        (row.is_parting, row.is_settled) = (is_parting, false);
    }

    fn is_settled(&self, place: usize) -> bool {
        self.rows()[place].is_settled
    }
}

impl<G> Sessions<'_, G> {
    /// Notes which sessions begin, before anything is sent on them.
    pub(super) fn begin(&self, config: &Configuration, starts: &Starts) -> Result<(), BookError> {
        for (gateway, start) in config.gateways.iter().zip(&starts.gateways) {
            if let GatewayStart::Ilink3(handover) = start {
                let book = SessionBook::new(&self.directory, &gateway.name.value);
                book.write(&resume::begun(handover))?;
            }
        }
        Ok(())
    }

    /// Sees to the sessions of all gateways that have a door, on threads of their own.
    ///
    /// # Errors
    /// The system has no room for a thread.
    pub fn serve<'scope, 'env: 'scope>(
        &'env self,
        scope: &'scope Scope<'scope, 'env>,
        config: &'env Configuration,
        doors: Vec<Option<Door<G>>>,
        figures: &'env Published,
        is_over: &'env AtomicBool,
    ) -> Result<(), ThreadError>
    where
        G: Send + 'env,
    {
        for (row, door) in doors.into_iter().enumerate() {
            let gateway = config.gateways[row].name.value.as_str();
            let Some(door) = door else { continue };
            let name = format!("xmc-session-{row}");
            let place = figures.enter(row, gateway);
            match door {
                Door::Ilink3(door) => {
                    let book = SessionBook::new(&self.directory, gateway);
                    let succession = ilink3::Succession::new(&*self.log_on, row, book);
                    let week = Week::new(&self.weeks, row);
                    let served = Served::new(door, succession, (figures, place), self.pace, week);
                    named(scope, &name, move || served.run(is_over))?;
                }
                Door::Dstar { door, contracts } => {
                    let log_on = &*self.log_on_counter;
                    let succession = dstar::Succession::new(log_on, row, contracts);
                    let week = Week::endless(&self.weeks, row);
                    let served = Served::new(door, succession, (figures, place), self.pace, week);
                    named(scope, &name, move || served.run(is_over))?;
                }
            }
        }
        Ok(())
    }
}

/// How one session of a protocol follows another.
trait Follow<G> {
    /// Where a logon leaves the next one.
    type Handover;
    /// Where the last one stood.
    type Left;

    /// One has ended.
    fn ended(&mut self, left: &Self::Left) -> End;

    /// Its week is over: the next session is another one, and knows of none before.
    ///
    /// # Errors
    /// That cannot be written down.
    fn week_over(&mut self) -> Result<(), BookError> {
        Ok(())
    }

    /// One attempt to begin another.
    fn enter(&mut self) -> Result<Begun<G, Self::Handover>, Failed>;
}

/// Another session.
struct Begun<G, H> {
    entry: Entry<G, H>,
    /// Sessions before of which messages are missing for good.
    unasked: u64,
    /// In how many days its key expires, if that was said.
    key_expires_days: Option<u16>,
}

/// What the end of a session means.
struct End {
    why: SessionLost,
    /// Messages of sessions before are missing for good.
    is_more_missing: bool,
    /// Another is tried for.
    goes_on: bool,
    /// What could not be written down.
    error: Option<String>,
}

/// An attempt that led to nothing.
struct Failed {
    error: String,
    /// Another one is made.
    goes_on: bool,
}

/// How far the planned end of a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Parting {
    /// It is not due.
    No,
    /// Nothing new is sent, since then, and what lives is waited for.
    Quiet(Instant),
    /// It is being ended.
    Leaving,
}

/// The sessions of one gateway.
struct Served<'s, G, F: Follow<G>> {
    door: gateway::Door<G, F::Handover, F::Left>,
    succession: F,
    figures: &'s Published,
    place: usize,
    pace: Pace,
    /// When the session began, and how often was tried for it.
    since: Instant,
    tries: u32,
    week: Week<'s>,
    parting: Parting,
}

impl<'s, G, F: Follow<G>> Served<'s, G, F> {
    fn new(
        door: gateway::Door<G, F::Handover, F::Left>,
        succession: F,
        (figures, place): (&'s Published, usize),
        pace: Pace,
        week: Week<'s>,
    ) -> Self {
        let (since, parting) = (Instant::now(), Parting::No);
        Self { door, succession, figures, place, pace, since, tries: 0, week, parting }
    }

    /// Sees to it that there is a session, until `is_over`.
    fn run(mut self, is_over: &AtomicBool) {
        while !is_over.load(Ordering::Acquire) {
            // Closing may take its time, here it is nobody's.
            drop(self.door.spent.pop());
            if let Some(left) = self.door.left.pop() {
                self.go_on(&left, is_over);
            }
            self.part();
            std::thread::sleep(NAP);
        }
    }

    /// Ends the session if its week is over.
    fn part(&mut self) {
        let is_week_over = self.week.is_over();
        let (leave, parting) = match self.parting {
            Parting::No if is_week_over => (Leave::Quiesce, Parting::Quiet(Instant::now())),
            Parting::Quiet(since)
                if since.elapsed() >= HEARING && self.figures.is_settled(self.place) =>
            {
                (Leave::LogOut, Parting::Leaving)
            }
            Parting::Quiet(_) if !is_week_over => {
                let error = "orders were not over when the next week began: ask the venue";
                self.note(|figures| figures.last_error = Some(error.to_owned()));
                (Leave::LogOut, Parting::Leaving)
            }
            Parting::No | Parting::Quiet(_) | Parting::Leaving => return,
        };
        if self.door.leave.push(leave).is_ok() {
            self.parting = parting;
            self.figures.part(self.place, matches!(parting, Parting::Quiet(_)));
        }
    }

    /// Waits until the next week has begun; what was known of the last one is forgotten.
    fn rest(&mut self, is_over: &AtomicBool) {
        if let Err(error) = self.succession.week_over() {
            self.note(|figures| figures.last_error = Some(error.to_string()));
        }
        self.note(|figures| figures.weeks += 1);
        self.tries = 0;
        while self.week.is_over() && !is_over.load(Ordering::Acquire) {
            std::thread::sleep(NAP);
        }
    }

    fn note(&self, change: impl FnOnce(&mut SessionFigures)) {
        self.figures.note(self.place, change);
    }

    fn go_on(&mut self, left: &F::Left, is_over: &AtomicBool) {
        let End { why, is_more_missing, mut goes_on, error } = self.succession.ended(left);
        self.note(|figures| {
            figures.lost += 1;
            figures.last_lost = Some(why.word());
            figures.unasked += u64::from(is_more_missing);
            figures.last_error = error.or(figures.last_error.take());
        });
        self.tries = if self.since.elapsed() > self.pace.settled { 0 } else { self.tries + 1 };
        let is_parting = std::mem::replace(&mut self.parting, Parting::No) != Parting::No;
        self.figures.part(self.place, false);
        // One that the exchange ends in the pause is not followed by another before its end.
        if goes_on && (is_parting || self.week.is_over()) {
            self.rest(is_over);
        }
        while goes_on && self.pace.pause(self.tries, is_over) {
            match self.succession.enter() {
                Ok(begun) => return self.entered(begun),
                Err(failed) => {
                    goes_on = failed.goes_on;
                    self.note(|figures| {
                        figures.failed += 1;
                        figures.last_error = Some(failed.error);
                    });
                }
            }
            self.tries += 1;
        }
        self.note(|figures| figures.is_stopped = !goes_on);
    }

    fn entered(&mut self, begun: Begun<G, F::Handover>) {
        let Begun { entry, unasked, key_expires_days } = begun;
        let pushed = self.door.entries.push(entry);
        debug_assert!(pushed.is_ok(), "the stage waits for one");
        self.since = Instant::now();
        self.note(|figures| {
            figures.resumed += 1;
            figures.unasked += unasked;
            figures.key_expires_days = key_expires_days;
        });
    }
}

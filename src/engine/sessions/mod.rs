//! Logs gateways on again while the engine runs: one thread for each gateway that goes on with
//! sessions.
//!
//! It waits at the stage's door (`gateway::Door`). When a session is over, what is known of it is
//! written down (`book`), and the gateway is connected and logged on again: under the same UUID
//! first, with a new one if the exchange does not know it any more, at the primary and the backup
//! address in turn, after pauses that grow to a bound. Secrets are read anew for each attempt, so
//! that a key can be changed while the engine runs. What cannot be put right by trying again stops
//! it: the session stays down, the desk opens nothing there, and people are told why.
//!
//! Nothing here is asked of orders: the hot session asks for what was missed, and says `Up` when it
//! has all of it. Called by `live`.

mod book;

pub use book::{BookError, SessionBook};

use super::gateway::{Door, GatewayStart};
use super::logon::LogonError;
use super::wire::Starts;
use crate::config::Configuration;
use crate::venue::cme::ilink3::resume::{self, Course, Known};
use serde::Serialize;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Scope;
use std::time::{Duration, Instant};
use xmc_hotpath::gateway::Entry;
use xmc_hotpath::venue::cme::ilink3::session::{Handover, Left};

/// Between two looks at the door.
const NAP: Duration = Duration::from_millis(2);
/// The pause before the second attempt; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause: exchanges close the ports of those who try too often.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A session that has lasted so long was one.
const SETTLED: Duration = Duration::from_secs(10);

/// What a logon is to ask for.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// What is known of the sessions before, the newest last.
    pub known: &'a [Known],
    /// The session that is established again, and the number of our next message in it; `None` for
    /// a new one.
    pub again: Option<(u64, u32)>,
    /// At the backup address, if there is one.
    pub is_backup: bool,
}

impl Attempt<'_> {
    /// The first session of a gateway of which nothing is known.
    pub const FIRST: Self = Self { known: &[], again: None, is_backup: false };
}

/// A session that a logon has led to.
#[derive(Debug)]
pub struct Entered<G> {
    /// For the stage.
    pub entry: Entry<G, Handover>,
    /// Sessions before of which messages are missing for good.
    pub unasked: usize,
}

/// Connects gateway `row` and logs on.
pub type LogOn<'a, G> =
    dyn Fn(usize, &Attempt<'_>) -> Result<Entered<G>, LogonError> + Send + Sync + 'a;

/// How sessions go on when they are lost.
pub struct Sessions<'a, G> {
    /// How a gateway is connected and logged on.
    pub log_on: Box<LogOn<'a, G>>,
    /// Where what is known of them is kept: the journal's directory.
    pub directory: PathBuf,
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
    /// Sessions before of which messages are missing for good.
    pub unasked: u64,
    /// Nobody tries any more.
    pub is_stopped: bool,
}

/// Figures of all gateways, for whoever looks on.
#[derive(Debug, Default)]
pub struct Published(Mutex<Vec<SessionFigures>>);

impl Published {
    /// As they are now, by gateway.
    ///
    /// # Panics
    /// Never: nobody panics with the lock.
    #[must_use]
    pub fn figures(&self) -> Vec<SessionFigures> {
        self.0.lock().expect("nobody panics with it").clone()
    }

    /// A gateway whose figures are shown from now on; its place.
    fn enter(&self, gateway: &str) -> usize {
        let mut all = self.0.lock().expect("nobody panics with it");
        all.push(SessionFigures { gateway: gateway.to_owned(), ..SessionFigures::default() });
        all.len() - 1
    }

    fn note(&self, place: usize, change: impl FnOnce(&mut SessionFigures)) {
        change(&mut self.0.lock().expect("nobody panics with it")[place]);
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
    pub fn serve<'scope, 'env: 'scope>(
        &'env self,
        scope: &'scope Scope<'scope, 'env>,
        config: &'env Configuration,
        doors: Vec<Option<Door<G>>>,
        figures: &'env Published,
        is_over: &'env AtomicBool,
    ) where
        G: Send + 'env,
    {
        for (row, door) in doors.into_iter().enumerate() {
            let gateway = config.gateways[row].name.value.as_str();
            if let Some(door) = door {
                let served = Served::new((row, gateway), door, self, figures);
                scope.spawn(move || served.run(is_over));
            }
        }
    }
}

/// The sessions of one gateway.
struct Served<'s, G> {
    row: usize,
    door: Door<G>,
    sessions: &'s Sessions<'s, G>,
    book: SessionBook,
    figures: &'s Published,
    place: usize,
    /// When the session began, and how often was tried for it.
    since: Instant,
    tries: u32,
}

impl<'s, G> Served<'s, G> {
    fn new(
        (row, gateway): (usize, &str),
        door: Door<G>,
        sessions: &'s Sessions<'s, G>,
        figures: &'s Published,
    ) -> Self {
        let book = SessionBook::new(&sessions.directory, gateway);
        let (place, since) = (figures.enter(gateway), Instant::now());
        Self { row, door, sessions, book, figures, place, since, tries: 0 }
    }

    /// Sees to it that there is a session, until `is_over`.
    fn run(mut self, is_over: &AtomicBool) {
        while !is_over.load(Ordering::Acquire) {
            // Closing may take its time, here it is nobody's.
            drop(self.door.spent.pop());
            if let Some(left) = self.door.left.pop() {
                self.go_on(&left, is_over);
            }
            std::thread::sleep(NAP);
        }
    }

    fn note(&self, change: impl FnOnce(&mut SessionFigures)) {
        self.figures.note(self.place, change);
    }

    fn go_on(&mut self, left: &Left, is_over: &AtomicBool) {
        self.note(|figures| {
            figures.lost += 1;
            figures.last_lost = Some(left.why.word());
            figures.unasked += u64::from(left.is_more_missing);
        });
        let known = resume::ended(left);
        if let Err(error) = self.book.write(&known) {
            // What was written when it began still holds: it is only less.
            self.note(|figures| figures.last_error = Some(error.to_string()));
        }
        self.tries = if self.since.elapsed() > SETTLED { 0 } else { self.tries + 1 };
        let mut course = resume::after_loss(left.why);
        let mut is_backup = false;
        while course != Course::Stop && pause(self.tries, is_over) {
            let again = (course == Course::Same).then_some((left.uuid, left.next_seq_no));
            match self.enter(&Attempt { known: &known, again, is_backup }) {
                Ok(()) => return,
                Err(Failed::Logon(error)) => {
                    course = after(course, &error);
                    self.failed(error.to_string());
                }
                Err(Failed::Book(error)) => self.failed(error.to_string()),
            }
            self.tries += 1;
            is_backup = !is_backup;
        }
        self.note(|figures| figures.is_stopped = course == Course::Stop);
    }

    fn failed(&self, why: String) {
        self.note(|figures| {
            figures.failed += 1;
            figures.last_error = Some(why);
        });
    }

    /// One attempt. Without a note of it no session begins.
    fn enter(&mut self, attempt: &Attempt<'_>) -> Result<(), Failed> {
        let entered = (self.sessions.log_on)(self.row, attempt).map_err(Failed::Logon)?;
        let Entered { entry, unasked } = entered;
        self.book.write(&resume::begun(&entry.handover)).map_err(Failed::Book)?;
        let pushed = self.door.entries.push(entry);
        debug_assert!(pushed.is_ok(), "the stage waits for one");
        self.since = Instant::now();
        self.note(|figures| {
            figures.resumed += 1;
            figures.unasked += u64::try_from(unasked).unwrap_or(u64::MAX);
        });
        Ok(())
    }
}

enum Failed {
    Logon(LogonError),
    Book(BookError),
}

/// How to go on when an attempt has failed.
fn after(course: Course, error: &LogonError) -> Course {
    match error {
        LogonError::Ilink3 { source, .. } => resume::after_refusal(course, source),
        // Nobody there, or a key that is just being changed.
        LogonError::Socket(_) | LogonError::Secret { .. } => course,
        _ => Course::Stop,
    }
}

/// Waits before an attempt; `false` if the run is over.
fn pause(tries: u32, is_over: &AtomicBool) -> bool {
    let doubled = tries.saturating_sub(1).min(16);
    let pause = if tries == 0 { Duration::ZERO } else { FIRST_PAUSE * (1 << doubled) };
    let until = Instant::now() + pause.min(LONGEST_PAUSE);
    while Instant::now() < until && !is_over.load(Ordering::Acquire) {
        std::thread::sleep(NAP);
    }
    !is_over.load(Ordering::Acquire)
}

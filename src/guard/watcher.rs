//! The guard's loop: look, judge, act, and say what changed.

use super::Places;
use super::act::{self, Actor};
use super::beat::{self, GuardBeat};
use super::cancel::Secrets;
use super::log::Log;
use super::sight::{Seen, Sight};
use super::state::{Case, Outcome, Phase, Process, State, StateError};
use super::tell::{self, Told};
use super::watch::{Verdict, Watch};
use super::window::Window;
use crate::alert::message::now_ns;
use crate::alert::rule::Rule;
use crate::alert::signal::labels;
use crate::config::{Configuration, Guard, GuardAct};
use crate::counters::{EngineState, ReadError};
use crate::engine::lease::{Fence, LeaseError};
use crate::journal::lock::Locked;
use serde_json::{Value, json};
use std::fs::{File, TryLockError};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The lock's name in the guard's directory.
pub const LOCK: &str = "lock";
/// Between two looks at the fence while there is one.
const BETWEEN_FENCES: Duration = Duration::from_millis(100);
/// The priority that is asked for: a guard that waits for a core is no use. Refused without the
/// right to it, and gone on without.
const NICE: i32 = -10;

/// Why there is no guard.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// The configuration has no `[guard]`.
    #[error("the configuration has no [guard]: write one; it may be empty")]
    NotConfigured,
    /// There is another one.
    #[error(
        "another guard watches {}: two would kill and cancel for each other's engine; stop that \
         one first",
        path.display()
    )]
    Held {
        /// What is locked.
        path: PathBuf,
    },
    /// The directory.
    #[error("the guard's directory {}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What is remembered.
    #[error(transparent)]
    State(#[from] StateError),
    /// The fence cannot be looked at.
    #[error(transparent)]
    Lease(#[from] LeaseError),
}

/// Something that changed.
#[derive(Clone, Debug)]
pub struct News {
    /// A word.
    pub event: &'static str,
    /// Which run; 0 if none is known.
    pub run: u16,
    /// For people.
    pub text: String,
    /// The same as data.
    pub what: Value,
}

/// How a guard is to work.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manner {
    /// It does nothing about what it sees, whatever is configured.
    pub is_dry: bool,
    /// It ends once it has acted.
    pub until_acted: bool,
}

/// How it has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// It was asked to, and has not acted, or everything was confirmed and lifted.
    Quiet,
    /// It has acted; whether every venue has confirmed that nothing lives.
    Acted {
        /// Every one.
        is_confirmed: bool,
    },
}

/// The guard of one desk.
pub struct Watcher<'a> {
    places: Places,
    config: &'a Configuration,
    guard: &'a Guard,
    secrets: &'a Secrets<'a>,
    log: Log,
    sight: Sight,
    watch: Watch,
    state: State,
    /// A run that was found dead, or is settled in another way.
    settled: Option<Process>,
    /// What was said last, so that nothing is said twice.
    said: String,
    beaten: Option<Instant>,
    began: Instant,
    _lock: Locked,
}

impl<'a> Watcher<'a> {
    /// The guard of the engine of `config` that records to `places`.
    ///
    /// # Errors
    /// See `GuardError`.
    pub fn open(
        places: Places,
        config: &'a Configuration,
        secrets: &'a Secrets<'a>,
    ) -> Result<Self, GuardError> {
        let guard = config.guard.as_ref().ok_or(GuardError::NotConfigured)?;
        let directory = &places.guard;
        let failed = |source| GuardError::Io { path: directory.clone(), source };
        std::fs::create_dir_all(directory).map_err(failed)?;
        let path = directory.join(LOCK);
        let file = File::options().write(true).create(true).truncate(false).open(&path);
        let lock = match Locked::take(file.map_err(failed)?) {
            Ok(lock) => lock,
            Err(TryLockError::WouldBlock) => return Err(GuardError::Held { path }),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        };
        let _ = rustix::process::setpriority_process(None, NICE);
        Ok(Self {
            config,
            guard,
            secrets,
            log: Log::new(directory),
            sight: Sight::new(&places.record, places.identity),
            watch: Watch::new(guard),
            state: State::read(directory)?,
            settled: None,
            said: String::new(),
            beaten: None,
            began: Instant::now(),
            places,
            _lock: lock,
        })
    }

    /// Watches until `is_over`, or as `manner` says; `say` is told what changes.
    ///
    /// # Errors
    /// The fence can no longer be looked at.
    pub fn run(
        &mut self,
        manner: Manner,
        is_over: &AtomicBool,
        say: &mut dyn FnMut(&News),
    ) -> Result<Conclusion, GuardError> {
        if manner.is_dry || self.guard.act == GuardAct::Tell {
            let case = self.state.case.as_ref().filter(|case| case.phase != Phase::Done);
            if let Some(run) = case.map(|case| case.process.run) {
                let text = "a guard before has begun to act; this one does nothing".to_owned();
                self.say(say, "left", run, text, Value::Null);
            }
        } else {
            self.resume(is_over, say);
        }
        let (mut has_acted, mut fenced) = (None::<bool>, None::<Instant>);
        loop {
            let looked = Instant::now();
            if is_over.load(Ordering::Relaxed) {
                break;
            }
            if fenced.is_none_or(|at| at.elapsed() >= BETWEEN_FENCES) {
                // A disk that cannot be read now holds no look up: what was known stays.
                let Ok(fence) = self.fence() else {
                    let text = "the fence cannot be looked at: see the lease directory".to_owned();
                    self.say(say, "fence", 0, text, Value::Null);
                    fenced = fenced.map(|_| looked);
                    self.pause(manner, fenced.is_some(), (looked, is_over), say);
                    continue;
                };
                if fence.is_none() && fenced.take().is_some() {
                    has_acted = None;
                    self.say(say, "lifted", 0, "the fence is lifted".to_owned(), Value::Null);
                }
                if let Some(fence) = fence {
                    let is_done = self.fenced(&fence, say);
                    has_acted = Some(is_done);
                    if manner.until_acted {
                        break;
                    }
                    fenced = Some(looked);
                }
            }
            self.pause(manner, fenced.is_some(), (looked, is_over), say);
        }
        let _ = GuardBeat::remove(&self.places.guard);
        Ok(match has_acted {
            Some(is_confirmed) => Conclusion::Acted { is_confirmed },
            None => Conclusion::Quiet,
        })
    }

    /// Looks at the engine unless it is fenced, and rests until the next look.
    fn pause(
        &mut self,
        manner: Manner,
        is_fenced: bool,
        (looked, is_over): (Instant, &AtomicBool),
        say: &mut dyn FnMut(&News),
    ) {
        let verdict = match is_fenced {
            true => "fenced".to_owned(),
            false => self.look(manner, is_over, say),
        };
        self.beat(&verdict);
        let rest = self.guard.look.saturating_sub(looked.elapsed());
        std::thread::sleep(if is_fenced { BETWEEN_FENCES } else { rest });
    }

    /// Looks for as long as a verdict takes, does nothing, and says what it is.
    pub fn once(&mut self) -> (Option<Process>, Result<Verdict, String>) {
        let until = Instant::now() + self.guard.look * (super::watch::LOOKS + 2);
        loop {
            let seen = self.sight.look();
            let (process, verdict) = match seen {
                Ok(Some(Seen { run, signs, .. })) => {
                    let verdict = self.watch.judge(&signs, self.began.elapsed());
                    (Some(Process::of(&run)), Ok(verdict))
                }
                Ok(None) => (None, Err("no engine has this record".to_owned())),
                Err(error) => (None, Err(error.to_string())),
            };
            if Instant::now() >= until {
                return (process, verdict);
            }
            std::thread::sleep(self.guard.look);
        }
    }

    /// The fence of the desk, if it stands.
    ///
    /// # Errors
    /// It cannot be looked at.
    pub fn fence(&self) -> Result<Option<Fence>, LeaseError> {
        Fence::of(&self.places.leases, self.places.identity)
    }

    fn actor<'s>(&'s self, is_over: &'s AtomicBool) -> Actor<'s> {
        let Self { places, config, guard, secrets, log, .. } = self;
        Actor { places, config, guard, secrets: *secrets, log, is_over }
    }

    /// Goes on with what a guard before has begun.
    fn resume(&mut self, is_over: &AtomicBool, say: &mut dyn FnMut(&News)) {
        let mut state = std::mem::take(&mut self.state);
        let is_fenced = self.fence().is_ok_and(|fence| fence.is_some());
        if let Some(case) = &mut state.case {
            // Whoever has lifted the fence has seen to it.
            let is_open = !case.is_lifted
                && (case.phase != Phase::Done || (is_fenced && !case.is_confirmed()));
            if is_open {
                for one in &mut case.gateways {
                    if matches!(one.outcome, Outcome::Failed { .. }) {
                        one.outcome = Outcome::Waiting;
                    }
                }
                case.phase = case.phase.min(Phase::Killed);
                let run = case.process.run;
                self.say(say, "resumed", run, "goes on with what was begun".to_owned(), json!({}));
                self.actor(is_over).run(&mut state);
            } else {
                self.actor(is_over).tell_again(&mut state);
            }
        }
        self.state = state;
    }

    /// One look; the verdict in words.
    fn look(&mut self, manner: Manner, is_over: &AtomicBool, say: &mut dyn FnMut(&News)) -> String {
        let seen = match self.sight.look() {
            Ok(Some(seen)) => seen,
            Ok(None) => {
                let text = "no engine has this record yet".to_owned();
                self.say(say, "none", 0, text.clone(), Value::Null);
                return text;
            }
            Err(error) => return self.unread(&error, say),
        };
        let process = Process::of(&seen.run);
        if seen.is_new {
            self.begin(process, &seen, say);
        }
        if self.settled == Some(process) {
            return self.said.clone();
        }
        let verdict = self.watch.judge(&seen.signs, self.began.elapsed());
        let words = verdict.words();
        if !verdict.is_failure() {
            // One late look is no news.
            if !matches!(verdict, Verdict::Late { .. }) {
                self.say(say, "verdict", process.run, words.clone(), json!(verdict));
            }
            return words;
        }
        if let Some(window) = Window::of(&self.places.guard, now_ns()) {
            // Without its age, which changes with each look.
            let text = format!("does not work, in maintenance announced by {}", window.by);
            self.say(say, "maintenance", process.run, text.clone(), json!(window));
            if verdict == Verdict::Gone {
                self.settled = Some(process);
                self.state.excused = Some(process);
                let _ = self.state.write(&self.places.guard);
            }
            return text;
        }
        if manner.is_dry || self.guard.act == GuardAct::Tell {
            self.settled = Some(process);
            self.say(say, "seen", process.run, words.clone(), json!(verdict));
            if !manner.is_dry {
                self.tell(process.run, &words);
            }
            return words;
        }
        self.say_without_log(say, "found", process.run, words.clone(), json!(verdict));
        let mut state = std::mem::take(&mut self.state);
        state.case = Some(act::case(self.config, process, words.clone()));
        self.actor(is_over).run(&mut state);
        self.state = state;
        // Its counters stay, also when the fence is lifted.
        self.settled = Some(process);
        words
    }

    /// A run is seen for the first time by this process.
    fn begin(&mut self, process: Process, seen: &Seen, say: &mut dyn FnMut(&News)) {
        self.watch = Watch::new(self.guard);
        self.settled = None;
        let is_alive = matches!(seen.signs.engine, EngineState::Running | EngineState::Stopped);
        if is_alive {
            if self.state.watched != Some(process) {
                self.state.watched = Some(process);
                // Not knowing it after a restart of the guard is worse than being late by a sync.
                let _ = self.state.write(&self.places.guard);
            }
            let text = format!("run {}, process {}, is watched", process.run, process.pid);
            self.say(say, "watching", process.run, text, json!(process));
            return;
        }
        let is_handled =
            self.state.case.as_ref().is_some_and(|case: &Case| case.process == process);
        let is_excused = self.state.excused == Some(process);
        if self.state.watched == Some(process) && !is_handled && !is_excused {
            return;
        }
        self.settled = Some(process);
        let words = match seen.signs.engine {
            EngineState::Ended(_) => "ended in order before it was watched",
            _ if is_handled => "was fenced, and the fence is lifted",
            _ if is_excused => "ended in announced maintenance",
            _ => "was gone before it was watched: nothing is done about it",
        };
        self.say(say, "verdict", process.run, words.to_owned(), json!({}));
    }

    /// The fence stands; whether every venue has confirmed.
    fn fenced(&mut self, fence: &Fence, say: &mut dyn FnMut(&News)) -> bool {
        let case = self.state.case.as_ref().filter(|case| case.process.run == fence.run);
        let is_confirmed = case.is_some_and(Case::is_confirmed);
        let (text, what) = (format!("fenced: {fence}"), json!(case));
        self.say(say, "fenced", fence.run, text, what);
        is_confirmed
    }

    fn unread(&mut self, error: &ReadError, say: &mut dyn FnMut(&News)) -> String {
        let text = format!("cannot see the engine: {error}");
        self.say(say, "unread", 0, text.clone(), Value::Null);
        text
    }

    fn tell(&self, run: u16, why: &str) {
        let rule = Rule::GuardSaw;
        let told = Told { rule, run, labels: labels([("why", why)]), at_ns: now_ns() };
        let audience = tell::audience(self.config, rule);
        let untold = tell::tell(self.config, &self.places.record, &told, &audience);
        let _ = self.log.write(run, "told", json!({ "code": rule.code(), "untold": untold }));
    }

    /// Says and writes down something, unless it was the last that was said.
    fn say(
        &mut self,
        say: &mut dyn FnMut(&News),
        event: &'static str,
        run: u16,
        text: String,
        what: Value,
    ) {
        if self.said != text {
            let _ = self.log.write(run, event, json!({ "text": text, "what": what }));
            self.say_without_log(say, event, run, text, what);
        }
    }

    /// The same where nothing may wait for the disk.
    fn say_without_log(
        &mut self,
        say: &mut dyn FnMut(&News),
        event: &'static str,
        run: u16,
        text: String,
        what: Value,
    ) {
        self.said.clone_from(&text);
        say(&News { event, run, text, what });
    }

    fn beat(&mut self, verdict: &str) {
        if self.beaten.is_some_and(|at| at.elapsed() < beat::EVERY) {
            return;
        }
        self.beaten = Some(Instant::now());
        let run = self.state.watched.map(|process| process.run);
        let verdict = verdict.to_owned();
        let beat = GuardBeat { pid: std::process::id(), at_ns: now_ns(), run, verdict };
        // The next one may be written.
        let _ = beat.write(&self.places.guard);
    }
}

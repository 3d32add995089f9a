//! The guard's loop: look, judge, act, and say what changed.

use super::Places;
use super::act::{self, Actor};
use super::activity::Activity;
use super::beat::{self, GuardBeat};
use super::cancel::Secrets;
use super::disk::Disks;
use super::kill::kill;
use super::sight::{Seen, Sight};
use super::standing::Standing;
use super::state::{Case, Outcome, Phase, Process, State, StateError};
use super::tell::{self, Told};
use super::watch::{Verdict, Watch};
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
    /// It does nothing about what it sees, whatever is configured, writes nothing, and lets another
    /// one watch beside it: to nobody does it count as a guard.
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
    manner: Manner,
    disks: Disks,
    standing: Standing,
    sight: Sight,
    activity: Activity,
    watch: Watch,
    state: State,
    /// A run that was found dead, or is settled in another way.
    settled: Option<Process>,
    /// What was said last, so that nothing is said twice.
    said: String,
    beaten: Option<Instant>,
    /// When what failed was last tried.
    tried: Option<Instant>,
    /// Whether people were told that a thread is starved, since it last was not.
    is_starved: bool,
    began: Instant,
    _lock: Option<Locked>,
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
        manner: Manner,
    ) -> Result<Self, GuardError> {
        let guard = config.guard.as_ref().ok_or(GuardError::NotConfigured)?;
        let directory = &places.guard;
        let failed = |source| GuardError::Io { path: directory.clone(), source };
        let lock = if manner.is_dry {
            None
        } else {
            std::fs::create_dir_all(directory).map_err(failed)?;
            let path = directory.join(LOCK);
            let file = File::options().write(true).create(true).truncate(false).open(&path);
            match Locked::take(file.map_err(failed)?) {
                Ok(lock) => Some(lock),
                Err(TryLockError::WouldBlock) => return Err(GuardError::Held { path }),
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
        };
        let _ = rustix::process::setpriority_process(None, NICE);
        Ok(Self {
            config,
            guard,
            secrets,
            manner,
            disks: Disks::start(&places, manner.is_dry).map_err(failed)?,
            standing: Standing::read(&places)?,
            sight: Sight::new(&places.record, places.identity),
            activity: Activity::default(),
            watch: Watch::new(guard),
            state: State::read(directory)?,
            settled: None,
            said: String::new(),
            beaten: None,
            tried: None,
            is_starved: false,
            began: Instant::now(),
            places,
            _lock: lock,
        })
    }

    /// Whether it does nothing about what it sees.
    fn only_looks(&self) -> bool {
        self.manner.is_dry || self.guard.act == GuardAct::Tell
    }

    /// Watches until `is_over`, or as its manner says; `say` is told what changes.
    pub fn run(&mut self, is_over: &AtomicBool, say: &mut dyn FnMut(&News)) -> Conclusion {
        if self.only_looks() {
            let case = self.state.case.as_ref().filter(|case| case.phase != Phase::Done);
            if let Some(run) = case.map(|case| case.process.run) {
                let text = "a guard before has begun to act; this one does nothing".to_owned();
                self.say(say, "left", run, text, Value::Null);
            }
        } else if self.is_open() {
            self.go_on("goes on with what was begun", is_over, say);
        } else {
            let mut state = std::mem::take(&mut self.state);
            self.actor(is_over).tell_again(&mut state);
            self.state = state;
        }
        let (mut has_acted, mut fenced) = (None::<bool>, None::<Instant>);
        while !is_over.load(Ordering::Relaxed) {
            let looked = Instant::now();
            if fenced.is_none_or(|at| at.elapsed() >= BETWEEN_FENCES) {
                self.stand(say);
                match self.standing.fence.clone() {
                    Some(fence) => {
                        has_acted = Some(self.fenced(&fence, say));
                        if self.manner.until_acted {
                            break;
                        }
                        fenced = Some(looked);
                    }
                    None if fenced.take().is_some() => {
                        has_acted = None;
                        self.say(say, "lifted", 0, "the fence is lifted".to_owned(), Value::Null);
                    }
                    None => {}
                }
            }
            if self.tried.is_some_and(|at| at.elapsed() >= self.guard.again) && self.is_open() {
                self.go_on("tries again what was not confirmed", is_over, say);
                has_acted = has_acted.map(|_| self.is_confirmed());
            }
            let verdict = match fenced.is_some() {
                true => "fenced".to_owned(),
                false => self.look(is_over, say),
            };
            self.beat(&verdict);
            let rest = self.guard.look.saturating_sub(looked.elapsed());
            std::thread::sleep(if fenced.is_some() { BETWEEN_FENCES } else { rest });
        }
        self.disks.end();
        has_acted.map_or(Conclusion::Quiet, |is_confirmed| Conclusion::Acted { is_confirmed })
    }

    /// Looks at how the desk stands. A disk that cannot be read, or hangs, holds no look up: what
    /// was known stays.
    fn stand(&mut self, say: &mut dyn FnMut(&News)) {
        let places = self.places.clone();
        match self.disks.reads.ask(move || Standing::read(&places)) {
            Some(Ok(standing)) => self.standing = standing,
            Some(Err(_)) | None => {
                let text = "the fence cannot be looked at: see the lease directory".to_owned();
                self.say(say, "fence", 0, text, Value::Null);
            }
        }
    }

    /// Looks for as long as a verdict takes, does nothing, and says what it is.
    pub fn once(&mut self) -> (Option<Process>, Result<Verdict, String>) {
        let until = Instant::now() + self.guard.look * (super::watch::LOOKS + 2);
        loop {
            let seen = self.sight.look();
            let (process, verdict) = match seen {
                Ok(Some(Seen { run, mut signs, .. })) => {
                    self.activity.observe(run.pid, &mut signs, self.guard);
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

    /// The fence of the desk, if it stood when it was last looked at.
    #[must_use]
    pub fn fence(&self) -> Option<&Fence> {
        self.standing.fence.as_ref()
    }

    fn actor<'s>(&'s self, is_over: &'s AtomicBool) -> Actor<'s> {
        let Self { places, config, guard, secrets, disks, .. } = self;
        Actor { places, config, guard, secrets: *secrets, disks, kill: &kill, is_over }
    }

    /// Whether a case waits for something. Whoever has lifted the fence has seen to it; one that
    /// was never on the disk was lifted by nobody.
    fn is_open(&self) -> bool {
        let stands = |case: &Case| self.standing.fence.is_some() || !case.is_fenced;
        let is_open = |case: &Case| case.phase != Phase::Done || !case.is_confirmed();
        let case = self.state.case.as_ref().filter(|case| !case.is_lifted && is_open(case));
        case.is_some_and(stands) && !self.only_looks()
    }

    fn is_confirmed(&self) -> bool {
        self.state.case.as_ref().is_some_and(Case::is_confirmed)
    }

    /// Goes on with a case that is open.
    fn go_on(&mut self, how: &str, is_over: &AtomicBool, say: &mut dyn FnMut(&News)) {
        let mut state = std::mem::take(&mut self.state);
        if let Some(case) = &mut state.case {
            let is_alive = !case.end.is_silent();
            for one in &mut case.gateways {
                // Who lives may have sent since.
                if is_alive || matches!(one.outcome, Outcome::Failed { .. }) {
                    one.outcome = Outcome::Waiting;
                }
            }
            case.troubles.clear();
            case.phase = case.phase.min(Phase::Killed);
            let run = case.process.run;
            self.say(say, "resumed", run, how.to_owned(), json!({}));
            self.actor(is_over).run(&mut state);
        }
        self.state = state;
        self.tried = Some(Instant::now());
        // What is said next is news, also if it was the last that was said before.
        self.said.clear();
    }

    /// One look; the verdict in words.
    fn look(&mut self, is_over: &AtomicBool, say: &mut dyn FnMut(&News)) -> String {
        let mut seen = match self.sight.look() {
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
        self.activity.observe(seen.run.pid, &mut seen.signs, self.guard);
        let verdict = self.watch.judge(&seen.signs, self.began.elapsed());
        let words = verdict.words();
        if let Verdict::Starved { who, .. } = &verdict {
            self.starved(process, who, &verdict, say);
            return words;
        }
        if !verdict.is_failure() {
            // One late look is no news.
            if !matches!(verdict, Verdict::Late { .. }) {
                self.is_starved = false;
                self.say(say, "verdict", process.run, words.clone(), json!(verdict));
            }
            return words;
        }
        let is_gone = verdict == Verdict::Gone;
        let window = self.standing.announced.at(now_ns(), self.guard.maintenance);
        if let Some(window) = window.filter(|window| window.run == process.run).cloned() {
            // Without its age, which changes with each look.
            let text = format!("does not work, in maintenance announced by {}", window.by);
            self.say(say, "maintenance", process.run, text.clone(), json!(window));
            if is_gone {
                self.settled = Some(process);
                self.state.excused = Some(process);
                self.disks.keep(&self.state);
            }
            return text;
        }
        // While another record trades, its engine has the lease: this one's cannot hang.
        if is_gone && self.standing.epoch.is_some_and(|epoch| epoch > process.run) {
            self.settled = Some(process);
            let text = format!(
                "{words}; the desk has come to run {} with another record, and is left alone",
                self.standing.epoch.unwrap_or_default()
            );
            self.say(say, "passed", process.run, text.clone(), json!(verdict));
            self.tell(Rule::GuardPassed, process.run, &text);
            return text;
        }
        if self.only_looks() {
            self.settled = Some(process);
            self.say(say, "seen", process.run, words.clone(), json!(verdict));
            self.tell(Rule::GuardSaw, process.run, &words);
            return words;
        }
        self.say_without_log(say, "found", process.run, words.clone(), json!(verdict));
        let mut state = std::mem::take(&mut self.state);
        state.case = Some(act::case(self.config, process, words.clone()));
        self.actor(is_over).run(&mut state);
        self.state = state;
        self.tried = Some(Instant::now());
        // Its counters stay, also when the fence is lifted.
        self.settled = Some(process);
        words
    }

    /// A run is seen for the first time by this process.
    fn begin(&mut self, process: Process, seen: &Seen, say: &mut dyn FnMut(&News)) {
        self.watch = Watch::new(self.guard);
        self.activity = Activity::default();
        (self.settled, self.is_starved) = (None, false);
        let is_alive = matches!(seen.signs.engine, EngineState::Running | EngineState::Stopped);
        if is_alive {
            if self.state.watched != Some(process) {
                self.state.watched = Some(process);
                self.disks.keep(&self.state);
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

    /// The host does not run a thread: people are told once, until everything is well again.
    fn starved(
        &mut self,
        process: Process,
        who: &str,
        verdict: &Verdict,
        say: &mut dyn FnMut(&News),
    ) {
        if !std::mem::replace(&mut self.is_starved, true) {
            let text = format!("starved: the host does not run {who}");
            self.say(say, "starved", process.run, text, json!(verdict));
            self.tell(Rule::GuardStarved, process.run, who);
        }
    }

    /// Tells people without waiting for it.
    fn tell(&self, rule: Rule, run: u16, why: &str) {
        if self.manner.is_dry {
            return;
        }
        let told = Told { rule, run, labels: labels([("why", why)]), at_ns: now_ns() };
        let audience = tell::audience(self.config, rule);
        let letters = tell::letters(self.config, &told, &audience);
        let (record, disks) = (self.places.record.clone(), self.disks.clone());
        std::thread::spawn(move || {
            let untold = tell::deliver(&record, letters);
            disks.note(run, "told", json!({ "code": rule.code(), "untold": untold }));
        });
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
            self.disks.note(run, event, json!({ "text": text, "what": what }));
            self.say_without_log(say, event, run, text, what);
        }
    }

    /// The same of what is written down otherwise.
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
        self.disks.beat(GuardBeat { pid: std::process::id(), at_ns: now_ns(), run, verdict });
    }
}

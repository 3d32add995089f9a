//! One trial: both simulated venues in this process, an engine and its guard as processes of their
//! own, a fault by the seed, and the venues' own books of what lives.

use super::process::Process;
use super::{files, market};
use crate::alert::message::now_ns;
use crate::cli::CliError;
use crate::engine::lease::{self, Fence};
use crate::guard::Places;
use crate::guard::state::{Outcome, State};
use crate::guard::window::{Announced, Window};
use crate::venue::cme::simulated::OrderRules;
use crate::venue::simulated::{ACCOUNT, Venues};
use rustix::process::Signal;
use serde::Serialize;
use std::io::Error;
use std::path::Path;
use std::time::{Duration, Instant};
use xmc_hotpath::time::Span;

/// How long an engine may take until orders of it rest.
const PATIENCE: Duration = Duration::from_secs(40);
/// How long orders at both venues are waited for, before one will do.
const BOTH: Duration = Duration::from_secs(15);
/// How long they have to be there: others are about to be filled.
const RESTS: Duration = Duration::from_millis(150);
/// How long a guard may take.
const LONGEST: Duration = Duration::from_secs(30);
/// The maintenance that its configuration allows in a day.
const WINDOW: Duration = Duration::from_secs(14_400);
/// How long a guard is watched that has nothing to do.
const CALM: Duration = Duration::from_secs(3);
/// Between two looks at the venues.
const NAP: Duration = Duration::from_micros(500);
/// Until CME cancels by itself what a lost connection has left: longer than any trial, so that it
/// is the guard who does.
pub const OVERSEAS_CANCELS_LATE: Span = Span(120_000_000_000);

/// What is done to the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// SIGSTOP: the process is there and does nothing.
    Stopped,
    /// SIGKILL.
    Killed,
    /// SIGKILL, and CME cancels by itself what the lost connection has left.
    KilledCancelOnDisconnect,
    /// SIGSTOP, and the guard is killed on its way and started again.
    GuardKilled,
    /// Nothing.
    None,
    /// SIGINT: an orderly end.
    Ended,
    /// SIGKILL in announced maintenance.
    Announced,
}

impl Fault {
    /// In a lot of ten.
    const DRAWN: [Self; 10] = [
        Self::Stopped,
        Self::Stopped,
        Self::Stopped,
        Self::Killed,
        Self::Killed,
        Self::KilledCancelOnDisconnect,
        Self::GuardKilled,
        Self::GuardKilled,
        Self::None,
        Self::Ended,
    ];

    /// By a seed. Every second calm one is announced maintenance.
    pub fn of(rng: &mut fastrand::Rng) -> Self {
        match Self::DRAWN[rng.usize(..Self::DRAWN.len())] {
            Self::Ended if rng.bool() => Self::Announced,
            drawn => drawn,
        }
    }

    /// Whether the guard has to act.
    pub const fn is_failure(self) -> bool {
        !matches!(self, Self::None | Self::Ended | Self::Announced)
    }
}

/// What came of a trial.
#[derive(Clone, Debug, Serialize)]
pub struct Came {
    /// Its seed.
    pub seed: u64,
    /// What was done.
    pub fault: Fault,
    /// Orders that lived at the domestic and the overseas venue when it was done.
    pub live: [usize; 2],
    /// From the fault until nothing lived at both venues, by their own books, ms.
    pub until_flat_ms: Option<f64>,
    /// From the fault until both venues had confirmed to the guard that nothing lives, ms.
    pub confirmed_ms: Option<f64>,
    /// The engine had no orders that rested, or did not start: nothing was tried.
    pub is_void: bool,
    /// Orders that the guard says it has cancelled.
    pub cancelled: u32,
    /// What is wrong, if anything.
    pub wrong: Option<String>,
}

/// Orders of the desk that live at both venues.
pub fn live(venues: &Venues) -> [usize; 2] {
    let shfe = venues.shfe.with(|shell, _| shell.exchange().orders_of(ACCOUNT).count());
    let cme = venues.cme.with(|shell, _| shell.exchange().orders_of(ACCOUNT).count());
    [shfe.unwrap_or(0), cme.unwrap_or(0)]
}

/// Runs the trial of a seed in a directory of its own.
pub fn run(seed: u64, directory: &Path) -> Result<Came, CliError> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let fault = Fault::of(&mut rng);
    let delay = Duration::from_millis(rng.u64(0..900));
    std::fs::create_dir_all(directory).map_err(CliError::could_not_run)?;
    let text = files::text();
    let before = files::configuration(&text)?;
    let mut config = before.clone();
    let venues = market::open(&config, seed).map_err(CliError::could_not_run)?;
    venues.address(&mut config);
    if fault != Fault::KilledCancelOnDisconnect {
        let rules = OrderRules { cancel_after: OVERSEAS_CANCELS_LATE, ..OrderRules::default() };
        venues.cme.set_order_rules(rules);
    }
    let file = files::write(directory, &text, &before, &config).map_err(CliError::could_not_run)?;
    let places = Places::of(&config, Some(&directory.join("record")));
    let mut trial = Trial {
        engine: Process::engine(directory, &file).map_err(CliError::could_not_run)?,
        guard: Process::guard(directory, &file).map_err(CliError::could_not_run)?,
        directory,
        file: &file,
        places: &places,
        venues: &venues,
    };
    let came = trial.play(seed, fault, delay).map_err(CliError::could_not_run)?;
    drop(trial);
    venues.stop().map_err(CliError::could_not_run)?;
    Ok(came)
}

struct Trial<'t> {
    engine: Process,
    guard: Process,
    directory: &'t Path,
    file: &'t Path,
    places: &'t Places,
    venues: &'t Venues,
}

impl Trial<'_> {
    fn play(&mut self, seed: u64, fault: Fault, delay: Duration) -> std::io::Result<Came> {
        let none = Came {
            seed,
            fault,
            live: [0; 2],
            until_flat_ms: None,
            confirmed_ms: None,
            is_void: false,
            cancelled: 0,
            wrong: None,
        };
        let wrong =
            |came: &Came, why: &str| Ok(Came { wrong: Some(why.to_owned()), ..came.clone() });
        let Some(found) = self.resting()? else {
            if self.guard.ended()?.is_some() {
                return wrong(&none, "FALSE ALARM: the guard has acted before anything was done");
            }
            return Ok(Came { is_void: true, ..none });
        };
        let (since, since_ns) = (Instant::now(), now_ns());
        let came = Came { live: found, ..none };
        match fault {
            Fault::Stopped | Fault::GuardKilled => self.engine.signal(Signal::STOP)?,
            Fault::Killed | Fault::KilledCancelOnDisconnect => self.engine.signal(Signal::KILL)?,
            Fault::None => {}
            Fault::Ended => self.engine.signal(Signal::INT)?,
            Fault::Announced => {
                let from_ns = now_ns();
                let [by, reason] = ["trial", "a trial"].map(str::to_owned);
                let until_ns = from_ns + 60_000_000_000;
                let Places { leases, identity, .. } = self.places;
                let run = lease::last_epoch(leases, *identity).map_err(Error::other)?;
                let window = Window { run, from_ns, until_ns, by, reason };
                Announced::announce(&self.places.guard, window, WINDOW).map_err(Error::other)?;
                self.engine.signal(Signal::KILL)?;
            }
        }
        if !fault.is_failure() {
            return self.calm(came, fault);
        }
        if fault == Fault::GuardKilled {
            std::thread::sleep(delay);
            if self.guard.ended()?.is_none() {
                self.guard = Process::guard(self.directory, self.file)?;
            }
        }
        let (mut flat, mut code) = (None::<Instant>, None);
        while since.elapsed() < LONGEST && (code.is_none() || flat.is_none()) {
            match live(self.venues) {
                [0, 0] => flat = flat.or_else(|| Some(Instant::now())),
                // A dead engine's request was still under way, or a wedged one came to itself.
                _ => flat = None,
            }
            code = code.or(self.guard.ended()?);
            std::thread::sleep(NAP);
        }
        let is_dead = self.engine.wait(Duration::from_secs(1))?.is_some();
        let state = State::read(&self.places.guard).unwrap_or_default();
        let (mut cancelled, mut confirmed_ms) = (0, None::<f64>);
        if let Some(case) = &state.case {
            let found_ms = case.found_ns.saturating_sub(since_ns) as f64 / 1e6;
            for one in &case.gateways {
                if let Outcome::Cancelled { orders, after_ms, .. } = one.outcome {
                    cancelled += orders;
                    let at_ms = found_ms + after_ms as f64;
                    confirmed_ms = Some(confirmed_ms.map_or(at_ms, |before| before.max(at_ms)));
                }
            }
        }
        let flat_ms = flat.map(|at| at.duration_since(since).as_secs_f64() * 1e3);
        let came = Came { until_flat_ms: flat_ms, confirmed_ms, cancelled, ..came };
        if flat.is_none() || live(self.venues) != [0, 0] {
            return wrong(&came, "orders lived on");
        }
        if code != Some(Some(1)) {
            return wrong(&came, "the guard did not say that everything is confirmed");
        }
        if !is_dead || !self.is_fenced() {
            return wrong(&came, "the engine lives, or its desk is open");
        }
        Ok(came)
    }

    /// Waits until orders of the engine rest at both venues, or at one of them.
    fn resting(&mut self) -> std::io::Result<Option<[usize; 2]>> {
        let since = Instant::now();
        let mut resting = None::<Instant>;
        while since.elapsed() < PATIENCE {
            let found = live(self.venues);
            let is_enough = match found {
                [0, 0] => false,
                [0, _] | [_, 0] => since.elapsed() >= BOTH,
                _ => true,
            };
            match (is_enough, resting) {
                (true, Some(at)) if at.elapsed() >= RESTS => return Ok(Some(found)),
                (true, at) => resting = at.or_else(|| Some(Instant::now())),
                (false, _) => resting = None,
            }
            if self.engine.ended()?.is_some() || self.guard.ended()?.is_some() {
                return Ok(None);
            }
            std::thread::sleep(NAP);
        }
        Ok(None)
    }

    /// Nothing that happens now is the guard's business.
    fn calm(&mut self, came: Came, fault: Fault) -> std::io::Result<Came> {
        if fault == Fault::Ended {
            self.engine.wait(LONGEST)?;
        }
        std::thread::sleep(CALM);
        let has_acted = self.is_fenced() || self.guard.ended()?.is_some();
        self.guard.signal(Signal::INT)?;
        let code = self.guard.wait(LONGEST)?;
        let wrong = match (has_acted, code) {
            (true, _) => Some("FALSE ALARM: the guard has acted".to_owned()),
            (false, Some(Some(0))) => None,
            (false, code) => Some(format!("the guard ended with {code:?}")),
        };
        Ok(Came { wrong, ..came })
    }

    fn is_fenced(&self) -> bool {
        Fence::path(&self.places.leases, self.places.identity).exists()
    }
}

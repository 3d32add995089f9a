//! What is done about an engine that failed: fence, kill, cancel, tell. Each step is handed to the
//! disk before it is done and waited for at most `disk::BOUND`, and none is left out because
//! another could not be done.

use super::Places;
use super::cancel::{Canceller, Secrets};
use super::disk::{BOUND, Disks, Handed};
use super::kill::{KillError, Killed};
use super::sight::Sight;
use super::state::{Case, GatewayCase, Outcome, Phase, Process, ProcessEnd, State, StateError};
use super::tell::{self, Told};
use crate::alert::message::now_ns;
use crate::alert::rule::Rule;
use crate::alert::signal::labels;
use crate::config::{Configuration, GatewayProtocol, Guard};
use crate::counters::Run;
use crate::engine::lease::{self, Fence, LeaseError};
use serde_json::json;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How long is waited for the end of a killed process before orders are cancelled: it sends nothing
/// more, and its end may hang at a disk.
const END: Duration = Duration::from_millis(200);
/// How long the lease of an engine that has ended may stay locked before that.
const UNLOCK: Duration = Duration::from_millis(200);
/// How long both may take after it.
const SETTLED: Duration = Duration::from_secs(10);
/// Between two looks at it.
const NAP: Duration = Duration::from_millis(2);
/// After which time people are told that a venue has not confirmed yet.
const PATIENCE: Duration = Duration::from_secs(3);

/// Kills the process of a run and waits so long at most for its end: `kill::kill`.
pub type Kill<'a> = dyn Fn(&Run, Duration) -> Result<Killed, KillError> + Sync + 'a;

/// What acting needs.
pub struct Actor<'a> {
    /// Where everything lies.
    pub places: &'a Places,
    /// The configuration.
    pub config: &'a Configuration,
    /// Its `[guard]`.
    pub guard: &'a Guard,
    /// Secrets of sessions.
    pub secrets: &'a Secrets<'a>,
    /// Where it is written down.
    pub disks: &'a Disks,
    /// What kills.
    pub kill: &'a Kill<'a>,
    /// The end of the guard is asked for.
    pub is_over: &'a AtomicBool,
}

/// A case for a run that failed now.
#[must_use]
pub fn case(config: &Configuration, process: Process, why: String) -> Case {
    let outside =
        config.gateways.iter().filter(|gateway| gateway.protocol != GatewayProtocol::Paper);
    let gateways = outside
        .map(|gateway| GatewayCase { name: gateway.name.value.clone(), outcome: Outcome::Waiting });
    Case {
        process,
        why,
        found_ns: now_ns(),
        phase: Phase::Found,
        end: ProcessEnd::Waiting,
        is_fenced: false,
        unwritten: Vec::new(),
        troubles: Vec::new(),
        gateways: gateways.collect(),
        told: String::new(),
        untold: Vec::new(),
        is_lifted: false,
    }
}

impl Actor<'_> {
    /// Goes on with the case of `state` from where it is. Whether its process sends nothing more
    /// and every venue has confirmed that nothing lives; what there is no case of is confirmed.
    pub fn run(&self, state: &mut State) -> bool {
        let Some(mut case) = state.case.take() else { return true };
        let mut fence = None;
        if case.phase != Phase::Done && !(case.is_fenced && case.end.is_silent()) {
            fence = self.fence(state, &mut case);
            self.end(&mut case);
            case.phase = Phase::Killed;
            let _ = self.keep(state, &case).until(Instant::now() + BOUND);
        }
        if case.phase == Phase::Killed {
            self.cancel(state, &mut case);
            let is_waiting = |one: &GatewayCase| one.outcome == Outcome::Waiting;
            if !case.gateways.iter().any(is_waiting) {
                if self.settle(&mut case, fence) {
                    // It may have sent what was not live when the venues were asked.
                    for one in &mut case.gateways {
                        one.outcome = Outcome::Waiting;
                    }
                    self.cancel(state, &mut case);
                }
                if !case.gateways.iter().any(is_waiting) {
                    case.phase = Phase::Done;
                }
            }
            self.keep(state, &case);
        }
        let is_confirmed = case.is_confirmed();
        self.tell(state, &mut case, is_confirmed);
        state.case = Some(case);
        is_confirmed
    }

    /// Hands over how far it is.
    fn keep(&self, state: &State, case: &Case) -> Handed<Result<(), StateError>> {
        self.disks.keep(&State { case: Some(case.clone()), ..state.clone() })
    }

    fn note(&self, case: &Case, event: &str, what: serde_json::Value) {
        self.disks.note(case.process.run, event, what);
    }

    /// Hands over the case and its fence, and waits a moment for both; the fence, if it is still
    /// under way.
    fn fence(&self, state: &State, case: &mut Case) -> Option<Handed<Result<(), LeaseError>>> {
        let Process { run, pid: process, .. } = case.process;
        let fence = Fence { run, process, at_ns: case.found_ns, why: case.why.clone() };
        let until = Instant::now() + BOUND;
        let (put, kept) = (self.disks.put(fence, self.places), self.keep(state, case));
        let put = match put.until(until) {
            Some(came) => {
                note_fence(case, came);
                None
            }
            None => {
                case.unwritten.push("the fence".to_owned());
                Some(put)
            }
        };
        match kept.until(until) {
            Some(Ok(())) => {}
            Some(Err(error)) => case.troubles.push(error.to_string()),
            None => case.unwritten.push("the case".to_owned()),
        }
        put
    }

    /// Kills the process, and whoever has started under the lease meanwhile.
    fn end(&self, case: &mut Case) {
        let killed = (self.kill)(&case.process.run(), END);
        let word = match &killed {
            Ok(Killed::Ended) => "ended".to_owned(),
            Ok(Killed::WasGone) => "was gone".to_owned(),
            Ok(Killed::Lingers) => "was killed and has not ended".to_owned(),
            Err(error) => error.to_string(),
        };
        case.end = ended(killed);
        // Whoever lingers has the lease, and nobody else can.
        if case.end == ProcessEnd::Gone {
            let _ = self.free(case, UNLOCK);
        }
        let what = json!({
            "why": case.why, "pid": case.process.pid, "process": word,
            "after_ms": since_ms(case), "unwritten": case.unwritten, "troubles": case.troubles,
        });
        let event = if case.end.is_silent() { "fenced" } else { "failed" };
        self.note(case, event, what);
    }

    /// Waits until nobody has the lease, and kills whoever was just starting when the fence came
    /// and has not seen it; whether there was somebody. Once people have lifted the fence nobody is
    /// killed any more.
    fn free(&self, case: &Case, patience: Duration) -> Result<bool, String> {
        let (leases, identity) = (self.places.leases.clone(), self.places.identity);
        let (since, mut has_killed) = (Instant::now(), false);
        let mut sight = Sight::new(&self.places.record, self.places.identity);
        loop {
            let leases = leases.clone();
            let looked = self
                .disks
                .reads
                .ask(move || (lease::is_held(&leases, identity), Fence::of(&leases, identity)));
            let (held, stands) = match looked {
                Some((held, fence)) => {
                    let run = fence.ok().flatten().map(|fence| fence.run);
                    (held, run == Some(case.process.run) || (run.is_none() && !case.is_fenced))
                }
                // Nobody can tell: then nobody has lifted it either.
                None => (Ok(true), !case.is_fenced),
            };
            match held {
                Ok(false) => return Ok(has_killed),
                Ok(true) if since.elapsed() >= patience => {
                    return Err("the lease is still held: see who has it, and kill it".to_owned());
                }
                Ok(true) => {}
                Err(error) => return Err(error.to_string()),
            }
            if let Ok(Some(seen)) = sight.look()
                && Process::of(&seen.run) != case.process
                && stands
            {
                has_killed |= (self.kill)(&seen.run, END).is_ok();
            }
            std::thread::sleep(NAP);
        }
    }

    /// Sees to it that the engine is gone, its lease free and its fence on the disk, now that
    /// nothing else waits for it; whether anybody may have sent something meanwhile.
    fn settle(&self, case: &mut Case, fence: Option<Handed<Result<(), LeaseError>>>) -> bool {
        let had_failed = !case.end.is_silent();
        if case.end != ProcessEnd::Gone {
            case.end = ended((self.kill)(&case.process.run(), SETTLED));
        }
        match &case.end {
            ProcessEnd::Lingers => {
                case.troubles.push("the engine was killed and has not ended".to_owned());
            }
            ProcessEnd::Failed { why } => case.troubles.push(why.clone()),
            ProcessEnd::Waiting | ProcessEnd::Gone => {}
        }
        if let Some(fence) = fence {
            match fence.until(Instant::now() + SETTLED) {
                Some(came) => note_fence(case, came),
                None => case.troubles.push(
                    "the fence is not on the disk: an engine of this desk could start".to_owned(),
                ),
            }
        }
        let has_ended_late = had_failed && case.end.is_silent();
        let has_killed = match case.end.is_silent() {
            true => self.free(case, SETTLED),
            // It has the lease.
            false => Ok(false),
        };
        has_ended_late
            || has_killed.unwrap_or_else(|why| {
                case.troubles.push(why);
                false
            })
    }

    /// All gateways at once.
    fn cancel(&self, state: &State, case: &mut Case) {
        let (sender, answers) = channel();
        let waiting: Vec<_> = (0..case.gateways.len())
            .filter(|place| case.gateways[*place].outcome == Outcome::Waiting)
            .collect();
        let (disks, is_fenced) = (self.disks, case.is_fenced);
        let (leases, identity) = (self.places.leases.clone(), self.places.identity);
        let is_lifted = move || {
            let leases = leases.clone();
            let looked = disks.reads.ask(move || Fence::of(&leases, identity));
            is_fenced && matches!(looked, Some(Ok(None)))
        };
        std::thread::scope(|scope| {
            let mut left = 0;
            for place in waiting {
                let name = case.gateways[place].name.clone();
                let gateways = &self.config.gateways;
                let Some(row) = gateways.iter().position(|gateway| gateway.name.value == name)
                else {
                    let why = "the configuration has no such gateway any more".to_owned();
                    case.gateways[place].outcome = Outcome::Failed { why };
                    continue;
                };
                left += 1;
                let sender = sender.clone();
                let own = self.guard.sessions.iter().find(|(of, _)| *of == row);
                let canceller = Canceller {
                    config: self.config,
                    row,
                    own: own.map(|(_, identity)| identity),
                    record: &self.places.record,
                    secrets: self.secrets,
                    answer: self.guard.answer,
                    disks: self.disks,
                    is_lifted: &is_lifted,
                };
                let (disks, run) = (self.disks, case.process.run);
                scope.spawn(move || {
                    let failed = |why: &str| {
                        disks.note(run, "attempt", json!({ "gateway": name, "why": why }));
                    };
                    let _ = sender.send((place, canceller.run(self.is_over, failed)));
                });
            }
            let since = Instant::now();
            let mut is_told = false;
            while left > 0 {
                let (place, answered) = match answers.recv_timeout(NAP.max(PATIENCE / 30)) {
                    Ok(answer) => answer,
                    Err(RecvTimeoutError::Timeout) => {
                        if !is_told && since.elapsed() >= PATIENCE {
                            is_told = true;
                            self.tell_meanwhile(&self.told(case, Rule::GuardFailed));
                        }
                        continue;
                    }
                    // Every thread says something before it ends.
                    Err(RecvTimeoutError::Disconnected) => break,
                };
                left -= 1;
                let name = case.gateways[place].name.clone();
                case.gateways[place].outcome = match answered {
                    Ok(confirmed) => Outcome::Cancelled {
                        orders: confirmed.orders,
                        by: confirmed.by,
                        after_ms: since_ms(case),
                    },
                    Err(why) => Outcome::Failed { why },
                };
                let what = json!({ "gateway": name, "outcome": case.gateways[place].outcome });
                self.keep(state, case);
                self.note(case, "gateway", what);
            }
        });
    }

    fn told(&self, case: &Case, rule: Rule) -> Told {
        let waiting =
            case.gateways.iter().filter(|one| !matches!(one.outcome, Outcome::Cancelled { .. }));
        let waiting: Vec<_> = waiting.map(|one| one.name.as_str()).collect();
        let labels = match (rule, &case.end) {
            (Rule::GuardFailed, _) => labels([("gateways", &waiting.join(","))]),
            (Rule::GuardNotKilled, ProcessEnd::Failed { why }) => labels([("why", why)]),
            _ => labels([("why", &case.why)]),
        };
        Told { rule, run: case.process.run, labels, at_ns: now_ns() }
    }

    /// Tells without waiting for it.
    fn tell_meanwhile(&self, told: &Told) {
        let audience = tell::audience(self.config, told.rule);
        let letters = tell::letters(self.config, told, &audience);
        let record = self.places.record.clone();
        std::thread::spawn(move || tell::deliver(&record, letters));
    }

    /// Tells what came of it, unless that was told; who could not be told is tried again by the
    /// next guard.
    fn tell(&self, state: &State, case: &mut Case, is_confirmed: bool) {
        let rule = match (is_confirmed, case.end.is_silent()) {
            (true, _) => Rule::GuardActed,
            (false, true) => Rule::GuardFailed,
            (false, false) => Rule::GuardNotKilled,
        };
        if case.told == rule.code() && case.untold.is_empty() {
            return;
        }
        let told = self.told(case, rule);
        if case.told != rule.code() {
            rule.code().clone_into(&mut case.told);
            // Until they have taken it.
            case.untold = tell::audience(self.config, rule);
        }
        self.keep(state, case);
        let letters = tell::letters(self.config, &told, &case.untold);
        case.untold = tell::deliver(&self.places.record, letters);
        self.keep(state, case);
        self.note(case, "told", json!({ "code": rule.code(), "untold": case.untold }));
    }

    /// Tells again who has not taken what came of a case.
    pub fn tell_again(&self, state: &mut State) {
        if let Some(mut case) = state.case.take_if(|case| !case.untold.is_empty()) {
            let is_confirmed = case.is_confirmed();
            self.tell(state, &mut case, is_confirmed);
            state.case = Some(case);
        }
    }
}

/// What a kill has come to.
fn ended(killed: Result<Killed, KillError>) -> ProcessEnd {
    match killed {
        Ok(Killed::Ended | Killed::WasGone) => ProcessEnd::Gone,
        Ok(Killed::Lingers) => ProcessEnd::Lingers,
        Err(error) => ProcessEnd::Failed { why: error.to_string() },
    }
}

/// Takes down whether the fence is on the disk.
fn note_fence(case: &mut Case, came: Result<(), LeaseError>) {
    match came {
        Ok(()) => case.is_fenced = true,
        Err(error) => case.troubles.push(format!("{error}: an engine of this desk could start")),
    }
}

/// Since a case was found, ms.
fn since_ms(case: &Case) -> u64 {
    now_ns().saturating_sub(case.found_ns) / 1_000_000
}

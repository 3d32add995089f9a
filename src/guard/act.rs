//! What is done about an engine that failed: fence, kill, cancel, tell. Each step is written down
//! before it is done, and none is left out because another could not be done.

use super::cancel::{Canceller, Secrets};
use super::kill::{self, Killed};
use super::log::Log;
use super::sight::Sight;
use super::state::{Case, GatewayCase, Outcome, Phase, Process, State};
use super::tell::{self, Told};
use super::{Places, kill::KillError};
use crate::alert::message::now_ns;
use crate::alert::rule::Rule;
use crate::alert::signal::labels;
use crate::config::{Configuration, GatewayProtocol, Guard};
use crate::engine::lease::{self, Fence};
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
    pub log: &'a Log,
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
        troubles: Vec::new(),
        gateways: gateways.collect(),
        untold: Vec::new(),
        is_lifted: false,
    }
}

impl Actor<'_> {
    /// Goes on with the case of `state` from where it is. Whether every venue has confirmed that
    /// nothing lives; what there is no case of is confirmed.
    pub fn run(&self, state: &mut State) -> bool {
        let Some(mut case) = state.case.take() else { return true };
        if case.phase == Phase::Found {
            self.keep(state, &mut case);
            self.fence(&mut case);
            self.end(&mut case);
            case.phase = Phase::Killed;
            self.keep(state, &mut case);
        }
        if case.phase == Phase::Killed {
            self.cancel(state, &mut case);
            let is_waiting = |one: &GatewayCase| one.outcome == Outcome::Waiting;
            if !case.gateways.iter().any(is_waiting) {
                if self.settle(&mut case) {
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
            self.keep(state, &mut case);
        }
        let is_confirmed = case.is_confirmed();
        self.tell(state, &mut case, is_confirmed);
        state.case = Some(case);
        is_confirmed
    }

    /// Writes down how far it is. A disk that refuses holds nothing up.
    fn keep(&self, state: &State, case: &mut Case) {
        let written = State { case: Some(case.clone()), ..state.clone() };
        if let Err(error) = written.write(&self.places.guard) {
            case.troubles.push(error.to_string());
        }
    }

    fn note(&self, case: &Case, event: &str, what: serde_json::Value) {
        // The state and the venues know it all the same.
        let _ = self.log.write(case.process.run, event, what);
    }

    fn fence(&self, case: &mut Case) {
        let Process { run, pid: process, .. } = case.process;
        let fence = Fence { run, process, at_ns: case.found_ns, why: case.why.clone() };
        if let Err(error) = fence.put(&self.places.leases, self.places.identity) {
            case.troubles.push(format!("{error}: an engine of this desk could start"));
        }
    }

    /// Kills the process, and whoever has started under the lease meanwhile.
    fn end(&self, case: &mut Case) {
        let killed = kill::kill(&case.process.run(), END);
        let word = |killed: &Result<Killed, KillError>| match killed {
            Ok(Killed::Ended) => "ended".to_owned(),
            Ok(Killed::WasGone) => "was gone".to_owned(),
            Ok(Killed::Lingers) => "was killed and has not ended".to_owned(),
            Err(error) => error.to_string(),
        };
        if let Err(error) = &killed {
            case.troubles.push(error.to_string());
        }
        // Whoever lingers has the lease, and nobody else can.
        if matches!(killed, Ok(Killed::Ended | Killed::WasGone)) {
            let _ = self.free(case, UNLOCK);
        }
        let what = json!({
            "why": case.why, "pid": case.process.pid, "process": word(&killed),
            "after_ms": since_ms(case), "troubles": case.troubles,
        });
        self.note(case, "fenced", what);
    }

    /// Waits until nobody has the lease, and kills whoever was just starting when the fence came
    /// and has not seen it; whether there was somebody. Once people have lifted the fence nobody is
    /// killed any more.
    fn free(&self, case: &Case, patience: Duration) -> Result<bool, String> {
        let Places { leases, identity, .. } = self.places;
        let stands = || {
            let fence = Fence::of(leases, *identity);
            matches!(fence, Ok(Some(fence)) if fence.run == case.process.run)
        };
        let (since, mut has_killed) = (Instant::now(), false);
        let mut sight = Sight::new(&self.places.record, self.places.identity);
        loop {
            match lease::is_held(&self.places.leases, self.places.identity) {
                Ok(false) => return Ok(has_killed),
                Ok(true) if since.elapsed() >= patience => {
                    return Err("the lease is still held: see who has it, and kill it".to_owned());
                }
                Ok(true) => {}
                Err(error) => return Err(error.to_string()),
            }
            if let Ok(Some(seen)) = sight.look()
                && Process::of(&seen.run) != case.process
                && stands()
            {
                has_killed |= kill::kill(&seen.run, END).is_ok();
            }
            std::thread::sleep(NAP);
        }
    }

    /// Sees to it that the engine is gone and its lease free, now that nothing else waits for it;
    /// whether another one had begun meanwhile.
    fn settle(&self, case: &mut Case) -> bool {
        match kill::kill(&case.process.run(), SETTLED) {
            Ok(Killed::Ended | Killed::WasGone) => {}
            Ok(Killed::Lingers) => {
                case.troubles.push("the engine was killed and has not ended".to_owned());
            }
            // It was said when it was tried for the first time.
            Err(_) => {}
        }
        self.free(case, SETTLED).unwrap_or_else(|why| {
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
                };
                let (log, run) = (self.log, case.process.run);
                scope.spawn(move || {
                    let failed = |why: &str| {
                        let _ = log.write(run, "attempt", json!({ "gateway": name, "why": why }));
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
                            let told = self.told(case, Rule::GuardFailed);
                            scope.spawn(move || self.send(&told));
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
        let labels = match rule {
            Rule::GuardFailed => labels([("gateways", &waiting.join(","))]),
            _ => labels([("why", &case.why)]),
        };
        Told { rule, run: case.process.run, labels, at_ns: now_ns() }
    }

    fn send(&self, told: &Told) -> Vec<String> {
        let audience = tell::audience(self.config, told.rule);
        tell::tell(self.config, &self.places.record, told, &audience)
    }

    /// Tells what came of it; who could not be told is tried again by the next guard.
    fn tell(&self, state: &State, case: &mut Case, is_confirmed: bool) {
        let rule = if is_confirmed { Rule::GuardActed } else { Rule::GuardFailed };
        let told = self.told(case, rule);
        // Until they have taken it.
        case.untold = tell::audience(self.config, rule);
        self.keep(state, case);
        case.untold = tell::tell(self.config, &self.places.record, &told, &case.untold);
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

/// Since a case was found, ms.
fn since_ms(case: &Case) -> u64 {
    now_ns().saturating_sub(case.found_ns) / 1_000_000
}

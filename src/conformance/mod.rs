//! Conformance of an order session: what an exchange asks of whoever sends it orders, each case run
//! by the engine's own session, at a simulated gateway that goes wrong on command or at one that
//! somebody else runs.
//!
//! A case is data (`case`): its number, the rule and where it stands, and scenarios, which are
//! steps on a rig (`rig`). A scenario says what must hold as it goes; everything that passed and
//! every order beside the venue's ledger is kept as evidence (`tape`, `book`).
//!
//! What passes here says that the engine does what is written down of the protocol. It is not an
//! exchange's certificate: that is given by the exchange, at its own gateway.
//!
//! Called by `xmc conformance` and by the tests, which run the same scenarios one by one.

pub mod book;
pub mod case;
pub mod dstar;
pub mod ground;
pub mod ilink3;
pub mod rig;
mod said;
pub mod tape;

pub use case::{Case, Failure, Needs, Outcome, Scenario, Verdict};
pub use ground::{Bench, Evidence, Gateway, Ground, Resting};

use crate::config::GatewayProtocol;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What came of a scenario.
#[derive(Clone, Debug)]
pub struct Ran {
    /// Which.
    pub scenario: &'static Scenario,
    /// How it ended.
    pub verdict: Verdict,
    /// Why, unless it passed.
    pub why: Option<String>,
    /// What it left behind.
    pub evidence: Evidence,
}

/// What came of a case.
#[derive(Clone, Debug)]
pub struct Judged {
    /// Which.
    pub case: &'static Case,
    /// How it ended: as the worst of its scenarios.
    pub verdict: Verdict,
    /// Its scenarios.
    pub ran: Vec<Ran>,
}

/// All cases of a protocol, by number.
///
/// # Panics
/// If nobody asks it of that protocol: paper has no gateway.
#[must_use]
pub fn catalogue(protocol: GatewayProtocol) -> &'static [Case] {
    match protocol {
        GatewayProtocol::CmeIlink3 => ilink3::CASES,
        GatewayProtocol::EsunnyDstar => dstar::CASES,
        GatewayProtocol::Paper => panic!("paper has no gateway to conform to"),
    }
}

/// A scenario by its case's number and its name.
#[must_use]
pub fn find(cases: &'static [Case], number: &str, name: &str) -> Option<&'static Scenario> {
    let case = cases.iter().find(|case| case.number == number)?;
    case.scenarios.iter().find(|scenario| scenario.name == name)
}

/// Why a scenario is not run at a bench; `None` if it is.
#[must_use]
pub fn obstacle(bench: &Bench, needs: Needs) -> Option<&'static str> {
    match (&bench.gateway, needs) {
        (Gateway::Simulated { .. }, _) | (Gateway::Theirs { .. }, Needs::Session) => None,
        (Gateway::Theirs { .. }, Needs::Script) => Some("needs a gateway that can be scripted"),
        (Gateway::Theirs { resting: Some(_) }, Needs::Order) => None,
        (Gateway::Theirs { resting: None }, Needs::Order) => {
            Some("sends an order: allow one with --order INSTRUMENT@PRICE")
        }
    }
}

/// Runs one scenario.
#[must_use]
pub fn run_one(bench: &Bench, scenario: &'static Scenario) -> Ran {
    if let Some(why) = obstacle(bench, scenario.needs) {
        let why = Some(why.to_owned());
        let evidence = Evidence::default();
        return Ran { scenario, verdict: Verdict::NotRun, why, evidence };
    }
    let ground = Ground::new(bench);
    let ended = (scenario.run)(&ground);
    let evidence = ground.evidence();
    let (verdict, why) = match ended {
        Ok(()) => (Verdict::Passed, None),
        Err(Failure::Wrong(why)) => (Verdict::Failed, Some(why)),
        Err(Failure::NotProvoked(why)) => (Verdict::NotProvoked, Some(why)),
    };
    Ran { scenario, verdict, why, evidence }
}

/// Runs `cases`, at most `at_once` scenarios at a time: they wait most of their time. `told` hears
/// of each as it ends. Somebody else's gateway is asked one thing after the other.
///
/// # Panics
/// If a scenario does.
#[must_use]
pub fn run(
    bench: &Bench,
    cases: &[&'static Case],
    at_once: usize,
    told: &(dyn Fn(&Case, &Ran) + Sync),
) -> Vec<Judged> {
    let at_once = if bench.is_simulated() { at_once.max(1) } else { 1 };
    let all: Vec<(usize, &'static Scenario)> = (0..)
        .zip(cases)
        .flat_map(|(row, case)| case.scenarios.iter().map(move |scenario| (row, scenario)))
        .collect();
    let next = AtomicUsize::new(0);
    let ran: Mutex<Vec<(usize, usize, Ran)>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..at_once.min(all.len()) {
            scope.spawn(|| {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some((row, scenario)) = all.get(place) else { return };
                    let one = run_one(bench, scenario);
                    told(cases[*row], &one);
                    ran.lock().expect("nobody panics with it").push((*row, place, one));
                }
            });
        }
    });
    let mut ran = ran.into_inner().expect("nobody panics with it");
    ran.sort_by_key(|(_, place, _)| *place);
    let mut judged: Vec<Judged> = cases
        .iter()
        .map(|case| Judged { case, verdict: Verdict::NotApplicable, ran: Vec::new() })
        .collect();
    for (row, _, one) in ran {
        let case = &mut judged[row];
        case.verdict = case.verdict.max(one.verdict);
        case.ran.push(one);
    }
    judged
}

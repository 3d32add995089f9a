//! What a case of the catalogue is, and how one ends.

use super::ground::Ground;
use serde::Serialize;
use std::fmt::{self, Debug};

/// Why a scenario did not pass.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Something was seen that must not be, or did not come.
    #[error("{0}")]
    Wrong(String),
    /// What the scenario is about did not come about: nothing is said of the engine.
    #[error("{0}")]
    NotProvoked(String),
}

impl Failure {
    /// `NotProvoked`, from whatever stood in the way.
    pub fn not_provoked(why: impl fmt::Display) -> Self {
        Self::NotProvoked(why.to_string())
    }
}

/// What a scenario, or a step of one, leads to.
pub type Outcome<T = ()> = Result<T, Failure>;

/// `Wrong` with those words unless it is so.
///
/// # Errors
/// `Wrong`.
pub fn must(is_so: bool, why: impl fmt::Display) -> Outcome {
    if is_so { Ok(()) } else { Err(Failure::Wrong(why.to_string())) }
}

/// `Wrong` unless what was seen is what was expected.
///
/// # Errors
/// `Wrong`.
pub fn same<T: PartialEq + Debug>(what: &str, seen: &T, expected: &T) -> Outcome {
    must(seen == expected, format_args!("{what}: {seen:?}, expected {expected:?}"))
}

/// What a scenario needs of the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// One that goes wrong on command: the simulated one.
    Script,
    /// Any that one may log on to.
    Session,
    /// Any that takes an order which rests and is cancelled.
    Order,
}

/// One way of bringing a case about.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// What holds, as a sentence.
    pub name: &'static str,
    /// What is compared.
    pub looks_at: &'static str,
    /// What it takes.
    pub needs: Needs,
    /// The steps.
    pub run: fn(&Ground<'_>) -> Outcome,
}

/// One case of the catalogue.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// `O1` to `O32`.
    pub number: &'static str,
    /// In a few words.
    pub title: &'static str,
    /// What a client has to do.
    pub rule: &'static str,
    /// Which document says so.
    pub source: &'static str,
    /// How it is brought about; none if the protocol has nothing of the kind.
    pub scenarios: &'static [Scenario],
    /// Why there is no scenario, or what the scenarios leave out; empty if there is nothing to say.
    pub note: &'static str,
}

/// How a scenario, and so a case, ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The protocol has nothing of the kind.
    NotApplicable,
    /// It takes a gateway that can be scripted, or an order that nobody has allowed.
    NotRun,
    /// All that was looked at is as it must be.
    Passed,
    /// It did not come about.
    NotProvoked,
    /// The engine did something else than it must.
    Failed,
}

impl Verdict {
    /// All of them, as reports list them.
    pub const ALL: [Self; 5] =
        [Self::Passed, Self::Failed, Self::NotProvoked, Self::NotRun, Self::NotApplicable];

    /// For people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::NotApplicable => "not applicable",
            Self::NotRun => "not run",
            Self::Passed => "passed",
            Self::NotProvoked => "could not be provoked",
            Self::Failed => "failed",
        }
    }
}

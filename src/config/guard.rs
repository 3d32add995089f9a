//! `[guard]` and `[[guard.session]]`: when whoever watches an engine from beside takes it for
//! wedged, and with which sessions its orders are cancelled then.

use super::access::{self, Refused, SessionIdentity};
use super::error::{Problem, Rule};
use super::market::{Gateway, GatewayIndex};
use super::names::Registry;
use super::section::{Section, Written};
use super::value::{whole, word};
use crate::guard::watch::{BeatKind, LOOKS};
use crate::guard::window::DAY_S;
use std::time::Duration;

/// What follows from an engine that is wedged or dead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GuardAct {
    /// It is fenced and killed, and its orders are cancelled.
    #[default]
    Cancel,
    /// People are told, and nothing is done.
    Tell,
}

/// How an engine is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guard {
    /// The oldest that the heartbeat of a hot core may be.
    pub core: Duration,
    /// The same for the core of the desk.
    pub desk: Duration,
    /// The same for the thread that writes the journal.
    pub writer: Duration,
    /// The same for the thread that follows the desk and takes commands.
    pub main: Duration,
    /// Between two looks.
    pub look: Duration,
    /// How long a run may take until all of that beats.
    pub start: Duration,
    /// How long an orderly end may take.
    pub ending: Duration,
    /// How long one answer of a venue is waited for.
    pub answer: Duration,
    /// How many times its limit the heartbeat of a thread may be old that the host does not run.
    pub starved_times: u32,
    /// And the oldest that it may be then.
    pub starved_most: Duration,
    /// From an attempt that a venue has not confirmed to the next.
    pub again: Duration,
    /// Announced maintenance that any 24 hours may have.
    pub maintenance: Duration,
    /// What follows.
    pub act: GuardAct,
    /// Sessions of the guard's own, with the gateways whose orders they cancel.
    pub sessions: Vec<(GatewayIndex, SessionIdentity)>,
}

impl Guard {
    /// The oldest that a heartbeat may be.
    #[must_use]
    pub const fn limit(&self, kind: BeatKind) -> Duration {
        match kind {
            BeatKind::Core => self.core,
            BeatKind::Desk => self.desk,
            BeatKind::Writer => self.writer,
            BeatKind::Main => self.main,
        }
    }

    /// The same of a thread with that limit that the host does not run.
    #[must_use]
    pub fn patience(&self, limit: Duration) -> Duration {
        limit.saturating_mul(self.starved_times).min(self.starved_most).max(limit)
    }
}

const ACTS: &[(&str, GuardAct)] = &[("cancel", GuardAct::Cancel), ("tell", GuardAct::Tell)];

/// Reads the section; `gateways` are those that could be read.
pub(super) fn guard(
    section: Option<Section<'_>>,
    names: &Registry,
    gateways: &[Option<Gateway>],
) -> Result<Option<Guard>, Refused> {
    let Some(section) = section else { return Ok(None) };
    let ms = |key, least: u32, most: u32, default: u32| {
        let read = section.optional(key, whole(least..=most));
        Duration::from_millis(read.map_or(default, |read| read.value).into())
    };
    let seconds = |key, least: u32, most: u32, default: u32| {
        let read = section.optional(key, whole(least..=most));
        Duration::from_secs(read.map_or(default, |read| read.value).into())
    };
    let tables = section.tables("session");
    let sessions: Vec<_> =
        tables.into_iter().map(|table| session(table, names, gateways)).collect();
    let are_read = sessions.iter().all(Option::is_some);
    let guard = Guard {
        core: ms("hot_core_ms", 50, 10_000, 500),
        desk: ms("desk_ms", 50, 10_000, 500),
        writer: ms("writer_ms", 100, 60_000, 1_000),
        main: ms("main_ms", 100, 60_000, 1_000),
        look: ms("look_ms", 1, 1_000, 10),
        start: ms("start_ms", 1_000, 600_000, 30_000),
        ending: ms("ending_ms", 1_000, 600_000, 30_000),
        answer: ms("answer_ms", 50, 10_000, 1_000),
        starved_times: section.optional("starved_times", whole(1..=20)).map_or(3, |it| it.value),
        starved_most: ms("starved_most_ms", 50, 60_000, 5_000),
        again: seconds("again_s", 1, 3_600, 60),
        maintenance: seconds("maintenance_s", 0, DAY_S, 14_400),
        act: section.optional("act", word(ACTS)).map_or(GuardAct::Cancel, |act| act.value),
        sessions: sessions.into_iter().flatten().collect(),
    };
    let shortest = guard.core.min(guard.desk).min(guard.writer).min(guard.main);
    let needed = guard.look * LOOKS;
    if needed > shortest && !section.is_broken() {
        let message = format!(
            "{} looks each {} ms, and something is late at {LOOKS} looks, but for no longer than \
             {} ms",
            section.title(),
            guard.look.as_millis(),
            shortest.as_millis()
        );
        let place = section.place().clone();
        let problem = Problem::new(Rule::GuardLimits, message, place, "looks too seldom");
        section.fail(problem.help(format!("write look_ms = {}", shortest.as_millis() / 10)));
    }
    section.finish(guard).filter(|_| are_read).map(Some).ok_or(Refused)
}

fn session(
    section: Section<'_>,
    names: &Registry,
    gateways: &[Option<Gateway>],
) -> Option<(GatewayIndex, SessionIdentity)> {
    let gateway: Written<GatewayIndex> = names.gateways.resolve(&section, "gateway");
    let identity = access::session(&section);
    // A gateway with a mistake in it is reported there.
    let of = gateways.get(gateway.value).and_then(Option::as_ref);
    let wrong = of.filter(|_| !section.is_broken()).and_then(|of| match &of.session {
        None => Some("its gateway has no iLink 3 session: a counter is logged on to as it is"),
        Some(own) if own.firm != identity.firm => Some("its firm is not that of its gateway"),
        Some(own) if own.session == identity.session => Some("it is the engine's own session"),
        Some(_) => None,
    });
    if let Some(why) = wrong {
        let message = format!("{} cannot cancel for the engine: {why}", section.title());
        let problem = Problem::new(Rule::GuardSession, message, gateway.place, "this gateway");
        section.fail(problem.help(
            "name another session of the same firm, registered to cancel on behalf of the \
             engine's; or leave it out, then the engine's own is taken over",
        ));
    }
    section.finish((gateway.value, identity))
}

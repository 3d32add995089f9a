//! MDP 3.0 joined in the middle: definitions and snapshots are gathered from their loops while the
//! incremental lines are watched, until every wanted book can go on with what the lines bring.
//!
//! A snapshot is as old as the last packet that is in it, and those of one loop may differ: the
//! feed goes on from the oldest, and an instrument passes over what its snapshot includes. Packets
//! lost on the way cost a loop; a channel reset voids the snapshots from before it.
//!
//! UNPROVEN: that tag 911 counts the snapshots by price alone where a loop has those by order too.
//! If it counts both, an instrument without any entry this week, which no loop has, is waited for
//! until patience ends.
//!
//! `Gathering` is sans-IO; `find` runs it on sockets.

mod gathering;
mod seed;

pub(super) use gathering::levels;
pub use gathering::{Gathering, Missing};
pub(super) use seed::put_levels;
pub use seed::{SeedError, Start};

use super::lines::{self, Group, Lines};
use super::{NAP, StartError, Wanted};
use crate::config::{Feed, FeedLine, RecoveryLoops};
use crate::secret::Secret;
use crate::venue::cme::mdp3::replay::Login;
use std::time::{Duration, Instant};

/// Joins the groups of a feed and waits until its books are known.
///
/// # Errors
/// See `StartError`.
pub(super) fn find(
    feed: &Feed,
    loops: &RecoveryLoops,
    wanted: Vec<Wanted>,
    drain: &mut dyn FnMut(),
    patience: Duration,
) -> Result<Start, StartError> {
    let groups = lines::incremental(feed)
        .map(|(line, key, group)| (Group::Incremental(line), key, group))
        .into_iter()
        .chain(groups(feed, Group::Definitions, DEFINITIONS, &loops.definitions)?)
        .chain(groups(feed, Group::Snapshots, SNAPSHOTS, &loops.snapshots)?);
    let mut lines = Lines::join(feed, groups)?;
    // Nobody should learn on the day of a loss that it cannot be read.
    login(feed, loops)?;
    let mut gathering = Gathering::new(wanted);
    let since = Instant::now();
    loop {
        let is_any = lines.poll(|kind, payload| take(&mut gathering, kind, payload));
        match gathering.start() {
            Ok(_) => {
                drain();
                lines.poll_all(|kind, payload| take(&mut gathering, kind, payload));
                // What came last may have changed all: a reset, a gap.
                if let Ok(start) = gathering.start() {
                    return Ok(start);
                }
            }
            Err(missing) if missing.is_final() || since.elapsed() > patience => {
                return Err(failure(feed, missing, patience.as_millis()));
            }
            Err(_) if is_any => {}
            Err(_) => std::thread::sleep(NAP),
        }
    }
}

/// What the TCP replay is asked with, if there is one: channel and login.
///
/// # Errors
/// `Secret`.
pub fn login(feed: &Feed, loops: &RecoveryLoops) -> Result<Option<(i16, Login)>, StartError> {
    let Some((replay, channel)) = loops.replay.as_ref().zip(loops.channel_id) else {
        return Ok(None);
    };
    let password = Secret::read(&replay.password)
        .map_err(|source| StartError::Secret { feed: feed.name.value.clone(), source })?;
    Ok(Some((channel, Login { user: replay.user.clone(), password })))
}

fn take(gathering: &mut Gathering, kind: Group, payload: &[u8]) {
    match kind {
        Group::Incremental(line) => gathering.keep(line, payload),
        Group::Definitions => gathering.on_definitions(payload),
        Group::Snapshots => gathering.on_snapshots(payload),
    }
}

pub(super) const DEFINITIONS: [&str; 2] = ["definitions_a", "definitions_b"];
pub(super) const SNAPSHOTS: [&str; 2] = ["snapshots_a", "snapshots_b"];

pub(super) fn groups<'f>(
    feed: &Feed,
    kind: Group,
    keys: [&'static str; 2],
    lines: &'f [Option<FeedLine>; 2],
) -> Result<Vec<(Group, &'static str, &'f FeedLine)>, StartError> {
    let groups: Vec<_> = keys
        .into_iter()
        .zip(lines)
        .filter_map(|(key, line)| Some((kind, key, line.as_ref()?)))
        .collect();
    if groups.is_empty() {
        return Err(StartError::NoGroup { feed: feed.name.value.clone(), key: keys[0] });
    }
    Ok(groups)
}

fn failure(feed: &Feed, missing: Missing, ms: u128) -> StartError {
    let feed = feed.name.value.clone();
    let silent =
        |keys: [&str; 2]| StartError::Silent { feed: feed.clone(), keys: keys.join(" and "), ms };
    match missing {
        Missing::AllDefinitions => silent(DEFINITIONS),
        Missing::AllSnapshots => silent(SNAPSHOTS),
        Missing::AllPackets => silent(["line_a", "line_b"]),
        Missing::Definitions { instruments, have, of } => {
            StartError::Undefined { feed, instruments, have, of, ms }
        }
        Missing::Unknown(instruments) => StartError::NotDefined { feed, instruments },
        Missing::Differing(differences) => StartError::Differs { feed, differences },
        Missing::Snapshots { instruments, refused } => {
            StartError::Untold { feed, instruments, refused, ms }
        }
    }
}

//! Where a feed learns the books that stood before it listened: groups or a query service.

use super::access::{self, QueryLogin, SecretSource};
use super::error::{Problem, Rule};
use super::market::{FeedLine, FeedProtocol, line_at};
use super::section::Section;
use super::value::{identity, tcp_endpoint, whole};
use std::net::{Ipv4Addr, SocketAddrV4};
use xmc_hotpath::port::Line;

/// What a feed recovers from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// MDP 3.0: groups that send definitions and snapshots in loops.
    Loops(RecoveryLoops),
    /// SMDP: a topic, and the service that is asked for its snapshot.
    Query(RecoveryQuery),
}

/// The recovery groups of an MDP 3.0 channel; a line that is not written is not joined.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecoveryLoops {
    /// The channel's number, tag 1180 `ApplID`: only resets of this one void the feed; `None`: any.
    pub channel_id: Option<i16>,
    /// Definitions, lines A and B.
    pub definitions: [Option<FeedLine>; 2],
    /// Snapshots by price, lines A and B.
    pub snapshots: [Option<FeedLine>; 2],
    /// Where packets can be asked for by their numbers; `None`: the loops have to do.
    pub replay: Option<Replay>,
}

/// The TCP replay of an MDP 3.0 channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// Where it is.
    pub address: SocketAddrV4,
    /// Who asks.
    pub user: String,
    /// Where the password lies.
    pub password: SecretSource,
}

/// The query service of an SMDP topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryQuery {
    /// The topic, which fixes products and depth.
    pub topic: i16,
    /// Where MDQP is spoken.
    pub address: SocketAddrV4,
    /// Who asks.
    pub login: QueryLogin,
}

/// Every key of this part; each is a key of one protocol alone.
const KEYS: [&str; 4] = ["definitions_a", "definitions_b", "snapshots_a", "snapshots_b"];

pub(super) fn recovery(section: &Section<'_>, protocol: FeedProtocol) -> Recovery {
    match protocol {
        FeedProtocol::CmeMdp3 => {
            let [definitions_a, definitions_b, snapshots_a, snapshots_b] =
                KEYS.map(|key| group_at(section, key));
            let is_replayed = section.has("replay");
            // The replay is asked for packets of a channel.
            let channel_id = if is_replayed {
                Some(section.required("channel_id", whole(1..=i16::MAX)))
            } else {
                section.optional("channel_id", whole(1..=i16::MAX))
            };
            Recovery::Loops(RecoveryLoops {
                replay: if is_replayed { Some(replay(section)) } else { section.absent("replay") },
                channel_id: channel_id.map(|id| id.value),
                definitions: [definitions_a, definitions_b],
                snapshots: [snapshots_a, snapshots_b],
            })
        }
        FeedProtocol::ShfeSmdp => {
            let nowhere = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
            Recovery::Query(RecoveryQuery {
                topic: section.required("topic", whole(1..=i16::MAX)).value,
                address: section.required("mdqp", tcp_endpoint).value.unwrap_or(nowhere),
                login: access::query_login(section),
            })
        }
    }
}

fn replay(section: &Section<'_>) -> Replay {
    let nowhere = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
    Replay {
        address: section.required("replay", tcp_endpoint).value.unwrap_or(nowhere),
        user: section.required("replay_user", identity(1..=20)).value,
        password: access::replay_password(section),
    }
}

fn group_at(section: &Section<'_>, key: &'static str) -> Option<FeedLine> {
    section.has(key).then(|| line_at(section, key)).or_else(|| section.absent(key))
}

impl Recovery {
    /// Every group with its key, as it is written.
    pub fn groups(&self) -> impl Iterator<Item = (&'static str, &FeedLine)> {
        let groups = match self {
            Self::Loops(loops) => loops.definitions.iter().chain(&loops.snapshots).collect(),
            Self::Query(_) => Vec::new(),
        };
        KEYS.into_iter().zip(groups).filter_map(|(key, group)| Some((key, group.as_ref()?)))
    }
}

impl RecoveryLoops {
    /// The lines of one kind that are written.
    pub fn lines(of: &[Option<FeedLine>; 2]) -> impl Iterator<Item = (Line, &FeedLine)> {
        Line::BOTH.into_iter().zip(of).filter_map(|(line, group)| Some((line, group.as_ref()?)))
    }
}

/// No two groups of a feed are one: what is read as one kind of packet would be another.
pub(super) fn check_groups(section: &Section<'_>, recovery: &Recovery, lines: [&FeedLine; 2]) {
    let lines = [("line_a", lines[0]), ("line_b", lines[1])];
    let all: Vec<_> = lines.into_iter().chain(recovery.groups()).collect();
    for (index, (key, group)) in all.iter().enumerate() {
        let first = all.iter().take(index).find(|(_, other)| other.group == group.group);
        let Some((other, _)) = first.filter(|_| **group != FeedLine::NOWHERE) else { continue };
        section.fail(
            Problem::new(
                Rule::Lines,
                format!("`{other}` and `{key}` of {} are both {}", section.title(), group.group),
                section.place().clone(),
                "one group twice is no redundancy",
            )
            .help(format!("give `{key}` its own group or port")),
        );
    }
}

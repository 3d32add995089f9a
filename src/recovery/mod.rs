//! The cold start of feeds: the books that stood before the engine listened.
//!
//! `find` listens, asks and waits on the cold side while the hot sockets of the feed, which have
//! joined before, keep what comes in the kernel's buffers. What it returns is put into the hot
//! `Feed` by `seed`; the feed then goes on with the packets that were kept. What the venue says of
//! the instruments is compared with the configuration on the way: a difference ends the start.
//!
//! What comes of a fault is never a wrong book: packets that are missing between snapshot and
//! increments leave the feed `Suspect`, as they would later.
//!
//! Not here: recovery while the engine runs, orders (`engine::logon`). Called by the commands that
//! trade, once for each feed, after `engine::sockets::feed_port`.

mod lines;
pub mod mdp3;
pub mod replica;
pub mod smdp;
mod tail;
mod terms;

pub use lines::Group;
pub use tail::Tail;
pub use terms::{Difference, Wanted, wanted};

use crate::config::{Configuration, FeedIndex, Recovery};
use crate::port::tcp::TcpError;
use crate::port::udp::UdpError;
use crate::secret::SecretError;
use crate::venue::shfe::smdp::client::ClientError;
use std::time::{Duration, Instant};
use xmc_hotpath::port::RxPort;
use xmc_hotpath::stage::{Stage, Work};

/// How long nothing is asked of the sockets when none has anything.
const NAP: Duration = Duration::from_micros(200);

/// Why a feed cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A group that recovery needs is not configured.
    #[error(
        "feed {feed} has no `{key}`: books can be recovered only from that group; add {key} = {{ \
         group = \"..\", port = .., interface = \"..\" }}"
    )]
    NoGroup {
        /// Which feed.
        feed: String,
        /// Which key.
        key: &'static str,
    },
    /// Nobody knows where the group's packets arrive.
    #[error("`{key}` of feed {feed} names no interface: add interface = \"eth0\" (or its address)")]
    NoInterface {
        /// Which feed.
        feed: String,
        /// Which key.
        key: &'static str,
    },
    /// A group cannot be received.
    #[error("feed {feed}, `{key}`: {source}")]
    Socket {
        /// Which feed.
        feed: String,
        /// Which key.
        key: &'static str,
        /// What is wrong.
        source: UdpError,
    },
    /// Nothing came.
    #[error(
        "feed {feed}: nothing that could be read came on {keys} within {ms} ms: check groups, \
         ports and interfaces, and that the venue is open"
    )]
    Silent {
        /// Which feed.
        feed: String,
        /// Which groups.
        keys: String,
        /// How long was waited.
        ms: u128,
    },
    /// The venue does not have what is to be traded.
    #[error(
        "feed {feed}: the venue does not define {}: check security_id and symbol, and that the \
         feed is the right channel or topic",
        instruments.join(", ")
    )]
    NotDefined {
        /// Which feed.
        feed: String,
        /// What the configuration wants.
        instruments: Vec<String>,
    },
    /// The definitions came in part only.
    #[error(
        "feed {feed}: no definition of {} came within {ms} ms, and {have} of {of} did: wait \
         longer, or look for lost packets",
        instruments.join(", ")
    )]
    Undefined {
        /// Which feed.
        feed: String,
        /// What was not told.
        instruments: Vec<String>,
        /// Definitions that came.
        have: usize,
        /// Definitions that there are.
        of: u32,
        /// How long was waited.
        ms: u128,
    },
    /// The venue says other things of an instrument than the configuration.
    #[error("feed {feed}: {}", show(differences))]
    Differs {
        /// Which feed.
        feed: String,
        /// All that differs.
        differences: Vec<Difference>,
    },
    /// No book that the increments go on from.
    #[error(
        "feed {feed}: no snapshot of {} came within {ms} ms that the packets of lines A and B go \
         on from ({refused} could not be read): wait longer, or look for lost packets",
        instruments.join(", ")
    )]
    Untold {
        /// Which feed.
        feed: String,
        /// What was not told.
        instruments: Vec<String>,
        /// Snapshots that came and could not be read.
        refused: u64,
        /// How long was waited.
        ms: u128,
    },
    /// The secret of the query service, or of the replay, cannot be read.
    #[error("feed {feed}: {source}")]
    Secret {
        /// Which feed.
        feed: String,
        /// What is wrong.
        source: SecretError,
    },
    /// A text does not fit its field.
    #[error("feed {feed}: `{key}` has {bytes} bytes, and {most} fit: shorten it")]
    Text {
        /// Which feed.
        feed: String,
        /// Which key.
        key: &'static str,
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        most: usize,
    },
    /// There is no query service.
    #[error("feed {feed}, `mdqp`: {source}")]
    Connect {
        /// Which feed.
        feed: String,
        /// What is wrong.
        source: TcpError,
    },
    /// There is no TCP replay.
    #[error("feed {feed}, `replay`: {source}")]
    Replay {
        /// Which feed.
        feed: String,
        /// What is wrong.
        source: TcpError,
    },
    /// The query service went away.
    #[error("feed {feed}: the query service closed the connection while {awaited} was awaited")]
    Closed {
        /// Which feed.
        feed: String,
        /// What was awaited.
        awaited: &'static str,
    },
    /// The query service refuses, or cannot be understood.
    #[error("feed {feed}: {source}; check `mdqp`, `topic` and the login")]
    Query {
        /// Which feed.
        feed: String,
        /// What is wrong.
        source: ClientError,
    },
    /// The query service did not answer.
    #[error("feed {feed}: {awaited} did not come within {ms} ms: check `mdqp`, or wait longer")]
    TimedOut {
        /// Which feed.
        feed: String,
        /// What was awaited.
        awaited: &'static str,
        /// How long was waited.
        ms: u128,
    },
}

fn show(differences: &[Difference]) -> String {
    let each: Vec<_> = differences.iter().map(ToString::to_string).collect();
    each.join("; ")
}

/// What a feed begins with.
#[derive(Debug)]
pub enum Start {
    /// For a `Feed` of `Mdp3`.
    Mdp3(mdp3::Start),
    /// For a `Feed` of `Smdp`.
    Smdp(smdp::Start),
}

/// Finds what a feed begins with, waiting at most `patience`. The feed's hot sockets must have
/// joined, and have room for what comes until they are polled; `find_for` asks for less of it.
///
/// # Errors
/// See `StartError`.
pub fn find(
    config: &Configuration,
    feed: FeedIndex,
    patience: Duration,
) -> Result<Start, StartError> {
    find_and(config, feed, &mut || {}, patience)
}

/// Finds what a feed begins with, and empties `port`, its hot sockets, at the end: what came until
/// then is kept in the start. So the kernel needs room only for what comes from then on, which
/// matters where `net.core.rmem_max` is as small as most systems have it. Poll soon after.
///
/// # Errors
/// See `StartError`.
pub fn find_for<P: RxPort>(
    config: &Configuration,
    feed: FeedIndex,
    port: &mut P,
    patience: Duration,
) -> Result<Start, StartError> {
    let mut drain = || {
        // A flood ends with the patience of whoever polls next.
        for _ in 0..MOST_DRAINED {
            if port.peek().is_none() {
                return;
            }
            port.release();
        }
    };
    find_and(config, feed, &mut drain, patience)
}

/// More packets than any socket's buffer holds.
const MOST_DRAINED: u32 = 1 << 20;

fn find_and(
    config: &Configuration,
    feed: FeedIndex,
    drain: &mut dyn FnMut(),
    patience: Duration,
) -> Result<Start, StartError> {
    let wanted = wanted(config, feed);
    let feed = &config.feeds[feed];
    match &feed.recovery {
        Recovery::Loops(loops) => mdp3::find(feed, loops, wanted, drain, patience).map(Start::Mdp3),
        Recovery::Query(query) => smdp::find(feed, query, wanted, drain, patience).map(Start::Smdp),
    }
}

/// Polls the stage of a feed that was seeded until it has caught up with what its sockets kept, and
/// says whether it has within `patience`. Before the desk may trade: until then quotes are older
/// than they look.
pub fn catch_up(stage: &mut impl Stage, patience: Duration) -> bool {
    let deadline = Instant::now() + patience;
    while stage.poll() != Work::Idle {
        if Instant::now() > deadline {
            return false;
        }
    }
    true
}

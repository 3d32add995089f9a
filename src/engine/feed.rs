//! One feed of the configuration as a stage: which protocol it speaks is decided here, once.

use super::recovering::Handing;
use super::wire::WireError;
use crate::config::{self, Configuration, FeedIndex, FeedProtocol, Recovery};
use crate::feed::{FeedCapacity, FeedMemory};
use crate::recovery;
use crate::recovery::replica::handover_ring;
use crate::venue::shfe::smdp::seed;
use std::time::{Duration, Instant};
use xmc_hotpath::book::View;
use xmc_hotpath::feed::{
    ArbiterLimits, Channel, ChannelSettings, Feed, FeedCounters, FeedStage, FrozenLimits, HandedOf,
    Held, Join, Protocol, RejoinStorage,
};
use xmc_hotpath::message::{ChannelUpdate, InstrumentIndex, Quote, StreamId};
use xmc_hotpath::port::RxPort;
use xmc_hotpath::ring::Sender;
use xmc_hotpath::stage::{Stage, Work};
use xmc_hotpath::time::{Clock, MonoNs, Span};
use xmc_hotpath::venue::cme::mdp3::feed::Mdp3;
use xmc_hotpath::venue::shfe::smdp::feed::{PriceCodec, Smdp};

/// Datagrams that a feed stage takes in one poll.
const DATAGRAMS_PER_POLL: u32 = 16;
/// A line is silent, or lossy, when it has been so for a second while the other was not.
const LINE_PATIENCE: Span = Span(1_000_000_000);
/// Rows for instruments of a channel that the configuration does not name: their books are kept.
pub(super) const UNNAMED_INSTRUMENTS: usize = 2048;
/// Packets whose copies on the two lines are compared.
const DIGESTS: usize = 1024;
/// Packets that are kept while books are recovered: ten milliseconds of the busiest channel, many
/// times what a hand-over takes.
const TAIL: usize = 1024;

/// How long feeds may take to read what their sockets kept.
const CATCHING_UP: Duration = Duration::from_millis(500);

/// What the cold side has learnt of a feed before its stage starts.
#[derive(Debug, Default)]
pub enum FeedStart {
    /// Nothing: books start empty, or wait for recovery, as the configuration says.
    #[default]
    Nothing,
    /// The books that stood before it listened.
    Recovered(recovery::Start),
}

/// The stage of a feed.
#[derive(Debug)]
pub enum AnyFeed<'m, F, C> {
    /// CME MDP 3.0.
    Mdp3(FeedStage<'m, F, C, Mdp3>),
    /// SHFE and INE SMDP 2.0.
    Smdp(FeedStage<'m, F, C, Smdp<'m>>),
}

impl<'m, F: RxPort, C: Clock> AnyFeed<'m, F, C> {
    /// Its books and state.
    #[must_use]
    pub fn channel(&self) -> &Channel<'m> {
        match self {
            Self::Mdp3(stage) => stage.feed().channel(),
            Self::Smdp(stage) => stage.feed().channel(),
        }
    }

    /// The same for the cold side, before the start.
    pub fn channel_mut(&mut self) -> &mut Channel<'m> {
        match self {
            Self::Mdp3(stage) => stage.feed_mut().channel_mut(),
            Self::Smdp(stage) => stage.feed_mut().channel_mut(),
        }
    }

    /// Where its packets come from.
    pub fn port_mut(&mut self) -> &mut F {
        match self {
            Self::Mdp3(stage) => stage.port_mut(),
            Self::Smdp(stage) => stage.port_mut(),
        }
    }
}

impl<F: RxPort, C: Clock> Stage for AnyFeed<'_, F, C> {
    #[inline]
    fn poll(&mut self) -> Work {
        match self {
            Self::Mdp3(stage) => stage.poll(),
            Self::Smdp(stage) => stage.poll(),
        }
    }

    fn housekeeping(&mut self) {
        match self {
            Self::Mdp3(stage) => stage.housekeeping(),
            Self::Smdp(stage) => stage.housekeeping(),
        }
    }
}

/// What the stage of one feed works in.
#[derive(Debug)]
pub(super) struct Memory {
    feed: FeedMemory,
    /// One for each row of the books; none where prices need no codec.
    codecs: Vec<PriceCodec>,
    /// Packets that are kept while books are recovered; none where they are not.
    tail: Vec<Held>,
}

impl Memory {
    pub fn new(feed: &config::Feed, instruments: usize) -> Self {
        let capacity = FeedCapacity {
            instruments: instruments + UNNAMED_INSTRUMENTS,
            quoted: instruments,
            held: feed.reorder_packets.into(),
            digests: DIGESTS,
        };
        let codecs = match feed.protocol {
            FeedProtocol::CmeMdp3 => 0,
            FeedProtocol::ShfeSmdp => capacity.instruments,
        };
        let tail = if is_recovered(feed) { TAIL } else { 0 };
        Self {
            feed: FeedMemory::new(capacity),
            codecs: vec![PriceCodec::NONE; codecs],
            tail: vec![Held::FREE; tail],
        }
    }
}

/// What joins a feed's stage to everything else.
pub(super) struct Ends<'m, F, C> {
    pub port: F,
    pub clock: C,
    pub quotes: Sender<Quote>,
    pub updates: Sender<ChannelUpdate>,
    pub counters: &'m FeedCounters,
}

/// The stage of feed `index`, and where its recovered books are handed over.
pub(super) fn stage<'m, F: RxPort, C: Clock>(
    config: &Configuration,
    index: FeedIndex,
    memory: &'m mut Memory,
    start: FeedStart,
    ends: Ends<'m, F, C>,
    now: MonoNs,
) -> Result<(AnyFeed<'m, F, C>, Option<Handing>), WireError> {
    let configured = &config.feeds[index];
    let name = || configured.name.value.clone();
    let Ends { port, clock, quotes, updates, counters } = ends;
    let (storage, quotes) = memory.feed.lend(quotes);
    let wrong = |fault| WireError::Storage { name: name(), fault };
    let (settings, limits) = (settings(configured), limits(configured));
    let frozen = frozen(configured);
    let unseeded = |source: SeedError| WireError::Seed { name: name(), source };
    let tail = &mut memory.tail;
    match (configured.protocol, start) {
        (FeedProtocol::CmeMdp3, start)
            if !matches!(start, FeedStart::Recovered(recovery::Start::Smdp(_))) =>
        {
            let protocol = mdp3(configured);
            let made = Feed::new(protocol, settings, limits, storage, quotes, updates, counters);
            let made = made.map_err(wrong)?.with_pulse(frozen);
            let (mut feed, handing) = recoverable(configured, made, tail);
            match start {
                FeedStart::Recovered(recovery::Start::Mdp3(start)) => {
                    start.seed(&mut feed, now).map_err(|source| unseeded(source.into()))?;
                }
                _ => list(config, index, &mut feed),
            }
            let stage = FeedStage::new(port, clock, feed, DATAGRAMS_PER_POLL);
            Ok((AnyFeed::Mdp3(stage), handing.map(Handing::Mdp3)))
        }
        (FeedProtocol::ShfeSmdp, FeedStart::Recovered(recovery::Start::Smdp(start))) => {
            let Recovery::Query(query) = &configured.recovery else {
                unreachable!("a topic is recovered by asking")
            };
            let smdp = Smdp::new(query.topic, &mut memory.codecs);
            let made = Feed::new(smdp, settings, limits, storage, quotes, updates, counters);
            let made = made.map_err(wrong)?.with_pulse(frozen);
            let (mut feed, handing) = recoverable(configured, made, tail);
            start.seed(&mut feed, now).map_err(|source| unseeded(source.into()))?;
            let stage = FeedStage::new(port, clock, feed, DATAGRAMS_PER_POLL);
            Ok((AnyFeed::Smdp(stage), handing.map(Handing::Smdp)))
        }
        _ => Err(WireError::FeedStart { name: name(), protocol: configured.protocol.word() }),
    }
}

/// Whether books of a feed can be recovered while it runs.
pub(super) fn is_recovered(feed: &config::Feed) -> bool {
    feed.join.value == config::Join::Recover && feed.line_a.interface.is_some()
}

/// A feed with a way for recovered books, if it has any, and where they are put in.
fn recoverable<'m, V: Protocol>(
    configured: &config::Feed,
    feed: Feed<'m, V>,
    tail: &'m mut [Held],
) -> (Feed<'m, V>, Option<Sender<HandedOf<V>>>) {
    if !is_recovered(configured) {
        return (feed, None);
    }
    let (handing, handed) = handover_ring();
    let feed = feed.with_recovery(RejoinStorage { handed, tail });
    (feed.expect("the tail is sized by its own rules"), Some(handing))
}

/// What an MDP 3.0 channel is read with. Only resets of the channel itself void it, where its
/// number is known: groups may carry those of others.
pub(super) fn mdp3(feed: &config::Feed) -> Mdp3 {
    match &feed.recovery {
        Recovery::Loops(loops) => Mdp3::new(loops.channel_id),
        Recovery::Query(_) => Mdp3::new(None),
    }
}

/// Why a feed does not take the books that the venue told.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// Of an MDP 3.0 channel.
    #[error(transparent)]
    Mdp3(#[from] recovery::mdp3::SeedError),
    /// Of an SMDP topic.
    #[error(transparent)]
    Smdp(#[from] seed::SeedError),
}

/// Tells a feed which of its instruments the desk wants quotes of.
fn list<V: Protocol>(config: &Configuration, index: FeedIndex, feed: &mut Feed<'_, V>) {
    for (instrument, row) in config.instruments.iter().zip(0..) {
        if instrument.feed == index {
            let books = feed.channel_mut().books_mut();
            books.add(instrument.security_id.value, Some(InstrumentIndex(row)));
        }
    }
}

pub(super) fn settings(feed: &config::Feed) -> ChannelSettings {
    ChannelSettings {
        stream: StreamId(feed.stream_id.value),
        join: match feed.join.value {
            config::Join::Recover => Join::Recover,
            config::Join::AssumeEmpty => Join::AssumeEmpty,
        },
        view: View::Outright,
    }
}

/// When a feed that is heard counts as frozen.
fn frozen(feed: &config::Feed) -> FrozenLimits {
    FrozenLimits {
        after: Span(u64::from(feed.frozen_after_ms) * 1_000_000),
        is_paced: feed.protocol == FeedProtocol::ShfeSmdp,
    }
}

pub(super) fn limits(feed: &config::Feed) -> ArbiterLimits {
    ArbiterLimits {
        hold_for: Span(feed.reorder_ns.into()),
        line_reorder: 0,
        silent_after: LINE_PATIENCE,
        lossy_after: LINE_PATIENCE,
        stale_after: Span(u64::from(feed.stale_after_ms) * 1_000_000),
    }
}

/// Takes in what the sockets kept while the books were learnt: until then quotes are older than
/// they look. What does not fit the desk's ring conflates. A venue that sends without a pause is
/// not waited for: the desk's own gates see how old its quotes are.
pub fn catch_up<F: RxPort, C: Clock>(feeds: &mut [AnyFeed<'_, F, C>]) {
    let until = Instant::now() + CATCHING_UP;
    for feed in feeds {
        while feed.poll() == Work::Busy && Instant::now() < until {}
    }
}

//! The wiring, on one page: every stage, every ring, in the order in which data moves.
//!
//! `wire` is the only function that knows all stages. It makes the rings that the topology asks
//! for, lends each stage its memory, and hands the desk its configuration through the control ring.
//! Ports come from the caller: a capture, the simulator, or sockets.

use super::inputs::{self, Names};
use super::memory::{DeskMemory, DeskSize, images};
use crate::config::{Configuration, Feed, FeedProtocol, GatewayProtocol};
use crate::feed::{FeedCapacity, FeedMemory};
use crate::topology::{LinkKind, Stage as StageName};
use rtrb::RingBuffer;
use xmc_hotpath::book::{StorageError, View};
use xmc_hotpath::counter::{Counter, Recorder};
use xmc_hotpath::desk::Desk;
use xmc_hotpath::desk::stage::{DeskCounters, DeskStage, FeedLink, GatewayLink, MAX_FEEDS};
use xmc_hotpath::feed::{self, ArbiterLimits, ChannelSettings, FeedCounters, FeedStage};
use xmc_hotpath::gateway::{GatewayCounters, GatewayStage};
use xmc_hotpath::message::{
    Command, CommandKind, Control, DeskId, DeskIdentity, GatewayIndex, InstrumentIndex,
    MAX_GATEWAYS, SiteId, SpreadIndex, StreamId,
};
use xmc_hotpath::port::{RxPort, StreamPort};
use xmc_hotpath::record::RecordSink;
use xmc_hotpath::record::frame::{Image, Images, LOGIC_VERSION, Start};
use xmc_hotpath::ring::{Receiver, Sender, ends};
use xmc_hotpath::stage::{Stage, Work};
use xmc_hotpath::time::{Clock, MonoNs, Span, UnixNs};
use xmc_hotpath::venue::cme::ilink3::encode::{SessionIdentity, TemplateError};
use xmc_hotpath::venue::cme::ilink3::layout::NEWEST_VERSION;
use xmc_hotpath::venue::cme::ilink3::session::{Session, SessionCounters};
use xmc_hotpath::venue::cme::mdp3::feed::Mdp3;

/// Datagrams that a feed stage takes in one poll.
const DATAGRAMS_PER_POLL: u32 = 16;
/// Channel updates that can wait for the desk.
const CHANNEL_UPDATES: usize = 64;
/// Controls that can wait for the desk, besides those of the configuration.
const CONTROLS: usize = 64;
/// A line is silent, or lossy, when it has been so for a second while the other was not.
const LINE_PATIENCE: Span = Span(1_000_000_000);
/// Depth of a ring that the topology does not name.
const DEFAULT_DEPTH: usize = 1024;

/// Why a configuration cannot be wired.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// More feeds than one desk can listen to.
    #[error("{0} feeds are configured, and one desk listens to at most {MAX_FEEDS}: use two desks")]
    TooManyFeeds(usize),
    /// Ports do not match the configuration: a fault of the caller.
    #[error("{given} {what} ports for {configured} configured: one port each")]
    Ports {
        /// Feed or gateway.
        what: &'static str,
        /// Ports given.
        given: usize,
        /// Feeds or gateways configured.
        configured: usize,
    },
    /// The gateway needs a logon that this command does not make.
    #[error(
        "gateway {0} speaks to an exchange, and this command trades on paper only: write protocol \
         = \"paper\""
    )]
    NotPaper(String),
    /// The stages made here read another protocol.
    #[error("feed {0} does not speak cme/mdp3, the only protocol that this command reads")]
    Protocol(String),
    /// The identity of an order session is not one that its protocol can write.
    #[error("gateway {name}: {source}")]
    Identity {
        /// Which.
        name: String,
        /// What is wrong.
        source: TemplateError,
    },
    /// A feed's memory has a wrong size: a fault in the program.
    #[error("feed {name}: the memory for its books is wrong: {fault:?}")]
    Storage {
        /// Which.
        name: String,
        /// What is wrong.
        fault: StorageError,
    },
}

/// What all stages work in. Made once, before anything runs.
#[derive(Debug)]
pub struct Memory {
    desk: DeskMemory,
    size: DeskSize,
    images: Vec<Image>,
    feeds: Vec<FeedMemory>,
    inboxes: Vec<Vec<u8>>,
}

impl Memory {
    /// Memory for a configuration.
    #[must_use]
    pub fn new(config: &Configuration) -> Self {
        let instruments = config.instruments.len();
        let size = DeskSize::new(instruments, config.spreads.len());
        Self {
            desk: DeskMemory::new(size),
            size,
            images: images(instruments),
            feeds: config
                .feeds
                .iter()
                .map(|feed| FeedMemory::new(capacity(feed, instruments)))
                .collect(),
            inboxes: config.gateways.iter().map(|_| vec![0; INBOX_BYTES]).collect(),
        }
    }
}

/// Rows for instruments of a channel that the configuration does not name: their books are kept.
const UNNAMED_INSTRUMENTS: usize = 2048;
/// Packets whose copies on the two lines are compared.
const DIGESTS: usize = 1024;

fn capacity(feed: &Feed, instruments: usize) -> FeedCapacity {
    FeedCapacity {
        instruments: instruments + UNNAMED_INSTRUMENTS,
        quoted: instruments,
        held: feed.reorder_packets.into(),
        digests: DIGESTS,
    }
}

/// Two of the longest messages of iLink 3, and then some.
const INBOX_BYTES: usize = 1 << 16;

/// What all stages count: read by the cold side while they run.
#[derive(Debug, Default)]
pub struct Counters {
    /// The desk.
    pub desk: DeskCounters,
    /// By feed.
    pub feeds: Vec<FeedCounters>,
    /// By gateway.
    pub gateways: Vec<GatewayCounters>,
    /// By gateway.
    pub sessions: Vec<SessionCounters>,
    /// The engine's nanosecond zero in UTC.
    pub utc_origin: Counter,
}

impl Counters {
    /// Counters for a configuration.
    #[must_use]
    pub fn new(config: &Configuration) -> Self {
        Self {
            feeds: config.feeds.iter().map(|_| FeedCounters::default()).collect(),
            gateways: config.gateways.iter().map(|_| GatewayCounters::default()).collect(),
            sessions: config.gateways.iter().map(|_| SessionCounters::default()).collect(),
            ..Self::default()
        }
    }
}

/// The outside of a pipeline: one port per feed and per gateway, in the order of the configuration.
#[derive(Debug)]
pub struct Ports<F, G> {
    /// Where packets come from.
    pub feeds: Vec<F>,
    /// Where orders go, and their news come from.
    pub gateways: Vec<G>,
}

/// What a run starts with, besides its configuration.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    /// Counts the starts of this desk.
    pub run: u16,
    /// The engine's clock at the start.
    pub now: MonoNs,
    /// The same in UTC; 0 if not known.
    pub utc: UnixNs,
}

/// Stages that are wired to each other.
#[derive(Debug)]
pub struct Pipeline<'m, F, G, C, R, L> {
    /// By feed.
    pub feeds: Vec<FeedStage<'m, F, C, Mdp3>>,
    /// The desk.
    pub desk: DeskStage<'m, C, R>,
    /// By gateway.
    pub gateways: Vec<GatewayStage<'m, Session<'m>, G, C, L>>,
    /// Where the cold side tells the desk things.
    pub control: Sender<Control>,
    /// The names behind the numbers in the record.
    pub names: Names,
}

/// Whose desk a configuration describes.
#[must_use]
pub fn identity(config: &Configuration, run: u16) -> DeskIdentity {
    DeskIdentity { site: SiteId(config.engine.site_id), desk: DeskId(config.engine.desk_id), run }
}

/// Makes the stages and rings of a configuration. The desk finds its configuration and the command
/// to arm in its control ring.
///
/// # Errors
/// See `WireError`.
#[expect(clippy::too_many_arguments, reason = "the one place where everything meets")]
pub fn wire<'m, F, G, C, R, L>(
    config: &Configuration,
    memory: &'m mut Memory,
    counters: &'m Counters,
    ports: Ports<F, G>,
    clock: &C,
    record: R,
    latency: impl Fn() -> L,
    origin: Origin,
) -> Result<Pipeline<'m, F, G, C, R, L>, WireError>
where
    F: RxPort,
    G: StreamPort,
    C: Clock + Clone,
    R: RecordSink,
    L: Recorder,
{
    check_ports(config, &ports)?;
    let Memory { desk, size, images, feeds: feed_memory, inboxes } = memory;
    let identity = identity(config, origin.run);
    let mut feed_links: [Option<FeedLink>; MAX_FEEDS] = [const { None }; MAX_FEEDS];
    let mut gateway_links: [Option<GatewayLink>; MAX_GATEWAYS] = [const { None }; MAX_GATEWAYS];

    let mut feeds = Vec::new();
    let rows = config.feeds.iter().zip(feed_memory).zip(&counters.feeds).zip(ports.feeds);
    for ((((feed, memory), counters), port), index) in rows.zip(0..) {
        let (quotes_in, quotes) = ring(depth(config, LinkKind::Quotes, StageName::Feed(index)));
        let (updates_in, channels) = ring(CHANNEL_UPDATES);
        feed_links[index] = Some(FeedLink { quotes, channels });
        let (storage, quotes_in) = memory.lend(quotes_in);
        let settings = settings(feed);
        let made = feed::Feed::new(
            Mdp3::new(None),
            settings,
            limits(feed),
            storage,
            quotes_in,
            updates_in,
            counters,
        );
        let mut made =
            made.map_err(|fault| WireError::Storage { name: feed.name.value.clone(), fault })?;
        for (instrument, row) in config.instruments.iter().zip(0..) {
            if instrument.feed == index {
                let books = made.channel_mut().books_mut();
                books.add(instrument.security_id.value, Some(InstrumentIndex(row)));
            }
        }
        feeds.push(FeedStage::new(port, clock.clone(), made, DATAGRAMS_PER_POLL));
    }

    let mut gateways = Vec::new();
    let rows = config.gateways.iter().zip(inboxes).zip(&counters.gateways).zip(&counters.sessions);
    for ((((gateway, inbox), gateway_counters), session_counters), (port, index)) in
        rows.zip(ports.gateways.into_iter().zip(0_u8..))
    {
        let name = StageName::Gateway(usize::from(index));
        let (commands, commands_out) = ring(depth(config, LinkKind::Orders, name));
        let (news_in, news) = ring(depth(config, LinkKind::Events, name));
        gateway_links[usize::from(index)] = Some(GatewayLink { commands, news });
        let stream = StreamId(gateway.stream_id.value);
        let row = GatewayIndex(index);
        let session = Session::new(row, stream, &PAPER, 1, session_counters)
            .map_err(|source| WireError::Identity { name: gateway.name.value.clone(), source })?;
        gateways.push(GatewayStage::new(
            session,
            port,
            clock.clone(),
            latency(),
            row,
            stream,
            commands_out,
            news_in,
            inbox,
            &counters.utc_origin,
            gateway_counters,
        ));
    }

    let (controls, names) = inputs::controls(config);
    let (mut control, control_out) = ring(controls.len() + CONTROLS);
    for told in controls.into_iter().chain([arm()]) {
        control.push(told).expect("the ring was made for them");
    }
    let start = Start {
        identity,
        logic_version: LOGIC_VERSION,
        now: origin.now,
        utc: origin.utc,
        config_digest: config.sources.digest(),
        arenas: size.arenas(),
    };
    let desk = DeskStage::new(
        Desk::new(identity, desk.lend()),
        clock.clone(),
        feed_links,
        gateway_links,
        control_out,
        record,
        Images::new(images),
        &counters.desk,
        &start,
    );
    Ok(Pipeline { feeds, desk, gateways, control, names })
}

/// Who trades on paper: the paper exchange asks nobody's name.
const PAPER: SessionIdentity<'static> = SessionIdentity {
    sender_id: "PAPER",
    location: "PAPER",
    party_details_id: 0,
    schema_version: NEWEST_VERSION,
};

fn check_ports<F, G>(config: &Configuration, ports: &Ports<F, G>) -> Result<(), WireError> {
    if config.feeds.len() > MAX_FEEDS {
        return Err(WireError::TooManyFeeds(config.feeds.len()));
    }
    for (what, given, configured) in [
        ("feed", ports.feeds.len(), config.feeds.len()),
        ("gateway", ports.gateways.len(), config.gateways.len()),
    ] {
        if given != configured {
            return Err(WireError::Ports { what, given, configured });
        }
    }
    if let Some(feed) = config.feeds.iter().find(|feed| feed.protocol != FeedProtocol::CmeMdp3) {
        return Err(WireError::Protocol(feed.name.value.clone()));
    }
    let exchange = |gateway: &&crate::config::Gateway| gateway.protocol != GatewayProtocol::Paper;
    match config.gateways.iter().find(exchange) {
        Some(gateway) => Err(WireError::NotPaper(gateway.name.value.clone())),
        None => Ok(()),
    }
}

fn ring<T: Copy>(depth: usize) -> (Sender<T>, Receiver<T>) {
    ends(RingBuffer::new(depth))
}

/// The depth that the topology gives to the ring of `kind` between the desk and `stage`.
fn depth(config: &Configuration, kind: LinkKind, stage: StageName) -> usize {
    let link = config
        .links
        .iter()
        .find(|link| link.kind == kind && (link.from == stage || link.to == stage));
    link.map_or(DEFAULT_DEPTH, |link| usize::try_from(link.depth).expect("a depth is small"))
}

fn settings(feed: &Feed) -> ChannelSettings {
    ChannelSettings {
        stream: StreamId(feed.stream_id.value),
        join: match feed.join.value {
            crate::config::Join::Recover => feed::Join::Recover,
            crate::config::Join::AssumeEmpty => feed::Join::AssumeEmpty,
        },
        view: View::Outright,
    }
}

fn limits(feed: &Feed) -> ArbiterLimits {
    ArbiterLimits {
        hold_for: Span(feed.reorder_ns.into()),
        line_reorder: 0,
        silent_after: LINE_PATIENCE,
        lossy_after: LINE_PATIENCE,
        stale_after: Span(u64::from(feed.stale_after_ms) * 1_000_000),
    }
}

/// The command that lets the desk open positions. On paper the engine gives it itself.
fn arm() -> Control {
    Control::Command(Command {
        kind: CommandKind::Arm,
        spread: SpreadIndex::ALL,
        operator: 0,
        command_id: 1,
    })
}

impl<F, G, C, R, L> Stage for Pipeline<'_, F, G, C, R, L>
where
    F: RxPort,
    G: StreamPort,
    C: Clock,
    R: RecordSink,
    L: Recorder,
{
    /// Polls all stages once, in the order in which data moves: one core doing everything.
    #[inline]
    fn poll(&mut self) -> Work {
        let mut work = Work::Idle;
        for feed in &mut self.feeds {
            work = work.or(feed.poll());
        }
        work = work.or(self.desk.poll());
        for gateway in &mut self.gateways {
            work = work.or(gateway.poll());
        }
        work
    }

    fn housekeeping(&mut self) {
        self.feeds.iter_mut().for_each(Stage::housekeeping);
        self.desk.housekeeping();
        self.gateways.iter_mut().for_each(Stage::housekeeping);
    }
}

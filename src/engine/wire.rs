//! The wiring, on one page: every stage, every ring, in the order in which data moves.
//!
//! `wire` is the only function that knows all stages. It makes the rings that the topology asks
//! for, lends each stage its memory, and hands the desk its configuration through the control ring.
//! Ports come from the caller: a capture, the simulator, or sockets.

use super::core::core_of;
use super::counters::Counters;
use super::feed::{self, AnyFeed, FeedStart, SeedError};
use super::gateway::{self, AnyGateway, Door, GatewayStart};
use super::inputs::{self, Names};
use super::memory::{self, DeskMemory, DeskSize, images};
use super::recovering::Handing;
use crate::config::{Configuration, GatewayProtocol};
use crate::topology::{LinkKind, Stage as StageName};
use rtrb::RingBuffer;
use xmc_hotpath::book::StorageError;
use xmc_hotpath::counter::Recorder;
use xmc_hotpath::desk::Desk;
use xmc_hotpath::desk::stage::{DeskStage, FeedLink, GatewayLink, MAX_FEEDS};
use xmc_hotpath::message::{
    Command, CommandKind, Control, DeskId, DeskIdentity, GatewayIndex, MAX_GATEWAYS, OrderCommand,
    Quote, Scope, SiteId,
};
use xmc_hotpath::port::{RxPort, StreamPort};
use xmc_hotpath::record::RecordSink;
use xmc_hotpath::record::frame::{Image, Images, LOGIC_VERSION, Start};
use xmc_hotpath::ring::{Receiver, Sender, ends};
use xmc_hotpath::stage::{Stage, Work};
use xmc_hotpath::time::{Clock, MonoNs, UnixNs};
use xmc_hotpath::venue::cme::ilink3::encode::TemplateError;
use xmc_hotpath::venue::esunny::dstar::encode as dstar;
use xmc_hotpath::venue::esunny::dstar::session::IdentityError;

/// Channel updates that can wait for the desk.
const CHANNEL_UPDATES: usize = 64;
/// Controls that can wait for the desk, besides those of the configuration.
const CONTROLS: usize = 64;
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
    /// What the cold side learnt of a feed does not start it.
    #[error(
        "feed {name} speaks {protocol}, and nothing that starts it was learnt from the venue: this \
         command reads cme/mdp3 that joins by \"assume_empty\", and `xmc run` reads both"
    )]
    FeedStart {
        /// Which.
        name: String,
        /// What it speaks.
        protocol: &'static str,
    },
    /// A feed does not take the books that the venue told.
    #[error("feed {name}: {source}")]
    Seed {
        /// Which.
        name: String,
        /// What is wrong.
        source: SeedError,
    },
    /// The desk cannot be told what it begins with.
    #[error(
        "the record ring of {bytes} bytes has no room for the {count} entries that the run begins \
         with: make record_ring_bytes in [engine] larger"
    )]
    Beginning {
        /// The ring.
        bytes: u64,
        /// Entries.
        count: usize,
    },
    /// There is no session for the gateway.
    #[error(
        "gateway {name} speaks {protocol}, and no session of that is open: this command trades on \
         paper (protocol = \"paper\"), and `xmc run` logs on"
    )]
    GatewayStart {
        /// Which.
        name: String,
        /// What it speaks.
        protocol: &'static str,
    },
    /// A counter's session is not one that can be.
    #[error("gateway {name}: {source}")]
    Counter {
        /// Which.
        name: String,
        /// What is wrong.
        source: IdentityError,
    },
    /// The counter does not know an instrument.
    #[error(
        "gateway {gateway} does not trade {symbol} (instrument {instrument}): the counter's \
         contract table does not have it; correct symbol, or take the gateway away from it"
    )]
    NoContract {
        /// Ours.
        instrument: String,
        /// The venue's.
        symbol: String,
        /// Which.
        gateway: String,
    },
    /// No order can be made for a contract.
    #[error("instrument {instrument}: {source}")]
    Contract {
        /// Which.
        instrument: String,
        /// What is wrong.
        source: dstar::TemplateError,
    },
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
    feeds: Vec<feed::Memory>,
    gateways: Vec<gateway::Memory>,
}

impl Memory {
    /// Memory for a configuration.
    #[must_use]
    pub fn new(config: &Configuration) -> Self {
        let instruments = config.instruments.len();
        let size = desk_size(config);
        let feeds = config.feeds.iter().map(|feed| feed::Memory::new(feed, instruments));
        let gateways = config.gateways.iter().map(|one| gateway::Memory::new(one, size));
        Self {
            desk: DeskMemory::new(size),
            size,
            images: images(instruments),
            feeds: feeds.collect(),
            gateways: gateways.collect(),
        }
    }
}

/// How large the tables of a configuration's desk are.
#[must_use]
pub fn desk_size(config: &Configuration) -> DeskSize {
    DeskSize::new(config.instruments.len(), config.spreads.len())
}

/// The outside of a pipeline: one port per feed and per gateway, in the order of the configuration.
#[derive(Debug)]
pub struct Ports<F, G> {
    /// Where packets come from.
    pub feeds: Vec<F>,
    /// Where orders go, and their news come from.
    pub gateways: Vec<G>,
}

/// What the cold side has learnt before the stages start, in the order of the configuration.
#[derive(Debug)]
pub struct Starts {
    /// Of each feed.
    pub feeds: Vec<FeedStart>,
    /// Of each gateway.
    pub gateways: Vec<GatewayStart>,
    /// In how many days each gateway's key expires; `None`: it was not said.
    pub key_expires_days: Vec<Option<u16>>,
}

impl Starts {
    /// Nothing was learnt and nobody logged on: captures, generated packets, paper.
    #[must_use]
    pub fn nothing(config: &Configuration) -> Self {
        Self {
            feeds: config.feeds.iter().map(|_| FeedStart::Nothing).collect(),
            gateways: config.gateways.iter().map(|_| GatewayStart::Paper).collect(),
            key_expires_days: config.gateways.iter().map(|_| None).collect(),
        }
    }
}

/// What a run starts with, besides its configuration.
#[derive(Debug)]
pub struct Origin {
    /// Counts the starts of this desk.
    pub run: u16,
    /// The engine's clock at the start.
    pub now: MonoNs,
    /// The same in UTC; 0 if not known.
    pub utc: UnixNs,
    /// Where the venues stand.
    pub starts: Starts,
    /// What an earlier run left; nothing in a run that does not trade.
    pub carried: Vec<Control>,
}

/// Stages that are wired to each other.
#[derive(Debug)]
pub struct Pipeline<'m, F, G, C, R, L> {
    /// By feed.
    pub feeds: Vec<AnyFeed<'m, F, C>>,
    /// The desk.
    pub desk: DeskStage<'m, C, R>,
    /// By gateway.
    pub gateways: Vec<AnyGateway<'m, G, C, L>>,
    /// By gateway: where its sessions end and begin again; `None` for one whose do not.
    pub doors: Vec<Option<Door<G>>>,
    /// Where the cold side tells the desk things.
    pub control: Sender<Control>,
    /// By feed: where the cold side hands over recovered books; `None` for one without recovery.
    pub handings: Vec<Option<Handing>>,
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
    mut latency: impl FnMut() -> L,
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
    let Memory { desk, size, images, feeds: feed_memory, gateways: gateway_memory } = memory;
    let Origin { run, now, utc, starts, carried } = origin;
    let identity = identity(config, run);
    let desk_counters = &*counters.desk;
    let mut feed_links: [Option<FeedLink>; MAX_FEEDS] = [const { None }; MAX_FEEDS];
    let mut gateway_links: [Option<GatewayLink>; MAX_GATEWAYS] = [const { None }; MAX_GATEWAYS];

    let (mut feeds, mut handings) = (Vec::new(), Vec::new());
    let rows = feed_memory.iter_mut().zip(&counters.feeds).zip(ports.feeds).zip(starts.feeds);
    for ((((memory, counters), port), start), index) in rows.zip(0..) {
        let name = StageName::Feed(index);
        let depth_of_quotes = depth(config, LinkKind::Quotes, name);
        let (quotes, quotes_out) = memory::ring(depth_of_quotes, Quote::EMPTY);
        let is_far = core_of(config, name) != core_of(config, StageName::Desk);
        let quotes = if is_far { quotes.far() } else { quotes };
        let (updates, channels) = ring(CHANNEL_UPDATES);
        let rings = &desk_counters.feeds[index];
        rings.quotes.capacity.set(depth_of_quotes as u64);
        rings.channels.capacity.set(CHANNEL_UPDATES as u64);
        feed_links[index] = Some(FeedLink { quotes: quotes_out, channels });
        let ends = feed::Ends { port, clock: clock.clone(), quotes, updates, counters };
        let (stage, handing) = feed::stage(config, index, memory, start, ends, now)?;
        feeds.push(stage);
        handings.push(handing);
    }

    let (mut gateways, mut doors) = (Vec::new(), Vec::new());
    let rows = gateway_memory.iter_mut().zip(&counters.gateways).zip(&counters.sessions);
    let rows = rows.zip(ports.gateways).zip(starts.gateways).zip(0_u8..);
    for (((((memory, counted), sessions), port), start), index) in rows {
        let name = StageName::Gateway(usize::from(index));
        let depth_of_orders = depth(config, LinkKind::Orders, name);
        let (commands_in, commands) = memory::ring(depth_of_orders, OrderCommand::NONE);
        let depth_of_news = depth(config, LinkKind::Events, name);
        let (news, news_out) = ring(depth_of_news);
        counted.commands.capacity.set(depth_of_orders as u64);
        desk_counters.news[usize::from(index)].capacity.set(depth_of_news as u64);
        gateway_links[usize::from(index)] =
            Some(GatewayLink { commands: commands_in, news: news_out });
        let ends = gateway::Ends {
            port,
            clock: clock.clone(),
            latency: latency(),
            commands,
            news,
            utc_origin: &counters.origin.utc_origin,
            counters: counted,
        };
        let place = (GatewayIndex(index), identity);
        let (stage, door) = gateway::stage(config, place, memory, sessions, &start, ends)?;
        gateways.push(stage);
        doors.push(door);
    }

    let (controls, names) = inputs::controls(config);
    // Hours are told of all instruments at once.
    let count = controls.len() + carried.len() + config.instruments.len() + CONTROLS;
    let (mut control, control_out) = ring(count);
    desk_counters.control.capacity.set(count as u64);
    let is_paper = config.gateways.iter().all(|one| one.protocol == GatewayProtocol::Paper);
    let arm = (is_paper && !carried.iter().any(is_stop)).then(arm);
    for told in controls.into_iter().chain(carried).chain(arm) {
        control.push(told).expect("the ring was made for them");
    }
    let start = Start {
        identity,
        logic_version: LOGIC_VERSION,
        now,
        utc,
        config_digest: config.sources.digest(),
        arenas: size.arenas(),
    };
    let mut desk = DeskStage::new(
        Desk::new(identity, desk.lend()),
        clock.clone(),
        feed_links,
        gateway_links,
        control_out,
        record,
        Images::new(images),
        desk_counters,
        &start,
    );
    if !desk.begin() {
        return Err(WireError::Beginning { bytes: config.engine.record_ring_bytes, count });
    }
    Ok(Pipeline { feeds, desk, gateways, doors, control, handings, names })
}

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
    Ok(())
}

/// A ring of a few pages, which it goes through within seconds.
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

/// Whether it keeps the desk from opening until a person arms it.
fn is_stop(told: &Control) -> bool {
    matches!(told, Control::Command(Command { kind: CommandKind::NoNew, scope: Scope::All, .. }))
}

/// The command that lets the desk open positions. On paper the engine gives it itself; else it is
/// given when the ledgers have been asked.
#[must_use]
pub fn arm() -> Control {
    Control::Command(Command {
        kind: CommandKind::Arm,
        scope: Scope::All,
        operator: 0,
        command_id: 1,
    })
}

impl<F, G, C, R, L> Pipeline<'_, F, G, C, R, L>
where
    F: RxPort,
    G: StreamPort,
    C: Clock,
    R: RecordSink,
    L: Recorder,
{
    /// Polls all stages once, in the order in which data moves, and calls `after` behind the feeds
    /// (0), the desk (1) and the gateways (2).
    #[inline]
    pub fn poll_between(&mut self, mut after: impl FnMut(usize)) -> Work {
        let mut work = Work::Idle;
        for feed in &mut self.feeds {
            work = work.or(feed.poll());
        }
        after(0);
        work = work.or(self.desk.poll());
        after(1);
        for gateway in &mut self.gateways {
            work = work.or(gateway.poll());
        }
        after(2);
        work
    }
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
        self.poll_between(|_| {})
    }

    fn housekeeping(&mut self) {
        self.feeds.iter_mut().for_each(Stage::housekeeping);
        self.desk.housekeeping();
        self.gateways.iter_mut().for_each(Stage::housekeeping);
    }
}

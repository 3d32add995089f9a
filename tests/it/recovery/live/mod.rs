//! Cold starts over real sockets, against the simulated venues as `xmc venue` runs them: feeds with
//! their recovery, gateways with their logon, and what is said when a venue is not as it should be.

mod faulty;
mod logon;
mod rejoin;

use cross_market_connect::cli::venue::{cme_settings, shfe_settings};
use cross_market_connect::clock::EngineClock;
use cross_market_connect::config::{self, Configuration, Endpoint, Recovery, venue};
use cross_market_connect::engine::sockets::feed_port;
use cross_market_connect::feed::{FeedCapacity, FeedMemory};
use cross_market_connect::recovery::{self, Start, catch_up};
use cross_market_connect::sim::exchange::{Exchange, ListingIndex, Phase};
use cross_market_connect::venue::cme::simulated::shell as cme;
use cross_market_connect::venue::shell::VenueClock;
use cross_market_connect::venue::shfe::simulated::shell as shfe;
use rtrb::RingBuffer;
use std::net::{SocketAddr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use xmc_hotpath::book::{Instrument, View};
use xmc_hotpath::feed::{
    ArbiterLimits, Channel, ChannelSettings, Feed, FeedCounters, FeedStage, Join, Protocol,
};
use xmc_hotpath::message::{ChannelState, InstrumentIndex, StreamId};
use xmc_hotpath::ring::ends;
use xmc_hotpath::stage::Stage;
use xmc_hotpath::time::{Clock, Span};
use xmc_hotpath::venue::cme::mdp3::feed::Mdp3;
use xmc_hotpath::venue::shfe::smdp::feed::{PriceCodec, Smdp};

const PATIENCE: Duration = Duration::from_secs(20);

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(name)
}

/// The simulated CME of the samples, on ports that are free.
fn open_cme() -> cme::Running {
    let config = venue::load_cme(&sample("venue_cme.toml")).expect("the sample is sound");
    let mut settings = cme_settings(&config, VenueClock::hour()).expect("it has no secrets");
    (settings.addresses, settings.store) = (cme::Addresses::on_loopback(), None);
    cme::open(settings).expect("loopback has everything")
}

/// The simulated SHFE of the samples, on ports that are free.
fn open_shfe() -> shfe::Running {
    let config = venue::load_shfe(&sample("venue_shfe.toml")).expect("the sample is sound");
    let mut settings = shfe_settings(&config, VenueClock::hour()).expect("it has no secrets");
    (settings.addresses, settings.store) = (shfe::Addresses::on_loopback(), None);
    shfe::open(settings).expect("loopback has everything")
}

/// The engine of the samples: its feeds and gateways are SHFE's and CME's, in this order.
fn engine() -> Configuration {
    config::load(&sample("demo.toml")).unwrap_or_else(|invalid| panic!("{}", invalid.render(false)))
}

const SHFE: usize = 0;
const CME: usize = 1;

fn v4(address: SocketAddr) -> SocketAddrV4 {
    match address {
        SocketAddr::V4(address) => address,
        SocketAddr::V6(address) => panic!("{address} is no address of IPv4"),
    }
}

/// The engine is told where a venue really is.
fn find_cme(config: &mut Configuration, addresses: &cme::Addresses) {
    let feed = &mut config.feeds[CME];
    [feed.line_a.group, feed.line_b.group] = addresses.incremental;
    let Recovery::Loops(loops) = &mut feed.recovery else { panic!("MDP 3.0 has loops") };
    let definitions = loops.definitions.iter_mut().zip(addresses.definitions);
    let snapshots = loops.snapshots.iter_mut().zip(addresses.snapshots);
    for (line, group) in definitions.chain(snapshots) {
        line.as_mut().expect("all lines are in the sample").group = group;
    }
    config.gateways[CME].endpoint = Some(Endpoint::Stream(v4(addresses.orders)));
}

fn find_shfe(config: &mut Configuration, addresses: &shfe::Addresses) {
    let feed = &mut config.feeds[SHFE];
    [feed.line_a.group, feed.line_b.group] = addresses.topics[0].1;
    let Recovery::Query(query) = &mut feed.recovery else { panic!("SMDP is asked") };
    query.address = v4(addresses.query);
    config.gateways[SHFE].endpoint =
        Some(Endpoint::Pair { requests: v4(addresses.requests), answers: v4(addresses.counter) });
}

/// What a feed is made with.
struct Parts {
    memory: FeedMemory,
    codecs: Vec<PriceCodec>,
    counters: FeedCounters,
}

const INSTRUMENTS: usize = 64;

impl Parts {
    fn new(config: &Configuration) -> Self {
        let quoted = config.instruments.len();
        let memory = FeedMemory::new(FeedCapacity {
            instruments: INSTRUMENTS,
            quoted,
            held: 64,
            digests: 1024,
        });
        let codecs = vec![PriceCodec::NONE; INSTRUMENTS];
        Self { memory, codecs, counters: FeedCounters::default() }
    }
}

fn feed_of<'m, V: Protocol>(
    protocol: V,
    memory: &'m mut FeedMemory,
    counters: &'m FeedCounters,
) -> Feed<'m, V> {
    let settings =
        ChannelSettings { stream: StreamId(1), join: Join::Recover, view: View::Outright };
    let second = Span(1_000_000_000);
    let limits = ArbiterLimits {
        hold_for: Span(2_000_000),
        line_reorder: 0,
        silent_after: second,
        lossy_after: second,
        stale_after: Span(60 * second.0),
    };
    // Nobody takes the quotes: they wait and are conflated.
    let (quotes, _) = ends(RingBuffer::new(1 << 10));
    let (updates, _) = ends(RingBuffer::new(1 << 10));
    let (storage, quotes) = memory.lend(quotes);
    Feed::new(protocol, settings, limits, storage, quotes, updates, counters).expect("it is sized")
}

/// Both sides, price and lots, best first, as deep as the venue shows.
type Sides = [Vec<(i64, u32)>; 2];

fn published(exchange: &Exchange) -> Vec<(String, Sides)> {
    let listings = exchange.listings().zip(0..);
    let book = |((_, engine), listing): ((ListingIndex, _), u16)| {
        let _: &cross_market_connect::sim::exchange::Engine = engine;
        let (shown, _) = exchange.published(ListingIndex(listing)).expect("it is listed");
        let sides = [&shown.bids, &shown.asks]
            .map(|side| side.iter().map(|rung| (rung.price_e9, rung.lots)).collect());
        (engine.listing().symbol.clone(), sides)
    };
    listings.map(book).collect()
}

fn sides(instrument: &Instrument) -> Sides {
    [instrument.bids().levels(), instrument.asks().levels()].map(|levels| {
        let there = levels.iter().filter(|level| level.is_present());
        there.map(|level| (level.price_e9, level.lots)).collect()
    })
}

/// The books that the desk has rows for, by the venue's name.
fn books(config: &Configuration, channel: &Channel<'_>) -> Vec<(String, Sides)> {
    let with_row = |instrument: &Instrument| {
        let InstrumentIndex(row) = instrument.index()?;
        let row = usize::try_from(row).expect("a row");
        Some((config.instruments[row].symbol.clone(), sides(instrument)))
    };
    let mut books: Vec<_> = channel.books().iter().filter_map(with_row).collect();
    books.sort();
    books
}

/// Polls until nothing has come for a while.
fn settle(stage: &mut impl Stage) {
    let mut since = Instant::now();
    while since.elapsed() < Duration::from_millis(1_500) {
        if stage.poll() != xmc_hotpath::stage::Work::Idle {
            since = Instant::now();
        }
        std::thread::sleep(Duration::from_micros(100));
    }
}

fn follow(stage: &mut impl Stage, span: Duration) {
    let since = Instant::now();
    while since.elapsed() < span {
        stage.poll();
    }
}

/// The books of a channel that has settled, which are what its venue has `published`.
fn as_published(
    config: &Configuration,
    channel: &Channel<'_>,
    mut published: Vec<(String, Sides)>,
) -> Vec<(String, Sides)> {
    published.sort();
    let books = books(config, channel);
    published.retain(|(symbol, _)| books.iter().any(|(known, _)| known == symbol));
    assert_eq!(books, published);
    assert_eq!(books.len(), 4, "four instruments of each market are traded");
    books
}

/// Follows a market that was joined while it runs, halts it, and compares the books.
fn check<'m, V: Protocol>(
    config: &Configuration,
    stage: &mut FeedStage<
        'm,
        cross_market_connect::port::udp::MulticastPort<EngineClock>,
        EngineClock,
        V,
    >,
    halt: impl Fn(),
    truth: impl Fn() -> Vec<(String, Sides)>,
) {
    assert!(catch_up(stage, PATIENCE), "the kernel kept a finite number of packets");
    follow(stage, Duration::from_millis(1_500));
    assert!(stage.feed().channel().state().is_usable(), "{:?}", stage.feed().channel().state());
    halt();
    settle(&mut Events(stage));
    let books = as_published(config, stage.feed().channel(), truth());
    assert!(books.iter().all(|(_, [bids, asks])| !bids.is_empty() && !asks.is_empty()));
}

/// Heartbeats do not count as work: only packets that changed something would.
struct Events<'s, 'm, V: Protocol>(
    &'s mut FeedStage<
        'm,
        cross_market_connect::port::udp::MulticastPort<EngineClock>,
        EngineClock,
        V,
    >,
);

impl<V: Protocol> Stage for Events<'_, '_, V> {
    fn poll(&mut self) -> xmc_hotpath::stage::Work {
        let before = self.0.feed().channel().counters().events.get();
        self.0.poll();
        if self.0.feed().channel().counters().events.get() == before {
            xmc_hotpath::stage::Work::Idle
        } else {
            xmc_hotpath::stage::Work::Busy
        }
    }

    fn housekeeping(&mut self) {}
}

#[test]
fn a_running_cme_is_joined_over_real_sockets() {
    let venue = open_cme();
    let mut config = engine();
    find_cme(&mut config, venue.addresses());
    // Room for a third of a second: the hot sockets lose what comes before the books are known.
    config.feeds[CME].receive_buffer_bytes = 1 << 17;
    std::thread::sleep(Duration::from_millis(700));
    let clock = EngineClock::start();
    let mut port = feed_port(&config.feeds[CME], clock.clone()).expect("loopback takes joins");
    std::thread::sleep(Duration::from_millis(1_000));
    let start = recovery::find_for(&config, CME, &mut port, PATIENCE);
    let start = start.unwrap_or_else(|error| panic!("{error}"));
    let Start::Mdp3(start) = start else { panic!("it is MDP 3.0") };
    println!("begins after {:?}, covered {:?}", start.last(), start.covered());
    let Parts { mut memory, counters, .. } = Parts::new(&config);
    let mut feed = feed_of(Mdp3::new(None), &mut memory, &counters);
    start.seed(&mut feed, clock.now()).expect("it fits");
    assert_eq!(feed.channel().state(), ChannelState::Live);
    let mut stage = FeedStage::new(port, clock, feed, 16);
    let halt = || venue.set_phase(None, Phase::Halted);
    let truth = || venue.with(|shell, _| published(shell.exchange())).expect("it runs");
    check(&config, &mut stage, halt, truth);
    assert_eq!(counters.gaps.get() + counters.divergent.get() + counters.sequence_breaks.get(), 0);
}

#[test]
fn a_running_shfe_is_joined_over_real_sockets() {
    let venue = open_shfe();
    let mut config = engine();
    find_shfe(&mut config, venue.addresses());
    std::thread::sleep(Duration::from_millis(1_200));
    let clock = EngineClock::start();
    let mut port = feed_port(&config.feeds[SHFE], clock.clone()).expect("loopback takes joins");
    std::thread::sleep(Duration::from_millis(1_000));
    let start = recovery::find_for(&config, SHFE, &mut port, PATIENCE);
    let start = start.unwrap_or_else(|error| panic!("{error}"));
    let Start::Smdp(start) = start else { panic!("it is SMDP") };
    println!("packet {}, {} missed", start.snapshot().packet_no, start.missed_count());
    let Parts { mut memory, mut codecs, counters } = Parts::new(&config);
    let mut feed = feed_of(Smdp::new(1_001, &mut codecs), &mut memory, &counters);
    start.seed(&mut feed, clock.now()).expect("it fits");
    assert_eq!(feed.channel().state(), ChannelState::Live);
    let mut stage = FeedStage::new(port, clock, feed, 16);
    let halt = || venue.set_phase(None, Phase::Halted);
    let truth = || venue.with(|shell, _| published(shell.exchange())).expect("it runs");
    check(&config, &mut stage, halt, truth);
    assert_eq!(counters.gaps.get() + counters.divergent.get(), 0);
}

//! Simulated venues over loopback, and what an engine's feed on them is made of.

use crate::netns::{Beside, Namespace};
use crate::port::{interface, xdp};
use cross_market_connect::cli::venue::{cme_settings, shfe_settings};
use cross_market_connect::clock::EngineClock;
use cross_market_connect::config::{
    self, Configuration, Endpoint, PortChoice, Recovery, RequestPort, venue,
};
use cross_market_connect::engine::sockets::FeedPort;
use cross_market_connect::feed::{FeedCapacity, FeedMemory};
use cross_market_connect::port::udp::Reach;
use cross_market_connect::port::xdp::ModeChoice;
use cross_market_connect::recovery::replica::sockets::Served;
use cross_market_connect::sim::exchange::{Engine, Exchange, ListingIndex};
use cross_market_connect::venue::cme::simulated::shell as cme;
use cross_market_connect::venue::shell::VenueClock;
use cross_market_connect::venue::shfe::simulated::shell as shfe;
use rtrb::RingBuffer;
use std::cell::Cell;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use xmc_hotpath::book::{Instrument, View};
use xmc_hotpath::feed::{
    ArbiterLimits, Channel, ChannelSettings, Feed, FeedCounters, FeedStage, HandedOf, Held, Join,
    Protocol, RejoinStorage,
};
use xmc_hotpath::message::{ChannelUpdate, InstrumentIndex, Quote, StreamId};
use xmc_hotpath::port::{Datagram, RxPort};
use xmc_hotpath::ring::{Receiver, ends};
use xmc_hotpath::stage::{Stage, Work};
use xmc_hotpath::time::{Clock, Span};
use xmc_hotpath::venue::shfe::smdp::feed::PriceCodec;

pub const PATIENCE: Duration = Duration::from_secs(20);

pub fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(name)
}

/// The simulated CME of the samples, on ports that are free.
pub fn open_cme() -> cme::Running {
    open_cme_with(|_| {})
}

/// The same with another setting.
fn open_cme_with(change: impl FnOnce(&mut cme::Settings)) -> cme::Running {
    let config = venue::load_cme(&sample("venue_cme.toml")).expect("the sample is sound");
    let mut settings = cme_settings(&config, VenueClock::hour()).expect("it has no secrets");
    (settings.addresses, settings.store) = (cme::Addresses::on_loopback(), None);
    change(&mut settings);
    cme::open(settings).expect("loopback has everything")
}

/// Runs `body` with the simulated CME at the far end of a cable, and an engine whose feed of it is
/// received past the kernel.
pub fn past_kernel(body: impl FnOnce(&cme::Running, &Configuration) + Send) {
    xdp::cabled(1, |_, beside| {
        let venue = beside.within(|_| {
            open_cme_with(|settings| {
                settings.addresses.interface = xdp::named("far0");
                settings.reach = Reach::Link;
            })
        });
        let mut config = engine();
        find_cme(&mut config, venue.addresses());
        place(&mut config, PortChoice::Xdp(ModeChoice::Best), "near0");
        body(&venue, &config);
    });
}

/// Runs `body` with the simulated CME behind a switch, which stays when the cable `near0` to it is
/// taken away, and an engine whose feed of it comes by that cable and this port.
pub fn switched(
    port: PortChoice,
    body: impl FnOnce((&Namespace, &Beside), &cme::Running, &Configuration) + Send,
) {
    xdp::beside(|namespace, beside| {
        interface::switch(beside);
        interface::plug(namespace, beside, 0);
        let venue = beside.within(|_| {
            open_cme_with(|settings| {
                settings.addresses.interface = xdp::named("switch0");
                settings.reach = Reach::Link;
            })
        });
        let mut config = engine();
        find_cme(&mut config, venue.addresses());
        place(&mut config, port, "near0");
        body((namespace, beside), &venue, &config);
    });
}

/// Puts all groups of CME's feed on one interface.
fn place(config: &mut Configuration, port: PortChoice, name: &str) {
    let feed = &mut config.feeds[CME];
    feed.port.value = port;
    let Recovery::Loops(loops) = &mut feed.recovery else { panic!("MDP 3.0 has loops") };
    let recovery = loops.definitions.iter_mut().chain(&mut loops.snapshots).flatten();
    for line in [&mut feed.line_a, &mut feed.line_b].into_iter().chain(recovery) {
        line.interface = Some(xdp::named(name));
    }
}

/// The simulated SHFE of the samples, on ports that are free.
pub fn open_shfe() -> shfe::Running {
    open_shfe_with(|_| {})
}

/// The same with another setting.
fn open_shfe_with(change: impl FnOnce(&mut shfe::Settings)) -> shfe::Running {
    let config = venue::load_shfe(&sample("venue_shfe.toml")).expect("the sample is sound");
    let mut settings = shfe_settings(&config, VenueClock::hour()).expect("it has no secrets");
    (settings.addresses, settings.store) = (shfe::Addresses::on_loopback(), None);
    change(&mut settings);
    shfe::open(settings).expect("loopback has everything")
}

/// Runs `body` with the simulated counter at the far end of a cable of one queue, and an engine
/// whose requests to it leave past the kernel.
pub fn requests_past_kernel(body: impl FnOnce(&shfe::Running, &Configuration) + Send) {
    xdp::cabled(1, |_, beside| {
        let venue = beside.within(|_| {
            open_shfe_with(|settings| {
                let far = SocketAddr::from((Ipv4Addr::new(10, 78, 1, 2), 0));
                (settings.addresses.counter, settings.addresses.requests) = (far, far);
            })
        });
        let mut config = engine();
        find_shfe(&mut config, venue.addresses());
        config.gateways[SHFE].request_port = RequestPort::Xdp(xdp::named("near0"));
        body(&venue, &config);
    });
}

/// The engine of the samples: its feeds and gateways are SHFE's and CME's, in this order.
pub fn engine() -> Configuration {
    config::load(&sample("demo.toml")).unwrap_or_else(|invalid| panic!("{}", invalid.render(false)))
}

pub const SHFE: usize = 0;
pub const CME: usize = 1;

pub fn v4(address: SocketAddr) -> SocketAddrV4 {
    match address {
        SocketAddr::V4(address) => address,
        SocketAddr::V6(address) => panic!("{address} is no address of IPv4"),
    }
}

/// The engine is told where a venue really is.
pub fn find_cme(config: &mut Configuration, addresses: &cme::Addresses) {
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

pub fn find_shfe(config: &mut Configuration, addresses: &shfe::Addresses) {
    let feed = &mut config.feeds[SHFE];
    [feed.line_a.group, feed.line_b.group] = addresses.topics[0].1;
    let Recovery::Query(query) = &mut feed.recovery else { panic!("SMDP is asked") };
    query.address = v4(addresses.query);
    config.gateways[SHFE].endpoint =
        Some(Endpoint::Pair { requests: v4(addresses.requests), answers: v4(addresses.counter) });
}

/// What a feed is made with.
pub struct Parts {
    pub memory: FeedMemory,
    pub codecs: Vec<PriceCodec>,
    pub counters: FeedCounters,
}

pub const INSTRUMENTS: usize = 64;

impl Parts {
    pub fn new(config: &Configuration) -> Self {
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

pub fn feed_of<'m, V: Protocol>(
    protocol: V,
    memory: &'m mut FeedMemory,
    counters: &'m FeedCounters,
) -> Feed<'m, V> {
    // Nobody takes the quotes: they wait and are conflated.
    heard_feed(protocol, memory, counters, (CHANNEL, LIMITS)).0
}

/// A feed, and the desk's ends of its rings.
pub fn heard_feed<'m, V: Protocol>(
    protocol: V,
    memory: &'m mut FeedMemory,
    counters: &'m FeedCounters,
    (channel, limits): (ChannelSettings, ArbiterLimits),
) -> (Feed<'m, V>, Receiver<Quote>, Receiver<ChannelUpdate>) {
    let (quotes, taken_quotes) = ends(RingBuffer::new(1 << 10));
    let (updates, taken_updates) = ends(RingBuffer::new(1 << 10));
    let (storage, quotes) = memory.lend(quotes);
    let feed = Feed::new(protocol, channel, limits, storage, quotes, updates, counters);
    (feed.expect("it is sized"), taken_quotes, taken_updates)
}

/// Both sides, price and lots, best first, as deep as the venue shows.
pub type Sides = [Vec<(i64, u32)>; 2];

pub fn published(exchange: &Exchange) -> Vec<(String, Sides)> {
    let listings = exchange.listings().zip(0..);
    let book = |((_, engine), listing): ((ListingIndex, _), u16)| {
        let _: &Engine = engine;
        let (shown, _) = exchange.published(ListingIndex(listing)).expect("it is listed");
        let sides = [&shown.bids, &shown.asks]
            .map(|side| side.iter().map(|rung| (rung.price_e9, rung.lots)).collect());
        (engine.listing().symbol.clone(), sides)
    };
    listings.map(book).collect()
}

pub fn sides(instrument: &Instrument) -> Sides {
    [instrument.bids().levels(), instrument.asks().levels()].map(|levels| {
        let there = levels.iter().filter(|level| level.is_present());
        there.map(|level| (level.price_e9, level.lots)).collect()
    })
}

/// The books that the desk has rows for, by the venue's name.
pub fn books(config: &Configuration, channel: &Channel<'_>) -> Vec<(String, Sides)> {
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
pub fn settle(stage: &mut impl Stage) {
    let mut since = Instant::now();
    while since.elapsed() < Duration::from_millis(1_500) {
        if stage.poll() != Work::Idle {
            since = Instant::now();
        }
        std::thread::sleep(Duration::from_micros(100));
    }
}

pub fn follow(stage: &mut impl Stage, span: Duration) {
    let since = Instant::now();
    while since.elapsed() < span {
        stage.poll();
    }
}

/// The books of a channel that has settled, which are what its venue has `published`.
pub fn as_published(
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

/// Heartbeats do not count as work: only packets that changed something would.
pub struct Events<'s, 'm, P: RxPort, V: Protocol>(pub &'s mut FeedStage<'m, P, EngineClock, V>);

impl<P: RxPort, V: Protocol> Stage for Events<'_, '_, P, V> {
    fn poll(&mut self) -> Work {
        let before = self.0.feed().channel().counters().events.get();
        self.0.poll();
        let is_same = self.0.feed().channel().counters().events.get() == before;
        if is_same { Work::Idle } else { Work::Busy }
    }

    fn housekeeping(&mut self) {}
}

pub const CHANNEL: ChannelSettings =
    ChannelSettings { stream: StreamId(1), join: Join::Recover, view: View::Outright };

pub const LIMITS: ArbiterLimits = ArbiterLimits {
    hold_for: Span(2_000_000),
    line_reorder: 0,
    silent_after: Span(1_000_000_000),
    lossy_after: Span(1_000_000_000),
    stale_after: Span(60_000_000_000),
};

/// Packets that a feed keeps for books that are handed over.
pub const TAIL: usize = 1024;

/// Sockets that deliver nothing while the switch is on.
pub struct Deaf<'s> {
    pub port: FeedPort<EngineClock>,
    pub is_deaf: &'s Cell<bool>,
    /// Datagrams that were not delivered.
    pub dropped: &'s Cell<u32>,
}

impl RxPort for Deaf<'_> {
    fn peek(&mut self) -> Option<Datagram<'_>> {
        while self.is_deaf.get() {
            self.port.peek()?;
            self.port.release();
            self.dropped.set(self.dropped.get() + 1);
        }
        self.port.peek()
    }

    fn release(&mut self) {
        self.port.release();
    }
}

/// Polls a replica on a thread of its own while `body` runs.
pub fn beside<R>(mut served: Served<'_>, clock: &EngineClock, body: impl FnOnce() -> R) -> R {
    let is_over = AtomicBool::new(false);
    struct Over<'o>(&'o AtomicBool);
    impl Drop for Over<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Release);
        }
    }
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Acquire) {
                if !served.poll(clock.now()) {
                    std::thread::sleep(Duration::from_micros(100));
                }
            }
            if let Some(problem) = served.problem() {
                println!("{problem}");
            }
        });
        let _over = Over(&is_over);
        body()
    })
}

pub fn recoverable<'m, V: Protocol>(
    protocol: V,
    parts: (&'m mut FeedMemory, &'m FeedCounters),
    handed: Receiver<HandedOf<V>>,
    tail: &'m mut [Held],
) -> Feed<'m, V> {
    let feed = feed_of(protocol, parts.0, parts.1);
    feed.with_recovery(RejoinStorage { handed, tail }).expect("a power of two")
}

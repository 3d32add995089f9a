//! An engine's feed with its replica on a simulated venue, joined over loopback, and what the desk
//! would see of it.
//!
//! `poll` fails as soon as a quote can be traded on while the channel is not live; `check` compares
//! all books, and the desk's quotes of them, with the venue's own of the same packet.

use crate::feed::kit::Seen;
use crate::journal::scratch::Scratch;
use crate::place::Place;
use crate::recovery::live::rig::{
    CHANNEL, CME, Deaf, INSTRUMENTS, LIMITS, PATIENCE, SHFE, Sides, TAIL, beside, engine, find_cme,
    find_shfe, heard_feed, published, sample, sides,
};
use cross_market_connect::cli::venue::{cme_settings, shfe_settings};
use cross_market_connect::clock::EngineClock;
use cross_market_connect::config::{Configuration, Recovery, venue};
use cross_market_connect::engine::sockets::feed_port;
use cross_market_connect::feed::{FeedCapacity, FeedMemory};
use cross_market_connect::port::interface::InterfaceChoice;
use cross_market_connect::recovery::replica::mdp3::Mdp3Replica;
use cross_market_connect::recovery::replica::smdp::SmdpReplica;
use cross_market_connect::recovery::replica::sockets::Served;
use cross_market_connect::recovery::replica::{
    MirrorEnds, Replica, ReplicaCounters, ReplicaMemory, handover_ring,
};
use cross_market_connect::recovery::{smdp, wanted};
use cross_market_connect::venue::cme::simulated::{LineFaults, LostPackets, Silence};
use cross_market_connect::venue::cme::simulated::{shell as cme, shell::CmeShell};
use cross_market_connect::venue::shell::VenueClock;
use cross_market_connect::venue::shfe::simulated::shell as shfe;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use xmc_hotpath::book::View;
use xmc_hotpath::feed::{
    ArbiterLimits, ChannelSettings, FeedCounters, FeedStage, HandedOf, Held, Protocol,
    RejoinStorage, SeqNo,
};
use xmc_hotpath::message::{ChannelState, ChannelUpdate, Quote};
use xmc_hotpath::port::Line;
use xmc_hotpath::ring::Receiver;
use xmc_hotpath::stage::{Stage, Work};
use xmc_hotpath::time::{MonoNs, Span, UnixNs};
use xmc_hotpath::venue::cme::mdp3::feed::Mdp3;
use xmc_hotpath::venue::shfe::smdp::feed::{PriceCodec, Smdp};

/// The number of a venue's last packet, and its books as that packet left them, by symbol.
pub type Truth = (u32, BTreeMap<String, Sides>);

/// A venue that runs.
pub trait Market {
    /// What is so just now.
    fn truth(&self) -> Truth;
    fn set_faults(&self, line: Line, faults: LineFaults);
    fn set_lost_together(&self, per_mille: u32);
    fn lose(&self, packets: LostPackets);
    fn set_silence(&self, silence: Silence);
    /// A channel reset, or a change of the data centre.
    fn fail_over(&self);
}

impl Market for cme::Running {
    fn truth(&self) -> Truth {
        let truth = self.with(|shell, _| {
            (shell.venue().last_seq_no(), published(shell.exchange()).into_iter().collect())
        });
        truth.expect("it runs")
    }

    fn set_faults(&self, line: Line, faults: LineFaults) {
        self.set_faults(line, faults);
    }

    fn set_lost_together(&self, per_mille: u32) {
        self.with(move |shell, _| shell.venue_mut().set_lost_together(per_mille));
    }

    fn lose(&self, packets: LostPackets) {
        self.with(move |shell, _| shell.venue_mut().lose(packets));
    }

    fn set_silence(&self, silence: Silence) {
        self.set_silence(silence);
    }

    fn fail_over(&self) {
        self.reset_channel();
    }
}

/// The topic of the samples.
const TOPIC: i16 = 1_001;

impl Market for shfe::Running {
    fn truth(&self) -> Truth {
        let truth = self.with(|shell, _| {
            let last = shell.venue().last_packet_no(TOPIC).expect("it is its topic");
            (last.cast_unsigned(), published(shell.exchange()).into_iter().collect())
        });
        truth.expect("it runs")
    }

    fn set_faults(&self, line: Line, faults: LineFaults) {
        self.set_faults(line, faults);
    }

    fn set_lost_together(&self, per_mille: u32) {
        self.with(move |shell, _| shell.venue_mut().set_lost_together(per_mille));
    }

    fn lose(&self, packets: LostPackets) {
        self.with(move |shell, _| shell.venue_mut().lose(&packets));
    }

    fn set_silence(&self, silence: Silence) {
        self.set_silence(silence);
    }

    fn fail_over(&self) {
        self.change_center();
    }
}

/// How a rig is made.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub limits: ArbiterLimits,
    pub view: View,
    /// Of each socket.
    pub buffer_bytes: Option<usize>,
    /// The venue's crowd and what it is worth.
    pub seed: u64,
    /// Between two loops of snapshots.
    pub loops: Span,
}

impl Default for Options {
    fn default() -> Self {
        let loops = Span(50_000_000);
        // A venue that is kept from its core between two lines has not lost anything.
        let limits = ArbiterLimits { hold_for: Span(20_000_000), ..LIMITS };
        Self { limits, view: View::Outright, buffer_bytes: None, seed: 2, loops }
    }
}

type HotStage<'m, 's, V> = FeedStage<'m, Deaf<'s>, EngineClock, V>;

/// The desk's ends of the rings, and what it knows: the newest quote of each instrument.
pub struct Desk {
    quotes: Receiver<Quote>,
    updates: Receiver<ChannelUpdate>,
    pub seen: Seen,
    /// Quotes that came.
    pub count: u64,
}

impl Desk {
    /// Takes what came: states first, as the desk does.
    fn take(&mut self) {
        while let Some(update) = self.updates.pop() {
            self.seen.updates.push(update);
        }
        while let Some(quote) = self.quotes.pop() {
            self.count += 1;
            let mut known = self.seen.quotes.iter_mut();
            match known.find(|known| known.instrument == quote.instrument) {
                Some(known) => *known = quote,
                None => self.seen.quotes.push(quote),
            }
        }
    }
}

/// The hot side of a feed, and its venue.
pub struct Rig<'m, 's, V: Protocol, M> {
    pub stage: HotStage<'m, 's, V>,
    /// `None` while it is down.
    pub venue: Option<M>,
    pub config: &'s Configuration,
    pub counters: &'m FeedCounters,
    pub cold: &'s ReplicaCounters,
    /// Nothing arrives at the hot side while it is set.
    pub is_deaf: &'s Cell<bool>,
    pub desk: Desk,
    open: &'s dyn Fn() -> M,
    /// What the venue remembers of before.
    store: PathBuf,
}

pub type CmeRig<'m, 's> = Rig<'m, 's, Mdp3, cme::Running>;
pub type ShfeRig<'m, 's> = Rig<'m, 's, Smdp<'m>, shfe::Running>;

impl<V: Protocol, M: Market> Rig<'_, '_, V, M> {
    pub fn venue(&self) -> &M {
        self.venue.as_ref().expect("it runs")
    }

    pub fn state(&self) -> ChannelState {
        self.stage.feed().channel().state()
    }

    pub fn position(&self) -> u32 {
        self.stage.feed().position().map_or(0, |position| position.0)
    }

    /// Takes at most one datagram.
    pub fn poll(&mut self) -> Work {
        let work = self.stage.poll();
        self.desk.take();
        let state = self.state();
        if !state.is_usable() {
            assert_eq!(self.desk.seen.usable(), [], "while it is {state:?}");
        }
        if work == Work::Idle {
            // Venue and replica have to run too, on whatever cores there are.
            std::thread::sleep(Duration::from_micros(20));
        }
        work
    }

    pub fn until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let since = Instant::now();
        while !is_so(self) {
            self.poll();
            let is_patient = since.elapsed() < PATIENCE;
            assert!(is_patient, "{what}: {:?} at {}", self.state(), self.position());
        }
    }

    pub fn until_usable(&mut self) {
        self.until("to be usable", |rig| rig.state().is_usable());
    }

    pub fn follow(&mut self, millis: u64) {
        let since = Instant::now();
        while since.elapsed() < Duration::from_millis(millis) {
            self.poll();
        }
    }

    /// Compares all books and quotes with the venue's, as one packet left them.
    pub fn check(&mut self) {
        self.check_with(|rig| rig.venue().truth());
    }

    pub fn check_with(&mut self, truth: impl Fn(&Self) -> Truth) {
        let since = Instant::now();
        let mut books = 0;
        while books == 0 {
            let (last, books_there) = truth(self);
            let is_there = |rig: &Self| {
                let position = SeqNo(rig.position());
                rig.state().is_usable() && position.beyond(SeqNo(last)) >= 0
            };
            let turn = Instant::now();
            while !is_there(self) && turn.elapsed() < Duration::from_millis(500) {
                self.poll();
            }
            if is_there(self) && self.position() == last && !self.stage.feed().is_away() {
                books = self.compare(&books_there);
            }
            let patience = since.elapsed() < PATIENCE;
            assert!(patience, "never as the venue: {:?} at {}", self.state(), self.position());
        }
    }

    /// How many books were compared: all, or none if the desk is not told of all yet.
    fn compare(&self, truth: &BTreeMap<String, Sides>) -> usize {
        let usable = self.desk.seen.believed();
        let mut count = 0;
        for instrument in self.stage.feed().channel().books().iter() {
            let Some(index) = instrument.index() else { continue };
            let symbol = &self.config.instruments[usize::try_from(index.0).expect("a row")].symbol;
            let truth = &truth[symbol];
            assert_eq!(sides(instrument), *truth, "the book of {symbol} at {}", self.position());
            let quote = self.desk.seen.quotes.iter().find(|quote| quote.instrument == index);
            if usable.contains(&index)
                && let Some(quote) = quote
                && !self.stage.feed().channel().is_event_open()
            {
                for (depth, truth) in [&quote.bids, &quote.asks].into_iter().zip(truth) {
                    let shown: Vec<_> = depth.levels().collect();
                    assert_eq!(shown, truth[..truth.len().min(5)], "the quote of {symbol}");
                }
                count += 1;
            }
        }
        if count == 4 { count } else { 0 }
    }

    /// As `restart`, of a venue that has forgotten all: its packets are numbered from 1 again.
    pub fn begin_anew(&mut self, down_millis: u64) {
        drop(self.venue.take());
        self.follow(down_millis);
        match std::fs::metadata(&self.store).expect("it was kept").is_dir() {
            true => std::fs::remove_dir_all(&self.store),
            false => std::fs::remove_file(&self.store),
        }
        .expect("nobody uses it");
        self.venue = Some((self.open)());
    }

    /// Ends the venue as by a kill and brings it back to the same place after a while.
    pub fn restart(&mut self, down_millis: u64) {
        drop(self.venue.take());
        self.follow(down_millis);
        self.venue = Some((self.open)());
    }
}

impl CmeRig<'_, '_> {
    /// Does something with the venue between two of its polls.
    pub fn with<T: Send + 'static>(
        &self,
        errand: impl FnOnce(&mut CmeShell, MonoNs) -> T + Send + 'static,
    ) -> T {
        self.venue().with(errand).expect("it runs")
    }
}

/// What both venues have: time that began a moment ago, so that they are there at once.
fn origin() -> UnixNs {
    UnixNs(VenueClock::wall().0 - 1_000_000_000)
}

struct Storage {
    memory: FeedMemory,
    tail: Vec<Held>,
    counters: FeedCounters,
    cold: ReplicaCounters,
    replica: ReplicaMemory,
}

impl Storage {
    fn new(config: &Configuration) -> Self {
        let quoted = config.instruments.len();
        let capacity = FeedCapacity { instruments: INSTRUMENTS, quoted, held: 64, digests: 1024 };
        Self {
            memory: FeedMemory::new(capacity),
            tail: vec![Held::FREE; TAIL],
            counters: FeedCounters::default(),
            cold: ReplicaCounters::default(),
            replica: ReplicaMemory::new(INSTRUMENTS, quoted, 1_024),
        }
    }
}

/// Joins the lines of a feed; books come from the cold side alone.
fn hot<'m, 's, V: Protocol>(
    (config, feed): (&Configuration, usize),
    options: &Options,
    protocol: V,
    (memory, tail, counters): (&'m mut FeedMemory, &'m mut [Held], &'m FeedCounters),
    handed: Receiver<HandedOf<V>>,
    (is_deaf, dropped): (&'s Cell<bool>, &'s Cell<u32>),
    clock: &EngineClock,
) -> (HotStage<'m, 's, V>, Desk) {
    let channel = ChannelSettings { view: options.view, ..CHANNEL };
    let (feed_of, quotes, updates) =
        heard_feed(protocol, memory, counters, (channel, options.limits));
    let feed_of = feed_of.with_recovery(RejoinStorage { handed, tail }).expect("a power of two");
    let port = feed_port(&config.feeds[feed], clock.clone()).expect("loopback takes joins");
    let stage = FeedStage::new(Deaf { port, is_deaf, dropped }, clock.clone(), feed_of, 1);
    (stage, Desk { quotes, updates, seen: Seen::default(), count: 0 })
}

/// A simulated CME and a feed on it, as `body` begins it has not joined yet.
pub fn cme_rig<R>(options: &Options, body: impl FnOnce(&mut CmeRig<'_, '_>) -> R) -> R {
    let scratch = Scratch::new("conformance");
    let written = venue::load_cme(&sample("venue_cme.toml")).expect("the sample is sound");
    let mut settings = cme_settings(&written, origin()).expect("it has no secrets");
    settings.store = Some(scratch.path("store"));
    let place = Place::new();
    settings.addresses = cme::Addresses {
        incremental: place.lines(0),
        definitions: place.lines(1),
        snapshots: place.lines(2),
        orders: place.port(0),
        ledger: place.port(1),
        replay: Some(place.port(2)),
        interface: InterfaceChoice::LOOPBACK,
    };
    settings.venue.seed = options.seed;
    settings.venue.channel.faults.seed = options.seed;
    settings.venue.channel.snapshots = options.loops;
    let venue = cme::open(settings.clone()).expect("loopback has everything");
    settings.addresses = venue.addresses().clone();
    let open = || cme::open(settings.clone()).expect("its addresses are free again");
    let mut config = engine();
    find_cme(&mut config, venue.addresses());
    if let Some(bytes) = options.buffer_bytes {
        config.feeds[CME].receive_buffer_bytes = bytes;
    }
    let clock = EngineClock::start();
    let Storage { mut memory, mut tail, counters, cold, mut replica } = Storage::new(&config);
    let (is_deaf, dropped) = (Cell::new(false), Cell::new(0));
    let (handed, taken) = handover_ring();
    let (stage, desk) = hot(
        (&config, CME),
        options,
        Mdp3::new(None),
        (&mut memory, &mut tail, &counters),
        taken,
        (&is_deaf, &dropped),
        &clock,
    );
    let ends = MirrorEnds { handed, request: &counters.request };
    let rows = wanted(&config, CME);
    let replica =
        Mdp3Replica::new(Mdp3::new(None), CHANNEL, options.limits, rows, &mut replica, ends, &cold);
    let replica: Box<dyn Replica + Send> = Box::new(replica.expect("it is sized"));
    let mut rig = Rig {
        stage,
        venue: Some(venue),
        config: &config,
        counters: &counters,
        cold: &cold,
        is_deaf: &is_deaf,
        desk,
        open: &open,
        store: scratch.path("store"),
    };
    beside(Served::new(&config.feeds[CME], replica), &clock, || body(&mut rig))
}

/// A simulated SHFE and a feed on it, as `body` begins it has not joined yet.
pub fn shfe_rig<R>(options: &Options, body: impl FnOnce(&mut ShfeRig<'_, '_>) -> R) -> R {
    let scratch = Scratch::new("conformance");
    let written = venue::load_shfe(&sample("venue_shfe.toml")).expect("the sample is sound");
    let mut settings = shfe_settings(&written, origin()).expect("it has no secrets");
    settings.store = Some(scratch.path("store"));
    let place = Place::new();
    settings.addresses = shfe::Addresses {
        topics: vec![(TOPIC, place.lines(0))],
        query: place.port(0),
        counter: place.port(1),
        requests: place.port(2),
        ledger: place.port(3),
        interface: InterfaceChoice::LOOPBACK,
    };
    settings.venue.seed = options.seed;
    settings.venue.feed.faults.seed = options.seed;
    let venue = shfe::open(settings.clone()).expect("loopback has everything");
    settings.addresses = venue.addresses().clone();
    let open = || shfe::open(settings.clone()).expect("its addresses are free again");
    let mut config = engine();
    find_shfe(&mut config, venue.addresses());
    if let Some(bytes) = options.buffer_bytes {
        config.feeds[SHFE].receive_buffer_bytes = bytes;
    }
    let clock = EngineClock::start();
    let Storage { mut memory, mut tail, counters, cold, mut replica } = Storage::new(&config);
    let mut codecs = vec![PriceCodec::NONE; INSTRUMENTS];
    let (is_deaf, dropped) = (Cell::new(false), Cell::new(0));
    let (handed, taken) = handover_ring();
    let (stage, desk) = hot(
        (&config, SHFE),
        options,
        Smdp::new(TOPIC, &mut codecs),
        (&mut memory, &mut tail, &counters),
        taken,
        (&is_deaf, &dropped),
        &clock,
    );
    let ends = MirrorEnds { handed, request: &counters.request };
    let Recovery::Query(query) = &config.feeds[SHFE].recovery else { panic!("SMDP is asked") };
    let login = smdp::login(&config.feeds[SHFE], query).expect("the sample has no secrets");
    let rows = wanted(&config, SHFE);
    let replica = SmdpReplica::new(
        (query.topic, login),
        CHANNEL,
        options.limits,
        rows,
        &mut replica,
        ends,
        &cold,
    );
    let replica: Box<dyn Replica + Send> = Box::new(replica.expect("it is sized"));
    let mut rig = Rig {
        stage,
        venue: Some(venue),
        config: &config,
        counters: &counters,
        cold: &cold,
        is_deaf: &is_deaf,
        desk,
        open: &open,
        store: scratch.path("store"),
    };
    beside(Served::new(&config.feeds[SHFE], replica), &clock, || body(&mut rig))
}

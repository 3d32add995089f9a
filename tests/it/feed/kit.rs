//! A feed stage on a bench: datagrams in at chosen times, what the desk would see out.

use crate::shared;
use cross_market_connect::feed::{FeedCapacity, FeedMemory};
use cross_market_connect::port::capture::Capture;
use cross_market_connect::port::datagram::datagram;
use cross_market_connect::port::memory::{MemoryPort, Pace};
use std::cell::Cell;
use std::collections::BTreeMap;
use xmc_hotpath::book::View;
use xmc_hotpath::feed::{
    ArbiterLimits, ChannelSettings, Feed, FeedCounters, FeedStage, FrozenLimits, HandedOf, Held,
    Join, RejoinStorage,
};
use xmc_hotpath::message::{
    ChannelState, ChannelUpdate, InstrumentIndex, Quote, QuoteQuality, StreamId,
};
use xmc_hotpath::port::Line;
use xmc_hotpath::ring::{Receiver, ends};
use xmc_hotpath::stage::{Stage, Work};
use xmc_hotpath::time::{Clock, MonoNs, Span};
use xmc_hotpath::venue::cme::mdp3::decode::{self, Message};
use xmc_hotpath::venue::cme::mdp3::feed::Mdp3;
use xmc_hotpath::venue::cme::mdp3::layout::Sequenced;

/// Time moved by hand.
pub struct Hand(Cell<u64>);

impl Clock for Hand {
    fn now(&self) -> MonoNs {
        MonoNs(self.0.get())
    }
}

/// A datagram to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shot {
    pub line: Line,
    pub at: u64,
    pub payload: Vec<u8>,
}

pub fn shot(line: Line, at: u64, payload: &[u8]) -> Shot {
    Shot { line, at, payload: payload.to_vec() }
}

/// How a bench is made.
#[derive(Clone, Debug)]
pub struct Setup {
    pub join: Join,
    pub view: View,
    pub limits: ArbiterLimits,
    /// The venue's number of each row of the desk's table.
    pub quoted: Vec<i32>,
    pub instruments: usize,
    pub held: usize,
    pub tail: usize,
    pub quote_slots: usize,
    pub update_slots: usize,
}

impl Setup {
    pub fn new(quoted: &[i32]) -> Self {
        Self {
            join: Join::AssumeEmpty,
            view: View::Outright,
            limits: ArbiterLimits {
                hold_for: Span(1_000_000),
                line_reorder: 0,
                silent_after: Span(50_000_000),
                lossy_after: Span(20_000_000),
                stale_after: Span(200_000_000_000),
            },
            quoted: quoted.to_vec(),
            instruments: quoted.len().max(4),
            held: 64,
            tail: 64,
            quote_slots: 4096,
            update_slots: 64,
        }
    }
}

/// The stage and the desk's ends of its rings.
pub struct Bench<'a> {
    pub clock: &'a Hand,
    pub stage: FeedStage<'a, MemoryPort<&'a Hand>, &'a Hand, Mdp3>,
    pub counters: &'a FeedCounters,
    quotes: Receiver<Quote>,
    updates: Receiver<ChannelUpdate>,
    pub seen: Seen,
}

/// What the desk saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub updates: Vec<ChannelUpdate>,
    pub quotes: Vec<Quote>,
}

impl Seen {
    /// The channel as the desk has it.
    pub fn state(&self) -> (ChannelState, u32) {
        self.updates.last().map_or((ChannelState::Down, 0), |update| (update.state, update.epoch))
    }

    /// The instruments that the desk may trade on, by its own rules.
    pub fn usable(&self) -> Vec<InstrumentIndex> {
        self.with(&[QuoteQuality::Good])
    }

    /// The instruments whose books are believed, whether the venue trades them now or not.
    pub fn believed(&self) -> Vec<InstrumentIndex> {
        self.with(&[QuoteQuality::Good, QuoteQuality::Halted])
    }

    fn with(&self, qualities: &[QuoteQuality]) -> Vec<InstrumentIndex> {
        let (state, epoch) = self.state();
        let newest: BTreeMap<u32, &Quote> =
            self.quotes.iter().map(|quote| (quote.instrument.0, quote)).collect();
        let is_usable = |quote: &&&Quote| {
            state.is_usable() && quote.epoch == epoch && qualities.contains(&quote.quality)
        };
        newest.values().filter(is_usable).map(|quote| quote.instrument).collect()
    }

    /// The quotes without what may differ between two deliveries of the same packets.
    pub fn timeless(&self) -> Vec<Quote> {
        self.quotes.iter().map(|quote| Quote { received: MonoNs(0), ..*quote }).collect()
    }
}

/// Makes a bench and lends it.
pub fn bench<R>(setup: &Setup, body: impl FnOnce(&mut Bench<'_>) -> R) -> R {
    bench_with(setup, None, body)
}

/// A bench whose books can be handed over.
pub fn bench_with<R>(
    setup: &Setup,
    handed: Option<Receiver<HandedOf<Mdp3>>>,
    body: impl FnOnce(&mut Bench<'_>) -> R,
) -> R {
    bench_of(setup, handed, None, body)
}

/// A bench that finds that its channel is frozen.
pub fn bench_pulsing<R>(
    setup: &Setup,
    limits: FrozenLimits,
    body: impl FnOnce(&mut Bench<'_>) -> R,
) -> R {
    bench_of(setup, None, Some(limits), body)
}

fn bench_of<R>(
    setup: &Setup,
    handed: Option<Receiver<HandedOf<Mdp3>>>,
    frozen: Option<FrozenLimits>,
    body: impl FnOnce(&mut Bench<'_>) -> R,
) -> R {
    let mut tail = vec![Held::FREE; setup.tail];
    let clock = Hand(Cell::new(0));
    let counters = FeedCounters::default();
    let mut memory = FeedMemory::new(FeedCapacity {
        instruments: setup.instruments,
        quoted: setup.quoted.len(),
        held: setup.held,
        digests: 1024,
    });
    let (quote_sender, quotes) = ends(rtrb_ring(setup.quote_slots));
    let (update_sender, updates) = ends(rtrb_ring(setup.update_slots));
    let (storage, quote_sender) = memory.lend(quote_sender);
    let settings = ChannelSettings { stream: StreamId(3), join: setup.join, view: setup.view };
    let feed = Feed::new(
        Mdp3::new(Some(CHANNEL)),
        settings,
        setup.limits,
        storage,
        quote_sender,
        update_sender,
        &counters,
    );
    let mut feed = feed.expect("the memory is sized by its own rules");
    if let Some(limits) = frozen {
        feed = feed.with_pulse(limits);
    }
    if let Some(handed) = handed {
        let storage = RejoinStorage { handed, tail: &mut tail };
        feed = feed.with_recovery(storage).expect("a power of two");
    }
    for (index, security_id) in (0..).zip(&setup.quoted) {
        let books = feed.channel_mut().books_mut();
        books.add(*security_id, Some(InstrumentIndex(index))).expect("there is room for them");
    }
    let port = MemoryPort::new(&clock, Pace::Recorded);
    let stage = FeedStage::new(port, &clock, feed, 8);
    let seen = Seen::default();
    body(&mut Bench { clock: &clock, stage, counters: &counters, quotes, updates, seen })
}

/// The channel of the capture; generated packets use it too.
pub const CHANNEL: i16 = 340;

fn rtrb_ring<T>(slots: usize) -> (rtrb::Producer<T>, rtrb::Consumer<T>) {
    rtrb::RingBuffer::new(slots)
}

impl Bench<'_> {
    /// Delivers one datagram at its time and takes what comes of it.
    pub fn send(&mut self, shot: &Shot) {
        self.deliver(shot);
        self.take();
    }

    /// Delivers one datagram; the desk takes nothing.
    pub fn deliver(&mut self, shot: &Shot) {
        self.clock.0.set(self.clock.0.get().max(shot.at));
        self.stage.port_mut().push(shot.line, MonoNs(shot.at), &shot.payload);
        assert_eq!(self.stage.poll(), Work::Busy);
        assert_eq!(self.stage.port_mut().remaining(), 0, "one datagram fits in any budget");
    }

    /// Lets time pass until `at` in small steps, polling.
    pub fn wait(&mut self, at: u64) {
        while self.clock.0.get() < at {
            self.clock.0.set(at.min(self.clock.0.get() + 1_000_000));
            self.stage.poll();
        }
        self.take();
    }

    /// Sets the clock.
    pub fn clock_on(&mut self, at: u64) {
        self.clock.0.set(at);
    }

    /// Takes what came: states first, as the desk does.
    pub fn take(&mut self) {
        while let Some(update) = self.updates.pop() {
            self.seen.updates.push(update);
        }
        while let Some(quote) = self.quotes.pop() {
            self.seen.quotes.push(quote);
        }
    }

    pub fn run(&mut self, shots: &[Shot]) {
        for shot in shots {
            self.send(shot);
        }
    }

    pub fn state(&self) -> ChannelState {
        self.stage.feed().channel().state()
    }
}

/// Runs `shots` on a fresh bench and gives back what the desk saw.
pub fn run(setup: &Setup, shots: &[Shot]) -> Seen {
    bench(setup, |bench| {
        bench.run(shots);
        std::mem::take(&mut bench.seen)
    })
}

/// All datagrams of the shared capture, in order; times from the first one.
pub fn capture() -> Option<Vec<Shot>> {
    let path = shared::data("captures/cme/mdp3_v6_ch340_20161112.pcapng")?;
    let capture = Capture::open(&path).expect("the shared capture opens");
    let mut first = None;
    let shots = capture.frames().map(|frame| {
        let frame = frame.expect("the shared capture is whole");
        let found = datagram(frame.link, frame.bytes).expect("its frames are sound");
        let found = found.expect("it holds nothing but UDP");
        let line = match found.target.ip().octets() {
            [224, 0, 31, 64] => Line::A,
            [224, 0, 32, 64] => Line::B,
            other => panic!("the shared capture has two groups, not {other:?}"),
        };
        let at = frame.captured.0 - *first.get_or_insert(frame.captured.0);
        Shot { line, at, payload: found.payload.to_vec() }
    });
    Some(shots.collect())
}

/// The instruments in `shots`, in the order of their first entry.
pub fn instruments(shots: &[Shot]) -> Vec<i32> {
    let mut ids = Vec::new();
    let mut add = |id: i32| {
        if !ids.contains(&id) {
            ids.push(id);
        }
    };
    for shot in shots {
        let packet = decode::packet(&shot.payload).expect("packets of the capture decode");
        for message in packet.messages() {
            match message.decode().expect("messages of the capture decode") {
                Message::Book(update) => update.entries.for_each(|e| add(e.security_id())),
                Message::Trade(update) => update.entries.for_each(|e| add(e.security_id())),
                Message::Volume(update) => update.entries.for_each(|e| add(e.security_id())),
                Message::SessionStatistics(update) => {
                    update.entries.for_each(|e| add(e.security_id()));
                }
                _ => {}
            }
        }
    }
    ids
}

/// The sequence number of a packet.
pub fn seq_no(shot: &Shot) -> u32 {
    u32::from_le_bytes(*shot.payload.first_chunk().expect("a packet has a header"))
}

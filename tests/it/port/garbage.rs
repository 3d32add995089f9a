//! A barrage on each kind of port: what is good still comes through, and the rest is counted.

use super::udp::{group, on_loopback};
use super::{PATIENCE, eventually};
use crate::garbage::{Barrage, Garbage, Target};
use cross_market_connect::clock::EngineClock;
use cross_market_connect::feed::{FeedCapacity, FeedMemory};
use cross_market_connect::port::interface::InterfaceChoice;
use cross_market_connect::port::overflow::Overflow;
use cross_market_connect::port::pair::RequestSocket;
use cross_market_connect::port::tcp::{Listener, TcpPort, TcpSettings};
use cross_market_connect::port::udp::{MulticastPort, MulticastSender, Reach, ReceiveSettings};
use cross_market_connect::venue::cme::mdp3::{BookChange, EventMark, Generation, PacketBuilder};
use rtrb::RingBuffer;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};
use xmc_hotpath::book::View;
use xmc_hotpath::counter::{Counter, NoRecorder};
use xmc_hotpath::feed::{ArbiterLimits, ChannelSettings, Feed, FeedCounters, FeedStage, Join};
use xmc_hotpath::gateway::{GatewayCounters, GatewayStage};
use xmc_hotpath::message::{
    GatewayIndex, GatewayNews, InstrumentIndex, Quote, SessionState, StreamId,
};
use xmc_hotpath::port::{Line, RxPort, SendError, StreamPort, TxPort};
use xmc_hotpath::ring::{Receiver, ends};
use xmc_hotpath::stage::{Stage, Work};
use xmc_hotpath::time::Span;
use xmc_hotpath::venue::cme::ilink3::decode::MAX_FRAME_LEN;
use xmc_hotpath::venue::cme::ilink3::encode::SessionIdentity;
use xmc_hotpath::venue::cme::ilink3::session::{Session, SessionCounters};
use xmc_hotpath::venue::cme::mdp3::feed::Mdp3;
use xmc_hotpath::venue::cme::mdp3::layout::{Action, BookEntry, EntryKind, Mantissa};

/// Little enough for the receive buffers, though the tests share two cores with others.
pub const RATE: u32 = 5_000;
pub const TIME: Duration = Duration::from_millis(700);
const SECURITY: i32 = 411_873;

#[test]
fn the_same_seed_makes_the_same_garbage_and_all_kinds_of_it() {
    let samples = vec![vec![7; 50], vec![9; 80]];
    let [mut first, mut second] =
        [samples.clone(), samples.clone()].map(|samples| Garbage::new(3).near(samples));
    let messages: Vec<_> = (0..2_000).map(|_| first.message().to_vec()).collect();
    assert!(messages.iter().all(|message| *message == second.message()));
    assert!(messages.iter().any(Vec::is_empty));
    assert!(messages.iter().any(|message| message.len() > 2_049));
    let near =
        messages.iter().filter(|message| message.starts_with(&[7; 4]) && message.len() < 200);
    assert!(near.clone().count() > 200, "many begin as a sample does");
    assert!(near.clone().any(|message| samples.iter().all(|sample| sample != message)));
}

/// A packet with a new best bid: `seq_no` lots at the same price.
pub fn packet(seq_no: u32) -> Vec<u8> {
    let bid = BookEntry::from(BookChange {
        security_id: SECURITY,
        rpt_seq: seq_no,
        kind: EntryKind::Bid,
        action: if seq_no == 1 { Action::New } else { Action::Change },
        level: 1,
        price: Mantissa::new(400_000_000_000),
        size_lots: i32::try_from(seq_no).ok(),
        order_count: Some(1),
    });
    let sent_ns = u64::from(seq_no) * 1_000_000;
    PacketBuilder::new(Generation::V13, seq_no, sent_ns)
        .book(EventMark::end(sent_ns), &[bid], &[])
        .finish()
}

/// Garbage of which half is nearly a packet.
pub fn near_packets(seed: u64) -> Garbage {
    Garbage::new(seed).near((1..40).map(|seq_no| foreign(packet(seq_no))).collect())
}

/// A feed of one instrument on a port, and what a test sees of it.
pub struct FeedRig<'m, P> {
    pub stage: FeedStage<'m, P, EngineClock, Mdp3>,
    pub counters: &'m FeedCounters,
    quotes: Receiver<Quote>,
    newest_lots: i64,
}

impl<P: RxPort> FeedRig<'_, P> {
    /// Runs `body` with a feed on `port`.
    pub fn run<R>(port: P, body: impl FnOnce(&mut FeedRig<'_, P>) -> R) -> R {
        let counters = FeedCounters::default();
        let capacity = FeedCapacity { instruments: 4, quoted: 4, held: 64, digests: 256 };
        let mut memory = FeedMemory::new(capacity);
        let (quotes_in, quotes) = ends(RingBuffer::new(1_024));
        let (updates, _states) = ends(RingBuffer::new(64));
        let (storage, quotes_in) = memory.lend(quotes_in);
        let settings =
            ChannelSettings { stream: StreamId(1), join: Join::AssumeEmpty, view: View::Outright };
        let never = Span(u64::MAX);
        let limits = ArbiterLimits {
            hold_for: never,
            line_reorder: 0,
            silent_after: never,
            lossy_after: never,
            stale_after: never,
        };
        let protocol = Mdp3::new(None);
        let feed = Feed::new(protocol, settings, limits, storage, quotes_in, updates, &counters);
        let mut feed = feed.expect("sizes are right");
        feed.channel_mut().books_mut().add(SECURITY, Some(InstrumentIndex(0)));
        let stage = FeedStage::new(port, EngineClock::start(), feed, 64);
        body(&mut FeedRig { stage, counters: &counters, quotes, newest_lots: 0 })
    }

    /// Lots of the newest quote so far.
    pub fn newest_lots(&mut self) -> i64 {
        while let Some(quote) = self.quotes.pop() {
            self.newest_lots = i64::from(quote.bids.best_lots());
        }
        self.newest_lots
    }

    /// Sends packets by `send`, when there is room for them, for as long as the barrage goes on.
    /// Then waits until each has been applied and all garbage was refused, by the feed or as
    /// `too_long` counts; says how many packets there were.
    pub fn withstand(
        &mut self,
        barrage: Barrage,
        mut send: impl FnMut(&[u8]),
        too_long: impl Fn() -> u64,
    ) -> u64 {
        let start = Instant::now();
        let mut seq_no = 0_u32;
        while start.elapsed() < TIME {
            // There is room for what is good before it is sent.
            while self.stage.poll() != Work::Idle {}
            seq_no += 1;
            send(&packet(seq_no));
            self.newest_lots();
        }
        let fired = barrage.stop();
        let good = u64::from(seq_no);
        let counters = self.counters;
        let refused =
            || Line::BOTH.map(|line| counters.line(line).refused.get()).iter().sum::<u64>();
        eventually("everything that was sent", || {
            self.stage.poll();
            let is_refused = refused() + too_long() == fired.datagrams;
            (counters.applied.get() == good && is_refused).then_some(())
        });
        assert_eq!(self.newest_lots(), i64::from(seq_no), "the last packet is in the last quote");
        assert!(fired.datagrams > 1_000 && good > 100, "{fired:?} and {good} packets");
        let moved = [&counters.gaps, &counters.missing, &counters.strays, &counters.restarts];
        assert_eq!(moved.map(|counter| counter.get()), [0; 4]);
        assert_eq!((counters.divergent.get(), counters.sequence_breaks.get()), (0, 0));
        good
    }
}

/// The packet with every bit of its schema id turned: no damage of one place makes it a good one.
fn foreign(mut packet: Vec<u8>) -> Vec<u8> {
    // Packet header 12 bytes, message size 2, block length 2, template 2 (SBE 1.0 message header).
    for byte in &mut packet[18..20] {
        *byte ^= 0xff;
    }
    packet
}

/// Both lines of a feed under fire while packets go on: all are applied, all garbage is refused.
#[test]
fn a_feed_under_a_barrage_applies_what_is_good() {
    let clock = EngineClock::start();
    let groups = [group(), group()];
    let [a, b] = groups.map(on_loopback);
    let port = MulticastPort::open(clock, &a, &b, &ReceiveSettings::default());
    let port = port.expect("loopback takes joins");
    let sockets = port.counters();
    let overflow = Line::BOTH.map(|line| Overflow::of(port.line(line)).expect("it is a socket"));
    let mut senders = groups.map(|group| {
        MulticastSender::open(group, &InterfaceChoice::LOOPBACK, Reach::Host).expect("a sender")
    });
    let targets = groups.map(|group| Target::Multicast(group, InterfaceChoice::LOOPBACK));
    FeedRig::run(port, |rig| {
        let barrage = Barrage::start(near_packets(11), &targets, RATE);
        let send = |packet: &[u8]| {
            for sender in &mut senders {
                sender.send(packet).expect("loopback has room");
            }
        };
        rig.withstand(barrage, send, || sockets.oversize());
        assert!(Line::BOTH.map(|line| sockets.line(line).oversize.get()) > [20; 2]);
        let dropped = overflow.map(|line| line.dropped().unwrap());
        assert_eq!(dropped, [Some(0); 2], "nothing was lost");
    });
}

/// A listener that answers what it reads, as long as it is good: `bytes` of one letter.
struct Echo {
    listener: Listener,
    open: Vec<TcpPort>,
    ended: u64,
    foul: u64,
}

impl Echo {
    fn poll(&mut self) {
        self.open.extend(self.listener.accept().map(|(port, _)| port));
        let mut buffer = [0; 512];
        let Self { ended, foul, .. } = self;
        self.open.retain_mut(|port| match port.read(&mut buffer) {
            Ok(len) if buffer[..len].iter().any(|byte| *byte != b'x') => {
                *foul += 1;
                false
            }
            Ok(len) => len == 0 || port.send(&buffer[..len]) != Err(SendError::Closed),
            Err(_) => {
                *ended += 1;
                false
            }
        });
    }
}

/// Connections that come and go in every way do not keep a good one waiting, and none is lost
/// sight of.
#[test]
fn a_listener_under_a_barrage_serves_who_behaves() {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listener = Listener::open(any, TcpSettings::default()).expect("a free port");
    let address = listener.address().expect("it listens");
    let refused = listener.counters();
    let mut echo = Echo { listener, open: Vec::new(), ended: 0, foul: 0 };
    let mut good = TcpPort::connect(address, PATIENCE, &TcpSettings::default()).expect("a place");
    let barrage = Barrage::start(Garbage::new(5), &[Target::Tcp(address)], RATE);
    let start = Instant::now();
    let (mut sent, mut answered) = (0, 0);
    let mut buffer = [0; 512];
    while start.elapsed() < TIME || answered < sent {
        assert!(start.elapsed() < PATIENCE, "{answered} of {sent} bytes were answered");
        if start.elapsed() < TIME && answered == sent {
            good.send(&[b'x'; 100]).expect("the listener is there");
            sent += 100;
        }
        echo.poll();
        answered += good.read(&mut buffer).expect("the listener is there");
    }
    let fired = barrage.stop();
    drop(good);
    eventually("every connection's end", || {
        echo.poll();
        let gone = echo.ended + echo.foul + refused.refused.get();
        (gone == fired.connections + 1).then_some(())
    });
    assert!(echo.open.is_empty());
    assert!(fired.connections > 50 && sent > 1_000, "{fired:?}, {sent} bytes");
    assert!(echo.ended > 10 && echo.foul > 10, "{} ended, {} foul", echo.ended, echo.foul);
}

#[test]
fn a_request_socket_under_a_barrage_takes_what_is_short_enough() {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let mut requests = RequestSocket::open(any).expect("a free port");
    let address = requests.address().expect("it is bound");
    let (counters, overflow) = (requests.counters(), Overflow::of(&requests).unwrap());
    let good = UdpSocket::bind(any).expect("a free port");
    let good_address = good.local_addr().expect("it is bound");
    let barrage = Barrage::start(Garbage::new(7), &[Target::Udp(address)], RATE);
    let start = Instant::now();
    let (mut sent, mut own, mut foreign) = (0, 0, 0);
    let mut receive = || {
        while let Some((request, sender)) = requests.receive() {
            if sender == good_address {
                assert_eq!(request, b"order");
                own += 1;
            } else {
                foreign += 1;
            }
        }
        (own, foreign)
    };
    while start.elapsed() < TIME {
        receive();
        good.send_to(b"order", address).expect("loopback has room");
        sent += 1;
    }
    let fired = barrage.stop();
    // What is refused ends a look, so one look is not enough.
    let (own, foreign) = eventually("everything that was sent", || {
        let (own, foreign) = receive();
        (own == sent && foreign + counters.oversize.get() == fired.datagrams)
            .then_some((own, foreign))
    });
    let long = counters.oversize.get();
    assert_eq!(overflow.dropped().unwrap(), Some(0), "nothing was lost");
    assert!(own > 1_000 && foreign > 300 && long > 300, "{own} own, {foreign} short, {long} long");
}

/// A report of iLink 3 of the right frame and length, and nothing in it.
fn report(template: u16, block_len: u16) -> Vec<u8> {
    let frame_len = block_len + 12;
    let words = [frame_len, 0xcafe, block_len, template, 8, 8];
    let mut frame: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    frame.resize(frame_len.into(), 0);
    frame
}

/// A venue gone mad: the session is down once and for all, whatever it says, and the stage is still
/// polled.
#[test]
fn a_gateway_whose_venue_talks_garbage_loses_the_session_once() {
    let clock = EngineClock::start();
    let samples = vec![report(522, 209), report(524, 209), report(506, 14), report(521, 330)];
    let (mut broken, mut ended, mut unreadable) = (0, 0, 0);
    for seed in 0..150 {
        let mut garbage = match seed % 3 {
            0 => Garbage::new(seed),
            _ => Garbage::new(seed).near(samples.clone()),
        };
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut listener = Listener::open(any, TcpSettings::default()).expect("a free port");
        let address = listener.address().expect("it listens");
        let port =
            TcpPort::connect(address, PATIENCE, &TcpSettings::default()).expect("it listens");
        let (venue, _) = eventually("the connection", || listener.accept());

        let identity = SessionIdentity {
            sender_id: "XMC",
            location: "HK",
            party_details_id: 1,
            schema_version: 8,
        };
        let sessions = SessionCounters::default();
        let session = Session::new(GatewayIndex(0), StreamId(1), &identity, 1, &sessions);
        let (_commands, commands_out) = ends(RingBuffer::new(16));
        let (news_in, mut news) = ends(RingBuffer::new(64));
        let (mut inbox, counters) = (vec![0; 1 << 16], GatewayCounters::default());
        let utc_origin = Counter::new();
        let mut stage = GatewayStage::new(
            session.expect("a sound identity"),
            port,
            &clock,
            NoRecorder,
            GatewayIndex(0),
            StreamId(1),
            commands_out,
            news_in,
            &mut inbox,
            &utc_origin,
            &counters,
        );
        let (mut states, mut sent, mut venue) = (Vec::new(), 0, Some(venue));
        eventually("the end of the session", || {
            // It goes on after the session is lost, and closes in the end.
            if let Some(talking) = &mut venue {
                let message = garbage.message();
                sent += message.len();
                let is_gone = talking.send(message) == Err(SendError::Closed);
                venue.take_if(|_| is_gone || sent > 4 * usize::from(MAX_FRAME_LEN));
            }
            stage.poll();
            while let Some(one) = news.pop() {
                if let GatewayNews::Session(update) = one {
                    states.push(update.state);
                }
            }
            (venue.is_none() && states.last() == Some(&SessionState::Down)).then_some(())
        });
        for _ in 0..100 {
            stage.poll();
        }
        while let Some(one) = news.pop() {
            assert!(!matches!(one, GatewayNews::Session(_)), "the end is told once");
        }
        assert_eq!(states, [SessionState::Up, SessionState::Down], "seed {seed}");
        unreadable += sessions.unreadable.get() + sessions.ignored.get();
        broken += u64::from(counters.read.get() == 0);
        ended += u64::from(counters.read.get() > 0);
    }
    assert!(broken > 20 && ended > 20 && unreadable > 5, "{broken}, {ended}, {unreadable}");
}

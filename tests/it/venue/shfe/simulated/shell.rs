//! The venue over real sockets: its feed and its query service, trading, what survives a kill, and
//! garbage at every port.

pub mod client;
mod feed;
mod outage;
mod reader;

use super::{TRADER, settings as sans_io};
use crate::garbage::{Barrage, Garbage, Target};
use crate::journal::scratch::Scratch;
use bytemuck::Zeroable;
use client::Trader;
use cross_market_connect::port::udp::Reach;
use cross_market_connect::secret::Secret;
use cross_market_connect::sim::exchange::ListingIndex;
use cross_market_connect::venue::esunny::dstar::counter::Told;
use cross_market_connect::venue::esunny::dstar::logon::{Credentials, Logon};
use cross_market_connect::venue::ledger::LedgerClient;
use cross_market_connect::venue::shell::VenueClock;
use cross_market_connect::venue::shfe::simulated::Group;
use cross_market_connect::venue::shfe::simulated::shell::{self, Addresses, Running, Settings};
use cross_market_connect::venue::store::FillStore;
use reader::Reader;
use socket2::SockRef;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};
use xmc_hotpath::message::{OrderEvent, OrderEventKind, PositionEffect, Side, TimeInForce};
use xmc_hotpath::port::Line;
use xmc_hotpath::venue::esunny::dstar::layout::{KeyV3, OrderNotice, V3};
use xmc_hotpath::venue::esunny::dstar::simulated_counter::{self, Framed, Kind};
use xmc_hotpath::wire::I64Le;

const PATIENCE: Duration = Duration::from_secs(20);

/// A venue whose time began this hour, on ports that are free.
fn settings(seed: u64, store: Option<&Path>) -> Settings {
    let mut venue = sans_io(seed);
    venue.feed.utc_origin = VenueClock::hour();
    Settings {
        venue,
        addresses: Addresses::on_loopback(),
        reach: Reach::Host,
        store: store.map(Path::to_owned),
    }
}

fn open(settings: Settings) -> Running {
    shell::open(settings).expect("loopback has everything")
}

fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < PATIENCE, "waited {PATIENCE:?} for {what}");
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// The best price of the crowd, when there is one.
fn best(venue: &Running, index: u16, side: Side) -> i64 {
    eventually("a quote of the crowd", || {
        venue
            .with(move |shell, _| shell.exchange().engine(ListingIndex(index))?.best(side))
            .expect("it runs")
    })
}

fn ledger(venue: &Running) -> LedgerClient {
    LedgerClient::connect(venue.addresses().ledger, PATIENCE).expect("it listens")
}

/// Fills as the ledger and as a client have them, in order.
fn agree(venue: &Running, told: &[OrderEvent]) {
    let mut ledger = ledger(venue);
    let rows = ledger.fills(TRADER, 0).expect("it answers");
    let booked: Vec<_> = rows.iter().map(|row| (row.price_e9, row.lots, &*row.side)).collect();
    let fills: Vec<_> = told.iter().filter(|event| event.kind == OrderEventKind::Filled).collect();
    let expected: Vec<_> =
        fills.iter().map(|event| (event.price_e9, event.qty_lots, event.side.word())).collect();
    assert_eq!(booked, expected);
}

#[test]
fn orders_over_udp_are_filled_and_the_ledger_agrees() {
    let venue = open(settings(11, None));
    let mut trader = Trader::log_on(&venue, 0);
    let mut told = Vec::new();
    for round in 0..20_u32 {
        let side = if round % 3 == 0 { Side::Sell } else { Side::Buy };
        let price_e9 = best(&venue, 0, side.opposite());
        told.extend(trader.trade(0, side, PositionEffect::Open, price_e9, 2));
    }
    // Some of today's is closed, and more than there is is refused.
    let price_e9 = best(&venue, 0, Side::Buy);
    told.extend(trader.trade(0, Side::Sell, PositionEffect::CloseToday, price_e9, 3));
    let refused = trader.trade(0, Side::Sell, PositionEffect::CloseToday, price_e9, 400);
    assert_eq!(refused.last().map(|event| event.kind), Some(OrderEventKind::Rejected));
    agree(&venue, &told);
    let net: i64 = told
        .iter()
        .filter(|event| event.kind == OrderEventKind::Filled)
        .map(|event| match event.side {
            Side::Buy => i64::from(event.qty_lots),
            Side::Sell => -i64::from(event.qty_lots),
        })
        .sum();
    let mut ledger = ledger(&venue);
    let positions = ledger.positions(TRADER).unwrap();
    assert_eq!((positions.len(), positions[0].net_lots), (1, net));
    assert_eq!(ledger.orders(TRADER).unwrap(), []);
    let counts = venue.counts().unwrap();
    println!("{counts:?}");
    assert_eq!(counts.fills, u64::try_from(ledger.fills(TRADER, 0).unwrap().len()).unwrap());
    assert_eq!((counts.requests, counts.bad_requests), (23, 0), "22 orders and one logon");
    // Told to stop, it ends the session.
    let left = venue.stop().unwrap();
    let holding = left.exchange().accounts().holding(TRADER, ListingIndex(0));
    assert_eq!(holding.net_lots(), net);
    trader.is_ended();
}

/// The counter was busy for longer than a client waits: when it wakes up, requests and the question
/// for them are there at once. None of them is called lost.
#[test]
fn a_question_never_overtakes_the_requests_that_it_is_about() {
    let venue = open(settings(16, None));
    let mut trader = Trader::log_on(&venue, 0);
    let mut told = Vec::new();
    for _ in 0..20 {
        let price_e9 = best(&venue, 0, Side::Sell);
        let (go_on, held) = channel::<()>();
        let is_held = venue.post(move |_, _| {
            // Until the other end is dropped.
            let _ = held.recv_timeout(PATIENCE);
        });
        assert!(is_held, "it runs");
        let order_id = trader.begin(0, Side::Buy, PositionEffect::Open, price_e9, 1);
        trader.listen_for(Duration::from_millis(30));
        drop(go_on);
        told.extend(trader.end(order_id));
        // The counter answers no two questions within 50 ms.
        trader.listen_for(Duration::from_millis(120));
    }
    agree(&venue, &told);
    assert!(trader.questions() >= 15, "{} questions", trader.questions());
}

/// A kill after each few trades, with an order that rests: what was told is booked, what rested is
/// told to be gone, numbers go on, and whoever reads the feed needs a new snapshot.
#[test]
fn what_was_told_survives_kills() {
    let scratch = Scratch::new("venue_shfe");
    let path = scratch.path("fills.jsonl");
    let first = settings(12, Some(&path));
    let mut venue = open(first.clone());
    let again = Settings { addresses: venue.addresses().clone(), ..first };
    let (mut told, mut replies, mut last_packet, mut center) = (Vec::new(), 0, 0, None);
    let mut resting = None;
    for _ in 0..4 {
        let snapshot = Reader::log_in(&venue).snapshot();
        assert!(snapshot.packet_no > last_packet, "numbers of the feed go on");
        last_packet = snapshot.packet_no;
        assert_ne!(center, Some(snapshot.center_change_no()), "another centre");
        center = Some(snapshot.center_change_no());
        let mut trader = Trader::log_on(&venue, replies);
        if let Some(before) = resting {
            let event = trader.next();
            assert_eq!((event.kind, event.order_id), (OrderEventKind::Cancelled, before));
        }
        let bid = best(&venue, 0, Side::Buy);
        let far = bid - 40 * 10_000_000_000;
        resting = Some(trader.rest(0, Side::Buy, far, 1));
        assert_eq!(ledger(&venue).orders(TRADER).unwrap().len(), 1);
        for _ in 0..3 {
            let price_e9 = best(&venue, 0, Side::Sell);
            told.extend(trader.trade(0, Side::Buy, PositionEffect::Open, price_e9, 1));
        }
        agree(&venue, &told);
        replies += trader.replies();
        venue.kill().unwrap();
        trader.is_ended();
        venue = open(again.clone());
        assert_eq!(*venue.addresses(), again.addresses);
        agree(&venue, &told);
        assert_eq!(ledger(&venue).orders(TRADER).unwrap(), []);
    }
    let serials: std::collections::BTreeSet<_> = told
        .iter()
        .filter(|event| event.kind == OrderEventKind::Filled)
        .map(|event| event.exec_id)
        .collect();
    assert_eq!(serials.len(), ledger(&venue).fills(TRADER, 0).unwrap().len());
    assert!(serials.len() > 4, "{} fills", serials.len());
    // Two venues do not share a file.
    assert!(shell::open(Settings { addresses: Addresses::on_loopback(), ..again }).is_err());
}

/// Who has seen nothing of a long day is told all of it, though that is more than may wait for one
/// who does not read.
#[test]
fn a_long_day_is_told_to_whoever_comes_late() {
    const REPLIES: usize = 100_000;
    let scratch = Scratch::new("venue_shfe_day");
    let path = scratch.path("store.jsonl");
    let first = settings(17, Some(&path));
    drop(open(first.clone()).kill());
    let symbols = first.venue.exchange.listings.iter().map(|listing| listing.symbol.clone());
    let (mut store, _) =
        FillStore::open(&path, "shfe", symbols.collect(), first.venue.feed.utc_origin).unwrap();
    // Of one order, again and again: what a refused cancellation is answered with.
    let notice = OrderNotice::<I64Le, KeyV3>::zeroed();
    let reply = bytemuck::bytes_of(&Framed::new(Kind::Notice, notice)).to_vec();
    let told = Told { account: TRADER, version: 3, reply };
    store.append(&[], &vec![told.clone(); REPLIES]).unwrap();
    drop(store);
    let venue = open(Settings { addresses: Addresses::on_loopback(), ..first });
    let who = Credentials {
        account_no: "trader".into(),
        password: Secret::new("opensesame"),
        replies_seen: 0,
    };
    let (_, hello) = Logon::<V3>::start(&who).expect("fits");
    let mut stream = TcpStream::connect(venue.addresses().counter).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // The kernel is not to take it all.
    SockRef::from(&stream).set_recv_buffer_size(1 << 16).unwrap();
    stream.write_all(&hello).unwrap();
    // It takes its time, so that whatever is sent at once piles up.
    std::thread::sleep(Duration::from_millis(300));
    let (mut inbox, mut seen) = (Vec::new(), 0);
    let mut bytes = vec![0; 1 << 16];
    while seen < REPLIES {
        let len = stream.read(&mut bytes).unwrap();
        assert_ne!(len, 0, "the connection ended after {seen} replies");
        inbox.extend_from_slice(&bytes[..len]);
        let mut rest = &inbox[..];
        while let Ok(Some((frame, behind))) = simulated_counter::frame(rest) {
            seen += usize::from(frame.kind == Kind::Notice.to_wire());
            rest = behind;
        }
        inbox = rest.to_vec();
    }
    assert_eq!(seen, REPLIES);
    assert!(REPLIES * told.reply.len() > 4 << 20, "more than may wait");
    assert_eq!(venue.counts().unwrap().counter.slow, 0);
}

/// Half random, half damaged messages, at a rate: counters move, trading and reading go on, and the
/// ledger has nothing but what the client was told.
#[test]
fn garbage_at_every_port_moves_counters_and_nothing_else() {
    let venue = open(settings(13, None));
    let mut trader = Trader::log_on(&venue, 0);
    let mut reader = Reader::log_in(&venue);
    let addresses = venue.addresses().clone();
    let group = |line| {
        let address = addresses.group(Group { topic: 1_001, line }).expect("it is there");
        Target::Multicast(address, addresses.interface.clone())
    };
    let streams = [addresses.query, addresses.counter, addresses.ledger];
    let targets: Vec<_> = Line::BOTH
        .map(group)
        .into_iter()
        .chain((0..4).flat_map(|_| streams.map(Target::Tcp)))
        .chain((0..4).map(|_| Target::Udp(addresses.requests)))
        .collect();
    let samples = vec![
        trader.sample(),
        reader.sample(),
        b"positions 10\n".to_vec(),
        b"fills 10 0\n".to_vec(),
    ];
    let barrage = Barrage::start(Garbage::new(5).near(samples), &targets, 4_000);
    let mut told = Vec::new();
    for round in 0..120 {
        let side = if round % 2 == 0 { Side::Sell } else { Side::Buy };
        let price_e9 = best(&venue, 0, side.opposite());
        told.extend(trader.trade(0, side, PositionEffect::Open, price_e9, 1));
        if round % 10 == 0 {
            assert_eq!(reader.snapshot().instruments.len(), 4);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let fired = barrage.stop();
    let counts = venue.counts().expect("it runs");
    println!("{fired:?}\n{counts:?}");
    assert!(fired.connections > 20 && fired.streamed_bytes > 100_000, "{fired:?}");
    assert!(counts.query.opened > 10 && counts.counter.opened > 10, "{counts:?}");
    assert!(counts.queries.broken > 5 && counts.refusals.bad_streams > 5, "{counts:?}");
    assert!(counts.refusals.bad_datagrams > 100 && counts.bad_requests > 20, "{counts:?}");
    assert!(counts.ledger.ended > 3 && counts.feed.unsent == 0, "{counts:?}");
    agree(&venue, &told);
    let filled = told.iter().filter(|event| event.kind == OrderEventKind::Filled).count();
    assert!(filled > 60, "{filled} fills");
}

/// Many that connect and say nothing keep out nobody who means it.
#[test]
fn a_crowd_of_connections_keeps_nobody_out() {
    let venue = open(settings(14, None));
    let mut trader = Trader::log_on(&venue, 0);
    let mut reader = Reader::log_in(&venue);
    let addresses = venue.addresses().clone();
    let mut crowd = Vec::new();
    for _ in 0..150 {
        for address in [addresses.query, addresses.counter] {
            crowd.extend(std::net::TcpStream::connect_timeout(&address, PATIENCE));
        }
    }
    assert_eq!(crowd.len(), 300);
    let price_e9 = best(&venue, 0, Side::Sell);
    let told = trader.trade(0, Side::Buy, PositionEffect::Open, price_e9, 1);
    agree(&venue, &told);
    assert_eq!(reader.snapshot().instruments.len(), 4);
    assert_eq!(Reader::log_in(&venue).snapshot().instruments.len(), 4);
    let counts = venue.counts().unwrap();
    println!("{counts:?}");
    assert!(counts.query.displaced > 80 && counts.counter.displaced > 80, "{counts:?}");
    assert_eq!(counts.query.refused + counts.counter.refused, 0);
}

/// How orders of the tests live.
const AT_ONCE: TimeInForce = TimeInForce::FillAndKill;

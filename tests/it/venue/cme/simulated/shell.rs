//! The venue over real sockets: trading, its feed on both lines, what survives a kill, and garbage.

pub mod client;
mod feed;
mod garbage;
mod outage;
mod tshark;

use super::orders::with_session;
use super::settings as sans_io;
use crate::journal::scratch::Scratch;
use client::{Client, credentials};
use cross_market_connect::port::udp::Reach;
use cross_market_connect::sim::exchange::ListingIndex;
use cross_market_connect::venue::cme::ilink3::signature::SecretKey;
use cross_market_connect::venue::cme::simulated::shell::{
    self, Addresses, Running, SIMULATED_KEY, Settings,
};
use cross_market_connect::venue::ledger::LedgerClient;
use cross_market_connect::venue::shell::VenueClock;
use std::path::Path;
use std::time::{Duration, Instant};
use xmc_hotpath::message::{AccountId, OrderEventKind, Side};

const PATIENCE: Duration = Duration::from_secs(20);
const ACCOUNT: AccountId = AccountId(77);

/// A venue whose time began this hour, on ports that are free.
fn settings(seed: u64, store: Option<&Path>) -> Settings {
    let mut venue = with_session(sans_io(seed));
    venue.channel.utc_origin = VenueClock::hour();
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

/// The best price of the crowd, when there is one.
fn best(venue: &Running, index: u16, side: Side) -> i64 {
    eventually("a quote of the crowd", || {
        venue
            .with(move |shell, _| shell.exchange().engine(ListingIndex(index))?.best(side))
            .expect("it runs")
    })
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

fn ledger(venue: &Running) -> LedgerClient {
    LedgerClient::connect(venue.addresses().ledger, PATIENCE).expect("it listens")
}

#[test]
fn the_simulated_key_is_one() {
    SecretKey::from_base64url(SIMULATED_KEY).expect("it is base64url");
}

#[test]
fn an_order_over_tcp_is_filled_and_the_ledger_agrees() {
    let venue = open(settings(11, None));
    let mut client = Client::log_on(&venue, credentials(), 5);
    let mut filled = Vec::new();
    for round in 0..20 {
        let side = if round % 3 == 0 { Side::Sell } else { Side::Buy };
        let price_e9 = best(&venue, 0, side.opposite());
        filled.extend(client.trade(5_001, side, price_e9, 2));
    }
    assert!(filled.len() > 5, "{} fills", filled.len());
    let net: i64 = filled
        .iter()
        .map(|event| match event.side {
            Side::Buy => i64::from(event.qty_lots),
            Side::Sell => -i64::from(event.qty_lots),
        })
        .sum();
    let mut ledger = ledger(&venue);
    let positions = ledger.positions(ACCOUNT).unwrap();
    assert_eq!(positions.len(), 1);
    assert_eq!((&*positions[0].symbol, positions[0].net_lots), ("HGU6", net));
    let rows = ledger.fills(ACCOUNT, 0).unwrap();
    let told: Vec<_> = filled
        .iter()
        .map(|event| (event.order_id.0, event.venue_order_id, event.price_e9, event.qty_lots))
        .collect();
    let booked: Vec<_> =
        rows.iter().map(|row| (row.client_id, row.order_no, row.price_e9, row.lots)).collect();
    assert_eq!(told, booked);
    assert_eq!(ledger.orders(ACCOUNT).unwrap(), []);
    let counts = venue.counts().unwrap();
    assert_eq!(counts.fills, u64::try_from(rows.len()).unwrap());
    assert_eq!((counts.gateway.established, counts.gateway.broken), (1, 0));
    println!("{counts:?}");
    // Told to stop, it says so to its clients.
    let left = venue.stop().unwrap();
    assert_eq!(left.exchange().accounts().holding(ACCOUNT, ListingIndex(0)).net_lots(), net);
    client.is_ended();
}

/// A kill after each few trades: what was told is booked, what is new has new numbers.
#[test]
fn what_was_told_survives_kills() {
    let scratch = Scratch::new("venue");
    let path = scratch.path("fills.jsonl");
    let first = settings(12, Some(&path));
    let mut venue = open(first.clone());
    let again = Settings { addresses: venue.addresses().clone(), ..first };
    let (mut told, mut order_nos, mut last_seq_no) = (Vec::new(), Vec::new(), 0);
    for round in 0..4_u64 {
        let counts = venue.counts().unwrap();
        assert!(counts.last_seq_no > last_seq_no, "numbers of the feed go on");
        let mut client = Client::log_on(&venue, credentials(), 5 + round);
        // An order that rests, and is gone with the venue that took it.
        let bid = best(&venue, 0, Side::Buy);
        let resting = client.rest(5_001, Side::Buy, bid - 40 * 500_000, 1);
        assert!(!order_nos.contains(&resting.venue_order_id), "numbers of orders go on");
        assert_eq!(ledger(&venue).orders(ACCOUNT).unwrap().len(), 1);
        for _ in 0..3 {
            let price_e9 = best(&venue, 0, Side::Sell);
            told.extend(client.trade(5_001, Side::Buy, price_e9, 1));
        }
        // The last number is one that no fill remembers.
        let last = client.rest(5_001, Side::Buy, bid - 41 * 500_000, 1);
        assert!(!order_nos.contains(&last.venue_order_id), "numbers of orders go on");
        order_nos.extend(told.iter().map(|event| event.venue_order_id));
        order_nos.extend([resting.venue_order_id, last.venue_order_id]);
        last_seq_no = venue.counts().unwrap().last_seq_no;
        venue.kill().unwrap();
        client.is_ended();
        venue = open(again.clone());
        assert_eq!(*venue.addresses(), again.addresses);
        // The crowd's orders have numbers beyond them as well.
        let first_no = venue.with(|shell, _| shell.exchange().rules().first_number).unwrap();
        assert!(order_nos.iter().all(|order_no| *order_no < first_no), "{first_no}");
        let mut ledger = ledger(&venue);
        let rows = ledger.fills(ACCOUNT, 0).unwrap();
        let booked: Vec<_> = rows.iter().map(|row| (row.client_id, row.price_e9)).collect();
        let expected: Vec<_> =
            told.iter().map(|event| (event.order_id.0, event.price_e9)).collect();
        assert_eq!(booked, expected);
        assert!(rows.windows(2).all(|pair| pair[0].fill_no < pair[1].fill_no));
        assert_eq!(ledger.orders(ACCOUNT).unwrap(), []);
        // A session of before the kill is not known: it must be negotiated anew.
        Client::refused(&venue, credentials(), 5 + round);
    }
    assert!(told.len() > 4, "{} fills", told.len());
    assert!(told.iter().all(|event| event.kind == OrderEventKind::Filled));
    // Two venues do not share a file.
    let second = shell::open(Settings { addresses: Addresses::on_loopback(), ..again });
    assert!(second.is_err());
}

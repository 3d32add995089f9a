//! The venue under fire: garbage at every port, connections without end, clients that never read.

use super::client::{Client, credentials};
use super::{ACCOUNT, PATIENCE, best, eventually, ledger, open, settings};
use crate::garbage::{Barrage, Garbage, Target};
use crate::venue::cme::ilink3::golden;
use cross_market_connect::venue::cme::simulated::Group;
use std::io::Write;
use std::net::TcpStream;
use xmc_hotpath::message::Side;

/// Half random, half damaged messages of the protocol, at a rate: counters move, trading goes on,
/// and the ledger has nothing but what the client was told.
#[test]
fn garbage_at_every_port_moves_counters_and_nothing_else() {
    let venue = open(settings(21, None));
    let mut client = Client::log_on(&venue, credentials(), 5);
    let addresses = venue.addresses().clone();
    let groups = Group::ALL
        .map(|group| Target::Multicast(addresses.group(group), addresses.interface.clone()));
    // The ports of the groups as well: nobody listens there.
    let datagrams = Group::ALL.map(|group| {
        Target::Udp((std::net::Ipv4Addr::LOCALHOST, addresses.group(group).port()).into())
    });
    let streams = (0..6).flat_map(|_| [addresses.orders, addresses.ledger].map(Target::Tcp));
    let targets: Vec<_> = groups.into_iter().chain(datagrams).chain(streams).collect();
    let mut samples: Vec<_> =
        golden::load().unwrap_or_default().into_iter().map(|sample| sample.bytes).collect();
    samples.push(b"positions 77\n".to_vec());
    samples.push(b"fills 77 0\n".to_vec());
    let barrage = Barrage::start(Garbage::new(3).near(samples), &targets, 4_000);
    let mut told = Vec::new();
    for round in 0..120 {
        let side = if round % 2 == 0 { Side::Sell } else { Side::Buy };
        let price_e9 = best(&venue, 0, side.opposite());
        told.extend(client.trade(5_001, side, price_e9, 1));
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let fired = barrage.stop();
    let counts = venue.counts().expect("it runs");
    println!("{fired:?}\n{counts:?}");
    assert!(fired.connections > 20 && fired.streamed_bytes > 100_000, "{fired:?}");
    assert!(counts.orders.opened > 10 && counts.orders.received_bytes > 50_000, "{counts:?}");
    assert!(counts.gateway.broken > 10 && counts.ledger.ended > 3, "{counts:?}");
    assert_eq!((counts.gateway.established, counts.feed.unsent), (1, 0));
    let rows = ledger(&venue).fills(ACCOUNT, 0).expect("it answers");
    let booked: Vec<_> = rows.iter().map(|row| (row.client_id, row.price_e9, row.lots)).collect();
    let expected: Vec<_> =
        told.iter().map(|fill| (fill.order_id.0, fill.price_e9, fill.qty_lots)).collect();
    assert_eq!(booked, expected);
    assert!(told.len() > 60, "{} fills", told.len());
}

/// Hundreds of connections that say nothing, and some that ask without reading: those who mean it
/// are served all the same.
#[test]
fn a_crowd_of_connections_keeps_nobody_out() {
    let venue = open(settings(22, None));
    let mut client = Client::log_on(&venue, credentials(), 5);
    let price_e9 = best(&venue, 0, Side::Sell);
    client.trade(5_001, Side::Buy, price_e9, 1);
    let addresses = venue.addresses().clone();
    let (mut crowd, mut asker) = (Vec::new(), ledger(&venue));
    for _ in 0..150 {
        for address in [addresses.orders, addresses.ledger] {
            crowd.extend(TcpStream::connect_timeout(&address, PATIENCE));
        }
        // Whoever asks now and then is not the one that has been silent for longest.
        assert_eq!(asker.positions(ACCOUNT).expect("it answers").len(), 1);
    }
    let counts = eventually("all of the crowd", || {
        venue.counts().filter(|counts| counts.orders.opened >= 151 && counts.ledger.opened >= 151)
    });
    println!("{counts:?}");
    assert!(counts.orders.displaced > 80 && counts.ledger.displaced > 100, "{counts:?}");
    assert_eq!(counts.orders.refused, 0);
    let mut deaf = TcpStream::connect(addresses.ledger).expect("it listens");
    deaf.set_nonblocking(true).expect("an option");
    for _ in 0..2_000 {
        // When it is not read either, it has had enough.
        let _ = deaf.write(&b"fills 77 0\npositions 77\n".repeat(40));
    }
    let price_e9 = best(&venue, 0, Side::Sell);
    client.trade(5_001, Side::Buy, price_e9, 1);
    assert!(ledger(&venue).positions(ACCOUNT).expect("it answers")[0].net_lots > 0);
    // The client goes and comes back through the crowd.
    drop(client);
    let mut again = Client::log_on(&venue, credentials(), 6);
    let price_e9 = best(&venue, 0, Side::Sell);
    again.trade(5_001, Side::Buy, price_e9, 1);
    assert_eq!(crowd.len(), 300);
}

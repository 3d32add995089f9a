//! A long day at the simulated counter: it forgets nothing, and keeps little of it in memory.

use super::rig::{Rig, cancel, id, identity, new};
use super::venue::{MIDDLE_E9, TRADER, Venue, credentials, socket};
use cross_market_connect::sim::shelf::NEWEST;
use cross_market_connect::venue::esunny::dstar::logon::Credentials;
use cross_market_connect::venue::esunny::dstar::reply::Numbered;
use xmc_hotpath::message::{OrderCommand, OrderEventKind, Side, TimeInForce};
use xmc_hotpath::venue::esunny::dstar::encode::Account;
use xmc_hotpath::venue::esunny::dstar::layout::{Generation, Reference, ReqIdMode, V2, V3};
use xmc_hotpath::venue::esunny::dstar::session::Identity;
use xmc_hotpath::venue::esunny::dstar::simulated_counter::{self, Kind};

/// Orders of the day; the first few and every tenth rest, the others are gone at once.
const ORDERS: u32 = 20_000;

/// Old replies that are handed out at once.
const HELPING: usize = 1_024;

/// An order that nobody trades with.
fn order(turn: u32) -> OrderCommand {
    let rests = turn <= 3 || turn.is_multiple_of(1_000);
    let time_in_force = if rests { TimeInForce::Day } else { TimeInForce::FillAndKill };
    let price_e9 = MIDDLE_E9 - i64::from(turn % 50) * 10_000_000_000;
    OrderCommand { side: Side::Buy, price_e9, time_in_force, ..new(id(turn, turn % 64), 1) }
}

/// Messages of a stream, one by one.
fn messages(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    while let Ok(Some((_, rest))) = simulated_counter::frame(bytes) {
        all.push(bytes[..bytes.len() - rest.len()].to_vec());
        bytes = rest;
    }
    assert!(bytes.is_empty(), "all of it is whole");
    all
}

fn lasts<G: Generation<Reference: Numbered>>() {
    let (mut venue, from) = (Venue::open(), socket(7_000));
    let mode = ReqIdMode::Unchecked;
    let (link, granted, behind) = venue.log_on::<G>(&credentials(), from, mode);
    let rig = || {
        let account = Account { close_today: Some(b'J'), ..granted.account };
        let identity = Identity { account, ..identity(mode) };
        let mut rig = Rig::<G>::new(identity).expect("is sane");
        rig.read(&behind).expect("the socket is known");
        rig
    };
    let (mut first, mut now) = (rig(), rig());
    let mut told = Vec::new();
    for turn in 1..=ORDERS {
        let datagram = now.send(&order(turn)).expect("has a message");
        venue.counter.on_datagram(from, &datagram);
        venue.settle();
        let said = venue.counter.take_replies(link).expect("goes on");
        if turn == 4 {
            first.send(&order(turn)).expect("has a message");
            first.read(&said).expect("is framed");
        }
        now.read(&said).expect("is framed");
        told.extend(messages(&said));
        venue.events.clear();
    }
    assert!(told.len() > 2 * ORDERS as usize, "{} replies", told.len());
    let live = venue.exchange.orders_of(TRADER).count();
    let rows = venue.counter.rows_in_memory();
    assert!(rows <= 2 * NEWEST + live, "{rows} rows with {live} live orders");

    // Every order stays known: by its number, and to a cancellation that comes late.
    for order_id in 1..=u64::from(ORDERS) {
        let turn = u32::try_from(order_id).unwrap();
        let sent = order(turn).order_id;
        let run = u32::try_from(sent.0 >> 32).expect("its upper half");
        let reference = G::Reference::of_order(sent, run).expect("is ours");
        let known = venue.counter.reference(TRADER, order_id);
        assert_eq!(known, Some(reference.number()), "order {order_id}");
    }
    let late = first.send(&cancel(order(4).order_id)).expect("has a message");
    venue.counter.on_datagram(from, &late);
    let said = venue.counter.take_replies(link).expect("goes on");
    told.extend(messages(&said));
    let news = first.events(&said);
    assert_eq!((news[0].kind, news[0].order_id), (OrderEventKind::Cancelled, order(4).order_id));

    // Whoever logs on again is told what it has not seen, whole, in helpings.
    for seen in [0, 1, NEWEST, told.len() / 2, told.len() - 3, told.len()] {
        let replies_seen = u32::try_from(seen).unwrap();
        let who = Credentials { replies_seen, ..credentials() };
        let (link, _, behind) = venue.log_on::<G>(&who, from, mode);
        let mut again = messages(&behind);
        assert!(again.len() <= 2 * HELPING + 1, "two helpings, and what waits behind the last");
        while venue.counter.is_behind(link) {
            let helping = messages(&venue.counter.take_replies(link).expect("goes on"));
            assert!(helping.len() <= HELPING + 1);
            again.extend(helping);
        }
        let last = again.pop().expect("its socket is known");
        let (frame, _) = simulated_counter::frame(&last).expect("reads").expect("is whole");
        assert_eq!(Kind::from_wire(frame.kind), Some(Kind::UdpAuth), "behind all that was before");
        assert!(again == told[seen..], "from {seen} on");
    }
}

#[test]
fn a_long_day_is_remembered_in_little_memory_in_v3() {
    lasts::<V3>();
}

#[test]
fn a_long_day_is_remembered_in_little_memory_in_v2() {
    lasts::<V2>();
}

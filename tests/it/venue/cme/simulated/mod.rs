//! The simulated CME: its feed against its own books, its sessions against the engine's gateway.

mod again;
mod market;
pub mod orders;
mod schedules;
pub mod shell;
mod wire;

use crate::feed::kit::{Bench, CHANNEL, Setup, shot};
use cross_market_connect::sim::exchange::{self, ListingIndex, Shown};
use cross_market_connect::venue::cme::simulated::{
    ChannelSettings, Contract, Datagram, Group, Settings, Venue,
};
use std::collections::BTreeMap;
use xmc_hotpath::message::ChannelState;
use xmc_hotpath::time::{MonoNs, UnixNs};

/// A millisecond.
pub const MS: u64 = 1_000_000;

/// 2026-01-05T00:00:00Z.
pub const ORIGIN: UnixNs = UnixNs(1_767_571_200_000_000_000);

/// The whole market with its crowd.
pub fn settings(seed: u64) -> Settings {
    let contracts = Contract::cme((2026, 9));
    Settings {
        exchange: exchange::Settings::cme(42, "U6"),
        seed,
        channel: ChannelSettings { channel: CHANNEL, ..ChannelSettings::new(contracts, ORIGIN) },
        sessions: Vec::new(),
    }
}

/// A bench that quotes everything.
pub fn setup(settings: &Settings) -> Setup {
    Setup::new(&ids(settings))
}

pub fn ids(settings: &Settings) -> Vec<i32> {
    settings.channel.contracts.iter().map(|contract| contract.security_id).collect()
}

/// Gives what the venue has sent to the bench, and nothing else of it away.
pub fn deliver(venue: &mut Venue, bench: &mut Bench<'_>, at: u64) -> Vec<Datagram> {
    let mut sent = Vec::new();
    while let Some(datagram) = venue.take_datagram() {
        if let Group::Incremental(line) = datagram.group {
            bench.send(&shot(line, at, &datagram.bytes));
        }
        sent.push(datagram);
    }
    sent
}

/// Both sides, price, lots and orders, best first.
pub type Sides = [Vec<(i64, u32, u32)>; 2];

pub fn published(venue: &Venue, index: usize) -> Sides {
    let listing = ListingIndex(u16::try_from(index).expect("instruments are few"));
    let (shown, _) = venue.exchange().published(listing).expect("it is listed");
    sides(shown)
}

fn sides(shown: &Shown) -> Sides {
    [&shown.bids, &shown.asks]
        .map(|side| side.iter().map(|rung| (rung.price_e9, rung.lots, rung.orders)).collect())
}

/// The engine's own book.
pub fn book(bench: &mut Bench<'_>, security_id: i32) -> Sides {
    let channel = bench.stage.feed_mut().channel_mut();
    let Some(instrument) = channel.instrument(security_id) else {
        return Sides::default();
    };
    [instrument.bids().levels(), instrument.asks().levels()].map(|levels| {
        let there = levels.iter().filter(|level| level.is_present());
        there.map(|level| (level.price_e9, level.lots, level.orders)).collect()
    })
}

/// Fails if the desk would trade on a book that is not the venue's, and says whether it would trade
/// at all. Nothing may be under way.
pub fn check_believed(venue: &Venue, bench: &mut Bench<'_>, ids: &[i32], at: u64) -> bool {
    let truth: Vec<_> = (0..ids.len()).map(|index| published(venue, index)).collect();
    check_books(&truth, bench, ids, at)
}

/// The same of books that were taken from a venue.
pub fn check_books(books: &[Sides], bench: &mut Bench<'_>, ids: &[i32], at: u64) -> bool {
    let usable = bench.seen.believed();
    let newest: BTreeMap<u32, _> =
        bench.seen.quotes.iter().map(|quote| (quote.instrument.0, *quote)).collect();
    for instrument in &usable {
        let index = usize::try_from(instrument.0).expect("instruments are few");
        let truth = &books[index];
        assert_eq!(book(bench, ids[index]), *truth, "book of {} at {at}", ids[index]);
        let quote = &newest[&instrument.0];
        for (depth, truth) in [&quote.bids, &quote.asks].into_iter().zip(truth) {
            let shown: Vec<_> = depth.levels().collect();
            let expected: Vec<_> =
                truth.iter().map(|(price_e9, lots, _)| (*price_e9, *lots)).take(5).collect();
            assert_eq!(shown, expected, "quote of {} at {at}", ids[index]);
        }
    }
    usable.len() == ids.len()
}

pub fn is_usable(bench: &Bench<'_>) -> bool {
    matches!(bench.state(), ChannelState::Live | ChannelState::SingleLine)
}

pub fn moment(at: u64) -> MonoNs {
    MonoNs(at)
}

//! The engine of the demonstration finds the venues of the two samples where they are: groups,
//! ports, names, contracts.

use super::sample;
use cross_market_connect::cli::venue::{cme_settings, shfe_settings};
use cross_market_connect::config::venue::{load_cme, load_shfe};
use cross_market_connect::config::{
    self, Configuration, Endpoint, Feed, FeedProtocol, Gateway, GatewayProtocol, Recovery,
};
use cross_market_connect::sim::exchange::Listing;
use std::net::SocketAddr;
use xmc_hotpath::time::UnixNs;

fn engine() -> Configuration {
    config::load(&sample("demo.toml")).unwrap_or_else(|invalid| panic!("{invalid}"))
}

fn feed(config: &Configuration, protocol: FeedProtocol) -> &Feed {
    let mut feeds = config.feeds.iter();
    feeds.find(|feed| feed.protocol == protocol).expect("it is there")
}

fn gateway(config: &Configuration, protocol: GatewayProtocol) -> &Gateway {
    let mut gateways = config.gateways.iter();
    gateways.find(|gateway| gateway.protocol == protocol).expect("it is there")
}

/// What the engine trades over this feed is what the venue lists, with its tick and multiplier.
fn same_contracts(config: &Configuration, feed: &Feed, listings: &[Listing]) {
    let name = &feed.name.value;
    let ours: Vec<_> = config
        .instruments
        .iter()
        .filter(|one| config.feeds[one.feed].name.value == *name)
        .map(|one| (one.symbol.clone(), one.tick_e9, one.multiplier_e9))
        .collect();
    let theirs: Vec<_> = listings
        .iter()
        .map(|one| (one.symbol.clone(), one.tick_e9, one.multiplier * 1_000_000_000))
        .collect();
    assert_eq!(ours, theirs);
}

#[test]
fn the_engine_finds_the_simulated_shfe() {
    let config = engine();
    let venue = load_shfe(&sample("venue_shfe.toml")).unwrap_or_else(|invalid| panic!("{invalid}"));
    let feed = feed(&config, FeedProtocol::ShfeSmdp);
    let lines = [feed.line_a.group, feed.line_b.group];
    assert_eq!(venue.addresses.topics, [(venue.topic, lines)]);
    let Recovery::Query(query) = &feed.recovery else { panic!("{:?}", feed.recovery) };
    assert_eq!((query.topic, query.address.into()), (venue.topic, venue.addresses.query));
    assert!(venue.readers.is_empty(), "anybody may ask, and the engine says no name");
    let gateway = gateway(&config, GatewayProtocol::EsunnyDstar);
    let Some(Endpoint::Pair { requests, answers }) = gateway.endpoint else { panic!("a pair") };
    let theirs = [venue.addresses.requests, venue.addresses.counter];
    assert_eq!([requests, answers].map(SocketAddr::from), theirs);
    let counter = gateway.counter.as_ref().expect("an account");
    assert_eq!(counter.account_no, venue.accounts[0].account_no);
    assert_eq!(counter.close_today_code, venue.close_today_code);
    let settings = shfe_settings(&venue, UnixNs(0)).expect("no secret is needed");
    same_contracts(&config, feed, &settings.venue.exchange.listings);
}

#[test]
fn the_engine_finds_the_simulated_cme() {
    let config = engine();
    let venue = load_cme(&sample("venue_cme.toml")).unwrap_or_else(|invalid| panic!("{invalid}"));
    let feed = feed(&config, FeedProtocol::CmeMdp3);
    assert_eq!([feed.line_a.group, feed.line_b.group], venue.addresses.incremental);
    let Recovery::Loops(loops) = &feed.recovery else { panic!("{:?}", feed.recovery) };
    for (ours, theirs) in [
        (&loops.definitions, venue.addresses.definitions),
        (&loops.snapshots, venue.addresses.snapshots),
    ] {
        let groups: Vec<_> = ours.iter().flatten().map(|line| line.group).collect();
        assert_eq!(groups, theirs);
    }
    let gateway = gateway(&config, GatewayProtocol::CmeIlink3);
    let Some(Endpoint::Stream(address)) = gateway.endpoint else { panic!("a stream") };
    assert_eq!(SocketAddr::from(address), venue.addresses.orders);
    let (ours, theirs) = (gateway.session.as_ref().expect("a session"), &venue.sessions[0]);
    let names = |one: [&String; 3]| one.map(String::clone);
    assert_eq!(
        names([&ours.session, &ours.firm, &ours.access_key_id]),
        names([&theirs.session, &theirs.firm, &theirs.access_key_id])
    );
    let settings = cme_settings(&venue, UnixNs(0)).expect("no secret is needed");
    same_contracts(&config, feed, &settings.venue.exchange.listings);
}

/// What things are worth hangs together only in one world.
#[test]
fn both_venues_are_of_one_world_and_one_month() {
    let shfe = load_shfe(&sample("venue_shfe.toml")).unwrap_or_else(|invalid| panic!("{invalid}"));
    let cme = load_cme(&sample("venue_cme.toml")).unwrap_or_else(|invalid| panic!("{invalid}"));
    assert_eq!((shfe.world_seed, shfe.maturity), (cme.world_seed, cme.maturity));
    assert_ne!(shfe.seed, cme.seed, "two crowds");
    assert_ne!(shfe.store, cme.store);
}

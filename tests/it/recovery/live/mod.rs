//! Cold starts over real sockets, against the simulated venues as `xmc venue` runs them: feeds with
//! their recovery, gateways with their logon, and what is said when a venue is not as it should be.

mod faulty;
mod logon;
mod outage;
mod rejoin;
mod replay;
pub mod rig;

use cross_market_connect::clock::EngineClock;
use cross_market_connect::config::Configuration;
use cross_market_connect::engine::sockets::{FeedPort, feed_port};
use cross_market_connect::recovery::{self, Start, catch_up};
use cross_market_connect::sim::exchange::Phase;
use cross_market_connect::venue::cme::simulated::shell::Running;
use rig::{
    CME, Events, PATIENCE, Parts, SHFE, Sides, as_published, engine, feed_of, find_cme, find_shfe,
    follow, open_cme, open_shfe, past_kernel, published, requests_past_kernel, settle, v4,
};
use std::time::Duration;
use xmc_hotpath::feed::{FeedStage, Protocol};
use xmc_hotpath::message::ChannelState;
use xmc_hotpath::time::Clock;
use xmc_hotpath::venue::cme::mdp3::feed::Mdp3;
use xmc_hotpath::venue::shfe::smdp::feed::Smdp;

/// Follows a market that was joined while it runs, halts it, and compares the books.
fn check<'m, V: Protocol>(
    config: &Configuration,
    stage: &mut FeedStage<'m, FeedPort<EngineClock>, EngineClock, V>,
    halt: impl Fn(),
    truth: impl Fn() -> Vec<(String, Sides)>,
) {
    assert!(catch_up(stage, PATIENCE), "the kernel kept a finite number of packets");
    follow(stage, Duration::from_millis(1_500));
    assert!(stage.feed().channel().state().is_usable(), "{:?}", stage.feed().channel().state());
    halt();
    settle(&mut Events(stage));
    let books = as_published(config, stage.feed().channel(), truth());
    assert!(books.iter().all(|(_, [bids, asks])| !bids.is_empty() && !asks.is_empty()));
}

#[test]
fn a_running_cme_is_joined_over_real_sockets() {
    let venue = open_cme();
    let mut config = engine();
    find_cme(&mut config, venue.addresses());
    // Room for a third of a second: the hot sockets lose what comes before the books are known.
    config.feeds[CME].receive_buffer_bytes = 1 << 17;
    cme_is_joined(&venue, &config);
}

/// The books are learnt from the groups before their frames are taken away from the kernel.
#[test]
fn a_running_cme_is_joined_past_the_kernel() {
    past_kernel(|venue, config| {
        let (by_socket, taken) = cme_is_joined(venue, config);
        assert!(taken > 100 && by_socket < taken / 4, "{by_socket} by socket of {taken}");
    });
}

/// Joins, follows and compares; says how many datagrams came by ordinary sockets after the others
/// were taken past the kernel, and how many were applied.
fn cme_is_joined(venue: &Running, config: &Configuration) -> (u64, u64) {
    std::thread::sleep(Duration::from_millis(700));
    let clock = EngineClock::start();
    let mut port = feed_port(&config.feeds[CME], clock.clone()).expect("loopback takes joins");
    std::thread::sleep(Duration::from_millis(1_000));
    let start = recovery::find_for(config, CME, &mut port, PATIENCE);
    let start = start.unwrap_or_else(|error| panic!("{error}"));
    port.attach(&config.feeds[CME]).unwrap_or_else(|error| panic!("{error}"));
    let past_kernel = match &port {
        FeedPort::Socket(_) => None,
        FeedPort::Xdp(port) => Some(port.counters()),
    };
    let Start::Mdp3(start) = start else { panic!("it is MDP 3.0") };
    println!("begins after {:?}, covered {:?}", start.last(), start.covered());
    let Parts { mut memory, counters, .. } = Parts::new(config);
    let mut feed = feed_of(Mdp3::new(None), &mut memory, &counters);
    start.seed(&mut feed, clock.now()).expect("it fits");
    assert_eq!(feed.channel().state(), ChannelState::Live);
    let mut stage = FeedStage::new(port, clock, feed, 16);
    let halt = || venue.set_phase(None, Phase::Halted);
    let truth = || venue.with(|shell, _| published(shell.exchange())).expect("it runs");
    check(config, &mut stage, halt, truth);
    assert_eq!(counters.gaps.get() + counters.divergent.get() + counters.sequence_breaks.get(), 0);
    let by_socket = past_kernel.map_or(0, |counters| counters.by_socket.get());
    (by_socket, counters.applied.get())
}

#[test]
fn a_running_shfe_is_joined_over_real_sockets() {
    let venue = open_shfe();
    let mut config = engine();
    find_shfe(&mut config, venue.addresses());
    std::thread::sleep(Duration::from_millis(1_200));
    let clock = EngineClock::start();
    let mut port = feed_port(&config.feeds[SHFE], clock.clone()).expect("loopback takes joins");
    std::thread::sleep(Duration::from_millis(1_000));
    let start = recovery::find_for(&config, SHFE, &mut port, PATIENCE);
    let start = start.unwrap_or_else(|error| panic!("{error}"));
    let Start::Smdp(start) = start else { panic!("it is SMDP") };
    println!("packet {}, {} missed", start.snapshot().packet_no, start.missed_count());
    let Parts { mut memory, mut codecs, counters } = Parts::new(&config);
    let mut feed = feed_of(Smdp::new(1_001, &mut codecs), &mut memory, &counters);
    start.seed(&mut feed, clock.now()).expect("it fits");
    assert_eq!(feed.channel().state(), ChannelState::Live);
    let mut stage = FeedStage::new(port, clock, feed, 16);
    let halt = || venue.set_phase(None, Phase::Halted);
    let truth = || venue.with(|shell, _| published(shell.exchange())).expect("it runs");
    check(&config, &mut stage, halt, truth);
    assert_eq!(counters.gaps.get() + counters.divergent.get(), 0);
}

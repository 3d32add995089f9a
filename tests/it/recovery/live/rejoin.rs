//! Gaps on both lines of a running feed, over real sockets: how long until its books are live.

use super::rig::{
    CHANNEL, CME, Deaf, Events, INSTRUMENTS, LIMITS, PATIENCE, Parts, SHFE, Sides, TAIL,
    as_published, beside, engine, find_cme, find_shfe, follow, open_cme, open_shfe, past_kernel,
    published, recoverable, settle,
};
use cross_market_connect::clock::EngineClock;
use cross_market_connect::config::{Configuration, Recovery};
use cross_market_connect::engine::sockets::feed_port;
use cross_market_connect::recovery::replica::mdp3::Mdp3Replica;
use cross_market_connect::recovery::replica::smdp::SmdpReplica;
use cross_market_connect::recovery::replica::sockets::Served;
use cross_market_connect::recovery::replica::{
    MirrorEnds, Replica, ReplicaCounters, ReplicaMemory, handover_ring,
};
use cross_market_connect::recovery::{smdp, wanted};
use cross_market_connect::sim::exchange::Phase;
use cross_market_connect::venue::cme::simulated::LineFaults;
use cross_market_connect::venue::cme::simulated::shell::Running;
use std::cell::Cell;
use std::time::{Duration, Instant};
use xmc_hotpath::feed::{FeedStage, Held, Protocol};
use xmc_hotpath::message::ChannelState;
use xmc_hotpath::port::{Line, RxPort};
use xmc_hotpath::stage::{Stage, Work};
use xmc_hotpath::venue::cme::mdp3::feed::Mdp3;
use xmc_hotpath::venue::shfe::smdp::feed::Smdp;

pub type HotStage<'m, 's, V> = FeedStage<'m, Deaf<'s>, EngineClock, V>;

pub fn until<V: Protocol>(
    stage: &mut HotStage<'_, '_, V>,
    is_there: impl Fn(ChannelState) -> bool,
) {
    let since = Instant::now();
    while !is_there(stage.feed().channel().state()) {
        if stage.poll() == Work::Idle {
            std::thread::yield_now();
        }
        assert!(since.elapsed() < PATIENCE, "{:?}", stage.feed().channel().state());
    }
}

/// From the moment in which a loss is known to live books, `turns` times: printed, since a test
/// does not know what else the machine does.
pub fn heal<V: Protocol>(
    what: &str,
    stage: &mut HotStage<'_, '_, V>,
    turns: u32,
    lose: impl Fn(&mut HotStage<'_, '_, V>),
) {
    let mut took = Vec::new();
    for _ in 0..turns {
        follow(stage, Duration::from_millis(150));
        let gaps = stage.feed().channel().counters().gaps.get();
        lose(stage);
        until(stage, |state| !state.is_usable());
        let since = Instant::now();
        until(stage, ChannelState::is_usable);
        took.push(since.elapsed());
        assert!(stage.feed().channel().counters().gaps.get() > gaps);
    }
    took.sort();
    let at = |per_cent: usize| took[(took.len() - 1) * per_cent / 100];
    println!("{what}: p50 {:?}, max {:?} of {turns}", at(50), at(100));
}

/// Compares the books of a market that was halted with the venue's own.
pub fn compare<P: RxPort, V: Protocol>(
    config: &Configuration,
    stage: &mut FeedStage<'_, P, EngineClock, V>,
    truth: impl Fn() -> Vec<(String, Sides)>,
) {
    settle(&mut Events(stage));
    let state = stage.feed().channel().state();
    assert!(state.is_usable(), "{state:?}");
    as_published(config, stage.feed().channel(), truth());
}

pub const CUT: LineFaults = LineFaults::CUT;

#[test]
fn a_cme_channel_that_loses_packets_is_live_again() {
    let venue = open_cme();
    let mut config = engine();
    find_cme(&mut config, venue.addresses());
    cme_is_live_again(&venue, &config);
}

/// Past the kernel the replica has no sockets that hear the lines: what it hands over it knows from
/// the port's copies.
#[test]
fn a_cme_channel_past_the_kernel_that_loses_packets_is_live_again() {
    past_kernel(cme_is_live_again);
}

fn cme_is_live_again(venue: &Running, config: &Configuration) {
    let clock = EngineClock::start();
    let mut port = feed_port(&config.feeds[CME], clock.clone()).expect("the groups are joined");
    port.attach(&config.feeds[CME]).unwrap_or_else(|error| panic!("{error}"));
    let copies = port.take_copies();
    let Parts { mut memory, counters, .. } = Parts::new(config);
    let mut tail = vec![Held::FREE; TAIL];
    let (handed, taken) = handover_ring();
    let feed = recoverable(Mdp3::new(None), (&mut memory, &counters), taken, &mut tail);
    let (is_deaf, dropped) = (Cell::new(false), Cell::new(0));
    let deaf = Deaf { port, is_deaf: &is_deaf, dropped: &dropped };
    let mut stage = FeedStage::new(deaf, clock.clone(), feed, 16);

    let cold = ReplicaCounters::default();
    let mut memory = ReplicaMemory::new(INSTRUMENTS, config.instruments.len(), 64);
    let ends = MirrorEnds { handed, request: &counters.request };
    let wanted = wanted(config, CME);
    let replica =
        Mdp3Replica::new(Mdp3::new(None), CHANNEL, LIMITS, wanted, &mut memory, ends, &cold);
    let replica: Box<dyn Replica + Send> = Box::new(replica.expect("it is sized"));
    let served = Served::new(&config.feeds[CME], replica).with_copies(copies);
    beside(served, &clock, || {
        let since = Instant::now();
        until(&mut stage, ChannelState::is_usable);
        println!("joined late in {:?}", since.elapsed());
        heal("lost on the way to the hot side", &mut stage, 20, |stage| {
            is_deaf.set(true);
            let before = dropped.get();
            // Ten milliseconds of this market may be without a packet.
            while dropped.get() < before + 8 {
                follow(stage, Duration::from_millis(10));
            }
            is_deaf.set(false);
        });
        let cut = |stage: &mut HotStage<'_, '_, Mdp3>| {
            Line::BOTH.iter().for_each(|line| venue.set_faults(*line, CUT));
            follow(stage, Duration::from_millis(10));
            Line::BOTH.iter().for_each(|line| venue.set_faults(*line, LineFaults::default()));
        };
        let loops = venue.with(|shell, _| shell.venue().snapshot_period()).expect("it runs");
        println!("a loop of snapshots each {} ms", loops.0 / 1_000_000);
        heal("lost by everybody, from the loop", &mut stage, 5, cut);
        venue.set_phase(None, Phase::Halted);
        let truth = || venue.with(|shell, _| published(shell.exchange())).expect("it runs");
        compare(config, &mut stage, truth);
    });
    println!(
        "asked {}, rejoined {}, refused {}, replayed {}, loops used {}",
        counters.asked.get(),
        counters.rejoined.get(),
        counters.refused_handovers.get(),
        counters.replayed.get(),
        cold.recovered.get()
    );
}

#[test]
fn an_shfe_topic_that_loses_packets_is_live_again() {
    let venue = open_shfe();
    let mut config = engine();
    find_shfe(&mut config, venue.addresses());
    let clock = EngineClock::start();
    let port = feed_port(&config.feeds[SHFE], clock.clone()).expect("loopback takes joins");
    let Parts { mut memory, mut codecs, counters } = Parts::new(&config);
    let mut tail = vec![Held::FREE; TAIL];
    let (handed, taken) = handover_ring();
    let protocol = Smdp::new(1_001, &mut codecs);
    let feed = recoverable(protocol, (&mut memory, &counters), taken, &mut tail);
    let (is_deaf, dropped) = (Cell::new(false), Cell::new(0));
    let deaf = Deaf { port, is_deaf: &is_deaf, dropped: &dropped };
    let mut stage = FeedStage::new(deaf, clock.clone(), feed, 16);

    let cold = ReplicaCounters::default();
    let mut memory = ReplicaMemory::new(INSTRUMENTS, config.instruments.len(), 1_024);
    let ends = MirrorEnds { handed, request: &counters.request };
    let Recovery::Query(query) = &config.feeds[SHFE].recovery else { panic!("SMDP is asked") };
    let login = smdp::login(&config.feeds[SHFE], query).expect("the sample has no secrets");
    let wanted = wanted(&config, SHFE);
    let asks = (query.topic, login);
    let replica = SmdpReplica::new(asks, CHANNEL, LIMITS, wanted, &mut memory, ends, &cold);
    let replica: Box<dyn Replica + Send> = Box::new(replica.expect("it is sized"));
    beside(Served::new(&config.feeds[SHFE], replica), &clock, || {
        let since = Instant::now();
        until(&mut stage, ChannelState::is_usable);
        println!("joined late in {:?}", since.elapsed());
        // A slice each half second: less time would hold none.
        let slice = Duration::from_millis(600);
        heal("lost on the way to the hot side", &mut stage, 4, |stage| {
            is_deaf.set(true);
            follow(stage, slice);
            is_deaf.set(false);
        });
        heal("lost by everybody, asked for", &mut stage, 4, |stage| {
            Line::BOTH.iter().for_each(|line| venue.set_faults(*line, CUT));
            follow(stage, slice);
            Line::BOTH.iter().for_each(|line| venue.set_faults(*line, LineFaults::default()));
        });
        venue.set_phase(None, Phase::Halted);
        let truth = || venue.with(|shell, _| published(shell.exchange())).expect("it runs");
        compare(&config, &mut stage, truth);
    });
    println!(
        "asked {}, rejoined {}, refused {}, replayed {}, recovered {}, failed {}",
        counters.asked.get(),
        counters.rejoined.get(),
        counters.refused_handovers.get(),
        counters.replayed.get(),
        cold.recovered.get(),
        cold.failed.get()
    );
}

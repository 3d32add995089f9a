//! Packets that everybody lost, from the TCP replay over a real connection (M6), and from the loop
//! of snapshots where the replay does not answer.

use super::rejoin::{CUT, HotStage, compare, heal, until};
use super::rig::{CHANNEL, Deaf, INSTRUMENTS, LIMITS, TAIL, beside, recoverable};
use super::{CME, Parts, engine, find_cme, follow, open_cme, published};
use cross_market_connect::clock::EngineClock;
use cross_market_connect::config::{Configuration, Recovery, Replay, SecretSource};
use cross_market_connect::engine::sockets::feed_port;
use cross_market_connect::recovery::replica::mdp3::Mdp3Replica;
use cross_market_connect::recovery::replica::sockets::Served;
use cross_market_connect::recovery::replica::{
    MirrorEnds, Replica, ReplicaCounters, ReplicaMemory, handover_ring,
};
use cross_market_connect::recovery::wanted;
use cross_market_connect::secret::Secret;
use cross_market_connect::sim::exchange::Phase;
use cross_market_connect::venue::cme::mdp3::replay::Login;
use cross_market_connect::venue::cme::simulated::shell::Running;
use cross_market_connect::venue::cme::simulated::{
    LineFaults, ReplayCounts, ReplayRules, ReplayTrouble,
};
use std::cell::Cell;
use std::net::SocketAddr;
use std::time::Duration;
use xmc_hotpath::feed::{FeedStage, Held};
use xmc_hotpath::message::ChannelState;
use xmc_hotpath::port::Line;
use xmc_hotpath::venue::cme::mdp3::feed::Mdp3;

/// The number of the channel in `config/venue_cme.toml`.
const CHANNEL_ID: i16 = 360;

fn find_replay(config: &mut Configuration, venue: &Running) {
    let Recovery::Loops(loops) = &mut config.feeds[CME].recovery else { panic!("it has loops") };
    let Some(SocketAddr::V4(address)) = venue.addresses().replay else { panic!("there is one") };
    let password = SecretSource::Credential("NOBODY_READS_IT".to_owned());
    loops.replay = Some(Replay { address, user: "CME".to_owned(), password });
}

/// A hot feed and a replica that asks a replay as `password`, while `body` runs.
fn joined(
    venue: &Running,
    password: &str,
    body: impl FnOnce(&Configuration, &mut HotStage<'_, '_, Mdp3>, &ReplicaCounters),
) {
    let mut config = engine();
    find_cme(&mut config, venue.addresses());
    find_replay(&mut config, venue);
    let clock = EngineClock::start();
    let port = feed_port(&config.feeds[CME], clock.clone()).expect("loopback takes joins");
    let Parts { mut memory, counters, .. } = Parts::new(&config);
    let mut tail = vec![Held::FREE; TAIL];
    let (handed, taken) = handover_ring();
    let feed = recoverable(Mdp3::new(None), (&mut memory, &counters), taken, &mut tail);
    let (is_deaf, dropped) = (Cell::new(false), Cell::new(0));
    let deaf = Deaf { port, is_deaf: &is_deaf, dropped: &dropped };
    let mut stage = FeedStage::new(deaf, clock.clone(), feed, 16);
    let cold = ReplicaCounters::default();
    let mut memory = ReplicaMemory::new(INSTRUMENTS, config.instruments.len(), 4_096);
    let ends = MirrorEnds { handed, request: &counters.request };
    let limits = Mdp3Replica::patient(LIMITS);
    let wanted = wanted(&config, CME);
    let made = Mdp3Replica::new(Mdp3::new(None), CHANNEL, limits, wanted, &mut memory, ends, &cold);
    let login = Login { user: "CME".to_owned(), password: Secret::new(password) };
    let replica = made.expect("it is sized").with_replay(Some((CHANNEL_ID, login)));
    let replica: Box<dyn Replica + Send> = Box::new(replica);
    beside(Served::new(&config.feeds[CME], replica), &clock, || {
        until(&mut stage, ChannelState::is_usable);
        body(&config, &mut stage, &cold);
    });
}

/// Nobody gets what the venue sends for ten milliseconds, and at least four packets of it.
fn cut(venue: &Running, stage: &mut HotStage<'_, '_, Mdp3>) {
    let last = || venue.with(|shell, _| shell.venue().last_seq_no()).expect("it runs");
    Line::BOTH.iter().for_each(|line| venue.set_faults(*line, CUT));
    let before = last();
    while last() < before + 4 {
        follow(stage, Duration::from_millis(10));
    }
    Line::BOTH.iter().for_each(|line| venue.set_faults(*line, LineFaults::default()));
}

fn counts(venue: &Running) -> ReplayCounts {
    venue.with(|shell, _| shell.venue().replay_counts()).expect("it runs")
}

/// M6: logon, request, packets, logout, one request on each connection.
#[test]
fn m06_packets_that_everybody_lost_come_from_the_replay() {
    let venue = open_cme();
    joined(&venue, "CME", |config, stage, cold| {
        let loops = cold.recovered.get();
        heal("lost by everybody, from the replay", stage, 10, |stage| cut(&venue, stage));
        let told = counts(&venue);
        println!("{told:?}, {} gaps filled, {} failed", cold.replayed.get(), cold.failed.get());
        assert!(cold.replayed.get() >= 10 && told.answered == cold.replayed.get());
        assert_eq!((told.connections, told.refused), (told.answered, 0), "one request on each");
        // The replica's own joining may end only now: the hot side has lived by the venue's reset.
        assert!(cold.recovered.get() <= loops.max(1), "a loop was waited for");
        assert_eq!(cold.failed.get(), 0);
        venue.set_phase(None, Phase::Halted);
        let truth = || venue.with(|shell, _| published(shell.exchange())).expect("it runs");
        compare(config, stage, truth);
        assert_eq!(cold.audit.last(), []);
    });
}

/// M6: whatever the replay does not do, the loop does.
#[test]
fn m06_what_the_replay_does_not_bring_comes_from_the_loop() {
    let venue = open_cme();
    let rules = |trouble| ReplayRules { trouble: Some(trouble), ..ReplayRules::default() };
    let mut all: Vec<_> = [
        ReplayTrouble::Refuses("not today".to_owned()),
        ReplayTrouble::Silent,
        ReplayTrouble::HangsUpAfter(2),
        ReplayTrouble::Skips(1),
        ReplayTrouble::Damages(1),
    ]
    .map(rules)
    .into();
    all.push(ReplayRules { most_packets: 1, ..ReplayRules::default() });
    all.push(ReplayRules { reach: xmc_hotpath::time::Span(0), ..ReplayRules::default() });
    joined(&venue, "CME", |config, stage, cold| {
        for rules in all {
            let (failed, loops) = (cold.failed.get(), cold.recovered.get());
            venue.set_replay_rules(rules.clone());
            heal(&format!("{rules:?}"), stage, 1, |stage| cut(&venue, stage));
            assert!(cold.failed.get() > failed, "{rules:?}");
            assert!(cold.recovered.get() > loops, "{rules:?}");
        }
        assert_eq!(cold.replayed.get(), 0);
        venue.set_phase(None, Phase::Halted);
        let truth = || venue.with(|shell, _| published(shell.exchange())).expect("it runs");
        compare(config, stage, truth);
    });
}

/// M6: a logon that is refused is a request that failed.
#[test]
fn m06_a_refused_logon_leaves_it_to_the_loop() {
    let venue = open_cme();
    joined(&venue, "wrong", |_, stage, cold| {
        heal("logon refused", stage, 2, |stage| cut(&venue, stage));
        assert!(cold.failed.get() >= 2 && counts(&venue).refused >= 2);
        assert_eq!((cold.replayed.get(), counts(&venue).answered), (0, 0));
    });
}

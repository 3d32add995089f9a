//! An interface that goes and comes back under a running feed: its quotes are unusable meanwhile,
//! and its books are the venue's afterwards, without a new port.

use super::rejoin::compare;
use super::rig::{
    CHANNEL, CME, INSTRUMENTS, LIMITS, PATIENCE, Parts, TAIL, beside, published, recoverable,
    switched,
};
use crate::port::interface::plug;
use cross_market_connect::clock::EngineClock;
use cross_market_connect::config::{Configuration, PortChoice};
use cross_market_connect::engine::counters::Counters;
use cross_market_connect::engine::interfaces::{Interfaces, Published};
use cross_market_connect::engine::sockets::{FeedPort, feed_port};
use cross_market_connect::port::xdp::ModeChoice;
use cross_market_connect::recovery::replica::mdp3::Mdp3Replica;
use cross_market_connect::recovery::replica::sockets::Served;
use cross_market_connect::recovery::replica::{
    MirrorEnds, Replica, ReplicaCounters, ReplicaMemory, handover_ring,
};
use cross_market_connect::recovery::wanted;
use cross_market_connect::sim::exchange::Phase;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use xmc_hotpath::feed::{FeedStage, Held};
use xmc_hotpath::message::ChannelState;
use xmc_hotpath::port::{Line, RxPort};
use xmc_hotpath::stage::Stage;
use xmc_hotpath::venue::cme::mdp3::feed::Mdp3;

/// How long after it has gone an interface may go unnoticed: two looks, and a busy machine.
const NOTICED: Duration = Duration::from_millis(1_000);

type HotStage<'m> = FeedStage<'m, FeedPort<EngineClock>, EngineClock, Mdp3>;

/// Polls and keeps house for so long, and says in which states the channel was.
fn follow(stage: &mut HotStage<'_>, span: Duration) -> Vec<ChannelState> {
    let (since, mut states) = (Instant::now(), Vec::new());
    while since.elapsed() < span {
        step(stage);
        let state = stage.feed().channel().state();
        if states.last() != Some(&state) {
            states.push(state);
        }
    }
    states
}

fn step(stage: &mut HotStage<'_>) {
    for _ in 0..64 {
        stage.poll();
    }
    stage.housekeeping();
    std::thread::yield_now();
}

fn until(what: &str, stage: &mut HotStage<'_>, is_there: impl Fn(ChannelState) -> bool) {
    let since = Instant::now();
    while !is_there(stage.feed().channel().state()) {
        step(stage);
        let state = stage.feed().channel().state();
        assert!(since.elapsed() < PATIENCE, "{what}: {state:?}");
    }
}

/// What is done to the cable of a feed, and what becomes of the feed.
fn outages(port: PortChoice, check: impl Fn(&Counters) + Send + Sync) {
    switched(port, |(namespace, near), venue, config: &Configuration| {
        let clock = EngineClock::start();
        let ports = config.feeds.iter().map(|feed| feed_port(feed, clock.clone()));
        let mut ports: Vec<_> =
            ports.map(|port| port.unwrap_or_else(|error| panic!("{error}"))).collect();
        ports[CME].attach(&config.feeds[CME]).unwrap_or_else(|error| panic!("{error}"));
        let counters = Counters::new(config);
        ports[CME].count_in(&counters.feed_ports[CME]);
        let mut watched = Interfaces::new(config, &mut ports);
        let mut port = ports.swap_remove(CME);
        let copies = port.take_copies();
        let (published_cut, is_over) = (Published::default(), AtomicBool::new(false));
        let Parts { mut memory, .. } = Parts::new(config);
        let mut tail = vec![Held::FREE; TAIL];
        let (handed, taken) = handover_ring();
        let counted = &counters.feeds[CME];
        let feed = recoverable(Mdp3::new(None), (&mut memory, counted), taken, &mut tail);
        let mut stage = FeedStage::new(port, clock.clone(), feed, 16);

        let cold = ReplicaCounters::default();
        let mut memory = ReplicaMemory::new(INSTRUMENTS, config.instruments.len(), 64);
        let ends = MirrorEnds { handed, request: &counted.request };
        let wanted = wanted(config, CME);
        let replica =
            Mdp3Replica::new(Mdp3::new(None), CHANNEL, LIMITS, wanted, &mut memory, ends, &cold);
        let replica: Box<dyn Replica + Send> = Box::new(replica.expect("it is sized"));
        let renewed = &counters.feed_ports[CME].interface.renewed;
        let served = Served::new(&config.feeds[CME], replica);
        let served = served.with_copies(copies).renewed_by(renewed);
        std::thread::scope(|scope| {
            struct Over<'o>(&'o AtomicBool);
            impl Drop for Over<'_> {
                fn drop(&mut self) {
                    self.0.store(true, Ordering::Release);
                }
            }
            let _over = Over(&is_over);
            scope.spawn(|| {
                while !is_over.load(Ordering::Acquire) {
                    watched.look(&counters, &published_cut);
                    std::thread::sleep(Duration::from_millis(50));
                }
            });
            beside(served, &clock, || {
                until("the first books", &mut stage, ChannelState::is_usable);
                let cut = |stage: &mut HotStage<'_>, what: &str, arguments: &str| {
                    follow(stage, Duration::from_millis(200));
                    namespace.ip(arguments);
                    let since = Instant::now();
                    until(what, stage, |state| state == ChannelState::Stale);
                    let noticed = since.elapsed();
                    println!("{what}: unusable after {noticed:?}");
                    assert!(noticed < NOTICED, "{noticed:?}");
                    // Long enough for the venue to send what nobody hears.
                    let states = follow(stage, Duration::from_millis(300));
                    assert_eq!(states, [ChannelState::Stale]);
                };
                let back = |stage: &mut HotStage<'_>, what: &str| {
                    let (since, gaps) = (Instant::now(), counted.gaps.get());
                    until(what, stage, |state| state != ChannelState::Stale);
                    let state = stage.feed().channel().state();
                    assert!(!state.is_usable(), "{what}: what was lost is not believed: {state:?}");
                    until(what, stage, ChannelState::is_usable);
                    assert!(counted.gaps.get() > gaps, "{what}: packets were lost");
                    println!("{what}: live again {:?} after it was there", since.elapsed());
                };
                cut(&mut stage, "down", "link set near0 down");
                namespace.ip("link set near0 up");
                back(&mut stage, "up");
                for _ in 0..2 {
                    cut(&mut stage, "gone", "link delete near0");
                    plug(namespace, near, 0);
                    back(&mut stage, "made again");
                    follow(&mut stage, Duration::from_millis(200));
                    check(&counters);
                }
                venue.set_phase(None, Phase::Halted);
                let truth = || {
                    let truth = venue.with(|shell, _| published(shell.exchange()));
                    truth.expect("it runs")
                };
                compare(config, &mut stage, truth);
            });
        });
        assert_eq!(counters.feed_ports[CME].interface.renewed.get(), 2);
    });
}

#[test]
fn a_feed_by_sockets_outlives_its_interface() {
    outages(PortChoice::Socket, |_| {});
}

/// The port is opened again while it is polled, and what was sent to sockets meanwhile is read too.
#[test]
fn a_feed_past_the_kernel_outlives_its_interface() {
    outages(PortChoice::Xdp(ModeChoice::Best), |counters| {
        let port = &counters.feed_ports[CME];
        let sockets = Line::BOTH.map(|line| port.sockets.line(line).errors.get());
        assert_eq!(sockets, [0; 2]);
        // Once it is open again nothing comes by sockets any more.
        let before = port.xdp.by_socket.get();
        let packets =
            || counters.feeds[CME].lines.iter().map(|line| line.packets.get()).sum::<u64>();
        println!("{before} of {} packets by sockets", packets());
        assert!(before < packets() / 2, "{before} of {}", packets());
    });
}

//! The cold side of recovery while an engine runs: one thread with the replicas of all feeds.
//!
//! Each feed that joins by recovery has a replica on sockets of its own. The thread polls them and
//! naps when nothing came; the hot stages take what is handed over whenever they come to it, so
//! nothing here can hold them up. Called by `live`, and by `xmc feeds` without an engine.

use super::counters::Counters;
use super::feed::{UNNAMED_INSTRUMENTS, is_recovered, limits, mdp3, settings};
use crate::clock::EngineClock;
use crate::config::{Configuration, Feed, FeedProtocol, Recovery};
use crate::recovery::replica::mdp3::Mdp3Replica;
use crate::recovery::replica::smdp::SmdpReplica;
use crate::recovery::replica::sockets::Served;
use crate::recovery::replica::{MirrorEnds, Replica, ReplicaMemory, handover_ring};
use crate::recovery::{self, smdp};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use xmc_hotpath::feed::HandedOf;
use xmc_hotpath::port::copies::CopyReceiver;
use xmc_hotpath::ring::Sender;
use xmc_hotpath::time::Clock;
use xmc_hotpath::venue::cme::mdp3::feed::Mdp3;
use xmc_hotpath::venue::shfe::smdp::feed::Smdp;

/// How long nothing is asked of the sockets when none has anything: half of it passes, on average,
/// before a question of a feed is seen, and polling costs hosts with few cores less than it would.
const NAP: Duration = Duration::from_micros(400);

/// Packets that a replica holds for those before them: it may wait for them longer than the desk.
const HELD: usize = 4_096;

/// Where the hand-overs of a feed go.
#[derive(Debug)]
pub enum Handing {
    /// To a feed of MDP 3.0.
    Mdp3(Sender<HandedOf<Mdp3>>),
    /// To a feed of SMDP.
    Smdp(Sender<HandedOf<Smdp<'static>>>),
}

/// What joins the hot feeds to their replicas, by feed.
pub(super) struct Ends {
    /// Where hand-overs go; `None` for a feed without recovery.
    pub handings: Vec<Option<Handing>>,
    /// Where copies of what only the hot port hears come; `None` where everybody hears it.
    pub copies: Vec<Option<CopyReceiver>>,
}

/// Runs the replicas of all feeds that have one until `is_over`.
pub(super) fn run(
    config: &Configuration,
    counters: &Counters,
    clock: &EngineClock,
    ends: Ends,
    is_over: &AtomicBool,
) {
    let mut memories = memories(config, &ends.handings);
    let mut served = serve(config, counters, ends, &mut memories);
    let thread = &counters.recovery_thread;
    thread.begin();
    while !is_over.load(Ordering::Acquire) && !served.is_empty() {
        poll(&mut served, clock);
        thread.round(clock.ticks());
    }
}

/// Follows every feed that has a way of recovery, without an engine: `look` is shown all of them
/// between two polls, until it has seen enough.
pub fn watch(
    config: &Configuration,
    counters: &Counters,
    clock: &impl Clock,
    mut look: impl FnMut(&[Served<'_>]) -> ControlFlow<()>,
) {
    // Nobody asks, so nothing is handed over to the ends that are dropped here.
    let handings: Vec<_> = config.feeds.iter().map(unasked).collect();
    let mut memories = memories(config, &handings);
    let copies = handings.iter().map(|_| None).collect();
    let mut served = serve(config, counters, Ends { handings, copies }, &mut memories);
    while look(&served).is_continue() {
        poll(&mut served, clock);
    }
}

fn unasked(feed: &Feed) -> Option<Handing> {
    let handing = match feed.protocol {
        FeedProtocol::CmeMdp3 => Handing::Mdp3(handover_ring().0),
        FeedProtocol::ShfeSmdp => Handing::Smdp(handover_ring().0),
    };
    is_recovered(feed).then_some(handing)
}

fn memories(config: &Configuration, handings: &[Option<Handing>]) -> Vec<ReplicaMemory> {
    let quoted = config.instruments.len();
    let sizes = handings.iter().map(|handing| match handing {
        Some(_) => ReplicaMemory::new(quoted + UNNAMED_INSTRUMENTS, quoted, HELD),
        None => ReplicaMemory::new(0, 0, 0),
    });
    sizes.collect()
}

fn serve<'m>(
    config: &'m Configuration,
    counters: &'m Counters,
    ends: Ends,
    memories: &'m mut [ReplicaMemory],
) -> Vec<Served<'m>> {
    let mut served = Vec::new();
    let ends = ends.handings.into_iter().zip(ends.copies);
    for (((handing, copies), memory), index) in ends.zip(memories).zip(0..) {
        let Some(handing) = handing else { continue };
        let replica = replica(config, index, counters, handing, memory);
        let renewed = &counters.feed_ports[index].interface.renewed;
        let serve = |replica| {
            Served::new(&config.feeds[index], replica).with_copies(copies).renewed_by(renewed)
        };
        served.extend(replica.map(serve));
    }
    served
}

fn poll(served: &mut [Served<'_>], clock: &impl Clock) {
    let is_any = served.iter_mut().fold(false, |is_any, one| one.poll(clock.now()) | is_any);
    if !is_any {
        std::thread::sleep(NAP);
    }
}

/// The replica of a feed; `None` if what it would ask with cannot be read any more.
fn replica<'m>(
    config: &'m Configuration,
    index: usize,
    counters: &'m Counters,
    handing: Handing,
    memory: &'m mut ReplicaMemory,
) -> Option<Box<dyn Replica + Send + 'm>> {
    let feed = &config.feeds[index];
    let (settings, limits) = (settings(feed), limits(feed));
    let wanted = recovery::wanted(config, index);
    let (request, counted) = (&counters.feeds[index].request, &counters.replicas[index]);
    let sized = "the memory is sized by its own rules";
    match (handing, &feed.recovery) {
        (Handing::Mdp3(handed), Recovery::Loops(loops)) => {
            let ends = MirrorEnds { handed, request };
            // Without it the loops have to do.
            let login = recovery::mdp3::login(feed, loops).ok().flatten();
            let limits = if login.is_some() { Mdp3Replica::patient(limits) } else { limits };
            let made =
                Mdp3Replica::new(mdp3(feed), settings, limits, wanted, memory, ends, counted);
            Some(Box::new(made.expect(sized).with_replay(login)))
        }
        (Handing::Smdp(handed), Recovery::Query(query)) => {
            let login = smdp::login(feed, query).ok()?;
            let ends = MirrorEnds { handed, request };
            let asks = (query.topic, login);
            let made = SmdpReplica::new(asks, settings, limits, wanted, memory, ends, counted);
            Some(Box::new(made.expect(sized)))
        }
        _ => unreachable!("a feed is recovered as its protocol has it"),
    }
}

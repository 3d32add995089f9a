//! An MDP 3.0 channel that loses packets on both lines: its books come back from the replica.

use super::super::mdp3::wanted;
use super::{Faults, Net, Outcome, schedules};
use crate::feed::kit::{Bench, Setup, bench_with, shot};
use crate::venue::cme::simulated::{MS, check_believed, ids, moment, settings};
use cross_market_connect::recovery::Group as Told;
use cross_market_connect::recovery::replica::mdp3::Mdp3Replica;
use cross_market_connect::recovery::replica::{
    MirrorEnds, Replica, ReplicaCounters, ReplicaMemory, handover_ring,
};
use cross_market_connect::venue::cme::mdp3::{
    Generation, PacketBuilder, SnapshotMark, snapshot_level,
};
use cross_market_connect::venue::cme::simulated::{Group, Settings, Venue};
use xmc_hotpath::book::{BookSide, Level, View};
use xmc_hotpath::feed::{ChannelSettings, Join, SeqNo};
use xmc_hotpath::message::{ChannelState, StreamId};
use xmc_hotpath::port::Line;
use xmc_hotpath::stage::Stage;
use xmc_hotpath::time::Span;
use xmc_hotpath::venue::cme::mdp3::feed::Mdp3;
use xmc_hotpath::venue::cme::mdp3::layout::{EntryKind, Mantissa, SnapshotEntry, SnapshotRoot};

/// Bytes of a packet's sequence number.
const HEAD: usize = 4;

/// A venue, the hot stage and its replica, each behind a network of its own.
struct Rig<'a, 'b, 'c> {
    venue: Venue,
    hot: &'a mut Bench<'b>,
    replica: &'a mut Mdp3Replica<'c>,
    cold: &'a ReplicaCounters,
    hot_net: Net,
    cold_net: Net,
    ids: Vec<i32>,
}

impl Rig<'_, '_, '_> {
    /// Lets time pass until `at`; whether all instruments can be traded on then.
    fn step(&mut self, at: u64) -> bool {
        self.venue.poll(moment(at));
        self.hot.clock_on(at);
        while let Some(datagram) = self.venue.take_datagram() {
            match datagram.group {
                Group::Incremental(Line::A) => {
                    for (line, bytes) in self.hot_net.carry(&datagram.bytes, HEAD) {
                        self.hot.send(&shot(line, at, &bytes));
                    }
                    for (line, bytes) in self.cold_net.carry(&datagram.bytes, HEAD) {
                        self.replica.on_datagram(Told::Incremental(line), &bytes, moment(at));
                    }
                }
                // The same packet: the networks have it.
                Group::Incremental(Line::B) => {}
                Group::Definitions(_) => {
                    self.replica.on_datagram(Told::Definitions, &datagram.bytes, moment(at));
                }
                Group::Snapshots(_) => {
                    for (_, bytes) in self.cold_net.carry(&datagram.bytes, usize::MAX) {
                        self.replica.on_datagram(Told::Snapshots, &bytes, moment(at));
                    }
                }
            }
        }
        for _ in 0..4 {
            self.replica.on_time(moment(at));
            self.hot.stage.poll();
        }
        self.hot.take();
        if !self.hot.state().is_usable() {
            assert_eq!(self.hot.seen.usable(), [], "{:?} at {at}", self.hot.state());
            return false;
        }
        let position = self.hot.stage.feed().position();
        if position != Some(SeqNo(self.venue.last_seq_no())) {
            // It cannot know that there is more.
            return false;
        }
        check_believed(&self.venue, self.hot, &self.ids, at)
    }

    fn run(&mut self, from_ms: u64, to_ms: u64) -> usize {
        (from_ms..to_ms).map(|at| usize::from(self.step(at * MS))).sum()
    }
}

fn with<R>(settings: Settings, seed: u64, body: impl FnOnce(&mut Rig<'_, '_, '_>) -> R) -> R {
    let ids = ids(&settings);
    let setup = Setup { join: Join::Recover, ..Setup::new(&ids) };
    let wanted = wanted(&settings);
    let counters = ReplicaCounters::default();
    let mut memory = ReplicaMemory::new(setup.instruments, ids.len(), 64);
    let (handed, taken) = handover_ring();
    bench_with(&setup, Some(taken), |hot| {
        let channel =
            ChannelSettings { stream: StreamId(3), join: Join::Recover, view: View::Outright };
        let mut replica = Mdp3Replica::new(
            Mdp3::new(None),
            channel,
            setup.limits,
            wanted,
            &mut memory,
            MirrorEnds { handed, request: &hot.counters.request },
            &counters,
        )
        .expect("it is sized");
        let venue = Venue::new(settings);
        let nets = [seed, !seed].map(Net::new);
        let [hot_net, cold_net] = nets;
        let (replica, cold) = (&mut replica, &counters);
        body(&mut Rig { venue, hot, replica, cold, hot_net, cold_net, ids })
    })
}

const DEAF: Faults =
    Faults { lost: [1_000, 1_000], doubled: 0, swapped: 0, cut_short: 0, damaged: 0 };

#[test]
fn a_gap_on_both_lines_is_healed_by_the_replica() {
    with(settings(21), 1, |rig| {
        rig.run(0, 1_500);
        assert_eq!(rig.hot.state(), ChannelState::Live, "it joined by the replica alone");
        assert!(rig.run(1_500, 2_000) > 450);
        for turn in 0..10 {
            let at = 2_000 + turn * 200;
            let gaps = rig.hot.counters.gaps.get();
            rig.hot_net.faults = DEAF;
            rig.run(at, at + 20);
            rig.hot_net.faults = Faults::default();
            let usable = rig.run(at + 20, at + 200);
            assert!(rig.hot.counters.gaps.get() > gaps, "packets were lost");
            assert!(usable > 150, "usable for {usable} ms of 180 in turn {turn}");
        }
        assert!(rig.hot.counters.rejoined.get() >= 10);
        let audit = &rig.cold.audit;
        println!("{} books compared", audit.books.get());
        assert!(audit.books.get() > 10);
        assert_eq!((audit.differences.get(), audit.last()), (0, Vec::new()));
    });
}

/// A snapshot of the same moment with other levels is told, level by level.
#[test]
fn a_snapshot_that_differs_is_told() {
    with(settings(22), 1, |rig| {
        rig.run(0, 2_000);
        let id = rig.ids[0];
        let (books, differences) = (&rig.cold.audit.books, &rig.cold.audit.differences);
        let before = books.get();
        let found = rig.replica.channel().books().iter().find(|of| of.security_id() == id);
        let instrument = *found.expect("it is followed");
        let rpt_seq = instrument.change_seq_no().expect("it was told");
        let levels = |mark: i64| {
            let side = |ladder: &[Level], kind| {
                let there = ladder.iter().filter(|level| level.is_present()).zip(1_i8..);
                let level = |(level, place): (&Level, i8)| {
                    let price = Mantissa::new(level.price_e9 + mark * i64::from(place == 2));
                    let lots = i32::try_from(level.lots).expect("few");
                    snapshot_level(kind, place, price, lots, None)
                };
                there.map(level).collect::<Vec<_>>()
            };
            let bids = side(instrument.bids().levels(), EntryKind::Bid);
            bids.into_iter().chain(side(instrument.asks().levels(), EntryKind::Offer)).collect()
        };
        let mut tell = |rpt_seq, entries: Vec<SnapshotEntry>| {
            let root = SnapshotRoot::from(SnapshotMark {
                last_seq_no: 77,
                report_count: 1,
                security_id: id,
                rpt_seq,
                transact_ns: 1,
                trading_status: 17,
            });
            let packet = PacketBuilder::new(Generation::V13, 1, 1).snapshot(&root, &entries);
            rig.replica.on_datagram(Told::Snapshots, &packet.finish(), moment(2_000 * MS));
        };
        tell(rpt_seq, levels(0));
        assert_eq!((books.get(), differences.get()), (before + 1, 0));
        tell(rpt_seq, levels(500));
        assert_eq!((books.get(), differences.get()), (before + 2, 2));
        // Of another moment: nothing can be said.
        tell(rpt_seq + 1, levels(500));
        tell(rpt_seq - 1, levels(500));
        assert_eq!((books.get(), differences.get()), (before + 2, 2));
        let told = rig.cold.audit.last()[0];
        assert_eq!((told.security_id, told.place, told.side), (id, 2, BookSide::Bid));
        assert_eq!(told.ours.map(|ours| (ours.0 + 500, ours.1)), told.theirs);
        assert!(told.to_string().contains("after packet 77: level 2 of Bid"), "{told}");
    });
}

/// Loss on all four ways, then quiet: the books are the venue's own.
fn schedule(seed: u64) -> Outcome {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut settings = settings(rng.u64(..));
    let period = Span(rng.u64(5..40) * MS);
    (settings.channel.snapshots, settings.channel.definitions) = (period, period);
    with(settings, rng.u64(..), |rig| {
        let mut at = 0;
        let mut outcome = Outcome::default();
        let mut step = |rig: &mut Rig<'_, '_, '_>, rng: &mut fastrand::Rng| {
            at += rng.u64(1..3 * MS);
            outcome.steps += 1;
            outcome.usable += u64::from(rig.step(at));
        };
        (0..30).for_each(|_| step(rig, &mut rng));
        for _ in 0..2 {
            rig.hot_net.faults = Faults::any(&mut rng);
            rig.cold_net.faults = Faults::any(&mut rng);
            (0..40).for_each(|_| step(rig, &mut rng));
        }
        rig.hot_net.faults = Faults::default();
        rig.cold_net.faults = Faults::default();
        (0..120).for_each(|_| step(rig, &mut rng));
        let is_live = rig.hot.state().is_usable();
        assert!(is_live && rig.step(at + 1), "{:?} at the end", rig.hot.state());
        let counters = rig.hot.counters;
        assert_eq!(rig.cold.audit.last(), [], "books and snapshots agree");
        outcome.rejoined = counters.rejoined.get();
        outcome.refused = counters.refused_handovers.get();
        outcome.gaps = counters.gaps.get();
        outcome
    })
}

#[test]
fn schedules_of_an_mdp3_channel_end_with_the_venue_s_books() {
    schedules("MDP 3.0", schedule);
}

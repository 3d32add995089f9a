//! An MDP 3.0 channel that loses packets on both lines: its books come back from the replica.

use super::super::mdp3::wanted;
use crate::feed::kit::{Bench, Setup, bench_with, shot};
use crate::venue::cme::simulated::{MS, check_believed, ids, moment, settings};
use cross_market_connect::recovery::Group as Told;
use cross_market_connect::recovery::replica::mdp3::Mdp3Replica;
use cross_market_connect::recovery::replica::{
    MirrorEnds, Replica, ReplicaCounters, ReplicaMemory, handover_ring,
};
use cross_market_connect::venue::cme::simulated::{Group, Settings, Venue};
use xmc_hotpath::book::View;
use xmc_hotpath::feed::{ChannelSettings, Join, SeqNo};
use xmc_hotpath::message::{ChannelState, StreamId};
use xmc_hotpath::stage::Stage;
use xmc_hotpath::venue::cme::mdp3::feed::Mdp3;

/// A network that drops packets on its way to the hot side, the cold side or both.
struct Rig<'a, 'b, 'c> {
    venue: Venue,
    hot: &'a mut Bench<'b>,
    replica: &'a mut Mdp3Replica<'c>,
    rng: fastrand::Rng,
    hot_loss: u32,
    cold_loss: u32,
    ids: Vec<i32>,
}

impl Rig<'_, '_, '_> {
    /// One millisecond; whether all instruments can be traded on after it.
    fn step(&mut self, at_ms: u64) -> bool {
        let at = at_ms * MS;
        self.venue.poll(moment(at));
        self.hot.clock_on(at);
        while let Some(datagram) = self.venue.take_datagram() {
            let group = match datagram.group {
                Group::Incremental(line) => {
                    if self.rng.u32(..1_000) >= self.hot_loss {
                        self.hot.send(&shot(line, at, &datagram.bytes));
                    }
                    Told::Incremental(line)
                }
                Group::Definitions(_) => Told::Definitions,
                Group::Snapshots(_) => Told::Snapshots,
            };
            if self.rng.u32(..1_000) >= self.cold_loss {
                self.replica.on_datagram(group, &datagram.bytes, moment(at));
            }
        }
        for _ in 0..4 {
            self.replica.on_time(moment(at));
            self.hot.stage.poll();
        }
        self.hot.take();
        let position = self.hot.stage.feed().position();
        if position != Some(SeqNo(self.venue.last_seq_no())) {
            // It cannot know that there is more.
            return false;
        }
        check_believed(&self.venue, self.hot, &self.ids, at)
    }

    fn run(&mut self, from_ms: u64, to_ms: u64) -> usize {
        (from_ms..to_ms).map(|at| usize::from(self.step(at))).sum()
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
        let rng = fastrand::Rng::with_seed(seed);
        body(&mut Rig { venue, hot, replica: &mut replica, rng, hot_loss: 0, cold_loss: 0, ids })
    })
}

#[test]
fn a_gap_on_both_lines_is_healed_by_the_replica() {
    with(settings(21), 1, |rig| {
        rig.run(0, 1_500);
        assert_eq!(rig.hot.state(), ChannelState::Live, "it joined by the replica alone");
        assert!(rig.run(1_500, 2_000) > 450);
        for turn in 0..20 {
            let at = 2_000 + turn * 200;
            let gaps = rig.hot.counters.gaps.get();
            rig.hot_loss = 1_000;
            rig.run(at, at + 20);
            rig.hot_loss = 0;
            let usable = rig.run(at + 20, at + 200);
            assert!(rig.hot.counters.gaps.get() > gaps, "packets were lost");
            assert!(usable > 150, "usable for {usable} ms of 180 in turn {turn}");
        }
        let counters = rig.hot.counters;
        println!(
            "asked {}, rejoined {}, refused {}, replayed {}",
            counters.asked.get(),
            counters.rejoined.get(),
            counters.refused_handovers.get(),
            counters.replayed.get()
        );
        assert!(counters.rejoined.get() >= 20);
    });
}

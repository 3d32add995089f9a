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
use xmc_hotpath::book::{BookSide, Instrument, Level, View};
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
pub struct Rig<'a, 'b, 'c> {
    pub venue: Venue,
    settings: Settings,
    pub hot: &'a mut Bench<'b>,
    replica: &'a mut Mdp3Replica<'c>,
    cold: &'a ReplicaCounters,
    hot_net: Net,
    cold_net: Net,
    ids: Vec<i32>,
    /// Entries in a thousand book messages that the venue leaves out: for the hot side, for the
    /// cold one.
    torn: [u32; 2],
    rng: fastrand::Rng,
    /// Entries that were left out and that no later one has shown to be missing.
    unseen: Vec<(i32, u32)>,
    /// Entries that were left out.
    left_out: u64,
    /// Every packet of the incremental feed, as it was sent.
    pub sent: Vec<Vec<u8>>,
}

impl Rig<'_, '_, '_> {
    /// Lets time pass until `at`; whether all instruments can be traded on then.
    pub fn step(&mut self, at: u64) -> bool {
        self.venue.poll(moment(at));
        self.hot.clock_on(at);
        while let Some(datagram) = self.venue.take_datagram() {
            match datagram.group {
                Group::Incremental(Line::A) => {
                    self.sent.push(datagram.bytes.clone());
                    let [hot, cold] = self.tear(&datagram.bytes);
                    for (line, bytes) in self.hot_net.carry(&hot, HEAD) {
                        self.hot.send(&shot(line, at, &bytes));
                    }
                    for (line, bytes) in self.cold_net.carry(&cold, HEAD) {
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
        if !self.is_all_seen() {
            return false;
        }
        check_believed(&self.venue, self.hot, &self.ids, at)
    }

    /// Sends packets again on both lines, as they were.
    pub fn send_again(&mut self, packets: &[Vec<u8>], at: u64) {
        self.hot.clock_on(at);
        for bytes in packets {
            for line in Line::BOTH {
                self.hot.send(&shot(line, at, bytes));
                self.replica.on_datagram(Told::Incremental(line), bytes, moment(at));
            }
        }
    }

    /// What each side is sent of a packet.
    fn tear(&mut self, payload: &[u8]) -> [Vec<u8>; 2] {
        let [is_hot, is_cold] = self.torn.map(|per_mille| self.rng.u32(..1_000) < per_mille);
        let torn = if is_hot || is_cold { without_first_entry(payload) } else { None };
        let Some((torn, id, rpt_seq)) = torn else { return [payload.to_vec(), payload.to_vec()] };
        self.left_out += 1;
        self.unseen.push((id, rpt_seq));
        [is_hot, is_cold].map(|is_torn| if is_torn { torn.clone() } else { payload.to_vec() })
    }

    /// Whether each entry that was left out has been followed by another one of its instrument, on
    /// both sides: before that nobody can know it, and a book may be wrong.
    fn is_all_seen(&mut self) -> bool {
        let Self { hot, replica, unseen, .. } = self;
        let channels = [hot.stage.feed().channel(), replica.channel()];
        unseen.retain(|(id, rpt_seq)| {
            !channels.iter().all(|channel| {
                let mut books = channel.books().iter();
                let found = books.find(|of| of.security_id() == *id);
                found.and_then(Instrument::change_seq_no).is_some_and(|last| last > *rpt_seq)
            })
        });
        unseen.is_empty()
    }

    /// Another venue in its place, with numbers `ahead` of those that it may have used.
    fn restart(&mut self, at: u64, ahead: u32) {
        let mut settings = self.settings.clone();
        settings.exchange.start = moment(at);
        settings.channel.first_seq_no = self.venue.last_seq_no() + ahead;
        self.venue = Venue::new(settings);
    }

    fn run(&mut self, from_ms: u64, to_ms: u64) -> usize {
        (from_ms..to_ms).map(|at| usize::from(self.step(at * MS))).sum()
    }
}

pub fn with<R>(settings: Settings, seed: u64, body: impl FnOnce(&mut Rig<'_, '_, '_>) -> R) -> R {
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
        let venue = Venue::new(settings.clone());
        let nets = [seed, !seed].map(Net::new);
        let [hot_net, cold_net] = nets;
        let (replica, cold) = (&mut replica, &counters);
        let (rng, torn) = (fastrand::Rng::with_seed(seed), [0, 0]);
        let (unseen, left_out, sent) = (Vec::new(), 0, Vec::new());
        body(&mut Rig {
            venue,
            settings,
            hot,
            replica,
            cold,
            hot_net,
            cold_net,
            ids,
            torn,
            rng,
            unseen,
            left_out,
            sent,
        })
    })
}

/// A packet without the first entry of its first book message, and which one that was.
fn without_first_entry(payload: &[u8]) -> Option<(Vec<u8>, i32, u32)> {
    let mut at = PACKET_HEAD;
    while at + MESSAGE_HEAD <= payload.len() {
        let word = |at: usize| u16::from_le_bytes([payload[at], payload[at + 1]]);
        let (size, block, template) = (word(at), word(at + 2), word(at + 4));
        let group = at + MESSAGE_HEAD + usize::from(block);
        if template == BOOK && payload[group + 2] > 0 {
            let entry = group + 3;
            let len = usize::from(word(group));
            let number = |at: usize| *payload[entry + at..].first_chunk().expect("an entry");
            let (id, rpt_seq) = (i32::from_le_bytes(number(12)), u32::from_le_bytes(number(16)));
            let mut torn = payload.to_vec();
            torn.drain(entry..entry + len);
            torn[group + 2] -= 1;
            let shorter = size - word(group);
            torn[at..at + 2].copy_from_slice(&shorter.to_le_bytes());
            return Some((torn, id, rpt_seq));
        }
        at += usize::from(size);
    }
    None
}

const PACKET_HEAD: usize = 12;
const MESSAGE_HEAD: usize = 10;
/// `MDIncrementalRefreshBook46`.
const BOOK: u16 = 46;

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
    schedule_with(seed, |_| [0, 0], 80).0
}

/// The same with entries that the venue leaves out of packets, `torn` in a thousand, and a reset or
/// a restart in each so many steps; 0: none.
fn schedule_with(
    seed: u64,
    torn: impl Fn(&mut fastrand::Rng) -> [u32; 2],
    steps: u32,
) -> (Outcome, [u64; 3]) {
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
            at
        };
        for _ in 0..30 {
            step(rig, &mut rng);
        }
        for _ in 0..2 {
            rig.hot_net.faults = Faults::any(&mut rng);
            rig.cold_net.faults = Faults::any(&mut rng);
            rig.torn = torn(&mut rng);
            for _ in 0..40 {
                let at = step(rig, &mut rng);
                match if steps > 0 { rng.u32(..2 * steps) } else { u32::MAX } {
                    0 => rig.venue.reset_channel(moment(at)),
                    1 => rig.restart(at, rng.u32(1..70_000)),
                    _ => continue,
                }
                outcome.failovers += 1;
            }
        }
        rig.hot_net.faults = Faults::default();
        rig.cold_net.faults = Faults::default();
        rig.torn = [0, 0];
        for _ in 0..120 {
            step(rig, &mut rng);
        }
        // An entry that was left out last is missed when the instrument has another one.
        (0..4_000).any(|_| {
            step(rig, &mut rng);
            rig.unseen.is_empty()
        });
        for _ in 0..80 {
            step(rig, &mut rng);
        }
        let is_live = rig.hot.state().is_usable();
        assert!(is_live && rig.step(at + 1), "{:?} at the end", rig.hot.state());
        let counters = rig.hot.counters;
        assert_eq!(rig.cold.audit.last(), [], "books and snapshots agree");
        outcome.rejoined = counters.rejoined.get();
        outcome.refused = counters.refused_handovers.get();
        outcome.gaps = counters.gaps.get();
        let mended = [counters.mended.get(), rig.cold.feed.mended.get()];
        (outcome, [rig.left_out, mended[0], mended[1]])
    })
}

#[test]
fn schedules_of_an_mdp3_channel_end_with_the_venue_s_books() {
    schedules("MDP 3.0", schedule);
}

/// M7. An entry that is missing inside a packet, on one side or on both: its book is not believed
/// until its row came back, and in the end all are the venue's.
#[test]
fn schedules_with_entries_that_are_left_out_end_with_the_venue_s_books() {
    let totals = std::sync::Mutex::new([0; 3]);
    schedules("MDP 3.0 with entries left out", |seed| {
        let torn = |rng: &mut fastrand::Rng| match rng.u8(..3) {
            0 => [rng.u32(..300), 0],
            1 => [0, rng.u32(..300)],
            // The same packets, more often than not.
            _ => [1_000, 1_000],
        };
        let (outcome, counted) = schedule_with(seed, torn, 0);
        let mut totals = totals.lock().expect("nobody panics with it");
        (0..3).for_each(|index| totals[index] += counted[index]);
        outcome
    });
    let totals = totals.into_inner().expect("nobody panics with it");
    println!("{totals:?}: entries left out, books mended in the hot feed and in the replica");
    assert!(totals.iter().all(|total| *total > super::number("XMC_RECOVERY", super::GATE) / 10));
}

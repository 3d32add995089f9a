//! An SMDP topic that loses packets on both lines: what is missing is asked for.

use super::{Faults, Net, Outcome, schedules};
use crate::venue::shfe::simulated::{MS, check_believed, login, moment, password, settings};
use crate::venue::shfe::smdp::kit::{Bench, LIMITS, TOPIC, recoverable};
use cross_market_connect::recovery::replica::smdp::SmdpReplica;
use cross_market_connect::recovery::replica::{
    MirrorEnds, Replica, ReplicaCounters, ReplicaMemory, handover_ring,
};
use cross_market_connect::recovery::{Group, Wanted};
use cross_market_connect::venue::shfe::simulated::{ConnectionId, Service, Settings, Venue};
use xmc_hotpath::book::View;
use xmc_hotpath::feed::{ChannelSettings, Join, Protocol, SeqNo};
use xmc_hotpath::message::{InstrumentIndex, StreamId};
use xmc_hotpath::port::Line;

/// Bytes of a packet's header, which says what it is.
const HEAD: usize = 24;
/// Where a packet has its trading day.
const DAY: std::ops::Range<usize> = 20..22;

/// Between two slices, and a little more.
const SLICE: u64 = 501 * MS;

/// As the bench numbers them.
fn wanted(settings: &Settings) -> Vec<Wanted> {
    let rows = settings.exchange.listings.iter().zip(0_u32..);
    let wanted = rows.map(|(listing, number)| Wanted {
        row: InstrumentIndex(7 - number),
        name: listing.symbol.clone(),
        symbol: listing.symbol.clone(),
        security_id: i32::try_from(number).expect("few"),
        tick_e9: listing.tick_e9,
        multiplier_e9: 0,
        display_factor_e9: 0,
    });
    wanted.collect()
}

/// A venue, the hot feed and its replica, each behind a network of its own.
pub struct Rig<'a, 'b, 'c> {
    pub venue: Venue,
    settings: Settings,
    pub hot: &'a mut Bench<'b>,
    pub replica: &'a mut SmdpReplica<'c>,
    cold: &'a ReplicaCounters,
    hot_net: Net,
    cold_net: Net,
    pub connection: Option<ConnectionId>,
    connections: u64,
    /// The trading day of the last packet that was sent, as it stands there.
    day: Option<u16>,
    /// Before the first slice of a day the exchange still shows the last one of the day before.
    unsliced_until: u64,
}

impl Rig<'_, '_, '_> {
    /// Lets time pass until `at`; whether all instruments can be traded on then.
    pub fn step(&mut self, at: u64) -> bool {
        self.venue.poll(moment(at));
        self.hot.now = at;
        while let Some(datagram) = self.venue.take_datagram() {
            if datagram.group.line == Line::B {
                // The same packet: the networks have it.
                continue;
            }
            let day = &datagram.bytes[DAY];
            self.day = Some(u16::from_le_bytes(day.try_into().expect("two bytes")));
            for (line, bytes) in self.hot_net.carry(&datagram.bytes, HEAD) {
                self.hot.send(line, &bytes);
            }
            for (line, bytes) in self.cold_net.carry(&datagram.bytes, HEAD) {
                self.replica.on_datagram(Group::Incremental(line), &bytes, moment(at));
            }
        }
        for _ in 0..4 {
            self.talk(at);
            self.replica.on_time(moment(at));
            self.hot.feed.on_time(moment(at));
            if self.hot.feed.is_away() {
                self.hot.feed.rejoin(moment(at));
            }
        }
        self.hot.take();
        if !self.hot.state().is_usable() {
            assert!(self.hot.seen.usable().is_empty(), "{:?} at {at}", self.hot.state());
            return false;
        }
        let last = self.venue.last_packet_no(TOPIC).expect("it is its topic");
        // Of two days the same number may be the last.
        let is_of_today = self.hot.feed.protocol().course().comm_phase_no == self.day;
        let is_newest = self.hot.feed.position() == Some(SeqNo(last.cast_unsigned()));
        if !is_newest || !is_of_today || at < self.unsliced_until {
            // It cannot know that there is more, or the day's first books are not told yet.
            return false;
        }
        check_believed(&self.venue, self.hot)
    }

    /// Another venue in its place: it numbers on behind what it may have used, from another centre.
    fn restart(&mut self, at: u64, ahead: i32) {
        let settings = &mut self.settings;
        settings.exchange.start = moment(at);
        settings.feed.center_change_no = settings.feed.center_change_no.wrapping_add(100);
        let last = self.venue.last_packet_no(TOPIC).expect("it is its topic");
        settings.feed.first_packet_no = last + ahead;
        self.venue = Venue::new(settings.clone());
        if self.connection.take().is_some() {
            self.replica.disconnected();
        }
        self.unsliced_until = at + SLICE;
    }

    /// Moves what the replica and the query service have for each other.
    fn talk(&mut self, at: u64) {
        if self.replica.needs().connection {
            self.connections += 1;
            let id = ConnectionId(self.connections);
            self.venue.connect(moment(at), id, Service::Query);
            self.connection = Some(id);
            self.replica.connected(moment(at), &password());
        }
        let Some(id) = self.connection else { return };
        let said = self.replica.outgoing().to_vec();
        self.replica.written(said.len());
        self.venue.receive(moment(at), id, &said);
        let answer = self.venue.take_bytes(id);
        self.replica.on_bytes(&answer, moment(at));
    }
}

pub fn with<R>(settings: Settings, seed: u64, body: impl FnOnce(&mut Rig<'_, '_, '_>) -> R) -> R {
    let wanted = wanted(&settings);
    let counters = ReplicaCounters::default();
    let mut memory = ReplicaMemory::new(8, 8, 256);
    let (handed, taken) = handover_ring();
    recoverable(LIMITS, Some(taken), |hot| {
        let channel =
            ChannelSettings { stream: StreamId(7), join: Join::Recover, view: View::Outright };
        let ends = MirrorEnds { handed, request: &hot.counters.request };
        let asks = (TOPIC, login());
        let replica = SmdpReplica::new(asks, channel, LIMITS, wanted, &mut memory, ends, &counters);
        let mut replica = replica.expect("it is sized");
        let venue = Venue::new(settings.clone());
        let [hot_net, cold_net] = [seed, !seed].map(Net::new);
        body(&mut Rig {
            venue,
            settings,
            hot,
            replica: &mut replica,
            cold: &counters,
            hot_net,
            cold_net,
            connection: None,
            connections: 0,
            day: None,
            unsliced_until: 0,
        })
    })
}

/// Loss on all four ways, another data centre, another day, then quiet: the books are the venue's.
fn schedule(seed: u64) -> Outcome {
    let mut rng = fastrand::Rng::with_seed(seed);
    with(settings(rng.u64(..)), rng.u64(..), |rig| {
        let mut at = 0;
        let mut outcome = Outcome::default();
        let mut step = |rig: &mut Rig<'_, '_, '_>, rng: &mut fastrand::Rng| {
            at += rng.u64(1..80 * MS);
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
            for _ in 0..80 {
                let at = step(rig, &mut rng);
                match rng.u32(..400) {
                    0 => rig.venue.change_center(moment(at)),
                    1 => {
                        rig.venue.next_day(moment(at));
                        rig.unsliced_until = at + SLICE;
                    }
                    2 => rig.restart(at, rng.i32(1..70_000)),
                    _ => continue,
                }
                outcome.failovers += 1;
            }
        }
        rig.hot_net.faults = Faults::default();
        rig.cold_net.faults = Faults::default();
        for _ in 0..60 {
            step(rig, &mut rng);
        }
        assert!(rig.hot.state().is_usable(), "{:?} at the end", rig.hot.state());
        assert!(rig.step(at + 1), "not all of the books at the end");
        let counters = rig.hot.counters;
        assert_eq!(rig.cold.audit.last(), [], "books and snapshots agree");
        outcome.rejoined = counters.rejoined.get();
        outcome.refused = counters.refused_handovers.get();
        outcome.gaps = counters.gaps.get();
        outcome
    })
}

#[test]
fn schedules_of_an_smdp_topic_end_with_the_venue_s_books() {
    schedules("SMDP", schedule);
}

#[test]
fn a_topic_that_loses_nothing_is_compared_with_snapshots() {
    with(settings(5), 1, |rig| {
        (1..1_400).for_each(|turn| {
            rig.step(turn * 100 * MS);
        });
        let audit = &rig.cold.audit;
        println!("{} books compared", audit.books.get());
        assert!(audit.books.get() >= 8, "four instruments, once a minute");
        assert_eq!(audit.last(), []);
    });
}

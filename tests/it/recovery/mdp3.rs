//! MDP 3.0 joined at any moment of a running channel: what the desk believes is what the exchange
//! publishes, whatever is lost on the way.

use crate::feed::kit::{Bench, Setup, Shot, bench, shot};
use crate::venue::cme::simulated::{
    MS, book, check_believed, ids, is_usable, moment, published, settings, setup,
};
use cross_market_connect::recovery::mdp3::{Gathering, Missing, Start};
use cross_market_connect::recovery::{Tail, Wanted};
use cross_market_connect::venue::cme::simulated::{Datagram, Group, Settings, Venue};
use std::collections::VecDeque;
use xmc_hotpath::feed::{Join, SeqNo};
use xmc_hotpath::message::{ChannelState, InstrumentIndex};
use xmc_hotpath::port::Line;
use xmc_hotpath::time::MonoNs;
use xmc_hotpath::venue::cme::mdp3::decode::{self, Message};

const ONE_E9: i64 = 1_000_000_000;

/// Everything that the exchange lists, as a configuration would have it.
pub fn wanted(settings: &Settings) -> Vec<Wanted> {
    let listings = settings.exchange.listings.iter();
    let rows = settings.channel.contracts.iter().zip(listings).zip(0..);
    rows.map(|((contract, listing), row)| Wanted {
        row: InstrumentIndex(row),
        name: listing.symbol.to_lowercase(),
        symbol: listing.symbol.clone(),
        security_id: contract.security_id,
        tick_e9: listing.tick_e9,
        multiplier_e9: ONE_E9,
        display_factor_e9: ONE_E9,
    })
    .collect()
}

fn recovering(settings: &Settings) -> Setup {
    Setup { join: Join::Recover, ..setup(settings) }
}

/// Packets in a thousand that are lost, on each line of each kind by itself.
#[derive(Clone, Copy, Debug, Default)]
struct Loss {
    /// Of the incremental lines A and B.
    incremental: [u32; 2],
    /// Of all other lines.
    recovery: u32,
    /// Snapshot loops are told one packet after the other, each as long after the last as this:
    /// so that their books differ in age.
    snapshot_every: u64,
}

/// A venue, the engine's hot sockets with what the kernel keeps, and the cold side's own.
struct Joining {
    venue: Venue,
    rng: fastrand::Rng,
    loss: Loss,
    /// What the hot sockets keep while nobody polls them.
    kept: Vec<Shot>,
    /// Snapshot packets on their way, with the moment of their arrival.
    slow: VecDeque<(u64, Vec<u8>)>,
    gathering: Gathering,
    /// What reached the hot sockets on either line.
    reached: Tail,
    /// Since when something is missing of what the feed needs.
    missing_since: Option<u64>,
    /// What the feed began after.
    begun: SeqNo,
}

impl Joining {
    fn new(settings: Settings, seed: u64, loss: Loss) -> Self {
        let gathering = Gathering::new(wanted(&settings));
        let rng = fastrand::Rng::with_seed(seed);
        let (kept, slow) = (Vec::new(), VecDeque::new());
        let (venue, reached) = (Venue::new(settings), Tail::default());
        Self {
            venue,
            rng,
            loss,
            kept,
            slow,
            gathering,
            reached,
            missing_since: None,
            begun: SeqNo(0),
        }
    }

    fn is_lost(&mut self, group: Group) -> bool {
        let per_mille = match group {
            Group::Incremental(Line::A) => self.loss.incremental[0],
            Group::Incremental(Line::B) => self.loss.incremental[1],
            Group::Definitions(_) | Group::Snapshots(_) => self.loss.recovery,
        };
        self.rng.u32(..1_000) < per_mille
    }

    /// A millisecond of the venue that nobody listens to.
    fn pass(&mut self, at: u64) {
        self.venue.poll(moment(at));
        while self.venue.take_datagram().is_some() {}
    }

    /// A millisecond while both sides listen.
    fn listen(&mut self, at: u64) {
        self.venue.poll(moment(at));
        while let Some(Datagram { group, bytes }) = self.venue.take_datagram() {
            if self.is_lost(group) {
                continue;
            }
            match group {
                Group::Incremental(line) => {
                    self.reach(&bytes);
                    self.kept.push(shot(line, at, &bytes));
                    self.gathering.on_incremental(&bytes);
                }
                Group::Definitions(_) => self.gathering.on_definitions(&bytes),
                Group::Snapshots(_) if self.loss.snapshot_every == 0 => {
                    self.gathering.on_snapshots(&bytes);
                }
                Group::Snapshots(_) => {
                    let last = self.slow.back().map_or(at, |(due, _)| *due).max(at);
                    self.slow.push_back((last + self.loss.snapshot_every, bytes));
                }
            }
        }
        while let Some((_, bytes)) = self.slow.pop_front_if(|(due, _)| *due <= at) {
            self.gathering.on_snapshots(&bytes);
        }
    }

    /// Listens from `at` on until there is a start, and says when that was.
    fn gather(&mut self, from: u64, until: u64) -> (u64, Result<Start, Missing>) {
        for at in (from..until).map(|at| at * MS) {
            self.listen(at);
            if let Ok(start) = self.gathering.start() {
                return (at, Ok(start));
            }
        }
        (until * MS, self.gathering.start())
    }

    /// Seeds a feed and gives it what was kept.
    fn seed(&mut self, bench: &mut Bench<'_>, start: &Start, at: u64) {
        bench.clock_on(at);
        self.begun = start.last();
        start.seed(bench.stage.feed_mut(), MonoNs(at)).expect("it fits");
        bench.take();
        for shot in std::mem::take(&mut self.kept) {
            bench.send(&Shot { at, ..shot });
        }
    }

    /// A millisecond after the start. Nothing wrong is believed; says whether all can be traded on.
    fn follow(&mut self, bench: &mut Bench<'_>, ids: &[i32], at: u64) -> bool {
        self.venue.poll(moment(at));
        while let Some(Datagram { group, bytes }) = self.venue.take_datagram() {
            if self.is_lost(group) {
                continue;
            }
            if let Group::Incremental(line) = group {
                self.reach(&bytes);
                bench.send(&shot(line, at, &bytes));
            }
        }
        bench.wait(at);
        self.stands(bench, ids, at)
    }

    fn reach(&mut self, packet: &[u8]) {
        let packet = decode::packet(packet).expect("the venue sends packets");
        self.reached.note(SeqNo(packet.seq_no()));
    }

    /// What the desk would trade on is the exchange's. Where packets are missing it would not, as
    /// soon as one behind them has shown it.
    fn stands(&mut self, bench: &mut Bench<'_>, ids: &[i32], at: u64) -> bool {
        let newest = self.reached.newest().unwrap_or(self.begun);
        let is_whole = newest == self.begun || self.reached.goes_on_from(self.begun);
        let expected = *self.missing_since.get_or_insert(at);
        if is_whole && newest.0 == self.venue.last_seq_no() {
            self.missing_since = None;
            return check_believed(&self.venue, bench, ids, at);
        }
        assert!(is_whole || at < expected + 3 * MS || bench.seen.usable().is_empty());
        false
    }
}

/// What came of one join.
struct Joined {
    start: Start,
    usable: usize,
    state: ChannelState,
    sequence_breaks: u64,
}

/// Joins after `from` ms and follows for half a second.
fn join(settings: Settings, seed: u64, from: u64, loss: Loss) -> Joined {
    let (setup, ids) = (recovering(&settings), ids(&settings));
    bench(&setup, |bench| {
        let mut joining = Joining::new(settings, seed, loss);
        (0..from).for_each(|at| joining.pass(at * MS));
        let (at, start) = joining.gather(from, from + 30_000);
        let start = start.unwrap_or_else(|missing| panic!("seed {seed}: {missing:?}"));
        joining.seed(bench, &start, at);
        // The lines may lag behind each other: what both lost shows within the time to hold.
        let is_usable_at_once = joining.stands(bench, &ids, at);
        let moments = (1..500).map(|later| at + later * MS);
        let later = moments.filter(|at| joining.follow(bench, &ids, *at)).count();
        Joined {
            start,
            usable: usize::from(is_usable_at_once) + later,
            state: bench.state(),
            sequence_breaks: bench.counters.sequence_breaks.get(),
        }
    })
}

#[test]
fn a_running_channel_is_joined_and_its_books_are_the_exchanges() {
    let mut covered = 0;
    for seed in 0..24 {
        let from = fastrand::Rng::with_seed(seed).u64(1..3_000);
        let joined = join(settings(seed), seed, from, Loss::default());
        assert_eq!(joined.usable, 500, "seed {seed}, joined after {from} ms");
        assert_eq!((joined.state, joined.sequence_breaks), (ChannelState::Live, 0));
        assert!(joined.start.last().0 <= joined.start.covered().0);
        covered += joined.start.covered().0 - joined.start.last().0;
    }
    println!("{covered} packets between the oldest and the newest snapshot of each start");
}

/// Snapshots of one start differ in age: what each includes is passed over, entry by entry.
#[test]
fn snapshots_of_different_ages_make_one_start() {
    let (mut apart, mut most) = (0, 0);
    for seed in 0..24 {
        let from = fastrand::Rng::with_seed(seed).u64(1..2_000);
        let loss = Loss { recovery: 600, snapshot_every: 7 * MS, ..Loss::default() };
        let joined = join(settings(seed), seed, from, loss);
        let between = joined.start.covered().0 - joined.start.last().0;
        assert_eq!(joined.usable, 500, "seed {seed}: {between} packets between the snapshots");
        assert_eq!((joined.state, joined.sequence_breaks), (ChannelState::Live, 0));
        apart += usize::from(between > 0);
        most = most.max(between);
    }
    println!("{apart} of 24 starts had snapshots of different ages, up to {most} packets apart");
    assert!(apart >= 12, "{apart} starts");
}

/// One line of increments loses much and the loops lose half: it takes longer, and is right.
#[test]
fn what_one_line_has_is_enough() {
    for seed in 0..16 {
        let mut incremental = [0, 0];
        incremental[usize::try_from(seed % 2).unwrap()] = 400;
        let loss = Loss { incremental, recovery: 500, snapshot_every: 3 * MS };
        let from = fastrand::Rng::with_seed(seed).u64(1..2_000);
        let joined = join(settings(seed), seed, from, loss);
        assert!(joined.usable >= 499, "seed {seed}: usable for {} ms of 500", joined.usable);
        assert!(matches!(joined.state, ChannelState::Live | ChannelState::SingleLine));
    }
}

/// What both lines lose before the start is gone for the start too, and it waits for a later
/// snapshot; what they lose after it is never believed (`follow` looks each millisecond).
#[test]
fn what_both_lines_lose_is_never_believed() {
    let (mut whole, mut suspect) = (0, 0);
    for seed in 0..32 {
        let loss = Loss { incremental: [60, 60], recovery: 300, snapshot_every: 3 * MS };
        let from = fastrand::Rng::with_seed(seed).u64(1..2_000);
        let joined = join(settings(seed), seed, from, loss);
        whole += usize::from(joined.usable > 0);
        suspect += usize::from(joined.state == ChannelState::Suspect);
    }
    println!("{whole} of 32 starts were usable, {suspect} ended suspect");
    assert!(whole >= 24, "a start does not begin with what is lost already: {whole}");
    assert!(suspect > 0, "something was lost on both lines");
}

/// A channel reset while snapshots are gathered, at any moment of it.
#[test]
fn a_reset_meanwhile_voids_what_was_gathered() {
    for seed in 0..24_u64 {
        let settings = settings(seed);
        let (setup, ids) = (recovering(&settings), ids(&settings));
        bench(&setup, |bench| {
            let loss = Loss { recovery: 500, snapshot_every: 5 * MS, ..Loss::default() };
            let mut joining = Joining::new(settings, seed, loss);
            let from = 500 + seed * 13;
            (0..from).for_each(|at| joining.pass(at * MS));
            let reset = from + seed * 20;
            let mut found = None;
            for at in (from..from + 30_000).map(|at| at * MS) {
                joining.listen(at);
                if at == reset * MS {
                    joining.venue.reset_channel(moment(at));
                    joining.listen(at);
                }
                if at >= reset * MS
                    && let Ok(start) = joining.gathering.start()
                {
                    found = Some((at, start));
                    break;
                }
            }
            let (at, start) = found.expect("loops go on");
            joining.seed(bench, &start, at);
            assert!(joining.stands(bench, &ids, at), "seed {seed}");
            let usable = (1..300).filter(|later| joining.follow(bench, &ids, at + later * MS));
            assert_eq!(usable.count(), 299, "seed {seed}");
            assert_eq!(bench.counters.sequence_breaks.get(), 0);
        });
    }
}

/// The reset lies between the oldest snapshot and the end of what was kept: the feed meets it.
#[test]
fn a_reset_that_the_gathering_did_not_see_is_met_by_the_feed() {
    for seed in 0..8_u64 {
        let settings = settings(seed);
        let (setup, ids) = (recovering(&settings), ids(&settings));
        bench(&setup, |bench| {
            let mut joining = Joining::new(settings, seed, Loss::default());
            (0..700).for_each(|at| joining.pass(at * MS));
            let (at, start) = joining.gather(700, 2_000);
            let start = start.expect("loops go on");
            joining.venue.reset_channel(moment(at + MS));
            (1..40).for_each(|later| joining.listen(at + later * MS));
            joining.seed(bench, &start, at + 40 * MS);
            assert_eq!(bench.counters.resets.get(), 1);
            let usable = (40..300).filter(|later| joining.follow(bench, &ids, at + later * MS));
            assert_eq!(usable.count(), 260, "seed {seed}");
        });
    }
}

/// A venue that is restarted while snapshots are gathered numbers far ahead, or anew.
#[test]
fn a_venue_that_restarts_meanwhile_is_joined_at_its_new_start() {
    for first_seq_no in [65_537, 1] {
        let (setup, all) = (recovering(&settings(3)), ids(&settings(3)));
        bench(&setup, |bench| {
            let mut joining = Joining::new(settings(3), 3, Loss::default());
            (0..9_000).for_each(|at| joining.pass(at * MS));
            assert!(joining.venue.last_seq_no() > 5_000, "far enough for a new numbering to show");
            // Both lines bring packets, the snapshot groups nothing yet.
            joining.loss.recovery = 1_000;
            (9_000..9_100).for_each(|at| joining.listen(at * MS));
            assert!(joining.gathering.start().is_err());
            joining.loss.recovery = 0;
            let mut again = settings(4);
            again.exchange.start = moment(9_200 * MS);
            again.channel.first_seq_no = first_seq_no;
            joining.venue = Venue::new(again);
            let (at, start) = joining.gather(9_200, 12_000);
            let start = start.expect("loops go on");
            assert!(start.covered().0 <= start.newest().expect("packets came").0);
            // The hot sockets kept the old numbering too.
            joining.seed(bench, &start, at);
            let usable = (1..500).filter(|later| joining.follow(bench, &all, at + later * MS));
            let usable = usable.count();
            println!("from {first_seq_no}: usable for {usable} ms of 499, {:?}", bench.state());
            if first_seq_no > 1 {
                assert_eq!(usable, 499);
            }
        });
    }
}

#[test]
fn a_quiet_channel_is_joined_when_two_loops_agree() {
    let mut settings = settings(5);
    settings.channel.heartbeat = xmc_hotpath::time::Span(60_000 * MS);
    let ids = ids(&settings);
    let setup = recovering(&settings);
    bench(&setup, |bench| {
        let mut joining = Joining::new(settings, 5, Loss::default());
        (0..500).for_each(|at| joining.pass(at * MS));
        // Nothing of the lines reaches us, but the loops still change: that is no quiet channel.
        joining.loss.incremental = [1_000, 1_000];
        let (_, start) = joining.gather(500, 3_000);
        assert_eq!(start.err(), Some(Missing::AllPackets));
        let phase = cross_market_connect::sim::exchange::Phase::Closed;
        joining.venue.set_phase(moment(3_000 * MS), None, phase);
        let (at, start) = joining.gather(3_000, 5_000);
        let start = start.expect("nothing changes any more");
        assert_eq!(start.newest(), None);
        joining.loss.incremental = [0, 0];
        joining.seed(bench, &start, at);
        assert!(joining.stands(bench, &ids, at));
        assert!(is_usable(bench));
    });
}

/// An instrument that nobody has quoted since the start has no snapshot: its book is empty, and its
/// first change is entry 1.
#[test]
fn an_instrument_without_a_snapshot_begins_empty() {
    let settings = settings(6);
    let (setup, ids) = (recovering(&settings), ids(&settings));
    bench(&setup, |bench| {
        let mut joining = Joining::new(settings, 6, Loss::default());
        let mut first = None;
        for at in (0..60_000).map(|at| at * MS / 100) {
            joining.listen(at);
            if let Ok(start) = joining.gathering.start() {
                first = Some((at, start));
                break;
            }
        }
        let (at, start) = first.expect("loops go on");
        println!("joined at {} us with {} books", at / 1_000, start.book_count());
        joining.seed(bench, &start, at);
        let usable = (1..1_000).filter(|later| joining.follow(bench, &ids, at + later * MS));
        assert!(usable.count() > 900);
        for (index, id) in ids.iter().enumerate() {
            assert_eq!(book(bench, *id), published(&joining.venue, index));
        }
        assert_eq!(bench.counters.sequence_breaks.get(), 0);
    });
}

/// What the gathering is told of a loop, without one instrument.
fn gathered(settings: &Settings, wanted: Vec<Wanted>) -> Missing {
    let mut joining = Joining::new(settings.clone(), 1, Loss::default());
    joining.gathering = Gathering::new(wanted);
    (0..200).for_each(|at| joining.pass(at * MS));
    joining.gather(200, 2_000).1.expect_err("something is wrong")
}

#[test]
fn what_the_venue_says_differently_is_named() {
    let settings = settings(1);
    let all = wanted(&settings);
    let with = |change: fn(&mut Wanted)| {
        let mut changed = all.clone();
        change(&mut changed[1]);
        gathered(&settings, changed)
    };
    let symbol = &all[1].symbol;
    for (change, key, theirs) in [
        ((|of: &mut Wanted| of.tick_e9 *= 10) as fn(&mut Wanted), "tick_size", "0.1".to_owned()),
        (|of| of.display_factor_e9 /= 100, "display_factor", "1".to_owned()),
        (|of| of.symbol = "GCZ9".to_owned(), "symbol", symbol.clone()),
        (|of| of.security_id = 77, "security_id", all[1].security_id.to_string()),
    ] {
        let missing = with(change);
        assert!(missing.is_final());
        let Missing::Differing(differences) = missing else { panic!("{key}: {missing:?}") };
        let [difference] = &differences[..] else { panic!("{key}: {differences:?}") };
        assert_eq!((difference.key, &difference.theirs), (key, &theirs));
        assert_eq!(difference.instrument, all[1].name);
        assert_ne!(difference.ours, difference.theirs);
    }
    let stranger = with(|of| (of.security_id, of.symbol) = (77, "NGU6".to_owned()));
    let Missing::Unknown(unknown) = stranger else { panic!("{stranger:?}") };
    assert_eq!(unknown, [format!("{} (NGU6, 77)", all[1].name)]);
}

#[test]
fn what_is_missing_is_told_apart() {
    let settings = settings(2);
    let mut joining = Joining::new(settings, 2, Loss::default());
    (0..100).for_each(|at| joining.pass(at * MS));
    let mut sent = Vec::new();
    for at in (100..1_500).map(|at| at * MS) {
        joining.venue.poll(moment(at));
        sent.extend(std::iter::from_fn(|| joining.venue.take_datagram()));
    }
    let with = |kinds: fn(Group) -> bool| {
        let mut gathering = joining.gathering.clone();
        for Datagram { group, bytes } in sent.iter().filter(|sent| kinds(sent.group)) {
            match group {
                Group::Incremental(_) => gathering.on_incremental(bytes),
                Group::Definitions(_) => gathering.on_definitions(bytes),
                Group::Snapshots(_) => gathering.on_snapshots(bytes),
            }
        }
        gathering.start()
    };
    let missing = |kinds| with(kinds).expect_err("something is missing");
    assert_eq!(missing(|_| false), Missing::AllDefinitions);
    assert_eq!(missing(|group| !matches!(group, Group::Definitions(_))), Missing::AllDefinitions);
    assert_eq!(missing(|group| !matches!(group, Group::Snapshots(_))), Missing::AllSnapshots);
    assert_eq!(missing(|group| !matches!(group, Group::Incremental(_))), Missing::AllPackets);
    assert!(with(|_| true).is_ok());
}

/// Garbage of every kind changes nothing and breaks nothing.
#[test]
fn garbage_on_every_group_changes_nothing() {
    let settings = settings(8);
    let mut joining = Joining::new(settings, 8, Loss::default());
    (0..300).for_each(|at| joining.pass(at * MS));
    let mut rng = fastrand::Rng::with_seed(9);
    let mut dirty = joining.gathering.clone();
    for at in (300..1_600).map(|at| at * MS) {
        joining.venue.poll(moment(at));
        while let Some(Datagram { group, bytes }) = joining.venue.take_datagram() {
            let mut damaged = bytes.clone();
            damaged.truncate(rng.usize(..=bytes.len()));
            let noise: Vec<u8> = (0..rng.usize(..200)).map(|_| rng.u8(..)).collect();
            for payload in [&bytes, &noise] {
                match group {
                    Group::Incremental(_) => dirty.on_incremental(payload),
                    Group::Definitions(_) => dirty.on_definitions(payload),
                    Group::Snapshots(_) => dirty.on_snapshots(payload),
                }
            }
            // A cut packet of the incremental lines would be one that came.
            match group {
                Group::Incremental(_) => {
                    joining.kept.push(shot(Line::A, at, &bytes));
                    joining.gathering.on_incremental(&bytes);
                }
                Group::Definitions(_) => {
                    dirty.on_definitions(&damaged);
                    joining.gathering.on_definitions(&bytes);
                }
                Group::Snapshots(_) => {
                    dirty.on_snapshots(&damaged);
                    joining.gathering.on_snapshots(&bytes);
                }
            }
        }
    }
    let (clean, dirty) = (joining.gathering.start().unwrap(), dirty.start().unwrap());
    assert_eq!((clean.last(), clean.covered()), (dirty.last(), dirty.covered()));
    assert_eq!(clean.book_count(), dirty.book_count());
}

/// The starts above rest on this: a snapshot of the simulated venue names the packet that it
/// includes, and so does every other of its loop.
#[test]
fn snapshots_name_the_packet_that_they_include() {
    let mut joining = Joining::new(settings(10), 10, Loss::default());
    let mut seen = 0;
    for at in (0..1_000).map(|at| at * MS) {
        joining.venue.poll(moment(at));
        while let Some(Datagram { group, bytes }) = joining.venue.take_datagram() {
            if !matches!(group, Group::Snapshots(_)) {
                continue;
            }
            for message in decode::packet(&bytes).unwrap().messages() {
                let Message::Snapshot(snapshot) = message.decode().unwrap() else { continue };
                assert_eq!(snapshot.root.last_seq_no.get(), joining.venue.last_seq_no());
                seen += 1;
            }
        }
    }
    assert!(seen > 0);
}

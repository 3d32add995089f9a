//! Lines that are cut and a venue that is killed, over real sockets: the engine's feed believes no
//! book that is not the exchange's, and a snapshot brings it back.

use super::super::{Sides, all_published, check_books};
use super::feed::Ears;
use super::{PATIENCE, Reader, Running, open, settings};
use crate::journal::scratch::Scratch;
use crate::venue::shfe::smdp::kit::{Bench, LIMITS, bench_with};
use cross_market_connect::venue::shfe::simulated::LineFaults;
use cross_market_connect::venue::shfe::simulated::shell::Settings;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};
use xmc_hotpath::feed::ArbiterLimits;
use xmc_hotpath::message::ChannelState;
use xmc_hotpath::port::Line;
use xmc_hotpath::time::{MonoNs, Span};

const WHOLE: LineFaults = LineFaults::NONE;
const CUT: LineFaults = LineFaults { is_cut: true, ..WHOLE };
const LOSSY: LineFaults = LineFaults { lost_per_mille: 400, ..WHOLE };

/// Silence of both lines after which nothing is believed: four slices.
const STALE: Duration = Duration::from_millis(2_000);

/// Longer than a line may be silent before it counts as gone.
const CUT_FOR: Duration = Duration::from_millis(2_200);

struct Rig<'b, 'a> {
    venue: Running,
    ears: Ears,
    bench: &'b mut Bench<'a>,
    start: Instant,
    /// Checks that found all books believed.
    believed: u32,
}

impl Rig<'_, '_> {
    /// Gives the feed what has come, and the time that it is; says how much came.
    fn pump(&mut self) -> usize {
        let heard = self.ears.hear();
        self.bench.now = u64::try_from(self.start.elapsed().as_nanos()).expect("a short test");
        for (line, bytes) in &heard {
            self.bench.send(*line, bytes);
        }
        self.bench.feed.on_time(MonoNs(self.bench.now));
        self.bench.take();
        heard.len()
    }

    fn pump_for(&mut self, time: Duration) {
        let until = Instant::now() + time;
        while Instant::now() < until {
            self.pump();
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Lets everything run, and looks twenty times a second.
    fn run(&mut self, time: Duration) {
        let until = Instant::now() + time;
        while Instant::now() < until {
            self.pump_for(Duration::from_millis(50));
            self.check();
        }
    }

    /// Holds the venue, takes what is under way, and compares. Says whether all is believed.
    fn check(&mut self) -> bool {
        let (told, books) = channel::<Vec<Sides>>();
        let (go_on, held) = channel::<()>();
        let is_held = self.venue.post(move |shell, _| {
            told.send(all_published(shell.venue())).expect("it is waited for");
            // Until the other end is dropped.
            let _ = held.recv_timeout(PATIENCE);
        });
        assert!(is_held, "it runs");
        let books = books.recv().expect("it runs");
        while self.pump() > 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        let is_believed = check_books(&books, self.bench);
        drop(go_on);
        self.believed += u32::from(is_believed);
        is_believed
    }

    /// Takes a snapshot and goes on from it; the sockets keep what comes meanwhile.
    fn join(&mut self, what: &str) {
        let snapshot = Reader::log_in(&self.venue).snapshot();
        self.bench.seed(&snapshot);
        assert!(self.check(), "{what}: all is believed");
    }

    /// After some time nothing is believed any more.
    fn until_nothing_is_believed(&mut self, what: &str) {
        let start = Instant::now();
        while !self.bench.seen.usable().is_empty() {
            self.pump();
            std::thread::sleep(Duration::from_millis(1));
            assert!(start.elapsed() < STALE + PATIENCE, "{what}: something is believed");
        }
    }

    fn cut(&self, lines: &[Line], faults: LineFaults) {
        lines.iter().for_each(|line| self.venue.set_faults(*line, faults));
    }
}

impl<'b, 'a> Rig<'b, 'a> {
    /// The venue is killed, is away for long enough to be missed, and comes back.
    fn restarted(mut self, again: &Settings) -> Self {
        // A venue of its own, so that the rig stays whole: it is killed with its last word unread.
        let dead = std::mem::replace(&mut self.venue, open(settings(43, None)));
        dead.kill().expect("it ran");
        self.until_nothing_is_believed("the venue is dead");
        self.venue = open(again.clone());
        self
    }
}

#[test]
fn cut_lines_and_kills_never_leave_a_wrong_book_believed() {
    let scratch = Scratch::new("outage_shfe");
    let mut first = settings(42, Some(&scratch.path("fills.jsonl")));
    first.venue.feed.max_packet_bytes = 400;
    let venue = open(first.clone());
    let again = Settings { addresses: venue.addresses().clone(), ..first };
    let stale_after = Span(u64::try_from(STALE.as_nanos()).expect("short"));
    let limits = ArbiterLimits { stale_after, ..LIMITS };
    bench_with(limits, |bench| {
        let ears = Ears::new(&venue);
        let mut rig = Rig { venue, ears, bench, start: Instant::now(), believed: 0 };
        rig.join("the start");
        for line in Line::BOTH {
            rig.cut(&[line], CUT);
            rig.run(CUT_FOR);
            assert_eq!(rig.bench.state(), ChannelState::SingleLine, "line {line:?} is cut");
            assert!(rig.check(), "one line");
            rig.cut(&[line], LOSSY);
            rig.run(CUT_FOR);
            assert!(rig.check(), "one line and a part of the other");
            rig.cut(&[line], WHOLE);
            rig.run(Duration::from_millis(1_100));
            assert!(rig.check(), "both");
        }
        assert_eq!(rig.bench.counters.gaps.get(), 0, "one line was whole at any time");
        // What both have lost shows with the next packet; until then books are as they were.
        rig.cut(&Line::BOTH, CUT);
        rig.pump_for(Duration::from_millis(1_100));
        rig.cut(&Line::BOTH, WHOLE);
        rig.until_nothing_is_believed("slices are missing");
        assert!(rig.bench.counters.gaps.get() > 0 && rig.bench.state() == ChannelState::Suspect);
        rig.join("nothing is missing");
        rig.cut(&Line::BOTH, CUT);
        rig.until_nothing_is_believed("both lines are cut");
        rig.cut(&Line::BOTH, WHOLE);
        rig.join("whole again");
        for round in 0..2 {
            let epoch = rig.bench.seen.updates.last().map(|update| update.epoch);
            rig = rig.restarted(&again);
            rig.run(Duration::from_millis(600));
            assert!(!rig.check(), "another centre needs a snapshot");
            rig.join("the venue is back");
            rig.run(Duration::from_millis(1_100));
            let now = rig.bench.seen.updates.last().map(|update| update.epoch);
            assert!(now > epoch, "restart {round} is another epoch");
        }
        println!("all believed in {} checks, {} gaps", rig.believed, rig.bench.counters.gaps.get());
        assert!(rig.believed > 100, "{}", rig.believed);
    });
}

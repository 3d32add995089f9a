//! Lines that are cut and a venue that is killed, over real sockets: the engine's feed believes no
//! book that is not the exchange's, and comes back by itself.

use super::feed::Ears;
use super::{PATIENCE, open, settings};
use crate::feed::kit::{Bench, CHANNEL, bench, shot};
use crate::journal::scratch::Scratch;
use crate::venue::cme::simulated::{Sides, check_books, ids, published, setup};
use cross_market_connect::venue::cme::simulated::shell::{Running, Settings};
use cross_market_connect::venue::cme::simulated::{Group, LineFaults};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};
use xmc_hotpath::message::ChannelState;
use xmc_hotpath::port::Line;
use xmc_hotpath::time::Span;

const CUT: LineFaults = LineFaults::CUT;
const WHOLE: LineFaults = LineFaults { is_cut: false, ..CUT };
const LOSSY: LineFaults = LineFaults { lost_per_mille: 150, ..WHOLE };

/// Silence of both lines after which nothing is believed: more than a busy machine pauses.
const STALE: Duration = Duration::from_millis(1_200);

struct Rig<'b, 'a> {
    venue: Running,
    ears: Ears,
    bench: &'b mut Bench<'a>,
    ids: Vec<i32>,
    start: Instant,
    /// Checks that found all books believed.
    believed: u32,
}

impl Rig<'_, '_> {
    fn at(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).expect("a short test")
    }

    /// Gives the feed what has come, and the time that it is; says how much came.
    fn pump(&mut self) -> usize {
        let heard = self.ears.hear();
        for (group, bytes) in &heard {
            if let Group::Incremental(line) = group {
                self.bench.send(&shot(*line, self.at(), bytes));
            }
        }
        self.bench.wait(self.at());
        heard.len()
    }

    /// Lets everything run, and looks ten times a second.
    fn run(&mut self, time: Duration) {
        let until = Instant::now() + time;
        while Instant::now() < until {
            for _ in 0..100 {
                self.pump();
                std::thread::sleep(Duration::from_millis(1));
            }
            self.check();
        }
    }

    /// Holds the venue, takes what is under way, and compares. Says whether all is believed.
    fn check(&mut self) -> bool {
        let (told, books) = channel::<Vec<Sides>>();
        let (go_on, held) = channel::<()>();
        let (venue, count) = (&self.venue, self.ids.len());
        let is_held = venue.post(move |shell, _| {
            let books = (0..count).map(|index| published(shell.venue(), index));
            told.send(books.collect()).expect("it is waited for");
            // Until the other end is dropped.
            let _ = held.recv_timeout(PATIENCE);
        });
        assert!(is_held, "it runs");
        let books = books.recv().expect("it runs");
        while self.pump() > 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        let is_believed = check_books(&books, self.bench, &self.ids, self.at());
        drop(go_on);
        self.believed += u32::from(is_believed);
        is_believed
    }

    fn until_believed(&mut self, what: &str) {
        let start = Instant::now();
        while !self.check() {
            self.pump();
            assert!(start.elapsed() < PATIENCE, "{what}: nothing is believed");
        }
    }

    /// After `time` nothing is believed any more.
    fn until_stale(&mut self, what: &str) {
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

#[test]
fn cut_lines_and_kills_never_leave_a_wrong_book_believed() {
    let scratch = Scratch::new("outage");
    let mut first = settings(41, Some(&scratch.path("fills.jsonl")));
    first.venue.channel.channel = CHANNEL;
    let (mut setup, ids) = (setup(&first.venue), ids(&first.venue));
    setup.limits.stale_after = Span(u64::try_from(STALE.as_nanos()).expect("short"));
    setup.quote_slots = 1 << 16;
    let venue = open(first.clone());
    let again = Settings { addresses: venue.addresses().clone(), ..first };
    bench(&setup, |bench| {
        let ears = Ears::new(venue.addresses());
        let mut rig = Rig { venue, ears, bench, ids, start: Instant::now(), believed: 0 };
        // Books are taken to be empty at the start, which they are after a reset.
        rig.ears.hear();
        let first_no = rig.venue.with(|shell, _| shell.venue().last_seq_no() + 1).unwrap();
        rig.venue.reset_channel();
        rig.skip_before(first_no);
        rig.until_believed("the start");
        for line in Line::BOTH {
            rig.cut(&[line], CUT);
            rig.run(Duration::from_millis(400));
            assert_eq!(rig.bench.state(), ChannelState::SingleLine, "line {line:?} is cut");
            rig.until_believed("one line");
            rig.cut(&[line], LOSSY);
            rig.run(Duration::from_millis(400));
            rig.until_believed("one line and a part of the other");
            rig.cut(&[line], WHOLE);
            rig.run(Duration::from_millis(200));
            assert_eq!(rig.bench.state(), ChannelState::Live);
        }
        let gaps = rig.bench.counters.gaps.get();
        assert_eq!(gaps, 0, "one line was whole at any time");
        rig.cut(&Line::BOTH, LOSSY);
        rig.run(Duration::from_millis(600));
        rig.cut(&Line::BOTH, CUT);
        rig.until_stale("both lines are cut");
        rig.cut(&Line::BOTH, WHOLE);
        rig.run(Duration::from_millis(200));
        rig.venue.reset_channel();
        rig.until_believed("whole again");
        let mut rig = rig;
        for round in 0..2 {
            let epoch = rig.bench.seen.state().1;
            rig = rig.restarted(&again);
            rig.until_believed("the venue is back");
            rig.run(Duration::from_millis(200));
            assert!(rig.bench.seen.state().1 > epoch, "restart {round} is another epoch");
        }
        println!("all believed in {} checks, {} gaps", rig.believed, rig.bench.counters.gaps.get());
        assert!(rig.believed > 20 && rig.bench.counters.gaps.get() >= 3);
    });
}

impl<'b, 'a> Rig<'b, 'a> {
    /// Throws away what was sent before a packet of this number, and delivers it.
    fn skip_before(&mut self, first_no: u32) {
        let start = Instant::now();
        let is_later =
            |bytes: &[u8]| u32::from_le_bytes(*bytes.first_chunk().expect("a number")) >= first_no;
        let mut has_begun = false;
        while !has_begun {
            for (group, bytes) in self.ears.hear() {
                if let Group::Incremental(line) = group
                    && is_later(&bytes)
                {
                    self.bench.send(&shot(line, self.at(), &bytes));
                    has_begun = true;
                }
            }
            assert!(start.elapsed() < PATIENCE);
        }
    }

    /// The venue is killed, is away for long enough to be missed, and comes back.
    fn restarted(self, again: &Settings) -> Self {
        let Rig { venue, ears, bench, ids, start, believed } = self;
        venue.kill().expect("it ran");
        let since = Instant::now();
        let at = || u64::try_from(start.elapsed().as_nanos()).expect("a short test");
        while !bench.seen.usable().is_empty() {
            for (group, bytes) in ears.hear() {
                if let Group::Incremental(line) = group {
                    bench.send(&shot(line, at(), &bytes));
                }
            }
            bench.wait(at());
            std::thread::sleep(Duration::from_millis(1));
            assert!(since.elapsed() < STALE + PATIENCE, "a dead venue is believed");
        }
        let venue = open(again.clone());
        Rig { venue, ears, bench, ids, start, believed }
    }
}

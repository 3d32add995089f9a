//! Lines A and B against a recount by hand: leads, gaps, what was saved, and whose hour it was.

use super::kit::{Bench, Setup, Shot, bench};
use super::states::{END, ask, bid, book};
use cross_market_connect::engine::score::{Hour, LineScore, Scoreboard};
use std::slice::from_ref;
use xmc_hotpath::feed::LEAD_BUCKETS;
use xmc_hotpath::message::ChannelState;
use xmc_hotpath::port::Line;
use xmc_hotpath::time::UnixNs;

const CORN: i32 = 70;
const NS_PER_HOUR: u64 = 3_600_000_000_000;

/// What the two lines did, by hand: each packet's time on each line, `None` if it did not come.
fn recount(times: &[[Option<u64>; 2]]) -> [LineScore; 2] {
    let mut lines = [LineScore::default(); 2];
    for (index, of) in times.iter().enumerate() {
        for side in [0, 1] {
            let (own, other) = (of[side], of[1 - side]);
            let Some(own) = own else { continue };
            lines[side].packets += 1;
            let is_first = other.is_none_or(|other| (own, side) < (other, 1 - side));
            lines[side].first += u64::from(is_first);
            match other {
                Some(other) if is_first => {
                    let lead = other - own;
                    let bucket = (0..LEAD_BUCKETS).find(|bucket| lead < 1 << bucket);
                    lines[side].leads[bucket.expect("leads are short")] += 1;
                    lines[side].lead_ns += lead;
                }
                Some(_) => {}
                None => {
                    lines[side].saved += 1;
                    let is_begun = index > 0 && times[index - 1][1 - side].is_none();
                    lines[side].gaps_saved += u64::from(!is_begun);
                }
            }
        }
    }
    for side in [0, 1] {
        let (missing, gaps) = (lines[1 - side].saved, lines[1 - side].gaps_saved);
        (lines[side].missing, lines[side].gaps) = (missing, gaps);
    }
    lines
}

/// Times of 300 packets on both lines, in order on each, none of them lost on both, the first and
/// the last on neither.
fn draw(random: &mut fastrand::Rng) -> Vec<[Option<u64>; 2]> {
    let (loss, delay) = (random.u8(0..40), random.u64(1..9_000));
    let mut times = Vec::new();
    for number in 0..300_u64 {
        let mut of = [0, 1].map(|_| Some((number + 1) * 10_000 + random.u64(..delay)));
        let is_inner = number > 0 && number < 299;
        let side = random.usize(..2);
        if is_inner && random.u8(..100) < loss {
            of[side] = None;
        }
        times.push(of);
    }
    times
}

impl Bench<'_> {
    /// Delivers packets at these times, the first of them with number `first`.
    fn deliver_at(&mut self, first: u32, times: &[[Option<u64>; 2]]) {
        let mut shots = Vec::new();
        for (of, seq_no) in times.iter().zip(first..) {
            let payload = book(seq_no, END, &[bid(CORN, seq_no, 400)]);
            for (line, at) in Line::BOTH.into_iter().zip(of) {
                shots.extend(at.map(|at| Shot { line, at, payload: payload.clone() }));
            }
        }
        shots.sort_by_key(|shot| (shot.at, shot.line));
        self.run(&shots);
    }
}

#[test]
fn lines_are_scored_as_a_recount_has_them() {
    let mut led = 0;
    for seed in 0..60 {
        let times = draw(&mut fastrand::Rng::with_seed(seed));
        bench(&Setup::new(&[CORN]), |bench| {
            bench.deliver_at(1, &times);
            assert_eq!(bench.state(), ChannelState::Live);
            let mut scores = Scoreboard::new(1);
            scores.take(from_ref(bench.counters), UnixNs(5 * NS_PER_HOUR + 7));
            let hours = &scores.feeds()[0].hours;
            assert_eq!(hours.keys().collect::<Vec<_>>(), [&5]);
            let found = hours[&5];
            let expected = Hour { lines: recount(&times), lost: 0, gaps: 0, divergent: 0 };
            assert_eq!(found, expected, "seed {seed}");
            led += found.lines[0].led() + found.lines[1].led();
        });
    }
    assert!(led > 10_000, "{led}");
}

/// What neither line has is saved by nobody, and a line that repeats itself has not led.
#[test]
fn nobody_saves_what_both_lose() {
    bench(&Setup::new(&[CORN]), |bench| {
        let at = |at| [Some(at), Some(at + 3)];
        bench.deliver_at(1, &[at(100), at(200), [Some(300), None], at(400)]);
        let again = book(4, END, &[bid(CORN, 4, 400)]);
        bench.send(&Shot { line: Line::A, at: 450, payload: again });
        // Both have passed 5 and 6 when 7 comes.
        bench.deliver_at(7, &[at(500)]);
        let other = book(7, END, &[ask(CORN, 7, 401)]);
        bench.send(&Shot { line: Line::B, at: 600, payload: other });
        let mut scores = Scoreboard::new(1);
        scores.take(from_ref(bench.counters), UnixNs(0));
        let Hour { lines: [a, b], lost, gaps, divergent } = scores.feeds()[0].hours[&0];
        assert_eq!((lost, gaps, divergent), (2, 1, 1));
        assert_eq!((a.missing, b.missing, a.saved, b.saved), (2, 3, 1, 0));
        assert_eq!((a.gaps, b.gaps, a.gaps_saved, b.gaps_saved), (1, 2, 1, 0));
        assert_eq!((a.packets, a.first, b.first), (6, 5, 0));
        assert_eq!((a.led(), b.led(), a.leads[2]), (5, 0, 4), "3 ns, and once 100");
        assert_eq!(a.lead_percentile_ns(50), Some(3));
        assert_eq!(a.lead_percentile_ns(99), Some(127));
        assert_eq!(b.lead_percentile_ns(50), None);
    });
}

/// Each hour has what came until it was over, and none has it twice.
#[test]
fn hours_add_up() {
    bench(&Setup::new(&[CORN]), |bench| {
        let mut scores = Scoreboard::new(1);
        let mut random = fastrand::Rng::with_seed(3);
        let (mut from, mut hour) = (0, 9);
        let mut packets = Vec::new();
        for round in 0..40_u64 {
            let base = round * 1_000_000;
            let times = [0, 1, 2, 3, 4].map(|n| [1, 9].map(|after| Some(base + n * 100 + after)));
            bench.deliver_at(u32::try_from(round).expect("few") * 5 + 1, &times);
            // Looked at when the hour is over, so that what came is the old hour's.
            let is_over = random.u8(..4) == 0;
            if is_over {
                packets.push((hour, (round + 1 - from) * 5));
                (from, hour) = (round + 1, hour + random.u64(1..3));
            }
            scores.take(from_ref(bench.counters), UnixNs(hour * NS_PER_HOUR));
        }
        packets.extend((from < 40).then_some((hour, (40 - from) * 5)));
        let hours = &scores.feeds()[0].hours;
        let found: Vec<_> = hours.iter().map(|(hour, of)| (*hour, of.lines[1].packets)).collect();
        assert_eq!(found, packets);
        assert!(found.len() > 4, "{found:?}");
        let led: u64 = hours.values().map(|of| of.lines[0].leads[4]).sum();
        assert_eq!(led, 200, "each by 8 ns");
    });
}

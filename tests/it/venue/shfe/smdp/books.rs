//! Books under random slices against a plain list, and slices over two lossy lines against the same
//! slices without loss.

use super::kit::{Bench, Seen, contract, index_of, level, mark, price, seeded, slice, snapshot};
use cross_market_connect::venue::shfe::smdp::mirp::{LevelChange, MirpBuilder};
use cross_market_connect::venue::shfe::smdp::slice::level_changes;
use cross_market_connect::venue::shfe::smdp::snapshot::{Snapshot, SnapshotLevel};
use proptest::prelude::*;
use std::collections::{BTreeSet, VecDeque};
use xmc_hotpath::book::View;
use xmc_hotpath::message::{ChannelState, Depth, Quote, QuoteQuality};
use xmc_hotpath::port::Line;
use xmc_hotpath::venue::shfe::smdp::layout::{LevelEvent, LevelSide};

const DEPTH: usize = 5;

/// A side as a list: what `smdp/mod.rs` documents (UNPROVEN) of added, modified, deleted levels.
#[derive(Clone, Debug)]
struct Side(Vec<(i64, u32)>);

impl Side {
    fn apply(&mut self, change: &LevelChange) {
        self.apply_to(DEPTH, change);
    }

    fn apply_to(&mut self, depth: usize, change: &LevelChange) {
        let at = usize::try_from(change.level).unwrap() - 1;
        let told = (price(change.offset_ticks), u32::try_from(change.volume_lots).unwrap());
        match change.event {
            LevelEvent::Add => self.0.insert(at, told),
            LevelEvent::Modify => self.0[at] = told,
            LevelEvent::Delete => drop(self.0.remove(at)),
        }
        self.0.truncate(depth);
    }

    fn assert_shown(&self, depth: &Depth) {
        assert_eq!(depth.levels().collect::<Vec<_>>(), self.0);
    }

    /// A change that keeps the side in order, as a venue makes them.
    fn change(&self, side: LevelSide, random: &mut fastrand::Rng) -> Option<LevelChange> {
        let len = self.0.len();
        let event = match random.u8(0..3) {
            0 => LevelEvent::Add,
            1 if len > 0 => LevelEvent::Modify,
            2 if len > 0 => LevelEvent::Delete,
            _ => return None,
        };
        let places = if event == LevelEvent::Add { (len + 1).min(DEPTH) } else { len };
        let at = random.usize(0..places);
        let below = if event == LevelEvent::Add { at } else { at + 1 };
        // Bids lie below -1, asks above 1; worse levels further away.
        let offset = |price_e9: i64| ((price_e9 - price(0)) / (5 * super::kit::E9)).abs();
        let better = if at == 0 { 0 } else { offset(self.0[at - 1].0) };
        let worse = self.0.get(below).map_or(better + 20, |worse| offset(worse.0));
        if worse - better < 2 {
            return None;
        }
        let ticks = random.i64(better + 1..worse);
        let offset = if side == LevelSide::Bid { -ticks } else { ticks };
        Some(level(event, side, at as i64 + 1, offset, random.i64(1..500)))
    }
}

#[test]
fn books_follow_a_plain_list() {
    let mut random = fastrand::Rng::with_seed(20120112);
    let (mut changes, mut compared) = (0, 0);
    for _ in 0..40 {
        seeded(&snapshot(4, DEPTH as u8, 0), |bench| {
            let side = |offset, lots| Side(vec![(price(offset), lots)]);
            let mut model: Vec<_> = (0..4).map(|_| [side(-1, 10), side(1, 20)]).collect();
            for packet_no in 1..=100 {
                let mut builder = MirpBuilder::new(mark(packet_no));
                let mut touched = BTreeSet::new();
                for _ in 0..random.u8(1..8) {
                    let no = random.usize(0..4);
                    builder = builder.instrument(no as i32, packet_no.into());
                    for _ in 0..random.u8(0..4) {
                        let (side, place) = match random.bool() {
                            true => (LevelSide::Bid, 0),
                            false => (LevelSide::Ask, 1),
                        };
                        let Some(change) = model[no][place].change(side, &mut random) else {
                            continue;
                        };
                        builder = builder.level(&change);
                        model[no][place].apply(&change);
                        touched.insert(no);
                        changes += 1;
                    }
                }
                let before = bench.seen.quotes.len();
                bench.both(&builder.finish(true));
                let quotes = &bench.seen.quotes[before..];
                let told: BTreeSet<_> = quotes.iter().map(|quote| quote.instrument.0).collect();
                assert_eq!(told, touched.iter().map(|no| 7 - *no as u32).collect());
                for quote in quotes {
                    let [bids, asks] = &model[7 - quote.instrument.0 as usize];
                    bids.assert_shown(&quote.bids);
                    asks.assert_shown(&quote.asks);
                    assert_eq!(quote.quality, QuoteQuality::Good);
                    compared += 1;
                }
            }
            assert_eq!(bench.state(), ChannelState::Live);
            assert!(bench.counters.book_errors.iter().all(|counter| counter.get() == 0));
        });
    }
    println!("{changes} changes, {compared} quotes compared");
    assert!(changes > 10_000 && compared > 7_000);
}

/// Whatever a side becomes from one slice to the next, the changes that are told of it make the
/// same of the plain list, and of the book that reads them.
#[test]
fn told_changes_make_the_next_slice() {
    let mut random = fastrand::Rng::with_seed(99);
    let book = contract(0);
    let mut told = 0;
    for depth in [1, 2, DEPTH] {
        let mut last = snapshot(1, depth as u8, 0);
        seeded(&last.clone(), |bench| {
            for packet_no in 1..=1_500 {
                let mut next = last.clone();
                let [bids, asks] = [-1, 1].map(|sign| random_side(sign, depth, &mut random));
                (next.instruments[0].bids, next.instruments[0].asks) = (bids, asks);
                let mut builder = MirpBuilder::new(mark(packet_no)).instrument(0, 1);
                for (side, of) in [(LevelSide::Bid, 0), (LevelSide::Ask, 1)] {
                    let [old, new] = [&last, &next].map(|slice| sides(slice)[of]);
                    let changes = level_changes(&book, side, depth, old, new).unwrap();
                    let pairs = |levels: &[SnapshotLevel]| {
                        levels.iter().map(|level| (level.price_e9, level.lots)).collect::<Vec<_>>()
                    };
                    let mut model = Side(pairs(old));
                    changes.iter().for_each(|change| model.apply_to(depth, change));
                    assert_eq!(model.0, pairs(new));
                    builder = changes.iter().fold(builder, MirpBuilder::level);
                    told += changes.len();
                }
                bench.both(&builder.finish(true));
                let instrument = bench.feed.channel_mut().instrument(0).expect("its book");
                assert!(!instrument.is_damaged());
                let mut quote = Quote::EMPTY;
                instrument.show(View::Outright, &mut quote);
                let shown = |depth: &Depth| -> Vec<_> {
                    depth
                        .levels()
                        .map(|(price_e9, lots)| SnapshotLevel { price_e9, lots })
                        .collect()
                };
                assert_eq!([shown(&quote.bids), shown(&quote.asks)], sides(&next));
                last = next;
            }
        });
    }
    println!("{told} changes told");
    assert!(told > 10_000);
    let level = SnapshotLevel { price_e9: price(1) + 1, lots: 1 };
    let off = level_changes(&book, LevelSide::Ask, 5, &[], &[level]).expect_err("between ticks");
    assert!(off.to_string().contains("al1201 is off its ticks"), "{off}");
}

fn sides(slice: &Snapshot) -> [&[SnapshotLevel]; 2] {
    let instrument = &slice.instruments[0];
    [&instrument.bids, &instrument.asks]
}

/// Up to `depth` levels at few prices and with few sizes, so that neighbours have much in common.
fn random_side(sign: i64, depth: usize, random: &mut fastrand::Rng) -> Vec<SnapshotLevel> {
    let mut offsets: BTreeSet<i64> = (0..depth).map(|_| random.i64(1..=8)).collect();
    if random.u8(0..20) == 0 {
        offsets.clear();
    }
    let level =
        |offset: i64| SnapshotLevel { price_e9: price(sign * offset), lots: random.u32(1..=3) };
    offsets.into_iter().map(level).collect()
}

/// A delivery of slices over two lines: in order on each, some lost.
struct Delivery {
    lines: [VecDeque<Vec<u8>>; 2],
    lost_on_both: usize,
}

const PACKETS: i32 = 60;

/// The number that a heartbeat after `last` carries, by either reading of open point 3.
fn heartbeat(last: i32, tells_next: bool) -> Vec<u8> {
    mark(if tells_next { last + 1 } else { last }).heartbeat()
}

fn delivery(seed: u64, loss: u8, tells_next: bool) -> Delivery {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut lines = [VecDeque::new(), VecDeque::new()];
    let mut lost_on_both = 0;
    for packet_no in 1..=PACKETS {
        let packet = slice(packet_no, packet_no % 3, i64::from(packet_no) + 100);
        let mut came = false;
        for line in &mut lines {
            if random.u8(0..100) >= loss {
                line.push_back(packet.clone());
                came = true;
            }
            if random.u8(0..10) == 0 {
                line.push_back(heartbeat(packet_no, tells_next));
            }
        }
        lost_on_both += usize::from(!came);
    }
    for line in &mut lines {
        // Nothing that is last is lost for good: the numbers after it show it by either reading.
        line.push_back(slice(PACKETS + 1, 0, 1));
        line.push_back(heartbeat(PACKETS + 1, tells_next));
    }
    Delivery { lines, lost_on_both }
}

fn deliver(bench: &mut Bench<'_>, delivery: &mut Delivery, random: &mut fastrand::Rng) {
    while delivery.lines.iter().any(|line| !line.is_empty()) {
        let place = random.usize(0..2);
        let line = [Line::A, Line::B][place];
        if let Some(packet) = delivery.lines[place].pop_front() {
            bench.send(line, &packet);
        }
        if random.u8(0..4) == 0 {
            bench.now += 50_000;
        }
    }
    bench.wait_ms(20);
}

fn clean() -> Seen {
    seeded(&snapshot(3, 5, 0), |bench| {
        for packet_no in 1..=PACKETS {
            bench.both(&slice(packet_no, packet_no % 3, i64::from(packet_no) + 100));
        }
        bench.both(&slice(PACKETS + 1, 0, 1));
        std::mem::take(&mut bench.seen)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Two lossy lines with heartbeats between: the quotes of the whole run if nothing was lost on
    /// both, and otherwise exactly what was lost on both is missing and nothing is usable.
    #[test]
    fn two_lossy_lines_are_one_whole_one_or_none(
        seed in any::<u64>(),
        loss in prop::sample::select(vec![0_u8, 5, 20, 60]),
        tells_next in any::<bool>(),
    ) {
        let mut delivery = delivery(seed, loss, tells_next);
        let lost = delivery.lost_on_both;
        let mut random = fastrand::Rng::with_seed(!seed);
        seeded(&snapshot(3, 5, 0), |bench| {
            deliver(bench, &mut delivery, &mut random);
            prop_assert_eq!(bench.counters.missing.get(), lost as u64);
            if lost == 0 {
                prop_assert_eq!(bench.state(), ChannelState::Live);
                prop_assert_eq!(bench.seen.timeless(), clean().timeless());
            } else {
                prop_assert_eq!(bench.state(), ChannelState::Suspect);
                prop_assert!(bench.seen.usable().is_empty());
            }
            Ok(())
        })?;
    }
}

/// Any bit flipped on one line, in a slice or in a heartbeat: the other line's copy is used, or no
/// book is believed any more, at the latest with the next slice (a number that became the next
/// one is found by the packet whose number it is).
#[test]
fn any_bit_flipped_on_one_line_leaves_no_wrong_book_believable() {
    let slices: Vec<_> = (1..=5)
        .map(|packet_no| {
            let offset = 7 - i64::from(packet_no);
            let change = level(LevelEvent::Add, LevelSide::Ask, 2, offset, offset * 70);
            let undo = level(LevelEvent::Delete, LevelSide::Ask, 2, 0, 1);
            let builder = MirpBuilder::new(mark(packet_no)).instrument(0, 1).level(&change);
            builder.instrument(1, 1).level(&change).level(&undo).finish(true)
        })
        .collect();
    let packets = [slices[0].clone(), slices[1].clone(), mark(2).heartbeat(), mark(3).heartbeat()];
    let all = || packets.iter().chain(&slices[2..]);
    let damaged = || all().take(6);
    let run = |bad: Option<(usize, Line, &[u8])>| {
        seeded(&snapshot(2, 5, 0), |bench| {
            for (place, good) in all().enumerate() {
                for line in Line::BOTH {
                    let bytes = match bad {
                        Some((at, on, bytes)) if (at, on) == (place, line) => bytes,
                        _ => good,
                    };
                    bench.send(line, bytes);
                }
                // A slice comes long after what is early of the one before was given up.
                bench.wait_ms(20);
            }
            (bench.state(), std::mem::take(&mut bench.seen))
        })
    };
    let (_, clean) = run(None);
    let (mut same, mut unusable) = (0, 0);
    for (place, good) in damaged().enumerate() {
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            for line in Line::BOTH {
                let (state, seen) = run(Some((place, line, &bad)));
                if state.is_usable() {
                    assert_eq!(seen.timeless(), clean.timeless(), "packet {place}, bit {bit}");
                    same += 1;
                } else {
                    assert!(seen.usable().is_empty());
                    unusable += 1;
                }
            }
        }
    }
    println!("{same} flips passed over, {unusable} ended all belief");
    assert!(same > 100 && unusable > 1_000);
}

/// The same damage on both lines cannot be told by comparing them; it must not panic, and what the
/// bytes contradict must not be believed.
#[test]
fn the_same_bit_flipped_on_both_lines_never_panics() {
    let change = level(LevelEvent::Add, LevelSide::Bid, 1, 0, 70);
    let good = MirpBuilder::new(mark(1)).instrument(0, 1).level(&change).finish(true);
    let (mut live, mut unusable) = (0, 0);
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        seeded(&snapshot(2, 5, 0), |bench| {
            bench.both(&bad);
            bench.both(&slice(2, 1, 5));
            bench.wait_ms(50);
            if bench.state().is_usable() {
                live += 1
            } else {
                unusable += 1
            }
            let crossed = |quote: &Quote| quote.bids.best_e9() >= quote.asks.best_e9();
            assert!(!bench.seen.usable().values().any(|quote| crossed(quote)), "bit {bit}");
        });
    }
    println!("{live} read as another slice, {unusable} ended all belief");
    assert!(unusable > 100, "{unusable}");
    assert_eq!(index_of(&contract(0)).map(|index| index.0), Some(7));
}

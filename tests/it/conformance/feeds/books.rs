//! Books: how levels move, when they are shown, and implied ones beside the outright.

use super::super::rig::{CmeRig, Options, cme_rig};
use super::{entry, interject_both, mark, until_there};
use cross_market_connect::sim::exchange::Phase;
use xmc_hotpath::book::{Instrument, Level, View};
use xmc_hotpath::venue::cme::mdp3::layout::{Action, BookEntry, EntryKind};

/// What a book must look like: price and lots of each level, best first.
type Ladder = Vec<(i64, i32)>;

fn shown(levels: &[Level]) -> Ladder {
    let there = levels.iter().filter(|level| level.is_present());
    there.map(|level| (level.price_e9, i32::try_from(level.lots).expect("few"))).collect()
}

fn instrument(rig: &mut CmeRig<'_, '_>, security_id: i32) -> Instrument {
    let channel = rig.stage.feed_mut().channel_mut();
    *channel.instrument(security_id).expect("it was told of")
}

/// A side of a book of so many levels, as the exchange's pages say: New shifts down and the last
/// falls off, Delete shifts up and the bottom is told again, Change and Overlay stay in place.
struct Model {
    depth: usize,
    /// Beyond the depth too: the exchange has them, and tells of them when there is room.
    levels: Ladder,
}

impl Model {
    /// One change, drawn, and the entries that tell it.
    fn change(&mut self, rng: &mut fastrand::Rng) -> Vec<(Action, u8, i64, i32)> {
        let visible = self.levels.len().min(self.depth);
        let place = rng.usize(..visible.max(1));
        let lots = rng.i32(1..100);
        let level = |place: usize| u8::try_from(place + 1).expect("at most ten");
        match rng.u8(..5) {
            0 if visible > 1 => {
                let (price, lots) = self.levels.remove(place);
                let mut told = vec![(Action::Delete, level(place), price, lots)];
                if let Some((price, lots)) = self.levels.get(self.depth - 1) {
                    told.push((Action::New, level(self.depth - 1), *price, *lots));
                }
                told
            }
            1 if visible > 0 => {
                self.levels[place].1 = lots;
                vec![(Action::Change, level(place), self.levels[place].0, lots)]
            }
            2 if visible > 0 => {
                // Between its neighbours: the price moves by less than a tick of theirs.
                let price = self.levels[place].0 / 1_000 * 1_000 + rng.i64(1..999);
                self.levels[place] = (price, lots);
                vec![(Action::Overlay, level(place), price, lots)]
            }
            _ => {
                let worse = self.levels.get(place).map_or(10_000_000, |of| of.0 / 1_000 * 1_000);
                let better = match place {
                    0 => worse + 20_000,
                    _ => self.levels[place - 1].0 / 1_000 * 1_000,
                };
                let price = (worse + better) / 2 / 1_000 * 1_000;
                if price <= worse || (place > 0 && price >= better) {
                    return Vec::new();
                }
                self.levels.insert(place, (price, lots));
                vec![(Action::New, level(place), price, lots)]
            }
        }
    }

    fn shown(&self) -> Ladder {
        self.levels.iter().take(self.depth).copied().collect()
    }
}

/// The venue's own books, of ten levels, and three that the test tells, of 3, 5 and 10.
#[test]
fn m01_book_build_add_change_delete_overlay_at_differing_depths() {
    cme_rig(&Options::default(), |rig| {
        rig.until_usable();
        let mut rng = fastrand::Rng::with_seed(1);
        let mut books = [(9_003, 3), (9_005, 5), (9_010, 10)]
            .map(|(id, depth)| (id, 0_u32, Model { depth, levels: Vec::new() }));
        // The depth of an instrument is known from its definition; these have none.
        let (mut counts, mut number, mut below) = ([0; 4], 0, [0; 3]);
        for turn in 0..1_500 {
            let (id, rpt_seq, model) = &mut books[turn % 3];
            let told = model.change(&mut rng);
            let entries: Vec<BookEntry> = told
                .iter()
                .map(|(action, level, price_e9, lots)| {
                    *rpt_seq += 1;
                    let kind = [Action::New, Action::Change, Action::Delete, Action::Overlay];
                    counts[kind.iter().position(|of| of == action).expect("one of these")] += 1;
                    let what = (*action, *level);
                    entry((*id, *rpt_seq), EntryKind::Bid, what, (*price_e9, *lots))
                })
                .collect();
            below[turn % 3] += u32::from(model.levels.len() > model.depth);
            if entries.is_empty() {
                continue;
            }
            number = interject_both(rig, move |_, packet| {
                packet.book(mark(false), &entries, &[]).finish()
            });
            if turn == 2 {
                until_there(rig, number);
                for (id, _, model) in &books {
                    let channel = rig.stage.feed_mut().channel_mut();
                    let row = channel.row(*id).expect("it was told of");
                    let instrument = channel.books_mut().get_mut(row).expect("its row");
                    instrument.set_depth(u8::try_from(model.depth).expect("at most ten"), 0);
                }
            }
            if turn % 50 == 49 {
                until_there(rig, number);
                for (id, _, model) in &books {
                    assert_eq!(shown(instrument(rig, *id).bids().levels()), model.shown());
                }
                rig.check();
            }
        }
        until_there(rig, number);
        println!("new, change, delete, overlay: {counts:?}");
        assert!(counts.iter().all(|count| *count > 100), "{counts:?}");
        assert!(below.iter().all(|count| *count > 50), "levels below the bottom: {below:?}");
        rig.check();
    });
}

/// An event of two packets shows nothing until it ends, and then each instrument once.
#[test]
fn m02_quotes_leave_at_the_end_of_an_event_and_not_before() {
    cme_rig(&Options::default(), |rig| {
        rig.until_usable();
        rig.venue().set_phase(None, Phase::Halted);
        rig.check();
        // The top bid of copper and its lots, told again with one lot more.
        let book = instrument(rig, 5_001);
        let best = book.bids().levels()[0];
        let lots = i32::try_from(best.lots).expect("few");
        let change = |lots: i32, goes_on: bool| {
            move |rig: &CmeRig<'_, '_>| {
                interject_both(rig, move |packet, builder| {
                    let rpt_seq = packet.rpt_seq(5_001).expect("it is copper");
                    let what = (Action::Change, 1);
                    let level = (best.price_e9, lots);
                    let entry = entry((5_001, rpt_seq), EntryKind::Bid, what, level);
                    builder.book(mark(goes_on), &[entry], &[]).finish()
                })
            }
        };
        for _ in 0..20 {
            let count = rig.desk.count;
            let number = change(lots + 1, true)(rig);
            until_there(rig, number);
            rig.follow(3);
            assert_eq!(instrument(rig, 5_001).bids().levels()[0].lots, best.lots + 1);
            assert_eq!(rig.desk.count, count, "the event goes on");
            let number = change(lots, false)(rig);
            until_there(rig, number);
            rig.follow(3);
            assert_eq!(rig.desk.count, count + 1, "one quote of one instrument");
        }
        rig.check();
        rig.venue().set_phase(None, Phase::Open);
        rig.check();
    });
}

/// Implied levels are books of their own: the outright ones stay the venue's, and whoever looks at
/// both together sees lots of equal prices added.
#[test]
fn m12_implied_levels_stay_beside_the_outright_and_are_added_where_asked_for() {
    for view in [View::Outright, View::Consolidated] {
        cme_rig(&Options { view, ..Options::default() }, |rig| {
            rig.until_usable();
            rig.venue().set_phase(None, Phase::Halted);
            rig.check();
            let book = instrument(rig, 5_001);
            let (bid, ask) = (book.bids().levels()[0], book.asks().levels()[0]);
            let tick = book.bids().levels()[0].price_e9 - book.bids().levels()[1].price_e9;
            assert!(tick > 0);
            let tell = |rig: &mut CmeRig<'_, '_>, action: Action| {
                let levels = [
                    (EntryKind::ImpliedBid, (bid.price_e9, 3)),
                    (EntryKind::ImpliedOffer, (ask.price_e9, 4)),
                ];
                let number = interject_both(rig, move |packet, builder| {
                    let mut rpt_seq = || packet.rpt_seq(5_001).expect("it is copper");
                    let entries = levels
                        .map(|(kind, level)| entry((5_001, rpt_seq()), kind, (action, 1), level));
                    builder.book(mark(false), &entries, &[]).finish()
                });
                until_there(rig, number);
                rig.follow(3);
            };
            tell(rig, Action::New);
            let after = instrument(rig, 5_001);
            assert_eq!((after.bids(), after.asks()), (book.bids(), book.asks()));
            assert_eq!(shown(after.implied_bids().levels()), [(bid.price_e9, 3)]);
            assert_eq!(shown(after.implied_asks().levels()), [(ask.price_e9, 4)]);
            let index = after.index().expect("it is traded");
            let quotes = &rig.desk.seen.quotes;
            let quote = quotes.iter().find(|of| of.instrument == index).expect("it is quoted");
            let [best_bid, best_ask] =
                [&quote.bids, &quote.asks].map(|side| side.levels().next().expect("a level"));
            let (more_bid, more_ask) = if view == View::Outright { (0, 0) } else { (3, 4) };
            assert_eq!(best_bid, (bid.price_e9, bid.lots + more_bid), "{view:?}");
            assert_eq!(best_ask, (ask.price_e9, ask.lots + more_ask), "{view:?}");
            tell(rig, Action::Delete);
            rig.check();
            rig.venue().set_phase(None, Phase::Open);
            rig.follow(100);
            rig.check();
        });
    }
}

//! Books against a slow model that is written as the venue's rules read.

use proptest::prelude::*;
use xmc_hotpath::book::{
    Action, BookError, BookSide, Books, Change, IMPLIED_LEVELS, Instrument, OUTRIGHT_LEVELS, Slot,
    StorageError, View,
};
use xmc_hotpath::message::{Depth, InstrumentIndex, QUOTE_LEVELS, Quote, QuoteQuality};
use xmc_hotpath::price::{NO_ASK_E9, NO_BID_E9};

/// A level of the model: price, lots, orders.
type Told = (i64, u32, u32);

/// One side as a list of places.
#[derive(Clone, Debug)]
struct ModelSide(Vec<Option<Told>>);

impl ModelSide {
    fn new(depth: usize) -> Self {
        Self(vec![None; depth])
    }

    fn apply(&mut self, change: &Change) -> Result<(), BookError> {
        let depth = self.0.len();
        let level = usize::from(change.level);
        if level == 0 || level > depth {
            return Err(BookError::Level);
        }
        let index = level - 1;
        let old = self.0[index];
        let price = match change.action {
            Action::Change => change.price_e9.or(old.map(|told| told.0)),
            _ => change.price_e9,
        };
        let new = || match (change.lots, price) {
            (0, _) => Err(BookError::Lots),
            (_, None) => Err(BookError::Price),
            (lots, Some(price)) => Ok(Some((price, lots, change.orders))),
        };
        let same = match (old, change.price_e9) {
            (None, _) => Err(BookError::Vacant),
            (Some(told), Some(price)) if told.0 != price => Err(BookError::OtherPrice),
            _ => Ok(()),
        };
        match change.action {
            Action::Insert => {
                self.0.insert(index, new()?);
                self.0.truncate(depth);
                Ok(())
            }
            Action::Change => {
                self.0[index] = new()?;
                same
            }
            Action::Delete => {
                // What is below shifts, whether or not this one was told.
                self.0.remove(index);
                self.0.push(None);
                same
            }
            Action::DeleteThru => {
                self.0.drain(..level);
                self.0.resize(depth, None);
                Err(BookError::Inferred)
            }
            Action::DeleteFrom => {
                self.0.truncate(index);
                self.0.resize(depth, None);
                Err(BookError::Inferred)
            }
            Action::Overlay => {
                self.0[index] = new()?;
                Ok(())
            }
        }
    }

    /// Levels that may be shown: those above the first hole.
    fn shown(&self) -> Vec<(i64, u32)> {
        self.0
            .iter()
            .map_while(|place| place.map(|told| (told.0, told.1)))
            .take(QUOTE_LEVELS)
            .collect()
    }

    fn has_hole_at_top(&self) -> bool {
        self.0[0].is_none() && self.0.iter().any(Option::is_some)
    }
}

fn sorted(levels: &[(i64, u32)], is_bid: bool) -> bool {
    levels.windows(2).all(|pair| if is_bid { pair[0].0 > pair[1].0 } else { pair[0].0 < pair[1].0 })
}

/// Merges by brute force: everything in one list, sorted, equal prices added.
fn merged(first: &[(i64, u32)], second: &[(i64, u32)], is_bid: bool) -> Vec<(i64, u32)> {
    let mut all: Vec<_> = first.iter().chain(second).copied().collect();
    all.sort_by_key(|level| if is_bid { -i128::from(level.0) } else { i128::from(level.0) });
    let mut out: Vec<(i64, u32)> = Vec::new();
    for (price, lots) in all {
        match out.last_mut() {
            Some(last) if last.0 == price => last.1 += lots,
            _ => out.push((price, lots)),
        }
    }
    out.truncate(QUOTE_LEVELS);
    out
}

fn side() -> impl Strategy<Value = BookSide> {
    prop_oneof![
        4 => Just(BookSide::Bid),
        4 => Just(BookSide::Ask),
        1 => Just(BookSide::ImpliedBid),
        1 => Just(BookSide::ImpliedAsk),
    ]
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        8 => Just(Action::Insert),
        4 => Just(Action::Change),
        4 => Just(Action::Delete),
        1 => Just(Action::DeleteThru),
        1 => Just(Action::DeleteFrom),
        1 => Just(Action::Overlay),
    ]
}

/// Instructions at and around the edges: levels 0 to 12, few prices so that they meet.
fn change() -> impl Strategy<Value = Change> {
    let price = prop_oneof![9 => (-6_i64..6).prop_map(Some), 1 => Just(None)];
    let lots = prop_oneof![9 => 1_u32..9, 1 => Just(0)];
    (action(), 0_u8..12, price, lots, 0_u32..5).prop_map(
        |(action, level, price_e9, lots, orders)| Change { action, level, price_e9, lots, orders },
    )
}

fn places(levels: &[xmc_hotpath::book::Level]) -> Vec<Option<Told>> {
    levels
        .iter()
        .map(|level| level.is_present().then_some((level.price_e9, level.lots, level.orders)))
        .collect()
}

fn assert_canonical(depth: &Depth, absent_e9: i64) {
    let count = depth.count as usize;
    for index in 0..QUOTE_LEVELS {
        assert_eq!(index < count, depth.lots[index] > 0, "lots stand where levels are: {depth:?}");
        if index >= count {
            assert_eq!(depth.price_e9[index], absent_e9, "absent levels have no price: {depth:?}");
        }
    }
}

fn shown(depth: &Depth) -> Vec<(i64, u32)> {
    depth.levels().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Any instructions, good and bad, leave the same places, the same errors and the same quote.
    #[test]
    fn any_instructions_give_the_model_s_book(
        depth in 1_u8..=10,
        implied_depth in 0_u8..=2,
        changes in prop::collection::vec((side(), change()), 1..80),
    ) {
        let mut book = Instrument::EMPTY;
        book.set_depth(depth, implied_depth);
        let depths = [depth, depth, implied_depth, implied_depth];
        let mut model = depths.map(|depth| ModelSide::new(usize::from(depth)));
        for (side, change) in &changes {
            let slot = match side {
                BookSide::Bid => 0,
                BookSide::Ask => 1,
                BookSide::ImpliedBid => 2,
                BookSide::ImpliedAsk => 3,
            };
            prop_assert_eq!(book.apply(*side, change), model[slot].apply(change), "{:?}", change);
        }
        let is_gapped = |sides: &[ModelSide]| {
            sides.iter().any(|side| !side.0.is_empty() && side.has_hole_at_top())
        };
        let padded = |slot: usize, len: usize| {
            let mut places = model[slot].0.clone();
            places.resize(len, None);
            places
        };
        prop_assert_eq!(places(book.bids().levels()), padded(0, OUTRIGHT_LEVELS));
        prop_assert_eq!(places(book.asks().levels()), padded(1, OUTRIGHT_LEVELS));
        prop_assert_eq!(places(book.implied_bids().levels()), padded(2, IMPLIED_LEVELS));
        prop_assert_eq!(places(book.implied_asks().levels()), padded(3, IMPLIED_LEVELS));

        for view in [View::Outright, View::Consolidated] {
            let mut quote = Quote::EMPTY;
            book.show(view, &mut quote);
            assert_canonical(&quote.bids, NO_BID_E9);
            assert_canonical(&quote.asks, NO_ASK_E9);
            let sides = [0, 1, 2, 3].map(|slot| model[slot].shown());
            let is_whole = view == View::Consolidated;
            let is_ordered = (0..if is_whole { 4 } else { 2 })
                .all(|slot| sorted(&sides[slot], slot % 2 == 0));
            let used = if is_whole { &model[..] } else { &model[..2] };
            let (bids, asks) = if is_whole {
                (merged(&sides[0], &sides[2], true), merged(&sides[1], &sides[3], false))
            } else {
                (sides[0].clone(), sides[1].clone())
            };
            let is_crossed = match (bids.first(), asks.first()) {
                (Some(bid), Some(ask)) => bid.0 >= ask.0,
                _ => false,
            };
            let expected = if is_gapped(used) {
                QuoteQuality::Gapped
            } else if !is_ordered || is_crossed {
                QuoteQuality::Insane
            } else {
                QuoteQuality::Good
            };
            prop_assert_eq!(quote.quality, expected);
            // A book that contradicts itself is not shown for use; its levels need not agree.
            if expected == QuoteQuality::Good {
                prop_assert_eq!(shown(&quote.bids), bids);
                prop_assert_eq!(shown(&quote.asks), asks);
            }
        }
    }

    /// Every instrument is found again, as many as there are rows, whatever their numbers.
    #[test]
    fn instruments_are_found_again(
        ids in prop::collection::vec(prop_oneof![any::<i32>(), -40_i32..40], 1..64),
        rows in 1_usize..32,
    ) {
        let mut arena = vec![Instrument::EMPTY; rows];
        let mut slots = vec![Slot::FREE; 64];
        let mut books = Books::new(&mut arena, &mut slots).expect("64 is twice any number of rows");
        let mut known: Vec<i32> = Vec::new();
        for id in ids {
            let is_new = !known.contains(&id);
            prop_assert_eq!(books.find(id).is_none(), is_new);
            let row = books.add(id, None);
            if is_new && known.len() == rows {
                prop_assert_eq!(row, None, "a full arena takes no more");
                continue;
            }
            let row = row.expect("there is room, or it is known");
            prop_assert_eq!(books.get(row).map(Instrument::security_id), Some(id));
            if is_new {
                known.push(id);
            }
        }
        prop_assert_eq!(books.iter().map(Instrument::security_id).collect::<Vec<_>>(), known);
    }
}

#[test]
fn storage_of_a_wrong_size_is_refused() {
    let mut rows = vec![Instrument::EMPTY; 4];
    let mut sizes =
        |slots: usize| Books::new(&mut rows, &mut vec![Slot::FREE; slots]).map(|books| books.len());
    assert_eq!(sizes(12), Err(StorageError::NotPowerOfTwo));
    assert_eq!(sizes(1), Err(StorageError::NotPowerOfTwo));
    assert_eq!(sizes(0), Err(StorageError::NotPowerOfTwo));
    assert_eq!(sizes(4), Err(StorageError::TooSmall));
    assert_eq!(sizes(8), Ok(0));
}

#[test]
fn a_late_index_joins_a_known_instrument_and_stays() {
    let mut rows = vec![Instrument::EMPTY; 2];
    let mut slots = vec![Slot::FREE; 4];
    let mut books = Books::new(&mut rows, &mut slots).expect("sizes are right");
    let row = books.add(7, None).expect("there is room");
    assert_eq!(books.get(row).and_then(Instrument::index), None);
    assert_eq!(books.add(7, Some(InstrumentIndex(3))), Some(row));
    assert_eq!(books.add(7, None), Some(row));
    assert_eq!(books.get(row).and_then(Instrument::index), Some(InstrumentIndex(3)));
    assert_eq!(books.len(), 1);
}

/// A number that repeats or goes back is a break like a missing one, and wrapping is none.
#[test]
fn the_sequence_of_an_instrument_is_followed() {
    use xmc_hotpath::book::Continuity::{Broken, Whole};
    let mut book = Instrument::EMPTY;
    assert_eq!([41, 42, 43].map(|seq_no| book.follow(seq_no)), [Whole; 3]);
    assert!(!book.is_damaged());
    assert_eq!(
        [43, 44, 46, 47, 40].map(|n| book.follow(n)),
        [Broken, Whole, Broken, Whole, Broken]
    );
    assert!(book.is_damaged());
    book.clear();
    assert_eq!((book.is_damaged(), book.change_seq_no()), (false, None));
    assert_eq!([u32::MAX, 0, 1].map(|seq_no| book.follow(seq_no)), [Whole; 3]);
    book.clear();
    book.expect_after(0);
    assert_eq!(book.follow(2), Broken);
}

//! One quote that touches hundreds of spreads: looked at in slices, each spread, in order.

use std::collections::BTreeMap;

use super::stand::{Stand, instrument, spread};
use xmc_hotpath::message::{Detail, Event, InstrumentIndex, LegSpec, SpreadIndex, SpreadSpec};
use xmc_hotpath::price::ONE_Q32;
use xmc_hotpath::time::{MonoNs, Span};

/// Spreads that one input looks at.
const SLICE: usize = 32;

/// Instrument 0 prices all spreads; 1 and 2 are bought and sold by the even ones, 3 and 4 by the
/// odd ones. None is enabled, so that each look is told once and nothing fires.
fn priced(count: u32) -> Stand {
    let leg = |row, ratio_lots, coefficient_q32| LegSpec {
        instrument: InstrumentIndex(row),
        ratio_lots,
        coefficient_q32,
        ..LegSpec::NONE
    };
    let of = |row: u32| {
        let bought = if row.is_multiple_of(2) { 1 } else { 3 };
        let legs =
            [leg(bought, 1, ONE_Q32), leg(bought + 1, -1, -ONE_Q32), leg(0, 0, -1), LegSpec::NONE];
        let spread_row = SpreadIndex(row);
        SpreadSpec { spread: spread_row, legs, leg_count: 3, is_enabled: false, ..spread() }
    };
    let instruments: Vec<_> = (0..5).map(instrument).collect();
    let spreads: Vec<_> = (0..count).map(of).collect();
    let mut stand = Stand::with_spreads(&instruments, &spreads);
    for (row, bid, ask) in [(1, 98, 99), (2, 100, 101), (3, 98, 99), (4, 100, 101)] {
        stand.quote(row, bid, ask, 5);
        rest(&mut stand);
    }
    stand
}

/// The spreads that the last input told of.
fn told(stand: &Stand) -> Vec<u32> {
    let decisions = stand.outputs.details().filter_map(|detail| match detail {
        Detail::Decision(decision) => Some(decision.spread.0),
        _ => None,
    });
    decisions.collect()
}

/// Ticks until the desk asks for no more; what each told.
fn rest(stand: &mut Stand) -> Vec<Vec<u32>> {
    let mut slices = Vec::new();
    while stand.desk().next_deadline() == MonoNs(0) {
        stand.tell(Event::Tick);
        slices.push(told(stand));
        assert!(slices.len() < 1_000, "it comes to rest");
    }
    slices
}

#[test]
fn a_currency_that_prices_hundreds_of_spreads_has_each_looked_at_once_in_slices() {
    let mut stand = priced(300);
    stand.quote(0, 7, 8, 5);
    let mut slices = vec![told(&stand)];
    slices.extend(rest(&mut stand));
    assert!(slices.iter().all(|slice| slice.len() <= SLICE), "{slices:?}");
    assert_eq!(slices.len(), 300_usize.div_ceil(SLICE));
    let mut all: Vec<_> = slices.concat();
    all.sort_unstable();
    assert_eq!(all, (0..300).collect::<Vec<_>>());
}

#[test]
fn a_traded_leg_goes_before_spreads_that_are_only_priced_anew() {
    let mut stand = priced(300);
    stand.quote(0, 7, 8, 5);
    // A quote at which no even spread meets its level: none of them is told of again.
    stand.quote(1, 100, 101, 5);
    let first = told(&stand);
    let rows = rest(&mut stand).concat();
    let odd = |rows: &[u32]| rows.iter().filter(|row| *row % 2 == 1).count();
    assert!(odd(&first) <= 8, "the slice is for the even ones: {first:?}");
    assert!(rows.iter().all(|row| row % 2 == 1), "even ones were looked at first: {rows:?}");
}

#[test]
fn no_spread_waits_for_ever_while_traded_legs_are_quoted() {
    let mut stand = priced(300);
    stand.quote(0, 7, 8, 5);
    let mut seen: BTreeMap<u32, u32> = BTreeMap::new();
    for input in 0..60 {
        told(&stand).into_iter().for_each(|row| *seen.entry(row).or_default() += 1);
        // 150 even spreads are touched anew by each input, which is more than a slice.
        stand.quote(1, 98 - input % 2, 99, 5);
    }
    let odd = seen.keys().filter(|row| *row % 2 == 1).count();
    assert_eq!(odd, 150, "all odd ones were looked at as well: {seen:?}");
}

/// A row that waits in both queues is taken out of both: if not, it comes to stand in one twice,
/// others are overwritten, and nobody ever looks at these again.
#[test]
fn a_storm_of_quotes_leaves_no_spread_deaf() {
    let mut random = fastrand::Rng::with_seed(7);
    for count in [40, 64, 80, 100, 300] {
        for storm in 0..40 {
            let mut stand = priced(count);
            stand.quote(0, 7, 8, 5);
            if storm == 0 {
                [0, 1, 1].into_iter().for_each(|row| stand.quote(row, 98, 99, 5));
            }
            for _ in 0..storm * 5 {
                match random.u8(0..5) {
                    0 => stand.quote(0, 7, 8, 5),
                    1 => stand.quote(1, 98, 99, 5),
                    2 => stand.quote(3, 98, 99, 5),
                    3 => stand.quote([2, 4][random.usize(0..2)], 100, 101, 5),
                    _ => stand.tell(Event::Tick),
                }
            }
            // No level is met, and then all are: each spread is told of once.
            [1, 3].into_iter().for_each(|row| stand.quote(row, 100, 101, 5));
            rest(&mut stand);
            let mut all = Vec::new();
            for row in [1, 3] {
                stand.quote(row, 98, 99, 5);
                all.extend(told(&stand));
            }
            all.extend(rest(&mut stand).concat());
            all.sort_unstable();
            assert_eq!(all, (0..count).collect::<Vec<_>>(), "storm {storm} of {count}");
        }
    }
}

#[test]
fn a_quote_that_comes_while_a_spread_waits_begins_its_hold_anew() {
    for comes in [false, true] {
        let mut stand = priced(40);
        stand.quote(0, 7, 8, 5);
        rest(&mut stand);
        let mut last = stand.desk().spreads()[0].spec.expect("it is there");
        (last.is_enabled, last.trigger.open_hold) = (true, Span(1_000));
        stand.tell(Event::Spread(&last));
        stand.quote(1, 98, 99, 5);
        let since = stand.now;
        stand.now = since + 500;
        if comes {
            // Far enough to break the level; seen by 32 of them, and the first is the last of 40.
            stand.quote(0, -5_000_000_000, 8, 5);
            assert_eq!(stand.desk().next_deadline(), MonoNs(0), "some wait");
        }
        stand.quote(0, 7, 8, 5);
        rest(&mut stand);
        let again = stand.now;
        stand.now = since + 999;
        stand.tell(Event::Tick);
        assert_eq!(stand.orders().len(), if comes { 0 } else { 2 }, "comes: {comes}");
        if comes {
            stand.now = again + 1_000;
            stand.tell(Event::Tick);
            assert_eq!(stand.orders().len(), 2, "its time is up since then");
        }
    }
}

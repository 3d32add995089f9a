//! Venues that are killed and lines that are cut while the engine trades.

use super::markets::{Floor, Seen, Side, after, feed_gaps, traded};
use cross_market_connect::engine::live::Sight;
use cross_market_connect::venue::cme::simulated::LineFaults;
use xmc_hotpath::message::{ChannelState, InstrumentIndex};
use xmc_hotpath::port::Line;

const SHFE: u16 = 10;
const CME: u16 = 20;

const WHOLE: LineFaults = LineFaults::NONE;

/// Cuts a line of both venues, or mends it.
fn set_cut(floor: &Floor, line: Line, is_cut: bool) {
    let faults = LineFaults { is_cut, ..WHOLE };
    floor.shfe().set_faults(line, faults);
    floor.cme().set_faults(line, faults);
}

fn last(seen: &Seen, stream: u16) -> ChannelState {
    let mut states = seen.states.iter().rev();
    states.find(|(of, _)| *of == stream).expect("it has a state").1
}

/// Either line of either feed is cut, then both: one line is enough to trade on, none is not.
#[test]
fn cut_lines_leave_no_wrong_book_believed_and_no_order_unaccounted() {
    let one = |line: Line, is_cut: bool| {
        move |floor: &mut Floor, sight: &Sight<'_, '_>| {
            set_cut(floor, line, is_cut);
            assert_eq!([Side::Shfe, Side::Cme].map(|side| feed_gaps(sight, side)), [0, 0]);
        }
    };
    let seen = traded(
        "outage_lines",
        7,
        1_500,
        vec![
            after(1_500, one(Line::A, true)),
            after(2_700, one(Line::A, false)),
            after(800, one(Line::B, true)),
            after(2_700, one(Line::B, false)),
            after(400, |floor, _| {
                for line in Line::BOTH {
                    set_cut(floor, line, true);
                }
                floor.set_unheard(Side::Shfe, true);
                floor.set_unheard(Side::Cme, true);
            }),
            after(3_500, |floor, sight| {
                let rows = sight.desk.instruments().iter().zip(0..);
                let believed =
                    rows.filter(|(_, index)| sight.desk.believes(InstrumentIndex(*index)));
                assert_eq!(believed.count(), 0, "nothing has come for more than three seconds");
                for line in Line::BOTH {
                    set_cut(floor, line, false);
                }
                floor.cme().reset_channel();
                floor.set_unheard(Side::Shfe, false);
                floor.set_unheard(Side::Cme, false);
            }),
        ],
    );
    let single = |stream| seen.states.contains(&(stream, ChannelState::SingleLine));
    assert!(single(SHFE) && single(CME), "{:?}", seen.states);
    assert!(seen.holds > 15 && seen.believed.iter().all(|count| *count > 20), "{seen:?}");
    let fires_on_one_line: u32 = seen.fires[2..8].iter().sum();
    assert!(fires_on_one_line > 0 && seen.filled_lots > 0, "{seen:?}");
    assert!(last(&seen, SHFE).is_usable(), "missing slices were asked for: {seen:?}");
}

fn killed(side: Side, seed: u64) -> Seen {
    let seen = traded(
        "outage_kill",
        seed,
        3_000,
        vec![
            // What is sent while it hangs is lost with it.
            after(2_500, move |floor, _| floor.freeze(side)),
            after(600, move |floor, _| floor.kill(side)),
            after(3_700, move |floor, _| floor.restart(side)),
        ],
    );
    assert!(seen.orders > 10 && seen.filled_lots > 20 && seen.holds > 8, "{seen:?}");
    println!("of {} orders {} are unknown", seen.orders, seen.unknown);
    seen
}

#[test]
fn a_domestic_venue_that_is_killed_and_comes_back_leaves_nothing_wrong() {
    let seen = killed(Side::Shfe, 8);
    assert!(seen.believed[1] > 10, "{seen:?}");
    assert!(last(&seen, SHFE).is_usable(), "{seen:?}");
}

#[test]
fn an_overseas_venue_that_is_killed_and_comes_back_leaves_nothing_wrong() {
    let seen = killed(Side::Cme, 9);
    assert!(seen.believed[0] > 10, "{seen:?}");
    assert!(last(&seen, CME).is_usable(), "{seen:?}");
}

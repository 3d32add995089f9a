//! A desk on a recorded market: legs that miss, records that replay, figures counted twice.

use cross_market_connect::config::{Backtest, BacktestVenue, Latency};
use cross_market_connect::engine::replay;
use cross_market_connect::sim::backtest::counts::Outcome;
use cross_market_connect::sim::backtest::play::{Terms, play, play_with};
use cross_market_connect::sim::backtest::sink::written;
use cross_market_connect::sim::backtest::source::{Source, SourceError};
use cross_market_connect::sim::network::Delay;
use cross_market_connect::sim::score::market::{Book, MarketTerms, Move, Path};
use cross_market_connect::sim::score::play::{START, WIRE, play as score, spread};
use cross_market_connect::sim::score::receipts;
use xmc_hotpath::message::SpreadSpec;
use xmc_hotpath::record::frame::{self, Kind, Start};
use xmc_hotpath::time::MonoNs;

const MS: u64 = 1_000_000;
const TICK: i128 = 10_000_000 * 1_000;

/// A journal's bytes: of a desk that traded in the score's market of that path.
pub fn journal(path: &Path, wire: [Delay; 2]) -> Vec<u8> {
    journal_of(&spread(), path, wire)
}

fn journal_of(spread: &SpreadSpec, path: &Path, wire: [Delay; 2]) -> Vec<u8> {
    let played = score(path, spread, wire, None, 1).expect("every invariant holds");
    let mut bytes = written(&played.start);
    bytes.extend_from_slice(&played.record);
    bytes
}

pub fn drawn(seed: u64, seconds: u64) -> Vec<u8> {
    journal(&Path::draw(seed, &MarketTerms { seconds, life_ms: 500 }, START), WIRE)
}

pub fn market(bytes: &[u8]) -> Source<'_> {
    Source::of_blocks([bytes]).expect("a sound record")
}

/// Home answers in 1 ms each way, abroad so late.
pub fn late(abroad_us: u32) -> Terms {
    let venue = |us: u32| BacktestVenue {
        order: Latency { least_us: us, spread_us: 0 },
        report: Latency { least_us: 1_000, spread_us: 0 },
        ..BacktestVenue::default()
    };
    let venues = vec![(0, venue(1_000)), (1, venue(abroad_us))];
    Terms { model: Backtest { venues, ..Backtest::default() }, ..Terms::default() }
}

/// What a play writes, start and all, with what came of it.
pub fn recorded(source: &Source<'_>, terms: &Terms) -> (Vec<u8>, Outcome) {
    let mut bytes = Vec::new();
    let begin = |start: &Start| Ok(written(start));
    let finish = |run: Vec<u8>, _| {
        bytes.extend_from_slice(&run);
        Ok(())
    };
    let outcome = play_with(source, terms, begin, finish, &mut |_| {}).expect("it is played");
    (bytes, outcome)
}

/// Abroad stands ten ticks too high for 50 ms, with three lots to sell to.
fn one_opportunity() -> Vec<u8> {
    one_opportunity_with(&spread())
}

/// The same, of another pair.
pub fn one_opportunity_with(spread: &SpreadSpec) -> Vec<u8> {
    let book = |bid, ask| Book { bids: vec![bid], asks: vec![ask] };
    let at = |ms: u64, venue: usize, book: Book| Move { at: MonoNs(ms * MS), venue, book };
    let moves = vec![
        at(2, 0, book((6_999, 10), (7_000, 10))),
        at(2, 1, book((6_999, 10), (7_000, 10))),
        at(100, 1, book((7_010, 3), (7_011, 10))),
        at(150, 1, book((6_999, 10), (7_000, 10))),
    ];
    let path = Path { moves, jumps: Vec::new(), until: MonoNs(1_000 * MS) };
    journal_of(spread, &path, [Delay { least_ns: MS, spread_ns: 0 }; 2])
}

/// Both orders arrive while the price stands: three units are sold ten ticks above what they cost.
#[test]
fn legs_that_arrive_in_time_earn_the_spread() {
    let bytes = one_opportunity();
    let outcome = play(&market(&bytes), &late(1_000)).expect("it is played");
    let all = outcome.pairs[0].whole();
    assert_eq!(
        (all.fired.fires, all.fired.whole, all.fired.one_sided, all.done_units),
        (1, 1, 0, 3)
    );
    assert_eq!((all.slipped_e9, all.improved_e9, all.fees_e9), (0, 0, 0));
    assert_eq!(outcome.pairs[0].lots[..2], [3, -3]);
    // Held to the end: home stands at 6,999 to 7,000, abroad as well.
    assert_eq!(all.profit_e9, 3 * 10 * TICK);
}

/// The leg abroad leaves with the other one and arrives 90 ms later, when the price is gone: the
/// lots at home are traded back a tick worse than they were bought.
#[test]
fn a_leg_that_arrives_late_is_leg_risk() {
    let bytes = one_opportunity();
    let outcome = play(&market(&bytes), &late(90_000)).expect("it is played");
    let all = outcome.pairs[0].whole();
    assert_eq!((all.fired.fires, all.fired.whole, all.fired.one_sided), (1, 0, 1), "{all:?}");
    assert_eq!((all.fired.completed, all.fired.traded_back, all.halted), (0, 1, 0));
    assert_eq!(outcome.pairs[0].lots[..2], [0, 0]);
    assert_eq!((all.profit_e9, all.slipped_e9, all.repairs_e9), (-3 * TICK, 3 * TICK, 3 * TICK));
    assert_eq!(all.legs[0].realised_e9, -3 * TICK);
    // Home is filled 1 ms after the decision and known at 2 ms; abroad is known to be empty 91 ms
    // after it, and the way back and forth takes 2 ms. Reports of one order are 1 ns apart.
    let exposed_ns = all.exposed_lot_ns / 3;
    assert!((90 * MS..93 * MS).contains(&(exposed_ns as u64)), "{exposed_ns} ns");
    assert_eq!(all.most_residual_lots, 3);
    assert_eq!(all.drawdown_e9, 3 * TICK + 3 * TICK / 2 - 3 * TICK / 2);
    assert_eq!(outcome.repairs.len(), all.fired.traded_back as usize);
}

/// An order that takes longer than the desk waits for an answer: its deadline fires on the virtual
/// clock, long before the answer.
#[test]
fn deadlines_fire_on_virtual_time() {
    let bytes = one_opportunity();
    let source = market(&bytes);
    let outcome = play(&source, &late(3_000_000)).expect("it is played");
    assert!(outcome.alerts.contains_key("order_unknown"), "{:?}", outcome.alerts);
    let outcome = play(&source, &late(90_000)).expect("it is played");
    assert!(!outcome.alerts.contains_key("order_unknown"), "{:?}", outcome.alerts);
}

/// The record of a backtest is one like any other: a fresh desk does the same, byte for byte.
#[test]
fn the_record_replays_equal() {
    let bytes = drawn(3, 20);
    let (record, outcome) = recorded(&market(&bytes), &late(20_000));
    let replayed = replay::verify([&record[..]], &[]).expect("it reads as a record");
    assert!(replayed.is_equal(), "{:?}", replayed.difference);
    assert_eq!(replayed.inputs, outcome.inputs);
    assert_eq!(replayed.orders, outcome.orders);
    assert_eq!(replayed.fires, outcome.whole().fired.fires);
    assert!(replayed.fires > 20, "{replayed:?}");
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let bytes = drawn(4, 20);
    let source = market(&bytes);
    let of = |seed| {
        let model = Backtest { seed, ..Backtest::default() };
        recorded(&source, &Terms { model, ..Terms::default() }).0
    };
    assert!(of(7) == of(7));
    assert!(of(7) != of(8), "delays follow from the seed");
}

/// What is counted on the way is what is counted from the record, by code that knows nothing of it.
#[test]
fn figures_are_those_of_the_record() {
    for (seed, abroad_us) in [(1, 1_000), (2, 30_000), (5, 150_000)] {
        let bytes = drawn(seed, 30);
        let (record, outcome) = recorded(&market(&bytes), &late(abroad_us));
        let (_, _, behind_start) = frame::split(&record).expect("a start");
        let counted = receipts::read(behind_start, 2, &[]).expect("its own record");
        let all = outcome.pairs[0].whole();
        assert!(all.fired.fires > 10, "{all:?}");
        assert_eq!(
            [
                all.fired.fires,
                all.fired.whole,
                all.fired.partial,
                all.fired.empty,
                all.fired.one_sided,
                all.fired.unended
            ],
            [
                counted.fired.fires,
                counted.fired.whole,
                counted.fired.partial,
                counted.fired.empty,
                counted.fired.one_sided,
                counted.fired.unended
            ]
        );
        assert_eq!(
            [all.fired.completed, all.fired.traded_back],
            [counted.fired.completed, counted.fired.traded_back]
        );
        assert_eq!(all.halted, counted.broken);
        assert_eq!(all.exposed_lot_ns, counted.exposed_lot_ns);
        assert_eq!(all.most_residual_lots, counted.most_lots);
        let near = |one: i128, other: u128| one.unsigned_abs().abs_diff(other) < 1_000;
        assert!(near(all.slipped_e9, counted.slipped_e9), "{all:?} {counted:?}");
        assert!(near(all.improved_e9, counted.improved_e9), "{all:?} {counted:?}");
        let turnover: i128 = all.legs.iter().map(|leg| leg.turnover_e9).sum();
        assert!(near(turnover, counted.traded_e9), "{turnover} {}", counted.traded_e9);
        // Profit is what the legs brought, held lots at the middle, less fees: there are none.
        let pair = &outcome.pairs[0];
        let legs = all.legs.iter().zip(&pair.open_e9);
        let profit: i128 = legs.map(|(leg, open)| leg.realised_e9 + open).sum();
        assert!((profit - all.profit_e9).abs() < 1_000_000, "{profit} {}", all.profit_e9);
    }
}

/// The recorded desk's own orders are no part of the market, whatever became of them.
#[test]
fn orders_of_the_record_are_left_out() {
    let bytes = drawn(6, 20);
    let mut without = Vec::new();
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        let (header, _, after) = frame::split(rest).expect("whole records");
        let is_left_out =
            header.kind.is_output() || matches!(header.kind, Kind::OrderEvent | Kind::Tick);
        if !is_left_out {
            without.extend_from_slice(&rest[..rest.len() - after.len()]);
        }
        rest = after;
    }
    assert!(without.len() < bytes.len());
    let of = |bytes: &[u8]| recorded(&market(bytes), &late(5_000)).0;
    assert!(of(&bytes) == of(&without));
}

/// Without the record's commands the desk arms itself, and trades.
#[test]
fn a_desk_without_commands_arms_itself() {
    let bytes = drawn(2, 20);
    let source = market(&bytes);
    let terms = Terms { leaves_commands: true, ..late(1_000) };
    let outcome = play(&source, &terms).expect("it is played");
    assert!(outcome.whole().fired.fires > 10);
    let commands = |bytes: &[u8]| {
        let (mut rest, mut count) = (bytes, 0);
        while !rest.is_empty() {
            let (header, _, after) = frame::split(rest).expect("whole records");
            count += u32::from(header.kind == Kind::Command);
            rest = after;
        }
        count
    };
    assert_eq!(commands(&recorded(&source, &terms).0), 1);
}

/// Two runs are two desks, one after the other, each from nothing; the account goes on.
#[test]
fn runs_are_played_one_after_the_other() {
    let mut bytes = drawn(1, 10);
    let first = bytes.len();
    bytes.extend_from_slice(&drawn(2, 10));
    let source = market(&bytes);
    assert_eq!(source.runs.len(), 2);
    let (record, both) = recorded(&source, &late(1_000));
    let replayed = replay::verify([&record[..]], &[]).expect("it reads as a record");
    assert!(replayed.is_equal() && replayed.runs == 2, "{replayed:?}");
    let one = play(&market(&bytes[..first]), &late(1_000)).expect("it is played");
    let other = play(&market(&bytes[first..]), &late(1_000)).expect("it is played");
    assert_eq!(one.whole().fired.fires + other.whole().fired.fires, both.whole().fired.fires);
    assert!(both.lasted_ns > one.lasted_ns);
}

#[test]
fn what_is_no_record_is_refused() {
    let bytes = drawn(1, 2);
    assert!(matches!(Source::of_blocks([]), Err(SourceError::Empty)));
    let (_, _, behind_start) = frame::split(&bytes).expect("a start");
    assert!(matches!(Source::of_blocks([behind_start]), Err(SourceError::NoStart(1))));
    let cut = &bytes[..bytes.len() - 3];
    assert!(matches!(Source::of_blocks([cut]), Err(SourceError::Damaged { .. })));
}

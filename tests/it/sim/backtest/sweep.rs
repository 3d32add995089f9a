//! Grids, and the two sides of a split.

use super::play::{drawn, market};
use cross_market_connect::sim::backtest::counts::Outcome;
use cross_market_connect::sim::backtest::play::{Terms, play};
use cross_market_connect::sim::backtest::sweep::{Axis, AxisError, Figure, grid, sweep};

fn axis(text: &str) -> Result<Axis, AxisError> {
    Axis::read(text, &["cu_bc".to_owned(), "au".to_owned()])
}

#[test]
fn an_axis_is_read_as_written() {
    let levels = axis("au.buy_open=-40:-20.5:6.5").expect("it is one");
    assert_eq!((levels.spread.0, levels.figure), (1, Figure::BuyOpen));
    assert_eq!(
        levels.values_e9,
        [-40, -33, -27, -20].map(|whole: i64| match whole {
            -33 => -33_500_000_000,
            -20 => -20_500_000_000,
            whole => whole * 1_000_000_000,
        })
    );
    assert_eq!(axis("cu_bc.clip_units=3").expect("one value").values_e9, [3_000_000_000]);
}

#[test]
fn what_is_no_axis_is_refused() {
    for (text, word) in [
        ("cu_bc.buy_open", "write PAIR.KEY=FROM:TO:STEP"),
        ("cu_bc.buy_open=1:2", "write PAIR.KEY=FROM:TO:STEP"),
        ("ag.buy_open=1:2:1", "there are: cu_bc, au"),
        ("cu_bc.open_buy=1:2:1", "there are: buy_open"),
        ("cu_bc.buy_open=2:1:1", "a step is above 0"),
        ("cu_bc.buy_open=1:2:0", "a step is above 0"),
        ("cu_bc.buy_open=x:2:1", "\"x\""),
        ("cu_bc.clip_units=0:2:1", "whole numbers from 1"),
        ("cu_bc.clip_units=1:2:0.5", "whole numbers from 1"),
        ("cu_bc.buy_open=0:100000:1", "more than 10000 points"),
    ] {
        let error = axis(text).expect_err(text).to_string();
        assert!(error.contains(word), "{text}: {error}");
    }
    let two = [axis("au.buy_open=1:200:1"), axis("au.sell_open=1:200:1")]
        .map(|axis| axis.expect("it is one"));
    assert_eq!(grid(&two), Err(AxisError::Many));
    let twice = [two[0].clone(), two[0].clone()];
    assert!(matches!(grid(&twice), Err(AxisError::Twice(_))));
}

/// Money, fires and lines of an outcome, as text.
fn bytes(outcome: &Outcome) -> String {
    format!("{:?} {:?}", outcome.pairs, outcome.refusals)
}

/// Every point is what it is alone, whichever thread has it.
#[test]
fn points_do_not_depend_on_the_threads() {
    let record = drawn(3, 10);
    let source = market(&record);
    let axes = [
        Axis::read("s.buy_open=-0.05:-0.03:0.01", &["s".to_owned()]).expect("an axis"),
        Axis::read("s.clip_units=1:2:1", &["s".to_owned()]).expect("an axis"),
    ];
    let points = grid(&axes).expect("a small grid");
    let texts: Vec<_> = points.iter().map(|point| &*point.text).collect();
    assert_eq!(texts.len(), 6);
    assert_eq!(texts[0], "s.buy_open=-0.05 s.clip_units=1");
    assert_eq!(texts[5], "s.buy_open=-0.03 s.clip_units=2");
    let terms = Terms::default();
    let [one, two] = [1, 2].map(|threads| {
        let outcomes = sweep(&source, &terms, &points, threads, &|| {}).expect("they are played");
        outcomes.iter().map(bytes).collect::<Vec<_>>()
    });
    assert_eq!(one, two);
    let alone = Terms { changes: points[3].changes.clone(), ..Terms::default() };
    assert_eq!(bytes(&play(&source, &alone).expect("it is played")), one[3]);
    assert_ne!(one[0], one[4], "a level changes what is done");
}

/// The two periods are all of it: nothing is counted twice, nothing is left out.
#[test]
fn two_periods_are_the_whole() {
    let record = drawn(5, 20);
    let source = market(&record);
    let whole = play(&source, &Terms::default()).expect("it is played");
    let split_ns = Some(source.lasted_ns() * 6 / 10);
    let parts = play(&source, &Terms { split_ns, ..Terms::default() }).expect("it is played");
    assert_eq!(parts.split_ns, split_ns);
    let (one, other, all) = (parts.period(0), parts.period(1), whole.whole());
    assert!(one.fired.fires > 5 && other.fired.fires > 5, "{one:?} {other:?}");
    assert_eq!(one.fired.fires + other.fired.fires, all.fired.fires);
    assert_eq!(one.profit_e9 + other.profit_e9, all.profit_e9);
    assert_eq!(one.exposed_lot_ns + other.exposed_lot_ns, all.exposed_lot_ns);
    assert_eq!(parts.whole().legs, all.legs);
    assert_eq!(parts.pairs[0].curve, whole.pairs[0].curve);
}

//! Seeded paths: the same for any number of threads, pooled above siloed, and nobody liquidated.

use super::{book, edited};
use cross_market_connect::capital::paths::{Hours, Policy, World, paths, play};

const POLICIES: [Policy; 2] =
    [Policy { operate: 0.88, is_pooled: false }, Policy { operate: 0.88, is_pooled: true }];

fn world() -> World {
    let terms = edited(&[]);
    World::new(&terms, &book(&terms)).expect("the sample has paths")
}

#[test]
fn paths_are_the_same_for_any_number_of_threads() {
    let world = world();
    let one = paths(&world, POLICIES, (5, 6), 1, &|_| {});
    let three = paths(&world, POLICIES, (5, 6), 3, &|_| {});
    assert_eq!(one, three);
    assert_ne!(play(&world, POLICIES[1], 5), play(&world, POLICIES[1], 6));
    assert_eq!(one[0].paths, 6);
    assert_eq!(one[0].largest_move, one[1].largest_move, "both have the same prices");
}

#[test]
fn pooled_capital_is_used_more_and_nobody_is_liquidated() {
    let world = world();
    let [siloed, pooled] = paths(&world, POLICIES, (1, 40), 2, &|_| {});
    assert!(pooled.utilisation > siloed.utilisation + 0.05, "{siloed:?} {pooled:?}");
    assert_eq!((pooled.breaches, pooled.liquidations), (0, 0));
    assert!(pooled.transfers > 0 && siloed.transfers == 0);
    assert!(pooled.failed > 0 && pooled.late > 0, "the bank has its troubles");
}

/// A world in which brokers have no patience and nobody reduces in time does liquidate: the counts
/// can fail.
#[test]
fn a_desk_without_room_is_liquidated() {
    let terms = edited(&[
        ("floor = \"0.5\"", "floor = \"0.95\""),
        ("most_jump = \"0.05\"", { "most_jump = \"0.3\"" }),
        ("jump = \"0.02\"", "jump = \"0.2\""),
    ]);
    let world = World::new(&terms, &book(&terms)).expect("the sample has paths");
    let tight = POLICIES.map(|policy| Policy { operate: 0.95, ..policy });
    let [siloed, pooled] = paths(&world, tight, (1, 20), 2, &|_| {});
    assert!(siloed.liquidations > 0 && pooled.liquidations > 0, "{siloed:?} {pooled:?}");
}

#[test]
fn markets_have_their_hours() {
    let at = |day: usize, clock: usize| Hours::of(day * 24 + clock);
    assert!(!at(0, 3).overseas && at(0, 6).overseas && !at(1, 5).overseas && at(1, 4).overseas);
    assert!(at(0, 9).domestic && !at(0, 15).domestic && at(0, 21).domestic && at(1, 0).domestic);
    assert!(!at(0, 0).domestic, "the night of Sunday");
    assert!(at(5, 0).domestic && !at(5, 9).domestic && !at(6, 12).overseas, "the weekend");
    assert!(at(4, 14).settles && !at(5, 14).settles);
    assert!(at(5, 4).overseas && at(5, 4).settles_overseas && !at(5, 6).overseas);
}

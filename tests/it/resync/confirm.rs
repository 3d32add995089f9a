//! The double read: what is on its way is no difference, what stays is one.

use cross_market_connect::resync::confirm::{Difference, Judged, Kind, confirm, is_clean};
use cross_market_connect::resync::read::{Alone, Cash, Held, Off, Reading};
use cross_market_connect::resync::statement::Exact;
use proptest::prelude::*;
use std::collections::BTreeMap;
use xmc_hotpath::time::UnixNs;

/// Both sides hold nothing, and know of no fills.
fn flat() -> Reading {
    Reading {
        as_of: UnixNs(1),
        sequence: 1,
        seq_no: 1,
        has_fills: true,
        positions: Some(vec![held(0, 0)]),
        off: Vec::new(),
        alone: Some(Vec::new()),
        money: Some(vec![cash(0, 0)]),
        orders: 0,
    }
}

fn held(venue: i64, desk: i64) -> Held {
    Held { instrument: "hg".to_owned(), venue, desk, least: desk, most: desk }
}

fn off(order: &str, venue: i64, desk: i64) -> Off {
    Off {
        order: order.to_owned(),
        instrument: "hg".to_owned(),
        venue,
        desk,
        venue_cash_e9: i128::from(-venue) * 5_000,
        desk_cash_e9: Some(i128::from(-desk) * 5_000),
    }
}

fn cash(venue_e9: i128, desk_e9: i128) -> Cash {
    let instruments = vec!["hg".to_owned()];
    Cash { currency: "USD".to_owned(), venue_e9, desk_e9, is_certain: true, instruments }
}

fn judged<T>(tolerance_e9: i128, ask: impl FnOnce(&Judged<'_>) -> T) -> T {
    let begun_e9 = BTreeMap::from([("USD".to_owned(), 0)]);
    ask(&Judged { source: "clearing", gateway: "cme", tolerance_e9, begun_e9: &begun_e9 })
}

fn confirmed(first: &Reading, second: &Reading) -> Vec<Difference> {
    judged(0, |judged| confirm(first, second, judged))
}

fn kinds(found: &[Difference]) -> Vec<(Kind, String, String)> {
    let one = |one: &Difference| (one.kind, one.venue.to_string(), one.desk.to_string());
    found.iter().map(one).collect()
}

fn figure(kind: Kind, venue: &str, desk: &str) -> (Kind, String, String) {
    (kind, venue.to_owned(), desk.to_owned())
}

#[test]
fn a_lot_lost_or_too_many_is_a_position_that_differs() {
    for (venue, desk) in [(2, 3), (4, 3), (30, 3), (-3, 3)] {
        let one = Reading { positions: Some(vec![held(venue, desk)]), ..flat() };
        let found = confirmed(&one, &one);
        let [position] = &found[..] else { panic!("{found:?}") };
        assert_eq!(kinds(&found), [figure(Kind::Position, &venue.to_string(), "3")]);
        assert_eq!((&*position.of, &*position.scope), ("hg", "instrument=hg"));
        assert_eq!(position.id.len(), 8);
        assert_eq!(found, confirmed(&one, &one), "the same difference has the same name");
    }
}

#[test]
fn a_fill_that_the_desk_hears_late_is_none() {
    let on_way = Reading {
        positions: Some(vec![held(3, 1)]),
        off: vec![off("A", 3, 1)],
        money: Some(vec![cash(-15_000, -5_000)]),
        ..flat()
    };
    let heard = Reading {
        positions: Some(vec![held(3, 3)]),
        money: Some(vec![cash(-15_000, -15_000)]),
        ..flat()
    };
    assert!(!judged(0, |judged| is_clean(&on_way, judged)));
    assert_eq!(confirmed(&on_way, &heard), []);
    // Another order is on its way meanwhile.
    let other = Reading {
        positions: Some(vec![held(8, 3)]),
        off: vec![off("B", 5, 0)],
        money: Some(vec![cash(-40_000, -15_000)]),
        ..flat()
    };
    assert_eq!(confirmed(&on_way, &other), []);
    // The same order goes on filling.
    let more = Reading {
        positions: Some(vec![held(5, 3)]),
        off: vec![off("A", 5, 3)],
        money: Some(vec![cash(-25_000, -15_000)]),
        ..flat()
    };
    assert_eq!(confirmed(&on_way, &more), []);
}

#[test]
fn a_fill_that_the_desk_never_hears_is_one_with_its_position_and_its_money() {
    let lost = Reading {
        positions: Some(vec![held(3, 1)]),
        off: vec![off("A", 3, 1)],
        money: Some(vec![cash(-15_000, -5_000)]),
        ..flat()
    };
    let found = confirmed(&lost, &lost);
    let expected = [
        figure(Kind::Fill, "3", "1"),
        figure(Kind::Position, "3", "1"),
        figure(Kind::Money, "-0.000015", "-0.000005"),
    ];
    assert_eq!(kinds(&found), expected);
    assert_eq!(found[0].order.as_deref(), Some("A"));
    // The other way round: the venue does not know a fill that the desk has had for long.
    let missing = Reading { off: vec![off("A", 1, 3)], ..flat() };
    let found = confirmed(&missing, &missing);
    assert_eq!(kinds(&found)[0], figure(Kind::Fill, "1", "3"));
}

#[test]
fn a_fill_at_another_price_is_one() {
    let priced = |venue_cash_e9| Off { venue_cash_e9, ..off("A", 3, 3) };
    let one = Reading { off: vec![priced(-15_003)], ..flat() };
    assert_eq!(kinds(&confirmed(&one, &one))[0].0, Kind::Fill);
}

#[test]
fn an_order_that_lives_on_one_side_counts_if_it_does_in_both_readings() {
    let alone = |order: &str, is_at_venue| {
        let (order, instrument) = (order.to_owned(), "hg".to_owned());
        Reading { alone: Some(vec![Alone { order, instrument, lots: -2, is_at_venue }]), ..flat() }
    };
    let stays = alone("A", true);
    assert_eq!(kinds(&confirmed(&stays, &stays)), [figure(Kind::Order, "-2", "0")]);
    assert_eq!(confirmed(&stays, &alone("B", true)), [], "one went, another came");
    assert_eq!(confirmed(&stays, &flat()), []);
    let ours = alone("A", false);
    assert_eq!(kinds(&confirmed(&ours, &ours)), [figure(Kind::Order, "0", "-2")]);
}

#[test]
fn money_counts_beyond_the_tolerance_and_closes_its_gateway() {
    let one = Reading { money: Some(vec![cash(11, 0)]), ..flat() };
    assert_eq!(judged(11, |judged| confirm(&one, &one, judged)), []);
    let found = judged(10, |judged| confirm(&one, &one, judged));
    assert_eq!(kinds(&found), [figure(Kind::Money, "0.000000011", "0")]);
    assert_eq!(found[0].scope, "gateway=cme");
    let unsure = Cash { is_certain: false, ..cash(11, 0) };
    let unsure = Reading { money: Some(vec![unsure]), ..flat() };
    assert_eq!(confirmed(&unsure, &unsure), [], "nobody can tell");
}

#[test]
fn without_fills_a_position_is_compared_with_what_can_be() {
    let bounded = |venue| {
        let held = Held { least: 1, most: 5, ..held(venue, 3) };
        Reading { has_fills: false, positions: Some(vec![held]), ..flat() }
    };
    assert_eq!(confirmed(&bounded(5), &bounded(1)), []);
    assert_eq!(kinds(&confirmed(&bounded(6), &bounded(6))), [figure(Kind::Position, "4", "3")]);
    assert_eq!(confirmed(&bounded(6), &bounded(0)), [], "not the same difference");
}

/// A venue and a desk that hears of every fill, some time later: by how many fills each reading is
/// behind is drawn, but what was there at the first is known to both at the second.
fn healthy() -> impl Strategy<Value = (Reading, Reading)> {
    let order = (-9_i64..=9, 0_i64..=9, 0_i64..=9, 0_i64..=9, any::<bool>());
    prop::collection::vec(order, 0..8).prop_map(|orders| {
        let (mut first, mut second) = (Vec::new(), Vec::new());
        for (place, (side, early, middle, late, is_desk_behind)) in orders.into_iter().enumerate() {
            let sign = if side < 0 { -1 } else { 1 };
            let [one, two, three] =
                [early, early + middle, early + middle + late].map(|lots| sign * lots);
            let name = format!("order {place}");
            let pair = |ahead, behind| {
                let (venue, desk) = if is_desk_behind { (ahead, behind) } else { (behind, ahead) };
                off(&name, venue, desk)
            };
            first.push(pair(two, one));
            second.push(pair(three, two));
        }
        (reading(&first), reading(&second))
    })
}

fn reading(orders: &[Off]) -> Reading {
    let sum = |of: fn(&Off) -> i64| orders.iter().map(of).sum::<i64>();
    let (venue, desk) = (sum(|one| one.venue), sum(|one| one.desk));
    Reading {
        positions: Some(vec![held(venue, desk)]),
        money: Some(vec![cash(i128::from(-venue) * 5_000, i128::from(-desk) * 5_000)]),
        off: orders.iter().filter(|one| one.venue != one.desk).cloned().collect(),
        ..flat()
    }
}

proptest! {
    /// However much is on its way at both readings.
    #[test]
    fn a_healthy_desk_is_never_said_to_differ((first, second) in healthy()) {
        prop_assert_eq!(confirmed(&first, &second), []);
    }

    /// However much is on its way, one lot that nobody traded is found, and nothing else is.
    #[test]
    fn one_lot_is_found_however_busy_the_desk_is(
        (mut first, mut second) in healthy(),
        lot in prop::sample::select(vec![-1_i64, 1]),
    ) {
        for reading in [&mut first, &mut second] {
            reading.positions.iter_mut().flatten().for_each(|held| held.venue += lot);
        }
        let found = confirmed(&first, &second);
        prop_assert_eq!(found.len(), 1, "{:?}", found);
        prop_assert_eq!(found[0].kind, Kind::Position);
        let off = Exact(found[0].venue.0 - found[0].desk.0);
        prop_assert_eq!(off.to_string(), lot.to_string());
    }
}

//! Spreads that are taken out while the desk runs, and rows that are told another one.

use super::stand::{ONE_E9, Stand, instrument, spread};
use xmc_hotpath::message::{
    Alert, AlertKind, CommandKind, Detail, Event, InstrumentIndex, Keeper, OrderEventKind,
    SafeState, SpreadIndex, SpreadSpec,
};

/// What keeps the first spread from being removed now.
fn remove(stand: &mut Stand) -> Option<Keeper> {
    stand.command(CommandKind::Remove);
    let refusals = stand.outputs.details().filter_map(|detail| match detail {
        Detail::Alert(Alert { kind: AlertKind::RemoveRefused, value, .. }) => Some(*value),
        _ => None,
    });
    let codes: Vec<_> = refusals.collect();
    let kept = codes.first().map(|code| u8::try_from(*code).expect("a code"));
    kept.map(|code| Keeper::from_code(code).expect("a keeper"))
}

fn is_there(stand: &Stand) -> bool {
    stand.desk().spreads()[0].spec.is_some()
}

#[test]
fn a_spread_that_is_removed_is_not_looked_at_any_more() {
    let mut stand = Stand::new();
    assert_eq!(remove(&mut stand), None);
    assert!(!is_there(&stand));
    stand.quote(1, 100, 101, 5);
    stand.quote(0, 99, 100, 5);
    assert_eq!((stand.orders(), stand.decision()), (vec![], None));
    assert_eq!(remove(&mut stand), Some(Keeper::Nothing), "it is gone already");
}

#[test]
fn a_spread_with_something_under_way_or_held_is_kept_and_it_is_said_why() {
    let mut stand = Stand::new();
    let [buy, sell] = stand.open(5);
    assert_eq!(remove(&mut stand), Some(Keeper::Fire));
    stand.fill(&buy, 1, 5, 5);
    assert_eq!(remove(&mut stand), Some(Keeper::Fire));
    stand.fill(&sell, 2, 5, 5);
    assert_eq!(remove(&mut stand), Some(Keeper::Position));
    assert!(is_there(&stand), "it closes what it holds");
    stand.quote(0, 120, 121, 5);
    for (order, exec_id) in stand.orders().iter().zip(3..) {
        stand.fill(order, exec_id, 5, 5);
    }
    assert_eq!(remove(&mut stand), None);
}

#[test]
fn a_spread_that_is_broken_or_halted_is_kept() {
    let mut stand = Stand::new();
    let [buy, sell] = stand.open(5);
    stand.fill(&buy, 1, 5, 5);
    stand.news(&sell, OrderEventKind::Rejected);
    assert_eq!(remove(&mut stand), Some(Keeper::Residual));
    stand.command(CommandKind::ClearHalt);
    assert_eq!(remove(&mut stand), None, "somebody has dealt with it");
}

#[test]
fn a_row_that_is_told_another_spread_trades_that_one() {
    let mut stand = Stand::with_spreads(&[0, 1, 2].map(instrument), &[spread()]);
    assert_eq!(remove(&mut stand), None);
    let mut other = spread();
    other.legs[1].instrument = InstrumentIndex(2);
    stand.tell(Event::Spread(&other));
    assert_eq!(stand.alerts(), []);
    stand.quote(1, 100, 101, 5);
    stand.quote(0, 99, 100, 5);
    assert_eq!(stand.orders(), [], "instrument 1 is no leg of it");
    stand.quote(2, 100, 101, 5);
    let traded: Vec<_> = stand.orders().iter().map(|order| order.instrument.0).collect();
    assert_eq!(traded, [0, 2]);
}

#[test]
fn spreads_that_share_legs_with_a_removed_one_are_still_looked_at() {
    let second = SpreadSpec { spread: SpreadIndex(1), ..spread() };
    let third = SpreadSpec { spread: SpreadIndex(2), ..spread() };
    for gone in 0..3_u32 {
        let mut stand = Stand::with_spreads(&[0, 1].map(instrument), &[spread(), second, third]);
        stand.remove_row(gone);
        stand.quote(1, 100, 101, 50);
        stand.quote(0, 98, 99, 50);
        let mut fired = Vec::new();
        for row in [1, 0, 1, 0] {
            fired.extend(stand.orders().iter().map(|order| order.spread.0));
            let bid = if row == 0 { 98 } else { 100 };
            stand.quote(row, bid, bid + 1, 50);
        }
        fired.extend(stand.orders().iter().map(|order| order.spread.0));
        fired.sort_unstable();
        fired.dedup();
        let left: Vec<_> = (0..3).filter(|row| *row != gone).collect();
        assert_eq!(fired, left, "without {gone}");
    }
}

#[test]
fn late_news_of_a_removed_spread_is_not_counted_to_the_next_one_of_its_row() {
    let mut stand = Stand::new();
    let [buy, sell] = stand.open(5);
    stand.news(&buy, OrderEventKind::Cancelled);
    stand.news(&sell, OrderEventKind::Cancelled);
    assert_eq!(remove(&mut stand), None);
    stand.tell(Event::Spread(&spread()));
    stand.fill(&buy, 1, 2, 2);
    assert_eq!(stand.desk().spreads()[0].residual_lots[0], 0);
    assert_eq!(stand.exposure(0), (2, 0, 0), "the instrument holds them");
    assert_eq!(stand.alerts(), [AlertKind::BrokenSpread]);
    assert_eq!(stand.desk().state(), SafeState::NoNew, "somebody has to look");
    stand.quote(0, 99, 100, 5);
    assert_eq!(stand.orders(), []);
    stand.command(CommandKind::Arm);
    stand.quote(1, 100, 101, 5);
    let again = stand.orders();
    assert_eq!(again.len(), 2);
    assert!(again.iter().all(|order| ![buy.order_id, sell.order_id].contains(&order.order_id)));
    assert_eq!(again[0].price_e9, 100 * ONE_E9);
}

//! What is not told takes as much room as if it were: what is recorded decides nothing.

use super::stand::{Stand, instrument, spread};
use xmc_hotpath::message::{Detailing, Event, Gate, SpreadIndex, SpreadSpec};
use xmc_hotpath::time::MonoNs;

/// More spreads than one input looks at, and than details that it may cause.
const SPREADS: u32 = 100;

/// Only the first spread, which is looked at last, may fire. How many inputs that takes, and
/// what was told.
fn inputs_until_it_fires(detailing: Detailing) -> (u32, usize) {
    let row = |row| SpreadSpec { spread: SpreadIndex(row), is_enabled: row == 0, ..spread() };
    let spreads: Vec<_> = (0..SPREADS).map(row).collect();
    let mut stand = Stand::with_spreads(&[instrument(0), instrument(1)], &spreads);
    stand.tell(Event::Detailing(detailing));
    let mut inputs = 1;
    stand.quote(1, 100, 101, 5);
    let mut told = stand.outputs.detail_count();
    while stand.desk().next_deadline() == MonoNs(0) {
        // None of them has a book of its first leg yet.
        stand.tell(Event::Tick);
        told += stand.outputs.detail_count();
    }
    stand.quote(0, 99, 100, 5);
    while stand.orders().is_empty() {
        told += stand.outputs.detail_count();
        assert!(inputs < 10, "it never fires");
        inputs += 1;
        stand.tell(Event::Tick);
    }
    (inputs, told + stand.outputs.detail_count())
}

#[test]
fn a_refusal_that_is_not_told_takes_its_room() {
    let (inputs, told) = inputs_until_it_fires(Detailing::ALL);
    assert!(inputs > 1, "all spreads fit into one input: more of them here");
    assert_eq!(told, SPREADS as usize);
    let disabled = Detailing { refusals: !Detailing::bit(Gate::Disabled), ..Detailing::ALL };
    assert_eq!(inputs_until_it_fires(disabled), (inputs, 1), "the fire alone is told");
}

/// A refusal that goes on is told once it is wanted again.
#[test]
fn what_is_refused_now_is_told_when_it_is_wanted_again() {
    let disabled = SpreadSpec { is_enabled: false, ..spread() };
    let mut stand = Stand::with(&[instrument(0), instrument(1)], &disabled);
    stand.tell(Event::Detailing(Detailing { refusals: 0, ..Detailing::ALL }));
    stand.quote(1, 100, 101, 5);
    stand.quote(0, 99, 100, 5);
    assert_eq!(stand.decision(), None, "nobody wants it");
    stand.tell(Event::Detailing(Detailing::ALL));
    stand.quote(0, 99, 100, 6);
    let told = stand.decision().expect("it is wanted");
    assert_eq!((told.gate, told.repeated), (Gate::Disabled, 0));
    stand.quote(0, 99, 100, 7);
    assert_eq!(stand.decision(), None, "the same again");
}

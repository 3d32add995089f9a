//! A desk from a saved state. That it goes on as the one that was saved is the simulator's (its
//! replays go through a snapshot); here is what is rare there, and what is refused.

use super::stand::{IDENTITY, Stand};
use cross_market_connect::engine::memory::{DeskMemory, DeskSize};
use cross_market_connect::sim::tape::state;
use xmc_hotpath::desk::{Desk, Outputs};
use xmc_hotpath::message::{CommandKind, Credits, Event, Input};
use xmc_hotpath::record::codec::Decoder;
use xmc_hotpath::time::MonoNs;

/// Far more rows than a desk that is killed looks at before it is called again.
const ORDERS: usize = 4_096;

#[test]
fn a_kill_that_has_rows_left_to_look_at_goes_on() {
    let mut stand = Stand::empty(2, ORDERS);
    stand.command(CommandKind::Kill);
    assert_eq!(stand.desk().next_deadline(), MonoNs(0), "it is not through: more orders here");
    let saved = state(stand.desk());
    let mut arenas = DeskMemory::new(DeskSize { instruments: 2, spreads: 2, orders: ORDERS });
    let desk = Desk::restore(IDENTITY, arenas.lend(), &mut Decoder::new(&saved));
    let mut desk = desk.expect("it was saved");
    let mut outputs = Outputs::new();
    for _ in 0..ORDERS {
        assert_eq!(desk.next_deadline(), stand.desk().next_deadline());
        stand.tell(Event::Tick);
        let now = MonoNs(stand.now);
        desk.on(&Input { now, credits: Credits::FULL, event: Event::Tick }, &mut outputs);
    }
    assert_eq!(desk.next_deadline(), MonoNs::NEVER);
    assert_eq!(stand.desk().next_deadline(), MonoNs::NEVER);
}

#[test]
fn a_state_is_for_the_arenas_that_it_was_saved_of() {
    let stand = Stand::new();
    let saved = state(stand.desk());
    let restores = |instruments, spreads, orders, bytes: &[u8]| {
        let mut arenas = DeskMemory::new(DeskSize { instruments, spreads, orders });
        Desk::restore(IDENTITY, arenas.lend(), &mut Decoder::new(bytes)).is_some()
    };
    assert!(restores(2, 2, 16, &saved));
    assert!(!restores(3, 2, 16, &saved), "more instruments");
    assert!(!restores(2, 1, 16, &saved), "fewer spreads");
    assert!(!restores(2, 2, 17, &saved), "more orders");
    assert!(!restores(2, 2, 16, &saved[..saved.len() - 1]), "cut off");
}

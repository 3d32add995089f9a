//! Order ids and the arena that gives them out, against a model that remembers everything.

use proptest::prelude::*;
use std::collections::{HashSet, VecDeque};
use xmc_hotpath::message::{
    DeskId, DeskIdentity, OrderEvent, OrderEventKind, OrderId, Side, SiteId, StreamId,
};
use xmc_hotpath::order::{Order, OrderState, Orders};
use xmc_hotpath::time::{MonoNs, UnixNs};

fn identity() -> impl Strategy<Value = DeskIdentity> {
    (any::<u8>(), any::<u8>(), any::<u16>()).prop_map(|(site, desk, run)| DeskIdentity {
        site: SiteId(site),
        desk: DeskId(desk),
        run,
    })
}

const IDENTITY: DeskIdentity = DeskIdentity { site: SiteId(1), desk: DeskId(2), run: 3 };

proptest! {
    /// The fields stand where the documentation says, so two ids are equal only if all of them are.
    #[test]
    fn an_id_is_its_fields(
        identity in identity(),
        turn in 0..OrderId::TURNS,
        slot in 0..OrderId::SLOTS,
    ) {
        let id = OrderId::new(identity, turn, slot);
        prop_assert_eq!(id.slot(), u64::from(slot));
        let text = format!(
            "{:02x}{:02x}{:04x}{:05x}{:03x}",
            identity.site.0, identity.desk.0, identity.run, turn, slot
        );
        prop_assert_eq!(format!("{:016x}", id.0), text);
    }

    /// No id is given out twice, none is 0, an order is found by its id until its row's next turn,
    /// and the row that is taken is the one longest free.
    #[test]
    fn ids_are_found_and_never_repeat(
        rows in 1_usize..6,
        steps in prop::collection::vec(prop::option::of(0_usize..6), 1..200),
    ) {
        let mut arena = vec![Order::FREE; rows];
        let mut free = vec![0; rows];
        let mut orders = Orders::new(IDENTITY, &mut arena, &mut free);
        let mut model_free: VecDeque<u64> = (0..rows as u64).collect();
        let mut living: Vec<OrderId> = Vec::new();
        let mut given = HashSet::new();
        let mut over: Vec<OrderId> = Vec::new();
        for step in steps {
            match step {
                None => {
                    let opened = orders.open().map(|row| {
                        row.state = OrderState::Sent;
                        row.id
                    });
                    prop_assert_eq!(opened.map(OrderId::slot), model_free.pop_front());
                    if let Some(id) = opened {
                        prop_assert!(id != OrderId::NONE && given.insert(id), "{id:?}");
                        over.retain(|old| old.slot() != id.slot());
                        living.push(id);
                    }
                }
                Some(at) if at < living.len() => {
                    let id = living.remove(at);
                    orders.get_mut(id).expect("it lives").state = OrderState::Done;
                    orders.close(id);
                    model_free.push_back(id.slot());
                    over.push(id);
                }
                Some(_) => {}
            }
            prop_assert_eq!(orders.free_count(), model_free.len());
            prop_assert_eq!(orders.live_count(), living.len());
            for id in &given {
                let is_known = living.contains(id) || over.contains(id);
                prop_assert_eq!(orders.get(*id).map(|row| row.id), is_known.then_some(*id));
                prop_assert_eq!(orders.get_mut(*id).map(|row| row.id), is_known.then_some(*id));
            }
        }
        prop_assert!(orders.get(OrderId::NONE).is_none());
        prop_assert!(orders.get_mut(OrderId::NONE).is_none());
    }
}

#[test]
fn an_arena_has_no_more_rows_than_ids_have_slots() {
    let rows = OrderId::SLOTS as usize + 2;
    let (mut arena, mut free) = (vec![Order::FREE; rows], vec![0; rows]);
    let mut orders = Orders::new(IDENTITY, &mut arena, &mut free);
    assert_eq!(orders.free_count(), OrderId::SLOTS as usize);
    let ids: HashSet<_> = std::iter::from_fn(|| orders.open().map(|row| row.id)).collect();
    assert_eq!(ids.len(), OrderId::SLOTS as usize);
}

/// A row rests for good when it has had all its turns: its ids would repeat.
#[test]
fn a_row_has_so_many_turns_and_no_more() {
    let (mut arena, mut free) = ([Order::FREE; 1], [0; 1]);
    let mut orders = Orders::new(IDENTITY, &mut arena, &mut free);
    let mut last = OrderId::NONE;
    let mut turns = 0;
    while let Some(id) = orders.open().map(|row| row.id) {
        assert!(id > last, "{id:?} comes after {last:?}");
        orders.close(id);
        (last, turns) = (id, turns + 1);
    }
    assert_eq!(turns, OrderId::TURNS - 1, "turn 0 is not given out");
}

fn fill(exec_id: u64, cum_lots: u32) -> OrderEvent {
    OrderEvent {
        kind: OrderEventKind::Filled,
        order_id: OrderId(1),
        venue_order_id: 0,
        exec_id,
        stream: StreamId(0),
        seq_no: 0,
        side: Side::Buy,
        price_e9: 0,
        qty_lots: 1,
        cum_lots,
        leaves_lots: 0,
        reason: 0,
        exchange: UnixNs(0),
        received: MonoNs(0),
    }
}

/// A fill that comes twice is known by its execution id, and by the running total when more ids
/// came than are kept.
#[test]
fn a_fill_counts_once() {
    let mut order = Order::FREE;
    for number in 1..=40 {
        let event = fill(u64::from(number), number);
        assert!(order.is_new_fill(&event), "fill {number} is new");
        order.filled_lots = number;
        for again in 1..=number {
            let event = fill(u64::from(again), again);
            assert!(!order.is_new_fill(&event), "fill {again} came again after {number}");
        }
    }
    assert!(!order.is_new_fill(&fill(99, 40)), "a total that does not grow is no news");
    assert!(order.is_new_fill(&fill(99, 41)));
}

/// Whether a fill is new; if it is, its lots are counted as the desk does.
fn counts(order: &mut Order, event: &OrderEvent) -> bool {
    let is_new = order.is_new_fill(event);
    if is_new {
        order.filled_lots += event.qty_lots;
    }
    is_new
}

/// Without execution ids a fill is known by the total that it ends at, from the first one on.
#[test]
fn a_fill_without_an_id_counts_once() {
    let mut order = Order::FREE;
    for number in 1..=40 {
        assert!(counts(&mut order, &fill(0, number)), "fill {number} is new");
        for again in 1..=number {
            let is_new = counts(&mut order, &fill(0, again));
            assert!(!is_new, "fill {again} came again after {number}");
        }
    }
    // Number 41 is late: what comes twice meanwhile is not taken for it.
    assert!(counts(&mut order, &fill(0, 42)));
    assert!(!counts(&mut order, &fill(0, 42)));
    assert!(counts(&mut order, &fill(0, 41)));
    assert!(!counts(&mut order, &fill(0, 41)));
    assert_eq!(order.filled_lots, 42);
    let nameless = OrderEvent { cum_lots: 0, ..fill(0, 0) };
    assert!(counts(&mut order, &nameless) && counts(&mut order, &nameless), "who can tell");
}

/// A report is missing, and one that came long ago comes again: it does not stand for the other.
#[test]
fn an_old_fill_does_not_stand_for_one_that_is_missing() {
    let mut order = Order::FREE;
    for number in 1..=40 {
        assert!(counts(&mut order, &fill(u64::from(number), number)));
    }
    assert!(counts(&mut order, &fill(42, 42)));
    assert!(!counts(&mut order, &fill(3, 3)), "more ids have come since than are kept");
    assert!(counts(&mut order, &fill(41, 41)));
    assert_eq!(order.filled_lots, 42);
}

/// A bust takes lots back, and another fill brings the order to the same total again.
#[test]
fn a_total_that_was_taken_back_can_come_again() {
    let mut order = Order::FREE;
    for total in 1..=5 {
        assert!(counts(&mut order, &fill(0, total)));
    }
    assert!(order.is_new_bust(&OrderEvent { qty_lots: 2, ..fill(0, 3) }));
    order.filled_lots -= 2;
    assert!(!counts(&mut order, &fill(0, 3)), "what stands is known still");
    assert!(counts(&mut order, &fill(0, 4)) && counts(&mut order, &fill(0, 5)));
    assert!(!counts(&mut order, &fill(0, 5)));
    assert_eq!(order.filled_lots, 5);
}

/// Execution ids survive a bust: a fill that has one is not counted again.
#[test]
fn a_fill_with_an_id_is_known_after_a_bust() {
    for id in [5, u64::MAX >> 1, u64::MAX << 33] {
        let mut order = Order::FREE;
        assert!(counts(&mut order, &fill(id, 1)));
        assert!(order.is_new_bust(&fill(9, 0)));
        order.filled_lots = 0;
        assert!(!counts(&mut order, &fill(id, 1)), "{id}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// However reports overtake each other and come again, each of up to 16 fills counts once.
    #[test]
    fn reports_in_any_order_and_number_count_once(
        lots in prop::collection::vec(1_u32..5, 1..=16),
        has_ids in any::<bool>(),
        told in prop::collection::vec(any::<prop::sample::Index>(), 0..60),
    ) {
        let mut total = 0;
        let fills: Vec<_> = lots
            .iter()
            .zip(1_u64..)
            .map(|(lots, number)| {
                total += lots;
                let exec_id = if has_ids { number } else { 0 };
                OrderEvent { qty_lots: *lots, ..fill(exec_id, total) }
            })
            .collect();
        let mut order = Order::FREE;
        let mut known = HashSet::new();
        for index in told {
            let index = index.index(fills.len());
            let is_new = counts(&mut order, &fills[index]);
            prop_assert_eq!(is_new, known.insert(index), "{:?} after {:?}", index, known);
        }
    }
}

#[test]
fn open_lots_are_those_that_may_still_fill() {
    let states = [
        (OrderState::Free, 0),
        (OrderState::Sent, 6),
        (OrderState::Working, 6),
        (OrderState::Cancelling, 6),
        (OrderState::Unknown, 6),
        (OrderState::Done, 0),
    ];
    for (state, open_lots) in states {
        let mut order = Order::FREE;
        (order.state, order.qty_lots, order.filled_lots) = (state, 10, 4);
        assert_eq!(order.open_lots(), open_lots, "{state:?}");
        assert_eq!(order.is_live(), open_lots > 0, "{state:?}");
    }
}

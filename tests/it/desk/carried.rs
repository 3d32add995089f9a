//! What an earlier run left: held units are closed, unknown lots count against every limit, orders
//! of which nobody could tell are settled by what is told of them, and what was halted waits.

use super::stand::{IDENTITY, ONE_E9, Stand, news};
use cross_market_connect::engine::memory::{DeskMemory, DeskSize};
use xmc_hotpath::desk::SpreadState;
use xmc_hotpath::message::{
    AccountId, AccountLots, AlertKind, BUST_IDS, Carried, CarriedOrder, CarriedRun, CarriedUnits,
    CommandKind, DeskId, DeskIdentity, EXEC_IDS, Event, Gate, GatewayIndex, HeldLots,
    InstrumentIndex, MAX_LEGS, OrderAction, OrderCommand, OrderEvent, OrderEventKind, OrderId,
    PositionEffect, SafeState, Side, SpreadIndex, UnknownLots,
};
use xmc_hotpath::order::{OrderState, Orders};

fn units(spread: u32, position_units: i32, is_halted: bool) -> Carried {
    let residual_lots = [0; MAX_LEGS];
    let spread = SpreadIndex(spread);
    Carried::Units(CarriedUnits { spread, position_units, residual_lots, is_halted })
}

fn unknown(row: u32, buy_lots: u32, sell_lots: u32) -> Carried {
    let instrument = InstrumentIndex(row);
    Carried::Unknown(UnknownLots { instrument, buy_lots, sell_lots })
}

fn gross(account: AccountId, gross_lots: i64) -> Carried {
    Carried::Account(AccountLots { account, gross_lots })
}

fn held(row: u32, long_today: u32, short_today: u32) -> Event<'static> {
    let instrument = InstrumentIndex(row);
    Event::Held(HeldLots {
        instrument,
        long_today,
        long_yesterday: 0,
        short_today,
        short_yesterday: 0,
    })
}

fn run(is_whole: bool) -> Carried {
    Carried::Run(CarriedRun { run: 2, last_seq_no: 77, is_whole })
}

fn carry(stand: &mut Stand, told: Carried) {
    stand.tell(Event::Carried(&told));
}

#[test]
fn units_of_an_earlier_run_are_closed_like_own_ones() {
    let mut stand = Stand::new();
    stand.tell(held(0, 2, 0));
    stand.tell(held(1, 0, 2));
    for told in [units(0, 2, false), run(true)] {
        carry(&mut stand, told);
        assert_eq!(stand.alerts(), []);
    }
    assert_eq!((stand.exposure(0), stand.exposure(1)), ((2, 0, 0), (-2, 0, 0)));
    assert_eq!(stand.desk().spreads()[0].position_units, 2);
    // The spread is worth far more than it takes to close.
    stand.quote(0, 150, 151, 5);
    stand.quote(1, 100, 101, 5);
    let orders = stand.orders();
    let sides: Vec<_> = orders.iter().map(|order| (order.leg, order.qty_lots)).collect();
    assert_eq!(sides.len(), 2, "{:?}", stand.decision());
}

#[test]
fn unknown_lots_stay_reserved_until_less_is_told() {
    let mut stand = Stand::new();
    carry(&mut stand, unknown(0, 3, 1));
    assert_eq!(stand.exposure(0), (0, 3, 1));
    carry(&mut stand, unknown(0, 3, 0));
    assert_eq!(stand.exposure(0), (0, 3, 0));
    // As many as the position limit has: nothing that buys passes.
    let limit = stand.desk().instruments()[0].spec.expect("it is known").max_position_lots;
    carry(&mut stand, unknown(0, limit, 0));
    stand.quote(1, 100, 101, 5);
    stand.quote(0, 99, 100, 5);
    let decision = stand.decision().expect("it triggers");
    assert_eq!((decision.gate, stand.orders().len()), (Gate::Position, 0));
    carry(&mut stand, unknown(0, 0, 0));
    assert_eq!(stand.exposure(0), (0, 0, 0));
    stand.quote(1, 100, 101, 4);
    assert_eq!(stand.orders().len(), 2, "{:?}", stand.decision());
}

#[test]
fn what_was_halted_waits_for_a_command() {
    let mut stand = Stand::new();
    carry(&mut stand, units(0, 0, true));
    assert_eq!(stand.alerts(), [AlertKind::CarriedHalt]);
    stand.quote(1, 100, 101, 5);
    stand.quote(0, 99, 100, 5);
    assert_eq!(stand.decision().map(|decision| decision.gate), Some(Gate::Halted));
    stand.command(CommandKind::ClearHalt);
    stand.command(CommandKind::Enable);
    stand.quote(1, 100, 101, 4);
    assert_eq!(stand.orders().len(), 2, "{:?}", stand.decision());
}

#[test]
fn a_record_that_is_cut_short_is_said() {
    let mut stand = Stand::new();
    carry(&mut stand, run(true));
    assert_eq!(stand.alerts(), []);
    carry(&mut stand, run(false));
    assert_eq!(stand.alerts(), [AlertKind::RecordGap]);
}

#[test]
fn an_account_goes_on_with_what_it_used() {
    let mut stand = Stand::new();
    for account in [AccountId::ALL, AccountId(1)] {
        carry(&mut stand, gross(account, 12));
        assert_eq!(stand.alerts(), []);
    }
    let lots: Vec<_> = stand.desk().account_lots().map(|lots| lots.gross_lots).collect();
    assert_eq!(lots, [12, 12]);
}

#[test]
fn what_has_no_row_is_refused_aloud() {
    let mut stand = Stand::new();
    for told in [units(7, 1, false), unknown(9, 1, 1), gross(AccountId(55), 1)] {
        carry(&mut stand, told);
        assert_eq!(stand.alerts(), [AlertKind::BadInput]);
    }
    // While a fire is under way its units cannot be told.
    stand.open(4);
    carry(&mut stand, units(0, 1, false));
    assert_eq!(stand.alerts(), [AlertKind::BadInput]);
}

/// An order of the run before, in `slot` of that run's arena: of ten lots four were bought by fill
/// 11, which is in what is held.
fn order(slot: u32) -> CarriedOrder {
    let earlier = DeskIdentity { run: 2, ..IDENTITY };
    let mut exec_ids = [0; EXEC_IDS];
    exec_ids[0] = 11;
    CarriedOrder {
        order_id: OrderId::new(earlier, 1, slot),
        venue_order_id: 0,
        instrument: InstrumentIndex(0),
        gateway: GatewayIndex(0),
        spread: SpreadIndex(0),
        leg: 0,
        account: AccountId(1),
        is_open: true,
        side: Side::Buy,
        effect: PositionEffect::Net,
        price_e9: 100 * ONE_E9,
        qty_lots: 10,
        filled_lots: 4,
        most_cum: 4,
        exec_ids,
        exec_count: 1,
        bust_ids: [0; BUST_IDS],
        bust_count: 0,
    }
}

/// The same by another id.
fn with_id(order_id: OrderId) -> CarriedOrder {
    CarriedOrder { order_id, ..order(0) }
}

/// What the venue says of it.
fn said(order: &CarriedOrder, kind: OrderEventKind, exec_id: u64, lots: u32) -> OrderEvent {
    let sent = OrderCommand {
        order_id: order.order_id,
        side: order.side,
        price_e9: order.price_e9,
        qty_lots: order.qty_lots,
        ..OrderCommand::NONE
    };
    OrderEvent { kind, exec_id, qty_lots: lots, price_e9: order.price_e9, ..news(&sent, kind) }
}

/// The run before left four lots, and that order in slot 5 of a spread that waits.
fn left() -> (Stand, CarriedOrder) {
    let (mut stand, order) = (Stand::new(), order(5));
    stand.tell(held(0, 4, 0));
    let residual_lots = [4, 0, 0, 0];
    let (spread, position_units) = (SpreadIndex(0), 0);
    carry(
        &mut stand,
        Carried::Units(CarriedUnits { spread, position_units, residual_lots, is_halted: true }),
    );
    for account in [AccountId::ALL, AccountId(1)] {
        carry(&mut stand, gross(account, 10));
    }
    for told in [Carried::Order(order), run(true)] {
        carry(&mut stand, told);
        assert_eq!(stand.alerts(), []);
    }
    assert_eq!(stand.exposure(0), (4, 6, 0));
    (stand, order)
}

/// Open orders as the instrument, the gateway's and the account's limits see them, and lots open.
fn counted(stand: &Stand) -> (u16, usize, i64) {
    let desk = stand.desk();
    let lots = desk.account_lots().last().expect("the account").gross_lots;
    (desk.instruments()[0].exposure.open_orders, desk.orders().live_count(), lots)
}

/// What is told, the fill's id and its lots.
type Told = (OrderEventKind, u64, u32);

#[test]
fn an_order_of_an_earlier_run_is_settled_by_what_is_told_of_it() {
    use OrderEventKind::{Accepted, Cancelled, Filled, NotSent, Rejected};
    let told_again = (Filled, 11, 4);
    // What is told, one after the other, and what is held, reserved and open then.
    let cases: [(&[Told], (i64, i64), i64); 7] = [
        (&[told_again], (4, 6), 10),
        (&[told_again, (Filled, 12, 2)], (6, 4), 10),
        (&[told_again, (Filled, 12, 2), (Filled, 12, 2), (Cancelled, 0, 0)], (6, 0), 6),
        (&[told_again, (Filled, 12, 6)], (10, 0), 10),
        (&[(Cancelled, 0, 0), told_again], (4, 0), 4),
        (&[(Rejected, 0, 0)], (4, 0), 4),
        (&[(NotSent, 0, 0)], (4, 0), 4),
    ];
    for (told, (position, reserved), lots) in cases {
        let (mut stand, order) = left();
        assert_eq!(counted(&stand), (1, 1, 10));
        for &(kind, exec_id, lots) in told {
            stand.tell(Event::Order(said(&order, kind, exec_id, lots)));
            let is_bounded = matches!(stand.alerts()[..], [] | [AlertKind::OrderRejected]);
            assert!(is_bounded, "{told:?}: {:?}", stand.alerts());
        }
        assert_eq!(stand.exposure(0), (position, reserved, 0), "{told:?}");
        let live = usize::from(reserved > 0);
        assert_eq!(counted(&stand), (live as u16, live, lots), "{told:?}");
        let residual = stand.desk().spreads()[0].residual_lots[0];
        assert_eq!(residual, position, "{told:?}");
        // It lives after all, so it is cancelled, by its old id.
        if live == 1 {
            stand.tell(Event::Order(said(&order, Accepted, 0, 0)));
            let cancels = stand.orders();
            assert_eq!(cancels.len(), 1);
            let cancel = (cancels[0].action, cancels[0].order_id);
            assert_eq!(cancel, (OrderAction::Cancel, order.order_id));
        }
    }
}

#[test]
fn a_fill_of_an_earlier_run_halts_a_spread_that_was_cleared() {
    let (mut stand, order) = left();
    stand.command(CommandKind::ClearHalt);
    stand.command(CommandKind::Enable);
    stand.tell(Event::Order(said(&order, OrderEventKind::Filled, 12, 2)));
    assert_eq!(stand.alerts(), [AlertKind::BrokenSpread]);
    assert_eq!(stand.desk().spreads()[0].state, SpreadState::Halted);
}

/// The arena has sixteen rows: the earlier order's is nobody else's until it is over.
#[test]
fn the_slot_of_an_earlier_order_is_free_when_it_is_over() {
    let (mut stand, order) = left();
    assert_eq!(stand.desk().orders().free_count(), 15);
    let slot = stand.desk().orders().at(5).map(|row| row.id);
    assert_eq!(slot, Some(order.order_id));
    stand.command(CommandKind::ClearHalt);
    stand.command(CommandKind::Enable);
    let mut slots = Vec::new();
    for exec_id in 0..20 {
        if exec_id == 10 {
            assert!(!slots.contains(&5), "{slots:?}");
            stand.tell(Event::Order(said(&order, OrderEventKind::Cancelled, 0, 0)));
            assert_eq!(stand.desk().orders().free_count(), 16);
        }
        for sent in stand.open(1) {
            slots.push(sent.order_id.slot());
            assert_eq!(sent.order_id.run(), IDENTITY.run);
            stand.fill(&sent, 1_000 + exec_id, 1, 1);
        }
    }
    assert!(slots.contains(&5), "{slots:?}");
}

#[test]
fn an_order_that_cannot_be_is_refused_aloud() {
    let good = order(5);
    let own = with_id(OrderId::new(IDENTITY, 1, 5));
    let other = with_id(OrderId::new(DeskIdentity { run: 2, desk: DeskId(9), ..IDENTITY }, 1, 5));
    let later = with_id(OrderId::new(DeskIdentity { run: 4, ..IDENTITY }, 1, 5));
    let far = with_id(OrderId::new(DeskIdentity { run: 2, ..IDENTITY }, 1, 16));
    let (spread, instrument, gateway) = (SpreadIndex(1), InstrumentIndex(7), GatewayIndex(99));
    for bad in [
        own,
        other,
        later,
        far,
        with_id(OrderId::NONE),
        CarriedOrder { spread, ..good },
        CarriedOrder { instrument, ..good },
        CarriedOrder { gateway, ..good },
        CarriedOrder { leg: 9, ..good },
    ] {
        let mut stand = Stand::new();
        carry(&mut stand, Carried::Order(bad));
        assert_eq!(stand.alerts(), [AlertKind::BadInput], "{bad:?}");
        assert_eq!((stand.exposure(0), counted(&stand).1), ((0, 0, 0), 0), "{bad:?}");
    }
    // Twice the same.
    let (mut stand, order) = left();
    carry(&mut stand, Carried::Order(order));
    assert_eq!((stand.alerts(), stand.exposure(0)), (vec![AlertKind::BadInput], (4, 6, 0)));
}

/// Of an order that is not carried: over before, told again, or not ours.
#[test]
fn orders_that_were_over_are_no_news_if_the_whole_of_their_run_is_known() {
    use OrderEventKind::{Accepted, Busted, Cancelled, Corrected, Filled, Rejected};
    let known = order(7);
    let of_run = |run| with_id(OrderId::new(DeskIdentity { run, ..IDENTITY }, 1, 7));
    for (order, kind, is_whole, is_news) in [
        (known, Accepted, true, false),
        (known, Filled, true, false),
        (known, Cancelled, true, false),
        (known, Rejected, true, false),
        (of_run(1), Filled, true, false),
        (known, Busted, true, true),
        (known, Corrected, true, true),
        (known, Filled, false, true),
        (of_run(IDENTITY.run), Filled, true, true),
        (of_run(IDENTITY.run + 1), Filled, true, true),
        (of_run(0), Filled, true, true),
        (with_id(OrderId(3)), Filled, true, true),
        (with_id(OrderId::NONE), Filled, true, true),
    ] {
        let mut stand = Stand::new();
        carry(&mut stand, run(is_whole));
        stand.tell(Event::Order(said(&order, kind, 12, 2)));
        let expected = if is_news { vec![AlertKind::UnknownOrder] } else { Vec::new() };
        assert_eq!(stand.alerts(), expected, "{order:?} {kind:?} {is_whole}");
        let state = if is_news { SafeState::NoNew } else { SafeState::Normal };
        assert_eq!((stand.desk().state(), stand.exposure(0)), (state, (0, 0, 0)));
    }
}

/// Lots were told of an order without its id: it may be any that is not here.
#[test]
fn while_lots_are_reserved_for_orders_without_ids_all_are_news() {
    let mut stand = Stand::new();
    carry(&mut stand, unknown(1, 0, 3));
    carry(&mut stand, run(true));
    stand.tell(Event::Order(said(&order(7), OrderEventKind::Filled, 12, 2)));
    assert_eq!(stand.alerts(), [AlertKind::UnknownOrder]);
    assert_eq!(stand.desk().state(), SafeState::NoNew);
    carry(&mut stand, unknown(1, 0, 0));
    stand.tell(Event::Order(said(&order(7), OrderEventKind::Filled, 13, 2)));
    assert_eq!(stand.alerts(), []);
}

/// What a desk says of its order is what the next one goes on with.
#[test]
fn an_order_is_carried_as_it_stands() {
    let mut stand = Stand::new();
    let [buy, _] = stand.open(9);
    for (exec_id, cum) in [(21, 2), (22, 3)] {
        stand.fill(&buy, exec_id, cum - 2 * u32::from(cum == 3), cum);
    }
    let before = *stand.desk().orders().get(buy.order_id).expect("it lives");
    let told = before.carried();
    assert_eq!((told.filled_lots, told.most_cum, told.exec_count), (3, 3, 2));
    assert_eq!(told.exec_ids[..3], [21, 22, 0]);

    let mut memory = DeskMemory::new(DeskSize { instruments: 2, spreads: 2, orders: 16 });
    let next = DeskIdentity { run: IDENTITY.run + 1, ..IDENTITY };
    let storage = memory.lend();
    let mut orders = Orders::new(next, storage.orders, storage.free_orders);
    assert!(orders.adopt(&told));
    let after = orders.get(buy.order_id).expect("by its old id");
    assert_eq!((after.carried(), after.open_lots()), (told, before.open_lots()));
    assert_eq!(after.state, OrderState::Unknown);
}

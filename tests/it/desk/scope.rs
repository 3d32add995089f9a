//! Commands about what spreads have in common: a strategy, an account, an instrument, a venue.

use super::stand::{ACK_TIMEOUT, Stand, instrument, spread};
use xmc_hotpath::desk::SpreadState;
use xmc_hotpath::message::{
    AccountId, AlertKind, CommandKind, GatewayIndex, InstrumentIndex, LegSpec, OrderAction,
    OrderCommand, OrderEventKind, RepairSpec, Scope, SpreadIndex, SpreadSpec, StrategyId,
};
use xmc_hotpath::time::Span;

use SpreadState::{Disabled, Enabled, Halted, Reducing};

/// Two spreads: rows 0 and 1 for strategy 1, rows 2 and 3 for strategy 2.
fn two() -> Stand {
    let within = Span(10 * ACK_TIMEOUT.0);
    let repair = RepairSpec { tries: 2, within, ..RepairSpec::NONE };
    let first = SpreadSpec { strategy: StrategyId(1), repair, ..spread() };
    let mut legs = first.legs;
    for (leg, row) in legs.iter_mut().zip([2, 3]) {
        leg.instrument = InstrumentIndex(row);
    }
    let second = SpreadSpec { spread: SpreadIndex(1), strategy: StrategyId(2), legs, ..first };
    let instruments: Vec<_> = (0..4).map(instrument).collect();
    Stand::with_spreads(&instruments, &[first, second])
}

fn states(stand: &Stand) -> [SpreadState; 2] {
    [0, 1].map(|row| stand.desk().spreads()[row].state)
}

/// Quotes at which the spread of rows `first` and the one behind opens, and its orders.
fn open(stand: &mut Stand, first: u32) -> Vec<OrderCommand> {
    stand.quote(first + 1, 100, 101, 5);
    let mut orders = stand.orders();
    stand.quote(first, 99, 100, 5);
    orders.extend(stand.orders());
    orders
}

#[test]
fn a_scope_holds_the_spreads_that_have_it_in_common() {
    let both = [
        (Scope::All, [Disabled, Disabled]),
        (Scope::Spread(SpreadIndex(1)), [Enabled, Disabled]),
        (Scope::Instrument(InstrumentIndex(1)), [Disabled, Enabled]),
        (Scope::Instrument(InstrumentIndex(2)), [Enabled, Disabled]),
        (Scope::Gateway(GatewayIndex(0)), [Disabled, Disabled]),
        (Scope::Account(AccountId(1)), [Disabled, Disabled]),
        (Scope::Strategy(StrategyId(1)), [Disabled, Enabled]),
        (Scope::Strategy(StrategyId(2)), [Enabled, Disabled]),
    ];
    for (scope, expected) in both {
        let mut stand = two();
        stand.command_about(CommandKind::Disable, scope);
        assert_eq!((states(&stand), stand.alerts()), (expected, vec![]), "{scope:?}");
        stand.command_about(CommandKind::Enable, scope);
        assert_eq!(states(&stand), [Enabled, Enabled], "{scope:?}");
    }
}

#[test]
fn a_scope_that_holds_nothing_is_refused() {
    let nothing = [
        Scope::Spread(SpreadIndex(7)),
        Scope::Instrument(InstrumentIndex(9)),
        Scope::Gateway(GatewayIndex(3)),
        Scope::Account(AccountId(8)),
        Scope::Strategy(StrategyId(3)),
    ];
    for scope in nothing {
        for kind in [CommandKind::Enable, CommandKind::Disable, CommandKind::NoNew] {
            let mut stand = two();
            stand.command_about(kind, scope);
            assert_eq!(stand.alerts(), [AlertKind::BadInput], "{kind:?} {scope:?}");
            assert_eq!(states(&stand), [Enabled, Enabled], "{kind:?} {scope:?}");
        }
        let mut stand = two();
        stand.command_about(CommandKind::Kill, scope);
        assert_eq!(stand.alerts(), [AlertKind::BadInput, AlertKind::Killed], "{scope:?}");
        assert_eq!(states(&stand), [Enabled, Enabled], "{scope:?}");
    }
}

#[test]
fn commands_that_mean_one_thing_are_refused_for_another_scope() {
    let strategy = Scope::Strategy(StrategyId(1));
    for (kind, scope) in [
        (CommandKind::Arm, strategy),
        (CommandKind::Arm, Scope::Spread(SpreadIndex(0))),
        (CommandKind::ClearHalt, Scope::All),
        (CommandKind::ClearHalt, strategy),
        (CommandKind::Remove, Scope::All),
        (CommandKind::Remove, strategy),
        (CommandKind::ClearDoubt, strategy),
    ] {
        let mut stand = two();
        let before = stand.desk().state();
        stand.command_about(kind, scope);
        assert_eq!(stand.alerts(), [AlertKind::BadInput], "{kind:?} {scope:?}");
        assert_eq!((stand.desk().state(), states(&stand)), (before, [Enabled, Enabled]));
    }
}

/// The other strategy goes on, and its orders stay.
#[test]
fn a_killed_strategy_has_its_orders_cancelled_and_sends_none_until_it_is_cleared() {
    let mut stand = two();
    let killed = open(&mut stand, 0);
    let others = open(&mut stand, 2);
    for order in killed.iter().chain(&others) {
        stand.news(order, OrderEventKind::Accepted);
    }
    stand.command_about(CommandKind::Kill, Scope::Strategy(StrategyId(1)));
    let cancels = stand.orders();
    let of_killed = |id| killed.iter().any(|order| order.order_id == id);
    assert_eq!(cancels.len(), 2, "{cancels:?}");
    assert!(cancels.iter().all(|cancel| cancel.action == OrderAction::Cancel));
    assert!(cancels.iter().all(|cancel| of_killed(cancel.order_id)), "{cancels:?}");
    assert_eq!((states(&stand), stand.alerts()), ([Halted, Enabled], vec![AlertKind::Killed]));
    for order in &killed {
        stand.news(order, OrderEventKind::Cancelled);
    }
    assert_eq!(open(&mut stand, 0), [], "it is halted");
    for order in &others {
        stand.fill(order, 1, order.qty_lots, order.qty_lots);
    }
    assert_eq!(open(&mut stand, 2).len(), 2, "the other one fires on");
    stand.command_about(CommandKind::Enable, Scope::All);
    assert_eq!(states(&stand), [Halted, Enabled], "together with others it stays halted");
    stand.command_about(CommandKind::ClearHalt, Scope::Spread(SpreadIndex(0)));
    stand.command_about(CommandKind::Enable, Scope::Spread(SpreadIndex(0)));
    assert_eq!(open(&mut stand, 0).len(), 2, "it fires again");
}

/// One leg was filled: a kill means that nothing is sent, not even what would bring it back.
#[test]
fn a_killed_spread_is_not_repaired() {
    let mut stand = two();
    let orders = open(&mut stand, 0);
    stand.fill(&orders[0], 1, orders[0].qty_lots, orders[0].qty_lots);
    stand.command_about(CommandKind::Kill, Scope::Instrument(InstrumentIndex(0)));
    stand.news(&orders[1], OrderEventKind::Cancelled);
    assert_eq!(stand.orders(), [], "nothing is sent");
    assert!(stand.alerts().contains(&AlertKind::BrokenSpread), "{:?}", stand.alerts());
    assert_eq!(states(&stand), [Halted, Enabled]);
}

#[test]
fn a_strategy_that_is_to_open_nothing_closes_only() {
    let mut stand = two();
    stand.command_about(CommandKind::Disable, Scope::Spread(SpreadIndex(1)));
    stand.command_about(CommandKind::NoNew, Scope::Account(AccountId(1)));
    assert_eq!(states(&stand), [Reducing, Disabled], "what may not fire is not made to close");
    assert_eq!(open(&mut stand, 0), []);
    stand.command_about(CommandKind::Enable, Scope::Account(AccountId(1)));
    assert_eq!(states(&stand), [Reducing, Enabled], "closing only is ended by its own name");
    stand.command_about(CommandKind::Enable, Scope::Spread(SpreadIndex(0)));
    assert_eq!(open(&mut stand, 0).len(), 2);
}

/// A leg that only prices is no order: its venue's spreads are those that send orders there.
#[test]
fn the_scope_of_a_venue_is_what_sends_orders_there() {
    let spec = |ratio_lots| {
        let leg = LegSpec { ratio_lots, ..spread().legs[0] };
        SpreadSpec { legs: [leg; 4], leg_count: 1, ..spread() }
    };
    let gateway_of = |_| Some(GatewayIndex(2));
    assert!(Scope::Gateway(GatewayIndex(2)).holds(&spec(1), gateway_of));
    assert!(!Scope::Gateway(GatewayIndex(2)).holds(&spec(0), gateway_of));
    assert!(Scope::Instrument(spread().legs[0].instrument).holds(&spec(0), gateway_of));
}

//! Breakers: what goes wrong too often with the orders of a spread, and what follows.

use super::stand::{ACK_TIMEOUT, ONE_E9, Stand, fill, instrument, spread};
use xmc_hotpath::desk::SpreadState;
use xmc_hotpath::message::{
    AlertKind, BREAKERS, BreakerAction, BreakerKind, BreakerRule, Breakers, CommandKind, Event,
    Gate, OrderAction, OrderCommand, OrderEvent, OrderEventKind, RepairSpec, Scope, SpreadIndex,
    SpreadSpec, TimeInForce,
};
use xmc_hotpath::time::Span;

use BreakerAction::{Alert, Halt, Reduce, Repair};
use BreakerKind::{Latency, Rejects, Slippage, Unfilled};

/// A hundredth of the price, and a tenth of the time after which an order is unknown.
fn breakers(kind: BreakerKind, most: u8, of: u8, action: BreakerAction) -> Breakers {
    let mut rules = [BreakerRule::NONE; BREAKERS];
    rules[usize::from(kind.code())] = BreakerRule { most, of, action };
    let latency = Span(ACK_TIMEOUT.0 / 10);
    Breakers { spread: SpreadIndex(0), slippage_e9: 10_000_000, latency, rules }
}

fn stand(kind: BreakerKind, most: u8, of: u8, action: BreakerAction) -> Stand {
    let repair = RepairSpec { tries: 2, within: ACK_TIMEOUT, ..RepairSpec::NONE };
    let time_in_force = TimeInForce::Day;
    let mut spec = SpreadSpec { repair, time_in_force, ..spread() };
    // Fills beyond an order's limit are impossible: another alert.
    spec.legs.iter_mut().for_each(|leg| leg.pay_up_e9 = 3 * ONE_E9);
    let mut stand = Stand::with(&[instrument(0), instrument(1)], &spec);
    stand.tell(Event::Breakers(breakers(kind, most, of, action)));
    assert_eq!(stand.alerts(), vec![]);
    stand
}

fn state(stand: &Stand) -> SpreadState {
    stand.desk().spreads()[0].state
}

fn filled_at(order: &OrderCommand, price: i64, lots: u32) -> OrderEvent {
    OrderEvent { price_e9: price * ONE_E9, ..fill(order, 1, lots, lots) }
}

fn enable(stand: &mut Stand, scope: Scope) {
    stand.command_about(CommandKind::Enable, scope);
}

#[test]
fn a_fill_much_worse_than_decided_on_leaves_the_spread_closing_only() {
    let mut stand = stand(Slippage, 0, 1, Reduce);
    let [buy, sell] = stand.open(1);
    // Bought at 101 instead of 100: a hundredth is not more than a hundredth.
    stand.tell(Event::Order(filled_at(&buy, 101, 1)));
    assert_eq!((stand.alerts(), state(&stand)), (vec![], SpreadState::Enabled));
    stand.tell(Event::Order(filled_at(&sell, 98, 1)));
    assert_eq!(stand.alerts(), vec![AlertKind::SlippageBreaker]);
    assert_eq!(state(&stand), SpreadState::Reducing);

    // The level is met again, and nothing is opened; what is held is closed.
    stand.quote(0, 99, 100, 50);
    stand.quote(1, 100, 101, 50);
    assert_eq!(stand.decision().map(|decision| decision.gate), Some(Gate::Reducing));
    assert_eq!(stand.orders(), vec![]);
    stand.quote(0, 130, 131, 50);
    let closing = stand.decision().expect("it is far above the level that closes");
    assert_eq!((closing.gate, closing.intent.is_open()), (Gate::Passed, false));
}

#[test]
fn only_its_own_name_enables_a_spread_that_a_breaker_stopped() {
    let mut stand = stand(Slippage, 0, 1, Reduce);
    let [buy, _] = stand.open(1);
    stand.tell(Event::Order(filled_at(&buy, 102, 1)));
    enable(&mut stand, Scope::All);
    assert_eq!(state(&stand), SpreadState::Reducing);
    enable(&mut stand, Scope::Spread(SpreadIndex(0)));
    assert_eq!(state(&stand), SpreadState::Enabled);
}

#[test]
fn a_late_first_answer_counts_once_and_the_next_ones_do_not() {
    let mut stand = stand(Latency, 1, 2, Alert);
    let [buy, sell] = stand.open(1);
    stand.tick_after(Span(ACK_TIMEOUT.0 / 10 + 1));
    stand.news(&buy, OrderEventKind::Accepted);
    stand.fill(&buy, 1, 1, 1);
    assert_eq!(stand.alerts(), vec![], "one of two is allowed");
    stand.news(&sell, OrderEventKind::Accepted);
    assert_eq!(stand.alerts(), vec![AlertKind::LatencyBreaker]);
    assert_eq!(state(&stand), SpreadState::Enabled, "that is all that is to follow");
}

#[test]
fn an_order_without_any_answer_is_late() {
    let mut stand = stand(Latency, 1, 2, Alert);
    stand.open(1);
    stand.tick_after(ACK_TIMEOUT);
    let alerts = stand.alerts();
    assert!(alerts.contains(&AlertKind::LatencyBreaker), "{alerts:?}");
}

#[test]
fn refusals_halt_and_what_runs_is_repaired_all_the_same() {
    let mut stand = stand(Rejects, 0, 64, Halt);
    let [buy, sell] = stand.open(5);
    stand.fill(&buy, 1, 5, 5);
    stand.news(&sell, OrderEventKind::Rejected);
    let alerts = stand.alerts();
    assert!(alerts.contains(&AlertKind::RejectBreaker), "{alerts:?}");
    assert_eq!(state(&stand), SpreadState::Halted);
    // A halted spread opens nothing: it trades back.
    let [back] = stand.orders()[..] else { panic!("one order, not {:?}", stand.outputs) };
    assert_eq!((back.action, back.leg, back.side), (OrderAction::New, 0, sell.side));
    stand.fill(&back, 2, 5, 5);
    assert!(stand.ending().is_some_and(|ending| ending.is_aligned));
}

#[test]
fn orders_that_were_not_filled_whole_are_counted_among_the_last_ones_only() {
    let mut stand = stand(Unfilled, 1, 2, Alert);
    for expected in [vec![], vec![AlertKind::FillBreaker], vec![]] {
        let [buy, sell] = stand.open(1);
        stand.news(&buy, OrderEventKind::Cancelled);
        stand.news(&sell, OrderEventKind::Cancelled);
        if expected.is_empty() {
            // It began anew after the last alert: two more are needed.
            assert_eq!(stand.alerts(), vec![AlertKind::FillBreaker]);
            continue;
        }
        assert_eq!(stand.alerts(), expected);
    }
}

#[test]
fn what_rests_is_cancelled_at_once_and_what_then_misses_is_repaired() {
    let mut stand = stand(Slippage, 0, 1, Repair);
    let [buy, sell] = stand.open(5);
    stand.news(&sell, OrderEventKind::Accepted);
    stand.tell(Event::Order(filled_at(&buy, 102, 5)));
    assert_eq!(stand.alerts(), vec![AlertKind::SlippageBreaker]);
    stand.tick_after(Span(0));
    let [cancel] = stand.orders()[..] else { panic!("one order, not {:?}", stand.outputs) };
    assert_eq!((cancel.action, cancel.order_id), (OrderAction::Cancel, sell.order_id));
    stand.news(&sell, OrderEventKind::Cancelled);
    assert!(stand.repair().is_some(), "the fire is out of ratio, long before its deadline");
    assert_eq!(state(&stand), SpreadState::Enabled);
}

/// What was on its way when the fire was broken off goes as soon as the venue says that it has it.
#[test]
fn an_order_that_is_accepted_after_that_is_cancelled() {
    for kind in [OrderEventKind::Accepted, OrderEventKind::Filled] {
        let mut stand = stand(Slippage, 0, 1, Repair);
        let [buy, sell] = stand.open(5);
        stand.tell(Event::Order(filled_at(&buy, 102, 5)));
        stand.tick_after(Span(0));
        assert_eq!(stand.orders(), vec![], "nobody can cancel what may not have arrived");
        match kind {
            OrderEventKind::Filled => stand.fill(&sell, 2, 1, 1),
            _ => stand.news(&sell, kind),
        }
        let actions: Vec<_> = stand.orders().iter().map(|order| order.action).collect();
        assert_eq!(actions, [OrderAction::Cancel]);
    }
}

#[test]
fn breakers_that_make_no_sense_are_refused() {
    for wrong in [
        Breakers { slippage_e9: -1, ..breakers(Slippage, 0, 1, Halt) },
        Breakers { spread: SpreadIndex(9), ..breakers(Slippage, 0, 1, Halt) },
        breakers(Rejects, 2, 2, Halt),
        breakers(Rejects, 0, 65, Halt),
    ] {
        let mut stand = stand(Slippage, 0, 1, Reduce);
        stand.tell(Event::Breakers(wrong));
        assert_eq!(stand.alerts(), vec![AlertKind::BadInput], "{wrong:?}");
    }
}

//! Matching: random orders against the slow twin, and what each rule means in one small case.

use super::model::Model;
use super::{Reader, TICK, is_crossed, listing, order};
use cross_market_connect::sim::exchange::{
    Cancel, CancelCause, Change, Event, Exchange, ListingIndex, Order, OrderNo, Phase, Price,
    Publish, Refusal, Request, Rules, SelfMatch, Settings,
};
use proptest::prelude::*;
use std::collections::BTreeMap;
use xmc_hotpath::message::{AccountId, PositionEffect, Side, TimeInForce};
use xmc_hotpath::time::{MonoNs, Span};

/// One thing that happens; orders are named by how many were accepted after them.
#[derive(Clone, Debug)]
enum Step {
    Submit(Order),
    Cancel { account: u32, back: u64 },
    Change { account: u32, back: u64, ticks: i64, lots: u32 },
    Phase(Phase),
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Buy), Just(Side::Sell)]
}

/// Mostly valid, mostly near the middle, now and then wrong in one of the ways there are.
fn submit() -> impl Strategy<Value = Order> {
    let price = prop_oneof![
        20 => (-4_i64..=4).prop_map(|ticks| Price::Limit(ticks * TICK)),
        3 => (-21_i64..=21).prop_map(|ticks| Price::Limit(ticks * TICK)),
        2 => Just(Price::MarketToLimit),
        1 => (-5_i64..5).prop_map(|ticks| Price::Limit(ticks * TICK + 1)),
    ];
    let time_in_force = prop_oneof![
        6 => Just(TimeInForce::Day),
        2 => Just(TimeInForce::FillAndKill),
        2 => Just(TimeInForce::FillOrKill),
    ];
    let effect = prop_oneof![40 => Just(PositionEffect::Net), 1 => Just(PositionEffect::Open)];
    let min_lots = prop_oneof![6 => Just(0_u32), 1 => 0_u32..7];
    (1_u32..=3, side(), price, time_in_force, 0_u32..=10, min_lots, effect).prop_map(
        |(account, side, price, time_in_force, lots, min_lots, effect)| Order {
            price,
            time_in_force,
            min_lots: if time_in_force == TimeInForce::FillAndKill { min_lots } else { 0 },
            effect,
            ..order(account, side, 0, lots)
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    let phase = prop_oneof![
        4 => Just(Phase::Open), 1 => Just(Phase::Halted), 1 => Just(Phase::Closed),
        1 => Just(Phase::PreOpen),
    ];
    prop_oneof![
        30 => submit().prop_map(Step::Submit),
        6 => (1_u32..=3, 0_u64..8).prop_map(|(account, back)| Step::Cancel { account, back }),
        6 => (1_u32..=3, 0_u64..8, -5_i64..=5, 0_u32..=10).prop_map(
            |(account, back, ticks, lots)| Step::Change { account, back, ticks, lots }
        ),
        1 => phase.prop_map(Step::Phase),
    ]
}

fn rules() -> impl Strategy<Value = Rules> {
    let self_match = prop_oneof![
        Just(SelfMatch::Allowed),
        Just(SelfMatch::RejectIncoming),
        Just(SelfMatch::CancelResting),
        Just(SelfMatch::CancelIncoming),
    ];
    let publish = prop_oneof![Just(Publish::Events), Just(Publish::Slices(Span(100)))];
    (self_match, 1_u8..=5, any::<bool>(), any::<bool>(), publish).prop_map(
        |(self_match, depth, takes_market_orders, takes_changes, publish)| Rules {
            self_match,
            depth,
            takes_market_orders,
            takes_changes,
            publish,
            ..Rules::cme()
        },
    )
}

/// Lots of every order that came in, by where they are.
#[derive(Default)]
struct Account {
    entered: u64,
    filled: u64,
    cancelled: u64,
    /// Lots that changes took away or added.
    changed: i64,
    orders: BTreeMap<OrderNo, u64>,
}

impl Account {
    fn take(&mut self, event: &Event) {
        match event {
            Event::Accepted(accepted) => {
                self.entered += u64::from(accepted.lots);
                self.orders.insert(accepted.ticket.order_no, u64::from(accepted.lots));
            }
            Event::Filled(fill) => {
                self.filled += u64::from(fill.lots);
                let leaves = self.orders.get_mut(&fill.ticket.order_no).expect("it was accepted");
                *leaves -= u64::from(fill.lots);
                assert_eq!(*leaves, u64::from(fill.leaves_lots));
            }
            Event::Cancelled { ticket, lots, .. } => {
                self.cancelled += u64::from(*lots);
                assert_eq!(self.orders.remove(&ticket.order_no), Some(u64::from(*lots)));
            }
            Event::Replaced { ticket, leaves_lots, .. } => {
                let leaves = self.orders.get_mut(&ticket.order_no).expect("it was accepted");
                let now = u64::from(*leaves_lots);
                self.changed += now.cast_signed() - leaves.cast_signed();
                *leaves = now;
            }
            _ => {}
        }
    }
}

fn request(step: &Step, accepted: u64, first: u64) -> Option<Request> {
    let number = |back: u64| OrderNo(first + accepted.saturating_sub(back));
    Some(match *step {
        Step::Submit(order) => Request::Submit(order),
        Step::Cancel { account, back } => Request::Cancel(Cancel {
            account: AccountId(account),
            client_id: 8,
            order_no: number(back),
        }),
        Step::Change { account, back, ticks, lots } => Request::Change(Change {
            account: AccountId(account),
            client_id: 9,
            order_no: number(back),
            price_e9: ticks * TICK,
            lots,
        }),
        Step::Phase(_) => return None,
    })
}

fn open(rules: Rules) -> Exchange {
    let mut exchange = Exchange::new(Settings::quiet(rules, vec![listing()]), 1);
    exchange.set_phase(MonoNs(0), None, Phase::Open, &mut ());
    exchange
}

/// Is it said of orders and trades, not of shown levels?
fn is_of_orders(event: &Event) -> bool {
    !matches!(
        event,
        Event::Level(_) | Event::Slice(_) | Event::EndOfSlice { .. } | Event::EndOfEvent
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    /// Whatever comes, the engine says what the list says, in the same order, and its shown levels
    /// rebuild the list's book; no lot is lost; the book is never crossed.
    #[test]
    fn the_engine_is_the_list(
        rules in rules(),
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut exchange = open(rules);
        let mut model = Model::new(rules, listing());
        model.set_phase(Phase::Open);
        let (mut account, mut reader) = (Account::default(), Reader::default());
        let depth = usize::from(rules.depth);
        for (at, step) in (1_u64..).map(|beat| MonoNs(beat * 30)).zip(&steps) {
            let mut events = Vec::new();
            let accepted = account.orders.keys().next_back();
            let accepted = accepted.map_or(0, |order_no| order_no.0 - rules.first_number);
            let expected = match (request(step, accepted, rules.first_number), step) {
                (Some(request), _) => {
                    exchange.request(at, &[request], &mut events);
                    model.request(&request)
                }
                (None, Step::Phase(phase)) => {
                    exchange.set_phase(at, None, *phase, &mut events);
                    model.set_phase(*phase)
                }
                (None, _) => unreachable!("only a phase is no request"),
            };
            let said: Vec<_> = events.iter().map(|(_, event)| event.clone()).collect();
            let of_orders: Vec<_> =
                said.iter().filter(|event| is_of_orders(event)).cloned().collect();
            prop_assert_eq!(&of_orders, &expected);
            said.iter().for_each(|event| account.take(event));

            for event in &said {
                match event {
                    Event::Level(level) => reader.take(level, depth),
                    Event::Slice(slice) => {
                        slice.levels.iter().for_each(|level| reader.take(level, depth));
                    }
                    _ => {}
                }
            }
            let shown = model.shown();
            prop_assert!(!is_crossed(&shown));
            let engine = exchange.engine(ListingIndex(0)).expect("it is listed");
            prop_assert_eq!(engine.shown(), shown.clone());
            let (published, _) = exchange.published(ListingIndex(0)).expect("it is listed");
            prop_assert_eq!(published, &reader.shown);
            if rules.publish == Publish::Events {
                prop_assert_eq!(&reader.shown, &shown);
            }
            let resting: u64 = engine.orders().map(|live| u64::from(live.leaves_lots)).sum();
            let lots = account.entered.cast_signed() + account.changed;
            let found = account.filled + account.cancelled + resting;
            prop_assert_eq!(lots, found.cast_signed());
            let of_accounts: usize =
                (1..=3).map(|account| exchange.orders_of(AccountId(account)).count()).sum();
            prop_assert_eq!(of_accounts, model.book.len());
        }
        // A slice later, what is published is what is there.
        let mut events = Vec::new();
        exchange.step(MonoNs(1_000_000), &mut events);
        for (_, event) in &events {
            if let Event::Slice(slice) = event {
                slice.levels.iter().for_each(|level| reader.take(level, depth));
            }
        }
        prop_assert_eq!(&reader.shown, &model.shown());
    }
}

/// What is said of orders when `order` comes.
fn submit_to(exchange: &mut Exchange, order: Order) -> Vec<Event> {
    let mut events = Vec::new();
    exchange.submit(MonoNs(1), &order, &mut events);
    events.into_iter().map(|(_, event)| event).filter(is_of_orders).collect()
}

fn filled_lots(events: &[Event], is_taker: bool) -> Vec<u32> {
    let lots = |event: &Event| match event {
        Event::Filled(fill) if fill.is_taker == is_taker => Some(fill.lots),
        _ => None,
    };
    events.iter().filter_map(lots).collect()
}

fn cause(events: &[Event]) -> Option<CancelCause> {
    match events.last() {
        Some(Event::Cancelled { cause, .. }) => Some(*cause),
        _ => None,
    }
}

#[test]
fn a_fill_or_kill_order_takes_all_or_nothing() {
    let mut exchange = open(Rules::cme());
    submit_to(&mut exchange, order(1, Side::Sell, 1, 2));
    submit_to(&mut exchange, order(1, Side::Sell, 2, 2));
    let whole = Order { time_in_force: TimeInForce::FillOrKill, ..order(2, Side::Buy, 2, 5) };
    let events = submit_to(&mut exchange, whole);
    assert!(filled_lots(&events, true).is_empty());
    assert_eq!(cause(&events), Some(CancelCause::NotEnough));
    let events = submit_to(&mut exchange, Order { lots: 4, ..whole });
    assert_eq!(filled_lots(&events, true), [2, 2]);
    assert_eq!(cause(&events), None);
}

#[test]
fn what_a_fill_and_kill_order_leaves_is_cancelled() {
    let mut exchange = open(Rules::cme());
    submit_to(&mut exchange, order(1, Side::Sell, 1, 2));
    let take = Order { time_in_force: TimeInForce::FillAndKill, ..order(2, Side::Buy, 1, 5) };
    let events = submit_to(&mut exchange, Order { min_lots: 3, ..take });
    assert!(filled_lots(&events, true).is_empty());
    assert_eq!(cause(&events), Some(CancelCause::NotEnough));
    let events = submit_to(&mut exchange, take);
    assert_eq!(filled_lots(&events, true), [2]);
    assert_eq!(cause(&events), Some(CancelCause::Remainder));
}

#[test]
fn the_better_price_goes_first_and_then_the_older_order() {
    let mut exchange = open(Rules::cme());
    submit_to(&mut exchange, order(1, Side::Sell, 2, 1));
    submit_to(&mut exchange, order(3, Side::Sell, 1, 1));
    submit_to(&mut exchange, order(1, Side::Sell, 1, 1));
    let events = submit_to(&mut exchange, order(2, Side::Buy, 5, 3));
    let makers: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Filled(fill) if !fill.is_taker => Some((fill.ticket.account.0, fill.price_e9)),
            _ => None,
        })
        .collect();
    assert_eq!(makers, [(3, TICK), (1, TICK), (1, 2 * TICK)]);
}

#[test]
fn a_smaller_order_keeps_its_place_and_a_larger_one_loses_it() {
    for (lots, first) in [(1, 1), (3, 3)] {
        let mut exchange = open(Rules::cme());
        let events = submit_to(&mut exchange, order(1, Side::Sell, 1, 2));
        let Some(Event::Accepted(accepted)) = events.first() else { panic!("it is accepted") };
        let order_no = accepted.ticket.order_no;
        submit_to(&mut exchange, order(3, Side::Sell, 1, 2));
        let (account, client_id) = (AccountId(1), 11);
        let change = Change { account, client_id, order_no, price_e9: TICK, lots };
        exchange.change(MonoNs(2), &change, &mut ());
        let events = submit_to(&mut exchange, order(2, Side::Buy, 1, 1));
        let maker = events.iter().find_map(|event| match event {
            Event::Filled(fill) if !fill.is_taker => Some(fill.ticket.account.0),
            _ => None,
        });
        assert_eq!(maker, Some(first), "changed to {lots} lots");
    }
}

#[test]
fn orders_of_one_account_meet_by_the_rule() {
    let cases = [
        (SelfMatch::Allowed, vec![1, 2], None),
        (SelfMatch::CancelResting, vec![1, 1], Some(CancelCause::Remainder)),
        (SelfMatch::CancelIncoming, vec![1], Some(CancelCause::SelfMatch)),
    ];
    for (self_match, lots, end) in cases {
        let mut exchange = open(Rules { self_match, ..Rules::cme() });
        submit_to(&mut exchange, order(1, Side::Sell, 1, 1));
        submit_to(&mut exchange, order(2, Side::Sell, 1, 2));
        submit_to(&mut exchange, order(1, Side::Sell, 2, 1));
        let take = Order { time_in_force: TimeInForce::FillAndKill, ..order(2, Side::Buy, 2, 3) };
        let events = submit_to(&mut exchange, take);
        assert_eq!(filled_lots(&events, true), lots, "{self_match:?}");
        assert_eq!(cause(&events), end, "{self_match:?}");
    }
    let mut exchange = open(Rules { self_match: SelfMatch::RejectIncoming, ..Rules::cme() });
    submit_to(&mut exchange, order(1, Side::Sell, 1, 1));
    submit_to(&mut exchange, order(2, Side::Sell, 1, 2));
    // Filled before it meets its own: taken. Else refused.
    let one = order(2, Side::Buy, 1, 1);
    let two = Order { lots: 2, ..one };
    let events = submit_to(&mut exchange, two);
    assert_eq!(events, [Event::Rejected { order: two, reason: Refusal::SelfMatch }]);
    assert_eq!(filled_lots(&submit_to(&mut exchange, one), true), [1]);
}

#[test]
fn a_halt_refuses_orders_and_does_cancels() {
    let mut exchange = open(Rules::cme());
    let events = submit_to(&mut exchange, order(1, Side::Sell, 1, 2));
    let Some(Event::Accepted(accepted)) = events.first() else { panic!("it is accepted") };
    let order_no = accepted.ticket.order_no;
    exchange.set_phase(MonoNs(2), None, Phase::Halted, &mut ());
    let late = order(2, Side::Buy, 1, 2);
    let reason = Refusal::NotOpen(Phase::Halted);
    assert_eq!(submit_to(&mut exchange, late), [Event::Rejected { order: late, reason }]);
    let mut events = Vec::new();
    let cancel = Cancel { account: AccountId(1), client_id: 5, order_no };
    exchange.cancel(MonoNs(3), &cancel, &mut events);
    let is_cancelled = |(_, event): &(MonoNs, Event)| {
        matches!(event, Event::Cancelled { cause: CancelCause::Requested { client_id: 5 }, .. })
    };
    assert!(events.iter().any(is_cancelled));
}

#[test]
fn what_is_left_of_a_market_order_rests_at_the_best_price() {
    let mut exchange = open(Rules::cme());
    submit_to(&mut exchange, order(1, Side::Sell, 1, 2));
    submit_to(&mut exchange, order(1, Side::Sell, 2, 2));
    let market = Order { price: Price::MarketToLimit, ..order(2, Side::Buy, 0, 3) };
    let events = submit_to(&mut exchange, market);
    assert_eq!(filled_lots(&events, true), [2]);
    let engine = exchange.engine(ListingIndex(0)).expect("it is listed");
    assert_eq!((engine.best(Side::Buy), engine.best(Side::Sell)), (Some(TICK), Some(2 * TICK)));
}

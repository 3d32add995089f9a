//! Accounts against a bag of single lots, each of which knows its side, its day and who closes it.

use super::{TICK, listing, order};
use cross_market_connect::sim::exchange::{
    CLEARING, Cancel, CloseRule, Event, Exchange, Fee, Fees, FillNo, Holding, Listing,
    ListingIndex, Order, OrderNo, Phase, Positions, Refusal, Rules, SelfMatch, Settings, Ticket,
};
use proptest::prelude::*;
use std::collections::BTreeMap;
use xmc_hotpath::message::{AccountId, PositionEffect, Side, TimeInForce};
use xmc_hotpath::time::MonoNs;

const HG: ListingIndex = ListingIndex(0);

#[derive(Clone, Debug)]
enum Step {
    Submit(Order),
    Cancel { account: u32, back: u64 },
    NextDay,
}

fn step(effects: Vec<PositionEffect>) -> impl Strategy<Value = Step> {
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    let time_in_force = prop_oneof![
        3 => Just(TimeInForce::Day),
        1 => Just(TimeInForce::FillAndKill),
        1 => Just(TimeInForce::FillOrKill),
    ];
    let effect = prop::sample::select(effects);
    let submit = (1_u32..=3, side, -2_i64..=2, time_in_force, 1_u32..=5, effect).prop_map(
        |(account, side, ticks, time_in_force, lots, effect)| {
            Step::Submit(Order { time_in_force, effect, ..order(account, side, ticks, lots) })
        },
    );
    prop_oneof![
        30 => submit,
        4 => (1_u32..=3, 0_u64..6).prop_map(|(account, back)| Step::Cancel { account, back }),
        1 => Just(Step::NextDay),
    ]
}

fn costly() -> Listing {
    let fee = |per_lot_e9, of_value_e9| Fee { per_lot_e9, of_value_e9 };
    let fees = Fees { open: fee(3, 0), close: fee(1, 200_000_000), close_today: fee(7, 0) };
    Listing { fees, ..listing() }
}

/// One lot.
#[derive(Clone, Copy, Debug)]
struct Lot {
    side: Side,
    is_today: bool,
    closed_by: Option<OrderNo>,
}

#[derive(Default)]
struct Bag {
    lots: Vec<Lot>,
    cash_e9: i128,
    fees_e9: i128,
}

struct Bags {
    positions: Positions,
    bags: BTreeMap<u32, Bag>,
}

impl Bags {
    /// The lots that an order would close, in the order in which it would; `None` if too few.
    fn closes(
        &self,
        account: u32,
        side: Side,
        effect: PositionEffect,
        lots: u32,
    ) -> Option<Vec<usize>> {
        let Some(bag) = self.bags.get(&account) else {
            return matches!(effect, PositionEffect::Open).then(Vec::new);
        };
        let days: &[bool] = match (effect, self.positions) {
            (PositionEffect::Open, _) => return Some(Vec::new()),
            (PositionEffect::CloseToday, _) => &[true],
            (PositionEffect::CloseYesterday, _) => &[false],
            (_, Positions::Gross(CloseRule::Yesterday)) => &[false],
            (_, Positions::Gross(CloseRule::TodayFirst)) => &[true, false],
            (_, Positions::Gross(CloseRule::YesterdayFirst)) => &[false, true],
            (_, Positions::Net) => unreachable!("only gross positions are closed by name"),
        };
        let of_day = |day: &bool| {
            let is_free = |lot: &Lot| {
                lot.side == side.opposite() && lot.is_today == *day && lot.closed_by.is_none()
            };
            let free = bag.lots.iter().enumerate().filter(move |(_, lot)| is_free(lot));
            free.map(|(place, _)| place).collect::<Vec<_>>()
        };
        let free: Vec<_> = days.iter().flat_map(of_day).take(lots as usize).collect();
        (free.len() == lots as usize).then_some(free)
    }

    fn take(&mut self, event: &Event) {
        match event {
            Event::Accepted(accepted) if accepted.ticket.effect != PositionEffect::Net => {
                let Ticket { account, side, effect, order_no, .. } = accepted.ticket;
                let closes = self.closes(account.0, side, effect, accepted.lots);
                let bag = self.bags.entry(account.0).or_default();
                for place in closes.expect("an accepted order closes what is there") {
                    bag.lots[place].closed_by = Some(order_no);
                }
            }
            Event::Cancelled { ticket, .. } => {
                let bag = self.bags.entry(ticket.account.0).or_default();
                for lot in &mut bag.lots {
                    lot.closed_by = lot.closed_by.filter(|order_no| *order_no != ticket.order_no);
                }
            }
            Event::Filled(fill) => {
                for _ in 0..fill.lots {
                    self.fill_one(&fill.ticket, fill.price_e9);
                }
            }
            _ => {}
        }
    }

    fn fill_one(&mut self, ticket: &Ticket, price_e9: i64) {
        let rule = self.positions;
        let bag = self.bags.entry(ticket.account.0).or_default();
        let value = i128::from(price_e9) * 10;
        bag.cash_e9 += if ticket.side == Side::Buy { -value } else { value };
        let is_opposite = |lot: &&Lot| lot.side == ticket.side.opposite();
        let closed = match ticket.effect {
            PositionEffect::Open => None,
            // Yesterday's go first.
            PositionEffect::Net => bag
                .lots
                .iter()
                .position(|lot| is_opposite(&lot) && !lot.is_today)
                .or_else(|| bag.lots.iter().position(|lot| is_opposite(&lot))),
            _ => {
                let today_first = rule == Positions::Gross(CloseRule::TodayFirst);
                let of_order = |lot: &Lot, is_today| {
                    lot.closed_by == Some(ticket.order_no) && lot.is_today == is_today
                };
                let mut places = [today_first, !today_first].into_iter();
                places.find_map(|day| bag.lots.iter().position(|lot| of_order(lot, day)))
            }
        };
        let fees = costly().fees;
        match (ticket.effect, closed) {
            (PositionEffect::Net, Some(place)) => {
                bag.lots.remove(place);
                bag.fees_e9 += i128::from(fees.open.per_lot_e9);
            }
            (PositionEffect::Net | PositionEffect::Open, None) => {
                bag.lots.push(Lot { side: ticket.side, is_today: true, closed_by: None });
                bag.fees_e9 += i128::from(fees.open.per_lot_e9);
            }
            (_, Some(place)) => {
                let lot = bag.lots.remove(place);
                bag.fees_e9 += match lot.is_today {
                    true => i128::from(fees.close_today.per_lot_e9),
                    false => i128::from(fees.close.per_lot_e9) + value.abs() / 5,
                };
            }
            (_, None) => panic!("a close has something to close"),
        }
    }

    fn count(&self, account: u32, side: Side, is_today: bool, is_frozen: bool) -> u32 {
        let Some(bag) = self.bags.get(&account) else { return 0 };
        let is_it = |lot: &&Lot| {
            lot.side == side && lot.is_today == is_today && (!is_frozen || lot.closed_by.is_some())
        };
        u32::try_from(bag.lots.iter().filter(is_it).count()).expect("few")
    }

    fn assert_is(&self, account: u32, holding: &Holding) {
        for (side, position) in [(Side::Buy, &holding.long), (Side::Sell, &holding.short)] {
            let all = [position.today, position.yesterday];
            let frozen = [position.frozen_today, position.frozen_yesterday];
            let of_days =
                |is_frozen| [true, false].map(|day| self.count(account, side, day, is_frozen));
            assert_eq!(all, of_days(false), "account {account}, {side:?}");
            assert_eq!(frozen, of_days(true), "frozen of account {account}, {side:?}");
        }
        if let Some(bag) = self.bags.get(&account) {
            assert_eq!((holding.cash_e9, holding.fees_e9), (bag.cash_e9, bag.fees_e9));
        }
    }
}

fn run(positions: Positions, carried: &[(u32, Side, u32)], steps: &[Step]) {
    let rules = Rules { positions, self_match: SelfMatch::Allowed, ..Rules::shfe() };
    let mut exchange = Exchange::new(Settings::quiet(rules, vec![costly()]), 1);
    exchange.set_phase(MonoNs(0), None, Phase::Open, &mut ());
    let mut bags = Bags { positions, bags: BTreeMap::new() };
    let reference = i128::from(2 * TICK) * 10;
    for (account, side, lots) in carried {
        exchange.carry(AccountId(*account), HG, *side, *lots);
        let bag = bags.bags.entry(*account).or_default();
        for _ in 0..*lots {
            bag.cash_e9 += if *side == Side::Buy { -reference } else { reference };
            bag.lots.push(Lot { side: *side, is_today: false, closed_by: None });
        }
    }
    let mut accepted = rules.first_number;
    let mut fills = 0;
    for step in steps {
        let mut events = Vec::new();
        let now = MonoNs(5);
        match step {
            Step::Submit(order) => {
                let (account, side) = (order.account.0, order.side);
                let is_net = order.effect == PositionEffect::Net;
                let has = is_net || bags.closes(account, side, order.effect, order.lots).is_some();
                exchange.submit(now, order, &mut events);
                let is_refused = events.iter().any(|(_, event)| {
                    matches!(event, Event::Rejected { reason: Refusal::NotEnoughPosition, .. })
                });
                assert_eq!(has, !is_refused, "{order:?}");
                accepted += u64::from(!is_refused);
            }
            Step::Cancel { account, back } => {
                let order_no = OrderNo(accepted.saturating_sub(*back));
                let cancel = Cancel { account: AccountId(*account), client_id: 0, order_no };
                exchange.cancel(now, &cancel, &mut events);
            }
            Step::NextDay => {
                exchange.set_phase(now, None, Phase::Closed, &mut events);
                exchange.next_day();
                exchange.set_phase(now, None, Phase::Open, &mut events);
            }
        }
        events.iter().for_each(|(_, event)| bags.take(event));
        if matches!(step, Step::NextDay) {
            let lots = bags.bags.values_mut().flat_map(|bag| &mut bag.lots);
            lots.for_each(|lot| lot.is_today = false);
        }
        for account in 1..=3 {
            bags.assert_is(account, &exchange.accounts().holding(AccountId(account), HG));
        }
        let holders = || exchange.accounts().holders(HG);
        assert_eq!(holders().map(|(_, holding)| holding.net_lots()).sum::<i64>(), 0);
        assert_eq!(holders().map(|(_, holding)| holding.cash_e9).sum::<i128>(), 0);
        let is_fill = |(_, event): &&(MonoNs, Event)| matches!(event, Event::Filled(_));
        fills += events.iter().filter(is_fill).count();
        if positions != Positions::Net {
            let long: u32 = holders().map(|(_, holding)| holding.long.lots()).sum();
            exchange.step(now, &mut ());
            let interest = exchange.figures(HG).expect("it is listed").open_interest_lots();
            assert_eq!(interest, i64::from(long));
        }
    }
    let accounts = exchange.accounts();
    let kept: usize = (1..=3).map(|who| accounts.fills(AccountId(who), FillNo(0)).count()).sum();
    assert_eq!(kept, fills);
    for booked in (1..=3).flat_map(|who| accounts.fills(AccountId(who), FillNo(0))) {
        let (account, fill_no) = (booked.fill.ticket.account, booked.fill.fill_no);
        assert_eq!(accounts.fill(account, fill_no), Some(booked));
        let after = accounts.fills(account, fill_no).next();
        assert!(after.is_none_or(|after| after.fill.fill_no > fill_no));
    }
}

fn carried() -> impl Strategy<Value = Vec<(u32, Side, u32)>> {
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    prop::collection::vec((1_u32..=3, side, 1_u32..6), 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn gross_positions_are_bags_of_lots(
        rule in prop::sample::select(vec![
            CloseRule::Yesterday, CloseRule::TodayFirst, CloseRule::YesterdayFirst,
        ]),
        carried in carried(),
        steps in prop::collection::vec(
            step(vec![
                PositionEffect::Open, PositionEffect::Open, PositionEffect::Close,
                PositionEffect::CloseToday, PositionEffect::CloseYesterday,
            ]),
            1..100,
        ),
    ) {
        run(Positions::Gross(rule), &carried, &steps);
    }

    #[test]
    fn net_positions_are_bags_of_lots(
        steps in prop::collection::vec(step(vec![PositionEffect::Net]), 1..100),
    ) {
        run(Positions::Net, &[], &steps);
    }
}

#[test]
fn profit_is_what_the_trades_brought() {
    let mut exchange = Exchange::new(Settings::quiet(Rules::cme(), vec![costly()]), 1);
    exchange.set_phase(MonoNs(0), None, Phase::Open, &mut ());
    for (account, side) in [(1, Side::Buy), (2, Side::Sell)] {
        exchange.submit(MonoNs(1), &order(account, side, 3, 4), &mut ());
    }
    let holding = exchange.accounts().holding(AccountId(1), HG);
    assert_eq!(holding.net_lots(), 4);
    let mark_e9 = 5 * TICK;
    // Two ticks, four lots of ten units; four fees of 3.
    let expected = i128::from(2 * TICK) * 4 * 10 - 4 * 3;
    assert_eq!(holding.profit_e9(&costly(), mark_e9), expected);
    let (account, side) = (AccountId(1), Side::Buy);
    exchange.carry(account, HG, side, 6);
    let carried = exchange.accounts().holding(account, HG);
    assert_eq!((carried.net_lots(), carried.long.yesterday), (10, 6));
    assert_eq!(exchange.accounts().holding(CLEARING, HG).net_lots(), -6);
    // At the reference price, what came in is worth nothing.
    let mark_e9 = 2 * TICK;
    let difference = |holding: &Holding| holding.profit_e9(&costly(), mark_e9);
    assert_eq!(difference(&carried), difference(&holding));
}

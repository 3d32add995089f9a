//! The tally against a plain model that books lot by lot, and against the desk's own books.

use super::rig::{Answer, Rig};
use cross_market_connect::monitor::setting::{
    InstrumentSetting, LegSetting, Market, Rate, Setting, SpreadSetting,
};
use cross_market_connect::monitor::{Tally, tally};
use proptest::prelude::*;
use std::collections::VecDeque;
use std::sync::Arc;
use xmc_hotpath::message::{
    AccountId, Carried, CarriedUnits, CloseFirst, Credits, Decision, Depth, Detail, Event, Gate,
    GatewayIndex, HedgeFlag, HeldLots, Input, InstrumentIndex, InstrumentSpec, Intent, LegSpec,
    LegsFirst, LossSpec, MAX_LEGS, OffsetRule, OrderAction, OrderCommand, OrderEvent,
    OrderEventKind, OrderId, PositionEffect, ProjectId, Quote, QuoteQuality, RepairSpec, Side,
    SpreadIndex, SpreadSpec, StrategyId, StreamId, TimeInForce, TriggerSpec, WorkSpec,
};
use xmc_hotpath::time::{MonoNs, Span, UnixNs};

/// Lots per unit of the two legs, and money per lot for a price of 1.
const RATIOS: [i32; 2] = [2, -1];
const MULTIPLIERS: [i64; 2] = [5, 25_000];
const E9: i64 = 1_000_000_000;

/// A domestic leg, an overseas leg, and the yuan.
fn setting() -> Setting {
    let instrument = |name: &str, market, currency: &str, unit: &str| InstrumentSetting {
        name: name.to_owned(),
        venue: "venue".to_owned(),
        market,
        currency: currency.to_owned(),
        unit: unit.to_owned(),
        display_factor_e9: E9,
        digits: 2,
        feed: 0,
        gateway: None,
        multiplier_e9: E9,
    };
    let leg = |instrument, ratio_lots| LegSetting { instrument, ratio_lots };
    Setting {
        instruments: vec![
            instrument("cu", Market::Domestic, "CNY", "CNY per tonne"),
            instrument("hg", Market::Overseas, "USD", "USD per pound"),
            instrument("cnh", Market::Overseas, "CNH", "CNH per USD"),
        ],
        spreads: vec![SpreadSetting {
            name: "cu_hg".to_owned(),
            unit: "CNY per tonne".to_owned(),
            currency: "CNY".to_owned(),
            legs: vec![leg(0, RATIOS[0]), leg(1, RATIOS[1]), leg(2, 0)],
            digits: 2,
            rules: Vec::new(),
        }],
        feeds: Vec::new(),
        gateways: Vec::new(),
        rates: vec![Rate { base: "USD".to_owned(), quote: "CNH".to_owned(), instrument: 2 }],
    }
}

fn tell(tally: &mut Tally, event: Event<'_>) {
    tally.input(&Input { now: MonoNs(1), credits: Credits::FULL, event });
}

fn begun() -> Tally {
    let mut tally = Tally::new(Arc::new(setting()));
    for (row, multiplier) in MULTIPLIERS.into_iter().chain([100_000]).enumerate() {
        let spec = InstrumentSpec {
            instrument: InstrumentIndex(row as u32),
            feed: StreamId(1),
            gateway: GatewayIndex(0),
            is_tradable: true,
            security_id: 1,
            tick_e9: 1,
            multiplier_e9: multiplier * E9,
            max_order_lots: 1,
            max_order_value: 1,
            max_position_lots: 1,
            min_price_e9: 0,
            max_price_e9: 0,
            collar_e9: 0,
            collar_fraction_e9: 0,
            max_open_orders: 1,
            max_messages: 1,
            rate_window: Span(1),
            offset_rule: OffsetRule::Net,
            close_first: CloseFirst::Yesterday,
        };
        tell(&mut tally, Event::Instrument(&spec));
    }
    tell(&mut tally, Event::Spread(&spread_spec()));
    tally
}

fn spread_spec() -> SpreadSpec {
    let leg = |instrument, ratio_lots| LegSpec {
        instrument: InstrumentIndex(instrument),
        ratio_lots,
        coefficient_q32: 1,
        pay_up_e9: 0,
        min_lean_lots: 0,
    };
    SpreadSpec {
        spread: SpreadIndex(0),
        strategy: StrategyId(0),
        account: AccountId(0),
        project: ProjectId(0),
        is_enabled: true,
        leg_count: 3,
        legs: [leg(0, RATIOS[0]), leg(1, RATIOS[1]), leg(2, 0), LegSpec::NONE],
        constant_e9: 0,
        trigger: TriggerSpec::PLAIN,
        buy_open_e9: 0,
        buy_close_e9: 0,
        sell_open_e9: 0,
        sell_close_e9: 0,
        max_units: 1,
        clip_units: 1,
        hysteresis_e9: 0,
        cool_down: Span(0),
        max_fires: 1,
        fire_window: Span(1),
        max_quote_age: Span(1),
        max_quote_skew: Span(1),
        ack_timeout: Span(1),
        time_in_force: TimeInForce::Day,
        hedge: HedgeFlag::Arbitrage,
        repair: RepairSpec::NONE,
        loss: LossSpec::NONE,
        legs_first: LegsFirst::Together,
        work: WorkSpec::NONE,
    }
}

fn quote(tally: &mut Tally, instrument: u32, bid_e9: i64, ask_e9: i64, quality: QuoteQuality) {
    let side = |price_e9: i64, mut depth: Depth| {
        depth.price_e9[0] = price_e9;
        depth.lots[0] = 5;
        depth.count = 1;
        depth
    };
    let quote = Quote {
        instrument: InstrumentIndex(instrument),
        quality,
        bids: side(bid_e9, Depth::NO_BIDS),
        asks: side(ask_e9, Depth::NO_ASKS),
        ..Quote::EMPTY
    };
    tell(tally, Event::Quote { quote: &quote, more: false });
}

fn sent(tally: &mut Tally, id: u64, leg: u8, side: Side, qty_lots: u32) {
    tally.order(&OrderCommand {
        action: OrderAction::New,
        order_id: OrderId(id),
        instrument: InstrumentIndex(leg.into()),
        spread: SpreadIndex(0),
        leg,
        side,
        effect: PositionEffect::Net,
        qty_lots,
        ..OrderCommand::NONE
    });
}

fn news(kind: OrderEventKind, id: u64, exec_id: u64) -> OrderEvent {
    OrderEvent {
        kind,
        order_id: OrderId(id),
        venue_order_id: 0,
        exec_id,
        stream: StreamId(1),
        seq_no: 0,
        side: Side::Buy,
        price_e9: 0,
        qty_lots: 0,
        cum_lots: 0,
        leaves_lots: 0,
        reason: 0,
        exchange: UnixNs(0),
        received: MonoNs(0),
    }
}

/// One lot at a time, in the plainest way there is.
#[derive(Default)]
struct ModelLeg {
    /// Price of each open lot, and whether it was bought.
    open: VecDeque<(i64, bool)>,
    realised_e18: i128,
    realised_then_e9: i128,
}

impl ModelLeg {
    fn trade(&mut self, is_buy: bool, lots: u32, price_e9: i64, leg: usize, rate_e9: i64) {
        let mut gained_e18 = 0;
        for _ in 0..lots {
            match self.open.front() {
                Some(&(open_e9, was_buy)) if was_buy != is_buy => {
                    self.open.pop_front();
                    let (bought, sold) =
                        if is_buy { (price_e9, open_e9) } else { (open_e9, price_e9) };
                    gained_e18 += i128::from(sold - bought) * i128::from(MULTIPLIERS[leg] * E9);
                }
                _ => self.open.push_back((price_e9, is_buy)),
            }
        }
        self.realised_e18 += gained_e18;
        self.realised_then_e9 += gained_e18 / 1_000_000_000 * i128::from(rate_e9) / 1_000_000_000;
    }

    fn lots(&self) -> i64 {
        self.open.iter().map(|(_, is_buy)| if *is_buy { 1 } else { -1 }).sum()
    }

    fn open_e18(&self, bid_e9: i64, ask_e9: i64, leg: usize) -> i128 {
        let each = self.open.iter().map(|&(price_e9, is_buy)| {
            let gained = if is_buy { bid_e9 - price_e9 } else { price_e9 - ask_e9 };
            i128::from(gained) * i128::from(MULTIPLIERS[leg] * E9)
        });
        each.sum()
    }
}

/// What happens: a fill of a leg, or the yuan moves.
#[derive(Clone, Debug)]
enum Step {
    Fill { leg: u8, is_buy: bool, lots: u32, price: i64, is_told_twice: bool, has_id: bool },
    Yuan(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let fill = (0_u8..2, any::<bool>(), 1_u32..5, 1_i64..100_000, any::<bool>(), any::<bool>());
    let fill = fill.prop_map(|(leg, is_buy, lots, price, is_told_twice, has_id)| Step::Fill {
        leg,
        is_buy,
        lots,
        price,
        is_told_twice,
        has_id,
    });
    let yuan = (70_000_i64..73_000).prop_map(Step::Yuan);
    proptest::collection::vec(prop_oneof![9 => fill, 1 => yuan], 0..60)
}

proptest! {
    /// Positions, money and its parts are those of a model that books each lot by itself.
    #[test]
    fn money_is_that_of_a_model_lot_by_lot(
        steps in steps(),
        marks in (1_i64..100_000, 1_i64..100_000),
    ) {
        let mut tally = begun();
        let mut model = [ModelLeg::default(), ModelLeg::default()];
        let mut rate_e9 = 7_100_000_000;
        quote(&mut tally, 2, rate_e9 - 50_000, rate_e9 + 50_000, QuoteQuality::Good);
        let (mut fills, mut lots_in_all, mut trips, mut was_whole) = (0, 0, 0, false);
        for (step, id) in steps.iter().zip(1_u64..) {
            let Step::Fill { leg, is_buy, lots, price, is_told_twice, has_id } = *step else {
                let Step::Yuan(yuan) = *step else { unreachable!() };
                rate_e9 = yuan * 100_000;
                quote(&mut tally, 2, rate_e9 - 50_000, rate_e9 + 50_000, QuoteQuality::Good);
                continue;
            };
            let side = if is_buy { Side::Buy } else { Side::Sell };
            // Prices of copper in 10 CNY, of HG in half thousandths.
            let price_e9 = if leg == 0 { price * 10 * E9 } else { price * 500_000 };
            sent(&mut tally, id, leg, side, lots);
            let event = OrderEvent {
                side,
                price_e9,
                qty_lots: lots,
                cum_lots: lots,
                ..news(OrderEventKind::Filled, id, if has_id { 1_000 + id } else { 0 })
            };
            for _ in 0..=u32::from(is_told_twice) {
                tell(&mut tally, Event::Order(event));
            }
            let rate = if leg == 0 { E9 } else { rate_e9 };
            model[usize::from(leg)].trade(is_buy, lots, price_e9, leg.into(), rate);
            (fills, lots_in_all) = (fills + 1, lots_in_all + u64::from(lots));
            let held = [0, 1].map(|leg| model[leg].lots());
            was_whole |= (held[0] >= 2 && held[1] <= -1) || (held[0] <= -2 && held[1] >= 1);
            if held == [0, 0] {
                trips += u64::from(was_whole);
                was_whole = false;
            }
        }
        let (bid, ask) = (marks.0.min(marks.1), marks.0.max(marks.1) + 1);
        let books = [[bid * 10 * E9, ask * 10 * E9], [bid * 500_000, ask * 500_000]];
        for (row, [bid_e9, ask_e9]) in books.into_iter().enumerate() {
            quote(&mut tally, row as u32, bid_e9, ask_e9, QuoteQuality::Good);
            // Prices that are not to be trusted change nothing.
            quote(&mut tally, row as u32, 1, 2, QuoteQuality::Insane);
        }
        let profit = tally.profit(0);
        let (mut total_e9, mut fx_e9) = (0, 0);
        for leg in 0..2 {
            let [bid_e9, ask_e9] = books[leg];
            let expected = &model[leg];
            let open_e18 = expected.open_e18(bid_e9, ask_e9, leg);
            prop_assert_eq!(profit.legs[leg].position_lots, expected.lots());
            prop_assert_eq!(tally.instruments()[leg].held.net_lots(), expected.lots());
            prop_assert_eq!(profit.legs[leg].realised_e18, expected.realised_e18);
            prop_assert_eq!(profit.legs[leg].open_e18, Some(open_e18));
            let rate = i128::from(if leg == 0 { E9 } else { rate_e9 });
            let home = |money_e18: i128| money_e18 / 1_000_000_000 * rate / 1_000_000_000;
            total_e9 += home(expected.realised_e18) + home(open_e18);
            fx_e9 += home(expected.realised_e18) - expected.realised_then_e9;
        }
        prop_assert_eq!(profit.total_e9, Some(total_e9));
        prop_assert_eq!(profit.fx_e9, Some(fx_e9));
        let totals = tally.totals();
        prop_assert_eq!((totals.fills, totals.filled_lots), (fills, lots_in_all));
        prop_assert_eq!((totals.orders, totals.round_trips), (fills, trips));
        prop_assert_eq!(tally.live_orders(), 0);
        let held = [0, 1].map(|leg| model[leg].lots());
        let units = if held[0] > 0 && held[1] < 0 {
            (held[0] / 2).min(-held[1])
        } else if held[0] < 0 && held[1] > 0 {
            (held[0] / 2).max(-held[1])
        } else {
            0
        };
        prop_assert_eq!(tally.spreads()[0].whole_units(), units);
        let unhedged = [held[0] - 2 * units, held[1] + units, 0, 0];
        prop_assert_eq!(tally.spreads()[0].unhedged_lots(), unhedged);
        prop_assert_eq!(tally.spreads()[0].unhedged_since.is_some(), unhedged != [0; MAX_LEGS]);
    }
}

/// What a bust does is what had happened without the fill, but for the split of the money.
#[test]
fn a_bust_is_undone() {
    let mut tally = begun();
    let fill = |side, price: i64, id, exec_id| OrderEvent {
        side,
        price_e9: price * E9,
        qty_lots: 2,
        cum_lots: 2,
        ..news(OrderEventKind::Filled, id, exec_id)
    };
    for (id, side, price) in [(1, Side::Buy, 100), (2, Side::Sell, 130), (3, Side::Buy, 110)] {
        sent(&mut tally, id, 0, side, 2);
        tell(&mut tally, Event::Order(fill(side, price, id, 10 + id)));
    }
    quote(&mut tally, 0, 120 * E9, 121 * E9, QuoteQuality::Good);
    let bust =
        OrderEvent { kind: OrderEventKind::Busted, price_e9: 0, ..fill(Side::Sell, 0, 2, 12) };
    for _ in 0..2 {
        tell(&mut tally, Event::Order(bust));
    }
    let leg = tally.profit(0).legs[0];
    assert_eq!(leg.position_lots, 4);
    assert_eq!(tally.instruments()[0].held.long_lots, 4);
    let sum = leg.realised_e18 + leg.open_e18.expect("there is a bid");
    // Two lots from 100 to 120 and two from 110 to 120, five tonnes a lot.
    assert_eq!(sum, i128::from(2 * 5 * (20 + 10)) * 1_000_000_000_000_000_000);
    assert_eq!(tally.totals().busts, 1);
}

#[test]
fn fates_of_orders_are_counted_once() {
    let mut tally = begun();
    for id in 1..=6 {
        sent(&mut tally, id, 0, Side::Buy, 1);
    }
    let fates = [
        (1, OrderEventKind::Rejected),
        (2, OrderEventKind::Cancelled),
        (3, OrderEventKind::NotSent),
        (4, OrderEventKind::Unknown),
        (5, OrderEventKind::Accepted),
        (99, OrderEventKind::Cancelled),
    ];
    for (id, kind) in fates {
        tell(&mut tally, Event::Order(news(kind, id, 0)));
    }
    for (id, kind) in [fates[0], fates[1], fates[3]] {
        tell(&mut tally, Event::Order(news(kind, id, 0)));
    }
    let totals = tally.totals();
    let counted = [
        totals.orders,
        totals.rejects,
        totals.cancelled,
        totals.not_sent,
        totals.unknown,
        totals.accepted,
        totals.strangers,
    ];
    assert_eq!(counted, [6, 1, 1, 1, 1, 1, 1]);
    assert_eq!(tally.live_orders(), 3, "the unknown one may live, the accepted one does");
}

/// Of orders that are over only so many are kept.
#[test]
fn memory_is_bounded() {
    let mut tally = begun();
    for id in 1..=20_000 {
        sent(&mut tally, id, 0, Side::Buy, 1);
        tell(&mut tally, Event::Order(news(OrderEventKind::Cancelled, id, 0)));
    }
    assert_eq!(tally.live_orders(), 0);
    // The last ones are still known, the first ones are not.
    tell(&mut tally, Event::Order(news(OrderEventKind::Cancelled, 19_999, 0)));
    assert_eq!(tally.totals().strangers, 0);
    tell(&mut tally, Event::Order(news(OrderEventKind::Cancelled, 1, 0)));
    assert_eq!(tally.totals().strangers, 1);
}

fn decision(gate: Gate, repeated: u32) -> Detail {
    Detail::Decision(Decision {
        spread: SpreadIndex(0),
        intent: Intent::OpenLong,
        gate,
        leg: 0,
        units: 1,
        value_e9: 0,
        level_e9: 0,
        seen: 7,
        limit: 5,
        quote_age: [Span(0); MAX_LEGS],
        repeated,
        rests: u8::MAX,
    })
}

/// `repeated` tells of the refusal before: the desk counts what it does not write.
#[test]
fn repetitions_belong_to_the_refusal_before() {
    let mut tally = begun();
    for (gate, repeated) in
        [(Gate::QuoteAge, 0), (Gate::CoolDown, 4), (Gate::Passed, 2), (Gate::QuoteAge, 0)]
    {
        tally.detail(&decision(gate, repeated));
    }
    let gates: Vec<_> = tally.gates().iter().map(|row| (row.gate, row.count)).collect();
    assert_eq!(gates, [(Gate::QuoteAge, 6), (Gate::CoolDown, 3)]);
    let totals = tally.totals();
    assert_eq!((totals.decisions, totals.fires, totals.refusals), (4, 1, 9));
}

#[test]
fn what_was_held_before_is_held_and_makes_no_profit() {
    let mut tally = begun();
    let held = HeldLots {
        instrument: InstrumentIndex(0),
        long_today: 1,
        long_yesterday: 2,
        short_today: 0,
        short_yesterday: 4,
    };
    tell(&mut tally, Event::Held(held));
    assert_eq!(tally.instruments()[0].held, tally::Held { long_lots: 3, short_lots: 4 });
    assert_eq!(
        tally.profit(0).legs[0],
        tally::LegProfit { open_e18: Some(0), ..Default::default() }
    );
}

/// Three units that an earlier run bought, with a lot too many of the second leg: they are held and
/// unhedged from the start, and this run's fills end the round trip that the other began.
#[test]
fn units_of_an_earlier_run_are_held() {
    let carried = |position_units, residual| {
        let residual_lots = [0, residual, 0, 0];
        let spread = SpreadIndex(0);
        let units = CarriedUnits { spread, position_units, residual_lots, is_halted: false };
        Carried::Units(units)
    };
    let mut tally = begun();
    tell(&mut tally, Event::Carried(&carried(3, 1)));
    let row = &tally.spreads()[0];
    assert_eq!((row.whole_units(), row.unhedged_lots()), (2, [2, 0, 0, 0]));
    assert!(row.unhedged_since.is_some());
    tell(&mut tally, Event::Carried(&carried(3, 0)));
    assert_eq!(tally.spreads()[0].unhedged_since, None);

    let trade = |tally: &mut Tally, id, leg, side, lots| {
        sent(tally, id, leg, side, lots);
        let fill = OrderEvent { side, qty_lots: lots, ..news(OrderEventKind::Filled, id, id) };
        tell(tally, Event::Order(OrderEvent { price_e9: E9, cum_lots: lots, ..fill }));
    };
    trade(&mut tally, 1, 0, Side::Sell, 4);
    let row = &tally.spreads()[0];
    assert_eq!((row.whole_units(), row.unhedged_lots()), (1, [0, -2, 0, 0]));
    trade(&mut tally, 2, 1, Side::Buy, 2);
    assert_eq!((tally.spreads()[0].whole_units(), tally.totals().round_trips), (1, 0));
    trade(&mut tally, 3, 0, Side::Sell, 2);
    trade(&mut tally, 4, 1, Side::Buy, 1);
    let row = &tally.spreads()[0];
    assert_eq!((row.whole_units(), row.unhedged_since), (0, None));
    assert_eq!((row.held_lots(), tally.totals().round_trips), ([0; MAX_LEGS], 1));
    // Money knows only of this run.
    assert_eq!(tally.profit(0).legs.map(|leg| leg.position_lots), [-6, 3, 0, 0]);
}

/// The desk keeps books as well, in another way: over a market with everything in it both agree.
#[test]
fn the_tally_and_the_desk_hold_the_same() {
    for seed in 0..4 {
        let mut rig = Rig::new(seed);
        let plan = [Answer::Fill, Answer::Cancel, Answer::Reject, Answer::Fill, Answer::Fill];
        for part in 0..20 {
            if part % 5 == 2 && part < 15 {
                rig.planned.extend(plan);
            }
            if part == 15 {
                rig.planned.push_back(Answer::Break);
            }
            rig.run(Span(250_000_000));
            let desk = rig.desk();
            for (row, counted) in desk.instruments().iter().zip(rig.tally.instruments()) {
                let held = row.exposure.position_lots;
                assert_eq!(counted.held.net_lots(), held, "seed {seed}");
            }
            for (row, counted) in desk.spreads().iter().zip(rig.tally.spreads()) {
                if row.fire.is_some() {
                    continue;
                }
                // A broken fire may be told as lots too many of one leg or too few of the other.
                let units = i64::from(row.position_units);
                for (leg, book) in counted.legs.iter().enumerate() {
                    let whole = units * i64::from(counted.ratios[leg]);
                    let held = whole + row.residual_lots[leg];
                    assert_eq!(book.position_lots, held, "seed {seed} leg {leg}");
                }
                if row.residual_lots == [0; MAX_LEGS] {
                    assert_eq!(counted.whole_units(), units, "seed {seed}");
                    assert_eq!(counted.unhedged_since, None, "seed {seed}");
                }
            }
            assert_eq!(rig.tally.live_orders(), desk.orders().live_count());
            assert_eq!(rig.tally.state(), desk.state());
        }
        let totals = rig.tally.totals();
        assert!(totals.round_trips > 10 && totals.rejects > 0 && totals.cancelled > 0);
        assert_eq!(totals.broken, 1, "the broken fire is there");
        assert_eq!(totals.fires, totals.aligned + totals.broken + in_flight(&rig));
    }
}

fn in_flight(rig: &Rig) -> u64 {
    rig.desk().spreads().iter().filter(|row| row.fire.is_some()).count() as u64
}

//! Money leg by leg, reckoned from the fills and books of the record by other means.

use super::play::{drawn, late, market, one_opportunity_with, recorded};
use cross_market_connect::config::{self, Configuration, Factor, Rational};
use cross_market_connect::sim::backtest::counts::Outcome;
use cross_market_connect::sim::backtest::money::{
    Held, Money, MoneyError, converted_e18, rounded_e9,
};
use cross_market_connect::sim::backtest::play::{Terms, play};
use cross_market_connect::sim::score::play::spread;
use proptest::prelude::*;
use std::collections::HashMap;
use std::path::Path;
use xmc_hotpath::message::{
    LegsFirst, MAX_LEGS, OrderCommand, OrderEventKind, OrderId, QuoteQuality, RepairSpec, Side,
    SpreadIndex,
};
use xmc_hotpath::record::frame::{self, Body, Image, Images, OwnedEvent};

const E9: i128 = 1_000_000_000;
const TICK: i128 = 10_000_000 * 1_000;
const MS: u128 = 1_000_000;

pub fn demo() -> Configuration {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/demo.toml");
    config::load(&path).expect("the demonstration")
}

/// The money of the demonstration with copper across the border as its first pair: yuan at home,
/// dollars at 7.1 abroad; with fees in each leg's own.
fn copper() -> Money {
    let mut config = demo();
    config.spreads.retain(|spread| spread.name.value == "cu_hg");
    for (row, per_lot_e9, fraction_e9) in [(0, 3_010_000_000, 50_000), (1, 2_470_000_000, 0)] {
        config.instruments[row].fee_per_lot_e9 = per_lot_e9;
        config.instruments[row].fee_fraction_e9 = fraction_e9;
    }
    Money::of(&config).expect("every rate is known")
}

#[test]
fn a_leg_in_another_currency_has_the_rate_of_its_own_term() {
    let money = Money::of(&demo()).expect("every rate is known");
    let one = E9 as i64;
    let [at_home, across] = [SpreadIndex(0), SpreadIndex(1)].map(|pair| money.rates_e9(pair));
    assert_eq!(at_home, [one; MAX_LEGS]);
    assert_eq!(across, [one, 7_100_000_000, one, one]);
    assert_eq!(money.currency(SpreadIndex(1)), Some("CNY"));
}

/// Where no leg of any pair says a rate, the money of two currencies is no sum.
#[test]
fn money_of_two_currencies_without_a_rate_is_refused() {
    let mut config = demo();
    for leg in config.spreads.iter_mut().flat_map(|spread| &mut spread.legs) {
        leg.terms.retain(|term| !matches!(term.factor, Factor::PriceOf { .. }));
        leg.reference = None;
    }
    let error = Money::of(&config).expect_err("there is no rate");
    let MoneyError::NoRate { pair, leg, from, into } = &error;
    assert_eq!([pair, leg, from, into], ["cu_hg", "hg", "USD", "CNY"]);
    assert!(error.to_string().contains("`price_of`"), "{error}");
}

/// A pair of which every leg is converted is in the currency of its first leg, and not in what its
/// legs are converted into: of 7.81 yuan a euro and 7.10 a dollar, a dollar is 10/11 euro.
#[test]
fn a_pair_of_converted_legs_has_the_rate_between_them() {
    let mut config = demo();
    config.spreads.retain(|spread| spread.name.value == "cu_hg");
    let (cu, hg) = (0, 1);
    let legs = &mut config.spreads[0].legs;
    (legs[cu].terms, legs[cu].reference) = (legs[hg].terms.clone(), legs[hg].reference.clone());
    for term in &mut legs[cu].terms {
        if let Factor::PriceOf { reference, .. } = &mut term.factor {
            reference.value.exact = Rational::new(781, 100).expect("a fraction");
        }
    }
    let instrument = legs[cu].instrument.value;
    config.instruments[instrument].currency = "EUR".to_owned();
    // Another one that has no rate of its own: that of the first says nothing of it.
    let mut plain = config.spreads[0].clone();
    plain.legs.iter_mut().for_each(|leg| {
        leg.terms.retain(|term| !matches!(term.factor, Factor::PriceOf { .. }));
        leg.reference = None;
    });
    let money = Money::of(&config).expect("every rate is known");
    let one = E9 as i64;
    assert_eq!(money.rates_e9(SpreadIndex(0)), [one, 909_090_909, one, one]);
    assert_eq!(money.currency(SpreadIndex(0)), Some("EUR"));
    config.spreads.push(plain);
    let MoneyError::NoRate { from, into, .. } = Money::of(&config).expect_err("there is none");
    assert_eq!([from, into], ["USD", "EUR"]);
}

/// What the record says that each leg paid and got, and what its lots are worth at the end.
struct Told {
    lots: [i128; 2],
    /// Received less paid, fees, price times lots.
    cash_e18: [i128; 2],
    fees_e18: [i128; 2],
    middle_twice_e9: [i128; 2],
}

/// Sums the fills of a record; both legs have a multiplier of 1,000.
fn told(record: &[u8]) -> Told {
    let mut images = vec![Image::EMPTY; 2];
    let mut images = Images::new(&mut images);
    let mut sent: HashMap<OrderId, OrderCommand> = HashMap::new();
    let mut told =
        Told { lots: [0; 2], cash_e18: [0; 2], fees_e18: [0; 2], middle_twice_e9: [0; 2] };
    let mut rest = record;
    while !rest.is_empty() {
        let (header, body, after) = frame::split(rest).expect("whole records");
        rest = after;
        match frame::decode(header, body, &mut images).expect("its own record") {
            Body::Order(order) => {
                sent.insert(order.order_id, order);
            }
            Body::Input(input) => match input.event {
                OwnedEvent::Quote { quote, .. } if quote.quality == QuoteQuality::Good => {
                    let [bid, ask] = [quote.bids.best_e9(), quote.asks.best_e9()].map(i128::from);
                    told.middle_twice_e9[quote.instrument.0 as usize] = bid + ask;
                }
                OwnedEvent::Order(event) if event.kind == OrderEventKind::Filled => {
                    let leg = usize::from(sent[&event.order_id].leg);
                    let lots = i128::from(event.qty_lots);
                    let signed = if event.side == Side::Buy { lots } else { -lots };
                    told.lots[leg] += signed;
                    let value_e18 = i128::from(event.price_e9) * lots * 1_000 * E9;
                    told.cash_e18[leg] -= value_e18 * signed.signum();
                    let of_value = [value_e18 / 20_000, 0][leg];
                    told.fees_e18[leg] += [3_010, 2_470][leg] * lots * E9 * E9 / 1_000 + of_value;
                }
                _ => {}
            },
            _ => {}
        }
    }
    told
}

/// Equity is the sum over legs of what fills brought, what open lots are worth at the middle, and
/// fees, each in the leg's own money, the one abroad at 7.1. A tax in a coefficient is no money.
#[test]
fn profit_is_cash_flows_and_marks_leg_by_leg() {
    for (seed, abroad_us) in [(1, 1_000), (2, 30_000), (5, 150_000)] {
        let bytes = drawn(seed, 20);
        let terms = Terms { money: Some(copper()), ..late(abroad_us) };
        let (record, outcome) = recorded(&market(&bytes), &terms);
        let told = told(&record);
        let pair = &outcome.pairs[0];
        let all = pair.whole();
        let (mut profit, mut fees) = (0, 0);
        for (leg, rate_tenths) in [(0, 10), (1, 71)] {
            assert_eq!(i128::from(pair.lots[leg]), told.lots[leg]);
            let open_e18 = told.middle_twice_e9[leg] * told.lots[leg] * 1_000 * E9 / 2;
            let worth_e18 = told.cash_e18[leg] + open_e18 - told.fees_e18[leg];
            profit += worth_e18 * rate_tenths / 10;
            fees += told.fees_e18[leg] * rate_tenths / 10;
            let of = &all.legs[leg];
            assert_eq!(of.fees_e9, rounded_e9(told.fees_e18[leg]));
            // Average cost is rounded where lots are closed in parts.
            let own_e9 = of.realised_e9 + pair.open_e9[leg] - of.fees_e9;
            assert!((own_e9 - rounded_e9(worth_e18)).abs() <= 2, "{own_e9} {worth_e18}");
        }
        assert!(all.fired.fires > 5 && told.fees_e18[1] > 0, "{all:?}");
        assert_eq!(all.profit_e9, rounded_e9(profit), "seed {seed}");
        assert_eq!(all.fees_e9, rounded_e9(fees), "seed {seed}");
    }
}

/// The price abroad is taxed in the value of the pair, as 1.13 of it is; its money is not.
#[test]
fn a_tax_in_a_coefficient_is_no_money() {
    let mut taxed = spread();
    taxed.legs[1].coefficient_q32 = taxed.legs[1].coefficient_q32 * 113 / 100;
    taxed.constant_e9 = 70 * 130_000_000;
    let bytes = one_opportunity_with(&taxed);
    let outcome = play(&market(&bytes), &late(1_000)).expect("it is played");
    let all = outcome.pairs[0].whole();
    assert_eq!(outcome.pairs[0].lots[..2], [3, -3]);
    assert_eq!((all.profit_e9, all.slipped_e9, all.improved_e9), (3 * 10 * TICK, 0, 0));
}

/// The legs that follow are compared with what was shown of them when their fire was decided on.
#[test]
fn legs_that_follow_slip_against_what_was_shown_at_the_decision() {
    let led = xmc_hotpath::message::SpreadSpec { legs_first: LegsFirst::LeastLiquid, ..spread() };
    let bytes = one_opportunity_with(&led);
    let outcome = play(&market(&bytes), &late(1_000)).expect("it is played");
    let all = outcome.pairs[0].whole();
    assert_eq!((all.fired.fires, all.fired.whole, all.done_units), (1, 1, 3), "{all:?}");
    assert_eq!((all.slipped_e9, all.improved_e9), (0, 0), "both stood as they were shown");
    assert_eq!(all.slips_e9, [0]);
}

/// Three lots stand out of ratio to the end of each of two runs: twice what they do in one.
#[test]
fn what_stands_at_the_end_of_each_run_is_counted() {
    let unrepaired = xmc_hotpath::message::SpreadSpec {
        repair: RepairSpec { money_q32: 1_000 << 32, ..RepairSpec::NONE },
        ..spread()
    };
    let one = one_opportunity_with(&unrepaired);
    let two = [&one[..], &one[..]].concat();
    let exposed = |outcome: &Outcome| outcome.pairs[0].whole().exposed_lot_ns;
    let of = |bytes: &[u8]| play(&market(bytes), &late(90_000)).expect("it is played");
    let (one, two) = (of(&one), of(&two));
    assert_eq!(one.pairs[0].whole().halted, 1, "{:?}", one.pairs[0].whole());
    assert!(exposed(&one) > 3 * 40 * MS, "{}", exposed(&one));
    assert_eq!(exposed(&two), 2 * exposed(&one));
}

proptest! {
    /// Lots in and out, in any order: what was realised and what the rest cost are all of the cash.
    #[test]
    fn nothing_is_lost_between_cost_and_cash(
        trades in prop::collection::vec((-9_i64..10, 1_i128..1_000), 1..60),
        rate_e9 in 1_i64..20_000_000_000,
    ) {
        let (mut held, mut realised, mut cash, mut lots) = (Held::default(), 0, 0, 0_i64);
        for (signed, price) in trades.into_iter().filter(|(signed, _)| *signed != 0) {
            let paid = i128::from(signed) * price * E9 * E9;
            realised += held.trade(signed, paid);
            cash -= paid;
            lots += signed;
        }
        prop_assert_eq!((held.lots, held.cash_e18), (lots, cash));
        prop_assert_eq!(realised - held.cost_e18, cash);
        if lots == 0 {
            prop_assert_eq!(held.cost_e18, 0);
        }
        let exact = cash / E9 * i128::from(rate_e9);
        prop_assert_eq!(converted_e18(cash, rate_e9), exact, "whole units convert exactly");
    }
}

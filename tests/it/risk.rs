//! Risk arithmetic against models: windows that remember every moment, exposures counted out order
//! by order, and figures at the ends of what numbers hold.

use proptest::prelude::*;
use std::collections::VecDeque;
use xmc_hotpath::message::{
    CloseFirst, Gate, GatewayIndex, InstrumentIndex, InstrumentSpec, OffsetRule, Side, StreamId,
};
use xmc_hotpath::price::{NO_ASK_E9, NO_BID_E9};
use xmc_hotpath::risk::{
    Draft, Exposure, FIRE_RATE_MAX, INSTRUMENT_RATE_MAX, NO_LEG, RATE_MAX, RateWindow, Reference,
    Refusal, ValueLimit, admit,
};
use xmc_hotpath::time::{MonoNs, Span};

/// Every moment at which something happened, the oldest first.
#[derive(Default)]
struct Moments(VecDeque<u64>);

impl Moments {
    /// Whether `count` more now are at most `limit` in the window that ends now, counted out.
    fn has_room(&self, count: u16, limit: u16, now: u64, window: u64) -> bool {
        let inside = self.0.iter().rev().take_while(|at| now - **at < window).count();
        inside + usize::from(count) <= usize::from(limit)
    }
}

/// A limit that aims at the ends: nothing, one, the largest that there is and the one below.
fn limit(most: u16) -> impl Strategy<Value = u16> {
    prop_oneof![
        2 => Just(most),
        1 => Just(most - 1),
        1 => 0_u16..4,
        2 => 0..=most,
    ]
}

/// Groups of things at once, the time to the next group, and what is asked in between.
fn steps(most: u16) -> impl Strategy<Value = Vec<(u16, u64, u16)>> {
    let burst = prop_oneof![4 => 0_u16..4, 1 => most / 2 - 1..=most / 2 + 1, 1 => most - 2..=most];
    let wait = prop_oneof![3 => 0_u64..3, 1 => 8_u64..12, 1 => 0_u64..100];
    let asked = prop_oneof![4 => 1_u16..5, 1 => 0..=most];
    prop::collection::vec((burst, wait, asked), 1..40)
}

fn window_is_exact<const N: usize>(
    limit: u16,
    window: u64,
    steps: Vec<(u16, u64, u16)>,
) -> Result<(), TestCaseError> {
    let mut rate = RateWindow::<N>::EMPTY;
    let mut model = Moments::default();
    let mut now = 1;
    for (burst, wait, asked) in steps {
        for _ in 0..burst {
            rate.push(MonoNs(now));
            model.0.push_back(now);
        }
        now += wait;
        // The edge of the window lies where the oldest that matters is just in or just out.
        for window in [window, wait, wait + 1, wait.saturating_sub(1)] {
            let found = rate.has_room(asked, limit, MonoNs(now), Span(window));
            let expected = model.has_room(asked, limit, now, window);
            prop_assert_eq!(found, expected, "{} of {} in {} ns at {}", asked, limit, window, now);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_window_of_fires_is_exact(
        limit in limit(FIRE_RATE_MAX), window in 1_u64..60, steps in steps(FIRE_RATE_MAX),
    ) {
        window_is_exact::<64>(limit, window, steps)?;
    }

    #[test]
    fn a_window_of_an_instrument_is_exact(
        limit in limit(INSTRUMENT_RATE_MAX), window in 1_u64..60,
        steps in steps(INSTRUMENT_RATE_MAX),
    ) {
        window_is_exact::<128>(limit, window, steps)?;
    }

    #[test]
    fn a_window_of_a_gateway_is_exact(
        limit in limit(RATE_MAX), window in 1_u64..60, steps in steps(RATE_MAX),
    ) {
        window_is_exact::<1024>(limit, window, steps)?;
    }
}

/// Fills a window to its largest limit, at every place where its circle can begin.
fn holds<const N: usize>(most: u16) {
    assert_eq!(usize::from(most) + 1, N, "the constant belongs to this window");
    let mut rate = RateWindow::<N>::EMPTY;
    let mut now = 1;
    for turn in 0..N {
        for number in 0..most {
            let has_room = rate.has_room(1, most, MonoNs(now), Span(10));
            assert!(has_room, "turn {turn}: number {number} of {most} is refused");
            rate.push(MonoNs(now));
        }
        assert!(!rate.has_room(1, most, MonoNs(now + 9), Span(10)), "turn {turn}: one too many");
        now += 10;
        assert!(rate.has_room(most, most, MonoNs(now), Span(10)), "turn {turn}: all are outside");
    }
}

#[test]
fn a_window_holds_its_largest_limit() {
    holds::<64>(FIRE_RATE_MAX);
    holds::<128>(INSTRUMENT_RATE_MAX);
    holds::<1024>(RATE_MAX);
}

/// What a window cannot count it refuses; it never counts wrong.
#[test]
fn a_limit_beyond_what_a_window_holds_has_no_room() {
    let mut rate = RateWindow::<64>::EMPTY;
    for _ in 0..2 {
        assert!(rate.has_room(1, 64, MonoNs(50), Span(10)));
        assert!(!rate.has_room(1, 65, MonoNs(50), Span(10)));
        assert!(!rate.has_room(1, u16::MAX, MonoNs(50), Span(10)));
        assert!(!rate.has_room(2, 1, MonoNs(50), Span(10)), "more at once than the limit");
        rate.push(MonoNs(5));
    }
}

/// What happened in the very first nanosecond is not taken for an empty place.
#[test]
fn the_first_nanosecond_counts() {
    let mut rate = RateWindow::<64>::EMPTY;
    rate.push(MonoNs(0));
    assert!(!rate.has_room(1, 1, MonoNs(9), Span(10)));
    assert!(rate.has_room(1, 1, MonoNs(11), Span(10)));
}

/// One order of the model.
#[derive(Clone, Copy, Debug)]
struct Placed {
    side: Side,
    open: u32,
    is_live: bool,
}

#[derive(Clone, Debug)]
enum Step {
    Place(Side, u32),
    /// So many lots of an order fill, as far as it has them.
    Fill(usize, u32),
    /// A fill of an order that is over, or on the side that the venue says.
    Late(Side, u32),
    End(usize),
}

fn side() -> impl Strategy<Value = Side> {
    prop::sample::select(Side::ALL)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (side(), 1_u32..9).prop_map(|(side, lots)| Step::Place(side, lots)),
        3 => (0_usize..12, 1_u32..9).prop_map(|(order, lots)| Step::Fill(order, lots)),
        1 => (side(), 1_u32..9).prop_map(|(side, lots)| Step::Late(side, lots)),
        2 => (0_usize..12).prop_map(Step::End),
    ]
}

fn signed(side: Side, lots: u32) -> i64 {
    match side {
        Side::Buy => i64::from(lots),
        Side::Sell => -i64::from(lots),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// The worst case on each side is what counting all orders out gives: every one of that side
    /// that is live fills whole, and none of the other.
    #[test]
    fn exposure_is_that_of_the_orders_counted_out(
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let mut exposure = Exposure::default();
        let mut orders: Vec<Placed> = Vec::new();
        let mut position = 0;
        for step in steps {
            match step {
                Step::Place(side, lots) => {
                    exposure.reserve(side, lots);
                    orders.push(Placed { side, open: lots, is_live: true });
                }
                Step::Fill(number, lots) => {
                    let Some(order) = orders.get_mut(number).filter(|order| order.is_live) else {
                        continue;
                    };
                    let lots = lots.min(order.open);
                    exposure.release(order.side, lots);
                    exposure.trade(order.side, lots);
                    order.open -= lots;
                    position += signed(order.side, lots);
                }
                Step::Late(side, lots) => {
                    exposure.trade(side, lots);
                    position += signed(side, lots);
                }
                Step::End(number) => {
                    let Some(order) = orders.get_mut(number).filter(|order| order.is_live) else {
                        continue;
                    };
                    exposure.release(order.side, order.open);
                    exposure.close_order();
                    order.is_live = false;
                }
            }
            let live = || orders.iter().filter(|order| order.is_live);
            let all_of = |side| -> i64 {
                let lots = live().filter(|order| order.side == side).map(|order| order.open);
                lots.map(i64::from).sum()
            };
            prop_assert_eq!(exposure.position_lots, position);
            prop_assert_eq!(exposure.most(), position + all_of(Side::Buy));
            prop_assert_eq!(exposure.least(), position - all_of(Side::Sell));
            prop_assert_eq!(usize::from(exposure.open_orders), live().count());
        }
    }
}

/// Reservations end at nothing and at the largest number: they neither wrap nor turn negative.
#[test]
fn exposure_saturates() {
    let mut exposure = Exposure::default();
    exposure.release(Side::Buy, 5);
    exposure.close_order();
    assert_eq!(exposure, Exposure::default());
    exposure.position_lots = i64::MAX - 1;
    exposure.trade(Side::Buy, 5);
    exposure.reserve(Side::Buy, 5);
    assert_eq!((exposure.position_lots, exposure.most()), (i64::MAX, i64::MAX));
    exposure.position_lots = i64::MIN + 1;
    exposure.trade(Side::Sell, 5);
    exposure.reserve(Side::Sell, 5);
    assert_eq!((exposure.position_lots, exposure.least()), (i64::MIN, i64::MIN));
}

const WIDE: InstrumentSpec = InstrumentSpec {
    instrument: InstrumentIndex(0),
    feed: StreamId(0),
    gateway: GatewayIndex(0),
    is_tradable: true,
    security_id: 0,
    tick_e9: 1,
    multiplier_e9: 1,
    max_order_lots: u32::MAX,
    max_order_value: i64::MAX,
    max_position_lots: u32::MAX,
    min_price_e9: i64::MIN,
    max_price_e9: i64::MAX,
    collar_e9: i64::MAX,
    collar_fraction_e9: i64::MAX,
    max_open_orders: u16::MAX,
    max_messages: INSTRUMENT_RATE_MAX,
    rate_window: Span(1),
    offset_rule: OffsetRule::Net,
    close_first: CloseFirst::Yesterday,
};

fn admitted(draft: Draft, spec: &InstrumentSpec, exposure: Exposure) -> Option<Refusal> {
    let near = Reference { bid_e9: draft.price_e9, ask_e9: draft.price_e9 };
    admit(&draft, spec, ValueLimit::of(spec), &exposure, near).err()
}

/// Figures that no number holds are refused as such; the largest that one holds are compared.
#[test]
fn arithmetic_that_does_not_fit_is_refused() {
    let one = Draft { side: Side::Buy, price_e9: 1, qty_lots: 1, orders: 1 };
    let overflow = |limit| Some(Refusal::new(Gate::Overflow, i64::MAX, limit));
    let most = i64::from(u32::MAX);
    let bought = |lots| Exposure { position_lots: lots, ..Exposure::default() };
    let over = |lots| Some(Refusal::new(Gate::Position, lots, most));
    let sold = Draft { side: Side::Sell, ..one };
    for (draft, held, refusal) in [
        (one, i64::MAX, overflow(most)),
        (one, i64::MAX - 1, over(i64::MAX)),
        (one, i64::MIN, None),
        (sold, i64::MIN, overflow(most)),
        (sold, i64::MIN + 1, overflow(most)),
        (sold, i64::MIN + 2, over(i64::MAX)),
        (sold, i64::MAX, None),
    ] {
        assert_eq!(admitted(draft, &WIDE, bought(held)), refusal, "{:?} {held}", draft.side);
    }
    let dear = InstrumentSpec { multiplier_e9: i64::MAX, ..WIDE };
    let huge = Draft { price_e9: i64::MAX - 1, qty_lots: u32::MAX, ..one };
    assert_eq!(admitted(huge, &dear, bought(0)), overflow(i64::MAX));
    let cheap = Draft { price_e9: i64::MIN + 1, ..huge };
    assert_eq!(admitted(cheap, &dear, bought(0)), overflow(i64::MAX));
    assert_eq!(admitted(huge, &WIDE, bought(0)), None, "what fits is compared");
    let value = admitted(Draft { qty_lots: 1, ..huge }, &dear, bought(0));
    assert_eq!(value, Some(Refusal::new(Gate::OrderValue, i64::MAX, i64::MAX)));
}

/// The numbers that stand for no price are no price, whatever the band allows.
#[test]
fn the_absence_of_a_price_is_not_a_price() {
    for (price_e9, bound) in [(NO_BID_E9, i64::MIN), (NO_ASK_E9, i64::MAX)] {
        let draft = Draft { side: Side::Sell, price_e9, qty_lots: 1, orders: 1 };
        let refusal = Refusal { gate: Gate::PriceBand, leg: NO_LEG, seen: price_e9, limit: bound };
        assert_eq!(admitted(draft, &WIDE, Exposure::default()), Some(refusal));
    }
    let nothing = Draft { side: Side::Buy, price_e9: 1, qty_lots: 0, orders: 0 };
    let refusal = Refusal::new(Gate::OrderSize, 0, i64::from(u32::MAX));
    assert_eq!(admitted(nothing, &WIDE, Exposure::default()), Some(refusal));
}

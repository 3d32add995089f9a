//! The venues of a backtest, worked by hand.

use cross_market_connect::config::{BacktestVenue, QueueRule};
use cross_market_connect::sim::backtest::venue::{Refusal, Venues};
use xmc_hotpath::message::{
    Depth, GatewayIndex, Hours, InstrumentIndex, OrderAction, OrderCommand, OrderEvent,
    OrderEventKind, OrderId, Quote, QuoteQuality, Side, StreamId, TimeInForce,
};
use xmc_hotpath::time::MonoNs;

pub const TICK_E9: i64 = 1_000_000_000;
const GATEWAY: GatewayIndex = GatewayIndex(0);

/// A side of a book: prices in ticks, and lots.
pub fn depth(levels: &[(i64, u32)], none: Depth) -> Depth {
    let mut depth = Depth { count: u32::try_from(levels.len()).expect("five at most"), ..none };
    for (place, (ticks, lots)) in levels.iter().enumerate() {
        depth.price_e9[place] = ticks * TICK_E9;
        depth.lots[place] = *lots;
    }
    depth
}

pub fn quote(bids: &[(i64, u32)], asks: &[(i64, u32)]) -> Quote {
    Quote {
        instrument: InstrumentIndex(0),
        quality: QuoteQuality::Good,
        bids: depth(bids, Depth::NO_BIDS),
        asks: depth(asks, Depth::NO_ASKS),
        ..Quote::EMPTY
    }
}

pub fn order(
    id: u64,
    side: Side,
    ticks: i64,
    lots: u32,
    time_in_force: TimeInForce,
) -> OrderCommand {
    OrderCommand {
        action: OrderAction::New,
        order_id: OrderId(id),
        instrument: InstrumentIndex(0),
        gateway: GATEWAY,
        side,
        time_in_force,
        price_e9: ticks * TICK_E9,
        qty_lots: lots,
        ..OrderCommand::NONE
    }
}

/// A venue of one instrument.
pub struct Rig {
    venues: Venues,
    now: u64,
}

impl Rig {
    pub fn new(terms: BacktestVenue, queue: QueueRule, has_trades: bool) -> Self {
        let mut venues = Venues::new(1, queue, has_trades, |_| terms, 0);
        venues.session(MonoNs(0), GATEWAY, StreamId(9), true, &mut Vec::new());
        venues.instrument(&instrument());
        Self { venues, now: 0 }
    }

    fn plain() -> Self {
        Self::new(BacktestVenue::default(), QueueRule::Proportional, true)
    }

    fn of(
        &mut self,
        act: impl FnOnce(&mut Venues, MonoNs, &mut Vec<(GatewayIndex, OrderEvent)>),
    ) -> Vec<OrderEvent> {
        self.now += 1_000_000;
        let mut told = Vec::new();
        act(&mut self.venues, MonoNs(self.now), &mut told);
        told.into_iter().map(|(_, event)| event).collect()
    }

    pub fn show(&mut self, bids: &[(i64, u32)], asks: &[(i64, u32)]) -> Vec<OrderEvent> {
        let quote = quote(bids, asks);
        self.of(|venues, now, told| venues.quote(now, &quote, told))
    }

    pub fn send(&mut self, command: OrderCommand) -> Vec<OrderEvent> {
        self.of(|venues, now, told| venues.arrive(now, &command, told))
    }

    fn print(&mut self, ticks: i64, lots: u32) -> Vec<OrderEvent> {
        let price_e9 = ticks * TICK_E9;
        self.of(|venues, now, told| venues.trade(now, InstrumentIndex(0), price_e9, lots, told))
    }
}

fn instrument() -> xmc_hotpath::message::InstrumentSpec {
    use xmc_hotpath::message::{CloseFirst, InstrumentSpec, OffsetRule};
    InstrumentSpec {
        instrument: InstrumentIndex(0),
        feed: StreamId(1),
        gateway: GATEWAY,
        is_tradable: true,
        security_id: 1,
        tick_e9: TICK_E9,
        multiplier_e9: 1_000_000_000,
        max_order_lots: 100,
        max_order_value: 1_000_000,
        max_position_lots: 100,
        min_price_e9: i64::MIN,
        max_price_e9: i64::MAX,
        collar_e9: i64::MAX,
        collar_fraction_e9: i64::MAX,
        max_open_orders: 10,
        max_messages: 100,
        rate_window: xmc_hotpath::time::Span(1_000_000_000),
        offset_rule: OffsetRule::Net,
        close_first: CloseFirst::Yesterday,
    }
}

/// Kinds, with price in ticks and lots of fills.
pub fn short(events: &[OrderEvent]) -> Vec<(OrderEventKind, i64, u32)> {
    events.iter().map(|event| (event.kind, event.price_e9 / TICK_E9, event.qty_lots)).collect()
}

const ACCEPTED: (OrderEventKind, i64, u32) = (OrderEventKind::Accepted, 0, 0);
const CANCELLED: (OrderEventKind, i64, u32) = (OrderEventKind::Cancelled, 0, 0);

fn fill(ticks: i64, lots: u32) -> (OrderEventKind, i64, u32) {
    (OrderEventKind::Filled, ticks, lots)
}

fn take(id: u64, ticks: i64, lots: u32) -> OrderCommand {
    order(id, Side::Buy, ticks, lots, TimeInForce::FillAndKill)
}

#[test]
fn an_order_takes_level_by_level_what_is_shown_as_it_arrives() {
    let mut rig = Rig::plain();
    rig.show(&[(99, 5)], &[(100, 2), (101, 3), (103, 9)]);
    let told = rig.send(take(1, 102, 7));
    assert_eq!(short(&told), [ACCEPTED, fill(100, 2), fill(101, 3), CANCELLED]);
    assert_eq!(told[3].cum_lots, 5);
    assert_eq!((told[1].cum_lots, told[1].leaves_lots), (2, 5));
}

/// The same lots are not sold twice: not until the source shows another number of them.
#[test]
fn what_was_taken_is_not_there_again_before_the_level_changes() {
    let mut rig = Rig::plain();
    rig.show(&[(99, 5)], &[(100, 6)]);
    assert_eq!(short(&rig.send(take(1, 100, 4))), [ACCEPTED, fill(100, 4)]);
    assert_eq!(short(&rig.send(take(2, 100, 4))), [ACCEPTED, fill(100, 2), CANCELLED]);
    rig.show(&[(98, 1)], &[(100, 6)]);
    assert_eq!(short(&rig.send(take(3, 100, 4))), [ACCEPTED, CANCELLED], "the other side changed");
    rig.show(&[(98, 1)], &[(100, 5)]);
    assert_eq!(short(&rig.send(take(4, 100, 4))), [ACCEPTED, fill(100, 4)]);
}

#[test]
fn all_or_nothing_is_filled_whole_or_not_at_all() {
    let mut rig = Rig::plain();
    rig.show(&[(99, 5)], &[(100, 2), (101, 2)]);
    let all = |id, lots| order(id, Side::Buy, 101, lots, TimeInForce::FillOrKill);
    assert_eq!(short(&rig.send(all(1, 5))), [ACCEPTED, CANCELLED]);
    assert_eq!(short(&rig.send(all(2, 4))), [ACCEPTED, fill(100, 2), fill(101, 2)]);
}

#[test]
fn an_order_of_the_day_rests_and_trades_when_the_market_comes_to_it() {
    let mut rig = Rig::plain();
    rig.show(&[(99, 10)], &[(101, 5)]);
    let told = rig.send(order(1, Side::Buy, 99, 4, TimeInForce::Day));
    assert_eq!(short(&told), [ACCEPTED]);
    assert_eq!(short(&rig.print(99, 11)), [fill(99, 1)], "ten stood before it");
    // Sellers come down to its price: two lots of them.
    assert_eq!(short(&rig.show(&[(98, 3)], &[(99, 2)])), [fill(99, 2)]);
    // Through it: whoever sells at 98 sold at 99 before.
    assert_eq!(short(&rig.print(98, 3)), [fill(99, 1)]);
}

/// Without trades in the source: what goes at the best price when nothing stands before the order
/// is taken for its own; what goes behind a better price was cancelled.
#[test]
fn only_at_the_best_price_is_what_goes_a_trade() {
    let mut rig = Rig::new(BacktestVenue::default(), QueueRule::Proportional, false);
    rig.show(&[(99, 10)], &[(101, 5)]);
    rig.send(order(1, Side::Buy, 98, 4, TimeInForce::Day));
    rig.send(order(2, Side::Sell, 102, 4, TimeInForce::Day));
    let away = [(98, 6), (97, 1)];
    let show =
        |rig: &mut Rig, bids: &[(i64, u32)], asks: &[(i64, u32)]| short(&rig.show(bids, asks));
    assert_eq!(show(&mut rig, &[&[(99, 10)], &away[..]].concat(), &[(101, 5), (102, 6)]), []);
    assert_eq!(show(&mut rig, &[(99, 10), (98, 1)], &[(101, 5), (102, 1)]), [], "behind the best");
    assert_eq!(show(&mut rig, &[(98, 5)], &[(101, 5), (102, 1)]), [], "it was behind until now");
    assert_eq!(show(&mut rig, &[(98, 2)], &[(101, 5), (102, 1)]), [fill(98, 3)]);
    assert_eq!(show(&mut rig, &[(99, 1), (98, 1)], &[(101, 5)]), [], "a better price came");
    assert_eq!(show(&mut rig, &[(97, 1)], &[(102, 1)]), [], "it was behind until now");
    assert_eq!(show(&mut rig, &[(97, 1)], &[(103, 1)]), [fill(102, 1)]);
}

/// A book that is not good, or is shown while the market is shut, fills nothing, neither by what is
/// gone in it nor by what crosses in it; what was gone when it is good again was not seen going.
#[test]
fn a_bad_book_and_a_shut_market_fill_nothing() {
    let bad = [
        QuoteQuality::Unknown,
        QuoteQuality::Gapped,
        QuoteQuality::Insane,
        QuoteQuality::Divergent,
        QuoteQuality::Halted,
    ];
    for quality in bad {
        let mut rig = Rig::new(BacktestVenue::default(), QueueRule::Proportional, false);
        rig.show(&[], &[(101, 5)]);
        rig.send(order(1, Side::Buy, 99, 9, TimeInForce::Day));
        rig.show(&[(99, 8)], &[(101, 5)]);
        for asks in [(101, 5), (98, 5)] {
            let quote = Quote { quality, ..quote(&[], &[asks]) };
            let told = rig.of(|venues, now, told| venues.quote(now, &quote, told));
            assert_eq!(short(&told), [], "{quality:?}");
        }
        if quality == QuoteQuality::Gapped {
            assert_eq!(
                short(&rig.send(take(2, 101, 1))),
                [ACCEPTED, CANCELLED],
                "nothing is known"
            );
        }
        assert_eq!(short(&rig.show(&[(99, 3)], &[(101, 5)])), [], "{quality:?}");
        assert_eq!(short(&rig.show(&[(99, 1)], &[(101, 5)])), [fill(99, 2)], "{quality:?}");
    }
    let mut rig = Rig::new(BacktestVenue::default(), QueueRule::Proportional, true);
    rig.show(&[(99, 0)], &[(101, 5)]);
    rig.send(order(1, Side::Buy, 99, 9, TimeInForce::Day));
    let from = MonoNs(rig.now + 10_000_000);
    let hours =
        Hours { instrument: InstrumentIndex(0), from, opening_until: from, until: MonoNs::NEVER };
    rig.venues.hours(&hours);
    assert_eq!(short(&rig.print(98, 1)), [], "shut");
    assert_eq!(short(&rig.show(&[], &[(98, 5)])), [], "shut");
    rig.now += 20_000_000;
    assert_eq!(short(&rig.print(98, 1)), [fill(99, 1)]);
    assert_eq!(short(&rig.show(&[], &[(98, 5)])), [fill(99, 5)]);
}

/// The cancel meets the order, or comes too late.
#[test]
fn a_cancel_and_a_fill_race() {
    let mut rig = Rig::plain();
    rig.show(&[(99, 0)], &[(101, 5)]);
    let cancel = |id| OrderCommand {
        action: OrderAction::Cancel,
        ..order(id, Side::Buy, 0, 0, TimeInForce::Day)
    };
    rig.send(order(1, Side::Buy, 100, 4, TimeInForce::Day));
    assert_eq!(short(&rig.show(&[(99, 1)], &[(100, 1)])), [fill(100, 1)]);
    let told = rig.send(cancel(1));
    assert_eq!(short(&told), [CANCELLED]);
    assert_eq!(told[0].cum_lots, 1);
    assert_eq!(rig.send(cancel(1))[0].kind, OrderEventKind::CancelRejected);
    rig.send(order(2, Side::Buy, 100, 1, TimeInForce::Day));
    rig.show(&[(99, 1)], &[(100, 7)]);
    assert_eq!(rig.send(cancel(2))[0].kind, OrderEventKind::CancelRejected);
}

#[test]
fn orders_are_refused_by_rate_band_and_hours() {
    let terms = BacktestVenue {
        max_messages: 3,
        rate_window_ms: 10,
        band_ticks: 5,
        ..BacktestVenue::default()
    };
    let mut rig = Rig::new(terms, QueueRule::Last, false);
    let refused = |why: Refusal, told: Vec<OrderEvent>| {
        assert_eq!(told.len(), 1, "{why:?}");
        assert_eq!((told[0].kind, told[0].reason), (OrderEventKind::Rejected, why as u32));
    };
    refused(Refusal::Closed, rig.send(take(1, 100, 1)));
    rig.show(&[(99, 5)], &[(100, 5)]);
    refused(Refusal::Band, rig.send(take(2, 106, 1)));
    assert_eq!(rig.send(take(3, 105, 1)).len(), 2);
    refused(Refusal::Rate, rig.send(take(4, 100, 1)));
    rig.now += 10_000_000;
    assert_eq!(rig.send(take(5, 100, 1)).len(), 2);
    let from = MonoNs(rig.now + 5_000_000);
    let hours =
        Hours { instrument: InstrumentIndex(0), from, opening_until: from, until: MonoNs::NEVER };
    rig.venues.hours(&hours);
    refused(Refusal::Closed, rig.send(take(6, 100, 1)));
    rig.now += 20_000_000;
    assert_eq!(rig.send(take(7, 100, 1)).len(), 2);
}

#[test]
fn a_session_that_breaks_has_its_orders_cancelled() {
    let mut rig = Rig::plain();
    rig.show(&[(99, 5)], &[(101, 5)]);
    rig.send(order(1, Side::Sell, 101, 4, TimeInForce::Day));
    let told = rig.of(|venues, now, told| venues.session(now, GATEWAY, StreamId(9), false, told));
    assert_eq!(short(&told), [CANCELLED]);
    assert_eq!(rig.send(take(2, 101, 1))[0].kind, OrderEventKind::NotSent);
}

#[test]
fn a_venue_says_how_an_order_stands() {
    let mut rig = Rig::plain();
    rig.show(&[(99, 5)], &[(101, 5)]);
    rig.send(order(1, Side::Buy, 101, 7, TimeInForce::Day));
    let status = |id| OrderCommand {
        action: OrderAction::Status,
        ..order(id, Side::Buy, 0, 0, TimeInForce::Day)
    };
    let told = rig.send(status(1));
    assert_eq!(
        (told[0].kind, told[0].cum_lots, told[0].leaves_lots),
        (OrderEventKind::Accepted, 5, 2)
    );
    rig.send(order(2, Side::Sell, 99, 1, TimeInForce::FillAndKill));
    let told = rig.send(status(2));
    assert_eq!(
        (told[0].kind, told[0].cum_lots, told[0].side),
        (OrderEventKind::Cancelled, 1, Side::Sell)
    );
    assert!(rig.send(status(3)).is_empty(), "nobody knows it");
}

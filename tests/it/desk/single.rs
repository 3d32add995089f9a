//! One line instead of two: what is opened is less, and the record says so.

use super::stand::{ONE_E9, Stand, book, fill};
use xmc_hotpath::message::{
    AlertKind, ChannelState, CommandKind, Detail, Event, Gate, Intent, Quote, SafeState, Sizing,
};
use xmc_hotpath::time::MonoNs;

/// Half of what is opened with two lines.
const HALF: Sizing = Sizing { single_line_q32: u32::MAX / 2 };

/// Units of the decision on quotes of so many lots, and the worst price of the leg that is bought.
fn opened(stand: &mut Stand, lots: [u32; 2]) -> (u32, i64) {
    stand.quote(1, 100, 101, 1_000);
    let mut quote = Quote { received: MonoNs(stand.now), ..book(0, 98, 99, lots[0]) };
    // The second level is worse by one, and still meets the spread.
    (quote.asks.price_e9[1], quote.asks.lots[1], quote.asks.count) = (100 * ONE_E9, lots[1], 2);
    stand.tell(Event::Quote { quote: &quote, more: false });
    let decision = stand.decision().expect("the level is met");
    assert_eq!((decision.gate, decision.intent), (Gate::Passed, Intent::OpenLong));
    let orders = stand.orders();
    assert!(orders.iter().all(|order| order.qty_lots == decision.units));
    (decision.units, orders[0].price_e9)
}

fn to(stand: &Stand) -> Option<(SafeState, u8)> {
    stand.outputs.details().find_map(|detail| match detail {
        Detail::State(change) => Some((change.to, change.cause)),
        _ => None,
    })
}

#[test]
fn with_one_line_less_is_opened_at_the_price_of_less() {
    let whole = |state, sizing: Option<Sizing>| {
        let mut stand = Stand::new();
        sizing.into_iter().for_each(|sizing| stand.tell(Event::Sizing(sizing)));
        stand.channel(state, 1);
        opened(&mut stand, [500, 500])
    };
    let all = (1_000, 100 * ONE_E9);
    assert_eq!(whole(ChannelState::Live, Some(HALF)), all);
    assert_eq!(whole(ChannelState::SingleLine, None), all);
    assert_eq!(whole(ChannelState::SingleLine, Some(Sizing::WHOLE)), all);
    assert_eq!(whole(ChannelState::SingleLine, Some(HALF)), (500, 99 * ONE_E9));
    let tenth = Sizing { single_line_q32: u32::MAX / 10 };
    assert_eq!(whole(ChannelState::SingleLine, Some(tenth)).0, 100);
    let least = Sizing { single_line_q32: 0 };
    assert_eq!(whole(ChannelState::SingleLine, Some(least)).0, 1, "never less than one unit");
}

/// Closing is not made smaller: what is open is a risk.
#[test]
fn with_one_line_all_is_closed() {
    let mut stand = Stand::new();
    let orders = stand.open(8);
    for (order, exec_id) in orders.iter().zip(1..) {
        stand.tell(Event::Order(fill(order, exec_id, 8, 8)));
    }
    stand.tell(Event::Sizing(HALF));
    stand.channel(ChannelState::SingleLine, 1);
    stand.quote(1, 89, 90, 8);
    stand.quote(0, 100, 101, 8);
    let decision = stand.decision().expect("the level is met");
    assert_eq!((decision.intent, decision.units), (Intent::CloseLong, 8));
}

/// The desk says in which state it decides, and only NORMAL gives way to it.
#[test]
fn the_safe_state_says_that_a_line_is_missing() {
    let cause = AlertKind::FeedSingle.code();
    let mut stand = Stand::new();
    stand.channel(ChannelState::SingleLine, 1);
    assert_eq!(to(&stand), None, "nothing is less by it");
    stand.tell(Event::Sizing(HALF));
    assert_eq!(to(&stand), Some((SafeState::SingleFeed, cause)));
    assert_eq!(stand.alerts(), [AlertKind::FeedSingle]);
    stand.channel(ChannelState::SingleLine, 2);
    assert_eq!((to(&stand), stand.alerts()), (None, vec![]), "once");
    stand.channel(ChannelState::Live, 2);
    assert_eq!(to(&stand), Some((SafeState::Normal, cause)));
    stand.command(CommandKind::NoNew);
    stand.channel(ChannelState::SingleLine, 2);
    assert_eq!(stand.desk().state(), SafeState::NoNew);
    stand.command(CommandKind::Arm);
    assert_eq!(stand.desk().state(), SafeState::SingleFeed);
    stand.tell(Event::Sizing(Sizing::WHOLE));
    assert_eq!(stand.desk().state(), SafeState::Normal);
}

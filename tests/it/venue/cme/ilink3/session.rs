//! The session's count of the exchange's messages, whatever they are.

use super::requests::IDENTITY;
use crate::shared;
use cross_market_connect::venue::cme::ilink3::plain;
use serde_json::{Value, json};
use xmc_hotpath::gateway::OrderSession;
use xmc_hotpath::message::{
    GatewayIndex, GatewayNews, OrderAction, OrderCommand, OrderEvent, OrderEventKind, OrderId,
    SessionState, StreamId,
};
use xmc_hotpath::time::{MonoNs, Span, UnixNs};
use xmc_hotpath::venue::cme::ilink3::layout::ClOrdId;
use xmc_hotpath::venue::cme::ilink3::session::{Handover, Missed, Session, SessionCounters};

/// The frame of a golden message with another number, of one of our orders.
fn frame(golden: &str, template: u16, seq_no: u32) -> Vec<u8> {
    changed(golden, template, seq_no, |_| ())
}

/// The same with a change of its own.
fn changed(golden: &str, template: u16, seq_no: u32, change: impl Fn(&mut Value)) -> Vec<u8> {
    let line = golden.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let mut line = line.into_iter().find(|line| line["template"] == template).expect("is there");
    line.as_object_mut().expect("an object").remove("hex");
    let own = ClOrdId::of_order(7);
    let own = String::from_utf8_lossy(bytemuck::bytes_of(&own)).into_owned();
    for (key, value) in [
        ("seqNum", json!(seq_no)),
        ("uUID", json!(5)),
        ("possRetransFlag", json!(0)),
        ("clOrdID", json!(own)),
    ] {
        if line["fields"].get(key).is_some() {
            line["fields"][key] = value;
        }
    }
    change(&mut line);
    plain::write(&line).unwrap_or_else(|error| panic!("{error}"))
}

/// What the session tells of a frame.
fn told(session: &mut Session<'_>, bytes: &[u8]) -> Vec<GatewayNews> {
    let (mut rest, mut told) = (bytes, Vec::new());
    for _ in 0..4 {
        let Ok(Some(taken)) = session.read(rest, MonoNs(1)) else { break };
        told.extend(taken.news);
        rest = &rest[taken.len..];
    }
    assert!(rest.is_empty(), "it is read to its end");
    told
}

#[test]
fn messages_that_are_passed_over_leave_no_gap() {
    let Some(golden) = shared::text("vectors/ilink3_golden.jsonl") else { return };
    let counters = SessionCounters::default();
    let handover = Handover {
        uuid: 5,
        next_seq_no: 1,
        next_report_no: 1,
        keep_alive: Span(0),
        missed: [Missed::NONE; 2],
    };
    let session = Session::take_over(GatewayIndex(0), StreamId(3), &IDENTITY, &handover, &counters);
    let mut session = session.expect("the identity is sound");
    let passed = [564, 527, 562, 565, 519];
    for (template, seq_no) in passed.into_iter().zip(1..) {
        let told = told(&mut session, &frame(&golden, template, seq_no));
        assert_eq!(told, [], "{template}");
    }
    assert_eq!(counters.ignored.get(), 5);
    // The fill of a listed spread is one of its order.
    let news = told(&mut session, &frame(&golden, 526, 6));
    let [GatewayNews::Order(fill)] = news[..] else { panic!("{news:?}") };
    let OrderEvent { kind, order_id, qty_lots, seq_no, .. } = fill;
    assert_eq!((kind, order_id.0, seq_no), (OrderEventKind::Filled, 7, 6));
    assert!(qty_lots > 0);
    // Eight is missing.
    assert_eq!(told(&mut session, &frame(&golden, 522, 7)).len(), 1);
    assert_eq!(session.state(), SessionState::Up);
    assert_eq!(told(&mut session, &frame(&golden, 564, 9)), []);
    assert_eq!((session.state(), counters.gaps.get()), (SessionState::Gapped, 1));
    assert_eq!(told(&mut session, &frame(&golden, 522, 10)).len(), 1);
}

/// The state of an order as the exchange words it, and what the desk is told of it.
const STANDINGS: [(&str, Option<OrderEventKind>); 10] = [
    ("New", Some(OrderEventKind::Accepted)),
    ("PartiallyFilled", Some(OrderEventKind::Accepted)),
    ("Filled", Some(OrderEventKind::Cancelled)),
    ("Cancelled", Some(OrderEventKind::Cancelled)),
    ("Replaced", Some(OrderEventKind::Accepted)),
    ("PendingCancel", Some(OrderEventKind::Accepted)),
    ("Rejected", Some(OrderEventKind::Rejected)),
    ("Expired", Some(OrderEventKind::Cancelled)),
    ("PendingReplace", Some(OrderEventKind::Accepted)),
    ("Undefined", None),
];

#[test]
fn how_an_order_stands_is_asked_by_its_name_or_its_instrument_and_told_as_news() {
    let Some(golden) = shared::text("vectors/ilink3_golden.jsonl") else { return };
    let counters = SessionCounters::default();
    let session = Session::new(GatewayIndex(0), StreamId(3), &IDENTITY, 20, &counters);
    let mut session = session.expect("the identity is sound");
    let ask = OrderCommand {
        action: OrderAction::Status,
        order_id: OrderId(7),
        venue_order_id: 0,
        security_id: 42,
        ..OrderCommand::NONE
    };
    let named = OrderCommand { venue_order_id: 1_234_567, ..ask };
    for (ask, template, key, value, seq_no) in
        [(ask, 530, "securityID", 42_u64, 20), (named, 533, "orderID", 1_234_567, 21)]
    {
        let bytes = session.encode(&ask, UnixNs(99)).expect("there is such a message");
        let (plain, rest) = plain::read(bytes).expect("it is a frame");
        assert_eq!((plain.template, rest), (template, &[][..]));
        let fields = serde_json::to_value(&plain.fields).expect("it is JSON");
        for (key, value) in [(key, value), ("seqNum", seq_no), ("sendingTimeEpoch", 99)] {
            assert_eq!(fields[key], json!(value), "{template} {key}");
        }
        session.sent(&ask);
    }
    for (word, kind) in STANDINGS {
        let change = |line: &mut Value| {
            line["fields"]["ordStatus"] = json!(word);
            line["fields"]["cumQty"] = json!(3);
        };
        let news = told(&mut session, &changed(&golden, 532, 1, change));
        let news = news.first().map(|news| match news {
            GatewayNews::Order(event) => (event.kind, event.order_id.0, event.cum_lots),
            GatewayNews::Session(update) => panic!("{update:?}"),
        });
        assert_eq!(news, kind.map(|kind| (kind, 7, 3)), "{word}");
    }
    // A question that was refused as a whole says nothing of its order.
    let refused = changed(&golden, 521, 2, |line| line["fields"]["refSeqNum"] = json!(21));
    assert_eq!(told(&mut session, &refused), []);
}

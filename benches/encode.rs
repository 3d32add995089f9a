//! Writing an order for iLink 3: the template alone, then the session with its bookkeeping.

#[expect(dead_code, reason = "each bench uses a part of it")]
mod measure;

use measure::{Bench, fold};
use std::hint::black_box;
use xmc_hotpath::gateway::OrderSession;
use xmc_hotpath::message::{
    self, AccountId, GatewayIndex, InstrumentIndex, OrderAction, OrderCommand, OrderId,
    PositionEffect, ProjectId, SpreadIndex, StrategyId, StreamId,
};
use xmc_hotpath::time::{MonoNs, UnixNs};
use xmc_hotpath::venue::cme::ilink3::encode::{
    NO_MIN_QTY, NewOrderFields, NewOrderTemplate, SessionIdentity,
};
use xmc_hotpath::venue::cme::ilink3::layout::{ClOrdId, NEWEST_VERSION, Side, TimeInForce};
use xmc_hotpath::venue::cme::ilink3::session::{Session, SessionCounters};

/// Orders of one batch.
const BATCH: u64 = 64;

const IDENTITY: SessionIdentity<'static> = SessionIdentity {
    sender_id: "BENCH",
    location: "US,IL",
    party_details_id: 7,
    schema_version: NEWEST_VERSION,
};

/// All its figures.
pub fn main() {
    let mut bench = Bench::start("encode");
    let orders: Vec<OrderCommand> = (0..BATCH).map(order).collect();

    let mut template = NewOrderTemplate::new(&IDENTITY).expect("the identity is valid");
    let fields: Vec<NewOrderFields> = orders.iter().map(fields).collect();
    bench.parts("template 514", |watch| {
        let digest = watch.time(|| hot_patch(&mut template, &fields));
        (BATCH, whole(digest, template.patch(&fields[0], 1, 1)))
    });

    let counters = SessionCounters::default();
    let session = Session::new(GatewayIndex(0), StreamId(2), &IDENTITY, 1, &counters);
    let mut session = session.expect("the identity is valid");
    bench.parts("session 514", |watch| {
        let digest = watch.time(|| hot_encode(&mut session, &orders));
        (BATCH, whole(digest, session.encode(&orders[0], UnixNs(1)).unwrap_or(&[])))
    });
}

fn order(number: u64) -> OrderCommand {
    let step = i64::try_from(number).expect("few orders");
    OrderCommand {
        action: OrderAction::New,
        order_id: OrderId(0x0101_0001_0000_0000 + number),
        venue_order_id: 0,
        instrument: InstrumentIndex(0),
        security_id: 1001,
        gateway: GatewayIndex(0),
        side: if number.is_multiple_of(2) { message::Side::Buy } else { message::Side::Sell },
        time_in_force: message::TimeInForce::FillAndKill,
        effect: PositionEffect::Net,
        hedge: message::HedgeFlag::Arbitrage,
        price_e9: 500_000_000_000 + step * 250_000_000,
        qty_lots: 2,
        spread: SpreadIndex(0),
        leg: 0,
        strategy: StrategyId(0),
        account: AccountId(0),
        project: ProjectId(0),
        orders_left: 0,
        caused: MonoNs(0),
    }
}

fn fields(order: &OrderCommand) -> NewOrderFields {
    NewOrderFields {
        price_e9: order.price_e9,
        qty_lots: order.qty_lots,
        security_id: order.security_id,
        side: if order.side == message::Side::Buy { Side::Buy } else { Side::Sell },
        tif: TimeInForce::FillAndKill,
        min_qty_lots: NO_MIN_QTY,
        // Made when it is measured.
        cl_ord_id: ClOrdId::EMPTY,
        request_id: order.order_id.0,
    }
}

/// Patches a template, the text of the order's number included; says how many bytes came out.
#[inline(never)]
fn hot_patch(template: &mut NewOrderTemplate, orders: &[NewOrderFields]) -> u64 {
    orders.iter().zip(1_u32..).fold(0, |bytes, (order, seq_no)| {
        let cl_ord_id = ClOrdId::of_order(order.request_id);
        let fields = NewOrderFields { cl_ord_id, ..*order };
        let frame = black_box(template.patch(&fields, seq_no, u64::from(seq_no)));
        bytes + frame.len() as u64
    })
}

/// Numbers, remembers and writes; says how many bytes came out.
#[inline(never)]
fn hot_encode(session: &mut Session<'_>, orders: &[OrderCommand]) -> u64 {
    orders.iter().zip(1..).fold(0, |bytes, (order, at)| {
        bytes + black_box(session.encode(order, UnixNs(at)).unwrap_or(&[])).len() as u64
    })
}

/// A whole frame into the digest: off the clock.
fn whole(digest: u64, frame: &[u8]) -> u64 {
    frame.iter().fold(digest, |digest, byte| fold(digest, u64::from(*byte)))
}

//! The parts that stages are made of, each reachable on its own: what a stage of today does not
//! call must not panic in the stage of tomorrow.
#![expect(improper_ctypes_definitions, reason = "nobody calls these: they only have to link")]

use crate::entry::Outside;
use xmc_hotpath::book::{self, Order};
use xmc_hotpath::counter::{Counter, NoRecorder};
use xmc_hotpath::desk::stage::DeskStage;
use xmc_hotpath::desk::timers::Timers;
use xmc_hotpath::execute::Fire;
use xmc_hotpath::execute::offset::{self, Holding};
use xmc_hotpath::execute::repair;
use xmc_hotpath::feed::{self, Channel, FeedStage};
use xmc_hotpath::gateway::GatewayStage;
use xmc_hotpath::message::{
    CloseFirst, Credits, Depth, Detail, InstrumentSpec, MAX_GATEWAYS, MAX_LEGS, OffsetRule,
    OrderAction, OrderCommand, OrderEvent, OrderId, Side, Sizing, SpreadSpec,
};
use xmc_hotpath::order::Orders;
use xmc_hotpath::port::Line;
use xmc_hotpath::port::copies::CopySender;
use xmc_hotpath::port::xdp::{self, Descriptor, FrameAddress, FrameLayout, FreeFrames};
use xmc_hotpath::record::frame::Writer;
use xmc_hotpath::record::ring::Producer;
use xmc_hotpath::ring::{QuoteSender, Receiver, Sender};
use xmc_hotpath::risk::{
    self, AccountRisk, Batch, Draft, Exposure, FireSize, GatewayRisk, InstrumentRate, Reference,
    Room, ValueLimit,
};
use xmc_hotpath::spread::{self, LegBook, Trigger, Value};
use xmc_hotpath::stage::{self, Both, CoreCounters, Stage, Switch};
use xmc_hotpath::time::{Clock, MonoNs, UnixNs};
use xmc_hotpath::venue::cme::ilink3::decode;
use xmc_hotpath::venue::cme::ilink3::encode::{
    CancelFields, CancelTemplate, NewOrderFields, NewOrderTemplate, ReplaceFields, ReplaceTemplate,
};
use xmc_hotpath::venue::cme::ilink3::layout::NewOrder;
use xmc_hotpath::venue::cme::ilink3::session::Session;
use xmc_hotpath::venue::esunny::double::Double;
use xmc_hotpath::venue::esunny::dstar::decode as dstar;
use xmc_hotpath::venue::esunny::dstar::encode::{DeleteTemplate, InsertFields, InsertTemplate};
use xmc_hotpath::venue::esunny::dstar::layout::{Generation, Reference as Named, V2, V3};
use xmc_hotpath::venue::esunny::dstar::requests::Requests;
use xmc_hotpath::venue::esunny::dstar::simulated_counter;
use xmc_hotpath::venue::shfe::smdp::decode::{self as mirp, DecodeError, Field};
use xmc_hotpath::venue::shfe::smdp::feed::Smdp;
use xmc_hotpath::venue::shfe::smdp::varint;
use xmc_hotpath::wire;

type Desk = DeskStage<'static, Outside, Producer<'static>>;
type Gateway = GatewayStage<'static, Session<'static>, Outside, Outside, NoRecorder>;

#[unsafe(no_mangle)]
extern "C" fn loop_of_a_core(
    stages: &mut Both<Desk, Gateway>,
    switch: &Switch,
    counters: &CoreCounters,
    clock: &Outside,
) {
    stage::run(stages, switch, counters, || clock.now().0);
}

#[unsafe(no_mangle)]
extern "C" fn spread_value(
    spec: &SpreadSpec,
    legs: &[LegBook<'static>; MAX_LEGS],
    is_buy: bool,
    units: u32,
) -> Option<Value> {
    spread::value(spec, legs, is_buy, units)
}

#[unsafe(no_mangle)]
extern "C" fn spread_measured_e9(value: &Value, spec: &SpreadSpec, is_buy: bool) -> i64 {
    value.measured_e9(spec, is_buy)
}

#[unsafe(no_mangle)]
extern "C" fn spread_at_most(
    spec: &SpreadSpec,
    legs: &[LegBook<'static>; MAX_LEGS],
    trigger: Trigger,
    most: u32,
) -> Trigger {
    spread::at_most(spec, legs, trigger, most)
}

#[unsafe(no_mangle)]
extern "C" fn sizing_clip_units(sizing: Sizing, clip_units: u32) -> u32 {
    sizing.clip_units(clip_units)
}

#[unsafe(no_mangle)]
extern "C" fn spread_worst_price(depth: &Depth, taken: u32, lots: u64) -> Option<i64> {
    spread::worst_price(depth, taken, lots)
}

#[unsafe(no_mangle)]
extern "C" fn risk_admit(
    draft: &Draft,
    spec: &InstrumentSpec,
    exposure: &Exposure,
    reference: Reference,
) -> bool {
    risk::admit(draft, spec, ValueLimit::of(spec), exposure, reference).is_ok()
}

#[unsafe(no_mangle)]
extern "C" fn risk_admit_batch(
    batch: &Batch,
    gateways: &[GatewayRisk; MAX_GATEWAYS],
    credits: &Credits,
    now: MonoNs,
) -> bool {
    risk::admit_batch(batch, Room::Repairable, gateways, credits, now).is_ok()
}

#[unsafe(no_mangle)]
extern "C" fn risk_rates(
    rate: &mut InstrumentRate,
    spec: &InstrumentSpec,
    account: &mut AccountRisk,
    gateway: &mut GatewayRisk,
    fire: &FireSize,
    now: MonoNs,
) -> bool {
    let is_admitted = risk::admit_rate(rate, spec, 1, now).is_ok()
        && rate.has_room(fire.orders, spec.max_messages, now, spec.rate_window)
        && account.admit(fire, now).is_ok()
        && gateway.admit(fire.orders, fire.room, now, 1).is_ok();
    rate.push(now);
    account.sent(now);
    account.ordered(fire.opened_lots, now);
    gateway.sent(now);
    is_admitted
}

#[unsafe(no_mangle)]
extern "C" fn risk_exposure(exposure: &mut Exposure, side: Side, lots: u32) {
    exposure.reserve(side, lots);
    exposure.trade(side, lots);
    exposure.release(side, lots);
    exposure.close_order();
}

#[unsafe(no_mangle)]
extern "C" fn record_outputs(
    writer: &Writer,
    order: &OrderCommand,
    detail: &Detail,
    buffer: &mut [u8; 512],
) -> Option<usize> {
    let order_len = writer.order(1, 0, order, buffer)?;
    let detail_len = writer.detail(1, 1, detail, buffer)?;
    Some(order_len.max(detail_len))
}

#[unsafe(no_mangle)]
extern "C" fn record_ring(producer: &mut Producer<'static>, record: &[u8]) -> u64 {
    if producer.stage(record).is_ok() {
        producer.publish();
    } else {
        producer.rollback();
    }
    producer.warm();
    producer.reclaim();
    producer.free_bytes(1).wrapping_add(u64::from(producer.used_pct()))
}

#[unsafe(no_mangle)]
extern "C" fn ring_ends(sender: &mut Sender<u64>, receiver: &mut Receiver<u64>) -> usize {
    let is_pushed = sender.push(1).is_ok();
    sender.warm(1);
    let is_waiting = receiver.has_known() || !receiver.is_empty() || receiver.peek().is_some();
    let known = sender.free(1).wrapping_add(receiver.pending());
    if is_pushed || is_waiting { known } else { 0 }
}

#[unsafe(no_mangle)]
extern "C" fn quote_flush(sender: &mut QuoteSender<'static>) -> bool {
    sender.flush()
}

#[unsafe(no_mangle)]
extern "C" fn order_arena(orders: &mut Orders<'static>, event: &OrderEvent) -> usize {
    let opened = orders.open().map(|order| order.id);
    let is_new = orders.get_mut(event.order_id).is_some_and(|order| order.is_new_fill(event));
    orders.close(opened.unwrap_or(event.order_id));
    let is_known = orders.get(event.order_id).or_else(|| orders.at(0)).is_some();
    orders.free_count().wrapping_add(usize::from(is_new || is_known))
}

#[unsafe(no_mangle)]
extern "C" fn fire_news(fire: &mut Fire, leg: u8, order: OrderId, lots: u32) {
    fire.add(usize::from(leg), order, lots);
    if fire.is_toward(lots > 1) {
        fire.fill(leg, true, lots);
    }
    fire.bust(leg, false, lots);
    fire.pay(leg, Side::Sell, i64::from(lots), lots);
    fire.close_order();
}

#[unsafe(no_mangle)]
extern "C" fn repair_priced(fire: &Fire, spec: &SpreadSpec, depth: &Depth, taken: u32) -> i64 {
    let ends = repair::ends(&spec.legs, fire);
    let mut trades = [None; MAX_LEGS];
    for ((slot, leg), filled) in trades.iter_mut().zip(&spec.legs).zip(&fire.filled_lots) {
        let lots = repair::lots_to(leg, *filled, ends.done_units);
        *slot = repair::trade(Side::Buy, depth, taken, lots);
    }
    let more = ends.full_units.unwrap_or(0);
    let lots = [1 << 32; MAX_LEGS];
    repair::cost_e9(spec, &lots, fire, &trades, more, &fire.planned_e9).unwrap_or(i64::MAX)
}

#[unsafe(no_mangle)]
extern "C" fn offset_split(
    held: &mut Holding,
    side: Side,
    lots: u32,
    rule: OffsetRule,
    first: CloseFirst,
) -> u32 {
    let children = offset::split(side, lots, held, rule, first);
    for child in children.iter() {
        held.freeze(side, child.effect, child.lots);
        held.thaw(side, child.effect, child.lots);
    }
    children
        .iter()
        .map(|child| held.fill(side, child.effect, child.lots))
        .fold(0, u32::wrapping_add)
}

#[unsafe(no_mangle)]
extern "C" fn timers(timers: &mut Timers<'static>, row: u32, due: MonoNs) -> MonoNs {
    timers.set(row, due);
    let popped = timers.pop_due(due);
    timers.clear(popped.unwrap_or(row));
    timers.next()
}

#[unsafe(no_mangle)]
extern "C" fn book_consolidate(order: Order, absent: &Depth, first: &Depth, second: &Depth) -> u32 {
    book::consolidate(order, *absent, first, second).count
}

#[unsafe(no_mangle)]
extern "C" fn feed_end_of_event(channel: &mut Channel<'static>, exchange: UnixNs) {
    channel.end_of_event(exchange);
}

#[unsafe(no_mangle)]
extern "C" fn feed_digest(bytes: &[u8]) -> u64 {
    feed::digest(bytes)
}

#[unsafe(no_mangle)]
extern "C" fn ilink3_new_order(template: &mut NewOrderTemplate, order: &NewOrderFields) -> usize {
    template.patch(order, 1, 1).len()
}

#[unsafe(no_mangle)]
extern "C" fn ilink3_replace(template: &mut ReplaceTemplate, change: &ReplaceFields) -> usize {
    template.patch(change, 1, 1).len()
}

#[unsafe(no_mangle)]
extern "C" fn ilink3_cancel(template: &mut CancelTemplate, cancel: &CancelFields) -> usize {
    template.patch(cancel, 1, 1).len()
}

/// A frame with all that its report holds.
#[unsafe(no_mangle)]
extern "C" fn ilink3_report(bytes: &[u8], exec_id: &[u8; 40]) -> Option<u64> {
    let (frame, _) = decode::frame(bytes).ok()??;
    let (order, _) = frame.block::<NewOrder>().ok()?;
    let report = decode::report(&frame).ok()??;
    let named = wire::text(order.cl_ord_id.bytes()).first().copied();
    let sum = decode::exec_digest(exec_id).wrapping_add(report.stamp().uuid);
    Some(sum.wrapping_add(report.news()?.order_id).wrapping_add(u64::from(named?)))
}

/// A MIRP packet with all that its fields hold.
#[unsafe(no_mangle)]
extern "C" fn smdp_packet(bytes: &[u8]) -> Result<u64, DecodeError> {
    let packet = mirp::packet(bytes)?;
    let mut sum = packet.snap_ns().0;
    for framed in packet.fields() {
        sum = sum.wrapping_add(match framed.decode()? {
            Field::Level(level) => level.offset_ticks.cast_unsigned(),
            Field::Trade(trade) => trade.volume_change_lots.cast_unsigned(),
            Field::Delta { bits } => bits,
            _ => 0,
        });
    }
    Ok(sum)
}

#[unsafe(no_mangle)]
extern "C" fn smdp_stage(
    stage: &mut FeedStage<'static, Outside, Outside, Smdp<'static>>,
) -> stage::Work {
    stage.housekeeping();
    stage.poll()
}

#[unsafe(no_mangle)]
extern "C" fn smdp_number(bytes: &[u8]) -> Option<i64> {
    varint::take(bytes).ok().map(|(number, _)| number)
}

fn insert<G: Generation>(
    template: &mut InsertTemplate<G>,
    order: &InsertFields<G::Reference>,
) -> usize {
    template.patch(order).map_or(0, <[u8]>::len)
}

#[unsafe(no_mangle)]
extern "C" fn dstar_insert(
    v2: &mut InsertTemplate<V2>,
    v3: &mut InsertTemplate<V3>,
    old: &InsertFields<<V2 as Generation>::Reference>,
    new: &InsertFields<<V3 as Generation>::Reference>,
) -> usize {
    insert(v2, old).wrapping_add(insert(v3, new))
}

#[unsafe(no_mangle)]
extern "C" fn dstar_delete(
    v2: &mut DeleteTemplate<V2>,
    v3: &mut DeleteTemplate<V3>,
    keys: &(<V2 as Generation>::Key, <V3 as Generation>::Key),
) -> usize {
    let old = v2.patch(1, Named::NONE, keys.0).len();
    old.wrapping_add(v3.patch(1, Named::NONE, keys.1).len())
}

/// A reply with all that it says, and a price there and back.
#[unsafe(no_mangle)]
extern "C" fn dstar_reply(bytes: &[u8], price: Double) -> Option<i64> {
    let (frame, _) = simulated_counter::frame(bytes).ok()??;
    let is_v2 = dstar::reply::<V2>(dstar::ReplyKind::Match, frame.body).is_ok();
    let dstar::Reply::Notice(notice) =
        dstar::reply::<V3>(dstar::ReplyKind::Notice, frame.body).ok()?
    else {
        return None;
    };
    let is_known = dstar::notice_kind(notice.state, notice.error.get()).is_some();
    let is_ours = dstar::side(notice.direct).is_some();
    let price_e9 = dstar::price_e9(Double::of_price(dstar::price_e9(price)?))?;
    (is_v2 || is_known || is_ours).then_some(price_e9)
}

#[unsafe(no_mangle)]
extern "C" fn dstar_requests(requests: &mut Requests, order: OrderId, now: MonoNs) -> bool {
    requests.sent(order, OrderAction::New);
    let is_answered = requests.answered(1, order) || requests.refused(2, 1);
    if requests.is_question_due(now) {
        requests.asked(now);
    }
    requests.lost(1).is_some() || is_answered || requests.is_stuck()
}

/// A frame that was received goes back to the kernel, as a receiving port does it.
#[unsafe(no_mangle)]
extern "C" fn xdp_receive(
    received: &mut xdp::Consumer<'static, Descriptor>,
    fill: &mut xdp::Producer<'static, FrameAddress>,
    layout: FrameLayout,
) -> Option<usize> {
    if received.known() == 0 && received.look() == 0 {
        return None;
    }
    let descriptor = received.pop()?;
    let bytes = layout.locate(descriptor)?;
    fill.push(layout.address(layout.frame(descriptor.address)?)).ok()?;
    fill.publish();
    received.release();
    fill.needs_wakeup().then_some(bytes.len())
}

/// A frame is sent and one that was sent is free again, as a sending port does it.
#[unsafe(no_mangle)]
extern "C" fn xdp_send(
    sent: &mut xdp::Producer<'static, Descriptor>,
    completed: &mut xdp::Consumer<'static, FrameAddress>,
    free: &mut FreeFrames,
    layout: FrameLayout,
    len: u32,
) -> Option<u32> {
    while let Some(address) = completed.pop() {
        if !free.put_back(layout.frame(address)?) {
            return None;
        }
    }
    let room = sent.room();
    let frame = free.take()?;
    sent.push(Descriptor { address: layout.address(frame), len, options: 0 }).ok()?;
    sent.publish();
    Some(free.count().min(room))
}

#[unsafe(no_mangle)]
extern "C" fn copies_copy(copies: &mut CopySender, payload: &[u8], missed: &Counter) {
    copies.copy(Line::B, payload, missed);
}

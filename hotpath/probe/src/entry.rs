//! Every hot entry point, made reachable from outside. `tests/it/tidy.rs` compares this list with
//! the stages and pure functions that `xmc-hotpath` offers.
#![expect(improper_ctypes_definitions, reason = "nobody calls these: they only have to link")]

use core::sync::atomic::{AtomicU64, Ordering};
use xmc_hotpath::book::View;
use xmc_hotpath::counter::NoRecorder;
use xmc_hotpath::desk::stage::DeskStage;
use xmc_hotpath::desk::{Desk, Outputs};
use xmc_hotpath::feed::{Channel, Feed, FeedStage};
use xmc_hotpath::gateway::{GatewayStage, OrderSession};
use xmc_hotpath::message::{Input, MAX_LEGS, OrderCommand, Quote, SpreadSpec};
use xmc_hotpath::port::{Datagram, Line, RxPort, SendError, StreamPort, TxPort};
use xmc_hotpath::record::frame::{Images, Writer};
use xmc_hotpath::record::ring::Producer;
use xmc_hotpath::ring::{QuoteSender, Receiver, Sender};
use xmc_hotpath::spread::{LegBook, Trigger};
use xmc_hotpath::stage::{Stage, Work};
use xmc_hotpath::time::{Clock, MonoNs, UnixNs};
use xmc_hotpath::venue::cme::ilink3::session::Session;
use xmc_hotpath::venue::cme::mdp3::decode::{self, DecodeError, Message};
use xmc_hotpath::venue::cme::mdp3::feed::Mdp3;
use xmc_hotpath::venue::esunny::dstar::layout::{V2, V3};
use xmc_hotpath::venue::esunny::dstar::session::DstarSession;
use xmc_hotpath::venue::esunny::dstar::simulated_counter::SimulatedCounter;

static OUTSIDE: AtomicU64 = AtomicU64::new(0);

/// A clock and ports of which the optimiser can know nothing.
pub struct Outside {
    payload: &'static [u8],
}

impl Clock for Outside {
    fn now(&self) -> MonoNs {
        MonoNs(OUTSIDE.load(Ordering::Relaxed))
    }
}

impl RxPort for Outside {
    fn peek(&mut self) -> Option<Datagram<'_>> {
        let received = self.now();
        let line = if received.0 & 1 == 0 { Line::A } else { Line::B };
        (received.0 & 2 == 0).then_some(Datagram { payload: self.payload, received, line })
    }

    fn release(&mut self) {
        OUTSIDE.store(1, Ordering::Relaxed);
    }
}

impl TxPort for Outside {
    fn send(&mut self, message: &[u8]) -> Result<(), SendError> {
        match message.first() {
            Some(0) => Err(SendError::Busy),
            Some(1) => Err(SendError::Torn),
            Some(_) => Ok(()),
            None => Err(SendError::Closed),
        }
    }
}

impl StreamPort for Outside {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, SendError> {
        let len = usize::try_from(OUTSIDE.load(Ordering::Relaxed)).unwrap_or(0);
        if len <= buffer.len() { Ok(len) } else { Err(SendError::Closed) }
    }
}

#[unsafe(no_mangle)]
extern "C" fn desk_on(desk: &mut Desk<'static>, input: &Input<'static>, outputs: &mut Outputs) {
    desk.on(input, outputs);
}

#[unsafe(no_mangle)]
extern "C" fn desk_next_deadline(desk: &Desk<'static>) -> MonoNs {
    desk.next_deadline()
}

#[unsafe(no_mangle)]
extern "C" fn desk_stage_poll(stage: &mut DeskStage<'static, Outside, Producer<'static>>) -> Work {
    stage.poll()
}

#[unsafe(no_mangle)]
extern "C" fn desk_stage_housekeeping(stage: &mut DeskStage<'static, Outside, Producer<'static>>) {
    stage.housekeeping();
}

#[unsafe(no_mangle)]
extern "C" fn feed_stage_poll(stage: &mut FeedStage<'static, Outside, Outside, Mdp3>) -> Work {
    stage.poll()
}

#[unsafe(no_mangle)]
extern "C" fn feed_stage_housekeeping(stage: &mut FeedStage<'static, Outside, Outside, Mdp3>) {
    stage.housekeeping();
}

#[unsafe(no_mangle)]
extern "C" fn feed_on_datagram(feed: &mut Feed<'static, Mdp3>, datagram: &Datagram<'static>) {
    feed.on_datagram(datagram);
}

#[unsafe(no_mangle)]
extern "C" fn book_show(
    channel: &mut Channel<'static>,
    security_id: i32,
    view: View,
    quote: &mut Quote,
) {
    if let Some(instrument) = channel.instrument(security_id) {
        instrument.show(view, quote);
    }
}

#[unsafe(no_mangle)]
extern "C" fn gateway_stage_poll(
    stage: &mut GatewayStage<'static, Session<'static>, Outside, Outside, NoRecorder>,
) -> Work {
    stage.poll()
}

#[unsafe(no_mangle)]
extern "C" fn ilink3_encode(session: &mut Session<'static>, order: &OrderCommand) -> usize {
    session.encode(order, UnixNs(1)).map_or(0, <[u8]>::len)
}

type Dstar<G> = DstarSession<'static, G, SimulatedCounter>;

#[unsafe(no_mangle)]
extern "C" fn dstar_v3_stage(
    stage: &mut GatewayStage<'static, Dstar<V3>, Outside, Outside, NoRecorder>,
) -> Work {
    stage.housekeeping();
    stage.poll()
}

#[unsafe(no_mangle)]
extern "C" fn dstar_v2_stage(
    stage: &mut GatewayStage<'static, Dstar<V2>, Outside, Outside, NoRecorder>,
) -> Work {
    stage.housekeeping();
    stage.poll()
}

/// A packet with all that its messages hold: entries, prices, orders, the groups of definitions.
#[unsafe(no_mangle)]
extern "C" fn mdp3_packet(bytes: &[u8]) -> Result<usize, DecodeError> {
    let mut count = 0_usize;
    for framed in decode::packet(bytes)?.messages() {
        let message = framed.decode()?;
        for view in message.entry_views() {
            count = count.wrapping_add(usize::from(view.kind.unwrap_or(0)));
        }
        count = count.wrapping_add(match message {
            Message::Book(book) => {
                for entry in book.entries {
                    let is_priced = book.scale.price_e9(entry.price)?.is_some();
                    count = count.wrapping_add(usize::from(is_priced));
                }
                book.orders()?
                    .map(|order| usize::from(order.reference))
                    .fold(0, usize::wrapping_add)
            }
            Message::Trade(trade) => trade.orders()?.len(),
            Message::Future(future) => future.groups()?.feed_types.len(),
            Message::Option(option) => option.groups()?.related.len(),
            Message::Spread(spread) => spread.groups()?.legs.len(),
            _ => 0,
        });
    }
    Ok(count)
}

#[unsafe(no_mangle)]
extern "C" fn spread_evaluate(
    spec: &SpreadSpec,
    position_units: i32,
    legs: &[LegBook<'static>; MAX_LEGS],
) -> Option<Trigger> {
    xmc_hotpath::spread::evaluate(spec, position_units, legs)
}

#[unsafe(no_mangle)]
extern "C" fn record_input(
    writer: &Writer,
    input: &Input<'static>,
    images: &mut Images<'static>,
    buffer: &mut [u8; 512],
) -> Option<usize> {
    writer.input(1, input, images, buffer)
}

#[unsafe(no_mangle)]
extern "C" fn ring_push_all(sender: &mut Sender<u64>, values: &[u64; 4]) -> bool {
    sender.push_all(values).is_ok()
}

#[unsafe(no_mangle)]
extern "C" fn ring_pop(receiver: &mut Receiver<u64>) -> Option<u64> {
    receiver.pop()
}

#[unsafe(no_mangle)]
extern "C" fn quote_send(sender: &mut QuoteSender<'static>, quote: &Quote) -> bool {
    sender.send(quote).is_ok()
}

#[cfg(feature = "break-panic")]
#[unsafe(no_mangle)]
extern "C" fn broken_on_purpose_panic(values: &[u8], index: usize) -> u8 {
    values[index]
}

#[cfg(feature = "break-alloc")]
#[unsafe(no_mangle)]
extern "C" fn broken_on_purpose_alloc(length: usize) -> usize {
    extern crate alloc;
    alloc::vec![1_u8; length].iter().map(|byte| usize::from(*byte)).fold(0, usize::wrapping_add)
}

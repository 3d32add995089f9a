//! A session on its stage, and an exchange in memory that says what a test has it say.

use super::requests::IDENTITY;
use cross_market_connect::sim::clock::VirtualClock;
use cross_market_connect::sim::wire::SimStream;
use rtrb::RingBuffer;
use xmc_hotpath::counter::{Counter, NoRecorder};
use xmc_hotpath::gateway::{Door, Entry, GatewayCounters, GatewayStage, Reentry};
use xmc_hotpath::message::{
    AccountId, GatewayIndex, GatewayNews, HedgeFlag, InstrumentIndex, OrderAction, OrderCommand,
    OrderEventKind, OrderId, PositionEffect, ProjectId, SessionState, Side, SpreadIndex,
    StrategyId, StreamId, TimeInForce,
};
use xmc_hotpath::ring::{Receiver, Sender, ends};
use xmc_hotpath::stage::{Stage, Work};
use xmc_hotpath::time::{Clock, MonoNs, Span};
use xmc_hotpath::venue::cme::ilink3::decode;
use xmc_hotpath::venue::cme::ilink3::layout::{
    Block, Cancel, ClOrdId, Framed, Message, NewOrder, NotApplied, OrderNew, Replace,
    Retransmission, RetransmitReject, RetransmitRequest, Sequence, Terminate,
};
use xmc_hotpath::venue::cme::ilink3::session::{Handover, Left, Missed, Session, SessionCounters};
use xmc_hotpath::wire::{U16Le, U32Le, U64Le};

/// The session's number.
pub const UUID: u64 = 7_000;
/// The one before.
pub const EARLIER: u64 = 6_000;
pub const MS: u64 = 1_000_000;
pub const SECOND: u64 = 1_000 * MS;
const KEEP_ALIVE_MS: u64 = 10_000;

/// What the desk is told, in a few words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    Session(SessionState),
    /// Of which order.
    Order(OrderEventKind, u64),
}

/// What leaves, in a few words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// Next number, and whether it asks for a sign of life.
    Sequence(u32, bool),
    /// The session that is asked for (`None` is this one), the first message and how many.
    Request(Option<u64>, u32, u16),
    /// Its code and time.
    Terminate(u16, u64),
    /// Number and order.
    Order(u32, u64),
}

pub fn framed<M: Message>(body: M) -> Vec<u8> {
    bytemuck::bytes_of(&Framed::new(9, body)).to_vec()
}

/// A report of order `seq_no`, which is the message's number as well.
pub fn report(uuid: u64, seq_no: u32, is_again: bool) -> Vec<u8> {
    framed(OrderNew {
        seq_no: U32Le::new(seq_no),
        uuid: U64Le::new(uuid),
        cl_ord_id: ClOrdId::of_order(seq_no.into()),
        poss_retrans: u8::from(is_again),
        side: 1,
        ..OrderNew::BLANK
    })
}

pub fn live(seq_no: u32) -> Vec<u8> {
    report(UUID, seq_no, false)
}

pub fn again(seq_no: u32) -> Vec<u8> {
    report(UUID, seq_no, true)
}

pub fn sequence(next_seq_no: u32, is_lapsed: bool) -> Vec<u8> {
    framed(Sequence {
        uuid: U64Le::new(UUID),
        next_seq_no: U32Le::new(next_seq_no),
        lapsed: u8::from(is_lapsed),
        ..Sequence::BLANK
    })
}

pub fn granted(from: u32, count: u16) -> Vec<u8> {
    framed(Retransmission {
        uuid: U64Le::new(UUID),
        from_seq_no: U32Le::new(from),
        msg_count: U16Le::new(count),
        ..Retransmission::BLANK
    })
}

pub fn refused(code: u16) -> Vec<u8> {
    framed(RetransmitReject {
        uuid: U64Le::new(UUID),
        error_code: U16Le::new(code),
        ..RetransmitReject::BLANK
    })
}

pub fn not_applied(from: u32, count: u32) -> Vec<u8> {
    framed(NotApplied {
        uuid: U64Le::new(UUID),
        from_seq_no: U32Le::new(from),
        msg_count: U32Le::new(count),
        ..NotApplied::BLANK
    })
}

pub fn accepted(seq_nos: impl IntoIterator<Item = u32>) -> Vec<Told> {
    let told = |seq_no: u32| Told::Order(OrderEventKind::Accepted, seq_no.into());
    seq_nos.into_iter().map(told).collect()
}

pub const UP: Told = Told::Session(SessionState::Up);
pub const GAPPED: Told = Told::Session(SessionState::Gapped);
pub const DOWN: Told = Told::Session(SessionState::Down);

/// A session whose next number is 1 on both sides.
pub fn handover() -> Handover {
    Handover {
        uuid: UUID,
        next_seq_no: 1,
        next_report_no: 1,
        keep_alive: Span(KEEP_ALIVE_MS * MS),
        missed: [Missed::NONE; 2],
    }
}

type Staged = GatewayStage<'static, Session<'static>, SimStream, &'static VirtualClock, NoRecorder>;

/// A stage, and everything around it.
pub struct Peer {
    pub stage: Staged,
    pub clock: &'static VirtualClock,
    pub counters: &'static SessionCounters,
    pub door: Door<SimStream, Handover, Left>,
    commands: Sender<OrderCommand>,
    news: Receiver<GatewayNews>,
}

impl Peer {
    pub fn new(handover: &Handover) -> Self {
        let clock: &'static VirtualClock = Box::leak(Box::new(VirtualClock::new(MonoNs(MS))));
        let counters: &'static SessionCounters = Box::leak(Box::default());
        let (row, stream) = (GatewayIndex(0), StreamId(1));
        let session = Session::take_over(row, stream, &IDENTITY, handover, counters);
        let (commands, commands_out) = ends(RingBuffer::new(4_096));
        let (news_in, news) = ends(RingBuffer::new(64));
        let (left_in, left) = ends(RingBuffer::new(1));
        let (entries, entries_out) = ends(RingBuffer::new(1));
        let (spent_in, spent) = ends(RingBuffer::new(1));
        let (leave, leave_out) = ends(RingBuffer::new(2));
        let stage = GatewayStage::new(
            session.expect("the identity is sound"),
            SimStream::new(1_000),
            clock,
            NoRecorder,
            row,
            stream,
            commands_out,
            news_in,
            Box::leak(vec![0; 1 << 15].into_boxed_slice()),
            Box::leak(Box::<Counter>::default()),
            Box::leak(Box::<GatewayCounters>::default()),
        );
        let inside =
            Reentry { left: left_in, entries: entries_out, spent: spent_in, leave: leave_out };
        let door = Door { left, entries, spent, leave };
        let stage = stage.with_reentry(inside);
        Self { stage, clock, counters, door, commands, news }
    }

    /// A session that the desk knows to be up.
    pub fn up() -> Self {
        let mut peer = Self::new(&handover());
        assert_eq!(peer.settle(), [UP]);
        assert_eq!(peer.tick(), [Said::Sequence(1, false)], "the first sign of life");
        peer
    }

    /// Polls until nothing happens: what the desk is told.
    pub fn settle(&mut self) -> Vec<Told> {
        let mut told = Vec::new();
        for _ in 0..100_000 {
            let work = self.stage.poll();
            while let Some(one) = self.news.pop() {
                told.push(match one {
                    GatewayNews::Session(update) => Told::Session(update.state),
                    GatewayNews::Order(event) => Told::Order(event.kind, event.order_id.0),
                });
            }
            if work == Work::Idle {
                return told;
            }
        }
        panic!("the stage never comes to rest");
    }

    /// The exchange says something.
    pub fn hear(&mut self, messages: &[Vec<u8>]) -> Vec<Told> {
        self.stage.port_mut().arrive(&messages.concat());
        self.settle()
    }

    /// Housekeeping now, as often as it has something to say.
    pub fn tick(&mut self) -> Vec<Said> {
        for _ in 0..8 {
            self.stage.housekeeping();
        }
        self.said()
    }

    /// Housekeeping after a time.
    pub fn after(&mut self, ns: u64) -> Vec<Said> {
        self.clock.advance(Span(ns));
        self.tick()
    }

    pub fn said(&mut self) -> Vec<Said> {
        self.stage.port_mut().take_sent().iter().map(|bytes| said(bytes)).collect()
    }

    pub fn command(&mut self, action: OrderAction, order: u64) {
        self.commands.push(command(action, order)).expect("there is room");
    }

    /// The next session.
    pub fn enter(&mut self, handover: Handover) -> Vec<Told> {
        let entry = Entry { port: SimStream::new(1_000), handover };
        self.door.entries.push(entry).expect("there is room");
        let told = self.settle();
        assert!(self.door.spent.pop().is_some(), "the last connection comes back");
        told
    }

    pub fn now(&self) -> u64 {
        self.clock.now().0
    }
}

fn said(bytes: &[u8]) -> Said {
    let (frame, rest) = decode::frame(bytes).expect("is framed").expect("is whole");
    assert!(rest.is_empty(), "one message at a time");
    fn block<'a, M: Message>(frame: &decode::Frame<'a>) -> &'a M {
        frame.block().expect("long enough").0
    }
    match frame.template_id {
        Sequence::TEMPLATE_ID => {
            let sequence: &Sequence = block(&frame);
            Said::Sequence(sequence.next_seq_no.get(), sequence.lapsed != 0)
        }
        RetransmitRequest::TEMPLATE_ID => {
            let request: &RetransmitRequest = block(&frame);
            assert_eq!(request.uuid.get(), UUID);
            let last = Some(request.last_uuid.get()).filter(|uuid| *uuid != u64::MAX);
            Said::Request(last, request.from_seq_no.get(), request.msg_count.get())
        }
        Terminate::TEMPLATE_ID => {
            let terminate: &Terminate = block(&frame);
            assert_eq!(terminate.uuid.get(), UUID);
            Said::Terminate(terminate.error_code.get(), terminate.request_ns.get())
        }
        NewOrder::TEMPLATE_ID => {
            let order: &NewOrder = block(&frame);
            Said::Order(order.seq_no.get(), order.cl_ord_id.order().expect("ours"))
        }
        Replace::TEMPLATE_ID => {
            let order: &Replace = block(&frame);
            Said::Order(order.seq_no.get(), order.cl_ord_id.order().expect("ours"))
        }
        Cancel::TEMPLATE_ID => {
            let order: &Cancel = block(&frame);
            Said::Order(order.seq_no.get(), order.cl_ord_id.order().expect("ours"))
        }
        other => panic!("template {other} leaves"),
    }
}

pub fn command(action: OrderAction, order: u64) -> OrderCommand {
    OrderCommand {
        action,
        order_id: OrderId(order),
        venue_order_id: 0,
        instrument: InstrumentIndex(0),
        security_id: 1,
        gateway: GatewayIndex(0),
        side: Side::Buy,
        time_in_force: TimeInForce::Day,
        effect: PositionEffect::Net,
        hedge: HedgeFlag::Hedge,
        price_e9: 0,
        qty_lots: 1,
        spread: SpreadIndex(0),
        leg: 0,
        strategy: StrategyId(0),
        account: AccountId(0),
        project: ProjectId(0),
        orders_left: 1,
        caused: MonoNs(0),
    }
}

//! A client of the counter: the engine's logon and its gateway stage on real sockets.

use super::{AT_ONCE, PATIENCE, eventually};
use crate::venue::esunny::dstar::rig::{ORDER_ROWS, id, identity, new};
use cross_market_connect::clock::EngineClock;
use cross_market_connect::port::pair::PairPort;
use cross_market_connect::port::tcp::{TcpPort, TcpSettings};
use cross_market_connect::secret::Secret;
use cross_market_connect::venue::esunny::dstar::logon::{self, Credentials, Logon};
use cross_market_connect::venue::shfe::simulated::shell::Running;
use rtrb::RingBuffer;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use xmc_hotpath::counter::{Counter, NoRecorder};
use xmc_hotpath::gateway::{GatewayCounters, GatewayStage};
use xmc_hotpath::message::{
    GatewayIndex, GatewayNews, InstrumentIndex, OrderCommand, OrderEvent, OrderEventKind, OrderId,
    PositionEffect, SessionState, Side, StreamId, TimeInForce,
};
use xmc_hotpath::port::{StreamPort, TxPort};
use xmc_hotpath::ring::{Receiver, Sender, ends};
use xmc_hotpath::stage::Stage;
use xmc_hotpath::venue::esunny::dstar::encode::{self, Account, Contract};
use xmc_hotpath::venue::esunny::dstar::layout::{ReqIdMode, V3};
use xmc_hotpath::venue::esunny::dstar::session::{
    DstarSession, OrderRow, SERIALS_KEPT, SessionCounters, Storage,
};
use xmc_hotpath::venue::esunny::dstar::simulated_counter::SimulatedCounter;

type Session = DstarSession<'static, V3, SimulatedCounter>;
type GatewayOf = GatewayStage<'static, Session, PairPort, &'static EngineClock, NoRecorder>;

pub struct Trader {
    stage: GatewayOf,
    commands: Sender<OrderCommand>,
    news: Receiver<GatewayNews>,
    heard: VecDeque<OrderEvent>,
    counters: &'static SessionCounters,
    account: Account,
    next_turn: u32,
    is_down: bool,
}

impl Trader {
    /// Logs on, having read so many replies before; its orders have numbers that follow them.
    pub fn log_on(venue: &Running, replies_seen: u64) -> Self {
        let who = Credentials {
            account_no: "trader".into(),
            password: Secret::new("opensesame"),
            replies_seen: u32::try_from(replies_seen).expect("a short test"),
        };
        Self::log_on_at(venue.addresses().counter, &who, b'J')
    }

    /// The same at a counter that closes today's lots by this code.
    pub fn log_on_at(address: SocketAddr, who: &Credentials, close_today: u8) -> Self {
        let answers = TcpPort::connect(address, PATIENCE, &TcpSettings::default());
        let mut answers = answers.expect("it listens");
        let (mut logon, first) = Logon::<V3>::start(who).expect("fits");
        answers.send(&first).expect("it is there");
        let (mut said, mut byte) = (Vec::new(), [0; 1]);
        // What comes behind the logon is the session's: it is read byte by byte.
        let granted = eventually("the logon", || {
            while answers.read(&mut byte).expect("it is there") == 1 {
                said.push(byte[0]);
                let (read, granted) = logon.read(&said).expect("is granted");
                said.drain(..read);
                if let Some(granted) = granted {
                    return Some(granted.clone());
                }
            }
            None
        });
        let requests = SocketAddr::new(address.ip(), granted.udp_port);
        let mut port = PairPort::new(requests, answers).expect("a free port");
        let mode = ReqIdMode::Increasing;
        port.send(&logon::udp_auth::<V3>(&granted.account, mode)).expect("it leaves");
        let account = Account { close_today: Some(close_today), ..granted.account };
        let mut identity = identity(mode);
        (identity.account, identity.next_client_req_id) = (account, granted.next_client_req_id);
        let storage = Storage::<V3> {
            inserts: Box::leak(Box::new([None; 4])),
            orders: Box::leak(Box::new([OrderRow::FREE; ORDER_ROWS])),
            serials: Box::leak(Box::new([0; SERIALS_KEPT])),
        };
        let counters: &'static SessionCounters = Box::leak(Box::default());
        let session = DstarSession::new(SimulatedCounter::new(), identity, storage, counters);
        let mut session = session.expect("is sane");
        for ((index, number), row) in granted.contracts.iter().zip(0..) {
            let contract = Contract { index: *index, number, needs_close_today: true };
            assert_eq!(session.trade(InstrumentIndex(row), &contract), Ok(true));
        }
        let (commands, commands_out) = ends(RingBuffer::new(64));
        let (news_in, news) = ends(RingBuffer::new(4_096));
        let stage = GatewayStage::new(
            session,
            port,
            &*Box::leak(Box::new(EngineClock::start())),
            NoRecorder,
            GatewayIndex(2),
            StreamId(12),
            commands_out,
            news_in,
            Box::leak(vec![0; 1 << 16].into_boxed_slice()),
            Box::leak(Box::<Counter>::default()),
            Box::leak(Box::<GatewayCounters>::default()),
        );
        let (heard, is_down) = (VecDeque::new(), false);
        let next_turn = 1 + who.replies_seen;
        Self { stage, commands, news, heard, counters, account, next_turn, is_down }
    }

    /// Replies about orders that it has read.
    pub fn replies(&self) -> u64 {
        self.counters.replies.get()
    }

    fn poll(&mut self) -> Option<OrderEvent> {
        self.listen();
        self.heard.pop_front()
    }

    /// Lets its stage run for so long; what it is told is kept.
    pub fn listen_for(&mut self, time: Duration) {
        let until = Instant::now() + time;
        while Instant::now() < until {
            self.listen();
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// Questions for the last request that it has asked.
    pub fn questions(&self) -> u64 {
        self.counters.questions.get()
    }

    fn listen(&mut self) {
        self.stage.poll();
        self.stage.housekeeping();
        while let Some(news) = self.news.pop() {
            match news {
                GatewayNews::Order(event) => self.heard.push_back(event),
                GatewayNews::Session(update) => {
                    self.is_down |= update.state == SessionState::Down;
                }
            }
        }
    }

    /// The next thing that it is told of an order.
    pub fn next(&mut self) -> OrderEvent {
        eventually("news of an order", || self.poll())
    }

    fn send(&mut self, command: OrderCommand) -> OrderId {
        self.commands.push(command).expect("there is room");
        command.order_id
    }

    fn order(&mut self, instrument: u32, side: Side, price_e9: i64, lots: u32) -> OrderCommand {
        let turn = self.next_turn;
        self.next_turn += 1;
        let instrument = InstrumentIndex(instrument);
        let order = new(id(turn, turn % 64), lots);
        OrderCommand { instrument, side, price_e9, ..order }
    }

    /// An order that fills at once as far as it can, and all that it is told of it.
    pub fn trade(
        &mut self,
        instrument: u32,
        side: Side,
        effect: PositionEffect,
        price_e9: i64,
        lots: u32,
    ) -> Vec<OrderEvent> {
        let order_id = self.begin(instrument, side, effect, price_e9, lots);
        self.end(order_id)
    }

    /// Sends such an order.
    pub fn begin(
        &mut self,
        instrument: u32,
        side: Side,
        effect: PositionEffect,
        price_e9: i64,
        lots: u32,
    ) -> OrderId {
        let order = self.order(instrument, side, price_e9, lots);
        self.send(OrderCommand { effect, time_in_force: AT_ONCE, ..order })
    }

    /// All that it is told of such an order, which is the only one.
    pub fn end(&mut self, order_id: OrderId) -> Vec<OrderEvent> {
        let mut told = Vec::new();
        loop {
            let event = self.next();
            assert_eq!(event.order_id, order_id, "{event:?}");
            told.push(event);
            match event.kind {
                OrderEventKind::Accepted => {}
                OrderEventKind::Filled if event.leaves_lots > 0 => {}
                OrderEventKind::Filled | OrderEventKind::Cancelled | OrderEventKind::Rejected => {
                    return told;
                }
                _ => panic!("{event:?}"),
            }
        }
    }

    /// An order that rests: the counter has taken it, and the exchange.
    pub fn rest(&mut self, instrument: u32, side: Side, price_e9: i64, lots: u32) -> OrderId {
        let order = self.order(instrument, side, price_e9, lots);
        let order_id = self.send(OrderCommand { time_in_force: TimeInForce::Day, ..order });
        for _ in 0..2 {
            let event = self.next();
            assert_eq!((event.kind, event.order_id), (OrderEventKind::Accepted, order_id));
        }
        order_id
    }

    /// Waits until its connection is gone.
    pub fn is_ended(&mut self) {
        eventually("the end of the session", || {
            let _ = self.poll();
            self.is_down.then_some(())
        });
    }

    /// A datagram like those that clients send; its code is wrong in every bit, so that no damage
    /// makes it good.
    pub fn sample(&self) -> Vec<u8> {
        let udp_auth_code = !self.account.udp_auth_code;
        let stranger = Account { udp_auth_code, ..self.account };
        bytemuck::bytes_of(&encode::udp_auth::<V3>(&stranger, ReqIdMode::Increasing)).to_vec()
    }
}

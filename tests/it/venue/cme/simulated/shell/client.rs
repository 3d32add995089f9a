//! A client over TCP: the engine's logon and its gateway stage, driven from a test.

use super::{PATIENCE, eventually};
use crate::venue::cme::simulated::orders::IDENTITY;
pub use crate::venue::cme::simulated::orders::credentials;
use cross_market_connect::clock::EngineClock;
use cross_market_connect::port::tcp::{TcpPort, TcpSettings};
use cross_market_connect::venue::cme::ilink3::logon::{
    self, Credentials, Established, Logon, LogonError, System, Wish,
};
use cross_market_connect::venue::cme::simulated::shell::Running;
use cross_market_connect::venue::shell::VenueClock;
use rtrb::RingBuffer;
use std::net::SocketAddr;
use xmc_hotpath::counter::{Counter, NoRecorder};
use xmc_hotpath::gateway::{GatewayCounters, GatewayStage};
use xmc_hotpath::message::{
    AccountId, GatewayIndex, GatewayNews, HedgeFlag, InstrumentIndex, OrderAction, OrderCommand,
    OrderEvent, OrderEventKind, OrderId, PositionEffect, ProjectId, SessionState, Side,
    SpreadIndex, StrategyId, StreamId, TimeInForce,
};
use xmc_hotpath::ring::{Receiver, Sender, ends};
use xmc_hotpath::stage::Stage;
use xmc_hotpath::time::{Clock, MonoNs};
use xmc_hotpath::venue::cme::ilink3::layout::NEWEST_VERSION;
use xmc_hotpath::venue::cme::ilink3::session::{Session, SessionCounters};

type GatewayOf = GatewayStage<'static, Session<'static>, TcpPort, EngineClock, NoRecorder>;

pub struct Client {
    stage: GatewayOf,
    commands: Sender<OrderCommand>,
    news: Receiver<GatewayNews>,
    next_order: u64,
    is_up: bool,
    is_down: bool,
}

fn try_log_on(
    address: SocketAddr,
    credentials: Credentials,
    wish: Wish,
) -> Result<Established<TcpPort>, LogonError> {
    let port = TcpPort::connect(address, PATIENCE, &TcpSettings::default()).expect("it listens");
    let system = System { name: "xmc".into(), version: "0.1".into(), vendor: "xmc".into() };
    logon::log_on(port, Logon::new(credentials, system, wish)?, VenueClock::wall, PATIENCE)
}

fn wish(uuid: u64) -> Wish {
    Wish {
        uuid,
        is_negotiated: false,
        next_seq_no: 1,
        keep_alive_ms: 10_000,
        schema_version: NEWEST_VERSION,
    }
}

impl Client {
    /// A session of this number, established; its orders are numbered from a thousand times it.
    pub fn log_on(venue: &Running, credentials: Credentials, uuid: u64) -> Self {
        Self::log_on_at(venue.addresses().orders, credentials, uuid)
    }

    /// The same at an address.
    pub fn log_on_at(address: SocketAddr, credentials: Credentials, uuid: u64) -> Self {
        let established = try_log_on(address, credentials, wish(uuid)).expect("it may log on");
        let clock = EngineClock::start();
        let (commands, commands_out) = ends(RingBuffer::new(64));
        let (news_in, news) = ends(RingBuffer::new(4_096));
        let counters: &'static SessionCounters = Box::leak(Box::default());
        let origin: &'static Counter = Box::leak(Box::default());
        origin.set(VenueClock::wall().0 - clock.now().0);
        let (gateway, stream) = (GatewayIndex(0), StreamId(9));
        let session =
            Session::take_over(gateway, stream, &IDENTITY, &established.handover, counters);
        let stage = GatewayStage::new(
            session.expect("the identity is sound"),
            established.port,
            clock,
            NoRecorder,
            gateway,
            stream,
            commands_out,
            news_in,
            Box::leak(vec![0; 1 << 16].into_boxed_slice()),
            origin,
            Box::leak(Box::<GatewayCounters>::default()),
        );
        let next_order = 1_000 * uuid;
        Self { stage, commands, news, next_order, is_up: false, is_down: false }
    }

    /// A session that says it was negotiated before is not one that the venue knows.
    pub fn refused(venue: &Running, credentials: Credentials, uuid: u64) {
        let known = Wish { is_negotiated: true, ..wish(uuid) };
        let told = try_log_on(venue.addresses().orders, credentials, known).map(drop);
        // 2: not negotiated.
        assert!(matches!(told, Err(LogonError::Terminated { code: 2, .. })), "{told:?}");
    }

    fn poll(&mut self) -> Option<OrderEvent> {
        self.stage.poll();
        // Signs of life, when they are due.
        self.stage.housekeeping();
        match self.news.pop()? {
            GatewayNews::Session(update) => {
                self.is_up |= update.state == SessionState::Up;
                self.is_down |= update.state == SessionState::Down;
                None
            }
            GatewayNews::Order(event) => Some(event),
        }
    }

    fn order(
        &mut self,
        security_id: i32,
        side: Side,
        price_e9: i64,
        lots: u32,
        time_in_force: TimeInForce,
    ) -> OrderId {
        self.next_order += 1;
        let order_id = OrderId(self.next_order);
        let command = OrderCommand {
            action: OrderAction::New,
            order_id,
            venue_order_id: 0,
            instrument: InstrumentIndex(0),
            security_id,
            gateway: GatewayIndex(0),
            side,
            time_in_force,
            effect: PositionEffect::Net,
            hedge: HedgeFlag::Speculate,
            price_e9,
            qty_lots: lots,
            spread: SpreadIndex(0),
            leg: 0,
            strategy: StrategyId(0),
            account: AccountId(1),
            project: ProjectId(0),
            orders_left: 0,
            caused: MonoNs(0),
        };
        self.commands.push(command).expect("there is room");
        order_id
    }

    /// An order that fills at once as far as it can, and its fills.
    pub fn trade(&mut self, id: i32, side: Side, price_e9: i64, lots: u32) -> Vec<OrderEvent> {
        let order_id = self.order(id, side, price_e9, lots, TimeInForce::FillAndKill);
        let mut fills = Vec::new();
        loop {
            let event = eventually("the end of an order", || self.poll());
            assert_eq!(event.order_id, order_id);
            match event.kind {
                OrderEventKind::Accepted => {}
                OrderEventKind::Filled => {
                    fills.push(event);
                    if event.leaves_lots == 0 {
                        return fills;
                    }
                }
                OrderEventKind::Cancelled => return fills,
                _ => panic!("{event:?}"),
            }
        }
    }

    /// An order that rests.
    pub fn rest(&mut self, id: i32, side: Side, price_e9: i64, lots: u32) -> OrderEvent {
        let order_id = self.order(id, side, price_e9, lots, TimeInForce::Day);
        let event = eventually("the answer to an order", || self.poll());
        assert_eq!((event.kind, event.order_id), (OrderEventKind::Accepted, order_id));
        assert!(self.is_up);
        event
    }

    /// Waits until its connection is gone.
    pub fn is_ended(&mut self) {
        eventually("the end of the session", || {
            let _ = self.poll();
            self.is_down.then_some(())
        });
    }
}

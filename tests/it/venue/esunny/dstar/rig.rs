//! A session and what its tests ask it: orders out as datagrams, replies in as bytes.

use xmc_hotpath::gateway::{CannotEncode, OrderSession, SessionLost, Taken};
use xmc_hotpath::message::{
    AccountId, DeskId, DeskIdentity, GatewayIndex, GatewayNews, HedgeFlag, InstrumentIndex,
    OrderAction, OrderCommand, OrderEvent, OrderEventKind, OrderId, PositionEffect, ProjectId,
    SessionState, SessionUpdate, Side, SiteId, SpreadIndex, StrategyId, StreamId, TimeInForce,
};
use xmc_hotpath::time::{MonoNs, Span, UnixNs};
use xmc_hotpath::venue::esunny::dstar::encode::{Account, Contract};
use xmc_hotpath::venue::esunny::dstar::layout::{Generation, ReqIdMode, UdpAuthReply};
use xmc_hotpath::venue::esunny::dstar::requests::Pace;
use xmc_hotpath::venue::esunny::dstar::session::{
    DstarSession, Identity, IdentityError, OrderRow, SERIALS_KEPT, SessionCounters, Storage,
};
use xmc_hotpath::venue::esunny::dstar::simulated_counter::{Framed, Kind, SimulatedCounter};
use xmc_hotpath::wire::{I32Le, U16Le, U32Le};

pub const DESK: DeskIdentity = DeskIdentity { site: SiteId(3), desk: DeskId(2), run: 9 };
pub const MS: u64 = 1_000_000;
pub const PACE: Pace = Pace { ask_after: Span(20 * MS), ask_interval: Span(100 * MS) };
pub const CONTRACTS: [&str; 2] = ["cu2607", "au2612"];
pub const ORDER_ROWS: usize = 64;

pub fn account() -> Account {
    Account { index: 1, udp_auth_code: 0xC0FF_EE01, close_today: Some(b'J') }
}

pub fn identity(mode: ReqIdMode) -> Identity {
    Identity {
        gateway: GatewayIndex(2),
        stream: StreamId(12),
        desk: DESK,
        account: account(),
        req_id_mode: mode,
        next_client_req_id: 1,
        pace: PACE,
    }
}

/// Whether the counter takes our datagrams.
pub fn auth(error: i32) -> Vec<u8> {
    auth_for(account().udp_auth_code, error)
}

/// The same for whoever has sent that code.
pub fn auth_for(udp_auth_code: u32, error: i32) -> Vec<u8> {
    let body = UdpAuthReply {
        account_index: U16Le::new(1),
        udp_auth_code: U32Le::new(udp_auth_code),
        req_id_mode: 1,
        error: I32Le::new(error),
    };
    bytemuck::bytes_of(&Framed::new(Kind::UdpAuth, body)).to_vec()
}

/// The greatest request that the counter has taken.
pub fn answer(max: u32) -> Vec<u8> {
    bytemuck::bytes_of(&Framed::new(Kind::LastRequest, U32Le::new(max))).to_vec()
}

/// A session on memory of its own.
pub struct Rig<G: Generation> {
    pub session: DstarSession<'static, G, SimulatedCounter>,
    pub counters: &'static SessionCounters,
    state: SessionState,
}

impl<G: Generation> Rig<G> {
    pub fn new(identity: Identity) -> Result<Self, IdentityError> {
        Self::trading(identity, &CONTRACTS, |index| index == 0)
    }

    /// The same with other contracts, some of which close today's position apart.
    pub fn trading(
        identity: Identity,
        contracts: &[&str],
        needs_close_today: impl Fn(u32) -> bool,
    ) -> Result<Self, IdentityError> {
        let storage = Storage {
            inserts: Box::leak(Box::new([None; 4])),
            orders: Box::leak(Box::new([OrderRow::FREE; ORDER_ROWS])),
            serials: Box::leak(Box::new([0; SERIALS_KEPT])),
        };
        let counters: &'static SessionCounters = Box::leak(Box::default());
        let mut session = DstarSession::new(SimulatedCounter::new(), identity, storage, counters)?;
        for (number, index) in contracts.iter().zip(0..) {
            let needs_close_today = needs_close_today(index);
            let contract = Contract { index, number, needs_close_today };
            let is_there = session.trade(InstrumentIndex(index), &contract);
            assert_eq!(is_there, Ok(true), "{number}");
        }
        let state = session.state();
        Ok(Self { session, counters, state })
    }

    /// A session that has begun, at the time 0.
    pub fn up(mode: ReqIdMode) -> Self {
        let mut rig = Self::new(identity(mode)).expect("is sane");
        assert!(rig.question(MonoNs(0)).is_some(), "it asks before it trades");
        let begun = [auth(0), answer(0)].concat();
        assert_eq!(told(&rig.read(&begun).unwrap()), [Told::Session(SessionState::Up)]);
        rig
    }

    /// The session's state if it is another than before, as its stage would tell it.
    pub fn state_news(&mut self) -> Option<GatewayNews> {
        let state = self.session.state();
        let is_new = core::mem::replace(&mut self.state, state) != state;
        let (stream, gateway) = (StreamId(12), GatewayIndex(2));
        is_new.then_some(GatewayNews::Session(SessionUpdate { stream, gateway, state }))
    }

    /// Sends a command and gives its datagram.
    pub fn send(&mut self, command: &OrderCommand) -> Result<Vec<u8>, CannotEncode> {
        let datagram = self.session.encode(command, UnixNs(0))?.to_vec();
        self.session.sent(command);
        Ok(datagram)
    }

    /// Reads all of a stream and gives the news.
    pub fn read(&mut self, mut bytes: &[u8]) -> Result<Vec<GatewayNews>, SessionLost> {
        let mut news = Vec::new();
        while let Some(Taken { len, news: one }) = self.session.read(bytes, MonoNs(5))? {
            let state = self.state_news();
            assert!(len > 0 || one.is_some() || state.is_some(), "reading goes on");
            news.extend(one);
            news.extend(state);
            bytes = &bytes[len..];
        }
        assert!(bytes.is_empty(), "a message is missing its end");
        Ok(news)
    }

    pub fn events(&mut self, bytes: &[u8]) -> Vec<OrderEvent> {
        let news = self.read(bytes).expect("is framed");
        let event = |one: &GatewayNews| match one {
            GatewayNews::Order(event) => *event,
            GatewayNews::Session(update) => panic!("not about an order: {update:?}"),
        };
        news.iter().map(event).collect()
    }

    /// The question that is due at `now`, sent.
    pub fn question(&mut self, now: MonoNs) -> Option<Vec<u8>> {
        let mut own =
            || self.session.own_message(now, UnixNs(0)).expect("it goes on").map(<[u8]>::to_vec);
        let question = own()?;
        assert_eq!(own(), Some(question.clone()), "until it has left");
        self.session.own_message_sent(now);
        Some(question)
    }
}

/// What news says, in a few words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    Session(SessionState),
    Order(OrderEventKind, OrderId),
}

pub fn told(news: &[GatewayNews]) -> Vec<Told> {
    let one = |news: &GatewayNews| match news {
        GatewayNews::Session(update) => Told::Session(update.state),
        GatewayNews::Order(event) => Told::Order(event.kind, event.order_id),
    };
    news.iter().map(one).collect()
}

/// The id of the order that takes `slot` for the `turn`-th time.
pub fn id(turn: u32, slot: u32) -> OrderId {
    OrderId::new(DESK, turn, slot)
}

pub fn new(order_id: OrderId, qty_lots: u32) -> OrderCommand {
    OrderCommand {
        action: OrderAction::New,
        order_id,
        venue_order_id: 0,
        instrument: InstrumentIndex(0),
        security_id: 77,
        gateway: GatewayIndex(2),
        side: Side::Buy,
        time_in_force: TimeInForce::Day,
        effect: PositionEffect::Open,
        hedge: HedgeFlag::Speculate,
        price_e9: 78_000_000_000_000,
        qty_lots,
        spread: SpreadIndex(0),
        leg: 0,
        strategy: StrategyId(0),
        account: AccountId(0),
        project: ProjectId(0),
        orders_left: 0,
        caused: MonoNs(0),
    }
}

pub fn cancel(order_id: OrderId) -> OrderCommand {
    let order = new(order_id, 1);
    OrderCommand { action: OrderAction::Cancel, effect: PositionEffect::Net, ..order }
}

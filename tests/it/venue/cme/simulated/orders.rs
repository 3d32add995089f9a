//! Order entry: the engine's own gateway stage against the simulated gateway.

use super::{MS, ORIGIN, moment, settings};
use crate::venue::cme::ilink3::golden;
use cross_market_connect::sim::clock::VirtualClock;
use cross_market_connect::sim::exchange::{self, FillNo, ListingIndex, Phase, Rules};
use cross_market_connect::sim::wire::SimStream;
use cross_market_connect::venue::cme::ilink3::frame_of;
use cross_market_connect::venue::cme::ilink3::logon::{
    Credentials, Logon, LogonError, Step, System, Wish,
};
use cross_market_connect::venue::cme::ilink3::signature::SecretKey;
use cross_market_connect::venue::cme::simulated::{ConnectionId, SessionSettings, Settings, Venue};
use rtrb::RingBuffer;
use std::collections::BTreeMap;
use xmc_hotpath::counter::{Counter, NoRecorder};
use xmc_hotpath::gateway::{GatewayCounters, GatewayStage};
use xmc_hotpath::message::{
    AccountId, GatewayIndex, GatewayNews, HedgeFlag, InstrumentIndex, OrderAction, OrderCommand,
    OrderEvent, OrderEventKind, OrderId, PositionEffect, ProjectId, SessionState, Side,
    SpreadIndex, StrategyId, StreamId, TimeInForce,
};
use xmc_hotpath::ring::{Receiver, Sender, ends};
use xmc_hotpath::stage::{Stage, Work};
use xmc_hotpath::time::{MonoNs, UnixNs};
use xmc_hotpath::venue::cme::ilink3::decode::{self, Report};
use xmc_hotpath::venue::cme::ilink3::encode::SessionIdentity;
use xmc_hotpath::venue::cme::ilink3::layout::{
    Block, Message, NEWEST_VERSION, NewOrder, Sequence, Terminate,
};
use xmc_hotpath::venue::cme::ilink3::session::{Handover, Missed, Session, SessionCounters};
use xmc_hotpath::wire::{U32Le, U64Le};

pub const KEY: &str = "c2ltdWxhdGVkLWtleS1vZi10aGUtdGVzdHM";
const ACCOUNT: AccountId = AccountId(77);
pub const IDENTITY: SessionIdentity<'static> = SessionIdentity {
    sender_id: "XMCTEST",
    location: "CN",
    party_details_id: 1,
    schema_version: NEWEST_VERSION,
};

pub fn with_session(mut settings: Settings) -> Settings {
    settings.sessions = vec![SessionSettings {
        session: "XM1".into(),
        firm: "XMC".into(),
        access_key_id: "key-1".into(),
        key: SecretKey::from_base64url(KEY).unwrap(),
        account: ACCOUNT,
    }];
    settings
}

/// A market without a crowd, which nobody has opened.
fn quiet() -> Settings {
    let mut settings = with_session(settings(1));
    let listings = settings.exchange.listings.clone();
    settings.exchange = exchange::Settings::quiet(Rules::cme(), listings);
    settings
}

pub fn credentials() -> Credentials {
    Credentials {
        session: "XM1".into(),
        firm: "XMC".into(),
        access_key_id: "key-1".into(),
        key: SecretKey::from_base64url(KEY).unwrap(),
    }
}

pub fn wish(uuid: u64) -> Wish {
    Wish {
        uuid,
        is_negotiated: false,
        next_seq_no: 1,
        keep_alive_ms: 1_000,
        schema_version: NEWEST_VERSION,
    }
}

pub fn utc(at: u64) -> UnixNs {
    UnixNs(ORIGIN.0 + at)
}

/// Logs on over a connection that exists.
pub fn log_on(
    venue: &mut Venue,
    id: ConnectionId,
    at: u64,
    credentials: Credentials,
    wish: Wish,
) -> Result<Handover, LogonError> {
    let system = System { name: "xmc".into(), version: "0.1".into(), vendor: "xmc".into() };
    let mut logon = Logon::new(credentials, system, wish).unwrap();
    let mut message = logon.start(utc(at));
    loop {
        venue.receive(moment(at), id, &message);
        let answer = venue.take_bytes(id);
        let (frame, rest) = decode::frame(&answer).unwrap().expect("there is an answer");
        assert_eq!(rest.len(), 0, "one answer to one request");
        match logon.on_frame(&frame, utc(at + 1))? {
            Step::Send(next) => message = next,
            Step::Done(handover) => return Ok(handover),
        }
    }
}

/// What the desk is told.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Told {
    Session(SessionState),
    Order(OrderEvent),
}

/// A venue, one connection to it, and the engine's stage on that connection.
struct Rig {
    venue: Venue,
    id: ConnectionId,
    stage: GatewayStage<'static, Session<'static>, SimStream, &'static VirtualClock, NoRecorder>,
    clock: &'static VirtualClock,
    commands: Sender<OrderCommand>,
    news: Receiver<GatewayNews>,
    next_order: u64,
}

impl Rig {
    fn new(settings: Settings, at: u64) -> Self {
        Self::of(Venue::new(settings), at)
    }

    fn of(mut venue: Venue, at: u64) -> Self {
        venue.poll(moment(at));
        let id = ConnectionId(1);
        venue.connect(id);
        let handover = log_on(&mut venue, id, at, credentials(), wish(5)).expect("it may log on");
        Self::on(venue, id, at, &handover)
    }

    fn on(venue: Venue, id: ConnectionId, at: u64, handover: &Handover) -> Self {
        let clock: &'static VirtualClock = Box::leak(Box::new(VirtualClock::new(moment(at))));
        let (commands, commands_out) = ends(RingBuffer::new(64));
        let (news_in, news) = ends(RingBuffer::new(4_096));
        let counters: &'static SessionCounters = Box::leak(Box::default());
        let origin: &'static Counter = Box::leak(Box::default());
        origin.set(ORIGIN.0);
        let (gateway, stream) = (GatewayIndex(0), StreamId(9));
        let session = Session::take_over(gateway, stream, &IDENTITY, handover, counters);
        let stage = GatewayStage::new(
            session.expect("the identity is sound"),
            SimStream::new(1 << 16),
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
        Self { venue, id, stage, clock, commands, news, next_order: 0 }
    }

    /// Moves everything that can move, at one moment.
    fn settle(&mut self, at: u64) -> Vec<Told> {
        self.clock.advance_to(moment(at));
        let mut told = Vec::new();
        loop {
            self.venue.poll(moment(at));
            let mut is_busy = self.stage.poll() != Work::Idle;
            for message in self.stage.port_mut().take_sent() {
                self.venue.receive(moment(at), self.id, &message);
                is_busy = true;
            }
            let bytes = self.venue.take_bytes(self.id);
            is_busy |= !bytes.is_empty();
            self.stage.port_mut().arrive(&bytes);
            if self.venue.is_closed(self.id) && !self.stage.port_mut().is_closed() {
                self.stage.port_mut().close();
                is_busy = true;
            }
            while let Some(news) = self.news.pop() {
                told.push(match news {
                    GatewayNews::Session(update) => Told::Session(update.state),
                    GatewayNews::Order(event) => Told::Order(event),
                });
            }
            if !is_busy {
                return told;
            }
        }
    }

    fn command(&mut self, command: OrderCommand) {
        self.commands.push(command).expect("there is room");
    }

    fn new_order(&mut self, index: usize, side: Side, price_e9: i64, lots: u32) -> OrderCommand {
        self.next_order += 1;
        let command = OrderCommand {
            action: OrderAction::New,
            order_id: OrderId(self.next_order),
            venue_order_id: 0,
            instrument: InstrumentIndex(0),
            security_id: 5_001 + i32::try_from(index).unwrap(),
            gateway: GatewayIndex(0),
            side,
            time_in_force: TimeInForce::Day,
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
        self.command(command);
        command
    }

    /// The one piece of news about an order that a request leads to.
    fn one(&mut self, at: u64) -> OrderEvent {
        let told = self.settle(at);
        match told[..] {
            [Told::Order(event)] => event,
            _ => panic!("one piece of news, not {told:?}"),
        }
    }

    fn position(&self, index: u16) -> i64 {
        self.venue.exchange().accounts().holding(ACCOUNT, ListingIndex(index)).net_lots()
    }
}

/// The kinds of what was told of orders.
fn kinds(told: &[Told]) -> Vec<OrderEventKind> {
    let of_order = |one: &Told| match one {
        Told::Order(event) => Some(event.kind),
        Told::Session(_) => None,
    };
    told.iter().filter_map(of_order).collect()
}

/// A market without a crowd, open.
pub fn open_venue() -> Venue {
    let mut venue = Venue::new(quiet());
    venue.set_phase(moment(10 * MS), None, Phase::Open);
    venue
}

const HG: i64 = 5_000_000_000;
const TICK: i64 = 500_000;

#[test]
fn an_order_rests_is_changed_and_is_cancelled() {
    let mut rig = Rig::of(open_venue(), 10 * MS);
    assert_eq!(rig.settle(11 * MS), [Told::Session(SessionState::Up)]);
    let order = rig.new_order(0, Side::Buy, HG, 5);
    let event = rig.one(12 * MS);
    assert_eq!((event.kind, event.order_id), (OrderEventKind::Accepted, order.order_id));
    let venue_order_id = event.venue_order_id;
    assert!(venue_order_id > 9_000_000_000);
    assert_eq!(event.exchange, utc(12 * MS));
    let live = rig.venue.exchange().find_order(ACCOUNT, order.order_id.0).expect("it rests");
    assert_eq!((live.price_e9, live.leaves_lots), (HG, 5));

    let replace = OrderAction::Replace;
    rig.command(OrderCommand {
        action: replace,
        venue_order_id,
        price_e9: HG - TICK,
        qty_lots: 7,
        ..order
    });
    let event = rig.one(13 * MS);
    assert_eq!((event.kind, event.leaves_lots), (OrderEventKind::Replaced, 7));
    // Off its tick.
    rig.command(OrderCommand { action: replace, venue_order_id, price_e9: HG - 1, ..order });
    let event = rig.one(14 * MS);
    assert_eq!((event.kind, event.reason), (OrderEventKind::ReplaceRejected, 1011));

    // By the client's own name, as when the exchange's is not known yet.
    rig.command(OrderCommand { action: OrderAction::Cancel, ..order });
    let event = rig.one(15 * MS);
    assert_eq!((event.kind, event.order_id), (OrderEventKind::Cancelled, order.order_id));
    assert_eq!(event.cum_lots, 0);
    rig.command(OrderCommand { action: OrderAction::Cancel, venue_order_id, ..order });
    let event = rig.one(16 * MS);
    assert_eq!((event.kind, event.reason), (OrderEventKind::CancelRejected, 2045));
    assert_eq!(rig.venue.exchange().orders_of(ACCOUNT).count(), 0);
}

#[test]
fn whoever_asks_is_told_how_orders_stand() {
    let mut rig = Rig::of(open_venue(), 10 * MS);
    rig.settle(11 * MS);
    let order = rig.new_order(0, Side::Buy, HG, 5);
    let venue_order_id = rig.one(12 * MS).venue_order_id;
    let other = rig.new_order(0, Side::Buy, HG - TICK, 3);
    let other_id = rig.one(13 * MS).venue_order_id;
    // Without the exchange's name: all that work in the instrument.
    let ask = OrderCommand { action: OrderAction::Status, ..order };
    rig.command(ask);
    let told: Vec<_> = rig.settle(14 * MS).iter().map(order_of).collect();
    let both = [(order.order_id, venue_order_id, 5), (other.order_id, other_id, 3)];
    assert_eq!(told, both.map(|(id, no, left)| (OrderEventKind::Accepted, id, no, 0, left)));
    // By the name of one that has ended.
    rig.command(OrderCommand { action: OrderAction::Cancel, venue_order_id, ..order });
    assert_eq!(rig.one(15 * MS).kind, OrderEventKind::Cancelled);
    rig.command(OrderCommand { venue_order_id, ..ask });
    let told: Vec<_> = rig.settle(16 * MS).iter().map(order_of).collect();
    assert_eq!(told, [(OrderEventKind::Cancelled, order.order_id, venue_order_id, 0, 0)]);
    // By one that never was: nothing follows from the answer.
    rig.command(OrderCommand { venue_order_id: 5, ..ask });
    assert_eq!(rig.settle(17 * MS), []);
    assert_eq!(rig.venue.counters().gaps, 0);
}

/// What was told of an order: what, of which, by which names, filled, open.
fn order_of(told: &Told) -> (OrderEventKind, OrderId, u64, u32, u32) {
    let Told::Order(event) = told else { panic!("it is one of an order, not {told:?}") };
    (event.kind, event.order_id, event.venue_order_id, event.cum_lots, event.leaves_lots)
}

#[test]
fn orders_trade_and_the_ledger_says_the_same() {
    let mut rig = Rig::new(with_session(settings(2)), 200 * MS);
    rig.settle(201 * MS);
    let best = |rig: &Rig, side| rig.venue.exchange().engine(ListingIndex(0)).unwrap().best(side);
    let ask = best(&rig, Side::Sell).expect("the crowd quotes");
    let order = rig.new_order(0, Side::Buy, ask, 2);
    let told = rig.settle(201 * MS);
    assert_eq!(kinds(&told), [OrderEventKind::Accepted, OrderEventKind::Filled]);
    let Told::Order(fill) = told[1] else { panic!("it is one of an order") };
    assert_eq!((fill.order_id, fill.price_e9, fill.qty_lots), (order.order_id, ask, 2));
    assert_eq!((fill.cum_lots, fill.leaves_lots), (2, 0));
    assert_eq!(rig.position(0), 2);
    // Far through the book, at once or not at all.
    let wide = OrderCommand { time_in_force: TimeInForce::FillOrKill, ..order };
    rig.command(OrderCommand { order_id: OrderId(900), qty_lots: 10_000, ..wide });
    let told = rig.settle(201 * MS);
    assert_eq!(kinds(&told), [OrderEventKind::Accepted, OrderEventKind::Cancelled]);
    // What it can, then nothing.
    let some = OrderCommand { time_in_force: TimeInForce::FillAndKill, ..order };
    let bid = best(&rig, Side::Buy).expect("the crowd quotes");
    let order_id = OrderId(901);
    rig.command(OrderCommand { order_id, side: Side::Sell, price_e9: bid, qty_lots: 500, ..some });
    let told = rig.settle(201 * MS);
    assert_eq!(kinds(&told).first(), Some(&OrderEventKind::Accepted));
    assert_eq!(kinds(&told).last(), Some(&OrderEventKind::Cancelled));
    let sold: u32 = told
        .iter()
        .filter_map(|one| match one {
            Told::Order(event) if event.kind == OrderEventKind::Filled => Some(event.qty_lots),
            _ => None,
        })
        .sum();
    assert!(sold > 0);
    assert_eq!(rig.position(0), 2 - i64::from(sold));
}

#[test]
fn what_cannot_be_an_order_is_refused_with_its_reason() {
    let mut rig = Rig::of(open_venue(), 10 * MS);
    rig.settle(10 * MS);
    let good = rig.new_order(0, Side::Buy, HG, 1);
    rig.one(11 * MS);
    let halted = OrderCommand { security_id: 5_003, ..good };
    rig.venue.set_phase(moment(11 * MS), Some(ListingIndex(2)), Phase::Halted);
    for (wrong, reason) in [
        (halted, 1003),
        (OrderCommand { security_id: 4_711, ..good }, 2047),
        (OrderCommand { price_e9: HG + 1, ..good }, 1011),
        (OrderCommand { price_e9: HG * 2, ..good }, 2137),
        (OrderCommand { qty_lots: 0, ..good }, 2115),
        (OrderCommand { qty_lots: u32::MAX, ..good }, 2115),
        (OrderCommand { price_e9: i64::MAX, ..good }, 1011),
        (OrderCommand { price_e9: i64::MIN, ..good }, 1011),
    ] {
        rig.command(OrderCommand { order_id: OrderId(50), ..wrong });
        let event = rig.one(12 * MS);
        assert_eq!((event.kind, event.reason), (OrderEventKind::Rejected, reason), "{wrong:?}");
    }
    // Nobody has opened this market.
    let mut rig = Rig::new(quiet(), 10 * MS);
    rig.settle(10 * MS);
    rig.new_order(0, Side::Buy, HG, 1);
    let event = rig.one(11 * MS);
    assert_eq!((event.kind, event.reason), (OrderEventKind::Rejected, 3));
}

#[test]
fn a_gap_is_told_to_the_desk_and_filled_by_a_sequence() {
    let mut venue = open_venue();
    venue.poll(moment(10 * MS));
    let id = ConnectionId(1);
    venue.connect(id);
    log_on(&mut venue, id, 10 * MS, credentials(), wish(5)).expect("it may log on");
    // The stage believes that four messages have left already.
    let handover = Handover {
        uuid: 5,
        next_seq_no: 5,
        next_report_no: 1,
        keep_alive: xmc_hotpath::time::Span(0),
        missed: [Missed::NONE; 2],
    };
    let mut rig = Rig::on(venue, id, 10 * MS, &handover);
    rig.settle(10 * MS);
    rig.new_order(0, Side::Buy, HG, 1);
    let told = rig.settle(11 * MS);
    assert_eq!(told[0], Told::Session(SessionState::Gapped));
    assert_eq!(kinds(&told), [OrderEventKind::Accepted], "the message itself is done");
    assert_eq!(rig.venue.counters().gaps, 1);
    // A gap that the client fills itself is none.
    let skip = Sequence { uuid: U64Le::new(5), next_seq_no: U32Le::new(9), ..Sequence::BLANK };
    rig.venue.receive(moment(12 * MS), id, &frame_of(NEWEST_VERSION, &skip, &[]));
    assert!(rig.venue.take_bytes(id).is_empty());
    let order = NewOrder { seq_no: U32Le::new(9), ..NewOrder::BLANK };
    rig.venue.receive(moment(12 * MS), id, &frame_of(NEWEST_VERSION, &order, &[]));
    assert_eq!(rig.venue.counters().gaps, 1);
    // A number again ends the session.
    rig.venue.receive(moment(12 * MS), id, &frame_of(NEWEST_VERSION, &order, &[]));
    let told = rig.settle(13 * MS);
    assert!(told.contains(&Told::Session(SessionState::Down)), "{told:?}");
    assert_eq!(rig.venue.exchange().orders_of(ACCOUNT).count(), 0, "its order is cancelled");
}

#[test]
fn missing_reports_make_the_session_gapped_once() {
    let mut venue = open_venue();
    venue.poll(moment(10 * MS));
    let id = ConnectionId(1);
    venue.connect(id);
    let handover = log_on(&mut venue, id, 10 * MS, credentials(), wish(5)).expect("it may");
    let mut rig = Rig::on(venue, id, 10 * MS, &handover);
    rig.settle(10 * MS);
    rig.new_order(0, Side::Buy, HG, 1);
    rig.stage.poll();
    for message in rig.stage.port_mut().take_sent() {
        rig.venue.receive(moment(11 * MS), id, &message);
    }
    let lost = rig.venue.take_bytes(id);
    assert!(!lost.is_empty());
    for (number, expected) in [(1, true), (2, false)] {
        rig.new_order(0, Side::Buy, HG - TICK, 1);
        let told = rig.settle((11 + number) * MS);
        let is_gapped = told.contains(&Told::Session(SessionState::Gapped));
        assert_eq!(is_gapped, expected, "order {number}: {told:?}");
        assert_eq!(kinds(&told), [OrderEventKind::Accepted]);
    }
}

#[test]
fn a_silent_client_is_warned_then_ended_and_its_orders_are_cancelled() {
    let mut venue = open_venue();
    venue.poll(moment(10 * MS));
    let id = ConnectionId(1);
    venue.connect(id);
    log_on(&mut venue, id, 10 * MS, credentials(), wish(5)).expect("it may log on");
    let order = NewOrder {
        seq_no: U32Le::new(1),
        price_e9: xmc_hotpath::wire::I64Le::new(HG),
        qty_lots: U32Le::new(1),
        security_id: xmc_hotpath::wire::I32Le::new(5_001),
        side: 1,
        ord_type: b'2',
        tif: 0,
        ..NewOrder::BLANK
    };
    venue.receive(moment(20 * MS), id, &frame_of(NEWEST_VERSION, &order, &[]));
    assert_eq!(venue.exchange().orders_of(ACCOUNT).count(), 1);
    venue.take_bytes(id);
    let mut seen = Vec::new();
    for at in (20..2_100).map(|at| at * MS) {
        venue.poll(moment(at));
        let bytes = venue.take_bytes(id);
        let mut rest = &bytes[..];
        while let Ok(Some((frame, after))) = decode::frame(rest) {
            match decode::report(&frame) {
                Ok(Some(Report::Sequence(sequence))) => seen.push((at / MS, sequence.lapsed)),
                Ok(Some(Report::Terminate(end))) => {
                    seen.push((at / MS, u8::try_from(end.error_code.get()).unwrap()));
                }
                other => panic!("{other:?}"),
            }
            rest = after;
        }
    }
    assert_eq!(seen, [(1_020, 1), (2_020, 20)], "a warning, then the end");
    assert_eq!(venue.exchange().orders_of(ACCOUNT).count(), 0);
    assert!(venue.is_closed(id));
    assert_eq!(venue.counters().lapsed, 1);
}

#[test]
fn the_stage_keeps_its_session_alive_without_orders() {
    let mut rig = Rig::of(open_venue(), 10 * MS);
    let mut told = Vec::new();
    for at in (10..20_000).step_by(50).map(|at| at * MS) {
        told.extend(rig.settle(at));
        rig.stage.housekeeping();
    }
    assert_eq!(told, [Told::Session(SessionState::Up)]);
    assert_eq!(rig.venue.counters().lapsed, 0);
    rig.new_order(0, Side::Buy, HG, 1);
    assert_eq!(rig.one(20_000 * MS).kind, OrderEventKind::Accepted);
}

#[test]
fn only_who_holds_the_key_logs_on_and_only_in_time() {
    let mut venue = open_venue();
    let at = 60_000 * MS;
    venue.poll(moment(at));
    let id = ConnectionId(1);
    venue.connect(id);
    let code = |result: Result<Handover, LogonError>| match result {
        Err(LogonError::Refused { code, .. } | LogonError::Terminated { code, .. }) => code,
        other => panic!("{other:?}"),
    };
    let other_key = SecretKey::from_base64url("c29tZW9uZS1lbHNl").unwrap();
    let wrong = Credentials { key: other_key, ..credentials() };
    assert_eq!(code(log_on(&mut venue, id, at, wrong, wish(5))), 0);
    let wrong = Credentials { access_key_id: "key-2".into(), ..credentials() };
    assert_eq!(code(log_on(&mut venue, id, at, wrong, wish(5))), 0);
    let wrong = Credentials { session: "XM2".into(), ..credentials() };
    assert_eq!(code(log_on(&mut venue, id, at, wrong, wish(5))), 10);
    // Five seconds old is too old.
    let system = System { name: "xmc".into(), version: "1".into(), vendor: "xmc".into() };
    let mut late = Logon::new(credentials(), system, wish(5)).unwrap();
    venue.receive(moment(at), id, &late.start(utc(at - 5_000 * MS - 1)));
    let answer = venue.take_bytes(id);
    let (frame, _) = decode::frame(&answer).unwrap().unwrap();
    assert_eq!(code(late.on_frame(&frame, utc(at)).map(|_| panic!("refused"))), 3);
    assert_eq!(venue.counters().refused, 4);
    let no_beat = Wish { keep_alive_ms: 0, ..wish(5) };
    assert_eq!(code(log_on(&mut venue, id, at, credentials(), no_beat)), 11);
    log_on(&mut venue, id, at + MS, credentials(), wish(6)).expect("now it is right");
    // Again on the same connection, and with a uuid of before.
    assert_eq!(code(log_on(&mut venue, id, at + 2 * MS, credentials(), wish(7))), 4);
    let again = ConnectionId(2);
    venue.connect(again);
    assert_eq!(code(log_on(&mut venue, again, at + 3 * MS, credentials(), wish(6))), 2);
}

#[test]
fn a_session_outlives_its_connection_and_its_orders_do_not() {
    let mut rig = Rig::of(open_venue(), 10 * MS);
    rig.settle(10 * MS);
    rig.new_order(0, Side::Buy, HG, 1);
    rig.one(11 * MS);
    let Rig { mut venue, id, .. } = rig;
    venue.disconnect(moment(12 * MS), id);
    assert!(venue.is_closed(id));
    assert_eq!(venue.exchange().orders_of(ACCOUNT).count(), 0);
    let again = ConnectionId(2);
    venue.connect(again);
    let known = Wish { is_negotiated: true, next_seq_no: 2, ..wish(5) };
    let at = 13 * MS;
    let handover = log_on(&mut venue, again, at, credentials(), known).expect("it is known");
    // 522 was heard, 534 was not.
    assert_eq!((handover.next_seq_no, handover.next_report_no), (2, 3));
    let mut rig = Rig::on(venue, again, 13 * MS, &handover);
    rig.settle(13 * MS);
    rig.next_order = 10;
    rig.new_order(0, Side::Buy, HG, 1);
    let event = rig.one(14 * MS);
    assert_eq!((event.kind, event.seq_no), (OrderEventKind::Accepted, 3));
    // A new session counts from 1.
    let Rig { mut venue, id, .. } = rig;
    venue.disconnect(moment(15 * MS), id);
    venue.connect(ConnectionId(3));
    let at = 16 * MS;
    let handover = log_on(&mut venue, ConnectionId(3), at, credentials(), wish(8)).unwrap();
    assert_eq!((handover.next_seq_no, handover.next_report_no), (1, 1));
}

#[test]
fn a_goodbye_is_answered() {
    let mut rig = Rig::of(open_venue(), 10 * MS);
    rig.settle(10 * MS);
    rig.new_order(0, Side::Buy, HG, 1);
    rig.one(11 * MS);
    let goodbye =
        Terminate { uuid: U64Le::new(5), request_ns: U64Le::new(4_711), ..Terminate::BLANK };
    rig.venue.receive(moment(12 * MS), rig.id, &frame_of(NEWEST_VERSION, &goodbye, &[]));
    let answer = rig.venue.take_bytes(rig.id);
    let (frame, _) = decode::frame(&answer).unwrap().unwrap();
    let (end, _) = frame.block::<Terminate>().unwrap();
    assert_eq!(frame.template_id, Terminate::TEMPLATE_ID);
    assert_eq!((end.request_ns.get(), end.error_code.get(), end.uuid.get()), (4_711, 0, 5));
    assert!(rig.venue.is_closed(rig.id));
    assert_eq!(rig.venue.exchange().orders_of(ACCOUNT).count(), 0);
    assert_eq!(rig.venue.counters().broken, 0);
}

/// Every golden frame on a session that stands, one session each: nothing but answers.
#[test]
fn every_message_of_the_protocol_is_answered_or_ends_the_session() {
    let Some(all) = golden::load() else { return };
    let mut answers = BTreeMap::new();
    for golden in &all {
        let mut rig = Rig::of(open_venue(), 10 * MS);
        rig.venue.receive(moment(11 * MS), rig.id, &golden.bytes);
        let bytes = rig.venue.take_bytes(rig.id);
        let mut rest = &bytes[..];
        let mut templates = Vec::new();
        while let Ok(Some((frame, after))) = decode::frame(rest) {
            templates.push(frame.template_id);
            rest = after;
        }
        answers.insert(golden.template_id, templates);
        assert_eq!(rig.venue.exchange().orders_of(ACCOUNT).count(), 0);
    }
    println!("{answers:?}");
    for (template_id, expected) in [
        (500, vec![502]),
        (503, vec![507]),
        // The session is another one.
        (506, vec![507]),
        (507, vec![507]),
        (508, vec![510]),
        (514, vec![513, 523]),
        (515, vec![513, 536]),
        (516, vec![513, 535]),
        (518, vec![513, 519]),
        (529, vec![513, 562]),
        (533, vec![513, 532]),
    ] {
        assert_eq!(answers[&template_id], expected, "answer to {template_id}");
    }
}

/// Bytes of every kind on connections of every state: counters move, the market does not.
#[test]
fn garbage_ends_connections_and_nothing_else() {
    let mut rng = fastrand::Rng::with_seed(4);
    let samples = golden::load().unwrap_or_default();
    let mut quiet = Venue::new(with_session(settings(5)));
    let mut venue = Venue::new(with_session(settings(5)));
    let mut closed = 0;
    for round in 0..600_u64 {
        let at = (100 + round) * MS;
        let id = ConnectionId(round);
        quiet.poll(moment(at));
        venue.poll(moment(at));
        venue.connect(id);
        let len = rng.usize(..3_000);
        let mut bytes: Vec<u8> = match samples.is_empty() || rng.bool() {
            true => std::iter::repeat_with(|| rng.u8(..)).take(len).collect(),
            false => rng.choice(&samples).unwrap().bytes.clone(),
        };
        if !bytes.is_empty() && rng.bool() {
            let place = rng.usize(..bytes.len());
            bytes[place] ^= 1 << rng.u8(..8);
        }
        for piece in bytes.chunks(rng.usize(1..200)) {
            venue.receive(moment(at), id, piece);
        }
        venue.take_bytes(id);
        closed += u64::from(venue.is_closed(id));
        venue.disconnect(moment(at), id);
        assert!(venue.is_closed(id));
    }
    let counters = venue.counters();
    println!("{counters:?}, {closed} closed by the venue");
    assert_eq!(counters.connections, 600);
    assert_eq!((counters.established, counters.messages), (0, 0));
    assert!(counters.broken > 200 && closed > 200);
    assert_eq!(venue.last_seq_no(), quiet.last_seq_no(), "the market goes its way");
}

/// Thousands of orders of every kind: what the gateway told is what the exchange booked.
#[test]
fn what_the_desk_is_told_is_what_the_exchange_booked() {
    let mut rig = Rig::new(with_session(settings(6)), 100 * MS);
    let mut rng = fastrand::Rng::with_seed(6);
    let (mut told, mut live) = (Vec::new(), Vec::<OrderCommand>::new());
    let mut venue_ids = BTreeMap::new();
    for round in 0..3_000_u64 {
        let at = 100 * MS + round * 300_000;
        let index = rng.usize(..3);
        let listing = ListingIndex(u16::try_from(index).unwrap());
        let side = if rng.bool() { Side::Buy } else { Side::Sell };
        let engine = rig.venue.exchange().engine(listing).unwrap();
        let tick = engine.listing().tick_e9;
        let (best, other) = (engine.best(side.opposite()), engine.best(side));
        let near = best.or(other).unwrap_or(engine.listing().reference_e9);
        let price_e9 = near + rng.i64(-4..=4) * tick;
        match rng.u32(..10) {
            0..6 => {
                let mut order = rig.new_order(index, side, price_e9, rng.u32(1..20));
                if rng.bool() {
                    // The command is in the ring already: a second one of another kind.
                    order.order_id = OrderId(1_000_000 + round);
                    order.time_in_force = TimeInForce::FillAndKill;
                    rig.command(order);
                } else {
                    live.push(order);
                }
            }
            6..8 if !live.is_empty() => {
                let order = live.swap_remove(rng.usize(..live.len()));
                let venue_order_id = venue_ids.get(&order.order_id.0).copied().unwrap_or(0);
                rig.command(OrderCommand { action: OrderAction::Cancel, venue_order_id, ..order });
            }
            _ if !live.is_empty() => {
                let order = live[rng.usize(..live.len())];
                let venue_order_id = venue_ids.get(&order.order_id.0).copied().unwrap_or(0);
                rig.command(OrderCommand {
                    action: OrderAction::Replace,
                    venue_order_id,
                    price_e9: order.price_e9 + rng.i64(-3..=3) * tick,
                    qty_lots: rng.u32(1..25),
                    ..order
                });
            }
            _ => {}
        }
        for one in rig.settle(at) {
            if let Told::Order(event) = one {
                venue_ids.insert(event.order_id.0, event.venue_order_id);
                told.push(event);
            }
        }
    }
    let fills: Vec<_> = told.iter().filter(|event| event.kind == OrderEventKind::Filled).collect();
    let accounts = rig.venue.exchange().accounts();
    let booked: Vec<_> = accounts.fills(ACCOUNT, FillNo(0)).collect();
    println!("{} events, {} fills", told.len(), fills.len());
    assert!(fills.len() > 500);
    assert_eq!(fills.len(), booked.len());
    for (event, booked) in fills.iter().zip(booked) {
        assert_eq!(event.venue_order_id, booked.fill.ticket.order_no.0);
        assert_eq!(event.order_id.0, booked.fill.ticket.client_id);
        assert_eq!((event.price_e9, event.qty_lots), (booked.fill.price_e9, booked.fill.lots));
        assert_eq!((event.cum_lots, event.side), (booked.fill.cum_lots, booked.fill.ticket.side));
        assert_eq!(event.exchange, utc(booked.at.0));
    }
    let kinds: BTreeMap<_, u32> = told.iter().fold(BTreeMap::new(), |mut all, event| {
        *all.entry(format!("{:?}", event.kind)).or_default() += 1;
        all
    });
    println!("{kinds:?}");
    for kind in ["Accepted", "Cancelled", "CancelRejected", "Filled", "Replaced"] {
        assert!(kinds[kind] > 20, "{kind}: {kinds:?}");
    }
    let mut handed = rig.venue.take_booked();
    assert_eq!(handed, booked_of(&rig.venue));
    // A venue that starts from what was handed out has the same positions.
    handed.sort_by_key(|booked| booked.fill.fill_no);
    let mut again = Venue::new(with_session(settings(6)));
    again.recover(&handed);
    for index in 0..3 {
        let listing = ListingIndex(index);
        let before = rig.venue.exchange().accounts().holding(ACCOUNT, listing);
        let after = again.exchange().accounts().holding(ACCOUNT, listing);
        assert_eq!(before, after);
    }
    assert_eq!(again.take_booked(), [], "what was recovered is not handed out again");
}

fn booked_of(venue: &Venue) -> Vec<exchange::Booked> {
    venue.exchange().accounts().fills(ACCOUNT, FillNo(0)).collect()
}

#[test]
fn an_order_of_the_same_account_that_is_met_is_cancelled_with_its_reason() {
    let mut rig = Rig::of(open_venue(), 10 * MS);
    rig.settle(10 * MS);
    let resting = rig.new_order(0, Side::Buy, HG, 2);
    rig.one(11 * MS);
    rig.new_order(0, Side::Sell, HG, 1);
    let told = rig.settle(12 * MS);
    let events: Vec<_> = told
        .iter()
        .map(|one| match one {
            Told::Order(event) => (event.kind, event.order_id, event.reason),
            Told::Session(_) => panic!("{told:?}"),
        })
        .collect();
    let expected = [
        (OrderEventKind::Accepted, OrderId(2), 0),
        (OrderEventKind::Cancelled, resting.order_id, 103),
    ];
    assert_eq!(events, expected);
}

//! A gateway stage over real sockets: orders as datagrams, news and the question on the stream.

use super::rig::{ORDER_ROWS, PACE, id, identity, new};
use super::venue::{Venue, credentials};
use cross_market_connect::clock::EngineClock;
use cross_market_connect::port::pair::{PairPort, RequestSocket};
use cross_market_connect::port::tcp::{Listener, TcpPort, TcpSettings};
use cross_market_connect::venue::esunny::dstar::counter::LinkId;
use cross_market_connect::venue::esunny::dstar::logon::{self, Logon};
use rtrb::RingBuffer;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};
use xmc_hotpath::counter::{Counter, NoRecorder};
use xmc_hotpath::gateway::{GatewayCounters, GatewayStage};
use xmc_hotpath::message::{
    GatewayIndex, GatewayNews, InstrumentIndex, OrderEventKind, OrderId, StreamId,
};
use xmc_hotpath::port::{StreamPort, TxPort};
use xmc_hotpath::ring::ends;
use xmc_hotpath::stage::Stage;
use xmc_hotpath::time::{Clock, MonoNs};
use xmc_hotpath::venue::esunny::dstar::encode::{Account, Contract};
use xmc_hotpath::venue::esunny::dstar::layout::{ReqIdMode, V3};
use xmc_hotpath::venue::esunny::dstar::session::{
    DstarSession, OrderRow, SERIALS_KEPT, SessionCounters, Storage,
};
use xmc_hotpath::venue::esunny::dstar::simulated_counter::SimulatedCounter;

/// The counter's end of the sockets.
struct Served {
    venue: Venue,
    requests: RequestSocket,
    stream: TcpPort,
    link: LinkId,
    /// Requests that are thrown away when they come.
    lose: usize,
}

impl Served {
    fn poll(&mut self, now: MonoNs) {
        self.venue.now = now;
        while let Some((request, from)) = self.requests.receive() {
            if self.lose > 0 {
                self.lose -= 1;
            } else {
                self.venue.counter.on_datagram(from, request);
            }
        }
        let mut buffer = [0; 512];
        let len = self.stream.read(&mut buffer).expect("the client is there");
        self.venue.counter.on_stream(now, self.link, &buffer[..len]);
        self.venue.settle();
        let said = self.venue.counter.take_replies(self.link).expect("goes on");
        if !said.is_empty() {
            self.stream.send(&said).expect("loopback has room");
        }
    }
}

fn until<T>(what: &str, mut poll: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = poll() {
            return found;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "{what} does not come");
        std::thread::yield_now();
    }
}

#[test]
fn orders_leave_by_udp_and_a_lost_one_is_found_by_asking_over_tcp() {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let clock = EngineClock::start();
    let requests = RequestSocket::open(any).expect("a free port");
    let mut listener = Listener::open(any, TcpSettings::default()).expect("a free port");
    let address = listener.address().expect("it listens");
    let answers = TcpPort::connect(address, Duration::from_secs(5), &TcpSettings::default());
    let mut port =
        PairPort::new(requests.address().unwrap(), answers.expect("it listens")).expect("bound");
    let (stream, _) = until("the connection", || listener.accept());
    let mut venue = Venue::open();
    let link = venue.counter.connect();
    let mut served = Served { venue, requests, stream, link, lose: 0 };

    let (mut logon, first) = Logon::<V3>::start(&credentials()).unwrap();
    port.answers_mut().send(&first).unwrap();
    let (mut said, mut buffer) = (Vec::new(), [0; 512]);
    let granted = until("the logon", || {
        served.poll(clock.now());
        let len = port.answers_mut().read(&mut buffer).unwrap();
        said.extend(&buffer[..len]);
        let (read, granted) = logon.read(&said).unwrap();
        let granted = granted.cloned();
        said.drain(..read);
        granted
    });
    assert!(said.is_empty());
    port.send(&logon::udp_auth::<V3>(&granted.account, ReqIdMode::Increasing)).unwrap();

    let mut identity = identity(ReqIdMode::Increasing);
    identity.account = Account { close_today: Some(b'J'), ..granted.account };
    let storage = Storage::<V3> {
        inserts: Box::leak(Box::new([None; 4])),
        orders: Box::leak(Box::new([OrderRow::FREE; ORDER_ROWS])),
        serials: Box::leak(Box::new([0; SERIALS_KEPT])),
    };
    let session_counters: &'static SessionCounters = Box::leak(Box::default());
    let mut session =
        DstarSession::new(SimulatedCounter::new(), identity, storage, session_counters).unwrap();
    let (index, number) = &granted.contracts[0];
    let contract = Contract { index: *index, number, needs_close_today: true };
    assert_eq!(session.trade(InstrumentIndex(0), &contract), Ok(true));

    let (mut commands, commands_out) = ends(RingBuffer::new(16));
    let (news_in, mut news) = ends(RingBuffer::new(64));
    let mut stage = GatewayStage::new(
        session,
        port,
        &clock,
        NoRecorder,
        GatewayIndex(2),
        StreamId(12),
        commands_out,
        news_in,
        Box::leak(Box::new([0; 2_048])),
        Box::leak(Box::<Counter>::default()),
        Box::leak(Box::<GatewayCounters>::default()),
    );
    let mut heard: Vec<(OrderEventKind, OrderId)> = Vec::new();
    let mut go = |served: &mut Served, wanted: (OrderEventKind, OrderId)| {
        until("the news", || {
            stage.poll();
            stage.housekeeping();
            served.poll(clock.now());
            while let Some(one) = news.pop() {
                if let GatewayNews::Order(event) = one {
                    heard.push((event.kind, event.order_id));
                }
            }
            heard.contains(&wanted).then_some(())
        });
    };
    commands.push(new(id(1, 1), 3)).unwrap();
    go(&mut served, (OrderEventKind::Accepted, id(1, 1)));
    served.lose = 1;
    commands.push(new(id(2, 2), 3)).unwrap();
    let asked = clock.now();
    go(&mut served, (OrderEventKind::Unknown, id(2, 2)));
    assert!(clock.now().since(asked) >= PACE.ask_after);
    commands.push(new(id(3, 3), 3)).unwrap();
    go(&mut served, (OrderEventKind::Accepted, id(3, 3)));
    assert!(session_counters.questions.get() >= 1);
    assert_eq!(session_counters.lost.get(), 1);
}

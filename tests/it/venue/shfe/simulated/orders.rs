//! The engine's session trades through the venue's counter, in bytes: what it is told is what the
//! ledger has, and positions of today and yesterday are closed only where they are.

use super::{MS, TRADER, moment, quiet, sent, settings};
use crate::garbage::Garbage;
use crate::venue::esunny::dstar::rig::{Rig, cancel, id, identity, new};
use cross_market_connect::secret::Secret;
use cross_market_connect::sim::exchange::{FillNo, Holding, ListingIndex, Order, Phase, Price};
use cross_market_connect::venue::esunny::dstar::counter::Counts;
use cross_market_connect::venue::esunny::dstar::logon::{self, Credentials, Logon};
use cross_market_connect::venue::esunny::dstar::wish::CounterError;
use cross_market_connect::venue::shfe::simulated::{
    ConnectionId, Refusing, Service, Settings, Venue,
};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use xmc_hotpath::message::{
    AccountId, GatewayNews, InstrumentIndex, OrderCommand, OrderEvent, OrderEventKind, OrderId,
    PositionEffect, Side, TimeInForce,
};
use xmc_hotpath::time::{MonoNs, Span};
use xmc_hotpath::venue::esunny::dstar::encode::Account;
use xmc_hotpath::venue::esunny::dstar::layout::{Generation, ReqIdMode, V2, V3};

use OrderEventKind::{Accepted, Cancelled, Filled, Rejected};

pub const CU: ListingIndex = ListingIndex(0);

/// A venue and the engine's session on it.
pub struct Trading<G: Generation> {
    pub venue: Venue,
    pub rig: Rig<G>,
    pub id: ConnectionId,
    pub from: SocketAddr,
    pub at: u64,
}

impl<G: Generation> Trading<G> {
    /// Logs on at `at` over connection `number`, having read so many replies before.
    pub fn up(
        mut venue: Venue,
        at: u64,
        number: u64,
        replies_seen: u64,
    ) -> (Self, Vec<OrderEvent>) {
        let id = ConnectionId(number);
        let from = SocketAddr::from((Ipv4Addr::LOCALHOST, 7_000));
        venue.connect(moment(at), id, Service::Counter);
        let credentials = Credentials {
            account_no: "trader".into(),
            password: Secret::new("opensesame"),
            replies_seen: u32::try_from(replies_seen).unwrap(),
        };
        let (mut logon, first) = Logon::<G>::start(&credentials).expect("fits");
        venue.receive(moment(at), id, &first);
        let said = venue.take_bytes(id);
        let (read, granted) = logon.read(&said).expect("is granted");
        let granted = granted.expect("all contracts have come").clone();
        assert!(venue.is_client(id));
        let mode = ReqIdMode::Increasing;
        venue.request(moment(at), from, &logon::udp_auth::<G>(&granted.account, mode));
        let mut behind = said[read..].to_vec();
        behind.extend(venue.take_bytes(id));
        let mut identity = identity(mode);
        identity.account = Account { close_today: Some(b'J'), ..granted.account };
        identity.next_client_req_id = granted.next_client_req_id;
        let contracts: Vec<_> = granted.contracts.iter().map(|(_, number)| &**number).collect();
        let mut rig = Rig::trading(identity, &contracts, |_| true).expect("is sane");
        let told = events(&rig.read(&behind).expect("is framed"));
        (Self { venue, rig, id, from, at }, told)
    }

    pub fn news(&mut self) -> Vec<OrderEvent> {
        let said = self.venue.take_bytes(self.id);
        events(&self.rig.read(&said).expect("is framed"))
    }

    /// Sends, and loses what is answered.
    pub fn send(&mut self, command: &OrderCommand) {
        let datagram = self.rig.send(command).expect("has a message");
        self.venue.request(moment(self.at), self.from, &datagram);
    }

    pub fn do_it(&mut self, command: &OrderCommand) -> Vec<OrderEvent> {
        self.send(command);
        self.news()
    }

    fn kinds(&mut self, command: &OrderCommand) -> Vec<OrderEventKind> {
        self.do_it(command).iter().map(|event| event.kind).collect()
    }

    /// What the exchange has of the trader.
    fn holding(&self, listing: ListingIndex) -> Holding {
        self.venue.exchange().accounts().holding(TRADER, listing)
    }

    /// Today's and yesterday's lots, long and short.
    fn lots(&self) -> [(u32, u32); 2] {
        let Holding { long, short, .. } = self.holding(CU);
        [long, short].map(|position| (position.today, position.yesterday))
    }

    /// Somebody else trades.
    fn other(&mut self, side: Side, price_e9: i64, lots: u32) {
        let order = Order {
            account: AccountId(99),
            client_id: 1,
            listing: CU,
            side,
            price: Price::Limit(price_e9),
            time_in_force: TimeInForce::Day,
            lots,
            min_lots: 0,
            effect: PositionEffect::Open,
        };
        self.venue.submit(moment(self.at), &order);
    }
}

pub fn events(news: &[GatewayNews]) -> Vec<OrderEvent> {
    let event = |one: &GatewayNews| match one {
        GatewayNews::Order(event) => Some(*event),
        GatewayNews::Session(_) => None,
    };
    news.iter().filter_map(event).collect()
}

/// A market that is open and empty; the trader brings five long lots of copper along.
fn open_market() -> Venue {
    let mut settings = quiet(1);
    settings.carried = vec![(TRADER, CU, Side::Buy, 5)];
    let mut venue = Venue::new(settings);
    venue.set_phase(moment(0), None, Phase::Open);
    venue
}

fn middle(venue: &Venue) -> i64 {
    venue.exchange().engine(CU).unwrap().listing().reference_e9
}

fn order(turn: u32, side: Side, effect: PositionEffect, price_e9: i64, lots: u32) -> OrderCommand {
    let time_in_force = TimeInForce::Day;
    let command = new(id(turn, turn % 64), lots);
    OrderCommand { side, effect, price_e9, time_in_force, ..command }
}

/// Fills of the ledger as the client is told of them.
pub fn booked(venue: &Venue) -> Vec<(i64, u32, Side)> {
    let fills = venue.exchange().accounts().fills(TRADER, FillNo(0));
    let told = |fill: &cross_market_connect::sim::exchange::Fill| {
        (fill.price_e9, fill.lots, fill.ticket.side)
    };
    fills.map(|booked| told(&booked.fill)).collect()
}

pub fn fills_of(told: &[OrderEvent]) -> Vec<(i64, u32, Side)> {
    let fills = told.iter().filter(|event| event.kind == Filled);
    fills.map(|event| (event.price_e9, event.qty_lots, event.side)).collect()
}

fn today_and_yesterday<G: Generation>() {
    use PositionEffect::{Close, CloseToday, CloseYesterday, Open};
    let (mut trading, told) = Trading::<G>::up(open_market(), MS, 1, 0);
    assert_eq!(told, []);
    let at = middle(&trading.venue);
    assert_eq!(trading.lots(), [(0, 5), (0, 0)]);
    // Nothing of today is there to close, and of yesterday no more than five.
    let told = trading.do_it(&order(1, Side::Sell, CloseToday, at, 1));
    assert_eq!(told.iter().map(|event| event.kind).collect::<Vec<_>>(), [Accepted, Rejected]);
    assert_eq!(told[1].reason, CounterError::Position.code().cast_unsigned());
    assert_eq!(trading.kinds(&order(2, Side::Sell, Close, at, 6)), [Accepted, Rejected]);
    assert_eq!(trading.kinds(&order(3, Side::Buy, Close, at, 1)), [Accepted, Rejected]);
    // Opened today, filled in two parts.
    trading.other(Side::Sell, at, 2);
    assert_eq!(trading.kinds(&order(4, Side::Buy, Open, at, 3)), [Accepted, Accepted, Filled]);
    trading.other(Side::Sell, at, 1);
    let told = trading.news();
    assert_eq!((told[0].kind, told[0].cum_lots, told[0].leaves_lots), (Filled, 3, 0));
    assert_eq!(trading.lots(), [(3, 5), (0, 0)]);
    // What an order would close is not there for another one.
    let resting = order(5, Side::Sell, Close, at + 10 * E9, 4);
    assert_eq!(trading.kinds(&resting), [Accepted, Accepted]);
    assert_eq!(trading.kinds(&order(6, Side::Sell, Close, at, 2)), [Accepted, Rejected]);
    assert_eq!(trading.kinds(&cancel(resting.order_id)), [Cancelled]);
    // Yesterday's, then today's.
    trading.other(Side::Buy, at, 20);
    let told = trading.kinds(&order(7, Side::Sell, CloseYesterday, at, 2));
    assert_eq!(told, [Accepted, Accepted, Filled]);
    assert_eq!(trading.lots(), [(3, 3), (0, 0)]);
    let told = trading.kinds(&order(8, Side::Sell, CloseToday, at, 2));
    assert_eq!(told, [Accepted, Accepted, Filled]);
    assert_eq!(trading.lots(), [(1, 3), (0, 0)]);
    // And a short position beside the long one.
    let told = trading.kinds(&order(9, Side::Sell, Open, at, 4));
    assert_eq!(told, [Accepted, Accepted, Filled]);
    assert_eq!(trading.lots(), [(1, 3), (4, 0)]);
    // The night passes; an order that rests does not.
    let resting = order(10, Side::Buy, Open, at - 50 * E9, 1);
    assert_eq!(trading.kinds(&resting), [Accepted, Accepted]);
    trading.at = 3 * MS;
    trading.venue.next_day(moment(trading.at));
    let told = trading.news();
    assert_eq!((told[0].kind, told[0].order_id), (Cancelled, resting.order_id));
    assert_eq!(trading.lots(), [(0, 4), (0, 4)]);
    trading.other(Side::Sell, at, 4);
    assert_eq!(trading.kinds(&order(11, Side::Buy, CloseToday, at, 4)), [Accepted, Rejected]);
    let told = trading.kinds(&order(12, Side::Buy, Close, at, 4));
    assert_eq!(told, [Accepted, Accepted, Filled]);
    assert_eq!(trading.lots(), [(0, 4), (0, 0)]);
    assert_eq!(trading.venue.counter_counts(), Counts::default());
}

const E9: i64 = 1_000_000_000;

/// One after the other and no others: each is kept as long as was told, and the exchange never
/// hears of it.
#[test]
fn orders_are_refused_on_command() {
    use PositionEffect::Open;
    let (mut trading, _) = Trading::<V3>::up(open_market(), MS, 1, 0);
    let at = middle(&trading.venue);
    let refusing = |side, ms| Refusing { listing: CU, side, after: Span(ms * MS) };
    trading.venue.set_refusals(vec![refusing(Side::Sell, 700), refusing(Side::Buy, 0)]);
    // The second one is not looked for before the first has come.
    trading.other(Side::Sell, at, 3);
    assert_eq!(trading.kinds(&order(1, Side::Buy, Open, at, 3)), [Accepted, Accepted, Filled]);
    assert_eq!(trading.kinds(&order(2, Side::Sell, Open, at, 1)), [Accepted]);
    assert_eq!((trading.venue.refusals_left(), trading.lots()), (1, [(3, 5), (0, 0)]));
    // Another one of its side is kept with it.
    trading.at = 401 * MS;
    assert_eq!(trading.kinds(&order(5, Side::Sell, Open, at, 2)), [Accepted]);
    let told = trading.do_it(&order(6, Side::Buy, Open, at, 1));
    assert_eq!(told.iter().map(|event| event.kind).collect::<Vec<_>>(), [Accepted, Rejected]);
    assert_eq!(told[1].reason, CounterError::Told.code().cast_unsigned());
    assert_eq!(trading.venue.refusals_left(), 0);
    // The first two are still kept: the venue knows when it is to say so.
    let due = MonoNs(701 * MS);
    while trading.venue.next_at() < due {
        let next = trading.venue.next_at();
        trading.venue.poll(next);
        assert_eq!(trading.news(), [], "at {next:?}");
    }
    trading.venue.poll(due);
    let told = trading.news();
    let kinds: Vec<_> = told.iter().map(|event| (event.kind, event.side)).collect();
    assert_eq!(kinds, [(Rejected, Side::Sell); 2]);
    // Later orders go where they went.
    trading.at = 702 * MS;
    trading.other(Side::Buy, at, 1);
    assert_eq!(trading.kinds(&order(7, Side::Sell, Open, at, 1)), [Accepted, Accepted, Filled]);
    assert_eq!(trading.lots(), [(3, 5), (1, 0)]);
}

#[test]
fn todays_and_yesterdays_lots_are_closed_apart_in_v3() {
    today_and_yesterday::<V3>();
}

#[test]
fn todays_and_yesterdays_lots_are_closed_apart_in_v2() {
    today_and_yesterday::<V2>();
}

/// What the client makes of what it is told: nothing but its own orders and the fills.
#[derive(Default)]
pub struct Books {
    pub orders: BTreeMap<OrderId, OrderCommand>,
    /// Today's lots of each instrument, long and short.
    today: BTreeMap<u32, [i64; 2]>,
    /// Lots that are to be filled or cancelled.
    pub open: BTreeMap<OrderId, u32>,
    serials: BTreeSet<u64>,
    pub told: Vec<OrderEvent>,
}

impl Books {
    pub fn sent(&mut self, command: &OrderCommand) {
        self.orders.insert(command.order_id, *command);
        self.open.insert(command.order_id, command.qty_lots);
    }

    pub fn hear(&mut self, told: Vec<OrderEvent>) {
        for event in told {
            let command = self.orders[&event.order_id];
            match event.kind {
                Filled => {
                    assert!(self.serials.insert(event.exec_id), "no fill is told twice");
                    let lots = i64::from(event.qty_lots);
                    let held = self.today.entry(command.instrument.0).or_default();
                    let (place, sign) = match (command.effect, command.side) {
                        (PositionEffect::Open, Side::Buy) => (0, 1),
                        (PositionEffect::Open, Side::Sell) => (1, 1),
                        (_, Side::Sell) => (0, -1),
                        (_, Side::Buy) => (1, -1),
                    };
                    held[place] += sign * lots;
                    let left = self.open.get_mut(&event.order_id).expect("it was open");
                    *left -= event.qty_lots;
                    if *left == 0 {
                        self.open.remove(&event.order_id);
                    }
                }
                Rejected | Cancelled => drop(self.open.remove(&event.order_id)),
                _ => {}
            }
            self.told.push(event);
        }
    }

    pub fn agree_with(&self, venue: &Venue) {
        assert_eq!(fills_of(&self.told), booked(venue), "fills");
        let listings = u32::try_from(venue.exchange().listing_count()).unwrap();
        for index in 0..listings {
            let listing = ListingIndex(u16::try_from(index).unwrap());
            let holding = venue.exchange().accounts().holding(TRADER, listing);
            let held = [holding.long, holding.short].map(|one| i64::from(one.today));
            assert_eq!(self.today.get(&index).copied().unwrap_or_default(), held, "of {index}");
        }
        let live: BTreeSet<_> =
            venue.exchange().orders_of(TRADER).map(|live| live.leaves_lots).collect();
        let open: BTreeSet<_> = self.open.values().copied().collect();
        assert_eq!(open, live, "lots of orders that are live");
    }

    /// Something that a trader might wish.
    pub fn wish(&self, turn: u32, venue: &Venue, random: &mut fastrand::Rng) -> OrderCommand {
        if random.u8(..4) == 0
            && let Some(order_id) = random.choice(self.open.keys())
        {
            return cancel(*order_id);
        }
        let index = random.u16(..4);
        let engine = venue.exchange().engine(ListingIndex(index)).unwrap();
        let side = if random.bool() { Side::Buy } else { Side::Sell };
        let listing = engine.listing();
        let best = engine.best(side.opposite()).unwrap_or(listing.reference_e9);
        // Now and then beyond the limits or between two ticks.
        let far = if random.u8(..20) == 0 { 10_000 } else { random.i64(-3..=1) };
        let sign = if side == Side::Buy { 1 } else { -1 };
        let odd = i64::from(random.u8(..30) == 0);
        let command = order(
            turn,
            side,
            *random
                .choice(&[PositionEffect::Open, PositionEffect::CloseToday, PositionEffect::Close])
                .unwrap(),
            best + sign * far * listing.tick_e9 + odd,
            random.u32(1..=30),
        );
        let time_in_force = *random.choice(TimeInForce::ALL).unwrap();
        OrderCommand { instrument: InstrumentIndex(index.into()), time_in_force, ..command }
    }
}

/// The crowd is there, orders of every kind: the client's books are the ledger's all the time.
#[test]
fn a_session_that_trades_at_random_has_the_books_of_the_ledger() {
    for seed in 0..4 {
        let (mut trading, _) = Trading::<V3>::up(Venue::new(settings(seed)), 0, 1, 0);
        let (mut books, mut random) = (Books::default(), fastrand::Rng::with_seed(seed));
        for turn in 1..3_000 {
            trading.at += 10 * MS;
            trading.venue.poll(moment(trading.at));
            sent(&mut trading.venue);
            books.hear(trading.news());
            let wish = books.wish(turn, &trading.venue, &mut random);
            if wish.action == xmc_hotpath::message::OrderAction::New {
                books.sent(&wish);
            }
            books.hear(trading.do_it(&wish));
            books.agree_with(&trading.venue);
        }
        let count = |kind| books.told.iter().filter(|event| event.kind == kind).count();
        let counts = [Filled, Rejected, Cancelled].map(count);
        println!("fills, rejects, cancels: {counts:?}");
        assert!(counts.iter().all(|count| *count > 200), "{counts:?}");
        let partial = books
            .told
            .iter()
            .filter(|event| event.kind == Filled)
            .filter(|event| event.leaves_lots > 0);
        assert!(partial.count() > 50);
        assert_eq!(trading.venue.counter_counts(), Counts::default());
        // All fills, in the order of their numbers, are handed out to be written down.
        let handed: Vec<_> =
            trading.venue.take_booked().iter().map(|booked| booked.fill.fill_no).collect();
        assert_eq!(handed.len(), booked(&trading.venue).len());
        assert!(handed.windows(2).all(|pair| pair[0] < pair[1]));
    }
}

/// Garbage on the stream and in datagrams: it is counted, and the session trades on.
#[test]
fn garbage_moves_counters_and_nothing_else() {
    let (mut trading, _) = Trading::<V3>::up(open_market(), MS, 1, 0);
    let at = middle(&trading.venue);
    let samples = vec![
        trading.rig.send(&order(60, Side::Buy, PositionEffect::Open, at, 1)).unwrap(),
        trading.rig.send(&cancel(id(60, 60))).unwrap(),
    ];
    let mut garbage = Garbage::new(3).near(samples);
    let stranger = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
    for number in 0..5_000 {
        trading.at += MS;
        let id = ConnectionId(100 + number);
        trading.venue.connect(moment(trading.at), id, Service::Counter);
        trading.venue.receive(moment(trading.at), id, garbage.message());
        trading.venue.take_bytes(id);
        if number % 2 == 0 {
            trading.venue.disconnect(id);
        }
        trading.venue.is_closed(id);
        trading.venue.request(moment(trading.at), stranger, garbage.message());
        sent(&mut trading.venue);
    }
    let counts = trading.venue.counter_counts();
    println!("{counts:?}");
    assert!(counts.bad_datagrams > 3_000 && counts.bad_streams > 3_000 && counts.strangers > 100);
    assert_eq!(trading.news(), []);
    assert_eq!(trading.venue.take_told(), []);
    trading.other(Side::Sell, at, 1);
    let told = trading.kinds(&order(61, Side::Buy, PositionEffect::Open, at, 1));
    assert_eq!(told, [Accepted, Accepted, Filled]);
}

/// A market with its crowd, for tests that restart it.
pub fn lively(seed: u64) -> Settings {
    settings(seed)
}

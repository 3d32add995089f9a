//! A session at the simulated counter before an exchange: what it is told is what has happened,
//! with datagrams lost, late and out of order, and after a new logon.

use super::rig::{MS, Rig, Told, cancel, id, identity, new, told};
use super::venue::{MIDDLE_E9, TICK_E9, TRADER, Venue, credentials, socket};
use cross_market_connect::sim::exchange::Event;
use cross_market_connect::venue::esunny::dstar::counter::LinkId;
use cross_market_connect::venue::esunny::dstar::logon::Credentials;
use cross_market_connect::venue::esunny::dstar::wish::CounterError;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use xmc_hotpath::gateway::{CannotEncode, OrderSession, SessionLost};
use xmc_hotpath::message::{
    GatewayNews, OrderCommand, OrderEvent, OrderEventKind, OrderId, PositionEffect, SessionState,
    Side, TimeInForce,
};
use xmc_hotpath::time::MonoNs;
use xmc_hotpath::venue::esunny::dstar::encode::Account;
use xmc_hotpath::venue::esunny::dstar::layout::{Generation, ReqIdMode, V2, V3};
use xmc_hotpath::venue::esunny::dstar::session::Left;

/// A session that is logged on.
struct Trading<G: Generation> {
    venue: Venue,
    rig: Rig<G>,
    link: LinkId,
    from: SocketAddr,
}

impl<G: Generation> Trading<G> {
    fn up(mode: ReqIdMode) -> Self {
        let (mut venue, from) = (Venue::open(), socket(7_000));
        let (link, granted, behind) = venue.log_on::<G>(&credentials(), from, mode);
        let mut identity = identity(mode);
        identity.account = Account { close_today: Some(b'J'), ..granted.account };
        identity.next_client_req_id = granted.next_client_req_id;
        let mut rig = Rig::new(identity).expect("is sane");
        assert_eq!(rig.read(&behind), Ok(vec![]), "the socket is known");
        let mut trading = Self { venue, rig, link, from };
        let up = trading.ask(MonoNs(0));
        assert_eq!(told(&up), [Told::Session(SessionState::Up)], "it may begin");
        trading
    }

    /// The connection breaks; the session goes on over another one.
    fn cut(&mut self, mode: ReqIdMode) -> Vec<GatewayNews> {
        self.venue.counter.disconnect(self.link);
        let Left { replies_seen, .. } = self.rig.session.left(SessionLost::Closed);
        let who = Credentials { replies_seen, ..credentials() };
        self.from.set_port(self.from.port() + 1);
        let (link, granted, behind) = self.venue.log_on::<G>(&who, self.from, mode);
        self.rig.session.resume(&granted.handover());
        self.link = link;
        let mut news: Vec<_> = self.rig.state_news().into_iter().collect();
        news.extend(self.rig.read(&behind).expect("is framed"));
        news
    }

    fn arrive(&mut self, datagram: &[u8]) {
        self.arrive_from(self.from, datagram);
    }

    fn arrive_from(&mut self, from: SocketAddr, datagram: &[u8]) {
        self.venue.counter.on_datagram(from, datagram);
        self.venue.settle();
    }

    fn news(&mut self) -> Vec<GatewayNews> {
        let said = self.venue.counter.take_replies(self.link).expect("goes on");
        self.rig.read(&said).expect("is framed")
    }

    fn do_it(&mut self, command: &OrderCommand) -> Vec<OrderEvent> {
        let datagram = self.rig.send(command).expect("has a message");
        self.arrive(&datagram);
        events(&self.news())
    }

    /// Asks, if a question is due, and reads the answer.
    fn ask(&mut self, now: MonoNs) -> Vec<GatewayNews> {
        let Some(question) = self.rig.question(now) else {
            return Vec::new();
        };
        self.venue.counter.on_stream(now, self.link, &question);
        self.news()
    }
}

fn events(news: &[GatewayNews]) -> Vec<OrderEvent> {
    let event = |one: &GatewayNews| match one {
        GatewayNews::Order(event) => Some(*event),
        GatewayNews::Session(_) => None,
    };
    news.iter().filter_map(event).collect()
}

fn kinds(events: &[OrderEvent]) -> Vec<OrderEventKind> {
    events.iter().map(|event| event.kind).collect()
}

fn order(turn: u32, side: Side, ticks: i64, lots: u32, tif: TimeInForce) -> OrderCommand {
    let command = new(id(turn, turn % 64), lots);
    let price_e9 = MIDDLE_E9 + ticks * TICK_E9;
    OrderCommand { side, price_e9, time_in_force: tif, ..command }
}

fn lives<G: Generation>() {
    use OrderEventKind::{Accepted, CancelRejected, Cancelled, Filled, Rejected};
    let mut trading = Trading::<G>::up(ReqIdMode::Consecutive);
    let (buy, sell) = (Side::Buy, Side::Sell);
    trading.venue.flow(sell, MIDDLE_E9, 4);

    // Taken by the counter, queued at the exchange, filled in part; the rest may not stay.
    let fak = order(1, buy, 0, 6, TimeInForce::FillAndKill);
    let told = trading.do_it(&fak);
    assert_eq!(kinds(&told), [Accepted, Accepted, Filled, Cancelled]);
    let fill = told[2];
    assert_eq!(
        (fill.price_e9, fill.qty_lots, fill.cum_lots, fill.leaves_lots),
        (MIDDLE_E9, 4, 4, 2)
    );
    assert_eq!((told[3].cum_lots, told[3].leaves_lots), (4, 0));
    assert!(told.iter().all(|event| event.order_id == fak.order_id && event.side == buy));

    // All or nothing, and it is nothing.
    let told = trading.do_it(&order(2, buy, 0, 1, TimeInForce::FillOrKill));
    assert_eq!(kinds(&told), [Accepted, Accepted, Cancelled]);

    // Rests, is filled by somebody, and the rest is cancelled.
    let day = order(3, buy, -5, 10, TimeInForce::Day);
    assert_eq!(kinds(&trading.do_it(&day)), [Accepted, Accepted]);
    trading.venue.flow(sell, MIDDLE_E9 - 5 * TICK_E9, 3);
    let told = events(&trading.news());
    assert_eq!((kinds(&told), told[0].cum_lots), (vec![Filled], 3));
    let told = trading.do_it(&cancel(day.order_id));
    assert_eq!((kinds(&told), told[0].cum_lots), (vec![Cancelled], 3));
    // Once more: refused, with the state as it is, which is what counts.
    let told = trading.do_it(&cancel(day.order_id));
    assert_eq!((kinds(&told), told[0].cum_lots), (vec![Cancelled], 3));
    let filled = trading.do_it(&cancel(fak.order_id));
    assert_eq!(kinds(&filled), [Cancelled]);
    assert_eq!(told[0].reason, CounterError::UnknownOrder.code().cast_unsigned());

    // One that is filled cannot be cancelled either, and is not gone for that.
    trading.venue.flow(sell, MIDDLE_E9 - 6 * TICK_E9, 1);
    let whole = order(6, buy, -6, 1, TimeInForce::FillOrKill);
    assert_eq!(kinds(&trading.do_it(&whole)), [Accepted, Accepted, Filled]);
    assert_eq!(kinds(&trading.do_it(&cancel(whole.order_id))), [CancelRejected]);

    // Closing today's position has its own code here; closing yesterday's, of which there is none.
    let close = order(4, sell, -9, 2, TimeInForce::Day);
    let today = OrderCommand { effect: PositionEffect::CloseToday, ..close };
    assert_eq!(kinds(&trading.do_it(&today)), [Accepted, Accepted]);

    // Refused by the exchange, for its price.
    let told = trading.do_it(&order(5, buy, 101, 1, TimeInForce::Day));
    assert_eq!(kinds(&told), [Accepted, Rejected]);
    assert_eq!(told[1].reason, CounterError::Price.code().cast_unsigned());
    assert_eq!(trading.venue.counter.counts(), Default::default());
}

#[test]
fn orders_live_as_they_should_in_v3() {
    lives::<V3>();
}

#[test]
fn orders_live_as_they_should_in_v2() {
    lives::<V2>();
}

#[test]
fn requests_of_strangers_are_counted_and_nothing_else() {
    let mut trading = Trading::<V3>::up(ReqIdMode::Increasing);
    let datagram = trading.rig.send(&order(1, Side::Buy, 0, 1, TimeInForce::Day)).unwrap();
    trading.venue.counter.on_datagram(socket(7_001), &datagram);
    let mut other_account = datagram.clone();
    other_account[4 + 6] = 0;
    trading.arrive(&other_account);
    other_account[4 + 6] = 9;
    trading.arrive(&other_account);
    let mut other_code = datagram.clone();
    other_code[4 + 56] ^= 1;
    trading.arrive(&other_code);
    assert_eq!(trading.venue.counter.counts().strangers, 4);
    assert_eq!(trading.news(), []);
    trading.arrive(b"garbage");
    assert_eq!(trading.venue.counter.counts().bad_datagrams, 1);
    trading.arrive(&datagram);
    assert_eq!(trading.news().len(), 2, "taken and queued");
    trading.arrive(&datagram);
    assert_eq!(trading.news(), [], "the order lives, so it is not refused");
    assert_eq!(trading.rig.counters.copies.get(), 1);
    assert_eq!(trading.venue.exchange.orders_of(TRADER).count(), 1);
}

/// Each field that can be wrong, at the place that the table gives it.
#[test]
fn fields_that_are_none_are_refused_one_by_one() {
    let wrong = [
        (0, b'X', CounterError::Field),
        (1, b'X', CounterError::Field),
        (2, b'S', CounterError::Field),
        (3, b'1', CounterError::Field),
        (4, b'4', CounterError::Field),
        (8, 1, CounterError::Contract),
        (9, 1, CounterError::Contract),
        (12, b'x', CounterError::Contract),
        (43, 0x7F, CounterError::Field),
        (55, 0x80, CounterError::Field),
    ];
    for (offset, value, expected) in wrong {
        let mut trading = Trading::<V3>::up(ReqIdMode::Increasing);
        let mut datagram = trading.rig.send(&order(1, Side::Buy, 0, 1, TimeInForce::Day)).unwrap();
        datagram[4 + offset] = value;
        if offset == 43 {
            datagram[4 + 42] = 0xF0;
        }
        trading.arrive(&datagram);
        let told = events(&trading.news());
        assert_eq!(kinds(&told), [OrderEventKind::Rejected], "offset {offset}");
        assert_eq!(told[0].reason, expected.code().cast_unsigned(), "offset {offset}");
    }
}

/// The connection breaks while an order is on the way: its replies come to the next session.
#[test]
fn a_new_logon_is_told_what_was_missed_and_no_more() {
    let mut trading = Trading::<V3>::up(ReqIdMode::Increasing);
    trading.do_it(&order(1, Side::Buy, -1, 5, TimeInForce::Day));
    let datagram = trading.rig.send(&order(2, Side::Buy, -2, 7, TimeInForce::Day)).unwrap();
    trading.arrive(&datagram);
    trading.venue.counter.disconnect(trading.link);
    trading.venue.flow(Side::Sell, MIDDLE_E9 - TICK_E9, 5);

    let mut credentials = credentials();
    credentials.replies_seen = u32::try_from(trading.rig.counters.replies.get()).unwrap();
    assert_eq!(credentials.replies_seen, 2);
    let (link, granted, behind) =
        trading.venue.log_on::<V3>(&credentials, socket(7_002), ReqIdMode::Increasing);
    assert_eq!(granted.next_client_req_id, 3);
    trading.link = link;
    let news = trading.rig.read(&behind).unwrap();
    let told = events(&news);
    use OrderEventKind::{Accepted, Filled};
    assert_eq!(kinds(&told), [Accepted, Accepted, Filled]);
    assert_eq!([told[0].order_id, told[2].order_id], [id(2, 2), id(1, 1)]);
    // The old socket is not known any more.
    trading.arrive(&datagram);
    assert_eq!(trading.venue.counter.counts().strangers, 1);
}

/// What the way from session to counter does to a datagram.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// It comes.
    Straight,
    /// It is lost.
    Lost,
    /// It comes when the next one has come, or at the end.
    Late,
    /// It comes twice.
    Twice,
    /// It comes in one datagram with the next one that comes, or alone at the end (v3).
    Joined,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Order { side: Side, ticks: i64, lots: u32, tif: TimeInForce, way: Way },
    Cancel { back: u32, way: Way },
    Flow { side: Side, ticks: i64, lots: u32 },
    Pass { ms: u64 },
    Cut,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    let tif = prop_oneof![
        Just(TimeInForce::Day),
        Just(TimeInForce::FillAndKill),
        Just(TimeInForce::FillOrKill)
    ];
    let way = prop_oneof![
        6 => Just(Way::Straight),
        2 => Just(Way::Lost),
        2 => Just(Way::Late),
        2 => Just(Way::Twice),
        2 => Just(Way::Joined),
    ];
    let step = prop_oneof![
        5 => (side.clone(), -3_i64..=3, 1_u32..9, tif, way.clone()).prop_map(
            |(side, ticks, lots, tif, way)| Step::Order { side, ticks, lots, tif, way }
        ),
        2 => (1_u32..4, way).prop_map(|(back, way)| Step::Cancel { back, way }),
        2 => (side, -3_i64..=3, 1_u32..9)
            .prop_map(|(side, ticks, lots)| Step::Flow { side, ticks, lots }),
        3 => (1_u64..60).prop_map(|ms| Step::Pass { ms }),
        1 => Just(Step::Cut),
    ];
    prop::collection::vec(step, 1..60)
}

/// What a desk would know of one order.
#[derive(Clone, Debug, Default)]
struct Known {
    kinds: Vec<OrderEventKind>,
    fills: BTreeMap<u64, u32>,
}

/// Runs the steps and holds what the session has told against what the exchange has done.
fn run<G: Generation>(mode: ReqIdMode, steps: &[Step]) {
    let mut trading = Trading::<G>::up(mode);
    let mut known: BTreeMap<OrderId, Known> = BTreeMap::new();
    let mut late: Vec<(SocketAddr, Vec<u8>)> = Vec::new();
    let mut joined: Vec<u8> = Vec::new();
    let (mut now, mut turn, mut is_up) = (0, 0, true);
    let mut hear = |news: Vec<GatewayNews>, is_up: &mut bool| {
        for one in news {
            match one {
                GatewayNews::Session(update) => *is_up = update.state == SessionState::Up,
                GatewayNews::Order(event) => {
                    let order = known.entry(event.order_id).or_default();
                    order.kinds.push(event.kind);
                    if event.kind == OrderEventKind::Filled {
                        order.fills.insert(event.exec_id, event.qty_lots);
                        let sum: u32 = order.fills.values().sum();
                        assert_eq!(sum, event.cum_lots, "the running total");
                    }
                }
            }
        }
    };
    // At the end everything that is late comes, and there is time for every question.
    let end = [Step::Pass { ms: 40 }; 12];
    for (place, step) in steps.iter().chain(&end).enumerate() {
        if place == steps.len() {
            for (from, datagram) in std::mem::take(&mut late) {
                trading.arrive_from(from, &datagram);
            }
            if !joined.is_empty() {
                trading.arrive(&std::mem::take(&mut joined));
            }
            hear(trading.news(), &mut is_up);
        }
        let (command, way) = match *step {
            // A desk sends nothing new while the session is gapped.
            Step::Order { .. } if !is_up => continue,
            Step::Order { side, ticks, lots, tif, way } => {
                turn += 1;
                (order(turn, side, ticks, lots, tif), way)
            }
            Step::Cancel { back, way } if back <= turn => {
                let turn = turn + 1 - back;
                (cancel(id(turn, turn % 64)), way)
            }
            Step::Cancel { .. } => continue,
            Step::Flow { side, ticks, lots } => {
                trading.venue.flow(side, MIDDLE_E9 + ticks * TICK_E9, lots);
                hear(trading.news(), &mut is_up);
                continue;
            }
            Step::Cut => {
                // What waited to be joined was sent from the socket of before.
                joined.clear();
                hear(trading.cut(mode), &mut is_up);
                continue;
            }
            Step::Pass { ms } => {
                now += ms * MS;
                trading.venue.now = MonoNs(now);
                hear(trading.ask(MonoNs(now)), &mut is_up);
                continue;
            }
        };
        let datagram = match trading.rig.send(&command) {
            Ok(datagram) => datagram,
            Err(cannot) => {
                assert_eq!((cannot, is_up), (CannotEncode::Unfilled, false));
                continue;
            }
        };
        let is_v3 = G::VERSION == V3::VERSION;
        match way {
            Way::Lost => {}
            Way::Late => late.push((trading.from, datagram)),
            Way::Joined if is_v3 && joined.len() + datagram.len() <= 1_024 => {
                joined.extend(datagram);
            }
            Way::Twice | Way::Straight | Way::Joined => {
                // Without numbers nobody can tell a copy from an order.
                let is_copied = matches!(way, Way::Twice) && mode != ReqIdMode::Unchecked;
                if joined.len() + datagram.len() > 1_024 {
                    trading.arrive(&std::mem::take(&mut joined));
                }
                joined.extend(&datagram);
                trading.arrive(&std::mem::take(&mut joined));
                if is_copied {
                    trading.arrive(&datagram);
                }
                if let Some((from, behind)) = late.pop() {
                    trading.arrive_from(from, &behind);
                }
            }
        }
        hear(trading.news(), &mut is_up);
    }
    check(&trading.venue, &known, turn);
}

fn check(venue: &Venue, known: &BTreeMap<OrderId, Known>, orders: u32) {
    let mut filled: u32 = 0;
    let mut taken = BTreeSet::new();
    for (_, event) in &venue.events {
        match event {
            Event::Filled(fill) if fill.ticket.account == TRADER => filled += fill.lots,
            Event::Accepted(one) if one.ticket.account == TRADER => {
                taken.insert(one.ticket.client_id);
            }
            _ => {}
        }
    }
    let told: u32 = known.values().flat_map(|order| order.fills.values()).sum();
    assert_eq!(told, filled, "every fill is told, and once");
    let accepted = |order: &&Known| order.kinds.contains(&OrderEventKind::Accepted);
    for turn in 1..=orders {
        let order = known.get(&id(turn, turn % 64)).unwrap_or_else(|| panic!("silence: {turn}"));
        let is_accepted = accepted(&order);
        let is_not_sent = order.kinds.contains(&OrderEventKind::NotSent);
        assert!(!is_accepted || !is_not_sent, "order {turn} was taken and not sent: {order:?}");
        let mut after = order.kinds.iter().skip_while(|kind| **kind != OrderEventKind::Rejected);
        let lives = |kind: &OrderEventKind| {
            matches!(kind, OrderEventKind::Accepted | OrderEventKind::Filled)
        };
        assert!(!after.any(lives), "order {turn} was refused and lives: {order:?}");
    }
    assert!(known.values().filter(accepted).count() >= taken.len());
}

proptest! {
    #[test]
    fn what_is_told_is_what_has_happened(
        steps in steps(),
        mode in prop_oneof![
            3 => Just(ReqIdMode::Increasing),
            2 => Just(ReqIdMode::Consecutive),
            1 => Just(ReqIdMode::Unchecked),
        ],
        is_v2 in any::<bool>(),
    ) {
        if is_v2 { run::<V2>(mode, &steps) } else { run::<V3>(mode, &steps) }
    }
}

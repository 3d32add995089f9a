//! Seeded schedules at session level: the engine's gateway stage and its logons against the whole
//! simulated gateway, in virtual time, over a wire that breaks at any byte.
//!
//! What is checked: no order reaches the exchange twice; what was said not to be sent is not there;
//! of every other order the store has what the exchange has, or nobody could tell, which is counted
//! and happens only where the exchange itself refused to say it again. At the end all that rests
//! can be taken out.
//!
//! `XMC_SESSION_SCHEDULES` says how many; `XMC_SIM_SEED` where they begin.

use super::orders::{IDENTITY, credentials, utc, wish, with_session};
use super::{MS, ORIGIN, moment, settings};
use cross_market_connect::sim::clock::VirtualClock;
use cross_market_connect::sim::exchange::{FillNo, ListingIndex};
use cross_market_connect::sim::network::Delay;
use cross_market_connect::sim::wire::SimStream;
use cross_market_connect::venue::cme::ilink3::logon::{Logon, LogonError, Step, System, Wish};
use cross_market_connect::venue::cme::ilink3::resume::{self, Course, Known, Resumed};
use cross_market_connect::venue::cme::simulated::{
    ConnectionId, OrderFaults, OrderRate, OrderRules, OrderTrouble, Settings, Spot, Venue,
};
use rtrb::RingBuffer;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use xmc_hotpath::counter::{Counter, NoRecorder};
use xmc_hotpath::gateway::{Door, Entry, GatewayCounters, GatewayStage, Reentry, SessionLost};
use xmc_hotpath::message::{
    AccountId, GatewayIndex, GatewayNews, InstrumentIndex, OrderAction, OrderCommand, OrderEvent,
    OrderEventKind, OrderId, SessionState, Side, SpreadIndex, StreamId, TimeInForce,
};
use xmc_hotpath::ring::{Receiver, Sender, ends};
use xmc_hotpath::stage::{Stage, Work};
use xmc_hotpath::time::Span;
use xmc_hotpath::venue::cme::ilink3::decode::{self, Request};
use xmc_hotpath::venue::cme::ilink3::session::{Handover, Left, Session, SessionCounters};

/// Schedules of one commit.
const COMMIT: u64 = 300;
const ACCOUNT: AccountId = AccountId(77);
const TICK: i64 = 500_000;
/// The first session's number; later ones are microseconds since 1970, as the engine has them.
const FIRST: u64 = 5;

const LATE: OrderTrouble = OrderTrouble::Late(Span(40_000_000));
const HALF_OPEN: OrderTrouble = OrderTrouble::Silence(Span(3_000_000_000));

/// What can go wrong where, and how often in a thousand messages at most.
const RATES: [(Spot, u32, OrderTrouble); 19] = [
    (Spot::Report, 40, OrderTrouble::Lost),
    (Spot::Report, 15, OrderTrouble::Drop),
    (Spot::Report, 15, OrderTrouble::Torn(25)),
    (Spot::Report, 15, OrderTrouble::Split(9)),
    (Spot::Report, 30, LATE),
    (Spot::Report, 6, HALF_OPEN),
    (Spot::Report, 6, OrderTrouble::Garbage),
    (Spot::Report, 6, OrderTrouble::Stranger),
    (Spot::Report, 6, OrderTrouble::Twice),
    (Spot::Report, 6, OrderTrouble::End(0)),
    (Spot::Request, 30, OrderTrouble::Lost),
    (Spot::Request, 15, OrderTrouble::Drop),
    (Spot::Request, 20, OrderTrouble::Refused(0)),
    (Spot::Resent, 60, OrderTrouble::Lost),
    (Spot::Resent, 20, OrderTrouble::Drop),
    (Spot::RetransmitRequest, 90, OrderTrouble::Refused(3)),
    (Spot::Establish, 90, OrderTrouble::Drop),
    (Spot::Establish, 90, OrderTrouble::End(2)),
    (Spot::Negotiate, 90, OrderTrouble::Lost),
];

type Hot<'a> = GatewayStage<'a, Session<'a>, SimStream, &'a VirtualClock, NoRecorder>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Sent,
    Working,
    Over,
    NotSent,
    Unknown,
}

#[derive(Clone, Debug)]
struct Row {
    command: OrderCommand,
    fate: Fate,
    filled: u32,
    executions: BTreeSet<u64>,
}

/// Bytes on their way, in one direction.
#[derive(Debug, Default)]
struct Way {
    pieces: VecDeque<(u64, Vec<u8>)>,
    last: u64,
}

impl Way {
    fn put(&mut self, at: u64, bytes: Vec<u8>) {
        self.last = self.last.max(at);
        self.pieces.push_back((self.last, bytes));
    }

    fn take(&mut self, now: u64) -> Option<Vec<u8>> {
        let (_, bytes) = self.pieces.pop_front_if(|(at, _)| *at <= now)?;
        Some(bytes)
    }

    /// What still gets through of a wire that breaks.
    fn rest(&mut self, rng: &mut fastrand::Rng) -> Vec<u8> {
        let mut all: Vec<u8> = self.pieces.drain(..).flat_map(|(_, bytes)| bytes).collect();
        all.truncate(rng.usize(..=all.len()));
        all
    }
}

/// How the next session is entered.
#[derive(Clone, Copy, Debug)]
struct Retry {
    at: u64,
    course: Course,
    left: Left,
    tries: u32,
}

#[derive(Debug, Default)]
struct Total {
    orders: usize,
    filled: u64,
    not_sent: usize,
    unknown: usize,
    troubles: u64,
    sessions: u64,
    negotiated: u64,
    resent: u64,
    breaks: u64,
}

struct World<'a> {
    seed: u64,
    rng: fastrand::Rng,
    now: u64,
    venue: Venue,
    id: ConnectionId,
    is_linked: bool,
    out: Way,
    back: Way,
    clock: &'a VirtualClock,
    stage: Hot<'a>,
    door: Door<SimStream, Handover, Left>,
    commands: Sender<OrderCommand>,
    news: Receiver<GatewayNews>,
    state: SessionState,
    known: Vec<Known>,
    last_uuid: u64,
    retry: Option<Retry>,
    /// The exchange will never say again what it has said.
    is_lost_for_good: bool,
    orders: BTreeMap<u64, Row>,
    /// Orders as they came to the exchange.
    arrived: BTreeSet<u64>,
    half_read: Vec<u8>,
    total: Total,
}

impl World<'_> {
    fn draw_at(&mut self) -> u64 {
        self.now + self.rng.u64(..2 * MS)
    }

    /// Bytes come to the exchange. Of each connection the orders in them are noted, each once.
    fn arrive(&mut self, bytes: &[u8]) {
        self.half_read.extend_from_slice(bytes);
        let all = std::mem::take(&mut self.half_read);
        let mut rest = &all[..];
        while let Some((frame, after)) = decode::frame(rest).expect("our frames are whole") {
            rest = after;
            if let Some(Request::New(order)) = decode::request(&frame).expect("ours") {
                let id = order.cl_ord_id.order().expect("ours");
                assert!(self.arrived.insert(id), "order {id} was sent twice: {}", self.seed);
            }
        }
        self.half_read = rest.to_vec();
        self.venue.receive(moment(self.now), self.id, bytes);
    }

    /// The wire breaks; some of what is on it still arrives.
    fn cut(&mut self) {
        if !std::mem::replace(&mut self.is_linked, false) {
            return;
        }
        self.total.breaks += 1;
        let out = self.out.rest(&mut self.rng);
        self.arrive(&out);
        let bytes = self.back.rest(&mut self.rng);
        self.venue.disconnect(moment(self.now), self.id);
        self.half_read.clear();
        self.stage.port_mut().arrive(&bytes);
        self.stage.port_mut().close();
    }

    /// All that can move at this moment moves.
    fn settle(&mut self) {
        self.clock.advance_to(moment(self.now));
        let mut is_busy = true;
        while is_busy {
            self.venue.poll(moment(self.now));
            while self.venue.take_datagram().is_some() {}
            is_busy = self.stage.poll() != Work::Idle;
            self.stage.housekeeping();
            is_busy |= self.carry();
            while let Some(news) = self.news.pop() {
                is_busy = true;
                match news {
                    GatewayNews::Session(update) => self.told_state(update.state),
                    GatewayNews::Order(event) => self.take(&event),
                }
            }
            if let Some(left) = self.door.left.pop() {
                self.lost(&left);
            }
            while self.door.spent.pop().is_some() {}
        }
    }

    /// Moves bytes between the stage and the exchange; whether there were any.
    fn carry(&mut self) -> bool {
        if !self.is_linked {
            self.stage.port_mut().take_sent();
            return false;
        }
        let mut is_busy = false;
        for message in self.stage.port_mut().take_sent() {
            let at = self.draw_at();
            self.out.put(at, message);
        }
        while let Some(bytes) = self.out.take(self.now) {
            is_busy = true;
            self.arrive(&bytes);
        }
        loop {
            let bytes = self.venue.take_bytes(self.id);
            if bytes.is_empty() {
                break;
            }
            let at = self.draw_at();
            self.back.put(at, bytes);
        }
        while let Some(bytes) = self.back.take(self.now) {
            is_busy = true;
            self.stage.port_mut().arrive(&bytes);
        }
        if self.stage.is_over() {
            // The engine hangs up behind what it has said.
            let out: Vec<u8> = self.out.pieces.drain(..).flat_map(|(_, bytes)| bytes).collect();
            self.arrive(&out);
            self.venue.disconnect(moment(self.now), self.id);
            self.is_linked = false;
        } else if self.back.pieces.is_empty() && self.venue.is_closed(self.id) {
            self.stage.port_mut().close();
            self.is_linked = false;
        }
        is_busy
    }

    fn told_state(&mut self, state: SessionState) {
        self.state = state;
        if state != SessionState::Up {
            return;
        }
        // As the desk does: how do those stand that are not over?
        let is_open = |row: &&Row| matches!(row.fate, Fate::Working | Fate::Sent | Fate::Unknown);
        let asked: Vec<OrderCommand> =
            self.orders.values().filter(is_open).map(|row| row.command).collect();
        for command in asked {
            let ask = OrderCommand { action: OrderAction::Status, ..command };
            self.commands.push(ask).expect("there is room");
        }
    }

    fn lost(&mut self, left: &Left) {
        self.known = resume::ended(left);
        self.is_lost_for_good |= left.is_more_missing;
        let course = match (resume::after_loss(left.why), left.why) {
            // People look, and begin anew.
            (Course::Stop, SessionLost::SeqNo | SessionLost::Terminated(_)) => Course::New,
            (Course::Stop, why) => panic!("seed {}: it ended for {why:?}", self.seed),
            (course, _) => course,
        };
        self.retry = Some(Retry { at: self.now, course, left: *left, tries: 0 });
    }

    fn log_on(&mut self, retry: Retry) {
        let wish = match retry.course {
            Course::Same => Wish {
                is_negotiated: true,
                next_seq_no: retry.left.next_seq_no,
                ..wish(retry.left.uuid)
            },
            _ => wish((utc(self.now).0 / 1_000).max(self.last_uuid + 1)),
        };
        self.id.0 += 1;
        self.venue.connect(self.id);
        self.half_read.clear();
        (self.out, self.back) = (Way::default(), Way::default());
        match self.enter(wish) {
            Ok((handover, logon, rest)) => {
                let resumed = resume::resumed(&self.known, &handover, logon.previous());
                let Resumed { handover, unasked } = resumed;
                self.is_lost_for_good |= unasked > 0;
                self.known = resume::begun(&handover);
                self.last_uuid = handover.uuid;
                let mut port = SimStream::new(self.rng.usize(1..400));
                port.arrive(&rest);
                assert!(self.door.entries.push(Entry { port, handover }).is_ok(), "it waits");
                self.is_linked = true;
                self.retry = None;
                self.total.sessions += 1;
                self.total.negotiated += u64::from(!wish.is_negotiated);
            }
            Err(error) => {
                self.venue.disconnect(moment(self.now), self.id);
                let course = match resume::after_refusal(retry.course, &error) {
                    Course::Stop => panic!("seed {}: {error}", self.seed),
                    course => course,
                };
                self.last_uuid = self.last_uuid.max(wish.uuid);
                let pause = (100 * MS) << retry.tries.min(4);
                let at = self.now + pause;
                self.retry = Some(Retry { at, course, tries: retry.tries + 1, ..retry });
            }
        }
    }

    /// The logon's messages, each answered at once or not at all; what came behind the last.
    fn enter(&mut self, wish: Wish) -> Result<(Handover, Logon, Vec<u8>), LogonError> {
        let system = System { name: "xmc".into(), version: "0.1".into(), vendor: "xmc".into() };
        let mut logon = Logon::new(credentials(), system, wish)?;
        let mut message = logon.start(utc(self.now));
        loop {
            self.venue.receive(moment(self.now), self.id, &message);
            let mut answer = Vec::new();
            loop {
                let more = self.venue.take_bytes(self.id);
                if more.is_empty() {
                    break;
                }
                answer.extend(more);
            }
            let awaited = logon.awaits();
            let Some((frame, rest)) = decode::frame(&answer).map_err(LogonError::Framing)? else {
                let is_closed = self.venue.is_closed(self.id);
                let timed_out = LogonError::TimedOut { awaited, ms: 0 };
                return Err(if is_closed { LogonError::Closed { awaited } } else { timed_out });
            };
            match logon.on_frame(&frame, utc(self.now + 1))? {
                Step::Send(next) => message = next,
                Step::Done(handover) => return Ok((handover, logon, rest.to_vec())),
            }
        }
    }

    fn take(&mut self, event: &OrderEvent) {
        let seed = self.seed;
        let Some(row) = self.orders.get_mut(&event.order_id.0) else {
            panic!("seed {seed}: news of an order that nobody sent: {event:?}");
        };
        let is_there = matches!(
            event.kind,
            OrderEventKind::Accepted | OrderEventKind::Filled | OrderEventKind::Cancelled
        );
        if is_there {
            row.command.venue_order_id = event.venue_order_id;
            assert_ne!(row.fate, Fate::NotSent, "seed {seed}: not sent, and there: {event:?}");
        }
        match event.kind {
            OrderEventKind::Accepted if matches!(row.fate, Fate::Sent | Fate::Unknown) => {
                row.fate = Fate::Working;
            }
            OrderEventKind::Filled => {
                if row.executions.insert(event.exec_id) {
                    row.filled += event.qty_lots;
                }
                if row.filled >= row.command.qty_lots {
                    row.fate = Fate::Over;
                } else if matches!(row.fate, Fate::Sent | Fate::Unknown) {
                    row.fate = Fate::Working;
                }
            }
            OrderEventKind::Cancelled | OrderEventKind::Rejected => row.fate = Fate::Over,
            OrderEventKind::NotSent => row.fate = Fate::NotSent,
            OrderEventKind::Unknown => row.fate = Fate::Unknown,
            _ => {}
        }
        assert!(row.filled <= row.command.qty_lots, "seed {seed}: filled twice: {event:?}");
    }

    /// Lets `span` pass.
    fn run(&mut self, span: u64) {
        let until = self.now + span;
        loop {
            self.settle();
            if let Some(retry) = self.retry
                && retry.at <= self.now
            {
                self.log_on(retry);
                continue;
            }
            if self.now >= until {
                return;
            }
            let ways = [&self.out, &self.back].map(|way| way.pieces.front().map(|(at, _)| *at));
            let retry = self.retry.map(|retry| retry.at);
            // Signs of life are due at some hundred milliseconds.
            let due = [ways[0], ways[1], retry, Some(self.now + 50 * MS), Some(until)];
            let next = due.into_iter().flatten().min().expect("there are two");
            self.now = next.min(self.venue.next_at().0).max(self.now + 1);
        }
    }

    fn until_up(&mut self) {
        let until = self.now + 120_000 * MS;
        while self.state != SessionState::Up {
            assert!(self.now < until, "seed {}: no session, {:?}", self.seed, self.retry);
            self.run(20 * MS);
        }
    }

    fn order(&mut self) {
        let side = if self.rng.bool() { Side::Buy } else { Side::Sell };
        let engine = self.venue.exchange().engine(ListingIndex(0)).expect("it is listed");
        let Some(best) = engine.best(side.opposite()) else { return };
        let rests = self.rng.u32(..4) == 0;
        let away = if side == Side::Buy { -30 * TICK } else { 30 * TICK };
        let id = u64::try_from(self.orders.len()).expect("few") + 1;
        let command = OrderCommand {
            action: OrderAction::New,
            order_id: OrderId(id),
            instrument: InstrumentIndex(0),
            security_id: 5_001,
            gateway: GatewayIndex(0),
            side,
            time_in_force: if rests { TimeInForce::Day } else { TimeInForce::FillAndKill },
            price_e9: if rests { best + away } else { best },
            qty_lots: self.rng.u32(1..5),
            spread: SpreadIndex(0),
            account: AccountId(1),
            ..OrderCommand::NONE
        };
        let executions = BTreeSet::new();
        self.orders.insert(id, Row { command, fate: Fate::Sent, filled: 0, executions });
        self.commands.push(command).expect("there is room");
    }

    fn cancel(&mut self, id: u64) {
        let command = self.orders[&id].command;
        let cancel = OrderCommand { action: OrderAction::Cancel, ..command };
        self.commands.push(cancel).expect("there is room");
    }

    fn of(&self, fate: Fate) -> Vec<u64> {
        self.orders.iter().filter(|(_, row)| row.fate == fate).map(|(id, _)| *id).collect()
    }

    /// Compares the store with the exchange; orders of which nobody can tell.
    fn compare(&self) -> usize {
        let seed = self.seed;
        let exchange = self.venue.exchange();
        let mut filled: BTreeMap<u64, u32> = BTreeMap::new();
        let mut numbers: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
        for booked in exchange.accounts().fills(ACCOUNT, FillNo(0)) {
            let ticket = booked.fill.ticket;
            *filled.entry(ticket.client_id).or_default() += booked.fill.lots;
            numbers.entry(ticket.client_id).or_default().insert(ticket.order_no.0);
        }
        let mut live = BTreeSet::new();
        for order in exchange.orders_of(ACCOUNT) {
            live.insert(order.ticket.client_id);
            numbers.entry(order.ticket.client_id).or_default().insert(order.ticket.order_no.0);
        }
        for (id, numbers) in &numbers {
            assert_eq!(numbers.len(), 1, "seed {seed}: order {id} is there more than once");
            assert!(self.arrived.contains(id), "seed {seed}: order {id} is nobody's");
        }
        let mut unknown = 0;
        for (id, row) in &self.orders {
            let there = (filled.get(id).copied().unwrap_or(0), live.contains(id));
            match row.fate {
                Fate::Sent | Fate::Unknown => {
                    unknown += 1;
                    assert!(there.0 <= row.command.qty_lots, "seed {seed}: order {id}");
                }
                Fate::NotSent => {
                    assert_eq!(there, (0, false), "seed {seed}: order {id} was not sent");
                }
                Fate::Working | Fate::Over => {
                    let here = (row.filled, row.fate == Fate::Working);
                    let is_known = here == there || self.is_lost_for_good;
                    assert!(is_known, "seed {seed}: order {id} {row:?}, there {there:?}");
                    unknown += usize::from(here != there);
                }
            }
        }
        unknown
    }
}

/// With a crowd that quotes a tenth as often: it takes most of the time, and what is looked at is
/// the session.
fn quiet(mut settings: Settings) -> Settings {
    let slower =
        |delay: Delay| Delay { least_ns: delay.least_ns * 10, spread_ns: delay.spread_ns * 10 };
    for (_, style) in settings.exchange.flow.iter_mut().flat_map(|flow| &mut flow.products) {
        [style.reaction, style.tend, style.stir] =
            [style.reaction, style.tend, style.stir].map(slower);
    }
    settings
}

fn schedule(seed: u64) -> Total {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut venue = Venue::new(with_session(quiet(settings(rng.u64(..)))));
    let now = 200 * MS;
    venue.poll(moment(now));
    venue.set_order_rules(OrderRules {
        resent_at_once: rng.usize(1..40),
        resend_pause: Span(rng.u64(..3) * MS),
        cancel_after: Span(rng.u64(..2) * 20 * MS),
        ..OrderRules::default()
    });
    let clock = VirtualClock::new(moment(now));
    let (commands, commands_out) = ends(RingBuffer::new(1 << 8));
    let (news_in, news) = ends(RingBuffer::new(1 << 12));
    let (left_in, left) = ends(RingBuffer::new(1));
    let (entries, entries_out) = ends(RingBuffer::new(1));
    let (spent_in, spent) = ends(RingBuffer::new(1));
    let (leave, leave_out) = ends(RingBuffer::new(2));
    let (counters, gateway_counters) = (SessionCounters::default(), GatewayCounters::default());
    let origin = Counter::default();
    origin.set(ORIGIN.0);
    let mut inbox = vec![0; 1 << 14];
    let (gateway, stream) = (GatewayIndex(0), StreamId(9));
    let id = ConnectionId(1);
    venue.connect(id);
    let handover =
        super::orders::log_on(&mut venue, id, now, credentials(), wish(FIRST)).expect("it may");
    let session = Session::take_over(gateway, stream, &IDENTITY, &handover, &counters);
    let stage = GatewayStage::new(
        session.expect("the identity is sound"),
        SimStream::new(1 << 14),
        &clock,
        NoRecorder,
        gateway,
        stream,
        commands_out,
        news_in,
        &mut inbox,
        &origin,
        &gateway_counters,
    );
    let reentry =
        Reentry { left: left_in, entries: entries_out, spent: spent_in, leave: leave_out };
    let rates = RATES.map(|(spot, most, what)| {
        // In a schedule some things go wrong and others do not.
        let per_mille = if rng.bool() { rng.u32(..=most) } else { 0 };
        OrderRate { spot, per_mille, what }
    });
    let mut world = World {
        seed,
        rng,
        now,
        venue,
        id,
        is_linked: true,
        out: Way::default(),
        back: Way::default(),
        clock: &clock,
        stage: stage.with_reentry(reentry),
        door: Door { left, entries, spent, leave },
        commands,
        news,
        state: SessionState::Up,
        known: resume::begun(&handover),
        last_uuid: FIRST,
        retry: None,
        is_lost_for_good: false,
        orders: BTreeMap::new(),
        arrived: BTreeSet::new(),
        half_read: Vec::new(),
        total: Total::default(),
    };
    world.until_up();
    let faults = OrderFaults { seed, rates: rates.to_vec(), ..OrderFaults::default() };
    world.venue.set_order_faults(moment(now), faults);
    for _ in 0..world.rng.u32(10..60) {
        // Mostly it is waited for a session: what is sent without one is given back.
        if world.rng.u32(..5) > 0 {
            world.until_up();
        }
        match world.rng.u32(..12) {
            0..8 => world.order(),
            8..10 => {
                let working = world.of(Fate::Working);
                if !working.is_empty() {
                    let id = working[world.rng.usize(..working.len())];
                    world.cancel(id);
                }
            }
            10 => {
                let span = world.rng.u64(..1_500) * MS;
                world.run(span);
            }
            _ => {
                if world.rng.u32(..3) == 0 {
                    world.cut();
                }
            }
        }
        let span = world.rng.u64(..4 * MS);
        world.run(span);
    }
    // All heals: what can be known is known then.
    let at = moment(world.now);
    world.venue.set_order_faults(at, OrderFaults::default());
    world.run(4_000 * MS);
    world.until_up();
    world.run(1_000 * MS);
    world.compare();
    for id in world.of(Fate::Working) {
        world.cancel(id);
    }
    world.run(100 * MS);
    let unknown = world.compare();
    assert!(world.of(Fate::Working).is_empty(), "seed {seed}: something is left");
    let counts = world.venue.counters();
    Total {
        orders: world.orders.len(),
        filled: world.orders.values().map(|row| u64::from(row.filled)).sum(),
        not_sent: world.of(Fate::NotSent).len(),
        unknown,
        troubles: counts.troubles,
        resent: counts.resent,
        ..world.total
    }
}

#[test]
fn sessions_that_break_anywhere_send_nothing_twice_and_tell_what_became_of_it() {
    let number = |name, otherwise| {
        let set = std::env::var(name).ok().and_then(|text| text.parse().ok());
        set.unwrap_or(otherwise)
    };
    let (first, count) = (number("XMC_SIM_SEED", 1), number("XMC_SESSION_SCHEDULES", COMMIT));
    let mut total = Total::default();
    for seed in first..first + count {
        let one = schedule(seed);
        total.orders += one.orders;
        total.filled += one.filled;
        total.not_sent += one.not_sent;
        total.unknown += one.unknown;
        total.troubles += one.troubles;
        total.sessions += one.sessions;
        total.negotiated += one.negotiated;
        total.resent += one.resent;
        total.breaks += one.breaks;
    }
    println!("{count} schedules from {first}: {total:?}");
    if count >= COMMIT {
        assert!(total.troubles > count && total.resent > count, "{total:?}");
        assert!(total.negotiated > count / 10 && total.breaks > count / 4, "{total:?}");
        assert!(total.unknown * 50 < total.orders, "few of which nobody can tell: {total:?}");
    }
}

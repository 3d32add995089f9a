//! A simulated CME, the engine's gateway stage on it over real TCP, the thread that logs it on
//! again, and a book of orders that is compared with the venue's own ledger.
//!
//! The book does what a desk does with news, and no more: an execution counts once, whatever the
//! order in which messages come, and an order that was said not to have been sent must never have
//! reached the exchange.

use crate::journal::scratch::Scratch;
use crate::place::Place;
use crate::recovery::live::rig::{CME, PATIENCE, engine, find_cme, sample, v4};
use cross_market_connect::cli::venue::cme_settings;
use cross_market_connect::clock::EngineClock;
use cross_market_connect::config::{Configuration, venue};
use cross_market_connect::engine::logon::LogonError;
use cross_market_connect::engine::opening;
use cross_market_connect::engine::sessions::{
    Attempt, Entered, Published, SessionBook, SessionFigures, Sessions,
};
use cross_market_connect::engine::sockets::{GatewayPort, SocketError};
use cross_market_connect::port::interface::InterfaceChoice;
use cross_market_connect::secret::Secret;
use cross_market_connect::sim::exchange::ListingIndex;
use cross_market_connect::venue::cme::ilink3::resume;
use cross_market_connect::venue::cme::simulated::shell::{self, Addresses, Running, SIMULATED_KEY};
use cross_market_connect::venue::cme::simulated::{OrderFault, OrderFaults, OrderTrouble, Spot};
use cross_market_connect::venue::ledger::LedgerClient;
use cross_market_connect::venue::shell::VenueClock;
use rtrb::RingBuffer;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use xmc_hotpath::counter::{Counter, NoRecorder};
use xmc_hotpath::gateway::{Door, GatewayCounters, GatewayStage, Reentry};
use xmc_hotpath::message::{
    AccountId, GatewayIndex, GatewayNews, HedgeFlag, InstrumentIndex, OrderAction, OrderCommand,
    OrderEvent, OrderEventKind, OrderId, PositionEffect, ProjectId, SessionState, Side,
    SpreadIndex, StrategyId, StreamId, TimeInForce,
};
use xmc_hotpath::ring::{Receiver, Sender, ends};
use xmc_hotpath::stage::{Stage, Work};
use xmc_hotpath::time::{Clock, MonoNs, UnixNs};
use xmc_hotpath::venue::cme::ilink3::encode::SessionIdentity;
use xmc_hotpath::venue::cme::ilink3::layout::NEWEST_VERSION;
use xmc_hotpath::venue::cme::ilink3::session::{Session, SessionCounters};

const ACCOUNT: AccountId = AccountId(77);
/// After this nothing is on its way any more.
const QUIET: Duration = Duration::from_secs(4);
/// Copper, whose book the crowd keeps full.
const SECURITY_ID: i32 = 5_001;

const IDENTITY: SessionIdentity<'static> = SessionIdentity {
    sender_id: "OPER1",
    location: "HK",
    party_details_id: 7,
    schema_version: NEWEST_VERSION,
};

type Hot = GatewayStage<'static, Session<'static>, GatewayPort, EngineClock, NoRecorder>;

/// What is known of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Nothing has been heard.
    Sent,
    /// It is in the book.
    Working,
    /// It is over.
    Over,
    /// It never left, or never arrived.
    NotSent,
    /// Nobody can tell.
    Unknown,
}

#[derive(Clone, Debug)]
pub struct Row {
    pub command: OrderCommand,
    pub fate: Fate,
    pub filled: u32,
    executions: BTreeSet<u64>,
}

/// How a rig is made.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub seed: u64,
    pub keep_alive_ms: u16,
}

impl Default for Options {
    fn default() -> Self {
        Self { seed: 3, keep_alive_ms: 5_000 }
    }
}

pub struct Rig<'s> {
    pub venue: &'s Running,
    pub config: &'s Configuration,
    pub stage: Hot,
    commands: Sender<OrderCommand>,
    news: Receiver<GatewayNews>,
    next_order: u64,
    pub orders: BTreeMap<u64, Row>,
    /// States that were told, in order.
    pub states: Vec<SessionState>,
    /// Every piece of news of an order.
    pub events: Vec<OrderEvent>,
    figures: &'s Published,
    /// The secret that the next logon reads.
    pub key: &'s Mutex<String>,
    /// The primary address leads nowhere.
    pub is_primary_dead: &'s AtomicBool,
}

/// Ends the threads of a rig, also when a test fails.
struct EndOnDrop<'s>(&'s AtomicBool);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

fn open_venue(options: &Options) -> Running {
    let written = venue::load_cme(&sample("venue_cme.toml")).expect("the sample is sound");
    let origin = UnixNs(VenueClock::wall().0 - 1_000_000_000);
    let mut settings = cme_settings(&written, origin).expect("it has no secrets");
    let place = Place::new();
    settings.store = None;
    settings.addresses = Addresses {
        incremental: place.lines(0),
        definitions: place.lines(1),
        snapshots: place.lines(2),
        orders: place.port(0),
        ledger: place.port(1),
        replay: None,
        interface: InterfaceChoice::LOOPBACK,
    };
    settings.venue.seed = options.seed;
    shell::open(settings).expect("loopback has everything")
}

/// A session that stands, with everything around it.
pub fn rig<R>(options: &Options, body: impl FnOnce(&mut Rig<'_>) -> R) -> R {
    let scratch = Scratch::new("orders");
    let directory: PathBuf = scratch.path("record");
    std::fs::create_dir_all(&directory).expect("the build's directory can be written");
    let venue = open_venue(options);
    let mut config = engine();
    find_cme(&mut config, venue.addresses());
    config.gateways[CME].backup = Some(v4(venue.addresses().orders));
    let session = config.gateways[CME].session.as_mut().expect("it has one");
    session.keep_alive_ms = options.keep_alive_ms;
    let clock = EngineClock::start();
    let (key, is_primary_dead) = (Mutex::new(SIMULATED_KEY.to_owned()), AtomicBool::new(false));
    let secret = |_: usize| {
        Ok::<_, LogonError>(Secret::new(key.lock().expect("nobody panics with it").as_str()))
    };
    let sessions = opening::sessions(&config, &clock, &secret, &directory);
    let log_on = sessions.log_on;
    let sessions = Sessions {
        log_on: Box::new(|row, attempt| {
            if is_primary_dead.load(Ordering::Relaxed) && !attempt.is_backup {
                return Err(SocketError::Paper("the primary is gone".to_owned()).into());
            }
            log_on(row, attempt)
        }),
        directory: directory.clone(),
    };
    let (published, is_over) = (Published::default(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let _end = EndOnDrop(&is_over);
        let Entered { entry, .. } = (sessions.log_on)(CME, &Attempt::FIRST).expect("it may log on");
        let book = SessionBook::new(&directory, "cme");
        book.write(&resume::begun(&entry.handover)).expect("there is room");
        let (left_in, left) = ends(RingBuffer::new(1));
        let (entries, entries_out) = ends(RingBuffer::new(1));
        let (spent_in, spent) = ends(RingBuffer::new(1));
        let reentry = Reentry { left: left_in, entries: entries_out, spent: spent_in };
        let doors = vec![None, Some(Door { left, entries, spent })];
        sessions.serve(scope, &config, doors, &published, &is_over);
        let (commands, commands_out) = ends(RingBuffer::new(1 << 10));
        let (news_in, news) = ends(RingBuffer::new(1 << 14));
        let counters: &'static SessionCounters = Box::leak(Box::default());
        let utc_origin: &'static Counter = Box::leak(Box::default());
        utc_origin.set(VenueClock::wall().0 - clock.now().0);
        let (gateway, stream) = (GatewayIndex(0), StreamId(21));
        let session = Session::take_over(gateway, stream, &IDENTITY, &entry.handover, counters);
        let stage = GatewayStage::new(
            session.expect("the identity is sound"),
            entry.port,
            clock.clone(),
            NoRecorder,
            gateway,
            stream,
            commands_out,
            news_in,
            Box::leak(vec![0; 1 << 16].into_boxed_slice()),
            utc_origin,
            Box::leak(Box::<GatewayCounters>::default()),
        );
        let mut rig = Rig {
            venue: &venue,
            config: &config,
            stage: stage.with_reentry(reentry),
            commands,
            news,
            next_order: 0,
            orders: BTreeMap::new(),
            states: Vec::new(),
            events: Vec::new(),
            figures: &published,
            key: &key,
            is_primary_dead: &is_primary_dead,
        };
        body(&mut rig)
    })
}

impl Rig<'_> {
    pub fn figures(&self) -> SessionFigures {
        self.figures.figures().remove(0)
    }

    pub fn state(&self) -> Option<SessionState> {
        self.states.last().copied()
    }

    pub fn is_up(&self) -> bool {
        self.state() == Some(SessionState::Up)
    }

    /// What goes wrong from now on, each at the n-th message of its spot.
    pub fn fault(&self, faults: &[(Spot, u64, OrderTrouble)]) {
        let once = faults.iter().map(|&(spot, nth, what)| OrderFault { spot, nth, what }).collect();
        self.venue.set_order_faults(OrderFaults { once, ..OrderFaults::default() });
    }

    pub fn poll(&mut self) {
        let work = self.stage.poll();
        self.stage.housekeeping();
        while let Some(news) = self.news.pop() {
            match news {
                GatewayNews::Session(update) => self.states.push(update.state),
                GatewayNews::Order(event) => self.take(&event),
            }
        }
        if work == Work::Idle {
            // The venue has to run too, on whatever cores there are.
            std::thread::sleep(Duration::from_micros(50));
        }
    }

    pub fn until(&mut self, what: &str, mut is_so: impl FnMut(&Self) -> bool) {
        let since = Instant::now();
        while !is_so(self) {
            self.poll();
            let figures = self.figures();
            let is_patient = since.elapsed() < 2 * PATIENCE;
            assert!(is_patient, "waited for {what}: {:?}, {figures:?}", self.states);
        }
    }

    pub fn until_up(&mut self) {
        self.until("a session", Self::is_up);
    }

    /// Until so many sessions have come after the first, and the last one is whole.
    pub fn until_resumed(&mut self, count: u64) {
        self.until("another session", |rig| rig.figures().resumed >= count && rig.is_up());
    }

    pub fn until_stopped(&mut self) -> SessionFigures {
        self.until("the end of all attempts", |rig| rig.figures().is_stopped);
        self.figures()
    }

    pub fn follow(&mut self, ms: u64) {
        let since = Instant::now();
        while since.elapsed() < Duration::from_millis(ms) {
            self.poll();
        }
    }

    fn take(&mut self, event: &OrderEvent) {
        self.events.push(*event);
        let Some(row) = self.orders.get_mut(&event.order_id.0) else {
            panic!("news of an order that nobody sent: {event:?}");
        };
        let is_there = matches!(
            event.kind,
            OrderEventKind::Accepted | OrderEventKind::Filled | OrderEventKind::Cancelled
        );
        if is_there {
            row.command.venue_order_id = event.venue_order_id;
            assert_ne!(row.fate, Fate::NotSent, "it was not sent, and is there: {event:?}");
        }
        match event.kind {
            OrderEventKind::Accepted => {
                if matches!(row.fate, Fate::Sent | Fate::Unknown) {
                    row.fate = Fate::Working;
                }
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
        assert!(row.filled <= row.command.qty_lots, "filled twice: {event:?}");
    }

    /// The best price of a side, when there is one.
    pub fn best(&mut self, side: Side) -> i64 {
        let since = Instant::now();
        loop {
            let best = self.venue.with(move |shell, _| {
                shell.exchange().engine(ListingIndex(0)).and_then(|engine| engine.best(side))
            });
            if let Some(best) = best.expect("it runs") {
                return best;
            }
            assert!(since.elapsed() < PATIENCE, "the crowd quotes");
            self.poll();
        }
    }

    pub fn send(&mut self, side: Side, price_e9: i64, lots: u32, tif: TimeInForce) -> u64 {
        self.next_order += 1;
        let id = self.next_order;
        let command = OrderCommand {
            action: OrderAction::New,
            order_id: OrderId(id),
            venue_order_id: 0,
            instrument: InstrumentIndex(0),
            security_id: SECURITY_ID,
            gateway: GatewayIndex(0),
            side,
            time_in_force: tif,
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
        let executions = BTreeSet::new();
        self.orders.insert(id, Row { command, fate: Fate::Sent, filled: 0, executions });
        self.commands.push(command).expect("there is room");
        id
    }

    /// An order that rests far from the market.
    pub fn rest(&mut self) -> u64 {
        let bid = self.best(Side::Buy);
        self.send(Side::Buy, bid - 40 * 500_000, 1, TimeInForce::Day)
    }

    /// An order that takes what is there.
    pub fn lift(&mut self, side: Side, lots: u32) -> u64 {
        let price_e9 = self.best(side.opposite());
        self.send(side, price_e9, lots, TimeInForce::FillAndKill)
    }

    pub fn cancel(&mut self, id: u64) {
        let command = self.orders[&id].command;
        let cancel = OrderCommand { action: OrderAction::Cancel, ..command };
        self.commands.push(cancel).expect("there is room");
    }

    pub fn fate(&self, id: u64) -> Fate {
        self.orders[&id].fate
    }

    pub fn until_fate(&mut self, id: u64, fate: Fate) {
        self.until(&format!("order {id} to be {fate:?}"), |rig| rig.fate(id) == fate);
    }

    /// Until every order's fate is known, and the book says what the venue's ledger says.
    pub fn agree(&mut self) {
        let unknown = self.agree_but_unknown();
        assert_eq!(unknown, 0, "orders of which nobody can tell: {:?}", self.orders);
    }

    /// The same, but for orders of which nobody can tell; how many there are. None of them can
    /// have done more than is reserved for it.
    pub fn agree_but_unknown(&mut self) -> usize {
        let since = Instant::now();
        loop {
            self.follow(5);
            let is_quiet = since.elapsed() > QUIET;
            let wrong = match self.differences(is_quiet) {
                Ok(unknown) if self.is_up() => return unknown,
                Ok(_) => format!("the session is {:?}", self.state()),
                Err(wrong) => wrong,
            };
            let (states, figures) = (&self.states, self.figures());
            // Sessions that are lost one after the other are waited for longer and longer.
            assert!(since.elapsed() < 3 * PATIENCE, "{wrong}; {states:?}, {figures:?}");
        }
    }

    fn differences(&self, is_quiet: bool) -> Result<usize, String> {
        let ledger = self.venue.addresses().ledger;
        let mut ledger = LedgerClient::connect(ledger, PATIENCE).expect("it listens");
        let (mut filled, mut numbers) = (BTreeMap::new(), BTreeMap::new());
        let mut after = 0;
        loop {
            let rows = ledger.fills(ACCOUNT, after).expect("it answers");
            let Some(last) = rows.last() else { break };
            after = last.fill_no;
            for row in rows {
                *filled.entry(row.client_id).or_insert(0) += row.lots;
                numbers.entry(row.client_id).or_insert_with(BTreeSet::new).insert(row.order_no);
            }
        }
        let live = ledger.orders(ACCOUNT).expect("it answers");
        for row in &live {
            let known = numbers.entry(row.client_id).or_insert_with(BTreeSet::new);
            known.insert(row.order_no);
        }
        // Whatever else is not known yet: nothing was sent twice.
        for (id, numbers) in &numbers {
            assert_eq!(numbers.len(), 1, "order {id} is there more than once");
            assert!(self.orders.contains_key(id), "order {id} is nobody's");
        }
        let live: BTreeSet<u64> = live.iter().map(|row| row.client_id).collect();
        let mut unknown = 0;
        for (id, row) in &self.orders {
            let booked = filled.get(id).copied().unwrap_or(0);
            let is_live = live.contains(id);
            match row.fate {
                Fate::Unknown => {
                    unknown += 1;
                    assert!(booked <= row.command.qty_lots, "order {id}");
                }
                // The exchange never had it, and was not asked for what is missing: its number went
                // with its session. The desk's deadline makes it one of which nobody can tell.
                Fate::Sent if is_quiet && !numbers.contains_key(id) => unknown += 1,
                Fate::Sent => return Err(format!("nothing is known of order {id}")),
                Fate::NotSent => {
                    assert!(booked == 0 && !is_live, "order {id} was not sent, and is there");
                }
                Fate::Working | Fate::Over => {
                    if (row.filled, row.fate == Fate::Working) != (booked, is_live) {
                        return Err(format!("order {id}: {row:?}, booked {booked}, {is_live}"));
                    }
                }
            }
        }
        Ok(unknown)
    }
}

//! The demonstration's engine between both simulated venues, over real sockets, with a script of
//! what goes wrong while it trades, and what must be true all the same.
//!
//! Three times a second both venues are held for a moment, until nothing is under way: then every
//! quote that the desk would trade on must be what its venue has published. At the end every fill
//! that the venues have booked must be of an order that was recorded, and every order's fills must
//! be known, or the order must be known as one of which nobody can tell, with its lots reserved.

use super::live::patient;
use crate::journal::scratch::Scratch;
use cross_market_connect::audit;
use cross_market_connect::clock::EngineClock;
use cross_market_connect::config::{self, Configuration, Endpoint};
use cross_market_connect::engine::carry;
use cross_market_connect::engine::counters::Counters;
use cross_market_connect::engine::live::{self, Ended, Plan, Sight, Watch, moment};
use cross_market_connect::engine::opening;
use cross_market_connect::engine::recording::{Recording, Segments};
use cross_market_connect::engine::replay;
use cross_market_connect::engine::sessions::{SessionFigures, Sessions, Weeks};
use cross_market_connect::sim::exchange::Exchange;
use cross_market_connect::venue::cme::simulated as cme;
use cross_market_connect::venue::ledger::LedgerClient;
use cross_market_connect::venue::shell::VenueClock;
use cross_market_connect::venue::shfe::simulated as shfe;
use cross_market_connect::venue::simulated::{self, Venues, cme_settings, shfe_settings};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};
use xmc_hotpath::desk::Desk;
use xmc_hotpath::message::Side::Buy;
use xmc_hotpath::message::{
    AccountId, AlertKind, Carried, ChannelState, Control, Detail, InstrumentIndex, OrderAction,
    SessionState,
};
use xmc_hotpath::order::OrderState;
use xmc_hotpath::record::frame::{Body, Header, OwnedEvent};

const ACCOUNT: AccountId = AccountId(1);
const PATIENCE: Duration = Duration::from_secs(20);
/// Orders that are sent before a script begins.
const ORDERS_BEFORE: u32 = 12;
/// How long a venue is held at most, for what is under way to arrive.
const HOLD: Duration = Duration::from_secs(3);
const BETWEEN_HOLDS: Duration = Duration::from_millis(300);

const STACK_BYTES: usize = 32 << 20;

/// Both sides of the book, best first: price and lots.
type Sides = [Vec<(i64, u32)>; 2];
/// Books by the venue's name of the instrument.
type Books = BTreeMap<String, Sides>;

/// Both venues and how to bring them back.
pub struct Floor {
    shfe: Option<shfe::shell::Running>,
    cme: Option<cme::shell::Running>,
    shfe_again: shfe::shell::Settings,
    cme_again: cme::shell::Settings,
    /// Venues whose packets are kept from the engine, or that are not there.
    unheard: [bool; 2],
    /// Keep the venues from going on until they are dropped.
    held: Vec<Sender<()>>,
    /// The same, until they are killed or the run is over.
    frozen: Vec<Sender<()>>,
    /// It is between two weeks of order sessions.
    pub is_pause: Arc<AtomicBool>,
}

/// Which venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Shfe,
    Cme,
}

impl Floor {
    /// Opens both, and puts their addresses into the configuration.
    fn open(config: &mut Configuration, seed: u64, store: &Path) -> Self {
        std::fs::create_dir_all(store).expect("the build's directory can be written");
        let venues = Venues::open(config, seed, Some(store)).expect("loopback has room");
        venues.address(config);
        let Venues { shfe, cme } = venues;
        let origin = VenueClock::wall();
        let shfe_again = shfe::shell::Settings {
            store: Some(store.join("shfe.jsonl")),
            ..shfe_settings(config, seed, origin, shfe.addresses().clone())
        };
        let cme_again = cme::shell::Settings {
            store: Some(store.join("cme.jsonl")),
            ..cme_settings(config, seed, origin, cme.addresses().clone())
        };
        let (shfe, cme) = (Some(shfe), Some(cme));
        Self {
            shfe,
            cme,
            shfe_again,
            cme_again,
            unheard: [false; 2],
            held: Vec::new(),
            frozen: Vec::new(),
            is_pause: Arc::default(),
        }
    }

    pub fn shfe(&self) -> &shfe::shell::Running {
        self.shfe.as_ref().expect("it has not been killed")
    }

    pub fn cme(&self) -> &cme::shell::Running {
        self.cme.as_ref().expect("it has not been killed")
    }

    /// Nothing of a venue reaches the engine from now on, or it does again.
    pub fn set_unheard(&mut self, side: Side, is_unheard: bool) {
        self.unheard[side as usize] = is_unheard;
    }

    /// Holds a venue until it is killed or the run is over: what is sent to it meanwhile is neither
    /// taken nor refused.
    pub fn freeze(&mut self, side: Side) {
        let (go_on, wait) = channel::<()>();
        let wait = move || {
            let _ = wait.recv_timeout(PATIENCE);
        };
        let is_held = match side {
            Side::Shfe => self.shfe().post(move |_, _| wait()),
            Side::Cme => self.cme().post(move |_, _| wait()),
        };
        assert!(is_held, "{side:?} runs");
        self.unheard[side as usize] = true;
        self.frozen.push(go_on);
    }

    /// Lets a frozen venue go on.
    pub fn thaw(&mut self, side: Side) {
        self.frozen.clear();
        self.unheard[side as usize] = false;
    }

    /// Kills a venue: it says nothing to anybody.
    pub fn kill(&mut self, side: Side) {
        self.unheard[side as usize] = true;
        // A venue that is held never takes what was sent to it meanwhile.
        match side {
            Side::Shfe => self.shfe.as_mut().expect("it runs").condemn(),
            Side::Cme => self.cme.as_mut().expect("it runs").condemn(),
        }
        self.held.clear();
        self.frozen.clear();
        match side {
            Side::Shfe => self.shfe.take().expect("it runs").kill(),
            Side::Cme => self.cme.take().expect("it runs").kill(),
        }
        .expect("it had not ended by itself");
    }

    /// Brings a venue back at the same place, with what it must not forget.
    pub fn restart(&mut self, side: Side) {
        match side {
            Side::Shfe => {
                let venue = shfe::shell::open(self.shfe_again.clone());
                self.shfe = Some(venue.unwrap_or_else(|error| panic!("{error}")));
            }
            Side::Cme => {
                let venue = cme::shell::open(self.cme_again.clone());
                self.cme = Some(venue.unwrap_or_else(|error| panic!("{error}")));
            }
        }
        self.unheard[side as usize] = false;
    }

    /// Holds both venues until `held` is cleared; what they have published by then, of those that
    /// are heard.
    fn hold(&mut self) -> Books {
        let (told, all) = channel::<Books>();
        let mut hold = |is_there: bool| {
            let (go_on, wait) = channel::<()>();
            if is_there {
                self.held.push(go_on);
            }
            let told = told.clone();
            move |exchange: &Exchange| {
                told.send(books(exchange)).expect("it is waited for");
                drop(told);
                let _ = wait.recv_timeout(PATIENCE);
            }
        };
        let [is_shfe_heard, is_cme_heard] = self.unheard.map(|is_unheard| !is_unheard);
        if let Some(venue) = self.shfe.as_ref().filter(|_| is_shfe_heard) {
            let hold = hold(true);
            assert!(venue.post(move |shell, _| hold(shell.exchange())), "it runs");
        }
        if let Some(venue) = self.cme.as_ref().filter(|_| is_cme_heard) {
            let hold = hold(true);
            assert!(venue.post(move |shell, _| hold(shell.exchange())), "it runs");
        }
        drop(told);
        all.into_iter().flatten().collect()
    }

    /// Net lots by the venues' names of instruments, as both ledgers say.
    fn booked(&self) -> BTreeMap<String, i64> {
        let mut lots = BTreeMap::new();
        for address in [self.shfe().addresses().ledger, self.cme().addresses().ledger] {
            let mut ledger = LedgerClient::connect(address, PATIENCE).expect("it listens");
            let rows = ledger.positions(ACCOUNT).expect("it answers").into_iter();
            lots.extend(rows.map(|row| (row.symbol, row.net_lots)));
        }
        lots
    }

    /// Lots filled of each order, by the sender's number, as both ledgers say. The domestic one
    /// knows the counter's numbers; the counter says whose they are.
    fn filled(&self) -> BTreeMap<u64, u32> {
        let mut filled = BTreeMap::new();
        let fills = |address| {
            let mut ledger = LedgerClient::connect(address, PATIENCE).expect("it listens");
            ledger.fills(ACCOUNT, 0).expect("it answers")
        };
        for row in fills(self.cme().addresses().ledger) {
            *filled.entry(row.client_id).or_insert(0) += row.lots;
        }
        for row in fills(self.shfe().addresses().ledger) {
            let reference = self.shfe().with(move |shell, _| {
                let order = shell.venue().counter().reference(ACCOUNT, row.client_id);
                order.and_then(|reference| u64::try_from(reference).ok())
            });
            let id = reference.flatten().expect("the counter knows the orders that it has sent");
            *filled.entry(id).or_insert(0) += row.lots;
        }
        filled
    }
}

fn books(exchange: &Exchange) -> Books {
    let listed = exchange.listings().map(|(index, engine)| {
        let (shown, _) = exchange.published(index).expect("it is listed");
        let sides = [&shown.bids, &shown.asks]
            .map(|side| side.iter().map(|rung| (rung.price_e9, rung.lots)).take(5).collect());
        (engine.listing().symbol.clone(), sides)
    });
    listed.collect()
}

/// Something that happens some time after what came before it.
pub type Step = Box<dyn FnOnce(&mut Floor, &Sight<'_, '_>) + Send>;

/// One step of a script, so long after the one before: a busy machine is late with all of them.
pub fn after(
    ms: u64,
    step: impl FnOnce(&mut Floor, &Sight<'_, '_>) + Send + 'static,
) -> (Duration, Step) {
    (Duration::from_millis(ms), Box::new(step))
}

/// What has become of the sessions of a gateway.
pub fn sessions<'s>(sight: &'s Sight<'_, '_>, gateway: &str) -> &'s SessionFigures {
    sight.sessions.iter().find(|one| one.gateway == gateway).expect("its sessions go on")
}

/// Times that the engine has lost packets of a venue on both lines.
pub fn feed_gaps(sight: &Sight<'_, '_>, side: Side) -> u64 {
    sight.counters.feeds[side as usize].gaps.get()
}

/// What the desk knows of an order.
#[derive(Clone, Copy, Debug)]
struct Known {
    state: OrderState,
    filled_lots: u32,
}

/// What was seen.
#[derive(Debug, Default)]
pub struct Seen {
    /// Times that both venues were held.
    pub holds: u32,
    /// Quotes that the desk would have traded on then, all of them right.
    pub believed: [u32; 2],
    /// Orders by the second of the script; those before it are of the first.
    pub fires: Vec<u32>,
    /// Channel states that the desk was told.
    pub states: Vec<(u16, ChannelState)>,
    /// Session states that the desk was told.
    pub sessions: Vec<(u16, SessionState)>,
    /// Orders of which nobody can tell.
    pub unknown: u32,
    /// Net lots of the desk at the end, by row of the instrument table.
    pub lots: Vec<i64>,
    /// Alerts.
    pub alerts: Vec<AlertKind>,
    /// Orders recorded.
    pub orders: usize,
    /// Gates that held something back since the last order, and how often.
    pub held_back: BTreeMap<&'static str, u32>,
    /// Lots filled, by the ledgers.
    pub filled_lots: u64,
}

struct Onlooker<'s> {
    config: &'s Configuration,
    floor: &'s mut Floor,
    script: VecDeque<(Duration, Step)>,
    /// When the last step was taken.
    stepped: Instant,
    /// When the desk had sent enough for the script to begin, from the start of the run.
    began: Option<Duration>,
    /// From the last step to the end.
    rest: Duration,
    held: Option<(Instant, Books)>,
    next_hold: Instant,
    wrong: Option<String>,
    orders: BTreeMap<u64, Known>,
    elapsed: Duration,
    seen: Seen,
}

impl Onlooker<'_> {
    /// What the desk would trade on and is not so.
    fn compare(&self, books: &Books, desk: &Desk<'_>) -> Result<[u32; 2], String> {
        let mut believed = [0; 2];
        for (row, index) in self.config.instruments.iter().zip(0..) {
            let Some(truth) = books.get(&row.symbol) else { continue };
            if !desk.believes(InstrumentIndex(index)) {
                continue;
            }
            let quote = &desk.instruments()[usize::try_from(index).expect("few")].quote;
            let shown: Sides = [&quote.bids, &quote.asks].map(|side| side.levels().collect());
            if shown != *truth {
                return Err(format!("{}: {shown:?} is believed, it is {truth:?}", row.symbol));
            }
            believed[row.feed] += 1;
        }
        Ok(believed)
    }

    fn check(&mut self, desk: &Desk<'_>) {
        let Some((since, books)) = &self.held else { return };
        match self.compare(books, desk) {
            Ok(believed) => {
                self.seen.holds += 1;
                for (sum, believed) in self.seen.believed.iter_mut().zip(believed) {
                    *sum += believed;
                }
            }
            Err(_) if since.elapsed() < HOLD => return,
            Err(wrong) => self.wrong = Some(wrong),
        }
        self.held = None;
        self.floor.held.clear();
        self.next_hold = Instant::now() + BETWEEN_HOLDS;
    }
}

impl Watch for Onlooker<'_> {
    fn record(&mut self, _: &Header, body: &Body, desk: &Desk<'_>) {
        let id = match body {
            Body::Order(order) => {
                if order.action == OrderAction::New {
                    let since = self.elapsed.saturating_sub(self.began.unwrap_or(self.elapsed));
                    let second = usize::try_from(since.as_secs()).expect("a short run");
                    self.seen.fires.resize(self.seen.fires.len().max(second + 1), 0);
                    self.seen.fires[second] += 1;
                    self.seen.held_back.clear();
                }
                order.order_id
            }
            Body::Detail(Detail::Decision(decision)) => {
                *self.seen.held_back.entry(decision.gate.word()).or_default() += 1;
                return;
            }
            Body::Detail(Detail::Alert(alert)) => {
                self.seen.alerts.push(alert.kind);
                return;
            }
            Body::Input(input) => match &input.event {
                OwnedEvent::Order(event) => event.order_id,
                OwnedEvent::Channel(update) => {
                    self.seen.states.push((update.stream.0, update.state));
                    return;
                }
                OwnedEvent::Session(update) => {
                    self.seen.sessions.push((update.stream.0, update.state));
                    return;
                }
                _ => return,
            },
            _ => return,
        };
        if let Some(order) = desk.orders().get(id) {
            let known = Known { state: order.state, filled_lots: order.filled_lots };
            self.orders.insert(id.0, known);
        }
    }

    fn look(&mut self, sight: &Sight<'_, '_>) -> ControlFlow<()> {
        self.elapsed = sight.elapsed;
        for order in sight.desk.orders().rows() {
            if let Some(known) = self.orders.get_mut(&order.id.0) {
                *known = Known { state: order.state, filled_lots: order.filled_lots };
            }
        }
        assert!(sight.difference.is_none(), "{:?}", sight.difference);
        let rows = sight.desk.instruments().iter();
        self.seen.lots = rows.map(|row| row.exposure.position_lots).collect();
        if self.began.is_none() {
            // However slow the machine is: something has to be there to be broken.
            let is_late = sight.elapsed > PATIENCE;
            let is_enough = self.seen.fires.iter().sum::<u32>() >= ORDERS_BEFORE;
            self.began = (is_enough || is_late).then_some(sight.elapsed);
            self.stepped = Instant::now();
        }
        let since_step = self.stepped.elapsed();
        if self.held.is_some() {
            self.check(sight.desk);
        } else if self.script.front().is_some_and(|(pause, _)| *pause <= since_step) {
            let (_, step) = self.script.pop_front().expect("it is there");
            step(self.floor, sight);
            self.stepped = Instant::now();
        } else if Instant::now() >= self.next_hold && self.floor.held.is_empty() && !sight.is_last {
            self.held = Some((Instant::now(), self.floor.hold()));
        }
        let is_over =
            self.script.is_empty() && self.stepped.elapsed() >= self.rest && self.held.is_none();
        if self.wrong.is_some() || is_over {
            self.floor.held.clear();
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

/// The venues, and a place where one run after the other leaves its record.
pub struct Market {
    config: Configuration,
    pub floor: Floor,
    record: PathBuf,
    orders: BTreeMap<u64, Known>,
    _scratch: Scratch,
}

impl Market {
    fn open(name: &str, seed: u64) -> Self {
        let scratch = Scratch::new(name);
        let [record, store] = ["record", "store"].map(|name| scratch.path(name));
        let config = config::load(Path::new("config/demo.toml"));
        let mut config = patient(config.unwrap_or_else(|bad| panic!("{}", bad.render(false))));
        let floor = Floor::open(&mut config, seed, &store);
        Self { config, floor, record, orders: BTreeMap::new(), _scratch: scratch }
    }

    /// Requests to the domestic counter go to another address of this host, at the same port.
    pub fn reroute(&mut self, to: Ipv4Addr) -> SocketAddrV4 {
        for gateway in &mut self.config.gateways {
            if let Some(Endpoint::Pair { requests, .. }) = &mut gateway.endpoint {
                let before = *requests;
                *requests = SocketAddrV4::new(to, before.port());
                return before;
            }
        }
        panic!("the demonstration has a counter")
    }

    /// Trades while `script` happens and for `rest_ms` after it, and checks everything that is to
    /// be true at any time. Goes on from the run before, if there was one.
    pub fn run(&mut self, rest_ms: u64, script: Vec<(Duration, Step)>) -> Seen {
        let Self { config, floor, record, orders, .. } = self;
        let clock = EngineClock::start();
        let recording = Recording::open(record, config, moment(&clock)).expect("it is ours");
        let carried = recording.left.and_then(|left| {
            carry::read(record, &left, config).unwrap_or_else(|error| panic!("{error}"))
        });
        let secret = |row| simulated::secret(config, row);
        let earlier = carried.as_ref().map(|_| record.as_path());
        let opened = opening::open(config, &clock, secret, earlier, PATIENCE);
        let opened = opened.unwrap_or_else(|error| panic!("{error}"));
        let is_pause = floor.is_pause.clone();
        let counters = Counters::new(config);
        let sessions = Sessions {
            weeks: Weeks::by_hand(&is_pause),
            ..opening::sessions(config, &clock, &secret, record, &counters.gateway_ports)
        };
        let plan = Plan {
            config,
            clock: &clock,
            recording,
            ports: opened.ports,
            starts: opened.starts,
            carried: carried.map_or_else(carry::nothing, |carry| carry.controls),
            is_pinned: false,
            counters,
            kernel: Vec::new(),
            interfaces: None,
            sessions: Some(sessions),
            witnessing: None,
            control: None,
            alerting: None,
            capital: None,
            resync: None,
        };
        let is_unscripted = script.is_empty();
        let mut onlooker = Onlooker {
            config,
            floor,
            script: script.into(),
            stepped: Instant::now(),
            began: is_unscripted.then_some(Duration::ZERO),
            rest: Duration::from_millis(rest_ms),
            held: None,
            next_hold: Instant::now() + BETWEEN_HOLDS,
            wrong: None,
            orders: std::mem::take(orders),
            elapsed: Duration::ZERO,
            seen: Seen::default(),
        };
        let ended = live::run(plan, &mut onlooker).unwrap_or_else(|error| panic!("{error}"));
        let Onlooker { wrong, seen, script, orders: known, .. } = onlooker;
        *orders = known;
        floor.frozen.clear();
        assert_eq!(wrong, None, "a wrong book is believed");
        assert!(script.is_empty(), "{} steps were not taken", script.len());
        let seen = accounted(orders, &floor.filled(), seen);
        recorded(record, &ended);
        left(record, config, orders, floor);
        println!("{seen:?}");
        seen
    }

    /// Net lots by the venues' names of instruments, as both ledgers say: those that are traded.
    pub fn booked(&self) -> Vec<i64> {
        let booked = self.floor.booked();
        let rows = self.config.instruments.iter();
        rows.map(|row| booked.get(&row.symbol).copied().unwrap_or(0)).collect()
    }
}

/// Trades once. See `Market::run`.
pub fn traded(name: &str, seed: u64, rest_ms: u64, script: Vec<(Duration, Step)>) -> Seen {
    in_market(name, seed, move |market| market.run(rest_ms, script))
}

/// Opens a market and does something in it.
pub fn in_market<T: Send + 'static>(
    name: &str,
    seed: u64,
    act: impl FnOnce(&mut Market) -> T + Send + 'static,
) -> T {
    let mut market = Market::open(name, seed);
    // Unoptimised, the engine needs more of a stack than a test has.
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
    let ended = thread.spawn(move || act(&mut market)).expect("the system gives a thread").join();
    ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Every fill is of an order that was recorded, and every order's fate is known, or known not to
/// be.
fn accounted(orders: &BTreeMap<u64, Known>, filled: &BTreeMap<u64, u32>, seen: Seen) -> Seen {
    for (id, lots) in filled {
        assert!(orders.contains_key(id), "{lots} lots of order {id}, which nobody has recorded");
    }
    let mut unknown = 0;
    for (id, known) in orders {
        let booked = filled.get(id).copied().unwrap_or(0);
        if known.state == OrderState::Done {
            assert_eq!(known.filled_lots, booked, "order {id} is over");
        } else {
            unknown += 1;
            assert!(known.filled_lots <= booked, "order {id}: {known:?}, booked {booked}");
        }
    }
    let filled_lots = filled.values().map(|lots| u64::from(*lots)).sum();
    Seen { unknown, orders: orders.len(), filled_lots, ..seen }
}

/// The next run would be told of the very orders of which nobody can tell, and what the venues have
/// booked beyond what it would hold is within the lots of these.
fn left(directory: &Path, config: &Configuration, orders: &BTreeMap<u64, Known>, floor: &Floor) {
    let recording = Recording::open(directory, config, moment(&EngineClock::start()));
    let left = recording.expect("it is ours").left.expect("there was a run");
    let carry = carry::read(directory, &left, config).unwrap_or_else(|error| panic!("{error}"));
    let carry = carry.expect("it had begun");
    let unknown: BTreeSet<_> = carry.unknown_orders.iter().map(|id| id.0).collect();
    let open = orders.iter().filter(|(_, known)| known.state != OrderState::Done);
    assert_eq!(unknown, open.map(|(id, _)| *id).collect(), "orders of which nobody can tell");
    let booked = floor.booked();
    for (row, instrument) in config.instruments.iter().enumerate() {
        let held = carry.positions.iter().find(|(held, _)| *held == row);
        let held = held.map_or(0, |(_, lots)| *lots);
        let missing = booked.get(&instrument.symbol).copied().unwrap_or(0) - held;
        let [mut buy, mut sell] = [0; 2];
        for told in &carry.controls {
            match told {
                Control::Carried(Carried::Unknown(lots)) if lots.instrument.0 as usize == row => {
                    buy += i64::from(lots.buy_lots);
                    sell += i64::from(lots.sell_lots);
                }
                Control::Carried(Carried::Order(order)) if order.instrument.0 as usize == row => {
                    let lots = if order.side == Buy { &mut buy } else { &mut sell };
                    *lots += i64::from(order.qty_lots - order.filled_lots);
                }
                _ => {}
            }
        }
        assert!((-sell..=buy).contains(&missing), "{}: {missing} lots", instrument.symbol);
    }
}

/// The record is whole, replays equal, and no hot core has allocated.
fn recorded(directory: &Path, ended: &Ended) {
    assert!(ended.difference.is_none(), "{:?}", ended.difference);
    let report = audit::verify(directory).expect("it can be read");
    assert_eq!(report.finding, None);
    let segments = Segments::since(directory, ended.first_segment).expect("it is there");
    let replayed = replay::verify(segments.payloads(), &[]).expect("it is whole");
    assert_eq!((replayed.difference, replayed.unwritten), (None, 0));
}

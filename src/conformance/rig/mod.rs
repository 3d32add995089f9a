//! The engine's own order session at a gateway: the stage that owns the connection, the thread that
//! logs it on again, and an order store that is compared with the venue's ledger.
//!
//! Nothing here is a second client: logons are `engine::logon`'s, lost sessions are seen to by
//! `engine::sessions`, and the stage is the one that `engine::wire` makes. The rig stands where the
//! desk would: it sends commands and takes the news.

mod orders;

use super::book::Book;
use super::case::{Failure, Outcome, must};
use super::ground::{Ground, Place, Venue};
use super::tape::{Tape, Taped};
use crate::clock::EngineClock;
use crate::config::{Configuration, Endpoint, Gateway, GatewayProtocol, decimal::show_e9};
use crate::engine::gateway::{self, AnyGateway, Door, Ends, GatewayStart, SessionCounters};
use crate::engine::logon::{self, LogonError};
use crate::engine::memory::DeskSize;
use crate::engine::sessions::{
    Attempt, Entered, Pace, Published, SessionBook, SessionFigures, Sessions, Weeks,
};
use crate::engine::sockets::{self, GatewayPort};
use crate::secret::Secret;
use crate::venue::cme::ilink3::parties::PartyDetails;
use crate::venue::cme::ilink3::resume::{self, Known};
use crate::venue::cme::simulated::{GatewayCounters, shell as cme};
use crate::venue::cme::simulated::{OrderFault, OrderFaults, OrderRules, OrderTrouble, Spot};
use crate::venue::shell::VenueClock;
use crate::venue::shfe::simulated::shell as shfe;
use rtrb::RingBuffer;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use xmc_hotpath::counter::{Counter, NoRecorder};
use xmc_hotpath::gateway as stage;
use xmc_hotpath::message::{
    DeskId, DeskIdentity, GatewayIndex, GatewayNews, OrderCommand, OrderId, SessionState, SiteId,
};
use xmc_hotpath::ring::{Receiver, Sender, ends};
use xmc_hotpath::stage::{Stage, Work};
use xmc_hotpath::time::Clock;

/// How long an answer may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// What has not come so long after the end of a session that nobody follows up does not come.
const OVER: Duration = Duration::from_secs(2);
/// How long a gateway that is logged on to again may take for each answer.
const AGAIN: Duration = Duration::from_secs(2);

type Port = Taped<GatewayPort>;
type Hot<'s> = AnyGateway<'s, Port, EngineClock, NoRecorder>;

/// How a session is made.
#[derive(Clone, Debug)]
pub struct Options {
    /// The longest silence of either side, if it is not the configuration's.
    pub keep_alive_ms: Option<u16>,
    /// What is registered at each new session, and its id.
    pub parties: Option<(u64, PartyDetails)>,
    /// What is known of the sessions before, the newest last.
    pub known: Vec<Known>,
    /// Replies about orders that sessions before have read: a counter repeats the others.
    pub replies_seen: u32,
    /// Orders are numbered after this.
    pub numbers_after: u64,
    /// How fast lost sessions are tried for again.
    pub pace: Pace,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            keep_alive_ms: Some(5_000),
            parties: None,
            known: Vec::new(),
            replies_seen: 0,
            numbers_after: 0,
            pace: Pace::ENGINE,
        }
    }
}

/// A session that stands, with everything around it.
pub struct Rig<'s> {
    place: &'s Place<'s>,
    /// The engine.
    pub config: &'s Configuration,
    /// The stage.
    pub stage: Hot<'s>,
    commands: Sender<OrderCommand>,
    news: Receiver<GatewayNews>,
    /// The order store.
    pub book: Book,
    figures: &'s Published,
    sessions: SessionBook,
    /// The secret that the next logon reads.
    pub key: &'s Mutex<Secret>,
    /// The primary address leads nowhere.
    pub is_primary_dead: &'s AtomicBool,
    /// It is between two weeks.
    pub is_pause: &'s AtomicBool,
}

/// Ends the threads of a rig, also when a scenario fails.
struct EndOnDrop<'s>(&'s AtomicBool);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// A folder that is gone when this is.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> std::io::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("xmc-conformance-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left in the system's folder for such things is the system's.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// An address of this host at which nobody listens.
fn nowhere() -> std::io::Result<SocketAddrV4> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(SocketAddrV4::new(Ipv4Addr::LOCALHOST, listener.local_addr()?.port()))
}

/// How a gateway's logons are made for a scenario: as the product makes them, over a taped port.
struct LogOns<'a> {
    clock: &'a EngineClock,
    tape: &'a Tape,
    alive: &'a Gateway,
    /// The same with a primary address at which nobody listens.
    dead: &'a Gateway,
    is_primary_dead: &'a AtomicBool,
    key: &'a Mutex<Secret>,
}

impl LogOns<'_> {
    fn secret(&self) -> Secret {
        Secret::new(self.key.lock().expect("nobody panics with it").reveal())
    }

    fn ilink3(
        &self,
        attempt: &Attempt<'_>,
        patience: Duration,
    ) -> Result<Entered<Port>, LogonError> {
        let is_dead = self.is_primary_dead.load(Ordering::Relaxed);
        let gateway = if is_dead { self.dead } else { self.alive };
        let port = match attempt.is_backup {
            true => sockets::backup_port(gateway, patience)?,
            false => sockets::gateway_port(gateway, patience)?,
        };
        let port = self.tape.port(port, false);
        let utc = || self.clock.utc().utc;
        logon::log_on_over(port, gateway, &self.secret(), attempt, utc, patience)
    }
}

/// Makes a session at `place` and hands it to `body`.
pub(super) fn session<T>(
    place: &Place<'_>,
    ground: &Ground<'_>,
    options: &Options,
    body: impl FnOnce(&mut Rig<'_>) -> Outcome<T>,
) -> Outcome<T> {
    let scratch = Scratch::new().map_err(Failure::not_provoked)?;
    let mut config = place.config.clone();
    let row = place.row;
    let gateway = &mut config.gateways[row];
    if let (Some(session), Some(ms)) = (&mut gateway.session, options.keep_alive_ms) {
        session.keep_alive_ms = ms;
    }
    if let (Some(session), Some((id, details))) = (&mut gateway.session, &options.parties) {
        (session.party_details_id, session.parties) = (*id, Some(details.clone()));
    }
    let mut dead = gateway.clone();
    if let (Some(Endpoint::Stream(address)), Some(_)) = (gateway.endpoint, &place.venue) {
        gateway.backup = Some(address);
        dead.backup = Some(address);
        dead.endpoint = Some(Endpoint::Stream(nowhere().map_err(Failure::not_provoked)?));
    }
    let config = config;
    let clock = EngineClock::start();
    let secret = place.secret().map_err(Failure::not_provoked)?;
    let (key, is_primary_dead) = (Mutex::new(secret), AtomicBool::new(false));
    let is_pause = AtomicBool::new(false);
    let alive = &config.gateways[row];
    let log_ons = LogOns {
        clock: &clock,
        tape: place.tape,
        alive,
        dead: &dead,
        is_primary_dead: &is_primary_dead,
        key: &key,
    };
    let directory = scratch.0.clone();
    let sessions = Sessions {
        log_on: Box::new(|_, attempt| {
            let entered = log_ons.ilink3(attempt, AGAIN);
            if let Err(error) = &entered {
                place.tape.engine(format!("no session: {error}"));
            }
            entered
        }),
        log_on_counter: Box::new(|row, again| {
            let port = log_ons.tape.port(sockets::gateway_port(alive, AGAIN)?, true);
            let secret = log_ons.secret();
            logon::log_on_counter_over(port, &config, row, &secret, again, AGAIN)
        }),
        directory: directory.clone(),
        pace: options.pace,
        weeks: Weeks::by_hand(&is_pause),
    };
    let (published, is_over) = (Published::default(), AtomicBool::new(false));
    let mut memory =
        gateway::Memory::new(alive, DeskSize::new(config.instruments.len(), config.spreads.len()));
    let counters = SessionCounters::new(alive);
    let (counted, utc_origin) = (stage::GatewayCounters::default(), Counter::default());
    let book = SessionBook::new(&directory, &alive.name.value);
    let (port, start) = log_on(&config, row, &log_ons, &book, options)?;
    std::thread::scope(|scope| {
        let _end = EndOnDrop(&is_over);
        let (commands, commands_out) = ends(RingBuffer::new(1 << 10));
        let (news_in, news) = ends(RingBuffer::new(1 << 14));
        utc_origin.set(VenueClock::wall().0.wrapping_sub(clock.now().0));
        let index = GatewayIndex(u8::try_from(row).map_err(Failure::not_provoked)?);
        let desk = DeskIdentity {
            site: SiteId(config.engine.site_id),
            desk: DeskId(config.engine.desk_id),
            run: 1,
        };
        // A counter's session finds an order by the slot that its number names.
        let first = match alive.protocol {
            GatewayProtocol::EsunnyDstar => OrderId::new(desk, 0, 0).0 + options.numbers_after,
            GatewayProtocol::CmeIlink3 | GatewayProtocol::Paper => options.numbers_after,
        };
        let ends = Ends {
            port,
            clock: clock.clone(),
            latency: NoRecorder,
            commands: commands_out,
            news: news_in,
            utc_origin: &utc_origin,
            counters: &counted,
        };
        let staged = gateway::stage(&config, (index, desk), &mut memory, &counters, &start, ends);
        let (stage, door) = staged.map_err(Failure::not_provoked)?;
        let mut doors: Vec<Option<Door<Port>>> = Vec::new();
        doors.resize_with(row, || None);
        doors.push(door);
        let served = sessions.serve(scope, &config, doors, &published, &is_over);
        served.map_err(Failure::not_provoked)?;
        let mut rig = Rig {
            place,
            config: &config,
            stage,
            commands,
            news,
            book: Book::after(first),
            figures: &published,
            sessions: book,
            key: &key,
            is_primary_dead: &is_primary_dead,
            is_pause: &is_pause,
        };
        let ended = body(&mut rig);
        rig.part();
        ground.keep(rig.book.compared(place.ledger()));
        ended
    })
}

/// The first logon, and the note of it.
fn log_on(
    config: &Configuration,
    row: usize,
    log_ons: &LogOns<'_>,
    book: &SessionBook,
    options: &Options,
) -> Outcome<(Port, GatewayStart)> {
    let gateway = &config.gateways[row];
    if gateway.protocol == GatewayProtocol::EsunnyDstar {
        let port = sockets::gateway_port(gateway, PATIENCE).map_err(Failure::not_provoked)?;
        let mut port = log_ons.tape.port(port, true);
        let (secret, seen) = (log_ons.secret(), options.replies_seen);
        let granted = logon::grant(config, row, &secret, seen, &mut port, PATIENCE);
        let granted = granted.map_err(|error| Failure::Wrong(error.to_string()))?;
        return Ok((port, GatewayStart::Dstar(granted)));
    }
    let attempt = Attempt { known: &options.known, ..Attempt::FIRST };
    let entered = log_ons.ilink3(&attempt, PATIENCE);
    let Entered { entry, .. } = entered.map_err(|error| match error {
        LogonError::Socket(_) | LogonError::Secret { .. } => Failure::not_provoked(error),
        error => Failure::Wrong(format!("no session: {error}")),
    })?;
    book.write(&resume::begun(&entry.handover)).map_err(Failure::not_provoked)?;
    Ok((entry.port, GatewayStart::Ilink3(entry.handover)))
}

impl Rig<'_> {
    /// What has become of the sessions.
    #[must_use]
    pub fn figures(&self) -> SessionFigures {
        self.figures.figures().first().cloned().unwrap_or_default()
    }

    /// What the desk was told last.
    #[must_use]
    pub fn state(&self) -> Option<SessionState> {
        self.book.states.last().copied()
    }

    /// Whether orders can be sent.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.state() == Some(SessionState::Up)
    }

    /// The simulated venue.
    ///
    /// # Errors
    /// `NotProvoked`: it is somebody else's, or another one.
    pub fn cme(&self) -> Outcome<&cme::Running> {
        match &self.place.venue {
            Some(Venue::Cme(running)) => Ok(running),
            _ => Err(Failure::not_provoked("it takes the simulated iLink 3 gateway")),
        }
    }

    /// The simulated venue before which the counter stands.
    ///
    /// # Errors
    /// `NotProvoked`: it is somebody else's, or another one.
    pub fn shfe(&self) -> Outcome<&shfe::Running> {
        match &self.place.venue {
            Some(Venue::Shfe(running)) => Ok(running),
            _ => Err(Failure::not_provoked("it takes the simulated counter")),
        }
    }

    /// What the simulated gateway has counted.
    ///
    /// # Errors
    /// `NotProvoked`: there is none any more.
    pub fn counted(&self) -> Outcome<GatewayCounters> {
        let counts = self.cme()?.counts();
        counts.map(|counts| counts.gateway).ok_or_else(gone)
    }

    /// What goes wrong from now on, each at the n-th message of its spot.
    ///
    /// # Errors
    /// As `cme`.
    pub fn fault(&self, faults: &[(Spot, u64, OrderTrouble)]) -> Outcome {
        for (spot, nth, what) in faults {
            self.place.tape.step(format!("gateway, at {spot:?} number {nth} from now: {what:?}"));
        }
        let once = faults.iter().map(|&(spot, nth, what)| OrderFault { spot, nth, what }).collect();
        self.cme()?.set_order_faults(OrderFaults { once, ..OrderFaults::default() });
        Ok(())
    }

    /// What the simulated gateway allows from now on.
    ///
    /// # Errors
    /// As `cme`.
    pub fn rules(&self, what: &str, rules: OrderRules) -> Outcome {
        self.place.tape.step(what);
        self.cme()?.set_order_rules(rules);
        Ok(())
    }

    /// The gateway's connections are lost, as when a line breaks.
    ///
    /// # Errors
    /// As `cme`.
    pub fn cut(&self) -> Outcome {
        self.place.tape.step("the gateway's lines break");
        self.cme()?.cut_orders();
        Ok(())
    }

    /// Something else that is done with the simulated gateway.
    ///
    /// # Errors
    /// As `cme`.
    pub fn script(&self, what: &str, act: impl FnOnce(&cme::Running)) -> Outcome {
        self.place.tape.step(what);
        act(self.cme()?);
        Ok(())
    }

    /// This side's line breaks.
    pub fn hang_up(&self) {
        self.place.tape.hang_up();
    }

    /// The next requests over UDP are lost on their way.
    pub fn lose(&self, requests: u32) {
        self.place.tape.lose(requests);
    }

    /// A remark in the evidence.
    pub fn step(&self, what: &str) {
        self.place.tape.step(what);
    }

    /// Does what is due.
    ///
    /// # Errors
    /// `Wrong`: news that contradicts what is known.
    pub fn poll(&mut self) -> Outcome {
        let work = self.stage.poll();
        self.stage.housekeeping();
        self.figures.settle(|_| !self.is_up() && self.book.is_settled());
        while let Some(news) = self.news.pop() {
            match news {
                GatewayNews::Session(update) => {
                    self.place.tape.engine(format!("the session is {}", update.state.word()));
                    self.book.states.push(update.state);
                }
                GatewayNews::Order(event) => {
                    let kind = event.kind.word().replace('_', " ");
                    let lots = match event.qty_lots {
                        0 => String::new(),
                        lots => format!(", {lots} at {}", show_e9(event.price_e9)),
                    };
                    self.place.tape.engine(format!("order {} {kind}{lots}", event.order_id.0));
                    self.book.take(&event)?;
                }
            }
        }
        if work == Work::Idle {
            // The venue has to run too, on whatever cores there are.
            std::thread::sleep(Duration::from_micros(50));
        }
        Ok(())
    }

    /// Waits until it is so.
    ///
    /// # Errors
    /// `Wrong`: it does not come.
    pub fn until(&mut self, what: &str, mut is_so: impl FnMut(&Self) -> bool) -> Outcome {
        let since = Instant::now();
        let mut over_since = None;
        while !is_so(self) {
            self.poll()?;
            let is_patient = since.elapsed() < 2 * PATIENCE && !self.is_over(&mut over_since);
            must(is_patient, format_args!("{what} did not come: {}", self.standing()))?;
        }
        Ok(())
    }

    /// Whether the session has been over for a while, and nobody will log on again.
    fn is_over(&self, since: &mut Option<Instant>) -> bool {
        let is_stopped = self.figures().is_stopped;
        *since = if is_stopped { since.or(Some(Instant::now())) } else { None };
        since.is_some_and(|since| since.elapsed() > OVER)
    }

    /// Where the session stands, for people.
    fn standing(&self) -> String {
        let states: Vec<_> = self.book.states.iter().map(|state| state.word()).collect();
        let SessionFigures { lost, last_lost, failed, last_error, resumed, .. } = self.figures();
        let mut said = format!(
            "states {}; {lost} sessions lost, {failed} logons failed, {resumed} sessions after \
             the first",
            states.join(", ")
        );
        for (what, why) in [("lost", last_lost.map(str::to_owned)), ("logon", last_error)] {
            if let Some(why) = why {
                said.push_str(&format!("; last {what}: {why}"));
            }
        }
        said
    }

    /// Until orders can be sent.
    ///
    /// # Errors
    /// As `until`.
    pub fn until_up(&mut self) -> Outcome {
        self.until("a session that is up", Self::is_up)
    }

    /// Until so many sessions have come after the first, and the last one is whole.
    ///
    /// # Errors
    /// As `until`.
    pub fn until_resumed(&mut self, count: u64) -> Outcome {
        self.until("another session", |rig| rig.figures().resumed >= count && rig.is_up())
    }

    /// Until nobody tries to log on any more.
    ///
    /// # Errors
    /// As `until`.
    pub fn until_stopped(&mut self) -> Outcome<SessionFigures> {
        self.until("the end of all attempts", |rig| rig.figures().is_stopped)?;
        self.until("word of it", |rig| rig.state() == Some(SessionState::Down))?;
        Ok(self.figures())
    }

    /// Lets so much time pass.
    ///
    /// # Errors
    /// As `poll`.
    pub fn follow(&mut self, ms: u64) -> Outcome {
        let since = Instant::now();
        while since.elapsed() < Duration::from_millis(ms) {
            self.poll()?;
        }
        Ok(())
    }

    /// Ends the session in order; what is known of it for the next one.
    ///
    /// # Errors
    /// `Wrong`: the end is not answered, or cannot be written down.
    pub fn leave(&mut self) -> Outcome<Vec<Known>> {
        self.stage.log_out();
        self.until("the end of the session", |rig| rig.figures().is_stopped)?;
        self.sessions.read().map_err(|error| Failure::Wrong(error.to_string()))
    }

    /// A gateway that somebody else runs is left in order, if the session still stands.
    fn part(&mut self) {
        if self.place.venue.is_some() || self.figures().is_stopped {
            return;
        }
        self.stage.log_out();
        let since = Instant::now();
        while !self.stage.is_over() && since.elapsed() < AGAIN && self.poll().is_ok() {}
    }
}

fn gone() -> Failure {
    Failure::not_provoked("the simulated venue has ended by itself")
}

/// Logs on at a gateway as the product does, once, and says what came of it.
///
/// # Errors
/// As `engine::logon`.
pub fn attempt(
    place: &Place<'_>,
    secret: &Secret,
    attempt: &Attempt<'_>,
) -> Result<Entered<Port>, LogonError> {
    let gateway = &place.config.gateways[place.row];
    let port = place.tape.port(sockets::gateway_port(gateway, PATIENCE)?, false);
    let clock = EngineClock::start();
    logon::log_on_over(port, gateway, secret, attempt, || clock.utc().utc, PATIENCE)
}

/// Logs on at a counter as the product does, once, and says what came of it.
///
/// # Errors
/// As `engine::logon`.
pub fn grant(place: &Place<'_>, secret: &Secret) -> Result<(), LogonError> {
    let gateway = &place.config.gateways[place.row];
    let mut port = place.tape.port(sockets::gateway_port(gateway, PATIENCE)?, true);
    logon::grant(&place.config, place.row, secret, 0, &mut port, PATIENCE).map(drop)
}

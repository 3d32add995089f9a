//! What the record says of fills, and of who else has a hand in which spreads.
//!
//! The record is read as it is written, and what was written since the book was made is read when
//! the engine starts: runs one by one, from the newest back to the one that the book is older than.

use crate::config::{Configuration, HedgeFlag};
use crate::engine::recording::{LeftRun, Segments};
use crate::monitor::tally::Orders;
use std::io;
use std::path::Path;
use std::time::SystemTime;
use xmc_hotpath::message::{
    AlertKind, Carried, ClockScale, Command, CommandKind, DeskId, DeskIdentity, Detail,
    OrderAction, OrderEvent, OrderEventKind, PositionEffect, RuleAction, Scope, Side, SiteId,
    SpreadIndex,
};
use xmc_hotpath::record::codec::{Decoder, Field};
use xmc_hotpath::record::frame::{self, Body, FrameError, Header, Images, Kind, OwnedEvent};
use xmc_hotpath::time::MonoNs;

/// Breakers, which close pairs or halt them.
const BREAKERS: [AlertKind; 4] = [
    AlertKind::SlippageBreaker,
    AlertKind::LatencyBreaker,
    AlertKind::RejectBreaker,
    AlertKind::FillBreaker,
];
/// Commands of the engine for the sake of capital have numbers from here on.
pub(super) const FIRST_COMMAND: u64 = 1 << 48;

/// Lots that were traded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade {
    /// When the desk heard of it, UTC in nanoseconds since 1970.
    pub at_ns: u64,
    /// Row of the instrument table.
    pub instrument: usize,
    /// Bought, or sold.
    pub buys: bool,
    /// What it does to the position.
    pub effect: PositionEffect,
    /// How many.
    pub lots: u32,
    /// At which price, in 1e-9.
    pub price_e9: i64,
    /// The order was a hedge.
    pub is_hedge: bool,
    /// It was not taken back: it pays fees.
    pub pays: bool,
}

/// Reads a record for trades.
#[derive(Debug)]
pub struct Trades {
    orders: Orders,
    /// By spread: whether its orders are hedges.
    hedges: Vec<bool>,
    /// UTC beside the engine's clock, nanoseconds.
    utc_offset_ns: u64,
    now: MonoNs,
    identity: DeskIdentity,
    /// Of the configuration that the run was begun with, if its first record was read.
    config_digest: [u8; 32],
    /// The last run of which every fill was read before; 0: nothing was carried, `None`: of some
    /// lots nobody can tell.
    knows_all_before: Option<u16>,
    /// What was traded and not taken away yet.
    traded: Vec<Trade>,
    /// When a fill was told of which nobody knows what it did, UTC in nanoseconds.
    pub(super) unexplained_ns: Option<u64>,
    /// What others than this have done about spreads.
    pub(super) touched: Vec<Scope>,
    /// Commands of ours that the desk has taken, and when.
    pub(super) done: Vec<(u64, MonoNs)>,
}

impl Trades {
    /// Nothing was read.
    #[must_use]
    pub fn new(config: &Configuration) -> Self {
        let hedges = config.spreads.iter();
        Self {
            orders: Orders::default(),
            hedges: hedges.map(|row| row.hedge_flag == HedgeFlag::Hedge).collect(),
            utc_offset_ns: 0,
            now: MonoNs(0),
            identity: DeskIdentity { site: SiteId(0), desk: DeskId(0), run: 0 },
            config_digest: [0; 32],
            knows_all_before: Some(0),
            traded: Vec::new(),
            unexplained_ns: None,
            touched: Vec::new(),
            done: Vec::new(),
        }
    }

    /// The same, of a run of which the first record is not read: whose it is, and how its clock
    /// stands to UTC.
    #[must_use]
    pub fn of_run(self, identity: DeskIdentity, scale: &ClockScale) -> Self {
        Self { identity, utc_offset_ns: scale.utc.0.wrapping_sub(scale.at.0), ..self }
    }

    /// What was traded since the last call.
    pub fn take_traded(&mut self) -> Vec<Trade> {
        std::mem::take(&mut self.traded)
    }

    /// UTC at a moment of the run that is read.
    fn utc_ns(&self) -> u64 {
        self.now.0.wrapping_add(self.utc_offset_ns)
    }

    /// Reads one record.
    pub fn take(&mut self, body: &Body) {
        match body {
            Body::Start(start) => {
                self.utc_offset_ns = start.utc.0.wrapping_sub(start.now.0);
                (self.now, self.identity) = (start.now, start.identity);
                self.config_digest = start.config_digest;
            }
            Body::Order(order) if order.action == OrderAction::New => self.orders.sent(order),
            Body::Order(_) => {}
            Body::Input(input) => {
                self.now = self.now.max(input.now);
                match &input.event {
                    OwnedEvent::Order(event) => self.news(event),
                    OwnedEvent::Carried(Carried::Order(order)) => self.orders.carried(order),
                    OwnedEvent::Carried(Carried::Unknown(_)) => self.knows_all_before = None,
                    OwnedEvent::Carried(Carried::Run(run)) if run.is_whole => {
                        self.knows_all_before = self.knows_all_before.map(|_| run.run);
                    }
                    OwnedEvent::Clock(scale) => {
                        self.utc_offset_ns = scale.utc.0.wrapping_sub(scale.at.0);
                    }
                    OwnedEvent::Command(command) => {
                        let is_ours = command.operator == 0 && command.command_id >= FIRST_COMMAND;
                        if is_ours {
                            self.done.push((command.command_id, input.now));
                        } else if is_about_spreads(command) {
                            self.touched.push(command.scope);
                        }
                    }
                    _ => {}
                }
            }
            // A breaker, or whatever halts.
            Body::Detail(Detail::Alert(alert)) if BREAKERS.contains(&alert.kind) => {
                self.touched.push(Scope::Spread(alert.spread));
            }
            // So does a rule of the user, also where the pair closes only as it is.
            Body::Detail(Detail::Ruling(ruling)) if ruling.action == RuleAction::CloseOnly => {
                self.touched.push(Scope::Spread(ruling.spread));
            }
            Body::Detail(Detail::State(change))
                if change.by_alert && change.spread != SpreadIndex::ALL =>
            {
                self.touched.push(Scope::Spread(change.spread));
            }
            Body::Detail(_) => {}
        }
    }

    fn news(&mut self, event: &OrderEvent) {
        let utc_ns = self.utc_ns();
        let is_trade = matches!(
            event.kind,
            OrderEventKind::Filled | OrderEventKind::Busted | OrderEventKind::Corrected
        );
        // A counter tells its whole day again: what it says of orders that were over before is in
        // what was read of those runs.
        let is_known = event.kind == OrderEventKind::Filled
            && self.knows_all_before.is_some_and(|run| {
                event.order_id.is_before(self.identity) && event.order_id.run() <= run
            });
        let Some(order) = self.orders.get_mut(event.order_id) else {
            if is_trade && !is_known {
                self.unexplained_ns = Some(utc_ns);
            }
            return;
        };
        let is_hedge = self.hedges.get(order.spread.0 as usize).copied().unwrap_or_default();
        let trade = Trade {
            at_ns: utc_ns,
            instrument: order.instrument.0 as usize,
            buys: event.side == Side::Buy,
            effect: order.effect,
            lots: event.qty_lots,
            price_e9: event.price_e9,
            is_hedge,
            pays: true,
        };
        match event.kind {
            OrderEventKind::Filled if order.is_new_fill(event) => {
                let is_over = order.filled_lots >= order.qty_lots;
                self.traded.push(trade);
                if is_over {
                    self.orders.end(event.order_id);
                }
            }
            OrderEventKind::Busted => {
                if let Some(price_e9) = order.bust_price_e9(event) {
                    if price_e9 == 0 && event.price_e9 == 0 {
                        // Of a run before, whose price is not known here.
                        self.unexplained_ns = Some(utc_ns);
                        return;
                    }
                    let (buys, effect) = (!trade.buys, undone(trade.effect));
                    self.traded.push(Trade { buys, effect, price_e9, pays: false, ..trade });
                }
            }
            OrderEventKind::Corrected => self.unexplained_ns = Some(utc_ns),
            OrderEventKind::Cancelled | OrderEventKind::Rejected | OrderEventKind::NotSent => {
                self.orders.end(event.order_id);
            }
            _ => {}
        }
    }
}

/// Whether a command says of spreads whether they fire: what is about the desk as a whole does not.
fn is_about_spreads(command: &Command) -> bool {
    match command.kind {
        CommandKind::NoNew => command.scope != Scope::All,
        CommandKind::Arm | CommandKind::ClearDoubt => false,
        CommandKind::Enable
        | CommandKind::Disable
        | CommandKind::ClearHalt
        | CommandKind::Kill
        | CommandKind::Remove => true,
    }
}

/// What gives back what an effect has done.
const fn undone(effect: PositionEffect) -> PositionEffect {
    match effect {
        PositionEffect::Net => PositionEffect::Net,
        PositionEffect::Open => PositionEffect::CloseToday,
        PositionEffect::Close | PositionEffect::CloseToday | PositionEffect::CloseYesterday => {
            PositionEffect::Open
        }
    }
}

/// What was traded after `from_ns` by the runs up to the `last`, and when something was told
/// last that nobody can explain.
///
/// # Errors
/// The journal cannot be read, or holds what is no record.
pub fn since(
    config: &Configuration,
    directory: &Path,
    last: LeftRun,
    (from_ns, now_ns): (u64, u64),
) -> io::Result<(Vec<Trade>, Option<u64>)> {
    let (mut all, mut unexplained_ns) = (Vec::new(), None);
    let digest = config.sources.digest();
    for run in (1..=last.identity.run).rev() {
        let segments = match Segments::of_run(directory, run, 0) {
            Ok(segments) => segments,
            // One that has died before it wrote.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        if segments.iter().all(|(path, _)| was_written_before(path, from_ns)) {
            break;
        }
        let (mut trades, began_ns) = read_run(config, &segments).map_err(|fault| {
            let directory = directory.display();
            io::Error::other(format!(
                "the record of run {run} in {directory} is damaged ({fault:?}): run `xmc audit \
                 verify`, and begin with a book that is newer than that run"
            ))
        })?;
        unexplained_ns = unexplained_ns.max(trades.unexplained_ns);
        if run == last.identity.run && !last.is_whole {
            // More may have happened than was recorded.
            unexplained_ns = Some(now_ns);
        }
        let is_after = |trade: &Trade| trade.at_ns > from_ns;
        if trades.config_digest != digest && trades.traded.iter().any(is_after) {
            return Err(io::Error::other(format!(
                "run {run} traded after the book was made, with another configuration: begin with \
                 a book that is newer than that run"
            )));
        }
        let mut traded = trades.take_traded();
        traded.append(&mut all);
        all = traded;
        if began_ns <= from_ns {
            break;
        }
    }
    all.retain(|trade| trade.at_ns > from_ns);
    Ok((all, unexplained_ns.filter(|at_ns| *at_ns > from_ns)))
}

/// Whether nothing of a file can be newer than `from_ns`.
fn was_written_before(path: &Path, from_ns: u64) -> bool {
    let written = path.metadata().and_then(|about| about.modified()).ok();
    let since = written.and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
    since.is_some_and(|since| since.as_nanos() < u128::from(from_ns))
}

/// All trades of a run, and when it began, UTC in nanoseconds.
fn read_run(config: &Configuration, segments: &Segments) -> Result<(Trades, u64), FrameError> {
    let mut trades = Trades::new(config);
    let mut began_ns = u64::MAX;
    for block in segments.payloads() {
        let mut rest = block;
        while !rest.is_empty() {
            let (header, body, after) = frame::split(rest)?;
            rest = after;
            read(&mut trades, header, body)?;
            if header.kind == Kind::Start {
                began_ns = trades.utc_ns();
            }
        }
    }
    Ok((trades, began_ns))
}

/// Reads one record as it lies in the journal; of a quote its moment alone.
fn read(trades: &mut Trades, header: Header, body: &[u8]) -> Result<(), FrameError> {
    if header.kind == Kind::Quote {
        let at = MonoNs::take(&mut Decoder::new(body)).ok_or(FrameError::BadBody)?;
        trades.now = trades.now.max(at);
        return Ok(());
    }
    trades.take(&frame::decode(header, body, &mut Images::new(&mut []))?);
    Ok(())
}

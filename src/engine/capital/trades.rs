//! What the record says of fills, and of who else has a hand in which spreads.
//!
//! The record is read as it is written, and what was written since the book was made is read when
//! the engine starts: runs one by one, from the newest back to the one that the book is older than.

use crate::config::{Configuration, HedgeFlag};
use crate::engine::recording::Segments;
use crate::monitor::tally::Orders;
use std::io;
use std::path::Path;
use std::time::SystemTime;
use xmc_hotpath::message::{
    Carried, ClockScale, CommandKind, Detail, OrderAction, OrderEvent, OrderEventKind,
    PositionEffect, Scope, Side, SpreadIndex,
};
use xmc_hotpath::record::codec::{Decoder, Field};
use xmc_hotpath::record::frame::{self, Body, FrameError, Header, Images, Kind, OwnedEvent};
use xmc_hotpath::time::MonoNs;

/// Commands of the engine for the sake of capital have numbers from here on.
pub(super) const FIRST_COMMAND: u64 = 1 << 32;

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
            traded: Vec::new(),
            unexplained_ns: None,
            touched: Vec::new(),
            done: Vec::new(),
        }
    }

    /// The same, of a run whose clock stands to UTC as this says: its first record is not read.
    #[must_use]
    pub fn dated(self, scale: &ClockScale) -> Self {
        Self { utc_offset_ns: scale.utc.0.wrapping_sub(scale.at.0), ..self }
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
                self.now = start.now;
            }
            Body::Order(order) if order.action == OrderAction::New => self.orders.sent(order),
            Body::Order(_) => {}
            Body::Input(input) => {
                self.now = self.now.max(input.now);
                match &input.event {
                    OwnedEvent::Order(event) => self.news(event),
                    OwnedEvent::Carried(Carried::Order(order)) => self.orders.carried(order),
                    OwnedEvent::Clock(scale) => {
                        self.utc_offset_ns = scale.utc.0.wrapping_sub(scale.at.0);
                    }
                    OwnedEvent::Command(command) => {
                        let is_ours = command.operator == 0 && command.command_id >= FIRST_COMMAND;
                        match is_ours {
                            true => self.done.push((command.command_id, input.now)),
                            // What arms the desk says nothing of a spread.
                            false if command.kind == CommandKind::Arm => {}
                            false => self.touched.push(command.scope),
                        }
                    }
                    _ => {}
                }
            }
            // A breaker, or whatever halts.
            Body::Detail(Detail::Alert(alert)) if alert.spread != SpreadIndex::ALL => {
                self.touched.push(Scope::Spread(alert.spread));
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
        let Some(order) = self.orders.get_mut(event.order_id) else {
            if is_trade {
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

/// What was traded after `from_ns` by the runs up to number `last`, and when something was told
/// last that nobody can explain.
///
/// # Errors
/// The journal cannot be read, or holds what is no record.
pub fn since(
    config: &Configuration,
    directory: &Path,
    last: u16,
    from_ns: u64,
) -> io::Result<(Vec<Trade>, Option<u64>)> {
    let (mut all, mut unexplained_ns) = (Vec::new(), None);
    for run in (1..=last).rev() {
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

//! Reads a record for its meters, while it is written or afterwards. Quotes are passed over.
//!
//! What numbers are called, a run says by the digest of its configuration, which is kept beside the
//! record (`audit::kept`). A fill that a venue repeats counts once, as does a bust; both count of
//! orders that are over as well.

use super::day::Day;
use super::meters::{Fill, Meters, Where};
use crate::audit::kept;
use crate::calendar::{Shelf, Timetable};
use crate::config::{Compliance, Configuration};
use crate::engine::inputs;
use crate::journal::disk;
use crate::journal::tail::Tail;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use xmc_hotpath::message::{
    AccountId, Carried, InstrumentIndex, OrderCommand, OrderEvent, OrderEventKind,
};
use xmc_hotpath::record::codec::{Decoder, Field};
use xmc_hotpath::record::frame::{self, Body, Images, Kind, OwnedEvent};
use xmc_hotpath::time::{MonoNs, UnixNs};

/// What the numbers of a run are called.
#[derive(Debug, Default)]
struct Names {
    instruments: Vec<Contract>,
    accounts: Vec<String>,
}

#[derive(Debug)]
struct Contract {
    exchange: String,
    name: String,
    hours: Option<Timetable>,
}

impl Names {
    fn of(config: &Configuration, shelf: Option<&Shelf>) -> Self {
        let contract = |row: &crate::config::Instrument| {
            let venue = &config.venues[row.venue];
            let found = shelf.and_then(|shelf| shelf.find(&venue.mic, &row.symbol).ok());
            Contract {
                exchange: venue.name.value.clone(),
                name: row.symbol.clone(),
                hours: found.map(|(_, hours)| hours.clone()),
            }
        };
        let instruments = config.instruments.iter().map(contract).collect();
        Self { instruments, accounts: inputs::controls(config).1.accounts }
    }
}

/// Orders that are over and still known: a fill may come after the answer to a cancel, and a fill
/// may be taken back later in the day.
const MOST_OVER: usize = 1 << 17;

/// An order of the run.
#[derive(Debug)]
struct Order {
    instrument: InstrumentIndex,
    account: AccountId,
    qty_lots: u32,
    filled_lots: u32,
    most_cum: u32,
    fills: BTreeSet<u64>,
    /// Fills that were taken back.
    busts: BTreeSet<u64>,
    is_over: bool,
}

/// Reads the record of one desk.
#[derive(Debug)]
pub struct Follow {
    directory: PathBuf,
    tail: Tail,
    groups: HashMap<String, String>,
    shelf: Option<Shelf>,
    names: Names,
    orders: HashMap<u64, Order>,
    /// Those that are over, the oldest first.
    over: VecDeque<u64>,
    utc_offset_ns: u64,
    now_ns: u64,
    /// The digest of the last run's configuration.
    digest: Option<[u8; 32]>,
    meters: Meters,
}

impl Follow {
    /// Reads the record in `directory` from its first segment on; accounts are of the groups that
    /// `config` has.
    ///
    /// # Errors
    /// The directory cannot be listed.
    pub fn new(directory: &Path, config: Option<&Compliance>) -> io::Result<Self> {
        let first = disk::list(directory)?.first().copied().unwrap_or(1);
        let groups = config.iter().flat_map(|config| &config.groups);
        let of_group = |group: &crate::config::AccountGroup| {
            let name = group.name.clone();
            group.accounts.iter().map(move |account| (account.clone(), name.clone())).collect()
        };
        Ok(Self {
            directory: directory.to_owned(),
            tail: Tail::new(directory, first),
            groups: groups.flat_map(|group| -> Vec<_> { of_group(group) }).collect(),
            shelf: Shelf::shipped().ok(),
            names: Names::default(),
            orders: HashMap::new(),
            over: VecDeque::new(),
            utc_offset_ns: 0,
            now_ns: 0,
            digest: None,
            meters: Meters::default(),
        })
    }

    /// What was counted.
    #[must_use]
    pub fn meters(&self) -> &Meters {
        &self.meters
    }

    /// The configuration of the last run that was read, by its digest.
    #[must_use]
    pub fn digest(&self) -> Option<&[u8; 32]> {
        self.digest.as_ref()
    }

    /// Reads at most so many blocks; whether there may be more.
    ///
    /// # Errors
    /// The journal does not read, or does not hang together.
    pub fn poll(&mut self, blocks: usize) -> io::Result<bool> {
        let wrong = |fault| io::Error::other(format!("{fault:?}"));
        for _ in 0..blocks {
            let Some(block) = self.tail.next_block()? else { return Ok(false) };
            let block = block.to_owned();
            let mut rest = block.as_slice();
            while !rest.is_empty() {
                let (header, body, after) = frame::split(rest).map_err(wrong)?;
                rest = after;
                if header.kind == Kind::Quote {
                    // What is decided on it carries its time; the quote itself counts nowhere.
                    let now = MonoNs::take(&mut Decoder::new(body));
                    self.now_ns = now.map_or(self.now_ns, |now| now.0);
                } else {
                    let body = frame::decode(header, body, &mut Images::new(&mut []));
                    self.take(&body.map_err(wrong)?);
                }
            }
        }
        Ok(true)
    }

    fn take(&mut self, body: &Body) {
        match body {
            Body::Start(start) => {
                self.digest = Some(start.config_digest);
                let config = kept::find(&self.directory, &start.config_digest).ok().flatten();
                let names = config.map(|config| Names::of(&config, self.shelf.as_ref()));
                self.names = names.unwrap_or_default();
                self.orders.clear();
                self.over.clear();
                self.meters.forget_positions();
                self.utc_offset_ns = start.utc.0.wrapping_sub(start.now.0);
                self.now_ns = start.now.0;
            }
            Body::Input(input) => {
                self.now_ns = input.now.0;
                match &input.event {
                    OwnedEvent::Clock(scale) => {
                        self.utc_offset_ns = scale.utc.0.wrapping_sub(scale.at.0);
                    }
                    OwnedEvent::Order(event) => self.news(event),
                    OwnedEvent::Held(held) => {
                        let long = i64::from(held.long_today) + i64::from(held.long_yesterday);
                        let short = i64::from(held.short_today) + i64::from(held.short_yesterday);
                        let (exchange, contract) = self.contract(held.instrument);
                        self.meters.held(&exchange, &contract, long - short);
                    }
                    OwnedEvent::Carried(Carried::Order(order)) => {
                        let fills = order.exec_ids.iter().copied().filter(|id| *id != 0).collect();
                        let known = Order {
                            instrument: order.instrument,
                            account: order.account,
                            qty_lots: order.qty_lots,
                            filled_lots: order.filled_lots,
                            most_cum: order.most_cum,
                            fills,
                            busts: BTreeSet::new(),
                            is_over: false,
                        };
                        self.orders.insert(order.order_id.0, known);
                    }
                    _ => {}
                }
                self.meters.at(self.utc());
            }
            Body::Order(order) => self.sent(order),
            Body::Detail(_) => {}
        }
    }

    fn utc(&self) -> UnixNs {
        UnixNs(self.now_ns.wrapping_add(self.utc_offset_ns))
    }

    fn contract(&self, index: InstrumentIndex) -> (String, String) {
        let known = self.names.instruments.get(index.0 as usize);
        known.map_or_else(
            || ("-".to_owned(), format!("#{}", index.0)),
            |known| (known.exchange.clone(), known.name.clone()),
        )
    }

    /// Counts something where it belongs.
    fn count(
        &mut self,
        instrument: InstrumentIndex,
        account: AccountId,
        count: impl FnOnce(&mut Meters, &Where<'_>),
    ) {
        let (exchange, contract) = self.contract(instrument);
        let name = self.names.accounts.get(account.0 as usize);
        let name = name.cloned().unwrap_or_else(|| format!("#{}", account.0));
        let group = self.groups.get(&name).unwrap_or(&name).clone();
        let utc = self.utc();
        let known = self.names.instruments.get(instrument.0 as usize);
        let day = Day::at(known.and_then(|known| known.hours.as_ref()), utc);
        let place = Where { exchange: &exchange, contract: &contract, group: &group, day, utc };
        count(&mut self.meters, &place);
    }

    fn sent(&mut self, order: &OrderCommand) {
        self.count(order.instrument, order.account, |meters, place| {
            meters.sent(place, order.action);
        });
        if order.action == xmc_hotpath::message::OrderAction::New {
            let known = Order {
                instrument: order.instrument,
                account: order.account,
                qty_lots: order.qty_lots,
                filled_lots: 0,
                most_cum: 0,
                fills: BTreeSet::new(),
                busts: BTreeSet::new(),
                is_over: false,
            };
            self.orders.insert(order.order_id.0, known);
        }
    }

    fn news(&mut self, event: &OrderEvent) {
        let Some(order) = self.orders.get_mut(&event.order_id.0) else { return };
        let (instrument, account) = (order.instrument, order.account);
        match event.kind {
            OrderEventKind::Filled => {
                let is_told = match (event.exec_id, event.cum_lots) {
                    (0, 0) => false,
                    (0, total) => total <= order.most_cum,
                    (id, _) => !order.fills.insert(id),
                };
                if is_told {
                    return;
                }
                let is_first = order.filled_lots == 0;
                order.most_cum = order.most_cum.max(event.cum_lots);
                order.filled_lots = order.filled_lots.saturating_add(event.qty_lots);
                let is_whole = order.filled_lots >= order.qty_lots;
                let fill = Fill {
                    side: event.side,
                    price_e9: event.price_e9,
                    lots: event.qty_lots,
                    exec_id: event.exec_id,
                    exchange: event.exchange,
                    is_first,
                };
                self.count(instrument, account, |meters, place| meters.filled(place, &fill));
                if is_whole {
                    self.over(event.order_id.0);
                }
            }
            OrderEventKind::Busted => {
                if event.exec_id != 0 && !order.busts.insert(event.exec_id) {
                    return;
                }
                let lots = i64::from(event.qty_lots);
                let lots = match event.side {
                    xmc_hotpath::message::Side::Buy => -lots,
                    xmc_hotpath::message::Side::Sell => lots,
                };
                self.count(instrument, account, |meters, place| meters.moved(place, lots));
            }
            OrderEventKind::Cancelled | OrderEventKind::Rejected | OrderEventKind::NotSent => {
                self.over(event.order_id.0);
            }
            OrderEventKind::Accepted
            | OrderEventKind::Unknown
            | OrderEventKind::CancelRejected
            | OrderEventKind::CancelNotSent
            | OrderEventKind::Replaced
            | OrderEventKind::ReplaceRejected
            | OrderEventKind::Corrected => {}
        }
    }

    /// An order is over: it is known for a while longer.
    fn over(&mut self, id: u64) {
        let Some(order) = self.orders.get_mut(&id) else { return };
        if std::mem::replace(&mut order.is_over, true) {
            return;
        }
        self.over.push_back(id);
        if self.over.len() > MOST_OVER
            && let Some(oldest) = self.over.pop_front()
        {
            self.orders.remove(&oldest);
        }
    }
}

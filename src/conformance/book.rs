//! The order store of a scenario, and what the exchange's ledger says of the same orders.
//!
//! It does what a desk does with news, and no more: an execution counts once, whatever the order in
//! which messages come, and an order that was said not to have been sent must never have reached
//! the exchange.

use super::case::{Failure, Outcome, must};
use crate::config::decimal::show_e9;
use crate::venue::ledger::{LedgerClient, LedgerError};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;
use xmc_hotpath::message::{
    AccountId, OrderCommand, OrderEvent, OrderEventKind, SessionState, Side, TimeInForce,
};

/// What is known of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
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

impl Fate {
    /// For people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Sent => "unanswered",
            Self::Working => "working",
            Self::Over => "over",
            Self::NotSent => "not sent",
            Self::Unknown => "unknown",
        }
    }
}

/// One order.
#[derive(Clone, Debug)]
pub struct Row {
    /// What was sent, with the venue's number as soon as it is known.
    pub command: OrderCommand,
    /// What is known of it.
    pub fate: Fate,
    /// Lots of its executions, each once.
    pub filled: u32,
    /// Lots of them that were taken back later.
    pub busted: u32,
    executions: BTreeSet<u64>,
    busts: BTreeSet<u64>,
}

/// What a ledger says of an order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Booked {
    filled: u32,
    is_live: bool,
    numbers: BTreeSet<u64>,
}

/// An order in the report: the store beside the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// Our number.
    pub order: u64,
    /// Side, lots, price and how long it lives.
    pub what: String,
    /// What the store knows of it.
    pub fate: Fate,
    /// Lots filled by the store.
    pub filled: u32,
    /// Lots filled by the ledger; `None` where there is no ledger to ask.
    pub ledger_filled: Option<u32>,
    /// Whether the ledger has it live.
    pub ledger_live: Option<bool>,
}

/// Whose ledger, and where it is asked.
#[derive(Clone, Copy, Debug)]
pub struct Ledger {
    /// Where.
    pub address: SocketAddr,
    /// Whose.
    pub account: AccountId,
    /// It knows orders by the counter's numbers, not by ours.
    pub is_behind_counter: bool,
}

/// Why the store and the ledger do not agree yet.
pub enum Differs {
    /// They may later.
    Yet(String),
    /// They never will.
    Ever(Failure),
}

/// All orders of a session.
#[derive(Debug, Default)]
pub struct Book {
    /// By our number.
    pub orders: BTreeMap<u64, Row>,
    /// States that were told, in order.
    pub states: Vec<SessionState>,
    /// Every piece of news of an order.
    pub events: Vec<OrderEvent>,
    /// What orders are numbered after.
    first: u64,
    last: u64,
}

impl Book {
    /// A store whose orders have numbers above `first`.
    #[must_use]
    pub fn after(first: u64) -> Self {
        Self { first, last: first, ..Self::default() }
    }

    /// The next order's number.
    pub fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// An order is sent.
    pub fn sent(&mut self, command: &OrderCommand) {
        let row = Row {
            command: *command,
            fate: Fate::Sent,
            filled: 0,
            busted: 0,
            executions: BTreeSet::new(),
            busts: BTreeSet::new(),
        };
        self.orders.insert(command.order_id.0, row);
    }

    /// Whether every order that was sent is known to be over.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.orders.values().all(|row| matches!(row.fate, Fate::Over | Fate::NotSent))
    }

    /// News of an order of that kind so far.
    #[must_use]
    pub fn count(&self, kind: OrderEventKind) -> usize {
        self.events.iter().filter(|event| event.kind == kind).count()
    }

    /// News has come.
    ///
    /// # Errors
    /// `Wrong`: it contradicts what is known.
    pub fn take(&mut self, event: &OrderEvent) -> Outcome {
        self.events.push(*event);
        let Some(row) = self.orders.get_mut(&event.order_id.0) else {
            // An earlier session's, that this one asked for.
            let is_earlier = event.order_id.0 <= self.first && event.order_id.0 > 0;
            return must(is_earlier, format_args!("news of an order that nobody sent: {event:?}"));
        };
        let is_there = matches!(
            event.kind,
            OrderEventKind::Accepted | OrderEventKind::Filled | OrderEventKind::Cancelled
        );
        if is_there {
            row.command.venue_order_id = event.venue_order_id;
            must(
                row.fate != Fate::NotSent,
                format_args!("it was said not to be sent, and is there: {event:?}"),
            )?;
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
            OrderEventKind::Busted if row.busts.insert(event.exec_id) => {
                row.busted += event.qty_lots;
            }
            OrderEventKind::Cancelled | OrderEventKind::Rejected => row.fate = Fate::Over,
            OrderEventKind::NotSent => row.fate = Fate::NotSent,
            OrderEventKind::Unknown => row.fate = Fate::Unknown,
            _ => {}
        }
        must(row.filled <= row.command.qty_lots, format_args!("filled twice: {event:?}"))?;
        must(row.busted <= row.filled, format_args!("taken back twice: {event:?}"))
    }

    /// Compares with the ledger, if there is one; how many orders nobody can tell anything of.
    /// `is_quiet`: nothing is on its way any more.
    ///
    /// # Errors
    /// What differs, and whether that can end.
    pub fn compare(&self, ledger: Option<Ledger>, is_quiet: bool) -> Result<usize, Differs> {
        let Some(ledger) = ledger else {
            let unanswered = |row: &&Row| row.fate == Fate::Sent;
            return match self.orders.values().find(unanswered) {
                Some(row) => Err(Differs::Yet(unheard(row))),
                None => Ok(self.orders.values().filter(|row| row.fate == Fate::Unknown).count()),
            };
        };
        let booked = self.booked(ledger);
        let booked = booked.map_err(|error| Differs::Ever(Failure::not_provoked(error)))?;
        // Whatever else is not known yet: nothing was sent twice.
        for (id, one) in booked.iter().filter(|(id, _)| **id > self.first) {
            let is_once = one.numbers.len() == 1;
            must(is_once, format_args!("order {id} is at the exchange more than once"))
                .and_then(|()| {
                    let is_ours = self.orders.contains_key(id);
                    must(is_ours, format_args!("order {id} at the exchange is nobody's"))
                })
                .map_err(Differs::Ever)?;
        }
        let nothing = Booked::default();
        let mut unknown = 0;
        for (id, row) in &self.orders {
            let at_exchange = booked.get(id);
            let Booked { filled, is_live, .. } = *at_exchange.unwrap_or(&nothing);
            match row.fate {
                Fate::Unknown => {
                    unknown += 1;
                    must(filled <= row.command.qty_lots, format_args!("order {id} is overfilled"))
                        .map_err(Differs::Ever)?;
                }
                // The exchange never had it, and was not asked for what is missing: its number went
                // with its session. The desk's deadline makes it one of which nobody can tell.
                Fate::Sent if is_quiet && at_exchange.is_none() => unknown += 1,
                Fate::Sent => return Err(Differs::Yet(unheard(row))),
                Fate::NotSent => {
                    let is_nowhere = filled == 0 && !is_live;
                    must(is_nowhere, format_args!("order {id} was not sent, and is there"))
                        .map_err(Differs::Ever)?;
                }
                Fate::Working | Fate::Over => {
                    if (row.filled, row.fate == Fate::Working) != (filled, is_live) {
                        let Row { fate, filled: heard, .. } = row;
                        let live = if is_live { "live" } else { "not live" };
                        return Err(Differs::Yet(format!(
                            "order {id} is {} with {heard} lots filled here, {live} with {filled} \
                             in the ledger",
                            fate.words()
                        )));
                    }
                }
            }
        }
        Ok(unknown)
    }

    /// What a ledger says, by our numbers. Behind a counter it is of orders whose number there is
    /// known.
    fn booked(&self, ledger: Ledger) -> Result<BTreeMap<u64, Booked>, LedgerError> {
        let all = ask(ledger)?;
        if !ledger.is_behind_counter {
            return Ok(all);
        }
        let ours = self.orders.iter().filter_map(|(id, row)| {
            all.get(&row.command.venue_order_id).map(|booked| (*id, booked.clone()))
        });
        Ok(ours.collect())
    }

    /// Every order beside what the ledger says of it, if it can be asked.
    #[must_use]
    pub fn compared(&self, ledger: Option<Ledger>) -> Vec<Compared> {
        let booked = ledger.and_then(|ledger| self.booked(ledger).ok());
        let row = |(id, row): (&u64, &Row)| {
            let told = booked.as_ref().map(|all| all.get(id).cloned().unwrap_or_default());
            let Row { command, fate, filled, .. } = row;
            let side = if command.side == Side::Buy { "buy" } else { "sell" };
            let tif = match command.time_in_force {
                TimeInForce::Day => "day",
                TimeInForce::FillAndKill => "fak",
                TimeInForce::FillOrKill => "fok",
            };
            let price = show_e9(command.price_e9);
            Compared {
                order: *id,
                what: format!("{side} {} at {price}, {tif}", command.qty_lots),
                fate: *fate,
                filled: *filled,
                ledger_filled: told.as_ref().map(|told| told.filled),
                ledger_live: told.as_ref().map(|told| told.is_live),
            }
        };
        self.orders.iter().map(row).collect()
    }
}

fn unheard(row: &Row) -> String {
    format!("nothing is known of order {}", row.command.order_id.0)
}

/// How long a ledger may take for an answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the ledger has of the account, by our number of each order.
fn ask(ledger: Ledger) -> Result<BTreeMap<u64, Booked>, LedgerError> {
    let mut client = LedgerClient::connect(ledger.address, PATIENCE)?;
    let mut all: BTreeMap<u64, Booked> = BTreeMap::new();
    for row in client.fills(ledger.account, 0)? {
        let one = all.entry(row.client_id).or_default();
        one.filled += row.lots;
        one.numbers.insert(row.order_no);
    }
    for row in client.orders(ledger.account)? {
        let one = all.entry(row.client_id).or_default();
        one.is_live = true;
        one.numbers.insert(row.order_no);
    }
    Ok(all)
}

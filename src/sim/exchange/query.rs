//! The ledgers, asked in text: one line in, one line of JSON out.
//!
//! Requests are `positions ACCOUNT`, `fills ACCOUNT AFTER` (those numbered above `AFTER`, at most
//! `FILLS_PER_ANSWER` of them: ask again from the last), `orders ACCOUNT` and `statement ACCOUNT
//! AFTER`, which is all three as of one moment. An answer has one
//! key, which names what it holds: `{"positions":[..]}`, or `{"error":".."}`. Prices and money are
//! in units of 1e-9, time in nanoseconds from the exchange's start of time.
//!
//! Sans-IO: a venue's shell brings lines in and takes answers out. The rows are also what a venue
//! writes down of its fills. Called by `venue::ledger`, which has the sockets.

use super::accounts::{Booked, Holding, Position};
use super::engine::Live;
use super::event::{Fill, Ticket};
use super::order::{FillNo, ListingIndex, OrderNo, TradeNo};
use super::rules::Listing;
use super::{Exchange, engine::Engine};
use serde::{Deserialize, Serialize};
use xmc_hotpath::message::{AccountId, PositionEffect, Side};
use xmc_hotpath::time::MonoNs;

/// Fills of one answer, at most.
pub const FILLS_PER_ANSWER: usize = 1_000;

/// A request is shorter than this, its end included.
pub const MAX_REQUEST_BYTES: usize = 128;

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// To `positions`: every instrument that the account has traded or brought along.
    Positions(Vec<PositionRow>),
    /// To `fills`, the oldest first.
    Fills(Vec<FillRow>),
    /// To `orders`: those that are live, by instrument and age.
    Orders(Vec<OrderRow>),
    /// To `statement`.
    Statement(StatementRow),
    /// To anything else: what is wrong.
    Error(String),
}

/// All that an account has, as of one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementRow {
    /// As to `positions`.
    pub positions: Vec<PositionRow>,
    /// As to `orders`.
    pub orders: Vec<OrderRow>,
    /// As to `fills`; it is all of them if there are fewer than `FILLS_PER_ANSWER`.
    pub fills: Vec<FillRow>,
}

/// Lots of one side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideRow {
    /// Opened today.
    pub today: u32,
    /// Carried over from an earlier day.
    pub yesterday: u32,
    /// Of `today`, what live orders would close.
    pub frozen_today: u32,
    /// Of `yesterday`, what live orders would close.
    pub frozen_yesterday: u32,
}

impl From<Position> for SideRow {
    fn from(position: Position) -> Self {
        let Position { today, yesterday, frozen_today, frozen_yesterday } = position;
        Self { today, yesterday, frozen_today, frozen_yesterday }
    }
}

/// What an account has in one instrument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PositionRow {
    /// The instrument.
    pub symbol: String,
    /// Long less short.
    pub net_lots: i64,
    /// Bought.
    pub long: SideRow,
    /// Sold.
    pub short: SideRow,
    /// Lots bought since the start.
    pub bought_lots: u64,
    /// Lots sold since the start.
    pub sold_lots: u64,
    /// What was sold less what was bought.
    pub cash_e9: i128,
    /// Fees paid.
    pub fees_e9: i128,
}

impl PositionRow {
    fn new(listing: &Listing, holding: &Holding) -> Self {
        Self {
            symbol: listing.symbol.clone(),
            net_lots: holding.net_lots(),
            long: holding.long.into(),
            short: holding.short.into(),
            bought_lots: holding.bought_lots,
            sold_lots: holding.sold_lots,
            cash_e9: holding.cash_e9,
            fees_e9: holding.fees_e9,
        }
    }
}

/// A live order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRow {
    /// The exchange's number.
    pub order_no: u64,
    /// The sender's number.
    pub client_id: u64,
    /// The instrument.
    pub symbol: String,
    /// `buy` or `sell`.
    pub side: String,
    /// Opens or closes.
    pub effect: String,
    /// Its limit.
    pub price_e9: i64,
    /// Filled so far.
    pub cum_lots: u32,
    /// Left.
    pub leaves_lots: u32,
}

impl OrderRow {
    fn new(listing: &Listing, live: &Live) -> Self {
        Self {
            order_no: live.ticket.order_no.0,
            client_id: live.ticket.client_id,
            symbol: listing.symbol.clone(),
            side: live.ticket.side.word().to_owned(),
            effect: live.ticket.effect.word().to_owned(),
            price_e9: live.price_e9,
            cum_lots: live.cum_lots,
            leaves_lots: live.leaves_lots,
        }
    }
}

/// A fill as it was booked: all of it, so that it can be booked again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FillRow {
    /// Its number.
    pub fill_no: u64,
    /// The trade's number.
    pub trade_no: u64,
    /// The order's number.
    pub order_no: u64,
    /// The sender's number of the order.
    pub client_id: u64,
    /// Whose.
    pub account: u32,
    /// The instrument.
    pub symbol: String,
    /// `buy` or `sell`.
    pub side: String,
    /// Opens or closes.
    pub effect: String,
    /// At which price.
    pub price_e9: i64,
    /// How many.
    pub lots: u32,
    /// Filled in all.
    pub cum_lots: u32,
    /// Left.
    pub leaves_lots: u32,
    /// Whether the order came to one that rested.
    pub is_taker: bool,
    /// When.
    pub at_ns: u64,
    /// Lots of today that it closed.
    pub closed_today: u32,
    /// Lots of earlier days that it closed.
    pub closed_yesterday: u32,
}

impl FillRow {
    /// The row of a fill of the instrument that is called so.
    #[must_use]
    pub fn new(symbol: &str, booked: &Booked) -> Self {
        let Booked { at, fill, closed_today, closed_yesterday } = *booked;
        Self {
            fill_no: fill.fill_no.0,
            trade_no: fill.trade_no.0,
            order_no: fill.ticket.order_no.0,
            client_id: fill.ticket.client_id,
            account: fill.ticket.account.0,
            symbol: symbol.to_owned(),
            side: fill.ticket.side.word().to_owned(),
            effect: fill.ticket.effect.word().to_owned(),
            price_e9: fill.price_e9,
            lots: fill.lots,
            cum_lots: fill.cum_lots,
            leaves_lots: fill.leaves_lots,
            is_taker: fill.is_taker,
            at_ns: at.0,
            closed_today,
            closed_yesterday,
        }
    }

    /// The fill, if `symbols` (by `ListingIndex`) has its instrument and its words mean something.
    #[must_use]
    pub fn booked(&self, symbols: &[String]) -> Option<Booked> {
        let row = symbols.iter().position(|symbol| *symbol == self.symbol)?;
        let side = Side::ALL.iter().find(|side| side.word() == self.side)?;
        let effect = PositionEffect::ALL.iter().find(|effect| effect.word() == self.effect)?;
        let ticket = Ticket {
            order_no: OrderNo(self.order_no),
            account: AccountId(self.account),
            client_id: self.client_id,
            listing: ListingIndex(u16::try_from(row).ok()?),
            side: *side,
            effect: *effect,
        };
        let fill = Fill {
            fill_no: FillNo(self.fill_no),
            trade_no: TradeNo(self.trade_no),
            ticket,
            price_e9: self.price_e9,
            lots: self.lots,
            cum_lots: self.cum_lots,
            leaves_lots: self.leaves_lots,
            is_taker: self.is_taker,
        };
        let (closed_today, closed_yesterday) = (self.closed_today, self.closed_yesterday);
        Some(Booked { at: MonoNs(self.at_ns), fill, closed_today, closed_yesterday })
    }
}

/// Answers one request, given without its line's end.
#[must_use]
pub fn answer(exchange: &Exchange, request: &str) -> Answer {
    let words: Vec<_> = request.split_ascii_whitespace().collect();
    let number = |text: &str| text.parse::<u64>().ok();
    let account = |text: &str| text.parse::<u32>().ok().map(AccountId);
    let known = match words[..] {
        ["positions", named] => {
            account(named).map(|account| Answer::Positions(positions(exchange, account)))
        }
        ["orders", named] => {
            account(named).map(|account| Answer::Orders(orders(exchange, account)))
        }
        ["fills", named, after] => {
            let asked = account(named).zip(number(after));
            asked.map(|(account, after)| Answer::Fills(fills(exchange, account, FillNo(after))))
        }
        ["statement", named, after] => {
            let asked = account(named).zip(number(after));
            asked.map(|(account, after)| {
                Answer::Statement(StatementRow {
                    positions: positions(exchange, account),
                    orders: orders(exchange, account),
                    fills: fills(exchange, account, FillNo(after)),
                })
            })
        }
        _ => None,
    };
    known.unwrap_or_else(|| {
        let shown: String = request.chars().take(40).collect();
        Answer::Error(format!(
            "{shown:?} is no request: say `positions ACCOUNT`, `fills ACCOUNT AFTER`, `orders \
             ACCOUNT` or `statement ACCOUNT AFTER`, with numbers"
        ))
    })
}

/// `answer` as it goes over the wire.
#[must_use]
pub fn answer_line(exchange: &Exchange, request: &str) -> String {
    let mut line = serde_json::to_string(&answer(exchange, request)).expect("rows are plain");
    line.push('\n');
    line
}

fn listing_of(exchange: &Exchange, index: ListingIndex) -> Option<&Listing> {
    exchange.engine(index).map(Engine::listing)
}

fn positions(exchange: &Exchange, account: AccountId) -> Vec<PositionRow> {
    let holdings = exchange.accounts().holdings_of(account);
    let row = |(index, holding)| Some(PositionRow::new(listing_of(exchange, index)?, holding));
    holdings.filter_map(row).collect()
}

fn orders(exchange: &Exchange, account: AccountId) -> Vec<OrderRow> {
    let row = |live: &Live| Some(OrderRow::new(listing_of(exchange, live.ticket.listing)?, live));
    exchange.orders_of(account).filter_map(row).collect()
}

fn fills(exchange: &Exchange, account: AccountId, after: FillNo) -> Vec<FillRow> {
    let row = |booked: Booked| {
        Some(FillRow::new(&listing_of(exchange, booked.fill.ticket.listing)?.symbol, &booked))
    };
    let fills = exchange.accounts().fills(account, after).take(FILLS_PER_ANSWER);
    fills.filter_map(row).collect()
}

/// Requests of one connection, as they come.
#[derive(Debug, Default)]
pub struct Requests {
    begun: Vec<u8>,
}

impl Requests {
    /// Bytes have come; their answers are appended to `out`. `false` if what came is longer than
    /// any request: the connection is to be ended.
    #[must_use]
    pub fn receive(&mut self, bytes: &[u8], exchange: &Exchange, out: &mut Vec<u8>) -> bool {
        for byte in bytes {
            if *byte == b'\n' {
                let request = String::from_utf8_lossy(&self.begun);
                out.extend_from_slice(answer_line(exchange, &request).as_bytes());
                self.begun.clear();
            } else if self.begun.len() + 1 < MAX_REQUEST_BYTES {
                self.begun.push(*byte);
            } else {
                return false;
            }
        }
        true
    }
}

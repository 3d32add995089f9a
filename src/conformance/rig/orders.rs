//! Orders of a rig: sent, cancelled, changed, and compared with the ledger until both say the same.

use super::super::book::{Differs, Fate, Ledger};
use super::super::case::{Failure, Outcome, must};
use super::super::ground::Venue;
use super::{PATIENCE, Rig, gone};
use crate::sim::exchange::{Exchange, ListingIndex, Phase};
use std::time::{Duration, Instant};
use xmc_hotpath::message::{
    AccountId, GatewayIndex, InstrumentIndex, OrderAction, OrderCommand, OrderEventKind, OrderId,
    PositionEffect, Side, SpreadIndex, TimeInForce,
};

/// After this nothing is on its way any more.
const QUIET: Duration = Duration::from_secs(4);
/// How far from the market an order rests, in ticks.
const FAR_TICKS: i64 = 40;

impl Rig<'_> {
    /// What is traded: the named instrument, or the first one of the gateway.
    ///
    /// # Errors
    /// `NotProvoked`: there is none.
    fn instrument(&self) -> Outcome<(usize, i32, i64)> {
        let named = self.place.resting.as_ref().map(|resting| &resting.instrument);
        let mut all = self.config.instruments.iter().enumerate();
        let found = all.find(|(_, one)| {
            one.gateway == Some(self.place.row) && named.is_none_or(|name| *name == one.name.value)
        });
        let found = found.map(|(index, one)| (index, one.security_id.value, one.tick_e9));
        found.ok_or_else(|| Failure::not_provoked("the gateway has no such instrument"))
    }

    /// The smallest price step of what is traded.
    ///
    /// # Errors
    /// As `instrument`.
    pub fn tick_e9(&self) -> Outcome<i64> {
        Ok(self.instrument()?.2)
    }

    /// What is traded, as the simulated venue numbers it.
    ///
    /// # Errors
    /// `NotProvoked`: it is somebody else's venue.
    pub fn listing(&self) -> Outcome<ListingIndex> {
        let (index, ..) = self.instrument()?;
        let symbol = self.config.instruments[index].symbol.clone();
        let find = move |exchange: &Exchange| {
            let mut all = exchange.listings();
            all.find(|(_, engine)| engine.listing().symbol == symbol).map(|(listing, _)| listing)
        };
        let found = match &self.place.venue {
            Some(Venue::Cme(running)) => running.with(move |shell, _| find(shell.exchange())),
            Some(Venue::Shfe(running)) => running.with(move |shell, _| find(shell.exchange())),
            None => None,
        };
        found.flatten().ok_or_else(|| Failure::not_provoked("the venue has no such instrument"))
    }

    /// Opens a market in which nobody else trades; the price that it settled at.
    ///
    /// # Errors
    /// `NotProvoked`: it is somebody else's venue.
    pub fn open_quiet(&self) -> Outcome<i64> {
        let listing = self.listing()?;
        let price = move |exchange: &Exchange| {
            exchange.engine(listing).map(|engine| engine.listing().reference_e9)
        };
        self.place.tape.step("the market is open, and nobody else trades");
        let settled = match &self.place.venue {
            Some(Venue::Cme(running)) => {
                running.set_phase(Some(listing), Phase::Open);
                running.with(move |shell, _| price(shell.exchange()))
            }
            Some(Venue::Shfe(running)) => {
                running.set_phase(Some(listing), Phase::Open);
                running.with(move |shell, _| price(shell.exchange()))
            }
            None => None,
        };
        settled.flatten().ok_or_else(gone)
    }

    /// The best price of a side of the simulated market.
    ///
    /// # Errors
    /// `NotProvoked`: there is none.
    pub fn best(&mut self, side: Side) -> Outcome<i64> {
        let (listing, since) = (self.listing()?, Instant::now());
        loop {
            let best = match &self.place.venue {
                Some(Venue::Cme(running)) => running.with(move |shell, _| {
                    shell.exchange().engine(listing).and_then(|engine| engine.best(side))
                }),
                Some(Venue::Shfe(running)) => running.with(move |shell, _| {
                    shell.exchange().engine(listing).and_then(|engine| engine.best(side))
                }),
                None => None,
            };
            if let Some(best) = best.ok_or_else(gone)? {
                return Ok(best);
            }
            if since.elapsed() > PATIENCE {
                return Err(Failure::not_provoked("nobody quotes"));
            }
            self.poll()?;
        }
    }

    /// Sends an order; its number.
    ///
    /// # Errors
    /// `NotProvoked`: there is nothing to trade.
    pub fn send(&mut self, side: Side, price_e9: i64, lots: u32, tif: TimeInForce) -> Outcome<u64> {
        let (instrument, security_id, _) = self.instrument()?;
        let id = self.book.number();
        let is_gross = self.place.config.gateways[self.place.row].counter.is_some();
        let command = OrderCommand {
            action: OrderAction::New,
            order_id: OrderId(id),
            instrument: InstrumentIndex(u32::try_from(instrument).map_err(Failure::not_provoked)?),
            security_id,
            gateway: GatewayIndex(u8::try_from(self.place.row).map_err(Failure::not_provoked)?),
            side,
            time_in_force: tif,
            effect: if is_gross { PositionEffect::Open } else { PositionEffect::Net },
            price_e9,
            qty_lots: lots,
            spread: SpreadIndex(0),
            account: AccountId(1),
            ..OrderCommand::NONE
        };
        self.book.sent(&command);
        self.push(command)?;
        Ok(id)
    }

    fn push(&mut self, command: OrderCommand) -> Outcome {
        let pushed = self.commands.push(command);
        pushed.map_err(|_| Failure::not_provoked("the ring of commands is full"))
    }

    /// An order that rests far from the market.
    ///
    /// # Errors
    /// As `best`.
    pub fn rest(&mut self) -> Outcome<u64> {
        let price_e9 = match &self.place.resting {
            Some(resting) => resting.price_e9,
            None => self.best(Side::Buy)? - FAR_TICKS * self.tick_e9()?,
        };
        self.send(Side::Buy, price_e9, 1, TimeInForce::Day)
    }

    /// An order that takes what is there.
    ///
    /// # Errors
    /// As `best`.
    pub fn lift(&mut self, side: Side, lots: u32) -> Outcome<u64> {
        let price_e9 = self.best(side.opposite())?;
        self.send(side, price_e9, lots, TimeInForce::FillAndKill)
    }

    /// Cancels an order.
    ///
    /// # Errors
    /// `NotProvoked`: there is no such order.
    pub fn cancel(&mut self, id: u64) -> Outcome {
        let row = self.book.orders.get(&id);
        let command = row.ok_or_else(|| Failure::not_provoked("no such order"))?.command;
        self.push(OrderCommand { action: OrderAction::Cancel, ..command })
    }

    /// Changes an order's price.
    ///
    /// # Errors
    /// `NotProvoked`: there is no such order.
    pub fn replace(&mut self, id: u64, price_e9: i64) -> Outcome {
        let row = self.book.orders.get(&id);
        let command = row.ok_or_else(|| Failure::not_provoked("no such order"))?.command;
        self.push(OrderCommand { action: OrderAction::Replace, price_e9, ..command })
    }

    /// What is known of an order that was sent.
    #[must_use]
    pub fn fate(&self, id: u64) -> Fate {
        self.book.orders.get(&id).map_or(Fate::Sent, |row| row.fate)
    }

    /// Until that is known of an order.
    ///
    /// # Errors
    /// As `until`; `NotProvoked` if somebody else's gateway does not let the order rest.
    pub fn until_fate(&mut self, id: u64, fate: Fate) -> Outcome {
        let is_to_rest = fate == Fate::Working && self.place.resting.is_some();
        self.until(&format!("order {id} {}", fate.words()), |rig| {
            rig.fate(id) == fate || (is_to_rest && rig.fate(id) == Fate::Over)
        })?;
        if self.fate(id) == fate {
            return Ok(());
        }
        let mut news = self.book.events.iter().rev().filter(|event| event.order_id.0 == id);
        Err(Failure::NotProvoked(match news.next() {
            Some(event) if event.kind == OrderEventKind::Rejected => {
                format!("the venue rejects the order that was allowed, with code {}", event.reason)
            }
            _ => "the order that was allowed does not rest: allow one at another price".to_owned(),
        }))
    }

    /// Until every order's fate is known, and the store says what the ledger says.
    ///
    /// # Errors
    /// `Wrong`: they differ.
    pub fn agree(&mut self) -> Outcome {
        let unknown = self.agree_but_unknown()?;
        must(unknown == 0, format_args!("of {unknown} orders nobody can tell what became of them"))
    }

    /// The same, but for orders of which nobody can tell; how many there are. None of them can
    /// have done more than is reserved for it.
    ///
    /// # Errors
    /// `Wrong`: they differ.
    pub fn agree_but_unknown(&mut self) -> Outcome<usize> {
        let ledger: Option<Ledger> = self.place.ledger();
        let since = Instant::now();
        let mut over_since = None;
        loop {
            self.follow(5)?;
            let is_quiet = since.elapsed() > QUIET;
            let wrong = match self.book.compare(ledger, is_quiet) {
                Ok(unknown) if self.is_up() => return Ok(unknown),
                Ok(_) => "the session is not up".to_owned(),
                Err(Differs::Yet(wrong)) => wrong,
                Err(Differs::Ever(failure)) => return Err(failure),
            };
            // Sessions that are lost one after the other are waited for longer and longer.
            let is_patient = since.elapsed() < 3 * PATIENCE && !self.is_over(&mut over_since);
            must(is_patient, format_args!("{wrong}; {}", self.standing()))?;
        }
    }
}

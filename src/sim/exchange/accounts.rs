//! What every account holds, has paid and has traded: the truth that desks are compared with.
//!
//! Money is exact: what was sold less what was bought, and fees apart, so that profit at any mark
//! is one product away. A close is checked against what is held when its order comes, and what it
//! would close is frozen until the order is gone, so that no two orders close the same lot.
//!
//! Every fill of a client stays askable, on a shelf: memory does not grow with them.
//!
//! Margin is not kept: no order is refused for want of money.

use super::event::{Event, Fill, Refusal, Ticket};
use super::kept::FILL_BYTES;
use super::order::{FillNo, ListingIndex, Order, OrderNo};
use super::rules::{CloseRule, Fee, Fees, Listing, Positions};
use crate::sim::shelf::Shelf;
use std::collections::BTreeMap;
use xmc_hotpath::message::{AccountId, PositionEffect, Side};
use xmc_hotpath::time::MonoNs;

/// The other side of positions that are carried in: without it they would not sum to zero.
pub const CLEARING: AccountId = AccountId(u32::MAX);

/// Lots held on one side of an instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Opened today.
    pub today: u32,
    /// Carried over from an earlier day.
    pub yesterday: u32,
    /// Of `today`, what live orders would close.
    pub frozen_today: u32,
    /// Of `yesterday`, what live orders would close.
    pub frozen_yesterday: u32,
}

impl Position {
    /// All lots.
    #[must_use]
    pub fn lots(&self) -> u32 {
        self.today + self.yesterday
    }

    /// Lots of today that an order may close.
    #[must_use]
    pub fn free_today(&self) -> u32 {
        self.today - self.frozen_today
    }

    /// Lots of earlier days that an order may close.
    #[must_use]
    pub fn free_yesterday(&self) -> u32 {
        self.yesterday - self.frozen_yesterday
    }

    /// Lots leave, yesterday's first; says how many did.
    fn give(&mut self, lots: u32) -> u32 {
        let yesterday = lots.min(self.yesterday);
        let today = (lots - yesterday).min(self.today);
        self.yesterday -= yesterday;
        self.today -= today;
        yesterday + today
    }
}

/// What one account has in one instrument. Money is in the instrument's currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    /// Bought. Where positions are net, one of the two sides is empty.
    pub long: Position,
    /// Sold.
    pub short: Position,
    /// What was sold less what was bought, units of 1e-9; lots carried in count as bought or sold
    /// at the reference price.
    pub cash_e9: i128,
    /// Fees paid, units of 1e-9.
    pub fees_e9: i128,
    /// Lots bought, since the start.
    pub bought_lots: u64,
    /// Lots sold, since the start.
    pub sold_lots: u64,
}

impl Holding {
    /// Long less short.
    #[must_use]
    pub fn net_lots(&self) -> i64 {
        i64::from(self.long.lots()) - i64::from(self.short.lots())
    }

    /// What all trades have brought if what is held is worth `mark_e9`, fees taken off; units of
    /// 1e-9.
    #[must_use]
    pub fn profit_e9(&self, listing: &Listing, mark_e9: i64) -> i128 {
        let worth = i128::from(mark_e9) * i128::from(listing.multiplier);
        self.cash_e9 + worth * i128::from(self.net_lots()) - self.fees_e9
    }

    fn side_mut(&mut self, side: Side) -> &mut Position {
        match side {
            Side::Buy => &mut self.long,
            Side::Sell => &mut self.short,
        }
    }

    fn side(&self, side: Side) -> &Position {
        match side {
            Side::Buy => &self.long,
            Side::Sell => &self.short,
        }
    }
}

/// A fill as it was booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Booked {
    /// When.
    pub at: MonoNs,
    /// What.
    pub fill: Fill,
    /// Lots of today that it closed, where positions are held gross.
    pub closed_today: u32,
    /// Lots of earlier days that it closed, where positions are held gross.
    pub closed_yesterday: u32,
}

/// What a live order would close.
#[derive(Clone, Copy, Debug)]
struct Frozen {
    today: u32,
    yesterday: u32,
    is_today_first: bool,
}

/// All accounts of the exchange.
#[derive(Debug)]
pub struct Accounts {
    positions: Positions,
    holdings: BTreeMap<(AccountId, ListingIndex), Holding>,
    frozen: BTreeMap<OrderNo, Frozen>,
    fills: BTreeMap<AccountId, Shelf<Booked, FILL_BYTES>>,
    /// Accounts from here on are part of the simulation: their fills are not kept one by one.
    crowd_from: AccountId,
}

impl Accounts {
    pub(super) fn new(positions: Positions, crowd_from: AccountId) -> Self {
        let holdings = BTreeMap::new();
        Self { positions, holdings, frozen: BTreeMap::new(), fills: BTreeMap::new(), crowd_from }
    }

    /// What an account has in an instrument.
    #[must_use]
    pub fn holding(&self, account: AccountId, listing: ListingIndex) -> Holding {
        self.holdings.get(&(account, listing)).copied().unwrap_or_default()
    }

    /// All that an account has, by instrument.
    pub fn holdings_of(
        &self,
        account: AccountId,
    ) -> impl Iterator<Item = (ListingIndex, &Holding)> {
        let all = (account, ListingIndex(0))..=(account, ListingIndex(u16::MAX));
        self.holdings.range(all).map(|((_, listing), holding)| (*listing, holding))
    }

    /// All that there is of an instrument, by account.
    pub fn holders(&self, listing: ListingIndex) -> impl Iterator<Item = (AccountId, &Holding)> {
        let all = self.holdings.iter();
        all.filter_map(move |((account, other), holding)| {
            (*other == listing).then_some((*account, holding))
        })
    }

    /// Fills of an account, the oldest first, from the one that follows `after` (`FillNo(0)` for
    /// all). Those of simulated participants are not kept.
    pub fn fills(&self, account: AccountId, after: FillNo) -> impl Iterator<Item = Booked> {
        let fills = self.fills.get(&account).into_iter();
        fills.flat_map(move |fills| {
            fills.since(fills.partition_point(|booked| booked.fill.fill_no <= after))
        })
    }

    /// The newest fill of an account; `FillNo(0)` if it has none.
    #[must_use]
    pub fn last_fill(&self, account: AccountId) -> FillNo {
        let last = self.fills.get(&account).and_then(Shelf::last);
        last.map_or(FillNo(0), |booked| booked.fill.fill_no)
    }

    /// One fill of an account by its number.
    #[must_use]
    pub fn fill(&self, account: AccountId, fill_no: FillNo) -> Option<Booked> {
        let fills = self.fills.get(&account)?;
        let place = fills.partition_point(|booked| booked.fill.fill_no < fill_no);
        fills.get(place).filter(|booked| booked.fill.fill_no == fill_no)
    }

    /// Fills that lie in memory, of all accounts together.
    #[must_use]
    pub fn fills_in_memory(&self) -> usize {
        self.fills.values().map(Shelf::in_memory).sum()
    }

    /// Whether an order may open or close what it says; changes nothing.
    pub(super) fn check(&self, order: &Order) -> Result<(), Refusal> {
        let is_net = self.positions == Positions::Net;
        if is_net != (order.effect == PositionEffect::Net) {
            return Err(Refusal::Effect);
        }
        let holding = self.holding(order.account, order.listing);
        let freed = self.freeze(holding.side(order.side.opposite()), order.effect, order.lots);
        freed.map(|_| ()).ok_or(Refusal::NotEnoughPosition)
    }

    /// What an order would close; `None` if that is more than there is.
    fn freeze(&self, position: &Position, effect: PositionEffect, lots: u32) -> Option<Frozen> {
        let (today, yesterday) = (position.free_today(), position.free_yesterday());
        let rule = match (effect, self.positions) {
            (PositionEffect::Net | PositionEffect::Open, _) => {
                return Some(Frozen { today: 0, yesterday: 0, is_today_first: false });
            }
            (PositionEffect::CloseToday, _) => {
                let frozen = Frozen { today: lots, yesterday: 0, is_today_first: true };
                return (lots <= today).then_some(frozen);
            }
            (PositionEffect::CloseYesterday, _) => CloseRule::Yesterday,
            (PositionEffect::Close, Positions::Gross(rule)) => rule,
            (PositionEffect::Close, Positions::Net) => return None,
        };
        let (today, yesterday) = match rule {
            CloseRule::Yesterday => (0, yesterday),
            CloseRule::TodayFirst | CloseRule::YesterdayFirst => (today, yesterday),
        };
        let is_today_first = rule == CloseRule::TodayFirst;
        let frozen = if is_today_first {
            let first = lots.min(today);
            Frozen { today: first, yesterday: lots - first, is_today_first }
        } else {
            let first = lots.min(yesterday);
            Frozen { today: lots - first, yesterday: first, is_today_first }
        };
        (frozen.today <= today && frozen.yesterday <= yesterday).then_some(frozen)
    }

    /// Books what happened.
    pub(super) fn take(&mut self, at: MonoNs, event: &Event, listing: &Listing) {
        match event {
            Event::Accepted(accepted) => self.accept(&accepted.ticket, accepted.lots),
            Event::Filled(fill) => self.fill_order(at, fill, listing),
            Event::Cancelled { ticket, .. } => self.thaw(ticket),
            _ => {}
        }
    }

    fn holding_mut(&mut self, ticket: &Ticket) -> &mut Holding {
        self.holdings.entry((ticket.account, ticket.listing)).or_default()
    }

    fn accept(&mut self, ticket: &Ticket, lots: u32) {
        if matches!(ticket.effect, PositionEffect::Net | PositionEffect::Open) {
            return;
        }
        let holding = self.holding(ticket.account, ticket.listing);
        let position = holding.side(ticket.side.opposite());
        let frozen = self.freeze(position, ticket.effect, lots).expect("it was checked");
        let position = self.holding_mut(ticket).side_mut(ticket.side.opposite());
        position.frozen_today += frozen.today;
        position.frozen_yesterday += frozen.yesterday;
        self.frozen.insert(ticket.order_no, frozen);
    }

    fn thaw(&mut self, ticket: &Ticket) {
        if let Some(frozen) = self.frozen.remove(&ticket.order_no) {
            let position = self.holding_mut(ticket).side_mut(ticket.side.opposite());
            position.frozen_today -= frozen.today;
            position.frozen_yesterday -= frozen.yesterday;
        }
    }

    fn fill_order(&mut self, at: MonoNs, fill: &Fill, listing: &Listing) {
        let (closed_today, closed_yesterday) = match fill.ticket.effect {
            PositionEffect::Net | PositionEffect::Open => (0, 0),
            PositionEffect::Close | PositionEffect::CloseToday | PositionEffect::CloseYesterday => {
                self.close(fill)
            }
        };
        self.post(&Booked { at, fill: *fill, closed_today, closed_yesterday }, listing);
    }

    /// Books a fill whose closed lots are not frozen any more.
    fn post(&mut self, booked: &Booked, listing: &Listing) {
        let Booked { fill, closed_today, closed_yesterday, .. } = *booked;
        let Ticket { side, effect, account, .. } = fill.ticket;
        let holding = self.holding_mut(&fill.ticket);
        let opened = fill.lots - closed_today - closed_yesterday;
        // Where positions are net, what closes costs the same as what opens.
        let given = if effect == PositionEffect::Net {
            holding.side_mut(side.opposite()).give(fill.lots)
        } else {
            0
        };
        holding.side_mut(side).today += opened - given;
        let closed = holding.side_mut(side.opposite());
        closed.today -= closed_today;
        closed.yesterday -= closed_yesterday;
        let value = value_e9(listing, fill.price_e9, fill.lots);
        match side {
            Side::Buy => {
                holding.cash_e9 -= value;
                holding.bought_lots += u64::from(fill.lots);
            }
            Side::Sell => {
                holding.cash_e9 += value;
                holding.sold_lots += u64::from(fill.lots);
            }
        }
        let Fees { open, close, close_today } = listing.fees;
        for (fee, lots) in [(open, opened), (close_today, closed_today), (close, closed_yesterday)]
        {
            holding.fees_e9 += fee_e9(fee, listing, fill.price_e9, lots);
        }
        if account < self.crowd_from {
            self.fills.entry(account).or_default().push(*booked);
        }
    }

    /// Books a fill of before a restart again; the other side, which is not known any more, is
    /// booked to `CLEARING`.
    pub(super) fn recover(&mut self, booked: &Booked, listing: &Listing) {
        self.post(booked, listing);
        let Fill { ticket, price_e9, lots, .. } = booked.fill;
        let value = value_e9(listing, price_e9, lots);
        let clearing = self.holdings.entry((CLEARING, ticket.listing)).or_default();
        let side = ticket.side.opposite();
        let given = clearing.side_mut(ticket.side).give(lots);
        clearing.side_mut(side).today += lots - given;
        clearing.cash_e9 += if side == Side::Buy { -value } else { value };
    }

    /// Lots of today and of earlier days that a fill closes, frozen no more.
    fn close(&mut self, fill: &Fill) -> (u32, u32) {
        let order_no = fill.ticket.order_no;
        let frozen = self.frozen.get_mut(&order_no).expect("what it closes is frozen");
        let (today, yesterday) = if frozen.is_today_first {
            let first = fill.lots.min(frozen.today);
            (first, fill.lots - first)
        } else {
            let first = fill.lots.min(frozen.yesterday);
            (fill.lots - first, first)
        };
        frozen.today -= today;
        frozen.yesterday -= yesterday;
        if fill.leaves_lots == 0 {
            self.frozen.remove(&order_no);
        }
        let position = self.holding_mut(&fill.ticket).side_mut(fill.ticket.side.opposite());
        position.frozen_today -= today;
        position.frozen_yesterday -= yesterday;
        (today, yesterday)
    }

    /// `lots` come in from the day before, at the reference price.
    pub(super) fn carry(
        &mut self,
        account: AccountId,
        index: ListingIndex,
        listing: &Listing,
        side: Side,
        lots: u32,
    ) {
        let value = value_e9(listing, listing.reference_e9, lots);
        for (account, side) in [(account, side), (CLEARING, side.opposite())] {
            let holding = self.holdings.entry((account, index)).or_default();
            let closed = match self.positions {
                Positions::Net => holding.side_mut(side.opposite()).give(lots),
                Positions::Gross(_) => 0,
            };
            holding.side_mut(side).yesterday += lots - closed;
            holding.cash_e9 += if side == Side::Buy { -value } else { value };
        }
    }

    /// What was opened today was opened yesterday.
    pub(super) fn next_day(&mut self) {
        assert!(self.frozen.is_empty(), "no order lives when the day ends");
        for holding in self.holdings.values_mut() {
            for position in [&mut holding.long, &mut holding.short] {
                position.yesterday += std::mem::take(&mut position.today);
            }
        }
    }
}

fn value_e9(listing: &Listing, price_e9: i64, lots: u32) -> i128 {
    i128::from(price_e9) * i128::from(listing.multiplier) * i128::from(lots)
}

fn fee_e9(fee: Fee, listing: &Listing, price_e9: i64, lots: u32) -> i128 {
    let of_value = value_e9(listing, price_e9, lots) * i128::from(fee.of_value_e9);
    i128::from(fee.per_lot_e9) * i128::from(lots) + of_value.abs() / 1_000_000_000
}

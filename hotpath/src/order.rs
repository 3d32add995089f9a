//! Orders: the arena that holds them and the life that each one has.
//!
//! A row keeps its order after the end of its life, until the slot's next turn: news that come late
//! (a fill after a cancel) still find the order they speak of. An order of an earlier run of which
//! nobody can tell takes the slot that its id names, and is an order like others from then on.

use crate::message::{
    AccountId, BUST_IDS, CarriedOrder, DeskIdentity, EXEC_IDS, GatewayIndex, InstrumentIndex,
    OrderEvent, OrderId, PositionEffect, Side, SpreadIndex,
};
use crate::record::codec::{Decoder, Encoder, Field, code, fields, put_rows, take_rows};
use crate::time::MonoNs;

code! {
    /// Where an order is in its life.
    pub enum OrderState {
        /// The row has never been used.
        Free = 0 "free",
        /// Handed to the gateway; nothing heard.
        Sent = 1 "sent",
        /// The venue has it.
        Working = 2 "working",
        /// The venue has it, and we asked to cancel it.
        Cancelling = 3 "cancelling",
        /// Nobody can tell. Its lots stay reserved.
        Unknown = 4 "unknown",
        /// Over: filled, cancelled, rejected or never sent.
        Done = 5 "done",
    }
}

/// One order.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    /// Its id; `OrderId::NONE` if the row was never used.
    pub id: OrderId,
    /// Where it is in its life.
    pub state: OrderState,
    /// A cancel of it came back unsent: it is sent again as soon as the session is up.
    pub is_cancel_due: bool,
    /// The venue's number for it; 0 until known.
    pub venue_order_id: u64,
    /// What it trades.
    pub instrument: InstrumentIndex,
    /// Where it was sent.
    pub gateway: GatewayIndex,
    /// The spread that it is a leg of; `SpreadIndex::ALL` once that has been removed.
    pub spread: SpreadIndex,
    /// Which leg.
    pub leg: u8,
    /// Which of the spread's fires it belongs to; 0 for an order of an earlier run.
    pub fire: u32,
    /// Whose money.
    pub account: AccountId,
    /// Whether it opens: its lots count as held from the start.
    pub is_open: bool,
    /// Buy or sell.
    pub side: Side,
    /// What it does to the position, where the market asks.
    pub effect: PositionEffect,
    /// Its limit.
    pub price_e9: i64,
    /// Lots asked for.
    pub qty_lots: u32,
    /// Lots filled.
    pub filled_lots: u32,
    /// When it was handed to the gateway.
    pub sent: MonoNs,
    /// The venue has said something of it, or nobody waits for that any more.
    pub is_answered: bool,
    turn: u32,
    exec_ids: [u64; EXEC_IDS],
    exec_count: usize,
    bust_ids: [u64; BUST_IDS],
    bust_count: usize,
    /// The largest running total that the venue has told.
    most_cum: u32,
    /// The running total up to which every lot has been counted.
    whole_cum: u32,
}

fields! {
    Order {
        id: OrderId,
        state: OrderState,
        is_cancel_due: bool,
        venue_order_id: u64,
        instrument: InstrumentIndex,
        gateway: GatewayIndex,
        spread: SpreadIndex,
        leg: u8,
        fire: u32,
        account: AccountId,
        is_open: bool,
        side: Side,
        effect: PositionEffect,
        price_e9: i64,
        qty_lots: u32,
        filled_lots: u32,
        sent: MonoNs,
        is_answered: bool,
        turn: u32,
        exec_ids: [u64; EXEC_IDS],
        exec_count: usize,
        bust_ids: [u64; BUST_IDS],
        bust_count: usize,
        most_cum: u32,
        whole_cum: u32,
    }
}

impl Order {
    /// A row that was never used.
    pub const FREE: Self = Self {
        id: OrderId::NONE,
        state: OrderState::Free,
        is_cancel_due: false,
        venue_order_id: 0,
        instrument: InstrumentIndex(0),
        gateway: GatewayIndex(0),
        spread: SpreadIndex::ALL,
        leg: 0,
        fire: 0,
        account: AccountId(0),
        is_open: false,
        side: Side::Buy,
        effect: PositionEffect::Net,
        price_e9: 0,
        qty_lots: 0,
        filled_lots: 0,
        sent: MonoNs(0),
        is_answered: false,
        turn: 0,
        exec_ids: [0; EXEC_IDS],
        exec_count: 0,
        bust_ids: [0; BUST_IDS],
        bust_count: 0,
        most_cum: 0,
        whole_cum: 0,
    };

    /// Starts another life. Ids kept of the last one are not cleared, which would cost three cache
    /// lines: their counts say that there are none.
    #[inline]
    fn begin(&mut self, id: OrderId, turn: u32) {
        self.id = id;
        self.turn = turn;
        self.state = OrderState::Sent;
        self.is_cancel_due = false;
        self.is_answered = false;
        self.venue_order_id = 0;
        self.filled_lots = 0;
        self.exec_count = 0;
        self.bust_count = 0;
        self.most_cum = 0;
        self.whole_cum = 0;
    }

    /// What the next run has to know of it.
    #[must_use]
    pub fn carried(&self) -> CarriedOrder {
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        CarriedOrder {
            order_id: self.id,
            venue_order_id: self.venue_order_id,
            instrument: self.instrument,
            gateway: self.gateway,
            spread: self.spread,
            leg: self.leg,
            account: self.account,
            is_open: self.is_open,
            side: self.side,
            effect: self.effect,
            price_e9: self.price_e9,
            qty_lots: self.qty_lots,
            filled_lots: self.filled_lots,
            most_cum: self.most_cum,
            exec_ids: only_kept(self.exec_ids, self.exec_count),
            exec_count: count(self.exec_count),
            bust_ids: only_kept(self.bust_ids, self.bust_count),
            bust_count: count(self.bust_count),
        }
    }

    fn adopt(&mut self, carried: &CarriedOrder) {
        let count = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
        *self = Self {
            id: carried.order_id,
            state: OrderState::Unknown,
            is_cancel_due: false,
            venue_order_id: carried.venue_order_id,
            instrument: carried.instrument,
            gateway: carried.gateway,
            spread: carried.spread,
            leg: carried.leg,
            fire: 0,
            account: carried.account,
            is_open: carried.is_open,
            is_answered: true,
            side: carried.side,
            effect: carried.effect,
            price_e9: carried.price_e9,
            qty_lots: carried.qty_lots,
            filled_lots: carried.filled_lots,
            sent: MonoNs(0),
            turn: self.turn,
            exec_ids: carried.exec_ids,
            exec_count: count(carried.exec_count),
            bust_ids: carried.bust_ids,
            bust_count: count(carried.bust_count),
            most_cum: carried.most_cum,
            whole_cum: if carried.filled_lots >= carried.most_cum { carried.most_cum } else { 0 },
        };
    }

    /// Lots that may still fill.
    #[inline]
    #[must_use]
    pub const fn open_lots(&self) -> u32 {
        match self.state {
            OrderState::Free | OrderState::Done => 0,
            OrderState::Sent
            | OrderState::Working
            | OrderState::Cancelling
            | OrderState::Unknown => self.qty_lots.saturating_sub(self.filled_lots),
        }
    }

    /// Whether it may still fill.
    #[inline]
    #[must_use]
    pub const fn is_live(&self) -> bool {
        !matches!(self.state, OrderState::Free | OrderState::Done)
    }

    /// Notes a fill; `false` if it was noted before.
    ///
    /// A fill is known by its execution id, or where the venue gives none by the running total that
    /// it ends at: no two fills of an order end at the same one. Where that may not be enough (no
    /// id, or more fills came than ids are kept) the largest total that was told decides: a fill
    /// that does not raise it is new only if lots below it are still missing, because an earlier
    /// report has not come, and never if every lot up to its own total has been counted. So no more
    /// is ever counted than the venue has said in all. A fill with
    /// neither id nor total is always new: one too many is seen, one too few is not.
    #[inline]
    pub fn is_new_fill(&mut self, event: &OrderEvent) -> bool {
        let name = fill_name(event);
        if name != 0 && kept(&self.exec_ids, self.exec_count).contains(&name) {
            return false;
        }
        let is_certain = event.exec_id != 0 && self.exec_count < EXEC_IDS;
        let missing = self.most_cum.saturating_sub(self.filled_lots);
        let raises = event.cum_lots == 0 || event.cum_lots > self.most_cum;
        let is_behind = event.cum_lots != 0 && event.cum_lots <= self.whole_cum;
        if !is_certain && !raises && (is_behind || event.qty_lots > missing) {
            return false;
        }
        if let Some(slot) = self.exec_ids.get_mut(self.exec_count % EXEC_IDS) {
            *slot = name;
        }
        self.exec_count = self.exec_count.saturating_add(1);
        self.most_cum = self.most_cum.max(event.cum_lots);
        if self.filled_lots.saturating_add(event.qty_lots) >= self.most_cum {
            self.whole_cum = self.most_cum;
        }
        true
    }

    /// Notes a bust; `false` if it was noted before.
    ///
    /// Apart from the fills: a venue may name a bust by the fill that it takes back, and the
    /// running total, which a bust lowers, says nothing here.
    pub fn is_new_bust(&mut self, event: &OrderEvent) -> bool {
        if event.exec_id != 0 && kept(&self.bust_ids, self.bust_count).contains(&event.exec_id) {
            return false;
        }
        if let Some(slot) = self.bust_ids.get_mut(self.bust_count % BUST_IDS) {
            *slot = event.exec_id;
        }
        self.bust_count = self.bust_count.saturating_add(1);
        self.most_cum = self.most_cum.saturating_sub(event.qty_lots.min(self.filled_lots));
        self.whole_cum = self.whole_cum.min(self.most_cum);
        // The totals above it come a second time, for other fills.
        for name in self.exec_ids.iter_mut().filter(|name| **name > total_name(self.most_cum)) {
            *name = 0;
        }
        true
    }
}

/// Of a circle of ids those that were noted in this life of the order.
#[inline]
fn kept(ids: &[u64], count: usize) -> &[u64] {
    ids.get(..count.min(ids.len())).unwrap_or_default()
}

/// The same circle with nothing of an earlier life.
fn only_kept<const N: usize>(mut ids: [u64; N], count: usize) -> [u64; N] {
    ids.iter_mut().skip(count).for_each(|id| *id = 0);
    ids
}

/// What a fill is known by; 0 if by nothing.
#[inline]
fn fill_name(event: &OrderEvent) -> u64 {
    match (event.exec_id, event.cum_lots) {
        (0, 0) => 0,
        (0, total) => total_name(total),
        (id, _) => id,
    }
}

/// A running total as a name. No execution id that counts from 1 is as large, and of those that are
/// digests one in 2^32 looks like a total.
#[inline]
fn total_name(cum_lots: u32) -> u64 {
    u64::from(u32::MAX) << 32 | u64::from(cum_lots)
}

/// All orders of a desk.
#[derive(Debug)]
pub struct Orders<'a> {
    identity: DeskIdentity,
    rows: &'a mut [Order],
    /// Rows that may be taken, the one longest free first: a circle as long as `rows`.
    free: &'a mut [u32],
    first_free: usize,
    free_count: usize,
}

impl<'a> Orders<'a> {
    /// An empty arena over `rows`, which are all reset. `free` is as long as `rows`; of more than
    /// `OrderId::SLOTS` rows the rest is not used.
    #[must_use]
    pub fn new(identity: DeskIdentity, rows: &'a mut [Order], free: &'a mut [u32]) -> Self {
        let mut free_count = 0_usize;
        for ((slot, row), number) in free.iter_mut().zip(rows.iter_mut()).zip(0..OrderId::SLOTS) {
            *slot = number;
            *row = Order::FREE;
            free_count = free_count.saturating_add(1);
        }
        Self { identity, rows, free, first_free: 0, free_count }
    }

    /// Rows that can be taken.
    #[inline]
    #[must_use]
    pub fn free_count(&self) -> usize {
        self.free_count
    }

    /// Rows in use.
    #[must_use]
    pub fn live_count(&self) -> usize {
        self.rows.iter().filter(|row| row.is_live()).count()
    }

    /// How many of them were sent through a gateway.
    #[must_use]
    pub fn live_at(&self, gateway: GatewayIndex) -> usize {
        self.rows.iter().filter(|row| row.is_live() && row.gateway == gateway).count()
    }

    /// Takes a row for a new order, which is `Sent`; `None` if there is none. Id and state are set,
    /// and nothing is kept of the row's last life; the rest is the caller's.
    #[inline]
    pub fn open(&mut self) -> Option<&mut Order> {
        self.free_count = self.free_count.checked_sub(1)?;
        let slot = *self.free.get(self.first_free)?;
        self.first_free = self.wrap(self.first_free.wrapping_add(1));
        let row = self.rows.get_mut(usize::try_from(slot).ok()?)?;
        // Turns start at 1, so that no id is 0.
        let turn = row.turn.wrapping_add(1);
        row.begin(OrderId::new(self.identity, turn, slot), turn);
        Some(row)
    }

    /// Takes an order of an earlier run into the row that its id names, as one of which nobody can
    /// tell; `false` if it is no such order, or that row is taken.
    #[cold]
    pub fn adopt(&mut self, carried: &CarriedOrder) -> bool {
        let id = carried.order_id;
        let (Ok(slot), Ok(place)) = (u32::try_from(id.slot()), usize::try_from(id.slot())) else {
            return false;
        };
        if !id.is_before(self.identity) || place >= self.rows.len() {
            return false;
        }
        let mut at = self.first_free;
        for _ in 0..self.free_count {
            if self.free.get(at) == Some(&slot) {
                // The longest free one takes its place in the circle.
                let Some(first) = self.free.get(self.first_free).copied() else { return false };
                if let Some(free) = self.free.get_mut(at) {
                    *free = first;
                }
                self.first_free = self.wrap(self.first_free.wrapping_add(1));
                self.free_count = self.free_count.wrapping_sub(1);
                return self.rows.get_mut(place).map(|row| row.adopt(carried)).is_some();
            }
            at = self.wrap(at.wrapping_add(1));
        }
        false
    }

    /// Gives the row of an order whose life is over back for reuse. The row keeps the order. A row
    /// that has had all its turns is not used again, because its ids would repeat.
    #[inline]
    pub fn close(&mut self, id: OrderId) {
        if self.get(id).is_none_or(|row| row.turn.wrapping_add(1) >= OrderId::TURNS) {
            return;
        }
        let last = self.wrap(self.first_free.wrapping_add(self.free_count));
        if let (Some(slot), Ok(number)) = (self.free.get_mut(last), u32::try_from(id.slot())) {
            *slot = number;
            self.free_count = self.free_count.saturating_add(1);
        }
    }

    /// The order of that id, living or just over.
    #[inline]
    pub fn get_mut(&mut self, id: OrderId) -> Option<&mut Order> {
        let row = self.rows.get_mut(usize::try_from(id.slot()).ok()?)?;
        (row.id == id && id != OrderId::NONE).then_some(row)
    }

    /// The order of that id, living or just over.
    #[inline]
    #[must_use]
    pub fn get(&self, id: OrderId) -> Option<&Order> {
        let row = self.rows.get(usize::try_from(id.slot()).ok()?)?;
        (row.id == id && id != OrderId::NONE).then_some(row)
    }

    /// Every row, used or not.
    #[must_use]
    pub fn rows(&self) -> &[Order] {
        self.rows
    }

    /// Every row, to be changed.
    pub(crate) fn rows_mut(&mut self) -> &mut [Order] {
        self.rows
    }

    /// A row by its place in the arena.
    #[inline]
    pub fn at(&self, slot: usize) -> Option<&Order> {
        self.rows.get(slot)
    }

    pub(crate) fn save(&self, out: &mut Encoder<'_>) {
        let Self { identity: _, rows, free, first_free, free_count } = self;
        put_rows(rows, out);
        put_rows(free, out);
        first_free.put(out);
        free_count.put(out);
    }

    pub(crate) fn load(&mut self, input: &mut Decoder<'_>) -> Option<()> {
        take_rows(self.rows, input)?;
        take_rows(self.free, input)?;
        self.first_free = Field::take(input)?;
        self.free_count = Field::take(input)?;
        Some(())
    }

    #[inline]
    fn wrap(&self, position: usize) -> usize {
        let len = self.free.len().min(self.rows.len());
        if position >= len { position.wrapping_sub(len) } else { position }
    }
}

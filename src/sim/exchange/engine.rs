//! The matching engine of one instrument: price, then time.
//!
//! It decides what orders do to each other and says so. It knows no positions, tells no levels and
//! reads no clock: those who call it (`Exchange`) do. An order comes in by `check`, then whatever
//! else may refuse it, then `enter`.

use super::event::{Accepted, CancelCause, Event, Fill, Phase, Refusal, Ticket, Trade};
use super::order::{Change, FillNo, ListingIndex, Order, OrderNo, Price, TradeNo};
use super::rules::{Listing, Rules, SelfMatch};
use super::shown::{Rung, Shown};
use std::collections::{BTreeMap, VecDeque};
use xmc_hotpath::message::{Side, TimeInForce};

/// Where the numbers of a whole market come from.
#[derive(Clone, Debug)]
pub(super) struct Numbers {
    order: u64,
    trade: u64,
    fill: u64,
}

impl Numbers {
    pub fn after(first: u64) -> Self {
        Self { order: first, trade: first, fill: first }
    }

    /// Goes on behind what was numbered before a restart.
    pub fn pass(&mut self, fill: &Fill) {
        self.order = self.order.max(fill.ticket.order_no.0);
        self.trade = self.trade.max(fill.trade_no.0);
        self.fill = self.fill.max(fill.fill_no.0);
    }

    fn order(&mut self) -> OrderNo {
        self.order += 1;
        OrderNo(self.order)
    }

    fn trade(&mut self) -> TradeNo {
        self.trade += 1;
        TradeNo(self.trade)
    }

    fn fill(&mut self) -> FillNo {
        self.fill += 1;
        FillNo(self.fill)
    }
}

/// An order in the market.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Live {
    /// Its names.
    pub ticket: Ticket,
    /// Its limit, units of 1e-9.
    pub price_e9: i64,
    /// Filled so far.
    pub cum_lots: u32,
    /// Left.
    pub leaves_lots: u32,
}

/// All orders of one price, the oldest first.
#[derive(Clone, Debug, Default)]
struct Queue {
    orders: VecDeque<OrderNo>,
    lots: u64,
}

/// One side: queues by price, the best first. Keys of the buyers are negated.
#[derive(Clone, Debug)]
struct Ladder {
    side: Side,
    queues: BTreeMap<i64, Queue>,
}

impl Ladder {
    fn new(side: Side) -> Self {
        Self { side, queues: BTreeMap::new() }
    }

    fn key(&self, price_e9: i64) -> i64 {
        match self.side {
            Side::Buy => -price_e9,
            Side::Sell => price_e9,
        }
    }

    fn best(&self) -> Option<i64> {
        self.queues.first_key_value().map(|(key, _)| self.key(*key))
    }

    /// Queues that an order of the other side with this limit may trade with, the best first.
    fn within(&self, limit_e9: i64) -> impl Iterator<Item = &Queue> {
        self.queues.range(..=self.key(limit_e9)).map(|(_, queue)| queue)
    }

    fn push(&mut self, live: &Live) {
        let queue = self.queues.entry(self.key(live.price_e9)).or_default();
        queue.orders.push_back(live.ticket.order_no);
        queue.lots += u64::from(live.leaves_lots);
    }

    /// `lots` fewer of one order, which leaves if it `is_done`.
    fn take(&mut self, live: &Live, lots: u32, is_done: bool) {
        let key = self.key(live.price_e9);
        let queue = self.queues.get_mut(&key).expect("a live order has a queue");
        queue.lots -= u64::from(lots);
        if is_done {
            queue.orders.retain(|order_no| *order_no != live.ticket.order_no);
        }
        if queue.orders.is_empty() {
            self.queues.remove(&key);
        }
    }

    fn shown(&self, depth: usize) -> Vec<Rung> {
        let rung = |(key, queue): (&i64, &Queue)| Rung {
            price_e9: self.key(*key),
            lots: u32::try_from(queue.lots).unwrap_or(u32::MAX),
            orders: u32::try_from(queue.orders.len()).unwrap_or(u32::MAX),
        };
        self.queues.iter().take(depth).map(rung).collect()
    }
}

/// How far an order would come.
struct Reach {
    /// Lots that it could take, at most as many as it has.
    lots: u64,
    /// Whether it meets one of its own account before that.
    meets_own: bool,
}

/// The order that came, while it matches.
struct Taker {
    live: Live,
    /// It met one of its own account, and may not go on.
    is_stopped: bool,
}

/// One instrument's market.
#[derive(Clone, Debug)]
pub struct Engine {
    index: ListingIndex,
    listing: Listing,
    rules: Rules,
    phase: Phase,
    bids: Ladder,
    asks: Ladder,
    live: BTreeMap<OrderNo, Live>,
}

impl Engine {
    /// A market without orders, not yet open.
    pub(super) fn new(index: ListingIndex, listing: Listing, rules: Rules) -> Self {
        assert!(listing.tick_e9 > 0, "the tick of {} is above 0", listing.symbol);
        assert!(listing.lower_e9 <= listing.upper_e9, "{} has prices", listing.symbol);
        assert!((1..=10).contains(&rules.depth), "1 to 10 levels are shown");
        Self {
            index,
            listing,
            rules,
            phase: Phase::PreOpen,
            bids: Ladder::new(Side::Buy),
            asks: Ladder::new(Side::Sell),
            live: BTreeMap::new(),
        }
    }

    /// The instrument.
    #[must_use]
    pub fn listing(&self) -> &Listing {
        &self.listing
    }

    /// Other limits hold from now on.
    pub(super) fn set_limits(&mut self, lower_e9: i64, upper_e9: i64) {
        (self.listing.lower_e9, self.listing.upper_e9) = (lower_e9, upper_e9);
    }

    /// How it is traded now.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// An order, if it is live.
    #[must_use]
    pub fn order(&self, order_no: OrderNo) -> Option<&Live> {
        self.live.get(&order_no)
    }

    /// All live orders, the oldest first.
    pub fn orders(&self) -> impl Iterator<Item = &Live> {
        self.live.values()
    }

    /// The best price of a side, units of 1e-9.
    #[must_use]
    pub fn best(&self, side: Side) -> Option<i64> {
        self.ladder(side).best()
    }

    /// The levels that the market shows, as they are now.
    #[must_use]
    pub fn shown(&self) -> Shown {
        let depth = usize::from(self.rules.depth);
        Shown { bids: self.bids.shown(depth), asks: self.asks.shown(depth) }
    }

    fn ladder(&self, side: Side) -> &Ladder {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    fn ladder_mut(&mut self, side: Side) -> &mut Ladder {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }

    /// Whether an order may come in, and if so with which limit.
    pub(super) fn check(&self, order: &Order) -> Result<i64, Refusal> {
        self.is_open()?;
        let sizes = self.listing.min_order_lots.max(1)..=self.listing.max_order_lots;
        if !sizes.contains(&order.lots) {
            return Err(Refusal::Lots);
        }
        let takes_min = order.time_in_force == TimeInForce::FillAndKill;
        if order.min_lots > order.lots || (order.min_lots > 0 && !takes_min) {
            return Err(Refusal::MinLots);
        }
        let price_e9 = match order.price {
            Price::Limit(price_e9) => price_e9,
            Price::MarketToLimit if !self.rules.takes_market_orders => {
                return Err(Refusal::NeedsLimit);
            }
            Price::MarketToLimit => {
                self.ladder(order.side.opposite()).best().ok_or(Refusal::NoOpposite)?
            }
        };
        self.is_price(price_e9)?;
        let reach = self.reach(&order_as_live(order, price_e9, OrderNo(0)));
        if self.rules.self_match == SelfMatch::RejectIncoming && reach.meets_own {
            return Err(Refusal::SelfMatch);
        }
        Ok(price_e9)
    }

    fn is_open(&self) -> Result<(), Refusal> {
        if self.phase == Phase::Open { Ok(()) } else { Err(Refusal::NotOpen(self.phase)) }
    }

    fn is_price(&self, price_e9: i64) -> Result<(), Refusal> {
        if price_e9.rem_euclid(self.listing.tick_e9) != 0 {
            return Err(Refusal::OffTick);
        }
        if !(self.listing.lower_e9..=self.listing.upper_e9).contains(&price_e9) {
            return Err(Refusal::PriceLimit);
        }
        Ok(())
    }

    fn reach(&self, taker: &Live) -> Reach {
        let wanted = u64::from(taker.leaves_lots);
        let mut lots = 0;
        let queues = self.ladder(taker.ticket.side.opposite()).within(taker.price_e9);
        for order_no in queues.flat_map(|queue| &queue.orders) {
            let maker = &self.live[order_no];
            if maker.ticket.account == taker.ticket.account {
                match self.rules.self_match {
                    SelfMatch::Allowed => {}
                    SelfMatch::CancelResting => continue,
                    SelfMatch::RejectIncoming | SelfMatch::CancelIncoming => {
                        return Reach { lots, meets_own: true };
                    }
                }
            }
            lots += u64::from(maker.leaves_lots);
            if lots >= wanted {
                return Reach { lots: wanted, meets_own: false };
            }
        }
        Reach { lots, meets_own: false }
    }

    /// Takes in an order that was checked, with the limit that the check gave it.
    pub(super) fn enter(
        &mut self,
        order: &Order,
        price_e9: i64,
        numbers: &mut Numbers,
        out: &mut Vec<Event>,
    ) {
        let live = order_as_live(order, price_e9, numbers.order());
        let ticket = live.ticket;
        out.push(Event::Accepted(Accepted { ticket, price_e9, lots: order.lots }));
        let least = match order.time_in_force {
            TimeInForce::FillOrKill => order.lots,
            TimeInForce::FillAndKill | TimeInForce::Day => order.min_lots,
        };
        if self.reach(&live).lots < u64::from(least) {
            let cause = CancelCause::NotEnough;
            out.push(Event::Cancelled { ticket, lots: order.lots, cause });
            return;
        }
        let may_rest = order.time_in_force == TimeInForce::Day;
        self.run(live, may_rest, numbers, out);
    }

    /// Lets an order match, and what is left of it rest or end.
    fn run(&mut self, live: Live, may_rest: bool, numbers: &mut Numbers, out: &mut Vec<Event>) {
        let mut taker = Taker { live, is_stopped: false };
        self.cross(&mut taker, numbers, out);
        let Live { ticket, leaves_lots: lots, .. } = taker.live;
        if lots == 0 {
            return;
        }
        if taker.is_stopped || !may_rest {
            let cause =
                if taker.is_stopped { CancelCause::SelfMatch } else { CancelCause::Remainder };
            out.push(Event::Cancelled { ticket, lots, cause });
            return;
        }
        self.ladder_mut(ticket.side).push(&taker.live);
        self.live.insert(ticket.order_no, taker.live);
    }

    fn cross(&mut self, taker: &mut Taker, numbers: &mut Numbers, out: &mut Vec<Event>) {
        let side = taker.live.ticket.side.opposite();
        while taker.live.leaves_lots > 0 {
            let mut queues = self.ladder(side).within(taker.live.price_e9);
            let Some(first) = queues.next().and_then(|queue| queue.orders.front()) else {
                return;
            };
            let maker = self.live[first];
            drop(queues);
            if maker.ticket.account == taker.live.ticket.account {
                match self.rules.self_match {
                    SelfMatch::Allowed => {}
                    SelfMatch::CancelResting => {
                        self.remove(maker.ticket.order_no, CancelCause::SelfMatch, out);
                        continue;
                    }
                    SelfMatch::RejectIncoming | SelfMatch::CancelIncoming => {
                        taker.is_stopped = true;
                        return;
                    }
                }
            }
            self.trade(&mut taker.live, maker, numbers, out);
        }
    }

    fn trade(
        &mut self,
        taker: &mut Live,
        mut maker: Live,
        numbers: &mut Numbers,
        out: &mut Vec<Event>,
    ) {
        let lots = taker.leaves_lots.min(maker.leaves_lots);
        let trade_no = numbers.trade();
        out.push(Event::Trade(Trade {
            trade_no,
            listing: self.index,
            price_e9: maker.price_e9,
            lots,
            aggressor: taker.ticket.side,
            taker: taker.ticket.order_no,
            maker: maker.ticket.order_no,
        }));
        let price_e9 = maker.price_e9;
        for (order, is_taker) in [(&mut *taker, true), (&mut maker, false)] {
            order.cum_lots += lots;
            order.leaves_lots -= lots;
            out.push(Event::Filled(Fill {
                fill_no: numbers.fill(),
                trade_no,
                ticket: order.ticket,
                price_e9,
                lots,
                cum_lots: order.cum_lots,
                leaves_lots: order.leaves_lots,
                is_taker,
            }));
        }
        let is_done = maker.leaves_lots == 0;
        self.ladder_mut(maker.ticket.side).take(&maker, lots, is_done);
        if is_done {
            self.live.remove(&maker.ticket.order_no);
        } else {
            self.live.insert(maker.ticket.order_no, maker);
        }
    }

    /// Cancels an order, if it is live.
    pub(super) fn remove(&mut self, order_no: OrderNo, cause: CancelCause, out: &mut Vec<Event>) {
        let Some(live) = self.live.remove(&order_no) else {
            return;
        };
        self.ladder_mut(live.ticket.side).take(&live, live.leaves_lots, true);
        out.push(Event::Cancelled { ticket: live.ticket, lots: live.leaves_lots, cause });
    }

    /// Changes a live order. Fewer lots at the same price keep its place in the queue; anything
    /// else makes it the youngest of its price, after it has matched as if it had just come.
    pub(super) fn change(
        &mut self,
        change: &Change,
        numbers: &mut Numbers,
        out: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let owned = self.live.get(&change.order_no);
        let owned = owned.filter(|live| live.ticket.account == change.account);
        let before = *owned.ok_or(Refusal::UnknownOrder)?;
        self.is_open()?;
        if !(1..=self.listing.max_order_lots).contains(&change.lots) {
            return Err(Refusal::Lots);
        }
        self.is_price(change.price_e9)?;
        let leaves_lots = change.lots.saturating_sub(before.cum_lots);
        if leaves_lots == 0 {
            self.remove(change.order_no, CancelCause::ChangedToNothing, out);
            return Ok(());
        }
        let ticket = Ticket { client_id: change.client_id, ..before.ticket };
        let after = Live { ticket, price_e9: change.price_e9, leaves_lots, ..before };
        if self.rules.self_match == SelfMatch::RejectIncoming && self.reach(&after).meets_own {
            return Err(Refusal::SelfMatch);
        }
        let keeps_place = change.price_e9 == before.price_e9 && leaves_lots <= before.leaves_lots;
        out.push(Event::Replaced {
            ticket,
            price_e9: change.price_e9,
            lots: change.lots,
            leaves_lots,
            keeps_place,
        });
        if keeps_place {
            let fewer = before.leaves_lots - leaves_lots;
            self.ladder_mut(ticket.side).take(&before, fewer, false);
            self.live.insert(ticket.order_no, after);
        } else {
            self.live.remove(&ticket.order_no);
            self.ladder_mut(ticket.side).take(&before, before.leaves_lots, true);
            self.run(after, true, numbers, out);
        }
        Ok(())
    }

    /// Trades differently from now on.
    pub(super) fn enter_phase(&mut self, to: Phase, out: &mut Vec<Event>) {
        let from = std::mem::replace(&mut self.phase, to);
        if from == to {
            return;
        }
        out.push(Event::Phase { listing: self.index, from, to });
        if to == Phase::Closed {
            let all: Vec<_> = self.live.keys().copied().collect();
            all.into_iter().for_each(|order_no| self.remove(order_no, CancelCause::EndOfDay, out));
        }
    }
}

/// An order as if it were in the market.
fn order_as_live(order: &Order, price_e9: i64, order_no: OrderNo) -> Live {
    let ticket = Ticket {
        order_no,
        account: order.account,
        client_id: order.client_id,
        listing: order.listing,
        side: order.side,
        effect: order.effect,
    };
    Live { ticket, price_e9, cum_lots: 0, leaves_lots: order.lots }
}

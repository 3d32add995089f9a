//! The slow twin of the matching engine: one list of orders, scanned for everything.
//!
//! Whether an order could be filled whole, or would meet one of its own account, is found by
//! letting it trade on a copy and looking at what came of it.

use cross_market_connect::sim::exchange::{
    Accepted, Cancel, CancelCause, Change, Event, Fill, FillNo, Listing, ListingIndex, Live, Order,
    OrderNo, Phase, Price, Refusal, Request, Rules, Rung, SelfMatch, Shown, Ticket, Trade, TradeNo,
};
use xmc_hotpath::message::{PositionEffect, Side, TimeInForce};

#[derive(Clone)]
pub struct Model {
    rules: Rules,
    listing: Listing,
    pub phase: Phase,
    /// In the order in which they got their place.
    pub book: Vec<Live>,
    order: u64,
    trade: u64,
    fill: u64,
}

struct Outcome {
    taker: Live,
    met_own: bool,
    events: Vec<Event>,
}

impl Model {
    pub fn new(rules: Rules, listing: Listing) -> Self {
        let first = rules.first_number;
        let phase = Phase::PreOpen;
        Self { rules, listing, phase, book: Vec::new(), order: first, trade: first, fill: first }
    }

    pub fn request(&mut self, request: &Request) -> Vec<Event> {
        match request {
            Request::Submit(order) => match self.submit(order) {
                Ok(events) => events,
                Err(reason) => vec![Event::Rejected { order: *order, reason }],
            },
            Request::Cancel(cancel) => self.cancel(cancel),
            Request::Change(change) => match self.change(change) {
                Ok(events) => events,
                Err(reason) => vec![Event::ReplaceRejected { change: *change, reason }],
            },
        }
    }

    pub fn set_phase(&mut self, to: Phase) -> Vec<Event> {
        if self.phase == to {
            return Vec::new();
        }
        let mut events = vec![Event::Phase { listing: ListingIndex(0), from: self.phase, to }];
        self.phase = to;
        if to == Phase::Closed {
            let mut gone = std::mem::take(&mut self.book);
            gone.sort_by_key(|live| live.ticket.order_no);
            events.extend(gone.iter().map(|live| cancelled(live, CancelCause::EndOfDay)));
        }
        events
    }

    pub fn shown(&self) -> Shown {
        let side = |side: Side| {
            let mut prices: Vec<_> =
                self.book.iter().filter(|live| live.ticket.side == side).collect();
            prices
                .sort_by_key(|live| if side == Side::Buy { -live.price_e9 } else { live.price_e9 });
            let mut rungs: Vec<Rung> = Vec::new();
            for live in prices {
                match rungs.last_mut() {
                    Some(last) if last.price_e9 == live.price_e9 => {
                        last.lots += live.leaves_lots;
                        last.orders += 1;
                    }
                    _ => rungs.push(Rung {
                        price_e9: live.price_e9,
                        lots: live.leaves_lots,
                        orders: 1,
                    }),
                }
            }
            rungs.truncate(usize::from(self.rules.depth));
            rungs
        };
        Shown { bids: side(Side::Buy), asks: side(Side::Sell) }
    }

    fn check_price(&self, price_e9: i64) -> Result<(), Refusal> {
        if price_e9 / self.listing.tick_e9 * self.listing.tick_e9 != price_e9 {
            return Err(Refusal::OffTick);
        }
        if price_e9 < self.listing.lower_e9 || price_e9 > self.listing.upper_e9 {
            return Err(Refusal::PriceLimit);
        }
        Ok(())
    }

    fn submit(&mut self, order: &Order) -> Result<Vec<Event>, Refusal> {
        if self.phase != Phase::Open {
            return Err(Refusal::NotOpen(self.phase));
        }
        if order.lots < self.listing.min_order_lots || order.lots > self.listing.max_order_lots {
            return Err(Refusal::Lots);
        }
        let is_fak = order.time_in_force == TimeInForce::FillAndKill;
        if order.min_lots > order.lots || (order.min_lots != 0 && !is_fak) {
            return Err(Refusal::MinLots);
        }
        let price_e9 = match order.price {
            Price::Limit(price_e9) => price_e9,
            Price::MarketToLimit if !self.rules.takes_market_orders => {
                return Err(Refusal::NeedsLimit);
            }
            Price::MarketToLimit => {
                let shown = self.shown();
                let best = shown.side(order.side.opposite()).first();
                best.ok_or(Refusal::NoOpposite)?.price_e9
            }
        };
        self.check_price(price_e9)?;
        let ticket = Ticket {
            order_no: OrderNo(self.order + 1),
            account: order.account,
            client_id: order.client_id,
            listing: order.listing,
            side: order.side,
            effect: order.effect,
        };
        let taker = Live { ticket, price_e9, cum_lots: 0, leaves_lots: order.lots };
        let trial = self.clone().cross(taker);
        if trial.met_own && self.rules.self_match == SelfMatch::RejectIncoming {
            return Err(Refusal::SelfMatch);
        }
        if order.effect != PositionEffect::Net {
            return Err(Refusal::Effect);
        }
        self.order += 1;
        let mut events = vec![Event::Accepted(Accepted { ticket, price_e9, lots: order.lots })];
        let least = if order.time_in_force == TimeInForce::FillOrKill {
            order.lots
        } else {
            order.min_lots
        };
        if trial.taker.cum_lots < least {
            events.push(cancelled(&taker, CancelCause::NotEnough));
        } else {
            self.run(taker, order.time_in_force == TimeInForce::Day, &mut events);
        }
        Ok(events)
    }

    fn run(&mut self, taker: Live, may_rest: bool, events: &mut Vec<Event>) {
        let outcome = self.cross(taker);
        events.extend(outcome.events);
        if outcome.taker.leaves_lots == 0 {
            return;
        }
        if outcome.met_own {
            events.push(cancelled(&outcome.taker, CancelCause::SelfMatch));
        } else if may_rest {
            self.book.push(outcome.taker);
        } else {
            events.push(cancelled(&outcome.taker, CancelCause::Remainder));
        }
    }

    /// The order that is next for the taker: the best price, of those the oldest.
    fn next_maker(&self, taker: &Live) -> Option<usize> {
        let mut found: Option<usize> = None;
        for (place, maker) in self.book.iter().enumerate() {
            let crosses = match (taker.ticket.side, maker.ticket.side) {
                (Side::Buy, Side::Sell) => maker.price_e9 <= taker.price_e9,
                (Side::Sell, Side::Buy) => maker.price_e9 >= taker.price_e9,
                _ => false,
            };
            let is_better = found.is_none_or(|best| match maker.ticket.side {
                Side::Sell => maker.price_e9 < self.book[best].price_e9,
                Side::Buy => maker.price_e9 > self.book[best].price_e9,
            });
            if crosses && is_better {
                found = Some(place);
            }
        }
        found
    }

    fn cross(&mut self, mut taker: Live) -> Outcome {
        let mut events = Vec::new();
        while taker.leaves_lots > 0 {
            let Some(place) = self.next_maker(&taker) else { break };
            let is_own = self.book[place].ticket.account == taker.ticket.account;
            match self.rules.self_match {
                SelfMatch::CancelResting if is_own => {
                    let gone = self.book.remove(place);
                    events.push(cancelled(&gone, CancelCause::SelfMatch));
                    continue;
                }
                SelfMatch::CancelIncoming | SelfMatch::RejectIncoming if is_own => {
                    return Outcome { taker, met_own: true, events };
                }
                _ => {}
            }
            let lots = taker.leaves_lots.min(self.book[place].leaves_lots);
            for live in [&mut taker, &mut self.book[place]] {
                live.cum_lots += lots;
                live.leaves_lots -= lots;
            }
            let maker = self.book[place];
            self.tell_trade(&taker, &maker, lots, &mut events);
            if maker.leaves_lots == 0 {
                self.book.remove(place);
            }
        }
        Outcome { taker, met_own: false, events }
    }

    fn tell_trade(&mut self, taker: &Live, maker: &Live, lots: u32, events: &mut Vec<Event>) {
        self.trade += 1;
        let (trade_no, price_e9) = (TradeNo(self.trade), maker.price_e9);
        events.push(Event::Trade(Trade {
            trade_no,
            listing: ListingIndex(0),
            price_e9,
            lots,
            aggressor: taker.ticket.side,
            taker: taker.ticket.order_no,
            maker: maker.ticket.order_no,
        }));
        for (live, is_taker) in [(taker, true), (maker, false)] {
            self.fill += 1;
            events.push(Event::Filled(Fill {
                fill_no: FillNo(self.fill),
                trade_no,
                ticket: live.ticket,
                price_e9,
                lots,
                cum_lots: live.cum_lots,
                leaves_lots: live.leaves_lots,
                is_taker,
            }));
        }
    }

    fn place_of(&self, account: u32, order_no: OrderNo) -> Option<usize> {
        let is_it =
            |live: &Live| live.ticket.order_no == order_no && live.ticket.account.0 == account;
        self.book.iter().position(is_it)
    }

    fn cancel(&mut self, cancel: &Cancel) -> Vec<Event> {
        let Some(place) = self.place_of(cancel.account.0, cancel.order_no) else {
            let reason = Refusal::UnknownOrder;
            return vec![Event::CancelRejected { cancel: *cancel, reason }];
        };
        let gone = self.book.remove(place);
        vec![cancelled(&gone, CancelCause::Requested { client_id: cancel.client_id })]
    }

    fn change(&mut self, change: &Change) -> Result<Vec<Event>, Refusal> {
        if !self.rules.takes_changes {
            return Err(Refusal::NoChanges);
        }
        let place = self.place_of(change.account.0, change.order_no);
        let place = place.ok_or(Refusal::UnknownOrder)?;
        if self.phase != Phase::Open {
            return Err(Refusal::NotOpen(self.phase));
        }
        if change.lots == 0 || change.lots > self.listing.max_order_lots {
            return Err(Refusal::Lots);
        }
        self.check_price(change.price_e9)?;
        let before = self.book[place];
        if change.lots <= before.cum_lots {
            self.book.remove(place);
            return Ok(vec![cancelled(&before, CancelCause::ChangedToNothing)]);
        }
        let leaves_lots = change.lots - before.cum_lots;
        let ticket = Ticket { client_id: change.client_id, ..before.ticket };
        let after = Live { ticket, price_e9: change.price_e9, leaves_lots, ..before };
        let keeps_place = before.price_e9 == after.price_e9 && leaves_lots <= before.leaves_lots;
        if self.rules.self_match == SelfMatch::RejectIncoming && self.clone().cross(after).met_own {
            return Err(Refusal::SelfMatch);
        }
        let (price_e9, lots) = (change.price_e9, change.lots);
        let mut events = vec![Event::Replaced { ticket, price_e9, lots, leaves_lots, keeps_place }];
        if keeps_place {
            self.book[place] = after;
        } else {
            self.book.remove(place);
            self.run(after, true, &mut events);
        }
        Ok(events)
    }
}

fn cancelled(live: &Live, cause: CancelCause) -> Event {
    Event::Cancelled { ticket: live.ticket, lots: live.leaves_lots, cause }
}

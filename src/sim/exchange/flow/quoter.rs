//! Participants of one instrument who make the market: one quotes around the fair price on several
//! levels, another takes now and then.
//!
//! They go through the same door as everyone, obey the same rules and pay the same fees. They see
//! the book, the world and the time, never whose order is whose.

use super::super::engine::Engine;
use super::super::order::{Cancel, ListingIndex, Order, Price, Request};
use super::super::rules::Positions;
use super::super::{CROWD_FROM, Exchange};
use super::Style;
use super::product::Product;
use xmc_hotpath::message::{AccountId, PositionEffect, Side, TimeInForce};

/// Where the quoter wants the best prices, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Aim {
    bid: i64,
    ask: i64,
}

/// Lots that an account may close by its next orders.
struct Closable {
    is_net: bool,
    by_buying: u32,
    by_selling: u32,
}

impl Closable {
    /// Closes what can be closed, so that the crowd's positions do not grow without end.
    fn effect(&mut self, side: Side, lots: u32) -> PositionEffect {
        let closable = if side == Side::Buy { &mut self.by_buying } else { &mut self.by_selling };
        match closable.checked_sub(lots) {
            _ if self.is_net => PositionEffect::Net,
            None => PositionEffect::Open,
            Some(left) => {
                *closable = left;
                PositionEffect::CloseToday
            }
        }
    }
}

/// The participants of one instrument.
#[derive(Clone, Debug)]
pub(super) struct Quoter {
    pub listing: ListingIndex,
    pub product: Product,
    pub style: Style,
    tick_e9: i64,
    maker: AccountId,
    taker: AccountId,
    aim: Option<Aim>,
    /// Ticks between the best prices, if not those of the style.
    width_ticks: Option<i64>,
    /// Sides that are quoted: buyers, sellers.
    quotes: [bool; 2],
    rng: fastrand::Rng,
}

impl Quoter {
    pub fn new(listing: ListingIndex, product: Product, style: Style, rng: fastrand::Rng) -> Self {
        let first = CROWD_FROM.0 + 2 * u32::from(listing.0);
        Self {
            listing,
            product,
            style,
            tick_e9: product.tick_e9(),
            maker: AccountId(first),
            taker: AccountId(first + 1),
            aim: None,
            width_ticks: None,
            quotes: [true; 2],
            rng,
        }
    }

    pub fn rng(&mut self) -> &mut fastrand::Rng {
        &mut self.rng
    }

    /// Where a fair price asks the quotes to be: where they are, if that is near enough, so that
    /// they do not flicker between two ticks.
    fn aim_of(&self, fair_e9: i64) -> Aim {
        let (tick, width) = (self.tick_e9, self.width_ticks.unwrap_or(self.style.width_ticks));
        let middle_e9 = |aim: &Aim| (aim.bid + aim.ask) * tick / 2;
        let is_near = |aim: &Aim| (fair_e9 - middle_e9(aim)).abs() * 5 <= tick * 4;
        let bid = (fair_e9 - width * tick / 2 + tick / 2).div_euclid(tick);
        self.aim.filter(is_near).unwrap_or(Aim { bid, ask: bid + width })
    }

    /// Aims at a fair price.
    pub fn aim_at(&mut self, fair_e9: i64) {
        self.aim = Some(self.aim_of(fair_e9));
    }

    /// Leaves so many ticks between the best prices from now on, or those of its style.
    pub fn widen(&mut self, ticks: Option<i64>, fair_e9: i64) {
        (self.width_ticks, self.aim) = (ticks, None);
        self.aim_at(fair_e9);
    }

    /// Whether a fair price asks for another aim.
    pub fn misses(&self, fair_e9: i64) -> bool {
        self.aim != Some(self.aim_of(fair_e9))
    }

    /// Quotes one side or not.
    pub fn quote(&mut self, side: Side, quotes: bool) {
        self.quotes[usize::from(side == Side::Sell)] = quotes;
    }

    /// Cancels what is not wanted any more, then fills up what is thin.
    pub fn tend(&mut self, exchange: &Exchange) -> Vec<Request> {
        let Some(aim) = self.aim else {
            return Vec::new();
        };
        let mut requests = Vec::new();
        let mut lots = vec![[0_u32; 2]; usize::from(self.style.levels)];
        for live in exchange.orders_of(self.maker) {
            let side = live.ticket.side;
            let depth = self.depth_of(aim, side, live.price_e9);
            match depth.and_then(|depth| lots.get_mut(depth)) {
                Some(lots) => lots[usize::from(side == Side::Sell)] += live.leaves_lots,
                None => requests.push(Request::Cancel(Cancel {
                    account: self.maker,
                    client_id: 0,
                    order_no: live.ticket.order_no,
                })),
            }
        }
        let Some(engine) = exchange.engine(self.listing) else {
            return Vec::new();
        };
        let mut closable = self.closable(exchange, self.maker);
        for (depth, lots) in (0..).zip(&lots) {
            for (lots, side) in lots.iter().zip([Side::Buy, Side::Sell]) {
                let is_thin = *lots < self.style.lots.0;
                if is_thin && self.quotes[usize::from(side == Side::Sell)] {
                    let more = self.rng.u32(self.style.lots.0..=self.style.lots.1);
                    let ticks = if side == Side::Buy { aim.bid - depth } else { aim.ask + depth };
                    requests.extend(self.offer(engine, &mut closable, side, ticks, more));
                }
            }
        }
        requests
    }

    /// How many levels below the best one a price is; `None` if better than that, or not quoted.
    fn depth_of(&self, aim: Aim, side: Side, price_e9: i64) -> Option<usize> {
        let ticks = price_e9.div_euclid(self.tick_e9);
        let (depth, quotes) = match side {
            Side::Buy => (aim.bid - ticks, self.quotes[0]),
            Side::Sell => (ticks - aim.ask, self.quotes[1]),
        };
        usize::try_from(depth).ok().filter(|_| quotes)
    }

    fn offer(
        &self,
        engine: &Engine,
        closable: &mut Closable,
        side: Side,
        ticks: i64,
        lots: u32,
    ) -> Option<Request> {
        let price_e9 = ticks * self.tick_e9;
        let listing = engine.listing();
        // Nobody quotes beyond the day's limits: there the book has one side.
        (listing.lower_e9..=listing.upper_e9).contains(&price_e9).then(|| {
            let lots = lots.clamp(listing.min_order_lots, listing.max_order_lots);
            Request::Submit(self.order(closable, self.maker, side, price_e9, lots))
        })
    }

    fn order(
        &self,
        closable: &mut Closable,
        account: AccountId,
        side: Side,
        price_e9: i64,
        lots: u32,
    ) -> Order {
        let is_maker = account == self.maker;
        Order {
            account,
            client_id: 0,
            listing: self.listing,
            side,
            price: Price::Limit(price_e9),
            time_in_force: if is_maker { TimeInForce::Day } else { TimeInForce::FillAndKill },
            lots,
            min_lots: 0,
            effect: closable.effect(side, lots),
        }
    }

    fn closable(&self, exchange: &Exchange, account: AccountId) -> Closable {
        let holding = exchange.accounts().holding(account, self.listing);
        Closable {
            is_net: exchange.rules().positions == Positions::Net,
            by_buying: holding.short.free_today(),
            by_selling: holding.long.free_today(),
        }
    }

    /// Something happens at a level without a reason: an order more, or one less.
    pub fn stir(&mut self, exchange: &Exchange) -> Vec<Request> {
        let (Some(aim), Some(engine)) = (self.aim, exchange.engine(self.listing)) else {
            return Vec::new();
        };
        let side = if self.rng.bool() { Side::Buy } else { Side::Sell };
        // The better levels more often.
        let levels = i64::from(self.style.levels);
        let depth = self.rng.i64(0..levels).min(self.rng.i64(0..levels));
        let ticks = if side == Side::Buy { aim.bid - depth } else { aim.ask + depth };
        let at_level = exchange
            .orders_of(self.maker)
            .filter(|live| live.ticket.side == side && live.price_e9 == ticks * self.tick_e9);
        let (mut lots, mut last) = (0, None);
        for live in at_level {
            lots += live.leaves_lots;
            last = Some(live);
        }
        let fewest = self.style.lots.0;
        if let Some(live) = last.filter(|live| lots >= fewest + live.leaves_lots) {
            let order_no = live.ticket.order_no;
            let cancel = Cancel { account: self.maker, client_id: 0, order_no };
            return vec![Request::Cancel(cancel)];
        }
        let is_quoted = self.quotes[usize::from(side == Side::Sell)];
        let lots = self.rng.u32(1..=fewest.max(1));
        let mut closable = self.closable(exchange, self.maker);
        let offer = is_quoted.then(|| self.offer(engine, &mut closable, side, ticks, lots));
        offer.flatten().into_iter().collect()
    }

    /// Somebody takes from the best level.
    pub fn hit(&mut self, exchange: &Exchange) -> Vec<Request> {
        let side = if self.rng.bool() { Side::Buy } else { Side::Sell };
        let lots = self.rng.u32(1..=self.style.hit_lots.max(1));
        let best = exchange.engine(self.listing).and_then(|engine| engine.best(side.opposite()));
        let mut closable = self.closable(exchange, self.taker);
        let take = |price_e9| self.order(&mut closable, self.taker, side, price_e9, lots);
        best.map(take).map(Request::Submit).into_iter().collect()
    }
}

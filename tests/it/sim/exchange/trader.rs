//! A plain trader of one spread over both markets: the desk's own evaluation of prices, two orders
//! that take, and nothing else of the engine.

use cross_market_connect::sim::exchange::flow::Product;
use cross_market_connect::sim::exchange::{
    Event, Exchange, ListingIndex, Order, Price, Rung, Shown, Sink,
};
use std::collections::BTreeSet;
use xmc_hotpath::message::{
    AccountId, Depth, HedgeFlag, LegSpec, LegsFirst, LossSpec, MAX_LEGS, PositionEffect, ProjectId,
    QUOTE_LEVELS, RepairSpec, Side, SpreadIndex, SpreadSpec, StrategyId, TimeInForce, TriggerSpec,
    WorkSpec,
};
use xmc_hotpath::spread::{LegBook, evaluate};
use xmc_hotpath::time::{MonoNs, Span};

/// Where a market's events come from: the domestic one is the first.
const DOMESTIC: usize = 0;
const OVERSEAS: usize = 1;

/// A leg of a pair: which market's which row, the lots of one unit, how its price is weighed.
struct Leg {
    market: usize,
    listing: ListingIndex,
    lots: i32,
    weight: f64,
    tick_e9: i64,
}

/// What the trader trades: two legs, and the yuan for the price of one overseas.
pub struct Pair {
    pub name: &'static str,
    /// Round trips that twenty seconds must bring.
    pub least_round_trips: u32,
    spec: SpreadSpec,
    legs: Vec<Leg>,
}

fn q32(value: f64) -> i64 {
    (value * 4_294_967_296.0) as i64
}

impl Pair {
    /// Trades beyond `open` on either side, closes where no more than `close` of it is left.
    fn new(name: &'static str, legs: Vec<Leg>, constant: f64, [open, close]: [f64; 2]) -> Self {
        let mut specs = [LegSpec::NONE; MAX_LEGS];
        for (spec, leg) in specs.iter_mut().zip(&legs) {
            *spec = LegSpec {
                instrument: xmc_hotpath::message::InstrumentIndex(0),
                ratio_lots: leg.lots,
                coefficient_q32: q32(leg.weight),
                pay_up_e9: leg.tick_e9,
                min_lean_lots: 0,
            };
        }
        let e9 = |value: f64| (value * 1e9) as i64;
        let spec = SpreadSpec {
            spread: SpreadIndex(0),
            strategy: StrategyId(0),
            account: Trader::ACCOUNT,
            project: ProjectId(0),
            is_enabled: true,
            leg_count: legs.len() as u8,
            legs: specs,
            constant_e9: e9(constant),
            trigger: TriggerSpec::PLAIN,
            buy_open_e9: e9(-open),
            buy_close_e9: e9(-close),
            sell_open_e9: e9(open),
            sell_close_e9: e9(close),
            max_units: 2,
            clip_units: 2,
            hysteresis_e9: 0,
            cool_down: Span(0),
            max_fires: 0,
            fire_window: Span(0),
            max_quote_age: Span(0),
            max_quote_skew: Span(0),
            ack_timeout: Span(0),
            time_in_force: TimeInForce::FillAndKill,
            hedge: HedgeFlag::Speculate,
            repair: RepairSpec::NONE,
            loss: LossSpec::NONE,
            legs_first: LegsFirst::Together,
            work: WorkSpec::NONE,
        };
        Self { name, least_round_trips: 100, spec, legs }
    }

    /// Domestic price less overseas price in the domestic unit, linear around where both start.
    fn across(
        name: &'static str,
        [domestic, overseas]: [Leg; 2],
        [per_dollar, dollar]: [f64; 2],
        levels: [f64; 2],
    ) -> Self {
        let yuan = 7.1;
        let legs = vec![
            Leg { weight: 1.0, ..domestic },
            Leg { weight: -per_dollar * yuan, ..overseas },
            Leg { lots: 0, weight: -per_dollar * dollar, ..leg(OVERSEAS, 2, 0, Product::Cnh) },
        ];
        Self::new(name, legs, per_dollar * dollar * yuan, levels)
    }

    /// CNY per tonne: opened beyond 22, closed beyond 6 on the same side.
    pub fn copper() -> Self {
        let legs = [leg(DOMESTIC, 0, 2, Product::Cu), leg(OVERSEAS, 0, -1, Product::Hg)];
        Self::across("cu-HG", legs, [2_204.622_621_85 * 1.13, 5.0], [22.0, 6.0])
    }

    /// CNY per gram.
    pub fn gold() -> Self {
        let legs = [leg(DOMESTIC, 2, 3, Product::Au), leg(OVERSEAS, 1, -1, Product::Gc)];
        Self::across("au-GC", legs, [1.0 / 31.103_476_8, 4_000.0], [0.09, 0.02])
    }

    /// CNY per barrel.
    pub fn oil() -> Self {
        let legs = [leg(DOMESTIC, 3, 1, Product::Sc), leg(OVERSEAS, 3, -1, Product::Cl)];
        Self::across("sc-CL", legs, [1.0, 70.0], [0.22, 0.06])
    }

    /// CNY per tonne: SHFE's copper less INE's with the tax that it is quoted without. A market
    /// that is told twice a second cannot be traded more often.
    pub fn bonded() -> Self {
        let legs = vec![
            Leg { weight: 1.0, ..leg(DOMESTIC, 0, 8, Product::Cu) },
            Leg { weight: -1.13, ..leg(DOMESTIC, 1, -9, Product::Bc) },
        ];
        Self { least_round_trips: 4, ..Self::new("cu-bc", legs, 0.0, [28.0, 6.0]) }
    }

    pub fn all() -> [Self; 4] {
        [Self::bonded(), Self::copper(), Self::gold(), Self::oil()]
    }

    /// The legs that are traded.
    fn traded(&self) -> impl Iterator<Item = &Leg> {
        self.legs.iter().filter(|leg| leg.lots != 0)
    }
}

fn leg(market: usize, row: u16, lots: i32, product: Product) -> Leg {
    let tick_e9 = product.listing("x").tick_e9;
    Leg { market, listing: ListingIndex(row), lots, weight: 0.0, tick_e9 }
}

/// The two markets and who trades between them.
pub struct Trader<'a> {
    pair: &'a Pair,
    markets: [Exchange; 2],
    delay: Span,
    taken: [[u32; 2]; 2],
    position: i32,
    net_lots: [i64; 2],
    pub fires: u32,
    /// Fires of which a leg was not filled whole.
    pub broken: u32,
    pub round_trips: u32,
    /// The longest time from opening to closing.
    pub longest_held: Span,
    opened: MonoNs,
}

/// What a leg's order brought.
#[derive(Default)]
struct Heard {
    filled: u32,
}

impl Sink for Heard {
    fn take(&mut self, _now: MonoNs, event: &Event) {
        match event {
            Event::Filled(fill) if fill.ticket.account == Trader::ACCOUNT => {
                self.filled += fill.lots;
            }
            Event::Rejected { order, reason } => panic!("{order:?}: {reason:?}"),
            _ => {}
        }
    }
}

impl<'a> Trader<'a> {
    pub const ACCOUNT: AccountId = AccountId(5);

    /// A trader whose orders arrive `delay` after what they answer.
    pub fn new(pair: &'a Pair, markets: [Exchange; 2], delay: Span) -> Self {
        Self {
            pair,
            markets,
            delay,
            taken: [[0; 2]; 2],
            position: 0,
            net_lots: [0; 2],
            fires: 0,
            broken: 0,
            round_trips: 0,
            longest_held: Span(0),
            opened: MonoNs(0),
        }
    }

    pub fn run_until(&mut self, end: MonoNs) {
        loop {
            let now = self.markets.iter().map(Exchange::next_at).fold(MonoNs::NEVER, MonoNs::min);
            if now > end {
                return;
            }
            let mut is_touched = false;
            for (market, exchange) in self.markets.iter_mut().enumerate() {
                let mut changed = Changed::default();
                exchange.step(now, &mut changed);
                for (taken, leg) in self.taken.iter_mut().zip(self.pair.traded()) {
                    if leg.market == market && changed.listings.contains(&leg.listing) {
                        *taken = [0; 2];
                        is_touched = true;
                    }
                }
            }
            if is_touched {
                self.look(now.after(self.delay));
            }
        }
    }

    fn look(&mut self, now: MonoNs) {
        let depths: Vec<_> = self
            .pair
            .legs
            .iter()
            .map(|leg| {
                let published = self.markets[leg.market].published(leg.listing);
                let (shown, _) = published.expect("it is listed");
                [Side::Buy, Side::Sell].map(|side| depth(shown, side))
            })
            .collect();
        let none = [Depth::NO_BIDS, Depth::NO_ASKS];
        let book = |leg: usize| {
            let [bids, asks] = depths.get(leg).unwrap_or(&none);
            let [taken_bid_lots, taken_ask_lots] = self.taken.get(leg).copied().unwrap_or([0; 2]);
            LegBook { bids, asks, taken_bid_lots, taken_ask_lots }
        };
        let legs: [LegBook<'_>; MAX_LEGS] = [book(0), book(1), book(2), book(3)];
        let Some(trigger) = evaluate(&self.pair.spec, self.position, &legs) else { return };
        if trigger.units == 0 {
            return;
        }
        self.fires += 1;
        let is_buy = trigger.intent.is_buy();
        let before = self.position;
        let mut is_broken = false;
        for leg in 0..2 {
            let ratio = self.pair.spec.legs[leg].ratio_lots;
            let lots = ratio.unsigned_abs() * trigger.units;
            let side = if (ratio > 0) == is_buy { Side::Buy } else { Side::Sell };
            let reaching = |ticks: i64| {
                let far_e9 = ticks * self.pair.legs[leg].tick_e9;
                trigger.prices_e9[leg] + if side == Side::Buy { far_e9 } else { -far_e9 }
            };
            // One tick is paid up.
            let (price, far) = (reaching(1), reaching(50));
            let heard = self.take(now, leg, side, price, lots);
            if heard < lots {
                is_broken = true;
                // Whatever it costs.
                let more = self.take(now, leg, side, far, lots - heard);
                assert_eq!(heard + more, lots, "a leg of {} is repaired", self.pair.name);
            }
        }
        self.broken += u32::from(is_broken);
        let units = trigger.units as i32;
        self.position += if is_buy { units } else { -units };
        if before == 0 {
            self.opened = now;
        } else if self.position == 0 {
            self.round_trips += 1;
            self.longest_held = self.longest_held.max(now.since(self.opened));
        }
    }

    /// Takes from one market; says how many lots.
    fn take(&mut self, now: MonoNs, leg: usize, side: Side, price_e9: i64, lots: u32) -> u32 {
        let &Leg { market, listing, .. } = &self.pair.legs[leg];
        let holding = self.markets[market].accounts().holding(Self::ACCOUNT, listing);
        let opposite = if side == Side::Buy { holding.short } else { holding.long };
        let effect = match market {
            OVERSEAS => PositionEffect::Net,
            _ if opposite.free_today() >= lots => PositionEffect::CloseToday,
            _ => PositionEffect::Open,
        };
        let order = Order {
            account: Self::ACCOUNT,
            client_id: u64::from(self.fires),
            listing,
            side,
            price: Price::Limit(price_e9),
            time_in_force: TimeInForce::FillAndKill,
            lots,
            min_lots: 0,
            effect,
        };
        let mut heard = Heard::default();
        self.markets[market].submit(now, &order, &mut heard);
        self.taken[leg][usize::from(side == Side::Buy)] += heard.filled;
        let lots = i64::from(heard.filled);
        self.net_lots[leg] += if side == Side::Buy { lots } else { -lots };
        heard.filled
    }

    /// Yuan that both legs have brought, fees taken off, what is open at the middle of the book.
    pub fn profit(&self) -> i64 {
        let of_leg = |leg: &Leg| {
            let (exchange, listing) = (&self.markets[leg.market], leg.listing);
            let engine = exchange.engine(listing).expect("it is listed");
            let [bid, ask] = [Side::Buy, Side::Sell].map(|side| engine.best(side).expect("it is"));
            let holding = exchange.accounts().holding(Self::ACCOUNT, listing);
            let profit = holding.profit_e9(engine.listing(), (bid + ask) / 2) / 1_000_000;
            // Thousandths of yuan, and of dollars at 7.1.
            if leg.market == OVERSEAS { profit * 71 / 10 } else { profit }
        };
        let sum: i128 = self.pair.traded().map(of_leg).sum();
        i64::try_from(sum / 1_000).expect("a sum of money")
    }

    pub fn beliefs(&self) -> impl Iterator<Item = (&Exchange, ListingIndex, i64)> {
        let rows = self.pair.traded().zip(self.net_lots);
        rows.map(|(leg, net_lots)| (&self.markets[leg.market], leg.listing, net_lots))
    }

    pub fn summary(&self) -> String {
        let Self { fires, broken, round_trips, longest_held, .. } = self;
        let (held_ms, profit) = (longest_held.0 / 1_000_000, self.profit());
        format!(
            "{round_trips} round trips, {fires} fires, {broken} broken, held {held_ms} ms at most, \
             {profit} CNY"
        )
    }
}

/// Whose books were told to be others.
#[derive(Default)]
struct Changed {
    listings: BTreeSet<ListingIndex>,
}

impl Sink for Changed {
    fn take(&mut self, _now: MonoNs, event: &Event) {
        match event {
            Event::Slice(slice) => self.listings.insert(slice.listing),
            Event::Level(level) => self.listings.insert(level.listing),
            _ => false,
        };
    }
}

fn depth(shown: &Shown, side: Side) -> Depth {
    let mut depth = if side == Side::Buy { Depth::NO_BIDS } else { Depth::NO_ASKS };
    let rungs: &[Rung] = shown.side(side);
    let slots = depth.price_e9.iter_mut().zip(&mut depth.lots);
    for ((price_e9, lots), rung) in slots.zip(rungs).take(QUOTE_LEVELS) {
        (*price_e9, *lots) = (rung.price_e9, rung.lots);
        depth.count += 1;
    }
    depth
}

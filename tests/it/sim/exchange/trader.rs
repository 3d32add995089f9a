//! A plain trader of one spread over both markets: the desk's own evaluation of prices, two orders
//! that take, and nothing else of the engine.

use cross_market_connect::sim::exchange::{
    Event, Exchange, ListingIndex, Order, Price, Rung, Shown, Sink,
};
use xmc_hotpath::message::{
    AccountId, Depth, HedgeFlag, LegSpec, MAX_LEGS, PositionEffect, ProjectId, QUOTE_LEVELS, Side,
    SpreadIndex, SpreadSpec, StrategyId, TimeInForce,
};
use xmc_hotpath::spread::{LegBook, evaluate};
use xmc_hotpath::time::{MonoNs, Span};

/// What the trader trades: a domestic leg, an overseas leg, the yuan for its price.
pub struct Pair {
    pub name: &'static str,
    spec: SpreadSpec,
    /// Rows of the domestic and the overseas market, and of the yuan.
    listings: [ListingIndex; 3],
    ticks_e9: [i64; 2],
}

fn q32(value: f64) -> i64 {
    (value * 4_294_967_296.0) as i64
}

impl Pair {
    /// Domestic price less overseas price in the domestic unit, linear around where both start.
    fn new(name: &'static str, per_dollar: f64, dollar: f64, levels: [f64; 4]) -> Self {
        let yuan = 7.1;
        let leg = |ratio_lots, coefficient: f64| LegSpec {
            instrument: xmc_hotpath::message::InstrumentIndex(0),
            ratio_lots,
            coefficient_q32: q32(coefficient),
            pay_up_e9: 0,
        };
        let [buy_open, buy_close, sell_open, sell_close] = levels.map(|level| (level * 1e9) as i64);
        let spec = SpreadSpec {
            spread: SpreadIndex(0),
            strategy: StrategyId(0),
            account: Trader::ACCOUNT,
            project: ProjectId(0),
            is_enabled: true,
            leg_count: 3,
            legs: [
                leg(2, 1.0),
                leg(-1, -per_dollar * yuan),
                leg(0, -per_dollar * dollar),
                LegSpec::NONE,
            ],
            constant_e9: (per_dollar * dollar * yuan * 1e9) as i64,
            buy_open_e9: buy_open,
            buy_close_e9: buy_close,
            sell_open_e9: sell_open,
            sell_close_e9: sell_close,
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
        };
        let listings = [0, 0, 2].map(ListingIndex);
        Self { name, spec, listings, ticks_e9: [10_000_000_000, 500_000] }
    }

    /// CNY per tonne: opened beyond 22, closed beyond 6 on the same side.
    pub fn copper() -> Self {
        Self::new("cu-HG", 2_204.622_621_85 * 1.13, 5.0, [-22.0, -6.0, 22.0, 6.0])
    }

    /// CNY per gram.
    pub fn gold() -> Self {
        let levels = [-0.09, -0.02, 0.09, 0.02];
        let pair = Self::new("au-GC", 1.0 / 31.103_476_8, 4_000.0, levels);
        let listings = [2, 1, 2].map(ListingIndex);
        let mut spec = pair.spec;
        spec.legs[0].ratio_lots = 3;
        Self { listings, spec, ticks_e9: [20_000_000, 100_000_000], ..pair }
    }
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
            let [domestic, overseas] = &mut self.markets;
            let now = domestic.next_at().min(overseas.next_at());
            if now > end {
                return;
            }
            let mut changed = Changed { of: self.pair.listings, is_changed: [false; 2] };
            domestic.step(now, &mut changed);
            overseas.step(now, &mut changed);
            for (taken, is_changed) in self.taken.iter_mut().zip(changed.is_changed) {
                if is_changed {
                    *taken = [0; 2];
                }
            }
            if changed.is_changed != [false; 2] {
                self.look(now.after(self.delay));
            }
        }
    }

    fn look(&mut self, now: MonoNs) {
        let [domestic, overseas, yuan] = self.pair.listings;
        let sources = [(0, domestic), (1, overseas), (1, yuan)];
        let depths = sources.map(|(market, listing)| {
            let (shown, _) = self.markets[market].published(listing).expect("it is listed");
            [Side::Buy, Side::Sell].map(|side| depth(shown, side))
        });
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
            let heard = self.take(now, leg, side, trigger.prices_e9[leg], lots);
            if heard < lots {
                is_broken = true;
                // Whatever it costs.
                let far = 50 * self.pair.ticks_e9[leg];
                let price = trigger.prices_e9[leg];
                let price = if side == Side::Buy { price + far } else { price - far };
                let more = self.take(now, leg, side, price, lots - heard);
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
        let listing = self.pair.listings[leg];
        let holding = self.markets[leg].accounts().holding(Self::ACCOUNT, listing);
        let opposite = if side == Side::Buy { holding.short } else { holding.long };
        let effect = match leg {
            1 => PositionEffect::Net,
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
        self.markets[leg].submit(now, &order, &mut heard);
        self.taken[leg][usize::from(side == Side::Buy)] += heard.filled;
        let lots = i64::from(heard.filled);
        self.net_lots[leg] += if side == Side::Buy { lots } else { -lots };
        heard.filled
    }

    /// Yuan that both legs have brought, fees taken off, what is open at the middle of the book.
    pub fn profit(&self) -> i64 {
        let of_leg = |leg: usize| {
            let (exchange, listing) = (&self.markets[leg], self.pair.listings[leg]);
            let engine = exchange.engine(listing).expect("it is listed");
            let [bid, ask] = [Side::Buy, Side::Sell].map(|side| engine.best(side).expect("it is"));
            let holding = exchange.accounts().holding(Self::ACCOUNT, listing);
            holding.profit_e9(engine.listing(), (bid + ask) / 2) / 1_000_000
        };
        // Thousandths of yuan, and of dollars at 7.1.
        let sum = of_leg(0) + of_leg(1) * 71 / 10;
        i64::try_from(sum / 1_000).expect("a sum of money")
    }

    pub fn beliefs(&self) -> impl Iterator<Item = (&Exchange, ListingIndex, i64)> {
        let rows = self.markets.iter().zip(self.pair.listings).zip(self.net_lots);
        rows.map(|((exchange, listing), net_lots)| (exchange, listing, net_lots))
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

/// Which of the trader's books were told to be others.
struct Changed {
    of: [ListingIndex; 3],
    is_changed: [bool; 2],
}

impl Sink for Changed {
    fn take(&mut self, _now: MonoNs, event: &Event) {
        match event {
            Event::Slice(slice) if slice.listing == self.of[0] => self.is_changed[0] = true,
            Event::Level(level) if level.listing == self.of[1] => self.is_changed[1] = true,
            _ => {}
        }
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

//! The background of the markets: the same for a seed, within its bounds, and worth trading.

use super::trader::{Pair, Trader};
use super::{Reader, is_crossed};
use cross_market_connect::sim::exchange::flow::{
    Interruption, Product, Root, Temper, Trouble, World,
};
use cross_market_connect::sim::exchange::{
    Event, Exchange, FillNo, ListingIndex, Phase, Publish, Settings, Sink,
};
use std::hash::{DefaultHasher, Hash, Hasher};
use xmc_hotpath::message::{AccountId, Side};
use xmc_hotpath::time::{MonoNs, Span};

const SECOND: u64 = 1_000_000_000;

/// Checks what every reader of the market relies on, and keeps a digest of all that is said.
struct Observer {
    readers: Vec<Reader>,
    depth: usize,
    digest: DefaultHasher,
    events: u64,
    trades: u64,
    latest: MonoNs,
}

impl Observer {
    fn new(exchange: &Exchange) -> Self {
        let readers = exchange.listings().map(|_| Reader::default()).collect();
        let depth = usize::from(exchange.rules().depth);
        let latest = MonoNs(0);
        Self { readers, depth, digest: DefaultHasher::new(), events: 0, trades: 0, latest }
    }

    fn digest(&self) -> u64 {
        self.digest.finish()
    }

    fn assert_follows(&self, exchange: &Exchange) {
        for ((listing, engine), reader) in exchange.listings().zip(&self.readers) {
            let (shown, figures) = exchange.published(listing).expect("it is listed");
            assert_eq!(&reader.shown, shown, "{}", engine.listing().symbol);
            assert!(!is_crossed(shown));
            let limits = engine.listing().lower_e9..=engine.listing().upper_e9;
            let rungs = shown.bids.iter().chain(&shown.asks);
            assert!(rungs.into_iter().all(|rung| limits.contains(&rung.price_e9)));
            assert!(figures.last_e9.is_none_or(|last| limits.contains(&last)));
        }
    }
}

impl Sink for Observer {
    fn take(&mut self, now: MonoNs, event: &Event) {
        assert!(now >= self.latest, "time goes on");
        self.latest = now;
        self.events += 1;
        (now.0, format!("{event:?}")).hash(&mut self.digest);
        match event {
            Event::Level(level) => {
                self.readers[usize::from(level.listing.0)].take(level, self.depth);
            }
            Event::Slice(slice) => {
                let reader = &mut self.readers[usize::from(slice.listing.0)];
                slice.levels.iter().for_each(|level| reader.take(level, self.depth));
            }
            Event::Trade(_) => self.trades += 1,
            Event::Rejected { order, reason } => panic!("{order:?} of the crowd: {reason:?}"),
            _ => {}
        }
    }
}

fn markets(world: u64) -> [Settings; 2] {
    [Settings::shfe(world, "2609"), Settings::cme(world, "U6")]
}

/// Twenty seconds of a market, as one number and two counts.
fn observe(settings: Settings, seed: u64) -> (u64, u64, u64) {
    let start = settings.start.0;
    let mut exchange = Exchange::new(settings, seed);
    let mut observer = Observer::new(&exchange);
    for beat in 1..=200 {
        exchange.step(MonoNs(start + beat * SECOND / 10), &mut observer);
        observer.assert_follows(&exchange);
    }
    for (listing, engine) in exchange.listings() {
        let symbol = &engine.listing().symbol;
        let holders: Vec<_> = exchange.accounts().holders(listing).collect();
        assert_eq!(holders.iter().map(|(_, holding)| holding.net_lots()).sum::<i64>(), 0);
        assert_eq!(holders.iter().map(|(_, holding)| holding.cash_e9).sum::<i128>(), 0);
        let (shown, figures) = exchange.published(listing).expect("it is listed");
        let volume_lots = figures.volume_lots;
        assert!(shown.bids.len() > 2 && shown.asks.len() > 2, "{symbol} is quoted: {shown:?}");
        assert!(volume_lots > 20, "{symbol} is traded: {volume_lots} lots");
    }
    (observer.digest(), observer.events, observer.trades)
}

#[test]
fn a_seed_is_a_market() {
    for settings in markets(7) {
        let first = observe(settings.clone(), 1);
        assert_eq!(first, observe(settings.clone(), 1));
        assert_ne!(first, observe(settings.clone(), 2));
        println!("{:?}: {} events, {} trades in 20 s", settings.rules.publish, first.1, first.2);
        // A venue that comes up later finds itself in the same world, and whole.
        observe(Settings { start: MonoNs(9 * SECOND + 123_456_789), ..settings }, 1);
    }
}

#[test]
fn the_world_depends_on_nothing_but_seed_and_time() {
    let (mut slow, mut fast) = (World::new(3), World::new(3));
    for beat in 0..2_000 {
        slow.advance_to(MonoNs(beat * SECOND / 100));
    }
    fast.advance_to(MonoNs(1_999 * SECOND / 100));
    let still = Temper { jump_ticks: 0, rest_ms: 0, more_ms: 0, basis_ticks: 0, runaway_ticks: 0 };
    let mut calm = World::with_tempers(3, |_| still);
    calm.advance_to(MonoNs(1_999 * SECOND / 100));
    for product in Product::ALL {
        assert_eq!(slow.fair_e9(product), fast.fair_e9(product));
        let common = product.convert(
            slow.root_e9(match product {
                Product::Cu | Product::Bc | Product::Hg => Root::Copper,
                Product::Au | Product::Gc => Root::Gold,
                Product::Cnh => Root::Yuan,
                Product::Sc | Product::Cl => Root::Oil,
            }),
            slow.root_e9(Root::Yuan),
        );
        assert_eq!(calm.fair_e9(product), common, "{product:?} without a temper");
    }
}

/// Against floating point, by the formulas as people write them.
#[test]
fn prices_are_converted_as_people_do() {
    let (copper, gold, yuan, oil) = (5.0, 4_000.0, 7.1, 70.0);
    let expected = [
        (Product::Cu, copper * 2_204.622_621_85 * yuan * 1.13),
        (Product::Bc, copper * 2_204.622_621_85 * yuan),
        (Product::Au, gold * yuan / 31.103_476_8),
        (Product::Hg, copper),
        (Product::Gc, gold),
        (Product::Cnh, yuan),
        (Product::Sc, oil * yuan),
        (Product::Cl, oil),
    ];
    for (product, expected) in expected {
        let listing = product.listing("x");
        let start = listing.reference_e9 as f64 / 1e9;
        let tick = listing.tick_e9 as f64 / 1e9;
        assert!((start - expected).abs() <= tick * 0.51, "{product:?}: {start}, {expected}");
        assert_eq!(listing.reference_e9 % listing.tick_e9, 0);
        assert_eq!(
            (listing.lower_e9 % listing.tick_e9, listing.upper_e9 % listing.tick_e9),
            (0, 0)
        );
    }
}

/// The roots stay near where they start for hours, so limits are never in the way.
#[test]
fn hours_of_the_world_stay_within_half_the_limits() {
    let mut world = World::new(11);
    let mut furthest = [0_i64; Product::ALL.len()];
    for beat in 0..4 * 3_600_u64 {
        world.advance_to(MonoNs(beat * SECOND));
        for (far, product) in furthest.iter_mut().zip(Product::ALL) {
            let listing = product.listing("x");
            let moved = (world.fair_e9(product) - listing.reference_e9).abs();
            *far = (*far).max(moved);
            assert!(moved < (listing.upper_e9 - listing.reference_e9) / 2, "{product:?}");
        }
    }
    println!("furthest from the start in four hours: {furthest:?}");
}

/// Twenty seconds of a spread trader on both markets.
fn trade(pair: &Pair, seed: u64, delay: Span) -> Trader<'_> {
    let [domestic, overseas] = markets(seed);
    let markets = [Exchange::new(domestic, seed + 1), Exchange::new(overseas, seed + 2)];
    let mut trader = Trader::new(pair, markets, delay);
    trader.run_until(MonoNs(20 * SECOND));
    trader
}

#[test]
fn a_spread_trader_makes_round_trips_all_the_time() {
    for pair in Pair::all() {
        let mut longest_held = Span(0);
        for seed in 0..6 {
            let trader = trade(&pair, seed, Span(100_000));
            println!("{} seed {seed}: {}", pair.name, trader.summary());
            assert!(trader.round_trips >= pair.least_round_trips, "{}", trader.summary());
            assert!(trader.broken * 100 <= trader.fires, "{} fires broke", trader.broken);
            assert!(trader.profit() > 0, "{}", trader.summary());
            longest_held = longest_held.max(trader.longest_held);
        }
        assert!(longest_held > Span(SECOND), "{} runs away at times", pair.name);
    }
}

/// On a busy machine without a core to itself.
#[test]
fn a_slow_trader_makes_them_too() {
    for pair in Pair::all() {
        for seed in 0..6 {
            let trader = trade(&pair, seed, Span(5_000_000));
            println!("{} 5 ms late, seed {seed}: {}", pair.name, trader.summary());
            assert!(trader.round_trips * 5 >= pair.least_round_trips * 4, "{}", trader.summary());
            assert!(trader.broken * 20 <= trader.fires, "{} fires broke", trader.broken);
        }
    }
}

/// A venue that was killed books the fills that it had kept, and goes on.
#[test]
fn a_restart_loses_no_fill() {
    let pair = Pair::copper();
    let trader = trade(&pair, 21, Span(100_000));
    let settings = markets(21).map(|settings| Settings { start: MonoNs(21 * SECOND), ..settings });
    for ((old, listing, net_lots), settings) in trader.beliefs().zip(settings) {
        let mut exchange = Exchange::new(settings, 1);
        let fills: Vec<_> = old.accounts().fills(Trader::ACCOUNT, FillNo(0)).collect();
        exchange.recover(&fills);
        let accounts = exchange.accounts();
        let holding = accounts.holding(Trader::ACCOUNT, listing);
        assert_eq!(holding, old.accounts().holding(Trader::ACCOUNT, listing));
        assert_eq!(holding.net_lots(), net_lots);
        assert_eq!(accounts.fills(Trader::ACCOUNT, FillNo(0)).collect::<Vec<_>>(), fills);
        exchange.step(MonoNs(22 * SECOND), &mut ());
        let accounts = exchange.accounts();
        let (mut net_lots, mut long_lots) = (0, 0);
        for (_, holding) in accounts.holders(listing) {
            net_lots += holding.net_lots();
            long_lots += i64::from(holding.long.lots());
        }
        assert_eq!(net_lots, 0);
        if exchange.rules().publish != Publish::Events {
            let figures = exchange.figures(listing).expect("it is listed");
            assert_eq!(figures.open_interest_lots(), long_lots);
        }
        let last = fills.last().expect("it traded").fill;
        let mut events = Vec::new();
        exchange.step(MonoNs(25 * SECOND), &mut events);
        let is_new = |(_, event): &(MonoNs, Event)| match event {
            Event::Filled(fill) => {
                fill.fill_no > last.fill_no
                    && fill.trade_no > last.trade_no
                    && fill.ticket.order_no > last.ticket.order_no
            }
            _ => true,
        };
        assert!(events.iter().all(is_new));
    }
}

/// What does not end does not grow either.
#[test]
fn ten_minutes_leave_nothing_behind() {
    for settings in markets(13) {
        let mut exchange = Exchange::new(settings, 1);
        let mut counts = Vec::new();
        for minute in 1..=10 {
            exchange.step(MonoNs(minute * 60 * SECOND), &mut ());
            let live: usize = exchange.listings().map(|(_, engine)| engine.orders().count()).sum();
            let held = |(listing, _)| {
                exchange
                    .accounts()
                    .holders(listing)
                    .map(|(_, held)| u64::from(held.long.lots()) + u64::from(held.short.lots()))
                    .sum::<u64>()
            };
            counts.push((live, exchange.listings().map(held).sum::<u64>()));
        }
        println!("live orders and lots held by the minute: {counts:?}");
        let most_live = counts.iter().map(|(live, _)| live).max();
        assert!(most_live.is_some_and(|most| *most < 500), "{most_live:?}");
    }
}

#[test]
fn what_the_trader_believes_is_what_the_accounts_say() {
    let pair = Pair::copper();
    let trader = trade(&pair, 77, Span(100_000));
    for (exchange, listing, net_lots) in trader.beliefs() {
        let accounts = exchange.accounts();
        assert_eq!(accounts.holding(Trader::ACCOUNT, listing).net_lots(), net_lots);
        let fills = accounts.fills(Trader::ACCOUNT, FillNo(0)).map(|booked| booked.fill);
        let signed = fills.filter(|fill| fill.ticket.listing == listing).map(|fill| {
            let lots = i64::from(fill.lots);
            if fill.ticket.side == Side::Buy { lots } else { -lots }
        });
        assert_eq!(signed.sum::<i64>(), net_lots);
        assert!(accounts.fills(AccountId(0xF000_0000), FillNo(0)).count() == 0, "not of the crowd");
    }
}

#[test]
fn interruptions_come_by_schedule() {
    let at = |listing, trouble, first, lasts| Interruption {
        trouble,
        listing: ListingIndex(listing),
        first: MonoNs(first),
        every: Span(4 * SECOND),
        lasts: Span(lasts),
    };
    for mut settings in markets(5) {
        let slices = settings.rules.publish != Publish::Events;
        let flow = settings.flow.as_mut().expect("there is a background");
        flow.interruptions = vec![
            at(0, Trouble::Halt, SECOND, SECOND),
            at(1, Trouble::OneSided(Side::Buy), 2 * SECOND, SECOND),
            at(2, Trouble::OneSided(Side::Sell), 2 * SECOND, SECOND),
        ];
        let mut exchange = Exchange::new(settings, 1);
        let mut observer = Observer::new(&exchange);
        // Long enough after each change that a slice has told it.
        for beat in 0..19 {
            // In the midst of the halt: it ends in its time, and nothing comes after it.
            if beat == 10 {
                exchange.undisturb();
            }
            let second = if beat > 9 { 0 } else { beat % 4 };
            exchange.step(MonoNs(beat * SECOND + SECOND * 9 / 10), &mut observer);
            observer.assert_follows(&exchange);
            let phase = exchange.engine(ListingIndex(0)).expect("it is listed").phase();
            assert_eq!(phase == Phase::Halted, second == 1, "second {beat}");
            for (listing, side) in [(1, Side::Buy), (2, Side::Sell)] {
                let (shown, _) = exchange.published(ListingIndex(listing)).expect("it is listed");
                let has = [side, side.opposite()].map(|side| !shown.side(side).is_empty());
                assert_eq!(has, [second != 2, true], "second {beat}, slices: {slices}");
            }
        }
    }
}

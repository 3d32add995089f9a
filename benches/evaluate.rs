//! Evaluating a spread: two legs and three, with a level that is met and with two that are not.

#[expect(dead_code, reason = "each bench uses a part of it")]
mod fixture;
#[expect(dead_code, reason = "each bench uses a part of it")]
mod measure;

use cross_market_connect::engine::inputs;
use fixture::Market;
use measure::{Bench, fold, fold_signed};
use xmc_hotpath::message::{Control, Depth, MAX_LEGS, Quote, SpreadSpec};
use xmc_hotpath::spread::{self, LegBook};

/// Books evaluated in one batch, all different.
const BATCH: usize = 64;
/// Events of the market from which they are picked.
const EVENTS: usize = 4_000;
/// A level that no value of these spreads meets.
const FAR_E9: i64 = 1_000_000_000_000_000;

/// All its figures.
pub fn main() {
    let mut bench = Bench::start("evaluate");
    let config = fixture::demo();
    let (controls, _) = inputs::controls(&config);
    let specs: Vec<SpreadSpec> = controls
        .iter()
        .filter_map(|control| match control {
            Control::Spread(spec) => Some(*spec),
            _ => None,
        })
        .collect();
    let mut market = Market::new(&config);
    let moments: Vec<Vec<Quote>> = (0..EVENTS)
        .map(|_| {
            market.step();
            market.quotes()
        })
        .collect();
    for spec in &specs {
        let levels = [("trigger", i64::MAX - 1), ("no trigger", -FAR_E9)];
        for (name, buy_open_e9) in levels {
            let spec = SpreadSpec { buy_open_e9, sell_open_e9: FAR_E9, ..*spec };
            let wants_trigger = name == "trigger";
            let books: Vec<_> = moments
                .iter()
                .map(|quotes| books(&spec, quotes))
                .filter(|books| spread::evaluate(&spec, 0, books).is_some() == wants_trigger)
                .collect();
            assert!(books.len() >= BATCH, "{} books with {name} are too few", books.len());
            let name = format!("{} legs, {name}", spec.leg_count);
            let mut next = books.chunks_exact(BATCH).cycle();
            bench.figure(&name, BATCH as u64, || {
                hot_evaluate(&spec, next.next().expect("there are books"))
            });
        }
    }
}

fn books<'q>(spec: &SpreadSpec, quotes: &'q [Quote]) -> [LegBook<'q>; MAX_LEGS] {
    let mut books = [LegBook {
        bids: &Depth::NO_BIDS,
        asks: &Depth::NO_ASKS,
        taken_bid_lots: 0,
        taken_ask_lots: 0,
    }; MAX_LEGS];
    for (book, leg) in books.iter_mut().zip(&spec.legs).take(usize::from(spec.leg_count)) {
        let quote = &quotes[leg.instrument.0 as usize];
        (book.bids, book.asks) = (&quote.bids, &quote.asks);
    }
    books
}

#[inline(never)]
fn hot_evaluate(spec: &SpreadSpec, books: &[[LegBook<'_>; MAX_LEGS]]) -> u64 {
    books.iter().fold(0, |digest, legs| match spread::evaluate(spec, 0, legs) {
        Some(trigger) => fold_signed(fold(digest, u64::from(trigger.units)), trigger.value_e9),
        None => fold(digest, 1),
    })
}

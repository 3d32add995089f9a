//! A seeded market: instruments whose prices hang together, so that spreads between them wander
//! around zero and meet their levels now and then.

use xmc_hotpath::message::{Depth, QUOTE_LEVELS};

/// One instrument's walk, in ticks.
#[derive(Clone, Debug)]
struct Walk {
    /// Its distance from the common price.
    basis: i64,
    /// Half the width between bid and ask, at least; the ask is at least one tick above the bid.
    width: i64,
}

/// The market.
#[derive(Clone, Debug)]
pub struct Market {
    rng: fastrand::Rng,
    tick_e9: i64,
    common: i64,
    walks: Vec<Walk>,
    /// How far a basis may be from zero, in ticks.
    reach: i64,
    most_lots: u32,
}

impl Market {
    /// `count` instruments with prices around `common` ticks of `tick_e9`.
    pub fn new(seed: u64, count: usize, tick_e9: i64, common: i64, most_lots: u32) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let reach = rng.i64(4..=20);
        let walks =
            (0..count).map(|_| Walk { basis: rng.i64(-3..=3), width: rng.i64(1..=3) }).collect();
        Self { rng, tick_e9, common, walks, reach, most_lots }
    }

    /// The common price moves on.
    pub fn drift(&mut self) {
        self.common += self.rng.i64(-2..=2);
    }

    /// The next book of an instrument: buyers, sellers.
    pub fn step(&mut self, instrument: usize) -> (Depth, Depth) {
        let (rng, reach) = (&mut self.rng, self.reach);
        let walk = &mut self.walks[instrument];
        // Drawn back to zero, so that a schedule opens and closes.
        let pull = if walk.basis.abs() > reach { -walk.basis.signum() * 3 } else { 0 };
        walk.basis += rng.i64(-4..=4) + pull;
        let bid = self.common + walk.basis;
        let ask = bid + rng.i64(1..=walk.width);
        let bids = side(rng, bid, -1, self.tick_e9, self.most_lots, Depth::NO_BIDS);
        let asks = side(rng, ask, 1, self.tick_e9, self.most_lots, Depth::NO_ASKS);
        (bids, asks)
    }
}

fn side(
    rng: &mut fastrand::Rng,
    best: i64,
    direction: i64,
    tick_e9: i64,
    most_lots: u32,
    empty: Depth,
) -> Depth {
    let mut depth = empty;
    let mut price = best;
    let count = rng.usize(1..=QUOTE_LEVELS);
    for (slot, lots) in depth.price_e9.iter_mut().zip(&mut depth.lots).take(count) {
        *slot = price * tick_e9;
        *lots = rng.u32(1..=most_lots);
        depth.count += 1;
        price += direction * rng.i64(1..=2);
    }
    depth
}

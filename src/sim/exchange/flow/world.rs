//! What products are worth, as a function of a seed and of time, and of nothing else.
//!
//! Two venues with the same seed and the same start of time agree without talking to each other:
//! orders move no fair price. Roots (metals, oil, the yuan) wander slowly around where they start.
//! A product adds jumps, which leave it beside the others for moments, and a basis, which is quiet
//! mostly and at times runs away and comes back. So spreads open and close all the time, and now
//! and then stay open.
//!
//! Integers only, in fixed steps, so that a seed is the same world everywhere. Each root and each
//! product draws from a sequence of its own.

use super::product::{Product, Root, Temper};
use xmc_hotpath::time::{MonoNs, Span};

/// The time between two states of the world.
pub const STEP: Span = Span(5_000_000);
const STEP_MS: u32 = 5;

/// Steps in which a root that strays loses half and more of its distance: 20 s.
const ROOT_STEPS: i64 = 4_096;
/// Steps in which a basis comes most of the way to where it is drawn: 80 ms.
const BASIS_STEPS: i64 = 16;
/// A basis runs away once in so many steps: 10 s.
const RUNAWAY_ONE_IN: u32 = 2_000;
/// It stays away for so many steps: 1 to 3 s.
const RUNAWAY_STEPS: std::ops::Range<u32> = 200..600;

/// Everything of the world that moves.
#[derive(Clone, Debug)]
pub struct World {
    steps: u64,
    /// In the order of `Root`.
    roots: [Wander; 4],
    products: [Own; Product::ALL.len()],
}

impl World {
    /// The world at time 0. Products move by their own temper.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::with_tempers(seed, Product::temper)
    }

    /// The world at time 0, with other tempers.
    #[must_use]
    pub fn with_tempers(seed: u64, temper: impl Fn(Product) -> Temper) -> Self {
        let mut seeds = fastrand::Rng::with_seed(seed);
        let mut next = || fastrand::Rng::with_seed(seeds.u64(..));
        // About as many ticks of its future in each.
        let [copper, gold, yuan] =
            [12_000, 4_000, 1_500].map(|most| Wander { rng: next(), most, value: 0 });
        let products = Product::ALL.map(|product| Own::new(next(), temper(product)));
        // What came later draws later: for everything else a seed stays the world that it was.
        let oil = Wander { rng: next(), most: 17_000, value: 0 };
        Self { steps: 0, roots: [copper, gold, yuan, oil], products }
    }

    /// The moment of the state that follows.
    #[must_use]
    pub fn next_at(&self) -> MonoNs {
        MonoNs((self.steps + 1) * STEP.0)
    }

    /// Goes on to the last state that is not after `now`.
    pub fn advance_to(&mut self, now: MonoNs) {
        while self.next_at() <= now {
            self.roots.iter_mut().for_each(Wander::step);
            self.products.iter_mut().for_each(Own::step);
            self.steps += 1;
        }
    }

    /// A root's price, units of 1e-9.
    #[must_use]
    pub fn root_e9(&self, root: Root) -> i64 {
        let place = match root {
            Root::Copper => 0,
            Root::Gold => 1,
            Root::Yuan => 2,
            Root::Oil => 3,
        };
        let moved = i128::from(root.start_e9()) * i128::from(self.roots[place].value);
        root.start_e9() + i64::try_from(moved / 1_000_000_000).expect("a part of the price")
    }

    /// What a product is worth, units of 1e-9; not on its grid.
    #[must_use]
    pub fn fair_e9(&self, product: Product) -> i64 {
        let place = Product::ALL.iter().position(|other| *other == product);
        let own = &self.products[place.expect("all products are there")];
        let common = product.convert(self.root_e9(product.facts().root), self.root_e9(Root::Yuan));
        common + own.value() * product.tick_e9() / 1_000
    }
}

/// A root's distance from its start, in parts of 1e-9.
#[derive(Clone, Debug)]
struct Wander {
    rng: fastrand::Rng,
    /// The largest step.
    most: i64,
    value: i64,
}

impl Wander {
    fn step(&mut self) {
        self.value += self.rng.i64(-self.most..=self.most) - self.value / ROOT_STEPS;
    }
}

/// What a product adds to its common price, in thousandths of a tick.
#[derive(Clone, Debug)]
struct Own {
    rng: fastrand::Rng,
    temper: Temper,
    /// -1, 0 or 1.
    jump: i64,
    /// Steps since the last jump.
    rested: u32,
    basis: i64,
    /// Where the basis is drawn to, and for how many more steps.
    target: i64,
    left: u32,
}

impl Own {
    fn new(rng: fastrand::Rng, temper: Temper) -> Self {
        Self { rng, temper, jump: 0, rested: 0, basis: 0, target: 0, left: 0 }
    }

    fn value(&self) -> i64 {
        self.jump * self.temper.jump_ticks * 1_000 + self.basis
    }

    fn step(&mut self) {
        // The same draws whatever the temper: two tempers of one seed differ in nothing else.
        let (jumps, to) = (self.rng.u32(..), self.rng.i64(1..=2));
        let (runs, side) = (self.rng.u32(..RUNAWAY_ONE_IN), self.rng.bool());
        let (part, steps) = (self.rng.i64(500..=1_000), self.rng.u32(RUNAWAY_STEPS));
        let noise = self.rng.i64(-1_000..=1_000);
        let temper = &self.temper;
        self.rested += 1;
        let is_rested = temper.rest_ms > 0 && self.rested * STEP_MS >= temper.rest_ms;
        if is_rested && jumps % temper.more_ms.max(STEP_MS) < STEP_MS {
            // To one of the two other places.
            self.jump = (self.jump + 1 + to).rem_euclid(3) - 1;
            self.rested = 0;
        }
        if self.left > 0 {
            self.left -= 1;
        } else if runs == 0 {
            let far = temper.runaway_ticks * part;
            (self.target, self.left) = (if side { far } else { -far }, steps);
        } else {
            self.target = 0;
        }
        // What is drawn back by a sixteenth strays by about three steps.
        let stray = temper.basis_ticks * noise / 3;
        self.basis += (self.target - self.basis) / BASIS_STEPS + stray;
    }
}

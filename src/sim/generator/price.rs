//! Where prices come from: a common factor that wanders, and a basis of each instrument that
//! returns to zero, but at times is held away from it for a while. Integers only, so that a seed
//! gives the same market everywhere.

/// One in 1e-9.
const ONE_E9: i64 = 1_000_000_000;
/// The factor stays within this of one.
const MOST_FACTOR_E9: i64 = 80_000_000;

/// What moves all instruments in proportion to their prices, in 1e-9 away from one.
#[derive(Clone, Debug, Default)]
pub(super) struct Factor {
    value_e9: i64,
}

impl Factor {
    /// Moves on by at most `most_e9`; at its bounds it turns back.
    pub fn step(&mut self, rng: &mut fastrand::Rng, most_e9: i64) {
        let moved = self.value_e9 + rng.i64(-most_e9..=most_e9);
        self.value_e9 = moved.clamp(-MOST_FACTOR_E9, MOST_FACTOR_E9);
    }

    /// `milliticks` at factor one, as they are now.
    fn apply(&self, milliticks: i64) -> i64 {
        let scaled = i128::from(milliticks) * i128::from(ONE_E9 + self.value_e9);
        i64::try_from(scaled / i128::from(ONE_E9)).expect("a price of the same magnitude")
    }
}

/// One instrument's distance from what the common factor says, in thousandths of a tick.
#[derive(Clone, Debug)]
pub(super) struct Basis {
    start_ticks: i64,
    /// Lowest and highest price.
    bounds: (i64, i64),
    reach_ticks: i64,
    value: i64,
    /// Where it is drawn to, and for how many more steps.
    excursion: (i64, u32),
}

impl Basis {
    /// A basis of zero.
    pub fn new(start_ticks: i64, bounds: (i64, i64), reach_ticks: i64) -> Self {
        Self { start_ticks, bounds, reach_ticks, value: 0, excursion: (0, 0) }
    }

    /// Moves on, and now and then begins an excursion.
    pub fn step(&mut self, rng: &mut fastrand::Rng) {
        let (target, left) = self.excursion;
        if left > 0 {
            self.excursion = (target, left - 1);
        } else if rng.u32(..300) == 0 {
            self.excursion = self.draw_excursion(rng);
        } else {
            self.excursion = (0, 0);
        }
        self.value += (self.excursion.0 - self.value) / 16 + rng.i64(-400..=400);
    }

    /// A push by a trade.
    pub fn push(&mut self, milliticks: i64) {
        self.value += milliticks;
    }

    fn draw_excursion(&self, rng: &mut fastrand::Rng) -> (i64, u32) {
        let far = self.reach_ticks.max(1);
        // One in sixteen runs away: several times as far, and several times as long.
        let times = if rng.u32(..16) == 0 { 4 } else { 1 };
        let ticks = rng.i64(far.div_euclid(2).max(1)..=far) * times;
        let sign = if rng.bool() { 1 } else { -1 };
        (sign * ticks * 1_000, rng.u32(20..120) * times.unsigned_abs() as u32)
    }

    /// The fair price, in thousandths of a tick.
    pub fn fair(&self, factor: &Factor) -> i64 {
        let (lowest, highest) = self.bounds;
        let fair = factor.apply(self.start_ticks * 1_000) + self.value;
        fair.clamp(lowest * 1_000, highest * 1_000)
    }
}

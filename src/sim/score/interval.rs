//! How sure a figure is: intervals over seeds, both runs of a seed always drawn together.

use serde::Serialize;

use super::figure::Figure;
use super::receipts::Counts;

/// Times that seeds are drawn anew.
pub const DRAWS: usize = 2_000;

/// The share of the draws that an interval holds, in percent.
pub const SURE_PCT: usize = 95;

/// The seed of the draws: the same figures give the same interval.
const SEED: u64 = 0x696e_7465_7276_616c;

/// From where to where.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// The percentiles that hold `SURE_PCT` of `values`; `None` without any.
    #[must_use]
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let last = values.len().checked_sub(1)?;
        // Half of what is left out lies beyond either end.
        let beyond = last * (100 - SURE_PCT) / 200;
        Some(Self { low: values[beyond], high: values[last - beyond] })
    }
}

/// What came of one market: of the desk, and of the same desk leg after leg.
pub type Pair = [Counts; 2];

/// The sums over markets.
#[must_use]
pub fn sum<'p>(pairs: impl IntoIterator<Item = &'p Pair>) -> Pair {
    let mut sums = Pair::default();
    for pair in pairs {
        for (sum, counts) in sums.iter_mut().zip(pair) {
            sum.add(counts);
        }
    }
    sums
}

/// The interval of the difference of each of `figures`, by the percentile bootstrap: as many seeds
/// as there are, drawn with replacement, `DRAWS` times. `None` where a figure has none.
#[must_use]
pub fn differences(pairs: &[Pair], figures: &[Figure]) -> Vec<Option<Interval>> {
    let mut rng = fastrand::Rng::with_seed(SEED);
    let mut values = vec![Vec::with_capacity(DRAWS); figures.len()];
    for _ in 0..DRAWS {
        let drawn = (0..pairs.len()).map(|_| &pairs[rng.usize(..pairs.len())]);
        let sums = sum(drawn);
        for (figure, values) in figures.iter().zip(&mut values) {
            values.extend(figure.difference(&sums));
        }
    }
    values.into_iter().map(Interval::of).collect()
}

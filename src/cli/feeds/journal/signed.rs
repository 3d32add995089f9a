//! Percentiles of figures that may be below zero: a venue's clock may be ahead of this host's.

use hdrhistogram::Histogram;

/// Figures of either sign, each to three digits.
#[derive(Clone, Debug)]
pub struct Signed {
    below: Histogram<u64>,
    above: Histogram<u64>,
    least: i64,
    most: i64,
}

impl Default for Signed {
    fn default() -> Self {
        let empty = || Histogram::new(3).expect("3 digits are allowed");
        Self { below: empty(), above: empty(), least: i64::MAX, most: i64::MIN }
    }
}

impl Signed {
    /// Takes a figure; one beyond 64 bits counts as the furthest there is.
    pub fn record(&mut self, figure: i128) {
        let furthest = i128::from(i64::MAX);
        let figure = i64::try_from(figure.clamp(-furthest, furthest)).unwrap_or(i64::MAX);
        (self.least, self.most) = (self.least.min(figure), self.most.max(figure));
        let side = if figure < 0 { &mut self.below } else { &mut self.above };
        side.record(figure.unsigned_abs()).expect("it grows");
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        self.below.len() + self.above.len()
    }

    /// The least, exactly; `None` if there are none.
    pub fn least(&self) -> Option<i64> {
        (self.len() > 0).then_some(self.least)
    }

    /// The most, exactly; `None` if there are none.
    pub fn most(&self) -> Option<i64> {
        (self.len() > 0).then_some(self.most)
    }

    /// The figure that a share in thousandths of all are not above, to three digits.
    pub fn at(&self, per_mille: u64) -> Option<i64> {
        let len = self.len();
        let rank = (u128::from(len) * u128::from(per_mille)).div_ceil(1_000).max(1);
        let rank = u64::try_from(rank).ok().filter(|_| len > 0)?;
        let below = self.below.len();
        // The smallest of those below zero are the largest of their absolute values.
        let found = if rank <= below {
            -signed(nth(&self.below, below - rank + 1))
        } else {
            signed(nth(&self.above, rank - below))
        };
        Some(found.clamp(self.least, self.most))
    }
}

fn signed(figure: u64) -> i64 {
    i64::try_from(figure).unwrap_or(i64::MAX)
}

/// The `rank`-th of a histogram, from 1, the smallest first.
fn nth(histogram: &Histogram<u64>, rank: u64) -> u64 {
    let mut counted = 0;
    for step in histogram.iter_recorded() {
        counted += step.count_since_last_iteration();
        if counted >= rank {
            return step.value_iterated_to();
        }
    }
    histogram.max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_of_both_signs_are_those_of_a_sorted_list() {
        let mut rng = fastrand::Rng::with_seed(5);
        let (mut figures, mut signed) = (Vec::new(), Signed::default());
        assert_eq!((signed.at(500), signed.least()), (None, None));
        for _ in 0..1_000 {
            // Below 2,048 every figure is exact.
            let figure = rng.i64(-500..1_500);
            figures.push(figure);
            signed.record(figure.into());
        }
        figures.sort_unstable();
        for per_mille in [0, 1, 10, 250, 500, 900, 990, 999, 1_000] {
            let rank = (per_mille as usize).max(1);
            assert_eq!(signed.at(per_mille), Some(figures[rank - 1]), "{per_mille}");
        }
        let ends = (figures.first().copied(), figures.last().copied());
        assert_eq!((signed.least(), signed.most()), ends);
        for (figure, least) in [(-9_000_000_000, -9_000_000_000), (i128::MIN, -i64::MAX)] {
            signed.record(figure);
            assert_eq!((signed.least(), signed.at(0)), (Some(least), Some(least)));
        }
    }
}

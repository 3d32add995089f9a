//! How long things took, as counts in buckets of 3 % width: any number of spans in a fixed room.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Bits of a value that are told apart.
const BITS: u32 = 5;

/// Spans in nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buckets {
    /// How many.
    pub count: u64,
    /// All together, nanoseconds.
    pub sum_ns: u128,
    /// The longest, nanoseconds.
    pub max_ns: u64,
    cells: BTreeMap<u32, u64>,
}

impl Buckets {
    /// Adds a span.
    pub fn add(&mut self, ns: u64) {
        self.count += 1;
        self.sum_ns += u128::from(ns);
        self.max_ns = self.max_ns.max(ns);
        *self.cells.entry(cell(ns)).or_default() += 1;
    }

    /// Adds all of another.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sum_ns += other.sum_ns;
        self.max_ns = self.max_ns.max(other.max_ns);
        for (cell, count) in &other.cells {
            *self.cells.entry(*cell).or_default() += count;
        }
    }

    /// What so many thousandths of all are at most, to 3 %; `None` of nothing.
    #[must_use]
    pub fn quantile_ns(&self, thousandths: u64) -> Option<u64> {
        let wanted = (u128::from(self.count) * u128::from(thousandths)).div_ceil(1_000).max(1);
        let mut seen = 0_u128;
        for (cell, count) in &self.cells {
            seen += u128::from(*count);
            if seen >= wanted {
                return Some(most(*cell).min(self.max_ns));
            }
        }
        None
    }

    /// Upper ends of the buckets and what is in them, shortest first.
    pub fn cells(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.cells.iter().map(|(cell, count)| (most(*cell), *count))
    }
}

fn cell(ns: u64) -> u32 {
    let length = 64 - ns.leading_zeros();
    let shift = length.saturating_sub(BITS + 1);
    let front = u32::try_from(ns >> shift).unwrap_or(0);
    (shift << BITS) + front
}

/// The largest value of a bucket.
fn most(cell: u32) -> u64 {
    let bit = 1 << BITS;
    if cell < 2 * bit {
        return cell.into();
    }
    let shift = (cell >> BITS) - 1;
    let front = u64::from(cell - (shift << BITS));
    ((front + 1) << shift).wrapping_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_what_is_within_three_per_cent_of_its_end() {
        let near = [0, 1, 31, 32, 63, 64, 65, 127, 128, 1_000, 123_456, 1 << 40, u64::MAX];
        for ns in near.into_iter().chain((0..64).map(|bit| (1_u64 << bit) + 1)) {
            let end = most(cell(ns));
            assert!(end >= ns && end - ns <= ns / 32, "{ns} is in the bucket that ends at {end}");
            assert!(ns == 0 || cell(ns - 1) <= cell(ns));
        }
    }

    #[test]
    fn quantiles_are_those_of_a_sorted_list() {
        let mut random = fastrand::Rng::with_seed(3);
        let mut spans: Vec<u64> = (0..5_000).map(|_| 1 << random.u32(0..30)).collect();
        let mut buckets = Buckets::default();
        spans.iter().for_each(|span| buckets.add(*span));
        spans.sort_unstable();
        for thousandths in [1, 500, 990, 999, 1_000] {
            let exact = spans[(5_000_usize * thousandths).div_ceil(1_000) - 1];
            let found = buckets.quantile_ns(thousandths as u64).expect("there are some");
            assert!(found >= exact && found - exact <= exact / 32, "{found} for {exact}");
        }
        assert_eq!(Buckets::default().quantile_ns(500), None);
    }
}

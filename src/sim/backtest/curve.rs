//! A line over time in bounded memory: at most so many points, each of so long a stretch.
//!
//! The stretch doubles when there are too many, and two points become one. So the line of a minute
//! and that of a month take the same room, and neither has to be known beforehand.

/// Points at most.
pub const MOST_POINTS: usize = 512;

/// The first stretch: a tenth of a second.
const FIRST_NS: u64 = 100_000_000;

/// One stretch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Point {
    /// Money at its end, units of 1e-9.
    pub equity_e9: i128,
    /// Lots out of ratio, the most at once.
    pub residual_lots: u64,
}

/// The line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Curve {
    /// How long a point's stretch is, in nanoseconds.
    pub step_ns: u64,
    /// Points from the beginning, without holes.
    pub points: Vec<Point>,
    /// What stands now.
    equity_e9: i128,
    residual_lots: u64,
}

impl Default for Curve {
    fn default() -> Self {
        Self { step_ns: FIRST_NS, points: Vec::new(), equity_e9: 0, residual_lots: 0 }
    }
}

impl Curve {
    /// Notes what stands from `at_ns` after the beginning on.
    pub fn note(&mut self, at_ns: u64, equity_e9: i128, residual_lots: u64) {
        self.reach(at_ns);
        (self.equity_e9, self.residual_lots) = (equity_e9, residual_lots);
        if let Some(point) = self.points.last_mut() {
            point.equity_e9 = equity_e9;
            point.residual_lots = point.residual_lots.max(residual_lots);
        }
    }

    /// Has the line go on to `at_ns` as it stands.
    pub fn reach(&mut self, at_ns: u64) {
        while at_ns / self.step_ns >= MOST_POINTS as u64 {
            self.fold();
        }
        let count = usize::try_from(at_ns / self.step_ns).unwrap_or(MOST_POINTS) + 1;
        let (equity_e9, residual_lots) = (self.equity_e9, self.residual_lots);
        if self.points.len() < count {
            self.points.resize(count, Point { equity_e9, residual_lots });
        }
    }

    fn fold(&mut self) {
        self.step_ns *= 2;
        let folded = self.points.chunks(2).map(|pair| Point {
            equity_e9: pair.last().map_or(0, |last| last.equity_e9),
            residual_lots: pair.iter().map(|point| point.residual_lots).max().unwrap_or(0),
        });
        self.points = folded.collect();
    }
}

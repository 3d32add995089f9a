//! Distributions of latencies in files: what the tools of HdrHistogram read and write.
//!
//! `.hgrm` is the text of percentiles (`hgrm`), for plotters; `.hlog` the log of intervals, each a
//! whole histogram (`hlog`), for tools that add, cut and compare. Both hold nanoseconds here; a
//! file of another program may hold another unit, so whoever reads one says which.

pub mod hgrm;
pub mod hlog;

use hdrhistogram::Histogram;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Steps of a curve for each halving of what is left to one.
const STEPS_PER_HALF: u32 = 5;

/// A distribution as a curve: for ever more of the samples, what all of those are at most.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// In ascending order of share; the last one's share is 1.
    pub points: Vec<Point>,
    /// How many samples there are.
    pub count: u64,
}

/// One point of a curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// This share of the samples, 0 to 1,
    pub share: f64,
    /// is at most this, in the unit of the file.
    pub value: f64,
}

impl Curve {
    /// Of a histogram.
    pub fn of(histogram: &Histogram<u64>) -> Self {
        let mut points: Vec<Point> = histogram
            .iter_quantiles(STEPS_PER_HALF)
            .map(|step| Point {
                share: step.quantile_iterated_to(),
                value: lossy(step.value_iterated_to()),
            })
            .collect();
        // Of equal shares the last says all: the iterator may step twice at the end.
        points.dedup_by(|later, earlier| {
            let is_same = later.share <= earlier.share;
            if is_same {
                earlier.value = earlier.value.max(later.value);
            }
            is_same
        });
        Self { points, count: histogram.len() }
    }

    /// What at least this share of the samples is at most: of the first point that has as much.
    /// `None` of a curve without points.
    pub fn at(&self, share: f64) -> Option<f64> {
        let reaches = self.points.iter().find(|point| point.share >= share);
        reaches.or(self.points.last()).map(|point| point.value)
    }

    /// The largest of all.
    pub fn most(&self) -> Option<f64> {
        self.points.last().map(|point| point.value)
    }

    /// The same in another unit.
    #[must_use]
    pub fn scaled(mut self, factor: f64) -> Self {
        self.points.iter_mut().for_each(|point| point.value *= factor);
        self
    }
}

/// Why a file is no distribution.
#[derive(Debug, thiserror::Error)]
pub enum NotOne {
    /// It cannot be read.
    #[error("cannot read it: {0}")]
    Unreadable(#[from] std::io::Error),
    /// A line of it is not what such a file has there.
    #[error("line {line}: {why}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// Nothing was recorded.
    #[error("it holds no sample")]
    Empty,
    /// Neither of the two kinds.
    #[error(
        "it is neither a text of percentiles (`.hgrm`, its first line begins with `Value`) nor a \
         log of intervals (`.hlog`, its first line begins with `#[`)"
    )]
    Unknown,
}

/// Reads either kind; which one its first line says.
///
/// # Errors
/// See `NotOne`.
pub fn read(path: &Path) -> Result<Curve, NotOne> {
    let text = String::from_utf8_lossy(&fs::read(path)?).into_owned();
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
    let curve = if first.starts_with("Value") || first.starts_with("\"Value\"") {
        hgrm::read(&text)?
    } else if first.starts_with("#[") || first.starts_with("\"StartTimestamp\"") {
        Curve::of(&hlog::read(&text)?)
    } else {
        return Err(NotOne::Unknown);
    };
    if curve.points.is_empty() || curve.count == 0 { Err(NotOne::Empty) } else { Ok(curve) }
}

/// Writes both files of a histogram of nanoseconds that was recorded until now, for `length`:
/// `path` with `.hgrm`, which it returns, and with `.hlog`.
///
/// # Errors
/// Which file cannot be written, and why.
pub fn keep(histogram: &Histogram<u64>, path: &Path, length: Duration) -> Result<PathBuf, NotKept> {
    let now = SystemTime::now();
    let begun = now.checked_sub(length).unwrap_or(now);
    let [text, log] = ["hgrm", "hlog"].map(|kind| path.with_extension(kind));
    let packed = hlog::write(histogram, begun, length);
    let packed = packed.map_err(|why| NotKept { path: log.clone(), why })?;
    for (path, bytes) in [(&text, hgrm::write(histogram).into_bytes()), (&log, packed)] {
        let failed = |why: std::io::Error| NotKept { path: path.clone(), why: why.to_string() };
        fs::write(path, bytes).map_err(failed)?;
    }
    Ok(text)
}

/// Why a distribution was not kept.
#[derive(Debug, thiserror::Error)]
#[error("cannot write `{}`: {why}", path.display())]
pub struct NotKept {
    path: PathBuf,
    why: String,
}

/// A count as the number that is drawn: above 2^53 to the nearest.
#[expect(clippy::cast_precision_loss, reason = "said: to the nearest above 2^53")]
fn lossy(count: u64) -> f64 {
    count as f64
}

//! Whether one program is slower than another, from rounds of both: no clock and no process here.
//!
//! A sample is the quickest batch of a figure in one run, divided by the quickest run of a loop
//! that never changes in the same process: of what can be timed on a machine that does other things
//! as well, that varies least (a percent from run to run, where the tail varies by a factor). A
//! round is old, new, new, old, so that what drifts hits both alike.

use serde::Serialize;

/// What is more than this much slower is told.
pub const WARN: f64 = 0.03;
/// What is more than this much slower, twice, is a finding.
pub const FAIL: f64 = 0.05;
/// Resamples for the interval.
const RESAMPLES: usize = 2_000;
/// What resampling draws from: the same rounds always have the same interval.
const SEED: u64 = 20_240_511;

/// The samples of one figure in one round: old, new, new, old.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Round {
    /// The old program's, first and last.
    pub old: [f64; 2],
    /// The new program's, between them.
    pub new: [f64; 2],
}

/// How much slower the new program is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Effect {
    /// Median of the new samples by that of the old ones, less one: 0.1 is ten percent slower.
    pub change: f64,
    /// 95 of 100 resamples of the rounds have at least this,
    pub low: f64,
    /// and at most this.
    pub high: f64,
}

/// What is said of one figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// No difference that this measurement can tell.
    Same,
    /// More than `FAIL` quicker.
    Faster,
    /// More than `WARN` slower, and the interval has no zero in it.
    Warned,
    /// More than `FAIL` slower once, and not when it was measured again.
    NotRepeated,
    /// More than `FAIL` slower, and again.
    Slower,
    /// The two compute something else: their times are not comparable.
    ComputesOther,
    /// The old program has no such figure.
    New,
    /// The new program has it no more.
    Gone,
}

impl Verdict {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Faster => "faster",
            Self::Warned => "a little slower",
            Self::NotRepeated => "slower once, not again",
            Self::Slower => "SLOWER",
            Self::ComputesOther => "computes something else",
            Self::New => "new",
            Self::Gone => "gone",
        }
    }
}

/// The effect that these rounds show; `None` without any.
pub fn effect(rounds: &[Round]) -> Option<Effect> {
    let change = change(rounds.iter())?;
    let mut draw = fastrand::Rng::with_seed(SEED);
    let mut resampled: Vec<f64> = (0..RESAMPLES)
        .filter_map(|_| {
            let drawn: Vec<&Round> =
                rounds.iter().filter_map(|_| rounds.get(draw.usize(..rounds.len()))).collect();
            self::change(drawn.into_iter())
        })
        .collect();
    resampled.sort_unstable_by(f64::total_cmp);
    let at = |per_mille: usize| resampled.get(resampled.len() * per_mille / 1_000).copied();
    Some(Effect { change, low: at(25)?, high: at(975)? })
}

/// What one pass over the rounds says.
pub fn judge(effect: &Effect) -> Verdict {
    match effect {
        Effect { change, low, .. } if *change > FAIL && *low > 0.0 => Verdict::Slower,
        Effect { change, low, .. } if *change > WARN && *low > 0.0 => Verdict::Warned,
        Effect { change, high, .. } if *change < -FAIL && *high < 0.0 => Verdict::Faster,
        _ => Verdict::Same,
    }
}

/// What is said of a figure that was slower in the first pass, after a second one.
pub fn again(second: &Effect) -> Verdict {
    match judge(second) {
        Verdict::Slower => Verdict::Slower,
        _ => Verdict::NotRepeated,
    }
}

fn change<'r>(rounds: impl Iterator<Item = &'r Round> + Clone) -> Option<f64> {
    let old = median(rounds.clone().flat_map(|round| round.old))?;
    let new = median(rounds.flat_map(|round| round.new))?;
    Some(new / old - 1.0)
}

/// The middle one, or the mean of the two in the middle.
pub fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    Some(f64::midpoint(*values.get(middle.checked_sub(1)?)?, upper))
}

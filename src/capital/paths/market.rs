//! Prices of two markets that follow the same value, hour by hour, from a seed.

use crate::config::capital::{Paths, Walk};
use fastrand::Rng;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// Hours of a year in which the value moves: those of the overseas market.
const HOURS_A_YEAR: f64 = 252.0 * 23.0;
/// What is left of the overseas price's own move after an hour.
const BASIS_KEPT: f64 = 0.97;

/// Which market trades in an hour. Hours are counted from Monday 00:00 in Shanghai. Holidays and
/// the short breaks of the day are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    /// 09:00 to 15:00 and 21:00 to 01:00, Monday to the night of Friday.
    pub domestic: bool,
    /// Monday 06:00 to Saturday 05:00, but for 05:00 to 06:00.
    pub overseas: bool,
    /// The domestic market settles at its end.
    pub settles: bool,
    /// The overseas market does.
    pub settles_overseas: bool,
}

impl Hours {
    /// Those of an hour.
    #[must_use]
    pub fn of(hour: usize) -> Self {
        let (day, clock) = (hour / 24 % 7, hour % 24);
        let is_weekday = day < 5;
        let night_after = (1..=5).contains(&day) && clock < 1;
        let domestic = night_after || is_weekday && ((9..15).contains(&clock) || clock >= 21);
        let overseas = clock != 5
            && match day {
                0 => clock >= 6,
                1..=4 => true,
                5 => clock < 5,
                _ => false,
            };
        Self {
            domestic,
            overseas,
            settles: is_weekday && clock == 14,
            settles_overseas: (1..=5).contains(&day) && clock == 4,
        }
    }
}

struct Moves {
    hourly: f64,
    basis: f64,
    jumps: f64,
    jump: f64,
    most_jump: f64,
}

impl Moves {
    fn of(walk: &Walk) -> Self {
        let float = |value: Decimal| value.to_f64().unwrap_or(0.0);
        Self {
            hourly: float(walk.volatility) / HOURS_A_YEAR.sqrt(),
            basis: float(walk.basis) * (1.0 - BASIS_KEPT * BASIS_KEPT).sqrt(),
            jumps: float(walk.jumps_a_year) / HOURS_A_YEAR,
            jump: float(walk.jump),
            most_jump: float(walk.most_jump),
        }
    }
}

/// What prices are, as multiples of what they were at the start.
pub struct Market {
    rng: Rng,
    spare: Option<f64>,
    moves: Vec<Moves>,
    correlation: f64,
    fx_hourly: f64,
    /// Logarithm of each underlying's value.
    values: Vec<f64>,
    own: Vec<f64>,
    /// Domestic prices; they stand still while that market is closed.
    pub domestic: Vec<f64>,
    /// Overseas prices.
    pub overseas: Vec<f64>,
    /// Other currencies against the view's.
    pub fx: f64,
}

impl Market {
    /// The market of a seed, before its first hour.
    #[must_use]
    pub fn new(paths: &Paths, seed: u64) -> Self {
        let float = |value: Decimal| value.to_f64().unwrap_or(0.0);
        let count = paths.walks.len();
        Self {
            rng: Rng::with_seed(seed),
            spare: None,
            moves: paths.walks.iter().map(Moves::of).collect(),
            correlation: float(paths.correlation),
            fx_hourly: float(paths.fx_volatility) / HOURS_A_YEAR.sqrt(),
            values: vec![0.0; count],
            own: vec![0.0; count],
            domestic: vec![1.0; count],
            overseas: vec![1.0; count],
            fx: 1.0,
        }
    }

    /// One hour more.
    pub fn step(&mut self, hours: Hours) {
        if hours.overseas {
            let common = self.normal();
            let (with, without) = (self.correlation.sqrt(), (1.0 - self.correlation).sqrt());
            for at in 0..self.moves.len() {
                let (alone, basis) = (self.normal(), self.normal());
                let moves = &self.moves[at];
                let is_jump = self.rng.f64() < moves.jumps;
                let (jump, most) = (moves.jump, moves.most_jump);
                self.values[at] += moves.hourly * (with * common + without * alone);
                self.own[at] = self.own[at] * BASIS_KEPT + moves.basis * basis;
                if is_jump {
                    self.values[at] += (jump * self.normal()).clamp(-most, most);
                }
                self.overseas[at] = (self.values[at] + self.own[at]).exp();
            }
            self.fx *= (self.fx_hourly * self.normal()).exp();
        }
        if hours.domestic {
            for (price, value) in self.domestic.iter_mut().zip(&self.values) {
                *price = value.exp();
            }
        }
    }

    /// A normal number (Box and Muller; two at a time).
    fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        // Above zero, so that the logarithm is finite.
        let radius = (-2.0 * (1.0 - self.rng.f64()).ln()).sqrt();
        let angle = std::f64::consts::TAU * self.rng.f64();
        self.spare = Some(radius * angle.sin());
        radius * angle.cos()
    }
}

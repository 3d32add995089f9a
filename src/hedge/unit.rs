//! Units of quantity, and how one is said in another: exactly.
//!
//! Masses convert by definition. A barrel or a million Btu of a product weighs what the product
//! says (`Grade`): that is a figure of the file with its source, never of the program.
//!
//! Sources: the pound is 0.45359237 kg exactly, the troy ounce 31.1034768 g exactly (NIST Special
//! Publication 811, 2008, appendix B.8; the pound by the agreement of 1959). A barrel of oil is 42
//! US gallons (NIST Handbook 44, appendix C), which is not needed here: barrels meet masses only
//! through a grade.

use crate::config::Rational;
use thiserror::Error;

/// A unit of quantity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unit {
    /// 1,000 kg.
    #[default]
    Tonne,
    /// 1,000 g.
    Kilogram,
    /// The avoirdupois pound, 453.59237 g.
    Pound,
    /// The troy ounce, 31.1034768 g.
    TroyOunce,
    /// The gram.
    Gram,
    /// The barrel of oil, 42 US gallons.
    Barrel,
    /// A million British thermal units.
    MmBtu,
}

/// The words of files and reports.
pub const UNITS: &[(&str, Unit)] = &[
    ("t", Unit::Tonne),
    ("kg", Unit::Kilogram),
    ("lb", Unit::Pound),
    ("oz", Unit::TroyOunce),
    ("g", Unit::Gram),
    ("bbl", Unit::Barrel),
    ("MMBtu", Unit::MmBtu),
];

/// How much of something that is counted by volume or by heat a tonne of it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grade {
    /// Barrels in a tonne; `None`: it is not counted by the barrel and by weight.
    pub bbl_per_t: Option<Rational>,
    /// Million Btu in a tonne; `None`: likewise.
    pub mmbtu_per_t: Option<Rational>,
}

/// Why a quantity cannot be said in another unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum UnitError {
    /// One is a mass and the other is not, and nothing says how they convert.
    #[error("{} and {} are of two kinds: write {key} of the product", from.word(), to.word())]
    Kinds {
        /// What it is in.
        from: Unit,
        /// What it was wanted in.
        to: Unit,
        /// The key that would say it.
        key: &'static str,
    },
    /// The result has too many digits to be held exactly.
    #[error("the quantity has too many digits to be converted exactly")]
    TooFine,
}

impl Unit {
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        UNITS.iter().find(|(_, unit)| *unit == self).map_or("", |(word, _)| word)
    }

    /// One of it in units of 1e-8 g; `None` if it is not a mass.
    const fn e8_grams(self) -> Option<i128> {
        match self {
            Self::Tonne => Some(100_000_000_000_000),
            Self::Kilogram => Some(100_000_000_000),
            Self::Pound => Some(45_359_237_000),
            Self::TroyOunce => Some(3_110_347_680),
            Self::Gram => Some(100_000_000),
            Self::Barrel | Self::MmBtu => None,
        }
    }

    /// How many of it are in a tonne of a product.
    fn per_tonne(self, grade: &Grade, from: Self, to: Self) -> Result<Rational, UnitError> {
        let tonne = 100_000_000_000_000;
        let (factor, key) = match (self.e8_grams(), self) {
            (Some(e8), _) => (Rational::new(tonne, e8), ""),
            (None, Self::Barrel) => (grade.bbl_per_t, "bbl_per_t"),
            (None, _) => (grade.mmbtu_per_t, "mmbtu_per_t"),
        };
        factor.ok_or(UnitError::Kinds { from, to, key })
    }
}

/// How many of `to` are in one of `from`, of a product of this grade.
///
/// # Errors
/// `Kinds` if the grade does not say how they convert.
pub fn factor(from: Unit, to: Unit, grade: &Grade) -> Result<Rational, UnitError> {
    if from == to {
        return Ok(Rational::ONE);
    }
    let wanted = to.per_tonne(grade, from, to)?;
    wanted.over(from.per_tonne(grade, from, to)?).ok_or(UnitError::TooFine)
}

/// A quantity in another unit.
///
/// # Errors
/// As `factor`; `TooFine` if the result cannot be held.
pub fn convert(
    quantity: Rational,
    from: Unit,
    to: Unit,
    grade: &Grade,
) -> Result<Rational, UnitError> {
    quantity.times(factor(from, to, grade)?).ok_or(UnitError::TooFine)
}

//! Money of a backtest: each leg's own, and what that is in the currency of its pair.
//!
//! A leg's money is its price by its lots by its multiplier, less its own fees, in its own
//! currency. The coefficients of a pair have no part in it: a tax in one of them, or lots that do
//! not match by size, make nobody richer or poorer. What a leg came to is put into the currency of
//! the pair at the rate that the configuration has for it: the `reference` of the `price_of` term
//! by which its price is converted. That rate stands still, so money of a pair is a sum over its
//! legs at any moment; the rate of the day is not in it.
//!
//! Sums are kept in units of 1e-18, in which price by multiplier leaves no remainder, and are
//! rounded once, to 1e-9, where they are told.

use xmc_hotpath::message::{InstrumentIndex, MAX_LEGS, SpreadIndex, SpreadSpec};

use crate::config::decimal::ONE_E9;
use crate::config::{Configuration, Leg, Rational, Spread};

const E9: i128 = ONE_E9 as i128;

/// A sum as it is told, units of 1e-9, to the nearest.
#[must_use]
pub const fn rounded_e9(sum_e18: i128) -> i128 {
    let half = if sum_e18 < 0 { -E9 / 2 } else { E9 / 2 };
    (sum_e18 + half) / E9
}

/// A sum in another currency, of which one unit of this one is `rate_e9`.
#[must_use]
pub fn converted_e18(sum_e18: i128, rate_e9: i64) -> i128 {
    let rate = i128::from(rate_e9);
    // By parts: the product of both would not fit for a large house.
    (sum_e18 / E9) * rate + (sum_e18 % E9) * rate / E9
}

/// What an instrument's lots cost to trade, in its own currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Fees {
    per_lot_e9: i64,
    fraction_e9: i64,
}

/// The money of one pair.
#[derive(Clone, Debug, PartialEq, Eq)]
struct PairMoney {
    currency: String,
    rates_e9: [i64; MAX_LEGS],
}

/// What a configuration says of money.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Money {
    fees: Vec<Fees>,
    pairs: Vec<PairMoney>,
}

/// Why the money of a pair cannot be summed.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum MoneyError {
    /// Legs of two currencies.
    #[error(
        "the money of \"{leg}\" is in {from}, that of its pair \"{pair}\" in {into}, and no leg \
         says how many {into} one {from} is: write the rate as a [[spread.leg.term]] with \
         `price_of` and `reference`"
    )]
    NoRate {
        /// The pair.
        pair: String,
        /// The leg's instrument.
        leg: String,
        /// The leg's currency.
        from: String,
        /// The pair's.
        into: String,
    },
}

/// The currency of a pair's money: that of its first traded leg whose price is not converted, as
/// `RepairSpec::money_q32` has it, else of its first one. Of a pair whose legs are all converted
/// the desk's own limits are in what they are converted into.
#[must_use]
pub fn currency<'c>(config: &'c Configuration, spread: &Spread) -> &'c str {
    base(spread).map_or("", |leg| currency_of(config, leg))
}

fn currency_of<'c>(config: &'c Configuration, leg: &Leg) -> &'c str {
    &config.instruments[leg.instrument.value].currency
}

/// The leg whose currency a pair's money is in.
fn base(spread: &Spread) -> Option<&Leg> {
    let traded = || spread.legs.iter().filter(|leg| leg.is_traded);
    traded().find(|leg| leg.price_product().is_none()).or_else(|| traded().next())
}

/// How much of the currency of a pair's value one unit of a converted leg's is.
fn reference(leg: &Leg) -> Option<Rational> {
    leg.price_product().map(|product| product.other_reference.exact)
}

/// How much of `into`, the currency of `spread`, one of `from` is: by the leg's own term, else by
/// that of another pair's leg, in either direction.
///
/// Where every leg is converted, `into` is not what they are converted into, but what the first
/// of them is converted from: then it is the one's reference by the other's.
fn rate(
    config: &Configuration,
    spread: &Spread,
    own: &Leg,
    [from, into]: [&str; 2],
) -> Option<Rational> {
    if let Some(own) = reference(own) {
        return match reference(base(spread)?) {
            None => Some(own),
            Some(base) => own.over(base),
        };
    }
    let known = |from: &str, into: &str| {
        let is_into = |spread: &&Spread| {
            currency(config, spread) == into
                && base(spread).is_some_and(|leg| reference(leg).is_none())
        };
        let pairs = config.spreads.iter().filter(is_into);
        let mut legs = pairs.flat_map(|spread| &spread.legs).filter(|leg| leg.is_traded);
        legs.find_map(|leg| reference(leg).filter(|_| currency_of(config, leg) == from))
    };
    known(from, into).or_else(|| Rational::ONE.over(known(into, from)?))
}

impl Money {
    /// As a configuration says.
    ///
    /// # Errors
    /// `NoRate`.
    pub fn of(config: &Configuration) -> Result<Self, MoneyError> {
        let fees = config.instruments.iter().map(|instrument| Fees {
            per_lot_e9: instrument.fee_per_lot_e9,
            fraction_e9: instrument.fee_fraction_e9,
        });
        let pair = |spread: &Spread| {
            let into = currency(config, spread);
            let mut rates_e9 = [ONE_E9; MAX_LEGS];
            for (rate_e9, leg) in rates_e9.iter_mut().zip(&spread.legs) {
                let from = currency_of(config, leg);
                if !leg.is_traded || from == into {
                    continue;
                }
                let found = rate(config, spread, leg, [from, into]).and_then(Rational::nearest_e9);
                *rate_e9 = found.ok_or_else(|| MoneyError::NoRate {
                    pair: spread.name.value.clone(),
                    leg: config.instruments[leg.instrument.value].name.value.clone(),
                    from: from.to_owned(),
                    into: into.to_owned(),
                })?;
            }
            Ok(PairMoney { currency: into.to_owned(), rates_e9 })
        };
        let pairs = config.spreads.iter().map(pair).collect::<Result<_, _>>()?;
        Ok(Self { fees: fees.collect(), pairs })
    }

    /// The currency of a pair's money.
    #[must_use]
    pub fn currency(&self, pair: SpreadIndex) -> Option<&str> {
        self.pairs.get(pair.0 as usize).map(|pair| &*pair.currency)
    }

    /// How much of the pair's currency one unit of each leg's is; 1 where nothing is said.
    #[must_use]
    pub fn rates_e9(&self, pair: SpreadIndex) -> [i64; MAX_LEGS] {
        self.pairs.get(pair.0 as usize).map_or([ONE_E9; MAX_LEGS], |pair| pair.rates_e9)
    }

    /// The fee of so many lots of so much money, of the instrument's currency in 1e-18; `None` of
    /// an instrument that is not known.
    #[must_use]
    pub fn fee_e18(&self, row: InstrumentIndex, lots: u32, value_e18: i128) -> Option<i128> {
        let fees = self.fees.get(row.0 as usize)?;
        let by_lot = i128::from(fees.per_lot_e9) * i128::from(lots) * E9;
        Some(by_lot + converted_e18(value_e18.abs(), fees.fraction_e9))
    }
}

/// The fee of so many lots of a leg by what the desk was told of it, where no configuration is
/// known: as the money of `value_e18`, of which `multiplier_e9` is the multiplier.
#[must_use]
pub fn told_fee_e18(
    spec: &SpreadSpec,
    leg: usize,
    lots: u32,
    value_e18: i128,
    multiplier_e9: i64,
) -> i128 {
    let [by_lot_e9, part_q32] = [
        spec.repair.fee_e9.get(leg).map_or(0, |fee| i128::from(*fee)),
        spec.repair.fee_q32.get(leg).map_or(0, |part| i128::from(*part)),
    ];
    let by_value_e9 = (rounded_e9(value_e18.abs()) * part_q32) >> 32;
    by_lot_e9 * i128::from(lots) * i128::from(multiplier_e9) + by_value_e9 * E9
}

/// A leg's lots and their money, of the leg's own currency in 1e-18.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Lots held, below zero if sold.
    pub lots: i64,
    /// What the held lots cost; below zero of sold ones.
    pub cost_e18: i128,
    /// Received less paid.
    pub cash_e18: i128,
    /// Fees paid.
    pub fees_e18: i128,
}

impl Held {
    /// Trades `signed` lots for `paid_e18`, below zero if sold: what lots that were held brought
    /// beyond their average cost.
    pub fn trade(&mut self, signed: i64, paid_e18: i128) -> i128 {
        self.cash_e18 -= paid_e18;
        let closes = if self.lots.signum() * signed.signum() < 0 {
            self.lots.unsigned_abs().min(signed.unsigned_abs())
        } else {
            0
        };
        if closes == 0 {
            self.lots += signed;
            self.cost_e18 += paid_e18;
            return 0;
        }
        let part = |sum: i128, of: i64| sum * i128::from(closes) / i128::from(of.unsigned_abs());
        let (cost_e18, came_e18) = (part(self.cost_e18, self.lots), part(paid_e18, signed));
        self.lots += signed;
        self.cost_e18 += paid_e18 - came_e18 - cost_e18;
        -came_e18 - cost_e18
    }

    /// What all of it came to, with open lots worth `open_e18`; what they cost where nobody knows.
    #[must_use]
    pub fn worth_e18(&self, open_e18: Option<i128>) -> i128 {
        self.cash_e18 + open_e18.unwrap_or(self.cost_e18) - self.fees_e18
    }

    /// What open lots worth `open_e18` would bring beyond their cost.
    #[must_use]
    pub fn open_profit_e18(&self, open_e18: Option<i128>) -> i128 {
        open_e18.map_or(0, |open_e18| open_e18 - self.cost_e18)
    }
}

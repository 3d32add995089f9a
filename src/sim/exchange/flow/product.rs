//! The products that the simulated markets trade, and how their prices hang together.
//!
//! A price follows from two that are common to all markets (a metal or oil in US dollars, the yuan
//! per dollar) by the unit that it is quoted in, value added tax, and what the market adds on its
//! own (`world`). Sources: `config/` gives contract facts for trading; here they are what the
//! simulated venues believe. Contract sizes, ticks, units: the exchanges' contract texts. UNPROVEN,
//! from memory: everything of the USD/CNH future, all fees, widths of price limits, order sizes.
//! Start prices are made up.

use super::super::rules::{Fee, Fees, Listing};

/// Prices in US dollars, or the yuan, from which others follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Root {
    /// US dollars per pound.
    Copper,
    /// US dollars per troy ounce.
    Gold,
    /// Offshore yuan per US dollar.
    Yuan,
    /// US dollars per barrel.
    Oil,
}

impl Root {
    /// Where it starts, units of 1e-9.
    pub(super) const fn start_e9(self) -> i64 {
        match self {
            Self::Copper => 5_000_000_000,
            Self::Gold => 4_000_000_000_000,
            Self::Yuan => 7_100_000_000,
            Self::Oil => 70_000_000_000,
        }
    }
}

/// A future of the simulated markets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Product {
    /// SHFE copper: CNY per tonne with value added tax.
    Cu,
    /// INE copper (BC): CNY per tonne without.
    Bc,
    /// SHFE gold: CNY per gram.
    Au,
    /// COMEX copper: USD per pound.
    Hg,
    /// COMEX gold: USD per troy ounce.
    Gc,
    /// CME dollar against offshore yuan: CNH per USD.
    Cnh,
    /// INE crude oil (SC): CNY per barrel without tax and duty.
    Sc,
    /// NYMEX crude oil: USD per barrel.
    Cl,
}

/// How a product moves on its own, on top of what it follows; in its own ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Temper {
    /// How far it jumps: it stands at this, at 0 or at minus this.
    pub jump_ticks: i64,
    /// Milliseconds from one jump to the next, at least; 0 for no jumps.
    pub rest_ms: u32,
    /// And so many more on average.
    pub more_ms: u32,
    /// How far its basis strays ordinarily.
    pub basis_ticks: i64,
    /// How far its basis runs away at times, at most.
    pub runaway_ticks: i64,
}

/// What is fixed of a product.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    tick_e9: i64,
    multiplier: i64,
    pub root: Root,
    /// Quoted units in one unit of the root: numerator, denominator.
    pub unit: (i64, i64),
    /// Whether it is quoted in yuan.
    pub is_yuan: bool,
    /// Value added tax, units of 1e-9.
    pub tax_e9: i64,
    /// The day's limits, in percent of the reference price.
    limit_percent: i64,
    max_order_lots: u32,
    fees: Fees,
    temper: Temper,
}

/// 13 %: what domestic copper is quoted with, and bonded copper without.
const VAT_E9: i64 = 130_000_000;
/// Pounds in a tonne, times 1e8: one pound is 0.45359237 kg.
const POUNDS: (i64, i64) = (220_462_262_185, 100_000_000);
/// Ounces in a gram: one troy ounce is 31.1034768 g.
const OUNCES: (i64, i64) = (10_000_000, 311_034_768);

impl Product {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Cu, Self::Bc, Self::Au, Self::Hg, Self::Gc, Self::Cnh, Self::Sc, Self::Cl];

    /// The exchange's code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Cu => "cu",
            Self::Bc => "bc",
            Self::Au => "au",
            Self::Hg => "HG",
            Self::Gc => "GC",
            Self::Cnh => "CNH",
            Self::Sc => "sc",
            Self::Cl => "CL",
        }
    }

    /// How it moves on its own unless told otherwise.
    #[must_use]
    pub const fn temper(self) -> Temper {
        self.facts().temper
    }

    /// The smallest price step, units of 1e-9.
    pub(super) const fn tick_e9(self) -> i64 {
        self.facts().tick_e9
    }

    pub(super) const fn facts(self) -> Facts {
        match self {
            Self::Cu => Facts { tax_e9: VAT_E9, ..COPPER },
            Self::Bc => Facts {
                fees: of_value(10_000),
                temper: Temper { jump_ticks: 5, rest_ms: 400, more_ms: 300, ..DOMESTIC },
                ..COPPER
            },
            Self::Au => Facts {
                tick_e9: 20_000_000,
                multiplier: 1_000,
                root: Root::Gold,
                unit: OUNCES,
                fees: per_lot(10_000_000_000),
                ..COPPER
            },
            Self::Hg => OVERSEAS,
            Self::Gc => Facts {
                tick_e9: 100_000_000,
                multiplier: 100,
                root: Root::Gold,
                // Its tick is a smaller part of its price than that of copper.
                temper: Temper { jump_ticks: 8, ..OVERSEAS.temper },
                ..OVERSEAS
            },
            Self::Cnh => Facts {
                tick_e9: 100_000,
                multiplier: 100_000,
                root: Root::Yuan,
                limit_percent: 3,
                temper: Temper { jump_ticks: 1, rest_ms: 200, more_ms: 300, ..STILL },
                ..OVERSEAS
            },
            Self::Sc => Facts {
                tick_e9: 100_000_000,
                multiplier: 1_000,
                root: Root::Oil,
                unit: (1, 1),
                fees: per_lot(20_000_000_000),
                ..COPPER
            },
            Self::Cl => Facts {
                tick_e9: 10_000_000,
                multiplier: 1_000,
                root: Root::Oil,
                temper: Temper { jump_ticks: 6, ..OVERSEAS.temper },
                ..OVERSEAS
            },
        }
    }

    /// Its price where the roots stand as they start, on its grid; units of 1e-9.
    #[must_use]
    pub fn start_e9(self) -> i64 {
        let facts = self.facts();
        let exact = self.convert(facts.root.start_e9(), Root::Yuan.start_e9());
        (exact + facts.tick_e9 / 2).div_euclid(facts.tick_e9) * facts.tick_e9
    }

    /// What a root's price and the yuan say of its price, units of 1e-9.
    #[must_use]
    pub fn convert(self, root_e9: i64, yuan_e9: i64) -> i64 {
        let Facts { unit: (numerator, denominator), is_yuan, tax_e9, .. } = self.facts();
        let one = 1_000_000_000_i128;
        let mut value = i128::from(root_e9) * i128::from(numerator) / i128::from(denominator);
        if is_yuan {
            value = value * i128::from(yuan_e9) / one;
        }
        value += value * i128::from(tax_e9) / one;
        i64::try_from(value).expect("a price of goods or of a currency")
    }

    /// The product as an exchange lists it; `symbol` names the contract month as the venue does.
    #[must_use]
    pub fn listing(self, symbol: &str) -> Listing {
        let Facts { tick_e9, multiplier, limit_percent, max_order_lots, fees, .. } = self.facts();
        let reference_e9 = self.start_e9();
        let width_e9 = reference_e9 / 100 * limit_percent / tick_e9 * tick_e9;
        Listing {
            symbol: symbol.to_owned(),
            tick_e9,
            multiplier,
            reference_e9,
            lower_e9: reference_e9 - width_e9,
            upper_e9: reference_e9 + width_e9,
            min_order_lots: 1,
            max_order_lots,
            fees,
        }
    }
}

const STILL: Temper =
    Temper { jump_ticks: 0, rest_ms: 0, more_ms: 0, basis_ticks: 0, runaway_ticks: 0 };
const DOMESTIC: Temper = Temper { basis_ticks: 1, runaway_ticks: 16, ..STILL };

const COPPER: Facts = Facts {
    tick_e9: 10_000_000_000,
    multiplier: 5,
    root: Root::Copper,
    unit: POUNDS,
    is_yuan: true,
    tax_e9: 0,
    limit_percent: 6,
    max_order_lots: 500,
    fees: of_value(50_000),
    temper: DOMESTIC,
};

const OVERSEAS: Facts = Facts {
    tick_e9: 500_000,
    multiplier: 25_000,
    root: Root::Copper,
    unit: (1, 1),
    is_yuan: false,
    tax_e9: 0,
    limit_percent: 7,
    max_order_lots: 10_000,
    fees: per_lot(1_600_000_000),
    temper: Temper { jump_ticks: 5, rest_ms: 40, more_ms: 30, ..STILL },
};

const fn per_lot(per_lot_e9: i64) -> Fees {
    let fee = Fee { per_lot_e9, of_value_e9: 0 };
    Fees { open: fee, close: fee, close_today: fee }
}

/// Closing what was opened today is free.
const fn of_value(of_value_e9: i64) -> Fees {
    let fee = Fee { per_lot_e9: 0, of_value_e9 };
    Fees { open: fee, close: fee, close_today: Fee { per_lot_e9: 0, of_value_e9: 0 } }
}

//! What a screen knows of a configuration: names, markets, currencies, and how prices are written.
//!
//! Rows are those of the configuration, which are those of the desk. It says nothing of what
//! happens; `tally` and `view` do.

use super::number;
use crate::config::{Configuration, Instrument, Spread};
use crate::engine::inputs::user_rules;
use xmc_hotpath::message::{Measure, StreamId, UserRule};

/// Which side of the border a venue is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Market {
    /// 内盘.
    Domestic,
    /// 外盘.
    Overseas,
}

/// The exchanges of the mainland, by ISO 10383.
const DOMESTIC_MICS: [&str; 6] = ["XSGE", "XINE", "XDCE", "XZCE", "CCFX", "XGFE"];

/// What an instrument is called and how its prices are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstrumentSetting {
    /// What its venue calls it.
    pub name: String,
    /// Its venue's name.
    pub venue: String,
    /// Where that is.
    pub market: Market,
    /// The currency of its money.
    pub currency: String,
    /// What its price counts.
    pub unit: String,
    /// What a screen multiplies its price with, units of 1e-9.
    pub display_factor_e9: i64,
    /// Digits behind the point of a shown price.
    pub digits: usize,
    /// Row of its feed.
    pub feed: usize,
    /// Row of the gateway that its orders go to; `None` if it only prices.
    pub gateway: Option<usize>,
    /// Money per lot for a price of 1, units of 1e-9 of the currency.
    pub multiplier_e9: i64,
}

impl InstrumentSetting {
    /// A price as its market writes it.
    #[must_use]
    pub fn price(&self, price_e9: i64) -> String {
        let shown = i128::from(price_e9) * i128::from(self.display_factor_e9) / 1_000_000_000;
        number::e9(shown, self.digits)
    }
}

/// A leg of a spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegSetting {
    /// Row of its instrument.
    pub instrument: usize,
    /// Lots per unit; 0 if it only prices.
    pub ratio_lots: i32,
}

/// A spread: 套利对.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpreadSetting {
    /// Its name in the configuration.
    pub name: String,
    /// What its value counts.
    pub unit: String,
    /// The currency that its profit is added up in.
    pub currency: String,
    /// Its legs, in the order of the desk.
    pub legs: Vec<LegSetting>,
    /// Digits behind the point of a shown value.
    pub digits: usize,
    /// The rules of the user, each at its place.
    pub rules: Vec<UserRule>,
}

impl SpreadSetting {
    /// The legs in the order in which a screen shows them: domestic first.
    pub fn shown_legs(&self, instruments: &[InstrumentSetting]) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.legs.len()).collect();
        order.sort_by_key(|&leg| {
            let row = &self.legs[leg];
            (row.ratio_lots == 0, instruments[row.instrument].market)
        });
        order
    }
}

/// A stream with a name: a feed or a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamSetting {
    /// Its name in the configuration.
    pub name: String,
    /// Its identity in the record.
    pub stream: StreamId,
}

/// An instrument whose price is an exchange rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rate {
    /// The currency of which one unit is priced.
    pub base: String,
    /// The currency of the price.
    pub quote: String,
    /// Row of the instrument.
    pub instrument: usize,
}

/// All of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// By row of the instrument table.
    pub instruments: Vec<InstrumentSetting>,
    /// By row of the table of spreads.
    pub spreads: Vec<SpreadSetting>,
    /// By feed.
    pub feeds: Vec<StreamSetting>,
    /// By gateway.
    pub gateways: Vec<StreamSetting>,
    /// Exchange rates that are quoted.
    pub rates: Vec<Rate>,
}

impl Setting {
    /// What `config` says.
    #[must_use]
    pub fn of(config: &Configuration) -> Self {
        let instruments: Vec<_> =
            config.instruments.iter().map(|row| instrument(config, row)).collect();
        let spreads = config.spreads.iter().zip(0..);
        let spreads = spreads.map(|(row, number)| spread(row, number, &instruments)).collect();
        let named = |name: &str, stream| StreamSetting { name: name.to_owned(), stream };
        let feeds = config.feeds.iter();
        let gateways = config.gateways.iter();
        Self {
            rates: rates(&instruments),
            instruments,
            spreads,
            feeds: feeds.map(|row| named(&row.name.value, StreamId(row.stream_id.value))).collect(),
            gateways: gateways
                .map(|row| named(&row.name.value, StreamId(row.stream_id.value)))
                .collect(),
        }
    }

    /// The instrument whose price turns money of `from` into money of `to`, and whether it is to be
    /// divided by; `None` if no such rate is quoted.
    #[must_use]
    pub fn rate(&self, from: &str, to: &str) -> Option<(usize, bool)> {
        self.rates.iter().find_map(|rate| {
            let is = |base: &str, quote: &str| {
                is_same_money(&rate.base, base) && is_same_money(&rate.quote, quote)
            };
            match (is(from, to), is(to, from)) {
                (true, _) => Some((rate.instrument, false)),
                (_, true) => Some((rate.instrument, true)),
                _ => None,
            }
        })
    }
}

/// Whether two currencies are counted as one: yuan at home and abroad are, 1 to 1.
#[must_use]
pub fn is_same_money(one: &str, other: &str) -> bool {
    let home = |currency| if currency == "CNH" { "CNY" } else { currency };
    home(one) == home(other)
}

fn instrument(config: &Configuration, row: &Instrument) -> InstrumentSetting {
    let venue = &config.venues[row.venue];
    let is_domestic = DOMESTIC_MICS.contains(&venue.mic.as_str());
    let step_e9 = i128::from(row.tick_e9) * i128::from(row.display_factor_e9) / 1_000_000_000;
    InstrumentSetting {
        name: row.symbol.clone(),
        venue: venue.name.value.clone(),
        market: if is_domestic { Market::Domestic } else { Market::Overseas },
        currency: row.currency.clone(),
        unit: row.quote_unit.clone(),
        display_factor_e9: row.display_factor_e9,
        digits: digits_of(step_e9),
        feed: row.feed,
        gateway: row.gateway,
        multiplier_e9: row.multiplier_e9,
    }
}

/// Digits behind the point that a multiple of `step_e9` can have.
fn digits_of(step_e9: i128) -> usize {
    let mut digits = 9;
    let mut step = step_e9;
    while digits > 0 && step % 10 == 0 {
        step /= 10;
        digits -= 1;
    }
    digits
}

fn spread(row: &Spread, number: u32, instruments: &[InstrumentSetting]) -> SpreadSetting {
    let legs: Vec<_> = row
        .legs
        .iter()
        .map(|leg| LegSetting {
            instrument: leg.instrument.value,
            ratio_lots: if leg.is_traded { leg.ratio.value } else { 0 },
        })
        .collect();
    let traded = legs.iter().filter(|leg| leg.ratio_lots != 0);
    let home = traded.min_by_key(|leg| instruments[leg.instrument].market);
    let most_digits = if row.measure == Measure::Ratio { 6 } else { 4 };
    let levels = row.triggers.set().map(|(_, level)| digits_of(level.value.into()));
    SpreadSetting {
        name: row.name.value.clone(),
        unit: row.unit.clone(),
        currency: home.map_or(String::new(), |leg| instruments[leg.instrument].currency.clone()),
        // Values fall between levels, so there is one digit more than those have.
        digits: levels.max().map_or(2, |most| (most + 1).clamp(2, most_digits)),
        rules: user_rules(row, number),
        legs,
    }
}

/// Instruments whose unit reads like `CNH per USD`.
fn rates(instruments: &[InstrumentSetting]) -> Vec<Rate> {
    let is_currency = |word: &str| word.len() == 3 && word.bytes().all(|c| c.is_ascii_uppercase());
    let rows = instruments.iter().zip(0..);
    rows.filter_map(|(row, instrument)| {
        let (quote, base) = row.unit.split_once(" per ")?;
        (is_currency(quote) && is_currency(base)).then(|| Rate {
            base: base.to_owned(),
            quote: quote.to_owned(),
            instrument,
        })
    })
    .collect()
}

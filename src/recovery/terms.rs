//! What the configuration says of an instrument, beside what the venue says.

use crate::config::decimal::show_e9;
use crate::config::{Configuration, FeedIndex};
use std::fmt;
use xmc_hotpath::message::InstrumentIndex;

/// An instrument that a feed must carry, as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its row in the desk's table.
    pub row: InstrumentIndex,
    /// How the configuration refers to it.
    pub name: String,
    /// What the venue calls it.
    pub symbol: String,
    /// The venue's id for it; a number of our own where the venue's are found by `symbol`.
    pub security_id: i32,
    /// Smallest price step, units of 1e-9 of the quoted unit.
    pub tick_e9: i64,
    /// Money per lot when the quoted price moves by 1, units of 1e-9 of the currency.
    pub multiplier_e9: i64,
    /// What a screen multiplies the price with, units of 1e-9.
    pub display_factor_e9: i64,
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, {})", self.name, self.symbol, self.security_id)
    }
}

/// The instruments of a feed.
#[must_use]
pub fn wanted(config: &Configuration, feed: FeedIndex) -> Vec<Wanted> {
    let rows = config.instruments.iter().zip(0..);
    let of_feed = rows.filter(|(instrument, _)| instrument.feed == feed);
    let wanted = of_feed.map(|(instrument, row)| Wanted {
        row: InstrumentIndex(row),
        name: instrument.name.value.clone(),
        symbol: instrument.symbol.clone(),
        security_id: instrument.security_id.value,
        tick_e9: instrument.tick_e9,
        multiplier_e9: instrument.multiplier_e9,
        display_factor_e9: instrument.display_factor_e9,
    });
    wanted.collect()
}

/// One thing that the configuration and the venue say differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which instrument, by its name in the configuration.
    pub instrument: String,
    /// Which key of the configuration.
    pub key: &'static str,
    /// What the configuration says.
    pub ours: String,
    /// What the venue says.
    pub theirs: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { instrument, key, ours, theirs } = self;
        write!(
            f,
            "`{key}` of instrument {instrument} is {ours}, and the venue says {theirs}: correct \
             the configuration, or the instrument is another one"
        )
    }
}

/// What an instrument and the venue's terms differ in.
#[derive(Debug)]
pub(super) struct Comparison<'w> {
    wanted: &'w Wanted,
    differences: Vec<Difference>,
}

impl<'w> Comparison<'w> {
    pub fn new(wanted: &'w Wanted) -> Self {
        Self { wanted, differences: Vec::new() }
    }

    /// Compares a key whose values are shown as they are.
    pub fn text(&mut self, key: &'static str, ours: &str, theirs: &str) {
        if ours != theirs {
            let (ours, theirs) = (ours.to_owned(), theirs.to_owned());
            let instrument = self.wanted.name.clone();
            self.differences.push(Difference { instrument, key, ours, theirs });
        }
    }

    /// Compares a key in units of 1e-9; `None` is a venue that has no value.
    pub fn e9(&mut self, key: &'static str, ours_e9: i64, theirs_e9: Option<i64>) {
        let theirs = theirs_e9.map_or("nothing".to_owned(), show_e9);
        self.text(key, &show_e9(ours_e9), &theirs);
    }

    pub fn finish(self) -> Vec<Difference> {
        self.differences
    }
}

//! A venue's price limits as limits of the desk.
//!
//! An order that the venue would refuse for its price is not made, and then no other leg is sent
//! either: the desk is told the instrument anew, with a band no wider than the venue's limits, and
//! its gate of prices (`Gate::PriceBand`) does the rest. A market that is locked at a limit has no
//! other side, so nothing is priced towards it. The hot side pays nothing, and a replay has the
//! same limits, because it is an input like any other.
//!
//! Not here: how far an order may lie beyond the market (tag 1143): the collars are narrower.
//! Called by `telling`, on the cold side.

use super::inputs;
use crate::config::Configuration;
use crate::recovery::replica::ReplicaCounters;
use std::collections::BTreeMap;
use xmc_hotpath::book::PriceLimits;
use xmc_hotpath::message::{Control, InstrumentIndex, InstrumentSpec};

/// What the desk knows of prices, instrument by instrument.
#[derive(Debug)]
pub struct PriceBands {
    feeds: Vec<FeedBands>,
}

#[derive(Debug, Default)]
struct FeedBands {
    /// By row of the desk's table.
    rows: BTreeMap<u32, Band>,
    /// Changes that were looked at.
    seen: u64,
}

#[derive(Debug)]
struct Band {
    /// As the configuration has it.
    configured: InstrumentSpec,
    told: InstrumentSpec,
}

impl PriceBands {
    /// Nothing is known but `config`.
    #[must_use]
    pub fn of(config: &Configuration) -> Self {
        let mut feeds: Vec<_> = config.feeds.iter().map(|_| FeedBands::default()).collect();
        let (controls, _) = inputs::controls(config);
        let specs = controls.into_iter().filter_map(|control| match control {
            Control::Instrument(spec) => Some(spec),
            _ => None,
        });
        for (spec, instrument) in specs.zip(&config.instruments) {
            let band = Band { configured: spec, told: spec };
            feeds[instrument.feed].rows.insert(spec.instrument.0, band);
        }
        Self { feeds }
    }

    /// What the desk was told of an instrument last.
    #[must_use]
    pub fn told(&self, instrument: InstrumentIndex) -> Option<InstrumentSpec> {
        self.feeds.iter().find_map(|feed| feed.rows.get(&instrument.0)).map(|band| band.told)
    }

    /// The desk is told other limits of an instrument, by somebody who may: they are kept when a
    /// price limit changes.
    pub fn relimit(
        &mut self,
        instrument: InstrumentIndex,
        change: impl Fn(InstrumentSpec) -> InstrumentSpec,
    ) {
        let mut bands = self.feeds.iter_mut().filter_map(|feed| feed.rows.get_mut(&instrument.0));
        if let Some(band) = bands.next() {
            (band.configured, band.told) = (change(band.configured), change(band.told));
        }
    }

    /// What the desk is told behind the configuration at its start: limits that somebody lowered in
    /// an earlier run are kept as those of this one are.
    pub fn carry(&mut self, told: &[Control]) {
        for control in told {
            if let Control::Instrument(spec) = control {
                self.relimit(spec.instrument, |_| *spec);
            }
        }
    }

    /// What the desk has to be told now, by what the replicas of the feeds, in order, have heard.
    pub fn due<'r>(&mut self, replicas: impl Iterator<Item = &'r ReplicaCounters>) -> Vec<Control> {
        let mut due = Vec::new();
        for (feed, replica) in self.feeds.iter_mut().zip(replicas) {
            let changes = replica.limits.changes.get();
            if changes == feed.seen {
                continue;
            }
            feed.seen = changes;
            for (row, limits) in replica.limits.known() {
                let Some(band) = feed.rows.get_mut(&row) else { continue };
                let spec = narrowed(&band.configured, limits);
                if spec != band.told {
                    band.told = spec;
                    due.push(Control::Instrument(spec));
                }
            }
        }
        due
    }
}

/// The instrument with prices that the configuration and the venue both take; where there are none
/// it is not traded.
fn narrowed(configured: &InstrumentSpec, limits: PriceLimits) -> InstrumentSpec {
    let InstrumentSpec { min_price_e9, max_price_e9, .. } = *configured;
    let min = limits.low_e9.map_or(min_price_e9, |low| low.max(min_price_e9));
    let max = limits.high_e9.map_or(max_price_e9, |high| high.min(max_price_e9));
    if min > max {
        return InstrumentSpec { is_tradable: false, ..*configured };
    }
    InstrumentSpec { min_price_e9: min, max_price_e9: max, ..*configured }
}

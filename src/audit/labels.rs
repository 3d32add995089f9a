//! What the numbers of a record are called: from the configuration kept beside it, or as numbers
//! where none is kept.

use super::kept::{self, KeptError};
use super::query::Receipt;
use crate::config::Configuration;
use crate::engine::inputs::{self, Names};
use crate::monitor::{Setting, number};
use std::path::{Path, PathBuf};
use xmc_hotpath::message::{
    AccountId, InstrumentIndex, ProjectId, Scope, SpreadIndex, StrategyId, StreamId,
};
use xmc_hotpath::record::frame::Body;

/// Names for one run.
#[derive(Debug, Default)]
pub struct Labels {
    /// The configuration; `None` if it is not kept.
    pub configuration: Option<Configuration>,
    /// What screens know of it.
    pub setting: Option<Setting>,
    names: Names,
}

impl Labels {
    /// The names of the run whose start has that digest, in the journal at `path`.
    ///
    /// # Errors
    /// See `KeptError`.
    pub fn find(path: &Path, digest: &[u8; 32]) -> Result<Self, KeptError> {
        let directory = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
        Ok(kept::find(directory, digest)?.map_or_else(Self::default, Self::of))
    }

    /// The names of a configuration.
    #[must_use]
    pub fn of(configuration: Configuration) -> Self {
        let setting = Setting::of(&configuration);
        let (_, names) = inputs::controls(&configuration);
        Self { configuration: Some(configuration), setting: Some(setting), names }
    }

    /// A spread.
    #[must_use]
    pub fn spread(&self, index: SpreadIndex) -> String {
        let row = self.setting.as_ref().and_then(|of| of.spreads.get(index.0 as usize));
        row.map_or_else(|| numbered("spread", index.0), |row| row.name.clone())
    }

    /// An instrument, as its venue calls it.
    #[must_use]
    pub fn instrument(&self, index: InstrumentIndex) -> String {
        let row = self.setting.as_ref().and_then(|of| of.instruments.get(index.0 as usize));
        row.map_or_else(|| numbered("instrument", index.0), |row| row.name.clone())
    }

    /// The legs of a spread, in their order.
    #[must_use]
    pub fn legs(&self, index: SpreadIndex) -> Vec<String> {
        let row = self.setting.as_ref().and_then(|of| of.spreads.get(index.0 as usize));
        let rows = row.into_iter().flat_map(|row| row.legs.iter().map(|leg| leg.instrument));
        rows.map(|row| u32::try_from(row).map_or(InstrumentIndex::NONE, InstrumentIndex))
            .map(|row| self.instrument(row))
            .collect()
    }

    /// The venue of an instrument.
    #[must_use]
    pub fn venue(&self, index: InstrumentIndex) -> String {
        let row = self.setting.as_ref().and_then(|of| of.instruments.get(index.0 as usize));
        row.map_or_else(|| "-".to_owned(), |row| row.venue.clone())
    }

    /// The currency of an instrument's money.
    #[must_use]
    pub fn currency(&self, index: InstrumentIndex) -> String {
        let row = self.setting.as_ref().and_then(|of| of.instruments.get(index.0 as usize));
        row.map_or_else(String::new, |row| row.currency.clone())
    }

    /// A price of an instrument, as its market writes it.
    #[must_use]
    pub fn price(&self, index: InstrumentIndex, price_e9: i64) -> String {
        let row = self.setting.as_ref().and_then(|of| of.instruments.get(index.0 as usize));
        row.map_or_else(|| number::e9(price_e9.into(), 9), |row| row.price(price_e9))
    }

    /// A value of a spread.
    #[must_use]
    pub fn value(&self, index: SpreadIndex, value_e9: i64) -> String {
        let row = self.setting.as_ref().and_then(|of| of.spreads.get(index.0 as usize));
        number::e9(value_e9.into(), row.map_or(9, |row| row.digits))
    }

    /// What a value of a spread counts.
    #[must_use]
    pub fn unit(&self, index: SpreadIndex) -> String {
        let row = self.setting.as_ref().and_then(|of| of.spreads.get(index.0 as usize));
        row.map_or_else(String::new, |row| row.unit.clone())
    }

    /// A feed channel or an order session.
    #[must_use]
    pub fn stream(&self, stream: StreamId) -> String {
        let rows = self.setting.iter().flat_map(|of| of.feeds.iter().chain(&of.gateways));
        let mut known = rows.filter(|row| row.stream == stream);
        known.next().map_or_else(|| numbered("stream", stream.0.into()), |row| row.name.clone())
    }

    /// A gateway, by its place.
    #[must_use]
    pub fn gateway(&self, place: u8) -> String {
        let row = self.setting.as_ref().and_then(|of| of.gateways.get(usize::from(place)));
        row.map_or_else(|| numbered("gateway", place.into()), |row| row.name.clone())
    }

    /// The row of a pair.
    #[must_use]
    pub fn find_spread(&self, name: &str) -> Option<u32> {
        let name = name.to_ascii_lowercase().replace(['-', '/'], "_");
        let rows = &self.setting.as_ref()?.spreads;
        row_of(rows.iter().position(|row| row.name == name))
    }

    /// The rows of a venue's instruments, of those that are called so.
    #[must_use]
    pub fn find_instruments(
        &self,
        venue: Option<&str>,
        product: Option<&str>,
    ) -> Vec<InstrumentIndex> {
        let rows = self.configuration.iter().flat_map(|of| of.instruments.iter().zip(0..));
        let settings = self.setting.iter().flat_map(|of| &of.instruments);
        rows.zip(settings)
            .filter(|((row, _), setting)| {
                let is_venue = venue.is_none_or(|venue| setting.venue == venue);
                let is_called = |name: &str| row.symbol == name || row.name.value == name;
                is_venue && product.is_none_or(is_called)
            })
            .map(|((_, index), _)| InstrumentIndex(index))
            .collect()
    }

    /// The number of a project.
    #[must_use]
    pub fn find_project(&self, name: &str) -> Option<u32> {
        row_of(self.names.projects.iter().position(|known| known == name))
    }

    /// The number of a strategy.
    #[must_use]
    pub fn find_strategy(&self, name: &str) -> Option<u32> {
        row_of(self.names.strategies.iter().position(|known| known == name))
    }

    /// The number of an account.
    #[must_use]
    pub fn find_account(&self, name: &str) -> Option<u32> {
        row_of(self.names.accounts.iter().position(|known| known == name))
    }

    /// A project.
    #[must_use]
    pub fn project(&self, id: ProjectId) -> String {
        name(&self.names.projects, "project", id.0)
    }

    /// A strategy.
    #[must_use]
    pub fn strategy(&self, id: StrategyId) -> String {
        name(&self.names.strategies, "strategy", id.0)
    }

    /// An operator; 0 is the engine itself.
    #[must_use]
    pub fn operator(&self, id: u32) -> String {
        if id == 0 {
            return "the engine".to_owned();
        }
        let control = self.configuration.as_ref().and_then(|of| of.control.as_ref());
        let operators = control.map_or(&[][..], |control| &control.operators);
        let known = operators.iter().find(|operator| operator.id == id);
        known.map_or_else(|| numbered("operator", id), |operator| operator.name.clone())
    }

    /// What a command is about.
    #[must_use]
    pub fn scope(&self, scope: Scope) -> String {
        match scope {
            Scope::All => "all".to_owned(),
            Scope::Spread(of) => format!("spread {}", self.spread(of)),
            Scope::Instrument(of) => format!("instrument {}", self.instrument(of)),
            Scope::Gateway(of) => format!("gateway {}", self.gateway(of.0)),
            Scope::Account(of) => format!("account {}", self.account(of)),
            Scope::Strategy(of) => format!("strategy {}", self.strategy(of)),
        }
    }

    /// An account.
    #[must_use]
    pub fn account(&self, id: AccountId) -> String {
        name(&self.names.accounts, "account", id.0)
    }
}

fn row_of(position: Option<usize>) -> Option<u32> {
    position.and_then(|row| u32::try_from(row).ok())
}

fn name(names: &[String], what: &str, number: u32) -> String {
    names.get(number as usize).cloned().unwrap_or_else(|| numbered(what, number))
}

fn numbered(what: &str, number: u32) -> String {
    format!("{what} #{number}")
}

/// The names of each run of a journal.
#[derive(Debug)]
pub struct Runs {
    directory: PathBuf,
    known: Vec<(u16, [u8; 32], Labels)>,
    none: Labels,
}

impl Runs {
    /// Of the journal at `path`, of which nothing was read yet.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self { directory: path.to_owned(), known: Vec::new(), none: Labels::default() }
    }

    /// Learns of a run from its start. A configuration that cannot be used leaves its numbers
    /// without names.
    pub fn learn(&mut self, receipt: &Receipt) {
        let Body::Start(start) = &receipt.body else { return };
        let labels = Labels::find(&self.directory, &start.config_digest).unwrap_or_default();
        self.known.push((start.identity.run, start.config_digest, labels));
    }

    /// Those of a run.
    #[must_use]
    pub fn of(&self, run: u16) -> &Labels {
        let known = self.known.iter().rev().find(|(known, _, _)| *known == run);
        known.map_or(&self.none, |(_, _, labels)| labels)
    }

    /// Those of the newest run.
    #[must_use]
    pub fn newest(&self) -> &Labels {
        self.known.last().map_or(&self.none, |(_, _, labels)| labels)
    }
}

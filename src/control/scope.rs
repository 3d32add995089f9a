//! What a command is about, by the names of the configuration.

use crate::config::Configuration;
use crate::engine::inputs;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use xmc_hotpath::message::{
    AccountId, GatewayIndex, InstrumentIndex, Scope, SpreadIndex, StrategyId,
};

/// What has a name that a command can be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A spread.
    Spread,
    /// All spreads with a leg of an instrument.
    Instrument,
    /// All spreads that send orders through a gateway.
    Gateway,
    /// All spreads of an account.
    Account,
    /// All spreads of a strategy.
    Strategy,
}

impl Kind {
    const WORDS: &[(&'static str, Self)] = &[
        ("spread", Self::Spread),
        ("instrument", Self::Instrument),
        ("gateway", Self::Gateway),
        ("account", Self::Account),
        ("strategy", Self::Strategy),
    ];

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        crate::config::word_for(Self::WORDS, self)
    }
}

/// What a command is about: `all`, or `spread=NAME` and its like.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Named {
    /// The whole desk.
    All,
    /// What has this name.
    Of(Kind, String),
}

/// The longest name of a configuration.
const MOST_NAME: usize = 32;

impl FromStr for Named {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "all" {
            return Ok(Self::All);
        }
        let is_name = |name: &str| {
            let is_plain =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            !name.is_empty() && name.len() <= MOST_NAME && name.bytes().all(is_plain)
        };
        let split = text.split_once('=').filter(|(_, name)| is_name(name));
        let known = split.and_then(|(word, name)| {
            let kind = Kind::WORDS.iter().find(|(known, _)| *known == word)?.1;
            Some(Self::Of(kind, name.to_owned()))
        });
        known.ok_or_else(|| {
            format!(
                "{text:?} is nothing that a command is about: write all, spread=NAME, \
                 instrument=NAME, gateway=NAME, account=NAME or strategy=NAME"
            )
        })
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Of(kind, name) => write!(f, "{}={name}", kind.word()),
        }
    }
}

/// The names of a configuration, each at the place of its number.
#[derive(Clone, Debug, Default)]
pub struct Register {
    spreads: Vec<SpreadNames>,
    instruments: Vec<String>,
    gateways: Vec<String>,
    accounts: Vec<String>,
    strategies: Vec<String>,
    currencies: Vec<String>,
}

/// What a spread has to do with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpreadNames {
    /// Its own name.
    pub name: String,
    /// Its strategy.
    pub strategy: String,
    /// Its account.
    pub account: String,
    /// Its legs.
    pub instruments: Vec<String>,
    /// Where the orders of its traded legs go.
    pub gateways: Vec<String>,
}

impl SpreadNames {
    /// Whether a command about `named` is about this spread.
    #[must_use]
    pub fn is_meant(&self, named: &Named) -> bool {
        match named {
            Named::All => true,
            Named::Of(Kind::Spread, name) => self.name == *name,
            Named::Of(Kind::Instrument, name) => self.instruments.contains(name),
            Named::Of(Kind::Gateway, name) => self.gateways.contains(name),
            Named::Of(Kind::Account, name) => self.account == *name,
            Named::Of(Kind::Strategy, name) => self.strategy == *name,
        }
    }
}

impl Register {
    /// The names of a configuration.
    #[must_use]
    pub fn of(config: &Configuration) -> Self {
        let (_, names) = inputs::controls(config);
        let gateway = |row: usize| config.gateways[row].name.value.clone();
        let spreads = config.spreads.iter().map(|spread| {
            let legs = || spread.legs.iter().map(|leg| &config.instruments[leg.instrument.value]);
            let traded = spread.legs.iter().filter(|leg| leg.is_traded);
            let routes = traded.filter_map(|leg| config.instruments[leg.instrument.value].gateway);
            let mut gateways: Vec<_> = routes.map(gateway).collect();
            gateways.sort();
            gateways.dedup();
            SpreadNames {
                name: spread.name.value.clone(),
                strategy: spread.strategy.clone(),
                account: spread.account.value.clone(),
                instruments: legs().map(|row| row.name.value.clone()).collect(),
                gateways,
            }
        });
        Self {
            spreads: spreads.collect(),
            instruments: config.instruments.iter().map(|row| row.name.value.clone()).collect(),
            gateways: (0..config.gateways.len()).map(gateway).collect(),
            accounts: names.accounts,
            strategies: names.strategies,
            currencies: config.instruments.iter().map(|row| row.currency.clone()).collect(),
        }
    }

    fn of_kind(&self, kind: Kind) -> Vec<&String> {
        match kind {
            Kind::Spread => self.spreads.iter().map(|spread| &spread.name).collect(),
            Kind::Instrument => self.instruments.iter().collect(),
            Kind::Gateway => self.gateways.iter().collect(),
            Kind::Account => self.accounts.iter().collect(),
            Kind::Strategy => self.strategies.iter().collect(),
        }
    }

    /// What a name stands for at the desk; `None` if nothing has it.
    #[must_use]
    pub fn resolve(&self, named: &Named) -> Option<Scope> {
        let Named::Of(kind, name) = named else { return Some(Scope::All) };
        let row = self.of_kind(*kind).iter().position(|known| *known == name)?;
        let row = u32::try_from(row).ok()?;
        Some(match kind {
            Kind::Spread => Scope::Spread(SpreadIndex(row)),
            Kind::Instrument => Scope::Instrument(InstrumentIndex(row)),
            Kind::Gateway => Scope::Gateway(GatewayIndex(u8::try_from(row).ok()?)),
            Kind::Account => Scope::Account(AccountId(row)),
            Kind::Strategy => Scope::Strategy(StrategyId(row)),
        })
    }

    /// Whether all that `inner` is about is part of what `outer` is about.
    #[must_use]
    pub fn is_within(&self, inner: &Named, outer: &Named) -> bool {
        match (inner, outer) {
            (_, Named::All) => true,
            (Named::Of(Kind::Spread, name), _) => {
                self.spreads.iter().any(|spread| spread.name == *name && spread.is_meant(outer))
            }
            _ => inner == outer,
        }
    }

    /// Everything of a kind that has a name, for messages.
    #[must_use]
    pub fn list(&self, kind: Kind) -> String {
        let names = self.of_kind(kind);
        names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// The spreads.
    #[must_use]
    pub fn spreads(&self) -> &[SpreadNames] {
        &self.spreads
    }

    /// Everything that can have limits, with its name.
    pub fn limited(&self) -> impl Iterator<Item = Named> {
        let kinds = [Kind::Account, Kind::Gateway, Kind::Instrument, Kind::Spread];
        let of =
            |kind| self.of_kind(kind).into_iter().map(move |name| Named::Of(kind, name.clone()));
        [Named::All].into_iter().chain(kinds.into_iter().flat_map(of))
    }

    /// The currency that an instrument's value is counted in; empty of what has none.
    #[must_use]
    pub fn currency(&self, scope: Scope) -> &str {
        match scope {
            Scope::Instrument(InstrumentIndex(row)) => {
                self.currencies.get(row as usize).map_or("", String::as_str)
            }
            _ => "",
        }
    }
}

//! Where a scenario is run: at a simulated gateway of its own, or at one that somebody else runs.
//!
//! What passes and what came of it stays here as evidence, over all sessions of the scenario.

use super::book::{Compared, Ledger};
use super::case::{Failure, Outcome};
use super::rig::{self, Options, Rig};
use super::tape::{Line, Tape};
use crate::config::{Configuration, Endpoint, GatewayProtocol};
use crate::engine::logon::{self, LogonError};
use crate::secret::Secret;
use crate::sim::exchange::{self, SelfMatch};
use crate::venue::cme::simulated::shell as cme;
use crate::venue::shell::{ShellError, VenueClock};
use crate::venue::shfe::simulated::shell as shfe;
use crate::venue::simulated;
use std::net::{SocketAddr, SocketAddrV4};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use xmc_hotpath::time::UnixNs;

/// An order that may be sent at a gateway that somebody else runs: it must rest, and is cancelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resting {
    /// The instrument, as the configuration names it.
    pub instrument: String,
    /// One lot is bid for at this price, units of 1e-9.
    pub price_e9: i64,
}

/// Which gateway.
#[derive(Clone, Debug)]
pub enum Gateway {
    /// A simulated one, which goes wrong on command. What it does follows from the seed.
    Simulated {
        /// The seed.
        seed: u64,
    },
    /// One that somebody else runs, at the configuration's address.
    Theirs {
        /// What may be sent to it.
        resting: Option<Resting>,
    },
}

/// Where scenarios are run.
#[derive(Clone, Debug)]
pub struct Bench {
    /// The engine, with its gateway's address if that is somebody else's.
    pub config: Configuration,
    /// The gateway's row in it.
    pub row: usize,
    /// Which gateway.
    pub gateway: Gateway,
}

impl Bench {
    /// What the gateway speaks.
    #[must_use]
    pub fn protocol(&self) -> GatewayProtocol {
        self.config.gateways[self.row].protocol
    }

    /// Whether it can be scripted.
    #[must_use]
    pub fn is_simulated(&self) -> bool {
        matches!(self.gateway, Gateway::Simulated { .. })
    }
}

/// A simulated venue that runs.
#[derive(Debug)]
pub enum Venue {
    /// Its order entry is iLink 3.
    Cme(cme::Running),
    /// Its counter speaks DSTAR.
    Shfe(shfe::Running),
}

/// A gateway, and an engine that knows where it is.
pub struct Place<'g> {
    /// The engine.
    pub config: Configuration,
    /// The gateway's row in it.
    pub row: usize,
    /// The venue, if it is simulated.
    pub venue: Option<Venue>,
    /// The order that may be sent, if it is not.
    pub resting: Option<Resting>,
    /// Where everything is kept.
    pub tape: &'g Tape,
    ground: &'g Ground<'g>,
}

/// What a scenario has left behind.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// What passed.
    pub lines: Vec<Line>,
    /// Lines there were beyond those.
    pub left_out: u64,
    /// Orders, beside the ledger.
    pub orders: Vec<Compared>,
    /// How long it took.
    pub took: Duration,
}

/// One run of one scenario.
pub struct Ground<'b> {
    bench: &'b Bench,
    tape: Tape,
    orders: Mutex<Vec<Compared>>,
    since: Instant,
}

/// How a venue is opened for a scenario.
#[derive(Clone, Copy, Debug, Default)]
pub struct Market {
    /// What becomes of orders of one account that meet; `None`: what the market has.
    pub self_match: Option<SelfMatch>,
    /// Nobody else trades.
    pub is_quiet: bool,
}

impl Market {
    fn shape(self, exchange: &mut exchange::Settings) {
        if let Some(self_match) = self.self_match {
            exchange.rules.self_match = self_match;
        }
        if self.is_quiet {
            exchange.flow = None;
        }
    }
}

impl<'b> Ground<'b> {
    /// Ground for one run.
    #[must_use]
    pub fn new(bench: &'b Bench) -> Self {
        let (tape, orders) = (Tape::default(), Mutex::default());
        Self { bench, tape, orders, since: Instant::now() }
    }

    /// What is left when it is over.
    #[must_use]
    pub fn evidence(self) -> Evidence {
        let (lines, left_out) = self.tape.lines(self.bench.protocol());
        let orders = self.orders.into_inner().expect("nobody panics with it");
        Evidence { lines, left_out, orders, took: self.since.elapsed() }
    }

    pub(super) fn keep(&self, orders: Vec<Compared>) {
        self.orders.lock().expect("nobody panics with it").extend(orders);
    }

    /// The gateway: a new one if it is simulated.
    ///
    /// # Errors
    /// `NotProvoked` if there is none to be had.
    pub fn open(&self, market: Market) -> Outcome<Place<'_>> {
        let mut config = self.bench.config.clone();
        let (venue, resting) = match &self.bench.gateway {
            Gateway::Theirs { resting } => (None, resting.clone()),
            Gateway::Simulated { seed } => {
                let venue = simulate(&config, self.bench.row, *seed, market);
                let venue = venue.map_err(Failure::not_provoked)?;
                config.gateways[self.bench.row].endpoint = Some(endpoint(&venue));
                (Some(venue), None)
            }
        };
        let row = self.bench.row;
        Ok(Place { config, row, venue, resting, tape: &self.tape, ground: self })
    }

    /// A session at a gateway of its own, from before its logon.
    ///
    /// # Errors
    /// What `body` says; `NotProvoked` if there is no gateway or no session.
    pub fn rig(&self, options: &Options, body: impl FnOnce(&mut Rig<'_>) -> Outcome) -> Outcome {
        self.open(Market::default())?.session(options, body)
    }

    /// A session that is up.
    ///
    /// # Errors
    /// As `rig`.
    pub fn with(&self, body: impl FnOnce(&mut Rig<'_>) -> Outcome) -> Outcome {
        self.rig(&Options::default(), |rig| {
            rig.until_up()?;
            body(rig)
        })
    }
}

impl Place<'_> {
    /// A session here.
    ///
    /// # Errors
    /// What `body` says; `NotProvoked` if there is no session.
    pub fn session<T>(
        &self,
        options: &Options,
        body: impl FnOnce(&mut Rig<'_>) -> Outcome<T>,
    ) -> Outcome<T> {
        rig::session(self, self.ground, options, body)
    }

    /// The secret of the gateway: what the configuration says, or what everybody knows.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn secret(&self) -> Result<Secret, LogonError> {
        match self.venue {
            Some(_) => simulated::secret(&self.config, self.row),
            None => logon::secret(&self.config.gateways[self.row]),
        }
    }

    /// Where the orders can be looked up.
    #[must_use]
    pub fn ledger(&self) -> Option<Ledger> {
        let (address, is_behind_counter) = match self.venue.as_ref()? {
            Venue::Cme(running) => (running.addresses().ledger, false),
            Venue::Shfe(running) => (running.addresses().ledger, true),
        };
        Some(Ledger { address, account: simulated::ACCOUNT, is_behind_counter })
    }
}

fn simulate(
    config: &Configuration,
    row: usize,
    seed: u64,
    market: Market,
) -> Result<Venue, ShellError> {
    let origin = UnixNs(VenueClock::wall().0 - 1_000_000_000);
    Ok(match config.gateways[row].protocol {
        GatewayProtocol::EsunnyDstar => {
            let addresses = shfe::Addresses::on_loopback();
            let mut settings = simulated::shfe_settings(config, seed, origin, addresses);
            market.shape(&mut settings.venue.exchange);
            Venue::Shfe(shfe::open(settings)?)
        }
        GatewayProtocol::CmeIlink3 | GatewayProtocol::Paper => {
            let addresses = cme::Addresses { replay: None, ..cme::Addresses::on_loopback() };
            let mut settings = simulated::cme_settings(config, seed, origin, addresses);
            market.shape(&mut settings.venue.exchange);
            Venue::Cme(cme::open(settings)?)
        }
    })
}

fn endpoint(venue: &Venue) -> Endpoint {
    match venue {
        Venue::Cme(running) => Endpoint::Stream(v4(running.addresses().orders)),
        Venue::Shfe(running) => Endpoint::Pair {
            requests: v4(running.addresses().requests),
            answers: v4(running.addresses().counter),
        },
    }
}

fn v4(address: SocketAddr) -> SocketAddrV4 {
    match address {
        SocketAddr::V4(address) => address,
        SocketAddr::V6(_) => unreachable!("simulated venues are opened on 127.0.0.1"),
    }
}

//! The simulated CME of `xmc venue cme`: from its file to its sockets.

use super::super::CliError;
use super::super::report::Utc;
use super::{Venue, later};
use crate::config::venue::{self, CmeVenue, Restart};
use crate::secret::Secret;
use crate::sim::exchange;
use crate::venue::cme::ilink3::signature::SecretKey;
use crate::venue::cme::simulated::OrderFaults;
use crate::venue::cme::simulated::shell::{self, Running, SIMULATED_KEY, Settings};
use crate::venue::cme::simulated::{self, ChannelSettings, Contract, Group, SessionSettings};
use crate::venue::shell::ShellError;
use std::path::Path;
use std::time::Duration;
use xmc_hotpath::port::Line;
use xmc_hotpath::time::UnixNs;

/// Codes of the months of delivery, as all futures markets have them.
const MONTHS: &[u8; 12] = b"FGHJKMNQUVXZ";

/// What a venue of this file is made of, if its time begins at `origin`.
///
/// # Errors
/// `CouldNotRun` if a key is not where the file says, or is none.
pub fn settings(config: &CmeVenue, origin: UnixNs) -> Result<Settings, CliError> {
    let (year, month) = config.maturity;
    let code = char::from(MONTHS[usize::from(month) - 1]);
    let sessions: Result<Vec<_>, CliError> = config.sessions.iter().map(session).collect();
    Ok(Settings {
        venue: simulated::Settings {
            exchange: exchange::Settings::cme(config.world_seed, &format!("{code}{}", year % 10)),
            seed: config.seed,
            channel: ChannelSettings {
                channel: config.channel,
                faults: config.faults.clone(),
                ..ChannelSettings::new(Contract::cme(config.maturity), origin)
            },
            sessions: sessions?,
        },
        addresses: config.addresses.clone(),
        reach: config.reach,
        store: config.store.clone(),
    })
}

fn session(session: &venue::CmeSession) -> Result<SessionSettings, CliError> {
    let secret = match &session.key {
        Some(source) => Secret::read(source).map_err(CliError::could_not_run)?,
        None => Secret::new(SIMULATED_KEY),
    };
    Ok(SessionSettings {
        session: session.session.clone(),
        firm: session.firm.clone(),
        access_key_id: session.access_key_id.clone(),
        key: SecretKey::from_base64url(secret.reveal()).map_err(CliError::could_not_run)?,
        account: session.account,
    })
}

/// The venue and what is told of it.
pub(super) struct Cme {
    running: Running,
    config: CmeVenue,
    origin: UnixNs,
}

pub(super) fn open(path: &Path, origin: UnixNs) -> Result<Cme, CliError> {
    let config = venue::load_cme(path)?;
    let running = shell::open(settings(&config, origin)?).map_err(CliError::could_not_run)?;
    running.set_order_faults(config.order_faults.clone());
    Ok(Cme { running, config, origin })
}

impl Venue for Cme {
    fn listening(&self) -> Vec<(&'static str, String)> {
        let addresses = self.running.addresses();
        let origin = self.running.with(|shell, _| shell.utc_origin()).unwrap_or_default();
        let both = |group: fn(Line) -> Group| {
            let [a, b] = Line::BOTH.map(|line| addresses.group(group(line)));
            format!("A {a}  B {b}")
        };
        let mut rows = vec![
            ("venue", format!("simulated CME, seed {}", self.config.seed)),
            ("world", format!("seed {}, since {}", self.config.world_seed, Utc(origin.0))),
            ("interface", addresses.interface.to_string()),
            ("incremental", both(Group::Incremental)),
            ("definitions", both(Group::Definitions)),
            ("snapshots", both(Group::Snapshots)),
            ("replay", addresses.replay.map_or_else(|| "none".to_owned(), |at| at.to_string())),
            ("ilink3", addresses.orders.to_string()),
            ("ledger", addresses.ledger.to_string()),
        ];
        if let Some(store) = &self.config.store {
            rows.push(("store", store.display().to_string()));
        }
        let sessions = self.config.sessions.iter().map(|session| {
            let venue::CmeSession { session, firm, account, key, .. } = session;
            let key = match key {
                Some(source) => format!("its key from {source}"),
                None => format!("the key that everybody knows, {SIMULATED_KEY}"),
            };
            format!("{session} of {firm} for account {}, with {key}", account.0)
        });
        rows.push(("sessions", sessions.collect::<Vec<_>>().join("; ")));
        rows
    }

    fn counts(&self) -> Option<Vec<(&'static str, u64)>> {
        let counts = self.running.counts()?;
        let (feed, orders, gateway) = (counts.feed, counts.orders, counts.gateway);
        Some(vec![
            ("packets", feed.datagrams),
            ("bytes", feed.bytes),
            ("unsent", feed.unsent),
            ("last_seq_no", counts.last_seq_no.into()),
            ("replays", counts.replay.answered),
            ("connections", orders.opened),
            ("turned_away", orders.refused + orders.displaced + orders.slow),
            ("logons", gateway.established),
            ("refused_logons", gateway.refused),
            ("messages", gateway.messages),
            ("broken", gateway.broken + gateway.lapsed),
            ("order_troubles", gateway.troubles),
            ("resent", gateway.resent),
            ("fills", counts.fills),
            ("ledger_connections", counts.ledger.opened),
        ])
    }

    fn restarts(&self) -> &[Restart] {
        &self.config.restarts
    }

    fn restart(self, lived: Duration, down: Duration) -> Result<Self, CliError> {
        let Self { running, mut config, origin } = self;
        running.kill().map_err(CliError::could_not_run)?;
        super::wait(down);
        later(&mut config.faults.plan, lived + down);
        later(&mut config.order_faults.plan, lived + down);
        // What strikes at a message has struck.
        config.order_faults = OrderFaults { once: Vec::new(), ..config.order_faults };
        let running = shell::open(settings(&config, origin)?).map_err(CliError::could_not_run)?;
        running.set_order_faults(config.order_faults.clone());
        Ok(Self { running, config, origin })
    }

    fn stop(self) -> Result<(), ShellError> {
        self.running.stop().map(drop)
    }
}

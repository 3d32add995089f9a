//! The simulated SHFE of `xmc venue shfe`: from its file to its sockets.

use super::super::CliError;
use super::super::report::Utc;
use super::{Venue, later};
use crate::config::SecretSource;
use crate::config::venue::{self, Restart, ShfeVenue};
use crate::secret::Secret;
use crate::sim::exchange::{self, ListingIndex};
use crate::venue::esunny::dstar::counter::{self, AccountSettings, ContractSettings};
use crate::venue::shell::ShellError;
use crate::venue::shfe::simulated::shell::{self, Running, SIMULATED_PASSWORD, Settings};
use crate::venue::shfe::simulated::{
    self, FeedSettings, Group, QuerySettings, QueryUser, TopicSettings,
};
use std::path::Path;
use std::time::Duration;
use xmc_hotpath::port::Line;
use xmc_hotpath::time::{Span, UnixNs};

/// Shortest time between two answers to the question for the last request. Made up.
const QUESTION_INTERVAL: Span = Span(20_000_000);

/// What a venue of this file is made of, if its time begins at `origin`.
///
/// # Errors
/// `CouldNotRun` if a password is not where the file says.
pub fn settings(config: &ShfeVenue, origin: UnixNs) -> Result<Settings, CliError> {
    let (year, month) = config.maturity;
    let month = format!("{:02}{month:02}", year % 100);
    let exchange = exchange::Settings::shfe(config.world_seed, &month);
    let feed = FeedSettings::new(exchange.listings.len(), origin);
    let listings = feed.topics.iter().flat_map(|topic| topic.listings.clone()).collect();
    let topics = vec![TopicSettings { topic: config.topic, listings }];
    let kept_packets = config.kept_packets.and_then(|kept| usize::try_from(kept).ok());
    let users: Result<Vec<_>, CliError> = config.readers.iter().map(user).collect();
    Ok(Settings {
        venue: simulated::Settings {
            counter: counter(config, &exchange)?,
            exchange,
            seed: config.seed,
            feed: FeedSettings {
                topics,
                most_resent: config.most_resent.map_or(feed.most_resent, i32::from),
                kept_packets: kept_packets.unwrap_or(feed.kept_packets),
                faults: config.faults.clone(),
                ..feed
            },
            query: QuerySettings::new(users?),
            carried: Vec::new(),
        },
        addresses: config.addresses.clone(),
        reach: config.reach,
        store: config.store.clone(),
    })
}

fn counter(
    config: &ShfeVenue,
    exchange: &exchange::Settings,
) -> Result<counter::Settings, CliError> {
    let account = |one: &venue::ShfeAccount| -> Result<_, CliError> {
        Ok(AccountSettings {
            account_no: one.account_no.clone(),
            password: password(one.password.as_ref(), SIMULATED_PASSWORD)?,
            account: one.account,
        })
    };
    let accounts: Result<Vec<_>, CliError> = config.accounts.iter().map(account).collect();
    let contract = |(listing, terms): (u16, &exchange::Listing)| ContractSettings {
        contract_no: terms.symbol.clone(),
        listing: ListingIndex(listing),
    };
    Ok(counter::Settings {
        accounts: accounts?,
        contracts: (0..).zip(&exchange.listings).map(contract).collect(),
        udp_port: config.addresses.requests.port(),
        close_today: config.close_today_code,
        question_interval: QUESTION_INTERVAL,
        seed: u32::try_from(config.seed % (1 << 32)).expect("it was divided by 2^32"),
    })
}

fn user(reader: &venue::ShfeReader) -> Result<QueryUser, CliError> {
    Ok(QueryUser {
        user_id: reader.user_id.clone(),
        participant_id: reader.participant_id.clone(),
        password: password(reader.password.as_ref(), "")?,
    })
}

fn password(source: Option<&SecretSource>, otherwise: &str) -> Result<String, CliError> {
    let Some(source) = source else { return Ok(otherwise.to_owned()) };
    let secret = Secret::read(source).map_err(CliError::could_not_run)?;
    Ok(secret.reveal().to_owned())
}

/// The venue and what is told of it.
pub(super) struct Shfe {
    running: Running,
    config: ShfeVenue,
    origin: UnixNs,
}

pub(super) fn open(path: &Path, origin: UnixNs) -> Result<Shfe, CliError> {
    let config = venue::load_shfe(path)?;
    let running = shell::open(settings(&config, origin)?).map_err(CliError::could_not_run)?;
    Ok(Shfe { running, config, origin })
}

impl Venue for Shfe {
    fn listening(&self) -> Vec<(&'static str, String)> {
        let addresses = self.running.addresses();
        let origin = self.running.with(|shell, _| shell.utc_origin()).unwrap_or_default();
        let topic = self.config.topic;
        let lines = Line::BOTH.map(|line| {
            let address = addresses.group(Group { topic, line });
            address.map_or_else(String::new, |address| address.to_string())
        });
        let [a, b] = lines;
        let mut rows = vec![
            ("venue", format!("simulated SHFE and INE, seed {}", self.config.seed)),
            ("world", format!("seed {}, since {}", self.config.world_seed, Utc(origin.0))),
            ("interface", addresses.interface.to_string()),
            ("topic", format!("{topic}  A {a}  B {b}")),
            ("mdqp", addresses.query.to_string()),
            ("counter", format!("{} (SIMULATED)", addresses.counter)),
            ("requests", addresses.requests.to_string()),
            ("ledger", addresses.ledger.to_string()),
        ];
        if let Some(store) = &self.config.store {
            rows.push(("store", store.display().to_string()));
        }
        let accounts = self.config.accounts.iter().map(|one| {
            let password = one.password.as_ref();
            let password = password
                .map_or("the password that everybody knows".to_owned(), |from| {
                    format!("its password from {from}")
                });
            format!("{} for account {}, with {password}", one.account_no, one.account.0)
        });
        rows.push(("accounts", accounts.collect::<Vec<_>>().join("; ")));
        rows
    }

    fn counts(&self) -> Option<Vec<(&'static str, u64)>> {
        let counts = self.running.counts()?;
        let (feed, query, queries) = (counts.feed, counts.query, counts.queries);
        let (counter, refusals) = (counts.counter, counts.refusals);
        let last = counts.last_packet_nos.iter().map(|(_, last)| *last).max();
        let turned = |streams: crate::venue::shell::StreamCounts| {
            streams.refused + streams.displaced + streams.slow
        };
        Some(vec![
            ("packets", feed.datagrams),
            ("bytes", feed.bytes),
            ("unsent", feed.unsent),
            ("last_packet_no", last.and_then(|last| u64::try_from(last).ok()).unwrap_or(0)),
            ("connections", query.opened + counter.opened),
            ("turned_away", turned(query) + turned(counter)),
            ("logins", queries.logins),
            ("snapshots", queries.snapshots),
            ("resent_packets", queries.resent_packets),
            ("refused_queries", queries.refused),
            ("requests", counts.requests),
            ("bad_requests", counts.bad_requests + refusals.bad_datagrams + refusals.strangers),
            ("broken", queries.broken + queries.lapsed + refusals.bad_streams),
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
        let running = shell::open(settings(&config, origin)?).map_err(CliError::could_not_run)?;
        Ok(Self { running, config, origin })
    }

    fn stop(self) -> Result<(), ShellError> {
        self.running.stop().map(drop)
    }
}

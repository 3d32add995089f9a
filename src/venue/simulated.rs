//! The simulated venues of both sides, in this process: their own threads, real sockets on the
//! loopback interface, whatever ports are free, one world behind both.
//!
//! Called by `xmc demo` and the tests; `xmc venue` runs one alone, as its file says.

use crate::config::{
    Configuration, Endpoint, FeedProtocol, GatewayProtocol, Instrument, Recovery, Resync,
    ResyncSource, SessionIdentity, StatementPlace, VenueWins,
};
use crate::engine::logon::LogonError;
use crate::port::interface::InterfaceChoice;
use crate::port::udp::Reach;
use crate::secret::Secret;
use crate::sim::exchange::{self, ListingIndex};
use crate::venue::cme::ilink3::signature::SecretKey;
use crate::venue::cme::simulated as cme;
use crate::venue::esunny::dstar::counter::{self, AccountSettings, ContractSettings};
use crate::venue::ledger::{LedgerClient, LedgerError};
use crate::venue::shell::{ShellError, VenueClock};
use crate::venue::shfe::simulated as shfe;
use crate::venue::statement::{self, Numbers, Publisher, Tamper};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener};
use std::path::Path;
use std::time::Duration;
use xmc_hotpath::message::AccountId;
use xmc_hotpath::time::{Span, UnixNs};

/// Whose account it is at both venues.
pub const ACCOUNT: AccountId = AccountId(1);
/// Accounts of the guard's sessions are numbered from here.
const GUARDS_FROM: u32 = 101;
/// The month that is traded, as the domestic venues and the overseas ones write it.
const MONTHS: (&str, &str) = ("2609", "U6");
/// The same for the definitions.
const MATURITY: (u16, u8) = (2026, 9);
/// The domestic month behind the one that is traded, where it is listed.
const NEXT_MONTH: &str = "2610";
/// The password of the account at the SIMULATED counter: it protects nothing.
const PASSWORD: &str = "simulated";
/// Shortest time between two answers of the counter to the question for the last request.
const QUESTIONS: Span = Span(100_000_000);
/// How long a ledger may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the venues' ledgers say of the engine's account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledgers {
    /// Lots held by the venue's name of the instrument.
    pub lots: Vec<(String, i64)>,
    /// Fills booked.
    pub fills: u64,
    /// Live orders.
    pub live_orders: u64,
}

/// Why nothing is published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// Where it is to be.
    #[error("a simulated venue cannot publish what it has booked: {0}")]
    Place(io::Error),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// Both venues, running.
#[derive(Debug)]
pub struct Venues {
    /// SHFE and INE, and the SIMULATED counter before them.
    pub shfe: shfe::shell::Running,
    /// COMEX, NYMEX and CME.
    pub cme: cme::shell::Running,
}

impl Venues {
    /// Opens both, for an engine of `config`: who may trade is who is configured there. What they
    /// must not forget when they are killed goes to `store`.
    ///
    /// # Errors
    /// A socket that cannot be opened.
    pub fn open(
        config: &Configuration,
        seed: u64,
        store: Option<&Path>,
    ) -> Result<Self, ShellError> {
        Self::opened(config, seed, store, exchange::Settings::shfe(seed, MONTHS.0))
    }

    /// The same without a store, where the domestic venue lists the next month of copper, too, as
    /// its last contract. It is worth what the first one is.
    ///
    /// # Errors
    /// A socket that cannot be opened.
    pub fn open_with_next_month(config: &Configuration, seed: u64) -> Result<Self, ShellError> {
        let mut domestic = exchange::Settings::shfe(seed, MONTHS.0);
        domestic.list_again(ListingIndex(0), NEXT_MONTH);
        Self::opened(config, seed, None, domestic)
    }

    fn opened(
        config: &Configuration,
        seed: u64,
        store: Option<&Path>,
        domestic: exchange::Settings,
    ) -> Result<Self, ShellError> {
        let origin = VenueClock::wall();
        let store = |name: &str| store.map(|directory| directory.join(name));
        let addresses = shfe::shell::Addresses::on_loopback();
        let shfe = shfe::shell::Settings {
            store: store("shfe.jsonl"),
            ..shfe_settings_of(config, domestic, seed, origin, addresses)
        };
        let cme = cme::shell::Settings {
            store: store("cme.jsonl"),
            ..cme_settings(config, seed, origin, cme::shell::Addresses::on_loopback())
        };
        Ok(Self { shfe: shfe::shell::open(shfe)?, cme: cme::shell::open(cme)? })
    }

    /// Puts the addresses that were really opened into the configuration.
    pub fn address(&self, config: &mut Configuration) {
        let (shfe, cme) = (self.shfe.addresses(), self.cme.addresses());
        for feed in &mut config.feeds {
            let (lines, interface) = match (&mut feed.recovery, feed.protocol) {
                (Recovery::Query(query), FeedProtocol::ShfeSmdp) => {
                    query.address = v4(shfe.query);
                    let topic = shfe.topics.iter().find(|(topic, _)| *topic == query.topic);
                    let Some((_, lines)) = topic else { continue };
                    (*lines, &shfe.interface)
                }
                (Recovery::Loops(loops), FeedProtocol::CmeMdp3) => {
                    let told = [
                        (&mut loops.definitions, cme.definitions),
                        (&mut loops.snapshots, cme.snapshots),
                    ];
                    for (lines, groups) in told {
                        for (line, group) in lines.iter_mut().zip(groups) {
                            if let Some(line) = line {
                                line.group = group;
                                line.interface = Some(cme.interface.clone());
                            }
                        }
                    }
                    (cme.incremental, &cme.interface)
                }
                _ => continue,
            };
            let [a, b] = lines;
            for (line, group) in [(&mut feed.line_a, a), (&mut feed.line_b, b)] {
                line.group = group;
                line.interface = Some(InterfaceChoice::clone(interface));
            }
        }
        for gateway in &mut config.gateways {
            gateway.endpoint = match gateway.protocol {
                GatewayProtocol::Paper => None,
                GatewayProtocol::CmeIlink3 => Some(Endpoint::Stream(v4(cme.orders))),
                GatewayProtocol::EsunnyDstar => {
                    Some(Endpoint::Pair { requests: v4(shfe.requests), answers: v4(shfe.counter) })
                }
            };
        }
    }

    /// Asks both ledgers over TCP what our account has.
    ///
    /// # Errors
    /// A ledger that does not answer.
    pub fn ledgers(&self) -> Result<Ledgers, LedgerError> {
        let mut all = Ledgers::default();
        for address in [self.shfe.addresses().ledger, self.cme.addresses().ledger] {
            ask(address, &mut all)?;
        }
        Ok(all)
    }

    /// Has both say what our account has, as brokers would: the domestic counter in a file of
    /// `directory`, the overseas clearing house in a stream of drop copies; with the resync of an
    /// engine of `config` that reads both. `tamper` falsifies what the overseas one says.
    ///
    /// # Errors
    /// A file, or a socket, that cannot be opened, or a ledger that does not answer.
    pub fn publish(
        &self,
        config: &Configuration,
        directory: &Path,
        every: Duration,
        mut tamper: Option<Tamper>,
    ) -> Result<(Resync, Vec<Publisher>), PublishError> {
        std::fs::create_dir_all(directory).map_err(PublishError::Place)?;
        let (mut sources, mut publishers) = (Vec::new(), Vec::new());
        for (gateway, index) in config.gateways.iter().zip(0..) {
            let (ledger, numbers, account) = match gateway.protocol {
                GatewayProtocol::Paper => continue,
                GatewayProtocol::EsunnyDstar => {
                    let account = gateway.counter.as_ref().map(|one| one.account_no.clone());
                    (self.shfe.addresses().ledger, Numbers::Counters, account)
                }
                GatewayProtocol::CmeIlink3 => {
                    let account = gateway.session.as_ref().map(|one| one.firm.clone());
                    (self.cme.addresses().ledger, Numbers::Ours, account)
                }
            };
            let (name, account) = (gateway.name.value.clone(), account.unwrap_or_default());
            let (place, at) = match numbers {
                Numbers::Counters => {
                    let path = directory.join(format!("{name}.json"));
                    (StatementPlace::File(path.clone()), statement::Place::File(path))
                }
                Numbers::Ours => {
                    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
                    let listener = listener.map_err(PublishError::Place)?;
                    listener.set_nonblocking(true).map_err(PublishError::Place)?;
                    let address = listener.local_addr().map_err(PublishError::Place)?;
                    (StatementPlace::Stream(address), statement::Place::Stream(listener))
                }
            };
            let currency = |row: &Instrument| (row.symbol.clone(), row.currency.clone());
            let settings = statement::Settings {
                ledger,
                of: ACCOUNT,
                account: account.clone(),
                venue: name.clone(),
                numbers,
                currencies: config.instruments.iter().map(currency).collect(),
                every,
                place: at,
            };
            let tamper = tamper.take_if(|_| numbers == Numbers::Ours);
            publishers.push(Publisher::start(settings, tamper)?);
            sources.push(ResyncSource {
                venue: name.clone(),
                name,
                gateway: index,
                account,
                place,
                max_age_s: 20,
                tolerance_e9: 0,
            });
        }
        let resync = Resync {
            every_s: 2,
            settle_ms: 1_000,
            is_required: false,
            venue_wins: VenueWins::Adopt,
            sources,
        };
        Ok((resync, publishers))
    }

    /// Ends both, sessions first.
    ///
    /// # Errors
    /// Why one had ended before.
    pub fn stop(self) -> Result<(), ShellError> {
        self.shfe.stop()?;
        self.cme.stop()?;
        Ok(())
    }
}

/// The domestic venue at `addresses`, without a store.
#[must_use]
pub fn shfe_settings(
    config: &Configuration,
    seed: u64,
    origin: UnixNs,
    addresses: shfe::shell::Addresses,
) -> shfe::shell::Settings {
    shfe_settings_of(config, exchange::Settings::shfe(seed, MONTHS.0), seed, origin, addresses)
}

fn shfe_settings_of(
    config: &Configuration,
    exchange: exchange::Settings,
    seed: u64,
    origin: UnixNs,
    addresses: shfe::shell::Addresses,
) -> shfe::shell::Settings {
    let venue = shfe::Settings {
        feed: shfe::FeedSettings::new(exchange.listings.len(), origin),
        counter: counter(config, &exchange),
        exchange,
        seed,
        query: shfe::QuerySettings::new(vec![anybody()]),
        carried: Vec::new(),
    };
    shfe::shell::Settings { venue, addresses, reach: Reach::Host, store: None }
}

/// The overseas venue at `addresses`, without a store.
#[must_use]
pub fn cme_settings(
    config: &Configuration,
    seed: u64,
    origin: UnixNs,
    addresses: cme::shell::Addresses,
) -> cme::shell::Settings {
    let venue = cme::Settings {
        exchange: exchange::Settings::cme(seed, MONTHS.1),
        seed: seed.wrapping_add(1),
        channel: cme::ChannelSettings::new(cme::Contract::cme(MATURITY), origin),
        sessions: sessions(config),
    };
    cme::shell::Settings { venue, addresses, reach: Reach::Host, store: None }
}

fn ask(address: SocketAddr, all: &mut Ledgers) -> Result<(), LedgerError> {
    let mut ledger = LedgerClient::connect(address, PATIENCE)?;
    let positions = ledger.positions(ACCOUNT)?;
    all.lots.extend(positions.into_iter().map(|row| (row.symbol, row.net_lots)));
    all.fills += ledger.fills(ACCOUNT, 0)?.len() as u64;
    all.live_orders += ledger.orders(ACCOUNT)?.len() as u64;
    Ok(())
}

/// The address of a socket on this host.
fn v4(address: SocketAddr) -> SocketAddrV4 {
    match address {
        SocketAddr::V4(address) => address,
        SocketAddr::V6(_) => unreachable!("these venues are opened on 127.0.0.1"),
    }
}

/// The secret of a gateway at these venues: no secret at all.
///
/// # Errors
/// None; the form is that of `engine::opening`.
pub fn secret(config: &Configuration, row: usize) -> Result<Secret, LogonError> {
    Ok(Secret::new(match config.gateways[row].protocol {
        GatewayProtocol::EsunnyDstar => PASSWORD,
        GatewayProtocol::CmeIlink3 => cme::shell::SIMULATED_KEY,
        GatewayProtocol::Paper => "",
    }))
}

/// Who asks for snapshots without a name.
fn anybody() -> shfe::QueryUser {
    let [user_id, participant_id, password] = [const { String::new() }; 3];
    shfe::QueryUser { user_id, participant_id, password }
}

/// A counter that knows the accounts of `config` and all contracts of the market.
fn counter(config: &Configuration, market: &exchange::Settings) -> counter::Settings {
    let configured = config.gateways.iter().filter_map(|gateway| gateway.counter.as_ref());
    let close_today = configured.clone().find_map(|account| account.close_today_code);
    let accounts = configured.map(|account| AccountSettings {
        account_no: account.account_no.clone(),
        password: PASSWORD.to_owned(),
        account: ACCOUNT,
    });
    let contract = |(listing, terms): (u16, &exchange::Listing)| ContractSettings {
        contract_no: terms.symbol.clone(),
        listing: ListingIndex(listing),
    };
    counter::Settings {
        accounts: accounts.collect(),
        contracts: (0..).zip(&market.listings).map(contract).collect(),
        udp_port: 0,
        close_today,
        question_interval: QUESTIONS,
        seed: 1,
    }
}

fn sessions(config: &Configuration) -> Vec<cme::SessionSettings> {
    let configured = config.gateways.iter().filter_map(|gateway| gateway.session.as_ref());
    let key = SecretKey::from_base64url(cme::shell::SIMULATED_KEY).expect("the key is well formed");
    let session = |identity: &SessionIdentity| cme::SessionSettings {
        session: identity.session.clone(),
        firm: identity.firm.clone(),
        access_key_id: identity.access_key_id.clone(),
        key: key.clone(),
        account: ACCOUNT,
    };
    let mut all: Vec<_> = configured.map(session).collect();
    // The guard's have accounts of their own, in which nothing is ever traded.
    let guards = config.guard.iter().flat_map(|guard| &guard.sessions).zip(GUARDS_FROM..);
    all.extend(guards.map(|((_, identity), account)| cme::SessionSettings {
        account: AccountId(account),
        ..session(identity)
    }));
    all
}

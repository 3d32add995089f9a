//! Logs gateways on: connects, says who we are, and hands over what the hot sessions are made of.
//!
//! No byte that comes after the logon is read here: the gateway stage finds it on the port. What a
//! session missed while it was down is in its hand-over. Called by the commands that trade, once
//! for each gateway, before its stage is made, and by `sessions` whenever one has been lost.

use super::gateway::GatewayStart;
use super::sessions::{Attempt, BookError, CounterAgain, Entered};
use super::sockets::{self, GatewayPort, SocketError};
use crate::config::{self, Configuration, Endpoint, Gateway, Instrument};
use crate::secret::{Secret, SecretError};
use crate::venue::cme::ilink3::logon as ilink3;
use crate::venue::cme::ilink3::parties;
use crate::venue::cme::ilink3::resume::{self, Resumed};
use crate::venue::cme::ilink3::signature::{KeyError, SecretKey};
use crate::venue::esunny::dstar::logon as dstar;
use std::time::{Duration, Instant};
use xmc_hotpath::gateway::Entry;
use xmc_hotpath::port::{SendError, StreamPort};
use xmc_hotpath::time::UnixNs;
use xmc_hotpath::venue::cme::ilink3::layout::NEWEST_VERSION;
use xmc_hotpath::venue::cme::ilink3::session::Missed;
use xmc_hotpath::venue::esunny::dstar::layout::V3;
use xmc_hotpath::venue::esunny::dstar::session::Handover;
use xmc_hotpath::venue::esunny::dstar::simulated_counter::FrameHeader;
use xmc_hotpath::wire;

/// How long nothing is asked of the port while an answer is awaited.
const NAP: Duration = Duration::from_micros(200);

/// What the exchange is told of our system; the version's field has ten characters.
const SYSTEM_NAME: &str = "cross_market_connect";
const SYSTEM_VENDOR: &str = "xmc";

/// Why a gateway has no session. No secret is shown.
#[derive(Debug, thiserror::Error)]
pub enum LogonError {
    /// There is no connection.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// The secret cannot be read.
    #[error("gateway {gateway}: {source}")]
    Secret {
        /// Which gateway.
        gateway: String,
        /// What is wrong.
        source: SecretError,
    },
    /// The secret is no key.
    #[error("gateway {gateway}: {source}")]
    Key {
        /// Which gateway.
        gateway: String,
        /// What is wrong.
        source: KeyError,
    },
    /// iLink 3 was not logged on to.
    #[error("gateway {gateway}: {source}{}", advice(source))]
    Ilink3 {
        /// Which gateway.
        gateway: String,
        /// What is wrong.
        source: ilink3::LogonError,
    },
    /// The counter was not logged on to.
    #[error("gateway {gateway}: {source}")]
    Dstar {
        /// Which gateway.
        gateway: String,
        /// What is wrong.
        source: dstar::LogonError,
    },
    /// The counter went away.
    #[error(
        "gateway {gateway}: the counter closed the connection before the logon was complete: \
         check answer_address, and that it is a counter"
    )]
    Closed {
        /// Which gateway.
        gateway: String,
    },
    /// The counter did not answer.
    #[error(
        "gateway {gateway}: the counter did not complete the logon within {ms} ms: check \
         answer_address, or wait longer"
    )]
    TimedOut {
        /// Which gateway.
        gateway: String,
        /// How long was waited.
        ms: u128,
    },
    /// Requests would go to nobody.
    #[error(
        "gateway {gateway} sends requests to port {ours}, and the counter takes them at {theirs}: \
         correct request_address"
    )]
    RequestPort {
        /// Which gateway.
        gateway: String,
        /// In the configuration.
        ours: u16,
        /// What the counter says.
        theirs: u16,
    },
    /// The datagram that makes our socket known did not leave.
    #[error("gateway {gateway}: UdpAuth could not be sent ({error:?}): check request_address")]
    Auth {
        /// Which gateway.
        gateway: String,
        /// What the port says.
        error: SendError,
    },
    /// What was heard in earlier sessions is not known.
    #[error("gateway {gateway}: {source}")]
    Book {
        /// Which gateway.
        gateway: String,
        /// What is wrong.
        source: BookError,
    },
    /// The account may not trade what is configured.
    #[error(
        "gateway {gateway}: the counter's contracts lack {}: check `symbol`, and what the account \
         may trade",
        instruments.join(", ")
    )]
    NotTraded {
        /// Which gateway.
        gateway: String,
        /// Instruments of the configuration.
        instruments: Vec<String>,
    },
    /// Somebody else trades for the account.
    #[error(
        "gateway {gateway}: the counter has taken request {theirs} for the account, and ours end \
         before {ours}: somebody else trades with it. End that first, or take another account, and \
         start the engine again"
    )]
    Shared {
        /// Which gateway.
        gateway: String,
        /// The greatest number that the counter has taken.
        theirs: u32,
        /// The number of our next request.
        ours: u32,
    },
    /// Orders would name other contracts.
    #[error(
        "gateway {gateway}: the counter has other numbers now for {}: its orders would be for \
         other contracts; stop the engine and start it again",
        instruments.join(", ")
    )]
    Renumbered {
        /// Which gateway.
        gateway: String,
        /// Instruments of the configuration.
        instruments: Vec<String>,
    },
}

/// What to look at when the exchange only gives a reason.
fn advice(error: &ilink3::LogonError) -> &'static str {
    match error {
        ilink3::LogonError::Refused { .. } | ilink3::LogonError::Terminated { .. } => {
            "; check session, firm, access_key_id and the key, and the wall clock"
        }
        _ => "",
    }
}

/// A session that stands.
#[derive(Debug)]
pub struct LoggedOn {
    /// The connection; nothing of it has been read beyond the logon.
    pub port: GatewayPort,
    /// Where the session stands.
    pub start: GatewayStart,
    /// In how many days the key expires; `None`: it was not said.
    pub key_expires_days: Option<u16>,
}

/// Reads the secret of a gateway from where its configuration says; an empty one for paper.
///
/// # Errors
/// `Secret`.
pub fn secret(gateway: &Gateway) -> Result<Secret, LogonError> {
    let session = gateway.session.as_ref().map(|session| &session.key);
    let lies = session.or(gateway.counter.as_ref().map(|counter| &counter.password));
    let secret = lies.map(Secret::read).transpose();
    let gateway = gateway.name.value.clone();
    secret.map(Option::unwrap_or_default).map_err(|source| LogonError::Secret { gateway, source })
}

/// Connects a gateway of the configuration and logs on, waiting at most `patience` for each answer.
///
/// `attempt` says what is known of iLink 3 sessions before; a counter tells its whole day to the
/// first session of a run. `utc` is the wall clock: an iLink 3 logon that is 5 s old is refused.
///
/// # Errors
/// See `LogonError`. The connection is given up.
pub fn log_on(
    config: &Configuration,
    row: config::GatewayIndex,
    secret: &Secret,
    attempt: &Attempt<'_>,
    utc: impl Fn() -> UnixNs,
    patience: Duration,
) -> Result<LoggedOn, LogonError> {
    let gateway = &config.gateways[row];
    if gateway.session.is_some() {
        let entered = log_on_again(gateway, secret, attempt, utc, patience)?;
        let Entered { entry, key_expires_days, .. } = entered;
        let start = GatewayStart::Ilink3(entry.handover);
        return Ok(LoggedOn { port: entry.port, start, key_expires_days });
    }
    let mut port = sockets::gateway_port(gateway, patience)?;
    let granted = grant(config, row, secret, 0, &mut port, patience)?;
    Ok(LoggedOn { port, start: GatewayStart::Dstar(granted), key_expires_days: None })
}

/// Logs on at a counter over a connection that stands, and makes our socket known to it.
///
/// # Errors
/// See `LogonError`.
///
/// # Panics
/// If the gateway speaks something else.
pub fn grant<P: StreamPort>(
    config: &Configuration,
    row: config::GatewayIndex,
    secret: &Secret,
    replies_seen: u32,
    port: &mut P,
    patience: Duration,
) -> Result<dstar::Granted, LogonError> {
    let gateway = &config.gateways[row];
    let account = gateway.counter.as_ref().expect("it is a counter's gateway");
    let credentials = dstar::Credentials {
        account_no: account.account_no.clone(),
        password: secret.clone(),
        replies_seen,
    };
    let granted = granted(gateway, &credentials, port, patience)?;
    check(config, row, &granted)?;
    let auth = dstar::udp_auth::<V3>(&granted.account, account.request_ids);
    let name = || gateway.name.value.clone();
    port.send(&auth).map_err(|error| LogonError::Auth { gateway: name(), error })?;
    Ok(granted)
}

/// Logs a gateway on at its counter once more, for a session that goes on.
///
/// # Errors
/// See `LogonError`. The connection is given up.
pub fn log_on_counter_again(
    config: &Configuration,
    row: config::GatewayIndex,
    secret: &Secret,
    again: &CounterAgain<'_>,
    patience: Duration,
) -> Result<Entry<GatewayPort, Handover>, LogonError> {
    let port = sockets::gateway_port(&config.gateways[row], patience)?;
    log_on_counter_over(port, config, row, secret, again, patience)
}

/// The same over a connection that stands.
///
/// # Errors
/// See `LogonError`. The connection is given up.
///
/// # Panics
/// If the gateway speaks something else.
pub fn log_on_counter_over<P: StreamPort>(
    mut port: P,
    config: &Configuration,
    row: config::GatewayIndex,
    secret: &Secret,
    again: &CounterAgain<'_>,
    patience: Duration,
) -> Result<Entry<P, Handover>, LogonError> {
    let granted = grant(config, row, secret, again.replies_seen, &mut port, patience)?;
    let gateway = &config.gateways[row];
    if granted.next_client_req_id > again.next_client_req_id {
        let (theirs, ours) = (granted.next_client_req_id - 1, again.next_client_req_id);
        return Err(LogonError::Shared { gateway: gateway.name.value.clone(), theirs, ours });
    }
    let is_other = |of: &&Instrument| {
        let index = |contracts: &[(u32, String)]| {
            contracts.iter().find(|(_, number)| *number == of.symbol).map(|(index, _)| *index)
        };
        of.gateway == Some(row) && index(again.contracts) != index(&granted.contracts)
    };
    let instruments: Vec<_> = config.instruments.iter().filter(is_other).map(shown).collect();
    if instruments.is_empty() {
        return Ok(Entry { port, handover: granted.handover() });
    }
    Err(LogonError::Renumbered { gateway: gateway.name.value.clone(), instruments })
}

/// Connects an iLink 3 gateway as `attempt` says and logs on.
///
/// # Errors
/// See `LogonError`. The connection is given up.
///
/// # Panics
/// If the gateway speaks something else.
pub fn log_on_again(
    gateway: &Gateway,
    secret: &Secret,
    attempt: &Attempt<'_>,
    utc: impl Fn() -> UnixNs,
    patience: Duration,
) -> Result<Entered<GatewayPort>, LogonError> {
    register_at_service(gateway, secret, attempt, &utc, patience)?;
    let port = match attempt.is_backup {
        true => sockets::backup_port(gateway, patience)?,
        false => sockets::gateway_port(gateway, patience)?,
    };
    log_on_over(port, gateway, secret, attempt, utc, patience)
}

/// Registers party details at the Order Entry Service Gateway, in a session of its own that ends
/// with it, if the configuration has one and a new order session is to come.
///
/// Source: CME's page "iLink 3 Binary Order Entry - Business Layer" (457324477). UNPROVEN: that it
/// is logged on to as an order gateway is, under a UUID of its own.
fn register_at_service(
    gateway: &Gateway,
    secret: &Secret,
    attempt: &Attempt<'_>,
    utc: &impl Fn() -> UnixNs,
    patience: Duration,
) -> Result<(), LogonError> {
    let Some(session) = gateway.session.as_ref().filter(|_| attempt.again.is_none()) else {
        return Ok(());
    };
    let (Some(details), Some(address)) = (&session.parties, session.service_address) else {
        return Ok(());
    };
    let port = sockets::port_at(gateway, address, patience)?;
    let (mut port, resumed, _) =
        established(port, gateway, secret, &Attempt::FIRST, utc, patience)?;
    let (set, handover) = ((session.party_details_id, details), resumed.handover);
    parties::register(&mut port, &handover, set, attempt.is_later, utc(), patience)
        .map_err(|source| LogonError::Ilink3 { gateway: gateway.name.value.clone(), source })?;
    // What it answers is of no use, but that it has: the next session is another one.
    let _ = parties::leave(&mut port, &handover, utc(), patience);
    Ok(())
}

/// Logs an iLink 3 gateway on over a connection that stands. Party details are registered in a
/// session that is new, unless there is a gateway for that; they stand in one that is established
/// again.
///
/// # Errors
/// See `LogonError`. The connection is given up.
///
/// # Panics
/// If the gateway speaks something else.
pub fn log_on_over<P: StreamPort>(
    port: P,
    gateway: &Gateway,
    secret: &Secret,
    attempt: &Attempt<'_>,
    utc: impl Fn() -> UnixNs,
    patience: Duration,
) -> Result<Entered<P>, LogonError> {
    let (mut port, resumed, key_expires_days) =
        established(port, gateway, secret, attempt, &utc, patience)?;
    let Resumed { mut handover, mut unasked } = resumed;
    let session = gateway.session.as_ref().expect("it is an iLink 3 gateway");
    let is_here = session.service_address.is_none();
    if let (Some(details), None, true) = (&session.parties, attempt.again, is_here) {
        let set = (session.party_details_id, details);
        let is_later = attempt.is_later;
        let registered = parties::register(&mut port, &handover, set, is_later, utc(), patience);
        let (after, dropped) = registered
            .map_err(|source| LogonError::Ilink3 { gateway: gateway.name.value.clone(), source })?;
        (handover, unasked) = (after, unasked + dropped);
    }
    Ok(Entered { entry: Entry { port, handover }, unasked, key_expires_days })
}

/// Negotiates and establishes a session, or establishes it again; what it missed is worked out. In
/// how many days its key expires, if that was said.
fn established<P: StreamPort>(
    port: P,
    gateway: &Gateway,
    secret: &Secret,
    attempt: &Attempt<'_>,
    utc: &impl Fn() -> UnixNs,
    patience: Duration,
) -> Result<(P, Resumed, Option<u16>), LogonError> {
    let session = gateway.session.as_ref().expect("it is an iLink 3 gateway");
    let name = || gateway.name.value.clone();
    let key = SecretKey::from_base64url(secret.reveal())
        .map_err(|source| LogonError::Key { gateway: name(), source })?;
    let credentials = ilink3::Credentials {
        session: session.session.clone(),
        firm: session.firm.clone(),
        access_key_id: session.access_key_id.clone(),
        key,
    };
    let system = ilink3::System {
        name: SYSTEM_NAME.to_owned(),
        version: env!("CARGO_PKG_VERSION").chars().take(10).collect(),
        vendor: SYSTEM_VENDOR.to_owned(),
    };
    // Microseconds since 1970 are above all that were used before, unless the clock went back.
    let sessions = attempt.known.iter().filter(|one| one.uuid != Missed::BEFORE_ALL);
    let last = sessions.map(|one| one.uuid).max().unwrap_or(0);
    let (uuid, next_seq_no) =
        attempt.again.unwrap_or_else(|| ((utc().0 / 1_000).max(last.saturating_add(1)), 1));
    let wish = ilink3::Wish {
        uuid,
        is_negotiated: attempt.again.is_some(),
        next_seq_no,
        keep_alive_ms: session.keep_alive_ms,
        schema_version: NEWEST_VERSION,
    };
    let logon = ilink3::Logon::new(credentials, system, wish);
    let established = logon.and_then(|logon| ilink3::log_on(port, logon, utc, patience));
    let ilink3::Established { port, handover, previous, key_expires_days } =
        established.map_err(|source| LogonError::Ilink3 { gateway: name(), source })?;
    Ok((port, resume::resumed(attempt.known, &handover, previous), key_expires_days))
}

/// Logs on at a counter and reads its contract table, and not a byte more.
fn granted<P: StreamPort>(
    gateway: &Gateway,
    credentials: &dstar::Credentials,
    port: &mut P,
    patience: Duration,
) -> Result<dstar::Granted, LogonError> {
    let name = || gateway.name.value.clone();
    let failed = |source| LogonError::Dstar { gateway: name(), source };
    let since = Instant::now();
    let wait = || {
        if since.elapsed() > patience {
            return Err(LogonError::TimedOut { gateway: name(), ms: patience.as_millis() });
        }
        std::thread::sleep(NAP);
        Ok(())
    };
    let (mut logon, first) = dstar::Logon::<V3>::start(credentials).map_err(failed)?;
    loop {
        match port.send_on_stream(&first) {
            Ok(()) => break,
            Err(SendError::Busy) => wait()?,
            Err(_) => return Err(LogonError::Closed { gateway: name() }),
        }
    }
    let mut bytes = Vec::new();
    loop {
        let have = bytes.len();
        bytes.resize(want(&bytes), 0);
        let read = port.read(&mut bytes[have..]);
        let read = read.map_err(|_| LogonError::Closed { gateway: name() })?;
        bytes.truncate(have + read);
        if read == 0 {
            wait()?;
        }
        let (taken, granted) = logon.read(&bytes).map_err(failed)?;
        if let Some(granted) = granted {
            return Ok(granted.clone());
        }
        bytes.drain(..taken);
    }
}

/// How many bytes of a message are known to come.
fn want(bytes: &[u8]) -> usize {
    let header = size_of::<FrameHeader>();
    match wire::take::<FrameHeader>(bytes) {
        Ok((frame, _)) => header + usize::from(frame.body_len.get()),
        Err(_) => header,
    }
}

/// Whether the counter takes requests where we send them, and has what is traded.
fn check(
    config: &Configuration,
    row: config::GatewayIndex,
    granted: &dstar::Granted,
) -> Result<(), LogonError> {
    let gateway = &config.gateways[row];
    let name = || gateway.name.value.clone();
    if let Some(Endpoint::Pair { requests, .. }) = gateway.endpoint
        && requests.port() != granted.udp_port
    {
        let (ours, theirs) = (requests.port(), granted.udp_port);
        return Err(LogonError::RequestPort { gateway: name(), ours, theirs });
    }
    let traded = config.instruments.iter().filter(|of| of.gateway == Some(row));
    let is_lacking = |of: &&Instrument| {
        let mut contracts = granted.contracts.iter();
        !contracts.any(|(_, number)| *number == of.symbol)
    };
    let instruments: Vec<_> = traded.filter(is_lacking).map(shown).collect();
    if instruments.is_empty() {
        return Ok(());
    }
    Err(LogonError::NotTraded { gateway: name(), instruments })
}

fn shown(instrument: &Instrument) -> String {
    format!("{} ({})", instrument.name.value, instrument.symbol)
}

//! The configuration of a simulated venue: what `xmc venue` reads.
//!
//! Another kind of file than an engine's, of the same making: every mistake at its place, unknown
//! keys refused. The keys of groups are called as an engine's feed has them, so that the two can be
//! compared. Secrets are not in it; a session without one has the key that everybody knows.

mod faults;
mod order_faults;
mod shfe;

pub use faults::Restart;
pub use shfe::{ShfeAccount, ShfeReader, ShfeVenue, load_shfe, shfe_text};

use super::access::{self, SecretSource};
use super::error::{Invalid, Problem, Report, Rule};
use super::section::{Document, Section, Shape, Written};
use super::source::Sources;
use super::value::{endpoint, identity, interface, line, multicast, whole, word};
use super::{all, at_most, each, missing_section, parse};
use crate::port::interface::InterfaceChoice;
use crate::port::udp::Reach;
use crate::sim::exchange::CROWD_FROM;
use crate::venue::cme::simulated::shell::Addresses;
use crate::venue::cme::simulated::{FeedFaults, OrderFaults};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};
use xmc_hotpath::message::AccountId;

/// Sessions of one venue, at most.
const MOST_SESSIONS: usize = 16;

/// A simulated CME.
#[derive(Clone, Debug)]
pub struct CmeVenue {
    /// What things are worth; the same at all venues of a world.
    pub world_seed: u64,
    /// What this venue's own crowd does.
    pub seed: u64,
    /// Year and month of the contracts.
    pub maturity: (u16, u8),
    /// Where fills are kept; `None`: nowhere, and a restart forgets them.
    pub store: Option<PathBuf>,
    /// Tag 1180 of the feed.
    pub channel: i16,
    /// Where it is found.
    pub addresses: Addresses,
    /// How far its packets go.
    pub reach: Reach,
    /// Who may trade.
    pub sessions: Vec<CmeSession>,
    /// What goes wrong with its feed.
    pub faults: FeedFaults,
    /// What goes wrong with its order sessions.
    pub order_faults: OrderFaults,
    /// When it ends as by a kill and comes back.
    pub restarts: Vec<Restart>,
}

/// One who may trade at a simulated CME.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CmeSession {
    /// Session, three characters.
    pub session: String,
    /// Firm, up to five characters.
    pub firm: String,
    /// Names the key.
    pub access_key_id: String,
    /// Where the key lies; `None`: it is the one that everybody knows.
    pub key: Option<SecretSource>,
    /// Whose money.
    pub account: AccountId,
}

const SHAPE: Shape =
    Shape { single: &["venue", "feed", "faults"], repeated: &["session", "fault"] };

const REACHES: &[(&str, Near)] = &[("host", Near(Reach::Host)), ("link", Near(Reach::Link))];

#[derive(Clone, Copy)]
struct Near(Reach);

impl Default for Near {
    fn default() -> Self {
        Self(Reach::Host)
    }
}

/// Reads and checks the file of a simulated CME and what it includes.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load_cme(path: &Path) -> Result<CmeVenue, Invalid> {
    let report = Report::default();
    let sources = Sources::read(path, &report);
    check(sources, report, SHAPE, cme)
}

/// Like `load_cme`, with `text` instead of the contents of `path`.
///
/// # Errors
/// Everything that is wrong with it.
pub fn cme_text(path: &Path, text: &str) -> Result<CmeVenue, Invalid> {
    let report = Report::default();
    let sources = Sources::of_text(path, text.to_owned(), &report);
    check(sources, report, SHAPE, cme)
}

/// Reads a venue's file by its shape.
fn check<T>(
    sources: Sources,
    report: Report,
    shape: Shape,
    read: fn(Document<'_>, &Report) -> Option<T>,
) -> Result<T, Invalid> {
    let tables = parse(&sources, &report);
    let value = tables.as_ref().and_then(|tables| {
        let document = Document::gather(shape, tables, &report)?;
        read(document, &report)
    });
    drop(tables);
    match value {
        Some(value) if report.is_empty() => Ok(value),
        _ => Err(Invalid { sources, problems: report.into_problems() }),
    }
}

/// What every venue has.
struct Place {
    world_seed: u64,
    seed: u64,
    maturity: (u16, u8),
    store: Option<PathBuf>,
    interface: InterfaceChoice,
    reach: Reach,
    ledger: SocketAddrV4,
}

fn place(section: &Section<'_>) -> Place {
    let seed = |key| section.required(key, whole(0..=i64::MAX)).value.unsigned_abs();
    Place {
        world_seed: seed("world_seed"),
        seed: seed("seed"),
        maturity: (
            section.required("contract_year", whole(2020..=2099)).value,
            section.required("contract_month", whole(1..=12)).value,
        ),
        store: section.optional("store", line(4_096)).map(|path| path.value.into()),
        interface: section
            .required("interface", interface)
            .value
            .unwrap_or(InterfaceChoice::LOOPBACK),
        reach: section
            .optional("reach", word(REACHES))
            .map_or(Near::default(), |near| near.value)
            .0,
        ledger: address(section, "ledger_address").value,
    }
}

fn address(section: &Section<'_>, key: &'static str) -> Written<SocketAddrV4> {
    let written = section.required(key, endpoint);
    let nowhere = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
    Written { value: written.value.unwrap_or(nowhere), place: written.place }
}

fn cme(mut document: Document<'_>, report: &Report) -> Option<CmeVenue> {
    let sessions = document.take_repeated("session");
    at_most(MOST_SESSIONS, "sessions", &sessions, "venue", report);
    let venue = document.take_single("venue");
    let feed = document.take_single("feed");
    for (section, title) in [(&venue, "[venue]"), (&feed, "[feed]")] {
        if section.is_none() {
            missing_section(report, title);
        }
    }
    let read = each(sessions, session);
    let wrong = faults::read(&mut document, venue.as_ref(), "channel_reset", report);
    let feed = feed.and_then(groups);
    let venue = venue.and_then(|section| {
        let place = place(&section);
        let orders = address(&section, "order_address");
        if orders.value == place.ledger && orders.value.port() != 0 {
            section.fail(
                Problem::new(
                    Rule::Address,
                    format!(
                        "orders and ledgers of {} are both at {}",
                        section.title(),
                        place.ledger
                    ),
                    orders.place,
                    "taken by the ledger",
                )
                .help("give one of them another port"),
            );
        }
        let replay = section.optional("replay_address", endpoint).and_then(|read| read.value);
        section.finish((place, orders.value, replay))
    });
    let sessions = all(read)?;
    accounts(&sessions, report);
    let ((place, orders, replay), (channel, [incremental, definitions, snapshots])) =
        (venue?, feed?);
    let wrong = wrong?;
    Some(CmeVenue {
        world_seed: place.world_seed,
        seed: place.seed,
        maturity: place.maturity,
        store: place.store,
        channel,
        addresses: Addresses {
            interface: place.interface,
            incremental,
            definitions,
            snapshots,
            replay: replay.map(Into::into),
            orders: orders.into(),
            ledger: place.ledger.into(),
        },
        reach: place.reach,
        sessions: sessions.into_iter().map(|session| session.value).collect(),
        faults: wrong.feed,
        order_faults: wrong.orders,
        restarts: wrong.restarts,
    })
}

/// The groups of an MDP 3.0 channel, with the keys that an engine's feed has for them.
const GROUPS: [&str; 6] =
    ["line_a", "line_b", "definitions_a", "definitions_b", "snapshots_a", "snapshots_b"];

fn groups(section: Section<'_>) -> Option<(i16, [[SocketAddrV4; 2]; 3])> {
    let read = GROUPS.map(|key| (key, group(&section, key)));
    for (index, (key, found)) in read.iter().enumerate() {
        let same = read.iter().take(index).find(|(_, other)| other.is_some() && other == found);
        if let (Some((other, _)), Some(address)) = (same, found) {
            section.fail(
                Problem::new(
                    Rule::Lines,
                    format!("`{other}` and `{key}` of {} are both {address}", section.title()),
                    section.place().clone(),
                    "one group twice",
                )
                .help(format!("give `{key}` its own group or port")),
            );
        }
    }
    let nowhere = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
    let [ia, ib, da, db, sa, sb] = read.map(|(_, address)| address.unwrap_or(nowhere));
    let channel = section.required("channel", whole(1..=i16::MAX)).value;
    section.finish((channel, [[ia, ib], [da, db], [sa, sb]]))
}

/// `None` if it could not be read, which is reported.
fn group(section: &Section<'_>, key: &'static str) -> Option<SocketAddrV4> {
    let Some(table) = section.table(key) else {
        if !section.has(key) {
            section.fail(Problem::new(
                Rule::MissingKey,
                format!("{} has no `{key}`", section.title()),
                section.place().clone(),
                format!("`{key}` is required: {{ group = \"239.192.31.1\", port = 14310 }}"),
            ));
        }
        return None;
    };
    let group = table.required("group", multicast).value;
    let port = table.required("port", whole(1..=u16::MAX)).value;
    let read = table.finish(group.map(|group| SocketAddrV4::new(group, port)));
    if read.is_none() {
        section.spoil();
    }
    read.flatten()
}

fn session(section: Section<'_>) -> Option<Written<CmeSession>> {
    let account = section.required("account", whole(1..=CROWD_FROM.0 - 1));
    let read = CmeSession {
        session: section.required("session", identity(3..=3)).value,
        firm: section.required("firm", identity(1..=5)).value,
        access_key_id: section.required("access_key_id", identity(1..=20)).value,
        key: access::optional_key(&section),
        account: AccountId(account.value),
    };
    section.finish(Written { value: read, place: account.place })
}

/// A lost session's account is cleared of its orders, so nobody else may have it.
fn accounts(sessions: &[Written<CmeSession>], report: &Report) {
    for (index, session) in sessions.iter().enumerate() {
        for other in sessions.iter().take(index) {
            if other.account == session.account {
                report.add(
                    Problem::new(
                        Rule::AccountTwice,
                        format!("account {} belongs to two sessions", session.account.0),
                        session.place.clone(),
                        "taken",
                    )
                    .also(&other.place, "by this session")
                    .help("give each session an account of its own"),
                );
            }
            if (&other.session, &other.firm) == (&session.session, &session.firm) {
                report.add(
                    Problem::new(
                        Rule::NameTwice,
                        format!(
                            "session {} of firm {} is there twice",
                            session.session, session.firm
                        ),
                        session.place.clone(),
                        "nobody can tell it from the other one",
                    )
                    .also(&other.place, "the other one"),
                );
            }
        }
    }
}

//! The file of a simulated SHFE and INE.
//!
//! Keys of addresses and groups are called as an engine's feed and gateway have them.

use super::super::access::{self, SecretSource};
use super::super::error::{Invalid, Problem, Report, Rule};
use super::super::section::{Document, Section, Shape, Written};
use super::super::source::Sources;
use super::super::value::{identity, whole};
use super::super::{all, at_most, each, missing_section};
use super::faults::{self, Restart};
use super::{MOST_SESSIONS, Place, address, check, group, place};
use crate::port::udp::Reach;
use crate::sim::exchange::CROWD_FROM;
use crate::venue::shfe::simulated::FeedFaults;
use crate::venue::shfe::simulated::shell::Addresses;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};
use xmc_hotpath::message::AccountId;
use xmc_hotpath::venue::esunny::dstar::layout::{OFFSET_CLOSE, OFFSET_OPEN};

/// A simulated SHFE and INE, with a SIMULATED counter in front of it.
#[derive(Clone, Debug)]
pub struct ShfeVenue {
    /// What things are worth; the same at all venues of a world.
    pub world_seed: u64,
    /// What this venue's own crowd does.
    pub seed: u64,
    /// Year and month of the contracts.
    pub maturity: (u16, u8),
    /// Where fills are kept; `None`: nowhere, and a restart forgets them.
    pub store: Option<PathBuf>,
    /// The topic that carries all instruments.
    pub topic: i16,
    /// Where it is found.
    pub addresses: Addresses,
    /// How far its packets go.
    pub reach: Reach,
    /// What `Offset` says to close today's lots; `None`: nothing does. Made up, as the engine's is.
    pub close_today_code: Option<u8>,
    /// Who may trade.
    pub accounts: Vec<ShfeAccount>,
    /// Who may ask for snapshots and missed packets; nobody named: anybody may.
    pub readers: Vec<ShfeReader>,
    /// What goes wrong with its feed.
    pub faults: FeedFaults,
    /// When it ends as by a kill and comes back.
    pub restarts: Vec<Restart>,
    /// Packets that the query service sends again at a time; `None`: as many as it otherwise does.
    pub most_resent: Option<u16>,
    /// Packets of the topic that it keeps for that.
    pub kept_packets: Option<u32>,
}

/// One who may trade through the simulated counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShfeAccount {
    /// Its number at the counter, up to 21 characters.
    pub account_no: String,
    /// Where the password lies; `None`: it is the one that everybody knows.
    pub password: Option<SecretSource>,
    /// Whose money.
    pub account: AccountId,
}

/// One who may ask for snapshots and missed packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShfeReader {
    /// User, up to 15 characters.
    pub user_id: String,
    /// Participant, up to 10 characters.
    pub participant_id: String,
    /// Where the password lies; `None`: there is none.
    pub password: Option<SecretSource>,
}

const SHAPE: Shape =
    Shape { single: &["venue", "feed", "faults"], repeated: &["account", "reader", "fault"] };

/// Reads and checks the file of a simulated SHFE and what it includes.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load_shfe(path: &Path) -> Result<ShfeVenue, Invalid> {
    let report = Report::default();
    let sources = Sources::read(path, &report);
    check(sources, report, SHAPE, shfe)
}

/// Like `load_shfe`, with `text` instead of the contents of `path`.
///
/// # Errors
/// Everything that is wrong with it.
pub fn shfe_text(path: &Path, text: &str) -> Result<ShfeVenue, Invalid> {
    let report = Report::default();
    let sources = Sources::of_text(path, text.to_owned(), &report);
    check(sources, report, SHAPE, shfe)
}

/// What `[venue]` says.
struct Door {
    place: Place,
    query: SocketAddrV4,
    counter: SocketAddrV4,
    requests: SocketAddrV4,
    close_today_code: Option<u8>,
}

fn shfe(mut document: Document<'_>, report: &Report) -> Option<ShfeVenue> {
    let accounts = document.take_repeated("account");
    let readers = document.take_repeated("reader");
    at_most(MOST_SESSIONS, "accounts", &accounts, "counter", report);
    at_most(MOST_SESSIONS, "readers", &readers, "venue", report);
    let venue = document.take_single("venue");
    let feed = document.take_single("feed");
    for (section, title) in [(&venue, "[venue]"), (&feed, "[feed]")] {
        if section.is_none() {
            missing_section(report, title);
        }
    }
    let wrong = faults::read(&mut document, venue.as_ref(), "center_change", report);
    let (accounts, readers) = (each(accounts, account), each(readers, reader));
    let (feed, venue) = (feed.and_then(topic), venue.and_then(door));
    let (accounts, readers) = (all(accounts)?, all(readers)?);
    told_apart(&accounts, report);
    let ((topic, lines), door, wrong) = (feed?, venue?, wrong?);
    let Door { place, query, counter, requests, close_today_code } = door;
    Some(ShfeVenue {
        world_seed: place.world_seed,
        seed: place.seed,
        maturity: place.maturity,
        store: place.store,
        topic,
        addresses: Addresses {
            interface: place.interface,
            topics: vec![(topic, lines)],
            query: query.into(),
            counter: counter.into(),
            requests: requests.into(),
            ledger: place.ledger.into(),
        },
        reach: place.reach,
        close_today_code,
        accounts: accounts.into_iter().map(|account| account.value).collect(),
        readers,
        faults: wrong.feed,
        restarts: wrong.restarts,
        most_resent: wrong.most_resent,
        kept_packets: wrong.kept_packets,
    })
}

fn door(section: Section<'_>) -> Option<Door> {
    let place = place(&section);
    let query = address(&section, "query_address");
    let counter = address(&section, "answer_address");
    let requests = address(&section, "request_address");
    let ports = [("query_address", &query), ("answer_address", &counter)];
    for (index, (key, own)) in ports.iter().enumerate() {
        let others = ports.iter().take(index).map(|(other, taken)| (*other, taken.value));
        let mut taken = others.chain([("ledger_address", place.ledger)]);
        let same = taken.find(|(_, taken)| *taken == own.value && taken.port() != 0);
        if let Some((other, taken)) = same {
            let title = section.title();
            let problem = Problem::new(
                Rule::Address,
                format!("`{other}` and `{key}` of {title} are both {taken}"),
                own.place.clone(),
                "taken",
            );
            section.fail(problem.help("give one of them another port"));
        }
    }
    let code = section.optional("close_today_code", identity(1..=1));
    let close_today_code = code.as_ref().and_then(|code| code.value.bytes().next());
    if let (Some(code), Some(OFFSET_OPEN | OFFSET_CLOSE)) = (&code, close_today_code) {
        let title = section.title();
        let problem = Problem::new(
            Rule::Identity,
            format!("`close_today_code` of {title} is {:?}, which has a meaning", code.value),
            code.place.clone(),
            "O opens, C closes",
        );
        section.fail(problem.help("use the letter that the engine's gateway has"));
    }
    let (query, counter, requests) = (query.value, counter.value, requests.value);
    section.finish(Door { place, query, counter, requests, close_today_code })
}

fn topic(section: Section<'_>) -> Option<(i16, [SocketAddrV4; 2])> {
    let lines = ["line_a", "line_b"].map(|key| group(&section, key));
    if let [Some(a), Some(b)] = lines
        && a == b
    {
        let problem = Problem::new(
            Rule::Lines,
            format!("`line_a` and `line_b` of {} are both {a}", section.title()),
            section.place().clone(),
            "one group twice",
        );
        section.fail(problem.help("give `line_b` its own group or port"));
    }
    let nowhere = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
    let topic = section.required("topic", whole(1..=i16::MAX)).value;
    section.finish((topic, lines.map(|line| line.unwrap_or(nowhere))))
}

fn account(section: Section<'_>) -> Option<Written<ShfeAccount>> {
    let account = section.required("account", whole(1..=CROWD_FROM.0 - 1));
    let read = ShfeAccount {
        account_no: section.required("account_no", identity(1..=21)).value,
        password: access::optional_password(&section),
        account: AccountId(account.value),
    };
    section.finish(Written { value: read, place: account.place })
}

fn reader(section: Section<'_>) -> Option<ShfeReader> {
    let read = ShfeReader {
        user_id: section.required("user_id", identity(1..=15)).value,
        participant_id: section.required("participant_id", identity(1..=10)).value,
        password: access::optional_password(&section),
    };
    section.finish(read)
}

/// Replies go by account and logons by number, so neither may be there twice.
fn told_apart(accounts: &[Written<ShfeAccount>], report: &Report) {
    for (index, one) in accounts.iter().enumerate() {
        for other in accounts.iter().take(index) {
            let (rule, message) = if other.account == one.account {
                let account = one.account.0;
                (Rule::AccountTwice, format!("account {account} has two numbers at the counter"))
            } else if other.account_no == one.account_no {
                (Rule::NameTwice, format!("number {} is there twice", one.account_no))
            } else {
                continue;
            };
            let problem = Problem::new(rule, message, one.place.clone(), "taken");
            let problem = problem.also(&other.place, "by this one");
            report.add(problem.help("give each account its own"));
        }
    }
}

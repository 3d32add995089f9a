//! How a session is let in: who asks, and where the secret lies. The secret itself is never here:
//! a file or a variable of the environment holds it, and `crate::secret` reads it when it is used.

use super::error::{Problem, Rule};
use super::section::Section;
use super::value::{endpoint, identity, line, whole, word};
use crate::calendar::{self, Week, WeekTime};
use crate::venue::cme::ilink3::parties::{
    ClearingAccount, OrderSource, PartyDetails, SelfMatchCancels,
};
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use std::fmt;
use std::net::SocketAddrV4;
use std::path::PathBuf;
use xmc_hotpath::time::UnixNs;
use xmc_hotpath::venue::esunny::dstar::layout::ReqIdMode;

/// Where a secret lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// In a file that its owner alone may read: its only line.
    File(PathBuf),
    /// Among the credentials that systemd hands to the service, by this name.
    Credential(String),
}

impl SecretSource {
    /// What stands for one that could not be read.
    const NOWHERE: Self = Self::Credential(String::new());
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Credential(name) => write!(f, "credential {name}"),
        }
    }
}

/// Who an iLink 3 session is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionIdentity {
    /// Session, three characters.
    pub session: String,
    /// Firm, up to five characters.
    pub firm: String,
    /// Operator id, up to twenty characters.
    pub sender_id: String,
    /// Location, up to five characters.
    pub location: String,
    /// Names the key, up to twenty characters.
    pub access_key_id: String,
    /// Where the key lies.
    pub key: SecretSource,
    /// The longest silence of either side.
    pub keep_alive_ms: u16,
    /// Tag 1505: the registered set of party details.
    pub party_details_id: u64,
    /// What is registered under it when a session is negotiated; `None`: it is registered already.
    pub parties: Option<PartyDetails>,
    /// The Order Entry Service Gateway, where they are registered; `None`: in the order session.
    pub service_address: Option<SocketAddrV4>,
    /// When sessions are planned to end and to begin; `None`: they stand until they are lost.
    ///
    /// UNPROVEN: CME's sessions are weekly (page 46440193), its hours were not read.
    pub week: Option<Week>,
}

/// Who trades at an Esunny counter, and what it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CounterAccount {
    /// Account number, up to 21 characters.
    pub account_no: String,
    /// Where the password lies.
    pub password: SecretSource,
    /// How the counter checks the numbers of requests.
    pub request_ids: ReqIdMode,
    /// What `Offset` says to close today's lots; `None`: such orders are refused here.
    ///
    /// UNPROVEN: no code for it is in the public headers. The futures company knows it.
    pub close_today_code: Option<u8>,
    /// How long a request may be unanswered before the counter is asked for it.
    pub ask_after_ms: u32,
    /// Shortest time between two such questions.
    pub ask_interval_ms: u32,
}

/// Who queries a domestic feed over MDQP. A front that asks nobody's name gets empty texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueryLogin {
    /// User, up to 15 characters.
    pub user_id: String,
    /// Participant, up to 10 characters.
    pub participant_id: String,
    /// Where the password lies; `None`: there is none.
    pub password: Option<SecretSource>,
}

/// What the two sources of one secret are called, and how people would write the secret itself.
pub(super) struct SecretKeys {
    pub file: &'static str,
    pub credential: &'static str,
    pub plain: &'static [&'static str],
}

const KEY: SecretKeys = SecretKeys {
    file: "key_file",
    credential: "key_credential",
    plain: &["key", "secret_key", "access_key", "secret"],
};
const PASSWORD: SecretKeys = SecretKeys {
    file: "password_file",
    credential: "password_credential",
    plain: &["password", "secret"],
};
const MDQP_PASSWORD: SecretKeys = SecretKeys {
    file: "mdqp_password_file",
    credential: "mdqp_password_credential",
    plain: &["mdqp_password", "password", "secret"],
};

const REPLAY_PASSWORD: SecretKeys = SecretKeys {
    file: "replay_password_file",
    credential: "replay_password_credential",
    plain: &["replay_password", "password", "secret"],
};

/// Words of `request_ids`.
const REQUEST_IDS: &[(&str, Ids)] = &[
    ("increasing", Ids(ReqIdMode::Increasing)),
    ("consecutive", Ids(ReqIdMode::Consecutive)),
    ("unchecked", Ids(ReqIdMode::Unchecked)),
];

/// The word that stands for a mode in a file.
pub(crate) fn request_ids_word(mode: ReqIdMode) -> &'static str {
    super::word_for(REQUEST_IDS, Ids(mode))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ids(ReqIdMode);

impl Default for Ids {
    /// Nothing is refused for a number that was lost on the way.
    fn default() -> Self {
        Self(ReqIdMode::Increasing)
    }
}

pub(super) fn session(section: &Section<'_>) -> SessionIdentity {
    let party_details_id = section
        .optional("party_details_id", whole(0..=i64::MAX))
        .map_or(0, |id| id.value.unsigned_abs());
    let (parties, service_address) = parties(section, party_details_id).unzip();
    let service_address = service_address.flatten();
    SessionIdentity {
        session: section.required("session", identity(3..=3)).value,
        firm: section.required("firm", identity(1..=5)).value,
        sender_id: section.required("sender_id", identity(1..=20)).value,
        location: section.required("location", identity(1..=5)).value,
        access_key_id: section.required("access_key_id", identity(1..=20)).value,
        key: required_secret(section, &KEY),
        // CME advises 5 to 60 s.
        keep_alive_ms: section
            .optional("keep_alive_ms", whole(1_000..=60_000))
            .map_or(5_000, |ms| ms.value),
        party_details_id,
        parties,
        service_address,
        week: week(section),
    }
}

const DAYS: &[(&str, Day)] = &[
    ("monday", Day(Weekday::Monday)),
    ("tuesday", Day(Weekday::Tuesday)),
    ("wednesday", Day(Weekday::Wednesday)),
    ("thursday", Day(Weekday::Thursday)),
    ("friday", Day(Weekday::Friday)),
    ("saturday", Day(Weekday::Saturday)),
    ("sunday", Day(Weekday::Sunday)),
];

#[derive(Clone, Copy)]
struct Day(Weekday);

impl Default for Day {
    fn default() -> Self {
        Self(Weekday::Sunday)
    }
}

/// The table `week`: when sessions are planned to end and to begin.
fn week(section: &Section<'_>) -> Option<Week> {
    /// A longer pause is one whose ends were taken for each other.
    const LONGEST_PAUSE_NS: u64 = 4 * 24 * 3_600 * 1_000_000_000;
    /// The first of January 2026.
    const SOME_TIME: UnixNs = UnixNs(1_767_225_600_000_000_000);
    let table = section.table("week")?;
    let zone = table.required("time_zone", calendar::zone).value.unwrap_or(TimeZone::UTC);
    let time = |day, minutes| WeekTime {
        day: table.required(day, word(DAYS)).value.0,
        minutes: table.required(minutes, calendar::minutes).value,
    };
    let ends = time("ends_on", "ends_at");
    let begins = time("begins_on", "begins_at");
    let week = Week { zone, ends, begins };
    // One week stands for all: a change of the clock moves a pause by an hour.
    let pause = week.pause(SOME_TIME);
    if pause.is_none_or(|pause| pause.until.0 - pause.from.0 > LONGEST_PAUSE_NS)
        && !table.is_broken()
    {
        let message = format!("{} has no session for most of the week", table.title());
        let place = table.place().clone();
        let problem = Problem::new(Rule::CalendarTime, message, place, "ends before it begins");
        table.fail(problem.help("`ends` is when the session ends before the weekend"));
    }
    let week = table.finish(week);
    if week.is_none() {
        section.spoil();
    }
    week
}

const CLEARING_ACCOUNTS: &[(&str, ClearingAccount)] =
    &[("customer", ClearingAccount::Customer), ("firm", ClearingAccount::Firm)];

const ORDER_SOURCES: &[(&str, OrderSource)] = &[
    ("fcm_screen", OrderSource::FcmScreen),
    ("other_screen", OrderSource::OtherScreen),
    ("fcm_api", OrderSource::FcmApi),
    ("algo_engine", OrderSource::AlgoEngine),
    ("desk", OrderSource::Desk),
    ("client", OrderSource::Client),
];

const SELF_MATCH_CANCELS: &[(&str, SelfMatchCancels)] =
    &[("newest", SelfMatchCancels::Newest), ("oldest", SelfMatchCancels::Oldest)];

/// The table `parties`: what 518 has to say, and where.
fn parties(section: &Section<'_>, id: u64) -> Option<(PartyDetails, Option<SocketAddrV4>)> {
    let table = section.table("parties")?;
    if id == 0 {
        let message = format!("{} has `parties` without a `party_details_id`", section.title());
        let place = table.place().clone();
        let help = "give them a party_details_id of 1 or more: orders name them by it";
        section.fail(Problem::new(Rule::MissingKey, message, place, "needs an id").help(help));
    }
    let party = |key| table.required(key, identity(1..=20)).value;
    let cancels = table.optional("self_match_cancels", word(SELF_MATCH_CANCELS));
    let self_match_id = table.optional("self_match_id", whole(1..=i64::MAX));
    if let (Some(cancels), None) = (&cancels, &self_match_id) {
        let message = format!("{} says what a self-match cancels, not for whom", table.title());
        let place = cancels.place.clone();
        let problem = Problem::new(Rule::MissingKey, message, place, "needs a `self_match_id`");
        table.fail(problem.help("add self_match_id, or take self_match_cancels out"));
    }
    let read = PartyDetails {
        executing_firm: party("executing_firm"),
        customer_account: party("customer_account"),
        operator: party("operator"),
        customer_type: table.required("customer_type", whole(1..=4)).value,
        clearing_account: table.required("clearing_account", word(CLEARING_ACCOUNTS)).value,
        order_source: table.optional("order_source", word(ORDER_SOURCES)).map(|word| word.value),
        self_match: self_match_id.map(|id| {
            let cancels = cancels.map_or_else(SelfMatchCancels::default, |word| word.value);
            (id.value.unsigned_abs(), cancels)
        }),
    };
    let service = table.optional("service_address", endpoint).and_then(|written| written.value);
    let read = table.finish((read, service));
    if read.is_none() {
        section.spoil();
    }
    read
}

pub(super) fn counter(section: &Section<'_>) -> CounterAccount {
    CounterAccount {
        account_no: section.required("account_no", identity(1..=21)).value,
        password: required_secret(section, &PASSWORD),
        request_ids: section
            .optional("request_ids", word(REQUEST_IDS))
            .map_or(Ids::default(), |ids| ids.value)
            .0,
        close_today_code: section
            .optional("close_today_code", identity(1..=1))
            .and_then(|code| code.value.bytes().next()),
        ask_after_ms: section.optional("ask_after_ms", whole(1..=10_000)).map_or(50, |ms| ms.value),
        // The counter's own limit is not public: one a second offends nobody.
        ask_interval_ms: section
            .optional("ask_interval_ms", whole(1..=60_000))
            .map_or(1_000, |ms| ms.value),
    }
}

pub(super) fn query_login(section: &Section<'_>) -> QueryLogin {
    let text = |key, most| {
        section.optional(key, identity(1..=most)).map_or_else(String::new, |text| text.value)
    };
    QueryLogin {
        user_id: text("mdqp_user", 15),
        participant_id: text("mdqp_participant", 10),
        password: secret(section, &MDQP_PASSWORD).unwrap_or_default(),
    }
}

/// Where the password of the TCP replay lies.
pub(super) fn replay_password(section: &Section<'_>) -> SecretSource {
    required_secret(section, &REPLAY_PASSWORD)
}

/// Where the key of a session lies, if that is said.
pub(super) fn optional_key(section: &Section<'_>) -> Option<SecretSource> {
    // What was wrong is reported.
    secret(section, &KEY).unwrap_or_default()
}

/// Where a password lies, if that is said.
pub(super) fn optional_password(section: &Section<'_>) -> Option<SecretSource> {
    // What was wrong is reported.
    secret(section, &PASSWORD).unwrap_or_default()
}

pub(super) fn required_secret(section: &Section<'_>, keys: &SecretKeys) -> SecretSource {
    let named = secret(section, keys);
    if matches!(named, Ok(None)) {
        section.fail(Problem::new(
            Rule::MissingKey,
            format!("{} has neither `{}` nor `{}`", section.title(), keys.file, keys.credential),
            section.place().clone(),
            "one of them says where the secret lies",
        ));
    }
    named.ok().flatten().unwrap_or(SecretSource::NOWHERE)
}

/// What was wrong is reported.
pub(super) struct Refused;

/// Reads where a secret lies. What looks like the secret itself is refused and not shown.
pub(super) fn secret(
    section: &Section<'_>,
    keys: &SecretKeys,
) -> Result<Option<SecretSource>, Refused> {
    for plain in keys.plain {
        if section.has(plain) {
            let title = section.title();
            let message = format!("`{plain}` of {title} is a secret, and this is no place for it");
            let help = format!("write {} = \"PATH\" or {} = \"NAME\"", keys.file, keys.credential);
            section.fail(Problem::nowhere(Rule::SecretInText, message).help(help));
            return section.absent(plain).ok_or(Refused);
        }
    }
    let file = section.optional(keys.file, line(4_096));
    let credential = section.optional(keys.credential, line(4_096));
    match (file, credential) {
        (Some(file), Some(credential)) => {
            let title = section.title();
            let message = format!("{title} says twice where its secret lies");
            let problem =
                Problem::new(Rule::SecretTwice, message, credential.place, "among credentials");
            section.fail(problem.also(&file.place, "in a file").help("keep one of them"));
            Err(Refused)
        }
        (Some(file), None) => Ok(Some(SecretSource::File(file.value.into()))),
        (None, Some(credential)) if is_credential(&credential.value) => {
            Ok(Some(SecretSource::Credential(credential.value)))
        }
        (None, Some(_)) => {
            // It may be the secret itself, so it is not shown.
            let message =
                format!("`{}` of {} names no credential", keys.credential, section.title());
            let help = "a name is 1 to 64 of a-z, A-Z, 0-9, _ . and -, and starts with a letter";
            section.fail(Problem::nowhere(Rule::SecretInText, message).help(help));
            Err(Refused)
        }
        (None, None) => Ok(None),
    }
}

/// As systemd names them, and always a file name.
fn is_credential(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    let starts = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
    starts && name.len() <= 64 && name.bytes().all(plain)
}

//! `[checkpoint]` and `[[witness]]`: who signs the record, how often, and who keeps that elsewhere.

use super::access::{Refused, SecretKeys, required_secret, secret};
use super::error::{Problem, Report, Rule};
use super::names::Names;
use super::section::{Section, Written};
use super::value::{line, name, whole};
use super::{Engine, SecretSource};
use crate::audit::note::{Purpose, VerifierKey};
use std::path::{Component, Path, PathBuf};

/// How the record is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoints {
    /// Where the key lies that signs; its name is the origin of the checkpoints.
    pub key: SecretSource,
    /// The key before, while one takes over from the other: both sign.
    pub old_key: Option<SecretSource>,
    /// Between two checkpoints, if there are new records.
    pub interval_ms: u32,
    /// New records after which the next one does not wait.
    pub every_records: u32,
    /// Who keeps them; at least one.
    pub witnesses: Vec<Witness>,
}

/// Who keeps checkpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// Its name here.
    pub name: String,
    /// Where it is.
    pub place: WitnessPlace,
}

/// Where a witness is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WitnessPlace {
    /// A directory of another disk or machine.
    Directory(PathBuf),
    /// A witness that answers over HTTP and signs.
    Http {
        /// What its address begins with.
        url: String,
        /// Its public key.
        key: Box<VerifierKey>,
        /// How long an answer may take.
        timeout_ms: u32,
    },
}

const KEY: SecretKeys = SecretKeys {
    file: "key_file",
    credential: "key_credential",
    plain: &["key", "secret_key", "private_key", "secret"],
};
const OLD_KEY: SecretKeys = SecretKeys {
    file: "old_key_file",
    credential: "old_key_credential",
    plain: &["old_key", "old_secret_key"],
};

/// Reads both kinds of section: either there is no checkpoint and no witness, or there are both.
pub(super) fn checkpoints(
    checkpoint: Option<Section<'_>>,
    witnesses: Vec<Section<'_>>,
    engine: Option<&Engine>,
    report: &Report,
) -> Result<Option<Checkpoints>, Refused> {
    Names::gather("witness", &witnesses, report);
    let Some(section) = checkpoint else {
        let Some(first) = witnesses.first() else { return Ok(None) };
        let message = "there is a [[witness]] and no [checkpoint] that it could keep";
        let problem = Problem::new(Rule::Unwitnessed, message, first.place().clone(), "no key");
        report.add(problem.help("write [checkpoint] with key_file = \"PATH\""));
        return Err(Refused);
    };
    if witnesses.is_empty() {
        let message = "checkpoints that nobody keeps elsewhere prove nothing";
        let place = section.place().clone();
        let problem = Problem::new(Rule::Unwitnessed, message, place, "no [[witness]]");
        report.add(problem.help("write [[witness]] with directory = \"PATH\" or url = \"URL\""));
        return Err(Refused);
    }
    let read: Vec<_> = witnesses.into_iter().map(|section| witness(section, engine)).collect();
    let old_key = secret(&section, &OLD_KEY)?;
    let checkpoints = Checkpoints {
        key: required_secret(&section, &KEY),
        old_key,
        interval_ms: section
            .optional("interval_ms", whole(100..=60_000))
            .map_or(1_000, |ms| ms.value),
        every_records: section
            .optional("every_records", whole(1..=1_000_000))
            .map_or(4_096, |count| count.value),
        witnesses: read.into_iter().collect::<Option<_>>().unwrap_or_default(),
    };
    let is_read = !checkpoints.witnesses.is_empty();
    section.finish(checkpoints).filter(|_| is_read).map(Some).ok_or(Refused)
}

fn witness(section: Section<'_>, engine: Option<&Engine>) -> Option<Witness> {
    let directory = section.optional("directory", line(4_096));
    let url = section.optional("url", line(2_048));
    let key = section.optional("key", line(1_024));
    let timeout_ms = section.optional("timeout_ms", whole(100..=30_000));
    let place = match (directory, url) {
        (Some(directory), None) => elsewhere(&section, directory, engine),
        (None, Some(url)) => {
            let timeout_ms = timeout_ms.map_or(2_000, |ms| ms.value);
            http(&section, url, key, timeout_ms)
        }
        (directory, url) => {
            let said = if directory.is_some() && url.is_some() { "twice" } else { "nowhere" };
            let message = format!("{} says {said} where it is", section.title());
            let problem =
                Problem::new(Rule::WitnessPlace, message, section.place().clone(), "one witness");
            section.fail(problem.help("write directory = \"PATH\", or url = \"URL\" and key"));
            None
        }
    };
    let name = section.required("name", name).value;
    let place = place.unwrap_or_else(|| WitnessPlace::Directory(PathBuf::new()));
    section.finish(Witness { name, place })
}

/// A directory that is not the record's own: who can change the one could change the other.
fn elsewhere(
    section: &Section<'_>,
    directory: Written<String>,
    engine: Option<&Engine>,
) -> Option<WitnessPlace> {
    let path = PathBuf::from(&directory.value);
    let is_inside = |inner: &Path, outer: &Path| plain(inner).starts_with(plain(outer));
    let record = engine.map(|engine| engine.record_directory.as_path());
    if record.is_some_and(|record| is_inside(&path, record) || is_inside(record, &path)) {
        let message = format!("the witness's directory {:?} is the record's own", directory.value);
        let problem = Problem::new(Rule::WitnessPlace, message, directory.place, "not elsewhere");
        section.fail(problem.help("name a directory of another disk, or better another machine"));
        return None;
    }
    Some(WitnessPlace::Directory(path))
}

/// Without `.` and with what `..` takes away: as written, no link is followed.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

fn http(
    section: &Section<'_>,
    url: Written<String>,
    key: Option<Written<String>>,
    timeout_ms: u32,
) -> Option<WitnessPlace> {
    let fail = |message: String, place, label: &str, help: &str| {
        let problem = Problem::new(Rule::WitnessPlace, message, place, label);
        section.fail(problem.help(help));
        None
    };
    let rest = url.value.strip_prefix("http://").or_else(|| url.value.strip_prefix("https://"));
    if rest.is_none_or(|rest| rest.is_empty() || rest.starts_with('/') || rest.contains('@')) {
        let message = format!("{:?} is not the address of a witness", url.value);
        return fail(message, url.place, "no address", "write https://HOST[:PORT][/PATH]");
    }
    let Some(key) = key else {
        let message = format!("{} has an address and no key", section.title());
        let help = "write key = \"NAME+ID+BASE64\": without it anybody could answer in its name";
        return fail(message, url.place, "whose?", help);
    };
    match VerifierKey::parse(&key.value) {
        Ok(found) if found.purpose() == Purpose::Witness => {
            Some(WitnessPlace::Http { url: url.value, key: Box::new(found), timeout_ms })
        }
        Ok(_) => {
            let message = "this key is that of a log, not of a witness".to_owned();
            fail(message, key.place, "type 1, not 4", "ask the witness for its own key")
        }
        Err(error) => fail(error.to_string(), key.place, "no key", "copy it as it was given out"),
    }
}

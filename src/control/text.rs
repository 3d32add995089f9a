//! A command as the text that is signed.
//!
//! ```text
//! xmc-command/v1
//! audience: site=1 desk=1 run=7
//! operator: alice
//! counter: 12
//! issued: 2026-11-22T12:00:00Z
//! expires: 2026-11-22T12:02:00Z
//! command: limit
//! scope: instrument=cu
//! limit: max_position_lots
//! from: 100 lots
//! to: 200 lots
//! reason: the roll needs both months
//! ```
//!
//! Of an explanation (`xmc resync explain`) a line `difference: 1a2b3c4d` stands behind the scope,
//! of an acknowledgement a line `alert: 1a2b3c4d5e6f7a8b`.
//! A value has one way to be written, so a text that reads is the text that this would write, byte
//! for byte. Under it stand the signatures of a signed note (`audit::note`): nobody can sign one
//! thing and have another done. The three lines from `limit` on are there of a limit only.

use super::limit::{Amount, Change, Field};
use super::scope::{Kind, Named};
use super::verb::Verb;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use std::fmt;
use xmc_hotpath::message::DeskIdentity;

/// The first line.
pub const HEADER: &str = "xmc-command/v1";
/// No text is longer, signatures included.
pub const MOST_BYTES: usize = 4_096;
/// No reason is longer, in characters.
pub const MOST_REASON: usize = 200;

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// For which engine: a site, a desk, and one run of it.
    pub audience: DeskIdentity,
    /// Who gives it.
    pub operator: String,
    /// Its number among those of the operator, from 1; each is above the one before.
    pub counter: u64,
    /// When it was written, seconds since 1970.
    pub issued_s: u64,
    /// From when on it is not taken any more, seconds since 1970.
    pub expires_s: u64,
    /// What is to be done.
    pub verb: Verb,
    /// About what.
    pub scope: Named,
    /// The limit, if it is one.
    pub change: Option<Change>,
    /// The difference that is explained, if one is: eight hexadecimal digits.
    pub difference: Option<String>,
    /// The alert that is taken on, if one is: sixteen hexadecimal digits, its fingerprint.
    pub alert: Option<String>,
    /// Why, for whoever reads the record.
    pub reason: String,
}

/// Why a text is no command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// A line is missing, or something else stands in its place.
    #[error("line {line} must be \"{wanted}\": write commands with xmc")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What stands there in a command.
        wanted: &'static str,
    },
    /// A value is not one of its kind.
    #[error("{name} is {value:?}, and must be {wanted}")]
    Value {
        /// Of which line.
        name: &'static str,
        /// What stands there.
        value: String,
        /// What can.
        wanted: &'static str,
    },
    /// Something stands behind the last line.
    #[error("there is more behind the reason: a command ends there")]
    More,
    /// It reads, but would be written otherwise.
    #[error("the text is not how such a command is written: write commands with xmc")]
    NotCanonical,
    /// Such a command is not about that.
    #[error("{verb} is not about {scope}: it takes {wanted}")]
    Scope {
        /// The command.
        verb: Verb,
        /// About what it was meant to be.
        scope: String,
        /// What it can be about.
        wanted: &'static str,
    },
}

/// What a command can be about, in words; `None` if it can be about that.
fn misfit(verb: Verb, scope: &Named) -> Option<&'static str> {
    let is_spread = matches!(scope, Named::Of(Kind::Spread, _));
    let is_all = *scope == Named::All;
    let is_limited = !matches!(scope, Named::Of(Kind::Strategy, _));
    match verb {
        Verb::Kill | Verb::NoNew | Verb::Disable | Verb::Enable => None,
        Verb::Arm | Verb::Acknowledge | Verb::Lift | Verb::LiftUnconfirmed => {
            (!is_all).then_some("all")
        }
        Verb::ClearHalt | Verb::Remove => (!is_spread).then_some("spread=NAME"),
        Verb::ClearDoubt => (!is_all && !is_spread).then_some("all or spread=NAME"),
        Verb::Explain => {
            let is_one = matches!(scope, Named::Of(Kind::Instrument | Kind::Gateway, _));
            (!is_one).then_some("instrument=NAME or gateway=NAME")
        }
        Verb::Limit => (!is_limited).then_some("anything but a strategy"),
    }
}

impl Text {
    /// Reads a command.
    ///
    /// # Errors
    /// See `TextError`.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let mut lines = Lines { rest: text, line: 0 };
        lines.header()?;
        let audience = lines.read("audience", "site=N desk=N run=N", audience)?;
        let operator = lines.read("operator", "the operator's name", |name| {
            (!name.is_empty() && name.len() <= 32).then(|| name.to_owned())
        })?;
        let counter = lines.read("counter", "a whole number from 1 on", counter)?;
        let issued_s = lines.read("issued", "a second in UTC, 2026-11-22T12:00:00Z", second)?;
        let expires_s = lines.read("expires", "a second in UTC, 2026-11-22T12:00:00Z", second)?;
        let verb = lines.read("command", "a command, as kill or no_new", Verb::of_word)?;
        let wanted = "all, or spread=NAME, instrument=NAME, gateway=NAME, account=NAME, \
                      strategy=NAME";
        let scope = lines.read("scope", wanted, |scope| scope.parse::<Named>().ok())?;
        let change = if verb == Verb::Limit {
            let amount = "a whole number, a blank and its unit, as 10 lots";
            Some(Change {
                field: lines.read("limit", "a limit, as max_order_lots", Field::of_word)?,
                from: lines.read("from", amount, Amount::parse)?,
                to: lines.read("to", amount, Amount::parse)?,
            })
        } else {
            None
        };
        let difference = if verb == Verb::Explain {
            Some(lines.read("difference", "the eight digits of `xmc resync show`", digits::<8>)?)
        } else {
            None
        };
        let alert = if verb == Verb::Acknowledge {
            let wanted = "the sixteen digits of `xmc alert list`";
            Some(lines.read("alert", wanted, digits::<16>)?)
        } else {
            None
        };
        let reason = lines.read("reason", "1 to 200 characters on one line", reason)?;
        if !lines.rest.is_empty() {
            return Err(TextError::More);
        }
        let read = Self {
            audience,
            operator,
            counter,
            issued_s,
            expires_s,
            verb,
            scope,
            change,
            difference,
            alert,
            reason,
        };
        if let Some(wanted) = misfit(read.verb, &read.scope) {
            let scope = read.scope.to_string();
            return Err(TextError::Scope { verb: read.verb, scope, wanted });
        }
        if read.to_string() != text {
            return Err(TextError::NotCanonical);
        }
        Ok(read)
    }

    /// Whether two people must have signed it.
    #[must_use]
    pub fn needs_two(&self) -> bool {
        self.verb.allows_more() || self.change.as_ref().is_some_and(Change::allows_more)
    }

    /// SHA-256 of the text: what the record knows it by.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.to_string()).into()
    }

    /// What it does, for the person who is about to sign it.
    #[must_use]
    pub fn in_words(&self) -> String {
        let DeskIdentity { site, desk, run } = self.audience;
        let what = match &self.change {
            Some(Change { field, from, to }) => {
                let (what, until) = if to.figure > from.figure {
                    ("RAISE", "; from the next start on at most what its configuration has")
                } else {
                    ("lower", ", beyond the next start, until two people raise it")
                };
                format!("{what} {field} of {} from {from} to {to}{until}", self.scope)
            }
            None => {
                let which = self.difference.as_ref();
                let which = which.map_or(String::new(), |id| format!(" difference {id}"));
                let alert = self.alert.as_ref().map(|alert| format!(" alert {alert}"));
                let which = which + &alert.unwrap_or_default();
                format!("{}: {}{which} ({})", self.verb, self.scope, self.verb.meaning())
            }
        };
        let signers = if self.needs_two() {
            "it lets more happen than before, so two people sign it"
        } else {
            "one signature is enough"
        };
        format!(
            "site {}, desk {}, run {}\n  {what}\n  given by {} as number {}, valid until {}\n  \
             {signers}\n  reason: {}\n",
            site.0,
            desk.0,
            run,
            self.operator,
            self.counter,
            Second(self.expires_s),
            self.reason
        )
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DeskIdentity { site, desk, run } = self.audience;
        writeln!(f, "{HEADER}")?;
        writeln!(f, "audience: site={} desk={} run={run}", site.0, desk.0)?;
        writeln!(f, "operator: {}", self.operator)?;
        writeln!(f, "counter: {}", self.counter)?;
        writeln!(f, "issued: {}", Second(self.issued_s))?;
        writeln!(f, "expires: {}", Second(self.expires_s))?;
        writeln!(f, "command: {}", self.verb)?;
        writeln!(f, "scope: {}", self.scope)?;
        if let Some(Change { field, from, to }) = &self.change {
            writeln!(f, "limit: {field}\nfrom: {from}\nto: {to}")?;
        }
        if let Some(difference) = &self.difference {
            writeln!(f, "difference: {difference}")?;
        }
        if let Some(alert) = &self.alert {
            writeln!(f, "alert: {alert}")?;
        }
        writeln!(f, "reason: {}", self.reason)
    }
}

/// A second since 1970, as `2026-11-22T12:00:00Z`.
pub struct Second(pub u64);

impl fmt::Display for Second {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let second = i64::try_from(self.0).ok().and_then(|s| Timestamp::from_second(s).ok());
        match second {
            Some(second) => write!(f, "{second}"),
            None => write!(f, "{}", self.0),
        }
    }
}

struct Lines<'t> {
    rest: &'t str,
    line: usize,
}

impl<'t> Lines<'t> {
    fn next(&mut self) -> Option<&'t str> {
        let (line, rest) = self.rest.split_once('\n')?;
        self.rest = rest;
        self.line += 1;
        Some(line)
    }

    fn header(&mut self) -> Result<(), TextError> {
        match self.next() {
            Some(HEADER) => Ok(()),
            _ => Err(TextError::Line { line: 1, wanted: HEADER }),
        }
    }

    fn read<T>(
        &mut self,
        name: &'static str,
        wanted: &'static str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<T, TextError> {
        let missing = TextError::Line { line: self.line + 1, wanted: name };
        let line = self.next().and_then(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let value = line.ok_or(missing)?;
        read(value).ok_or_else(|| TextError::Value { name, value: value.to_owned(), wanted })
    }
}

fn audience(text: &str) -> Option<DeskIdentity> {
    let mut parts = text.split(' ');
    let mut part = |name: &str| parts.next()?.strip_prefix(name)?.strip_prefix('=');
    let (site, desk, run) = (part("site")?, part("desk")?, part("run")?);
    Some(DeskIdentity {
        site: xmc_hotpath::message::SiteId(site.parse().ok()?),
        desk: xmc_hotpath::message::DeskId(desk.parse().ok()?),
        run: run.parse().ok()?,
    })
}

/// So many hexadecimal digits.
fn digits<const COUNT: usize>(text: &str) -> Option<String> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (text.len() == COUNT && text.bytes().all(is_digit)).then(|| text.to_owned())
}

fn counter(text: &str) -> Option<u64> {
    text.parse().ok().filter(|counter| *counter > 0)
}

fn second(text: &str) -> Option<u64> {
    let stamp: Timestamp = text.parse().ok()?;
    (stamp.subsec_nanosecond() == 0).then(|| u64::try_from(stamp.as_second()).ok()).flatten()
}

fn reason(text: &str) -> Option<String> {
    let length = text.chars().count();
    let is_plain = !text.chars().any(char::is_control) && text.trim() == text;
    (is_plain && (1..=MOST_REASON).contains(&length)).then(|| text.to_owned())
}

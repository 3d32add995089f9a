//! `[alert]`, `[[alert.rule]]` and `[[alert.sink]]`: what is told to people outside, and where.

use super::SecretSource;
use super::access::{Refused, SecretKeys, required_secret, secret};
use super::error::{Problem, Report, Rule as Code};
use super::names::Names;
use super::section::Section;
use super::spelling::nearest;
use super::value::{Complaint, line, name, text_of, whole, word};
use crate::alert::message::Tongue;
use crate::alert::rule::{Rule, Severity};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What is told to people outside the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alerts {
    /// The languages of texts for people.
    pub tongue: Tongue,
    /// Until what fires and nobody has acknowledged is told again, s.
    pub repeat_s: u32,
    /// Until what has happened and did not come again is over, s.
    pub quiet_s: u32,
    /// Notices that may wait for one sink.
    pub outbox: u32,
    /// Severities other than those of the table; `None`: not told.
    pub severities: BTreeMap<Rule, Option<Severity>>,
    /// Figures other than those of the table.
    pub limits: BTreeMap<Rule, i64>,
    /// Where it goes; at least one.
    pub sinks: Vec<AlertSink>,
}

/// Where alerts go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertSink {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: AlertSinkKind,
    /// The least that matters to it.
    pub least: Severity,
    /// Only what nobody has acknowledged for so long, s; 0: everything, at once.
    pub after_s: u32,
    /// What comes within it goes together, ms.
    pub group_ms: u32,
    /// Messages in a minute, at most.
    pub per_minute: u32,
    /// How long it may take, ms.
    pub timeout_ms: u32,
    /// Between two heartbeats, s; 0: none.
    pub heartbeat_s: u32,
    /// The proxy that it is reached through; `None`: it is reached directly.
    pub proxy: Option<String>,
}

/// What a sink is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlertSinkKind {
    /// A file of JSON Lines; `None`: beside the outbox.
    Log {
        /// Where.
        path: Option<PathBuf>,
    },
    /// A program that is run.
    Command {
        /// The program and its arguments.
        argv: Vec<String>,
    },
    /// A receiver of our own JSON.
    Webhook {
        /// Where its address lies.
        url: SecretSource,
        /// What messages are signed with.
        secret: Option<SecretSource>,
    },
    /// Prometheus Alertmanager.
    Alertmanager {
        /// Where its address lies.
        url: SecretSource,
    },
    /// A robot of DingTalk.
    Dingtalk {
        /// Where its address lies, the token in it.
        url: SecretSource,
        /// What messages are signed with.
        secret: Option<SecretSource>,
    },
    /// A robot of Feishu.
    Feishu {
        /// Where its address lies, the token in it.
        url: SecretSource,
        /// What messages are signed with.
        secret: Option<SecretSource>,
    },
    /// A robot of WeCom.
    Wecom {
        /// Where its address lies, the token in it.
        url: SecretSource,
    },
}

impl AlertSinkKind {
    /// Its word in files and reports.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Log { .. } => "log",
            Self::Command { .. } => "command",
            Self::Webhook { .. } => "webhook",
            Self::Alertmanager { .. } => "alertmanager",
            Self::Dingtalk { .. } => "dingtalk",
            Self::Feishu { .. } => "feishu",
            Self::Wecom { .. } => "wecom",
        }
    }

    /// Whether people read it as it comes, and not a program.
    #[must_use]
    pub const fn is_for_people(&self) -> bool {
        matches!(self, Self::Dingtalk { .. } | Self::Feishu { .. } | Self::Wecom { .. })
    }

    /// Where its address lies, if it has one.
    #[must_use]
    pub const fn url(&self) -> Option<&SecretSource> {
        match self {
            Self::Log { .. } | Self::Command { .. } => None,
            Self::Webhook { url, .. }
            | Self::Alertmanager { url }
            | Self::Dingtalk { url, .. }
            | Self::Feishu { url, .. }
            | Self::Wecom { url } => Some(url),
        }
    }
}

/// A sink before it is known what it needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Form {
    #[default]
    Log,
    Command,
    Webhook,
    Alertmanager,
    Dingtalk,
    Feishu,
    Wecom,
}

const FORMS: &[(&str, Form)] = &[
    ("log", Form::Log),
    ("command", Form::Command),
    ("webhook", Form::Webhook),
    ("alertmanager", Form::Alertmanager),
    ("dingtalk", Form::Dingtalk),
    ("feishu", Form::Feishu),
    ("wecom", Form::Wecom),
];

impl Form {
    /// Messages in a minute, if nothing is written: what the robots take (`ECOSYSTEM.md` of the
    /// design), with room for a person who tries it.
    const fn per_minute(self) -> u32 {
        match self {
            Self::Log => 60_000,
            Self::Command => 60,
            Self::Webhook | Self::Alertmanager => 600,
            Self::Dingtalk | Self::Wecom => 18,
            Self::Feishu => 90,
        }
    }

    /// What comes within it goes together, ms, if nothing is written.
    const fn group_ms(self) -> u32 {
        match self {
            Self::Log | Self::Webhook | Self::Alertmanager => 0,
            Self::Command | Self::Dingtalk | Self::Feishu | Self::Wecom => 1_000,
        }
    }

    /// Whether it can be given signs of life, which nobody wants to read.
    const fn has_heartbeat(self) -> bool {
        matches!(self, Self::Command | Self::Webhook | Self::Alertmanager)
    }
}

const URL: SecretKeys = SecretKeys {
    file: "url_file",
    credential: "url_credential",
    plain: &["url", "token", "access_token", "key"],
};
const SECRET: SecretKeys = SecretKeys {
    file: "secret_file",
    credential: "secret_credential",
    plain: &["secret", "password"],
};

/// Reads the sections, if there are any.
pub(super) fn alerts(
    section: Option<Section<'_>>,
    report: &Report,
) -> Result<Option<Alerts>, Refused> {
    let Some(section) = section else { return Ok(None) };
    let rules = section.tables("rule");
    let sinks = section.tables("sink");
    Names::gather("alert.sink", &sinks, report);
    if sinks.is_empty() && !section.is_broken() {
        let message = "there are alerts, and nowhere that they go";
        let place = section.place().clone();
        let problem = Problem::new(Code::AlertSinks, message, place, "no [[alert.sink]]");
        section.fail(problem.help("write [[alert.sink]] with name and kind = \"log\""));
    }
    let mut changes = Changes::default();
    let is_read = rules.into_iter().map(|rule| changes.read(rule)).fold(true, |all, one| all & one);
    let sinks: Option<Vec<_>> = sinks.into_iter().map(sink).collect();
    let is_read = is_read && sinks.is_some();
    let sinks = sinks.unwrap_or_default();
    if !sinks.is_empty() && sinks.iter().all(|sink: &AlertSink| sink.after_s > 0) {
        let message = "every sink waits for somebody to acknowledge what nobody was told";
        let place = section.place().clone();
        let problem = Problem::new(Code::AlertSinks, message, place, "nobody is told at once");
        section.fail(problem.help("leave after_s out of one [[alert.sink]]"));
    }
    let seconds = |key, default| {
        section.optional(key, whole(10..=86_400)).map_or(default, |seconds| seconds.value)
    };
    let alerts = Alerts {
        tongue: section
            .optional("lang", word(Tongue::WORDS))
            .map_or_else(Tongue::default, |t| t.value),
        repeat_s: seconds("repeat_s", 3_600),
        quiet_s: seconds("quiet_s", 600),
        outbox: section.optional("outbox", whole(100..=100_000)).map_or(5_000, |count| count.value),
        severities: changes.severities,
        limits: changes.limits,
        sinks,
    };
    section.finish(alerts).filter(|_| is_read).map(Some).ok_or(Refused)
}

/// What `[[alert.rule]]` changes.
#[derive(Default)]
struct Changes {
    seen: Vec<(Rule, super::source::Place)>,
    severities: BTreeMap<Rule, Option<Severity>>,
    limits: BTreeMap<Rule, i64>,
}

/// A severity, or none.
#[derive(Clone, Copy, Default)]
struct Level(Option<Severity>);

const LEVELS: &[(&str, Level)] = &[
    ("off", Level(None)),
    ("info", Level(Some(Severity::Info))),
    ("warning", Level(Some(Severity::Warning))),
    ("critical", Level(Some(Severity::Critical))),
    ("page", Level(Some(Severity::Page))),
];

impl Changes {
    /// Whether it was right.
    fn read(&mut self, section: Section<'_>) -> bool {
        let code = section.required("code", |value| {
            let text = text_of(value)?;
            Rule::of_code(text).map(Some).ok_or_else(|| unknown(text))
        });
        let severity = section.optional("severity", word(LEVELS));
        let limit = section.optional("limit", whole(i64::MIN..=i64::MAX));
        if let Some(rule) = code.value {
            let fail = |message: String, place, label, help: String| {
                let problem = Problem::new(Code::AlertRule, message, place, label);
                section.fail(problem.help(help));
            };
            let shown = rule.code();
            if let Some((_, first)) = self.seen.iter().find(|(seen, _)| *seen == rule) {
                let message = format!("{shown} is changed twice");
                let place = code.place.clone();
                let problem = Problem::new(Code::AlertRule, message, place, "changed again");
                section.fail(problem.also(first, "first changed here").help("keep one of them"));
            }
            if severity.is_none() && limit.is_none() {
                fail(
                    format!("nothing of {shown} is changed"),
                    code.place.clone(),
                    "changes nothing",
                    "write severity, or limit where it has one".to_owned(),
                );
            }
            match (&limit, rule.limit()) {
                (Some(written), None) => fail(
                    format!("{shown} has no limit"),
                    written.place.clone(),
                    "no limit",
                    "its figure is the desk's: breakers and limits are configured there".to_owned(),
                ),
                (Some(written), Some(limit))
                    if !(limit.least..=limit.most).contains(&written.value) =>
                {
                    fail(
                        format!("`limit` of {shown} is {}", written.value),
                        written.place.clone(),
                        "out of bounds",
                        format!("it must be within {} and {}", limit.least, limit.most),
                    );
                }
                _ => {}
            }
            if matches!(rule, Rule::Test | Rule::Heartbeat) {
                fail(
                    format!("{shown} is always as it is"),
                    code.place.clone(),
                    "not changed",
                    "leave it out".to_owned(),
                );
            }
            self.seen.push((rule, code.place));
            if let Some(severity) = severity {
                self.severities.insert(rule, severity.value.0);
            }
            if let Some(limit) = limit {
                self.limits.insert(rule, limit.value);
            }
        }
        section.finish(()).is_some()
    }
}

fn unknown(text: &str) -> Complaint {
    let codes = || Rule::ALL.iter().map(|rule| rule.code());
    let complaint =
        Complaint::new(Code::AlertRule, format!("is {text:?}, which is no code"), "not a code");
    match nearest(text, codes()) {
        Some(near) => complaint.help(format!("did you mean \"{near}\"?")),
        None => complaint.help("`xmc alert rules` shows all codes"),
    }
}

fn sink(section: Section<'_>) -> Option<AlertSink> {
    let called = section.required("name", name).value;
    let form = section.required("kind", word(FORMS)).value;
    let url = || required_secret(&section, &URL);
    // What is wrong with it is reported.
    let signed = || secret(&section, &SECRET).unwrap_or_default();
    let kind = match form {
        Form::Log => AlertSinkKind::Log {
            path: section.optional("path", line(4_096)).map(|path| path.value.into()),
        },
        Form::Command => {
            let argv = section.list("argv", |value| line(4_096)(value));
            if argv.is_empty() && !section.is_broken() {
                let message = format!("`argv` of {} is empty", section.title());
                let place = section.place().clone();
                section.fail(Problem::new(Code::OutOfBounds, message, place, "no program"));
            }
            AlertSinkKind::Command { argv: argv.into_iter().map(|word| word.value).collect() }
        }
        Form::Webhook => AlertSinkKind::Webhook { url: url(), secret: signed() },
        Form::Alertmanager => AlertSinkKind::Alertmanager { url: url() },
        Form::Dingtalk => AlertSinkKind::Dingtalk { url: url(), secret: signed() },
        Form::Feishu => AlertSinkKind::Feishu { url: url(), secret: signed() },
        Form::Wecom => AlertSinkKind::Wecom { url: url() },
    };
    let number = |key, bounds, default| {
        section.optional(key, whole(bounds)).map_or(default, |number| number.value)
    };
    let beat_s = if form == Form::Alertmanager { 60 } else { 0 };
    let is_remote = kind.url().is_some();
    let proxy = if is_remote { section.optional("proxy", proxy) } else { None };
    let sink = AlertSink {
        name: called,
        least: section
            .optional("least", word(Severity::WORDS))
            .map_or(Severity::Info, |least| least.value),
        after_s: number("after_s", 0..=86_400, 0),
        group_ms: number("group_ms", 0..=60_000, form.group_ms()),
        per_minute: number("per_minute", 1..=60_000, form.per_minute()),
        timeout_ms: if form == Form::Log { 0 } else { number("timeout_ms", 100..=60_000, 5_000) },
        heartbeat_s: if form.has_heartbeat() {
            number("heartbeat_s", 0..=3_600, beat_s)
        } else {
            0
        },
        proxy: proxy.map(|proxy| proxy.value),
        kind,
    };
    section.finish(sink)
}

/// A proxy without a name and a password: it is shown.
fn proxy(value: &toml::de::DeValue<'_>) -> Result<String, Complaint> {
    let text = line(256)(value)?;
    if text.starts_with("http://") && !text.contains('@') {
        return Ok(text);
    }
    Err(Complaint::new(Code::Address, "is no proxy".to_owned(), "not a proxy")
        .help("write it as \"http://HOST:PORT\", without a name and a password"))
}

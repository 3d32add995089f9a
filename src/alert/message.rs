//! What a sink is told in one go: some notices, a heartbeat or a test, as JSON and as text for
//! people in Chinese, in English or in both.

use super::life::{Alert, Notice, What};
use super::rule::{Rule, Severity};
use super::signal::{Labels, fingerprint};
use crate::monitor::words::Lang;
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The schema of the JSON.
const SCHEMA: &str = "xmc.alert";
/// Its version.
const VERSION: u32 = 1;

/// The languages of texts for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tongue {
    /// Chinese.
    Zh,
    /// English.
    En,
    /// Chinese, and English below.
    #[default]
    Both,
}

impl Tongue {
    /// Its words in a configuration.
    pub const WORDS: &[(&'static str, Self)] =
        &[("zh", Self::Zh), ("en", Self::En), ("both", Self::Both)];

    /// In the order in which they are written.
    #[must_use]
    pub const fn langs(self) -> &'static [Lang] {
        match self {
            Self::Zh => &[Lang::Zh],
            Self::En => &[Lang::En],
            Self::Both => &[Lang::Zh, Lang::En],
        }
    }
}

/// Whose alerts they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The site's number.
    pub site: u8,
    /// The desk's number.
    pub desk: u8,
    /// The engine's project.
    pub project: String,
    /// The host's name.
    pub host: String,
    /// The languages of texts for people.
    pub tongue: Tongue,
}

/// A notice under its identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The same whenever it is sent.
    pub id: String,
    /// What.
    pub notice: Notice,
}

/// Why a message is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Something is to be told.
    Alerts,
    /// The engine lives; its absence is the alert.
    Heartbeat,
    /// Somebody tries the way.
    Test,
}

impl Kind {
    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Alerts => "alerts",
            Self::Heartbeat => "heartbeat",
            Self::Test => "test",
        }
    }
}

/// One message to one sink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Why.
    pub kind: Kind,
    /// When, UTC in nanoseconds since 1970.
    pub at_ns: u64,
    /// Whose.
    pub origin: Origin,
    /// What is told, the most severe first.
    pub items: Vec<Item>,
    /// Notices that are not among them, and are not sent.
    pub suppressed: u64,
    /// Notices for which the outbox had no room since the last message.
    pub dropped: u64,
    /// All that fires: for sinks that are told again and again what does.
    pub firing: Vec<Alert>,
}

impl Message {
    /// A test of the way to a sink.
    #[must_use]
    pub fn test(sink: &str, origin: Origin, at_ns: u64) -> Self {
        Self::single(Kind::Test, Rule::Test, Severity::Page, sink, origin, at_ns)
    }

    /// Something that happened, told by whoever has no outbox: the figure that explains it.
    #[must_use]
    pub fn told(
        (code, severity): (Rule, Severity),
        labels: Labels,
        value: i64,
        sink: &str,
        origin: Origin,
        at_ns: u64,
    ) -> Self {
        let mut told = Self::single(Kind::Alerts, code, severity, sink, origin, at_ns);
        for item in &mut told.items {
            let alert = &mut item.notice.alert;
            alert.fingerprint = fingerprint(code, &labels);
            alert.labels = labels.clone();
            alert.value = value;
            item.id = format!("{}-{at_ns}", code.code());
        }
        told
    }

    /// A sign of life.
    #[must_use]
    pub fn heartbeat(sink: &str, origin: Origin, firing: Vec<Alert>, at_ns: u64) -> Self {
        let (kind, rule, severity) = (Kind::Heartbeat, Rule::Heartbeat, Severity::Info);
        Self { firing, ..Self::single(kind, rule, severity, sink, origin, at_ns) }
    }

    fn single(
        kind: Kind,
        code: Rule,
        severity: Severity,
        sink: &str,
        origin: Origin,
        at_ns: u64,
    ) -> Self {
        let labels = Labels::new();
        let alert = Alert {
            fingerprint: fingerprint(code, &labels),
            code,
            severity,
            labels,
            first_ns: at_ns,
            last_ns: at_ns,
            count: 1,
            value: 0,
            limit: 0,
            acknowledged: None,
            resolved_ns: None,
            told: BTreeMap::new(),
        };
        let notice = Notice { sink: sink.to_owned(), what: What::Firing, alert };
        let items = vec![Item { id: format!("{}-{at_ns}", kind.word()), notice }];
        Self { kind, at_ns, origin, items, suppressed: 0, dropped: 0, firing: Vec::new() }
    }

    /// The same for the same notices: what a receiver knows a message by that comes again.
    #[must_use]
    pub fn key(&self) -> String {
        let mut hash = Sha256::new();
        for item in &self.items {
            hash.update(&item.id);
            hash.update([0]);
        }
        let digest: [u8; 32] = hash.finalize().into();
        crate::hex::show(digest.first_chunk::<16>().unwrap_or(&[0; 16]))
    }

    /// As JSON, for programs.
    #[must_use]
    pub fn json(&self) -> Value {
        let items: Vec<_> = self.items.iter().map(|item| self.item(item)).collect();
        let firing = (self.kind == Kind::Heartbeat).then_some(self.firing.len());
        json!({
            "schema": SCHEMA,
            "version": VERSION,
            "kind": self.kind.word(),
            "key": self.key(),
            "at": utc(self.at_ns),
            "site": self.origin.site,
            "desk": self.origin.desk,
            "project": self.origin.project,
            "host": self.origin.host,
            "firing": firing,
            "suppressed": self.suppressed,
            "dropped": self.dropped,
            "alerts": items,
        })
    }

    /// One line of JSON for each notice, as the local log has them.
    #[must_use]
    pub fn lines(&self) -> String {
        let mut text = String::new();
        for item in &self.items {
            let mut line = self.item(item);
            if let Value::Object(fields) = &mut line {
                fields.insert("schema".to_owned(), "xmc.alert.line".into());
                fields.insert("version".to_owned(), VERSION.into());
                fields.insert("kind".to_owned(), self.kind.word().into());
                fields.insert("written".to_owned(), utc(self.at_ns).into());
                fields.insert("site".to_owned(), self.origin.site.into());
                fields.insert("desk".to_owned(), self.origin.desk.into());
            }
            let _ = writeln!(text, "{line}");
        }
        text
    }

    fn item(&self, item: &Item) -> Value {
        let Notice { what, alert, .. } = &item.notice;
        let mut value = alert_json(alert);
        if let Value::Object(fields) = &mut value {
            fields.insert("id".to_owned(), item.id.clone().into());
            fields.insert("what".to_owned(), what.word().into());
        }
        value
    }

    /// What a chat shows as the head of the message.
    #[must_use]
    pub fn title(&self) -> String {
        let lang = self.origin.tongue.langs().first().copied().unwrap_or_default();
        let Some(first) = self.items.first() else { return String::new() };
        let alert = &first.notice.alert;
        let (severity, title) = (alert.severity.word_in(lang), alert.code.words(lang).title);
        let more = match self.items.len() as u64 + self.suppressed {
            0 | 1 => String::new(),
            all => format!(" (+{})", all - 1),
        };
        format!("[{severity}] {title}{more}")
    }

    /// As Markdown that all chats show, in at most `most_bytes`: what does not fit is counted as
    /// suppressed, in a line that is always there if anything was.
    #[must_use]
    pub fn markdown(&self, most_bytes: usize) -> String {
        let parts: Vec<_> = self.items.iter().map(|item| self.part(item)).collect();
        for shown in (0..=parts.len()).rev() {
            let mut text = self.head();
            parts.iter().take(shown).for_each(|part| text += part);
            text += &self.tail((parts.len() - shown) as u64);
            if text.len() <= most_bytes {
                return text;
            }
        }
        self.tail(parts.len() as u64)
    }

    fn head(&self) -> String {
        let Origin { site, desk, project, host, .. } = &self.origin;
        format!("**xmc** {project} · site {site} · desk {desk} · {host}\n\n")
    }

    fn part(&self, item: &Item) -> String {
        let Notice { what, alert, .. } = &item.notice;
        let mut text = String::new();
        for (place, lang) in self.origin.tongue.langs().iter().enumerate() {
            let words = alert.code.words(*lang);
            let severity = alert.severity.word_in(*lang);
            if place == 0 {
                let (what, code) = (word(*what, *lang), alert.code.code());
                let _ = writeln!(text, "**[{severity}] {}** {what} `{code}`\n", words.title);
            }
            let _ = writeln!(text, "{}\n", words.text_of(alert.value, alert.limit));
            if alert.resolved_ns.is_none() {
                let _ = writeln!(text, "→ {}\n", words.next);
            }
        }
        let labels: Vec<_> =
            alert.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let _ = write!(text, "{} {}", labels.join(" "), utc(alert.first_ns));
        if alert.count > 1 {
            let _ = write!(text, " ×{}", alert.count);
        }
        if let Some(by) = &alert.acknowledged {
            let _ = write!(text, " ack {}", by.by);
        }
        let _ = writeln!(text, " `{}`\n", alert.fingerprint);
        text
    }

    /// What else there is.
    fn tail(&self, cut: u64) -> String {
        let (suppressed, dropped) = (self.suppressed + cut, self.dropped);
        let mut text = String::new();
        for lang in self.origin.tongue.langs() {
            let (more, lost) = match lang {
                Lang::Zh => (
                    format!("另有 {suppressed} 条未展开 (见 xmc alert list 与本地日志)"),
                    format!("发件箱已满, 丢弃 {dropped} 条"),
                ),
                Lang::En => (
                    format!("{suppressed} more suppressed (`xmc alert list`, the local log)"),
                    format!("{dropped} dropped, because the outbox was full"),
                ),
            };
            if suppressed > 0 {
                let _ = writeln!(text, "{more}\n");
            }
            if dropped > 0 {
                let _ = writeln!(text, "{lost}\n");
            }
        }
        text
    }
}

/// What is told, in a word.
#[must_use]
pub const fn word(what: What, lang: Lang) -> &'static str {
    match (lang, what) {
        (Lang::En, _) => what.word(),
        (Lang::Zh, What::Firing) => "触发",
        (Lang::Zh, What::Repeated) => "仍未恢复",
        (Lang::Zh, What::Escalated) => "无人确认, 升级",
        (Lang::Zh, What::Acknowledged) => "已确认",
        (Lang::Zh, What::Resolved) => "已恢复",
    }
}

/// An alert as JSON, with its words in both languages.
#[must_use]
pub fn alert_json(alert: &Alert) -> Value {
    let [en, zh] = alert.code.both();
    let by = alert.acknowledged.as_ref();
    json!({
        "code": alert.code.code(),
        "severity": alert.severity.word(),
        "fingerprint": alert.fingerprint,
        "labels": alert.labels,
        "title": { "en": en.title, "zh": zh.title },
        "text": {
            "en": en.text_of(alert.value, alert.limit),
            "zh": zh.text_of(alert.value, alert.limit),
        },
        "next": { "en": en.next, "zh": zh.next },
        "value": alert.value,
        "limit": alert.limit,
        "count": alert.count,
        "first": utc(alert.first_ns),
        "last": utc(alert.last_ns),
        "acknowledged": by.map(|by| json!({ "by": by.by, "at": utc(by.at_ns) })),
        "resolved": alert.resolved_ns.map(utc),
    })
}

/// A moment as RFC 3339 writes it, in UTC.
#[must_use]
pub fn utc(ns: u64) -> String {
    Timestamp::from_nanosecond(ns.into()).map_or_else(|_| ns.to_string(), |at| at.to_string())
}

/// The host's clock: UTC in nanoseconds since 1970.
#[must_use]
pub fn now_ns() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

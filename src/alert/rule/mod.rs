//! What can be alerted: one table of codes, severities, thresholds and words in two languages.
//!
//! A code never changes its meaning and is never reused: people search for it, and routes of other
//! systems name it. Codes up to 049 are those of the desk's own alerts (`AlertKind`); the rest is
//! found by the cold side in the record, in counters and in itself. Which of them are told, how
//! loudly and from which figure on is configuration (`[[alert.rule]]`).
//!
//! Not here: when a rule is met (`record`, `gauge`), and what becomes of it then (`life`).

/// What stands in the table for a severity, or for none.
macro_rules! severity {
    (Off) => {
        None
    };
    ($name:ident) => {
        Some(Severity::$name)
    };
}

/// What stands in the table for a limit, or for none.
macro_rules! limit {
    () => {
        None
    };
    ($default:literal, $least:literal, $most:literal) => {
        Some(Limit { default: $default, least: $least, most: $most })
    };
}

/// The table: a row is the rule's name, the end of its code, its severity and end if nothing is
/// configured, its limit, and its words in English and Chinese.
macro_rules! rules {
    ($(
        $name:ident = $code:literal $severity:ident $ends:ident
            $(($default:literal, $least:literal..=$most:literal))?
            $en_title:literal $zh_title:literal
            $en_text:literal $zh_text:literal
            $en_next:literal $zh_next:literal;
    )*) => {
        /// What can be alerted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "the titles of the table say it")]
        pub enum Rule {
            $($name,)*
        }

        impl Rule {
            /// All of them, in the order of their codes.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The stable code.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$name => concat!("XMC-A", $code),)*
                }
            }

            /// How much it matters if nothing is configured; `None`: it is not told.
            #[must_use]
            pub const fn severity(self) -> Option<Severity> {
                match self {
                    $(Self::$name => severity!($severity),)*
                }
            }

            /// When it is over.
            #[must_use]
            pub const fn ends(self) -> Ends {
                match self {
                    $(Self::$name => Ends::$ends,)*
                }
            }

            /// The figure from which on it is met, where that is configured here.
            #[must_use]
            pub const fn limit(self) -> Option<Limit> {
                match self {
                    $(Self::$name => limit!($($default, $least, $most)?),)*
                }
            }

            /// English and Chinese.
            #[must_use]
            pub const fn both(self) -> [Words; 2] {
                match self {
                    $(Self::$name => [
                        Words { title: $en_title, text: $en_text, next: $en_next },
                        Words { title: $zh_title, text: $zh_text, next: $zh_next },
                    ],)*
                }
            }
        }
    };
}

mod table;

pub use table::Rule;

use crate::monitor::words::Lang;
use serde::{Deserialize, Serialize};
use std::fmt;
use xmc_hotpath::message::AlertKind;

/// How much it matters, from what may be read tomorrow to what somebody is woken for.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    #[default]
    Info,
    /// To be looked at today.
    Warning,
    /// To be looked at now.
    Critical,
    /// Somebody is woken.
    Page,
}

impl Severity {
    /// All of them, with their words.
    pub const WORDS: &[(&'static str, Self)] = &[
        ("info", Self::Info),
        ("warning", Self::Warning),
        ("critical", Self::Critical),
        ("page", Self::Page),
    ];

    /// Its word in files and messages.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
            Self::Page => "page",
        }
    }

    /// Its word for people.
    #[must_use]
    pub const fn word_in(self, lang: Lang) -> &'static str {
        match (lang, self) {
            (Lang::En, _) => self.word(),
            (Lang::Zh, Self::Info) => "提示",
            (Lang::Zh, Self::Warning) => "警告",
            (Lang::Zh, Self::Critical) => "严重",
            (Lang::Zh, Self::Page) => "紧急",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// When an alert is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// When what it is about is over, which is seen.
    Cleared,
    /// When it has not come again for the configured time: it is about something that happened.
    Quiet,
    /// It is told once, and nothing is kept of it.
    Once,
}

/// A figure from which on a rule is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// If nothing is configured.
    pub default: i64,
    /// The least that can be configured.
    pub least: i64,
    /// The most that can be configured.
    pub most: i64,
}

/// What is written of a rule in one language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words {
    /// What it is, in a few words.
    pub title: &'static str,
    /// What happened: `{value}` and `{limit}` stand for figures.
    pub text: &'static str,
    /// What to do next.
    pub next: &'static str,
}

impl Words {
    /// What happened, with its figures.
    #[must_use]
    pub fn text_of(&self, value: i64, limit: i64) -> String {
        self.text.replace("{value}", &value.to_string()).replace("{limit}", &limit.to_string())
    }
}

impl Rule {
    /// Levels of accounts, from the lowest: their limits are told with them, and are those of the
    /// terms of capital.
    pub const OF_ACCOUNTS: [Self; 4] =
        [Self::CapitalWarn, Self::CapitalReduce, Self::CapitalPairOff, Self::CapitalStop];

    /// The rule of that code.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|rule| rule.code() == code)
    }

    /// The rule of an alert of the desk.
    #[must_use]
    pub const fn of_alert(kind: AlertKind) -> Self {
        match kind {
            AlertKind::BrokenSpread => Self::BrokenSpread,
            AlertKind::OrderUnknown => Self::OrderUnknown,
            AlertKind::ImpossibleFill => Self::ImpossibleFill,
            AlertKind::UnknownOrder => Self::UnknownOrder,
            AlertKind::FeedGap => Self::FeedGap,
            AlertKind::SessionDown => Self::SessionDown,
            AlertKind::Killed => Self::Killed,
            AlertKind::FillBusted => Self::FillBusted,
            AlertKind::OrderRejected => Self::OrderRejected,
            AlertKind::BadInput => Self::BadInput,
            AlertKind::OutputOverflow => Self::OutputOverflow,
            AlertKind::FireThrottle => Self::FireThrottle,
            AlertKind::UnknownPosition => Self::UnknownPosition,
            AlertKind::RecordGap => Self::RecordGap,
            AlertKind::CarriedHalt => Self::CarriedHalt,
            AlertKind::CopiesDiffer => Self::CopiesDiffer,
            AlertKind::OrderDoubted => Self::OrderDoubted,
            AlertKind::BookDiffers => Self::BookDiffers,
            AlertKind::ClockStep => Self::ClockStep,
            AlertKind::ClockDrift => Self::ClockDrift,
            AlertKind::FeedFrozen => Self::FeedFrozen,
            AlertKind::FeedSingle => Self::FeedSingle,
            AlertKind::RepairFailed => Self::RepairFailed,
            AlertKind::RemoveRefused => Self::RemoveRefused,
            AlertKind::SlippageBreaker => Self::SlippageBreaker,
            AlertKind::LatencyBreaker => Self::LatencyBreaker,
            AlertKind::RejectBreaker => Self::RejectBreaker,
            AlertKind::FillBreaker => Self::FillBreaker,
            AlertKind::CommandDenied => Self::CommandDenied,
            AlertKind::RuleMet => Self::RuleMet,
        }
    }

    /// What is written of it.
    #[must_use]
    pub const fn words(self, lang: Lang) -> Words {
        let [en, zh] = self.both();
        match lang {
            Lang::En => en,
            Lang::Zh => zh,
        }
    }
}

impl Serialize for Rule {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Rule {
    fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let code = String::deserialize(input)?;
        Self::of_code(&code).ok_or_else(|| serde::de::Error::custom("no such code"))
    }
}

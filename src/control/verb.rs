//! What an operator can order.

use std::fmt;
use xmc_hotpath::message::CommandKind;

/// What an operator can order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// Stop at once: cancel what lives, send nothing more.
    Kill,
    /// Open nothing; what is open may be closed.
    NoNew,
    /// Fire nothing.
    Disable,
    /// Take a spread that holds nothing out of the table.
    Remove,
    /// Allow the desk to open again.
    Arm,
    /// Allow spreads to fire again.
    Enable,
    /// Take a spread out of HALT.
    ClearHalt,
    /// Believe the books of legs again that a snapshot contradicted.
    ClearDoubt,
    /// Say why a venue and the desk differ, so that its pairs may open.
    Explain,
    /// Take an alert on by name: it is told no more.
    Acknowledge,
    /// Change one limit.
    Limit,
    /// Let engines start again that the guard has shut out.
    Lift,
    /// The same while a venue has not confirmed that nothing lives: it was seen to by other means.
    LiftUnconfirmed,
}

impl Verb {
    /// Every one, with its word.
    pub const WORDS: &[(&'static str, Self)] = &[
        ("kill", Self::Kill),
        ("no_new", Self::NoNew),
        ("disable", Self::Disable),
        ("remove", Self::Remove),
        ("arm", Self::Arm),
        ("enable", Self::Enable),
        ("clear_halt", Self::ClearHalt),
        ("clear_doubt", Self::ClearDoubt),
        ("explain", Self::Explain),
        ("acknowledge", Self::Acknowledge),
        ("limit", Self::Limit),
        ("lift", Self::Lift),
        ("lift_unconfirmed", Self::LiftUnconfirmed),
    ];

    /// The verb of a word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(known, _)| *known == word).map(|(_, verb)| *verb)
    }

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        crate::config::word_for(Self::WORDS, self)
    }

    /// The desk's command; `None` of a limit, which is told as one, of an explanation and an
    /// acknowledgement, which are only recorded, and of what no desk is told.
    #[must_use]
    pub const fn kind(self) -> Option<CommandKind> {
        match self {
            Self::Kill => Some(CommandKind::Kill),
            Self::NoNew => Some(CommandKind::NoNew),
            Self::Disable => Some(CommandKind::Disable),
            Self::Remove => Some(CommandKind::Remove),
            Self::Arm => Some(CommandKind::Arm),
            Self::Enable => Some(CommandKind::Enable),
            Self::ClearHalt => Some(CommandKind::ClearHalt),
            Self::ClearDoubt => Some(CommandKind::ClearDoubt),
            Self::Explain
            | Self::Acknowledge
            | Self::Limit
            | Self::Lift
            | Self::LiftUnconfirmed => None,
        }
    }

    /// Whether more can happen after it than before, whatever it is about: then two people sign. Of
    /// a limit its values say so.
    #[must_use]
    pub const fn allows_more(self) -> bool {
        match self {
            Self::Arm
            | Self::Enable
            | Self::ClearHalt
            | Self::ClearDoubt
            | Self::Explain
            | Self::Lift
            | Self::LiftUnconfirmed => true,
            Self::Kill
            | Self::NoNew
            | Self::Disable
            | Self::Remove
            | Self::Acknowledge
            | Self::Limit => false,
        }
    }

    /// Whether it only stops: then it is done even if it cannot be kept, because whoever gave it
    /// again would only stop what is stopped.
    #[must_use]
    pub const fn only_stops(self) -> bool {
        matches!(self, Self::Kill | Self::NoNew | Self::Disable)
    }

    /// What it does, for the person who is about to sign it.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Kill => "stop: send no new order, cancel every order that lives",
            Self::NoNew => "open nothing more; what is open may be closed",
            Self::Disable => "fire nothing more; orders that live are left to end",
            Self::Remove => "take the spread out of the desk's table until the next start",
            Self::Arm => "let the desk open positions again",
            Self::Enable => "let spreads fire again",
            Self::ClearHalt => {
                "take the spread out of HALT and forget its residual; it stays disabled"
            }
            Self::ClearDoubt => "believe books again that a snapshot of the venue contradicted",
            Self::Explain => {
                "take a difference between venue and desk as explained: its pairs may open again"
            }
            Self::Acknowledge => {
                "take an alert on by name: it is told no more and not escalated; it stops nothing"
            }
            Self::Limit => "change a limit: what is lowered stays so until two raise it",
            Self::Lift => "let engines of the desk start again, which its guard has shut out",
            Self::LiftUnconfirmed => {
                "let engines of the desk start again although not every venue has confirmed that \
                 nothing lives: it was seen to by other means"
            }
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

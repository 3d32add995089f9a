//! How often something moves, learned, and whether it has stopped.
//!
//! What is kept is the longest pause of the last minute or two. Something that has paused for four
//! times as long is still; so a quiet instrument is told from a frozen one without anybody saying
//! how liquid it is. What has hardly moved in a minute is not judged. A pause that was judged is
//! learned only as far as it was allowed, so that one freeze does not hide the next.
//!
//! Of instants and not of packets: whoever looks says when it moved. Used by `Feed` for a whole
//! channel, and by the cold side for each instrument.

use crate::time::{MonoNs, Span};

/// What is learned in: pauses of the one before count too.
const WINDOW: Span = Span(60_000_000_000);

/// Movements in a window from which on it says anything.
const ENOUGH: u32 = 16;

/// How something has moved.
#[derive(Clone, Copy, Debug)]
pub struct Pulse {
    last: MonoNs,
    window: MonoNs,
    beats: u32,
    longest: Span,
    /// The longest pause of the window before; `None` if it had too few movements.
    before: Option<Span>,
}

impl Default for Pulse {
    fn default() -> Self {
        Self::new()
    }
}

impl Pulse {
    /// Nothing has moved.
    #[must_use]
    pub const fn new() -> Self {
        let (last, window) = (MonoNs::NEVER, MonoNs::NEVER);
        Self { last, window, beats: 0, longest: Span(0), before: None }
    }

    /// When it moved last; `NEVER` before it has.
    #[must_use]
    pub const fn last(&self) -> MonoNs {
        self.last
    }

    /// It moved.
    pub fn beat(&mut self, now: MonoNs, shortest: Span) {
        if self.last == MonoNs::NEVER {
            (self.last, self.window) = (now, now);
            return;
        }
        let pause = now.since(self.last);
        let most = self.limit(shortest);
        self.longest = self.longest.max(most.map_or(pause, |most| pause.min(most)));
        self.last = now;
        self.beats = self.beats.saturating_add(1);
        if now.since(self.window) >= WINDOW {
            // A window that is short of movements for a freeze goes on from what was known.
            let is_known = self.beats >= ENOUGH || most.is_some_and(|most| pause >= most);
            self.before = is_known.then_some(self.longest);
            (self.window, self.beats, self.longest) = (now, 0, Span(0));
        }
    }

    /// It need not move now: the pause begins here.
    pub fn rest(&mut self, now: MonoNs) {
        if self.last != MonoNs::NEVER {
            self.last = self.last.max(now);
        }
    }

    /// How long it has not moved.
    #[must_use]
    pub fn pause(&self, now: MonoNs) -> Span {
        if self.last == MonoNs::NEVER { Span(0) } else { now.since(self.last) }
    }

    /// The pause from which on it is still, not less than `shortest`; `None` while not enough is
    /// known.
    #[must_use]
    pub fn limit(&self, shortest: Span) -> Option<Span> {
        let longest = self.before?.max(self.longest);
        Some(Span(longest.0.saturating_mul(4)).max(shortest))
    }

    /// Whether it has stopped moving.
    #[must_use]
    pub fn is_still(&self, now: MonoNs, shortest: Span) -> bool {
        self.limit(shortest).is_some_and(|limit| self.pause(now) >= limit)
    }
}

/// When a channel that is heard counts as frozen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrozenLimits {
    /// The shortest pause that does.
    pub after: Span,
    /// While its market is known to be open, that pause is enough: the venue sends its state at
    /// fixed times. Else the pause must also be long beside those before it.
    pub is_paced: bool,
}

/// Whether a channel's market trades, as the cold side tells its feed: `FeedCounters::session`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Session {
    /// Nobody has said.
    Unknown,
    /// At least one instrument of the channel trades.
    Open,
    /// None does.
    Shut,
}

impl Session {
    /// As a word.
    #[must_use]
    pub const fn to_word(self) -> u64 {
        match self {
            Self::Unknown => 0,
            Self::Open => 1,
            Self::Shut => 2,
        }
    }

    /// From the word.
    #[must_use]
    pub const fn from_word(word: u64) -> Self {
        match word {
            1 => Self::Open,
            2 => Self::Shut,
            _ => Self::Unknown,
        }
    }
}

/// The movement of a whole channel, looked at now and then.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChannelPulse {
    limits: FrozenLimits,
    pulse: Pulse,
    /// Events that had been counted at the last look.
    events: u64,
}

impl ChannelPulse {
    pub const fn new(limits: FrozenLimits) -> Self {
        Self { limits, pulse: Pulse::new(), events: 0 }
    }

    /// Whether the channel is frozen: it counts so many `events` now, and was heard last at
    /// `heard`.
    pub fn is_frozen(&mut self, now: MonoNs, events: u64, heard: MonoNs, session: Session) -> bool {
        let FrozenLimits { after, is_paced } = self.limits;
        if self.events != events {
            self.events = events;
            self.pulse.beat(now, after);
            return false;
        }
        match session {
            Session::Shut => {
                self.pulse.rest(now);
                false
            }
            Session::Open if is_paced => {
                self.pulse.last() != MonoNs::NEVER && self.pulse.pause(now) >= after
            }
            // Silence of everything is another matter: the channel gets stale.
            Session::Open | Session::Unknown => {
                heard > self.pulse.last() && self.pulse.is_still(now, after)
            }
        }
    }
}

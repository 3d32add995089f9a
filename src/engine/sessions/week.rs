//! The planned ends of sessions, by the gateways' weeks.

use crate::calendar::Pause;
use crate::config::Configuration;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use xmc_hotpath::time::UnixNs;

/// When sessions are planned to end and to begin, on the clock of the engine.
pub struct Weeks<'a> {
    /// Now.
    pub utc: Box<dyn Fn() -> UnixNs + Send + Sync + 'a>,
    /// The pause of a gateway that is at an instant, or its next one; `None`: there is none.
    pub pause: Box<dyn Fn(usize, UnixNs) -> Option<Pause> + Send + Sync + 'a>,
}

impl fmt::Debug for Weeks<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Weeks")
    }
}

impl<'a> Weeks<'a> {
    /// Those of `config`.
    pub fn of(config: &'a Configuration, utc: impl Fn() -> UnixNs + Send + Sync + 'a) -> Self {
        let pause = |row: usize, at| {
            let session = config.gateways.get(row)?.session.as_ref()?;
            session.week.as_ref()?.pause(at)
        };
        Self { utc: Box::new(utc), pause: Box::new(pause) }
    }

    /// Weeks of all gateways that end and begin by hand: `is_pause` says whether it is between two.
    #[must_use]
    pub fn by_hand(is_pause: &'a AtomicBool) -> Self {
        // Each look is an instant of its own, so that the pause is looked up again each time.
        let looks = AtomicU64::new(1);
        let utc = move || UnixNs(looks.fetch_add(1, Ordering::Relaxed));
        let pause = |_, at: UnixNs| {
            let until = UnixNs(at.0.saturating_add(1));
            let from = if is_pause.load(Ordering::Acquire) { at } else { until };
            Some(Pause { from, until })
        };
        Self { utc: Box::new(utc), pause: Box::new(pause) }
    }
}

/// The week of one gateway, while it is looked at again and again.
pub(super) struct Week<'s> {
    weeks: &'s Weeks<'s>,
    row: usize,
    /// The pause that is, or the next; looked up once it is over.
    pause: Option<Pause>,
}

impl<'s> Week<'s> {
    pub fn new(weeks: &'s Weeks<'_>, row: usize) -> Self {
        let pause = (weeks.pause)(row, (weeks.utc)());
        Self { weeks, row, pause }
    }

    /// Of sessions that have no weeks.
    pub fn endless(weeks: &'s Weeks<'_>, row: usize) -> Self {
        Self { weeks, row, pause: None }
    }

    /// Whether no session is planned to stand now.
    pub fn is_over(&mut self) -> bool {
        let Some(pause) = self.pause else { return false };
        let now = (self.weeks.utc)();
        if now >= pause.until {
            self.pause = (self.weeks.pause)(self.row, now);
        }
        self.pause.is_some_and(|pause| pause.holds(now))
    }
}

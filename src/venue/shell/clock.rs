//! The clock of a simulated venue: nanoseconds since a moment in UTC.
//!
//! Venues of one world begin their time at the same moment, so that they agree about what things
//! are worth. The system's wall clock is read once; from then on time is monotonic.

use super::ShellError;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use xmc_hotpath::time::{Clock, MonoNs, Span, UnixNs};

/// The oldest start of time: the world between it and now is stepped through at start.
pub(super) const MOST_HOURS: u64 = 24;

/// How late a venue may come up: less than anybody's patience with its silence.
const LATE: Span = Span(20_000_000);

const HOUR: Duration = Duration::from_secs(3_600);

/// Time since `origin`.
#[derive(Clone, Debug)]
pub struct VenueClock {
    origin: UnixNs,
    /// When it was made: as the venue counts, and as the system does.
    made_at: u64,
    made: Instant,
}

impl VenueClock {
    /// A clock whose zero is `origin`.
    ///
    /// # Errors
    /// `NotBegun` or `TooOld`.
    pub fn since(origin: UnixNs) -> Result<Self, ShellError> {
        let (now, made) = (Self::wall(), Instant::now());
        let Some(made_at) = now.0.checked_sub(origin.0) else {
            return Err(ShellError::NotBegun((origin.0 - now.0).div_ceil(1_000_000_000)));
        };
        let hours = Duration::from_nanos(made_at).as_secs() / HOUR.as_secs();
        if hours > MOST_HOURS {
            return Err(ShellError::TooOld(hours));
        }
        Ok(Self { origin, made_at, made })
    }

    /// Its zero.
    #[must_use]
    pub fn origin(&self) -> UnixNs {
        self.origin
    }

    /// Builds a venue for the moment that it is given, so that it comes up without a past to catch
    /// up with, in front of everybody.
    ///
    /// Its world is stepped through first. Where that takes long, it is built again for the moment
    /// when it will be ready, and that moment is waited for.
    pub fn build<V>(&self, build: impl Fn(MonoNs) -> V) -> V {
        let begun = self.now();
        let venue = build(begun);
        let took = self.now().since(begun);
        if took <= LATE {
            return venue;
        }
        // Half as much again: the machine may be busier the second time.
        let start = self.now().after(Span(took.0 + took.0 / 2));
        let venue = build(start);
        std::thread::sleep(Duration::from_nanos(start.since(self.now()).0));
        venue
    }

    /// What the system's wall clock says.
    #[must_use]
    pub fn wall() -> UnixNs {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixNs(nanoseconds(since))
    }

    /// When the current hour began: the start of time for venues that were told no other.
    #[must_use]
    pub fn hour() -> UnixNs {
        let wall = Self::wall().0;
        UnixNs(wall - wall % nanoseconds(HOUR))
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl Clock for VenueClock {
    fn now(&self) -> MonoNs {
        MonoNs(self.made_at.saturating_add(nanoseconds(self.made.elapsed())))
    }
}

//! Instants as integers: nanoseconds since the engine's start, and nanoseconds since 1970 (UTC).
//!
//! The two are different types, because a timeout measured on the wall clock is a fault waiting
//! for a clock step. Nothing here reads a clock: ticks come from the shell (`Clock`), and the desk
//! sees only the `now` that its input carries.

use core::ops::Deref;

/// A moment on the engine's monotonic clock: nanoseconds since the engine's start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MonoNs(pub u64);

/// A moment in UTC: nanoseconds since 1970-01-01T00:00:00Z. 0 means unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixNs(pub u64);

/// A length of time in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub u64);

impl MonoNs {
    /// The latest moment there is: a deadline that never comes.
    pub const NEVER: Self = Self(u64::MAX);

    /// The time from `earlier` to `self`; zero if `earlier` is the later one (stamps of two cores
    /// may cross by a few nanoseconds).
    #[inline]
    #[must_use]
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// The moment `span` later; `NEVER` if that does not fit.
    #[inline]
    #[must_use]
    pub const fn after(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Deref for Span {
    type Target = u64;

    fn deref(&self) -> &u64 {
        &self.0
    }
}

/// The shell's clock: counter ticks, turned into nanoseconds by a scale that is set at start.
///
/// Production reads the invariant TSC, the simulator its virtual time, tests a cell.
pub trait Clock {
    /// The moment now.
    fn now(&self) -> MonoNs;
}

impl<C: Clock + ?Sized> Clock for &C {
    #[inline(always)]
    fn now(&self) -> MonoNs {
        (**self).now()
    }
}

/// How ticks of a counter become nanoseconds: `(ticks - origin) * ns_per_tick`.
///
/// The multiplier is Q32 (32 fractional bits): at 2.6 GHz its rounding is below 0.6 parts per
/// billion, 50 µs in a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TickScale {
    /// The tick that is nanosecond zero.
    pub origin_ticks: u64,
    /// Nanoseconds per tick, times 2^32.
    pub ns_per_tick_q32: u64,
}

impl TickScale {
    /// The moment of `ticks`; zero for ticks before the origin.
    #[inline(always)]
    #[must_use]
    #[expect(
        clippy::as_conversions,
        reason = "u64 to u128 widens; the shift back fits for 580 years"
    )]
    pub const fn at(self, ticks: u64) -> MonoNs {
        let elapsed = ticks.saturating_sub(self.origin_ticks);
        MonoNs(((elapsed as u128).wrapping_mul(self.ns_per_tick_q32 as u128) >> 32) as u64)
    }
}

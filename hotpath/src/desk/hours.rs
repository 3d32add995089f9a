//! When an instrument may be traded: one window at a time, told by whoever has the calendars.
//!
//! The desk knows no calendar and no wall clock. It is told the window that is, or the next one, on
//! its own clock; outside it sends nothing, and near its end it opens nothing. If nobody tells the
//! next one, nothing is sent after the last.

use crate::message::{Gate, Hours};
use crate::record::codec::fields;
use crate::risk::Refusal;
use crate::time::{MonoNs, Span};

/// The window of one instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Nothing is sent before.
    from: MonoNs,
    /// From then on positions are opened for so long.
    opening: Span,
    /// And orders are sent for so long.
    whole: Span,
}

fields! {
    Window {
        from: MonoNs,
        opening: Span,
        whole: Span,
    }
}

impl Window {
    /// Open for ever: an instrument whose hours nobody tells.
    pub const ALWAYS: Self =
        Self { from: MonoNs(0), opening: Span(u64::MAX), whole: Span(u64::MAX) };

    /// The window that is told. One that ends before it begins is never open.
    #[must_use]
    pub fn of(hours: &Hours) -> Self {
        Self {
            from: hours.from,
            opening: hours.opening_until.since(hours.from),
            whole: hours.until.since(hours.from),
        }
    }

    /// Passes an order at `now` that opens (`is_open`) or closes.
    ///
    /// # Errors
    /// `Gate::Hours`.
    #[inline]
    pub(super) fn admit(&self, is_open: bool, now: MonoNs) -> Result<(), Refusal> {
        let span = if is_open { self.opening } else { self.whole };
        // Before the window this wraps to more than any span that it can have.
        if now.0.wrapping_sub(self.from.0) < span.0 {
            Ok(())
        } else {
            Err(Refusal::new(Gate::Hours, self.left_ns(is_open, now), 1))
        }
    }

    /// Nanoseconds for which such an order may still be sent; below 1 it may not: it is that long
    /// until the window begins, or since it ended.
    #[must_use]
    pub fn left_ns(&self, is_open: bool, now: MonoNs) -> i64 {
        let span = if is_open { self.opening } else { self.whole };
        let wide = |ns: u64| i64::try_from(ns).unwrap_or(i64::MAX);
        if now < self.from {
            return wide(self.from.since(now).0).saturating_neg();
        }
        let gone = now.since(self.from).0;
        if gone < span.0 {
            wide(span.0.saturating_sub(gone))
        } else {
            wide(gone.saturating_sub(span.0)).saturating_neg()
        }
    }
}

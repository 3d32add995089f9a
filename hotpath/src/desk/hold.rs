//! How long a level has been met without a break: some must be for a while before they fire.
//!
//! It is seen when the spread is looked at: after each quote of a leg, or a batch of them, and when
//! the time is up, which is asked for as a deadline. What the desk itself takes from a book is no
//! break of the market until the next quote. Time begins anew where a break may have gone unseen: a
//! quote that came while another one of the spread was still to be looked at, a fire that is being
//! repaired. So it does after each fire, and when the spread is told.
//!
//! Called by `fire`; the gate is `Gate::Hold`.

use super::Spread;
use crate::message::{Gate, Intent, SpreadSpec};
use crate::risk::Refusal;
use crate::time::{MonoNs, Span};

impl Spread {
    /// Since when the level of an intent that is met at `now` has been.
    #[inline]
    pub(super) fn met_since(&self, intent: Intent, now: MonoNs) -> MonoNs {
        match self.met {
            Some((held, since)) if held == intent => since,
            Some(_) | None => now,
        }
    }
}

/// Passes an intent whose level has been met for long enough.
#[inline]
pub(super) fn admit(
    row: &Spread,
    spec: &SpreadSpec,
    intent: Intent,
    now: MonoNs,
) -> Result<(), Refusal> {
    let hold = spec.trigger.hold(intent);
    if hold == Span(0) {
        return Ok(());
    }
    let held = now.since(row.met_since(intent, now));
    if held >= hold {
        return Ok(());
    }
    let ns = |span: Span| i64::try_from(span.0).unwrap_or(i64::MAX);
    Err(Refusal::new(Gate::Hold, ns(held), ns(hold)))
}

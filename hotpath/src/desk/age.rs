//! The gates of time: rest after a fire, how old quotes are and how far apart.
//!
//! Called by `fire`, and by `work` for what rests.

use super::Spread;
use crate::message::{Gate, MAX_LEGS, SpreadSpec};
use crate::risk::{NO_LEG, Refusal};
use crate::time::{MonoNs, Span};

/// The gates of time: cool-down, age and skew of the quotes.
#[inline]
pub(super) fn timing(
    row: &Spread,
    spec: &SpreadSpec,
    ages: &[Span; MAX_LEGS],
    now: MonoNs,
) -> Result<(), Refusal> {
    let nanoseconds = |span: Span| i64::try_from(span.0).unwrap_or(i64::MAX);
    let rest = now.since(row.last_fired);
    if row.has_fired && rest < spec.cool_down {
        return Err(Refusal::new(Gate::CoolDown, nanoseconds(rest), nanoseconds(spec.cool_down)));
    }
    is_aged(spec, ages)
}

/// The gates of the quotes' ages and of how far these are apart.
#[inline]
pub(super) fn is_aged(spec: &SpreadSpec, ages: &[Span; MAX_LEGS]) -> Result<(), Refusal> {
    let nanoseconds = |span: Span| i64::try_from(span.0).unwrap_or(i64::MAX);
    let (mut oldest, mut youngest, mut oldest_leg) = (Span(0), Span(u64::MAX), NO_LEG);
    for (age, leg) in ages.iter().take(usize::from(spec.leg_count)).zip(0_u8..) {
        if *age >= oldest {
            (oldest, oldest_leg) = (*age, leg);
        }
        youngest = youngest.min(*age);
    }
    if oldest > spec.max_quote_age {
        return Err(Refusal {
            gate: Gate::QuoteAge,
            leg: oldest_leg,
            seen: nanoseconds(oldest),
            limit: nanoseconds(spec.max_quote_age),
        });
    }
    let skew = Span(oldest.0.saturating_sub(youngest.0));
    if skew > spec.max_quote_skew {
        return Err(Refusal {
            gate: Gate::QuoteSkew,
            leg: oldest_leg,
            seen: nanoseconds(skew),
            limit: nanoseconds(spec.max_quote_skew),
        });
    }
    Ok(())
}

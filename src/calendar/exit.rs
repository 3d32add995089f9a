//! "Can I still get out?": several legs at one instant.
//!
//! A position across two markets needs both of them to be closed. Where one shuts first, what is
//! opened shortly before is held naked through the other's hours: settlement at -37.63 was met by
//! accounts whose own market had closed at 22:00.

use super::{CalendarError, Moment, Phase, Timetable, before};
use jiff::{SignedDuration, Timestamp};

/// The leg that can be traded no more before the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClosesFirst {
    /// Its place among the legs.
    pub leg: usize,
    /// When.
    pub at: Timestamp,
}

/// What may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Opened and closed: all legs trade for longer than the guard time.
    Open,
    /// Only closed: within the guard time a leg shuts.
    OnlyClose,
    /// Nothing: the leg at this place does not trade now, so a position cannot be left.
    Neither {
        /// Its place among the legs.
        leg: usize,
    },
}

/// Several legs at one instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlook {
    /// Each of them.
    pub legs: Vec<Moment>,
    /// The one that shuts first, if all trade now; of two at once the first in order.
    pub closes_first: Option<ClosesFirst>,
    /// Nothing is opened from then on.
    pub last_opening: Option<Timestamp>,
    /// What may be done.
    pub verdict: Verdict,
}

/// Looks at `legs` at an instant; nothing is opened within `guard` of the first that shuts.
///
/// # Errors
/// The calendar of a leg is not valid then.
pub fn outlook(
    legs: &[&Timetable],
    at: Timestamp,
    guard: SignedDuration,
) -> Result<Outlook, CalendarError> {
    let moments = legs.iter().map(|leg| leg.at(at)).collect::<Result<Vec<_>, _>>()?;
    let shut = moments.iter().position(|moment| moment.phase != Phase::Continuous);
    let ends = moments.iter().zip(legs).map(|(moment, leg)| moment.continuous_until(leg.end()));
    let first = ends.enumerate().filter_map(|(leg, at)| Some(ClosesFirst { leg, at: at? }));
    let closes_first = first.min_by_key(|first| first.at).filter(|_| shut.is_none());
    let last_opening = closes_first.map(|first| before(first.at, guard));
    let verdict = match (shut, last_opening) {
        (Some(leg), _) => Verdict::Neither { leg },
        (None, Some(last)) if at >= last => Verdict::OnlyClose,
        (None, _) => Verdict::Open,
    };
    Ok(Outlook { legs: moments, closes_first, last_opening, verdict })
}

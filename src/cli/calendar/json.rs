//! Hours for programs: instants in UTC by ISO 8601.

use super::{Hours, Pair};
use crate::calendar::{CalendarError, ClosesFirst, Phase, Stretch, Verdict};
use crate::monitor::words::{Lang, Worded};
use jiff::Timestamp;
use serde_json::{Value, json};

/// Several groups.
pub(super) fn hours(all: &[Hours<'_>], at: Timestamp) -> Value {
    json!({ "at": at.to_string(), "groups": all.iter().map(group).collect::<Vec<_>>() })
}

/// A pair and its legs.
pub(super) fn pair(pair: &Pair<'_>, at: Timestamp) -> Value {
    let outlook = pair.outlook.as_ref();
    let verdict = outlook.map_or("refused", |outlook| match outlook.verdict {
        Verdict::Open => "open",
        Verdict::OnlyClose => "only_close",
        Verdict::Neither { .. } => "neither",
    });
    let first = outlook.ok().and_then(|outlook| outlook.closes_first);
    let first = first.map(
        |ClosesFirst { leg, at }| json!({ "leg": pair.legs[leg].title, "at": at.to_string() }),
    );
    let last = outlook.ok().and_then(|outlook| outlook.last_opening);
    json!({
        "at": at.to_string(),
        "pair": pair.name,
        "verdict": verdict,
        "guard_minutes": pair.guard.as_mins(),
        "closes_first": first,
        "last_opening": last.map(|last| last.to_string()),
        "legs": pair.legs.iter().map(group).collect::<Vec<_>>(),
    })
}

fn group(hours: &Hours<'_>) -> Value {
    let calendar = &hours.kept.calendar;
    let changes = hours.changes.as_ref();
    json!({
        "mic": calendar.mic,
        "group": hours.table.group(),
        "symbols": hours.title,
        "valid_from": calendar.valid.map(|(from, _)| from.to_string()),
        "valid_until": calendar.valid.map(|(_, until)| until.to_string()),
        "sources": calendar.sources,
        "unproven": calendar.unproven,
        "refused": changes.err().map(CalendarError::to_string),
        "phase": changes.ok().and_then(|all| all.first()).map(|now| word(now.phase)),
        "changes": changes.ok().map(|all| all.iter().map(stretch).collect::<Vec<_>>()),
    })
}

fn stretch(of: &Stretch) -> Value {
    json!({
        "from": of.from.to_string(),
        "phase": word(of.phase),
        "trading_day": of.trading_day.map(|day| day.to_string()),
    })
}

fn word(phase: Phase) -> &'static str {
    phase.word_in(Lang::En)
}

//! The score of a feed's lines in one hour, as it stands in a summary.

use crate::engine::score::{Hour, LineScore};
use serde::Serialize;

/// One hour of a feed.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ScoredHour {
    /// When it began, in seconds since 1970.
    utc: u64,
    /// Lines A and B.
    lines: [ScoredLine; 2],
    /// Packets on neither line.
    lost: u64,
    divergent: u64,
}

/// One line in it. Leads are in nanoseconds, at most twice what they were.
#[derive(Clone, Debug, Serialize)]
struct ScoredLine {
    packets: u64,
    /// Packets that it brought first, or alone.
    first: u64,
    /// Packets that it brought before the other line.
    led: u64,
    lead_p50_ns: Option<u64>,
    lead_p99_ns: Option<u64>,
    /// Packets that the other line skipped.
    saved: u64,
    gaps_saved: u64,
    late: u64,
    reordered: u64,
}

impl ScoredHour {
    pub fn of(hour: u64, score: &Hour) -> Self {
        let Hour { lines, lost, divergent, .. } = *score;
        Self { utc: hour * 3_600, lines: lines.each_ref().map(line), lost, divergent }
    }
}

fn line(score: &LineScore) -> ScoredLine {
    ScoredLine {
        packets: score.packets,
        first: score.first,
        led: score.led(),
        lead_p50_ns: score.lead_percentile_ns(50),
        lead_p99_ns: score.lead_percentile_ns(99),
        saved: score.saved,
        gaps_saved: score.gaps_saved,
        late: score.late,
        reordered: score.reordered,
    }
}

//! Lines A and B of each feed, hour by hour: who was first, by how much, and what each has saved.
//!
//! Feeds only count; the hour is that of whoever reads the counters, so a packet just after the
//! turn of an hour may count in the one before. Leads are kept in buckets of powers of two: a
//! figure made of them is the upper end of its bucket, at most twice what it was.
//!
//! What a line has saved are packets that the other skipped, without those that neither brought.
//!
//! Called once a second by `telling`, on the cold side; the score of a capture, with exact leads,
//! is `cli::feeds`' own.

use std::array::from_fn;
use std::collections::BTreeMap;
use xmc_hotpath::feed::{FeedCounters, LEAD_BUCKETS, LineCounters};
use xmc_hotpath::time::UnixNs;

/// An hour.
pub const NS_PER_HOUR: u64 = 3_600_000_000_000;

/// Hours of each feed that are kept: a week.
const MOST_HOURS: usize = 168;

/// What one line did in one hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineScore {
    /// Datagrams.
    pub packets: u64,
    /// Packets that it brought first, or alone.
    pub first: u64,
    /// Packets that it brought before the other line, by how much: `LineCounters::leads`.
    pub leads: [u64; LEAD_BUCKETS],
    /// The sum of these leads, nanoseconds.
    pub lead_ns: u64,
    /// Packets that it skipped.
    pub missing: u64,
    /// Times that it skipped packets.
    pub gaps: u64,
    /// Packets that the other line skipped and this one did not.
    pub saved: u64,
    /// Runs of such packets.
    pub gaps_saved: u64,
    /// Packets that came after they had been given up.
    pub late: u64,
    /// Packets that it brought after later ones.
    pub reordered: u64,
}

impl LineScore {
    /// Packets that it brought before the other line did.
    #[must_use]
    pub fn led(&self) -> u64 {
        self.leads.iter().sum()
    }

    /// The lead that so many of a hundred packets do not exceed, nanoseconds; `None` without any.
    #[must_use]
    pub fn lead_percentile_ns(&self, percent: u64) -> Option<u64> {
        let rank = (self.led() * percent).div_ceil(100).max(1);
        let mut before = 0;
        let found = self.leads.iter().zip(0_u32..).find(|(count, _)| {
            before += **count;
            before >= rank
        });
        found.filter(|_| self.led() > 0).map(|(_, bucket)| (1_u64 << bucket) - 1)
    }
}

/// What both lines of a feed did in one hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hour {
    /// Lines A and B.
    pub lines: [LineScore; 2],
    /// Packets on neither.
    pub lost: u64,
    /// Times that packets were lost on both.
    pub gaps: u64,
    /// Packets whose copies differ.
    pub divergent: u64,
}

impl Hour {
    /// What a feed has counted since its start.
    fn counted(feed: &FeedCounters) -> Self {
        Self {
            lines: feed.lines.each_ref().map(line),
            lost: feed.missing.get(),
            gaps: feed.gaps.get(),
            divergent: feed.divergent.get(),
        }
    }

    /// What has been added to `before`, and who has saved what.
    fn since(&self, before: &Self) -> Self {
        let lost = self.lost.saturating_sub(before.lost);
        let gaps = self.gaps.saturating_sub(before.gaps);
        let divergent = self.divergent.saturating_sub(before.divergent);
        let of = |line: usize| self.lines[line].since(&before.lines[line]);
        let saves = |line: LineScore, other: &LineScore| LineScore {
            saved: other.missing.saturating_sub(lost),
            gaps_saved: other.gaps.saturating_sub(gaps),
            ..line
        };
        let lines = [saves(of(0), &of(1)), saves(of(1), &of(0))];
        Self { lines, lost, gaps, divergent }
    }
}

impl LineScore {
    fn since(&self, before: &Self) -> Self {
        Self {
            packets: self.packets.saturating_sub(before.packets),
            first: self.first.saturating_sub(before.first),
            leads: from_fn(|bucket| self.leads[bucket].saturating_sub(before.leads[bucket])),
            lead_ns: self.lead_ns.saturating_sub(before.lead_ns),
            missing: self.missing.saturating_sub(before.missing),
            gaps: self.gaps.saturating_sub(before.gaps),
            late: self.late.saturating_sub(before.late),
            reordered: self.reordered.saturating_sub(before.reordered),
            ..Self::default()
        }
    }
}

fn line(counted: &LineCounters) -> LineScore {
    LineScore {
        packets: counted.packets.get(),
        first: counted.firsts.get(),
        leads: from_fn(|bucket| counted.leads[bucket].get()),
        lead_ns: counted.lead_ns.get(),
        missing: counted.missing.get(),
        gaps: counted.gaps.get(),
        late: counted.late.get(),
        reordered: counted.reordered.get(),
        ..LineScore::default()
    }
}

/// The score of one feed by hours since 1970, UTC.
#[derive(Clone, Debug, Default)]
pub struct FeedScore {
    /// The hours that it was looked at, without those in which nothing came.
    pub hours: BTreeMap<u64, Hour>,
    /// What had been counted when the last hour began.
    begun: Hour,
    hour: Option<u64>,
}

impl FeedScore {
    fn take(&mut self, feed: &FeedCounters, hour: u64) {
        let counted = Hour::counted(feed);
        // What came since the last look is the old hour's.
        let of = self.hour.replace(hour).unwrap_or(hour);
        let score = counted.since(&self.begun);
        if score != Hour::default() {
            self.hours.insert(of, score);
        }
        if of != hour {
            self.begun = counted;
        }
        while self.hours.len() > MOST_HOURS {
            self.hours.pop_first();
        }
    }
}

/// The score of all feeds.
#[derive(Clone, Debug, Default)]
pub struct Scoreboard {
    feeds: Vec<FeedScore>,
}

impl Scoreboard {
    /// Nothing yet, of so many feeds.
    #[must_use]
    pub fn new(feeds: usize) -> Self {
        Self { feeds: vec![FeedScore::default(); feeds] }
    }

    /// Takes what the feeds have counted until `utc`.
    pub fn take<'f>(&mut self, feeds: impl IntoIterator<Item = &'f FeedCounters>, utc: UnixNs) {
        for (score, feed) in self.feeds.iter_mut().zip(feeds) {
            score.take(feed, utc.0 / NS_PER_HOUR);
        }
    }

    /// By feed, in the order of the configuration.
    #[must_use]
    pub fn feeds(&self) -> &[FeedScore] {
        &self.feeds
    }
}

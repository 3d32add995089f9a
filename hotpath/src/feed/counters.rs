//! What a feed counts: written by its core, read by the cold side.

use super::handover::Request;
use crate::book::BookError;
use crate::counter::Counter;
use crate::counters;
use crate::port::Line;
use crate::time::Span;

counters! {
    /// What one line of a feed delivered.
    pub struct LineCounters {
        /// Datagrams.
        pub packets: Counter => Count "packets",
        /// Bytes of their payloads.
        pub bytes: Counter => Count "bytes",
        /// Packets that this line brought first.
        pub firsts: Counter => Count "packets",
        /// Copies of packets that had come before, on either line.
        pub duplicates: Counter => Count "packets",
        /// Packets that came after they had been given up.
        pub late: Counter => Count "packets",
        /// Packets that this line skipped and did not bring later.
        pub missing: Counter => Count "packets",
        /// Times that this line skipped packets.
        pub gaps: Counter => Count "gaps",
        /// Packets that this line brought before the other, by how much: in bucket 0 in the same
        /// nanosecond, in bucket n from 2^(n-1) to below 2^n nanoseconds, in the last one all
        /// above.
        pub leads: [Counter; LEAD_BUCKETS] => Count "packets",
        /// The sum of these leads.
        pub lead_ns: Counter => Count "ns",
        /// Packets that this line brought after later ones.
        pub reordered: Counter => Count "packets",
        /// Datagrams that were refused whole because their framing is bad.
        pub refused: Counter => Count "packets",
    }
}

/// Buckets of `LineCounters::leads`; the last one begins at a second.
pub const LEAD_BUCKETS: usize = 32;

impl LineCounters {
    /// It brought a packet so much earlier than the other line did.
    #[inline]
    pub(super) fn led(&self, lead: Span) {
        let bits = u64::BITS.wrapping_sub(lead.0.leading_zeros());
        let bucket = usize::try_from(bits).unwrap_or(LEAD_BUCKETS);
        if let Some(counter) = self.leads.get(bucket.min(LEAD_BUCKETS.wrapping_sub(1))) {
            counter.add(1);
        }
        self.lead_ns.add(lead.0);
    }
}

/// Variants of a protocol's error that can be counted apart.
pub const MAX_REFUSALS: usize = 16;

counters! {
    /// What the cold side tells a feed.
    #[repr(align(128))]
    pub struct ToldFeed {
        /// Whether the channel's market trades. Written by the cold side.
        pub session: Counter => Word "unknown|open|shut",
        /// Which lines can bring anything, as far as their interfaces tell. Written by the cold
        /// side.
        pub lines: Counter => Word "both|only_b|only_a|neither",
    }
}

counters! {
    /// What a channel did.
    #[repr(align(128))]
    pub struct FeedCounters {
        /// Line A, then line B: see `line`.
        pub lines: [LineCounters; 2],
        /// What the channel is worth.
        pub state: Counter => Word
            "down|live|single_line|suspect|recovering|stale|closed|frozen|divergent",
        /// Packets applied.
        pub applied: Counter => Count "packets",
        /// Packets held until an earlier one came or was given up.
        pub held: Counter => Count "packets",
        /// Times that packets were given up on both lines.
        pub gaps: Counter => Count "gaps",
        /// Packets given up on both lines.
        pub missing: Counter => Count "packets",
        /// Packets of no sequence that is followed (yet): far behind, of another topic, day or
        /// centre.
        pub strays: Counter => Count "packets",
        /// Times that the venue began to number anew.
        pub restarts: Counter => Count "times",
        /// Packets whose two copies differ.
        pub divergent: Counter => Count "packets",
        /// Damaged packets, by the protocol's error: `Protocol::refusal`.
        pub refused: [Counter; MAX_REFUSALS] => Count "packets",
        /// Messages and fields of no interest to books, of unknown templates, or of instruments
        /// that no snapshot named.
        pub skipped: Counter => Count "messages",
        /// Heartbeats outside the sequence.
        pub heartbeats: Counter => Count "packets",
        /// Trade summaries, which are not kept.
        pub trades: Counter => Count "entries",
        /// Limits, settlements and other prices of the day, which are not kept.
        pub statistics: Counter => Count "entries",
        /// Trading statuses.
        pub statuses: Counter => Count "messages",
        /// Instrument definitions.
        pub definitions: Counter => Count "messages",
        /// Times that the venue voided the channel, or ended its sequence.
        pub resets: Counter => Count "times",
        /// Breaks in an instrument's own sequence.
        pub sequence_breaks: Counter => Count "breaks",
        /// Instructions that contradict a book, by `BookError::index`.
        pub book_errors: [Counter; BookError::ALL.len()] => Count "entries",
        /// Entries of instruments for which there is no row left.
        pub instruments_full: Counter => Count "entries",
        /// Events of the venue that ended.
        pub events: Counter => Count "events",
        /// Quotes sent.
        pub quotes: Counter => Count "quotes",
        /// Quotes overwritten by newer ones while the ring was full.
        pub conflated: Counter => Count "quotes",
        /// Instruments whose newest quote waits for room in the ring.
        pub waiting: Counter => Gauge "instruments",
        /// Quotes that could not be sent and had no row to wait in.
        pub unsendable: Counter => Count "quotes",
        /// What is asked of the cold side.
        pub request: Request,
        /// Times that recovered books were asked for.
        pub asked: Counter => Count "times",
        /// Hand-overs, and single rows, that were torn, or that the tail did not reach back to.
        pub refused_handovers: Counter => Count "hand-overs",
        /// Packets carried out behind books that were handed over.
        pub replayed: Counter => Count "packets",
        /// Times that the channel went on with books that were handed over.
        pub rejoined: Counter => Count "times",
        /// Rows that were asked for by themselves and taken back.
        pub mended: Counter => Count "rows",
        /// Times that a channel state had to wait because its ring was full.
        pub delayed_updates: Counter => Count "times",
        /// What the cold side tells it.
        pub told: ToldFeed,
    }
}

impl FeedCounters {
    /// The counters of one line.
    #[inline(always)]
    #[must_use]
    pub const fn line(&self, line: Line) -> &LineCounters {
        let [a, b] = &self.lines;
        match line {
            Line::A => a,
            Line::B => b,
        }
    }
}

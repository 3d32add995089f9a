//! What a feed counts: written by its core, read by the cold side.

use super::handover::Request;
use crate::book::BookError;
use crate::counter::Counter;
use crate::port::Line;
use crate::time::Span;

/// What one line of a feed delivered.
#[derive(Debug, Default)]
pub struct LineCounters {
    /// Datagrams.
    pub packets: Counter,
    /// Bytes of their payloads.
    pub bytes: Counter,
    /// Packets that this line brought first.
    pub firsts: Counter,
    /// Copies of packets that had come before, on either line.
    pub duplicates: Counter,
    /// Packets that came after they had been given up.
    pub late: Counter,
    /// Packets that this line skipped and did not bring later.
    pub missing: Counter,
    /// Times that this line skipped packets.
    pub gaps: Counter,
    /// Packets that this line brought before the other, by how much: in bucket 0 in the same
    /// nanosecond, in bucket n from 2^(n-1) to below 2^n nanoseconds, in the last one all above.
    pub leads: [Counter; LEAD_BUCKETS],
    /// The sum of these leads, nanoseconds.
    pub lead_ns: Counter,
    /// Packets that this line brought after later ones.
    pub reordered: Counter,
    /// Datagrams that were refused whole because their framing is bad.
    pub refused: Counter,
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

/// What a channel did.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct FeedCounters {
    /// Line A, then line B: see `line`.
    pub lines: [LineCounters; 2],
    /// Packets applied.
    pub applied: Counter,
    /// Packets held until an earlier one came or was given up.
    pub held: Counter,
    /// Times that packets were given up on both lines.
    pub gaps: Counter,
    /// Packets given up on both lines.
    pub missing: Counter,
    /// Packets of no sequence that is followed (yet): far behind, of another topic, day or centre.
    pub strays: Counter,
    /// Times that the venue began to number anew.
    pub restarts: Counter,
    /// Packets whose two copies differ.
    pub divergent: Counter,
    /// Damaged packets, by the protocol's error: `Protocol::refusal`.
    pub refused: [Counter; MAX_REFUSALS],
    /// Messages and fields of no interest to books, of unknown templates, or of instruments that
    /// no snapshot named.
    pub skipped: Counter,
    /// Heartbeats outside the sequence.
    pub heartbeats: Counter,
    /// Trade summaries, which are not kept.
    pub trades: Counter,
    /// Limits, settlements and other prices of the day, which are not kept.
    pub statistics: Counter,
    /// Trading statuses.
    pub statuses: Counter,
    /// Instrument definitions.
    pub definitions: Counter,
    /// Times that the venue voided the channel, or ended its sequence.
    pub resets: Counter,
    /// Breaks in an instrument's own sequence.
    pub sequence_breaks: Counter,
    /// Instructions that contradict a book, by `BookError::index`.
    pub book_errors: [Counter; BookError::ALL.len()],
    /// Entries of instruments for which there is no row left.
    pub instruments_full: Counter,
    /// Events of the venue that ended.
    pub events: Counter,
    /// Quotes sent.
    pub quotes: Counter,
    /// Quotes overwritten by newer ones while the ring was full.
    pub conflated: Counter,
    /// Quotes that could not be sent and had no row to wait in.
    pub unsendable: Counter,
    /// What is asked of the cold side.
    pub request: Request,
    /// Times that recovered books were asked for.
    pub asked: Counter,
    /// Hand-overs, and single rows, that were torn, or that the tail did not reach back to.
    pub refused_handovers: Counter,
    /// Packets carried out behind books that were handed over.
    pub replayed: Counter,
    /// Times that the channel went on with books that were handed over.
    pub rejoined: Counter,
    /// Rows that were asked for by themselves and taken back.
    pub mended: Counter,
    /// Whether the market trades, as a word of `Session`. Written by the cold side.
    pub session: Counter,
    /// Times that a channel state had to wait because its ring was full.
    pub delayed_updates: Counter,
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

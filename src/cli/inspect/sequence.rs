//! How packets of one group follow each other. For one line as captured: lines are not arbitrated.

use xmc_hotpath::time::UnixNs;

/// How a packet stands to those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The first, or the next.
    Next,
    /// Packets before it are missing.
    Gap {
        /// How many.
        missing: u32,
    },
    /// Not beyond the last: repeated or late.
    Repeated,
    /// Counting began again: a new week, or the next loop of a replay group. All that was said
    /// before is void.
    Restart {
        /// How many packets are missing since 1.
        missing: u32,
    },
}

/// A packet that repeats or is late was sent before the newest one. One with a lower number that
/// was sent this much after it belongs to a new count: CME says something at least every 30 s, and
/// two lines carry the same sending time.
const LATER_NS: u64 = 1_000_000_000;

/// The sequence numbers of one group.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sequence {
    /// The last number that was not a repetition, and when that packet was sent.
    last: Option<(u32, UnixNs)>,
}

impl Sequence {
    /// The last number that was not a repetition.
    pub fn last(&self) -> Option<u32> {
        self.last.map(|(seq_no, _)| seq_no)
    }

    /// Takes it that the packets up to and with this number were sent and not seen; gives back how
    /// many those are.
    pub fn lose(&mut self, seq_no: u32, sent: UnixNs) -> u32 {
        let missing = self.last().map_or(0, |last| seq_no.saturating_sub(last));
        if missing > 0 {
            self.last = Some((seq_no, sent));
        }
        missing
    }

    /// Takes the number of the next packet, and when it was sent.
    pub fn step(&mut self, seq_no: u32, sent: UnixNs) -> Step {
        let step = match self.last {
            None => Step::Next,
            Some((last, _)) if seq_no > last => match seq_no - last - 1 {
                0 => Step::Next,
                missing => Step::Gap { missing },
            },
            Some((last, newest)) if seq_no < last && begins_again(seq_no, sent, newest) => {
                Step::Restart { missing: seq_no.saturating_sub(1) }
            }
            Some(_) => return Step::Repeated,
        };
        self.last = Some((seq_no, sent));
        step
    }
}

/// Whether a lower number is of a new count.
fn begins_again(seq_no: u32, sent: UnixNs, newest: UnixNs) -> bool {
    let later_ns = if seq_no == 1 { 0 } else { LATER_NS };
    sent.0.checked_sub(newest.0).is_some_and(|by| by >= later_ns)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The steps of packets with these numbers, sent at these milliseconds.
    fn steps(packets: &[(u32, u64)]) -> Vec<Step> {
        let mut sequence = Sequence::default();
        packets.iter().map(|&(seq_no, ms)| sequence.step(seq_no, UnixNs(ms * 1_000_000))).collect()
    }

    #[test]
    fn a_lower_number_is_a_new_count_only_if_it_was_sent_later() {
        use Step::{Gap, Next, Repeated, Restart};
        assert_eq!(steps(&[(7, 0), (8, 1), (7, 0), (9, 2)]), [Next, Next, Repeated, Next]);
        let again = Restart { missing: 0 };
        assert_eq!(steps(&[(500, 0), (1, 1), (2, 2)]), [Next, again, Next]);
        let lost = Restart { missing: 1 };
        assert_eq!(steps(&[(500, 0), (2, 1_000), (3, 1_001)]), [Next, lost, Next]);
        assert_eq!(steps(&[(500, 0), (2, 999), (501, 1_000)]), [Next, Repeated, Next]);
        // A late copy of the first packet of all.
        assert_eq!(
            steps(&[(1, 0), (2, 1), (1, 0), (4, 2)]),
            [Next, Next, Repeated, Gap { missing: 1 }]
        );
        // The same number again is never a new count: a heartbeat may repeat it.
        assert_eq!(steps(&[(5, 0), (5, 60_000), (6, 60_001)]), [Next, Repeated, Next]);
    }
}

//! The score of lines A and B: copies of one packet are matched as they come.
//!
//! A packet waits for its copy a while; then it was saved by the line that had it. What lies before
//! the first packet of the other line, or waits at the end of the capture, is nobody's loss.

use crate::cli::inspect::Group;
use crate::cli::inspect::packets::Packet;
use crate::engine::score::NS_PER_HOUR;
use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::net::SocketAddrV4;
use xmc_hotpath::port::Line;

/// Numbers that a channel may fall back before it has begun to count anew.
const RESTART_BELOW: u32 = 1;

/// Which groups are the two lines of one channel.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    /// A pair of `--group`.
    Chosen(usize),
    /// The channel in CME's port, and the last part of the address, which both lines share.
    Cme(u16, u8),
    /// Others: by order of appearance there is one.
    Other,
}

/// What one line did in one hour.
#[derive(Clone, Debug)]
pub struct LineScore {
    /// Packets, repetitions included.
    pub packets: u64,
    /// Packets that came here before they came on the other line.
    pub first: u64,
    /// By how much, in nanoseconds.
    pub lead: Histogram<u64>,
    /// The most, exactly.
    pub most_lead_ns: u64,
    /// Packets that the other line did not have in time.
    pub saved: u64,
    /// Runs of such packets.
    pub gaps_saved: u64,
    /// Packets that this line had sent before.
    pub repeated: u64,
    /// Packets that came after they had been given up.
    pub late: u64,
}

impl Default for LineScore {
    fn default() -> Self {
        let lead = Histogram::new(3).expect("3 digits are allowed");
        let (packets, first, most_lead_ns, saved) = (0, 0, 0, 0);
        Self { packets, first, lead, most_lead_ns, saved, gaps_saved: 0, repeated: 0, late: 0 }
    }
}

/// What both lines of a channel did in one hour.
#[derive(Clone, Debug, Default)]
pub struct Hour {
    /// Lines A and B.
    pub lines: [LineScore; 2],
    /// Packets that came on both in the same nanosecond.
    pub together: u64,
    /// Packets on neither.
    pub lost: u64,
    /// Packets whose copies differ, the sending time apart.
    pub diverged: u64,
    /// The first of them.
    pub first_diverged: Option<u32>,
}

impl Hour {
    /// Whether each packet came, and was the same on both lines.
    pub fn is_sound(&self) -> bool {
        self.lost == 0 && self.diverged == 0
    }
}

/// One packet that has come on one line or both.
#[derive(Clone, Copy, Debug)]
struct Seen {
    captured_ns: u64,
    side: usize,
    digest: u64,
    is_matched: bool,
}

/// A channel and its score by hours since 1970.
#[derive(Clone, Debug, Default)]
pub struct Channel {
    /// Lines A and B.
    pub groups: [Option<SocketAddrV4>; 2],
    /// The score.
    pub hours: BTreeMap<u64, Hour>,
    waiting: BTreeMap<u32, Seen>,
    /// The first number of each line since counting began.
    begun: [Option<u32>; 2],
    /// The last of each line.
    last: [Option<u32>; 2],
    /// The last that was given up or matched and forgotten.
    done: Option<u32>,
    /// The line that has saved the packet before, if one has.
    saving: Option<usize>,
}

/// All channels of a capture.
#[derive(Debug)]
pub struct Scoreboard {
    groups: Vec<Group>,
    wait_ns: u64,
    channels: BTreeMap<Key, Channel>,
}

impl Scoreboard {
    /// Nothing yet.
    pub fn new(groups: &[Group], wait_ns: u64) -> Self {
        Self { groups: groups.to_vec(), wait_ns, channels: BTreeMap::new() }
    }

    /// Takes the next packet of the capture.
    pub fn take(&mut self, packet: &Packet<'_>) {
        let side = match packet.line {
            Some(Line::A) => 0,
            Some(Line::B) => 1,
            None => return,
        };
        let key = self.key(packet.group);
        let channel = self.channels.entry(key).or_default();
        channel.groups[side].get_or_insert(packet.group);
        channel.take(side, packet, self.wait_ns);
    }

    fn key(&self, group: SocketAddrV4) -> Key {
        let place = self.groups.iter().position(|chosen| chosen.holds(group));
        match (place, group.port() / 1_000) {
            (Some(place), _) => Key::Chosen(place / 2),
            (None, 14 | 15 | 22 | 23) => Key::Cme(group.port() % 1_000, group.ip().octets()[3]),
            (None, _) => Key::Other,
        }
    }

    /// The score of every channel.
    pub fn finish(self) -> Vec<Channel> {
        let finished = self.channels.into_values().map(|mut channel| {
            channel.forget(None);
            channel
        });
        finished.collect()
    }
}

impl Channel {
    fn take(&mut self, side: usize, packet: &Packet<'_>, wait_ns: u64) {
        let (seq_no, captured_ns) = (packet.seq_no, packet.captured.0);
        if seq_no <= RESTART_BELOW && self.last[side].is_some_and(|last| last > RESTART_BELOW) {
            self.forget(None);
            (self.begun, self.last, self.done) = ([None; 2], [None; 2], None);
        }
        self.forget(Some(captured_ns.saturating_sub(wait_ns)));
        let hour = captured_ns / NS_PER_HOUR;
        self.hours.entry(hour).or_default().lines[side].packets += 1;
        let is_repeated = self.last[side].is_some_and(|last| seq_no == last);
        self.begun[side] = Some(self.begun[side].map_or(seq_no, |begun| begun.min(seq_no)));
        self.last[side] = Some(self.last[side].map_or(seq_no, |last| last.max(seq_no)));
        if self.done.is_some_and(|done| seq_no <= done) {
            let of = &mut self.hours.entry(hour).or_default().lines[side];
            *(if is_repeated { &mut of.repeated } else { &mut of.late }) += 1;
            return;
        }
        let digest = crc32fast::hash(packet.after_header()).into();
        let Some(seen) = self.waiting.get_mut(&seq_no) else {
            let seen = Seen { captured_ns, side, digest, is_matched: false };
            self.waiting.insert(seq_no, seen);
            return;
        };
        if seen.side == side || seen.is_matched {
            self.hours.entry(hour).or_default().lines[side].repeated += 1;
            return;
        }
        seen.is_matched = true;
        let score = self.hours.entry(seen.captured_ns / NS_PER_HOUR).or_default();
        // By time and not by place: captures of two cards are merged a little out of order.
        let lead_ns = captured_ns.abs_diff(seen.captured_ns);
        if lead_ns == 0 {
            score.together += 1;
        } else {
            let of =
                &mut score.lines[if captured_ns < seen.captured_ns { side } else { seen.side }];
            of.first += 1;
            of.lead.record(lead_ns).expect("it grows");
            of.most_lead_ns = of.most_lead_ns.max(lead_ns);
        }
        if seen.digest != digest {
            score.diverged += 1;
            score.first_diverged.get_or_insert(seq_no);
        }
    }

    /// Settles what has come before `until`, or all at the end of the capture, in the order of
    /// numbers: a packet is not settled while one before it still waits.
    fn forget(&mut self, until: Option<u64>) {
        while let Some((&seq_no, &seen)) = self.waiting.first_key_value() {
            if until.is_some_and(|until| seen.captured_ns >= until) {
                return;
            }
            self.waiting.pop_first();
            let score = self.hours.entry(seen.captured_ns / NS_PER_HOUR).or_default();
            let next = self.done.map_or(seq_no, |done| done.saturating_add(1));
            score.lost += u64::from(seq_no.saturating_sub(next));
            if seq_no > next {
                self.saving = None;
            }
            self.done = Some(seq_no);
            let other = 1 - seen.side;
            let has_begun = self.begun[other].is_some_and(|begun| begun < seq_no);
            // At the end the copy may just not have come yet.
            let is_over = until.is_none() && self.last[other].is_none_or(|last| last < seq_no);
            if seen.is_matched || !has_begun || is_over {
                self.saving = None;
                continue;
            }
            let of = &mut score.lines[seen.side];
            of.saved += 1;
            of.gaps_saved += u64::from(self.saving != Some(seen.side));
            self.saving = Some(seen.side);
        }
    }
}

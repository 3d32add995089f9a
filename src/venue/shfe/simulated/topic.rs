//! One topic: what the exchange's slices say of its instruments, as packets of MIRP; and what was
//! sent, for snapshots and for whoever has missed some of it.
//!
//! A sequence of packets begins with a day, and again when another data centre publishes, which is
//! what a restart of the venue looks like: its first message tells the day's limits, and then every
//! slice that changed something is one message. A slice that changed nothing is not told; after
//! some silence a heartbeat is. UNPROVEN, all of it but the first message, which the vector shows:
//! whether the exchange is silent then, and what a restart of it looks like.
//!
//! Packets lie on the disk until later ones take their places. Should that refuse, whoever has
//! missed some is told to take a snapshot.
//!
//! Simplified: a restart forgets the day's volume, turnover and prices; nothing tells a halt.

use super::contract::{FeedSettings, TopicSettings};
use super::message::MessageWriter;
use super::row::Row;
use crate::sim::exchange::{Event, Exchange, Slice};
use crate::sim::shelf::{Row as Kept, Slots, packed, unpacked};
use crate::venue::lines::{Datagram, Lines, Silence};
use crate::venue::shfe::smdp::day::{TradingDay, told};
use crate::venue::shfe::smdp::mirp::PacketMark;
use crate::venue::shfe::smdp::snapshot::Snapshot;
use xmc_hotpath::port::Line;
use xmc_hotpath::time::{MonoNs, UnixNs};
use xmc_hotpath::venue::shfe::smdp::layout::CenterChange;
use xmc_hotpath::wire::I32Le;

/// The multicast group of a topic's line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Group {
    /// The topic.
    pub topic: i16,
    /// The line.
    pub line: Line,
}

/// Why packets are not sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotKept {
    /// They come before those that are kept, or were not sent yet.
    Range,
    /// They are more than are sent at a time.
    TooMany,
}

/// Bytes of a packet's header.
const HEAD_BYTES: usize = 24;

/// Bytes of a packet on the disk: a mark, its length, and the longest that there can be.
const PACKET_BYTES: usize = 3 + LONGEST_BYTES;

/// No packet is longer: what an Ethernet frame carries.
const LONGEST_BYTES: usize = 1_500;

/// A packet that was sent.
#[derive(Clone, Debug)]
struct Packet(Vec<u8>);

impl Kept<PACKET_BYTES> for Packet {
    fn to_bytes(&self) -> [u8; PACKET_BYTES] {
        packed(&self.0)
    }

    fn from_bytes(bytes: &[u8; PACKET_BYTES]) -> Option<Self> {
        unpacked(bytes).map(Self)
    }
}

/// A topic.
#[derive(Debug)]
pub(super) struct Topic {
    pub settings: TopicSettings,
    settlement: (String, i32),
    depth: u8,
    trading_day: TradingDay,
    center_change_no: i8,
    center_changes: Vec<CenterChange>,
    rows: Vec<Row>,
    next_packet_no: i32,
    /// Packets of the day, each at its number modulo `kept`; the last `sent_count` are there.
    sent: Slots<Packet, PACKET_BYTES>,
    sent_count: i32,
    kept: i32,
    /// Packets that are sent again at a time.
    most_resent: i32,
    max_packet_bytes: usize,
    /// The slice of which the topic tells now: its number from 1 on each day, and its moment.
    snap_no: i32,
    taken: UnixNs,
    /// The exchange's number of the day's first slice.
    first_slice: u64,
    /// What the slice that is under way says.
    changed: Vec<Slice>,
    last_sent: MonoNs,
    lines: Lines<Group>,
    silence: Silence,
    /// What has happened and is not told.
    untold: Vec<(MonoNs, Event)>,
}

impl Topic {
    /// A topic that has sent nothing yet.
    pub fn new(
        settings: TopicSettings,
        feed: &FeedSettings,
        exchange: &Exchange,
        start: MonoNs,
    ) -> Self {
        let taken = utc(feed.utc_origin, start);
        assert!(feed.max_packet_bytes <= LONGEST_BYTES, "a packet fits a frame");
        let depth = exchange.rules().depth;
        let row = |(listing, number)| {
            let engine = exchange.engine(listing).expect("topics carry listed instruments");
            Row::new(listing, engine.listing(), number, depth, told(taken))
        };
        Self {
            rows: settings.listings.iter().copied().zip(0..).map(row).collect(),
            lines: Lines::new(
                feed.faults.clone(),
                u64::from(settings.topic.unsigned_abs()),
                HEAD_BYTES,
            ),
            silence: Silence::Off,
            untold: Vec::new(),
            settings,
            settlement: feed.settlement.clone(),
            depth,
            trading_day: feed.trading_day,
            center_change_no: feed.center_change_no,
            center_changes: Vec::new(),
            next_packet_no: feed.first_packet_no,
            sent: Slots::default(),
            sent_count: 0,
            kept: i32::try_from(feed.kept_packets).unwrap_or(i32::MAX).max(1),
            most_resent: feed.most_resent,
            max_packet_bytes: feed.max_packet_bytes,
            snap_no: 0,
            taken,
            first_slice: 0,
            changed: Vec::new(),
            last_sent: start,
        }
    }

    /// What there is of each instrument before anything is told.
    pub fn look_at(&mut self, exchange: &Exchange) {
        for row in &mut self.rows {
            if let Some(figures) = exchange.figures(row.listing) {
                row.set_figures(*figures);
            }
        }
    }

    /// The number of the last packet.
    pub fn last_packet_no(&self) -> i32 {
        self.next_packet_no.wrapping_sub(1)
    }

    /// Begins the sequence: the change of the centre, if there was one, and the day's limits.
    pub fn begin(&mut self, now: MonoNs) {
        if self.center_change_no != 0 {
            self.center_changes.push(CenterChange {
                change_no: self.center_change_no,
                snap_no: I32Le::new(self.snap_no),
                packet_no: I32Le::new(self.next_packet_no),
            });
        }
        let change = self.center_changes.last().copied();
        let at = told(self.taken);
        self.tell(now, |rows, message| {
            if let Some(change) = change {
                message.push(|packet| packet.center_change(&change));
            }
            rows.iter_mut().for_each(|row| row.tell_limits(at, message));
        });
    }

    /// Another data centre publishes from here on: numbers go on, readers begin again. One that was
    /// silent is not any more.
    pub fn change_center(&mut self, now: MonoNs, utc_origin: UnixNs) {
        self.set_silence(now, utc_origin, Silence::Off);
        self.center_change_no = self.center_change_no.wrapping_add(1);
        self.begin(now);
    }

    /// Another day: all begins again, from packet 1. `next_slice` is the exchange's next one.
    pub fn begin_day(&mut self, now: MonoNs, day: TradingDay, next_slice: u64) {
        self.trading_day = day;
        self.center_changes.clear();
        (self.next_packet_no, self.snap_no, self.first_slice) = (1, 0, next_slice);
        self.sent_count = 0;
        self.rows.iter_mut().for_each(|row| row.begin_day());
        let at = told(self.taken);
        self.tell(now, |rows, message| {
            rows.iter_mut().for_each(|row| row.tell_limits(at, message));
        });
    }

    /// What the exchange says.
    pub fn take(&mut self, now: MonoNs, event: &Event, utc_origin: UnixNs) {
        if self.silence != Silence::Off {
            self.untold.push((now, event.clone()));
            return;
        }
        match event {
            Event::Slice(slice) if self.settings.listings.contains(&slice.listing) => {
                self.changed.push(slice.clone());
            }
            Event::EndOfSlice { number } => {
                let of_day = number.saturating_sub(self.first_slice) + 1;
                self.snap_no = i32::try_from(of_day).unwrap_or(i32::MAX);
                self.taken = utc(utc_origin, now);
                let (at, changed) = (told(self.taken), std::mem::take(&mut self.changed));
                self.tell(now, |rows, message| {
                    for slice in &changed {
                        let mut rows = rows.iter_mut();
                        if let Some(row) = rows.find(|row| row.listing == slice.listing) {
                            row.tell(at, slice, message);
                        }
                    }
                });
            }
            _ => {}
        }
    }

    fn mark(&self, packet_no: i32) -> PacketMark {
        let millis = self.taken.0 / 1_000_000;
        PacketMark {
            topic: self.settings.topic,
            packet_no,
            snap_no: self.snap_no,
            snap_seconds: u32::try_from(millis / 1_000).unwrap_or(u32::MAX),
            snap_millis: u16::try_from(millis % 1_000).expect("a second has 1,000"),
            comm_phase_no: self.trading_day.comm_phase_no,
            center_change_no: self.center_change_no,
        }
    }

    /// Sends what is written as one message; nothing if nothing is.
    fn tell(&mut self, now: MonoNs, write: impl FnOnce(&mut [Row], &mut MessageWriter)) {
        let mark = self.mark(self.next_packet_no);
        let mut message = MessageWriter::new(mark, self.max_packet_bytes);
        write(&mut self.rows, &mut message);
        for packet in message.finish() {
            let topic = self.settings.topic;
            let number = u64::try_from(self.next_packet_no).ok();
            self.lines.send(now, |line| Group { topic, line }, number, &packet);
            let is_kept = packet.len() <= LONGEST_BYTES
                && self.sent.put(self.place(self.next_packet_no), &Packet(packet));
            self.sent_count = if is_kept { self.kept.min(self.sent_count + 1) } else { 0 };
            self.next_packet_no = self.next_packet_no.wrapping_add(1);
            self.last_sent = now;
        }
    }

    /// When silence has lasted long enough for a heartbeat.
    pub fn heartbeat_at(&self, feed: &FeedSettings) -> MonoNs {
        match self.silence {
            Silence::Off | Silence::Frozen => self.last_sent.after(feed.heartbeat),
            Silence::Total => MonoNs::NEVER,
        }
    }

    /// Falls silent, or tells all that has happened in the meantime.
    pub fn set_silence(&mut self, now: MonoNs, utc_origin: UnixNs, silence: Silence) {
        self.silence = silence;
        if silence == Silence::Off && !self.untold.is_empty() {
            for (at, event) in std::mem::take(&mut self.untold) {
                self.take(at, &event, utc_origin);
            }
            self.last_sent = now;
        }
    }

    /// Says that it is there.
    pub fn heartbeat(&mut self, now: MonoNs, feed: &FeedSettings) {
        let says_next = i32::from(feed.heartbeat_says_next);
        let packet = self.mark(self.last_packet_no().wrapping_add(says_next)).heartbeat();
        let topic = self.settings.topic;
        self.lines.send(now, |line| Group { topic, line }, None, &packet);
        self.last_sent = now;
    }

    /// Its lines and what goes wrong on them.
    pub fn lines(&mut self) -> &mut Lines<Group> {
        &mut self.lines
    }

    /// Packets that are sent again at a time from now on.
    pub fn set_most_resent(&mut self, most: i32) {
        self.most_resent = most;
    }

    /// When something that was held up arrives though nothing is sent.
    pub fn held_up_until(&self) -> MonoNs {
        self.lines.next_at()
    }

    /// The next datagram that leaves.
    pub fn take_datagram(&mut self) -> Option<Datagram<Group>> {
        self.lines.take()
    }

    /// All that was told, through the last packet. Other slices than the last are not kept.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            topic: self.settings.topic,
            snap_no: self.snap_no,
            packet_no: self.last_packet_no(),
            trading_day: self.trading_day,
            settlement_group: self.settlement.0.clone(),
            settlement_id: self.settlement.1,
            depth: self.depth,
            taken: self.taken,
            center_changes: self.center_changes.clone(),
            instruments: self.rows.iter().map(Row::snapshot).collect(),
        }
    }

    /// Packets that were sent, from the first through the last.
    pub fn packets(&self, first: i32, last: i32) -> Result<impl Iterator<Item = Vec<u8>>, NotKept> {
        let behind = |number: i32| {
            let distance = i64::from(self.next_packet_no) - i64::from(number);
            i32::try_from(distance).ok().filter(|back| (1..=self.sent_count).contains(back))
        };
        let (Some(from), Some(to)) = (behind(first), behind(last)) else {
            return Err(NotKept::Range);
        };
        if from < to {
            return Err(NotKept::Range);
        }
        if from - to >= self.most_resent {
            return Err(NotKept::TooMany);
        }
        let packet = |number| self.sent.get(self.place(number)).map(|packet| packet.0);
        Ok((first..=last).filter_map(packet))
    }

    /// Where the packet of that number lies.
    fn place(&self, number: i32) -> u64 {
        u64::try_from(number.rem_euclid(self.kept)).unwrap_or(0)
    }

    /// The day that is traded.
    pub fn trading_day(&self) -> TradingDay {
        self.trading_day
    }
}

/// A moment of the exchange in UTC.
pub(super) fn utc(origin: UnixNs, now: MonoNs) -> UnixNs {
    UnixNs(origin.0.wrapping_add(now.0))
}

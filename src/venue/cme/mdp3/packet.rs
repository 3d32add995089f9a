//! The builder: header, messages, groups, each with the lengths that the wire wants.

use super::FutureTerms;
use bytemuck::{Pod, bytes_of, cast_slice};
use xmc_hotpath::venue::cme::mdp3::decode::PriceScale;
use xmc_hotpath::venue::cme::mdp3::layout::{
    AttributeEntry, BookEntry, BookOrderEntry, DailyStatisticsEntry, DefinitionDate,
    DefinitionGuid, EventEntry, FeedTypeEntry, IncrementalRoot, LimitsEntry, LogonRoot, LogoutRoot,
    LotTypeEntry, Mantissa, MatchEvent, MessageFrame, PacketHeader, ResetEntry, ResetRoot,
    SCHEMA_ID, SessionStatisticsEntry, SnapshotEntry, SnapshotRoot, StatusRoot, TradeEntry,
    TradeOrderEntry, U16_NULL, U64_NULL, VolumeEntry,
};
use xmc_hotpath::venue::cme::sbe::{GroupSize, GroupSize8Byte, MessageHeader};
use xmc_hotpath::wire::{I16Le, I32Le, U16Le, U32Le, U64Le};

/// Which of the two generations of templates a builder writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// Schema version 6: templates 32 to 35, 42, 38, 27; prices in 1e-7.
    V6,
    /// Schema version 13: templates 46, 48 to 52, 54; prices in 1e-9.
    V13,
}

impl Generation {
    /// The version in every message header.
    pub const fn version(self) -> u16 {
        match self {
            Self::V6 => 6,
            Self::V13 => 13,
        }
    }

    /// The exponent of all prices.
    pub const fn scale(self) -> PriceScale {
        match self {
            Self::V6 => PriceScale::E7,
            Self::V13 => PriceScale::E9,
        }
    }

    /// A price in units of 1e-9 as it is sent; `None` if version 6 cannot say it exactly.
    pub const fn mantissa(self, price_e9: i64) -> Option<Mantissa> {
        match self {
            Self::V13 => Some(Mantissa::new(price_e9)),
            Self::V6 if price_e9 % 100 == 0 => Some(Mantissa::new(price_e9 / 100)),
            Self::V6 => None,
        }
    }

    /// The template of this generation.
    const fn pick(self, v6: u16, v13: u16) -> u16 {
        match self {
            Self::V6 => v6,
            Self::V13 => v13,
        }
    }
}

/// When an event happened and what a message completes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventMark {
    /// Nanoseconds since 1970-01-01 UTC.
    pub transact_ns: u64,
    /// Tag 5799.
    pub match_event: MatchEvent,
}

impl EventMark {
    /// A message that completes its event.
    pub const fn end(transact_ns: u64) -> Self {
        Self { transact_ns, match_event: MatchEvent::END_OF_EVENT }
    }

    fn root(self) -> IncrementalRoot {
        IncrementalRoot {
            transact_ns: U64Le::new(self.transact_ns),
            match_event: self.match_event,
            pad: [0; 2],
        }
    }
}

/// A packet under construction: the header, then messages in the order they are added.
#[derive(Clone, Debug)]
pub struct PacketBuilder {
    bytes: Vec<u8>,
    generation: Generation,
}

impl PacketBuilder {
    /// A packet with that number and sending time, and no message yet.
    pub fn new(generation: Generation, seq_no: u32, sent_ns: u64) -> Self {
        let header = PacketHeader { seq_no: U32Le::new(seq_no), sent_ns: U64Le::new(sent_ns) };
        Self { bytes: bytes_of(&header).to_vec(), generation }
    }

    /// Bytes so far.
    #[expect(clippy::len_without_is_empty, reason = "a packet has a header from the start")]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The packet.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }

    /// Template 46 or 32: level changes and the orders behind them (which version 6 cannot say).
    ///
    /// # Panics
    /// If a group has more than 255 entries, or orders are given to version 6.
    pub fn book(
        mut self,
        mark: EventMark,
        changes: &[BookEntry],
        orders: &[BookOrderEntry],
    ) -> Self {
        let mut entries = changes.to_vec();
        let mut body = Body::new(&mark.root());
        if self.generation == Generation::V6 {
            assert!(orders.is_empty(), "version 6 sends no orders with a book update");
            entries.iter_mut().for_each(|entry| entry.tradeable_lots = I32Le::new(0));
            body.group(&entries);
        } else {
            body.group(&entries);
            body.group_8byte(orders);
        }
        self.message(self.generation.pick(32, 46), body);
        self
    }

    /// Template 48 or 42: trades and the orders that took part.
    ///
    /// # Panics
    /// If a group has more than 255 entries.
    pub fn trades(
        mut self,
        mark: EventMark,
        trades: &[TradeEntry],
        orders: &[TradeOrderEntry],
    ) -> Self {
        let mut entries = trades.to_vec();
        if self.generation == Generation::V6 {
            entries.iter_mut().for_each(|entry| entry.trade_id = U32Le::new(0));
        }
        let mut body = Body::new(&mark.root());
        body.group(&entries);
        body.group_8byte(orders);
        self.message(self.generation.pick(42, 48), body);
        self
    }

    /// Template 37: volumes of the session.
    ///
    /// # Panics
    /// If there are more than 255 entries.
    pub fn volumes(mut self, mark: EventMark, entries: &[VolumeEntry]) -> Self {
        let mut body = Body::new(&mark.root());
        body.group(entries);
        self.message(37, body);
        self
    }

    /// Template 51 or 35: statistics of the session.
    ///
    /// # Panics
    /// If there are more than 255 entries.
    pub fn session_statistics(
        mut self,
        mark: EventMark,
        statistics: &[SessionStatisticsEntry],
    ) -> Self {
        let mut entries = statistics.to_vec();
        if self.generation == Generation::V6 {
            entries.iter_mut().for_each(|entry| entry.size_lots = I32Le::new(0));
        }
        let mut body = Body::new(&mark.root());
        body.group(&entries);
        self.message(self.generation.pick(35, 51), body);
        self
    }

    /// Template 49 or 33: statistics of the day.
    ///
    /// # Panics
    /// If there are more than 255 entries.
    pub fn daily_statistics(mut self, mark: EventMark, entries: &[DailyStatisticsEntry]) -> Self {
        let mut body = Body::new(&mark.root());
        body.group(entries);
        self.message(self.generation.pick(33, 49), body);
        self
    }

    /// Template 50 or 34: limits and bands.
    ///
    /// # Panics
    /// If there are more than 255 entries.
    pub fn limits(mut self, mark: EventMark, entries: &[LimitsEntry]) -> Self {
        let mut body = Body::new(&mark.root());
        body.group(entries);
        self.message(self.generation.pick(34, 50), body);
        self
    }

    /// Template 4: the channel is void.
    pub fn reset(mut self, mark: EventMark, channel: i16) -> Self {
        let root =
            ResetRoot { transact_ns: U64Le::new(mark.transact_ns), match_event: mark.match_event };
        let mut body = Body::new(&root);
        body.group(&[ResetEntry { channel: I16Le::new(channel) }]);
        self.message(4, body);
        self
    }

    /// Template 12: nothing to say.
    pub fn heartbeat(mut self) -> Self {
        self.message(12, Body::EMPTY);
        self
    }

    /// Template 15: a connection of the TCP replay is let in.
    pub fn logon(mut self, heartbeat_s: i8) -> Self {
        self.message(15, Body::new(&LogonRoot { heartbeat_s }));
        self
    }

    /// Template 16: the TCP replay ends, and why; what does not fit of a text is cut.
    pub fn logout(mut self, text: &str) -> Self {
        let mut root = LogoutRoot { text: [0; 180] };
        for (to, from) in root.text.iter_mut().zip(text.bytes()) {
            *to = from;
        }
        self.message(16, Body::new(&root));
        self
    }

    /// Template 30: trading status.
    pub fn status(mut self, status: &StatusRoot) -> Self {
        self.message(30, Body::new(status));
        self
    }

    /// Template 52 or 38: the state of one instrument.
    ///
    /// # Panics
    /// If there are more than 255 entries.
    pub fn snapshot(mut self, root: &SnapshotRoot, entries: &[SnapshotEntry]) -> Self {
        let mut body = Body::new(root);
        body.group(entries);
        self.message(self.generation.pick(38, 52), body);
        self
    }

    /// Template 54 or 27: the definition of a future.
    ///
    /// # Panics
    /// If a text does not fit its field.
    pub fn future(mut self, terms: &FutureTerms<'_>) -> Self {
        let mut body = Body::new(&terms.root());
        body.extend_root(&DefinitionDate { reference_date: U16Le::new(U16_NULL) });
        if self.generation == Generation::V13 {
            body.extend_root(&DefinitionGuid { guid: U64Le::new(U64_NULL) });
        }
        let (from_ns, until_ns) = terms.active_ns;
        body.group(&[
            EventEntry { kind: ACTIVATION, at_ns: U64Le::new(from_ns) },
            EventEntry { kind: LAST_TRADE, at_ns: U64Le::new(until_ns) },
        ]);
        let (real, implied) = terms.depths;
        let mut books = vec![FeedTypeEntry { feed_type: *b"GBX", depth: real }];
        books.extend(implied.map(|depth| FeedTypeEntry { feed_type: *b"GBI", depth }));
        body.group(&books);
        body.group::<AttributeEntry>(&[]);
        body.group::<LotTypeEntry>(&[]);
        self.message(self.generation.pick(27, 54), body);
        self
    }

    fn message(&mut self, template_id: u16, body: Body) {
        let size = size_of::<MessageFrame>() + body.bytes.len();
        let frame = MessageFrame {
            size: U16Le::new(u16::try_from(size).expect("a message is below 65,536 bytes")),
            sbe: MessageHeader {
                block_len: U16Le::new(body.root_len),
                template_id: U16Le::new(template_id),
                schema_id: U16Le::new(SCHEMA_ID),
                version: U16Le::new(self.generation.version()),
            },
        };
        self.bytes.extend_from_slice(bytes_of(&frame));
        self.bytes.extend_from_slice(&body.bytes);
    }
}

/// Tag 865: activation.
const ACTIVATION: u8 = 5;
/// Tag 865: last eligible trade date.
const LAST_TRADE: u8 = 7;

/// What follows a message's header.
struct Body {
    root_len: u16,
    bytes: Vec<u8>,
}

impl Body {
    const EMPTY: Self = Self { root_len: 0, bytes: Vec::new() };

    fn new<T: Pod>(root: &T) -> Self {
        let mut body = Self::EMPTY;
        body.extend_root(root);
        body
    }

    /// Appends what a newer version added to the root block.
    fn extend_root<T: Pod>(&mut self, part: &T) {
        self.bytes.extend_from_slice(bytes_of(part));
        self.root_len =
            u16::try_from(self.bytes.len()).expect("a root block is below 65,536 bytes");
    }

    fn group<T: Pod>(&mut self, entries: &[T]) {
        let size = GroupSize { block_len: U16Le::new(len_of::<T>()), count: count(entries) };
        self.bytes.extend_from_slice(bytes_of(&size));
        self.bytes.extend_from_slice(cast_slice(entries));
    }

    fn group_8byte<T: Pod>(&mut self, entries: &[T]) {
        let (block_len, count) = (U16Le::new(len_of::<T>()), count(entries));
        let size = GroupSize8Byte { block_len, pad: [0; 5], count };
        self.bytes.extend_from_slice(bytes_of(&size));
        self.bytes.extend_from_slice(cast_slice(entries));
    }
}

fn len_of<T>() -> u16 {
    u16::try_from(size_of::<T>()).expect("an entry is below 65,536 bytes")
}

fn count<T>(entries: &[T]) -> u8 {
    u8::try_from(entries.len()).expect("a group has at most 255 entries")
}

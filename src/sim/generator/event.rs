//! One event as the messages that tell it, and how they are spread over packets.

use super::MAX_PACKET_BYTES;
use crate::venue::cme::mdp3::{EventMark, PacketBuilder};
use xmc_hotpath::venue::cme::mdp3::layout::{
    BookEntry, IncrementalRoot, MatchEvent, MessageFrame, PacketHeader, SessionStatisticsEntry,
    TradeEntry, TradeOrderEntry, VolumeEntry,
};
use xmc_hotpath::venue::cme::sbe::{GroupSize, GroupSize8Byte};

/// Book entries of one message: so many fill a packet.
const MAX_ENTRIES: usize = 42;

/// Bytes of a message without entries.
const EMPTY_BYTES: usize = size_of::<MessageFrame>()
    + size_of::<IncrementalRoot>()
    + size_of::<GroupSize>()
    + size_of::<GroupSize8Byte>();

/// What one event says of one or more instruments, by message, in the order of their numbers.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub trades: Vec<TradeEntry>,
    pub trade_orders: Vec<TradeOrderEntry>,
    pub volumes: Vec<VolumeEntry>,
    pub outright: Vec<BookEntry>,
    pub statistics: Vec<SessionStatisticsEntry>,
    pub implied: Vec<BookEntry>,
}

impl Told {
    /// Nothing is told any more.
    pub fn clear(&mut self) {
        self.trades.clear();
        self.trade_orders.clear();
        self.volumes.clear();
        self.outright.clear();
        self.statistics.clear();
        self.implied.clear();
    }

    /// The messages, each with what it completes of the event.
    ///
    /// The last one tells of implied quotes, and is sent empty if there is nothing to say: so does
    /// the exchange.
    pub fn messages(&self) -> Vec<(Message<'_>, MatchEvent)> {
        let mut messages = Vec::new();
        if !self.trades.is_empty() {
            messages.push(Message::Trades(&self.trades, &self.trade_orders));
        }
        if !self.volumes.is_empty() {
            messages.push(Message::Volumes(&self.volumes));
        }
        messages.extend(self.outright.chunks(MAX_ENTRIES).map(Message::Outright));
        if !self.statistics.is_empty() {
            messages.push(Message::Statistics(&self.statistics));
        }
        match self.implied.is_empty() {
            true => messages.push(Message::Implied(&[])),
            false => messages.extend(self.implied.chunks(MAX_ENTRIES).map(Message::Implied)),
        }
        let next = messages[1..].iter().map(|next| Some(next.completes())).chain([None]);
        let marks: Vec<_> = messages
            .iter()
            .zip(next)
            .map(|(message, next)| match next {
                None => message.completes().and(MatchEvent::END_OF_EVENT),
                Some(next) if next == message.completes() => MatchEvent(0),
                Some(_) => message.completes(),
            })
            .collect();
        messages.into_iter().zip(marks).collect()
    }
}

/// One message of an event.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Message<'a> {
    Trades(&'a [TradeEntry], &'a [TradeOrderEntry]),
    Volumes(&'a [VolumeEntry]),
    Outright(&'a [BookEntry]),
    Statistics(&'a [SessionStatisticsEntry]),
    Implied(&'a [BookEntry]),
}

impl Message<'_> {
    /// The bit of tag 5799 of the last message of its kind.
    fn completes(&self) -> MatchEvent {
        match self {
            Self::Trades(..) => MatchEvent::LAST_TRADE,
            Self::Volumes(_) => MatchEvent::LAST_VOLUME,
            Self::Outright(_) => MatchEvent::LAST_QUOTE,
            Self::Statistics(_) => MatchEvent::LAST_STATISTICS,
            Self::Implied(_) => MatchEvent::LAST_IMPLIED,
        }
    }

    /// Its length at most.
    fn bytes(&self) -> usize {
        EMPTY_BYTES
            + match self {
                Self::Trades(trades, orders) => size_of_val(*trades) + size_of_val(*orders),
                Self::Volumes(volumes) => size_of_val(*volumes),
                Self::Outright(entries) | Self::Implied(entries) => size_of_val(*entries),
                Self::Statistics(entries) => size_of_val(*entries),
            }
    }

    /// Appends it to a packet.
    pub fn write(&self, packet: PacketBuilder, mark: EventMark) -> PacketBuilder {
        match self {
            Self::Trades(trades, orders) => packet.trades(mark, trades, orders),
            Self::Volumes(volumes) => packet.volumes(mark, volumes),
            Self::Outright(entries) | Self::Implied(entries) => packet.book(mark, entries, &[]),
            Self::Statistics(entries) => packet.session_statistics(mark, entries),
        }
    }
}

/// Messages by packet: as many as fit, but trades travel alone, ahead of what they did to the
/// book, as the exchange sends them.
pub(crate) fn packets<'m, 'a>(
    messages: &'m [(Message<'a>, MatchEvent)],
) -> impl Iterator<Item = &'m [(Message<'a>, MatchEvent)]> {
    let header = size_of::<PacketHeader>();
    let mut len = 0;
    messages.chunk_by(move |(left, _), (right, _)| {
        if len == 0 {
            len = header + left.bytes();
        }
        let longer = len + right.bytes();
        let fits = longer <= MAX_PACKET_BYTES && !matches!(left, Message::Trades(..));
        len = if fits { longer } else { header + right.bytes() };
        fits
    })
}

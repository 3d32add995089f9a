//! Any entry in one shape: the raw columns of group 268, for inspection and for tests.
//!
//! A column that the template (in the sender's version) does not have is `None`; one that it has
//! but that the sender left empty holds the raw null value. Called by the command that shows
//! captures; the hot path reads the layouts themselves.

use super::decode::{Incremental, Message, SessionStatistics};
use super::layout::{
    BookEntry, DailyStatisticsEntry, EntryKind, LimitsEntry, Mantissa, OrderBookEntry,
    OrderSnapshotEntry, ResetEntry, SessionStatisticsEntry, SingleTradeEntry, SnapshotEntry,
    SnapshotRoot, TradeEntry, VolumeEntry,
};
use crate::venue::cme::sbe::Entries;

/// The columns of one entry, raw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EntryView {
    /// Tag 48; of the root block in a snapshot.
    pub security_id: Option<i32>,
    /// Tag 83; of the root block in a snapshot.
    pub rpt_seq: Option<u32>,
    /// Tag 270, mantissa.
    pub price_mantissa: Option<i64>,
    /// Exponent of that mantissa; `None` if there is no price column.
    pub price_exponent: Option<i8>,
    /// Tag 271, or 37706 for single orders: contracts.
    pub size_lots: Option<i32>,
    /// Tag 346.
    pub order_count: Option<i32>,
    /// Tag 1023.
    pub level: Option<u8>,
    /// Tag 279, the constant included where the template fixes it.
    pub action: Option<u8>,
    /// Tag 269, the constant included where the template fixes it.
    pub kind: Option<u8>,
    /// Tag 5797.
    pub aggressor: Option<u8>,
    /// Tag 286.
    pub open_close_settle: Option<u8>,
}

/// The constant tag 279 of resets and limits.
const ACTION_NEW: u8 = 0;

impl<'a> Message<'a> {
    /// The entries of group 268 in one shape; none for a message without that group.
    pub fn entry_views(&self) -> EntryViews<'a> {
        match *self {
            Self::Book(message) => EntryViews::Book(message),
            Self::Trade(message) => EntryViews::Trade(message),
            Self::SingleTrade(message) => EntryViews::SingleTrade(message),
            Self::Volume(message) => EntryViews::Volume(message.entries),
            Self::SessionStatistics(message) => EntryViews::SessionStatistics(message),
            Self::DailyStatistics(message) => EntryViews::DailyStatistics(message),
            Self::Limits(message) => EntryViews::Limits(message.entries),
            Self::OrderBook(message) => EntryViews::OrderBook(message),
            Self::Reset(message) => EntryViews::Reset(message.entries),
            Self::Snapshot(message) => {
                EntryViews::Snapshot(message.root, message.entries, message.scale.exponent())
            }
            Self::OrderSnapshot(message) => EntryViews::OrderSnapshot(
                message.root.security_id.get(),
                message.entries,
                message.scale.exponent(),
            ),
            Self::Heartbeat
            | Self::Logon(_)
            | Self::Logout(_)
            | Self::Status(_)
            | Self::QuoteRequest(_)
            | Self::Future(_)
            | Self::Option(_)
            | Self::Spread(_)
            | Self::Skipped { .. } => EntryViews::None,
        }
    }
}

/// The entries of one message, as views.
#[derive(Clone, Copy, Debug)]
pub enum EntryViews<'a> {
    /// No group 268.
    None,
    /// 46, 32.
    Book(Incremental<'a, BookEntry>),
    /// 48, 42.
    Trade(Incremental<'a, TradeEntry>),
    /// 36.
    SingleTrade(Incremental<'a, SingleTradeEntry>),
    /// 37.
    Volume(Entries<'a, VolumeEntry>),
    /// 51, 35.
    SessionStatistics(SessionStatistics<'a>),
    /// 49, 33.
    DailyStatistics(Incremental<'a, DailyStatisticsEntry>),
    /// 50, 34.
    Limits(Entries<'a, LimitsEntry>),
    /// 47, 43.
    OrderBook(Incremental<'a, OrderBookEntry>),
    /// 4.
    Reset(Entries<'a, ResetEntry>),
    /// 52, 38.
    Snapshot(&'a SnapshotRoot, Entries<'a, SnapshotEntry>, i8),
    /// 53, 44, with the instrument of the root block.
    OrderSnapshot(i32, Entries<'a, OrderSnapshotEntry>, i8),
}

impl Iterator for EntryViews<'_> {
    type Item = EntryView;

    fn next(&mut self) -> Option<EntryView> {
        match self {
            Self::None => None,
            Self::Book(m) => Some(book(m.entries.next()?, m.scale.exponent())),
            Self::Trade(m) => Some(trade(m.entries.next()?, m.scale.exponent())),
            Self::SingleTrade(m) => Some(single_trade(m.entries.next()?, m.scale.exponent())),
            Self::Volume(entries) => Some(volume(entries.next()?)),
            Self::SessionStatistics(m) => {
                let entry = m.entries.next()?;
                Some(session_statistics(entry, m.scale.exponent(), m.has_size()))
            }
            Self::DailyStatistics(m) => {
                Some(daily_statistics(m.entries.next()?, m.scale.exponent()))
            }
            Self::Limits(entries) => Some(limits(entries.next()?)),
            Self::OrderBook(m) => Some(order_book(m.entries.next()?, m.scale.exponent())),
            Self::Reset(entries) => entries.next().map(|_| reset()),
            Self::Snapshot(root, entries, exponent) => {
                Some(snapshot(root, entries.next()?, *exponent))
            }
            Self::OrderSnapshot(security_id, entries, exponent) => {
                Some(order_snapshot(*security_id, entries.next()?, *exponent))
            }
        }
    }
}

/// A view with nothing but a price.
fn priced(price: Mantissa, exponent: i8) -> EntryView {
    EntryView {
        price_mantissa: Some(price.get()),
        price_exponent: Some(exponent),
        ..EntryView::default()
    }
}

fn book(entry: &BookEntry, exponent: i8) -> EntryView {
    EntryView {
        security_id: Some(entry.security_id.get()),
        rpt_seq: Some(entry.rpt_seq.get()),
        size_lots: Some(entry.size_lots.get()),
        order_count: Some(entry.order_count.get()),
        level: Some(entry.level),
        action: Some(entry.action),
        kind: Some(entry.kind),
        ..priced(entry.price, exponent)
    }
}

fn trade(entry: &TradeEntry, exponent: i8) -> EntryView {
    EntryView {
        security_id: Some(entry.security_id.get()),
        rpt_seq: Some(entry.rpt_seq.get()),
        size_lots: Some(entry.size_lots.get()),
        order_count: Some(entry.order_count.get()),
        action: Some(entry.action),
        kind: Some(EntryKind::Trade.to_wire()),
        aggressor: Some(entry.aggressor),
        ..priced(entry.price, exponent)
    }
}

fn single_trade(entry: &SingleTradeEntry, exponent: i8) -> EntryView {
    EntryView {
        security_id: Some(entry.security_id.get()),
        rpt_seq: Some(entry.rpt_seq.get()),
        size_lots: Some(entry.size_lots.get()),
        order_count: Some(entry.order_count.get()),
        action: Some(entry.action),
        kind: Some(EntryKind::Trade.to_wire()),
        aggressor: Some(entry.aggressor),
        ..priced(entry.price, exponent)
    }
}

fn volume(entry: &VolumeEntry) -> EntryView {
    EntryView {
        security_id: Some(entry.security_id.get()),
        rpt_seq: Some(entry.rpt_seq.get()),
        size_lots: Some(entry.size_lots.get()),
        action: Some(entry.action),
        kind: Some(EntryKind::ElectronicVolume.to_wire()),
        ..EntryView::default()
    }
}

fn session_statistics(entry: &SessionStatisticsEntry, exponent: i8, has_size: bool) -> EntryView {
    EntryView {
        security_id: Some(entry.security_id.get()),
        rpt_seq: Some(entry.rpt_seq.get()),
        size_lots: has_size.then_some(entry.size_lots.get()),
        action: Some(entry.action),
        kind: Some(entry.kind),
        open_close_settle: Some(entry.open_close_settle),
        ..priced(entry.price, exponent)
    }
}

fn daily_statistics(entry: &DailyStatisticsEntry, exponent: i8) -> EntryView {
    EntryView {
        security_id: Some(entry.security_id.get()),
        rpt_seq: Some(entry.rpt_seq.get()),
        size_lots: Some(entry.size_lots.get()),
        action: Some(entry.action),
        kind: Some(entry.kind),
        ..priced(entry.price, exponent)
    }
}

/// Limits have three prices and no tag 270.
fn limits(entry: &LimitsEntry) -> EntryView {
    EntryView {
        security_id: Some(entry.security_id.get()),
        rpt_seq: Some(entry.rpt_seq.get()),
        action: Some(ACTION_NEW),
        kind: Some(EntryKind::Limits.to_wire()),
        ..EntryView::default()
    }
}

fn order_book(entry: &OrderBookEntry, exponent: i8) -> EntryView {
    EntryView {
        security_id: Some(entry.security_id.get()),
        size_lots: Some(entry.display_lots.get()),
        action: Some(entry.action),
        kind: Some(entry.kind),
        ..priced(entry.price, exponent)
    }
}

fn reset() -> EntryView {
    EntryView {
        action: Some(ACTION_NEW),
        kind: Some(EntryKind::BookReset.to_wire()),
        ..EntryView::default()
    }
}

fn snapshot(root: &SnapshotRoot, entry: &SnapshotEntry, exponent: i8) -> EntryView {
    EntryView {
        security_id: Some(root.security_id.get()),
        rpt_seq: Some(root.rpt_seq.get()),
        size_lots: Some(entry.size_lots.get()),
        order_count: Some(entry.order_count.get()),
        level: Some(entry.level.cast_unsigned()),
        kind: Some(entry.kind),
        open_close_settle: Some(entry.open_close_settle),
        ..priced(entry.price, exponent)
    }
}

fn order_snapshot(security_id: i32, entry: &OrderSnapshotEntry, exponent: i8) -> EntryView {
    EntryView {
        security_id: Some(security_id),
        size_lots: Some(entry.display_lots.get()),
        kind: Some(entry.kind),
        ..priced(entry.price, exponent)
    }
}

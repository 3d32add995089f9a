//! A snapshot into a feed: codecs, books, the day and the packet from which it goes on.
//!
//! For the cold side, before the stage starts or while it owns the feed. What the multicast brought
//! meanwhile is given to the feed afterwards, in order: it drops what the snapshot includes.

use super::contract::{Contract, ContractState};
use super::snapshot::{Snapshot, SnapshotInstrument, SnapshotLevel};
use thiserror::Error;
use xmc_hotpath::book::{
    Action, BookSide, Change, Day, DayLots, PriceLimits, Row, Settlement, Traded,
};
use xmc_hotpath::feed::{Feed, SeqNo};
use xmc_hotpath::message::InstrumentIndex;
use xmc_hotpath::time::MonoNs;
use xmc_hotpath::venue::shfe::smdp::feed::{PriceCodec, Sequence, Smdp};

/// Why a snapshot does not go into a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SeedError {
    /// The feed is of another topic.
    #[error("snapshot of topic {topic} for a feed of topic {feed}")]
    Topic {
        /// The snapshot's.
        topic: i16,
        /// The feed's.
        feed: i16,
    },
    /// The feed has too little room.
    #[error("instrument {instrument_no} has no room: the feed keeps {capacity} instruments")]
    Full {
        /// The venue's number of the first instrument without room.
        instrument_no: i32,
        /// What the feed was made for.
        capacity: usize,
    },
    /// A book refuses a level.
    #[error("instrument {instrument_no}: level {level} does not fit in its book")]
    Level {
        /// The venue's number.
        instrument_no: i32,
        /// Which level.
        level: usize,
    },
}

impl Snapshot {
    /// Fills `feed` and makes it live from this snapshot on. `index_of` says which row of the
    /// desk's table a contract has; those without one are followed and not quoted.
    ///
    /// # Errors
    /// See `SeedError`: no book of the feed is believed then.
    pub fn seed(
        &self,
        feed: &mut Feed<'_, Smdp<'_>>,
        index_of: impl FnMut(&Contract) -> Option<InstrumentIndex>,
        now: MonoNs,
    ) -> Result<(), SeedError> {
        let outcome = self.fill(feed, index_of);
        match outcome {
            Ok(()) => feed.begin_after(SeqNo(self.packet_no.cast_unsigned()), self.taken, now),
            Err(_) => feed.channel_mut().over(),
        }
        outcome
    }

    fn fill(
        &self,
        feed: &mut Feed<'_, Smdp<'_>>,
        mut index_of: impl FnMut(&Contract) -> Option<InstrumentIndex>,
    ) -> Result<(), SeedError> {
        let topic = feed.protocol_mut().topic();
        if topic != self.topic {
            return Err(SeedError::Topic { topic: self.topic, feed: topic });
        }
        feed.protocol_mut().follow(Sequence {
            comm_phase_no: Some(self.trading_day.comm_phase_no),
            center_change_no: self.center_change_no(),
        });
        // Numbers of instruments may mean others than those that the feed knew.
        feed.channel_mut().books_mut().clear();
        let rows = self.instruments.iter().map(|one| (one, index_of(&one.contract)));
        let (wanted, others): (Vec<_>, Vec<_>) = rows.partition(|(_, index)| index.is_some());
        // What is traded has room before what is only followed.
        for (instrument, index) in wanted.into_iter().chain(others) {
            let contract = &instrument.contract;
            let instrument_no = contract.instrument_no;
            let books = feed.channel_mut().books_mut();
            let full = SeedError::Full { instrument_no, capacity: books.capacity() };
            let row = books.add(instrument_no, index);
            let codec =
                PriceCodec { codec_price_e9: contract.codec_price_e9, tick_e9: contract.tick_e9 };
            let Some(row) = row.filter(|row| feed.protocol_mut().set_codec(*row, codec)) else {
                if index.is_some() {
                    return Err(full);
                }
                continue;
            };
            put_levels(feed, row, self.depth, instrument)?;
            let day = instrument.state.as_ref().map(day);
            if let Some((place, day)) = feed.channel_mut().books_mut().day_mut(row).zip(day) {
                *place = day;
            }
        }
        Ok(())
    }
}

/// The day as a snapshot tells it. Before the day's settlement that of the day before holds.
fn day(state: &ContractState) -> Day {
    let [high_e9, low_e9, open_e9, _, settlement_e9] = state.day_e9;
    let traded = |price_e9| Traded { price_e9, lots: None, aggressor: None, trade_id: None };
    let settled = |price_e9| Settlement { price_e9, is_final: true, is_intraday: false, day: None };
    let interest = state.open_interest;
    let is_count = (0.0..=f64::from(u32::MAX)).contains(&interest);
    Day {
        last: state.last_e9.map(traded),
        volume_lots: u32::try_from(state.volume_lots).ok(),
        open_e9,
        high_e9,
        low_e9,
        settlement: settlement_e9.or(state.pre_settlement_e9).map(settled),
        open_interest: is_count.then_some(DayLots { lots: interest as u32, day: None }),
        limits: PriceLimits {
            high_e9: state.upper_limit_e9,
            low_e9: state.lower_limit_e9,
            max_variation_e9: None,
        },
        ..Day::UNKNOWN
    }
}

fn put_levels(
    feed: &mut Feed<'_, Smdp<'_>>,
    row: Row,
    depth: u8,
    instrument: &SnapshotInstrument,
) -> Result<(), SeedError> {
    let Some(book) = feed.channel_mut().books_mut().get_mut(row) else { return Ok(()) };
    book.set_depth(depth, 0);
    let mut put = |side: BookSide, levels: &[SnapshotLevel]| {
        levels.iter().zip(1_u8..).try_for_each(|(told, level)| {
            let change = Change {
                action: Action::Insert,
                level,
                price_e9: Some(told.price_e9),
                lots: told.lots,
                orders: 0,
            };
            book.apply(side, &change).map_err(|_| SeedError::Level {
                instrument_no: instrument.contract.instrument_no,
                level: usize::from(level),
            })
        })
    };
    put(BookSide::Bid, &instrument.bids)?;
    put(BookSide::Ask, &instrument.asks)
}

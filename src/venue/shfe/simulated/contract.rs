//! What the simulated venue publishes: its topics and the identity of each of the exchange's
//! instruments in them.
//!
//! Numbers of topics and instruments are made up. Offsets of prices count from the last settlement,
//! as the vectors of the specification have it.

use crate::sim::exchange::{Listing, ListingIndex};
use crate::venue::lines::FeedFaults;
use crate::venue::shfe::smdp::contract::Contract;
use crate::venue::shfe::smdp::day::{TradingDay, told};
use xmc_hotpath::time::{Span, UnixNs};
use xmc_hotpath::venue::shfe::smdp::layout::HEARTBEAT_EVERY;

/// One topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSettings {
    /// Its number.
    pub topic: i16,
    /// What it carries; the place in the list is the instrument's number in the topic.
    pub listings: Vec<ListingIndex>,
}

/// How the venue tells the public.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedSettings {
    /// What there is; every instrument is in one of them.
    pub topics: Vec<TopicSettings>,
    /// The day that is traded.
    pub trading_day: TradingDay,
    /// Settlement group and the number of its settlement.
    pub settlement: (String, i32),
    /// The number of each topic's first packet: 1 on a new day; after a restart, beyond every
    /// number that may have been used before on that day.
    pub first_packet_no: i32,
    /// Which data centre publishes: 0 on a new day, another one after a restart, so that whoever
    /// has listened takes a new snapshot.
    pub center_change_no: i8,
    /// Silence after which a topic says that it is there.
    pub heartbeat: Span,
    /// Whether a heartbeat has the number of the next packet instead of the last one's. UNPROVEN
    /// which of the two the exchange means.
    pub heartbeat_says_next: bool,
    /// A packet is no longer than this.
    pub max_packet_bytes: usize,
    /// Packets of each topic that are kept for whoever has missed them.
    pub kept_packets: usize,
    /// Packets that are sent again at a time, at most; 0: none ever are.
    pub most_resent: i32,
    /// The exchange's nanosecond zero in UTC.
    pub utc_origin: UnixNs,
    /// What goes wrong with the feed.
    pub faults: FeedFaults,
}

impl FeedSettings {
    /// One topic with the first `listings` instruments, at the beginning of the day that holds when
    /// the exchange's time is 0.
    ///
    /// # Panics
    /// If these are more than there can be.
    #[must_use]
    pub fn new(listings: usize, utc_origin: UnixNs) -> Self {
        let count = u16::try_from(listings).expect("instruments are few");
        let topic =
            TopicSettings { topic: 1_001, listings: (0..count).map(ListingIndex).collect() };
        Self {
            topics: vec![topic],
            trading_day: trading_day(utc_origin),
            settlement: ("00000001".to_owned(), 1),
            first_packet_no: 1,
            center_change_no: 0,
            heartbeat: HEARTBEAT_EVERY,
            heartbeat_says_next: false,
            max_packet_bytes: 1_400,
            kept_packets: 20_000,
            most_resent: 4_096,
            utc_origin,
            faults: FeedFaults::default(),
        }
    }
}

/// The day that a moment belongs to: from 20:00 in China on, the next one.
///
/// Simplified: weekends and holidays are traded like other days.
#[must_use]
pub fn trading_day(moment: UnixNs) -> TradingDay {
    const FOUR_HOURS_NS: u64 = 4 * 3_600 * 1_000_000_000;
    let (day, ..) = told(UnixNs(moment.0.saturating_add(FOUR_HOURS_NS)));
    TradingDay::read(&day).expect("a day that was told can be read")
}

/// The contract of an instrument as a snapshot tells it.
///
/// # Panics
/// If there are more units in a lot than can be told.
pub(super) fn contract(listing: &Listing, instrument_no: i32) -> Contract {
    let product = listing.symbol.trim_end_matches(|letter: char| letter.is_ascii_digit());
    Contract {
        instrument_id: listing.symbol.clone(),
        underlying_id: product.to_owned(),
        product_class: FUTURE,
        strike_e9: None,
        options_type: NO_OPTION,
        volume_multiple: i32::try_from(listing.multiplier).expect("a lot is no larger"),
        underlying_multiple_e9: Some(1_000_000_000),
        is_trading: true,
        currency: "CNY".to_owned(),
        tick_e9: listing.tick_e9,
        codec_price_e9: listing.reference_e9,
        instrument_no,
    }
}

/// As the vector has it.
const FUTURE: u8 = b'1';
/// As the vector has it.
const NO_OPTION: u8 = b'0';

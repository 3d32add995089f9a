//! What the simulated CME lists: the identity of each of the exchange's instruments in market data
//! and order entry, and the settings of its channel.
//!
//! Ids are made up. Prices are sent as the exchange has them, in units of 1e-9 of the quoted unit:
//! the display factor is 1 for all (CME's own differ, and the engine takes them from its
//! configuration).

use crate::sim::exchange::flow::Product;
use crate::venue::lines::FeedFaults;
use xmc_hotpath::time::{Span, UnixNs};

/// One future, by `ListingIndex` of the exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contract {
    /// Tag 48 `SecurityID`.
    pub security_id: i32,
    /// Tag 207 `SecurityExchange`, up to 4 characters.
    pub exchange: String,
    /// Tags 1151 `SecurityGroup` and 6937 `Asset`, up to 6 characters.
    pub asset: String,
    /// Tag 15 `Currency`, ISO 4217.
    pub currency: String,
    /// Year and month.
    pub maturity: (u16, u8),
}

impl Contract {
    /// Copper, gold, the yuan and oil, as `sim::exchange::Settings::cme` lists them.
    ///
    /// UNPROVEN, from memory: that the yuan is quoted in offshore yuan.
    #[must_use]
    pub fn cme(maturity: (u16, u8)) -> Vec<Self> {
        let contract = |security_id, exchange: &str, product: Product, currency: &str| Self {
            security_id,
            exchange: exchange.to_owned(),
            asset: product.code().to_owned(),
            currency: currency.to_owned(),
            maturity,
        };
        vec![
            contract(5_001, "XCEC", Product::Hg, "USD"),
            contract(5_002, "XCEC", Product::Gc, "USD"),
            contract(5_003, "XCME", Product::Cnh, "CNH"),
            contract(5_004, "XNYM", Product::Cl, "USD"),
        ]
    }
}

/// One channel of market data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelSettings {
    /// Tag 1180 `ApplID`: its number.
    pub channel: i16,
    /// Tag 1300 `MarketSegmentID`.
    pub market_segment: u8,
    /// What it carries, by `ListingIndex`.
    pub contracts: Vec<Contract>,
    /// The number of its first packet: 1 in a new week; after a restart, beyond every number that
    /// may have been used before.
    pub first_seq_no: u32,
    /// Silence after which it says that it is there.
    pub heartbeat: Span,
    /// From one loop of definitions to the next.
    pub definitions: Span,
    /// From one loop of snapshots to the next.
    pub snapshots: Span,
    /// The exchange's nanosecond zero in UTC.
    pub utc_origin: UnixNs,
    /// What goes wrong with the feed.
    pub faults: FeedFaults,
}

impl ChannelSettings {
    /// A channel of a new week. CME's heartbeats are further apart; these come before an engine of
    /// `config/` takes a quiet channel for a stale one.
    #[must_use]
    pub fn new(contracts: Vec<Contract>, utc_origin: UnixNs) -> Self {
        Self {
            channel: 360,
            market_segment: 70,
            contracts,
            first_seq_no: 1,
            heartbeat: Span(500_000_000),
            definitions: Span(1_000_000_000),
            snapshots: Span(250_000_000),
            utc_origin,
            faults: FeedFaults::default(),
        }
    }
}

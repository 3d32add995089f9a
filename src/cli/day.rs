//! What is known of an instrument's day, for a person: the same words in every command.
//!
//! Called by `inspect --statistics` and `feeds --config`.

use crate::config::decimal::show_e9;
use serde::Serialize;
use xmc_hotpath::book::Day;

/// What is shown of a day, in this order.
pub const COLUMNS: [&str; 20] = [
    "last",
    "lots",
    "aggressor",
    "volume",
    "open",
    "high",
    "low",
    "high_bid",
    "low_ask",
    "vwap",
    "would_open",
    "settlement",
    "settled",
    "open_interest",
    "cleared",
    "fixing",
    "limit_low",
    "limit_high",
    "max_variation",
    "busts",
];

/// A day; what the venue has not said is absent. Prices are decimals, in the feed's own unit.
#[derive(Debug, Serialize)]
pub struct DayView {
    last: Option<String>,
    lots: Option<u32>,
    aggressor: Option<&'static str>,
    volume: Option<u32>,
    open: Option<String>,
    high: Option<String>,
    low: Option<String>,
    high_bid: Option<String>,
    low_ask: Option<String>,
    vwap: Option<String>,
    would_open: Option<String>,
    settlement: Option<String>,
    settled: Option<&'static str>,
    open_interest: Option<u32>,
    cleared: Option<u32>,
    fixing: Option<String>,
    limit_low: Option<String>,
    limit_high: Option<String>,
    max_variation: Option<String>,
    busts: u32,
}

impl DayView {
    /// What is shown of `day`.
    pub fn of(day: &Day) -> Self {
        let price = |price_e9: Option<i64>| price_e9.map(show_e9);
        Self {
            last: price(day.last.map(|last| last.price_e9)),
            lots: day.last.and_then(|last| last.lots),
            aggressor: day.last.and_then(|last| last.aggressor).map(|side| side.word()),
            volume: day.volume_lots,
            open: price(day.open_e9),
            high: price(day.high_e9),
            low: price(day.low_e9),
            high_bid: price(day.high_bid_e9),
            low_ask: price(day.low_ask_e9),
            vwap: price(day.vwap_e9),
            would_open: price(day.indicative_open_e9),
            settlement: price(day.settlement.map(|of| of.price_e9)),
            settled: day.settlement.map(|of| match (of.is_final, of.is_intraday) {
                (true, _) => "final",
                (false, true) => "intraday",
                (false, false) => "preliminary",
            }),
            open_interest: day.open_interest.map(|of| of.lots),
            cleared: day.cleared.map(|of| of.lots),
            fixing: price(day.fixing_e9),
            limit_low: price(day.limits.low_e9),
            limit_high: price(day.limits.high_e9),
            max_variation: price(day.limits.max_variation_e9),
            busts: day.busts,
        }
    }

    /// A text for each of `COLUMNS`, `-` for what was not said.
    pub fn cells(&self) -> [String; COLUMNS.len()] {
        let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let word = |word: Option<&str>| word.unwrap_or("-").to_owned();
        let count = |count: Option<u32>| count.map_or_else(|| "-".to_owned(), |of| of.to_string());
        [
            text(&self.last),
            count(self.lots),
            word(self.aggressor),
            count(self.volume),
            text(&self.open),
            text(&self.high),
            text(&self.low),
            text(&self.high_bid),
            text(&self.low_ask),
            text(&self.vwap),
            text(&self.would_open),
            text(&self.settlement),
            word(self.settled),
            count(self.open_interest),
            count(self.cleared),
            text(&self.fixing),
            text(&self.limit_low),
            text(&self.limit_high),
            text(&self.max_variation),
            self.busts.to_string(),
        ]
    }
}

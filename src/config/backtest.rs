//! `[backtest]` and `[[backtest.venue]]`: how the venues of a backtest answer (`sim::backtest`).
//!
//! What `[backtest]` says holds for every gateway; a `[[backtest.venue]]` says what is different at
//! one. An engine that trades reads none of it.

use super::access::Refused;
use super::error::{Problem, Rule};
use super::market::GatewayIndex;
use super::names::Registry;
use super::section::{Section, Written};
use super::value::{whole, word};

/// Which of the lots that leave a price stood before a resting order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QueueRule {
    /// As many as its share of the queue is: what is shown says no more.
    #[default]
    Proportional,
    /// None of them, but that no more can stand before it than are shown.
    Last,
}

const QUEUES: &[(&str, QueueRule)] =
    &[("proportional", QueueRule::Proportional), ("last", QueueRule::Last)];

impl QueueRule {
    /// The word in the file.
    #[must_use]
    pub fn word(self) -> &'static str {
        super::word_for(QUEUES, self)
    }
}

/// How long a message is on its way: at least so long, and an even share of the spread more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// Microseconds.
    pub least_us: u32,
    /// Microseconds on top, at most.
    pub spread_us: u32,
}

/// How a venue answers in a backtest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BacktestVenue {
    /// From the desk's decision to the venue's matching.
    pub order: Latency,
    /// From there to the desk.
    pub report: Latency,
    /// Messages in a window, from which on new orders are refused; 0: no bound.
    pub max_messages: u32,
    /// The window, in milliseconds.
    pub rate_window_ms: u32,
    /// How far beyond the other side's best price an order may be, in ticks; 0: no bound.
    pub band_ticks: u32,
}

impl Default for BacktestVenue {
    /// Half a millisecond each way and as much again on top: a gateway in another data centre.
    fn default() -> Self {
        let latency = Latency { least_us: 500, spread_us: 500 };
        Self { order: latency, report: latency, max_messages: 0, rate_window_ms: 0, band_ticks: 0 }
    }
}

/// What a backtest assumes of the venues.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backtest {
    /// What delays are drawn from; 0 unless written.
    pub seed: u64,
    /// How resting orders come forward.
    pub queue: QueueRule,
    /// Of a gateway without a table of its own.
    pub others: BacktestVenue,
    /// By gateway, those with one.
    pub venues: Vec<(GatewayIndex, BacktestVenue)>,
}

impl Backtest {
    /// How the venue of a gateway answers.
    #[must_use]
    pub fn venue(&self, gateway: GatewayIndex) -> BacktestVenue {
        let own = self.venues.iter().find(|(of, _)| *of == gateway);
        own.map_or(self.others, |(_, venue)| *venue)
    }
}

/// The longest way, one direction: ten seconds.
const MOST_US: u32 = 10_000_000;

/// Reads the section.
pub(super) fn backtest(
    section: Option<Section<'_>>,
    names: &Registry,
) -> Result<Option<Backtest>, Refused> {
    let Some(section) = section else { return Ok(None) };
    let seed = section.optional("seed", whole(0..=i64::MAX)).map_or(0, |seed| seed.value);
    let queue =
        section.optional("queue", word(QUEUES)).map_or_else(Default::default, |of| of.value);
    let others = venue(&section, BacktestVenue::default());
    let mut venues: Vec<(Written<GatewayIndex>, BacktestVenue)> = Vec::new();
    let mut are_read = true;
    for table in section.tables("venue") {
        let gateway: Written<GatewayIndex> = names.gateways.resolve(&table, "gateway");
        let own = venue(&table, others);
        if let Some((first, _)) =
            venues.iter().find(|(known, _)| known.value == gateway.value && !table.is_broken())
        {
            let message = format!("{} is of a gateway that has one already", table.title());
            let problem =
                Problem::new(Rule::BacktestVenue, message, gateway.place.clone(), "said again");
            table.fail(problem.also(&first.place, "said here").help("keep one of them"));
        }
        match table.finish((gateway, own)) {
            Some(read) => venues.push(read),
            None => are_read = false,
        }
    }
    let venues = venues.into_iter().map(|(gateway, own)| (gateway.value, own)).collect();
    let seed = u64::try_from(seed).unwrap_or(0);
    let read = section.finish(Backtest { seed, queue, others, venues });
    read.filter(|_| are_read).map(Some).ok_or(Refused)
}

/// What a table says of a venue; what it leaves out is as in `otherwise`.
fn venue(section: &Section<'_>, otherwise: BacktestVenue) -> BacktestVenue {
    let number = |key, least: u32, most: u32, otherwise: u32| {
        section.optional(key, whole(least..=most)).map_or(otherwise, |read| read.value)
    };
    let read = BacktestVenue {
        order: Latency {
            least_us: number("order_us", 1, MOST_US, otherwise.order.least_us),
            spread_us: number("order_spread_us", 0, MOST_US, otherwise.order.spread_us),
        },
        report: Latency {
            least_us: number("report_us", 1, MOST_US, otherwise.report.least_us),
            spread_us: number("report_spread_us", 0, MOST_US, otherwise.report.spread_us),
        },
        max_messages: number("max_messages", 1, 10_000, otherwise.max_messages),
        rate_window_ms: number("rate_window_ms", 1, 60_000, otherwise.rate_window_ms),
        band_ticks: number("band_ticks", 1, 1_000_000, otherwise.band_ticks),
    };
    if (read.max_messages == 0) != (read.rate_window_ms == 0) && !section.is_broken() {
        let message = format!("{} has a rate of messages by half", section.title());
        let place = section.place().clone();
        let problem = Problem::new(Rule::BacktestRate, message, place, "messages in which window?");
        section.fail(problem.help("write max_messages and rate_window_ms, or neither"));
    }
    read
}

//! What the cold side adds for whoever looks from outside: how each pair stands, which alerts fire,
//! and how long fires took from the packet to their last order.
//!
//! Nothing here is written by a hot core, and nothing of the engine reads it.

use crate::config::{Alerts, Configuration};
use crate::counters::{Owner, OwnerKind, Placed, Placer};
use crate::engine::latency::Latencies;
use xmc_hotpath::counter::Counter;
use xmc_hotpath::counters;
use xmc_hotpath::message::MAX_LEGS;

use crate::alert::rule::Rule;

/// Pairs that are shown to other processes: the first so many of the configuration.
pub const PAIRS: usize = 1_000;

/// Bounds of the histogram of tick to order, ns. The promise is 1,000 in half of all cases and
/// 5,000 in 999 of 1,000 (REQUIREMENTS, figures), so both are bounds.
pub const BOUNDS_NS: [u64; 16] = [
    250,
    500,
    1_000,
    2_000,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    10_000_000,
    100_000_000,
    1_000_000_000,
];

counters! {
    /// One leg of a pair.
    pub struct PairLegCounters {
        /// Lots of the leg beyond whole units, bought minus sold: open to the market on one side.
        pub residual: Counter => Signed "lots",
    }
}

counters! {
    /// How a pair stands, as the record has it: written by the main thread.
    #[repr(align(128))]
    pub struct PairCounters {
        /// Whether it may fire.
        pub state: Counter => Word "enabled|disabled|halted|reducing",
        /// Whole units held: above zero bought, below sold.
        pub position: Counter => Signed "units",
        /// Orders of it that live at a venue, or may.
        pub live_orders: Counter => Gauge "orders",
        /// Fires of it that have not ended.
        pub in_flight: Counter => Gauge "fires",
        /// Fires of this run.
        pub fires: Counter => Count "fires",
        /// Ways from flat to flat of this run.
        pub round_trips: Counter => Count "round trips",
        /// How long its legs have been out of ratio; 0 if they are not.
        pub unhedged: Counter => Gauge "ns",
        /// By leg, in the order of the configuration.
        pub legs: [PairLegCounters; MAX_LEGS],
    }
}

counters! {
    /// What has become of one rule of alerts: written by the thread that alerts.
    #[repr(align(128))]
    pub struct AlertCounters {
        /// Alerts of this code that fire now.
        pub firing: Counter => Gauge "alerts",
        /// Times that an alert of this code was raised.
        pub raised: Counter => Count "times",
    }
}

counters! {
    /// Tick to order as a histogram: written by the main thread.
    #[repr(align(128))]
    pub struct TickToOrderCounters {
        /// Fires from the packet to their last order that took at most so long.
        pub at_most: [Counter; BOUNDS_NS.len()] => Count "fires",
        /// All of them.
        pub count: Counter => Count "fires",
        /// How long they took together, to one part in a thousand.
        pub sum: Counter => Count "ns",
    }
}

impl TickToOrderCounters {
    /// Shows what was recorded so far.
    pub fn show(&self, latencies: &Latencies) {
        let mut within = [0_u64; BOUNDS_NS.len()];
        let mut sum = 0_u64;
        for value in latencies.histogram().iter_recorded() {
            let (ns, count) = (value.value_iterated_to(), value.count_at_value());
            sum = sum.saturating_add(ns.saturating_mul(count));
            if let Some(place) = BOUNDS_NS.iter().position(|bound| ns <= *bound) {
                within[place] += count;
            }
        }
        let mut up_to = 0;
        for (counter, count) in self.at_most.iter().zip(within) {
            up_to += count;
            counter.set(up_to);
        }
        self.count.set(latencies.count());
        self.sum.set(sum);
    }
}

/// What all of it is.
#[derive(Debug)]
pub struct Told {
    /// By pair, the first `PAIRS` of them.
    pub pairs: Vec<Placed<PairCounters>>,
    /// By rule that is told at all; empty without `[alerts]`.
    pub alerts: Vec<(Rule, Placed<AlertCounters>)>,
    /// From the packet to the last order.
    pub tick_to_order: Placed<TickToOrderCounters>,
}

impl Told {
    /// Bytes that it takes beyond what every engine has room for.
    pub(super) fn bytes(config: &Configuration) -> usize {
        config.spreads.len().min(PAIRS) * size_of::<PairCounters>()
    }

    pub(super) fn place(config: &Configuration, placer: &mut Placer) -> Self {
        let pairs = config.spreads.iter().take(PAIRS).map(|spread| {
            let owner = Owner::new(OwnerKind::Pair, &spread.name.value);
            let legs: Vec<_> = spread
                .legs
                .iter()
                .map(|leg| config.instruments[leg.instrument.value].name.value.clone())
                .collect();
            placer.place_parts(|name| Some((owner.clone(), of_leg(name, &legs)?)))
        });
        let pairs = pairs.collect();
        let alerts = config.alerts.as_ref().map_or_else(Vec::new, |alerts| rules(alerts, placer));
        let owner = Owner::new(OwnerKind::Latency, "tick_to_order");
        let tick_to_order = placer.place_parts(|name| {
            let place = name.strip_prefix("at_most.").and_then(|place| place.parse().ok());
            let bound = place.and_then(|place: usize| BOUNDS_NS.get(place));
            let name = bound.map_or_else(|| name.to_owned(), |bound| format!("at_most.{bound}"));
            Some((owner.clone(), name))
        });
        Self { pairs, alerts, tick_to_order }
    }
}

/// What a counter of a pair is called: legs by their instruments. `None` for legs that it does not
/// have.
fn of_leg(name: &str, legs: &[String]) -> Option<String> {
    let Some(rest) = name.strip_prefix("legs.") else { return Some(name.to_owned()) };
    let (place, field) = rest.split_once('.')?;
    let place: usize = place.parse().ok()?;
    let leg = legs.get(place)?;
    // An instrument that is two legs of a pair has two places.
    let twice = legs.iter().filter(|other| *other == leg).count() > 1;
    let place = if twice { format!(" {}", place + 1) } else { String::new() };
    Some(format!("legs.{leg}{place}.{field}"))
}

fn rules(alerts: &Alerts, placer: &mut Placer) -> Vec<(Rule, Placed<AlertCounters>)> {
    let severity = |rule: &Rule| {
        let configured = alerts.severities.get(rule).copied();
        configured.unwrap_or_else(|| rule.severity())
    };
    let told = Rule::ALL.iter().filter_map(|rule| Some((*rule, severity(rule)?)));
    told.map(|(rule, severity)| {
        let owner = Owner::new(OwnerKind::Alert, rule.code());
        (rule, placer.place(&Owner { severity: Some(severity.word().to_owned()), ..owner }))
    })
    .collect()
}

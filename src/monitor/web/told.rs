//! What is around the pairs as JSON: what happened, gates, limits, latency, feeds, sessions, rings,
//! the journal, alerts.

use super::history::{drawn, seconds};
use super::moment::decimal;
use super::pair::{met_level, price, skew_ns};
use crate::control::reply::LimitRow;
use crate::engine::latency::Figures;
use crate::monitor::gate::Refusal;
use crate::monitor::setting::Setting;
use crate::monitor::tally::{GateTally, Happened, Happening};
use crate::monitor::view::{FeedView, GatewayView, Journal, LineView, Ring, VenueClock, View};
use serde::Serialize;
use xmc_hotpath::message::{
    Alert, Decision, Ending, Gate, InstrumentIndex, Obstacle, Repair, SpreadIndex, StreamId, Way,
};
use xmc_hotpath::time::MonoNs;

/// Packet to both orders in memory, half of them: the promise of the latency budget.
const BUDGET_P50_NS: u64 = 1_000;
/// The same for 999 in 1,000.
const BUDGET_P99_9_NS: u64 = 5_000;

/// Something that happened. Which fields there are hangs on `what`.
#[derive(Debug, Serialize)]
pub struct HappeningTold<'v> {
    number: u64,
    /// Seconds since the engine began, for drawing and showing.
    at: f64,
    pair: Option<usize>,
    pair_name: &'v str,
    #[serde(flatten)]
    what: What<'v>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
enum What<'v> {
    /// A trigger fired.
    Fired(DecisionTold<'v>),
    /// A gate held one back.
    HeldBack(DecisionTold<'v>),
    Ordered {
        name: &'v str,
        side: &'static str,
        effect: &'static str,
        lots: u32,
        price: String,
    },
    Filled {
        name: &'v str,
        side: &'static str,
        effect: &'static str,
        lots: u32,
        price: String,
    },
    Missed {
        name: &'v str,
        kind: &'static str,
    },
    Repaired {
        way: &'static str,
        attempt: u8,
        complete: WayTold,
        unwind: WayTold,
    },
    Ended {
        intent: &'static str,
        units: u32,
        done_units: u32,
        is_aligned: bool,
        took_ns: u64,
    },
}

#[derive(Debug, Serialize)]
struct DecisionTold<'v> {
    intent: &'static str,
    gate: &'static str,
    units: u32,
    value: String,
    /// The same for drawing.
    drawn: f64,
    level: String,
    skew_ns: u64,
    refusal: Option<RefusalTold<'v>>,
}

/// What a gate saw and what it allows.
#[derive(Debug, Serialize)]
struct RefusalTold<'v> {
    name: Option<&'v str>,
    seen: String,
    limit: String,
    /// A label; `null` if the figures say their unit.
    unit: Option<&'static str>,
    /// A label that is said instead of both; `null` where they are figures.
    says: Option<&'static str>,
    /// The share of the limit that was seen, percent; `null` where that says nothing.
    used_pct: Option<u64>,
}

/// One of the two ways to mend a fire.
#[derive(Debug, Serialize)]
struct WayTold {
    /// Money; `null` if it cannot be priced.
    cost: Option<String>,
    obstacle: &'static str,
}

impl<'v> HappeningTold<'v> {
    /// `happening`, in an engine that began at `begun_ns` of its clock.
    pub fn of(setting: &'v Setting, happening: &Happening, begun_ns: u64) -> Self {
        let spread = happening.what.spread();
        let row = spread.0 as usize;
        let known = setting.spreads.get(row);
        Self {
            number: happening.number,
            at: seconds(happening.at.0.saturating_sub(begun_ns)),
            pair: known.map(|_| row),
            pair_name: known.map_or("", |known| &known.name),
            what: what(setting, &happening.what),
        }
    }
}

fn what<'v>(setting: &'v Setting, happened: &Happened) -> What<'v> {
    let shown = |index: InstrumentIndex, price_e9: i64| {
        let row = setting.instruments.get(index.0 as usize);
        row.map_or_else(|| decimal(price_e9.into(), 4), |row| price(row, price_e9))
    };
    match happened {
        Happened::Decided(decision) if decision.gate == Gate::Passed => {
            What::Fired(decided(setting, decision))
        }
        Happened::Decided(decision) => What::HeldBack(decided(setting, decision)),
        Happened::Ordered { order, .. } => What::Ordered {
            name: name(setting, order.instrument),
            side: order.side.word(),
            effect: order.effect.word(),
            lots: order.lots,
            price: shown(order.instrument, order.price_e9),
        },
        Happened::Filled(fill) => What::Filled {
            name: name(setting, fill.instrument),
            side: fill.side.word(),
            effect: fill.effect.word(),
            lots: fill.lots,
            price: shown(fill.instrument, fill.price_e9),
        },
        Happened::Missed { kind, instrument, .. } => {
            What::Missed { name: name(setting, *instrument), kind: kind.word() }
        }
        Happened::Repaired(Repair { way, attempt, complete, unwind, .. }) => What::Repaired {
            way: way.word(),
            attempt: *attempt,
            complete: way_told(complete),
            unwind: way_told(unwind),
        },
        Happened::Ended(Ending { intent, units, done_units, is_aligned, took, .. }) => {
            What::Ended {
                intent: intent.word(),
                units: *units,
                done_units: *done_units,
                is_aligned: *is_aligned,
                took_ns: took.0,
            }
        }
    }
}

fn name(setting: &Setting, index: InstrumentIndex) -> &str {
    setting.instruments.get(index.0 as usize).map_or("?", |row| row.name.as_str())
}

fn way_told(way: &Way) -> WayTold {
    WayTold {
        cost: (way.cost_e9 != i64::MAX).then(|| decimal(way.cost_e9.into(), 2)),
        obstacle: if way.obstacle == Obstacle::Nothing { "" } else { way.obstacle.word() },
    }
}

fn decided<'v>(setting: &'v Setting, decision: &Decision) -> DecisionTold<'v> {
    let spread = setting.spreads.get(decision.spread.0 as usize);
    let digits = spread.map_or(4, |row| row.digits);
    let legs = spread.map_or(0, |row| row.legs.len());
    DecisionTold {
        intent: decision.intent.word(),
        gate: decision.gate.word(),
        units: decision.units,
        value: decimal(decision.value_e9.into(), digits),
        drawn: drawn(decision.value_e9),
        level: met_level(decision.level_e9, digits),
        skew_ns: skew_ns(decision, legs),
        refusal: refusal(setting, decision),
    }
}

fn refusal<'v>(setting: &'v Setting, decision: &Decision) -> Option<RefusalTold<'v>> {
    if decision.gate == Gate::Passed {
        return None;
    }
    let Refusal { instrument, seen, limit, unit, says } = Refusal::of(setting, decision)?;
    let both = u64::try_from(decision.seen).ok().zip(u64::try_from(decision.limit).ok());
    let share = both.filter(|(_, limit)| *limit > 0);
    Some(RefusalTold {
        name: instrument,
        seen,
        limit,
        unit: unit.map(|label| label.name()),
        says: says.map(|label| label.name()),
        used_pct: share.map(|(seen, limit)| seen.saturating_mul(100) / limit),
    })
}

/// What one gate has held back.
#[derive(Debug, Serialize)]
pub struct GateTold<'v> {
    gate: &'static str,
    count: u64,
    ago_ns: u64,
    pair_name: &'v str,
    refusal: Option<RefusalTold<'v>>,
}

impl<'v> GateTold<'v> {
    /// A row of the view's gates.
    pub fn of(view: &'v View, row: &GateTally) -> Self {
        Self {
            gate: row.gate.word(),
            count: row.count,
            ago_ns: view.now.since(row.at).0,
            pair_name: spread_name(&view.setting, row.last.spread),
            refusal: refusal(&view.setting, &row.last),
        }
    }
}

fn spread_name(setting: &Setting, spread: SpreadIndex) -> &str {
    setting.spreads.get(spread.0 as usize).map_or("", |row| &row.name)
}

/// A limit and what is used of it.
#[derive(Debug, Serialize)]
pub struct LimitTold<'v> {
    scope: &'v str,
    field: &'v str,
    used: u64,
    limit: u64,
    unit: &'v str,
}

impl<'v> LimitTold<'v> {
    /// `None` of what is used by one order at a time.
    pub fn of(row: &'v LimitRow) -> Option<Self> {
        let LimitRow { scope, field, used, limit, unit } = row;
        used.map(|used| Self { scope, field, used, limit: *limit, unit })
    }
}

/// Tick to order.
#[derive(Debug, Serialize)]
pub struct LatencyTold {
    p50_ns: u64,
    p99_ns: u64,
    p99_9_ns: u64,
    max_ns: u64,
    count: u64,
    budget_p50_ns: u64,
    budget_p99_9_ns: u64,
}

impl LatencyTold {
    /// The figures beside what they may be.
    pub fn of(figures: Figures) -> Self {
        Self {
            p50_ns: figures.p50,
            p99_ns: figures.p99,
            p99_9_ns: figures.p99_9,
            max_ns: figures.max,
            count: figures.count,
            budget_p50_ns: BUDGET_P50_NS,
            budget_p99_9_ns: BUDGET_P99_9_NS,
        }
    }
}

/// A feed.
#[derive(Debug, Serialize)]
pub struct FeedTold<'v> {
    name: &'v str,
    state: &'static str,
    is_usable: bool,
    a: LineTold,
    b: LineTold,
    gaps: u64,
    refused: u64,
    quotes: u64,
    conflated: u64,
    divergent: u64,
    compared: u64,
    differences: u64,
    clock: Option<VenueClock>,
}

/// One of its lines.
#[derive(Debug, Serialize)]
struct LineTold {
    packets: u64,
    firsts: u64,
    missing: u64,
    interface: &'static str,
}

impl LineTold {
    fn of(line: &LineView) -> Self {
        Self {
            packets: line.packets,
            firsts: line.firsts,
            missing: line.missing,
            interface: line.interface.word(),
        }
    }
}

impl<'v> FeedTold<'v> {
    /// The feed of that name.
    pub fn of(name: &'v str, feed: &FeedView) -> Self {
        Self {
            name,
            state: feed.state.word(),
            is_usable: feed.state.is_usable(),
            a: LineTold::of(&feed.a),
            b: LineTold::of(&feed.b),
            gaps: feed.gaps,
            refused: feed.refused,
            quotes: feed.quotes,
            conflated: feed.conflated,
            divergent: feed.divergent,
            compared: feed.compared,
            differences: feed.differences,
            clock: feed.clock,
        }
    }
}

/// A gateway.
#[derive(Debug, Serialize)]
pub struct GatewayTold<'v> {
    name: &'v str,
    state: &'static str,
    sent: u64,
    read: u64,
    not_sent: u64,
}

impl<'v> GatewayTold<'v> {
    /// The gateway of that name.
    pub fn of(name: &'v str, row: &GatewayView) -> Self {
        let GatewayView { state, sent, read, not_sent } = *row;
        Self { name, state: state.word(), sent, read, not_sent }
    }
}

/// A ring.
#[derive(Debug, Serialize)]
pub struct RingTold<'v> {
    name: &'v str,
    used_pct: u8,
    most_pct: u8,
    is_late: bool,
}

impl<'v> RingTold<'v> {
    /// A ring of the view.
    pub fn of(ring: &'v Ring) -> Self {
        let Ring { name, used_pct, most_pct, is_late } = ring;
        Self { name, used_pct: *used_pct, most_pct: *most_pct, is_late: *is_late }
    }
}

/// The journal.
#[derive(Debug, Serialize)]
pub struct JournalTold {
    bytes: u64,
    records: u64,
    behind_bytes: Option<u64>,
    unsynced_bytes: Option<u64>,
    durable_after_ns: Option<u64>,
    disk_alone_ns: Option<u64>,
    witnessed_records: Option<u64>,
    has_witness_trouble: bool,
}

impl JournalTold {
    /// The journal of the view.
    pub fn of(journal: &Journal) -> Self {
        Self {
            bytes: journal.bytes,
            records: journal.records,
            behind_bytes: journal.behind_bytes,
            unsynced_bytes: journal.unsynced_bytes,
            durable_after_ns: journal.durable_after.map(|span| span.0),
            disk_alone_ns: journal.disk_alone.map(|span| span.0),
            witnessed_records: journal.witnessed_records,
            has_witness_trouble: journal.has_witness_trouble,
        }
    }
}

/// An alert.
#[derive(Debug, Serialize)]
pub struct AlertTold<'v> {
    /// Seconds since the engine began.
    at: f64,
    kind: &'static str,
    pair_name: &'v str,
    stream: Option<&'v str>,
    value: i64,
}

impl<'v> AlertTold<'v> {
    /// `alert`, in an engine that began at `begun_ns` of its clock.
    pub fn of(setting: &'v Setting, (at, alert): &(MonoNs, Alert), begun_ns: u64) -> Self {
        Self {
            at: seconds(at.0.saturating_sub(begun_ns)),
            kind: alert.kind.word(),
            pair_name: spread_name(setting, alert.spread),
            stream: stream_name(setting, alert.stream),
            value: alert.value,
        }
    }
}

fn stream_name(setting: &Setting, stream: StreamId) -> Option<&str> {
    let mut streams = setting.feeds.iter().chain(&setting.gateways);
    streams.find(|row| row.stream == stream).map(|row| row.name.as_str())
}

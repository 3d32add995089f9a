//! One moment of a running engine as plain figures: what a screen shows, before it is text.
//!
//! It is taken from the shadow desk (books, positions, levels), from the `tally` of the same
//! record, and from the counters that hot cores write. Nothing is computed on a hot core for it,
//! and taking it changes nothing. Called some times a second by whoever owns those.

use super::setting::Setting;
use super::tally::{Fill, GateTally, Happening, Profit, Tally, Totals};
use super::words::Label;
use crate::control::reply::LimitRow;
use crate::engine::capital::Figures as Capital;
use crate::engine::counters::{Counters, InterfaceCounters};
use crate::engine::latency::Figures;
use crate::port::interface::LinkState;
use crate::recovery::replica::ReplicaCounters;
use crate::recovery::replica::clock::{ClockCounters, signed};
use std::collections::VecDeque;
use std::sync::Arc;
use xmc_hotpath::desk::{Desk, Spread, SpreadState};
use xmc_hotpath::feed::FeedCounters;
use xmc_hotpath::message::{
    Alert, ChannelState, Decision, Depth, MAX_LEGS, QUOTE_LEVELS, QuoteQuality, SafeState,
    SessionState, Side, SpreadSpec,
};
use xmc_hotpath::port::Line;
use xmc_hotpath::spread::{self, LegBook};
use xmc_hotpath::time::{MonoNs, Span, UnixNs};

/// Legs that are out of ratio for less than this, while a fire is in the air, are no exposure: the
/// fills of one leg come before those of the other.
const SETTLES_IN: Span = Span(250_000_000);

/// What a view is taken from.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a> {
    /// The engine's clock now.
    pub now: MonoNs,
    /// How long it has been running.
    pub running: Span,
    /// The shadow desk.
    pub desk: &'a Desk<'a>,
    /// The record so far.
    pub tally: &'a Tally,
    /// What the stages count.
    pub counters: &'a Counters,
    /// Tick to order, as far as it is known.
    pub latency: Option<Figures>,
    /// The rings that are watched.
    pub rings: &'a [Ring],
    /// The journal, if one is written.
    pub journal: Option<Journal>,
    /// Limits, and what is used of them, as far as somebody wants to see them.
    pub limits: &'a [LimitRow],
    /// How the money that orders use stands, if anybody watches it.
    pub capital: Option<&'a Arc<Capital>>,
    /// What others than the desk have told.
    pub notes: &'a Notes,
}

/// Sentences that stand among the alerts of a screen: what is told by others than the desk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// The last ones, the newest first.
    pub last: VecDeque<Note>,
    /// How many there were.
    pub count: u64,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// When it was told.
    pub at: MonoNs,
    /// What it is about.
    pub of: Label,
    /// English and Chinese.
    pub text: [String; 2],
}

/// Sentences that are kept to be shown.
const NOTES: usize = 16;

impl Notes {
    /// Takes another one.
    pub fn add(&mut self, note: Note) {
        self.count += 1;
        self.last.push_front(note);
        self.last.truncate(NOTES);
    }
}

/// A ring between stages, or the record ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ring {
    /// What it is called.
    pub name: String,
    /// How much of it is used, in percent.
    pub used_pct: u8,
    /// The most that has been used.
    pub most_pct: u8,
    /// The record has not got any safer for so long that nothing is opened; its ring may be empty.
    pub is_late: bool,
}

/// The journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Journal {
    /// Bytes written.
    pub bytes: u64,
    /// Records written.
    pub records: u64,
    /// Bytes in the record ring that are not in the journal yet; `None` if nobody looked.
    pub behind_bytes: Option<u64>,
    /// Bytes written that are not known to be on the disk yet; `None` if nobody looked.
    pub unsynced_bytes: Option<u64>,
    /// How long the last records waited until they were on the disk; `None` if nobody looked.
    pub durable_after: Option<Span>,
    /// How long the disk alone takes for that, measured when the run began.
    pub disk_alone: Option<Span>,
    /// Records that a witness elsewhere has seen; `None` if there is none.
    pub witnessed_records: Option<u64>,
    /// A witness does not answer, or refuses.
    pub has_witness_trouble: bool,
}

/// One price level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Its price.
    pub price_e9: i64,
    /// Lots shown.
    pub lots: u32,
}

/// The last trade that a venue told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastTrade {
    /// Its price.
    pub price_e9: i64,
    /// Lots; `None` if they were not told.
    pub lots: Option<u32>,
    /// Who came to trade; `None` if the venue does not tell.
    pub aggressor: Option<Side>,
}

/// One leg of a pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegView {
    /// Row of its instrument.
    pub instrument: usize,
    /// Lots per unit; 0 if it only prices.
    pub ratio_lots: i32,
    /// Bids, the best first.
    pub bids: Vec<Level>,
    /// Asks, the best first.
    pub asks: Vec<Level>,
    /// The last trade; `None` before the venue has told one.
    pub last: Option<LastTrade>,
    /// Age of the quote; `None` if there was never one.
    pub age: Option<Span>,
    /// Whether the quote may be traded on.
    pub quality: QuoteQuality,
    /// Whether its channel may.
    pub channel: ChannelState,
    /// Lots beyond the whole units, bought minus sold.
    pub unhedged_lots: i64,
    /// Lots that can be sold: those of the bids shown, less what our orders have taken since.
    pub sellable_lots: u64,
    /// Lots that can be bought: the same of the asks.
    pub buyable_lots: u64,
    /// For how long its market is open to orders that close; below 1 it is shut. `i64::MAX` where
    /// no hours are kept.
    pub open_for_ns: i64,
}

/// One spread with its legs.
#[derive(Clone, Debug)]
pub struct PairView {
    /// What it is made of and when it fires; `None` if the desk has not been told.
    pub spec: Option<SpreadSpec>,
    /// Whether it may fire.
    pub state: SpreadState,
    /// Whole units held: above zero bought. Of what the legs hold while a fire is in the air, it is
    /// what the desk counts with.
    pub position_units: i64,
    /// A fire has not ended.
    pub is_in_flight: bool,
    /// Its legs, in the order of the desk.
    pub legs: Vec<LegView>,
    /// What one unit costs just now, at the prices that an order would carry.
    pub buy_e9: Option<i64>,
    /// What one unit brings just now.
    pub sell_e9: Option<i64>,
    /// Whole units that the books hold now, all legs together: 可成交量 of a purchase.
    pub buyable_units: u64,
    /// The same of a sale.
    pub sellable_units: u64,
    /// How far apart the ages of the legs' quotes are; `None` before all of them have one.
    pub skew: Option<Span>,
    /// Fires.
    pub fires: u64,
    /// From flat to flat.
    pub round_trips: u64,
    /// How long its legs have been out of ratio; `None` if they are not.
    pub unhedged_for: Option<Span>,
    /// The last decision, and its age.
    pub last_decision: Option<(Span, Decision)>,
    /// Money.
    pub profit: Profit,
}

impl PairView {
    /// Whether lots stand on one side only, and not just because a fire is in the air.
    #[must_use]
    pub fn is_exposed(&self) -> bool {
        let is_old = |since: Span| since >= SETTLES_IN || !self.is_in_flight;
        self.unhedged_for.is_some_and(is_old)
    }
}

/// One line of a feed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineView {
    /// Packets that came.
    pub packets: u64,
    /// Packets that it brought first.
    pub firsts: u64,
    /// Packets that it did not bring.
    pub missing: u64,
    /// What its interface can do.
    pub interface: LinkState,
}

/// One feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedView {
    /// What it is worth.
    pub state: ChannelState,
    /// Line A.
    pub a: LineView,
    /// Line B.
    pub b: LineView,
    /// Times that packets were lost on both lines.
    pub gaps: u64,
    /// Datagrams and packets that could not be read.
    pub refused: u64,
    /// Quotes sent to the desk.
    pub quotes: u64,
    /// Quotes that were overwritten by newer ones, because the desk's ring was full.
    pub conflated: u64,
    /// Packets whose two copies differ.
    pub divergent: u64,
    /// Books of the replica that were compared with the venue's snapshots.
    pub compared: u64,
    /// Levels that differed.
    pub differences: u64,
    /// The venue's clock beside ours; `None` if it has told no time.
    pub clock: Option<VenueClock>,
}

/// A venue's clock beside UTC as this host has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct VenueClock {
    /// UTC here less the venue's sending time, in the best case: the way there, and how far the
    /// two clocks are apart.
    pub offset_ns: i64,
    /// By how much that grows.
    pub drift_ns_per_s: i64,
    /// Times that it was set.
    pub steps: u64,
    /// By how much it was last.
    pub last_step_ns: i64,
}

/// One gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GatewayView {
    /// Whether orders can be sent.
    pub state: SessionState,
    /// Messages that left.
    pub sent: u64,
    /// Messages of the venue that were read.
    pub read: u64,
    /// Messages that could not be sent.
    pub not_sent: u64,
}

/// One moment.
#[derive(Clone, Debug)]
pub struct View {
    /// Names behind the rows.
    pub setting: Arc<Setting>,
    /// How long the engine has been running.
    pub running: Span,
    /// The engine's clock.
    pub now: MonoNs,
    /// The same in UTC, by the host's clock.
    pub utc: UnixNs,
    /// The desk's safe state.
    pub state: SafeState,
    /// What was counted.
    pub totals: Totals,
    /// Orders whose fate is not known yet.
    pub live_orders: usize,
    /// The spreads, by row.
    pub pairs: Vec<PairView>,
    /// The last fills, the newest first.
    pub fills: Vec<Fill>,
    /// What fired last and what followed from it, the newest first.
    pub happenings: Vec<Happening>,
    /// The last decisions, those that a gate held back as well, the newest first.
    pub decisions: Vec<Happening>,
    /// Gates that have held something back, the busiest first.
    pub gates: Vec<GateTally>,
    /// The last alerts, the newest first.
    pub alerts: Vec<(MonoNs, Alert)>,
    /// The feeds, by row.
    pub feeds: Vec<FeedView>,
    /// The gateways, by row.
    pub gateways: Vec<GatewayView>,
    /// Tick to order, if there is any.
    pub latency: Option<Figures>,
    /// Rings.
    pub rings: Vec<Ring>,
    /// The journal, if one is written.
    pub journal: Option<Journal>,
    /// Limits, and what is used of them, as far as somebody wants to see them.
    pub limits: Vec<LimitRow>,
    /// How the money that orders use stands, if anybody watches it.
    pub capital: Option<Arc<Capital>>,
    /// What others than the desk have told.
    pub notes: Notes,
}

impl View {
    /// Looks at everything once.
    #[must_use]
    pub fn of(sources: &Sources<'_>) -> Self {
        let Sources { tally, counters, desk, .. } = *sources;
        let setting = tally.setting();
        let feeds = setting.feeds.iter().zip(&counters.feeds).zip(&counters.replicas);
        let feeds = feeds.zip(&counters.feed_ports);
        let gateways = setting.gateways.iter().zip(&counters.gateways);
        Self {
            setting: Arc::clone(setting),
            running: sources.running,
            now: sources.now,
            utc: UnixNs(counters.origin.utc_origin.get().wrapping_add(sources.now.0)),
            state: desk.state(),
            totals: *tally.totals(),
            live_orders: tally.live_orders(),
            pairs: pairs(sources),
            fills: tally.fills().copied().collect(),
            happenings: tally.happenings().copied().collect(),
            decisions: tally.decisions().copied().collect(),
            gates: tally.gates(),
            alerts: tally.alerts().copied().collect(),
            feeds: feeds
                .map(|(((row, counted), replica), port)| FeedView {
                    clock: venue_clock(&replica.clock, counters.origin.utc_origin.get()),
                    ..feed(tally.channel(row.stream), counted, replica, &port.interface)
                })
                .collect(),
            gateways: gateways
                .map(|(row, counted)| GatewayView {
                    state: tally.session(row.stream),
                    sent: counted.sent.get(),
                    read: counted.read.get(),
                    not_sent: counted.not_sent.get(),
                })
                .collect(),
            latency: sources.latency.filter(|figures| figures.count > 0),
            rings: sources.rings.to_vec(),
            journal: sources.journal,
            limits: sources.limits.to_vec(),
            capital: sources.capital.cloned(),
            notes: sources.notes.clone(),
        }
    }
}

impl View {
    /// The first pair with legs on both sides of the border, which is what a screen begins with;
    /// the first of all if there is none.
    #[must_use]
    pub fn first_across(&self) -> usize {
        let is_across = |pair: &PairView| {
            let traded = pair.legs.iter().filter(|leg| leg.ratio_lots != 0);
            let mut markets = traded.map(|leg| self.setting.instruments[leg.instrument].market);
            let first = markets.next();
            markets.any(|market| Some(market) != first)
        };
        self.pairs.iter().position(is_across).unwrap_or(0)
    }
}

fn pairs(sources: &Sources<'_>) -> Vec<PairView> {
    let rows = 0..sources.tally.setting().spreads.len();
    let mut pairs: Vec<_> = rows.map(|row| pair(sources, row)).collect();
    let trades: Vec<_> = sources.counters.replicas.iter().map(|row| row.trades.known()).collect();
    for leg in pairs.iter_mut().flat_map(|pair| &mut pair.legs) {
        let row = u32::try_from(leg.instrument).ok();
        let told = row.and_then(|row| trades.iter().find_map(|known| known.get(&row)));
        leg.last = told.map(|traded| LastTrade {
            price_e9: traded.price_e9,
            lots: traded.lots,
            aggressor: traded.aggressor,
        });
    }
    pairs
}

fn pair(sources: &Sources<'_>, row: usize) -> PairView {
    let Sources { tally, desk, now, .. } = *sources;
    let setting = &tally.setting().spreads[row];
    let empty = Spread::EMPTY;
    let spread = desk.spreads().get(row).unwrap_or(&empty);
    let counted = &tally.spreads()[row];
    let unhedged = counted.unhedged_lots();
    let legs = setting.legs.iter().zip(unhedged).map(|(leg, unhedged_lots)| LegView {
        ratio_lots: leg.ratio_lots,
        unhedged_lots,
        ..leg_view(sources, leg.instrument)
    });
    let legs: Vec<_> = legs.collect();
    PairView {
        buyable_units: tradable_units(&legs, true),
        sellable_units: tradable_units(&legs, false),
        skew: skew(&legs),
        spec: spread.spec,
        state: spread.state,
        position_units: match spread.fire {
            Some(_) => spread.position_units.into(),
            None => counted.whole_units(),
        },
        is_in_flight: spread.fire.is_some(),
        legs,
        buy_e9: value(spread, desk, true),
        sell_e9: value(spread, desk, false),
        fires: counted.fires,
        round_trips: counted.round_trips,
        unhedged_for: counted.unhedged_since.map(|since| now.since(since)),
        last_decision: counted.last_decision.map(|(at, decision)| (now.since(at), decision)),
        profit: tally.profit(row),
    }
}

fn leg_view(sources: &Sources<'_>, instrument: usize) -> LegView {
    let Sources { tally, desk, now, .. } = *sources;
    let setting = tally.setting();
    let feed = setting.feeds.get(setting.instruments[instrument].feed);
    let levels = |levels: &mut dyn Iterator<Item = (i64, u32)>| {
        levels.take(QUOTE_LEVELS).map(|(price_e9, lots)| Level { price_e9, lots }).collect()
    };
    let row = desk.instruments().get(instrument);
    let quote = row.map(|row| &row.quote);
    let untaken = |depth: &Depth, taken: u32| -> u64 {
        let shown: u64 = depth.levels().map(|(_, lots)| u64::from(lots)).sum();
        shown.saturating_sub(taken.into())
    };
    let seen = quote.filter(|quote| quote.quality != QuoteQuality::Unknown);
    LegView {
        instrument,
        ratio_lots: 0,
        bids: quote.map_or_else(Vec::new, |quote| levels(&mut quote.bids.levels())),
        asks: quote.map_or_else(Vec::new, |quote| levels(&mut quote.asks.levels())),
        last: None,
        age: seen.map(|quote| now.since(quote.received)),
        quality: quote.map_or(QuoteQuality::Unknown, |quote| quote.quality),
        channel: feed.map_or(ChannelState::Down, |feed| tally.channel(feed.stream)),
        unhedged_lots: 0,
        sellable_lots: row.map_or(0, |row| untaken(&row.quote.bids, row.taken_bid_lots)),
        buyable_lots: row.map_or(0, |row| untaken(&row.quote.asks, row.taken_ask_lots)),
        open_for_ns: row.map_or(0, |row| row.hours.left_ns(false, now)),
    }
}

/// Whole units that all legs together hold for a purchase (`is_buy`) or a sale of the spread.
fn tradable_units(legs: &[LegView], is_buy: bool) -> u64 {
    let traded = legs.iter().filter(|leg| leg.ratio_lots != 0);
    let units = traded.map(|leg| {
        let buys = (leg.ratio_lots > 0) == is_buy;
        let lots = if buys { leg.buyable_lots } else { leg.sellable_lots };
        lots / u64::from(leg.ratio_lots.unsigned_abs())
    });
    units.min().unwrap_or(0)
}

/// The oldest quote's age less the youngest's, as the gate of skew has it.
fn skew(legs: &[LegView]) -> Option<Span> {
    let ages: Option<Vec<_>> = legs.iter().map(|leg| leg.age).collect();
    let ages = ages?;
    let (oldest, youngest) = (ages.iter().max()?, ages.iter().min()?);
    Some(Span(oldest.0 - youngest.0))
}

/// What one unit costs (`is_buy`) or brings, as the desk itself would see it; `None` if a book does
/// not hold it.
fn value(row: &Spread, desk: &Desk<'_>, is_buy: bool) -> Option<i64> {
    let spec = row.spec.as_ref()?;
    let rows = spec.legs.map(|leg| desk.instruments().get(leg.instrument.0 as usize));
    let books = rows.map(|row| {
        row.map(|row| LegBook {
            bids: &row.quote.bids,
            asks: &row.quote.asks,
            taken_bid_lots: row.taken_bid_lots,
            taken_ask_lots: row.taken_ask_lots,
        })
    });
    // Legs behind the last one are not looked at: any book fills their places.
    let any = books.iter().flatten().next().copied()?;
    let books: [LegBook<'_>; MAX_LEGS] = books.map(|book| book.unwrap_or(any));
    let found = spread::value(spec, &books, is_buy, 1)?;
    Some(found.measured_e9(spec, is_buy))
}

fn feed(
    state: ChannelState,
    counted: &FeedCounters,
    replica: &ReplicaCounters,
    interfaces: &InterfaceCounters,
) -> FeedView {
    let line = |line| {
        let counted = counted.line(line);
        LineView {
            interface: interfaces.state(line),
            packets: counted.packets.get(),
            firsts: counted.firsts.get(),
            missing: counted.missing.get(),
        }
    };
    let framing = Line::BOTH.iter().map(|line| counted.line(*line).refused.get());
    let packets = counted.refused.iter().map(|counter| counter.get());
    FeedView {
        state,
        a: line(Line::A),
        b: line(Line::B),
        gaps: counted.gaps.get(),
        refused: framing.chain(packets).sum(),
        quotes: counted.quotes.get(),
        conflated: counted.conflated.get(),
        divergent: counted.divergent.get(),
        compared: replica.audit.books.get(),
        differences: replica.audit.differences.get(),
        clock: None,
    }
}

/// A venue's clock, if it has told a time; `utc_origin_ns` is the engine's zero in UTC.
#[must_use]
pub fn venue_clock(counted: &ClockCounters, utc_origin_ns: u64) -> Option<VenueClock> {
    let delay_ns = signed(&counted.delay_ns);
    (delay_ns != 0).then(|| VenueClock {
        offset_ns: delay_ns.wrapping_add(utc_origin_ns.cast_signed()),
        drift_ns_per_s: signed(&counted.drift_ns_per_s),
        steps: counted.steps.get(),
        last_step_ns: signed(&counted.last_step_ns),
    })
}

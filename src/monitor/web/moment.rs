//! One moment as JSON: what all viewers see of the engine, and what each asked to see of its pairs.
//!
//! Prices, values and money are decimal numbers as text, exact as the venue or the book has them,
//! without separators; spans are whole nanoseconds; codes are those of the record. A field that has
//! no value is `null`. Viewers who look at the same pairs are told the same text, made once.
//! However many pairs there are, one moment tells one in full and at most `ROWS` in short.

use super::capital::CapitalTold;
use super::pair::{PairRow, PairTold};
use super::told::{
    AlertTold, FeedTold, GateTold, GatewayTold, HappeningTold, JournalTold, LatencyTold, LimitTold,
    RingTold,
};
use crate::monitor::number;
use crate::monitor::tally::Totals;
use crate::monitor::view::View;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Pairs that one moment tells in short.
pub const ROWS: usize = 100;
/// Happenings that one moment tells.
const HAPPENINGS: usize = 64;
/// Texts of one moment that are kept for others who look at the same.
const TEXTS: usize = 16;
/// Characters of what is looked for that are looked at.
const FIND_CHARS: usize = 64;

/// A view with its number.
#[derive(Debug)]
pub struct Moment {
    number: u64,
    taken: Instant,
    pub(super) view: View,
    /// What it was told as, by what was asked.
    texts: Mutex<Vec<(Asked, Arc<str>)>>,
}

/// What one viewer wants to see.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Asked {
    /// The pair told in full, by its row; by default the first one that crosses the border.
    pub pair: Option<usize>,
    /// Only pairs whose name has this, small and capital letters alike.
    pub find: Option<String>,
    /// So many of those are passed over.
    pub from: Option<usize>,
}

/// A moment for one viewer.
#[derive(Debug, Serialize)]
pub struct Told<'m> {
    schema: &'static str,
    version: u32,
    /// Moments have numbers that only grow.
    number: u64,
    /// Whether the venues are simulated and the money is paper.
    is_paper: bool,
    running_ns: u64,
    /// When it was, nanoseconds since 1970 by the host's clock.
    utc_ns: u64,
    state: &'static str,
    totals: &'m Totals,
    live_orders: usize,
    pair: Option<PairTold<'m>>,
    pairs: Pairs<'m>,
    happenings: Vec<HappeningTold<'m>>,
    decisions: Vec<HappeningTold<'m>>,
    gates: Vec<GateTold<'m>>,
    limits: Vec<LimitTold<'m>>,
    capital: Option<CapitalTold<'m>>,
    latency: Option<LatencyTold>,
    feeds: Vec<FeedTold<'m>>,
    gateways: Vec<GatewayTold<'m>>,
    rings: Vec<RingTold<'m>>,
    journal: Option<JournalTold>,
    alerts: Vec<AlertTold<'m>>,
}

/// Pairs in short.
#[derive(Debug, Serialize)]
struct Pairs<'m> {
    /// How many there are.
    total: usize,
    /// How many of them were looked for.
    found: usize,
    /// How many of all stand on one side only.
    exposed: usize,
    /// How many of those found are before `rows`.
    from: usize,
    rows: Vec<PairRow<'m>>,
}

impl Moment {
    /// The moment of that number.
    #[must_use]
    pub fn new(number: u64, view: View) -> Self {
        Self { number, taken: Instant::now(), view, texts: Mutex::default() }
    }

    /// Its number as text.
    #[must_use]
    pub fn id(&self) -> String {
        self.number.to_string()
    }

    /// How long ago it was taken.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.taken.elapsed()
    }

    /// What the engine's clock was when the engine began.
    pub(super) fn begun_ns(&self) -> u64 {
        self.view.now.0.saturating_sub(self.view.running.0)
    }

    /// As a viewer is told it, as JSON. Its age, `age_ms`, is that of now; all else is made once
    /// for all who ask the same.
    #[must_use]
    pub fn text(&self, asked: &Asked) -> String {
        let told = self.told_once(asked);
        let fields = told.strip_prefix('{').unwrap_or(&told);
        format!("{{\"age_ms\":{},{fields}", self.age().as_millis())
    }

    fn told_once(&self, asked: &Asked) -> Arc<str> {
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, told)) = texts.iter().find(|(known, _)| known == asked) {
            return Arc::clone(told);
        }
        // Strings and numbers: there is nothing that JSON cannot hold.
        let told: Arc<str> = serde_json::to_string(&self.told(asked)).unwrap_or_default().into();
        if texts.len() < TEXTS {
            texts.push((asked.clone(), Arc::clone(&told)));
        }
        told
    }

    /// What a viewer is told.
    #[must_use]
    pub fn told(&self, asked: &Asked) -> Told<'_> {
        let view = &self.view;
        let row = asked.pair.filter(|row| *row < view.pairs.len());
        let row = row.unwrap_or_else(|| view.first_across());
        let setting = &view.setting;
        let begun_ns = self.begun_ns();
        let told = |row| HappeningTold::of(setting, row, begun_ns);
        let feeds = setting.feeds.iter().zip(&view.feeds);
        let gateways = setting.gateways.iter().zip(&view.gateways);
        Told {
            schema: "xmc.view",
            version: 1,
            number: self.number,
            // There is no other mode yet: the configuration refuses it.
            is_paper: true,
            running_ns: view.running.0,
            utc_ns: view.utc.0,
            state: view.state.word(),
            totals: &view.totals,
            live_orders: view.live_orders,
            pair: (row < view.pairs.len()).then(|| PairTold::of(view, row)),
            pairs: self.pairs(asked),
            happenings: view.happenings.iter().take(HAPPENINGS).map(told).collect(),
            decisions: view.decisions.iter().map(told).collect(),
            gates: view.gates.iter().map(|row| GateTold::of(view, row)).collect(),
            limits: view.limits.iter().filter_map(LimitTold::of).collect(),
            capital: view.capital.as_deref().map(CapitalTold::of),
            latency: view.latency.map(LatencyTold::of),
            feeds: feeds.map(|(setting, row)| FeedTold::of(&setting.name, row)).collect(),
            gateways: gateways.map(|(setting, row)| GatewayTold::of(&setting.name, row)).collect(),
            rings: view.rings.iter().map(RingTold::of).collect(),
            journal: view.journal.as_ref().map(JournalTold::of),
            alerts: view.alerts.iter().map(|row| AlertTold::of(setting, row, begun_ns)).collect(),
        }
    }

    fn pairs(&self, asked: &Asked) -> Pairs<'_> {
        let view = &self.view;
        let find = asked.find.as_deref().unwrap_or("").to_lowercase();
        let find: String = find.chars().take(FIND_CHARS).collect();
        let is_found = |row: &usize| {
            find.is_empty() || view.setting.spreads[*row].name.to_lowercase().contains(&find)
        };
        let found: Vec<usize> = (0..view.pairs.len()).filter(is_found).collect();
        let from = asked.from.unwrap_or(0).min(found.len());
        let exposed = view.pairs.iter().filter(|pair| pair.is_exposed()).count();
        let rows = found.iter().skip(from).take(ROWS).map(|row| PairRow::of(view, *row)).collect();
        Pairs { total: view.pairs.len(), found: found.len(), exposed, from, rows }
    }
}

/// A number in units of 1e-9 with so many digits behind the point, as text without separators.
pub(super) fn decimal(value_e9: i128, digits: usize) -> String {
    number::e9(value_e9, digits).replace(',', "")
}

/// Money in units of 1e-18, to the hundredth.
pub(super) fn money_e18(value_e18: i128) -> String {
    decimal(value_e18 / 1_000_000_000, 2)
}

//! What the cold side tells the desk by itself while it runs: market hours, price limits of venues,
//! what money allows, and what it has found wrong. It also keeps the score of the lines.
//!
//! A book that differs from the venue's snapshot is told when it is found, and again when a later
//! snapshot differs too: somebody may have cleared it meanwhile. Nothing that is told is lost when
//! the control ring is full; it waits. Called by `live`, on the cold side.

use super::capital::{CapitalDesk, Published, When};
use super::clocks::{ClockFigures, Clocks};
use super::controlling::OperatorsDesk;
use super::counters::Counters;
use super::follower::Follower;
use super::hours::{HoursError, MarketHours};
use super::limits::PriceBands;
use super::quiet::QuietInstruments;
use super::resyncing::{Others, ResyncDesk};
use super::score::Scoreboard;
use crate::config::Configuration;
use crate::recovery::replica::ReplicaCounters;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use xmc_hotpath::desk::Desk;
use xmc_hotpath::feed::{SeqNo, Session};
use xmc_hotpath::message::{
    ClockScale, Control, Finding, FindingKind, Hours, InstrumentIndex, StreamId,
};
use xmc_hotpath::ring::Sender;
use xmc_hotpath::time::{MonoNs, Span, UnixNs};

/// A book that goes on to differ is told again after so long: snapshots may come many times a
/// second.
const BETWEEN_TELLINGS: Span = Span(10_000_000_000);

/// What is told while an engine runs.
#[derive(Debug)]
pub struct Telling {
    hours: MarketHours,
    clocks: Clocks,
    books: DifferingBooks,
    quiet: QuietInstruments,
    bands: PriceBands,
    /// Rows of the instruments of each feed.
    instruments: Vec<BTreeSet<u32>>,
    scores: Scoreboard,
    /// What operators have signed; `None`: nobody may.
    operators: Option<OperatorsDesk>,
    /// The money that orders use; `None`: nobody watches it.
    capital: Option<CapitalDesk>,
    /// What is compared with statements; `None`: nothing.
    resync: Option<ResyncDesk>,
    /// What the control ring has had no room for.
    waiting: VecDeque<Control>,
}

impl Telling {
    /// For `config`, at `scale`.
    ///
    /// # Errors
    /// The calendars.
    pub fn of(config: &Configuration, scale: &ClockScale) -> Result<Self, HoursError> {
        Ok(Self {
            hours: MarketHours::of(config, scale.utc)?,
            clocks: Clocks::of(config),
            books: DifferingBooks::of(config),
            quiet: QuietInstruments::of(config),
            bands: PriceBands::of(config),
            instruments: by_feed(config),
            scores: Scoreboard::new(config.feeds.len()),
            operators: None,
            capital: None,
            resync: None,
            waiting: VecDeque::new(),
        })
    }

    /// The desk begins with these, behind its configuration.
    pub fn carry(&mut self, told: &[Control]) {
        self.bands.carry(told);
    }

    /// Takes up what follows from the clock.
    pub fn on_clock(&mut self, scale: &ClockScale, counters: &Counters) {
        self.waiting.extend(self.hours.due(scale));
        let found = self.clocks.take(scale, &counters.replicas);
        self.waiting.extend(found.into_iter().map(Control::Finding));
        self.tell_feeds(counters, scale.at);
        self.scores.take(counters.feeds.iter().map(|feed| &**feed), scale.utc);
    }

    /// Listens to operators from now on.
    pub(super) fn listen(&mut self, operators: OperatorsDesk) {
        self.operators = Some(operators);
    }

    /// Watches capital from now on.
    pub(super) fn watch_capital(&mut self, capital: CapitalDesk) {
        self.capital = Some(capital);
    }

    /// How capital stands; `None`: nobody watches it.
    #[must_use]
    pub fn capital(&self) -> Option<Arc<Published>> {
        self.capital.as_ref().map(CapitalDesk::published)
    }

    /// The shadow shows all that the desk was told.
    fn is_caught_up(&self, is_behind: bool) -> bool {
        let is_quiet = self.operators.as_ref().is_none_or(OperatorsDesk::is_quiet);
        !is_behind && self.waiting.is_empty() && is_quiet
    }

    /// Takes up what follows from the money that orders use.
    pub(super) fn on_capital(
        &mut self,
        follower: &mut Follower<'_>,
        scale: &ClockScale,
        is_behind: bool,
    ) {
        let is_caught_up = self.is_caught_up(is_behind);
        let resync = self.resync.as_ref();
        let is_free = |row| resync.is_none_or(|resync| !resync.closes(row));
        if let (Some(capital), Some(trades)) = (&mut self.capital, &mut follower.trades) {
            let (desk, read) = (follower.shadow.desk(), follower.shadow.now());
            let has_difference = follower.difference.is_some();
            let (now, utc) = (scale.at, scale.utc);
            let when = When { now, read, utc, is_caught_up, has_difference, is_last: false };
            self.waiting.extend(capital.look(trades, desk, when, &is_free));
        }
    }

    /// Looks at capital once more, when nobody is told anything any more.
    pub(super) fn end_capital(&mut self, follower: &mut Follower<'_>, scale: &ClockScale) {
        if let (Some(capital), Some(trades)) = (&mut self.capital, &mut follower.trades) {
            let (desk, read) = (follower.shadow.desk(), follower.shadow.now());
            let has_difference = follower.difference.is_some();
            let (now, utc) = (scale.at, scale.utc);
            let when = When { now, read, utc, is_caught_up: false, has_difference, is_last: true };
            let _ = capital.look(trades, desk, when, &|_| false);
        }
    }

    /// Compares with statements from now on.
    pub(super) fn compare(&mut self, resync: Option<ResyncDesk>) {
        self.resync = resync;
    }

    /// The engine may not arm itself: an operator has stopped the desk.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.operators.as_ref().is_some_and(OperatorsDesk::is_held)
    }

    /// The run ends: operators may stop it, and allow nothing more.
    pub(super) fn end_operators(&mut self) {
        if let Some(operators) = &mut self.operators {
            operators.end();
        }
        self.resync.iter_mut().for_each(ResyncDesk::end);
    }

    /// Compares with what has come of statements by `now`, in UTC, and tells what follows.
    pub(super) fn on_statements(
        &mut self,
        now: UnixNs,
        follower: &mut Follower<'_>,
        control: &mut Sender<Control>,
        is_behind: bool,
    ) {
        let is_caught_up = self.is_caught_up(is_behind);
        let capital = self.capital.as_ref();
        let holds = |row| capital.is_some_and(|capital| capital.holds(row));
        if let Some(resync) = &mut self.resync {
            let others = Others { is_caught_up, holds: &holds };
            resync.poll(now, follower, self.hours.told().copied(), control, others);
        }
    }

    /// Does what operators have signed, and answers them by what the record shows.
    pub(super) fn on_operators(
        &mut self,
        follower: &mut Follower<'_>,
        control: &mut Sender<Control>,
    ) {
        if let Some(operators) = &mut self.operators {
            operators.poll(follower, &mut self.bands, self.resync.as_mut(), control);
        }
    }

    /// What is known of the clocks.
    #[must_use]
    pub fn clocks(&self) -> &ClockFigures {
        self.clocks.figures()
    }

    /// Lines A and B, hour by hour.
    #[must_use]
    pub fn scores(&self) -> &Scoreboard {
        &self.scores
    }

    /// Tells each feed whether anything that it quotes is traded now, as far as that is known.
    fn tell_feeds(&self, counters: &Counters, now: MonoNs) {
        for (feed, rows) in counters.feeds.iter().zip(&self.instruments) {
            let mut told = self.hours.told().filter(|told| rows.contains(&told.instrument.0));
            let is_open = |told: &Hours| told.from <= now && now < told.until;
            let session = match told.next() {
                None => Session::Unknown,
                Some(first) if is_open(first) || told.any(is_open) => Session::Open,
                Some(_) => Session::Shut,
            };
            feed.told.session.set(session.to_word());
        }
    }

    /// Takes up what has been found until `now`, by the replicas and in the books of `desk`.
    pub fn on_findings(&mut self, replicas: &[ReplicaCounters], desk: &Desk<'_>, now: MonoNs) {
        let quiet = self.quiet.look(desk, self.hours.told());
        let found = self.books.due(replicas, now).into_iter().chain(quiet);
        self.waiting.extend(found.map(Control::Finding));
        self.waiting.extend(self.bands.due(replicas.iter()));
    }

    /// Tells what there is room for.
    pub fn flush(&mut self, control: &mut Sender<Control>) {
        while let Some(told) = self.waiting.front()
            && control.push(*told).is_ok()
        {
            self.waiting.pop_front();
        }
    }
}

fn by_feed(config: &Configuration) -> Vec<BTreeSet<u32>> {
    let rows = |feed| {
        let rows = config.instruments.iter().zip(0..);
        rows.filter(move |(row, _)| row.feed == feed).map(|(_, index)| index).collect()
    };
    (0..config.feeds.len()).map(rows).collect()
}

/// Books that differ from the venue's snapshots, of all feeds.
#[derive(Debug)]
pub struct DifferingBooks {
    feeds: Vec<FeedBooks>,
    stops: bool,
}

#[derive(Debug)]
struct FeedBooks {
    stream: StreamId,
    /// Rows by the venue's number.
    rows: BTreeMap<i32, InstrumentIndex>,
    /// Differences that were looked at.
    seen: u64,
    /// By the venue's number: the snapshot that was told last, and when.
    told: BTreeMap<i32, (SeqNo, MonoNs)>,
}

impl DifferingBooks {
    /// Nothing differs yet.
    #[must_use]
    pub fn of(config: &Configuration) -> Self {
        let feeds = config.feeds.iter().zip(0..).map(|(feed, index)| {
            let rows = config.instruments.iter().zip(0..).filter(|(row, _)| row.feed == index);
            let rows = rows.map(|(row, at)| (row.security_id.value, InstrumentIndex(at)));
            FeedBooks {
                stream: StreamId(feed.stream_id.value),
                rows: rows.collect(),
                seen: 0,
                told: BTreeMap::new(),
            }
        });
        Self { feeds: feeds.collect(), stops: config.engine.differences_stop }
    }

    /// What the desk has to be told now.
    pub fn due(&mut self, replicas: &[ReplicaCounters], now: MonoNs) -> Vec<Finding> {
        let mut found = Vec::new();
        for (feed, replica) in self.feeds.iter_mut().zip(replicas) {
            let count = replica.audit.differences.get();
            if count != feed.seen {
                feed.seen = count;
                feed.look(replica, now, self.stops, &mut found);
            }
        }
        found
    }
}

impl FeedBooks {
    fn look(
        &mut self,
        replica: &ReplicaCounters,
        now: MonoNs,
        stops: bool,
        found: &mut Vec<Finding>,
    ) {
        for difference in replica.audit.instruments() {
            let (id, last) = (difference.security_id, difference.last);
            let is_told =
                |told: &(SeqNo, MonoNs)| told.0 == last || now.since(told.1) < BETWEEN_TELLINGS;
            if self.told.get(&id).is_some_and(is_told) {
                continue;
            }
            self.told.insert(id, (last, now));
            let row = self.rows.get(&id).copied();
            found.push(Finding {
                kind: FindingKind::BookDiffers,
                instrument: row.unwrap_or(InstrumentIndex::NONE),
                stream: self.stream,
                packet_seq_no: last.0,
                value: id.into(),
                // What has no row is not traded: the finding is one about the program.
                opens_nothing: stops && row.is_some(),
            });
        }
    }
}

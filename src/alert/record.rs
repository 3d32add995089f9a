//! The record read for what must be told: the desk's alerts and states, sessions and channels that
//! are well again, legs that stay out of ratio, orders that are refused.
//!
//! It reads no quotes, and so needs no state of before: it can begin at any record of a run. What
//! is counted over a run (legs, rejects) is known from the run's first record on; what is read of a
//! run that was begun in the middle tells its alerts and states only.
//!
//! Called by `engine::alerting`.

use super::rule::Rule;
use super::signal::{Labels, Raised, Signal, labels};
use crate::config::Configuration;
use crate::engine::live::ENDING_COMMANDS;
use crate::monitor::{Setting, Tally};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use xmc_hotpath::message::{
    Alert, AlertKind, ChannelState, ChannelUpdate, CommandKind, Decision, Detail, Gate, SafeState,
    Scope, SessionState, SessionUpdate, SpreadIndex, StateChange, StreamId,
};
use xmc_hotpath::record::codec::{Decoder, Field};
use xmc_hotpath::record::frame::{self, Body, FrameError, Header, Images, Kind, OwnedEvent};
use xmc_hotpath::time::MonoNs;

/// The window that the reject ratio is of.
const REJECT_WINDOW_NS: u64 = 60_000_000_000;
/// Fewer orders in it say nothing.
const LEAST_ORDERS: u64 = 20;

/// What is so of a desk while its run lasts.
const DESK_RULES: [Rule; 5] =
    [Rule::DeskSingleFeed, Rule::DeskNoNew, Rule::DeskFlatten, Rule::DeskHalt, Rule::RejectRatio];
/// What is so of a feed or an order session while a run lasts.
const STREAM_RULES: [Rule; 7] = [
    Rule::FeedGap,
    Rule::SessionDown,
    Rule::CopiesDiffer,
    Rule::FeedFrozen,
    Rule::FeedSingle,
    Rule::FeedStale,
    Rule::SessionGapped,
];

/// What things are called.
#[derive(Clone, Debug, Default)]
pub struct Names {
    spreads: Vec<String>,
    /// Streams, with whether they are feeds.
    streams: Vec<(StreamId, &'static str, String)>,
    /// Feed, the venue's number, the symbol.
    instruments: Vec<(StreamId, i64, String)>,
    /// By spread: symbols of its legs.
    legs: Vec<Vec<String>>,
}

impl Names {
    /// As `config` has them.
    #[must_use]
    pub fn of(config: &Configuration) -> Self {
        let stream = |kind, name: &str, id: u16| (StreamId(id), kind, name.to_owned());
        let feeds =
            config.feeds.iter().map(|row| stream("feed", &row.name.value, row.stream_id.value));
        let gateways = config.gateways.iter();
        let gateways = gateways.map(|row| stream("gateway", &row.name.value, row.stream_id.value));
        let instruments = config.instruments.iter().map(|row| {
            let feed = StreamId(config.feeds[row.feed].stream_id.value);
            (feed, i64::from(row.security_id.value), row.symbol.clone())
        });
        let symbol = |row: usize| config.instruments[row].symbol.clone();
        let legs = |row: &crate::config::Spread| {
            row.legs.iter().map(|leg| symbol(leg.instrument.value)).collect()
        };
        Self {
            spreads: config.spreads.iter().map(|row| row.name.value.clone()).collect(),
            streams: feeds.chain(gateways).collect(),
            instruments: instruments.collect(),
            legs: config.spreads.iter().map(legs).collect(),
        }
    }

    fn spread(&self, spread: SpreadIndex, to: &mut Labels) {
        if spread != SpreadIndex::ALL {
            let name = self.spreads.get(spread.0 as usize);
            let name = name.cloned().unwrap_or_else(|| format!("#{}", spread.0));
            to.insert("spread".to_owned(), name);
        }
    }

    fn stream(&self, stream: StreamId, to: &mut Labels) {
        if stream == StreamId::NONE {
            return;
        }
        match self.streams.iter().find(|(known, ..)| *known == stream) {
            Some((_, kind, name)) => to.insert((*kind).to_owned(), name.clone()),
            None => to.insert("stream".to_owned(), stream.0.to_string()),
        };
    }

    fn instrument(&self, feed: StreamId, number: i64, to: &mut Labels) {
        let known = self.instruments.iter().find(|row| (row.0, row.1) == (feed, number));
        let name = known.map_or_else(|| number.to_string(), |row| row.2.clone());
        to.insert("instrument".to_owned(), name);
    }
}

/// Limits of what is counted here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long legs may be out of ratio, ms.
    pub one_sided_ms: i64,
    /// Orders of the last minute that may be refused, percent.
    pub reject_pct: i64,
}

/// Reads a record.
#[derive(Debug)]
pub struct Reader {
    names: Names,
    setting: Arc<Setting>,
    limits: Limits,
    /// What the run has traded; `None` before its first record was read.
    tally: Option<Tally>,
    /// UTC beside the engine's clock, nanoseconds.
    utc_offset_ns: u64,
    /// The moment of the last input.
    now: MonoNs,
    /// The last input was the engine's own command that ends the run.
    is_ending: bool,
    /// By spread: it was told that its legs are out of ratio.
    one_sided: Vec<bool>,
    /// Orders and rejects at moments of the last minute.
    rejects: VecDeque<(MonoNs, u64, u64)>,
    has_rejects: bool,
    /// Sessions that were up in this run: what is missed before is the logon's.
    was_up: BTreeSet<StreamId>,
}

impl Reader {
    /// Reads a record of `config`'s desk.
    #[must_use]
    pub fn new(config: &Configuration, limits: Limits) -> Self {
        Self {
            names: Names::of(config),
            setting: Arc::new(Setting::of(config)),
            limits,
            tally: None,
            utc_offset_ns: 0,
            now: MonoNs(0),
            is_ending: false,
            one_sided: vec![false; config.spreads.len()],
            rejects: VecDeque::new(),
            has_rejects: false,
            was_up: BTreeSet::new(),
        }
    }

    /// One that has read nothing yet.
    #[must_use]
    pub fn anew(&self) -> Self {
        Self {
            names: self.names.clone(),
            setting: Arc::clone(&self.setting),
            limits: self.limits,
            tally: None,
            utc_offset_ns: 0,
            now: MonoNs(0),
            is_ending: false,
            one_sided: vec![false; self.one_sided.len()],
            rejects: VecDeque::new(),
            has_rejects: false,
            was_up: BTreeSet::new(),
        }
    }

    /// UTC at a moment of the run that is read.
    #[must_use]
    pub fn utc_ns(&self, at: MonoNs) -> u64 {
        at.0.wrapping_add(self.utc_offset_ns)
    }

    /// Reads one record of the desk.
    ///
    /// # Errors
    /// It does not read as one.
    pub fn take(
        &mut self,
        header: Header,
        body: &[u8],
        out: &mut Vec<Signal>,
    ) -> Result<(), FrameError> {
        if header.kind == Kind::Quote {
            // Its moment alone, which stands first: what follows from it has the same.
            self.now = MonoNs::take(&mut Decoder::new(body)).ok_or(FrameError::BadBody)?;
            self.is_ending = false;
            return Ok(());
        }
        let body = frame::decode(header, body, &mut Images::new(&mut []))?;
        match &body {
            Body::Start(start) => {
                self.tally = Some(Tally::new(Arc::clone(&self.setting)));
                self.utc_offset_ns = start.utc.0.wrapping_sub(start.now.0);
                self.now = start.now;
                self.is_ending = false;
                self.one_sided.fill(false);
                self.rejects.clear();
                self.has_rejects = false;
                self.was_up.clear();
                self.begin(out);
            }
            Body::Input(input) => {
                self.now = input.now;
                self.is_ending = false;
                match &input.event {
                    OwnedEvent::Channel(update) => self.channel(update, out),
                    OwnedEvent::Session(update) => self.session(update, out),
                    OwnedEvent::Clock(scale) => {
                        self.utc_offset_ns = scale.utc.0.wrapping_sub(scale.at.0);
                    }
                    OwnedEvent::Command(command) => {
                        let own = command.operator == 0;
                        self.is_ending = own && ENDING_COMMANDS.contains(&command.command_id);
                        if command.kind == CommandKind::Enable {
                            self.enabled(command.scope, out);
                        }
                    }
                    _ => {}
                }
            }
            Body::Detail(detail) => self.detail(detail, header.seq_no, out),
            Body::Order(_) => {}
        }
        if let Some(tally) = &mut self.tally {
            tally.take(&body);
        }
        Ok(())
    }

    /// What follows from time: `now` is the engine's clock.
    pub fn look(&mut self, now: MonoNs, out: &mut Vec<Signal>) {
        let Some(tally) = &self.tally else { return };
        let at_ns = now.0.wrapping_add(self.utc_offset_ns);
        for (row, told) in self.one_sided.iter_mut().enumerate() {
            let since = tally.spreads().get(row).and_then(|spread| spread.unhedged_since);
            let open_ms = since.map_or(0, |since| now.since(since).0 / 1_000_000);
            let open_ms = i64::try_from(open_ms).unwrap_or(i64::MAX);
            let mut of = Labels::new();
            self.names.spread(SpreadIndex(row as u32), &mut of);
            if open_ms > self.limits.one_sided_ms {
                if std::mem::replace(told, true) {
                    continue;
                }
                let raised = Raised::new(Rule::OneSided, of, at_ns).value(open_ms);
                out.push(Signal::Raise(raised.over(self.limits.one_sided_ms)));
            } else if std::mem::take(told) {
                out.push(Signal::Clear { rule: Rule::OneSided, labels: of });
            }
        }
        let totals = tally.totals();
        self.rejects.push_back((now, totals.orders, totals.rejects));
        while let Some((at, ..)) = self.rejects.front()
            && now.since(*at).0 > REJECT_WINDOW_NS
        {
            self.rejects.pop_front();
        }
        let (_, orders, rejects) = self.rejects.front().copied().unwrap_or((now, 0, 0));
        let (orders, rejects) = (totals.orders - orders, totals.rejects - rejects);
        let pct = i64::try_from(rejects * 100 / orders.max(1)).unwrap_or(i64::MAX);
        let limit = self.limits.reject_pct;
        if orders >= LEAST_ORDERS && pct > limit {
            if !std::mem::replace(&mut self.has_rejects, true) {
                let raised = Raised::new(Rule::RejectRatio, Labels::new(), at_ns);
                out.push(Signal::Raise(raised.value(pct).over(limit)));
            }
        } else if std::mem::take(&mut self.has_rejects) {
            out.push(Signal::Clear { rule: Rule::RejectRatio, labels: Labels::new() });
        }
    }

    /// What stood in the run before stands no longer, until this one says so.
    fn begin(&self, out: &mut Vec<Signal>) {
        let mut clear = |rules: &[Rule], labels: &Labels| {
            let all =
                rules.iter().map(|rule| Signal::Clear { rule: *rule, labels: labels.clone() });
            out.extend(all);
        };
        clear(&DESK_RULES, &Labels::new());
        for row in 0..self.names.spreads.len() as u32 {
            let mut of = Labels::new();
            self.names.spread(SpreadIndex(row), &mut of);
            clear(&[Rule::OneSided, Rule::SpreadHalted, Rule::SpreadReducing], &of);
        }
        for (_, kind, name) in &self.names.streams {
            clear(&STREAM_RULES, &labels([(kind, name)]));
        }
    }

    fn stream(&self, stream: StreamId) -> Labels {
        let mut of = Labels::new();
        self.names.stream(stream, &mut of);
        of
    }

    fn raise(&self, rule: Rule, labels: Labels, value: i64) -> Signal {
        Signal::Raise(Raised::new(rule, labels, self.utc_ns(self.now)).value(value))
    }

    fn channel(&self, update: &ChannelUpdate, out: &mut Vec<Signal>) {
        let of = || self.stream(update.stream);
        let is_well = matches!(update.state, ChannelState::Live | ChannelState::Closed);
        let mut clear = |rule| out.push(Signal::Clear { rule, labels: of() });
        if is_well || update.state == ChannelState::SingleLine {
            let over = [Rule::FeedGap, Rule::FeedFrozen, Rule::CopiesDiffer, Rule::FeedStale];
            over.into_iter().for_each(&mut clear);
        }
        if is_well {
            clear(Rule::FeedSingle);
        }
        if update.state == ChannelState::Stale {
            out.push(self.raise(Rule::FeedStale, of(), 0));
        }
    }

    fn session(&mut self, update: &SessionUpdate, out: &mut Vec<Signal>) {
        if update.state == SessionState::Up {
            self.was_up.insert(update.stream);
        }
        let of = || self.stream(update.stream);
        if update.state == SessionState::Gapped {
            if self.was_up.contains(&update.stream) {
                out.push(self.raise(Rule::SessionGapped, of(), 0));
            }
            return;
        }
        out.push(Signal::Clear { rule: Rule::SessionGapped, labels: of() });
        if update.state == SessionState::Up {
            out.push(Signal::Clear { rule: Rule::SessionDown, labels: of() });
        }
    }

    /// Spreads are enabled: whatever left them closing only is taken as dealt with.
    fn enabled(&self, scope: Scope, out: &mut Vec<Signal>) {
        for row in 0..self.names.spreads.len() as u32 {
            if matches!(scope, Scope::All) || scope == Scope::Spread(SpreadIndex(row)) {
                let mut of = Labels::new();
                self.names.spread(SpreadIndex(row), &mut of);
                out.push(Signal::Clear { rule: Rule::SpreadReducing, labels: of });
            }
        }
    }

    fn detail(&self, detail: &Detail, seq_no: u64, out: &mut Vec<Signal>) {
        match detail {
            Detail::Alert(alert) => out.push(self.alert(alert)),
            Detail::State(change) if !self.is_ending => self.state(change, out),
            Detail::Decision(decision) if decision.gate == Gate::Passed => {
                out.push(self.fired(decision, seq_no));
            }
            Detail::State(_)
            | Detail::Decision(_)
            | Detail::Ending(_)
            | Detail::Repair(_)
            | Detail::Follow(_)
            | Detail::Internal(_)
            | Detail::Ruling(_) => {}
        }
    }

    fn alert(&self, alert: &Alert) -> Signal {
        let mut of = self.stream(alert.stream);
        self.names.spread(alert.spread, &mut of);
        let names_instrument = matches!(alert.kind, AlertKind::BookDiffers | AlertKind::FeedFrozen);
        if names_instrument && alert.value != 0 {
            self.names.instrument(alert.stream, alert.value, &mut of);
        }
        self.raise(Rule::of_alert(alert.kind), of, alert.value)
    }

    fn state(&self, change: &StateChange, out: &mut Vec<Signal>) {
        let cause = i64::from(change.cause);
        if change.spread == SpreadIndex::ALL {
            let of_state = |state| match state {
                SafeState::Normal => None,
                SafeState::SingleFeed => Some(Rule::DeskSingleFeed),
                SafeState::NoNew => Some(Rule::DeskNoNew),
                SafeState::Flatten => Some(Rule::DeskFlatten),
                SafeState::Halt => Some(Rule::DeskHalt),
            };
            if let Some(rule) = of_state(change.from) {
                out.push(Signal::Clear { rule, labels: Labels::new() });
            }
            if let Some(rule) = of_state(change.to) {
                out.push(self.raise(rule, Labels::new(), cause));
            }
            return;
        }
        let mut of = Labels::new();
        self.names.spread(change.spread, &mut of);
        if change.from == SafeState::Halt {
            out.push(Signal::Clear { rule: Rule::SpreadHalted, labels: of.clone() });
        }
        match change.to {
            SafeState::Halt => out.push(self.raise(Rule::SpreadHalted, of, cause)),
            SafeState::Normal => {
                out.push(Signal::Clear { rule: Rule::SpreadReducing, labels: of });
                self.moves_again(change, out);
            }
            // A person has ordered it.
            _ if !change.by_alert => {}
            _ => out.push(self.raise(Rule::SpreadReducing, of, cause)),
        }
    }

    /// An instrument that had stopped moving moves again, as a spread of it says.
    fn moves_again(&self, change: &StateChange, out: &mut Vec<Signal>) {
        if !(change.by_alert && change.cause == AlertKind::FeedFrozen.code()) {
            return;
        }
        let symbols = self.names.legs.get(change.spread.0 as usize).into_iter().flatten();
        for symbol in symbols {
            let feeds = self.names.instruments.iter().filter(|row| row.2 == *symbol);
            for (feed, ..) in feeds {
                let mut of = self.stream(*feed);
                of.extend(labels([("instrument", symbol)]));
                out.push(Signal::Clear { rule: Rule::FeedFrozen, labels: of });
            }
        }
    }

    /// Each fire is an alert of its own.
    fn fired(&self, decision: &Decision, seq_no: u64) -> Signal {
        let mut of = labels([("input", &seq_no.to_string())]);
        self.names.spread(decision.spread, &mut of);
        self.raise(Rule::Fired, of, i64::from(decision.units))
    }
}

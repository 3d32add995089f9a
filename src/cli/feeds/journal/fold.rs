//! The record of a run, added up by channel, hour and instrument.

use super::signed::Signed;
use crate::audit::labels::Labels;
use crate::audit::scan::Decoding;
use crate::engine::score::NS_PER_HOUR;
use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use xmc_hotpath::message::{
    Alert, ChannelState, ChannelUpdate, Detail, InstrumentIndex, Quote, QuoteQuality, StreamId,
};
use xmc_hotpath::record::frame::{Body, OwnedEvent};
use xmc_hotpath::time::{MonoNs, Span, UnixNs};

/// Changes of state that are shown one by one; of more, the last.
const MOST_CHANGES: usize = 1_000;

/// Hours without an input that are still counted one by one.
const MOST_HOURS: u64 = 24 * 7;

/// What a channel was worth from a moment on.
#[derive(Clone, Debug)]
pub struct Change {
    /// When, in UTC; 0 if the record does not say how the clock stood.
    pub at: UnixNs,
    /// What it became.
    pub state: ChannelState,
    /// The epoch that began.
    pub epoch: u32,
    /// The last packet that was applied.
    pub packet_seq_no: u32,
    /// Packets that were given up.
    pub missing: u32,
    /// For how long; `None` if the run ended before it changed again.
    pub lasted: Option<Span>,
}

/// One hour of a channel.
#[derive(Clone, Debug, Default)]
pub struct Hour {
    /// Nanoseconds in each state, by its code.
    pub spent_ns: BTreeMap<u8, u64>,
    /// Times that packets were lost on both lines.
    pub gaps: u64,
    /// Those packets.
    pub missing: u64,
    /// Quotes that the desk took.
    pub quotes: u64,
    /// Quotes that were overwritten by newer ones before it took them.
    pub skipped: u64,
    /// Quotes that it must not trade on: of a book with a gap, and with prices that cannot be.
    pub gapped: u64,
    /// See `gapped`.
    pub insane: u64,
    /// From the venue's time in a quote to the packet's arrival here.
    pub lag: Signed,
}

impl Hour {
    /// Nanoseconds in a state.
    pub fn spent(&self, state: ChannelState) -> u64 {
        self.spent_ns.get(&state.code()).copied().unwrap_or(0)
    }

    /// Nanoseconds in states that are traded on, and in all.
    pub fn usable(&self) -> (u64, u64) {
        let sum = |is_counted: &dyn Fn(ChannelState) -> bool| {
            ChannelState::ALL
                .iter()
                .filter(|state| is_counted(**state))
                .map(|s| self.spent(*s))
                .sum()
        };
        (sum(&ChannelState::is_usable), sum(&|_| true))
    }
}

/// One instrument of a channel.
#[derive(Clone, Debug)]
pub struct Quoted {
    /// What it is called.
    pub name: String,
    /// Quotes that the desk took.
    pub quotes: u64,
    /// From one to the next, in nanoseconds, while the channel could be traded on.
    pub between: Histogram<u64>,
    /// When the last one came; `None` after the channel was lost.
    last: Option<MonoNs>,
}

/// One channel.
#[derive(Clone, Debug)]
pub struct Channel {
    /// Its number.
    pub stream: StreamId,
    /// What it is called.
    pub name: String,
    /// By hours since 1970.
    pub hours: BTreeMap<u64, Hour>,
    /// Its changes of state, the oldest first.
    pub changes: Vec<Change>,
    /// All changes of state, shown or not.
    pub changed: u64,
    /// Its instruments, by their place in the desk's table.
    pub instruments: BTreeMap<u32, Quoted>,
    /// Alerts that name it, by their kind.
    pub alerts: BTreeMap<&'static str, u64>,
    state: ChannelState,
    /// Since when it is in that state, and until when that has been counted.
    since: MonoNs,
    counted: MonoNs,
}

/// What was read so far.
#[derive(Debug, Default)]
pub struct Fold {
    labels: Labels,
    channels: BTreeMap<u16, Channel>,
    /// The hour and the moment of the last input.
    hour: u64,
    now: MonoNs,
    /// Runs that began.
    pub runs: u64,
}

impl Fold {
    /// Takes the next record; `labels` finds the names of a run by its configuration's digest.
    pub fn take(&mut self, body: &Body, at: &Decoding, labels: impl FnOnce(&[u8; 32]) -> Labels) {
        match body {
            Body::Start(start) => {
                self.end_run();
                self.labels = labels(&start.config_digest);
                self.runs += 1;
                (self.now, self.hour) = (start.now, start.utc.0 / NS_PER_HOUR);
            }
            Body::Input(input) => {
                self.turn(input.now, at.utc());
                self.now = input.now;
                match &input.event {
                    OwnedEvent::Channel(update) => self.update(update, at.utc()),
                    OwnedEvent::Quote { quote, .. } => self.quote(quote, at),
                    _ => {}
                }
            }
            Body::Detail(Detail::Alert(alert)) => self.alert(alert),
            Body::Detail(_) | Body::Order(_) => {}
        }
    }

    /// The channels, by their numbers.
    pub fn finish(mut self) -> Vec<Channel> {
        self.end_run();
        self.channels.into_values().collect()
    }

    /// Comes to the hour of `utc`, and counts what is over as the time of the hours before.
    fn turn(&mut self, now: MonoNs, utc: UnixNs) {
        let hour = utc.0 / NS_PER_HOUR;
        // A clock that was set says nothing about when hours ended.
        if hour < self.hour || hour - self.hour > MOST_HOURS {
            self.settle(now);
            self.hour = hour;
        }
        while self.hour < hour {
            let since_end_ns = utc.0 - (self.hour + 1) * NS_PER_HOUR;
            self.settle(MonoNs(now.0.saturating_sub(since_end_ns)));
            self.hour += 1;
        }
    }

    /// Counts the time until `now` as that of the current hour.
    fn settle(&mut self, now: MonoNs) {
        for channel in self.channels.values_mut() {
            channel.count(now, self.hour);
        }
    }

    fn end_run(&mut self) {
        self.settle(self.now);
        for channel in self.channels.values_mut() {
            channel.state = ChannelState::Down;
            for instrument in channel.instruments.values_mut() {
                instrument.last = None;
            }
        }
    }

    fn channel(&mut self, stream: StreamId) -> &mut Channel {
        let (labels, now) = (&self.labels, self.now);
        self.channels.entry(stream.0).or_insert_with(|| Channel {
            stream,
            name: labels.stream(stream),
            hours: BTreeMap::new(),
            changes: Vec::new(),
            changed: 0,
            instruments: BTreeMap::new(),
            alerts: BTreeMap::new(),
            state: ChannelState::Down,
            since: now,
            counted: now,
        })
    }

    fn update(&mut self, update: &ChannelUpdate, at: UnixNs) {
        let (now, hour) = (self.now, self.hour);
        let channel = self.channel(update.stream);
        channel.count(now, hour);
        let lasted = now.since(channel.since);
        if let Some(before) =
            channel.changes.last_mut().filter(|_| channel.state != ChannelState::Down)
        {
            before.lasted = Some(lasted);
        }
        if !update.state.is_usable() {
            channel.instruments.values_mut().for_each(|instrument| instrument.last = None);
        }
        let of = channel.hours.entry(hour).or_default();
        of.gaps += u64::from(update.missing > 0);
        of.missing += u64::from(update.missing);
        (channel.state, channel.since, channel.counted) = (update.state, now, now);
        channel.changed += 1;
        if channel.changes.len() == MOST_CHANGES {
            channel.changes.remove(0);
        }
        let ChannelUpdate { state, epoch, packet_seq_no, missing, .. } = *update;
        channel.changes.push(Change { at, state, epoch, packet_seq_no, missing, lasted: None });
    }

    fn quote(&mut self, quote: &Quote, at: &Decoding) {
        let hour = self.hour;
        let name = || self.labels.instrument(quote.instrument);
        let name = match self.channels.get(&quote.stream.0) {
            Some(known) if known.instruments.contains_key(&quote.instrument.0) => String::new(),
            _ => name(),
        };
        let arrived = at.scale.date(quote.received);
        let channel = self.channel(quote.stream);
        let of = channel.hours.entry(hour).or_default();
        of.quotes += 1;
        of.skipped += u64::from(quote.skipped);
        of.gapped += u64::from(quote.quality == QuoteQuality::Gapped);
        of.insane += u64::from(quote.quality == QuoteQuality::Insane);
        if let Some(arrived) = arrived.filter(|_| quote.exchange.0 > 0) {
            of.lag.record(i128::from(arrived.0) - i128::from(quote.exchange.0));
        }
        channel.quoted(quote.instrument, name).next(quote.received);
    }

    fn alert(&mut self, alert: &Alert) {
        if let Some(channel) = self.channels.get_mut(&alert.stream.0) {
            *channel.alerts.entry(alert.kind.word()).or_default() += 1;
        }
    }
}

impl Channel {
    fn count(&mut self, now: MonoNs, hour: u64) {
        let spent = now.since(self.counted).0;
        self.counted = self.counted.max(now);
        if self.state != ChannelState::Down && spent > 0 {
            let spent_ns = &mut self.hours.entry(hour).or_default().spent_ns;
            *spent_ns.entry(self.state.code()).or_default() += spent;
        }
    }

    fn quoted(&mut self, index: InstrumentIndex, name: String) -> &mut Quoted {
        self.instruments.entry(index.0).or_insert_with(|| Quoted {
            name,
            quotes: 0,
            between: Histogram::new(3).expect("3 digits are allowed"),
            last: None,
        })
    }

    /// Whether no packet was lost and every quote could be used.
    pub fn is_sound(&self) -> bool {
        self.hours.values().all(|hour| hour.gaps == 0 && hour.gapped == 0 && hour.insane == 0)
    }
}

impl Quoted {
    fn next(&mut self, received: MonoNs) {
        self.quotes += 1;
        if let Some(last) = self.last {
            self.between.record(received.since(last).0).expect("it grows");
        }
        self.last = Some(received);
    }
}

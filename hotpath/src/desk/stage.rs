//! The desk on a core: takes inputs from rings, records them, hands out the orders.
//!
//! For each input: the desk decides; the input and its orders are written to the record and
//! published; only then the orders go to the gateways. The poll ends there, so that a gateway on
//! the same core sends them at once; the details follow in the record at the start of the next
//! poll. So an order that left is always in the record together with the input that caused it,
//! whenever the process dies.
//!
//! Safety comes first in the order of a poll: channel states, then order news, control, time, and
//! last the quotes, a bounded batch of them.

use super::{Desk, Outputs};
use crate::counter::Counter;
use crate::message::{
    ChannelUpdate, Control, Credits, Event, GatewayNews, Input, MAX_GATEWAYS, OrderCommand, Quote,
};
use crate::record::frame::{Images, MAX_LEN, Start, Writer};
use crate::record::{RecordSink, WORST_INPUT_LEN};
use crate::ring::{Receiver, RingCounters, Sender};
use crate::risk::{RECORD_CLOSE_MAX_PCT, RECORD_LATE_PCT};
use crate::stage::{Stage, Work};
use crate::time::{Clock, MonoNs, Span};

/// Feeds that one desk can listen to.
pub const MAX_FEEDS: usize = 4;

/// Quotes taken in one poll of one feed.
const QUOTES_PER_POLL: usize = 16;

/// Order news taken in one poll of one gateway.
const NEWS_PER_POLL: usize = 16;

/// Slots of a gateway's ring that fires leave free, so that a cancel always has room.
const SLOTS_FOR_CANCELS: usize = 16;

/// What comes from one feed stage.
#[derive(Debug)]
pub struct FeedLink {
    /// Its quotes.
    pub quotes: Receiver<Quote>,
    /// Changes of its channels' states.
    pub channels: Receiver<ChannelUpdate>,
}

/// What goes to and comes from one gateway stage.
#[derive(Debug)]
pub struct GatewayLink {
    /// Orders, cancels, replaces.
    pub commands: Sender<OrderCommand>,
    /// What became of them, and the state of the session.
    pub news: Receiver<GatewayNews>,
}

crate::counters! {
    /// The rings that come from one feed stage.
    pub struct FeedRings {
        /// Quotes.
        pub quotes: RingCounters,
        /// Changes of its channels' states.
        pub channels: RingCounters,
    }
}

crate::counters! {
    /// What the desk stage counts.
    #[repr(align(128))]
    pub struct DeskCounters {
        /// Inputs consumed.
        pub inputs: Counter => Count "inputs",
        /// Quotes among the inputs.
        pub quotes: Counter => Count "quotes",
        /// Orders, cancels and replaces handed to gateways.
        pub orders: Counter => Count "messages",
        /// Records written.
        pub records: Counter => Count "records",
        /// Polls that found an input and no room in the record for what it might cause.
        pub record_full: Counter => Count "polls",
        /// Polls that left quotes waiting because the record was too full for them.
        pub quotes_held: Counter => Count "polls",
        /// Orders that waited because a gateway's ring was full.
        pub ring_full: Counter => Count "messages",
        /// How much of the record's ring is used: above 50 nothing is opened, above 75 no quote is
        /// taken.
        pub record_used_pct: Counter => Gauge "percent",
        /// The most of the record's ring that a housekeeping found used.
        pub record_most_pct: Counter => HighWater "percent",
        /// Whether the record has not got any safer for so long that nothing is opened.
        pub record_late: Counter => Word "in time|late",
        /// The state that the desk is in.
        pub state: Counter => Word "NORMAL|SINGLE_FEED|NO_NEW|FLATTEN|HALT",
        /// What comes from each feed.
        pub feeds: [FeedRings; MAX_FEEDS],
        /// What comes from each gateway.
        pub news: [RingCounters; MAX_GATEWAYS],
        /// What comes from the cold side.
        pub control: RingCounters,
    }
}

/// The stage.
#[derive(Debug)]
#[repr(align(128))]
pub struct DeskStage<'a, C, R> {
    desk: Desk<'a>,
    outputs: Outputs,
    clock: C,
    feeds: [Option<FeedLink>; MAX_FEEDS],
    gateways: [Option<GatewayLink>; MAX_GATEWAYS],
    control: Receiver<Control>,
    record: R,
    writer: Writer,
    images: Images<'a>,
    counters: &'a DeskCounters,
    seq_no: u64,
    /// Orders of the last input that did not fit into a gateway's ring yet: how many are gone.
    orders_sent: Option<usize>,
    /// The details of the last input are not in the record yet: its orders went first.
    has_details: bool,
    /// Free slots of the gateways' rings, once looked at in this poll. They can only get more until
    /// orders are pushed, and that ends the poll.
    slots: Option<[u8; MAX_GATEWAYS]>,
    /// A record that nobody has made safe for so long is late.
    late_after: Span,
    /// Up to where the record was safe, and since when it has been no further.
    waiting: Option<(u64, MonoNs)>,
    /// Nothing is opened: what was decided lately might be lost with the power.
    is_record_late: bool,
    /// Where a record is encoded. Kept, so that it is not cleared for each.
    scratch: [u8; MAX_LEN],
}

impl<'a, C: Clock, R: RecordSink> DeskStage<'a, C, R> {
    /// A desk with its rings. `start` is written as the first record.
    #[must_use]
    #[expect(clippy::too_many_arguments, reason = "called once, by `engine::wire`")]
    pub fn new(
        desk: Desk<'a>,
        clock: C,
        feeds: [Option<FeedLink>; MAX_FEEDS],
        gateways: [Option<GatewayLink>; MAX_GATEWAYS],
        control: Receiver<Control>,
        mut record: R,
        images: Images<'a>,
        counters: &'a DeskCounters,
        start: &Start,
    ) -> Self {
        let writer = Writer { identity: desk.identity() };
        let mut buffer = [0; MAX_LEN];
        if let Some(bytes) = writer.start(start, &mut buffer).and_then(|len| buffer.get(..len))
            && record.stage(bytes).is_ok()
        {
            record.publish();
        }
        Self {
            desk,
            outputs: Outputs::new(),
            clock,
            feeds,
            gateways,
            control,
            record,
            writer,
            images,
            counters,
            seq_no: 0,
            orders_sent: None,
            has_details: false,
            slots: None,
            late_after: Span(u64::MAX),
            waiting: None,
            is_record_late: false,
            scratch: [0; MAX_LEN],
        }
    }

    /// While the record has not got any safer for longer than `late_after`, it counts as too full
    /// to open anything: a disk that hangs, or a journal that is gone, shows long before its ring
    /// is full. Without this call it never does: the clock of a replay is not the disk's.
    pub fn set_late_after(&mut self, late_after: Span) {
        self.late_after = late_after;
    }

    /// Takes all control that is there: what the run begins with, before anything else is heard. A
    /// counter tells its day as soon as it is listened to, and the desk must know by then which
    /// orders of earlier runs it still waits for. `false` if the record has no room for all of it.
    #[cold]
    pub fn begin(&mut self) -> bool {
        while !self.control.is_empty() && self.has_room() {
            self.poll_control();
        }
        self.control.is_empty()
    }

    /// The desk, to be looked at.
    #[must_use]
    pub fn desk(&self) -> &Desk<'a> {
        &self.desk
    }

    /// What it has counted.
    #[must_use]
    pub fn counters(&self) -> &DeskCounters {
        self.counters
    }

    /// The record, to be looked at.
    #[must_use]
    pub fn record(&self) -> &R {
        &self.record
    }

    /// The record, to be drained by whoever owns both ends (the simulator).
    pub fn record_mut(&mut self) -> &mut R {
        &mut self.record
    }

    /// Room for whatever one more input may cause.
    #[inline]
    fn has_room(&mut self) -> bool {
        let has_room = self.orders_sent.is_none() && self.record.has_room(WORST_INPUT_LEN);
        if !has_room {
            self.counters.record_full.add(1);
        }
        has_room
    }

    /// Whether the record takes quotes. Above the mark they wait in their rings, where the newest
    /// of each instrument takes the place of the one before: what is left is for fills, cancels and
    /// repairs, of which none can wait.
    #[inline]
    fn has_room_for_quotes(&mut self) -> bool {
        let has_room = self.record.used_pct() <= RECORD_CLOSE_MAX_PCT;
        if !has_room {
            self.counters.quotes_held.add(1);
        }
        has_room
    }

    /// Consumes one input. Returns whether orders went out: then the poll is to end.
    #[inline]
    fn take(&mut self, event: Event<'_>) -> bool {
        self.record.reclaim();
        let input = Input { now: self.clock.now(), credits: self.credits(), event };
        self.desk.on(&input, &mut self.outputs);
        self.seq_no = self.seq_no.wrapping_add(1);
        self.write_intent(&input);
        self.counters.inputs.add(1);
        if self.outputs.order_count() > 0 {
            self.record.publish();
            self.has_details = true;
            self.send_orders(0);
            return true;
        }
        self.write_details();
        false
    }

    /// Writes the input and its orders.
    #[inline]
    fn write_intent(&mut self, input: &Input<'_>) {
        let Self { record, writer, scratch, .. } = self;
        let len = writer.input(self.seq_no, input, &mut self.images, scratch);
        stage(record, scratch, len);
        let mut count = 1_u64;
        for (order, index) in self.outputs.orders().zip(1_u16..) {
            let len = writer.order(self.seq_no, index, order, scratch);
            stage(record, scratch, len);
            count = count.wrapping_add(1);
        }
        self.counters.records.add(count);
    }

    /// Writes the details of the last input, and publishes what is not published.
    #[inline]
    fn write_details(&mut self) {
        let first = u16::try_from(self.outputs.order_count()).unwrap_or(u16::MAX);
        let Self { record, writer, scratch, .. } = self;
        let mut count = 0_u64;
        for (detail, index) in self.outputs.details().zip(first.wrapping_add(1)..) {
            let len = writer.detail(self.seq_no, index, detail, scratch);
            stage(record, scratch, len);
            count = count.wrapping_add(1);
        }
        self.counters.records.add(count);
        self.record.publish();
        self.record.warm();
        self.has_details = false;
    }

    /// Hands the orders of the last input to their gateways, from number `from` on. The desk saw
    /// room for a fire in its credits; what does not fit all the same (a burst of cancels) waits,
    /// and the desk takes no input until it is gone.
    #[inline]
    fn send_orders(&mut self, from: usize) -> bool {
        let mut sent = from;
        for order in self.outputs.orders().skip(from) {
            let link = self.gateways.get_mut(usize::from(order.gateway.0)).and_then(Option::as_mut);
            // An order to a gateway that is not wired cannot be: the gate looks at its credits.
            if link.is_some_and(|link| link.commands.push(*order).is_err()) {
                self.orders_sent = Some(sent);
                self.counters.ring_full.add(1);
                return false;
            }
            sent = sent.wrapping_add(1);
            self.counters.orders.add(1);
        }
        self.orders_sent = None;
        true
    }

    #[inline]
    fn credits(&mut self) -> Credits {
        let gateways = &self.gateways;
        let gateway_slots = *self.slots.get_or_insert_with(|| free_slots(gateways));
        let used_pct = self.record.used_pct();
        let least_pct = if self.is_record_late { RECORD_LATE_PCT } else { 0 };
        Credits { gateway_slots, record_used_pct: used_pct.max(least_pct) }
    }

    #[inline]
    fn poll_channels(&mut self) -> Work {
        let mut work = Work::Idle;
        for feed in 0..MAX_FEEDS {
            while self.feed(feed).is_some_and(|link| !link.channels.is_empty()) {
                if !self.has_room() {
                    return Work::Blocked;
                }
                if let Some(update) = self.feed(feed).and_then(|link| link.channels.pop())
                    && self.take(Event::Channel(update))
                {
                    return Work::Busy;
                }
                work = Work::Busy;
            }
        }
        work
    }

    #[inline]
    fn poll_news(&mut self) -> Work {
        let mut work = Work::Idle;
        for gateway in 0..MAX_GATEWAYS {
            for _ in 0..NEWS_PER_POLL {
                if self.gateway(gateway).is_none_or(|link| link.news.is_empty()) {
                    break;
                }
                if !self.has_room() {
                    return Work::Blocked;
                }
                if let Some(news) = self.gateway(gateway).and_then(|link| link.news.pop())
                    && self.take(news.as_event())
                {
                    return Work::Busy;
                }
                work = Work::Busy;
            }
        }
        work
    }

    #[inline]
    fn poll_control(&mut self) -> Work {
        if self.control.is_empty() {
            return Work::Idle;
        }
        if !self.has_room() {
            return Work::Blocked;
        }
        if let Some(control) = self.control.pop() {
            self.take(control.as_event());
        }
        Work::Busy
    }

    #[inline]
    fn poll_time(&mut self) -> Work {
        // Nothing is due on an idle desk most of the time: the clock is read only if something
        // may be.
        let deadline = self.desk.next_deadline();
        if deadline == crate::time::MonoNs::NEVER || deadline > self.clock.now() {
            return Work::Idle;
        }
        if !self.has_room() {
            return Work::Blocked;
        }
        self.take(Event::Tick);
        Work::Busy
    }

    #[inline]
    fn poll_quotes(&mut self) -> Work {
        let mut work = Work::Idle;
        for feed in 0..MAX_FEEDS {
            for taken in 1..=QUOTES_PER_POLL {
                if self.feed(feed).is_none_or(|link| link.quotes.is_empty()) {
                    break;
                }
                if !self.has_room() || !self.has_room_for_quotes() {
                    return Work::Blocked;
                }
                let Some(quote) = self.feed(feed).and_then(|link| link.quotes.pop()) else {
                    break;
                };
                let waits = self.feed(feed).is_some_and(|link| link.quotes.has_known());
                let more = waits && taken < QUOTES_PER_POLL;
                self.counters.quotes.add(1);
                if self.take(Event::Quote { quote: &quote, more }) {
                    return Work::Busy;
                }
                work = Work::Busy;
            }
        }
        work
    }

    /// Says how things stand.
    fn show(&mut self) {
        let used_pct = u64::from(self.record.used_pct());
        let counters = self.counters;
        counters.record_used_pct.set(used_pct);
        counters.record_most_pct.set(counters.record_most_pct.get().max(used_pct));
        counters.record_late.set(u64::from(self.is_record_late));
        counters.state.set(u64::from(self.desk.state().code()));
        for (link, rings) in self.feeds.iter().zip(&counters.feeds) {
            if let Some(link) = link {
                link.quotes.show(&rings.quotes);
                link.channels.show(&rings.channels);
            }
        }
        for (link, ring) in self.gateways.iter().zip(&counters.news) {
            if let Some(link) = link {
                link.news.show(ring);
            }
        }
        self.control.show(&counters.control);
    }

    #[inline(always)]
    fn feed(&mut self, feed: usize) -> Option<&mut FeedLink> {
        self.feeds.get_mut(feed).and_then(Option::as_mut)
    }

    #[inline(always)]
    fn gateway(&mut self, gateway: usize) -> Option<&mut GatewayLink> {
        self.gateways.get_mut(gateway).and_then(Option::as_mut)
    }
}

impl<C: Clock, R: RecordSink> Stage for DeskStage<'_, C, R> {
    #[inline]
    fn poll(&mut self) -> Work {
        self.slots = None;
        if let Some(sent) = self.orders_sent
            && !self.send_orders(sent)
        {
            return Work::Blocked;
        }
        if self.has_details {
            self.write_details();
        }
        let mut work = Work::Idle;
        for part in [
            Self::poll_channels,
            Self::poll_news,
            Self::poll_control,
            Self::poll_time,
            Self::poll_quotes,
        ] {
            work = work.or(part(self));
            if self.has_details || self.orders_sent.is_some() {
                // Orders have just gone out: their gateway comes first.
                return work;
            }
        }
        work
    }

    fn housekeeping(&mut self) {
        let now = self.clock.now();
        let since = match (self.record.released(), self.waiting) {
            (None, _) => None,
            (Some(safe), Some((before, since))) if safe == before => Some((safe, since)),
            (Some(safe), _) => Some((safe, now)),
        };
        self.waiting = since;
        self.is_record_late = since.is_some_and(|(_, since)| now.since(since) > self.late_after);
        self.show();
    }
}

/// Free slots of each gateway's ring, as the desk counts them.
#[inline]
fn free_slots(gateways: &[Option<GatewayLink>; MAX_GATEWAYS]) -> [u8; MAX_GATEWAYS] {
    let mut gateway_slots = [0_u8; MAX_GATEWAYS];
    for (slots, link) in gateway_slots.iter_mut().zip(gateways) {
        let wanted = SLOTS_FOR_CANCELS.wrapping_add(super::ORDERS_MAX);
        let free = link.as_ref().map_or(0, |link| link.commands.free(wanted));
        let free = free.saturating_sub(SLOTS_FOR_CANCELS).min(super::ORDERS_MAX);
        *slots = u8::try_from(free).unwrap_or(u8::MAX);
    }
    gateway_slots
}

/// Stages an encoded record. Room was checked before the input was taken, and the buffer is as long
/// as any record, so neither can fail; if one did, the sequence would show the hole.
#[inline]
fn stage<R: RecordSink>(record: &mut R, buffer: &[u8], len: Option<usize>) {
    if let Some(bytes) = len.and_then(|len| buffer.get(..len)) {
        let staged = record.stage(bytes);
        debug_assert!(staged.is_ok(), "the record has room for whatever one input can cause");
    }
}

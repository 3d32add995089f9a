//! Whole records: a 16-byte header, then the body in canonical encoding.
//!
//! ```text
//! offset 0  2  length of the whole record in bytes
//!        2  1  kind
//!        3  1  version of the encoding: 1
//!        4  1  site
//!        5  1  desk
//!        6  2  index: 0 for an input, 1.. for the outputs that it caused, in order
//!        8  8  sequence number of the input, from 1, without holes
//! ```
//!
//! A quote is written as what changed since the last one of the same instrument; every
//! `FULL_IMAGE_EVERY`-th is a full image, so a reader that starts in the middle finds its feet.
//! Reader and writer keep the same `Images` to do so.

use super::codec::{Decoder, Encoder, Field, code};
use crate::message::{
    AccountLimits, Alert, ChannelUpdate, ClockScale, Command, Credits, Decision, Depth, DeskId,
    DeskIdentity, Detail, Ending, Event, GatewayLimits, Input, InstrumentIndex, InstrumentSpec,
    MAX_GATEWAYS, OrderCommand, OrderEvent, QUOTE_LEVELS, Quote, QuoteQuality, SessionUpdate,
    SiteId, SpreadSpec, StateChange, StreamId,
};
use crate::time::{MonoNs, UnixNs};

/// Version of the encoding that this build writes.
pub const VERSION: u8 = 1;

/// Version of the desk's logic. Byte equality of a replay is promised within one version.
pub const LOGIC_VERSION: u16 = 1;

/// Bytes of a header.
pub const HEADER_LEN: usize = 16;

/// No record is longer than this.
pub const MAX_LEN: usize = 512;

/// Bytes that every input has before its event: `now` and the credits.
const INPUT_LEN: usize = 8 + MAX_GATEWAYS + 1;
const _: () = assert!(HEADER_LEN + INPUT_LEN + SpreadSpec::LEN <= MAX_LEN);
const _: () = assert!(HEADER_LEN + Ending::LEN <= MAX_LEN);
const _: () = assert!(HEADER_LEN + INPUT_LEN + 64 + 2 * QUOTE_LEVELS * 12 <= MAX_LEN);

/// A full quote image is written at least this often, per instrument.
pub const FULL_IMAGE_EVERY: u16 = 256;

code! {
    /// What a record is.
    pub enum Kind {
        /// Input: a quote, as consumed.
        Quote = 1 "quote",
        /// Input: a feed channel changed state.
        Channel = 2 "channel",
        /// Input: news of an order.
        OrderEvent = 3 "order_event",
        /// Input: an order session changed state.
        Session = 4 "session",
        /// Input: contract data and limits.
        Instrument = 5 "instrument",
        /// Input: a spread.
        Spread = 6 "spread",
        /// Input: limits of a gateway.
        Gateway = 7 "gateway",
        /// Input: a command.
        Command = 8 "command",
        /// Input: the clock against UTC.
        Clock = 9 "clock",
        /// Input: time alone.
        Tick = 10 "tick",
        /// Input: limits of an account, or of the whole desk.
        Account = 11 "account",
        /// Output: an order, a cancel or a replace.
        Order = 32 "order",
        /// Output: a trigger was met.
        Decision = 33 "decision",
        /// Output: something for a person.
        Alert = 34 "alert",
        /// Output: a safe state changed.
        State = 35 "state",
        /// Output: a fire ended.
        Ending = 36 "ending",
        /// The shell: a run of the desk starts; always its first record.
        Start = 64 "start",
    }
}

impl Kind {
    /// Whether it is something that the desk was told.
    #[must_use]
    pub const fn is_input(self) -> bool {
        self.code() < 32
    }

    /// Whether it is something that the desk did or said.
    #[must_use]
    pub const fn is_output(self) -> bool {
        self.code() >= 32 && self.code() < 64
    }
}

/// The first 16 bytes of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Length of the whole record in bytes.
    pub len: u16,
    /// What it is.
    pub kind: Kind,
    /// The site.
    pub site: SiteId,
    /// The desk.
    pub desk: DeskId,
    /// 0 for an input, 1.. for its outputs.
    pub index: u16,
    /// The input's sequence number.
    pub seq_no: u64,
}

/// Why bytes are not a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// They end before the record does.
    Truncated,
    /// The length field is below a header or above `MAX_LEN`.
    BadLength,
    /// The kind byte stands for nothing known.
    UnknownKind,
    /// Written by another version of the encoding.
    UnknownVersion,
    /// An input or a start with an index, an output without one, or a sequence number that its
    /// kind cannot have: 0 is for the start alone.
    BadPlace,
    /// The body does not decode as its kind, or is not how this encoding writes that value.
    BadBody,
    /// A quote that says what changed since one that was not read: start at a full image.
    NoImage,
}

/// What a run of the desk starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// Site, desk and run.
    pub identity: DeskIdentity,
    /// Version of the desk's logic.
    pub logic_version: u16,
    /// The engine's clock at the start.
    pub now: MonoNs,
    /// The same moment in UTC; 0 if not known.
    pub utc: UnixNs,
    /// SHA-256 of the configuration that was loaded.
    pub config_digest: [u8; 32],
    /// Rows of the desk's arenas: instruments, spreads, orders.
    pub arenas: [u32; 3],
}

/// One decoded record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "decoded one at a time, on the cold side")]
pub enum Body {
    /// An input.
    Input(OwnedInput),
    /// An output: an order.
    Order(OrderCommand),
    /// An output: a detail.
    Detail(Detail),
    /// The start of a run.
    Start(Start),
}

/// An `Input` that owns what it tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnedInput {
    /// The moment of consumption.
    pub now: MonoNs,
    /// Room in the rings.
    pub credits: Credits,
    /// What happened.
    pub event: OwnedEvent,
}

/// An `Event` that owns what it tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the variants are those of Event")]
pub enum OwnedEvent {
    Quote { quote: Quote, more: bool },
    Channel(ChannelUpdate),
    Order(OrderEvent),
    Session(SessionUpdate),
    Instrument(InstrumentSpec),
    Spread(SpreadSpec),
    Gateway(GatewayLimits),
    Account(AccountLimits),
    Command(Command),
    Clock(ClockScale),
    Tick,
}

impl OwnedInput {
    /// The input that it owns.
    #[must_use]
    pub fn as_input(&self) -> Input<'_> {
        let event = match &self.event {
            OwnedEvent::Quote { quote, more } => Event::Quote { quote, more: *more },
            OwnedEvent::Channel(update) => Event::Channel(*update),
            OwnedEvent::Order(event) => Event::Order(*event),
            OwnedEvent::Session(update) => Event::Session(*update),
            OwnedEvent::Instrument(spec) => Event::Instrument(spec),
            OwnedEvent::Spread(spec) => Event::Spread(spec),
            OwnedEvent::Gateway(limits) => Event::Gateway(*limits),
            OwnedEvent::Account(limits) => Event::Account(*limits),
            OwnedEvent::Command(command) => Event::Command(*command),
            OwnedEvent::Clock(scale) => Event::Clock(*scale),
            OwnedEvent::Tick => Event::Tick,
        };
        Input { now: self.now, credits: self.credits, event }
    }
}

/// The last quote written or read of each instrument, and how many deltas ago its full image was.
#[derive(Debug)]
pub struct Images<'a> {
    rows: &'a mut [Image],
    /// A delta was read whose base was not.
    is_missing: bool,
}

/// One row of `Images`.
#[derive(Clone, Copy, Debug)]
pub struct Image {
    quote: Quote,
    deltas: u16,
}

impl Image {
    /// Nothing written or read yet.
    pub const EMPTY: Self = Self { quote: Quote::EMPTY, deltas: FULL_IMAGE_EVERY };
}

impl<'a> Images<'a> {
    /// Keeps images in `rows`, one per instrument. Instruments beyond are written in full.
    #[must_use]
    pub fn new(rows: &'a mut [Image]) -> Self {
        Self { rows, is_missing: false }
    }

    /// Forgets everything: the next quote of each instrument is a full image.
    pub fn clear(&mut self) {
        self.rows.fill(Image::EMPTY);
    }

    #[inline]
    fn row(&mut self, instrument: InstrumentIndex) -> Option<&mut Image> {
        self.rows.get_mut(usize::try_from(instrument.0).ok()?)
    }
}

/// Writes records of one desk into buffers.
#[derive(Clone, Copy, Debug)]
pub struct Writer {
    /// Whose records.
    pub identity: DeskIdentity,
}

impl Writer {
    /// Encodes an input; returns its length, or `None` if `buffer` is too short (`MAX_LEN` is
    /// always enough).
    #[inline]
    pub fn input(
        &self,
        seq_no: u64,
        input: &Input<'_>,
        images: &mut Images<'_>,
        buffer: &mut [u8],
    ) -> Option<usize> {
        let kind = match input.event {
            Event::Quote { .. } => Kind::Quote,
            Event::Channel(_) => Kind::Channel,
            Event::Order(_) => Kind::OrderEvent,
            Event::Session(_) => Kind::Session,
            Event::Instrument(_) => Kind::Instrument,
            Event::Spread(_) => Kind::Spread,
            Event::Gateway(_) => Kind::Gateway,
            Event::Account(_) => Kind::Account,
            Event::Command(_) => Kind::Command,
            Event::Clock(_) => Kind::Clock,
            Event::Tick => Kind::Tick,
        };
        self.write(kind, seq_no, 0, buffer, |out| {
            input.now.put(out);
            input.credits.gateway_slots.put(out);
            input.credits.record_used_pct.put(out);
            match input.event {
                Event::Quote { quote, more } => {
                    more.put(out);
                    put_quote(quote, images, out);
                }
                Event::Channel(update) => update.put(out),
                Event::Order(event) => event.put(out),
                Event::Session(update) => update.put(out),
                Event::Instrument(spec) => spec.put(out),
                Event::Spread(spec) => spec.put(out),
                Event::Gateway(limits) => limits.put(out),
                Event::Account(limits) => limits.put(out),
                Event::Command(command) => command.put(out),
                Event::Clock(scale) => scale.put(out),
                Event::Tick => {}
            }
        })
    }

    /// Encodes an order as output `index` of input `seq_no`.
    #[inline]
    pub fn order(
        &self,
        seq_no: u64,
        index: u16,
        order: &OrderCommand,
        buffer: &mut [u8],
    ) -> Option<usize> {
        self.write(Kind::Order, seq_no, index, buffer, |out| order.put(out))
    }

    /// Encodes a detail as output `index` of input `seq_no`.
    #[inline]
    pub fn detail(
        &self,
        seq_no: u64,
        index: u16,
        detail: &Detail,
        buffer: &mut [u8],
    ) -> Option<usize> {
        let kind = match detail {
            Detail::Decision(_) => Kind::Decision,
            Detail::Alert(_) => Kind::Alert,
            Detail::State(_) => Kind::State,
            Detail::Ending(_) => Kind::Ending,
        };
        self.write(kind, seq_no, index, buffer, |out| match detail {
            Detail::Decision(decision) => decision.put(out),
            Detail::Alert(alert) => alert.put(out),
            Detail::State(change) => change.put(out),
            Detail::Ending(ending) => ending.put(out),
        })
    }

    /// Encodes the start of a run.
    pub fn start(&self, start: &Start, buffer: &mut [u8]) -> Option<usize> {
        self.write(Kind::Start, 0, 0, buffer, |out| {
            start.identity.run.put(out);
            start.logic_version.put(out);
            start.now.put(out);
            start.utc.put(out);
            start.config_digest.put(out);
            start.arenas.put(out);
        })
    }

    #[inline(always)]
    fn write(
        &self,
        kind: Kind,
        seq_no: u64,
        index: u16,
        buffer: &mut [u8],
        body: impl FnOnce(&mut Encoder<'_>),
    ) -> Option<usize> {
        let (header, rest) = buffer.split_first_chunk_mut::<HEADER_LEN>()?;
        let mut out = Encoder::new(rest);
        body(&mut out);
        let len = out.written()?.checked_add(HEADER_LEN)?;
        let mut out = Encoder::new(header);
        u16::try_from(len).ok()?.put(&mut out);
        kind.put(&mut out);
        VERSION.put(&mut out);
        self.identity.site.put(&mut out);
        self.identity.desk.put(&mut out);
        index.put(&mut out);
        seq_no.put(&mut out);
        Some(len)
    }
}

/// Set in a quote's mask when all levels follow and no earlier quote is needed. So it is whenever
/// all levels changed: a delta never carries all of them.
const FULL_IMAGE: u16 = 1 << 15;

#[inline]
fn put_quote(quote: &Quote, images: &mut Images<'_>, out: &mut Encoder<'_>) {
    quote.instrument.put(out);
    quote.stream.put(out);
    quote.quality.put(out);
    quote.received.put(out);
    quote.exchange.put(out);
    quote.epoch.put(out);
    quote.packet_seq_no.put(out);
    quote.skipped.put(out);
    let bid_count = level_count(&quote.bids);
    let ask_count = level_count(&quote.asks);
    bid_count.put(out);
    ask_count.put(out);
    let all = present(bid_count) | present(ask_count) << QUOTE_LEVELS;
    let mut mask = FULL_IMAGE | all;
    if let Some(row) = images.row(quote.instrument) {
        let mut deltas = 0;
        if row.deltas < FULL_IMAGE_EVERY {
            let changed = changed(&row.quote.bids, &quote.bids, bid_count)
                | changed(&row.quote.asks, &quote.asks, ask_count) << QUOTE_LEVELS;
            if changed != all {
                mask = changed;
                deltas = row.deltas.wrapping_add(1);
            }
        }
        *row = Image { quote: *quote, deltas };
    }
    mask.put(out);
    put_levels(&quote.bids, mask, out);
    put_levels(&quote.asks, mask >> QUOTE_LEVELS, out);
}

/// Levels of a side, as many as there are at most.
#[inline(always)]
fn level_count(depth: &Depth) -> u8 {
    u8::try_from(depth.count).unwrap_or(u8::MAX).min(5)
}

/// A bit for each of the first `count` levels.
#[inline(always)]
fn present(count: u8) -> u16 {
    (1_u16 << (count & 7)).wrapping_sub(1)
}

/// A bit for each of the first `count` levels that differ.
#[inline(always)]
fn changed(old: &Depth, new: &Depth, count: u8) -> u16 {
    let mut mask = 0_u16;
    let mut bit = 1_u16;
    let old_levels = old.price_e9.iter().zip(&old.lots);
    let new_levels = new.price_e9.iter().zip(&new.lots);
    for (old_level, new_level) in old_levels.zip(new_levels) {
        if old_level != new_level {
            mask |= bit;
        }
        bit <<= 1;
    }
    mask & present(count)
}

#[inline(always)]
fn put_levels(depth: &Depth, mask: u16, out: &mut Encoder<'_>) {
    let mut bits = mask;
    for (price_e9, lots) in depth.price_e9.iter().zip(&depth.lots) {
        if bits & 1 != 0 {
            price_e9.put(out);
            lots.put(out);
        }
        bits >>= 1;
    }
}

/// Splits the first record off `bytes`: its header, its body, and the rest.
///
/// # Errors
/// See `FrameError`. `Truncated` is the only one that more bytes can cure.
pub fn split(bytes: &[u8]) -> Result<(Header, &[u8], &[u8]), FrameError> {
    let mut input = Decoder::new(bytes);
    let header = header(&mut input).ok_or(FrameError::Truncated)??;
    let len = usize::from(header.len);
    let (record, rest) = bytes.split_at_checked(len).ok_or(FrameError::Truncated)?;
    let body = record.get(HEADER_LEN..).ok_or(FrameError::BadLength)?;
    Ok((header, body, rest))
}

fn header(input: &mut Decoder<'_>) -> Option<Result<Header, FrameError>> {
    let len = u16::take(input)?;
    let kind = u8::take(input)?;
    let version = u8::take(input)?;
    let site = SiteId::take(input)?;
    let desk = DeskId::take(input)?;
    let index = u16::take(input)?;
    let seq_no = u64::take(input)?;
    if version != VERSION {
        return Some(Err(FrameError::UnknownVersion));
    }
    if usize::from(len) < HEADER_LEN || usize::from(len) > MAX_LEN {
        return Some(Err(FrameError::BadLength));
    }
    let Some(kind) = Kind::from_code(kind) else {
        return Some(Err(FrameError::UnknownKind));
    };
    if (index > 0) != kind.is_output() || (seq_no > 0) == matches!(kind, Kind::Start) {
        return Some(Err(FrameError::BadPlace));
    }
    Some(Ok(Header { len, kind, site, desk, index, seq_no }))
}

/// Decodes the body of a record. Quotes need the `images` of all records before it.
///
/// What decodes is the one encoding of its value, but for this: a quote may be a full image where a
/// delta would do.
///
/// # Errors
/// `NoImage` if it is a delta whose base was not read; `BadBody` if it does not decode, or is
/// longer than its kind. The images are not to be used further then.
pub fn decode(header: Header, body: &[u8], images: &mut Images<'_>) -> Result<Body, FrameError> {
    let mut input = Decoder::new(body);
    images.is_missing = false;
    match take_body(header, &mut input, images) {
        Some(decoded) if input.rest().is_empty() => Ok(decoded),
        None if images.is_missing => Err(FrameError::NoImage),
        Some(_) | None => Err(FrameError::BadBody),
    }
}

fn take_body(header: Header, input: &mut Decoder<'_>, images: &mut Images<'_>) -> Option<Body> {
    Some(match header.kind {
        Kind::Order => Body::Order(OrderCommand::take(input)?),
        Kind::Decision => Body::Detail(Detail::Decision(Decision::take(input)?)),
        Kind::Alert => Body::Detail(Detail::Alert(Alert::take(input)?)),
        Kind::State => Body::Detail(Detail::State(StateChange::take(input)?)),
        Kind::Ending => Body::Detail(Detail::Ending(Ending::take(input)?)),
        Kind::Start => Body::Start(Start {
            identity: DeskIdentity { site: header.site, desk: header.desk, run: u16::take(input)? },
            logic_version: u16::take(input)?,
            now: MonoNs::take(input)?,
            utc: UnixNs::take(input)?,
            config_digest: Field::take(input)?,
            arenas: Field::take(input)?,
        }),
        Kind::Quote
        | Kind::Channel
        | Kind::OrderEvent
        | Kind::Session
        | Kind::Instrument
        | Kind::Spread
        | Kind::Gateway
        | Kind::Account
        | Kind::Command
        | Kind::Clock
        | Kind::Tick => Body::Input(OwnedInput {
            now: MonoNs::take(input)?,
            credits: Credits {
                gateway_slots: <[u8; MAX_GATEWAYS]>::take(input)?,
                record_used_pct: u8::take(input)?,
            },
            event: take_event(header.kind, input, images)?,
        }),
    })
}

fn take_event(kind: Kind, input: &mut Decoder<'_>, images: &mut Images<'_>) -> Option<OwnedEvent> {
    Some(match kind {
        Kind::Quote => {
            let more = bool::take(input)?;
            OwnedEvent::Quote { quote: take_quote(input, images)?, more }
        }
        Kind::Channel => OwnedEvent::Channel(Field::take(input)?),
        Kind::OrderEvent => OwnedEvent::Order(Field::take(input)?),
        Kind::Session => OwnedEvent::Session(Field::take(input)?),
        Kind::Instrument => OwnedEvent::Instrument(Field::take(input)?),
        Kind::Spread => OwnedEvent::Spread(Field::take(input)?),
        Kind::Gateway => OwnedEvent::Gateway(Field::take(input)?),
        Kind::Account => OwnedEvent::Account(Field::take(input)?),
        Kind::Command => OwnedEvent::Command(Field::take(input)?),
        Kind::Clock => OwnedEvent::Clock(Field::take(input)?),
        Kind::Tick => OwnedEvent::Tick,
        Kind::Order | Kind::Decision | Kind::Alert | Kind::State | Kind::Ending | Kind::Start => {
            return None;
        }
    })
}

fn take_quote(input: &mut Decoder<'_>, images: &mut Images<'_>) -> Option<Quote> {
    let instrument = InstrumentIndex::take(input)?;
    let stream = StreamId::take(input)?;
    let quality = QuoteQuality::take(input)?;
    let received = MonoNs::take(input)?;
    let exchange = UnixNs::take(input)?;
    let epoch = u32::take(input)?;
    let packet_seq_no = u32::take(input)?;
    let skipped = u32::take(input)?;
    let bid_count = u8::take(input)?;
    let ask_count = u8::take(input)?;
    let mask = u16::take(input)?;
    let is_full = mask & FULL_IMAGE != 0;
    let all = present(bid_count) | present(ask_count) << QUOTE_LEVELS;
    let is_canonical =
        if is_full { mask == FULL_IMAGE | all } else { mask != all && mask & !all == 0 };
    if usize::from(bid_count.max(ask_count)) > QUOTE_LEVELS || !is_canonical {
        return None;
    }
    let (bids, asks) = match images.row(instrument) {
        _ if is_full => (Depth::NO_BIDS, Depth::NO_ASKS),
        Some(row) if row.deltas < FULL_IMAGE_EVERY => (row.quote.bids, row.quote.asks),
        _ => {
            images.is_missing = true;
            return None;
        }
    };
    let quote = Quote {
        received,
        exchange,
        instrument,
        epoch,
        packet_seq_no,
        skipped,
        stream,
        quality,
        bids: take_levels(&bids, Depth::NO_BIDS, bid_count, mask, is_full, input)?,
        asks: take_levels(&asks, Depth::NO_ASKS, ask_count, mask >> QUOTE_LEVELS, is_full, input)?,
    };
    if let Some(row) = images.row(instrument) {
        let deltas = if is_full { 0 } else { row.deltas.wrapping_add(1) };
        *row = Image { quote, deltas };
    }
    Some(quote)
}

fn take_levels(
    base: &Depth,
    absent: Depth,
    count: u8,
    mask: u16,
    is_full: bool,
    input: &mut Decoder<'_>,
) -> Option<Depth> {
    let mut depth = absent;
    depth.count = u32::from(count);
    let mut bits = mask;
    let levels = depth.price_e9.iter_mut().zip(&mut depth.lots);
    let bases = base.price_e9.iter().zip(&base.lots);
    for ((price_e9, lots), was) in levels.zip(bases).take(usize::from(count)) {
        if bits & 1 == 0 {
            (*price_e9, *lots) = (*was.0, *was.1);
        } else {
            *price_e9 = i64::take(input)?;
            *lots = u32::take(input)?;
            if !is_full && (&*price_e9, &*lots) == was {
                return None;
            }
        }
        bits >>= 1;
    }
    Some(depth)
}

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
//! Quotes are written as what changed since the last one: see `quote`.

use super::codec::{Decoder, Encoder, Field, code};
use crate::message::{
    AccountLimits, Alert, Breakers, Carried, CarriedOrder, ChannelUpdate, ClockScale, Command,
    Credits, Decision, DeskId, DeskIdentity, Detail, Detailing, Ending, Event, Finding, Follow,
    GatewayLimits, HeldLots, Hours, Input, Instruction, InstrumentSpec, Internal, MAX_GATEWAYS,
    OrderCommand, OrderEvent, QUOTE_LEVELS, Quote, Repair, Ruling, SessionUpdate, SiteId, Sizing,
    SpreadSpec, StateChange, UserRule,
};
use crate::time::{MonoNs, UnixNs};

mod error;
mod logic;
mod quote;

pub use error::FrameError;
pub use logic::{LOGIC_CHANGES, LOGIC_VERSION};
pub use quote::{FULL_IMAGE_EVERY, Image, Images};

/// Version of the encoding that this build writes.
pub const VERSION: u8 = 1;

/// Bytes of a header.
pub const HEADER_LEN: usize = 16;

/// No record is longer than this.
pub const MAX_LEN: usize = 512;

/// Bytes that every input has before its event: `now` and the credits.
const INPUT_LEN: usize = 8 + MAX_GATEWAYS + 1;
const _: () = assert!(HEADER_LEN + INPUT_LEN + SpreadSpec::LEN <= MAX_LEN);
const _: () = assert!(HEADER_LEN + INPUT_LEN + 1 + CarriedOrder::LEN <= MAX_LEN);
const _: () = assert!(HEADER_LEN + Ending::LEN <= MAX_LEN);
const _: () = assert!(HEADER_LEN + Repair::LEN <= MAX_LEN);
const _: () = assert!(HEADER_LEN + Internal::LEN <= MAX_LEN);
const _: () = assert!(HEADER_LEN + INPUT_LEN + UserRule::LEN <= MAX_LEN);
const _: () = assert!(HEADER_LEN + INPUT_LEN + 64 + 2 * QUOTE_LEVELS * 12 <= MAX_LEN);

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
        /// Input: what is held in an instrument.
        Held = 12 "held",
        /// Input: what an earlier run left.
        Carried = 13 "carried",
        /// Input: what is told in detail.
        Detailing = 14 "detailing",
        /// Input: when an instrument may be traded.
        Hours = 15 "hours",
        /// Input: what the cold side has found.
        Finding = 16 "finding",
        /// Input: how much is opened while a channel has one line only.
        Sizing = 17 "sizing",
        /// Input: the breakers of a spread.
        Breakers = 18 "breakers",
        /// Input: what operators have asked for.
        Instruction = 19 "instruction",
        /// Input: a rule of a spread.
        Rule = 20 "rule",
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
        /// Output: a fire out of ratio was looked at.
        Repair = 37 "repair",
        /// Output: legs that wait for another one.
        Follow = 38 "follow",
        /// Output: what two spreads needed was met inside.
        Internal = 39 "internal",
        /// Output: a rule of the user has decided something.
        Ruling = 40 "ruling",
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
#[expect(clippy::large_enum_variant, reason = "decoded one at a time, on the cold side")]
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
    Held(HeldLots),
    Carried(Carried),
    Instruction(Instruction),
    Command(Command),
    Detailing(Detailing),
    Hours(Hours),
    Finding(Finding),
    Sizing(Sizing),
    Breakers(Breakers),
    Rule(UserRule),
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
            OwnedEvent::Held(held) => Event::Held(*held),
            OwnedEvent::Carried(carried) => Event::Carried(carried),
            OwnedEvent::Instruction(instruction) => Event::Instruction(*instruction),
            OwnedEvent::Command(command) => Event::Command(*command),
            OwnedEvent::Detailing(detailing) => Event::Detailing(*detailing),
            OwnedEvent::Hours(hours) => Event::Hours(*hours),
            OwnedEvent::Finding(finding) => Event::Finding(*finding),
            OwnedEvent::Sizing(sizing) => Event::Sizing(*sizing),
            OwnedEvent::Breakers(breakers) => Event::Breakers(*breakers),
            OwnedEvent::Rule(rule) => Event::Rule(rule),
            OwnedEvent::Clock(scale) => Event::Clock(*scale),
            OwnedEvent::Tick => Event::Tick,
        };
        Input { now: self.now, credits: self.credits, event }
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
            Event::Held(_) => Kind::Held,
            Event::Carried(_) => Kind::Carried,
            Event::Instruction(_) => Kind::Instruction,
            Event::Command(_) => Kind::Command,
            Event::Detailing(_) => Kind::Detailing,
            Event::Hours(_) => Kind::Hours,
            Event::Finding(_) => Kind::Finding,
            Event::Sizing(_) => Kind::Sizing,
            Event::Breakers(_) => Kind::Breakers,
            Event::Rule(_) => Kind::Rule,
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
                    quote::put(quote, images, out);
                }
                Event::Channel(update) => update.put(out),
                Event::Order(event) => event.put(out),
                Event::Session(update) => update.put(out),
                Event::Instrument(spec) => spec.put(out),
                Event::Spread(spec) => spec.put(out),
                Event::Gateway(limits) => limits.put(out),
                Event::Account(limits) => limits.put(out),
                Event::Held(held) => held.put(out),
                Event::Carried(carried) => carried.put(out),
                Event::Instruction(instruction) => instruction.put(out),
                Event::Command(command) => command.put(out),
                Event::Detailing(detailing) => detailing.put(out),
                Event::Hours(hours) => hours.put(out),
                Event::Finding(finding) => finding.put(out),
                Event::Sizing(sizing) => sizing.put(out),
                Event::Breakers(breakers) => breakers.put(out),
                Event::Rule(rule) => rule.put(out),
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
            Detail::Repair(_) => Kind::Repair,
            Detail::Follow(_) => Kind::Follow,
            Detail::Internal(_) => Kind::Internal,
            Detail::Ruling(_) => Kind::Ruling,
        };
        self.write(kind, seq_no, index, buffer, |out| match detail {
            Detail::Decision(decision) => decision.put(out),
            Detail::Alert(alert) => alert.put(out),
            Detail::State(change) => change.put(out),
            Detail::Ending(ending) => ending.put(out),
            Detail::Repair(repair) => repair.put(out),
            Detail::Follow(follow) => follow.put(out),
            Detail::Internal(internal) => internal.put(out),
            Detail::Ruling(ruling) => ruling.put(out),
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

/// Splits the first record off `bytes` by its length alone, whatever is in it: the whole record,
/// and the rest. `None` if there is not as much as it says, or it says less than a header.
#[must_use]
pub fn split_len(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let len = usize::from(u16::from_le_bytes(*bytes.first_chunk()?));
    bytes.split_at_checked(len).filter(|_| len >= HEADER_LEN)
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
        Kind::Repair => Body::Detail(Detail::Repair(Repair::take(input)?)),
        Kind::Follow => Body::Detail(Detail::Follow(Follow::take(input)?)),
        Kind::Internal => Body::Detail(Detail::Internal(Internal::take(input)?)),
        Kind::Ruling => Body::Detail(Detail::Ruling(Ruling::take(input)?)),
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
        | Kind::Held
        | Kind::Carried
        | Kind::Instruction
        | Kind::Command
        | Kind::Detailing
        | Kind::Hours
        | Kind::Finding
        | Kind::Sizing
        | Kind::Breakers
        | Kind::Rule
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
            OwnedEvent::Quote { quote: quote::take(input, images)?, more }
        }
        Kind::Channel => OwnedEvent::Channel(Field::take(input)?),
        Kind::OrderEvent => OwnedEvent::Order(Field::take(input)?),
        Kind::Session => OwnedEvent::Session(Field::take(input)?),
        Kind::Instrument => OwnedEvent::Instrument(Field::take(input)?),
        Kind::Spread => OwnedEvent::Spread(Field::take(input)?),
        Kind::Gateway => OwnedEvent::Gateway(Field::take(input)?),
        Kind::Account => OwnedEvent::Account(Field::take(input)?),
        Kind::Held => OwnedEvent::Held(Field::take(input)?),
        Kind::Carried => OwnedEvent::Carried(Carried::take(input)?),
        Kind::Instruction => OwnedEvent::Instruction(Field::take(input)?),
        Kind::Command => OwnedEvent::Command(Field::take(input)?),
        Kind::Detailing => OwnedEvent::Detailing(Field::take(input)?),
        Kind::Hours => OwnedEvent::Hours(Field::take(input)?),
        Kind::Finding => OwnedEvent::Finding(Field::take(input)?),
        Kind::Sizing => OwnedEvent::Sizing(Field::take(input)?),
        Kind::Breakers => OwnedEvent::Breakers(Field::take(input)?),
        Kind::Rule => OwnedEvent::Rule(Field::take(input)?),
        Kind::Clock => OwnedEvent::Clock(Field::take(input)?),
        Kind::Tick => OwnedEvent::Tick,
        Kind::Order
        | Kind::Decision
        | Kind::Alert
        | Kind::State
        | Kind::Ending
        | Kind::Repair
        | Kind::Follow
        | Kind::Internal
        | Kind::Ruling
        | Kind::Start => return None,
    })
}

//! Walks a MIRP packet: header, fields, each field's contents. Keeps no state and knows no prices:
//! offsets become prices in `feed`, with what the snapshot says of each instrument.
//!
//! A field must be exactly as long as its contents: there is no version by which a longer one could
//! be told from a damaged one. Fields with unknown ids are passed over by their size.

use super::layout::{
    CenterChange, FieldHeader, HEARTBEAT, LAST_OF_MESSAGE, LevelEvent, LevelSide, MirpHeader,
    PriceKind, REFRESH, VERSION, field,
};
use super::varint::{self, VarintError};
use crate::time::UnixNs;
use crate::wire::{self, Truncated, U64Le};

/// Why a packet or a field is refused. Every one is counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// The bytes ended inside the packet's header or inside a field.
    Truncated,
    /// The header's length is not what follows it.
    BadLength,
    /// Another version than 1.
    WrongVersion,
    /// Neither a heartbeat nor a refresh.
    UnknownType,
    /// A field is shorter or longer than its contents.
    BadFieldSize,
    /// A number of more than 64 bits, or an instrument number of more than 31.
    BadNumber,
    /// A field that belongs to an instrument, and none has begun.
    NoInstrument,
    /// A price does not fit in 1e-9 units.
    PriceOverflow,
}

impl DecodeError {
    /// Every variant, in the order of `index`: one counter each.
    pub const ALL: [Self; 8] = [
        Self::Truncated,
        Self::BadLength,
        Self::WrongVersion,
        Self::UnknownType,
        Self::BadFieldSize,
        Self::BadNumber,
        Self::NoInstrument,
        Self::PriceOverflow,
    ];

    /// The place of this variant among the counters.
    #[inline(always)]
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::Truncated => 0,
            Self::BadLength => 1,
            Self::WrongVersion => 2,
            Self::UnknownType => 3,
            Self::BadFieldSize => 4,
            Self::BadNumber => 5,
            Self::NoInstrument => 6,
            Self::PriceOverflow => 7,
        }
    }
}

impl From<Truncated> for DecodeError {
    fn from(_: Truncated) -> Self {
        Self::Truncated
    }
}

impl From<VarintError> for DecodeError {
    #[inline(always)]
    fn from(error: VarintError) -> Self {
        match error {
            // The packet is long enough: it is the field that is not.
            VarintError::Truncated => Self::BadFieldSize,
            VarintError::TooLong => Self::BadNumber,
        }
    }
}

/// Reads a packet and checks that its fields fill it exactly.
///
/// # Errors
/// `Truncated`, `BadLength`, `WrongVersion`, `UnknownType`: the packet must not be used at all.
#[inline]
pub fn packet(bytes: &[u8]) -> Result<Packet<'_>, DecodeError> {
    let (header, body) = wire::take::<MirpHeader>(bytes)?;
    if header.flag & 0x0F != VERSION {
        return Err(DecodeError::WrongVersion);
    }
    if header.type_id != HEARTBEAT && header.type_id != REFRESH {
        return Err(DecodeError::UnknownType);
    }
    if usize::from(header.length.get()) != body.len() {
        return Err(DecodeError::BadLength);
    }
    let mut rest = body;
    while !rest.is_empty() {
        (_, rest) = framed(rest)?;
    }
    Ok(Packet { header, body })
}

/// Splits the first field off `bytes`.
#[inline(always)]
fn framed(bytes: &[u8]) -> Result<(Framed<'_>, &[u8]), DecodeError> {
    let (header, rest) = wire::take::<FieldHeader>(bytes)?;
    let size = usize::from(header.size.get());
    let (body, rest) = rest.split_at_checked(size).ok_or(DecodeError::Truncated)?;
    Ok((Framed { id: header.id.get(), body }, rest))
}

/// A packet whose fields fill it exactly.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    header: &'a MirpHeader,
    body: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Its header.
    #[inline(always)]
    #[must_use]
    pub const fn header(&self) -> &'a MirpHeader {
        self.header
    }

    /// Whether it says only that the sender lives.
    #[inline(always)]
    #[must_use]
    pub const fn is_heartbeat(&self) -> bool {
        self.header.type_id == HEARTBEAT
    }

    /// Whether its message ends with it.
    #[inline(always)]
    #[must_use]
    pub const fn is_last_of_message(&self) -> bool {
        self.header.flag & LAST_OF_MESSAGE != 0
    }

    /// The time of the slice.
    #[inline(always)]
    #[must_use]
    pub fn snap_ns(&self) -> UnixNs {
        let seconds = u64::from(self.header.snap_time.get());
        let millis = u64::from(self.header.snap_millisec.get());
        // At most 2^32 s and 2^16 ms: below 2^63 ns.
        let seconds_ns = seconds.wrapping_mul(1_000_000_000);
        UnixNs(seconds_ns.wrapping_add(millis.wrapping_mul(1_000_000)))
    }

    /// The fields, in the order sent; there may be none.
    #[inline(always)]
    #[must_use]
    pub const fn fields(&self) -> Fields<'a> {
        Fields { rest: self.body }
    }
}

/// The fields of a packet.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Fields<'a> {
    type Item = Framed<'a>;

    #[inline(always)]
    fn next(&mut self) -> Option<Framed<'a>> {
        // `packet` has walked these bytes: the only error left is the end.
        let (field, rest) = framed(self.rest).ok()?;
        self.rest = rest;
        Some(field)
    }
}

/// A field that is delimited but not yet decoded.
#[derive(Clone, Copy, Debug)]
pub struct Framed<'a> {
    /// Which field.
    pub id: u16,
    /// Its contents.
    pub body: &'a [u8],
}

/// A decoded field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Another data centre publishes from here on.
    CenterChange(CenterChange),
    /// The fields that follow belong to this instrument.
    Instrument(Instrument),
    /// A level of the book.
    Level(Level),
    /// The trades of the slice.
    Trade(Trade),
    /// A price of the day.
    Price {
        /// Which.
        kind: PriceKind,
        /// In ticks from the instrument's codec price.
        offset_ticks: i64,
    },
    /// The option's delta: the bits of a double, which nobody here reads as one.
    Delta {
        /// The bits.
        bits: u64,
    },
    /// A field with an id that is not known.
    Unknown {
        /// The id.
        id: u16,
    },
}

/// Field 0x0003.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instrument {
    /// The venue's number of it, as in the snapshot.
    pub instrument_no: i32,
    /// Number of the change. UNPROVEN whether an instrument's changes count without gaps, so no gap
    /// is concluded from it.
    pub change_no: i64,
}

/// Field 0x1001.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// What happens; `None` if the letter means nothing known.
    pub event: Option<LevelEvent>,
    /// On which side; `None` if the letter means nothing known.
    pub side: Option<LevelSide>,
    /// Where: 1 is the best level.
    pub level: i64,
    /// Price in ticks from the instrument's codec price.
    pub offset_ticks: i64,
    /// UNPROVEN: lots that rest there now, not a difference.
    pub volume_lots: i64,
}

/// Field 0x1002.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade {
    /// Last price in ticks from the instrument's codec price.
    pub last_offset_ticks: i64,
    /// UNPROVEN: lots traded since the slice before.
    pub volume_change_lots: i64,
    /// UNPROVEN: the formula that makes a turnover of it is not known.
    pub turnover_offset: i64,
    /// Change of the open interest, in lots.
    pub open_interest_change_lots: i64,
}

impl Framed<'_> {
    /// Decodes the field.
    ///
    /// # Errors
    /// `BadFieldSize`, `BadNumber`: what this field held is lost.
    #[inline]
    pub fn decode(&self) -> Result<Field, DecodeError> {
        Ok(match self.id {
            field::LEVEL => Field::Level(self.level()?),
            field::INSTRUMENT => Field::Instrument(self.instrument()?),
            field::TRADE => Field::Trade(self.trade()?),
            field::HIGH => self.price(PriceKind::High)?,
            field::LOW => self.price(PriceKind::Low)?,
            field::OPEN => self.price(PriceKind::Open)?,
            field::CLOSE => self.price(PriceKind::Close)?,
            field::UPPER_LIMIT => self.price(PriceKind::UpperLimit)?,
            field::LOWER_LIMIT => self.price(PriceKind::LowerLimit)?,
            field::SETTLEMENT => self.price(PriceKind::Settlement)?,
            field::CENTER_CHANGE => Field::CenterChange(*self.fixed::<CenterChange>()?),
            field::DELTA => Field::Delta { bits: self.fixed::<U64Le>()?.get() },
            id => Field::Unknown { id },
        })
    }

    #[inline(always)]
    fn level(&self) -> Result<Level, DecodeError> {
        let ([event, side], rest) =
            self.body.split_first_chunk::<2>().ok_or(DecodeError::BadFieldSize)?;
        let [level, offset_ticks, volume_lots] = numbers(rest)?;
        Ok(Level {
            event: LevelEvent::from_wire(*event),
            side: LevelSide::from_wire(*side),
            level,
            offset_ticks,
            volume_lots,
        })
    }

    #[inline(always)]
    fn instrument(&self) -> Result<Instrument, DecodeError> {
        let [number, change_no] = numbers(self.body)?;
        let instrument_no = i32::try_from(number).map_err(|_| DecodeError::BadNumber)?;
        Ok(Instrument { instrument_no, change_no })
    }

    #[inline(always)]
    fn trade(&self) -> Result<Trade, DecodeError> {
        let [last, volume, turnover, open_interest] = numbers(self.body)?;
        Ok(Trade {
            last_offset_ticks: last,
            volume_change_lots: volume,
            turnover_offset: turnover,
            open_interest_change_lots: open_interest,
        })
    }

    #[inline(always)]
    fn price(&self, kind: PriceKind) -> Result<Field, DecodeError> {
        let [offset_ticks] = numbers(self.body)?;
        Ok(Field::Price { kind, offset_ticks })
    }

    #[inline(always)]
    fn fixed<T: bytemuck::AnyBitPattern>(&self) -> Result<&T, DecodeError> {
        match wire::take(self.body) {
            Ok((record, [])) => Ok(record),
            Ok(_) | Err(Truncated) => Err(DecodeError::BadFieldSize),
        }
    }
}

/// The VInts that fill `bytes` exactly.
#[inline(always)]
fn numbers<const N: usize>(bytes: &[u8]) -> Result<[i64; N], DecodeError> {
    let mut numbers = [0; N];
    let mut rest = bytes;
    for number in &mut numbers {
        (*number, rest) = varint::take(rest)?;
    }
    if rest.is_empty() { Ok(numbers) } else { Err(DecodeError::BadFieldSize) }
}

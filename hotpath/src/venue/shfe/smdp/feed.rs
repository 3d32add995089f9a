//! What MIRP does to a channel: book levels, slices, heartbeats, and the end of a sequence.
//!
//! Prices are ticks from a codec price that only the snapshot tells, so an instrument without a
//! codec is passed over. Trades, limits and other prices are noted beside the book (`day`). Quotes
//! leave when a message ends: with the packet that says so, or, at the latest, with the first
//! packet of another slice. The channel joins with `Join::Recover`: without a snapshot nothing can
//! be read at all.
//!
//! UNPROVEN, beside the four points of the module above: that a message which goes on in another
//! packet also goes on with the instrument that was begun (nothing is read otherwise, if it does
//! not); that of the changes listed in field 0x0032 the one with the higher number is the newer.

use super::day;
use super::decode::{self, DecodeError, Field, Level, Packet};
use super::layout::{CenterChange, LevelEvent, LevelSide};
use crate::book::{Action, BookError, BookSide, Change, Day, Row};
use crate::feed::{Channel, Protocol, SeqNo, Standing};
use crate::time::UnixNs;

/// How an instrument's offsets become prices. From the snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceCodec {
    /// Price of offset 0, units of 1e-9.
    pub codec_price_e9: i64,
    /// Price of one tick, units of 1e-9; 0: not known.
    pub tick_e9: i64,
}

impl PriceCodec {
    /// Not known: what a table of them is filled with.
    pub const NONE: Self = Self { codec_price_e9: 0, tick_e9: 0 };

    /// The price of an offset, units of 1e-9; `None` if it does not fit.
    #[inline(always)]
    #[must_use]
    pub const fn price_e9(&self, offset_ticks: i64) -> Option<i64> {
        match offset_ticks.checked_mul(self.tick_e9) {
            Some(offset_e9) => self.codec_price_e9.checked_add(offset_e9),
            None => None,
        }
    }
}

/// Which sequence of a topic is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sequence {
    /// Trading day; `None`: that of the first packet.
    pub comm_phase_no: Option<u16>,
    /// Publishing centre; `None`: that of the first packet.
    pub center_change_no: Option<i8>,
}

/// The instrument that the fields at hand belong to.
#[derive(Clone, Copy, Debug)]
enum Begun {
    /// None yet in this message.
    Nothing,
    /// One that no snapshot named.
    Unknown,
    /// One with a book.
    Known { row: Row, codec: PriceCodec },
}

/// The multicast of one topic.
#[derive(Debug)]
pub struct Smdp<'a> {
    topic: i16,
    /// One for each row of the books.
    codecs: &'a mut [PriceCodec],
    sequence: Sequence,
    is_over: bool,
    /// The slice whose message has begun and not ended.
    slice: Option<i32>,
    begun: Begun,
    exchange: UnixNs,
}

impl<'a> Smdp<'a> {
    /// A topic whose instruments are read with `codecs`: one for each row of the books. All are
    /// unknown until `set_codec`.
    #[must_use]
    pub fn new(topic: i16, codecs: &'a mut [PriceCodec]) -> Self {
        codecs.fill(PriceCodec::NONE);
        Self {
            topic,
            codecs,
            sequence: Sequence { comm_phase_no: None, center_change_no: None },
            is_over: false,
            slice: None,
            begun: Begun::Nothing,
            exchange: UnixNs(0),
        }
    }

    /// The topic.
    #[must_use]
    pub const fn topic(&self) -> i16 {
        self.topic
    }

    /// Follows a sequence from here on; for the cold side, which has a snapshot of it.
    pub fn follow(&mut self, sequence: Sequence) {
        self.codecs.fill(PriceCodec::NONE);
        self.sequence = sequence;
        self.is_over = false;
        self.end_message();
    }

    /// Says how the instrument in `row` is read. `false` if there is no place for it.
    pub fn set_codec(&mut self, row: Row, codec: PriceCodec) -> bool {
        let place = self.codecs.get_mut(row.place());
        place.map(|place| *place = codec).is_some()
    }

    const fn end_message(&mut self) {
        self.slice = None;
        self.begun = Begun::Nothing;
    }
}

impl Protocol for Smdp<'_> {
    type Packet<'p> = Packet<'p>;
    const NUMBERS_CHANGES: bool = false;
    type Error = DecodeError;
    type Course = Sequence;
    type Terms = PriceCodec;

    #[inline(always)]
    fn read<'p>(&self, payload: &'p [u8]) -> Result<Packet<'p>, DecodeError> {
        decode::packet(payload)
    }

    #[inline]
    fn standing(&mut self, packet: &Packet<'_>) -> Standing {
        let header = packet.header();
        if self.is_over || header.topic_id.get() != self.topic {
            return Standing::Foreign;
        }
        let (day, center) = (header.comm_phase_no.get(), header.center_change_no);
        let is_of_day = *self.sequence.comm_phase_no.get_or_insert(day) == day;
        let is_of_center = *self.sequence.center_change_no.get_or_insert(center) == center;
        if !(is_of_day && is_of_center) {
            return self.differs();
        }
        let seq_no = SeqNo(header.packet_no.get().cast_unsigned());
        if packet.is_heartbeat() { Standing::Announces(seq_no) } else { Standing::Numbered(seq_no) }
    }

    #[inline]
    fn apply(&mut self, packet: &Packet<'_>, channel: &mut Channel<'_>) -> Result<(), DecodeError> {
        let snap_no = packet.header().snap_no.get();
        if self.slice.is_some_and(|open| open != snap_no) {
            self.ended(channel);
        }
        self.slice = Some(snap_no);
        self.exchange = packet.snap_ns();
        for framed in packet.fields() {
            if self.is_over {
                return Ok(());
            }
            self.field(framed.decode()?, channel)?;
        }
        if packet.is_last_of_message() {
            self.ended(channel);
        }
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn name(packet: &Packet<'_>, channel: &mut Channel<'_>) {
        for field in packet.fields().filter_map(|framed| framed.decode().ok()) {
            if let Field::Instrument(begun) = field {
                channel.name(begun.instrument_no);
            }
        }
    }

    #[inline]
    fn refusal(error: DecodeError) -> usize {
        error.index()
    }

    fn course(&self) -> Sequence {
        self.sequence
    }

    fn resume(&mut self, course: Sequence) {
        self.follow(course);
    }

    fn terms(&self, row: Row) -> PriceCodec {
        self.codecs.get(row.place()).copied().unwrap_or(PriceCodec::NONE)
    }

    fn set_terms(&mut self, row: Row, terms: PriceCodec) -> bool {
        self.set_codec(row, terms)
    }

    fn is_between_messages(&self) -> bool {
        self.slice.is_none()
    }
}

impl Smdp<'_> {
    /// Of another day or centre. One that seems older ends the sequence too: what is followed may
    /// be the one that is wrong, and to drop packets in silence would keep old books believable.
    #[cold]
    #[inline(never)]
    const fn differs(&mut self) -> Standing {
        self.is_over = true;
        Standing::Over
    }

    #[inline(always)]
    fn ended(&mut self, channel: &mut Channel<'_>) {
        self.end_message();
        channel.end_of_event(self.exchange);
    }

    #[inline(always)]
    fn field(&mut self, field: Field, channel: &mut Channel<'_>) -> Result<(), DecodeError> {
        let counters = channel.counters();
        match field {
            Field::Instrument(begun) => self.begun = self.begin(begun.instrument_no, channel),
            Field::Level(level) => self.level(&level, channel)?,
            Field::Trade(trade) => {
                self.belongs()?;
                counters.trades.add(1);
                self.note(channel, |codec, day| day::traded(&trade, codec, day));
            }
            Field::Price { kind, offset_ticks } => {
                self.belongs()?;
                counters.statistics.add(1);
                self.note(channel, |codec, day| day::priced(kind, offset_ticks, codec, day));
            }
            Field::Delta { .. } => {
                self.belongs()?;
                counters.statistics.add(1);
            }
            Field::CenterChange(change) => self.center_changed(&change, channel),
            Field::Unknown { id: _ } => counters.skipped.add(1),
        }
        Ok(())
    }

    #[inline(always)]
    fn begin(&self, instrument_no: i32, channel: &mut Channel<'_>) -> Begun {
        let row = channel.row(instrument_no);
        let found = row.and_then(|row| Some((row, *self.codecs.get(row.place())?)));
        match found {
            Some((row, codec)) if codec.tick_e9 > 0 => Begun::Known { row, codec },
            _ => {
                channel.counters().skipped.add(1);
                Begun::Unknown
            }
        }
    }

    /// Notes what is said of the day of the instrument at hand.
    #[inline(never)]
    fn note(&self, channel: &mut Channel<'_>, note: impl Fn(&PriceCodec, &mut Day)) {
        let Begun::Known { row, codec } = &self.begun else { return };
        if let Some(day) = channel.books_mut().day_mut(*row) {
            note(codec, day);
        }
    }

    #[inline(always)]
    const fn belongs(&self) -> Result<(), DecodeError> {
        match self.begun {
            Begun::Nothing => Err(DecodeError::NoInstrument),
            Begun::Unknown | Begun::Known { .. } => Ok(()),
        }
    }

    #[inline(always)]
    fn level(&self, told: &Level, channel: &mut Channel<'_>) -> Result<(), DecodeError> {
        let Begun::Known { row, codec } = self.begun else { return self.belongs() };
        let (Some(event), Some(side)) = (told.event, told.side) else {
            channel.contradicted(row, BookError::Unknown);
            return Ok(());
        };
        let Ok(level) = u8::try_from(told.level) else {
            channel.contradicted(row, BookError::Level);
            return Ok(());
        };
        let change = Change {
            action: action(event),
            level,
            price_e9: price_e9(event, &codec, told.offset_ticks)?,
            // Negative and absurd counts are refused with none at all.
            lots: u32::try_from(told.volume_lots).unwrap_or(0),
            orders: 0,
        };
        let side = book_side(side);
        if !has_ground(channel, row, side, &change) {
            channel.contradicted(row, BookError::Vacant);
        }
        channel.change(row, side, &change);
        Ok(())
    }

    /// The list of changes may be told again; only a newer one ends the sequence.
    #[cold]
    #[inline(never)]
    fn center_changed(&mut self, change: &CenterChange, channel: &mut Channel<'_>) {
        let followed = self.sequence.center_change_no;
        if followed.is_none_or(|followed| is_newer(change.change_no, followed)) {
            self.is_over = true;
            channel.over();
        }
    }
}

/// Whether a change of the centre comes after another; the number may wrap.
#[inline(always)]
const fn is_newer(change_no: i8, than: i8) -> bool {
    change_no.wrapping_sub(than) > 0
}

/// UNPROVEN: that a modified level takes the new price too. The field carries one.
#[inline(always)]
const fn action(event: LevelEvent) -> Action {
    match event {
        LevelEvent::Add => Action::Insert,
        LevelEvent::Modify => Action::Overlay,
        LevelEvent::Delete => Action::Delete,
    }
}

/// UNPROVEN: whether a deletion carries the price of what it deletes, so it is not compared.
#[inline(always)]
const fn price_e9(
    event: LevelEvent,
    codec: &PriceCodec,
    offset_ticks: i64,
) -> Result<Option<i64>, DecodeError> {
    match (event, codec.price_e9(offset_ticks)) {
        (LevelEvent::Delete, _) => Ok(None),
        (LevelEvent::Add | LevelEvent::Modify, Some(price_e9)) => Ok(Some(price_e9)),
        (LevelEvent::Add | LevelEvent::Modify, None) => Err(DecodeError::PriceOverflow),
    }
}

#[inline(always)]
const fn book_side(side: LevelSide) -> BookSide {
    match side {
        LevelSide::Bid => BookSide::Bid,
        LevelSide::Ask => BookSide::Ask,
    }
}

/// Whether a change has the level that it needs: an added one stands below another or is the best,
/// a modified one is there. (A deletion is judged by the book.)
#[inline(always)]
fn has_ground(channel: &Channel<'_>, row: Row, side: BookSide, change: &Change) -> bool {
    let above = match change.action {
        Action::Insert => change.level.wrapping_sub(1),
        Action::Overlay => change.level,
        Action::Change | Action::Delete | Action::DeleteThru | Action::DeleteFrom => return true,
    };
    // Level 0 is the ground that the best one stands on; what is too deep, the book refuses.
    let Some(index) = usize::from(above).checked_sub(1) else { return true };
    let Some(instrument) = channel.books().get(row) else { return true };
    let levels = match side {
        BookSide::Bid | BookSide::ImpliedBid => instrument.bids().levels(),
        BookSide::Ask | BookSide::ImpliedAsk => instrument.asks().levels(),
    };
    levels.get(index).is_none_or(crate::book::Level::is_present)
}

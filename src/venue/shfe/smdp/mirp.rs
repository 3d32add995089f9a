//! Builds MIRP packets. It keeps no state: numbers of packets, slices and changes are the caller's,
//! and so is keeping a packet below the network's limit (`MirpBuilder::len`).

use bytemuck::bytes_of;
use xmc_hotpath::venue::shfe::smdp::layout::{
    CenterChange, FieldHeader, HEARTBEAT, LAST_OF_MESSAGE, LevelEvent, LevelSide, MirpHeader,
    PriceKind, REFRESH, VERSION, field,
};
use xmc_hotpath::wire::{I16Le, I32Le, U16Le, U32Le};

/// Where a packet stands: what its header says apart from its contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketMark {
    /// Topic.
    pub topic: i16,
    /// Number of the packet in its topic.
    pub packet_no: i32,
    /// Number of the slice.
    pub snap_no: i32,
    /// Time of the slice: seconds since 1970-01-01 UTC.
    pub snap_seconds: u32,
    /// Time of the slice: milliseconds within that second.
    pub snap_millis: u16,
    /// Trading day: days, 1980-01-01 is 1.
    pub comm_phase_no: u16,
    /// Which data centre publishes.
    pub center_change_no: i8,
}

impl PacketMark {
    fn header(&self, flag: u8, type_id: u8, length: u16) -> MirpHeader {
        MirpHeader {
            flag,
            type_id,
            length: U16Le::new(length),
            packet_no: I32Le::new(self.packet_no),
            topic_id: I16Le::new(self.topic),
            snap_millisec: U16Le::new(self.snap_millis),
            snap_no: I32Le::new(self.snap_no),
            snap_time: U32Le::new(self.snap_seconds),
            comm_phase_no: U16Le::new(self.comm_phase_no),
            center_change_no: self.center_change_no,
            reserved: 0,
        }
    }

    /// A heartbeat.
    pub fn heartbeat(&self) -> Vec<u8> {
        bytes_of(&self.header(VERSION, HEARTBEAT, 0)).to_vec()
    }
}

/// What field 0x1001 says of a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelChange {
    /// What happens to it.
    pub event: LevelEvent,
    /// On which side.
    pub side: LevelSide,
    /// Where: 1 is the best level.
    pub level: i64,
    /// Price in ticks from the instrument's codec price.
    pub offset_ticks: i64,
    /// Lots.
    pub volume_lots: i64,
}

/// A refresh under construction: fields in the order they are added.
#[derive(Clone, Debug)]
pub struct MirpBuilder {
    mark: PacketMark,
    body: Vec<u8>,
}

impl MirpBuilder {
    /// A refresh without a field.
    pub const fn new(mark: PacketMark) -> Self {
        Self { mark, body: Vec::new() }
    }

    /// Bytes of the whole packet so far.
    #[expect(clippy::len_without_is_empty, reason = "a packet has a header from the start")]
    pub const fn len(&self) -> usize {
        size_of::<MirpHeader>() + self.body.len()
    }

    /// The packet; `is_last` says that its message ends with it.
    ///
    /// # Panics
    /// If it is longer than its header can say.
    pub fn finish(self, is_last: bool) -> Vec<u8> {
        let length = u16::try_from(self.body.len()).expect("a packet is below 65,536 bytes");
        let flag = if is_last { VERSION | LAST_OF_MESSAGE } else { VERSION };
        let mut bytes = bytes_of(&self.mark.header(flag, REFRESH, length)).to_vec();
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// Field 0x0003: what follows belongs to this instrument.
    pub fn instrument(self, instrument_no: i32, change_no: i64) -> Self {
        self.numbers(field::INSTRUMENT, &[], &[i64::from(instrument_no), change_no])
    }

    /// Field 0x1001: a level changes.
    pub fn level(self, change: &LevelChange) -> Self {
        let letters = [change.event.letter(), change.side.letter()];
        let numbers = [change.level, change.offset_ticks, change.volume_lots];
        self.numbers(field::LEVEL, &letters, &numbers)
    }

    /// Field 0x1002: trades of the slice. `numbers` are the last price's offset, the volume's
    /// change, the turnover's offset and the open interest's change.
    pub fn trade(self, numbers: [i64; 4]) -> Self {
        self.numbers(field::TRADE, &[], &numbers)
    }

    /// Fields 0x1011 to 0x1017: a price of the day.
    pub fn price(self, kind: PriceKind, offset_ticks: i64) -> Self {
        self.numbers(kind.field_id(), &[], &[offset_ticks])
    }

    /// Field 0x1018: the option's delta.
    pub fn delta(self, delta: f64) -> Self {
        self.field(field::DELTA, &delta.to_le_bytes())
    }

    /// Field 0x0032: another data centre publishes.
    pub fn center_change(self, change: &CenterChange) -> Self {
        self.field(field::CENTER_CHANGE, bytes_of(change))
    }

    /// Any field.
    ///
    /// # Panics
    /// If it is longer than its header can say.
    pub fn field(mut self, id: u16, body: &[u8]) -> Self {
        let size = u16::try_from(body.len()).expect("a field is below 65,536 bytes");
        let header = FieldHeader { id: U16Le::new(id), size: U16Le::new(size) };
        self.body.extend_from_slice(bytes_of(&header));
        self.body.extend_from_slice(body);
        self
    }

    fn numbers(self, id: u16, letters: &[u8], numbers: &[i64]) -> Self {
        let mut body = letters.to_vec();
        numbers.iter().for_each(|number| push_varint(&mut body, *number));
        self.field(id, &body)
    }
}

/// Appends a VInt: zig-zag, seven bits a byte, least significant first.
fn push_varint(bytes: &mut Vec<u8>, number: i64) {
    let mut value = (number << 1 ^ number >> 63).cast_unsigned();
    while value >= 0x80 {
        bytes.push((value & 0x7F) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

//! pcapng: blocks in sections; interfaces belong to a section, frames to an interface.
//!
//! The walk over blocks is ours, so that damage is reported at its offset; the inside of a block is
//! read by `pcap-parser`, but for the obsolete packet block. Three things are not taken from that
//! crate (0.17.0): binary time resolutions, which it refuses, the time offset of big-endian
//! sections, which it reads little-endian, and the snap length of simple packet blocks, which it
//! ignores. Source: <https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html>. Statistics,
//! names, secrets and unknown blocks are skipped, as the format demands.

use pcap_parser::traits::PcapNGPacketBlock;
use pcap_parser::{Block, InterfaceDescriptionBlock, OptionCode, parse_block_be, parse_block_le};

use xmc_hotpath::time::UnixNs;

use super::{CaptureError, Frame, LinkType, slice};

/// Type of a section header block: the same bytes in both byte orders.
pub(super) const SECTION_HEADER: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];
/// Byte-order magic of a section header, as the writer's integer.
const BYTE_ORDER: u32 = 0x1a2b_3c4d;
/// Type of the packet block that the enhanced packet block replaced in 2009.
const OBSOLETE_PACKET: u32 = 2;
/// Type, length, interface and drops, time, both lengths.
const OBSOLETE_FRONT_BYTES: usize = 28;
/// Types of block that are read, in the section's byte order: section header, interface, obsolete
/// packet, simple packet, enhanced packet. What is inside the others cannot hurt.
const READ: [u32; 5] = [u32::from_be_bytes(SECTION_HEADER), 1, OBSOLETE_PACKET, 3, 6];
/// Type, length, length again.
const MIN_BLOCK_BYTES: u32 = 12;
/// A section header up to its byte-order magic.
const SECTION_PROBE_BYTES: usize = 12;

const NS_PER_SECOND: u128 = 1_000_000_000;

/// What a section says of the frames of one interface.
struct Interface {
    link: LinkType,
    /// Longest frame kept, 0 if unlimited. Only simple packet blocks need it.
    snap_len: u32,
    resolution: Resolution,
    /// Seconds to add to every time (`if_tsoffset`).
    offset_s: i64,
}

/// The unit of an interface's times (`if_tsresol`).
#[derive(Clone, Copy)]
enum Resolution {
    /// Seconds times ten to the power of minus this.
    Decimal(u8),
    /// Seconds times two to the power of minus this.
    Binary(u8),
}

impl Resolution {
    /// The most significant bit chooses the base, the rest is the exponent.
    fn from_wire(byte: u8) -> Self {
        match byte & 0x7f {
            exponent if byte & 0x80 == 0 => Self::Decimal(exponent),
            exponent => Self::Binary(exponent),
        }
    }

    /// `units` of a time as nanoseconds, rounded down; `None` if they do not fit.
    fn to_ns(self, units: u64) -> Option<i128> {
        let units = u128::from(units) * NS_PER_SECOND;
        let ns = match self {
            // Past 10^38 every 64-bit count of units is zero nanoseconds.
            Self::Decimal(exponent) => {
                10_u128.checked_pow(u32::from(exponent)).map_or(0, |unit| units / unit)
            }
            Self::Binary(exponent) => units.checked_shr(u32::from(exponent)).unwrap_or(0),
        };
        i128::try_from(ns).ok()
    }
}

impl Interface {
    fn new(block: &InterfaceDescriptionBlock<'_>, is_big_endian: bool) -> Self {
        let offset_s = block
            .options
            .iter()
            .find(|option| option.code == OptionCode::IfTsoffset)
            .and_then(|option| option.value().first_chunk().copied())
            .map_or(0, if is_big_endian { i64::from_be_bytes } else { i64::from_le_bytes });
        Self {
            link: LinkType(block.linktype.0 as u16),
            snap_len: block.snaplen,
            resolution: Resolution::from_wire(block.if_tsresol),
            offset_s,
        }
    }

    /// A time of this interface as ns since 1970; `None` if it lies outside 1970 to 2554.
    fn time(&self, units: u64) -> Option<UnixNs> {
        let offset_ns = i128::from(self.offset_s) * NS_PER_SECOND as i128;
        u64::try_from(self.resolution.to_ns(units)? + offset_ns).ok().map(UnixNs)
    }
}

/// The frames of a pcapng file.
pub(super) struct Frames<'a> {
    bytes: &'a [u8],
    /// Where the next block begins; the file's length once exhausted.
    offset: usize,
    number: u64,
    is_big_endian: bool,
    /// Of the current section.
    interfaces: Vec<Interface>,
}

impl<'a> Frames<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0, number: 0, is_big_endian: false, interfaces: Vec::new() }
    }

    /// The next frame; `None` at the end of the file.
    pub(super) fn next(&mut self) -> Option<Result<Frame<'a>, CaptureError>> {
        while self.offset < self.bytes.len() {
            match self.step() {
                Ok(None) => {}
                Ok(Some(frame)) => return Some(Ok(frame)),
                Err(error) => {
                    self.offset = self.bytes.len();
                    return Some(Err(error));
                }
            }
        }
        None
    }

    /// Reads one block: a frame, or `None` if it holds none.
    fn step(&mut self) -> Result<Option<Frame<'a>>, CaptureError> {
        let offset = self.offset as u64;
        let block = self.block()?;
        self.offset += block.len();
        let kind = self.u32_of(block, 0);
        if !READ.contains(&kind) {
            return Ok(None);
        }
        if kind == OBSOLETE_PACKET {
            return self.obsolete(block, offset).map(Some);
        }
        let parsed = if self.is_big_endian { parse_block_be(block) } else { parse_block_le(block) };
        let damaged = |rule, found| CaptureError::Damaged { offset, rule, found };
        let Ok((_, parsed)) = parsed else {
            return Err(damaged("a block holds what its type demands", u64::from(kind)));
        };
        match parsed {
            Block::SectionHeader(_) => self.interfaces.clear(),
            Block::InterfaceDescription(block) => {
                self.interfaces.push(Interface::new(&block, self.is_big_endian));
            }
            Block::EnhancedPacket(packet) => {
                let units = u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low);
                let interface = self.interface(packet.if_id, offset)?;
                let captured = interface
                    .time(units)
                    .ok_or_else(|| damaged("a time lies between 1970 and 2554", units))?;
                let link = interface.link;
                let bytes = packet.data.get(..packet.caplen as usize).unwrap_or(packet.data);
                return Ok(Some(self.frame(captured, link, bytes, packet.origlen)));
            }
            Block::SimplePacket(packet) => {
                let interface = self.interface(0, offset)?;
                let (link, snap_len) = (interface.link, interface.snap_len);
                let limit = if snap_len == 0 { u32::MAX } else { snap_len };
                // The block keeps no captured length: it is what both limits allow.
                let len = packet.orig_len().min(limit) as usize;
                let bytes = packet
                    .data
                    .get(..len)
                    .ok_or_else(|| damaged("a simple packet fits its block", len as u64))?;
                return Ok(Some(self.frame(UnixNs(0), link, bytes, packet.origlen)));
            }
            // Nothing is left of `READ`.
            _ => {}
        }
        Ok(None)
    }

    /// The frame of an obsolete packet block: what an enhanced one holds, but for the interface in
    /// two bytes and a count of drops behind it.
    fn obsolete(&mut self, block: &'a [u8], offset: u64) -> Result<Frame<'a>, CaptureError> {
        let damaged = |rule, found| CaptureError::Damaged { offset, rule, found };
        let whole = block.len() as u64;
        let short = || damaged("a packet block holds what its lengths say", whole);
        let front = block.get(..OBSOLETE_FRONT_BYTES).ok_or_else(short)?;
        let word = |at| self.u32_of(front, at);
        let index = [front[8], front[9]];
        let index =
            if self.is_big_endian { u16::from_be_bytes(index) } else { u16::from_le_bytes(index) };
        let units = u64::from(word(12)) << 32 | u64::from(word(16));
        let (captured_len, original_len) = (word(20), word(24));
        let interface = self.interface(u32::from(index), offset)?;
        let captured = interface
            .time(units)
            .ok_or_else(|| damaged("a time lies between 1970 and 2554", units))?;
        let link = interface.link;
        // The four bytes behind are the block's length.
        let data = block.get(OBSOLETE_FRONT_BYTES..block.len() - 4).ok_or_else(short)?;
        let bytes = data.get(..captured_len as usize).ok_or_else(short)?;
        Ok(self.frame(captured, link, bytes, original_len))
    }

    /// The bytes of the block at the current offset, both lengths checked; learns the byte order
    /// where a section begins.
    fn block(&mut self) -> Result<&'a [u8], CaptureError> {
        let start = self.offset;
        let damaged = |rule, found: u32| CaptureError::Damaged {
            offset: start as u64,
            rule,
            found: u64::from(found),
        };
        let front = slice(self.bytes, start, MIN_BLOCK_BYTES as usize)?;
        if front.first_chunk() == Some(&SECTION_HEADER) {
            let probe = slice(self.bytes, start, SECTION_PROBE_BYTES)?;
            let magic: [u8; 4] = *probe.last_chunk().expect("twelve bytes hold four");
            self.is_big_endian = match (u32::from_le_bytes(magic), u32::from_be_bytes(magic)) {
                (BYTE_ORDER, _) => false,
                (_, BYTE_ORDER) => true,
                (other, _) => return Err(damaged("a section states its byte order", other)),
            };
        }
        let len = self.u32_of(front, 4);
        if len < MIN_BLOCK_BYTES || !len.is_multiple_of(4) {
            return Err(damaged("a block is a multiple of 4 and at least 12 bytes long", len));
        }
        let block = slice(self.bytes, start, len as usize)?;
        match self.u32_of(block, block.len() - 4) {
            again if again == len => Ok(block),
            again => Err(damaged("a block ends with the length it began with", again)),
        }
    }

    /// The `u32` at `offset` of a slice that is known to hold it, in the section's byte order.
    fn u32_of(&self, bytes: &[u8], offset: usize) -> u32 {
        let word = bytes[offset..offset + 4].try_into().expect("four bytes");
        if self.is_big_endian { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) }
    }

    fn interface(&self, index: u32, offset: u64) -> Result<&Interface, CaptureError> {
        self.interfaces.get(index as usize).ok_or(CaptureError::Damaged {
            offset,
            rule: "a packet names an interface its section has described",
            found: u64::from(index),
        })
    }

    fn frame(
        &mut self,
        captured: UnixNs,
        link: LinkType,
        bytes: &'a [u8],
        original_len: u32,
    ) -> Frame<'a> {
        self.number += 1;
        Frame { number: self.number, captured, link, bytes, original_len }
    }
}

//! Classic pcap: a header of 24 bytes, then frames of 16 bytes and their data.
//!
//! Four magics: the writer's byte order times microseconds or nanoseconds. Source:
//! <https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-05.html>. The modified formats of old
//! Linux distributions (magic `a1b2cd34`) are not read: their frames are 8 bytes longer.
//!
//! Some writers put nanoseconds under the magic of microseconds, and some a sub-second part that
//! has run over the second. Which one it is shows only in the whole file, so the front of it is
//! looked through.

use std::io::{self, Write};

use xmc_hotpath::time::UnixNs;

use super::{CaptureError, Frame, LinkType, slice};

/// Magic of a file with microseconds, as the writer's integer.
const MAGIC_US: u32 = 0xa1b2_c3d4;
/// Magic of a file with nanoseconds.
const MAGIC_NS: u32 = 0xa1b2_3c4d;
const FILE_HEADER_BYTES: usize = 24;
const FRAME_HEADER_BYTES: usize = 16;
/// The longest frame libpcap writes (`MAXIMUM_SNAPLEN`); a larger length is damage.
const MAX_FRAME_BYTES: u32 = 262_144;

const NS_PER_SECOND: u64 = 1_000_000_000;

/// What the file header says of all frames.
#[derive(Clone, Copy)]
pub(super) struct Header {
    is_big_endian: bool,
    /// What the sub-second field counts.
    fraction: Fraction,
    link: LinkType,
}

/// What the sub-second field of a frame counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fraction {
    /// Nanoseconds, below a second.
    Nanoseconds,
    /// Microseconds; a second and more is carried over.
    Microseconds,
    /// Microseconds, and some run over the second.
    Overrun,
    /// Nanoseconds, although the magic says microseconds.
    Misnamed,
}

impl Fraction {
    const fn unit_ns(self) -> u64 {
        match self {
            Self::Nanoseconds | Self::Misnamed => 1,
            Self::Microseconds | Self::Overrun => 1_000,
        }
    }
}

/// Frames that are looked through for what the sub-second field counts.
const PROBED_FRAMES: usize = 100_000;
/// So many of them with a part that only nanoseconds have are no damage.
const MISNAMED_FRAMES: u32 = 3;
const US_PER_SECOND: u32 = 1_000_000;

impl Header {
    /// The header at the front of `bytes`, or `None` if `magic` is not of this format.
    pub(super) fn read(magic: [u8; 4], bytes: &[u8]) -> Result<Option<Self>, CaptureError> {
        use Fraction::{Microseconds, Nanoseconds};
        let words = (u32::from_le_bytes(magic), u32::from_be_bytes(magic));
        let (is_big_endian, named) = match words {
            (MAGIC_US, _) => (false, Microseconds),
            (MAGIC_NS, _) => (false, Nanoseconds),
            (_, MAGIC_US) => (true, Microseconds),
            (_, MAGIC_NS) => (true, Nanoseconds),
            _ => return Ok(None),
        };
        let header = slice(bytes, 0, FILE_HEADER_BYTES)?;
        let word = u32_at(header, 20, is_big_endian);
        // The upper half says whether frames end with a check sequence; UDP lengths decide anyway.
        let link = LinkType(word as u16);
        let fraction = match named {
            Microseconds => probe(bytes, is_big_endian),
            named => named,
        };
        Ok(Some(Self { is_big_endian, fraction, link }))
    }

    /// What is odd about the times.
    pub(super) const fn note(self) -> Option<&'static str> {
        match self.fraction {
            Fraction::Nanoseconds | Fraction::Microseconds => None,
            Fraction::Overrun => Some(
                "times of this capture have microseconds beyond a second: they are carried over",
            ),
            Fraction::Misnamed => Some(
                "this capture says microseconds and has nanoseconds: its times are read as those",
            ),
        }
    }
}

/// What the sub-second fields of a file that says microseconds count: nothing runs over by a whole
/// second more, so parts of two seconds are ones in nanoseconds. One alone is damage: the walk may
/// be among the bytes of frames.
fn probe(bytes: &[u8], is_big_endian: bool) -> Fraction {
    let mut found = Fraction::Microseconds;
    let mut misnamed = 0;
    let mut rest = bytes.get(FILE_HEADER_BYTES..).unwrap_or_default();
    for _ in 0..PROBED_FRAMES {
        let Some((header, frames)) = rest.split_at_checked(FRAME_HEADER_BYTES) else { break };
        let (fraction, len) = (u32_at(header, 4, is_big_endian), u32_at(header, 8, is_big_endian));
        match fraction {
            ..US_PER_SECOND => {}
            US_PER_SECOND..2_000_000 => found = Fraction::Overrun,
            2_000_000..1_000_000_000 => {
                misnamed += 1;
                if misnamed >= MISNAMED_FRAMES {
                    return Fraction::Misnamed;
                }
            }
            // No time at all: damage, which the walk tells.
            _ => break,
        }
        match frames.get(len as usize..) {
            Some(frames) if len <= MAX_FRAME_BYTES => rest = frames,
            _ => break,
        }
    }
    // A walk among the bytes of frames does not end with the file.
    if misnamed > 0 && rest.is_empty() { Fraction::Misnamed } else { found }
}

/// The `u32` at `offset` of a slice that is known to hold it.
fn u32_at(bytes: &[u8], offset: usize, is_big_endian: bool) -> u32 {
    let word = bytes[offset..offset + 4].try_into().expect("four bytes");
    if is_big_endian { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) }
}

/// The frames of a classic file.
pub(super) struct Frames<'a> {
    bytes: &'a [u8],
    header: Header,
    /// Where the next frame header begins; the file's length once exhausted.
    offset: usize,
    number: u64,
}

impl<'a> Frames<'a> {
    pub(super) fn new(bytes: &'a [u8], header: Header) -> Self {
        Self { bytes, header, offset: FILE_HEADER_BYTES, number: 0 }
    }

    /// The next frame; `None` at the end of the file.
    pub(super) fn next(&mut self) -> Option<Result<Frame<'a>, CaptureError>> {
        if self.offset >= self.bytes.len() {
            return None;
        }
        let frame = self.read();
        if frame.is_err() {
            self.offset = self.bytes.len();
        }
        Some(frame)
    }

    fn read(&mut self) -> Result<Frame<'a>, CaptureError> {
        let offset = self.offset;
        let header = slice(self.bytes, offset, FRAME_HEADER_BYTES)?;
        let word = |at| u32_at(header, at, self.header.is_big_endian);
        let (seconds, fraction, captured_len, original_len) = (word(0), word(4), word(8), word(12));
        let damaged = |rule, found: u32| CaptureError::Damaged {
            offset: offset as u64,
            rule,
            found: u64::from(found),
        };
        if captured_len > MAX_FRAME_BYTES {
            return Err(damaged("a frame is at most 262144 bytes long", captured_len));
        }
        let fraction_ns = u64::from(fraction) * self.header.fraction.unit_ns();
        let limit_ns = match self.header.fraction {
            Fraction::Nanoseconds | Fraction::Misnamed => NS_PER_SECOND,
            Fraction::Microseconds | Fraction::Overrun => 2 * NS_PER_SECOND,
        };
        if fraction_ns >= limit_ns {
            return Err(damaged("the sub-second part of a time is below one second", fraction));
        }
        let len = FRAME_HEADER_BYTES + captured_len as usize;
        let frame = slice(self.bytes, offset, len)?;
        self.offset += len;
        self.number += 1;
        Ok(Frame {
            number: self.number,
            captured: UnixNs(u64::from(seconds) * NS_PER_SECOND + fraction_ns),
            link: self.header.link,
            bytes: &frame[FRAME_HEADER_BYTES..],
            original_len,
        })
    }
}

/// Writes a classic capture with nanoseconds, little-endian.
///
/// It does not buffer: hand it a `BufWriter`.
pub struct Writer<W: Write> {
    out: W,
}

impl<W: Write> Writer<W> {
    /// Begins a capture of frames of one link type.
    ///
    /// # Errors
    /// What `out` says.
    pub fn new(mut out: W, link: LinkType) -> io::Result<Self> {
        let mut header = [0; FILE_HEADER_BYTES];
        header[0..4].copy_from_slice(&MAGIC_NS.to_le_bytes());
        // Version 2.4; the time zone and accuracy words are 0 by the format.
        header[4..6].copy_from_slice(&2_u16.to_le_bytes());
        header[6..8].copy_from_slice(&4_u16.to_le_bytes());
        header[16..20].copy_from_slice(&MAX_FRAME_BYTES.to_le_bytes());
        header[20..24].copy_from_slice(&u32::from(link.0).to_le_bytes());
        out.write_all(&header)?;
        Ok(Self { out })
    }

    /// Appends a whole frame and when it was captured.
    ///
    /// # Errors
    /// `InvalidInput` if the time is past the format's end in 2106 or the frame is longer than
    /// 262144 bytes; else what `out` says.
    pub fn frame(&mut self, captured: UnixNs, bytes: &[u8]) -> io::Result<()> {
        let refuse = |why| io::Error::new(io::ErrorKind::InvalidInput, why);
        let seconds = u32::try_from(captured.0 / NS_PER_SECOND)
            .map_err(|_| refuse("a classic capture has no times after 2106"))?;
        let fraction_ns = (captured.0 % NS_PER_SECOND) as u32;
        let len = u32::try_from(bytes.len())
            .ok()
            .filter(|&len| len <= MAX_FRAME_BYTES)
            .ok_or_else(|| refuse("a frame is at most 262144 bytes long"))?;
        let mut header = [0; FRAME_HEADER_BYTES];
        for (word, value) in header.chunks_exact_mut(4).zip([seconds, fraction_ns, len, len]) {
            word.copy_from_slice(&value.to_le_bytes());
        }
        self.out.write_all(&header)?;
        self.out.write_all(bytes)
    }

    /// Gives the output back, unflushed.
    pub fn into_inner(self) -> W {
        self.out
    }
}

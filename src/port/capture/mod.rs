//! Capture files: classic pcap and pcapng in, classic pcap with nanoseconds out.
//!
//! A file is mapped, its format found from its first bytes, and its frames lent in file order with
//! what a dissector shows of them: number, time, link type, bytes, original length. A damaged file
//! yields every frame before the damage, then one error that names the offset, then nothing. What a
//! frame holds is `port::datagram`'s business. A file that gzip or Zstandard has compressed is
//! unpacked into memory, up to a bound. Called by `xmc inspect`, the replay port and the tests.

mod packed;
mod pcap;
mod pcapng;

pub use pcap::Writer;

use std::fs::File;
use std::io::{self, Read};
use std::ops::Deref;
use std::path::{Path, PathBuf};

use memmap2::Mmap;
use xmc_hotpath::time::UnixNs;

/// What the first bytes of a frame are, as numbered in the registry both formats share.
///
/// Source: <https://www.tcpdump.org/linktypes.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinkType(pub u16);

impl LinkType {
    /// BSD loopback: four bytes of address family in the byte order of the capturing host.
    pub const NULL: Self = Self(0);
    /// Ethernet, without preamble and usually without the frame check sequence.
    pub const ETHERNET: Self = Self(1);
    /// An IPv4 or IPv6 packet with nothing before it.
    pub const RAW_IP: Self = Self(101);
    /// The same, as most BSDs number it in files.
    pub const RAW_BSD: Self = Self(12);
    /// The same, as OpenBSD and BSD/OS number it in files.
    pub const RAW_OPENBSD: Self = Self(14);
    /// OpenBSD loopback: four bytes of address family, in network byte order.
    pub const LOOP: Self = Self(108);
    /// An IPv4 packet with nothing before it.
    pub const IPV4: Self = Self(228);
    /// An IPv6 packet with nothing before it.
    pub const IPV6: Self = Self(229);
    /// Linux "cooked" header of 16 bytes.
    pub const LINUX_SLL: Self = Self(113);
    /// Linux "cooked" header of 20 bytes.
    pub const LINUX_SLL2: Self = Self(276);
}

/// One captured frame, lent from the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Place in the file, counted from 1 over all interfaces, as a dissector shows it.
    pub number: u64,
    /// When it was captured. 0 where the file keeps no time for it (the simple packet blocks of
    /// pcapng).
    pub captured: UnixNs,
    /// What its first bytes are.
    pub link: LinkType,
    /// The captured bytes; fewer than `original_len` if the capture was cut short.
    pub bytes: &'a [u8],
    /// Bytes it had on the wire.
    pub original_len: u32,
}

impl Frame<'_> {
    /// Whether the capture holds less than was on the wire.
    pub fn is_truncated(&self) -> bool {
        (self.bytes.len() as u64) < u64::from(self.original_len)
    }
}

/// Why a capture could not be read, or not further.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The file cannot be opened or mapped.
    #[error("cannot read {}: {source}; check the path and the permission", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A compressed file is cut off or damaged.
    #[error(
        "the compressed capture cannot be unpacked beyond byte {unpacked} of what is in it: \
         {source}; the frames before it are whole, so copy the file again or compress it again"
    )]
    Unpack {
        /// Bytes that could be unpacked.
        unpacked: u64,
        /// What the decompressor said.
        source: io::Error,
    },
    /// A compressed file holds more than is unpacked into memory.
    #[error(
        "the compressed capture holds more than the {MAX_UNPACKED_BYTES} bytes that are unpacked \
         into memory: unpack it to a file first (`{tool}`)"
    )]
    TooLarge {
        /// The command that does it.
        tool: &'static str,
    },
    /// The first bytes are of no format known here.
    #[error("not a capture: it begins with {found:02x?}, {}", hint(found))]
    NotACapture {
        /// Up to four bytes from the front.
        found: Vec<u8>,
    },
    /// The file ends inside something.
    #[error(
        "the capture is cut off: what begins at byte {offset} needs {needed} bytes and {left} are \
         left; the frames before it are whole, so cut the file there or capture again"
    )]
    Cut {
        /// Where the unfinished frame or block begins.
        offset: u64,
        /// Bytes it says it has.
        needed: u64,
        /// Bytes the file still has from there.
        left: u64,
    },
    /// Something at this place breaks a rule of the format: from here on nothing can be trusted.
    #[error(
        "the capture is damaged at byte {offset}: {rule}, found {found}; the frames before it are \
         whole, so cut the file there or capture again"
    )]
    Damaged {
        /// Where the frame or block begins.
        offset: u64,
        /// The rule that is broken.
        rule: &'static str,
        /// The value that breaks it.
        found: u64,
    },
}

/// What a file that is not a capture may be, from its first bytes.
fn hint(found: &[u8]) -> &'static str {
    match found {
        [] => "the file is empty",
        [0xfd, b'7', b'z', b'X'] => "which is xz: unpack it with `xz -d` first",
        _ => "not with the magic of pcap or pcapng: convert it with `editcap -F pcapng IN OUT`",
    }
}

/// The bytes of a capture file, mapped where the system can and read where it cannot.
enum Bytes {
    Mapped(Mmap),
    Read(Vec<u8>),
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Read(bytes) => bytes,
        }
    }
}

/// How the file lays out its frames, found once from its front.
#[derive(Clone, Copy)]
enum Format {
    Pcap(pcap::Header),
    Pcapng,
}

/// Bytes that a compressed capture may hold: 1 GiB, since they lie in memory.
pub const MAX_UNPACKED_BYTES: u64 = 1 << 30;

/// A capture file whose format is known.
pub struct Capture {
    bytes: Bytes,
    format: Format,
    /// Why a compressed file was not unpacked to its end.
    damage: Option<Unpacking>,
}

/// How far a compressed file was unpacked, and what the decompressor said there.
#[derive(Clone, Debug)]
struct Unpacking {
    unpacked: u64,
    kind: io::ErrorKind,
    said: String,
}

impl Unpacking {
    fn error(&self) -> CaptureError {
        let source = io::Error::new(self.kind, self.said.clone());
        CaptureError::Unpack { unpacked: self.unpacked, source }
    }
}

impl Capture {
    /// Opens a file, or anything that can be read to its end (`/dev/stdin`).
    ///
    /// # Errors
    /// `Open` if the system refuses, `NotACapture` if the front is of no known format, `Cut` or
    /// `Damaged` if the file's own header is unusable, `Unpack` if it is compressed and not even
    /// the front of what is in it can be unpacked, `TooLarge` if that is more than 1 GiB.
    pub fn open(path: &Path) -> Result<Self, CaptureError> {
        let bytes =
            load(path).map_err(|source| CaptureError::Open { path: path.to_path_buf(), source })?;
        Self::new(bytes)
    }

    /// Takes a capture that is in memory already.
    ///
    /// # Errors
    /// As `open`, but for `Open`.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, CaptureError> {
        Self::new(Bytes::Read(bytes))
    }

    fn new(bytes: Bytes) -> Result<Self, CaptureError> {
        let Some(packing) = packed::Packing::of(&bytes) else {
            let format = Format::of(&bytes)?;
            return Ok(Self { bytes, format, damage: None });
        };
        let (unpacked, fault) = packing.unpack(&bytes)?;
        let damage = fault.map(|source| Unpacking {
            unpacked: unpacked.len() as u64,
            kind: source.kind(),
            said: source.to_string(),
        });
        // What is missing explains whatever is wrong with a front that is cut off.
        let format = match (Format::of(&unpacked), &damage) {
            (Ok(format), _) => format,
            (Err(_), Some(damage)) => return Err(damage.error()),
            (Err(error), None) => return Err(error),
        };
        Ok(Self { bytes: Bytes::Read(unpacked), format, damage })
    }

    /// The frames in file order; an error is the last item.
    pub fn frames(&self) -> Frames<'_> {
        let reader = match self.format {
            Format::Pcap(header) => Reader::Pcap(pcap::Frames::new(&self.bytes, header)),
            Format::Pcapng => Reader::Pcapng(pcapng::Frames::new(&self.bytes)),
        };
        Frames { reader, damage: self.damage.as_ref() }
    }

    /// What is odd about the file and does not keep it from being read.
    pub fn note(&self) -> Option<&'static str> {
        match self.format {
            Format::Pcap(header) => header.note(),
            Format::Pcapng => None,
        }
    }
}

impl Format {
    /// The format of a file that is not compressed.
    fn of(bytes: &[u8]) -> Result<Self, CaptureError> {
        match bytes.first_chunk() {
            Some(&pcapng::SECTION_HEADER) => Ok(Self::Pcapng),
            Some(magic) => match pcap::Header::read(*magic, bytes)? {
                Some(header) => Ok(Self::Pcap(header)),
                None => Err(not_a_capture(bytes)),
            },
            None => Err(not_a_capture(bytes)),
        }
    }
}

fn not_a_capture(bytes: &[u8]) -> CaptureError {
    CaptureError::NotACapture { found: bytes.iter().copied().take(4).collect() }
}

/// Maps a regular file; reads anything else (a pipe cannot be mapped, an empty file neither).
fn load(path: &Path) -> io::Result<Bytes> {
    let mut file = File::open(path)?;
    let found = file.metadata()?;
    if found.is_file() && found.len() > 0 {
        return map(&file).map(Bytes::Mapped);
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(Bytes::Read(bytes))
}

#[expect(unsafe_code, reason = "a day of one channel is larger than memory: map, do not read")]
fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: the map is read-only and only ever lent as `&[u8]`, so this process cannot write
    // through it. Another process that rewrites or shortens the file meanwhile would break that;
    // a capture is a finished file by contract of `open`, and nothing here reads one in progress.
    unsafe { Mmap::map(file) }
}

enum Reader<'a> {
    Pcap(pcap::Frames<'a>),
    Pcapng(pcapng::Frames<'a>),
}

/// The frames of a capture, in file order. After an error it is exhausted.
pub struct Frames<'a> {
    reader: Reader<'a>,
    /// Ends the frames of a compressed file that was not unpacked to its end.
    damage: Option<&'a Unpacking>,
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Frame<'a>, CaptureError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = match &mut self.reader {
            Reader::Pcap(frames) => frames.next(),
            Reader::Pcapng(frames) => frames.next(),
        };
        match next {
            // The file in the file ends where unpacking did, whatever was begun there.
            None | Some(Err(CaptureError::Cut { .. })) if self.damage.is_some() => {
                self.damage.take().map(|damage| Err(damage.error()))
            }
            next => next,
        }
    }
}

/// `len` bytes from `offset` on, or how many are missing. `offset` never exceeds the file.
fn slice(bytes: &[u8], offset: usize, len: usize) -> Result<&[u8], CaptureError> {
    let rest = bytes.get(offset..).unwrap_or_default();
    rest.get(..len).ok_or(CaptureError::Cut {
        offset: offset as u64,
        needed: len as u64,
        left: rest.len() as u64,
    })
}

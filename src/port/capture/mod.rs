//! Capture files: classic pcap and pcapng in, classic pcap with nanoseconds out.
//!
//! A file is mapped, its format found from its first bytes, and its frames lent in file order
//! with what a dissector shows of them: number, time, link type, bytes, original length. A damaged
//! file yields every frame before the damage, then one error that names the offset, then nothing.
//! What a frame holds is `port::datagram`'s business. Compressed files are refused by name, not
//! unpacked. Called by `xmc inspect`, the replay port and the tests.

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
        [0x1f, 0x8b, ..] => "which is gzip: unpack it with gunzip first",
        [0x28, 0xb5, 0x2f, 0xfd] => "which is zstd: unpack it with unzstd first",
        [0xfd, b'7', b'z', b'X'] => "which is xz: unpack it with unxz first",
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

/// A capture file whose format is known.
pub struct Capture {
    bytes: Bytes,
    format: Format,
}

impl Capture {
    /// Opens a file, or anything that can be read to its end (`/dev/stdin`).
    ///
    /// # Errors
    /// `Open` if the system refuses, `NotACapture` if the front is of no known format, `Cut` or
    /// `Damaged` if the file's own header is unusable.
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
        let format = match bytes.first_chunk() {
            Some(&pcapng::SECTION_HEADER) => Format::Pcapng,
            Some(magic) => match pcap::Header::read(*magic, &bytes)? {
                Some(header) => Format::Pcap(header),
                None => return Err(not_a_capture(&bytes)),
            },
            None => return Err(not_a_capture(&bytes)),
        };
        Ok(Self { bytes, format })
    }

    /// The frames in file order; an error is the last item.
    pub fn frames(&self) -> Frames<'_> {
        Frames(match self.format {
            Format::Pcap(header) => Reader::Pcap(pcap::Frames::new(&self.bytes, header)),
            Format::Pcapng => Reader::Pcapng(pcapng::Frames::new(&self.bytes)),
        })
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
pub struct Frames<'a>(Reader<'a>);

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Frame<'a>, CaptureError>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Reader::Pcap(frames) => frames.next(),
            Reader::Pcapng(frames) => frames.next(),
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

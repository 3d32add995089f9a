//! Compressed captures: gzip and Zstandard, found from their first bytes.
//!
//! What is in the file is unpacked into memory, whole, up to `MAX_UNPACKED_BYTES`. Of a stream that
//! is cut off or damaged all is given that comes before, with the fault. xz is not unpacked: it
//! would take one more library.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;

use super::{CaptureError, MAX_UNPACKED_BYTES};

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Gzip,
    Zstandard,
}

impl Packing {
    /// What the first bytes announce; `None` if the file is not compressed.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstandard),
            _ => None,
        }
    }

    /// What is in the file, and why not all of it.
    ///
    /// # Errors
    /// `TooLarge`.
    pub(super) fn unpack(self, bytes: &[u8]) -> Result<(Vec<u8>, Option<io::Error>), CaptureError> {
        let (unpacked, fault) = match self {
            Self::Gzip => drain(MultiGzDecoder::new(bytes)),
            Self::Zstandard => match zstd::stream::read::Decoder::new(bytes) {
                Ok(decoder) => drain(decoder),
                Err(fault) => (Vec::new(), Some(fault)),
            },
        };
        if unpacked.len() as u64 > MAX_UNPACKED_BYTES {
            return Err(CaptureError::TooLarge { tool: self.tool() });
        }
        Ok((unpacked, fault))
    }

    /// The command that unpacks it to a file.
    const fn tool(self) -> &'static str {
        match self {
            Self::Gzip => "gzip -dk FILE",
            Self::Zstandard => "zstd -d FILE",
        }
    }
}

/// All that `packed` gives, at most one byte more than is allowed, and the fault that ends it.
fn drain(packed: impl Read) -> (Vec<u8>, Option<io::Error>) {
    let mut unpacked = Vec::new();
    // What was read before a fault stays in the buffer.
    let fault = packed.take(MAX_UNPACKED_BYTES + 1).read_to_end(&mut unpacked).err();
    (unpacked, fault)
}

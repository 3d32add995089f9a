//! Sealed segments, compressed: `NNNNNNNN.xmj.zst`, a Zstandard file in the seekable format.
//!
//! Unpacked it is the sealed segment, byte for byte, so nothing that is proved of a journal depends
//! on the compression, and any `zstd -d` gives an auditor the segment. It is made of frames of 256
//! KiB, each with a checksum, and a table of them at the end, so that a part can be read without
//! the rest.
//!
//! Format: "Zstandard Seekable Format" 0.1.0, `contrib/seekable_format` of the Zstandard sources.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::super::segment::MAX_SEGMENT;

/// Bytes of the segment in one frame.
const FRAME: usize = 1 << 18;

/// Fast, and already within a tenth of what higher levels make of records.
const LEVEL: i32 = 3;

/// A frame that decoders of plain Zstandard skip: what the table is in.
const SKIPPABLE_MAGIC: u32 = 0x184D_2A5E;

/// The last four bytes of a seekable file.
const SEEKABLE_MAGIC: u32 = 0x8F92_EAB1;

/// Bytes of the footer: frames, descriptor, magic.
const FOOTER: usize = 9;

/// Bytes of an entry of the table: compressed, decompressed.
const ENTRY: usize = 8;

/// What a packed segment's name ends with, after that of the segment.
pub const PACKED: &str = ".zst";

/// The name of the packed form of the segment at `path`.
#[must_use]
pub fn packed_path(path: &Path) -> PathBuf {
    let mut packed = path.as_os_str().to_owned();
    packed.push(PACKED);
    packed.into()
}

/// Packs the bytes of a sealed segment.
///
/// # Errors
/// Whatever the compressor says.
pub fn pack(segment: &[u8]) -> io::Result<Vec<u8>> {
    let mut compressor = zstd::bulk::Compressor::new(LEVEL)?;
    compressor.include_checksum(true)?;
    let (mut packed, mut table) = (Vec::new(), Vec::new());
    for part in segment.chunks(FRAME) {
        let frame = compressor.compress(part)?;
        table.extend_from_slice(&length(frame.len())?);
        table.extend_from_slice(&length(part.len())?);
        packed.extend_from_slice(&frame);
    }
    packed.extend_from_slice(&SKIPPABLE_MAGIC.to_le_bytes());
    packed.extend_from_slice(&length(table.len() + FOOTER)?);
    packed.extend_from_slice(&table);
    packed.extend_from_slice(&length(table.len() / ENTRY)?);
    // The descriptor: no checksums in the table, the frames have their own.
    packed.push(0);
    packed.extend_from_slice(&SEEKABLE_MAGIC.to_le_bytes());
    Ok(packed)
}

fn length(len: usize) -> io::Result<[u8; 4]> {
    u32::try_from(len)
        .map(u32::to_le_bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "too long to be packed"))
}

/// The segment in `packed`.
///
/// # Errors
/// `InvalidData` if it is not one that was packed here, or was changed.
pub fn unpack(packed: &[u8]) -> io::Result<Vec<u8>> {
    let frames = frames(packed)?;
    let len: usize = frames.iter().map(|frame| frame.len).sum();
    let mut segment = Vec::with_capacity(len);
    let mut decompressor = zstd::bulk::Decompressor::new()?;
    for frame in &frames {
        let bytes = packed.get(frame.at..frame.at + frame.packed_len).ok_or_else(damaged)?;
        let part = decompressor
            .decompress(bytes, frame.len)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        if part.len() != frame.len {
            return Err(damaged());
        }
        segment.extend_from_slice(&part);
    }
    Ok(segment)
}

/// A frame: where it is, and how long its two forms are.
struct Frame {
    at: usize,
    packed_len: usize,
    len: usize,
}

fn frames(packed: &[u8]) -> io::Result<Vec<Frame>> {
    let number = |bytes: &[u8]| bytes.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
    let (rest, footer) =
        packed.len().checked_sub(FOOTER).map(|at| packed.split_at(at)).ok_or_else(damaged)?;
    let count = number(footer).ok_or_else(damaged)? as usize;
    if footer.get(4..) != Some(&[&[0][..], &SEEKABLE_MAGIC.to_le_bytes()].concat()) {
        return Err(damaged());
    }
    let table_len = count.checked_mul(ENTRY).ok_or_else(damaged)?;
    let (rest, table) =
        rest.len().checked_sub(table_len).map(|at| rest.split_at(at)).ok_or_else(damaged)?;
    let head = rest.len().checked_sub(8).and_then(|at| rest.get(at..)).ok_or_else(damaged)?;
    let is_table = number(head) == Some(SKIPPABLE_MAGIC)
        && head.get(4..).and_then(number) == u32::try_from(table_len + FOOTER).ok();
    if !is_table {
        return Err(damaged());
    }
    let (mut frames, mut at, mut whole) = (Vec::with_capacity(count), 0, 0);
    for entry in table.chunks_exact(ENTRY) {
        let (packed_len, len) = (number(entry), entry.get(4..).and_then(number));
        let (packed_len, len) = packed_len.zip(len).ok_or_else(damaged)?;
        frames.push(Frame { at, packed_len: packed_len as usize, len: len as usize });
        at += packed_len as usize;
        whole += u64::from(len);
        if len as usize > FRAME || whole > MAX_SEGMENT {
            return Err(damaged());
        }
    }
    // Every byte of the file is in a frame or in the table.
    if at + 8 == rest.len() { Ok(frames) } else { Err(damaged()) }
}

fn damaged() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "this is not a packed segment as it was written: its table does not fit it",
    )
}

/// Packs the sealed segment at `path` beside itself, reads it back, and removes the plain form.
/// What a crash leaves is one of the forms whole, or both. Returns how long the packed one is.
///
/// # Errors
/// Whatever the file system says; the plain form is there then.
pub fn pack_file(path: &Path) -> io::Result<u64> {
    let segment = fs::read(path)?;
    let packed = pack(&segment)?;
    let name = packed_path(path);
    let unnamed = name.with_extension("new");
    let file = OpenOptions::new().write(true).create(true).truncate(true).open(&unnamed)?;
    (&file).write_all(&packed)?;
    file.sync_all()?;
    // Nothing is removed on the word of the compressor.
    let mut written = vec![0; packed.len()];
    File::open(&unnamed)?.read_exact_at(&mut written, 0)?;
    if unpack(&written)? != segment {
        return Err(io::Error::other("the packed segment does not unpack to what it was made of"));
    }
    fs::rename(&unnamed, &name)?;
    sync_directory(path)?;
    fs::remove_file(path)?;
    sync_directory(path)?;
    Ok(packed.len() as u64)
}

/// Makes safe what names the directory of `path` has.
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

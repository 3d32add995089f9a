//! A record kept in memory: what a desk was told and what it answered, as the bytes of the journal.
//!
//! `Tape` writes it as the desk stage does, `replay` runs a fresh desk over it and compares every
//! byte (S15).

use xmc_hotpath::desk::{Desk, Outputs};
use xmc_hotpath::message::{DeskIdentity, Input};
use xmc_hotpath::record::frame::{self, Body, Image, Images, MAX_LEN, Writer};
use xmc_hotpath::record::{NoRoom, RecordSink};

/// Records of one desk, one after the other.
#[derive(Debug)]
pub struct Tape {
    writer: Writer,
    images: Vec<Image>,
    bytes: Vec<u8>,
    seq_no: u64,
}

impl Tape {
    /// An empty tape of a desk that knows `instruments` instruments.
    pub fn new(identity: DeskIdentity, instruments: usize) -> Self {
        let images = vec![Image::EMPTY; instruments];
        Self { writer: Writer { identity }, images, bytes: Vec::new(), seq_no: 0 }
    }

    /// Adds an input and what followed from it.
    pub fn add(&mut self, input: &Input<'_>, outputs: &Outputs) {
        self.seq_no += 1;
        let mut buffer = [0; MAX_LEN];
        let mut images = Images::new(&mut self.images);
        let len = self.writer.input(self.seq_no, input, &mut images, &mut buffer);
        self.bytes.extend_from_slice(&buffer[..len.expect("a record fits into MAX_LEN")]);
        push_outputs(self.writer, self.seq_no, outputs, &mut self.bytes);
    }

    /// Everything written.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

fn push_outputs(writer: Writer, seq_no: u64, outputs: &Outputs, bytes: &mut Vec<u8>) {
    let mut buffer = [0; MAX_LEN];
    let mut index = 0;
    for order in outputs.orders() {
        index += 1;
        let len = writer.order(seq_no, index, order, &mut buffer);
        bytes.extend_from_slice(&buffer[..len.expect("a record fits into MAX_LEN")]);
    }
    for detail in outputs.details() {
        index += 1;
        let len = writer.detail(seq_no, index, detail, &mut buffer);
        bytes.extend_from_slice(&buffer[..len.expect("a record fits into MAX_LEN")]);
    }
}

/// Runs `desk`, which is fresh, over the inputs of a record and compares what it says with what was
/// recorded. Returns the inputs replayed.
///
/// # Errors
/// Where the record cannot be read, or what differs.
pub fn replay(bytes: &[u8], instruments: usize, desk: &mut Desk<'_>) -> Result<u64, String> {
    replay_watched(bytes, instruments, desk, |_, _, _| Ok(()))
}

/// As `replay`, and shows `watch` each input, what followed from it, and the desk after it.
///
/// # Errors
/// Where the record cannot be read, what differs, or what `watch` says.
pub fn replay_watched(
    bytes: &[u8],
    instruments: usize,
    desk: &mut Desk<'_>,
    mut watch: impl FnMut(&Input<'_>, &Outputs, &Desk<'_>) -> Result<(), String>,
) -> Result<u64, String> {
    let writer = Writer { identity: desk.identity() };
    let mut rows = vec![Image::EMPTY; instruments];
    let mut images = Images::new(&mut rows);
    let mut outputs = Outputs::new();
    let mut expected: Vec<u8> = Vec::new();
    let mut rest = bytes;
    let mut inputs = 0;
    while !rest.is_empty() {
        let at = bytes.len() - rest.len();
        let unreadable = |error| format!("record at byte {at} cannot be read: {error:?}");
        let (header, body, after) = frame::split(rest).map_err(unreadable)?;
        let record = &rest[..rest.len() - after.len()];
        rest = after;
        match frame::decode(header, body, &mut images).map_err(unreadable)? {
            Body::Input(input) => {
                if !expected.is_empty() {
                    return Err(format!("input {inputs}: the replay says more than the record"));
                }
                inputs += 1;
                if header.seq_no != inputs {
                    return Err(format!("input {inputs} has the number {}", header.seq_no));
                }
                desk.on(&input.as_input(), &mut outputs);
                push_outputs(writer, inputs, &outputs, &mut expected);
                watch(&input.as_input(), &outputs, desk)?;
            }
            Body::Order(_) | Body::Detail(_) => {
                if !expected.starts_with(record) {
                    return Err(format!("input {inputs}, output {}: differs", header.index));
                }
                expected.drain(..record.len());
            }
            Body::Start(_) => {}
        }
    }
    if expected.is_empty() { Ok(inputs) } else { Err("the record ends too early".to_owned()) }
}

/// A record sink in memory, for stages that run in the simulator. It can be made to look full.
#[derive(Debug, Default)]
pub struct TapeSink {
    bytes: Vec<u8>,
    published: usize,
    /// What `used_pct` says.
    pub used_pct: u8,
    /// Takes nothing while set.
    pub is_full: bool,
}

impl TapeSink {
    /// What is visible to a reader.
    pub fn published(&self) -> &[u8] {
        &self.bytes[..self.published]
    }
}

impl RecordSink for TapeSink {
    fn has_room(&mut self, _bytes: usize) -> bool {
        !self.is_full
    }

    fn used_pct(&mut self) -> u8 {
        self.used_pct
    }

    fn stage(&mut self, record: &[u8]) -> Result<(), NoRoom> {
        self.bytes.extend_from_slice(record);
        Ok(())
    }

    fn publish(&mut self) {
        self.published = self.bytes.len();
    }
}

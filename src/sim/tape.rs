//! A record kept in memory: what a desk was told and what it answered, as the bytes of the journal.
//!
//! `Tape` writes it as the desk stage does, `replay` runs a fresh desk over it and compares every
//! byte (S15).

use crate::engine::memory::DeskSize;
use xmc_hotpath::desk::{Desk, Outputs, Storage};
use xmc_hotpath::message::{DeskIdentity, Input};
use xmc_hotpath::record::codec::{Decoder, Encoder};
use xmc_hotpath::record::frame::{
    self, Body, Image, Images, LOGIC_VERSION, MAX_LEN, Start, Writer,
};
use xmc_hotpath::record::{NoRoom, RecordSink};
use xmc_hotpath::time::{MonoNs, UnixNs};

/// How a journal of what a tape holds begins: a desk of that size, told by no file.
pub fn start(identity: DeskIdentity, size: DeskSize, now: MonoNs) -> Start {
    Start {
        identity,
        logic_version: LOGIC_VERSION,
        now,
        utc: UnixNs(0),
        config_digest: [0; 32],
        arenas: size.arenas(),
    }
}

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
    watch: impl FnMut(&Input<'_>, &Outputs, &Desk<'_>) -> Result<(), String>,
) -> Result<u64, String> {
    let mut images = vec![Image::EMPTY; instruments];
    let mut replay = Replay::new(bytes, &mut images);
    replay.run(desk, u64::MAX, watch)?;
    replay.end()
}

/// As `replay`, but behind input `at` the desk is saved, and one that is restored into `storage`
/// goes on. Gives the state that it ends in.
///
/// # Errors
/// Where the record cannot be read, or what differs.
pub fn replay_restored(
    bytes: &[u8],
    instruments: usize,
    mut desk: Desk<'_>,
    storage: Storage<'_>,
    at: u64,
) -> Result<Vec<u8>, String> {
    let mut images = vec![Image::EMPTY; instruments];
    let mut replay = Replay::new(bytes, &mut images);
    replay.run(&mut desk, at, |_, _, _| Ok(()))?;
    let saved = state(&desk);
    let restored = Desk::restore(desk.identity(), storage, &mut Decoder::new(&saved));
    let mut desk = restored.ok_or("a state that was saved does not restore")?;
    if state(&desk) != saved {
        return Err("a desk that was restored stands elsewhere".to_owned());
    }
    replay.run(&mut desk, u64::MAX, |_, _, _| Ok(()))?;
    replay.end()?;
    Ok(state(&desk))
}

/// The whole state of a desk.
pub fn state(desk: &Desk<'_>) -> Vec<u8> {
    let mut state = vec![0; 1 << 18];
    loop {
        let mut out = Encoder::new(&mut state);
        desk.save(&mut out);
        if let Some(len) = out.written() {
            state.truncate(len);
            return state;
        }
        state.resize(state.len() * 2, 0);
    }
}

/// A record that desks are run over.
struct Replay<'r> {
    bytes: &'r [u8],
    rest: &'r [u8],
    images: Images<'r>,
    /// What the record has still to show.
    expected: Vec<u8>,
    inputs: u64,
}

impl<'r> Replay<'r> {
    fn new(bytes: &'r [u8], images: &'r mut [Image]) -> Self {
        let images = Images::new(images);
        Self { bytes, rest: bytes, images, expected: Vec::new(), inputs: 0 }
    }

    /// Runs `desk` up to input `last` and what follows from it.
    fn run(
        &mut self,
        desk: &mut Desk<'_>,
        last: u64,
        mut watch: impl FnMut(&Input<'_>, &Outputs, &Desk<'_>) -> Result<(), String>,
    ) -> Result<(), String> {
        let writer = Writer { identity: desk.identity() };
        let mut outputs = Outputs::new();
        while !self.rest.is_empty() {
            let at = self.bytes.len() - self.rest.len();
            let unreadable = |error| format!("record at byte {at} cannot be read: {error:?}");
            let (header, body, after) = frame::split(self.rest).map_err(unreadable)?;
            if header.kind.is_input() && self.inputs >= last {
                return Ok(());
            }
            let record = &self.rest[..self.rest.len() - after.len()];
            self.rest = after;
            match frame::decode(header, body, &mut self.images).map_err(unreadable)? {
                Body::Input(input) => {
                    let inputs = self.inputs;
                    if !self.expected.is_empty() {
                        return Err(format!(
                            "input {inputs}: the replay says more than the record"
                        ));
                    }
                    self.inputs += 1;
                    if header.seq_no != self.inputs {
                        let found = header.seq_no;
                        return Err(format!("input {} has the number {found}", inputs + 1));
                    }
                    desk.on(&input.as_input(), &mut outputs);
                    push_outputs(writer, self.inputs, &outputs, &mut self.expected);
                    watch(&input.as_input(), &outputs, desk)?;
                }
                Body::Order(_) | Body::Detail(_) => {
                    if !self.expected.starts_with(record) {
                        let inputs = self.inputs;
                        return Err(format!("input {inputs}, output {}: differs", header.index));
                    }
                    self.expected.drain(..record.len());
                }
                Body::Start(_) => {}
            }
        }
        Ok(())
    }

    /// The inputs replayed, if nothing is missing.
    fn end(self) -> Result<u64, String> {
        if self.expected.is_empty() {
            Ok(self.inputs)
        } else {
            Err("the record ends too early".to_owned())
        }
    }
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

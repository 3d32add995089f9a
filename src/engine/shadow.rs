//! A second desk that is fed the record of the first, and must do the same.
//!
//! The record holds everything that a desk was ever told, so whoever reads it has the desk's whole
//! state, away from the hot core: screens look at a shadow, never at the desk itself. And because
//! the same inputs must give the same outputs, byte for byte, a shadow is also a proof that runs
//! along: the first difference is found. Called by `replay`, and by `live` for what people see.

use super::memory::{DeskMemory, DeskSize, images};
use std::collections::VecDeque;
use xmc_hotpath::desk::{Desk, Outputs};
use xmc_hotpath::message::DeskIdentity;
use xmc_hotpath::record::codec::{Decoder, Encoder, Field};
use xmc_hotpath::record::frame::{
    self, Body, FrameError, HEADER_LEN, Header, Image, Images, Kind, MAX_LEN, OwnedInput, Writer,
};
use xmc_hotpath::time::MonoNs;

/// The first place where the shadow did something else than the record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The input that it follows from.
    pub seq_no: u64,
    /// Number of the output; 0 is the input itself.
    pub index: u16,
    /// What the record holds; `None` if it holds nothing there.
    pub recorded: Option<Vec<u8>>,
    /// What the shadow gave; `None` if it gave nothing there.
    pub replayed: Option<Vec<u8>>,
}

/// Bytes that a state is first thought to take.
const LEAST_STATE: usize = 1 << 20;

/// What a shadow works in.
#[derive(Debug)]
pub struct ShadowMemory {
    desk: DeskMemory,
    read: Vec<Image>,
    written: Vec<Image>,
}

impl ShadowMemory {
    /// Memory for the shadow of a desk of that size.
    #[must_use]
    pub fn new(size: DeskSize) -> Self {
        Self {
            desk: DeskMemory::new(size),
            read: images(size.instruments),
            written: images(size.instruments),
        }
    }
}

/// A desk that follows a record, and what it did that the record has still to show.
pub struct Shadow<'a> {
    desk: Desk<'a>,
    outputs: Outputs,
    writer: Writer,
    read: Images<'a>,
    written: Images<'a>,
    expected: VecDeque<Vec<u8>>,
    now: MonoNs,
}

impl<'a> Shadow<'a> {
    /// The shadow of `identity`'s desk at the start of its run.
    #[must_use]
    pub fn new(identity: DeskIdentity, memory: &'a mut ShadowMemory) -> Self {
        Self {
            desk: Desk::new(identity, memory.desk.lend()),
            outputs: Outputs::new(),
            writer: Writer { identity },
            read: Images::new(&mut memory.read),
            written: Images::new(&mut memory.written),
            expected: VecDeque::new(),
            now: MonoNs(0),
        }
    }

    /// The shadow that `state` was saved of; `None` if it is not the state of one with this much
    /// memory.
    #[must_use]
    pub fn restore(
        identity: DeskIdentity,
        memory: &'a mut ShadowMemory,
        state: &[u8],
    ) -> Option<Self> {
        let mut input = Decoder::new(state);
        let now = MonoNs::take(&mut input)?;
        let desk = Desk::restore(identity, memory.desk.lend(), &mut input)?;
        let mut read = Images::new(&mut memory.read);
        read.load(&mut input)?;
        let mut written = Images::new(&mut memory.written);
        written.load(&mut input)?;
        input.rest().is_empty().then_some(Self {
            desk,
            outputs: Outputs::new(),
            writer: Writer { identity },
            read,
            written,
            expected: VecDeque::new(),
            now,
        })
    }

    /// Everything that it has to be restored from, into `state`; `false` while outputs of the last
    /// input are still to come. Equal states are equal bytes.
    pub fn save(&self, state: &mut Vec<u8>) -> bool {
        if !self.expected.is_empty() {
            return false;
        }
        loop {
            // As long as it was the last time, or twice as long.
            state.resize(state.capacity().max(LEAST_STATE), 0);
            let mut out = Encoder::new(state);
            self.now.put(&mut out);
            self.desk.save(&mut out);
            self.read.save(&mut out);
            self.written.save(&mut out);
            if let Some(len) = out.written() {
                state.truncate(len);
                return true;
            }
            state.reserve(state.len());
        }
    }

    /// Whose desk it is the shadow of.
    #[must_use]
    pub fn identity(&self) -> DeskIdentity {
        self.desk.identity()
    }

    /// The desk, as it was after the last input that was read.
    #[must_use]
    pub fn desk(&self) -> &Desk<'a> {
        &self.desk
    }

    /// The moment of that input, on the clock of the desk's engine.
    #[must_use]
    pub fn now(&self) -> MonoNs {
        self.now
    }

    /// Follows one record of the run, behind its start: `whole` is all of its bytes. Gives what it
    /// says, and the first difference: after one the shadow is no shadow any more.
    ///
    /// # Errors
    /// The record does not read as one.
    pub fn take(
        &mut self,
        header: Header,
        body: &[u8],
        whole: &[u8],
    ) -> Result<(Body, Option<Difference>), FrameError> {
        let body = frame::decode(header, body, &mut self.read)?;
        let difference = match &body {
            Body::Input(input) => self.input(header.seq_no, input, whole),
            Body::Order(_) | Body::Detail(_) => self.output(whole),
            Body::Start(_) => None,
        };
        Ok((body, difference))
    }

    /// Outputs of the last input that the record does not show.
    #[must_use]
    pub fn unwritten(&self) -> usize {
        self.expected.len()
    }

    /// An order among them: it would have left without a record of it.
    #[must_use]
    pub fn unwritten_order(&self) -> Option<Difference> {
        let mut orders = self.expected.iter().filter(|record| record[2] == Kind::Order.code());
        orders.next().map(|order| difference(None, Some(order)))
    }

    /// Feeds an input; what it causes is expected next.
    fn input(&mut self, seq_no: u64, input: &OwnedInput, recorded: &[u8]) -> Option<Difference> {
        if let Some(missing) = self.expected.pop_front() {
            return Some(difference(None, Some(&missing)));
        }
        let input = input.as_input();
        let mut buffer = [0; MAX_LEN];
        let len = self.writer.input(seq_no, &input, &mut self.written, &mut buffer);
        let written = &buffer[..len.unwrap_or(0)];
        if written != recorded {
            return Some(difference(Some(recorded), Some(written)));
        }
        self.now = input.now;
        self.desk.on(&input, &mut self.outputs);
        let mut index = 0;
        for order in self.outputs.orders() {
            index += 1;
            let len = self.writer.order(seq_no, index, order, &mut buffer);
            self.expected.push_back(buffer[..len.unwrap_or(0)].to_vec());
        }
        for detail in self.outputs.details() {
            index += 1;
            let len = self.writer.detail(seq_no, index, detail, &mut buffer);
            self.expected.push_back(buffer[..len.unwrap_or(0)].to_vec());
        }
        None
    }

    /// Compares an output with what is expected.
    fn output(&mut self, recorded: &[u8]) -> Option<Difference> {
        match self.expected.pop_front() {
            Some(expected) if expected == recorded => None,
            other => Some(difference(Some(recorded), other.as_deref())),
        }
    }
}

fn difference(recorded: Option<&[u8]>, replayed: Option<&[u8]>) -> Difference {
    let place = recorded.or(replayed).unwrap_or(&[0; HEADER_LEN]);
    let header = frame::split(place).map(|(header, _, _)| header);
    Difference {
        seq_no: header.map_or(0, |header| header.seq_no),
        index: header.map_or(0, |header| header.index),
        recorded: recorded.map(<[u8]>::to_vec),
        replayed: replayed.map(<[u8]>::to_vec),
    }
}

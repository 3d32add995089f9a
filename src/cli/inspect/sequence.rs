//! How packets of one group follow each other. For one line as captured: lines are not arbitrated.

/// How a packet stands to those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The first, or the next.
    Next,
    /// Packets before it are missing.
    Gap {
        /// How many.
        missing: u32,
    },
    /// Not beyond the last: repeated or late.
    Repeated,
    /// Counting began again at 1: a new week, or the next loop of a replay group.
    Restart,
}

/// The sequence numbers of one group.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sequence {
    last: Option<u32>,
}

impl Sequence {
    /// The last number that was not a repetition.
    pub fn last(&self) -> Option<u32> {
        self.last
    }

    /// Takes the number of the next packet.
    pub fn step(&mut self, seq_no: u32) -> Step {
        let step = match self.last {
            None => Step::Next,
            Some(last) if seq_no > last => match seq_no - last - 1 {
                0 => Step::Next,
                missing => Step::Gap { missing },
            },
            Some(last) if seq_no == 1 && last != 1 => Step::Restart,
            Some(_) => return Step::Repeated,
        };
        self.last = Some(seq_no);
        step
    }
}

//! Whether the records of a journal make sense one after the other.

use xmc_hotpath::message::DeskIdentity;
use xmc_hotpath::record::frame::{self, Body, FrameError, Header, Image, Images, Kind, OwnedInput};

use crate::journal::Place;

/// Instruments whose quotes are decoded; a journal whose start says more is not read.
const MAX_INSTRUMENTS: u32 = 1 << 17;

/// Why a record does not belong where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// It is not a record.
    #[error("this does not read as a record ({0:?})")]
    Frame(FrameError),
    /// It is another desk's.
    #[error("this record is of site {}, desk {}, not of this journal's desk", site, desk)]
    OtherDesk {
        /// Its site.
        site: u8,
        /// Its desk.
        desk: u8,
    },
    /// A run does not begin with its start.
    #[error("a run begins with its start, this is {}", .0.word())]
    NoStart(Kind),
    /// A start in the middle of a run.
    #[error("this start of run {said} is not the first record of a later run than {after}")]
    Start {
        /// The run that it says.
        said: u16,
        /// The run of the segment, or the one before.
        after: u16,
    },
    /// Sequence numbers are missing or repeated.
    #[error(
        "after {}.{} comes {}.{}: records are missing or repeated",
        after.0, after.1, found.0, found.1
    )]
    Hole {
        /// The record before.
        after: Place,
        /// This one.
        found: Place,
    },
    /// An output whose input is not before it.
    #[error("output {}.{} has no input before it: the last one is {}", found.0, found.1, after.0)]
    NoInput {
        /// The record before.
        after: Place,
        /// This one.
        found: Place,
    },
    /// Time goes backwards.
    #[error("this input is {by_ns} ns before the one before it")]
    Time {
        /// By how much.
        by_ns: u64,
    },
    /// The start asks for more rows than anyone has.
    #[error("the start says {0} instruments, more than the {MAX_INSTRUMENTS} that can be read")]
    Instruments(u32),
}

impl Wrong {
    /// Its word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Frame(_) => "frame",
            Self::OtherDesk { .. } => "other_desk",
            Self::NoStart(_) => "no_start",
            Self::Start { .. } => "start",
            Self::Hole { .. } => "hole",
            Self::NoInput { .. } => "no_input",
            Self::Time { .. } => "time",
            Self::Instruments(_) => "instruments",
        }
    }
}

/// What a record turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Is {
    /// Something that the desk was told.
    Input,
    /// An order.
    Order,
    /// A detail.
    Detail,
    /// The start of a run.
    Start,
}

/// Follows the records of a desk.
pub struct Follower {
    identity: DeskIdentity,
    images: Vec<Image>,
    last: Option<Place>,
    now_ns: u64,
    /// The run is followed from its start, so every quote has its base.
    is_whole: bool,
    has_order: bool,
    has_detail: bool,
    /// Quotes that could not be decoded because the journal starts in the middle of a run.
    pub undecoded: u64,
}

impl Follower {
    /// Follows the records of the run `identity`. `is_whole` says that its start must be first.
    pub fn new(identity: DeskIdentity, is_whole: bool) -> Self {
        let rows = if is_whole { 0 } else { MAX_INSTRUMENTS as usize };
        Self {
            identity,
            images: vec![Image::EMPTY; rows],
            last: None,
            now_ns: 0,
            is_whole,
            has_order: false,
            has_detail: false,
            undecoded: 0,
        }
    }

    /// The run that is followed.
    pub fn identity(&self) -> DeskIdentity {
        self.identity
    }

    /// The last record.
    pub fn last(&self) -> Option<Place> {
        self.last
    }

    /// Whether the last input has orders and nothing that explains them: the process died between
    /// the two. Legal at the end of a run, and only there.
    pub fn ends_without_details(&self) -> bool {
        self.has_order && !self.has_detail
    }

    /// Takes the next record.
    pub fn take(&mut self, header: Header, body: &[u8]) -> Result<Is, Wrong> {
        if (header.site, header.desk) != (self.identity.site, self.identity.desk) {
            return Err(Wrong::OtherDesk { site: header.site.0, desk: header.desk.0 });
        }
        self.check_place(header)?;
        self.last = Some((header.seq_no, header.index));
        let body = match frame::decode(header, body, &mut Images::new(&mut self.images)) {
            Ok(body) => body,
            Err(FrameError::NoImage) if !self.is_whole => {
                self.undecoded += 1;
                return Ok(Is::Input);
            }
            Err(error) => return Err(Wrong::Frame(error)),
        };
        self.note(&body)
    }

    fn check_place(&self, header: Header) -> Result<(), Wrong> {
        let found = (header.seq_no, header.index);
        let Some(after) = self.last else {
            let starts = !self.is_whole || header.kind == Kind::Start;
            return if starts { Ok(()) } else { Err(Wrong::NoStart(header.kind)) };
        };
        if header.kind == Kind::Start {
            return Err(Wrong::Start { said: self.identity.run, after: self.identity.run });
        }
        if header.kind.is_output() && found.0 != after.0 {
            return Err(Wrong::NoInput { after, found });
        }
        let next = if header.kind.is_output() {
            after.1.checked_add(1).map(|index| (after.0, index))
        } else {
            after.0.checked_add(1).map(|seq_no| (seq_no, 0))
        };
        if next == Some(found) { Ok(()) } else { Err(Wrong::Hole { after, found }) }
    }

    fn note(&mut self, body: &Body) -> Result<Is, Wrong> {
        match body {
            Body::Start(start) => {
                if start.identity.run != self.identity.run {
                    let (said, after) = (start.identity.run, self.identity.run);
                    return Err(Wrong::Start { said, after });
                }
                let [instruments, ..] = start.arenas;
                if instruments > MAX_INSTRUMENTS {
                    return Err(Wrong::Instruments(instruments));
                }
                self.images = vec![Image::EMPTY; instruments as usize];
                self.is_whole = true;
                self.now_ns = start.now.0;
                Ok(Is::Start)
            }
            Body::Input(OwnedInput { now, .. }) => {
                if now.0 < self.now_ns {
                    return Err(Wrong::Time { by_ns: self.now_ns - now.0 });
                }
                self.now_ns = now.0;
                (self.has_order, self.has_detail) = (false, false);
                Ok(Is::Input)
            }
            Body::Order(_) => {
                self.has_order = true;
                Ok(Is::Order)
            }
            Body::Detail(_) => {
                self.has_detail = true;
                Ok(Is::Detail)
            }
        }
    }
}

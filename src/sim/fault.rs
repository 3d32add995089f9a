//! The faults that a schedule may have, how often each is tried, and how often it struck where.
//!
//! Names and numbers (F1 to F50) are those of the reliability page.

use super::situation::{SITUATIONS, Situation};

macro_rules! faults {
    ($($(#[$meta:meta])* $name:ident $word:literal,)*) => {
        /// One kind of fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Fault {
            $($(#[$meta])* $name,)*
        }

        impl Fault {
            /// All of them, in the order of their numbers in a mask.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Its word in reports.
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }
    };
}

faults! {
    /// A quote comes with a gap in the instrument's own sequence (F3).
    GappedQuote "gapped_quote",
    /// Bid at or above ask (F15).
    InsaneQuote "insane_quote",
    /// One side of the book is empty (F15, F32).
    OneSidedBook "one_sided_book",
    /// Quotes come late, with their true receive stamp (F11).
    LateQuote "late_quote",
    /// A channel loses packets on both lines and recovers later (F3, F13).
    SuspectChannel "suspect_channel",
    /// A channel falls silent for long (F11, F12).
    SilentChannel "silent_channel",
    /// A quote of an old epoch arrives after its channel was suspect (F6, F14).
    OldEpoch "old_epoch",
    /// The venue refuses an order (F28).
    Reject "reject",
    /// An order is filled in part (F30).
    PartialFill "partial_fill",
    /// An order finds nothing (F30).
    NoFill "no_fill",
    /// A fill comes in many small ones.
    ManyFills "many_fills",
    /// The venue answers after the desk's patience has ended (F22).
    LateAck "late_ack",
    /// A fill is told before the acknowledgement, which may never come.
    FillBeforeAck "fill_before_ack",
    /// The venue takes an accepted order back with a reject.
    RejectAfterAck "reject_after_ack",
    /// The venue cancels an order that nobody asked it to (F28).
    UnsolicitedCancel "unsolicited_cancel",
    /// A fill happens while a cancel is on its way (F24).
    FillDuringCancel "fill_during_cancel",
    /// The venue fills what it has said to be cancelled (F24).
    FillAfterCancel "fill_after_cancel",
    /// The venue refuses a cancel and keeps the order.
    CancelRefused "cancel_refused",
    /// A fill is taken back (F27).
    Bust "bust",
    /// More is filled than was asked for (F26).
    Overfill "overfill",
    /// A fill beyond the limit price (F26).
    WorsePrice "worse_price",
    /// A fill on the other side (F26).
    WrongSide "wrong_side",
    /// A report names an order that this desk never had (F25).
    ForeignReport "foreign_report",
    /// A report is lost; the session finds the gap and has it sent again (F21).
    LostReport "lost_report",
    /// A report overtakes others.
    Overtaking "overtaking",
    /// A report comes twice (F23).
    DuplicateReport "duplicate_report",
    /// The session breaks: what is on the way is lost (F19, F20).
    Disconnect "disconnect",
    /// After a break the missed reports are never sent again.
    Amnesia "amnesia",
    /// The venue goes on trading and says nothing (F21, F34).
    SilentVenue "silent_venue",
    /// A command is torn by a break: the gateway cannot tell whether it left.
    TornSend "torn_send",
    /// UTC jumps (F16, F17).
    ClockStep "clock_step",
    /// The desk is called later than it asked for.
    LateTick "late_tick",
    /// A gateway's ring is nearly full (F41).
    FullRing "full_ring",
    /// The record ring is nearly full (F41).
    FullRecord "full_record",
    /// An operator kills (F50).
    Kill "kill",
    /// An operator sends `NO_NEW`, then arms again.
    NoNew "no_new",
    /// An operator disables a spread and enables it again.
    Toggle "toggle",
    /// An operator clears a halted spread.
    ClearHalt "clear_halt",
    /// Limits and levels change while the desk runs.
    Respecify "respecify",
}

/// Kinds of faults.
pub const FAULTS: usize = Fault::ALL.len();
const _: () = assert!(FAULTS <= 64);

/// How often each fault strikes, in parts per million of its occasions, and how often it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults {
    rates_ppm: [u32; FAULTS],
    hits: Hits,
    situation: Situation,
}

impl Default for Faults {
    fn default() -> Self {
        let situation = Situation::default();
        Self { rates_ppm: [0; FAULTS], hits: Hits::default(), situation }
    }
}

impl Faults {
    /// Sets how often `fault` strikes.
    pub fn set(&mut self, fault: Fault, rate_ppm: u32) {
        self.rates_ppm[fault as usize] = rate_ppm;
    }

    /// How often `fault` strikes.
    pub fn rate_ppm(&self, fault: Fault) -> u32 {
        self.rates_ppm[fault as usize]
    }

    /// Keeps only the faults of `mask` (bit `n` is `Fault::ALL[n]`).
    pub fn keep(&mut self, mask: u64) {
        for fault in Fault::ALL {
            if mask >> (*fault as u32) & 1 == 0 {
                self.set(*fault, 0);
            }
        }
    }

    /// The faults that may strike, as a mask.
    pub fn mask(&self) -> u64 {
        let bit = |fault: &&Fault| 1 << (**fault as u32);
        Fault::ALL.iter().filter(|fault| self.rate_ppm(**fault) > 0).map(|fault| bit(&fault)).sum()
    }

    /// Whether `fault` strikes now. Draws a number either way, so that dropping one fault leaves
    /// the course of the others as it was.
    pub fn strikes(&mut self, fault: Fault, rng: &mut fastrand::Rng) -> bool {
        let is_hit = rng.u32(..1_000_000) < self.rate_ppm(fault);
        if is_hit {
            self.hits.0[fault as usize][self.situation.index()] += 1;
        }
        is_hit
    }

    /// From now on the desk stands there.
    pub fn stand(&mut self, situation: Situation) {
        self.situation = situation;
    }

    /// How often each struck.
    pub fn hits(&self) -> &Hits {
        &self.hits
    }
}

/// How often each fault struck, by the situation that the desk was in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hits([[u64; SITUATIONS]; FAULTS]);

impl Default for Hits {
    fn default() -> Self {
        Self([[0; SITUATIONS]; FAULTS])
    }
}

impl Hits {
    /// Adds those of `other`.
    pub fn add(&mut self, other: &Self) {
        for (sum, more) in self.0.as_flattened_mut().iter_mut().zip(other.0.as_flattened()) {
            *sum += more;
        }
    }

    /// How often `fault` struck.
    pub fn of(&self, fault: Fault) -> u64 {
        self.0[fault as usize].iter().sum()
    }

    /// How often `fault` struck while the desk stood there.
    pub fn at(&self, fault: Fault, situation: Situation) -> u64 {
        self.0[fault as usize][situation.index()]
    }

    /// Each fault and how often it struck.
    pub fn iter(&self) -> impl Iterator<Item = (Fault, u64)> + '_ {
        Fault::ALL.iter().map(|fault| (*fault, self.of(*fault)))
    }
}

//! Counters that one hot core writes and the cold side reads, what says of them what they mean, and
//! the seam for latency recorders.
//!
//! A struct of counters is declared by `counters!`: the sentence above a field is what a person
//! reads of it in `xmc dump`, so one without a sentence does not compile. Where the struct lies is
//! the cold side's choice: in a file that other processes read, or in memory of this one.

use crate::time::Span;
use core::sync::atomic::{AtomicU64, Ordering};

/// A count with one writer. Reading it costs the writer at most a cache miss.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Starts at zero.
    #[must_use]
    pub const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Adds `n`. Only the owning core may call it: load and store, not a locked add.
    #[inline(always)]
    pub fn add(&self, n: u64) {
        // Relaxed: a count orders nothing else.
        self.set(self.get().wrapping_add(n));
    }

    /// Sets the count.
    #[inline(always)]
    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// The count.
    #[inline(always)]
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a counter's word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows.
    Count,
    /// How things stand now.
    Gauge,
    /// The bits of an `i64`: how things stand now, on either side of zero.
    Signed,
    /// The most that there was.
    HighWater,
    /// Ticks of the engine's counter that were spent; it only grows.
    Ticks,
    /// A tick of the engine's counter: when something was last so; 0: never.
    Moment,
    /// The place of a word among those of the unit, which a `|` divides.
    Word,
}

/// What lies in a type of counters.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// One counter.
    Counter,
    /// Fields.
    Fields(&'static [Field]),
    /// So many of the same, this many bytes from one to the next.
    List(&'static Shape, usize, usize),
}

/// A field of a struct of counters.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// What it is called.
    pub name: &'static str,
    /// What it says, in a sentence.
    pub about: &'static str,
    /// What its counters are and what they count; `None` where the parts have their own.
    pub unit: Option<(Kind, &'static str)>,
    /// Bytes before it.
    pub offset: usize,
    /// What lies in it.
    pub shape: Shape,
}

/// Counters that may lie in memory that another process reads. `counters!` declares them.
///
/// # Safety
/// The type is made of `Counter`s alone, and padding: any bytes are one, and nobody reaches what
/// they mean but through atomics.
#[expect(unsafe_code, reason = "what may be shared with other processes is promised here")]
pub unsafe trait Counted {
    /// What lies where in it.
    const SHAPE: Shape;
}

#[expect(unsafe_code, reason = "as the trait has it")]
// SAFETY: it is one.
unsafe impl Counted for Counter {
    const SHAPE: Shape = Shape::Counter;
}

#[expect(unsafe_code, reason = "as the trait has it")]
// SAFETY: an array is its elements, and those are made of counters alone.
unsafe impl<T: Counted, const N: usize> Counted for [T; N] {
    const SHAPE: Shape = Shape::List(&T::SHAPE, N, size_of::<T>());
}

/// Declares a struct of counters: fields that are `Counted`, each with a sentence, and those that
/// are counters themselves with their kind and what they count.
#[macro_export]
macro_rules! counters {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $(
                $(#[doc = $about:literal])+
                $vis:vis $field:ident: $type:ty $(=> $kind:ident $unit:literal)?,
            )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Default)]
        #[repr(C)]
        pub struct $name {
            $($(#[doc = $about])+ $vis $field: $type,)+
        }

        #[expect(unsafe_code, reason = "as the trait has it")]
        // SAFETY: all of its fields are made of counters alone: each is `Counted`.
        unsafe impl $crate::counter::Counted for $name {
            const SHAPE: $crate::counter::Shape = $crate::counter::Shape::Fields(&[$(
                $crate::counter::Field {
                    name: stringify!($field),
                    about: concat!($($about),+),
                    unit: $crate::counters!(@unit $($kind $unit)?),
                    offset: core::mem::offset_of!($name, $field),
                    shape: <$type as $crate::counter::Counted>::SHAPE,
                },
            )+]);
        }
    };
    (@unit $kind:ident $unit:literal) => { Some(($crate::counter::Kind::$kind, $unit)) };
    (@unit) => { None };
}

/// Takes latencies from a hot core. Implementations are preallocated and never fail: a value out of
/// range is recorded at the edge and counted.
pub trait Recorder {
    /// Takes one.
    fn record(&mut self, span: Span);
}

/// Drops every latency: for tests and for cores that are not measured.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoRecorder;

impl Recorder for NoRecorder {
    #[inline(always)]
    fn record(&mut self, _span: Span) {}
}

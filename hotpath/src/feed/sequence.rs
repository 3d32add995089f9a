//! Packet sequence numbers: compared by distance, so that they may wrap.

/// The sequence number of a packet of one channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SeqNo(pub u32);

impl SeqNo {
    /// The number after this one.
    #[inline(always)]
    #[must_use]
    pub const fn next(self) -> Self {
        self.plus(1)
    }

    /// The number before this one.
    #[inline(always)]
    #[must_use]
    pub const fn before(self) -> Self {
        Self(self.0.wrapping_sub(1))
    }

    /// The number `distance` further on.
    #[inline(always)]
    #[must_use]
    pub const fn plus(self, distance: u32) -> Self {
        Self(self.0.wrapping_add(distance))
    }

    /// How far it is beyond `other`; below zero if before it. Numbers half the range apart are
    /// taken to be before.
    #[inline(always)]
    #[must_use]
    pub const fn beyond(self, other: Self) -> i32 {
        self.0.wrapping_sub(other.0).cast_signed()
    }

    /// Its place in a circle of `len` places, a power of two.
    #[inline(always)]
    pub(super) fn place(self, len: usize) -> usize {
        usize::try_from(self.0).unwrap_or(0) & len.wrapping_sub(1)
    }
}

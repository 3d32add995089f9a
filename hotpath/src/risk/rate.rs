//! Sliding windows: how many things happened in the last so many nanoseconds, exactly.

use crate::record::codec::fields;
use crate::time::{MonoNs, Span};

/// The moments of the last `N` things: a circle. `N`, a power of two, is the most that a limit can
/// be, plus one.
#[derive(Clone, Copy, Debug)]
pub struct RateWindow<const N: usize> {
    at: [MonoNs; N],
    next: usize,
}

fields! {
    RateWindow<const N: usize> {
        at: [MonoNs; N],
        next: usize,
    }
}

impl<const N: usize> RateWindow<N> {
    /// Nothing happened.
    pub const EMPTY: Self = {
        assert!(N.is_power_of_two(), "places are found by a mask");
        Self { at: [MonoNs(0); N], next: 0 }
    };
    const MASK: usize = N.wrapping_sub(1);

    /// Whether `count` more at `now` would be more than `limit` in the `window` that ends now. A
    /// window that cannot hold the limit has no room.
    #[inline]
    #[must_use]
    pub fn has_room(&self, count: u16, limit: u16, now: MonoNs, window: Span) -> bool {
        let Some(others) = limit.checked_sub(count).map(usize::from) else {
            return false;
        };
        if others >= N {
            return false;
        }
        // With `others` allowed besides, the one before those must lie outside the window.
        match self.back(others) {
            Some(MonoNs(0)) => true,
            Some(at) => now.since(at) >= window,
            None => false,
        }
    }

    /// How many happened in the `window` that ends at `now`.
    #[must_use]
    pub fn count(&self, now: MonoNs, window: Span) -> u16 {
        let happened = |at: &&MonoNs| **at != MonoNs(0) && now.since(**at) < window;
        u16::try_from(self.at.iter().filter(happened).count()).unwrap_or(u16::MAX)
    }

    /// One more happened at `now`.
    #[inline]
    pub fn push(&mut self, now: MonoNs) {
        if let Some(slot) = self.at.get_mut(self.next) {
            // 0 marks an empty slot; the first nanosecond counts as the second.
            *slot = now.max(MonoNs(1));
        }
        self.next = self.next.wrapping_add(1) & Self::MASK;
    }

    /// The moment `count` + 1 ago.
    #[inline]
    fn back(&self, count: usize) -> Option<MonoNs> {
        let index = self.next.wrapping_sub(count.wrapping_add(1)) & Self::MASK;
        self.at.get(index).copied()
    }
}

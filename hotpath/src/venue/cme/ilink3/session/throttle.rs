//! The session's own last line below the exchange's thresholds.
//!
//! CME counts messages of a session over three seconds: more than 500 orders and changes, or 1,000
//! cancels a second are rejected, 750 and 1,500 end the session (page "Messaging Controls",
//! 46924210). At most 80 % of what is rejected leaves here, whatever the desk's gates say; cancels
//! have a budget of their own, so that no burst of orders can keep one back.

use crate::time::UnixNs;

/// Orders and changes in a window: 80 % of 500 a second.
pub const MOST_ORDERS: u32 = 1_200;
/// Cancels in a window: 80 % of 1,000 a second.
pub const MOST_CANCELS: u32 = 2_400;

/// A step is 2^25 ns (34 ms): found by a shift.
const STEP_SHIFT: u32 = 25;
/// Steps that cover three seconds wherever in a step they begin.
const STEPS: u64 = 91;
const ROWS: usize = 128;
const _: () = assert!((STEPS - 1) << STEP_SHIFT >= 3_000_000_000 && STEPS < 128);

/// Messages of the last three seconds, or a little longer: counts by step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Throttle {
    counts: [u16; ROWS],
    total: u32,
    step: u64,
}

impl Throttle {
    pub const EMPTY: Self = Self { counts: [0; ROWS], total: 0, step: 0 };

    /// Whether one more may leave.
    #[inline]
    pub fn has_room(&mut self, most: u32, utc: UnixNs) -> bool {
        let step = utc.0 >> STEP_SHIFT;
        if step > self.step {
            self.go_on(step);
        }
        self.total < most
    }

    /// One leaves, for which there was room.
    #[inline]
    pub fn push(&mut self) {
        if let Some(count) = row(&mut self.counts, self.step) {
            *count = count.saturating_add(1);
            self.total = self.total.saturating_add(1);
        }
    }

    /// Time has gone on. A clock that is set back waits for itself.
    fn go_on(&mut self, step: u64) {
        if step.wrapping_sub(self.step) >= STEPS {
            *self = Self { step, ..Self::EMPTY };
            return;
        }
        while self.step < step {
            self.step = self.step.wrapping_add(1);
            if let Some(count) = row(&mut self.counts, self.step.wrapping_sub(STEPS)) {
                self.total = self.total.saturating_sub(u32::from(*count));
                *count = 0;
            }
        }
    }
}

#[inline]
fn row(counts: &mut [u16; ROWS], step: u64) -> Option<&mut u16> {
    counts.get_mut(usize::try_from(step).ok()? % ROWS)
}

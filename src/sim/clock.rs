//! Virtual time: it moves only when the simulator moves it.

use std::cell::Cell;

use xmc_hotpath::time::{Clock, MonoNs, Span};

/// A clock that stands still until it is told to go on. Stages borrow it.
#[derive(Debug, Default)]
pub struct VirtualClock(Cell<u64>);

impl VirtualClock {
    /// Starts at `now`.
    pub fn new(now: MonoNs) -> Self {
        Self(Cell::new(now.0))
    }

    /// Goes on to `moment`; never back.
    pub fn advance_to(&self, moment: MonoNs) {
        self.0.set(self.0.get().max(moment.0));
    }

    /// Goes on by `span`.
    pub fn advance(&self, span: Span) {
        self.advance_to(self.now().after(span));
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> MonoNs {
        MonoNs(self.0.get())
    }
}

//! The price limits that a venue has told, where whoever tells the desk looks for them.
//!
//! The last ones hold until others are told: a channel reset does not lift a limit. Written by the
//! replica, which knows them from the feed and from snapshots; read by `engine::limits`.

use crate::counters::Placed;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Mutex;
use xmc_hotpath::book::PriceLimits;
use xmc_hotpath::counter::Counter;
use xmc_hotpath::counters;
use xmc_hotpath::message::InstrumentIndex;

counters! {
    /// How often limits were told.
    #[repr(align(128))]
    pub struct LimitCounters {
        /// Times that a price limit that the venue told became another.
        pub changes: Counter => Count "times",
    }
}

/// The limits of a feed's instruments.
#[derive(Debug, Default)]
pub struct ToldLimits {
    counters: Placed<LimitCounters>,
    /// By row of the desk's table.
    known: Mutex<BTreeMap<u32, PriceLimits>>,
}

impl Deref for ToldLimits {
    type Target = LimitCounters;

    fn deref(&self) -> &LimitCounters {
        &self.counters
    }
}

impl ToldLimits {
    /// None told yet; they are counted there.
    pub(super) fn counting_in(counters: Placed<LimitCounters>) -> Self {
        Self { counters, ..Self::default() }
    }

    /// Notes those of an instrument, if any were told.
    ///
    /// # Panics
    /// Never: nobody panics with them.
    pub fn note(&self, instrument: InstrumentIndex, limits: PriceLimits) {
        if (limits.high_e9, limits.low_e9) == (None, None) {
            return;
        }
        let mut known = self.known.lock().expect("nobody panics with it");
        if known.insert(instrument.0, limits) != Some(limits) {
            self.changes.add(1);
        }
    }

    /// All that are known, by row of the desk's table.
    ///
    /// # Panics
    /// Never: nobody panics with them.
    #[must_use]
    pub fn known(&self) -> BTreeMap<u32, PriceLimits> {
        self.known.lock().expect("nobody panics with it").clone()
    }
}

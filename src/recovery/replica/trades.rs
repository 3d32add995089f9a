//! The last trade of each instrument as its venue told it, for screens.
//!
//! The desk decides by books and is not told of trades; so they go from the replica straight to
//! whoever looks on.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use xmc_hotpath::book::Traded;
use xmc_hotpath::message::InstrumentIndex;

/// The last trades of a feed's instruments.
#[derive(Debug, Default)]
pub struct ToldTrades {
    /// By row of the desk's table.
    last: Mutex<BTreeMap<u32, Traded>>,
}

impl ToldTrades {
    /// Notes that of an instrument; `None`: none was told, or it was taken back.
    pub fn note(&self, instrument: InstrumentIndex, last: Option<Traded>) {
        let mut known = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match last {
            Some(last) => known.insert(instrument.0, last),
            None => known.remove(&instrument.0),
        };
    }

    /// All that are known, by row of the desk's table.
    #[must_use]
    pub fn known(&self) -> BTreeMap<u32, Traded> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

//! A desk that is watched while it trades: its record is read on, and judged once all that was
//! there has been read.
//!
//! A record goes back over days. Until it is read, counts of today are not there, or are those of a
//! day that is over, and alerts would come and go with them. Called by `engine::alerting`.

use super::follow::Follow;
use super::judge::{Judged, judge};
use crate::config::Compliance;
use std::io;
use std::path::Path;
use xmc_hotpath::time::UnixNs;

/// One desk.
#[derive(Debug)]
pub struct Watch {
    config: Compliance,
    follow: Follow,
    has_caught_up: bool,
    is_lost: bool,
}

impl Watch {
    /// Of the record in `directory`, from its first segment on.
    ///
    /// # Errors
    /// The directory cannot be listed.
    pub fn new(directory: &Path, config: &Compliance) -> io::Result<Self> {
        let follow = Follow::new(directory, Some(config))?;
        Ok(Self { config: config.clone(), follow, has_caught_up: false, is_lost: false })
    }

    /// Reads at most so many blocks on. A record that does not read is not tried again.
    pub fn poll(&mut self, blocks: usize) {
        if self.is_lost {
            return;
        }
        match self.follow.poll(blocks) {
            Ok(has_more) => self.has_caught_up |= !has_more,
            Err(_) => self.is_lost = true,
        }
    }

    /// Whether the record did not read.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.is_lost
    }

    /// How what is counted stands to its thresholds; `None` while what was there is still read.
    #[must_use]
    pub fn judged(&self, now: UnixNs) -> Option<Vec<Judged>> {
        self.has_caught_up.then(|| judge(&self.config, self.follow.meters(), now))
    }
}
